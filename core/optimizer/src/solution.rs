//! Solutions, and what they are worth: every measure computed from its definition, in integers.

use std::collections::{BTreeMap, BTreeSet};

use crate::problem::{
    Choice, Combination, Formula, GroupId, Measure, MeasureId, OptionId, Problem, Table, Traffic,
};

/// A solution: the hosts and what is on them.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Solution {
    /// The hosts, sorted.
    pub hosts: Vec<HostUse>,
}

/// A host of a solution.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HostUse {
    /// What kind of host.
    pub option: OptionId,
    /// How many items of which groups, sorted by group, none zero.
    pub holds: Vec<(GroupId, i64)>,
}

/// A solution's worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worth {
    /// The value of each measure.
    pub measures: Vec<i128>,
    /// What is wrong with it: empty for a feasible solution.
    pub faults: Vec<Fault>,
}

/// Something a solution must not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Not every item is placed, or too many are.
    Count {
        /// The group.
        group: GroupId,
        /// Items placed.
        placed: i64,
    },
    /// Not exactly one alternative of a choice is placed.
    Choice {
        /// Index in [`Problem::choices`].
        choice: usize,
        /// The alternatives that have items.
        placed: Vec<GroupId>,
    },
    /// An item is where it may not be.
    Place {
        /// The group.
        group: GroupId,
        /// The option.
        option: OptionId,
    },
    /// A host holds more than it can.
    Capacity {
        /// Index of the host.
        host: usize,
    },
    /// Items share a host that must not.
    Apart {
        /// Index in [`Problem::apart`].
        apart: usize,
        /// Index of the host.
        host: usize,
    },
    /// More hosts than can be had.
    Limit {
        /// Index in [`Problem::limits`].
        limit: usize,
    },
    /// A requirement with policy must does not hold.
    Requirement {
        /// Index in [`Problem::requirements`].
        requirement: usize,
    },
}

impl Solution {
    /// Puts hosts and contents in their fixed order.
    pub fn normalise(&mut self) {
        for host in &mut self.hosts {
            host.holds.retain(|&(_, n)| n != 0);
            host.holds.sort_unstable();
        }
        self.hosts.retain(|h| !h.holds.is_empty());
        self.hosts.sort_unstable();
    }

    /// Computes every measure and finds every fault.
    pub fn worth(&self, problem: &Problem) -> Worth {
        let tally = Tally::of(problem, self);
        let mut measures: Vec<i128> = Vec::with_capacity(problem.measures.len());
        for measure in &problem.measures {
            let value = tally.measure(measure, &measures);
            measures.push(value);
        }
        let mut faults = structure_faults(problem, self);
        for (requirement, r) in problem.requirements.iter().enumerate() {
            let must = r.policy != coc_model::goals::Policy::Should;
            if must && !holds(&r.formula, &measures) {
                faults.push(Fault::Requirement { requirement });
            }
        }
        Worth { measures, faults }
    }
}

impl Worth {
    /// True if nothing is wrong.
    pub fn feasible(&self) -> bool {
        self.faults.is_empty()
    }

    /// The value of a combination.
    pub fn value(&self, combination: &Combination) -> i128 {
        value(combination, &self.measures)
    }
}

/// The value of a combination of measured values.
pub fn value(combination: &Combination, measures: &[i128]) -> i128 {
    combination
        .terms
        .iter()
        .map(|&(c, MeasureId(m))| c.saturating_mul(measures[m]))
        .fold(combination.constant, i128::saturating_add)
}

/// True if a formula holds for measured values.
pub fn holds(formula: &Formula, measures: &[i128]) -> bool {
    match formula {
        Formula::AtMostZero(combination) => value(combination, measures) <= 0,
        Formula::And(parts) => parts.iter().all(|p| holds(p, measures)),
        Formula::Or(parts) => parts.iter().any(|p| holds(p, measures)),
    }
}

fn structure_faults(problem: &Problem, solution: &Solution) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut placed = vec![0_i64; problem.groups.len()];
    for (index, host) in solution.hosts.iter().enumerate() {
        let option = &problem.options[host.option.0];
        let mut used = vec![0_i64; problem.dimensions.len()];
        for &(group, n) in &host.holds {
            placed[group.0] += n;
            let g = &problem.groups[group.0];
            if !g.may_use(problem, host.option) {
                faults.push(Fault::Place { group, option: host.option });
            }
            for (u, d) in used.iter_mut().zip(&g.demand) {
                *u = u.saturating_add(d.saturating_mul(n));
            }
        }
        if used.iter().zip(&option.capacity).any(|(u, c)| u > c) {
            faults.push(Fault::Capacity { host: index });
        }
        let on = |g: GroupId| host.holds.iter().find(|h| h.0 == g).map_or(0, |h| h.1);
        for (apart, rule) in problem.apart.iter().enumerate() {
            let broken =
                if rule.a == rule.b { on(rule.a) > 1 } else { on(rule.a) > 0 && on(rule.b) > 0 };
            if broken {
                faults.push(Fault::Apart { apart, host: index });
            }
        }
    }
    faults.extend(count_faults(problem, &placed));
    for (limit, rule) in problem.limits.iter().enumerate() {
        let used = solution.hosts.iter().filter(|h| rule.options.contains(&h.option)).count();
        if i64::try_from(used).unwrap_or(i64::MAX) > rule.most {
            faults.push(Fault::Limit { limit });
        }
    }
    faults
}

