//! The only way to create or change a resource: safe to repeat after any failure, at any point.

use std::ops::ControlFlow;
use std::time::Duration;

use coc_model::marks::Marks;
use coc_model::resource::{NativeId, ObservedResource, State};
use tokio::time::{Instant, sleep};

use crate::ability::TOKEN_CREATE;
use crate::cloud::{Cloud, Create, FindBy, Update};
use crate::failure::Failure;
use crate::journal::{Earlier, Journal, Request};
use crate::terms::Terms;

/// What [`ensure`] found or made.
#[derive(Clone, Debug, PartialEq)]
pub struct Ensured {
    /// The resource. It need not be running yet: who waits for that lists.
    pub resource: ObservedResource,
    /// What was done for it.
    pub change: Change,
    /// Younger resources of the same journal entry, which were removed.
    pub doubles: Vec<NativeId>,
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing: it was there, as wanted.
    None,
    /// It was made.
    Created,
    /// It was there and was changed.
    Updated,
}

/// Makes sure that one resource is there, as wanted.
///
/// It is looked for by the mark of its journal entry, then by its name. What is ours is kept, and
/// changed where its document differs. A name that is taken by anything else is left alone. If
/// nothing is found a create request is sent; if no answer comes it is looked for again, until the
/// settle window has passed, and only then is the same request sent again. Of two resources of one
/// journal entry the older is kept. What is busy is waited for until the deadline.
///
/// Dropped at any point and called again with the same `wanted`, the end is the same, provided that
/// the journal then says [`Earlier::Sent`] if it has any request of the operation written down.
///
/// # Errors
/// [`Failure::Foreign`] with the name's owner; [`Failure::Exists`] if the name is taken by something
/// that can't be seen; [`Failure::Immutable`] if the change can only be had by replacing; whatever
/// else the cloud refuses, and what the [retry layer](crate::layers::retry) gave up on. After a
/// [passing](Failure::is_passing) failure it can be called again.
pub async fn ensure(
    cloud: &dyn Cloud,
    wanted: &Create,
    terms: &Terms,
    journal: &dyn Journal,
) -> Result<Ensured, Failure> {
    let description = cloud.describe();
    let names_are_keys =
        description.types.get(wanted.resource_type.as_str()).is_some_and(|t| t.unique_name);
    let now = Instant::now();
    Ensuring {
        cloud,
        wanted,
        terms,
        journal,
        names_are_keys,
        second_create_is_harmless: names_are_keys || description.has(TOKEN_CREATE),
        started: now,
        quiet_until: match journal.earlier() {
            Earlier::None => None,
            Earlier::Sent => Some(now + terms.settle),
        },
        refused: None,
        creates: 0,
        updates: 0,
        doubles: Vec::new(),
    }
    .run()
    .await
}

/// What to do after a step: end, or look again after this time or the usual one.
type Step = ControlFlow<Ensured, Option<Duration>>;

struct Ensuring<'a> {
    cloud: &'a dyn Cloud,
    wanted: &'a Create,
    terms: &'a Terms,
    journal: &'a dyn Journal,
    names_are_keys: bool,
    second_create_is_harmless: bool,
    started: Instant,
    /// A request may be on its way or its effect not visible: until then, only look.
    quiet_until: Option<Instant>,
    /// Why the last request did not go through.
    refused: Option<Failure>,
    creates: u32,
    updates: u32,
    doubles: Vec<NativeId>,
}

