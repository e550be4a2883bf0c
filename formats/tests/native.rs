//! The native format: what is read of an input, and what is said of a wrong one.

#![allow(clippy::expect_used, clippy::panic, reason = "a test that can't go on stops")]

use std::sync::Arc;

use coc_formats::native::{NativeDocument, read_document, write};
use coc_formats::tree::read_documents;
use coc_model::application::{Application, EnvValue};
use coc_model::cloud::Cloud;
use coc_model::goals::{Goals, RequirementBody};
use coc_model::mistake::MistakeLog;
use coc_model::secret::{SecretRef, Secrets};
use proptest::prelude::*;
use serde_json::{Value, json};

fn read(text: &str) -> Result<NativeDocument, String> {
    let mut log = MistakeLog::new();
    let file: Arc<str> = "f.yaml".into();
    let nodes = read_documents(&file, text, &mut log);
    let document = nodes.first().and_then(|node| read_document(&file, node, &mut log));
    let document = log.finish(document).map_err(|m| m.to_string())?;
    document.ok_or_else(|| "no document".to_owned())
}

fn application(text: &str) -> (Application, Option<Goals>, Secrets) {
    match read(text) {
        Ok(NativeDocument::Application { application, goals, secrets }) => {
            (*application, goals, secrets)
        }
        other => panic!("{other:?}"),
    }
}

/// The JSON of one service of an application whose services are given.
fn service(services: &str, name: &str) -> Value {
    let (application, ..) = application(&format!("kind: Application\nname: shop\n{services}"));
    write(&application)["services"][name].clone()
}

fn goals(text: &str) -> Goals {
    match read(text) {
        Ok(NativeDocument::Goals { goals, .. }) => goals,
        other => panic!("{other:?}"),
    }
}

fn clouds(text: &str) -> Vec<Cloud> {
    match read(text) {
        Ok(NativeDocument::Clouds(clouds)) => clouds,
        other => panic!("{other:?}"),
    }
}

fn mistakes(text: &str) -> String {
    read(text).map(|d| format!("{d:?}")).expect_err("mistakes")
}

/// What is said of the single service `web` with this body, its position left out.
fn service_mistake(body: &str) -> String {
    let text = format!(
        "kind: Application\nname: shop\nvolumes: {{data: 1Gi}}\nservices:\n  db: {{type: postgres}}\n  web:\n    image: w\n    {body}\n"
    );
    let said = mistakes(&text);
    said.lines()
        .map(|line| line.splitn(4, ':').nth(3).expect("file:line:column: text").trim().to_owned())
        .collect::<Vec<_>>()
        .join("\n")
}

const SHOP: &str = r#"kind: Application
name: shop
services:
  web:
    type: container
    image: shop/web:1.4
    replicas: {min: 2, max: 6}
    needs: {cpu: 500m, memory: 256Mi}
    ports: [{port: 8080, public: true}]
    env: {DB: "${services.db.address}"}
  db:
    type: postgres
    spec: {version: "16", storage: 100Gi}
    native: {aws: {"AWS::RDS::DBInstance": {DeletionProtection: true}}}
links:
  - {from: web, to: db, port: 5432, traffic: 200GB/month, latency: 20ms}
goals: {require: [{within: {services: [db], area: EU}}], minimize: [cost]}
"#;

