//! What the cloud sells and has.

use std::collections::BTreeSet;
use std::sync::Arc;

use coc_cloud::cloud::{Machine, Market, MarketSite};
use coc_model::estate::Unknown;
use coc_model::money::Rate;
use coc_model::offer::{Offer, Price};

use crate::engine::Engine;
use crate::profile::Region;

/// At most so many, and by which rule.
type Limit = Option<(u32, String)>;

/// The market at this moment: prices as they stand, limits less what others use.
pub(crate) fn market(engine: &Engine) -> Market {
    let mut market = Market::default();
    for region in &engine.profile.regions {
        let site = market.sites.len();
        market.sites.push(MarketSite {
            place: region.place.clone(),
            like: region.like.clone(),
            zones: region.zones.clone(),
            certified: region.certified.clone(),
            energy: region.energy,
        });
        for offer in &region.offers {
            let offer = priced(engine, region, offer);
            market.machines.extend(machines(engine, region, site, &offer));
        }
        market.machines.extend(existing(engine, region, site));
        if let Some(unknown) = shared_quota(region) {
            market.unknown.push(unknown);
        }
    }
    market
}

/// The offer at its price now.
fn priced(engine: &Engine, region: &Region, offer: &Arc<Offer>) -> Arc<Offer> {
    let prices = engine.world.head.prices.get(region.name());
    match prices.and_then(|p| p.get(&*offer.name)) {
        None => Arc::clone(offer),
        Some(price) => known_at(offer, *price),
    }
}

fn known_at(offer: &Offer, price: Rate) -> Arc<Offer> {
    Arc::new(Offer { price: Price::Known(price), ..offer.clone() })
}

/// An offer once for the region or, where zones differ, once for each zone.
fn machines(engine: &Engine, region: &Region, site: usize, offer: &Arc<Offer>) -> Vec<Machine> {
    let limits_zones = engine.profile.capacity.iter().any(|rule| {
        &*rule.region == region.name()
            && rule.zone.is_some()
            && rule.offer.as_ref().is_none_or(|o| *o == offer.name)
    });
    let dark = region.zones.iter().any(|z| engine.world.head.dark_zones.contains(&**z));
    let machine = |zone: Option<Arc<str>>| Machine {
        site,
        limit: limit(engine, region, zone.as_deref(), offer),
        zone,
        offer: Arc::clone(offer),
        existing: false,
    };
    if limits_zones || dark {
        region.zones.iter().map(|zone| machine(Some(Arc::clone(zone)))).collect()
    } else {
        vec![machine(None)]
    }
}

/// The tightest of the rules that hold for an offer at a place.
fn limit(engine: &Engine, region: &Region, zone: Option<&str>, offer: &Offer) -> Limit {
    let name = region.name();
    if !engine.reaches(name) {
        return Some((0, format!("region {name} does not answer")));
    }
    if let Some(zone) = zone.filter(|z| engine.world.head.dark_zones.contains(*z)) {
        return Some((0, format!("zone {zone} is down")));
    }
    let foreign =
        |of: &dyn Fn(&str, &str) -> bool| engine.world.room(|r, z, o| r == name && of(z, o)).1;
    let mut limits: Vec<(u64, String)> = Vec::new();
    for rule in &engine.profile.capacity {
        let here = &*rule.region == name
            && rule.zone.as_deref().is_none_or(|z| zone == Some(z))
            && rule.offer.as_ref().is_none_or(|o| *o == offer.name);
        if here {
            let used = foreign(&|z, o| {
                rule.zone.as_deref().is_none_or(|zone| zone == z)
                    && rule.offer.as_deref().is_none_or(|offer| offer == o)
            });
            let place = rule
                .zone
                .as_deref()
                .map_or_else(|| format!("region {name}"), |z| format!("zone {z}"));
            limits.push((rule.machines.saturating_sub(used), format!("capacity of {place}")));
        }
    }
    if let Some(most) = region.quotas.machines {
        let used = foreign(&|_, _| true);
        limits.push((most.saturating_sub(used), format!("quota of machines in {name}")));
    }
    if let (Some(most), Some(cpu)) = (region.quotas.cpu, offer.cpu.filter(|c| c.0 > 0)) {
        limits.push((most.0 / cpu.0, format!("quota of cpu in {name}")));
    }
    let (most, rule) = limits.into_iter().min()?;
    Some((u32::try_from(most).unwrap_or(u32::MAX), rule))
}

/// The machines that are there before anything is made.
fn existing(engine: &Engine, region: &Region, site: usize) -> Vec<Machine> {
    let here = engine.profile.machines.iter().filter(|m| &*m.region == region.name());
    here.map(|machine| Machine {
        site,
        zone: Some(Arc::clone(&machine.zone)),
        offer: Arc::clone(&machine.offer),
        limit: Some((1, format!("{} is there once", machine.name))),
        existing: true,
    })
    .collect()
}

/// Limits are told for each size alone; a quota that sizes share can't be.
fn shared_quota(region: &Region) -> Option<Unknown> {
    let sizes: BTreeSet<&str> = region.offers.iter().map(|o| &*o.name).collect();
    let most = region.quotas.machines.filter(|_| sizes.len() > 1)?;
    Some(Unknown {
        what: format!("quota of {most} machines in {}", region.name()),
        why: "all sizes share it, and a limit is told for each size alone".to_owned(),
    })
}
