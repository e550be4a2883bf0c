//! Behaviours that wrap any driver.
//!
//! From the inside out: [`faults`] (in tests), [`rate_limit`], [`retry`], [`read_only`] where nothing
//! may be changed, [`trace`]. So every single call is counted against the budget, and a trace shows
//! what the caller waited for.

pub mod faults;
pub mod rate_limit;
pub mod read_only;
pub mod retry;
pub mod trace;

use std::sync::Arc;

use async_trait::async_trait;
use coc_model::mistake::Mistakes;
use coc_model::plan::PlannedResource;
use coc_model::resource::{NativeId, ObservedResource};
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use serde_json::Value;

use crate::cloud::{Ask, Cloud, Create, Description, FindBy, Listing, Market, Selector, Update};
use crate::drift::Difference;
use crate::failure::Failure;

/// The calls of [`Cloud`] that go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verb {
    /// [`Cloud::market`].
    Market,
    /// [`Cloud::list`].
    List,
    /// [`Cloud::find`].
    Find,
    /// [`Cloud::create`].
    Create,
    /// [`Cloud::update`].
    Update,
    /// [`Cloud::delete`].
    Delete,
    /// [`Cloud::act`].
    Act,
}

impl Verb {
    /// Every verb.
    pub const ALL: [Self; 7] =
        [Self::Market, Self::List, Self::Find, Self::Create, Self::Update, Self::Delete, Self::Act];

    /// Its name, as in spans.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Market => "market",
            Self::List => "list",
            Self::Find => "find",
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Act => "act",
        }
    }

    /// True if it only reads, so that a call without an answer can simply be repeated.
    pub const fn reads(self) -> bool {
        matches!(self, Self::Market | Self::List | Self::Find)
    }
}

/// A call on its way: what a layer may know of it. No document.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The mount.
    pub cloud: &'a str,
    /// The verb.
    pub verb: Verb,
    /// The native type, where there is one.
    pub resource_type: Option<&'a str>,
    /// Name or id of the resource, where there is one.
    pub resource: Option<&'a str>,
}

/// Sends the call once; may be called again.
pub type Send<'a, T> =
    dyn Fn() -> BoxFuture<'a, Result<T, Failure>> + std::marker::Send + Sync + 'a;

/// What a layer does around each call.
#[async_trait]
pub trait Layer: std::marker::Send + Sync {
    /// Sends the call, once, not at all or several times, and gives the answer to pass on.
    ///
    /// # Errors
    /// What the caller is to see.
    async fn around<'a, T: std::marker::Send>(
        &self,
        call: Call<'a>,
        send: &Send<'a, T>,
    ) -> Result<T, Failure>;
}

/// A cloud with a layer around it.
pub struct Layered<L> {
    layer: L,
    inner: Arc<dyn Cloud>,
}

impl<L: Layer> Layered<L> {
    /// Puts a layer around a cloud.
    pub fn new(layer: L, inner: Arc<dyn Cloud>) -> Self {
        Self { layer, inner }
    }

    fn call<'a>(
        &'a self,
        verb: Verb,
        resource_type: Option<&'a str>,
        resource: Option<&'a str>,
    ) -> Call<'a> {
        Call { cloud: self.inner.name(), verb, resource_type, resource }
    }
}

#[async_trait]
impl<L: Layer> Cloud for Layered<L> {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn describe(&self) -> Description {
        self.inner.describe()
    }

    async fn market(&self) -> Result<Market, Failure> {
        self.layer.around(self.call(Verb::Market, None, None), &|| self.inner.market()).await
    }

    async fn list(&self, selector: &Selector) -> Result<Listing, Failure> {
        self.layer.around(self.call(Verb::List, None, None), &|| self.inner.list(selector)).await
    }

    async fn find(
        &self,
        resource_type: &str,
        by: &FindBy,
    ) -> Result<Vec<ObservedResource>, Failure> {
        let resource = match by {
            FindBy::Operation(mark) => mark.as_str(),
            FindBy::Name(name) => name,
            FindBy::Id(id) => &id.0,
        };
        let call = self.call(Verb::Find, Some(resource_type), Some(resource));
        self.layer.around(call, &|| self.inner.find(resource_type, by)).await
    }

    async fn create(&self, create: &Create) -> Result<ObservedResource, Failure> {
        let call = self.call(Verb::Create, Some(&create.resource_type), Some(&create.name));
        self.layer.around(call, &|| self.inner.create(create)).await
    }

    async fn update(&self, update: &Update) -> Result<ObservedResource, Failure> {
        let call = self.call(Verb::Update, Some(&update.resource_type), Some(&update.id.0));
        self.layer.around(call, &|| self.inner.update(update)).await
    }

    async fn delete(&self, resource_type: &str, id: &NativeId) -> Result<(), Failure> {
        let call = self.call(Verb::Delete, Some(resource_type), Some(&id.0));
        self.layer.around(call, &|| self.inner.delete(resource_type, id)).await
    }

    async fn act(
        &self,
        resource_type: &str,
        id: &NativeId,
        verb: &str,
        body: &Value,
    ) -> Result<Value, Failure> {
        let call = self.call(Verb::Act, Some(resource_type), Some(&id.0));
        self.layer.around(call, &|| self.inner.act(resource_type, id, verb, body)).await
    }

    fn watch(&self) -> BoxStream<'static, ()> {
        self.inner.watch()
    }

    fn resolve(&self, ask: &Ask<'_>) -> Result<Vec<PlannedResource>, Mistakes> {
        self.inner.resolve(ask)
    }

    fn drift(&self, sent: &Value, seen: &ObservedResource) -> Option<Vec<Difference>> {
        self.inner.drift(sent, seen)
    }
}
