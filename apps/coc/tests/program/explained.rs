//! Questions about a plan and its alternatives.

use crate::folder::{Folder, each, text};

const GOALS: &str = "kind: Goals\nrequire:\n  - within: {services: [db, cache], area: EU}\n  \
    - latency: {from: web, to: db, atMost: 20ms}\n  - that: count(hosts) <= 3\n\
    minimize: [cost]\n";

fn planned() -> Folder {
    let folder = Folder::named("three-lands").and("goals.yaml", GOALS);
    folder.run("plan shop.yaml --goals goals.yaml --catalog . -o plan.json --json").ended(0);
    folder
}

#[test]
fn each_goal_has_its_price() {
    let answer = planned().run("explain plan.json --prices --json").ended(0);
    assert_eq!(
        each(&answer, "/prices", "/at"),
        ["goals.yaml:3:5", "goals.yaml:4:5", "goals.yaml:5:5"]
    );
    // db, the cache and a web on the large machine in DE, the other web on a small one: there too,
    // or in the US without the latency.
    assert_eq!(each(&answer, "/prices", "/with"), ["45.00", "45.00", "45.00"]);
    assert_eq!(each(&answer, "/prices", "/without"), ["36.00", "43.00", "45.00"]);
    assert_eq!(each(&answer, "/prices", "/better"), ["9.00", "2.00", "0.00"]);
}

#[test]
fn numbers_have_the_range_in_which_nothing_changes() {
    let answer = planned().run("explain plan.json --ranges --json").ended(0);
    assert_eq!(each(&answer, "/ranges", "/limit"), ["20", "3"]);
    assert_eq!(each(&answer, "/ranges", "/unit"), ["ms", ""]);
    assert_eq!(each(&answer, "/ranges", "/tightest"), ["1", "2"]);
    // From 90 ms on a web may be in the US with db in DE.
    assert_eq!(each(&answer, "/ranges", "/betterFrom"), ["90", "never"]);
}

#[test]
fn an_alternative_has_its_cost_or_its_conflict() {
    let folder = planned();
    let answer = folder.run_with("explain plan.json --json --why-not", "db in s-fr").ended(0);
    let one = &answer["whyNot"][0];
    assert_eq!((text(one, "/asked"), text(one, "/verdict")), ("db in s-fr", "possible"));
    assert_eq!(
        (text(one, "/objective/0/value"), text(one, "/objective/0/more")),
        ("50.00", "+5.00")
    );
    assert_eq!(each(one, "/cost", "/amount"), ["40.00", "-35.00"]);

    let answer = folder.run_with("explain plan.json --json --why-not", "db in north US").ended(0);
    let one = &answer["whyNot"][0];
    assert_eq!(text(one, "/verdict"), "impossible");
    assert_eq!(each(one, "/conflict", "/at"), ["goals.yaml:3:5", "--why-not:1:1"]);

    let wrong = folder.run_with("explain plan.json --json --why-not", "bd on smal in Mars");
    assert_eq!((wrong.exit, &*wrong.out), (2, ""));
    for hint in ["did you mean \"db\"?", "did you mean \"small\"?", "no place \"Mars\""] {
        assert!(wrong.says.contains(hint), "{}", wrong.says);
    }
}

#[test]
fn each_service_is_where_it_is_for_a_reason() {
    let answer = planned().run("explain plan.json --json --why db").ended(0);
    let why = &answer["why"][0];
    assert_eq!((&why["services"][0], &why["at"][0]), (&"db".into(), &"north n-de".into()));
    assert_eq!(
        (text(why, "/elsewhere/verdict"), &why["then"][0]),
        ("possible", &"south s-fr".into())
    );
    assert_eq!(text(why, "/elsewhere/objective/0/more"), "+5.00");
}

#[test]
fn goals_of_ones_own_are_known_to_every_question() {
    let own = "kind: Goal\nname: atMostHosts\nabout: So many machines.\nshort: most\n\
        fields:\n  most: {type: count, about: how many}\n\
        forms:\n  - {when: [most], that: 'count(hosts) <= {most}'}\n---\n";
    let goals = format!("{own}{}", GOALS.replace("that: count(hosts) <= 3", "atMostHosts: 3"));
    let folder = Folder::named("three-lands").and("goals.yaml", &goals);
    folder.run("plan shop.yaml --goals goals.yaml --catalog . -o plan.json --json").ended(0);
    let answer = folder.run_with("explain plan.json --json --why-not", "db in s-fr").ended(0);
    assert_eq!(text(&answer["whyNot"][0], "/objective/0/value"), "50.00");
    let words = "surface shop.yaml --goals goals.yaml --catalog . --json --over cost --over";
    let answer = folder.run_with(words, "latency(\"web\", \"db\")").ended(0);
    assert_eq!(each(&answer, "/points", "/objective/0/value"), ["45.00"]);
}

#[test]
fn a_changed_input_is_no_longer_explained() {
    let folder = planned().with("goals.yaml", "20ms", "30ms");
    let run = folder.run("explain plan.json --prices --json");
    assert_eq!((run.exit, &*run.out), (1, ""));
    assert!(run.says.contains("changed since plan"), "{}", run.says);
}

#[test]
fn a_surface_has_every_plan_that_none_beats() {
    let folder = planned();
    let words = "surface shop.yaml --goals goals.yaml --catalog . --json --over cost --over";
    let answer = folder.run_with(words, "latency(\"web\", \"db\")").ended(0);
    assert_eq!(answer["complete"], true);
    assert_eq!(each(&answer, "/points", "/objective/0/value"), ["45.00"]);
    let answer = folder.run_with(words, "count(replicas(), r, r.cloud == \"north\")").ended(0);
    assert_eq!(
        each(&answer, "/points", "/objective/0/value"),
        ["45.00", "47.00", "50.00", "52.00"]
    );
    assert_eq!(each(&answer, "/points", "/objective/1/value"), ["4", "3", "1", "0"]);
    let wrong = folder.run_with(words, "cost, cost, cost");
    assert_eq!(wrong.exit, 2, "{}", wrong.says);
}

#[test]
fn what_was_assumed_is_said_with_how_far_the_plan_depends_on_it() {
    let folder = planned();
    let known = folder.run("explain plan.json --assumed --json").ended(0);
    // Architectures are no numbers.
    assert_eq!(each(&known, "/dependsOn", "/what"), ["architecture"; 3]);
    assert_eq!(known["dependsOn"][0]["with"], serde_json::json!([]));

    let folder = folder.with("shop.yaml", "needs: {cpu: 2, memory: 4Gi}", "needs: {cpu: 2}").with(
        "shop.yaml",
        "needs: {cpu: 1, memory: 1Gi}}\n  db",
        "needs: {memory: 1Gi}}\n  db",
    );
    folder.run("plan shop.yaml --goals goals.yaml --catalog . -o plan.json --json").ended(0);
    let answer = folder.run("explain plan.json --assumed --json").ended(0);
    let with = |what: &str| {
        let all = answer["dependsOn"].as_array().unwrap();
        let found = all.iter().find(|d| d["what"] == what).unwrap();
        each(found, "/with", "/value").into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(with("memory"), ["128Mi", "512Mi"]);
    assert_eq!(with("cpu"), ["125m", "500m"]);
    let text = folder.run("explain plan.json --assumed");
    assert!(text.out.contains("memory of db: 256Mi\n    128Mi: the same places"), "{}", text.out);
}
