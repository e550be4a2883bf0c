//! Resources of each type from birth to removal, and whose they are.

use coc_cloud::Cloud;
use coc_cloud::cloud::{FindBy, Selector};
use coc_cloud_docker::{CONTAINER, NETWORK, VOLUME};
use coc_model::marks::Mark;
use coc_model::resource::{NativeId, State};
use serde_json::json;

use crate::engines::{Foreign, Ground, TYPES, bare, engines, web};

fn document(resource_type: &str) -> serde_json::Value {
    match resource_type {
        CONTAINER => bare(),
        _ => json!({"Labels": {"team": "blue"}}),
    }
}

/// Where Docker's own client shows labels.
fn labels(shown: &serde_json::Value) -> &serde_json::Value {
    if shown["Config"].is_object() { &shown["Config"]["Labels"] } else { &shown["Labels"] }
}

#[tokio::test]
async fn marks_are_there_at_birth_and_find_what_bears_them() {
    let ground = Ground::new("birth");
    for resource_type in TYPES {
        let wanted = ground.wanted(resource_type, resource_type, document(resource_type));
        let made = ground.docker.create(&wanted).await.expect(resource_type);
        assert_eq!(made.marks.as_ref(), Some(&wanted.marks), "{resource_type}");
        assert_eq!(made.spec.as_ref(), Some(&wanted.spec), "{resource_type}");
        assert_eq!((made.name.as_str(), made.cloud.as_str()), (wanted.name.as_str(), "lab"));
        assert_eq!(made.state, State::Running, "{resource_type}");

        let shown = ground.engine.inspect(&made.native_id.0);
        for (key, value) in wanted.marks.pairs() {
            assert_eq!(labels(&shown)[key], value, "{resource_type} {key}");
        }
        assert_eq!(labels(&shown)["coc-spec"], wanted.spec.as_str());

        for by in [
            FindBy::Operation(wanted.marks.op.clone()),
            FindBy::Name(wanted.name.clone()),
            FindBy::Id(made.native_id.clone()),
        ] {
            let found = ground.docker.find(resource_type, &by).await.expect("a look-up");
            assert_eq!(found.len(), 1, "{resource_type} {by:?}");
            assert_eq!((&found[0].native_id, &found[0].marks), (&made.native_id, &made.marks));
        }
        for by in [
            FindBy::Operation(Mark::of("another")),
            FindBy::Name(wanted.name[..wanted.name.len() - 1].to_owned()),
            FindBy::Id(NativeId(made.native_id.0[..made.native_id.0.len() - 1].to_owned())),
        ] {
            assert_eq!(ground.docker.find(resource_type, &by).await, Ok(vec![]), "{by:?}");
        }
    }
}

#[tokio::test]
async fn a_list_has_all_of_an_owner_and_nothing_else() {
    let (ground, other) = (Ground::new("list"), Ground::new("list-other"));
    let _foreign = Foreign::run(&ground, "c", &[]);
    let mut made = Vec::new();
    for resource_type in TYPES {
        for (owner, part) in [(&ground, "mine"), (&other, "theirs")] {
            let wanted = owner.wanted(
                resource_type,
                &format!("{part}-{resource_type}"),
                document(resource_type),
            );
            let resource = owner.docker.create(&wanted).await.expect("it is made");
            if part == "mine" {
                made.push(resource.native_id.0);
            }
        }
    }
    made.sort();
    for selector in [ground.selector(), Selector { app: None, ..ground.selector() }] {
        let listing = ground.docker.list(&selector).await.expect("a list");
        assert!(listing.complete);
        let mut listed: Vec<String> =
            listing.resources.iter().map(|r| r.native_id.0.clone()).collect();
        listed.sort();
        assert_eq!(listed, made);
        assert_eq!(listed, ground.listed_by_docker());
        for resource in &listing.resources {
            assert_eq!(resource.marks.as_ref().map(|m| &m.owner), Some(&ground.owner));
            assert!(resource.spec.is_some() && resource.state == State::Running, "{resource:?}");
        }
    }
    let nobody = Selector { app: Some(Mark::of("another")), ..ground.selector() };
    assert_eq!(ground.docker.list(&nobody).await.map(|l| l.resources), Ok(vec![]));
}

#[tokio::test]
async fn deleting_removes_what_it_should_and_twice_is_fine() {
    let ground = Ground::new("delete");
    let foreign = Foreign::run(&ground, "c", &[]);
    for resource_type in TYPES {
        let wanted = ground.wanted(resource_type, resource_type, document(resource_type));
        let made = ground.docker.create(&wanted).await.expect("it is made");
        for _ in 0..2 {
            assert_eq!(ground.docker.delete(resource_type, &made.native_id).await, Ok(()));
        }
        assert_eq!(ground.now(&made).await, None);
    }
    assert_eq!(ground.listed_by_docker(), [""; 0]);
    assert_eq!(ground.engine.inspect(&foreign.name)["State"]["Status"], "running");
}

