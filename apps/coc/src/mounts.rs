//! The clouds that are mounted, and how to reach them: the one place where drivers are chosen.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use coc_catalog::builtin;
use coc_cloud::Cloud as Driver;
use coc_cloud::layers::Layered;
use coc_cloud::layers::rate_limit::{Limits, RateLimit};
use coc_cloud::layers::read_only::ReadOnly;
use coc_cloud::layers::retry::{Policy, Retry};
use coc_cloud::layers::trace::Trace;
use coc_cloud::random::Random;
use coc_cloud_docker::Docker;
use coc_cloud_simulated::{FileStore as SimulatedStore, Simulated};
use coc_control::planning::estate::MountedMarket;
use coc_formats::files::{DiskFiles, Files as _};
use coc_formats::tree::read_documents;
use coc_model::catalog::Catalog;
use coc_model::cloud::Cloud;
use coc_model::mistake::{Mistake, MistakeLog, Mistakes, closest};
use coc_model::object::{Key, Kind, Object};
use coc_vault::vault::list_all;
use coc_vault::{At, Change, Commit, CommitId, KeyRange, Vault, WhenSame};

use crate::arguments::Global;
use crate::failure::Failure;
use crate::inputs::Input;
use crate::state::{State, WallClock, order, random_bits};
use coc_control::deploying::Clock as _;

/// The drivers there are.
const DRIVERS: [&str; 2] = ["docker", "simulated"];

/// How much faster than the world's the time of simulated clouds runs.
const PACE: u32 = 60;

/// A mount and its driver.
pub(crate) struct Mounted {
    pub(crate) cloud: Cloud,
    pub(crate) driver: Arc<dyn Driver>,
}

/// Makes the driver of a mount, with the layers that every driver has.
pub(crate) fn open(
    cloud: &Cloud,
    dir: &Path,
    catalog: &Catalog,
) -> Result<Arc<dyn Driver>, Failure> {
    let bare: Arc<dyn Driver> = match cloud.driver.as_str() {
        "docker" => Arc::new(Docker::mount(cloud)?),
        "simulated" => Arc::new(simulated(cloud, dir, catalog)?),
        other => return Err(no_such_driver(cloud, other).into()),
    };
    let limited: Arc<dyn Driver> =
        Arc::new(Layered::new(RateLimit::new(Limits::of(&bare.describe())), bare));
    let jitter =
        random_bits().map_or(0, |bits| u64::from_le_bytes(bits[..8].try_into().unwrap_or([0; 8])));
    let retried: Arc<dyn Driver> =
        Arc::new(Layered::new(Retry::new(Policy::default(), Random::new(jitter)), limited));
    let guarded: Arc<dyn Driver> = match cloud.read_only {
        true => Arc::new(Layered::new(ReadOnly, retried)),
        false => retried,
    };
    Ok(Arc::new(Layered::new(Trace, guarded)))
}

fn no_such_driver(cloud: &Cloud, driver: &str) -> Mistakes {
    let hint = closest(driver, DRIVERS).map_or_else(
        || format!("there are {}", DRIVERS.join(", ")),
        |d| format!("did you mean \"{d}\"?"),
    );
    Mistake::at(cloud.at.clone(), format!("there is no driver \"{driver}\"")).hint(hint).into()
}

/// A simulated cloud, kept in a file of the state's folder.
fn simulated(cloud: &Cloud, dir: &Path, catalog: &Catalog) -> Result<Simulated, Failure> {
    let profile = match cloud.settings.get("profile").and_then(|p| p.as_str()) {
        Some(file) => Some(profile(cloud, file)?),
        None => None,
    };
    let simulated = Simulated::mount(cloud, profile.as_ref(), catalog)?;
    let folder = dir.join("simulated");
    let store = std::fs::create_dir_all(&folder)
        .and_then(|()| SimulatedStore::open(folder.join(format!("{}.jsonl", cloud.name))))
        .and_then(|store| simulated.keep_in(Box::new(store)));
    store.map_err(|error| {
        Failure::failed(format!("simulated cloud {} can't be kept: {error}", cloud.name))
    })?;
    let begun = Instant::now();
    simulated.follow(Box::new(move || begun.elapsed() * PACE));
    Ok(simulated)
}

/// The profile of a simulated cloud, from a file beside the clouds' file.
fn profile(cloud: &Cloud, file: &str) -> Result<serde_json::Value, Failure> {
    let beside = Path::new(&*cloud.at.file).parent().unwrap_or(Path::new("")).join(file);
    let path = beside.to_string_lossy().into_owned();
    let text = DiskFiles.read(&path).map_err(|error| {
        Failure::from(Mistakes::from(Mistake::at(
            cloud.at.clone(),
            format!("the profile {path} {error}"),
        )))
    })?;
    let mut log = MistakeLog::new();
    let documents = read_documents(&path.as_str().into(), &text, &mut log);
    log.finish(())?;
    Ok(documents.first().map_or(serde_json::Value::Null, coc_formats::tree::Node::to_json))
}

