//! What a container shares with another, and what its mounts are told beside.

use coc_cloud::Cloud;
use coc_cloud_docker::CONTAINER;
use coc_model::application::{EnvValue, Mount, MountSource, Service, Volume};
use coc_model::secret::Secrets;
use serde_json::{Value, json};

use crate::engines::Ground;
use crate::plan::{application, at, make, resources, service};

fn with(image: &str, host: &Value) -> Service {
    let mut service = service(image);
    service.native.insert("docker".into(), json!({"HostConfig": host}));
    service
}

fn mounted(mut service: Service, source: MountSource, target: &str) -> Service {
    service.mounts.push(Mount { source, target: target.into(), read_only: false });
    service
}

#[tokio::test]
async fn services_share_namespaces_volumes_and_links() {
    let ground = Ground::new("sharing");
    let store = MountSource::Volume("store".into());
    let base = mounted(with("demo/web:1", &json!({"IpcMode": "shareable"})), store, "/store");
    let mut inside = with(
        "demo/web:1",
        &json!({
            "NetworkMode": "service:base", "PidMode": "service:base", "IpcMode": "service:base",
            "VolumesFrom": ["service:base:ro"],
        }),
    );
    inside.env.insert("PORT".into(), EnvValue::Text("8081".into()));
    let linked = with("demo/web:1", &json!({"Links": ["service:base:store"]}));
    let services =
        [("base", base), ("inside", inside), ("linked", linked)].map(|(n, s)| (n.to_owned(), s));
    let volume = Volume { size: None, at: at(), external: false, native: [].into() };
    let mut application = application(&ground.name("app"), services.into());
    application.volumes.insert("store".into(), volume);
    let planned =
        resources(&ground.docker, &application, &[("linked", 0), ("inside", 0), ("base", 0)]);
    let mut ordered = planned.clone();
    ordered.sort_by_key(|r| r.after.len());
    let made = make(&ground, &ordered, &Secrets::new()).await;

    let base = &made["lab/container/base/0"];
    let inside = ground.engine.inspect(&made["lab/container/inside/0"].native_id.0);
    let of_base = format!("container:{}", base.native_id.0);
    for field in ["NetworkMode", "PidMode", "IpcMode"] {
        assert_eq!(inside["HostConfig"][field], of_base.as_str(), "{field}");
    }
    assert_eq!(inside["Mounts"][0]["Destination"], "/store");
    assert_eq!(inside["Mounts"][0]["RW"], false);
    // The two programs hear each other at one address.
    let get = async |container: &str, url: &str| {
        let look = json!({"command": ["/bin/web", "get", url]});
        let id = &made[container].native_id;
        ground.docker.act(CONTAINER, id, "exec", &look).await.expect("an answer")
    };
    let answer = get("lab/container/base/0", "http://127.0.0.1:8081/env/PORT").await;
    assert_eq!(answer["lines"][0]["text"], "8081");
    let answer = get("lab/container/linked/0", "http://store:8080/health").await;
    assert_eq!(answer["lines"][0]["text"], "well");
}

#[tokio::test]
async fn options_complete_the_mounts_of_their_targets() {
    let ground = Ground::new("options");
    let tmp = mounted(
        with(
            "demo/web:1",
            &json!({
                "Tmpfs": {"/scratch": "size=1048576"},
                "Mounts": [{"Target": "/data", "VolumeOptions": {"NoCopy": true}}],
            }),
        ),
        MountSource::Tmpfs,
        "/scratch",
    );
    let service = mounted(
        mounted(tmp, MountSource::Volume("data".into()), "/data"),
        MountSource::Tmpfs,
        "/plain",
    );
    let volume = Volume { size: None, at: at(), external: false, native: [].into() };
    let mut application = application(&ground.name("app"), [("web".to_owned(), service)].into());
    application.volumes.insert("data".into(), volume);
    let planned = resources(&ground.docker, &application, &[("web", 0)]);
    let made = make(&ground, &planned, &Secrets::new()).await;
    let shown = ground.engine.inspect(&made["lab/container/web/0"].native_id.0);
    assert_eq!(shown["HostConfig"]["Tmpfs"], json!({"/scratch": "size=1048576"}));
    let mounts = shown["HostConfig"]["Mounts"].as_array().expect("a list");
    let of = |target: &str| mounts.iter().find(|m| m["Target"] == target);
    assert_eq!(of("/data").map(|m| &m["VolumeOptions"]), Some(&json!({"NoCopy": true})));
    assert_eq!(of("/plain").map(|m| &m["Type"]), Some(&json!("tmpfs")));
    assert_eq!(of("/scratch"), None);
}
