//! A program that is killed at any point and run again: the end is the same, nothing is there
//! twice, nothing foreign is touched, and nothing stays open in the journal.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests, with their own functions")]

mod ground;

use std::collections::BTreeMap;
use std::sync::Arc;

use coc_cloud::Cloud;
use coc_cloud::layers::Verb;
use coc_cloud::layers::faults::{Fault as CloudFault, Faults, Rule, When};
use coc_control::deploying::{DeployError, Deploying, Mounts, ProgressSink, Report};
use coc_model::plan::{Plan, PlannedResource};
use coc_model::secret::Secrets;
use coc_plan::decide::Data;
use coc_vault::faults::{Fault as StoreFault, FaultyStore};
use ground::{APP, Ground, calm, container, late, order, plan_of, ready, resource, rough, shop};
use serde_json::{Value, json};

/// What a program is to do that is killed.
#[derive(Clone, Copy, Debug)]
enum Work {
    /// Make everything.
    Make,
    /// Change, replace, remove and make.
    Change,
    /// Remove everything.
    Destroy,
}

impl Work {
    fn plan(self) -> Plan {
        match self {
            Self::Make => plan_of("p1", None, small()),
            Self::Change => plan_of("p2", Some("p1"), changed()),
            Self::Destroy => plan_of("p1", None, small()),
        }
    }

    /// What is there in the end.
    fn end(self) -> Vec<PlannedResource> {
        match self {
            Self::Make | Self::Change => self.plan().resources,
            Self::Destroy => vec![],
        }
    }

    /// The ground as the program finds it.
    async fn ground(self, profile: &Value, seed: u64) -> Ground {
        let ground = Ground::new(profile, seed);
        if matches!(self, Self::Change | Self::Destroy) {
            let first = Self::Make.run(&ground.process().await).await.unwrap();
            assert!(first.is_as_wanted(), "{first:?}");
            ground.ours().await;
        }
        ground
    }

    async fn run(self, deploying: &Deploying) -> Result<Report, DeployError> {
        let (plan, sink) = (self.plan(), ProgressSink::nobody());
        match self {
            Self::Make | Self::Change => {
                deploying.apply(&order("work"), &plan, &Secrets::new(), &sink).await
            }
            Self::Destroy => deploying.destroy(&order("work"), APP, Data::Remove, &sink).await,
        }
    }

    /// Proves that all is as it should be in the end.
    async fn prove(self, ground: &Ground, report: &Report, context: &str) {
        assert!(report.is_as_wanted(), "{self:?} {context}: {report:?}");
        ground.holds_exactly(&self.end(), &format!("{self:?} {context}")).await;
        ground.journal_is_closed(&format!("{self:?} {context}")).await;
        if matches!(self, Self::Make) {
            let made: Vec<_> = ground.made().into_iter().collect();
            assert_eq!(made, [("a", 4), ("b", 1)], "{context}: something was made twice");
        }
    }
}

/// Network, volume, machine and program in one cloud, a network in the other.
fn small() -> Vec<PlannedResource> {
    let all = shop().into_iter();
    all.filter(|p| ["net-a", "data", "host-a", "db", "net-b"].contains(&p.id.as_str())).collect()
}

/// The volume larger, the program replaced, the other network gone, and another one made.
fn changed() -> Vec<PlannedResource> {
    let mut resources = small();
    resources[1].native["size"] = json!("20Gi");
    resources[3].native["image"] = json!("postgres:17");
    resources.retain(|p| p.id != "net-b");
    resources.push(resource("b", "network", "net-c", vec![], json!({"region": "north"})));
    let after = vec![ready("net-a"), ready("host-a"), ready("db")];
    resources.push(resource("a", "container", "cron", after, container("host-a", "net-a", "c:1")));
    resources
}

