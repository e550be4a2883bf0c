//! Presolve: the same problem with everything taken out that no best solution needs.
//!
//! Each step keeps at least one optimal solution, and every solution of the smaller problem is one
//! of the whole. Dominance respects every measure: what a goal looks at must be equal, or no worse
//! where smaller is always at least as good.

pub(crate) mod arcs;
mod dominance;
mod merge;
mod shrink;
mod sign;

pub use sign::smaller_is_better;

use crate::problem::{
    Combination, Formula, GroupId, Measure, OptionId, Problem, Requirement, Table,
};
use crate::solution::{HostUse, Solution};
use coc_model::goals::Policy;

/// A smaller problem, and the way back.
#[derive(Clone, Debug)]
pub struct Reduced {
    /// The smaller problem.
    pub problem: Problem,
    /// Old options of the new ones.
    options: Vec<OptionId>,
    /// Old groups, with their counts, of the new ones.
    groups: Vec<Vec<(GroupId, i64)>>,
    /// What was done, in words.
    pub notes: Vec<String>,
}

impl Reduced {
    /// A problem with nothing taken out.
    pub fn whole(problem: &Problem) -> Self {
        let groups = problem.groups.iter().enumerate();
        Self {
            problem: problem.clone(),
            options: (0..problem.options.len()).map(OptionId).collect(),
            groups: groups.map(|(g, group)| vec![(GroupId(g), group.count)]).collect(),
            notes: vec!["nothing taken out".to_owned()],
        }
    }

    /// The solution of the whole problem that a solution of the smaller one stands for.
    pub fn restore(&self, solution: &Solution) -> Solution {
        let mut left: Vec<std::collections::VecDeque<(GroupId, i64)>> =
            self.groups.iter().map(|g| g.iter().copied().collect()).collect();
        let mut hosts = Vec::with_capacity(solution.hosts.len());
        for host in &solution.hosts {
            let mut holds = Vec::new();
            for &(group, mut n) in &host.holds {
                let queue = &mut left[group.0];
                while n > 0 {
                    let Some(front) = queue.front_mut() else { break };
                    let take = n.min(front.1);
                    holds.push((front.0, take));
                    front.1 -= take;
                    n -= take;
                    if front.1 == 0 {
                        queue.pop_front();
                    }
                }
            }
            hosts.push(HostUse { option: self.options[host.option.0], holds });
        }
        let mut restored = Solution { hosts };
        restored.normalise();
        restored
    }
}

/// Presolves a problem.
pub fn presolve(problem: &Problem) -> Reduced {
    let mut work = problem.clone();
    let before = work.options.len();
    let barred = bar(&mut work);
    arcs::consistent(&mut work);
    let mut keep: Vec<bool> = (0..work.options.len())
        .map(|o| {
            !barred[o] && (0..work.groups.len()).any(|g| work.groups[g].may_use(&work, OptionId(o)))
        })
        .collect();
    let usable = count(&keep);
    shrink::clip_capacities(&mut work);
    dominance::options(&work, &mut keep);
    let undominated = count(&keep);
    dominance::sites(&work, &mut keep);
    let of_best_sites = count(&keep);
    let options: Vec<OptionId> = (0..keep.len()).filter(|o| keep[*o]).map(OptionId).collect();
    let mut reduced = shrink::to_options(&work, &options);
    let groups = merge::alike(&mut reduced);
    let notes = vec![format!(
        "presolve: {before} options, {usable} usable, {undominated} undominated, {of_best_sites} at undominated sites; {} groups of {}",
        reduced.groups.len(),
        problem.groups.len()
    )];
    Reduced { problem: reduced, options, groups, notes }
}

fn count(flags: &[bool]) -> usize {
    flags.iter().filter(|f| **f).count()
}

/// Turns requirements that only bar items from places into what groups may use, and tells which
/// options no host may be of.
fn bar(problem: &mut Problem) -> Vec<bool> {
    let mut barred = vec![false; problem.options.len()];
    let requirements = std::mem::take(&mut problem.requirements);
    for requirement in requirements {
        if requirement.policy == Policy::Should {
            problem.requirements.push(requirement);
            continue;
        }
        let mut parts = Vec::new();
        flatten(requirement.formula.clone(), &mut parts);
        parts.retain(|part| !bars(problem, part, &mut barred));
        if !parts.is_empty() {
            let formula = if parts.len() == 1 { parts.remove(0) } else { Formula::And(parts) };
            problem.requirements.push(Requirement { formula, ..requirement });
        }
    }
    barred
}

fn flatten(formula: Formula, parts: &mut Vec<Formula>) {
    match formula {
        Formula::And(inner) => inner.into_iter().for_each(|f| flatten(f, parts)),
        other => parts.push(other),
    }
}

/// If a formula says that a sum without negative numbers is zero, bars everything that counts in
/// it.
fn bars(problem: &mut Problem, formula: &Formula, barred: &mut [bool]) -> bool {
    let Formula::AtMostZero(Combination { constant: 0, terms }) = formula else { return false };
    let [(coefficient, measure)] = terms.as_slice() else { return false };
    let Measure::Sum { items, hosts } = problem.measures[measure.0].clone() else { return false };
    let negative = |t: &Table| match t {
        Table::Constant(v) => *v < 0,
        Table::Site(v) | Table::Option(v) => v.iter().any(|v| *v < 0),
    };
    if *coefficient <= 0 || items.iter().any(|(_, t)| negative(t)) || hosts.iter().any(negative) {
        return false;
    }
    for (group, table) in items {
        let group = &mut problem.groups[group.0];
        match table {
            Table::Constant(v) => {
                if v > 0 {
                    group.sites = vec![false; group.sites.len()].into();
                }
            }
            Table::Site(v) => {
                group.sites =
                    group.sites.iter().zip(v.iter()).map(|(ok, v)| *ok && *v == 0).collect();
            }
            Table::Option(v) => {
                group.options =
                    group.options.iter().zip(v.iter()).map(|(ok, v)| *ok && *v == 0).collect();
            }
        }
    }
    if let Some(table) = hosts {
        for (option, barred) in barred.iter_mut().enumerate() {
            *barred |= table.at(problem, OptionId(option)) > 0;
        }
    }
    true
}

#[cfg(test)]
mod tests;
