//! What `ensure` and `remove` get over in one call, and what they give back at once.

use std::sync::Arc;
use std::time::Duration;

use crate::weather::{Weather, rough};
use async_trait::async_trait;
use coc_cloud::cloud::Create;
use coc_cloud::ensure::Change;
use coc_cloud::failure::Failure;
use coc_cloud::journal::{Answer, Earlier, Journal, NoJournal, Request};
use coc_cloud::layers::Verb;
use coc_cloud::layers::faults::{Fault, Faults, Rule, When};
use coc_cloud::{Cloud, Removal, Removed, Terms, ensure, remove};
use coc_cloud_simulated::{Profile, Simulated};
use coc_model::catalog::Catalog;
use coc_model::marks::{Mark, Marks};
use serde_json::{Value, json};
use tokio::time::Instant;

fn create(resource_type: &str, key: &str, native: Value) -> Create {
    Create {
        resource_type: resource_type.into(),
        name: key.into(),
        spec: native.to_string(),
        native,
        marks: Marks {
            owner: Mark::of("us"),
            app: Mark::of("shop"),
            res: Mark::of(key),
            op: Mark::of(&format!("{key}/1")),
        },
    }
}

fn volume(key: &str) -> Create {
    create("simulated.volume", key, json!({"region": "north", "size": "1Gi"}))
}

fn removal(create: &Create, id: &coc_model::resource::NativeId) -> Removal {
    Removal {
        resource_type: create.resource_type.clone(),
        id: id.clone(),
        name: create.name.clone(),
        owner: create.marks.owner.clone(),
    }
}

fn rough_cloud() -> (Simulated, Terms) {
    let cloud = Weather { profile: rough, seed: 1 }.cloud();
    let terms = Terms::of(&cloud.describe());
    (cloud, terms)
}

fn faulty(cloud: &Simulated, rules: Vec<Rule>) -> Faults {
    Faults::new(Arc::new(cloud.clone()), 1, rules)
}

