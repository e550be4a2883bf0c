//! The document of a container.

use std::collections::BTreeSet;

use coc_model::application::{Restart, Service};
use coc_model::quantity::{Bytes, Cpu};
use serde_json::{Map, Value, json};

use super::{Replica, Resolving, health, mounting, ports};
use crate::fingerprint::hash;
use crate::{files, labels};

/// The weight an engine gives a whole processor where containers compete.
const SHARES_PER_CPU: u64 = 1024;

/// Nanoseconds of processor time per second, for a thousandth of a processor.
const NANO_PER_MILLICORE: u64 = 1_000_000;

impl Resolving<'_> {
    /// The document of a replica, native additions merged last; `None` if there can be none.
    pub(super) fn document(&mut self, replica: Replica<'_>) -> Option<Value> {
        let Replica { service_name, service, number } = replica;
        let image = self.image(service_name, service)?;
        let environment = self.environment(service);
        let mut labels = Map::new();
        labels.insert(labels::ENVIRONMENT.into(), hash(&environment.clone().into()).into());
        let mut document = Map::new();
        document.insert("Image".into(), image.into());
        let mut put = |key: &str, value: Value| {
            document.insert(key.to_owned(), value);
        };
        if let Some(entrypoint) = &service.entrypoint {
            put("Entrypoint", json!(entrypoint));
        }
        if let Some(command) = &service.command {
            put("Cmd", json!(command));
        }
        if !environment.is_empty() {
            put("Env", environment.into());
        }
        if let Some(folder) = &service.working_dir {
            put("WorkingDir", json!(folder));
        }
        if let Some(user) = &service.user {
            put("User", json!(user));
        }
        let exposed = ports::exposed(service);
        if !exposed.is_empty() {
            put("ExposedPorts", exposed.into());
        }
        if let Some(check) = &service.healthcheck {
            let check = health::check(check);
            put("Healthcheck", check.document);
            if let Some(kind) = check.derived {
                labels.insert(labels::DERIVED_PROBE.into(), kind.into());
            }
        }
        put("Labels", labels.into());
        let storage = self.storage(service_name, service);
        if !storage.files.is_empty() {
            put(files::FILES, storage.files.into());
        }
        let mut host = self.host_config(service_name, service);
        if !storage.binds.is_empty() {
            host.insert("Binds".into(), storage.binds.into());
        }
        if !storage.mounts.is_empty() {
            host.insert("Mounts".into(), storage.mounts.into());
        }
        put("HostConfig", host.into());
        put("NetworkingConfig", self.endpoints(service_name, service, number));
        let mut document = Value::Object(document);
        if let Some(additions) = service.native.get("docker") {
            mounting::lay_over(&mut document, additions);
        }
        self.share(service, number, &mut document);
        Some(document)
    }

    fn image(&mut self, name: &str, service: &Service) -> Option<String> {
        if service.service_type != "container" {
            let says = format!(
                "service {name} is a {}, which a docker cloud does not have",
                service.service_type
            );
            self.mistake(&service.at, says, "run it as a container with an image");
            return None;
        }
        if service.image.is_none() {
            let (says, hint) = match &service.build {
                Some(build) => (
                    format!(
                        "service {name} has no image but is built from {}: building is not possible yet",
                        build.context
                    ),
                    "build it, push it to a registry or load it into the engine, and name it: image: NAME:TAG",
                ),
                None => (format!("service {name} has no image"), "name one: image: NAME:TAG"),
            };
            self.mistake(&service.at, says, hint);
        }
        service.image.clone()
    }

    /// What the host gives and limits. What a replica reserves weighs where containers compete
    /// (`CpuShares`, as Kubernetes sets them) and protects its memory (`MemoryReservation`); only
    /// what was declared is set, what planning assumed is not.
    fn host_config(&mut self, name: &str, service: &Service) -> Map<String, Value> {
        let mut host = Map::new();
        let mut put = |key: &str, value: Value| {
            host.insert(key.to_owned(), value);
        };
        if let Some(Cpu(milli)) = service.needs.cpu {
            let shares = milli.saturating_mul(SHARES_PER_CPU) / 1000;
            put("CpuShares", json!(shares.clamp(2, 262_144)));
        }
        if let Some(Cpu(milli)) = service.limits.cpu {
            put("NanoCpus", json!(milli.saturating_mul(NANO_PER_MILLICORE)));
        }
        if let Some(Bytes(bytes)) = service.limits.memory {
            put("Memory", json!(bytes));
        }
        if let Some(Bytes(bytes)) = service.needs.memory {
            put("MemoryReservation", json!(bytes));
        }
        if let Some(pids) = service.limits.pids {
            put("PidsLimit", json!(pids));
        }
        let bindings = ports::bindings(service);
        if !bindings.is_empty() {
            put("PortBindings", bindings.into());
        }
        let policy = match service.restart {
            Restart::Unsaid => None,
            Restart::No => Some("no"),
            Restart::Always => Some("always"),
            Restart::OnFailure => Some("on-failure"),
            Restart::UnlessStopped => Some("unless-stopped"),
        };
        if let Some(policy) = policy {
            put("RestartPolicy", json!({"Name": policy}));
        }
        if let Some(need) = &service.needs.accelerator {
            // An engine has drivers by capability; it can't be asked for a model.
            let count = need.count.map_or(-1, i64::from);
            put("DeviceRequests", json!([{"Count": count, "Capabilities": [["gpu"]]}]));
        }
        put("NetworkMode", self.network_name().into());
        if service.limits.memory < service.needs.memory && service.limits.memory.is_some() {
            let says = format!("service {name} reserves more memory than it may use");
            self.mistake(&service.at, says, "raise the limit or lower the need");
        }
        host
    }

    /// The application's network, where the replica is found by the service's name, by the
    /// service's name with its number, and by the names it has on networks of the file.
    fn endpoints(&self, name: &str, service: &Service, number: u32) -> Value {
        let mut aliases = vec![name.to_owned(), format!("{name}-{number}")];
        let others: BTreeSet<&String> = service.networks.values().flatten().collect();
        for alias in others {
            if !aliases.contains(alias) {
                aliases.push(alias.clone());
            }
        }
        json!({"EndpointsConfig": {self.network_name(): {"Aliases": aliases}}})
    }
}
