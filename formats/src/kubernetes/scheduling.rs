//! Where pods may run: spread, affinity and node selectors as named goals.
//!
//! | Kubernetes | goal |
//! |---|---|
//! | `topologySpreadConstraints` | `spread: {service, over, maxSkew}` |
//! | `podAntiAffinity` to its own pods | `apart: {services: [it], over}` |
//! | `podAntiAffinity` to other pods | `apart: {services: [it, other], over}` |
//! | `podAffinity` | `colocate: {services: [it, other], over}` |
//! | `nodeSelector`, `nodeAffinity` on zone or region | `within: {services: [it], zone: [...]}` |
//! | the same, `NotIn` | `avoid: {services: [it], zone: [...]}` |
//! | the same on architecture | the service's own need |
//!
//! What must be there at scheduling is a *must*, what is preferred a *should*. Everything else
//! stays in the document for Kubernetes, with a note.

use std::collections::BTreeMap;

use coc_model::application::KeyFate;
use coc_model::goals::{Located, Policy, Requirement, RequirementBody};
use coc_model::mistake::{Mistake, MistakeLog, Position};
use serde_json::{Value as Json, json};

use super::budget::Budget;
use super::draft::Draft;
use super::nodes;
use super::object::Labels;
use super::pod::PodReader;
use super::scalars::{self, at_path, text_at};
use super::selector::Selector;
use crate::fields::text_position;
use crate::tree::Node;

/// A rule between the pods of a service and those that a selector means; which services those are
/// is known only when all are read.
pub(super) struct PodRule {
    /// `apart` or `colocate`.
    goal: &'static str,
    selector: Selector,
    /// The namespaces meant; empty for the service's own.
    namespaces: Vec<String>,
    over: Located<Json>,
    policy: Policy,
    at: Position,
    /// The key, for notes.
    path: String,
}

/// A spread, and the pods that count; whose those are is known only when all are read.
pub(super) struct SpreadRule {
    goal: Requirement,
    selector: Selector,
    /// The key, for notes.
    path: String,
}

/// The level of places that a label of nodes tells of.
pub(super) fn level(key: &str) -> Option<&'static str> {
    match key {
        "topology.kubernetes.io/zone" | "failure-domain.beta.kubernetes.io/zone" => Some("zone"),
        "topology.kubernetes.io/region" | "failure-domain.beta.kubernetes.io/region" => {
            Some("region")
        }
        "kubernetes.io/hostname" => Some("host"),
        _ => None,
    }
}

/// Reads the rules of a pod.
pub(super) fn read(pod: &mut PodReader<'_, '_>, spec: &Node, path: &str) {
    for (i, node) in scalars::items(spec, "topologySpreadConstraints", pod.log).iter().enumerate() {
        spread(pod, node, &format!("{path}.topologySpreadConstraints[{i}]"));
    }
    nodes::read(pod, spec, path);
    for (key, goal) in [("podAffinity", "colocate"), ("podAntiAffinity", "apart")] {
        if let Some(affinity) = at_path(spec, &["affinity", key]) {
            pod_affinity(pod, affinity, goal, &format!("{path}.affinity.{key}"));
        }
    }
}

/// Notes a rule that is kept for Kubernetes and not planned on.
pub(super) fn carried(
    pod: &mut PodReader<'_, '_>,
    path: &str,
    at: &Position,
    note: impl Into<String>,
) {
    pod.draft.notes.say(path.to_owned(), at, KeyFate::Carried, Some(note.into()));
}

/// A value and its place.
pub(super) fn located(value: impl Into<Json>, at: &Position) -> Located<Json> {
    Located { value: value.into(), at: at.clone() }
}

/// A named goal.
pub(super) fn named<const N: usize>(
    name: &str,
    arguments: [(&str, Located<Json>); N],
    policy: Policy,
    at: &Position,
) -> Requirement {
    let arguments: BTreeMap<String, Located<Json>> =
        arguments.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let body = RequirementBody::Named { name: name.to_owned(), arguments, short: None };
    Requirement { body, policy, at: at.clone() }
}