#[tokio::test(start_paused = true)]
async fn a_look_that_fails_while_a_request_is_open_is_no_end() {
    let (cloud, terms) = rough_cloud();
    for (key, fault) in [
        ("a", Fault::Throttled(Some(Duration::from_secs(2)))),
        ("b", Fault::Dropped),
        ("c", Fault::Unreachable),
    ] {
        let rules = vec![
            Rule::on(&[Verb::Create], When::Nth(1), Fault::AnswerLost),
            Rule::on(&[Verb::Find], When::Nth(3), fault),
        ];
        let cloud = faulty(&cloud, rules);
        let made = ensure(&cloud, &volume(key), &terms, &NoJournal).await.unwrap();
        assert_eq!((made.change, cloud.faults()), (Change::Created, 2), "{key}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_look_that_fails_before_anything_was_sent_is_given_back() {
    let (cloud, terms) = rough_cloud();
    let rules = vec![Rule::on(&[Verb::Find], When::Nth(1), Fault::Throttled(None))];
    let cloud = faulty(&cloud, rules);
    let answer = ensure(&cloud, &volume("a"), &terms, &NoJournal).await;
    assert_eq!(answer.unwrap_err(), Failure::Throttled { retry_after: None });
}

#[tokio::test(start_paused = true)]
async fn a_delete_without_an_answer_is_looked_after() {
    let (cloud, terms) = rough_cloud();
    for (key, fault) in [("a", Fault::AnswerLost), ("b", Fault::Dropped)] {
        let create = volume(key);
        let made = ensure(&cloud, &create, &terms, &NoJournal).await.unwrap().resource;
        let cloud = faulty(&cloud, vec![Rule::on(&[Verb::Delete], When::Nth(1), fault)]);
        let removal = removal(&create, &made.native_id);
        let removed = remove(&cloud, &removal, &terms, &NoJournal).await;
        assert_eq!((removed, cloud.faults()), (Ok(Removed::Deleted), 1), "{key}");
    }
}

/// A journal that can't be written.
struct Full;

#[async_trait]
impl Journal for Full {
    fn earlier(&self) -> Earlier {
        Earlier::None
    }

    async fn sending(&self, _request: Request<'_>) -> Result<(), Failure> {
        Err(Failure::Failed { code: "journal".into(), says: "no space left".into() })
    }

    async fn answered(&self, _request: Request<'_>, _answer: Answer<'_>) -> Result<(), Failure> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn what_can_not_be_written_down_is_not_sent() {
    let (cloud, terms) = rough_cloud();
    let none = cloud.snapshot()["tables"].clone();
    let refused = ensure(&cloud, &volume("a"), &terms, &Full).await;
    assert!(matches!(refused, Err(Failure::Failed { .. })));
    assert_eq!(cloud.snapshot()["tables"], none, "nothing was made");

    let made = ensure(&cloud, &volume("a"), &terms, &NoJournal).await.unwrap().resource;
    let before = cloud.snapshot()["tables"].clone();
    let mut changed = volume("a");
    changed.native["size"] = json!("2Gi");
    changed.spec = changed.native.to_string();
    assert!(ensure(&cloud, &changed, &terms, &Full).await.is_err());
    let removal = removal(&changed, &made.native_id);
    tokio::time::sleep(terms.settle).await;
    assert!(remove(&cloud, &removal, &terms, &Full).await.is_err());
    assert_eq!(cloud.snapshot()["tables"], before, "nothing was changed or deleted");
}

#[tokio::test(start_paused = true)]
async fn refusals_come_back_at_once() {
    let profile = json!({
        "regions": [{"name": "north", "quotas": {"volumes": 1}}],
        "offers": [{"name": "rare", "cpu": 1, "memory": "1Gi"}],
        "capacity": [{"region": "north", "offer": "rare", "machines": 0}],
    });
    let profile = Profile::read(&profile, "dream", &[], &Catalog::default()).unwrap();
    let cloud = Simulated::new("dream", profile, 1);
    let terms = Terms::of(&cloud.describe());
    ensure(&cloud, &volume("first"), &terms, &NoJournal).await.unwrap();
    let start = Instant::now();
    for (wanted, kind, says) in [
        (volume("second"), "quota", "1 in use, 1 asked for, 1 allowed"),
        (
            create("simulated.vm", "m", json!({"region": "north", "offer": "rare"})),
            "capacity",
            "0 of 0 machines",
        ),
        (
            create("simulated.vm", "m", json!({"region": "north", "offer": "none"})),
            "invalid",
            "north does not sell \"none\"",
        ),
        (
            create("simulated.volume", "v", json!({"region": "south"})),
            "invalid",
            "there is no \"south\"",
        ),
        (
            create("simulated.container", "c", json!({"vm": "nobody", "image": "i"})),
            "invalid",
            "there is no simulated.vm named \"nobody\"",
        ),
        (create("simulated.volume", "-", json!({"region": "north"})), "invalid", "the name \"-\""),
        (create("simulated.disk", "d", json!({})), "invalid", "there is no type"),
    ] {
        let failure = ensure(&cloud, &wanted, &terms, &NoJournal).await.unwrap_err();
        assert_eq!(failure.kind(), kind, "{failure}");
        assert!(failure.to_string().contains(says), "{failure}");
    }
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn what_is_needed_is_waited_for() {
    let (cloud, terms) = rough_cloud();
    let machine = create("simulated.vm", "host", json!({"region": "north", "offer": "small"}));
    let container = create("simulated.container", "web", json!({"vm": "host", "image": "i"}));
    ensure(&cloud, &machine, &terms, &NoJournal).await.unwrap();
    // It neither shows nor has it booted.
    let made = ensure(&cloud, &container, &terms, &NoJournal).await.unwrap();
    assert_eq!(made.change, Change::Created);
}

#[tokio::test(start_paused = true)]
async fn what_is_being_removed_is_waited_for_and_made_anew() {
    let (cloud, terms) = rough_cloud();
    let create = volume("a");
    let first = ensure(&cloud, &create, &terms, &NoJournal).await.unwrap().resource;
    cloud.delete(&create.resource_type, &first.native_id).await.unwrap();
    let mut again = create.clone();
    again.marks.op = Mark::of("a/2");
    let second = ensure(&cloud, &again, &terms, &NoJournal).await.unwrap();
    assert_eq!(second.change, Change::Created);
    assert_ne!(second.resource.native_id, first.native_id);
}

#[tokio::test(start_paused = true)]
async fn waiting_ends_at_the_deadline() {
    let (cloud, terms) = rough_cloud();
    let terms = terms.within(Duration::from_secs(5));
    let machine = create("simulated.vm", "host", json!({"region": "north", "offer": "small"}));
    let container = create("simulated.container", "web", json!({"vm": "host", "image": "i"}));
    let made = ensure(&cloud, &machine, &terms, &NoJournal).await.unwrap().resource;
    tokio::time::sleep(Duration::from_secs(300)).await;
    let stopped = cloud.act("simulated.vm", &made.native_id, "stop", &Value::Null).await;
    assert_eq!(stopped, Ok(Value::Null));
    let start = Instant::now();
    let failure = ensure(&cloud, &container, &terms, &NoJournal).await.unwrap_err();
    let Failure::Busy { says, .. } = failure else { panic!("{failure}") };
    assert!(says.contains("host is stopped"), "{says}");
    assert_eq!(start.elapsed(), terms.settle + terms.deadline);
}
