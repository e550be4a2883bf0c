//! A service whose number of replicas is left to the plan.

use serde_json::{Value, json};

use crate::folder::{Folder, counts, each, text};

/// A machine holds two members. With three, one of them is in the dearer cloud; five fit on three
/// machines of the cheaper one.
const GOALS: &str = "kind: Goals\nrequire:\n  - majority: {service: db, over: zone}\n  \
    - that: count(replicas(\"db\"), r, r.zone != \"sky-1-a\") >= 3\n";

fn planned() -> (Folder, Value) {
    let folder = Folder::named("members").and("goals.yaml", GOALS);
    let words = "plan store.yaml --goals goals.yaml --catalog . -o plan.json --json";
    let plan = folder.run(words).ended(0);
    (folder, plan)
}

#[test]
fn what_was_read_says_which_numbers_there_are() {
    let read = Folder::named("members").run("check store.yaml --json").ended(0);
    assert_eq!(read["services"]["db"]["replicas"], json!({"oneOf": [3, 5, 7]}));
    let told = Folder::named("members").run("check store.yaml");
    assert!(told.out.contains("db ×3, 5 or 7"), "{}{}", told.out, told.says);
}

#[test]
fn the_plan_has_a_number_that_the_goals_allow() {
    let (_, plan) = planned();
    assert_eq!(text(&plan, "/status"), "optimal");
    assert_eq!(plan["check"]["accepted"], true);
    let services = each(&plan, "/placements", "/service");
    assert_eq!(counts(&services), [("db", 5), ("web", 1)]);
}

#[test]
fn why_it_is_there_and_what_its_goals_cost_can_be_asked() {
    let (folder, _) = planned();
    let why = folder.run("explain plan.json --json --why db").ended(0);
    assert_eq!(each(&why, "/why", "/elsewhere/verdict").len(), 1, "{why}");
    assert_eq!(why["why"][0]["services"], json!(["db"]));
    let prices = folder.run("explain plan.json --json --prices").ended(0);
    assert_eq!(each(&prices, "/prices", "/at"), ["goals.yaml:3:5", "goals.yaml:4:5"]);
    let words = "explain plan.json --json --why-not";
    let other = folder.run_with(words, "count(replicas(\"db\")) == 7").ended(0);
    assert_eq!(text(&other["whyNot"][0], "/verdict"), "possible");
    let none = folder.run_with(words, "count(replicas(\"db\")) == 4").ended(0);
    assert_eq!(text(&none["whyNot"][0], "/verdict"), "impossible");
}

#[test]
fn where_no_number_does_the_goals_are_named() {
    let folder = Folder::named("members").and(
        "goals.yaml",
        "kind: Goals\nrequire:\n  - that: count(replicas(\"db\")) >= 6\n  - that: count(hosts) <= 3\n  \
         - within: {services: [db], area: EU}\n",
    );
    let plan = folder.run("plan store.yaml --goals goals.yaml --catalog . --json").ended(3);
    assert_eq!(
        each(&plan, "/conflict", "/goal"),
        ["count(replicas(\"db\")) >= 6", "count(hosts) <= 3"]
    );
}
