//! Services and Ingresses: which ports can be reached, under which names, and from where.

use std::collections::BTreeMap;

use coc_model::application::{Inference, KeyFate, Port, Protocol};
use coc_model::mistake::{Mistake, MistakeLog, closest};

use super::budget::Budget;
use super::draft::Draft;
use super::keys;
use super::object::Object;
use super::pod;
use super::scalars::{self, at_path, text_at};
use super::selector::Selector;
use crate::fields::mistake_at;
use crate::tree::Node;

/// A Service with the workloads behind it.
pub(super) struct Entrance {
    pub(super) name: String,
    pub(super) namespace: String,
    /// The workloads it selects, by their index.
    pub(super) selects: Vec<usize>,
    /// Its ports, with their names.
    pub(super) ports: Vec<EntrancePort>,
    /// True if it is no more than a name for the pods themselves.
    pub(super) headless: bool,
}

/// A port of a Service.
pub(super) struct EntrancePort {
    pub(super) port: u16,
    name: Option<String>,
    /// The port it leads to in each workload, by index.
    pub(super) targets: BTreeMap<usize, u16>,
}

/// The note on an object: what became of it, in words.
pub(super) type Verdict = (KeyFate, Option<String>);

/// How a Service can be reached from outside.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outside {
    No,
    NodePort,
    LoadBalancer,
}

/// Services by namespace and name.
pub(super) type ByName<'e> = BTreeMap<(&'e str, &'e str), &'e Entrance>;

/// Services by namespace and name.
pub(super) fn by_name(entrances: &[Entrance]) -> ByName<'_> {
    entrances.iter().map(|e| ((&*e.namespace, &*e.name), e)).collect()
}

impl Entrance {
    /// What it costs to look through its ports.
    pub(super) fn effort(&self) -> usize {
        1 + self.ports.len() / 256
    }
}

