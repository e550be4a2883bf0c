//! Variables, arguments and secrets.

use coc_formats::native::write;
use coc_model::application::EnvValue;
use coc_model::secret::SecretRef;
use serde_json::json;

use crate::{SETTINGS, container, deployment, mistakes, notes, reading};

#[test]
fn variables_come_from_config_maps_and_secrets() {
    for (keys, name, value) in [
        ("env: [{name: A, value: x}]", "A", EnvValue::Text("x".into())),
        ("env: [{name: A}]", "A", EnvValue::Text(String::new())),
        ("env: [{name: A, value: x}, {name: A, value: y}]", "A", EnvValue::Text("y".into())),
        ("envFrom: [{configMapRef: {name: settings}}]", "MODE", EnvValue::Text("fast".into())),
        (
            "envFrom: [{prefix: P_, configMapRef: {name: settings}}]",
            "P_MODE",
            EnvValue::Text("fast".into()),
        ),
        (
            "envFrom: [{configMapRef: {name: settings}}], env: [{name: MODE, value: slow}]",
            "MODE",
            EnvValue::Text("slow".into()),
        ),
        (
            "env: [{name: A, valueFrom: {configMapKeyRef: {name: settings, key: MODE}}}]",
            "A",
            EnvValue::Text("fast".into()),
        ),
        (
            "envFrom: [{configMapRef: {name: settings}}]",
            "DB_PASSWORD",
            EnvValue::Secret(SecretRef("application:web:env:DB_PASSWORD".into())),
        ),
        (
            "envFrom: [{configMapRef: {name: settings}}]",
            "URL",
            EnvValue::Secret(SecretRef("application:web:env:URL".into())),
        ),
        (
            "env: [{name: A, valueFrom: {secretKeyRef: {name: keys, key: token}}}]",
            "A",
            EnvValue::Secret(SecretRef("kubernetes:secret:default/keys:token".into())),
        ),
        (
            "env: [{name: A, valueFrom: {secretKeyRef: {name: absent, key: k}}}]",
            "A",
            EnvValue::Secret(SecretRef("kubernetes:secret:default/absent:k".into())),
        ),
        (
            "env: [{name: A, valueFrom: {configMapKeyRef: {name: absent, key: k}}}]",
            "A",
            EnvValue::Passed,
        ),
        (
            "env: [{name: A, valueFrom: {fieldRef: {fieldPath: metadata.namespace}}}]",
            "A",
            EnvValue::Text("default".into()),
        ),
        (
            "env: [{name: A, valueFrom: {fieldRef: {fieldPath: \"metadata.labels['app']\"}}}]",
            "A",
            EnvValue::Text("web".into()),
        ),
        (
            "env: [{name: B, value: b}, {name: A, value: '$(B)$$(B)$(C)'}]",
            "A",
            EnvValue::Text("b$(B)$(C)".into()),
        ),
        (
            "env: [{name: T, valueFrom: {secretKeyRef: {name: keys, key: token}}}, {name: A, value: 'x$(T)'}]",
            "A",
            EnvValue::Secret(SecretRef("application:web:env:A".into())),
        ),
    ] {
        let read = reading(&format!("{SETTINGS}{}", deployment("web", &container(keys))));
        assert_eq!(read.application.services["web"].env.get(name), Some(&value), "{keys}");
    }
    for (keys, note) in [
        (
            "env: [{name: A, valueFrom: {configMapKeyRef: {name: absent, key: k, optional: true}}}]",
            "spec.template.spec.containers[c].env[A].valueFrom: Carried: ConfigMap \"absent\" is \
             not in these files, and optional: left out",
        ),
        (
            "envFrom: [{secretRef: {name: absent}}]",
            "spec.template.spec.containers[c].envFrom[0]: Carried: Secret \"absent\" is not in \
             these files: it is referred to by name",
        ),
        (
            "env: [{name: A, valueFrom: {fieldRef: {fieldPath: status.podIP}}}]",
            "spec.template.spec.containers[c].env[A].valueFrom: Carried: known only inside a \
             running pod of Kubernetes",
        ),
    ] {
        let read = reading(&format!("{SETTINGS}{}", deployment("web", &container(keys))));
        assert_eq!(notes(&read, "web"), [note], "{keys}");
        assert!(read.application.services["web"].env.is_empty(), "{keys}");
    }
}

