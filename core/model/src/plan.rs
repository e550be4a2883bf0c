//! Plans: immutable, complete, and the same bytes for the same input.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::estate::Unknown;
use crate::mistake::Position;
use crate::offer::Purchase;
use crate::tradeoff::Tradeoff;

/// A plan, in the form of its JSON document. Exact numbers are decimal strings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Its name: the first characters of the hash of everything in it but `evidence` and `tradeoff`.
    pub plan: String,
    /// The plan it was derived from.
    pub parent: Option<String>,
    /// The application's name.
    pub application: String,
    /// What is proved of it.
    pub status: Status,
    /// The tiers, with their values and bounds.
    pub objective: Vec<ObjectiveValue>,
    /// What it costs.
    pub cost: Cost,
    /// What it emits, where a goal looks at that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carbon: Option<Carbon>,
    /// Where each replica runs.
    pub placements: Vec<Placement>,
    /// The machines.
    pub hosts: Vec<Host>,
    /// Every native resource.
    pub resources: Vec<PlannedResource>,
    /// What the checker says.
    pub check: Check,
    /// What was assumed because it was not declared.
    pub assumed: Vec<Assumption>,
    /// What is not known.
    pub unknown: Vec<Unknown>,
    /// How it was found and proved. Left out when plans are compared.
    pub evidence: Evidence,
    /// The goals in conflict, where no plan can exist.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conflict: Vec<ConflictItem>,
    /// The smallest changes that would make a plan possible.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub relaxations: Vec<Relaxation>,
    /// What it gives up for what against the plan it was derived from. Left out when plans are
    /// compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tradeoff: Option<Tradeoff>,
    /// What ran before, where goals look at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Before>,
    /// What it was made from.
    pub inputs: Inputs,
}

/// What runs when a plan is made, by the plan it runs by.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Before {
    /// Where each replica runs.
    pub placements: Vec<Placement>,
    /// The machines.
    pub hosts: Vec<Host>,
}

impl Before {
    /// What runs by a plan.
    pub fn of(plan: &Plan) -> Self {
        Self { placements: plan.placements.clone(), hosts: plan.hosts.clone() }
    }
}

/// What is proved of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// No better plan exists.
    Optimal,
    /// A plan; how far it can be from the best is stated.
    Feasible,
    /// No plan exists.
    Infeasible,
    /// Neither a plan nor a proof that there is none.
    Unknown,
}

/// The value of one tier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectiveValue {
    /// What is measured.
    pub goal: String,
    /// The plan's value.
    pub value: String,
    /// The unit of value and bound.
    pub unit: String,
    /// No plan can be better than this.
    pub bound: String,
    /// |value − bound| / |bound|, as a decimal ratio; 0 if they are equal.
    pub gap: String,
}

/// What a plan costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// The sum of the lines.
    pub total: String,
    /// `USD/month`.
    pub unit: String,
    /// Its parts.
    pub lines: Vec<CostLine>,
}

/// One part of the cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CostLine {
    /// What is paid for.
    pub what: String,
    /// Where.
    #[serde(rename = "where")]
    pub place: String,
    /// How much.
    pub amount: String,
    /// What the price rests on: source and date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// What the machines of a plan emit: an estimate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carbon {
    /// The sum over its hosts.
    pub total: String,
    /// `g CO2e/month`.
    pub unit: String,
    /// How it is estimated.
    pub estimated: String,
}

/// Where one replica runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placement {
    /// The service.
    pub service: String,
    /// Which of its replicas, from 0.
    pub replica: u32,
    /// The cloud.
    pub cloud: String,
    /// The region.
    pub region: Option<String>,
    /// The zone, where the plan fixes it.
    pub zone: Option<String>,
    /// The host's id.
    pub host: String,
    /// The way it is made real.
    pub resolver: String,
}

/// A machine of the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// `h1`, `h2`, ...
    pub id: String,
    /// The cloud.
    pub cloud: String,
    /// The region.
    pub region: Option<String>,
    /// The zone, where the plan fixes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// The offer's name.
    pub offer: String,
    /// Its price.
    pub price: String,
    /// How it is bought.
    #[serde(default, skip_serializing_if = "Purchase::is_on_demand")]
    pub purchase: Purchase,
    /// True if the machine was there already.
    #[serde(default)]
    pub existing: bool,
    /// (service, replica) pairs.
    pub holds: Vec<(String, u32)>,
}

/// A native resource of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedResource {
    /// Its key in the plan.
    pub id: String,
    /// The cloud it is made in.
    pub cloud: String,
    /// The native type.
    #[serde(rename = "type")]
    pub resource_type: String,
    /// Its native name.
    pub name: String,
    /// Resources that must be ready before.
    pub after: Vec<Await>,
    /// The native document, with secrets as references.
    pub native: Value,
    /// True if it holds data: it is kept on destroy unless that is asked for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub protect: bool,
}

/// A resource to wait for: its id alone in JSON where being there is enough.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Await {
    /// Until it is there and running.
    Ready(String),
    /// Until it has reached a condition.
    Condition {
        /// The resource.
        id: String,
        /// What it must have reached.
        until: crate::application::Condition,
    },
}

impl Await {
    /// The resource waited for.
    pub fn id(&self) -> &str {
        match self {
            Self::Ready(id) | Self::Condition { id, .. } => id,
        }
    }
}

/// What the checker says of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// True if every figure and every requirement was found right.
    pub accepted: bool,
    /// Each requirement.
    pub requirements: Vec<CheckedRequirement>,
    /// What is wrong with the plan itself, if anything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<String>,
}

/// A requirement as the checker found it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckedRequirement {
    /// What it says.
    pub goal: String,
    /// Where it was written.
    pub at: Position,
    /// How strict it is.
    pub policy: crate::goals::Policy,
    /// True if it holds.
    pub satisfied: bool,
    /// The value it was judged by.
    pub value: String,
}

/// Something assumed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Assumption {
    /// The service, or `from → to` for a link.
    pub service: String,
    /// What (`cpu`, `memory`, `architecture`, `traffic`).
    pub what: String,
    /// The assumed value.
    pub value: String,
}

/// How a plan was found and proved.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The engine whose answer it is.
    pub engine: String,
    /// What the proof rests on, in words.
    pub proof: String,
    /// The bound of the first tier.
    pub bound: String,
    /// Nodes of the search.
    pub nodes: u64,
    /// Wall time in milliseconds.
    pub time_ms: u64,
    /// What else the engines reported: sizes before and after presolve, columns, rounds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// A goal, or a limit of a cloud, that takes part in a conflict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConflictItem {
    /// What it says.
    pub goal: String,
    /// Where it was written; empty for what no file says.
    pub at: String,
}

/// A change that would make a plan possible.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relaxation {
    /// The change, in words.
    pub change: String,
    /// The first tier's value then.
    pub objective: String,
}

/// What a plan was made from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inputs {
    /// Digest of the application's files.
    pub application: String,
    /// Digest of the goals' files.
    pub goals: String,
    /// Digest of the catalog.
    pub catalog: String,
    /// Digest of the clouds' file and mounts.
    pub clouds: String,
    /// The seed.
    pub seed: u64,
    /// The application's files, in the order given, as the person named them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// The goals' files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub goals_files: Vec<String>,
    /// The clouds' files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clouds_files: Vec<String>,
    /// The catalog's folders; none means the built-in catalog.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub catalog_folders: Vec<String>,
    /// The Compose profiles that were active.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub profiles: Vec<String>,
}
