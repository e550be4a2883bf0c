//! Several files as one application: variables, overlays, includes, extensions, profiles, names.

use coc_formats::compose::{ReadRequest, read};
use coc_formats::files::DiskFiles;
use coc_model::application::{EnvValue, KeyFate, MountSource};
use serde_json::json;

use crate::{Case, json, note};

#[test]
fn variables_come_from_the_caller_and_then_from_the_file_beside() {
    let case = Case::of(
        "services:
  s:
    image: ${REPO}/s:${TAG:-1}
    restart: ${POLICY}
    read_only: ${RO}
    ports: ['${PORT}:80']
    environment: [A=$A, B=$$B, 'C=${C:-c}']
",
    )
    .file(".env", "REPO=file\nTAG=\nPOLICY=always\nRO=false\nPORT=8080\nA=\"x y\"\n")
    .variable("REPO", "caller");
    let s = case.application().services["s"].clone();
    assert_eq!(s.image.as_deref(), Some("caller/s:1"));
    assert_eq!(json(&s)["restart"], "always");
    assert_eq!(s.native["docker"]["HostConfig"]["ReadonlyRootfs"], false);
    assert_eq!(s.ports[0].published, Some(8080));
    assert_eq!(
        json(&s)["env"],
        json!({"A": {"text": "x y"}, "B": {"text": "$B"}, "C": {"text": "c"}})
    );
    assert_eq!(note(&s, "environment"), "values come from variables: A from A; C from C");
}

#[test]
fn variables_that_are_not_set_are_empty_and_noted() {
    let application =
        Case::of("services: {s: {image: 'i:$TAG', user: '${U}${V}'}}\n").application();
    let s = &application.services["s"];
    assert_eq!(s.image.as_deref(), Some("i:"));
    assert_eq!(note(s, "image"), "the variable TAG is not set; nothing stands in its place");
    assert_eq!(note(s, "user"), "the variables U, V are not set; nothing stands in their place");
}

#[test]
fn names_without_values_are_passed_unless_a_file_knows_them() {
    let case = Case::of("services: {s: {image: i, environment: [HERE, FILE, BOTH, NOWHERE]}}\n")
        .file(".env", "FILE=f\nBOTH=f\n")
        .variable("HERE", "x")
        .variable("BOTH", "x");
    let env = case.application().services["s"].env.clone();
    assert_eq!(env["FILE"], EnvValue::Text("f".into()));
    for name in ["HERE", "BOTH", "NOWHERE"] {
        assert_eq!(env[name], EnvValue::Passed, "{name}");
    }
}

#[test]
fn files_of_variables_stand_under_the_environment() {
    let case = Case::of(
        "services:
  s:
    image: i
    env_file:
      - a.env
      - {path: b.env, required: true}
      - {path: absent.env, required: false}
      - {path: raw.env, format: raw}
    environment: {OWN: x, BOTH: own}
  t: {image: i, env_file: a.env}
",
    )
    .file("a.env", "A=a\nBOTH=file\nREF=${OWN}-${A}\nLATER=1\n")
    .file("b.env", "B='$A'\nLATER=${LATER}2\n")
    .file("raw.env", "RAW=\"$A\"\n");
    let read = case.read();
    let env = json(&read.application.services["s"])["env"].clone();
    assert_eq!(
        env,
        json!({"A": {"text": "a"}, "B": {"text": "$A"}, "BOTH": {"text": "own"}, "LATER": {"text": "12"},
               "OWN": {"text": "x"}, "RAW": {"text": "\"$A\""}, "REF": {"text": "x-a"}})
    );
    assert_eq!(json(&read.application.services["t"])["env"]["REF"], json!({"text": "-a"}));
    assert!(note(&read.application.services["s"], "env_file").contains("absent.env is not there"));
    let files: Vec<&str> = read.files.0.keys().map(|name| &**name).collect();
    assert_eq!(files, ["a.env", "b.env", "compose.yaml", "raw.env"]);
    assert!(read.application.keys.iter().any(|k| k.key == "REF" && k.note.is_some()));
}

