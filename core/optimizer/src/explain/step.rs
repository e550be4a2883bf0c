//! How far apart two different values of an objective are: "better" has to be said to an engine as
//! "at most the best less a step".

use crate::problem::{Combination, Problem};

/// Values closer than one part in this are not told apart where nothing better is known: engines
/// that compute with floating point can't.
const PARTS: i128 = 10_000_000;

/// The smallest difference between the value of a combination and a better one: as far as its values
/// lie apart, so that nothing lies between; but at least one part in ten million of the value.
pub(super) fn step(problem: &Problem, combination: &Combination, value: i128) -> i128 {
    problem.step(combination).max(value.abs() / PARTS).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::{Flow, GroupId, Measure, MeterPrice, Table, Traffic};

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

    /// 4 GB at 0.09 dollars a GB are 0.36 dollars; a step of the price inside a flow
    /// counts too.
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
        assert_eq!(step(&problem, &broken, 1), 180_000_000);
    }
}
