//! Probes, mounts and claims.

use coc_formats::native::write;
use coc_model::application::MountSource;
use serde_json::json;

use crate::{container, deployment, notes, reading};

#[test]
fn probes_become_the_health_check() {
    let seconds = 1_000_000;
    for (keys, probe, times) in [
        (
            "readinessProbe: {httpGet: {path: /up, port: 80}, periodSeconds: 5, timeoutSeconds: 2, initialDelaySeconds: 7, failureThreshold: 4}",
            json!({"http": {"path": "/up", "port": 80}}),
            (5, 2, 4, Some(7)),
        ),
        ("livenessProbe: {tcpSocket: {port: 5432}}", json!({"tcp": 5432}), (10, 1, 3, None)),
        (
            "ports: [{name: web, containerPort: 8080}], livenessProbe: {httpGet: {port: web}}",
            json!({"http": {"path": "/", "port": 8080}}),
            (10, 1, 3, None),
        ),
        (
            "startupProbe: {exec: {command: [ls, -l]}}",
            json!({"command": ["ls", "-l"]}),
            (10, 1, 3, None),
        ),
        ("readinessProbe: {grpc: {port: 9000}}", json!({"grpc": 9000}), (10, 1, 3, None)),
        (
            "readinessProbe: {httpGet: {scheme: HTTPS, port: 443}}",
            json!({"tcp": 443}),
            (10, 1, 3, None),
        ),
        (
            "readinessProbe: {tcpSocket: {port: 1}}, livenessProbe: {tcpSocket: {port: 2}}, startupProbe: {tcpSocket: {port: 3}, failureThreshold: 30, periodSeconds: 10}",
            json!({"tcp": 1}),
            (10, 1, 3, Some(300)),
        ),
    ] {
        let read = reading(&deployment("web", &container(keys)));
        let check =
            serde_json::to_value(&read.application.services["web"].healthcheck).expect("JSON");
        let (interval, timeout, retries, start) = times;
        let mut expected = json!({
            "probe": probe, "interval": interval * seconds, "timeout": timeout * seconds,
            "retries": retries,
        });
        if let Some(start) = start {
            expected["start_period"] = json!(start * seconds);
        }
        assert_eq!(check, expected, "{keys}");
    }
    let read = reading(&deployment(
        "web",
        &container("readinessProbe: {tcpSocket: {port: 1}}, livenessProbe: {tcpSocket: {port: 2}}"),
    ));
    assert_eq!(
        notes(&read, "web"),
        [
            "spec.template.spec.containers[c].livenessProbe: Carried: the health check is taken from readinessProbe"
        ]
    );
}

#[test]
fn mounts_name_what_they_mount() {
    let mounts = "volumeMounts: [{name: v, mountPath: /m, readOnly: true}]";
    for (volume, source) in [
        ("emptyDir: {}", Some(MountSource::Anonymous)),
        ("emptyDir: {medium: Memory}", Some(MountSource::Tmpfs)),
        ("hostPath: {path: /var/run}", Some(MountSource::Bind("/var/run".into()))),
        ("configMap: {name: cm}", Some(MountSource::Config("cm".into()))),
        ("secret: {secretName: s}", Some(MountSource::Secret("s".into()))),
        ("persistentVolumeClaim: {claimName: data}", Some(MountSource::Volume("data".into()))),
        ("nfs: {server: h, path: /}", Some(MountSource::Volume("web-v".into()))),
        ("projected: {sources: []}", None),
    ] {
        let spec = format!(
            "{{volumes: [{{name: v, {volume}}}], containers: [{{name: c, image: i, {mounts}}}]}}"
        );
        let read = reading(&deployment("web", &spec));
        let found = read.application.services["web"].mounts.first();
        assert_eq!(found.map(|m| m.source.clone()), source, "{volume}");
        if let Some(mount) = found {
            assert_eq!((&*mount.target, mount.read_only), ("/m", true));
        }
        for (name, volume) in &read.application.volumes {
            assert!(volume.external, "{name} is not in these files");
        }
    }
}

#[test]
fn claims_are_volumes() {
    let claim = |name: &str, mode: &str| {
        format!(
            "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {{name: {name}}}\nspec: \
             {{accessModes: [{mode}], resources: {{requests: {{storage: 10Gi}}}}}}\n---\n"
        )
    };
    let pod = |claim: &str, read_only: bool| {
        format!(
            "{{volumes: [{{name: v, persistentVolumeClaim: {{claimName: {claim}, readOnly: {read_only}}}}}], \
             containers: [{{name: c, image: i, volumeMounts: [{{name: v, mountPath: /d}}]}}]}}"
        )
    };
    let text = format!(
        "{}{}{}{}{}",
        claim("data", "ReadWriteOnce"),
        claim("unused", "ReadWriteMany"),
        deployment("a", &pod("data", false)),
        deployment("b", &pod("data", false)),
        deployment("c", &pod("data", true)),
    );
    let read = reading(&text);
    let json = write(&read.application);
    assert_eq!(
        json["volumes"],
        json!({
            "data": {"size_bytes": 10_u64 << 30, "external": false, "native": ["kubernetes"]},
            "unused": {"size_bytes": 10_u64 << 30, "external": false, "native": ["kubernetes"]},
        })
    );
    let ties: Vec<(&str, Vec<&str>)> = read
        .application
        .services
        .iter()
        .map(|(name, s)| (name.as_str(), s.with.iter().map(|t| t.service.as_str()).collect()))
        .collect();
    assert_eq!(ties, [("a", vec![]), ("b", vec!["a"]), ("c", vec![])]);
    assert_eq!(
        read.application.services["b"].with[0].reason,
        "both write to the claim \"data\", of one host at a time"
    );
    let note = read.application.keys.iter().find(|k| k.key.ends_with("unused")).expect("a note");
    assert_eq!(note.note.as_deref(), Some("no workload of these files refers to it"));
    let set = deployment(
        "db",
        "{containers: [{name: c, image: i, volumeMounts: [{name: data, mountPath: /d}]}]}",
    )
    .replace("kind: Deployment", "kind: StatefulSet")
    .replace(
        "spec:\n  selector",
        "spec:\n  volumeClaimTemplates: [{metadata: {name: data}, spec: {resources: {requests: {storage: 5Gi}}}}]\n  selector",
    );
    let read = reading(&set);
    assert_eq!(read.application.volumes["data-db"].size.map(|s| s.0), Some(5 << 30));
    assert_eq!(
        read.application.services["db"].mounts[0].source,
        MountSource::Volume("data-db".into())
    );
}
