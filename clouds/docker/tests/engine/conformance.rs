//! The conformance suite on a real engine.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use coc_cloud::Cloud;
use coc_cloud::cloud::Description;
use coc_cloud::conformance::{
    Broken, Document, Ground, Harness, Member, Power, Proof, Sample, run, run_some,
};
use coc_cloud_docker::{CONTAINER, Docker, NETWORK, VOLUME};
use coc_model::cloud::Cloud as Mount;
use coc_model::resource::NativeId;
use serde_json::{Value, json};

use crate::engines::{Engine, engines};
use crate::recorder::Recorder;

/// Tests that make many of a thing: to show how lists and storms end, volumes do as well as
/// containers, which take their time.
const OF_MANY: [&str; 4] = [
    "list_pages_complete_under_change",
    "long_and_foreign_names_distinct_and_legal",
    "one_call_for_many",
    "throttle_storm_finishes_without_duplicates",
];

/// The type that the suite works with.
#[derive(Clone, Copy, PartialEq)]
enum Basic {
    Container,
    Volume,
}

/// An engine for each type, since all of the suite's resources bear one mark.
struct OnEngine {
    basic: Basic,
    engine: Engine,
    mount: Mount,
    recorder: Arc<Recorder>,
}

impl OnEngine {
    fn new(basic: Basic, folder: &std::path::Path) -> Self {
        let engine = match basic {
            Basic::Volume => engines()[0].clone(),
            Basic::Container => engines()[1].clone(),
        };
        let socket = folder.join("socket");
        let recorder = Recorder::before(&engine, &socket);
        let endpoint = Some(format!("unix://{}", socket.display()));
        let mount = Mount { endpoint, ..engine.mount("lab") };
        Self { basic, engine, mount, recorder }
    }

    fn docker(&self) -> Docker {
        Docker::mount(&self.mount).expect("a right mount")
    }
}

fn volume(fields: &Value) -> Sample {
    let mut native = json!({"Driver": "local", "Labels": {"team": "blue"}});
    for (key, value) in fields.as_object().into_iter().flatten() {
        native[key] = value.clone();
    }
    Sample { resource_type: VOLUME, native }
}

/// The basic container, with some fields of the document or of its `HostConfig` otherwise.
fn container(fields: &Value) -> Sample {
    let mut native = json!({
        "Image": "demo/web:bare", "HostConfig": {"NanoCpus": 100_000_000, "PidsLimit": 50},
    });
    for (key, value) in fields.as_object().into_iter().flatten() {
        match (key.as_str(), value) {
            ("HostConfig", Value::Object(host)) => {
                host.iter().for_each(|(key, v)| native["HostConfig"][key] = v.clone());
            }
            _ => native[key] = value.clone(),
        }
    }
    Sample { resource_type: CONTAINER, native }
}

#[async_trait]
impl Harness for OnEngine {
    fn describe(&self) -> Description {
        self.docker().describe()
    }

    /// An engine lets nobody keep a container from being removed, volumes can't be changed, and
    /// names of all types are keys, so that there are no twins.
    fn powers(&self) -> BTreeSet<Power> {
        let of_both = [Power::Foreign, Power::Reopen, Power::Requests];
        let own = match self.basic {
            Basic::Container => vec![Power::HandChange, Power::HandField],
            Basic::Volume => vec![Power::Block],
        };
        of_both.into_iter().chain(own).collect()
    }

    /// An engine takes any field, has labels everywhere, and protects nothing; a container that is
    /// going to fail runs before.
    fn document(&self, document: Document) -> Option<Sample> {
        Some(match (document, self.basic) {
            (Document::Basic, Basic::Container) => container(&json!({})),
            (Document::Changed, Basic::Container) => {
                container(&json!({"HostConfig": {"PidsLimit": 60}}))
            }
            (Document::Replaced, Basic::Container) => container(&json!({"User": "1000"})),
            (Document::Respelt, Basic::Container) => container(&json!({
                "Env": [], "HostConfig": {"CpuShares": 0, "RestartPolicy": {"Name": "no"}},
            })),
            // Values of variables are taken out of what is read.
            (Document::Unreadable, Basic::Container) => {
                container(&json!({"Env": ["KEY=canary-of-the-suite"]}))
            }
            (Document::Basic, Basic::Volume) => volume(&json!({})),
            (Document::Replaced, Basic::Volume) => volume(&json!({"Labels": {"team": "red"}})),
            (Document::Respelt, Basic::Volume) => volume(&json!({"DriverOpts": null})),
            _ => return None,
        })
    }

