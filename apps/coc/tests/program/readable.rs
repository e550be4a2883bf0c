//! Files as people write them, one for each way of writing and each reason for a refusal: how each
//! ends, and what is read of it.

use std::fmt::Write as _;

use crate::folder::{Folder, Run};

fn planned(folder: &Folder, file: &str) -> Run {
    folder.run(&format!("plan {file} --catalog catalog"))
}

/// The first mistake and its place.
fn reason(run: &Run) -> String {
    let mut lines = run.says.lines().skip_while(|line| !line.starts_with("error: "));
    let (says, at) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    format!("{says} ({})", at.trim_start().trim_start_matches("┌─ "))
}

#[test]
fn each_file_is_planned_or_refused_for_its_own_reason() {
    let folder = Folder::named("readable");
    let mut list = String::new();
    for file in folder.files(".yaml") {
        let run = planned(&folder, &file);
        match run.exit {
            0 => writeln!(list, "{file}, 0").unwrap(),
            exit => writeln!(list, "{file}, {exit}, {}", reason(&run)).unwrap(),
        }
        assert!(matches!(run.exit, 0 | 2), "{file}: {}{}", run.out, run.says);
    }
    insta::assert_snapshot!("each_end", list);
    assert!(!folder.has(".coc"), "planning wrote a state");
}

#[test]
fn what_is_read_of_each_file_is_told() {
    let folder = Folder::named("readable");
    let mut told = String::new();
    for file in folder.files(".yaml") {
        let run = folder.run(&format!("check {file}"));
        if run.exit == 0 {
            writeln!(told, "# {file}\n{}", run.out).unwrap();
        }
    }
    insta::assert_snapshot!("each_reading", told);
}

#[test]
fn profiles_bring_in_what_they_name() {
    let folder = Folder::named("readable");
    let services = |words: &str| {
        let document = folder.run(words).ended(0);
        let services = document["services"].as_object().unwrap();
        services.keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(services("check profiles.yaml --json"), ["always", "seen"]);
    let all = ["always", "seen", "trained"];
    assert_eq!(services("check profiles.yaml --profile trained --json"), all);
}

/// A file laid over another is refused alone and read behind it.
#[test]
fn parts_are_read_behind_what_they_are_parts_of() {
    let base = "services:\n  b: {image: \"example/b:1\"}\nnetworks: {yard: {}}\n\
                secrets: {key: {environment: KEY_NOT_SET}}\nconfigs: {rules: {file: ./r}}\n\
                volumes: {box: {}}\n";
    let folder = Folder::named("readable").and("base.yaml", base);
    let alone = planned(&folder, "part-of-another.yaml");
    assert_eq!(alone.exit, 2);
    for missing in ["network", "secret", "configuration", "volume", "service"] {
        assert!(alone.says.contains(&format!("error: no {missing} named")), "{}", alone.says);
    }
    let both = planned(&folder, "base.yaml part-of-another.yaml");
    assert_eq!(both.exit, 0, "{}", both.says);
}
