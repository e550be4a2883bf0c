//! Offers: what a cloud sells or has at a place.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::attribute::Attributes;
use crate::money::Rate;
use crate::quantity::{Bytes, Cpu};

/// Where a figure comes from and when it was true.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Source {
    /// The publisher or data set.
    pub name: Arc<str>,
    /// The date the figure is of, as precise as the source says (`2026-08` or `2026-08-06`).
    pub date: Arc<str>,
}

/// What is known of the price of an offer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Price {
    /// Quoted by the source.
    Known(Rate),
    /// A genuine zero, said to be free.
    Free,
    /// Computed from other prices; shown as an estimate and never planned on.
    Estimated(Rate),
    /// Not known, with the reason; never a candidate.
    Unknown(Arc<str>),
}

impl Price {
    /// The rate that a plan may rest on.
    pub fn plannable(&self) -> Option<Rate> {
        match self {
            Self::Known(rate) => Some(*rate),
            Self::Free => Some(Rate::hourly(crate::decimal::Decimal::ZERO)),
            Self::Estimated(_) | Self::Unknown(_) => None,
        }
    }
}

/// How a machine is bought.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Purchase {
    /// By the hour, for as long as it is wanted; machines that are there already too.
    #[default]
    OnDemand,
    /// At the spot price; the cloud may take it back.
    Spot,
}

impl Purchase {
    /// True for what is bought as most machines are.
    pub fn is_on_demand(&self) -> bool {
        *self == Self::OnDemand
    }
}

/// An accelerator built into an offer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Accelerator {
    /// Its model as the catalog names it (`L4`, `A100`).
    pub name: Arc<str>,
    /// How many, in thousandths (providers sell shares of one).
    pub milli: u64,
}

/// Processor architectures, by the names that images and catalogs use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Architecture {
    /// 64-bit Intel and AMD.
    #[serde(rename = "x86_64")]
    X86_64,
    /// 64-bit ARM.
    #[serde(rename = "arm64")]
    Arm64,
}

impl Architecture {
    /// The name in catalogs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Arm64 => "arm64",
        }
    }

    /// Reads the names in use: `x86_64`, `amd64`, `arm64`, `aarch64`, with or without `linux/`.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix("linux/").unwrap_or(text);
        match text.split('/').next()? {
            "x86_64" | "amd64" | "X86_64" => Some(Self::X86_64),
            "arm64" | "aarch64" | "ARM64" => Some(Self::Arm64),
            _ => None,
        }
    }
}

/// A machine size that can be leased at a region of a cloud, or a machine that is there already.
///
/// `None` means unknown, everywhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// The cloud whose offer it is: a provider in a catalog, a mount in an estate.
    pub cloud: Arc<str>,
    /// The cloud's name for the region.
    pub region: Arc<str>,
    /// The zones it is sold in, where the source says so.
    pub zones: Vec<Arc<str>>,
    /// The cloud's name for the size.
    pub name: Arc<str>,
    /// Processors.
    pub cpu: Option<Cpu>,
    /// Memory.
    pub memory: Option<Bytes>,
    /// Accelerator; `None` for machines without one.
    pub accelerator: Option<Accelerator>,
    /// Processor architecture.
    pub architecture: Option<Architecture>,
    /// Disk inside the machine.
    pub local_disk: Option<Bytes>,
    /// Network, in megabits per second.
    pub network_mbps: Option<u64>,
    /// On-demand price.
    pub price: Price,
    /// Spot price.
    pub spot: Option<Rate>,
    /// Price under a one-year commitment.
    pub commit_1y: Option<Rate>,
    /// Price under a three-year commitment.
    pub commit_3y: Option<Rate>,
    /// How often spot machines are taken back, in the provider's words.
    pub interruption: Option<Arc<str>>,
    /// False where no source confirms that the region sells it.
    pub verified: bool,
    /// Where the on-demand price comes from.
    pub source: Option<Arc<Source>>,
    /// Where the spot price comes from.
    pub spot_source: Option<Arc<Source>>,
    /// Whatever else the catalog or the cloud says of it.
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    pub attributes: Attributes,
}

impl Offer {
    /// A bare offer: sizes and price unknown, for drivers and tests to fill in.
    pub fn named(cloud: &str, region: &str, name: &str) -> Self {
        Self {
            cloud: cloud.into(),
            region: region.into(),
            zones: Vec::new(),
            name: name.into(),
            cpu: None,
            memory: None,
            accelerator: None,
            architecture: None,
            local_disk: None,
            network_mbps: None,
            price: Price::Unknown("not stated".into()),
            spot: None,
            commit_1y: None,
            commit_3y: None,
            interruption: None,
            verified: true,
            source: None,
            spot_source: None,
            attributes: Attributes::new(),
        }
    }
}