#[test]
fn the_application_of_the_contract_is_read_whole() {
    let (application, goals, _) = application(SHOP);
    assert_eq!(
        write(&application),
        json!({
            "kind": "Application", "name": "shop",
            "services": {
                "db": {
                    "at": "f.yaml:11:3", "type": "postgres", "image": null, "build": null,
                    "replicas": 1,
                    "needs": {"cpu_millicores": null, "memory_bytes": null, "accelerator": null,
                        "architecture": null, "ephemeral_storage_bytes": null},
                    "limits": {"cpu_millicores": null, "memory_bytes": null, "pids": null},
                    "ports": [], "volumes": [], "env": [], "after": [], "with": [],
                    "healthcheck": false, "restart": "unsaid", "native": ["aws"], "inferred": [],
                    "keys": [
                        {"key": "type", "fate": "used", "at": "f.yaml:12:5"},
                        {"key": "spec", "fate": "used", "at": "f.yaml:13:5"},
                        {"key": "native.aws", "fate": "carried", "at": "f.yaml:14:14"},
                    ],
                },
                "web": {
                    "at": "f.yaml:4:3", "type": "container", "image": "shop/web:1.4",
                    "build": null, "replicas": {"min": 2, "max": 6},
                    "needs": {"cpu_millicores": 500, "memory_bytes": 268_435_456,
                        "accelerator": null, "architecture": null,
                        "ephemeral_storage_bytes": null},
                    "limits": {"cpu_millicores": null, "memory_bytes": null, "pids": null},
                    "ports": [{"port": 8080, "protocol": "tcp", "public": true,
                        "published": null, "host_ip": null, "name": null}],
                    "volumes": [], "env": ["DB"],
                    "after": [{"service": "db", "condition": "started", "required": true}],
                    "with": [], "healthcheck": false, "restart": "unsaid", "native": [],
                    "inferred": [
                        {"what": "after db", "reason": "variable DB refers to db"},
                        {"what": "link to db", "reason": "variable DB refers to db"},
                    ],
                    "keys": [
                        {"key": "type", "fate": "used", "at": "f.yaml:5:5"},
                        {"key": "image", "fate": "used", "at": "f.yaml:6:5"},
                        {"key": "replicas.min", "fate": "used", "at": "f.yaml:7:16"},
                        {"key": "replicas.max", "fate": "used", "at": "f.yaml:7:24"},
                        {"key": "needs.cpu", "fate": "used", "at": "f.yaml:8:13"},
                        {"key": "needs.memory", "fate": "used", "at": "f.yaml:8:24"},
                        {"key": "ports", "fate": "used", "at": "f.yaml:9:5"},
                        {"key": "env", "fate": "used", "at": "f.yaml:10:5"},
                    ],
                },
            },
            "links": [{"from": "web", "to": "db", "port": 5432, "traffic": "200 GB/month",
                "latency": "20 ms", "at": "f.yaml:16:5", "inferred": null}],
            "volumes": {},
            "keys": [
                {"key": "kind", "fate": "used", "at": "f.yaml:1:1"},
                {"key": "name", "fate": "used", "at": "f.yaml:2:1"},
                {"key": "services", "fate": "used", "at": "f.yaml:3:1"},
                {"key": "links", "fate": "used", "at": "f.yaml:15:1"},
                {"key": "goals", "fate": "used", "at": "f.yaml:17:1"},
            ],
        })
    );
    assert_eq!(application.services["db"].spec, json!({"version": "16", "storage": "100Gi"}));
    assert_eq!(goals.map(|g| (g.require.len(), g.objectives.len())), Some((1, 1)));
}

#[test]
fn the_same_in_json_is_the_same_application() {
    let node = read_documents(&"f.yaml".into(), SHOP, &mut MistakeLog::new()).remove(0);
    let (json, ..) = application(&node.to_json().to_string());
    let (yaml, ..) = application(SHOP);
    assert_eq!(json.services["web"].needs, yaml.services["web"].needs);
    assert_eq!(json.services["db"].native, yaml.services["db"].native);
    assert_eq!(json.links[0].traffic, yaml.links[0].traffic);
}

