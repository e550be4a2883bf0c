//! What deploying keeps in the vault.

use coc_model::goals::Stated;
use coc_model::marks::{Mark, Marks};
use coc_model::object::{Key, KeyError, Kind, Object};
use coc_model::resource::NativeId;
use coc_plan::decide::{Data, Known, Reason};
use coc_vault::{KeyRange, Record};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::error::DeployError;

/// The schema of every body here.
const SCHEMA: u16 = 1;

/// Which plan an application is to run by. Key: `Target/<application>`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The plan; `None` if the application is to go.
    pub plan: Option<String>,
    /// The plan that it took the place of.
    pub parent: Option<String>,
    /// True if data goes too. Only ever said of an application that is to go.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub with_data: bool,
}

impl Target {
    /// What is to become of data that is not wanted any more.
    pub const fn data(&self) -> Data {
        if self.with_data { Data::Remove } else { Data::Keep }
    }
}

/// The goals that an application runs by. Key: `Goals/<application>`; those before are the object's
/// history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunningGoals {
    /// The plan that was made for them.
    pub plan: String,
    /// The goals.
    pub stated: Stated,
}

/// The last attempt to bring an application to its target. Key: `Run/<application>`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// The plan.
    pub plan: Option<String>,
    /// How many steps it began with.
    pub steps: usize,
    /// When it began.
    pub began: Timestamp,
    /// How it ended; `None` while it is under way, and for ever if it was cut off.
    pub ended: Option<RunEnd>,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunEnd {
    /// When.
    pub at: Timestamp,
    /// How many steps failed or could not be done.
    pub failures: usize,
}

/// A native resource that we made. Key: `Resource/<application>/<mark>`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Its key in the plan.
    pub resource: String,
    /// The cloud.
    pub cloud: String,
    /// The native type.
    #[serde(rename = "type")]
    pub resource_type: String,
    /// The native name.
    pub name: String,
    /// The cloud's id.
    pub native_id: NativeId,
    /// The digest of its document.
    pub spec: String,
    /// The keys of the resources that it was made after.
    #[serde(default)]
    pub after: Vec<String>,
    /// True if it holds data.
    #[serde(default)]
    pub protect: bool,
    /// The operation that made it.
    pub op: Mark,
    /// When we last changed it: for a while after that a list may not show it.
    pub touched: Timestamp,
}

impl From<&Standing> for Known {
    fn from(standing: &Standing) -> Self {
        Self {
            id: standing.resource.clone(),
            after: standing.after.clone(),
            protect: standing.protect,
            spec: Some(standing.spec.clone()),
            native_id: Some(standing.native_id.clone()),
        }
    }
}

/// The newest operation on a resource. Key: `Operation/<application>/<mark>`; those before are the
/// object's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperationRecord {
    /// What is done to what.
    pub intent: Intent,
    /// Its marks; `op` is the token by which its effect is found again.
    pub marks: Marks,
    /// Which operation on this resource it is, from 1.
    pub sequence: u32,
    /// The plan it is for; `None` if the application is to go.
    pub plan: Option<String>,
    /// Why it is done.
    pub reason: Reason,
    /// When it was written down.
    pub opened: Timestamp,
    /// How it ended; `None` while it may be under way.
    pub outcome: Option<Outcome>,
}

/// What is done to what: exact enough to be told from every other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// The resource's key in the plan, or its mark.
    pub resource: String,
    /// The cloud.
    pub cloud: String,
    /// The native type.
    #[serde(rename = "type")]
    pub resource_type: String,
    /// The native name.
    pub name: String,
    /// What is done.
    pub verb: Verb,
    /// The resource that it is done to, if one is there.
    pub native_id: Option<NativeId>,
    /// The digest of the document, with secrets as references.
    pub spec: Option<String>,
    /// The keys of the resources that it is made after.
    #[serde(default)]
    pub after: Vec<String>,
    /// True if it holds data.
    #[serde(default)]
    pub protect: bool,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    /// It is made.
    Create,
    /// It is changed.
    Update,
    /// It is started.
    Start,
    /// It is removed.
    Remove,
}

impl Verb {
    /// The name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Start => "start",
            Self::Remove => "remove",
        }
    }
}

/// How an operation ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// When.
    pub at: Timestamp,
    /// What came of it.
    #[serde(flatten)]
    pub end: End,
}

/// What came of an operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum End {
    /// It has its effect: on the resource with this id.
    Done(NativeId),
    /// The cloud refused it, in these words, with no secret in them.
    Failed(String),
    /// It has no effect, as was found out later, and is not wanted any more.
    Abandoned,
}

/// An object of deploying and the record it was read from.
#[derive(Clone, Debug)]
pub(super) struct Kept<T> {
    /// The body.
    pub(super) body: T,
    /// The record.
    pub(super) record: Record,
}

/// Keys of an application.
#[derive(Clone, Copy, Debug)]
pub struct Keys<'a>(pub &'a str);

impl Keys<'_> {
    /// Of the target.
    ///
    /// # Errors
    /// A name that can't be part of a key.
    pub fn target(self) -> Result<Key, KeyError> {
        Key::new(Kind::Target, &[self.0])
    }

    /// Of the goals.
    ///
    /// # Errors
    /// A name that can't be part of a key.
    pub fn goals(self) -> Result<Key, KeyError> {
        Key::new(Kind::Goals, &[self.0])
    }

    /// Of the last run.
    ///
    /// # Errors
    /// A name that can't be part of a key.
    pub fn run(self) -> Result<Key, KeyError> {
        Key::new(Kind::Run, &[self.0])
    }

    /// Of the newest operation on a resource.
    ///
    /// # Errors
    /// A name that can't be part of a key.
    pub fn operation(self, resource: &Mark) -> Result<Key, KeyError> {
        Key::new(Kind::Operation, &[self.0, resource.as_str()])
    }

    /// Of a resource.
    ///
    /// # Errors
    /// A name that can't be part of a key.
    pub fn resource(self, resource: &Mark) -> Result<Key, KeyError> {
        Key::new(Kind::Resource, &[self.0, resource.as_str()])
    }

    /// Everything of a kind.
    ///
    /// # Errors
    /// A name that can't be part of a key.
    pub fn all(self, kind: Kind) -> Result<KeyRange, KeyError> {
        KeyRange::under(kind, &[self.0])
    }
}

/// The object of a body.
pub(super) fn object<T: Serialize>(key: Key, body: &T) -> Result<Object, DeployError> {
    let body = serde_json::to_value(body)
        .map_err(|e| DeployError::Record { key: key.to_string(), says: e.to_string() })?;
    Ok(Object { key, labels: Default::default(), schema: SCHEMA, body })
}

/// The body of a record.
pub(super) fn read<T: DeserializeOwned>(record: Record) -> Result<Kept<T>, DeployError> {
    let wrong = |says: String| DeployError::Record { key: record.key().to_string(), says };
    if record.object.schema != SCHEMA {
        let schema = record.object.schema;
        return Err(wrong(format!("its schema is {schema}, this program knows {SCHEMA}")));
    }
    let body = T::deserialize(&record.object.body).map_err(|e| wrong(e.to_string()))?;
    Ok(Kept { body, record })
}
