//! Histories of several clients over a backend that loses requests and answers are linearizable.
//!
//! Every answer carries its revision, so a history is checked without search: the log is replayed,
//! each read must equal the state of its revision, and what began after something ended must have
//! a revision that is not older.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests, with their own functions")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use coc_model::object::{Key, Object};
use coc_vault::faults::{Fault, FaultyStore};
use coc_vault::{
    Actor, At, Change, Commit, CommitId, Committed, Condition, Freshness, LogVault, MemoryStore,
    Rev, Vault, VaultError, WhenSame,
};
use futures::future::join_all;
use jiff::Timestamp;
use serde_json::json;

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

fn key(n: u64) -> Key {
    format!("Plan/k{n}").parse().unwrap()
}

fn commit(id: &str, require: Vec<Condition>, change: Vec<Change>) -> Commit {
    Commit {
        id: CommitId::of(id),
        author: Actor("test".to_owned()),
        why: id.to_owned(),
        when: Timestamp::UNIX_EPOCH,
        require,
        change,
        when_same: WhenSame::Commit,
    }
}

/// What a client did, and between which two ticks of a clock that all clients share.
#[derive(Debug)]
struct Step {
    began: u64,
    ended: u64,
    what: What,
}

#[derive(Debug)]
enum What {
    Made { id: String, rev: Rev },
    Refused { condition: Condition, found: Rev, head: Rev },
    Unknown { id: String },
    Read { key: Key, at: Rev, value: Option<String> },
}

async fn client(name: u64, vault: Arc<LogVault>, clock: Arc<AtomicU64>, seed: u64) -> Vec<Step> {
    let mut dice = Dice(seed);
    let mut steps = Vec::new();
    for n in 0..12 {
        let tick = || clock.fetch_add(1, Ordering::SeqCst);
        let began = tick();
        let target = key(dice.below(3));
        let what = if dice.below(3) == 0 {
            let Ok(head) = vault.head(Freshness::Latest).await else { continue };
            let Ok(found) = vault.get(&target, At::Rev(head)).await else { continue };
            let value = found.map(|r| r.object.body["v"].as_str().unwrap().to_owned());
            Some(What::Read { key: target, at: head, value })
        } else {
            let id = format!("{name}.{n}");
            let seen = Rev(dice.below(8));
            let require = match dice.below(4) {
                0 => vec![Condition::Absent(target.clone())],
                1 => vec![Condition::Is(target.clone(), seen)],
                2 => vec![Condition::Exists(target.clone())],
                _ => vec![],
            };
            let change = if dice.below(5) == 0 {
                Change::Remove(target)
            } else {
                let body = json!({"v": id});
                Change::Put(Object { key: target, labels: BTreeMap::new(), schema: 1, body })
            };
            outcome(&vault, &id, commit(&id, require, vec![change])).await
        };
        steps.extend(what.map(|what| Step { began, ended: tick(), what }));
    }
    steps
}

/// Commits, and again with the same id while it is not known whether that worked.
async fn outcome(vault: &LogVault, id: &str, commit: Commit) -> Option<What> {
    for _ in 0..3 {
        match vault.commit(commit.clone()).await {
            Ok(Committed { rev, .. }) => return Some(What::Made { id: id.to_owned(), rev }),
            Err(VaultError::Conflict(c)) => {
                return Some(What::Refused {
                    condition: c.condition,
                    found: c.found,
                    head: c.head,
                });
            }
            Err(VaultError::Indeterminate { .. }) => {}
            // Surely not made.
            Err(VaultError::Store(_)) => return None,
            Err(other) => panic!("{other}"),
        }
    }
    Some(What::Unknown { id: id.to_owned() })
}

/// What a revision left: the commit that made it, and each key's value and its revision.
type Left = (String, BTreeMap<Key, (String, Rev)>);

/// What each revision left, from the log alone.
async fn replay(store: Arc<MemoryStore>) -> Vec<Left> {
    let vault = LogVault::open(store, [0; 16]).await.unwrap();
    let head = vault.head(Freshness::Latest).await.unwrap();
    let mut states = vec![(String::new(), BTreeMap::new())];
    for rev in (1..=head.0).map(Rev) {
        let mut state = BTreeMap::new();
        let mut id = None;
        for key in (0..3).map(key) {
            if let Some(found) = vault.get(&key, At::Rev(rev)).await.unwrap() {
                let value = found.object.body["v"].as_str().unwrap().to_owned();
                if found.version.rev == rev {
                    id = Some(found.origin.why);
                }
                state.insert(key, (value, found.version.rev));
            }
        }
        // A removal names its commit only in the watch; it is checked by what it left.
        states.push((id.unwrap_or_default(), state));
    }
    states
}

