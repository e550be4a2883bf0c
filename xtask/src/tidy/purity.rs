//! Invariant 1: `core` has no I/O, no async, no clock, no randomness, no environment. Invariant 7:
//! money and quantities are exact, so no floating point where they live.

use super::finding::{Exception, Exceptions, Finding};
use super::source::{Kind, Source};

/// What core code may not name, and why. A path is forbidden with all that lies below it.
const FORBIDDEN_PATHS: &[(&str, &str)] = &[
    ("std::fs", "core does no I/O: take the text as an argument"),
    ("std::io", "core does no I/O: take and give values"),
    ("std::net", "core does no I/O"),
    ("std::os", "core knows no operating system"),
    ("std::env", "core reads no environment: take the value as an argument"),
    ("std::process", "core starts and ends no process"),
    ("std::thread", "core starts no threads: the caller does"),
    ("std::time", "core has no clock: take a Duration or a closure that tells when to stop"),
    ("std::hash::RandomState", "core has no randomness"),
    ("std::collections::HashMap", "its order is random: use BTreeMap"),
    ("std::collections::HashSet", "its order is random: use BTreeSet"),
    ("std::*", "name what is used, so that it can be checked"),
];

/// What lies below a forbidden path and is a mere value.
const ALLOWED_PATHS: &[&str] = &["std::time::Duration"];

/// Macros that write, or read the environment of the build.
const FORBIDDEN_MACROS: &[&str] = &[
    "print",
    "println",
    "eprint",
    "eprintln",
    "dbg",
    "env",
    "option_env",
    "todo",
    "unimplemented",
];

/// Third-party crates that core may depend on: each is pure itself.
pub(crate) const CORE_DEPENDENCIES: &[&str] = &[
    "cel",
    "num-integer",
    "num-rational",
    "num-traits",
    "serde",
    "serde_json",
    "sha2",
    "thiserror",
];

/// Where no floating-point number is used. The optimizer and the engines compute bounds with
/// floats and have them checked; these never do.
const EXACT: &[&str] = &["core/model/", "core/goals/", "core/plan/", "core/checker/"];

const HOME: &str = "xtask/src/tidy/purity.rs";

/// Places where a rule of this file does not hold.
pub(crate) const EXCEPTIONS: &[Exception] = &[Exception {
    path: "core/model/src/decimal.rs",
    what: "f64",
    reason: "the one door for the doubles that parsers give: it keeps their decimal spelling",
}];

/// Everything in core that reaches outside it, and floats where numbers are exact.
pub(crate) fn check(sources: &[Source], table: &[Exception]) -> Vec<Finding> {
    let mut exceptions = Exceptions::new(HOME, table);
    let mut findings = Vec::new();
    for source in sources.iter().filter(|s| s.path.starts_with("core/")) {
        let found = impure_paths(source).into_iter().chain(impure_words(source));
        let inexact = EXACT.iter().any(|place| source.path.starts_with(place));
        let floats = if inexact { floats(source) } else { Vec::new() };
        for (line, what, why) in found.chain(floats) {
            if !exceptions.cover(&source.path, &what) {
                findings.push(Finding::new(&source.path, line, format!("{what} in core: {why}")));
            }
        }
    }
    findings.extend(exceptions.finish());
    findings
}

type Hit = (usize, String, &'static str);

fn impure_paths(source: &Source) -> Vec<Hit> {
    let below = |text: &str, path: &str| {
        text.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    };
    let paths = source.code_paths();
    let outside_tests = paths.iter().filter(|p| !p.test);
    let hits = outside_tests.filter_map(|path| {
        let text = path.text();
        if ALLOWED_PATHS.iter().any(|allowed| below(&text, allowed)) {
            return None;
        }
        let (_, why) = FORBIDDEN_PATHS.iter().find(|(forbidden, _)| below(&text, forbidden))?;
        Some((path.line, text, *why))
    });
    hits.collect()
}

fn impure_words(source: &Source) -> Vec<Hit> {
    let words = source.product_tokens().filter_map(|token| match &token.kind {
        Kind::Word(word) if word == "async" || word == "await" => {
            Some((token.line, word.clone(), "core is synchronous"))
        }
        _ => None,
    });
    let macros =
        source.macros().filter(|(name, _)| FORBIDDEN_MACROS.contains(name)).map(|(name, line)| {
            (line, format!("{name}!"), "core writes nothing and reads no environment")
        });
    words.chain(macros).collect()
}

fn floats(source: &Source) -> Vec<Hit> {
    let why = "numbers are exact here: use Money, Decimal or a quantity";
    source
        .product_tokens()
        .filter_map(|token| match &token.kind {
            Kind::Word(word) if word == "f32" || word == "f64" => {
                Some((token.line, word.clone(), why))
            }
            Kind::Literal(text) if is_float(text) => Some((token.line, text.clone(), why)),
            _ => None,
        })
        .collect()
}

fn is_float(literal: &str) -> bool {
    matches!(syn::parse_str::<syn::Lit>(literal), Ok(syn::Lit::Float(_)))
}

#[cfg(test)]
mod tests {
    use super::super::finding::said;
    use super::*;

    fn findings(path: &str, text: &str) -> Vec<String> {
        said(&check(&[Source::parse(path, text).unwrap()], &[]))
    }

    #[test]
    fn pure_code_passes() {
        let text = "use std::{collections::BTreeMap, time::Duration};
            // std::fs in a comment
            /// `println!` in documentation
            fn f(d: std::time::Duration) -> u64 { writeln!(s, \"std::fs\"); 1 }
            #[cfg(test)] mod tests { use std::fs; fn t() { println!(); let x = 1.5_f64; } }";
        assert_eq!(findings("core/model/src/a.rs", text), [""; 0]);
    }

    #[test]
    fn what_reaches_outside_is_found() {
        for (text, what) in [
            ("use std::fs;", "std::fs"),
            ("use std::{fmt, time::{Duration, Instant}};", "std::time::Instant"),
            ("use std::time;", "std::time"),
            ("fn f() { format!(\"{}\", std::env::args().count()) }", "std::env::args"),
            ("use std::*;", "std::*"),
            ("use std::collections::HashMap;", "std::collections::HashMap"),
            ("async fn f() {}", "async"),
            ("fn f() { dbg!(1); }", "dbg!"),
            ("const A: &str = env!(\"HOME\");", "env!"),
        ] {
            let found = findings("core/optimizer/src/a.rs", text);
            assert_eq!(found.len(), 1, "{text}: {found:?}");
            assert!(found[0].starts_with(&format!("core/optimizer/src/a.rs:1: {what} in core: ")));
        }
    }

    #[test]
    fn the_rule_is_for_core_alone() {
        assert_eq!(findings("clouds/docker/src/a.rs", "use std::fs; async fn f() {}"), [""; 0]);
    }

    #[test]
    fn floats_are_found_where_numbers_are_exact() {
        for text in ["fn f(x: f64) {}", "const A: u8 = 1.5 as u8;", "const A: u8 = 1e9 as u8;"] {
            assert_eq!(findings("core/plan/src/a.rs", text).len(), 1, "{text}");
            assert_eq!(findings("core/optimizer/src/a.rs", text), [""; 0], "{text}");
        }
        assert_eq!(findings("core/plan/src/a.rs", "const A: u64 = 0xE1 + 1_000 + t.0;"), [""; 0]);
    }
}
