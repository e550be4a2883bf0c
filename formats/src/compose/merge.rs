//! One file laid over another, by the rules of Compose: maps are merged, lists are joined, texts are
//! replaced, and some keys have rules of their own. `!override` replaces a value whatever its rule,
//! `!reset` takes it away.

use std::collections::BTreeMap;
use std::sync::Arc;

use coc_model::mistake::{Mistake, MistakeLog};

use super::reading::kind;
use crate::tree::{Key, Node, Scalar, Value};

/// The tag of a value that replaces what it is laid over.
const OVERRIDE: &str = "!override";
/// The tag of a value that takes away what it is laid over.
const RESET: &str = "!reset";

/// How two values of a key become one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// Maps are merged, lists joined, texts replaced.
    ByKind,
    /// The upper replaces the lower.
    Replace,
    /// `NAME=value` lists are maps.
    Pairs,
    /// A text is a list of one.
    Texts,
    /// A map of hosts to addresses is a list of `HOST=ADDRESS`.
    Hosts,
    /// A list of names is a map of names to nothing.
    Names,
    /// A list of services is a map of services to the usual condition.
    Dependencies,
    /// A text is the context.
    Build,
    /// Options are merged only for the same driver.
    Logging,
}

fn rule(path: &[&str]) -> Rule {
    match path {
        ["services", _, key] => match *key {
            "command" | "entrypoint" => Rule::Replace,
            "annotations" | "environment" | "labels" | "sysctls" => Rule::Pairs,
            "dns" | "dns_opt" | "dns_search" | "env_file" | "label_file" | "tmpfs" => Rule::Texts,
            "networks" | "models" => Rule::Names,
            "depends_on" => Rule::Dependencies,
            "extra_hosts" => Rule::Hosts,
            "build" => Rule::Build,
            "logging" => Rule::Logging,
            _ => Rule::ByKind,
        },
        ["services", _, "build", "extra_hosts"] => Rule::Hosts,
        ["services", _, "healthcheck", "test"] | ["services", _, "ulimits", _] => Rule::Replace,
        ["services", _, "build", "args" | "labels" | "additional_contexts"]
        | ["services", _, "deploy", "labels"]
        | ["networks" | "volumes", _, "labels"] => Rule::Pairs,
        // A pair without a value takes the place of one with a value.
        [pairs @ .., _] if rule(pairs) == Rule::Pairs => Rule::Replace,
        _ => Rule::ByKind,
    }
}

/// `upper` laid over `lower`.
pub(super) fn merge(lower: &Node, upper: &Node, log: &mut MistakeLog) -> Node {
    Merging { log }.both(lower, upper, &mut Vec::new()).unwrap_or_else(|| lower.clone())
}

/// One service laid over another.
pub(super) fn merge_services(lower: &Node, upper: &Node, log: &mut MistakeLog) -> Node {
    let merged = Merging { log }.both(lower, upper, &mut vec!["services", "x"]);
    merged.unwrap_or_else(|| lower.clone())
}

/// A file that is laid over nothing: what it resets is taken out, other marks are taken off.
pub(super) fn alone(node: &Node) -> Node {
    stripped(node).unwrap_or_else(|| Node {
        value: Value::Map(Arc::new(Vec::new())),
        at: node.at.clone(),
        tag: None,
    })
}

struct Merging<'a> {
    log: &'a mut MistakeLog,
}

