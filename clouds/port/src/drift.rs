//! How a resource differs from the document it was made from.

use coc_model::secret::SECRET_KEY;
use serde::Serialize;
use serde_json::Value;

/// A field that reads back otherwise than it was sent.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// The field, as a JSON pointer (RFC 6901).
    pub field: String,
    /// What was sent.
    pub sent: Value,
    /// What is there now; `None` if nothing is.
    pub read: Option<Value>,
}

/// What a type's documents are compared by.
pub struct Comparison<'a> {
    /// Fields that can't be read back, as JSON pointers in which `*` stands for any one key or
    /// index. They and what lies in them are never compared.
    pub unreadable: &'a [&'a str],
    /// True if what was sent for a field (given as its JSON pointer) and what is read there mean the
    /// same although they are not equal: other units, other case, another order, a default that is
    /// not shown.
    pub same: &'a (dyn Fn(&str, &Value, Option<&Value>) -> bool + Send + Sync),
}

impl Comparison<'_> {
    /// The differences among the fields that the sent document states, in its order. What only the
    /// read one has was filled in by the cloud and is none. A field sent as `null` is one that
    /// should not be there. Secrets, which planned documents hold as references, are not compared.
    pub fn differences(&self, sent: &Value, read: &Value) -> Vec<Difference> {
        let mut found = Vec::new();
        self.walk("", sent, Some(read), &mut found);
        found
    }

    fn walk(&self, field: &str, sent: &Value, read: Option<&Value>, found: &mut Vec<Difference>) {
        let secret = sent.as_object().is_some_and(|o| o.len() == 1 && o.contains_key(SECRET_KEY));
        if secret || self.unreadable.iter().any(|pattern| covers(pattern, field)) {
            return;
        }
        let read = read.filter(|r| !r.is_null());
        match (sent, read) {
            (Value::Null, None) => {}
            (sent, read) if Some(sent) == read || (self.same)(field, sent, read) => {}
            (Value::Object(sent), Some(Value::Object(read))) => {
                for (key, value) in sent {
                    self.walk(&below(field, key), value, read.get(key), found);
                }
            }
            (Value::Array(sent), Some(Value::Array(read))) if sent.len() == read.len() => {
                for (i, (sent, read)) in sent.iter().zip(read).enumerate() {
                    self.walk(&below(field, &i.to_string()), sent, Some(read), found);
                }
            }
            (sent, read) => found.push(Difference {
                field: field.to_owned(),
                sent: sent.clone(),
                read: read.cloned(),
            }),
        }
    }
}

/// The pointer of a key below a field.
pub fn below(field: &str, key: &str) -> String {
    format!("{field}/{}", key.replace('~', "~0").replace('/', "~1"))
}

fn covers(pattern: &str, field: &str) -> bool {
    let (mut patterns, mut keys) = (pattern.split('/'), field.split('/'));
    loop {
        match (patterns.next(), keys.next()) {
            (None, None) => return true,
            (Some(p), Some(k)) if p == "*" || p == k => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fields(sent: &Value, read: &Value) -> Vec<String> {
        let lower = |v: Option<&Value>| v.and_then(Value::as_str).map(str::to_lowercase);
        let same = |field: &str, sent: &Value, read: Option<&Value>| match field {
            "/region" => lower(Some(sent)) == lower(read),
            "/protected" => *sent == json!(false) && read.is_none(),
            _ => false,
        };
        let comparison = Comparison { unreadable: &["/userData", "/env/*"], same: &same };
        comparison.differences(sent, read).into_iter().map(|d| d.field).collect()
    }

    #[test]
    fn only_what_was_sent_counts() {
        for (sent, read, differ) in [
            (json!({"a": 1}), json!({"a": 1, "status": "ok"}), vec![]),
            (json!({"a": 1}), json!({"a": 2}), vec!["/a"]),
            (json!({"a": 1}), json!({}), vec!["/a"]),
            (json!({"a": null}), json!({}), vec![]),
            (json!({"a": null}), json!({"a": 1}), vec!["/a"]),
            (json!({"a": {"b": 1, "c": 2}}), json!({"a": {"b": 3, "c": 2}}), vec!["/a/b"]),
            (json!({"a": [1, {"b": 2}]}), json!({"a": [1, {"b": 3, "x": 1}]}), vec!["/a/1/b"]),
            (json!({"a": [1]}), json!({"a": [1, 2]}), vec!["/a"]),
            (json!({"x/y": 1}), json!({"x/y": 2}), vec!["/x~1y"]),
            (json!({"region": "North"}), json!({"region": "north"}), vec![]),
            (json!({"protected": false}), json!({}), vec![]),
            (json!({"protected": false}), json!({"protected": true}), vec!["/protected"]),
            (json!({"userData": "x"}), json!({}), vec![]),
            (json!({"env": {"A": "x"}}), json!({"env": {"A": "y"}}), vec![]),
            (json!({"env": {"A": "x"}}), json!({}), vec!["/env"]),
            (json!({"p": {"$secret": "application:db:env:P"}}), json!({}), vec![]),
        ] {
            assert_eq!(fields(&sent, &read), differ, "{sent} against {read}");
        }
    }
}
