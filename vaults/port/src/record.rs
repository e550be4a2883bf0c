//! Revisions, and objects as they stand in a vault.

use std::fmt;

use coc_model::object::{Key, Object};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::commit::{Actor, CommitId};

/// A revision of a vault: 0 is the empty vault, each commit is the next number.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Rev(pub u64);

impl Rev {
    /// The empty vault.
    pub const ZERO: Self = Self(0);

    /// The revision after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Rev {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The version of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Version {
    /// The revision that changed it last.
    pub rev: Rev,
    /// Which change since its creation that was, from 1. An object made again after a removal
    /// starts with 1.
    pub n: u32,
}

/// Who committed what when, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The revision.
    pub rev: Rev,
    /// The commit's id.
    pub id: CommitId,
    /// Who.
    pub author: Actor,
    /// Why, in words.
    pub why: String,
    /// When, by the writer's clock, made non-decreasing along the log.
    pub when: Timestamp,
}

/// An object of a vault, as of a revision.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The object.
    pub object: Object,
    /// Its version.
    pub version: Version,
    /// The revision that created it.
    pub created: Rev,
    /// The commit that changed it last.
    pub origin: Origin,
}

impl Record {
    /// The object's key.
    pub const fn key(&self) -> &Key {
        &self.object.key
    }
}

/// A page of a list. All pages of a list are of one revision: to go on, ask for the same list
/// at [`At::Rev`](crate::At::Rev) of `rev`, after `next`.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// The revision the list is of.
    pub rev: Rev,
    /// The objects, ordered by key.
    pub records: Vec<Record>,
    /// The key to go on after; `None` when there is nothing more.
    pub next: Option<Key>,
}
