//! Probes as the health check of a service.
//!
//! A pod has up to three probes, a service one check. Readiness says whether others may use it,
//! which is what those wait for that start after it; so it is taken before liveness, and that
//! before startup. The startup probe says how long failures don't count.

use coc_model::application::{Healthcheck, KeyFate, Probe};
use coc_model::mistake::{Mistake, MistakeLog, closest};
use coc_model::quantity::Micros;

use super::pod::{Container, PodReader, refuse_password};
use super::scalars::{self, at_path, text_at};
use crate::tree::Node;

const PROBES: [&str; 3] = ["readinessProbe", "livenessProbe", "startupProbe"];

/// Reads the probes of the service's own container.
pub(super) fn read(pod: &mut PodReader<'_, '_>, container: &Container<'_>) {
    let found: Vec<(&str, &Node)> = PROBES
        .into_iter()
        .filter_map(|key| Some((key, at_path(container.node, &[key])?)))
        .collect();
    let Some((chosen, node)) = found.first() else { return };
    let startup = at_path(container.node, &["startupProbe"]).filter(|_| *chosen != "startupProbe");
    let start_period = startup.and_then(|node| start_period(node, pod.log));
    pod.draft.service.healthcheck =
        check(pod, node, &format!("{}.{chosen}", container.path), start_period);
    for (key, _) in &found {
        let Some((place, _)) = entry(container.node, key) else { continue };
        let path = format!("{}.{key}", container.path);
        let used = key == chosen || (*key == "startupProbe" && start_period.is_some());
        let (fate, note) = if used {
            (KeyFate::Used, None)
        } else {
            (KeyFate::Carried, Some(format!("the health check is taken from {chosen}")))
        };
        pod.draft.notes.say(path, &place.at, fate, note);
    }
}

fn entry<'n>(node: &'n Node, key: &str) -> Option<&'n (crate::tree::Key, Node)> {
    node.as_map()?.iter().find(|(name, _)| &*name.text == key)
}

/// How long a container may take to start by its startup probe.
fn start_period(node: &Node, log: &mut MistakeLog) -> Option<Micros> {
    let delay = number(node, "initialDelaySeconds", 0, log);
    let (failures, period) =
        (number(node, "failureThreshold", 3, log), number(node, "periodSeconds", 10, log));
    Some(seconds(delay.saturating_add(failures.saturating_mul(period))))
}

fn check(
    pod: &mut PodReader<'_, '_>,
    node: &Node,
    key: &str,
    start_period: Option<Micros>,
) -> Option<Healthcheck> {
    let probe = probe(pod, node, key)?;
    let mut number = |key, default| number(node, key, default, pod.log);
    let delay = number("initialDelaySeconds", 0);
    let interval = seconds(number("periodSeconds", 10));
    let timeout = seconds(number("timeoutSeconds", 1));
    let retries = u32::try_from(number("failureThreshold", 3)).ok();
    let start_period = start_period.or_else(|| (delay > 0).then(|| seconds(delay)));
    Some(Healthcheck {
        probe,
        interval: Some(interval),
        timeout: Some(timeout),
        retries,
        start_period,
    })
}

fn seconds(count: u64) -> Micros {
    Micros(count.saturating_mul(1_000_000))
}

/// A number of a probe, or what Kubernetes takes where none is written.
fn number(node: &Node, key: &str, default: u64, log: &mut MistakeLog) -> u64 {
    let found = at_path(node, &[key]);
    found.and_then(|node| scalars::whole(node, key, (0, u32::MAX), log)).map_or(default, u64::from)
}

fn probe(pod: &mut PodReader<'_, '_>, node: &Node, key: &str) -> Option<Probe> {
    if let Some(exec) = at_path(node, &["exec"]) {
        let mut words = Vec::new();
        for node in scalars::items(exec, "command", pod.log) {
            let Some(word) = scalars::text(node, "an item of command", pod.log) else { continue };
            refuse_password(pod, node, &word, "the probe");
            words.push(word);
        }
        return Some(Probe::Command(words));
    }
    if let Some(get) = at_path(node, &["httpGet"]) {
        let path = text_at(get, &["path"]).unwrap_or("/").to_owned();
        let port = port(pod, get)?;
        if text_at(get, &["scheme"]) == Some("HTTPS") {
            let note = "probed over HTTPS on Kubernetes; elsewhere by connecting only".to_owned();
            pod.draft.notes.say(format!("{key}.httpGet"), &get.at, KeyFate::Carried, Some(note));
            return Some(Probe::Tcp(port));
        }
        return Some(Probe::Http { path, port });
    }
    if let Some(socket) = at_path(node, &["tcpSocket"]) {
        return Some(Probe::Tcp(port(pod, socket)?));
    }
    if let Some(grpc) = at_path(node, &["grpc"]) {
        return Some(Probe::Grpc(port(pod, grpc)?));
    }
    let mistake = Mistake::at(node.at.clone(), "the probe does not say how it probes");
    pod.log.push(mistake.hint("it is one of: httpGet, tcpSocket, exec, grpc"));
    None
}

/// The port of a probe: a number, or the name of a port of the pod.
fn port(pod: &mut PodReader<'_, '_>, node: &Node) -> Option<u16> {
    let Some(node) = at_path(node, &["port"]) else {
        pod.log.push(Mistake::at(node.at.clone(), "the probe has no port"));
        return None;
    };
    let word = scalars::word(node, "port", pod.log)?;
    if let Some(number) = word.parse::<u16>().ok().filter(|number| *number > 0) {
        return Some(number);
    }
    if let Some((_, number)) = pod.draft.port_names.iter().find(|(name, _)| name == word) {
        return Some(*number);
    }
    let says = format!("the pod has no port \"{word}\"");
    let mistake = crate::fields::mistake_at(node, says);
    let meant = closest(word, pod.draft.port_names.iter().map(|(name, _)| &**name));
    pod.log.push(match meant {
        Some(name) => mistake.hint(format!("did you mean \"{name}\"?")),
        None => mistake,
    });
    None
}
