//! ConfigMaps and Secrets of the input, for variables to take their values from.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use coc_model::mistake::{Mistake, MistakeLog};
use coc_model::secret::{SecretRef, SecretValue, Secrets};

use super::object::{Object, Role};
use super::scalars::{self, at_path};
use crate::fields::map;
use crate::tree::Node;

/// ConfigMaps and Secrets by namespace and name.
#[derive(Default)]
pub(super) struct Settings {
    config_maps: BTreeMap<(String, String), BTreeMap<String, String>>,
    /// Keys with their values; `None` for those that are no text.
    secrets: BTreeMap<(String, String), BTreeMap<String, Option<String>>>,
}

/// The reference to a key of a Secret, whether or not the input holds the Secret.
pub(super) fn secret_key(namespace: &str, name: &str, key: &str) -> SecretRef {
    SecretRef(format!("kubernetes:secret:{namespace}/{name}:{key}"))
}

impl Settings {
    /// Reads the ConfigMaps and Secrets among the objects; values of Secrets are put away.
    pub(super) fn read(
        objects: &[Object<'_>],
        secrets: &mut Secrets,
        log: &mut MistakeLog,
    ) -> Self {
        let mut settings = Self::default();
        for object in objects {
            let identity = (object.namespace.to_owned(), object.name.to_owned());
            match object.role {
                Role::ConfigMap => {
                    let mut texts = BTreeMap::new();
                    for (key, value) in data(object, "data", log) {
                        let what = format!("\"{key}\" of {}", object.title());
                        texts.extend(scalars::text(value, &what, log).map(|text| (key, text)));
                    }
                    settings.config_maps.insert(identity, texts);
                }
                Role::Secret => {
                    let values = read_secret(object, log);
                    for (key, value) in &values {
                        if let Some(value) = value {
                            let reference = secret_key(object.namespace, object.name, key);
                            secrets.insert(reference, SecretValue::new(value));
                        }
                    }
                    settings.secrets.insert(identity, values);
                }
                _ => {}
            }
        }
        settings
    }

    /// The texts of a ConfigMap, if the input holds it.
    pub(super) fn config_map(
        &self,
        namespace: &str,
        name: &str,
    ) -> Option<&BTreeMap<String, String>> {
        self.config_maps.get(&(namespace.to_owned(), name.to_owned()))
    }

    /// The values of a Secret, if the input holds it; `None` for a value that is no text.
    pub(super) fn secret(
        &self,
        namespace: &str,
        name: &str,
    ) -> Option<&BTreeMap<String, Option<String>>> {
        self.secrets.get(&(namespace.to_owned(), name.to_owned()))
    }
}

fn data<'n>(object: &Object<'n>, key: &str, log: &mut MistakeLog) -> Vec<(String, &'n Node)> {
    let Some(node) = at_path(object.node, &[key]) else { return Vec::new() };
    let what = format!("\"{key}\" of {}", object.title());
    let entries = map(node, &what, log).unwrap_or_default();
    entries.iter().map(|(key, value)| (key.text.to_string(), value)).collect()
}

/// Plain values of `stringData` win over encoded ones of `data`.
fn read_secret(object: &Object<'_>, log: &mut MistakeLog) -> BTreeMap<String, Option<String>> {
    let mut values = BTreeMap::new();
    for (key, value) in data(object, "data", log) {
        let what = format!("\"{key}\" of {}", object.title());
        let Some(encoded) = scalars::text(value, &what, log) else { continue };
        let compact: String = encoded.split_ascii_whitespace().collect();
        match STANDARD.decode(compact) {
            Ok(bytes) => values.insert(key, String::from_utf8(bytes).ok()),
            Err(_) => {
                let mistake = Mistake::at(value.at.clone(), format!("{what} is not base64"));
                log.push(mistake.hint("plain values belong under \"stringData\""));
                None
            }
        };
    }
    for (key, value) in data(object, "stringData", log) {
        let what = format!("\"{key}\" of {}", object.title());
        values.extend(scalars::text(value, &what, log).map(|text| (key, Some(text))));
    }
    values
}
