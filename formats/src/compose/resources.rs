//! What a replica needs and may use, and how many replicas there are.

use coc_model::application::{AcceleratorNeed, Inference, KeyFate, Limits, Replicas, Restart};
use coc_model::mistake::{Mistake, Position};
use coc_model::quantity::{Bytes, Cpu};
use serde_json::json;

use super::carried::microseconds;
use super::engine::as_given;
use super::quantity;
use super::scalar::passed_on;
use super::service::ServiceReading;
use super::values::text_list;
use crate::tree::{Key, Node};

/// The Engine's period of processor time where none is given, in microseconds.
const PERIOD: i64 = 100_000;

/// A value and where it is given.
type Given<T> = Option<(T, Position)>;

/// Amounts as the two generations of keys give them.
#[derive(Default)]
pub(super) struct Resources {
    cpus: Given<(Cpu, i64)>,
    cpu_count: Given<(Cpu, i64)>,
    quota: Given<i64>,
    period: Given<i64>,
    mem_limit: Given<Bytes>,
    mem_reservation: Given<Bytes>,
    pids_limit: Given<u32>,
    scale: Given<u32>,
    deploy_cpus: Given<(Cpu, i64)>,
    deploy_memory: Given<Bytes>,
    deploy_pids: Given<u32>,
    reserved_cpus: Given<(Cpu, i64)>,
    reserved_memory: Given<Bytes>,
    replicas: Given<u32>,
    global: bool,
}

/// `cpus`.
pub(super) fn cpus(service: &mut ServiceReading<'_, '_>, node: &Node) {
    service.resources.cpus = processors(service, node);
}

/// `cpu_count`.
pub(super) fn cpu_count(service: &mut ServiceReading<'_, '_>, node: &Node) {
    service.resources.cpu_count = processors(service, node);
}

/// `cpu_quota`: microseconds of processor time in a period.
pub(super) fn cpu_quota(service: &mut ServiceReading<'_, '_>, node: &Node) {
    let quota = microseconds(service, node);
    if let Some(quota) = quota {
        service.docker.put(&["HostConfig", "CpuQuota"], quota);
        service.resources.quota = Some((quota, node.at.clone()));
    }
}

/// `cpu_period`.
pub(super) fn cpu_period(service: &mut ServiceReading<'_, '_>, node: &Node) {
    let period = microseconds(service, node);
    if let Some(period) = period {
        service.docker.put(&["HostConfig", "CpuPeriod"], period);
        service.resources.period = Some((period, node.at.clone()));
    }
}

/// `mem_limit`.
pub(super) fn mem_limit(service: &mut ServiceReading<'_, '_>, node: &Node) {
    service.resources.mem_limit = memory(service, node);
}

/// `mem_reservation`.
pub(super) fn mem_reservation(service: &mut ServiceReading<'_, '_>, node: &Node) {
    service.resources.mem_reservation = memory(service, node);
}

/// `pids_limit`.
pub(super) fn pids_limit(service: &mut ServiceReading<'_, '_>, node: &Node) {
    service.resources.pids_limit = processes(service, node);
}

/// `scale`.
pub(super) fn scale(service: &mut ServiceReading<'_, '_>, node: &Node) {
    service.resources.scale = count(service, node);
}

/// No amount at all means no limit.
fn processors(service: &mut ServiceReading<'_, '_>, node: &Node) -> Given<(Cpu, i64)> {
    let amount = node.as_scalar().and_then(passed_on).and_then(|text| quantity::cpus(&text));
    if amount.is_none() {
        service.reading.wrong(node, quantity::CPUS);
    }
    amount.filter(|(_, nano)| *nano > 0).map(|amount| (amount, node.at.clone()))
}

fn memory(service: &mut ServiceReading<'_, '_>, node: &Node) -> Given<Bytes> {
    let bytes = service.reading.bytes(node)?;
    (bytes.0 > 0).then(|| (bytes, node.at.clone()))
}

fn processes(service: &mut ServiceReading<'_, '_>, node: &Node) -> Given<u32> {
    let count = service.reading.integer(node, -1..=i64::from(u32::MAX))?;
    u32::try_from(count).ok().filter(|&count| count > 0).map(|count| (count, node.at.clone()))
}

fn count(service: &mut ServiceReading<'_, '_>, node: &Node) -> Given<u32> {
    let count = service.reading.integer(node, 0..=i64::from(u32::MAX))?;
    u32::try_from(count).ok().map(|count| (count, node.at.clone()))
}

