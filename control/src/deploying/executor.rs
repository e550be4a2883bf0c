//! Carrying out what was decided. Nothing is chosen here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use coc_cloud::cloud::{Create, FindBy};
use coc_cloud::{Cloud, Failure, Removal, Terms, ensure, fill_secrets, remove};
use coc_model::marks::Mark;
use coc_model::plan::Await;
use coc_model::resource::{NativeId, ObservedResource};
use coc_model::secret::Secrets;
use coc_plan::decide::{Action, Document, Learned, Operation, Reason};
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::error::DeployError;
use super::journal::{Entry, Journal, Opened};
use super::lookout::{Lookout, condition};
use super::progress::{Progress, ProgressSink, Step};
use super::records::{End, Verb};
use super::survey::{Mounts, says};

/// How many steps are under way in one cloud. How many calls are, the mount's own layer limits.
const STEPS_AT_ONCE: usize = 32;
/// How long to wait for something to be free that is removed to be made again. What uses it is ours
/// mostly and does not go by itself: the next decision takes it along.
const PATIENCE_IN_USE: Duration = Duration::from_secs(60);
/// Lines of a program's output that are shown when it failed.
const OUTPUT_LINES: u64 = 20;

/// What steps are carried out with.
pub(super) struct Executor<'a> {
    pub(super) journal: &'a Journal,
    pub(super) mounts: &'a Mounts,
    pub(super) lookout: &'a Lookout,
    pub(super) secrets: &'a Secrets,
    pub(super) progress: &'a ProgressSink,
    /// How long a cloud may keep a request waiting; `None` for what is usual.
    pub(super) patience: Option<Duration>,
}

/// Why something could not be done, in words for people, with no secret in them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct StepFailure {
    /// The resource that is the cause: not always the one that could not be made.
    pub resource: String,
    /// Its cloud.
    pub cloud: String,
    /// What was to be done, if it was a step that failed.
    pub step: Option<Step>,
    /// Why it failed and what to do.
    pub says: String,
    /// The last lines of its output, if it is a program that ran.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub output: Vec<String>,
}

/// An effect that a step had outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// A resource was made, changed or started.
    Touched { mark: Mark, cloud: String, id: NativeId },
    /// A resource was removed.
    Removed { cloud: String, id: NativeId },
}

/// What came of all steps.
#[derive(Debug, Default)]
pub(super) struct Carried {
    pub(super) effects: Vec<Effect>,
    pub(super) learned: Vec<(Mark, Learned)>,
    pub(super) failures: Vec<StepFailure>,
    /// Those of the failures that are refusals to make something, for good.
    pub(super) refused: Vec<StepFailure>,
}

/// What came of one step.
enum Ended {
    Done(Effect),
    Learned(Mark, Learned),
    Failed(StepFailure),
    FailedAndLearned(StepFailure, Mark, Learned),
}

/// Where a resource is: its cloud and its id there.
pub(super) type Place = (String, NativeId);

