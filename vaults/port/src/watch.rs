//! Watching: the log told as events, from a revision on.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until};

use crate::engine::{Engine, Seen};
use crate::error::VaultError;
use crate::range::KeyRange;
use crate::record::Rev;
use crate::vault::{BOOKMARK_EVERY, Event};

/// How many revisions are looked through while the state is held.
const REVISIONS_AT_ONCE: u64 = 256;
/// How long the tail rests after the backend could not be read.
const REST_AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Reads the log on while it lives: one for all watches of a vault.
pub(crate) struct Tail(JoinHandle<()>);

impl Tail {
    pub(crate) fn spawn(engine: Arc<Engine>) -> Self {
        Self(tokio::spawn(async move {
            loop {
                if engine.catch_up().await.is_err() {
                    sleep(REST_AFTER_FAILURE).await;
                }
                engine.wait_for_more().await;
            }
        }))
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        self.0.abort();
    }
}

struct Watch {
    engine: Arc<Engine>,
    seen: watch::Receiver<Seen>,
    range: KeyRange,
    /// Everything up to here has been queued.
    at: Rev,
    queue: VecDeque<Event>,
    bookmark_due: Instant,
    started: bool,
    ended: bool,
    /// Keeps the log being read.
    _tail: Arc<Tail>,
}

/// The events of a range after a revision.
pub(crate) fn events(
    engine: Arc<Engine>,
    tail: Arc<Tail>,
    from: Rev,
    range: KeyRange,
) -> BoxStream<'static, Result<Event, VaultError>> {
    let watch = Watch {
        seen: engine.subscribe(),
        engine,
        range,
        at: from,
        queue: VecDeque::new(),
        // The first one is due as soon as the watch has caught up.
        bookmark_due: Instant::now(),
        started: false,
        ended: false,
        _tail: tail,
    };
    stream::unfold(watch, |mut watch| async move {
        if watch.ended {
            return None;
        }
        let next = watch.next().await;
        watch.ended = next.is_err();
        Some((next, watch))
    })
    .boxed()
}

impl Watch {
    async fn next(&mut self) -> Result<Event, VaultError> {
        if !self.started {
            // So that the first bookmark stands for the head as of now, not for an old one.
            self.engine.catch_up().await?;
            self.started = true;
        }
        loop {
            if let Some(event) = self.queue.pop_front() {
                return Ok(event);
            }
            // Before looking, so that news that come while looking are not slept through.
            self.seen.mark_unchanged();
            self.fill()?;
            if !self.queue.is_empty() {
                continue;
            }
            if let Some(error) = self.seen.borrow().broken.clone() {
                return Err(error.into());
            }
            if Instant::now() >= self.bookmark_due {
                self.bookmark_due = Instant::now() + BOOKMARK_EVERY;
                return Ok(Event::Bookmark(self.at));
            }
            tokio::select! {
                () = sleep_until(self.bookmark_due) => {}
                _ = self.seen.changed() => {}
            }
        }
    }

    /// Queues the events of the next revision that has any; goes on to the head if none has.
    fn fill(&mut self) -> Result<(), VaultError> {
        loop {
            let state = self.engine.state();
            let head = state.head();
            let until = head.min(Rev(self.at.0 + REVISIONS_AT_ONCE));
            while self.at < until {
                self.at = self.at.next();
                let events = state.events(self.at, &self.range);
                self.queue.extend(events.map_err(|e| self.engine.damaged(self.at, &e))?);
                if !self.queue.is_empty() {
                    return Ok(());
                }
            }
            if self.at >= head {
                return Ok(());
            }
        }
    }
}
