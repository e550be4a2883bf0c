//! Files of variables: `.env` and what `env_file` names.
//!
//! A line is `NAME=value` or `NAME: value`, with an optional `export` before it; `NAME` alone takes
//! the value from around the file. A value may be bare (to ` #` or the end of the line), in single
//! quotes (as it is) or in double quotes (with escapes); quoted values may have several lines.
//! Bare and double-quoted values may hold variables, those of earlier lines included.

use std::collections::BTreeMap;
use std::sync::Arc;

use coc_model::mistake::{Mistake, MistakeLog, Position};

use super::interpolate;

/// After how many mistakes the rest of a file is not read.
const MISTAKES_MAX: usize = 100;

/// A variable of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Variable {
    /// Its value.
    pub(super) value: String,
    /// Where it is set.
    pub(super) at: Position,
    /// Variables in its value that are not set.
    pub(super) blanks: Vec<String>,
}

/// Reads a file of variables. `around` is asked first for the variables in values; `room` is how
/// many bytes of values may still be written. Mistakes never repeat what a line holds.
pub(super) fn read(
    file: &Arc<str>,
    text: &str,
    around: &dyn Fn(&str) -> Option<String>,
    room: &mut usize,
    log: &mut MistakeLog,
) -> BTreeMap<String, Variable> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader =
        Reader { file, rest: text, line: 1, column: 1, around, room, log, mistakes: 0 };
    let mut variables = BTreeMap::new();
    while reader.skip_to_statement() && reader.mistakes < MISTAKES_MAX {
        if reader.statement(&mut variables).is_none() {
            break;
        }
    }
    variables
}

/// Reads a file whose values are taken as they stand: `NAME=value` lines without quotes, comments
/// inside lines or variables (`format: raw`).
pub(super) fn read_raw(
    file: &Arc<str>,
    text: &str,
    around: &dyn Fn(&str) -> Option<String>,
) -> BTreeMap<String, Variable> {
    let mut variables = BTreeMap::new();
    for (line, number) in text.lines().zip(1..) {
        let at = Position::new(file, number, 1);
        let line = line.trim_start();
        let (name, value) = match line.split_once('=') {
            _ if line.is_empty() || line.starts_with('#') => continue,
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (line.trim_end(), around(line.trim_end())),
        };
        if let Some(value) = value {
            variables.insert(name.to_owned(), Variable { value, at, blanks: Vec::new() });
        }
    }
    variables
}

struct Reader<'a> {
    file: &'a Arc<str>,
    rest: &'a str,
    line: u32,
    column: u32,
    around: &'a dyn Fn(&str) -> Option<String>,
    room: &'a mut usize,
    log: &'a mut MistakeLog,
    mistakes: usize,
}

impl<'a> Reader<'a> {
    fn mistake(&mut self, at: Position, says: &str, hint: &str) {
        self.log.push(Mistake::at(at, says).hint(hint));
        self.mistakes += 1;
    }

    fn here(&self) -> Position {
        Position::new(self.file, self.line, self.column)
    }

