//! Variables in texts: `$NAME`, `${NAME}` and its forms with a default, a replacement or a demand.
//!
//! | form | set | set to nothing | not set |
//! |---|---|---|---|
//! | `$N`, `${N}` | its value | nothing | nothing, noted |
//! | `${N:-d}` | its value | `d` | `d` |
//! | `${N-d}` | its value | nothing | `d` |
//! | `${N:+r}` | `r` | nothing | nothing |
//! | `${N+r}` | `r` | `r` | nothing |
//! | `${N:?m}` | its value | the mistake `m` | the mistake `m` |
//! | `${N?m}` | its value | nothing | the mistake `m` |
//!
//! `$$` is a dollar sign; a `$` before anything else stands for itself. `d`, `r` and `m` are texts
//! of the same kind, used only where the table names them.

/// How deep one variable may stand in the default of another.
const DEPTH_MAX: usize = 32;
/// How many faults of one text are told.
const FAULTS_MAX: usize = 100;

/// A text with its variables filled in.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Filled {
    /// The text; of no use if there are faults.
    pub(super) text: String,
    /// The variables that were asked for, in order.
    pub(super) uses: Vec<Use>,
    /// What is wrong with it.
    pub(super) faults: Vec<Fault>,
}

/// A variable that was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Use {
    /// Its name.
    pub(super) name: String,
    /// True if it is not set and nothing was said about that case.
    pub(super) blank: bool,
    /// What was written in its place.
    pub(super) value: String,
}

/// Something wrong in a text, without a word of its values.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// Where, in characters from the start of the text.
    pub(super) at: usize,
    /// What is wrong.
    pub(super) says: String,
    /// What to do.
    pub(super) hint: String,
}

/// Fills the variables of a text in. `room` is how many bytes may still be written by the whole
/// reading; it is used up.
pub(super) fn fill(
    text: &str,
    lookup: &dyn Fn(&str) -> Option<String>,
    room: &mut usize,
) -> Filled {
    let mut filler =
        Filler { whole: text, lookup, room, filled: Filled::default(), stopped: false };
    let text = filler.expand(text, 0, 0);
    Filled { text, ..filler.filled }
}

struct Filler<'a> {
    whole: &'a str,
    lookup: &'a dyn Fn(&str) -> Option<String>,
    room: &'a mut usize,
    filled: Filled,
    stopped: bool,
}

