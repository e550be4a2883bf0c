//! Words that don't belong in the project: paths of somebody's machine, hosts of registries, marks
//! of unfinished work.

use super::finding::{Exception, Exceptions, Finding};
use super::tree::Tree;

/// The words, each in two parts so that this file does not hold them itself, and why.
const WORDS: &[(&str, &str, &str)] = &[
    ("/wo", "rk/", "a path of one machine"),
    ("/ro", "ot/", "a path of one machine"),
    ("/fa", "rm/", "a path of one machine"),
    ("/tmp/", "target", "a path of one machine"),
    ("bash", "_jobs", "a path of one machine"),
    (".libr", "ary/", "a path of one machine"),
    ("arti", "factory", "a registry's host: the user's own settings say which to use"),
    ("crates", ".io", "a registry's host: the user's own settings say which to use"),
    ("pypi", ".org", "a registry's host: the user's own settings say which to use"),
    ("npmjs", ".com", "a registry's host: the user's own settings say which to use"),
    ("debian", ".org", "a registry's host: the user's own settings say which to use"),
    ("TO", "DO", "finish it, or write an issue"),
    ("FIX", "ME", "finish it, or write an issue"),
    ("XX", "X", "finish it, or write an issue"),
    ("To be ", "written.", "it is not written yet"),
];

/// Written by tools: the lock files name registries.
const GENERATED: [&str; 3] = ["Cargo.lock", "package-lock.json", "uv.lock"];

const HOME: &str = "xtask/src/tidy/words.rs";

/// Places where a rule of this file does not hold.
pub(crate) const EXCEPTIONS: &[Exception] = &[];

/// Every such word, in any text file.
pub(crate) fn check(tree: &Tree, table: &[Exception]) -> Vec<Finding> {
    let mut exceptions = Exceptions::new(HOME, table);
    let mut findings = Vec::new();
    let words: Vec<(String, &str)> =
        WORDS.iter().map(|(a, b, why)| (format!("{a}{b}"), *why)).collect();
    let written = tree.texts().filter(|(path, _)| {
        let name = path.rsplit('/').next().unwrap_or(path);
        !GENERATED.contains(&name)
    });
    for (path, text) in written {
        for (index, line) in text.lines().enumerate() {
            for (word, why) in &words {
                if stands_in(line, word) && !exceptions.cover(path, word) {
                    findings.push(Finding::new(
                        path,
                        index + 1,
                        format!("\"{word}\" does not belong here: {why}"),
                    ));
                }
            }
        }
    }
    findings.extend(exceptions.finish());
    findings
}

/// True if the word stands in the line with nothing before it that would make it part of a longer
/// word.
fn stands_in(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let joins = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        let ends_open =
            !word.ends_with(char::is_alphanumeric) || !joins(after) || word.contains('/');
        !joins(before) && before != Some('.') && ends_open
    })
}

#[cfg(test)]
mod tests {
    use super::super::finding::said;
    use super::*;

    fn findings(path: &str, text: &str) -> Vec<String> {
        said(&check(&Tree::of(&[(path, text)]), &[]))
    }

    #[test]
    fn each_word_is_found_at_its_line() {
        for (a, b, why) in WORDS {
            let text = format!("fine\nsee \"{a}{b}\" there\n");
            assert_eq!(
                findings("docs/x.md", &text),
                [format!("docs/x.md:2: \"{a}{b}\" does not belong here: {why}")]
            );
        }
    }

    #[test]
    fn longer_words_and_lock_files_are_not_meant() {
        let upper = format!("{}{}S", "TO", "DO");
        let inside = format!("frame{}rk/x", "/wo".trim_start_matches('/'));
        assert_eq!(
            findings("a.md", &format!("{upper}\n{inside}\n./{}{}a\n", "wo", "rk/")),
            [""; 0]
        );
        assert_eq!(findings("Cargo.lock", &format!("source {}{}", "crates", ".io")), [""; 0]);
    }

    #[test]
    fn an_exception_lets_one_word_stand_in_one_file() {
        let text = format!("{}{}", "crates", ".io");
        let table = [Exception { path: "a.md", what: "crates", reason: "" }];
        assert_eq!(check(&Tree::of(&[("a.md", &text)]), &table).len(), 3);
        let word: &'static str = text.clone().leak();
        let table = [Exception { path: "a.md", what: word, reason: "quotes an error" }];
        assert_eq!(check(&Tree::of(&[("a.md", &text)]), &table), []);
    }
}
