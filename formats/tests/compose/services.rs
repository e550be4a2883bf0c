//! Keys of a service: what each becomes.

use coc_model::application::{Condition, EnvValue, MountSource, Probe, Replicas, Restart};
use serde_json::{Value, json};

use crate::{Case, fate, json, note, one, service};

#[test]
fn commands_are_words() {
    for (value, words) in [
        ("npm run \"my script\"", &["npm", "run", "my script"][..]),
        ("[npm, run, my script]", &["npm", "run", "my script"]),
        ("sh -c 'a && b'", &["sh", "-c", "a && b"]),
        ("[]", &[]),
        ("''", &[]),
    ] {
        let both = service(&format!("command: {value}, entrypoint: {value}"));
        assert_eq!(
            both.command.as_deref(),
            Some(&words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>()[..]),
            "{value}"
        );
        assert_eq!(both.entrypoint, both.command, "{value}");
    }
    let dropped = service("command: echo a && echo b");
    assert_eq!(dropped.command.as_deref(), Some(&["echo".to_owned(), "a".to_owned()][..]));
    assert!(note(&dropped, "command").contains("all from \"&\" on is dropped"));
    assert_eq!(service("command: ").command, None);
}

#[test]
fn environments_are_read_in_both_forms() {
    let case = one("environment: {A: x, B: '', C: , D: 5, E: true, F: 1.10, G: null}");
    let map = case.application().services["s"].env.clone();
    let text = |text: &str| EnvValue::Text(text.to_owned());
    let expected = [
        ("A", text("x")),
        ("B", text("")),
        ("C", EnvValue::Passed),
        ("D", text("5")),
        ("E", text("true")),
        ("F", text("1.1")),
        ("G", EnvValue::Passed),
    ];
    assert_eq!(map, expected.iter().map(|(n, v)| ((*n).to_owned(), v.clone())).collect());
    let list = service("environment: [A=x=y, B=, C, A=z, 'M=0755']").env;
    assert_eq!(list["A"], text("z"));
    assert_eq!((&list["B"], &list["C"], &list["M"]), (&text(""), &EnvValue::Passed, &text("0755")));
}

#[test]
fn mounts_are_read_in_every_form() {
    let service = service(
        "volumes: ['vol:/a', './src:/b:ro,z', /c, '~/d:/d', 'vol:/e:nocopy', \
         {type: bind, source: x, target: /f/, read_only: true, bind: {propagation: rslave}}, \
         {type: volume, source: vol, target: /g, volume: {subpath: p}}, \
         {type: tmpfs, target: /h, tmpfs: {size: 64m, mode: 0700}}, './late:/a'], \
         tmpfs: ['/i:size=5,mode=1777', /j]",
    );
    let told: Vec<String> = service
        .mounts
        .iter()
        .map(|m| format!("{:?} {}{}", m.source, m.target, if m.read_only { " ro" } else { "" }))
        .collect();
    assert_eq!(
        told,
        [
            "Bind(\"./late\") /a",
            "Bind(\"./src\") /b ro",
            "Anonymous /c",
            "Bind(\"~/d\") /d",
            "Volume(\"vol\") /e",
            "Bind(\"x\") /f ro",
            "Volume(\"vol\") /g",
            "Tmpfs /h",
            "Tmpfs /i",
            "Tmpfs /j",
        ]
    );
    let notes = note(&service, "volumes");
    for part in ["option z", "HOME is not set", "/a is mounted twice"] {
        assert!(notes.contains(part), "{part} in {notes}");
    }
    let host = &service.native["docker"]["HostConfig"];
    assert_eq!(host["Tmpfs"], json!({"/h": "size=67108864,mode=700", "/i": "size=5,mode=1777"}));
    assert_eq!(
        host["Mounts"],
        json!([
            {"Target": "/e", "VolumeOptions": {"NoCopy": true}},
            {"Target": "/f", "BindOptions": {"Propagation": "rslave"}},
            {"Target": "/g", "VolumeOptions": {"Subpath": "p"}},
        ])
    );
}

#[test]
fn homes_are_written_out() {
    let case = one("volumes: ['~/d:/d']").variable("HOME", "/home/me/");
    let mount = &case.application().services["s"].mounts[0];
    assert_eq!(mount.source, MountSource::Bind("/home/me/d".into()));
}