/// Reads a Service and gives its ports to the workloads behind it.
pub(super) fn read_service(
    object: &Object<'_>,
    drafts: &mut [Draft<'_>],
    budget: &mut Budget,
    log: &mut MistakeLog,
) -> (Entrance, Verdict) {
    let spec = at_path(object.node, &["spec"]);
    keys::check(spec, &object.title(), keys::SERVICE, log);
    let selector = Selector::of_map(spec.and_then(|s| at_path(s, &["selector"])), log);
    let looks = budget.take(1 + drafts.len() / 256, &object.at, log);
    let mut selects: Vec<usize> = if selector.is_empty() || !looks {
        Vec::new()
    } else {
        let meant = |d: &Draft<'_>| d.namespace == object.namespace && selector.matches(&d.labels);
        (0..drafts.len()).filter(|&i| meant(&drafts[i])).collect()
    };
    let ports = spec.map_or(&[][..], |spec| scalars::items(spec, "ports", log));
    if !budget.take(selects.len().saturating_mul(1 + ports.len()), &object.at, log) {
        selects.clear();
    }
    let outside = outside(object, spec, log);
    let mut entrance = Entrance {
        name: object.name.to_owned(),
        namespace: object.namespace.to_owned(),
        selects,
        ports: Vec::new(),
        headless: spec.and_then(|s| text_at(s, &["clusterIP"])) == Some("None"),
    };
    for node in ports {
        entrance.ports.extend(read_port(object, node, &entrance.selects, outside, drafts, log));
    }
    for &i in &entrance.selects {
        let draft = &mut drafts[i];
        if draft.name != entrance.name {
            let names = draft.service.networks.entry("default".to_owned()).or_default();
            names.push(entrance.name.clone());
        }
    }
    let verdict = verdict(object, &selector, &entrance);
    (entrance, verdict)
}

/// How a Service can be reached from outside, by its type or by addresses given to it.
fn outside(object: &Object<'_>, spec: Option<&Node>, log: &mut MistakeLog) -> Outside {
    let addresses = spec.map_or(&[][..], |spec| scalars::items(spec, "externalIPs", log));
    match spec.and_then(|spec| text_at(spec, &["type"])) {
        Some("LoadBalancer") => Outside::LoadBalancer,
        Some("NodePort") => Outside::NodePort,
        None | Some("ClusterIP") if !addresses.is_empty() => Outside::LoadBalancer,
        None | Some("ClusterIP" | "ExternalName") => Outside::No,
        Some(other) => {
            let says = format!("{} can't be of type \"{other}\"", object.title());
            let mistake = Mistake::at(object.at.clone(), says);
            log.push(mistake.hint("it is one of: ClusterIP, NodePort, LoadBalancer, ExternalName"));
            Outside::No
        }
    }
}

fn verdict(object: &Object<'_>, selector: &Selector, entrance: &Entrance) -> Verdict {
    if text_at(object.node, &["spec", "type"]) == Some("ExternalName") {
        return (KeyFate::Carried, Some("a name for a host outside".to_owned()));
    }
    if selector.is_empty() {
        return (
            KeyFate::Carried,
            Some("selects no pods; what it leads to is elsewhere".to_owned()),
        );
    }
    if entrance.selects.is_empty() {
        let note = "selects no workload of these files".to_owned();
        return (KeyFate::Carried, Some(note));
    }
    let moved: Vec<String> = entrance
        .ports
        .iter()
        .flat_map(|p| {
            p.targets.values().filter(|t| **t != p.port).map(|t| format!("{} to {t}", p.port))
        })
        .collect();
    let note = (!moved.is_empty()).then(|| {
        format!(
            "leads {}: elsewhere than on Kubernetes it is the second that answers",
            moved.join(", ")
        )
    });
    (KeyFate::Used, note)
}

fn read_port(
    object: &Object<'_>,
    node: &Node,
    selects: &[usize],
    outside: Outside,
    drafts: &mut [Draft<'_>],
    log: &mut MistakeLog,
) -> Option<EntrancePort> {
    let Some(number) = at_path(node, &["port"]) else {
        log.push(Mistake::at(
            node.at.clone(),
            format!("a port of {} has no number", object.title()),
        ));
        return None;
    };
    let port = pod::port(number, "port", log)?;
    let protocol = pod::protocol(node, log);
    let name = at_path(node, &["name"]).and_then(|node| scalars::text(node, "name", log));
    let target = at_path(node, &["targetPort"]);
    let targets = targets(object, target, port, selects, drafts, log);
    let node_port = at_path(node, &["nodePort"]).and_then(|n| pod::port(n, "nodePort", log));
    for (&i, &target) in &targets {
        let title = object.title();
        let place = open(&mut drafts[i], target, protocol, &title);
        match outside {
            Outside::No => {}
            Outside::NodePort => publish(place, node_port),
            Outside::LoadBalancer => publish(place, Some(port)),
        }
    }
    Some(EntrancePort { port, name, targets })
}

fn publish(place: &mut Port, published: Option<u16>) {
    place.public = true;
    place.published = place.published.or(published);
}

/// The port of a workload, added if its containers don't say that they have it.
fn open<'d>(
    draft: &'d mut Draft<'_>,
    target: u16,
    protocol: Protocol,
    title: &str,
) -> &'d mut Port {
    let ports = &mut draft.service.ports;
    let place = *draft.open.entry((target, protocol)).or_insert(ports.len());
    if place < ports.len() {
        return &mut ports[place];
    }
    let what = format!("port {target}");
    draft.service.inferred.push(Inference { what, reason: format!("{title} leads to it") });
    let (published, host_ip, name) = (None, None, None);
    ports.push(Port { target, published, host_ip, protocol, public: false, name });
    &mut ports[place]
}

