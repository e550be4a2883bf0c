//! Named goals, shipped and one's own.

use crate::folder::{Folder, each, text};

const OWN: &str = "\
kind: Goal
name: no-bay
about: Nothing runs on bay.
fields: {services: {type: services, about: whose replicas}}
that: replicas({services}).all(r, r.cloud != \"bay\")
";
const USED: &str = "require:\n  - no-bay: {services: web}\n";

fn shop() -> Folder {
    Folder::named("split").and("own.yaml", OWN).and("goals.yaml", USED)
}

#[test]
fn a_goal_of_ones_own_is_read_from_any_file_and_belongs_to_the_plan() {
    for files in
        ["shop.yaml own.yaml --goals goals.yaml", "shop.yaml --goals goals.yaml --goals own.yaml"]
    {
        let folder = shop();
        let plan = folder.run(&format!("plan {files} --catalog . --json -o plan.json")).ended(0);
        assert_eq!(text(&plan, "/check/requirements/0/goal"), "no-bay: services web");
        assert!(!each(&plan, "/placements", "/cloud").contains(&"bay"), "{plan:#}");
        let verified = folder.run("verify plan.json --json").ended(0);
        assert_eq!(verified["accepted"], true);
        let changed = folder.with("own.yaml", "Nothing runs", "Nothing at all runs");
        let run = changed.run("verify plan.json");
        assert_eq!(run.exit, 1);
        assert!(run.says.contains("changed since plan"), "{}", run.says);
    }
}

#[test]
fn a_wrong_definition_ends_planning_at_its_place() {
    let run = shop().with("own.yaml", "r.cloud", "r.colud").run("plan shop.yaml own.yaml");
    assert_eq!(run.exit, 2);
    assert!(run.says.contains("own.yaml:5:35"), "{}", run.says);
    assert!(run.says.contains("did you mean \"cloud\"?"), "{}", run.says);
}

#[test]
fn named_goals_are_listed_and_shown() {
    let folder = shop();
    let listed = folder.run("goals --goals own.yaml --json").ended(0);
    let names = each(&listed, "/goals", "/name");
    assert!(["within", "budget", "no-bay"].iter().all(|name| names.contains(name)), "{names:?}");
    assert!(each(&listed, "/numbers", "/name").contains(&"hosts"));
    let shown = folder.run("goals latency --json").ended(0);
    assert_eq!(each(&shown, "/goals", "/name"), ["latency"]);
    assert_eq!(each(&shown, "/numbers", "/name"), ["latency"]);
    assert_eq!(text(&shown, "/goals/0/short"), "atMost");
    let shown = folder.run("goals no-bay --goals own.yaml");
    assert_eq!(
        shown.out,
        "no-bay: Nothing runs on bay.\n  services: whose replicas; the name of a service or a list \
         of names\n  expands to\n    replicas({services}).all(r, r.cloud != \"bay\")\n"
    );
    let run = folder.run("goals budgte");
    assert_eq!(run.exit, 1);
    assert!(run.says.contains("did you mean \"budget\"?"), "{}", run.says);
}
