//! What was done to an application: who, when, why.

use coc_model::object::Kind;
use coc_vault::{Actor, Event, KeyRange, Origin, Record, Rev, Vault};
use futures::StreamExt as _;
use jiff::Timestamp;
use serde::Serialize;

use super::error::DeployError;
use super::progress::Step;
use super::records::{End, Keys, OperationRecord, Target, read};

/// One thing that was done.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HistoryItem {
    /// The vault's revision.
    pub rev: Rev,
    /// When.
    pub when: Timestamp,
    /// Who.
    pub who: Actor,
    /// Why.
    pub why: String,
    /// What.
    pub what: What,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// Another plan became the target, or that nothing be left.
    Targeted(Target),
    /// The application is gone, and its target with it.
    Forgotten,
    /// An operation ended.
    Ended {
        /// What it was.
        step: Step,
        /// The plan it was for.
        plan: Option<String>,
        /// How it ended.
        end: End,
    },
}

/// Everything that was done to an application, in order.
///
/// # Errors
/// The vault fails.
pub(super) async fn history(
    vault: &dyn Vault,
    application: &str,
) -> Result<Vec<HistoryItem>, DeployError> {
    let keys = Keys(application);
    let mut items = told(vault, KeyRange::One(keys.target()?), targeted).await?;
    items.extend(told(vault, keys.all(Kind::Operation)?, ended).await?);
    items.sort_by_key(|item| item.rev);
    Ok(items)
}

/// What the events of a range, up to now, tell.
async fn told(
    vault: &dyn Vault,
    range: KeyRange,
    tell: fn(Option<Record>) -> Result<Option<What>, DeployError>,
) -> Result<Vec<HistoryItem>, DeployError> {
    let mut items = Vec::new();
    let mut events = vault.watch(Rev::ZERO, range);
    while let Some(event) = events.next().await {
        let (origin, what) = match event? {
            Event::Put(record) => (record.origin.clone(), tell(Some(*record))?),
            Event::Removed { origin, .. } => (origin, tell(None)?),
            Event::End(_) => continue,
            // All that is in the vault has been told.
            Event::Bookmark(_) => break,
        };
        let Origin { rev, author: who, why, when, .. } = origin;
        items.extend(what.map(|what| HistoryItem { rev, when, who, why, what }));
    }
    Ok(items)
}

fn targeted(record: Option<Record>) -> Result<Option<What>, DeployError> {
    Ok(Some(match record {
        Some(record) => What::Targeted(read(record)?.body),
        None => What::Forgotten,
    }))
}

fn ended(record: Option<Record>) -> Result<Option<What>, DeployError> {
    let Some(record) = record else { return Ok(None) };
    let OperationRecord { intent, plan, outcome, .. } = read::<OperationRecord>(record)?.body;
    Ok(outcome.map(|outcome| What::Ended { step: Step::from(&intent), plan, end: outcome.end }))
}
