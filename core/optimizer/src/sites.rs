//! Few sites out of many: a problem whose sites are tied together by traffic or latency is solved
//! over a few of them, and a bound shows that no other site can help.
//!
//! The bound is that of a relaxation in which traffic costs nothing and conditions on pairs of sites
//! are left out, with the demand that at least one item is outside of the chosen sites. If even that
//! costs no less than what was found inside, nothing outside can be part of anything better. Else
//! the sites it uses are chosen too. The relaxation falls apart into packings that hardly see the
//! sites, so that presolve leaves little of it.

use std::collections::BTreeSet;

use coc_model::goals::Policy;

use crate::engine::{Answer, Budget, Engine};
use crate::presolve::presolve;
use crate::problem::{Combination, Formula, GroupId, Measure, Origin, Problem, Requirement, Table};
use crate::solution::Solution;

/// With fewer sites than this the whole problem is solved at once.
const FEW: usize = 9;

/// True if choosing sites first is of use: many sites, and something that ties them together.
pub(crate) fn is_tied(problem: &Problem) -> bool {
    problem.sites.len() >= FEW && problem.measures.iter().any(ties)
}

fn ties(measure: &Measure) -> bool {
    matches!(measure, Measure::Traffic(_) | Measure::Pairs { .. } | Measure::LargestPair { .. })
}

/// Solves a problem over a growing choice of its sites. `None` if that came to nothing: then the
/// problem is to be solved as a whole.
pub(crate) fn solve(problem: &Problem, engine: &dyn Engine, budget: Budget<'_>) -> Option<Answer> {
    let objective = problem.tiers.first().map(Problem::minimised).unwrap_or_default();
    let untied = untied(problem);
    let mut chosen: BTreeSet<usize> = BTreeSet::new();
    let mut best: Option<(i128, Answer)> = None;
    let mut looks = 0;
    while chosen.len() * 3 < problem.sites.len() * 2 && !budget.over() {
        looks += 1;
        let (bound, used) = match reduced(&outside(&untied, &chosen), engine, budget) {
            Answer::Optimal(solution, _) => {
                let value = solution.worth(&untied).value(&objective);
                (value, sites_of(problem, &solution))
            }
            Answer::Infeasible(_) => (i128::MAX, BTreeSet::new()),
            Answer::Feasible(..) | Answer::Unknown(..) => return None,
        };
        match &best {
            Some((value, _)) if bound >= *value => break,
            None if bound == i128::MAX => break,
            _ => {}
        }
        eprintln!(
            "look {looks}: bound {bound} best {:?} chosen {} of {} used {:?} left {:?}",
            best.as_ref().map(|b| b.0),
            chosen.len(),
            problem.sites.len(),
            used.iter().map(|u| problem.sites[*u].to_string()).collect::<Vec<_>>(),
            (budget.time_left)()
        );
        let before = chosen.len();
        chosen.extend(used);
        if chosen.len() == before && best.is_some() {
            return None;
        }
        // Until something is found inside, and then only when the bound can't get closer by looking
        // further outside, the chosen sites are worth a search.
        if best.is_none() {
            best = search(problem, &chosen, engine, budget);
        }
    }
    if budget.over() {
        return None;
    }
    finish(problem, &chosen, best, looks, engine, budget)
}

/// The last search, over all sites that could matter.
fn finish(
    problem: &Problem,
    chosen: &BTreeSet<usize>,
    best: Option<(i128, Answer)>,
    looks: usize,
    engine: &dyn Engine,
    budget: Budget<'_>,
) -> Option<Answer> {
    if chosen.len() * 3 >= problem.sites.len() * 2 {
        return None;
    }
    let note = format!(
        "{} of {} sites can matter: with any other, even free traffic and no limits on latency cost more ({looks} looks)",
        chosen.len(),
        problem.sites.len()
    );
    match search(problem, chosen, engine, budget).or(best)?.1 {
        Answer::Optimal(solution, mut proof) => {
            proof.notes.push(note);
            Some(Answer::Optimal(solution, proof))
        }
        _ => None,
    }
}

/// The optimum over some sites, with its value.
fn search(
    problem: &Problem,
    chosen: &BTreeSet<usize>,
    engine: &dyn Engine,
    budget: Budget<'_>,
) -> Option<(i128, Answer)> {
    let objective = problem.tiers.first().map(Problem::minimised).unwrap_or_default();
    let mut inside = problem.clone();
    for group in &mut inside.groups {
        group.sites =
            group.sites.iter().enumerate().map(|(s, ok)| *ok && chosen.contains(&s)).collect();
    }
    match reduced(&inside, engine, budget) {
        Answer::Optimal(solution, proof) => {
            let value = solution.worth(problem).value(&objective);
            Some((value, Answer::Optimal(solution, proof)))
        }
        _ => None,
    }
}

fn reduced(problem: &Problem, engine: &dyn Engine, budget: Budget<'_>) -> Answer {
    let reduced = presolve(problem);
    match engine.solve(&reduced.problem, budget) {
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

/// The problem with everything that ties sites together counting nothing: such measures are never
/// negative and only ever better small, so no solution is lost and none gets dearer.
fn untied(problem: &Problem) -> Problem {
    let mut untied = problem.clone();
    for measure in untied.measures.iter_mut().filter(|m| ties(m)) {
        *measure = Measure::Sum { items: Vec::new(), hosts: None };
    }
    untied
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

fn sites_of(problem: &Problem, solution: &Solution) -> BTreeSet<usize> {
    solution.hosts.iter().map(|h| problem.options[h.option.0].site).collect()
}
