//! The names of abilities that this crate reads, with what their parameters mean.
//!
//! A driver declares an ability by putting its name into
//! [`Description::abilities`](crate::cloud::Description::abilities); the parameter is empty where
//! none is described.

use std::time::Duration;

use crate::cloud::Description;

/// Marks are written in the create call, as labels or tags.
pub const MARKS_LABELS: &str = "marks.labels";
/// Labels can't be changed after birth: a resource that was changed in place bears the hash of the
/// document it was born with, or shows none.
pub const MARKS_FIXED: &str = "marks.fixed";
/// Types without labels bear the marks as text in their description.
pub const MARKS_DESCRIPTION: &str = "marks.description";
/// Names that differ in case alone are one name.
pub const NAMES_CASELESS: &str = "names.caseless";
/// A create call carries a token that makes its repetition harmless. Parameter: how many seconds
/// the cloud remembers it, where known.
pub const TOKEN_CREATE: &str = "token.create";
/// A new or changed resource may not show at once. Parameter: after how many seconds it does.
pub const SETTLE_SECONDS: &str = "settle.seconds";
/// A resource that is not shown any more after its delete may show again. Parameter: for how many
/// seconds it must stay unseen to be gone.
pub const GONE_SECONDS: &str = "gone.seconds";
/// Parameter: how many milliseconds to wait between two looks at something that changes.
pub const POLL_MILLISECONDS: &str = "poll.milliseconds";
/// Changes are refused if the resource changed since it was read.
pub const UPDATE_PRECONDITION: &str = "update.precondition";
/// [`Cloud::drift`](crate::Cloud::drift) tells differences.
pub const DRIFT: &str = "drift";
/// A document that is wrong is refused before anything is made.
pub const NATIVE_VALIDATED: &str = "native.validated";
/// [`Cloud::watch`](crate::Cloud::watch) wakes; without it the stream is empty.
pub const WATCH: &str = "watch";
/// Machines are bought at the spot price where a plan says so. Without it such a plan is refused.
pub const BUY_SPOT: &str = "buy.spot";
/// Parameter: how many calls may be under way at a time.
pub const CALLS_IN_FLIGHT: &str = "limit.calls-in-flight";
/// Parameter: `burst per-second`, the budget of calls that read.
pub const READS: &str = "limit.reads";
/// Parameter: `burst per-second`, the budget of calls that change something.
pub const WRITES: &str = "limit.writes";

impl Description {
    /// The parameter of an ability as a whole number.
    pub fn number(&self, ability: &str) -> Option<u64> {
        self.abilities.get(ability)?.parse().ok()
    }

    /// The parameter of an ability as a number of seconds.
    pub fn seconds(&self, ability: &str) -> Option<Duration> {
        self.number(ability).map(Duration::from_secs)
    }

    /// The parameter of an ability as a budget: burst, and calls per second.
    pub fn budget(&self, ability: &str) -> Option<(u32, u32)> {
        let (burst, rate) = self.abilities.get(ability)?.split_once(' ')?;
        Some((burst.parse().ok()?, rate.parse().ok()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read() {
        let description = Description {
            driver: "test",
            abilities: [
                (SETTLE_SECONDS, "30".to_owned()),
                (READS, "250 25".to_owned()),
                (WRITES, "many".to_owned()),
            ]
            .into(),
            types: [].into(),
        };
        assert_eq!(description.seconds(SETTLE_SECONDS), Some(Duration::from_secs(30)));
        assert_eq!(description.budget(READS), Some((250, 25)));
        assert_eq!(description.budget(WRITES), None);
        assert_eq!(description.number(CALLS_IN_FLIGHT), None);
    }
}