impl Filler<'_> {
    /// Expands a part of the whole text that starts at byte `base`.
    fn expand(&mut self, text: &str, base: usize, depth: usize) -> String {
        let mut out = String::new();
        let mut done = 0;
        while let Some(found) = text[done..].find('$').filter(|_| !self.stopped) {
            let dollar = done + found;
            self.write(&mut out, &text[done..dollar], base);
            done = dollar + self.dollar(&text[dollar..], base + dollar, depth, &mut out);
        }
        self.write(&mut out, &text[done..], base);
        out
    }

    /// Expands what starts with a dollar sign and tells how many bytes it takes.
    fn dollar(&mut self, text: &str, base: usize, depth: usize, out: &mut String) -> usize {
        let after = &text[1..];
        if after.starts_with('$') {
            self.write(out, "$", base);
            return 2;
        }
        if after.starts_with('{') {
            return self.braces(text, base, depth, out);
        }
        let name = name_at(after);
        if name.is_empty() {
            self.write(out, "$", base);
        } else {
            let value = (self.lookup)(name);
            self.put(name, value.is_none(), &value.unwrap_or_default(), base, out);
        }
        1 + name.len()
    }

    fn braces(&mut self, text: &str, base: usize, depth: usize, out: &mut String) -> usize {
        let Some(close) = closing(text) else {
            let hint = "add \"}\", or write \"$$\" for a dollar sign";
            self.stop(base, "\"${\" has no \"}\"", hint);
            return text.len();
        };
        if depth >= DEPTH_MAX {
            self.stop(
                base,
                "variables are nested deeper than 32",
                "use fewer defaults of defaults",
            );
            return text.len();
        }
        let inner = &text[2..close];
        let name = name_at(inner);
        let (operator, word) = operator_at(&inner[name.len()..]);
        let word_base = base + close - word.len();
        if name.is_empty() || operator == "invalid" {
            let hint = "expected ${NAME}, or a default like ${NAME:-value}; write \"$$\" for a dollar sign";
            self.fault(base, "this is no variable", hint);
            return close + 1;
        }
        let value = (self.lookup)(name);
        let full = value.as_deref().is_some_and(|v| !v.is_empty());
        let there = if operator.starts_with(':') { full } else { value.is_some() };
        let value = value.unwrap_or_default();
        match operator.trim_start_matches(':') {
            "-" if !there => {
                let word = self.expand(word, word_base, depth + 1);
                self.remember(name, false, &word);
                self.write(out, &word, base);
            }
            "+" => {
                let word =
                    if there { self.expand(word, word_base, depth + 1) } else { String::new() };
                self.remember(name, false, &word);
                self.write(out, &word, base);
            }
            "?" if !there => {
                let word = self.expand(word, word_base, depth + 1);
                self.missing(name, &word, operator, base);
            }
            _ => self.put(name, operator.is_empty() && !there, &value, base, out),
        }
        close + 1
    }

    fn missing(&mut self, name: &str, message: &str, operator: &str, base: usize) {
        let empty = if operator.starts_with(':') { "not set, or empty" } else { "not set" };
        let says = match message {
            "" => format!("the variable {name} is required and {empty}"),
            message => format!("the variable {name} is required and {empty}: {message}"),
        };
        self.fault(base, &says, &format!("set {name} in the environment or in the .env file"));
    }

    fn put(&mut self, name: &str, blank: bool, value: &str, base: usize, out: &mut String) {
        self.remember(name, blank, value);
        self.write(out, value, base);
    }

    fn remember(&mut self, name: &str, blank: bool, value: &str) {
        let (name, value) = (name.to_owned(), value.to_owned());
        self.filled.uses.push(Use { name, blank, value });
    }

    fn write(&mut self, out: &mut String, text: &str, base: usize) {
        if self.stopped {
        } else if let Some(left) = self.room.checked_sub(text.len()) {
            *self.room = left;
            out.push_str(text);
        } else {
            *self.room = 0;
            let says = "with its variables filled in, the application has over 64 MiB of text";
            self.stop(base, says, "use fewer variables that hold other variables");
        }
    }

    fn stop(&mut self, base: usize, says: &str, hint: &str) {
        self.stopped = true;
        self.fault(base, says, hint);
    }

    fn fault(&mut self, base: usize, says: &str, hint: &str) {
        let at = self.whole.get(..base).map_or(0, |before| before.chars().count());
        let fault = Fault { at, says: says.to_owned(), hint: hint.to_owned() };
        self.filled.faults.push(fault);
        self.stopped |= self.filled.faults.len() >= FAULTS_MAX;
    }
}

/// The name of a variable at the start of a text: letters, digits and `_`, no digit first.
fn name_at(text: &str) -> &str {
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return "";
    }
    let end = text.find(|c: char| c != '_' && !c.is_ascii_alphanumeric()).unwrap_or(text.len());
    &text[..end]
}

/// The operator after a name, and the word after the operator; the operator `invalid` if there is
/// something else.
fn operator_at(rest: &str) -> (&str, &str) {
    let colon = usize::from(rest.starts_with(':'));
    match rest[colon..].chars().next() {
        None if colon == 0 => ("", ""),
        Some('-' | '?' | '+') => rest.split_at(colon + 1),
        _ => ("invalid", ""),
    }
}

