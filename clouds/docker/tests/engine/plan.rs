//! An application from its plan to answers over HTTP.

use std::collections::{BTreeMap, BTreeSet};

use coc_cloud::cloud::{Ask, AskedHost, AskedReplica, Create};
use coc_cloud::{Cloud, fill_secrets};
use coc_cloud_docker::{CONTAINER, Docker};
use coc_model::application::{
    Application, Condition, Dependency, EnvValue, Healthcheck, Mount, MountSource, Port, Probe,
    Service, Volume,
};
use coc_model::marks::{Mark, Marks, digest};
use coc_model::mistake::Position;
use coc_model::offer::Purchase;
use coc_model::plan::{Await, PlannedResource};
use coc_model::quantity::{Bytes, Cpu, Micros};
use coc_model::resource::{ObservedResource, State};
use coc_model::secret::{SecretRef, SecretValue, Secrets};
use serde_json::json;

use crate::engines::{Ground, engines, http_get_soon};

pub(crate) fn at() -> Position {
    Position::new(&"shop.yaml".into(), 4, 3)
}

/// A service that runs an image.
pub(crate) fn service(image: &str) -> Service {
    Service { image: Some(image.into()), ..Service::container(at()) }
}

pub(crate) fn resources(
    docker: &Docker,
    application: &Application,
    replicas: &[(&str, u32)],
) -> Vec<PlannedResource> {
    let host = AskedHost {
        id: "h1".into(),
        region: None,
        zone: None,
        offer: "lab".into(),
        existing: true,
        purchase: Purchase::OnDemand,
    };
    let replicas: Vec<AskedReplica> = replicas
        .iter()
        .map(|&(service, replica)| AskedReplica {
            service: service.into(),
            replica,
            host: "h1".into(),
            cpu: Cpu(100),
            memory: Bytes(64 << 20),
        })
        .collect();
    let ask = Ask { application, hosts: &[host], replicas: &replicas };
    docker.resolve(&ask).expect("it can be had")
}

pub(crate) fn application(name: &str, services: BTreeMap<String, Service>) -> Application {
    Application { name: name.into(), services, links: vec![], volumes: [].into(), keys: vec![] }
}

/// The container that planning makes of a single service.
pub(crate) fn container_of(service: Service) -> PlannedResource {
    let docker = Docker::mount(&engines()[0].mount("lab")).expect("a right mount");
    let application = application("one", [("c".to_owned(), service)].into());
    let mut resources = resources(&docker, &application, &[("c", 0)]);
    let container = resources.pop().expect("a container");
    assert_eq!(container.resource_type, CONTAINER);
    container
}

/// A shop whose web part asks its database for a secret that only the database has.
fn shop(ground: &Ground) -> Application {
    let mut web = service("demo/web:bare");
    web.env.insert("DB".into(), EnvValue::Text("http://${services.db.address}:8080".into()));
    web.env.insert("REGION".into(), EnvValue::Passed);
    web.env.insert("ABSENT".into(), EnvValue::Passed);
    web.ports.push(Port {
        target: 8080,
        published: None,
        host_ip: None,
        protocol: Default::default(),
        public: true,
        name: None,
    });
    web.limits.cpu = Some(Cpu(500));
    web.limits.memory = Some(Bytes(64 << 20));
    web.after.push(Dependency {
        service: "db".into(),
        condition: Condition::Healthy,
        required: true,
    });

    let mut db = service("demo/web:1");
    db.env.insert("PASSWORD".into(), EnvValue::Secret(SecretRef::of_environment("db", "PASSWORD")));
    db.mounts.push(Mount {
        source: MountSource::Volume("data".into()),
        target: "/data".into(),
        read_only: false,
    });
    db.healthcheck = Some(Healthcheck {
        probe: Probe::Http { path: "/health".into(), port: 8080 },
        interval: Some(Micros(1_000_000)),
        timeout: None,
        retries: None,
        start_period: None,
    });
    let volume = Volume { size: None, at: at(), external: false, native: [].into() };
    let services = [("web".to_owned(), web), ("db".to_owned(), db)].into();
    Application {
        volumes: [("data".to_owned(), volume)].into(),
        ..application(&ground.name("shop"), services)
    }
}

