//! The port to backends.

use std::time::Duration;

use async_trait::async_trait;
use thiserror::Error;

use crate::record::Rev;

/// The revisions of one entry: `first` to `last`. An entry is named by its first revision, and the
/// next entry's first is its last + 1, so a writer that knows the log never names a revision inside
/// an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first revision.
    pub first: Rev,
    /// The last one, not before the first.
    pub last: Rev,
}

/// What became of an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appended {
    /// The entry is there, and stays.
    Done,
    /// Another entry is there.
    Taken,
    /// The request was sent and no answer came; reading decides.
    Unknown,
}

/// An entry as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEntry {
    /// Its first revision.
    pub first: Rev,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Which version of a small object one has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag(pub u64);

/// Whether the backend can be written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// It can.
    ReadWrite,
    /// It can't, and why.
    ReadOnly {
        /// Why.
        why: String,
    },
}

/// Why a backend failed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum StoreError {
    /// It can't be reached or used just now; nothing was written by the call.
    #[error("{place}: {says}")]
    Unavailable {
        /// The backend's place, as the person named it.
        place: String,
        /// What went wrong.
        says: String,
    },
    /// It can't be written to.
    #[error("{place} can only be read: {why}")]
    ReadOnly {
        /// The backend's place.
        place: String,
        /// Why.
        why: String,
    },
    /// What lies there is not a vault, or one that this program can't read.
    #[error("{place} is not a vault that can be used: {says}")]
    Foreign {
        /// The backend's place.
        place: String,
        /// What it seems to be, and what to do.
        says: String,
    },
    /// What lies there is a vault, and damaged.
    #[error("{place} is damaged at {at}: {says}")]
    Damaged {
        /// The backend's place.
        place: String,
        /// The piece (`entry 12`, `ROOT`).
        at: String,
        /// What is wrong with it.
        says: String,
    },
}

/// A backend: opaque bytes under a handful of names.
///
/// One verb matters: [`LogStore::append`] succeeds for at most one entry of each name, and an entry
/// that was appended is kept. Everything else is made of that, once, above.
#[async_trait]
pub trait LogStore: Send + Sync + 'static {
    /// Appends an entry if the head is just before its first revision.
    ///
    /// # Errors
    /// Any [`StoreError`], if the entry was surely not written. [`Appended::Unknown`] if it may
    /// have been.
    async fn append(&self, span: Span, entry: &[u8]) -> Result<Appended, StoreError>;

    /// At most `most` entries in order, the first of them named `from`; none if there is no entry
    /// of that name. Sees every append that was acknowledged before the call. May give fewer than
    /// there are, so that large entries don't fill memory, but at least one.
    ///
    /// # Errors
    /// Any [`StoreError`].
    async fn read(&self, from: Rev, most: usize) -> Result<Vec<StoredEntry>, StoreError>;

    /// Waits until there may be entries after a revision, at most this long. A hint: it may come
    /// too early, and may miss an append until the time is over.
    async fn wait(&self, after: Rev, most: Duration);

    /// A small object and its tag; `None` if there is none of the name.
    ///
    /// # Errors
    /// Any [`StoreError`].
    async fn small(&self, name: &str) -> Result<Option<(Tag, Vec<u8>)>, StoreError>;

    /// Writes a small object if it still has the tag that was seen, `None` if there was none;
    /// gives the new tag, or `None` if it was changed meanwhile.
    ///
    /// # Errors
    /// Any [`StoreError`].
    async fn swap(
        &self,
        name: &str,
        seen: Option<Tag>,
        bytes: &[u8],
    ) -> Result<Option<Tag>, StoreError>;

    /// Whether it can be written to.
    fn access(&self) -> Access;

    /// Where it is, for messages.
    fn place(&self) -> String;
}
