//! `coc apply`, `coc destroy`: making plans real, and removing what they made.

use std::collections::BTreeMap;
use std::io::{BufRead as _, IsTerminal as _};
use std::sync::Arc;

use coc_control::deploying::{Deploying, Progress, ProgressSink, Release, Report, Settings};
use coc_model::plan::{Plan, Status};
use coc_model::secret::{SecretRef, SecretValue, Secrets};
use coc_plan::decide::{Action, Data, Operations};
use serde_json::json;

use crate::arguments::{Apply, Destroy, Global};
use crate::commands::{plan, verify};
use crate::failure::{Exit, Failure};
use crate::inputs::Input;
use crate::mounts::{self, Mounted};
use crate::state::{State, WallClock, order};
use crate::talk;

/// What an application is deployed with: the state and every cloud that may hold some of it.
pub(crate) fn deploying(state: &State, mounted: &[Mounted]) -> Deploying {
    Deploying {
        vault: Arc::clone(&state.vault),
        mounts: mounted.iter().map(|m| (m.cloud.name.clone(), Arc::clone(&m.driver))).collect(),
        clock: Arc::new(WallClock),
        owner: state.owner.clone(),
        settings: Settings::default(),
    }
}

/// A plan to apply, what it was made from, and the clouds it is for.
struct Prepared {
    plan: Plan,
    input: Input,
    mounted: Vec<Mounted>,
}

/// `coc apply`.
pub(crate) async fn apply(global: &Global, arguments: &Apply) -> Result<Exit, Failure> {
    let seen = State::look(&global.dir).await?;
    let Prepared { plan, input, mounted } = prepared(global, arguments, &seen).await?;
    if !matches!(plan.status, Status::Optimal | Status::Feasible) {
        talk::say(coc_plan::text::plan(&plan).trim_end());
        return Err(Failure::Told(plan::exit(&plan, 0)));
    }
    nothing_missing(&plan)?;
    let preview =
        deploying(&seen, &mounted).preview(&plan.application, Some(&plan), Data::Keep).await?;
    if arguments.dry_run {
        show_calls(global, &plan.plan, &preview);
        return Ok(Exit::Done);
    }
    none_read_only(&preview, &mounted)?;
    talk::say(&counts(&plan, &preview, mounted.len()));
    if !arguments.yes && !confirmed("Apply? [y/N] ", &["y", "yes"])? {
        return Err(Failure::failed("not applied"));
    }
    // Nothing is written before it is agreed to.
    let state = if State::is_there(&global.dir) { seen } else { State::open(&global.dir).await? };
    let given: Vec<_> = mounted.iter().map(|m| m.cloud.clone()).collect();
    mounts::keep(&state, &given).await?;
    let deploying = deploying(&state, &mounted);
    let stated = input.stated();
    let secrets = with_callers(input.secrets, &plan);
    let release = Release { plan: &plan, goals: Some(&stated) };
    let (sink, told) = progress();
    let report = deploying.apply(&order("apply"), release, &secrets, &sink).await?;
    drop(sink);
    let _ = told.await;
    ended(global, &plan.application, &report, "applied")
}

async fn prepared(global: &Global, arguments: &Apply, state: &State) -> Result<Prepared, Failure> {
    if let [file] = arguments.files.as_slice()
        && verify::is_plan(file)
    {
        let plan = verify::read_plan(file)?;
        let input = verify::same_input(&plan)?;
        let mounted = all_mounts(global, state, &input).await?;
        return Ok(Prepared { plan, input, mounted });
    }
    let planning = &arguments.planning;
    let sources = plan::sources(&arguments.files, &arguments.profiles, planning);
    let mut catalog = planning.catalog.clone();
    let (mut input, _) = plan::read(global, sources, &mut catalog).await?;
    let mounted = all_mounts(global, state, &input).await?;
    if mounted.is_empty() {
        return Err(Failure::with_hint(
            "no cloud is mounted to apply a plan to",
            "mount clouds with: coc mount FILE, or name them with --clouds FILE",
        ));
    }
    let chosen = match &input.clouds {
        Some(given) => {
            mounted.iter().filter(|m| given.iter().any(|g| g.name == m.cloud.name)).collect()
        }
        None => mounted.iter().collect::<Vec<_>>(),
    };
    let again = chosen
        .into_iter()
        .map(|m| Mounted { cloud: m.cloud.clone(), driver: Arc::clone(&m.driver) })
        .collect();
    let markets = mounts::markets(again).await?;
    let ground = plan::ground(&mut input, &catalog.folders, markets)?;
    let search = plan::Search { time: planning.time, gap_ppm: planning.gap, seed: planning.seed };
    let running = plan::runs_by(state, &input).await?;
    let plan = plan::made(&input, &ground, search, running.as_ref())?;
    talk::say(coc_plan::text::plan(&plan).trim_end());
    Ok(Prepared { plan, input, mounted })
}

