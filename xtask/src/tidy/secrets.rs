//! Invariant 8: secrets never enter objects, plans, logs, problems or errors; only references do.

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::finding::{Exception, Exceptions, Finding};
use super::source::{Kind, Source, Token};

/// The types that hold secret values, and where they are defined.
const VALUES: &[&str] = &["SecretValue", "Secrets"];
const DEFINITION: &str = "core/model/src/secret.rs";

/// The only ways to the text of a secret.
const REVEAL: &[&str] = &["reveal", "reveal_in"];

/// Types whose documents have secrets filled in, and where they are defined: what they derive must
/// not write the documents out.
const FILLED: &[(&str, &str)] =
    &[("clouds/port/src/cloud.rs", "Create"), ("clouds/port/src/cloud.rs", "Update")];

/// Traits that write a value out. `Debug` is written by hand in the definition, saying nothing.
const WRITING: &[&str] = &["Debug", "Display", "Serialize", "Deserialize"];

const HOME: &str = "xtask/src/tidy/secrets.rs";

/// The files that may reveal a secret: those that send it, and those that take it out of what was
/// sent back.
pub(crate) const MAY_REVEAL: &[Exception] = &[
    Exception {
        path: DEFINITION,
        what: "*",
        reason: "its definition: redaction takes values out of a text, filling puts them in",
    },
    Exception {
        path: "clouds/port/src/secrets.rs",
        what: "*",
        reason: "the one place where values are filled into the document that is sent",
    },
    Exception {
        path: "formats/src/compose/reading.rs",
        what: "*",
        reason: "takes values out of the mistakes of a file that held them",
    },
    Exception {
        path: "formats/src/compose/secrecy.rs",
        what: "*",
        reason: "looks for values in the other texts of a service, to put references there",
    },
    Exception {
        path: "formats/src/compose/top_level.rs",
        what: "*",
        reason: "the content of a file that is a secret itself, kept as one again",
    },
];

/// Secrets that can be written out or that lie where they are written out.
pub(crate) fn check(sources: &[Source], may_reveal: &[Exception]) -> Vec<Finding> {
    let mut exceptions = Exceptions::new(HOME, may_reveal);
    let mut findings = Vec::new();
    for source in sources {
        for (name, line) in revealed(source) {
            if !exceptions.cover(&source.path, &name) {
                let says =
                    format!("a secret is revealed here: only the files listed in {HOME} may");
                findings.push(Finding::new(&source.path, line, says));
            }
        }
        let mut types = Types { path: &source.path, findings: Vec::new() };
        types.visit_file(&source.syntax);
        findings.extend(types.findings);
    }
    findings.extend(exceptions.finish());
    findings
}

/// Calls and mentions of the methods outside tests; their definitions are none.
fn revealed(source: &Source) -> Vec<(String, usize)> {
    let tokens: Vec<&Token> = source.product_tokens().collect();
    let follows_fn = |at: usize| at > 0 && tokens[at - 1].is_word("fn");
    let mentions = tokens.iter().enumerate().filter_map(|(at, token)| match &token.kind {
        Kind::Word(name) if REVEAL.contains(&name.as_str()) && !follows_fn(at) => {
            Some((name.clone(), token.line))
        }
        _ => None,
    });
    mentions.collect()
}

struct Types<'a> {
    path: &'a str,
    findings: Vec<Finding>,
}

impl Types<'_> {
    fn add(&mut self, spanned: &impl Spanned, says: String) {
        self.findings.push(Finding::new(self.path, spanned.span().start().line, says));
    }

    /// A definition with its derives and fields.
    fn definition<'f>(
        &mut self,
        name: &syn::Ident,
        attributes: &[syn::Attribute],
        fields: impl Iterator<Item = &'f syn::Field>,
    ) {
        let derived = derives(attributes);
        let filled = FILLED.iter().any(|(path, of)| *path == self.path && name == of);
        if name == VALUES[0] || filled {
            for wrong in derived.iter().filter(|d| WRITING.contains(&d.as_str())) {
                self.add(name, format!("{name} derives {wrong}, which would write secrets out"));
            }
        }
        if derived.iter().any(|d| d == "Serialize") {
            for field in fields.filter(|field| mentions_value(&field.ty)) {
                let says = format!(
                    "a field of {name}, which is serialized, holds a secret: keep a SecretRef"
                );
                self.add(field, says);
            }
        }
    }
}

