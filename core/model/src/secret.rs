//! Secrets: objects hold references; values exist only between reading and the call that needs
//! them.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Where a secret value is to be found, never the value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretRef(pub String);

impl SecretRef {
    /// The reference to the value of an environment variable of a service, as the application's
    /// own files give it.
    pub fn of_environment(service: &str, variable: &str) -> Self {
        Self(format!("application:{service}:env:{variable}"))
    }

    /// The reference to the value of a variable that the application's files use elsewhere than in
    /// an environment: in a command, in a label.
    pub fn of_variable(service: &str, variable: &str) -> Self {
        Self(format!("application:{service}:variable:{variable}"))
    }

    /// The reference to one text of the native document of a service, by its path in there.
    pub fn of_document(service: &str, path: &str) -> Self {
        Self(format!("application:{service}:native:{path}"))
    }

    /// The reference to what a [`MountSource::Secret`](crate::application::MountSource::Secret) of
    /// this name holds.
    pub fn of_secret_file(name: &str) -> Self {
        Self(format!("application:secret:{name}"))
    }

    /// The reference to what a [`MountSource::Config`](crate::application::MountSource::Config) of
    /// this name holds. Configurations are kept like secrets, for they often hold some.
    pub fn of_config_file(name: &str) -> Self {
        Self(format!("application:config:{name}"))
    }

    /// What stands for the value inside a longer text, such as a word of a command:
    /// `--token=${secret:application:web:variable:TOKEN}`. [`Secrets::reveal_in`] puts the value
    /// there when the text is sent.
    pub fn placeholder(&self) -> String {
        format!("{PLACEHOLDER_START}{}}}", self.0)
    }

    /// The reference to a variable of the environment of whoever applies the plan, for variables
    /// that an application passes on ([`EnvValue::Passed`](crate::application::EnvValue::Passed)).
    pub fn of_caller(variable: &str) -> Self {
        Self(format!("caller:env:{variable}"))
    }
}

/// How a placeholder of a secret value starts.
const PLACEHOLDER_START: &str = "${secret:";

/// True if a secret value has yet to be filled into a text, at a placeholder that
/// [`SecretRef::placeholder`] made.
pub fn has_placeholder(text: &str) -> bool {
    text.split_once(PLACEHOLDER_START).is_some_and(|(_, after)| after.contains('}'))
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A secret value. It has no `Display`, its `Debug` says nothing, it can't be serialized; the
/// only way to the text is [`SecretValue::reveal`], to be called where the text is sent.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretValue(String);

impl SecretValue {
    /// Takes a value into keeping.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The text itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretValue(hidden)")
    }
}

/// The values behind the references of one application.
#[derive(Clone, Debug, Default)]
pub struct Secrets(BTreeMap<SecretRef, SecretValue>);

impl Secrets {
    /// No secrets.
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps a value under its reference.
    pub fn insert(&mut self, reference: SecretRef, value: SecretValue) {
        self.0.insert(reference, value);
    }

    /// The value behind a reference.
    pub fn get(&self, reference: &SecretRef) -> Option<&SecretValue> {
        self.0.get(reference)
    }

    /// The text with the values in place of the placeholders that [`SecretRef::placeholder`] made;
    /// to be called where the text is sent. Texts without placeholders come back as they are.
    ///
    /// # Errors
    /// The first reference that has no value here.
    pub fn reveal_in(&self, text: &str) -> Result<String, SecretRef> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once(PLACEHOLDER_START) {
            let Some((name, left)) = after.split_once('}') else { break };
            let reference = SecretRef(name.to_owned());
            let Some(value) = self.get(&reference) else { return Err(reference) };
            out.push_str(before);
            out.push_str(value.reveal());
            rest = left;
        }
        Ok(out + rest)
    }

    /// Takes over all the secrets of another reading.
    pub fn merge(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// The text with every secret value in it replaced by `***`; for messages that repeat what a
    /// server said.
    pub fn redact(&self, text: &str) -> String {
        let mut values: Vec<&str> = self.0.values().map(SecretValue::reveal).collect();
        values.sort_by_key(|v| std::cmp::Reverse(v.len()));
        values
            .into_iter()
            .filter(|v| v.len() >= 4)
            .fold(text.to_owned(), |t, v| t.replace(v, "***"))
    }
}

/// The key under which a native document holds a reference in place of a secret value:
/// `{"$secret": "application:db:env:POSTGRES_PASSWORD"}`.
pub const SECRET_KEY: &str = "$secret";

/// True for the names of variables whose values are secrets by custom.
pub fn is_secret_name(name: &str) -> bool {
    const PARTS: [&str; 10] = [
        "PASSWORD",
        "PASSWD",
        "SECRET",
        "TOKEN",
        "PRIVATE_KEY",
        "API_KEY",
        "APIKEY",
        "ACCESS_KEY",
        "CREDENTIAL",
        "ENCRYPTION_KEY",
    ];
    let upper = name.to_ascii_uppercase();
    PARTS.iter().any(|part| upper.contains(part))
        || upper.ends_with("_PASS")
        || upper.ends_with("_PWD")
}

/// True for a value that carries a password in a URL: `scheme://user:password@host`.
pub fn is_secret_value(value: &str) -> bool {
    value.split_once("://").is_some_and(|(_, rest)| {
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_that_carry_secrets_are_known() {
        for name in ["POSTGRES_PASSWORD", "db_pass", "AWS_SECRET_ACCESS_KEY", "github_token"] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in ["POSTGRES_USER", "PASSENGER_COUNT", "PORT", "KEY"] {
            assert!(!is_secret_name(name), "{name}");
        }
        assert!(is_secret_value("postgres://app:hunter2@db:5432/app"));
        assert!(!is_secret_value("http://db:5432/a@b:c"));
    }

    #[test]
    fn placeholders_are_replaced_where_a_text_is_sent() {
        let reference = SecretRef::of_variable("web", "TOKEN");
        let mut secrets = Secrets::new();
        secrets.insert(reference.clone(), SecretValue::new("canary"));
        let text = format!("--token={}${{HOME}} {0}", reference.placeholder());
        assert!(!text.contains("canary"));
        assert_eq!(secrets.reveal_in(&text).as_deref(), Ok("--token=canary${HOME} canary"));
        assert_eq!(secrets.reveal_in("${secret:open").as_deref(), Ok("${secret:open"));
        assert!(has_placeholder(&text));
        assert!(!has_placeholder("${secret:open") && !has_placeholder("${HOME}"));
        assert_eq!(Secrets::new().reveal_in(&text), Err(reference));
    }

    #[test]
    fn a_value_shows_nowhere() {
        let mut secrets = Secrets::new();
        secrets.insert(SecretRef::of_environment("db", "PW"), SecretValue::new("canary-1234"));
        assert!(!format!("{secrets:?}").contains("canary"));
        assert_eq!(secrets.redact("said canary-1234!"), "said ***!");
    }
}
