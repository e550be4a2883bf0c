//! What a plan gives up for what, against the plan that it comes after.

use serde::{Deserialize, Serialize};

/// A plan beside the one before it, both looked at today: at today's prices, and by the goals of both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tradeoff {
    /// The plan before.
    pub from: String,
    /// The cost, as each plan states it, and the objectives of the new goals.
    pub values: Vec<TradedValue>,
    /// The goals that are new, that are no longer stated, or that came to another value.
    pub goals: Vec<TradedGoal>,
    /// The replicas that move, come or go.
    pub moves: Vec<Move>,
    /// What copying data to where it is not comes to.
    pub copying: Copying,
}

/// What copying data comes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copying {
    /// Once, for the volumes of known size; `unknown` if the price of some copy is not known.
    pub amount: String,
    /// `USD`.
    pub unit: String,
    /// The volumes of unknown size that have to be copied too.
    #[serde(rename = "unknownSizes")]
    pub unknown_sizes: Vec<String>,
}

/// A number of both plans.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TradedValue {
    /// What is measured.
    pub goal: String,
    /// Its unit.
    pub unit: String,
    /// With the plan before; `unknown` if that can't be told today.
    pub before: String,
    /// With the plan.
    pub after: String,
    /// The second less the first, with its sign; `unknown` if the first is.
    pub more: String,
}

/// A goal by both plans.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TradedGoal {
    /// What it says.
    pub goal: String,
    /// Where it is written.
    pub at: String,
    /// Whose it is.
    pub standing: Standing,
    /// With the plan before; `None` if that can't be told today.
    pub before: Option<Met>,
    /// With the plan.
    pub after: Option<Met>,
}

/// Whose goal it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// Of the new goals alone.
    New,
    /// Of both.
    Kept,
    /// Of the goals before alone.
    Dropped,
}

/// How a goal is met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Met {
    /// True if it holds.
    pub holds: bool,
    /// The value it was judged by.
    pub value: String,
}

/// Replicas of a service that move from one kind of machine at a place to another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Move {
    /// The service.
    pub service: String,
    /// How many replicas.
    pub replicas: usize,
    /// Where they ran; `None` for replicas that come.
    pub from: Option<String>,
    /// Where they run; `None` for replicas that go.
    pub to: Option<String>,
}