#[test]
fn dependencies_keep_their_conditions() {
    let application = Case::of(
        "services:
  db: {image: i}
  job: {image: i}
  cache: {image: i}
  web:
    image: i
    depends_on:
      db: {condition: service_healthy, restart: true}
      job: {condition: service_completed_successfully}
      cache: {condition: service_started, required: false}
  api: {image: i, depends_on: [web], links: ['db:database', cache]}
",
    )
    .application();
    let after = |name: &str| {
        let all = application.services[name].after.iter();
        all.map(|d| (d.service.as_str(), d.condition, d.required)).collect::<Vec<_>>()
    };
    assert_eq!(
        after("web"),
        [
            ("cache", Condition::Started, false),
            ("db", Condition::Healthy, true),
            ("job", Condition::Completed, true),
        ]
    );
    assert_eq!(
        after("api"),
        [
            ("cache", Condition::Started, true),
            ("db", Condition::Started, true),
            ("web", Condition::Started, true),
        ]
    );
    let api = &application.services["api"];
    assert_eq!(api.native["docker"]["HostConfig"]["Links"], json!(["service:db:database"]));
    let inferred: Vec<_> = api.inferred.iter().map(|i| i.what.as_str()).collect();
    assert_eq!(inferred, ["after.db", "after.cache"]);
    assert_eq!(fate(&application.services["web"], "depends_on.db.restart"), "without_effect");
}

#[test]
fn health_checks_are_read_in_every_form() {
    let words = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
    for (value, probe) in [
        ("{test: curl -f x}", Some(Probe::Shell("curl -f x".into()))),
        ("{test: [CMD, a, b c]}", Some(Probe::Command(words(&["a", "b c"])))),
        ("{test: [CMD-SHELL, a || exit 1]}", Some(Probe::Shell("a || exit 1".into()))),
        ("{test: [NONE]}", Some(Probe::Disabled)),
        ("{disable: true}", Some(Probe::Disabled)),
        ("{test: x, disable: true}", Some(Probe::Disabled)),
        ("{test: []}", None),
        ("{interval: 5s, retries: 2}", None),
    ] {
        let service = service(&format!("healthcheck: {value}"));
        assert_eq!(service.healthcheck.map(|check| check.probe), probe, "{value}");
    }
    let inherited = service("healthcheck: {interval: 5s, retries: 2}");
    let expected = json!({"Healthcheck": {"Interval": 5_000_000_000_i64, "Retries": 2}});
    assert_eq!(inherited.native["docker"], expected);
}

