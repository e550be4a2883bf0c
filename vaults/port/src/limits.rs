//! Limits: the same in every backend, and checked before anything is written.

use std::collections::BTreeSet;

use coc_model::canonical;
use coc_model::object::{KEY_MAX, Object};
use serde_json::Value;

use crate::commit::{Change, Commit};
use crate::error::VaultError;

/// The most a vault takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a key.
    pub key_bytes: usize,
    /// Bytes of an object's body and labels as canonical JSON.
    pub body_bytes: usize,
    /// How deep arrays and objects may lie in each other in a body.
    pub body_depth: usize,
    /// Changes of one commit.
    pub changes: usize,
    /// Conditions of one commit.
    pub conditions: usize,
    /// Bytes of all bodies, labels and keys of one commit, and of who and why.
    pub commit_bytes: usize,
    /// Objects of one page of a list.
    pub page: usize,
}

impl Limits {
    /// What every vault takes.
    pub const ALL: Self = Self {
        key_bytes: KEY_MAX,
        body_bytes: 1 << 20,
        body_depth: 100,
        changes: 1_000,
        conditions: 1_000,
        commit_bytes: 4 << 20,
        page: 1_000,
    };

    /// The size of a commit in bytes, if it can be made.
    ///
    /// # Errors
    /// The first limit it exceeds, or an object that it changes twice.
    pub(crate) fn size_of(&self, commit: &Commit) -> Result<usize, VaultError> {
        within("the number of changes", commit.change.len(), self.changes)?;
        within("the number of conditions", commit.require.len(), self.conditions)?;
        let mut keys = BTreeSet::new();
        let mut sum = commit.author.0.len() + commit.why.len();
        for change in &commit.change {
            if !keys.insert(change.key()) {
                return Err(VaultError::ChangedTwice(change.key().clone()));
            }
            sum += change.key().as_str().len();
            if let Change::Put(object) = change {
                let depth = depth(&object.body, self.body_depth + 1);
                within(&format!("the depth of {}", object.key), depth, self.body_depth)?;
                let size = weight(object);
                within(&format!("the size of {} in bytes", object.key), size, self.body_bytes)?;
                sum += size;
            }
        }
        within("the size of the commit in bytes", sum, self.commit_bytes)?;
        Ok(sum)
    }
}

/// Bytes of an object's body and labels.
fn weight(object: &Object) -> usize {
    let labels: usize = object.labels.iter().map(|(k, v)| k.len() + v.len()).sum();
    canonical::text(&object.body).len() + labels
}

/// How deep arrays and objects lie in each other, counted up to `most`.
fn depth(value: &Value, most: usize) -> usize {
    let deepest = |inner: &mut dyn Iterator<Item = &Value>| {
        let below = |v| if most > 1 { depth(v, most - 1) } else { 0 };
        1 + inner.map(below).max().unwrap_or(0)
    };
    match value {
        Value::Array(items) => deepest(&mut items.iter()),
        Value::Object(members) => deepest(&mut members.values()),
        _ => 0,
    }
}

fn within(what: &str, size: usize, limit: usize) -> Result<(), VaultError> {
    if size <= limit {
        return Ok(());
    }
    Err(VaultError::OverLimit { what: what.to_owned(), size, limit })
}
