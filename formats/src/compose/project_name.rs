//! The name of a project: given, or from a file, or from the folder of the first file.

use coc_model::mistake::Mistake;

use super::environment::Environment;
use super::load::{Wanted, documents};
use super::reading::Reading;
use crate::paths;

/// The variable that may give the name, and that has it afterwards.
pub(super) const VARIABLE: &str = "COMPOSE_PROJECT_NAME";

/// The name of the project, by the first of: what the person says, the variable, `name:` in the
/// last file that has it, the folder.
pub(super) fn find(
    said: Option<&str>,
    files: &[Wanted],
    environment: &Environment,
    reading: &mut Reading<'_>,
) -> Option<String> {
    let named = said.or_else(|| environment.get(VARIABLE)).filter(|name| !name.is_empty());
    if let Some(name) = named {
        if normal(name) == name {
            return Some(name.to_owned());
        }
        let says = format!("\"{name}\" is no project name");
        let hint =
            "it has lower-case letters, digits, \"-\" and \"_\", the first a letter or digit";
        reading.log.push(Mistake::of_request(says).hint(hint));
        return None;
    }
    let in_file = of_files(files, environment, reading);
    if let Some(name) = in_file.filter(|name| !name.is_empty()) {
        return Some(name);
    }
    let folder = reading.full_path(&reading.folder);
    let name = normal(paths::last_part(&folder));
    if name.is_empty() {
        let says = format!("the folder {folder} gives the project no name");
        reading.log.push(Mistake::of_request(says).hint("add \"name:\" to the file"));
        return None;
    }
    Some(name)
}

fn of_files(
    files: &[Wanted],
    environment: &Environment,
    reading: &mut Reading<'_>,
) -> Option<String> {
    let mut found = None;
    for file in files {
        for document in documents(file, reading).unwrap_or_default() {
            let Some(node) = document.get("name").filter(|node| !node.is_null()) else { continue };
            let node = reading.fill(node, environment).unwrap_or_else(|| node.clone());
            if let Some(name) = reading.text(&node).filter(|name| !name.is_empty()) {
                found = Some(normal(&name));
            }
        }
    }
    found
}

/// The name in lower case, without characters that a name can't have.
fn normal(name: &str) -> String {
    let legal = |c: &char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
    let kept: String = name.to_lowercase().chars().filter(legal).collect();
    kept.trim_start_matches(['_', '-']).to_owned()
}

/// The name as an application's, which has no `_` and ends with a letter or digit.
pub(super) fn of_application(project: &str) -> String {
    project.replace('_', "-").trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_normalised_as_compose_does() {
        for (name, expected) in [
            ("shop", "shop"),
            ("My App", "myapp"),
            ("_a-b_C.9", "a-b_c9"),
            ("--x", "x"),
            ("Größe", "gre"),
            ("...", ""),
        ] {
            assert_eq!(normal(name), expected, "{name}");
        }
        assert_eq!(of_application("a_b_"), "a-b");
    }
}
