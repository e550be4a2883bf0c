//! Namespaces that a container shares with another: `native` says `service:NAME`, as Compose does,
//! where an engine wants `container:NAME`.

use coc_model::application::Service;
use serde_json::Value;

use super::Resolving;

/// The fields of `HostConfig` that name a namespace.
const MODES: [&str; 3] = ["NetworkMode", "PidMode", "IpcMode"];

/// The fields that name another service's namespace, with the service.
pub(super) fn shared(service: &Service) -> Vec<(&'static str, String)> {
    let host = service.native.get("docker").map(|n| &n["HostConfig"]);
    MODES
        .into_iter()
        .filter_map(|field| {
            let mode = host?[field].as_str()?.strip_prefix("service:")?;
            Some((field, mode.to_owned()))
        })
        .collect()
}

impl Resolving<'_> {
    /// Puts containers in place of services, and takes out what a container can't have that is not
    /// on the application's network.
    pub(super) fn share(&mut self, service: &Service, number: u32, document: &mut Value) {
        for (field, other) in shared(service) {
            match self.shared_replica(&other, number) {
                Some(number) => {
                    let name = self.container_name(&other, number);
                    document["HostConfig"][field] = format!("container:{name}").into();
                }
                None => {
                    let says = format!(
                        "{field} is that of service {other}, which is not on the same engine"
                    );
                    self.mistake(&service.at, says, "keep the two together: colocate");
                }
            }
        }
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
}