fn spread(pod: &mut PodReader<'_, '_>, node: &Node, path: &str) {
    let Some(key) = at_path(node, &["topologyKey"]) else {
        pod.log.push(Mistake::at(node.at.clone(), "the constraint has no \"topologyKey\""));
        return;
    };
    let Some(key_text) = scalars::text(key, "topologyKey", pod.log) else { return };
    let skew = match at_path(node, &["maxSkew"]) {
        Some(skew) => scalars::whole(skew, "maxSkew", (1, u32::MAX), pod.log)
            .map(|value| located(value, &text_position(skew))),
        None => {
            pod.log.push(Mistake::at(node.at.clone(), "the constraint has no \"maxSkew\""));
            None
        }
    };
    let Some(skew) = skew else { return };
    let policy = match text_at(node, &["whenUnsatisfiable"]) {
        Some("ScheduleAnyway") => Policy::Should,
        Some("DoNotSchedule") => Policy::Must,
        other => {
            let says = match other {
                Some(other) => format!("whenUnsatisfiable can't be \"{other}\""),
                None => "the constraint has no \"whenUnsatisfiable\"".to_owned(),
            };
            let mistake = Mistake::at(node.at.clone(), says);
            pod.log.push(mistake.hint("it is DoNotSchedule or ScheduleAnyway"));
            return;
        }
    };
    let selector =
        at_path(node, &["labelSelector"]).map(|selector| Selector::read(selector, pod.log));
    let Some(level) = level(&key_text) else {
        carried(pod, path, &node.at, format!("plans know nothing of \"{key_text}\""));
        return;
    };
    match selector {
        Some(selector) if selector.matches(&pod.draft.labels) => {
            let arguments = [
                ("service", located(pod.draft.name.clone(), &node.at)),
                ("over", located(level, &text_position(key))),
                ("maxSkew", skew),
            ];
            let goal = named("spread", arguments, policy, &node.at);
            pod.draft.spreads.push(SpreadRule { goal, selector, path: path.to_owned() });
            if at_path(node, &["minDomains"]).is_some() {
                let path = format!("{path}.minDomains");
                carried(pod, &path, &node.at, "plans do not look at it");
            }
        }
        _ => {
            let note = "it counts no pod of this workload: without effect";
            pod.draft.notes.say(
                path.to_owned(),
                &node.at,
                KeyFate::WithoutEffect,
                Some(note.to_owned()),
            );
        }
    }
}

fn pod_affinity(pod: &mut PodReader<'_, '_>, node: &Node, goal: &'static str, path: &str) {
    let required = "requiredDuringSchedulingIgnoredDuringExecution";
    for (i, term) in scalars::items(node, required, pod.log).iter().enumerate() {
        pod_term(pod, term, goal, Policy::Must, &format!("{path}.{required}[{i}]"));
    }
    let preferred = "preferredDuringSchedulingIgnoredDuringExecution";
    for (i, item) in scalars::items(node, preferred, pod.log).iter().enumerate() {
        let Some(term) = at_path(item, &["podAffinityTerm"]) else {
            pod.log.push(Mistake::at(item.at.clone(), "the term has no \"podAffinityTerm\""));
            continue;
        };
        pod_term(pod, term, goal, Policy::Should, &format!("{path}.{preferred}[{i}]"));
    }
}

