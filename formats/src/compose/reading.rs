//! What all steps of one reading share: the files, the mistakes, and which texts came from
//! variables.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use coc_model::application::{KeyFate, KeyNote, SourceFiles};
use coc_model::mistake::{Mistake, MistakeLog, Mistakes, Position, closest};
use coc_model::secret::{SecretValue, Secrets, is_secret_name, is_secret_value};

use super::dotenv::{self, Variable};
use super::environment::Environment;
use super::interpolate;
use super::secrecy::{Finder, is_distinctive};
use crate::files::{FileError, Files};
use crate::paths;
use crate::tree::{Core, Node, Scalar, Value};

/// How many bytes variables may write in one reading.
const ROOM: usize = 64 << 20;
/// How many files one reading may load, a file being counted each time it is included.
const LOADS_MAX: usize = 1_000;

/// After how many mistakes no name that was meant is looked for any more.
const HINTS_MAX: usize = 1_000;

/// The state of a reading.
pub(super) struct Reading<'a> {
    files: &'a dyn Files,
    /// The folder of the first file, in which relative paths start.
    pub(super) folder: String,
    /// What is wrong.
    pub(super) log: MistakeLog,
    /// What is to be told of the application as a whole.
    pub(super) notes: Vec<KeyNote>,
    /// What variables of a file give secrets and configurations, by where the file names them.
    pub(super) file_values: BTreeMap<Position, SecretValue>,
    /// The secrets of the application.
    pub(super) secrets: Secrets,
    /// Services that extend another, by name, with where they say so.
    pub(super) extended: BTreeMap<String, Position>,
    /// Services that could not be laid over what they extend.
    pub(super) broken: BTreeSet<String>,
    sources: SourceFiles,
    origins: BTreeMap<Position, Origin>,
    hidden: Vec<SecretValue>,
    room: usize,
    loads: usize,
    hints: usize,
}

/// Where a text came from that variables are a part of.
#[derive(Default)]
pub(super) struct Origin {
    /// The names of the variables in it.
    pub(super) variables: Vec<Arc<str>>,
    /// Those of them that are not set.
    pub(super) blanks: Vec<Arc<str>>,
    /// Those of them that hold secrets, with what they hold.
    pub(super) secrets: Vec<(Arc<str>, SecretValue)>,
}

impl<'a> Reading<'a> {
    /// Nothing read yet, for an application whose first file is in this folder.
    pub(super) fn new(files: &'a dyn Files, folder: String) -> Self {
        Self {
            files,
            folder,
            log: MistakeLog::new(),
            notes: Vec::new(),
            file_values: BTreeMap::new(),
            secrets: Secrets::new(),
            extended: BTreeMap::new(),
            broken: BTreeSet::new(),
            sources: SourceFiles::default(),
            origins: BTreeMap::new(),
            hidden: Vec::new(),
            room: ROOM,
            loads: 0,
            hints: 0,
        }
    }

    /// The result if nothing is wrong, else all mistakes, without any secret that was met.
    pub(super) fn finish<T>(self, value: Option<T>) -> Result<(T, SourceFiles), Mistakes> {
        let filled = self.origins.values().flat_map(|origin| &origin.secrets);
        let met = self.hidden.iter().chain(filled.map(|(_, value)| value));
        let met = met.map(SecretValue::reveal).filter(|value| is_distinctive(value));
        let hidden: Vec<&str> = met.collect::<BTreeSet<_>>().into_iter().collect();
        match (self.log.finish(()), value) {
            (Ok(()), Some(value)) => Ok((value, self.sources)),
            (Ok(()), None) => Err(Mistake::of_request("nothing could be read").into()),
            (Err(mistakes), _) => Err(redacted(mistakes, &hidden)),
        }
    }

    /// True if a file is there; `path` starts in the project's folder.
    pub(super) fn exists(&self, path: &str) -> bool {
        self.files.exists(&paths::join(&self.folder, path))
    }

    /// The same path from the root.
    pub(super) fn full_path(&self, path: &str) -> String {
        self.files.full_path(path)
    }

