//! The suite that every driver runs.
//!
//! A driver's test file implements [`Harness`] and [`Ground`], calls [`run`], and compares
//! [`Report::table`] with a golden file beside it:
//!
//! ```no_run
//! # use coc_cloud::conformance::{Harness, run};
//! # async fn conforms(harness: &dyn Harness, golden: &str) {
//! let report = run(harness).await;
//! assert_eq!(report.broken(), Vec::<String>::new());
//! assert_eq!(report.table(), golden); // include_str!("golden/conformance.txt")
//! # }
//! ```
//!
//! A test runs if the driver declares the abilities, and the harness has the documents and the
//! powers, that it needs. Nothing else skips a test, and the table shows what is not declared.
//! Tests are deterministic under tokio's paused clock; against a server that lives in real time the
//! same tests run with an unpaused one.

mod deleting;
mod drifting;
mod faulting;
mod harness;
mod identity;
mod marking;
mod notebook;
mod reading;
mod stage;
mod updating;
mod waiting;

use std::fmt::Write as _;
use std::sync::Arc;

use futures::future::LocalBoxFuture;
use tokio::time::timeout;

use crate::ability::{
    DRIFT, MARKS_DESCRIPTION, MARKS_LABELS, NAMES_CASELESS, NATIVE_VALIDATED, SETTLE_SECONDS,
    TOKEN_CREATE, UPDATE_PRECONDITION, WATCH,
};
pub use deleting::*;
pub use drifting::*;
pub use faulting::*;
pub use harness::{Document, Ground, Harness, Member, Power, Sample, Trouble};
pub use identity::*;
pub use marking::*;
pub use notebook::{Death, Notebook};
pub use reading::*;
pub use stage::{Broken, Proof, Stage};
pub use updating::*;
pub use waiting::*;

/// What a test needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// The driver declares this ability.
    Ability(&'static str),
    /// The harness has this document.
    Document(Document),
    /// The harness has this power.
    Power(Power),
    /// The harness has a family of resources that need each other.
    Family,
}

/// A test of the suite.
pub struct Test {
    /// What it is about.
    pub group: &'static str,
    /// The behaviour it proves.
    pub name: &'static str,
    /// What it needs.
    pub needs: &'static [Need],
    run: for<'a> fn(&'a Stage) -> LocalBoxFuture<'a, Proof>,
}

macro_rules! tests {
    ($($group:literal: { $($name:ident [$($need:expr),*]),+ $(,)? })+) => {
        /// Every test, in the order in which they run.
        pub const TESTS: &[Test] = &[$($(
            Test {
                group: $group,
                name: stringify!($name),
                needs: &[$($need),*],
                run: |stage| Box::pin($name(stage)),
            },
        )+)+];
    };
}

const fn ability(name: &'static str) -> Need {
    Need::Ability(name)
}

const fn document(document: Document) -> Need {
    Need::Document(document)
}

const fn power(power: Power) -> Need {
    Need::Power(power)
}

tests! {
    "identity": {
        ensure_twice_is_one [],
        ensure_after_lost_answer_is_one [],
        ensure_after_crash_before_send [],
        ensure_after_crash_after_send [],
        ensure_after_crash_after_answer [],
        token_expired_falls_back_to_find [ability(TOKEN_CREATE), power(Power::PassTime)],
        token_reused_with_other_body_is_refused [ability(TOKEN_CREATE), document(Document::Changed)],
        two_with_one_mark_heals_to_older [document(Document::SharedName), power(Power::Twin)],
        foreign_same_name_is_conflict_untouched [power(Power::Foreign)],
    }
    "marks and names": {
        marks_present_at_birth [ability(MARKS_LABELS)],
        marks_survive_update [document(Document::Changed)],
        labelless_type_marked_in_description [ability(MARKS_DESCRIPTION), document(Document::Labelless)],
        long_and_foreign_names_distinct_and_legal [],
        case_insensitive_names_compare [ability(NAMES_CASELESS), power(Power::Foreign)],
    }
    "reading": {
        created_then_404_is_not_gone [ability(SETTLE_SECONDS)],
        throttled_list_is_not_empty [],
        cut_page_is_unknown [],
        stale_read_does_not_recreate [ability(SETTLE_SECONDS)],
        list_pages_complete_under_change [],
        unmarked_never_listed_as_ours [power(Power::Foreign)],
    }
    "waiting": {
        operation_failure_after_200_is_failure [document(Document::Doomed)],
        wait_header_obeyed_exactly [],
        poll_survives_restart [power(Power::Reopen)],
        deadline_is_reported_with_state [power(Power::Block)],
    }
    "update": {
        precondition_failure_rereads [ability(UPDATE_PRECONDITION), document(Document::Changed), power(Power::HandChange)],
        smallest_native_change_sent [document(Document::Changed), power(Power::Requests)],
        immutable_field_means_replace_planned_not_surprise [document(Document::Replaced)],
        other_manager_field_left_alone [document(Document::Changed), power(Power::HandField)],
        field_newer_than_server_refused [ability(NATIVE_VALIDATED), document(Document::Unknown)],
    }
    "drift": {
        no_drift_right_after_create [ability(DRIFT)],
        server_filled_ignored [ability(DRIFT)],
        manual_change_found_and_diffed [ability(DRIFT), power(Power::HandChange)],
        unreadable_field_not_drift [ability(DRIFT), document(Document::Unreadable)],
        equivalent_spelling_not_drift [ability(DRIFT), document(Document::Respelt)],
    }
    "delete": {
        delete_twice_ok [],
        busy_waits_then_succeeds [Need::Family],
        blocked_by_foreign_names_it [power(Power::Block)],
        order_follows_references [Need::Family],
        protected_is_reported_not_forced [document(Document::Protected)],
        only_ours_removed [power(Power::Foreign)],
    }
    "faults": {
        throttle_storm_finishes_without_duplicates [],
        reset_every_nth_call [],
        auth_expires_midway [],
        partial_failure_resumes [Need::Family],
        duplicate_events_change_nothing [ability(WATCH)],
        fail_at_every_step [],
        family_fails_at_every_step [Need::Family],
    }
    "limits": {
        one_call_for_many [power(Power::Requests)],
    }
}

