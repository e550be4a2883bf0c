//! Compose files: one or several, with what they include and extend, as one application.
//!
//! The order is that of Compose itself: each file is read to marked nodes, its variables are filled
//! in, what it includes is laid under it, services that extend others are laid over those, the file
//! is laid over the files before it; then services outside of the active profiles are left out, and
//! the rest is read, key by key. Where the specification leaves something open, the behaviour of
//! the reference implementation counts; where that one is silent, the reader leaves a note.
//!
//! Keys that a plan does not look at are carried in `native["docker"]` of the service, by the names
//! of the Docker Engine's create request, to be laid over what a driver makes of the rest. Three
//! things in there are for the driver to complete: a namespace, link or source of volumes written
//! `service:NAME` stands for a container of that service; an item of `HostConfig.Mounts` with no
//! type holds options of the mount with the same target; `HostConfig.Tmpfs` holds options of memory
//! mounts. `native["docker-build"]` holds what concerns the building of the image.

mod accelerators;
mod build;
mod carried;
mod container_env;
mod cycles;
mod dependencies;
mod deploy;
mod document;
mod dotenv;
mod engine;
mod environment;
mod extends;
mod filling;
mod healthcheck;
mod include;
mod interpolate;
mod key_notes;
mod links;
mod load;
mod merge;
mod mounts;
mod networks;
mod ports;
mod project;
mod project_name;
mod quantity;
mod reading;
mod references;
mod relocate;
mod resources;
mod scalar;
mod secrecy;
mod service;
mod short;
mod ties;
mod top_level;
mod values;
mod words;

use std::collections::BTreeMap;
use std::fmt;

use coc_model::application::{Application, SourceFiles};
use coc_model::mistake::{Mistake, Mistakes};
use coc_model::secret::Secrets;

use self::environment::Environment;
use self::load::{Level, Wanted};
use self::reading::Reading;
use self::service::Profiles;
use crate::files::{Files, MemoryFiles};
use crate::paths;

/// What to read, and what of the world the files may see.
#[derive(Clone, Default)]
pub struct ReadRequest {
    /// The files, each laid over those before it. Relative paths in all of them start in the folder
    /// of the first.
    pub paths: Vec<String>,
    /// The profiles to activate; if there are none, those in `COMPOSE_PROFILES`.
    pub profiles: Vec<String>,
    /// The caller's environment, which comes before `.env` files.
    pub environment: BTreeMap<String, String>,
    /// The name of the project, if the person gives one.
    pub project_name: Option<String>,
}

impl fmt::Debug for ReadRequest {
    /// Without the values of the environment, which may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&String> = self.environment.keys().collect();
        f.debug_struct("ReadRequest")
            .field("paths", &self.paths)
            .field("profiles", &self.profiles)
            .field("environment", &names)
            .field("project_name", &self.project_name)
            .finish()
    }
}

/// What was read.
pub struct ComposeRead {
    /// The application. Relative paths in it (contexts of builds, binds) start in the folder of
    /// the first file.
    pub application: Application,
    /// The values behind its references: of environments, of secrets and configurations, and of
    /// texts that hold secrets.
    pub secrets: Secrets,
    /// All files that were read, for their digests. Their texts hold secrets.
    pub files: SourceFiles,
}

impl fmt::Debug for ComposeRead {
    /// Without the texts of the files, which hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.files.0.keys().collect();
        f.debug_struct("ComposeRead")
            .field("application", &self.application)
            .field("secrets", &self.secrets)
            .field("files", &names)
            .finish()
    }
}

/// Reads an application from Compose files.
///
/// # Errors
/// All that is wrong, each mistake at its file, line and column, without the value of any secret.
pub fn read(request: &ReadRequest, files: &dyn Files) -> Result<ComposeRead, Mistakes> {
    let Some(first) = request.paths.first() else {
        return Err(Mistake::of_request("no Compose file is given").into());
    };
    let mut reading = Reading::new(files, paths::folder_of(first));
    let application = application(request, &mut reading);
    let secrets = std::mem::take(&mut reading.secrets);
    let (application, files) = reading.finish(application)?;
    Ok(ComposeRead { application, secrets, files })
}

fn application(request: &ReadRequest, reading: &mut Reading<'_>) -> Option<Application> {
    let environment = Environment::of_caller(request.environment.clone());
    let environment = load::folder_variables(".", environment, reading);
    let files: Vec<Wanted> =
        request.paths.iter().map(|path| Wanted { path: path.clone(), from: None }).collect();
    let said = request.project_name.as_deref();
    let project = project_name::find(said, &files, &environment, reading);
    let environment = match &project {
        Some(name) => environment.with(project_name::VARIABLE, name),
        None => environment,
    };
    let level = Level { folder: ".".to_owned(), environment, chain: Vec::new() };
    let whole = load::load(&files, &level, reading);
    if whole.is_none() && reading.log.is_empty() {
        let mistake = Mistake::of_request(format!("{} is empty", request.paths.join(", ")));
        reading.log.push(mistake.hint("start with \"services:\""));
    }
    let whole = whole?;
    let profiles = profiles(request, &level.environment);
    let name = project_name::of_application(&project.unwrap_or_default());
    Some(project::assemble(&whole, name, &profiles, &level.environment, reading))
}

/// The active profiles.
fn profiles(request: &ReadRequest, environment: &Environment) -> Profiles {
    if !request.profiles.is_empty() {
        return Profiles(request.profiles.clone());
    }
    let named = environment.get("COMPOSE_PROFILES").unwrap_or_default();
    let names = named.split(',').map(str::trim).filter(|name| !name.is_empty());
    Profiles(names.map(str::to_owned).collect())
}

/// Reads any bytes as files, split at zero bytes into `compose.yaml`, `.env`, `x.yaml` and `x.env`:
/// for fuzzers, which look for bytes that make it panic or run on.
///
/// # Errors
/// All that is wrong with the files.
#[doc(hidden)]
pub fn read_any(bytes: &[u8]) -> Result<Application, Mistakes> {
    let mut files = MemoryFiles::in_folder("/srv/fuzz");
    let names = ["compose.yaml", ".env", "x.yaml", "x.env"];
    for (name, text) in names.iter().zip(bytes.split(|byte| *byte == 0)) {
        files = files.with(name, &String::from_utf8_lossy(text));
    }
    let request = ReadRequest { paths: vec!["compose.yaml".to_owned()], ..ReadRequest::default() };
    read(&request, &files).map(|read| read.application)
}

/// The keys that a service may have, beside those that start with `x-`: for completion in editors,
/// and for tests that none is forgotten.
pub fn known_service_keys() -> impl Iterator<Item = &'static str> {
    service::known_keys()
}
