//! The words of the glossary are those of the code.

use std::collections::BTreeSet;

use syn::visit::{self, Visit};

use super::finding::Finding;
use super::source::Source;
use super::tree::{Tree, line_of};

const GLOSSARY: &str = "GLOSSARY.md";

/// Every type that the glossary names as code and that no crate defines.
pub(crate) fn check(tree: &Tree, sources: &[Source]) -> Vec<Finding> {
    let Some(text) = tree.text(GLOSSARY) else {
        return vec![Finding::new(GLOSSARY, 1, "the file is missing: it fixes the words")];
    };
    let mut defined = Defined(BTreeSet::new());
    for source in sources {
        defined.visit_file(&source.syntax);
    }
    let named =
        code_spans(text).filter(|(word, _)| word.starts_with(|c: char| c.is_ascii_uppercase()));
    named
        .filter(|(word, _)| !defined.0.contains(*word))
        .map(|(word, at)| {
            let says = format!("no crate defines the type {word}: name it as the code does");
            Finding::new(GLOSSARY, line_of(text, at), says)
        })
        .collect()
}

/// The texts between single backquotes, with their places.
fn code_spans(text: &str) -> impl Iterator<Item = (&str, usize)> {
    let mut at = 0;
    text.split('`').enumerate().filter_map(move |(index, part)| {
        let start = at;
        at += part.len() + 1;
        (index % 2 == 1).then_some((part, start))
    })
}

/// Names of types.
struct Defined(BTreeSet<String>);

impl<'ast> Visit<'ast> for Defined {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        let name = match item {
            syn::Item::Struct(item) => Some(&item.ident),
            syn::Item::Enum(item) => Some(&item.ident),
            syn::Item::Trait(item) => Some(&item.ident),
            syn::Item::Type(item) => Some(&item.ident),
            _ => None,
        };
        self.0.extend(name.map(ToString::to_string));
        visit::visit_item(self, item);
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::said;
    use super::*;

    #[test]
    fn words_without_a_type_are_found() {
        let glossary = "**Plan** (`Plan`): a plan.\n\n**Tier** (`Tier`), `must`, `Gone`.\n";
        let code = "pub struct Plan; mod m { pub enum Tier {} }";
        let tree = Tree::of(&[(GLOSSARY, glossary), ("a.rs", code)]);
        let (sources, _) = Source::all(&tree);
        assert_eq!(
            said(&check(&tree, &sources)),
            ["GLOSSARY.md:3: no crate defines the type Gone: name it as the code does"]
        );
    }

    #[test]
    fn a_glossary_that_is_not_there_is_found() {
        assert_eq!(check(&Tree::default(), &[]).len(), 1);
    }
}
