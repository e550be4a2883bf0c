//! Autoscalers: the least and the most replicas of the workload they name.

use std::collections::BTreeMap;

use coc_model::application::{KeyFate, Replicas};
use coc_model::mistake::{Mistake, MistakeLog};

use super::draft::Draft;
use super::keys;
use super::object::Object;
use super::scalars::{self, at_path, text_at};
use crate::fields::{REPLICAS_MAX, no_such, text_position};

/// Workloads by kind, namespace and name, with their index.
pub(super) type Targets<'n> = BTreeMap<(&'n str, &'n str, &'n str), usize>;

/// What autoscalers may name.
pub(super) fn targets<'n>(drafts: &[Draft<'n>]) -> Targets<'n> {
    let key = |draft: &Draft<'n>| (draft.kind, draft.namespace, draft.object_name);
    drafts.iter().enumerate().map(|(i, draft)| (key(draft), i)).collect()
}

/// Reads an autoscaler and sets the replicas of its target.
pub(super) fn read(
    object: &Object<'_>,
    targets: &Targets<'_>,
    drafts: &mut [Draft<'_>],
    log: &mut MistakeLog,
) {
    let Some(spec) = at_path(object.node, &["spec"]) else {
        log.push(Mistake::at(object.at.clone(), format!("{} has no \"spec\"", object.title())));
        return;
    };
    keys::check(Some(spec), &object.title(), keys::AUTOSCALER, log);
    let bounds = (0, REPLICAS_MAX);
    let min = match at_path(spec, &["minReplicas"]) {
        Some(node) => scalars::whole(node, "minReplicas", bounds, log),
        None => Some(1),
    };
    let max = match at_path(spec, &["maxReplicas"]) {
        Some(node) => scalars::whole(node, "maxReplicas", (1, REPLICAS_MAX), log),
        None => {
            let says = format!("{} has no \"maxReplicas\"", object.title());
            log.push(Mistake::at(spec.at.clone(), says));
            None
        }
    };
    let Some(place) = target(object, targets, log) else { return };
    let draft = &mut drafts[place];
    let (Some(min), Some(max)) = (min, max) else { return };
    if min > max {
        let says = format!("minReplicas {min} of {} is above maxReplicas {max}", object.title());
        log.push(Mistake::at(object.at.clone(), says));
        return;
    }
    if let Some(first) = &draft.autoscaler {
        let says = format!("{} scales what {first} scales already", object.title());
        log.push(Mistake::at(object.at.clone(), says));
        return;
    }
    draft.autoscaler = Some(object.title());
    draft.service.replicas = Replicas::Between { min, max };
    if let Some(at) = &draft.replicas_at {
        let note = format!("{} decides", object.title());
        draft.notes.say("spec.replicas".to_owned(), at, KeyFate::WithoutEffect, Some(note));
    }
}

fn target(object: &Object<'_>, targets: &Targets<'_>, log: &mut MistakeLog) -> Option<usize> {
    let (kind, name) = named(object);
    let (Some(kind), Some(name)) = (kind, name) else {
        let says = format!("{} does not say what it scales", object.title());
        let mistake = Mistake::at(object.at.clone(), says);
        log.push(mistake.hint("write kind and name under \"scaleTargetRef\""));
        return None;
    };
    if let Some(found) = targets.get(&(kind, object.namespace, name)) {
        return Some(*found);
    }
    let at = at_path(object.node, &["spec", "scaleTargetRef", "name"])
        .map_or_else(|| object.at.clone(), text_position);
    let says = format!("{} scales {kind} \"{name}\", which is not in these files", object.title());
    let names = targets.keys().map(|(.., name)| *name).collect();
    log.push(no_such(Mistake::at(at, says).width(name.chars().count()), name, &names));
    None
}

/// Kind and name of what an autoscaler scales.
pub(super) fn named<'n>(object: &Object<'n>) -> (Option<&'n str>, Option<&'n str>) {
    let part = |key| text_at(object.node, &["spec", "scaleTargetRef", key]);
    (part("kind"), part("name"))
}
