//! The driver: the port's verbs in terms of the API's requests.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;

use async_trait::async_trait;
use coc_cloud::ability;
use coc_cloud::cloud::{
    Ask, Cloud, Create, Description, FindBy, Listing, Market, Selector, TypeDescription, Update,
};
use coc_cloud::drift::{Comparison, Difference};
use coc_cloud::failure::Failure;
use coc_model::marks::Marks;
use coc_model::mistake::Mistakes;
use coc_model::plan::PlannedResource;
use coc_model::resource::{NativeId, ObservedResource};
use coc_model::secret::SECRET_KEY;
use futures::stream::{BoxStream, StreamExt};
use serde_json::{Value, json};

use crate::Simulated;
use crate::document::{Spec, Type};
use crate::engine::{Engine, Group};
use crate::market;
use crate::requests::{NAME_MAX, NewResource, Patch};
use crate::resolve;
use crate::view::stated;
use crate::world::{Event, SPEC_TAG};

/// The driver's name.
pub(crate) const DRIVER: &str = "simulated";

/// How often to look while the clock moves by calls alone, in milliseconds: a look moves it.
const POLL_BY_CALLS: u64 = 10;
/// How often to look while the clock follows another time, in milliseconds.
const POLL_BY_TIME: u64 = 500;

fn kind(resource_type: &str) -> Result<Type, Failure> {
    Type::parse(resource_type).ok_or_else(|| {
        let known = Type::ALL.map(Type::name).join(", ");
        Failure::Invalid(format!("there is no type \"{resource_type}\"; known are {known}"))
    })
}

/// Marks and document hash as tags or, for types without, as words in the description.
fn marked(
    kind: Type,
    document: &Value,
    marks: &Marks,
    spec: &str,
) -> (Value, BTreeMap<String, String>) {
    let pairs = marks.pairs().into_iter().chain([(SPEC_TAG, spec)]);
    if kind.has_tags() {
        let tags = pairs.map(|(k, v)| (k.to_owned(), v.to_owned()));
        return (document.clone(), tags.collect());
    }
    let mut document = document.clone();
    let said = document.get("description").and_then(Value::as_str).unwrap_or_default();
    let words = pairs.map(|(k, v)| format!("{k}={v}"));
    let words: Vec<String> =
        (!said.is_empty()).then(|| said.to_owned()).into_iter().chain(words).collect();
    if let Some(object) = document.as_object_mut() {
        object.insert("description".to_owned(), json!(words.join(" ")));
    }
    (document, BTreeMap::new())
}

/// A description without the words that are marks of ours.
fn unmarked(description: &str) -> String {
    let ours = |word: &&str| !word.starts_with("coc-");
    description.split(' ').filter(ours).collect::<Vec<_>>().join(" ")
}

/// A document with every secret's reference as if it were the secret: a text.
pub(crate) fn unsealed(document: &Value) -> Value {
    match document {
        Value::Object(map) if map.len() == 1 && map.contains_key(SECRET_KEY) => json!(""),
        Value::Object(map) => map.iter().map(|(k, v)| (k.clone(), unsealed(v))).collect(),
        Value::Array(items) => items.iter().map(unsealed).collect(),
        other => other.clone(),
    }
}

/// The fields of a wanted document that read back otherwise; `None` if the document is no
/// document.
fn differences(kind: Type, wanted: &Value, read: &Value) -> Option<Vec<Difference>> {
    let wanted = unsealed(wanted);
    let canonical = Spec::read(kind, &wanted).ok()?.document();
    let same = |field: &str, sent: &Value, read: Option<&Value>| {
        let text = |v: Option<&Value>| v.and_then(Value::as_str).unwrap_or_default().to_owned();
        match field {
            "/region" => text(Some(sent)).eq_ignore_ascii_case(&text(read)),
            "/description" => text(Some(sent)) == unmarked(&text(read)),
            _ => canonical.pointer(field) == read,
        }
    };
    let comparison = Comparison { unreadable: kind.unreadable(), same: &same };
    let mut found = comparison.differences(&wanted, read);
    // Values of variables can't be read, but whether a variable is there can.
    let variables = stated(&wanted).into_iter().filter(|f| f.starts_with("/env/"));
    let missing = variables.filter(|f| read.get("env").is_some() && read.pointer(f).is_none());
    let sent = json!({"set": true});
    found.extend(missing.map(|field| Difference { field, sent: sent.clone(), read: None }));
    Some(found)
}

/// Puts a value into a patch at a field, down to where the document has a list.
fn put(patch: &mut Value, document: &Value, field: &str) {
    let mut place = patch;
    let mut there = Some(document);
    for key in field.split('/').skip(1) {
        if there.is_some_and(|d| !d.is_object()) {
            break;
        }
        let key = key.replace("~1", "/").replace("~0", "~");
        there = there.and_then(|d| d.get(&key));
        if !place.is_object() {
            *place = json!({});
        }
        place = &mut place[&key];
    }
    *place = there.cloned().unwrap_or(Value::Null);
}

