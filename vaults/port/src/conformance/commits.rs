//! Commits and their conditions.

use std::collections::BTreeSet;

use coc_model::object::Kind;
use futures::future::join_all;
use serde_json::json;

use super::{Subject, commit, conflict, key, number, put, set, time};
use crate::commit::{Change, Commit, Condition, WhenSame};
use crate::error::VaultError;
use crate::range::KeyRange;
use crate::record::{Rev, Version};
use crate::vault::{At, Freshness, Vault, list_all};

pub async fn revisions_are_dense_from_one(subject: &impl Subject) {
    let vault = subject.open().await;
    for n in 1..=5 {
        let made = set(&*vault, "a", n).await;
        assert_eq!(made.rev, Rev(n));
        let version = Version { rev: Rev(n), n: u32::try_from(n).unwrap() };
        assert_eq!(made.versions, [(key("a"), version)].into());
    }
    assert_eq!(vault.head(Freshness::Latest).await.unwrap(), Rev(5));
}

pub async fn a_commit_is_seen_whole_or_not_at_all(subject: &impl Subject) {
    let writer = subject.open().await;
    let reader = subject.open().await;
    let write = async {
        for n in 0..60_u64 {
            let pair = vec![put("a", json!({"n": n})), put("b", json!({"n": n}))];
            writer.commit(commit(&format!("pair {n}"), vec![], pair)).await.unwrap();
        }
    };
    let read = async {
        loop {
            let (rev, found) = list_all(&*reader, &KeyRange::All, At::LATEST).await.unwrap();
            let numbers: BTreeSet<_> = found.iter().map(|r| r.object.body.to_string()).collect();
            assert!(numbers.len() <= 1 && found.len() != 1, "half a commit at {rev}: {found:?}");
            if rev == Rev(60) {
                return;
            }
            // A backend that never waits would not let the writer on.
            tokio::task::yield_now().await;
        }
    };
    tokio::join!(write, read);
}

pub async fn no_update_is_lost_between_handles(subject: &impl Subject) {
    const EACH: usize = 15;
    let first = subject.open().await;
    set(&*first, "counter", 0).await;
    let handles = [first, subject.open().await, subject.open().await];
    let count = |writer: usize, vault: std::sync::Arc<dyn Vault>| async move {
        let mut done = 0;
        let mut tries = 0;
        while done < EACH {
            tries += 1;
            let found = vault.get(&key("counter"), At::LATEST).await.unwrap().unwrap();
            let next = found.object.body["n"].as_u64().unwrap() + 1;
            let require = vec![Condition::Is(key("counter"), found.version.rev)];
            let change = vec![put("counter", json!({"n": next}))];
            match vault.commit(commit(&format!("{writer} {tries}"), require, change)).await {
                Ok(_) => done += 1,
                refused => {
                    // Only a commit of someone else after our reading can refuse us.
                    assert!(conflict(refused).found > found.version.rev);
                }
            }
        }
    };
    let total = (handles.len() * EACH) as u64;
    join_all(handles.iter().enumerate().map(|(i, v)| count(i, v.clone()))).await;
    for vault in &handles {
        assert_eq!(number(&**vault, "counter", At::LATEST).await, Some(total));
        assert_eq!(vault.head(Freshness::Latest).await.unwrap(), Rev(total + 1));
    }
}

/// Commits under one condition that holds and one that doesn't.
async fn judged(vault: &dyn Vault, holds: Condition, fails: Condition, found: Rev) {
    let head = vault.head(Freshness::Latest).await.unwrap();
    let refused =
        vault.commit(commit("refused", vec![fails.clone()], vec![put("x", json!({}))])).await;
    let conflict = conflict(refused);
    assert_eq!((conflict.condition, conflict.found, conflict.head), (fails, found, head));
    let made = vault.commit(commit("made", vec![holds], vec![put("x", json!({}))])).await.unwrap();
    assert_eq!(made.rev, head.next());
}

pub async fn absent_refuses_what_is_there(subject: &impl Subject) {
    let vault = subject.open().await;
    set(&*vault, "a", 1).await;
    judged(&*vault, Condition::Absent(key("b")), Condition::Absent(key("a")), Rev(1)).await;
    // What was removed is absent.
    vault.commit(commit("remove", vec![], vec![Change::Remove(key("a"))])).await.unwrap();
    let again = commit("again", vec![Condition::Absent(key("a"))], vec![put("a", json!({}))]);
    assert!(vault.commit(again).await.is_ok());
}

pub async fn is_refuses_another_revision(subject: &impl Subject) {
    let vault = subject.open().await;
    set(&*vault, "a", 1).await;
    set(&*vault, "a", 2).await;
    let absent = commit("no", vec![Condition::Is(key("b"), Rev::ZERO)], vec![]);
    assert_eq!(conflict(vault.commit(absent).await).found, Rev::ZERO, "absent is no revision");
    judged(&*vault, Condition::Is(key("a"), Rev(2)), Condition::Is(key("a"), Rev(1)), Rev(2)).await;
}

