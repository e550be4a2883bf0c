//! `include`: other applications as parts of this one, each with its own folder and variables.

use std::collections::BTreeMap;
use std::sync::Arc;

use coc_model::mistake::{Mistake, Position};

use super::environment::Environment;
use super::load::{Level, Wanted, folder_variables, load, with_variables};
use super::merge::merge;
use super::reading::Reading;
use super::values::text_list;
use crate::paths;
use crate::tree::{Key, Node, Value};

/// What an included application brings with it; its name and its extensions stay behind.
const IMPORTED: [&str; 6] = ["services", "volumes", "networks", "secrets", "configs", "models"];

/// The document laid over all that it includes.
pub(super) fn resolve(document: &Node, level: &Level, reading: &mut Reading<'_>) -> Node {
    let Some(includes) = document.get("include").filter(|node| !node.is_null()) else {
        return document.clone();
    };
    let Some(items) = includes.as_list() else {
        reading.wrong(includes, "a list of files");
        return document.clone();
    };
    let mut whole = document.clone();
    for item in items {
        let imported = one(item, level, reading);
        if let Some(imported) = imported.as_ref().and_then(|imported| parts(imported, &whole)) {
            whole = merge(&imported, &whole, &mut reading.log);
        }
    }
    whole
}

fn one(item: &Node, level: &Level, reading: &mut Reading<'_>) -> Option<Node> {
    if let Some(entries) = item.as_map() {
        const KNOWN: [&str; 3] = ["path", "project_directory", "env_file"];
        reading.unknown_keys(entries, &KNOWN, "include");
    } else if item.as_scalar().is_none() {
        reading.wrong(item, "a file, or a map with a path");
        return None;
    }
    let path = if item.as_map().is_some() { item.get("path") } else { Some(item) };
    let Some(path) = path else {
        reading.wrong(item, "a map with a path");
        return None;
    };
    let nodes = text_list(path, reading);
    let first = local_path(nodes.first()?, level, reading)?;
    if let Some(cycle) = cycle(&first, level, reading) {
        let says = format!("the files include each other in a circle: {cycle}");
        reading.log.push(Mistake::at(nodes[0].1.clone(), says).hint("take one include out"));
        return None;
    }
    let folder = match item.get("project_directory") {
        Some(node) => paths::join(&level.folder, &reading.text(node)?),
        None => paths::folder_of(&first),
    };
    let environment = environment(item, &folder, level, reading);
    let files: Vec<Wanted> = nodes
        .iter()
        .filter_map(|node| {
            let path = local_path(node, level, reading)?;
            let path = paths::join(&reading.folder, &path);
            Some(Wanted { path, from: Some(node.1.clone()) })
        })
        .collect();
    let inner = Level { folder, environment, chain: level.chain.clone() };
    load(&files, &inner, reading)
}

/// The path of an included file, starting in the project's folder.
fn local_path(
    (path, at): &(String, Position),
    level: &Level,
    reading: &mut Reading<'_>,
) -> Option<String> {
    let remote = path.contains("://") || path.starts_with("git@");
    if remote {
        let says = "files from elsewhere are not fetched";
        let hint = "copy the file here and include the copy";
        reading.log.push(Mistake::at(at.clone(), says).hint(hint));
    }
    (!remote).then(|| paths::join(&level.folder, path))
}

/// The circle that including a file would close, if it does.
fn cycle(path: &str, level: &Level, reading: &Reading<'_>) -> Option<String> {
    let name = paths::join(&reading.folder, path);
    let start = level.chain.iter().position(|file| *file == name)?;
    let mut circle = level.chain[start..].to_vec();
    circle.push(name);
    Some(circle.join(" → "))
}

fn environment(item: &Node, folder: &str, level: &Level, reading: &mut Reading<'_>) -> Environment {
    let environment = level.environment.clone();
    let Some(node) = item.get("env_file").filter(|node| !node.is_null()) else {
        return folder_variables(folder, environment, reading);
    };
    let files: Vec<_> = text_list(node, reading)
        .into_iter()
        .filter(|(path, _)| path != "/dev/null")
        .map(|(path, at)| (paths::join(&level.folder, &path), Some(at)))
        .collect();
    with_variables(&files, environment, reading)
}

/// The sections of an included application that are imported. What is there already, because the
/// same file was included from two sides, is not: laid over itself it would have its lists twice.
fn parts(imported: &Node, whole: &Node) -> Option<Node> {
    let sections = imported.as_map()?.iter().filter(|(key, _)| IMPORTED.contains(&&*key.text));
    let sections = sections.map(|(key, section)| {
        let there = whole.get(&key.text).and_then(Node::as_map).unwrap_or_default();
        let there: BTreeMap<&str, &Node> = there.iter().map(|(k, v)| (&*k.text, v)).collect();
        let new = |(key, node): &&(Key, Node)| there.get(&*key.text) != Some(&node);
        let section = match section.as_map() {
            Some(entries) => {
                let entries = entries.iter().filter(new).cloned().collect();
                Node { value: Value::Map(Arc::new(entries)), ..section.clone() }
            }
            None => section.clone(),
        };
        (key.clone(), section)
    });
    Some(Node { value: Value::Map(Arc::new(sections.collect())), ..imported.clone() })
}