#[test]
fn each_form_of_a_field_is_read() {
    for (body, pointer, expected) in [
        ("replicas: 3", "/replicas", json!(3)),
        ("replicas: 0", "/replicas", json!(0)),
        ("replicas: per-host", "/replicas", json!("per-host")),
        ("replicas: {max: 4}", "/replicas", json!({"min": 1, "max": 4})),
        ("needs: {cpu: 0.5}", "/needs/cpu_millicores", json!(500)),
        ("needs: {cpu: 2}", "/needs/cpu_millicores", json!(2000)),
        ("needs: {memory: 1G}", "/needs/memory_bytes", json!(1_000_000_000)),
        ("needs: {memory: 134217728}", "/needs/memory_bytes", json!(134_217_728)),
        ("needs: {accelerator: L4}", "/needs/accelerator", json!({"name": "L4", "count": 1})),
        ("needs: {accelerator: A100:8}", "/needs/accelerator", json!({"name": "A100", "count": 8})),
        ("needs: {accelerator: 2}", "/needs/accelerator", json!({"count": 2})),
        ("needs: {architecture: linux/arm64}", "/needs/architecture", json!("arm64")),
        ("needs: {ephemeral-storage: 1Gi}", "/needs/ephemeral_storage_bytes", json!(1 << 30)),
        ("limits: {cpu: 1, memory: 1Gi, pids: 100}", "/limits/pids", json!(100)),
        ("ports: [80]", "/ports/0/port", json!(80)),
        ("ports: [{port: 53, protocol: udp}]", "/ports/0/protocol", json!("udp")),
        ("ports: [{port: 80, published: 8080}]", "/ports/0/public", json!(true)),
        (
            "volumes: ['data:/var/lib:ro']",
            "/volumes/0",
            json!({"volume": "data", "path": "/var/lib", "read_only": true}),
        ),
        (
            "mounts: [{volume: data, path: /d}, /cache]",
            "/volumes/1",
            json!({"anonymous": true, "path": "/cache", "read_only": false}),
        ),
        (
            "volumes: ['./site:/srv']",
            "/volumes/0",
            json!({"bind": "./site", "path": "/srv", "read_only": false}),
        ),
        (
            "volumes: [{tmpfs: true, path: /tmp}]",
            "/volumes/0",
            json!({"tmpfs": true, "path": "/tmp", "read_only": false}),
        ),
        ("build: ./web", "/build", json!({"context": "./web"})),
        ("build: {context: ., target: prod}", "/build", json!({"context": ".", "target": "prod"})),
        ("restart: unless-stopped", "/restart", json!("unless-stopped")),
        (
            "after: [db]",
            "/after",
            json!([{"service": "db", "condition": "started", "required": true}]),
        ),
        (
            "after: {db: healthy}",
            "/after",
            json!([{"service": "db", "condition": "healthy", "required": true}]),
        ),
        (
            "after: [{service: db, condition: completed, required: false}]",
            "/after",
            json!([{"service": "db", "condition": "completed", "required": false}]),
        ),
        ("env: {A: 5, B: true, C: }", "/env", json!(["A", "B", "C"])),
        ("with: [db]", "/with/0/service", json!("db")),
    ] {
        let services = format!(
            "volumes: {{data: 1Gi}}\nservices:\n  db: {{type: postgres}}\n  web:\n    image: w\n    {body}\n"
        );
        let read = service(&services, "web");
        assert_eq!(read.pointer(pointer), Some(&expected), "{body}");
    }
}

#[test]
fn health_checks_have_one_probe() {
    for (check, expected) in [
        ("curl -f localhost", json!({"shell": "curl -f localhost"})),
        ("[pg_isready]", json!({"command": ["pg_isready"]})),
        ("{http: {path: /up, port: 80}}", json!({"http": {"path": "/up", "port": 80}})),
        ("{tcp: 5432}", json!({"tcp": 5432})),
        ("{grpc: 9000}", json!({"grpc": 9000})),
        ("{disabled: true}", json!("disabled")),
    ] {
        let text = format!(
            "kind: Application\nname: a\nservices: {{web: {{image: w, healthcheck: {check}}}}}\n"
        );
        let (application, ..) = application(&text);
        let read = application.services["web"].healthcheck.clone().expect("a check");
        assert_eq!(serde_json::to_value(read.probe).expect("JSON"), expected, "{check}");
    }
    let (read, ..) = application(
        "{kind: Application, name: a, services: {web: {image: w, healthcheck: \
         {tcp: 1, interval: 10s, timeout: 500ms, retries: 3, start-period: 1m}}}}",
    );
    let check = serde_json::to_value(&read.services["web"].healthcheck).expect("JSON");
    assert_eq!(
        check,
        json!({"probe": {"tcp": 1}, "interval": 10_000_000, "timeout": 500_000, "retries": 3,
            "start_period": 60_000_000})
    );
}

