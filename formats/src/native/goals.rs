//! Goals of the native format: requirements, and tiers of objectives.

use std::collections::BTreeMap;

use coc_model::decimal::Decimal;
use coc_model::goals::{
    Direction, Goals, Located, Objective, Policy, Requirement, RequirementBody, Term,
};
use coc_model::mistake::{Mistake, MistakeLog};
use serde_json::Value as Json;

use crate::fields::{Fields, list, mistake_at, one_of, ratio, text, text_position};
use crate::tree::{Key, Node, Value};

/// How strictly a requirement can hold.
pub(super) const POLICIES: [(&str, Policy); 3] =
    [("must", Policy::Must), ("improve", Policy::Improve), ("should", Policy::Should)];

/// Reads the goals inside an application.
pub(super) fn read_inline(node: &Node, log: &mut MistakeLog) -> Option<Goals> {
    let mut fields = Fields::of(node, "goals", log)?;
    let goals = read(&mut fields, log);
    fields.finish(log);
    Some(goals)
}

/// Reads `require`, `minimize` and `maximize`; tiers keep the order of the file.
pub(super) fn read(fields: &mut Fields<'_>, log: &mut MistakeLog) -> Goals {
    let mut goals = Goals::default();
    if let Some(node) = fields.get("require") {
        let items = list(node, "require", log).unwrap_or_default();
        goals.require.extend(items.iter().filter_map(|item| requirement(item, log)));
    }
    let minimize = fields.entry("minimize").map(|entry| (entry, Direction::Minimize));
    let maximize = fields.entry("maximize").map(|entry| (entry, Direction::Maximize));
    let mut tiers: Vec<_> = minimize.into_iter().chain(maximize).collect();
    tiers.sort_by(|((a, _), _), ((b, _), _)| a.at.cmp(&b.at));
    for ((_, node), direction) in tiers.into_iter().filter(|((_, node), _)| !node.is_null()) {
        let one = std::slice::from_ref(node);
        let items = node.as_list().unwrap_or(one);
        goals.objectives.extend(items.iter().filter_map(|item| tier(item, direction, log)));
    }
    goals
}

fn requirement(node: &Node, log: &mut MistakeLog) -> Option<Requirement> {
    let Some(entries) = node.as_map() else {
        let mistake = mistake_at(node, "a requirement is a map with the name of a goal");
        log.push(mistake.hint("write an expression as {that: \"…\"}"));
        return None;
    };
    let mut policy = Policy::Must;
    let mut goals: Vec<&(Key, Node)> = Vec::new();
    for entry in entries {
        if &*entry.0.text == "policy" {
            policy = one_of(&entry.1, "policy", &POLICIES, log).unwrap_or_default();
        } else {
            goals.push(entry);
        }
    }
    let [(key, value)] = goals.as_slice() else {
        log.push(not_one_goal(node, &goals));
        return None;
    };
    let body = if &*key.text == "that" { that(value, log)? } else { named(key, value, log)? };
    Some(Requirement { body, policy, at: node.at.clone() })
}

fn not_one_goal(node: &Node, goals: &[&(Key, Node)]) -> Mistake {
    let names: Vec<String> = goals.iter().map(|(key, _)| format!("\"{}\"", key.text)).collect();
    let Some((first, value)) = goals.first() else {
        return Mistake::at(node.at.clone(), "a requirement without a goal");
    };
    let says = format!("a requirement names one goal, not {}", names.join(" and "));
    let hint = if value.is_null() {
        format!("indent the arguments of \"{}\" below it", first.text)
    } else {
        "begin each goal with a \"-\" of its own".to_owned()
    };
    Mistake::at(goals[1].0.at.clone(), says).hint(hint)
}

fn that(node: &Node, log: &mut MistakeLog) -> Option<RequirementBody> {
    expression(node, "that", log).map(RequirementBody::That)
}