/// Where a program is killed.
#[derive(Clone, Debug, Default)]
struct Kill {
    store: Option<(u64, StoreFault)>,
    cloud: Option<(&'static str, u64, CloudFault)>,
}

/// Does some work in a program that is killed; `None` if it was killed in fact.
async fn killed(ground: &Ground, work: Work, kill: &Kill) -> Option<Result<Report, DeployError>> {
    let faults = kill.store.iter().copied().collect::<BTreeMap<_, _>>();
    let store = Arc::new(FaultyStore::new(ground.store.clone(), faults));
    let mut mounts = Mounts::new();
    let mut crashes = Vec::new();
    for (name, cloud) in ground.mounts() {
        let rules = kill.cloud.iter().filter(|(at, ..)| *at == name).map(|(_, n, fault)| {
            let verbs =
                [Verb::List, Verb::Find, Verb::Create, Verb::Update, Verb::Delete, Verb::Act];
            Rule::on(&verbs, When::Nth(*n), fault.clone())
        });
        let faulty = Faults::new(cloud, 0, rules.collect());
        crashes.push(faulty.crashed());
        mounts.insert(name, Arc::new(faulty) as Arc<dyn Cloud>);
    }
    let program = async {
        let deploying = ground.process_with(store.clone(), mounts).await;
        work.run(&deploying).await
    };
    let crash = async {
        let crashes = crashes.iter().map(|crash| Box::pin(crash.notified()));
        futures::future::select_all(crashes).await;
    };
    tokio::select! {
        biased;
        () = store.died() => None,
        () = crash => None,
        outcome = program => Some(outcome),
    }
}

/// Kills a program at its first call, at its second, and so on until it ends by itself, each time
/// running it again afterwards. Gives how often it was killed.
async fn killed_everywhere(work: Work, profile: Value, kill: impl Fn(u64) -> Kill) -> u64 {
    let mut call = 1;
    loop {
        let kill = kill(call);
        let context = format!("killed at {kill:?}");
        let ground = work.ground(&profile, 1).await;
        let outcome = killed(&ground, work, &kill).await;
        if let Some(outcome) = outcome {
            work.prove(&ground, &outcome.unwrap(), "not killed").await;
            return call - 1;
        }
        let again = work.run(&ground.process().await).await.unwrap();
        work.prove(&ground, &again, &context).await;
        if let Some(interrupted) = again.interrupted {
            assert!(interrupted.done <= interrupted.of, "{context}: {interrupted}");
        }
        call += 1;
    }
}

/// Before and after each entry of the journal, and every other use of the vault.
#[tokio::test(start_paused = true)]
async fn killed_at_any_use_of_the_vault_while_making() {
    for fault in [StoreFault::DeadBefore, StoreFault::DeadAfter] {
        let kills = killed_everywhere(Work::Make, calm(), |call| Kill {
            store: Some((call, fault)),
            ..Kill::default()
        });
        assert!(kills.await > 30);
    }
}

#[tokio::test(start_paused = true)]
async fn killed_at_any_use_of_the_vault_while_changing() {
    for fault in [StoreFault::DeadBefore, StoreFault::DeadAfter] {
        let kills = killed_everywhere(Work::Change, calm(), |call| Kill {
            store: Some((call, fault)),
            ..Kill::default()
        });
        assert!(kills.await > 30);
    }
}

#[tokio::test(start_paused = true)]
async fn killed_at_any_use_of_the_vault_while_destroying() {
    for fault in [StoreFault::DeadBefore, StoreFault::DeadAfter] {
        let kills = killed_everywhere(Work::Destroy, calm(), |call| Kill {
            store: Some((call, fault)),
            ..Kill::default()
        });
        assert!(kills.await > 30);
    }
}

/// Before each request is sent, and after it had its effect.
#[tokio::test(start_paused = true)]
async fn killed_at_any_call_of_a_cloud() {
    for work in [Work::Make, Work::Change, Work::Destroy] {
        for fault in [CloudFault::CrashBefore, CloudFault::CrashAfter] {
            for (cloud, at_least) in [("a", 10), ("b", 4)] {
                let kills = killed_everywhere(work, calm(), |call| Kill {
                    cloud: Some((cloud, call, fault.clone())),
                    ..Kill::default()
                });
                let kills = kills.await;
                assert!(kills >= at_least, "{work:?} {fault:?} {cloud}: {kills}");
            }
        }
    }
}

/// What was made does not show yet when the program runs again, and some names can be had twice:
/// still nothing is made twice, not even for a moment.
#[tokio::test(start_paused = true)]
async fn killed_where_new_things_do_not_show_yet() {
    for cloud in ["a", "b"] {
        let kills = killed_everywhere(Work::Make, late(), |call| Kill {
            cloud: Some((cloud, call, CloudFault::CrashAfter)),
            ..Kill::default()
        });
        assert!(kills.await >= 4);
    }
    for fault in [StoreFault::DeadBefore, StoreFault::DeadAfter] {
        let kills = killed_everywhere(Work::Make, late(), |call| Kill {
            store: Some((call, fault)),
            ..Kill::default()
        });
        assert!(kills.await > 30);
    }
}

/// A small generator (SplitMix64): the same seed, the same run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }
}