    /// The text of a file, for mistakes by its name; `from` is where it was asked for.
    pub(super) fn source(
        &mut self,
        name: &str,
        from: Option<&Position>,
    ) -> Option<(Arc<str>, Arc<str>)> {
        let read = self.source_if_readable(name);
        read.map_err(|error| {
            let says = format!("the file {name} {error}");
            self.log.push(match from {
                Some(at) => Mistake::at(at.clone(), says),
                None => Mistake::of_request(says),
            });
        })
        .ok()
    }

    /// The name and text of a file.
    ///
    /// # Errors
    /// Why it can't be read.
    pub(super) fn source_if_readable(
        &mut self,
        name: &str,
    ) -> Result<(Arc<str>, Arc<str>), FileError> {
        if let Some((name, text)) = self.sources.0.get_key_value(name) {
            return Ok((Arc::clone(name), Arc::clone(text)));
        }
        let text: Arc<str> = self.files.read(name)?.into();
        let name: Arc<str> = name.into();
        self.sources.0.insert(Arc::clone(&name), Arc::clone(&text));
        Ok((name, text))
    }

    /// Counts a file that is loaded; false, with a mistake, when there are too many.
    pub(super) fn may_load(&mut self, from: Option<&Position>) -> bool {
        self.loads += 1;
        if self.loads == LOADS_MAX + 1 {
            let says = format!("over {LOADS_MAX} files are included");
            self.log.push(match from {
                Some(at) => Mistake::at(at.clone(), says),
                None => Mistake::of_request(says),
            });
        }
        self.loads <= LOADS_MAX
    }

    /// The variables of a file, which are noted when they hold variables that are not set.
    pub(super) fn variables(
        &mut self,
        (file, text): &(Arc<str>, Arc<str>),
        around: &dyn Fn(&str) -> Option<String>,
    ) -> BTreeMap<String, Variable> {
        let variables = dotenv::read(file, text, around, &mut self.room, &mut self.log);
        for (name, variable) in &variables {
            self.note_blanks(name, &variable.at, &variable.blanks);
            if is_secret_name(name) || is_secret_value(&variable.value) {
                self.hide(&variable.value);
            }
        }
        variables
    }

    fn note_blanks(&mut self, key: &str, at: &Position, blanks: &[String]) {
        if !blanks.is_empty() {
            let note = Some(blank_note(blanks.iter().map(String::as_str)));
            let (key, at) = (key.to_owned(), at.clone());
            self.notes.push(KeyNote { key, fate: KeyFate::Used, at, note });
        }
    }

    /// Keeps a value out of all mistakes.
    pub(super) fn hide(&mut self, value: &str) {
        self.hidden.push(SecretValue::new(value));
    }

    /// Fills the variables of a scalar in; `None` if it has no dollar sign.
    pub(super) fn fill(&mut self, node: &Node, environment: &Environment) -> Option<Node> {
        let scalar = node.as_scalar().filter(|s| s.text.contains('$'))?;
        let lookup = |name: &str| environment.get(name).map(str::to_owned);
        let filled = interpolate::fill(&scalar.text, &lookup, &mut self.room);
        for fault in filled.faults {
            let at = node.place_of(fault.at);
            self.log.push(Mistake::at(at, fault.says).hint(fault.hint));
        }
        if !filled.uses.is_empty() {
            let origin = self.origins.entry(node.at.clone()).or_default();
            for used in filled.uses {
                let name: Arc<str> = used.name.into();
                if used.blank {
                    origin.blanks.push(Arc::clone(&name));
                }
                if !used.value.is_empty() && (is_secret_name(&name) || is_secret_value(&used.value))
                {
                    origin.secrets.push((Arc::clone(&name), SecretValue::new(used.value)));
                }
                origin.variables.push(name);
            }
        }
        let scalar = Scalar { text: filled.text.into(), plain: false, verbatim: false };
        Some(Node { value: Value::Scalar(scalar), at: node.at.clone(), tag: node.tag.clone() })
    }

