//! A file is one idea and a function fits a screen.

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::finding::{Exception, Exceptions, Finding};
use super::source::{Source, is_for_tests, is_test_path};
use super::tree::Tree;

/// Above this many lines a file is asked which two ideas it holds.
const FILE_LINES_WARNED: usize = 500;
/// Above this many lines it has to be split.
const FILE_LINES_MAX: usize = 800;
/// A function longer than this no longer fits a screen.
const FUNCTION_LINES_MAX: usize = 70;

/// A test may be longer, since a table of cases has no parts to name.
const TEST_LINES_MAX: usize = 120;

/// Files written by people; data, lock files and snapshots may be long.
const WRITTEN: [&str; 5] = [".rs", ".sh", ".py", ".ts", ".md"];

const HOME: &str = "xtask/src/tidy/sizes.rs";

/// Generated files, and functions that are better in one piece (by name).
pub(crate) const EXCEPTIONS: &[Exception] = &[];

/// Files and functions that are too long.
pub(crate) fn check(tree: &Tree, sources: &[Source], table: &[Exception]) -> Vec<Finding> {
    let mut exceptions = Exceptions::new(HOME, table);
    let mut findings = Vec::new();
    for (path, lines) in long_files(tree, FILE_LINES_MAX) {
        if !exceptions.cover(path, "file") {
            let says = format!(
                "the file has {lines} lines, more than {FILE_LINES_MAX}: split it into its ideas"
            );
            findings.push(Finding::new(path, 1, says));
        }
    }
    for source in sources {
        for function in functions(source) {
            let most = if function.test { TEST_LINES_MAX } else { FUNCTION_LINES_MAX };
            if function.lines > most && !exceptions.cover(&source.path, &function.name) {
                let says = format!(
                    "the function {} has {} lines, more than {most}: name its parts",
                    function.name, function.lines
                );
                findings.push(Finding::new(&source.path, function.at, says));
            }
        }
    }
    findings.extend(exceptions.finish());
    findings
}

/// Files that are still allowed and should be looked at.
pub(crate) fn warnings(tree: &Tree) -> Vec<Finding> {
    long_files(tree, FILE_LINES_WARNED)
        .filter(|&(_, lines)| lines <= FILE_LINES_MAX)
        .map(|(path, lines)| {
            let says = format!("the file has {lines} lines, more than {FILE_LINES_WARNED}: which two ideas does it hold?");
            Finding::new(path, 1, says)
        })
        .collect()
}

fn long_files(tree: &Tree, limit: usize) -> impl Iterator<Item = (&str, usize)> {
    tree.texts()
        .filter(|(path, _)| WRITTEN.iter().any(|end| path.ends_with(end)))
        .map(|(path, text)| (path, text.lines().count()))
        .filter(move |&(_, lines)| lines > limit)
}

/// A function, from its `fn` to its closing brace.
#[derive(Debug, PartialEq, Eq)]
struct Function {
    name: String,
    at: usize,
    lines: usize,
    test: bool,
}

fn functions(source: &Source) -> Vec<Function> {
    let mut found = Functions { test: is_test_path(&source.path), found: Vec::new() };
    found.visit_file(&source.syntax);
    found.found
}

struct Functions {
    /// True inside test code.
    test: bool,
    found: Vec<Function>,
}

impl Functions {
    fn add(
        &mut self,
        attributes: &[syn::Attribute],
        signature: &syn::Signature,
        body: &syn::Block,
    ) {
        let (at, end) = (signature.span().start().line, body.span().end().line);
        let named_test =
            |a: &syn::Attribute| a.path().segments.last().is_some_and(|s| s.ident == "test");
        let test = self.test || attributes.iter().any(named_test);
        let name = signature.ident.to_string();
        self.found.push(Function { name, at, lines: end - at + 1, test });
    }
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.add(&item.attrs, &item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.add(&item.attrs, &item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(body) = &item.default {
            self.add(&item.attrs, &item.sig, body);
        }
        visit::visit_trait_item_fn(self, item);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        let outer = self.test;
        self.test |= is_for_tests(&item.attrs);
        visit::visit_item_mod(self, item);
        self.test = outer;
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::said;
    use super::*;

    fn tree(path: &str, text: &str) -> (Vec<String>, Vec<String>) {
        let tree = Tree::of(&[(path, text)]);
        let (sources, _) = Source::all(&tree);
        (said(&check(&tree, &sources, &[])), said(&warnings(&tree)))
    }

    #[test]
    fn long_files_are_warned_of_and_then_refused() {
        let text = |lines: usize| "// a\n".repeat(lines);
        assert_eq!(tree("a.rs", &text(500)), (vec![], vec![]));
        let (refused, warned) = tree("a.rs", &text(501));
        assert!(refused.is_empty());
        assert_eq!(
            warned,
            ["a.rs:1: the file has 501 lines, more than 500: which two ideas does it hold?"]
        );
        let (refused, warned) = tree("a.rs", &text(801));
        assert_eq!(
            refused,
            ["a.rs:1: the file has 801 lines, more than 800: split it into its ideas"]
        );
        assert!(warned.is_empty());
        assert_eq!(tree("Cargo.lock", &text(900)), (vec![], vec![]));
    }

    #[test]
    fn long_functions_are_found_wherever_they_stand() {
        let body = |lines: usize| format!("fn f() {{\n{}}}", "a();\n".repeat(lines - 2));
        for wrap in [["", ""], ["impl A {", "}"], ["trait A {", "}"], ["mod m { fn g() {", "} }"]] {
            let code = |lines| format!("{}\n{}\n{}", wrap[0], body(lines), wrap[1]);
            let found = tree("a.rs", &code(71)).0;
            assert!(found.contains(
                &"a.rs:2: the function f has 71 lines, more than 70: name its parts".into()
            ));
        }
        assert_eq!(tree("a.rs", &body(70)).0, [""; 0]);
    }

    #[test]
    fn tests_may_be_longer_but_not_without_end() {
        let test = |lines: usize| format!("#[test]\nfn f() {{\n{}}}", "a();\n".repeat(lines - 2));
        let inside =
            |lines| format!("#[cfg(test)] mod tests {{ {} }}", test(lines).replace("#[test]", ""));
        for code in [test(120), inside(120)] {
            assert_eq!(tree("a.rs", &code).0, [""; 0]);
        }
        for code in [test(121), inside(121)] {
            assert_eq!(tree("a.rs", &code).0.len(), 1);
        }
        assert_eq!(tree("x/tests/a.rs", &test(120).replace("#[test]", "")).0, [""; 0]);
    }

    #[test]
    fn generated_files_are_excepted_by_name() {
        let tree = Tree::of(&[("gen.rs", &"// a\n".repeat(900))]);
        let table = [Exception { path: "gen.rs", what: "file", reason: "generated" }];
        assert_eq!(check(&tree, &[], &table), []);
    }
}
