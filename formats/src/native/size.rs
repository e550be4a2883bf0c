//! How large a service is: needs, limits and replicas.

use std::collections::BTreeSet;

use coc_model::application::{AcceleratorNeed, Limits, Needs, Replicas};
use coc_model::mistake::{Mistake, MistakeLog};
use coc_model::offer::Architecture;
use coc_model::quantity::{Bytes, Cpu};

use crate::fields::{Fields, REPLICAS_MAX, list, mistake_at, quantity, text, whole};
use crate::tree::{Core, Node};

/// What one replica reserves.
pub(super) fn needs(node: &Node, log: &mut MistakeLog) -> Needs {
    let mut needs = Needs::default();
    let Some(mut fields) = Fields::of(node, "needs", log) else { return needs };
    needs.cpu = fields.get("cpu").and_then(|node| quantity(node, "cpu", Cpu::parse, log));
    needs.memory =
        fields.get("memory").and_then(|node| quantity(node, "memory", Bytes::parse, log));
    needs.accelerator = fields.get("accelerator").and_then(|node| accelerator(node, log));
    needs.architecture = fields.get("architecture").and_then(|node| architecture(node, log));
    needs.ephemeral_storage = fields
        .get("ephemeral_storage")
        .and_then(|node| quantity(node, "ephemeral_storage", Bytes::parse, log));
    fields.finish(log);
    needs
}

/// `L4`, `L4:2`, a number of any model, or `{name, count}`.
fn accelerator(node: &Node, log: &mut MistakeLog) -> Option<AcceleratorNeed> {
    if node.as_map().is_some() {
        let mut fields = Fields::of(node, "accelerator", log)?;
        let name = fields.get("name").and_then(|node| text(node, "name", log));
        let count = fields.get("count").and_then(|node| whole(node, "count", (1, 1024), log));
        fields.finish(log);
        return Some(AcceleratorNeed { name, count: count.or(Some(1)) });
    }
    if matches!(node.as_scalar().map(|s| s.core()), Some(Core::Int(_))) {
        let count = whole(node, "accelerator", (1, 1024), log)?;
        return Some(AcceleratorNeed { name: None, count: Some(count) });
    }
    let written = text(node, "accelerator", log)?;
    let (name, count) = written.split_once(':').unwrap_or((&written, "1"));
    match count.parse::<u32>() {
        Ok(count @ 1..=1024) if !name.is_empty() => {
            Some(AcceleratorNeed { name: Some(name.to_owned()), count: Some(count) })
        }
        _ => {
            let says = format!("\"{written}\" is not an accelerator: expected one like L4 or L4:2");
            log.push(mistake_at(node, says));
            None
        }
    }
}

fn architecture(node: &Node, log: &mut MistakeLog) -> Option<Architecture> {
    let written = text(node, "architecture", log)?;
    let architecture = Architecture::parse(&written);
    if architecture.is_none() {
        let mistake = mistake_at(node, format!("architecture \"{written}\" is not known here"));
        log.push(mistake.hint("it is x86_64 or arm64"));
    }
    architecture
}

/// What one replica may not exceed.
pub(super) fn limits(node: &Node, log: &mut MistakeLog) -> Limits {
    let mut limits = Limits::default();
    let Some(mut fields) = Fields::of(node, "limits", log) else { return limits };
    limits.cpu = fields.get("cpu").and_then(|node| quantity(node, "cpu", Cpu::parse, log));
    limits.memory =
        fields.get("memory").and_then(|node| quantity(node, "memory", Bytes::parse, log));
    limits.pids = fields.get("pids").and_then(|node| whole(node, "pids", (1, 1 << 22), log));
    fields.finish(log);
    limits
}

/// How many replicas: a number, `{min, max}`, `{oneOf: […]}` or `per-host`.
pub(super) fn replicas(node: &Node, log: &mut MistakeLog) -> Option<Replicas> {
    if node.as_scalar().is_some_and(|s| matches!(&*s.text, "per-host" | "per_host")) {
        return Some(Replicas::PerHost);
    }
    if node.as_map().is_none() {
        return whole(node, "replicas", (0, REPLICAS_MAX), log).map(Replicas::exactly);
    }
    let mut fields = Fields::of(node, "replicas", log)?;
    let bounds = (0, REPLICAS_MAX);
    if let Some(node) = fields.get("oneOf") {
        for name in ["min", "max"] {
            if let Some((key, _)) = fields.entry(name) {
                let says = format!("replicas has oneOf already: {name} says something else");
                log.push(Mistake::at(key.at.clone(), says).width(name.len()));
            }
        }
        fields.finish(log);
        return one_of(node, bounds, log);
    }
    let min = fields.get("min").map_or(Some(1), |node| whole(node, "min", bounds, log));
    let max = fields.required("max", &node.at, log);
    let max = max.and_then(|node| whole(node, "max", bounds, log));
    fields.finish(log);
    let (min, max) = (min?, max?);
    if min > max {
        log.push(Mistake::at(node.at.clone(), format!("min {min} is above max {max}")));
        return None;
    }
    Some(Replicas::Between { min, max })
}

/// The numbers that a plan may choose from, each once.
fn one_of(node: &Node, bounds: (u32, u32), log: &mut MistakeLog) -> Option<Replicas> {
    let items = list(node, "oneOf", log)?;
    let mut numbers = BTreeSet::new();
    for item in items {
        let Some(number) = whole(item, "each number of oneOf", bounds, log) else { continue };
        if !numbers.insert(number) {
            log.push(mistake_at(item, format!("oneOf has {number} twice")));
        }
    }
    let replicas = Replicas::one_of(numbers);
    if items.is_empty() {
        log.push(Mistake::at(node.at.clone(), "oneOf has no number to choose from"));
    }
    replicas
}
