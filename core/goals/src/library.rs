//! Named goals and numbers: macros, as data, that expand to expressions.
//!
//! The ones shipped are in `library.json`; people add their own with documents of `kind: Goal`.

mod define;
mod template;
mod values;

use std::collections::{BTreeMap, BTreeSet};

use coc_model::goals::{Located, Policy};
use coc_model::mistake::{Mistake, Position, closest};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use template::{Filling, fill, holes};
pub use values::FieldType;

/// The named goals and numbers that goals can use.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Library {
    /// What can be required.
    pub goals: Vec<NamedGoal>,
    /// What can be made small or large.
    pub numbers: Vec<NamedNumber>,
}

/// A named goal.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct NamedGoal {
    /// The name people write.
    pub name: String,
    /// One sentence on what it means.
    pub about: String,
    /// The field that a single value means: `budget: 120 USD/month`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub short: Option<String>,
    /// How strict it is where its use does not say; `must` if that is not said either.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Policy>,
    /// Its arguments.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, Field>,
    /// Pieces that forms use like arguments: all forms of a piece whose arguments are there, joined
    /// by `&&`; `true` if there are none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parts: BTreeMap<String, Vec<Form>>,
    /// What it expands to: all forms whose arguments are there, joined by `&&`.
    pub forms: Vec<Form>,
}

/// An argument of a named goal.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// What it takes.
    #[serde(rename = "type")]
    pub takes: FieldType,
    /// What it means.
    pub about: String,
    /// Its value if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
}

/// One expansion.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Form {
    /// The arguments it needs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub when: Vec<String>,
    /// The arguments that switch it off.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unless: Vec<String>,
    /// An expression with arguments as `{name}`; `{name.list}` is the list that the value is one of
    /// (`clouds` for `cloud`), or all services where none are named.
    pub that: String,
}

/// A named number, for objectives.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct NamedNumber {
    /// The name people write.
    pub name: String,
    /// One sentence on what it is.
    pub about: String,
    /// The expression it stands for.
    pub number: String,
}

/// The named goals and numbers shipped with this project.
///
/// # Panics
/// Never in a build that passed its tests: the library is compiled in and a test reads it.
#[expect(clippy::expect_used, reason = "compiled-in data that a test reads")]
pub fn standard_library() -> Library {
    serde_json::from_str(include_str!("library.json")).expect("the compiled-in library reads")
}

impl Library {
    /// The goal of a name.
    pub fn goal(&self, name: &str) -> Option<&NamedGoal> {
        self.goals.iter().find(|goal| goal.name == name)
    }

    /// The number of a name.
    pub fn number(&self, name: &str) -> Option<&NamedNumber> {
        self.numbers.iter().find(|number| number.name == name)
    }
}

/// A named goal as written, to be expanded.
#[derive(Clone, Copy, Debug)]
pub struct Use<'a> {
    /// The name.
    pub name: &'a str,
    /// Its arguments.
    pub arguments: &'a BTreeMap<String, Located<Value>>,
    /// Its single argument, in short form.
    pub short: Option<&'a Located<Value>>,
    /// Where it stands.
    pub at: &'a Position,
    /// The services of the application, which its arguments may name.
    pub services: &'a BTreeSet<String>,
}

/// Expands a named goal to an expression.
///
/// # Errors
/// An unknown name, unknown, missing or wrong arguments; each at its place.
pub fn expand(library: &Library, used: Use<'_>) -> Result<String, Vec<Mistake>> {
    let Some(goal) = library.goal(used.name) else {
        return Err(vec![unknown_goal(library, used)]);
    };
    let (given, mut mistakes) = arguments(goal, used);
    let fillings = with_parts(goal, &given);
    let forms: Vec<&Form> = goal.forms.iter().filter(|form| form.stands(&fillings)).collect();
    if forms.is_empty() && mistakes.is_empty() {
        let needed: Vec<String> = goal.forms.iter().map(|f| f.when.join(" + ")).collect();
        let says =
            format!("\"{}\" lacks an argument: it takes {}", goal.name, needed.join(", or "));
        mistakes.push(Mistake::at(used.at.clone(), says));
    } else if mistakes.is_empty() {
        mistakes.extend(without_effect(goal, used, &forms, &fillings));
    }
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    Ok(joined(&forms, &fillings))
}

