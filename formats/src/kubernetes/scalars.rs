//! Scalars as Kubernetes reads them: by YAML 1.1, where `yes` is true and `0755` is octal, and
//! with no number or flag taken for a text.

use coc_model::mistake::{Mistake, MistakeLog};
use serde_json::{Number, Value as Json};

use crate::fields::{mistake_at, shape};
use crate::tree::{Core, Node, Scalar, Value};

/// What a scalar is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Plain<'a> {
    Null,
    Bool(bool),
    Int(i128),
    Float(&'a str),
    Text(&'a str),
}

/// Resolves a scalar. The single letters `y` and `n` are left texts, as people mean them.
pub(super) fn resolve(scalar: &Scalar) -> Plain<'_> {
    if !scalar.plain {
        return Plain::Text(&scalar.text);
    }
    match &*scalar.text {
        "yes" | "Yes" | "YES" | "on" | "On" | "ON" => return Plain::Bool(true),
        "no" | "No" | "NO" | "off" | "Off" | "OFF" => return Plain::Bool(false),
        _ => {}
    }
    match scalar.core() {
        Core::Null => Plain::Null,
        Core::Bool(value) => Plain::Bool(value),
        Core::Int(value) => Plain::Int(octal(&scalar.text).unwrap_or(value)),
        Core::Float(text) => Plain::Float(text),
        Core::Text(text) => Plain::Text(text),
    }
}

/// A whole number written with a leading zero, as YAML 1.1 reads it.
fn octal(text: &str) -> Option<i128> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let octal = digits.strip_prefix('0').filter(|rest| !rest.is_empty())?;
    let value = i128::from_str_radix(octal, 8).ok()?;
    Some(if text.starts_with('-') { -value } else { value })
}

fn resolved(node: &Node) -> Option<Plain<'_>> {
    let scalar = node.as_scalar()?;
    let tagged = node.tag.as_deref().is_some_and(|tag| tag.ends_with("str"));
    Some(if tagged { Plain::Text(&scalar.text) } else { resolve(scalar) })
}

/// The node as JSON, with the scalars resolved in this way.
pub(super) fn to_json(node: &Node) -> Json {
    match &node.value {
        Value::List(items) => Json::Array(items.iter().map(to_json).collect()),
        Value::Map(entries) => {
            Json::Object(entries.iter().map(|(k, v)| (k.text.to_string(), to_json(v))).collect())
        }
        Value::Scalar(scalar) => match resolved(node).unwrap_or(Plain::Text(&scalar.text)) {
            Plain::Null => Json::Null,
            Plain::Bool(value) => Json::Bool(value),
            Plain::Int(value) => match (i64::try_from(value), u64::try_from(value)) {
                (Ok(value), _) => Json::from(value),
                (_, Ok(value)) => Json::from(value),
                _ => Json::from(value.to_string()),
            },
            Plain::Float(text) => text
                .parse()
                .ok()
                .and_then(Number::from_f64)
                .map_or_else(|| Json::from(text), Json::Number),
            Plain::Text(text) => Json::from(text),
        },
    }
}

/// A text, which a number or flag is not.
pub(super) fn text(node: &Node, what: &str, log: &mut MistakeLog) -> Option<String> {
    match resolved(node) {
        Some(Plain::Text(text)) => return Some(text.to_owned()),
        Some(Plain::Null) | None => {
            log.push(mistake_at(node, format!("{what} must be a text, not {}", shape(node))));
        }
        Some(_) => {
            let found = if shape(node) == "a number" { "a number" } else { "true or false" };
            let mistake = mistake_at(node, format!("{what} must be a text, not {found}"));
            log.push(mistake.hint("put it in quotes"));
        }
    }
    None
}

/// The text of a scalar that may be a number or a text: a quantity, a port.
pub(super) fn word<'n>(node: &'n Node, what: &str, log: &mut MistakeLog) -> Option<&'n str> {
    match resolved(node) {
        Some(Plain::Text(text) | Plain::Float(text)) => Some(text),
        Some(Plain::Int(_)) => node.as_scalar().map(|s| &*s.text),
        _ => {
            let says = format!("{what} must be a number or a text, not {}", shape(node));
            log.push(mistake_at(node, says));
            None
        }
    }
}

/// True or false.
pub(super) fn flag(node: &Node, what: &str, log: &mut MistakeLog) -> Option<bool> {
    if let Some(Plain::Bool(value)) = resolved(node) {
        return Some(value);
    }
    log.push(mistake_at(node, format!("{what} must be true or false, not {}", shape(node))));
    None
}

/// A whole number within bounds.
pub(super) fn whole(
    node: &Node,
    what: &str,
    (least, most): (u32, u32),
    log: &mut MistakeLog,
) -> Option<u32> {
    let number = match resolved(node) {
        Some(Plain::Int(number)) => Some(number),
        _ => None,
    };
    let within = number.and_then(|n| u32::try_from(n).ok()).filter(|n| (least..=most).contains(n));
    if within.is_none() {
        let found = number.map_or_else(|| shape(node).to_owned(), |n| n.to_string());
        let says = format!("{what} must be a whole number from {least} to {most}, not {found}");
        log.push(mistake_at(node, says));
    }
    within
}

/// A list, or nothing if it is something else.
pub(super) fn list<'n>(node: &'n Node, what: &str, log: &mut MistakeLog) -> &'n [Node] {
    if node.is_null() {
        return &[];
    }
    node.as_list().unwrap_or_else(|| {
        log.push(Mistake::at(
            node.at.clone(),
            format!("{what} must be a list, not {}", shape(node)),
        ));
        &[]
    })
}

/// The items of a list under a key of a map.
pub(super) fn items<'n>(node: &'n Node, key: &str, log: &mut MistakeLog) -> &'n [Node] {
    node.get(key).map_or(&[], |node| list(node, key, log))
}

/// The value under a path of keys, if there is one that is not null.
pub(super) fn at_path<'n>(node: &'n Node, path: &[&str]) -> Option<&'n Node> {
    path.iter().try_fold(node, |node, key| node.get(key)).filter(|node| !node.is_null())
}

/// The text under a path of keys, where it is a text; without mistakes.
pub(super) fn text_at<'n>(node: &'n Node, path: &[&str]) -> Option<&'n str> {
    at_path(node, path).and_then(Node::as_scalar).map(|s| &*s.text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::read_documents;

    fn node(text: &str) -> Node {
        read_documents(&"f.yaml".into(), text, &mut MistakeLog::new()).remove(0)
    }

    #[test]
    fn scalars_follow_yaml_1_1() {
        assert_eq!(
            to_json(&node("[yes, Off, y, 0755, -010, 08, 0x1F, 1.5, ~, '0755', !!str 5, 0]"))
                .to_string(),
            r#"[true,false,"y",493,-8,8,31,1.5,null,"0755","5",0]"#
        );
    }

    #[test]
    fn what_is_no_text_is_told_without_its_value() {
        for (yaml, says) in [
            ("8080", "f.yaml:1:1: x must be a text, not a number (put it in quotes)"),
            ("yes", "f.yaml:1:1: x must be a text, not true or false (put it in quotes)"),
            ("~", "f.yaml:1:1: x must be a text, not nothing"),
            ("{a: canary}", "f.yaml:1:1: x must be a text, not a map"),
        ] {
            let mut log = MistakeLog::new();
            assert_eq!(text(&node(yaml), "x", &mut log), None);
            assert_eq!(log.finish(()).unwrap_err().to_string(), says);
        }
    }
}
