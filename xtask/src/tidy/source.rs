//! Rust files as tokens: comments gone, documentation left out, test code marked.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

use super::finding::Finding;
use super::tree::Tree;

/// A parsed Rust file.
pub(crate) struct Source {
    /// Its path, relative to the repository.
    pub(crate) path: String,
    /// Its syntax tree.
    pub(crate) syntax: syn::File,
    /// Its tokens.
    pub(crate) tokens: Vec<Token>,
}

/// One token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    /// What it is.
    pub(crate) kind: Kind,
    /// Its line, from 1.
    pub(crate) line: usize,
    /// True inside items that exist only for tests.
    pub(crate) test: bool,
}

/// What a token is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A name or keyword.
    Word(String),
    /// A literal, as written.
    Literal(String),
    /// A sign.
    Sign(char),
    /// An opening bracket; `None` for the invisible ones.
    Open(Option<char>),
    /// A closing bracket.
    Close,
}

impl Token {
    /// True if it is this name or keyword.
    pub(crate) fn is_word(&self, word: &str) -> bool {
        matches!(&self.kind, Kind::Word(w) if w == word)
    }

    fn is_sign(&self, sign: char) -> bool {
        self.kind == Kind::Sign(sign)
    }
}

/// A path as code writes it, `use` trees taken apart: `use a::{b, c::*}` is `a::b` and `a::c::*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CodePath {
    /// Its segments.
    pub(crate) segments: Vec<String>,
    /// Its line.
    pub(crate) line: usize,
    /// True inside test code.
    pub(crate) test: bool,
}

impl CodePath {
    /// The segments joined by `::`.
    pub(crate) fn text(&self) -> String {
        self.segments.join("::")
    }
}

impl Source {
    /// Parses a file.
    ///
    /// # Errors
    /// The first mistake of syntax.
    pub(crate) fn parse(path: &str, text: &str) -> Result<Self, Finding> {
        let wrong = |line, says: &dyn std::fmt::Display| {
            Finding::new(path, line, format!("this does not parse as Rust: {says}"))
        };
        let syntax = syn::parse_file(text).map_err(|e| wrong(e.span().start().line, &e))?;
        let stream: TokenStream =
            text.parse().map_err(|e: proc_macro2::LexError| wrong(e.span().start().line, &e))?;
        let mut tokens = Vec::new();
        flatten(stream, is_test_path(path), &mut tokens);
        Ok(Self { path: path.to_owned(), syntax, tokens })
    }

    /// The Rust files of a tree, and a finding for each that does not parse.
    pub(crate) fn all(tree: &Tree) -> (Vec<Self>, Vec<Finding>) {
        let (mut sources, mut findings) = (Vec::new(), Vec::new());
        for (path, text) in tree.ending(".rs") {
            match Self::parse(path, text) {
                Ok(source) => sources.push(source),
                Err(finding) => findings.push(finding),
            }
        }
        (sources, findings)
    }

    /// The tokens outside test code.
    pub(crate) fn product_tokens(&self) -> impl Iterator<Item = &Token> {
        self.tokens.iter().filter(|t| !t.test)
    }

    /// Every path in it.
    pub(crate) fn code_paths(&self) -> Vec<CodePath> {
        let (mut found, mut at) = (Vec::new(), 0);
        while let Some(token) = self.tokens.get(at) {
            at = match token.kind {
                Kind::Word(ref word) if is_segment(word) && !self.continues_path(at) => {
                    self.path_from(at, &[], &mut found)
                }
                _ => at + 1,
            };
        }
        found
    }

    /// The names of macros called outside test code, with their lines.
    pub(crate) fn macros(&self) -> impl Iterator<Item = (&str, usize)> {
        self.tokens.windows(3).filter_map(|t| match (&t[0].kind, &t[1].kind, &t[2].kind) {
            (Kind::Word(name), Kind::Sign('!'), Kind::Open(_)) if !t[0].test => {
                Some((name.as_str(), t[0].line))
            }
            _ => None,
        })
    }

    fn continues_path(&self, at: usize) -> bool {
        at >= 3
            && self.tokens[at - 1].is_sign(':')
            && self.tokens[at - 2].is_sign(':')
            && match &self.tokens[at - 3].kind {
                Kind::Word(word) => is_segment(word),
                other => *other == Kind::Sign('>'),
            }
    }