/// The mistakes of giving arguments that none of the forms that stand looks at.
fn without_effect(
    goal: &NamedGoal,
    used: Use<'_>,
    forms: &[&Form],
    fillings: &BTreeMap<&str, Filling>,
) -> Vec<Mistake> {
    let mut seen: BTreeSet<&str> = forms.iter().flat_map(|form| form.names()).collect();
    for (part, forms) in &goal.parts {
        if seen.contains(part.as_str()) {
            let standing = forms.iter().filter(|form| form.stands(fillings));
            seen.extend(standing.flat_map(Form::names));
        }
    }
    let meant = |name: &str| if name == "service" { "services" } else { name }.to_owned();
    let ignored = used.arguments.iter().filter(|(name, _)| !seen.contains(meant(name).as_str()));
    let mistake = |(name, value): (&String, &Located<Value>)| {
        let every = goal.forms.iter().chain(goal.parts.values().flatten());
        let partners: Vec<String> = every
            .filter(|form| form.names().contains(name.as_str()))
            .map(|form| form.when.iter().filter(|n| *n != name).cloned().collect::<Vec<_>>())
            .filter(|partners| !partners.is_empty())
            .map(|partners| partners.join(" + "))
            .collect();
        let says = format!("\"{name}\" has no effect with these arguments");
        let mut mistake = Mistake::at(value.at.clone(), says);
        if !partners.is_empty() {
            mistake.hint = Some(format!("it goes with {}", partners.join(", or ")));
        }
        mistake
    };
    ignored.map(mistake).collect()
}

fn unknown_goal(library: &Library, used: Use<'_>) -> Mistake {
    let known = library.goals.iter().map(|g| g.name.as_str());
    let hint = closest(used.name, known.clone()).map_or_else(
        || {
            let names = known.collect::<Vec<_>>().join(", ");
            format!("known are {names}, and \"that\" for an expression")
        },
        |name| format!("did you mean \"{name}\"?"),
    );
    Mistake::at(used.at.clone(), format!("no goal is called \"{}\"", used.name)).hint(hint)
}

impl Form {
    /// The arguments and parts that it looks at.
    fn names(&self) -> BTreeSet<&str> {
        let holes = holes(&self.that).unwrap_or_default();
        self.when.iter().map(String::as_str).chain(holes.iter().map(|hole| hole.name)).collect()
    }

    /// True if its arguments are there and none that switch it off.
    fn stands(&self, fillings: &BTreeMap<&str, Filling>) -> bool {
        let there = |name: &String| fillings.get(name.as_str()).is_some_and(|f| !f.text.is_empty());
        self.when.iter().all(there) && !self.unless.iter().any(there)
    }
}

/// Forms that hold together; brackets keep what is inside one form together.
fn joined(forms: &[&Form], fillings: &BTreeMap<&str, Filling>) -> String {
    let parts: Vec<String> = forms.iter().map(|f| fill(&f.that, fillings).text).collect();
    match parts.as_slice() {
        [] => "true".to_owned(),
        [one] => one.clone(),
        _ => {
            let kept = parts.iter().map(|p| if is_loose(p) { format!("({p})") } else { p.clone() });
            kept.collect::<Vec<_>>().join(" && ")
        }
    }
}

/// True for what would fall apart beside `&&`.
fn is_loose(text: &str) -> bool {
    text.contains("||") || text.contains('?')
}

