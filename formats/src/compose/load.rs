//! Files as one tree: read, variables filled in, includes and extensions resolved, laid over each
//! other.

use std::collections::BTreeMap;
use std::sync::Arc;

use coc_model::mistake::{Mistake, Position};
use coc_model::secret::SecretValue;

use super::environment::Environment;
use super::filling::fill_all;
use super::merge::{alone, cut, merge, pairs};
use super::reading::{Reading, kind};
use super::relocate::relocate;
use super::{extends, include};
use crate::paths;
use crate::tree::{self, Node, Value};

/// What holds for all files that are loaded together.
pub(super) struct Level {
    /// The folder in which their relative paths start, itself starting in the project's folder.
    pub(super) folder: String,
    /// The variables they may use.
    pub(super) environment: Environment,
    /// The files that include each other down to these.
    pub(super) chain: Vec<String>,
}

/// A file to load.
pub(super) struct Wanted {
    /// Its path.
    pub(super) path: String,
    /// Where it was asked for; `None` if by the person.
    pub(super) from: Option<Position>,
}

/// Loads files as one tree, each laid over those before it. `None` if nothing could be read, with
/// mistakes logged.
pub(super) fn load(files: &[Wanted], level: &Level, reading: &mut Reading<'_>) -> Option<Node> {
    let mut whole: Option<Node> = None;
    for file in files {
        let documents = documents(file, reading).unwrap_or_default();
        let mut chain = level.chain.clone();
        chain.push(paths::tidy(&file.path));
        for document in documents {
            let filled = fill_all(&document, &level.environment, reading);
            let moved = relocate(&filled, &level.folder);
            let inner = Level {
                folder: level.folder.clone(),
                environment: level.environment.clone(),
                chain: chain.clone(),
            };
            let included = include::resolve(&moved, &inner, reading);
            let extended = extends::resolve(&included, &file.path, &inner, reading);
            whole = Some(match whole {
                None => alone(&extended),
                Some(lower) => merge(&cut(&lower, &moved), &extended, &mut reading.log),
            });
        }
    }
    whole.map(|whole| settle(&whole, &level.environment, reading))
}

/// The documents of a file: maps all of them, empty ones left out.
pub(super) fn documents(file: &Wanted, reading: &mut Reading<'_>) -> Option<Vec<Node>> {
    if !reading.may_load(file.from.as_ref()) {
        return None;
    }
    let (name, text) = reading.source(&file.path, file.from.as_ref())?;
    let documents = tree::read_documents(&name, &text, &mut reading.log);
    let mut maps = Vec::new();
    for document in documents.into_iter().filter(|document| !document.is_null()) {
        if document.as_map().is_some() {
            maps.push(document);
        } else {
            let says = format!("a Compose file is a map, this is {}", kind(&document));
            let hint = "start with \"services:\"";
            reading.log.push(Mistake::at(document.at.clone(), says).hint(hint));
        }
    }
    Some(maps)
}

/// What only this level knows, made part of the tree: values that its files of variables have for
/// names without values, and for secrets and configurations.
fn settle(whole: &Node, environment: &Environment, reading: &mut Reading<'_>) -> Node {
    for (section, key) in [("secrets", "environment"), ("configs", "environment")] {
        let files = whole.get(section).and_then(Node::as_map).unwrap_or_default();
        for node in files.iter().filter_map(|(_, file)| file.get(key)) {
            let name = node.as_scalar().map(|scalar| Arc::clone(&scalar.text));
            if let Some(value) = name.and_then(|name| environment.get(&name)) {
                reading
                    .file_values
                    .entry(node.at.clone())
                    .or_insert_with(|| SecretValue::new(value));
            }
        }
    }
    on_key(whole, "services", |services| {
        on_each(services, |service| {
            on_key(service, "environment", |variables| {
                let named = pairs(variables);
                if named.as_map().is_none() {
                    return variables.clone();
                }
                with_values(&named, environment)
            })
        })
    })
}

fn with_values(variables: &Node, environment: &Environment) -> Node {
    let Some(entries) = variables.as_map() else { return variables.clone() };
    let entries = entries.iter().map(|(key, value)| {
        let known = environment.of_files_alone(&key.text).filter(|_| value.is_null());
        let value = known.map_or_else(|| value.clone(), |text| Node::text(text, value.at.clone()));
        (key.clone(), value)
    });
    Node { value: Value::Map(Arc::new(entries.collect())), ..variables.clone() }
}

fn on_key(node: &Node, wanted: &str, change: impl Fn(&Node) -> Node) -> Node {
    let Some(entries) = node.as_map() else { return node.clone() };
    let entries = entries.iter().map(|(key, value)| {
        let value = if &*key.text == wanted { change(value) } else { value.clone() };
        (key.clone(), value)
    });
    Node { value: Value::Map(Arc::new(entries.collect())), ..node.clone() }
}

fn on_each(node: &Node, change: impl Fn(&Node) -> Node) -> Node {
    let Some(entries) = node.as_map() else { return node.clone() };
    let entries = entries.iter().map(|(key, value)| (key.clone(), change(value)));
    Node { value: Value::Map(Arc::new(entries.collect())), ..node.clone() }
}

/// The variables of the `.env` file of a folder, if there is one.
pub(super) fn folder_variables(
    folder: &str,
    environment: Environment,
    reading: &mut Reading<'_>,
) -> Environment {
    let path = paths::join(folder, ".env");
    if !reading.exists(&path) {
        return environment;
    }
    with_variables(&[(path, None)], environment, reading)
}

/// The environment with the variables of files, of which later ones win over earlier ones but none
/// over what the environment has. Their paths start in the project's folder.
pub(super) fn with_variables(
    files: &[(String, Option<Position>)],
    environment: Environment,
    reading: &mut Reading<'_>,
) -> Environment {
    let mut all = BTreeMap::new();
    for (path, from) in files {
        let name = paths::join(&reading.folder, path);
        let Some(source) = reading.source(&name, from.as_ref()) else { continue };
        let variables = {
            let earlier: &BTreeMap<String, super::dotenv::Variable> = &all;
            let around = |name: &str| {
                let here = environment.get(name).map(str::to_owned);
                here.or_else(|| Some(earlier.get(name)?.value.clone()))
            };
            reading.variables(&source, &around)
        };
        all.extend(variables);
    }
    environment.with_file(all)
}
