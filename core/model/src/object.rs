//! Objects: what all that is stored and named has in common.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

/// The kinds of objects. A new kind is a new line here, with its upgraders beside its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// A mounted account, engine or cluster.
    Cloud,
    /// Services, links, volumes.
    Application,
    /// Requirements and objectives of an application.
    Goals,
    /// An immutable plan.
    Plan,
    /// Which plan an application is to run by.
    Target,
    /// A native resource of ours.
    Resource,
    /// A journalled call to a cloud.
    Operation,
    /// The last attempt to bring an application to its target.
    Run,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::Cloud,
        Self::Application,
        Self::Goals,
        Self::Plan,
        Self::Target,
        Self::Resource,
        Self::Operation,
        Self::Run,
    ];

    /// The name, as in keys.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cloud => "Cloud",
            Self::Application => "Application",
            Self::Goals => "Goals",
            Self::Plan => "Plan",
            Self::Target => "Target",
            Self::Resource => "Resource",
            Self::Operation => "Operation",
            Self::Run => "Run",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a text is not a key.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error(
    "\"{0}\" is not a key: expected Kind/name without control characters, \"..\" or empty parts"
)]
pub struct KeyError(pub String);

/// The name of an object in a vault: `Kind/name/path`. Ordered bytewise, so all objects of a kind,
/// and all under one application, are ranges.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Key(String);

/// The longest key, in bytes.
pub const KEY_MAX: usize = 512;

impl Key {
    /// The key of an object of a kind, with the parts of its name.
    ///
    /// # Errors
    /// An empty part, a part with `/` or control characters, `..`, or more than [`KEY_MAX`] bytes.
    pub fn new(kind: Kind, path: &[&str]) -> Result<Self, KeyError> {
        if path.is_empty() || path.iter().any(|part| part.contains('/')) {
            return Err(KeyError(path.join("/")));
        }
        format!("{}/{}", kind.name(), path.join("/")).parse()
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the first `/`.
    pub fn kind(&self) -> &str {
        self.0.split('/').next().unwrap_or_default()
    }

    /// What follows the kind.
    pub fn name(&self) -> &str {
        self.0.split_once('/').map_or("", |(_, name)| name)
    }
}

/// So that maps keyed by keys can be asked by text: keys and their texts have the same order.
impl Borrow<str> for Key {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl FromStr for Key {
    type Err = KeyError;
    fn from_str(text: &str) -> Result<Self, KeyError> {
        let parts: Vec<&str> = text.split('/').collect();
        let legal = parts.len() >= 2
            && text.len() <= KEY_MAX
            && parts.iter().all(|p| !p.is_empty() && *p != ".." && *p != ".")
            && !text.chars().any(char::is_control);
        if legal { Ok(Self(text.to_owned())) } else { Err(KeyError(text.to_owned())) }
    }
}

impl TryFrom<String> for Key {
    type Error = KeyError;
    fn try_from(text: String) -> Result<Self, KeyError> {
        text.parse()
    }
}

impl From<Key> for String {
    fn from(key: Key) -> Self {
        key.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An object: kind and name (its key), labels, schema number and body.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Object {
    /// Kind and name.
    pub key: Key,
    /// Free words that people search by.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// The number of the body's schema; readers upgrade older ones.
    pub schema: u16,
    /// The body.
    pub body: Value,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_checked_once() {
        assert_eq!(
            Key::new(Kind::Resource, &["shop", "web"]).unwrap().as_str(),
            "Resource/shop/web"
        );
        for wrong in ["", "Plan", "Plan/", "/x", "Plan/../x", "Plan/a\nb"] {
            assert!(wrong.parse::<Key>().is_err(), "{wrong:?}");
        }
        assert!(Key::new(Kind::Plan, &["a/b"]).is_err());
        assert!(Key::new(Kind::Plan, &["x".repeat(600).as_str()]).is_err());
    }

    #[test]
    fn every_kind_has_its_own_name() {
        let names: std::collections::BTreeSet<_> = Kind::ALL.iter().map(|k| k.name()).collect();
        assert_eq!(names.len(), Kind::ALL.len());
    }
}
