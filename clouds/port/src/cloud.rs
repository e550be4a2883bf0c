//! The trait that every driver implements.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use coc_model::application::Application;
use coc_model::energy::Energy;
use coc_model::marks::{Mark, Marks};
use coc_model::mistake::Mistakes;
use coc_model::offer::{Offer, Purchase};
use coc_model::place::Place;
use coc_model::plan::PlannedResource;
use coc_model::resource::{NativeId, ObservedResource};
use futures::stream::BoxStream;
use serde_json::Value;

use crate::drift::Difference;
use crate::failure::Failure;

/// A mounted cloud. Verbs are thin: one call of the cloud's API each, no retries inside (the retry
/// layer is the only place that repeats), no waiting for long work (the caller lists again).
///
/// `create`, `update` and `delete` are never called alone: [`ensure`](crate::ensure::ensure) and
/// [`remove`](crate::remove::remove) surround them with the look-ups that make them safe to repeat.
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

    /// The resources that answer to a journal mark, a name or an id: the oldest first, by the
    /// cloud's own dates, so that of two with one mark everybody keeps the same one. None found is
    /// an empty list and says nothing of what was created inside the settle window.
    ///
    /// # Errors
    /// Any [`Failure`].
    async fn find(
        &self,
        resource_type: &str,
        by: &FindBy,
    ) -> Result<Vec<ObservedResource>, Failure>;

    /// Sends one create request, with name, marks and token in it; the token, where the cloud
    /// takes one, is made of the `op` mark. Gives what the cloud says is there now, with the marks
    /// it bears: a cloud that answers with an older resource of that name is found out by them.
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
    /// Any [`Failure`]; a [`Failure::Busy`] names what uses the resource, where the cloud tells.
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

    /// Where a resource differs from the document it was made from, among the fields that the
    /// document states; what the cloud fills in, what can't be read back and other spellings of
    /// the same value are no difference. Pure. `None` where the driver can't tell; drivers that
    /// can declare [`DRIFT`](crate::ability::DRIFT).
    fn drift(&self, _sent: &Value, _seen: &ObservedResource) -> Option<Vec<Difference>> {
        None
    }
}

/// What a driver can do. Names are open, so a new ability needs no change here; the conformance
/// suite picks its tests by them. Those that this crate reads are listed in
/// [`ability`](crate::ability).
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
    /// The catalog region (provider, region) whose latencies, traffic prices, certifications and
    /// grid hold here.
    pub like: Option<(Arc<str>, Arc<str>)>,
    /// The zones, where they can be chosen.
    pub zones: Vec<Arc<str>>,
    /// The frameworks it is certified for, beside those that the catalog states.
    pub certified: BTreeSet<Arc<str>>,
    /// What is known of its power, before what the catalog states.
    pub energy: Energy,
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

/// A create request. Its `Debug` leaves the document out, since secrets are filled in there.
#[derive(Clone, PartialEq)]
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

impl fmt::Debug for Create {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Create")
            .field("resource_type", &self.resource_type)
            .field("name", &self.name)
            .field("marks", &self.marks)
            .field("spec", &self.spec)
            .finish_non_exhaustive()
    }
}

/// A change of a resource that is there. The marks that it bears stay as they are. Its `Debug`
/// leaves the documents out.
#[derive(Clone, PartialEq)]
pub struct Update {
    /// The native type.
    pub resource_type: String,
    /// The cloud's id.
    pub id: NativeId,
    /// The native document as it should be, secrets filled in.
    pub native: Value,
    /// The hash of the document before secrets were filled in.
    pub spec: String,
    /// The resource as it was read just before: what the driver takes the cloud's precondition
    /// (etag, fingerprint, resource version) and the smallest change from.
    pub seen: ObservedResource,
}

impl fmt::Debug for Update {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Update")
            .field("resource_type", &self.resource_type)
            .field("id", &self.id)
            .field("spec", &self.spec)
            .finish_non_exhaustive()
    }
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
    /// How it is bought. Never [`Purchase::Spot`] for drivers without the ability
    /// [`BUY_SPOT`](crate::ability::BUY_SPOT).
    pub purchase: Purchase,
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
