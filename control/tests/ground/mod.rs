//! Ground to deploy on: two simulated clouds, a vault in memory, and a plan over both.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::collections::BTreeMap;
use std::sync::Arc;

use coc_cloud::Cloud;
use coc_cloud::cloud::Selector;
use coc_cloud_simulated::{Profile, Simulated};
use coc_control::deploying::{
    Clock, DeployError, Deploying, Mounts, OperationRecord, Order, Progress, ProgressSink, Report,
    Settings,
};
use coc_model::application::Condition;
use coc_model::catalog::Catalog;
use coc_model::marks::{Mark, resource_name};
use coc_model::object::Kind;
use coc_model::plan::{Await, Check, Cost, Evidence, Inputs, Plan, PlannedResource, Status};
use coc_model::resource::{ObservedResource, State};
use coc_model::secret::Secrets;
use coc_vault::vault::list_all;
use coc_vault::{Actor, At, KeyRange, LogStore, LogVault, MemoryStore, Vault};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize as _;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::Instant;

pub(crate) const APP: &str = "shop";

/// Reads are right and work is quick.
pub(crate) fn calm() -> Value {
    json!({
        "regions": [{"name": "north"}],
        "offers": [{"name": "small", "cpu": 4, "memory": "16Gi"}],
        "delays": {"call": "5ms", "boot": "5s..20s", "remove": "1s..3s", "token": "600s"},
    })
}

/// New things show late, every third read is out of date, everything takes its time.
pub(crate) fn rough() -> Value {
    let mut profile = calm();
    profile["delays"] = json!({
        "call": "1ms..200ms", "boot": "10s..90s", "start": "1s..20s", "make": "0s..10s",
        "remove": "0s..30s", "visible": "0s..4s", "stale": "0s..3s", "token": "600s",
    });
    profile["faults"] = json!({"stale": "33%"});
    profile
}

/// Reads are right and work is quick, but new things take their time to show.
pub(crate) fn late() -> Value {
    let mut profile = calm();
    profile["delays"]["visible"] = json!("3s..5s");
    profile
}

/// A clock that goes with the tests' time.
pub(crate) struct TestClock(Instant);

impl TestClock {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(Instant::now()))
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(1_800_000_000).unwrap()
            + SignedDuration::try_from(self.0.elapsed()).unwrap()
    }
}

/// Two clouds, a vault, a clock: what outlives a process.
pub(crate) struct Ground {
    pub(crate) clouds: BTreeMap<String, Simulated>,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) clock: Arc<TestClock>,
}

impl Ground {
    pub(crate) fn new(profile: &Value, seed: u64) -> Self {
        let start = Instant::now();
        let cloud = |name: &str| {
            let profile = Profile::read(profile, name, &[], &Catalog::default()).unwrap();
            let cloud = Simulated::new(name, profile, seed);
            cloud.follow(Box::new(move || start.elapsed()));
            let foreign = json!({"region": "north", "size": "1Gi"});
            cloud.make_foreign("simulated.volume", "somebodys-volume", &foreign).unwrap();
            (name.to_owned(), cloud)
        };
        Self {
            clouds: ["a", "b"].map(cloud).into(),
            store: Arc::new(MemoryStore::new()),
            clock: TestClock::new(),
        }
    }

    pub(crate) fn mounts(&self) -> Mounts {
        let mount = |(name, cloud): (&String, &Simulated)| {
            let cloud: Arc<dyn Cloud> = Arc::new(cloud.clone());
            (name.clone(), cloud)
        };
        self.clouds.iter().map(mount).collect()
    }

    /// A new process on this ground.
    pub(crate) async fn process(&self) -> Deploying {
        self.process_with(self.store.clone(), self.mounts()).await
    }

    pub(crate) async fn process_with(&self, store: Arc<dyn LogStore>, mounts: Mounts) -> Deploying {
        Deploying {
            vault: Arc::new(LogVault::open(store, [3; 16]).await.unwrap()),
            mounts,
            clock: self.clock.clone(),
            owner: Mark::of("us"),
            settings: Settings::default(),
        }
    }

