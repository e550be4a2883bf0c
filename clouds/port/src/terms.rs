//! How long to wait for what.

use std::time::Duration;

use crate::ability::{GONE_SECONDS, POLL_MILLISECONDS, SETTLE_SECONDS};
use crate::cloud::Description;

/// How long [`ensure`](crate::ensure::ensure) and [`remove`](crate::remove::remove) wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// In this time after a request a new or changed resource may not show.
    pub settle: Duration,
    /// For this long a deleted resource must stay unseen to be gone.
    pub gone: Duration,
    /// Between two looks at something that changes.
    pub poll: Duration,
    /// How long something else may keep a request from going through, in all.
    pub deadline: Duration,
}

impl Terms {
    /// What a driver declares, and else: nothing to settle, a look each second, ten minutes for
    /// what is busy.
    pub fn of(description: &Description) -> Self {
        Self {
            settle: description.seconds(SETTLE_SECONDS).unwrap_or_default(),
            gone: description.seconds(GONE_SECONDS).unwrap_or_default(),
            poll: description
                .number(POLL_MILLISECONDS)
                .map_or(Duration::from_secs(1), Duration::from_millis),
            deadline: Duration::from_secs(600),
        }
    }

    /// The same, with another deadline.
    #[must_use]
    pub const fn within(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }
}
