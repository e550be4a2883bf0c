//! What is mounted: volumes, paths of the host, memory, secrets and configurations.

use coc_model::application::{KeyFate, Mount, MountSource, Tie};
use coc_model::mistake::{Mistake, Position};
use serde_json::{Value, json};

use super::engine::as_given;
use super::reading::width;
use super::service::ServiceReading;
use super::short;
use super::values::text_nodes;
use crate::paths;
use crate::tree::{Key, Node};

/// `volumes`: texts and maps.
pub(super) fn volumes(service: &mut ServiceReading<'_, '_>, node: &Node) {
    for item in service.reading.items(node, "a list of mounts") {
        if item.as_map().is_some() {
            long(service, item);
        } else {
            short_mount(service, item);
        }
    }
}

fn short_mount(service: &mut ServiceReading<'_, '_>, item: &Node) {
    let Some(text) = service.reading.text(item) else { return };
    let mount = match short::mount(&text) {
        Ok(mount) => mount,
        Err(error) => {
            let says = format!("{} is no mount: {}", service.reading.describe(item), error.says());
            let mistake = Mistake::at(item.at.clone(), says).width(width(item));
            let blanks = service.reading.blanks_below(item);
            return service.reading.log.push(Mistake { hint: blanks, ..mistake });
        }
    };
    let source = match mount.source {
        None => MountSource::Anonymous,
        Some(path) if short::is_path(path) => MountSource::Bind(at_home(service, path, item)),
        Some(name) => MountSource::Volume(name.to_owned()),
    };
    let mut read_only = false;
    let target = clean(mount.target);
    for option in mount.options {
        match option {
            "ro" => read_only = true,
            "rw" => read_only = false,
            option => short_option(service, option, &target, item),
        }
    }
    add(service, Mount { source, target, read_only }, &item.at);
}

fn short_option(service: &mut ServiceReading<'_, '_>, option: &str, target: &str, item: &Node) {
    const PROPAGATIONS: [&str; 6] = ["rprivate", "private", "rshared", "shared", "rslave", "slave"];
    match option {
        "nocopy" => options(service, target, "VolumeOptions", json!({"NoCopy": true})),
        option if PROPAGATIONS.contains(&option) => {
            options(service, target, "BindOptions", json!({"Propagation": option}));
        }
        "z" | "Z" => {
            let note = format!("the option {option} is not applied: labels of SELinux are not set");
            service.notes.add("volumes", &item.at, &note);
        }
        "cached" | "delegated" | "consistent" => {
            let note = format!("the option {option} changes nothing on Linux");
            service.notes.add("volumes", &item.at, &note);
        }
        option => {
            let note = format!("the option \"{option}\" is not known and changes nothing");
            service.notes.add("volumes", &item.at, &note);
        }
    }
}

/// Keeps options of a mount: an item of the Engine's `Mounts` with its target, to be merged with
/// the mount of the same target.
fn options(service: &mut ServiceReading<'_, '_>, target: &str, field: &str, value: Value) {
    let mut item = json!({"Target": target});
    item[field] = value;
    service.docker.push(&["HostConfig", "Mounts"], item);
}

fn long(service: &mut ServiceReading<'_, '_>, item: &Node) {
    const KNOWN: [&str; 9] = [
        "bind",
        "consistency",
        "image",
        "read_only",
        "source",
        "target",
        "tmpfs",
        "type",
        "volume",
    ];
    service.reading.unknown_keys(item.as_map().unwrap_or_default(), &KNOWN, "a mount");
    let mut text = |key: &str| item.get(key).map(|node| service.reading.text(node));
    let (kind, source, target) = (text("type"), text("source"), text("target"));
    let read_only = item.get("read_only").and_then(|node| service.reading.flag(node));
    let (Some(kind), Some(target)) = (kind, target) else {
        return service.reading.wrong(item, "a map with type and target");
    };
    let (Some(kind), Some(target)) = (kind, target) else { return };
    let target = clean(&target);
    let source = source.flatten().filter(|source| !source.is_empty());
    let source = match (kind.as_str(), source) {
        ("bind", Some(path)) => MountSource::Bind(at_home(service, &path, item)),
        ("bind", None) => return service.reading.wrong(item, "a map with the source of the bind"),
        ("volume", None) => MountSource::Anonymous,
        ("volume", Some(name)) => MountSource::Volume(name),
        ("tmpfs", _) => MountSource::Tmpfs,
        ("image" | "npipe" | "cluster", source) => {
            let mount = json!({"Type": kind, "Source": source, "Target": target});
            service.docker.push(&["HostConfig", "Mounts"], mount);
            return service.say(&format!("volumes.{kind}"), &item.at, KeyFate::Carried);
        }
        _ => {
            let node = item.get("type").unwrap_or(item);
            return service.reading.wrong(node, "bind, volume, tmpfs, image, npipe or cluster");
        }
    };
    long_options(service, item, &target);
    add(service, Mount { source, target, read_only: read_only == Some(true) }, &item.at);
}

