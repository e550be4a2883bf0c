//! Power and where it comes from: what estimates of carbon are made of.

use serde::{Deserialize, Serialize};

use crate::decimal::Decimal;

/// What is known of the power that machines at a place draw, and of the grid they draw it from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Energy {
    /// Grams of CO₂ equivalent per kWh of the grid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carbon_g_per_kwh: Option<Decimal>,
    /// Watts that a vCPU draws on average.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watts_per_vcpu: Option<Decimal>,
}

impl Energy {
    /// What this says, and what the other one says of the rest.
    pub fn or(self, other: Self) -> Self {
        Self {
            carbon_g_per_kwh: self.carbon_g_per_kwh.or(other.carbon_g_per_kwh),
            watts_per_vcpu: self.watts_per_vcpu.or(other.watts_per_vcpu),
        }
    }

    /// True if nothing is known.
    pub const fn is_unknown(&self) -> bool {
        self.carbon_g_per_kwh.is_none() && self.watts_per_vcpu.is_none()
    }
}
