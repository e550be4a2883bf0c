//! Goals and clouds, and documents that are neither.

use crate::{clouds, goals, mistakes};
use coc_model::goals::RequirementBody;
use serde_json::json;

#[test]
fn documents_of_other_kinds_are_refused() {
    for (text, says) in [
        (
            "name: x",
            "f.yaml:1:1: the document has no \"kind\" (it is one of: Application, Goals, Goal, Clouds)",
        ),
        (
            "kind: Aplication",
            "f.yaml:1:7: there is no kind \"Aplication\" of document (did you mean \"Application\"?)",
        ),
        ("[1]", "f.yaml:1:1: the document must be a map, not a list"),
        (
            "kind: Clouds",
            "f.yaml:1:1: the file has no \"clouds\" (write them as a list: clouds: [...])",
        ),
        ("kind: Application\nname: a", "f.yaml:1:1: the document has no \"services\""),
    ] {
        assert_eq!(mistakes(text), says, "{text}");
    }
}

#[test]
fn goals_keep_their_places() {
    let read = goals(
        "require:\n  - within: {services: [db], area: EU}\n  - budget: 120 USD/month\n  \
         - that: \"monthly(sum(hosts, h, h.price)) <= usd(5000)\"\n    policy: improve\n  \
         - stay:\nminimize:\n  - {what: cost, tolerance: 3%}\n  \
         - [{what: carbon, weight: 1}, {what: 'latency(\"web\", \"db\")', weight: 2.5}]\n  \
         - disruption\nmaximize: ['availability']\n",
    );
    assert_eq!(
        serde_json::to_value(&read).expect("JSON"),
        json!({
            "require": [
                {"body": {"named": {"name": "within", "arguments": {
                    "services": {"value": ["db"], "at": "f.yaml:2:24"},
                    "area": {"value": "EU", "at": "f.yaml:2:36"}}, "short": null}},
                 "policy": "must", "at": "f.yaml:2:5"},
                {"body": {"named": {"name": "budget", "arguments": {},
                    "short": {"value": "120 USD/month", "at": "f.yaml:3:13"}}},
                 "policy": "must", "at": "f.yaml:3:5"},
                {"body": {"that": {"value": "monthly(sum(hosts, h, h.price)) <= usd(5000)",
                    "at": "f.yaml:4:12"}}, "policy": "improve", "at": "f.yaml:4:5"},
                {"body": {"named": {"name": "stay", "arguments": {}, "short": null}},
                 "policy": "must", "at": "f.yaml:6:5"},
            ],
            "objectives": [
                {"direction": "minimize", "tolerance": "0.03", "at": "f.yaml:8:5", "terms": [
                    {"what": {"value": "cost", "at": "f.yaml:8:12"}, "weight": "1"}]},
                {"direction": "minimize", "tolerance": "0", "at": "f.yaml:9:5", "terms": [
                    {"what": {"value": "carbon", "at": "f.yaml:9:13"}, "weight": "1"},
                    {"what": {"value": "latency(\"web\", \"db\")", "at": "f.yaml:9:41"},
                     "weight": "2.5"}]},
                {"direction": "minimize", "tolerance": "0", "at": "f.yaml:10:5", "terms": [
                    {"what": {"value": "disruption", "at": "f.yaml:10:5"}, "weight": "1"}]},
                {"direction": "maximize", "tolerance": "0", "at": "f.yaml:11:12", "terms": [
                    {"what": {"value": "availability", "at": "f.yaml:11:13"}, "weight": "1"}]},
            ],
        })
    );
}

#[test]
fn tiers_keep_the_order_of_the_file() {
    let read = goals("kind: Goals\napplication: shop\nmaximize: availability\nminimize: [cost]\n");
    let order: Vec<&str> = read.objectives.iter().map(|o| o.terms[0].what.value.as_str()).collect();
    assert_eq!(order, ["availability", "cost"]);
    let read = goals("minimize: [cost]\nmaximize: [availability]\n");
    let order: Vec<&str> = read.objectives.iter().map(|o| o.terms[0].what.value.as_str()).collect();
    assert_eq!(order, ["cost", "availability"]);
}

