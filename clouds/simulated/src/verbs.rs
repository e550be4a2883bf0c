//! What happens to a cloud past its API: for tests and rehearsals.

use std::time::Duration;

use coc_cloud::Failure;
use coc_model::money::Rate;
use coc_model::resource::{NativeId, State};
use serde_json::{Value, json};

use crate::Simulated;
use crate::document::{Spec, Type};
use crate::engine::Engine;
use crate::requests::{NewResource, merge};
use crate::view::draw;
use crate::world::{Event, Resource, Version};

fn none(what: &str, name: &str) -> Failure {
    Failure::Invalid(format!("there is no {what} \"{name}\""))
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

impl Simulated {
    /// Does something to the cloud that is no call: no time passes by it, nothing refuses it. What
    /// changed is kept, and whoever watches is woken.
    fn do_to_it<T>(
        &self,
        what: impl FnOnce(&mut Engine) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let done = {
            let mut engine = self.engine();
            engine.pass();
            let done = what(&mut engine)?;
            engine.keep()?;
            done
        };
        self.wake();
        Ok(done)
    }

    /// Moves the clock on.
    ///
    /// # Errors
    /// The state could not be kept.
    pub fn advance(&self, time: Duration) -> Result<(), Failure> {
        self.do_to_it(|engine| {
            engine.advance(micros(time));
            Ok(())
        })
    }

    /// A zone goes down: its machines and what runs on them fail, and no new ones are to be had.
    ///
    /// # Errors
    /// There is no such zone.
    pub fn fail_zone(&self, zone: &str) -> Result<(), Failure> {
        self.do_to_it(|engine| {
            engine.check_zone(zone)?;
            engine.world.head.dark_zones.insert(zone.to_owned());
            engine.each_machine(zone, &Event::Failed(format!("zone {zone} is down")));
            Ok(())
        })
    }

    /// A zone comes back: its machines boot.
    ///
    /// # Errors
    /// There is no such zone, or it is not down.
    pub fn restore_zone(&self, zone: &str) -> Result<(), Failure> {
        self.do_to_it(|engine| {
            engine.check_zone(zone)?;
            if !engine.world.head.dark_zones.remove(zone) {
                return Err(Failure::Invalid(format!("zone {zone} is not down")));
            }
            engine.each_machine(zone, &Event::Started);
            Ok(())
        })
    }

    /// A region can't be reached any more. What runs there goes on; nobody can see or change it.
    ///
    /// # Errors
    /// There is no such region.
    pub fn lose_region(&self, region: &str) -> Result<(), Failure> {
        self.do_to_it(|engine| {
            let region = engine.profile.region(region).ok_or_else(|| none("region", region))?;
            let name = region.name().to_owned();
            engine.world.head.lost_regions.insert(name);
            Ok(())
        })
    }

    /// A region can be reached again.
    ///
    /// # Errors
    /// It was not lost.
    pub fn regain_region(&self, region: &str) -> Result<(), Failure> {
        self.do_to_it(|engine| match engine.world.head.lost_regions.remove(region) {
            true => Ok(()),
            false => Err(Failure::Invalid(format!("region {region} is not lost"))),
        })
    }

    /// A machine or container breaks.
    ///
    /// # Errors
    /// There is no such resource, or nothing in it runs.
    pub fn fail(&self, id: &NativeId) -> Result<(), Failure> {
        self.do_to_it(|engine| engine.happen(&id.0, Event::Failed("it broke".to_owned())))
    }

    /// The spot market wants a machine back: after the notice it is gone, with what runs on it.
    ///
    /// # Errors
    /// There is no such machine, or it is no spot machine.
    pub fn reclaim_spot(&self, id: &NativeId) -> Result<(), Failure> {
        self.do_to_it(|engine| {
            let resource = engine.running(&id.0)?;
            let Spec::Vm(vm) = &resource.version().spec else {
                return Err(Failure::Invalid(format!("{} is no machine", id.0)));
            };
            if !vm.spot {
                return Err(Failure::Invalid(format!("{} is no spot machine", id.0)));
            }
            let seed = engine.world.head.seed;
            let now = engine.world.head.now;
            let gone = now + draw(seed, engine.profile.delays.notice, &["notice", &id.0]);
            let users = engine.world.users(&id.0, now);
            let mut leaving: Vec<String> = users.into_iter().map(str::to_owned).collect();
            leaving.push(id.0.clone());
            for id in leaving {
                engine.world.change(&id, |r| {
                    r.reclaimed = Some(gone);
                    r.gone = Some(r.gone.map_or(gone, |other| other.min(gone)));
                });
            }
            Ok(())
        })
    }

    /// From now on, an offer of a region has another price.
    ///
    /// # Errors
    /// There is no such region or offer.
    pub fn set_price(&self, region: &str, offer: &str, price: Rate) -> Result<(), Failure> {
        self.do_to_it(|engine| {
            let place = engine.profile.region(region).ok_or_else(|| none("region", region))?;
            if place.offer(offer).is_none() {
                return Err(none("offer", offer));
            }
            let name = place.name().to_owned();
            let prices = engine.world.head.prices.entry(name).or_default();
            prices.insert(offer.to_owned(), price);
            Ok(())
        })
    }

    /// Somebody else makes a resource. Names, places and references must be right; marks it bears
    /// none, unless the document states `tags`.
    ///
    /// # Errors
    /// What the API would refuse.
    pub fn make_foreign(
        &self,
        resource_type: &str,
        name: &str,
        native: &Value,
    ) -> Result<NativeId, Failure> {
        let kind = Type::parse(resource_type).ok_or_else(|| none("type", resource_type))?;
        let new = NewResource::unmarked(kind, name, native.clone());
        self.do_to_it(|engine| engine.create(new).map(NativeId))
    }

    /// Makes a second resource exactly like another one, past tokens and checks of names.
    ///
    /// # Errors
    /// There is no such resource.
    pub fn make_twin(&self, id: &NativeId) -> Result<NativeId, Failure> {
        self.do_to_it(|engine| {
            let original = engine.resource(&id.0)?;
            let version = original.version();
            let (region, zone) = (original.region.clone(), original.zone.clone());
            let new = NewResource {
                kind: original.kind,
                name: original.name.clone(),
                document: version.spec.document(),
                tags: version.tags.clone(),
                token: None,
                stated: version.stated.clone(),
            };
            Ok(NativeId(engine.put(new, region, zone)))
        })
    }

    /// Somebody changes a resource by hand, by a merge patch (RFC 7396) of its document. What is
    /// stated for it stays as it was.
    ///
    /// # Errors
    /// There is no such resource; the changed document is wrong.
    pub fn change_by_hand(&self, id: &NativeId, changes: &Value) -> Result<(), Failure> {
        self.do_to_it(|engine| {
            let resource = engine.resource(&id.0)?;
            let version = resource.version();
            let mut document = version.spec.document();
            merge(&mut document, changes);
            let spec = Spec::read(resource.kind, &document)
                .map_err(|mistakes| Failure::Invalid(mistakes.join("; ")))?;
            let now = engine.world.head.now;
            let next = Version { at: now, revision: version.revision + 1, spec, ..version.clone() };
            engine.world.change(&id.0, |r| r.versions.push(next));
            Ok(())
        })
    }

    /// Somebody deletes a resource by hand, protected or in use as it may be.
    ///
    /// # Errors
    /// There is no such resource.
    pub fn delete_by_hand(&self, id: &NativeId) -> Result<(), Failure> {
        self.do_to_it(|engine| {
            engine.resource(&id.0)?;
            let now = engine.world.head.now;
            engine.world.change(&id.0, |r| r.gone = Some(now));
            Ok(())
        })
    }

    /// The next so many calls are refused as too many, with or without a wait.
    pub fn throttle_next(&self, calls: u64, wait: Option<Duration>) {
        self.engine().trouble.throttled = (calls, wait);
    }

    /// The next so many lists end early.
    pub fn cut_next(&self, lists: u64) {
        self.engine().trouble.cut_lists = lists;
    }

    /// For this long, reads see the cloud as it is now.
    pub fn freeze_reads(&self, time: Duration) {
        let mut engine = self.engine();
        engine.pass();
        let now = engine.world.head.now;
        engine.trouble.stale = Some((now, now + micros(time)));
    }

    /// How many calls there were so far.
    pub fn calls(&self) -> u64 {
        self.engine().world.head.calls
    }

    /// The body of the last request that changed a resource.
    pub fn last_change(&self) -> Value {
        self.engine().last_change.clone()
    }
}

impl Engine {
    fn check_zone(&self, zone: &str) -> Result<(), Failure> {
        let mut zones = self.profile.regions.iter().flat_map(|r| &r.zones);
        if zones.any(|z| &**z == zone) { Ok(()) } else { Err(none("zone", zone)) }
    }

    /// Something happens to each machine of a zone.
    fn each_machine(&mut self, zone: &str, event: &Event) {
        let now = self.world.head.now;
        let there =
            |r: &Resource| r.kind == Type::Vm && r.zone.as_deref() == Some(zone) && r.is_there(now);
        let machines = self.world.all().iter().filter(|(_, r)| there(r));
        let machines: Vec<String> = machines.map(|(id, _)| id.clone()).collect();
        for id in machines {
            self.world.change(&id, |r| r.happen(now, event.clone()));
        }
    }

    fn running(&self, id: &str) -> Result<&Resource, Failure> {
        let resource = self.resource(id)?;
        if !resource.is_there(self.world.head.now) {
            return Err(none("resource", id));
        }
        match resource.kind {
            Type::Vm | Type::Container => Ok(resource),
            Type::Network | Type::Volume => Err(Failure::Invalid(format!(
                "{id} is a {}: it does not run",
                resource.kind.name()
            ))),
        }
    }

    /// Something happens to a machine or container.
    pub(crate) fn happen(&mut self, id: &str, event: Event) -> Result<(), Failure> {
        let now = self.world.head.now;
        let resource = self.running(id)?;
        if !self.reaches(&resource.region) {
            return Err(self.unreachable(&format!("region {} does not answer", resource.region)));
        }
        if resource.removing.is_some() {
            let says = format!("{} is being removed", resource.name);
            return Err(Failure::Busy { says, retry_after: None });
        }
        self.world.change(id, |r| r.happen(now, event));
        Ok(())
    }

    /// What there is to tell of a machine or container, a line for each thing that happened.
    pub(crate) fn logs(&self, id: &str) -> Result<Value, Failure> {
        let resource = self.running(id)?;
        let line = |at: u64, says: &str| format!("{}.{:06} {says}", at / 1_000_000, at % 1_000_000);
        let mut lines = vec![line(resource.created, "created")];
        let now = self.world.head.now;
        for (at, event) in resource.events.iter().filter(|(at, _)| *at <= now) {
            lines.push(match event {
                Event::Started => line(*at, "started"),
                Event::Stopped => line(*at, "stopped"),
                Event::Failed(reason) => line(*at, reason),
            });
        }
        let state = self.now().state(id, resource);
        if matches!(state, State::Running | State::Healthy | State::Unhealthy | State::Completed) {
            lines.push(line(now, &format!("{state:?}").to_lowercase()));
        }
        Ok(json!({ "lines": lines }))
    }
}