impl Merging<'_> {
    /// `None` if the value is taken away.
    fn both<'n>(&mut self, lower: &Node, upper: &'n Node, path: &mut Vec<&'n str>) -> Option<Node> {
        match upper.tag.as_deref() {
            Some(RESET) => return None,
            Some(OVERRIDE) => return stripped(upper),
            _ => {}
        }
        let merged = match rule(path) {
            Rule::Replace => return stripped(upper),
            Rule::ByKind => self.by_kind(lower, upper, path),
            Rule::Pairs => self.as_maps(lower, upper, path, pairs),
            Rule::Names => self.as_maps(lower, upper, path, names),
            Rule::Dependencies => self.as_maps(lower, upper, path, dependencies),
            Rule::Build => self.as_maps(lower, upper, path, build),
            Rule::Texts => self.joined(&texts(lower), &texts(upper)),
            Rule::Hosts => self.joined(&hosts(lower), &hosts(upper)),
            Rule::Logging if other_driver(lower, upper) => return stripped(upper),
            Rule::Logging => self.by_kind(lower, upper, path),
        };
        Some(merged)
    }

    fn as_maps<'n>(
        &mut self,
        lower: &Node,
        upper: &'n Node,
        path: &mut Vec<&'n str>,
        to_map: fn(&Node) -> Node,
    ) -> Node {
        let upper_map = to_map(upper);
        if upper.as_map().is_some() {
            return self.by_kind(&to_map(lower), upper, path);
        }
        // The converted map lives no longer than this call, so its paths start anew here.
        let mut path: Vec<&str> = path.clone();
        self.by_kind(&to_map(lower), &upper_map, &mut path)
    }

    fn joined(&mut self, lower: &Node, upper: &Node) -> Node {
        self.by_kind(lower, upper, &mut Vec::new())
    }

    fn by_kind<'n>(&mut self, lower: &Node, upper: &'n Node, path: &mut Vec<&'n str>) -> Node {
        let value = match (&lower.value, &upper.value) {
            _ if upper.is_null() => return lower.clone(),
            _ if lower.is_null() => return alone(upper),
            (Value::Map(below), Value::Map(above)) => self.maps(below, above, path),
            (Value::List(below), Value::List(above)) => {
                let above = above.iter().filter_map(stripped);
                Value::List(Arc::new(below.iter().cloned().chain(above).collect()))
            }
            (Value::Scalar(_), Value::Scalar(_)) => return alone(upper),
            _ => {
                let says = format!(
                    "{} can't be laid over {}, at {}:{}",
                    kind(upper),
                    kind(lower),
                    lower.at.file,
                    lower.at.line
                );
                self.log.push(
                    Mistake::at(upper.at.clone(), says)
                        .hint("write both alike, or mark this one !override to replace the other"),
                );
                return lower.clone();
            }
        };
        Node { value, at: lower.at.clone(), tag: None }
    }

    fn maps<'n>(
        &mut self,
        below: &[(Key, Node)],
        above: &'n [(Key, Node)],
        path: &mut Vec<&'n str>,
    ) -> Value {
        let mut place: BTreeMap<&str, usize> =
            below.iter().enumerate().map(|(i, (key, _))| (&*key.text, i)).collect();
        let mut merged: Vec<Option<(Key, Node)>> = below.iter().cloned().map(Some).collect();
        for (key, upper) in above {
            match place.get(&*key.text).copied() {
                Some(i) => {
                    path.push(&key.text);
                    let entry = merged[i].take();
                    merged[i] = entry.and_then(|(old_key, lower)| {
                        self.both(&lower, upper, path).map(|node| (old_key, node))
                    });
                    path.pop();
                }
                None => {
                    place.insert(&key.text, merged.len());
                    merged.push(stripped(upper).map(|node| (key.clone(), node)));
                }
            }
        }
        Value::Map(Arc::new(merged.into_iter().flatten().collect()))
    }
}

/// The lower file without what the upper one marks as replaced or taken away: for an upper file
/// whose marks are lost before it is laid over the lower one.
pub(super) fn cut(lower: &Node, upper: &Node) -> Node {
    let (Some(below), Some(above)) = (lower.as_map(), upper.as_map()) else { return lower.clone() };
    if !marked(upper) {
        return lower.clone();
    }
    let above: BTreeMap<&str, &Node> = above.iter().map(|(k, v)| (&*k.text, v)).collect();
    let kept = below.iter().filter_map(|(key, value)| match above.get(&*key.text) {
        Some(mark) if matches!(mark.tag.as_deref(), Some(RESET | OVERRIDE)) => None,
        Some(inner) => Some((key.clone(), cut(value, inner))),
        None => Some((key.clone(), value.clone())),
    });
    Node { value: Value::Map(Arc::new(kept.collect())), at: lower.at.clone(), tag: None }
}

