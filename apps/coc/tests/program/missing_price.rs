//! A price that is missing is not a price of zero.

use crate::folder::{Folder, each, text};

const PLAN: &str = "plan report.yaml --catalog . --json";

#[test]
fn the_cheapest_machine_with_a_price_is_chosen() {
    let plan = Folder::named("holes").run(PLAN).ended(0);
    assert_eq!(text(&plan, "/status"), "optimal");
    assert_eq!(each(&plan, "/hosts", "/cloud"), ["amber"]);
    assert_eq!(each(&plan, "/hosts", "/region"), ["north-1"]);
    assert_eq!(each(&plan, "/hosts", "/offer"), ["plain-2"]);
    assert_eq!(each(&plan, "/hosts", "/price"), ["0.0960 USD/hour"]);
    assert_eq!(text(&plan, "/cost/total"), "70.08");
    assert_eq!(text(&plan, "/cost/unit"), "USD/month");
    assert_eq!(text(&plan, "/objective/0/bound"), "70.08");
    assert_eq!(text(&plan, "/objective/0/gap"), "0");
}

#[test]
fn rows_without_a_price_and_rows_in_error_are_told() {
    let run = Folder::named("holes").run(PLAN);
    let told = |what: &str| -> Vec<String> {
        let lines = run.says.lines().filter(|line| line.contains(what));
        lines.filter_map(|line| line.split(": ").nth(1)).map(str::to_owned).collect()
    };
    let places = |lines: [u32; 4]| lines.map(|line| format!("./offers.csv:{line}:"));
    let unknown = told("price unknown");
    assert_eq!(unknown.len(), 4, "{}", run.says);
    for (found, expected) in unknown.iter().zip(places([4, 5, 7, 9])) {
        assert!(found.starts_with(&expected), "{found} is not at {expected}");
    }
    let errors = told("catalogue error");
    assert_eq!(errors.len(), 1, "{}", run.says);
    assert!(errors[0].starts_with("./offers.csv:8:"), "{errors:?}");
}

#[test]
fn offers_without_a_price_are_listed_without_one() {
    let found = Folder::named("holes").run("offers vcpu>=2 --catalog . --json").ended(0);
    let months: Vec<(&str, Option<&str>)> = found["offers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|offer| (text(offer, "/offer"), offer["month"].as_str()))
        .collect();
    assert_eq!(
        months[..3],
        [("plain-2", Some("70.08")), ("steady-2", Some("71.54")), ("newer-2", Some("73.584"))]
    );
    let mut unpriced = months[3..].to_vec();
    unpriced.sort_unstable();
    assert_eq!(
        unpriced,
        [("blank-2", None), ("nought-2", None), ("null-2", None), ("zeroed-2", None)]
    );
}

#[test]
fn a_gift_that_is_large_enough_is_chosen_at_zero() {
    let folder = Folder::named("holes").with("offers.csv", "gift-1,east-1,1,", "gift-1,east-1,2,");
    let plan = folder.run(PLAN).ended(0);
    assert_eq!(each(&plan, "/hosts", "/offer"), ["gift-1"]);
    assert_eq!(text(&plan, "/cost/total"), "0.00");
}