    /// Takes this many bytes.
    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(bytes);
        self.rest = rest;
        for c in taken.chars() {
            (self.line, self.column) =
                if c == '\n' { (self.line + 1, 1) } else { (self.line, self.column + 1) };
        }
        taken
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !wanted(c)).unwrap_or(self.rest.len());
        self.take(end)
    }

    /// Passes over white space and comments; false at the end of the file.
    fn skip_to_statement(&mut self) -> bool {
        self.take_while(char::is_whitespace);
        while self.rest.starts_with('#') {
            self.take_while(|c| c != '\n');
            self.take_while(char::is_whitespace);
        }
        !self.rest.is_empty()
    }

    /// Reads one statement; `None` if the rest of the file can't be understood any more.
    fn statement(&mut self, variables: &mut BTreeMap<String, Variable>) -> Option<()> {
        if self.rest.strip_prefix("export").is_some_and(|rest| rest.starts_with([' ', '\t'])) {
            self.take("export".len());
            self.take_while(is_blank);
        }
        let at = self.here();
        let name = self.take_while(|c| is_name(c) || is_blank(c)).trim_end();
        let next = self.rest.chars().next();
        match next {
            None | Some('\n') => {
                if let Some(value) = self.checked_name(name, &at).and_then(self.around) {
                    variables.insert(name.to_owned(), Variable { value, at, blanks: Vec::new() });
                }
            }
            Some('=' | ':') => {
                self.take(1);
                let named = self.checked_name(name, &at).is_some();
                let value = self.value(at, variables)?;
                if named {
                    variables.insert(name.to_owned(), value);
                }
            }
            Some(_) => {
                let says = "a name of a variable has letters, digits, \"_\", \".\" and \"-\" only";
                self.mistake(self.here(), says, "expected NAME=value");
                self.take_while(|c| c != '\n');
            }
        }
        Some(())
    }

    fn checked_name<'n>(&mut self, name: &'n str, at: &Position) -> Option<&'n str> {
        let says = match name {
            "" => "a variable has no name",
            _ if name.contains(is_blank) => "a name of a variable can't have a space in it",
            name => return Some(name),
        };
        self.mistake(at.clone(), says, "expected NAME=value");
        None
    }

    fn value(&mut self, at: Position, earlier: &BTreeMap<String, Variable>) -> Option<Variable> {
        self.take_while(is_blank);
        let start = self.here();
        let raw = match self.rest.chars().next() {
            Some(quote @ ('"' | '\'')) => {
                let inner = self.quoted(quote)?;
                if quote == '\'' {
                    return Some(Variable { value: inner, at, blanks: Vec::new() });
                }
                unescape(&inner)
            }
            _ => {
                let line = self.take_while(|c| c != '\n');
                line.split(" #").next().unwrap_or_default().trim_end().to_owned()
            }
        };
        let around = self.around;
        let lookup = |name: &str| around(name).or_else(|| Some(earlier.get(name)?.value.clone()));
        let filled = interpolate::fill(&raw, &lookup, self.room);
        for fault in &filled.faults {
            self.mistake(start.clone(), &fault.says, &fault.hint);
        }
        let blanks = filled.uses.into_iter().filter(|u| u.blank).map(|u| u.name).collect();
        Some(Variable { value: filled.text, at, blanks })
    }

    /// What stands in quotes. A backslash before the quote keeps it; other backslashes stay.
    fn quoted(&mut self, quote: char) -> Option<String> {
        let start = self.here();
        let mut inner = String::new();
        let mut escaped = false;
        for (i, c) in self.rest.char_indices().skip(1) {
            if c == quote && !escaped {
                self.take(i + 1);
                return Some(inner);
            }
            if escaped && c != quote {
                inner.push('\\');
            }
            escaped = c == '\\' && !escaped;
            if !escaped {
                inner.push(c);
            }
        }
        let says = format!("the quote {quote} is never closed");
        self.mistake(start, &says, "close it, or quote with the other kind");
        None
    }
}

/// Undoes the escapes of a double-quoted value. `\$` becomes `$$`, a dollar sign that names no
/// variable.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let plain = match rest.chars().next() {
            Some('a') => "\u{7}",
            Some('b') => "\u{8}",
            Some('f') => "\u{c}",
            Some('n') => "\n",
            Some('r') => "\r",
            Some('t') => "\t",
            Some('v') => "\u{b}",
            Some('"') => "\"",
            Some('\\') => "\\",
            Some('$') => "$$",
            Some('0') if octal(&rest[1..]).is_some() => {
                out.extend(octal(&rest[1..]));
                rest = &rest[4..];
                continue;
            }
            _ => {
                out.push('\\');
                continue;
            }
        };
        out.push_str(plain);
        rest = &rest[1..];
    }
    out + rest
}

/// The character that the three octal digits at the start of a text stand for.
fn octal(text: &str) -> Option<char> {
    let digits = text.get(..3)?;
    let octal = digits.bytes().all(|b| (b'0'..=b'7').contains(&b));
    u8::from_str_radix(digits, 8).ok().filter(|_| octal).map(char::from)
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || "_.-[]".contains(c)
}