impl Executor<'_> {
    /// Carries steps out, each when those that it waits for are done; what can't go on because of
    /// a failure is left, everything else is finished. `places` tells where resources that others
    /// wait for are already, by their keys in the plan.
    ///
    /// # Errors
    /// The vault fails: then nothing more is begun.
    pub(super) async fn carry_out(
        &self,
        steps: &[Operation],
        mut places: BTreeMap<String, Place>,
    ) -> Result<Carried, DeployError> {
        let slots: BTreeMap<&str, Semaphore> =
            self.mounts.keys().map(|name| (name.as_str(), Semaphore::new(STEPS_AT_ONCE))).collect();
        let mut left: Vec<BTreeSet<usize>> =
            steps.iter().map(|step| step.after.iter().copied().collect()).collect();
        let mut ready: Vec<usize> = (0..steps.len()).filter(|&at| left[at].is_empty()).collect();
        let mut running = FuturesUnordered::new();
        let mut carried = Carried::default();
        loop {
            for at in ready.drain(..) {
                let (step, slots) = (&steps[at], &slots);
                let awaited = step
                    .awaits
                    .iter()
                    .map(|awaited| (awaited.clone(), places.get(awaited.id()).cloned()));
                let awaited: Vec<_> = awaited.collect();
                running.push(async move { (at, self.step(step, &awaited, slots).await) });
            }
            let Some((at, ended)) = running.next().await else { break };
            let effect = match ended? {
                Ended::Done(effect) => effect,
                Ended::Learned(mark, learned) => {
                    carried.learned.push((mark, learned));
                    continue;
                }
                Ended::Failed(failure) => {
                    self.failed(&mut carried, &steps[at], failure);
                    continue;
                }
                Ended::FailedAndLearned(failure, mark, learned) => {
                    if learned == Learned::Refused {
                        carried.refused.push(failure.clone());
                    }
                    carried.learned.push((mark, learned));
                    self.failed(&mut carried, &steps[at], failure);
                    continue;
                }
            };
            self.progress.tell(Progress::Done(Step::from(&steps[at])));
            if let Effect::Touched { cloud, id, .. } = &effect {
                places.insert(steps[at].resource.clone(), (cloud.clone(), id.clone()));
            }
            carried.effects.push(effect);
            for (follower, left) in left.iter_mut().enumerate() {
                if left.remove(&at) && left.is_empty() {
                    ready.push(follower);
                }
            }
        }
        Ok(carried)
    }

    fn failed(&self, carried: &mut Carried, step: &Operation, failure: StepFailure) {
        self.progress.tell(Progress::Failed { step: Step::from(step), says: failure.says.clone() });
        // Several may have waited for the same thing.
        if !carried.failures.contains(&failure) {
            carried.failures.push(failure);
        }
    }

    async fn step(
        &self,
        step: &Operation,
        awaited: &[(Await, Option<Place>)],
        slots: &BTreeMap<&str, Semaphore>,
    ) -> Result<Ended, DeployError> {
        for (awaited, place) in awaited {
            if let Err(failure) = self.reach(step, awaited, place.as_ref()).await {
                return Ok(Ended::Failed(failure));
            }
        }
        let (Some(cloud), Some(slots)) =
            (self.mounts.get(&step.cloud), slots.get(step.cloud.as_str()))
        else {
            return Ok(self.refused(step, "its cloud is not mounted".to_owned()));
        };
        // Never closed, so this is always a slot.
        let _slot = slots.acquire().await;
        // Before anything is written down: without its secrets nothing can be sent.
        let document = match &step.action {
            Action::Create(document) | Action::Update { document, .. } => Some(document),
            Action::Start { .. } | Action::Remove { .. } => None,
        };
        let native = match document.map(|d| fill_secrets(&d.native, self.secrets)).transpose() {
            Ok(native) => native,
            Err(unfilled) => return Ok(self.refused(step, unfilled.to_string())),
        };
        let entry = match self.journal.open(step).await? {
            Opened::Entry(entry) => entry,
            Opened::Taken(other) => {
                let verb = other.intent.verb.name();
                let since = other.opened;
                let says = format!("another operation on it is under way: {verb}, since {since}");
                return Ok(self.refused(step, says));
            }
        };
        self.progress.tell(Progress::Started(Step::from(step)));
        let outcome = self.send(cloud, step, document.zip(native), &entry).await;
        self.close(cloud, step, &entry, outcome).await
    }

    /// Waits for what a step waits for.
    async fn reach(
        &self,
        step: &Operation,
        awaited: &Await,
        place: Option<&Place>,
    ) -> Result<(), StepFailure> {
        let Some((cloud, id)) = place else {
            return Err(StepFailure {
                resource: awaited.id().to_owned(),
                cloud: step.cloud.clone(),
                step: None,
                says: format!("it is not there, and {} waits for it", step.resource),
                output: Vec::new(),
            });
        };
        let for_what = awaited.clone();
        self.progress.tell(Progress::Waiting { step: Step::from(step), for_what });
        match self.lookout.reach(cloud, id, condition(awaited)).await {
            Ok(_) => Ok(()),
            Err(unmet) => Err(StepFailure {
                resource: awaited.id().to_owned(),
                cloud: cloud.clone(),
                step: None,
                says: unmet.says,
                output: self.output(cloud, unmet.last.as_ref()).await,
            }),
        }
    }

    /// Sends what a step needs; gives the id of the resource that has the effect.
    async fn send(
        &self,
        cloud: &Arc<dyn Cloud>,
        step: &Operation,
        document: Option<(&Document, Value)>,
        entry: &Entry,
    ) -> Result<NativeId, Failure> {
        let cloud = cloud.as_ref();
        let terms = Terms::of(&cloud.describe());
        let patience = self.patience.unwrap_or(terms.deadline);
        let terms = terms.within(match step.reason {
            Reason::Immutable | Reason::NeedReplaced => patience.min(PATIENCE_IN_USE),
            _ => patience,
        });
        match (&step.action, document) {
            (Action::Create(_) | Action::Update { .. }, Some((document, native))) => {
                let wanted = Create {
                    resource_type: step.resource_type.clone(),
                    name: step.name.clone(),
                    native,
                    marks: entry.operation.marks.clone(),
                    spec: document.spec.clone(),
                };
                Ok(ensure(cloud, &wanted, &terms, entry).await?.resource.native_id)
            }
            (Action::Start { seen }, _) => {
                self.start(cloud, step, seen).await?;
                Ok(seen.clone())
            }
            (Action::Remove { seen }, _) => {
                let removal = Removal {
                    resource_type: step.resource_type.clone(),
                    id: seen.clone(),
                    name: step.name.clone(),
                    owner: self.journal.owner.clone(),
                };
                remove(cloud, &removal, &terms, entry).await?;
                Ok(seen.clone())
            }
            // A document that could not be filled in has ended the step before.
            (Action::Create(_) | Action::Update { .. }, None) => {
                Err(Failure::Invalid("the step has no document".to_owned()))
            }
        }
    }

    /// Starts what is ours at this moment.
    async fn start(
        &self,
        cloud: &dyn Cloud,
        step: &Operation,
        id: &NativeId,
    ) -> Result<(), Failure> {
        let found = cloud.find(&step.resource_type, &FindBy::Id(id.clone())).await?;
        let ours = |r: &ObservedResource| {
            r.marks.as_ref().is_some_and(|marks| marks.owner == self.journal.owner)
        };
        match found.first() {
            Some(seen) if ours(seen) => {
                cloud.act(&step.resource_type, id, "start", &json!({})).await.map(|_| ())
            }
            Some(seen) => Err(Failure::Foreign {
                name: seen.name.clone(),
                whose: format!("{} is not ours", id.0),
            }),
            None => Err(Failure::NotVisibleYet(step.name.clone())),
        }
    }

    /// Writes down what came of a step. A request whose effect is not known stays open: whoever
    /// comes next finds it by its token.
    async fn close(
        &self,
        cloud: &Arc<dyn Cloud>,
        step: &Operation,
        entry: &Entry,
        outcome: Result<NativeId, Failure>,
    ) -> Result<Ended, DeployError> {
        let failure = match outcome {
            Ok(id) => {
                self.journal.close(entry, &End::Done(id.clone())).await?;
                let cloud = cloud.name().to_owned();
                return Ok(Ended::Done(match entry.operation.intent.verb {
                    Verb::Remove => Effect::Removed { cloud, id },
                    Verb::Create | Verb::Update | Verb::Start => {
                        Effect::Touched { mark: step.mark.clone(), cloud, id }
                    }
                }));
            }
            Err(failure) => failure,
        };
        let says = self.secrets.redact(&says(&failure));
        if !failure.is_passing() {
            self.journal.close(entry, &End::Failed(says.clone())).await?;
        }
        let mark = step.mark.clone();
        Ok(match (&failure, &step.action) {
            (Failure::Immutable(_), Action::Update { .. }) => {
                Ended::Learned(mark, Learned::Immutable)
            }
            (Failure::Busy { .. }, Action::Remove { .. }) => {
                Ended::FailedAndLearned(self.failure(step, says), mark, Learned::InUse)
            }
            // Some clouds keep what they could not finish; made again it would end the same way.
            (failure, Action::Create(_)) if !failure.is_passing() => {
                Ended::FailedAndLearned(self.failure(step, says), mark, Learned::Refused)
            }
            _ => Ended::Failed(self.failure(step, says)),
        })
    }

    fn refused(&self, step: &Operation, says: String) -> Ended {
        Ended::Failed(self.failure(step, says))
    }

    fn failure(&self, step: &Operation, says: String) -> StepFailure {
        StepFailure {
            resource: step.resource.clone(),
            cloud: step.cloud.clone(),
            step: Some(Step::from(step)),
            says,
            output: Vec::new(),
        }
    }

    /// The last lines that a program wrote; none where its cloud can't tell.
    pub(super) async fn output(
        &self,
        cloud: &str,
        resource: Option<&ObservedResource>,
    ) -> Vec<String> {
        let (Some(cloud), Some(resource)) = (self.mounts.get(cloud), resource) else {
            return Vec::new();
        };
        let body = json!({"tail": OUTPUT_LINES});
        let (resource_type, id) = (&resource.resource_type, &resource.native_id);
        let answer = cloud.act(resource_type, id, "logs", &body).await.unwrap_or_default();
        let lines = answer["lines"].as_array().into_iter().flatten();
        let text = |line: &Value| line["text"].as_str().or(line.as_str()).map(str::to_owned);
        lines.filter_map(text).map(|line| self.secrets.redact(&line)).collect()
    }
}