#[test]
fn an_escaped_expression_keeps_the_place_of_its_scalar() {
    let read = goals("require: [{that: \"a == \\\"b\\\"\"}, {that: 'c == \"d\"'}]\n");
    let places: Vec<String> = read
        .require
        .iter()
        .map(|r| match &r.body {
            RequirementBody::That(that) => format!("{} {}", that.at, that.value),
            RequirementBody::Named { .. } => panic!("an expression"),
        })
        .collect();
    assert_eq!(places, ["f.yaml:1:18 a == \"b\"", "f.yaml:1:41 c == \"d\""]);
}

#[test]
fn wrong_goals_are_told() {
    for (text, says) in [
        (
            "require: [cost]",
            "f.yaml:1:11: a requirement is a map with the name of a goal (write an expression as {that: \"…\"})",
        ),
        (
            "require:\n  - within:\n    services: [db]\n",
            "f.yaml:3:5: a requirement names one goal, not \"within\" and \"services\" (indent the arguments of \"within\" below it)",
        ),
        (
            "require:\n  - budget: 5\n    within: {area: EU}\n",
            "f.yaml:3:5: a requirement names one goal, not \"budget\" and \"within\" (begin each goal with a \"-\" of its own)",
        ),
        ("require: [{policy: must}]", "f.yaml:1:11: a requirement without a goal"),
        (
            "require: [{stay: , policy: perhaps}]",
            "f.yaml:1:28: policy can't be \"perhaps\" (it is one of: must, improve, should)",
        ),
        ("require: [{that: ''}]", "f.yaml:1:19: that is empty"),
        ("require: [{'a b': 1}]", "f.yaml:1:12: \"a b\" can't be the name of a goal"),
        ("minimize: [{weight: 1}]", "f.yaml:1:12: an objective has no \"what\""),
        ("minimize: [{what: cost, weight: 0}]", "f.yaml:1:33: a weight must be above zero"),
        (
            "minimize: [{what: cost, weight: x}]",
            "f.yaml:1:33: weight: \"x\" is not a decimal number",
        ),
        (
            "minimize: [{what: cost, tolerance: 3}]",
            "f.yaml:1:36: a tolerance of 3 is more than the whole (did you mean 3%?)",
        ),
        (
            "minimize: [[{what: a, tolerance: 1%}, {what: b, tolerance: 2%}]]",
            "f.yaml:1:39: a tier has one tolerance, not two",
        ),
        ("minimize: [[]]", "f.yaml:1:12: a tier without anything to make best"),
        (
            "minimise: [cost]\nrequire: []",
            "f.yaml:1:1: the document has no key \"minimise\" (did you mean \"minimize\"?)",
        ),
    ] {
        assert_eq!(mistakes(text), says, "{text}");
    }
}

#[test]
fn the_clouds_of_the_contract_are_read() {
    let read = clouds(
        "kind: Clouds\nclouds:\n  \
         - {name: lab-a, driver: docker, endpoint: unix:///run/lab-a.sock, place: {area: EU, country: DE}, certified: [iso27001, soc2t2], energy: {carbon_per_kwh: 334.5, watts_per_vcpu: 4}, prices: {host: 0.05 USD/hour, egress: 0.02 USD/GB}, read-only: true}\n  \
         - {name: aws-eu, driver: aws, regions: [eu-west-1, eu-central-1], credentials: {from: env}, prices: {discount: 12%}}\n  \
         - {name: dream, driver: simulated, profile: three-regions.yaml, seed: 7}\n",
    );
    assert_eq!(
        serde_json::to_value(&read).expect("JSON"),
        json!([
            {"name": "lab-a", "driver": "docker", "endpoint": "unix:///run/lab-a.sock",
             "place": {"country": "DE", "area": "EU"}, "certified": ["iso27001", "soc2t2"], "energy": {"carbon_g_per_kwh": "334.5", "watts_per_vcpu": "4"}, "read_only": true, "at": "f.yaml:3:5",
             "prices": {"host": "0.0500 USD/hour", "egress_per_gb": "0.02"}},
            {"name": "aws-eu", "driver": "aws", "regions": ["eu-west-1", "eu-central-1"],
             "credentials": {"from": "env"}, "place": {}, "prices": {"discount": "0.12"},
             "read_only": false, "at": "f.yaml:4:5"},
            {"name": "dream", "driver": "simulated", "place": {}, "prices": {}, "read_only": false,
             "settings": {"profile": "three-regions.yaml", "seed": 7}, "at": "f.yaml:5:5"},
        ])
    );
}

