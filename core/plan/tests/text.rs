//! Plans and their differences as people see them.
#![allow(clippy::unwrap_used, reason = "tests, with their own functions")]

use std::sync::Arc;

use coc_model::estate::Unknown;
use coc_model::goals::Policy;
use coc_model::mistake::Position;
use coc_model::offer::Purchase;
use coc_model::plan::{
    Assumption, Await, Check, CheckedRequirement, ConflictItem, Cost, CostLine, Evidence, Host,
    Inputs, ObjectiveValue, Placement, Plan, PlannedResource, Relaxation, Status,
};
use coc_plan::diff::difference;
use coc_plan::text;
use insta::assert_snapshot;
use proptest::prelude::*;
use serde_json::json;

fn host(id: &str, cloud: &str, region: &str, offer: &str, price: &str, holds: &[&str]) -> Host {
    Host {
        id: id.into(),
        cloud: cloud.into(),
        region: Some(region.into()),
        zone: None,
        offer: offer.into(),
        price: price.into(),
        existing: false,
        purchase: Purchase::OnDemand,
        holds: holds.iter().map(|s| ((*s).to_owned(), 0)).collect(),
    }
}

fn line(what: &str, place: &str, amount: &str) -> CostLine {
    CostLine { what: what.into(), place: place.into(), amount: amount.into(), source: None }
}

fn tier(goal: &str, value: &str, unit: &str, bound: &str, gap: &str) -> ObjectiveValue {
    ObjectiveValue {
        goal: goal.into(),
        value: value.into(),
        unit: unit.into(),
        bound: bound.into(),
        gap: gap.into(),
    }
}

fn requirement(goal: &str, line: u32, satisfied: bool, value: &str) -> CheckedRequirement {
    let file: Arc<str> = "goals.yaml".into();
    CheckedRequirement {
        goal: goal.into(),
        at: Position::new(&file, line, 5),
        policy: Policy::Must,
        satisfied,
        value: value.into(),
    }
}

fn placement(service: &str, host: &Host) -> Placement {
    Placement {
        service: service.into(),
        replica: 0,
        cloud: host.cloud.clone(),
        region: host.region.clone(),
        zone: None,
        host: host.id.clone(),
        resolver: "container-on-host".into(),
    }
}

fn resource(id: &str, version: u32) -> PlannedResource {
    PlannedResource {
        id: id.into(),
        cloud: "aws".into(),
        resource_type: "container".into(),
        name: id.into(),
        after: vec![],
        native: json!({"Image": format!("shop/{id}:{version}"), "HostConfig": {"Memory": 1}}),
        protect: false,
    }
}

fn shop() -> Plan {
    let hosts = vec![
        host("h1", "gcp", "europe-west4", "e2-medium", "0.0335 USD/hour", &["web", "cart"]),
        host("h2", "gcp", "europe-west4", "e2-medium", "0.0335 USD/hour", &["web", "catalogue"]),
        host(
            "h3",
            "aws",
            "eu-central-1",
            "t4g.large",
            "0.084 USD/hour",
            &["db", "redis", "shipping"],
        ),
    ];
    Plan {
        plan: "7f3k2m".into(),
        parent: None,
        application: "shop".into(),
        status: Status::Optimal,
        objective: vec![
            tier("cost", "134.23", "USD/month", "134.23", "0"),
            tier("carbon", "11.2", "kg/month", "11.2", "0"),
        ],
        cost: Cost {
            total: "134.23".into(),
            unit: "USD/month".into(),
            lines: vec![
                line("2 × e2-medium", "gcp europe-west4", "48.91"),
                line("t4g.large", "aws eu-central-1", "61.32"),
                line("traffic, 200 GB", "gcp europe-west4 → aws eu-central-1", "24.00"),
            ],
        },
        carbon: None,
        placements: vec![placement("web", &hosts[0]), placement("db", &hosts[2])],
        hosts,
        resources: vec![resource("web", 1), resource("db", 1)],
        check: Check {
            accepted: true,
            requirements: vec![
                requirement("within: db in EU", 3, true, "DE"),
                requirement("spread: web over at least 2 hosts", 4, true, "2"),
            ],
            faults: vec![],
        },
        assumed: vec![],
        unknown: vec![],
        evidence: Evidence { time_ms: 314, ..Evidence::default() },
        conflict: vec![],
        before: None,
        relaxations: vec![],
        tradeoff: None,
        inputs: Inputs::default(),
    }
}

