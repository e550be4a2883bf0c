//! Input of any kind ends with a reading or with mistakes.

use proptest::prelude::*;

use crate::{container, deployment, mistakes, read, web};

/// Texts that come near the format: its own words in any order.
fn near_kubernetes() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "apiVersion",
        "kind",
        "v1",
        "apps/v1",
        "Deployment",
        "Service",
        "Pod",
        "List",
        "items",
        "HorizontalPodAutoscaler",
        "metadata",
        "name",
        "labels",
        "spec",
        "selector",
        "matchLabels",
        "template",
        "containers",
        "image",
        "env",
        "value",
        "valueFrom",
        "ports",
        "port",
        "resources",
        "requests",
        "cpu",
        "1Gi",
        "-1",
        "null",
        "$(A)",
        "[",
        "]",
        "{",
        "}",
        ": ",
        ", ",
        "- ",
        "\n",
        "\n  ",
        "\n    ",
        "'",
        "\n---\n",
    ]);
    prop::collection::vec(words, 0..50).prop_map(|words| words.concat())
}

#[test]
fn small_input_can_not_ask_for_too_much() {
    let doubling: Vec<String> =
        (1..40).map(|i| format!("{{name: A{i}, value: '$(A{})$(A{})'}}", i - 1, i - 1)).collect();
    let env = format!("env: [{{name: A0, value: xxxxxxxxxx}}, {}]", doubling.join(", "));
    let said = mistakes(&deployment("web", &container(&env)));
    assert_eq!(
        said.lines().next(),
        Some(
            "f.yaml:8:540: variable \"A14\" is longer than 131072 bytes when it is expanded (no \
             process can be given more)"
        )
    );
    let keys: Vec<String> = (0..2000).map(|i| format!("k{i}: v")).collect();
    let map = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: m}}\ndata: {{{}}}\n---\n",
        keys.join(", ")
    );
    let pod = |i: usize| {
        format!(
            "{{apiVersion: v1, kind: Pod, metadata: {{name: p{i}, labels: {{a: b}}}}, spec: \
             {{containers: [{{name: c, image: i, envFrom: [{{configMapRef: {{name: m}}}}]}}]}}}}\n---\n"
        )
    };
    let pods: String = (0..510).map(pod).collect();
    let said = mistakes(&format!("{map}{pods}"));
    let hint = "with all its references written out the application is too large (read it in \
                parts, each with a namespace of its own)";
    assert!(said.ends_with(hint) && said.lines().count() == 1, "{said}");
}

proptest! {
    #[test]
    fn no_text_panics(text in near_kubernetes()) {
        let _ = read(&text);
    }

    #[test]
    fn a_value_of_any_shape_in_any_place_is_read_or_told(
        key in prop::sample::select(vec!["name", "image", "command", "args", "workingDir", "env",
            "envFrom", "ports", "resources", "volumeMounts", "livenessProbe", "readinessProbe",
            "startupProbe", "securityContext", "restartPolicy"]),
        pod_key in prop::sample::select(vec!["initContainers", "volumes", "nodeSelector", "affinity",
            "topologySpreadConstraints", "restartPolicy", "securityContext", "hostNetwork",
            "resources", "overhead"]),
        value in prop::sample::select(vec!["~", "5", "-5", "1.5", "true", "x", "'$('", "[]", "{}",
            "[[]]", "[{}]", "{a: b}", "{a: {b: c}}", "[~]", "[5, x]", "{requests: {cpu: x}}",
            "[{name: a}]", "[{name: a, valueFrom: {}}]", "{httpGet: {port: {}}}",
            "{podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: x}]}}"]),
    ) {
        let text = deployment("web", &format!("{{{pod_key}: {value}, containers: [{{name: c, image: i, {key}: {value}}}]}}"));
        let _ = read(&text);
    }

    #[test]
    fn requests_never_exceed_what_is_written(
        running in prop::collection::vec(0_u64..5000, 1..4),
        starting in prop::collection::vec((0_u64..5000, any::<bool>()), 0..4),
    ) {
        let one = |name: String, milli: u64, more: &str| {
            format!("{{name: {name}, image: i, {more} resources: {{requests: {{cpu: {milli}m}}}}}}")
        };
        let containers: Vec<String> =
            running.iter().enumerate().map(|(i, &m)| one(format!("c{i}"), m, "")).collect();
        let init: Vec<String> = starting
            .iter()
            .enumerate()
            .map(|(i, &(m, sidecar))| {
                one(format!("i{i}"), m, if sidecar { "restartPolicy: Always," } else { "" })
            })
            .collect();
        let spec = format!("{{containers: [{}], initContainers: [{}]}}", containers.join(", "), init.join(", "));
        let total = web(&spec)["needs"]["cpu_millicores"].as_u64().expect("a number");
        let sidecars: u64 = starting.iter().filter(|(_, s)| *s).map(|(m, _)| m).sum();
        let together: u64 = running.iter().sum::<u64>() + sidecars;
        let largest = starting.iter().map(|(m, _)| *m).max().unwrap_or(0);
        prop_assert!(total >= together.max(largest));
        prop_assert!(total <= together.max(largest + sidecars));
    }
}
