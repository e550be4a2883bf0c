//! Kubernetes objects: who they are, and which part they play.

use std::collections::BTreeMap;

use coc_model::mistake::{Mistake, MistakeLog, Position};

use super::scalars::{self, text_at};
use crate::fields::text_position;
use crate::tree::Node;

/// Labels or annotations.
pub(super) type Labels = BTreeMap<String, String>;

/// One object of the input.
pub(super) struct Object<'n> {
    /// The whole document.
    pub(super) node: &'n Node,
    /// `apps/v1`.
    pub(super) api_version: &'n str,
    /// `Deployment`.
    pub(super) kind: &'n str,
    /// The namespace; `default` where none is written.
    pub(super) namespace: &'n str,
    /// The name; of objects that have a `generateName` only, that without its last dash.
    pub(super) name: &'n str,
    /// Its labels.
    pub(super) labels: Labels,
    /// Where its name stands.
    pub(super) at: Position,
    /// The part it plays.
    pub(super) role: Role,
}

/// The part an object plays in what is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    /// It runs pods.
    Workload(WorkloadKind),
    /// A Service.
    Service,
    /// Leads outside traffic to Services.
    Ingress,
    /// Holds settings.
    ConfigMap,
    /// Holds secrets.
    Secret,
    /// Asks for storage.
    Claim,
    /// Sets the number of replicas of a workload.
    Autoscaler,
    /// Known, and no part of a plan; why is said in words.
    Aside(&'static str),
    /// Not known.
    Foreign,
}

/// Kinds of workloads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum WorkloadKind {
    Deployment,
    StatefulSet,
    DaemonSet,
    ReplicaSet,
    ReplicationController,
    Job,
    CronJob,
    Pod,
}

const RIGHTS: &str = "rights inside the cluster";
const STORAGE: &str = "storage of the cluster";
const NETWORK: &str = "rules of the cluster's network; plans do not look at them";

/// Group, kind and part of every kind that is known.
const KINDS: [(&str, &str, Role); 40] = [
    ("apps", "Deployment", Role::Workload(WorkloadKind::Deployment)),
    ("apps", "StatefulSet", Role::Workload(WorkloadKind::StatefulSet)),
    ("apps", "DaemonSet", Role::Workload(WorkloadKind::DaemonSet)),
    ("apps", "ReplicaSet", Role::Workload(WorkloadKind::ReplicaSet)),
    ("extensions", "Deployment", Role::Workload(WorkloadKind::Deployment)),
    ("extensions", "DaemonSet", Role::Workload(WorkloadKind::DaemonSet)),
    ("extensions", "ReplicaSet", Role::Workload(WorkloadKind::ReplicaSet)),
    ("", "ReplicationController", Role::Workload(WorkloadKind::ReplicationController)),
    ("batch", "Job", Role::Workload(WorkloadKind::Job)),
    ("batch", "CronJob", Role::Workload(WorkloadKind::CronJob)),
    ("", "Pod", Role::Workload(WorkloadKind::Pod)),
    ("", "Service", Role::Service),
    ("networking.k8s.io", "Ingress", Role::Ingress),
    ("extensions", "Ingress", Role::Ingress),
    ("gateway.networking.k8s.io", "HTTPRoute", Role::Ingress),
    ("gateway.networking.k8s.io", "GRPCRoute", Role::Ingress),
    ("", "ConfigMap", Role::ConfigMap),
    ("", "Secret", Role::Secret),
    ("", "PersistentVolumeClaim", Role::Claim),
    ("autoscaling", "HorizontalPodAutoscaler", Role::Autoscaler),
    ("policy", "PodDisruptionBudget", Role::Aside("how many pods may be disrupted at once")),
    ("", "Namespace", Role::Aside("where the other objects live")),
    ("", "ServiceAccount", Role::Aside(RIGHTS)),
    ("rbac.authorization.k8s.io", "Role", Role::Aside(RIGHTS)),
    ("rbac.authorization.k8s.io", "RoleBinding", Role::Aside(RIGHTS)),
    ("rbac.authorization.k8s.io", "ClusterRole", Role::Aside(RIGHTS)),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding", Role::Aside(RIGHTS)),
    ("", "ResourceQuota", Role::Aside("a ceiling of the namespace; plans are not held to it")),
    ("", "LimitRange", Role::Aside("defaults of the namespace; they are not filled in here")),
    ("networking.k8s.io", "NetworkPolicy", Role::Aside(NETWORK)),
    ("networking.k8s.io", "IngressClass", Role::Aside(NETWORK)),
    ("gateway.networking.k8s.io", "Gateway", Role::Aside(NETWORK)),
    ("", "Endpoints", Role::Aside(NETWORK)),
    ("discovery.k8s.io", "EndpointSlice", Role::Aside(NETWORK)),
    ("storage.k8s.io", "StorageClass", Role::Aside(STORAGE)),
    ("", "PersistentVolume", Role::Aside(STORAGE)),
    ("scheduling.k8s.io", "PriorityClass", Role::Aside("who goes first in the cluster")),
    ("apiextensions.k8s.io", "CustomResourceDefinition", Role::Aside("a kind of the cluster")),
    ("", "List", Role::Aside("a list of objects")),
    ("kustomize.config.k8s.io", "Kustomization", Role::Aside("how to build the objects")),
];

/// True for the kinds that this reader knows.
pub(crate) fn is_known_kind(kind: &str) -> bool {
    KINDS.iter().any(|(_, known, _)| *known == kind)
}

impl WorkloadKind {
    /// The path to the pod's template; empty where the object is the pod itself.
    pub(super) const fn template_path(self) -> &'static [&'static str] {
        match self {
            Self::Pod => &[],
            Self::CronJob => &["spec", "jobTemplate", "spec", "template"],
            _ => &["spec", "template"],
        }
    }
}

