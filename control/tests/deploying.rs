//! Deploying on the simulated cloud: what is wanted comes to be, in order, and is told.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests, with their own functions")]

mod ground;

use std::collections::BTreeMap;
use std::sync::Arc;

use coc_control::deploying::{DeployError, Progress, ProgressSink, Release, Report, What};
use coc_model::goals::Stated;
use coc_model::object::Kind;
use coc_model::resource::State;
use coc_model::secret::{SecretRef, SecretValue, Secrets};
use coc_plan::decide::{Data, Why};
use coc_vault::vault::list_all;
use coc_vault::{At, KeyRange, MemoryStore};
use ground::{
    APP, Ground, apply, calm, container, name, order, plan_of, ready, resource, rough, shop,
};
use serde_json::json;

/// The steps that were done, in the order in which they were.
fn done(progress: &[Progress]) -> Vec<String> {
    progress
        .iter()
        .filter_map(|p| match p {
            Progress::Done(step) => Some(format!("{} {}", step.verb, step.resource)),
            _ => None,
        })
        .collect()
}

fn says(report: &Report) -> Vec<(&str, &str)> {
    report.failures.iter().map(|f| (f.resource.as_str(), f.says.as_str())).collect()
}

#[tokio::test(start_paused = true)]
async fn a_plan_becomes_real_in_its_order() {
    let ground = Ground::new(&calm(), 1);
    let deploying = ground.process().await;
    let plan = plan_of("p1", None, shop());
    let (report, progress) = apply(&deploying, &plan).await;
    let report = report.unwrap();
    assert!(report.is_as_wanted(), "{report:?}");
    assert_eq!((report.plan.as_deref(), report.done), (Some("p1"), 9));
    assert_eq!(report.states["db"], State::Healthy);
    assert_eq!(report.states["migrate"], State::Completed);
    assert_eq!(report.interrupted, None);
    ground.holds_exactly(&plan.resources, "applied").await;
    ground.journal_is_closed("applied").await;

    let order = done(&progress);
    let at = |id: &str| order.iter().position(|s| *s == format!("create {id}")).unwrap();
    for planned in &plan.resources {
        for after in &planned.after {
            assert!(at(after.id()) < at(&planned.id), "{order:?}");
        }
    }
    assert!(progress.contains(&Progress::Decided { create: 9, change: 0, remove: 0 }));
}

#[tokio::test(start_paused = true)]
async fn applying_again_changes_nothing() {
    for profile in [calm(), rough()] {
        let ground = Ground::new(&profile, 2);
        let plan = plan_of("p1", None, shop());
        apply(&ground.process().await, &plan).await.0.unwrap();
        ground.ours().await;
        let before: Vec<_> = ground.clouds.values().map(|c| c.last_change()).collect();
        let (report, progress) = apply(&ground.process().await, &plan).await;
        assert!(report.as_ref().unwrap().is_as_wanted(), "{report:?}");
        assert_eq!(report.unwrap().done, 0);
        assert_eq!(done(&progress), [""; 0]);
        let after: Vec<_> = ground.clouds.values().map(|c| c.last_change()).collect();
        assert_eq!(before, after);
    }
}

