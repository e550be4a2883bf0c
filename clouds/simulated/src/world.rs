//! Everything that is in the cloud, and how it looks at a moment.

use std::collections::{BTreeMap, BTreeSet};

use coc_cloud::bucket::Bucket;
use coc_model::money::Rate;
use coc_model::resource::State;
use serde::{Deserialize, Serialize};

use crate::document::{Spec, Type};

/// The key under which tags keep the hash of a document.
pub(crate) const SPEC_TAG: &str = "coc-spec";

/// A resource, with as much of its past as a stale read can show.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Resource {
    #[serde(rename = "type")]
    pub(crate) kind: Type,
    pub(crate) name: String,
    /// The order of birth.
    pub(crate) serial: u64,
    /// The zone it was put in, for what lies in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) zone: Option<String>,
    /// The region it lies in.
    pub(crate) region: String,
    /// The ids of what it refers to, as its names were understood when it was made or changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) refers: Vec<String>,
    pub(crate) created: u64,
    /// From when it shows.
    pub(crate) visible: u64,
    /// From the oldest that can still be seen to the one that holds now; never empty.
    pub(crate) versions: Vec<Version>,
    /// What happened to it since, by time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) events: Vec<(u64, Event)>,
    /// Since when it is being removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) removing: Option<u64>,
    /// From when it is not there any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) gone: Option<u64>,
    /// When the spot market takes it back, once noticed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reclaimed: Option<u64>,
}

/// A version of a resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Version {
    pub(crate) at: u64,
    pub(crate) revision: u64,
    pub(crate) spec: Spec,
    /// Tags, for types that have them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) tags: BTreeMap<String, String>,
    /// The fields that the program of its last request states, as JSON pointers.
    pub(crate) stated: BTreeSet<String>,
}

/// What can happen to a resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Event {
    /// It was started, or a change started it anew.
    Started,
    /// It was stopped.
    Stopped,
    /// It failed, for this reason.
    Failed(String),
}

/// What a create call's token stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Token {
    /// A digest of the request.
    pub(crate) request: String,
    /// What it made.
    pub(crate) id: String,
    /// Until when it is remembered.
    pub(crate) until: u64,
}

/// All that is kept, but for the tables of resources and tokens.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Head {
    pub(crate) seed: u64,
    pub(crate) now: u64,
    /// Calls so far.
    pub(crate) calls: u64,
    /// Resources made so far.
    pub(crate) born: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reads: Option<Bucket>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) writes: Option<Bucket>,
    /// Zones that are down.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) dark_zones: BTreeSet<String>,
    /// Regions that can't be reached.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) lost_regions: BTreeSet<String>,
    /// Prices other than the profile's, by region and offer.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) prices: BTreeMap<String, BTreeMap<String, Rate>>,
}

impl Resource {
    /// The version that holds now.
    pub(crate) fn version(&self) -> &Version {
        // Pushed at birth, never emptied.
        &self.versions[self.versions.len() - 1]
    }

    /// The version that held at a time.
    pub(crate) fn version_at(&self, time: u64) -> &Version {
        let after = self.versions.partition_point(|v| v.at <= time);
        &self.versions[after.saturating_sub(1)]
    }

    /// True if a read that sees this time shows it.
    pub(crate) fn shows(&self, time: u64) -> bool {
        self.visible <= time && self.gone.is_none_or(|gone| time < gone)
    }

    /// True if it takes up room now.
    pub(crate) fn is_there(&self, now: u64) -> bool {
        self.gone.is_none_or(|gone| now < gone)
    }

    /// The tags or, for types without, what its description says in their place.
    pub(crate) fn tag<'a>(&'a self, version: &'a Version, key: &str) -> Option<&'a str> {
        match &version.spec {
            Spec::Network(network) => {
                let mut words = network.description.split(' ');
                words.find_map(|word| word.strip_prefix(key)?.strip_prefix('='))
            }
            _ => version.tags.get(key).map(String::as_str),
        }
    }

    /// The last event up to a time.
    fn last_event(&self, time: u64) -> Option<&(u64, Event)> {
        let after = self.events.partition_point(|(at, _)| *at <= time);
        after.checked_sub(1).map(|i| &self.events[i])
    }

