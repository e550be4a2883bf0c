//! The one door to every format: which format files are in, and what they say.

use std::sync::Arc;

use coc_model::application::{Application, SourceFiles};
use coc_model::cloud::Cloud;
use coc_model::goals::{Definition, Goals, Located};
use coc_model::mistake::{Mistake, MistakeLog, Mistakes, Position};
use coc_model::secret::Secrets;
use serde_json::Value;

use crate::compose::{self, ReadRequest};
use crate::detect::{Format, detect};
use crate::files::Files;
use crate::kubernetes;
use crate::native::{NativeDocument, read_document};
use crate::tree::{Node, read_documents};

/// What was read of some files. It can't be printed: the files' texts hold secrets.
#[derive(Default)]
pub struct Read {
    /// The application, if there was one.
    pub application: Option<Application>,
    /// Goals: those written with the application first, then those of files of their own.
    pub goals: Goals,
    /// True if any file has goals.
    pub has_goals: bool,
    /// The applications that files of goals say they are for.
    pub goals_for: Vec<Located<String>>,
    /// Named goals and numbers of people's own, in the order read.
    pub definitions: Vec<Definition>,
    /// Clouds.
    pub clouds: Vec<Cloud>,
    /// The values behind the application's references.
    pub secrets: Secrets,
    /// Native documents of objects that are no services.
    pub carried: Vec<Value>,
    /// The formats met.
    pub formats: Vec<Format>,
    /// Every file that was read, for digests; the texts hold secrets.
    pub files: SourceFiles,
}

/// Reads files of any known format together: one application at most (several files of one format
/// make one), and any goals and clouds.
///
/// # Errors
/// All that is wrong with any of them, each mistake at its place.
pub fn read(request: &ReadRequest, files: &dyn Files) -> Result<Read, Mistakes> {
    let mut log = MistakeLog::new();
    let mut read = Read::default();
    let mut compose_paths = Vec::new();
    let mut kubernetes: Vec<Node> = Vec::new();
    let mut first_kubernetes: Option<String> = None;
    for path in &request.paths {
        let Some((name, documents)) = documents(path, files, &mut read, &mut log) else { continue };
        let detected = detect(&documents);
        if let Some(mistake) = detected.refusal(&Position::start(&name)) {
            log.push(mistake);
            continue;
        }
        if !read.formats.contains(&detected.format) {
            read.formats.push(detected.format);
        }
        match detected.format {
            Format::Compose => compose_paths.push(path.clone()),
            Format::Kubernetes => {
                first_kubernetes.get_or_insert_with(|| path.clone());
                kubernetes.extend(documents);
            }
            _ => native(&name, &documents, &mut read, &mut log),
        }
    }
    if !compose_paths.is_empty() {
        let compose = ReadRequest { paths: compose_paths, ..request.clone() };
        match compose::read(&compose, files) {
            Ok(made) => {
                read.secrets.merge(made.secrets);
                read.files.0.extend(made.files.0);
                put(&mut read, made.application, &mut log);
            }
            Err(mistakes) => log.extend(mistakes),
        }
    }
    if let Some(path) = first_kubernetes {
        let fallback = request.project_name.clone().unwrap_or_else(|| name_of(&path, files));
        if let Some(made) = kubernetes::read(&kubernetes, &fallback, &mut log) {
            read.secrets.merge(made.secrets);
            read.carried.extend(made.carried);
            read.has_goals |= !made.goals.require.is_empty();
            add_goals(&mut read.goals, made.goals);
            put(&mut read, made.application, &mut log);
        }
    }
    if let Some(application) = &read.application {
        log.extend(meant_for_others(&application.name, &read.goals_for));
    }
    log.finish(read)
}

/// The mistakes of giving goals beside an application that they don't name.
pub fn meant_for_others<'a>(
    application: &'a str,
    goals_for: &'a [Located<String>],
) -> impl Iterator<Item = Mistake> + 'a {
    goals_for.iter().filter(move |named| named.value != application).map(move |named| {
        let says = format!("these goals are for \"{}\", not \"{application}\"", named.value);
        let hint = "name the application they are given with, or leave \"application\" out";
        Mistake::at(named.at.clone(), says).width(named.value.chars().count()).hint(hint)
    })
}

/// The documents of a file, if it is YAML that can be read.
fn documents(
    path: &str,
    files: &dyn Files,
    read: &mut Read,
    log: &mut MistakeLog,
) -> Option<(Arc<str>, Vec<Node>)> {
    let name: Arc<str> = path.into();
    let text = match files.read(path) {
        Ok(text) => text,
        Err(error) => {
            log.push(Mistake::at(error.position(&name), format!("the file {error}")));
            return None;
        }
    };
    let mut own = MistakeLog::new();
    let documents = read_documents(&name, &text, &mut own);
    let broken = !own.is_empty();
    if let Err(mistakes) = own.finish(()) {
        log.extend(mistakes);
    }
    read.files.0.insert(Arc::clone(&name), text.into());
    (!broken).then_some((name, documents))
}

