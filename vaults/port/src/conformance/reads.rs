//! Reads: of now, of then, of lists.

use std::time::Duration;

use coc_model::object::{Kind, Object};
use serde_json::json;
use tokio::time::timeout;

use super::{Subject, commit, key, number, put, put_at, set, time};
use crate::commit::{Actor, Change, Commit};
use crate::error::VaultError;
use crate::range::KeyRange;
use crate::record::{Rev, Version};
use crate::vault::{At, Freshness, list_all};

const CACHED: At = At::Head(Freshness::Cached);

pub async fn an_empty_vault_is_empty(subject: &impl Subject) {
    let vault = subject.open().await;
    assert_eq!(vault.head(Freshness::Latest).await.unwrap(), Rev::ZERO);
    assert_eq!(vault.get(&key("a"), At::LATEST).await.unwrap(), None);
    let (rev, found) = list_all(&*vault, &KeyRange::All, At::LATEST).await.unwrap();
    assert_eq!((rev, found.len()), (Rev::ZERO, 0));
    assert_eq!(vault.get(&key("a"), At::Rev(Rev::ZERO)).await.unwrap(), None);
    assert_eq!(vault.get(&key("a"), At::Time(time(0))).await.unwrap(), None);
}

pub async fn an_object_reads_back_exactly(subject: &impl Subject) {
    let body = json!({
        "z": [null, true, "a\"\\\u{1}\u{1F600}", ""], "a": {"": 0, "é": -1},
        "numbers": [u64::MAX, i64::MIN, 0.1, 1e300, 5e-324, -0.0, 123_456_789.012_345_68_f64],
    });
    let object = Object {
        key: key("a"),
        labels: [("team".to_owned(), "blue".to_owned()), (String::new(), "ü".to_owned())].into(),
        schema: 7,
        body,
    };
    let made = commit("exact", vec![], vec![Change::Put(object.clone())]);
    subject.open().await.commit(made.clone()).await.unwrap();
    let found = subject.open().await.get(&key("a"), At::LATEST).await.unwrap().unwrap();
    assert_eq!(found.object, object);
    assert_eq!(found.created, Rev(1));
    assert_eq!(found.version, Version { rev: Rev(1), n: 1 });
    let origin = found.origin;
    assert_eq!((origin.rev, origin.id, origin.when), (Rev(1), made.id, made.when));
    assert_eq!((origin.author, origin.why), (Actor("ann".to_owned()), made.why));
}

pub async fn names_of_any_script_keep_their_order(subject: &impl Subject) {
    let vault = subject.open().await;
    let mut names = ["ж", "a b", "Z", "店", "é", "a", "~", "🦀", "a.b", "0"];
    let change = names.iter().map(|name| put(name, json!({}))).collect();
    vault.commit(commit("names", vec![], change)).await.unwrap();
    let (_, found) = list_all(&*vault, &KeyRange::kind(Kind::Plan), At::LATEST).await.unwrap();
    names.sort_unstable();
    assert_eq!(found.iter().map(|r| r.key().name()).collect::<Vec<_>>(), names);
    for name in names {
        assert!(vault.get(&key(name), At::LATEST).await.unwrap().is_some(), "{name}");
    }
}

pub async fn latest_sees_what_another_handle_committed(subject: &impl Subject) {
    let (one, other) = (subject.open().await, subject.open().await);
    for n in 1..=5 {
        set(&*one, "a", 2 * n).await;
        assert_eq!(number(&*other, "a", At::LATEST).await, Some(2 * n));
        let read = other.get(&key("a"), At::LATEST).await.unwrap().unwrap();
        assert_eq!(other.head(Freshness::Cached).await.unwrap(), read.version.rev);
        set(&*other, "a", 2 * n + 1).await;
        assert_eq!(number(&*one, "a", At::LATEST).await, Some(2 * n + 1));
    }
}

pub async fn at_least_waits_for_a_revision(subject: &impl Subject) {
    let (one, other) = (subject.open().await, subject.open().await);
    set(&*one, "a", 1).await;
    let third = At::Head(Freshness::AtLeast(Rev(3)));
    let early = timeout(Duration::from_secs(60), other.get(&key("a"), third)).await;
    assert!(early.is_err(), "it must wait, found {early:?}");
    let a = key("a");
    let wait = other.get(&a, third);
    let write = async {
        set(&*one, "a", 2).await;
        set(&*one, "a", 3).await;
    };
    let (found, ()) = tokio::join!(wait, write);
    assert_eq!(found.unwrap().unwrap().object.body, json!({"n": 3}));
}

