//! Health checks that real engines run.

use coc_model::application::{Healthcheck, Probe};
use coc_model::quantity::Micros;
use coc_model::resource::State;
use serde_json::json;

use crate::engines::{Ground, http_get_soon, web};
use crate::plan;

#[tokio::test]
async fn the_check_of_the_image_is_followed() {
    let ground = Ground::new("image-check");
    let mut document = web();
    document["HostConfig"] =
        json!({"PortBindings": {"8080/tcp": [{"HostIp": "", "HostPort": ""}]}});
    let container = ground.run("c", document).await;
    ground.until(&container, State::Healthy).await;
    http_get_soon(&container.addresses[0], "/sicken").await;
    ground.until(&container, State::Unhealthy).await;
    http_get_soon(&container.addresses[0], "/heal").await;
    ground.until(&container, State::Healthy).await;
}

/// A check with each probe that Docker does not have, in an image with a shell and its programs.
#[tokio::test]
async fn derived_probes_tell_the_truth_where_they_can_be_run() {
    let ground = Ground::new("derived");
    for (part, image, probe, state) in [
        ("http", "demo/web:1", Probe::Http { path: "/health".into(), port: 8080 }, State::Healthy),
        ("missing", "demo/web:1", Probe::Http { path: "/no".into(), port: 8080 }, State::Unhealthy),
        ("tcp", "demo/web:1", Probe::Tcp(8080), State::Healthy),
        ("closed", "demo/web:1", Probe::Tcp(81), State::Unhealthy),
    ] {
        let container = ground.run(part, document(image, probe)).await;
        ground.until(&container, state).await;
    }
}

/// Where a derived check can't be run, it says nothing: the engine calls the container unhealthy,
/// we don't.
#[tokio::test]
async fn a_derived_probe_that_can_not_be_run_is_not_a_sick_service() {
    let ground = Ground::new("no-shell");
    for (part, image, probe) in [
        ("no-shell", "demo/web:bare", Probe::Http { path: "/".into(), port: 8080 }),
        ("no-program", "demo/web:1", Probe::Grpc(8080)),
    ] {
        let container = ground.run(part, document(image, probe)).await;
        let judged = async {
            let mut wakes = coc_cloud::Cloud::watch(&ground.docker);
            loop {
                let now = ground.now(&container).await.expect("it is there");
                if now.native["State"]["Health"]["Status"] == "unhealthy" {
                    return now;
                }
                futures::StreamExt::next(&mut wakes).await;
            }
        };
        let minute = std::time::Duration::from_secs(60);
        let now = tokio::time::timeout(minute, judged).await.expect("the engine judges");
        assert_eq!(now.state, State::Running, "{part}");
        let listing = coc_cloud::Cloud::list(&ground.docker, &ground.selector()).await;
        let listing = listing.expect("a list").resources;
        let listed = listing.iter().find(|r| r.native_id == now.native_id).map(|r| r.state);
        assert_eq!(listed, Some(State::Running), "{part}");
    }
}

/// The document that planning makes of a service with this probe, each second, failing at once.
fn document(image: &str, probe: Probe) -> serde_json::Value {
    let mut service = plan::service(image);
    service.healthcheck = Some(Healthcheck {
        probe,
        interval: Some(Micros(1_000_000)),
        timeout: Some(Micros(2_000_000)),
        retries: Some(1),
        start_period: None,
    });
    let mut native = plan::container_of(service).native;
    // On the default network: there is no application around it.
    native["HostConfig"]["NetworkMode"] = "default".into();
    native.as_object_mut().expect("an object").remove("NetworkingConfig");
    native
}
