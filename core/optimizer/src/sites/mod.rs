//! Few sites out of many: a problem whose sites are tied together by traffic or latency is solved
//! over a few of them, and a bound shows that no other site can help.
//!
//! The bound is that of a relaxation that counts traffic coarsely, with the demand that at least one
//! item is outside of the chosen sites. If even that is no better than what was found inside, nothing
//! outside can be part of anything better. Else the sites it uses are chosen too.

mod lazy;
mod relaxed;

use std::collections::BTreeSet;

use coc_model::goals::Policy;

use crate::engine::{Answer, Budget, Engine, Proof};
use crate::presolve::presolve;
use crate::problem::{Combination, Formula, GroupId, Measure, Origin, Problem, Requirement, Table};
use crate::solution::{HostUse, Solution};

use lazy::{PairRule, set_aside};
use relaxed::relaxed;

/// With fewer sites than this the whole problem is solved at once.
const FEW: usize = 9;

/// How often a look puts back what its solution breaks. After that, the sites of a solution that still
/// breaks something are chosen too.
const ROUNDS: usize = 40;

/// With no more pairs of a group and a site than this, the whole problem is solved faster at once
/// (measured on 12 services over 16 regions with a limit on carbon: 0.1 to 8 s at once, 2.5 to 15 s
/// over chosen sites; on 12 services over 137 regions a whole search ends in a minute at best).
const PAIRS: usize = 400;

/// True if choosing sites first saves time.
pub(crate) fn pays(problem: &Problem) -> bool {
    problem.sites.len() * problem.groups.len() > PAIRS
}

/// True if choosing sites first is of use: many sites, and something that ties them together.
fn is_tied(problem: &Problem) -> bool {
    let ties = |measure: &Measure| {
        matches!(measure, Measure::Traffic(_) | Measure::Pairs { .. } | Measure::LargestPair { .. })
    };
    problem.sites.len() >= FEW && problem.measures.iter().any(ties)
}

/// Solves a problem with an engine: over a growing choice of its sites if that is of use, and as a
/// whole if it comes to nothing.
pub(crate) fn solve(problem: &Problem, engine: &dyn Engine, budget: Budget<'_>) -> Answer {
    if !is_tied(problem) {
        return engine.solve(problem, budget);
    }
    // The whole problem keeps half of the time.
    let kept = (budget.time_left)() / 2;
    let time_left = || (budget.time_left)().saturating_sub(kept);
    let mut relaxed = relaxed(problem);
    let aside = set_aside(&mut relaxed);
    let mut choice = Choice {
        problem,
        objective: problem.tiers.first().map(Problem::minimised).unwrap_or_default(),
        relaxed,
        aside,
        engine,
        budget: Budget { time_left: &time_left, ..budget },
        chosen: BTreeSet::new(),
        best: None,
        bound: i128::MIN,
        looks: 0,
    };
    if let Some(answer) = choice.grow() {
        return answer;
    }
    match engine.solve(problem, budget) {
        Answer::Feasible(solution, bound, proof) => {
            choice.offer(&solution);
            choice.bound = choice.bound.max(bound);
            choice.feasible(proof)
        }
        Answer::Unknown(why, proof) if choice.best.is_none() => Answer::Unknown(why, proof),
        Answer::Unknown(_, proof) => choice.feasible(proof),
        proved => proved,
    }
}

/// A growing choice of sites.
struct Choice<'a> {
    problem: &'a Problem,
    /// What is made small.
    objective: Combination,
    /// The problem with traffic counted coarsely, and without rules on pairs of sites.
    relaxed: Problem,
    /// Those rules, with what of them is back in looks.
    aside: Vec<PairRule>,
    engine: &'a dyn Engine,
    budget: Budget<'a>,
    chosen: BTreeSet<usize>,
    /// The best solution so far and its value; its sites are chosen.
    best: Option<(i128, Solution)>,
    /// Nothing is better than this, anywhere.
    bound: i128,
    looks: usize,
}

/// What a look outside tells.
enum Look {
    /// Nothing outside is better than this; these sites it would use.
    Bound(i128, BTreeSet<usize>),
    /// There is nothing outside.
    Nothing(Proof),
    /// It took too long.
    Unknown,
}