/// The port that each workload answers on.
fn targets(
    object: &Object<'_>,
    node: Option<&Node>,
    port: u16,
    selects: &[usize],
    drafts: &[Draft<'_>],
    log: &mut MistakeLog,
) -> BTreeMap<usize, u16> {
    let Some(node) = node else { return selects.iter().map(|&i| (i, port)).collect() };
    let Some(word) = scalars::word(node, "targetPort", log) else { return BTreeMap::new() };
    if word.bytes().all(|b| b.is_ascii_digit()) {
        return match word.parse::<u16>().ok().filter(|number| *number > 0) {
            Some(number) => selects.iter().map(|&i| (i, number)).collect(),
            None => {
                log.push(mistake_at(node, format!("\"{word}\" is not a port")));
                BTreeMap::new()
            }
        };
    }
    let found: BTreeMap<usize, u16> = selects
        .iter()
        .filter_map(|&i| {
            let (_, number) = drafts[i].port_names.iter().find(|(name, _)| name == word)?;
            Some((i, *number))
        })
        .collect();
    if found.is_empty() && !selects.is_empty() {
        let says = format!("no pod that {} selects has a port \"{word}\"", object.title());
        let names = selects.iter().flat_map(|&i| &drafts[i].port_names).map(|(name, _)| &**name);
        let mistake = mistake_at(node, says);
        log.push(match closest(word, names) {
            Some(name) => mistake.hint(format!("did you mean \"{name}\"?")),
            None => mistake.hint("give the port a name in the container, or write its number"),
        });
    }
    found
}

/// Opens to the outside what an Ingress or route leads to.
pub(super) fn read_ingress(
    object: &Object<'_>,
    entrances: &ByName<'_>,
    drafts: &mut [Draft<'_>],
    budget: &mut Budget,
    log: &mut MistakeLog,
) -> Verdict {
    let mut backends = Vec::new();
    collect_backends(object.node, &mut backends);
    let mut missing = Vec::new();
    for (name, port) in &backends {
        let Some(entrance) = entrances.get(&(object.namespace, *name)) else {
            missing.push(format!("\"{name}\""));
            continue;
        };
        if !budget.take(entrance.effort() + entrance.selects.len(), &object.at, log) {
            break;
        }
        let meant = |p: &&EntrancePort| match port {
            None => true,
            Some(word) => p.port.to_string() == *word || p.name.as_deref() == Some(word),
        };
        for (&i, &target) in entrance.ports.iter().filter(meant).flat_map(|p| &p.targets) {
            let draft = &mut drafts[i];
            for protocol in [Protocol::Tcp, Protocol::Udp, Protocol::Sctp] {
                if let Some(&place) = draft.open.get(&(target, protocol)) {
                    draft.service.ports[place].public = true;
                }
            }
        }
    }
    missing.sort();
    missing.dedup();
    if missing.is_empty() {
        return (KeyFate::Used, None);
    }
    let note = format!("leads to Service {}, not in these files", missing.join(", "));
    let fate = if missing.len() < backends.len() { KeyFate::Used } else { KeyFate::Carried };
    (fate, Some(note))
}

/// Every Service that something below a node leads to, with the number or name of its port.
fn collect_backends<'n>(node: &'n Node, out: &mut Vec<(&'n str, Option<&'n str>)>) {
    if let Some(service) = at_path(node, &["service"])
        && let Some(name) = text_at(service, &["name"])
    {
        let port = text_at(service, &["port", "number"]);
        out.push((name, port.or_else(|| text_at(service, &["port", "name"]))));
    }
    if let Some(name) = text_at(node, &["serviceName"]) {
        out.push((name, text_at(node, &["servicePort"])));
    }
    for (key, value) in node.as_map().unwrap_or_default() {
        if &*key.text == "backendRefs" {
            let refs = value.as_list().unwrap_or_default().iter();
            let services =
                refs.filter(|node| matches!(text_at(node, &["kind"]), None | Some("Service")));
            out.extend(
                services.filter_map(|n| Some((text_at(n, &["name"])?, text_at(n, &["port"])))),
            );
        } else {
            collect_backends(value, out);
        }
    }
    for item in node.as_list().unwrap_or_default() {
        collect_backends(item, out);
    }
}
