//! Why this, and why not that: the problem again with the alternative forced.

use coc_model::goals::Policy;

use super::with_share;
use crate::conflict::{Conflict, conflict};
use crate::engine::{Budget, Engine};
use crate::portfolio::{Found, Outcome, optimize};
use crate::problem::{Combination, Formula, GroupId, Measure, Origin, Problem, Requirement, Table};
use crate::solution::Solution;

/// What comes of an alternative.
#[derive(Clone, Debug)]
pub enum Alternative {
    /// The best solution with it.
    Possible(Found),
    /// It can't be, with these rules; the alternative is one of them.
    Impossible(Conflict),
    /// Neither is proved, and why.
    Unknown(String),
}

/// The problem with an alternative forced on it.
pub fn forced(problem: &Problem, force: Formula, origin: Origin) -> Problem {
    let mut forced = problem.clone();
    let requirement = Requirement { formula: force, policy: Policy::Must, origin, scale: None };
    forced.requirements.push(requirement);
    forced
}

/// The best solution of a problem that an alternative is forced on ([`forced`], or lowered with one
/// more rule), or the minimal conflict that it is part of.
pub fn alternative(forced: &Problem, engines: &[&dyn Engine], budget: Budget<'_>) -> Alternative {
    match with_share(budget, 1, |budget| optimize(forced, engines, budget)) {
        Outcome::Found(found) => Alternative::Possible(found),
        Outcome::Infeasible(_) => Alternative::Impossible(conflict(forced, engines, budget)),
        Outcome::Unknown(why, _) => Alternative::Unknown(why),
    }
}

/// That no item of a group, or of its alternatives, is at a site where a solution has one of the group;
/// `None` if it has none at all.
pub fn elsewhere(problem: &mut Problem, solution: &Solution, group: GroupId) -> Option<Formula> {
    let mut here = vec![0_i128; problem.sites.len()];
    for host in &solution.hosts {
        if host.holds.iter().any(|held| held.0 == group) {
            here[problem.options[host.option.0].site] = 1;
        }
    }
    if here.iter().all(|flag| *flag == 0) {
        return None;
    }
    let here = Table::Site(here.into());
    let items = problem.alternatives(group).into_iter().map(|g| (g, here.clone())).collect();
    let there = problem.measure(Measure::Sum { items, hosts: None });
    Some(Formula::AtMostZero(Combination::of(there)))
}
