//! Labels of nodes that a pod asks for: zones, regions, architectures, models of accelerators.

use coc_model::application::Inference;
use coc_model::goals::Policy;
use coc_model::mistake::{Mistake, Position};
use coc_model::offer::Architecture;
use serde_json::json;

use super::pod::PodReader;
use super::scalars::{self, at_path, text_at};
use super::scheduling::{carried, level, located, named};
use crate::tree::Node;

/// Reads the node selector and the node affinity of a pod.
pub(super) fn read(pod: &mut PodReader<'_, '_>, spec: &Node, path: &str) {
    if let Some(selector) = at_path(spec, &["nodeSelector"]) {
        let path = format!("{path}.nodeSelector");
        for (key, value) in crate::fields::map(selector, "nodeSelector", pod.log).unwrap_or(&[]) {
            let Some(text) = scalars::text(value, &key.text, pod.log) else { continue };
            let (values, operator) = (vec![text], Operator::In);
            let wanted = Wanted { key: &key.text, values, operator, at: &value.at };
            node_label(pod, &wanted, Policy::Must, &format!("{path}[{}]", key.text));
        }
    }
    if let Some(affinity) = at_path(spec, &["affinity", "nodeAffinity"]) {
        node_affinity(pod, affinity, &format!("{path}.affinity.nodeAffinity"));
    }
}

fn is_architecture(key: &str) -> bool {
    matches!(key, "kubernetes.io/arch" | "beta.kubernetes.io/arch")
}

/// A label that nodes shall have, or shall not.
struct Wanted<'n> {
    key: &'n str,
    values: Vec<String>,
    operator: Operator,
    at: &'n Position,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operator {
    In,
    NotIn,
    /// Whether the label is there at all, or how large it is: nothing that places have.
    Other,
}

/// A condition on a label of nodes: a need, a goal, or a note.
fn node_label(pod: &mut PodReader<'_, '_>, wanted: &Wanted<'_>, policy: Policy, path: &str) {
    if wanted.operator == Operator::Other {
        return carried(pod, path, wanted.at, "only \"In\" and \"NotIn\" can be planned on");
    }
    let plain = wanted.operator == Operator::In;
    if is_architecture(wanted.key) && policy == Policy::Must && plain {
        return architecture(pod, wanted, path);
    }
    if wanted.key.rsplit('/').next().is_some_and(is_accelerator) && plain {
        return accelerator(pod, wanted, path);
    }
    match level(wanted.key).filter(|level| *level != "host") {
        Some(level) => {
            let goal = if plain { "within" } else { "avoid" };
            let places = match wanted.values.as_slice() {
                [one] => json!(one),
                several => json!(several),
            };
            let arguments = [
                ("services", located(json!([pod.draft.name]), wanted.at)),
                (level, located(places, wanted.at)),
            ];
            pod.draft.requirements.push(named(goal, arguments, policy, wanted.at));
        }
        None if wanted.key.ends_with("kubernetes.io/os") && wanted.values == ["linux"] => {}
        None => {
            let note = format!("plans know nothing of the node label \"{}\"", wanted.key);
            carried(pod, path, wanted.at, note);
        }
    }
}

fn architecture(pod: &mut PodReader<'_, '_>, wanted: &Wanted<'_>, path: &str) {
    let known: Vec<Architecture> =
        wanted.values.iter().filter_map(|value| Architecture::parse(value)).collect();
    match known.as_slice() {
        [one] if wanted.values.len() == 1 => {
            pod.draft.service.needs.architecture = Some(*one);
            let what = "needs.architecture".to_owned();
            let reason = format!("the node label \"{}\"", wanted.key);
            pod.draft.service.inferred.push(Inference { what, reason });
        }
        _ => {
            carried(pod, path, wanted.at, "more than one architecture will do, or none known here");
        }
    }
}

/// Labels that name the model of accelerators, as clusters commonly have them.
fn is_accelerator(word: &str) -> bool {
    word == "accelerator" || word.ends_with("-accelerator") || word == "gpu.product"
}

