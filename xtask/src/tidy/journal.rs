//! Invariant 5: a resource is written down before it is created outside. The port's `ensure` and
//! `remove` do that, so nobody else calls the verbs that change a cloud.

use super::finding::{Exception, Exceptions, Finding};
use super::source::{Kind, Source, Token};

/// The verbs of a cloud that are never called alone.
const VERBS: &[&str] = &["create", "delete"];

/// Where clouds are used.
const USERS: &[&str] = &["control/", "apps/"];

const HOME: &str = "xtask/src/tidy/journal.rs";

/// Places where a rule of this file does not hold.
pub(crate) const EXCEPTIONS: &[Exception] = &[];

/// Every call of such a verb outside tests.
pub(crate) fn check(sources: &[Source], table: &[Exception]) -> Vec<Finding> {
    let mut exceptions = Exceptions::new(HOME, table);
    let mut findings = Vec::new();
    for source in sources.iter().filter(|s| USERS.iter().any(|user| s.path.starts_with(user))) {
        for (verb, line) in calls(source) {
            if !exceptions.cover(&source.path, &verb) {
                let says = format!(
                    ".{verb}( here: what changes a cloud goes through coc_cloud's ensure and remove"
                );
                findings.push(Finding::new(&source.path, line, says));
            }
        }
    }
    findings.extend(exceptions.finish());
    findings
}

fn calls(source: &Source) -> Vec<(String, usize)> {
    let tokens: Vec<&Token> = source.product_tokens().collect();
    let calls = tokens.windows(3).filter_map(|t| match (&t[0].kind, &t[1].kind, &t[2].kind) {
        (Kind::Sign('.'), Kind::Word(verb), Kind::Open(Some('('))) => {
            Some((verb.clone(), t[1].line))
        }
        _ => None,
    });
    calls.filter(|(verb, _)| VERBS.contains(&verb.as_str())).collect()
}

#[cfg(test)]
mod tests {
    use super::super::finding::said;
    use super::*;

    fn findings(path: &str, text: &str) -> Vec<String> {
        said(&check(&[Source::parse(path, text).unwrap()], &[]))
    }

    #[test]
    fn a_verb_called_alone_is_found() {
        for text in
            ["async fn f() { cloud.create(&c).await; }", "fn f() { self.cloud\n.delete(t, id) }"]
        {
            assert_eq!(findings("control/src/deploying.rs", text).len(), 1, "{text}");
        }
    }

    #[test]
    fn ensure_files_and_tests_pass() {
        let text = "fn f() { ensure(cloud); File::create(p); created.create; }
            #[cfg(test)] mod tests { fn t() { cloud.create(&c); } }";
        assert_eq!(findings("control/src/deploying.rs", text), [""; 0]);
        assert_eq!(findings("clouds/port/src/ensure.rs", "fn f() { cloud.create(&c); }"), [""; 0]);
    }
}
