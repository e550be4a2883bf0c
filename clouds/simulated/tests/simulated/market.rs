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

#[test]
fn what_is_no_list_of_frameworks_is_told() {
    let profile = json!({ "regions": [{"name": "north", "certified": "iso27001"}] });
    assert_eq!(
        read(&profile).unwrap_err(),
        ["regions[0].certified: expected a list, found a text"]
    );
}
