//! An alternative as it was typed: an expression of the goal language, or one of the short forms
//! `SERVICE in PLACE`, `SERVICE on OFFER`, `SERVICE on OFFER in PLACE`.

use std::sync::Arc;

use coc_goals::rules::Rules;
use coc_model::application::SourceFiles;
use coc_model::estate::Estate;
use coc_model::goals::{Located, Policy, Requirement, RequirementBody};
use coc_model::mistake::{Mistake, MistakeLog, Mistakes, Position, closest};

use crate::failure::Failure;
use crate::inputs::Input;

/// The name that mistakes in an alternative are reported under.
pub(super) const WHY_NOT: &str = "--why-not";

/// The rules of an input with an alternative as one more that must hold.
pub(super) fn rules(input: &Input, estate: &Estate, typed: &str) -> Result<Rules, Failure> {
    let expression = match short_form(input, estate, typed) {
        Some(short) => short.map_err(|mistakes| wrong(mistakes, typed))?,
        None => typed.to_owned(),
    };
    let at = Position::new(&Arc::from(WHY_NOT), 1, 1);
    let mut goals = input.goals.clone();
    goals.require.push(Requirement {
        body: RequirementBody::That(Located { value: expression.clone(), at: at.clone() }),
        policy: Policy::Must,
        at,
    });
    let mut rules = input.understood(&goals).map_err(|mistakes| wrong(mistakes, &expression))?;
    for rule in rules.require.iter_mut().filter(|r| &*r.at.file == WHY_NOT) {
        typed.clone_into(&mut rule.goal);
    }
    Ok(rules)
}

/// A failure with the text that the mistakes are in.
pub(super) fn wrong(mistakes: Mistakes, text: &str) -> Failure {
    let mut files = SourceFiles::default();
    files.0.insert(WHY_NOT.into(), text.into());
    Failure::Input(mistakes, files)
}

/// The expression that a short form stands for; `None` if it is none: it begins with a service,
/// then says `in` or `on`.
fn short_form(input: &Input, estate: &Estate, typed: &str) -> Option<Result<String, Mistakes>> {
    let words: Vec<&str> = typed.split_whitespace().collect();
    let (service, rest) = words.split_first()?;
    let (relation, things) = rest.split_first()?;
    if !matches!(*relation, "in" | "on") || things.is_empty() || !is_name(service) {
        return None;
    }
    let mut log = MistakeLog::new();
    let known = |name: &&String| name.as_str() == *service;
    if !input.application.services.keys().any(|name| known(&name)) {
        let names = input.application.services.keys().map(String::as_str);
        log.push(unknown("service", typed, service, closest(service, names)));
    }
    let (offer, places) = if *relation == "in" {
        (None, things)
    } else {
        let (offer, places) = things.split_first()?;
        match places.split_first() {
            None => (Some(*offer), &[][..]),
            Some((&"in", places)) if !places.is_empty() => (Some(*offer), places),
            Some(_) => return None,
        }
    };
    let mut conditions: Vec<String> = Vec::new();
    if let Some(offer) = offer {
        let names = || estate.offerings.iter().map(|o| &*o.offer.name);
        if !names().any(|name| name == offer) {
            log.push(unknown("offer", typed, offer, closest(offer, names())));
        }
        conditions.push(format!("r.offer == {}", quoted(offer)));
    }
    for place in places {
        let clouds = || estate.sites.iter().map(|s| &*s.cloud);
        if clouds().any(|cloud| cloud == *place) {
            conditions.push(format!("r.cloud == {}", quoted(place)));
        } else if estate.places.knows(place) {
            conditions.push(format!("inside(r, {})", quoted(place)));
        } else {
            let near = closest(place, estate.places.names().chain(clouds()));
            log.push(unknown("place", typed, place, near));
        }
    }
    let all = format!("replicas({}).all(r, {})", quoted(service), conditions.join(" && "));
    Some(log.finish(all))
}

/// True for what a service, and no expression, can be called.
fn is_name(word: &str) -> bool {
    word.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn unknown(what: &str, typed: &str, name: &str, near: Option<&str>) -> Mistake {
    let column = typed.find(name).map_or(0, |at| typed[..at].chars().count());
    let column = u32::try_from(column).unwrap_or(0).saturating_add(1);
    let at = Position::new(&Arc::from(WHY_NOT), 1, column);
    let mut mistake =
        Mistake::at(at, format!("there is no {what} \"{name}\"")).width(name.chars().count());
    mistake.hint = near.map(|near| format!("did you mean \"{near}\"?"));
    mistake
}
