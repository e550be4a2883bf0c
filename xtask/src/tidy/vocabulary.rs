//! Invariant 2: no cloud is named outside `clouds/` and `services/`, no solver outside `engines/`.
//!
//! Names and string literals of code count, comments and tests do not: a comment explains by
//! example and a test needs data that looks real, but code that knows a cloud's name will sooner
//! or later branch on it.

use super::finding::{Exception, Exceptions, Finding};
use super::source::{Kind, Source, is_test_path};
use super::tree::Tree;

/// A vocabulary that belongs to some folders.
struct Vocabulary {
    /// What its words name.
    of: &'static str,
    /// Its words in lower case; a word of several parts has them joined by `-`.
    words: &'static [&'static str],
    /// The folders that may use it.
    homes: &'static [&'static str],
    /// Folders inside `homes` that may not.
    except: &'static [&'static str],
}

const CLOUDS: Vocabulary = Vocabulary {
    of: "cloud",
    words: &[
        "alibaba",
        "amazon",
        "aws",
        "azure",
        "digitalocean",
        "docker",
        "dockerd",
        "ec2",
        "gcp",
        "google",
        "hetzner",
        "ibm",
        "k8s",
        "kube",
        "kubernetes",
        "linode",
        "microsoft",
        "nebius",
        "openstack",
        "ovh",
        "podman",
        "scaleway",
        "upcloud",
        "vultr",
    ],
    homes: &[
        "clouds/",
        "services/",
        // Readers name the formats they read, drivers' names among them.
        "formats/",
        // Tables are per provider, and so are the rules to read them.
        "catalog/",
        // Adapters are chosen here.
        "apps/",
        "testing/",
        "benches/",
        "examples/",
        "xtask/",
    ],
    // The port is what all drivers share: what it knows of one of them, it does not share.
    except: &["clouds/port/"],
};

const SOLVERS: Vocabulary = Vocabulary {
    of: "solver",
    words: &[
        "cbc", "cp-sat", "cpsat", "cplex", "glpk", "gurobi", "highs", "or-tools", "ortools",
        "pumpkin", "scip", "xpress",
    ],
    homes: &["engines/", "benches/", "xtask/"],
    except: &[],
};

/// Data beside the code that is read as closely as code.
const DATA: [&str; 5] = [".yaml", ".yml", ".json", ".csv", ".cel"];

/// Folders whose data is for tests.
const TEST_DATA: [&str; 3] = ["/tests/", "/testdata/", "/snapshots/"];

const HOME: &str = "xtask/src/tidy/vocabulary.rs";

/// Places where a rule of this file does not hold.
pub(crate) const EXCEPTIONS: &[Exception] = &[];

/// Every name of a cloud or a solver where it does not belong.
pub(crate) fn check(tree: &Tree, sources: &[Source], table: &[Exception]) -> Vec<Finding> {
    let mut exceptions = Exceptions::new(HOME, table);
    let mut findings = Vec::new();
    for vocabulary in [&CLOUDS, &SOLVERS] {
        for source in sources.iter().filter(|s| !vocabulary.at_home(&s.path)) {
            for (line, text) in source.product_tokens().filter_map(|t| match &t.kind {
                Kind::Word(text) | Kind::Literal(text) => Some((t.line, text)),
                _ => None,
            }) {
                vocabulary.find(&source.path, line, text, &mut exceptions, &mut findings);
            }
        }
        for (path, text) in
            tree.texts().filter(|(path, _)| is_data(path) && !vocabulary.at_home(path))
        {
            for (index, line) in text.lines().enumerate() {
                vocabulary.find(path, index + 1, line, &mut exceptions, &mut findings);
            }
        }
    }
    findings.extend(exceptions.finish());
    findings
}

/// True for data inside the folders of crates, tests' own left out.
fn is_data(path: &str) -> bool {
    path.contains("/src/")
        && DATA.iter().any(|end| path.ends_with(end))
        && !TEST_DATA.iter().any(|folder| path.contains(folder))
        && !is_test_path(path)
}

impl Vocabulary {
    fn at_home(&self, path: &str) -> bool {
        let inside = |folders: &[&str]| folders.iter().any(|folder| path.starts_with(folder));
        inside(self.homes) && !inside(self.except)
    }

