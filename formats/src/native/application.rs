//! Applications of the native format: services, links and volumes, checked against each other.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use coc_model::application::{
    Application, Condition, Dependency, Inference, KeyFate, KeyNote, Link, Service, Volume,
};
use coc_model::goals::Goals;
use coc_model::mistake::{Mistake, MistakeLog, Position};
use coc_model::quantity::{Bytes, Micros, Traffic};
use coc_model::secret::Secrets;

use super::goals;
use super::order::circles;
use super::service::{self, Draft, Scope, native};
use crate::fields::{Fields, check_name, flag, known_name, list, map, port, quantity, text};
use crate::tree::{Key, Node};

/// An application with its goals and the values of its secrets.
pub(super) struct Parts {
    pub(super) application: Application,
    pub(super) goals: Option<Goals>,
    pub(super) secrets: Secrets,
}

/// Reads an application.
pub(super) fn read(node: &Node, mut fields: Fields<'_>, log: &mut MistakeLog) -> Parts {
    let mut secrets = Secrets::new();
    let name = fields.required("name", &node.at, log).and_then(|node| {
        let name = text(node, "name", log)?;
        check_name(&name, &crate::fields::text_position(node), "an application", log);
        Some(name)
    });
    let services = fields.required("services", &node.at, log);
    let services = services.and_then(|node| map(node, "services", log)).unwrap_or_default();
    let volumes = fields.get("volumes").and_then(|node| map(node, "volumes", log));
    let volumes = volumes.unwrap_or_default();
    let names = |entries: &'_ [(Key, Node)]| -> Vec<String> {
        entries.iter().map(|(key, _)| key.text.to_string()).collect()
    };
    let (service_names, volume_names) = (names(services), names(volumes));
    let scope = Scope {
        services: service_names.iter().map(|n| &**n).collect(),
        volumes: volume_names.iter().map(|n| &**n).collect(),
    };
    let drafts: Vec<Draft> = services
        .iter()
        .map(|(key, node)| service::read((key, node), &scope, &mut secrets, log))
        .collect();
    let volumes = volumes
        .iter()
        .map(|(key, node)| (key.text.to_string(), read_volume(key, node, &mut secrets, log)));
    let volumes: BTreeMap<String, Volume> = volumes.collect();
    let mut links = fields.get("links").map_or_else(Vec::new, |node| read_links(node, &scope, log));
    let goals = fields.get("goals").and_then(|node| goals::read_inline(node, log));
    fields.finish(log);
    let services = connect(&service_names, drafts, &mut links, log);
    let keys = key_notes(node);
    let name = name.unwrap_or_default();
    Parts { application: Application { name, services, links, volumes, keys }, goals, secrets }
}

fn read_volume(key: &Key, node: &Node, secrets: &mut Secrets, log: &mut MistakeLog) -> Volume {
    check_name(&key.text, &key.at, "a volume", log);
    let mut volume =
        Volume { size: None, at: key.at.clone(), external: false, native: BTreeMap::new() };
    if node.is_null() {
        return volume;
    }
    let size = |node, log: &mut MistakeLog| quantity(node, "size", Bytes::parse, log);
    if node.as_map().is_none() {
        volume.size = size(node, log);
        return volume;
    }
    let Some(mut fields) = Fields::of(node, format!("volume \"{}\"", key.text), log) else {
        return volume;
    };
    volume.size = fields.get("size").and_then(|node| size(node, log));
    if let Some(external) = fields.get("external").and_then(|node| flag(node, "external", log)) {
        volume.external = external;
    }
    if let Some(node) = fields.get("native") {
        let path = format!("application:volume:{}:native", key.text);
        volume.native = native(node, &path, secrets, log);
    }
    fields.finish(log);
    volume
}

fn read_links(node: &Node, scope: &Scope<'_>, log: &mut MistakeLog) -> Vec<Link> {
    let mut links: Vec<Link> = Vec::new();
    let mut lines: BTreeMap<(String, String, Option<u16>), u32> = BTreeMap::new();
    for item in list(node, "links", log).unwrap_or_default() {
        let Some(link) = read_link(item, scope, log) else { continue };
        match lines.entry((link.from.clone(), link.to.clone(), link.port)) {
            Entry::Vacant(place) => {
                place.insert(link.at.line);
                links.push(link);
            }
            Entry::Occupied(first) => {
                let says = format!(
                    "the link from \"{}\" to \"{}\" is here twice, first in line {}",
                    link.from,
                    link.to,
                    first.get()
                );
                log.push(Mistake::at(item.at.clone(), says));
            }
        }
    }
    links
}