#[test]
fn later_files_lie_over_earlier_ones() {
    let case = Case::new()
        .file(
            "app/compose.yaml",
            "services: {web: {image: a, ports: ['80:80'], environment: [A=1, B=1], volumes: ['./d:/d', 'vol:/v']}}\nvolumes: {vol: }\n",
        )
        .file(
            "over/prod.yaml",
            "services: {web: {ports: !override ['81:80'], environment: {B: 2, C: 3}, volumes: ['./e:/d']}, new: {image: b, build: .}}\n",
        )
        .file("over/last.yaml", "services: {web: {environment: {A: !reset null}, image: c}}\n")
        .read_file("app/compose.yaml")
        .read_file("over/prod.yaml")
        .read_file("over/last.yaml");
    let application = case.application();
    let web = &application.services["web"];
    assert_eq!(web.image.as_deref(), Some("c"));
    assert_eq!(web.ports.iter().map(|p| p.published).collect::<Vec<_>>(), [Some(81)]);
    assert_eq!(json(web)["env"], json!({"B": {"text": "2"}, "C": {"text": "3"}}));
    let sources: Vec<_> = web.mounts.iter().map(|m| &m.source).collect();
    let bind = MountSource::Bind("./e".into());
    assert_eq!(sources, [&bind, &MountSource::Volume("vol".into())]);
    assert_eq!(web.at.to_string(), "app/compose.yaml:1:12");
    assert_eq!(application.name, "app");
}

#[test]
fn several_documents_of_a_file_lie_over_each_other() {
    let text = "services: {s: {image: a, user: u}}\n---\nservices: {s: {image: b}}\n---\n";
    let s = Case::of(text).application().services["s"].clone();
    assert_eq!((s.image.as_deref(), s.user.as_deref()), (Some("b"), Some("u")));
}

#[test]
fn includes_bring_their_own_folder_and_variables() {
    let case = Case::new()
        .file(
            "app/compose.yaml",
            "include:
  - ../ui/compose.yaml
  - {path: [../api/compose.yaml, ../api/over.yaml], env_file: api.env}
  - {path: ./inner/compose.yaml, project_directory: ../other}
services: {ui: {ports: ['80:80']}}
",
        )
        .file("app/.env", "SHARED=outer\n")
        .file("app/api.env", "TAG=api\nSHARED=inner\n")
        .file(
            "ui/compose.yaml",
            "services: {ui: {build: ., image: 'ui:$TAG-$SHARED', volumes: ['./:/x'], env_file: x.env}}\nname: ignored\n",
        )
        .file("ui/.env", "TAG=ui\n")
        .file("ui/x.env", "X=1\n")
        .file("api/compose.yaml", "services: {api: {image: 'api:$TAG-$SHARED', environment: [TAG]}}\n")
        .file("api/over.yaml", "services: {api: {user: u}}\nvolumes: {vol: {}}\n")
        .file("app/inner/compose.yaml", "services: {inner: {image: i, volumes: ['./d:/d'], env_file: o.env}}\n")
        .file("other/o.env", "O=1\n")
        .read_file("app/compose.yaml");
    let application = case.application();
    let ui = &application.services["ui"];
    assert_eq!(ui.image.as_deref(), Some("ui:ui-outer"));
    assert_eq!(ui.ports.len(), 1);
    assert_eq!(json(ui)["build"]["context"], "../ui");
    assert_eq!(ui.mounts[0].source, MountSource::Bind("../ui".into()));
    assert_eq!(json(ui)["env"], json!({"X": {"text": "1"}}));
    assert_eq!(ui.at.to_string(), "ui/compose.yaml:1:12");
    let api = &application.services["api"];
    assert_eq!((api.image.as_deref(), api.user.as_deref()), (Some("api:api-outer"), Some("u")));
    assert_eq!(json(api)["env"], json!({"TAG": {"text": "api"}}));
    let inner = &application.services["inner"];
    assert_eq!(inner.mounts[0].source, MountSource::Bind("../other/d".into()));
    assert_eq!(json(inner)["env"], json!({"O": {"text": "1"}}));
    assert_eq!(application.name, "app");
    assert!(application.volumes.contains_key("vol"));
}

