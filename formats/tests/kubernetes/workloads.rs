//! Workloads, their replicas, and the objects around them.

use coc_formats::native::write;
use coc_model::application::KeyFate;
use serde_json::json;

use crate::{container, deployment, mistakes, notes, reading, service};

#[test]
fn autoscalers_set_the_replicas_of_their_target() {
    let hpa = |target: &str, more: &str| {
        format!(
            "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {{name: h}}\n\
             spec:\n  scaleTargetRef: {{apiVersion: apps/v1, kind: Deployment, name: {target}}}\n  \
             {more}\n---\n"
        )
    };
    let web = deployment("web", &container(""));
    let three = web.replace("spec:\n  selector", "spec:\n  replicas: 3\n  selector");
    for (workload, more, replicas) in [
        (&web, "minReplicas: 5\n  maxReplicas: 25", json!({"min": 5, "max": 25})),
        (&web, "maxReplicas: 4", json!({"min": 1, "max": 4})),
        (&three, "minReplicas: 2\n  maxReplicas: 2", json!(2)),
    ] {
        // The autoscaler may stand before its target.
        let read = reading(&format!("{}{workload}", hpa("web", more)));
        assert_eq!(write(&read.application)["services"]["web"]["replicas"], replicas, "{more}");
    }
    let read = reading(&format!("{three}{}", hpa("web", "maxReplicas: 9")));
    assert_eq!(
        notes(&read, "web"),
        ["spec.replicas: WithoutEffect: HorizontalPodAutoscaler \"h\" decides"]
    );
    for (text, says) in [
        (
            hpa("web", "maxReplicas: 4"),
            "f.yaml:1:1: there is no workload in these files: only 1 HorizontalPodAutoscaler (give \
             the file with Deployment \"web\" too)",
        ),
        (
            format!("{web}{}", hpa("wep", "maxReplicas: 4")),
            "f.yaml:14:65: HorizontalPodAutoscaler \"h\" scales Deployment \"wep\", which is not in \
             these files (did you mean \"web\"?)",
        ),
        (
            format!("{web}{}", hpa("web", "minReplicas: 5\n  maxReplicas: 4")),
            "f.yaml:12:18: minReplicas 5 of HorizontalPodAutoscaler \"h\" is above maxReplicas 4",
        ),
        (
            format!("{web}{}", hpa("web", "minReplicas: 5")),
            "f.yaml:14:3: HorizontalPodAutoscaler \"h\" has no \"maxReplicas\"",
        ),
        (
            format!(
                "{web}{}{}",
                hpa("web", "maxReplicas: 4"),
                hpa("web", "maxReplicas: 5").replace("name: h", "name: g")
            ),
            "f.yaml:19:18: HorizontalPodAutoscaler \"g\" scales what HorizontalPodAutoscaler \"h\" \
             scales already",
        ),
    ] {
        assert_eq!(mistakes(&text), says);
    }
}

#[test]
fn input_without_workloads_is_refused_for_the_right_reason() {
    let object = |kind: &str| format!("apiVersion: v1\nkind: {kind}\nmetadata: {{name: x}}\n---\n");
    for (text, says) in [
        (
            object("Service"),
            "f.yaml:1:1: there is no workload in these files: only 1 Service (give the file with \
             its workloads (Deployment, StatefulSet, ...) too)",
        ),
        (
            format!("{}{}", object("ConfigMap"), object("ResourceQuota")),
            "f.yaml:1:1: there is no workload in these files: only 1 ConfigMap, 1 ResourceQuota \
             (give the file with its workloads (Deployment, StatefulSet, ...) too)",
        ),
        (
            "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [a.yaml]"
                .to_owned(),
            "f.yaml:1:1: there is no workload in these files: only 1 Kustomization (build the \
             objects first, with: kubectl kustomize)",
        ),
        (
            "apiVersion: v1\nkind: List\nitems: []".to_owned(),
            "f.yaml:1:1: there is no Kubernetes object in these files (give the file with its \
             workloads (Deployment, StatefulSet, ...) too)",
        ),
    ] {
        assert_eq!(mistakes(&text), says);
    }
}

#[test]
fn objects_that_are_no_workloads_are_kept_and_noted() {
    let other = |version: &str, kind: &str| {
        format!(
            "apiVersion: {version}\nkind: {kind}\nmetadata: {{name: x, uid: u}}\nspec: {{mode: 0755}}\n---\n"
        )
    };
    let text = format!(
        "{}{}{}{}{}",
        deployment("web", &container("")),
        other("networking.k8s.io/v1", "NetworkPolicy"),
        other("policy/v1", "PodDisruptionBudget"),
        other("example.com/v1", "Gadget"),
        service("lost", "{selector: {app: gone}, ports: [{port: 1}]}"),
    );
    let read = reading(&text);
    let said: Vec<String> = read
        .application
        .keys
        .iter()
        .map(|k| format!("{} {:?} {}", k.key, k.fate, k.note.as_deref().unwrap_or("")))
        .collect();
    assert_eq!(
        said,
        [
            "NetworkPolicy/x Carried rules of the cluster's network; plans do not look at them",
            "PodDisruptionBudget/x Carried how many pods may be disrupted at once",
            "Gadget/x Carried Gadget of example.com/v1 is not known here",
            "Service/lost Carried selects no workload of these files",
        ]
    );
    assert_eq!(
        read.carried[2],
        json!({"apiVersion": "example.com/v1", "kind": "Gadget", "metadata": {"name": "x"},
            "spec": {"mode": 493}})
    );
}

#[test]
fn names_and_namespaces_are_told_apart() {
    let pod = |namespace: &str, labels: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: web, namespace: {namespace}, labels: {labels}}}\n\
             spec: {{containers: [{{name: c, image: i}}]}}\n---\n"
        )
    };
    let read = reading(&pod("shop", "{app.kubernetes.io/part-of: store}"));
    assert_eq!(read.application.name, "store");
    assert_eq!(reading(&pod("shop", "{}")).application.name, "shop");
    assert_eq!(reading(&pod("default", "{}")).application.name, "my-app");
    let selecting = service("web", "{type: LoadBalancer, selector: {a: b}, ports: [{port: 80}]}")
        .replace("{name: web}", "{name: web, namespace: one}");
    let read = reading(&format!("{}{}{selecting}", pod("one", "{a: b}"), pod("two", "{a: b}")));
    let public: Vec<bool> =
        read.application.services.values().map(|s| s.ports.iter().any(|p| p.public)).collect();
    assert_eq!(public.iter().filter(|p| **p).count(), 1, "only the pod of the same namespace");
    assert_eq!(public.len(), 2);
}

#[test]
fn every_key_of_a_pod_has_a_fate() {
    let read = reading(&deployment(
        "web",
        "{terminationGracePeriodSeconds: 5, somethingNew: 1, containers: [{name: c, image: i, tty: true}]}",
    ));
    let web = &read.application.services["web"];
    let fate = |key: &str| web.keys.iter().find(|k| k.key.ends_with(key)).map(|k| k.fate);
    for (key, expected) in [
        ("terminationGracePeriodSeconds", KeyFate::Carried),
        ("somethingNew", KeyFate::Carried),
        ("containers[c].tty", KeyFate::Carried),
        ("containers[c].image", KeyFate::Used),
        ("spec.selector", KeyFate::Used),
    ] {
        assert_eq!(fate(key), Some(expected), "{key}");
    }
    let places: Vec<_> = web.keys.iter().map(|k| k.at.clone()).collect();
    assert!(places.is_sorted(), "in the order of the file");
}
