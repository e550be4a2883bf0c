//! Names of modules say what is in them.

use syn::visit::{self, Visit};

use super::finding::Finding;
use super::source::Source;

/// Names that say nothing: whatever is in such a module belongs somewhere by its own name.
const EMPTY_NAMES: &[&str] = &[
    "common",
    "helper",
    "helpers",
    "manager",
    "managers",
    "misc",
    "stuff",
    "util",
    "utilities",
    "utils",
];

/// Every module or file so named.
pub(crate) fn check(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources {
        let parts = source.path.trim_end_matches(".rs").split('/');
        for part in parts.filter(|part| EMPTY_NAMES.contains(part)) {
            findings.push(Finding::new(&source.path, 1, says(part)));
        }
        let mut inline = Inline(Vec::new());
        inline.visit_file(&source.syntax);
        for (name, line) in
            inline.0.into_iter().filter(|(name, _)| EMPTY_NAMES.contains(&name.as_str()))
        {
            findings.push(Finding::new(&source.path, line, says(&name)));
        }
    }
    findings
}

fn says(name: &str) -> String {
    format!("a module named \"{name}\" says nothing: name it after what is in it")
}

/// Modules with a body in the file; those without have a file, which is found by its path.
struct Inline(Vec<(String, usize)>);

impl<'ast> Visit<'ast> for Inline {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if item.content.is_some() {
            self.0.push((item.ident.to_string(), item.ident.span().start().line));
        }
        visit::visit_item_mod(self, item);
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::said;
    use super::*;

    fn findings(path: &str, text: &str) -> Vec<String> {
        said(&check(&[Source::parse(path, text).unwrap()]))
    }

    #[test]
    fn empty_names_are_found_once_each() {
        for (path, text) in [
            ("control/src/utils.rs", ""),
            ("control/src/helpers/ports.rs", ""),
            ("control/tests/common/mod.rs", ""),
            ("control/src/a.rs", "pub mod manager { fn f() {} }"),
        ] {
            assert_eq!(findings(path, text).len(), 1, "{path}");
        }
    }

    #[test]
    fn names_that_say_something_pass() {
        assert_eq!(findings("control/src/deploying.rs", "mod tests { fn utils() {} }"), [""; 0]);
    }
}