/// The model of the accelerators, from the label by which their nodes are chosen.
fn accelerator(pod: &mut PodReader<'_, '_>, wanted: &Wanted<'_>, path: &str) {
    const ASIDE: [&str; 8] = ["NVIDIA", "TESLA", "SXM2", "SXM3", "SXM4", "SXM5", "PCIE", "HBM3"];
    let model = |value: &String| {
        let upper = value.to_ascii_uppercase();
        let parts = upper.split(['-', '_', ' ']).filter(|part| !ASIDE.contains(part));
        parts.collect::<Vec<_>>().join("-")
    };
    let models: Vec<String> = wanted.values.iter().map(model).collect();
    match (models.as_slice(), &mut pod.draft.service.needs.accelerator) {
        ([one], Some(need)) if !one.is_empty() => {
            need.name = Some(one.clone());
            let what = "needs.accelerator".to_owned();
            let reason = format!("the node label \"{}: {}\"", wanted.key, wanted.values[0]);
            pod.draft.service.inferred.push(Inference { what, reason });
        }
        _ => carried(pod, path, wanted.at, "no single model of accelerator follows from it"),
    }
}

fn node_affinity(pod: &mut PodReader<'_, '_>, node: &Node, path: &str) {
    let required = ["requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms"];
    if let Some(terms) = at_path(node, &required) {
        let path = format!("{path}.{}", required[0]);
        let terms = scalars::list(terms, required[1], pod.log);
        let read: Vec<Vec<Wanted<'_>>> = terms.iter().map(|term| expressions(pod, term)).collect();
        match one_of_many(&read) {
            Some(wanted) => {
                for wanted in wanted {
                    node_label(pod, &wanted, Policy::Must, &path);
                }
            }
            None => carried(pod, &path, &node.at, "alternatives that no single goal can say"),
        }
    }
    let preferred = "preferredDuringSchedulingIgnoredDuringExecution";
    for item in scalars::items(node, preferred, pod.log) {
        let Some(term) = at_path(item, &["preference"]) else { continue };
        for wanted in expressions(pod, term) {
            node_label(pod, &wanted, Policy::Should, &format!("{path}.{preferred}"));
        }
    }
}

/// The conditions that must hold together: those of the only term, or the union of the values
/// where every term asks for one label, and the same.
fn one_of_many<'n>(terms: &[Vec<Wanted<'n>>]) -> Option<Vec<Wanted<'n>>> {
    let copy = |wanted: &Wanted<'n>| Wanted {
        key: wanted.key,
        values: wanted.values.clone(),
        operator: wanted.operator,
        at: wanted.at,
    };
    if let [only] = terms {
        return Some(only.iter().map(copy).collect());
    }
    let first = terms.first()?.first()?;
    let same = terms.iter().all(
        |term| matches!(term.as_slice(), [one] if one.key == first.key && one.operator == Operator::In),
    );
    if !same {
        return None;
    }
    let mut union = copy(first);
    union.values = terms.iter().flatten().flat_map(|wanted| wanted.values.clone()).collect();
    union.values.sort();
    union.values.dedup();
    Some(vec![union])
}

fn expressions<'n>(pod: &mut PodReader<'_, '_>, term: &'n Node) -> Vec<Wanted<'n>> {
    let mut wanted = Vec::new();
    for node in scalars::items(term, "matchExpressions", pod.log) {
        let Some(key) = text_at(node, &["key"]) else {
            pod.log.push(Mistake::at(node.at.clone(), "the expression has no \"key\""));
            continue;
        };
        let values = scalars::items(node, "values", pod.log);
        let values = values.iter().filter_map(|v| scalars::text(v, "a value", pod.log)).collect();
        let operator = match text_at(node, &["operator"]) {
            Some("In") => Operator::In,
            Some("NotIn") => Operator::NotIn,
            _ => Operator::Other,
        };
        wanted.push(Wanted { key, values, operator, at: &node.at });
    }
    wanted
}