    /// The name that was probably meant, as advice.
    pub(super) fn meant<'n>(
        &mut self,
        wrong: &str,
        known: impl Iterator<Item = &'n str>,
    ) -> Option<String> {
        self.hints += 1;
        let near = if self.hints > HINTS_MAX { None } else { closest(wrong, known) };
        near.map(|near| format!("did you mean \"{near}\"?"))
    }

    /// Where the text of a node came from, if variables are a part of it.
    pub(super) fn origin(&self, node: &Node) -> Option<&Origin> {
        self.origins.get(&node.at)
    }

    /// What a node is, for mistakes: its value too, unless that could be a secret.
    pub(super) fn describe(&self, node: &Node) -> String {
        match self.origin(node) {
            Some(origin) if !origin.secrets.is_empty() => kind(node).to_owned(),
            _ => node.describe(),
        }
    }

    /// Logs that a node is not what was expected; `found` says what it is.
    pub(super) fn expected(&mut self, node: &Node, expected: &str, found: &str) {
        let mistake = Mistake::at(node.at.clone(), format!("expected {expected}, found {found}"));
        let mistake = mistake.width(width(node));
        let blanks = self.origin(node).map(|origin| origin.blanks.as_slice()).unwrap_or_default();
        let hint = (!blanks.is_empty()).then(|| blank_note(blanks.iter().map(|name| &**name)));
        self.log.push(Mistake { hint, ..mistake });
    }

    /// Logs that a node is not what was expected.
    pub(super) fn wrong(&mut self, node: &Node, expected: &str) {
        let found = self.describe(node);
        self.expected(node, expected, &found);
    }

    /// The variables with secrets below a node, by name.
    pub(super) fn secrets_below(&self, node: &Node) -> BTreeMap<Arc<str>, SecretValue> {
        let mut secrets = BTreeMap::new();
        scalars_below(node, &mut |scalar| {
            for (name, value) in self.origin(scalar).iter().flat_map(|origin| &origin.secrets) {
                secrets.insert(Arc::clone(name), value.clone());
            }
        });
        secrets
    }

    /// The note on all variables below a node that are not set, if there are any.
    pub(super) fn blanks_below(&self, node: &Node) -> Option<String> {
        let mut names: Vec<&str> = Vec::new();
        scalars_below(node, &mut |scalar| {
            for name in self.origin(scalar).iter().flat_map(|origin| &origin.blanks) {
                if !names.contains(&&**name) {
                    names.push(name);
                }
            }
        });
        (!names.is_empty()).then(|| blank_note(names.into_iter()))
    }
}

/// Calls `visit` with every scalar of a node.
pub(super) fn scalars_below<'n>(node: &'n Node, visit: &mut dyn FnMut(&'n Node)) {
    match &node.value {
        Value::Scalar(_) => visit(node),
        Value::List(items) => items.iter().for_each(|item| scalars_below(item, visit)),
        Value::Map(entries) => entries.iter().for_each(|(_, value)| scalars_below(value, visit)),
    }
}

/// What a node is, without its value.
pub(super) fn kind(node: &Node) -> &'static str {
    match &node.value {
        Value::List(_) => "a list",
        Value::Map(_) => "a map",
        Value::Scalar(scalar) => match scalar.core() {
            Core::Null => "nothing",
            Core::Bool(_) => "true or false",
            Core::Int(_) | Core::Float(_) => "a number",
            Core::Text(_) => "a text",
        },
    }
}

/// How many characters a node takes on its line, 0 if that can't be told.
pub(super) fn width(node: &Node) -> usize {
    let scalar = node.as_scalar().filter(|scalar| scalar.verbatim);
    scalar.map_or(0, |s| s.text.chars().count() + if s.plain { 0 } else { 2 })
}

fn blank_note<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let names: Vec<&str> = names.collect();
    match names.as_slice() {
        [name] => format!("the variable {name} is not set; nothing stands in its place"),
        names => {
            format!("the variables {} are not set; nothing stands in their place", names.join(", "))
        }
    }
}

/// The mistakes without the values. If there are too many values to look for, without words.
fn redacted(mistakes: Mistakes, hidden: &[&str]) -> Mistakes {
    let Some(finder) = Finder::new(hidden) else {
        let says = "something is wrong here; too many secrets were met to show it without them";
        return mistakes.map(|m| Mistake { says: says.to_owned(), hint: None, ..m });
    };
    let redact = |text: &str| finder.replace(text, |_| "***".to_owned());
    mistakes.map(|mistake| Mistake {
        says: redact(&mistake.says),
        hint: mistake.hint.as_deref().map(redact),
        ..mistake
    })
}
