//! How a resource looks to a read.

use std::collections::BTreeSet;

use coc_cloud::random::Random;
use coc_model::marks::Marks;
use coc_model::resource::{NativeId, ObservedResource, State};
use serde_json::{Value, json};

use crate::document::{Container, Spec, Type};
use crate::profile::{Delays, Range};
use crate::world::{Resource, SPEC_TAG, Started, World};

/// A cloud as it is at a moment.
pub(crate) struct View<'a> {
    /// The mount's name.
    pub(crate) cloud: &'a str,
    pub(crate) world: &'a World,
    pub(crate) delays: &'a Delays,
    /// The moment, in microseconds since the cloud began.
    pub(crate) time: u64,
}

/// A time out of a range, the same for the same path.
pub(crate) fn draw(seed: u64, range: Range, path: &[&str]) -> u64 {
    range.least + Random::keyed(seed, path).below(range.most - range.least + 1)
}

impl View<'_> {
    /// A resource as a read shows it; `None` if it does not.
    pub(crate) fn shown(&self, id: &str) -> Option<ObservedResource> {
        self.world.get(id).filter(|r| r.shows(self.time)).map(|r| self.observed(id, r))
    }

    /// A resource as the answer to a request on it shows it, visible to others or not.
    pub(crate) fn answered(&self, id: &str) -> Option<ObservedResource> {
        self.world.get(id).map(|r| self.observed(id, r))
    }

    fn observed(&self, id: &str, resource: &Resource) -> ObservedResource {
        let version = resource.version_at(self.time);
        let mut native = version.spec.document();
        if let Some(document) = native.as_object_mut() {
            if !version.tags.is_empty() {
                document.insert("tags".to_owned(), json!(version.tags));
            }
            document.insert("status".to_owned(), self.status(id, resource));
        }
        ObservedResource {
            cloud: self.cloud.to_owned(),
            resource_type: resource.kind.name().to_owned(),
            native_id: NativeId(id.to_owned()),
            name: resource.name.clone(),
            marks: Marks::find(|key| resource.tag(version, key)),
            spec: resource.tag(version, SPEC_TAG).map(str::to_owned),
            state: self.state(id, resource),
            addresses: self.addresses(resource, &version.spec),
            native,
        }
    }

    /// What the cloud says of a resource besides its document.
    fn status(&self, id: &str, resource: &Resource) -> Value {
        let version = resource.version_at(self.time);
        let mut status = json!({
            "revision": version.revision,
            "created": resource.created,
            "region": resource.region,
            "stated": version.stated,
        });
        let mut add = |key: &str, value: Option<Value>| {
            if let (Some(object), Some(value)) = (status.as_object_mut(), value) {
                object.insert(key.to_owned(), value);
            }
        };
        add("zone", resource.zone.as_ref().map(|z| json!(z)));
        add("reason", resource.reason(self.time).map(|r| json!(r)));
        add("reclaimed", resource.reclaimed.map(|at| json!(at)));
        if resource.kind == Type::Vm {
            add("address", Some(json!(address(resource))));
        }
        add("ready", self.ready_at(id, resource).map(|at| json!(at)));
        status
    }

    /// Its state.
    pub(crate) fn state(&self, id: &str, resource: &Resource) -> State {
        if resource.removing.is_some_and(|since| since <= self.time) {
            return State::Removing;
        }
        match (resource.started(self.time), &resource.version_at(self.time).spec) {
            (Started::Ended(state), _) => state,
            (Started::At(_), Spec::Container(container)) => {
                self.container_state(id, resource, container)
            }
            (Started::At(_), _) => match self.ready_at(id, resource) {
                Some(ready) if ready <= self.time => State::Running,
                _ => State::Pending,
            },
        }
    }

    /// From when it runs, if it was started and nothing ended that.
    pub(crate) fn ready_at(&self, id: &str, resource: &Resource) -> Option<u64> {
        let Started::At(start) = resource.started(self.time) else { return None };
        let starts = resource.starts(self.time).to_string();
        let delay = |what: &str, range| draw(self.world.head.seed, range, &[what, id, &starts]);
        match resource.kind {
            Type::Network | Type::Volume => Some(start + delay("make", self.delays.make)),
            Type::Vm => Some(start + delay("boot", self.delays.boot)),
            Type::Container => {
                let machine = self.machine_of(resource)?;
                let up = self.ready_at(machine.0, machine.1)?;
                Some(start.max(up) + delay("start", self.delays.start))
            }
        }
    }

    /// The machine that a container is on, while it is there.
    fn machine_of<'a>(&'a self, container: &'a Resource) -> Option<(&'a str, &'a Resource)> {
        container.refers.iter().find_map(|id| {
            let machine = self.world.get(id).filter(|r| r.kind == Type::Vm)?;
            machine.is_there(self.time).then_some((&**id, machine))
        })
    }

    fn container_state(&self, id: &str, resource: &Resource, spec: &Container) -> State {
        let Some((_, machine)) = self.machine_of(resource) else { return State::Failed };
        if let Started::Ended(state) = machine.started(self.time) {
            return state;
        }
        let Some(start) = self.ready_at(id, resource).filter(|start| *start <= self.time) else {
            return State::Pending;
        };
        let program = &spec.program;
        let failed = program.exit_code != 0;
        let begins_anew = match spec.restart.as_deref() {
            Some("always" | "unless-stopped") => true,
            Some("on-failure") => failed,
            _ => false,
        };
        let ended = program.ends.is_some_and(|ends| start + ends.0.0 <= self.time);
        if ended && !begins_anew {
            return if failed { State::Failed } else { State::Completed };
        }
        if spec.healthcheck.is_none() {
            return State::Running;
        }
        let starts = resource.starts(self.time).to_string();
        let probed = draw(self.world.head.seed, self.delays.health, &["health", id, &starts]);
        match (start + probed <= self.time, program.unhealthy) {
            (false, _) => State::Running,
            (true, false) => State::Healthy,
            (true, true) => State::Unhealthy,
        }
    }

    fn addresses(&self, resource: &Resource, spec: &Spec) -> Vec<String> {
        match spec {
            Spec::Vm(_) => vec![address(resource)],
            Spec::Container(container) => {
                let Some((_, machine)) = self.machine_of(resource) else { return Vec::new() };
                let host = address(machine);
                let ports = container.ports.iter();
                ports.map(|p| format!("{host}:{}", p.published.unwrap_or(p.target))).collect()
            }
            Spec::Network(_) | Spec::Volume(_) => Vec::new(),
        }
    }
}

/// A machine's address: its number in 10.0.0.0/8.
fn address(machine: &Resource) -> String {
    let [_, a, b, c] = u32::try_from(machine.serial).unwrap_or(u32::MAX).to_be_bytes();
    format!("10.{a}.{b}.{c}")
}

/// The fields that a document states, down to values that are no objects, as JSON pointers.
pub(crate) fn stated(document: &Value) -> BTreeSet<String> {
    fn walk(field: &str, value: &Value, stated: &mut BTreeSet<String>) {
        match value {
            Value::Object(map) if !map.is_empty() => {
                for (key, value) in map {
                    walk(&coc_cloud::drift::below(field, key), value, stated);
                }
            }
            Value::Null => {}
            _ => {
                stated.insert(field.to_owned());
            }
        }
    }
    let mut fields = BTreeSet::new();
    walk("", document, &mut fields);
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_states_its_leaves() {
        let document = json!({"a": 1, "b": {"c/d": "x", "e": []}, "f": null});
        assert_eq!(stated(&document).into_iter().collect::<Vec<_>>(), ["/a", "/b/c~1d", "/b/e"]);
    }
}
