//! The same input gives the same plan, byte for byte; what must not matter does not.

use std::path::Path;

use serde_json::Value;

use crate::folder::{Folder, counts, each, text};

const PLAN: &str = "plan compose.yaml --goals goals.yaml --clouds clouds.yaml --json";

/// The shop that the project shows itself with.
fn shop() -> Folder {
    Folder::of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/shop"))
}

/// The document as it was printed, without the lines of its evidence.
fn without_evidence(printed: &str) -> String {
    let (before, rest) = printed.split_once("  \"evidence\": {\n").expect("a plan has evidence");
    let (_, after) = rest.split_once("\n  },\n").expect("the evidence ends");
    format!("{before}{after}")
}

#[test]
fn two_runs_print_the_same_plan() {
    let cheap = "  - cost";
    let cases = [
        ("as it is", "150", cheap, 0),
        ("a wish that can't be met", "150", "  - cost\n", 0),
        ("fewest machines, then the price", "150", "  - sum(hosts, h, 1)\n  - cost", 0),
        ("no money", "10", cheap, 3),
    ];
    for (name, budget, minimize, exit) in cases {
        let folder = || {
            let folder = shop().with("goals.yaml", "usd(150)", &format!("usd({budget})")).with(
                "goals.yaml",
                cheap,
                minimize,
            );
            if name.starts_with("a wish") {
                folder.with("goals.yaml", "cost <= usd(150)", "cost <= usd(20)\n    policy: should")
            } else {
                folder
            }
        };
        let (first, second) = (folder().run(PLAN), folder().run(PLAN));
        assert_eq!((first.exit, second.exit), (exit, exit), "{name}: {}{}", first.out, first.says);
        let printed = without_evidence(&first.out);
        assert!(printed.contains("\"inputs\": {"), "{name}: too much was cut off:\n{printed}");
        assert_eq!(printed, without_evidence(&second.out), "{name}");
    }
}

/// What a plan says of the application alone, without marks of its files.
fn substance(plan: &Value) -> [&Value; 4] {
    ["status", "objective", "cost", "placements"].map(|field| &plan[field])
}

#[test]
fn the_order_of_services_and_clouds_does_not_matter() {
    let queue = "  queue:\n    image: rabbitmq:3\n    deploy:\n      resources:\n        \
                 reservations: {cpus: \"0.5\", memory: 1G}\n";
    let azure = "  - {name: sim-azure, driver: simulated, like: azure, \
                 regions: [westeurope, northeurope, eastus], seed: 2}\n";
    let as_it_is = shop().run(PLAN).ended(0);
    let reordered = shop()
        .with("compose.yaml", queue, "")
        .with("compose.yaml", "services:\n", &format!("services:\n{queue}"))
        .with("clouds.yaml", azure, "")
        .with("clouds.yaml", "clouds:\n", &format!("clouds:\n{azure}"))
        .run(PLAN)
        .ended(0);
    assert_eq!(substance(&reordered), substance(&as_it_is));
    // The files are others, so the plans are.
    assert_ne!(text(&reordered, "/plan"), text(&as_it_is, "/plan"));
}

#[test]
fn names_do_not_matter() {
    let as_it_is = shop().run(PLAN).ended(0);
    let renamed = shop()
        .with("compose.yaml", "cart", "basket")
        .with("compose.yaml", "queue", "zebra")
        .run(PLAN)
        .ended(0);
    assert_eq!(renamed["objective"], as_it_is["objective"]);
    assert_eq!(text(&renamed, "/cost/total"), text(&as_it_is, "/cost/total"));
    let machines = |plan: &Value| -> Vec<(String, usize)> {
        let offers = each(plan, "/hosts", "/offer");
        counts(&offers).into_iter().map(|(offer, count)| (offer.to_owned(), count)).collect()
    };
    assert_eq!(machines(&renamed), machines(&as_it_is));
}
