//! A service being read, with what can be judged only when all objects are.

use std::collections::{BTreeMap, BTreeSet};

use coc_model::application::{Protocol, Service, Volume};
use coc_model::goals::Requirement;
use coc_model::mistake::Position;
use coc_model::secret::SecretRef;

use super::keys::Notes;
use super::object::{Labels, Object};
use super::scheduling::{PodRule, SpreadRule};

/// A workload on its way to a service.
pub(super) struct Draft<'n> {
    /// The name of the service.
    pub(super) name: String,
    /// The name of the object.
    pub(super) object_name: &'n str,
    pub(super) kind: &'n str,
    pub(super) namespace: &'n str,
    /// The application that its labels say it is part of.
    pub(super) part_of: Option<String>,
    /// The labels of its pods.
    pub(super) labels: Labels,
    pub(super) service: Service,
    /// What became of its keys.
    pub(super) notes: Notes,
    /// Rules about where it may run.
    pub(super) requirements: Vec<Requirement>,
    /// How its pods spread, with the pods that count.
    pub(super) spreads: Vec<SpreadRule>,
    /// Rules between its pods and others.
    pub(super) rules: Vec<PodRule>,
    /// Texts in which it may name other services.
    pub(super) mentions: Vec<Mention>,
    /// Where each number and protocol is among its ports.
    pub(super) open: BTreeMap<(u16, Protocol), usize>,
    /// Names of its ports, with their numbers.
    pub(super) port_names: Vec<(String, u16)>,
    /// Volumes that are its own.
    pub(super) volumes: BTreeMap<String, Volume>,
    /// The names that its claim templates have inside the pod, with the volumes they become.
    pub(super) templates: BTreeMap<String, String>,
    /// The claims it mounts.
    pub(super) claims: Vec<ClaimUse>,
    /// The ConfigMaps and Secrets it refers to, by kind and name.
    pub(super) refers: BTreeSet<(&'static str, String)>,
    /// Variables whose values must not stand in its document, by container and variable.
    pub(super) sealed: BTreeMap<(String, String), SecretRef>,
    /// The autoscaler that decides on its replicas.
    pub(super) autoscaler: Option<String>,
    /// Where its own number of replicas is written.
    pub(super) replicas_at: Option<Position>,
}

/// A text in which a service may name another.
pub(super) struct Mention {
    /// What it is: `variable API_ADDR`.
    pub(super) what: String,
    /// The name of the variable, if it is one.
    pub(super) variable: Option<String>,
    /// The text itself. It may be secret: only host and port may ever be repeated.
    pub(super) text: String,
    /// Where it stands.
    pub(super) at: Position,
}

/// A claim that a service mounts.
pub(super) struct ClaimUse {
    /// The name of the claim.
    pub(super) claim: String,
    /// True if it is only read.
    pub(super) read_only: bool,
    /// Where the claim is named.
    pub(super) at: Position,
}

impl<'n> Draft<'n> {
    /// A draft of which nothing is read.
    pub(super) fn new(object: &Object<'n>, name: String) -> Self {
        Self {
            name,
            object_name: object.name,
            kind: object.kind,
            namespace: object.namespace,
            part_of: object.labels.get("app.kubernetes.io/part-of").cloned(),
            labels: Labels::new(),
            service: Service::container(object.at.clone()),
            notes: Notes::default(),
            requirements: Vec::new(),
            spreads: Vec::new(),
            rules: Vec::new(),
            mentions: Vec::new(),
            open: BTreeMap::new(),
            port_names: Vec::new(),
            volumes: BTreeMap::new(),
            templates: BTreeMap::new(),
            claims: Vec::new(),
            refers: BTreeSet::new(),
            sealed: BTreeMap::new(),
            autoscaler: None,
            replicas_at: None,
        }
    }
}