/// The smallest merge patch from what was read to what is wanted: the fields that differ, those
/// that can't be read, and `null` for those that we stated before and state no more.
fn smallest_patch(kind: Type, wanted: &Value, seen: &ObservedResource) -> Result<Value, Failure> {
    let mut patch = json!({});
    let fields = differences(kind, wanted, &seen.native).ok_or_else(|| {
        let mistakes = Spec::read(kind, wanted).err().unwrap_or_default();
        Failure::Invalid(mistakes.join("; "))
    })?;
    for difference in fields {
        put(&mut patch, wanted, &difference.field);
    }
    let now = stated(wanted);
    for field in now.iter().filter(|f| f.starts_with("/env/")) {
        put(&mut patch, wanted, field);
    }
    let before = seen.native.pointer("/status/stated").and_then(Value::as_array);
    let before: BTreeSet<&str> = before.into_iter().flatten().filter_map(Value::as_str).collect();
    for field in before.iter().filter(|f| !now.contains(**f)) {
        put(&mut patch, wanted, dropped(field, wanted, &seen.native, &before));
    }
    Ok(patch)
}

/// What to take away for a field that is stated no more: the largest part around it that is not
/// wanted and in which nobody else states anything.
fn dropped<'f>(field: &'f str, wanted: &Value, read: &Value, before: &BTreeSet<&str>) -> &'f str {
    let ends = field.match_indices('/').skip(1).map(|(at, _)| at).chain([field.len()]);
    let mut parts = ends.map(|end| &field[..end]).filter(|part| wanted.pointer(part).is_none());
    let ours = |part: &&str| {
        let leaves = read.pointer(part).map(stated).unwrap_or_default();
        leaves.iter().all(|leaf| {
            let leaf = format!("{part}{leaf}");
            before.iter().any(|b| leaf == *b || leaf.starts_with(&format!("{b}/")))
        })
    };
    parts.find(ours).unwrap_or(field)
}

impl Simulated {
    /// Makes a call and, if it changed anything, wakes whoever watches.
    fn request<T>(
        &self,
        group: Group,
        effect: impl FnOnce(&mut Engine) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let answer = {
            let mut engine = self.engine.lock().unwrap_or_else(PoisonError::into_inner);
            engine.call(group, effect)
        };
        if group == Group::Write {
            self.wake();
        }
        answer
    }

    /// One page of a list: what it shows, and the serial after which the next one begins.
    fn page(
        &self,
        selector: &Selector,
        after: u64,
        listing: &mut Listing,
    ) -> Result<Option<u64>, Failure> {
        let page = self.request(Group::Read, |engine| {
            let view = engine.at(engine.read_time());
            let ids = engine.world.of_owner(selector.owner.as_str(), after);
            let ids: Vec<(u64, &str)> = ids.take(engine.profile.page).collect();
            let next = (ids.len() == engine.profile.page).then(|| ids.last().map(|(s, _)| *s));
            let reached = ids
                .iter()
                .filter(|(_, id)| engine.world.get(id).is_some_and(|r| engine.reaches(&r.region)));
            let reached: Vec<&str> = reached.map(|(_, id)| *id).collect();
            let of_app = |r: &ObservedResource| {
                let app = r.marks.as_ref().map(|m| &m.app);
                selector.app.is_none() || app == selector.app.as_ref()
            };
            let shown = reached.iter().filter_map(|id| view.shown(id)).filter(of_app);
            Ok((shown.collect::<Vec<_>>(), next.flatten()))
        })?;
        listing.resources.extend(page.0);
        Ok(page.1)
    }
}

#[async_trait]
impl Cloud for Simulated {
    fn name(&self) -> &str {
        &self.name
    }