#[test]
fn no_secret_is_in_what_is_read() {
    let pod = "{containers: [{name: c, image: i, env: [{name: API_TOKEN, value: canary-5}, \
               {name: T, valueFrom: {secretKeyRef: {name: keys, key: token}}}, \
               {name: MADE, value: 'x-$(T)'}, {name: MADE_TOKEN, value: 'canary-0$(T)'}, \
               {name: NONE, value: 'y-$(N)'}, {name: N, valueFrom: {secretKeyRef: {name: no, key: n}}}, \
               {name: SOME, value: 'z-$(N)'}], envFrom: [{configMapRef: {name: settings}}]}, \
               {name: side, image: i, env: [{name: SIDE_PASSWORD, value: canary-6}]}], \
               volumes: [{name: v, nfs: {server: 'nfs://u:canary-7@h', path: /}}]}";
    let text = format!(
        "{SETTINGS}{}",
        deployment("web", pod).replace(
            "metadata: {name: web}",
            "metadata: {name: web, annotations: {a: 'http://u:canary-8@h', \
             kubectl.kubernetes.io/last-applied-configuration: canary-9}}"
        )
    );
    let read = reading(&text);
    let shown = format!(
        "{read:?} {} {} {}",
        write(&read.application),
        serde_json::to_string(&read.application).expect("JSON"),
        serde_json::to_string(&read.carried).expect("JSON"),
    );
    assert!(!shown.contains("canary") && !shown.contains("Y2FuYXJ5"), "{shown}");
    for (reference, value) in [
        ("application:web:env:API_TOKEN", "canary-5"),
        ("application:web:env:MADE", "x-canary-3"),
        ("application:web:env:MADE_TOKEN", "canary-0canary-3"),
        ("application:web:env:MADE_TOKEN:written", "canary-0$(T)"),
        ("application:web:env:URL", "pg://u:canary-2@h/x"),
        ("application:web/side:env:SIDE_PASSWORD", "canary-6"),
        ("kubernetes:secret:default/keys:token", "canary-3"),
        ("kubernetes:secret:default/keys:plain", "canary-4"),
        ("kubernetes:secret:default/keys:binary:base64", "/w=="),
        ("kubernetes:configmap:default/settings:DB_PASSWORD", "canary-1"),
    ] {
        let kept = read.secrets.get(&SecretRef(reference.to_owned())).map(|s| s.reveal());
        assert_eq!(kept, Some(value), "{reference}");
    }
    assert_eq!(
        read.carried[1]["data"]["token"],
        json!({"$secret": "kubernetes:secret:default/keys:token:base64"})
    );
    let native = &read.application.services["web"].native["kubernetes"]["apps/v1/Deployment"];
    for (place, variable) in [
        (0, json!({"name": "API_TOKEN", "value": {"$secret": "application:web:env:API_TOKEN"}})),
        (2, json!({"name": "MADE", "value": "x-$(T)"})),
        (
            3,
            json!({"name": "MADE_TOKEN", "value": {"$secret": "application:web:env:MADE_TOKEN:written"}}),
        ),
        (6, json!({"name": "SOME", "value": "z-$(N)"})),
    ] {
        let found = native.pointer(&format!("/spec/template/spec/containers/0/env/{place}"));
        assert_eq!(found, Some(&variable));
    }
    assert_eq!(
        mistakes(&deployment("web", &container("args: ['--db=pg://u:canary@h']"))),
        "f.yaml:8:52: args holds a password in a URL (everyone on the host sees arguments: put it \
         into a Secret, and write $(NAME) of a variable that refers to it)"
    );
}

#[test]
fn arguments_are_expanded_but_for_secrets() {
    let keys = "command: [run, '$(A)'], args: ['--m=$(A)', '--t=$(T)', '$(NONE)'], workingDir: /w, \
                env: [{name: A, value: x}, {name: T, valueFrom: {secretKeyRef: {name: keys, key: token}}}]";
    let read = reading(&format!("{SETTINGS}{}", deployment("web", &container(keys))));
    let web = &read.application.services["web"];
    assert_eq!(web.entrypoint.as_deref(), Some(&["run".to_owned(), "x".to_owned()][..]));
    assert_eq!(
        web.command.as_deref(),
        Some(&["--m=x".to_owned(), "--t=$(T)".to_owned(), "$(NONE)".to_owned()][..])
    );
    assert_eq!(web.working_dir.as_deref(), Some("/w"));
    assert_eq!(
        notes(&read, "web"),
        [
            "spec.template.spec.containers[c].args: Carried: holds a secret that only Kubernetes fills in"
        ]
    );
}
