//! How small and how large measures can be, from counts and tables alone.

use std::collections::BTreeMap;

use crate::problem::{Combination, GroupId, Measure, MeasureId, Problem, Table};

impl Problem {
    /// Bounds of a combination over all solutions; not always the tightest.
    pub fn range(&self, combination: &Combination) -> (i128, i128) {
        let start = (combination.constant, combination.constant);
        combination.terms.iter().fold(start, |(least, most), &(c, measure)| {
            let (a, b) = self.measure_range(measure);
            let ends = (c.saturating_mul(a), c.saturating_mul(b));
            (least.saturating_add(ends.0.min(ends.1)), most.saturating_add(ends.0.max(ends.1)))
        })
    }

    fn measure_range(&self, measure: MeasureId) -> (i128, i128) {
        match &self.measures[measure.0] {
            Measure::Sum { items, hosts } => {
                let mut of_group: BTreeMap<GroupId, (i128, i128)> = BTreeMap::new();
                for (group, table) in items {
                    let range = of_group.entry(*group).or_default();
                    *range = plus([*range, self.items_range(*group, table)].into_iter());
                }
                let of_items =
                    self.sum_over_groups(|g| of_group.get(&g).copied().unwrap_or_default());
                let of_hosts = hosts.iter().map(|table| self.hosts_range(table));
                plus(of_hosts.chain([of_items]))
            }
            Measure::Distinct { groups, key } => {
                let mut keys = self.values(key);
                keys.sort_unstable();
                keys.dedup();
                let kinds = i128::try_from(keys.len()).unwrap_or(i128::MAX);
                let items = self.items_of(groups).1.into();
                (0, if groups.is_empty() { kinds } else { kinds.min(items) })
            }
            Measure::Skew { groups, .. } => {
                let weight = |group| {
                    let of = groups.iter().filter(|(of, _)| *of == group);
                    let weight = of.map(|(_, w)| w.saturating_mul(self.count(group))).sum();
                    (0, weight)
                };
                self.sum_over_groups(weight)
            }
            Measure::Largest { table, floor, .. } => {
                (*floor, self.values(table).into_iter().fold(*floor, i128::max))
            }
            Measure::LargestPair { table, .. } => {
                (0, table.values.iter().copied().fold(0, i128::max))
            }
            Measure::Pairs { between: (a, b), table } => {
                let most = table.values.iter().copied().fold(0, i128::max);
                (0, most.saturating_mul(self.count(*a) * self.count(*b)))
            }
            Measure::Traffic(traffic) => {
                let bytes = |f: &crate::problem::Flow| {
                    f.bytes.saturating_mul(self.count(f.from) * self.count(f.to))
                };
                let bytes: i128 = traffic.flows.iter().map(bytes).fold(0, i128::saturating_add);
                let cost = traffic.prices.iter().map(|price| price.cost(bytes));
                (0, cost.fold(0, i128::saturating_add))
            }
            Measure::Excess(combination) => {
                let (least, most) = self.range(combination);
                (least.max(0), most.max(0))
            }
            Measure::Broken(_) => (0, 1),
            Measure::Product(a, b) => {
                let (a, b) = (self.range(a), self.range(b));
                let ends = [(a.0, b.0), (a.0, b.1), (a.1, b.0), (a.1, b.1)];
                let ends = ends.map(|(x, y)| x.saturating_mul(y));
                (
                    ends.into_iter().fold(i128::MAX, i128::min),
                    ends.into_iter().fold(i128::MIN, i128::max),
                )
            }
        }
    }

    fn count(&self, group: GroupId) -> i128 {
        self.groups[group.0].count.into()
    }

    fn values(&self, table: &Table) -> Vec<i128> {
        match table {
            Table::Constant(value) => vec![*value],
            Table::Site(values) | Table::Option(values) => values.to_vec(),
        }
    }

    /// What the items of a group come to, if all of them are placed.
    fn items_range(&self, group: GroupId, table: &Table) -> (i128, i128) {
        let values = self.values(table);
        let (least, most) =
            (values.iter().copied().min().unwrap_or(0), values.iter().copied().max().unwrap_or(0));
        let count = self.count(group);
        (least.saturating_mul(count), most.saturating_mul(count))
    }

    /// There are at most as many hosts as items, and one if there is an item that has to be placed.
    fn hosts_range(&self, table: &Table) -> (i128, i128) {
        let values = self.values(table);
        let (least, most) =
            (values.iter().copied().min().unwrap_or(0), values.iter().copied().max().unwrap_or(0));
        let all: Vec<GroupId> = (0..self.groups.len()).map(GroupId).collect();
        let (items, hosts) = self.items_of(&all);
        let (fewest, hosts) = (i128::from(items > 0), i128::from(hosts));
        let low = if least < 0 { hosts } else { fewest };
        let high = if most > 0 { hosts } else { fewest };
        (least.saturating_mul(low), most.saturating_mul(high))
    }
}

fn plus(ranges: impl Iterator<Item = (i128, i128)>) -> (i128, i128) {
    ranges.fold((0, 0), |(a, b), (least, most)| (a.saturating_add(least), b.saturating_add(most)))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::problem::{Group, HostOption, OptionId};
    use crate::solution::{HostUse, Solution};

    fn problem(partial: bool) -> Problem {
        let option = |site| HostOption { offering: site, site, capacity: vec![10] };
        let group = |name: &str, count| Group {
            services: vec![(Arc::from(name), 1)],
            count,
            demand: vec![1],
            sites: vec![true; 2].into(),
            options: vec![true; 2].into(),
        };
        Problem {
            dimensions: vec!["cpu".into()],
            sites: vec!["a".into(), "b".into()],
            options: vec![option(0), option(1)],
            groups: vec![group("x", 2), group("y", 1)],
            partial,
            ..Problem::default()
        }
    }

    #[test]
    fn every_packing_lies_in_the_range() {
        for partial in [false, true] {
            let mut problem = problem(partial);
            let table = |a, b| Table::Site(vec![a, b].into());
            let items = vec![(GroupId(0), table(-2, 5)), (GroupId(1), Table::Constant(1))];
            let sum = problem.measure(Measure::Sum { items, hosts: Some(table(3, -4)) });
            let inner = Combination { constant: -1, terms: vec![(2, sum)] };
            let excess = problem.measure(Measure::Excess(inner.clone()));
            let other = Combination { constant: 2, terms: vec![(-1, sum)] };
            let product = problem.measure(Measure::Product(inner, other));
            for bits in 0..8_usize {
                let mut solution = Solution::default();
                for (item, group) in [0, 0, 1].into_iter().enumerate() {
                    let option = OptionId((bits >> item) & 1);
                    solution.hosts.push(HostUse { option, holds: vec![(GroupId(group), 1)] });
                }
                let worth = solution.worth(&problem);
                for measure in [sum, excess, product] {
                    let of = Combination::of(measure);
                    let (least, most) = problem.range(&of);
                    let value = worth.value(&of);
                    assert!(least <= value && value <= most, "{least} {value} {most}");
                }
            }
        }
    }
}
