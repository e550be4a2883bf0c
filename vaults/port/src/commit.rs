//! Commits: several changes that happen together or not at all, under conditions.

use std::collections::BTreeMap;
use std::fmt;

use coc_model::marks::Mark;
use coc_model::object::{Key, Object};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::range::KeyRange;
use crate::record::{Rev, Version};

/// The id of a commit: 128 bits chosen by whoever commits, so that a commit whose answer was lost
/// can be sent again without being done twice.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CommitId(Mark);

impl CommitId {
    /// The id of these bits.
    pub fn from_bits(bits: [u8; 16]) -> Self {
        Self(Mark::from_bits(bits))
    }

    /// The id that stands for a text: the same text, the same id.
    pub fn of(text: &str) -> Self {
        Self(Mark::of(text))
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Who does something: a person or a program, in the words of whoever checked that.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Actor(pub String);

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What must hold for a commit to be made, judged on exactly the state before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// There is no such object.
    Absent(Key),
    /// The object is there and was changed last at this revision.
    Is(Key, Rev),
    /// The object is there.
    Exists(Key),
    /// Nothing in the range was put, touched or removed after this revision: what a reader saw of
    /// the range at that revision, phantoms included, is still so.
    NoneIn(KeyRange, Rev),
    /// This is the newest revision.
    HeadIs(Rev),
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent(key) => write!(f, "{key} is absent"),
            Self::Is(key, rev) => write!(f, "{key} was last changed at {rev}"),
            Self::Exists(key) => write!(f, "{key} exists"),
            Self::NoneIn(range, rev) => write!(f, "nothing in {range} changed after {rev}"),
            Self::HeadIs(rev) => write!(f, "the newest revision is {rev}"),
        }
    }
}

/// A change of one object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// Makes the object, or takes it to these labels, schema and body. The same bytes again are a
    /// new version all the same.
    Put(Object),
    /// Removes the object; nothing if it is not there.
    Remove(Key),
    /// A new version with the same bytes; nothing if the object is not there.
    Touch(Key),
}

impl Change {
    /// The key of the object changed.
    pub const fn key(&self) -> &Key {
        match self {
            Self::Put(object) => &object.key,
            Self::Remove(key) | Self::Touch(key) => key,
        }
    }
}

/// What to do with a commit whose changes all leave everything as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenSame {
    /// Make it all the same: it takes a revision, and watchers see it.
    #[default]
    Commit,
    /// Write nothing, and answer with the head and the versions that stand.
    Skip,
}

/// Changes that happen together or not at all.
#[derive(Clone, Debug, PartialEq)]
pub struct Commit {
    /// Its id. The same id again gives the first outcome, never a second commit.
    pub id: CommitId,
    /// Who commits.
    pub author: Actor,
    /// Why, in words, for the history.
    pub why: String,
    /// When, by the writer's clock.
    pub when: Timestamp,
    /// What must hold, in the order in which a failure is named.
    pub require: Vec<Condition>,
    /// The changes; each object at most once.
    pub change: Vec<Change>,
    /// What to do if nothing changes.
    pub when_same: WhenSame,
}

/// A commit that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Its revision; of a skipped commit, the head it was judged on.
    pub rev: Rev,
    /// The version of each object changed that is there now.
    pub versions: BTreeMap<Key, Version>,
}
