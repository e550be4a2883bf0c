//! Services that a service waits for, and other names it knows services by.

use coc_model::application::{Condition, KeyFate};

use super::references::Wait;
use super::service::ServiceReading;
use super::values::text_nodes;
use crate::tree::{Key, Node};

/// `depends_on`: a list of services, or a map of services to conditions.
pub(super) fn depends_on(service: &mut ServiceReading<'_, '_>, node: &Node) {
    if node.as_list().is_some() {
        for (name, item) in text_nodes(node, service.reading) {
            let condition = Condition::Started;
            let wait = Wait { condition, required: true, at: item.at.clone() };
            service.references.waits.insert(name, wait);
        }
        return;
    }
    for (key, value) in service.reading.entries(node, "a list of services, or a map") {
        let wait = wait(service, key, value);
        service.references.waits.insert(key.text.to_string(), wait);
    }
}

fn wait(service: &mut ServiceReading<'_, '_>, key: &Key, node: &Node) -> Wait {
    let mut wait = Wait { condition: Condition::Started, required: true, at: key.at.clone() };
    for (inner, value) in service.reading.entries(node, "a map with a condition") {
        match &*inner.text {
            "condition" => {
                let condition = value.as_scalar().and_then(|scalar| condition(&scalar.text));
                match condition {
                    Some(condition) => wait.condition = condition,
                    None => service.reading.wrong(
                        value,
                        "service_started, service_healthy or service_completed_successfully",
                    ),
                }
            }
            "required" => wait.required = service.reading.flag(value).unwrap_or(true),
            "restart" => {
                let name = format!("depends_on.{}.restart", key.text);
                let _ = service.reading.flag(value);
                let why = "a service is not restarted because another one was";
                service.without_effect(&name, &inner.at, why);
            }
            text if text.starts_with("x-") => {}
            _ => {
                let known = ["condition", "required", "restart"];
                service.reading.unknown_key(inner, &known, "a dependency");
            }
        }
    }
    wait
}

fn condition(name: &str) -> Option<Condition> {
    match name {
        "service_started" => Some(Condition::Started),
        "service_healthy" => Some(Condition::Healthy),
        "service_completed_successfully" => Some(Condition::Completed),
        _ => None,
    }
}

/// `links`: `SERVICE[:NAME]`, a name that this service alone has for the other.
pub(super) fn links(service: &mut ServiceReading<'_, '_>, node: &Node) {
    for (text, item) in text_nodes(node, service.reading) {
        let (name, alias) = text.split_once(':').unwrap_or((&text, &text));
        service.references.aliases.insert(alias.to_owned(), name.to_owned());
        service.references.implied.push(((name.to_owned(), item.at.clone()), "links"));
        if alias != name {
            service.docker.push(&["HostConfig", "Links"], format!("service:{text}"));
        }
    }
}

/// `external_links`: `CONTAINER[:NAME]` of containers that are no part of the application.
pub(super) fn external_links(service: &mut ServiceReading<'_, '_>, node: &Node) {
    service.say("external_links", &node.at, KeyFate::Carried);
    for (text, item) in text_nodes(node, service.reading) {
        let container = text.split(':').next().unwrap_or_default();
        let note = format!("the container {container} must be there on the same host");
        service.notes.add("external_links", &item.at, &note);
        service.docker.push(&["HostConfig", "Links"], text);
    }
}