impl Choice<'_> {
    /// Grows the choice until it is proved to hold an optimum. `None` if it gets too large or takes
    /// too long.
    fn grow(&mut self) -> Option<Answer> {
        while self.is_small() && !self.budget.over() {
            let (bound, used) = match self.look() {
                Look::Nothing(proof) if self.chosen.is_empty() => {
                    return Some(Answer::Infeasible(proof));
                }
                Look::Nothing(_) => return self.finish(i128::MAX),
                Look::Bound(bound, used) => (bound, used),
                Look::Unknown => return None,
            };
            if self.looks == 1 {
                self.bound = bound;
            }
            // Before anything else: what was found may be the best, and has to be inside then.
            self.chosen.extend(used);
            if self.best.as_ref().is_some_and(|best| bound >= best.0) {
                return self.finish(bound);
            }
            if self.looks == 1 || self.best.is_none() {
                // What is good inside makes later looks end early.
                self.search();
            }
        }
        None
    }

    fn is_small(&self) -> bool {
        self.chosen.len() * 3 < self.problem.sites.len() * 2
    }

    /// The best of the relaxation with at least one item outside, with as much of the rules on pairs of
    /// sites as it takes for them to be kept, or for the bound to be no better than what is known.
    fn look(&mut self) -> Look {
        self.looks += 1;
        for round in 0.. {
            let mut asked = outside(&self.relaxed, &self.chosen);
            self.aside.iter().for_each(|rule| rule.add_to(&mut asked));
            let solution = match self.reduced(&asked) {
                Answer::Optimal(solution, _) => solution,
                Answer::Infeasible(proof) => return Look::Nothing(proof),
                Answer::Feasible(solution, ..) => {
                    self.offer(&solution);
                    return Look::Unknown;
                }
                Answer::Unknown(..) => return Look::Unknown,
            };
            self.offer(&solution);
            let value = solution.worth(&self.relaxed).value(&self.objective);
            let enough = self.best.as_ref().is_some_and(|best| value >= best.0);
            let mut broken = false;
            if !enough && round < ROUNDS {
                for rule in &mut self.aside {
                    broken |= rule.learn(self.problem, &solution);
                }
            }
            if !broken {
                let site = |host: &HostUse| self.problem.options[host.option.0].site;
                return Look::Bound(value, solution.hosts.iter().map(site).collect());
            }
            if self.budget.over() {
                break;
            }
        }
        Look::Unknown
    }

    /// Keeps a solution if it holds and nothing better is known.
    fn offer(&mut self, solution: &Solution) {
        let worth = solution.worth(self.problem);
        let value = worth.value(&self.objective);
        if worth.feasible() && self.best.as_ref().is_none_or(|best| value < best.0) {
            self.best = Some((value, solution.clone()));
        }
    }

    /// The optimum over the chosen sites, or as near to it as the time allows.
    fn search(&mut self) -> Answer {
        let mut problem = self.problem.clone();
        for group in &mut problem.groups {
            let sites = group.sites.iter().enumerate();
            group.sites = sites.map(|(s, ok)| *ok && self.chosen.contains(&s)).collect();
        }
        let answer = self.reduced(&problem);
        if let Answer::Optimal(solution, _) | Answer::Feasible(solution, ..) = &answer {
            self.offer(solution);
        }
        answer
    }

    fn reduced(&self, problem: &Problem) -> Answer {
        let reduced = presolve(problem);
        match self.engine.solve(&reduced.problem, self.budget) {
            Answer::Optimal(solution, mut proof) => {
                proof.notes.splice(0..0, reduced.notes.clone());
                Answer::Optimal(reduced.restore(&solution), proof)
            }
            Answer::Feasible(solution, bound, proof) => {
                Answer::Feasible(reduced.restore(&solution), bound, proof)
            }
            other => other,
        }
    }

    /// The answer, once nothing outside can be better than what is inside, and nothing at all than
    /// `outside`.
    fn finish(&mut self, outside: i128) -> Option<Answer> {
        let note = format!(
            "{} of {} sites can matter: nothing with an item at another is better, even with traffic at its least price ({} looks)",
            self.chosen.len(),
            self.problem.sites.len(),
            self.looks
        );
        match self.search() {
            Answer::Optimal(solution, mut proof) => {
                proof.notes.push(note);
                Some(Answer::Optimal(solution, proof))
            }
            Answer::Feasible(_, inside, proof) => {
                self.bound = self.bound.max(inside.min(outside));
                Some(self.feasible(proof))
            }
            Answer::Infeasible(_) | Answer::Unknown(..) => None,
        }
    }

    /// What is known by now.
    fn feasible(&mut self, proof: Proof) -> Answer {
        match self.best.take() {
            Some((value, solution)) => Answer::Feasible(solution, self.bound.min(value), proof),
            None => Answer::Unknown("no solution was found".to_owned(), proof),
        }
    }
}

/// The problem with at least one item outside of some sites.
fn outside(problem: &Problem, chosen: &BTreeSet<usize>) -> Problem {
    let mut outside = problem.clone();
    let flags = (0..problem.sites.len()).map(|s| i128::from(!chosen.contains(&s)));
    let table = Table::Site(flags.collect());
    let items = (0..problem.groups.len()).map(|g| (GroupId(g), table.clone())).collect();
    let count = outside.measure(Measure::Sum { items, hosts: None });
    outside.requirements.push(Requirement {
        formula: Formula::AtMostZero(Combination { constant: 1, terms: vec![(-1, count)] }),
        policy: Policy::Must,
        origin: Origin { says: "an item elsewhere".into(), at: None },
        scale: None,
    });
    outside
}