    /// Reads the path or `use` tree that begins at a token, after the segments before it; gives
    /// the token after it.
    fn path_from(&self, start: usize, before: &[String], found: &mut Vec<CodePath>) -> usize {
        let (mut segments, mut at) = (before.to_vec(), start);
        loop {
            match self.tokens.get(at).map(|t| &t.kind) {
                Some(Kind::Word(word)) if word == "self" && !segments.is_empty() => {}
                Some(Kind::Word(word)) => segments.push(word.clone()),
                Some(Kind::Sign('*')) => segments.push("*".to_owned()),
                Some(Kind::Open(Some('{'))) => return self.branches(at, &segments, found),
                _ => break,
            }
            at += 1;
            let joined = |i: usize| self.tokens.get(i).is_some_and(|t| t.is_sign(':'));
            if !(joined(at) && joined(at + 1)) {
                break;
            }
            at += 2;
        }
        let Token { line, test, .. } = self.tokens[start];
        found.push(CodePath { segments, line, test });
        at.max(start + 1)
    }

    /// Reads the branches of a `use` tree whose brace opens at a token; gives the token after it.
    fn branches(&self, open: usize, before: &[String], found: &mut Vec<CodePath>) -> usize {
        let mut at = open + 1;
        while let Some(token) = self.tokens.get(at) {
            at = match &token.kind {
                Kind::Close => return at + 1,
                Kind::Word(word) if word == "as" => at + 2,
                Kind::Word(_) | Kind::Sign('*') => self.path_from(at, before, found),
                _ => at + 1,
            };
        }
        at
    }
}

/// False for the keywords that can stand before a path that begins with `::`.
fn is_segment(word: &str) -> bool {
    !matches!(word, "as" | "dyn" | "else" | "for" | "if" | "impl" | "in" | "let" | "match" | "mut")
        && !matches!(word, "return" | "use" | "where" | "while")
}

/// True for files that hold nothing but tests.
pub(crate) fn is_test_path(path: &str) -> bool {
    path.contains("/tests/") || path.ends_with("/tests.rs")
}

/// True for an item that is `#[cfg(test)]`.
pub(crate) fn is_for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|a| {
        a.path().is_ident("cfg") && a.parse_args::<syn::Path>().is_ok_and(|p| p.is_ident("test"))
    })
}

fn flatten(stream: TokenStream, in_test: bool, out: &mut Vec<Token>) {
    let trees: Vec<TokenTree> = stream.into_iter().collect();
    let (mut test, mut at) = (in_test, 0);
    while let Some(tree) = trees.get(at) {
        let line = tree.span().start().line;
        if let Some((attribute, width)) = attribute_at(&trees, at) {
            match meaning(attribute) {
                Attribute::Documentation => {}
                Attribute::Test => test = true,
                Attribute::Other => flatten(attribute.stream(), test, out),
            }
            at += width;
            continue;
        }
        match tree {
            TokenTree::Ident(word) => {
                out.push(Token { kind: Kind::Word(word.to_string()), line, test });
            }
            TokenTree::Literal(text) => {
                out.push(Token { kind: Kind::Literal(text.to_string()), line, test });
            }
            TokenTree::Punct(sign) => {
                out.push(Token { kind: Kind::Sign(sign.as_char()), line, test });
                if sign.as_char() == ';' {
                    test = in_test;
                }
            }
            TokenTree::Group(group) => {
                out.push(Token { kind: Kind::Open(bracket(group)), line, test });
                flatten(group.stream(), test, out);
                out.push(Token { kind: Kind::Close, line: group.span_close().end().line, test });
                if group.delimiter() == Delimiter::Brace {
                    test = in_test;
                }
            }
        }
        at += 1;
    }
}

fn bracket(group: &Group) -> Option<char> {
    match group.delimiter() {
        Delimiter::Brace => Some('{'),
        Delimiter::Bracket => Some('['),
        Delimiter::Parenthesis => Some('('),
        Delimiter::None => None,
    }
}