    /// What the clouds hold of ours, of any application, by cloud and name; what is being removed
    /// or does not show yet is waited for.
    pub(crate) async fn ours(&self) -> Vec<ObservedResource> {
        tokio::time::sleep(std::time::Duration::from_secs(120)).await;
        let mut ours = Vec::new();
        for cloud in self.clouds.values() {
            let selector = Selector { owner: Mark::of("us"), app: None };
            let listing = cloud.list(&selector).await.unwrap();
            assert!(listing.complete);
            ours.extend(listing.resources);
        }
        ours.sort_by(|a, b| (&a.cloud, &a.name).cmp(&(&b.cloud, &b.name)));
        ours
    }

    /// Proves that the clouds hold exactly these resources of ours, each once, and that foreign
    /// ones are as they were.
    pub(crate) async fn holds_exactly(&self, plan: &[PlannedResource], context: &str) {
        let ours = self.ours().await;
        let there: Vec<_> = ours
            .iter()
            .map(|r| (r.cloud.as_str(), r.resource_type.as_str(), r.name.as_str()))
            .collect();
        let mut wanted: Vec<_> = plan
            .iter()
            .map(|p| (p.cloud.as_str(), p.resource_type.as_str(), p.name.as_str()))
            .collect();
        wanted.sort_by_key(|(cloud, _, name)| (*cloud, *name));
        assert_eq!(there, wanted, "{context}");
        for seen in &ours {
            let marks = seen.marks.as_ref().unwrap();
            let planned =
                plan.iter().find(|p| p.name == seen.name && p.cloud == seen.cloud).unwrap();
            assert_eq!(marks.res, Mark::of_resource(APP, &planned.id), "{context}");
            let good = [State::Running, State::Healthy, State::Completed];
            assert!(good.contains(&seen.state), "{context}: {} is {:?}", seen.name, seen.state);
        }
        for cloud in self.clouds.values() {
            let by = coc_cloud::cloud::FindBy::Name("somebodys-volume".to_owned());
            let foreign = cloud.find("simulated.volume", &by).await.unwrap();
            assert_eq!(foreign.len(), 1, "{context}: the foreign volume is gone");
        }
    }

    /// How many resources were ever made in each cloud, besides the foreign one.
    pub(crate) fn made(&self) -> BTreeMap<&str, u64> {
        let made = |cloud: &Simulated| cloud.snapshot()["head"]["born"].as_u64().unwrap() - 1;
        self.clouds.iter().map(|(name, cloud)| (name.as_str(), made(cloud))).collect()
    }

    /// Proves that every operation in the journal is closed, and what is written down to stand is
    /// what the clouds hold.
    pub(crate) async fn journal_is_closed(&self, context: &str) {
        let vault = LogVault::open(self.store.clone(), [3; 16]).await.unwrap();
        self.journal_of_is_closed(&vault, context).await;
    }

    pub(crate) async fn journal_of_is_closed(&self, vault: &dyn Vault, context: &str) {
        let range = KeyRange::under(Kind::Operation, &[APP]).unwrap();
        for record in list_all(vault, &range, At::LATEST).await.unwrap().1 {
            let operation = OperationRecord::deserialize(&record.object.body).unwrap();
            assert!(operation.outcome.is_some(), "{context}: {operation:?} is open");
        }
        let range = KeyRange::under(Kind::Resource, &[APP]).unwrap();
        let (_, standing) = list_all(vault, &range, At::LATEST).await.unwrap();
        let mut written: Vec<String> = standing
            .iter()
            .map(|r| r.object.body["native_id"].as_str().unwrap().to_owned())
            .collect();
        let mut there: Vec<String> = self.ours().await.into_iter().map(|r| r.native_id.0).collect();
        written.sort();
        there.sort();
        assert_eq!(written, there, "{context}: what is written down is not what is there");
    }
}

pub(crate) fn order(why: &str) -> Order {
    Order { who: Actor("ann".to_owned()), why: why.to_owned() }
}

