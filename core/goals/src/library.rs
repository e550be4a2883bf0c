//! Named goals: macros, as data, that expand to expressions.

use std::collections::{BTreeMap, BTreeSet};

use coc_model::decimal::Decimal;
use coc_model::goals::Located;
use coc_model::mistake::{Mistake, Position, closest};
use coc_model::money::{HOURS_PER_MONTH, Money};
use coc_model::quantity::Micros;
use serde::Deserialize;
use serde_json::Value;

/// A named goal.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedGoal {
    /// The name people write.
    pub name: String,
    /// One sentence on what it means.
    pub about: String,
    /// The field that a single value means: `budget: 120 USD/month`.
    #[serde(default)]
    pub short: Option<String>,
    /// Its arguments.
    pub fields: BTreeMap<String, Field>,
    /// What it expands to: all forms whose arguments are there, joined by `&&`.
    pub forms: Vec<Form>,
}

/// An argument of a named goal.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// What it takes.
    #[serde(rename = "type")]
    pub takes: FieldType,
    /// What it means.
    pub about: String,
    /// Its value if left out.
    #[serde(default)]
    pub default: Option<String>,
}

/// What an argument can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FieldType {
    /// The name of a service.
    Service,
    /// The name of a service or a list of names.
    Services,
    /// A word or a list of words.
    Words,
    /// Where things can be counted: `cloud`, `region`, `zone`, `country`, `area`, `host`.
    Scope,
    /// A whole number.
    Count,
    /// An amount per month.
    Money,
    /// A time.
    Time,
}

/// One expansion.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Form {
    /// The arguments it needs.
    pub when: Vec<String>,
    /// The arguments that switch it off.
    #[serde(default)]
    pub unless: Vec<String>,
    /// An expression with arguments as `{name}`.
    pub that: String,
}

/// The named goals shipped with this project.
///
/// # Panics
/// Never in a build that passed its tests: the library is compiled in and a test reads it.
#[expect(clippy::expect_used, reason = "compiled-in data that a test reads")]
pub fn standard_library() -> Vec<NamedGoal> {
    serde_json::from_str(include_str!("library.json")).expect("the compiled-in library reads")
}

const SCOPES: [&str; 6] = ["cloud", "region", "zone", "country", "area", "host"];

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
pub fn expand(library: &[NamedGoal], used: Use<'_>) -> Result<String, Vec<Mistake>> {
    let Some(goal) = library.iter().find(|g| g.name == used.name) else {
        let known = library.iter().map(|g| g.name.as_str());
        let hint = closest(used.name, known.clone()).map_or_else(
            || {
                format!(
                    "known are {}, and \"that\" for an expression",
                    known.collect::<Vec<_>>().join(", ")
                )
            },
            |name| format!("did you mean \"{name}\"?"),
        );
        let says = format!("no goal is called \"{}\"", used.name);
        return Err(vec![Mistake::at(used.at.clone(), says).hint(hint)]);
    };
    let (rendered, mut mistakes) = render(goal, used);
    let forms: Vec<&Form> = goal
        .forms
        .iter()
        .filter(|f| f.when.iter().all(|name| rendered.contains_key(name.as_str())))
        .filter(|f| !f.unless.iter().any(|name| rendered.contains_key(name.as_str())))
        .collect();
    if forms.is_empty() && mistakes.is_empty() {
        let needed: Vec<String> = goal.forms.iter().map(|f| f.when.join(" + ")).collect();
        let says =
            format!("\"{}\" lacks an argument: it takes {}", goal.name, needed.join(", or "));
        mistakes.push(Mistake::at(used.at.clone(), says));
    }
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    let parts: Vec<String> = forms.iter().map(|f| fill(&f.that, &rendered)).collect();
    Ok(parts.join(" && "))
}