fn long_options(service: &mut ServiceReading<'_, '_>, item: &Node, target: &str) {
    for (key, node) in item.as_map().unwrap_or_default() {
        match &*key.text {
            "bind" => bind_options(service, node, target),
            "volume" => volume_options(service, node, target),
            "tmpfs" => tmpfs_options(service, node, target),
            "consistency" => {
                service.without_effect(
                    "volumes.consistency",
                    &key.at,
                    "it changes nothing on Linux",
                );
            }
            _ => {}
        }
    }
}

fn bind_options(service: &mut ServiceReading<'_, '_>, node: &Node, target: &str) {
    for (Key { text: key, at }, value) in service.reading.entries(node, "a map of options") {
        match &**key {
            "propagation" => {
                if let Some(text) = service.reading.text(value) {
                    options(service, target, "BindOptions", json!({"Propagation": text}));
                }
            }
            "create_host_path" => {
                if let Some(flag) = service.reading.flag(value) {
                    options(service, target, "BindOptions", json!({"CreateMountpoint": flag}));
                }
            }
            "recursive" => {
                if let Some(text) = service.reading.text(value) {
                    let none = text == "disabled";
                    options(service, target, "BindOptions", json!({"NonRecursive": none}));
                }
            }
            "selinux" => {
                service.without_effect("volumes.bind.selinux", at, "labels of SELinux are not set");
            }
            key if key.starts_with("x-") => {}
            _ => {
                let known = ["propagation", "create_host_path", "recursive", "selinux"];
                let key = Key { text: key.clone(), at: at.clone() };
                service.reading.unknown_key(&key, &known, "bind");
            }
        }
    }
}

fn volume_options(service: &mut ServiceReading<'_, '_>, node: &Node, target: &str) {
    let entries = service.reading.entries(node, "a map of options");
    service.reading.unknown_keys(entries, &["nocopy", "subpath", "labels"], "volume");
    if let Some(flag) = node.get("nocopy").and_then(|node| service.reading.flag(node)) {
        options(service, target, "VolumeOptions", json!({"NoCopy": flag}));
    }
    if let Some(path) = node.get("subpath").and_then(|node| service.reading.text(node)) {
        options(service, target, "VolumeOptions", json!({"Subpath": path}));
    }
    if let Some(labels) = node.get("labels") {
        options(service, target, "VolumeOptions", json!({"Labels": as_given(labels)}));
    }
}

fn tmpfs_options(service: &mut ServiceReading<'_, '_>, node: &Node, target: &str) {
    let entries = service.reading.entries(node, "a map of options");
    service.reading.unknown_keys(entries, &["size", "mode"], "tmpfs");
    let size = node.get("size").and_then(|node| service.reading.bytes(node));
    let mode = node.get("mode").and_then(|node| service.reading.integer(node, 0..=0o7777));
    let size = size.map(|bytes| format!("size={}", bytes.0));
    let given: Vec<String> =
        size.into_iter().chain(mode.map(|mode| format!("mode={mode:o}"))).collect();
    if !given.is_empty() {
        service.docker.put(&["HostConfig", "Tmpfs", target], given.join(","));
    }
}

/// `tmpfs`: paths, each with options after a colon.
pub(super) fn tmpfs(service: &mut ServiceReading<'_, '_>, node: &Node) {
    for (text, item) in text_nodes(node, service.reading) {
        let (path, given) = text.split_once(':').unwrap_or((&text, ""));
        let target = clean(path);
        if !given.is_empty() {
            service.docker.put(&["HostConfig", "Tmpfs", &target], given);
        }
        add(service, Mount { source: MountSource::Tmpfs, target, read_only: false }, &item.at);
    }
}

/// `secrets`.
pub(super) fn secrets(service: &mut ServiceReading<'_, '_>, node: &Node) {
    for (name, target, at) in files(service, node, "secrets") {
        let target = match target {
            None => format!("/run/secrets/{name}"),
            Some(target) if paths::is_absolute(&target) => target,
            Some(target) => format!("/run/secrets/{target}"),
        };
        service.references.secrets.push((name.clone(), at.clone()));
        add(service, Mount { source: MountSource::Secret(name), target, read_only: true }, &at);
    }
}

