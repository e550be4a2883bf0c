//! `cargo xtask apps FOLDER`: how `coc plan` ends for every application file of a folder, held to
//! the list that is kept of it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use cargo_metadata::MetadataCommand;
use thiserror::Error;

/// The list, seen from this crate.
const LIST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../testing/golden/apps.txt");

/// Why there is no list.
#[derive(Debug, Error)]
enum AppsError {
    #[error("{0} can't be read: {1}")]
    Read(PathBuf, io::Error),
    #[error("coc can't be run: {0}")]
    Run(io::Error),
    #[error("coc can't be built: cargo build --package coc")]
    Build,
    #[error("cargo doesn't say where it builds: {0}")]
    Metadata(#[from] cargo_metadata::Error),
}

/// Builds `coc`, plans every file of the folder by itself and prints a line for each: its path, the
/// exit code, and the first reason if it is refused. 0 if these are the lines of the list, 1 with
/// every difference if not, 2 if it can't be told.
pub(crate) fn run(folder: &Path) -> ExitCode {
    let known = fs::read_to_string(LIST).map_err(|e| AppsError::Read(LIST.into(), e));
    match built().and_then(|coc| lines(&coc, folder)).and_then(|now| Ok((now, known?))) {
        Ok((now, known)) => {
            now.iter().for_each(|line| println!("{line}"));
            let differences = differences(&known, &now);
            differences.iter().for_each(|line| eprintln!("{line}"));
            if differences.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

/// The program, built now.
fn built() -> Result<PathBuf, AppsError> {
    let status = Command::new("cargo").args(["build", "--package", "coc"]).status();
    if !status.map_err(AppsError::Run)?.success() {
        return Err(AppsError::Build);
    }
    let metadata = MetadataCommand::new().no_deps().exec()?;
    Ok(metadata.target_directory.join("debug/coc").into_std_path_buf())
}

/// A line for each YAML file of a folder, sorted by path.
fn lines(coc: &Path, folder: &Path) -> Result<Vec<String>, AppsError> {
    let mut files = Vec::new();
    collect(folder, &mut files)?;
    files.sort();
    files
        .iter()
        .map(|file| {
            let path = file.strip_prefix(folder).unwrap_or(file);
            // The caller's variables would be filled into the files.
            let output = Command::new(coc)
                .args(["plan", "--json", "--dir", "no-state"])
                .arg(path)
                .current_dir(folder)
                .env_clear()
                .output()
                .map_err(AppsError::Run)?;
            let said = String::from_utf8_lossy(&output.stderr);
            Ok(line(path, output.status.code(), &said))
        })
        .collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), AppsError> {
    let failed = |error| AppsError::Read(folder.into(), error);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|e| e == "yaml" || e == "yml") {
            files.push(path);
        }
    }
    Ok(())
}

fn line(path: &Path, code: Option<i32>, said: &str) -> String {
    let code = code.map_or_else(|| "killed".to_owned(), |code| code.to_string());
    let reason = said.lines().find_map(|line| line.strip_prefix("error: "));
    let reason = reason.map_or_else(String::new, |reason| format!(", {reason}"));
    format!("{}, {code}{reason}", path.display())
}

/// What is only in the list, and what is only in the lines of now, in their order.
fn differences(known: &str, now: &[String]) -> Vec<String> {
    let known: Vec<&str> = known.lines().collect();
    let gone = known.iter().filter(|line| !now.iter().any(|n| n == *line));
    let new = now.iter().filter(|line| !known.contains(&line.as_str()));
    gone.map(|line| format!("- {line}")).chain(new.map(|line| format!("+ {line}"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_the_first_reason() {
        let said = "notice: a row\nerror: no network named \"elm\"\nerror: more\n";
        let path = Path::new("depot/compose.yaml");
        assert_eq!(line(path, Some(2), said), "depot/compose.yaml, 2, no network named \"elm\"");
        assert_eq!(line(path, Some(0), ""), "depot/compose.yaml, 0");
        assert_eq!(line(path, None, ""), "depot/compose.yaml, killed");
    }

    #[test]
    fn differences_are_told_both_ways() {
        let now = ["a, 0".to_owned(), "b, 2, why".to_owned()];
        assert_eq!(differences("a, 0\nb, 2, why\n", &now), Vec::<String>::new());
        assert_eq!(differences("a, 0\nb, 0\nc, 0\n", &now), ["- b, 0", "- c, 0", "+ b, 2, why"]);
    }

    #[test]
    fn files_of_all_folders_are_found() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("inner")).unwrap();
        for name in ["b.yml", "inner/a.yaml", "notes.md"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let mut files = Vec::new();
        collect(folder.path(), &mut files).unwrap();
        files.sort();
        assert_eq!(files, ["b.yml", "inner/a.yaml"].map(|name| folder.path().join(name)));
    }
}
