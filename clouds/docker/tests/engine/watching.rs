//! Wakes by the events of real engines.

use std::time::Duration;

use coc_cloud::Cloud;
use coc_cloud_docker::{NETWORK, VOLUME};
use futures::StreamExt;
use serde_json::json;

use crate::engines::{Ground, bare};

const SOON: Duration = Duration::from_secs(10);

/// Takes what is there already: the wakes of the two new connections at least.
async fn drain(wakes: &mut futures::stream::BoxStream<'static, ()>) {
    while tokio::time::timeout(Duration::from_millis(500), wakes.next()).await.is_ok() {}
}

#[tokio::test]
async fn each_change_wakes() {
    // The second engine: on the first, other tests' networks and volumes wake as well.
    let ground = Ground::on(&crate::engines::engines()[1], "wakes");
    let mut wakes = ground.docker.watch();
    for _ in 0..2 {
        tokio::time::timeout(SOON, wakes.next()).await.expect("a wake per connection");
    }
    let container = ground.run("c", bare()).await;
    tokio::time::timeout(SOON, wakes.next()).await.expect("a wake by the container");

    drain(&mut wakes).await;
    ground.engine.client(&["kill", &container.native_id.0]).expect("it is killed");
    tokio::time::timeout(SOON, wakes.next()).await.expect("a wake by its end");

    for resource_type in [NETWORK, VOLUME] {
        drain(&mut wakes).await;
        let wanted = ground.wanted(resource_type, resource_type, json!({}));
        ground.docker.create(&wanted).await.expect("it is made");
        tokio::time::timeout(SOON, wakes.next()).await.expect("a wake by its birth");
    }
}

#[tokio::test]
async fn a_stream_that_is_dropped_leaves_no_connection() {
    let ground = Ground::new("dropped");
    let listeners = || -> u64 {
        let text = ground.engine.client(&["info", "-f", "{{.NEventsListener}}"]).expect("info");
        text.parse().expect("a number")
    };
    let mut streams = Vec::new();
    for _ in 0..20 {
        let mut wakes = ground.docker.watch();
        for _ in 0..2 {
            tokio::time::timeout(SOON, wakes.next()).await.expect("a wake per connection");
        }
        streams.push(wakes);
    }
    let many = listeners();
    assert!(many >= 40, "{many}");
    drop(streams);
    let fewer = async {
        while listeners() + 30 > many {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(SOON, fewer).await.expect("they are closed");
}
