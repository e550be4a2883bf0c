//! Traffic turns round what is cheapest part by part.

use serde_json::Value;

use crate::folder::{Folder, each, text};

const PLAN: &str = "plan shop.yaml --catalog . --json";
const PINNED: &str = "plan shop.yaml --goals goals.yaml --catalog . --json";

/// The clouds of (web, db).
fn placement(plan: &Value) -> (&str, &str) {
    let (services, clouds) =
        (each(plan, "/placements", "/service"), each(plan, "/placements", "/cloud"));
    let of = |name| clouds[services.iter().position(|s| *s == name).unwrap()];
    (of("web"), of("db"))
}

/// The shop with other volumes of traffic.
fn with_traffic(to_db: &str, to_web: &str) -> Folder {
    Folder::named("split").with("shop.yaml", "200GB/month", to_db).with(
        "shop.yaml",
        "1800GB/month",
        to_web,
    )
}

#[test]
fn both_run_where_the_whole_is_cheapest_and_it_is_proved() {
    let plan = Folder::named("split").run(PLAN).ended(0);
    assert_eq!(text(&plan, "/status"), "optimal");
    assert_eq!(placement(&plan), ("bay", "bay"));
    assert_eq!(text(&plan, "/cost/total"), "190.00");
    assert_eq!(text(&plan, "/objective/0/value"), "190.00");
    assert_eq!(text(&plan, "/objective/0/bound"), "190.00");
    assert_eq!(text(&plan, "/objective/0/gap"), "0");
    assert_eq!(text(&plan, "/evidence/bound"), "190.00");
}

#[test]
fn each_placement_costs_its_machines_and_what_leaves_each_cloud() {
    let cases = [
        ("ash", "ash", "200.00", [None, None]),
        ("bay", "bay", "190.00", [None, None]),
        ("bay", "ash", "366.00", [Some("162.00"), Some("24.00")]),
        ("ash", "bay", "444.00", [Some("18.00"), Some("216.00")]),
    ];
    for (web, db, total, [out_of_ash, out_of_bay]) in cases {
        let goals = format!(
            "kind: Goals\nrequire:\n  - pin: {{service: web, cloud: {web}}}\n  \
             - pin: {{service: db, cloud: {db}}}\nminimize: [cost]\n"
        );
        let plan = Folder::named("split").and("goals.yaml", &goals).run(PINNED).ended(0);
        assert_eq!(placement(&plan), (web, db));
        assert_eq!(text(&plan, "/cost/total"), total, "{web}, {db}");
        let lines = each(&plan, "/cost/lines", "/where");
        let amounts = each(&plan, "/cost/lines", "/amount");
        let out_of = |cloud: &str| {
            let place = format!("{cloud} → internet");
            lines.iter().position(|line| **line == place).map(|line| amounts[line])
        };
        assert_eq!([out_of("ash"), out_of("bay")], [out_of_ash, out_of_bay], "{web}, {db}");
    }
}

#[test]
fn without_traffic_each_part_runs_where_it_is_cheapest() {
    let plan = with_traffic("0GB/month", "0GB/month").run(PLAN).ended(0);
    assert_eq!((placement(&plan), text(&plan, "/cost/total")), (("bay", "ash"), "180.00"));
    assert_eq!(text(&plan, "/objective/0/bound"), "180.00");
}

/// The ten dollars saved on machines buy 10 / (0.1 × 0.12 + 0.9 × 0.09) = 107.53 GB.
#[test]
fn the_choice_turns_at_the_volume_that_eats_the_saving() {
    let below = with_traffic("10.752GB/month", "96.768GB/month").run(PLAN).ended(0);
    assert_eq!((placement(&below), text(&below, "/cost/total")), (("bay", "ash"), "189.99936"));
    let above = with_traffic("10.753GB/month", "96.777GB/month").run(PLAN).ended(0);
    assert_eq!((placement(&above), text(&above, "/cost/total")), (("bay", "bay"), "190.00"));
}