#[test]
fn an_optimal_plan() {
    assert_snapshot!(text::plan(&shop()), @r"
    Plan 7f3k2m  for shop                                              optimal, proved in 0.31 s
      cost     134.23 USD/month  (bound 134.23, gap 0)
      carbon     11.2 kg/month   (bound 11.2, gap 0)
      goals    2 of 2 hold

      where             host           holds                                           USD/month
      aws eu-central-1  t4g.large      db, redis, shipping                                 61.32
      gcp europe-west4  2 × e2-medium  cart, catalogue, web ×2                             48.91
      traffic, 200 GB  gcp europe-west4 → aws eu-central-1                                 24.00
                                                                                total     134.23
    ");
}

#[test]
fn a_plan_that_is_not_proved_best_says_how_far_it_can_be() {
    let mut plan = shop();
    plan.status = Status::Feasible;
    plan.objective[0] = tier("cost", "134.23", "USD/month", "131.47", "0.020993");
    plan.evidence.time_ms = 60_004;
    plan.check.requirements[1].satisfied = false;
    plan.check.requirements[1].value = "1".into();
    plan.assumed = ["web", "db", "cart", "redis", "shipping"]
        .map(|s| Assumption { service: s.into(), what: "memory".into(), value: "256Mi".into() })
        .to_vec();
    plan.unknown = vec![Unknown {
        what: "carbon of aws".into(),
        why: "no figures: counted as the worst".into(),
    }];
    plan.hosts[2].existing = true;
    plan.hosts[2].holds = (1..=9).map(|i| (format!("service-number-{i}"), 0)).collect();
    plan.hosts[1].price = "?".into();
    assert_snapshot!(text::plan(&plan), @r"
    Plan 7f3k2m  for shop                 within 2.1 % of the best possible (stopped after 60 s)
      cost     134.23 USD/month  (bound 131.47, gap 2.1 %)
      carbon     11.2 kg/month   (bound 11.2, gap 0)
      goals    1 of 2 hold; not spread: web over at least 2 hosts at goals.yaml:4:5, found 1
      assumed  memory of web 256Mi, memory of db 256Mi, memory of cart 256Mi, memory of redis 256Mi, and 1 more (nothing declared)
      unknown  carbon of aws: no figures: counted as the worst

      where             host                 holds                                     USD/month
      aws eu-central-1  t4g.large, existing  service-number-1, service-number-2,           61.32
                                             service-number-3, service-number-4,
                                             service-number-5, service-number-6,
                                             service-number-7, service-number-8,
                                             service-number-9
      gcp europe-west4  2 × e2-medium        cart, catalogue, web ×2                     unknown
      traffic, 200 GB  gcp europe-west4 → aws eu-central-1                                 24.00
                                                                                total     134.23
    ");
}

#[test]
fn optimal_is_said_only_with_a_proof() {
    for (status, gap, says) in [
        (Status::Optimal, "0", "optimal, proved in 0.31 s"),
        (Status::Feasible, "0.02", "within 2 % of the best possible (stopped after 0.31 s)"),
        (Status::Feasible, "0.0200001", "within 2.1 % of the best possible (stopped after 0.31 s)"),
        (Status::Feasible, "3", "within 300 % of the best possible (stopped after 0.31 s)"),
        (
            Status::Feasible,
            "",
            "how far from the best possible is not known (stopped after 0.31 s)",
        ),
        (
            Status::Feasible,
            "0",
            "how far from the best possible is not known (stopped after 0.31 s)",
        ),
    ] {
        let mut plan = shop();
        plan.status = status;
        plan.objective.truncate(1);
        plan.objective[0].gap = gap.into();
        let text = text::plan(&plan);
        let first = text.lines().next().unwrap();
        assert!(first.ends_with(&format!("  {says}")), "{status:?} {gap}: {first}");
        assert_eq!(text.contains("optimal"), status == Status::Optimal);
    }
}

#[test]
fn no_plan() {
    let mut plan = shop();
    plan.status = Status::Infeasible;
    let item = |goal: &str, at: &str| ConflictItem { goal: goal.into(), at: at.into() };
    plan.conflict = vec![
        item("budget: 120 USD/month", "goals.yaml:4:5"),
        item("spread: web over at least 2 clouds", "goals.yaml:17:5"),
        item("capacity of zone b", ""),
    ];
    let relaxation = |change: &str, objective: &str| Relaxation {
        change: change.into(),
        objective: objective.into(),
    };
    plan.relaxations = vec![
        relaxation("budget to 143.20 USD/month", "143.20 USD/month"),
        relaxation("spread over 2 regions in place of 2 clouds", "118.00 USD/month"),
    ];
    assert_snapshot!(text::plan(&plan), @r"
    No plan can satisfy these 3 goals of shop together (removing any one of them would do):
      goals.yaml:4:5   budget: 120 USD/month
      goals.yaml:17:5  spread: web over at least 2 clouds
                       capacity of zone b
    Smallest changes that would do, each proved:
      budget to 143.20 USD/month  (143.20 USD/month)
      or spread over 2 regions in place of 2 clouds  (118.00 USD/month)
    ");
    plan.status = Status::Unknown;
    plan.evidence.time_ms = 60_000;
    assert_snapshot!(text::plan(&plan), @"No plan for shop was found, and none is excluded (stopped after 60 s).");
}

/// The plan above with the database moved, a host less and one more resource.
fn changed() -> Plan {
    let mut plan = shop();
    plan.plan = "9ab".into();
    plan.parent = Some("7f3k2m".into());
    // The same machines under other numbers are the same machines.
    plan.hosts.reverse();
    plan.hosts[0].id = "h9".into();
    plan.placements[1].host = "h9".into();
    plan.hosts[1].holds.push(("db".into(), 0));
    plan.hosts.remove(0);
    plan.placements[1] = placement("db", &plan.hosts[0].clone());
    plan.resources[0] = resource("web", 2);
    plan.resources[0].after = vec![Await::Ready("db".into())];
    plan.resources[1] = resource("cache", 1);
    plan.cost.total = "72.91".into();
    plan
}

#[test]
fn a_difference() {
    assert_snapshot!(text::difference(&difference(Some(&shop()), &changed())), @r"
    Plan 9ab in place of 7f3k2m
      - host     aws eu-central-1  t4g.large  held db, redis, shipping
      ~ host     gcp europe-west4  e2-medium  holds catalogue, db, web (before: catalogue, web)
      ~ replica  db 0  gcp europe-west4 (container-on-host), was aws eu-central-1 (container-on-host)
      + aws container  cache
      - aws container  db
      ~ aws container  web  after, native/Image
      cost  134.23 → 72.91 USD/month (-61.32)
    ");
}

#[test]
fn a_first_plan_and_none() {
    assert_snapshot!(text::difference(&difference(None, &changed())), @r"
    Plan 9ab, the first
      + host     gcp europe-west4  e2-medium  holds catalogue, db, web
      + host     gcp europe-west4  e2-medium  holds cart, web
      + replica  db 0  gcp europe-west4 (container-on-host)
      + replica  web 0  gcp europe-west4 (container-on-host)
      + aws container  cache
      + aws container  web
      cost  72.91 USD/month (+72.91)
    ");
    assert_snapshot!(text::difference(&difference(Some(&shop()), &shop())), @r"
    Plan 7f3k2m in place of 7f3k2m
      nothing changes
      cost  134.23 → 134.23 USD/month (+0.00)
    ");
}

#[test]
fn a_difference_for_programs_has_the_values() {
    let difference = serde_json::to_value(difference(Some(&shop()), &changed())).unwrap();
    assert_eq!(
        difference["resources"],
        json!([
            {"id": "cache", "cloud": "aws", "type": "container", "what": "created"},
            {"id": "db", "cloud": "aws", "type": "container", "what": "removed"},
            {"id": "web", "cloud": "aws", "type": "container", "what": {"changed": [
                {"field": "after", "from": [], "to": ["db"]},
                {"field": "native/Image", "from": "shop/web:1", "to": "shop/web:2"},
            ]}},
        ])
    );
    assert_eq!(
        difference["cost"],
        json!({"from": "134.23", "to": "72.91", "unit": "USD/month", "change": "-61.32"})
    );
}

#[test]
fn numbers_of_hosts_do_not_count() {
    let (a, mut b) = (shop(), shop());
    b.hosts.rotate_left(1);
    for (i, host) in b.hosts.iter_mut().enumerate() {
        host.id = format!("n{i}");
    }
    for placement in &mut b.placements {
        let of = |h: &&Host| h.cloud == placement.cloud && h.region == placement.region;
        placement.host = b.hosts.iter().find(of).unwrap().id.clone();
    }
    assert!(difference(Some(&a), &b).is_empty());
}

proptest! {
    /// Whatever stands in a plan, there is a text, and only a proof makes it say "optimal".
    #[test]
    fn every_plan_has_a_text(
        words in prop::collection::vec(".{0,40}", 12),
        price in prop_oneof![Just("0.05 USD/hour".to_owned()), ".{0,12}"],
        gap in prop_oneof![Just("0".to_owned()), "[0-9.e+-]{0,12}"],
        status in prop::sample::select(vec![
            Status::Optimal, Status::Feasible, Status::Infeasible, Status::Unknown,
        ]),
        time_ms in any::<u64>(),
        hosts in 0..3_usize,
    ) {
        let words: Vec<String> = words.iter().map(|w| w.replace(['\n', '\r'], " ")).collect();
        let mut plan = shop();
        plan.status = status;
        plan.hosts.truncate(hosts);
        for host in &mut plan.hosts {
            (host.price, host.offer, host.zone) = (price.clone(), words[0].clone(), Some(words[1].clone()));
            host.holds.push((words[2].clone(), 7));
        }
        plan.objective[0].gap = gap;
        plan.objective[0].goal.clone_from(&words[3]);
        plan.cost.lines[0].what.clone_from(&words[4]);
        plan.cost.total.clone_from(&words[5]);
        plan.conflict = vec![ConflictItem { goal: words[6].clone(), at: words[7].clone() }];
        plan.evidence.time_ms = time_ms;
        let shown = text::plan(&plan);
        prop_assert!(shown.ends_with('\n'));
        prop_assert_eq!(shown.contains("optimal"), status == Status::Optimal);
        let difference = text::difference(&difference(Some(&shop()), &plan));
        prop_assert!(difference.ends_with('\n'));
    }
}
