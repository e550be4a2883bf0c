//! What machines draw: the watts of a vCPU at half of what lies between idle and full load, the method
//! of Cloud Carbon Footprint (<https://www.cloudcarbonfootprint.org/docs/methodology>).

use coc_model::attribute::{AttributeName, AttributeValue};
use coc_model::catalog::{Catalog, ProcessorPower};
use coc_model::decimal::Decimal;
use coc_model::offer::Offer;

/// The attribute of offers that names their processor.
const PROCESSOR: &str = "processor";

/// The count of 10⁻¹⁸ in a microwatt: no estimate of watts is finer.
const MICRO: i128 = 1_000_000_000_000;

/// The average watts of a vCPU of an offer: of its processor, where that is known; else the mean of
/// its provider's processors of its architecture, and of all of them where none has it. `None` for
/// providers without figures, and for machines with accelerators, which draw most of the power.
/// Rounded half up to a microwatt.
pub(super) fn watts_per_vcpu(catalog: &Catalog, provider: &str, offer: &Offer) -> Option<Decimal> {
    if offer.accelerator.is_some() {
        return None;
    }
    let all = catalog.power_of(provider);
    let processor = match offer.attributes.get(&AttributeName(PROCESSOR.into())) {
        Some(AttributeValue::Text(name)) => Some(name),
        _ => None,
    };
    let known = all.iter().filter(|p| Some(&p.processor) == processor);
    let alike = all.iter().filter(|p| Some(p.architecture) == offer.architecture);
    mean(known).or_else(|| mean(alike)).or_else(|| mean(all.iter()))
}

/// The mean of what processors draw at half load; `None` of none.
fn mean<'p>(power: impl Iterator<Item = &'p ProcessorPower>) -> Option<Decimal> {
    let (mut sum, mut count) = (0_i128, 0_i128);
    for of in power {
        sum = sum.checked_add(of.idle_watts.atto())?.checked_add(of.full_watts.atto())?;
        count += 2;
    }
    let parts = count.checked_mul(MICRO).filter(|parts| *parts > 0)?;
    let micro = sum.checked_add(parts / 2)?.div_euclid(parts);
    micro.checked_mul(MICRO).map(Decimal::from_atto)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use coc_model::offer::{Accelerator, Architecture, Source};

    use super::*;

    fn catalog() -> Catalog {
        let of = |cloud: &str, processor: &str, architecture, idle: &str, full: &str| {
            let source = Arc::new(Source { name: "test".into(), date: "2026".into() });
            let [idle_watts, full_watts] = [idle, full].map(|w| w.parse().unwrap());
            let (cloud, processor) = (cloud.into(), processor.into());
            ProcessorPower { cloud, processor, architecture, idle_watts, full_watts, source }
        };
        use Architecture::{Arm64, X86_64};
        let power = vec![
            of("blue", "new", X86_64, "1", "2.000001"),
            of("red", "new", X86_64, "1", "3"),
            of("red", "old", X86_64, "2", "6"),
            of("red", "small", Arm64, "0.5", "1.5"),
        ];
        Catalog { power, ..Catalog::default() }
    }

    fn offer(architecture: Option<Architecture>, processor: &str) -> Offer {
        let mut offer = Offer::named("red", "north", "m");
        offer.architecture = architecture;
        let name = AttributeName("processor".into());
        offer.attributes.insert(name, AttributeValue::Text(processor.into()));
        offer
    }

    #[test]
    fn the_nearest_figure_there_is_holds() {
        use Architecture::{Arm64, X86_64};
        let catalog = catalog();
        for (provider, architecture, processor, watts) in [
            ("red", Some(X86_64), "old", Some("4")),
            ("red", Some(X86_64), "other", Some("3")),
            ("red", Some(Arm64), "other", Some("1")),
            ("red", None, "other", Some("2.333333")),
            ("blue", Some(Arm64), "other", Some("1.500001")),
            ("green", Some(X86_64), "old", None),
        ] {
            let found = watts_per_vcpu(&catalog, provider, &offer(architecture, processor));
            let found = found.map(|w| w.to_string());
            assert_eq!(found.as_deref(), watts, "{provider} {architecture:?} {processor}");
        }
    }

    #[test]
    fn of_machines_with_accelerators_nothing_is_known() {
        let mut offer = offer(None, "old");
        offer.accelerator = Some(Accelerator { name: "L4".into(), milli: 1000 });
        assert_eq!(watts_per_vcpu(&catalog(), "red", &offer), None);
    }
}
