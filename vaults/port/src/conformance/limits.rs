//! Limits, at and over.

use coc_model::object::KEY_MAX;
use serde_json::{Value, json};

use super::{Subject, commit, key, put, put_at};
use crate::commit::{Change, Condition};
use crate::error::VaultError;
use crate::record::Rev;
use crate::vault::{At, Freshness};

/// Commits what is at a limit, and what is over it: that must be refused without a trace.
async fn at_and_over(
    subject: &impl Subject,
    at: (Vec<Condition>, Vec<Change>),
    over: (Vec<Condition>, Vec<Change>),
) {
    let vault = subject.open().await;
    assert_eq!(vault.commit(commit("at", at.0, at.1.clone())).await.unwrap().rev, Rev(1));
    let refused = vault.commit(commit("over", over.0, over.1)).await;
    let Err(VaultError::OverLimit { size, limit, .. }) = refused else {
        panic!("expected a refusal, found {refused:?}");
    };
    assert_eq!(size, limit + 1);
    let again = subject.open().await;
    assert_eq!(again.head(Freshness::Latest).await.unwrap(), Rev(1));
    for change in at.1.iter().take(3) {
        let Change::Put(object) = change else { continue };
        let found = again.get(&object.key, At::LATEST).await.unwrap().unwrap();
        assert_eq!(&found.object, object);
    }
}

/// A body of this many bytes as JSON.
fn body(bytes: usize) -> Value {
    json!({"a": "x".repeat(bytes - r#"{"a":""}"#.len())})
}

pub async fn a_body_at_the_limit_is_taken_and_over_it_refused(subject: &impl Subject) {
    let limit = subject.open().await.limits().body_bytes;
    let (at, over) = (vec![put("a", body(limit))], vec![put("a", body(limit + 1))]);
    at_and_over(subject, (vec![], at), (vec![], over)).await;
}

pub async fn depth_at_the_limit_is_taken_and_over_it_refused(subject: &impl Subject) {
    let limit = subject.open().await.limits().body_depth;
    let nested = |depth| {
        (1..depth).fold(json!([1]), |inner, i| {
            if i % 2 == 0 { json!([inner, 1]) } else { json!({"a": 1, "b": inner}) }
        })
    };
    let (at, over) = (vec![put("a", nested(limit))], vec![put("a", nested(limit + 1))]);
    at_and_over(subject, (vec![], at), (vec![], over)).await;
}

pub async fn changes_at_the_limit_are_taken_and_over_it_refused(subject: &impl Subject) {
    let limit = subject.open().await.limits().changes;
    let changes = |n| (0..n).map(|i| put(&format!("k{i}"), json!({"n": i}))).collect::<Vec<_>>();
    at_and_over(subject, (vec![], changes(limit)), (vec![], changes(limit + 1))).await;
}

pub async fn conditions_at_the_limit_are_taken_and_over_it_refused(subject: &impl Subject) {
    let limit = subject.open().await.limits().conditions;
    let require = |n| (0..n).map(|i| Condition::Absent(key(&format!("k{i}")))).collect::<Vec<_>>();
    at_and_over(subject, (require(limit), vec![]), (require(limit + 1), vec![])).await;
}

pub async fn a_commit_at_the_limit_is_taken_and_over_it_refused(subject: &impl Subject) {
    let limits = subject.open().await.limits();
    let changes = |total: usize| {
        let words = |id: &str| commit(id, vec![], vec![]);
        let mut left = total - words("at").why.len() - words("at").author.0.len();
        let mut changes = Vec::new();
        while left > 0 {
            let name = format!("k{}", changes.len());
            // Never a rest too small for a body of its own.
            let most = limits.body_bytes.min(left - key(&name).as_str().len());
            let size = if left - most > 100 { most - 200 } else { most };
            left -= size + key(&name).as_str().len();
            changes.push(put(&name, body(size)));
        }
        changes
    };
    let over = changes(limits.commit_bytes + 1);
    // The reason of the second commit is two letters longer.
    let over = over.into_iter().map(|c| shorter(c, 2)).collect();
    at_and_over(subject, (vec![], changes(limits.commit_bytes)), (vec![], over)).await;
}

/// The first change with a body shorter by so many bytes; the others as they are.
fn shorter(change: Change, bytes: usize) -> Change {
    match change {
        Change::Put(mut object) if object.key == key("k0") => {
            if let Value::String(text) = &mut object.body["a"] {
                text.truncate(text.len() - bytes);
            }
            Change::Put(object)
        }
        other => other,
    }
}

pub async fn a_key_at_the_limit_is_taken(subject: &impl Subject) {
    let vault = subject.open().await;
    let longest = key(&"k".repeat(KEY_MAX - "Plan/".len()));
    assert_eq!(longest.as_str().len(), vault.limits().key_bytes);
    let made = commit("long", vec![], vec![put_at(longest.clone(), json!({}))]);
    vault.commit(made).await.unwrap();
    let again = subject.open().await;
    assert!(again.get(&longest, At::LATEST).await.unwrap().is_some());
    assert!(format!("{longest}k").parse::<coc_model::object::Key>().is_err());
}

pub async fn an_object_changed_twice_is_refused(subject: &impl Subject) {
    let vault = subject.open().await;
    let twice = vec![put("a", json!({})), Change::Remove(key("a"))];
    let refused = vault.commit(commit("twice", vec![], twice)).await;
    assert_eq!(refused, Err(VaultError::ChangedTwice(key("a"))));
    assert_eq!(vault.head(Freshness::Latest).await.unwrap(), Rev::ZERO);
}
