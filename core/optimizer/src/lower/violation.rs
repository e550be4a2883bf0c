//! How far goals are from holding, for what only should hold or is to improve.
//!
//! Every goal counts by its own numbers: a comparison by how far it is missed in the units people
//! write (dollars, milliseconds, bytes, or things counted), any other condition by one.

use coc_goals::number::Fraction;
use num_traits::One;

use super::Lowering;
use super::number::Linear;
use crate::problem::{Combination, Formula, Measure, Origin, Scale, Tier};

impl Lowering<'_> {
    /// How far a formula is from holding: zero where it does.
    pub(super) fn violation(&mut self, formula: &Formula) -> Linear {
        match formula {
            Formula::AtMostZero(combination) => {
                let factor = self.factors.iter().find(|f| f.0 == *combination).map_or(1, |f| f.1);
                let excess = self.problem.measure(Measure::Excess(combination.clone()));
                Linear::term(Fraction::new(1, factor), excess)
            }
            Formula::And(parts) => {
                let mut sum = Linear::default();
                for part in parts {
                    let part = self.violation(part);
                    sum.constant += part.constant;
                    sum.terms.extend(part.terms);
                }
                sum
            }
            Formula::Or(_) => {
                let broken = self.problem.measure(Measure::Broken(formula.clone()));
                Linear::term(Fraction::one(), broken)
            }
        }
    }

    /// A violation in whole numbers, and what it was multiplied by. Where that leaves the range of
    /// numbers, it counts by one.
    pub(super) fn whole_violation(
        &mut self,
        violation: &Linear,
        formula: &Formula,
    ) -> (Combination, i128) {
        violation.whole().unwrap_or_else(|| {
            (Combination::of(self.problem.measure(Measure::Broken(formula.clone()))), 1)
        })
    }

    /// One tier before all others that minimises the violation of what only should hold; the number
    /// of tiers made.
    pub(super) fn violation_tier(&mut self, violations: Vec<Linear>) -> usize {
        if violations.is_empty() {
            return 0;
        }
        let sum = violations.into_iter().try_fold(Linear::default(), Linear::plus);
        let Some((objective, factor)) = sum.and_then(|sum| sum.whole()) else { return 0 };
        self.problem.tiers.push(Tier {
            objective,
            direction: coc_model::goals::Direction::Minimize,
            tolerance_atto: 0,
            origin: Origin { says: "violation of what should hold".into(), at: None },
            scale: Scale { factor, ..Scale::PLAIN },
        });
        1
    }
}
