//! The whole application: services that are on, checked against each other and against what the
//! files have beside them.

use std::collections::{BTreeMap, BTreeSet};

use coc_model::application::{
    Application, Condition, Dependency, Inference, KeyFate, Link, MountSource, Service, Tie,
};
use coc_model::mistake::{Mistake, Position};

use super::cycles::circles;
use super::environment::Environment;
use super::key_notes::KeyNotes;
use super::links::{Host, Links, hosts};
use super::reading::{Reading, kind};
use super::references::{Named, References};
use super::service::{self, Draft, Profiles};
use super::ties;
use super::top_level::{self, TopLevel, section};
use crate::tree::{Key, Node};

/// The sections of a file.
const SECTIONS: &[&str] = &[
    "configs", "include", "models", "name", "networks", "secrets", "services", "version", "volumes",
];

/// Makes an application of the whole tree.
pub(super) fn assemble(
    whole: &Node,
    name: String,
    profiles: &Profiles,
    environment: &Environment,
    reading: &mut Reading<'_>,
) -> Application {
    let mut notes = KeyNotes::default();
    sections(whole, reading, &mut notes);
    let top = top_level::read(whole, reading, &mut notes);
    let mut project = Project {
        drafts: BTreeMap::new(),
        left_out: BTreeMap::new(),
        top,
        waits: BTreeMap::new(),
        optional: Vec::new(),
        reading,
        notes,
    };
    project.read_services(whole, profiles, environment);
    project.check();
    project.finish(name)
}

/// Notes on the sections themselves.
fn sections(whole: &Node, reading: &mut Reading<'_>, notes: &mut KeyNotes) {
    for (key, node) in whole.as_map().unwrap_or_default() {
        let text = &*key.text;
        match text {
            "version" => {
                notes.say(text, &key.at, KeyFate::WithoutEffect);
                notes.add(text, &key.at, "files have no version any more");
            }
            "models" => {
                notes.say(text, &key.at, KeyFate::WithoutEffect);
                notes.add(text, &key.at, "models are not provided");
            }
            _ if text.starts_with("x-") => notes.say(text, &key.at, KeyFate::WithoutEffect),
            _ if SECTIONS.contains(&text) => {
                notes.say(text, &key.at, KeyFate::Used);
                if let Some(note) = reading.blanks_below(node).filter(|_| text != "services") {
                    notes.add(text, &key.at, &note);
                }
            }
            _ => reading.unknown_key(key, SECTIONS, "a Compose file"),
        }
    }
}

/// That a service waits for another: how, where and by which key it says so.
struct Waiting {
    dependency: Dependency,
    at: Position,
    key: &'static str,
}

struct Project<'a, 'r> {
    drafts: BTreeMap<String, Draft>,
    /// Services that none of the active profiles has, with their profiles.
    left_out: BTreeMap<String, Vec<String>>,
    top: TopLevel,
    /// What each service waits for, of what is there.
    waits: BTreeMap<String, Vec<Waiting>>,
    /// Services that would have waited for one that is left out, with it and where they say so.
    optional: Vec<(String, String, Position)>,
    reading: &'a mut Reading<'r>,
    notes: KeyNotes,
}

