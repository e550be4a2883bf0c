//! What the fields of named goals take, and how values become texts of the language.

use coc_model::decimal::{Decimal, ONE};
use coc_model::money::{HOURS_PER_MONTH, Money};
use coc_model::quantity::{Bytes, Micros};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::template::Filling;

/// What a field of a named goal takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FieldType {
    /// The name of a service.
    Service,
    /// The name of a service or a list of names.
    Services,
    /// A word.
    Text,
    /// A word or a list of words.
    Words,
    /// What things can share: `cloud`, `region`, `zone`, `country`, `area`, `host`.
    Scope,
    /// A level of places: a scope but `host`.
    Level,
    /// A whole number.
    Count,
    /// Any number.
    Number,
    /// A share of a whole: `40%`, `0.4`.
    Percent,
    /// True or false.
    Boolean,
    /// What an open attribute can be: a word, a number, true or false.
    Value,
    /// An amount per month.
    Money,
    /// A price per hour.
    Price,
    /// A time.
    Time,
    /// Bytes of memory or disk.
    Bytes,
    /// A mass of CO2 equivalent.
    Carbon,
}

/// The levels of places with the lists of their names.
const LEVELS: [(&str, &str); 5] = [
    ("cloud", "clouds"),
    ("region", "regions"),
    ("zone", "zones"),
    ("country", "countries"),
    ("area", "areas"),
];

impl FieldType {
    /// Every type by its name in files, with what it takes in words and a value of it.
    pub const ALL: [(Self, &'static str, &'static str, &'static str); 16] = [
        (Self::Service, "service", "the name of a service", "\"a\""),
        (Self::Services, "services", "the name of a service or a list of names", "[\"a\"]"),
        (Self::Text, "text", "a word", "\"x\""),
        (Self::Words, "words", "a word or a list of words", "[\"x\"]"),
        (Self::Scope, "scope", "one of cloud, region, zone, country, area, host", "\"host\""),
        (Self::Level, "level", "one of cloud, region, zone, country, area", "\"cloud\""),
        (Self::Count, "count", "a whole number", "2"),
        (Self::Number, "number", "a number", "1.5"),
        (Self::Percent, "percent", "a share like 40%", "\"40%\""),
        (Self::Boolean, "boolean", "true or false", "true"),
        (Self::Value, "value", "a word, a number, true or false", "\"x\""),
        (Self::Money, "money", "an amount per month like 120 USD/month", "\"120 USD/month\""),
        (Self::Price, "price", "a price per hour like 0.40 USD/hour", "\"0.40 USD/hour\""),
        (Self::Time, "time", "a time like 20ms", "\"20ms\""),
        (Self::Bytes, "bytes", "a number of bytes like 16GiB", "\"16GiB\""),
        (Self::Carbon, "carbon", "CO2 equivalent per month like 50 kg/month", "\"50 kg/month\""),
    ];

    fn row(self) -> (Self, &'static str, &'static str, &'static str) {
        // Every type has a row: a test goes through them all.
        Self::ALL.into_iter().find(|row| row.0 == self).unwrap_or(Self::ALL[0])
    }

    /// Its name in files.
    pub fn name(self) -> &'static str {
        self.row().1
    }

    /// What it takes, in words.
    pub fn takes(self) -> &'static str {
        self.row().2
    }

    /// The type of a name in files.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|row| row.1 == name).map(|row| row.0)
    }

    /// A value of this type, to try a form with.
    pub(super) fn sample(self) -> Filling {
        let value = serde_json::from_str(self.row().3).unwrap_or_default();
        self.render(&value).unwrap_or_else(|| Filling::text(""))
    }

    /// What stands for a field that is left out: nothing, and for services all of them where a list
    /// of their names is due.
    pub(super) fn absent(self) -> Option<Filling> {
        (self == Self::Services)
            .then(|| Filling { text: String::new(), list: Some("services".to_owned()) })
    }

    /// The value as a text of the language; `None` if it is not of this type.
    pub(super) fn render(self, value: &Value) -> Option<Filling> {
        let text = match self {
            Self::Service | Self::Text => value.as_str().map(quoted),
            Self::Services | Self::Words => {
                let words = words(value)?;
                return Some(Filling { list: Some(words.clone()), text: words });
            }
            Self::Scope | Self::Level => {
                let name = value.as_str()?;
                if self == Self::Scope && name == "host" {
                    return Some(Filling { text: name.to_owned(), list: Some("hosts".to_owned()) });
                }
                let (name, list) = LEVELS.into_iter().find(|level| level.0 == name)?;
                return Some(Filling { text: name.to_owned(), list: Some(list.to_owned()) });
            }
            Self::Count => value.as_u64().map(|n| n.to_string()),
            Self::Number => decimal(value).map(literal),
            Self::Percent => share(value).map(literal),
            Self::Boolean => value.as_bool().map(|b| b.to_string()),
            Self::Value => match value {
                Value::String(text) => Some(quoted(text)),
                Value::Bool(flag) => Some(flag.to_string()),
                number => decimal(number).map(literal),
            },
            Self::Money => money(value, "month"),
            Self::Price => money(value, "hour"),
            Self::Time => {
                let time = value.as_str().and_then(|text| Micros::parse(text).ok());
                time.map(|time| format!("us({})", time.0))
            }
            Self::Bytes => {
                value.as_str().and_then(|text| Bytes::parse(text).ok()).map(|b| bytes(b.0))
            }
            Self::Carbon => value.as_str().and_then(grams).map(|g| format!("grams({g})")),
        };
        text.map(Filling::text)
    }
}

