//! Applications: services, links, volumes.

use crate::{application, mistakes, service, service_mistake};
use coc_formats::native::write;
use coc_formats::tree::read_documents;
use coc_model::application::EnvValue;
use coc_model::mistake::MistakeLog;
use coc_model::secret::SecretRef;
use serde_json::json;

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
        ("replicas: {oneOf: [7, 3, 5]}", "/replicas", json!({"oneOf": [3, 5, 7]})),
        ("replicas: {oneOf: [0, 1]}", "/replicas", json!({"oneOf": [0, 1]})),
        ("replicas: {oneOf: [3]}", "/replicas", json!(3)),
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
        ("replicas: {oneOf: 3}", "oneOf must be a list, not a number"),
        ("replicas: {oneOf: []}", "oneOf has no number to choose from"),
        ("replicas: {oneOf: [3, 5, 3]}", "oneOf has 3 twice"),
        (
            "replicas: {oneOf: [3, x]}",
            "each number of oneOf must be a whole number from 0 to 100000, not a text",
        ),
        ("replicas: {oneOf: [3], max: 5}", "replicas has oneOf already: max says something else"),
        (
            "replicas: {min: 3, max: 7, step: 2}",
            "replicas has no key \"step\" (known are: oneOf, min, max)",
        ),
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