/// `deploy`.
pub(super) fn deploy(service: &mut ServiceReading<'_, '_>, node: &Node) {
    const SWARM: [&str; 4] = ["endpoint_mode", "labels", "rollback_config", "update_config"];
    for (key, value) in service.reading.entries(node, "a map") {
        let name = format!("deploy.{}", key.text);
        match &*key.text {
            "mode" => mode(service, value),
            "replicas" => service.resources.replicas = count(service, value),
            "resources" => {
                for (key, value) in service.reading.entries(value, "a map") {
                    match &*key.text {
                        "limits" => amounts(service, key, value),
                        "reservations" => amounts(service, key, value),
                        text if text.starts_with("x-") => {}
                        _ => {
                            let known = ["limits", "reservations"];
                            service.reading.unknown_key(key, &known, "deploy.resources");
                        }
                    }
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
    service.service.restart = match text.as_deref() {
        None | Some("any" | "") => Restart::Always,
        Some("none") => Restart::No,
        Some("on-failure") => Restart::OnFailure,
        Some(_) => {
            let node = condition.unwrap_or(node);
            return service.reading.wrong(node, "none, on-failure or any");
        }
    };
    let attempts = node.get("max_attempts").and_then(|node| count(service, node));
    if let Some((attempts, _)) = attempts.filter(|_| service.service.restart == Restart::OnFailure)
    {
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

/// `gpus`: `all`, or a list of device requests.
pub(super) fn gpus(service: &mut ServiceReading<'_, '_>, node: &Node) {
    if node.as_list().is_some() {
        return device_requests(service, node);
    }
    if service.reading.text(node).as_deref() != Some("all") {
        return service.reading.wrong(node, "all, or a list of devices");
    }
    service.service.needs.accelerator = Some(AcceleratorNeed { name: None, count: None });
    let request = json!({"Count": -1, "Capabilities": [["gpu"]]});
    service.docker.push(&["HostConfig", "DeviceRequests"], request);
}

fn device_requests(service: &mut ServiceReading<'_, '_>, node: &Node) {
    for item in service.reading.items(node, "a list of devices") {
        device_request(service, item);
    }
}

fn device_request(service: &mut ServiceReading<'_, '_>, item: &Node) {
    const KNOWN: [&str; 5] = ["capabilities", "count", "device_ids", "driver", "options"];
    let entries = service.reading.entries(item, "a map with capabilities");
    service.reading.unknown_keys(entries, &KNOWN, "a device");
    let mut list = |key: &str| match item.get(key) {
        Some(node) => text_list(node, service.reading).into_iter().map(|(text, _)| text).collect(),
        None => Vec::new(),
    };
    let (capabilities, ids): (Vec<String>, Vec<String>) =
        (list("capabilities"), list("device_ids"));
    let capabilities = if capabilities.is_empty() { vec!["gpu".to_owned()] } else { capabilities };
    let all = |node: &Node| node.as_scalar().is_some_and(|s| s.text.eq_ignore_ascii_case("all"));
    let count = match item.get("count") {
        None if ids.is_empty() => None,
        None => u32::try_from(ids.len()).ok(),
        Some(node) if !ids.is_empty() => {
            let says = "a device can't have both count and device_ids";
            return service.reading.log.push(Mistake::at(node.at.clone(), says));
        }
        Some(node) if all(node) => None,
        Some(node) => match service.reading.integer(node, -1..=i64::from(u32::MAX)) {
            Some(count) => u32::try_from(count).ok(),
            None => return,
        },
    };
    let mut request = json!({"Capabilities": [capabilities]});
    if ids.is_empty() {
        request["Count"] = count.map_or(-1, i64::from).into();
    } else {
        request["DeviceIDs"] = ids.into();
    }
    if let Some(driver) = item.get("driver").and_then(|node| service.reading.text(node)) {
        request["Driver"] = driver.into();
    }
    if let Some(options) = item.get("options") {
        request["Options"] = as_given(&super::merge::pairs(options));
    }
    service.docker.push(&["HostConfig", "DeviceRequests"], request);
    if capabilities.iter().any(|capability| capability == "gpu") {
        let before = service.service.needs.accelerator.take();
        service.service.needs.accelerator = Some(added(before, count));
    }
}

/// The accelerators of several requests together.
fn added(before: Option<AcceleratorNeed>, count: Option<u32>) -> AcceleratorNeed {
    let count = match before {
        None => count,
        Some(before) => before.count.zip(count).map(|(a, b)| a.saturating_add(b)),
    };
    AcceleratorNeed { name: None, count }
}

/// Settles needs, limits and replicas once all keys are read.
pub(super) fn settle(service: &mut ServiceReading<'_, '_>) {
    let given = std::mem::take(&mut service.resources);
    agree(service, "cpus", "deploy.resources.limits.cpus", &given.cpus, &given.deploy_cpus);
    agree(
        service,
        "mem_limit",
        "deploy.resources.limits.memory",
        &given.mem_limit,
        &given.deploy_memory,
    );
    agree(
        service,
        "mem_reservation",
        "deploy.resources.reservations.memory",
        &given.mem_reservation,
        &given.reserved_memory,
    );
    agree(
        service,
        "pids_limit",
        "deploy.resources.limits.pids",
        &given.pids_limit,
        &given.deploy_pids,
    );
    agree(service, "scale", "deploy.replicas", &given.scale, &given.replicas);
    let quota = given.quota.as_ref().and_then(|(quota, at)| {
        let period = given.period.as_ref().map_or(PERIOD, |(period, _)| *period);
        (*quota > 0 && period > 0).then(|| (share(*quota, period), at.clone()))
    });
    let cpu_limit = given.deploy_cpus.or(given.cpus).or(given.cpu_count).or(quota);
    let memory_limit = given.deploy_memory.or(given.mem_limit);
    let reserved_memory = given.reserved_memory.or(given.mem_reservation);
    within(service, "processor time", &given.reserved_cpus, &cpu_limit);
    within(service, "memory", &reserved_memory, &memory_limit);
    if let Some(((cpu, nano), at)) = cpu_limit.as_ref().filter(|((cpu, nano), _)| {
        i64::try_from(cpu.0).ok().and_then(|milli| milli.checked_mul(1_000_000)) != Some(*nano)
    }) {
        let note = format!("{cpu} of a processor, rounded up, is planned with");
        service.notes.add("cpus", at, &note);
        service.docker.put(&["HostConfig", "NanoCpus"], *nano);
    }
    let needs = &mut service.service.needs;
    needs.cpu = given.reserved_cpus.as_ref().or(cpu_limit.as_ref()).map(|((cpu, _), _)| *cpu);
    needs.memory = reserved_memory.as_ref().or(memory_limit.as_ref()).map(|(bytes, _)| *bytes);
    service.service.limits = Limits {
        cpu: cpu_limit.as_ref().map(|((cpu, _), _)| *cpu),
        memory: memory_limit.as_ref().map(|(bytes, _)| *bytes),
        pids: given.deploy_pids.or(given.pids_limit).map(|(pids, _)| pids),
    };
    for (what, limited) in [
        ("needs.cpu", given.reserved_cpus.is_none() && cpu_limit.is_some()),
        ("needs.memory", reserved_memory.is_none() && memory_limit.is_some()),
    ] {
        if limited {
            let reason = "the limit, for nothing is reserved".to_owned();
            service.service.inferred.push(Inference { what: what.to_owned(), reason });
        }
    }
    let replicas = given.replicas.or(given.scale);
    let named = service
        .container_name
        .clone()
        .filter(|_| given.global || replicas.as_ref().is_some_and(|(replicas, _)| *replicas > 1));
    if let Some(at) = named {
        let says = "a service with several replicas can't name its container";
        service.reading.log.push(Mistake::at(at, says).hint("take container_name out"));
    }
    service.service.replicas = match replicas {
        _ if given.global => Replicas::PerHost,
        Some((replicas, _)) => Replicas::exactly(replicas),
        None => Replicas::default(),
    };
}

/// Processor time by quota and period: thousandths rounded up, and 10⁻⁹ rounded down.
fn share(quota: i64, period: i64) -> (Cpu, i64) {
    let nano = i128::from(quota) * 1_000_000_000 / i128::from(period);
    let milli = (i128::from(quota) * 1_000 + i128::from(period) - 1) / i128::from(period);
    (Cpu(u64::try_from(milli).unwrap_or(u64::MAX)), i64::try_from(nano).unwrap_or(i64::MAX))
}

/// Logs two keys that say the same thing differently.
fn agree<T: PartialEq>(
    service: &mut ServiceReading<'_, '_>,
    key: &str,
    other: &str,
    given: &Given<T>,
    deploy: &Given<T>,
) {
    if let (Some((old, at)), Some((new, _))) = (given, deploy)
        && old != new
    {
        let says = format!("{key} and {other} say different things");
        service.reading.log.push(Mistake::at(at.clone(), says).hint("keep one of them"));
    }
}

/// Logs a reservation that is larger than its limit.
fn within<T: PartialOrd>(
    service: &mut ServiceReading<'_, '_>,
    what: &str,
    reserved: &Given<T>,
    limit: &Given<T>,
) {
    if let (Some((reserved, at)), Some((limit, _))) = (reserved, limit)
        && reserved > limit
    {
        let says = format!("more {what} is reserved than the limit allows");
        service.reading.log.push(Mistake::at(at.clone(), says).hint("raise the limit"));
    }
}
