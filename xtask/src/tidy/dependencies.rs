//! Other people's crates: each chosen for a reason, under a licence that allows what ours allows.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::finding::{Exception, Exceptions, Finding};
use super::markdown::Markdown;
use super::purity::CORE_DEPENDENCIES;
use super::tree::Tree;
use super::workspace::Workspace;

/// Licences that need nothing of whoever uses us but a notice.
const LICENCES: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "MIT",
    "MPL-2.0",
    "Unicode-3.0",
    "Zlib",
];

/// Where crates come from: the public registry and nowhere else.
const SOURCE: &str = "registry+https://github.com/rust-lang/";

const HOME: &str = "xtask/src/tidy/dependencies.rs";
const MANIFEST: &str = "Cargo.toml";
const REASONS: &str = "docs/dependencies.md";

/// Crates under other licences, by name.
pub(crate) const EXCEPTIONS: &[Exception] = &[];

/// Dependencies without use or reason, with another licence or source, outside the short list of core,
/// or with a version in a crate's own manifest.
pub(crate) fn check(tree: &Tree, workspace: &Workspace, table: &[Exception]) -> Vec<Finding> {
    let mut findings = reasons(tree);
    findings.extend(unused(tree, workspace));
    findings.extend(licences(workspace, table));
    findings.extend(core(workspace));
    findings.extend(inherited(tree, workspace));
    findings
}

/// Every third-party entry of the root manifest has a row in the table of reasons, and no row is
/// left over.
fn reasons(tree: &Tree) -> Vec<Finding> {
    let manifest = tree.text(MANIFEST).unwrap_or_default();
    let declared: BTreeMap<String, usize> = match manifest.parse::<Table>() {
        Ok(root) => third_party(&root)
            .into_iter()
            .map(|name| (name.clone(), line_declaring(manifest, &name)))
            .collect(),
        Err(e) => {
            return vec![Finding::new(MANIFEST, 1, format!("it does not parse: {}", e.message()))];
        }
    };
    let Some(text) = tree.text(REASONS) else {
        return vec![Finding::new(
            REASONS,
            1,
            "the file is missing: it gives each dependency's reason",
        )];
    };
    let rows: Vec<(String, String, usize)> = Markdown::parse(text)
        .rows
        .into_iter()
        .filter_map(|row| Some((row.code?, row.last, row.line)))
        .collect();
    let unexplained = declared.iter().filter(|(name, _)| rows.iter().all(|(n, ..)| n != *name));
    let mut findings: Vec<Finding> = unexplained
        .map(|(name, &line)| {
            Finding::new(MANIFEST, line, format!("{name} has no row with its reason in {REASONS}"))
        })
        .collect();
    for (name, reason, line) in rows {
        if reason.trim().is_empty() {
            findings.push(Finding::new(REASONS, line, format!("{name} has no reason")));
        }
        if !declared.contains_key(&name) {
            let says = format!("{name} is not in [workspace.dependencies]: remove the row");
            findings.push(Finding::new(REASONS, line, says));
        }
    }
    findings
}

/// An entry of the root manifest that no crate takes.
fn unused(tree: &Tree, workspace: &Workspace) -> Vec<Finding> {
    let manifest = tree.text(MANIFEST).unwrap_or_default();
    let Ok(root) = manifest.parse::<Table>() else { return Vec::new() };
    third_party(&root)
        .into_iter()
        .filter(|name| workspace.foreign.iter().all(|edge| edge.to != *name))
        .map(|name| {
            let line = line_declaring(manifest, &name);
            Finding::new(MANIFEST, line, format!("no crate uses {name}: remove it"))
        })
        .collect()
}

fn third_party(root: &Table) -> Vec<String> {
    let dependencies =
        root.get("workspace").and_then(|w| w.get("dependencies")).and_then(Value::as_table);
    dependencies
        .into_iter()
        .flatten()
        .filter(|(_, entry)| entry.get("path").is_none())
        .map(|(name, _)| name.clone())
        .collect()
}

