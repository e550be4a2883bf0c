//! Carried keys whose form in the Engine's API is an object of its own.

use std::collections::{BTreeMap, BTreeSet};

use coc_model::application::KeyFate;
use serde_json::{Map, Value, json};

use super::carried::object;
use super::service::ServiceReading;
use crate::tree::{Key, Node};

/// `devices`: `HOST[:CONTAINER[:PERMISSIONS]]`, or maps.
pub(super) fn devices(service: &mut ServiceReading<'_, '_>, node: &Node) {
    carried(service, "devices", node);
    let mut devices: BTreeMap<String, Value> = BTreeMap::new();
    let mut order = Vec::new();
    for item in service.reading.items(node, "a list of devices") {
        let Some((source, target, permissions)) = device(service, item) else { continue };
        let value = json!({
            "PathOnHost": source,
            "PathInContainer": target,
            "CgroupPermissions": permissions,
        });
        if devices.insert(target.clone(), value).is_none() {
            order.push(target);
        }
    }
    for target in order {
        if let Some(device) = devices.remove(&target) {
            service.docker.push(&["HostConfig", "Devices"], device);
        }
    }
}

fn device(service: &mut ServiceReading<'_, '_>, item: &Node) -> Option<(String, String, String)> {
    if let Some(entries) = item.as_map() {
        service.reading.unknown_keys(entries, &["source", "target", "permissions"], "a device");
        let mut text = |key: &str| item.get(key).map(|node| service.reading.text(node));
        let (source, target, permissions) = (text("source"), text("target"), text("permissions"));
        let Some(source) = source else {
            service.reading.wrong(item, "a map with a source");
            return None;
        };
        let source = source?;
        let target = target.flatten().unwrap_or_else(|| source.clone());
        return Some((source, target, permissions.flatten().unwrap_or_else(|| "rwm".to_owned())));
    }
    let text = service.reading.text(item)?;
    let parts: Vec<&str> = text.split(':').collect();
    let parts = match parts.as_slice() {
        [source] => (*source, *source, "rwm"),
        [source, target] => (*source, *target, "rwm"),
        [source, target, permissions] => (*source, *target, *permissions),
        _ => {
            service.reading.wrong(item, "HOST:CONTAINER:PERMISSIONS");
            return None;
        }
    };
    Some((parts.0.to_owned(), parts.1.to_owned(), parts.2.to_owned()))
}

/// `ulimits`: a number for both limits, or a map of both.
pub(super) fn ulimits(service: &mut ServiceReading<'_, '_>, node: &Node) {
    carried(service, "ulimits", node);
    for (key, value) in service.reading.entries(node, "a map of limits") {
        let mut limit = |node: &Node| service.reading.integer(node, -1..=i64::MAX);
        let (soft, hard) = match value.as_map() {
            None => {
                let both = limit(value);
                (both, both)
            }
            Some(entries) => {
                let mut named = |key: &str| value.get(key).and_then(&mut limit);
                let limits = (named("soft"), named("hard"));
                service.reading.unknown_keys(entries, &["soft", "hard"], "a limit");
                if value.get("soft").is_none() || value.get("hard").is_none() {
                    service.reading.wrong(value, "a map with soft and hard");
                }
                limits
            }
        };
        if let (Some(soft), Some(hard)) = (soft, hard) {
            let limit = json!({"Name": &*key.text, "Soft": soft, "Hard": hard});
            service.docker.push(&["HostConfig", "Ulimits"], limit);
        }
    }
}

/// `logging`: a driver and its options.
pub(super) fn logging(service: &mut ServiceReading<'_, '_>, node: &Node) {
    carried(service, "logging", node);
    let entries = service.reading.entries(node, "a map with a driver");
    service.reading.unknown_keys(entries, &["driver", "options"], "logging");
    if let Some(driver) = node.get("driver").and_then(|driver| service.reading.text(driver)) {
        service.docker.put(&["HostConfig", "LogConfig", "Type"], driver);
    }
    if let Some(options) = node.get("options") {
        let pairs = service.reading.pairs(options);
        let options = object(service, "logging.options", pairs);
        service.docker.put(&["HostConfig", "LogConfig", "Config"], options);
    }
}

