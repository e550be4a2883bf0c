//! YAML as a tree of marked nodes: the base of every reader.
//!
//! Formats full of unions (a port is a number, a text or a map) are read from this tree by hand,
//! so that each mistake is reported at its own line and column. JSON is read too, being YAML.
//! Scalars keep their text: what `8080`, `yes` or `22:22` means is each format's own business.

mod build;

use std::sync::Arc;

use coc_model::mistake::Position;

pub use self::build::{DEPTH_MAX, FILE_BYTES_MAX, NODES_MAX, read_documents};

/// A node and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// What it is.
    pub value: Value,
    /// Its first character; for a value that came through an alias, where the anchor stands.
    pub at: Position,
    /// Its tag, if it has one: `!override`, `!reset`, `!!str`.
    pub tag: Option<String>,
}

/// The three kinds of nodes.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A scalar.
    Scalar(Scalar),
    /// A list.
    List(Arc<Vec<Node>>),
    /// A map, in the order of the file, merge keys (`<<`) written out.
    Map(Arc<Vec<(Key, Node)>>),
}

/// A scalar, as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scalar {
    /// Its text, quotes and escapes undone.
    pub text: Arc<str>,
    /// True if it was not quoted and not a block, so that `5`, `true` and `null` are not texts.
    pub plain: bool,
    /// True if the text stands in the file character for character from the node's position
    /// (after the quote, if quoted), on one line: then columns inside it can be told.
    pub verbatim: bool,
}

/// A key of a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its text.
    pub text: Arc<str>,
    /// Where it stands.
    pub at: Position,
}

/// What a plain scalar is by the core schema of YAML 1.2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Core<'a> {
    /// `null`, `~` or nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number in decimal, `0o` octal or `0x` hexadecimal.
    Int(i128),
    /// Any other number, as written.
    Float(&'a str),
    /// A text.
    Text(&'a str),
}

impl Scalar {
    /// What it is by the core schema of YAML 1.2: `yes` and `22:22` are texts, `0755` is 755.
    pub fn core(&self) -> Core<'_> {
        if !self.plain {
            return Core::Text(&self.text);
        }
        match &*self.text {
            "" | "~" | "null" | "Null" | "NULL" => Core::Null,
            "true" | "True" | "TRUE" => Core::Bool(true),
            "false" | "False" | "FALSE" => Core::Bool(false),
            text => core_number(text).unwrap_or(Core::Text(text)),
        }
    }
}

fn core_number(text: &str) -> Option<Core<'_>> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if let Some(octal) = text.strip_prefix("0o") {
        return i128::from_str_radix(octal, 8).ok().map(Core::Int);
    }
    if let Some(hex) = text.strip_prefix("0x") {
        return i128::from_str_radix(hex, 16).ok().map(Core::Int);
    }
    if matches!(digits, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return Some(Core::Float(text));
    }
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    if digits.bytes().all(|b| b.is_ascii_digit()) {
        return text.parse().ok().map(Core::Int);
    }
    let legal = digits.bytes().all(|b| b.is_ascii_digit() || b".eE+-".contains(&b));
    (legal && text.parse::<f64>().is_ok()).then_some(Core::Float(text))
}

impl Node {
    /// A text node that no file holds, for values made by a reader.
    pub fn text(text: &str, at: Position) -> Self {
        let scalar = Scalar { text: text.into(), plain: false, verbatim: false };
        Self { value: Value::Scalar(scalar), at, tag: None }
    }

    /// The scalar, if it is one.
    pub fn as_scalar(&self) -> Option<&Scalar> {
        if let Value::Scalar(scalar) = &self.value { Some(scalar) } else { None }
    }

    /// The list, if it is one.
    pub fn as_list(&self) -> Option<&[Node]> {
        if let Value::List(items) = &self.value { Some(items) } else { None }
    }

    /// The map, if it is one.
    pub fn as_map(&self) -> Option<&[(Key, Node)]> {
        if let Value::Map(entries) = &self.value { Some(entries) } else { None }
    }

