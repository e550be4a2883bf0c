//! Secrets reach the container, by every way that a file of an application has, and nothing else.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::engines::{Engine, engines};
use crate::program::{Ended, Folder};

/// What every secret of these tests begins with, and nothing else does.
const CANARY: &str = "canary-";

/// Variables of whoever calls: one that is passed on, one that a secret is taken from.
const CALLER: [(&str, &str); 2] = [("PASSED_TOKEN", "canary-4471-p"), ("API_KEY", "canary-6627-a")];

const COMPOSE: &str = r#"
services:
  vault:
    image: demo/web:1
    environment: {DB_PASSWORD: canary-5512-e, PASSED_TOKEN: , NOT_SET: }
    command: ["sh", "-c", "exec web", "--password=canary-5512-e"]
    healthcheck:
      test: ["CMD-SHELL", 'test "$$DB_PASSWORD" = canary-5512-e']
      interval: 1s
    secrets: [signing, {source: api, target: /etc/api.key}]
    configs: [{source: site, target: /etc/site.conf}]
  reader:
    image: demo/web:1
    depends_on: {vault: {condition: service_healthy}}
secrets:
  signing: {file: signing.key}
  api: {environment: API_KEY}
configs:
  site: {content: "port = canary-9917-c"}
"#;

/// A command that no image has: an engine repeats it in its refusal.
const WRONG: &str = r#"
services:
  vault:
    image: demo/web:1
    environment: {DB_PASSWORD: canary-5512-e}
    entrypoint: ["canary-5512-e"]
"#;

/// The name of an application of this run: what a run before has left must not matter.
fn named(title: &str) -> String {
    format!("{title}-{}", std::process::id())
}

/// A folder with an application of this name.
fn prepared(name: &str, compose: &str) -> (Folder, Engine) {
    let [engine, _] = engines();
    let folder = Folder::new();
    folder.write("compose.yaml", &format!("name: {name}\n{compose}"));
    folder.write("signing.key", "canary-8264-s\n");
    let (socket, address) = (engine.socket.display(), &engine.address);
    folder.write(
        "clouds.yaml",
        &format!(
            "kind: Clouds\nclouds:\n  - {{name: lab, driver: docker, endpoint: \"unix://{socket}\", \
             address: {address}, prices: {{host: 0.01 USD/hour}}}}\n"
        ),
    );
    (folder, engine)
}

/// Runs the program with the caller's variables; fails if it ends otherwise or tells a secret.
async fn run(folder: &Folder, arguments: &[&str], code: i32) -> Ended {
    let ended = folder.run_with("state", arguments, &CALLER).await.must_be(code);
    for said in [&ended.stdout, &ended.stderr] {
        assert!(!said.contains(CANARY), "{arguments:?} tells a secret");
    }
    ended
}

/// All files below a folder.
fn files(below: PathBuf) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![below]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found
}

/// Fails if a file that the program wrote holds a secret.
fn nothing_is_kept(folder: &Folder) {
    let mut written = files(folder.path("state"));
    assert!(!written.is_empty());
    written.push(folder.path("plan.json"));
    for path in written {
        let bytes = fs::read(&path).expect("it can be read");
        let told = bytes.windows(CANARY.len()).any(|part| part == CANARY.as_bytes());
        assert!(!told, "{} holds a secret", path.display());
    }
}

#[tokio::test]
async fn secrets_arrive_in_the_container_and_nowhere_else() {
    let application = named("secretive");
    let app = application.as_str();
    let (folder, engine) = prepared(app, COMPOSE);
    run(&folder, &["mount", "clouds.yaml"], 0).await;
    run(&folder, &["plan", "compose.yaml", "-o", "plan.json"], 0).await;
    run(&folder, &["apply", "plan.json", "--dry-run"], 0).await;
    run(&folder, &["apply", "plan.json", "--yes", "--verbose"], 0).await;

    let plan = fs::read_to_string(folder.path("plan.json")).expect("a plan");
    let plan: Value = serde_json::from_str(&plan).expect("JSON");
    let resources = plan["resources"].as_array().expect("a list");
    let vault =
        resources.iter().find(|r| r["id"] == "lab/container/vault/0").expect("it is planned");
    let name = vault["name"].as_str().expect("a name");
    let read = |path: &str| engine.client(&["exec", name, "cat", path]);
    assert_eq!(read("/run/secrets/signing"), "canary-8264-s");
    assert_eq!(read("/etc/api.key"), "canary-6627-a");
    assert_eq!(read("/etc/site.conf"), "port = canary-9917-c");
    let shown = engine.inspect(name);
    assert_eq!(shown["Config"]["Cmd"][3], "--password=canary-5512-e");
    // The reader waited for the check, which compares with the value.
    assert_eq!(shown["State"]["Health"]["Status"], "healthy");
    let environment = shown["Config"]["Env"].as_array().expect("a list");
    assert!(environment.contains(&"PASSED_TOKEN=canary-4471-p".into()));
    let names = |v: &Value| v.as_str().is_some_and(|text| text.starts_with("NOT_SET"));
    assert!(!environment.iter().any(names), "what the caller has not is left out");
    assert!(!shown["Config"]["Labels"].to_string().contains(CANARY));

    for asked in ["status", "resources", "history"] {
        run(&folder, &[asked, app, "--json"], 0).await;
    }
    // Nothing is different, so nothing is done.
    let again = run(&folder, &["apply", "plan.json", "--yes"], 0).await;
    assert!(again.stderr.contains(&format!("{app} is applied: 0 steps")), "{}", again.stderr);
    nothing_is_kept(&folder);
    run(&folder, &["destroy", app, "--with-data", "--yes"], 0).await;
    assert_eq!(engine.holdings(&format!("{app}-")), Vec::<[String; 4]>::new());
    nothing_is_kept(&folder);
}

#[tokio::test]
async fn what_an_engine_repeats_of_a_secret_is_not_told() {
    let application = named("repeated");
    let app = application.as_str();
    let (folder, engine) = prepared(app, WRONG);
    run(&folder, &["mount", "clouds.yaml"], 0).await;
    run(&folder, &["plan", "compose.yaml", "-o", "plan.json"], 0).await;
    let ended = run(&folder, &["apply", "plan.json", "--yes"], 1).await;
    assert!(ended.stderr.contains("***"), "{}", ended.stderr);
    // The engine's own reason at the end, and it was asked once.
    let reason = ended.stderr.rsplit("error: ").find(|part| part.contains("***"));
    assert!(reason.is_some(), "{}", ended.stderr);
    assert_eq!(ended.stderr.matches("✗").count(), 1, "{}", ended.stderr);
    run(&folder, &["status", app, "--json"], 1).await;
    run(&folder, &["resources", app, "--json"], 0).await;
    nothing_is_kept(&folder);
    run(&folder, &["destroy", app, "--with-data", "--yes"], 0).await;
    assert_eq!(engine.holdings(&format!("{app}-")), Vec::<[String; 4]>::new());
}