/// Makes planned resources in their order, waiting for what each waits for.
pub(crate) async fn make(
    ground: &Ground,
    planned: &[PlannedResource],
    secrets: &Secrets,
) -> BTreeMap<String, ObservedResource> {
    let mut made: BTreeMap<String, ObservedResource> = BTreeMap::new();
    for resource in planned {
        for awaited in &resource.after {
            let other = &made[awaited.id()];
            if let Await::Condition { until: Condition::Healthy, .. } = awaited {
                ground.until(other, State::Healthy).await;
            }
        }
        let create = Create {
            resource_type: resource.resource_type.clone(),
            name: resource.name.clone(),
            native: fill_secrets(&resource.native, secrets).expect("every secret is there"),
            marks: Marks {
                owner: ground.owner.clone(),
                app: ground.app.clone(),
                res: Mark::of(&resource.id),
                op: Mark::of(&format!("{}/{}", ground.owner, resource.id)),
            },
            spec: digest(resource.native.to_string().as_bytes()),
        };
        let seen = ground.docker.create(&create).await.expect(&resource.id);
        made.insert(resource.id.clone(), seen);
    }
    made
}

#[tokio::test]
async fn an_application_answers_over_its_published_port() {
    let ground = Ground::new("shop");
    let application = shop(&ground);
    let planned = resources(&ground.docker, &application, &[("web", 0), ("db", 0), ("web", 1)]);
    assert!(!serde_json::to_string(&planned).expect("JSON").contains("canary"));

    let mut secrets = Secrets::new();
    secrets.insert(SecretRef::of_environment("db", "PASSWORD"), SecretValue::new("canary-5"));
    secrets.insert(SecretRef::of_caller("REGION"), SecretValue::new("north"));
    let made = make(&ground, &planned, &secrets).await;
    assert_eq!(made.len(), 5);

    let web = &made["lab/container/web/1"];
    let address = &web.addresses[0];
    assert!(address.starts_with(&format!("{}:", ground.engine.address)), "{address}");
    let body = async |path: &str| http_get_soon(address, path).await;
    assert_eq!(body("/env/DB").await, (200, "http://db:8080".into()));
    assert_eq!(body("/env/REGION").await, (200, "north".into()));
    assert_eq!(body("/env/ABSENT").await.0, 404);
    // By the service's name, by its number, and from one replica to the other.
    assert_eq!(body("/get/db:8080/env/PASSWORD").await, (200, "canary-5".into()));
    assert_eq!(body("/get/db-0:8080/health").await, (200, "well".into()));
    assert_eq!(body("/get/web-0:8080/env/REGION").await, (200, "north".into()));
    assert!(!format!("{made:?}").contains("canary-5"));

    let host = &ground.engine.inspect(&web.native_id.0)["HostConfig"];
    assert_eq!((&host["NanoCpus"], &host["Memory"]), (&json!(500_000_000), &json!(64 << 20)));
    let mounts = &ground.engine.inspect(&made["lab/container/db/0"].native_id.0)["Mounts"];
    assert_eq!(mounts[0]["Name"], made["lab/volume/data"].name.as_str());
}

#[tokio::test]
async fn two_applications_of_one_service_name_do_not_meet() {
    let (one, two) = (Ground::new("app-one"), Ground::new("app-two"));
    let mut names = BTreeSet::new();
    for ground in [&one, &two] {
        let services = [("web".to_owned(), service("demo/web:1"))].into();
        let application = application(&ground.name("app"), services);
        let planned = resources(&ground.docker, &application, &[("web", 0)]);
        let made = make(ground, &planned, &Secrets::new()).await;
        names.extend(made.values().map(|r| r.name.clone()));
        let web = &made["lab/container/web/0"];
        ground.until(web, State::Healthy).await;
        // Its own network knows one web only: the answer comes from itself.
        let look = json!({"command": ["/bin/web", "get", "http://web:8080/"]});
        let answer = ground.docker.act(CONTAINER, &web.native_id, "exec", &look).await;
        let id: String = web.native_id.0.chars().take(12).collect();
        assert_eq!(answer.expect("an answer")["lines"][0]["text"], format!("hello from {id}"));
    }
    assert_eq!(names.len(), 4);
}
