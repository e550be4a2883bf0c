//! Explanations of plans. Each is a question that was solved again, so that every answer is as
//! proved as the plan itself; what could not be proved in time is said to be unknown.

pub mod alternative;
pub mod pairs;
pub mod price;
pub mod range;
mod stage;
mod step;
pub mod surface;

use coc_model::goals::Direction;

use crate::engine::{Budget, Engine};
use crate::portfolio::{Outcome, optimize};
use crate::problem::{Combination, Origin, Problem, Scale, Tier};

/// Runs a part of a work with its share of the time that is left: one of `parts` equal ones. A gap
/// that the person is content with is not one for explanations, which compare optima.
fn with_share<T>(budget: Budget<'_>, parts: usize, work: impl FnOnce(Budget<'_>) -> T) -> T {
    let left = (budget.time_left)();
    let kept = left - left / u32::try_from(parts.max(1)).unwrap_or(u32::MAX);
    let time_left = || (budget.time_left)().saturating_sub(kept);
    work(Budget { time_left: &time_left, gap_ppm: 0, ..budget })
}

/// The first tier that a person stated or that holds where none is stated: the violation of what
/// only should hold comes before it.
fn first_stated(problem: &Problem) -> Option<usize> {
    problem.tiers.iter().position(|t| t.origin.at.is_some() || &*t.origin.says == "cost")
}

/// The least value of a combination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Least {
    /// Proved.
    Value(i128),
    /// There is no solution at all.
    Nothing,
    /// Not proved in time.
    Unknown,
}

/// The least value of a combination over all solutions of a problem, whose own tiers don't matter.
fn least(
    problem: Problem,
    objective: Combination,
    engines: &[&dyn Engine],
    budget: Budget<'_>,
) -> Least {
    let tier = Tier {
        objective,
        direction: Direction::Minimize,
        tolerance_atto: 0,
        origin: Origin { says: "explanation".into(), at: None },
        scale: Scale::PLAIN,
    };
    match optimize(&Problem { tiers: vec![tier], ..problem }, engines, budget) {
        Outcome::Found(found) if found.optimal() => {
            found.tiers.first().map_or(Least::Unknown, |t| Least::Value(t.value))
        }
        Outcome::Infeasible(_) => Least::Nothing,
        Outcome::Found(_) | Outcome::Unknown(..) => Least::Unknown,
    }
}