impl Project<'_, '_> {
    fn read_services(&mut self, whole: &Node, profiles: &Profiles, environment: &Environment) {
        let services = section(whole, "services", self.reading);
        for (key, node) in &services {
            if !node.is_null() && node.as_map().is_none() {
                let says = format!("a service is a map, this is {}", kind(node));
                self.reading.log.push(Mistake::at(node.at.clone(), says));
                continue;
            }
            // What a service that is left out keeps secret is no part of the application.
            let secrets = std::mem::take(&mut self.reading.secrets);
            let draft = service::read(key, node, (environment, profiles), self.reading);
            let more = std::mem::replace(&mut self.reading.secrets, secrets);
            if draft.runs {
                self.reading.secrets.merge(more);
                if draft.service.image.is_none() && draft.service.build.is_none() {
                    self.without_image(&key.text, &draft.service.at, node);
                }
                self.drafts.insert(key.text.to_string(), draft);
            } else {
                self.leave_out(key, draft.profiles);
            }
        }
        if self.drafts.is_empty() && self.reading.log.is_empty() {
            let mistake = Mistake::at(whole.at.clone(), "there are no services to run");
            let profile = self.left_out.values().find_map(|profiles| profiles.first());
            self.reading.log.push(match profile {
                Some(profile) => mistake.hint(format!("activate a profile: --profile {profile}")),
                None => mistake.hint("give it \"services:\", or files to include that have some"),
            });
        }
    }

    fn leave_out(&mut self, key: &Key, profiles: Vec<String>) {
        let name = format!("services.{}", key.text);
        let note = match profiles.as_slice() {
            [profile] => format!("left out, for the profile {profile} is not active"),
            all => format!("left out, for none of the profiles {} is active", all.join(", ")),
        };
        self.notes.say(&name, &key.at, KeyFate::WithoutEffect);
        self.notes.add(&name, &key.at, &note);
        self.left_out.insert(key.text.to_string(), profiles);
    }

    fn without_image(&mut self, name: &str, at: &Position, node: &Node) {
        // What is given but wrong has its own mistake already.
        let given = |key: &str| {
            node.get(key).is_some_and(|n| n.as_scalar().is_none_or(|s| !s.text.is_empty()))
        };
        let broken = self.reading.broken.contains(name);
        if !broken && !["image", "build", "provider"].into_iter().any(given) {
            let says = format!("the service \"{name}\" has neither image nor build");
            let mistake = Mistake::at(at.clone(), says).width(name.chars().count());
            self.reading.log.push(mistake.hint(format!(
                "if this file is to be laid over another, give the file it belongs to first: base.yaml {}",
                at.file
            )));
        }
    }

    fn check(&mut self) {
        let drafts = std::mem::take(&mut self.drafts);
        for (name, draft) in &drafts {
            self.check_names(&draft.references);
            let waits = self.waits_of(name, &draft.references, &drafts);
            self.waits.insert(name.clone(), waits);
        }
        self.drafts = drafts;
        self.check_circles();
    }

    fn check_names(&mut self, references: &References) {
        let top = &self.top;
        let named = |list: &[Named], known: &dyn Fn(&str) -> bool| -> Vec<Named> {
            list.iter().filter(|(name, _)| !known(name)).cloned().collect()
        };
        let networks = named(&references.networks, &|name| top.networks.contains(name));
        let volumes = named(&references.volumes, &|name| top.volumes.contains_key(name));
        let secrets = named(&references.secrets, &|name| top.secrets.contains(name));
        let configs = named(&references.configs, &|name| top.configs.contains(name));
        let mut tell = |what, section, wrong: Vec<Named>, known: Vec<&str>| {
            for (name, at) in wrong {
                let otherwise = format!(
                    "name it under \"{section}:\", or give the file that has it first: base.yaml {}",
                    at.file
                );
                let known = known.iter().copied();
                self.reading.unknown_name((&name, &at), what, known, &otherwise);
            }
        };
        tell("network", "networks", networks, texts(&top.networks));
        tell("volume", "volumes", volumes, top.volumes.keys().map(String::as_str).collect());
        tell("secret", "secrets", secrets, texts(&top.secrets));
        tell("configuration", "configs", configs, texts(&top.configs));
    }