    fn find(
        &self,
        path: &str,
        line: usize,
        text: &str,
        exceptions: &mut Exceptions<'_>,
        findings: &mut Vec<Finding>,
    ) {
        let parts = parts(text);
        for word in self.words {
            let wanted: Vec<&str> = word.split('-').collect();
            let named = parts.windows(wanted.len()).any(|window| window == wanted.as_slice());
            if named && !exceptions.cover(path, word) {
                let says = format!(
                    "the {} \"{word}\" is named here: it may be known only in {}",
                    self.of,
                    self.homes.join(", ")
                );
                findings.push(Finding::new(path, line, says));
            }
        }
    }
}

/// The words of a name or text in lower case: `CamelCase`, `snake_case` and prose taken apart.
fn parts(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut before_is_lower = false;
    for c in text.chars() {
        let ends = !c.is_ascii_alphanumeric() || (c.is_ascii_uppercase() && before_is_lower);
        if ends {
            parts.push(String::new());
        }
        if let (true, Some(part)) = (c.is_ascii_alphanumeric(), parts.last_mut()) {
            part.push(c.to_ascii_lowercase());
        }
        before_is_lower = c.is_ascii_lowercase() || c.is_ascii_digit();
    }
    parts.retain(|part| !part.is_empty());
    parts
}

#[cfg(test)]
mod tests {
    use super::super::finding::said;
    use super::*;

    fn findings(path: &str, text: &str) -> Vec<String> {
        let tree = Tree::of(&[(path, text)]);
        let (sources, wrong) = Source::all(&tree);
        assert_eq!(wrong, []);
        said(&check(&tree, &sources, &[]))
    }

    #[test]
    fn words_are_taken_out_of_names_and_texts() {
        for (text, expected) in [
            ("coc_cloud_docker", vec!["coc", "cloud", "docker"]),
            ("AwsRegion", vec!["aws", "region"]),
            ("\"CP-SAT said\"", vec!["cp", "sat", "said"]),
            ("dockerfile", vec!["dockerfile"]),
            ("EC2", vec!["ec2"]),
        ] {
            assert_eq!(parts(text), expected, "{text}");
        }
    }

    #[test]
    fn a_cloud_named_in_code_is_found() {
        for text in [
            "use coc_cloud_docker::Docker;",
            "const A: &str = \"aws\";",
            "fn f() { if cloud.starts_with(\"gcp-\") {} }",
            "struct AzureThing;",
            "#[serde(rename = \"kubernetes\")] struct A;",
        ] {
            let found = findings("control/src/a.rs", text);
            assert!(!found.is_empty(), "{text}");
            assert!(found[0].starts_with("control/src/a.rs:1: the cloud \""), "{found:?}");
        }
    }

    #[test]
    fn comments_tests_and_likenesses_are_not_names() {
        let text = "//! docker\n/// aws\nfn dockerfile() { /* gcp */ }
            #[cfg(test)] mod tests { const A: &str = \"aws\"; }";
        assert_eq!(findings("core/model/src/a.rs", text), [""; 0]);
        assert_eq!(findings("core/model/tests/a.rs", "const A: &str = \"aws\";"), [""; 0]);
    }

    #[test]
    fn homes_may_name_their_own() {
        assert_eq!(findings("clouds/docker/src/a.rs", "struct Docker;"), [""; 0]);
        assert_eq!(findings("clouds/port/src/a.rs", "struct Docker;").len(), 1);
        assert_eq!(findings("engines/milp/src/a.rs", "use highs_sys::Highs_run;"), [""; 0]);
        assert_eq!(findings("apps/coc/src/a.rs", "use coc_engine_milp::Milp;"), [""; 0]);
    }

    #[test]
    fn a_solver_named_outside_the_engines_is_found() {
        for text in ["use highs_sys::x;", "const A: &str = \"CP-SAT\";"] {
            assert_eq!(findings("core/optimizer/src/a.rs", text).len(), 1, "{text}");
        }
    }

    #[test]
    fn data_in_core_is_read_too_and_test_data_is_not() {
        let text = "within:\n  that: host.cloud == 'aws'\n";
        assert_eq!(
            findings("core/goals/src/named.yaml", text),
            ["core/goals/src/named.yaml:2: the cloud \"aws\" is named here: it may be known only \
              in clouds/, services/, formats/, catalog/, apps/, testing/, benches/, examples/, xtask/"]
        );
        assert_eq!(findings("core/goals/src/testdata/named.yaml", text), [""; 0]);
    }
}
