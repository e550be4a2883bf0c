//! What real engines refuse, in the kinds the core knows.

use std::time::{Duration, Instant};

use coc_cloud::{Cloud, Failure};
use coc_cloud_docker::{CONTAINER, NETWORK};
use serde_json::{Value, json};

use crate::engines::{Ground, failed};

async fn refused(ground: &Ground, part: &str, document: Value) -> Failure {
    failed(ground.docker.create(&ground.container(part, document)).await)
}

#[tokio::test]
async fn an_image_that_can_not_be_had_is_told_soon_and_with_advice() {
    let ground = Ground::new("no-image");
    for image in ["demo/none:1", "none", "localhost:5000/none:1", "sha256:00"] {
        let begun = Instant::now();
        let failure = refused(&ground, "c", json!({"Image": image})).await;
        let Failure::Failed { code, says } = &failure else { panic!("{failure}") };
        assert_eq!(code, "no-image");
        assert!(says.contains(&format!("\"{image}\"")) && says.contains("docker load"), "{says}");
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    }
    assert_eq!(ground.listed_by_docker(), [""; 0]);
}

#[tokio::test]
async fn more_than_the_machine_has_is_a_lack_of_capacity() {
    let ground = Ground::new("capacity");
    let document =
        json!({"Image": "demo/web:1", "HostConfig": {"NanoCpus": 9_000_000_000_000_u64}});
    let failure = refused(&ground, "c", document).await;
    let Failure::Capacity { what, scope, says } = &failure else { panic!("{failure}") };
    assert_eq!((what.as_str(), scope.as_str()), ("processors", "lab"));
    assert!(says.contains("CPUs available"), "{says}");
}

#[tokio::test]
async fn wrong_documents_are_invalid_in_the_engines_words() {
    let ground = Ground::new("invalid");
    for (part, document, says) in [
        ("type", json!({"Image": "demo/web:1", "HostConfig": {"NanoCpus": "x"}}), "NanoCpus"),
        ("memory", json!({"Image": "demo/web:1", "HostConfig": {"Memory": 5}}), "Minimum memory"),
        ("program", json!({"Image": "demo/web:1", "Cmd": ["/none"]}), "no such file"),
        ("list", json!([1]), "is no object"),
        (
            "newer",
            json!({"Image": "demo/web:1", "HostConfig": {"Umask": 18}}),
            "would ignore: HostConfig.Umask needs API 1.56",
        ),
    ] {
        let failure = refused(&ground, part, document).await;
        assert!(matches!(&failure, Failure::Invalid(s) if s.contains(says)), "{part}: {failure}");
    }
    let failure = ground.docker.create(&ground.wanted("docker.network2", "n", json!({}))).await;
    let failure = failed(failure);
    assert!(
        matches!(&failure, Failure::Invalid(s) if s.contains("did you mean docker.network?")),
        "{failure}"
    );
}

#[tokio::test]
async fn a_network_that_is_not_there_is_named() {
    let ground = Ground::new("no-network");
    let document = json!({"Image": "demo/web:1", "HostConfig": {"NetworkMode": "nowhere"}});
    let failure = refused(&ground, "c", document).await;
    assert!(
        matches!(&failure, Failure::Failed { says, .. } if says.contains("nowhere")),
        "{failure}"
    );
    assert!(!failure.is_passing());
}

#[tokio::test]
async fn values_of_variables_are_in_no_message() {
    let ground = Ground::new("canary");
    for variables in [json!(["=canary-7"]), json!(["A=canary-7", {"B": "canary-7"}])] {
        let document = json!({"Image": "demo/web:1", "Env": variables});
        let failure = refused(&ground, "c", document).await;
        let told = format!("{failure} {failure:?}");
        assert!(matches!(failure, Failure::Invalid(_)), "{told}");
        assert!(!told.contains("canary-7"), "{told}");
    }
    let document = json!({"Image": "demo/web:1", "Env": ["PASSWORD=canary-7"]});
    let made = ground.run("c", document).await;
    assert!(!format!("{made:?}").contains("canary-7"));
    let shown = ground.engine.inspect(&made.native_id.0);
    assert_eq!(shown["Config"]["Env"][0], "PASSWORD=canary-7");
}

#[tokio::test]
async fn the_networks_of_the_engine_itself_are_not_removed() {
    let ground = Ground::new("built-in");
    let id = ground.engine.inspect("none")["Id"].as_str().expect("an id").to_owned();
    let id = coc_model::resource::NativeId(id);
    let failure = failed(ground.docker.delete(NETWORK, &id).await);
    assert!(matches!(&failure, Failure::Denied(s) if s.contains("pre-defined")), "{failure}");
}

#[tokio::test]
async fn a_read_only_mount_reads_and_changes_nothing() {
    let ground = Ground::new("read-only");
    let container = ground.run("c", json!({"Image": "demo/web:bare"})).await;
    let mut mount = ground.engine.mount("lab");
    mount.read_only = true;
    let reader = coc_cloud_docker::Docker::mount(&mount).expect("a right mount");
    assert_eq!(reader.list(&ground.selector()).await.map(|l| l.resources.len()), Ok(1));

    let denied = Failure::Denied("cloud lab is mounted read-only".into());
    let wanted = ground.container("d", json!({"Image": "demo/web:bare"}));
    assert_eq!(failed(reader.create(&wanted).await), denied);
    assert_eq!(failed(reader.delete(CONTAINER, &container.native_id).await), denied);
    for verb in ["start", "stop", "restart"] {
        let acted = reader.act(CONTAINER, &container.native_id, verb, &Value::Null).await;
        assert_eq!(failed(acted), denied, "{verb}");
    }
    assert_eq!(ground.listed_by_docker(), [container.native_id.0]);
}