    /// What a service waits for of what is there; mistakes for the rest.
    fn waits_of(
        &mut self,
        name: &str,
        references: &References,
        drafts: &BTreeMap<String, Draft>,
    ) -> Vec<Waiting> {
        let mut waits: Vec<Waiting> = Vec::new();
        let mut implied = BTreeSet::new();
        for (other, wait) in &references.waits {
            if drafts.contains_key(other) {
                let (condition, required) = (wait.condition, wait.required);
                let dependency = Dependency { service: other.clone(), condition, required };
                waits.push(Waiting { dependency, at: wait.at.clone(), key: "depends_on" });
            } else if !wait.required && self.left_out.contains_key(other) {
                self.optional.push((name.to_owned(), other.clone(), wait.at.clone()));
            } else {
                self.missing(&(other.clone(), wait.at.clone()), drafts);
            }
        }
        for (named, key) in &references.implied {
            if references.waits.contains_key(&named.0) {
                continue;
            }
            if drafts.contains_key(&named.0) {
                let condition = Condition::Started;
                let dependency = Dependency { service: named.0.clone(), condition, required: true };
                if implied.insert(&named.0) {
                    waits.push(Waiting { dependency, at: named.1.clone(), key });
                }
            } else {
                self.missing(named, drafts);
            }
        }
        waits
    }

    fn missing(&mut self, (name, at): &Named, drafts: &BTreeMap<String, Draft>) {
        if let Some(profiles) = self.left_out.get(name) {
            let says = format!("the service \"{name}\" is left out, for its profile is not active");
            let mistake = Mistake::at(at.clone(), says).width(name.chars().count());
            let profile = profiles.first().map(String::as_str).unwrap_or_default();
            let hint = format!("activate it: --profile {profile}; or write \"required: false\"");
            self.reading.log.push(mistake.hint(hint));
            return;
        }
        let known = drafts.keys().chain(self.left_out.keys()).map(String::as_str);
        let otherwise = format!("give the file that has it first: base.yaml {}", at.file);
        self.reading.unknown_name((name, at), "service", known, &otherwise);
    }

    fn check_circles(&mut self) {
        let next: BTreeMap<&str, Vec<&str>> = self
            .waits
            .iter()
            .map(|(name, waits)| {
                let others = waits.iter().map(|wait| wait.dependency.service.as_str());
                (name.as_str(), others.collect())
            })
            .collect();
        for circle in circles(&next) {
            let (Some(first), Some(second)) = (circle.first(), circle.get(1).or(circle.first()))
            else {
                continue;
            };
            let mut told = circle.clone();
            told.push(first);
            let says = match circle.as_slice() {
                [name] => format!("the service waits for itself: {name} → {name}"),
                _ => format!("services wait for each other in a circle: {}", told.join(" → ")),
            };
            let waits = self.waits.get(*first).into_iter().flatten();
            let at = waits.into_iter().find(|w| w.dependency.service == **second).map(|w| &w.at);
            if let Some(at) = at {
                let mistake = Mistake::at(at.clone(), says).width(second.chars().count());
                self.reading.log.push(mistake.hint("take one step of the circle out"));
            }
        }
    }

    fn finish(mut self, name: String) -> Application {
        for (service, other, at) in std::mem::take(&mut self.optional) {
            if let Some(draft) = self.drafts.get_mut(&service) {
                let note = "it is left out, for its profile is not active, and not required";
                let key = format!("depends_on.{other}");
                draft.notes.say(&key, &at, KeyFate::WithoutEffect);
                draft.notes.add(&key, &at, note);
            }
        }
        let links = self.links();
        let mut services: BTreeMap<String, Service> = BTreeMap::new();
        let mut places: BTreeMap<(String, String), Position> = BTreeMap::new();
        for (name, draft) in self.drafts {
            let waits = self.waits.remove(&name).unwrap_or_default();
            for (volume, at) in &draft.references.volumes {
                places.entry((name.clone(), volume.clone())).or_insert_with(|| at.clone());
            }
            services.insert(name, settled(draft, waits));
        }
        let place = |service: &str, volume: &str| {
            places.get(&(service.to_owned(), volume.to_owned())).cloned()
        };
        for (name, ties) in ties::of_volumes(&services, &place) {
            if let Some(service) = services.get_mut(&name) {
                add_ties(service, ties);
            }
        }
        note_unused_volumes(&self.top, &services, &mut self.notes);
        let mut keys = self.notes.into_notes();
        keys.append(&mut self.reading.notes);
        Application { name, services, links, volumes: self.top.volumes, keys }
    }

