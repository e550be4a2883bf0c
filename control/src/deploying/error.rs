//! Why deploying could not even be tried, or not be written down.

use coc_model::object::KeyError;
use coc_plan::decide::Faults;
use coc_vault::VaultError;
use thiserror::Error;

/// Why deploying could not be tried or not go on. What a cloud refuses is no such error: it stands
/// in the [`Report`](super::Report).
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum DeployError {
    /// The vault failed.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The plan's resources can't be brought into an order.
    #[error(transparent)]
    Faults(#[from] Faults),
    /// A name can't be part of a key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// An object of the vault can't be read.
    #[error("{key} can't be read: {says}")]
    Record {
        /// The object.
        key: String,
        /// What is wrong with it.
        says: String,
    },
    /// The plan is not derived from the one that is running.
    #[error(
        "plan {plan} was made from {}, but {} is the target of {application}: plan again",
        parent.as_deref().unwrap_or("nothing"), current.as_deref().unwrap_or("nothing")
    )]
    Overtaken {
        /// The application.
        application: String,
        /// The plan that was to be the target.
        plan: String,
        /// What it was made from.
        parent: Option<String>,
        /// The target.
        current: Option<String>,
    },
    /// The plan is none that can be carried out.
    #[error("plan {plan} can't be a target: {says}")]
    NotAPlan {
        /// The plan.
        plan: String,
        /// Why.
        says: String,
    },
    /// The vault does not hold the plan, or not whole.
    #[error("plan {0} is not in the vault, or not whole")]
    NoSuchPlan(String),
    /// Others keep changing the same objects.
    #[error("{0} was changed by others again and again; try later")]
    Contended(String),
}
