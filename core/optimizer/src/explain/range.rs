//! The range in which the number of a goal can be changed without changing the optimum.

use std::collections::BTreeMap;

use coc_model::goals::Policy;

use super::stage::{Stage, stages};
use super::step::step;
use super::{Least, least, with_share};
use crate::engine::{Budget, Engine};
use crate::lower::Compared;
use crate::portfolio::Found;
use crate::problem::{Combination, Measure, Origin, Problem, Scale};

/// Which way a comparison with a number goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Something is at most the number.
    AtMost,
    /// Something is at least the number.
    AtLeast,
}

/// The range of one goal's number. All numbers read by the scale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    /// Index of the requirement.
    pub requirement: usize,
    /// The goal.
    pub origin: Origin,
    /// How the numbers read.
    pub scale: Scale,
    /// Which way the comparison goes.
    pub side: Side,
    /// The number as it is.
    pub limit: i128,
    /// How far it can be tightened: up to and with this number the optimum stays possible, in the
    /// value of every tier; beyond it does not. `None` if not proved in time.
    pub tightest: Option<i128>,
    /// What happens when it is loosened.
    pub loosened: Loosened,
}

/// What happens when a limit is loosened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loosened {
    /// From this number on a better optimum is possible; before, none is.
    BetterFrom(i128),
    /// No number makes the optimum better.
    NeverBetter,
    /// Not proved in time.
    Unknown,
}

/// The ranges of all requirements that must hold and are one comparison with a number (as lowering
/// found them), in the order of the problem. None if the optimum is not proved.
///
/// Tightening: the least value that what is compared can have while every tier is at its best.
/// Loosening: the least excess over the limit with which some tier can be better, those before it
/// being no worse (values that differ by less than one part in ten million are one value, unless
/// the coefficients say that nothing lies between).
pub fn ranges(
    problem: &Problem,
    compared: &BTreeMap<usize, Compared>,
    found: &Found,
    engines: &[&dyn Engine],
    budget: Budget<'_>,
) -> Vec<Range> {
    let Some(stages) = stages(problem, found) else { return Vec::new() };
    let asked: Vec<(usize, &Compared)> = compared
        .iter()
        .map(|(r, c)| (*r, c))
        .filter(|(r, _)| problem.requirements[*r].policy != Policy::Should)
        .collect();
    let mut ranges = Vec::new();
    for (done, (requirement, compared)) in asked.iter().enumerate() {
        ranges.push(with_share(budget, asked.len() - done, |budget| {
            let question = Question { problem, requirement: *requirement, compared, engines };
            question.range(&stages, budget)
        }));
    }
    ranges
}

struct Question<'a> {
    problem: &'a Problem,
    requirement: usize,
    compared: &'a Compared,
    engines: &'a [&'a dyn Engine],
}

impl Question<'_> {
    fn range(&self, stages: &[Stage], budget: Budget<'_>) -> Range {
        let combination = &self.compared.combination;
        let falling = combination.terms.iter().all(|t| t.0 < 0);
        let (side, sign) = if falling { (Side::AtLeast, -1) } else { (Side::AtMost, 1) };
        let limit = -combination.constant;
        let mut without = self.problem.clone();
        without.requirements.remove(self.requirement);
        let solves = stages.len() + stages.iter().filter(|s| s.open).count();
        let tightest = with_share(budget, 2, |budget| {
            self.tightest(&without, stages, solves, budget).map(|least| sign * least)
        });
        let loosened = match self.least_excess(&without, stages, budget) {
            Least::Value(excess) => Loosened::BetterFrom(sign * (limit + excess)),
            Least::Nothing => Loosened::NeverBetter,
            Least::Unknown => Loosened::Unknown,
        };
        Range {
            requirement: self.requirement,
            origin: self.problem.requirements[self.requirement].origin.clone(),
            scale: self.compared.scale,
            side,
            limit: sign * limit,
            tightest,
            loosened,
        }
    }

    /// The least value of what is compared with which every stage can have its value. A later stage
    /// shuts out what earlier ones do, except where a tolerance lets it give something up.
    fn tightest(
        &self,
        without: &Problem,
        stages: &[Stage],
        solves: usize,
        budget: Budget<'_>,
    ) -> Option<i128> {
        let value = Combination { constant: 0, ..self.compared.combination.clone() };
        let mut tightest = i128::MIN;
        for (index, stage) in stages.iter().enumerate().filter(|(_, s)| s.open) {
            if stage.objective.terms == value.terms {
                // What is compared is what was made small.
                tightest = tightest.max(stage.value - stage.objective.constant);
                continue;
            }
            let asked = stage.at_most(without, stage.value);
            let least = with_share(budget, solves - index, |budget| {
                least(asked, value.clone(), self.engines, budget)
            });
            let Least::Value(least) = least else { return None };
            tightest = tightest.max(least);
        }
        Some(tightest)
    }

    /// The least excess over the limit with which some stage can be better.
    fn least_excess(&self, without: &Problem, stages: &[Stage], budget: Budget<'_>) -> Least {
        let mut best = Least::Nothing;
        for (index, stage) in stages.iter().enumerate() {
            let step = step(self.problem, &stage.objective, stage.value);
            // If even leaving the goal out makes nothing better, no number does.
            let free = with_share(budget, 2 * (stages.len() - index), |budget| {
                least(stage.kept_in(without), stage.objective.clone(), self.engines, budget)
            });
            match free {
                Least::Value(free) if free <= stage.value.saturating_sub(step) => {}
                Least::Value(_) => continue,
                Least::Nothing | Least::Unknown => return Least::Unknown,
            }
            let mut asked = stage.at_most(without, stage.value.saturating_sub(step));
            let excess = Measure::Excess(self.compared.combination.clone());
            let excess = Combination::of(asked.measure(excess));
            let found = with_share(budget, stages.len() - index, |budget| {
                least(asked, excess, self.engines, budget)
            });
            match (found, best) {
                // Better already, within the limit: then the optimum is none to be compared with.
                (Least::Value(..=0) | Least::Unknown, _) => return Least::Unknown,
                (Least::Value(found), Least::Value(known)) if found >= known => {}
                (Least::Value(found), _) => best = Least::Value(found),
                (Least::Nothing, _) => {}
            }
        }
        best
    }
}
