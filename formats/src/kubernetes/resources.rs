//! What a pod requests, computed as the scheduler does.
//!
//! Containers run together, so their requests add up. Init containers run one after the other
//! before them, so the pod needs at least the largest of those, each on top of the sidecars (init
//! containers with `restartPolicy: Always`) started before it; sidecars go on running and count
//! with the containers. The pod's overhead comes on top of all. Requests of the pod as a whole
//! take the place of those of its containers.
//! Source: "Resource sharing within containers" in the Kubernetes page on init containers, and
//! KEP-753, KEP-2837.

use std::collections::BTreeMap;

use coc_model::application::{AcceleratorNeed, Inference, KeyFate, Limits, Needs};
use coc_model::mistake::{Mistake, MistakeLog, Position};
use coc_model::quantity::{Bytes, Cpu};

use super::pod::{Container, PodReader};
use super::quantity::Quantity;
use super::scalars::{self, at_path};
use crate::fields::{map, mistake_at};
use crate::tree::Node;

/// Amounts by resource name.
type Amounts = BTreeMap<String, (Quantity, Position)>;

/// Requests and limits of one container or pod.
#[derive(Default)]
struct Declared {
    requests: Amounts,
    limits: Amounts,
}

/// What one container declared.
struct Part<'c> {
    name: &'c str,
    is_init: bool,
    is_sidecar: bool,
    declared: Declared,
}

const CPU: &str = "cpu";
const MEMORY: &str = "memory";
const EPHEMERAL: &str = "ephemeral-storage";
/// Resources that are accelerators, one for each unit.
const ACCELERATORS: [&str; 3] = ["nvidia.com/gpu", "amd.com/gpu", "gpu.intel.com/xe"];