#[test]
fn references_make_dependencies_and_links() {
    let text = "kind: Application\nname: a\nservices:\n  web:\n    image: w\n    env:\n      \
                DB: 'db://${services.db.address}:5433/x'\n      CACHE: '${services.cache.address}'\n      \
                ME: '${services.web.address}'\n  db: {type: postgres}\n  \
                cache: {image: c, ports: [6379]}\nlinks:\n  - {from: web, to: db, port: 1}\n";
    let (read, ..) = application(text);
    let after: Vec<&str> = read.services["web"].after.iter().map(|d| d.service.as_str()).collect();
    assert_eq!(after, ["cache", "db"]);
    let links: Vec<String> = read
        .links
        .iter()
        .map(|l| format!("{}>{}:{:?} {:?}", l.from, l.to, l.port, l.inferred))
        .collect();
    assert_eq!(
        links,
        ["web>cache:Some(6379) Some(\"variable CACHE refers to cache\")", "web>db:Some(1) None",]
    );
    let EnvValue::Text(db) = &read.services["web"].env["DB"] else { panic!("a text") };
    assert_eq!(db, "db://${services.db.address}:5433/x");
}

#[test]
fn secrets_leave_the_application() {
    let text = "kind: Application\nname: a\nservices:\n  web:\n    image: w\n    env:\n      \
                DB_PASSWORD: canary-1\n      DATABASE_URL: 'pg://u:canary-2@${services.db.address}/x'\n      \
                TOKEN_SERVER: '${services.db.address}'\n      EMPTY_TOKEN: ''\n  db:\n    type: postgres\n    \
                spec: {password: canary-3}\n    native: {aws: {Db: {MasterUserPassword: canary-4}}}\n";
    let (read, _, secrets) = application(text);
    let shown =
        format!("{read:?} {} {}", write(&read), serde_json::to_string(&read).expect("JSON"));
    assert!(!shown.contains("canary"), "{shown}");
    for (reference, value) in [
        ("application:web:env:DB_PASSWORD", "canary-1"),
        ("application:web:env:DATABASE_URL", "pg://u:canary-2@${services.db.address}/x"),
        ("application:db:spec.password", "canary-3"),
        ("application:db:native.aws.Db.MasterUserPassword", "canary-4"),
    ] {
        let kept = secrets.get(&SecretRef(reference.to_owned())).map(|s| s.reveal());
        assert_eq!(kept, Some(value), "{reference}");
    }
    assert!(matches!(read.services["web"].env["TOKEN_SERVER"], EnvValue::Text(_)));
    assert!(matches!(read.services["web"].env["EMPTY_TOKEN"], EnvValue::Text(_)));
    assert_eq!(read.services["web"].after.len(), 1, "a reference inside a secret counts");
}

