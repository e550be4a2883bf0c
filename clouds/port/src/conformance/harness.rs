//! What the suite asks of a driver's tests.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use coc_model::resource::NativeId;
use serde_json::Value;

use crate::cloud::{Cloud, Create, Description};
use crate::conformance::stage::{Broken, Proof};
use crate::layers::Verb;
use crate::layers::faults::{Fault, Faults, Rule, When};

/// Documents that the suite needs. All but [`Document::SharedName`], [`Document::Labelless`] and
/// [`Document::Doomed`] are of the basic type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Document {
    /// The basic type: needs nothing else, and its names are keys.
    Basic,
    /// The basic document with one field changed that can be changed in place.
    Changed,
    /// The basic document with one field changed that can't be changed in place.
    Replaced,
    /// The basic document, the same meaning spelt otherwise.
    Respelt,
    /// The basic document with a field that can't be read back.
    Unreadable,
    /// The basic document with a field that the cloud does not know, named `noSuchField`.
    Unknown,
    /// The basic document, protected from deletion.
    Protected,
    /// Of a type whose names are not keys.
    SharedName,
    /// Of a type without labels.
    Labelless,
    /// Accepted, and then it fails.
    Doomed,
}

impl Document {
    /// Its name in the table.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Basic => "basic",
            Self::Changed => "changed",
            Self::Replaced => "replaced",
            Self::Respelt => "respelt",
            Self::Unreadable => "unreadable",
            Self::Unknown => "unknown field",
            Self::Protected => "protected",
            Self::SharedName => "shared name",
            Self::Labelless => "labelless",
            Self::Doomed => "doomed",
        }
    }
}

/// What a harness can do past the driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Power {
    /// [`Ground::foreign`].
    Foreign,
    /// [`Ground::twin`].
    Twin,
    /// [`Ground::change_by_hand`].
    HandChange,
    /// [`Ground::add_by_hand`].
    HandField,
    /// [`Ground::block`].
    Block,
    /// [`Ground::reopen`].
    Reopen,
    /// [`Ground::requests`] and [`Ground::last_change`].
    Requests,
    /// Waiting for hours costs nothing: the clock is a virtual one.
    PassTime,
}

impl Power {
    /// Its name in the table.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Foreign => "foreign",
            Self::Twin => "twin",
            Self::HandChange => "hand change",
            Self::HandField => "hand field",
            Self::Block => "block",
            Self::Reopen => "reopen",
            Self::Requests => "requests",
            Self::PassTime => "pass time",
        }
    }
}

/// A native type with a document.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The type.
    pub resource_type: &'static str,
    /// The document.
    pub native: Value,
}

/// One of a family of resources that need each other.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// Its key, from which its name is made.
    pub key: &'static str,
    /// Type and document.
    pub sample: Sample,
    /// The keys of those that must be ready before.
    pub after: &'static [&'static str],
}

/// What goes wrong on order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The next so many calls are refused as too many; the cloud may say how long to wait.
    Throttled {
        /// How many.
        calls: u64,
        /// What it says.
        wait: Option<Duration>,
    },
    /// The next so many lists end early.
    CutPages {
        /// How many.
        lists: u64,
    },
    /// For this time, reads are answered from before now, as if what was created or changed in the
    /// meantime had not been.
    Stale {
        /// How long; no longer than the settle window that the driver declares.
        time: Duration,
    },
}

/// A driver under test.
#[async_trait]
pub trait Harness: Send + Sync {
    /// What the driver declares.
    fn describe(&self) -> Description;

    /// What the harness can do past the driver.
    fn powers(&self) -> BTreeSet<Power>;

    /// A document, where there is one. [`Document::Basic`] always is.
    fn document(&self, document: Document) -> Option<Sample>;

    /// Resources that need each other, each after those it needs; empty if the cloud has none. The
    /// function gives the name that a key's resource will bear. With three or more, the first is
    /// needed by another one.
    fn family(&self, named: &dyn Fn(&str) -> String) -> Vec<Member>;

