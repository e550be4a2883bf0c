//! Secrets in native documents: references in plans, values only in the request that is sent.
//!
//! A planned document holds, wherever a secret belongs, an object in its place:
//!
//! | in the document | filled in |
//! | --- | --- |
//! | `{"$secret": "R"}` | the value of R |
//! | `{"$secret": "R", "name": "N"}` | `N=` and the value of R, for lists of variables |
//! | either with `"optional": true` | as above; left out with its place where there is no R |
//! | `${secret:R}` inside a text | the value of R in its place ([`SecretRef::placeholder`]) |

use std::fmt;

use coc_model::secret::{SECRET_KEY, SecretRef, Secrets};
use serde_json::{Map, Value};
use thiserror::Error;

/// A place that could not be filled in. It says nothing of any value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unfilled {
    /// Where in the document, as a JSON pointer (RFC 6901).
    pub at: String,
    /// What is wrong.
    pub why: Why,
}

/// Why a place could not be filled in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// There is no value behind the reference.
    Missing(SecretRef),
    /// The object is none of the forms that stand for a secret.
    Malformed,
}

impl fmt::Display for Unfilled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.why {
            Why::Missing(reference) => write!(f, "no value for {reference} at {}", self.at),
            Why::Malformed => write!(
                f,
                "the object at {} is no reference to a secret: expected \"{SECRET_KEY}\", and at \
                 most \"name\" and \"optional\" beside it",
                self.at
            ),
        }
    }
}

/// Every place of a document that could not be filled in.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct UnfilledSecrets(pub Vec<Unfilled>);

/// The document with every reference to a secret replaced by its value. To be called right before
/// the request is sent: the result is neither stored nor shown.
///
/// # Errors
/// Every reference without a value and every malformed one, none of them filled in.
pub fn fill_secrets(document: &Value, secrets: &Secrets) -> Result<Value, UnfilledSecrets> {
    let mut filling = Filling { secrets, unfilled: Vec::new() };
    let filled = filling.fill(document, "").unwrap_or(Value::Null);
    if filling.unfilled.is_empty() { Ok(filled) } else { Err(UnfilledSecrets(filling.unfilled)) }
}

struct Filling<'a> {
    secrets: &'a Secrets,
    unfilled: Vec<Unfilled>,
}

impl Filling<'_> {
    /// The value to put in this place; `None` to leave the place out.
    fn fill(&mut self, value: &Value, at: &str) -> Option<Value> {
        match value {
            Value::Object(object) if object.contains_key(SECRET_KEY) => self.reveal(object, at),
            Value::Object(object) => Some(Value::Object(
                object
                    .iter()
                    .filter_map(|(key, member)| {
                        let escaped = key.replace('~', "~0").replace('/', "~1");
                        Some((key.clone(), self.fill(member, &format!("{at}/{escaped}"))?))
                    })
                    .collect(),
            )),
            Value::Array(items) => Some(Value::Array(
                items
                    .iter()
                    .enumerate()
                    .filter_map(|(i, item)| self.fill(item, &format!("{at}/{i}")))
                    .collect(),
            )),
            Value::String(text) => match self.secrets.reveal_in(text) {
                Ok(text) => Some(Value::String(text)),
                Err(reference) => {
                    let why = Why::Missing(reference);
                    self.unfilled.push(Unfilled { at: at.to_owned(), why });
                    None
                }
            },
            other => Some(other.clone()),
        }
    }

    fn reveal(&mut self, object: &Map<String, Value>, at: &str) -> Option<Value> {
        let Some((reference, name, optional)) = read(object) else {
            self.unfilled.push(Unfilled { at: at.to_owned(), why: Why::Malformed });
            return None;
        };
        match (self.secrets.get(&reference), name) {
            (Some(value), None) => Some(Value::String(value.reveal().to_owned())),
            (Some(value), Some(name)) => Some(Value::String(format!("{name}={}", value.reveal()))),
            (None, _) if optional => None,
            (None, _) => {
                let why = Why::Missing(reference);
                self.unfilled.push(Unfilled { at: at.to_owned(), why });
                None
            }
        }
    }
}

/// Reference, name and whether it is optional; `None` unless the object is one of the forms.
fn read(object: &Map<String, Value>) -> Option<(SecretRef, Option<&str>, bool)> {
    let known = |key: &String| matches!(key.as_str(), SECRET_KEY | "name" | "optional");
    if !object.keys().all(known) {
        return None;
    }
    let reference = SecretRef(object.get(SECRET_KEY)?.as_str()?.to_owned());
    let name = match object.get("name") {
        None => None,
        Some(name) => Some(name.as_str()?),
    };
    let optional = match object.get("optional") {
        None => false,
        Some(optional) => optional.as_bool()?,
    };
    Some((reference, name, optional))
}

#[cfg(test)]
mod tests {
    use super::*;
    use coc_model::secret::SecretValue;
    use proptest::prelude::*;
    use serde_json::json;

    fn secrets() -> Secrets {
        let mut secrets = Secrets::new();
        secrets.insert(SecretRef("r".into()), SecretValue::new("canary"));
        secrets
    }

    #[test]
    fn each_form_is_filled_in_at_its_place() {
        for (document, filled) in [
            (json!({"a": 1, "b": [true, null]}), json!({"a": 1, "b": [true, null]})),
            (json!({"Key": {"$secret": "r"}}), json!({"Key": "canary"})),
            (json!(["A=b", {"$secret": "r", "name": "P"}]), json!(["A=b", "P=canary"])),
            (
                json!(["A=b", {"$secret": "none", "name": "P", "optional": true}, "C=d"]),
                json!(["A=b", "C=d"]),
            ),
            (json!({"a": {"$secret": "none", "optional": true}, "b": 1}), json!({"b": 1})),
            (json!([{"$secret": "r", "optional": true}]), json!(["canary"])),
            (
                json!(["--a=${secret:r}", "${secret:r}:${secret:r}", "$HOME"]),
                json!(["--a=canary", "canary:canary", "$HOME"]),
            ),
        ] {
            assert_eq!(fill_secrets(&document, &secrets()), Ok(filled), "{document}");
        }
    }

    #[test]
    fn every_place_that_can_not_be_filled_is_told_and_no_value() {
        let document = json!({
            "Env": [{"$secret": "r", "name": "A"}, {"$secret": "lost", "name": "B"}],
            "a/b": {"$secret": "lost"},
            "c": [{"$secret": 5}, {"$secret": "r", "extra": 1}, {"$secret": "r", "name": 7}],
            "d": ["${secret:r}", "a ${secret:lost} b"],
        });
        let told = fill_secrets(&document, &secrets()).unwrap_err();
        let places: Vec<_> = told.0.iter().map(|u| u.at.as_str()).collect();
        assert_eq!(places, ["/Env/1", "/a~1b", "/c/0", "/c/1", "/c/2", "/d/1"]);
        let text = told.to_string();
        assert!(text.starts_with("no value for lost at /Env/1; no value for lost at /a~1b; "));
        assert!(!text.contains("canary"), "{text}");
    }

    proptest! {
        #[test]
        fn a_document_without_references_stays_as_it_is(
            keys in prop::collection::btree_map("[a-z~/$]{1,4}", any::<i64>(), 0..4),
            items in prop::collection::vec(".{0,6}", 0..4),
        ) {
            let document = json!({"keys": keys, "items": items});
            prop_assert_eq!(fill_secrets(&document, &secrets()), Ok(document));
        }
    }
}