pub async fn cached_never_goes_back(subject: &impl Subject) {
    let (one, other) = (subject.open().await, subject.open().await);
    let mut seen = Rev::ZERO;
    for n in 1..=20 {
        set(&*one, "a", n).await;
        if n % 5 == 0 {
            other.head(Freshness::Latest).await.unwrap();
        }
        let now = other.head(Freshness::Cached).await.unwrap();
        assert!(now >= seen && now <= Rev(n), "{now} after {seen}, head {n}");
        assert!(number(&*other, "a", CACHED).await.unwrap_or(0) >= seen.0);
        seen = now;
    }
    assert_eq!(seen, Rev(20));
    assert_eq!(one.head(Freshness::Cached).await.unwrap(), Rev(20), "own commits are known");
}

pub async fn a_read_of_a_revision_sees_that_revision(subject: &impl Subject) {
    let vault = subject.open().await;
    set(&*vault, "a", 1).await;
    set(&*vault, "b", 2).await;
    vault.commit(commit("remove", vec![], vec![Change::Remove(key("a"))])).await.unwrap();
    set(&*vault, "a", 4).await;
    let other = subject.open().await;
    let then = [
        (0, None, None),
        (1, Some(1), None),
        (2, Some(1), Some(2)),
        (3, None, Some(2)),
        (4, Some(4), Some(2)),
    ];
    for (rev, a, b) in then {
        for vault in [&vault, &other] {
            let at = At::Rev(Rev(rev));
            assert_eq!(number(&**vault, "a", at).await, a, "a at {rev}");
            assert_eq!(number(&**vault, "b", at).await, b, "b at {rev}");
            let (listed_at, list) = list_all(&**vault, &KeyRange::All, at).await.unwrap();
            assert_eq!(listed_at, Rev(rev));
            assert_eq!(list.len(), usize::from(a.is_some()) + usize::from(b.is_some()));
        }
    }
}

pub async fn a_read_of_a_time_sees_the_newest_not_after_it(subject: &impl Subject) {
    let vault = subject.open().await;
    for (n, second) in [(1_u64, 100), (2, 200), (3, 200), (4, 300)] {
        let change = vec![put("a", json!({"n": n}))];
        let made = Commit { when: time(second), ..commit(&n.to_string(), vec![], change) };
        vault.commit(made).await.unwrap();
    }
    let then = [
        (99, None),
        (100, Some(1)),
        (199, Some(1)),
        (200, Some(3)),
        (299, Some(3)),
        (900, Some(4)),
    ];
    for (second, expected) in then {
        assert_eq!(number(&*vault, "a", At::Time(time(second))).await, expected, "at {second}");
    }
}

pub async fn a_revision_ahead_is_refused(subject: &impl Subject) {
    let vault = subject.open().await;
    set(&*vault, "a", 1).await;
    let ahead = VaultError::Ahead { asked: Rev(2), head: Rev(1) };
    assert_eq!(vault.get(&key("a"), At::Rev(Rev(2))).await, Err(ahead.clone()));
    assert_eq!(vault.list(&KeyRange::All, At::Rev(Rev(2)), None, 1).await, Err(ahead));
}

pub async fn a_list_is_of_one_revision_over_all_its_pages(subject: &impl Subject) {
    let (vault, writer) = (subject.open().await, subject.open().await);
    let change = (0..10).map(|i| put(&format!("k{i}"), json!({"n": 0}))).collect();
    vault.commit(commit("ten", vec![], change)).await.unwrap();
    let range = KeyRange::kind(Kind::Plan);
    let mut page = vault.list(&range, At::LATEST, None, 3).await.unwrap();
    let rev = page.rev;
    let mut names: Vec<_> = page.records.iter().map(|r| r.key().name().to_owned()).collect();
    while let Some(next) = page.next {
        // Changes between the pages: one removed ahead, one made ahead, one changed.
        let n = names.len();
        let change = vec![
            Change::Remove(key("k9")),
            put("k44", json!({"n": n})),
            put("k8", json!({"n": n})),
        ];
        writer.commit(commit(&format!("between {n}"), vec![], change)).await.unwrap();
        page = vault.list(&range, At::Rev(rev), Some(&next), 3).await.unwrap();
        assert_eq!(page.rev, rev);
        for record in &page.records {
            assert_eq!(record.object.body, json!({"n": 0}));
            names.push(record.key().name().to_owned());
        }
    }
    assert_eq!(names, (0..10).map(|i| format!("k{i}")).collect::<Vec<_>>());
}