/// Applies a plan, and gives everything that was told meanwhile.
pub(crate) async fn apply(
    deploying: &Deploying,
    plan: &Plan,
) -> (Result<Report, DeployError>, Vec<Progress>) {
    let (sender, mut told) = mpsc::unbounded_channel();
    let sink = ProgressSink::to(sender);
    let report = deploying.apply(&order("a test"), plan, &Secrets::new(), &sink).await;
    drop(sink);
    let mut all = Vec::new();
    while let Some(progress) = told.recv().await {
        all.push(progress);
    }
    (report, all)
}

pub(crate) fn name(id: &str) -> String {
    resource_name(id, &format!("{APP}/{id}"), 40)
}

pub(crate) fn resource(
    cloud: &str,
    kind: &str,
    id: &str,
    after: Vec<Await>,
    native: Value,
) -> PlannedResource {
    PlannedResource {
        id: id.to_owned(),
        cloud: cloud.to_owned(),
        resource_type: format!("simulated.{kind}"),
        name: name(id),
        after,
        native,
        protect: kind == "volume",
    }
}

pub(crate) fn ready(id: &str) -> Await {
    Await::Ready(id.to_owned())
}

pub(crate) fn until(id: &str, until: Condition) -> Await {
    Await::Condition { id: id.to_owned(), until }
}

pub(crate) fn container(host: &str, net: &str, image: &str) -> Value {
    json!({
        "vm": name(host), "network": name(net), "image": image, "cpu": "0.25", "memory": "256Mi",
    })
}

pub(crate) fn plan_of(plan: &str, parent: Option<&str>, resources: Vec<PlannedResource>) -> Plan {
    Plan {
        plan: plan.to_owned(),
        parent: parent.map(str::to_owned),
        application: APP.to_owned(),
        status: Status::Optimal,
        objective: vec![],
        cost: Cost { total: "1.00".into(), unit: "USD/month".into(), lines: vec![] },
        carbon: None,
        placements: vec![],
        hosts: vec![],
        resources,
        check: Check { accepted: true, requirements: vec![], faults: vec![] },
        assumed: vec![],
        unknown: vec![],
        evidence: Evidence::default(),
        conflict: vec![],
        before: None,
        relaxations: vec![],
        tradeoff: None,
        inputs: Inputs::default(),
    }
}

/// A database that must be healthy, a migration that must have ended, a server, and a front end in
/// another cloud.
pub(crate) fn shop() -> Vec<PlannedResource> {
    let mut db = container("host-a", "net-a", "postgres:16");
    db["healthcheck"] = json!({"probe": "image"});
    db["mounts"] = json!([{"kind": "volume", "source": name("data"), "target": "/data"}]);
    let mut migrate = container("host-a", "net-a", "shop:9");
    migrate["program"] = json!({"ends": "2s"});
    let on_a = || vec![ready("net-a"), ready("host-a")];
    let with = |mut after: Vec<Await>, more: Vec<Await>| {
        after.extend(more);
        after
    };
    let machine = |net: &str| json!({"region": "north", "offer": "small", "network": name(net)});
    vec![
        resource("a", "network", "net-a", vec![], json!({"region": "north"})),
        resource("a", "volume", "data", vec![], json!({"region": "north", "size": "10Gi"})),
        resource("a", "vm", "host-a", vec![ready("net-a")], machine("net-a")),
        resource("a", "container", "db", with(on_a(), vec![ready("data")]), db),
        resource(
            "a",
            "container",
            "migrate",
            with(on_a(), vec![until("db", Condition::Healthy)]),
            migrate,
        ),
        resource(
            "a",
            "container",
            "api",
            with(
                on_a(),
                vec![until("db", Condition::Healthy), until("migrate", Condition::Completed)],
            ),
            container("host-a", "net-a", "shop:9"),
        ),
        resource("b", "network", "net-b", vec![], json!({"region": "north"})),
        resource("b", "vm", "host-b", vec![ready("net-b")], machine("net-b")),
        resource(
            "b",
            "container",
            "web",
            vec![ready("net-b"), ready("host-b"), ready("api")],
            container("host-b", "net-b", "web:9"),
        ),
    ]
}
