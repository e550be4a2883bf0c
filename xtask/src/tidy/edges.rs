//! Which crate may depend on which: folders are rings, dependencies point inward.

use super::finding::Finding;
use super::tree::Tree;
use super::workspace::{Member, Workspace};

/// The dependencies inside the workspace that a crate may have.
struct Row {
    of: &'static str,
    /// In its code and its build script.
    may_use: Set,
    /// In its tests, besides.
    tests_may_use: Set,
}

/// A set of crates of the workspace.
enum Set {
    Only(&'static [&'static str]),
    AnyBut(&'static [&'static str]),
}

use Set::{AnyBut, Only};

const fn row(of: &'static str, may_use: Set, tests_may_use: Set) -> Row {
    Row { of, may_use, tests_may_use }
}

/// The ring of ports' users in tests: everything that is not an application.
const NO_APPLICATION: Set = AnyBut(&["coc", "coc-benches", "xtask"]);

const TABLE: &[Row] = &[
    row("coc-model", Only(&[]), Only(&[])),
    row("coc-goals", Only(&["coc-model"]), Only(&["coc-formats"])),
    row(
        "coc-optimizer",
        Only(&["coc-model", "coc-goals"]),
        Only(&[
            "coc-engine-exhaustive",
            "coc-engine-milp",
            "coc-checker",
            "coc-formats",
            "coc-catalog",
        ]),
    ),
    row("coc-plan", Only(&["coc-model"]), Only(&["coc-formats"])),
    // Invariant 3: never the optimizer, the engines or the plan's assembly, in tests neither. Of
    // the goals crate it takes the parser alone.
    row("coc-checker", Only(&["coc-model", "coc-goals"]), Only(&["coc-formats"])),
    row("coc-formats", Only(&["coc-model"]), Only(&[])),
    row(
        "coc-engine-exhaustive",
        Only(&["coc-model", "coc-optimizer"]),
        Only(&["coc-goals", "coc-checker", "coc-formats"]),
    ),
    row(
        "coc-engine-milp",
        Only(&["coc-model", "coc-optimizer"]),
        Only(&["coc-goals", "coc-checker", "coc-formats", "coc-catalog", "coc-engine-exhaustive"]),
    ),
    row("coc-cloud", Only(&["coc-model"]), Only(&["coc-cloud-simulated"])),
    row("coc-cloud-simulated", Only(&["coc-model", "coc-cloud"]), Only(&["coc-formats"])),
    row("coc-cloud-docker", Only(&["coc-model", "coc-cloud"]), Only(&["coc-formats"])),
    row("coc-vault", Only(&["coc-model"]), Only(&["coc-vault-file"])),
    row("coc-vault-file", Only(&["coc-model", "coc-vault"]), Only(&[])),
    row("coc-catalog", Only(&["coc-model"]), Only(&[])),
    // Loops over ports: adapters and engines are handed in by the application.
    row(
        "coc-control",
        Only(&[
            "coc-model",
            "coc-goals",
            "coc-optimizer",
            "coc-plan",
            "coc-checker",
            "coc-cloud",
            "coc-vault",
            "coc-catalog",
        ]),
        NO_APPLICATION,
    ),
    row("coc", AnyBut(&["coc-testing", "coc-benches", "xtask"]), AnyBut(&["coc-benches", "xtask"])),
    row("coc-testing", NO_APPLICATION, NO_APPLICATION),
    // A program that runs inside test containers: the standard library alone.
    row("coc-testing-web", Only(&[]), Only(&[])),
    row("coc-benches", AnyBut(&["xtask"]), AnyBut(&["xtask"])),
    row("xtask", Only(&["coc-model", "coc-catalog"]), Only(&[])),
];

const HOME: &str = "xtask/src/tidy/edges.rs";