#[test]
fn every_mistake_of_a_service_is_told() {
    for (body, says) in [
        ("imgae: x", "service \"web\" has no key \"imgae\" (did you mean \"image\"?)"),
        ("replicas: -1", "replicas must be a whole number from 0 to 100000, not -1"),
        (
            "replicas: 4000000000",
            "replicas must be a whole number from 0 to 100000, not 4000000000",
        ),
        ("replicas: {min: 3, max: 2}", "min 3 is above max 2"),
        ("replicas: {min: 3}", "replicas has no \"max\""),
        (
            "needs: {memory: 512MBs}",
            "memory: \"512MBs\" is not an amount of memory or storage: expected bytes, or a number with Ki, Mi, Gi, Ti, k, M, G or T",
        ),
        ("needs: {cpu: 0.0001}", "cpu: \"0.0001\" is finer than its smallest unit"),
        ("needs: {gpu: 1}", "needs has no key \"gpu\" (did you mean \"cpu\"?)"),
        (
            "needs: {architecture: sparc}",
            "architecture \"sparc\" is not known here (it is x86_64 or arm64)",
        ),
        (
            "needs: {accelerator: 'L4:x'}",
            "\"L4:x\" is not an accelerator: expected one like L4 or L4:2",
        ),
        ("ports: ['8080:80']", "a port is a number or a map (write {port: 80, published: 8080})"),
        ("ports: [0]", "a port must be a whole number from 1 to 65535, not 0"),
        ("ports: [80, {port: 80}]", "port 80/tcp is here twice"),
        ("ports: 80", "ports must be a list, not a number"),
        ("volumes: ['dta:/x']", "there is no volume \"dta\" (did you mean \"data\"?)"),
        ("volumes: ['data:x']", "\"x\" is not an absolute path"),
        ("volumes: [/x, /x]", "\"/x\" is mounted twice"),
        (
            "volumes: [{volume: data, bind: ., path: /x}]",
            "a mount is one of \"volume\", \"bind\" and \"tmpfs\"",
        ),
        ("command: run it", "command must be a list of texts (write [\"program\", \"argument\"])"),
        (
            "command: ['--db=pg://u:canary@h']",
            "command holds a password in a URL (everyone on the host sees arguments: put it into env)",
        ),
        (
            "command: ['${services.db.address}']",
            "command can't hold references (put the reference into env, and let the program read that)",
        ),
        ("after: [dbb]", "there is no service \"dbb\" (did you mean \"db\"?)"),
        ("after: [db, db]", "\"db\" is waited for twice"),
        (
            "after: {db: ready}",
            "condition can't be \"ready\" (it is one of: started, healthy, completed)",
        ),
        (
            "env: {A: '${services.dbb.address}'}",
            "there is no service \"dbb\" (did you mean \"db\"?)",
        ),
        ("env: {TLS_KEY: {pem: canary}}", "variable \"TLS_KEY\" must be a text, not a map"),
        ("env: [A=b]", "env must be a map, not a list"),
        (
            "restart: sometimes",
            "restart can't be \"sometimes\" (it is one of: no, always, on-failure, unless-stopped)",
        ),
        (
            "spec: {a: 1}",
            "a container has no \"spec\" (write its fields beside \"image\", or name another type)",
        ),
        (
            "healthcheck: {}",
            "a health check has one probe, not 0 (give one of: command, shell, http, tcp, grpc, disabled)",
        ),
        (
            "healthcheck: {tcp: 1, interval: 10}",
            "interval: \"10\" is not a time: expected a number with us, ms, s, m or h",
        ),
        ("native: {aws: 5}", "native.aws must be a map, not a number"),
    ] {
        assert_eq!(service_mistake(body), says, "{body}");
    }
    assert_eq!(
        service_mistake("needs: {memory: 2Gi}\n    limits: {memory: 1Gi}"),
        "the limit of memory is below its need"
    );
}

#[test]
fn mistakes_of_the_whole_come_together_in_order() {
    let text = "kind: Application\nname: My_Shop\nservices:\n  Web: {image: w}\n  db: {}\n  \
                a: {image: a, after: [b]}\n  b: {image: b, env: {A: '${services.c.address}'}}\n  \
                c: {image: c, after: [a]}\nlinks:\n  - {from: web, to: db, port: 70000}\n  \
                - {from: a, to: b}\n  - {from: a, to: b}\nlabels: {}\n";
    assert_eq!(
        mistakes(text),
        "f.yaml:2:7: \"My_Shop\" can't be the name of an application (lower-case letters, digits \
         and \"-\" between them, at most 63 characters, for example \"my-shop\")\n\
         f.yaml:4:3: \"Web\" can't be the name of a service (lower-case letters, digits and \"-\" \
         between them, at most 63 characters, for example \"web\")\n\
         f.yaml:5:3: service \"db\" has neither \"image\" nor \"build\"\n\
         f.yaml:6:25: services wait for each other in a circle: a → b → c → a (take one of them \
         out of \"after\", or one reference out of \"env\")\n\
         f.yaml:10:12: there is no service \"web\" (did you mean \"Web\"?)\n\
         f.yaml:10:31: port must be a whole number from 1 to 65535, not 70000\n\
         f.yaml:12:5: the link from \"a\" to \"b\" is here twice, first in line 11\n\
         f.yaml:13:1: the document has no key \"labels\" (known are: kind, name, services, \
         volumes, links, goals)"
    );
}

#[test]
fn documents_of_other_kinds_are_refused() {
    for (text, says) in [
        (
            "name: x",
            "f.yaml:1:1: the document has no \"kind\" (it is one of: Application, Goals, Goal, Clouds)",
        ),
        (
            "kind: Aplication",
            "f.yaml:1:7: there is no kind \"Aplication\" of document (did you mean \"Application\"?)",
        ),
        ("[1]", "f.yaml:1:1: the document must be a map, not a list"),
        (
            "kind: Clouds",
            "f.yaml:1:1: the file has no \"clouds\" (write them as a list: clouds: [...])",
        ),
        ("kind: Application\nname: a", "f.yaml:1:1: the document has no \"services\""),
    ] {
        assert_eq!(mistakes(text), says, "{text}");
    }
}

