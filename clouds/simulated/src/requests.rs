//! What the API's requests do.

use std::collections::{BTreeMap, BTreeSet};

use coc_cloud::Failure;
use coc_model::marks::digest;
use coc_model::offer::Offer;
use coc_model::resource::State;
use serde_json::{Value, json};

use crate::document::{Spec, Type};
use crate::engine::Engine;
use crate::profile::{Region, Told};
use crate::view::{draw, stated};
use crate::world::{Event, Resource, Token, Version};

/// The longest name.
pub(crate) const NAME_MAX: usize = 63;

/// A create request.
pub(crate) struct NewResource {
    pub(crate) kind: Type,
    pub(crate) name: String,
    pub(crate) document: Value,
    pub(crate) tags: BTreeMap<String, String>,
    /// Makes a repetition harmless.
    pub(crate) token: Option<String>,
    /// The fields that whoever sends it stands for.
    pub(crate) stated: BTreeSet<String>,
}

impl NewResource {
    /// A request that bears no mark of anybody.
    pub(crate) fn unmarked(kind: Type, name: &str, document: Value) -> Self {
        Self {
            kind,
            name: name.to_owned(),
            stated: stated(&document),
            document,
            tags: BTreeMap::new(),
            token: None,
        }
    }
}

/// A change request.
pub(crate) struct Patch<'a> {
    pub(crate) id: &'a str,
    /// The revision that the sender has read.
    pub(crate) revision: u64,
    /// A merge patch (RFC 7396) of the document.
    pub(crate) changes: Value,
    /// Tags to set.
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) stated: BTreeSet<String>,
}

fn invalid(says: impl Into<String>) -> Failure {
    Failure::Invalid(says.into())
}

fn read(kind: Type, document: &Value) -> Result<Spec, Failure> {
    Spec::read(kind, document).map_err(|mistakes| invalid(mistakes.join("; ")))
}

