//! The mixed-integer engine.
//!
//! Hosts are modelled by their contents, not by slots: a column says how many hosts of an option
//! have room for so many items of each class. The solver's answer is dealt out to hosts and valued
//! in whole numbers before anything is said about it.

mod classes;
mod exact;
mod expression;
mod highs;
mod measures;
mod model;

use std::collections::BTreeMap;
use std::time::Duration;

use coc_model::goals::Policy;
use coc_optimizer::engine::{Answer, Budget, Engine, Proof};
use coc_optimizer::problem::{Combination, Formula, GroupId, Measure, Problem};
use coc_optimizer::solution::{HostUse, Solution};

use classes::{Contents, Grain};
use expression::{Linear, Rows};
use highs::{Outcome, Settings, Status, Until};
use model::Program;

/// The engine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Milp;

impl Engine for Milp {
    fn name(&self) -> &'static str {
        "milp"
    }

    fn takes(&self, problem: &Problem) -> bool {
        !problem.groups.is_empty()
    }

    fn solve(&self, problem: &Problem, budget: Budget<'_>) -> Answer {
        let contents = match Contents::of(problem) {
            Ok(contents) => contents,
            Err(classes::TooMany) => {
                let why = "the hosts have too many different contents to write out";
                let proof = Proof { engine: self.name(), ..Proof::default() };
                return Answer::Unknown(why.to_owned(), proof);
            }
        };
        match solved(problem, &contents, budget) {
            // Where nothing is to be made best, one solution is as good as another.
            Answer::Feasible(solution, _, mut proof) if problem.tiers.is_empty() => {
                proof.basis = "a solution, valued in whole numbers".to_owned();
                Answer::Optimal(solution, proof)
            }
            answer => answer,
        }
    }

    fn refutes(&self, problem: &Problem, budget: Budget<'_>) -> bool {
        let Ok(contents) = Contents::of(problem) else { return false };
        let mut program = Program::new(problem, &contents, Rows::Open);
        let Ok(objective) = prepare(&mut program) else { return false };
        if program.builder.overflow {
            return false;
        }
        let (model, scale) = program.builder.model(&objective);
        highs::refutes(&model, settings(problem, budget, scale))
    }
}

/// First with rows a little open: then nothing is shut out by the solver's arithmetic, and its bound
/// and its "infeasible" hold. If the answer does not hold in whole numbers, again with rows to the
/// letter, for an answer only.
fn solved(problem: &Problem, contents: &Contents, budget: Budget<'_>) -> Answer {
    match run(problem, contents, Rows::Open, budget) {
        Run::Judged(answer) => answer,
        Run::Inexact { bound, proof } => match run(problem, contents, Rows::Closed, budget) {
            Run::Judged(
                Answer::Optimal(solution, proof) | Answer::Feasible(solution, _, proof),
            ) => settle(problem, solution, bound, proof),
            _ => {
                let why = "the solver's answer does not hold in whole numbers";
                Answer::Unknown(why.to_owned(), proof)
            }
        },
    }
}

/// Where nothing is to be made best, what shows the way to a solution: to be far below the limit that
/// looks at most of the problem.
fn guide(problem: &Problem) -> Option<&Combination> {
    let reach = |measure: &Measure| match measure {
        Measure::Sum { items, hosts } => {
            items.len() + hosts.as_ref().map_or(0, |_| problem.groups.len())
        }
        Measure::Traffic(traffic) => traffic.flows.len(),
        _ => 0,
    };
    let limits = problem.requirements.iter().filter(|r| r.policy != Policy::Should);
    let limits = limits.filter_map(|r| match &r.formula {
        Formula::AtMostZero(combination) => Some(combination),
        Formula::And(_) | Formula::Or(_) => None,
    });
    let reached = limits.map(|c| {
        let all = c.terms.iter().map(|(_, m)| reach(&problem.measures[m.0])).sum::<usize>();
        (all, c)
    });
    reached.filter(|(all, _)| *all > 1).max_by_key(|(all, _)| *all).map(|(_, c)| c)
}

/// How a run of the solver ended.
enum Run {
    Judged(Answer),
    /// With a solution that does not hold in whole numbers; the bound does.
    Inexact {
        bound: i128,
        proof: Proof,
    },
}