#[test]
fn a_file_may_be_included_from_two_sides() {
    let case = Case::of("include: [a/compose.yaml, b/compose.yaml]\n")
        .file("a/compose.yaml", "include: [../base.yaml]\nservices: {a: {image: a}}\n")
        .file("b/compose.yaml", "include: [../base.yaml]\nservices: {b: {image: b}}\n")
        .file("base.yaml", "services: {base: {image: i, ports: ['80:80'], volumes: ['./d:/d'], gpus: [{count: 1}], environment: [A=1, B]}}\n")
        .file(".env", "B=2\n");
    let application = case.application();
    assert_eq!(application.services.keys().collect::<Vec<_>>(), ["a", "b", "base"]);
    let base = &application.services["base"];
    assert_eq!((base.ports.len(), base.mounts.len(), base.env.len()), (1, 1, 2));
    assert_eq!(base.needs.accelerator.clone().and_then(|gpus| gpus.count), Some(1));
    assert_eq!(base.mounts[0].source, MountSource::Bind("./d".into()));
}

#[test]
fn an_included_file_and_the_including_one_make_one_service() {
    let case = Case::of("include: [base.yaml]\nservices: {s: {image: mine, environment: {A: 2}, ports: ['81:80']}}\n")
        .file("base.yaml", "services: {s: {image: theirs, user: u, environment: {A: 1, B: 1}, ports: ['80:80']}}\n");
    let s = case.application().services["s"].clone();
    assert_eq!((s.image.as_deref(), s.user.as_deref()), (Some("mine"), Some("u")));
    assert_eq!(json(&s)["env"], json!({"A": {"text": "2"}, "B": {"text": "1"}}));
    assert_eq!(s.ports.iter().map(|p| p.published).collect::<Vec<_>>(), [Some(80), Some(81)]);
}

#[test]
fn the_disk_is_read_like_memory() {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write(
        "My Shop/compose.yaml",
        "include: [../db/compose.yaml]\nservices: {web: {image: 'web:$TAG', depends_on: [db]}}\n",
    );
    write("My Shop/.env", "TAG=5\n");
    write("db/compose.yaml", "services: {db: {build: .}}\n");
    let path = folder.path().join("My Shop/compose.yaml").to_string_lossy().into_owned();
    let request = ReadRequest { paths: vec![path], ..ReadRequest::default() };
    let application = read(&request, &DiskFiles).unwrap().application;
    assert_eq!(application.name, "myshop");
    assert_eq!(application.services["web"].image.as_deref(), Some("web:5"));
    assert_eq!(json(&application.services["db"])["build"]["context"], "../db");
}

#[test]
fn services_extend_others_of_the_same_file_and_of_other_files() {
    let case = Case::of(
        "services:
  web: {extends: {file: common/base.yaml, service: app}, environment: {B: 2}, user: u}
  worker: {extends: web, command: work, ports: !reset [] }
  lone: {extends: {service: web}, environment: !override {C: 3}}
",
    )
    .file(
        "common/base.yaml",
        "services:
  app: {extends: root, build: ., environment: {A: 1, B: 1}, ports: ['80:80']}
  root: {extends: {file: deep/x.yaml, service: x}, init: true}
",
    )
    .file("common/deep/x.yaml", "services: {x: {volumes: ['./x:/x'], working_dir: /w}}\n");
    let application = case.application();
    let web = json(&application.services["web"]);
    assert_eq!(web["build"]["context"], "./common");
    assert_eq!(web["working_dir"], "/w");
    assert_eq!(web["env"], json!({"A": {"text": "1"}, "B": {"text": "2"}}));
    assert_eq!(web["mounts"][0]["source"], json!({"bind": "./common/deep/x"}));
    assert_eq!(web["native"]["docker"]["HostConfig"]["Init"], true);
    let worker = json(&application.services["worker"]);
    assert_eq!((&worker["user"], &worker["command"]), (&json!("u"), &json!(["work"])));
    assert!(worker.get("ports").is_none());
    assert_eq!(json(&application.services["lone"])["env"], json!({"C": {"text": "3"}}));
    assert_eq!(crate::fate(&application.services["web"], "extends"), "used");
}

#[test]
fn an_overlay_that_extends_still_replaces() {
    let case = Case::of("services: {s: {image: a, ports: ['80:80'], user: u}}\n")
        .file("over.yaml", "services: {base: {image: b}, s: {extends: base, ports: !override ['81:81'], user: !reset null}}\n")
        .read_file("over.yaml");
    let s = case.application().services["s"].clone();
    assert_eq!(s.image.as_deref(), Some("b"));
    assert_eq!(s.ports.iter().map(|p| p.target).collect::<Vec<_>>(), [81]);
    assert_eq!(s.user, None);
}

