//! Kubernetes objects: what is read of an input, and what is said of a wrong one.

#![allow(clippy::expect_used, clippy::panic, reason = "a test that can't go on stops")]

mod anything;
mod environment;
mod mistakes;
mod needs;
mod network;
mod pods;
mod scheduling;
mod workloads;

use coc_formats::kubernetes::{self, Reading};
use coc_formats::native::write;
use coc_formats::tree::read_documents;
use coc_model::goals::RequirementBody;
use coc_model::mistake::MistakeLog;
use serde_json::Value;

pub(crate) fn read(text: &str) -> Result<Reading, String> {
    let mut log = MistakeLog::new();
    let documents = read_documents(&"f.yaml".into(), text, &mut log);
    let reading = kubernetes::read(&documents, "My App", &mut log);
    let reading = log.finish(reading).map_err(|m| m.to_string())?;
    reading.ok_or_else(|| "nothing was read".to_owned())
}

pub(crate) fn reading(text: &str) -> Reading {
    read(text).unwrap_or_else(|said| panic!("{text}\n{said}"))
}

pub(crate) fn mistakes(text: &str) -> String {
    read(text).map(|r| format!("{:?}", r.application)).expect_err("mistakes")
}

/// A Deployment `web` of which the pod's spec is given in flow style.
pub(crate) fn deployment(name: &str, spec: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec:\n  \
         selector: {{matchLabels: {{app: {name}}}}}\n  template:\n    \
         metadata: {{labels: {{app: {name}}}}}\n    spec: {spec}\n---\n"
    )
}

pub(crate) fn service(name: &str, spec: &str) -> String {
    format!("apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec: {spec}\n---\n")
}

/// A container `c` with these further keys.
pub(crate) fn container(keys: &str) -> String {
    format!("{{containers: [{{name: c, image: i, {keys}}}]}}")
}

/// The JSON of the service `web` of a Deployment with this pod.
pub(crate) fn web(spec: &str) -> Value {
    write(&reading(&deployment("web", spec)).application)["services"]["web"].clone()
}

/// The requirements as text: name, arguments, policy.
pub(crate) fn goals(reading: &Reading) -> Vec<String> {
    reading
        .goals
        .require
        .iter()
        .map(|r| {
            let RequirementBody::Named { name, arguments, .. } = &r.body else {
                panic!("a named goal")
            };
            let arguments: Vec<String> =
                arguments.iter().map(|(k, v)| format!("{k}={}", v.value)).collect();
            format!("{name} {} {:?}", arguments.join(" "), r.policy)
        })
        .collect()
}

/// The notes of a service that say something, as `key: fate: note`.
pub(crate) fn notes(reading: &Reading, service: &str) -> Vec<String> {
    reading.application.services[service]
        .keys
        .iter()
        .filter_map(|k| Some(format!("{}: {:?}: {}", k.key, k.fate, k.note.as_ref()?)))
        .collect()
}

/// A ConfigMap and a Secret.
pub(crate) const SETTINGS: &str = "apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {MODE: fast, DB_PASSWORD: canary-1, URL: 'pg://u:canary-2@h/x', file.conf: 'a=b'}
---
apiVersion: v1
kind: Secret
metadata: {name: keys}
data: {token: Y2FuYXJ5LTM=, binary: /w==}
stringData: {plain: canary-4}
---
";
