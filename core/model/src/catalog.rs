//! The catalog: dated figures of what clouds sell, where, and what lies between their regions.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::decimal::Decimal;
use crate::mistake::Mistake;
use crate::offer::{Architecture, Offer, Source};
use crate::place::Place;
use crate::route::{Latency, Meter, MeterId, Transfer};

/// A region of a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Region {
    /// The provider.
    pub cloud: Arc<str>,
    /// Region, country and area; the zone is `None`.
    pub place: Place,
    /// The name for people (`Frankfurt`).
    pub title: Option<Arc<str>>,
    /// The zones' names, where known.
    pub zones: Vec<Arc<str>>,
    /// Latitude and longitude in degrees.
    pub coordinates: Option<(Decimal, Decimal)>,
    /// Grams of CO₂ equivalent per kWh of its grid.
    pub carbon_g_per_kwh: Option<Decimal>,
    /// How the carbon figure was obtained, in the source's words.
    pub carbon_method: Option<Arc<str>>,
}

/// Index of a region in its catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegionId(pub u32);

/// A price per unit of storage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoragePrice {
    /// Provider.
    pub cloud: Arc<str>,
    /// Region.
    pub region: Arc<str>,
    /// `block`, `object`, `snapshot`, `retrieval`, ...
    pub kind: Arc<str>,
    /// The provider's name for it.
    pub sku: Arc<str>,
    /// What the price is per (`GiB-month`).
    pub unit: Arc<str>,
    /// Dollars per unit.
    pub price: Decimal,
    /// What the source adds (`hot`, a part number), where it does.
    pub note: Option<Arc<str>>,
    /// Where it comes from.
    pub source: Arc<Source>,
}

/// A price of a managed service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServicePrice {
    /// Provider.
    pub cloud: Arc<str>,
    /// Region.
    pub region: Arc<str>,
    /// The kind of service (`block-storage`, `managed-database`).
    pub service: Arc<str>,
    /// The product (`aws_db_instance`).
    pub product: Arc<str>,
    /// The component of its bill.
    pub component: Arc<str>,
    /// What the price is per.
    pub unit: Arc<str>,
    /// Dollars per unit.
    pub price: Decimal,
    /// Relative bound of the rounding error of the price, where the source rounds.
    pub rounding_error: Option<Decimal>,
    /// How sure the region is.
    pub region_basis: Option<Arc<str>>,
    /// The configuration the price was recorded for, in the source's words: it tells apart prices
    /// that agree in everything above.
    pub configuration: Option<Arc<str>>,
    /// Where it comes from.
    pub source: Arc<Source>,
}

/// What a provider is said to be certified for in a region: a framework of rules that it keeps and
/// that somebody attests. What nobody states is not certified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certification {
    /// Provider.
    pub cloud: Arc<str>,
    /// Region.
    pub region: Arc<str>,
    /// The framework (`iso27001`, `soc2t2`).
    pub framework: Arc<str>,
    /// How far it goes, in the source's words (`scope is per service`).
    pub note: Option<Arc<str>>,
    /// Who states it.
    pub source: Arc<Source>,
}

/// What one vCPU of a provider's machines with some processor draws.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessorPower {
    /// Provider.
    pub cloud: Arc<str>,
    /// The processor (`Cascade Lake`).
    pub processor: Arc<str>,
    /// Its architecture.
    pub architecture: Architecture,
    /// Watts when idle.
    pub idle_watts: Decimal,
    /// Watts at full load.
    pub full_watts: Decimal,
    /// Where the figures come from.
    pub source: Arc<Source>,
}

/// Latency and transfer between regions, by region index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routes {
    /// Every meter of the catalog.
    pub meters: Vec<Meter>,
    transfers: BTreeMap<(RegionId, RegionId), MeterId>,
    internet: BTreeMap<RegionId, MeterId>,
    inter_zone: BTreeMap<RegionId, MeterId>,
    default_inter_region: BTreeMap<RegionId, MeterId>,
    latencies: BTreeMap<(RegionId, RegionId), SourcedLatency>,
}

/// A round trip and where the figure comes from, if that is stated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourcedLatency {
    /// The round trip.
    pub latency: Latency,
    /// Its source.
    pub source: Option<Arc<Source>>,
}

impl Routes {
    /// Adds a meter.
    pub fn add_meter(&mut self, meter: Meter) -> MeterId {
        let id = MeterId(u32::try_from(self.meters.len()).unwrap_or(u32::MAX));
        self.meters.push(meter);
        id
    }