    fn describe(&self) -> Description {
        let engine = self.engine();
        let profile = &engine.profile;
        let mut abilities: BTreeMap<&'static str, String> = [
            (ability::MARKS_LABELS, String::new()),
            (ability::MARKS_DESCRIPTION, String::new()),
            (ability::NAMES_CASELESS, String::new()),
            (ability::UPDATE_PRECONDITION, String::new()),
            (ability::NATIVE_VALIDATED, String::new()),
            (ability::DRIFT, String::new()),
            (ability::WATCH, String::new()),
            (ability::BUY_SPOT, String::new()),
            (ability::TOKEN_CREATE, (profile.delays.token.least / 1_000_000).to_string()),
            (
                ability::POLL_MILLISECONDS,
                if engine.clock.follows() { POLL_BY_TIME } else { POLL_BY_CALLS }.to_string(),
            ),
        ]
        .into();
        if profile.settle_seconds() > 0 {
            abilities.insert(ability::SETTLE_SECONDS, profile.settle_seconds().to_string());
        }
        for (name, budget) in
            [(ability::READS, profile.limits.reads), (ability::WRITES, profile.limits.writes)]
        {
            if let Some(budget) = budget {
                abilities.insert(name, format!("{} {}", budget.burst, budget.per_second));
            }
        }
        let types = Type::ALL.map(|t| {
            let description = TypeDescription {
                unique_name: t.names_are_keys(),
                name_limit: NAME_MAX,
                holds_data: t == Type::Volume,
            };
            (t.name(), description)
        });
        Description { driver: DRIVER, abilities, types: types.into() }
    }

    async fn market(&self) -> Result<Market, Failure> {
        self.request(Group::Read, |engine| Ok(market::market(engine)))
    }

    async fn list(&self, selector: &Selector) -> Result<Listing, Failure> {
        let (lost, cut) = {
            let mut engine = self.engine();
            let cut = engine.trouble.cut_lists > 0;
            engine.trouble.cut_lists = engine.trouble.cut_lists.saturating_sub(1);
            (!engine.world.head.lost_regions.is_empty(), cut)
        };
        let mut listing = Listing { resources: Vec::new(), complete: !lost && !cut };
        let mut after = 0;
        while let Some(next) = self.page(selector, after, &mut listing)? {
            if cut {
                break;
            }
            after = next;
            // Between two pages of a real list, other calls come in.
            tokio::task::yield_now().await;
        }
        if cut {
            listing.resources.truncate(listing.resources.len() / 2);
        }
        Ok(listing)
    }

    async fn find(
        &self,
        resource_type: &str,
        by: &FindBy,
    ) -> Result<Vec<ObservedResource>, Failure> {
        let kind = kind(resource_type)?;
        self.request(Group::Read, |engine| {
            let world = &engine.world;
            let ids = match by {
                FindBy::Operation(op) => world.of_operation(op.as_str()),
                FindBy::Name(name) => world.named(kind, name),
                FindBy::Id(id) => vec![&*id.0],
            };
            let view = engine.at(engine.read_time());
            let known = ids.into_iter().filter(|id| {
                world.get(id).is_some_and(|r| r.kind == kind && engine.reaches(&r.region))
            });
            let found: Vec<ObservedResource> = known.filter_map(|id| view.shown(id)).collect();
            match engine.world.head.lost_regions.first() {
                // What is not found may lie where nobody can look.
                Some(lost) if found.is_empty() => {
                    Err(engine.unreachable(&format!("region {lost} does not answer")))
                }
                _ => Ok(found),
            }
        })
    }

    async fn create(&self, create: &Create) -> Result<ObservedResource, Failure> {
        let kind = kind(&create.resource_type)?;
        let (document, tags) = marked(kind, &create.native, &create.marks, &create.spec);
        self.request(Group::Write, |engine| {
            let id = engine.create(NewResource {
                kind,
                name: create.name.clone(),
                document,
                tags,
                token: Some(create.marks.op.as_str().to_owned()),
                stated: stated(&create.native),
            })?;
            let made = engine.now().answered(&id);
            made.ok_or_else(|| Failure::Lost("the new resource is not there".into()))
        })
    }

    async fn update(&self, update: &Update) -> Result<ObservedResource, Failure> {
        let kind = kind(&update.resource_type)?;
        let revision = update.seen.native.pointer("/status/revision").and_then(Value::as_u64);
        let revision = revision.ok_or(Failure::Precondition)?;
        let marks = update.seen.marks.as_ref().ok_or_else(|| Failure::Foreign {
            name: update.seen.name.clone(),
            whose: format!("{} bears no mark of this project", update.id.0),
        })?;
        let mut changes = smallest_patch(kind, &update.native, &update.seen)?;
        let (marked, tags) = marked(kind, &update.native, marks, &update.spec);
        if !kind.has_tags() {
            put(&mut changes, &marked, "/description");
        }
        self.request(Group::Write, |engine| {
            let stated = stated(&update.native);
            engine.patch(Patch { id: &update.id.0, revision, changes, tags, stated })?;
            let changed = engine.now().answered(&update.id.0);
            changed.ok_or_else(|| Failure::Lost("the changed resource is not there".into()))
        })
    }

    async fn delete(&self, resource_type: &str, id: &NativeId) -> Result<(), Failure> {
        let kind = kind(resource_type)?;
        self.request(Group::Write, |engine| match engine.world.get(&id.0) {
            Some(resource) if resource.kind != kind => {
                let says = format!("{} is a {}", id.0, resource.kind.name());
                Err(Failure::Invalid(says))
            }
            _ => engine.delete(&id.0),
        })
    }

    async fn act(
        &self,
        resource_type: &str,
        id: &NativeId,
        verb: &str,
        _body: &Value,
    ) -> Result<Value, Failure> {
        let kind = kind(resource_type)?;
        let event = match (kind, verb) {
            (Type::Vm | Type::Container, "stop") => Some(Event::Stopped),
            (Type::Vm | Type::Container, "start") => Some(Event::Started),
            (Type::Vm | Type::Container, "logs") => None,
            (Type::Vm | Type::Container, _) => {
                let says =
                    format!("\"{verb}\" is no verb of {resource_type}: it has start, stop, logs");
                return Err(Failure::Invalid(says));
            }
            _ => {
                let says = format!("\"{verb}\" is no verb of {resource_type}: it has none");
                return Err(Failure::Invalid(says));
            }
        };
        let group = if event.is_some() { Group::Write } else { Group::Read };
        self.request(group, |engine| match event {
            Some(event) => engine.happen(&id.0, event).map(|()| Value::Null),
            None => engine.logs(&id.0),
        })
    }

    fn watch(&self) -> BoxStream<'static, ()> {
        let receiver = self.events.subscribe();
        let woken = futures::stream::unfold(receiver, |mut receiver| async move {
            receiver.changed().await.ok().map(|()| ((), receiver))
        });
        woken.boxed()
    }

    fn resolve(&self, ask: &Ask<'_>) -> Result<Vec<PlannedResource>, Mistakes> {
        resolve::resolve(&self.name, &self.profile, ask)
    }

    fn drift(&self, sent: &Value, seen: &ObservedResource) -> Option<Vec<Difference>> {
        differences(Type::parse(&seen.resource_type)?, sent, &seen.native)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use coc_model::resource::State;

    fn seen(kind: Type, document: &Value, before: &Value) -> ObservedResource {
        let mut native = Spec::read(kind, document).unwrap().document();
        native["status"] = json!({"stated": stated(before)});
        ObservedResource {
            cloud: "c".into(),
            resource_type: kind.name().into(),
            native_id: NativeId("id".into()),
            name: "n".into(),
            marks: None,
            spec: None,
            state: State::Running,
            addresses: vec![],
            native,
        }
    }

    #[test]
    fn the_patch_is_the_smallest() {
        let volume = |more: Value| {
            let mut document = json!({"region": "north", "size": "10Gi"});
            crate::requests::merge(&mut document, &more);
            document
        };
        for (there, stated_before, wanted, patch) in [
            (volume(json!({})), volume(json!({})), volume(json!({"size": "10240Mi"})), json!({})),
            (
                volume(json!({})),
                volume(json!({})),
                volume(json!({"size": "20Gi"})),
                json!({"size": "20Gi"}),
            ),
            (
                volume(json!({"labels": {"a": "1", "by-hand": "2"}})),
                volume(json!({"labels": {"a": "1"}})),
                volume(json!({"labels": {"b": "3"}})),
                json!({"labels": {"a": null, "b": "3"}}),
            ),
            (
                volume(json!({"protected": true})),
                volume(json!({"protected": true})),
                volume(json!({})),
                json!({"protected": null}),
            ),
            (
                volume(json!({"labels": {"a": "1"}})),
                volume(json!({"labels": {"a": "1"}})),
                volume(json!({})),
                json!({"labels": null}),
            ),
        ] {
            let seen = seen(Type::Volume, &there, &stated_before);
            assert_eq!(smallest_patch(Type::Volume, &wanted, &seen).unwrap(), patch);
        }
    }

    #[test]
    fn lists_are_sent_whole_and_variables_always() {
        let there = json!({"vm": "m", "image": "i", "ports": [{"target": 80}, {"target": 81}], "env": {"A": "1", "B": "2"}});
        let wanted = json!({"vm": "m", "image": "i", "ports": [{"target": 80}, {"target": 82}], "env": {"A": "9"}});
        let seen = seen(Type::Container, &there, &there);
        assert_eq!(
            smallest_patch(Type::Container, &wanted, &seen).unwrap(),
            json!({"ports": [{"target": 80}, {"target": 82}], "env": {"A": "9", "B": null}})
        );
    }

    #[test]
    fn secrets_as_references_are_no_drift() {
        let wanted = json!({"vm": "m", "image": "i", "env": {"P": {"$secret": "application:a:env:P"}, "Q": "x"}});
        let there = json!({"vm": "m", "image": "i", "env": {"P": "filled in"}});
        let seen = seen(Type::Container, &there, &there);
        let found = differences(Type::Container, &wanted, &seen.native).unwrap();
        let fields: Vec<&str> = found.iter().map(|d| &*d.field).collect();
        assert_eq!(fields, ["/env/Q"]);
    }
}
