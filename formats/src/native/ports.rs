//! Ports of the native format: a number, or a map.

use std::collections::BTreeSet;

use coc_model::application::{Port, Protocol};
use coc_model::mistake::MistakeLog;

use crate::fields::{Fields, flag, list, mistake_at, one_of, port, text};
use crate::tree::Node;

/// Reads the ports of a service.
pub(super) fn read(node: &Node, log: &mut MistakeLog) -> Vec<Port> {
    let mut ports: Vec<Port> = Vec::new();
    let mut known: BTreeSet<(u16, Protocol)> = BTreeSet::new();
    for item in list(node, "ports", log).unwrap_or_default() {
        let Some(read) = read_port(item, log) else { continue };
        if !known.insert((read.target, read.protocol)) {
            let says = format!("port {}/{} is here twice", read.target, read.protocol.name());
            log.push(mistake_at(item, says));
        } else {
            ports.push(read);
        }
    }
    ports
}

fn read_port(node: &Node, log: &mut MistakeLog) -> Option<Port> {
    let mut out = Port {
        target: 0,
        published: None,
        host_ip: None,
        protocol: Protocol::Tcp,
        public: false,
        name: None,
    };
    if node.as_map().is_none() {
        if node.as_scalar().is_some_and(|s| s.text.contains(':')) {
            let mistake = mistake_at(node, "a port is a number or a map");
            log.push(mistake.hint("write {port: 80, published: 8080}"));
            return None;
        }
        out.target = port(node, "a port", log)?;
        return Some(out);
    }
    let mut fields = Fields::of(node, "a port", log)?;
    let target = fields.required("port", &node.at, log);
    let target = target.and_then(|node| port(node, "port", log));
    out.published = fields.get("published").and_then(|node| port(node, "published", log));
    out.host_ip = fields.get("host_ip").and_then(|node| text(node, "host_ip", log));
    out.name = fields.get("name").and_then(|node| text(node, "name", log));
    const PROTOCOLS: [(&str, Protocol); 3] =
        [("tcp", Protocol::Tcp), ("udp", Protocol::Udp), ("sctp", Protocol::Sctp)];
    if let Some(protocol) =
        fields.get("protocol").and_then(|node| one_of(node, "protocol", &PROTOCOLS, log))
    {
        out.protocol = protocol;
    }
    let public = fields.get("public").and_then(|node| flag(node, "public", log));
    out.public = public.unwrap_or(out.published.is_some());
    fields.finish(log);
    out.target = target?;
    Some(out)
}
