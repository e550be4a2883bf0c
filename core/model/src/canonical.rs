//! Canonical JSON: one text for one value, so that texts and their digests can be compared.

use std::fmt::Write as _;

use serde_json::Value;

use crate::marks::digest;

/// The value as JSON text with the keys of every object in bytewise order and nothing between the
/// tokens. Numbers and strings are spelt as `serde_json` spells them.
///
/// ```
/// let value = serde_json::json!({"b": [1, {"d": 2, "c": null}], "a": "x"});
/// assert_eq!(coc_model::canonical::text(&value), r#"{"a":"x","b":[1,{"c":null,"d":2}]}"#);
/// ```
pub fn text(value: &Value) -> String {
    let mut out = String::new();
    write_value(&mut out, value);
    out
}

/// The digest of the canonical text: equal exactly for equal values, whatever the order of keys.
pub fn digest_of(value: &Value) -> String {
    digest(text(value).as_bytes())
}

fn write_value(out: &mut String, value: &Value) {
    match value {
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_value(out, item);
            }
            out.push(']');
        }
        Value::Object(members) => {
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_by(|a, b| a.0.cmp(b.0));
            out.push('{');
            for (i, (key, member)) in sorted.into_iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_scalar(out, &Value::String(key.clone()));
                out.push(':');
                write_value(out, member);
            }
            out.push('}');
        }
        scalar => write_scalar(out, scalar),
    }
}

fn write_scalar(out: &mut String, scalar: &Value) {
    // Writing to a string can't fail.
    let _ = write!(out, "{scalar}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>()
                .prop_filter("JSON has no such number", |f| f.is_finite())
                .prop_map(Value::from),
            ".{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(".{0,4}", inner, 0..4)
                    .prop_map(|m| Value::Object(m.into_iter().collect())),
            ]
        })
    }

    fn reversed(value: &Value) -> Value {
        match value {
            Value::Array(items) => items.iter().map(reversed).collect(),
            Value::Object(m) => {
                Value::Object(m.iter().rev().map(|(k, v)| (k.clone(), reversed(v))).collect())
            }
            other => other.clone(),
        }
    }

    #[test]
    fn different_values_have_different_digests() {
        assert_ne!(digest_of(&json!({"a": 1})), digest_of(&json!({"a": "1"})));
        assert_ne!(digest_of(&json!([1, 2])), digest_of(&json!([2, 1])));
    }

    proptest! {
        #[test]
        fn the_text_reads_back_as_the_same_value(value in any_value()) {
            let read: Value = serde_json::from_str(&text(&value)).unwrap();
            prop_assert_eq!(text(&read), text(&value));
            prop_assert_eq!(read, value);
        }

        #[test]
        fn the_order_of_keys_does_not_matter(value in any_value()) {
            prop_assert_eq!(text(&reversed(&value)), text(&value));
        }
    }
}
