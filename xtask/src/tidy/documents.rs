//! The documents stay true: links lead somewhere, the code map lists what is there, changes have a
//! place, decisions are numbered.

use std::collections::{BTreeMap, BTreeSet};

use super::finding::Finding;
use super::markdown::Markdown;
use super::tree::Tree;
use super::workspace::Workspace;

const ARCHITECTURE: &str = "ARCHITECTURE.md";
const CODE_MAP: &str = "Code map";
const CHANGELOG: &str = "CHANGELOG.md";
const UNRELEASED: &str = "Unreleased";
const DECISIONS: &str = "docs/adr/";

/// Dead links, files named that are not there, a code map that is not the workspace, a missing Unreleased section, decisions with
/// the same number.
pub(crate) fn check(tree: &Tree, workspace: &Workspace) -> Vec<Finding> {
    let documents: BTreeMap<&str, Markdown> =
        tree.ending(".md").map(|(path, text)| (path, Markdown::parse(text))).collect();
    let mut findings = links(tree, &documents);
    findings.extend(files_named(tree, &documents));
    findings.extend(code_map(tree, &documents, workspace));
    findings.extend(changelog(&documents));
    findings.extend(decisions(tree));
    findings
}

fn links(tree: &Tree, documents: &BTreeMap<&str, Markdown>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, markdown) in documents {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for (target, line) in &markdown.links {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let file =
                if file.is_empty() { Some((*path).to_owned()) } else { resolve(folder, file) };
            let Some(file) = file.filter(|file| tree.has(file)) else {
                let says = format!("the link to {target} leads nowhere");
                findings.push(Finding::new(path, *line, says));
                continue;
            };
            let headings = documents.get(file.as_str()).map(|m| &m.headings);
            let missing = headings.is_some_and(|all| all.iter().all(|h| h.anchor != anchor));
            if !anchor.is_empty() && missing {
                let says = format!("{file} has no heading for the anchor #{anchor}");
                findings.push(Finding::new(path, *line, says));
            }
        }
    }
    findings
}

/// Files of the repository that a document names as code.
fn files_named(tree: &Tree, documents: &BTreeMap<&str, Markdown>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, markdown) in documents {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for (name, line) in markdown.code.iter().filter(|(name, _)| is_file(name)) {
            let here = resolve(folder, name).is_some_and(|file| tree.has(&file));
            if !here && !tree.has(name) {
                findings.push(Finding::new(path, *line, format!("there is no file {name}")));
            }
        }
    }
    findings
}

/// True for what can only be meant as a file of the repository: folders and a name in lower case,
/// with the ending of a kind of file that we write.
fn is_file(code: &str) -> bool {
    let plain = |c: char| {
        c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '/' | '.' | '-' | '_')
    };
    code.contains('/')
        && !code.starts_with('/')
        && code.chars().all(plain)
        && [".rs", ".md", ".sh", ".toml", ".json"].iter().any(|end| code.ends_with(end))
}