/// The clouds given with the input and, beside them, all that are mounted.
async fn all_mounts(
    global: &Global,
    state: &State,
    input: &Input,
) -> Result<Vec<Mounted>, Failure> {
    let mut clouds = input.clouds.clone().unwrap_or_default();
    for kept in mounts::kept(&*state.vault).await? {
        match clouds.iter_mut().find(|c| c.name == kept.name) {
            // A cloud mounted read-only stays so until it is mounted again.
            Some(given) => given.read_only |= kept.read_only,
            None => clouds.push(kept),
        }
    }
    mounts::opened(clouds, &global.dir)
}

/// Refuses steps in clouds in which nothing may be changed.
fn none_read_only(operations: &Operations, mounted: &[Mounted]) -> Result<(), Failure> {
    let read_only = mounted.iter().map(|m| &m.cloud).filter(|cloud| cloud.read_only);
    let touched: Vec<&str> = read_only
        .map(|cloud| cloud.name.as_str())
        .filter(|name| operations.steps.iter().any(|step| step.cloud == **name))
        .collect();
    if touched.is_empty() {
        return Ok(());
    }
    let says = format!("nothing was done: mounted read-only: {}", touched.join(", "));
    Err(Failure::with_hint(says, "coc mount FILE without --read-only lets it be changed"))
}

/// Refuses plans with parts that no mounted cloud makes.
fn nothing_missing(plan: &Plan) -> Result<(), Failure> {
    let missing: Vec<&str> =
        plan.unknown.iter().filter_map(|u| u.what.strip_prefix("native documents for ")).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let says = format!(
        "plan {} has parts in {}, where no cloud is mounted",
        plan.plan,
        missing.join(", ")
    );
    Err(Failure::with_hint(says, "mount clouds and plan again"))
}

/// The secrets of the application, and what it passes on of the caller's environment.
fn with_callers(mut secrets: Secrets, plan: &Plan) -> Secrets {
    let mut names = Vec::new();
    for resource in &plan.resources {
        passed(&resource.native, &mut names);
    }
    for name in names {
        if let Ok(value) = std::env::var(&name) {
            secrets.insert(SecretRef::of_caller(&name), SecretValue::new(value));
        }
    }
    secrets
}

/// The variables of the caller's environment that a document refers to.
fn passed(document: &serde_json::Value, names: &mut Vec<String>) {
    match document {
        serde_json::Value::Object(map) => {
            let reference = map.get(coc_model::secret::SECRET_KEY).and_then(|r| r.as_str());
            if let Some(name) = reference.and_then(|r| r.strip_prefix("caller:env:")) {
                names.push(name.to_owned());
            }
            map.values().for_each(|v| passed(v, names));
        }
        serde_json::Value::Array(items) => items.iter().for_each(|v| passed(v, names)),
        _ => {}
    }
}

fn counts(plan: &Plan, operations: &Operations, clouds: usize) -> String {
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    for step in &operations.steps {
        let kind = match step.action {
            Action::Create(_) => "create",
            Action::Update { .. } | Action::Start { .. } => "change",
            Action::Remove { .. } => "remove",
        };
        *numbers.entry(kind).or_insert(0) += 1;
    }
    let n = |kind| numbers.get(kind).copied().unwrap_or(0);
    format!(
        "Plan {}: {} to create, {} to change, {} to remove, {clouds} clouds. Cost {} {}.",
        plan.plan,
        n("create"),
        n("change"),
        n("remove"),
        plan.cost.total,
        plan.cost.unit
    )
}

fn show_calls(global: &Global, plan: &str, operations: &Operations) {
    if global.json {
        talk::print_json(&json!({"plan": plan, "operations": operations}));
        return;
    }
    for step in &operations.steps {
        let (verb, document) = match &step.action {
            Action::Create(document) => ("create", Some(document)),
            Action::Update { document, .. } => ("update", Some(document)),
            Action::Start { .. } => ("start", None),
            Action::Remove { .. } => ("remove", None),
        };
        talk::print(&format!("{verb} {} {} in {}", step.resource_type, step.name, step.cloud));
        if let Some(document) = document {
            let text = serde_json::to_string_pretty(&document.native).unwrap_or_default();
            talk::print(&text.lines().map(|l| format!("    {l}\n")).collect::<String>());
        }
    }
    talk::say(&format!("{} calls, none was made", operations.steps.len()));
}

