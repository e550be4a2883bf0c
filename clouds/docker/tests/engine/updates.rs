//! Changes of containers that are there.

use coc_cloud::cloud::{Create, Update};
use coc_cloud::{Cloud, Failure};
use coc_cloud_docker::{NETWORK, VOLUME};
use coc_model::marks::digest;
use coc_model::resource::ObservedResource;
use serde_json::{Value, json};

use crate::engines::{Ground, failed};

/// The request that brings a resource to a document.
pub(crate) fn update(seen: &ObservedResource, wanted: &Create) -> Update {
    Update {
        resource_type: wanted.resource_type.clone(),
        id: seen.native_id.clone(),
        native: wanted.native.clone(),
        spec: wanted.spec.clone(),
        seen: seen.clone(),
    }
}

fn document(host: &Value) -> Value {
    json!({
        "Image": "demo/web:1", "Env": ["MODE=a", "PASSWORD=canary-1"], "User": "0",
        "Labels": {"coc-env": "planned"}, "HostConfig": host,
    })
}

#[tokio::test]
async fn limits_and_restarts_change_in_place() {
    let ground = Ground::new("in-place");
    let born = json!({"NanoCpus": 500_000_000, "Memory": 64 << 20});
    let container = ground.run("c", document(&born)).await;
    for (host, field, value) in [
        (json!({"NanoCpus": 250_000_000, "Memory": 64 << 20}), "NanoCpus", json!(250_000_000)),
        // More than the swap limit that the engine had filled in.
        (json!({"NanoCpus": 250_000_000, "Memory": 256 << 20}), "Memory", json!(256 << 20)),
        (json!({"NanoCpus": 250_000_000, "Memory": 32 << 20}), "Memory", json!(32 << 20)),
        (
            json!({"NanoCpus": 250_000_000, "Memory": 32 << 20, "PidsLimit": 99, "CpuShares": 300}),
            "PidsLimit",
            json!(99),
        ),
        (
            json!({"NanoCpus": 250_000_000, "Memory": 32 << 20, "CpuShares": 300,
                   "RestartPolicy": {"Name": "always"}}),
            "RestartPolicy",
            json!({"Name": "always", "MaximumRetryCount": 0}),
        ),
    ] {
        let wanted = ground.container("c", document(&host));
        let changed = ground.docker.update(&update(&container, &wanted)).await.expect("in place");
        assert_eq!(changed.native_id, container.native_id);
        assert_eq!(changed.spec.as_ref(), Some(&wanted.spec));
        let shown = ground.engine.inspect(&container.native_id.0);
        assert_eq!(shown["HostConfig"][field], value);
        assert_eq!(shown["State"]["StartedAt"], container.native["State"]["StartedAt"]);
        // Nothing bears the new spec, so a look gives none.
        assert_eq!(ground.now(&container).await.and_then(|c| c.spec), None);
    }
}

#[tokio::test]
async fn a_container_brought_back_to_its_birth_bears_its_spec_again() {
    let ground = Ground::new("birth-again");
    let born = ground.container("c", document(&json!({"NanoCpus": 500_000_000})));
    let container = ground.docker.create(&born).await.expect("it is made");
    let other = ground.container("c", document(&json!({"NanoCpus": 400_000_000})));
    ground.docker.update(&update(&container, &other)).await.expect("in place");
    assert_eq!(ground.now(&container).await.and_then(|c| c.spec), None);
    ground.docker.update(&update(&container, &born)).await.expect("in place");
    assert_eq!(ground.now(&container).await.and_then(|c| c.spec), Some(born.spec));
}

#[tokio::test]
async fn nothing_is_sent_for_a_container_that_is_as_wanted() {
    let ground = Ground::new("as-wanted");
    let wanted = ground.container("c", document(&json!({"NanoCpus": 500_000_000, "Init": true})));
    let container = ground.docker.create(&wanted).await.expect("it is made");
    // A mount that may change nothing shows that nothing is.
    let mut mount = ground.engine.mount("lab");
    mount.read_only = true;
    let reader = coc_cloud_docker::Docker::mount(&mount).expect("a right mount");
    let same = reader.update(&update(&container, &wanted)).await.expect("nothing to change");
    assert_eq!((same.native_id, same.spec), (container.native_id, Some(wanted.spec)));
}