fn check(steps: &[Step], states: &[Left]) {
    let made: Vec<_> = states.iter().map(|(id, _)| id).filter(|id| !id.is_empty()).collect();
    assert_eq!(made.iter().collect::<BTreeSet<_>>().len(), made.len(), "a commit was made twice");
    let at = |rev: Rev| &states[usize::try_from(rev.0).unwrap()].1;
    let mut revs = BTreeSet::new();
    for step in steps {
        match &step.what {
            What::Made { id, rev } => {
                assert!(revs.insert(*rev), "two commits have revision {rev}");
                let made = &states[usize::try_from(rev.0).unwrap()].0;
                assert!(made == id || made.is_empty(), "{rev} is {made}, not {id}");
            }
            What::Refused { condition, found, head } => {
                let rev = |k: &Key| at(*head).get(k).map_or(Rev::ZERO, |(_, rev)| *rev);
                let (holds, is) = match condition {
                    Condition::Absent(k) => (rev(k) == Rev::ZERO, rev(k)),
                    Condition::Exists(k) => (rev(k) != Rev::ZERO, rev(k)),
                    Condition::Is(k, r) => (rev(k) == *r && *r != Rev::ZERO, rev(k)),
                    other => panic!("{other:?} was not asked for"),
                };
                assert!(!holds && is == *found, "{step:?}");
            }
            What::Unknown { id } => {
                let times = states.iter().filter(|(made, _)| made == id).count();
                assert!(times <= 1, "{id} was made {times} times");
            }
            What::Read { key, at: rev, value } => {
                assert_eq!(at(*rev).get(key).map(|(v, _)| v), value.as_ref(), "{step:?}");
            }
        }
    }
    let rev = |what: &What| match what {
        What::Made { rev, .. } => Some((*rev, true)),
        What::Refused { head, .. } => Some((*head, false)),
        What::Read { at, .. } => Some((*at, false)),
        What::Unknown { .. } => None,
    };
    for (before, after) in steps.iter().flat_map(|a| steps.iter().map(move |b| (a, b))) {
        let (Some((first, _)), Some((second, made))) = (rev(&before.what), rev(&after.what)) else {
            continue;
        };
        if before.ended < after.began {
            let in_order = if made { first < second } else { first <= second };
            assert!(in_order, "{after:?} began after {before:?} ended");
        }
    }
}

async fn history(seed: u64) -> usize {
    let mut dice = Dice(seed);
    let memory = Arc::new(MemoryStore::new());
    let clock = Arc::new(AtomicU64::new(0));
    let mut clients = Vec::new();
    for handle in 0..3 {
        let kinds = [Fault::Refused, Fault::LostBefore, Fault::LostAfter];
        // Opening takes at most four calls; faults begin after it.
        let faults =
            (5..120).filter_map(|call| Some((call, *kinds.get(dice.below(8) as usize)?))).collect();
        let store = Arc::new(FaultyStore::new(memory.clone(), faults));
        let vault = Arc::new(LogVault::open(store, [0; 16]).await.unwrap());
        for client_of_handle in 0..2 {
            let name = 10 * handle + client_of_handle;
            clients.push(client(name, vault.clone(), clock.clone(), dice.below(u64::MAX)));
        }
    }
    let spawned = clients.into_iter().map(tokio::spawn);
    let steps: Vec<Step> =
        join_all(spawned).await.into_iter().flat_map(|steps| steps.unwrap()).collect();
    check(&steps, &replay(memory).await);
    steps.len()
}

#[tokio::test(start_paused = true)]
async fn histories_with_lost_requests_and_answers_are_linearizable() {
    let mut steps = 0;
    for seed in 0..500 {
        steps += history(seed).await;
    }
    assert!(steps > 15_000, "most steps must have an outcome, {steps} had one");
}

/// A commit whose answer is lost is found again, whichever of its calls is hit and however.
#[tokio::test(start_paused = true)]
async fn one_commit_survives_a_fault_at_every_call() {
    for fault in [Fault::Refused, Fault::LostBefore, Fault::LostAfter] {
        let mut number = 5;
        loop {
            let memory = Arc::new(MemoryStore::new());
            let store = FaultyStore::new(memory.clone(), [(number, fault)].into());
            let store = Arc::new(store);
            let vault = LogVault::open(store.clone(), [0; 16]).await.unwrap();
            let body = json!({"v": "once"});
            let change =
                Change::Put(Object { key: key(0), labels: BTreeMap::new(), schema: 1, body });
            let once = commit("once", vec![Condition::Absent(key(0))], vec![change]);
            while let Err(error) = vault.commit(once.clone()).await {
                assert!(
                    matches!(error, VaultError::Store(_) | VaultError::Indeterminate { .. }),
                    "{error}"
                );
            }
            let states = replay(memory).await;
            assert_eq!(states.len(), 2, "{fault:?} at call {number}");
            if store.calls() < number {
                assert!(number > 5, "no call was hit");
                break;
            }
            number += 1;
        }
    }
}
