//! An application planned over the built-in catalog, from opening the catalog to the checked plan.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use coc_control::planning::estate::{Detail, of_catalog};
use coc_control::planning::{Request, plan};
use coc_engine_exhaustive::Exhaustive;
use coc_engine_milp::Milp;
use coc_formats::compose::ReadRequest;
use coc_formats::files::DiskFiles;
use coc_formats::read::read;
use coc_goals::library::standard_library;
use coc_goals::rules::{Rules, understand};
use coc_model::application::Application;
use coc_model::estate::Estate;
use coc_model::plan::{Inputs, Plan};
use coc_optimizer::lower::lower;
use coc_optimizer::problem::Problem;

/// The longest that a plan may take.
const LIMIT: Duration = Duration::from_secs(60);

/// An application and where it can run.
pub struct Case {
    /// The application.
    pub application: Application,
    /// Its goals.
    pub rules: Rules,
    /// The whole built-in catalog.
    pub estate: Arc<Estate>,
}

impl Case {
    /// Reads a file and opens the catalog.
    ///
    /// # Errors
    /// In words, if the file can't be read or the catalog can't be opened.
    pub fn open(file: &Path) -> Result<Self, String> {
        let request = ReadRequest {
            paths: vec![file.to_string_lossy().into_owned()],
            ..ReadRequest::default()
        };
        let read = read(&request, &DiskFiles).map_err(|e| e.to_string())?;
        let application = read.application.ok_or("the file holds no application")?;
        let rules = understand(&application, &read.goals, &standard_library())
            .map_err(|e| e.to_string())?;
        let catalog = coc_catalog::builtin().map_err(|e| e.to_string())?;
        let estate = Arc::new(of_catalog(&catalog, Detail::of(&rules)));
        Ok(Self { application, rules, estate })
    }

    /// The plan.
    ///
    /// # Errors
    /// In words, if there is none.
    pub fn plan(&self) -> Result<Plan, String> {
        let begun = Instant::now();
        let cancel = AtomicBool::new(false);
        let request = Request {
            application: &self.application,
            rules: &self.rules,
            estate: &self.estate,
            engines: &[&Milp, &Exhaustive],
            time_left: &|| LIMIT.saturating_sub(begun.elapsed()),
            time_passed: &|| begun.elapsed(),
            gap_ppm: 0,
            clouds: &[],
            inputs: Inputs::default(),
            parent: None,
            rules_before: None,
            before: None,
            cancel: &cancel,
        };
        plan(&request).map_err(|e| e.to_string())
    }

    /// The closed problem.
    ///
    /// # Errors
    /// In words, if the goals can't be lowered.
    pub fn problem(&self) -> Result<Problem, String> {
        lower(&self.application, &self.rules, &self.estate)
            .map(|lowered| lowered.problem)
            .map_err(|e| e.to_string())
    }
}
