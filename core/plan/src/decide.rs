//! What has to be done so that what runs is what is wanted.
//!
//! Pure: the same plan and the same observations give the same operations. Whoever carries them out
//! has nothing left to choose.
//!
//! - A resource is known by its mark, whatever its name; only what bears the marks of the owner and
//!   the application is ever touched.
//! - What a list that is not whole does not show is unknown, not gone: it is neither made again nor
//!   taken for removed.
//! - A resource made anew under another name, type or cloud is made before the old one is removed.
//!   Under the same name the old one has to go first, and so does what depends on it.
//! - What holds data is removed only if that is asked for.

mod fate;
mod order;
mod sound;

use std::collections::{BTreeMap, BTreeSet};

use coc_model::marks::Mark;
use coc_model::plan::{Await, Plan, PlannedResource};
use coc_model::resource::{NativeId, ObservedResource};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

/// What is wanted of an application.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The application's name.
    pub application: &'a str,
    /// Its resources; none if it is to go.
    pub resources: &'a [PlannedResource],
}

impl<'a> Wanted<'a> {
    /// Nothing: all of the application is to go.
    pub const fn nothing(application: &'a str) -> Self {
        Self { application, resources: &[] }
    }
}

impl<'a> From<&'a Plan> for Wanted<'a> {
    fn from(plan: &'a Plan) -> Self {
        Self { application: &plan.application, resources: &plan.resources }
    }
}

/// What is known besides the plan and the resources seen.
#[derive(Clone, Debug)]
pub struct Context {
    /// Whose resources may be touched.
    pub owner: Mark,
    /// The clouds that were asked, and whether their lists were whole. Others are not mounted.
    pub listed: BTreeMap<String, Listed>,
    /// What was written down when resources were made, by their marks.
    pub known: BTreeMap<Mark, Known>,
    /// Native types that can hold data: such a resource is taken to hold some if nothing is known
    /// of it.
    pub data_types: BTreeSet<String>,
    /// What earlier attempts of this run taught, by resource.
    pub learned: BTreeMap<Mark, BTreeSet<Learned>>,
    /// What to do with data that is not wanted any more.
    pub data: Data,
}

/// How much of a cloud was listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listed {
    /// All of it.
    Whole,
    /// A part: what is not shown is unknown.
    Part,
}

/// What was written down of a resource when it was made or last changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Its key in the plan.
    pub id: String,
    /// The keys of the resources that it was made after.
    pub after: Vec<String>,
    /// True if it holds data.
    pub protect: bool,
    /// The digest of its document.
    pub spec: Option<String>,
    /// The cloud's id of the one that was made.
    pub native_id: Option<NativeId>,
}

/// What an attempt taught of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Learned {
    /// The change can only be had by replacing it.
    Immutable,
    /// It could not be removed since what depends on it uses it.
    InUse,
    /// It was made, changed or started: if it fails or stops now, doing that again is no help.
    Done,
    /// The cloud would not make it, and would not if asked again: if there is something now that
    /// failed, it is what came of that.
    Refused,
}

/// What to do with data that is not wanted any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Data {
    /// Leave it where it is, and say so.
    #[default]
    Keep,
    /// Remove it.
    Remove,
}

/// What has to be done, in an order in which it can be done.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Operations {
    /// What is to be done; each comes after those that it waits for.
    pub steps: Vec<Operation>,
    /// The keys of the resources that are as wanted.
    pub kept: Vec<String>,
    /// What can't be decided or done, and why.
    pub withheld: Vec<Withheld>,
    /// What is not wanted any more and is left because it holds data.
    pub data_kept: Vec<Left>,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Operation {
    /// The resource's key in the plan, or its mark where no plan is known that has it.
    pub resource: String,
    /// Its mark.
    pub mark: Mark,
    /// The cloud.
    pub cloud: String,
    /// The native type.
    #[serde(rename = "type")]
    pub resource_type: String,
    /// The native name.
    pub name: String,
    /// What to do.
    pub action: Action,
    /// Why.
    pub reason: Reason,
    /// The steps that have to be done before, by their places in [`Operations::steps`].
    pub after: Vec<usize>,
    /// What other resources must have reached before.
    pub awaits: Vec<Await>,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Make it.
    Create(Document),
    /// Bring it to another document.
    Update {
        /// The resource that is there.
        seen: NativeId,
        /// As it should be.
        document: Document,
    },
    /// Start it.
    Start {
        /// The resource that is there.
        seen: NativeId,
    },
    /// Remove it.
    Remove {
        /// The resource that is there.
        seen: NativeId,
    },
}

