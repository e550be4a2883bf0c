//! Waiting for other resources: by looking at the whole cloud, once for all who wait.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use coc_cloud::cloud::{Listing, Selector};
use coc_cloud::{Cloud, Failure, Terms};
use coc_model::application::Condition;
use coc_model::plan::Await;
use coc_model::resource::{NativeId, ObservedResource, State};
use futures::StreamExt as _;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout_at};

use super::survey::Mounts;

/// How long to wait for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// Until it runs.
    pub running: Duration,
    /// Until its health check passes.
    pub healthy: Duration,
    /// Until it has ended.
    pub completed: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            running: Duration::from_secs(10 * 60),
            healthy: Duration::from_secs(10 * 60),
            completed: Duration::from_secs(60 * 60),
        }
    }
}

impl Deadlines {
    fn of(&self, condition: Condition) -> Duration {
        match condition {
            Condition::Started => self.running,
            Condition::Healthy => self.healthy,
            Condition::Completed => self.completed,
        }
    }
}

/// What is waited for.
pub(super) const fn condition(awaited: &Await) -> Condition {
    match awaited {
        Await::Ready(_) => Condition::Started,
        Await::Condition { until, .. } => *until,
    }
}

/// Why something waited for was not reached.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Unmet {
    pub(super) says: String,
    /// As it was last seen.
    pub(super) last: Option<ObservedResource>,
}

/// What one look showed.
#[derive(Clone)]
struct Look {
    began: Instant,
    listing: Result<Arc<Listing>, Failure>,
}

/// Looks at clouds for as long as anyone waits.
pub(super) struct Lookout {
    deadlines: Deadlines,
    posts: BTreeMap<String, Post>,
}

struct Post {
    looks: watch::Receiver<Option<Look>>,
    /// How many wait.
    waiting: watch::Sender<usize>,
    /// For so long after a change a look may show what was before.
    settle: Duration,
    task: JoinHandle<()>,
}

impl Drop for Post {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Lookout {
    pub(super) fn new(selector: &Selector, mounts: &Mounts, deadlines: Deadlines) -> Self {
        let post = |cloud: &Arc<dyn Cloud>| {
            let (waiting, waiters) = watch::channel(0);
            let (told, looks) = watch::channel(None);
            let task = tokio::spawn(stand(Arc::clone(cloud), selector.clone(), waiters, told));
            Post { looks, waiting, settle: Terms::of(&cloud.describe()).settle, task }
        };
        let posts = mounts.iter().map(|(name, cloud)| (name.clone(), post(cloud))).collect();
        Self { deadlines, posts }
    }

    /// Waits until a resource has reached a condition.
    ///
    /// # Errors
    /// It can't reach it any more, or not in time.
    pub(super) async fn reach(
        &self,
        cloud: &str,
        id: &NativeId,
        condition: Condition,
    ) -> Result<ObservedResource, Unmet> {
        let since = Instant::now();
        let Some(post) = self.posts.get(cloud) else {
            let says = format!("cloud {cloud} is not mounted");
            return Err(Unmet { says, last: None });
        };
        let mut looks = post.looks.clone();
        let _waiting = Waiting::new(&post.waiting);
        let mut last = None;
        let mut failure = None;
        let deadline = self.deadlines.of(condition);
        while timeout_at(since + deadline, looks.changed()).await.is_ok_and(|more| more.is_ok()) {
            // What a look showed that began before we waited may be long past.
            let look = looks.borrow_and_update().clone().filter(|look| look.began >= since);
            match look.map(|look| look.listing) {
                None => {}
                Some(Err(why)) => failure = Some(why),
                Some(Ok(listing)) => {
                    failure = None;
                    if let Some(seen) = listing.resources.iter().find(|r| r.native_id == *id) {
                        match reached(seen.state, condition) {
                            Reached::Yes => return Ok(seen.clone()),
                            Reached::Never(says) if since.elapsed() >= post.settle => {
                                return Err(Unmet { says, last: Some(seen.clone()) });
                            }
                            Reached::NotYet | Reached::Never(_) => last = Some(seen.clone()),
                        }
                    }
                }
            }
        }
        let is = match (&failure, &last) {
            (Some(failure), _) => format!("its cloud can't be read: {failure}"),
            (None, Some(seen)) => format!("it is still {}", word(seen.state)),
            (None, None) => "it does not show".to_owned(),
        };
        let seconds = deadline.as_secs();
        let says = format!("not {} after {seconds} s: {is}", wanted(condition));
        Err(Unmet { says, last })
    }
}

/// Counts as one who waits while it lives.
struct Waiting<'a>(&'a watch::Sender<usize>);

impl<'a> Waiting<'a> {
    fn new(waiting: &'a watch::Sender<usize>) -> Self {
        waiting.send_modify(|n| *n += 1);
        Self(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|n| *n -= 1);
    }
}

/// Looks at a cloud while anyone waits: as often as the cloud says, and when it wakes us.
async fn stand(
    cloud: Arc<dyn Cloud>,
    selector: Selector,
    mut waiters: watch::Receiver<usize>,
    told: watch::Sender<Option<Look>>,
) {
    let poll = Terms::of(&cloud.describe()).poll;
    let mut events = cloud.watch();
    let mut watching = true;
    while waiters.wait_for(|waiting| *waiting > 0).await.is_ok() {
        let began = Instant::now();
        let listing = cloud.list(&selector).await.map(Arc::new);
        let wait = match &listing {
            Ok(_) => poll,
            Err(failure) => failure.retry_after().unwrap_or(poll).max(poll),
        };
        told.send_replace(Some(Look { began, listing }));
        tokio::select! {
            () = sleep(wait) => {}
            event = events.next(), if watching => watching = event.is_some(),
        }
    }
}

enum Reached {
    Yes,
    NotYet,
    /// It can't come to that from here.
    Never(String),
}

fn reached(state: State, condition: Condition) -> Reached {
    let ended = |how: &str| Reached::Never(format!("it {how}"));
    match (state, condition) {
        (State::Failed, _) => ended("failed"),
        (State::Stopped, _) => ended("was stopped"),
        (State::Removing, _) => ended("is being removed"),
        (State::Completed, Condition::Started | Condition::Completed)
        | (State::Running | State::Unhealthy, Condition::Started)
        | (State::Healthy, Condition::Started | Condition::Healthy) => Reached::Yes,
        (State::Completed, Condition::Healthy) => ended("ended before its health check passed"),
        (State::Unhealthy, Condition::Healthy) => ended("is unhealthy: its health check fails"),
        (State::Pending, _)
        | (State::Running, Condition::Healthy | Condition::Completed)
        | (State::Healthy | State::Unhealthy, Condition::Completed) => Reached::NotYet,
    }
}

const fn wanted(condition: Condition) -> &'static str {
    match condition {
        Condition::Started => "running",
        Condition::Healthy => "healthy",
        Condition::Completed => "completed",
    }
}

/// A state in words.
pub(super) const fn word(state: State) -> &'static str {
    match state {
        State::Pending => "pending",
        State::Running => "running",
        State::Healthy => "healthy",
        State::Unhealthy => "unhealthy",
        State::Completed => "completed",
        State::Failed => "failed",
        State::Stopped => "stopped",
        State::Removing => "being removed",
    }
}
