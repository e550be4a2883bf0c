//! Strict reading of JSON: every mistake is told at once, each with its path.

use std::cell::RefCell;
use std::fmt::Display;

use coc_model::mistake::closest;
use serde_json::{Map, Value};

/// The mistakes of a reading: path and what is wrong.
#[derive(Debug, Default)]
pub(crate) struct Log(RefCell<Vec<String>>);

impl Log {
    /// Adds a mistake about the value at a path.
    pub(crate) fn add(&self, path: &str, says: impl Display) {
        let text = if path.is_empty() { says.to_string() } else { format!("{path}: {says}") };
        self.0.borrow_mut().push(text);
    }

    /// All of them, in the order of reading.
    pub(crate) fn into_mistakes(self) -> Vec<String> {
        self.0.into_inner()
    }
}

/// An object being read. What is not asked for before [`Fields::close`] is a mistake.
pub(crate) struct Fields<'v, 'l> {
    map: &'v Map<String, Value>,
    path: String,
    log: &'l Log,
    asked: Vec<&'static str>,
}

/// What a JSON value is, for messages.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// A text or a number, as text: people write `cpu: 2` and `cpu: 500m`.
pub(crate) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

impl<'v, 'l> Fields<'v, 'l> {
    /// Begins to read an object.
    pub(crate) fn of(value: &'v Value, path: &str, log: &'l Log) -> Option<Self> {
        match value {
            Value::Object(map) => Some(Self { map, path: path.to_owned(), log, asked: Vec::new() }),
            other => {
                log.add(path, format!("expected an object, found {}", kind(other)));
                None
            }
        }
    }

    /// The path of a key.
    pub(crate) fn at(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// Adds a mistake about a key.
    pub(crate) fn wrong(&self, key: &str, says: impl Display) {
        self.log.add(&self.at(key), says);
    }

    /// The value of a key; `null` is the same as not there.
    pub(crate) fn value(&mut self, key: &'static str) -> Option<&'v Value> {
        self.asked.push(key);
        self.map.get(key).filter(|v| !v.is_null())
    }

    /// The value of a key that must be there.
    pub(crate) fn required(&mut self, key: &'static str) -> Option<&'v Value> {
        let value = self.value(key);
        if value.is_none() {
            self.log.add(&self.path, format!("\"{key}\" is missing"));
        }
        value
    }

    fn expect<T>(&self, key: &str, value: &Value, what: &str, read: Option<T>) -> Option<T> {
        if read.is_none() {
            self.wrong(key, format!("expected {what}, found {}", kind(value)));
        }
        read
    }

    /// A text.
    pub(crate) fn text(&mut self, key: &'static str) -> Option<String> {
        let value = self.value(key)?;
        self.expect(key, value, "a text", value.as_str().map(str::to_owned))
    }

    /// A text that must be there and not empty.
    pub(crate) fn required_text(&mut self, key: &'static str) -> Option<String> {
        let value = self.required(key)?;
        let text = self.expect(key, value, "a text", value.as_str().map(str::to_owned))?;
        if text.is_empty() {
            self.wrong(key, "it is empty");
            return None;
        }
        Some(text)
    }

    /// True or false.
    pub(crate) fn flag(&mut self, key: &'static str) -> Option<bool> {
        let value = self.value(key)?;
        self.expect(key, value, "true or false", value.as_bool())
    }

    /// A whole number that is not negative and fits.
    pub(crate) fn number<T: TryFrom<u64>>(&mut self, key: &'static str) -> Option<T> {
        let value = self.value(key)?;
        let number = value.as_u64().and_then(|n| T::try_from(n).ok());
        self.expect(key, value, "a whole number in range", number)
    }

    /// A text or a number, read by a rule of its own.
    pub(crate) fn parsed<T, E: Display>(
        &mut self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let value = self.value(key)?;
        let text = self.expect(key, value, "a text or a number", scalar(value))?;
        parse(&text).map_err(|e| self.wrong(key, e)).ok()
    }

    /// The items of a list, each with its path.
    pub(crate) fn list(&mut self, key: &'static str) -> Option<Vec<(&'v Value, String)>> {
        let value = self.value(key)?;
        let items = self.expect(key, value, "a list", value.as_array())?;
        let path = self.at(key);
        Some(items.iter().enumerate().map(|(i, v)| (v, format!("{path}[{i}]"))).collect())
    }

    /// A list of texts.
    pub(crate) fn texts(&mut self, key: &'static str) -> Option<Vec<String>> {
        let items = self.list(key)?;
        let texts = items.into_iter().filter_map(|(value, path)| {
            let text = value.as_str().map(str::to_owned);
            if text.is_none() {
                self.log.add(&path, format!("expected a text, found {}", kind(value)));
            }
            text
        });
        Some(texts.collect())
    }

    /// The entries of an object with free keys, each with its path.
    pub(crate) fn entries(
        &mut self,
        key: &'static str,
    ) -> Option<Vec<(&'v str, &'v Value, String)>> {
        let value = self.value(key)?;
        let map = self.expect(key, value, "an object", value.as_object())?;
        let path = self.at(key);
        Some(map.iter().map(|(k, v)| (&**k, v, format!("{path}.{k}"))).collect())
    }

    /// An object below.
    pub(crate) fn object(&mut self, key: &'static str) -> Option<Fields<'v, 'l>> {
        let value = self.value(key)?;
        Fields::of(value, &self.at(key), self.log)
    }

    /// The object without these keys, to be read by another rule; all its keys count as asked for.
    pub(crate) fn rest(self, without: &[&str]) -> Value {
        let rest = self.map.iter().filter(|(key, _)| !without.contains(&key.as_str()));
        Value::Object(rest.map(|(k, v)| (k.clone(), v.clone())).collect())
    }

    /// The log, for what is read by other means.
    pub(crate) const fn log(&self) -> &'l Log {
        self.log
    }

    /// Ends the reading: each key that was not asked for is a mistake.
    pub(crate) fn close(self) {
        for key in self.map.keys().filter(|k| !self.asked.contains(&k.as_str())) {
            let hint = match closest(key, self.asked.iter().copied()) {
                Some(meant) => format!("\"{key}\" is not known here; did you mean \"{meant}\"?"),
                None => format!("\"{key}\" is not known here; known are {}", self.asked.join(", ")),
            };
            self.log.add(&self.path, hint);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use coc_model::quantity::Cpu;
    use serde_json::json;

    #[test]
    fn every_mistake_is_told_with_its_path() {
        let value = json!({
            "name": "", "cpu": "two", "zones": ["a", 5], "reigon": "x", "limits": {"reads": -1}, "on": 1
        });
        let log = Log::default();
        let mut fields = Fields::of(&value, "", &log).unwrap();
        fields.required_text("name");
        fields.parsed("cpu", Cpu::parse);
        fields.texts("zones");
        fields.required_text("region");
        fields.flag("on");
        let mut limits = fields.object("limits").unwrap();
        limits.number::<u32>("reads");
        limits.close();
        fields.close();
        assert_eq!(
            log.into_mistakes(),
            [
                "name: it is empty",
                "cpu: \"two\" is not an amount of processor time: expected vCPUs like 0.5 or thousandths like 500m",
                "zones[1]: expected a text, found a number",
                "\"region\" is missing",
                "on: expected true or false, found a number",
                "limits.reads: expected a whole number in range, found a number",
                "\"reigon\" is not known here; did you mean \"region\"?",
            ]
        );
    }
}
