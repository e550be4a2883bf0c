//! What can't be removed because others use it.

use coc_cloud::{Cloud, Failure};
use coc_cloud_docker::{NETWORK, VOLUME};
use serde_json::json;

use crate::engines::{Foreign, Ground, failed};

fn says(failure: &Failure) -> &str {
    match failure {
        Failure::Busy { says, .. } => says,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_network_in_use_names_its_users_and_whose_they_are() {
    let ground = Ground::new("busy-network");
    let network = ground.docker.create(&ground.wanted(NETWORK, "n", json!({}))).await;
    let network = network.expect("a network");
    let ours = ground
        .run("c", json!({"Image": "demo/web:bare", "HostConfig": {"NetworkMode": network.name}}))
        .await;
    let foreign = Foreign::run(&ground, "f", &["--network", &network.name]);

    let failure = failed(ground.docker.delete(NETWORK, &network.native_id).await);
    let mut users = [
        ours.name.clone(),
        format!("{} (foreign: it bears no marks of this project)", foreign.name),
    ];
    users.sort();
    let told = format!("network {} is used by {}", network.name, users.join(", "));
    assert_eq!(says(&failure), told);
    assert!(failure.is_passing());

    ground.docker.delete(&ours.resource_type, &ours.native_id).await.expect("ours goes");
    let failure = failed(ground.docker.delete(NETWORK, &network.native_id).await);
    assert!(!says(&failure).contains(&ours.name) && says(&failure).contains(&foreign.name));
    assert_eq!(ground.engine.inspect(&foreign.name)["State"]["Status"], "running");

    drop(foreign);
    assert_eq!(ground.docker.delete(NETWORK, &network.native_id).await, Ok(()));
}

#[tokio::test]
async fn a_volume_in_use_names_its_users() {
    let ground = Ground::new("busy-volume");
    let volume = ground.docker.create(&ground.wanted(VOLUME, "v", json!({}))).await;
    let volume = volume.expect("a volume");
    let foreign = Foreign::run(&ground, "f", &["-v", &format!("{}:/data", volume.name)]);
    let failure = failed(ground.docker.delete(VOLUME, &volume.native_id).await);
    let users = format!("{} (foreign: it bears no marks of this project)", foreign.name);
    assert_eq!(says(&failure), format!("volume {} is used by {users}", volume.name));
    drop(foreign);
    assert_eq!(ground.docker.delete(VOLUME, &volume.native_id).await, Ok(()));
}