/// Where the brace that opens at byte 1 is closed, braces inside being counted.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (i, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(i);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lookup(name: &str) -> Option<String> {
        match name {
            "SET" => Some("value".to_owned()),
            "EMPTY" => Some(String::new()),
            "DOLLAR" => Some("$SET".to_owned()),
            _ => None,
        }
    }

    fn filled(text: &str) -> Filled {
        fill(text, &lookup, &mut 1000)
    }

    #[test]
    fn every_form_gives_what_the_table_says() {
        for (text, expected) in [
            ("$SET-$EMPTY-$UNSET", "value--"),
            ("${SET}/${EMPTY}/${UNSET}", "value//"),
            ("${SET:-d}${EMPTY:-d}${UNSET:-d}", "valuedd"),
            ("${SET-d}${EMPTY-d}${UNSET-d}", "valued"),
            ("${SET:+r}${EMPTY:+r}${UNSET:+r}", "r"),
            ("${SET+r}${EMPTY+r}${UNSET+r}", "rr"),
            ("${SET:?m}${SET?m}${EMPTY?m}", "valuevalue"),
            ("${UNSET:-${EMPTY:-${SET}}}!", "value!"),
            ("${SET:+https://${SET}}", "https://value"),
            ("${UNSET:-{\"a\": {}}}", "{\"a\": {}}"),
            ("${UNSET:-a:-b?c+d}", "a:-b?c+d"),
            ("${UNSET-$$x}", "$x"),
            ("$$SET $${SET} $$$SET", "$SET ${SET} $value"),
            ("$DOLLAR", "$SET"),
            ("$2a$14$1l $ $. $-", "$2a$14$1l $ $. $-"),
            ("$SETx ${SET}x", " valuex"),
            ("ü$SET", "üvalue"),
            ("", ""),
        ] {
            let filled = filled(text);
            assert_eq!((filled.text.as_str(), &*filled.faults), (expected, &[][..]), "{text}");
        }
    }

    #[test]
    fn faults_are_told_with_their_place() {
        for (text, at, says) in [
            (
                "ü${UNSET:?set it}",
                1,
                "the variable UNSET is required and not set, or empty: set it",
            ),
            ("${EMPTY:?}", 0, "the variable EMPTY is required and not set, or empty"),
            ("x${UNSET?say $SET}", 1, "the variable UNSET is required and not set: say value"),
            ("${UNSET:-x${OTHER?m}}", 10, "the variable OTHER is required and not set: m"),
            ("ab${}", 2, "this is no variable"),
            ("${1}", 0, "this is no variable"),
            ("${A B}", 0, "this is no variable"),
            ("${A:=d}", 0, "this is no variable"),
            ("${A:}", 0, "this is no variable"),
            ("a${A", 1, "\"${\" has no \"}\""),
        ] {
            let faults = filled(text).faults;
            let told: Vec<_> = faults.iter().map(|f| (f.at, f.says.as_str())).collect();
            assert_eq!(told, [(at, says)], "{text}");
        }
        assert_eq!(filled("${A?} ${B?}").faults.len(), 2, "all faults of a text are told");
    }

    #[test]
    fn variables_are_remembered_with_what_they_gave() {
        let names = |text: &str| {
            let uses = filled(text).uses;
            uses.iter()
                .map(|u| format!("{}={}{}", u.name, u.value, ["", "?"][usize::from(u.blank)]))
                .collect::<Vec<_>>()
        };
        assert_eq!(names("$SET $UNSET ${UNSET:-d}"), ["SET=value", "UNSET=?", "UNSET=d"]);
        assert_eq!(names("${UNSET:-$SET}"), ["SET=value", "UNSET=value"]);
        assert_eq!(names("${SET:+$UNSET}"), ["UNSET=?", "SET="]);
        assert_eq!(names("${EMPTY}${EMPTY:-}"), ["EMPTY=", "EMPTY="]);
    }

    #[test]
    fn hostile_texts_end() {
        let deep = format!("{}{}", "${A:-".repeat(5_000), "}".repeat(5_000));
        assert!(filled(&deep).faults[0].says.contains("nested deeper"));
        let long = |_: &str| Some("x".repeat(400));
        let many = fill("$A$A$A$A", &long, &mut 1000);
        assert!(many.faults[0].says.contains("64 MiB"));
        assert_eq!(filled(&"${".repeat(100_000)).faults.len(), 1);
        assert_eq!(filled(&"${}".repeat(100_000)).faults.len(), FAULTS_MAX);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[${}:?+A_Bü0 -]{0,40}") {
            let _ = filled(&text);
        }

        #[test]
        fn texts_without_dollars_stay(text in "[^$]{0,40}") {
            prop_assert_eq!(filled(&text).text, text);
        }

        #[test]
        fn escaped_texts_come_back(text in ".{0,40}") {
            prop_assert_eq!(filled(&text.replace('$', "$$")).text, text);
        }
    }
}