pub async fn exists_refuses_what_is_absent(subject: &impl Subject) {
    let vault = subject.open().await;
    set(&*vault, "a", 1).await;
    judged(&*vault, Condition::Exists(key("a")), Condition::Exists(key("b")), Rev::ZERO).await;
}

pub async fn none_in_refuses_any_later_change_in_the_range(subject: &impl Subject) {
    let vault = subject.open().await;
    let shop = || KeyRange::under(Kind::Plan, &["shop"]).unwrap();
    set(&*vault, "shop/a", 1).await;
    set(&*vault, "shops", 2).await;
    let (holds, fails) = (Condition::NoneIn(shop(), Rev(1)), Condition::NoneIn(shop(), Rev(0)));
    judged(&*vault, holds, fails, Rev(1)).await;
    // A removal is a change too.
    let rev = vault.commit(commit("remove", vec![], vec![Change::Remove(key("shop/a"))])).await;
    let late = commit("late", vec![Condition::NoneIn(shop(), Rev(1))], vec![]);
    assert_eq!(conflict(vault.commit(late).await).found, rev.unwrap().rev);
}

pub async fn head_is_refuses_another_head(subject: &impl Subject) {
    let vault = subject.open().await;
    set(&*vault, "a", 1).await;
    set(&*vault, "b", 2).await;
    judged(&*vault, Condition::HeadIs(Rev(2)), Condition::HeadIs(Rev(1)), Rev(2)).await;
}

pub async fn a_conflict_names_the_first_condition_in_the_order_given(subject: &impl Subject) {
    let vault = subject.open().await;
    set(&*vault, "a", 1).await;
    let wrong =
        [Condition::Absent(key("a")), Condition::Exists(key("b")), Condition::HeadIs(Rev(9))];
    for (i, first) in wrong.iter().enumerate() {
        let mut require = vec![Condition::Exists(key("a"))];
        require.extend_from_slice(&wrong[i..]);
        let refused = vault.commit(commit("wrong", require, vec![])).await;
        assert_eq!(&conflict(refused).condition, first);
    }
}

pub async fn a_refused_commit_writes_nothing(subject: &impl Subject) {
    let vault = subject.open().await;
    set(&*vault, "a", 1).await;
    let change = vec![put("b", json!({})), Change::Remove(key("a"))];
    let refused = commit("refused", vec![Condition::Absent(key("a"))], change.clone());
    conflict(vault.commit(refused).await);
    let again = subject.open().await;
    for vault in [vault, again] {
        let (rev, found) = list_all(&*vault, &KeyRange::All, At::LATEST).await.unwrap();
        assert_eq!((rev, found.len()), (Rev(1), 1));
        assert_eq!(number(&*vault, "a", At::LATEST).await, Some(1));
    }
}

pub async fn the_same_id_again_gives_the_first_outcome(subject: &impl Subject) {
    let vault = subject.open().await;
    let once =
        || commit("once", vec![Condition::Absent(key("a"))], vec![put("a", json!({"n": 1}))]);
    let first = vault.commit(once()).await.unwrap();
    set(&*vault, "a", 2).await;
    // Its condition does not hold any more, which does not matter: it was made.
    assert_eq!(vault.commit(once()).await.unwrap(), first);
    let later = Commit { when: time(9_999), why: "tried again".to_owned(), ..once() };
    assert_eq!(vault.commit(later).await.unwrap(), first);
    assert_eq!(number(&*vault, "a", At::LATEST).await, Some(2));
    assert_eq!(vault.head(Freshness::Latest).await.unwrap(), Rev(2));
}

pub async fn the_same_id_at_once_is_one_commit(subject: &impl Subject) {
    let (first, second) = (subject.open().await, subject.open().await);
    let once = || commit("once", vec![], vec![put("a", json!({"n": 1}))]);
    let tries = (0..8).map(|i| if i % 2 == 0 { &first } else { &second }.commit(once()));
    for made in join_all(tries).await {
        assert_eq!(made.unwrap().rev, Rev(1));
    }
    assert_eq!(first.head(Freshness::Latest).await.unwrap(), Rev(1));
}

pub async fn the_same_id_after_reopening_gives_the_first_outcome(subject: &impl Subject) {
    let once = || commit("once", vec![], vec![put("a", json!({"n": 1}))]);
    let vault = subject.open().await;
    let first = vault.commit(once()).await.unwrap();
    set(&*vault, "a", 2).await;
    drop(vault);
    let again = subject.open().await;
    assert_eq!(again.commit(once()).await.unwrap(), first);
    assert_eq!(number(&*again, "a", At::LATEST).await, Some(2));
}

pub async fn an_id_used_for_other_changes_is_refused(subject: &impl Subject) {
    let vault = subject.open().await;
    vault.commit(commit("id", vec![], vec![put("a", json!({"n": 1}))])).await.unwrap();
    let other = vault.commit(commit("id", vec![], vec![put("a", json!({"n": 2}))])).await;
    assert!(matches!(other, Err(VaultError::IdReused { rev: Rev(1), .. })), "{other:?}");
    assert_eq!(number(&*vault, "a", At::LATEST).await, Some(1));
}