#[test]
fn services_outside_of_the_active_profiles_are_left_out() {
    let text = "services:
  web:
    image: i
    depends_on: {metrics: {condition: service_started, required: false}}
  metrics: {image: i, profiles: [observability], env_file: absent.env, environment: {X_TOKEN: canary-77}}
  debug: {image: i, profiles: [debug, dev]}
";
    let read = Case::of(text).read();
    assert_eq!(read.application.services.keys().collect::<Vec<_>>(), ["web"]);
    assert!(read.application.services["web"].after.is_empty());
    assert!(note(&read.application.services["web"], "depends_on.metrics").contains("left out"));
    let left: Vec<_> = read
        .application
        .keys
        .iter()
        .filter(|k| k.key.starts_with("services."))
        .map(|k| (k.key.as_str(), k.fate, k.note.as_deref().unwrap()))
        .collect();
    assert_eq!(
        left,
        [
            (
                "services.debug",
                KeyFate::WithoutEffect,
                "left out, for none of the profiles debug, dev is active"
            ),
            (
                "services.metrics",
                KeyFate::WithoutEffect,
                "left out, for the profile observability is not active"
            ),
        ]
    );
    let names = |case: Case| {
        let application = case.file("absent.env", "A=1\n").application();
        application.services.keys().cloned().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(names(Case::of(text).profile("dev")), "debug web");
    assert_eq!(names(Case::of(text).profile("*")), "debug metrics web");
    assert_eq!(
        names(Case::of(text).variable("COMPOSE_PROFILES", "observability, dev")),
        "debug metrics web"
    );
}

#[test]
fn the_project_has_a_name() {
    let text = "services: {s: {image: 'i:$COMPOSE_PROJECT_NAME'}}\n";
    let told = |case: Case| {
        let application = case.application();
        (application.name.clone(), application.services["s"].image.clone().unwrap())
    };
    let named = |name: &str, image: &str| (name.to_owned(), format!("i:{image}"));
    assert_eq!(told(Case::of(text)), named("shop", "shop"));
    assert_eq!(told(Case::of(&format!("name: My_Shop.2\n{text}"))), named("my-shop2", "my_shop2"));
    assert_eq!(
        told(Case::of(&format!("name: a\n{text}")).variable("COMPOSE_PROJECT_NAME", "b")),
        named("b", "b")
    );
    let mut said = Case::of(&format!("name: a\n{text}")).variable("COMPOSE_PROJECT_NAME", "b");
    said.request.project_name = Some("c".into());
    assert_eq!(told(said), named("c", "c"));
    let mut bad = Case::of(text);
    bad.request.project_name = Some("Not A Name".into());
    assert_eq!(bad.mistakes().len(), 1);
    let folder = Case::new().file("My App/compose.yaml", text).read_file("My App/compose.yaml");
    assert_eq!(told(folder), named("myapp", "myapp"));
}

#[test]
fn whole_files_are_noted() {
    let application =
        Case::of("version: '3'\nx-mine: 1\nservices: {s: {image: i, x-y: 2}, t: {image: i}}\n")
            .application();
    let fates: Vec<_> = application.keys.iter().map(|k| (k.key.as_str(), k.fate)).collect();
    assert_eq!(
        fates,
        [
            ("services", KeyFate::Used),
            ("version", KeyFate::WithoutEffect),
            ("x-mine", KeyFate::WithoutEffect)
        ]
    );
    assert_eq!(crate::fate(&application.services["s"], "x-y"), "without_effect");
}

#[test]
fn merged_anchors_are_whole_services() {
    let application = Case::of(
        "x-base: &base
  restart: always
  environment: [A=1]
  depends_on: {db: {condition: service_healthy}}
services:
  db: &db {image: i}
  db2: {<<: *db, user: u}
  a: {<<: *base, image: i}
  b: {<<: *base, image: i, depends_on: [a]}
",
    )
    .application();
    let after = |name: &str| {
        application.services[name].after.iter().map(|d| d.service.as_str()).collect::<Vec<_>>()
    };
    assert_eq!((after("a"), after("b")), (vec!["db"], vec!["a"]));
    assert_eq!(application.services["db2"].image.as_deref(), Some("i"));
    assert_eq!(application.services["b"].env.len(), 1);
}
