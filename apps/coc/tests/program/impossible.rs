//! Goals that can't hold together: the conflict names exactly those that can't, and without any one
//! of them there is a plan.

use serde_json::Value;

use crate::folder::{Folder, each, text};

const PLAN: &str = "plan shop.yaml --goals goals.yaml --catalog . --json";

/// A goal that is never in the way.
const HARMLESS: &str = "that: count(hosts) <= 50";

/// Goals that can't hold together, none of which is in vain.
const CONFLICTS: [&[&str]; 26] = [
    &["budget: 35 USD/month"],
    &["budget: 44 USD/month", "within: {area: EU}"],
    &["within: {service: db, country: DE}", "pin: {service: db, cloud: south}"],
    &[
        "within: {service: db, country: DE}",
        "within: {service: web, country: US}",
        "latency: {from: web, to: db, atMost: 20ms}",
    ],
    &["spread: {service: web, over: cloud, atLeast: 3}"],
    &["apart: {services: [web, db, cache]}", "that: count(hosts) <= 3"],
    &["avoid: {area: EU}", "avoid: {country: US}"],
    &[
        "spread: {service: web, over: country, atLeast: 2}",
        "colocate: {services: [web, db, cache], over: country}",
    ],
    &["pin: {service: db, offer: small}"],
    &["that: count(hosts) <= 1"],
    &["avoid: {offer: big}"],
    &["budget: 44 USD/month", "within: {country: DE}"],
    &[
        "spread: {service: web, over: region, atLeast: 2}",
        "latency: {from: web, to: db, atMost: 5ms}",
    ],
    &["spread: {service: web, over: cloud, atLeast: 2}", "within: {service: web, country: DE}"],
    &[
        "pin: {service: web, cloud: north}",
        "pin: {service: db, cloud: south}",
        "latency: {from: web, to: db, atMost: 10ms}",
    ],
    &[
        "that: count(replicas(), r, r.country == \"FR\") >= 3",
        "within: {service: web, country: DE}",
    ],
    &["that: sum(hosts, h, h.vcpu) <= 4"],
    &[
        "spread: {services: [web, db, cache], over: region, atLeast: 3}",
        "that: distinct(hosts, h, h.cloud) == 1",
    ],
    &["apart: {services: [web], over: country}", "avoid: {country: DE}", "avoid: {country: FR}"],
    &["that: cost <= usd(50)", "within: {country: FR}"],
    &["that: replicas(\"db\").exists(r, r.country == \"US\")", "within: {service: db, area: EU}"],
    &["spread: {service: web, over: country, maxSkew: 0}"],
    &[
        "latency: {from: web, to: db, atMost: 20ms}",
        "pin: {service: db, cloud: south}",
        "within: {service: web, country: US}",
    ],
    &["that: count(hosts) >= 6"],
    &[
        "budget: 45 USD/month",
        "spread: {service: web, over: cloud, atLeast: 2}",
        "within: {area: EU}",
    ],
    &["budget: 39 USD/month", "spread: {service: web, over: cloud, atLeast: 2}"],
];

/// A folder in which these are the goals, one a line from the third on.
fn with_goals(goals: &[&str]) -> Folder {
    let lines: String = goals.iter().map(|goal| format!("  - {goal}\n")).collect();
    let text = format!("kind: Goals\nrequire:\n{lines}minimize: [cost]\n");
    Folder::named("three-lands").and("goals.yaml", &text)
}

/// The lines that the conflict names.
fn lines(plan: &Value) -> Vec<usize> {
    // 0 is no place in the file.
    let line = |at: &&str| at.split(':').nth(1).and_then(|line| line.parse().ok()).unwrap_or(0);
    let mut lines: Vec<usize> = each(plan, "/conflict", "/at").iter().map(line).collect();
    lines.sort_unstable();
    lines
}

#[test]
fn a_conflict_is_what_it_takes_and_no_more() {
    for goals in CONFLICTS {
        let mut all = vec![HARMLESS];
        all.extend(goals);
        let plan = with_goals(&all).run(PLAN).ended(3);
        assert_eq!(text(&plan, "/status"), "infeasible");
        let expected: Vec<usize> = (4..4 + goals.len()).collect();
        assert_eq!(lines(&plan), expected, "{goals:?}: {:#}", plan["conflict"]);
        for left_out in 1..all.len() {
            let mut fewer = all.clone();
            let without = fewer.remove(left_out);
            let plan = with_goals(&fewer).run(PLAN);
            assert_eq!(plan.exit, 0, "{goals:?} without {without}: {}", plan.says);
        }
    }
}

#[test]
fn services_that_share_a_host_that_none_is_large_enough_for_are_told_together() {
    let plan = with_goals(&["colocate: {services: [web, cache, db]}"]).run(PLAN).ended(3);
    let goals = each(&plan, "/conflict", "/goal");
    assert_eq!(goals.len(), 1, "{goals:#?}");
    let says = "is large enough for cache with db with web: 5 vCPU";
    assert!(goals[0].contains(says), "{goals:#?}");
}

#[test]
fn a_latency_is_raised_to_the_one_that_is_needed() {
    let plan = with_goals(CONFLICTS[14]).run(PLAN).ended(3);
    let changes = each(&plan, "/relaxations", "/change");
    let wanted = "latency: atMost 10ms, from web, to db (at most 12 ms in place of 10 ms)";
    assert!(changes.contains(&wanted), "{changes:#?}");
}

#[test]
fn two_goals_change_where_one_does_not_do() {
    let goals =
        ["budget: 50 USD/month", "within: {country: FR}", "pin: {service: db, offer: small}"];
    let plan = with_goals(&goals).run(PLAN).ended(3);
    let changes = each(&plan, "/relaxations", "/change");
    let expected = [
        "budget: 50 USD/month (at most 52.00 USD/month in place of 50.00 USD/month) \
         and without: pin: offer small, service db",
        "without: within: country FR and without: pin: offer small, service db",
    ];
    for change in expected {
        assert!(changes.contains(&change), "{changes:#?}");
    }
}