fn pod_term(
    pod: &mut PodReader<'_, '_>,
    node: &Node,
    goal: &'static str,
    policy: Policy,
    path: &str,
) {
    let Some(key) = at_path(node, &["topologyKey"]) else {
        pod.log.push(Mistake::at(node.at.clone(), "the term has no \"topologyKey\""));
        return;
    };
    let Some(key_text) = scalars::text(key, "topologyKey", pod.log) else { return };
    let Some(level) = level(&key_text) else {
        return carried(pod, path, &node.at, format!("plans know nothing of \"{key_text}\""));
    };
    if at_path(node, &["namespaceSelector"]).is_some() {
        return carried(pod, path, &node.at, "plans know nothing of the labels of namespaces");
    }
    let Some(selector) = at_path(node, &["labelSelector"]) else {
        let note = "it means no pods: without effect".to_owned();
        pod.draft.notes.say(path.to_owned(), &node.at, KeyFate::WithoutEffect, Some(note));
        return;
    };
    let namespaces = scalars::items(node, "namespaces", pod.log);
    let namespaces = namespaces.iter().filter_map(|n| scalars::text(n, "a namespace", pod.log));
    let rule = PodRule {
        goal,
        namespaces: namespaces.collect(),
        selector: Selector::read(selector, pod.log),
        over: located(level, &text_position(key)),
        policy,
        at: node.at.clone(),
        path: path.to_owned(),
    };
    pod.draft.rules.push(rule);
}

impl PodRule {
    /// The goals that say it, given the services that its selector means.
    fn goals(&self, service: &str, meant: &[&str]) -> Vec<Requirement> {
        let goal = |services: Json| {
            let arguments =
                [("services", located(services, &self.at)), ("over", self.over.clone())];
            named(self.goal, arguments, self.policy, &self.at)
        };
        meant
            .iter()
            .map(|other| {
                goal(if *other == service { json!([service]) } else { json!([service, other]) })
            })
            .collect()
    }
}

/// The goals of all workloads, in their order. Rules that mean other pods become goals here.
pub(super) fn goals(
    drafts: &mut [Draft<'_>],
    budget: &mut Budget,
    log: &mut MistakeLog,
) -> Vec<Requirement> {
    let who = Pods(
        drafts.iter().map(|d| (d.name.clone(), d.namespace.to_owned(), d.labels.clone())).collect(),
    );
    let mut all = Vec::new();
    for draft in drafts {
        all.append(&mut draft.requirements);
        for spread in std::mem::take(&mut draft.spreads) {
            if !budget.take(who.effort(), &spread.goal.at, log) {
                return all;
            }
            let counted = who.meant(&spread.selector, &[], draft.namespace);
            if counted.len() == 1 {
                all.push(spread.goal);
            } else {
                let note = format!("counts the pods of {} together", few(&counted));
                draft.notes.say(spread.path, &spread.goal.at, KeyFate::Carried, Some(note));
            }
        }
        for rule in std::mem::take(&mut draft.rules) {
            let others = who.meant(&rule.selector, &rule.namespaces, draft.namespace);
            if !budget.take(who.effort() + 4 * others.len(), &rule.at, log) {
                return all;
            }
            if others.is_empty() {
                let note = "means no pods of these files".to_owned();
                draft.notes.say(rule.path.clone(), &rule.at, KeyFate::Carried, Some(note));
            }
            all.extend(rule.goals(&draft.name, &others));
        }
    }
    all
}

/// A few names of many.
fn few(names: &[&str]) -> String {
    let more = names.len().saturating_sub(5);
    let shown = names[..names.len() - more].join(", ");
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}

/// The pods of all workloads: service, namespace, labels.
struct Pods(Vec<(String, String, Labels)>);

impl Pods {
    /// The services whose pods a selector means.
    fn meant(&self, selector: &Selector, namespaces: &[String], own: &str) -> Vec<&str> {
        let pods = self.0.iter().filter(|(_, namespace, labels)| {
            let here = namespace == own && namespaces.is_empty();
            (here || namespaces.contains(namespace)) && selector.matches(labels)
        });
        pods.map(|(name, ..)| &**name).collect()
    }

    /// What it costs to look at all of them.
    fn effort(&self) -> usize {
        1 + self.0.len() / 256
    }
}
