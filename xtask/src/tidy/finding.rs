//! What a check found, and the exceptions to a check.

use std::collections::BTreeSet;
use std::fmt;

/// A rule broken at a place of the repository.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    /// The file, relative to the repository.
    pub(crate) path: String,
    /// The line, from 1.
    pub(crate) line: usize,
    /// What is wrong and what to do about it.
    pub(crate) says: String,
}

impl Finding {
    /// A finding at a line of a file.
    pub(crate) fn new(path: &str, line: usize, says: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, says: says.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.says)
    }
}

/// A place where a rule does not hold, and why that is right.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exception {
    /// The file it is about, or a folder ending in `/`.
    pub(crate) path: &'static str,
    /// The word, name or function it is about; `*` for whatever the rule finds there.
    pub(crate) what: &'static str,
    /// Why it is right.
    pub(crate) reason: &'static str,
}

/// The exceptions of one check. Those that nothing needed are findings themselves, so that the
/// tables never outlive their reasons.
#[derive(Debug)]
pub(crate) struct Exceptions<'a> {
    table: &'a [Exception],
    home: &'a str,
    used: BTreeSet<usize>,
}

impl<'a> Exceptions<'a> {
    /// The exceptions of a table that stands in the file `home`.
    pub(crate) const fn new(home: &'a str, table: &'a [Exception]) -> Self {
        Self { table, home, used: BTreeSet::new() }
    }

    /// True if the table excepts this in this file.
    pub(crate) fn cover(&mut self, path: &str, what: &str) -> bool {
        let found = self.table.iter().position(|e| {
            let place =
                if e.path.ends_with('/') { path.starts_with(e.path) } else { path == e.path };
            place && (e.what == "*" || e.what == what)
        });
        found.is_some_and(|index| {
            self.used.insert(index);
            true
        })
    }

    /// The exceptions without use or without a reason.
    pub(crate) fn finish(self) -> Vec<Finding> {
        let Self { table, home, used } = self;
        let unused = table.iter().enumerate().filter(|(i, _)| !used.contains(i)).map(|(_, e)| {
            let says =
                format!("nothing needs the exception for {} in {} now: remove it", e.what, e.path);
            Finding::new(home, 1, says)
        });
        let unreasoned = table.iter().filter(|e| e.reason.is_empty()).map(|e| {
            Finding::new(
                home,
                1,
                format!("the exception for {} in {} has no reason", e.what, e.path),
            )
        });
        unused.chain(unreasoned).collect()
    }
}

/// The messages, for tests.
#[cfg(test)]
pub(crate) fn said(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: [Exception; 2] = [
        Exception { path: "a/", what: "*", reason: "r" },
        Exception { path: "b.rs", what: "word", reason: "r" },
    ];

    #[test]
    fn exceptions_cover_their_place_alone() {
        let mut exceptions = Exceptions::new("home.rs", &TABLE);
        assert!(exceptions.cover("a/x.rs", "anything"));
        assert!(exceptions.cover("b.rs", "word"));
        assert!(!exceptions.cover("b.rs", "other"));
        assert!(!exceptions.cover("c/a/x.rs", "word"));
        assert_eq!(exceptions.finish(), []);
    }

    #[test]
    fn an_exception_that_nothing_needs_is_found() {
        let mut exceptions = Exceptions::new("home.rs", &TABLE);
        assert!(exceptions.cover("a/x.rs", "anything"));
        assert_eq!(
            said(&exceptions.finish()),
            ["home.rs:1: nothing needs the exception for word in b.rs now: remove it"]
        );
    }

    #[test]
    fn an_exception_without_a_reason_is_found() {
        let table = [Exception { path: "b.rs", what: "*", reason: "" }];
        let mut exceptions = Exceptions::new("home.rs", &table);
        assert!(exceptions.cover("b.rs", "x"));
        assert_eq!(
            said(&exceptions.finish()),
            ["home.rs:1: the exception for * in b.rs has no reason"]
        );
    }
}
