//! Taking a map apart: fields by name, scalars by type, every mistake at its place.
//!
//! Messages about a wrong shape never repeat the value: it may be a secret in the wrong place.

use std::collections::BTreeSet;

use coc_model::decimal::Decimal;
use coc_model::mistake::{Mistake, MistakeLog, Position, closest};
use coc_model::quantity::QuantityError;

use crate::tree::{Core, Key, Node, Value};

/// The longest name of a service, volume, application or cloud: a DNS label.
pub(crate) const NAME_MAX: usize = 63;

/// The most replicas a service may ask for; far above what any cloud runs of one service, far
/// below what would exhaust a planner.
pub(crate) const REPLICAS_MAX: u32 = 100_000;

/// The fields of one map. What was asked for is known; what was not is a mistake in the end.
///
/// Words of a name may be joined by `_` or `-` alike: `read_only` is found as `read-only` too.
pub(crate) struct Fields<'n> {
    owner: String,
    entries: &'n [(Key, Node)],
    taken: Vec<bool>,
    known: Vec<&'static str>,
}

impl<'n> Fields<'n> {
    /// The fields of a node, which must be a map; `owner` is what messages call it.
    pub(crate) fn of(
        node: &'n Node,
        owner: impl Into<String>,
        log: &mut MistakeLog,
    ) -> Option<Self> {
        let owner = owner.into();
        let Some(entries) = node.as_map() else {
            wrong_shape(node, &owner, "a map", log);
            return None;
        };
        let taken = vec![false; entries.len()];
        Some(Self { owner, entries, taken, known: Vec::new() })
    }

    /// What messages call the map.
    pub(crate) fn owner(&self) -> &str {
        &self.owner
    }

    /// A field with its key, even where it holds nothing.
    pub(crate) fn entry(&mut self, name: &'static str) -> Option<(&'n Key, &'n Node)> {
        self.known.push(name);
        let found = self.entries.iter().position(|(key, _)| same_words(&key.text, name))?;
        self.taken[found] = true;
        let (key, node) = &self.entries[found];
        Some((key, node))
    }

    /// A field that holds something.
    pub(crate) fn get(&mut self, name: &'static str) -> Option<&'n Node> {
        self.entry(name).map(|(_, node)| node).filter(|node| !node.is_null())
    }

    /// A field that must be there; `at` is where its absence is reported.
    pub(crate) fn required(
        &mut self,
        name: &'static str,
        at: &Position,
        log: &mut MistakeLog,
    ) -> Option<&'n Node> {
        let found = self.get(name);
        if found.is_none() {
            log.push(Mistake::at(at.clone(), format!("{} has no \"{name}\"", self.owner)));
        }
        found
    }

    /// The fields that were not asked for.
    pub(crate) fn rest(&self) -> impl Iterator<Item = &'n (Key, Node)> + '_ {
        self.entries.iter().zip(&self.taken).filter(|(_, taken)| !**taken).map(|(entry, _)| entry)
    }

    /// The known field that a name was probably meant to be.
    pub(crate) fn meant(&self, name: &str) -> Option<&'static str> {
        closest(name, self.known.iter().copied())
    }

    /// Every field that was not asked for is a mistake.
    pub(crate) fn finish(self, log: &mut MistakeLog) {
        for (key, _) in self.rest() {
            let mistake = unknown_key(key, &self.owner);
            log.push(match self.meant(&key.text) {
                Some(name) => mistake.hint(format!("did you mean \"{name}\"?")),
                None => mistake.hint(format!("known are: {}", self.known.join(", "))),
            });
        }
    }
}

/// A key that nothing is known of.
pub(crate) fn unknown_key(key: &Key, owner: &str) -> Mistake {
    Mistake::at(key.at.clone(), format!("{owner} has no key \"{}\"", key.text))
        .width(key.text.chars().count())
}

fn same_words(written: &str, name: &str) -> bool {
    written.len() == name.len()
        && written.bytes().zip(name.bytes()).all(|(w, n)| w == n || (w == b'-' && n == b'_'))
}

