//! The cloud behind its API: each call takes its turn, its time and its chance to fail.

use std::sync::Arc;
use std::time::Duration;

use coc_cloud::Failure;
use coc_cloud::bucket::{Bucket, Budget};
use coc_cloud::random::Random;
use serde_json::{Value, json};

use crate::clock::Clock;
use crate::profile::{Profile, Told};
use crate::requests::NewResource;
use crate::store::{Change, Store};
use crate::view::{View, draw};
use crate::world::{Head, RESOURCES, Rows, TOKENS, World};

/// A simulated cloud.
pub(crate) struct Engine {
    pub(crate) name: Arc<str>,
    pub(crate) profile: Arc<Profile>,
    pub(crate) clock: Clock,
    pub(crate) world: World,
    pub(crate) trouble: Trouble,
    /// The body of the last request that changed a resource.
    pub(crate) last_change: Value,
    store: Option<Box<dyn Store>>,
}

/// What was ordered to go wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Trouble {
    /// So many calls are refused, with this wait.
    pub(crate) throttled: (u64, Option<Duration>),
    /// So many lists are cut.
    pub(crate) cut_lists: u64,
    /// Reads see this moment, until that one.
    pub(crate) stale: Option<(u64, u64)>,
}

/// What a call does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    Read,
    Write,
}

/// What the seed has in store for a call.
enum Fate {
    Fine,
    Dropped,
    Unheard,
}

/// What the clock shows when a cloud begins: an hour, so that what was there before has booted.
const BEGINNING: u64 = 3_600_000_000;

impl Engine {
    /// A new cloud, with the machines that the profile says are there.
    pub(crate) fn new(name: Arc<str>, profile: Arc<Profile>, seed: u64) -> Self {
        let head = Head { seed, ..Head::default() };
        let stale = profile.delays.stale.most;
        let mut engine = Self {
            name,
            clock: Clock::at(0),
            world: World::of(head, [].into(), [].into(), stale),
            trouble: Trouble::default(),
            last_change: Value::Null,
            store: None,
            profile,
        };
        engine.place_existing();
        // By now they have booted.
        engine.advance(BEGINNING);
        engine.world.changes();
        engine
    }

    /// Moves the clock on.
    pub(crate) fn advance(&mut self, micros: u64) {
        self.clock.advance(micros);
        self.pass();
    }

    /// Puts the machines there that the profile says are there.
    fn place_existing(&mut self) {
        let profile = Arc::clone(&self.profile);
        for machine in &profile.machines {
            let document = json!({
                "region": machine.region, "zone": machine.zone, "offer": machine.offer.name,
                "protected": true,
            });
            let new = NewResource::unmarked(crate::document::Type::Vm, &machine.name, document);
            self.put(new, machine.region.to_string(), Some(machine.zone.to_string()));
        }
    }

