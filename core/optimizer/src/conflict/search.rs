//! The search for a minimal conflict: QuickXplain over goals (Junker, "QUICKXPLAIN: preferred
//! explanations and relaxations for over-constrained problems", AAAI 2004).
//!
//! Of all minimal conflicts it finds the one that leaves out later goals wherever it can. Each
//! question is "can these goals hold together?". A solution found for one set of goals answers for
//! every set that it happens to keep to, and what can't be told in time is taken to hold together.

use std::collections::BTreeSet;

use super::{Rule, only};
use crate::engine::{Budget, Engine};
use crate::portfolio::{Outcome, optimize};
use crate::presolve::presolve;
use crate::problem::Problem;
use crate::solution::{Fault, Solution};

/// A goal: the rules that it came to, which hold or are left out as one.
pub(super) type Goal = Vec<Rule>;

/// What is known while searching.
pub(super) struct Search<'a> {
    problem: &'a Problem,
    goals: &'a [Goal],
    engines: &'a [&'a dyn Engine],
    budget: Budget<'a>,
    /// For each solution found so far, the goals that it breaks.
    broken: Vec<BTreeSet<usize>>,
    /// False once a question was not answered in time.
    pub(super) certain: bool,
}

/// How sure an answer is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Question {
    /// Bounds alone.
    Bounds,
    /// A proof.
    Proof,
}

impl<'a> Search<'a> {
    pub(super) const fn over(
        problem: &'a Problem,
        goals: &'a [Goal],
        engines: &'a [&'a dyn Engine],
        budget: Budget<'a>,
    ) -> Self {
        Self { problem, goals, engines, budget, broken: Vec::new(), certain: true }
    }

    /// The goals of a minimal conflict, given that all goals together are one: among those that bounds
    /// alone show to conflict, if there are such. That is soon found, and soon understood.
    pub(super) fn minimal(&mut self) -> Vec<usize> {
        let all: Vec<usize> = (0..self.goals.len()).collect();
        let mut within = all.clone();
        if self.impossible(Question::Bounds, &all) {
            let seen = self.conflict(Question::Bounds, (&[], false), &all);
            if self.impossible(Question::Proof, &seen) {
                within = seen;
            }
        }
        let mut conflict = self.conflict(Question::Proof, (&[], false), &within);
        conflict.sort_unstable();
        conflict
    }

    /// The smallest part of `goals` that conflicts together with a background, of which is said if it
    /// has become larger since it was last asked about.
    fn conflict(
        &mut self,
        question: Question,
        (background, grown): (&[usize], bool),
        goals: &[usize],
    ) -> Vec<usize> {
        if grown && self.impossible(question, background) {
            return Vec::new();
        }
        if goals.len() <= 1 {
            return goals.to_vec();
        }
        let (first, second) = goals.split_at(goals.len() / 2);
        let with_first = [background, first].concat();
        let of_second = self.conflict(question, (&with_first, true), second);
        let with_second = [background, &of_second].concat();
        let of_first = self.conflict(question, (&with_second, !of_second.is_empty()), first);
        [of_first, of_second].concat()
    }

    /// True if some goals can't hold together.
    fn impossible(&mut self, question: Question, goals: &[usize]) -> bool {
        if self.broken.iter().any(|broken| goals.iter().all(|goal| !broken.contains(goal))) {
            return false;
        }
        let rules: Vec<Rule> = goals.iter().flat_map(|goal| self.goals[*goal].clone()).collect();
        let asked = only(self.problem, &rules);
        if question == Question::Bounds {
            let reduced = presolve(&asked);
            let takes = |engine: &&&dyn Engine| engine.takes(&reduced.problem);
            let mut engines = self.engines.iter().filter(takes);
            return engines.any(|engine| engine.refutes(&reduced.problem, self.budget));
        }
        match optimize(&asked, self.engines, self.budget) {
            Outcome::Infeasible(_) => true,
            Outcome::Found(found) => {
                self.learn(&found.solution);
                false
            }
            Outcome::Unknown(..) => {
                self.certain = false;
                false
            }
        }
    }

    /// Keeps which goals a solution breaks.
    fn learn(&mut self, solution: &Solution) {
        let faults = solution.worth(self.problem).faults;
        let breaks = |rule: &Rule| {
            faults.iter().any(|fault| match (fault, rule) {
                (Fault::Requirement { requirement }, Rule::Requirement(r)) => requirement == r,
                (Fault::Limit { limit }, Rule::Limit(l)) => limit == l,
                (Fault::Apart { apart, .. }, Rule::Apart(a)) => apart == a,
                // Which of the dimensions is too small is not said.
                (Fault::Capacity { .. }, Rule::Dimension(_)) => true,
                // What no goal asks for.
                (Fault::Count { .. } | Fault::Choice { .. } | Fault::Place { .. }, _) => true,
                _ => false,
            })
        };
        let broken = (0..self.goals.len()).filter(|g| self.goals[*g].iter().any(breaks)).collect();
        self.broken.push(broken);
    }
}