#[test]
fn goals_keep_their_places() {
    let read = goals(
        "require:\n  - within: {services: [db], area: EU}\n  - budget: 120 USD/month\n  \
         - that: \"monthly(sum(hosts, h, h.price)) <= usd(5000)\"\n    policy: improve\n  \
         - stay:\nminimize:\n  - {what: cost, tolerance: 3%}\n  \
         - [{what: carbon, weight: 1}, {what: 'latency(\"web\", \"db\")', weight: 2.5}]\n  \
         - disruption\nmaximize: ['availability']\n",
    );
    assert_eq!(
        serde_json::to_value(&read).expect("JSON"),
        json!({
            "require": [
                {"body": {"named": {"name": "within", "arguments": {
                    "services": {"value": ["db"], "at": "f.yaml:2:24"},
                    "area": {"value": "EU", "at": "f.yaml:2:36"}}, "short": null}},
                 "policy": "must", "at": "f.yaml:2:5"},
                {"body": {"named": {"name": "budget", "arguments": {},
                    "short": {"value": "120 USD/month", "at": "f.yaml:3:13"}}},
                 "policy": "must", "at": "f.yaml:3:5"},
                {"body": {"that": {"value": "monthly(sum(hosts, h, h.price)) <= usd(5000)",
                    "at": "f.yaml:4:12"}}, "policy": "improve", "at": "f.yaml:4:5"},
                {"body": {"named": {"name": "stay", "arguments": {}, "short": null}},
                 "policy": "must", "at": "f.yaml:6:5"},
            ],
            "objectives": [
                {"direction": "minimize", "tolerance": "0.03", "at": "f.yaml:8:5", "terms": [
                    {"what": {"value": "cost", "at": "f.yaml:8:12"}, "weight": "1"}]},
                {"direction": "minimize", "tolerance": "0", "at": "f.yaml:9:5", "terms": [
                    {"what": {"value": "carbon", "at": "f.yaml:9:13"}, "weight": "1"},
                    {"what": {"value": "latency(\"web\", \"db\")", "at": "f.yaml:9:41"},
                     "weight": "2.5"}]},
                {"direction": "minimize", "tolerance": "0", "at": "f.yaml:10:5", "terms": [
                    {"what": {"value": "disruption", "at": "f.yaml:10:5"}, "weight": "1"}]},
                {"direction": "maximize", "tolerance": "0", "at": "f.yaml:11:12", "terms": [
                    {"what": {"value": "availability", "at": "f.yaml:11:13"}, "weight": "1"}]},
            ],
        })
    );
}

#[test]
fn tiers_keep_the_order_of_the_file() {
    let read = goals("kind: Goals\napplication: shop\nmaximize: availability\nminimize: [cost]\n");
    let order: Vec<&str> = read.objectives.iter().map(|o| o.terms[0].what.value.as_str()).collect();
    assert_eq!(order, ["availability", "cost"]);
    let read = goals("minimize: [cost]\nmaximize: [availability]\n");
    let order: Vec<&str> = read.objectives.iter().map(|o| o.terms[0].what.value.as_str()).collect();
    assert_eq!(order, ["cost", "availability"]);
}

#[test]
fn an_escaped_expression_keeps_the_place_of_its_scalar() {
    let read = goals("require: [{that: \"a == \\\"b\\\"\"}, {that: 'c == \"d\"'}]\n");
    let places: Vec<String> = read
        .require
        .iter()
        .map(|r| match &r.body {
            RequirementBody::That(that) => format!("{} {}", that.at, that.value),
            RequirementBody::Named { .. } => panic!("an expression"),
        })
        .collect();
    assert_eq!(places, ["f.yaml:1:18 a == \"b\"", "f.yaml:1:41 c == \"d\""]);
}

