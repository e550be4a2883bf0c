//! What copying data to where it is not comes to, worked out from where replicas ran and run.

use std::collections::BTreeMap;

use coc_model::application::{Application, MountSource, Service};
use coc_model::estate::{Estate, SiteId};
use coc_model::money::Money;
use coc_model::plan::{Host, Plan};
use coc_model::quantity::{Bytes, Traffic};
use coc_model::route::Transfer;

use crate::facts::Facts;

/// Copies of a volume by site; `None` is a place that is not there any more.
type Copies = BTreeMap<Option<SiteId>, u64>;

/// What copying comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copying {
    /// What copying the volumes of known size comes to, once; `None` if the price of some copy is not
    /// known.
    pub cost: Option<Money>,
    /// The volumes of unknown size that have to be copied too.
    pub unknown_sizes: Vec<String>,
}

/// Each volume is copied to every site with more copies of it than there are now, one at a time, from
/// the site with a copy from which that is cheapest.
pub(crate) fn copying(application: &Application, plan: &Plan, facts: &Facts) -> Copying {
    let mut copying = Copying { cost: Some(Money::ZERO), unknown_sizes: Vec::new() };
    let Some(before) = &plan.before else { return copying };
    let estate = &facts.estate;
    for (name, volume) in application.volumes.iter().filter(|(_, v)| !v.external) {
        let users = users(application, name);
        let old = copies(&before.hosts, &users, |_, host| {
            estate.site(&host.cloud, host.region.as_deref(), host.zone.as_deref())
        });
        let new = copies(&plan.hosts, &users, |index, _| {
            facts.hosts.get(index).map(|offering| estate.offerings[*offering].site)
        });
        let more = |(site, count): (&Option<SiteId>, &u64)| {
            let here = old.get(site).copied().unwrap_or(0);
            Some(((*site)?, count.checked_sub(here).filter(|more| *more > 0)?))
        };
        let copied: Vec<(SiteId, u64)> = new.iter().filter_map(more).collect();
        if old.is_empty() || copied.is_empty() {
            continue;
        }
        let Some(size) = volume.size else {
            copying.unknown_sizes.push(name.clone());
            continue;
        };
        for (to, count) in copied {
            let prices = old.keys().flatten().filter_map(|from| price(estate, *from, to, size));
            let each = prices.min().and_then(|each| each.nano().checked_mul(count.into()));
            copying.cost = copying.cost.zip(each).map(|(sum, each)| sum + Money::from_nano(each));
        }
    }
    copying
}

fn users<'a>(application: &'a Application, volume: &str) -> Vec<&'a String> {
    let mounts = |service: &Service| {
        let mut sources = service.mounts.iter().map(|m| &m.source);
        sources.any(|s| matches!(s, MountSource::Volume(name) if name == volume))
    };
    application.services.iter().filter(|(_, s)| mounts(s)).map(|(name, _)| name).collect()
}

/// What sending so many bytes once comes to.
fn price(estate: &Estate, from: SiteId, to: SiteId, size: Bytes) -> Option<Money> {
    match estate.transfer(from, to) {
        Transfer::Free => Some(Money::ZERO),
        Transfer::Metered(meter) => {
            Some(estate.meters.get(meter.0 as usize)?.cost(Traffic(size.0)))
        }
        Transfer::Unknown => None,
    }
}

/// Where copies of a volume are: one for each replica of its only user; one for each host with any of
/// its users, if there are several.
fn copies(
    hosts: &[Host],
    users: &[&String],
    site: impl Fn(usize, &Host) -> Option<SiteId>,
) -> Copies {
    let mut copies = Copies::new();
    for (index, host) in hosts.iter().enumerate() {
        let here = host.holds.iter().filter(|(service, _)| users.contains(&service)).count();
        let here = if users.len() > 1 { here.min(1) } else { here };
        if here > 0 {
            *copies.entry(site(index, host)).or_insert(0) += u64::try_from(here).unwrap_or(0);
        }
    }
    copies
}
