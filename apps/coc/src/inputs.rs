//! Reading what was named on the command line.

use std::collections::BTreeMap;
use std::path::PathBuf;

use coc_formats::compose::ReadRequest;
use coc_formats::files::DiskFiles;
use coc_formats::read::{Read, add_goals, meant_for_others, read};
use coc_goals::library::standard_library;
use coc_goals::rules::{Rules, understand_with};
use coc_model::application::{Application, SourceFiles};
use coc_model::catalog::Catalog;
use coc_model::cloud::Cloud;
use coc_model::goals::{Definition, Goals, Stated};
use coc_model::marks::digest;
use coc_model::mistake::{Mistake, MistakeLog, Mistakes};
use coc_model::plan::Inputs;
use coc_model::secret::Secrets;

use crate::failure::Failure;

/// An application with its goals, read and understood.
pub(crate) struct Input {
    pub(crate) application: Application,
    pub(crate) goals: Goals,
    pub(crate) rules: Rules,
    /// The people's own named goals.
    definitions: Vec<Definition>,
    /// Clouds given with it; `None` to use the mounted ones.
    pub(crate) clouds: Option<Vec<Cloud>>,
    pub(crate) secrets: Secrets,
    pub(crate) files: SourceFiles,
    /// Which files these are, with their digests; catalog, clouds and seed are for others to fill in.
    pub(crate) inputs: Inputs,
}

/// The files that a plan is made from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources {
    pub(crate) files: Vec<String>,
    pub(crate) profiles: Vec<String>,
    pub(crate) goals: Vec<String>,
    pub(crate) clouds: Vec<String>,
}

fn request(paths: &[String], profiles: &[String]) -> ReadRequest {
    let environment: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    ReadRequest {
        paths: paths.to_vec(),
        profiles: profiles.to_vec(),
        environment,
        project_name: None,
    }
}

/// Reads files of any kind.
pub(crate) fn any(paths: &[String], profiles: &[String]) -> Result<Read, Failure> {
    read(&request(paths, profiles), &DiskFiles).map_err(Failure::from)
}

/// What the files that a plan is made from hold, not put together yet.
pub(crate) struct Contents {
    sources: Sources,
    main: Read,
    goals: Read,
    clouds: Read,
}

/// Reads and understands an application with everything that belongs to it.
pub(crate) fn input(sources: &Sources) -> Result<Input, Failure> {
    contents(sources)?.understood()
}

/// Reads the files that a plan is made from.
pub(crate) fn contents(sources: &Sources) -> Result<Contents, Failure> {
    let mut log = MistakeLog::new();
    let mut part = |paths: &[String], profiles: &[String]| {
        if paths.is_empty() {
            return Some(Read::default());
        }
        read(&request(paths, profiles), &DiskFiles).map_err(|m| log.extend(m)).ok()
    };
    let main = part(&sources.files, &sources.profiles);
    let goals = part(&sources.goals, &[]);
    let clouds = part(&sources.clouds, &[]);
    match (main, goals, clouds) {
        (Some(main), Some(goals), Some(clouds)) => {
            Ok(Contents { sources: sources.clone(), main, goals, clouds })
        }
        _ => log.finish(()).map_or_else(
            |mistakes| Err(mistakes.into()),
            |()| Err(Failure::failed("the files could not be read")),
        ),
    }
}

impl Contents {
    /// The application that the files hold goals for and nothing else; `None` for any other files.
    pub(crate) fn goals_alone(&self) -> Result<Option<&str>, Failure> {
        let read = &self.main;
        if read.application.is_some() || !read.has_goals || !read.clouds.is_empty() {
            return Ok(None);
        }
        let files = self.sources.files.join(", ");
        let wrong = |says: String, hint: &str| {
            let mistake = Mistake::of_request(says).hint(hint);
            Err(Failure::Input(mistake.into(), read.files.clone()))
        };
        let mut names: Vec<&str> = read.goals_for.iter().map(|named| &*named.value).collect();
        names.dedup();
        match names.as_slice() {
            [name] => Ok(Some(name)),
            [] => wrong(
                format!("{files} holds goals and no application"),
                "say which one they are for (application: NAME), or name its files too",
            ),
            _ => wrong(
                format!("{files} holds goals for several applications"),
                "change the goals of one application at a time",
            ),
        }
    }

