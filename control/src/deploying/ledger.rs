//! Commits to the vault in the name of whoever ordered something.

use std::sync::Arc;

use coc_model::canonical;
use coc_model::object::Key;
use coc_vault::{
    Actor, At, Change, Commit, CommitId, Committed, Condition, Freshness, Rev, Vault, VaultError,
    WhenSame,
};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::error::DeployError;
use super::records::{Kept, read};

/// What time it is. No other clock is read for what is kept.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// Who wants something, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Who.
    pub who: Actor,
    /// Why, in words, for the history.
    pub why: String,
}

/// How often a commit whose outcome is not known is sent again.
const ATTEMPTS: usize = 5;

/// An object as it is now; `None` if there is none.
pub(super) async fn get<T: DeserializeOwned>(
    vault: &dyn Vault,
    key: &Key,
) -> Result<Option<Kept<T>>, DeployError> {
    vault.get(key, At::LATEST).await?.map(read).transpose()
}

/// The vault, with who writes and when.
#[derive(Clone)]
pub(super) struct Ledger {
    pub(super) vault: Arc<dyn Vault>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) order: Order,
}

impl Ledger {
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// An object as it is now; `None` if there is none.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        key: &Key,
    ) -> Result<Option<Kept<T>>, DeployError> {
        get(&*self.vault, key).await
    }

    /// Commits; a commit whose outcome is not known is sent again until it is.
    pub(super) async fn commit(
        &self,
        require: Vec<Condition>,
        change: Vec<Change>,
    ) -> Result<Committed, VaultError> {
        let when = self.now();
        let seen = self.vault.head(Freshness::Cached).await?;
        let commit = Commit {
            id: self.id(seen, when, &require, &change),
            author: self.order.who.clone(),
            why: self.order.why.clone(),
            when,
            require,
            change,
            when_same: WhenSame::Commit,
        };
        let mut outcome = self.vault.commit(commit.clone()).await;
        for _ in 1..ATTEMPTS {
            if !matches!(outcome, Err(VaultError::Indeterminate { .. })) {
                break;
            }
            outcome = self.vault.commit(commit.clone()).await;
        }
        outcome
    }

    /// The same for the same commit, seen at the same revision, and for no other.
    fn id(&self, seen: Rev, when: Timestamp, require: &[Condition], change: &[Change]) -> CommitId {
        let require: Vec<String> = require.iter().map(ToString::to_string).collect();
        let said = json!({
            "seen": seen, "when": when, "require": require, "change": change,
            "who": self.order.who, "why": self.order.why,
        });
        CommitId::of(&canonical::text(&said))
    }
}