#[test]
fn wrong_goals_are_told() {
    for (text, says) in [
        (
            "require: [cost]",
            "f.yaml:1:11: a requirement is a map with the name of a goal (write an expression as {that: \"…\"})",
        ),
        (
            "require:\n  - within:\n    services: [db]\n",
            "f.yaml:3:5: a requirement names one goal, not \"within\" and \"services\" (indent the arguments of \"within\" below it)",
        ),
        (
            "require:\n  - budget: 5\n    within: {area: EU}\n",
            "f.yaml:3:5: a requirement names one goal, not \"budget\" and \"within\" (begin each goal with a \"-\" of its own)",
        ),
        ("require: [{policy: must}]", "f.yaml:1:11: a requirement without a goal"),
        (
            "require: [{stay: , policy: perhaps}]",
            "f.yaml:1:28: policy can't be \"perhaps\" (it is one of: must, improve, should)",
        ),
        ("require: [{that: ''}]", "f.yaml:1:19: that is empty"),
        ("require: [{'a b': 1}]", "f.yaml:1:12: \"a b\" can't be the name of a goal"),
        ("minimize: [{weight: 1}]", "f.yaml:1:12: an objective has no \"what\""),
        ("minimize: [{what: cost, weight: 0}]", "f.yaml:1:33: a weight must be above zero"),
        (
            "minimize: [{what: cost, weight: x}]",
            "f.yaml:1:33: weight: \"x\" is not a decimal number",
        ),
        (
            "minimize: [{what: cost, tolerance: 3}]",
            "f.yaml:1:36: a tolerance of 3 is more than the whole (did you mean 3%?)",
        ),
        (
            "minimize: [[{what: a, tolerance: 1%}, {what: b, tolerance: 2%}]]",
            "f.yaml:1:39: a tier has one tolerance, not two",
        ),
        ("minimize: [[]]", "f.yaml:1:12: a tier without anything to make best"),
        (
            "minimise: [cost]\nrequire: []",
            "f.yaml:1:1: the document has no key \"minimise\" (did you mean \"minimize\"?)",
        ),
    ] {
        assert_eq!(mistakes(text), says, "{text}");
    }
}

#[test]
fn the_clouds_of_the_contract_are_read() {
    let read = clouds(
        "kind: Clouds\nclouds:\n  \
         - {name: lab-a, driver: docker, endpoint: unix:///run/lab-a.sock, place: {area: EU, country: DE}, certified: [iso27001, soc2t2], energy: {carbon_per_kwh: 334.5, watts_per_vcpu: 4}, prices: {host: 0.05 USD/hour, egress: 0.02 USD/GB}, read-only: true}\n  \
         - {name: aws-eu, driver: aws, regions: [eu-west-1, eu-central-1], credentials: {from: env}, prices: {discount: 12%}}\n  \
         - {name: dream, driver: simulated, profile: three-regions.yaml, seed: 7}\n",
    );
    assert_eq!(
        serde_json::to_value(&read).expect("JSON"),
        json!([
            {"name": "lab-a", "driver": "docker", "endpoint": "unix:///run/lab-a.sock",
             "place": {"country": "DE", "area": "EU"}, "certified": ["iso27001", "soc2t2"], "energy": {"carbon_g_per_kwh": "334.5", "watts_per_vcpu": "4"}, "read_only": true, "at": "f.yaml:3:5",
             "prices": {"host": "0.0500 USD/hour", "egress_per_gb": "0.02"}},
            {"name": "aws-eu", "driver": "aws", "regions": ["eu-west-1", "eu-central-1"],
             "credentials": {"from": "env"}, "place": {}, "prices": {"discount": "0.12"},
             "read_only": false, "at": "f.yaml:4:5"},
            {"name": "dream", "driver": "simulated", "place": {}, "prices": {}, "read_only": false,
             "settings": {"profile": "three-regions.yaml", "seed": 7}, "at": "f.yaml:5:5"},
        ])
    );
}

