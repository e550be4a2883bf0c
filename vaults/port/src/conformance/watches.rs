//! Watching.

use std::sync::Arc;

use coc_model::object::Kind;
use futures::StreamExt as _;
use futures::future::join_all;
use futures::stream::BoxStream;
use serde_json::json;
use tokio::time::{Duration, Instant};

use super::{Subject, commit, key, put, put_at, set};
use crate::commit::Change;
use crate::error::VaultError;
use crate::range::KeyRange;
use crate::record::Rev;
use crate::vault::{Event, Vault};

type Events = BoxStream<'static, Result<Event, VaultError>>;

/// What a watch tells up to its next bookmark, in short: `Plan/a=1@3`, `-Plan/a@4`, `end 4`.
async fn told(events: &mut Events) -> (Vec<String>, Rev) {
    let mut told = Vec::new();
    loop {
        match events.next().await.expect("a watch does not end").unwrap() {
            Event::Put(record) => {
                let rev = record.version.rev;
                told.push(format!("{}={}@{rev}", record.key(), record.object.body["n"]));
            }
            Event::Removed { key, origin } => told.push(format!("-{key}@{}", origin.rev)),
            Event::End(rev) => told.push(format!("end {rev}")),
            Event::Bookmark(rev) => return (told, rev),
        }
    }
}

pub async fn from_zero_everything_is_told_in_order(subject: &impl Subject) {
    let vault = subject.open().await;
    set(&*vault, "a", 1).await;
    set(&*vault, "a", 2).await;
    vault.commit(commit("remove", vec![], vec![Change::Remove(key("a"))])).await.unwrap();
    set(&*vault, "a", 4).await;
    let expected =
        ["Plan/a=1@1", "end 1", "Plan/a=2@2", "end 2", "-Plan/a@3", "end 3", "Plan/a=4@4", "end 4"];
    for vault in [vault, subject.open().await] {
        let (events, until) = told(&mut vault.watch(Rev::ZERO, KeyRange::All)).await;
        assert_eq!((events, until), (expected.map(str::to_owned).to_vec(), Rev(4)));
    }
}

pub async fn from_a_revision_only_what_is_later(subject: &impl Subject) {
    let vault = subject.open().await;
    for n in 1..=4 {
        set(&*vault, "a", n).await;
    }
    let (events, until) = told(&mut vault.watch(Rev(2), KeyRange::All)).await;
    assert_eq!(events, ["Plan/a=3@3", "end 3", "Plan/a=4@4", "end 4"]);
    assert_eq!(until, Rev(4));
}

pub async fn from_the_head_only_what_is_to_come(subject: &impl Subject) {
    let vault = subject.open().await;
    set(&*vault, "a", 1).await;
    let mut events = vault.watch(Rev(1), KeyRange::All);
    assert_eq!(told(&mut events).await, (vec![], Rev(1)));
    let (next, ()) = tokio::join!(told(&mut events), async {
        set(&*vault, "a", 2).await;
    });
    assert_eq!(next, (vec!["Plan/a=2@2".to_owned(), "end 2".to_owned()], Rev(2)));
}

pub async fn only_the_range_is_told(subject: &impl Subject) {
    let vault = subject.open().await;
    let change = ["Operation/shop/a", "Operation/shops/a", "Plan/shop/a"]
        .map(|k| put_at(k.parse().unwrap(), json!({"n": 1})));
    vault.commit(commit("three", vec![], change.to_vec())).await.unwrap();
    set(&*vault, "beside", 2).await;
    let range = KeyRange::under(Kind::Operation, &["shop"]).unwrap();
    let (events, until) = told(&mut vault.watch(Rev::ZERO, range)).await;
    assert_eq!(events, ["Operation/shop/a=1@1", "end 1"]);
    assert_eq!(until, Rev(2), "the bookmark passes what lies outside");
}

pub async fn changes_of_one_commit_are_adjacent_and_closed(subject: &impl Subject) {
    let vault = subject.open().await;
    let change = |n: u64| (0..5).map(|i| put(&format!("k{i}"), json!({"n": n}))).collect();
    let commits = (1..=20_u64).map(|n| vault.commit(commit(&n.to_string(), vec![], change(n))));
    for made in join_all(commits).await {
        made.unwrap();
    }
    let (events, _) = told(&mut vault.watch(Rev::ZERO, KeyRange::All)).await;
    for (group, rev) in events.chunks(6).zip(1..) {
        assert!(group[..5].iter().all(|e| e.ends_with(&format!("@{rev}"))), "{group:?}");
        assert_eq!(group[5], format!("end {rev}"));
    }
    assert_eq!(events.len(), 20 * 6);
}