/// `configs`.
pub(super) fn configs(service: &mut ServiceReading<'_, '_>, node: &Node) {
    for (name, target, at) in files(service, node, "configs") {
        let target = target.unwrap_or_else(|| name.clone());
        let target = if paths::is_absolute(&target) { target } else { format!("/{target}") };
        service.references.configs.push((name.clone(), at.clone()));
        add(service, Mount { source: MountSource::Config(name), target, read_only: true }, &at);
    }
}

/// Names with targets.
fn files(
    service: &mut ServiceReading<'_, '_>,
    node: &Node,
    key: &str,
) -> Vec<(String, Option<String>, Position)> {
    let mut files = Vec::new();
    for item in service.reading.items(node, "a list of names and maps") {
        let Some(entries) = item.as_map() else {
            files.extend(service.reading.text(item).map(|name| (name, None, item.at.clone())));
            continue;
        };
        let known = ["source", "target", "uid", "gid", "mode"];
        service.reading.unknown_keys(entries, &known, key);
        for (unused, _) in entries.iter().filter(|(k, _)| known[2..].contains(&&*k.text)) {
            let key = format!("{key}.{}", unused.text);
            service.without_effect(&key, &unused.at, "owner and mode of the file are not set");
        }
        let Some(source) = item.get("source") else {
            service.reading.wrong(item, "a map with a source");
            continue;
        };
        let target = item.get("target").and_then(|target| service.reading.text(target));
        if let Some(name) = service.reading.text(source) {
            files.push((name, target, source.at.clone()));
        }
    }
    files
}

/// `volumes_from`: all mounts of another service, or of a container that is there.
pub(super) fn volumes_from(service: &mut ServiceReading<'_, '_>, node: &Node) {
    for (text, item) in text_nodes(node, service.reading) {
        let field = ["HostConfig", "VolumesFrom"];
        if let Some(container) = text.strip_prefix("container:") {
            service.docker.push(&field, container);
            let note = format!("the container {container} must be on the same host");
            service.notes.add("volumes_from", &item.at, &note);
            continue;
        }
        service.docker.push(&field, format!("service:{text}"));
        let name = text.split(':').next().unwrap_or_default().to_owned();
        let reason = format!("uses the volumes of {name}");
        service.references.ties.push(Tie { service: name.clone(), reason, at: item.at.clone() });
        service.references.implied.push(((name, item.at.clone()), "volumes_from"));
    }
}

/// Adds a mount; one with the same target is replaced, as Compose does.
fn add(service: &mut ServiceReading<'_, '_>, mount: Mount, at: &Position) {
    let target = &mount.target;
    if !paths::is_absolute(target) || is_letter_and_slash(target) {
        let says = format!("a mount goes to a path from the root, not to \"{target}\"");
        let mistake = Mistake::at(at.clone(), says);
        return service.reading.log.push(mistake.hint(
            "it starts with \"/\"; one letter before a colon is a drive of Windows and no volume",
        ));
    }
    if let MountSource::Volume(name) = &mount.source {
        service.references.volumes.push((name.clone(), at.clone()));
    }
    let place = service.mount_places.get(&mount.target).copied();
    match place {
        Some(place) => {
            let note = format!("{} is mounted twice; the last mount counts", mount.target);
            service.notes.add("volumes", at, &note);
            service.service.mounts[place] = mount;
        }
        None => {
            service.mount_places.insert(mount.target.clone(), service.service.mounts.len());
            service.service.mounts.push(mount);
        }
    }
}

/// True for what a volume with a name of one letter looks like.
fn is_letter_and_slash(target: &str) -> bool {
    matches!(target.as_bytes(), [letter, b':', b'/', ..] if letter.is_ascii_alphabetic())
}

/// A path with `~` written out.
fn at_home(service: &mut ServiceReading<'_, '_>, path: &str, item: &Node) -> String {
    let Some(rest) = path.strip_prefix('~').filter(|rest| rest.is_empty() || rest.starts_with('/'))
    else {
        return path.to_owned();
    };
    match service.environment.get("HOME") {
        Some(home) => format!("{}{rest}", home.trim_end_matches('/')),
        None => {
            let note = "the variable HOME is not set, so \"~\" stays as it is";
            service.notes.add("volumes", &item.at, note);
            path.to_owned()
        }
    }
}

/// A path in a container, tidied.
fn clean(target: &str) -> String {
    if target.starts_with('/') { paths::tidy(target) } else { target.to_owned() }
}
