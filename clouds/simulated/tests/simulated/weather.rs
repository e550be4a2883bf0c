//! Two kinds of weather that tests look at clouds in.

use coc_cloud_simulated::{Profile, Simulated};
use coc_model::catalog::Catalog;
use serde_json::{Value, json};

/// Reads are right and work is quick.
pub(crate) fn calm() -> Value {
    json!({
        "regions": [{"name": "north", "zones": ["north-a", "north-b"]}, {"name": "south"}],
        "offers": [{"name": "small", "cpu": 2, "memory": "4Gi"}, {"name": "phantom", "cpu": 1, "memory": "1Gi"}],
        "capacity": [{"region": "north", "offer": "phantom", "machines": 0, "told": "late"}],
        "delays": {"call": "5ms", "boot": "5s..20s", "remove": "1s..3s", "token": "600s"},
        "page": 7
    })
}

/// New things show late, every third read is out of date, everything takes its time.
pub(crate) fn rough() -> Value {
    let mut profile = calm();
    profile["delays"] = json!({
        "call": "1ms..200ms", "boot": "10s..90s", "start": "1s..20s", "make": "0s..10s",
        "remove": "0s..30s", "visible": "0s..4s", "stale": "0s..3s", "token": "600s",
    });
    profile["faults"] = json!({"stale": "33%"});
    profile
}

/// A kind of weather and a seed.
pub(crate) struct Weather {
    pub(crate) profile: fn() -> Value,
    pub(crate) seed: u64,
}

impl Weather {
    /// The cloud in it; its clock follows the runtime's.
    pub(crate) fn cloud(&self) -> Simulated {
        let profile = Profile::read(&(self.profile)(), "dream", &[], &Catalog::default()).unwrap();
        let cloud = Simulated::new("dream", profile, self.seed);
        let start = tokio::time::Instant::now();
        cloud.follow(Box::new(move || start.elapsed()));
        cloud
    }
}
