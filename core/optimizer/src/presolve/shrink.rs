//! A problem cut down to some of its options.

use std::sync::Arc;

use crate::problem::{HostLimit, Measure, OptionId, PairTable, Problem, Table, Traffic};

/// Cuts capacities to what all items that may use the option could ever take, so that machines that
/// are all larger than needed compare as equal.
pub(super) fn clip_capacities(problem: &mut Problem) {
    let demands: Vec<Vec<i64>> = (0..problem.options.len())
        .map(|o| {
            let total = |dimension: usize| {
                let (_, most) = problem.sum_over_groups(|id| {
                    let group = &problem.groups[id.0];
                    let all = i128::from(group.demand[dimension]) * i128::from(group.count);
                    if group.may_use(problem, OptionId(o)) { (all, all) } else { (0, 0) }
                });
                i64::try_from(most).unwrap_or(i64::MAX)
            };
            (0..problem.dimensions.len()).map(total).collect()
        })
        .collect();
    for (option, demand) in problem.options.iter_mut().zip(demands) {
        for (capacity, most) in option.capacity.iter_mut().zip(demand) {
            *capacity = (*capacity).min(most);
        }
    }
}

/// The problem with these options only, and the sites they are at.
pub(super) fn to_options(problem: &Problem, options: &[OptionId]) -> Problem {
    let mut sites: Vec<usize> = options.iter().map(|o| problem.options[o.0].site).collect();
    sites.sort_unstable();
    sites.dedup();
    let new_site = |old: usize| sites.binary_search(&old).unwrap_or(0);
    let cut = Cut { options, sites: &sites };
    let mut small = Problem {
        dimensions: problem.dimensions.clone(),
        dimension_rules: problem.dimension_rules.clone(),
        sites: sites.iter().map(|s| Arc::clone(&problem.sites[*s])).collect(),
        options: options.iter().map(|o| problem.options[o.0].clone()).collect(),
        limits: Vec::new(),
        groups: problem.groups.clone(),
        choices: problem.choices.clone(),
        apart: problem.apart.clone(),
        measures: problem.measures.iter().map(|m| cut.measure(m)).collect(),
        requirements: problem.requirements.clone(),
        tiers: problem.tiers.clone(),
        partial: problem.partial,
    };
    for option in &mut small.options {
        option.site = new_site(option.site);
    }
    for group in &mut small.groups {
        group.sites = sites.iter().map(|s| group.sites[*s]).collect();
        group.options = options.iter().map(|o| group.options[o.0]).collect();
    }
    for limit in &problem.limits {
        let kept: Vec<OptionId> = options
            .iter()
            .enumerate()
            .filter(|(_, old)| limit.options.contains(old))
            .map(|(new, _)| OptionId(new))
            .collect();
        if !kept.is_empty() {
            small.limits.push(HostLimit { options: kept, ..limit.clone() });
        }
    }
    small
}

struct Cut<'a> {
    options: &'a [OptionId],
    sites: &'a [usize],
}

impl Cut<'_> {
    fn table(&self, table: &Table) -> Table {
        match table {
            Table::Constant(value) => Table::Constant(*value),
            Table::Site(values) => Table::Site(self.sites.iter().map(|s| values[*s]).collect()),
            Table::Option(values) => {
                Table::Option(self.options.iter().map(|o| values[o.0]).collect())
            }
        }
    }

    fn pairs<T: Copy>(&self, sites: usize, values: &[T]) -> Arc<[T]> {
        let cells = self.sites.iter().flat_map(|a| self.sites.iter().map(move |b| (*a, *b)));
        cells.map(|(a, b)| values[a * sites + b]).collect()
    }

    fn measure(&self, measure: &Measure) -> Measure {
        match measure {
            Measure::Sum { items, hosts } => Measure::Sum {
                items: items.iter().map(|(g, t)| (*g, self.table(t))).collect(),
                hosts: hosts.as_ref().map(|t| self.table(t)),
            },
            Measure::Distinct { groups, key } => {
                Measure::Distinct { groups: groups.clone(), key: self.table(key) }
            }
            Measure::Skew { groups, key, domain } => Measure::Skew {
                groups: groups.clone(),
                key: self.table(key),
                domain: domain.clone(),
            },
            Measure::Largest { groups, table, floor } => {
                Measure::Largest { groups: groups.clone(), table: self.table(table), floor: *floor }
            }
            Measure::LargestPair { between, table } => {
                Measure::LargestPair { between: between.clone(), table: self.pair_table(table) }
            }
            Measure::Pairs { between, table } => {
                Measure::Pairs { between: *between, table: self.pair_table(table) }
            }
            Measure::Traffic(traffic) => Measure::Traffic(Traffic {
                flows: traffic.flows.clone(),
                sites: self.sites.len(),
                meter: self.pairs(traffic.sites, &traffic.meter),
                prices: traffic.prices.clone(),
            }),
            Measure::Excess(_) | Measure::Broken(_) | Measure::Product(..) => measure.clone(),
        }
    }

    fn pair_table(&self, table: &PairTable) -> PairTable {
        PairTable { sites: self.sites.len(), values: self.pairs(table.sites, &table.values) }
    }
}