/// Groups with too few or too many items, given how many of each are placed. Alternatives are placed
/// whole or not at all.
fn count_faults(problem: &Problem, placed: &[i64]) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (index, group) in problem.groups.iter().enumerate() {
        let (id, placed) = (GroupId(index), placed[index]);
        let right = placed == group.count
            || match problem.choice_of(id) {
                Some(_) => placed == 0,
                None => problem.partial && placed < group.count,
            };
        if !right {
            faults.push(Fault::Count { group: id, placed });
        }
    }
    for (choice, Choice { groups }) in problem.choices.iter().enumerate() {
        let there = |g: &GroupId| placed[g.0] > 0;
        let some: Vec<GroupId> = groups.iter().copied().filter(there).collect();
        let none_is_right =
            problem.partial || groups.iter().any(|g| problem.groups[g.0].count == 0);
        if some.len() > 1 || (some.is_empty() && !none_is_right) {
            faults.push(Fault::Choice { choice, placed: some });
        }
    }
    faults
}

/// Counts of items and hosts, from which measures are computed.
struct Tally<'a> {
    problem: &'a Problem,
    /// Items of a group per option.
    items: BTreeMap<(GroupId, OptionId), i128>,
    /// Hosts per option.
    hosts: BTreeMap<OptionId, i128>,
}

impl<'a> Tally<'a> {
    fn of(problem: &'a Problem, solution: &Solution) -> Self {
        let (mut items, mut hosts) = (BTreeMap::new(), BTreeMap::new());
        for host in &solution.hosts {
            *hosts.entry(host.option).or_insert(0) += 1;
            for &(group, n) in &host.holds {
                *items.entry((group, host.option)).or_insert(0) += i128::from(n);
            }
        }
        Self { problem, items, hosts }
    }

    fn items_of(&self, group: GroupId) -> impl Iterator<Item = (OptionId, i128)> + '_ {
        self.items
            .range((group, OptionId(0))..=(group, OptionId(usize::MAX)))
            .map(|(&(_, option), &n)| (option, n))
    }

    /// Options in use by groups, or by hosts if none are named.
    fn used<'s>(
        &'s self,
        groups: &'s [GroupId],
    ) -> Box<dyn Iterator<Item = (OptionId, i128)> + 's> {
        if groups.is_empty() {
            Box::new(self.hosts.iter().map(|(&o, &n)| (o, n)))
        } else {
            Box::new(groups.iter().flat_map(|&g| self.items_of(g)))
        }
    }

    fn measure(&self, measure: &Measure, before: &[i128]) -> i128 {
        let at = |table: &Table, option| table.at(self.problem, option);
        match measure {
            Measure::Sum { items, hosts } => {
                let of_items: i128 = items
                    .iter()
                    .flat_map(|(g, t)| self.items_of(*g).map(move |(o, n)| n * at(t, o)))
                    .sum();
                let of_hosts: i128 = hosts
                    .iter()
                    .flat_map(|t| self.hosts.iter().map(move |(&o, &n)| n * at(t, o)))
                    .sum();
                of_items + of_hosts
            }
            Measure::Distinct { groups, key } => {
                let keys: BTreeSet<i128> = self.used(groups).map(|(o, _)| at(key, o)).collect();
                i128::try_from(keys.len()).unwrap_or(i128::MAX)
            }
            Measure::Skew { groups, key, domain } => {
                let mut counts: BTreeMap<i128, i128> = domain.iter().map(|&k| (k, 0)).collect();
                for &(group, weight) in groups {
                    for (option, n) in self.items_of(group) {
                        if let Some(count) = counts.get_mut(&at(key, option)) {
                            *count += n * weight;
                        }
                    }
                }
                let most = counts.values().max().copied().unwrap_or(0);
                most - counts.values().min().copied().unwrap_or(0)
            }
            Measure::Largest { groups, table, floor } => {
                self.used(groups).map(|(o, _)| at(table, o)).fold(*floor, i128::max)
            }
            Measure::LargestPair { between, table } => between
                .iter()
                .flat_map(|&(a, b)| self.pairs(a, b))
                .map(|(a, b, _)| table.at(a, b))
                .max()
                .unwrap_or(0),
            Measure::Pairs { between, table } => {
                self.pairs(between.0, between.1).map(|(a, b, n)| n * table.at(a, b)).sum()
            }
            Measure::Traffic(traffic) => self.traffic(traffic),
            Measure::Excess(combination) => value(combination, before).max(0),
            Measure::Broken(formula) => i128::from(!holds(formula, before)),
            Measure::Product(a, b) => value(a, before).saturating_mul(value(b, before)),
        }
    }

    /// (site, site, number of pairs) over pairs of items of two groups; an item is not paired with
    /// itself.
    fn pairs(&self, a: GroupId, b: GroupId) -> impl Iterator<Item = (usize, usize, i128)> {
        let mut pairs: BTreeMap<(usize, usize), i128> = BTreeMap::new();
        let site = |option: OptionId| self.problem.options[option.0].site;
        for (oa, na) in self.items_of(a) {
            for (ob, nb) in self.items_of(b) {
                let own = if a == b && oa == ob { na } else { 0 };
                *pairs.entry((site(oa), site(ob))).or_insert(0) += na * nb - own;
            }
        }
        pairs.into_iter().filter(|&(_, n)| n > 0).map(|((a, b), n)| (a, b, n))
    }

    fn traffic(&self, traffic: &Traffic) -> i128 {
        let mut volumes = vec![0_i128; traffic.prices.len()];
        for flow in &traffic.flows {
            for (a, b, n) in self.pairs(flow.from, flow.to) {
                if let Some(meter) = traffic.meter[a * traffic.sites + b] {
                    volumes[meter] += n * flow.bytes;
                }
            }
        }
        traffic.prices.iter().zip(volumes).map(|(price, v)| price.cost(v)).sum()
    }
}