impl Object<'_> {
    /// Kind and name, for messages: `Deployment "web"`.
    pub(super) fn title(&self) -> String {
        format!("{} \"{}\"", self.kind, self.name)
    }
}

/// All the objects of the input, lists taken apart, each name once.
pub(super) fn collect<'n>(documents: &'n [Node], log: &mut MistakeLog) -> Vec<Object<'n>> {
    let mut objects: Vec<Object<'n>> = Vec::new();
    let mut seen: BTreeMap<(&str, &str, &str), Position> = BTreeMap::new();
    let mut open: Vec<&Node> = documents.iter().filter(|node| !node.is_null()).rev().collect();
    while let Some(node) = open.pop() {
        let kind = text_at(node, &["kind"]).unwrap_or_default();
        if kind.ends_with("List") && node.get("items").is_some() {
            open.extend(scalars::items(node, "items", log).iter().rev());
            continue;
        }
        let Some(object) = read(node, log) else { continue };
        let identity = (object.kind, object.namespace, object.name);
        match seen.get(&identity) {
            Some(first) => {
                let says = format!("{} is here twice, first at {first}", object.title());
                log.push(Mistake::at(object.at, says));
            }
            None => {
                seen.insert(identity, object.at.clone());
                objects.push(object);
            }
        }
    }
    objects
}

fn read<'n>(node: &'n Node, log: &mut MistakeLog) -> Option<Object<'n>> {
    if node.as_map().is_none() {
        log.push(Mistake::at(node.at.clone(), "a Kubernetes object is a map"));
        return None;
    }
    let mut needed = |path: &[&str]| {
        let found = text_at(node, path);
        if found.is_none() {
            let says = format!("the object has no \"{}\"", path.join("."));
            log.push(Mistake::at(node.at.clone(), says));
        }
        found
    };
    let (api_version, kind) = (needed(&["apiVersion"]), needed(&["kind"]));
    let generated = text_at(node, &["metadata", "generateName"]).map(|n| n.trim_end_matches('-'));
    let kustomization = kind == Some("Kustomization");
    let name = match text_at(node, &["metadata", "name"]).or(generated) {
        None if kustomization => Some("kustomization"),
        None => needed(&["metadata", "name"]),
        found => found,
    };
    let (api_version, kind, name) = (api_version?, kind?, name?);
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    let role = KINDS
        .iter()
        .find(|(known_group, known_kind, _)| *known_group == group && *known_kind == kind)
        .map_or(Role::Foreign, |(_, _, role)| *role);
    let named = ["name", "generateName"]
        .iter()
        .find_map(|key| scalars::at_path(node, &["metadata", key]))
        .map_or_else(|| node.at.clone(), text_position);
    Some(Object {
        node,
        api_version,
        kind,
        namespace: text_at(node, &["metadata", "namespace"]).unwrap_or("default"),
        name,
        labels: labels(scalars::at_path(node, &["metadata", "labels"]), "a label", log),
        at: named,
        role,
    })
}

/// Reads a map of texts.
pub(super) fn labels(node: Option<&Node>, what: &str, log: &mut MistakeLog) -> Labels {
    let Some(node) = node else { return Labels::new() };
    let Some(entries) = crate::fields::map(node, what, log) else { return Labels::new() };
    entries
        .iter()
        .filter_map(|(key, value)| {
            let what = format!("{what} \"{}\"", key.text);
            Some((key.text.to_string(), scalars::text(value, &what, log)?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::read_documents;

    fn collected(text: &str) -> String {
        let mut log = MistakeLog::new();
        let documents = read_documents(&"f.yaml".into(), text, &mut log);
        let objects: Vec<String> = collect(&documents, &mut log)
            .iter()
            .map(|o| format!("{}/{}/{} {:?}", o.namespace, o.kind, o.name, o.role))
            .collect();
        log.finish(objects.join("; ")).unwrap_or_else(|m| m.to_string())
    }

    #[test]
    fn objects_are_known_by_group_and_kind() {
        for (text, found) in [
            ("{apiVersion: v1, kind: Service, metadata: {name: a}}", "default/Service/a Service"),
            (
                "{apiVersion: serving.knative.dev/v1, kind: Service, metadata: {name: a}}",
                "default/Service/a Foreign",
            ),
            (
                "{apiVersion: batch/v1, kind: Job, metadata: {generateName: run-, namespace: n}}",
                "n/Job/run Workload(Job)",
            ),
            (
                "{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: Pod, metadata: {name: a}}, \
                 {apiVersion: v1, kind: Secret, metadata: {name: b}}]}\n---\n---\n",
                "default/Pod/a Workload(Pod); default/Secret/b Secret",
            ),
            (
                "{apiVersion: v1, kind: Pod, metadata: {name: a}}\n---\n\
                 {apiVersion: v1, kind: Pod, metadata: {name: a, namespace: default}}",
                "f.yaml:3:46: Pod \"a\" is here twice, first at f.yaml:1:46",
            ),
            (
                "kind: Pod",
                "f.yaml:1:1: the object has no \"apiVersion\"\n\
                 f.yaml:1:1: the object has no \"metadata.name\"",
            ),
            ("[1]", "f.yaml:1:1: a Kubernetes object is a map"),
            (
                "{apiVersion: v1, kind: Pod, metadata: {name: a, labels: {n: 5}}}",
                "f.yaml:1:61: a label \"n\" must be a text, not a number (put it in quotes)",
            ),
        ] {
            assert_eq!(collected(text), found, "{text}");
        }
    }
}