fn decimal(value: &Value) -> Option<Decimal> {
    value.as_number().and_then(|n| n.to_string().parse().ok())
}

/// A number as the language writes it; in brackets if it is below zero, so that it can stand after
/// an operator.
fn literal(number: Decimal) -> String {
    if number.is_negative() { format!("({number})") } else { number.to_string() }
}

/// A share of one: `40%` or 0.4.
fn share(value: &Value) -> Option<Decimal> {
    let share = match value {
        Value::String(text) => {
            let number: Decimal = text.trim().strip_suffix('%')?.trim().parse().ok()?;
            (number.atto() % 100 == 0).then(|| Decimal::from_atto(number.atto() / 100))
        }
        number => decimal(number).filter(|n| n.atto() <= ONE),
    };
    share.filter(|s| !s.is_negative())
}

/// An amount of money for a time, as money for the time that is due.
fn money(value: &Value, due: &str) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let (amount, period) = match text.split_once('/') {
        None => (text.as_str(), due),
        Some((amount, period)) => (amount, period.trim()),
    };
    let hours = |period: &str| match period {
        "hour" | "h" => Some(1),
        "month" => Some(HOURS_PER_MONTH),
        "year" => Some(12 * HOURS_PER_MONTH),
        _ => None,
    };
    let (of, due) = (hours(period)?, hours(due)?);
    let dollars: Decimal = Money::parse(amount.trim()).ok()?.to_decimal();
    Some(match (due / of, of / due) {
        (1, _) => format!("usd({dollars})"),
        (0, parts) => format!("usd({dollars}) / {parts}"),
        (times, _) => format!("usd({dollars}) * {times}"),
    })
}

/// Bytes in the largest unit that they are whole in.
fn bytes(bytes: u64) -> String {
    let units = [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)];
    match units.into_iter().find(|unit| bytes.trailing_zeros() >= unit.1) {
        Some((unit, bits)) => format!("{unit}({})", bytes >> bits),
        None => format!("KiB({bytes}) / 1024"),
    }
}

/// Grams of `50 kg/month`.
fn grams(text: &str) -> Option<Decimal> {
    let mass = text
        .split_once('/')
        .map_or(Some(text), |(mass, period)| (period.trim() == "month").then_some(mass))?;
    let mass = mass.trim();
    let letters = mass.find(|c: char| c.is_ascii_alphabetic())?;
    let (number, unit) = mass.split_at(letters);
    let factor = match unit {
        "g" => 1,
        "kg" => 1_000,
        "t" => 1_000_000,
        _ => return None,
    };
    let number: Decimal = number.trim().parse().ok()?;
    number.checked_mul_integer(factor).filter(|n| !n.is_negative())
}

/// A list of words, written out, from one or several.
fn words(value: &Value) -> Option<String> {
    let one = std::slice::from_ref(value);
    let items = value.as_array().map_or(one, Vec::as_slice);
    let quoted = items.iter().map(|i| i.as_str().map(quoted)).collect::<Option<Vec<_>>>()?;
    (!quoted.is_empty()).then(|| format!("[{}]", quoted.join(", ")))
}

pub(super) fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_type_has_a_name_and_a_sample_of_itself() {
        for (takes, name, _, sample) in FieldType::ALL {
            assert_eq!((takes.name(), FieldType::named(name)), (name, Some(takes)));
            let value = serde_json::from_str(sample).unwrap();
            assert!(takes.render(&value).is_some(), "{name}");
        }
    }

    #[test]
    fn values_become_texts_of_the_language() {
        use FieldType as T;
        for (takes, value, text) in [
            (T::Services, json!("web"), Some("[\"web\"]")),
            (T::Services, json!(["web", "db"]), Some("[\"web\", \"db\"]")),
            (T::Services, json!([]), None),
            (T::Text, json!("a\"b"), Some("\"a\\\"b\"")),
            (T::Level, json!("host"), None),
            (T::Scope, json!("host"), Some("host")),
            (T::Count, json!(3), Some("3")),
            (T::Count, json!(2.5), None),
            (T::Number, json!(-2.5), Some("(-2.5)")),
            (T::Percent, json!("40%"), Some("0.4")),
            (T::Percent, json!(0.4), Some("0.4")),
            (T::Percent, json!(40), None),
            (T::Percent, json!("-4%"), None),
            (T::Boolean, json!(true), Some("true")),
            (T::Boolean, json!("yes"), None),
            (T::Value, json!("gold"), Some("\"gold\"")),
            (T::Value, json!(8), Some("8")),
            (T::Value, json!([1]), None),
            (T::Money, json!("1 USD/hour"), Some("usd(1) * 730")),
            (T::Money, json!("12 USD/year"), Some("usd(12) / 12")),
            (T::Money, json!("5 USD"), Some("usd(5)")),
            (T::Money, json!("5 EUR"), None),
            (T::Price, json!("0.40 USD/hour"), Some("usd(0.4)")),
            (T::Price, json!("73 USD/month"), Some("usd(73) / 730")),
            (T::Time, json!("20ms"), Some("us(20000)")),
            (T::Bytes, json!("16GiB"), Some("GiB(16)")),
            (T::Bytes, json!("1GB"), Some("KiB(1000000000) / 1024")),
            (T::Carbon, json!("50 kg/month"), Some("grams(50000)")),
            (T::Carbon, json!("50 pounds"), None),
        ] {
            let rendered = takes.render(&value).map(|f| f.text);
            assert_eq!(rendered.as_deref(), text, "{takes:?} {value}");
        }
    }
}