/// The mounts that the state holds.
pub(crate) async fn kept(vault: &dyn Vault) -> Result<Vec<Cloud>, Failure> {
    let (_, records) = list_all(vault, &KeyRange::kind(Kind::Cloud), At::LATEST)
        .await
        .map_err(|e| Failure::failed(e.to_string()))?;
    records
        .into_iter()
        .map(|record| {
            let key = record.object.key.to_string();
            serde_json::from_value(record.object.body)
                .map_err(|error| Failure::failed(format!("{key} can't be read: {error}")))
        })
        .collect()
}

/// Writes mounts into the state.
pub(crate) async fn keep(state: &State, clouds: &[Cloud]) -> Result<(), Failure> {
    let mut change = Vec::new();
    for cloud in clouds {
        let key =
            Key::new(Kind::Cloud, &[&cloud.name]).map_err(|e| Failure::failed(e.to_string()))?;
        let body = serde_json::to_value(cloud).map_err(|e| Failure::failed(e.to_string()))?;
        change.push(Change::Put(Object { key, labels: BTreeMap::new(), schema: 1, body }));
    }
    commit(state, change, "mount").await
}

/// Takes a mount out of the state; false if it was not there.
pub(crate) async fn forget(state: &State, name: &str) -> Result<bool, Failure> {
    let there = kept(&*state.vault).await?.iter().any(|c| c.name == name);
    if there {
        let key = Key::new(Kind::Cloud, &[name]).map_err(|e| Failure::failed(e.to_string()))?;
        commit(state, vec![Change::Remove(key)], "unmount").await?;
    }
    Ok(there)
}

async fn commit(state: &State, change: Vec<Change>, why: &str) -> Result<(), Failure> {
    let id = random_bits().map_err(|e| Failure::failed(e.to_string()))?;
    let order = order(why);
    let commit = Commit {
        id: CommitId::from_bits(id),
        author: order.who,
        why: order.why,
        when: WallClock.now(),
        require: Vec::new(),
        change,
        when_same: WhenSame::Skip,
    };
    state.vault.commit(commit).await.map(|_| ()).map_err(|e| Failure::failed(e.to_string()))
}

/// Opens the drivers of some clouds. Names must differ.
pub(crate) fn opened(clouds: Vec<Cloud>, dir: &Path) -> Result<Vec<Mounted>, Failure> {
    let mut log = MistakeLog::new();
    let mut seen: BTreeMap<String, ()> = BTreeMap::new();
    for cloud in &clouds {
        if seen.insert(cloud.name.clone(), ()).is_some() {
            log.push(Mistake::at(
                cloud.at.clone(),
                format!("two clouds are called \"{}\"", cloud.name),
            ));
        }
        if !DRIVERS.contains(&cloud.driver.as_str()) {
            log.extend(no_such_driver(cloud, &cloud.driver));
        }
    }
    log.finish(())?;
    let catalog = match clouds.iter().any(|c| c.driver == "simulated") {
        true => builtin().map_err(|e| Failure::failed(format!("the built-in catalog: {e}")))?,
        false => Catalog::default(),
    };
    clouds
        .into_iter()
        .map(|cloud| Ok(Mounted { driver: open(&cloud, dir, &catalog)?, cloud }))
        .collect()
}

/// The clouds to plan over: those given with the input, else the mounted ones, if any.
pub(crate) async fn chosen(global: &Global, input: &Input) -> Result<Vec<Mounted>, Failure> {
    let clouds = match &input.clouds {
        Some(given) => given.clone(),
        None if State::is_there(&global.dir) => {
            let state = State::open(&global.dir).await?;
            kept(&*state.vault).await?
        }
        None => Vec::new(),
    };
    opened(clouds, &global.dir)
}

/// What some clouds sell or have.
pub(crate) async fn markets(
    mounted: Vec<Mounted>,
) -> Result<Vec<(MountedMarket, Arc<dyn Driver>)>, Failure> {
    let mut markets = Vec::new();
    for Mounted { cloud, driver } in mounted {
        match driver.market().await {
            Ok(market) => markets.push((MountedMarket { cloud, market }, driver)),
            Err(failure) => {
                let says = format!("cloud {} can't be asked: {failure}", cloud.name);
                let hint =
                    failure.advice().unwrap_or("unmount it, or plan over others with --clouds");
                return Err(Failure::with_hint(says, hint));
            }
        }
    }
    Ok(markets)
}

/// The clouds to plan over, with what they sell.
pub(crate) async fn for_planning(
    global: &Global,
    input: &Input,
) -> Result<Vec<(MountedMarket, Arc<dyn Driver>)>, Failure> {
    markets(chosen(global, input).await?).await
}
