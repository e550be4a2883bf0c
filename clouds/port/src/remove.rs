//! The only way to delete a resource: only what is ours, safe to repeat.

use std::time::Duration;

use coc_model::marks::Mark;
use coc_model::resource::{NativeId, ObservedResource, State};
use tokio::time::{Instant, sleep};

use crate::cloud::{Cloud, FindBy};
use crate::failure::Failure;
use crate::journal::{Earlier, Journal, Request};
use crate::terms::Terms;

/// What is to be removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removal {
    /// The native type.
    pub resource_type: String,
    /// The cloud's id.
    pub id: NativeId,
    /// Its name, for messages.
    pub name: String,
    /// Whose it must be at the moment it is deleted.
    pub owner: Mark,
}

/// How [`remove`] ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removed {
    /// It was deleted and is not there any more.
    Deleted,
    /// It was not there.
    WasGone,
}

/// Makes sure that one resource is not there.
///
/// It is looked up right before each delete request, which is sent only if the resource bears the
/// owner's mark at that moment. While something else uses it, it waits and tries again until the
/// deadline; whoever is still in the way then is named in the failure. After the delete it waits
/// until the resource does not show any more. A resource that never shows is taken to be gone once
/// the settle window has passed.
///
/// # Errors
/// [`Failure::Foreign`] if it is not the owner's; [`Failure::Busy`] with what is in the way and the
/// state it was left in; whatever else the cloud refuses. After a
/// [passing](Failure::is_passing) failure it can be called again.
pub async fn remove(
    cloud: &dyn Cloud,
    removal: &Removal,
    terms: &Terms,
    journal: &dyn Journal,
) -> Result<Removed, Failure> {
    let now = Instant::now();
    Removing {
        cloud,
        removal,
        terms,
        journal,
        started: now,
        sent: match journal.earlier() {
            Earlier::None => None,
            Earlier::Sent => Some(now),
        },
        unseen_since: None,
        refused: None,
        state: None,
    }
    .run()
    .await
}

struct Removing<'a> {
    cloud: &'a dyn Cloud,
    removal: &'a Removal,
    terms: &'a Terms,
    journal: &'a dyn Journal,
    started: Instant,
    /// When a delete request was last sent that the cloud did not refuse.
    sent: Option<Instant>,
    unseen_since: Option<Instant>,
    /// Why the last request did not go through.
    refused: Option<Failure>,
    /// The state it was last seen in.
    state: Option<State>,
}

impl Removing<'_> {
    async fn run(mut self) -> Result<Removed, Failure> {
        let by = FindBy::Id(self.removal.id.clone());
        loop {
            let wait = match self.cloud.find(&self.removal.resource_type, &by).await {
                Ok(found) => match found.into_iter().next() {
                    Some(seen) => self.delete(&seen).await?,
                    None => match self.missing() {
                        Some(removed) => return Ok(removed),
                        None => None,
                    },
                },
                Err(Failure::NotVisibleYet(_)) => match self.missing() {
                    Some(removed) => return Ok(removed),
                    None => None,
                },
                // While a request's fate is open, a look that failed says nothing of it.
                Err(failure) if failure.is_passing() && self.sent.is_some() => {
                    failure.retry_after()
                }
                Err(failure) => return Err(failure),
            };
            self.pause(wait).await?;
        }
    }

    /// It does not show: gone once that has lasted long enough.
    fn missing(&mut self) -> Option<Removed> {
        let now = Instant::now();
        let unseen = now - *self.unseen_since.get_or_insert(now);
        let (enough, removed) = match self.sent {
            Some(_) => (self.terms.gone, Removed::Deleted),
            None => (self.terms.settle.max(self.terms.gone), Removed::WasGone),
        };
        (unseen >= enough).then_some(removed)
    }

    /// It shows: sends a delete unless one is at work. Gives how long to wait before the next look.
    async fn delete(&mut self, seen: &ObservedResource) -> Result<Option<Duration>, Failure> {
        self.unseen_since = None;
        self.state = Some(seen.state);
        if seen.marks.as_ref().is_none_or(|m| m.owner != self.removal.owner) {
            let whose = match &seen.marks {
                None => format!("{} bears no mark of this project", seen.native_id.0),
                Some(m) => format!("{} belongs to installation {}", seen.native_id.0, m.owner),
            };
            return Err(Failure::Foreign { name: self.removal.name.clone(), whose });
        }
        let at_work = self.sent.is_some_and(|sent| sent.elapsed() < self.terms.settle);
        if seen.state == State::Removing || at_work {
            return Ok(None);
        }
        let request =
            Request::Delete { resource_type: &self.removal.resource_type, id: &self.removal.id };
        self.journal.sending(request).await?;
        let answer = self.cloud.delete(&self.removal.resource_type, &self.removal.id).await;
        self.journal.answered(request, answer.as_ref().map(|()| None)).await?;
        match answer {
            Ok(()) => {
                self.refused = None;
                self.sent = Some(Instant::now());
                Ok(Some(Duration::ZERO))
            }
            Err(failure) => {
                match &failure {
                    Failure::Lost(_) => self.sent = Some(Instant::now()),
                    Failure::Busy { .. } | Failure::NotVisibleYet(_) | Failure::Precondition => {}
                    _ => return Err(failure),
                }
                let wait = failure.retry_after();
                self.refused = Some(failure);
                Ok(wait)
            }
        }
    }

    async fn pause(&mut self, wait: Option<Duration>) -> Result<(), Failure> {
        let patience = self.terms.settle + self.terms.gone + self.terms.deadline;
        let left = patience.saturating_sub(self.started.elapsed());
        if left.is_zero() {
            let why = match self.refused.take() {
                Some(Failure::Busy { says, .. }) => format!(": {says}"),
                Some(other) => format!(": {other}"),
                None => String::new(),
            };
            let state = self.state.map_or("not visible".to_owned(), |s| format!("{s:?}"));
            let says = format!(
                "{} is still {} after {} s{why}",
                self.removal.name,
                state.to_lowercase(),
                self.started.elapsed().as_secs()
            );
            return Err(Failure::Busy { says, retry_after: None });
        }
        sleep(wait.unwrap_or(self.terms.poll).min(left)).await;
        Ok(())
    }
}