    fn links(&self) -> Vec<Link> {
        let mut links = Links::default();
        let names = self.host_names();
        for (name, draft) in &self.drafts {
            for wait in self.waits.get(name).into_iter().flatten() {
                let host = Host { service: wait.dependency.service.clone(), port: None };
                let reason = format!("{name} waits for {} ({})", host.service, wait.key);
                links.add(name, host, &wait.at, reason);
            }
            let all = draft.variables.iter().map(|v| (v.name.as_str(), v)).collect();
            let known = |host: &str| {
                let own = draft.references.aliases.get(host);
                let own = own.filter(|service| self.drafts.contains_key(*service));
                own.or_else(|| names.get(host)).filter(|service| *service != name).cloned()
            };
            for variable in &draft.variables {
                for host in hosts(variable, &all, &known) {
                    let reason = format!("the variable {} names {}", variable.name, host.service);
                    links.add(name, host, &variable.at, reason);
                }
            }
        }
        links.into_links()
    }

    /// The services by the names under which others reach them.
    fn host_names(&self) -> BTreeMap<String, String> {
        let mut names = BTreeMap::new();
        for (name, draft) in &self.drafts {
            for alias in draft.service.networks.values().flatten() {
                names.entry(alias.clone()).or_insert_with(|| name.clone());
            }
        }
        names.extend(self.drafts.keys().map(|name| (name.clone(), name.clone())));
        names
    }
}

fn texts(set: &BTreeSet<String>) -> Vec<&str> {
    set.iter().map(String::as_str).collect()
}

/// The service with what is known only now.
fn settled(draft: Draft, waits: Vec<Waiting>) -> Service {
    let Draft { mut service, notes, references, .. } = draft;
    for wait in waits {
        if wait.key != "depends_on" {
            let what = format!("after.{}", wait.dependency.service);
            let reason = format!("{} names it", wait.key);
            service.inferred.push(Inference { what, reason });
        }
        service.after.push(wait.dependency);
    }
    service.after.sort();
    add_ties(&mut service, references.ties);
    service.keys = notes.into_notes();
    service
}

/// Adds ties; one service has one tie to another, with all reasons.
fn add_ties(service: &mut Service, ties: Vec<Tie>) {
    let places = service.with.iter().enumerate().map(|(i, tie)| (tie.service.clone(), i));
    let mut places: BTreeMap<String, usize> = places.collect();
    for tie in ties {
        let what = format!("with.{}", tie.service);
        service.inferred.push(Inference { what, reason: tie.reason.clone() });
        if let Some(before) = places.get(&tie.service).and_then(|i| service.with.get_mut(*i)) {
            before.reason.push_str("; ");
            before.reason.push_str(&tie.reason);
        } else {
            places.insert(tie.service.clone(), service.with.len());
            service.with.push(tie);
        }
    }
}

fn note_unused_volumes(top: &TopLevel, services: &BTreeMap<String, Service>, notes: &mut KeyNotes) {
    let mounts = services.values().flat_map(|service| &service.mounts);
    let used: BTreeSet<&str> = mounts
        .filter_map(|mount| match &mount.source {
            MountSource::Volume(name) => Some(name.as_str()),
            _ => None,
        })
        .collect();
    for (name, volume) in top.volumes.iter().filter(|(name, _)| !used.contains(name.as_str())) {
        let key = format!("volumes.{name}");
        notes.say(&key, &volume.at, KeyFate::WithoutEffect);
        notes.add(&key, &volume.at, "no service that runs mounts it");
    }
}
