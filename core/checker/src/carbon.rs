//! What the machines of a plan emit, worked out from its hosts alone.

use coc_model::decimal::ONE;
use coc_model::estate::{Estate, Offering};
use coc_model::plan::Plan;
use num_rational::Ratio;
use num_traits::CheckedMul;

use crate::facts::Facts;

/// Grams of CO₂ equivalent a month of one machine, to the nearest milligram: kilowatts over 730 hours
/// times the grams of each kilowatt-hour. `None` where any of that is not known.
pub(crate) fn of_machine(estate: &Estate, offering: &Offering) -> Option<Ratio<i128>> {
    let grid = estate.sites[offering.site.index()].carbon_g_per_kwh?.atto();
    let watts = offering.watts_per_vcpu?.atto();
    let cpu = i128::from(offering.offer.cpu?.millicores());
    let kilowatts = Ratio::new(watts, ONE).checked_mul(&Ratio::new(cpu, 1_000_000))?;
    let hours = kilowatts.checked_mul(&Ratio::from_integer(730))?;
    let grams = hours.checked_mul(&Ratio::new(grid, ONE))?;
    let doubled = grams.checked_mul(&Ratio::from_integer(2000))?.floor().to_integer();
    Some(Ratio::new((doubled + 1).div_euclid(2), 1000))
}

/// The same of all machines of a plan; `None` if it is not known of one.
pub(crate) fn of_plan(facts: &Facts) -> Option<Ratio<i128>> {
    let offerings = facts.hosts.iter().map(|index| &facts.estate.offerings[*index]);
    offerings.map(|offering| of_machine(&facts.estate, offering)).sum()
}

/// What a plan says of its carbon that is not so.
pub(crate) fn faults(plan: &Plan, carbon: Option<Ratio<i128>>) -> Vec<String> {
    let Some(stated) = &plan.carbon else { return Vec::new() };
    let computed = carbon.map(|grams| coc_goals::number::display_fraction(grams, 0));
    if computed.as_ref() == Some(&stated.total) {
        return Vec::new();
    }
    let is = computed.unwrap_or_else(|| "not known".to_owned());
    vec![format!("the plan says it emits {} {}, but that is {is}", stated.total, stated.unit)]
}
