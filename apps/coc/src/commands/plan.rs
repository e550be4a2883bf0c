//! `coc plan`: from an application to a plan.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use coc_cloud::Cloud as Driver;
use coc_control::planning::estate::{Detail, MountedMarket, of_catalog, of_clouds};
use coc_control::planning::{Request, plan};
use coc_engine_exhaustive::Exhaustive;
use coc_engine_milp::Milp;
use coc_goals::rules::Rules;
use coc_model::estate::Estate;
use coc_model::mistake::{Mistake, Mistakes};
use coc_model::plan::{Before, Plan, Status};

use crate::arguments::{self, Global};
use crate::failure::{Exit, Failure};
use crate::inputs::{self, Input, Sources};
use crate::state::State;
use crate::talk;

/// What a plan rests on beside the application: catalog and clouds.
pub(crate) struct Ground {
    pub(crate) estate: Arc<Estate>,
    pub(crate) drivers: Vec<Arc<dyn Driver>>,
}

/// How to search.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Search {
    pub(crate) time: Duration,
    pub(crate) gap_ppm: u64,
    pub(crate) seed: u64,
}

/// The estate for an input; fills in the digests of catalog and clouds.
pub(crate) fn ground(
    input: &mut Input,
    catalog_folders: &[PathBuf],
    mounted: Vec<(MountedMarket, Arc<dyn Driver>)>,
) -> Result<Ground, Failure> {
    let catalog = inputs::catalog(catalog_folders)?;
    input.inputs.catalog = catalog.digest.to_string();
    input.inputs.catalog_folders =
        catalog_folders.iter().map(|f| f.to_string_lossy().into_owned()).collect();
    for notice in &catalog.notices {
        talk::say(&format!("notice: {notice}"));
    }
    let detail = Detail::of(&input.rules);
    let (markets, drivers): (Vec<_>, Vec<_>) = mounted.into_iter().unzip();
    let estate = if markets.is_empty() {
        of_catalog(&catalog, detail)
    } else {
        let clouds: Vec<_> = markets.iter().map(|m| &m.cloud).collect();
        let text = serde_json::to_string(&clouds).unwrap_or_default();
        input.inputs.clouds = coc_model::marks::digest(text.as_bytes());
        of_clouds(&catalog, &markets, detail)
    };
    Ok(Ground { estate: Arc::new(estate), drivers })
}

/// What comes before a plan.
#[derive(Clone, Copy, Default)]
pub(crate) struct Past<'a> {
    /// The plan that it is derived from.
    pub(crate) plan: Option<&'a Plan>,
    /// The goals of that plan, if they are known.
    pub(crate) rules: Option<&'a Rules>,
    /// What runs now.
    pub(crate) before: Option<&'a Before>,
}

/// A plan that an application runs by, and its goals if they are known.
pub(crate) struct Running {
    pub(crate) plan: Plan,
    pub(crate) rules: Option<Rules>,
}