/// `extra_hosts`: `HOST=ADDRESS` or `HOST:ADDRESS`, or a map of hosts to one or several addresses.
pub(super) fn extra_hosts(service: &mut ServiceReading<'_, '_>, node: &Node) {
    carried(service, "extra_hosts", node);
    let mut seen = BTreeSet::new();
    for (host, address) in host_pairs(service, node) {
        let address =
            address.strip_prefix('[').and_then(|a| a.strip_suffix(']')).unwrap_or(&address);
        let host = format!("{host}:{address}");
        if seen.insert(host.clone()) {
            service.docker.push(&["HostConfig", "ExtraHosts"], host);
        }
    }
}

/// Hosts and addresses as given.
pub(super) fn host_pairs(
    service: &mut ServiceReading<'_, '_>,
    node: &Node,
) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    for (key, value) in node.as_map().unwrap_or_default() {
        for address in value.as_list().unwrap_or(std::slice::from_ref(value)) {
            if let Some(address) = service.reading.text(address) {
                pairs.push((key.text.to_string(), address));
            }
        }
    }
    if node.as_map().is_none() {
        for item in service.reading.items(node, "a list of HOST=ADDRESS, or a map") {
            let Some(text) = service.reading.text(item) else { continue };
            match text.split_once('=').or_else(|| text.split_once(':')) {
                Some((host, address)) => pairs.push((host.to_owned(), address.to_owned())),
                None => service.reading.wrong(item, "HOST=ADDRESS"),
            }
        }
    }
    pairs
}

/// `blkio_config`: weights and rates of block devices.
pub(super) fn blkio(service: &mut ServiceReading<'_, '_>, node: &Node) {
    const LISTS: [(&str, &str, &str); 5] = [
        ("weight_device", "BlkioWeightDevice", "weight"),
        ("device_read_bps", "BlkioDeviceReadBps", "rate"),
        ("device_write_bps", "BlkioDeviceWriteBps", "rate"),
        ("device_read_iops", "BlkioDeviceReadIOps", "rate"),
        ("device_write_iops", "BlkioDeviceWriteIOps", "rate"),
    ];
    carried(service, "blkio_config", node);
    let entries = service.reading.entries(node, "a map");
    let known: Vec<&str> = LISTS.iter().map(|list| list.0).chain(["weight"]).collect();
    service.reading.unknown_keys(entries, &known, "blkio_config");
    if let Some(weight) = node.get("weight").and_then(|w| service.reading.integer(w, 0..=1000)) {
        service.docker.put(&["HostConfig", "BlkioWeight"], weight);
    }
    for (key, field, amount) in LISTS {
        let Some(list) = node.get(key) else { continue };
        for item in service.reading.items(list, "a list of maps") {
            let path = item.get("path").and_then(|path| service.reading.text(path));
            let amount_node = item.get(amount);
            let number = match (amount, amount_node) {
                ("weight", Some(node)) => service.reading.integer(node, 0..=1000),
                (_, Some(node)) => {
                    service.reading.bytes(node).and_then(|bytes| i64::try_from(bytes.0).ok())
                }
                (_, None) => None,
            };
            let name = if amount == "weight" { "Weight" } else { "Rate" };
            match (path, number) {
                (Some(path), Some(number)) => {
                    let item = json!({"Path": path, name: number});
                    service.docker.push(&["HostConfig", field], item);
                }
                _ if item.get("path").is_some() && amount_node.is_some() => {}
                _ => service.reading.wrong(item, &format!("a map with path and {amount}")),
            }
        }
    }
}

/// `credential_spec`: one of three places, as a security option.
pub(super) fn credential_spec(service: &mut ServiceReading<'_, '_>, node: &Node) {
    carried(service, "credential_spec", node);
    let entries = service.reading.entries(node, "a map");
    service.reading.unknown_keys(entries, &["config", "file", "registry"], "credential_spec");
    for (key, value) in entries {
        if let Some(text) = service.reading.text(value) {
            let option = format!("credentialspec={}://{text}", key.text);
            service.docker.push(&["HostConfig", "SecurityOpt"], option);
        }
    }
}

fn carried(service: &mut ServiceReading<'_, '_>, key: &str, node: &Node) {
    service.notes.say(key, &node.at, KeyFate::Carried);
}

/// The plain JSON of a node whose form nobody here knows better, without extensions.
pub(super) fn as_given(node: &Node) -> Value {
    let kept = |(key, _): &&(Key, Node)| !key.text.starts_with("x-");
    match node.as_map() {
        Some(entries) => Value::Object(
            entries
                .iter()
                .filter(kept)
                .map(|(key, value)| (key.text.to_string(), as_given(value)))
                .collect::<Map<_, _>>(),
        ),
        None => node.to_json(),
    }
}