#[test]
fn restarts_and_replicas_are_read_from_both_generations_of_keys() {
    for (keys, restart, replicas) in [
        ("", Restart::Unsaid, Replicas::exactly(1)),
        ("restart: no", Restart::No, Replicas::exactly(1)),
        ("restart: always, scale: 3", Restart::Always, Replicas::exactly(3)),
        ("restart: unless-stopped", Restart::UnlessStopped, Replicas::exactly(1)),
        ("restart: 'on-failure:3'", Restart::OnFailure, Replicas::exactly(1)),
        (
            "deploy: {restart_policy: {condition: none}}, restart: always",
            Restart::No,
            Replicas::exactly(1),
        ),
        (
            "deploy: {restart_policy: {condition: on-failure, max_attempts: 3}}",
            Restart::OnFailure,
            Replicas::exactly(1),
        ),
        ("deploy: {mode: replicated, replicas: 0}", Restart::Unsaid, Replicas::exactly(0)),
        ("deploy: {mode: global, replicas: 5}", Restart::Unsaid, Replicas::PerHost),
        ("deploy: {replicas: 2}, scale: 2", Restart::Unsaid, Replicas::exactly(2)),
    ] {
        let service = service(keys);
        assert_eq!((service.restart, service.replicas), (restart, replicas), "{keys}");
    }
    let policy =
        json!({"HostConfig": {"RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 3}}});
    assert_eq!(service("restart: 'on-failure:3'").native["docker"], policy);
}

#[test]
fn accelerators_are_needs_and_kept_as_asked_for() {
    for (keys, count, request) in [
        ("gpus: all", None, json!({"Count": -1, "Capabilities": [["gpu"]]})),
        (
            "deploy: {resources: {reservations: {devices: [{driver: nvidia, count: all, capabilities: [gpu]}]}}}",
            None,
            json!({"Capabilities": [["gpu"]], "Count": -1, "Driver": "nvidia"}),
        ),
        (
            "deploy: {resources: {reservations: {devices: [{count: 2, capabilities: [gpu, utility]}]}}}",
            Some(2),
            json!({"Capabilities": [["gpu", "utility"]], "Count": 2}),
        ),
        (
            "gpus: [{device_ids: ['0', '3']}]",
            Some(2),
            json!({"Capabilities": [["gpu"]], "DeviceIDs": ["0", "3"]}),
        ),
    ] {
        let service = service(keys);
        assert_eq!(
            service.needs.accelerator.clone().map(|a| (a.name, a.count)),
            Some((None, count)),
            "{keys}"
        );
        assert_eq!(
            service.native["docker"]["HostConfig"]["DeviceRequests"],
            json!([request]),
            "{keys}"
        );
    }
    let other = service("deploy: {resources: {reservations: {devices: [{capabilities: [tpu]}]}}}");
    assert_eq!(other.needs.accelerator, None);
}

#[test]
fn swarm_says_nothing_to_a_plan_and_the_notes_say_so() {
    let service = service(
        "deploy: {placement: {constraints: [node.role == manager]}, update_config: {order: stop-first}, \
         endpoint_mode: vip, labels: {a: b}}",
    );
    for key in ["placement.constraints", "update_config", "endpoint_mode", "labels"] {
        assert_eq!(fate(&service, &format!("deploy.{key}")), "without_effect", "{key}");
    }
    assert!(note(&service, "deploy.placement.constraints").contains("node.role == manager"));
}

#[test]
fn networks_and_names_are_kept() {
    let application = Case::of(
        "services:
  a: {image: i, networks: {n: {aliases: [x, y], ipv4_address: 10.0.0.5, priority: 5}, m: }, hostname: h}
  b: {image: i, networks: [n], container_name: b-1}
  c: {image: i, hostname: carts}
  d: {image: i, hostname: d}
  e: {image: i, network_mode: none, hostname: e-host}
networks: {n: {driver: bridge}, m: {external: true}}
",
    )
    .application();
    let networks = |name: &str| json(&application.services[name])["networks"].clone();
    assert_eq!(networks("a"), json!({"m": ["h"], "n": ["x", "y", "h"]}));
    assert_eq!(networks("b"), json!({"n": ["b-1"]}));
    assert_eq!(networks("c"), json!({"default": ["carts"]}));
    assert_eq!(networks("d"), Value::Null);
    assert_eq!(networks("e"), Value::Null);
    let endpoint =
        &application.services["a"].native["docker"]["NetworkingConfig"]["EndpointsConfig"]["n"];
    assert_eq!(*endpoint, json!({"IPAMConfig": {"IPv4Address": "10.0.0.5"}}));
    let notes: Vec<_> =
        application.keys.iter().filter(|k| k.note.is_some()).map(|k| k.key.as_str()).collect();
    assert_eq!(notes, ["networks.m", "networks.m.external", "networks.n.driver"]);
}

#[test]
fn shared_namespaces_and_volumes_tie_services_to_one_host() {
    let application = Case::of(
        "services:
  db: {image: i, volumes: ['data:/d']}
  net: {image: i, network_mode: 'service:db'}
  mem: {image: i, ipc: 'service:db', pid: 'service:net'}
  from: {image: i, volumes_from: ['db:ro', 'container:other']}
  backup: {image: i, volumes: ['data:/d:ro']}
  report: {image: i, volumes: ['logs:/l:ro']}
  viewer: {image: i, volumes: ['logs:/l:ro']}
volumes: {data: , logs: }
",
    )
    .application();
    let ties = |name: &str| {
        let all = application.services[name].with.iter();
        all.map(|tie| format!("{}: {} ({})", tie.service, tie.reason, tie.at)).collect::<Vec<_>>()
    };
    assert_eq!(ties("net"), ["db: shares the network of db (compose.yaml:3:33)"]);
    assert_eq!(
        ties("mem"),
        [
            "db: shares the memory of db (compose.yaml:4:24)",
            "net: shares the processes of net (compose.yaml:4:43)",
        ]
    );
    assert_eq!(ties("from"), ["db: uses the volumes of db (compose.yaml:5:35)"]);
    let shared =
        |other: &str| format!("shares the volume data with {other}, and one of them writes");
    assert_eq!(ties("db"), [format!("backup: {} (compose.yaml:2:28)", shared("backup"))]);
    assert_eq!(ties("backup"), [format!("db: {} (compose.yaml:6:32)", shared("db"))]);
    assert_eq!(ties("report"), Vec::<String>::new());
    let docker = |name: &str| application.services[name].native["docker"]["HostConfig"].clone();
    assert_eq!(docker("net"), json!({"NetworkMode": "service:db"}));
    assert_eq!(docker("from"), json!({"VolumesFrom": ["service:db:ro", "other"]}));
    let after: Vec<_> =
        application.services["mem"].after.iter().map(|d| d.service.as_str()).collect();
    assert_eq!(after, ["db", "net"]);
}

#[test]
fn builds_keep_what_the_engine_needs() {
    let case = Case::of(
        "services:
  a: {build: ./a}
  b:
    image: shop/b
    build:
      context: b
      dockerfile: Dockerfile.prod
      target: prod
      args: {VERSION: 1.10, FROM_CALLER: , NOWHERE: }
      labels: [x=y]
      shm_size: 64m
      tags: [t]
",
    )
    .variable("FROM_CALLER", "here");
    let application = case.application();
    let build = |name: &str| json(&application.services[name])["build"].clone();
    assert_eq!(build("a"), json!({"context": "./a"}));
    assert_eq!(
        build("b"),
        json!({"context": "b", "dockerfile": "Dockerfile.prod", "target": "prod"})
    );
    let b = &application.services["b"];
    assert_eq!(
        b.native["docker-build"],
        json!({"buildargs": {"VERSION": "1.1", "FROM_CALLER": "here"}, "labels": {"x": "y"}, "shmsize": 67_108_864, "t": ["t"]})
    );
    assert_eq!(fate(b, "build.args"), "carried");
    assert!(note(b, "build.args.NOWHERE").contains("left out"));
}

#[test]
fn platforms_are_architectures() {
    for (platform, name) in
        [("linux/amd64", "x86_64"), ("linux/arm64/v8", "arm64"), ("arm64", "arm64")]
    {
        let service = service(&format!("platform: {platform}"));
        assert_eq!(json(&service)["needs"]["architecture"], name, "{platform}");
    }
}

#[test]
fn volumes_keep_their_driver() {
    let application = Case::of(
        "services: {s: {image: i, volumes: ['a-1:/a', 'b-1:/b']}}
volumes:
  a-1: {driver: local, driver_opts: {type: nfs, o: 'addr=10.0.0.1'}, labels: {x: 1}, name: real}
  b-1: {external: true, name: theirs}
  c-1:
",
    )
    .application();
    let volume = |name: &str| serde_json::to_value(&application.volumes[name]).unwrap();
    assert_eq!(
        volume("a-1")["native"]["docker"],
        json!({"Name": "real", "Driver": "local", "DriverOpts": {"type": "nfs", "o": "addr=10.0.0.1"}, "Labels": {"x": "1"}})
    );
    assert_eq!(
        (volume("a-1")["external"].clone(), volume("b-1")["external"].clone()),
        (json!(false), json!(true))
    );
    assert_eq!(volume("c-1")["size"], Value::Null);
    let unused = application.keys.iter().find(|k| k.key == "volumes.c-1").unwrap();
    assert_eq!(unused.note.as_deref(), Some("no service that runs mounts it"));
}

#[test]
fn links_are_inferred_with_their_reasons() {
    let application = Case::of(
        "services:
  db: {image: i}
  cache: {image: i, hostname: redis-1}
  web:
    image: i
    depends_on: [db, cache]
    environment:
      - DB_HOST=db
      - DB_PORT=5432
      - CACHE=redis-1:6379
      - DB_USER=db
      - SELF=http://web:80
  api:
    image: i
    links: ['db:database']
    environment: {DATABASE_URL: 'postgres://u:canary-pw@database/x', BACKEND_URL: 'http://web:8080/x'}
",
    )
    .application();
    let links: Vec<String> = application
        .links
        .iter()
        .map(|l| {
            let port = l.port.map_or("any".to_owned(), |port| port.to_string());
            format!("{} → {} {port} at {}: {}", l.from, l.to, l.at, l.inferred.clone().unwrap())
        })
        .collect();
    assert_eq!(
        links,
        [
            "api → db 5432 at compose.yaml:16:19: the variable DATABASE_URL names db; api waits for db (links)",
            "api → web 8080 at compose.yaml:16:70: the variable BACKEND_URL names web",
            "web → cache 6379 at compose.yaml:10:9: the variable CACHE names cache; web waits for cache (depends_on)",
            "web → db 5432 at compose.yaml:8:9: the variable DB_HOST names db; web waits for db (depends_on)",
        ]
    );
    assert!(application.links.iter().all(|link| link.traffic.is_none()));
}
