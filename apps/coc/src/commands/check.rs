//! `coc check`: reads and validates anything.

use std::fmt::Write as _;

use coc_formats::read::Read;
use coc_goals::library::standard_library;
use coc_goals::rules::understand_with;
use coc_model::application::{Application, KeyFate, Replicas};

use crate::arguments::{Check, Global};
use crate::failure::{Exit, Failure};
use crate::inputs;
use crate::talk;

/// Reads the files; says what was understood.
pub(crate) fn run(global: &Global, arguments: &Check) -> Result<Exit, Failure> {
    let read = inputs::any(&arguments.files.files, &arguments.files.profiles)?;
    let library = standard_library();
    match &read.application {
        Some(application) => {
            understand_with(application, &read.goals, &read.definitions, &library).map(drop)
        }
        None => library.with(&read.definitions, None).map(drop),
    }
    .map_err(|mistakes| Failure::Input(mistakes, read.files.clone()))?;
    if global.json {
        talk::print_json(&document(&read));
    } else {
        talk::print(&summary(&read));
    }
    Ok(Exit::Done)
}

fn document(read: &Read) -> serde_json::Value {
    let mut document = match &read.application {
        Some(application) => coc_formats::native::write(application),
        None => serde_json::json!({}),
    };
    if let Some(map) = document.as_object_mut() {
        if read.has_goals {
            map.insert("requirements".to_owned(), read.goals.require.len().into());
        }
        if !read.definitions.is_empty() {
            let names: Vec<_> = read.definitions.iter().map(|d| d.name.value.clone()).collect();
            map.insert("named_goals".to_owned(), names.into());
        }
        if !read.clouds.is_empty() {
            let names: Vec<_> = read.clouds.iter().map(|c| c.name.clone()).collect();
            map.insert("clouds".to_owned(), names.into());
        }
    }
    document
}

fn summary(read: &Read) -> String {
    let mut out = String::new();
    if let Some(application) = &read.application {
        of_application(&mut out, application);
    }
    if read.has_goals {
        let _ = writeln!(
            out,
            "goals: {} requirements, {} objectives",
            read.goals.require.len(),
            read.goals.objectives.len()
        );
    }
    for definition in &read.definitions {
        let _ = writeln!(out, "goal {}: {}", definition.name.value, definition.about);
    }
    for cloud in &read.clouds {
        let _ = writeln!(out, "cloud {}: driver {}", cloud.name, cloud.driver);
    }
    out
}

fn of_application(out: &mut String, application: &Application) {
    let inferred = application.links.iter().filter(|l| l.inferred.is_some()).count();
    let _ = writeln!(
        out,
        "{}: {} services, {} links ({inferred} inferred), {} volumes",
        application.name,
        application.services.len(),
        application.links.len(),
        application.volumes.len()
    );
    for (name, service) in &application.services {
        let runs = service
            .image
            .clone()
            .or_else(|| service.build.as_ref().map(|b| format!("built from {}", b.context)));
        let replicas = match &service.replicas {
            Replicas::PerHost => "on every host".to_owned(),
            counted => format!("×{counted}"),
        };
        let need = |value: Option<String>| value.unwrap_or_else(|| "not declared".to_owned());
        let _ = writeln!(
            out,
            "  {name} {replicas}  {}  cpu {}, memory {}",
            runs.unwrap_or_else(|| service.service_type.clone()),
            need(service.needs.cpu.map(|c| c.to_string())),
            need(service.needs.memory.map(|m| m.to_string())),
        );
        for link in application.links.iter().filter(|l| l.from == *name) {
            let port = link.port.map_or_else(String::new, |p| format!(":{p}"));
            let why = link
                .inferred
                .as_ref()
                .map_or_else(String::new, |why| format!("  (inferred: {why})"));
            let _ = writeln!(out, "    → {}{port}{why}", link.to);
        }
        for inference in &service.inferred {
            let _ = writeln!(out, "    inferred {}: {}", inference.what, inference.reason);
        }
        for key in service.keys.iter().filter(|k| k.fate == KeyFate::WithoutEffect) {
            let note = key.note.as_ref().map_or_else(String::new, |n| format!(": {n}"));
            let _ = writeln!(out, "    without effect: {}{note}", key.key);
        }
    }
}
