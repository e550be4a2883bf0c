//! The failures that the core knows, whatever cloud they come from.

use std::time::Duration;

use thiserror::Error;

/// Why a call to a cloud had no success. The kinds are those on which a program acts differently;
/// everything else is [`Failure::Failed`], reported with the cloud's own code and never guessed at.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Failure {
    /// Too many calls: wait and go on. It says nothing about any resource.
    #[error("throttled{}", wait(.retry_after))]
    Throttled {
        /// How long the cloud says to wait.
        retry_after: Option<Duration>,
    },
    /// Not there, inside the time in which a new resource may not be visible. Not "gone".
    #[error("not visible yet: {0}")]
    NotVisibleYet(String),
    /// Something else has to finish or go first.
    #[error("busy: {says}{}", wait(.retry_after))]
    Busy {
        /// The cloud's words.
        says: String,
        /// How long the cloud says to wait.
        retry_after: Option<Duration>,
    },
    /// The name is taken.
    #[error("\"{name}\" exists")]
    Exists {
        /// The name.
        name: String,
    },
    /// The name is taken by something that is not ours; it is not touched.
    #[error("\"{name}\" is there and is not ours: {whose}")]
    Foreign {
        /// The name.
        name: String,
        /// What is known of its owner.
        whose: String,
    },
    /// The cloud has none left.
    #[error("no capacity for {what} in {scope}: {says}")]
    Capacity {
        /// The offer.
        what: String,
        /// Zone or region.
        scope: String,
        /// The cloud's words.
        says: String,
    },
    /// The account may not have more.
    #[error("quota reached for {what} in {scope}: {says}")]
    Quota {
        /// What is limited.
        what: String,
        /// Zone or region.
        scope: String,
        /// The cloud's words, with its numbers.
        says: String,
    },
    /// The field can't be changed in place.
    #[error("{0} can only be changed by replacing the resource")]
    Immutable(String),
    /// It changed since it was read: read again.
    #[error("it changed since it was read")]
    Precondition,
    /// The rights don't suffice.
    #[error("denied: {0}")]
    Denied(String),
    /// The credentials ran out.
    #[error("the credentials have expired")]
    Expired,
    /// The request is wrong and will be wrong again.
    #[error("refused as invalid: {0}")]
    Invalid(String),
    /// The request was sent and no answer came: it may or may not have had its effect.
    #[error("no answer: {0}")]
    Lost(String),
    /// The cloud can't be reached; the request was not sent.
    #[error("{endpoint} can't be reached: {says}")]
    Unreachable {
        /// Where.
        endpoint: String,
        /// Why.
        says: String,
    },
    /// Whatever else the cloud says.
    #[error("failed with {code}: {says}")]
    Failed {
        /// The cloud's code.
        code: String,
        /// The cloud's words.
        says: String,
    },
}

fn wait(retry_after: &Option<Duration>) -> String {
    retry_after.map_or_else(String::new, |d| format!(", again in {} s", d.as_secs_f32()))
}

impl Failure {
    /// True if the same call may succeed later without anything else being done.
    pub const fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::Throttled { .. }
                | Self::NotVisibleYet(_)
                | Self::Busy { .. }
                | Self::Lost(_)
                | Self::Unreachable { .. }
        )
    }

    /// The kind alone, for logs and metrics: the cloud's words may repeat what was sent.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Throttled { .. } => "throttled",
            Self::NotVisibleYet(_) => "not-visible-yet",
            Self::Busy { .. } => "busy",
            Self::Exists { .. } => "exists",
            Self::Foreign { .. } => "foreign",
            Self::Capacity { .. } => "capacity",
            Self::Quota { .. } => "quota",
            Self::Immutable(_) => "immutable",
            Self::Precondition => "precondition",
            Self::Denied(_) => "denied",
            Self::Expired => "expired",
            Self::Invalid(_) => "invalid",
            Self::Lost(_) => "lost",
            Self::Unreachable { .. } => "unreachable",
            Self::Failed { .. } => "failed",
        }
    }

    /// How long the cloud says to wait, where it says so.
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Throttled { retry_after } | Self::Busy { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// What a person can do about it.
    pub fn advice(&self) -> Option<&'static str> {
        match self {
            Self::Foreign { .. } => Some("rename the application, or move the other resource away"),
            Self::Capacity { .. } | Self::Quota { .. } => {
                Some("plan again: the offer is left out for a while; or raise the quota")
            }
            Self::Denied(_) => Some("check the rights of the credentials of this cloud"),
            Self::Expired => Some("renew the credentials of this cloud"),
            Self::Unreachable { .. } => Some("check the endpoint of this cloud and that it runs"),
            _ => None,
        }
    }
}