fn read_link(node: &Node, scope: &Scope<'_>, log: &mut MistakeLog) -> Option<Link> {
    let mut fields = Fields::of(node, "a link", log)?;
    let mut end = |name, log: &mut MistakeLog| {
        let node = fields.required(name, &node.at, log)?;
        known_name(node, "service", &scope.services, log)
    };
    let (from, to) = (end("from", log), end("to", log));
    let number = fields.get("port").and_then(|node| port(node, "port", log));
    let traffic =
        fields.get("traffic").and_then(|node| quantity(node, "traffic", Traffic::parse, log));
    let latency =
        fields.get("latency").and_then(|node| quantity(node, "latency", Micros::parse, log));
    fields.finish(log);
    let at = node.at.clone();
    Some(Link { from: from?, to: to?, port: number, traffic, latency, at, inferred: None })
}

/// Turns references into dependencies and links, and refuses circles.
fn connect(
    names: &[String],
    drafts: Vec<Draft>,
    links: &mut Vec<Link>,
    log: &mut MistakeLog,
) -> BTreeMap<String, Service> {
    let ports: BTreeMap<String, Option<u16>> = names
        .iter()
        .zip(&drafts)
        .map(|(name, draft)| {
            let only = draft.service.ports.first().filter(|_| draft.service.ports.len() == 1);
            (name.clone(), only.map(|port| port.target))
        })
        .collect();
    let mut services = BTreeMap::new();
    let mut waits: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut places: BTreeMap<(String, String), Position> = BTreeMap::new();
    let mut linked: BTreeSet<(String, String)> =
        links.iter().map(|link| (link.from.clone(), link.to.clone())).collect();
    for (name, mut draft) in names.iter().zip(drafts) {
        for (other, at) in &draft.waits {
            places.insert((name.clone(), other.clone()), at.clone());
        }
        let mut seen: BTreeSet<&str> = BTreeSet::from([&**name]);
        for (variable, reference) in &draft.references {
            let other = &reference.service;
            if !seen.insert(other) {
                continue;
            }
            let reason = format!("variable {variable} refers to {other}");
            depend(&mut draft.service, other, draft.waits.contains_key(other), &reason);
            places.entry((name.clone(), other.clone())).or_insert_with(|| reference.at.clone());
            if linked.insert((name.clone(), other.clone())) {
                let port = reference.port.or_else(|| ports.get(other).copied().flatten());
                let (traffic, latency) = (None, None);
                let (from, to, at) = (name.clone(), other.clone(), reference.at.clone());
                links.push(Link { from, to, port, traffic, latency, at, inferred: Some(reason) });
            }
        }
        draft.service.after.sort();
        let others = draft.service.after.iter().map(|d| d.service.clone()).collect();
        waits.insert(name.clone(), others);
        services.insert(name.clone(), draft.service);
    }
    links.sort_by(|a, b| (&a.from, &a.to, a.port).cmp(&(&b.from, &b.to, b.port)));
    for circle in circles(&waits) {
        log.push(circle_mistake(&circle, &places));
    }
    services
}

/// Makes a service depend on another for this reason, unless it waits for it already.
fn depend(service: &mut Service, other: &str, waits: bool, reason: &str) {
    let mut infer = |what: String| {
        service.inferred.push(Inference { what, reason: reason.to_owned() });
    };
    if !waits {
        infer(format!("after {other}"));
        let condition = Condition::Started;
        service.after.push(Dependency { service: other.to_owned(), condition, required: true });
    }
    infer(format!("link to {other}"));
}

fn circle_mistake(circle: &[String], places: &BTreeMap<(String, String), Position>) -> Mistake {
    let names = circle.iter().chain(circle.first()).map(|n| &**n).collect::<Vec<_>>();
    let says = format!("services wait for each other in a circle: {}", names.join(" → "));
    let place =
        names.windows(2).find_map(|pair| places.get(&(pair[0].to_owned(), pair[1].to_owned())));
    let mistake = match place {
        Some(at) => Mistake::at(at.clone(), says),
        None => Mistake::of_request(says),
    };
    mistake.hint("take one of them out of \"after\", or one reference out of \"env\"")
}

fn key_notes(node: &Node) -> Vec<KeyNote> {
    let entries = node.as_map().unwrap_or_default();
    entries
        .iter()
        .map(|(key, _)| KeyNote {
            key: key.text.to_string(),
            fate: KeyFate::Used,
            at: key.at.clone(),
            note: None,
        })
        .collect()
}
