//! The examples of `docs/goals.md`: every one is planned to a proof over one small application and four
//! small clouds, and judged by the checker. What comes out is golden.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that can't go on stops")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use coc_control::planning::estate::{Detail, of_catalog};
use coc_control::planning::{Request, plan};
use coc_engine_milp::Milp;
use coc_formats::compose::ReadRequest;
use coc_formats::files::MemoryFiles;
use coc_formats::read::{Read, read};
use coc_goals::library::standard_library;
use coc_goals::rules::understand_with;
use coc_model::catalog::Catalog;
use coc_model::estate::{Estate, Limit};
use coc_model::goals::RequirementBody;
use coc_model::plan::{Inputs, Plan, Status};

const DOCUMENT: &str = "docs/goals.md";
/// The cloud whose machines are there already.
const OWNED: &str = "yard";

/// The first objective where something only should hold.
const VIOLATION: &str = "violation of what should hold";

/// An example of the document.
struct Example {
    /// The line before it.
    question: String,
    /// The file: as many empty lines as there are before it, then its own, so that mistakes are
    /// told at their places in the document.
    text: String,
    /// True if it is said to be impossible.
    infeasible: bool,
}

fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn examples() -> Vec<Example> {
    let document = std::fs::read_to_string(folder().join("../..").join(DOCUMENT)).unwrap();
    let mut examples: Vec<Example> = Vec::new();
    let (mut before, mut inside) = (String::new(), false);
    for (number, line) in document.lines().enumerate() {
        if inside && line == "```" {
            inside = false;
        } else if inside {
            let example = examples.last_mut().unwrap();
            example.text.push_str(line);
            example.text.push('\n');
        } else if let Some(info) = line.strip_prefix("```yaml") {
            inside = true;
            let question = before.trim_matches(['*', ' ']).to_owned();
            let text = "\n".repeat(number + 1);
            examples.push(Example { question, text, infeasible: info.trim() == "infeasible" });
        } else if !line.trim().is_empty() {
            before = line.to_owned();
        }
    }
    examples
}

/// What is read of an example beside the application, or with its own.
fn read_example(example: &Example) -> Result<Read, String> {
    let shop = std::fs::read_to_string(folder().join("tests/goals/compose.yaml")).unwrap();
    let files = MemoryFiles::in_folder("/shop")
        .with("compose.yaml", shop.as_str())
        .with(DOCUMENT, example.text.as_str());
    let mut paths = vec!["compose.yaml".to_owned(), DOCUMENT.to_owned()];
    if example.text.contains("kind: Application") {
        paths.remove(0);
    }
    let request = ReadRequest { paths, ..ReadRequest::default() };
    read(&request, &files).map_err(|mistakes| mistakes.to_string())
}

/// The clouds: those of the catalog, one of which has one machine that is there already.
fn estate(catalog: &Catalog, detail: Detail) -> Estate {
    let mut estate = of_catalog(catalog, detail);
    for offering in &mut estate.offerings {
        if &*estate.sites[offering.site.index()].cloud == OWNED {
            offering.existing = true;
            let rule = format!("machines of {OWNED}").into();
            offering.limit = Some(Limit { most: 1, rule, at: None });
        }
    }
    estate
}

fn planned(example: &Example, catalog: &Catalog) -> Result<Plan, String> {
    let read = read_example(example)?;
    let application = read.application.as_ref().unwrap();
    let rules = understand_with(application, &read.goals, &read.definitions, &standard_library())
        .map_err(|mistakes| mistakes.to_string())?;
    let estate = Arc::new(estate(catalog, Detail::of(&rules)));
    let cancel = AtomicBool::new(false);
    let request = Request {
        application,
        rules: &rules,
        estate: &estate,
        engines: &[&Milp],
        time_left: &|| Duration::from_secs(60),
        time_passed: &|| Duration::ZERO,
        gap_ppm: 0,
        clouds: &[],
        inputs: Inputs::default(),
        parent: None,
        rules_before: None,
        before: None,
        cancel: &cancel,
    };
    let plan = plan(&request).map_err(|error| error.to_string())?;
    let due = if example.infeasible { Status::Infeasible } else { Status::Optimal };
    if plan.status != due || !(example.infeasible || plan.check.accepted) {
        return Err(format!("{:?} in place of {due:?}\n{}", plan.status, shown(&plan)));
    }
    let missed = plan.objective.iter().any(|o| o.goal == VIOLATION && o.value != "0");
    if missed == plan.check.requirements.iter().all(|r| r.satisfied) {
        return Err(format!("optimizer and checker differ on what is missed\n{}", shown(&plan)));
    }
    Ok(plan)
}