/// The node without marks; `None` if it takes something away. Parts without marks stay shared.
fn stripped(node: &Node) -> Option<Node> {
    if !marked(node) {
        return Some(node.clone());
    }
    if node.tag.as_deref() == Some(RESET) {
        return None;
    }
    let value = match &node.value {
        Value::Scalar(scalar) => Value::Scalar(scalar.clone()),
        Value::List(items) => Value::List(Arc::new(items.iter().filter_map(stripped).collect())),
        Value::Map(entries) => {
            let kept = entries.iter().filter_map(|(k, v)| Some((k.clone(), stripped(v)?)));
            Value::Map(Arc::new(kept.collect()))
        }
    };
    let tag = node.tag.clone().filter(|tag| tag != OVERRIDE);
    Some(Node { value, at: node.at.clone(), tag })
}

fn marked(node: &Node) -> bool {
    matches!(node.tag.as_deref(), Some(RESET | OVERRIDE))
        || match &node.value {
            Value::Scalar(_) => false,
            Value::List(items) => items.iter().any(marked),
            Value::Map(entries) => entries.iter().any(|(_, value)| marked(value)),
        }
}

fn map_of(node: &Node, entry: impl Fn(&Node, &str) -> (Key, Node)) -> Node {
    let Some(items) = node.as_list() else { return node.clone() };
    let mut entries: Vec<(Key, Node)> = Vec::with_capacity(items.len());
    let mut place = BTreeMap::new();
    for item in items {
        let Some(scalar) = item.as_scalar() else { return node.clone() };
        let (key, value) = entry(item, &scalar.text);
        match place.get(&key.text).copied() {
            Some(i) => entries[i] = (key, value),
            None => {
                place.insert(Arc::clone(&key.text), entries.len());
                entries.push((key, value));
            }
        }
    }
    Node { value: Value::Map(Arc::new(entries)), at: node.at.clone(), tag: node.tag.clone() }
}

fn key(text: &str, node: &Node) -> Key {
    Key { text: text.into(), at: node.at.clone() }
}

fn nothing(node: &Node) -> Node {
    plain("", node)
}

fn plain(text: &str, node: &Node) -> Node {
    let scalar = Scalar { text: text.into(), plain: true, verbatim: false };
    Node { value: Value::Scalar(scalar), at: node.at.clone(), tag: None }
}

/// `[A=1, B]` as `{A: "1", B: }`.
pub(super) fn pairs(node: &Node) -> Node {
    map_of(node, |item, text| match text.split_once('=') {
        Some((name, value)) => (key(name, item), Node::text(value, item.at.clone())),
        None => (key(text, item), nothing(item)),
    })
}

/// `[a, b]` as `{a: , b: }`.
pub(super) fn names(node: &Node) -> Node {
    map_of(node, |item, text| (key(text, item), nothing(item)))
}

fn dependencies(node: &Node) -> Node {
    map_of(node, |item, text| {
        let entry = |name: &str, value: &str| (key(name, item), plain(value, item));
        let entries = vec![entry("condition", "service_started"), entry("required", "true")];
        let value = Value::Map(Arc::new(entries));
        (key(text, item), Node { value, at: item.at.clone(), tag: None })
    })
}

fn build(node: &Node) -> Node {
    if node.is_null() || node.as_scalar().is_none() {
        return node.clone();
    }
    let entries = vec![(key("context", node), node.clone())];
    Node { value: Value::Map(Arc::new(entries)), at: node.at.clone(), tag: node.tag.clone() }
}

