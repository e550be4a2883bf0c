//! Goals as they were written: requirements and objectives, not yet understood.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::decimal::Decimal;
use crate::mistake::Position;

/// A value and where it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// Where.
    pub at: Position,
}

/// The goals of an application.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Goals {
    /// What must hold.
    pub require: Vec<Requirement>,
    /// What to make best: tiers, the most important first.
    pub objectives: Vec<Objective>,
}

/// One requirement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Requirement {
    /// What it says.
    pub body: RequirementBody,
    /// How strictly.
    pub policy: Policy,
    /// Where it begins.
    pub at: Position,
}

/// What a requirement says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RequirementBody {
    /// A named goal with its arguments.
    Named {
        /// The name (`within`).
        name: String,
        /// The arguments.
        arguments: BTreeMap<String, Located<Value>>,
        /// The single argument of a short form (`budget: 120 USD/month`).
        short: Option<Located<Value>>,
    },
    /// An expression.
    That(Located<String>),
}

/// How strictly a requirement holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// No plan without it.
    #[default]
    Must,
    /// What holds keeps holding; what is broken may not get worse, and is repaired first.
    Improve,
    /// Kept as far as possible; the violation is minimised before any objective.
    Should,
}

/// Smaller or larger is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Smaller.
    Minimize,
    /// Larger.
    Maximize,
}

/// One tier of objectives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Objective {
    /// Which way.
    pub direction: Direction,
    /// A weighted sum; one term of weight 1 mostly.
    pub terms: Vec<Term>,
    /// How much worse than the best this tier may become for the sake of later ones, as a ratio
    /// (3 % is 0.03).
    pub tolerance: Decimal,
    /// Where it begins.
    pub at: Position,
}

/// One term of a tier.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Term {
    /// What is measured.
    pub what: Located<String>,
    /// Its weight within the tier.
    pub weight: Decimal,
}
