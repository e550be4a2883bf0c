//! Changes of two goals, for problems that no change of a single goal makes possible.

use std::collections::{BTreeMap, BTreeSet};

use crate::conflict::{
    Change, Conflict, Rule, best, beyond, conflict, least, leaving_out, same_goal, widened,
    wider_limit,
};
use crate::engine::{Budget, Engine};
use crate::lower::Compared;
use crate::problem::{Measure, Origin, Problem, Scale};

/// Every pair of rules whose change together allows a solution, while neither alone does: complete,
/// if every conflict was found in time.
///
/// Such a pair has a rule of the conflict, and one of a conflict that is left without that rule. For
/// each pair it is proved: the first is exceeded by the least with which the second given up allows
/// a solution; and the second by the least that the first, so exceeded, then needs. What is no
/// comparison with a number is left out whole. The value is that of the first stated tier then.
pub fn pair_changes(
    problem: &Problem,
    compared: &BTreeMap<usize, Compared>,
    found: &Conflict,
    engines: &[&dyn Engine],
    budget: Budget<'_>,
) -> Vec<Change> {
    let question = Question { problem, compared, engines, budget };
    let mut seen = BTreeSet::new();
    let mut changes = Vec::new();
    for (first, first_origin) in &found.rules {
        let (without, places) = leaving_out(problem, *first);
        if matches!(first, Rule::Fit(_)) || question.possible(&without) {
            continue;
        }
        let left = conflict(&without, engines, budget);
        for (second, second_origin) in &left.rules {
            let second = places.before(*second);
            let (a, b) = (question.goal(*first), question.goal(second));
            let new = seen.insert((a.min(b), a.max(b)));
            if matches!(second, Rule::Fit(_)) || !new {
                continue;
            }
            let pair = [(*first, first_origin), (second, second_origin)];
            changes.extend(question.change(pair));
        }
    }
    changes
}

struct Question<'a> {
    problem: &'a Problem,
    compared: &'a BTreeMap<usize, Compared>,
    engines: &'a [&'a dyn Engine],
    budget: Budget<'a>,
}

/// How much a rule gives way.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// By so much.
    Excess(i128),
    /// It is left out.
    Out,
}

impl Question<'_> {
    fn possible(&self, problem: &Problem) -> bool {
        best(problem, self.engines, self.budget).is_some()
    }

    /// The first rule of the same goal: goals, and not their rules, are paired.
    fn goal(&self, rule: Rule) -> Rule {
        let requirements = (0..self.problem.requirements.len()).map(Rule::Requirement);
        let apart = (0..self.problem.apart.len()).map(Rule::Apart);
        requirements.chain(apart).find(|r| same_goal(self.problem, *r, rule)).unwrap_or(rule)
    }

    /// The problem with two rules giving way: first the one that does so by an amount, whose place
    /// holds until something is taken out.
    fn giving_way(&self, mut ways: [(Rule, Way); 2]) -> Problem {
        ways.sort_by_key(|(_, way)| matches!(way, Way::Out));
        let [(a, first), (b, second)] = ways;
        let problem = self.problem.clone();
        match (first, second) {
            (Way::Excess(x), Way::Excess(y)) => self.exceeded(self.exceeded(problem, a, x), b, y),
            (Way::Excess(x), Way::Out) => leaving_out(&self.exceeded(problem, a, x), b).0,
            (Way::Out, _) => {
                let (without, places) = leaving_out(&problem, a);
                match places.after(b) {
                    Some(b) => leaving_out(&without, b).0,
                    None => without,
                }
            }
        }
    }

    fn exceeded(&self, mut problem: Problem, rule: Rule, excess: i128) -> Problem {
        match rule {
            Rule::Requirement(r) => {
                if let Some(compared) = self.compared.get(&r) {
                    problem.requirements[r].formula = widened(&compared.combination, excess);
                }
            }
            Rule::Limit(l) => {
                let more = i64::try_from(excess).unwrap_or(i64::MAX);
                problem.limits[l].most = problem.limits[l].most.saturating_add(more);
            }
            Rule::Apart(_) | Rule::Dimension(_) | Rule::Fit(_) => {}
        }
        problem
    }

    fn change(&self, [(a, a_origin), (b, b_origin)]: [(Rule, &Origin); 2]) -> Option<Change> {
        let first = self.way(a, [(a, Way::Out), (b, Way::Out)])?;
        let second = self.way(b, [(a, first), (b, Way::Out)])?;
        let relaxed = self.giving_way([(a, first), (b, second)]);
        let value = best(&relaxed, self.engines, self.budget)?;
        let says =
            format!("{} and {}", self.says(a, first, a_origin), self.says(b, second, b_origin));
        Some(Change { says, value, of_a_goal: true })
    }

    /// How much a rule has to give way while others do as they are told; `None` if it is not enough
    /// or not proved.
    fn way(&self, rule: Rule, ways: [(Rule, Way); 2]) -> Option<Way> {
        let mut asked = self.giving_way(ways);
        let excess = match rule {
            Rule::Requirement(r) => self.compared.get(&r).map(|c| c.combination.clone()),
            Rule::Limit(l) => Some(beyond(&mut asked, &self.problem.limits[l])),
            Rule::Apart(_) | Rule::Dimension(_) | Rule::Fit(_) => None,
        };
        match excess {
            Some(excess) => {
                least(&asked, Measure::Excess(excess), self.engines, self.budget).map(Way::Excess)
            }
            None => self.possible(&asked).then_some(Way::Out),
        }
    }

    fn says(&self, rule: Rule, way: Way, origin: &Origin) -> String {
        let plain = |excess| {
            if let Rule::Limit(l) = rule {
                let most = i128::from(self.problem.limits[l].most);
                return format!("{excess} more: {} in place of {most}", most + excess);
            }
            Scale::PLAIN.number(excess).to_string()
        };
        match (way, rule) {
            (Way::Out, _) => format!("without: {}", origin.says),
            (Way::Excess(excess), Rule::Requirement(r)) => match self.compared.get(&r) {
                Some(c) => {
                    format!("{} ({})", origin.says, wider_limit(&c.combination, excess, c.scale))
                }
                None => origin.says.to_string(),
            },
            (Way::Excess(excess), _) => format!("{} ({})", origin.says, plain(excess)),
        }
    }
}
