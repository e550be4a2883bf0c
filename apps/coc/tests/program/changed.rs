//! Goals that change while an application runs.

use serde_json::Value;

use crate::folder::{Folder, each, text};

/// A folder with an application that runs by goals of its own.
fn running() -> (Folder, Value) {
    let folder = Folder::named("verbs");
    folder.run("mount clouds.yaml --json").ended(0);
    let plan = folder.run("plan app.yaml --goals goals.yaml -o plan.json --json").ended(0);
    assert_eq!(plan.get("tradeoff"), None, "nothing ran before");
    folder.run("apply plan.json --yes --json").ended(0);
    (folder, plan)
}

fn goals(require: &str) -> String {
    format!("kind: Goals\napplication: library\nrequire:\n{require}\nminimize: [cost]\n")
}

#[test]
fn goals_alone_make_a_new_plan_of_what_runs_and_say_what_is_given_up_for_what() {
    let (folder, plan) = running();
    let new = goals("  - within: {services: [desk], cloud: hill}\n  - that: count(hosts) <= 2");
    let folder = folder.and("new.yaml", &new);
    let run = folder.run("plan new.yaml -o new.json --json");
    assert!(run.says.contains("the goals of library, which runs by"), "{}", run.says);
    let changed = run.ended(0);
    assert_eq!(changed["parent"], plan["plan"]);
    let tradeoff = &changed["tradeoff"];
    assert_eq!(tradeoff["from"], plan["plan"]);
    assert_eq!(
        (text(tradeoff, "/values/0/before"), text(tradeoff, "/values/0/after")),
        (text(&plan, "/cost/total"), text(&changed, "/cost/total"))
    );
    assert_eq!(each(tradeoff, "/goals", "/standing"), ["new", "new", "dropped"]);
    let held = |at: &str| tradeoff.pointer(at).unwrap().as_bool().unwrap();
    assert!(!held("/goals/0/before/holds") && held("/goals/0/after/holds"), "{tradeoff}");
    assert!(held("/goals/2/before/holds") && !held("/goals/2/after/holds"), "{tradeoff}");
    assert!(text(tradeoff, "/moves/0/service").starts_with("desk"), "{tradeoff}");
    assert_eq!(folder.run("verify new.json --json").ended(0)["accepted"], true);

    // As applied, they are the goals that the next change is compared with.
    folder.run("apply new.yaml --yes --json").ended(0);
    let again = folder.run("plan new.yaml --json").ended(0);
    assert_eq!(again["plan"], changed["plan"]);
    let back = folder.run("plan goals.yaml --json").ended(0);
    assert_eq!(each(&back, "/tradeoff/goals", "/standing"), ["new", "dropped", "dropped"]);
}

#[test]
fn goals_without_an_application_that_runs_say_what_to_do() {
    let folder = Folder::named("verbs");
    let run = folder.run("plan goals.yaml");
    assert_eq!(run.exit, 2, "{}", run.says);
    assert!(run.says.contains("no library runs here"), "{}", run.says);
    let folder = folder.and("whose.yaml", "kind: Goals\nminimize: [cost]\n");
    let run = folder.run("plan whose.yaml");
    assert_eq!(run.exit, 2, "{}", run.says);
    assert!(run.says.contains("application: NAME"), "{}", run.says);
}

#[test]
fn a_plan_can_be_made_from_any_plan() {
    let (folder, plan) = running();
    let folder = folder.and("near.yaml", &goals("  - within: {cloud: hill}"));
    let from = folder.run("plan app.yaml --goals near.yaml --from plan.json --json").ended(0);
    assert_eq!(from["parent"], plan["plan"]);
    assert_eq!(each(&from, "/tradeoff/goals", "/standing"), ["new", "dropped"]);
}
