//! What is written on resources: labels bear the marks, since an engine keeps them from the
//! create call on and never changes them.

use coc_model::marks::Marks;
use serde_json::{Map, Value};

/// The hash of the document a resource was made from, before secrets were filled in.
pub(crate) const SPEC: &str = "coc-spec";

/// A [`Fingerprint`](crate::fingerprint::Fingerprint) of the document a resource was made from.
pub(crate) const FIELDS: &str = "coc-fields";

/// The hash of the environment as it was planned, with references in place of secrets. It is a
/// part of the planned document, so that a change of the environment shows although its values
/// are never compared.
pub(crate) const ENVIRONMENT: &str = "coc-env";

/// Says that the health check was derived from a probe that Docker does not have, so that a check
/// that can't be run in the image is not taken for a sick service.
pub(crate) const DERIVED_PROBE: &str = "coc-probe";

/// The labels of a document with marks, spec and fingerprint written over whatever it says of
/// them.
pub(crate) fn write(document: &mut Map<String, Value>, marks: &Marks, spec: &str, fields: &str) {
    if !document.get("Labels").is_some_and(Value::is_object) {
        document.insert("Labels".into(), Value::Object(Map::new()));
    }
    if let Some(Value::Object(labels)) = document.get_mut("Labels") {
        for (key, value) in marks.pairs() {
            labels.insert(key.to_owned(), value.into());
        }
        labels.insert(SPEC.to_owned(), spec.into());
        labels.insert(FIELDS.to_owned(), fields.into());
    }
}

/// One label among those of a resource.
pub(crate) fn read<'a>(labels: &'a Value, key: &str) -> Option<&'a str> {
    labels.get(key)?.as_str()
}

/// The marks among a resource's labels.
pub(crate) fn marks(labels: &Value) -> Option<Marks> {
    Marks::find(|key| read(labels, key))
}

/// Who made something, as far as its labels tell.
pub(crate) fn whose(labels: &Value) -> String {
    match read(labels, "coc-owner") {
        Some(owner) => format!("it belongs to installation {owner}"),
        None => "it bears no marks of this project".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use coc_model::marks::Mark;
    use serde_json::json;

    fn marks_of(text: &str) -> Marks {
        let mark = |part: &str| Mark::of(&format!("{text}/{part}"));
        Marks { owner: mark("o"), app: mark("a"), res: mark("r"), op: mark("p") }
    }

    #[test]
    fn marks_win_over_the_document_and_leave_its_other_labels() {
        for labels in [json!({"a": "b", "coc-owner": "me"}), json!(null), json!([1])] {
            let mut document = Map::new();
            document.insert("Labels".into(), labels.clone());
            write(&mut document, &marks_of("x"), "s", "f");
            let written = &document["Labels"];
            assert_eq!(marks(written), Some(marks_of("x")), "{labels}");
            assert_eq!((read(written, SPEC), read(written, FIELDS)), (Some("s"), Some("f")));
            assert_eq!(written.get("a"), labels.get("a"));
        }
    }

    #[test]
    fn an_owner_is_told_as_far_as_known() {
        assert_eq!(whose(&json!({"x": "y"})), "it bears no marks of this project");
        assert_eq!(whose(&json!({"coc-owner": "abc"})), "it belongs to installation abc");
        assert_eq!(marks(&json!({"coc-owner": "abc"})), None);
    }
}
