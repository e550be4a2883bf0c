//! The two engines that `testing/docker/engines.sh` runs, as their own client sees them.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

/// An engine.
#[derive(Clone, Debug)]
pub(crate) struct Engine {
    /// Its socket.
    pub socket: PathBuf,
    /// Where its published ports are reached.
    pub address: String,
}

/// The two engines.
///
/// # Panics
/// If they don't run, with how to start them.
pub(crate) fn engines() -> [Engine; 2] {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testing/docker/engines.sh");
    let output = Command::new(&script).arg("status").output().expect("the script runs");
    let document: Value = serde_json::from_slice(&output.stdout).expect("it prints JSON");
    [0, 1].map(|i| {
        let engine = &document["engines"][i];
        assert_eq!(
            engine["up"], true,
            "the Docker Engines for tests don't run in {}; start them as root, with the same \
             COC_TEST_ENGINES: testing/docker/engines.sh up",
            document["folder"]
        );
        let text = |key: &str| engine[key].as_str().expect("a text").to_owned();
        let socket = text("endpoint").trim_start_matches("unix://").into();
        Engine { socket, address: text("address") }
    })
}

impl Engine {
    /// What Docker's own client says: the judge of what was done.
    pub(crate) fn client(&self, arguments: &[&str]) -> String {
        let output = Command::new("/usr/bin/docker")
            .arg("-H")
            .arg(format!("unix://{}", self.socket.display()))
            .args(arguments)
            .output()
            .expect("Docker's client runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        assert!(output.status.success(), "docker {arguments:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    /// Docker's own view of a container.
    pub(crate) fn inspect(&self, container: &str) -> Value {
        let text = self.client(&["inspect", container]);
        serde_json::from_str::<Value>(&text).expect("JSON")[0].clone()
    }

    /// Everything whose name begins like this, whoever it belongs to: kind, name, owner's mark and
    /// state, sorted. One that is there twice is there twice.
    pub(crate) fn holdings(&self, prefix: &str) -> Vec<[String; 4]> {
        let owner = r#"{{.Label "coc-owner"}}"#;
        let mut holdings = Vec::new();
        for (kind, list, format) in [
            ("container", &["ps", "--all"][..], format!("{{{{.Names}}}} {owner} {{{{.State}}}}")),
            ("network", &["network", "ls"], format!("{{{{.Name}}}} {owner} there")),
            ("volume", &["volume", "ls"], format!("{{{{.Name}}}} {owner} there")),
        ] {
            for line in self.client(&[list, &["--format", &format]].concat()).lines() {
                let words: Vec<&str> = line.split(' ').collect();
                let [name, owner, state] = words[..] else { panic!("a line of {kind}s: {line}") };
                if name.starts_with(prefix) {
                    holdings.push([kind, name, owner, state].map(str::to_owned));
                }
            }
        }
        holdings.sort();
        holdings
    }
}

/// A container of somebody else. It is removed at the end, and must never be touched until then.
pub(crate) struct Foreign {
    engine: Engine,
    name: String,
    born: Value,
}

impl Foreign {
    /// Runs the test program under a name.
    pub(crate) fn run(engine: &Engine, name: &str) -> Self {
        engine.client(&["run", "--detach", "--name", name, "demo/web:bare"]);
        let born = Self::identity(engine, name);
        Self { engine: engine.clone(), name: name.to_owned(), born }
    }

    fn identity(engine: &Engine, name: &str) -> Value {
        let shown = engine.inspect(name);
        let state = &shown["State"];
        json!({"id": shown["Id"], "started": state["StartedAt"], "status": state["Status"]})
    }

    /// Fails unless it is the same container, running since the same moment.
    pub(crate) fn must_be_untouched(&self) {
        assert_eq!(Self::identity(&self.engine, &self.name), self.born, "{}", self.name);
        assert_eq!(self.born["status"], "running");
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        self.engine.client(&["rm", "--force", "--volumes", &self.name]);
    }
}
