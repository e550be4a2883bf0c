//! Failures on order: from a script or from a seed, the same each time.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use coc_model::mistake::Mistakes;
use coc_model::plan::PlannedResource;
use coc_model::resource::{NativeId, ObservedResource};
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use serde_json::Value;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use crate::cloud::{Ask, Cloud, Create, Description, FindBy, Listing, Market, Selector, Update};
use crate::drift::Difference;
use crate::failure::Failure;
use crate::layers::Verb;
use crate::random::Random;

/// What happens to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It never reaches the cloud, and the caller is told so.
    Unreachable,
    /// It never reaches the cloud, and the caller can't know.
    Dropped,
    /// It has its effect; the answer is lost.
    AnswerLost,
    /// The cloud refuses it as one too many, and may say how long to wait.
    Throttled(Option<Duration>),
    /// The cloud does not take the credentials any more.
    Expired,
    /// A list ends early.
    CutPage,
    /// A read is answered as the same question was before, if that was no longer ago than this;
    /// what was not asked before is answered with nothing, until this layer is that old.
    Stale(Duration),
    /// It reaches the cloud after this time.
    Delayed(Duration),
    /// The caller's program dies before the call is sent.
    CrashBefore,
    /// The caller's program dies after the call had its effect.
    CrashAfter,
}

/// Which of the matching calls are hit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum When {
    /// The n-th, from 1.
    Nth(u64),
    /// The first so many.
    First(u64),
    /// Each n-th.
    Every(u64),
    /// So many of a million, drawn from the seed by the number of the call.
    Chance(u32),
}

/// A rule: a fault for some calls. The calls that match are counted by each rule for itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The verbs that match.
    pub verbs: Vec<Verb>,
    /// Which of the calls.
    pub when: When,
    /// What happens to them.
    pub fault: Fault,
}

impl Rule {
    /// A rule for every verb.
    pub fn any(when: When, fault: Fault) -> Self {
        Self { verbs: Verb::ALL.to_vec(), when, fault }
    }

    /// A rule for these verbs.
    pub fn on(verbs: &[Verb], when: When, fault: Fault) -> Self {
        Self { verbs: verbs.to_vec(), when, fault }
    }
}

/// A cloud that fails by rules. The first rule that hits a call decides.
pub struct Faults {
    inner: Arc<dyn Cloud>,
    rules: Vec<Rule>,
    seed: u64,
    since: Instant,
    state: Mutex<State>,
    crashed: Arc<Notify>,
}

#[derive(Default)]
struct State {
    /// Calls seen by each rule.
    seen: Vec<u64>,
    /// Calls in all.
    calls: u64,
    /// Faults caused.
    faults: u64,
    /// The last answers to each question.
    lists: BTreeMap<String, (Instant, Listing)>,
    finds: BTreeMap<String, (Instant, Vec<ObservedResource>)>,
}

impl Faults {
    /// A cloud that fails by these rules; the seed is for [`When::Chance`].
    pub fn new(inner: Arc<dyn Cloud>, seed: u64, rules: Vec<Rule>) -> Self {
        let state = State { seen: vec![0; rules.len()], ..State::default() };
        Self {
            inner,
            rules,
            seed,
            since: Instant::now(),
            state: Mutex::new(state),
            crashed: Arc::new(Notify::new()),
        }
    }

    /// How many calls there were.
    pub fn calls(&self) -> u64 {
        self.state().calls
    }

    /// How many of them were hit.
    pub fn faults(&self) -> u64 {
        self.state().faults
    }