    /// Traffic between these two regions, of one provider or of two, goes by this meter.
    pub fn set_transfer(&mut self, from: RegionId, to: RegionId, meter: MeterId) {
        self.transfers.insert((from, to), meter);
    }

    /// Traffic from this region to other providers goes by this meter.
    pub fn set_internet(&mut self, from: RegionId, meter: MeterId) {
        self.internet.insert(from, meter);
    }

    /// Traffic between zones of this region goes by this meter.
    pub fn set_inter_zone(&mut self, region: RegionId, meter: MeterId) {
        self.inter_zone.insert(region, meter);
    }

    /// Traffic from this region to regions of its provider without a price of their own.
    pub fn set_default_inter_region(&mut self, from: RegionId, meter: MeterId) {
        self.default_inter_region.insert(from, meter);
    }

    /// States a round trip.
    pub fn set_latency(&mut self, from: RegionId, to: RegionId, latency: Latency) {
        self.set_sourced_latency(from, to, SourcedLatency { latency, source: None });
    }

    /// States a round trip and where the figure comes from.
    pub fn set_sourced_latency(&mut self, from: RegionId, to: RegionId, latency: SourcedLatency) {
        self.latencies.insert((from, to), latency);
    }

    /// The round trip from one region to another, where known.
    pub fn latency(&self, from: RegionId, to: RegionId) -> Option<Latency> {
        self.sourced_latency(from, to).map(|sourced| sourced.latency)
    }

    /// The round trip from one region to another with its source, where known: the figure of the
    /// other direction where only that one is stated.
    pub fn sourced_latency(&self, from: RegionId, to: RegionId) -> Option<&SourcedLatency> {
        self.latencies.get(&(from, to)).or_else(|| self.latencies.get(&(to, from)))
    }

    /// What sending between two different zones of a region costs: free where no price is stated
    /// for it, since providers that don't charge publish no price.
    pub fn inter_zone(&self, region: RegionId) -> Transfer {
        self.inter_zone.get(&region).map_or(Transfer::Free, |&m| Transfer::Metered(m))
    }

    /// What sending from a region to another one costs. Inside a region it is free; to another one
    /// by the pair's price where there is one; else to another region of the same provider by the
    /// region's default, and to another provider over the internet.
    pub fn transfer(&self, from: RegionId, to: RegionId, same_cloud: bool) -> Transfer {
        if from == to {
            return Transfer::Free;
        }
        let rest = if same_cloud { &self.default_inter_region } else { &self.internet };
        let meter = self.transfers.get(&(from, to)).or_else(|| rest.get(&from));
        meter.map_or(Transfer::Unknown, |&m| Transfer::Metered(m))
    }

    /// Every stated pair with its meter, in order.
    pub fn pair_meters(&self) -> impl ExactSizeIterator<Item = (RegionId, RegionId, MeterId)> {
        self.transfers.iter().map(|(&(from, to), &meter)| (from, to, meter))
    }

    /// The meters of traffic to other providers, in the order of the regions.
    pub fn internet_meters(&self) -> impl ExactSizeIterator<Item = (RegionId, MeterId)> {
        self.internet.iter().map(|(&region, &meter)| (region, meter))
    }

    /// The meters of traffic between zones, in the order of the regions.
    pub fn inter_zone_meters(&self) -> impl ExactSizeIterator<Item = (RegionId, MeterId)> {
        self.inter_zone.iter().map(|(&region, &meter)| (region, meter))
    }

    /// The meters of traffic to other regions without a price of their own, in the order of the
    /// regions.
    pub fn default_meters(&self) -> impl ExactSizeIterator<Item = (RegionId, MeterId)> {
        self.default_inter_region.iter().map(|(&region, &meter)| (region, meter))
    }

    /// Every stated round trip, in the order of the regions.
    pub fn latencies(
        &self,
    ) -> impl ExactSizeIterator<Item = (RegionId, RegionId, &SourcedLatency)> {
        self.latencies.iter().map(|(&(from, to), latency)| (from, to, latency))
    }
}

