//! The estate: the sites, offers and routes that a plan may use, put together from the mounted
//! clouds and the catalog.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::decimal::Decimal;
use crate::mistake::Position;
use crate::money::Rate;
use crate::offer::{Offer, Purchase, Source};
use crate::place::{Place, PlaceGraph};
use crate::route::{Latency, Meter, Transfer};

/// Index of a site in its estate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SiteId(pub u32);

impl SiteId {
    /// As an index.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A place of a cloud where things can run: a region, or a zone where goals look at zones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// The mounted cloud, or the provider where no cloud is mounted.
    pub cloud: Arc<str>,
    /// Where it is.
    pub place: Place,
    /// Dollars per byte-month of its block storage, as (price per unit, bytes in the unit), where
    /// known.
    pub block_storage: Option<(Decimal, u64)>,
    /// The frameworks that it is certified for, as the catalog or whoever runs it states.
    pub certified: BTreeSet<Arc<str>>,
    /// Grams of CO₂ equivalent per kWh of its grid, where known.
    pub carbon_g_per_kwh: Option<Decimal>,
}

/// At most so many machines of an offering can be had, and who says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// How many.
    pub most: u32,
    /// The rule in words: `capacity of zone b`.
    pub rule: Arc<str>,
    /// Where it was written, if in a file.
    pub at: Option<Position>,
}

/// Machines of one size at one site, bought in one way.
#[derive(Clone, Debug)]
pub struct Offering {
    /// Where.
    pub site: SiteId,
    /// What.
    pub offer: Arc<Offer>,
    /// How many at most; `None` if nothing is known to limit it.
    pub limit: Option<Limit>,
    /// True for machines that are there already.
    pub existing: bool,
    /// Watts that one of its vCPUs draws on average, an estimate; `None` if nothing is known of it.
    pub watts_per_vcpu: Option<Decimal>,
    /// How it is bought.
    pub purchase: Purchase,
}

impl Offering {
    /// The rate that a plan may rest on, for the way it is bought; `None` if that is not known.
    pub fn rate(&self) -> Option<Rate> {
        match self.purchase {
            Purchase::OnDemand => self.offer.price.plannable(),
            Purchase::Spot => self.offer.spot,
        }
    }

    /// Where that rate comes from, where stated.
    pub fn source(&self) -> Option<&Arc<Source>> {
        match self.purchase {
            Purchase::OnDemand => self.offer.source.as_ref(),
            Purchase::Spot => self.offer.spot_source.as_ref(),
        }
    }
}

/// All that a plan may use. Sites and offerings are in a fixed order: cloud, region, zone, name.
#[derive(Clone, Debug, Default)]
pub struct Estate {
    /// The places.
    pub sites: Vec<Site>,
    /// The machines.
    pub offerings: Vec<Offering>,
    /// Which place lies in which.
    pub places: PlaceGraph,
    /// The meters that transfers refer to.
    pub meters: Vec<Meter>,
    /// Transfer from site i to site j at `i * sites + j`.
    pub transfers: Vec<Transfer>,
    /// Round trip from site i to site j at `i * sites + j`.
    pub latencies: Vec<Option<Latency>>,
    /// Every framework that some cloud of the catalog or some site is certified for: goals that name
    /// another one are mistaken.
    pub frameworks: BTreeSet<Arc<str>>,
    /// What was left out or assumed of the clouds, in words for the plan.
    pub unknown: Vec<Unknown>,
}

/// Something that is not known, and why; it goes into the plan.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Unknown {
    /// What is not known.
    pub what: String,
    /// Why, and what was done about it.
    pub why: String,
}

impl Estate {
    /// What sending from one site to another costs.
    pub fn transfer(&self, from: SiteId, to: SiteId) -> Transfer {
        self.transfers[from.index() * self.sites.len() + to.index()]
    }

    /// The round trip between two sites, where known.
    pub fn latency(&self, from: SiteId, to: SiteId) -> Option<Latency> {
        self.latencies[from.index() * self.sites.len() + to.index()]
    }

    /// The site of these names.
    pub fn site(&self, cloud: &str, region: Option<&str>, zone: Option<&str>) -> Option<SiteId> {
        let found = self.sites.iter().position(|s| {
            &*s.cloud == cloud
                && s.place.region.as_deref() == region
                && s.place.zone.as_deref() == zone
        })?;
        u32::try_from(found).ok().map(SiteId)
    }
}
