//! What every vault does, as tests: one function for each promise of [`Vault`], to be run on every
//! backend with [`vault_conformance!`](crate::vault_conformance).
//!
//! A function panics where a promise is broken, as tests do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests as functions")]
#![allow(missing_docs, reason = "the names of the tests say what they prove")]

pub mod commits;
pub mod limits;
pub mod reads;
pub mod watches;

use std::sync::Arc;

use async_trait::async_trait;
use coc_model::object::{Key, Kind, Object};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::commit::{Actor, Change, Commit, CommitId, Committed, Condition, WhenSame};
use crate::error::{Conflict, VaultError};
use crate::vault::{At, Vault};

/// A vault under test.
#[async_trait]
pub trait Subject: Send + Sync {
    /// A handle to the one vault of this subject, which is empty at first. Each call opens it anew,
    /// as another process would.
    async fn open(&self) -> Arc<dyn Vault>;
}

/// Makes a `#[tokio::test]` of every promise. Takes an expression that gives a new [`Subject`].
///
/// Time is paused: it goes on by itself while everything waits, so that no test takes long.
#[macro_export]
macro_rules! vault_conformance {
    ($subject:expr) => {
        $crate::vault_conformance! { @module commits $subject;
            revisions_are_dense_from_one
            a_commit_is_seen_whole_or_not_at_all
            no_update_is_lost_between_handles
            absent_refuses_what_is_there
            is_refuses_another_revision
            exists_refuses_what_is_absent
            none_in_refuses_any_later_change_in_the_range
            head_is_refuses_another_head
            a_conflict_names_the_first_condition_in_the_order_given
            a_refused_commit_writes_nothing
            the_same_id_again_gives_the_first_outcome
            the_same_id_at_once_is_one_commit
            the_same_id_after_reopening_gives_the_first_outcome
            an_id_used_for_other_changes_is_refused
            a_commit_without_effect_takes_a_revision
            a_commit_without_effect_is_skipped_if_asked
            commits_at_once_get_their_own_answers
            large_commits_at_once_are_all_made
            time_never_goes_back_along_the_log
        }
        $crate::vault_conformance! { @module reads $subject;
            an_empty_vault_is_empty
            an_object_reads_back_exactly
            names_of_any_script_keep_their_order
            latest_sees_what_another_handle_committed
            at_least_waits_for_a_revision
            cached_never_goes_back
            a_read_of_a_revision_sees_that_revision
            a_read_of_a_time_sees_the_newest_not_after_it
            a_revision_ahead_is_refused
            a_list_is_of_one_revision_over_all_its_pages
            a_list_holds_its_range_in_order
            removed_and_made_again_starts_anew
            touch_is_a_new_version_of_the_same_bytes
            everything_is_there_after_reopening
        }
        $crate::vault_conformance! { @module watches $subject;
            from_zero_everything_is_told_in_order
            from_a_revision_only_what_is_later
            from_the_head_only_what_is_to_come
            only_the_range_is_told
            changes_of_one_commit_are_adjacent_and_closed
            what_another_handle_commits_is_told
            every_change_is_told_once_under_load
            a_bookmark_comes_at_least_every_ten_seconds
            a_slow_watcher_misses_nothing
            a_thousand_watchers_see_the_same
        }
        $crate::vault_conformance! { @module limits $subject;
            a_body_at_the_limit_is_taken_and_over_it_refused
            depth_at_the_limit_is_taken_and_over_it_refused
            changes_at_the_limit_are_taken_and_over_it_refused
            conditions_at_the_limit_are_taken_and_over_it_refused
            a_commit_at_the_limit_is_taken_and_over_it_refused
            a_key_at_the_limit_is_taken
            an_object_changed_twice_is_refused
        }
    };
    (@module $module:ident $subject:expr; $($test:ident)*) => {
        mod $module {
            use super::*;
            $(
                #[tokio::test(start_paused = true)]
                async fn $test() {
                    $crate::conformance::$module::$test(&$subject).await;
                }
            )*
        }
    };
}

/// The key of a plan.
fn key(name: &str) -> Key {
    format!("{}/{name}", Kind::Plan).parse().unwrap()
}

fn put(name: &str, body: Value) -> Change {
    put_at(key(name), body)
}

fn put_at(key: Key, body: Value) -> Change {
    Change::Put(Object { key, labels: Default::default(), schema: 1, body })
}

fn time(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// A commit with an id made of a text, at second 1,000.
fn commit(id: &str, require: Vec<Condition>, change: Vec<Change>) -> Commit {
    Commit {
        id: CommitId::of(id),
        author: Actor("ann".to_owned()),
        why: format!("because of {id}"),
        when: time(1_000),
        require,
        change,
        when_same: WhenSame::Commit,
    }
}

/// Puts a plan with a number in it.
async fn set(vault: &dyn Vault, name: &str, n: u64) -> Committed {
    let head = vault.head(crate::vault::Freshness::Cached).await.unwrap();
    let id = format!("set {name} {n} {head}");
    vault.commit(commit(&id, vec![], vec![put(name, json!({"n": n}))])).await.unwrap()
}

/// The number in a plan now, `None` if there is no such plan.
async fn number(vault: &dyn Vault, name: &str, at: At) -> Option<u64> {
    vault.get(&key(name), at).await.unwrap().map(|record| record.object.body["n"].as_u64().unwrap())
}

fn conflict(outcome: Result<Committed, VaultError>) -> Conflict {
    match outcome {
        Err(VaultError::Conflict(conflict)) => *conflict,
        other => panic!("expected a conflict, found {other:?}"),
    }
}