/// Everything that is known of what clouds sell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalog {
    /// A digest of the figures, for plans to name what they rest on.
    pub digest: Arc<str>,
    /// Regions, ordered by cloud and region.
    pub regions: Vec<Region>,
    /// Offers, ordered by cloud, region and name.
    pub offers: Vec<Arc<Offer>>,
    /// Latency and traffic prices.
    pub routes: Routes,
    /// Storage prices.
    pub storage: Vec<StoragePrice>,
    /// Prices of managed services.
    pub services: Vec<ServicePrice>,
    /// Certifications, ordered by cloud, region and framework.
    pub certifications: Vec<Certification>,
    /// What processors draw, ordered by cloud and processor.
    pub power: Vec<ProcessorPower>,
    /// Rows that could not be used, each with its place and reason.
    pub notices: Vec<Mistake>,
}

impl Catalog {
    /// The region of this name, if the catalog has it.
    pub fn region(&self, cloud: &str, region: &str) -> Option<RegionId> {
        let key = (cloud, region);
        self.regions
            .binary_search_by(|r| (&*r.cloud, r.place.region.as_deref().unwrap_or("")).cmp(&key))
            .ok()
            .and_then(|i| u32::try_from(i).ok())
            .map(RegionId)
    }

    /// The offers of a provider in a region.
    pub fn offers_in(&self, cloud: &str, region: &str) -> &[Arc<Offer>] {
        let key = (cloud, region);
        let start = self.offers.partition_point(|o| (&*o.cloud, &*o.region) < key);
        let end = self.offers.partition_point(|o| (&*o.cloud, &*o.region) <= key);
        &self.offers[start..end]
    }

    /// What the processors of a provider draw.
    pub fn power_of(&self, cloud: &str) -> &[ProcessorPower] {
        let start = self.power.partition_point(|p| &*p.cloud < cloud);
        let end = self.power.partition_point(|p| &*p.cloud <= cloud);
        &self.power[start..end]
    }

    /// What a provider is certified for in a region.
    pub fn certifications_in(&self, cloud: &str, region: &str) -> &[Certification] {
        let key = (cloud, region);
        let start = self.certifications.partition_point(|c| (&*c.cloud, &*c.region) < key);
        let end = self.certifications.partition_point(|c| (&*c.cloud, &*c.region) <= key);
        &self.certifications[start..end]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantity::Micros;

    #[test]
    fn transfer_follows_cloud_and_pair() {
        let mut routes = Routes::default();
        let meter = |name: &str| Meter { name: name.into(), unit: 1, tiers: vec![], source: None };
        let (a, b, c) = (RegionId(0), RegionId(1), RegionId(2));
        let pair = routes.add_meter(meter("pair"));
        let rest = routes.add_meter(meter("rest"));
        let net = routes.add_meter(meter("net"));
        routes.set_transfer(a, b, pair);
        routes.set_default_inter_region(a, rest);
        routes.set_internet(a, net);
        assert_eq!(routes.transfer(a, a, true), Transfer::Free);
        assert_eq!(routes.transfer(a, b, true), Transfer::Metered(pair));
        assert_eq!(routes.transfer(a, c, true), Transfer::Metered(rest));
        assert_eq!(routes.transfer(a, c, false), Transfer::Metered(net));
        assert_eq!(routes.transfer(b, c, false), Transfer::Unknown);
        let own = routes.add_meter(meter("own"));
        routes.set_transfer(a, c, own);
        assert_eq!(routes.transfer(a, c, false), Transfer::Metered(own), "a pair of two providers");
    }

    #[test]
    fn a_round_trip_stated_one_way_holds_both_ways() {
        let latency = |micros| Latency { round_trip: Micros(micros), estimated: false };
        let (a, b, c) = (RegionId(0), RegionId(1), RegionId(2));
        let mut routes = Routes::default();
        routes.set_latency(a, b, latency(7));
        routes.set_latency(b, c, latency(8));
        routes.set_latency(c, b, latency(9));
        let read = |from, to| routes.latency(from, to).map(|l| l.round_trip.0);
        assert_eq!([read(a, b), read(b, a), read(b, c), read(c, b)], [7, 7, 8, 9].map(Some));
        assert_eq!(read(a, c), None);
    }

    #[test]
    fn offers_of_a_region_are_a_range() {
        let offer = |c, r, n| Arc::new(Offer::named(c, r, n));
        let catalog = Catalog {
            offers: vec![
                offer("a", "x", "1"),
                offer("b", "x", "2"),
                offer("b", "x", "3"),
                offer("b", "y", "4"),
            ],
            ..Catalog::default()
        };
        let names: Vec<_> = catalog.offers_in("b", "x").iter().map(|o| &*o.name).collect();
        assert_eq!(names, ["2", "3"]);
        assert!(catalog.offers_in("b", "z").is_empty());
    }
}
