//! What a simulated cloud says of its places.

use coc_cloud::Cloud;
use coc_cloud_simulated::{Profile, Simulated};
use coc_model::catalog::Catalog;
use serde_json::{Value, json};

fn read(profile: &Value) -> Result<Profile, Vec<String>> {
    Profile::read(profile, "dream", &[], &Catalog::default())
}

#[tokio::test]
async fn a_region_is_certified_for_what_its_profile_states() {
    let profile = json!({
        "regions": [{"name": "north", "certified": ["iso27001", "hds"]}, {"name": "south"}],
        "offers": [{"name": "small", "cpu": 2, "memory": "4Gi"}],
    });
    let cloud = Simulated::new("dream", read(&profile).unwrap(), 1);
    let market = cloud.market().await.unwrap();
    let certified: Vec<Vec<&str>> =
        market.sites.iter().map(|s| s.certified.iter().map(|f| &**f).collect()).collect();
    assert_eq!(certified, [vec!["hds", "iso27001"], vec![]]);
}

#[tokio::test]
async fn a_region_draws_what_its_profile_states() {
    let profile = json!({
        "regions": [{"name": "north", "energy": {"carbonPerKwh": 12.5, "wattsPerVcpu": "3"}}],
    });
    let cloud = Simulated::new("dream", read(&profile).unwrap(), 1);
    let energy = cloud.market().await.unwrap().sites[0].energy;
    let [grid, watts] = [energy.carbon_g_per_kwh, energy.watts_per_vcpu].map(Option::unwrap);
    assert_eq!((grid.to_string(), watts.to_string()), ("12.5".into(), "3".into()));
    let profile = json!({
        "regions": [{"name": "north", "energy": {"carbonPerKwh": -1, "watts": 3}}],
    });
    assert_eq!(
        read(&profile).unwrap_err(),
        [
            "regions[0].energy.carbonPerKwh: -1 is below zero",
            "regions[0].energy: \"watts\" is not known here; known are carbonPerKwh, wattsPerVcpu"
        ]
    );
}

#[test]
fn what_is_no_list_of_frameworks_is_told() {
    let profile = json!({ "regions": [{"name": "north", "certified": "iso27001"}] });
    assert_eq!(
        read(&profile).unwrap_err(),
        ["regions[0].certified: expected a list, found a text"]
    );
}
