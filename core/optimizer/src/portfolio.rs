//! From a problem to an answer: presolve, tiers in order, engines in turn.

use coc_model::goals::Policy;

use crate::engine::{Answer, Budget, Engine, Proof};
use crate::presolve::{Reduced, presolve};
use crate::problem::{Combination, Formula, Origin, Problem, Requirement, Tier};
use crate::sites;
use crate::solution::Solution;

/// What is known after optimising.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// A solution; how good each tier is.
    Found(Found),
    /// No solution exists.
    Infeasible(Proof),
    /// Neither.
    Unknown(String, Proof),
}

/// A solution and what is proved of it.
#[derive(Clone, Debug)]
pub struct Found {
    /// The solution.
    pub solution: Solution,
    /// Per tier of the problem, in order.
    pub tiers: Vec<TierValue>,
    /// What the first tier's answer rests on.
    pub proof: Proof,
}

impl Found {
    /// True if every tier is proved.
    pub fn optimal(&self) -> bool {
        self.tiers.iter().all(|t| t.proved)
    }
}

/// The value of a tier, in its own direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TierValue {
    /// The solution's value.
    pub value: i128,
    /// No solution within the tolerances of the tiers before has a better value.
    pub bound: i128,
    /// True if the value is the bound, or within the tolerance asked for by later tiers.
    pub proved: bool,
}

/// How a problem is made smaller before engines see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduction {
    /// As far as it saves time.
    Full,
    /// By presolve, and over a few of its sites wherever that is possible.
    Sites,
    /// By presolve alone, over all sites at once.
    Presolve,
    /// Not at all.
    Nothing,
}

impl Reduction {
    fn of(self, problem: &Problem) -> Reduced {
        match self {
            Self::Full | Self::Sites | Self::Presolve => presolve(problem),
            Self::Nothing => Reduced::whole(problem),
        }
    }

    fn solve(self, problem: &Problem, engine: &dyn Engine, budget: Budget<'_>) -> Answer {
        match self {
            Self::Sites => sites::solve(problem, engine, budget),
            Self::Full if sites::pays(problem) => sites::solve(problem, engine, budget),
            Self::Full | Self::Presolve | Self::Nothing => engine.solve(problem, budget),
        }
    }
}

/// Optimises a problem tier by tier. Each tier keeps the ones before within their tolerance of
/// their best; what a tolerance left open is then made best again, so that no tier is worse than the
/// later ones need. The engines are asked in order until one proves its answer.
pub fn optimize(problem: &Problem, engines: &[&dyn Engine], budget: Budget<'_>) -> Outcome {
    optimize_after(Reduction::Full, problem, engines, budget)
}

/// [`optimize`] with the problem made smaller in one way or another before engines see it.
pub fn optimize_after(
    reduction: Reduction,
    problem: &Problem,
    engines: &[&dyn Engine],
    budget: Budget<'_>,
) -> Outcome {
    let mut work = Problem { tiers: Vec::new(), ..problem.clone() };
    let mut best: Option<Found> = None;
    let mut stopped = None;
    let tiers: Vec<Option<&Tier>> = if problem.tiers.is_empty() {
        vec![None]
    } else {
        problem.tiers.iter().map(Some).collect()
    };
    for (index, tier) in tiers.into_iter().enumerate() {
        work.tiers = tier.cloned().into_iter().collect();
        let (answer, reduced_notes) = one_tier(reduction, &work, engines, budget);
        let (solution, bound, proof) = match answer {
            Answer::Optimal(solution, proof) => (solution, None, proof),
            Answer::Feasible(solution, bound, proof) => (solution, Some(bound), proof),
            Answer::Infeasible(proof) if index == 0 => return Outcome::Infeasible(proof),
            Answer::Unknown(why, proof) if index == 0 => return Outcome::Unknown(why, proof),
            Answer::Infeasible(proof) => {
                stopped = Some(format!("tier {}: {} found it infeasible", index + 1, proof.engine));
                break;
            }
            Answer::Unknown(why, _) => {
                stopped = Some(format!("tier {}: {why}", index + 1));
                break;
            }
        };
        let Some(tier) = tier else {
            return Outcome::Found(Found { solution, tiers: Vec::new(), proof });
        };
        let minimised = Problem::minimised(tier);
        let value = solution.worth(problem).value(&minimised);
        let bound_value = bound.unwrap_or(value).min(value);
        work.requirements.push(keep(tier, &minimised, value));
        let sign = if minimised == tier.objective { 1 } else { -1 };
        let tier_value =
            TierValue { value: sign * value, bound: sign * bound_value, proved: bound.is_none() };
        match &mut best {
            None => {
                let mut proof = proof;
                proof.notes.splice(0..0, reduced_notes);
                best = Some(Found { solution, tiers: vec![tier_value], proof });
            }
            Some(found) => {
                found.solution = solution;
                found.tiers.push(tier_value);
            }
        }
    }
    match best {
        Some(mut found) => {
            found.proof.notes.extend(stopped);
            polish(reduction, problem, &work, &mut found, engines, budget);
            revalue(problem, &mut found);
            Outcome::Found(found)
        }
        None => Outcome::Unknown("no tier was solved".to_owned(), Proof::default()),
    }
}

