//! Goals on what places are certified for and emit, and on how machines are bought.

use serde_json::{Value, json};

use crate::folder::{Folder, each};

/// Offer, region and purchase of each host, with the services it holds.
fn hosts(plan: &Value) -> Vec<String> {
    let word = |host: &Value, key: &str| host[key].as_str().unwrap_or_default().to_owned();
    let hosts = plan["hosts"].as_array().unwrap().iter();
    let line = |host: &Value| {
        let held = host["holds"].as_array().unwrap().iter();
        let held: Vec<&str> = held.map(|h| h[0].as_str().unwrap()).collect();
        let words = ["cloud", "region", "offer", "purchase"].map(|key| word(host, key));
        format!("{}: {}", words.join(" ").trim_end(), held.join(" "))
    };
    hosts.map(line).collect()
}

#[test]
fn the_built_in_catalog_knows_grids_certifications_and_spot_prices() {
    let plan = Folder::named("sites").run("plan app.yaml --goals goals.yaml --json").ended(0);
    assert_eq!(plan["status"], "optimal");
    assert_eq!(
        hosts(&plan),
        [
            "aws eu-south-1 t3a.small spot: page",
            "gcp europe-north2 e2-medium: archive",
            "gcp europe-north2 e2-small spot: page"
        ]
    );
    // By the tables: 2 vCPU of 3.10497 W on 201.69 g per kWh, and 4 of 2.944722 W on 2.73 g, 730 h.
    assert_eq!(plan["carbon"]["total"], "937.786");
    assert_eq!(each(&plan, "/objective", "/value"), ["31.90027", "937.786"]);
    assert_eq!(
        each(&plan, "/check/requirements", "/value"),
        ["true", "true", "937.786 g CO2e/month", "true"]
    );
}

#[test]
fn a_spot_machine_is_bought_as_one_where_the_driver_can() {
    let folder = Folder::named("sites");
    let plan = "plan app.yaml --goals goals.yaml --clouds clouds.yaml -o plan.json --json";
    let plan = folder.run(plan).ended(0);
    assert_eq!(hosts(&plan), ["dream west small: archive", "dream west small spot: page page"]);
    assert_eq!(plan["carbon"]["total"], "233.6");
    let native = plan["resources"].as_array().unwrap().iter();
    let spot: Vec<&Value> =
        native.filter(|r| r["type"] == "simulated.vm").map(|vm| &vm["native"]["spot"]).collect();
    assert_eq!(spot, [&Value::Null, &json!(true)]);
    let verified = folder.run("verify plan.json --json").ended(0);
    assert_eq!(verified["accepted"], true, "{verified}");
}

#[test]
fn nothing_is_bought_at_the_spot_price_unless_goals_look_at_it() {
    let rule = "  - that: replicas(\"archive\").all(r, !r.spot)\n";
    let folder = Folder::named("sites").with("goals.yaml", rule, "");
    let plan = folder.run("plan app.yaml --goals goals.yaml --json").ended(0);
    let bought = each(&plan, "/hosts", "/offer").len();
    assert!(
        bought > 0 && plan["hosts"].as_array().unwrap().iter().all(|h| h.get("purchase").is_none())
    );
}

#[test]
fn a_framework_that_nobody_knows_is_a_mistake() {
    let folder = Folder::named("sites").with("goals.yaml", "\"iso27001\"", "\"iso2701\"");
    let run = folder.run("plan app.yaml --goals goals.yaml --json");
    assert_eq!(run.exit, 2);
    let told = format!("{}{}", run.out, run.says);
    assert!(
        told.contains("iso2701") && told.contains("did you mean") && told.contains("iso27001"),
        "{told}"
    );
}
