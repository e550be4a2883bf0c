//! What a resource was made from, field by field.
//!
//! An engine mixes defaults and the image's own settings into what it shows of a container, so
//! that a document can't be compared with it: a variable that is not in the document any more may
//! be the image's. Each resource therefore bears a label with a short hash per field of the
//! document that made it. Two fingerprints tell which fields were changed, added or taken out.
//!
//! Of the environment only the names count, and of files the paths, since secrets are filled in
//! behind them.

use std::collections::{BTreeMap, BTreeSet};

use coc_model::marks::Mark;
use serde_json::Value;

use crate::files::{FILES, paths};
use crate::limits;

/// Characters of a hash: 40 bits.
const HASH_LENGTH: usize = 8;

/// A short hash for each field of a document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fingerprint(BTreeMap<String, String>);

impl Fingerprint {
    /// The fingerprint of a document. What can be changed in place is taken in the spelling that
    /// the engine gives it back in, and left out where it says what holds anyway.
    pub(crate) fn of(document: &Value) -> Self {
        let mut fields = BTreeMap::new();
        for (key, value) in document.as_object().into_iter().flatten() {
            match (key.as_str(), value) {
                ("Env", Value::Array(variables)) if variables.is_empty() => {}
                ("Env", Value::Array(variables)) => {
                    let names: BTreeSet<&str> = variables.iter().filter_map(name).collect();
                    put(&mut fields, key.clone(), Some(&names.into_iter().collect()));
                }
                // What is in them is secret.
                (FILES, files) => put(&mut fields, key.clone(), Some(&paths(files))),
                ("HostConfig", Value::Object(host)) => {
                    for (key, value) in host {
                        let value = match limits::normal(key, value) {
                            Some(normal) => normal,
                            None => Some(value.clone()),
                        };
                        put(&mut fields, format!("HostConfig.{key}"), value.as_ref());
                    }
                }
                ("Labels", Value::Object(labels)) => {
                    for (key, value) in labels {
                        put(&mut fields, format!("Labels.{key}"), Some(value));
                    }
                }
                _ => put(&mut fields, key.clone(), Some(value)),
            }
        }
        Self(fields)
    }

    /// The fingerprint that a resource bears, if it bears one.
    pub(crate) fn read(label: &str) -> Option<Self> {
        serde_json::from_str(label).ok().map(Self)
    }

    /// As it is written on a resource.
    pub(crate) fn write(&self) -> String {
        // Maps of texts always have a spelling in JSON.
        serde_json::to_string(&self.0).unwrap_or_default()
    }

    /// The fields that the two don't have in common, or not with the same value.
    pub(crate) fn changed<'a>(&'a self, other: &'a Self) -> BTreeSet<&'a str> {
        let keys = self.0.keys().chain(other.0.keys());
        keys.filter(|key| self.0.get(*key) != other.0.get(*key)).map(String::as_str).collect()
    }

    /// The hash of one field.
    pub(crate) fn get(&self, field: &str) -> Option<&str> {
        self.0.get(field).map(String::as_str)
    }
}

/// The name of a variable in a container's environment.
pub(crate) fn name(variable: &Value) -> Option<&str> {
    Some(variable.as_str()?.split('=').next().unwrap_or_default())
}

fn put(fields: &mut BTreeMap<String, String>, field: String, value: Option<&Value>) {
    if let Some(value) = value.filter(|v| !v.is_null()) {
        fields.insert(field, hash(value));
    }
}

/// A short hash of a value: the same for the same value, whatever the order of its keys.
pub(crate) fn hash(value: &Value) -> String {
    let mark = Mark::of(&ordered(value).to_string());
    mark.as_str().chars().take(HASH_LENGTH).collect()
}

/// The value with the keys of every object in order.
fn ordered(value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            let sorted: BTreeMap<&String, Value> =
                object.iter().map(|(key, member)| (key, ordered(member))).collect();
            Value::Object(sorted.into_iter().map(|(key, v)| (key.clone(), v)).collect())
        }
        Value::Array(items) => items.iter().map(ordered).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn changed(before: &Value, after: &Value) -> Vec<String> {
        let (before, after) = (Fingerprint::of(before), Fingerprint::of(after));
        let read = Fingerprint::read(&before.write()).unwrap();
        read.changed(&after).into_iter().map(str::to_owned).collect()
    }

    #[test]
    fn fields_that_differ_are_named() {
        let none: [&str; 0] = [];
        for (before, after, fields) in [
            (json!({"Image": "a", "Cmd": null}), json!({"Image": "a"}), none.to_vec()),
            (json!({"Image": "a"}), json!({"Image": "b"}), vec!["Image"]),
            (json!({"Image": "a", "User": "1"}), json!({"Image": "a"}), vec!["User"]),
            (
                json!({"HostConfig": {"Init": true, "Memory": 1}}),
                json!({"HostConfig": {"Init": false, "Memory": 2}}),
                vec!["HostConfig.Init", "HostConfig.Memory"],
            ),
            (
                json!({"Labels": {"a": "1", "b": "2"}}),
                json!({"Labels": {"a": "1", "c": "2"}}),
                vec!["Labels.b", "Labels.c"],
            ),
            (json!({"Env": ["A=1", "B"]}), json!({"Env": ["B=2", "A=3"]}), none.to_vec()),
            (json!({"Env": ["A=1", "B=2"]}), json!({"Env": ["A=1"]}), vec!["Env"]),
            (json!({"Env": []}), json!({}), none.to_vec()),
            (
                json!({"HostConfig": {"RestartPolicy": {"Name": "no"}, "CpuShares": 0}}),
                json!({}),
                none.to_vec(),
            ),
        ] {
            assert_eq!(changed(&before, &after), fields, "{before} and {after}");
        }
    }

    #[test]
    fn a_label_that_is_no_fingerprint_is_none() {
        for text in ["", "x", "[]", "{\"a\":1}"] {
            assert_eq!(Fingerprint::read(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_order_of_keys_does_not_count(a in any::<i32>(), b in ".{0,8}") {
            prop_assert_eq!(
                hash(&json!({"a": a, "b": [{"c": b, "d": 1}]})),
                hash(&json!({"b": [{"d": 1, "c": b}], "a": a}))
            );
        }
    }
}