pub async fn a_list_holds_its_range_in_order(subject: &impl Subject) {
    let vault = subject.open().await;
    let keys = [
        "Operation/shop/b",
        "Operation/shop/a",
        "Operation/shop",
        "Operation/shopping/x",
        "Plan/shop/c",
        "Operation/a/z",
        "Operation/shop/b/c",
    ];
    let change = keys.iter().map(|k| put_at(k.parse().unwrap(), json!({}))).collect();
    vault.commit(commit("all", vec![], change)).await.unwrap();
    let listed = |range| {
        let vault = vault.clone();
        async move {
            let (_, found) = list_all(&*vault, &range, At::LATEST).await.unwrap();
            found.iter().map(|r| r.key().to_string()).collect::<Vec<_>>()
        }
    };
    assert_eq!(
        listed(KeyRange::under(Kind::Operation, &["shop"]).unwrap()).await,
        ["Operation/shop/a", "Operation/shop/b", "Operation/shop/b/c"]
    );
    assert_eq!(listed(KeyRange::kind(Kind::Plan)).await, ["Plan/shop/c"]);
    assert_eq!(listed(KeyRange::One("Operation/shop".parse().unwrap())).await, ["Operation/shop"]);
    let mut all = keys;
    all.sort_unstable();
    assert_eq!(listed(KeyRange::All).await, all);
    // A cursor past the range ends the list.
    let after = "Plan/zzz".parse().unwrap();
    let range = KeyRange::kind(Kind::Operation);
    let page = vault.list(&range, At::LATEST, Some(&after), 10).await.unwrap();
    assert_eq!((page.records.len(), page.next), (0, None));
}

pub async fn removed_and_made_again_starts_anew(subject: &impl Subject) {
    let vault = subject.open().await;
    set(&*vault, "a", 1).await;
    set(&*vault, "a", 2).await;
    let removed = vault.commit(commit("remove", vec![], vec![Change::Remove(key("a"))])).await;
    assert_eq!(removed.unwrap().versions.len(), 0);
    set(&*vault, "a", 4).await;
    let found = vault.get(&key("a"), At::LATEST).await.unwrap().unwrap();
    assert_eq!((found.version, found.created), (Version { rev: Rev(4), n: 1 }, Rev(4)));
    let before = vault.get(&key("a"), At::Rev(Rev(2))).await.unwrap().unwrap();
    assert_eq!((before.version, before.created), (Version { rev: Rev(2), n: 2 }, Rev(1)));
}

pub async fn touch_is_a_new_version_of_the_same_bytes(subject: &impl Subject) {
    let vault = subject.open().await;
    set(&*vault, "a", 1).await;
    let touch = vec![Change::Touch(key("a")), Change::Touch(key("absent"))];
    let touched = vault.commit(commit("touch", vec![], touch)).await.unwrap();
    assert_eq!(touched.versions, [(key("a"), Version { rev: Rev(2), n: 2 })].into());
    assert_eq!(number(&*vault, "a", At::LATEST).await, Some(1));
    assert_eq!(vault.get(&key("absent"), At::LATEST).await.unwrap(), None);
}

pub async fn everything_is_there_after_reopening(subject: &impl Subject) {
    let vault = subject.open().await;
    for n in 0..300 {
        set(&*vault, &format!("k{}", n % 7), n).await;
    }
    let before = list_all(&*vault, &KeyRange::All, At::LATEST).await.unwrap();
    drop(vault);
    let again = subject.open().await;
    assert_eq!(list_all(&*again, &KeyRange::All, At::LATEST).await.unwrap(), before);
    assert_eq!(set(&*again, "next", 1).await.rev, Rev(301));
}