/// The arguments as texts of the language.
fn render<'a>(goal: &'a NamedGoal, used: Use<'a>) -> (BTreeMap<&'a str, String>, Vec<Mistake>) {
    let (mut rendered, mut mistakes) = (BTreeMap::new(), Vec::new());
    let short = match (&goal.short, used.short) {
        (Some(field), Some(value)) => Some((field.as_str(), value)),
        (None, Some(value)) => {
            let says = format!("\"{}\" takes arguments by name", goal.name);
            let names: Vec<&str> = goal.fields.keys().map(String::as_str).collect();
            let hint = format!("it takes {}", names.join(", "));
            mistakes.push(Mistake::at(value.at.clone(), says).hint(hint));
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
        match render_value(field.takes, &value.value) {
            Ok(text) => {
                mistakes.extend(unknown_services(field.takes, value, used.services));
                rendered.insert(name.as_str(), text);
            }
            Err(due) => {
                let says = format!("\"{name}\" takes {due}, not {}", value.value);
                mistakes.push(Mistake::at(value.at.clone(), says));
            }
        }
    }
    for (name, field) in &goal.fields {
        if let Some(default) = &field.default {
            rendered.entry(name).or_insert_with(|| default.clone());
        }
    }
    (rendered, mistakes)
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

fn render_value(takes: FieldType, value: &Value) -> Result<String, &'static str> {
    match takes {
        FieldType::Service => value.as_str().map(quoted).ok_or("the name of a service"),
        FieldType::Services => match value {
            Value::String(name) => Ok(quoted(name)),
            list => words(list).ok_or("the name of a service or a list of names"),
        },
        FieldType::Words => match value {
            Value::String(word) => Ok(format!("[{}]", quoted(word))),
            list => words(list).ok_or("a word or a list of words"),
        },
        FieldType::Scope => value
            .as_str()
            .filter(|s| SCOPES.contains(s))
            .map(ToOwned::to_owned)
            .ok_or("one of cloud, region, zone, country, area, host"),
        FieldType::Count => value.as_u64().map(|n| n.to_string()).ok_or("a whole number"),
        FieldType::Money => money(value).ok_or("an amount per month like 120 USD/month"),
        FieldType::Time => value
            .as_str()
            .and_then(|text| Micros::parse(text).ok())
            .map(|time| format!("us({})", time.0))
            .ok_or("a time like 20ms"),
    }
}

fn money(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let (amount, months) = match text.split_once('/') {
        None => (text.as_str(), (1, 1)),
        Some((amount, period)) => match period.trim() {
            "month" => (amount, (1, 1)),
            "hour" | "h" => (amount, (HOURS_PER_MONTH, 1)),
            "year" => (amount, (1, 12)),
            _ => return None,
        },
    };
    let dollars: Decimal = Money::parse(amount.trim()).ok()?.to_decimal();
    Some(match months {
        (1, 1) => format!("usd({dollars})"),
        (times, 1) => format!("usd({dollars}) * {times}"),
        (_, parts) => format!("usd({dollars}) / {parts}"),
    })
}

fn words(value: &Value) -> Option<String> {
    let items = value.as_array().filter(|items| !items.is_empty())?;
    let quoted = items.iter().map(|i| i.as_str().map(quoted)).collect::<Option<Vec<_>>>()?;
    Some(format!("[{}]", quoted.join(", ")))
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// Puts the arguments into a form; an argument that is not there leaves nothing.
fn fill(form: &str, rendered: &BTreeMap<&str, String>) -> String {
    let mut out = String::new();
    let mut rest = form;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        out.push_str(rendered.get(name).map_or("", String::as_str));
        rest = after;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn expanded(name: &str, arguments: &Value) -> String {
        let at = Position { file: "g".into(), line: 1, column: 1 };
        let located = |value: &Value| Located { value: value.clone(), at: at.clone() };
        let (named, short) = match arguments {
            Value::Object(map) => {
                (map.iter().map(|(k, v)| (k.clone(), located(v))).collect(), None)
            }
            single => (BTreeMap::new(), Some(located(single))),
        };
        let services = ["a", "b", "db", "web"].map(ToOwned::to_owned).into();
        let used =
            Use { name, arguments: &named, short: short.as_ref(), at: &at, services: &services };
        match expand(&standard_library(), used) {
            Ok(text) => text,
            Err(m) => m.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
        }
    }

    #[test]
    fn named_goals_expand() {
        for (name, arguments, text) in [
            (
                "within",
                json!({"services": ["db"], "area": "EU"}),
                "replicas([\"db\"]).all(r, inside(r, [\"EU\"]))",
            ),
            (
                "within",
                json!({"cloud": ["a", "b"]}),
                "replicas().all(r, r.cloud in [\"a\", \"b\"])",
            ),
            (
                "spread",
                json!({"service": "web", "over": "cloud", "atLeast": 2}),
                "distinct(replicas(\"web\"), r, r.cloud) >= 2",
            ),
            (
                "spread",
                json!({"service": "web", "over": "zone"}),
                "skew(replicas(\"web\"), r, r.zone) <= 1",
            ),
            ("budget", json!("120 USD/month"), "cost <= usd(120)"),
            ("budget", json!({"atMost": "1 USD/hour"}), "cost <= usd(1) * 730"),
            (
                "latency",
                json!({"from": "web", "to": "db", "atMost": "20ms"}),
                "latency(\"web\", \"db\") <= us(20000)",
            ),
            (
                "apart",
                json!({"services": ["a", "b"]}),
                "replicas([\"a\", \"b\"]).all(r, replicas([\"a\", \"b\"]).all(q, r == q || r.host != q.host))",
            ),
        ] {
            assert_eq!(expanded(name, &arguments), text);
        }
    }

    #[test]
    fn mistakes_in_arguments_are_told() {
        for (name, arguments, message) in [
            ("witin", json!({}), "g:1:1: no goal is called \"witin\" (did you mean \"within\"?)"),
            (
                "within",
                json!({"services": ["db"], "aera": "EU"}),
                "g:1:1: \"within\" takes no argument \"aera\" (did you mean \"area\"?)",
            ),
            (
                "spread",
                json!({"service": "web", "over": "planet"}),
                "g:1:1: \"over\" takes one of cloud, region, zone, country, area, host, not \"planet\"",
            ),
            (
                "within",
                json!({"services": ["db", "wbe"], "area": "EU"}),
                "g:1:1: no service is called \"wbe\" (did you mean \"web\"?)",
            ),
            (
                "budget",
                json!({"atMost": "120 EUR/month"}),
                "g:1:1: \"atMost\" takes an amount per month like 120 USD/month, not \"120 EUR/month\"",
            ),
            (
                "latency",
                json!({"from": "a"}),
                "g:1:1: \"latency\" lacks an argument: it takes from + to + atMost, or between + atMost",
            ),
            (
                "within",
                json!("EU"),
                "g:1:1: \"within\" takes arguments by name (it takes area, cloud, country, place, region, services, zone)",
            ),
        ] {
            assert_eq!(expanded(name, &arguments), message);
        }
    }

    #[test]
    fn quotes_in_arguments_can_not_escape() {
        let text = expanded("within", &json!({"area": "EU\"]) || true || inside(r, [\""}));
        assert_eq!(text, "replicas().all(r, inside(r, [\"EU\\\"]) || true || inside(r, [\\\"\"]))");
    }
}