/// Letters, digits, `-`, `_` and `.`, beginning with a letter or digit.
fn legal(name: &str) -> bool {
    name.len() <= NAME_MAX
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

/// Applies a merge patch (RFC 7396).
pub(crate) fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    let Some(target) = target.as_object_mut() else { return };
    for (key, value) in changes {
        if value.is_null() {
            target.remove(key);
        } else {
            merge(target.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}

impl Engine {
    /// Makes a resource; gives its id.
    pub(crate) fn create(&mut self, new: NewResource) -> Result<String, Failure> {
        if !legal(&new.name) {
            return Err(invalid(format!(
                "the name \"{}\" is not 1 to {NAME_MAX} letters, digits, - _ .",
                new.name
            )));
        }
        let spec = read(new.kind, &new.document)?;
        let token = new.token.as_ref().map(|token| (token.clone(), request_digest(&new, &spec)));
        if let Some((token, request)) = &token
            && let Some(known) = self.world.token(token, self.world.head.now)
        {
            return match self.world.get(&known.id).is_some_and(|r| r.is_there(self.world.head.now))
            {
                _ if known.request != *request => {
                    Err(invalid("the token was used for another request"))
                }
                true => Ok(known.id.clone()),
                false => Err(invalid("what the token made was deleted since")),
            };
        }
        self.check_name(new.kind, &new.name)?;
        let owner = new.tags.get("coc-owner").cloned().or_else(|| owner_in(&spec));
        let (region, zone, doom) = self.place(&spec, owner.as_deref())?;
        self.check_quota(new.kind, &region, &spec)?;
        let id = self.put(new, region, zone);
        if let Some(reason) = doom {
            let boots = self.now().ready_at(&id, self.resource(&id)?).unwrap_or_default();
            self.world.change(&id, |r| r.happen(boots, Event::Failed(reason)));
        }
        if let Some((token, request)) = token {
            let until = self.world.head.now
                + draw(self.world.head.seed, self.profile.delays.token, &["token", &id]);
            self.world.remember(&token, Token { request, id: id.clone(), until });
        }
        Ok(id)
    }

    /// Puts a resource into the world, past every check.
    pub(crate) fn put(&mut self, new: NewResource, region: String, zone: Option<String>) -> String {
        let head = &mut self.world.head;
        head.born += 1;
        let (now, serial, seed) = (head.now, head.born, head.seed);
        let id = format!("{}-{serial}", new.kind.prefix());
        let visible = now + draw(seed, self.profile.delays.visible, &["visible", &id]);
        // Checked by everybody who comes here.
        let Ok(mut spec) = Spec::read(new.kind, &new.document) else { return id };
        canonical(&mut spec, &region, zone.as_deref());
        let owner = new.tags.get("coc-owner").cloned().or_else(|| owner_in(&spec));
        let refers = self.references(&spec, owner.as_deref()).unwrap_or_default();
        let version = Version { at: now, revision: 1, spec, tags: new.tags, stated: new.stated };
        let resource = Resource {
            kind: new.kind,
            name: new.name,
            serial,
            zone,
            region,
            refers,
            created: now,
            visible,
            versions: vec![version],
            events: Vec::new(),
            removing: None,
            gone: None,
            reclaimed: None,
        };
        self.last_change = new.document;
        self.world.insert(id.clone(), resource);
        id
    }

    fn check_name(&self, kind: Type, name: &str) -> Result<(), Failure> {
        if !kind.names_are_keys() {
            return Ok(());
        }
        let now = self.world.head.now;
        let taken = self.world.named(kind, name).into_iter();
        let taken = taken.filter_map(|id| self.world.get(id)).any(|r| r.is_there(now));
        if taken { Err(Failure::Exists { name: name.to_owned() }) } else { Ok(()) }
    }

    pub(crate) fn resource(&self, id: &str) -> Result<&Resource, Failure> {
        self.world.get(id).ok_or_else(|| invalid(format!("there is no {id}")))
    }

    /// The ids of what a document refers to. What was just made may not be known here yet.
    fn references(&self, spec: &Spec, owner: Option<&str>) -> Result<Vec<String>, Failure> {
        let now = self.world.head.now;
        let mut ids = Vec::new();
        for (kind, name, field) in spec.references() {
            let Some(id) = self.world.meant(kind, name, owner) else {
                let what = kind.name();
                return Err(invalid(format!("{field}: there is no {what} named \"{name}\"")));
            };
            let resource = self.resource(id)?;
            if resource.visible > now {
                return Err(Failure::NotVisibleYet(format!("{} \"{name}\"", kind.name())));
            }
            if resource.removing.is_some() {
                let says = format!("{name} is being removed");
                return Err(Failure::Busy { says, retry_after: None });
            }
            ids.push(id.to_owned());
        }
        Ok(ids)
    }

    fn region(&self, name: &str) -> Result<&Region, Failure> {
        let region = self.profile.region(name);
        let region = region.ok_or_else(|| invalid(format!("region: there is no \"{name}\"")))?;
        if !self.reaches(region.name()) {
            return Err(self.unreachable(&format!("region {} does not answer", region.name())));
        }
        Ok(region)
    }

    /// Where a resource goes: region, zone, and the reason if it is to fail there.
    fn place(
        &self,
        spec: &Spec,
        owner: Option<&str>,
    ) -> Result<(String, Option<String>, Option<String>), Failure> {
        let refers = self.references(spec, owner)?;
        if let Some(name) = spec.region() {
            let region = self.region(name)?;
            for id in &refers {
                let other = self.resource(id)?;
                if other.region != region.name() {
                    let says = format!("{} lies in {}, not in {name}", other.name, other.region);
                    return Err(invalid(says));
                }
            }
            let zone = match spec {
                Spec::Volume(v) => v.zone.as_deref(),
                Spec::Vm(v) => v.zone.as_deref(),
                Spec::Network(_) | Spec::Container(_) => None,
            };
            if let Some(zone) = zone.filter(|z| !region.zones.iter().any(|known| **known == **z)) {
                return Err(invalid(format!("zone: {name} has no zone \"{zone}\"")));
            }
            let zone = zone.map(str::to_owned);
            return match spec {
                Spec::Vm(vm) => self.place_machine(region, zone.as_deref(), &vm.offer),
                _ => Ok((region.name().to_owned(), zone, None)),
            };
        }
        let machine = self.resource(refers.first().map_or("", |id| id))?;
        self.region(&machine.region)?;
        for id in &refers[1..] {
            let other = self.resource(id)?;
            if other.region != machine.region {
                let says = format!(
                    "{} lies in {}, and {} in {}",
                    other.name, other.region, machine.name, machine.region
                );
                return Err(invalid(says));
            }
        }
        if let Spec::Container(container) = spec {
            self.check_machine(&refers[0], container)?;
        }
        Ok((machine.region.clone(), machine.zone.clone(), None))
    }

    /// The zone that a machine goes to: the one asked for, or among those with room the one with
    /// the fewest machines.
    fn place_machine(
        &self,
        region: &Region,
        zone: Option<&str>,
        offer: &str,
    ) -> Result<(String, Option<String>, Option<String>), Failure> {
        if region.offer(offer).is_none() {
            return Err(invalid(format!("offer: {} does not sell \"{offer}\"", region.name())));
        }
        let mut zones: Vec<(u64, &str)> = region
            .zones
            .iter()
            .filter(|z| zone.is_none_or(|zone| zone == &***z))
            .map(|z| (self.world.room(|_, other, _| other == &**z).0, &**z))
            .collect();
        zones.sort_by_key(|(used, _)| *used);
        let mut lacking = None;
        for (_, zone) in zones {
            match self.lack(region.name(), zone, offer) {
                None => return Ok((region.name().to_owned(), Some(zone.to_owned()), None)),
                Some((says, told)) => lacking = Some((zone, says, told)),
            }
        }
        match lacking {
            Some((zone, says, Told::Late)) => {
                let reason = format!("no capacity for {offer}: {says}");
                Ok((region.name().to_owned(), Some(zone.to_owned()), Some(reason)))
            }
            Some((only, says, Told::AtOnce)) => Err(Failure::Capacity {
                what: offer.to_owned(),
                scope: zone.map_or(region.name(), |_| only).to_owned(),
                says,
            }),
            None => Err(invalid(format!("{} has no zone", region.name()))),
        }
    }

    fn check_quota(&self, kind: Type, region: &str, spec: &Spec) -> Result<(), Failure> {
        let Some(profile) = self.profile.region(region) else { return Ok(()) };
        let refuse = |what: &str, used: u64, asked: u64, most: u64| {
            if used + asked <= most {
                return Ok(());
            }
            Err(Failure::Quota {
                what: what.to_owned(),
                scope: region.to_owned(),
                says: format!("{used} in use, {asked} asked for, {most} allowed"),
            })
        };
        let quotas = &profile.quotas;
        match spec {
            Spec::Vm(vm) => {
                let (used, _) = self.world.room(|r, _, _| r == region);
                if let Some(most) = quotas.machines {
                    refuse("machines", used, 1, most)?;
                }
                if let Some(most) = quotas.cpu {
                    let cpu = |offer: &str| self.offer(region, offer).and_then(|o| o.cpu);
                    let rows = self.world.rooms().filter(|((r, _, _), _)| r == region);
                    let used = rows.map(|((_, _, o), n)| cpu(o).unwrap_or_default().0 * n).sum();
                    refuse("cpu", used, cpu(&vm.offer).unwrap_or_default().0, most.0)?;
                }
                Ok(())
            }
            Spec::Volume(_) => quotas
                .volumes
                .map_or(Ok(()), |most| refuse("volumes", self.count(kind, region), 1, most)),
            Spec::Network(_) => quotas
                .networks
                .map_or(Ok(()), |most| refuse("networks", self.count(kind, region), 1, most)),
            Spec::Container(_) => Ok(()),
        }
    }

    fn count(&self, kind: Type, region: &str) -> u64 {
        let now = self.world.head.now;
        let of = |r: &&Resource| r.kind == kind && r.region == region && r.is_there(now);
        u64::try_from(self.world.all().values().filter(of).count()).unwrap_or(u64::MAX)
    }

    /// An offer of a region, or a machine that was there before.
    pub(crate) fn offer(&self, region: &str, name: &str) -> Option<&Offer> {
        let sold = self.profile.region(region).and_then(|r| r.offer(name));
        let there = || self.profile.machines.iter().find(|m| &*m.name == name).map(|m| &m.offer);
        sold.or_else(there).map(|o| &**o)
    }

    /// A container needs a machine that runs and has room for it.
    fn check_machine(
        &self,
        id: &str,
        container: &crate::document::Container,
    ) -> Result<(), Failure> {
        let machine = self.resource(id)?;
        let view = self.now();
        match view.state(id, machine) {
            State::Running => {}
            State::Pending => {
                let ready = view.ready_at(id, machine).unwrap_or_default();
                let wait = ready.saturating_sub(view.time);
                let says = format!("{} is booting", machine.name);
                let retry_after = Some(std::time::Duration::from_micros(wait));
                return Err(Failure::Busy { says, retry_after });
            }
            other => {
                let says = format!("{} is {}", machine.name, format!("{other:?}").to_lowercase());
                return Err(Failure::Busy { says, retry_after: None });
            }
        }
        let Spec::Vm(vm) = &machine.version().spec else { return Ok(()) };
        let Some(offer) = self.offer(&machine.region, &vm.offer) else { return Ok(()) };
        let (mut cpu, mut memory) = (0, 0);
        for user in self.world.users(id, view.time) {
            if let Spec::Container(other) = &self.resource(user)?.version().spec {
                cpu += other.cpu.unwrap_or_default().0;
                memory += other.memory.unwrap_or_default().0;
            }
        }
        let full = |what: &str, used: u64, asked: u64, has: Option<u64>| match has {
            Some(has) if used.saturating_add(asked) > has => Err(Failure::Capacity {
                what: what.to_owned(),
                scope: machine.name.clone(),
                says: format!("{used} of {has} in use, {asked} asked for"),
            }),
            _ => Ok(()),
        };
        full("cpu", cpu, container.cpu.unwrap_or_default().0, offer.cpu.map(|c| c.0))?;
        full("memory", memory, container.memory.unwrap_or_default().0, offer.memory.map(|m| m.0))
    }

    /// Changes a resource.
    pub(crate) fn patch(&mut self, patch: Patch<'_>) -> Result<(), Failure> {
        let now = self.world.head.now;
        let resource = self.resource(patch.id)?;
        if !resource.is_there(now) {
            return Err(invalid(format!("there is no {}", patch.id)));
        }
        self.region(&resource.region)?;
        if resource.removing.is_some() {
            let says = format!("{} is being removed", resource.name);
            return Err(Failure::Busy { says, retry_after: None });
        }
        let version = resource.version();
        if version.revision != patch.revision {
            return Err(Failure::Precondition);
        }
        let mut document = version.spec.document();
        merge(&mut document, &patch.changes);
        let mut spec = read(resource.kind, &document)?;
        canonical(&mut spec, &resource.region, None);
        check_immutable(resource.kind, &version.spec, &spec)?;
        let owner = resource.tag(version, "coc-owner").map(str::to_owned);
        let mut tags = version.tags.clone();
        tags.extend(patch.tags);
        let next =
            Version { at: now, revision: version.revision + 1, tags, stated: patch.stated, spec };
        let refers = self.references(&next.spec, owner.as_deref())?;
        let starts_anew = resource.kind == Type::Container
            && patch.changes.as_object().is_some_and(|c| c.keys().any(|k| k != "labels"));
        let stale = self.profile.delays.stale.most;
        self.world.change(patch.id, |r| {
            r.refers = refers;
            r.versions.push(next);
            r.forget_before(now.saturating_sub(stale));
            if starts_anew {
                r.happen(now, Event::Started);
            }
        });
        self.last_change = patch.changes;
        Ok(())
    }

    /// Deletes a resource; what is not there is no failure.
    pub(crate) fn delete(&mut self, id: &str) -> Result<(), Failure> {
        let now = self.world.head.now;
        let Some(resource) = self.world.get(id).filter(|r| r.is_there(now)) else { return Ok(()) };
        self.region(&resource.region)?;
        if resource.removing.is_some() {
            return Ok(());
        }
        if resource.version().spec.protected() {
            return Err(Failure::Denied(format!("{} is protected from deletion", resource.name)));
        }
        let users = self.world.users(id, now);
        if !users.is_empty() {
            let names = users.iter().filter_map(|u| self.world.get(u)).map(|r| &*r.name);
            let names: Vec<&str> = names.collect();
            let says = format!("{} is in use by {}", resource.name, names.join(", "));
            return Err(Failure::Busy { says, retry_after: None });
        }
        let gone = now + draw(self.world.head.seed, self.profile.delays.remove, &["remove", id]);
        self.world.change(id, |r| {
            r.removing = Some(now);
            r.gone = Some(gone);
        });
        Ok(())
    }
}

/// The owner's mark in a description, for types without tags.
fn owner_in(spec: &Spec) -> Option<String> {
    let Spec::Network(network) = spec else { return None };
    let mut words = network.description.split(' ');
    words.find_map(|word| word.strip_prefix("coc-owner=")).map(str::to_owned)
}

/// The region's name as the profile spells it, and the zone that was chosen.
fn canonical(spec: &mut Spec, region: &str, chosen: Option<&str>) {
    let spelt = |written: &mut String| {
        if written.eq_ignore_ascii_case(region) {
            region.clone_into(written);
        }
    };
    match spec {
        Spec::Network(n) => spelt(&mut n.region),
        Spec::Volume(v) => spelt(&mut v.region),
        Spec::Vm(v) => {
            spelt(&mut v.region);
            if v.zone.is_none() {
                v.zone = chosen.map(str::to_owned);
            }
        }
        Spec::Container(_) => {}
    }
}

fn check_immutable(kind: Type, before: &Spec, after: &Spec) -> Result<(), Failure> {
    let (old, new) = (before.document(), after.document());
    if let Some(field) = kind.immutable().iter().find(|f| old.get(**f) != new.get(**f)) {
        return Err(Failure::Immutable((*field).to_owned()));
    }
    match (before, after) {
        (Spec::Volume(a), Spec::Volume(b)) if b.size < a.size => {
            Err(Failure::Immutable(format!("size (it can grow from {}, not shrink)", a.size)))
        }
        (Spec::Volume(a), Spec::Volume(b)) if a.encrypted != b.encrypted => {
            Err(Failure::Immutable("key".to_owned()))
        }
        _ => Ok(()),
    }
}

/// What tells two create requests apart.
fn request_digest(new: &NewResource, spec: &Spec) -> String {
    let request = json!([new.kind.name(), new.name, spec.document(), new.tags]);
    digest(request.to_string().as_bytes())
}