/// In rough weather, killed again and again before it comes to its end.
#[tokio::test(start_paused = true)]
async fn killed_again_and_again_in_rough_weather() {
    let mut kills = 0;
    for seed in 0..40 {
        let mut dice = Dice(seed);
        let work = [Work::Make, Work::Change, Work::Destroy][dice.below(3) as usize];
        let ground = work.ground(&rough(), seed).await;
        for _ in 0..6 {
            let kill = match dice.below(4) {
                0 => Kill {
                    store: Some((1 + dice.below(60), StoreFault::DeadBefore)),
                    ..Kill::default()
                },
                1 => Kill {
                    store: Some((1 + dice.below(60), StoreFault::DeadAfter)),
                    ..Kill::default()
                },
                other => {
                    let cloud = ["a", "a", "b"][dice.below(3) as usize];
                    let fault = [CloudFault::CrashBefore, CloudFault::CrashAfter]
                        [other as usize - 2]
                        .clone();
                    Kill { cloud: Some((cloud, 1 + dice.below(20), fault)), ..Kill::default() }
                }
            };
            kills += u64::from(killed(&ground, work, &kill).await.is_none());
        }
        let last = work.run(&ground.process().await).await.unwrap();
        work.prove(&ground, &last, &format!("seed {seed}")).await;
    }
    assert!(kills > 100, "{kills}");
}

/// A cloud that refuses, loses and cuts, and a vault that does too: going on until it is done.
#[tokio::test(start_paused = true)]
async fn storms_end_with_what_is_wanted() {
    for seed in 0..25 {
        let mut dice = Dice(1_000 + seed);
        let work = [Work::Make, Work::Change, Work::Destroy][dice.below(3) as usize];
        let ground = work.ground(&rough(), seed).await;
        let storm = |per_million| {
            let calls = [Verb::List, Verb::Find, Verb::Create, Verb::Update, Verb::Delete];
            vec![
                Rule::on(&calls, When::Chance(per_million), CloudFault::Unreachable),
                Rule::on(&calls, When::Chance(per_million), CloudFault::Dropped),
                Rule::on(&calls, When::Chance(per_million), CloudFault::AnswerLost),
                Rule::on(&calls, When::Chance(per_million), CloudFault::Throttled(None)),
                Rule::on(&[Verb::List], When::Chance(per_million), CloudFault::CutPage),
            ]
        };
        let mut last = None;
        for attempt in 0..30 {
            let mounts = ground.mounts().into_iter().map(|(name, cloud)| {
                let faults = Faults::new(cloud, 100 * seed + attempt, storm(60_000));
                (name, Arc::new(faults) as Arc<dyn Cloud>)
            });
            let deploying = ground.process_with(ground.store.clone(), mounts.collect()).await;
            let report = work.run(&deploying).await.unwrap();
            let done = report.is_as_wanted();
            last = Some(report);
            if done {
                break;
            }
        }
        work.prove(&ground, &last.unwrap(), &format!("seed {seed}")).await;
    }
}

