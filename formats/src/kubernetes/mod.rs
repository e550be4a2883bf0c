//! Kubernetes objects as an application.
//!
//! Every workload is a service; Services, Ingresses, autoscalers, ConfigMaps, Secrets and claims
//! shape it; everything else is kept. All documents of all files are read together: an object may
//! refer to one in another file.

mod budget;
mod claims;
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

use coc_model::application::{Application, KeyFate, KeyNote};
use coc_model::goals::Goals;
use coc_model::mistake::{Mistake, MistakeLog};
use coc_model::secret::Secrets;
use serde_json::Value;

use self::budget::Budget;
use self::draft::Draft;
use self::names::Identity;
use self::network::{Entrance, Verdict};
use self::object::{Object, Role};
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
    let mut budget = Budget::new();
    let settings = Settings::read(&objects, &mut secrets, log);
    let identities: Vec<Identity<'_>> = workloads
        .iter()
        .map(|(object, _)| Identity {
            namespace: object.namespace,
            kind: object.kind,
            name: object.name,
        })
        .collect();
    let mut drafts: Vec<Draft<'_>> = Vec::new();
    for ((object, kind), name) in workloads.iter().zip(names::unique(&identities)) {
        drafts.push(workload::read(object, *kind, name, &settings, &mut secrets, &mut budget, log));
    }
    let (entrances, verdicts) = connect(&objects, &mut drafts, &mut budget, log);
    let links = links::infer(&mut drafts, &entrances, &mut budget, log);
    let require = scheduling::goals(&mut drafts, &mut budget, log);
    let goals = Goals { require, objectives: Vec::new() };
    let volumes = claims::read(&objects, &mut drafts, &mut secrets, log);
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
    budget: &mut Budget,
    log: &mut MistakeLog,
) -> (Vec<Entrance>, BTreeMap<usize, Verdict>) {
    let mut entrances = Vec::new();
    let mut verdicts = BTreeMap::new();
    let targets = scaling::targets(drafts);
    for (i, object) in objects.iter().enumerate() {
        match object.role {
            Role::Autoscaler => {
                scaling::read(object, &targets, drafts, log);
                let note = "its metrics are kept for Kubernetes".to_owned();
                verdicts.insert(i, (KeyFate::Used, Some(note)));
            }
            Role::Service => {
                let (entrance, verdict) = network::read_service(object, drafts, budget, log);
                entrances.push(entrance);
                verdicts.insert(i, verdict);
            }
            _ => {}
        }
    }
    let by_name = network::by_name(&entrances);
    for (i, object) in objects.iter().enumerate().filter(|(_, o)| o.role == Role::Ingress) {
        verdicts.insert(i, network::read_ingress(object, &by_name, drafts, budget, log));
    }
    (entrances, verdicts)
}

/// What became of each object that is no workload.
fn object_notes(
    objects: &[Object<'_>],
    mut verdicts: BTreeMap<usize, Verdict>,
    drafts: &[Draft<'_>],
) -> Vec<KeyNote> {
    let refers = referred(drafts);
    let mut notes = Vec::new();
    for (i, object) in objects.iter().enumerate() {
        let (fate, note) = match (verdicts.remove(&i), object.role) {
            (Some(verdict), _) => verdict,
            (None, Role::Workload(_)) => continue,
            (None, Role::ConfigMap | Role::Secret | Role::Claim) => {
                if refers.contains(&(object.namespace, object.kind, object.name)) {
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

/// The objects that pods take settings or storage from: namespace, kind and name.
fn referred<'d>(drafts: &'d [Draft<'_>]) -> BTreeSet<(&'d str, &'d str, &'d str)> {
    let mut referred = BTreeSet::new();
    for draft in drafts {
        let settings = draft.refers.iter().map(|(kind, name)| (*kind, &**name));
        let claims = draft.claims.iter().map(|claim| ("PersistentVolumeClaim", &*claim.claim));
        referred.extend(settings.chain(claims).map(|(kind, name)| (draft.namespace, kind, name)));
    }
    referred
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
    let says = if found.is_empty() {
        "there is no Kubernetes object in these files".to_owned()
    } else {
        format!("there is no workload in these files: only {}", found.join(", "))
    };
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
