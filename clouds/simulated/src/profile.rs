//! What a simulated cloud is like: regions, offers, limits, delays, faults.

mod read;

use std::collections::BTreeSet;
use std::sync::Arc;

use coc_cloud::bucket::Budget;
use coc_model::energy::Energy;
use coc_model::offer::Offer;
use coc_model::place::Place;
use coc_model::quantity::Cpu;

/// A profile, read and checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// The regions, ordered by name.
    pub regions: Vec<Region>,
    /// Where fewer machines are to be had than anybody asks for.
    pub capacity: Vec<Capacity>,
    /// Machines that are there before anything is made.
    pub machines: Vec<ExistingMachine>,
    /// How long things take.
    pub delays: Delays,
    /// How many calls it takes.
    pub limits: CallLimits,
    /// How often calls fail.
    pub faults: FaultRates,
    /// How many resources one page of a list holds.
    pub page: usize,
}

/// A region.
#[derive(Clone, Debug, PartialEq)]
pub struct Region {
    /// Its name, country and area.
    pub place: Place,
    /// The catalog region (provider, region) whose latencies, traffic prices, certifications and
    /// grid hold here.
    pub like: Option<(Arc<str>, Arc<str>)>,
    /// Its zones, at least one.
    pub zones: Vec<Arc<str>>,
    /// What it sells, ordered by name.
    pub offers: Vec<Arc<Offer>>,
    /// How much the account may have here.
    pub quotas: Quotas,
    /// The frameworks it is certified for.
    pub certified: BTreeSet<Arc<str>>,
    /// What is known of its power.
    pub energy: Energy,
}

impl Region {
    /// Its name.
    pub fn name(&self) -> &str {
        self.place.region.as_deref().unwrap_or_default()
    }

    /// An offer by its name.
    pub fn offer(&self, name: &str) -> Option<&Arc<Offer>> {
        self.offers.binary_search_by(|o| (*o.name).cmp(name)).ok().map(|i| &self.offers[i])
    }
}

/// How much an account may have in a region; `None` for no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quotas {
    /// Machines.
    pub machines: Option<u64>,
    /// Processors of all machines.
    pub cpu: Option<Cpu>,
    /// Volumes.
    pub volumes: Option<u64>,
    /// Networks.
    pub networks: Option<u64>,
}

/// How many machines are to be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// In this region.
    pub region: Arc<str>,
    /// In this zone of it; `None` for all zones together.
    pub zone: Option<Arc<str>>,
    /// Of this offer; `None` for all together.
    pub offer: Option<Arc<str>>,
    /// So many.
    pub machines: u64,
    /// When a lack of them is told.
    pub told: Told,
}

/// When a lack of capacity is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// The create call is refused.
    AtOnce,
    /// The create call is accepted, and the machine fails instead of booting.
    Late,
}

/// A machine that is there before anything is made, and that is nobody's to remove.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExistingMachine {
    /// Its name.
    pub name: Arc<str>,
    /// Its region.
    pub region: Arc<str>,
    /// Its zone.
    pub zone: Arc<str>,
    /// What it is, under its own name and with the price its owner states.
    pub offer: Arc<Offer>,
}

/// A time between two bounds, drawn anew for each resource; in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// At least.
    pub least: u64,
    /// At most.
    pub most: u64,
}

impl Range {
    const fn seconds(seconds: u64) -> Self {
        Self { least: seconds * 1_000_000, most: seconds * 1_000_000 }
    }
}

/// How long things take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delays {
    /// The clock moves on by this much with each call.
    pub call: Range,
    /// Until a machine runs.
    pub boot: Range,
    /// Until a container runs.
    pub start: Range,
    /// From there until its health is known.
    pub health: Range,
    /// Until a network or volume can be used.
    pub make: Range,
    /// Until a new resource shows.
    pub visible: Range,
    /// How old the answer to a stale read is.
    pub stale: Range,
    /// Until a deleted resource is gone.
    pub remove: Range,
    /// Between the notice and the loss of a spot machine.
    pub notice: Range,
    /// How long a create call's token is remembered.
    pub token: Range,
}

impl Default for Delays {
    fn default() -> Self {
        Self {
            call: Range::seconds(1),
            boot: Range::seconds(20),
            start: Range::seconds(1),
            health: Range::seconds(2),
            make: Range::seconds(0),
            visible: Range::seconds(0),
            stale: Range::seconds(0),
            remove: Range::seconds(1),
            notice: Range::seconds(120),
            token: Range::seconds(3600),
        }
    }
}

/// How many calls it takes; `None` for any number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallLimits {
    /// Calls that read.
    pub reads: Option<Budget>,
    /// Calls that change something.
    pub writes: Option<Budget>,
    /// Whether a refusal says how long to wait.
    pub says_wait: Option<bool>,
}

/// How often calls fail, in millionths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FaultRates {
    /// The call never arrives, and the caller is told.
    pub unreachable: u32,
    /// No answer comes: half of these had their effect.
    pub lost: u32,
    /// The cloud fails inside; no effect.
    pub broken: u32,
    /// A read is answered from an earlier time.
    pub stale: u32,
}

impl Profile {
    /// The region of a name, whatever its case.
    pub fn region(&self, name: &str) -> Option<&Region> {
        self.regions.iter().find(|r| r.name().eq_ignore_ascii_case(name))
    }

    /// After how long everything that was created or changed shows to every read, in whole seconds.
    pub fn settle_seconds(&self) -> u64 {
        (self.delays.visible.most + self.delays.stale.most).div_ceil(1_000_000)
    }
}
