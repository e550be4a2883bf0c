//! Operations that an earlier attempt left open and that nobody wants any more: their effect is
//! found, so that nothing stays that nobody knows of.
//!
//! What is still wanted needs none of this: it is carried out again under its token.

use coc_cloud::cloud::FindBy;
use coc_cloud::{Cloud, Failure, Terms};
use coc_model::resource::{NativeId, ObservedResource};
use coc_plan::decide;
use tokio::time::{Instant, sleep};

use super::error::DeployError;
use super::journal::{Entry, Journal};
use super::progress::{Progress, ProgressSink, Step};
use super::records::{End, Intent, Verb};
use super::survey::Mounts;

/// The open entries that no step goes on with.
pub(super) fn left_over(open: Vec<Entry>, steps: &[decide::Operation]) -> Vec<Entry> {
    let goes_on = |entry: &Entry| {
        steps.iter().any(|step| {
            step.mark == entry.mark && Intent::of(step).same_request(&entry.operation.intent)
        })
    };
    open.into_iter().filter(|entry| !goes_on(entry)).collect()
}

/// Finds out what came of entries, and closes them. Gives those that could not be found out, with
/// the reason.
///
/// # Errors
/// The vault fails.
pub(super) async fn recover(
    journal: &Journal,
    mounts: &Mounts,
    entries: &[Entry],
    progress: &ProgressSink,
) -> Result<Vec<(Step, String)>, DeployError> {
    let mut unknown = Vec::new();
    let ends = entries.iter().map(|entry| fate(mounts, entry));
    let ends = futures::future::join_all(ends).await;
    for (entry, end) in entries.iter().zip(ends) {
        let step = Step::from(&entry.operation.intent);
        match end {
            Ok(end) => {
                journal.close(entry, &end).await?;
                progress.tell(Progress::Recovered(step));
            }
            Err(says) => unknown.push((step, says)),
        }
    }
    Ok(unknown)
}

/// What came of an operation.
async fn fate(mounts: &Mounts, entry: &Entry) -> Result<End, String> {
    let intent = &entry.operation.intent;
    let Some(cloud) = mounts.get(&intent.cloud) else {
        return Err(format!("cloud {} is not mounted", intent.cloud));
    };
    let failed = |failure: Failure| failure.to_string();
    match (intent.verb, entry.native_id()) {
        (Verb::Create, _) => {
            let op = FindBy::Operation(entry.operation.marks.op.clone());
            let made = settled(cloud.as_ref(), &intent.resource_type, &op).await.map_err(failed)?;
            Ok(made.map_or(End::Abandoned, |made| End::Done(made.native_id)))
        }
        (Verb::Remove, Some(id)) => {
            let there = find(cloud.as_ref(), intent, id).await.map_err(failed)?;
            Ok(there.map_or_else(|| End::Done(id.clone()), |_| End::Abandoned))
        }
        (Verb::Update, Some(id)) => {
            let there = find(cloud.as_ref(), intent, id).await.map_err(failed)?;
            let changed = there.is_some_and(|r| r.spec.is_some() && r.spec == intent.spec);
            Ok(if changed { End::Done(id.clone()) } else { End::Abandoned })
        }
        // Whether it runs shows in every list; nothing else is left of a start.
        (Verb::Start, _) | (Verb::Remove | Verb::Update, None) => Ok(End::Abandoned),
    }
}

async fn find(
    cloud: &dyn Cloud,
    intent: &Intent,
    id: &NativeId,
) -> Result<Option<ObservedResource>, Failure> {
    let found = cloud.find(&intent.resource_type, &FindBy::Id(id.clone())).await;
    match found {
        Err(Failure::NotVisibleYet(_)) => Ok(None),
        found => Ok(found?.into_iter().next()),
    }
}

/// Looks until something shows or the time is over in which it may not.
async fn settled(
    cloud: &dyn Cloud,
    resource_type: &str,
    by: &FindBy,
) -> Result<Option<ObservedResource>, Failure> {
    let terms = Terms::of(&cloud.describe());
    let began = Instant::now();
    loop {
        match cloud.find(resource_type, by).await {
            Ok(found) => {
                if let Some(found) = found.into_iter().next() {
                    return Ok(Some(found));
                }
            }
            Err(Failure::NotVisibleYet(_)) => {}
            Err(failure) => return Err(failure),
        }
        if began.elapsed() >= terms.settle {
            return Ok(None);
        }
        sleep(terms.poll).await;
    }
}
