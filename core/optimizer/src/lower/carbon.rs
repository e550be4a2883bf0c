//! What a machine emits: vCPUs × watts × hours × what the grid emits, the estimate of Cloud Carbon
//! Footprint for processors.

use coc_goals::number::Fraction;
use coc_model::decimal::{Decimal, ONE};
use coc_model::estate::{Estate, Offering};
use coc_model::money::HOURS_PER_MONTH;
use num_traits::CheckedMul;

/// Milligrams in a gram.
pub(crate) const MILLI: i128 = 1000;

/// Milligrams of CO₂ equivalent that a machine emits in a month, rounded half up: what a host counts
/// in every total. `None` where its size, its power or its grid is not known.
pub(crate) fn host_carbon(estate: &Estate, offering: &Offering) -> Option<i128> {
    let exact = |number: Decimal| Fraction::new(number.atto(), ONE);
    let vcpus = Fraction::new(offering.offer.cpu?.0.into(), 1000);
    let grid = exact(estate.sites[offering.site.index()].carbon_g_per_kwh?);
    let watts = vcpus.checked_mul(&exact(offering.watts_per_vcpu?))?;
    // Watt-hours times grams per kilowatt-hour: milligrams.
    let hours = Fraction::from_integer(HOURS_PER_MONTH);
    let milligrams = watts.checked_mul(&hours)?.checked_mul(&grid)?;
    Some((milligrams + Fraction::new(1, 2)).floor().to_integer())
}
