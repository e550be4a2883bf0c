//! Health checks of the native format: a line for the shell, a list, or a map.

use coc_model::application::{Healthcheck, Probe};
use coc_model::mistake::{Mistake, MistakeLog};
use coc_model::quantity::Micros;
use coc_model::secret::is_secret_value;

use super::service::arguments;
use crate::fields::{Fields, flag, mistake_at, port, quantity, text, whole};
use crate::tree::{Node, Value};

/// Reads a health check.
pub(super) fn read(node: &Node, log: &mut MistakeLog) -> Option<Healthcheck> {
    let probe = match &node.value {
        Value::Scalar(_) => shell(node, log)?,
        Value::List(_) => Probe::Command(arguments(node, "healthcheck", log)?),
        Value::Map(_) => return read_map(node, log),
    };
    Some(Healthcheck { probe, interval: None, timeout: None, retries: None, start_period: None })
}

fn shell(node: &Node, log: &mut MistakeLog) -> Option<Probe> {
    let line = text(node, "healthcheck", log)?;
    if is_secret_value(&line) {
        let mistake = Mistake::at(node.at.clone(), "the health check holds a password in a URL");
        log.push(mistake.hint("put it into env, and let the check read that"));
    } else if line.contains("${services.") {
        let mistake = Mistake::at(node.at.clone(), "a health check can't hold references");
        log.push(mistake.hint("put the reference into env, and let the check read that"));
    }
    Some(Probe::Shell(line))
}

fn read_map(node: &Node, log: &mut MistakeLog) -> Option<Healthcheck> {
    let mut fields = Fields::of(node, "healthcheck", log)?;
    let mut probes: Vec<Option<Probe>> = Vec::new();
    if let Some(node) = fields.get("command") {
        probes.push(arguments(node, "command", log).map(Probe::Command));
    }
    if let Some(node) = fields.get("shell") {
        probes.push(shell(node, log));
    }
    if let Some(node) = fields.get("http") {
        probes.push(http(node, log));
    }
    if let Some(node) = fields.get("tcp") {
        probes.push(port(node, "tcp", log).map(Probe::Tcp));
    }
    if let Some(node) = fields.get("grpc") {
        probes.push(port(node, "grpc", log).map(Probe::Grpc));
    }
    if let Some(node) = fields.get("disabled")
        && flag(node, "disabled", log) != Some(false)
    {
        probes.push(Some(Probe::Disabled));
    }
    let mut time =
        |name| fields.get(name).and_then(|node| quantity(node, name, Micros::parse, log));
    let (interval, timeout, start_period) =
        (time("interval"), time("timeout"), time("start_period"));
    let retries = fields.get("retries").and_then(|node| whole(node, "retries", (1, 1000), log));
    fields.finish(log);
    if probes.len() != 1 {
        let mistake =
            mistake_at(node, format!("a health check has one probe, not {}", probes.len()));
        log.push(mistake.hint("give one of: command, shell, http, tcp, grpc, disabled"));
    }
    let probe = probes.pop()??;
    Some(Healthcheck { probe, interval, timeout, retries, start_period })
}

fn http(node: &Node, log: &mut MistakeLog) -> Option<Probe> {
    let mut fields = Fields::of(node, "http", log)?;
    let path = match fields.get("path") {
        Some(node) => text(node, "path", log),
        None => Some("/".to_owned()),
    };
    let number = fields.required("port", &node.at, log);
    let number = number.and_then(|node| port(node, "port", log));
    fields.finish(log);
    Some(Probe::Http { path: path?, port: number? })
}
