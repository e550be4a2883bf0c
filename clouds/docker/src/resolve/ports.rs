//! Ports of containers, and on the host.

use std::collections::BTreeMap;

use coc_cloud::cloud::Ask;
use coc_model::application::{Port, Service};
use coc_model::mistake::Mistake;
use serde_json::{Map, Value, json};

/// The ports a container opens (`ExposedPorts`).
pub(super) fn exposed(service: &Service) -> Map<String, Value> {
    service.ports.iter().map(|port| (key(port), json!({}))).collect()
}

/// The ports of the host that lead to them (`PortBindings`): those that are published, and public
/// ones at any free port if none is said.
pub(super) fn bindings(service: &Service) -> Map<String, Value> {
    let mut bindings: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for port in service.ports.iter().filter(|p| p.published.is_some() || p.public) {
        bindings.entry(key(port)).or_default().push(json!({
            "HostIp": port.host_ip.as_deref().unwrap_or_default(),
            "HostPort": port.published.map(|p| p.to_string()).unwrap_or_default(),
        }));
    }
    bindings.into_iter().map(|(key, list)| (key, list.into())).collect()
}

fn key(port: &Port) -> String {
    format!("{}/{}", port.target, port.protocol.name())
}

/// Ports of the host that two replicas here would both take.
pub(super) fn clashes(cloud: &str, ask: &Ask<'_>) -> Vec<Mistake> {
    let mut taken: Vec<(&Port, &str, u32)> = Vec::new();
    let mut mistakes = Vec::new();
    for asked in ask.replicas {
        let Some(service) = ask.application.services.get(&asked.service) else { continue };
        for port in service.ports.iter().filter(|p| p.published.is_some()) {
            let other = taken.iter().find(|(other, name, number)| {
                (*name, *number) != (asked.service.as_str(), asked.replica) && clash(port, other)
            });
            if let Some((_, name, number)) = other {
                let says = format!(
                    "host port {} of cloud {cloud} would be taken by {name} {number} and {} {}",
                    port.published.unwrap_or_default(),
                    asked.service,
                    asked.replica
                );
                mistakes.push(Mistake::at(service.at.clone(), says).hint(
                    "leave the host port out, or run one replica per engine (spread over hosts)",
                ));
            }
            taken.push((port, &asked.service, asked.replica));
        }
    }
    mistakes
}

/// True if two ports can't be published on one host.
fn clash(a: &Port, b: &Port) -> bool {
    let any = |port: &Port| matches!(port.host_ip.as_deref(), None | Some("" | "0.0.0.0" | "::"));
    a.published == b.published
        && a.protocol == b.protocol
        && (any(a) || any(b) || a.host_ip == b.host_ip)
}
