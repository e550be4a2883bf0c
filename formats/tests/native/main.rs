//! The native format: what is read of an input, and what is said of a wrong one.

#![allow(clippy::expect_used, clippy::panic, reason = "a test that can't go on stops")]

mod application;
mod goals_and_clouds;

use std::sync::Arc;

use coc_formats::native::{NativeDocument, read_document, write};
use coc_formats::tree::read_documents;
use coc_model::application::Application;
use coc_model::cloud::Cloud;
use coc_model::goals::Goals;
use coc_model::mistake::MistakeLog;
use coc_model::secret::Secrets;
use proptest::prelude::*;
use serde_json::Value;

fn read(text: &str) -> Result<NativeDocument, String> {
    let mut log = MistakeLog::new();
    let file: Arc<str> = "f.yaml".into();
    let nodes = read_documents(&file, text, &mut log);
    let document = nodes.first().and_then(|node| read_document(&file, node, &mut log));
    let document = log.finish(document).map_err(|m| m.to_string())?;
    document.ok_or_else(|| "no document".to_owned())
}

fn application(text: &str) -> (Application, Option<Goals>, Secrets) {
    match read(text) {
        Ok(NativeDocument::Application { application, goals, secrets }) => {
            (*application, goals, secrets)
        }
        other => panic!("{other:?}"),
    }
}

/// The JSON of one service of an application whose services are given.
fn service(services: &str, name: &str) -> Value {
    let (application, ..) = application(&format!("kind: Application\nname: shop\n{services}"));
    write(&application)["services"][name].clone()
}

fn goals(text: &str) -> Goals {
    match read(text) {
        Ok(NativeDocument::Goals { goals, .. }) => goals,
        other => panic!("{other:?}"),
    }
}

fn clouds(text: &str) -> Vec<Cloud> {
    match read(text) {
        Ok(NativeDocument::Clouds(clouds)) => clouds,
        other => panic!("{other:?}"),
    }
}

fn mistakes(text: &str) -> String {
    read(text).map(|d| format!("{d:?}")).expect_err("mistakes")
}

/// What is said of the single service `web` with this body, its position left out.
fn service_mistake(body: &str) -> String {
    let text = format!(
        "kind: Application\nname: shop\nvolumes: {{data: 1Gi}}\nservices:\n  db: {{type: postgres}}\n  web:\n    image: w\n    {body}\n"
    );
    let said = mistakes(&text);
    said.lines()
        .map(|line| line.splitn(4, ':').nth(3).expect("file:line:column: text").trim().to_owned())
        .collect::<Vec<_>>()
        .join("\n")
}

/// Texts that come near the format: its own words in any order.
fn near_native() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "kind",
        "Application",
        "Goals",
        "Clouds",
        "name",
        "services",
        "web",
        "image",
        "env",
        "after",
        "replicas",
        "min",
        "max",
        "needs",
        "cpu",
        "memory",
        "ports",
        "port",
        "volumes",
        "links",
        "from",
        "to",
        "goals",
        "require",
        "that",
        "minimize",
        "what",
        "tolerance",
        "clouds",
        "driver",
        "prices",
        "host",
        "500m",
        "3%",
        "-1",
        "${services.web.address}",
        "null",
        "[",
        "]",
        "{",
        "}",
        ": ",
        ", ",
        "- ",
        "\n",
        "\n  ",
        "\n    ",
        "'",
        "\"",
    ]);
    prop::collection::vec(words, 0..40).prop_map(|words| words.concat())
}

proptest! {
    #[test]
    fn no_text_panics(text in near_native()) {
        let _ = read(&text);
    }

    #[test]
    fn a_value_of_any_shape_in_any_place_is_read_or_told(
        key in prop::sample::select(vec!["image", "build", "env", "replicas", "needs", "limits",
            "ports", "volumes", "after", "with", "healthcheck", "restart", "native", "spec", "user"]),
        value in prop::sample::select(vec!["~", "5", "-5", "1.5", "true", "x", "'${'", "[]", "{}",
            "[[]]", "[{}]", "{a: b}", "{a: {b: c}}", "[~]", "[5, x]", "99999999999999999999"]),
    ) {
        let text = format!("kind: Application\nname: a\nservices: {{web: {{image: w, {key}: {value}}}}}\n");
        let _ = read(&text);
    }
}
