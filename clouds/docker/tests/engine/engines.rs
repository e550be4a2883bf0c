//! Two real engines, and ground on them that belongs to one test.

use std::path::Path;
use std::process::Command;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use coc_cloud::cloud::{Create, FindBy, Selector};
use coc_cloud::{Cloud, Failure};
use coc_cloud_docker::{CONTAINER, Docker, NETWORK, VOLUME};
use coc_model::cloud::{Cloud as Mount, PriceBook};
use coc_model::energy::Energy;
use coc_model::marks::{Mark, Marks, digest, resource_name};
use coc_model::mistake::Position;
use coc_model::place::Place;
use coc_model::resource::{ObservedResource, State};
use futures::StreamExt;
use serde_json::{Value, json};

/// How long anything may take before a test gives up.
const LONG: Duration = Duration::from_secs(60);

/// What the script says of an engine.
#[derive(Clone, Debug)]
pub(crate) struct Engine {
    pub endpoint: String,
    pub tls_endpoint: String,
    /// Where its published ports are reached.
    pub address: String,
    /// The folder with certificates for its TLS endpoint.
    pub certificates: String,
}

/// The two engines, started by whoever asks first.
pub(crate) fn engines() -> &'static [Engine; 2] {
    static ENGINES: OnceLock<[Engine; 2]> = OnceLock::new();
    ENGINES.get_or_init(|| {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testing/docker/engines.sh");
        let output = Command::new(script).arg("up").output().expect("the script runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "engines did not start: {said}");
        let document: Value = serde_json::from_slice(&output.stdout).expect("it prints JSON");
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        [0, 1].map(|i| {
            let engine = &document["engines"][i];
            Engine {
                endpoint: text(&engine["endpoint"]),
                tls_endpoint: text(&engine["tls_endpoint"]),
                address: text(&engine["address"]),
                certificates: text(&document["certificates"]),
            }
        })
    })
}

impl Engine {
    /// The mount that a clouds file would make of it.
    pub(crate) fn mount(&self, name: &str) -> Mount {
        Mount {
            name: name.into(),
            driver: "docker".into(),
            endpoint: Some(self.endpoint.clone()),
            regions: vec![],
            credentials: None,
            place: Place { country: Some("DE".into()), ..Place::default() },
            prices: PriceBook::default(),
            certified: [].into(),
            energy: Energy::default(),
            read_only: false,
            settings: [("address".to_owned(), json!(self.address))].into(),
            at: Position::new(&"clouds.yaml".into(), 3, 5),
        }
    }