/// A plan in a few lines: what it is worth, then each service with its machines.
fn shown(plan: &Plan) -> String {
    let mut out = String::new();
    for item in &plan.conflict {
        let _ = writeln!(out, "  conflict  {}", item.goal);
    }
    for objective in &plan.objective {
        let worth = format!("{} {}", objective.value, objective.unit);
        let _ = writeln!(out, "  {} = {}", objective.goal, worth.trim());
    }
    for requirement in plan.check.requirements.iter().filter(|r| !r.satisfied) {
        let _ = writeln!(out, "  not met   {}", requirement.goal);
    }
    if !plan.hosts.is_empty() && plan.objective.iter().all(|o| o.goal != "cost") {
        let _ = writeln!(out, "  cost {} {}", plan.cost.total, plan.cost.unit);
    }
    let mut services: BTreeMap<&str, BTreeMap<String, usize>> = BTreeMap::new();
    for host in &plan.hosts {
        let place = host.zone.as_ref().or(host.region.as_ref()).map_or("", String::as_str);
        for (service, _) in &host.holds {
            let at = format!("{} {place} {}", host.cloud, host.offer);
            *services.entry(service).or_default().entry(at).or_default() += 1;
        }
    }
    for (service, places) in services {
        let places: Vec<String> = places.iter().map(|(at, n)| format!("{at} ×{n}")).collect();
        let _ = writeln!(out, "  {service:6} {}", places.join(", "));
    }
    out
}

/// Every example planned, in their order, over all processors.
fn all_planned(examples: &[Example], catalog: &Catalog) -> Vec<Result<Plan, String>> {
    let lanes = std::thread::available_parallelism().map_or(1, usize::from);
    let lane = examples.len().div_ceil(lanes).max(1);
    std::thread::scope(|scope| {
        let plan_all = |part: &[Example]| part.iter().map(|e| planned(e, catalog)).collect();
        let running: Vec<_> = examples
            .chunks(lane)
            .map(|part| scope.spawn(move || -> Vec<Result<Plan, String>> { plan_all(part) }))
            .collect();
        running.into_iter().flat_map(|lane| lane.join().unwrap()).collect()
    })
}

#[test]
fn every_example_is_planned_as_the_document_says() {
    let examples = examples();
    assert!(examples.len() >= 60, "{} examples", examples.len());
    let catalog = coc_catalog::read_directories(&[folder().join("tests/goals/catalog")]).unwrap();
    let (mut golden, mut failed) = (String::new(), String::new());
    for (example, outcome) in examples.iter().zip(all_planned(&examples, &catalog)) {
        match outcome {
            Ok(plan) => {
                let _ = writeln!(golden, "{}\n{}", example.question, shown(&plan));
            }
            Err(says) => {
                let _ = writeln!(failed, "{}\n{}", example.question, says.trim_end());
            }
        }
    }
    assert!(failed.is_empty(), "{failed}");
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("goals/golden");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!("examples", golden));
}

#[test]
fn questions_are_asked_once() {
    let mut seen = BTreeSet::new();
    for example in examples() {
        assert!(!example.question.is_empty() && !example.question.starts_with('#'));
        assert!(seen.insert(example.question.clone()), "{} twice", example.question);
    }
}

#[test]
fn every_named_goal_and_number_has_an_example() {
    let (mut goals, mut numbers) = (BTreeSet::new(), BTreeSet::new());
    for example in examples() {
        let read = read_example(&example).unwrap_or_else(|says| panic!("{says}"));
        for requirement in read.goals.require {
            if let RequirementBody::Named { name, .. } = requirement.body {
                goals.insert(name);
            }
        }
        let terms = read.goals.objectives.into_iter().flat_map(|objective| objective.terms);
        numbers.extend(terms.map(|term| term.what.value.trim().to_owned()));
    }
    let library = standard_library();
    let missing: Vec<&String> = library
        .goals
        .iter()
        .map(|goal| &goal.name)
        .filter(|name| !goals.contains(*name))
        .chain(library.numbers.iter().map(|n| &n.name).filter(|name| !numbers.contains(*name)))
        .collect();
    assert!(missing.is_empty(), "no example of {missing:?}");
}