/// An expression, at the place of its own first character.
pub(super) fn expression(node: &Node, what: &str, log: &mut MistakeLog) -> Option<Located<String>> {
    let value = text(node, what, log)?;
    if value.trim().is_empty() {
        log.push(mistake_at(node, format!("{what} is empty")));
        return None;
    }
    Some(Located { value, at: text_position(node) })
}

fn named(key: &Key, node: &Node, log: &mut MistakeLog) -> Option<RequirementBody> {
    let letters = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !key.text.starts_with(|c: char| c.is_ascii_alphabetic()) || !key.text.chars().all(letters) {
        let says = format!("\"{}\" can't be the name of a goal", key.text);
        log.push(Mistake::at(key.at.clone(), says).width(key.text.chars().count()));
        return None;
    }
    let located = |node: &Node| Located { value: node.to_json(), at: text_position(node) };
    let mut arguments: BTreeMap<String, Located<Json>> = BTreeMap::new();
    let mut short = None;
    match &node.value {
        Value::Map(entries) => {
            let entries = entries.iter().map(|(key, node)| (key.text.to_string(), located(node)));
            arguments.extend(entries);
        }
        _ if node.is_null() => {}
        _ => short = Some(located(node)),
    }
    Some(RequirementBody::Named { name: key.text.to_string(), arguments, short })
}

/// One tier: a text, a map, or a list of those for a weighted sum.
fn tier(node: &Node, direction: Direction, log: &mut MistakeLog) -> Option<Objective> {
    let one = std::slice::from_ref(node);
    let items = node.as_list().unwrap_or(one);
    let mut terms = Vec::new();
    let mut tolerance: Option<Decimal> = None;
    for item in items {
        let (read, tolerated) = term(item, log)?;
        if tolerated.is_some() && tolerance.is_some() {
            log.push(Mistake::at(item.at.clone(), "a tier has one tolerance, not two"));
        }
        tolerance = tolerance.or(tolerated);
        terms.push(read);
    }
    if terms.is_empty() {
        log.push(Mistake::at(node.at.clone(), "a tier without anything to make best"));
        return None;
    }
    let tolerance = tolerance.unwrap_or_default();
    Some(Objective { direction, terms, tolerance, at: node.at.clone() })
}

fn term(node: &Node, log: &mut MistakeLog) -> Option<(Term, Option<Decimal>)> {
    if node.as_map().is_none() {
        let what = expression(node, "an objective", log)?;
        return Some((Term { what, weight: Decimal::ONE }, None));
    }
    let mut fields = Fields::of(node, "an objective", log)?;
    let what = fields.required("what", &node.at, log);
    let what = what.and_then(|node| expression(node, "what", log));
    let weight = match fields.get("weight") {
        Some(node) => weight(node, log),
        None => Some(Decimal::ONE),
    };
    let tolerance = fields.get("tolerance").and_then(|node| tolerance(node, log));
    fields.finish(log);
    Some((Term { what: what?, weight: weight? }, tolerance))
}

fn weight(node: &Node, log: &mut MistakeLog) -> Option<Decimal> {
    let written = text(node, "weight", log)?;
    match written.parse::<Decimal>() {
        Ok(weight) if weight > Decimal::ZERO => Some(weight),
        Ok(_) => {
            log.push(mistake_at(node, "a weight must be above zero"));
            None
        }
        Err(error) => {
            log.push(mistake_at(node, format!("weight: {error}")));
            None
        }
    }
}

fn tolerance(node: &Node, log: &mut MistakeLog) -> Option<Decimal> {
    let value = ratio(node, "tolerance", log)?;
    let percent = node.as_scalar().is_some_and(|s| s.text.contains('%'));
    if value > Decimal::ONE && !percent {
        let mistake = mistake_at(node, format!("a tolerance of {value} is more than the whole"));
        log.push(mistake.hint(format!("did you mean {value}%?")));
        return None;
    }
    Some(value)
}
