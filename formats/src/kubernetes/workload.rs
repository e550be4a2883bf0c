//! Workloads: Deployments and their like, as services.

use coc_model::application::{Inference, KeyFate, Replicas, Restart, Volume};
use coc_model::mistake::{Mistake, MistakeLog, Position};
use coc_model::secret::Secrets;
use serde_json::json;

use super::budget::Budget;
use super::draft::Draft;
use super::keys::{self, Notes};
use super::names::legal;
use super::object::{Object, WorkloadKind, labels};
use super::pod::{self, PodReader};
use super::scalars::{self, at_path, text_at};
use super::selector::Selector;
use super::settings::Settings;
use super::{document, volumes};
use crate::fields::REPLICAS_MAX;
use crate::tree::Node;

/// Reads a workload as the service of this name.
pub(super) fn read<'n>(
    object: &Object<'n>,
    kind: WorkloadKind,
    name: String,
    settings: &Settings,
    secrets: &mut Secrets,
    budget: &mut Budget,
    log: &mut MistakeLog,
) -> Draft<'n> {
    let mut draft = Draft::new(object, name);
    draft.notes.walk(object.node, "", keys::OBJECT, log);
    if let Some(metadata) = at_path(object.node, &["metadata"]) {
        draft.notes.walk(metadata, "metadata", keys::METADATA, log);
    }
    note_levels(object.node, kind, &mut draft.notes, log);
    if draft.name != object.name {
        let reason = format!("{} in namespace {}", object.title(), object.namespace);
        draft.service.inferred.push(Inference { what: "name".to_owned(), reason });
    }
    claim_templates(object, &mut draft, secrets, log);
    let path = kind.template_path();
    match at_path(object.node, path) {
        Some(template) => {
            draft.labels = labels(at_path(template, &["metadata", "labels"]), "a label", log);
            draft.service.labels.clone_from(&draft.labels);
            let default = ["metadata", "annotations", "kubectl.kubernetes.io/default-container"];
            let spec_path = [path, &["spec"]].concat().join(".");
            let mut reader =
                PodReader { settings, secrets: &mut *secrets, log: &mut *log, budget, draft };
            pod::read(&mut reader, template, &spec_path, text_at(template, &default));
            draft = reader.draft;
        }
        None => {
            let says = format!("{} has no \"{}\"", object.title(), path.join("."));
            log.push(Mistake::at(object.at.clone(), says));
        }
    }
    check_selector(object, kind, &draft.labels, log);
    replicas(object, kind, &mut draft, log);
    let document = document::of_workload(object, &draft.name, &draft.sealed, secrets);
    let title = format!("{}/{}", object.api_version, object.kind);
    draft.service.native.insert(volumes::DRIVER.to_owned(), json!({ title: document }));
    draft
}

/// Says what became of the keys between the object and its pod.
fn note_levels(node: &Node, kind: WorkloadKind, notes: &mut Notes, log: &mut MistakeLog) {
    if kind == WorkloadKind::Pod {
        return;
    }
    let Some(spec) = at_path(node, &["spec"]) else { return };
    notes.walk(spec, "spec", keys::WORKLOAD, log);
    let mut path = "spec".to_owned();
    let mut template = at_path(spec, &["template"]);
    if kind == WorkloadKind::CronJob {
        path = "spec.jobTemplate.spec".to_owned();
        let job = at_path(spec, &["jobTemplate", "spec"]);
        if let Some(job) = job {
            notes.walk(job, &path, keys::WORKLOAD, log);
        }
        template = job.and_then(|job| at_path(job, &["template"]));
    }
    let Some(template) = template else { return };
    notes.walk(template, &format!("{path}.template"), keys::TEMPLATE, log);
    if let Some(metadata) = at_path(template, &["metadata"]) {
        notes.walk(metadata, &format!("{path}.template.metadata"), keys::METADATA, log);
    }
}

/// The claim templates of a StatefulSet become volumes of its own.
fn claim_templates(
    object: &Object<'_>,
    draft: &mut Draft<'_>,
    secrets: &mut Secrets,
    log: &mut MistakeLog,
) {
    let Some(spec) = at_path(object.node, &["spec"]) else { return };
    for node in scalars::items(spec, "volumeClaimTemplates", log) {
        let Some(template) = at_path(node, &["metadata", "name"]) else {
            log.push(Mistake::at(node.at.clone(), "a claim template has no name"));
            continue;
        };
        let Some(template) = scalars::text(template, "name", log) else { continue };
        let volume = legal(&format!("{template}-{}", draft.name));
        let title = format!("the claim template \"{template}\"");
        let mut claim = volumes::claim(node, &title, log);
        seal_claim(&mut claim, &volume, secrets);
        draft.volumes.insert(volume.clone(), claim);
        draft.templates.insert(template, volume);
    }
}