#[tokio::test(start_paused = true)]
async fn another_plan_changes_only_what_differs() {
    let ground = Ground::new(&calm(), 3);
    let deploying = ground.process().await;
    let first = plan_of("p1", None, shop());
    apply(&deploying, &first).await.0.unwrap();

    // A volume grows in place, a container gets another image, one goes, one comes.
    let mut second = shop();
    second[1].native["size"] = json!("20Gi");
    second[5].native["image"] = json!("shop:10");
    second.remove(8);
    let after = vec![ready("net-b"), ready("host-b")];
    second.push(resource(
        "b",
        "container",
        "cache",
        after,
        container("host-b", "net-b", "redis:7"),
    ));
    let second = plan_of("p2", Some("p1"), second);
    let (report, progress) = apply(&deploying, &second).await;
    assert!(report.as_ref().unwrap().is_as_wanted(), "{report:?}");
    ground.holds_exactly(&second.resources, "second").await;
    ground.journal_is_closed("second").await;
    let mut all = done(&progress);
    all.sort();
    assert!(all.contains(&"create cache".to_owned()), "{all:?}");
    assert!(all.contains(&"remove web".to_owned()), "{all:?}");
    assert!(!all.iter().any(|s| s.ends_with(" db") || s.ends_with("net-a")), "{all:?}");

    // And back: a plan like the first one. Only the volume can't be had smaller without losing what
    // is in it, and so is left as it is.
    let third = plan_of("p3", Some("p2"), shop());
    let report = apply(&deploying, &third).await.0.unwrap();
    let why: Vec<_> = report.withheld.iter().map(|w| (w.resource.as_str(), &w.why)).collect();
    assert_eq!(why, [("data", &Why::HoldsData)]);
    assert_eq!(report.failures, []);
    ground.holds_exactly(&third.resources, "third").await;
    ground.journal_is_closed("third").await;
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_was_overtaken_is_refused() {
    let ground = Ground::new(&calm(), 4);
    let deploying = ground.process().await;
    let plans = ["p1", "p2", "p3"].map(|name| plan_of(name, None, vec![]));
    deploying.set_target(&order("first"), &plans[0]).await.unwrap();
    deploying.set_target(&order("again"), &plans[0]).await.unwrap();
    let refused = deploying.set_target(&order("second"), &plans[1]).await;
    assert_eq!(
        refused.unwrap_err().to_string(),
        "plan p2 was made from nothing, but p1 is the target of shop: plan again"
    );
    // Of two that were made from the same one, one wins.
    let rivals = ["p4", "p5"].map(|name| plan_of(name, Some("p1"), vec![]));
    let (a, b) = (order("a"), order("b"));
    let (one, other) =
        tokio::join!(deploying.set_target(&a, &rivals[0]), deploying.set_target(&b, &rivals[1]));
    assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
    let mut unchecked = plan_of("p6", None, vec![]);
    unchecked.check.accepted = false;
    let refused = deploying.set_target(&order("x"), &unchecked).await.unwrap_err();
    assert_eq!(refused.to_string(), "plan p6 can't be a target: the checker did not accept it");
    let looped = vec![resource("a", "network", "x", vec![ready("x")], json!({"region": "north"}))];
    let refused =
        deploying.set_target(&order("x"), &plan_of("p7", None, looped)).await.unwrap_err();
    assert!(refused.to_string().contains("these wait for each other: x → x"), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn destroying_removes_all_but_data_unless_asked() {
    for (data, left) in [(Data::Keep, vec!["data"]), (Data::Remove, vec![])] {
        let ground = Ground::new(&calm(), 5);
        let deploying = ground.process().await;
        apply(&deploying, &plan_of("p1", None, shop())).await.0.unwrap();
        let sink = ProgressSink::nobody();
        let report = deploying.destroy(&order("enough"), APP, data, &sink).await.unwrap();
        assert!(report.is_as_wanted(), "{report:?}");
        let kept: Vec<_> = report.data_kept.iter().map(|l| l.resource.as_str()).collect();
        assert_eq!(kept, left);
        let rest: Vec<_> = shop().into_iter().filter(|p| left.contains(&p.id.as_str())).collect();
        ground.holds_exactly(&rest, "destroyed").await;
        ground.journal_is_closed("destroyed").await;
        assert_eq!(deploying.target(APP).await.unwrap(), None);
        // Destroying what is gone does nothing.
        let again = deploying.destroy(&order("sure?"), APP, data, &sink).await.unwrap();
        assert_eq!((again.done, again.is_as_wanted()), (0, true));
    }
}

/// Goals are kept with the target that they were stated for, and go with it.
#[tokio::test(start_paused = true)]
async fn goals_live_and_go_with_their_target() {
    let ground = Ground::new(&calm(), 7);
    let deploying = ground.process().await;
    let (secrets, sink) = (Secrets::new(), ProgressSink::nobody());
    let stated = Stated::default();
    let first = plan_of("p1", None, shop());
    let release = Release { plan: &first, goals: Some(&stated) };
    deploying.apply(&order("first"), release, &secrets, &sink).await.unwrap();
    assert_eq!(deploying.goals(APP).await.unwrap(), Some(stated));
    // Of a plan whose goals nobody stated they are not known, whatever they were before.
    let second = plan_of("p2", Some("p1"), shop());
    deploying.apply(&order("second"), &second, &secrets, &sink).await.unwrap();
    assert_eq!(deploying.goals(APP).await.unwrap(), None);
    deploying.destroy(&order("enough"), APP, Data::Remove, &sink).await.unwrap();
    let range = KeyRange::kind(Kind::Goals);
    let (_, left) = list_all(&*deploying.vault, &range, At::LATEST).await.unwrap();
    assert!(left.is_empty(), "{left:?}");
}

/// A vault that was lost says nothing of an application: what runs is left alone.
#[tokio::test(start_paused = true)]
async fn without_a_target_nothing_is_touched() {
    let ground = Ground::new(&calm(), 16);
    let plan = plan_of("p1", None, shop());
    apply(&ground.process().await, &plan).await.0.unwrap();
    let empty = Arc::new(MemoryStore::new());
    let deploying = ground.process_with(empty, ground.mounts()).await;
    let (secrets, sink) = (Secrets::new(), ProgressSink::nobody());
    let report = deploying.reconcile(&order("x"), APP, &secrets, &sink).await.unwrap();
    assert_eq!(report, Report::default());
    ground.holds_exactly(&plan.resources, "left alone").await;
    // Applied again, it is all found by its marks.
    let report = apply(&deploying, &plan).await.0.unwrap();
    assert_eq!((report.done, report.is_as_wanted()), (0, true));
    ground.journal_of_is_closed(&*deploying.vault, "found again").await;
    let gone = deploying.destroy(&order("x"), APP, Data::Remove, &sink).await.unwrap();
    assert_eq!((gone.done, gone.is_as_wanted()), (9, true));
    ground.holds_exactly(&[], "destroyed").await;
}

#[tokio::test(start_paused = true)]
async fn history_tells_who_when_and_why() {
    let ground = Ground::new(&calm(), 6);
    let deploying = ground.process().await;
    let net = vec![resource("a", "network", "net-a", vec![], json!({"region": "north"}))];
    let plan = plan_of("p1", None, net);
    let (secrets, sink) = (Secrets::new(), ProgressSink::nobody());
    deploying.apply(&order("first release"), &plan, &secrets, &sink).await.unwrap();
    deploying.destroy(&order("enough"), APP, Data::Keep, &sink).await.unwrap();
    let history = deploying.history(APP).await.unwrap();
    let told: Vec<_> = history
        .iter()
        .map(|item| {
            let what = match &item.what {
                What::Targeted(target) => format!("target {:?}", target.plan),
                What::Forgotten => "forgotten".to_owned(),
                What::Ended { step, plan, .. } => {
                    format!("{} {} for {plan:?}", step.verb, step.resource)
                }
            };
            (what, item.why.as_str(), item.who.0.as_str())
        })
        .collect();
    let line = |what: &str, why| (what.to_owned(), why, "ann");
    assert_eq!(
        told,
        [
            line("target Some(\"p1\")", "first release"),
            line("create net-a for Some(\"p1\")", "first release"),
            line("target None", "enough"),
            line("remove net-a for None", "enough"),
            line("forgotten", "enough"),
        ]
    );
    assert!(history.is_sorted_by_key(|item| (item.when, item.rev)));
}

/// The migration ends with an error: what waits for it is never started, and it is named.
#[tokio::test(start_paused = true)]
async fn a_task_that_fails_is_named_and_nothing_starts_after_it() {
    let ground = Ground::new(&calm(), 7);
    let deploying = ground.process().await;
    let mut resources = shop();
    resources[4].native["program"] = json!({"ends": "2s", "exitCode": 1});
    let (report, progress) = apply(&deploying, &plan_of("p1", None, resources)).await;
    let report = report.unwrap();
    assert!(!report.is_as_wanted());
    assert!(report.failures.iter().all(|f| f.resource == "migrate"), "{:?}", report.failures);
    assert!(report.failures.iter().any(|f| !f.output.is_empty()), "{:?}", report.failures);
    let started = done(&progress);
    for never in ["create api", "create web"] {
        assert!(!started.contains(&never.to_owned()), "{started:?}");
    }
    // What does not depend on it was finished, and nothing was tried for ever.
    assert!(started.contains(&"create host-b".to_owned()), "{started:?}");
    assert_eq!(started.iter().filter(|s| s.contains("migrate")).count(), 1, "{started:?}");
}

#[tokio::test(start_paused = true)]
async fn an_unhealthy_database_is_named_and_not_who_waits_for_it() {
    let ground = Ground::new(&calm(), 8);
    let deploying = ground.process().await;
    let mut resources = shop();
    resources[3].native["program"] = json!({"unhealthy": true});
    let report = apply(&deploying, &plan_of("p1", None, resources)).await.0.unwrap();
    let db = ("db", "it is unhealthy: its health check fails");
    assert_eq!(says(&report), [db]);
}

#[tokio::test(start_paused = true)]
async fn what_never_comes_up_is_reported_with_its_state() {
    let ground = Ground::new(&calm(), 9);
    let mut deploying = ground.process().await;
    deploying.settings.deadlines.completed = std::time::Duration::from_secs(30);
    let mut resources = shop();
    resources[4].native["program"] = json!({"ends": "2h"});
    let report = apply(&deploying, &plan_of("p1", None, resources)).await.0.unwrap();
    assert_eq!(says(&report), [("migrate", "not completed after 30 s: it is still running")]);
}

#[tokio::test(start_paused = true)]
async fn a_failure_of_one_branch_lets_the_others_finish() {
    let ground = Ground::new(&calm(), 10);
    let deploying = ground.process().await;
    let mut resources = shop();
    resources[6].native["region"] = json!("nowhere");
    resources[1].native["noSuchField"] = json!(1);
    let (report, progress) = apply(&deploying, &plan_of("p1", None, resources)).await;
    let report = report.unwrap();
    let failed: Vec<_> = report.failures.iter().map(|f| f.resource.as_str()).collect();
    assert_eq!(failed, ["data", "net-b"], "{report:?}");
    assert_eq!(done(&progress), ["create net-a", "create host-a"]);
    ground.journal_is_closed("failed").await;
}

#[tokio::test(start_paused = true)]
async fn a_change_that_needs_a_replacement_is_replaced_with_its_users() {
    let ground = Ground::new(&calm(), 11);
    let deploying = ground.process().await;
    let b: Vec<_> = shop().into_iter().filter(|p| p.cloud == "b").collect();
    let mut first = b.clone();
    first[2].after.pop();
    apply(&deploying, &plan_of("p1", None, first.clone())).await.0.unwrap();
    let before = ground.ours().await;
    let mut second = first;
    second[0].native["range"] = json!("10.9.0.0/16");
    let second = plan_of("p2", Some("p1"), second);
    let (report, progress) = apply(&deploying, &second).await;
    assert!(report.as_ref().unwrap().is_as_wanted(), "{report:?} {:?}", done(&progress));
    ground.holds_exactly(&second.resources, "replaced").await;
    let after = ground.ours().await;
    let ids = |all: &[coc_model::resource::ObservedResource]| -> BTreeMap<String, String> {
        all.iter().map(|r| (r.name.clone(), r.native_id.0.clone())).collect()
    };
    assert_ne!(ids(&before)[&name("net-b")], ids(&after)[&name("net-b")]);
    assert_eq!(ground.made()["b"], 6, "each was made twice, and no more often");
}

/// A list that is out of date shows what was replaced beside what took its place: the new one stays.
#[tokio::test(start_paused = true)]
async fn what_took_the_place_of_another_is_not_taken_for_the_double() {
    for seed in 0..12 {
        let ground = Ground::new(&rough(), seed);
        let deploying = ground.process().await;
        let first: Vec<_> = shop().into_iter().filter(|p| p.id == "net-b").collect();
        apply(&deploying, &plan_of("p1", None, first.clone())).await.0.unwrap();
        ground.ours().await;
        let mut second = first;
        second[0].native["range"] = json!("10.9.0.0/16");
        let second = plan_of("p2", Some("p1"), second);
        let report = apply(&deploying, &second).await.0.unwrap();
        assert!(report.is_as_wanted(), "seed {seed}: {report:?}");
        assert_eq!(ground.made()["b"], 2, "seed {seed}");
        ground.holds_exactly(&second.resources, &format!("seed {seed}")).await;
    }
}

/// Somebody stops a container, somebody removes another one: both come back.
#[tokio::test(start_paused = true)]
async fn what_is_undone_is_done_again() {
    let ground = Ground::new(&calm(), 12);
    let deploying = ground.process().await;
    let plan = plan_of("p1", None, shop());
    apply(&deploying, &plan).await.0.unwrap();
    let ours = ground.ours().await;
    let id = |of: &str| ours.iter().find(|r| r.name == name(of)).unwrap().native_id.clone();
    let a = &ground.clouds["a"];
    use coc_cloud::Cloud as _;
    a.act("simulated.container", &id("api"), "stop", &json!({})).await.unwrap();
    ground.clouds["b"].delete_by_hand(&id("web")).unwrap();
    let (report, progress) = apply(&deploying, &plan).await;
    assert!(report.unwrap().is_as_wanted());
    let mut steps = done(&progress);
    steps.sort();
    assert_eq!(steps, ["create web", "start api"]);
    ground.holds_exactly(&plan.resources, "again").await;
    ground.journal_is_closed("again").await;
}

/// A list that is refused or cut is no proof that anything is gone.
#[tokio::test(start_paused = true)]
async fn throttled_or_cut_lists_make_nothing_anew() {
    let ground = Ground::new(&calm(), 13);
    let deploying = ground.process().await;
    let plan = plan_of("p1", None, shop());
    apply(&deploying, &plan).await.0.unwrap();
    for trouble in 0..2 {
        for cloud in ground.clouds.values() {
            match trouble {
                0 => cloud.throttle_next(100, None),
                _ => cloud.cut_next(100),
            }
        }
        let (report, progress) = apply(&deploying, &plan).await;
        let report = report.unwrap();
        assert_eq!((report.done, done(&progress).len()), (0, 0));
        assert_eq!(report.unread.keys().collect::<Vec<_>>(), ["a", "b"]);
        assert!(!report.is_as_wanted(), "it can't be known");
        for cloud in ground.clouds.values() {
            cloud.throttle_next(0, None);
            cloud.cut_next(0);
        }
    }
    assert_eq!(apply(&deploying, &plan).await.0.unwrap().done, 0);
    ground.holds_exactly(&plan.resources, "after trouble").await;
}

#[tokio::test(start_paused = true)]
async fn secrets_are_sent_and_kept_nowhere() {
    let ground = Ground::new(&calm(), 14);
    let deploying = ground.process().await;
    let mut resources = shop();
    let reference = SecretRef::of_environment("db", "PASSWORD");
    resources[3].native["env"] = json!({"PASSWORD": {"$secret": reference}});
    // A cloud that repeats what it was sent, in refusing it.
    resources[8].native["env"] = json!({"X": {"$secret": reference}});
    resources[8].native["image"] = json!(5);
    let plan = plan_of("p1", None, resources);
    let sink = ProgressSink::nobody();

    let missing = deploying.apply(&order("x"), &plan, &Secrets::new(), &sink).await.unwrap();
    let db = missing.failures.iter().find(|f| f.resource == "db").unwrap();
    assert_eq!(db.says, format!("no value for {reference} at /env/PASSWORD"));

    let mut secrets = Secrets::new();
    secrets.insert(reference, SecretValue::new("canary-7QX2"));
    let report = deploying.apply(&order("x"), &plan, &secrets, &sink).await.unwrap();
    assert!(!format!("{report:?}").contains("canary"), "{report:?}");
    assert_eq!(report.states["db"], State::Healthy, "{report:?}");
    let (_, records) = list_all(&*deploying.vault, &KeyRange::All, At::LATEST).await.unwrap();
    assert!(records.iter().all(|r| !r.object.body.to_string().contains("canary")));
    let snapshot = ground.clouds["a"].snapshot().to_string();
    assert!(snapshot.contains("PASSWORD"), "it did reach the cloud");
}

#[tokio::test(start_paused = true)]
async fn a_plan_larger_than_an_object_is_kept_whole() {
    let ground = Ground::new(&calm(), 15);
    let deploying = ground.process().await;
    let mut plan = plan_of("large", None, shop());
    for planned in &mut plan.resources {
        planned.native["description"] = json!("\"é\\".repeat(120_000));
    }
    deploying.set_target(&order("large"), &plan).await.unwrap();
    assert_eq!(deploying.plan("large").await.unwrap(), plan);
    // Made again it differs in how long that took, and is the same plan.
    let mut again = plan.clone();
    again.evidence.time_ms = 99;
    deploying.set_target(&order("large"), &again).await.unwrap();
    let mut other = plan;
    other.cost.total = "2.00".into();
    let refused = deploying.set_target(&order("large"), &other).await;
    assert!(matches!(refused, Err(DeployError::NotAPlan { .. })), "{refused:?}");
}

#[tokio::test(start_paused = true)]
async fn conditions_hold_in_every_weather() {
    for seed in 0..12 {
        let ground = Ground::new(&rough(), seed);
        let deploying = ground.process().await;
        let plan = plan_of("p1", None, shop());
        let report = apply(&deploying, &plan).await.0.unwrap();
        assert!(report.is_as_wanted(), "seed {seed}: {report:?}");
        ground.holds_exactly(&plan.resources, &format!("seed {seed}")).await;
        ground.journal_is_closed(&format!("seed {seed}")).await;
        let sink = ProgressSink::nobody();
        let gone = deploying.destroy(&order("x"), APP, Data::Remove, &sink).await.unwrap();
        assert!(gone.is_as_wanted(), "seed {seed}: {gone:?}");
        assert_eq!((report.done, gone.done), (9, 9), "seed {seed}: each thing is done once");
        ground.holds_exactly(&[], &format!("seed {seed} destroyed")).await;
    }
}
