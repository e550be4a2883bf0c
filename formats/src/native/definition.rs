//! Named goals and numbers of people's own: documents of `kind: Goal`.

use coc_model::goals::{
    Definition, DefinitionBody, FieldDefinition, FormDefinition, Located, Policy,
};
use coc_model::mistake::{Mistake, MistakeLog};

use super::goals::{POLICIES, expression};
use crate::fields::{Fields, list, map, mistake_at, one_of, text, text_position};
use crate::tree::{Key, Node};

/// Reads a definition; what names and expressions in it mean is checked where goals are understood.
pub(super) fn read(
    node: &Node,
    mut fields: Fields<'_>,
    log: &mut MistakeLog,
) -> Option<Definition> {
    let name = fields.required("name", &node.at, log).and_then(|n| word(n, "name", log));
    let about = fields.required("about", &node.at, log).and_then(|n| text(n, "about", log));
    let short = fields.get("short").and_then(|n| word(n, "short", log));
    let policy: Option<Policy> =
        fields.get("policy").and_then(|n| one_of(n, "policy", &POLICIES, log));
    let arguments = fields.get("fields").map_or_else(Vec::new, |node| {
        let entries = map(node, "fields", log).unwrap_or_default();
        entries.iter().filter_map(|(key, node)| field(key, node, log)).collect()
    });
    let parts = fields.get("parts").map_or_else(Vec::new, |node| {
        let entries = map(node, "parts", log).unwrap_or_default();
        entries.iter().map(|(key, node)| (named(key), forms(node, &key.text, log))).collect()
    });
    let body = body(node, &mut fields, log);
    fields.finish(log);
    Some(Definition {
        name: name?,
        about: about?,
        short,
        policy,
        fields: arguments,
        parts,
        body: body?,
        at: node.at.clone(),
    })
}

/// What it stands for: one of `that`, `forms` and `number`.
fn body(node: &Node, fields: &mut Fields<'_>, log: &mut MistakeLog) -> Option<DefinitionBody> {
    let (that, several, number) =
        (fields.entry("that"), fields.entry("forms"), fields.entry("number"));
    let given: Vec<&Key> = [that, several, number].iter().flatten().map(|(key, _)| *key).collect();
    let hint = "it is a condition (that), several (forms), or a number (number)";
    match given.as_slice() {
        [] => {
            let says = "the goal does not say what it stands for";
            log.push(Mistake::at(node.at.clone(), says).hint(hint));
            return None;
        }
        [_] => {}
        [_, second, ..] => {
            let says = "a goal stands for one thing";
            let mistake = Mistake::at(second.at.clone(), says);
            log.push(mistake.width(second.text.chars().count()).hint(hint));
            return None;
        }
    }
    match (that, several, number) {
        (Some((_, node)), _, _) => expression(node, "that", log).map(DefinitionBody::That),
        (_, Some((_, node)), _) => Some(DefinitionBody::Forms(forms(node, "forms", log))),
        (_, _, Some((_, node))) => expression(node, "number", log).map(DefinitionBody::Number),
        _ => None,
    }
}

fn field(
    key: &Key,
    node: &Node,
    log: &mut MistakeLog,
) -> Option<(Located<String>, FieldDefinition)> {
    let mut fields = Fields::of(node, format!("the field {}", key.text), log)?;
    let takes = fields.required("type", &node.at, log).and_then(|n| word(n, "type", log));
    let about = fields.required("about", &node.at, log).and_then(|n| text(n, "about", log));
    let default =
        fields.get("default").map(|n| Located { value: n.to_json(), at: text_position(n) });
    fields.finish(log);
    Some((named(key), FieldDefinition { takes: takes?, about: about?, default }))
}

/// A list of forms; none in it is a mistake.
fn forms(node: &Node, what: &str, log: &mut MistakeLog) -> Vec<FormDefinition> {
    let items = list(node, what, log).unwrap_or_default();
    if node.as_list().is_some_and(<[Node]>::is_empty) {
        log.push(mistake_at(node, format!("{what} is empty")));
    }
    items.iter().filter_map(|item| form(item, log)).collect()
}

fn form(node: &Node, log: &mut MistakeLog) -> Option<FormDefinition> {
    let mut fields = Fields::of(node, "a form", log)?;
    let when = fields.get("when").map_or_else(Vec::new, |n| words(n, "when", log));
    let unless = fields.get("unless").map_or_else(Vec::new, |n| words(n, "unless", log));
    let that = fields.required("that", &node.at, log).and_then(|n| expression(n, "that", log));
    fields.finish(log);
    Some(FormDefinition { when, unless, that: that? })
}

fn named(key: &Key) -> Located<String> {
    Located { value: key.text.to_string(), at: key.at.clone() }
}

fn word(node: &Node, what: &str, log: &mut MistakeLog) -> Option<Located<String>> {
    text(node, what, log).map(|value| Located { value, at: text_position(node) })
}

/// A word or a list of words.
fn words(node: &Node, what: &str, log: &mut MistakeLog) -> Vec<Located<String>> {
    let one = std::slice::from_ref(node);
    node.as_list().unwrap_or(one).iter().filter_map(|item| word(item, what, log)).collect()
}