/// The arguments with the pieces that are made of them.
fn with_parts<'a>(
    goal: &'a NamedGoal,
    given: &BTreeMap<&'a str, Filling>,
) -> BTreeMap<&'a str, Filling> {
    let mut all = given.clone();
    for (name, forms) in &goal.parts {
        let standing: Vec<&Form> = forms.iter().filter(|form| form.stands(given)).collect();
        let text = joined(&standing, given);
        let whole = standing.len() < 2 && !is_loose(&text);
        let text = if whole { text } else { format!("({text})") };
        all.insert(name, Filling::text(text));
    }
    all
}

/// The arguments as texts of the language: those given, then defaults and what is left out.
fn arguments<'a>(goal: &'a NamedGoal, used: Use<'a>) -> (BTreeMap<&'a str, Filling>, Vec<Mistake>) {
    let (mut rendered, mut mistakes) = (BTreeMap::new(), Vec::new());
    let short = match (&goal.short, used.short) {
        (Some(field), Some(value)) => Some((field.as_str(), value)),
        (None, Some(value)) => {
            mistakes.push(takes_names(goal, value));
            None
        }
        (_, None) => None,
    };
    let written = used.arguments.iter().map(|(name, value)| (name.as_str(), value));
    for (name, value) in written.chain(short) {
        let name =
            if name == "service" && !goal.fields.contains_key(name) { "services" } else { name };
        let Some((name, field)) = goal.fields.get_key_value(name) else {
            let says = format!("\"{}\" takes no argument \"{name}\"", goal.name);
            let mut mistake = Mistake::at(value.at.clone(), says);
            mistake.hint = closest(name, goal.fields.keys().map(String::as_str))
                .map(|known| format!("did you mean \"{known}\"?"));
            mistakes.push(mistake);
            continue;
        };
        match field.takes.render(&value.value) {
            Some(filling) => {
                mistakes.extend(unknown_services(field.takes, value, used.services));
                rendered.insert(name.as_str(), filling);
            }
            None => {
                let due = field.takes.takes();
                let says = format!("\"{name}\" takes {due}, not {}", value.value);
                mistakes.push(Mistake::at(value.at.clone(), says));
            }
        }
    }
    left_out(goal, &mut rendered);
    (rendered, mistakes)
}

/// Fills in what is left out.
fn left_out<'a>(goal: &'a NamedGoal, rendered: &mut BTreeMap<&'a str, Filling>) {
    for (name, field) in &goal.fields {
        if rendered.contains_key(name.as_str()) {
            continue;
        }
        let default = field.default.as_ref().and_then(|value| field.takes.render(value));
        if let Some(filling) = default.or_else(|| field.takes.absent()) {
            rendered.insert(name, filling);
        }
    }
}

fn takes_names(goal: &NamedGoal, value: &Located<Value>) -> Mistake {
    let names: Vec<&str> = goal.fields.keys().map(String::as_str).collect();
    let says = format!("\"{}\" takes arguments by name", goal.name);
    let mistake = Mistake::at(value.at.clone(), says);
    mistake.hint(match names.as_slice() {
        [] => "it takes none".to_owned(),
        names => format!("it takes {}", names.join(", ")),
    })
}

/// The mistakes of naming services that there are not, at the argument that names them.
fn unknown_services(
    takes: FieldType,
    value: &Located<Value>,
    services: &BTreeSet<String>,
) -> Vec<Mistake> {
    if !matches!(takes, FieldType::Service | FieldType::Services) {
        return Vec::new();
    }
    let one = std::slice::from_ref(&value.value);
    let names = value.value.as_array().map_or(one, Vec::as_slice).iter().filter_map(Value::as_str);
    let unknown = names.filter(|name| !services.contains(*name));
    let mistake = |name: &str| {
        let says = format!("no service is called \"{name}\"");
        let mut mistake = Mistake::at(value.at.clone(), says);
        if value.value.is_string() {
            mistake = mistake.width(name.chars().count());
        }
        mistake.hint = closest(name, services.iter().map(String::as_str))
            .map(|known| format!("did you mean \"{known}\"?"));
        mistake
    };
    unknown.map(mistake).collect()
}

#[cfg(test)]
mod tests;
