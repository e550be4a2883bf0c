//! A whole document with its variables filled in: every value, no key.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::environment::Environment;
use super::reading::Reading;
use crate::tree::{Key, Node, Value};

/// The node with all variables below it filled in. Parts without variables stay shared, and so do
/// parts that aliases repeat.
pub(super) fn fill_all(node: &Node, environment: &Environment, reading: &mut Reading<'_>) -> Node {
    Filling { environment, reading, done: BTreeMap::new() }.node(node)
}

struct Filling<'a, 'f> {
    environment: &'a Environment,
    reading: &'a mut Reading<'f>,
    /// What became of the lists and maps that were met, by where they lie in memory.
    done: BTreeMap<usize, Value>,
}

impl Filling<'_, '_> {
    fn node(&mut self, node: &Node) -> Node {
        let value = match &node.value {
            Value::Scalar(_) => {
                let filled = self.reading.fill(node, self.environment);
                return filled.unwrap_or_else(|| node.clone());
            }
            Value::List(items) => {
                let place = Arc::as_ptr(items).addr();
                self.once(place, |filling| filling.list(items))
            }
            Value::Map(entries) => {
                let place = Arc::as_ptr(entries).addr();
                self.once(place, |filling| filling.map(entries))
            }
        };
        Node { value, at: node.at.clone(), tag: node.tag.clone() }
    }

    fn once(&mut self, place: usize, fill: impl FnOnce(&mut Self) -> Value) -> Value {
        if let Some(value) = self.done.get(&place) {
            return value.clone();
        }
        let value = fill(self);
        self.done.insert(place, value.clone());
        value
    }

    fn list(&mut self, items: &Arc<Vec<Node>>) -> Value {
        let filled: Vec<Node> = items.iter().map(|item| self.node(item)).collect();
        let changed = filled.iter().zip(items.iter()).any(|(new, old)| !same(new, old));
        Value::List(if changed { Arc::new(filled) } else { Arc::clone(items) })
    }

    fn map(&mut self, entries: &Arc<Vec<(Key, Node)>>) -> Value {
        let filled: Vec<(Key, Node)> =
            entries.iter().map(|(key, value)| (key.clone(), self.node(value))).collect();
        let changed = filled.iter().zip(entries.iter()).any(|(new, old)| !same(&new.1, &old.1));
        Value::Map(if changed { Arc::new(filled) } else { Arc::clone(entries) })
    }
}

/// True if both are one and the same part of memory.
fn same(a: &Node, b: &Node) -> bool {
    match (&a.value, &b.value) {
        (Value::Scalar(x), Value::Scalar(y)) => Arc::ptr_eq(&x.text, &y.text),
        (Value::List(x), Value::List(y)) => Arc::ptr_eq(x, y),
        (Value::Map(x), Value::Map(y)) => Arc::ptr_eq(x, y),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::MemoryFiles;
    use crate::tree;

    fn filled(text: &str) -> (Node, usize) {
        let files = MemoryFiles::default();
        let mut reading = Reading::new(&files, ".".to_owned());
        let nodes = tree::read_documents(&"c.yaml".into(), text, &mut reading.log);
        let caller = BTreeMap::from([("A".to_owned(), "0755".to_owned())]);
        let node = fill_all(&nodes[0], &Environment::of_caller(caller), &mut reading);
        let mistakes = reading.finish(Some(())).map_or_else(|m| m.count(), |_| 0);
        (node, mistakes)
    }

    #[test]
    fn values_are_filled_in_and_keys_are_not() {
        let (node, _) = filled("$A: [$A, {k: '${A}', n: 5}]\n");
        assert_eq!(node.to_json().to_string(), r#"{"$A":["0755",{"k":"0755","n":5}]}"#);
    }

    #[test]
    fn what_aliases_repeat_is_filled_in_once() {
        let (node, mistakes) = filled("a: &a {x: '${B?}'}\nb: *a\nc: [1]\nd: {<<: *a, y: $A}\n");
        assert_eq!(mistakes, 1);
        let part = |key: &str| node.get(key).unwrap().as_map().unwrap().as_ptr();
        assert_eq!(part("a"), part("b"));
        assert_eq!(node.get("d").unwrap().get("y").unwrap().describe(), "\"0755\"");
    }

    #[test]
    fn many_aliases_take_no_time() {
        let mut text = String::from("a0: &a0 [$A, x]\n");
        for i in 1..16 {
            text.push_str(&format!("a{i}: &a{i} [*a{0}, *a{0}]\n", i - 1));
        }
        assert_eq!(filled(&text).1, 0);
    }
}
