//! The cloud's own time.

use std::time::Duration;

/// Time that passes elsewhere: how much since any fixed moment.
pub type Elsewhere = Box<dyn Fn() -> Duration + Send + Sync>;

/// The clock: microseconds since the cloud began. It moves by what it is told and by nothing else;
/// a test can let it follow a virtual time of its own.
pub(crate) struct Clock {
    /// What it showed when it last stopped following, or was told.
    told: u64,
    followed: Option<(Elsewhere, Duration)>,
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

impl Clock {
    /// A clock that shows this.
    pub(crate) const fn at(now: u64) -> Self {
        Self { told: now, followed: None }
    }

    /// What it shows.
    pub(crate) fn now(&self) -> u64 {
        let followed = self
            .followed
            .as_ref()
            .map_or(0, |(elsewhere, start)| micros(elsewhere().saturating_sub(*start)));
        self.told.saturating_add(followed)
    }

    /// Moves it on.
    pub(crate) const fn advance(&mut self, micros: u64) {
        self.told = self.told.saturating_add(micros);
    }

    /// Sets it; what it follows goes on from there.
    pub(crate) fn set(&mut self, now: u64) {
        self.told = now;
        if let Some((elsewhere, start)) = &mut self.followed {
            *start = elsewhere();
        }
    }

    /// Lets it move along with another time from now on.
    pub(crate) fn follow(&mut self, elsewhere: Elsewhere) {
        self.told = self.now();
        let start = elsewhere();
        self.followed = Some((elsewhere, start));
    }

    /// True if it moves along with another time.
    pub(crate) const fn follows(&self) -> bool {
        self.followed.is_some()
    }
}