/// How a test ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It ran and its behaviour holds.
    Held,
    /// It ran and its behaviour does not hold.
    Broken(String),
    /// It did not run, since this is not declared.
    NotDeclared(String),
}

/// How the suite ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report(Vec<(&'static str, &'static str, Outcome)>);

impl Report {
    /// Each test with its outcome.
    pub fn outcomes(&self) -> impl Iterator<Item = (&'static str, &Outcome)> {
        self.0.iter().map(|(_, name, outcome)| (*name, outcome))
    }

    /// What does not hold, a line each.
    pub fn broken(&self) -> Vec<String> {
        self.0
            .iter()
            .filter_map(|(_, name, outcome)| match outcome {
                Outcome::Broken(why) => Some(format!("{name}: {why}")),
                Outcome::Held | Outcome::NotDeclared(_) => None,
            })
            .collect()
    }

    /// Which tests run and which need what is not declared: the text of the golden file.
    pub fn table(&self) -> String {
        let mut table = String::new();
        let mut last = "";
        for (group, name, outcome) in &self.0 {
            if *group != last {
                let _ = writeln!(table, "[{group}]");
                last = group;
            }
            let _ = match outcome {
                Outcome::Held | Outcome::Broken(_) => writeln!(table, "{name}: run"),
                Outcome::NotDeclared(what) => writeln!(table, "{name}: not declared: {what}"),
            };
        }
        table
    }
}

/// Runs the whole suite.
pub async fn run(harness: &dyn Harness) -> Report {
    run_some(harness, |_| true).await
}

/// Runs the tests that are picked: for a driver whose author works on one of them.
pub async fn run_some(harness: &dyn Harness, pick: impl Fn(&Test) -> bool) -> Report {
    let mut report = Report::default();
    for test in TESTS.iter().filter(|test| pick(test)) {
        let outcome = match missing(harness, test) {
            Some(what) => Outcome::NotDeclared(what),
            None => match run_one(harness, test).await {
                Ok(()) => Outcome::Held,
                Err(Broken(why)) => Outcome::Broken(why),
            },
        };
        report.0.push((test.group, test.name, outcome));
    }
    report
}

/// The first thing a test needs that is not declared.
fn missing(harness: &dyn Harness, test: &Test) -> Option<String> {
    let description = harness.describe();
    test.needs.iter().find_map(|need| match *need {
        Need::Ability(name) => (!description.has(name)).then(|| name.to_owned()),
        Need::Document(document) => {
            harness.document(document).is_none().then(|| format!("document {}", document.name()))
        }
        Need::Power(power) => {
            (!harness.powers().contains(&power)).then(|| format!("power {}", power.name()))
        }
        Need::Family => harness.family(&|key| key.to_owned()).is_empty().then(|| "family".into()),
    })
}

async fn run_one(harness: &dyn Harness, test: &Test) -> Proof {
    let ground: Arc<dyn Ground> = harness.fresh(test.name).await?;
    let stage = Stage::new(harness, ground, test.name)?;
    // A server that outlives the tests may hold what a killed run has left.
    stage.clear().await?;
    let proof = match timeout(harness.patience(), (test.run)(&stage)).await {
        Ok(proof) => proof,
        Err(_) => Err(Broken(format!("not done after {} s", harness.patience().as_secs()))),
    };
    let cleared = timeout(harness.patience(), stage.clear()).await;
    proof?;
    cleared.unwrap_or_else(|_| Err(Broken("clearing up was not done in time".into())))
}