/// An answer found to the letter against a bound that holds.
fn settle(problem: &Problem, solution: Solution, bound: i128, mut proof: Proof) -> Answer {
    let objective = problem.tiers.first().map(Problem::minimised).unwrap_or_default();
    let value = solution.worth(problem).value(&objective);
    // Between a value and the next better one there is nothing.
    if bound.saturating_add(problem.step(&objective)) > value {
        Answer::Optimal(solution, proof)
    } else {
        proof.basis = "branch and bound; the bound is of a model a little wider".to_owned();
        Answer::Feasible(solution, bound, proof)
    }
}

fn run(problem: &Problem, contents: &Contents, rows: Rows, budget: Budget<'_>) -> Run {
    let mut proof = Proof { engine: "milp", ..Proof::default() };
    let mut program = Program::new(problem, contents, rows);
    let objective = match prepare(&mut program) {
        Ok(objective) => objective,
        Err(why) => return Run::Judged(Answer::Unknown(why, proof)),
    };
    let Program { items, hosts, grains, builder, .. } = program;
    let (overflow, widest) = (builder.overflow, builder.widest);
    let (model, scale) = builder.model(&objective);
    if overflow {
        let why = "a number of the problem is too large for the solver's arithmetic";
        return Run::Judged(Answer::Unknown(why.to_owned(), proof));
    }
    proof.notes.push(format!(
        "{} classes, {} contents, {} columns, {} rows",
        contents.classes.len(),
        contents.contents.len(),
        model.columns.len(),
        model.rows.len()
    ));
    if (budget.time_left)().is_zero() {
        let why = "the time was over before the search began";
        return Run::Judged(Answer::Unknown(why.to_owned(), proof));
    }
    match highs::solve(&model, settings(problem, budget, scale)) {
        Ok(outcome) => {
            let dealer =
                Dealer { problem, contents, grains: &grains, items: &items, hosts: &hosts };
            let slack = slack(objective.off, scale, widest);
            judge(&dealer, &outcome, (scale, objective.constant, slack), proof, budget.gap_ppm)
        }
        Err(failed) => {
            Run::Judged(Answer::Unknown(format!("the solver failed: {}", failed.0), proof))
        }
    }
}

fn settings(problem: &Problem, budget: Budget<'_>, scale: f64) -> Settings {
    Settings {
        time: (budget.time_left)().max(Duration::from_millis(10)),
        seed: budget.seed,
        relative_gap: gap(budget.gap_ppm),
        step: step(problem, scale),
        until: if problem.tiers.is_empty() { Until::First } else { Until::Best },
    }
}

/// How far apart values of the objective lie, in the solver's numbers.
#[expect(clippy::cast_precision_loss, reason = "as the solver's own numbers")]
fn step(problem: &Problem, scale: f64) -> f64 {
    let objective = problem.tiers.first().map(Problem::minimised).unwrap_or_default();
    problem.step(&objective) as f64 / scale
}

fn gap(ppm: u64) -> f64 {
    f64::from(u32::try_from(ppm).unwrap_or(u32::MAX)) / 1e6
}

/// Puts requirements into the program; gives the objective.
fn prepare(program: &mut Program<'_>) -> Result<Linear, String> {
    let problem = program.problem;
    for requirement in problem.requirements.iter().filter(|r| r.policy != Policy::Should) {
        program.require(&requirement.formula, &[]).map_err(|e| e.0)?;
    }
    match problem.tiers.first() {
        Some(tier) => program.combination(&Problem::minimised(tier)).map_err(|e| e.0),
        None => match guide(problem) {
            Some(guide) => program.combination(guide).map_err(|e| e.0),
            None => Ok(Linear::default()),
        },
    }
}

