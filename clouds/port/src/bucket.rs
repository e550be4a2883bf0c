//! A token bucket: so many calls at once, and so many more each second.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// One token, in the unit that buckets count in.
const TOKEN: i128 = 1_000_000;

/// A budget of calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// How many calls at once, at least 1.
    pub burst: u32,
    /// How many more each second, at least 1.
    pub per_second: u32,
}

/// A bucket of a [`Budget`]. It has no clock: every question says what time it is, as the time
/// since any fixed moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    budget: Budget,
    /// Thousandths of the budget's rate at which it fills now.
    pace: u32,
    /// Millionths of a token; negative while more calls are promised than tokens are there.
    level: i128,
    /// When the level was right.
    at: Duration,
}

/// The pace of a bucket that was not slowed down.
const FULL: u32 = 1000;
/// Below this share of its rate a bucket is not slowed down any more.
const SLOWEST: u32 = 16;
/// What each success gives back of the rate.
const RECOVERY: u32 = 25;

impl Bucket {
    /// A full bucket.
    pub fn new(budget: Budget) -> Self {
        Self {
            budget,
            pace: FULL,
            level: i128::from(budget.burst.max(1)) * TOKEN,
            at: Duration::ZERO,
        }
    }

    /// Takes a token, if one is there.
    pub fn take(&mut self, now: Duration) -> bool {
        self.fill(now);
        let there = self.level >= TOKEN;
        if there {
            self.level -= TOKEN;
        }
        there
    }

    /// Promises the next token and says how long to wait for it. Whoever is promised a token first
    /// gets it first.
    pub fn reserve(&mut self, now: Duration) -> Duration {
        self.fill(now);
        self.level -= TOKEN;
        self.time_to_gain(-self.level)
    }

    /// How long until a token is there, if nobody else takes one.
    pub fn next(&mut self, now: Duration) -> Duration {
        self.fill(now);
        self.time_to_gain(TOKEN - self.level)
    }

    /// The cloud said that it was too much: half the rate from now on, and nothing for as long as
    /// it asked to wait.
    pub fn slow_down(&mut self, now: Duration, wait: Option<Duration>) {
        self.fill(now);
        self.pace = (self.pace / 2).max(SLOWEST);
        if let Some(wait) = wait {
            let gained = self.gained(wait);
            self.level = self.level.min(0) - gained;
        }
    }

    /// A call went well: a little of the lost rate comes back.
    pub fn speed_up(&mut self, now: Duration) {
        self.fill(now);
        self.pace = (self.pace + RECOVERY).min(FULL);
    }

    /// Thousandths of the budget's rate at which it fills now.
    pub const fn pace(&self) -> u32 {
        self.pace
    }

    fn fill(&mut self, now: Duration) {
        let gained = self.gained(now.saturating_sub(self.at));
        let most = i128::from(self.budget.burst.max(1)) * TOKEN;
        self.level = (self.level + gained).min(most);
        self.at = self.at.max(now);
    }

    /// Millionths of a token per second.
    fn rate(&self) -> i128 {
        i128::from(self.budget.per_second.max(1)) * TOKEN * i128::from(self.pace) / i128::from(FULL)
    }

    fn gained(&self, time: Duration) -> i128 {
        let micros = i128::try_from(time.as_micros()).unwrap_or(i128::from(u64::MAX));
        micros.saturating_mul(self.rate()) / 1_000_000
    }

    fn time_to_gain(&self, tokens: i128) -> Duration {
        if tokens <= 0 {
            return Duration::ZERO;
        }
        // Rounded up: a wait must never end too early.
        let rate = self.rate();
        let micros = (tokens.saturating_mul(1_000_000) + rate - 1) / rate;
        Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn a_burst_and_then_the_rate() {
        let mut bucket = Bucket::new(Budget { burst: 2, per_second: 10 });
        let taken: Vec<bool> =
            [0, 0, 0, 50, 100, 150, 200].into_iter().map(|at| bucket.take(ms(at))).collect();
        assert_eq!(taken, [true, true, false, false, true, false, true]);
        assert_eq!(bucket.next(ms(200)), ms(100));
    }

    #[test]
    fn reservations_queue() {
        let mut bucket = Bucket::new(Budget { burst: 1, per_second: 10 });
        let waits: Vec<Duration> = (0..4).map(|_| bucket.reserve(ms(0))).collect();
        assert_eq!(waits, [ms(0), ms(100), ms(200), ms(300)]);
        assert_eq!(bucket.reserve(ms(1000)), ms(0));
    }

    #[test]
    fn throttling_halves_and_success_restores() {
        let mut bucket = Bucket::new(Budget { burst: 1, per_second: 10 });
        assert!(bucket.take(ms(0)));
        bucket.slow_down(ms(0), None);
        assert_eq!((bucket.pace(), bucket.next(ms(0))), (500, ms(200)));
        for _ in 0..100 {
            bucket.slow_down(ms(0), None);
        }
        assert_eq!(bucket.pace(), SLOWEST);
        for _ in 0..40 {
            bucket.speed_up(ms(0));
        }
        assert_eq!(bucket.pace(), 1000);
    }

    #[test]
    fn the_wait_a_cloud_asks_for_is_kept() {
        let mut bucket = Bucket::new(Budget { burst: 5, per_second: 10 });
        bucket.slow_down(ms(0), Some(ms(3000)));
        assert!(bucket.reserve(ms(0)) >= ms(3000));
    }

    proptest! {
        #[test]
        fn no_window_sees_more_than_its_budget(
            burst in 1_u32..20, per_second in 1_u32..50, steps in prop::collection::vec(0_u64..200, 1..200),
        ) {
            let mut bucket = Bucket::new(Budget { burst, per_second });
            let mut now = 0;
            let mut taken = 0_u64;
            for step in steps {
                now += step;
                taken += u64::from(bucket.take(ms(now)));
                prop_assert!(taken * 1000 <= u64::from(burst) * 1000 + now * u64::from(per_second));
            }
        }
    }
}