#[test]
fn wrong_clouds_are_told_and_secrets_are_not() {
    let by_reference = "(secrets are given by reference: put it into the environment and write \
                        credentials: {from: env}, or into a file and name its path there)";
    for (cloud, says) in [
        ("driver: d, name: A", "\"A\" can't be the name of a cloud (lower-case letters, digits and \"-\" between them, at most 63 characters, for example \"a\")".to_owned()),
        ("name: a", "a cloud has no \"driver\"".to_owned()),
        ("name: a, driver: d, enpoint: x", "a cloud has no key \"enpoint\" (did you mean \"endpoint\"?)".to_owned()),
        ("name: a, driver: d, place: {country: de}", "\"de\" is not the code of a country (two capital letters as in ISO 3166-1, like DE)".to_owned()),
        ("name: a, driver: d, prices: {host: 0.05}", "host: \"0.05\" is not a time a price can be per: expected \"hour\" or \"month\" (write 0.05 USD/hour)".to_owned()),
        ("name: a, driver: d, prices: {host: -1 USD/hour}", "a price can't be below zero".to_owned()),
        ("name: a, driver: d, prices: {egress: 0.02 USD/GiB}", "\"0.02 USD/GiB\" is not a price of traffic (write dollars per 10^9 bytes, like 0.02 USD/GB)".to_owned()),
        ("name: a, driver: d, prices: {discount: 120%}", "a discount can't be more than 100%".to_owned()),
        ("name: a, driver: d, energy: {carbon_per_kwh: -3}", "\"-3\" is no number from zero up (write grams of CO2 per kWh and watts as plain numbers, like 120)".to_owned()),
        ("name: a, driver: d, certifed: [iso27001]", "a cloud has no key \"certifed\" (did you mean \"certified\"?)".to_owned()),
        ("name: a, driver: d, credentials: {from: env, access_key: canary}", format!("credentials can't hold \"access_key\" {by_reference}")),
        ("name: a, driver: d, credentials: canary", format!("credentials must be a map, not a text {by_reference}")),
        ("name: a, driver: d, credentials: {from: 'x://u:canary@h'}", format!("credentials have a password in them {by_reference}")),
        ("name: a, driver: d, endpoint: 'https://u:canary@h'", format!("the endpoint has a password in it {by_reference}")),
        ("name: a, driver: d, auth: {token: canary}", format!("\"token\" is a secret in plain text {by_reference}")),
        ("name: a, driver: d, proxies: ['http://u:canary@h']", format!("\"proxies\" is a secret in plain text {by_reference}")),
    ] {
        let said = mistakes(&format!("kind: Clouds\nclouds: [{{{cloud}}}]\n"));
        assert_eq!(said.splitn(4, ':').nth(3).map(str::trim), Some(&*says), "{cloud}");
        assert!(!said.contains("canary"), "{said}");
    }
    assert_eq!(
        mistakes("kind: Clouds\nclouds:\n- {name: a, driver: d}\n- {name: a, driver: d}\n"),
        "f.yaml:4:3: the cloud \"a\" is here twice, first in line 3"
    );
    let read = clouds("{kind: Clouds, clouds: [{name: a, driver: d, token_file: /run/t}]}");
    assert_eq!(read[0].settings["token_file"], json!("/run/t"));
}
