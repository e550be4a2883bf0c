//! A native document under construction.

use serde_json::{Map, Value};

/// A JSON object that is filled field by field.
#[derive(Clone, Debug, Default)]
pub(super) struct Document(Map<String, Value>);

impl Document {
    /// Sets a field, the objects on the way to it being made as needed.
    pub(super) fn put(&mut self, path: &[&str], value: impl Into<Value>) {
        if let Some(place) = self.place(path) {
            *place = value.into();
        }
    }

    /// Adds an item to a list, which is made as needed.
    pub(super) fn push(&mut self, path: &[&str], item: impl Into<Value>) {
        let Some(place) = self.place(path) else { return };
        if !place.is_array() {
            *place = Value::Array(Vec::new());
        }
        if let Some(items) = place.as_array_mut() {
            items.push(item.into());
        }
    }

    fn place(&mut self, path: &[&str]) -> Option<&mut Value> {
        let (last, above) = path.split_last()?;
        let mut object = &mut self.0;
        for step in above {
            let inner = object.entry(*step).or_insert_with(|| Value::Object(Map::new()));
            if !inner.is_object() {
                *inner = Value::Object(Map::new());
            }
            object = inner.as_object_mut()?;
        }
        Some(object.entry(*last).or_insert(Value::Null))
    }

    /// Calls `change` with every text in the document and its path; a result takes its place.
    pub(super) fn change_texts(&mut self, change: &mut dyn FnMut(&str, &str) -> Option<Value>) {
        for (key, value) in &mut self.0 {
            change_texts(value, key, change);
        }
    }

    /// The document; `None` if nothing was put into it.
    pub(super) fn into_value(self) -> Option<Value> {
        (!self.0.is_empty()).then_some(Value::Object(self.0))
    }
}

fn change_texts(
    value: &mut Value,
    path: &str,
    change: &mut dyn FnMut(&str, &str) -> Option<Value>,
) {
    match value {
        Value::String(text) => {
            if let Some(new) = change(path, text) {
                *value = new;
            }
        }
        Value::Array(items) => {
            for (i, item) in items.iter_mut().enumerate() {
                change_texts(item, &format!("{path}.{i}"), change);
            }
        }
        Value::Object(entries) => {
            for (key, inner) in entries {
                change_texts(inner, &format!("{path}.{key}"), change);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn fields_are_put_where_they_belong() {
        let mut document = Document::default();
        document.put(&["Tty"], true);
        document.put(&["HostConfig", "Memory"], 5);
        document.push(&["HostConfig", "Binds"], "a");
        document.push(&["HostConfig", "Binds"], "b");
        document.put(&["Tty", "x"], 1);
        let value = document.clone().into_value();
        assert_eq!(
            value,
            Some(json!({"Tty": {"x": 1}, "HostConfig": {"Memory": 5, "Binds": ["a", "b"]}}))
        );
        document.change_texts(&mut |path, text| {
            (path == "HostConfig.Binds.1").then(|| json!(format!("{text}!")))
        });
        assert_eq!(document.into_value().unwrap()["HostConfig"]["Binds"], json!(["a", "b!"]));
        assert_eq!(Document::default().into_value(), None);
    }
}
