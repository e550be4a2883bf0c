//! The keys of workloads and pods, and what becomes of each.

use std::collections::BTreeMap;

use coc_model::application::{KeyFate, KeyNote};
use coc_model::mistake::{MistakeLog, Position, closest};

use crate::fields::unknown_key;
use crate::tree::{Key, Node};

use KeyFate::{Carried, Used, WithoutEffect};

/// Keys of one map with what becomes of them.
pub(super) type Table = [(&'static str, KeyFate)];

/// The object itself.
pub(super) const OBJECT: &Table = &[
    ("apiVersion", Used),
    ("kind", Used),
    ("metadata", Used),
    ("spec", Used),
    ("status", WithoutEffect),
];

/// `metadata` of the object and of the template.
pub(super) const METADATA: &Table = &[
    ("name", Used),
    ("generateName", Used),
    ("namespace", Used),
    ("labels", Used),
    ("annotations", Carried),
    ("finalizers", Carried),
    ("ownerReferences", Carried),
    ("uid", WithoutEffect),
    ("resourceVersion", WithoutEffect),
    ("generation", WithoutEffect),
    ("creationTimestamp", WithoutEffect),
    ("deletionTimestamp", WithoutEffect),
    ("deletionGracePeriodSeconds", WithoutEffect),
    ("managedFields", WithoutEffect),
    ("selfLink", WithoutEffect),
];

/// `spec` of every kind of workload but Pod.
pub(super) const WORKLOAD: &Table = &[
    ("replicas", Used),
    ("selector", Used),
    ("template", Used),
    ("minReadySeconds", Carried),
    ("paused", Carried),
    ("progressDeadlineSeconds", Carried),
    ("revisionHistoryLimit", Carried),
    ("strategy", Carried),
    ("updateStrategy", Carried),
    ("serviceName", Carried),
    ("podManagementPolicy", Carried),
    ("volumeClaimTemplates", Used),
    ("persistentVolumeClaimRetentionPolicy", Carried),
    ("ordinals", Carried),
    ("parallelism", Used),
    ("completions", Used),
    ("completionMode", Carried),
    ("backoffLimit", Carried),
    ("backoffLimitPerIndex", Carried),
    ("maxFailedIndexes", Carried),
    ("activeDeadlineSeconds", Carried),
    ("ttlSecondsAfterFinished", Carried),
    ("manualSelector", Carried),
    ("suspend", Used),
    ("podFailurePolicy", Carried),
    ("podReplacementPolicy", Carried),
    ("successPolicy", Carried),
    ("managedBy", Carried),
    ("schedule", Carried),
    ("timeZone", Carried),
    ("concurrencyPolicy", Carried),
    ("startingDeadlineSeconds", Carried),
    ("successfulJobsHistoryLimit", Carried),
    ("failedJobsHistoryLimit", Carried),
    ("jobTemplate", Used),
];

/// The template of pods.
pub(super) const TEMPLATE: &Table = &[("metadata", Used), ("spec", Used)];

/// `spec` of a pod.
pub(super) const POD: &Table = &[
    ("containers", Used),
    ("initContainers", Used),
    ("ephemeralContainers", Carried),
    ("volumes", Used),
    ("resources", Used),
    ("overhead", Used),
    ("nodeSelector", Used),
    ("affinity", Used),
    ("topologySpreadConstraints", Used),
    ("restartPolicy", Used),
    ("securityContext", Used),
    ("hostNetwork", Used),
    ("activeDeadlineSeconds", Carried),
    ("automountServiceAccountToken", Carried),
    ("dnsConfig", Carried),
    ("dnsPolicy", Carried),
    ("enableServiceLinks", Carried),
    ("hostAliases", Carried),
    ("hostIPC", Carried),
    ("hostPID", Carried),
    ("hostUsers", Carried),
    ("hostname", Carried),
    ("hostnameOverride", Carried),
    ("imagePullSecrets", Carried),
    ("nodeName", Carried),
    ("os", Carried),
    ("preemptionPolicy", Carried),
    ("priority", Carried),
    ("priorityClassName", Carried),
    ("readinessGates", Carried),
    ("resourceClaims", Carried),
    ("runtimeClassName", Carried),
    ("schedulerName", Carried),
    ("schedulingGates", Carried),
    ("serviceAccount", Carried),
    ("serviceAccountName", Carried),
    ("setHostnameAsFQDN", Carried),
    ("shareProcessNamespace", Carried),
    ("subdomain", Carried),
    ("terminationGracePeriodSeconds", Carried),
    ("tolerations", Carried),
];

/// A container whose process is the service's own.
pub(super) const CONTAINER: &Table = &[
    ("name", Used),
    ("image", Used),
    ("command", Used),
    ("args", Used),
    ("workingDir", Used),
    ("env", Used),
    ("envFrom", Used),
    ("ports", Used),
    ("resources", Used),
    ("volumeMounts", Used),
    ("livenessProbe", Carried),
    ("readinessProbe", Carried),
    ("startupProbe", Carried),
    ("securityContext", Used),
    ("restartPolicy", Used),
    ("imagePullPolicy", Carried),
    ("lifecycle", Carried),
    ("resizePolicy", Carried),
    ("restartPolicyRules", Carried),
    ("stdin", Carried),
    ("stdinOnce", Carried),
    ("terminationMessagePath", Carried),
    ("terminationMessagePolicy", Carried),
    ("tty", Carried),
    ("volumeDevices", Carried),
];

/// `spec` of a Service.
pub(super) const SERVICE: &Table = &[
    ("type", Used),
    ("ports", Used),
    ("selector", Used),
    ("clusterIP", Carried),
    ("clusterIPs", Carried),
    ("externalIPs", Used),
    ("externalName", Carried),
    ("allocateLoadBalancerNodePorts", Carried),
    ("externalTrafficPolicy", Carried),
    ("healthCheckNodePort", Carried),
    ("internalTrafficPolicy", Carried),
    ("ipFamilies", Carried),
    ("ipFamilyPolicy", Carried),
    ("loadBalancerClass", Carried),
    ("loadBalancerIP", Carried),
    ("loadBalancerSourceRanges", Carried),
    ("publishNotReadyAddresses", Carried),
    ("sessionAffinity", Carried),
    ("sessionAffinityConfig", Carried),
    ("topologyKeys", Carried),
    ("trafficDistribution", Carried),
];

/// `spec` of a HorizontalPodAutoscaler.
pub(super) const AUTOSCALER: &Table = &[
    ("scaleTargetRef", Used),
    ("minReplicas", Used),
    ("maxReplicas", Used),
    ("metrics", Carried),
    ("behavior", Carried),
    ("targetCPUUtilizationPercentage", Carried),
];

/// `spec` of a PersistentVolumeClaim.
pub(super) const CLAIM: &Table = &[
    ("resources", Used),
    ("accessModes", Used),
    ("storageClassName", Carried),
    ("volumeName", Carried),
    ("volumeMode", Carried),
    ("selector", Carried),
    ("dataSource", Carried),
    ("dataSourceRef", Carried),
    ("volumeAttributesClassName", Carried),
];

/// What became of the keys of one workload; a later word about a key replaces the earlier.
#[derive(Default)]
pub(super) struct Notes(BTreeMap<(Position, String), KeyNote>);

impl Notes {
    /// Says what became of a key.
    pub(super) fn say(&mut self, key: String, at: &Position, fate: KeyFate, note: Option<String>) {
        self.0.insert((at.clone(), key.clone()), KeyNote { key, fate, at: at.clone(), note });
    }

    /// Says of every key of a map what its table says. Keys that are not in the table are kept:
    /// Kubernetes may know more than is known here. One that is nearly in it is a mistake.
    pub(super) fn walk(&mut self, node: &Node, path: &str, table: &Table, log: &mut MistakeLog) {
        for (key, _) in node.as_map().unwrap_or_default() {
            let name =
                if path.is_empty() { key.text.to_string() } else { format!("{path}.{}", key.text) };
            match fate(key, table, path, log) {
                Some(fate) => self.say(name, &key.at, fate, None),
                None => {
                    let note = "not known here; kept for Kubernetes".to_owned();
                    self.say(name, &key.at, Carried, Some(note));
                }
            }
        }
    }

    /// All that was said, in the order of the file.
    pub(super) fn finish(self) -> Vec<KeyNote> {
        self.0.into_values().collect()
    }
}

/// Refuses keys that are nearly those of the table.
pub(super) fn check(node: Option<&Node>, owner: &str, table: &Table, log: &mut MistakeLog) {
    for (key, _) in node.and_then(Node::as_map).unwrap_or_default() {
        fate(key, table, owner, log);
    }
}

fn fate(key: &Key, table: &Table, owner: &str, log: &mut MistakeLog) -> Option<KeyFate> {
    if let Some((_, fate)) = table.iter().find(|(name, _)| **name == *key.text) {
        return Some(*fate);
    }
    if let Some(meant) = closest(&key.text, table.iter().map(|(name, _)| *name)) {
        let owner = if owner.is_empty() { "the object" } else { owner };
        log.push(unknown_key(key, owner).hint(format!("did you mean \"{meant}\"?")));
    }
    None
}
