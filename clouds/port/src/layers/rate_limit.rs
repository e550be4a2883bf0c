//! Keeps calls below what a cloud allows.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};

use crate::ability::{CALLS_IN_FLIGHT, READS, WRITES};
use crate::bucket::{Bucket, Budget};
use crate::cloud::Description;
use crate::failure::Failure;
use crate::layers::{Call, Layer, Send};

/// What a mount may ask of its cloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Calls that read; `None` for no limit.
    pub reads: Option<Budget>,
    /// Calls that change something; `None` for no limit.
    pub writes: Option<Budget>,
    /// Calls under way at a time.
    pub in_flight: usize,
}

impl Limits {
    /// What a driver declares, and else: no budget, eight calls at a time.
    pub fn of(description: &Description) -> Self {
        let budget = |ability| {
            let (burst, per_second) = description.budget(ability)?;
            Some(Budget { burst, per_second })
        };
        let in_flight = description.number(CALLS_IN_FLIGHT).and_then(|n| usize::try_from(n).ok());
        Self {
            reads: budget(READS),
            writes: budget(WRITES),
            in_flight: in_flight.unwrap_or(8).max(1),
        }
    }
}

/// Delays calls so that they keep to a token bucket per group, and to a number under way at a time.
/// When the cloud throttles all the same, the group's rate halves, and success restores it; with
/// everything that uses the mount behind one such layer, nobody can use up what another needs.
pub struct RateLimit {
    reads: Option<Mutex<Bucket>>,
    writes: Option<Mutex<Bucket>>,
    slots: Semaphore,
    since: Instant,
}

impl RateLimit {
    /// A layer with these limits, full buckets, from now on. To be made inside a runtime.
    pub fn new(limits: Limits) -> Self {
        let bucket = |budget: Option<Budget>| budget.map(|b| Mutex::new(Bucket::new(b)));
        Self {
            reads: bucket(limits.reads),
            writes: bucket(limits.writes),
            slots: Semaphore::new(limits.in_flight),
            since: Instant::now(),
        }
    }

    fn bucket(&self, call: Call<'_>) -> Option<MutexGuard<'_, Bucket>> {
        let bucket = if call.verb.reads() { &self.reads } else { &self.writes };
        bucket.as_ref().map(|b| b.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn now(&self) -> Duration {
        self.since.elapsed()
    }
}

#[async_trait]
impl Layer for RateLimit {
    async fn around<'a, T: std::marker::Send>(
        &self,
        call: Call<'a>,
        send: &Send<'a, T>,
    ) -> Result<T, Failure> {
        let wait = self.bucket(call).map(|mut bucket| bucket.reserve(self.now()));
        if let Some(wait) = wait.filter(|w| !w.is_zero()) {
            sleep(wait).await;
        }
        // Never closed, so this can't fail; if it could, a call without a slot would be right.
        let slot = self.slots.acquire().await;
        let answer = send().await;
        drop(slot);
        if let Some(mut bucket) = self.bucket(call) {
            match &answer {
                Err(Failure::Throttled { retry_after }) => {
                    bucket.slow_down(self.now(), *retry_after);
                }
                Ok(_) => bucket.speed_up(self.now()),
                Err(_) => {}
            }
        }
        answer
    }
}
