//! Values of the kinds that keys take, each with its mistake when it is of another kind.
//!
//! A text where `true` or a number is wanted is read as one: that is what variables leave.

use std::ops::RangeInclusive;
use std::sync::Arc;

use coc_model::mistake::{Mistake, Position};
use coc_model::quantity::{Bytes, Micros};

use super::reading::{Reading, kind};
use super::scalar::{passed_on, surprise};
use super::{merge, quantity};
use crate::tree::{Core, Key, Node, Scalar, Value};

/// Among how many names one that is close to a wrong one is looked for.
pub(super) const NAMES_MAX: usize = 1_000;

/// A name with a value: of an environment, of labels, of options.
pub(super) struct Pair {
    /// The name.
    pub(super) name: Arc<str>,
    /// Where the name stands.
    pub(super) at: Position,
    /// The value; `None` if there is none.
    pub(super) value: Option<String>,
    /// The node of the value, for what is known of where it came from.
    pub(super) node: Node,
    /// What a person should know of how the value was read.
    pub(super) note: Option<String>,
}

impl Reading<'_> {
    /// A text. A number or `true` is none: quoted it would be one.
    pub(super) fn text(&mut self, node: &Node) -> Option<String> {
        match node.as_scalar().map(Scalar::core) {
            Some(Core::Text(text)) => Some(text.to_owned()),
            Some(Core::Int(_) | Core::Float(_) | Core::Bool(_)) => {
                let written = node.as_scalar().map(|scalar| &*scalar.text).unwrap_or_default();
                let says = format!("expected a text, found {}", self.describe(node));
                let mistake = Mistake::at(node.at.clone(), says).width(written.chars().count());
                self.log.push(mistake.hint(format!("quote it: \"{written}\"")));
                None
            }
            _ => {
                self.wrong(node, "a text");
                None
            }
        }
    }

    /// A text, or a number written as one.
    pub(super) fn text_or_number(&mut self, node: &Node) -> Option<String> {
        let text = node.as_scalar().and_then(passed_on);
        if text.is_none() {
            self.wrong(node, "a text or a number");
        }
        text
    }

    /// True or false.
    pub(super) fn flag(&mut self, node: &Node) -> Option<bool> {
        let text = node.as_scalar().map(|scalar| scalar.text.to_ascii_lowercase());
        let flag = match text.as_deref() {
            Some("true" | "yes" | "on" | "y") => Some(true),
            Some("false" | "no" | "off" | "n") => Some(false),
            _ => None,
        };
        if flag.is_none() {
            self.wrong(node, "true or false");
        }
        flag
    }

    /// A whole number in a range.
    pub(super) fn integer(&mut self, node: &Node, range: RangeInclusive<i64>) -> Option<i64> {
        let text = node.as_scalar().and_then(passed_on);
        let number = text.and_then(|text| text.parse::<i64>().ok());
        let fits = number.filter(|number| range.contains(number));
        if fits.is_none() {
            let (least, most) = (range.start(), range.end());
            let expected = match (*least, *most) {
                (i64::MIN, i64::MAX) => "a whole number".to_owned(),
                (least, i64::MAX) => format!("a whole number from {least} on"),
                (least, most) => format!("a whole number from {least} to {most}"),
            };
            self.wrong(node, &expected);
        }
        fits
    }

    /// A number of bytes.
    pub(super) fn bytes(&mut self, node: &Node) -> Option<Bytes> {
        let text = node.as_scalar().and_then(passed_on).unwrap_or_default();
        let bytes = quantity::bytes(&text);
        if bytes.is_none() {
            match quantity::meant_bytes(&text) {
                Some(meant) => {
                    let says =
                        format!("expected {}, found {}", quantity::BYTES, self.describe(node));
                    let mistake = Mistake::at(node.at.clone(), says).width(text.chars().count());
                    self.log.push(mistake.hint(format!("did you mean {meant}?")));
                }
                None => self.wrong(node, quantity::BYTES),
            }
        }
        bytes
    }

    /// A time.
    pub(super) fn time(&mut self, node: &Node) -> Option<Micros> {
        let time = node.as_scalar().and_then(|scalar| quantity::time(&scalar.text));
        if time.is_none() {
            self.wrong(node, quantity::TIME);
        }
        time
    }

    /// The entries of a map; none for nothing at all.
    pub(super) fn entries<'n>(&mut self, node: &'n Node, what: &str) -> &'n [(Key, Node)] {
        match node.as_map() {
            Some(entries) => entries,
            None => {
                if !node.is_null() {
                    self.expected(node, what, kind(node));
                }
                &[]
            }
        }
    }

    /// The items of a list; none for nothing at all.
    pub(super) fn items<'n>(&mut self, node: &'n Node, what: &str) -> &'n [Node] {
        match node.as_list() {
            Some(items) => items,
            None => {
                if !node.is_null() {
                    self.wrong(node, what);
                }
                &[]
            }
        }
    }

    /// `NAME=value` items of a list, or the entries of a map; of equal names the last one. Values
    /// are never shown in mistakes.
    pub(super) fn pairs(&mut self, node: &Node) -> Vec<Pair> {
        let mut readable = Vec::new();
        for item in node.as_list().unwrap_or_default() {
            if matches!(item.as_scalar().map(Scalar::core), Some(Core::Text(_))) {
                readable.push(item.clone());
            } else {
                self.expected(item, "NAME=value", kind(item));
            }
        }
        let map = match &node.value {
            Value::List(_) => {
                merge::pairs(&Node { value: Value::List(Arc::new(readable)), ..node.clone() })
            }
            _ => node.clone(),
        };
        let entries = self.entries(&map, "a map, or a list of NAME=value");
        entries.iter().filter_map(|(key, value)| self.pair(key, value)).collect()
    }

    fn pair(&mut self, key: &Key, node: &Node) -> Option<Pair> {
        let Some(scalar) = node.as_scalar() else {
            let says = format!(
                "\"{}\" takes a text, a number, true or false, or nothing, and this is {}",
                key.text,
                kind(node)
            );
            self.log.push(Mistake::at(node.at.clone(), says));
            return None;
        };
        if key.text.ends_with(char::is_whitespace) || key.text.is_empty() {
            let says = "there is a space before the \"=\", or no name";
            self.log.push(Mistake::at(key.at.clone(), says).hint("expected NAME=value"));
            return None;
        }
        let (value, note) = (passed_on(scalar), surprise(scalar));
        Some(Pair {
            name: Arc::clone(&key.text),
            at: key.at.clone(),
            value,
            node: node.clone(),
            note,
        })
    }

    /// Logs every key of a map that is not known, unless it starts with `x-`.
    pub(super) fn unknown_keys(&mut self, entries: &[(Key, Node)], known: &[&str], place: &str) {
        for (key, _) in entries {
            if !known.contains(&&*key.text) && !key.text.starts_with("x-") {
                self.unknown_key(key, known, place);
            }
        }
    }

    /// Logs a key that is not known.
    pub(super) fn unknown_key(&mut self, key: &Key, known: &[&str], place: &str) {
        let says = format!("{place} has no key \"{}\"", key.text);
        let mistake = Mistake::at(key.at.clone(), says).width(key.text.chars().count());
        let near = self.meant(&key.text, known.iter().copied());
        let hint = near.unwrap_or_else(|| "keys of your own start with \"x-\"".to_owned());
        self.log.push(mistake.hint(hint));
    }

    /// Logs a name that nothing has.
    pub(super) fn unknown_name<'n>(
        &mut self,
        (name, at): (&str, &Position),
        what: &str,
        names: impl Iterator<Item = &'n str>,
        otherwise: &str,
    ) {
        let says = format!("no {what} named \"{name}\"");
        let mistake = Mistake::at(at.clone(), says).width(name.chars().count());
        let near = self.meant(name, names.take(NAMES_MAX));
        self.log.push(mistake.hint(near.unwrap_or_else(|| otherwise.to_owned())));
    }
}

/// The texts of a list, or one text alone, with their places; of equal ones the first.
pub(super) fn text_list(node: &Node, reading: &mut Reading<'_>) -> Vec<(String, Position)> {
    text_nodes(node, reading).into_iter().map(|(text, node)| (text, node.at.clone())).collect()
}

/// The texts of a list, or one text alone, with their nodes; of equal ones the first.
pub(super) fn text_nodes<'n>(node: &'n Node, reading: &mut Reading<'_>) -> Vec<(String, &'n Node)> {
    let alone = node.as_scalar().filter(|_| !node.is_null()).map(|_| std::slice::from_ref(node));
    let items = match alone {
        Some(alone) => alone,
        None => reading.items(node, "a text or a list of texts"),
    };
    let mut seen = std::collections::BTreeSet::new();
    let mut texts = Vec::new();
    for item in items {
        if let Some(text) = reading.text(item)
            && seen.insert(text.clone())
        {
            texts.push((text, item));
        }
    }
    texts
}
