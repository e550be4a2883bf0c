//! States that real containers come to, as a look-up and a list see them.

use coc_cloud::Cloud;
use coc_cloud_docker::CONTAINER;
use coc_model::resource::{ObservedResource, State};
use serde_json::{Value, json};

use crate::engines::{Ground, bare, http_get, http_get_soon};

/// The state that a list of all of the test's resources gives one.
async fn listed(ground: &Ground, resource: &ObservedResource) -> State {
    let listing = ground.docker.list(&ground.selector()).await.expect("a list");
    let found = listing.resources.into_iter().find(|r| r.native_id == resource.native_id);
    found.expect("it is listed").state
}

#[tokio::test]
async fn how_a_container_ended_is_told() {
    let ground = Ground::new("ended");
    let ending = |code: &str| json!({"Image": "demo/web:bare", "Cmd": ["exit", code]});
    for (part, document, state) in
        [("completed", ending("0"), State::Completed), ("failed", ending("3"), State::Failed)]
    {
        let container = ground.run(part, document).await;
        let ended = ground.until(&container, state).await;
        assert_eq!(listed(&ground, &ended).await, state);
    }
}

#[tokio::test]
async fn a_container_that_was_stopped_is_stopped_however_it_ended() {
    let ground = Ground::new("stopped");
    let quick = json!({"Image": "demo/web:bare", "StopTimeout": 0});
    // The program has no handler for SIGTERM, which process 1 then ignores: it is killed.
    let container = ground.run("killed", quick).await;
    ground.docker.act(CONTAINER, &container.native_id, "stop", &Value::Null).await.expect("stops");
    let now = ground.now(&container).await.expect("it is there");
    assert_eq!(now.native["State"]["ExitCode"], 137);
    assert_eq!((now.state, listed(&ground, &now).await), (State::Stopped, State::Stopped));
}

#[tokio::test]
async fn a_container_that_ran_out_of_memory_failed() {
    let ground = Ground::new("memory");
    let container = ground
        .run(
            "c",
            json!({
                "Image": "demo/web:bare",
                "HostConfig": {
                    "Memory": 32 << 20, "MemorySwap": 32 << 20,
                    "PortBindings": {"8080/tcp": [{"HostIp": "", "HostPort": ""}]},
                },
            }),
        )
        .await;
    http_get_soon(&container.addresses[0], "/").await;
    // It answers with nothing: the engine ends it.
    assert!(
        http_get(&container.addresses[0], "/eat/64").await.is_ok_and(|(status, _)| status == 0)
            || http_get(&container.addresses[0], "/").await.is_err()
    );
    let ended = ground.until(&container, State::Failed).await;
    assert_eq!(ended.native["State"]["OOMKilled"], true);
    assert_eq!(ended.native["State"]["ExitCode"], 137);
    assert_eq!(listed(&ground, &ended).await, State::Failed);
}

#[tokio::test]
async fn a_container_that_is_started_again_and_again_is_pending_in_between() {
    let ground = Ground::new("again");
    let container = ground
        .run(
            "c",
            json!({
                "Image": "demo/web:bare", "Cmd": ["exit", "1"],
                "HostConfig": {"RestartPolicy": {"Name": "always"}},
            }),
        )
        .await;
    let pending = ground.until(&container, State::Pending).await;
    assert_eq!(pending.native["State"]["Status"], "restarting");
}

#[tokio::test]
async fn a_container_that_could_not_be_started_failed_and_can_be_tried_again() {
    let ground = Ground::new("not-started");
    let first = ground
        .run(
            "first",
            json!({
                "Image": "demo/web:bare",
                "HostConfig": {"PortBindings": {"8080/tcp": [{"HostIp": "", "HostPort": ""}]}},
            }),
        )
        .await;
    let port = first.native["NetworkSettings"]["Ports"]["8080/tcp"][0]["HostPort"].clone();
    let wanted = ground.container(
        "second",
        json!({
            "Image": "demo/web:bare",
            "HostConfig": {"PortBindings": {"8080/tcp": [{"HostIp": "", "HostPort": port}]}},
        }),
    );
    let failure = ground.docker.create(&wanted).await.expect_err("the port is taken");
    assert!(
        matches!(&failure, coc_cloud::Failure::Busy { says, .. } if says.contains("already allocated")),
        "{failure}"
    );
    let by = coc_cloud::cloud::FindBy::Operation(wanted.marks.op.clone());
    let found = ground.docker.find(CONTAINER, &by).await.expect("a look-up").pop();
    let found = found.expect("it was made");
    assert_eq!(found.state, State::Failed);

    ground.docker.delete(CONTAINER, &first.native_id).await.expect("the port is set free");
    let started = ground.docker.update(&crate::updates::update(&found, &wanted)).await;
    assert_eq!(started.map(|s| (s.state, s.native_id)), Ok((State::Running, found.native_id)));
}

#[tokio::test]
async fn a_container_without_a_check_runs() {
    let ground = Ground::new("runs");
    let container = ground.run("c", bare()).await;
    assert_eq!(
        (container.state, listed(&ground, &container).await),
        (State::Running, State::Running)
    );
}
