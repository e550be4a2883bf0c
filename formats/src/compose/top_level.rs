//! What a file has beside services: volumes, networks, secrets and configurations.

use std::collections::{BTreeMap, BTreeSet};

use coc_model::application::{KeyFate, Volume};
use coc_model::mistake::{Mistake, Position};
use coc_model::secret::{SecretRef, SecretValue};

use super::document::Document;
use super::key_notes::KeyNotes;
use super::networks::DEFAULT;
use super::reading::Reading;
use super::secrecy;
use super::values::Pair;
use crate::paths;
use crate::tree::{Key, Node};

/// What services may use by name.
pub(super) struct TopLevel {
    /// Volumes.
    pub(super) volumes: BTreeMap<String, Volume>,
    /// Networks.
    pub(super) networks: BTreeSet<String>,
    /// Secrets.
    pub(super) secrets: BTreeSet<String>,
    /// Configurations.
    pub(super) configs: BTreeSet<String>,
}

/// Reads all sections but that of services.
pub(super) fn read(whole: &Node, reading: &mut Reading<'_>, notes: &mut KeyNotes) -> TopLevel {
    let volumes = section(whole, "volumes", reading)
        .into_iter()
        .map(|(key, node)| (key.text.to_string(), volume(&key, &node, reading, notes)))
        .collect();
    let mut networks: BTreeSet<String> = BTreeSet::from([DEFAULT.to_owned()]);
    for (key, node) in section(whole, "networks", reading) {
        network(&key, &node, reading, notes);
        networks.insert(key.text.to_string());
    }
    let mut files = [BTreeSet::new(), BTreeSet::new()];
    for (kind, names) in [SECRET, CONFIG].iter().zip(&mut files) {
        for (key, node) in section(whole, kind.section, reading) {
            file(kind, &key, &node, reading, notes);
            names.insert(key.text.to_string());
        }
    }
    let [secrets, configs] = files;
    TopLevel { volumes, networks, secrets, configs }
}

/// The entries of a section with good names.
pub(super) fn section(whole: &Node, name: &str, reading: &mut Reading<'_>) -> Vec<(Key, Node)> {
    let Some(node) = whole.get(name) else { return Vec::new() };
    let entries = reading.entries(node, "a map of names").to_vec();
    let good = |text: &str| {
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        !text.is_empty() && text.chars().all(legal)
    };
    let (good, bad): (Vec<_>, Vec<_>) = entries.into_iter().partition(|(key, _)| good(&key.text));
    for (key, _) in bad.iter().filter(|(key, _)| !key.text.starts_with("x-")) {
        let says = format!("\"{}\" can't be a name", key.text);
        let mistake = Mistake::at(key.at.clone(), says).width(key.text.chars().count());
        reading.log.push(mistake.hint("names have letters, digits, \".\", \"_\" and \"-\""));
    }
    good
}

/// True if something is made outside of the application; with it the name it has there.
fn external(node: &Node, reading: &mut Reading<'_>) -> (bool, Option<String>) {
    let name = node.get("name").and_then(|name| reading.text(name));
    let Some(external) = node.get("external").filter(|external| !external.is_null()) else {
        return (false, name);
    };
    if external.as_map().is_some() {
        let old = external.get("name").and_then(|name| reading.text(name));
        return (true, name.or(old));
    }
    (reading.flag(external) == Some(true), name)
}

/// Logs what an external thing says of how it is made.
fn only_external(node: &Node, what: &str, reading: &mut Reading<'_>) {
    for (key, _) in node.as_map().unwrap_or_default() {
        let allowed = ["external", "name"].contains(&&*key.text) || key.text.starts_with("x-");
        if !allowed {
            let says = format!("an external {what} is made elsewhere and has no \"{}\"", key.text);
            reading.log.push(Mistake::at(key.at.clone(), says).width(key.text.chars().count()));
        }
    }
}

fn volume(key: &Key, node: &Node, reading: &mut Reading<'_>, notes: &mut KeyNotes) -> Volume {
    let entries = reading.entries(node, "a map of settings, or nothing");
    let known = ["name", "driver", "driver_opts", "external", "labels"];
    reading.unknown_keys(entries, &known, "a volume");
    let (external, name) = external(node, reading);
    if external {
        only_external(node, "volume", reading);
    }
    let mut docker = Document::default();
    if let Some(name) = name.filter(|name| !name.is_empty()) {
        docker.put(&["Name"], name);
    }
    if let Some(driver) = node.get("driver").and_then(|driver| reading.text(driver)) {
        docker.put(&["Driver"], driver);
    }
    for (inner, field) in [("driver_opts", "DriverOpts"), ("labels", "Labels")] {
        let Some(value) = node.get(inner) else { continue };
        for pair in reading.pairs(value) {
            put_pair(&mut docker, field, pair);
        }
    }
    for (inner, _) in entries {
        let fate = match &*inner.text {
            "external" => KeyFate::Used,
            text if text.starts_with("x-") => KeyFate::WithoutEffect,
            _ => KeyFate::Carried,
        };
        notes.say(&format!("volumes.{}.{}", key.text, inner.text), &inner.at, fate);
    }
    notes.say(&format!("volumes.{}", key.text), &key.at, KeyFate::Used);
    let variables = reading.secrets_below(node);
    secrecy::hide_in_volume(&key.text, &mut docker, &variables, reading);
    let docker = docker.into_value().map(|value| ("docker".to_owned(), value));
    Volume { size: None, at: key.at.clone(), external, native: docker.into_iter().collect() }
}

