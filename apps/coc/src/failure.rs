//! How a command ends when it does not end well.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use coc_control::deploying::DeployError;
use coc_control::planning::PlanningError;
use coc_formats::files::{DiskFiles, Files as _};
use coc_model::application::SourceFiles;
use coc_model::mistake::Mistakes;

/// The command did not do what it was asked.
pub(crate) enum Failure {
    /// The input is wrong: exit code 2. The files' texts are for showing the lines.
    Input(Mistakes, SourceFiles),
    /// It failed: exit code 1, with what to do next.
    Failed { says: String, hint: Option<String> },
    /// Told already; only the exit code is left to give.
    Told(Exit),
}

/// Exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Done = 0,
    Failed = 1,
    WrongInput = 2,
    NoPlan = 3,
    LimitReached = 4,
}

impl Failure {
    pub(crate) fn failed(says: impl Into<String>) -> Self {
        Self::Failed { says: says.into(), hint: None }
    }

    pub(crate) fn with_hint(says: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Failed { says: says.into(), hint: Some(hint.into()) }
    }

    /// A failure of planning, whose mistakes are in these files.
    pub(crate) fn of_planning(error: PlanningError, files: &SourceFiles) -> Self {
        match error {
            PlanningError::Mistakes(mistakes) => Self::Input(mistakes, files.clone()),
            refused @ PlanningError::Refused(_) => Self::failed(refused.to_string()),
        }
    }
}

impl From<Mistakes> for Failure {
    /// Wrong input, with the texts of the files that the mistakes are in: those that others include
    /// too. What is no plain file (a pipe) can't be read a second time.
    fn from(mistakes: Mistakes) -> Self {
        let files: BTreeSet<Arc<str>> =
            mistakes.iter().filter_map(|m| Some(Arc::clone(&m.at.as_ref()?.file))).collect();
        let plain = files.into_iter().filter(|file| Path::new(&**file).is_file());
        let texts = plain.filter_map(|file| {
            let text = DiskFiles.read(&file).ok()?.into();
            Some((file, text))
        });
        Self::Input(mistakes, SourceFiles(texts.collect()))
    }
}

impl From<DeployError> for Failure {
    fn from(error: DeployError) -> Self {
        Self::failed(error.to_string())
    }
}
