//! Every packing of a tiny problem, with nothing left out but mirror images of new hosts: what
//! explanations are held against.

use coc_model::goals::{Direction, Policy};
use coc_optimizer::problem::{Combination, GroupId, OptionId, Problem, Tier};
use coc_optimizer::solution::{Fault, HostUse, Solution, holds, value};

/// What one packing comes to: the value of each measure.
pub type Measured = Vec<i128>;

/// The measured values of all packings that machines and their limits allow, each once; goals are
/// not looked at, rules on sharing hosts only if `apart`.
pub fn packings(problem: &Problem, apart: Sharing) -> Vec<Measured> {
    let mut all = All { problem, apart, items: Vec::new(), found: Vec::new() };
    for groups in problem.selections() {
        let items = groups.into_iter().flat_map(|g| {
            std::iter::repeat_n(g, usize::try_from(problem.groups[g.0].count).unwrap_or(0))
        });
        all.items = items.collect();
        all.place(0, &mut Vec::new());
    }
    all.found.sort();
    all.found.dedup();
    all.found
}

/// Whether rules on sharing hosts are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// They are.
    ByTheRules,
    /// They are not.
    AsItFits,
}

struct All<'a> {
    problem: &'a Problem,
    apart: Sharing,
    items: Vec<GroupId>,
    found: Vec<Measured>,
}

impl All<'_> {
    fn place(&mut self, next: usize, hosts: &mut Vec<HostUse>) {
        let Some(&group) = self.items.get(next) else { return self.packed(hosts) };
        for host in 0..hosts.len() {
            hosts[host].holds.push((group, 1));
            self.place(next + 1, hosts);
            hosts[host].holds.pop();
        }
        for option in (0..self.problem.options.len()).map(OptionId) {
            if self.problem.groups[group.0].may_use(self.problem, option) {
                hosts.push(HostUse { option, holds: vec![(group, 1)] });
                self.place(next + 1, hosts);
                hosts.pop();
            }
        }
    }

    fn packed(&mut self, hosts: &[HostUse]) {
        let mut solution = Solution { hosts: hosts.to_vec() };
        for host in &mut solution.hosts {
            host.holds.sort_unstable();
            let singles = std::mem::take(&mut host.holds);
            for (group, n) in singles {
                match host.holds.last_mut() {
                    Some(held) if held.0 == group => held.1 += n,
                    _ => host.holds.push((group, n)),
                }
            }
        }
        let worth = solution.worth(self.problem);
        let counts = |fault: &Fault| match fault {
            Fault::Requirement { .. } => false,
            Fault::Apart { .. } => self.apart == Sharing::ByTheRules,
            _ => true,
        };
        if !worth.faults.iter().any(counts) {
            self.found.push(worth.measures);
        }
    }
}

/// The packings that keep all that must hold.
pub fn allowed(problem: &Problem, packings: &[Measured]) -> Vec<Measured> {
    let must = || problem.requirements.iter().filter(|r| r.policy != Policy::Should);
    packings.iter().filter(|m| must().all(|r| holds(&r.formula, m))).cloned().collect()
}

/// The best values of all tiers among some packings, smaller being better: each tier within the
/// tolerance of those before; then those with a tolerance made best once more. `None` if there are
/// no packings.
pub fn optimum(tiers: &[Tier], packings: &[Measured]) -> Option<Vec<i128>> {
    let mut left = packings.to_vec();
    let mut values = Vec::new();
    for tier in tiers {
        let objective = minimised(tier);
        let best = left.iter().map(|m| value(&objective, m)).min()?;
        values.push(best);
        let one = coc_model::decimal::ONE;
        let slack =
            best.abs() / one * tier.tolerance_atto + best.abs() % one * tier.tolerance_atto / one;
        left.retain(|m| value(&objective, m) <= best + slack);
    }
    for tier in tiers.iter().filter(|t| t.tolerance_atto > 0) {
        let objective = minimised(tier);
        let best = left.iter().map(|m| value(&objective, m)).min()?;
        values.push(best);
        left.retain(|m| value(&objective, m) <= best);
    }
    Some(values)
}

/// The objective of a tier, turned so that smaller is better.
pub fn minimised(tier: &Tier) -> Combination {
    let mut objective = tier.objective.clone();
    if tier.direction == Direction::Maximize {
        objective.negate();
    }
    objective
}

/// The values of some objectives that no others beat, sorted.
pub fn pareto(objectives: &[Combination], packings: &[Measured]) -> Vec<Vec<i128>> {
    let mut all: Vec<Vec<i128>> = packings
        .iter()
        .map(|m| objectives.iter().map(|o| value(o, m)).collect::<Vec<i128>>())
        .collect();
    all.sort();
    all.dedup();
    let beaten = |p: &Vec<i128>| all.iter().any(|q| q != p && q.iter().zip(p).all(|(a, b)| a <= b));
    all.iter().filter(|p| !beaten(p)).cloned().collect()
}