fn line_declaring(manifest: &str, name: &str) -> usize {
    let declares =
        |line: &str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '=']));
    manifest.lines().position(declares).map_or(1, |index| index + 1)
}

/// Every crate of the lock file, whatever it is for.
fn licences(workspace: &Workspace, table: &[Exception]) -> Vec<Finding> {
    let mut exceptions = Exceptions::new(HOME, table);
    let mut findings = Vec::new();
    for package in &workspace.packages {
        let named = format!("{} {}", package.name, package.version);
        if !package.source.starts_with(SOURCE) {
            let says = format!(
                "{named} comes from {}: only the public registry may be used",
                package.source
            );
            findings.push(Finding::new("Cargo.lock", 1, says));
        }
        let problem = match package.licence.as_deref() {
            None => "states no licence".to_owned(),
            Some(licence) if is_allowed(licence) => continue,
            Some(licence) => format!("has the licence {licence}"),
        };
        if !exceptions.cover("Cargo.lock", &package.name) {
            let says = format!("{named} {problem}: allowed are {}", LICENCES.join(", "));
            findings.push(Finding::new("Cargo.lock", 1, says));
        }
    }
    findings.extend(exceptions.finish());
    findings
}

/// True if the SPDX expression can be met by allowed licences alone.
fn is_allowed(licence: &str) -> bool {
    spdx::Expression::parse_mode(licence, spdx::ParseMode::LAX).is_ok_and(|expression| {
        expression.evaluate(|requirement| {
            requirement.license.id().is_some_and(|id| LICENCES.contains(&id.name))
        })
    })
}

/// Invariant 1 for what core is built from.
fn core(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for member in workspace.members.iter().filter(|m| m.folder.starts_with("core/")) {
        let own = workspace.foreign.iter().filter(|e| e.from == member.name && !e.for_tests);
        for edge in own.filter(|e| !CORE_DEPENDENCIES.contains(&e.to.as_str())) {
            let says = format!(
                "core may not depend on {}: it may use {}",
                edge.to,
                CORE_DEPENDENCIES.join(", ")
            );
            findings.push(Finding::new(&member.manifest(), 1, says));
        }
    }
    findings
}