    /// The cloud as a read sees it that is answered right.
    pub(crate) fn now(&self) -> View<'_> {
        self.at(self.world.head.now)
    }

    /// The cloud as it was at a time.
    pub(crate) fn at(&self, time: u64) -> View<'_> {
        View { cloud: &self.name, world: &self.world, delays: &self.profile.delays, time }
    }

    /// The moment that a read sees: now or, by order or by chance, an earlier one.
    pub(crate) fn read_time(&self) -> u64 {
        let head = &self.world.head;
        if let Some((seen, until)) = self.trouble.stale
            && head.now <= until
        {
            return seen;
        }
        let rate = self.profile.faults.stale;
        if self.chance("stale", rate) {
            let age = draw(head.seed, self.profile.delays.stale, &["age", &head.calls.to_string()]);
            return head.now.saturating_sub(age);
        }
        head.now
    }

    fn chance(&self, what: &str, rate: u32) -> bool {
        let head = &self.world.head;
        rate > 0 && Random::keyed(head.seed, &[what, &head.calls.to_string()]).chance(rate)
    }

    /// Makes one call: time passes, the call may be refused or lost, and what it changed is kept.
    pub(crate) fn call<T>(
        &mut self,
        group: Group,
        effect: impl FnOnce(&mut Self) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let answer = match self.begin(group) {
            Err(failure) => Err(failure),
            Ok(Fate::Dropped) => Err(Failure::Lost("the connection was reset".into())),
            Ok(Fate::Fine) => effect(self),
            Ok(Fate::Unheard) => {
                // The effect stands, whatever it was; nobody hears of it.
                let _unheard = effect(self);
                Err(Failure::Lost("the connection was reset".into()))
            }
        };
        self.keep()?;
        answer
    }

    fn begin(&mut self, group: Group) -> Result<Fate, Failure> {
        self.world.head.calls += 1;
        let head = &self.world.head;
        let call = head.calls.to_string();
        self.clock.advance(draw(head.seed, self.profile.delays.call, &["call", &call]));
        self.pass();
        let faults = self.profile.faults;
        if self.chance("unreachable", faults.unreachable) {
            return Err(self.unreachable("the connection was refused"));
        }
        self.throttle(group)?;
        if self.chance("broken", faults.broken) {
            let says = "the cloud failed inside; the request had no effect".to_owned();
            return Err(Failure::Failed { code: "InternalError".to_owned(), says });
        }
        if self.chance("lost", faults.lost) {
            let unheard = Random::keyed(self.world.head.seed, &["unheard", &call]).chance(500_000);
            return Ok(if unheard { Fate::Unheard } else { Fate::Dropped });
        }
        Ok(Fate::Fine)
    }

    pub(crate) fn unreachable(&self, says: &str) -> Failure {
        Failure::Unreachable { endpoint: format!("simulated:{}", self.name), says: says.to_owned() }
    }

    fn throttle(&mut self, group: Group) -> Result<(), Failure> {
        let (left, wait) = &mut self.trouble.throttled;
        if *left > 0 {
            *left -= 1;
            return Err(Failure::Throttled { retry_after: *wait });
        }
        let limits = self.profile.limits;
        let now = Duration::from_micros(self.world.head.now);
        let head = &mut self.world.head;
        let (budget, bucket): (Option<Budget>, _) = match group {
            Group::Read => (limits.reads, &mut head.reads),
            Group::Write => (limits.writes, &mut head.writes),
        };
        let Some(budget) = budget else { return Ok(()) };
        let bucket = bucket.get_or_insert_with(|| Bucket::new(budget));
        if bucket.take(now) {
            return Ok(());
        }
        let wait = bucket.next(now);
        let retry_after = limits.says_wait.unwrap_or(true).then_some(wait);
        Err(Failure::Throttled { retry_after })
    }

    /// Lets the world catch up with the clock.
    pub(crate) fn pass(&mut self) {
        self.world.pass(self.clock.now());
    }

    /// Keeps what changed, where there is a store.
    pub(crate) fn keep(&mut self) -> Result<(), Failure> {
        let rows = self.world.changes();
        let Some(store) = &self.store else { return Ok(()) };
        let head = serde_json::to_value(&self.world.head).unwrap_or_default();
        let change = Change { head, rows: named(rows) };
        store.save(&change, &|| self.snapshot()).map_err(|e| {
            // In memory the effect stands, in the file it does not: nobody knows what happened.
            Failure::Lost(format!("the state of {} could not be kept: {e}", self.name))
        })
    }

    /// From now on, keeps what changes.
    pub(crate) fn keep_in(&mut self, store: Box<dyn Store>) {
        self.store = Some(store);
    }

    /// All that is in the cloud, as JSON.
    pub(crate) fn snapshot(&self) -> Value {
        json!({
            "version": 1,
            "head": self.world.head,
            "tables": { RESOURCES: self.world.all(), TOKENS: self.world.tokens() },
        })
    }

    /// Puts back what a snapshot holds.
    pub(crate) fn restore(&mut self, snapshot: &Value) -> Result<(), String> {
        if snapshot["version"] != json!(1) {
            return Err(format!("expected version 1, found {}", snapshot["version"]));
        }
        let part = |value: &Value, what: &str| format!("{what}: {value}");
        let head: Head = serde_json::from_value(snapshot["head"].clone())
            .map_err(|e| part(&json!(e.to_string()), "head"))?;
        let tables = &snapshot["tables"];
        let resources: std::collections::BTreeMap<String, crate::world::Resource> =
            serde_json::from_value(tables[RESOURCES].clone())
                .map_err(|e| part(&json!(e.to_string()), RESOURCES))?;
        if let Some((id, _)) = resources.iter().find(|(_, r)| r.versions.is_empty()) {
            return Err(format!("{RESOURCES}: {id} has no version"));
        }
        let tokens = serde_json::from_value(tables[TOKENS].clone())
            .map_err(|e| part(&json!(e.to_string()), TOKENS))?;
        self.clock.set(head.now);
        self.world = World::of(head, resources, tokens, self.profile.delays.stale.most);
        Ok(())
    }

    /// True if the region can be reached.
    pub(crate) fn reaches(&self, region: &str) -> bool {
        !self.world.head.lost_regions.contains(region)
    }

    /// The rules of capacity that a machine there would fall under and that are used up.
    pub(crate) fn lack(&self, region: &str, zone: &str, offer: &str) -> Option<(String, Told)> {
        if self.world.head.dark_zones.contains(zone) {
            return Some((format!("zone {zone} is down"), Told::AtOnce));
        }
        self.profile.capacity.iter().find_map(|rule| {
            let of_zone = |z: &str| rule.zone.as_deref().is_none_or(|zone| zone == z);
            let of_offer = |o: &str| rule.offer.as_deref().is_none_or(|offer| offer == o);
            if &*rule.region != region || !of_zone(zone) || !of_offer(offer) {
                return None;
            }
            let (used, _) = self.world.room(|r, z, o| r == region && of_zone(z) && of_offer(o));
            (used >= rule.machines).then(|| {
                let says = format!("{used} of {} machines are in use", rule.machines);
                (says, rule.told)
            })
        })
    }
}

fn named(rows: Rows) -> Vec<(String, String, Option<Value>)> {
    rows.into_iter().map(|(table, key, row)| (table.to_owned(), key, row)).collect()
}