    /// All of it together, understood.
    pub(crate) fn understood(self) -> Result<Input, Failure> {
        assemble(&self.sources, self.main, &self.goals, self.clouds)
    }
}

fn assemble(
    sources: &Sources,
    mut main: Read,
    goals: &Read,
    clouds: Read,
) -> Result<Input, Failure> {
    let mut files = SourceFiles(main.files.0.clone());
    files.0.extend(goals.files.0.clone());
    files.0.extend(clouds.files.0.clone());
    let wrong = |mistake: Mistake| Failure::Input(mistake.into(), files.clone());
    let Some(application) = main.application.take() else {
        let says = format!("{} holds no application", sources.files.join(", "));
        return Err(wrong(Mistake::of_request(says)));
    };
    let none = !goals.has_goals && goals.definitions.is_empty();
    if goals.application.is_some() || (!sources.goals.is_empty() && none) {
        let says = format!("{} should hold goals and nothing else", sources.goals.join(", "));
        return Err(wrong(Mistake::of_request(says)));
    }
    if !sources.clouds.is_empty() && clouds.clouds.is_empty() {
        let says = format!("{} holds no clouds", sources.clouds.join(", "));
        return Err(wrong(Mistake::of_request(says).hint("expected \"kind: Clouds\"")));
    }
    let mut log = MistakeLog::new();
    log.extend(meant_for_others(&application.name, &goals.goals_for));
    log.finish(()).map_err(|mistakes| Failure::Input(mistakes, files.clone()))?;
    let mut stated = std::mem::take(&mut main.goals);
    add_goals(&mut stated, goals.goals.clone());
    let definitions = [main.definitions.as_slice(), &goals.definitions].concat();
    let rules = understand_with(&application, &stated, &definitions, &standard_library())
        .map_err(|mistakes| Failure::Input(mistakes, files.clone()))?;
    let mut given = std::mem::take(&mut main.clouds);
    given.extend(clouds.clouds);
    let inputs = Inputs {
        application: digest_of(&main.files),
        goals: digest_of(&goals.files),
        files: sources.files.clone(),
        goals_files: sources.goals.clone(),
        clouds_files: sources.clouds.clone(),
        profiles: sources.profiles.clone(),
        ..Inputs::default()
    };
    let clouds = (!given.is_empty()).then_some(given);
    let (goals, secrets) = (stated, main.secrets);
    Ok(Input { application, goals, rules, definitions, clouds, secrets, files, inputs })
}

impl Input {
    /// The goals as an object of their own.
    pub(crate) fn stated(&self) -> Stated {
        Stated { goals: self.goals.clone(), definitions: self.definitions.clone() }
    }

    /// Goals that the application ran by, with the named goals of that time.
    pub(crate) fn understood_before(&self, stated: &Stated) -> Result<Rules, Mistakes> {
        let library = standard_library();
        understand_with(&self.application, &stated.goals, &stated.definitions, &library)
    }

    /// Other goals for the same application, understood with the same named goals.
    pub(crate) fn understood(&self, goals: &Goals) -> Result<Rules, Mistakes> {
        understand_with(&self.application, goals, &self.definitions, &standard_library())
    }
}

/// One digest of files: of their names and texts, in order.
fn digest_of(files: &SourceFiles) -> String {
    let mut all = String::new();
    for (name, text) in &files.0 {
        all.push_str(&format!("{}:{name}\n{}:", name.len(), text.len()));
        all.push_str(text);
        all.push('\n');
    }
    digest(all.as_bytes())
}

/// The catalog: the built-in one, or folders in its place.
pub(crate) fn catalog(folders: &[PathBuf]) -> Result<Catalog, Failure> {
    if folders.is_empty() {
        return coc_catalog::builtin()
            .map_err(|e| Failure::failed(format!("the built-in catalog: {e}")));
    }
    Ok(coc_catalog::read_directories(folders)?)
}
