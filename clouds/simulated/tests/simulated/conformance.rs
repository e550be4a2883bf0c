//! The conformance suite on the simulated cloud, under several seeds and two kinds of weather.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use coc_cloud::Cloud;
use coc_cloud::cloud::{Create, Description, FindBy};
use coc_cloud::conformance::{
    Broken, Document, Ground, Harness, Member, Power, Proof, Sample, Trouble, run,
};
use coc_cloud_simulated::Simulated;
use coc_model::resource::{NativeId, ObservedResource};
use serde_json::{Value, json};

use crate::weather::{Weather, calm, rough};

fn volume(more: &Value) -> Sample {
    let mut native = json!({"region": "north", "size": "10Gi", "labels": {"team": "blue"}});
    for (key, value) in more.as_object().unwrap() {
        native[key] = value.clone();
    }
    Sample { resource_type: "simulated.volume", native }
}

#[async_trait]
impl Harness for Weather {
    fn describe(&self) -> Description {
        self.cloud().describe()
    }

    fn powers(&self) -> BTreeSet<Power> {
        [
            Power::Foreign,
            Power::Twin,
            Power::HandChange,
            Power::HandField,
            Power::Block,
            Power::Reopen,
            Power::Requests,
            Power::PassTime,
        ]
        .into()
    }

    fn document(&self, document: Document) -> Option<Sample> {
        let network = |native| Sample { resource_type: "simulated.network", native };
        Some(match document {
            Document::Basic => volume(&json!({})),
            Document::Changed => volume(&json!({"size": "20Gi"})),
            Document::Replaced => volume(&json!({"region": "south"})),
            Document::Respelt => {
                volume(&json!({"size": "10240Mi", "region": "NORTH", "protected": false}))
            }
            Document::Unreadable => volume(&json!({"key": "canary-of-the-suite"})),
            Document::Unknown => volume(&json!({"noSuchField": 1})),
            Document::Protected => volume(&json!({"protected": true})),
            Document::SharedName | Document::Labelless => {
                network(json!({"region": "north", "description": "of the suite"}))
            }
            Document::Doomed => Sample {
                resource_type: "simulated.vm",
                native: json!({"region": "north", "offer": "phantom"}),
            },
        })
    }

    fn family(&self, named: &dyn Fn(&str) -> String) -> Vec<Member> {
        let member = |key, resource_type, after, native| Member {
            key,
            sample: Sample { resource_type, native },
            after,
        };
        vec![
            member(
                "net",
                "simulated.network",
                &[],
                json!({"region": "north", "range": "10.1.0.0/16"}),
            ),
            member("disk", "simulated.volume", &[], json!({"region": "north", "size": "5G"})),
            member(
                "host",
                "simulated.vm",
                &["net"],
                json!({"region": "north", "offer": "small", "network": named("net"), "userData": "#!"}),
            ),
            member(
                "web",
                "simulated.container",
                &["net", "disk", "host"],
                json!({
                    "vm": named("host"), "network": named("net"), "image": "web:1", "cpu": "0.25",
                    "memory": "262144Ki", "env": {"MODE": "test"}, "ports": [{"target": 80}],
                    "mounts": [{"kind": "volume", "source": named("disk"), "target": "/data"}],
                    "healthcheck": {"probe": "http"},
                }),
            ),
        ]
    }

    async fn fresh(&self, _test: &str) -> Result<Arc<dyn Ground>, Broken> {
        Ok(Arc::new(Dream(self.cloud())))
    }
}

struct Dream(Simulated);

impl Dream {
    /// A resource, once it shows: it may be new, and a read may be out of date.
    async fn seen(&self, resource_type: &str, by: &FindBy) -> Result<ObservedResource, Broken> {
        for _ in 0..1000 {
            if let Some(first) = self.0.find(resource_type, by).await?.into_iter().next() {
                return Ok(first);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Err(Broken(format!("{by:?} does not show")))
    }
}

#[async_trait]
impl Ground for Dream {
    fn cloud(&self) -> Arc<dyn Cloud> {
        Arc::new(self.0.clone())
    }

    async fn reopen(&self) -> Result<Arc<dyn Cloud>, Broken> {
        let snapshot = self.0.snapshot();
        self.0.restore(&snapshot).map_err(Broken)?;
        let again = self.0.snapshot();
        if again == snapshot { Ok(self.cloud()) } else { Err(Broken("restored otherwise".into())) }
    }

    async fn foreign(&self, name: &str) -> Result<NativeId, Broken> {
        Ok(self.0.make_foreign("simulated.volume", name, &volume(&json!({})).native)?)
    }

    async fn twin(&self, create: &Create) -> Result<NativeId, Broken> {
        let by = FindBy::Operation(create.marks.op.clone());
        let first = self.seen(&create.resource_type, &by).await?;
        Ok(self.0.make_twin(&first.native_id)?)
    }

    async fn change_by_hand(&self, id: &NativeId) -> Result<String, Broken> {
        self.0.change_by_hand(id, &json!({"labels": {"team": "red"}}))?;
        Ok("/labels/team".into())
    }

    async fn add_by_hand(&self, id: &NativeId) -> Result<String, Broken> {
        self.0.change_by_hand(id, &json!({"labels": {"seen-by": "somebody"}}))?;
        Ok("/labels/seen-by".into())
    }

    async fn block(&self, id: &NativeId) -> Result<String, Broken> {
        let name = self.seen("simulated.volume", &FindBy::Id(id.clone())).await?.name;
        let machine = json!({"region": "north", "offer": "small", "volumes": [name]});
        self.0.make_foreign("simulated.vm", "somebodys-machine", &machine)?;
        Ok("somebodys-machine".into())
    }

    fn requests(&self) -> Result<u64, Broken> {
        Ok(self.0.calls())
    }

    fn last_change(&self) -> Result<Value, Broken> {
        Ok(self.0.last_change())
    }

    fn under(&self, trouble: Trouble) -> Arc<dyn Cloud> {
        match trouble {
            Trouble::Throttled { calls, wait } => self.0.throttle_next(calls, wait),
            Trouble::CutPages { lists } => self.0.cut_next(lists),
            Trouble::Stale { time } => self.0.freeze_reads(time),
        }
        self.cloud()
    }

    async fn clear(&self) -> Proof {
        for name in ["somebodys-machine"] {
            let found = self.0.find("simulated.vm", &FindBy::Name(name.into())).await?;
            for machine in found {
                self.0.delete_by_hand(&machine.native_id)?;
            }
        }
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn calm_weather_conforms() {
    for seed in [1, 2, 3] {
        let report = run(&Weather { profile: calm, seed }).await;
        assert_eq!(report.broken(), Vec::<String>::new(), "seed {seed}");
        assert_eq!(report.table(), include_str!("golden/calm.txt"), "the table has changed");
    }
}

#[tokio::test(start_paused = true)]
async fn rough_weather_conforms() {
    for seed in [1, 2, 3, 4, 5] {
        let report = run(&Weather { profile: rough, seed }).await;
        assert_eq!(report.broken(), Vec::<String>::new(), "seed {seed}");
        assert_eq!(report.table(), include_str!("golden/rough.txt"), "the table has changed");
    }
}