/// A mistake about a scalar, over its whole width.
pub(crate) fn mistake_at(node: &Node, says: impl Into<String>) -> Mistake {
    let width = node.as_scalar().filter(|s| s.verbatim).map_or(0, |s| s.text.chars().count());
    Mistake::at(text_position(node), says).width(width)
}

/// Where the text of a scalar begins: after the opening quote, where columns can be told.
pub(crate) fn text_position(node: &Node) -> Position {
    let mut at = node.at.clone();
    if node.as_scalar().is_some_and(|s| s.verbatim && !s.plain) {
        at.column = at.column.saturating_add(1);
    }
    at
}

/// The place of the character at this offset (in characters) of a scalar's text; where the text
/// is not in the file as it is, the scalar's own place.
pub(crate) fn position_inside(node: &Node, offset: usize) -> Position {
    let mut at = text_position(node);
    if node.as_scalar().is_some_and(|s| s.verbatim) {
        at.column = at.column.saturating_add(u32::try_from(offset).unwrap_or(u32::MAX));
    }
    at
}

/// What kind of thing a node is, without its value.
pub(crate) fn shape(node: &Node) -> &'static str {
    match &node.value {
        Value::List(_) => "a list",
        Value::Map(_) => "a map",
        Value::Scalar(scalar) => match scalar.core() {
            Core::Null => "nothing",
            Core::Bool(_) => "true or false",
            Core::Int(_) | Core::Float(_) => "a number",
            Core::Text(_) => "a text",
        },
    }
}

fn wrong_shape(node: &Node, what: &str, wanted: &str, log: &mut MistakeLog) {
    log.push(mistake_at(node, format!("{what} must be {wanted}, not {}", shape(node))));
}

/// A text; numbers and flags are taken as they were written.
pub(crate) fn text(node: &Node, what: &str, log: &mut MistakeLog) -> Option<String> {
    match node.as_scalar().filter(|_| !node.is_null()) {
        Some(scalar) => Some(scalar.text.to_string()),
        None => {
            wrong_shape(node, what, "a text", log);
            None
        }
    }
}

/// A list.
pub(crate) fn list<'n>(node: &'n Node, what: &str, log: &mut MistakeLog) -> Option<&'n [Node]> {
    let items = node.as_list();
    if items.is_none() {
        wrong_shape(node, what, "a list", log);
    }
    items
}

/// A map with keys that are names of the user's own.
pub(crate) fn map<'n>(
    node: &'n Node,
    what: &str,
    log: &mut MistakeLog,
) -> Option<&'n [(Key, Node)]> {
    let entries = node.as_map();
    if entries.is_none() {
        wrong_shape(node, what, "a map", log);
    }
    entries
}

/// A list of texts.
pub(crate) fn texts(node: &Node, what: &str, log: &mut MistakeLog) -> Option<Vec<String>> {
    let items = list(node, what, log)?;
    let what = format!("each item of {what}");
    Some(items.iter().filter_map(|item| text(item, &what, log)).collect())
}

/// True or false.
pub(crate) fn flag(node: &Node, what: &str, log: &mut MistakeLog) -> Option<bool> {
    match node.as_scalar().map(|s| s.core()) {
        Some(Core::Bool(value)) => Some(value),
        _ => {
            wrong_shape(node, what, "true or false", log);
            None
        }
    }
}

/// A whole number within bounds.
pub(crate) fn whole(
    node: &Node,
    what: &str,
    (least, most): (u32, u32),
    log: &mut MistakeLog,
) -> Option<u32> {
    let number = node.as_scalar().and_then(|s| match s.core() {
        Core::Int(number) => Some(number),
        Core::Text(text) => text.parse().ok(),
        _ => None,
    });
    let within = number.and_then(|n| u32::try_from(n).ok()).filter(|n| (least..=most).contains(n));
    if within.is_none() {
        let found = number.map_or_else(|| shape(node).to_owned(), |n| n.to_string());
        log.push(mistake_at(
            node,
            format!("{what} must be a whole number from {least} to {most}, not {found}"),
        ));
    }
    within
}

