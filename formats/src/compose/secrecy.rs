//! Secrets, kept out of all that is shown: what is one, and what stands in its place.
//!
//! Values of the environment are kept apart whole. A secret may turn up in other texts of the
//! service too: a variable in a label, the password of a health check written out. There a
//! placeholder stands for it, and a native document holds a reference in place of the whole text.

use std::collections::BTreeMap;
use std::sync::Arc;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use coc_model::application::Probe;
use coc_model::mistake::Mistake;
use coc_model::secret::{SECRET_KEY, SecretRef, SecretValue, Secrets};
use serde_json::json;

use super::container_env::Variable;
use super::document::Document;
use super::reading::Reading;
use super::service::ServiceReading;

/// From this length on a value of small letters alone is taken for a secret that can be told from
/// words in use: shorter ones (`admin`, `nextcloud`) are names of users and databases as well.
const WORD_LENGTH: usize = 12;
/// From this length on other values are.
const MIXED_LENGTH: usize = 6;
/// From this length on the value of a variable is looked for in the texts it was written into.
const VARIABLE_LENGTH: usize = 4;
/// How many bytes of values are looked for together. No container starts with more in its
/// environment.
const BYTES_MAX: usize = 4 << 20;

/// True for a secret value that is worth looking for in other texts. Paths are not: they say where
/// a secret is.
pub(super) fn is_distinctive(value: &str) -> bool {
    let word = value.chars().all(|c| c.is_ascii_lowercase());
    let length = value.chars().count();
    !value.starts_with('/') && length >= if word { WORD_LENGTH } else { MIXED_LENGTH }
}

/// Looks for values in texts, all at once.
pub(super) struct Finder(Option<AhoCorasick>);

impl Finder {
    /// Looks for these values, of which none is empty; `None` if they are over [`BYTES_MAX`]
    /// together.
    pub(super) fn new(values: &[&str]) -> Option<Self> {
        if values.is_empty() {
            return Some(Self(None));
        }
        let bytes: usize = values.iter().map(|value| value.len()).sum();
        let mut builder = AhoCorasick::builder();
        // Few values over short texts are the rule: what is quick to build is quick.
        builder.match_kind(MatchKind::LeftmostLongest);
        builder.kind(Some(AhoCorasickKind::NoncontiguousNFA)).prefilter(false);
        let build = || builder.build(values).ok();
        if bytes > BYTES_MAX { None } else { build().map(|finder| Self(Some(finder))) }
    }

    /// True if one of the values is in the text.
    pub(super) fn is_in(&self, text: &str) -> bool {
        self.0.as_ref().is_some_and(|finder| finder.is_match(text))
    }

    /// The text with something else in place of each value, by the value's number.
    pub(super) fn replace(&self, text: &str, mut with: impl FnMut(usize) -> String) -> String {
        let Some(finder) = &self.0 else { return text.to_owned() };
        let mut out = String::new();
        finder.replace_all_with(text, &mut out, |found, _, out| {
            out.push_str(&with(found.pattern().as_usize()));
            true
        });
        out
    }
}

/// Secret values to look for, each with its reference.
struct Needles {
    finder: Finder,
    references: Vec<(SecretValue, SecretRef)>,
}

impl Needles {
    fn new(references: Vec<(SecretValue, SecretRef)>) -> Option<Self> {
        let values: Vec<&str> = references.iter().map(|(value, _)| value.reveal()).collect();
        Some(Self { finder: Finder::new(&values)?, references })
    }

    /// The text with placeholders in place of values, which go to `secrets`.
    fn hide(&self, text: &str, secrets: &mut Secrets) -> String {
        self.finder.replace(text, |number| {
            let (value, reference) = &self.references[number];
            secrets.insert(reference.clone(), value.clone());
            reference.placeholder()
        })
    }

    /// Replaces every text of a document that holds a value by a reference to the whole text.
    fn hide_in_document(&self, document: &mut Document, owner: &str, secrets: &mut Secrets) {
        document.change_texts(&mut |path, text| {
            self.finder.is_in(text).then(|| {
                let reference = SecretRef::of_document(owner, path);
                let hidden = json!({SECRET_KEY: reference.0});
                secrets.insert(reference, SecretValue::new(text));
                hidden
            })
        });
    }
}

