//! Routes: what it costs and takes to get from one place to another.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::decimal::Decimal;
use crate::money::Money;
use crate::offer::Source;
use crate::quantity::{Micros, Traffic};

/// One price step of a meter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tier {
    /// Bytes per month from which this price holds.
    pub from: Traffic,
    /// Dollars per unit.
    pub price: Decimal,
}

/// A meter: traffic that is added up over a month and priced in tiers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meter {
    /// What the bill calls it, in words of ours: `aws us-east-1 → internet`.
    pub name: Arc<str>,
    /// Bytes in the unit of the tiers' prices: 10⁹ or 2³⁰.
    pub unit: u64,
    /// Price steps; the first starts at zero bytes, each next one later.
    pub tiers: Vec<Tier>,
    /// Where the prices come from.
    pub source: Option<Arc<Source>>,
}

impl Meter {
    /// What a month's traffic costs: each byte at the price of the tier it falls in, the sum
    /// rounded half up to a nano-dollar.
    pub fn cost(&self, traffic: Traffic) -> Money {
        let mut atto_units: i128 = 0;
        for (i, tier) in self.tiers.iter().enumerate() {
            let end = self.tiers.get(i + 1).map_or(u64::MAX, |next| next.from.0);
            let within = traffic.0.min(end).saturating_sub(tier.from.0);
            atto_units =
                atto_units.saturating_add(tier.price.atto().saturating_mul(i128::from(within)));
        }
        let divisor = i128::from(self.unit) * 1_000_000_000;
        Money::from_nano(atto_units.saturating_add(divisor / 2).div_euclid(divisor))
    }
}

/// Index of a meter in its estate or catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MeterId(pub u32);

/// What sending bytes from one site to another costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transfer {
    /// Nothing.
    Free,
    /// Counted by a meter.
    Metered(MeterId),
    /// Not known; traffic is not planned over it.
    Unknown,
}

/// A round trip between two sites.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Latency {
    /// Round-trip time.
    pub round_trip: Micros,
    /// True if computed from distance and not measured.
    pub estimated: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meter(tiers: &[(u64, &str)]) -> Meter {
        Meter {
            name: "m".into(),
            unit: 1_000_000_000,
            tiers: tiers
                .iter()
                .map(|&(gb, price)| Tier {
                    from: Traffic(gb * 1_000_000_000),
                    price: price.parse().unwrap(),
                })
                .collect(),
            source: None,
        }
    }

    #[test]
    fn each_byte_is_priced_in_its_own_tier() {
        let m = meter(&[(0, "0"), (100, "0.09"), (10_240, "0.085")]);
        let cost = |gb: u64| m.cost(Traffic(gb * 1_000_000_000)).to_string();
        assert_eq!(cost(0), "0.00");
        assert_eq!(cost(100), "0.00");
        assert_eq!(cost(300), "18.00");
        assert_eq!(cost(10_240), "912.60");
        assert_eq!(cost(10_340), "921.10");
    }

    #[test]
    fn fractions_of_a_unit_are_exact_to_the_nano_dollar() {
        assert_eq!(meter(&[(0, "0.09")]).cost(Traffic(1)).nano(), 0);
        assert_eq!(meter(&[(0, "0.09")]).cost(Traffic(6)).nano(), 1);
        let absurd = meter(&[(0, "170000000000000000000")]).cost(Traffic(u64::MAX));
        assert!(absurd > Money::ZERO, "no reason to panic");
    }
}
