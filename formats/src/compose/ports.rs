//! Ports: those published on the host, and those only named for other services.

use std::collections::BTreeSet;
use std::net::IpAddr;

use coc_model::application::{Port, Protocol};
use coc_model::mistake::Mistake;

use super::reading::width;
use super::scalar::passed_on;
use super::service::ServiceReading;
use super::short::{self, PortError, ShortPort};
use crate::tree::Node;

/// How many ports of one service are read: every port of both usual protocols.
const PORTS_MAX: usize = 2 << 16;

/// `ports`: texts, numbers and maps.
pub(super) fn ports(service: &mut ServiceReading<'_, '_>, node: &Node) {
    for item in service.reading.items(node, "a list of ports") {
        if item.as_map().is_some() {
            long(service, item);
        } else {
            let Some(text) = text_of(service, item) else { continue };
            match short::port(&text) {
                Ok(port) => publish(service, &port, None, item),
                Err(error) => wrong(service, item, error),
            }
        }
    }
    once_each(service);
}

/// `expose`: ports for other services alone.
pub(super) fn expose(service: &mut ServiceReading<'_, '_>, node: &Node) {
    for item in service.reading.items(node, "a list of ports") {
        let Some(text) = text_of(service, item) else { continue };
        match short::port(&text) {
            Ok(port) if too_many(service, port.target, item) => {}
            Ok(port) if port.published.is_none() && port.host_ip.is_none() => {
                for target in port.target.0..=port.target.1 {
                    let inner = inner_port(target, port.protocol);
                    service.service.ports.push(inner);
                }
            }
            Ok(_) => service.reading.wrong(item, "a port without one on the host"),
            Err(error) => wrong(service, item, error),
        }
    }
    once_each(service);
}

fn text_of(service: &mut ServiceReading<'_, '_>, item: &Node) -> Option<String> {
    let text = item.as_scalar().and_then(passed_on);
    if text.is_none() {
        service.reading.wrong(item, "a port like 8080, \"8080:80\" or \"53:53/udp\"");
    }
    text
}

fn wrong(service: &mut ServiceReading<'_, '_>, item: &Node, error: PortError) {
    let says = format!("{} is no port: {}", service.reading.describe(item), error.says());
    let mistake = Mistake::at(item.at.clone(), says).width(width(item));
    let blanks = service.reading.blanks_below(item);
    service.reading.log.push(Mistake { hint: blanks, ..mistake });
}

fn long(service: &mut ServiceReading<'_, '_>, item: &Node) {
    const KNOWN: [&str; 7] =
        ["app_protocol", "host_ip", "mode", "name", "protocol", "published", "target"];
    let entries = item.as_map().unwrap_or_default();
    service.reading.unknown_keys(entries, &KNOWN, "a port");
    let Some(target) = item.get("target") else {
        return service.reading.wrong(item, "a map with a target");
    };
    let target = service.reading.integer(target, 1..=i64::from(u16::MAX));
    let target = target.and_then(|target| u16::try_from(target).ok());
    let published = item.get("published").map(|node| {
        let text = node.as_scalar().and_then(passed_on).unwrap_or_default();
        let range = short::range(&text).or_else(|| text.is_empty().then_some((0, 0)));
        if range.is_none() {
            service.reading.wrong(node, "a port, or a range of ports");
        }
        range.map(|range| (range.0 > 0).then_some(range))
    });
    let host_ip = item.get("host_ip").map(|node| {
        let text = service.reading.text(node)?;
        let ip = text.parse::<IpAddr>().is_ok();
        if !ip {
            service.reading.wrong(node, "an IP address");
        }
        ip.then_some(text)
    });
    let protocol = item.get("protocol").map(|node| {
        let protocol = service.reading.text(node).and_then(|text| short::protocol(&text));
        if protocol.is_none() {
            service.reading.wrong(node, "tcp, udp or sctp");
        }
        protocol
    });
    let name = item.get("name").and_then(|node| service.reading.text(node));
    note_unused(service, item);
    let known = (target, published.unwrap_or(Some(None)), protocol.unwrap_or(Some(Protocol::Tcp)));
    if let (Some(target), Some(range), Some(protocol)) = known {
        let host_ip = host_ip.flatten();
        let target = (target, target);
        let host_ip = host_ip.as_deref();
        let port = ShortPort { host_ip, published: range, target, protocol };
        publish(service, &port, name.as_deref(), item);
    }
}

fn note_unused(service: &mut ServiceReading<'_, '_>, item: &Node) {
    for (key, value) in item.as_map().unwrap_or_default() {
        let why = match &*key.text {
            "app_protocol" => "what speaks on a port changes nothing",
            "mode" => "there is no Swarm to route by",
            _ => continue,
        };
        let _ = service.reading.text(value);
        service.without_effect(&format!("ports.{}", key.text), &key.at, why);
    }
}

/// Logs that there are too many ports, if there are with so many more.
fn too_many(service: &mut ServiceReading<'_, '_>, more: (u16, u16), item: &Node) -> bool {
    let count = usize::from(more.1 - more.0) + 1;
    let too_many = service.service.ports.len() + count > PORTS_MAX;
    if too_many {
        let says = format!("over {PORTS_MAX} ports of one service are named");
        service.reading.log.push(Mistake::at(item.at.clone(), says).hint("name each port once"));
    }
    too_many
}

fn publish(
    service: &mut ServiceReading<'_, '_>,
    port: &ShortPort<'_>,
    name: Option<&str>,
    item: &Node,
) {
    if too_many(service, port.target, item) {
        return;
    }
    let loopback =
        port.host_ip.and_then(|ip| ip.parse::<IpAddr>().ok()).is_some_and(|ip| ip.is_loopback());
    let one_of = port.published.filter(|range| range.1 - range.0 != port.target.1 - port.target.0);
    if let Some((first, last)) = one_of {
        let note = format!("any of the host's ports {first} to {last} would do; {first} is taken");
        service.notes.add("ports", &item.at, &note);
    }
    for (i, target) in (port.target.0..=port.target.1).enumerate() {
        let offset = u16::try_from(i).unwrap_or(u16::MAX);
        service.service.ports.push(Port {
            target,
            published: port.published.map(|(first, _)| first.saturating_add(offset)),
            host_ip: port.host_ip.map(str::to_owned),
            protocol: port.protocol,
            public: !loopback,
            name: name.map(str::to_owned),
        });
    }
}

const fn inner_port(target: u16, protocol: Protocol) -> Port {
    Port { target, published: None, host_ip: None, protocol, public: false, name: None }
}

/// Takes out ports that are there twice, and inner ones that are published as well.
fn once_each(service: &mut ServiceReading<'_, '_>) {
    let ports = &mut service.service.ports;
    let outer = |port: &&Port| port.public || port.published.is_some();
    let published: BTreeSet<(u16, Protocol)> =
        ports.iter().filter(outer).map(|port| (port.target, port.protocol)).collect();
    let mut seen = BTreeSet::new();
    ports.retain(|port| {
        let inner = !outer(&port) && published.contains(&(port.target, port.protocol));
        let key = (port.host_ip.clone(), port.published, port.target, port.protocol);
        !inner && seen.insert(key)
    });
}