fn native(name: &Arc<str>, documents: &[Node], read: &mut Read, log: &mut MistakeLog) {
    for document in documents.iter().filter(|d| !d.is_null()) {
        match read_document(name, document, log) {
            Some(NativeDocument::Application { application, goals, secrets }) => {
                read.secrets.merge(secrets);
                if let Some(goals) = goals {
                    read.has_goals = true;
                    add_goals(&mut read.goals, goals);
                }
                put(read, *application, log);
            }
            Some(NativeDocument::Goals { application, goals }) => {
                read.has_goals = true;
                read.goals_for.extend(application);
                add_goals(&mut read.goals, goals);
            }
            Some(NativeDocument::Goal(definition)) => read.definitions.push(*definition),
            Some(NativeDocument::Clouds(clouds)) => read.clouds.extend(clouds),
            None => {}
        }
    }
}

/// Takes an application; a second one is a mistake.
fn put(read: &mut Read, application: Application, log: &mut MistakeLog) {
    if let Some(first) = &read.application {
        let says = format!(
            "there are two applications, {} and {}: one is planned at a time",
            first.name, application.name
        );
        let at = application.services.values().next().map(|s| s.at.clone());
        let mistake = at
            .map_or_else(|| Mistake::of_request(says.clone()), |at| Mistake::at(at, says.clone()));
        log.push(mistake.hint("give the files of one application"));
        return;
    }
    read.application = Some(application);
}

/// Lays goals beside others: all requirements hold; the objectives of the later ones come first, as
/// a file of goals given beside an application is meant to say what matters.
pub fn add_goals(goals: &mut Goals, more: Goals) {
    goals.require.extend(more.require);
    if !more.objectives.is_empty() {
        goals.objectives = more.objectives;
    }
}

/// A name for an application that its files don't name: that of the folder of the first file.
fn name_of(path: &str, files: &dyn Files) -> String {
    let full = files.full_path(path);
    let mut parts = full.rsplit('/');
    let file = parts.next().unwrap_or_default();
    let folder = parts.next().filter(|f| !f.is_empty()).unwrap_or(file);
    let legal = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let name: String = folder.chars().map(legal).collect();
    let name = name.trim_matches('-');
    if name.is_empty() { "application".to_owned() } else { name.chars().take(63).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::MemoryFiles;

    fn told(files: &MemoryFiles, paths: &[&str]) -> String {
        let paths = paths.iter().map(|p| (*p).to_owned()).collect();
        match read(&ReadRequest { paths, ..ReadRequest::default() }, files) {
            Ok(read) => {
                let name = read.application.map_or_else(|| "nothing".to_owned(), |a| a.name);
                format!(
                    "{name}, {} requirements, {} clouds",
                    read.goals.require.len(),
                    read.clouds.len()
                )
            }
            Err(mistakes) => mistakes.to_string(),
        }
    }

    #[test]
    fn files_of_several_formats_are_read_together() {
        let files = MemoryFiles::in_folder("/srv/shop")
            .with("compose.yaml", "services: {web: {image: web}}")
            .with("goals.yaml", "require:\n  - budget: 5 USD/month\n")
            .with("clouds.yaml", "kind: Clouds\nclouds: [{name: lab, driver: docker}]\n")
            .with("app.yaml", "kind: Application\nname: other\nservices: {a: {image: a}}\n")
            .with("score.yaml", "apiVersion: score.dev/v1b1\nmetadata: {name: x}\n")
            .with("broken.yaml", "a: [1\n")
            .with("others.yaml", "kind: Goals\napplication: depot\nrequire: []\n");
        for (paths, expected) in [
            (&["compose.yaml", "goals.yaml", "clouds.yaml"][..], "shop, 1 requirements, 1 clouds"),
            (&["goals.yaml"], "nothing, 1 requirements, 0 clouds"),
        ] {
            assert_eq!(told(&files, paths), expected);
        }
        for (paths, part) in [
            (&["compose.yaml", "app.yaml"][..], "there are two applications, other and shop"),
            (&["absent.yaml"], "absent.yaml:1:1: the file is not there"),
            (&["score.yaml"], "score.yaml:1:1: this is Score"),
            (&["broken.yaml"], "this is not YAML"),
            (
                &["others.yaml", "compose.yaml"],
                "others.yaml:2:14: these goals are for \"depot\", not \"shop\"",
            ),
        ] {
            let said = told(&files, paths);
            assert!(said.contains(part), "{said}");
        }
    }
}
