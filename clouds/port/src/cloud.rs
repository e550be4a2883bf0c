//! The trait that every driver implements.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use coc_model::application::Application;
use coc_model::marks::{Mark, Marks};
use coc_model::mistake::Mistakes;
use coc_model::offer::Offer;
use coc_model::place::Place;
use coc_model::plan::PlannedResource;
use coc_model::resource::{NativeId, ObservedResource};
use futures::stream::BoxStream;
use serde_json::Value;

use crate::failure::Failure;

/// A mounted cloud. Verbs are thin: one call of the cloud's API each, no retries inside (the retry
/// layer is the only place that repeats), no waiting for long work (the caller lists again).
///
/// `create` and `delete` are never called alone: `ensure` and
/// `remove` surround them with the look-ups that make them safe to repeat.
#[async_trait]
pub trait Cloud: Send + Sync {
    /// The name it is mounted under.
    fn name(&self) -> &str;

    /// What it can do.
    fn describe(&self) -> Description;

    /// What it sells or has: sites, machines, limits, prices.
    ///
    /// # Errors
    /// Any [`Failure`].
    async fn market(&self) -> Result<Market, Failure>;

    /// Everything in it that bears the owner's mark.
    ///
    /// # Errors
    /// Any [`Failure`]; a list that could not be read whole is an error or says so in
    /// [`Listing::complete`], it never just misses items.
    async fn list(&self, selector: &Selector) -> Result<Listing, Failure>;

    /// One resource, looked up by the journal mark or by the name.
    ///
    /// # Errors
    /// Any [`Failure`].
    async fn find(
        &self,
        resource_type: &str,
        by: &FindBy,
    ) -> Result<Vec<ObservedResource>, Failure>;

    /// Sends one create request, with name, marks and token in it.
    ///
    /// # Errors
    /// Any [`Failure`]; [`Failure::Lost`] if the request may have had its effect.
    async fn create(&self, create: &Create) -> Result<ObservedResource, Failure>;

    /// Sends the smallest native change that brings a resource to a document.
    ///
    /// # Errors
    /// Any [`Failure`]; [`Failure::Immutable`] names what can only be had by replacing it.
    async fn update(&self, update: &Update) -> Result<ObservedResource, Failure>;

    /// Sends one delete request. Deleting what is not there is no failure.
    ///
    /// # Errors
    /// Any [`Failure`].
    async fn delete(&self, resource_type: &str, id: &NativeId) -> Result<(), Failure>;

    /// A native verb on a resource (`stop`, `start`, `logs`).
    ///
    /// # Errors
    /// Any [`Failure`]; [`Failure::Invalid`] for a verb the type does not have.
    async fn act(
        &self,
        resource_type: &str,
        id: &NativeId,
        verb: &str,
        body: &Value,
    ) -> Result<Value, Failure>;

    /// Wakes that something may have changed. Events carry nothing: whoever is woken lists. Lost
    /// and doubled events change nothing.
    fn watch(&self) -> BoxStream<'static, ()>;

    /// The native resources that make a part of a plan real here. Pure: the same ask, the same
    /// answer; no call is made.
    ///
    /// # Errors
    /// What can't be had on this cloud, each with its place in the application's file.
    fn resolve(&self, ask: &Ask<'_>) -> Result<Vec<PlannedResource>, Mistakes>;
}

/// What a driver can do. Names are open, so a new ability needs no change here; the conformance
/// suite picks its tests by them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// The driver's name.
    pub driver: &'static str,
    /// Abilities with their parameters (`marks.labels`, `token.create`, `watch`,
    /// `settle.seconds` = `30`, `limit.calls-in-flight` = `8`).
    pub abilities: BTreeMap<&'static str, String>,
    /// The native types it makes, and how each behaves.
    pub types: BTreeMap<&'static str, TypeDescription>,
}