fn put_pair(docker: &mut Document, field: &str, pair: Pair) {
    docker.put(&[field, &pair.name], pair.value.unwrap_or_default());
}

fn network(key: &Key, node: &Node, reading: &mut Reading<'_>, notes: &mut KeyNotes) {
    let known = [
        "name",
        "driver",
        "driver_opts",
        "ipam",
        "external",
        "internal",
        "enable_ipv4",
        "enable_ipv6",
        "attachable",
        "labels",
    ];
    let entries = reading.entries(node, "a map of settings, or nothing");
    reading.unknown_keys(entries, &known, "a network");
    let (external, name) = external(node, reading);
    if external {
        only_external(node, "network", reading);
    }
    let name_of_key = format!("networks.{}", key.text);
    notes.say(&name_of_key, &key.at, KeyFate::Used);
    if external {
        let name = name.unwrap_or_else(|| key.text.to_string());
        let note = format!("the network {name} outside of the application is not joined");
        notes.add(&name_of_key, &key.at, &note);
    }
    for (inner, value) in entries {
        if ["internal", "enable_ipv4", "enable_ipv6", "attachable"].contains(&&*inner.text) {
            let _ = reading.flag(value);
        }
        let key = format!("networks.{}.{}", key.text, inner.text);
        notes.say(&key, &inner.at, KeyFate::WithoutEffect);
        if !inner.text.starts_with("x-") {
            notes.add(&key, &inner.at, "services are connected by networks that the plan makes");
        }
    }
}

/// A kind of file that is mounted by name.
struct FileKind {
    section: &'static str,
    what: &'static str,
    sources: &'static [&'static str],
    known: &'static [&'static str],
    reference: fn(&str) -> SecretRef,
}

const SECRET: FileKind = FileKind {
    section: "secrets",
    what: "secret",
    sources: &["file", "environment"],
    known: &[
        "name",
        "environment",
        "file",
        "external",
        "labels",
        "driver",
        "driver_opts",
        "template_driver",
    ],
    reference: SecretRef::of_secret_file,
};

const CONFIG: FileKind = FileKind {
    section: "configs",
    what: "configuration",
    sources: &["file", "environment", "content"],
    known: &["name", "content", "environment", "file", "external", "labels", "template_driver"],
    reference: SecretRef::of_config_file,
};

/// Reads a secret or configuration; what it holds is kept like a secret.
fn file(kind: &FileKind, key: &Key, node: &Node, reading: &mut Reading<'_>, notes: &mut KeyNotes) {
    let place = format!("{}.{}", kind.section, key.text);
    notes.say(&place, &key.at, KeyFate::Used);
    let entries = reading.entries(node, "a map with a file");
    reading.unknown_keys(entries, kind.known, &format!("a {}", kind.what));
    let (external, _) = external(node, reading);
    if external {
        only_external(node, kind.what, reading);
        let note = "it is kept outside of the application and must be there";
        return notes.add(&place, &key.at, note);
    }
    for (inner, _) in entries {
        let unused = ["name", "labels", "driver", "driver_opts", "template_driver"];
        if unused.contains(&&*inner.text) {
            let key = format!("{place}.{}", inner.text);
            notes.say(&key, &inner.at, KeyFate::WithoutEffect);
            notes.add(&key, &inner.at, "no store of the Engine is used");
        }
    }
    let given: Vec<(&str, &Node)> = kind
        .sources
        .iter()
        .filter_map(|source| Some((*source, node.get(source).filter(|n| !n.is_null())?)))
        .collect();
    match given.as_slice() {
        [(source, value)] => {
            let content = content(source, value, (&place, &key.at), reading, notes);
            if let Some(content) = content {
                if kind.what == "secret" {
                    reading.hide(&content);
                    reading.hide(content.trim_end());
                }
                let reference = (kind.reference)(&key.text);
                reading.secrets.insert(reference, SecretValue::new(content));
            }
        }
        [] if node.get("driver").is_some() => {}
        [] => {
            let says = format!("the {} \"{}\" has no content", kind.what, key.text);
            let hint = format!("give one of {}", kind.sources.join(", "));
            reading.log.push(Mistake::at(key.at.clone(), says).hint(hint));
        }
        [_, (second, value), ..] => {
            let says = format!("the {} \"{}\" has content already", kind.what, key.text);
            let mistake = Mistake::at(value.at.clone(), says);
            reading.log.push(mistake.hint(format!("take \"{second}\" or the other one out")));
        }
    }
}

fn content(
    source: &str,
    node: &Node,
    (place, at): (&str, &Position),
    reading: &mut Reading<'_>,
    notes: &mut KeyNotes,
) -> Option<String> {
    let text = reading.text(node)?;
    match source {
        "content" => Some(text),
        "environment" => {
            let value = reading.file_values.get(&node.at).map(|value| value.reveal().to_owned());
            if value.is_none() {
                let note = format!(
                    "the variable {text} is not set; it must be where the application is applied"
                );
                notes.add(place, at, &note);
            }
            value
        }
        _ => {
            let name = paths::join(&reading.folder, &text);
            match reading.source_if_readable(&name) {
                Ok((_, text)) => Some(text.to_string()),
                Err(error) => {
                    let note = format!(
                        "the file {name} {error}; it must be there when the application is applied"
                    );
                    notes.add(place, at, &note);
                    None
                }
            }
        }
    }
}