    /// Told when the caller's program is to die. The call that is hit never ends; whoever runs the
    /// caller drops it then.
    pub fn crashed(&self) -> Arc<Notify> {
        Arc::clone(&self.crashed)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The earlier answer to a question, where it is not too old.
    fn earlier<T: Clone + Default>(
        &self,
        answers: impl FnOnce(&State) -> Option<&(Instant, T)>,
        age: Duration,
    ) -> Option<T> {
        let state = self.state();
        match answers(&state) {
            None => (self.since.elapsed() <= age).then(T::default),
            Some((at, answer)) => (at.elapsed() <= age).then(|| answer.clone()),
        }
    }

    fn next(&self, verb: Verb) -> Option<Fault> {
        let mut state = self.state();
        state.calls += 1;
        let mut hit = None;
        for (i, rule) in self.rules.iter().enumerate() {
            if !rule.verbs.contains(&verb) {
                continue;
            }
            state.seen[i] += 1;
            let n = state.seen[i];
            let hits = match rule.when {
                When::Nth(nth) => n == nth,
                When::First(first) => n <= first,
                When::Every(every) => n.is_multiple_of(every.max(1)),
                When::Chance(per_million) => {
                    let path = [i.to_string(), n.to_string()];
                    Random::keyed(self.seed, &[&path[0], &path[1]]).chance(per_million)
                }
            };
            if hits && hit.is_none() {
                hit = Some(rule.fault.clone());
            }
        }
        state.faults += u64::from(hit.is_some());
        hit
    }

    /// Sends a call with a fault or without. `CutPage` and `Stale` are the reads' own affair.
    async fn send<'a, T>(
        &'a self,
        fault: Option<Fault>,
        call: impl FnOnce() -> BoxFuture<'a, Result<T, Failure>>,
    ) -> Result<T, Failure> {
        match fault {
            None | Some(Fault::CutPage | Fault::Stale(_)) => call().await,
            Some(Fault::Unreachable) => Err(Failure::Unreachable {
                endpoint: self.inner.name().to_owned(),
                says: "refused on order".to_owned(),
            }),
            Some(Fault::Dropped) => Err(Failure::Lost("dropped on order".to_owned())),
            Some(Fault::AnswerLost) => {
                // Whatever the cloud says, nobody hears it.
                let _unheard = call().await;
                Err(Failure::Lost("answer lost on order".to_owned()))
            }
            Some(Fault::Throttled(retry_after)) => Err(Failure::Throttled { retry_after }),
            Some(Fault::Expired) => Err(Failure::Expired),
            Some(Fault::Delayed(time)) => {
                sleep(time).await;
                call().await
            }
            Some(Fault::CrashBefore) => {
                self.crashed.notify_one();
                pending().await
            }
            Some(Fault::CrashAfter) => {
                let _unheard = call().await;
                self.crashed.notify_one();
                pending().await
            }
        }
    }
}

#[async_trait]
impl Cloud for Faults {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn describe(&self) -> Description {
        self.inner.describe()
    }

    async fn market(&self) -> Result<Market, Failure> {
        self.send(self.next(Verb::Market), || self.inner.market()).await
    }

    async fn list(&self, selector: &Selector) -> Result<Listing, Failure> {
        let question = format!("{selector:?}");
        let fault = self.next(Verb::List);
        if let Some(Fault::Stale(age)) = fault
            && let Some(old) = self.earlier(|s| s.lists.get(&question), age)
        {
            // A stale list looks like any other.
            return Ok(Listing { complete: true, ..old });
        }
        let cut = fault == Some(Fault::CutPage);
        let mut listing = self.send(fault, || self.inner.list(selector)).await?;
        if cut {
            listing.resources.truncate(listing.resources.len() / 2);
            listing.complete = false;
        } else {
            self.state().lists.insert(question, (Instant::now(), listing.clone()));
        }
        Ok(listing)
    }

    async fn find(
        &self,
        resource_type: &str,
        by: &FindBy,
    ) -> Result<Vec<ObservedResource>, Failure> {
        let question = format!("{resource_type} {by:?}");
        let fault = self.next(Verb::Find);
        if let Some(Fault::Stale(age)) = fault
            && let Some(old) = self.earlier(|s| s.finds.get(&question), age)
        {
            return Ok(old);
        }
        let found = self.send(fault, || self.inner.find(resource_type, by)).await?;
        self.state().finds.insert(question, (Instant::now(), found.clone()));
        Ok(found)
    }

    async fn create(&self, create: &Create) -> Result<ObservedResource, Failure> {
        self.send(self.next(Verb::Create), || self.inner.create(create)).await
    }

    async fn update(&self, update: &Update) -> Result<ObservedResource, Failure> {
        self.send(self.next(Verb::Update), || self.inner.update(update)).await
    }

    async fn delete(&self, resource_type: &str, id: &NativeId) -> Result<(), Failure> {
        self.send(self.next(Verb::Delete), || self.inner.delete(resource_type, id)).await
    }

    async fn act(
        &self,
        resource_type: &str,
        id: &NativeId,
        verb: &str,
        body: &Value,
    ) -> Result<Value, Failure> {
        let fault = self.next(Verb::Act);
        self.send(fault, || self.inner.act(resource_type, id, verb, body)).await
    }

    fn watch(&self) -> BoxStream<'static, ()> {
        self.inner.watch()
    }

    fn resolve(&self, ask: &Ask<'_>) -> Result<Vec<PlannedResource>, Mistakes> {
        self.inner.resolve(ask)
    }

    fn drift(&self, sent: &Value, seen: &ObservedResource) -> Option<Vec<Difference>> {
        self.inner.drift(sent, seen)
    }
}
