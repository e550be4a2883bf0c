//! Changes of two goals, for problems that no change of a single goal makes possible.

use std::collections::{BTreeMap, BTreeSet};

use crate::conflict::{
    Change, Conflict, Rule, best, beyond, conflict, least, widened, wider_limit,
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
        let without = question.without(&[*first]);
        if matches!(first, Rule::Fit(_)) || question.possible(&without) {
            continue;
        }
        let left = conflict(&without, engines, budget);
        for (second, second_origin) in &left.rules {
            let second = before_removal(*second, *first);
            let new = seen.insert((second.min(*first), second.max(*first)));
            if matches!(second, Rule::Fit(_)) || !new {
                continue;
            }
            let pair = [(*first, first_origin), (second, second_origin)];
            changes.extend(question.change(pair));
        }
    }
    changes
}

/// A rule's place before another rule was taken out of the problem.
fn before_removal(rule: Rule, removed: Rule) -> Rule {
    match (rule, removed) {
        (Rule::Requirement(r), Rule::Requirement(gone)) if r >= gone => Rule::Requirement(r + 1),
        (Rule::Limit(l), Rule::Limit(gone)) if l >= gone => Rule::Limit(l + 1),
        (Rule::Apart(a), Rule::Apart(gone)) if a >= gone => Rule::Apart(a + 1),
        (rule, _) => rule,
    }
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

    /// The problem without some rules.
    fn without(&self, rules: &[Rule]) -> Problem {
        self.giving_way(&rules.iter().map(|r| (*r, Way::Out)).collect::<Vec<_>>())
    }

    /// The problem with some rules giving way. Rules are taken out from the last to the first, so
    /// that the places of the others hold.
    fn giving_way(&self, ways: &[(Rule, Way)]) -> Problem {
        let mut problem = self.problem.clone();
        let mut ways = ways.to_vec();
        ways.sort_by_key(|(rule, _)| std::cmp::Reverse(*rule));
        for (rule, way) in ways {
            match (rule, way) {
                (Rule::Requirement(r), Way::Excess(excess)) => {
                    if let Some(compared) = self.compared.get(&r) {
                        problem.requirements[r].formula = widened(&compared.combination, excess);
                    }
                }
                (Rule::Limit(l), Way::Excess(excess)) => {
                    let more = i64::try_from(excess).unwrap_or(i64::MAX);
                    let limit = &mut problem.limits[l];
                    limit.most = limit.most.saturating_add(more);
                }
                (Rule::Requirement(r), Way::Out) => drop(problem.requirements.remove(r)),
                (Rule::Limit(l), Way::Out) => drop(problem.limits.remove(l)),
                (Rule::Apart(a), Way::Out) => drop(problem.apart.remove(a)),
                (Rule::Apart(_), Way::Excess(_)) | (Rule::Fit(_), _) => {}
            }
        }
        problem
    }

    fn change(&self, [(a, a_origin), (b, b_origin)]: [(Rule, &Origin); 2]) -> Option<Change> {
        let first = self.way(a, &[(a, Way::Out), (b, Way::Out)])?;
        let second = self.way(b, &[(a, first), (b, Way::Out)])?;
        let relaxed = self.giving_way(&[(a, first), (b, second)]);
        let value = best(&relaxed, self.engines, self.budget)?;
        let says =
            format!("{} and {}", self.says(a, first, a_origin), self.says(b, second, b_origin));
        Some(Change { says, value, of_a_goal: true })
    }

    /// How much a rule has to give way while others do as they are told; `None` if it is not enough
    /// or not proved.
    fn way(&self, rule: Rule, ways: &[(Rule, Way)]) -> Option<Way> {
        let mut asked = self.giving_way(ways);
        let excess = match rule {
            Rule::Requirement(r) => self.compared.get(&r).map(|c| c.combination.clone()),
            Rule::Limit(l) => Some(beyond(&mut asked, &self.problem.limits[l])),
            Rule::Apart(_) | Rule::Fit(_) => None,
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