impl Ensuring<'_> {
    async fn run(mut self) -> Result<Ensured, Failure> {
        loop {
            let step = match self.look().await {
                Ok(Some(seen)) => self.converge(seen).await?,
                Ok(None) => self.create().await?,
                // While a request's fate is open, a look that failed says nothing of it.
                Err(failure) if failure.is_passing() && self.quiet_until.is_some() => {
                    Step::Continue(failure.retry_after())
                }
                Err(busy @ Failure::Busy { .. }) => {
                    let wait = busy.retry_after();
                    self.refused = Some(busy);
                    Step::Continue(wait)
                }
                Err(failure) => return Err(failure),
            };
            match step {
                Step::Break(ensured) => return Ok(ensured),
                Step::Continue(wait) => self.pause(wait).await?,
            }
        }
    }

    /// Looks by mark, then by name; gives what is ours.
    async fn look(&mut self) -> Result<Option<ObservedResource>, Failure> {
        let by_mark = self.find(FindBy::Operation(self.wanted.marks.op.clone())).await?;
        if let Some(kept) = self.keep_oldest(by_mark).await? {
            return Ok(Some(kept));
        }
        let by_name = self.find(FindBy::Name(self.wanted.name.clone())).await?;
        if let Some(at) = by_name.iter().position(|r| self.is_ours(r)) {
            return Ok(by_name.into_iter().nth(at));
        }
        match by_name.first() {
            Some(other) if self.names_are_keys => Err(self.foreign(other)),
            _ => Ok(None),
        }
    }

    async fn find(&self, by: FindBy) -> Result<Vec<ObservedResource>, Failure> {
        match self.cloud.find(&self.wanted.resource_type, &by).await {
            Err(Failure::NotVisibleYet(_)) => Ok(Vec::new()),
            found => found,
        }
    }

    /// Of several resources of this journal entry, the oldest that is not on its way out; the
    /// younger ones are removed.
    async fn keep_oldest(
        &mut self,
        found: Vec<ObservedResource>,
    ) -> Result<Option<ObservedResource>, Failure> {
        let (mut ours, others): (Vec<_>, Vec<_>) = found.into_iter().partition(|r| self.is_ours(r));
        if let (true, Some(other)) = (ours.is_empty(), others.first()) {
            return Err(self.foreign(other));
        }
        if ours.is_empty() {
            return Ok(None);
        }
        let at = ours.iter().position(|r| r.state != State::Removing).unwrap_or(0);
        let kept = ours.remove(at);
        for double in ours.iter().filter(|r| r.state != State::Removing) {
            let request =
                Request::Delete { resource_type: &double.resource_type, id: &double.native_id };
            self.journal.sending(request).await?;
            let answer = self.cloud.delete(&double.resource_type, &double.native_id).await;
            self.journal.answered(request, answer.as_ref().map(|()| None)).await?;
            answer?;
            tracing::warn!(
                cloud = self.cloud.name(),
                resource_type = double.resource_type,
                kept = kept.native_id.0,
                removed = double.native_id.0,
                "two resources of one journal entry"
            );
            self.doubles.push(double.native_id.clone());
        }
        Ok(Some(kept))
    }

    /// Ours is what bears our owner mark and the same key of the same application's plan.
    fn is_ours(&self, resource: &ObservedResource) -> bool {
        let wanted = &self.wanted.marks;
        resource.marks.as_ref().is_some_and(|m| {
            (&m.owner, &m.app, &m.res) == (&wanted.owner, &wanted.app, &wanted.res)
        })
    }

    fn foreign(&self, other: &ObservedResource) -> Failure {
        let whose = match &other.marks {
            None => format!("{} bears no mark of this project", other.native_id.0),
            Some(Marks { owner, .. }) if *owner != self.wanted.marks.owner => {
                format!("{} belongs to installation {owner}", other.native_id.0)
            }
            Some(Marks { app, res, .. }) => {
                format!("{} is resource {res} of application {app}", other.native_id.0)
            }
        };
        Failure::Foreign { name: self.wanted.name.clone(), whose }
    }

    fn is_quiet(&self) -> bool {
        self.quiet_until.is_some_and(|until| Instant::now() < until)
    }

    async fn create(&mut self) -> Result<Step, Failure> {
        if self.is_quiet() {
            return Ok(Step::Continue(None));
        }
        if let Some(taken @ Failure::Exists { .. }) = &self.refused {
            // The settle window has passed and whatever has the name still does not show.
            return Err(taken.clone());
        }
        let request = Request::Create(self.wanted);
        self.journal.sending(request).await?;
        self.creates += 1;
        let answer = self.cloud.create(self.wanted).await;
        self.journal.answered(request, answer.as_ref().map(Some)).await?;
        match answer {
            Ok(made) if !self.is_ours(&made) => Err(self.foreign(&made)),
            Ok(made) if made.marks.as_ref().is_some_and(|m| m.op == self.wanted.marks.op) => {
                self.settle_doubles(made).await
            }
            // The cloud answered with an older resource of ours: look, then change it.
            Ok(_) => Ok(Step::Continue(None)),
            Err(failure) => self.put_off(failure),
        }
    }

    /// If an earlier request of this operation may have had its effect beside this one, and the
    /// cloud has nothing to keep two apart, waits until both would show.
    async fn settle_doubles(&mut self, made: ObservedResource) -> Result<Step, Failure> {
        if self.second_create_is_harmless || self.quiet_until.is_none() {
            return Ok(self.done(made));
        }
        sleep(self.terms.settle).await;
        match self.look().await? {
            Some(kept) => Ok(self.done(kept)),
            None => Ok(Step::Continue(None)),
        }
    }

    async fn converge(&mut self, seen: ObservedResource) -> Result<Step, Failure> {
        if seen.state == State::Removing {
            let says = format!("{} is being removed", seen.name);
            self.refused = Some(Failure::Busy { says, retry_after: None });
            return Ok(Step::Continue(None));
        }
        if self.is_as_wanted(&seen) {
            return Ok(self.done(seen));
        }
        if self.is_quiet() {
            return Ok(Step::Continue(None));
        }
        let update = Update {
            resource_type: self.wanted.resource_type.clone(),
            id: seen.native_id.clone(),
            native: self.wanted.native.clone(),
            spec: self.wanted.spec.clone(),
            seen,
        };
        let request = Request::Update(&update);
        self.journal.sending(request).await?;
        self.updates += 1;
        let answer = self.cloud.update(&update).await;
        self.journal.answered(request, answer.as_ref().map(Some)).await?;
        match answer {
            Ok(changed) => Ok(self.done(changed)),
            Err(Failure::Precondition) => {
                self.refused = Some(Failure::Precondition);
                Ok(Step::Continue(None))
            }
            Err(failure) => self.put_off(failure),
        }
    }

    /// True if it was made from this document and still is as that says. What can't be compared is
    /// taken to be as it was made.
    fn is_as_wanted(&self, seen: &ObservedResource) -> bool {
        let same_document = seen.spec.as_ref() == Some(&self.wanted.spec);
        match self.cloud.drift(&self.wanted.native, seen) {
            Some(differences) => differences.is_empty() && (same_document || seen.spec.is_none()),
            None => same_document,
        }
    }

    fn done(&mut self, resource: ObservedResource) -> Step {
        let change = match (self.creates, self.updates) {
            (_, 1..) => Change::Updated,
            (1.., 0) => Change::Created,
            (0, 0) => Change::None,
        };
        Step::Break(Ensured { resource, change, doubles: std::mem::take(&mut self.doubles) })
    }

    /// What a refused or unanswered request means for the next step.
    fn put_off(&mut self, failure: Failure) -> Result<Step, Failure> {
        let wait = failure.retry_after();
        match failure {
            Failure::Lost(_) | Failure::Exists { .. } => {
                self.quiet_until = Some(Instant::now() + self.terms.settle);
            }
            // Something it needs does not show yet, or has to finish first.
            Failure::Busy { .. } | Failure::NotVisibleYet(_) => {}
            other => return Err(other),
        }
        self.refused = Some(failure);
        Ok(Step::Continue(wait))
    }

    async fn pause(&mut self, wait: Option<Duration>) -> Result<(), Failure> {
        let left = (self.terms.settle + self.terms.deadline).saturating_sub(self.started.elapsed());
        if left.is_zero() {
            let seconds = self.started.elapsed().as_secs();
            let says = format!("{} did not settle in {seconds} s", self.wanted.name);
            return Err(match self.refused.take() {
                Some(Failure::Busy { says: why, retry_after }) => {
                    Failure::Busy { says: format!("{says}: {why}"), retry_after }
                }
                Some(other) => other,
                None => Failure::Busy { says, retry_after: None },
            });
        }
        sleep(wait.unwrap_or(self.terms.poll).min(left)).await;
        Ok(())
    }
}
