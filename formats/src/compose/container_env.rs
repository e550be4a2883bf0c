//! The environment of a service's containers: `environment` over the files of `env_file`; and
//! labels, which come from a key and from files in the same way.

use std::collections::BTreeMap;
use std::sync::Arc;

use coc_model::application::{EnvValue, KeyFate, Service};
use coc_model::mistake::{Mistake, Position};
use coc_model::secret::{SecretRef, SecretValue, is_secret_name, is_secret_value};

use super::carried::object;
use super::dotenv;
use super::secrecy::{Finder, is_distinctive};
use super::service::ServiceReading;
use super::values::{Pair, text_list};
use crate::files::FileError;
use crate::paths;
use crate::tree::Node;

/// A variable of a container, in plain. It has no `Debug`: its value may be a secret.
pub(super) struct Variable {
    /// Its name.
    pub(super) name: String,
    /// Its value; `None` if it is to be taken from the environment of whoever applies the plan.
    pub(super) value: Option<String>,
    /// Where it is set.
    pub(super) at: Position,
    /// True if its value is a secret.
    pub(super) secret: bool,
    /// The variables that its value came from.
    from: Vec<Arc<str>>,
}

#[cfg(test)]
impl Variable {
    /// A variable that is no secret.
    pub(super) fn plain(name: &str, value: &str, at: Position) -> Self {
        let (name, value) = (name.to_owned(), Some(value.to_owned()));
        Self { name, value, at, secret: false, from: Vec::new() }
    }
}

/// A file of variables that a service names.
pub(super) struct EnvFile {
    path: String,
    at: Position,
    required: bool,
    raw: bool,
}

/// `environment`.
pub(super) fn environment(service: &mut ServiceReading<'_, '_>, node: &Node) {
    service.pairs = service.reading.pairs(node);
}

/// `env_file`: a path, or a list of paths and maps.
pub(super) fn env_file(service: &mut ServiceReading<'_, '_>, node: &Node) {
    let alone = node.as_list().is_none();
    let items = if alone { std::slice::from_ref(node) } else { node.as_list().unwrap_or_default() };
    for item in items {
        if let Some(file) = one_env_file(service, item) {
            service.env_files.push(file);
        }
    }
}

fn one_env_file(service: &mut ServiceReading<'_, '_>, item: &Node) -> Option<EnvFile> {
    let at = item.at.clone();
    let Some(entries) = item.as_map() else {
        let path = service.reading.text(item)?;
        return Some(EnvFile { path, at, required: true, raw: false });
    };
    service.reading.unknown_keys(entries, &["path", "required", "format"], "an env_file");
    let Some(path) = item.get("path") else {
        service.reading.wrong(item, "a map with a path");
        return None;
    };
    let required = item.get("required").and_then(|node| service.reading.flag(node));
    let format = item.get("format").and_then(|node| Some((node, service.reading.text(node)?)));
    if let Some((node, _)) = format.as_ref().filter(|(_, format)| format != "raw") {
        service.reading.wrong(node, "raw, the only other format");
    }
    let path = service.reading.text(path)?;
    Some(EnvFile { path, at, required: required.unwrap_or(true), raw: format.is_some() })
}

/// `labels`.
pub(super) fn labels(service: &mut ServiceReading<'_, '_>, node: &Node) {
    service.say("labels", &node.at, KeyFate::Carried);
    let pairs = service.reading.pairs(node);
    service.labels.extend(pairs);
}

/// `label_file`: labels in files of variables.
pub(super) fn label_file(service: &mut ServiceReading<'_, '_>, node: &Node) {
    service.say("label_file", &node.at, KeyFate::Carried);
    service.label_files = text_list(node, service.reading);
}

/// Keeps the labels once all are known, those of files under the others.
pub(super) fn settle_labels(service: &mut ServiceReading<'_, '_>) {
    let mut pairs = Vec::new();
    for (path, at) in std::mem::take(&mut service.label_files) {
        let name = paths::join(&service.reading.folder, &path);
        let Some(source) = service.reading.source(&name, Some(&at)) else { continue };
        for (name, variable) in service.reading.variables(&source, &|_| None) {
            let node = Node::text(&variable.value, variable.at.clone());
            let value = Some(variable.value);
            pairs.push(Pair { name: name.into(), at: variable.at, value, node, note: None });
        }
    }
    pairs.append(&mut service.labels);
    if !pairs.is_empty() {
        let labels = object(service, "labels", pairs);
        service.docker.put(&["Labels"], labels);
    }
}

/// The labels in the container's document that are no secrets.
pub(super) fn plain_labels(service: &Service) -> BTreeMap<String, String> {
    let document = service.native.get("docker").and_then(|docker| docker.get("Labels"));
    let labels = document.and_then(serde_json::Value::as_object).into_iter().flatten();
    labels.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
}

