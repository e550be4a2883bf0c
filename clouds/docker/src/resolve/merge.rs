//! Native additions are merged into a document last.

use serde_json::Value;

/// Merges additions into a document as RFC 7396 says: objects key by key, null takes a key away,
/// everything else (lists too) takes the place of what was there.
pub(super) fn deep(document: &mut Value, additions: &Value) {
    let Value::Object(additions) = additions else {
        *document = additions.clone();
        return;
    };
    if !document.is_object() {
        *document = Value::Object(serde_json::Map::new());
    }
    if let Value::Object(fields) = document {
        for (key, addition) in additions {
            if addition.is_null() {
                fields.remove(key);
            } else {
                deep(fields.entry(key.clone()).or_insert(Value::Null), addition);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn additions_win_and_what_they_do_not_say_stays() {
        for (document, additions, merged) in [
            (json!({"a": 1}), json!({"b": 2}), json!({"a": 1, "b": 2})),
            (
                json!({"a": {"b": 1, "c": 2}}),
                json!({"a": {"b": 3}}),
                json!({"a": {"b": 3, "c": 2}}),
            ),
            (json!({"a": [1, 2]}), json!({"a": [3]}), json!({"a": [3]})),
            (json!({"a": {"b": 1}}), json!({"a": {"b": null}}), json!({"a": {}})),
            (json!({"a": 1}), json!({"a": {"b": 2, "c": null}}), json!({"a": {"b": 2}})),
            (json!({"a": 1}), json!({}), json!({"a": 1})),
        ] {
            let mut document = document;
            deep(&mut document, &additions);
            assert_eq!(document, merged, "{additions}");
        }
    }
}