/// Reads the resources of all containers into the needs and limits of the service.
pub(super) fn read(pod: &mut PodReader<'_, '_>, spec: &Node, containers: &[Container<'_>]) {
    let mut parts = Vec::new();
    for container in containers {
        let owner = format!("container \"{}\"", container.name);
        let mut declared = declared(container.node, &owner, pod.log);
        default_to_limits(pod, container, &mut declared);
        check_bounds(&declared, &owner, pod.log);
        parts.push(Part {
            name: container.name,
            is_init: container.is_init,
            is_sidecar: container.is_sidecar,
            declared,
        });
    }
    let whole = declared(spec, "the pod", pod.log);
    check_bounds(&whole, "the pod", pod.log);
    let overhead = amounts(spec, &["overhead"], "the pod", pod.log);
    let mut total = |name: &str, count: fn(Quantity) -> Option<u64>| {
        let requested = requested(&parts, &whole, name)?;
        let more = overhead.get(name).map_or(Quantity::default(), |(quantity, _)| *quantity);
        let total = requested.and_then(|sum| sum.plus(more)).and_then(count);
        if total.is_none() {
            let says = format!("the pod asks for more {name} than can be counted");
            pod.log.push(Mistake::at(spec.at.clone(), says));
        }
        total
    };
    pod.draft.service.needs = Needs {
        cpu: total(CPU, Quantity::thousandths).map(Cpu),
        memory: total(MEMORY, Quantity::units).map(Bytes),
        ephemeral_storage: total(EPHEMERAL, Quantity::units).map(Bytes),
        accelerator: accelerators(total),
        architecture: None,
    };
    pod.draft.service.limits = limits(&parts, &whole);
    explain_sums(pod, &parts, &whole);
    note_others(pod, containers, &parts);
}

fn declared(node: &Node, owner: &str, log: &mut MistakeLog) -> Declared {
    Declared {
        requests: amounts(node, &["resources", "requests"], owner, log),
        limits: amounts(node, &["resources", "limits"], owner, log),
    }
}

fn amounts(node: &Node, path: &[&str], owner: &str, log: &mut MistakeLog) -> Amounts {
    let Some(node) = at_path(node, path) else { return Amounts::new() };
    let what = format!("\"{}\" of {owner}", path.last().unwrap_or(&""));
    let mut amounts = Amounts::new();
    for (key, value) in map(node, &what, log).unwrap_or_default() {
        let name = &*key.text;
        let Some(word) = scalars::word(value, name, log) else { continue };
        match Quantity::parse(word) {
            Err(error) => log.push(mistake_at(value, format!("{name}: {error}"))),
            Ok(quantity)
                if name != CPU && !quantity.is_whole() && word.ends_with(['m', 'u', 'n']) =>
            {
                log.push(fraction_mistake(value, name, word));
            }
            Ok(quantity) => {
                amounts.insert(name.to_owned(), (quantity, value.at.clone()));
            }
        }
    }
    amounts
}

/// Thousandths of a byte or of a device: nearly always a capital M that was meant.
fn fraction_mistake(node: &Node, name: &str, word: &str) -> Mistake {
    let mistake = mistake_at(node, format!("{name}: \"{word}\" is not a whole number of units"));
    if name.contains('/') {
        return mistake;
    }
    let number = word.trim_end_matches(['m', 'u', 'n']);
    mistake.hint(format!("\"m\" is a thousandth; did you mean {number}Mi?"))
}

/// A limit without a request is a request, as the API server fills it in.
fn default_to_limits(pod: &mut PodReader<'_, '_>, container: &Container<'_>, it: &mut Declared) {
    for (name, amount) in &it.limits {
        if it.requests.contains_key(name) {
            continue;
        }
        it.requests.insert(name.clone(), amount.clone());
        let reason = format!(
            "the limit of container \"{}\", as Kubernetes takes it where no request is written",
            container.name
        );
        let what = format!("needs.{name}");
        pod.draft.service.inferred.push(Inference { what, reason });
    }
}

fn check_bounds(it: &Declared, owner: &str, log: &mut MistakeLog) {
    for (name, (request, at)) in &it.requests {
        let Some((limit, _)) = it.limits.get(name) else { continue };
        if request > limit {
            let says = format!("{owner} requests more {name} than its limit");
            log.push(Mistake::at(at.clone(), says).hint("raise the limit or lower the request"));
        } else if request != limit && name.contains('/') {
            let says = format!("request and limit of {name} differ in {owner}");
            log.push(Mistake::at(at.clone(), says).hint("Kubernetes wants them equal"));
        }
    }
}

/// What the pod requests of one resource: `None` if nobody says, `Some(None)` if it is beyond
/// counting.
fn requested(parts: &[Part<'_>], whole: &Declared, name: &str) -> Option<Option<Quantity>> {
    if let Some((quantity, _)) = whole.requests.get(name) {
        return Some(Some(*quantity));
    }
    if parts.iter().any(|part| part.declared.requests.contains_key(name)) {
        return Some(effective(parts, name));
    }
    whole.limits.get(name).map(|(quantity, _)| Some(*quantity))
}

/// The effective request of all containers; `None` if it is beyond counting.
fn effective(parts: &[Part<'_>], name: &str) -> Option<Quantity> {
    let of = |part: &Part<'_>| {
        let request = part.declared.requests.get(name);
        request.map_or(Quantity::default(), |(quantity, _)| *quantity)
    };
    let mut running = Quantity::default();
    let mut sidecars = Quantity::default();
    let mut starting = Quantity::default();
    for part in parts.iter().filter(|part| !part.is_init) {
        running = running.plus(of(part))?;
    }
    for part in parts.iter().filter(|part| part.is_init) {
        if part.is_sidecar {
            running = running.plus(of(part))?;
            sidecars = sidecars.plus(of(part))?;
            starting = starting.max(sidecars);
        } else {
            starting = starting.max(sidecars.plus(of(part))?);
        }
    }
    Some(running.max(starting))
}

fn accelerators(
    mut total: impl FnMut(&str, fn(Quantity) -> Option<u64>) -> Option<u64>,
) -> Option<AcceleratorNeed> {
    let count = ACCELERATORS.iter().find_map(|name| total(name, Quantity::units))?;
    let count = u32::try_from(count).ok().filter(|count| *count > 0)?;
    Some(AcceleratorNeed { name: None, count: Some(count) })
}

/// The pod is limited where every container that runs is.
fn limits(parts: &[Part<'_>], whole: &Declared) -> Limits {
    let of = |name: &str| {
        if let Some((quantity, _)) = whole.limits.get(name) {
            return Some(*quantity);
        }
        let running = parts.iter().filter(|part| !part.is_init || part.is_sidecar);
        running
            .map(|part| part.declared.limits.get(name).map(|(quantity, _)| *quantity))
            .try_fold(None, |sum: Option<Quantity>, limit| {
                Some(Some(sum.unwrap_or_default().plus(limit?)?))
            })
            .flatten()
    };
    Limits {
        cpu: of(CPU).and_then(Quantity::thousandths).map(Cpu),
        memory: of(MEMORY).and_then(Quantity::units).map(Bytes),
        pids: None,
    }
}

/// Says how needs of several containers came together.
fn explain_sums(pod: &mut PodReader<'_, '_>, parts: &[Part<'_>], whole: &Declared) {
    if parts.len() < 2 {
        return;
    }
    for name in [CPU, MEMORY, EPHEMERAL] {
        let who = |init: bool| -> Vec<&str> {
            let has = |part: &&Part<'_>| part.declared.requests.contains_key(name);
            let kind = |part: &&Part<'_>| (part.is_init && !part.is_sidecar) == init;
            parts.iter().filter(has).filter(kind).map(|part| part.name).collect()
        };
        let (together, before) = (who(false), who(true));
        let reason = match (whole.requests.contains_key(name), together.len(), before.len()) {
            (true, ..) => "what the pod requests as a whole".to_owned(),
            (_, 0, 0) => continue,
            (_, _, 0) => format!("the sum of containers {}", together.join(", ")),
            (_, 0, _) => format!("the largest of init containers {}", before.join(", ")),
            _ => format!(
                "the sum of containers {}, at least the largest of init containers {}",
                together.join(", "),
                before.join(", ")
            ),
        };
        pod.draft.service.inferred.push(Inference { what: format!("needs.{name}"), reason });
    }
}

/// Resources that no plan counts are kept, and said so.
fn note_others(pod: &mut PodReader<'_, '_>, containers: &[Container<'_>], parts: &[Part<'_>]) {
    let counted =
        |name: &str| [CPU, MEMORY, EPHEMERAL].contains(&name) || ACCELERATORS.contains(&name);
    for (container, part) in containers.iter().zip(parts) {
        for (name, (_, at)) in part.declared.requests.iter().filter(|(name, _)| !counted(name)) {
            let key = format!("{}.resources[{name}]", container.path);
            let note = "plans do not count this resource; kept for Kubernetes".to_owned();
            pod.draft.notes.say(key, at, KeyFate::Carried, Some(note));
        }
    }
}
