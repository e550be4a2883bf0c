//! What pods need of their hosts.

use coc_formats::native::write;
use serde_json::{Value, json};

use crate::{container, deployment, notes, reading, web};

#[test]
fn memory_and_processors_are_exact() {
    let text = "
apiVersion: v1
kind: Pod
metadata: {name: api}
spec:
  containers:
    - name: api
      image: registry.example/api:3
      resources:
        requests: {cpu: \"0.5\", memory: 512M}
        limits: {cpu: 1, memory: 512Mi}
---
apiVersion: v1
kind: Pod
metadata: {name: cache}
spec:
  containers:
    - name: cache
      image: registry.example/cache:7
      resources:
        requests: {cpu: 100m, memory: 1G}
";
    let json = write(&reading(text).application);
    for (pointer, value) in [
        ("/services/api/needs/cpu_millicores", json!(500)),
        ("/services/api/needs/memory_bytes", json!(512_000_000)),
        ("/services/api/limits/cpu_millicores", json!(1000)),
        ("/services/api/limits/memory_bytes", json!(536_870_912)),
        ("/services/cache/needs/cpu_millicores", json!(100)),
        ("/services/cache/needs/memory_bytes", json!(1_000_000_000)),
        ("/services/cache/limits/memory_bytes", Value::Null),
        ("/name", json!("my-app")),
    ] {
        assert_eq!(json.pointer(pointer), Some(&value), "{pointer}");
    }
}

#[test]
fn each_kind_of_workload_is_a_service() {
    let pod = "template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i}]}}";
    let selector = "selector: {matchLabels: {a: b}}";
    let job = "spec: {restartPolicy: Never, containers: [{name: c, image: i}]}";
    for (version, kind, spec, replicas, restart) in [
        ("apps/v1", "Deployment", format!("{selector}, {pod}"), json!(1), "always"),
        ("apps/v1", "Deployment", format!("replicas: 3, {selector}, {pod}"), json!(3), "always"),
        ("apps/v1", "Deployment", format!("replicas: 0, {selector}, {pod}"), json!(0), "always"),
        ("extensions/v1beta1", "Deployment", format!("replicas: 2, {pod}"), json!(2), "always"),
        ("apps/v1", "StatefulSet", format!("replicas: 3, {selector}, {pod}"), json!(3), "always"),
        ("apps/v1", "DaemonSet", format!("{selector}, {pod}"), json!("per-host"), "always"),
        ("apps/v1", "ReplicaSet", format!("replicas: 2, {selector}, {pod}"), json!(2), "always"),
        (
            "v1",
            "ReplicationController",
            format!("replicas: 2, selector: {{a: b}}, {pod}"),
            json!(2),
            "always",
        ),
        ("batch/v1", "Job", format!("parallelism: 4, template: {{{job}}}"), json!(4), "no"),
        (
            "batch/v1",
            "Job",
            format!("parallelism: 4, completions: 2, template: {{{job}}}"),
            json!(2),
            "no",
        ),
        ("batch/v1", "Job", format!("suspend: true, template: {{{job}}}"), json!(0), "no"),
        (
            "batch/v1",
            "CronJob",
            format!(
                "schedule: '* * * * *', jobTemplate: {{spec: {{parallelism: 2, template: {{{job}}}}}}}"
            ),
            json!(2),
            "no",
        ),
        (
            "v1",
            "Pod",
            "restartPolicy: OnFailure, containers: [{name: c, image: i}]".to_owned(),
            json!(1),
            "on-failure",
        ),
    ] {
        let text = format!(
            "apiVersion: {version}\nkind: {kind}\nmetadata: {{name: w}}\nspec: {{{spec}}}\n"
        );
        let read = reading(&text);
        let json = write(&read.application)["services"]["w"].clone();
        assert_eq!((&json["replicas"], &json["image"]), (&replicas, &json!("i")), "{text}");
        assert_eq!(json["restart"], json!(restart), "{text}");
        let native = &read.application.services["w"].native["kubernetes"];
        assert_eq!(native[format!("{version}/{kind}")]["kind"], json!(kind), "{text}");
    }
}

#[test]
fn requests_are_computed_as_the_scheduler_does() {
    let c = |name: &str, more: &str| format!("{{name: {name}, image: i, {more}}}");
    let cpu =
        |name: &str, amount: &str| c(name, &format!("resources: {{requests: {{cpu: {amount}}}}}"));
    for (spec, millicores) in [
        // Containers run together.
        (format!("{{containers: [{}, {}]}}", cpu("a", "100m"), cpu("b", "50m")), json!(150)),
        // One without a request counts as nothing.
        (format!("{{containers: [{}, {}]}}", cpu("a", "100m"), c("b", "")), json!(100)),
        (format!("{{containers: [{}]}}", c("a", "")), Value::Null),
        // Init containers run before, one after the other.
        (
            format!(
                "{{containers: [{}], initContainers: [{}, {}]}}",
                cpu("a", "100m"),
                cpu("x", "300m"),
                cpu("y", "200m")
            ),
            json!(300),
        ),
        (
            format!("{{containers: [{}], initContainers: [{}]}}", cpu("a", "1"), cpu("x", "300m")),
            json!(1000),
        ),
        // A sidecar goes on running: with the containers, and with the init containers after it.
        (
            format!(
                "{{containers: [{}], initContainers: [{}, {}]}}",
                cpu("a", "100m"),
                c("s", "restartPolicy: Always, resources: {requests: {cpu: 50m}}"),
                cpu("x", "300m")
            ),
            json!(350),
        ),
        (
            format!(
                "{{containers: [{}], initContainers: [{}, {}]}}",
                cpu("a", "100m"),
                cpu("x", "120m"),
                c("s", "restartPolicy: Always, resources: {requests: {cpu: 50m}}")
            ),
            json!(150),
        ),
        // The pod's own request wins; overhead comes on top.
        (
            format!(
                "{{resources: {{requests: {{cpu: 2}}}}, overhead: {{cpu: 250m}}, containers: [{}]}}",
                cpu("a", "100m")
            ),
            json!(2250),
        ),
        // A limit alone is a request too.
        (container("resources: {limits: {cpu: 300m}}"), json!(300)),
        (container("resources: {limits: {cpu: 300m}, requests: {cpu: 0.1}}"), json!(100)),
        // Finer than a thousandth is rounded up.
        (container("resources: {requests: {cpu: 100u}}"), json!(1)),
    ] {
        assert_eq!(web(&spec)["needs"]["cpu_millicores"], millicores, "{spec}");
    }
}

#[test]
fn needs_say_where_they_come_from() {
    let spec = "{containers: [{name: a, image: i, resources: {limits: {memory: 1Gi}}}, \
                {name: b, image: i, resources: {requests: {memory: 1Gi}}}], \
                initContainers: [{name: x, image: i, resources: {requests: {memory: 1Gi}}}]}";
    let json = web(spec);
    assert_eq!(json["needs"]["memory_bytes"], json!(2_u64 << 30));
    assert_eq!(json["limits"]["memory_bytes"], Value::Null, "container b has no limit");
    assert_eq!(
        json["inferred"],
        json!([
            {"what": "image", "reason": "container \"a\", the first of its containers"},
            {"what": "needs.memory", "reason": "the limit of container \"a\", as Kubernetes takes \
             it where no request is written"},
            {"what": "needs.memory", "reason": "the sum of containers a, b, at least the largest \
             of init containers x"},
        ])
    );
    let read = reading(&deployment("web", spec));
    assert_eq!(
        notes(&read, "web"),
        [
            "spec.template.spec.containers[b]: Carried: runs beside the service, on Kubernetes only",
            "spec.template.spec.initContainers[x]: Carried: runs before the service, on Kubernetes only",
        ]
    );
    let native = &read.application.services["web"].native["kubernetes"]["apps/v1/Deployment"];
    assert_eq!(native.pointer("/spec/template/spec/containers/1/name"), Some(&json!("b")));
}

#[test]
fn accelerators_and_other_resources() {
    for (spec, pointer, value) in [
        (
            container("resources: {limits: {nvidia.com/gpu: 2}}"),
            "/needs/accelerator",
            json!({"count": 2}),
        ),
        (
            format!(
                "{{nodeSelector: {{cluster.example/gpu-accelerator: nvidia-tesla-t4}}, {}",
                &container("resources: {limits: {nvidia.com/gpu: \"1\"}}")[1..]
            ),
            "/needs/accelerator",
            json!({"name": "T4", "count": 1}),
        ),
        (
            format!(
                "{{nodeSelector: {{nvidia.com/gpu.product: NVIDIA-A100-SXM4-80GB}}, {}",
                &container("resources: {limits: {nvidia.com/gpu: \"1\"}}")[1..]
            ),
            "/needs/accelerator",
            json!({"name": "A100-80GB", "count": 1}),
        ),
        (
            container("resources: {requests: {ephemeral-storage: 0.5Gi}}"),
            "/needs/ephemeral_storage_bytes",
            json!(536_870_912),
        ),
        (
            container("resources: {requests: {memory: 0.1Gi}}"),
            "/needs/memory_bytes",
            json!(107_374_183),
        ),
        (
            container("resources: {requests: {memory: 1e9}}"),
            "/needs/memory_bytes",
            json!(1_000_000_000),
        ),
        (
            container("resources: {requests: {memory: 128974848000m}}"),
            "/needs/memory_bytes",
            json!(128_974_848),
        ),
        (
            format!("{{nodeSelector: {{kubernetes.io/arch: arm64}}, {}", &container("")[1..]),
            "/needs/architecture",
            json!("arm64"),
        ),
    ] {
        assert_eq!(web(&spec).pointer(pointer), Some(&value), "{spec}");
    }
    let read = reading(&deployment(
        "web",
        &container("resources: {limits: {example.com/dongle: 1, hugepages-2Mi: 4Mi}}"),
    ));
    assert_eq!(
        notes(&read, "web"),
        [
            "spec.template.spec.containers[c].resources[example.com/dongle]: Carried: plans do not \
             count this resource; kept for Kubernetes",
            "spec.template.spec.containers[c].resources[hugepages-2Mi]: Carried: plans do not \
             count this resource; kept for Kubernetes",
        ]
    );
}
