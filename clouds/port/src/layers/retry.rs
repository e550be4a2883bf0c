//! The one layer that repeats calls.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::sleep;

use crate::failure::Failure;
use crate::layers::{Call, Layer, Send};
use crate::random::Random;

/// How calls are repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// How often a call is sent at most, the first time included.
    pub attempts: u32,
    /// The first step after a call that failed to reach the cloud.
    pub base: Duration,
    /// The first step after a call that was throttled.
    pub throttled: Duration,
    /// No step is longer.
    pub cap: Duration,
    /// A wait that the cloud asks for is kept as far as it is no more than this above our own.
    pub patience: Duration,
}

impl Default for Policy {
    /// The figures of botocore's standard mode: 50 ms or, when throttled, 1 s, doubling, at most
    /// 20 s, the server's wait up to 5 s above; with five attempts in place of three, since a caller
    /// that gets the failure starts the whole operation over.
    fn default() -> Self {
        Self {
            attempts: 5,
            base: Duration::from_millis(50),
            throttled: Duration::from_secs(1),
            cap: Duration::from_secs(20),
            patience: Duration::from_secs(5),
        }
    }
}

/// Repeats what is safe to repeat: a call that was throttled or never reached the cloud, whatever
/// it is; a call without an answer only if it reads. An unanswered change goes up to
/// [`ensure`](crate::ensure::ensure), which looks before it sends again; so does what is busy.
///
/// Waits have full jitter (Brooker, "Exponential backoff and jitter", 2015): below step n, which is
/// base · 2ⁿ up to the cap, each length is as likely. When throttled the step itself is waited for
/// first, since sooner the cloud's bucket can't have filled, and the jitter comes on top.
pub struct Retry {
    policy: Policy,
    jitter: Mutex<Random>,
}

impl Retry {
    /// A retry layer with its source of jitter.
    pub const fn new(policy: Policy, jitter: Random) -> Self {
        Self { policy, jitter: Mutex::new(jitter) }
    }

    /// How long to wait after the n-th failed attempt, from 0; `None` if it is not to be repeated.
    fn wait(&self, call: Call<'_>, failure: &Failure, attempt: u32) -> Option<Duration> {
        if attempt + 1 >= self.policy.attempts {
            return None;
        }
        let step = |base: Duration| {
            base.saturating_mul(2_u32.saturating_pow(attempt)).min(self.policy.cap)
        };
        let mut jitter = self.jitter.lock().unwrap_or_else(PoisonError::into_inner);
        let ours = match failure {
            Failure::Throttled { .. } => {
                let step = step(self.policy.throttled);
                (step + jitter.time_below(step)).min(self.policy.cap)
            }
            Failure::Unreachable { .. } => jitter.time_below(step(self.policy.base)),
            Failure::Lost(_) if call.verb.reads() => jitter.time_below(step(self.policy.base)),
            _ => return None,
        };
        Some(match failure.retry_after() {
            // What the cloud asks for replaces our own guess, both ways.
            Some(asked) => asked.min(ours + self.policy.patience),
            None => ours,
        })
    }
}

#[async_trait]
impl Layer for Retry {
    async fn around<'a, T: std::marker::Send>(
        &self,
        call: Call<'a>,
        send: &Send<'a, T>,
    ) -> Result<T, Failure> {
        let mut attempt = 0;
        loop {
            let failure = match send().await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            let Some(wait) = self.wait(call, &failure, attempt) else { return Err(failure) };
            tracing::debug!(
                cloud = call.cloud,
                verb = call.verb.name(),
                failure = failure.kind(),
                attempt,
                wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
                "repeating a call"
            );
            sleep(wait).await;
            attempt += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::Verb;
    use proptest::prelude::*;

    const fn call(verb: Verb) -> Call<'static> {
        Call { cloud: "c", verb, resource_type: None, resource: None }
    }

    fn retry(seed: u64) -> Retry {
        Retry::new(Policy::default(), Random::new(seed))
    }

    fn lost() -> Failure {
        Failure::Lost("reset".into())
    }

    fn unreachable() -> Failure {
        Failure::Unreachable { endpoint: "e".into(), says: "refused".into() }
    }

    const fn throttled(seconds: Option<u64>) -> Failure {
        match seconds {
            Some(s) => Failure::Throttled { retry_after: Some(Duration::from_secs(s)) },
            None => Failure::Throttled { retry_after: None },
        }
    }

    #[test]
    fn what_is_repeated() {
        let busy = Failure::Busy { says: String::new(), retry_after: None };
        for (verb, failure, repeated) in [
            (Verb::Create, throttled(None), true),
            (Verb::Create, unreachable(), true),
            (Verb::Create, lost(), false),
            (Verb::Update, lost(), false),
            (Verb::Delete, lost(), false),
            (Verb::List, lost(), true),
            (Verb::Find, lost(), true),
            (Verb::Delete, busy, false),
            (Verb::List, Failure::Denied("no".into()), false),
            (Verb::List, Failure::Expired, false),
        ] {
            let wait = retry(1).wait(call(verb), &failure, 0);
            assert_eq!(wait.is_some(), repeated, "{verb:?} after {failure:?}");
        }
    }

    #[test]
    fn attempts_end() {
        assert!(retry(1).wait(call(Verb::List), &throttled(None), 3).is_some());
        assert!(retry(1).wait(call(Verb::List), &throttled(None), 4).is_none());
    }

    proptest! {
        #[test]
        fn waits_stay_in_their_step(seed in any::<u64>(), attempt in 0_u32..4) {
            let wait = |failure| retry(seed).wait(call(Verb::List), &failure, attempt).unwrap();
            let factor = 2_u32.pow(attempt);
            let reached = wait(unreachable());
            prop_assert!(reached < Duration::from_millis(50) * factor);
            let slowed = wait(throttled(None));
            let step = Duration::from_secs(1) * factor;
            prop_assert!(slowed >= step && slowed < step * 2, "{slowed:?}");
            prop_assert_eq!(wait(throttled(Some(3))), Duration::from_secs(3));
            prop_assert!(wait(throttled(Some(3600))) <= Duration::from_secs(25));
        }

        #[test]
        fn the_same_seed_waits_the_same(seed in any::<u64>()) {
            let waits = || {
                let retry = retry(seed);
                (0..4).map(|n| retry.wait(call(Verb::Find), &lost(), n)).collect::<Vec<_>>()
            };
            prop_assert_eq!(waits(), waits());
        }
    }
}