pub async fn a_commit_without_effect_takes_a_revision(subject: &impl Subject) {
    let vault = subject.open().await;
    let same = |id| commit(id, vec![], vec![put("a", json!({"n": 1}))]);
    vault.commit(same("first")).await.unwrap();
    let second = vault.commit(same("second")).await.unwrap();
    assert_eq!(second.rev, Rev(2));
    assert_eq!(second.versions[&key("a")], Version { rev: Rev(2), n: 2 });
    let nothing = vault.commit(commit("nothing", vec![], vec![])).await.unwrap();
    assert_eq!((nothing.rev, nothing.versions.len()), (Rev(3), 0));
    let absent = vault.commit(commit("absent", vec![], vec![Change::Remove(key("b"))])).await;
    assert_eq!(absent.unwrap().rev, Rev(4));
}

pub async fn a_commit_without_effect_is_skipped_if_asked(subject: &impl Subject) {
    let (vault, other) = (subject.open().await, subject.open().await);
    let body = json!({"n": 1, "m": {"x": [1, 2]}});
    let skip = |id, change| Commit { when_same: WhenSame::Skip, ..commit(id, vec![], change) };
    let put_same = || vec![put("a", body.clone()), Change::Remove(key("b"))];
    assert_eq!(vault.commit(skip("first", put_same())).await.unwrap().rev, Rev(1));
    let skipped = other.commit(skip("second", put_same())).await.unwrap();
    assert_eq!(skipped.rev, Rev(1));
    assert_eq!(skipped.versions, [(key("a"), Version { rev: Rev(1), n: 1 })].into());
    let reordered = json!({"m": {"x": [1, 2]}, "n": 1});
    let skipped = vault.commit(skip("third", vec![put("a", reordered)])).await.unwrap();
    assert_eq!(skipped.rev, Rev(1), "the order of keys is no difference");
    let changed = vault.commit(skip("fourth", vec![put("a", json!({"n": 2}))])).await.unwrap();
    assert_eq!(changed.rev, Rev(2));
    let touched = vault.commit(skip("fifth", vec![Change::Touch(key("a"))])).await.unwrap();
    assert_eq!(touched.rev, Rev(3), "a touch is a change");
}

pub async fn commits_at_once_get_their_own_answers(subject: &impl Subject) {
    let vault = subject.open().await;
    // Every name is wanted by three commits; one of them gets it.
    let wanted = (0..90_usize).map(|i| {
        let name = format!("n{}", i / 3);
        let change = vec![put(&name, json!({"n": i}))];
        vault.commit(commit(&format!("try {i}"), vec![Condition::Absent(key(&name))], change))
    });
    let mut revs = BTreeSet::new();
    for (i, outcome) in join_all(wanted).await.into_iter().enumerate() {
        let name = format!("n{}", i / 3);
        let found = vault.get(&key(&name), At::LATEST).await.unwrap().unwrap();
        match outcome {
            Ok(made) => {
                assert_eq!(found.object.body, json!({"n": i}));
                assert_eq!(made.versions[&key(&name)], found.version);
                assert!(revs.insert(made.rev));
            }
            refused => assert_eq!(conflict(refused).found, found.version.rev),
        }
    }
    assert_eq!(revs, (1..=30).map(Rev).collect());
}

pub async fn large_commits_at_once_are_all_made(subject: &impl Subject) {
    let vault = subject.open().await;
    let text = "x".repeat(900_000);
    let large = |i: usize| {
        let change = (0..4).map(|j| put(&format!("k{i}.{j}"), json!({"t": text}))).collect();
        vault.commit(commit(&format!("large {i}"), vec![], change))
    };
    let made = join_all((0..6).map(large)).await;
    let revs: BTreeSet<_> = made.into_iter().map(|made| made.unwrap().rev).collect();
    assert_eq!(revs, (1..=6).map(Rev).collect());
    let (_, found) = list_all(&*subject.open().await, &KeyRange::All, At::LATEST).await.unwrap();
    assert_eq!(found.len(), 24);
    assert!(found.iter().all(|r| r.object.body["t"].as_str() == Some(&text)));
}

pub async fn time_never_goes_back_along_the_log(subject: &impl Subject) {
    let vault = subject.open().await;
    for (i, second) in [100, 50, 200, 199].into_iter().enumerate() {
        let late = Commit {
            when: time(second),
            ..commit(&i.to_string(), vec![], vec![put(&format!("k{i}"), json!({}))])
        };
        vault.commit(late).await.unwrap();
    }
    let (_, found) = list_all(&*vault, &KeyRange::All, At::LATEST).await.unwrap();
    let times: Vec<_> = found.iter().map(|r| r.origin.when).collect();
    assert_eq!(times, [time(100), time(100), time(200), time(200)]);
}
