//! YAML as a tree of marked nodes: the base of every reader.
//!
//! Formats full of unions (a port is a number, a text or a map) are read from this tree by hand,
//! so that each mistake is reported at its own line and column. JSON is read too, being YAML.
//! Scalars keep their text: what `8080`, `yes` or `22:22` means is each format's own business.

use std::collections::BTreeMap;
use std::sync::Arc;

use coc_model::mistake::{Mistake, MistakeLog, Position};
use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};

/// The largest file that is read, in bytes.
pub const FILE_BYTES_MAX: usize = 32 << 20;
/// How deep maps and lists may lie in each other.
pub const DEPTH_MAX: usize = 128;
/// How many nodes a document may have once its aliases are written out.
pub const NODES_MAX: usize = 2_000_000;

/// The tag `!!str`, which makes a text of any scalar.
const STRING_TAG: &str = "tag:yaml.org,2002:str";

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

/// Reads every document of a file.
///
/// # Errors
/// Text that is no YAML, each mistake at its place; files over [`FILE_BYTES_MAX`], nesting over
/// [`DEPTH_MAX`], documents over [`NODES_MAX`] nodes; aliases of unknown anchors; keys that are
/// no texts or come twice. A byte order mark before the first character is passed over.
pub fn read_documents(file: &Arc<str>, text: &str, log: &mut MistakeLog) -> Vec<Node> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.len() > FILE_BYTES_MAX {
        let megabytes = text.len() >> 20;
        log.push(
            Mistake::at(
                Position::start(file),
                format!("the file has {megabytes} MiB; at most 32 are read"),
            )
            .hint("split it, or keep data out of it"),
        );
        return Vec::new();
    }
    if let Some(depth) = flow_depth(text).filter(|&(depth, _, _)| depth > DEPTH_MAX) {
        let at = Position::new(file, depth.1, depth.2);
        log.push(Mistake::at(at, format!("brackets are nested deeper than {DEPTH_MAX}")));
        return Vec::new();
    }
    Builder::new(file, log).run(text)
}

