//! `deploy`: what Swarm was told of a service, of which amounts, replicas and restarts count here.

use coc_model::application::{KeyFate, Restart};

use super::accelerators::device_requests;
use super::resources::{count, memory, processes, processors};
use super::service::ServiceReading;
use super::values::text_list;
use crate::tree::{Key, Node};

/// `deploy`.
pub(super) fn deploy(service: &mut ServiceReading<'_, '_>, node: &Node) {
    const SWARM: [&str; 4] = ["endpoint_mode", "labels", "rollback_config", "update_config"];
    for (key, value) in service.reading.entries(node, "a map") {
        let name = format!("deploy.{}", key.text);
        match &*key.text {
            "mode" => mode(service, value),
            "replicas" => service.resources.replicas = count(service, value),
            "resources" => {
                let sections = service.reading.entries(value, "a map");
                let known = ["limits", "reservations"];
                service.reading.unknown_keys(sections, &known, "deploy.resources");
                for (key, value) in sections.iter().filter(|(k, _)| known.contains(&&*k.text)) {
                    amounts(service, key, value);
                }
            }
            "restart_policy" => restart_policy(service, value),
            "placement" => placement(service, value),
            text if SWARM.contains(&text) => {
                service.without_effect(&name, &key.at, "there is no Swarm to obey it");
                continue;
            }
            text if text.starts_with("x-") => continue,
            _ => {
                let known = ["mode", "replicas", "resources", "restart_policy", "placement"];
                let known = [&known[..], &SWARM[..]].concat();
                service.reading.unknown_key(key, &known, "deploy");
                continue;
            }
        }
        service.say(&name, &key.at, KeyFate::Used);
    }
}

fn mode(service: &mut ServiceReading<'_, '_>, node: &Node) {
    match service.reading.text(node).as_deref() {
        Some("replicated" | "replicated-job") | None => {}
        Some("global" | "global-job") => service.resources.global = true,
        Some(_) => service.reading.wrong(node, "replicated or global"),
    }
}

fn amounts(service: &mut ServiceReading<'_, '_>, section: &Key, node: &Node) {
    let reserved = &*section.text == "reservations";
    for (key, value) in service.reading.entries(node, "a map of amounts") {
        let name = format!("deploy.resources.{}.{}", section.text, key.text);
        match (&*key.text, reserved) {
            ("cpus", false) => service.resources.deploy_cpus = processors(service, value),
            ("memory", false) => service.resources.deploy_memory = memory(service, value),
            ("pids", false) => service.resources.deploy_pids = processes(service, value),
            ("cpus", true) => service.resources.reserved_cpus = processors(service, value),
            ("memory", true) => service.resources.reserved_memory = memory(service, value),
            ("devices", true) => device_requests(service, value),
            ("generic_resources", true) => {
                service.without_effect(&name, &key.at, "there is no Swarm that knows them");
                continue;
            }
            (text, _) if text.starts_with("x-") => continue,
            _ => {
                let limits = ["cpus", "memory", "pids"];
                let reservations = ["cpus", "memory", "devices", "generic_resources"];
                let known = if reserved { &reservations[..] } else { &limits };
                let place = format!("deploy.resources.{}", section.text);
                service.reading.unknown_key(key, known, &place);
                continue;
            }
        }
        service.say(&name, &key.at, KeyFate::Used);
    }
}

fn restart_policy(service: &mut ServiceReading<'_, '_>, node: &Node) {
    let entries = service.reading.entries(node, "a map with a condition");
    let known = ["condition", "delay", "max_attempts", "window"];
    service.reading.unknown_keys(entries, &known, "deploy.restart_policy");
    let condition = node.get("condition");
    let text = condition.and_then(|node| service.reading.text(node));
    let restart = match text.as_deref() {
        None | Some("any" | "") => Restart::Always,
        Some("none") => Restart::No,
        Some("on-failure") => Restart::OnFailure,
        Some(_) => {
            let node = condition.unwrap_or(node);
            return service.reading.wrong(node, "none, on-failure or any");
        }
    };
    service.restart_policy = Some(restart);
    let attempts = node.get("max_attempts").and_then(|node| count(service, node));
    if let Some((attempts, _)) = attempts.filter(|_| restart == Restart::OnFailure) {
        service.docker.put(&["HostConfig", "RestartPolicy", "Name"], "on-failure");
        service.docker.put(&["HostConfig", "RestartPolicy", "MaximumRetryCount"], attempts);
    }
    for key in ["delay", "window"] {
        if let Some(value) = node.get(key) {
            let _ = service.reading.time(value);
            let name = format!("deploy.restart_policy.{key}");
            service.without_effect(&name, &value.at, "the pause between starts is the host's");
        }
    }
}

fn placement(service: &mut ServiceReading<'_, '_>, node: &Node) {
    let entries = service.reading.entries(node, "a map");
    let known = ["constraints", "preferences", "max_replicas_per_node"];
    service.reading.unknown_keys(entries, &known, "deploy.placement");
    for (key, value) in entries.iter().filter(|(key, _)| known.contains(&&*key.text)) {
        let constraints = match &*key.text {
            "constraints" => text_list(value, service.reading),
            _ => Vec::new(),
        };
        let stated: Vec<String> = constraints.into_iter().map(|(text, _)| text).collect();
        let said =
            if stated.is_empty() { String::new() } else { format!(" ({})", stated.join(", ")) };
        let why = format!("it speaks of Swarm nodes{said}; say where to run it as a goal");
        service.without_effect(&format!("deploy.placement.{}", key.text), &key.at, &why);
    }
}
