//! From goals as written to rules that are understood: expanded, parsed and typed.

use coc_model::application::Application;
use coc_model::decimal::Decimal;
use coc_model::goals::{
    Definition, Direction, Goals, Located, Policy, Requirement, RequirementBody,
};
use coc_model::mistake::{Mistake, MistakeLog, Mistakes, Position, closest};
use serde_json::Value;

use crate::check::{Names, check};
use crate::expression::{Expression, Type};
use crate::library::{Library, Use, expand};
use crate::syntax::{Source, parse};

/// A requirement that is understood.
#[derive(Clone, Debug)]
pub struct Rule {
    /// What it says, in the person's words.
    pub goal: String,
    /// Its text and where it stands.
    pub source: Source,
    /// Its typed form.
    pub expression: Expression,
    /// How strict it is.
    pub policy: Policy,
    /// Where it begins.
    pub at: Position,
}

/// A tier of objectives that is understood.
#[derive(Clone, Debug)]
pub struct Tier {
    /// What is made best, in the person's words.
    pub goal: String,
    /// Which way.
    pub direction: Direction,
    /// The weighted sum.
    pub terms: Vec<(Source, Expression, Decimal)>,
    /// How much worse than its best it may become for later tiers, as a ratio.
    pub tolerance: Decimal,
    /// Where it begins; `None` for the objective that holds where none is stated.
    pub at: Option<Position>,
}

/// All the goals of an application, understood.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// What must hold, in the order written, then what the application itself asks for.
    pub require: Vec<Rule>,
    /// What to make best, the most important first; cost, if nothing else is stated.
    pub tiers: Vec<Tier>,
}

/// Reads goals against the application they are for. Latency limits of links and ties between
/// services become requirements too.
///
/// # Errors
/// Every mistake in every goal, each at its column.
pub fn understand(
    application: &Application,
    goals: &Goals,
    library: &Library,
) -> Result<Rules, Mistakes> {
    let names = Names { services: application.services.keys().cloned().collect() };
    let mut log = MistakeLog::new();
    let mut require = Vec::new();
    for requirement in &goals.require {
        let at = &requirement.at;
        let policy = policy(requirement, library);
        let (goal, source) = match &requirement.body {
            RequirementBody::That(text) => (text.value.trim().to_owned(), Source::written(text)),
            RequirementBody::Named { name, arguments, short } => {
                let services = &names.services;
                let used = Use { name, arguments, short: short.as_ref(), at, services };
                match expand(library, used) {
                    Ok(text) => (shown(used), Source::expanded(text, at.clone())),
                    Err(mistakes) => {
                        log.extend(mistakes);
                        continue;
                    }
                }
            }
        };
        let rule = rule(goal, source, policy, at.clone(), &names);
        require.extend(rule.map_err(|m| log.extend(m)).ok());
    }
    for (goal, text, at) in implied(application) {
        let source = Source::expanded(text, at.clone());
        let rule = rule(goal, source, Policy::Must, at, &names);
        require.extend(rule.map_err(|m| log.extend(m)).ok());
    }
    let tiers = tiers(goals, library, &names, &mut log);
    log.finish(Rules { require, tiers })
}

/// Reads goals that may use named goals of people's own, defined beside them.
///
/// # Errors
/// Every mistake in every definition and in every goal, but not those that only come of a
/// definition being wrong.
pub fn understand_with(
    application: &Application,
    goals: &Goals,
    definitions: &[Definition],
    library: &Library,
) -> Result<Rules, Mistakes> {
    let services = application.services.keys().cloned().collect();
    match library.clone().with(definitions, Some(&services)) {
        Ok(library) => understand(application, goals, &library),
        Err(mistakes) => {
            let mut log = MistakeLog::new();
            log.extend(mistakes);
            let rest = without(goals, definitions);
            let understood = understand(application, &rest, library);
            let rules = understood.map_err(|mistakes| log.extend(mistakes)).unwrap_or_default();
            log.finish(rules)
        }
    }
}