    /// The value of a key of a map.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.as_map()?.iter().find(|(k, _)| &*k.text == key).map(|(_, v)| v)
    }

    /// The place of a character inside a scalar, counted from 0, where columns inside it can be
    /// told; else the place of the node.
    pub fn place_of(&self, character: usize) -> Position {
        let mut at = self.at.clone();
        if let Some(scalar) = self.as_scalar().filter(|s| s.verbatim) {
            let quote = usize::from(!scalar.plain);
            let ahead = u32::try_from(character + quote).unwrap_or(u32::MAX);
            at.column = at.column.saturating_add(ahead);
        }
        at
    }

    /// True for `null`, `~` and nothing at all.
    pub fn is_null(&self) -> bool {
        self.as_scalar().is_some_and(|s| s.core() == Core::Null)
    }

    /// What it is, for messages: `a list`, `the number 5`, `"text"`.
    pub fn describe(&self) -> String {
        match &self.value {
            Value::List(_) => "a list".to_owned(),
            Value::Map(_) => "a map".to_owned(),
            Value::Scalar(scalar) => match scalar.core() {
                Core::Null => "nothing".to_owned(),
                Core::Bool(b) => b.to_string(),
                Core::Int(n) => format!("the number {n}"),
                Core::Float(n) => format!("the number {n}"),
                Core::Text(text) => {
                    let short: String = text.chars().take(40).collect();
                    let dots = if short.len() < text.len() { "…" } else { "" };
                    format!("\"{short}{dots}\"")
                }
            },
        }
    }

    /// The node as JSON, by the core schema; numbers that JSON can't hold exactly become texts.
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value as Json;
        match &self.value {
            Value::List(items) => Json::Array(items.iter().map(Self::to_json).collect()),
            Value::Map(entries) => Json::Object(
                entries.iter().map(|(k, v)| (k.text.to_string(), v.to_json())).collect(),
            ),
            Value::Scalar(scalar) => match scalar.core() {
                Core::Null => Json::Null,
                Core::Bool(b) => Json::Bool(b),
                Core::Int(n) => i64::try_from(n)
                    .map(Json::from)
                    .or_else(|_| u64::try_from(n).map(Json::from))
                    .unwrap_or_else(|_| Json::from(n.to_string())),
                Core::Float(text) => text
                    .parse()
                    .ok()
                    .and_then(serde_json::Number::from_f64)
                    .map_or_else(|| Json::from(text), Json::Number),
                Core::Text(text) => Json::from(text),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use coc_model::mistake::{MistakeLog, Mistakes};
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Vec<Node>, Mistakes> {
        let mut log = MistakeLog::new();
        let documents = read_documents(&"f.yaml".into(), text, &mut log);
        log.finish(documents)
    }

    fn json(text: &str) -> String {
        read(text).map_or_else(|m| m.to_string(), |d| d[0].to_json().to_string())
    }

    #[test]
    fn scalars_follow_the_core_schema() {
        assert_eq!(
            json("[yes, on, 22:22, 0755, 0o17, 0x1F, 1.5, ~, \"5\", true, 1e3, 2024-01-01, -.inf]"),
            r#"["yes","on","22:22",755,15,31,1.5,null,"5",true,1000.0,"2024-01-01","-.inf"]"#
        );
    }

    #[test]
    fn a_tagged_string_is_a_text_and_a_byte_order_mark_is_nothing() {
        assert_eq!(json("\u{feff}[!!str 5, !!str true, !other 5]"), r#"["5","true",5]"#);
    }

    #[test]
    fn characters_inside_a_scalar_have_their_places() {
        let text = "a: x$y\nb: \"x$y\"\nc: \"x\\n$y\"\nd: !!str x$y\n";
        let documents = read(text).unwrap();
        let place = |key: &str| documents[0].get(key).unwrap().place_of(1).to_string();
        assert_eq!(place("a"), "f.yaml:1:5");
        assert_eq!(place("b"), "f.yaml:2:6");
        assert_eq!(place("c"), "f.yaml:3:4", "escapes move columns: the scalar's own place");
        assert_eq!(place("d"), "f.yaml:4:4", "a tag stands before the text: the tag's place");
    }

    #[test]
    fn merge_keys_are_written_out_and_own_keys_win() {
        let text = "a: &a {x: 1, y: 2}\nb: &b {y: 3, z: 4}\nc: {<<: [*a, *b], x: 0}\n";
        assert_eq!(
            read(text).unwrap()[0].get("c").unwrap().to_json().to_string(),
            r#"{"x":0,"y":2,"z":4}"#
        );
    }

    #[test]
    fn every_node_knows_its_place() {
        let documents = read("a: 1\nb:\n  - x\n  - k: \"v\"\n---\nsecond: 2\n").unwrap();
        let v = documents[0].get("b").unwrap().as_list().unwrap()[1].get("k").unwrap();
        assert_eq!(v.at.to_string(), "f.yaml:4:8");
        assert!(v.as_scalar().unwrap().verbatim);
        assert_eq!(documents[1].get("second").unwrap().at.to_string(), "f.yaml:6:9");
    }

    #[test]
    fn mistakes_are_told_with_their_places() {
        for (text, message) in [
            ("a: 1\na: 2\n", "f.yaml:2:1: the key \"a\" is here twice, first in line 1"),
            (
                "a: &x [*x]\n",
                "f.yaml:1:8: the alias *x stands inside what it names, or names nothing",
            ),
            ("{[1]: 2}", "f.yaml:1:2: a key can't be a list"),
            ("<<: 5\n", "f.yaml:1:5: \"<<\" takes a map or a list of maps"),
        ] {
            assert_eq!(json(text), message, "{text}");
        }
        assert!(json("a: [1, 2\nb: 3").contains("this is not YAML"));
    }

    #[test]
    fn hostile_files_end_with_a_mistake() {
        let message = json(&"[".repeat(10_000));
        assert!(message.contains("nested deeper"), "{message}");
        let message = json(&"- ".repeat(5_000));
        assert!(message.contains("nested deeper"), "{message}");
        let laughs = "a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: [*f,*f,*f,*f,*f,*f,*f,*f,*f,*f]\n";
        let message = json(laughs);
        assert!(message.contains("with its aliases written out"), "{message}");
        assert!(json(&" ".repeat(FILE_BYTES_MAX + 1)).contains("at most 32 are read"));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[\\[\\]{}:,&*!|>'\"#%@` a-c0-9\n\t-]{0,60}") {
            let _ = read(&text);
        }
    }
}