/// Versions stand once, in the root manifest.
fn inherited(tree: &Tree, workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for member in &workspace.members {
        let manifest = member.manifest();
        let Some(Ok(root)) = tree.text(&manifest).map(str::parse::<Table>) else { continue };
        let sections = ["dependencies", "dev-dependencies", "build-dependencies"];
        let entries =
            sections.iter().filter_map(|s| root.get(*s).and_then(Value::as_table)).flatten();
        for (name, entry) in entries {
            let inherits = entry.get("workspace").and_then(Value::as_bool) == Some(true);
            if !inherits {
                let says = format!(
                    "{name} is not taken from [workspace.dependencies]: write {name}.workspace = true"
                );
                let line = line_declaring(tree.text(&manifest).unwrap_or_default(), name);
                findings.push(Finding::new(&manifest, line, says));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::finding::said;
    use super::super::workspace::{Edge, Member, Package};
    use super::*;

    const ROOT: &str =
        "[workspace.dependencies]\ncoc-model = { path = \"core/model\" }\nserde = \"1\"\n";

    #[test]
    fn each_dependency_has_one_row_with_a_reason() {
        let good = "| crate | reason |\n|---|---|\n| `serde` | the standard |\n";
        let none = "| crate | reason |\n|---|---|\n";
        let empty = "| crate | reason |\n|---|---|\n| `serde` | |\n";
        let over =
            "| crate | reason |\n|---|---|\n| `serde` | the standard |\n| `old` | was used |\n";
        let found = |doc: &str| said(&reasons(&Tree::of(&[(MANIFEST, ROOT), (REASONS, doc)])));
        assert_eq!(found(good), [""; 0]);
        assert_eq!(
            found(none),
            ["Cargo.toml:3: serde has no row with its reason in docs/dependencies.md"]
        );
        assert_eq!(found(empty), ["docs/dependencies.md:3: serde has no reason"]);
        assert_eq!(
            found(over),
            ["docs/dependencies.md:4: old is not in [workspace.dependencies]: remove the row"]
        );
    }

    #[test]
    fn an_entry_that_no_crate_takes_is_found() {
        let tree = Tree::of(&[(MANIFEST, ROOT)]);
        let edge = |to: &str| Edge { from: "coc-model".into(), to: to.into(), for_tests: true };
        let using = |to| Workspace { foreign: vec![edge(to)], ..Workspace::default() };
        assert_eq!(unused(&tree, &using("serde")), []);
        assert_eq!(
            said(&unused(&tree, &using("csv"))),
            ["Cargo.toml:3: no crate uses serde: remove it"]
        );
    }

    #[test]
    fn licences_are_judged_as_expressions() {
        for (licence, allowed) in [
            ("MIT OR Apache-2.0", true),
            ("MIT/Apache-2.0", true),
            ("Unlicense OR MIT", true),
            ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
            ("Apache-2.0 WITH LLVM-exception", true),
            ("GPL-3.0-only", false),
            ("MIT AND AGPL-3.0-only", false),
            ("BUSL-1.1", false),
            ("LicenseRef-ours", false),
            ("", false),
        ] {
            assert_eq!(is_allowed(licence), allowed, "{licence}");
        }
    }

    fn package(licence: Option<&str>, source: &str) -> Workspace {
        let licence = licence.map(str::to_owned);
        let package =
            Package { name: "x".into(), version: "1.0.0".into(), licence, source: source.into() };
        Workspace { packages: vec![package], ..Workspace::default() }
    }

    #[test]
    fn other_licences_none_and_other_sources_are_found() {
        let from = format!("{SOURCE}index");
        assert_eq!(licences(&package(Some("MIT"), &from), &[]), []);
        for (licence, source, says) in [
            (
                Some("GPL-3.0-only"),
                from.as_str(),
                "Cargo.lock:1: x 1.0.0 has the licence GPL-3.0-only: ",
            ),
            (None, from.as_str(), "Cargo.lock:1: x 1.0.0 states no licence: "),
            (Some("MIT"), "git+https://example.org/x", "Cargo.lock:1: x 1.0.0 comes from git+"),
        ] {
            let found = said(&licences(&package(licence, source), &[]));
            assert!(found.len() == 1 && found[0].starts_with(says), "{found:?}");
        }
        let table = [Exception { path: "Cargo.lock", what: "x", reason: "asked its author" }];
        assert_eq!(licences(&package(None, &from), &table), []);
    }

    #[test]
    fn core_depends_on_its_short_list_alone() {
        let members = vec![Member { name: "coc-model".into(), folder: "core/model".into() }];
        let foreign =
            |to: &str, for_tests| Edge { from: "coc-model".into(), to: to.into(), for_tests };
        let mut workspace = Workspace { members, ..Workspace::default() };
        workspace.foreign = vec![foreign("serde", false), foreign("proptest", true)];
        assert_eq!(core(&workspace), []);
        workspace.foreign = vec![foreign("tokio", false)];
        assert_eq!(core(&workspace).len(), 1);
    }

    #[test]
    fn versions_stand_in_the_root_manifest_alone() {
        let members = vec![Member { name: "x".into(), folder: "x".into() }];
        let workspace = Workspace { members, ..Workspace::default() };
        let found = |text: &str| said(&inherited(&Tree::of(&[("x/Cargo.toml", text)]), &workspace));
        assert_eq!(found("[dependencies]\nserde.workspace = true\n"), [""; 0]);
        assert_eq!(
            found("[dev-dependencies]\nserde = \"1\"\n"),
            [
                "x/Cargo.toml:2: serde is not taken from [workspace.dependencies]: write serde.workspace = true"
            ]
        );
    }
}
