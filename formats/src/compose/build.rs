//! How an image is built. What a plan does not look at is kept for the Engine's `POST /build`, by
//! the names of its parameters where it has some.

use std::sync::Arc;

use coc_model::application::{Build, KeyFate};
use coc_model::mistake::Mistake;

use super::carried::object;
use super::engine::{as_given, host_pairs};
use super::references::Named;
use super::service::ServiceReading;
use crate::tree::{Key, Node, Value};

/// Keys that are kept, and what the Engine calls them.
const KEPT: [(&str, &str); 20] = [
    ("additional_contexts", "additional_contexts"),
    ("args", "buildargs"),
    ("cache_from", "cachefrom"),
    ("cache_to", "cache_to"),
    ("dockerfile_inline", "dockerfile_inline"),
    ("entitlements", "entitlements"),
    ("extra_hosts", "extrahosts"),
    ("isolation", "isolation"),
    ("labels", "labels"),
    ("network", "networkmode"),
    ("no_cache", "nocache"),
    ("no_cache_filter", "no_cache_filter"),
    ("platforms", "platforms"),
    ("privileged", "privileged"),
    ("provenance", "provenance"),
    ("pull", "pull"),
    ("sbom", "sbom"),
    ("shm_size", "shmsize"),
    ("tags", "t"),
    ("ulimits", "ulimits"),
];

/// `build`: a context, or a map with one.
pub(super) fn read(service: &mut ServiceReading<'_, '_>, node: &Node) {
    let mut build = Build { context: ".".to_owned(), ..Build::default() };
    if node.as_scalar().is_some() {
        build.context = service.reading.text(node).unwrap_or_default();
    } else {
        for (key, value) in service.reading.entries(node, "a context, or a map with one") {
            entry(service, &mut build, key, value);
        }
    }
    if build.dockerfile.is_some() && node.get("dockerfile_inline").is_some() {
        let says = "a build can't have both dockerfile and dockerfile_inline";
        service.reading.log.push(Mistake::at(node.at.clone(), says).hint("take one of them out"));
    }
    service.service.build = Some(build);
}

fn entry(service: &mut ServiceReading<'_, '_>, build: &mut Build, key: &Key, node: &Node) {
    let name = format!("build.{}", key.text);
    match &*key.text {
        text if text.starts_with("x-") => return,
        _ if node.is_null() => {}
        "context" => build.context = service.reading.text(node).unwrap_or_default(),
        "dockerfile" => build.dockerfile = service.reading.text(node),
        "target" => build.target = service.reading.text(node),
        "secrets" => {
            secrets(service, node);
            service.docker_build.put(&["secrets"], as_given(node));
            return service.say(&name, &key.at, KeyFate::Carried);
        }
        "ssh" => {
            service.docker_build.put(&["ssh"], as_given(node));
            return service.say(&name, &key.at, KeyFate::Carried);
        }
        text => {
            let Some((_, field)) = KEPT.iter().find(|(known, _)| *known == text) else {
                let known: Vec<&str> = KEPT.iter().map(|(known, _)| *known).collect();
                let known = [&known[..], &["context", "dockerfile", "target", "secrets", "ssh"]];
                return service.reading.unknown_key(key, &known.concat(), "build");
            };
            keep(service, key, field, node);
            return service.say(&name, &key.at, KeyFate::Carried);
        }
    }
    service.say(&name, &key.at, KeyFate::Used);
}

fn keep(service: &mut ServiceReading<'_, '_>, key: &Key, field: &str, node: &Node) {
    let value = match &*key.text {
        "args" => return arguments(service, node),
        "labels" | "additional_contexts" => {
            let pairs = service.reading.pairs(node);
            Some(object(service, &format!("build.{}", key.text), pairs))
        }
        "extra_hosts" => {
            let hosts = host_pairs(service, node);
            Some(hosts.into_iter().map(|(host, address)| format!("{host}:{address}")).collect())
        }
        "no_cache" | "privileged" => service.reading.flag(node).map(Into::into),
        "shm_size" => service.reading.bytes(node).map(|bytes| bytes.0.into()),
        _ => Some(as_given(node)),
    };
    if let Some(value) = value {
        service.docker_build.put(&[field], value);
    }
}

/// Arguments without a value take it from the environment, and are left out if it has none.
fn arguments(service: &mut ServiceReading<'_, '_>, node: &Node) {
    for mut pair in service.reading.pairs(node) {
        if pair.value.is_none() {
            pair.value = service.environment.get(&pair.name).map(str::to_owned);
            let key = format!("build.args.{}", pair.name);
            let note = match &pair.value {
                Some(_) => "its value comes from the variable of this name",
                None => "the variable of this name is not set; the argument is left out",
            };
            service.notes.add(&key, &pair.at, note);
        }
        let Some(value) = pair.value.take() else { continue };
        if coc_model::secret::is_secret_name(&pair.name) {
            service.secret_variables.insert(
                Arc::clone(&pair.name),
                coc_model::secret::SecretValue::new(value.as_str()),
            );
            service.reading.hide(&value);
        }
        service.docker_build.put(&["buildargs", &pair.name], value);
    }
}

fn secrets(service: &mut ServiceReading<'_, '_>, node: &Node) {
    let Value::List(items) = &node.value else {
        return service.reading.wrong(node, "a list of secrets");
    };
    for item in items.iter() {
        let source = if item.as_map().is_some() { item.get("source") } else { Some(item) };
        let named: Option<Named> =
            source.and_then(|node| Some((service.reading.text(node)?, node.at.clone())));
        match named {
            Some(named) => service.references.secrets.push(named),
            None if source.is_none() => service.reading.wrong(item, "a map with a source"),
            None => {}
        }
    }
}