/// White space that ends no line.
fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{a0}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn around(name: &str) -> Option<String> {
        (name == "HOME").then(|| "/home/me".to_owned())
    }

    fn try_read(text: &str) -> Result<Vec<(String, String)>, String> {
        let mut log = MistakeLog::new();
        let variables = read(&".env".into(), text, &around, &mut 10_000, &mut log);
        let pairs = variables.into_iter().map(|(name, v)| (name, v.value)).collect();
        log.finish(pairs).map_err(|mistakes| mistakes.to_string())
    }

    #[test]
    fn values_are_what_compose_takes_them_for() {
        for (text, expected) in [
            ("A=1", "1"),
            ("A = 1 ", "1"),
            ("A: yes", "yes"),
            ("export A=x y", "x y"),
            ("  A=x # note", "x"),
            ("A=x#y", "x#y"),
            ("A=#fff", "#fff"),
            ("A=", ""),
            ("A=\r\n", ""),
            ("A='x $HOME \\n # y'", "x $HOME \\n # y"),
            ("A='it\\'s'", "it's"),
            ("A=\"x\\ty\\\\z\\\"\" # note", "x\ty\\z\""),
            ("A=\"two\nlines\"", "two\nlines"),
            ("A=\"\\$HOME $HOME\"", "$HOME /home/me"),
            ("A=$$HOME ${HOME}/x", "$HOME /home/me/x"),
            ("B=b\nA=${B}${C:-c}", "bc"),
            ("HOME=/other\nA=$HOME", "/home/me"),
            ("A=1\nA=2", "2"),
            ("# c\n\n#d\nA=1", "1"),
            ("\u{feff}A=1", "1"),
            ("A='\"quoted\" <x@y>'", "\"quoted\" <x@y>"),
            ("A=\\0101", "\\0101"),
            ("A=\"\\0101\\08\\x\"", "A\\08\\x"),
        ] {
            let pairs = try_read(text).unwrap();
            let a = pairs.iter().find(|(name, _)| name == "A").map(|(_, v)| v.as_str());
            assert_eq!(a, Some(expected), "{text:?}");
        }
        assert_eq!(try_read("HOME\nNOWHERE\n").unwrap(), [("HOME".into(), "/home/me".into())]);
        assert_eq!(try_read("mail__x-y.z[0]=1").unwrap()[0].0, "mail__x-y.z[0]");
    }

    #[test]
    fn mistakes_show_the_place_but_not_the_value() {
        for (text, mistake) in [
            (
                "A=1\nB='canary",
                ".env:2:3: the quote ' is never closed (close it, or quote with the other kind)",
            ),
            (
                "A B=canary",
                ".env:1:1: a name of a variable can't have a space in it (expected NAME=value)",
            ),
            ("=canary", ".env:1:1: a variable has no name (expected NAME=value)"),
            (
                "A=1\nB!=canary",
                ".env:2:2: a name of a variable has letters, digits, \"_\", \".\" and \"-\" only (expected NAME=value)",
            ),
            (
                "B=canary${",
                ".env:1:3: \"${\" has no \"}\" (add \"}\", or write \"$$\" for a dollar sign)",
            ),
        ] {
            assert_eq!(try_read(text), Err(mistake.to_owned()), "{text:?}");
        }
        assert_eq!(try_read("A b=1\nB c=2").unwrap_err().lines().count(), 2);
        assert_eq!(try_read(&"=\n".repeat(10_000)).unwrap_err().lines().count(), MISTAKES_MAX);
    }

    #[test]
    fn unset_variables_are_remembered() {
        let mut log = MistakeLog::new();
        let text = "A=x$NOPE\nB=${NOPE:-}";
        let variables = read(&".env".into(), text, &around, &mut 100, &mut log);
        assert_eq!(variables["A"].blanks, ["NOPE"]);
        assert_eq!(variables["A"].at.to_string(), ".env:1:1");
        assert!(variables["B"].blanks.is_empty());
    }

    #[test]
    fn doubling_values_end_with_a_mistake() {
        let lines: String = (1..60).map(|i| format!("A{i}=$A{0}$A{0}\n", i - 1)).collect();
        let message = try_read(&format!("A0=xxxxxxxx\n{lines}")).unwrap_err();
        assert!(message.contains("64 MiB"), "{message}");
    }

    #[test]
    fn raw_files_keep_quotes_and_dollars() {
        let variables = read_raw(&"r.env".into(), "#c\nA=\"$x\" # y\nHOME\nB\n", &around);
        assert_eq!(variables["A"].value, "\"$x\" # y");
        assert_eq!(variables["HOME"].value, "/home/me");
        assert!(!variables.contains_key("B"));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[A-C=: '\"\\\\$\\{\\}#\n\rü\\[\\]export]{0,60}") {
            let _ = try_read(&text);
            let _ = read_raw(&"r.env".into(), &text, &around);
        }

        #[test]
        fn single_quoted_values_come_back(value in "[^'\\\\\r]{0,30}") {
            prop_assert_eq!(&try_read(&format!("A='{value}'")).unwrap()[0].1, &value);
        }
    }
}
