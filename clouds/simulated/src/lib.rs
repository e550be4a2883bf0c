//! A full multi-region cloud in memory: regions and zones, machines with offers and prices,
//! containers on them, networks and volumes; quotas, capacity, delays, stale reads, throttling and
//! failures. All of it follows from a profile and a seed: the same calls get the same answers, byte
//! for byte. Time is the cloud's own; no clock of the world is read.
//!
//! Its types are `simulated.network`, `simulated.volume`, `simulated.vm` and `simulated.container`.

mod clock;
mod document;
mod driver;
mod engine;
mod fields;
mod market;
pub mod profile;
mod requests;
mod resolve;
mod store;
mod verbs;
mod view;
mod world;

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use coc_model::catalog::Catalog;
use coc_model::cloud::Cloud as Mount;
use coc_model::mistake::{Mistake, MistakeLog, Mistakes, Position};
use serde_json::{Map, Value};
use tokio::sync::watch;

pub use clock::Elsewhere;
use engine::Engine;
pub use profile::Profile;
pub use store::{Change, FileStore, Store};

/// A simulated cloud. Clones are the same cloud.
#[derive(Clone)]
pub struct Simulated {
    name: Arc<str>,
    profile: Arc<Profile>,
    engine: Arc<Mutex<Engine>>,
    events: Arc<watch::Sender<u64>>,
}

impl Simulated {
    /// A new cloud under a name, with a profile and a seed.
    pub fn new(name: &str, profile: Profile, seed: u64) -> Self {
        let (name, profile): (Arc<str>, _) = (name.into(), Arc::new(profile));
        let engine = Engine::new(Arc::clone(&name), Arc::clone(&profile), seed);
        Self {
            name,
            profile,
            engine: Arc::new(Mutex::new(engine)),
            events: Arc::new(watch::Sender::new(0)),
        }
    }

    /// Mounts a cloud as a person wrote it. Settings are `seed` (0 if not stated), `profile` (the
    /// file's name; its content is given here as `file`), and the keys of a profile, which go
    /// before the file's. Without any key of a profile it is the [built-in](Profile::built_in) one.
    /// The catalog is asked for the providers that the profile is `like`.
    ///
    /// # Errors
    /// Every mistake of the profile and the settings.
    pub fn mount(mount: &Mount, file: Option<&Value>, catalog: &Catalog) -> Result<Self, Mistakes> {
        let mut log = MistakeLog::new();
        let mut settings: Map<String, Value> = Map::new();
        match file {
            Some(Value::Object(content)) => settings.extend(content.clone()),
            Some(_) => log.push(Mistake::at(profile_start(mount), "a profile is a map of keys")),
            None => {}
        }
        let own =
            mount.settings.iter().filter(|(key, _)| !["profile", "seed"].contains(&key.as_str()));
        settings.extend(own.map(|(k, v)| (k.clone(), v.clone())));
        let seed = match mount.settings.get("seed") {
            None => Some(0),
            Some(seed) => seed.as_u64(),
        };
        if seed.is_none() {
            let says = format!("seed of cloud \"{}\" is not a whole number", mount.name);
            log.push(Mistake::at(mount.at.clone(), says));
        }
        let profile =
            if settings.is_empty() { Profile::built_in() } else { Value::Object(settings) };
        let place = if file.is_some() { profile_start(mount) } else { mount.at.clone() };
        let profile = Profile::read(&profile, &mount.name, &mount.regions, catalog);
        let profile = profile.map_err(|mistakes| {
            log.extend(mistakes.into_iter().map(|says| Mistake::at(place.clone(), says)));
        });
        let profile = log.finish(profile)?;
        // A profile that could not be read has left its mistakes in the log.
        let profile = profile.map_err(|()| Mistake::at(place, "the profile can't be read"))?;
        Ok(Self::new(&mount.name, profile, seed.unwrap_or_default()))
    }

    /// All that is in the cloud, as JSON: clock, counters, resources, tokens.
    pub fn snapshot(&self) -> Value {
        self.engine().snapshot()
    }

    /// Puts back what a snapshot holds, in place of all that is there.
    ///
    /// # Errors
    /// What is wrong with the snapshot; nothing has changed then.
    pub fn restore(&self, snapshot: &Value) -> Result<(), String> {
        self.engine().restore(snapshot)?;
        self.wake();
        Ok(())
    }

    /// Takes what a store holds and keeps in it whatever changes from now on.
    ///
    /// # Errors
    /// The store can't be read, or what it holds is no snapshot.
    pub fn keep_in(&self, store: Box<dyn Store>) -> io::Result<()> {
        if let Some(snapshot) = store.load()? {
            let wrong = |says| io::Error::new(io::ErrorKind::InvalidData, says);
            self.restore(&snapshot).map_err(wrong)?;
        }
        self.engine().keep_in(store);
        Ok(())
    }

    /// Lets the clock move along with another time from now on, besides moving with each call.
    pub fn follow(&self, elsewhere: Elsewhere) {
        self.engine().clock.follow(elsewhere);
    }

    /// What the clock shows: the time since the cloud began.
    pub fn now(&self) -> Duration {
        Duration::from_micros(self.engine().clock.now())
    }

    fn engine(&self) -> MutexGuard<'_, Engine> {
        self.engine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self) {
        self.events.send_modify(|n| *n = n.wrapping_add(1));
    }
}

fn profile_start(mount: &Mount) -> Position {
    match mount.settings.get("profile").and_then(Value::as_str) {
        Some(file) => Position::start(&file.into()),
        None => mount.at.clone(),
    }
}