fn texts(node: &Node) -> Node {
    if node.is_null() || node.as_scalar().is_none() {
        return node.clone();
    }
    let value = Value::List(Arc::new(vec![node.clone()]));
    Node { value, at: node.at.clone(), tag: node.tag.clone() }
}

/// `{a: 1, b: [2, 3]}` as `[a=1, b=2, b=3]`.
fn hosts(node: &Node) -> Node {
    let Some(entries) = node.as_map() else { return node.clone() };
    let mut items = Vec::new();
    for (key, value) in entries {
        for address in value.as_list().unwrap_or(std::slice::from_ref(value)) {
            let Some(scalar) = address.as_scalar() else { return node.clone() };
            items.push(Node::text(&format!("{}={}", key.text, scalar.text), address.at.clone()));
        }
    }
    Node { value: Value::List(Arc::new(items)), at: node.at.clone(), tag: node.tag.clone() }
}

fn other_driver(lower: &Node, upper: &Node) -> bool {
    let driver = |node: &Node| Some(node.get("driver")?.as_scalar()?.text.clone());
    matches!((driver(lower), driver(upper)), (Some(below), Some(above)) if below != above)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree;

    fn read(file: &str, text: &str) -> Node {
        let mut log = MistakeLog::new();
        let mut nodes = tree::read_documents(&file.into(), text, &mut log);
        log.finish(nodes.remove(0)).unwrap()
    }

    fn merged(lower: &str, upper: &str) -> Result<String, String> {
        let mut log = MistakeLog::new();
        let service = |text: &str| format!("services: {{s: {{{text}}}}}");
        let lower = alone(&read("lower.yaml", &service(lower)));
        let node = merge(&lower, &read("upper.yaml", &service(upper)), &mut log);
        let node = log.finish(node).map_err(|m| m.to_string())?;
        Ok(node.get("services").unwrap().get("s").unwrap().to_json().to_string())
    }

    #[test]
    fn every_key_is_merged_by_its_rule() {
        for (lower, upper, result) in [
            ("image: a", "image: b", r#"{"image":"b"}"#),
            ("image: a", "image: ", r#"{"image":"a"}"#),
            ("image: ", "image: b", r#"{"image":"b"}"#),
            ("command: [a, b]", "command: c", r#"{"command":"c"}"#),
            ("command: [a, b]", "command: ", r#"{"command":null}"#),
            (
                "healthcheck: {test: a, retries: 1}",
                "healthcheck: {test: [b]}",
                r#"{"healthcheck":{"test":["b"],"retries":1}}"#,
            ),
            (
                "environment: {A: 1, B: 2}",
                "environment: [B=x, C]",
                r#"{"environment":{"A":1,"B":"x","C":null}}"#,
            ),
            ("environment: [A=1, A=2]", "environment: {A: }", r#"{"environment":{"A":null}}"#),
            ("labels: [a=b=c]", "labels: {d: 1}", r#"{"labels":{"a":"b=c","d":1}}"#),
            ("dns: 1.1.1.1", "dns: [8.8.8.8]", r#"{"dns":["1.1.1.1","8.8.8.8"]}"#),
            (
                "env_file: a.env",
                "env_file: [{path: b.env}]",
                r#"{"env_file":["a.env",{"path":"b.env"}]}"#,
            ),
            ("ports: [80]", "ports: [81]", r#"{"ports":[80,81]}"#),
            (
                "depends_on: {a: {condition: service_healthy}}",
                "depends_on: [a, b]",
                r#"{"depends_on":{"a":{"condition":"service_started","required":true},"b":{"condition":"service_started","required":true}}}"#,
            ),
            (
                "networks: {n: {aliases: [x]}}",
                "networks: [n, m]",
                r#"{"networks":{"n":{"aliases":["x"]},"m":null}}"#,
            ),
            (
                "build: .",
                "build: {target: t, args: [A=1]}",
                r#"{"build":{"context":".","target":"t","args":["A=1"]}}"#,
            ),
            (
                "build: {args: {A: 1}}",
                "build: {args: [A, B=2]}",
                r#"{"build":{"args":{"A":null,"B":"2"}}}"#,
            ),
            (
                "logging: {driver: a, options: {x: 1}}",
                "logging: {options: {y: 2}}",
                r#"{"logging":{"driver":"a","options":{"x":1,"y":2}}}"#,
            ),
            (
                "logging: {driver: a, options: {x: 1}}",
                "logging: {driver: b}",
                r#"{"logging":{"driver":"b"}}"#,
            ),
            ("ulimits: {n: {soft: 1, hard: 2}}", "ulimits: {n: 5}", r#"{"ulimits":{"n":5}}"#),
            (
                "extra_hosts: {a: 1.1.1.1}",
                "extra_hosts: ['b:2.2.2.2']",
                r#"{"extra_hosts":["a=1.1.1.1","b:2.2.2.2"]}"#,
            ),
            (
                "deploy: {replicas: 1, labels: [a=1]}",
                "deploy: {replicas: 2, labels: {b: 2}}",
                r#"{"deploy":{"replicas":2,"labels":{"a":"1","b":2}}}"#,
            ),
        ] {
            assert_eq!(merged(lower, upper).as_deref(), Ok(result), "{lower} | {upper}");
        }
    }

    #[test]
    fn marks_replace_and_take_away() {
        for (lower, upper, result) in [
            ("ports: [80]", "ports: !override []", r#"{"ports":[]}"#),
            ("ports: [80], image: a", "ports: !reset []", r#"{"image":"a"}"#),
            ("ports: [80], image: a", "ports: !reset null", r#"{"image":"a"}"#),
            (
                "environment: {A: 1, B: 2}",
                "environment: {A: !reset null, C: !override 3}",
                r#"{"environment":{"B":2,"C":3}}"#,
            ),
            (
                "build: {context: ., args: {A: 1}}",
                "build: {args: !override {B: 2}}",
                r#"{"build":{"context":".","args":{"B":2}}}"#,
            ),
            ("command: a", "command: !override [b]", r#"{"command":["b"]}"#),
            ("ports: !override [80], image: !reset x", "", r#"{"ports":[80]}"#),
            ("", "ports: !override [80], image: !reset x", r#"{"ports":[80]}"#),
        ] {
            assert_eq!(merged(lower, upper).as_deref(), Ok(result), "{lower} | {upper}");
        }
    }

    #[test]
    fn marks_cut_the_lower_file_by_themselves() {
        let lower = read("lower.yaml", "a: {x: 1, y: [2], z: 3}\nb: 1");
        let upper = read("upper.yaml", "a: {x: !reset , y: !override [5]}\nc: 1");
        assert_eq!(cut(&lower, &upper).to_json().to_string(), r#"{"a":{"z":3},"b":1}"#);
    }

    #[test]
    fn kinds_that_do_not_fit_are_refused_at_their_place() {
        assert_eq!(
            merged("ports: [80]", "ports: {a: 1}"),
            Err("upper.yaml:1:23: a map can't be laid over a list, at lower.yaml:1 (write both alike, or mark this one !override to replace the other)"
                .to_owned())
        );
    }

    #[test]
    fn merged_values_keep_their_places() {
        let mut log = MistakeLog::new();
        let lower = read("lower.yaml", "services: {s: {image: a, user: u}}");
        let node = merge(&lower, &read("upper.yaml", "services:\n  s:\n    user: v\n"), &mut log);
        let service = node.get("services").unwrap().get("s").unwrap();
        assert_eq!(service.get("user").unwrap().at.to_string(), "upper.yaml:3:11");
        assert_eq!(service.get("image").unwrap().at.to_string(), "lower.yaml:1:23");
    }
}
