//! How far apart two different values of an objective are: "better" has to be said to an engine as
//! "at most the best less a step".

use crate::problem::{Combination, Measure, MeasureId, PairTable, Problem, Table, Traffic};

/// Values closer than one part in this are not told apart where nothing better is known: engines
/// that compute with floating point can't.
const PARTS: i128 = 10_000_000;

/// The smallest difference between the value of a combination and a better one: the greatest number
/// that divides every difference of its values, so that nothing lies between; but at least one part
/// in ten million of the value.
pub(super) fn step(problem: &Problem, combination: &Combination, value: i128) -> i128 {
    divisor(problem, combination).max(value.abs() / PARTS).max(1)
}

/// The greatest number known to divide every difference of two values of a combination; 0 if it has
/// one value only.
fn divisor(problem: &Problem, combination: &Combination) -> i128 {
    combination
        .terms
        .iter()
        .map(|&(c, measure)| c.saturating_mul(of_measure(problem, measure)))
        .fold(0, gcd)
}

fn of_measure(problem: &Problem, MeasureId(index): MeasureId) -> i128 {
    match &problem.measures[index] {
        Measure::Sum { items, hosts } => {
            items.iter().map(|(_, t)| t).chain(hosts).map(of_table).fold(0, gcd)
        }
        // Both are one of the numbers.
        Measure::Largest { table, floor, .. } => gcd(of_table(table), *floor),
        Measure::LargestPair { table, .. } | Measure::Pairs { table, .. } => of_pairs(table),
        Measure::Skew { groups, .. } => groups.iter().map(|g| g.1).fold(0, gcd),
        Measure::Traffic(traffic) => of_traffic(traffic),
        Measure::Excess(inner) => gcd(divisor(problem, inner), inner.constant),
        _ => 1,
    }
}

fn of_table(table: &Table) -> i128 {
    match table {
        Table::Constant(value) => value.abs(),
        Table::Site(values) | Table::Option(values) => values.iter().copied().fold(0, gcd),
    }
}

fn of_pairs(table: &PairTable) -> i128 {
    table.values.iter().copied().fold(0, gcd)
}

/// Volumes are multiples of the flows' common divisor. If that many bytes cost a whole number of
/// nano-dollars in every tier, and tiers begin at multiples too, so does every volume.
fn of_traffic(traffic: &Traffic) -> i128 {
    let bytes = traffic.flows.iter().map(|f| f.bytes).fold(0, gcd);
    let mut common = 0;
    for price in &traffic.prices {
        let unit = price.unit.saturating_mul(1_000_000_000);
        for &(from, atto) in &price.tiers {
            let Some(cost) = bytes.checked_mul(atto) else { return 1 };
            if unit == 0 || cost % unit != 0 || (bytes != 0 && from % bytes != 0) {
                return 1;
            }
            common = gcd(common, cost / unit);
        }
    }
    common
}

fn gcd(a: i128, b: i128) -> i128 {
    let (mut a, mut b) = (a, b);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a.saturating_abs()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::{Flow, GroupId, MeterPrice};

    fn hosts(values: &[i128]) -> Measure {
        Measure::Sum { items: Vec::new(), hosts: Some(Table::Option(values.into())) }
    }

    #[test]
    fn prices_in_cents_differ_by_cents_whatever_is_added() {
        let mut problem = Problem::default();
        let cents = Combination::of(problem.measure(hosts(&[190_000_000, 60_000_000])));
        assert_eq!(step(&problem, &cents, 250_000_000), 10_000_000);
        let shifted = Combination { constant: 7, ..cents };
        assert_eq!(step(&problem, &shifted, 250_000_007), 10_000_000);
    }

    #[test]
    fn what_no_engine_can_tell_apart_is_one_value() {
        let mut problem = Problem::default();
        let odd = Combination::of(problem.measure(hosts(&[190_000_000_001, 60_000_000_000])));
        assert_eq!(step(&problem, &odd, 190_000_000_001), 19_000);
        assert_eq!(step(&problem, &odd, 0), 1);
    }

    /// 4 GB at 0.09 dollars a GB are 0.36 dollars; a step of the price inside a flow breaks it.
    #[test]
    fn traffic_is_counted_in_flows() {
        let traffic = |from: i128| {
            Measure::Traffic(Traffic {
                flows: vec![Flow { from: GroupId(0), to: GroupId(1), bytes: 4_000_000_000 }],
                sites: 0,
                meter: [].into(),
                prices: vec![MeterPrice {
                    tiers: vec![(0, 90_000_000_000_000_000), (from, 0)],
                    unit: 1_000_000_000,
                }],
            })
        };
        let mut problem = Problem::default();
        let whole = Combination::of(problem.measure(traffic(8_000_000_000)));
        let broken = Combination::of(problem.measure(traffic(6_000_000_000)));
        assert_eq!(step(&problem, &whole, 1), 360_000_000);
        assert_eq!(step(&problem, &broken, 1), 1);
    }
}
