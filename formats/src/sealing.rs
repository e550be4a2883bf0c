//! Taking secret values out of documents that are kept as they are.

use coc_model::secret::{
    SECRET_KEY, SecretRef, SecretValue, Secrets, is_secret_name, is_secret_value,
};
use serde_json::{Value, json};

/// Puts a secret away and gives what stands in a document in its place.
pub(crate) fn sealed(reference: SecretRef, value: &str, secrets: &mut Secrets) -> Value {
    let document = json!({ SECRET_KEY: reference.0 });
    secrets.insert(reference, SecretValue::new(value));
    document
}

/// The same document with every secret put away: texts whose key names a secret by custom, and
/// texts that hold a password in a URL. `path` says whose document it is and becomes the
/// beginning of the references.
pub(crate) fn seal_by_name(document: Value, path: &str, secrets: &mut Secrets) -> Value {
    seal(document, path, &is_secret_name, secrets)
}

/// The same document with every text put away that holds a password in a URL.
pub(crate) fn seal_urls(document: Value, path: &str, secrets: &mut Secrets) -> Value {
    seal(document, path, &|_| false, secrets)
}

fn seal(
    document: Value,
    path: &str,
    is_secret_key: &dyn Fn(&str) -> bool,
    secrets: &mut Secrets,
) -> Value {
    match document {
        Value::Object(entries) => Value::Object(
            entries
                .into_iter()
                .map(|(key, value)| {
                    let inner = format!("{path}.{key}");
                    let value = match value {
                        Value::String(text) if is_secret_key(&key) && !is_reference(&text) => {
                            sealed(SecretRef(inner), &text, secrets)
                        }
                        other => seal(other, &inner, is_secret_key, secrets),
                    };
                    (key, value)
                })
                .collect(),
        ),
        Value::Array(items) => Value::Array(
            items
                .into_iter()
                .enumerate()
                .map(|(i, item)| seal(item, &format!("{path}.{i}"), is_secret_key, secrets))
                .collect(),
        ),
        Value::String(text) if is_secret_value(&text) => {
            sealed(SecretRef(path.to_owned()), &text, secrets)
        }
        other => other,
    }
}

/// True for a text that is an expression: it names a secret and is none.
fn is_reference(text: &str) -> bool {
    text.starts_with("${") || text.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_leave_the_document_and_are_kept() {
        let document = json!({
            "Engine": "postgres", "MasterUserPassword": "canary-1",
            "Parts": [{"url": "amqp://u:canary-2@mq", "token": "${secrets.x}"}],
            "ManageMasterUserPassword": true,
        });
        let mut secrets = Secrets::new();
        let sealed = seal_by_name(document, "application:db:native", &mut secrets);
        assert_eq!(
            sealed,
            json!({
                "Engine": "postgres",
                "MasterUserPassword": {"$secret": "application:db:native.MasterUserPassword"},
                "Parts": [{
                    "url": {"$secret": "application:db:native.Parts.0.url"},
                    "token": "${secrets.x}",
                }],
                "ManageMasterUserPassword": true,
            })
        );
        let kept = secrets.get(&SecretRef("application:db:native.Parts.0.url".into())).unwrap();
        assert_eq!(kept.reveal(), "amqp://u:canary-2@mq");
    }
}