/// A port number.
pub(crate) fn port(node: &Node, what: &str, log: &mut MistakeLog) -> Option<u16> {
    whole(node, what, (1, u32::from(u16::MAX)), log).and_then(|n| u16::try_from(n).ok())
}

/// A quantity with its unit.
pub(crate) fn quantity<T>(
    node: &Node,
    what: &str,
    parse: fn(&str) -> Result<T, QuantityError>,
    log: &mut MistakeLog,
) -> Option<T> {
    let written = text(node, what, log)?;
    match parse(&written) {
        Ok(value) => Some(value),
        Err(error) => {
            log.push(mistake_at(node, format!("{what}: {error}")));
            None
        }
    }
}

/// A ratio: `3%`, or `0.03`.
pub(crate) fn ratio(node: &Node, what: &str, log: &mut MistakeLog) -> Option<Decimal> {
    let written = text(node, what, log)?;
    let percent = written.trim().strip_suffix('%');
    let number = percent.unwrap_or(&written).trim().parse::<Decimal>();
    let value = match (number, percent) {
        (Ok(number), None) => Ok(number),
        (Ok(number), Some(_)) if number.atto() % 100 == 0 => {
            Ok(Decimal::from_atto(number.atto() / 100))
        }
        (Ok(_), Some(_)) => Err(format!("\"{written}\" has too many digits after the point")),
        (Err(_), _) => Err(format!("\"{written}\" is not a ratio: expected one like 3% or 0.03")),
    };
    match value {
        Ok(value) if value.is_negative() => {
            log.push(mistake_at(node, format!("{what} can't be below zero")));
            None
        }
        Ok(value) => Some(value),
        Err(says) => {
            log.push(mistake_at(node, format!("{what}: {says}")));
            None
        }
    }
}

/// One of a few words.
pub(crate) fn one_of<T: Copy>(
    node: &Node,
    what: &str,
    words: &[(&str, T)],
    log: &mut MistakeLog,
) -> Option<T> {
    let written = text(node, what, log)?;
    if let Some((_, value)) = words.iter().find(|(word, _)| same_words(&written, word)) {
        return Some(*value);
    }
    let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    let mistake = mistake_at(node, format!("{what} can't be \"{written}\""));
    log.push(match closest(&written, names.iter().copied()) {
        Some(word) => mistake.hint(format!("did you mean \"{word}\"?")),
        None => mistake.hint(format!("it is one of: {}", names.join(", "))),
    });
    None
}

/// One of the names that were given elsewhere in the file.
pub(crate) fn known_name(
    node: &Node,
    what: &str,
    names: &BTreeSet<&str>,
    log: &mut MistakeLog,
) -> Option<String> {
    let written = text(node, what, log)?;
    if names.contains(&*written) {
        return Some(written);
    }
    log.push(no_such(
        mistake_at(node, format!("there is no {what} \"{written}\"")),
        &written,
        names,
    ));
    None
}

/// The mistake of naming something that is not there, with what was probably meant. Among very
/// many names nothing is looked for: a file full of mistakes must not take forever.
pub(crate) fn no_such(mistake: Mistake, written: &str, names: &BTreeSet<&str>) -> Mistake {
    const NAMES_MAX: usize = 1000;
    if names.is_empty() || names.len() > NAMES_MAX {
        return mistake;
    }
    match closest(written, names.iter().copied()) {
        Some(name) => mistake.hint(format!("did you mean \"{name}\"?")),
        None if names.len() <= 10 => {
            let names: Vec<&str> = names.iter().copied().collect();
            mistake.hint(format!("there are: {}", names.join(", ")))
        }
        None => mistake,
    }
}