/// The goals that use none of the definitions.
fn without(goals: &Goals, definitions: &[Definition]) -> Goals {
    let defined = |name: &str| definitions.iter().any(|d| d.name.value == name);
    let mut rest = goals.clone();
    rest.require.retain(|requirement| match &requirement.body {
        RequirementBody::Named { name, .. } => !defined(name),
        RequirementBody::That(_) => true,
    });
    rest.objectives.retain(|o| o.terms.iter().all(|term| !defined(term.what.value.trim())));
    rest
}

/// How strict a requirement is: as written, else as its named goal says.
fn policy(requirement: &Requirement, library: &Library) -> Policy {
    let named = match &requirement.body {
        RequirementBody::Named { name, .. } => library.goal(name).and_then(|goal| goal.policy),
        RequirementBody::That(_) => None,
    };
    named.filter(|_| requirement.policy == Policy::Must).unwrap_or(requirement.policy)
}

fn rule(
    goal: String,
    source: Source,
    policy: Policy,
    at: Position,
    names: &Names,
) -> Result<Rule, Vec<Mistake>> {
    let parsed = parse(source)?;
    let expression = check(&parsed, names)?;
    if expression.gives != Type::Bool {
        let says = format!("a requirement is true or false, not {}", expression.gives.words());
        return Err(vec![parsed.mistake(&parsed.tree, says)]);
    }
    Ok(Rule { goal, source: parsed.source().clone(), expression, policy, at })
}

/// What the application asks for without goals: (in words, as an expression, where).
fn implied(application: &Application) -> Vec<(String, String, Position)> {
    let quoted = |name: &str| Value::from(name).to_string();
    let mut implied = Vec::new();
    for link in &application.links {
        if let Some(latency) = link.latency {
            let goal = format!("latency: {} to {} at most {latency}", link.from, link.to);
            let (from, to) = (quoted(&link.from), quoted(&link.to));
            implied.push((
                goal,
                format!("latency({from}, {to}) <= us({})", latency.0),
                link.at.clone(),
            ));
        }
    }
    for (name, service) in &application.services {
        for tie in &service.with {
            let goal = format!("{name} on the host of {}: {}", tie.service, tie.reason);
            let (a, b) = (quoted(name), quoted(&tie.service));
            let text = format!("replicas({a}).all(r, replicas({b}).all(q, r.host == q.host))");
            implied.push((goal, text, tie.at.clone()));
        }
    }
    implied
}

fn tiers(goals: &Goals, library: &Library, names: &Names, log: &mut MistakeLog) -> Vec<Tier> {
    let mut tiers = Vec::new();
    for objective in &goals.objectives {
        let mut terms = Vec::new();
        let mut words = Vec::new();
        for term in &objective.terms {
            words.push(term.what.value.trim().to_owned());
            match parse(measured(&term.what, library))
                .and_then(|p| check(&p, names).map(|e| (p, e)))
            {
                Ok((parsed, expression)) => match expression.gives {
                    Type::Number(_) => {
                        terms.push((parsed.source().clone(), expression, term.weight));
                    }
                    other => {
                        let says = format!("an objective is a number, not {}", other.words());
                        log.push(parsed.mistake(&parsed.tree, says));
                    }
                },
                Err(mistakes) => log.extend(meant(&term.what, library, mistakes)),
            }
        }
        tiers.push(Tier {
            goal: words.join(" + "),
            direction: objective.direction,
            terms,
            tolerance: objective.tolerance,
            at: Some(objective.at.clone()),
        });
    }
    if tiers.is_empty() {
        tiers.extend(default_tier(names));
    }
    tiers
}

/// The expression of a term: a number's name stands for what it is defined as.
fn measured(what: &Located<String>, library: &Library) -> Source {
    match library.number(what.value.trim()) {
        Some(named) => Source::expanded(named.number.clone(), what.at.clone()),
        None => Source::written(what),
    }
}

