//! How far apart the values of measures lie, so that "less than" can be told from "at most" with as
//! much room as there is: solvers compute with rounded numbers.

use crate::problem::{Combination, Formula, Measure, MeasureId, Problem, Table, Traffic};

impl Problem {
    /// A combination that is at most zero exactly where this one is below zero.
    pub fn below_zero(&self, combination: &Combination) -> Combination {
        let step = self.step(combination).max(1);
        // Values are the constant and multiples of the step.
        let above = combination.constant.rem_euclid(step);
        let mut below = combination.clone();
        below.constant = below.constant.saturating_add(step - above);
        below
    }

    /// The formula that holds exactly where another does not.
    pub fn opposite(&self, formula: &Formula) -> Formula {
        match formula {
            Formula::AtMostZero(combination) => {
                let mut negative = combination.clone();
                negative.negate();
                Formula::AtMostZero(self.below_zero(&negative))
            }
            Formula::And(parts) => Formula::Or(parts.iter().map(|p| self.opposite(p)).collect()),
            Formula::Or(parts) => Formula::And(parts.iter().map(|p| self.opposite(p)).collect()),
        }
    }

    /// A number that all differences between values of a combination are multiples of; 0 if it has
    /// but one value.
    pub fn step(&self, combination: &Combination) -> i128 {
        let steps = combination.terms.iter().map(|&(c, m)| c.saturating_mul(self.divisor(m)));
        steps.fold(0, gcd)
    }

    /// A number that all values of a measure are multiples of.
    fn divisor(&self, measure: MeasureId) -> i128 {
        match &self.measures[measure.0] {
            Measure::Sum { items, hosts } => {
                items.iter().map(|(_, table)| table).chain(hosts).map(of_table).fold(0, gcd)
            }
            Measure::Largest { table, floor, .. } => gcd(of_table(table), *floor),
            Measure::LargestPair { table, .. } | Measure::Pairs { table, .. } => {
                table.values.iter().copied().fold(0, gcd)
            }
            Measure::Skew { groups, .. } => groups.iter().map(|g| g.1).fold(0, gcd),
            Measure::Traffic(traffic) => of_traffic(traffic),
            Measure::Excess(inner) => gcd(self.step(inner), inner.constant),
            Measure::Product(a, b) => {
                let (x, y) = (gcd(self.step(a), a.constant), gcd(self.step(b), b.constant));
                x.saturating_mul(y)
            }
            Measure::Distinct { .. } | Measure::Broken(_) => 1,
        }
    }
}

fn of_table(table: &Table) -> i128 {
    match table {
        Table::Constant(value) => value.abs(),
        Table::Site(values) | Table::Option(values) => values.iter().copied().fold(0, gcd),
    }
}

/// Of what traffic costs: as prices are linear within a tier, of the price of every flow in every
/// tier, and of a full tier; 1 where one of them is no whole number of nano-dollars.
fn of_traffic(traffic: &Traffic) -> i128 {
    let mut divisor = 0;
    for price in &traffic.prices {
        let per_nano = price.unit.saturating_mul(1_000_000_000);
        let bytes = traffic.flows.iter().map(|f| f.bytes);
        let limits = price.tiers.iter().map(|t| t.0).collect::<Vec<_>>();
        let amounts: Vec<i128> = bytes.chain(limits).collect();
        for amount in amounts {
            for (_, atto) in &price.tiers {
                let Some(cost) = amount.checked_mul(*atto) else { return 1 };
                if cost % per_nano != 0 {
                    return 1;
                }
                divisor = gcd(divisor, cost / per_nano);
            }
        }
    }
    divisor
}

fn gcd(a: i128, b: i128) -> i128 {
    let (mut a, mut b) = (a.saturating_abs(), b.saturating_abs());
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One measure whose values are these, by option.
    fn of(values: &[i128]) -> (Problem, MeasureId) {
        let mut problem = Problem::default();
        let hosts = Some(Table::Option(values.into()));
        let measure = problem.measure(Measure::Sum { items: Vec::new(), hosts });
        (problem, measure)
    }

    #[test]
    fn below_zero_leaves_all_the_room_there_is() {
        let (problem, measure) = of(&[600, 900]);
        for (constant, expected) in [(-600, -300), (-650, -600), (0, 300), (1, 300)] {
            let combination = Combination { constant, terms: vec![(1, measure)] };
            let below = problem.below_zero(&combination);
            assert_eq!(below.constant, expected, "{constant}");
            // The same sums of the two values are below zero.
            for value in (0..10).map(|n| n * 300) {
                assert_eq!(constant + value < 0, below.constant + value <= 0, "{constant} {value}");
            }
        }
    }

    #[test]
    fn of_a_formula_and_its_opposite_one_holds() {
        let (problem, measure) = of(&[4, 6]);
        let at_most =
            |constant| Formula::AtMostZero(Combination { constant, terms: vec![(1, measure)] });
        let formula = Formula::Or(vec![at_most(-7), Formula::And(vec![at_most(-12), at_most(-8)])]);
        let opposite = problem.opposite(&formula);
        for value in (0..20).map(|n| n * 2) {
            let holds = |f: &Formula| crate::solution::holds(f, &[value]);
            assert_ne!(holds(&formula), holds(&opposite), "{value}");
        }
    }
}
