//! Resources as they are seen in a cloud.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::marks::Marks;

/// The cloud's own name of a resource: what its API is asked by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NativeId(pub String);

/// A resource seen in a cloud.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ObservedResource {
    /// The mount it was seen in.
    pub cloud: String,
    /// The native type.
    #[serde(rename = "type")]
    pub resource_type: String,
    /// The cloud's id.
    pub native_id: NativeId,
    /// The cloud's name for it.
    pub name: String,
    /// Our marks, if it bears them.
    pub marks: Option<Marks>,
    /// The hash of the document it was made from, if it bears one.
    pub spec: Option<String>,
    /// Its state.
    pub state: State,
    /// Where it can be reached, if anywhere: `10.0.0.2:8080`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
    /// The native document.
    pub native: Value,
}

/// The state of a resource, in words every cloud's states are read into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Being made.
    Pending,
    /// There and, where that means something, running; health not known or not probed.
    Running,
    /// Running, and its health check passes.
    Healthy,
    /// Running, and its health check fails.
    Unhealthy,
    /// It ran and ended with exit code 0.
    Completed,
    /// It ended otherwise, or could not be made.
    Failed,
    /// It exists and was stopped.
    Stopped,
    /// Being removed.
    Removing,
}
