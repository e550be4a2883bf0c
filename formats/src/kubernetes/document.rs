//! Documents kept for Kubernetes: whole, but without secrets and without what a cluster wrote.

use std::collections::BTreeMap;

use coc_model::secret::{SecretRef, Secrets, is_secret_name, is_secret_value};
use serde_json::Value;

use super::object::{Object, Role};
use super::scalars::to_json;
use super::settings::secret_key;
use super::volumes::DRIVER;
use crate::sealing::{seal_urls, sealed};

/// References to the values of variables, by container and name.
type Sealed = BTreeMap<(String, String), SecretRef>;

/// The annotation in which `kubectl` keeps a second copy of everything, secrets too.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The document of a workload; `sealed` are the variables, by container and name, whose values
/// must not stand in it.
pub(super) fn of_workload(
    object: &Object<'_>,
    service: &str,
    sealed: &Sealed,
    secrets: &mut Secrets,
) -> Value {
    let mut document = without_what_a_cluster_wrote(to_json(object.node));
    seal_variables(&mut document, sealed);
    seal_urls(document, &format!("application:{service}:native.{DRIVER}"), secrets)
}

/// The document of any other object.
pub(super) fn of_other(object: &Object<'_>, secrets: &mut Secrets) -> Value {
    let mut document = without_what_a_cluster_wrote(to_json(object.node));
    let identity = format!("{}/{}", object.namespace, object.name);
    match object.role {
        Role::Secret => {
            seal_entries(&mut document, "data", secrets, |key, _| {
                Some(SecretRef(format!("kubernetes:secret:{identity}:{key}:base64")))
            });
            seal_entries(&mut document, "stringData", secrets, |key, _| {
                Some(secret_key(object.namespace, object.name, key))
            });
        }
        Role::ConfigMap => seal_entries(&mut document, "data", secrets, |key, value| {
            let secret = is_secret_name(key) || is_secret_value(value);
            secret.then(|| SecretRef(format!("kubernetes:configmap:{identity}:{key}")))
        }),
        _ => {}
    }
    let path = format!("kubernetes:{}:{identity}", object.kind.to_ascii_lowercase());
    seal_urls(document, &path, secrets)
}

fn without_what_a_cluster_wrote(mut document: Value) -> Value {
    const WRITTEN: [&str; 6] =
        ["uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink"];
    let Some(object) = document.as_object_mut() else { return document };
    object.shift_remove("status");
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        for key in WRITTEN {
            metadata.shift_remove(key);
        }
        if let Some(notes) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            notes.shift_remove(LAST_APPLIED);
        }
    }
    document
}

/// Puts references in place of the values of secret variables, wherever containers are.
fn seal_variables(document: &mut Value, sealed: &Sealed) {
    match document {
        Value::Array(items) => items.iter_mut().for_each(|item| seal_variables(item, sealed)),
        Value::Object(entries) => {
            let name = entries.get("name").and_then(Value::as_str).map(str::to_owned);
            if let (Some(name), Some(env)) =
                (name, entries.get_mut("env").and_then(Value::as_array_mut))
            {
                env.iter_mut().for_each(|variable| seal_variable(&name, variable, sealed));
            }
            entries.values_mut().for_each(|value| seal_variables(value, sealed));
        }
        _ => {}
    }
}

fn seal_variable(container: &str, variable: &mut Value, sealed: &Sealed) {
    let Some(name) = variable.get("name").and_then(Value::as_str) else { return };
    let Some(reference) = sealed.get(&(container.to_owned(), name.to_owned())) else { return };
    if let Some(value) = variable.get_mut("value") {
        *value = serde_json::json!({ coc_model::secret::SECRET_KEY: reference.0 });
    }
}

fn seal_entries(
    document: &mut Value,
    key: &str,
    secrets: &mut Secrets,
    reference: impl Fn(&str, &str) -> Option<SecretRef>,
) {
    let Some(entries) = document.get_mut(key).and_then(Value::as_object_mut) else { return };
    for (name, value) in entries.iter_mut() {
        if let Some(text) = value.as_str()
            && let Some(reference) = reference(name, text)
        {
            let text = text.to_owned();
            *value = sealed(reference, &text, secrets);
        }
    }
}