/// Hides the secrets of a service in its command, its health check and its native documents.
pub(super) fn hide(service: &mut ServiceReading<'_, '_>, variables: &[Variable]) {
    let mut references = Vec::new();
    let mut look_for = |value: &str, reference: SecretRef| {
        // A brace in the name would end the placeholder.
        if !reference.0.contains('}') {
            references.push((SecretValue::new(value), reference));
        }
    };
    for variable in variables.iter().filter(|variable| variable.secret) {
        let value = variable.value.as_deref().filter(|value| is_distinctive(value));
        if let Some(value) = value {
            look_for(value, SecretRef::of_environment(service.name, &variable.name));
        }
    }
    for (name, value) in &service.secret_variables {
        if value.reveal().chars().count() >= VARIABLE_LENGTH {
            look_for(value.reveal(), SecretRef::of_variable(service.name, name));
        }
    }
    let Some(needles) = Needles::new(references) else {
        let at = service.service.at.clone();
        service.reading.log.push(Mistake::at(at, "the secrets of this service are over 4 MiB"));
        return;
    };
    let secrets = &mut service.reading.secrets;
    let words = [&mut service.service.entrypoint, &mut service.service.command];
    for word in words.into_iter().flatten().flatten() {
        *word = needles.hide(word, secrets);
    }
    match service.service.healthcheck.as_mut().map(|check| &mut check.probe) {
        Some(Probe::Command(words)) => {
            words.iter_mut().for_each(|word| *word = needles.hide(word, secrets));
        }
        Some(Probe::Shell(line)) => *line = needles.hide(line, secrets),
        _ => {}
    }
    needles.hide_in_document(&mut service.docker, service.name, secrets);
    let build = format!("{}:build", service.name);
    needles.hide_in_document(&mut service.docker_build, &build, secrets);
}

/// Hides the variables with secrets that the native document of a volume was written with.
pub(super) fn hide_in_volume(
    volume: &str,
    document: &mut Document,
    variables: &BTreeMap<Arc<str>, SecretValue>,
    reading: &mut Reading<'_>,
) {
    let owner = format!("volume:{volume}");
    let long = |value: &SecretValue| value.reveal().chars().count() >= VARIABLE_LENGTH;
    let references = variables
        .iter()
        .filter(|(_, value)| long(value))
        .map(|(name, value)| (value.clone(), SecretRef::of_variable(&owner, name)));
    if let Some(needles) = Needles::new(references.collect()) {
        needles.hide_in_document(document, &owner, &mut reading.secrets);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_told_from_words() {
        for (value, distinctive) in [
            ("gitea", false),
            ("nextcloud", false),
            ("changeme", false),
            ("/run/secrets/db-password", false),
            ("true", false),
            ("example_123", true),
            ("reallysecurerootpassword", true),
            ("t4Ph722qJ5QHeQ1qfu36", true),
            ("Passwd", true),
        ] {
            assert_eq!(is_distinctive(value), distinctive, "{value}");
        }
    }

    fn needles(values: &[(&str, &str)]) -> Needles {
        let reference = |name| SecretRef::of_variable("web", name);
        let references = values.iter().map(|(v, name)| (SecretValue::new(*v), reference(name)));
        Needles::new(references.collect()).unwrap()
    }

    #[test]
    fn placeholders_stand_for_values_and_bring_them_back() {
        let needles = needles(&[("secret", "SHORT"), ("secret-1", "LONG")]);
        let mut secrets = Secrets::new();
        let text = "-p secret-1:secret ü secret";
        let hidden = needles.hide(text, &mut secrets);
        assert_eq!(
            hidden,
            "-p ${secret:application:web:variable:LONG}:${secret:application:web:variable:SHORT} ü ${secret:application:web:variable:SHORT}"
        );
        assert_eq!(secrets.reveal_in(&hidden).as_deref(), Ok(text));
        assert_eq!(needles.hide("nothing", &mut secrets), "nothing");
    }

    #[test]
    fn documents_hold_references() {
        let (mut document, mut secrets) = (Document::default(), Secrets::new());
        document.put(&["Labels", "a"], "x canary-1");
        document.put(&["Labels", "b"], "y");
        needles(&[("canary-1", "X")]).hide_in_document(&mut document, "web", &mut secrets);
        let reference = SecretRef::of_document("web", "Labels.a");
        assert_eq!(
            document.into_value(),
            Some(json!({"Labels": {"a": {"$secret": reference.0}, "b": "y"}}))
        );
        assert_eq!(secrets.get(&reference).map(SecretValue::reveal), Some("x canary-1"));
    }

    #[test]
    fn too_many_secrets_are_not_looked_for() {
        assert!(Finder::new(&[&"x".repeat(BYTES_MAX + 1)]).is_none());
        assert!(!Finder::new(&[]).unwrap().is_in("x"));
    }
}
