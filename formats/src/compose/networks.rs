//! Networks and the other names that a service has on them; namespaces shared with other services.

use coc_model::application::{KeyFate, Tie};
use coc_model::mistake::Mistake;

use super::engine::as_given;
use super::merge::names;
use super::service::ServiceReading;
use super::values::text_list;
use crate::tree::{Key, Node};

/// The network of services that name none.
pub(super) const DEFAULT: &str = "default";

/// `networks`: names, or a map of names to settings.
pub(super) fn networks(service: &mut ServiceReading<'_, '_>, node: &Node) {
    for item in node.as_list().unwrap_or_default() {
        if service.reading.text(item).is_none() {
            return;
        }
    }
    let map = names(node);
    for (key, settings) in service.reading.entries(&map, "a list of networks, or a map") {
        service.references.networks.push((key.text.to_string(), key.at.clone()));
        let aliases = network(service, key, settings);
        service.service.networks.insert(key.text.to_string(), aliases);
    }
}

/// Keeps the settings of a service on a network; gives its other names there.
fn network(service: &mut ServiceReading<'_, '_>, key: &Key, settings: &Node) -> Vec<String> {
    let mut aliases = Vec::new();
    for (inner, value) in service.reading.entries(settings, "a map of settings") {
        let field: &[&str] = match &*inner.text {
            "aliases" => {
                aliases = text_list(value, service.reading).into_iter().map(|(a, _)| a).collect();
                continue;
            }
            "ipv4_address" => &["IPAMConfig", "IPv4Address"],
            "ipv6_address" => &["IPAMConfig", "IPv6Address"],
            "link_local_ips" => &["IPAMConfig", "LinkLocalIPs"],
            "mac_address" => &["MacAddress"],
            "driver_opts" => &["DriverOpts"],
            "gw_priority" => &["GwPriority"],
            "priority" | "interface_name" => {
                let name = format!("networks.{}.{}", key.text, inner.text);
                service.without_effect(&name, &inner.at, "networks are connected by the plan");
                continue;
            }
            text if text.starts_with("x-") => continue,
            _ => {
                let known = [
                    "aliases",
                    "ipv4_address",
                    "ipv6_address",
                    "link_local_ips",
                    "mac_address",
                    "driver_opts",
                    "gw_priority",
                    "priority",
                    "interface_name",
                ];
                service.reading.unknown_key(inner, &known, "a network of a service");
                continue;
            }
        };
        let mut path = vec!["NetworkingConfig", "EndpointsConfig", &*key.text];
        path.extend(field);
        service.docker.put(&path, as_given(value));
        let name = format!("networks.{}.{}", key.text, inner.text);
        service.say(&name, &inner.at, KeyFate::Carried);
    }
    aliases
}

/// `container_name`: the name under which others may reach the container.
pub(super) fn container_name(service: &mut ServiceReading<'_, '_>, node: &Node) {
    let Some(name) = service.reading.text(node).filter(|name| !name.is_empty()) else { return };
    let good = name.len() > 1
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c));
    if !good {
        return service.reading.wrong(node, "a name of letters, digits, \"_\", \".\" and \"-\"");
    }
    let note = "containers get their names from the plan; this one stays a name to reach it by";
    service.notes.add("container_name", &node.at, note);
    service.container_name = Some(node.at.clone());
    service.host_names.push(name);
}

/// `hostname`: how a container calls itself, and another name to reach it by.
pub(super) fn hostname(service: &mut ServiceReading<'_, '_>, node: &Node) {
    let Some(name) = service.reading.text(node).filter(|name| !name.is_empty()) else { return };
    service.docker.put(&["Hostname"], name.as_str());
    service.host_names.push(name);
}

/// `network_mode`.
pub(super) fn network_mode(service: &mut ServiceReading<'_, '_>, node: &Node) {
    namespace(service, node, "network_mode", "NetworkMode", "network");
    service.network_mode = Some(node.at.clone());
}

/// `ipc`.
pub(super) fn ipc(service: &mut ServiceReading<'_, '_>, node: &Node) {
    namespace(service, node, "ipc", "IpcMode", "memory");
}

/// `pid`.
pub(super) fn pid(service: &mut ServiceReading<'_, '_>, node: &Node) {
    namespace(service, node, "pid", "PidMode", "processes");
}

/// A namespace of its own, of the host, or of another service or container. In the document another
/// service is written `service:NAME`, to be replaced by its container when there is one.
fn namespace(
    service: &mut ServiceReading<'_, '_>,
    node: &Node,
    key: &'static str,
    field: &str,
    what: &str,
) {
    let Some(mode) = service.reading.text(node).filter(|mode| !mode.is_empty()) else { return };
    service.docker.put(&["HostConfig", field], mode.as_str());
    if let Some(other) = mode.strip_prefix("service:") {
        let reason = format!("shares the {what} of {other}");
        let at = node.at.clone();
        service.references.ties.push(Tie { service: other.to_owned(), reason, at: at.clone() });
        service.references.implied.push(((other.to_owned(), at), key));
    } else {
        service.say(key, &node.at, KeyFate::Carried);
        if let Some(container) = mode.strip_prefix("container:") {
            let note = format!("the container {container} must be there on the same host");
            service.notes.add(key, &node.at, &note);
        }
    }
}

/// Gives the service its other names on its networks, once all are known.
pub(super) fn settle(service: &mut ServiceReading<'_, '_>) {
    if let Some(at) = service.network_mode.clone() {
        if !service.service.networks.is_empty() {
            let says = "a service can't have both network_mode and networks";
            service.reading.log.push(Mistake::at(at, says).hint("take one of them out"));
        }
        return;
    }
    let own = service.name;
    let names: Vec<String> =
        std::mem::take(&mut service.host_names).into_iter().filter(|name| name != own).collect();
    if names.is_empty() {
        return;
    }
    let networks = &mut service.service.networks;
    if networks.is_empty() {
        networks.insert(DEFAULT.to_owned(), Vec::new());
    }
    for aliases in networks.values_mut() {
        for name in &names {
            if !aliases.contains(name) {
                aliases.push(name.clone());
            }
        }
    }
}