#[test]
fn wrong_clouds_are_told_and_secrets_are_not() {
    let by_reference = "(secrets are given by reference: put it into the environment and write \
                        credentials: {from: env}, or into a file and name its path there)";
    for (cloud, says) in [
        ("driver: d, name: A", "\"A\" can't be the name of a cloud (lower-case letters, digits and \"-\" between them, at most 63 characters, for example \"a\")".to_owned()),
        ("name: a", "a cloud has no \"driver\"".to_owned()),
        ("name: a, driver: d, enpoint: x", "a cloud has no key \"enpoint\" (did you mean \"endpoint\"?)".to_owned()),
        ("name: a, driver: d, place: {country: de}", "\"de\" is not the code of a country (two capital letters as in ISO 3166-1, like DE)".to_owned()),
        ("name: a, driver: d, prices: {host: 0.05}", "host: \"0.05\" is not a time a price can be per: expected \"hour\" or \"month\" (write 0.05 USD/hour)".to_owned()),
        ("name: a, driver: d, prices: {host: -1 USD/hour}", "a price can't be below zero".to_owned()),
        ("name: a, driver: d, prices: {egress: 0.02 USD/GiB}", "\"0.02 USD/GiB\" is not a price of traffic (write dollars per 10^9 bytes, like 0.02 USD/GB)".to_owned()),
        ("name: a, driver: d, prices: {discount: 120%}", "a discount can't be more than 100%".to_owned()),
        ("name: a, driver: d, energy: {carbon_per_kwh: -3}", "\"-3\" is no number from zero up (write grams of CO2 per kWh and watts as plain numbers, like 120)".to_owned()),
        ("name: a, driver: d, certifed: [iso27001]", "a cloud has no key \"certifed\" (did you mean \"certified\"?)".to_owned()),
        ("name: a, driver: d, credentials: {from: env, access_key: canary}", format!("credentials can't hold \"access_key\" {by_reference}")),
        ("name: a, driver: d, credentials: canary", format!("credentials must be a map, not a text {by_reference}")),
        ("name: a, driver: d, credentials: {from: 'x://u:canary@h'}", format!("credentials have a password in them {by_reference}")),
        ("name: a, driver: d, endpoint: 'https://u:canary@h'", format!("the endpoint has a password in it {by_reference}")),
        ("name: a, driver: d, auth: {token: canary}", format!("\"token\" is a secret in plain text {by_reference}")),
        ("name: a, driver: d, proxies: ['http://u:canary@h']", format!("\"proxies\" is a secret in plain text {by_reference}")),
    ] {
        let said = mistakes(&format!("kind: Clouds\nclouds: [{{{cloud}}}]\n"));
        assert_eq!(said.splitn(4, ':').nth(3).map(str::trim), Some(&*says), "{cloud}");
        assert!(!said.contains("canary"), "{said}");
    }
    assert_eq!(
        mistakes("kind: Clouds\nclouds:\n- {name: a, driver: d}\n- {name: a, driver: d}\n"),
        "f.yaml:4:3: the cloud \"a\" is here twice, first in line 3"
    );
    let read = clouds("{kind: Clouds, clouds: [{name: a, driver: d, token_file: /run/t}]}");
    assert_eq!(read[0].settings["token_file"], json!("/run/t"));
}

/// Texts that come near the format: its own words in any order.
fn near_native() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "kind",
        "Application",
        "Goals",
        "Clouds",
        "name",
        "services",
        "web",
        "image",
        "env",
        "after",
        "replicas",
        "min",
        "max",
        "needs",
        "cpu",
        "memory",
        "ports",
        "port",
        "volumes",
        "links",
        "from",
        "to",
        "goals",
        "require",
        "that",
        "minimize",
        "what",
        "tolerance",
        "clouds",
        "driver",
        "prices",
        "host",
        "500m",
        "3%",
        "-1",
        "${services.web.address}",
        "null",
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
        "\"",
    ]);
    prop::collection::vec(words, 0..40).prop_map(|words| words.concat())
}

proptest! {
    #[test]
    fn no_text_panics(text in near_native()) {
        let _ = read(&text);
    }

    #[test]
    fn a_value_of_any_shape_in_any_place_is_read_or_told(
        key in prop::sample::select(vec!["image", "build", "env", "replicas", "needs", "limits",
            "ports", "volumes", "after", "with", "healthcheck", "restart", "native", "spec", "user"]),
        value in prop::sample::select(vec!["~", "5", "-5", "1.5", "true", "x", "'${'", "[]", "{}",
            "[[]]", "[{}]", "{a: b}", "{a: {b: c}}", "[~]", "[5, x]", "99999999999999999999"]),
    ) {
        let text = format!("kind: Application\nname: a\nservices: {{web: {{image: w, {key}: {value}}}}}\n");
        let _ = read(&text);
    }
}
