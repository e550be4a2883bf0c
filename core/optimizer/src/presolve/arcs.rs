//! Arc consistency: sites from which a group can't satisfy a condition on pairs are taken out.

use std::sync::Arc;

use crate::problem::{Formula, GroupId, Measure, OptionId, PairTable, Problem};
use coc_model::goals::Policy;

/// Takes out sites until every site left of a group has, for every pair condition, a partner.
pub(super) fn consistent(problem: &mut Problem) {
    if problem.partial {
        return;
    }
    let conditions = pair_conditions(problem);
    let mut allowed: Vec<Vec<bool>> =
        (0..problem.groups.len()).map(|g| sites_of(problem, GroupId(g))).collect();
    loop {
        let mut changed = false;
        for ((a, b), table) in &conditions {
            if a == b && problem.groups[a.0].count < 2 {
                continue;
            }
            changed |= revise(&mut allowed, *a, *b, |s, t| table.at(s, t) == 0);
            changed |= revise(&mut allowed, *b, *a, |s, t| table.at(t, s) == 0);
        }
        if !changed {
            break;
        }
    }
    for (group, sites) in problem.groups.iter_mut().zip(allowed) {
        group.sites = Arc::from(sites);
    }
}

fn revise(
    allowed: &mut [Vec<bool>],
    of: GroupId,
    against: GroupId,
    fits: impl Fn(usize, usize) -> bool,
) -> bool {
    let mut changed = false;
    for site in 0..allowed[of.0].len() {
        let partner = |(t, ok): (usize, &bool)| *ok && fits(site, t);
        if allowed[of.0][site] && !allowed[against.0].iter().enumerate().any(partner) {
            allowed[of.0][site] = false;
            changed = true;
        }
    }
    changed
}

/// The sites where a group has a machine it may use.
fn sites_of(problem: &Problem, group: GroupId) -> Vec<bool> {
    let mut sites = vec![false; problem.sites.len()];
    for (index, option) in problem.options.iter().enumerate() {
        if !sites[option.site] && problem.groups[group.0].may_use(problem, OptionId(index)) {
            sites[option.site] = true;
        }
    }
    sites
}

/// The pair tables that have to sum to zero.
fn pair_conditions(problem: &Problem) -> Vec<((GroupId, GroupId), PairTable)> {
    fn collect(
        problem: &Problem,
        formula: &Formula,
        found: &mut Vec<((GroupId, GroupId), PairTable)>,
    ) {
        match formula {
            Formula::And(parts) => parts.iter().for_each(|p| collect(problem, p, found)),
            Formula::AtMostZero(c) if c.constant == 0 => {
                if let [(coefficient, measure)] = c.terms.as_slice()
                    && *coefficient > 0
                    && let Measure::Pairs { between, table } = &problem.measures[measure.0]
                {
                    found.push((*between, table.clone()));
                }
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    for requirement in problem.requirements.iter().filter(|r| r.policy != Policy::Should) {
        collect(problem, &requirement.formula, &mut found);
    }
    found
}