    /// What Docker's own client says: the judge of what the driver did.
    pub(crate) fn client(&self, arguments: &[&str]) -> Result<String, String> {
        let output = Command::new("/usr/bin/docker")
            .args(["-H", &self.endpoint])
            .args(arguments)
            .output()
            .expect("Docker's client runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }

    /// Docker's own view of a container, network or volume.
    pub(crate) fn inspect(&self, id: &str) -> Value {
        let text = self.client(&["inspect", id]).expect("it is there");
        let document: Value = serde_json::from_str(&text).expect("JSON");
        document[0].clone()
    }
}

/// A part of an engine that belongs to one test: what it makes bears the test's marks, and all of
/// that is removed at the end, also if the test fails.
pub(crate) struct Ground {
    pub engine: Engine,
    pub docker: Docker,
    pub owner: Mark,
    pub app: Mark,
    title: &'static str,
}

impl Ground {
    pub(crate) fn new(title: &'static str) -> Self {
        Self::on(&engines()[0], title)
    }

    pub(crate) fn on(engine: &Engine, title: &'static str) -> Self {
        let key = format!("{title} of {}", std::process::id());
        Self {
            engine: engine.clone(),
            docker: Docker::mount(&engine.mount("lab")).expect("a right mount"),
            owner: Mark::of(&format!("owner of {key}")),
            app: Mark::of(&format!("application of {key}")),
            title,
        }
    }

    /// The name that this test gives a resource.
    pub(crate) fn name(&self, part: &str) -> String {
        resource_name(&format!("{}-{part}", self.title), &format!("{}/{part}", self.owner), 63)
    }

    /// A request for a resource, with marks made of its part.
    pub(crate) fn wanted(&self, resource_type: &str, part: &str, native: Value) -> Create {
        Create {
            resource_type: resource_type.into(),
            name: self.name(part),
            spec: digest(native.to_string().as_bytes()),
            native,
            marks: Marks {
                owner: self.owner.clone(),
                app: self.app.clone(),
                res: Mark::of(&format!("{}/{part}", self.app)),
                op: Mark::of(&format!("{}/{part}/op", self.app)),
            },
        }
    }

    pub(crate) fn container(&self, part: &str, native: Value) -> Create {
        self.wanted(CONTAINER, part, native)
    }

    pub(crate) async fn run(&self, part: &str, native: Value) -> ObservedResource {
        self.docker.create(&self.container(part, native)).await.expect("it is made")
    }

    pub(crate) fn selector(&self) -> Selector {
        Selector { owner: self.owner.clone(), app: Some(self.app.clone()) }
    }

    /// A resource as it is now.
    pub(crate) async fn now(&self, seen: &ObservedResource) -> Option<ObservedResource> {
        let by = FindBy::Id(seen.native_id.clone());
        self.docker.find(&seen.resource_type, &by).await.expect("it can be looked up").pop()
    }

    /// Waits, woken by the engine's events, until a resource is in a state.
    pub(crate) async fn until(&self, seen: &ObservedResource, state: State) -> ObservedResource {
        let mut wakes = self.docker.watch();
        let reached = async {
            loop {
                let now = self.now(seen).await.expect("it is there");
                if now.state == state {
                    return now;
                }
                wakes.next().await;
            }
        };
        match tokio::time::timeout(LONG, reached).await {
            Ok(now) => now,
            Err(_) => panic!("{} did not become {state:?}: {:?}", seen.name, self.now(seen).await),
        }
    }

    /// The native ids of all that Docker itself says bears this test's mark, of every type.
    pub(crate) fn listed_by_docker(&self) -> Vec<String> {
        let label = format!("label=coc-owner={}", self.owner);
        let lists: [&[&str]; 3] = [
            &["ps", "-aq", "--no-trunc", "--filter", &label],
            &["network", "ls", "-q", "--no-trunc", "--filter", &label],
            &["volume", "ls", "-q", "--filter", &label],
        ];
        let mut ids: Vec<String> = lists
            .iter()
            .flat_map(|list| {
                let text = self.engine.client(list).expect("a list");
                text.lines().map(str::to_owned).collect::<Vec<_>>()
            })
            .collect();
        ids.sort();
        ids
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        let label = format!("label=coc-owner={}", self.owner);
        for (list, remove) in [
            (["ps", "-aq"], &["rm", "-f", "-v"][..]),
            (["network", "ls"], &["network", "rm"]),
            (["volume", "ls"], &["volume", "rm", "-f"]),
        ] {
            let quiet = ["-q", "--filter", &label];
            let Ok(ids) = self.engine.client(&[&list[..], &quiet].concat()) else { continue };
            let ids: Vec<&str> = ids.lines().collect();
            if !ids.is_empty() {
                let _ = self.engine.client(&[remove, &ids].concat());
            }
        }
    }
}

/// A container of somebody else, removed at the end.
pub(crate) struct Foreign {
    engine: Engine,
    pub name: String,
}

impl Foreign {
    /// Runs the test program under a name, with further arguments of Docker's client.
    pub(crate) fn run(ground: &Ground, part: &str, arguments: &[&str]) -> Arc<Self> {
        let foreign =
            Self { engine: ground.engine.clone(), name: format!("foreign-{}", ground.name(part)) };
        let run = ["run", "-d", "--name", &foreign.name];
        let image = ["demo/web:bare"];
        ground.engine.client(&[&run, arguments, &image].concat()).expect("it runs");
        Arc::new(foreign)
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        let _ = self.engine.client(&["rm", "-f", "-v", &self.name]);
    }
}

/// The test program with a shell and a health check.
pub(crate) fn web() -> Value {
    json!({"Image": "demo/web:1"})
}

/// The test program alone.
pub(crate) fn bare() -> Value {
    json!({"Image": "demo/web:bare"})
}

/// What an address answers over HTTP: status and body.
pub(crate) async fn http_get(address: &str, path: &str) -> std::io::Result<(u16, String)> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let exchange = async {
        let mut connection = tokio::net::TcpStream::connect(address).await?;
        let request = format!("GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n");
        connection.write_all(request.as_bytes()).await?;
        let mut text = String::new();
        connection.read_to_string(&mut text).await?;
        Ok::<_, std::io::Error>(text)
    };
    let text = tokio::time::timeout(Duration::from_secs(10), exchange).await??;
    let status = text.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or_default();
    let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body).trim().to_owned();
    Ok((status, body))
}

/// The same, asking again while the program inside may still be starting.
pub(crate) async fn http_get_soon(address: &str, path: &str) -> (u16, String) {
    let answered = async {
        loop {
            match http_get(address, path).await {
                Ok(answer) if answer.0 != 0 => return answer,
                _ => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    };
    tokio::time::timeout(LONG, answered).await.expect("it answers")
}

/// The type and state of a failure that must have come.
pub(crate) fn failed<T: std::fmt::Debug>(result: Result<T, Failure>) -> Failure {
    result.expect_err("it can't go well")
}

pub(crate) const TYPES: [&str; 3] = [NETWORK, VOLUME, CONTAINER];
