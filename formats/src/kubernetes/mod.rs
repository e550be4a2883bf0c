//! Kubernetes objects as an application.
//!
//! Every workload is a service; Services, Ingresses, autoscalers, ConfigMaps, Secrets and claims
//! shape it; everything else is kept. All documents of all files are read together: an object may
//! refer to one in another file.

mod document;
mod draft;
mod environment;
mod expand;
mod hosts;
mod keys;
mod links;
mod names;
mod network;
mod nodes;
mod object;
mod pod;
mod probes;
mod quantity;
mod resources;
mod scalars;
mod scaling;
mod scheduling;
mod selector;
mod settings;
mod volumes;
mod workload;

use std::collections::{BTreeMap, BTreeSet};

use coc_model::application::{Application, KeyFate, KeyNote, Tie, Volume};
use coc_model::goals::{Goals, Requirement};
use coc_model::mistake::{Mistake, MistakeLog};
use coc_model::secret::Secrets;
use serde_json::Value;

use self::draft::Draft;
use self::names::{Identity, legal};
use self::network::{Entrance, Verdict};
use self::object::{Labels, Object, Role};
use self::selector::Selector;
use self::settings::Settings;
use crate::fields::{is_legal_name, slug};
use crate::tree::Node;

pub(crate) use self::object::is_known_kind;

/// What was read of Kubernetes objects.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The application. A workload's own document is in its service under
    /// `native["kubernetes"]["<apiVersion>/<kind>"]`.
    pub application: Application,
    /// The rules about where pods may run, as named goals.
    pub goals: Goals,
    /// The values that the application and the documents hold by reference only.
    pub secrets: Secrets,
    /// The documents of all objects that are no workloads, in the order of the files, for clouds
    /// that are Kubernetes.
    pub carried: Vec<Value>,
}

/// Reads all documents of all files as one application. `fallback_name` names it where neither
/// the label `app.kubernetes.io/part-of` nor a namespace does.
///
/// # Errors
/// Logged, each at its place: objects without kind or name, or that come twice; values of the
/// wrong type or unit; keys that are nearly known ones; selectors that don't select the workload's
/// own pods; autoscalers of workloads that are not there; and input without any workload.
pub fn read(documents: &[Node], fallback_name: &str, log: &mut MistakeLog) -> Option<Reading> {
    let objects = object::collect(documents, log);
    let workloads: Vec<_> = objects
        .iter()
        .filter_map(|object| match object.role {
            Role::Workload(kind) => Some((object, kind)),
            _ => None,
        })
        .collect();
    if workloads.is_empty() {
        if !objects.is_empty() || log.is_empty() {
            log.push(no_workload(documents, &objects));
        }
        return None;
    }
    let mut secrets = Secrets::new();
    let settings = Settings::read(&objects, &mut secrets, log);
    let identities: Vec<Identity<'_>> = workloads
        .iter()
        .map(|(object, _)| Identity {
            namespace: object.namespace,
            kind: object.kind,
            name: object.name,
        })
        .collect();
    let mut drafts: Vec<Draft<'_>> = workloads
        .iter()
        .zip(names::unique(&identities))
        .map(|((object, kind), name)| {
            workload::read(object, *kind, name, &settings, &mut secrets, log)
        })
        .collect();
    let (entrances, verdicts) = connect(&objects, &mut drafts, log);
    let links = links::infer(&mut drafts, &entrances);
    let goals = Goals { require: requirements(&mut drafts), objectives: Vec::new() };
    let volumes = volumes(&objects, &mut drafts, &mut secrets, log);
    let name = application_name(&drafts, fallback_name);
    let keys = object_notes(&objects, verdicts, &drafts);
    let others = objects.iter().filter(|object| !matches!(object.role, Role::Workload(_)));
    let carried = others.map(|object| document::of_other(object, &mut secrets)).collect();
    let services = drafts
        .into_iter()
        .map(|draft| {
            let mut service = draft.service;
            service.keys = draft.notes.finish();
            service.ports.sort();
            (draft.name, service)
        })
        .collect();
    let application = Application { name, services, links, volumes, keys };
    Some(Reading { application, goals, secrets, carried })
}