    /// A place to work in for one test, with nothing of another test in it.
    ///
    /// # Errors
    /// What kept it from being made.
    async fn fresh(&self, test: &str) -> Result<Arc<dyn Ground>, Broken>;

    /// How long one test may take.
    fn patience(&self) -> Duration {
        Duration::from_secs(24 * 3600)
    }

    /// How much longer than asked a wait may take: nothing under a paused clock.
    fn slack(&self) -> Duration {
        Duration::ZERO
    }
}

fn not_offered<T>(what: &str) -> Result<T, Broken> {
    Err(Broken(format!("the harness declares the power \"{what}\" and does not implement it")))
}

/// A cloud for one test, and what can be done to it past the driver.
#[async_trait]
pub trait Ground: Send + Sync {
    /// The cloud through its driver, without layers.
    fn cloud(&self) -> Arc<dyn Cloud>;

    /// The same cloud through a new driver, as after a restart of the program.
    ///
    /// # Errors
    /// What went wrong.
    async fn reopen(&self) -> Result<Arc<dyn Cloud>, Broken> {
        not_offered(Power::Reopen.name())
    }

    /// Makes a resource of the basic type that bears no mark of ours; gives its id. The ground
    /// removes it when it is done with.
    ///
    /// # Errors
    /// What went wrong.
    async fn foreign(&self, _name: &str) -> Result<NativeId, Broken> {
        not_offered(Power::Foreign.name())
    }

    /// Makes a second resource of this very request, past token and look-up; gives its id.
    ///
    /// # Errors
    /// What went wrong.
    async fn twin(&self, _create: &Create) -> Result<NativeId, Broken> {
        not_offered(Power::Twin.name())
    }

    /// Changes a field of a basic resource that the basic document states, and that
    /// [`Document::Changed`] leaves alone; gives the field as a JSON pointer.
    ///
    /// # Errors
    /// What went wrong.
    async fn change_by_hand(&self, _id: &NativeId) -> Result<String, Broken> {
        not_offered(Power::HandChange.name())
    }

    /// Sets a field of a basic resource that no document of ours states; gives the field as a JSON
    /// pointer.
    ///
    /// # Errors
    /// What went wrong.
    async fn add_by_hand(&self, _id: &NativeId) -> Result<String, Broken> {
        not_offered(Power::HandField.name())
    }

    /// Makes a foreign resource use a basic one, so that it can't be deleted; gives the user's name.
    ///
    /// # Errors
    /// What went wrong.
    async fn block(&self, _id: &NativeId) -> Result<String, Broken> {
        not_offered(Power::Block.name())
    }

    /// How many requests the cloud has had.
    ///
    /// # Errors
    /// What went wrong.
    fn requests(&self) -> Result<u64, Broken> {
        not_offered(Power::Requests.name())
    }

    /// The body of the last request that changed a resource.
    ///
    /// # Errors
    /// What went wrong.
    fn last_change(&self) -> Result<Value, Broken> {
        not_offered(Power::Requests.name())
    }

    /// The cloud in trouble, through its driver: by its own means where it has them, else with the
    /// fault layer around it.
    fn under(&self, trouble: Trouble) -> Arc<dyn Cloud> {
        let rules = match trouble {
            Trouble::Throttled { calls, wait } => {
                vec![Rule::any(When::First(calls), Fault::Throttled(wait))]
            }
            Trouble::CutPages { lists } => {
                vec![Rule::on(&[Verb::List], When::First(lists), Fault::CutPage)]
            }
            Trouble::Stale { time } => {
                vec![Rule::on(&[Verb::List, Verb::Find], When::Every(1), Fault::Stale(time))]
            }
        };
        Arc::new(Faults::new(self.cloud(), 0, rules))
    }

    /// Removes what was made past the driver.
    ///
    /// # Errors
    /// What could not be removed.
    async fn clear(&self) -> Proof {
        Ok(())
    }
}
