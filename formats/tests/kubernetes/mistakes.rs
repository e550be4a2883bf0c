//! What is said of wrong input.

use crate::{SETTINGS, container, deployment, mistakes, service};

#[test]
fn mistakes_are_told_at_their_places() {
    for (spec, says) in [
        ("{containers: []}", "f.yaml:8:11: the pod has no containers"),
        ("{containers: [{name: c}]}", "f.yaml:8:25: container \"c\" has no image"),
        (
            "{containers: [{image: i}]}",
            "f.yaml:8:25: a container has no name\nf.yaml:8:11: the pod has no containers",
        ),
        (
            "{containers: [{name: c, image: i}, {name: c, image: i}]}",
            "f.yaml:8:53: the container \"c\" is here twice",
        ),
        (
            "{contianers: [], containers: [{name: c, image: i}]}",
            "f.yaml:8:12: spec.template.spec has no key \"contianers\" (did you mean \"containers\"?)",
        ),
        (
            "{containers: [{name: c, image: i, resources: {requests: {memory: 512m}}}]}",
            "f.yaml:8:76: memory: \"512m\" is not a whole number of units (\"m\" is a thousandth; did you mean 512Mi?)",
        ),
        (
            "{containers: [{name: c, image: i, resources: {requests: {memory: 512MB}}}]}",
            "f.yaml:8:76: memory: \"512MB\" is not a quantity: expected a number with n, u, m, k, M, G, T, P, E, with Ki, Mi, Gi, Ti, Pi, Ei, with an exponent, or with nothing",
        ),
        (
            "{containers: [{name: c, image: i, resources: {requests: {memory: 10Gi}, limits: {memory: 128M}}}]}",
            "f.yaml:8:76: container \"c\" requests more memory than its limit (raise the limit or lower the request)",
        ),
        (
            "{containers: [{name: c, image: i, resources: {requests: {nvidia.com/gpu: 1}, limits: {nvidia.com/gpu: 2}}}]}",
            "f.yaml:8:84: request and limit of nvidia.com/gpu differ in container \"c\" (Kubernetes wants them equal)",
        ),
        (
            "{containers: [{name: c, image: i, resources: {requests: {cpu: -1}}}]}",
            "f.yaml:8:73: cpu: \"-1\" is negative",
        ),
        (
            "{containers: [{name: c, image: i, env: [{name: A, value: 8080}]}]}",
            "f.yaml:8:68: variable \"A\" must be a text, not a number (put it in quotes)",
        ),
        (
            "{containers: [{name: c, image: i, env: [{name: TLS_KEY, value: {pem: canary}}]}]}",
            "f.yaml:8:74: variable \"TLS_KEY\" must be a text, not a map",
        ),
        (
            "{containers: [{name: c, image: i, env: [{name: A, value: x, valueFrom: {}}]}]}",
            "f.yaml:8:58: variable \"A\" has both \"value\" and \"valueFrom\"",
        ),
        (
            "{containers: [{name: c, image: i, volumeMounts: [{name: dta, mountPath: /x}]}], volumes: [{name: data, emptyDir: {}}]}",
            "f.yaml:8:67: the pod has no volume \"dta\" (did you mean \"data\"?)",
        ),
        (
            "{containers: [{name: c, image: i, ports: [{containerPort: 70000}]}]}",
            "f.yaml:8:69: containerPort must be a whole number from 1 to 65535, not 70000",
        ),
        (
            "{containers: [{name: c, image: i, livenessProbe: {httpGet: {port: htp}}, ports: [{name: http, containerPort: 1}]}]}",
            "f.yaml:8:77: the pod has no port \"htp\" (did you mean \"http\"?)",
        ),
        (
            "{containers: [{name: c, image: i, livenessProbe: {periodSeconds: 1}}]}",
            "f.yaml:8:60: the probe does not say how it probes (it is one of: httpGet, tcpSocket, exec, grpc)",
        ),
        (
            "{containers: {name: c}}",
            "f.yaml:8:24: containers must be a list, not a map\nf.yaml:8:11: the pod has no containers",
        ),
        (
            "{containers: [{name: c, image: i}], topologySpreadConstraints: [{maxSkew: 1, topologyKey: z, whenUnsatisfiable: Never}]}",
            "f.yaml:8:75: whenUnsatisfiable can't be \"Never\" (it is DoNotSchedule or ScheduleAnyway)",
        ),
    ] {
        let mut expected: Vec<&str> = says.lines().collect();
        expected.sort_unstable();
        let said = mistakes(&deployment("web", spec));
        let mut said: Vec<&str> = said.lines().collect();
        said.sort_unstable();
        assert_eq!(said, expected, "{spec}");
    }
}

#[test]
fn mistakes_of_objects_are_told_at_their_places() {
    let web = deployment("web", &container("ports: [{name: http, containerPort: 80}]"));
    for (text, says) in [
        (
            web.replace("labels: {app: web}", "labels: {app: wbe}"),
            "f.yaml:5:13: the selector of Deployment \"web\" does not select its own pods (the \
             labels under \"spec.template.metadata.labels\" must match it)",
        ),
        (
            web.replace("  selector: {matchLabels: {app: web}}\n", ""),
            "f.yaml:3:18: Deployment \"web\" has no \"spec.selector\" (write the labels of the pods \
             under \"matchLabels\")",
        ),
        (
            web.replace("spec:\n  selector", "spec:\n  replicas: many\n  selector"),
            "f.yaml:5:13: replicas must be a whole number from 0 to 100000, not a text",
        ),
        (format!("{web}{web}"), "f.yaml:12:18: Deployment \"web\" is here twice, first at f.yaml:3:18"),
        (
            format!("{web}{}", service("s", "{selector: {app: web}, ports: [{port: 80, targetPort: htpp}]}")),
            "f.yaml:13:61: no pod that Service \"s\" selects has a port \"htpp\" (did you mean \"http\"?)",
        ),
        (
            format!("{web}{}", service("s", "{selctor: {app: web}}")),
            "f.yaml:13:8: Service \"s\" has no key \"selctor\" (did you mean \"selector\"?)",
        ),
        (
            format!("{web}{}", service("s", "{type: Public}")),
            "f.yaml:12:18: Service \"s\" can't be of type \"Public\" (it is one of: ClusterIP, \
             NodePort, LoadBalancer, ExternalName)",
        ),
        (
            format!("{web}apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\ndata: {{k: 'canary!'}}\n"),
            "f.yaml:13:11: \"k\" of Secret \"s\" is not base64 (plain values belong under \"stringData\")",
        ),
        (
            format!("{SETTINGS}{}", deployment("web", &container("env: [{name: A, valueFrom: {configMapKeyRef: {name: settings, key: MOD}}}]"))),
            "f.yaml:19:112: ConfigMap \"settings\" has no key \"MOD\"",
        ),
        (
            "apiVersion: batch/v1\nkind: Job\nmetadata: {name: j}\nspec: {template: {spec: {containers: [{name: c, image: i}]}}}".to_owned(),
            "f.yaml:3:18: the restart policy of Job \"j\" can't be Always (write restartPolicy: OnFailure or Never into its pod)",
        ),
        (
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: w}\nspec: {selector: {matchLabels: {}}}".to_owned(),
            "f.yaml:3:18: Deployment \"w\" has no \"spec.template\"",
        ),
        ("- a\n- b".to_owned(), "f.yaml:1:1: a Kubernetes object is a map"),
    ] {
        assert_eq!(mistakes(&text), says, "{text}");
    }
}