impl Description {
    /// True if the ability is declared.
    pub fn has(&self, ability: &str) -> bool {
        self.abilities.contains_key(ability)
    }
}

/// How a native type behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeDescription {
    /// True if its name is unique in the cloud, so that a second create is refused.
    pub unique_name: bool,
    /// The longest name.
    pub name_limit: usize,
    /// True if it can hold data.
    pub holds_data: bool,
}

/// What a cloud sells or has.
#[derive(Clone, Debug, Default)]
pub struct Market {
    /// Its places.
    pub sites: Vec<MarketSite>,
    /// Its machines, each at one of the places.
    pub machines: Vec<Machine>,
    /// What is not known of it, in words for the plan.
    pub unknown: Vec<coc_model::estate::Unknown>,
}

/// A place of a cloud.
#[derive(Clone, Debug)]
pub struct MarketSite {
    /// Where.
    pub place: Place,
    /// The catalog region (provider, region) whose latencies and traffic prices hold here.
    pub like: Option<(Arc<str>, Arc<str>)>,
    /// The zones, where they can be chosen.
    pub zones: Vec<Arc<str>>,
}

/// A machine size at a place, or a machine that is there.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Index in [`Market::sites`].
    pub site: usize,
    /// The zone it is bound to, if it is.
    pub zone: Option<Arc<str>>,
    /// What it is.
    pub offer: Arc<Offer>,
    /// How many can be had at most, and by which rule; `None` if nothing is known to limit it.
    pub limit: Option<(u32, String)>,
    /// True for a machine that is there already.
    pub existing: bool,
}

/// Which resources to list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    /// Whose.
    pub owner: Mark,
    /// Of which application; `None` for all.
    pub app: Option<Mark>,
}

/// A list of resources.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listing {
    /// What was seen.
    pub resources: Vec<ObservedResource>,
    /// False if a part of the cloud could not be read: what is missing from such a list is
    /// unknown, not gone.
    pub complete: bool,
}

/// How to look a resource up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FindBy {
    /// By the journal entry that created it.
    Operation(Mark),
    /// By its native name, whoever's it is.
    Name(String),
    /// By the cloud's id.
    Id(NativeId),
}

/// A create request.
#[derive(Clone, Debug, PartialEq)]
pub struct Create {
    /// The native type.
    pub resource_type: String,
    /// The native name.
    pub name: String,
    /// The native document, secrets filled in.
    pub native: Value,
    /// The marks it bears from birth.
    pub marks: Marks,
    /// The hash of the document before secrets were filled in, kept on the resource.
    pub spec: String,
}

/// A change of a resource that is there.
#[derive(Clone, Debug, PartialEq)]
pub struct Update {
    /// The native type.
    pub resource_type: String,
    /// The cloud's id.
    pub id: NativeId,
    /// The native document as it should be, secrets filled in.
    pub native: Value,
    /// The hash of the document before secrets were filled in.
    pub spec: String,
}

/// What the planner asks a driver to make native: the part of a plan that lies in its cloud.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// The application.
    pub application: &'a Application,
    /// The machines of the plan in this cloud.
    pub hosts: &'a [AskedHost],
    /// The replicas on them.
    pub replicas: &'a [AskedReplica],
}

/// A machine of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedHost {
    /// The plan's id of it (`h1`).
    pub id: String,
    /// Region, as the cloud names it.
    pub region: Option<Arc<str>>,
    /// Zone, where the plan fixes it.
    pub zone: Option<Arc<str>>,
    /// The offer's name.
    pub offer: Arc<str>,
    /// True if it is there already.
    pub existing: bool,
}

/// A replica of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedReplica {
    /// The service.
    pub service: String,
    /// Which replica.
    pub replica: u32,
    /// The host's id.
    pub host: String,
    /// What it reserves there, declared or assumed.
    pub cpu: coc_model::quantity::Cpu,
    /// Likewise.
    pub memory: coc_model::quantity::Bytes,
}
