//! Every verb over clouds in memory: what is planned, proved, made, seen, told and removed.

use serde_json::Value;

use crate::folder::{Folder, counts, each, text};

const PLAN: &str = "plan app.yaml --goals goals.yaml -o plan.json --json";

/// The keys of all that the application is made of.
const PARTS: [&str; 9] = [
    "container/desk/0",
    "container/desk/1",
    "container/shelf/0",
    "network/meadow",
    "network/summit",
    "vm/h1",
    "vm/h2",
    "vm/h3",
    "volume/books",
];

/// A folder with two clouds mounted.
fn mounted() -> Folder {
    let folder = Folder::named("verbs");
    let document = folder.run("mount clouds.yaml --json").ended(0);
    assert_eq!(document["mounted"], serde_json::json!(["hill", "vale"]));
    folder
}

/// The same with a plan in a file.
fn planned() -> (Folder, Value) {
    let folder = mounted();
    let plan = folder.run(PLAN).ended(0);
    (folder, plan)
}

/// The same with the plan applied.
fn applied() -> (Folder, Value) {
    let (folder, plan) = planned();
    folder.run("apply plan.json --yes --json").ended(0);
    (folder, plan)
}

/// The native types of all resources that are there.
fn resources(folder: &Folder) -> Vec<(String, usize)> {
    let document = folder.run("resources --json").ended(0);
    let types = each(&document, "/resources", "/type");
    counts(&types).into_iter().map(|(name, count)| (name.to_owned(), count)).collect()
}

/// Ended steps in an application's history as (verb, resource), in the order of names.
fn steps(folder: &Folder) -> Vec<(String, String)> {
    let document = folder.run("history library --json").ended(0);
    let items = document["history"]["library"].as_array().unwrap().iter();
    let ended = items.filter_map(|item| item["what"].get("ended"));
    let mut steps: Vec<(String, String)> = ended
        .map(|end| (text(end, "/step/verb").to_owned(), text(end, "/step/resource").to_owned()))
        .collect();
    steps.sort();
    steps
}

#[test]
fn mounted_clouds_are_listed_until_they_are_unmounted() {
    let folder = mounted();
    let listed = folder.run("clouds --json").ended(0);
    assert_eq!(each(&listed, "/clouds", "/name"), ["hill", "vale"]);
    assert_eq!(each(&listed, "/clouds", "/driver"), ["simulated", "simulated"]);
    assert_eq!(
        each(&listed, "/clouds", "/state"),
        ["1 sites, 2 kinds of machines", "1 sites, 1 kinds of machines"]
    );
    let gone = folder.run("unmount hill --json").ended(0);
    assert_eq!(text(&gone, "/unmounted"), "hill");
    assert_eq!(each(&folder.run("clouds --json").ended(0), "/clouds", "/name"), ["vale"]);
    let again = folder.run("unmount hill --json");
    assert_eq!((again.exit, &*again.out), (1, ""));
    assert!(again.says.contains("no cloud is mounted as \"hill\""), "{}", again.says);
}

#[test]
fn a_plan_is_proved_verified_and_explained() {
    let (folder, plan) = planned();
    assert_eq!(text(&plan, "/status"), "optimal");
    assert_eq!(text(&plan, "/cost/total"), "22.00");
    assert_eq!(text(&plan, "/objective/0/bound"), "22.00");
    assert_eq!(each(&plan, "/hosts", "/offer"), ["stone", "leaf", "leaf"]);
    let mut made = each(&plan, "/resources", "/id");
    made.sort_unstable();
    assert_eq!(made, PARTS);

    let verdict = folder.run("verify plan.json --json").ended(0);
    assert_eq!(
        (&verdict["accepted"], &verdict["requirements"][0]["satisfied"]),
        (&true.into(), &true.into())
    );
    let why = folder.run("explain plan.json --json").ended(0);
    for field in ["plan", "status", "objective", "evidence", "assumed", "unknown", "inputs"] {
        assert_eq!(why[field], plan[field], "{field}");
    }
}

#[test]
fn a_plan_that_was_tampered_with_is_refused() {
    let (folder, plan) = planned();
    let cheaper = plan.to_string().replace("\"22.00\"", "\"21.00\"");
    let run = folder.and("plan.json", &cheaper).run("verify plan.json --json");
    let verdict = run.ended(1);
    assert_eq!(verdict["accepted"], false);
    assert!(!verdict["faults"].as_array().unwrap().is_empty(), "{verdict:#}");
}

