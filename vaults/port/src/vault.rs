//! The trait that the rest of the system uses.

use std::time::Duration;

use async_trait::async_trait;
use coc_model::object::Key;
use futures::stream::BoxStream;
use jiff::Timestamp;

use crate::commit::{Commit, Committed};
use crate::error::VaultError;
use crate::limits::Limits;
use crate::range::KeyRange;
use crate::record::{Origin, Page, Record, Rev};

/// How fresh an answer must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// Everything acknowledged anywhere before the call began is seen (linearizable; one round
    /// trip to the backend).
    Latest,
    /// At least this revision; waits until it is there.
    AtLeast(Rev),
    /// Whatever is known here: some revision not older than any this handle has answered with.
    Cached,
}

/// Of when an answer is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// The newest revision, this fresh.
    Head(Freshness),
    /// Exactly this revision.
    Rev(Rev),
    /// The newest revision whose time is not after this.
    Time(Timestamp),
}

impl At {
    /// The newest revision there is anywhere.
    pub const LATEST: Self = Self::Head(Freshness::Latest);
}

/// What a watch tells.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// An object was put or touched.
    Put(Box<Record>),
    /// An object was removed.
    Removed {
        /// Its key.
        key: Key,
        /// The commit that removed it.
        origin: Origin,
    },
    /// All changes of this revision have been told.
    End(Rev),
    /// Everything up to this revision has been told; it comes when the watch has caught up with
    /// the head, and again at least every [`BOOKMARK_EVERY`].
    Bookmark(Rev),
}

/// The longest time in which a watch says nothing.
pub const BOOKMARK_EVERY: Duration = Duration::from_secs(10);

/// Whether a vault can be used, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VaultState {
    /// For reading and writing.
    Open,
    /// For reading only, and why.
    ReadOnly {
        /// Why.
        why: String,
    },
}

/// A vault: a customer's objects, their history, and commits that change them.
///
/// *Commits are strictly serializable.* All conditions of a commit are judged on the state at the
/// revision before it exactly; its changes are visible to readers and watchers all or not at all.
/// A commit that is refused writes nothing.
#[async_trait]
pub trait Vault: Send + Sync {
    /// The newest revision, as fresh as asked for.
    ///
    /// # Errors
    /// [`VaultError::Store`].
    async fn head(&self, how: Freshness) -> Result<Rev, VaultError>;

    /// One object; `None` if it was not there then.
    ///
    /// # Errors
    /// [`VaultError::Ahead`] for a revision that is not there yet; [`VaultError::Store`].
    async fn get(&self, key: &Key, at: At) -> Result<Option<Record>, VaultError>;

    /// The objects of a range in order of their keys, from just after `after` on, at most `most`
    /// of them and never more than [`Limits::page`].
    ///
    /// # Errors
    /// As [`Vault::get`].
    async fn list(
        &self,
        range: &KeyRange,
        at: At,
        after: Option<&Key>,
        most: usize,
    ) -> Result<Page, VaultError>;

    /// Makes a commit. A commit with an id that was used before gives the outcome of then.
    ///
    /// The commit goes on even if the caller stops waiting for the answer.
    ///
    /// # Errors
    /// [`VaultError::Conflict`] with the first condition that does not hold;
    /// [`VaultError::Indeterminate`] if it is not known whether it was made; limits;
    /// [`VaultError::Store`] if it was surely not made.
    async fn commit(&self, commit: Commit) -> Result<Committed, VaultError>;

    /// Every change with a revision after `from` that lies in the range, once, in the order of
    /// revisions. Changes of one commit come one after another, then [`Event::End`]. The stream
    /// ends after an error.
    fn watch(&self, from: Rev, range: KeyRange) -> BoxStream<'static, Result<Event, VaultError>>;

    /// The limits that commits are held to.
    fn limits(&self) -> Limits;

    /// Whether it can be used.
    fn state(&self) -> VaultState;
}

/// All the objects of a range, of one revision.
///
/// # Errors
/// As [`Vault::list`].
pub async fn list_all(
    vault: &dyn Vault,
    range: &KeyRange,
    at: At,
) -> Result<(Rev, Vec<Record>), VaultError> {
    let most = vault.limits().page;
    let mut page = vault.list(range, at, None, most).await?;
    let rev = page.rev;
    let mut all = page.records;
    while let Some(next) = page.next {
        page = vault.list(range, At::Rev(rev), Some(&next), most).await?;
        all.append(&mut page.records);
    }
    Ok((rev, all))
}
