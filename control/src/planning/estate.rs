//! The estate: what mounted clouds and the catalog offer, put together for one plan.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use coc_cloud::cloud::Market;
use coc_goals::expression::{Level, Node, Property};
use coc_goals::rules::Rules;
use coc_model::catalog::{Catalog, RegionId};
use coc_model::cloud::Cloud;
use coc_model::decimal::{Decimal, ONE};
use coc_model::energy::Energy;
use coc_model::estate::{Estate, Limit, Offering, Site, SiteId, Unknown};
use coc_model::money::Rate;
use coc_model::offer::{Offer, Price, Purchase};
use coc_model::place::{Place, PlaceGraph};
use coc_model::quantity::{Micros, Traffic};
use coc_model::route::{Latency, Meter, MeterId, Tier, Transfer};

use super::looks_at;
use super::power::watts_per_vcpu;

/// A mounted cloud and what it sells or has.
#[derive(Clone, Debug)]
pub struct MountedMarket {
    /// The mount.
    pub cloud: Cloud,
    /// What the cloud said.
    pub market: Market,
}

/// A place of a cloud whose sites are to be made.
struct Lot<'a> {
    cloud: Arc<str>,
    /// The provider of the catalog that it is of, or the cloud itself.
    provider: Arc<str>,
    place: &'a Place,
    zones: &'a [Arc<str>],
    /// The catalog's region behind it.
    region: Option<RegionId>,
    own_meter: Option<MeterId>,
    /// What the cloud itself says it is certified for.
    certified: BTreeSet<Arc<str>>,
    /// What the cloud itself says of its power.
    energy: Energy,
}

/// A site under construction: the catalog's region behind it, and how traffic of its cloud is
/// priced where no region is behind it.
struct Plot {
    region: Option<RegionId>,
    provider: Arc<str>,
    own_meter: Option<MeterId>,
    watts_per_vcpu: Option<Decimal>,
}

struct Builder<'a> {
    catalog: &'a Catalog,
    detail: Detail,
    estate: Estate,
    plots: Vec<Plot>,
}

/// How finely an estate tells places and ways of buying apart: as finely as goals look, since more
/// candidates take longer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Detail {
    /// Sites are zones, else regions.
    pub zones: bool,
    /// Machines with a known spot price are there a second time, bought at it.
    pub spot: bool,
}

impl Detail {
    /// What these goals look at.
    pub fn of(rules: &Rules) -> Self {
        let zones = |node: &Node| {
            matches!(node, Node::Property(_, Property::Zone) | Node::Places(Level::Zone))
        };
        let spot = |node: &Node| matches!(node, Node::Property(_, Property::Spot));
        Self { zones: looks_at(rules, zones), spot: looks_at(rules, spot) }
    }
}

/// The estate of all providers of the catalog, for plans without mounted clouds.
pub fn of_catalog(catalog: &Catalog, detail: Detail) -> Estate {
    let mut builder = Builder::new(catalog, detail);
    for (index, region) in catalog.regions.iter().enumerate() {
        let name = region.place.region.as_deref().unwrap_or_default();
        let offers = catalog.offers_in(&region.cloud, name);
        if offers.is_empty() {
            continue;
        }
        let id = RegionId(u32::try_from(index).unwrap_or(u32::MAX));
        let sites = builder.sites(&Lot {
            cloud: Arc::clone(&region.cloud),
            provider: Arc::clone(&region.cloud),
            place: &region.place,
            zones: &region.zones,
            region: Some(id),
            own_meter: None,
            certified: BTreeSet::new(),
            energy: Energy::default(),
        });
        for offer in offers {
            builder.offer(&sites, offer, None, false, None);
        }
    }
    builder.finish()
}

/// The estate of some mounted clouds.
pub fn of_clouds(catalog: &Catalog, markets: &[MountedMarket], detail: Detail) -> Estate {
    let mut builder = Builder::new(catalog, detail);
    for mounted in markets {
        builder.mount(mounted);
    }
    builder.finish()
}

impl<'a> Builder<'a> {
    fn new(catalog: &'a Catalog, detail: Detail) -> Self {
        let estate = Estate {
            places: PlaceGraph::with_areas(),
            meters: catalog.routes.meters.clone(),
            frameworks: catalog.certifications.iter().map(|c| c.framework.clone()).collect(),
            ..Estate::default()
        };
        Self { catalog, detail, estate, plots: Vec::new() }
    }

