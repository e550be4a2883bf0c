//! Accelerators: `gpus`, and the devices that `deploy` reserves.

use coc_model::application::AcceleratorNeed;
use coc_model::mistake::Mistake;
use serde_json::json;

use super::engine::as_given;
use super::merge::pairs;
use super::service::ServiceReading;
use super::values::text_list;
use crate::tree::Node;

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

/// A list of device requests.
pub(super) fn device_requests(service: &mut ServiceReading<'_, '_>, node: &Node) {
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
        request["Options"] = as_given(&pairs(options));
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
