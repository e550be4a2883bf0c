//! The tree of a file, built from the events of the YAML parser within limits: aliases and merge
//! keys written out, every mistake at its place.

use std::collections::BTreeMap;
use std::sync::Arc;

use coc_model::mistake::{Mistake, MistakeLog, Position};
use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};

use super::{Key, Node, Scalar, Value};

/// The largest file that is read, in bytes.
pub const FILE_BYTES_MAX: usize = 32 << 20;
/// How deep maps and lists may lie in each other.
pub const DEPTH_MAX: usize = 128;
/// How many nodes a document may have once its aliases are written out.
pub const NODES_MAX: usize = 2_000_000;

/// The tag `!!str`, which makes a text of any scalar.
const STRING_TAG: &str = "tag:yaml.org,2002:str";

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
    if let Some((line, column)) = too_deep(text) {
        let at = Position::new(file, line, column);
        log.push(Mistake::at(at, format!("brackets are nested deeper than {DEPTH_MAX}")));
        return Vec::new();
    }
    Builder::new(file, log).run(text)
}

/// Where flow brackets pass [`DEPTH_MAX`], line and column, if they go on to four times of it. A
/// cheap look before the parser is given text that could exhaust its stack: quotes and comments
/// are not understood, so brackets in texts count too; no honest file comes near the limit.
fn too_deep(text: &str) -> Option<(u32, u32)> {
    let (mut depth, mut line, mut column) = (0_usize, 1, 0);
    let mut passed = (1, 1);
    for c in text.chars() {
        column += 1;
        match c {
            '\n' => (line, column) = (line + 1, 0),
            '[' | '{' => {
                depth += 1;
                if depth == DEPTH_MAX + 1 {
                    passed = (line, column);
                }
                if depth > DEPTH_MAX * 4 {
                    return Some(passed);
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