    fn mount(&mut self, mounted: &MountedMarket) {
        let Cloud { name, prices, .. } = &mounted.cloud;
        let cloud: Arc<str> = name.as_str().into();
        let own_meter = self.own_meter(&mounted.cloud);
        let certified = mounted.cloud.certified.iter().map(|f| Arc::from(f.as_str()));
        let certified: BTreeSet<Arc<str>> = certified.collect();
        let mut placed: Vec<Vec<SiteId>> = Vec::new();
        for site in &mounted.market.sites {
            let (region, provider) = match &site.like {
                Some((provider, region)) => {
                    (self.catalog.region(provider, region), Arc::clone(provider))
                }
                None => (None, Arc::clone(&cloud)),
            };
            placed.push(self.sites(&Lot {
                cloud: Arc::clone(&cloud),
                provider,
                place: &site.place,
                zones: &site.zones,
                region,
                own_meter,
                certified: certified.union(&site.certified).cloned().collect(),
                energy: mounted.cloud.energy.or(site.energy),
            }));
        }
        for machine in &mounted.market.machines {
            let sites: Vec<SiteId> = placed[machine.site]
                .iter()
                .copied()
                .filter(|s| {
                    let zone = &self.estate.sites[s.index()].place.zone;
                    machine.zone.is_none() || zone.is_none() || *zone == machine.zone
                })
                .collect();
            let limit = machine.limit.as_ref().map(|(most, rule)| Limit {
                most: *most,
                rule: rule.as_str().into(),
                at: None,
            });
            self.offer(&sites, &machine.offer, limit.as_ref(), machine.existing, prices.discount);
        }
        self.estate.unknown.extend(mounted.market.unknown.iter().cloned());
    }

    /// The meter of a cloud whose owner states what traffic out of it costs.
    fn own_meter(&mut self, cloud: &Cloud) -> Option<MeterId> {
        let price = cloud.prices.egress_per_gb?;
        self.estate.meters.push(Meter {
            name: format!("{} → elsewhere", cloud.name).into(),
            unit: 1_000_000_000,
            tiers: vec![Tier { from: Traffic(0), price }],
            source: None,
        });
        u32::try_from(self.estate.meters.len() - 1).ok().map(MeterId)
    }

    /// Adds the sites of a region: its zones where zones matter and are known, else itself.
    fn sites(&mut self, lot: &Lot<'_>) -> Vec<SiteId> {
        let place = lot.place;
        let block_storage = self.block_storage(&lot.provider, lot.region);
        let mut certified = lot.certified.clone();
        certified.extend(self.certifications(&lot.provider, lot.region));
        let carbon_g_per_kwh = lot.energy.carbon_g_per_kwh.or_else(|| self.grid(lot.region));
        self.estate.frameworks.extend(certified.iter().cloned());
        let mut places: Vec<Place> = if self.detail.zones && place.zone.is_none() {
            lot.zones.iter().map(|z| Place { zone: Some(Arc::clone(z)), ..place.clone() }).collect()
        } else {
            Vec::new()
        };
        if places.is_empty() {
            places.push(place.clone());
        }
        places
            .into_iter()
            .map(|place| {
                self.estate.places.add(&place);
                self.estate.sites.push(Site {
                    cloud: Arc::clone(&lot.cloud),
                    place,
                    block_storage,
                    certified: certified.clone(),
                    carbon_g_per_kwh,
                });
                self.plots.push(Plot {
                    region: lot.region,
                    provider: Arc::clone(&lot.provider),
                    own_meter: lot.own_meter,
                    watts_per_vcpu: lot.energy.watts_per_vcpu,
                });
                SiteId(u32::try_from(self.estate.sites.len() - 1).unwrap_or(u32::MAX))
            })
            .collect()
    }

    /// What the grid of a region emits, where the catalog has a figure.
    fn grid(&self, region: Option<RegionId>) -> Option<Decimal> {
        self.catalog.regions.get(region?.0 as usize)?.carbon_g_per_kwh
    }

