//! `cargo xtask tidy`: the rules of this repository that the compiler can't check.
//!
//! Each module holds one group of rules with its data: tables, and exceptions with a reason each.
//! All findings are reported at once.

mod dependencies;
mod documents;
mod edges;
mod executor;
mod finding;
mod glossary;
mod journal;
mod markdown;
mod modules;
mod purity;
mod secrets;
mod sizes;
mod source;
mod tree;
mod vocabulary;
mod words;
mod workspace;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use thiserror::Error;

use finding::Finding;
use source::Source;
use tree::Tree;
use workspace::Workspace;

/// Why nothing could be checked.
#[derive(Debug, Error)]
enum TidyError {
    #[error(transparent)]
    Tree(#[from] tree::TreeError),
    #[error(transparent)]
    Workspace(#[from] workspace::WorkspaceError),
    #[error("this is not inside a clone of the repository: go there and try again")]
    Outside,
}

/// What was found.
struct Report {
    findings: Vec<Finding>,
    warnings: Vec<Finding>,
}

/// Checks this repository and prints what was found: 0 if all is well, 1 if a rule is broken, 2 if
/// the repository can't be read.
pub(crate) fn run() -> ExitCode {
    match repository().and_then(|root| report(&root)) {
        Ok(report) => {
            for warning in &report.warnings {
                eprintln!("warning: {warning}");
            }
            for finding in &report.findings {
                println!("{finding}");
            }
            if report.findings.is_empty() {
                ExitCode::SUCCESS
            } else {
                eprintln!("{} findings", report.findings.len());
                ExitCode::FAILURE
            }
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

/// The repository that the current folder belongs to.
fn repository() -> Result<PathBuf, TidyError> {
    let asked = Command::new("git").args(["rev-parse", "--show-toplevel"]).output();
    let output = asked.map_err(tree::TreeError::NoGit)?;
    if !output.status.success() {
        return Err(TidyError::Outside);
    }
    Ok(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim_end()))
}

fn report(root: &Path) -> Result<Report, TidyError> {
    let tree = Tree::read(root)?;
    let workspace = Workspace::read(root)?;
    let (sources, mut findings) = Source::all(&tree);
    findings.extend(edges::check(&tree, &workspace));
    findings.extend(purity::check(&sources, purity::EXCEPTIONS));
    findings.extend(vocabulary::check(&tree, &sources, vocabulary::EXCEPTIONS));
    findings.extend(executor::check(&sources, executor::EXCEPTIONS));
    findings.extend(journal::check(&sources, journal::EXCEPTIONS));
    findings.extend(secrets::check(&sources, secrets::MAY_REVEAL));
    findings.extend(documents::check(&tree, &workspace));
    findings.extend(glossary::check(&tree, &sources));
    findings.extend(dependencies::check(&tree, &workspace, dependencies::EXCEPTIONS));
    findings.extend(sizes::check(&tree, &sources, sizes::EXCEPTIONS));
    findings.extend(words::check(&tree, words::EXCEPTIONS));
    findings.extend(modules::check(&sources));
    findings.sort();
    findings.dedup();
    Ok(Report { findings, warnings: sizes::warnings(&tree) })
}