/// How deep flow brackets go, and where the limit is passed. A cheap look before the parser is
/// given text that could exhaust its stack: quotes and comments are not understood, so brackets in
/// texts count too; no honest file comes near the limit.
fn flow_depth(text: &str) -> Option<(usize, u32, u32)> {
    let (mut depth, mut line, mut column) = (0_usize, 1, 0);
    for c in text.chars() {
        column += 1;
        match c {
            '\n' => (line, column) = (line + 1, 0),
            '[' | '{' => {
                depth += 1;
                if depth > DEPTH_MAX * 4 {
                    return Some((depth, line, column));
                }
            }
            ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

/// A map or list under construction.
enum Open {
    List {
        anchor: usize,
        at: Position,
        tag: Option<String>,
        items: Vec<Node>,
    },
    Map {
        anchor: usize,
        at: Position,
        tag: Option<String>,
        entries: Vec<(Key, Node)>,
        key: Option<PendingKey>,
    },
}

/// A key whose value has not come yet; `None` if it was no text and the value is thrown away.
type PendingKey = Option<Key>;

struct Builder<'a> {
    file: &'a Arc<str>,
    log: &'a mut MistakeLog,
    open: Vec<Open>,
    anchors: BTreeMap<usize, (Node, usize)>,
    documents: Vec<Node>,
    nodes: usize,
    stopped: bool,
}

impl<'a> Builder<'a> {
    fn new(file: &'a Arc<str>, log: &'a mut MistakeLog) -> Self {
        let (open, anchors, documents) = (Vec::new(), BTreeMap::new(), Vec::new());
        Self { file, log, open, anchors, documents, nodes: 0, stopped: false }
    }

    fn run(mut self, text: &str) -> Vec<Node> {
        for event in Parser::new_from_str(text) {
            match event {
                Ok((event, span)) => self.take(event, &span, text),
                Err(error) => {
                    let marker = error.marker();
                    let at = self.position(marker.line(), marker.col());
                    self.log.push(Mistake::at(at, format!("this is not YAML: {}", error.info())));
                    return Vec::new();
                }
            }
            if self.stopped {
                return Vec::new();
            }
        }
        self.documents
    }

    fn position(&self, line: usize, column: usize) -> Position {
        let narrow = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Position::new(self.file, narrow(line.max(1)), narrow(column.saturating_add(1)))
    }

    fn start_of(&self, span: &Span) -> Position {
        self.position(span.start.line(), span.start.col())
    }

    fn stop(&mut self, at: Position, says: String) {
        self.log.push(Mistake::at(at, says));
        self.stopped = true;
    }

    fn take(&mut self, event: Event<'_>, span: &Span, source: &str) {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let tag = tag_text(tag.as_deref());
                let plain = style == ScalarStyle::Plain && tag.as_deref() != Some(STRING_TAG);
                let one_line = span.start.line() == span.end.line();
                let inner = span.end.index().saturating_sub(span.start.index());
                let quotes = if style == ScalarStyle::Plain { 0 } else { 2 };
                let verbatim = one_line
                    && !matches!(style, ScalarStyle::Literal | ScalarStyle::Folded)
                    && text.chars().count() + quotes == inner;
                let scalar = Scalar { text: text.into(), plain, verbatim };
                let at = self.start_of(span);
                let node = Node { value: Value::Scalar(scalar), at, tag };
                self.add(anchor, node, 1);
            }
            Event::SequenceStart(anchor, tag) => {
                let at = self.start_of(span);
                let tag = tag_text(tag.as_deref());
                self.push(Open::List { anchor, at, tag, items: Vec::new() });
            }
            Event::MappingStart(anchor, tag) => {
                let at = self.start_of(span);
                let tag = tag_text(tag.as_deref());
                self.push(Open::Map { anchor, at, tag, entries: Vec::new(), key: None });
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(anchor) => match self.anchors.get(&anchor) {
                Some((node, size)) => {
                    let (node, size) = (node.clone(), *size);
                    self.add(0, node, size);
                }
                None => {
                    let at = self.start_of(span);
                    let start = span.start.index();
                    let name: String = source
                        .chars()
                        .skip(start)
                        .take(40)
                        .take_while(|c| !c.is_whitespace() && !",[]{}".contains(*c))
                        .collect();
                    self.stop(
                        at,
                        format!("the alias {name} stands inside what it names, or names nothing"),
                    );
                }
            },
            Event::DocumentStart(_) => self.anchors.clear(),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
    }

    fn push(&mut self, open: Open) {
        if self.open.len() >= DEPTH_MAX {
            let (Open::List { at, .. } | Open::Map { at, .. }) = open;
            self.stop(at, format!("maps and lists are nested deeper than {DEPTH_MAX}"));
        } else {
            self.open.push(open);
        }
    }

    fn close(&mut self) {
        match self.open.pop() {
            Some(Open::List { anchor, at, tag, items }) => {
                self.add(anchor, Node { value: Value::List(Arc::new(items)), at, tag }, 1);
            }
            Some(Open::Map { anchor, at, tag, entries, .. }) => {
                let entries = self.merge(entries);
                self.add(anchor, Node { value: Value::Map(Arc::new(entries)), at, tag }, 1);
            }
            None => {}
        }
    }

    /// Adds a finished node, of which `size` nodes are new, to what is open.
    fn add(&mut self, anchor: usize, node: Node, size: usize) {
        self.nodes = self.nodes.saturating_add(size);
        if self.nodes > NODES_MAX {
            let at = node.at;
            return self.stop(
                at,
                format!("with its aliases written out the file has over {NODES_MAX} nodes"),
            );
        }
        if anchor > 0 {
            let size = count(&node, NODES_MAX);
            self.anchors.insert(anchor, (node.clone(), size));
        }
        match self.open.last_mut() {
            None => self.documents.push(node),
            Some(Open::List { items, .. }) => items.push(node),
            Some(Open::Map { entries, key, .. }) => match key.take() {
                None => *key = Some(key_of(&node, self.log)),
                Some(None) => {}
                Some(Some(name)) => entries.push((name, node)),
            },
        }
    }

    /// Writes merge keys out: the map's own keys win over merged ones, earlier merged maps over
    /// later ones. A key that comes twice is a mistake.
    fn merge(&mut self, entries: Vec<(Key, Node)>) -> Vec<(Key, Node)> {
        let mut own: Vec<(Key, Node)> = Vec::with_capacity(entries.len());
        let mut seen: BTreeMap<Arc<str>, Position> = BTreeMap::new();
        let mut merged = Vec::new();
        for (key, node) in entries {
            if &*key.text == "<<" && node.tag.is_none() {
                self.merge_sources(&node, &mut merged);
            } else if let Some(first) = seen.get(&key.text) {
                let says =
                    format!("the key \"{}\" is here twice, first in line {}", key.text, first.line);
                self.log.push(Mistake::at(key.at, says).width(key.text.chars().count()));
            } else {
                seen.insert(Arc::clone(&key.text), key.at.clone());
                own.push((key, node));
            }
        }
        for (key, node) in merged {
            if !seen.contains_key(&key.text) {
                seen.insert(Arc::clone(&key.text), key.at.clone());
                own.push((key, node));
            }
        }
        own
    }

    fn merge_sources(&mut self, node: &Node, merged: &mut Vec<(Key, Node)>) {
        let sources = match &node.value {
            Value::Map(_) => std::slice::from_ref(node),
            Value::List(items) => items,
            Value::Scalar(_) => &[],
        };
        if sources.is_empty() {
            self.log.push(Mistake::at(node.at.clone(), "\"<<\" takes a map or a list of maps"));
        }
        for source in sources {
            match source.as_map() {
                Some(entries) => merged.extend(entries.iter().cloned()),
                None => self.log.push(Mistake::at(source.at.clone(), "\"<<\" takes maps only")),
            }
        }
    }
}

fn key_of(node: &Node, log: &mut MistakeLog) -> PendingKey {
    match node.as_scalar() {
        Some(scalar) => Some(Key { text: Arc::clone(&scalar.text), at: node.at.clone() }),
        None => {
            log.push(Mistake::at(node.at.clone(), format!("a key can't be {}", node.describe())));
            None
        }
    }
}

fn tag_text(tag: Option<&Tag>) -> Option<String> {
    tag.map(|tag| format!("{}{}", tag.handle, tag.suffix))
}

/// How many nodes a node has, itself included, up to a limit.
fn count(node: &Node, limit: usize) -> usize {
    let mut total = 0_usize;
    let mut open = vec![node];
    while let Some(node) = open.pop() {
        total += 1;
        if total >= limit {
            break;
        }
        match &node.value {
            Value::Scalar(_) => {}
            Value::List(items) => open.extend(items.iter()),
            Value::Map(entries) => open.extend(entries.iter().map(|(_, v)| v)),
        }
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;
    use coc_model::mistake::Mistakes;
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
