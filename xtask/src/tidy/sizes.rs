//! A file is one idea and a function fits a screen.

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::finding::{Exception, Exceptions, Finding};
use super::source::Source;
use super::tree::Tree;

/// Above this many lines a file is asked which two ideas it holds.
const FILE_LINES_WARNED: usize = 500;
/// Above this many lines it has to be split.
const FILE_LINES_MAX: usize = 800;
/// A function longer than this no longer fits a screen.
const FUNCTION_LINES_MAX: usize = 70;

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
        for function in functions(&source.syntax) {
            if function.lines > FUNCTION_LINES_MAX
                && !exceptions.cover(&source.path, &function.name)
            {
                let says = format!(
                    "the function {} has {} lines, more than {FUNCTION_LINES_MAX}: name its parts",
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
}

fn functions(file: &syn::File) -> Vec<Function> {
    let mut found = Functions(Vec::new());
    found.visit_file(file);
    found.0
}

struct Functions(Vec<Function>);

impl Functions {
    fn add(&mut self, signature: &syn::Signature, body: &syn::Block) {
        let (start, end) = (signature.span().start().line, body.span().end().line);
        self.0.push(Function {
            name: signature.ident.to_string(),
            at: start,
            lines: end - start + 1,
        });
    }
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.add(&item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.add(&item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(body) = &item.default {
            self.add(&item.sig, body);
        }
        visit::visit_trait_item_fn(self, item);
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
    fn generated_files_are_excepted_by_name() {
        let tree = Tree::of(&[("gen.rs", &"// a\n".repeat(900))]);
        let table = [Exception { path: "gen.rs", what: "file", reason: "generated" }];
        assert_eq!(check(&tree, &[], &table), []);
    }
}