    fn family(&self, named: &dyn Fn(&str) -> String) -> Vec<Member> {
        if self.basic == Basic::Volume {
            return Vec::new();
        }
        let member = |key, resource_type, after, native| Member {
            key,
            sample: Sample { resource_type, native },
            after,
        };
        let using = json!({
            "HostConfig": {
                "NetworkMode": named("net"),
                "Mounts": [{"Type": "volume", "Source": named("data"), "Target": "/data"}],
            },
            "NetworkingConfig": {"EndpointsConfig": {named("net"): {"Aliases": ["web"]}}},
        });
        vec![
            member("net", NETWORK, &[], json!({"Driver": "bridge"})),
            member("data", VOLUME, &[], json!({"Driver": "local"})),
            member("web", CONTAINER, &["net", "data"], container(&using).native),
        ]
    }

    async fn fresh(&self, _test: &str) -> Result<Arc<dyn Ground>, Broken> {
        Ok(Arc::new(Lab {
            basic: self.basic,
            engine: self.engine.clone(),
            mount: self.mount.clone(),
            cloud: Arc::new(self.docker()),
            recorder: Arc::clone(&self.recorder),
            foreign: Mutex::default(),
        }))
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(300)
    }

    fn slack(&self) -> Duration {
        Duration::from_secs(5)
    }
}

/// The engine during one test.
struct Lab {
    basic: Basic,
    engine: Engine,
    mount: Mount,
    cloud: Arc<Docker>,
    recorder: Arc<Recorder>,
    /// What was made past the driver, as words for Docker's client that remove it.
    foreign: Mutex<Vec<Vec<String>>>,
}

impl Lab {
    fn client(&self, arguments: &[&str]) -> Result<String, Broken> {
        self.engine.client(arguments).map_err(Broken)
    }

    fn to_remove(&self, words: &[&str]) {
        let words = words.iter().map(|w| (*w).to_owned()).collect();
        self.foreign.lock().expect("a list").push(words);
    }
}

#[async_trait]
impl Ground for Lab {
    fn cloud(&self) -> Arc<dyn Cloud> {
        Arc::clone(&self.cloud) as Arc<dyn Cloud>
    }

    async fn reopen(&self) -> Result<Arc<dyn Cloud>, Broken> {
        Ok(Arc::new(Docker::mount(&self.mount).map_err(|m| Broken(m.to_string()))?))
    }

    async fn foreign(&self, name: &str) -> Result<NativeId, Broken> {
        let id = match self.basic {
            Basic::Container => {
                let id = self.client(&["run", "--detach", "--name", name, "demo/web:bare"])?;
                self.to_remove(&["rm", "--force", "--volumes", &id]);
                id
            }
            Basic::Volume => {
                let id = self.client(&["volume", "create", name])?;
                self.to_remove(&["volume", "rm", &id]);
                id
            }
        };
        Ok(NativeId(id))
    }

    async fn block(&self, id: &NativeId) -> Result<String, Broken> {
        let name = format!("user-of-{}", id.0);
        let mount = format!("{}:/data", id.0);
        self.client(&["run", "--detach", "--name", &name, "--volume", &mount, "demo/web:bare"])?;
        self.to_remove(&["rm", "--force", &name]);
        Ok(name)
    }

    async fn change_by_hand(&self, id: &NativeId) -> Result<String, Broken> {
        self.client(&["update", "--cpus", "0.2", &id.0])?;
        Ok("/HostConfig/NanoCpus".into())
    }

    async fn add_by_hand(&self, id: &NativeId) -> Result<String, Broken> {
        let network = format!("hand-{}", &id.0[..12]);
        self.client(&["network", "create", &network])?;
        self.to_remove(&["network", "rm", &network]);
        self.client(&["network", "connect", &network, &id.0])?;
        // First in, last out: the network goes when nobody is on it.
        self.to_remove(&["network", "disconnect", "--force", &network, &id.0]);
        Ok(format!("/NetworkSettings/Networks/{network}"))
    }

    fn requests(&self) -> Result<u64, Broken> {
        Ok(self.recorder.requests())
    }

    /// An update's body has fields of `HostConfig`, without saying so.
    fn last_change(&self) -> Result<Value, Broken> {
        Ok(json!({"HostConfig": self.recorder.last_change()}))
    }

    async fn clear(&self) -> Proof {
        let words = std::mem::take(&mut *self.foreign.lock().expect("a list"));
        for words in words.iter().rev() {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            match self.engine.client(&words) {
                Err(says) if !says.to_lowercase().contains("no such") => return Err(Broken(says)),
                _ => {}
            }
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn volumes_conform() {
    let folder = tempfile::tempdir().expect("a folder");
    let report = run(&OnEngine::new(Basic::Volume, folder.path())).await;
    assert_eq!(report.broken(), Vec::<String>::new());
    assert_eq!(report.table(), include_str!("golden/volumes.txt"), "the table has changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn containers_with_all_they_need_conform() {
    let folder = tempfile::tempdir().expect("a folder");
    let containers = OnEngine::new(Basic::Container, folder.path());
    let report = run_some(&containers, |test| !OF_MANY.contains(&test.name)).await;
    assert_eq!(report.broken(), Vec::<String>::new());
    assert_eq!(report.table(), include_str!("golden/containers.txt"), "the table has changed");
}
