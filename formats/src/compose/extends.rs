//! `extends`: a service that starts from another one, of the same file or of another.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use coc_model::mistake::{Mistake, Position};

use super::filling::fill_all;
use super::load::{Level, Wanted, documents};
use super::merge::{alone, merge_services};
use super::reading::{Reading, width};
use super::relocate::relocate;
use super::values::NAMES_MAX;
use crate::paths;
use crate::tree::{Node, Value};

/// How many services may start from each other in a row.
const CHAIN_MAX: usize = 64;

/// The document with every service that extends another laid over it.
pub(super) fn resolve(
    document: &Node,
    path: &str,
    level: &Level,
    reading: &mut Reading<'_>,
) -> Node {
    let services = document.get("services").and_then(Node::as_map).unwrap_or_default();
    if !services.iter().any(|(_, service)| service.get("extends").is_some()) {
        return document.clone();
    }
    let file = Rc::new(File::new(path, &level.folder, document));
    let mut extending = Extending { level, reading, files: BTreeMap::new(), done: BTreeMap::new() };
    let extended = services.iter().map(|(key, service)| {
        if let Some(extends) = service.get("extends") {
            extending.reading.extended.insert(key.text.to_string(), extends.at.clone());
        }
        let whole = extending.service(&file, &key.text, &mut Vec::new());
        if whole.is_none() {
            extending.reading.broken.insert(key.text.to_string());
        }
        (key.clone(), whole.unwrap_or_else(|| without_extends(service)))
    });
    let extended = Value::Map(Arc::new(extended.collect()));
    let entries = document.as_map().unwrap_or_default().iter().map(|(key, value)| {
        let replaced = Node { value: extended.clone(), ..value.clone() };
        (key.clone(), if &*key.text == "services" { replaced } else { value.clone() })
    });
    Node { value: Value::Map(Arc::new(entries.collect())), ..document.clone() }
}

/// A file that services come from.
struct File {
    path: String,
    folder: String,
    services: BTreeMap<String, Node>,
}

impl File {
    fn new(path: &str, folder: &str, document: &Node) -> Self {
        let services = document.get("services").and_then(Node::as_map).unwrap_or_default();
        let services = services.iter().map(|(k, v)| (k.text.to_string(), v.clone())).collect();
        Self { path: paths::tidy(path), folder: folder.to_owned(), services }
    }
}

struct Extending<'a, 'r> {
    level: &'a Level,
    reading: &'a mut Reading<'r>,
    files: BTreeMap<String, Option<Rc<File>>>,
    done: BTreeMap<(String, String), Option<Node>>,
}

/// A service on the way down: its file and its name.
type Step = (String, String);

impl Extending<'_, '_> {
    /// The whole service; `None` after a mistake.
    fn service(&mut self, file: &Rc<File>, name: &str, chain: &mut Vec<Step>) -> Option<Node> {
        let step = (file.path.clone(), name.to_owned());
        if let Some(done) = self.done.get(&step) {
            return done.clone();
        }
        let service = file.services.get(name)?;
        let whole = match service.get("extends").filter(|node| !node.is_null()) {
            None => Some(service.clone()),
            Some(extends) => {
                chain.push(step.clone());
                let base = self.base(file, extends, chain);
                chain.pop();
                base.map(|base| {
                    let merged = merge_services(&alone(&base), service, &mut self.reading.log);
                    without_extends(&merged)
                })
            }
        };
        self.done.insert(step, whole.clone());
        whole
    }

    fn base(&mut self, file: &Rc<File>, extends: &Node, chain: &mut Vec<Step>) -> Option<Node> {
        if let Some(entries) = extends.as_map() {
            self.reading.unknown_keys(entries, &["file", "service"], "extends");
        }
        let name_node =
            if extends.as_map().is_some() { extends.get("service") } else { Some(extends) };
        let Some(name_node) = name_node else {
            self.reading.wrong(extends, "a map with a service");
            return None;
        };
        let name = self.reading.text(name_node)?;
        let base_file = match extends.get("file").filter(|node| !node.is_null()) {
            Some(node) => {
                let path = self.reading.text(node)?;
                self.file(&paths::join(&file.folder, &path), &node.at)?
            }
            None => Rc::clone(file),
        };
        if !base_file.services.contains_key(&name) {
            let says = format!("no service named \"{name}\" in {}", base_file.path);
            let mistake = Mistake::at(name_node.at.clone(), says).width(width(name_node));
            let known = base_file.services.keys().map(String::as_str);
            let hint = self.reading.meant(&name, known.take(NAMES_MAX));
            self.reading.log.push(Mistake { hint, ..mistake });
            return None;
        }
        if let Some(start) = chain.iter().position(|(f, n)| *f == base_file.path && *n == name) {
            let names = chain[start..].iter().map(|(_, n)| n.as_str()).chain([name.as_str()]);
            let circle = names.collect::<Vec<_>>().join(" → ");
            let says = format!("the services extend each other in a circle: {circle}");
            self.reading.log.push(Mistake::at(name_node.at.clone(), says));
            return None;
        }
        if chain.len() >= CHAIN_MAX {
            let says = format!("over {CHAIN_MAX} services extend each other in a row");
            self.reading.log.push(Mistake::at(name_node.at.clone(), says));
            return None;
        }
        self.service(&base_file, &name, chain)
    }

    /// Another file; its path starts in the project's folder.
    fn file(&mut self, path: &str, from: &Position) -> Option<Rc<File>> {
        if let Some(file) = self.files.get(path) {
            return file.clone();
        }
        let file = self.load(path, from).map(Rc::new);
        self.files.insert(path.to_owned(), file.clone());
        file
    }

    fn load(&mut self, path: &str, from: &Position) -> Option<File> {
        let name = paths::join(&self.reading.folder, path);
        let wanted = Wanted { path: name.clone(), from: Some(from.clone()) };
        let folder = paths::folder_of(path);
        let mut services = BTreeMap::new();
        for document in documents(&wanted, self.reading)? {
            let filled = fill_all(&document, &self.level.environment, self.reading);
            services.extend(File::new(&name, &folder, &relocate(&filled, &folder)).services);
        }
        Some(File { path: name, folder, services })
    }
}

fn without_extends(service: &Node) -> Node {
    let Some(entries) = service.as_map() else { return service.clone() };
    let entries = entries.iter().filter(|(key, _)| &*key.text != "extends").cloned().collect();
    Node { value: Value::Map(Arc::new(entries)), ..service.clone() }
}