/// Makes the environment once all that it consists of is known; gives it in plain.
pub(super) fn settle(service: &mut ServiceReading<'_, '_>) -> Vec<Variable> {
    let pairs = std::mem::take(&mut service.pairs);
    let mut variables = of_files(service, &pairs);
    for pair in pairs {
        let key = format!("environment.{}", pair.name);
        if let Some(note) = &pair.note {
            service.notes.add(&key, &pair.at, note);
        }
        let origin = service.reading.origin(&pair.node);
        let tainted = origin.is_some_and(|origin| !origin.secrets.is_empty());
        let from = origin.map(|origin| origin.variables.clone()).unwrap_or_default();
        let name = pair.name.to_string();
        let said = pair.value.as_deref().is_some_and(|value| says_secret(&name, value));
        let secret = pair.value.is_some() && (tainted || said);
        let variable = Variable { name, value: pair.value, at: pair.at, secret, from };
        variables.insert(variable.name.clone(), variable);
    }
    let mut variables: Vec<Variable> = variables.into_values().collect();
    spread_secrecy(&mut variables);
    note_origins(service, &variables);
    for variable in &variables {
        let value = match &variable.value {
            None => EnvValue::Passed,
            Some(value) if variable.secret => {
                let reference = SecretRef::of_environment(service.name, &variable.name);
                service.reading.secrets.insert(reference.clone(), SecretValue::new(value.as_str()));
                service.reading.hide(value);
                EnvValue::Secret(reference)
            }
            Some(value) => EnvValue::Text(value.clone()),
        };
        service.service.env.insert(variable.name.clone(), value);
    }
    variables
}

fn says_secret(name: &str, value: &str) -> bool {
    is_secret_name(name) || is_secret_value(value)
}

/// A value that holds a secret of another variable is a secret too.
fn spread_secrecy(variables: &mut [Variable]) {
    let secret = |variable: &&Variable| variable.secret;
    let values = variables.iter().filter(secret).filter_map(|variable| variable.value.as_deref());
    let values: Vec<&str> = values.filter(|value| is_distinctive(value)).collect();
    let Some(finder) = Finder::new(&values) else { return };
    for variable in variables.iter_mut().filter(|variable| !variable.secret) {
        let value = variable.value.as_deref().unwrap_or_default();
        variable.secret = is_distinctive(value) && finder.is_in(value);
    }
}

/// One note that says which variables the values came from.
fn note_origins(service: &mut ServiceReading<'_, '_>, variables: &[Variable]) {
    let origins: Vec<String> = variables
        .iter()
        .filter(|variable| !variable.from.is_empty())
        .map(|variable| format!("{} from {}", variable.name, variable.from.join(", ")))
        .collect();
    if let Some(first) = variables.iter().find(|variable| !variable.from.is_empty()) {
        let note = format!("values come from variables: {}", origins.join("; "));
        service.notes.add("environment", &first.at, &note);
    }
}

fn of_files(service: &mut ServiceReading<'_, '_>, pairs: &[Pair]) -> BTreeMap<String, Variable> {
    let own: BTreeMap<&str, &str> =
        pairs.iter().filter_map(|pair| Some((&*pair.name, pair.value.as_deref()?))).collect();
    let mut variables: BTreeMap<String, Variable> = BTreeMap::new();
    for file in std::mem::take(&mut service.env_files) {
        let Some(source) = source(service, &file) else { continue };
        let environment = service.environment;
        let read = {
            let around = |name: &str| {
                let outer = environment.get(name).or_else(|| own.get(name).copied());
                let earlier = || variables.get(name).and_then(|v| v.value.as_deref());
                outer.or_else(earlier).map(str::to_owned)
            };
            if file.raw {
                dotenv::read_raw(&source.0, &source.1, &around)
            } else {
                service.reading.variables(&source, &around)
            }
        };
        for (name, variable) in read {
            let secret = says_secret(&name, &variable.value);
            let (value, at, from) = (Some(variable.value), variable.at, Vec::new());
            variables.insert(name.clone(), Variable { name, value, at, secret, from });
        }
    }
    variables
}

fn source(service: &mut ServiceReading<'_, '_>, file: &EnvFile) -> Option<(Arc<str>, Arc<str>)> {
    let name = paths::join(&service.reading.folder, &file.path);
    match service.reading.source_if_readable(&name) {
        Ok(source) => Some(source),
        Err(FileError::Missing) if !file.required => {
            let note = format!("{name} is not there, which is allowed");
            service.notes.add("env_file", &file.at, &note);
            None
        }
        Err(error) => {
            let mistake = Mistake::at(file.at.clone(), format!("the file {name} {error}"));
            let example = format!("{}.example", file.path);
            let hint = if service.reading.exists(&example) {
                format!("copy {name}.example to {name} and fill it in")
            } else {
                "make it, or mark it \"required: false\"".to_owned()
            };
            service.reading.log.push(mistake.hint(hint));
            None
        }
    }
}
