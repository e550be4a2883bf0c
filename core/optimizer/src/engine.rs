//! The engine trait: what searches and proves.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::problem::Problem;
use crate::solution::Solution;

/// How long and how far an engine may go.
#[derive(Clone, Copy)]
pub struct Budget<'a> {
    /// How much wall time is left, asked whenever it matters. The clock is outside: the core has
    /// none.
    pub time_left: &'a (dyn Fn() -> Duration + Sync),
    /// Stop as soon as the gap is proved to be at most this, in parts per million of the value.
    pub gap_ppm: u64,
    /// Seed of everything random in the engine.
    pub seed: u64,
    /// Set by whoever no longer wants the answer.
    pub cancel: &'a AtomicBool,
}

impl Budget<'_> {
    /// True if the answer is no longer wanted, or the time is over.
    pub fn over(&self) -> bool {
        self.cancel.load(Ordering::Relaxed) || (self.time_left)().is_zero()
    }
}

/// What an engine says. Values and bounds are of the first tier, turned so that smaller is better.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A solution, and nothing better exists.
    Optimal(Solution, Proof),
    /// A solution, and nothing better than the bound exists.
    Feasible(Solution, i128, Proof),
    /// No solution exists.
    Infeasible(Proof),
    /// Nothing is known, and why.
    Unknown(String, Proof),
}

/// What an answer rests on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proof {
    /// The engine.
    pub engine: &'static str,
    /// In words: what was searched completely, by which rule, with which arithmetic.
    pub basis: String,
    /// Nodes of the search.
    pub nodes: u64,
    /// Sizes and rounds, for whoever wants to know.
    pub notes: Vec<String>,
}

/// Something that solves problems for their first tier.
///
/// Engines are synchronous, stop when the budget is spent or the answer no longer wanted, and give
/// the same answer for the same problem and seed whenever they finish. An engine never says
/// `Optimal` or `Infeasible` without having searched or bounded everything, and every solution it
/// returns is feasible by [`Solution::worth`].
pub trait Engine: Send + Sync {
    /// Its name.
    fn name(&self) -> &'static str;

    /// Solves for the first tier; without tiers, any feasible solution is optimal.
    fn solve(&self, problem: &Problem, budget: Budget<'_>) -> Answer;

    /// True if the problem is of a size and form that the engine is made for.
    fn takes(&self, problem: &Problem) -> bool;

    /// True if it is seen without a search, from bounds alone, that there is no solution. A hint
    /// where to look: what rests on it is proved by [`Engine::solve`].
    fn refutes(&self, _problem: &Problem, _budget: Budget<'_>) -> bool {
        false
    }
}