/// Takes secrets out of the document of a claim.
pub(super) fn seal_claim(claim: &mut Volume, volume: &str, secrets: &mut Secrets) {
    for document in claim.native.values_mut() {
        let path = format!("application:volume:{volume}:native.{}", volumes::DRIVER);
        *document = crate::sealing::seal_urls(std::mem::take(document), &path, secrets);
    }
}

/// A selector that does not select the workload's own pods, which no cluster accepts.
fn check_selector(
    object: &Object<'_>,
    kind: WorkloadKind,
    pod_labels: &super::object::Labels,
    log: &mut MistakeLog,
) {
    use WorkloadKind::{DaemonSet, Deployment, ReplicaSet, ReplicationController, StatefulSet};
    let spec_selector = at_path(object.node, &["spec", "selector"]);
    let selector = match (kind, spec_selector) {
        (ReplicationController, Some(node)) => Selector::of_map(Some(node), log),
        (Deployment | StatefulSet | DaemonSet | ReplicaSet, Some(node)) => {
            Selector::read(node, log)
        }
        (Deployment | StatefulSet | DaemonSet | ReplicaSet, None)
            if object.api_version == "apps/v1" =>
        {
            let says = format!("{} has no \"spec.selector\"", object.title());
            let mistake = Mistake::at(object.at.clone(), says);
            log.push(mistake.hint("write the labels of the pods under \"matchLabels\""));
            return;
        }
        _ => return,
    };
    if !selector.matches(pod_labels) {
        let at = spec_selector.map_or_else(|| object.at.clone(), |node| node.at.clone());
        let says = format!("the selector of {} does not select its own pods", object.title());
        let hint = "the labels under \"spec.template.metadata.labels\" must match it";
        log.push(Mistake::at(at, says).hint(hint));
    }
}

/// How many replicas run, and until when.
fn replicas(object: &Object<'_>, kind: WorkloadKind, draft: &mut Draft<'_>, log: &mut MistakeLog) {
    let bounds = (0, REPLICAS_MAX);
    let number = |path: &[&str], log: &mut MistakeLog| {
        let key = path.last().copied().unwrap_or_default();
        at_path(object.node, path).and_then(|node| scalars::whole(node, key, bounds, log))
    };
    draft.service.replicas = match kind {
        WorkloadKind::DaemonSet => Replicas::PerHost,
        WorkloadKind::Pod => Replicas::exactly(1),
        WorkloadKind::Job | WorkloadKind::CronJob => {
            let path: &[&str] = match kind {
                WorkloadKind::Job => &["spec"],
                _ => &["spec", "jobTemplate", "spec"],
            };
            let under = |key| [path, &[key]].concat();
            let parallel = number(&under("parallelism"), log).unwrap_or(1);
            let completions = number(&under("completions"), log);
            Replicas::exactly(completions.map_or(parallel, |most| parallel.min(most)))
        }
        _ => {
            draft.replicas_at = entry_at(object.node, &["spec"], "replicas");
            Replicas::exactly(number(&["spec", "replicas"], log).unwrap_or(1))
        }
    };
    let suspended = at_path(object.node, &["spec", "suspend"])
        .and_then(|node| scalars::flag(node, "suspend", log))
        .unwrap_or(false);
    if suspended {
        draft.service.replicas = Replicas::exactly(0);
        let what = "replicas".to_owned();
        draft.service.inferred.push(Inference { what, reason: "it is suspended".to_owned() });
    }
    if kind == WorkloadKind::CronJob
        && let Some(at) = entry_at(object.node, &["spec"], "schedule")
    {
        let note = "the schedule is kept for Kubernetes; plans reserve room for it at all times";
        draft.notes.say("spec.schedule".to_owned(), &at, KeyFate::Carried, Some(note.to_owned()));
    }
    if matches!(kind, WorkloadKind::Job | WorkloadKind::CronJob)
        && draft.service.restart == Restart::Always
    {
        let says = format!("the restart policy of {} can't be Always", object.title());
        let mistake = Mistake::at(object.at.clone(), says);
        log.push(mistake.hint("write restartPolicy: OnFailure or Never into its pod"));
    }
}

/// Where the key under a path stands.
fn entry_at(node: &Node, path: &[&str], key: &str) -> Option<Position> {
    let entries = at_path(node, path)?.as_map()?;
    entries.iter().find(|(name, _)| &*name.text == key).map(|(name, _)| name.at.clone())
}