/// The mistakes of a term; one that is a single unknown word may have been meant to name a number.
fn meant(what: &Located<String>, library: &Library, mistakes: Vec<Mistake>) -> Vec<Mistake> {
    let word = what.value.trim();
    let known = library.numbers.iter().map(|number| number.name.as_str());
    let hint = closest(word, known).map(|name| format!("did you mean \"{name}\"?"));
    let hinted = |mut mistake: Mistake| {
        mistake.hint = mistake.hint.or_else(|| hint.clone());
        mistake
    };
    mistakes.into_iter().map(hinted).collect()
}

/// Cost, the objective where none is stated.
fn default_tier(names: &Names) -> Option<Tier> {
    let at = Position { file: "".into(), line: 1, column: 1 };
    let parsed = parse(Source::expanded("cost".to_owned(), at)).ok()?;
    let expression = check(&parsed, names).ok()?;
    let source = parsed.source().clone();
    Some(Tier {
        goal: "cost".to_owned(),
        direction: Direction::Minimize,
        terms: vec![(source, expression, Decimal::ONE)],
        tolerance: Decimal::ZERO,
        at: None,
    })
}

/// A named goal in the words it was written in.
fn shown(used: Use<'_>) -> String {
    let plain = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let words: Vec<String> = items
                .iter()
                .map(|i| i.as_str().map_or_else(|| i.to_string(), ToOwned::to_owned))
                .collect();
            format!("[{}]", words.join(", "))
        }
        other => other.to_string(),
    };
    let arguments: Vec<String> = match used.short {
        Some(value) => vec![plain(&value.value)],
        None => used.arguments.iter().map(|(k, v)| format!("{k} {}", plain(&v.value))).collect(),
    };
    format!("{}: {}", used.name, arguments.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::standard_library;
    use coc_model::application::{Link, Service, Tie};
    use coc_model::goals::{Objective, Term};
    use coc_model::quantity::Micros;
    use std::collections::BTreeMap;

    fn at(line: u32) -> Position {
        Position { file: "g".into(), line, column: 1 }
    }

    fn shop() -> Application {
        let mut web = Service::container(at(1));
        let tie = Tie { service: "db".into(), reason: "shares a volume".into(), at: at(2) };
        web.with.push(tie);
        let services =
            BTreeMap::from([("web".to_owned(), web), ("db".to_owned(), Service::container(at(1)))]);
        let link = Link {
            from: "web".into(),
            to: "db".into(),
            port: None,
            traffic: None,
            latency: Some(Micros(20_000)),
            at: at(3),
            inferred: None,
        };
        let name = "shop".to_owned();
        Application { name, services, links: vec![link], volumes: BTreeMap::new(), keys: vec![] }
    }

    #[test]
    fn what_the_application_asks_for_becomes_a_rule_too() {
        let rules = understand(&shop(), &Goals::default(), &standard_library()).unwrap();
        let goals: Vec<&str> = rules.require.iter().map(|r| r.goal.as_str()).collect();
        assert_eq!(
            goals,
            ["latency: web to db at most 20 ms", "web on the host of db: shares a volume"]
        );
        assert_eq!(rules.tiers[0].goal, "cost");
    }

    #[test]
    fn all_mistakes_come_at_once() {
        let that = |line: u32, text: &str| Requirement {
            body: RequirementBody::That(Located { value: text.into(), at: at(line) }),
            policy: Policy::Must,
            at: at(line),
        };
        let term = Term { what: Located { value: "cots".into(), at: at(9) }, weight: Decimal::ONE };
        let goals = Goals {
            require: vec![that(5, "cost"), that(6, "cost <="), that(7, "cost <= usd(1)")],
            objectives: vec![Objective {
                direction: Direction::Minimize,
                terms: vec![term],
                tolerance: Decimal::ZERO,
                at: at(9),
            }],
        };
        let mistakes = understand(&shop(), &goals, &standard_library()).unwrap_err();
        let lines: Vec<u32> =
            mistakes.iter().filter_map(|m| m.at.as_ref().map(|a| a.line)).collect();
        assert_eq!(lines, [5, 6, 9]);
    }
}