/// The attribute that begins at a token tree, with how many trees it takes.
fn attribute_at(trees: &[TokenTree], at: usize) -> Option<(&Group, usize)> {
    let sign =
        |i: usize, c: char| matches!(trees.get(i), Some(TokenTree::Punct(p)) if p.as_char() == c);
    let skipped = match (sign(at, '#'), sign(at + 1, '!')) {
        (false, _) => return None,
        (true, inner) => 1 + usize::from(inner),
    };
    match trees.get(at + skipped) {
        Some(TokenTree::Group(g)) if g.delimiter() == Delimiter::Bracket => Some((g, skipped + 1)),
        _ => None,
    }
}

enum Attribute {
    Documentation,
    Test,
    Other,
}

fn meaning(attribute: &Group) -> Attribute {
    let words = words_of(attribute.stream());
    let has = |word: &str| words.iter().any(|w| w == word);
    match words.first().map(String::as_str) {
        Some("doc") => Attribute::Documentation,
        Some("cfg") if has("test") && !has("not") => Attribute::Test,
        Some("test") => Attribute::Test,
        Some("tokio") if words.get(1).is_some_and(|w| w == "test") => Attribute::Test,
        _ => Attribute::Other,
    }
}

fn words_of(stream: TokenStream) -> Vec<String> {
    stream
        .into_iter()
        .flat_map(|tree| match tree {
            TokenTree::Ident(word) => vec![word.to_string()],
            TokenTree::Group(group) => words_of(group.stream()),
            _ => Vec::new(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Source {
        Source::parse("core/x/src/lib.rs", text).unwrap()
    }

    fn paths(text: &str) -> Vec<String> {
        parse(text)
            .code_paths()
            .iter()
            .filter(|p| p.segments.len() > 1)
            .map(CodePath::text)
            .collect()
    }

    #[test]
    fn use_trees_are_taken_apart() {
        assert_eq!(
            paths("use a::{b, c::{self, d as e}, f::*};"),
            ["a::b", "a::c", "a::c::d", "a::f::*"]
        );
        assert_eq!(paths("use ::std::time;"), ["std::time"]);
    }

    #[test]
    fn paths_in_expressions_and_macros_are_seen() {
        assert_eq!(
            paths("fn f() { let x = std::fs::read(a); format!(\"{}\", std::env::args()); }"),
            ["std::fs::read", "std::env::args"]
        );
        assert_eq!(paths("fn f() { Vec::<u8>::new(); }"), ["Vec"; 0]);
    }

    #[test]
    fn comments_and_documentation_are_no_tokens() {
        let source = parse("//! about\n// a\n/// b\nfn f() { /* c */ }");
        assert_eq!(source.tokens.iter().filter(|t| matches!(t.kind, Kind::Literal(_))).count(), 0);
        assert_eq!(source.tokens[0], Token { kind: Kind::Word("fn".into()), line: 4, test: false });
    }

    #[test]
    fn test_items_are_marked_and_nothing_else() {
        for (text, marked) in [
            ("#[cfg(test)] mod tests { fn inner() {} } fn outer() {}", true),
            ("#[test] fn inner() {} fn outer() {}", true),
            ("#[tokio::test(start_paused = true)] async fn inner() {} fn outer() {}", true),
            ("#[cfg(test)] use inner; fn outer() {}", true),
            ("#[cfg(not(test))] fn inner() {} fn outer() {}", false),
            ("#[inline] fn inner() {} fn outer() {}", false),
        ] {
            let source = parse(text);
            let test = |w: &str| source.tokens.iter().find(|t| t.is_word(w)).map(|t| t.test);
            assert_eq!((test("inner"), test("outer")), (Some(marked), Some(false)), "{text}");
        }
    }

    #[test]
    fn a_file_of_tests_is_test_code_throughout() {
        let source = Source::parse("core/x/tests/a.rs", "fn f() {}").unwrap();
        assert_eq!(source.product_tokens().count(), 0);
    }

    #[test]
    fn a_file_that_does_not_parse_is_a_finding_at_its_line() {
        let finding = Source::parse("a.rs", "fn f() {}\nfn 1() {}").err().unwrap();
        assert_eq!((finding.path.as_str(), finding.line), ("a.rs", 2));
    }
}
