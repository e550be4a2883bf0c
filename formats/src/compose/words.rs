//! A command written as one line, split into words as Compose splits it: quotes and backslashes
//! count, but no shell runs, so operators end the line.

/// The words of a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Words {
    /// Them.
    pub(super) words: Vec<String>,
    /// The operator (`|`, `&`, `;`, `<` or `>`) from which on Compose drops the line.
    pub(super) dropped_from: Option<char>,
}

/// Why a line can't be split.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum WordsError {
    /// A quote, or `$(`, that is never closed, or a backslash at the end.
    Open,
    /// A parenthesis outside quotes.
    Parenthesis,
}

/// Splits a line.
///
/// # Errors
/// What [`WordsError`] lists.
pub(super) fn split(line: &str) -> Result<Words, WordsError> {
    let mut splitter = Splitter::default();
    for c in line.chars() {
        match splitter.take(c)? {
            Some(operator) => return splitter.finish(Some(operator)),
            None => continue,
        }
    }
    splitter.finish(None)
}

/// What the splitter is inside of.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Inside {
    #[default]
    Nothing,
    Single,
    Double,
    Backquotes,
    Substitution,
}

#[derive(Default)]
struct Splitter {
    words: Vec<String>,
    word: Option<String>,
    inside: Inside,
    escaped: bool,
}

impl Splitter {
    /// Takes a character; gives the operator that ends the line.
    fn take(&mut self, c: char) -> Result<Option<char>, WordsError> {
        if self.escaped {
            self.escaped = false;
            self.push(match c {
                't' => '\t',
                'n' => '\n',
                c => c,
            });
            return Ok(None);
        }
        match (c, self.inside) {
            ('\\', inside) if inside != Inside::Single => self.escaped = true,
            (' ' | '\t' | '\r' | '\n', Inside::Nothing) => self.words.extend(self.word.take()),
            ('\'', Inside::Nothing) => self.open(Inside::Single),
            ('"', Inside::Nothing) => self.open(Inside::Double),
            ('\'', Inside::Single) | ('"', Inside::Double) => self.inside = Inside::Nothing,
            ('`', Inside::Nothing) => {
                self.open(Inside::Backquotes);
                self.push(c);
            }
            ('`', Inside::Backquotes) | (')', Inside::Substitution) => {
                self.inside = Inside::Nothing;
                self.push(c);
            }
            ('(', Inside::Nothing) if self.word.as_ref().is_some_and(|w| w.ends_with('$')) => {
                self.open(Inside::Substitution);
                self.push(c);
            }
            ('(' | ')', Inside::Nothing) | ('(', Inside::Substitution) => {
                return Err(WordsError::Parenthesis);
            }
            (';' | '&' | '|' | '<' | '>', Inside::Nothing) => return Ok(Some(c)),
            _ => self.push(c),
        }
        Ok(None)
    }

    fn open(&mut self, inside: Inside) {
        self.inside = inside;
        self.word.get_or_insert_default();
    }

    fn push(&mut self, c: char) {
        self.word.get_or_insert_default().push(c);
    }

    fn finish(mut self, dropped_from: Option<char>) -> Result<Words, WordsError> {
        if self.escaped || self.inside != Inside::Nothing {
            return Err(WordsError::Open);
        }
        // In `2>file` the digit belongs to the operator, not to the words.
        let descriptor = |w: &String| w.starts_with(|c: char| c.is_ascii_digit());
        self.words.extend(self.word.filter(|w| dropped_from != Some('>') || !descriptor(w)));
        Ok(Words { words: self.words, dropped_from })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lines_split_as_compose_splits_them() {
        for (line, words) in [
            ("npm run start-watch", &["npm", "run", "start-watch"][..]),
            ("  a\t b\n c  ", &["a", "b", "c"]),
            (
                "sh -c \"tb --cloud deploy; echo 'x y'\"",
                &["sh", "-c", "tb --cloud deploy; echo 'x y'"],
            ),
            ("a 'b c'd\"e\"", &["a", "b cde"]),
            ("a \\\"b\\\" 'c\\d'", &["a", "\"b\"", "c\\d"]),
            ("a ''  \"\"", &["a", "", ""]),
            ("a\\ b \\t", &["a b", "\t"]),
            ("echo $(date +%s) `x y`", &["echo", "$(date +%s)", "`x y`"]),
            ("a=$HOME #b", &["a=$HOME", "#b"]),
            ("", &[]),
        ] {
            let split = split(line).unwrap();
            assert_eq!(
                (split.words, split.dropped_from),
                (words.iter().map(|w| (*w).to_owned()).collect(), None),
                "{line}"
            );
        }
    }

    #[test]
    fn operators_end_the_line() {
        for (line, words, operator) in [
            ("echo a && echo b", &["echo", "a"][..], '&'),
            ("a | b", &["a"], '|'),
            ("a; b", &["a"], ';'),
            ("run 2>/dev/null", &["run"], '>'),
            ("run >x", &["run"], '>'),
        ] {
            let split = split(line).unwrap();
            assert_eq!(split.words, words);
            assert_eq!(split.dropped_from, Some(operator), "{line}");
        }
    }

    #[test]
    fn lines_that_can_not_be_split_are_refused() {
        for (line, error) in [
            ("a 'b", WordsError::Open),
            ("a \"b", WordsError::Open),
            ("a \\", WordsError::Open),
            ("a `b", WordsError::Open),
            ("a $(b", WordsError::Open),
            ("a (b)", WordsError::Parenthesis),
            ("a )", WordsError::Parenthesis),
        ] {
            assert_eq!(split(line), Err(error), "{line}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(line in "[a b'\"`\\\\$()&|<>;\n2]{0,30}") {
            let _ = split(&line);
        }

        #[test]
        fn quoted_words_come_back(words in proptest::collection::vec("[^']{0,10}", 0..5)) {
            let line = words.iter().map(|w| format!("'{w}'")).collect::<Vec<_>>().join(" ");
            prop_assert_eq!(split(&line).unwrap().words, words);
        }
    }
}