/// Makes tiers with a tolerance best again, all others staying as they are. Only if every tier is
/// proved: else there is better use for the time.
fn polish(
    reduction: Reduction,
    problem: &Problem,
    kept: &Problem,
    found: &mut Found,
    engines: &[&dyn Engine],
    budget: Budget<'_>,
) {
    let open = problem.tiers.iter().any(|t| t.tolerance_atto > 0);
    if !open || !found.optimal() || found.tiers.len() != problem.tiers.len() {
        return;
    }
    let mut work = Problem { tiers: Vec::new(), ..kept.clone() };
    for tier in &problem.tiers {
        let minimised = Problem::minimised(tier);
        if tier.tolerance_atto > 0 {
            work.tiers = vec![tier.clone()];
            match one_tier(reduction, &work, engines, budget).0 {
                Answer::Optimal(solution, _) => found.solution = solution,
                _ => return,
            }
        }
        let exact = Tier { tolerance_atto: 0, ..tier.clone() };
        let value = found.solution.worth(problem).value(&minimised);
        work.requirements.push(keep(&exact, &minimised, value));
    }
}

/// The values of all tiers for the final solution; tiers that were not reached are not proved.
fn revalue(problem: &Problem, found: &mut Found) {
    let worth = found.solution.worth(problem);
    for (index, tier) in problem.tiers.iter().enumerate() {
        let value = worth.value(&tier.objective);
        match found.tiers.get_mut(index) {
            Some(known) => known.value = value,
            None => found.tiers.push(TierValue { value, bound: i128::MIN, proved: false }),
        }
    }
}

/// The tier may not become worse than its value by more than its tolerance.
pub(crate) fn keep(tier: &Tier, minimised: &Combination, value: i128) -> Requirement {
    let one = coc_model::decimal::ONE;
    let size = value.abs();
    let slack = size / one * tier.tolerance_atto + size % one * tier.tolerance_atto / one;
    let mut within = minimised.clone();
    within.constant = within.constant.saturating_sub(value.saturating_add(slack));
    Requirement {
        formula: Formula::AtMostZero(within),
        policy: Policy::Must,
        origin: Origin { says: format!("{} stays at its best", tier.origin.says).into(), at: None },
        scale: None,
    }
}

/// Solves for one tier; gives the notes of presolve too.
fn one_tier(
    reduction: Reduction,
    problem: &Problem,
    engines: &[&dyn Engine],
    budget: Budget<'_>,
) -> (Answer, Vec<String>) {
    let reduced = reduction.of(problem);
    let mut last = Answer::Unknown("no engine takes this problem".to_owned(), Proof::default());
    if reduced.problem.groups.is_empty() {
        return (nothing_to_place(problem), reduced.notes);
    }
    for engine in engines.iter().filter(|e| e.takes(&reduced.problem)) {
        let answer = match reduction.solve(&reduced.problem, *engine, budget) {
            Answer::Optimal(solution, proof) => Answer::Optimal(reduced.restore(&solution), proof),
            Answer::Feasible(solution, bound, proof) => {
                Answer::Feasible(reduced.restore(&solution), bound, proof)
            }
            other => other,
        };
        match answer {
            Answer::Optimal(..) | Answer::Infeasible(_) => return (answer, reduced.notes),
            Answer::Feasible(..) => last = answer,
            Answer::Unknown(..) => {
                if !matches!(last, Answer::Feasible(..)) {
                    last = answer;
                }
            }
        }
        if budget.over() {
            break;
        }
    }
    (last, reduced.notes)
}

/// An application without services that are placed: the empty solution, if nothing speaks against
/// it.
fn nothing_to_place(problem: &Problem) -> Answer {
    let solution = Solution::default();
    let proof =
        Proof { engine: "none", basis: "there is nothing to place".to_owned(), ..Proof::default() };
    if solution.worth(problem).feasible() {
        Answer::Optimal(solution, proof)
    } else {
        Answer::Infeasible(proof)
    }
}