#[tokio::test]
async fn what_can_only_be_replaced_is_named_and_nothing_changes() {
    let ground = Ground::new("replace");
    let born = json!({"NanoCpus": 500_000_000, "Memory": 64 << 20, "Init": true});
    let container = ground.run("c", document(&born)).await;
    let before = ground.engine.inspect(&container.native_id.0);
    let with = |pointer: &str, value: Value| {
        let mut document = document(&born);
        *document.pointer_mut(pointer).expect("a field") = value;
        document
    };
    for (document, fields) in [
        (with("/Image", json!("demo/web:bare")), "Image"),
        (with("/User", Value::Null), "User"),
        (with("/HostConfig/Init", json!(false)), "HostConfig.Init"),
        (with("/Labels/coc-env", json!("other")), "Labels.coc-env"),
        (with("/Env", json!(["MODE=a", "PASSWORD=canary-2"])), "Env PASSWORD"),
        (with("/Env", json!(["MODE=a"])), "Env"),
        (with("/HostConfig/Memory", Value::Null), "HostConfig.Memory (taking it away)"),
        (
            with("/HostConfig", json!({"NanoCpus": 1_000_000_000, "Memory": 64 << 20})),
            "HostConfig.Init",
        ),
    ] {
        let wanted = ground.container("c", document);
        let failure = failed(ground.docker.update(&update(&container, &wanted)).await);
        assert_eq!(failure, Failure::Immutable(fields.into()));
    }
    assert_eq!(ground.engine.inspect(&container.native_id.0), before);
}

#[tokio::test]
async fn a_container_taken_off_its_network_is_not_as_wanted() {
    let ground = Ground::new("off-network");
    let network = ground.wanted(NETWORK, "n", json!({}));
    let network = ground.docker.create(&network).await.expect("a network");
    let wanted = ground.container(
        "c",
        json!({
            "Image": "demo/web:bare", "HostConfig": {"NetworkMode": network.name},
            "NetworkingConfig": {"EndpointsConfig": {&network.name: {"Aliases": ["c"]}}},
        }),
    );
    let container = ground.docker.create(&wanted).await.expect("it is made");
    assert!(ground.docker.update(&update(&container, &wanted)).await.is_ok());
    ground
        .engine
        .client(&["network", "disconnect", &network.name, &container.native_id.0])
        .expect("it is taken off");
    let failure = failed(ground.docker.update(&update(&container, &wanted)).await);
    let field = format!("NetworkingConfig.EndpointsConfig.{}", network.name);
    assert_eq!(failure, Failure::Immutable(field));
}

#[tokio::test]
async fn networks_and_volumes_stay_or_are_replaced() {
    let ground = Ground::new("plain");
    for resource_type in [NETWORK, VOLUME] {
        let wanted = ground.wanted(resource_type, resource_type, json!({"Labels": {"a": "b"}}));
        let made = ground.docker.create(&wanted).await.expect("it is made");
        let same = ground.docker.update(&update(&made, &wanted)).await.expect("as wanted");
        assert_eq!(same.native_id, made.native_id);
        let other = ground.wanted(resource_type, resource_type, json!({"Labels": {"a": "c"}}));
        let failure = failed(ground.docker.update(&update(&made, &other)).await);
        assert_eq!(failure, Failure::Immutable("Labels.a".into()), "{resource_type}");
    }
}

#[tokio::test]
async fn what_is_not_there_can_not_be_changed() {
    let ground = Ground::new("not-there");
    let container = ground.run("c", document(&json!({}))).await;
    ground.docker.delete(&container.resource_type, &container.native_id).await.expect("gone");
    let wanted = Create {
        spec: digest(b"other"),
        ..ground.container("c", document(&json!({"PidsLimit": 9})))
    };
    let failure = failed(ground.docker.update(&update(&container, &wanted)).await);
    assert!(matches!(&failure, Failure::Failed { code, .. } if code == "404"), "{failure}");
}
