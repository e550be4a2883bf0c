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
use coc_model::estate::Estate;
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

/// Asks planning something about an input over its ground, given the plan that comes before and what
/// runs now.
pub(crate) fn asked<T>(
    input: &Input,
    ground: &Ground,
    search: Search,
    (parent, before): (Option<&Plan>, Option<&Before>),
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
        parent,
        before,
        cancel: &cancel,
    };
    ask(&request)
}

/// Makes the plan.
pub(crate) fn made(
    input: &Input,
    ground: &Ground,
    search: Search,
    parent: Option<&Plan>,
) -> Result<Plan, Failure> {
    let _busy = talk::Busy::with("looking for the best plan");
    let before = parent.map(Before::of);
    asked(input, ground, search, (parent, before.as_ref()), plan)
        .map_err(|error| Failure::of_planning(error, &input.files))
}

/// The plan that an application runs by now, if there is a state at all.
pub(crate) async fn running(global: &Global, application: &str) -> Result<Option<Plan>, Failure> {
    match State::is_there(&global.dir) {
        true => parent(&State::open(&global.dir).await?, application).await,
        false => Ok(None),
    }
}

/// The plan that an application runs by now.
pub(crate) async fn parent(state: &State, application: &str) -> Result<Option<Plan>, Failure> {
    let deploying = super::deploy::deploying(state, &[]);
    match deploying.target(application).await?.and_then(|target| target.plan) {
        Some(plan) => Ok(Some(deploying.plan(&plan).await?)),
        None => Ok(None),
    }
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
    let mut input = inputs::input(&sources)?;
    let mounted = crate::mounts::for_planning(global, &input).await?;
    let ground = ground(&mut input, &planning.catalog.folders, mounted)?;
    let search = Search { time: planning.time, gap_ppm: planning.gap, seed: planning.seed };
    if !global.json {
        talk::say(&read_line(&input, &sources));
    }
    let parent = running(global, &input.application.name).await?;
    let plan = made(&input, &ground, search, parent.as_ref())?;
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