/// A path of the repository from a link in a folder; `None` if it leads out.
fn resolve(folder: &str, link: &str) -> Option<String> {
    let folder = if link.starts_with('/') { "" } else { folder };
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

/// The headings of the code map name the folders of all crates, and the other folders at the top,
/// each once.
fn code_map(
    tree: &Tree,
    documents: &BTreeMap<&str, Markdown>,
    workspace: &Workspace,
) -> Vec<Finding> {
    let Some(architecture) = documents.get(ARCHITECTURE) else {
        return vec![Finding::new(ARCHITECTURE, 1, "the file is missing: it holds the code map")];
    };
    let listed = folders_listed(architecture);
    let there = folders_there(tree, workspace);
    let missing = there.difference(&listed.keys().cloned().collect()).cloned().collect::<Vec<_>>();
    let mut findings: Vec<Finding> = missing
        .iter()
        .map(|folder| {
            let says = format!("the code map has no heading for `{folder}`: say what it is");
            Finding::new(ARCHITECTURE, 1, says)
        })
        .collect();
    for (folder, lines) in listed {
        if !there.contains(&folder) {
            let says = format!(
                "the code map lists `{folder}`, which is no crate and no folder at the top"
            );
            findings.push(Finding::new(ARCHITECTURE, lines[0], says));
        }
        for line in lines.iter().skip(1) {
            let says = format!("the code map lists `{folder}` more than once");
            findings.push(Finding::new(ARCHITECTURE, *line, says));
        }
    }
    findings
}

fn folders_listed(architecture: &Markdown) -> BTreeMap<String, Vec<usize>> {
    let mut listed: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let after = architecture.headings.iter().skip_while(|h| h.text != CODE_MAP).skip(1);
    for heading in after.take_while(|h| h.level > 2) {
        for folder in &heading.code {
            listed.entry(folder.clone()).or_default().push(heading.line);
        }
    }
    listed
}

/// The folders of the crates, and those at the top that hold no crate.
fn folders_there(tree: &Tree, workspace: &Workspace) -> BTreeSet<String> {
    let crates: BTreeSet<String> = workspace.members.iter().map(|m| m.folder.clone()).collect();
    let tops = tree.paths().filter_map(|path| path.split_once('/')).map(|(top, _)| top);
    let bare = tops.filter(|top| {
        let holds =
            |c: &String| c == top || c.split_once('/').is_some_and(|(first, _)| first == *top);
        !top.starts_with('.') && !crates.iter().any(holds)
    });
    bare.map(str::to_owned).chain(crates.iter().cloned()).collect()
}

fn changelog(documents: &BTreeMap<&str, Markdown>) -> Vec<Finding> {
    let has = documents
        .get(CHANGELOG)
        .is_some_and(|m| m.headings.iter().any(|h| h.level == 2 && h.text == UNRELEASED));
    if has {
        Vec::new()
    } else {
        vec![Finding::new(CHANGELOG, 1, format!("there is no section \"## {UNRELEASED}\""))]
    }
}

/// `docs/adr/NNNN-title.md`, numbered from 1 without a gap.
fn decisions(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut next = 1;
    for path in tree.paths().filter(|path| path.starts_with(DECISIONS)) {
        let name = path.trim_start_matches(DECISIONS);
        let number = name.split_once('-').map(|(digits, _)| digits).filter(|d| d.len() == 4);
        match number.and_then(|digits| digits.parse::<usize>().ok()) {
            Some(number) if number == next => next += 1,
            Some(_) => {
                let says = format!("decisions are numbered without a gap: expected {next:04}");
                findings.push(Finding::new(path, 1, says));
                next += 1;
            }
            None => {
                findings.push(Finding::new(path, 1, "a decision is named NNNN-title.md"));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::finding::said;
    use super::super::workspace::Member;
    use super::*;

    const MAP: &str =
        "# A\n\n## Code map\n\n### `core/model`\n\n### `docs`\n\n## After\n\n### `x`\n";

    fn findings(files: &[(&str, &str)]) -> Vec<String> {
        let workspace = Workspace {
            members: vec![Member { name: "coc-model".into(), folder: "core/model".into() }],
            ..Workspace::default()
        };
        let base = [
            ("ARCHITECTURE.md", MAP),
            ("CHANGELOG.md", "# Changes\n\n## Unreleased\n"),
            ("core/model/src/lib.rs", ""),
            ("docs/adr/0001-a.md", "# A\n\n## Why\n"),
            (".ci/run", ""),
        ];
        let kept = base.iter().filter(|(path, _)| files.iter().all(|(p, _)| p != path));
        let all: Vec<(&str, &str)> = kept.chain(files).copied().collect();
        said(&check(&Tree::of(&all), &workspace))
    }

    #[test]
    fn a_true_set_of_documents_passes() {
        let text = "[a](docs/adr/0001-a.md#why) [b](#top) [c](https://example.org/x) [d](core) [e](/docs)\n\n# Top\n";
        assert_eq!(findings(&[("README.md", text)]), [""; 0]);
    }

    #[test]
    fn dead_links_are_found_at_their_lines() {
        assert_eq!(
            findings(&[("docs/a.md", "[a](b.md)\n[b](../../out.md)\n[c](adr/0001-a.md#no)\n")]),
            [
                "docs/a.md:1: the link to b.md leads nowhere",
                "docs/a.md:2: the link to ../../out.md leads nowhere",
                "docs/a.md:3: docs/adr/0001-a.md has no heading for the anchor #no",
            ]
        );
    }

    #[test]
    fn files_named_as_code_have_to_be_there() {
        let text = "`core/model/src/lib.rs` `adr/0001-a.md` `docs/adr/NNNN-title.md` `a.md` `/etc/x.toml`\n";
        assert_eq!(findings(&[("docs/a.md", text)]), [""; 0]);
        assert_eq!(
            findings(&[("docs/a.md", "`core/model/src/gone.rs`\n")]),
            ["docs/a.md:1: there is no file core/model/src/gone.rs"]
        );
    }

    #[test]
    fn the_code_map_is_held_to_the_folders() {
        for (map, says) in [
            (
                "## Code map\n\n### `docs`\n",
                "ARCHITECTURE.md:1: the code map has no heading for `core/model`: say what it is",
            ),
            (
                "## Code map\n\n### `core/model`\n",
                "ARCHITECTURE.md:1: the code map has no heading for `docs`: say what it is",
            ),
            (
                "## Code map\n\n### `core/model`, `docs`\n\n### `gone`\n",
                "ARCHITECTURE.md:5: the code map lists `gone`, which is no crate and no folder at the top",
            ),
            (
                "## Code map\n\n### `core/model`, `docs`\n\n### `docs`\n",
                "ARCHITECTURE.md:5: the code map lists `docs` more than once",
            ),
        ] {
            assert_eq!(findings(&[("ARCHITECTURE.md", map)]), [says]);
        }
    }

    #[test]
    fn a_changelog_without_a_place_for_changes_is_found() {
        assert_eq!(
            findings(&[("CHANGELOG.md", "# Changes\n\n## 1.0\n")]),
            ["CHANGELOG.md:1: there is no section \"## Unreleased\""]
        );
    }

    #[test]
    fn decisions_are_numbered_in_order() {
        assert_eq!(findings(&[("docs/adr/0002-b.md", "")]), [""; 0]);
        assert_eq!(
            findings(&[("docs/adr/0001-b.md", "")]),
            ["docs/adr/0001-b.md:1: decisions are numbered without a gap: expected 0002"]
        );
        assert_eq!(
            findings(&[("docs/adr/b.md", "")]),
            ["docs/adr/b.md:1: a decision is named NNNN-title.md"]
        );
    }
}