/// Lets autoscalers, Services and then Ingresses shape the workloads.
fn connect(
    objects: &[Object<'_>],
    drafts: &mut [Draft<'_>],
    log: &mut MistakeLog,
) -> (Vec<Entrance>, Vec<(usize, Verdict)>) {
    let mut entrances = Vec::new();
    let mut verdicts = Vec::new();
    for (i, object) in objects.iter().enumerate() {
        match object.role {
            Role::Autoscaler => {
                scaling::read(object, drafts, log);
                let note = "its metrics are kept for Kubernetes".to_owned();
                verdicts.push((i, (KeyFate::Used, Some(note))));
            }
            Role::Service => {
                let (entrance, verdict) = network::read_service(object, drafts, log);
                entrances.push(entrance);
                verdicts.push((i, verdict));
            }
            _ => {}
        }
    }
    for (i, object) in objects.iter().enumerate().filter(|(_, o)| o.role == Role::Ingress) {
        verdicts.push((i, network::read_ingress(object, &entrances, drafts)));
    }
    (entrances, verdicts)
}

/// What became of each object that is no workload.
fn object_notes(
    objects: &[Object<'_>],
    verdicts: Vec<(usize, Verdict)>,
    drafts: &[Draft<'_>],
) -> Vec<KeyNote> {
    let mut verdicts: BTreeMap<usize, Verdict> = verdicts.into_iter().collect();
    let mut notes = Vec::new();
    for (i, object) in objects.iter().enumerate() {
        let (fate, note) = match (verdicts.remove(&i), object.role) {
            (Some(verdict), _) => verdict,
            (None, Role::Workload(_)) => continue,
            (None, Role::ConfigMap | Role::Secret | Role::Claim) => {
                if drafts.iter().any(|draft| draft.refers_to(object)) {
                    (KeyFate::Used, None)
                } else {
                    (KeyFate::Carried, Some("no workload of these files refers to it".to_owned()))
                }
            }
            (None, Role::Aside(why)) => (KeyFate::Carried, Some(why.to_owned())),
            (None, _) => {
                let note = format!("{} of {} is not known here", object.kind, object.api_version);
                (KeyFate::Carried, Some(note))
            }
        };
        let key = format!("{}/{}", object.kind, object.name);
        notes.push(KeyNote { key, fate, at: object.at.clone(), note });
    }
    notes
}

/// The goals of all workloads, in their order. Rules that mean other pods become goals here.
fn requirements(drafts: &mut [Draft<'_>]) -> Vec<Requirement> {
    let who: Vec<(String, String, Labels)> =
        drafts.iter().map(|d| (d.name.clone(), d.namespace.to_owned(), d.labels.clone())).collect();
    let meant = |selector: &Selector, namespaces: &[String], own: &str| -> Vec<&str> {
        who.iter()
            .filter(|(_, namespace, labels)| {
                let here = namespace == own && namespaces.is_empty();
                (here || namespaces.contains(namespace)) && selector.matches(labels)
            })
            .map(|(name, ..)| &**name)
            .collect()
    };
    let mut all = Vec::new();
    for draft in drafts {
        all.append(&mut draft.requirements);
        for spread in std::mem::take(&mut draft.spreads) {
            let counted = meant(&spread.selector, &[], draft.namespace);
            if counted.len() == 1 {
                all.push(spread.goal);
            } else {
                let note = format!("counts the pods of {} together", counted.join(", "));
                draft.notes.say(spread.path, &spread.goal.at, KeyFate::Carried, Some(note));
            }
        }
        for rule in std::mem::take(&mut draft.rules) {
            let others = meant(&rule.selector, &rule.namespaces, draft.namespace);
            if others.is_empty() {
                let note = "means no pods of these files".to_owned();
                draft.notes.say(rule.path.clone(), rule.at(), KeyFate::Carried, Some(note));
            }
            all.extend(rule.goals(&draft.name, &others));
        }
    }
    all
}

/// The volumes: claims of the input, claims it only refers to, and what workloads bring along.
fn volumes(
    objects: &[Object<'_>],
    drafts: &mut [Draft<'_>],
    secrets: &mut Secrets,
    log: &mut MistakeLog,
) -> BTreeMap<String, Volume> {
    let mut volumes: BTreeMap<String, Volume> = BTreeMap::new();
    for object in objects.iter().filter(|object| object.role == Role::Claim) {
        let name = legal(object.name);
        let mut claim = volumes::claim(object.node, &object.title(), log);
        claim.at = object.at.clone();
        workload::seal_claim(&mut claim, &name, secrets);
        if let Some(other) = volumes.insert(name, claim) {
            let says = format!("{} has the name of the one at {}", object.title(), other.at);
            let mistake = Mistake::at(object.at.clone(), says);
            log.push(mistake.hint("claims of two namespaces are told apart by their names here"));
        }
        if volumes::is_of_one_host(object, log) {
            tie(object, drafts);
        }
    }
    for draft in drafts {
        volumes.append(&mut draft.volumes);
        for claim in &draft.claims {
            volumes.entry(legal(&claim.claim)).or_insert_with(|| Volume {
                size: None,
                at: claim.at.clone(),
                external: true,
                native: BTreeMap::new(),
            });
        }
    }
    volumes
}

/// Workloads that write to a claim of one host at a time must be on that host together.
fn tie(object: &Object<'_>, drafts: &mut [Draft<'_>]) {
    let of_it = |d: &Draft<'_>| {
        d.namespace == object.namespace
            && d.claims.iter().any(|c| c.claim == object.name && !c.read_only)
    };
    let names: BTreeSet<String> =
        drafts.iter().filter(|d| of_it(d)).map(|d| d.name.clone()).collect();
    let Some(first) = names.first() else { return };
    for draft in drafts.iter_mut().filter(|d| names.contains(&d.name) && d.name != *first) {
        let reason = format!("both write to the claim \"{}\", of one host at a time", object.name);
        draft.service.with.push(Tie { service: first.clone(), reason, at: object.at.clone() });
    }
}

/// The name that all workloads say they are part of, or of their only namespace, or the fallback.
fn application_name(drafts: &[Draft<'_>], fallback: &str) -> String {
    let only = |names: BTreeSet<&str>| match names.into_iter().collect::<Vec<_>>().as_slice() {
        [name] => Some((*name).to_owned()),
        _ => None,
    };
    let whole = only(drafts.iter().filter_map(|d| d.part_of.as_deref()).collect());
    let namespace = only(drafts.iter().map(|d| d.namespace).collect());
    let candidates = [whole, namespace.filter(|name| name != "default")];
    candidates.into_iter().flatten().find(|name| is_legal_name(name)).unwrap_or_else(|| {
        let name = slug(fallback);
        if name.is_empty() { "application".to_owned() } else { name }
    })
}

/// Why input without any workload can't be read: what was found, and what is missing.
fn no_workload(documents: &[Node], objects: &[Object<'_>]) -> Mistake {
    let at = documents.iter().find(|node| !node.is_null()).map(|node| node.at.clone());
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for object in objects {
        *counts.entry(object.kind).or_default() += 1;
    }
    let found: Vec<String> = counts.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    let found = if found.is_empty() { "no object at all".to_owned() } else { found.join(", ") };
    let says = format!("there is no workload in these files: only {found}");
    let mistake = at.map_or_else(|| Mistake::of_request(&*says), |at| Mistake::at(at, &*says));
    let scaled: Vec<String> = objects
        .iter()
        .filter(|object| object.role == Role::Autoscaler)
        .filter_map(|object| match scaling::named(object) {
            (Some(kind), Some(name)) => Some(format!("{kind} \"{name}\"")),
            _ => None,
        })
        .collect();
    mistake.hint(if counts.contains_key("Kustomization") {
        "build the objects first, with: kubectl kustomize".to_owned()
    } else if scaled.is_empty() {
        "give the file with its workloads (Deployment, StatefulSet, ...) too".to_owned()
    } else {
        format!("give the file with {} too", scaled.join(", "))
    })
}