#[tokio::test]
async fn a_container_goes_with_its_nameless_volumes_and_leaves_the_named() {
    let ground = Ground::new("volumes");
    let volume = ground.wanted(VOLUME, "data", json!({"Driver": "local"}));
    let volume = ground.docker.create(&volume).await.expect("a volume");
    let mounts = json!([
        {"Type": "volume", "Source": volume.name, "Target": "/data"},
        {"Type": "volume", "Target": "/scratch"},
    ]);
    let container =
        ground.run("c", json!({"Image": "demo/web:bare", "HostConfig": {"Mounts": mounts}})).await;
    let shown = ground.engine.inspect(&container.native_id.0);
    let scratch = shown["Mounts"].as_array().expect("mounts").iter();
    let scratch = scratch.filter(|m| m["Destination"] == "/scratch").map(|m| m["Name"].clone());
    let scratch = scratch.collect::<Vec<_>>()[0].as_str().expect("a name").to_owned();
    assert!(ground.engine.client(&["volume", "inspect", &scratch]).is_ok());

    ground.docker.delete(CONTAINER, &container.native_id).await.expect("it is removed");
    assert!(ground.engine.client(&["volume", "inspect", &scratch]).is_err());
    assert!(ground.now(&volume).await.is_some());
}

#[tokio::test]
async fn a_paused_container_can_be_removed() {
    let ground = Ground::new("paused");
    let container = ground.run("c", bare()).await;
    ground.engine.client(&["pause", &container.native_id.0]).expect("it is paused");
    assert_eq!(ground.now(&container).await.map(|c| c.state), Some(State::Stopped));
    assert_eq!(ground.docker.delete(CONTAINER, &container.native_id).await, Ok(()));
    assert_eq!(ground.now(&container).await, None);
}

/// A program that was ended between the two calls of a create left a container that was never
/// started; it is taken up, not made again.
#[tokio::test]
async fn a_half_made_container_is_started_and_not_made_again() {
    let ground = Ground::new("half-made");
    for (part, by_create) in [("again", true), ("changed", false)] {
        let wanted = ground.container(part, bare());
        let labels: Vec<String> = wanted
            .marks
            .pairs()
            .into_iter()
            .chain([("coc-spec", wanted.spec.as_str())])
            .map(|(key, value)| format!("--label={key}={value}"))
            .collect();
        let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
        let create =
            [&["create", "--name", &wanted.name], &labels[..], &["demo/web:bare"]].concat();
        let id = ground.engine.client(&create).expect("it is made");

        let by = FindBy::Operation(wanted.marks.op.clone());
        let found = ground.docker.find(CONTAINER, &by).await.expect("a look-up").pop();
        let found = found.expect("it is found");
        assert_eq!((found.state, found.native_id.0.as_str()), (State::Stopped, id.as_str()));

        let started = if by_create {
            ground.docker.create(&wanted).await
        } else {
            ground.docker.update(&crate::updates::update(&found, &wanted)).await
        };
        let started = started.expect("it is started");
        assert_eq!((started.state, started.native_id.0), (State::Running, id));
    }
}

#[tokio::test]
async fn a_taken_name_is_told_and_left_alone() {
    let ground = Ground::new("taken");
    for (resource_type, make) in
        [(CONTAINER, "create"), (NETWORK, "network create"), (VOLUME, "volume create")]
    {
        let wanted = ground.wanted(resource_type, resource_type, document(resource_type));
        let words: Vec<&str> = make.split(' ').collect();
        let arguments = match resource_type {
            CONTAINER => vec!["--name", &wanted.name, "demo/web:bare"],
            _ => vec![wanted.name.as_str()],
        };
        ground.engine.client(&[words, arguments].concat()).expect("the name is taken");
        let before = ground.engine.inspect(&wanted.name);

        let failure = ground.docker.create(&wanted).await.expect_err("it is taken");
        let name = wanted.name.clone();
        match resource_type {
            VOLUME => assert_eq!(
                failure,
                coc_cloud::Failure::Foreign {
                    name,
                    whose: "it bears no marks of this project".into()
                }
            ),
            _ => assert_eq!(failure, coc_cloud::Failure::Exists { name }),
        }
        assert_eq!(ground.engine.inspect(&wanted.name), before);
        let remove = match resource_type {
            CONTAINER => ["container", "rm"],
            NETWORK => ["network", "rm"],
            _ => ["volume", "rm"],
        };
        ground.engine.client(&[&remove[..], &[&wanted.name]].concat()).expect("removed");
    }
}

#[tokio::test]
async fn a_volume_of_ours_from_another_operation_exists() {
    let ground = Ground::new("other-operation");
    let mut wanted = ground.wanted(VOLUME, "data", json!({}));
    let made = ground.docker.create(&wanted).await.expect("a volume");
    assert_eq!(ground.docker.create(&wanted).await, Ok(made));
    wanted.marks.op = Mark::of("another operation");
    let failure = ground.docker.create(&wanted).await.expect_err("it is there");
    assert_eq!(failure, coc_cloud::Failure::Exists { name: wanted.name });
}

#[tokio::test]
async fn two_engines_are_two_clouds() {
    let [a, b] = engines();
    let (a, b) = (Ground::on(a, "two"), Ground::on(b, "two"));
    let (on_a, on_b) = (a.run("web", web()).await, b.run("web", web()).await);
    assert_eq!(on_a.name, on_b.name);
    assert_ne!(on_a.native_id, on_b.native_id);
    assert_eq!(a.now(&on_b).await, None);
    assert_eq!(b.docker.list(&b.selector()).await.map(|l| l.resources.len()), Ok(1));
}