/// Every dependency between crates of the workspace that the table does not allow, and every crate
/// that the table does not know or that is no more.
pub(crate) fn check(tree: &Tree, workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for member in &workspace.members {
        let manifest = member.manifest();
        let Some(row) = TABLE.iter().find(|row| row.of == member.name) else {
            let says =
                format!("the crate {} has no row in {HOME}: say what it may use", member.name);
            findings.push(Finding::new(&manifest, 1, says));
            continue;
        };
        for edge in workspace.edges_of(member) {
            let allowed =
                row.may_use.has(&edge.to) || (edge.for_tests && row.tests_may_use.has(&edge.to));
            if !allowed {
                let ring = if edge.for_tests { " in its tests" } else { "" };
                let says =
                    format!("{} may not depend on {}{ring}: see {HOME}", member.name, edge.to);
                findings.push(Finding::new(&manifest, line_naming(tree, member, &edge.to), says));
            }
        }
    }
    for row in TABLE.iter().filter(|row| workspace.members.iter().all(|m| m.name != row.of)) {
        findings.push(Finding::new(
            HOME,
            1,
            format!("there is no crate {}: remove its row", row.of),
        ));
    }
    findings
}

impl Set {
    fn has(&self, name: &str) -> bool {
        match self {
            Only(names) => names.contains(&name),
            AnyBut(names) => !names.contains(&name),
        }
    }
}

/// The line of a member's manifest that names a dependency.
fn line_naming(tree: &Tree, member: &Member, dependency: &str) -> usize {
    let names = |line: &str| {
        line.trim_start()
            .strip_prefix(dependency)
            .is_some_and(|rest| rest.starts_with(['.', ' ', '=']))
    };
    let text = tree.text(&member.manifest()).unwrap_or_default();
    text.lines().position(names).map_or(1, |index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::super::finding::said;
    use super::super::workspace::Edge;
    use super::*;

    /// A workspace of all crates of the table with these edges, `true` for edges of tests.
    fn findings(edges: &[(&str, &str, bool)]) -> Vec<String> {
        let members = TABLE
            .iter()
            .map(|row| Member { name: row.of.to_owned(), folder: format!("at/{}", row.of) })
            .collect();
        let edges = edges
            .iter()
            .map(|&(from, to, for_tests)| Edge { from: from.into(), to: to.into(), for_tests })
            .collect();
        said(&check(&Tree::default(), &Workspace { members, edges, ..Workspace::default() }))
    }

    #[test]
    fn edges_inward_are_allowed() {
        assert_eq!(
            findings(&[
                ("coc-checker", "coc-goals", false),
                ("coc-control", "coc-cloud", false),
                ("coc-control", "coc-cloud-simulated", true),
                ("coc", "coc-cloud-docker", false),
                ("coc-testing", "coc-cloud-docker", false),
            ]),
            [""; 0]
        );
    }

    #[test]
    fn edges_outward_are_found() {
        for (from, to, for_tests) in [
            ("coc-model", "coc-goals", false),
            ("coc-checker", "coc-optimizer", false),
            ("coc-checker", "coc-optimizer", true),
            ("coc-checker", "coc-plan", true),
            ("coc-checker", "coc-testing", true),
            ("coc-goals", "coc-formats", false),
            ("coc-control", "coc-cloud-simulated", false),
            ("coc-control", "coc-engine-milp", false),
            ("coc-control", "coc", true),
            ("coc-cloud-docker", "coc-cloud-simulated", false),
            ("coc-testing", "coc", false),
            ("coc", "coc-testing", false),
        ] {
            let found = findings(&[(from, to, for_tests)]);
            assert_eq!(found.len(), 1, "{from} -> {to}");
            assert!(
                found[0]
                    .starts_with(&format!("at/{from}/Cargo.toml:1: {from} may not depend on {to}"))
            );
        }
    }

    #[test]
    fn a_crate_without_a_row_and_a_row_without_a_crate_are_found() {
        let members = vec![Member { name: "coc-new".into(), folder: "new".into() }];
        let found = said(&check(&Tree::default(), &Workspace { members, ..Workspace::default() }));
        assert_eq!(
            found[0],
            "new/Cargo.toml:1: the crate coc-new has no row in xtask/src/tidy/edges.rs: say what it may use"
        );
        assert_eq!(found.len(), 1 + TABLE.len());
    }

    #[test]
    fn the_line_of_the_dependency_is_told() {
        let text = "[dependencies]\ncoc-vault-file.workspace = true\ncoc-vault.workspace = true\n";
        let tree = Tree::of(&[("x/Cargo.toml", text)]);
        let member = Member { name: "x".into(), folder: "x".into() };
        assert_eq!(line_naming(&tree, &member, "coc-vault"), 3);
    }
}