/// Asks planning something about an input over its ground, given what comes before.
pub(crate) fn asked<T>(
    input: &Input,
    ground: &Ground,
    search: Search,
    past: Past<'_>,
    ask: impl FnOnce(&Request<'_>) -> T,
) -> T {
    let begun = Instant::now();
    let cancel = AtomicBool::new(false);
    let time_left = || search.time.saturating_sub(begun.elapsed());
    let time_passed = || begun.elapsed();
    let mut inputs = input.inputs.clone();
    inputs.seed = search.seed;
    let request = Request {
        application: &input.application,
        rules: &input.rules,
        estate: &ground.estate,
        engines: &[&Milp, &Exhaustive],
        time_left: &time_left,
        time_passed: &time_passed,
        gap_ppm: search.gap_ppm,
        clouds: &ground.drivers,
        inputs,
        parent: past.plan,
        rules_before: past.rules,
        before: past.before,
        cancel: &cancel,
    };
    ask(&request)
}

/// Makes the plan.
pub(crate) fn made(
    input: &Input,
    ground: &Ground,
    search: Search,
    running: Option<&Running>,
) -> Result<Plan, Failure> {
    let _busy = talk::Busy::with("looking for the best plan");
    let before = running.map(|running| Before::of(&running.plan));
    let past = Past {
        plan: running.map(|running| &running.plan),
        rules: running.and_then(|running| running.rules.as_ref()),
        before: before.as_ref(),
    };
    asked(input, ground, search, past, plan)
        .map_err(|error| Failure::of_planning(error, &input.files))
}

/// What an application runs by now, if there is a state at all.
pub(crate) async fn running(global: &Global, input: &Input) -> Result<Option<Running>, Failure> {
    match State::is_there(&global.dir) {
        true => runs_by(&State::open(&global.dir).await?, input).await,
        false => Ok(None),
    }
}

/// What an application runs by now.
pub(crate) async fn runs_by(state: &State, input: &Input) -> Result<Option<Running>, Failure> {
    let application = &input.application.name;
    let Some(plan) = target_plan(state, application).await? else { return Ok(None) };
    let stated = super::deploy::deploying(state, &[]).goals(application).await?;
    // Goals that make no sense of the application as it is now are not known.
    let rules = stated.and_then(|stated| input.understood_before(&stated).ok());
    Ok(Some(Running { plan, rules }))
}

async fn target_plan(state: &State, application: &str) -> Result<Option<Plan>, Failure> {
    let deploying = super::deploy::deploying(state, &[]);
    match deploying.target(application).await?.and_then(|target| target.plan) {
        Some(plan) => Ok(Some(deploying.plan(&plan).await?)),
        None => Ok(None),
    }
}

/// The plan of a file as what is running.
fn from_file(path: &str) -> Result<Running, Failure> {
    let plan = super::verify::read_plan(path)?;
    if !matches!(plan.status, Status::Optimal | Status::Feasible) {
        let says = format!("{path}: nothing can run by this plan");
        return Err(Failure::with_hint(says, "give the plan that the application runs by"));
    }
    let rules = super::verify::same_input(&plan).ok().map(|input| input.rules);
    Ok(Running { plan, rules })
}

/// Reads what is to be planned. Goals alone are new ones for an application that runs: then its files
/// are those that it was planned from, with these goals in the place of those it runs by.
pub(crate) async fn read(
    global: &Global,
    sources: Sources,
    catalog: &mut arguments::Catalog,
) -> Result<(Input, Sources), Failure> {
    let contents = inputs::contents(&sources)?;
    let Some(application) = contents.goals_alone()? else {
        return Ok((contents.understood()?, sources));
    };
    let running = match State::is_there(&global.dir) {
        true => target_plan(&State::open(&global.dir).await?, application).await?,
        false => None,
    };
    let Some(plan) = running else {
        let says = format!(
            "{} holds goals for {application} and no application, and no {application} runs here",
            sources.files.join(", ")
        );
        let mistake = Mistake::of_request(says).hint("name the application's files too");
        return Err(Failure::from(Mistakes::from(mistake)));
    };
    talk::say(&format!("  changes   the goals of {application}, which runs by {}", plan.plan));
    let was = super::verify::sources_of(&plan);
    if catalog.folders.is_empty() {
        catalog.folders = plan.inputs.catalog_folders.iter().map(PathBuf::from).collect();
    }
    let sources = Sources {
        files: was.files,
        profiles: was.profiles,
        goals: [sources.files, sources.goals].concat(),
        clouds: if sources.clouds.is_empty() { was.clouds } else { sources.clouds },
    };
    Ok((inputs::input(&sources)?, sources))
}

/// The exit code that a plan's status means.
pub(crate) fn exit(plan: &Plan, gap_ppm: u64) -> Exit {
    match plan.status {
        Status::Optimal => Exit::Done,
        Status::Feasible if gap_ppm > 0 && within(plan, gap_ppm) => Exit::Done,
        Status::Feasible | Status::Unknown => Exit::LimitReached,
        Status::Infeasible => Exit::NoPlan,
    }
}

/// True if every objective is proved to be within the gap.
fn within(plan: &Plan, gap_ppm: u64) -> bool {
    plan.objective.iter().all(|o| {
        o.gap
            .parse::<coc_model::decimal::Decimal>()
            .is_ok_and(|gap| gap.atto() / 1_000_000_000_000 <= i128::from(gap_ppm))
    })
}

/// The sources that the arguments of planning name.
pub(crate) fn sources(
    files: &[String],
    profiles: &[String],
    planning: &arguments::Planning,
) -> Sources {
    Sources {
        files: files.to_vec(),
        profiles: profiles.to_vec(),
        goals: planning.goals.clone(),
        clouds: planning.clouds.clone(),
    }
}

/// `coc plan`.
pub(crate) async fn run(global: &Global, arguments: &arguments::Plan) -> Result<Exit, Failure> {
    let planning = &arguments.planning;
    let sources = sources(&arguments.files.files, &arguments.files.profiles, planning);
    let mut catalog = planning.catalog.clone();
    let (mut input, sources) = read(global, sources, &mut catalog).await?;
    let mounted = crate::mounts::for_planning(global, &input).await?;
    let ground = ground(&mut input, &catalog.folders, mounted)?;
    let search = Search { time: planning.time, gap_ppm: planning.gap, seed: planning.seed };
    if !global.json {
        talk::say(&read_line(&input, &sources));
    }
    let running = match &arguments.from {
        Some(path) => Some(from_file(path)?),
        None => running(global, &input).await?,
    };
    let plan = made(&input, &ground, search, running.as_ref())?;
    if let Some(path) = &arguments.output {
        let text = serde_json::to_string_pretty(&plan).unwrap_or_default() + "\n";
        std::fs::write(path, text).map_err(|error| {
            Failure::with_hint(
                format!("{} can't be written: {error}", path.display()),
                "give another file with -o",
            )
        })?;
    }
    if global.json {
        talk::print_json(&plan);
    } else {
        talk::print(&coc_plan::text::plan(&plan));
    }
    Ok(exit(&plan, planning.gap))
}

fn read_line(input: &Input, sources: &Sources) -> String {
    let application = &input.application;
    let inferred = application.links.iter().filter(|l| l.inferred.is_some()).count();
    format!(
        "  read      {}: {} services, {} links ({inferred} inferred: coc check shows them), {} requirements",
        sources.files.join(", "),
        application.services.len(),
        application.links.len(),
        input.goals.require.len()
    )
}