pub async fn what_another_handle_commits_is_told(subject: &impl Subject) {
    let (vault, other) = (subject.open().await, subject.open().await);
    let mut events = vault.watch(Rev::ZERO, KeyRange::All);
    assert_eq!(told(&mut events).await, (vec![], Rev::ZERO));
    for n in 1..=3 {
        set(&*other, "a", n).await;
        let mut news = Vec::new();
        while news.is_empty() {
            news = told(&mut events).await.0;
        }
        assert_eq!(news, [format!("Plan/a={n}@{n}"), format!("end {n}")]);
    }
}

pub async fn every_change_is_told_once_under_load(subject: &impl Subject) {
    const COMMITS: u64 = 100;
    let (one, other) = (subject.open().await, subject.open().await);
    let watcher = subject.open().await;
    let write = |vault: Arc<dyn Vault>, name: &'static str| async move {
        for n in 0..COMMITS / 2 {
            let id = format!("{name} {n}");
            vault.commit(commit(&id, vec![], vec![put(name, json!({"n": n}))])).await.unwrap();
        }
    };
    let watch = async {
        let mut events = watcher.watch(Rev::ZERO, KeyRange::All);
        let mut all = Vec::new();
        while all.len() < 2 * COMMITS as usize {
            all.append(&mut told(&mut events).await.0);
        }
        all
    };
    let (all, (), ()) = tokio::join!(watch, write(one, "x"), write(other, "y"));
    let ends: Vec<_> = all.iter().filter(|e| e.starts_with("end")).cloned().collect();
    assert_eq!(ends, (1..=COMMITS).map(|r| format!("end {r}")).collect::<Vec<_>>());
    for name in ["x", "y"] {
        let prefix = format!("Plan/{name}=");
        let numbers: Vec<_> = all.iter().filter_map(|e| e.strip_prefix(&prefix)).collect();
        for (n, told) in numbers.iter().enumerate() {
            assert!(told.starts_with(&format!("{n}@")), "{told} in place of {n}");
        }
        assert_eq!(numbers.len() as u64, COMMITS / 2);
    }
}

pub async fn a_bookmark_comes_at_least_every_ten_seconds(subject: &impl Subject) {
    let vault = subject.open().await;
    set(&*vault, "a", 1).await;
    let mut events = vault.watch(Rev(1), KeyRange::All);
    told(&mut events).await;
    for _ in 0..3 {
        let start = Instant::now();
        assert_eq!(told(&mut events).await, (vec![], Rev(1)));
        assert!(start.elapsed() <= Duration::from_millis(10_500), "{:?}", start.elapsed());
    }
}

pub async fn a_slow_watcher_misses_nothing(subject: &impl Subject) {
    let vault = subject.open().await;
    let mut events = vault.watch(Rev::ZERO, KeyRange::All);
    told(&mut events).await;
    for n in 1..=500 {
        set(&*vault, "a", n).await;
    }
    let mut all = Vec::new();
    while all.len() < 1_000 {
        all.append(&mut told(&mut events).await.0);
    }
    let expected = (1..=500).flat_map(|n| [format!("Plan/a={n}@{n}"), format!("end {n}")]);
    assert_eq!(all, expected.collect::<Vec<_>>());
}

pub async fn a_thousand_watchers_see_the_same(subject: &impl Subject) {
    let vault = subject.open().await;
    let watchers = (0..1_000).map(|_| {
        let mut events = vault.watch(Rev::ZERO, KeyRange::All);
        async move {
            let mut all = Vec::new();
            while all.len() < 6 {
                all.append(&mut told(&mut events).await.0);
            }
            all
        }
    });
    let write = async {
        for n in 1..=3 {
            set(&*vault, "a", n).await;
        }
    };
    let (told, ()) = tokio::join!(join_all(watchers), write);
    let expected = ["Plan/a=1@1", "end 1", "Plan/a=2@2", "end 2", "Plan/a=3@3", "end 3"];
    for events in told {
        assert_eq!(events, expected);
    }
}
