//! Limits as the engine and the kernel keep them.

use coc_cloud::Cloud;
use coc_cloud_docker::CONTAINER;
use serde_json::json;

use crate::engines::Ground;

#[tokio::test]
async fn limits_are_those_of_the_document() {
    let ground = Ground::new("limits");
    let container = ground
        .run(
            "c",
            json!({
                "Image": "demo/web:1",
                "HostConfig": {
                    "NanoCpus": 500_000_000, "CpuShares": 512, "Memory": 64 << 20,
                    "MemoryReservation": 32 << 20, "PidsLimit": 50,
                    "RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 3},
                },
            }),
        )
        .await;
    let host = &ground.engine.inspect(&container.native_id.0)["HostConfig"];
    assert_eq!(host["NanoCpus"], 500_000_000);
    assert_eq!(host["CpuShares"], 512);
    assert_eq!(host["Memory"], 64 << 20);
    assert_eq!(host["MemoryReservation"], 32 << 20);
    assert_eq!(host["PidsLimit"], 50);
    assert_eq!(host["RestartPolicy"], json!({"Name": "on-failure", "MaximumRetryCount": 3}));

    // What a process inside finds: control groups of the first or the second kind.
    let read = json!({"command": ["sh", "-c",
        "cat /sys/fs/cgroup/memory.max || cat /sys/fs/cgroup/memory/memory.limit_in_bytes"]});
    let inside = ground.docker.act(CONTAINER, &container.native_id, "exec", &read).await;
    let inside = inside.expect("it runs");
    let lines = inside["lines"].as_array().expect("lines");
    let limit = lines.iter().find(|l| l["stream"] == "stdout").map(|l| l["text"].clone());
    assert_eq!(limit, Some(json!((64_u64 << 20).to_string())), "{inside}");
}

#[tokio::test]
async fn a_field_that_this_driver_does_not_know_reaches_the_engine() {
    let ground = Ground::new("native");
    let container = ground
        .run(
            "c",
            json!({
                "Image": "demo/web:1", "Hostname": "h1", "StopSignal": "SIGINT",
                "HostConfig": {
                    "ReadonlyRootfs": true, "ExtraHosts": ["other:192.0.2.9"], "Init": true,
                    "Ulimits": [{"Name": "nofile", "Soft": 1000, "Hard": 2000}],
                    "NoSuchField": {"deep": [1]},
                },
            }),
        )
        .await;
    let shown = ground.engine.inspect(&container.native_id.0);
    assert_eq!(shown["Config"]["Hostname"], "h1");
    assert_eq!(shown["Config"]["StopSignal"], "SIGINT");
    assert_eq!(shown["HostConfig"]["ReadonlyRootfs"], true);
    assert_eq!(shown["HostConfig"]["ExtraHosts"], json!(["other:192.0.2.9"]));
    assert_eq!(shown["HostConfig"]["Init"], true);
    assert_eq!(shown["HostConfig"]["Ulimits"][0]["Soft"], 1000);
}
