//! Rules on pairs of sites, set aside until a solution breaks them.
//!
//! A rule on where two services may be together ties every site to every other, so that no site is
//! better than another and a look at all of them takes long. Nearly all of the rule is never needed:
//! what is best without it mostly keeps to it. So a look begins without such rules, and what of them a
//! solution breaks is put back, a row and a column of sites at a time. Whatever is still missing makes
//! the bound smaller and never wrong.

use std::collections::BTreeSet;

use coc_model::goals::Policy;

use crate::problem::{
    Combination, Formula, GroupId, Measure, Origin, PairTable, Problem, Requirement,
};
use crate::solution::Solution;

/// A rule that forbids pairs of sites to the items of two groups.
#[derive(Clone, Debug)]
pub(super) struct PairRule {
    between: (GroupId, GroupId),
    sites: usize,
    /// The pairs that it forbids, row by row.
    forbidden: Vec<bool>,
    /// Those of them that are back in the problem.
    back: BTreeSet<usize>,
    origin: Origin,
}

/// Takes the rules that do nothing but forbid pairs of sites out of a problem.
pub(super) fn set_aside(problem: &mut Problem) -> Vec<PairRule> {
    let mut aside = Vec::new();
    for requirement in std::mem::take(&mut problem.requirements) {
        if requirement.policy == Policy::Should {
            problem.requirements.push(requirement);
            continue;
        }
        let mut kept = Vec::new();
        for part in parts(&requirement) {
            match forbids(problem, part, &requirement.origin) {
                Some(rules) => aside.extend(rules),
                None => kept.push(part.clone()),
            }
        }
        if !kept.is_empty() {
            let formula = if kept.len() == 1 { kept.remove(0) } else { Formula::And(kept) };
            problem.requirements.push(Requirement { formula, ..requirement });
        }
    }
    aside
}

/// What has to hold of a requirement, each by itself; one thing for what is not of this kind.
fn parts(requirement: &Requirement) -> Vec<&Formula> {
    match &requirement.formula {
        Formula::And(parts) => parts.iter().collect(),
        whole => vec![whole],
    }
}

/// The pairs that a formula forbids, if that is all it does.
fn forbids(problem: &Problem, formula: &Formula, origin: &Origin) -> Option<Vec<PairRule>> {
    let Formula::AtMostZero(Combination { constant, terms }) = formula else { return None };
    let [(factor, measure)] = terms.as_slice() else { return None };
    if *factor <= 0 {
        return None;
    }
    let rule = |between: (GroupId, GroupId), table: &PairTable, most: i128| PairRule {
        between,
        sites: table.sites,
        forbidden: table.values.iter().map(|value| *value > most).collect(),
        back: BTreeSet::new(),
        origin: origin.clone(),
    };
    match &problem.measures[measure.0] {
        // A sum of numbers that are not negative.
        Measure::Pairs { between, table } if *constant == 0 => Some(vec![rule(*between, table, 0)]),
        Measure::LargestPair { between, table } if *constant <= 0 => {
            let most = constant.checked_neg()?.div_euclid(*factor);
            Some(between.iter().map(|pair| rule(*pair, table, most)).collect())
        }
        _ => None,
    }
}

impl PairRule {
    /// Puts back what a solution breaks of the rule; false if it breaks nothing.
    pub(super) fn learn(&mut self, problem: &Problem, solution: &Solution) -> bool {
        let (a, b) = self.between;
        let items = |of: GroupId| {
            solution.hosts.iter().enumerate().filter_map(move |(host, used)| {
                let (_, count) = used.holds.iter().find(|held| held.0 == of)?;
                Some((host, problem.options[used.option.0].site, *count))
            })
        };
        let mut broken = false;
        for (first, from, count) in items(a) {
            for (second, to, _) in items(b) {
                // An item is no pair with itself.
                let pair = a != b || first != second || count > 1;
                if pair && self.forbidden[from * self.sites + to] {
                    broken = true;
                    self.put_back(from, to);
                }
            }
        }
        broken
    }

    fn put_back(&mut self, from: usize, to: usize) {
        let row = (0..self.sites).map(|other| from * self.sites + other);
        let column = (0..self.sites).map(|other| other * self.sites + to);
        let forbidden = &self.forbidden;
        self.back.extend(row.chain(column).filter(|pair| forbidden[*pair]));
    }

    /// Adds to a problem what is back of the rule.
    pub(super) fn add_to(&self, problem: &mut Problem) {
        if self.back.is_empty() {
            return;
        }
        let pairs = 0..self.sites * self.sites;
        let values = pairs.map(|pair| i128::from(self.back.contains(&pair))).collect();
        let table = PairTable { sites: self.sites, values };
        let measure = problem.measure(Measure::Pairs { between: self.between, table });
        problem.requirements.push(Requirement {
            formula: Formula::AtMostZero(Combination::of(measure)),
            policy: Policy::Must,
            origin: self.origin.clone(),
            scale: None,
        });
    }
}