#[test]
fn a_dry_run_shows_every_call_and_makes_none() {
    let (folder, plan) = planned();
    let shown = folder.run("apply plan.json --dry-run --json").ended(0);
    assert_eq!(shown["plan"], plan["plan"]);
    let mut parts = each(&shown, "/operations/steps", "/resource");
    parts.sort_unstable();
    assert_eq!(parts, PARTS);
    assert_eq!(resources(&folder), []);
    let known = folder.run("status --json").ended(0);
    assert_eq!(known["applications"], serde_json::json!([]));
}

#[test]
fn nothing_is_done_unasked() {
    let (folder, _) = planned();
    let run = folder.run("apply plan.json --json");
    assert_eq!((run.exit, &*run.out), (1, ""));
    assert!(run.says.contains("say --yes to go on without asking"), "{}", run.says);
    assert_eq!(resources(&folder), []);
}

#[test]
fn what_is_applied_runs_and_is_told() {
    let (folder, plan) = applied();
    let status = folder.run("status library --json").ended(0);
    let library = &status["applications"][0];
    assert_eq!((&library["plan"], &library["cost"]), (&plan["plan"], &plan["cost"]["total"]));
    assert_eq!((&library["running"], &library["wanted"]), (&9.into(), &9.into()));
    assert_eq!(counts(&each(library, "/resources", "/state")), [("running", 9)]);
    let expected = [
        ("simulated.container".to_owned(), 3),
        ("simulated.network".to_owned(), 2),
        ("simulated.vm".to_owned(), 3),
        ("simulated.volume".to_owned(), 1),
    ];
    assert_eq!(resources(&folder), expected);
    let created: Vec<(String, String)> =
        PARTS.map(|part| ("create".to_owned(), part.to_owned())).into();
    assert_eq!(steps(&folder), created);
}

#[test]
fn applying_again_does_nothing() {
    let (folder, plan) = applied();
    let report = folder.run("apply plan.json --yes --json").ended(0);
    assert_eq!((&report["plan"], &report["done"]), (&plan["plan"], &0.into()));
    // From the application's files: the plan made now is the one that runs.
    let report = folder.run("apply app.yaml --goals goals.yaml --yes --json").ended(0);
    assert_eq!((&report["plan"], &report["done"]), (&plan["plan"], &0.into()));
}

#[test]
fn a_change_makes_and_removes_what_it_must_alone() {
    let (folder, plan) = applied();
    let folder = folder.with("app.yaml", "replicas: 2", "replicas: 3");
    let report = folder.run("apply app.yaml --goals goals.yaml --yes --json").ended(0);
    assert_ne!(report["plan"], plan["plan"]);
    let states = report["states"].as_object().unwrap();
    assert!(states.contains_key("container/desk/2"), "{report:#}");
    assert!(states.values().all(|state| state == "running"), "{report:#}");
    let untouched = ["volume/books", "network/meadow", "network/summit"];
    let twice = |part: &str| steps(&folder).iter().filter(|(_, of)| of == part).count();
    assert_eq!(untouched.map(twice), [1, 1, 1]);
}

#[test]
fn destroy_keeps_data_until_it_is_told_not_to() {
    let (folder, _) = applied();
    let shown = folder.run("destroy library --dry-run --json").ended(0);
    assert_eq!(shown["operations"]["steps"].as_array().unwrap().len(), 8);
    assert_eq!(folder.run("destroy library --json").exit, 1);
    assert_eq!(folder.run("status library --json").ended(0)["applications"][0]["running"], 9);

    let report = folder.run("destroy library --yes --json").ended(0);
    assert_eq!(each(&report, "/data_kept", "/resource"), ["volume/books"]);
    assert_eq!(resources(&folder), [("simulated.volume".to_owned(), 1)]);
    let report = folder.run("destroy library --with-data --yes --json").ended(0);
    assert_eq!((&report["done"], &report["data_kept"]), (&1.into(), &serde_json::json!([])));
    assert_eq!(resources(&folder), []);

    let removed = steps(&folder).into_iter().filter(|(verb, _)| verb == "remove");
    assert_eq!(removed.map(|(_, part)| part).collect::<Vec<_>>(), PARTS);
    let nothing = folder.run("destroy library --yes --json");
    assert_eq!((nothing.exit, &*nothing.out), (1, ""));
    assert!(nothing.says.contains("nothing of library is there"), "{}", nothing.says);
}