/// A native document with what is to be written down of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Document {
    /// The document, with secrets as references.
    pub native: Value,
    /// Its digest.
    pub spec: String,
    /// The keys of the resources it is made after.
    pub after: Vec<String>,
    /// True if it holds data.
    pub protect: bool,
}

/// Why something is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// It is not there.
    Missing,
    /// Its document has changed.
    Changed,
    /// Its document has changed in a way that can only be had by replacing it.
    Immutable,
    /// Something it depends on is replaced.
    NeedReplaced,
    /// It has failed.
    Failed,
    /// It has stopped.
    Stopped,
    /// It is being removed, and wanted.
    Going,
    /// It has another name, type or cloud now.
    Superseded,
    /// There is another one of it.
    Double,
    /// The plan has no such resource.
    NotInPlan,
}

/// Something that is not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Withheld {
    /// The resource's key in the plan, or its mark where no plan is known that has it.
    pub resource: String,
    /// The cloud.
    pub cloud: String,
    /// Why.
    pub why: Why,
}

/// Why something is not done.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Error, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// The cloud is not mounted.
    #[error("its cloud is not mounted")]
    NotMounted,
    /// The cloud's list was not whole.
    #[error("its cloud could not be read whole, so it is not known whether it is there")]
    NotListed,
    /// A resource that it needs is withheld.
    #[error("it needs {0}")]
    Needs(String),
    /// Replacing it would lose its data.
    #[error("it has to be replaced, which would lose its data")]
    HoldsData,
    /// It has to be replaced, which can't be done while something uses it that can't be replaced.
    #[error("it has to be replaced, and {0} uses it, which can't be replaced")]
    UsedBy(String),
    /// It was done already in this run and did not last.
    #[error("it failed after it was made")]
    FailedAgain,
    /// It was started already in this run and stopped again.
    #[error("it stopped after it was started")]
    StoppedAgain,
}

/// A resource that is left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Left {
    /// The resource's key in the plan it was made by, or its mark.
    pub resource: String,
    /// The cloud.
    pub cloud: String,
    /// The native type.
    #[serde(rename = "type")]
    pub resource_type: String,
    /// The native name.
    pub name: String,
}

/// What is wrong with the resources of a plan.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Error)]
pub enum Fault {
    /// Two resources have one key.
    #[error("{0} is there twice")]
    Twice(String),
    /// A resource waits for one that the plan does not have.
    #[error("{resource} waits for {missing}, which the plan does not have")]
    NoSuch {
        /// Who waits.
        resource: String,
        /// For what.
        missing: String,
    },
    /// Resources wait for each other.
    #[error("these wait for each other: {}", .0.join(" → "))]
    Cycle(Vec<String>),
}

/// Everything that is wrong with the resources of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the plan can't be carried out: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct Faults(pub Vec<Fault>);

/// Whether the resources of a plan can be brought into an order.
///
/// # Errors
/// Keys that are there twice, waits for what the plan does not have, cycles: all of them.
pub fn check(wanted: Wanted<'_>) -> Result<(), Faults> {
    sound::check(wanted.resources)
}

/// What has to be done so that the application's resources are as wanted.
///
/// `observed` holds what the clouds showed; what is not ours or of another application is ignored.
///
/// # Errors
/// Keys that are there twice, waits for what the plan does not have, cycles: all of them.
pub fn decide(
    wanted: Wanted<'_>,
    observed: &[ObservedResource],
    context: &Context,
) -> Result<Operations, Faults> {
    check(wanted)?;
    let fates = fate::fates(wanted, observed, context);
    Ok(order::ordered(fates))
}
