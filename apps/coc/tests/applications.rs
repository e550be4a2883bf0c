//! How applications in formats of others end: a small file for each trait that readers must see in
//! them, and for each reason why a file can't stand alone. One golden list of exit codes and reasons;
//! one golden text of what was read.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/applications")
}

/// Every YAML file, by its path in the folder.
fn files(folder: &Path) -> Vec<String> {
    let mut open = vec![folder.to_owned()];
    let mut files = Vec::new();
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == "yaml") {
                files.push(path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    files.sort();
    files
}

/// Runs `coc` without the caller's variables, which would be filled into the files.
fn coc(arguments: &[&str]) -> Output {
    let state = tempfile::tempdir().unwrap();
    Command::new(env!("CARGO_BIN_EXE_coc"))
        .arg("--dir")
        .arg(state.path().join("state"))
        .args(arguments)
        .current_dir(folder())
        .env_clear()
        .output()
        .unwrap()
}

fn golden(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("applications/golden");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

#[test]
fn each_file_is_planned_best_or_refused_for_the_right_reason() {
    let mut list = String::new();
    for file in files(&folder()) {
        let output = coc(&["plan", &file, "--json"]);
        let code = output.status.code();
        let said = String::from_utf8(output.stderr).unwrap();
        let end = match code {
            Some(0) => {
                let plan: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
                plan["status"].as_str().unwrap().to_owned()
            }
            _ => said.lines().find_map(|line| line.strip_prefix("error: ")).unwrap().to_owned(),
        };
        let due = if file.starts_with("refused/") { 2 } else { 0 };
        assert_eq!(code, Some(due), "{file}: {said}");
        list.push_str(&format!("{file}, {due}, {end}\n"));
    }
    golden("outcomes", &list);
}

#[test]
fn each_trait_is_read() {
    let read: Vec<String> = files(&folder())
        .iter()
        .filter(|file| !file.starts_with("refused/"))
        .map(|file| {
            let output = coc(&["check", file]);
            let said = String::from_utf8(output.stdout).unwrap();
            assert!(output.status.success(), "{file}");
            format!("{file}\n{said}")
        })
        .collect();
    golden("read", &read.join("\n"));
}