/// What the solver's answer is worth, after it was dealt out and valued in whole numbers.
fn judge(
    dealer: &Dealer<'_>,
    outcome: &Outcome,
    (scale, constant, slack): (f64, i128, i128),
    mut proof: Proof,
    gap_ppm: u64,
) -> Run {
    proof.nodes = outcome.nodes;
    let Some(values) = &outcome.values else {
        return Run::Judged(match outcome.status {
            Status::Infeasible => {
                proof.basis = "branch and bound found no solution (floating point, tolerance 1e-9)"
                    .to_owned();
                Answer::Infeasible(proof)
            }
            other => Answer::Unknown(format!("the solver gave no solution ({other:?})"), proof),
        });
    };
    let solution = dealer.deal(values);
    let worth = solution.worth(dealer.problem);
    let objective = dealer.problem.tiers.first().map(Problem::minimised).unwrap_or_default();
    let value = worth.value(&objective);
    let bound = constant.saturating_add(whole_bound(outcome.bound * scale));
    if !worth.feasible() {
        proof.notes.push(format!("not exact: {:?}", worth.faults));
        return Run::Inexact { bound, proof };
    }
    // Within what the solver can't tell apart the bound is taken to be the value; and between a value
    // and the next better one there is nothing.
    let step = dealer.problem.step(&objective).max(1);
    let proved = outcome.status == Status::Optimal
        && bound.saturating_add(slack).saturating_add(step) > value;
    if outcome.confirmed {
        let says = "a second search, without the solver's presolve, found nothing better";
        proof.notes.push(says.to_owned());
    }
    if proved && gap_ppm == 0 {
        proof.basis = "branch and bound over all contents closed the gap (floating point, relative tolerance 1e-9); \
the solution was valued in whole numbers"
            .to_owned();
        return Run::Judged(Answer::Optimal(solution, proof));
    }
    if proved {
        proof.basis = "branch and bound over all contents, up to the gap asked for".to_owned();
    } else {
        proof.basis = "branch and bound stopped at a limit".to_owned();
    }
    Run::Judged(Answer::Feasible(solution, bound.min(value), proof))
}

/// The smallest difference of objectives that a run can be trusted to see: the solver's coefficients
/// are at most 1024 after scaling, its tolerance is 1e-9; costs are rounded per column; and rows that
/// say what a measure is are open.
#[expect(clippy::cast_possible_truncation, reason = "far below the range")]
fn slack(off: i128, scale: f64, widest: f64) -> i128 {
    off + (scale * 1024e-9 + 2.0 * widest).ceil() as i128
}

/// A bound as a whole number, rounded down where the solver's arithmetic is surely right.
#[expect(clippy::cast_possible_truncation, reason = "clamped to the range first")]
fn whole_bound(bound: f64) -> i128 {
    if bound.is_finite() {
        (bound - bound.abs() * 1e-12).floor().clamp(-1e36, 1e36) as i128
    } else {
        i128::MIN / 4
    }
}

/// Deals the items of every cell out to its hosts.
struct Dealer<'a> {
    problem: &'a Problem,
    contents: &'a Contents,
    grains: &'a [Grain],
    items: &'a BTreeMap<(GroupId, usize), expression::Var>,
    hosts: &'a [expression::Var],
}

impl Dealer<'_> {
    fn deal(&self, values: &[f64]) -> Solution {
        let mut left: BTreeMap<(GroupId, usize), i64> =
            self.items.iter().map(|(key, var)| (*key, whole(values[var.0]))).collect();
        let mut solution = Solution::default();
        for (content, var) in self.contents.contents.iter().zip(self.hosts) {
            for _ in 0..whole(values[var.0]) {
                let mut holds = Vec::new();
                for (class, room) in self.contents.classes.iter().zip(&content.room) {
                    let mut room = *room;
                    for group in &class.groups {
                        let cell = match self.grains[group.0] {
                            Grain::Option => content.option.0,
                            Grain::Site => self.problem.options[content.option.0].site,
                        };
                        let Some(waiting) = left.get_mut(&(*group, cell)) else { continue };
                        let taken = room.min(*waiting);
                        if taken > 0 {
                            *waiting -= taken;
                            room -= taken;
                            holds.push((*group, taken));
                        }
                    }
                }
                solution.hosts.push(HostUse { option: content.option, holds });
            }
        }
        solution.normalise();
        solution
    }
}

#[expect(clippy::cast_possible_truncation, reason = "counts are small")]
fn whole(value: f64) -> i64 {
    value.round() as i64
}
