//! What a container shares with another: `native` says `service:NAME`, as Compose does, where an
//! engine wants a container.

use std::collections::BTreeSet;

use coc_model::application::Service;
use serde_json::{Value, json};

use super::Resolving;

/// The fields of `HostConfig` that name a namespace.
const MODES: [&str; 3] = ["NetworkMode", "PidMode", "IpcMode"];

/// The fields of `HostConfig` that list containers, each with more after a colon: volumes with
/// their mode, links with the name that the other is found by.
const VOLUMES: &str = "VolumesFrom";
const LINKS: &str = "Links";

const SERVICE: &str = "service:";

/// The services that a service shares something with, so that they have to be there before.
pub(super) fn shared(service: &Service) -> BTreeSet<String> {
    let Some(host) = service.native.get("docker").map(|n| &n["HostConfig"]) else {
        return BTreeSet::new();
    };
    let modes = MODES.into_iter().map(|field| &host[field]);
    let lists = [VOLUMES, LINKS].into_iter().flat_map(|f| host[f].as_array().into_iter().flatten());
    let named = modes.chain(lists).filter_map(|text| text.as_str()?.strip_prefix(SERVICE));
    named.map(|text| text.split(':').next().unwrap_or_default().to_owned()).collect()
}

impl Resolving<'_> {
    /// Puts containers in place of services, and takes out what a container can't have that is not
    /// on the application's network.
    pub(super) fn share(&mut self, service: &Service, number: u32, document: &mut Value) {
        for field in MODES {
            let mode = document["HostConfig"][field].as_str();
            let Some(other) = mode.and_then(|mode| mode.strip_prefix(SERVICE)) else { continue };
            let other = other.to_owned();
            if let Some(name) = self.partner(service, number, field, &other) {
                document["HostConfig"][field] = format!("container:{name}").into();
            }
        }
        self.share_volumes(service, number, document);
        self.link(service, number, document);
        let mode = document["HostConfig"]["NetworkMode"].as_str().unwrap_or_default();
        let own_network = mode != "host" && mode != "none" && !mode.starts_with("container:");
        if own_network {
            return;
        }
        let with_other = mode.starts_with("container:");
        if let Value::Object(fields) = document {
            fields.remove("NetworkingConfig");
            if with_other {
                fields.remove("ExposedPorts");
            }
            if let Some(Value::Object(host)) = fields.get_mut("HostConfig") {
                host.remove("PortBindings");
            }
        }
    }

    fn share_volumes(&mut self, service: &Service, number: u32, document: &mut Value) {
        let Some(Value::Array(list)) = document["HostConfig"].get_mut(VOLUMES) else { return };
        for item in list {
            let Some(text) = item.as_str().and_then(|t| t.strip_prefix(SERVICE)) else { continue };
            let (other, mode) = match text.split_once(':') {
                Some((other, mode)) => (other, format!(":{mode}")),
                None => (text, String::new()),
            };
            if let Some(name) = self.partner(service, number, VOLUMES, other) {
                *item = format!("{name}{mode}").into();
            }
        }
    }

    /// Links to services belong to the application's network: an engine has those of `HostConfig`
    /// on its default network alone.
    fn link(&mut self, service: &Service, number: u32, document: &mut Value) {
        let Some(Value::Array(list)) = document["HostConfig"].get_mut(LINKS) else { return };
        let (ours, others): (Vec<Value>, Vec<Value>) = std::mem::take(list)
            .into_iter()
            .partition(|item| item.as_str().is_some_and(|text| text.starts_with(SERVICE)));
        *list = others;
        if list.is_empty()
            && let Some(Value::Object(host)) = document.get_mut("HostConfig")
        {
            host.remove(LINKS);
        }
        let mut links: Vec<Value> = Vec::new();
        for item in &ours {
            let text = item.as_str().and_then(|t| t.strip_prefix(SERVICE)).unwrap_or_default();
            let (other, alias) = text.split_once(':').unwrap_or((text, text));
            let name = self.partner(service, number, LINKS, other);
            links.extend(name.map(|name| json!(format!("{name}:{alias}"))));
        }
        if !links.is_empty() {
            let network = self.network_name();
            document["NetworkingConfig"]["EndpointsConfig"][network]["Links"] = links.into();
        }
    }

    /// The container of another service that a replica shares something with.
    fn partner(
        &mut self,
        service: &Service,
        number: u32,
        field: &str,
        other: &str,
    ) -> Option<String> {
        let Some(number) = self.shared_replica(other, number) else {
            let says =
                format!("{field} is that of service {other}, which is not on the same engine");
            self.mistake(&service.at, says, "keep the two together: colocate");
            return None;
        };
        Some(self.container_name(other, number))
    }
}