#[test]
fn a_read_only_cloud_is_never_changed() {
    let folder = Folder::named("verbs");
    folder.run("mount clouds.yaml --read-only --json").ended(0);
    let listed = folder.run("clouds --json").ended(0);
    let modes = listed["clouds"].as_array().unwrap().iter().map(|c| &c["read_only"]);
    assert_eq!(modes.collect::<Vec<_>>(), [true, true]);
    folder.run(PLAN).ended(0);
    folder.run("apply plan.json --dry-run --json").ended(0);
    let refused = |words: &str| {
        let run = folder.run(words);
        assert_eq!((run.exit, &*run.out), (1, ""), "{words}: {}", run.says);
        let says = "error: nothing was done: mounted read-only: hill, vale";
        assert!(run.says.contains(says), "{words}: {}", run.says);
        assert_eq!(resources(&folder), [], "{words}");
    };
    refused("apply plan.json --yes --json");
    refused("apply app.yaml --goals goals.yaml --yes --json");
    // Naming the clouds again does not lift it: mounting them again does.
    refused("apply app.yaml --goals goals.yaml --clouds clouds.yaml --yes --json");
    folder.run("mount clouds.yaml --json").ended(0);
    folder.run("apply plan.json --yes --json").ended(0);
    assert_eq!(resources(&folder).len(), 4);

    folder.run("mount clouds.yaml --read-only --json").ended(0);
    let kept = folder.run("destroy library --yes --json");
    assert_eq!((kept.exit, &*kept.out), (1, ""), "{}", kept.says);
    assert_eq!(resources(&folder).len(), 4);
}

/// 0 done, 1 failed, 2 wrong input, 3 no plan can exist, 4 stopped before a proof.
#[test]
fn each_exit_code_means_what_the_help_says() {
    let folder = mounted();
    let cases = [
        ("plan app.yaml --goals goals.yaml --json", 0, "optimal"),
        ("plan app.yaml --goals goals.yaml --time 0s --json", 4, "unknown"),
    ];
    for (words, exit, status) in cases {
        assert_eq!(text(&folder.run(words).ended(exit), "/status"), status, "{words}");
    }
    let failed = folder.run("status nowhere --json");
    assert_eq!((failed.exit, &*failed.out), (1, ""), "{}", failed.says);

    let folder = folder.with("goals.yaml", "atLeast: 2", "atLeast: 3");
    let impossible = folder.run(PLAN).ended(3);
    assert_eq!(text(&impossible, "/status"), "infeasible");
    assert!(!impossible["conflict"].as_array().unwrap().is_empty());
    let refused = folder.run("apply app.yaml --goals goals.yaml --yes --json");
    assert_eq!(refused.exit, 3, "{}", refused.says);

    let folder = folder.with("goals.yaml", "service: desk", "service: dekk");
    let wrong = folder.run("plan app.yaml --goals goals.yaml -o wrong.json --json");
    assert_eq!((wrong.exit, &*wrong.out), (2, ""));
    assert!(wrong.says.contains("did you mean \"desk\"?"), "{}", wrong.says);
    assert!(!folder.has("wrong.json"));
    assert_eq!(resources(&folder), []);
}

/// Two leaves would hold all three containers for 14; what runs now is on three machines.
#[test]
fn what_runs_is_looked_at_by_goals_and_by_every_question_about_them() {
    let (folder, applied) = applied();
    let goals =
        "kind: Goals\napplication: library\nrequire:\n  - that: moved == 0\nminimize: [cost]\n";
    let folder = folder.and("still.yaml", goals);
    let plan = folder.run("plan app.yaml --goals still.yaml -o still.json --json").ended(0);
    assert_eq!(text(&plan, "/cost/total"), text(&applied, "/cost/total"));
    assert_eq!(plan["before"]["placements"], applied["placements"]);
    assert_eq!(folder.run("verify still.json --json").ended(0)["accepted"], true);

    let answer = folder.run("explain still.json --prices --json").ended(0);
    assert_eq!(each(&answer, "/prices", "/at"), ["still.yaml:4:5"]);
    assert_eq!(each(&answer, "/prices", "/without"), ["14.00"]);

    let surface = folder.run("surface app.yaml --json --over cost --over moved").ended(0);
    let costs = each(&surface, "/points", "/objective/0/value");
    assert_eq!((costs[0], *costs.last().unwrap()), ("14.00", text(&applied, "/cost/total")));
    assert_eq!(each(&surface, "/points", "/objective/1/value").last(), Some(&"0"));
}