impl<'ast> Visit<'ast> for Types<'_> {
    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.definition(&item.ident, &item.attrs, item.fields.iter());
        visit::visit_item_struct(self, item);
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        let fields = item.variants.iter().flat_map(|v| v.fields.iter());
        self.definition(&item.ident, &item.attrs, fields);
        visit::visit_item_enum(self, item);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let implemented = item.trait_.as_ref().and_then(|(path, _)| path.segments.last());
        let hidden_debug = |name: &str| name == "Debug" && self.path == DEFINITION;
        if let Some(name) = implemented.map(|s| s.ident.to_string())
            && WRITING.contains(&name.as_str())
            && !hidden_debug(&name)
            && mentions_value(&item.self_ty)
        {
            self.add(item, format!("{name} for a secret would write it out"));
        }
        visit::visit_item_impl(self, item);
    }
}

fn derives(attributes: &[syn::Attribute]) -> Vec<String> {
    let mut names = Vec::new();
    for attribute in attributes.iter().filter(|a| a.path().is_ident("derive")) {
        let parsed = attribute.parse_nested_meta(|meta| {
            names.extend(meta.path.segments.last().map(|s| s.ident.to_string()));
            Ok(())
        });
        debug_assert!(parsed.is_ok(), "a derive that rustc accepts is a list of paths");
    }
    names
}

fn mentions_value(ty: &syn::Type) -> bool {
    struct Mentions(bool);
    impl<'ast> Visit<'ast> for Mentions {
        fn visit_path_segment(&mut self, segment: &'ast syn::PathSegment) {
            self.0 |= VALUES.iter().any(|value| segment.ident == value);
            visit::visit_path_segment(self, segment);
        }
    }
    let mut mentions = Mentions(false);
    mentions.visit_type(ty);
    mentions.0
}

#[cfg(test)]
mod tests {
    use super::super::finding::said;
    use super::*;

    const CALLER: [Exception; 1] =
        [Exception { path: "clouds/docker/src/send.rs", what: "*", reason: "sends it" }];

    fn findings(path: &str, text: &str) -> Vec<String> {
        said(&check(&[Source::parse(path, text).unwrap()], &[]))
    }

    #[test]
    fn a_secret_that_is_kept_passes() {
        let text = "#[derive(Clone, PartialEq, Eq)] pub struct SecretValue(String);
            impl SecretValue { pub fn reveal(&self) -> &str { &self.0 } }
            impl fmt::Debug for SecretValue { }
            #[derive(Clone, Debug, Default)] struct Secrets(BTreeMap<SecretRef, SecretValue>);
            #[derive(Debug, Serialize)] struct Plan { password: SecretRef }
            #[cfg(test)] mod tests { fn t() { s.reveal(); } }";
        assert_eq!(findings(DEFINITION, text), [""; 0]);
    }

    #[test]
    fn a_secret_that_can_be_written_is_found() {
        for text in [
            "#[derive(Clone, Debug)] struct SecretValue(String);",
            "#[derive(serde::Serialize)] struct SecretValue(String);",
            "impl fmt::Display for SecretValue {}",
            "impl Serialize for SecretValue {}",
            "impl<'de> Deserialize<'de> for Secrets {}",
            "#[derive(Serialize)] struct A { b: Option<Vec<SecretValue>> }",
            "#[derive(Debug, Serialize)] enum A { B(Secrets) }",
        ] {
            assert_eq!(findings(DEFINITION, text).len(), 1, "{text}");
        }
        assert_eq!(findings("control/src/a.rs", "impl fmt::Debug for SecretValue {}").len(), 1);
    }

    #[test]
    fn a_request_with_secrets_filled_in_does_not_show_them() {
        let shown = |derives: &str| {
            findings(
                FILLED[0].0,
                &format!("#[derive({derives})] struct Create {{ native: Value }}"),
            )
            .len()
        };
        assert_eq!((shown("Clone, PartialEq"), shown("Clone, Debug")), (0, 1));
        assert_eq!(findings("control/src/a.rs", "#[derive(Debug)] struct Create;"), [""; 0]);
    }

    #[test]
    fn only_listed_files_reveal() {
        for text in [
            "fn f() { s.reveal(); }",
            "fn f() { secrets.reveal_in(text); }",
            "fn f() { map(SecretValue::reveal) }",
            "fn f() { format!(\"{}\", s.reveal()) }",
        ] {
            let source = || [Source::parse("clouds/docker/src/send.rs", text).unwrap()];
            assert_eq!(said(&check(&source(), &CALLER)), [""; 0]);
            assert_eq!(
                said(&check(&source(), &[])),
                [
                    "clouds/docker/src/send.rs:1: a secret is revealed here: only the files listed in xtask/src/tidy/secrets.rs may"
                ]
            );
        }
    }

    #[test]
    fn a_file_that_reveals_nothing_any_more_leaves_the_list() {
        let source = [Source::parse("clouds/docker/src/send.rs", "").unwrap()];
        assert_eq!(check(&source, &CALLER).len(), 1);
    }
}
