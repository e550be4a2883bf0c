//! Even spreading and a nearly full zone cannot both be had.

use serde_json::Value;

use crate::folder::{Folder, counts, each, text};

const PLAN: &str = "plan deployment.yaml --clouds clouds.yaml --json";

fn orchard() -> Folder {
    Folder::named("short-zone")
}

/// How many replicas run in each zone.
fn zones(plan: &Value) -> Vec<(&str, usize)> {
    counts(&each(plan, "/placements", "/zone"))
}

#[test]
fn the_conflict_is_the_spread_and_the_capacity_of_the_short_zone() {
    let plan = orchard().run(PLAN).ended(3);
    assert_eq!(text(&plan, "/status"), "infeasible");
    assert_eq!(
        each(&plan, "/conflict", "/goal"),
        ["spread: maxSkew 1, over zone, service orchard", "capacity of zone b"]
    );
    assert_eq!(each(&plan, "/conflict", "/at"), ["deployment.yaml:11:11", ""]);
    assert!(plan["placements"].as_array().unwrap().is_empty());
}

#[test]
fn the_smallest_changes_that_would_do_are_offered() {
    let plan = orchard().run(PLAN).ended(3);
    assert_eq!(
        each(&plan, "/relaxations", "/change"),
        [
            "spread: maxSkew 1, over zone, service orchard (at most 3 in place of 1)",
            "spread: maxSkew 1, over zone, service orchard \
             (as what only should hold: missed by 2)",
            "capacity of zone b (2 more: 3 in place of 1)",
            "run 5 of 9 replicas",
        ]
    );
    assert_eq!(
        each(&plan, "/relaxations", "/objective"),
        ["9.00 USD/month", "9.00 USD/month", "9.00 USD/month", "5.00 USD/month"]
    );
}

#[test]
fn each_change_does_what_it_says_and_nothing_smaller_does() {
    let skew = |most: &str| orchard().with("deployment.yaml", "maxSkew: 1", most);
    let room = |machines: &str| {
        orchard().with(
            "profile.yaml",
            "zone: b, machines: 1",
            &format!("zone: b, machines: {machines}"),
        )
    };
    let wider = skew("maxSkew: 3").run(PLAN).ended(0);
    assert_eq!(zones(&wider), [("a", 4), ("b", 1), ("c", 4)]);
    let fuller = room("3").run(PLAN).ended(0);
    assert_eq!(zones(&fuller), [("a", 3), ("b", 3), ("c", 3)]);
    skew("maxSkew: 2").run(PLAN).ended(3);
    room("2").run(PLAN).ended(3);
}

#[test]
fn a_spread_that_is_only_wished_for_is_missed_by_as_little_as_can_be() {
    let folder = orchard().with("deployment.yaml", "DoNotSchedule", "ScheduleAnyway");
    let plan = folder.run(PLAN).ended(0);
    assert_eq!(zones(&plan), [("a", 4), ("b", 1), ("c", 4)]);
    assert_eq!(text(&plan, "/objective/0/goal"), "violation of what should hold");
    assert_eq!(text(&plan, "/objective/0/value"), "2");
    assert_eq!(text(&plan, "/objective/0/bound"), "2");
    let spread = &plan["check"]["requirements"][0];
    assert_eq!((&spread["satisfied"], text(spread, "/policy")), (&Value::Bool(false), "should"));
    assert_eq!(text(spread, "/value"), "3");
}

/// Two in a and c and one in b: not one in each of two zones, which is where taking them one by one
/// ends.
#[test]
fn as_many_run_as_can_where_a_plan_may_be_partial() {
    let goals = "kind: Goals\nmaximize: [placed]\n";
    let folder = orchard().and("goals.yaml", goals);
    let plan =
        folder.run("plan deployment.yaml --goals goals.yaml --clouds clouds.yaml --json").ended(0);
    assert_eq!(text(&plan, "/status"), "optimal");
    assert_eq!(zones(&plan), [("a", 2), ("b", 1), ("c", 2)]);
    assert_eq!(text(&plan, "/objective/0/value"), "5");
    assert_eq!(text(&plan, "/objective/0/bound"), "5");
    let unknown = each(&plan, "/unknown", "/what");
    assert!(unknown.contains(&"orchard: 4 of 9 replicas do not run"), "{unknown:?}");
}

/// Zones of two clouds may have one name: what one of them holds is not taken from the other.
#[test]
fn the_capacity_of_a_zone_is_that_of_its_cloud() {
    let folder = orchard()
        .with("deployment.yaml", "replicas: 9", "replicas: 2")
        .with("deployment.yaml", "DoNotSchedule", "ScheduleAnyway")
        .with("profile.yaml", "zones: [a, b, c]", "zones: [b]")
        .with("profile.yaml", "  - {region: field, zone: a, machines: 4}\n", "")
        .with("profile.yaml", "  - {region: field, zone: c, machines: 4}\n", "");
    folder.run(PLAN).ended(3);
    let second = "kind: Clouds\nclouds:\n  - {name: lab, driver: simulated, profile: profile.yaml}\n  \
                  - {name: barn, driver: simulated, profile: profile.yaml}\n";
    let plan = folder.and("clouds.yaml", second).run(PLAN).ended(0);
    assert_eq!(each(&plan, "/placements", "/cloud"), ["barn", "lab"]);
}