    /// The last start up to a time, unless something ended it.
    pub(crate) fn started(&self, time: u64) -> Started {
        match self.last_event(time) {
            None => Started::At(self.created),
            Some((at, Event::Started)) => Started::At(*at),
            Some((_, Event::Stopped)) => Started::Ended(State::Stopped),
            Some((_, Event::Failed(_))) => Started::Ended(State::Failed),
        }
    }

    /// Why it failed, if it did.
    pub(crate) fn reason(&self, time: u64) -> Option<&str> {
        match self.last_event(time) {
            Some((_, Event::Failed(reason))) => Some(reason),
            _ => None,
        }
    }

    /// How often it was started up to a time.
    pub(crate) fn starts(&self, time: u64) -> usize {
        self.events.iter().filter(|(at, e)| *at <= time && *e == Event::Started).count()
    }

    /// Adds an event, in the order of time.
    pub(crate) fn happen(&mut self, at: u64, event: Event) {
        let place = self.events.partition_point(|(other, _)| *other <= at);
        self.events.insert(place, (at, event));
    }

    /// Leaves out what no read can show any more.
    pub(crate) fn forget_before(&mut self, time: u64) {
        let first = self.versions.partition_point(|v| v.at <= time).saturating_sub(1);
        self.versions.drain(..first);
    }
}

/// Whether something runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Started {
    /// It was started then.
    At(u64),
    /// It does not run.
    Ended(State),
}

/// All that is in the cloud, with the indexes that make look-ups fast. The indexes follow from the
/// tables and are not kept.
#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) head: Head,
    resources: BTreeMap<String, Resource>,
    tokens: BTreeMap<String, Token>,
    /// By type and name in lower case.
    names: BTreeMap<(Type, String), BTreeSet<(u64, String)>>,
    /// By the mark of the journal entry.
    operations: BTreeMap<String, BTreeSet<(u64, String)>>,
    /// By the owner's mark.
    owners: BTreeMap<String, BTreeMap<u64, String>>,
    /// Who refers to whom.
    users: BTreeMap<String, BTreeSet<String>>,
    /// Machines that take up room, by region, zone and offer: of ours and of others.
    room: BTreeMap<(String, String, String), (u64, u64)>,
    /// What happens by time alone: something is gone, or can be forgotten.
    due: BTreeSet<(u64, String)>,
    tokens_due: BTreeSet<(u64, String)>,
    /// For how long the past can be seen.
    stale: u64,
    /// Rows changed since they were last kept.
    changed_resources: BTreeSet<String>,
    changed_tokens: BTreeSet<String>,
}

