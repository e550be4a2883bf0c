//! Clouds as a person mounts them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::energy::Energy;
use crate::mistake::Position;
use crate::money::Rate;
use crate::place::Place;

/// A mounted cloud: which driver, where, with whose rights. Credentials are by reference only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cloud {
    /// The name people and plans use.
    pub name: String,
    /// The driver.
    pub driver: String,
    /// Where its API is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// The regions to use; empty means all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub regions: Vec<String>,
    /// Where credentials are found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<Credentials>,
    /// Where it is, for clouds that can't say so themselves.
    #[serde(default)]
    pub place: Place,
    /// What its owner pays or charges.
    #[serde(default)]
    pub prices: PriceBook,
    /// The frameworks (`iso27001`) that its owner says it is certified for, at all its places.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub certified: BTreeSet<String>,
    /// What its owner knows of its power, at all its places.
    #[serde(default, skip_serializing_if = "Energy::is_unknown")]
    pub energy: Energy,
    /// True if nothing may ever be changed in it.
    #[serde(default)]
    pub read_only: bool,
    /// What only the driver understands (`profile`, `seed`, ...).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, Value>,
    /// Where it was written.
    pub at: Position,
}

/// Where credentials are found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// `env`, or the path of a file, or another source that the driver knows.
    pub from: String,
}

/// Prices that the owner of a cloud states.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceBook {
    /// What one host costs, for clouds made of existing machines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<Rate>,
    /// Dollars per 10⁹ bytes sent to other clouds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub egress_per_gb: Option<crate::decimal::Decimal>,
    /// The discount on list prices, as a ratio.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discount: Option<crate::decimal::Decimal>,
}