/// Asks a person; refuses where there is none to ask.
fn confirmed(question: &str, yes: &[&str]) -> Result<bool, Failure> {
    let input = std::io::stdin();
    if !input.is_terminal() {
        return Err(Failure::with_hint(
            "there is nobody to ask here",
            "say --yes to go on without asking",
        ));
    }
    eprint!("{question}");
    let mut answer = String::new();
    input.lock().read_line(&mut answer).map_err(|e| Failure::failed(e.to_string()))?;
    Ok(yes.contains(&answer.trim()))
}

/// A sink for progress, and the task that tells it.
fn progress() -> (ProgressSink, tokio::task::JoinHandle<()>) {
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    let told = tokio::spawn(async move {
        let busy = talk::Busy::with("looking at the clouds");
        while let Some(progress) = receiver.recv().await {
            if let Some(waiting) = waiting(&progress) {
                busy.now(&waiting);
            }
            if let Some(line) = line(&progress) {
                busy.say(&line);
            }
        }
    });
    (ProgressSink::to(sender), told)
}

fn line(progress: &Progress) -> Option<String> {
    Some(match progress {
        Progress::Interrupted(interrupted) => interrupted.to_string(),
        Progress::Done(step) => {
            format!("  ✓ {}  {} {} ({})", step.cloud, step.verb, step.name, step.resource_type)
        }
        Progress::Recovered(step) => {
            format!("  ✓ {}  {} {} (found again)", step.cloud, step.verb, step.name)
        }
        Progress::Failed { step, says } => {
            format!("  ✗ {}  {} {}: {says}", step.cloud, step.verb, step.name)
        }
        Progress::Unread { cloud, says } => format!("  ! {cloud} can't be read whole: {says}"),
        Progress::Decided { .. } | Progress::Started(_) | Progress::Waiting { .. } => return None,
    })
}

/// What is under way, for whoever watches.
fn waiting(progress: &Progress) -> Option<String> {
    match progress {
        Progress::Started(step) => Some(format!(
            "  … {}  {} {} ({})",
            step.cloud, step.verb, step.name, step.resource_type
        )),
        Progress::Waiting { step, for_what } => {
            Some(format!("  … {}  {} waits for {}", step.cloud, step.name, for_what.id()))
        }
        _ => None,
    }
}

fn ended(global: &Global, application: &str, report: &Report, done: &str) -> Result<Exit, Failure> {
    if global.json {
        talk::print_json(report);
    }
    for left in &report.data_kept {
        talk::say(&format!(
            "  kept {} in {}: it holds data (--with-data removes it)",
            left.name, left.cloud
        ));
    }
    if report.is_as_wanted() {
        talk::say(&format!("{application} is {done}: {} steps", report.done));
        return Ok(Exit::Done);
    }
    for failure in &report.failures {
        talk::say(&format!("error: {} in {}: {}", failure.resource, failure.cloud, failure.says));
        for line in &failure.output {
            talk::say(&format!("    {line}"));
        }
    }
    for withheld in &report.withheld {
        talk::say(&format!("error: {} in {}: {}", withheld.resource, withheld.cloud, withheld.why));
    }
    for (cloud, says) in &report.unread {
        talk::say(&format!("error: {cloud} can't be read: {says}"));
    }
    talk::say("  hint: what was done stands; the same command goes on from there");
    Ok(Exit::Failed)
}

/// `coc destroy`.
pub(crate) async fn destroy(global: &Global, arguments: &Destroy) -> Result<Exit, Failure> {
    let state = State::look(&global.dir).await?;
    let mounted = mounts::opened(mounts::kept(&*state.vault).await?, &global.dir)?;
    let deploying = deploying(&state, &mounted);
    let name = &arguments.application;
    let data = if arguments.with_data { Data::Remove } else { Data::Keep };
    let operations = deploying.preview(name, None, data).await?;
    let known = deploying.applications().await?.contains(name);
    if operations.steps.is_empty() && !known {
        return Err(Failure::with_hint(
            format!("nothing of {name} is there"),
            "coc status lists applications",
        ));
    }
    if arguments.dry_run {
        show_calls(global, name, &operations);
        return Ok(Exit::Done);
    }
    none_read_only(&operations, &mounted)?;
    for step in &operations.steps {
        talk::say(&format!(
            "  will remove {} ({}) in {}",
            step.name, step.resource_type, step.cloud
        ));
    }
    let question = format!("Type the name of the application to remove it [{name}]: ");
    if !arguments.yes && !confirmed(&question, &[name])? {
        return Err(Failure::failed("nothing was removed"));
    }
    let (sink, told) = progress();
    let report = deploying.destroy(&order("destroy"), name, data, &sink).await?;
    drop(sink);
    let _ = told.await;
    ended(global, name, &report, "gone")
}