/// True for a name of a service, volume, application or cloud: lower-case letters, digits and
/// `-` inside, at most [`NAME_MAX`].
pub(crate) fn is_legal_name(name: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    name.len() <= NAME_MAX
        && name.bytes().all(|b| inner(b) || b == b'-')
        && name.bytes().next().is_some_and(inner)
        && name.bytes().next_back().is_some_and(inner)
}

/// Logs a mistake if a name is not legal.
pub(crate) fn check_name(name: &str, at: &Position, what: &str, log: &mut MistakeLog) {
    if is_legal_name(name) {
        return;
    }
    let slug = slug(name);
    let example = if slug.is_empty() { String::new() } else { format!(", for example \"{slug}\"") };
    let mistake = Mistake::at(at.clone(), format!("\"{name}\" can't be the name of {what}"))
        .width(name.chars().count())
        .hint(format!(
            "lower-case letters, digits and \"-\" between them, at most {NAME_MAX} characters{example}"
        ));
    log.push(mistake);
}

/// The legal name nearest to a text; empty if there is none. Different texts may have the same.
pub(crate) fn slug(text: &str) -> String {
    let mut slug = String::new();
    for c in text.chars() {
        let c = c.to_ascii_lowercase();
        if c.is_ascii_lowercase() || c.is_ascii_digit() {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
        if slug.len() >= NAME_MAX {
            break;
        }
    }
    slug.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::read_documents;
    use proptest::prelude::*;

    fn node(text: &str) -> Node {
        read_documents(&"f.yaml".into(), text, &mut MistakeLog::new()).remove(0)
    }

    #[test]
    fn what_was_not_asked_for_is_a_mistake() {
        let node = node("read-only: true\nnmae: x\ncolour: red\n");
        let mut log = MistakeLog::new();
        let mut fields = Fields::of(&node, "cloud \"a\"", &mut log).unwrap();
        assert!(fields.get("read_only").is_some());
        assert!(fields.required("name", &node.at, &mut log).is_none());
        fields.finish(&mut log);
        assert_eq!(
            log.finish(()).unwrap_err().to_string(),
            "f.yaml:1:1: cloud \"a\" has no \"name\"\n\
             f.yaml:2:1: cloud \"a\" has no key \"nmae\" (did you mean \"name\"?)\n\
             f.yaml:3:1: cloud \"a\" has no key \"colour\" (known are: read_only, name)"
        );
    }

    #[test]
    fn ratios_are_exact() {
        for (written, value) in
            [("3%", "0.03"), ("0.03", "0.03"), ("'12.5 %'", "0.125"), ("0", "0")]
        {
            let mut log = MistakeLog::new();
            let ratio = ratio(&node(written), "tolerance", &mut log).map(|d| d.to_string());
            assert_eq!(ratio.as_deref(), Some(value), "{written}");
        }
        for (written, says) in [
            ("-1%", "f.yaml:1:1: tolerance can't be below zero"),
            ("'x'", "f.yaml:1:2: tolerance: \"x\" is not a ratio: expected one like 3% or 0.03"),
            ("[]", "f.yaml:1:1: tolerance must be a text, not a list"),
        ] {
            let mut log = MistakeLog::new();
            assert_eq!(ratio(&node(written), "tolerance", &mut log), None);
            assert_eq!(log.finish(()).unwrap_err().to_string(), says);
        }
    }

    #[test]
    fn legal_names_are_dns_labels() {
        for name in ["a", "db", "a-b", "0", &"x".repeat(63)] {
            assert!(is_legal_name(name), "{name}");
        }
        for name in ["", "-a", "a-", "A", "a_b", "ü", "a.b", &"x".repeat(64)] {
            assert!(!is_legal_name(name), "{name}");
        }
        assert_eq!(slug("Ünïcode_Späti"), "n-code-sp-ti");
        assert_eq!(slug("__"), "");
    }

    proptest! {
        #[test]
        fn a_slug_is_legal_or_empty(text in ".{0,80}") {
            let slug = slug(&text);
            prop_assert!(slug.is_empty() || is_legal_name(&slug), "{slug}");
        }
    }
}
