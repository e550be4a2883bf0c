//! Rules about where pods may run.

use coc_model::goals::RequirementBody;

use crate::{container, deployment, goals, notes, reading};

#[test]
fn rules_of_the_scheduler_become_goals() {
    let with = |rules: &str| deployment("web", &format!("{{{rules}, {}", &container("")[1..]));
    let spread = |key: &str, when: &str, selector: &str| {
        with(&format!(
            "topologySpreadConstraints: [{{maxSkew: 2, topologyKey: {key}, whenUnsatisfiable: {when}, {selector}}}]"
        ))
    };
    let own = "labelSelector: {matchLabels: {app: web}}";
    let affinity = |rules: &str| with(&format!("affinity: {{{rules}}}"));
    let required = "requiredDuringSchedulingIgnoredDuringExecution";
    let preferred = "preferredDuringSchedulingIgnoredDuringExecution";
    let zone = "topology.kubernetes.io/zone";
    let node = |terms: &str| {
        affinity(&format!("nodeAffinity: {{{required}: {{nodeSelectorTerms: [{terms}]}}}}"))
    };
    let expression = |operator: &str, values: &str| {
        format!("{{matchExpressions: [{{key: {zone}, operator: {operator}, values: [{values}]}}]}}")
    };
    for (text, found) in [
        (spread(zone, "DoNotSchedule", own), "spread maxSkew=2 over=\"zone\" service=\"web\" Must"),
        (
            spread("topology.kubernetes.io/region", "ScheduleAnyway", own),
            "spread maxSkew=2 over=\"region\" service=\"web\" Should",
        ),
        (
            spread("kubernetes.io/hostname", "DoNotSchedule", own),
            "spread maxSkew=2 over=\"host\" service=\"web\" Must",
        ),
        (spread("rack", "DoNotSchedule", own), ""),
        (spread(zone, "DoNotSchedule", "labelSelector: {matchLabels: {app: other}}"), ""),
        (spread(zone, "DoNotSchedule", "minDomains: 3"), ""),
        (
            affinity(&format!(
                "podAntiAffinity: {{{required}: [{{topologyKey: kubernetes.io/hostname, {own}}}]}}"
            )),
            "apart over=\"host\" services=[\"web\"] Must",
        ),
        (
            affinity(&format!(
                "podAntiAffinity: {{{preferred}: [{{weight: 1, podAffinityTerm: {{topologyKey: {zone}, {own}}}}}]}}"
            )),
            "apart over=\"zone\" services=[\"web\"] Should",
        ),
        (
            affinity(&format!(
                "podAntiAffinity: {{{required}: [{{topologyKey: {zone}, labelSelector: {{matchLabels: {{app: db}}}}}}]}}"
            )),
            "apart over=\"zone\" services=[\"web\",\"db\"] Must",
        ),
        (
            affinity(&format!(
                "podAffinity: {{{required}: [{{topologyKey: kubernetes.io/hostname, labelSelector: {{matchLabels: {{app: db}}}}}}]}}"
            )),
            "colocate over=\"host\" services=[\"web\",\"db\"] Must",
        ),
        (
            affinity(&format!(
                "podAffinity: {{{required}: [{{topologyKey: {zone}, labelSelector: {{matchLabels: {{app: none}}}}}}]}}"
            )),
            "",
        ),
        (
            with(&format!("nodeSelector: {{{zone}: a, disk: ssd}}")),
            "within services=[\"web\"] zone=\"a\" Must",
        ),
        (node(&expression("In", "a, b")), "within services=[\"web\"] zone=[\"a\",\"b\"] Must"),
        (node(&expression("NotIn", "a")), "avoid services=[\"web\"] zone=\"a\" Must"),
        (
            node(&format!("{}, {}", expression("In", "b"), expression("In", "a"))),
            "within services=[\"web\"] zone=[\"a\",\"b\"] Must",
        ),
        (node(&format!("{}, {}", expression("In", "b"), expression("NotIn", "a"))), ""),
        (node(&expression("Exists", "")), ""),
        (
            affinity(&format!(
                "nodeAffinity: {{{preferred}: [{{weight: 1, preference: {}}}]}}",
                expression("In", "a")
            )),
            "within services=[\"web\"] zone=\"a\" Should",
        ),
    ] {
        let read = reading(&format!("{text}{}", deployment("db", &container(""))));
        assert_eq!(goals(&read).join("; "), found, "{text}");
        if found.is_empty() {
            let said = notes(&read, "web");
            assert_eq!(said.len(), 1, "a rule that is not planned on is noted: {text} {said:?}");
        }
    }
    let read = reading(&spread(zone, "DoNotSchedule", own));
    let RequirementBody::Named { arguments, .. } = &read.goals.require[0].body else {
        panic!("a named goal")
    };
    let places: Vec<String> = arguments.values().map(|a| a.at.to_string()).collect();
    assert_eq!(places, ["f.yaml:8:50", "f.yaml:8:66", "f.yaml:8:40"]);
    assert_eq!(read.goals.require[0].at.to_string(), "f.yaml:8:40");
}
