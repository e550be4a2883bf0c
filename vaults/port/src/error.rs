//! What can go wrong with a vault.

use coc_model::object::Key;
use thiserror::Error;

use crate::commit::{CommitId, Condition};
use crate::record::Rev;
use crate::store::StoreError;

/// A condition that did not hold.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("not committed: it is not so that {condition} (found {found}, head {head})")]
pub struct Conflict {
    /// The first condition that failed, in the order given.
    pub condition: Condition,
    /// What was found in its place: the object's revision, 0 if it is not there; for a range the
    /// newest change in it; for the head the head.
    pub found: Rev,
    /// The revision it was judged on.
    pub head: Rev,
}

/// Why a vault did not do what it was asked.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum VaultError {
    /// A condition of a commit did not hold; nothing was written.
    #[error(transparent)]
    Conflict(Box<Conflict>),
    /// The commit may or may not have been made: the backend can't be reached to find out.
    /// Committing the same again, with the same id, decides it.
    #[error("commit {id} may or may not have been made: {says}; commit it again to find out")]
    Indeterminate {
        /// The commit.
        id: CommitId,
        /// What the backend said.
        says: String,
    },
    /// Something is larger than every vault takes.
    #[error("{what} is {size}, the limit is {limit}")]
    OverLimit {
        /// What.
        what: String,
        /// How large it is, in the unit of the limit.
        size: usize,
        /// What the limit is.
        limit: usize,
    },
    /// One commit would change an object twice.
    #[error("a commit can change {0} only once")]
    ChangedTwice(Key),
    /// The id belongs to an earlier commit that changed something else.
    #[error("commit id {id} was used at revision {rev} for other changes")]
    IdReused {
        /// The id.
        id: CommitId,
        /// The revision of the earlier commit.
        rev: Rev,
    },
    /// The revision asked for does not exist yet.
    #[error("revision {asked} is not there yet, the newest is {head}")]
    Ahead {
        /// What was asked for.
        asked: Rev,
        /// The newest there is.
        head: Rev,
    },
    /// The vault was closed while the call was under way.
    #[error("the vault is closed")]
    Closed,
    /// The backend failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Conflict> for VaultError {
    fn from(conflict: Conflict) -> Self {
        Self::Conflict(Box::new(conflict))
    }
}