/// A vault whose requests and answers are lost now and then.
#[tokio::test(start_paused = true)]
async fn a_vault_that_stutters_changes_nothing() {
    for seed in 0..15 {
        let mut dice = Dice(seed);
        let work = [Work::Make, Work::Change, Work::Destroy][dice.below(3) as usize];
        let ground = work.ground(&calm(), seed).await;
        let mut last = None;
        for _ in 0..20 {
            let kinds = [StoreFault::Refused, StoreFault::LostBefore, StoreFault::LostAfter];
            let faults =
                (10..400).filter_map(|call| Some((call, *kinds.get(dice.below(60) as usize)?)));
            let store = Arc::new(FaultyStore::new(ground.store.clone(), faults.collect()));
            let deploying = ground.process_with(store, ground.mounts()).await;
            // A vault that can't be reached ends an attempt; the next one goes on.
            if let Ok(report) = work.run(&deploying).await {
                last = Some(report);
                break;
            }
        }
        work.prove(&ground, &last.unwrap(), &format!("seed {seed}")).await;
    }
}

/// Two programs that do the same at once, and one that is killed beside another.
#[tokio::test(start_paused = true)]
async fn two_at_once_come_to_one_end() {
    for seed in 0..20 {
        for work in [Work::Make, Work::Change, Work::Destroy] {
            let profile = if seed % 2 == 0 { calm() } else { rough() };
            let ground = work.ground(&profile, seed).await;
            let (one, other) = (ground.process().await, ground.process().await);
            let (first, second) = tokio::join!(work.run(&one), work.run(&other));
            first.unwrap();
            second.unwrap();
            // For a moment a list may still show what was removed.
            ground.ours().await;
            let last = work.run(&ground.process().await).await.unwrap();
            assert_eq!(last.done, 0, "{work:?} seed {seed}: both ended, so nothing was left");
            work.prove(&ground, &last, &format!("seed {seed}")).await;
        }
    }
}

/// The target changes while the old one is being made by another program.
#[tokio::test(start_paused = true)]
async fn a_new_target_overtakes_an_old_one() {
    for seed in 0..20 {
        let ground = Ground::new(&rough(), seed);
        let (one, other) = (ground.process().await, ground.process().await);
        let wait = std::time::Duration::from_secs(seed * 7);
        let (first, second) = tokio::join!(Work::Make.run(&one), async {
            tokio::time::sleep(wait).await;
            Work::Change.run(&other).await
        });
        // The first may have ended before, or have gone on with the new target.
        first.unwrap();
        let second = match second {
            // It came before the first was the target.
            Err(DeployError::Overtaken { .. }) => Work::Change.run(&other).await.unwrap(),
            second => second.unwrap(),
        };
        let last = Work::Change.run(&ground.process().await).await.unwrap();
        Work::Change.prove(&ground, &last, &format!("seed {seed}, {second:?}")).await;
    }
}

/// What was cut off is told with how far it had come.
#[tokio::test(start_paused = true)]
async fn an_interrupted_apply_says_how_far_it_came() {
    let ground = Work::Make.ground(&calm(), 1).await;
    // The fourth create of cloud a never comes back.
    let mut told = None;
    for call in 1..60 {
        let kill = Kill { cloud: Some(("a", call, CloudFault::CrashBefore)), ..Kill::default() };
        assert!(killed(&ground, Work::Make, &kill).await.is_none());
        let there = ground.ours().await.len();
        if there >= 3 {
            let report = Work::Make.run(&ground.process().await).await.unwrap();
            told = report.interrupted.map(|interrupted| (there, interrupted.to_string()));
            break;
        }
    }
    let (there, says) = told.unwrap();
    let expected =
        format!("apply of p1 was interrupted after {there} of 5; nothing is lost: going on");
    assert_eq!(says, expected);
}
