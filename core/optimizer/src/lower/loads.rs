//! What may be on one host at most, as dimensions of packing of their own.

use std::sync::Arc;

use coc_goals::number::Fraction;

use super::Lowering;
use super::hosts::{HostRules, Load};
use super::number::checked_lcm;
use crate::problem::DimensionRule;

/// The capacity of a machine that may hold nothing, not even what weighs nothing.
const NOTHING_FITS: i64 = -1;

impl Lowering<'_> {
    /// One dimension for each rule. A machine that bears less than nothing, or of which it is not
    /// known what it bears, is not used.
    pub(super) fn loads(&mut self, rules: &HostRules) {
        for load in &rules.loads {
            let mut denominators = load.weights.values().map(|w| *w.denom());
            let scale = denominators.try_fold(1, checked_lcm).unwrap_or(1);
            let dimension = self.problem.dimensions.len();
            let origin = load.origin.clone();
            self.problem.dimensions.push(Arc::clone(&origin.says));
            self.problem.dimension_rules.push(DimensionRule { dimension, origin });
            let room: Vec<Option<i64>> = self
                .problem
                .options
                .iter()
                .map(|option| room(load, load.room[option.offering], scale))
                .collect();
            for group in &mut self.problem.groups {
                let weight: Fraction = group
                    .services
                    .iter()
                    .filter_map(|(s, n)| Some(load.weights.get(&**s)? * i128::from(*n)))
                    .sum();
                let demand = (weight * Fraction::from_integer(scale)).to_integer();
                group.demand.push(i64::try_from(demand).unwrap_or(i64::MAX));
            }
            for (option, room) in self.problem.options.iter_mut().zip(room) {
                option.capacity.push(room.unwrap_or(NOTHING_FITS));
            }
        }
    }
}

/// The largest whole weight, in parts of `scale`, that a machine bears.
fn room(load: &Load, room: Option<Fraction>, scale: i128) -> Option<i64> {
    let scaled = room? * Fraction::from_integer(scale);
    let whole = scaled.floor().to_integer();
    let most = if load.strict && scaled.is_integer() { whole - 1 } else { whole };
    (most >= 0).then(|| i64::try_from(most).unwrap_or(i64::MAX))
}