    /// What the catalog says that a region is certified for.
    fn certifications(
        &self,
        provider: &str,
        region: Option<RegionId>,
    ) -> impl Iterator<Item = Arc<str>> + use<'a> {
        let catalog = self.catalog;
        let region = region.and_then(|id| catalog.regions.get(id.0 as usize));
        let name = region.and_then(|r| r.place.region.as_deref());
        let stated = name.map_or(&[][..], |name| catalog.certifications_in(provider, name));
        stated.iter().map(|c| Arc::clone(&c.framework))
    }

    /// The cheapest block storage of a region, where the catalog has a price; nothing for clouds
    /// made of machines that are there already, whose disks are paid for.
    fn block_storage(&self, provider: &str, region: Option<RegionId>) -> Option<(Decimal, u64)> {
        let Some(region) = region else { return Some((Decimal::ZERO, 1 << 30)) };
        let name = self.catalog.regions.get(region.0 as usize)?.place.region.clone()?;
        self.catalog
            .storage
            .iter()
            .filter(|s| *s.cloud == *provider && s.region == name && &*s.kind == "block")
            .filter_map(|s| match &*s.unit {
                "GiB-month" => Some((s.price, 1_u64 << 30)),
                "GB-month" => Some((s.price, 1_000_000_000)),
                _ => None,
            })
            // Per byte: price / unit, compared by cross products.
            .min_by(|a, b| (a.0.atto() * i128::from(b.1)).cmp(&(b.0.atto() * i128::from(a.1))))
    }

    fn offer(
        &mut self,
        sites: &[SiteId],
        offer: &Arc<Offer>,
        limit: Option<&Limit>,
        existing: bool,
        discount: Option<Decimal>,
    ) {
        let offer = match discount {
            Some(discount) => Arc::new(discounted(offer, discount)),
            None => Arc::clone(offer),
        };
        for &site in sites {
            let zone = &self.estate.sites[site.index()].place.zone;
            let sold =
                zone.as_ref().is_none_or(|z| offer.zones.is_empty() || offer.zones.contains(z));
            if sold {
                let limit = limit.cloned();
                let plot = &self.plots[site.index()];
                let watts_per_vcpu = plot
                    .watts_per_vcpu
                    .filter(|_| offer.accelerator.is_none())
                    .or_else(|| watts_per_vcpu(self.catalog, &plot.provider, &offer));
                let offering = Offering {
                    site,
                    offer: Arc::clone(&offer),
                    limit,
                    existing,
                    watts_per_vcpu,
                    purchase: Purchase::OnDemand,
                };
                if self.detail.spot && !existing && offer.spot.is_some() {
                    let purchase = Purchase::Spot;
                    self.estate.offerings.push(Offering { purchase, ..offering.clone() });
                }
                self.estate.offerings.push(offering);
            }
        }
    }

    fn finish(mut self) -> Estate {
        self.order();
        let sites = self.estate.sites.len();
        let mut unpriced = BTreeMap::new();
        for a in 0..sites {
            for b in 0..sites {
                let (transfer, latency) = (self.transfer(a, b, &mut unpriced), self.latency(a, b));
                self.estate.transfers.push(transfer);
                self.estate.latencies.push(latency);
            }
        }
        for cloud in unpriced.into_keys() {
            self.estate.unknown.push(Unknown {
                what: format!("price of traffic out of {cloud}"),
                why: "not stated: counted as already paid".to_owned(),
            });
        }
        self.estate
    }

    /// Offerings in their fixed order.
    fn order(&mut self) {
        let sites = &self.estate.sites;
        let key = |o: &Offering| {
            let site = &sites[o.site.index()];
            (
                Arc::clone(&site.cloud),
                site.place.region.clone(),
                site.place.zone.clone(),
                Arc::clone(&o.offer.name),
                o.purchase,
            )
        };
        self.estate.offerings.sort_by_cached_key(key);
    }

    fn transfer(&self, a: usize, b: usize, unpriced: &mut BTreeMap<Arc<str>, ()>) -> Transfer {
        if a == b {
            return Transfer::Free;
        }
        let (from, to) = (&self.plots[a], &self.plots[b]);
        let same_cloud = from.provider == to.provider;
        match (from.region, to.region, from.own_meter) {
            (Some(x), Some(y), _) if x == y => self.catalog.routes.inter_zone(x),
            (Some(x), Some(y), _) => self.catalog.routes.transfer(x, y, same_cloud),
            // To a place that no region stands behind: over the internet.
            (Some(x), None, _) => {
                let meters = self.catalog.routes.internet_meters();
                let found = meters.into_iter().find(|(region, _)| *region == x);
                found.map_or(Transfer::Unknown, |(_, meter)| Transfer::Metered(meter))
            }
            (None, _, _) if same_cloud => Transfer::Free,
            (None, _, Some(meter)) => Transfer::Metered(meter),
            (None, _, None) => {
                unpriced.insert(Arc::clone(&self.estate.sites[a].cloud), ());
                Transfer::Free
            }
        }
    }

    fn latency(&self, a: usize, b: usize) -> Option<Latency> {
        match (self.plots[a].region, self.plots[b].region) {
            (Some(x), Some(y)) => self.catalog.routes.latency(x, y),
            // One site of a cloud that is one machine or one room: no way at all.
            (None, None) if a == b => Some(Latency { round_trip: Micros(0), estimated: true }),
            _ => None,
        }
    }
}

fn discounted(offer: &Offer, discount: Decimal) -> Offer {
    let factor = ONE - discount.atto();
    let lower = |rate: Rate| {
        let amount = rate.amount.atto();
        let lowered =
            amount / ONE * factor + (amount % ONE) / 1_000_000_000 * factor / 1_000_000_000;
        Rate { amount: Decimal::from_atto(lowered), period: rate.period }
    };
    let mut offer = offer.clone();
    offer.price = match offer.price {
        Price::Known(rate) => Price::Known(lower(rate)),
        other => other,
    };
    offer
}