/// Rows that changed, each with its table and key; no value if it is gone.
pub(crate) type Rows = Vec<(&'static str, String, Option<serde_json::Value>)>;

/// The tables' names in what is kept.
pub(crate) const RESOURCES: &str = "resources";
pub(crate) const TOKENS: &str = "tokens";

impl World {
    /// A world from what was kept, whose past can be seen for some time.
    pub(crate) fn of(
        head: Head,
        resources: BTreeMap<String, Resource>,
        tokens: BTreeMap<String, Token>,
        stale: u64,
    ) -> Self {
        let mut world = Self { head, stale, ..Self::default() };
        for (id, resource) in resources {
            world.insert(id, resource);
        }
        for (key, token) in tokens {
            world.remember(&key, token);
        }
        world.changed_resources.clear();
        world.changed_tokens.clear();
        world
    }

    /// A resource.
    pub(crate) fn get(&self, id: &str) -> Option<&Resource> {
        self.resources.get(id)
    }

    /// Every resource, by id.
    pub(crate) fn all(&self) -> &BTreeMap<String, Resource> {
        &self.resources
    }

    /// Every token.
    pub(crate) fn tokens(&self) -> &BTreeMap<String, Token> {
        &self.tokens
    }

    /// A token that is still remembered.
    pub(crate) fn token(&self, key: &str, now: u64) -> Option<&Token> {
        self.tokens.get(key).filter(|t| now < t.until)
    }

    /// Remembers a token.
    pub(crate) fn remember(&mut self, key: &str, token: Token) {
        self.changed_tokens.insert(key.to_owned());
        self.tokens_due.insert((token.until, key.to_owned()));
        self.tokens.insert(key.to_owned(), token);
    }

    /// The resources of a name that still show to somebody, the oldest first.
    pub(crate) fn named(&self, kind: Type, name: &str) -> Vec<&str> {
        let found = self.names.get(&(kind, name.to_lowercase()));
        found.into_iter().flatten().map(|(_, id)| &**id).collect()
    }

    /// The resources of a journal entry, the oldest first.
    pub(crate) fn of_operation(&self, op: &str) -> Vec<&str> {
        self.operations.get(op).into_iter().flatten().map(|(_, id)| &**id).collect()
    }

    /// An owner's resources born after a serial, the oldest first.
    pub(crate) fn of_owner(&self, owner: &str, after: u64) -> impl Iterator<Item = (u64, &str)> {
        let owned = self.owners.get(owner).into_iter();
        owned.flat_map(move |o| o.range(after + 1..).map(|(serial, id)| (*serial, &**id)))
    }

    /// Who refers to a resource and is there.
    pub(crate) fn users(&self, id: &str, now: u64) -> Vec<&str> {
        let users = self.users.get(id).into_iter().flatten();
        users.map(|u| &**u).filter(|u| self.get(u).is_some_and(|r| r.is_there(now))).collect()
    }

    /// How many machines take up room where this says yes: (all, those without our marks).
    pub(crate) fn room(&self, counts: impl Fn(&str, &str, &str) -> bool) -> (u64, u64) {
        let rows = self.room.iter().filter(|((r, z, o), _)| counts(r, z, o));
        rows.fold((0, 0), |(all, unmarked), (_, (a, u))| (all + a, unmarked + u))
    }

    /// Machines that take up room, by region, zone and offer.
    pub(crate) fn rooms(&self) -> impl Iterator<Item = (&(String, String, String), u64)> {
        self.room.iter().map(|(key, (all, _))| (key, *all))
    }

    /// Changes a resource by a rule, with every index.
    pub(crate) fn change(&mut self, id: &str, change: impl FnOnce(&mut Resource)) {
        if let Some(mut resource) = self.take(id) {
            change(&mut resource);
            self.insert(id.to_owned(), resource);
        }
    }

    /// Puts a resource in, with every index.
    pub(crate) fn insert(&mut self, id: String, resource: Resource) {
        let now = self.head.now;
        let key = (resource.serial, id.clone());
        let version = resource.version();
        let name = (resource.kind, resource.name.to_lowercase());
        self.names.entry(name).or_default().insert(key.clone());
        if let Some(op) = resource.tag(version, "coc-op") {
            self.operations.entry(op.to_owned()).or_default().insert(key.clone());
        }
        if let Some(owner) = resource.tag(version, "coc-owner") {
            self.owners.entry(owner.to_owned()).or_default().insert(key.0, key.1);
        }
        if resource.is_there(now) {
            self.refer(&id, &resource);
            self.take_room(&resource);
        }
        if let Some(gone) = resource.gone {
            let due = if now < gone { gone } else { gone.saturating_add(self.stale) };
            self.due.insert((due, id.clone()));
        }
        self.changed_resources.insert(id.clone());
        self.resources.insert(id, resource);
    }

    /// Takes a resource out, with every index.
    fn take(&mut self, id: &str) -> Option<Resource> {
        let resource = self.resources.remove(id)?;
        let key = (resource.serial, id.to_owned());
        let version = resource.version();
        let name = (resource.kind, resource.name.to_lowercase());
        drop_from(&mut self.names, &name, &key);
        if let Some(op) = resource.tag(version, "coc-op") {
            drop_from(&mut self.operations, &op.to_owned(), &key);
        }
        if let Some(owned) = resource.tag(version, "coc-owner").and_then(|o| self.owners.get_mut(o))
        {
            owned.remove(&key.0);
        }
        if resource.is_there(self.head.now) {
            self.unrefer(id, &resource);
            self.give_room(&resource);
        }
        if let Some(gone) = resource.gone {
            self.due.remove(&(gone, id.to_owned()));
            self.due.remove(&(gone.saturating_add(self.stale), id.to_owned()));
        }
        self.changed_resources.insert(id.to_owned());
        Some(resource)
    }

    /// Moves the clock to a time: what is gone by then gives its room back, and what no read can
    /// show any more is forgotten.
    pub(crate) fn pass(&mut self, now: u64) {
        while let Some((at, id)) = self.due.first().filter(|(at, _)| *at <= now).cloned() {
            self.due.remove(&(at, id.clone()));
            let Some(gone) = self.get(&id).and_then(|r| r.gone) else { continue };
            if self.head.now < gone {
                // Room and references are given back by the rule that it is there no more.
                if let Some(resource) = self.resources.get(&id).cloned() {
                    self.unrefer(&id, &resource);
                    self.give_room(&resource);
                }
                self.head.now = gone;
                self.due.insert((gone.saturating_add(self.stale), id));
            } else {
                self.head.now = self.head.now.max(at);
                self.take(&id);
            }
        }
        self.head.now = self.head.now.max(now);
        while let Some((at, key)) = self.tokens_due.first().filter(|(at, _)| *at <= now).cloned() {
            self.tokens_due.remove(&(at, key.clone()));
            if self.tokens.get(&key).is_some_and(|t| t.until <= now) {
                self.tokens.remove(&key);
                self.changed_tokens.insert(key);
            }
        }
    }

    /// The rows that changed since this was last asked.
    pub(crate) fn changes(&mut self) -> Rows {
        let mut rows = Rows::new();
        for id in std::mem::take(&mut self.changed_resources) {
            let row = self.resources.get(&id).and_then(|r| serde_json::to_value(r).ok());
            rows.push((RESOURCES, id, row));
        }
        for key in std::mem::take(&mut self.changed_tokens) {
            let row = self.tokens.get(&key).and_then(|t| serde_json::to_value(t).ok());
            rows.push((TOKENS, key, row));
        }
        rows
    }

    /// The resource that a name means to somebody: among those of his owner the oldest, else the
    /// oldest of all.
    pub(crate) fn meant(&self, kind: Type, name: &str, owner: Option<&str>) -> Option<&str> {
        let there = self
            .named(kind, name)
            .into_iter()
            .filter(|id| self.get(id).is_some_and(|r| r.is_there(self.head.now)));
        let there: Vec<&str> = there.collect();
        let his = there.iter().find(|id| {
            let resource = self.get(id);
            owner.is_some() && resource.and_then(|r| r.tag(r.version(), "coc-owner")) == owner
        });
        his.or_else(|| there.first()).copied()
    }

    fn refer(&mut self, id: &str, resource: &Resource) {
        for target in &resource.refers {
            self.users.entry(target.clone()).or_default().insert(id.to_owned());
        }
    }

    fn unrefer(&mut self, id: &str, resource: &Resource) {
        for target in &resource.refers {
            drop_from(&mut self.users, target, &id.to_owned());
        }
    }

    fn room_key(resource: &Resource) -> Option<(String, String, String)> {
        let Spec::Vm(vm) = &resource.version().spec else { return None };
        let zone = resource.zone.clone().unwrap_or_default();
        Some((resource.region.clone(), zone, vm.offer.clone()))
    }

    fn take_room(&mut self, resource: &Resource) {
        if let Some(key) = Self::room_key(resource) {
            let (all, unmarked) = self.room.entry(key).or_default();
            *all += 1;
            if resource.tag(resource.version(), "coc-owner").is_none() {
                *unmarked += 1;
            }
        }
    }

    fn give_room(&mut self, resource: &Resource) {
        if let Some((all, unmarked)) = Self::room_key(resource).and_then(|k| self.room.get_mut(&k))
        {
            *all = all.saturating_sub(1);
            if resource.tag(resource.version(), "coc-owner").is_none() {
                *unmarked = unmarked.saturating_sub(1);
            }
        }
    }
}

fn drop_from<K: Ord, T: Ord>(index: &mut BTreeMap<K, BTreeSet<T>>, key: &K, item: &T) {
    if let Some(items) = index.get_mut(key) {
        items.remove(item);
        if items.is_empty() {
            index.remove(key);
        }
    }
}
