//! The native resources that make a part of a plan real here.

use std::collections::{BTreeMap, BTreeSet};

use coc_cloud::cloud::{Ask, AskedHost, AskedReplica};
use coc_model::application::{
    Condition, EnvValue, Healthcheck, Mount, MountSource, Probe, Restart, Service, Volume,
};
use coc_model::marks::resource_name;
use coc_model::mistake::{Mistake, MistakeLog, Mistakes, closest};
use coc_model::offer::Purchase;
use coc_model::plan::{Await, PlannedResource};
use coc_model::secret::SECRET_KEY;
use serde_json::{Map, Value, json};

use crate::document::{Spec, Type};
use crate::driver::DRIVER;
use crate::profile::Profile;
use crate::requests::{NAME_MAX, merge};

/// Resolves an ask: a network for each region used, a volume for each region whose replicas mount
/// it, a machine for each new host, a container for each replica.
pub(crate) fn resolve(
    cloud: &str,
    profile: &Profile,
    ask: &Ask<'_>,
) -> Result<Vec<PlannedResource>, Mistakes> {
    let mut resolving = Resolving {
        cloud,
        profile,
        ask,
        hosts: ask.hosts.iter().map(|h| (h.id.as_str(), h)).collect(),
        log: MistakeLog::new(),
    };
    let mut planned = resolving.networks();
    planned.extend(resolving.volumes());
    planned.extend(resolving.machines());
    planned.extend(resolving.containers());
    resolving.log.finish(planned)
}

struct Resolving<'a> {
    cloud: &'a str,
    profile: &'a Profile,
    ask: &'a Ask<'a>,
    hosts: BTreeMap<&'a str, &'a AskedHost>,
    log: MistakeLog,
}

/// How long a job runs whose end somebody waits for, unless its native fields say otherwise.
const JOB: &str = "2s";

impl Resolving<'_> {
    fn planned(
        &self,
        kind: Type,
        id: String,
        native: Value,
        after: BTreeSet<Await>,
    ) -> PlannedResource {
        PlannedResource {
            name: self.name(&id),
            id,
            cloud: self.cloud.to_owned(),
            resource_type: kind.name().to_owned(),
            after: after.into_iter().collect(),
            native,
            protect: kind == Type::Volume,
        }
    }

    /// The native name of a resource of the plan.
    fn name(&self, id: &str) -> String {
        let app = &self.ask.application.name;
        let title = id.split_once('/').map_or(id, |(_, title)| title);
        resource_name(&format!("{app}-{title}"), &format!("{app}/{}/{id}", self.cloud), NAME_MAX)
    }

    /// The region of a host, as the profile spells it; of a machine that is there, its own.
    fn region_of(&self, host: &AskedHost) -> Option<String> {
        if host.existing {
            let there = self.profile.machines.iter().find(|m| m.name == host.offer)?;
            return Some(there.region.to_string());
        }
        let region = self.profile.region(host.region.as_deref()?)?;
        Some(region.name().to_owned())
    }

    fn region_of_replica(&self, replica: &AskedReplica) -> Option<String> {
        self.region_of(self.hosts.get(replica.host.as_str())?)
    }

    fn networks(&self) -> Vec<PlannedResource> {
        let used: BTreeSet<String> =
            self.ask.hosts.iter().filter_map(|h| self.region_of(h)).collect();
        used.into_iter()
            .map(|region| {
                let native = json!({ "region": region });
                self.planned(Type::Network, format!("network/{region}"), native, BTreeSet::new())
            })
            .collect()
    }

    /// Where each volume of the application is mounted: its home, which is the region of the first
    /// replica that mounts it and keeps the plain id, and the regions of others.
    fn volume_regions(&self) -> BTreeMap<String, Vec<String>> {
        let mut replicas: Vec<&AskedReplica> = self.ask.replicas.iter().collect();
        replicas.sort_by_key(|r| (&r.service, r.replica));
        let mut regions: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for replica in replicas {
            let Some(service) = self.ask.application.services.get(&replica.service) else {
                continue;
            };
            let Some(region) = self.region_of_replica(replica) else { continue };
            for mount in &service.mounts {
                if let MountSource::Volume(name) = &mount.source {
                    let of_volume = regions.entry(name.clone()).or_default();
                    if !of_volume.contains(&region) {
                        of_volume.push(region.clone());
                    }
                }
            }
        }
        regions
    }

    fn volume_id(name: &str, regions: &[String], region: &str) -> String {
        if regions.first().is_some_and(|home| home == region) {
            format!("volume/{name}")
        } else {
            format!("volume/{name}/{region}")
        }
    }

    fn volumes(&mut self) -> Vec<PlannedResource> {
        let mut planned = Vec::new();
        for (name, regions) in self.volume_regions() {
            let Some(volume) = self.ask.application.volumes.get(&name).filter(|v| !v.external)
            else {
                continue;
            };
            for region in &regions {
                let native = self.volume_document(&name, volume, region);
                let id = Self::volume_id(&name, &regions, region);
                planned.push(self.planned(Type::Volume, id, native, BTreeSet::new()));
            }
        }
        planned
    }

    fn volume_document(&mut self, name: &str, volume: &Volume, region: &str) -> Value {
        let mut native = json!({ "region": region });
        if let Some(size) = volume.size {
            native["size"] = json!(size.to_string());
        }
        let what = format!("volume \"{name}\"");
        self.add_native(Type::Volume, &mut native, volume.native.get(DRIVER), &volume.at, &what);
        native
    }

    fn machines(&mut self) -> Vec<PlannedResource> {
        let mut planned = Vec::new();
        for host in self.ask.hosts.iter().filter(|h| !h.existing) {
            let Some(region) = self.region_of(host) else {
                let named = host.region.as_deref().unwrap_or("none");
                self.log.push(Mistake::of_request(format!(
                    "host {} is planned in region \"{named}\", which {} does not have",
                    host.id, self.cloud
                )));
                continue;
            };
            let network = format!("network/{region}");
            let mut native = json!({
                "region": region, "offer": host.offer, "network": self.name(&network),
            });
            if let Some(zone) = &host.zone {
                native["zone"] = json!(zone);
            }
            if host.purchase == Purchase::Spot {
                native["spot"] = json!(true);
            }
            let after = [Await::Ready(network)].into();
            planned.push(self.planned(Type::Vm, format!("vm/{}", host.id), native, after));
        }
        planned
    }

    fn containers(&mut self) -> Vec<PlannedResource> {
        let regions = self.volume_regions();
        let mut planned = Vec::new();
        let mut told = BTreeSet::new();
        for replica in self.ask.replicas {
            let Some(service) = self.ask.application.services.get(&replica.service) else {
                self.log.push(Mistake::of_request(format!(
                    "the plan places service \"{}\", which the application does not have",
                    replica.service
                )));
                continue;
            };
            if service.service_type != "container" {
                if told.insert(&replica.service) {
                    let says = format!(
                        "{DRIVER} clouds run containers and have no \"{}\"",
                        service.service_type
                    );
                    self.log.push(Mistake::at(service.at.clone(), says));
                }
                continue;
            }
            let Some(host) = self.hosts.get(replica.host.as_str()).copied() else {
                self.log.push(Mistake::of_request(format!(
                    "{} {} is planned on host {}, which the plan does not have",
                    replica.service, replica.replica, replica.host
                )));
                continue;
            };
            planned.extend(self.container(service, replica, host, &regions));
        }
        planned
    }

    fn container(
        &mut self,
        service: &Service,
        replica: &AskedReplica,
        host: &AskedHost,
        regions: &BTreeMap<String, Vec<String>>,
    ) -> Option<PlannedResource> {
        let region = self.region_of(host)?;
        let network = format!("network/{region}");
        let mut after: BTreeSet<Await> = [Await::Ready(network.clone())].into();
        let vm = if host.existing {
            host.offer.to_string()
        } else {
            after.insert(Await::Ready(format!("vm/{}", host.id)));
            self.name(&format!("vm/{}", host.id))
        };
        let mut native = json!({
            "vm": vm,
            "network": self.name(&network),
            "image": self.image(&replica.service, service),
            "cpu": replica.cpu.to_string(),
            "memory": replica.memory.to_string(),
        });
        for (key, value) in program_fields(service) {
            native[key] = value;
        }
        let mounts: Vec<Value> = service
            .mounts
            .iter()
            .map(|mount| self.mount(mount, &region, regions, &mut after))
            .collect();
        if !mounts.is_empty() {
            native["mounts"] = json!(mounts);
        }
        self.add_awaited(&replica.service, service, &mut native);
        after.extend(self.dependencies(service));
        let what = format!("service \"{}\"", replica.service);
        let own = service.native.get(DRIVER);
        self.add_native(Type::Container, &mut native, own, &service.at, &what);
        let id = format!("container/{}/{}", replica.service, replica.replica);
        Some(self.planned(Type::Container, id, native, after))
    }

    /// The image; one that is built here bears the name Compose gives it.
    fn image(&self, name: &str, service: &Service) -> String {
        let built = || format!("{}-{name}", self.ask.application.name);
        service.image.clone().unwrap_or_else(built)
    }

    fn mount(
        &self,
        mount: &Mount,
        region: &str,
        regions: &BTreeMap<String, Vec<String>>,
        after: &mut BTreeSet<Await>,
    ) -> Value {
        let (kind, source) = match &mount.source {
            MountSource::Volume(name) => {
                let external = self.ask.application.volumes.get(name).is_some_and(|v| v.external);
                if external {
                    ("volume", Some(name.clone()))
                } else {
                    let of_volume = regions.get(name).map_or(&[][..], Vec::as_slice);
                    let id = Self::volume_id(name, of_volume, region);
                    let native_name = self.name(&id);
                    after.insert(Await::Ready(id));
                    ("volume", Some(native_name))
                }
            }
            MountSource::Bind(path) => ("bind", Some(path.clone())),
            MountSource::Anonymous => ("anonymous", None),
            MountSource::Tmpfs => ("tmpfs", None),
            MountSource::Config(name) => ("config", Some(name.clone())),
            MountSource::Secret(name) => ("secret", Some(name.clone())),
        };
        let mut native = json!({ "kind": kind, "target": mount.target });
        if let Some(source) = source {
            native["source"] = json!(source);
        }
        if mount.read_only {
            native["readOnly"] = json!(true);
        }
        native
    }

    /// If somebody waits for the end or the health of a service, its simulated program has one.
    fn add_awaited(&self, name: &str, service: &Service, native: &mut Value) {
        let services = self.ask.application.services.values();
        let awaited = services.flat_map(|s| &s.after).filter(|d| d.service == name);
        let conditions: BTreeSet<Condition> = awaited.map(|d| d.condition).collect();
        if conditions.contains(&Condition::Completed) {
            native["program"] = json!({ "ends": JOB });
        }
        if conditions.contains(&Condition::Healthy) && service.healthcheck.is_none() {
            // The file states no check, so the image has to bring one.
            native["healthcheck"] = json!({ "probe": "image" });
        }
    }

    /// The replicas here of the services that one waits for.
    fn dependencies(&self, service: &Service) -> BTreeSet<Await> {
        let mut after = BTreeSet::new();
        for dependency in &service.after {
            let here = self.ask.replicas.iter().filter(|r| r.service == dependency.service);
            for replica in here {
                let id = format!("container/{}/{}", replica.service, replica.replica);
                after.insert(match dependency.condition {
                    Condition::Started => Await::Ready(id),
                    until => Await::Condition { id, until },
                });
            }
        }
        after
    }

    /// Adds the fields that the file states for this driver, by type, and checks the document.
    fn add_native(
        &mut self,
        kind: Type,
        native: &mut Value,
        own: Option<&Value>,
        at: &coc_model::mistake::Position,
        what: &str,
    ) {
        let Some(own) = own else { return };
        let Some(by_type) = own.as_object() else {
            let says = format!("native.{DRIVER} of {what}: expected types with their fields");
            self.log.push(Mistake::at(at.clone(), says));
            return;
        };
        for (name, fields) in by_type {
            if name == kind.name() {
                merge(native, fields);
            } else if Type::parse(name).is_none() {
                let says = format!("native.{DRIVER} of {what}: there is no type \"{name}\"");
                let mistake = Mistake::at(at.clone(), says);
                self.log.push(match closest(name, Type::ALL.map(Type::name)) {
                    Some(meant) => mistake.hint(format!("did you mean \"{meant}\"?")),
                    None => {
                        mistake.hint(format!("known are {}", Type::ALL.map(Type::name).join(", ")))
                    }
                });
            }
        }
        if let Err(mistakes) = Spec::read(kind, &crate::driver::unsealed(native)) {
            for says in mistakes {
                let says = format!("native.{DRIVER} of {what}: {says}");
                self.log.push(Mistake::at(at.clone(), says));
            }
        }
    }
}

/// What a container's document says of its program.
fn program_fields(service: &Service) -> Map<String, Value> {
    let mut fields = Map::new();
    let mut add = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            fields.insert(key.to_owned(), value);
        }
    };
    add("entrypoint", service.entrypoint.as_ref().map(|e| json!(e)));
    add("command", service.command.as_ref().map(|c| json!(c)));
    add("workingDir", service.working_dir.as_ref().map(|w| json!(w)));
    add("user", service.user.as_ref().map(|u| json!(u)));
    add("env", (!service.env.is_empty()).then(|| environment(service)));
    add("ports", (!service.ports.is_empty()).then(|| ports(service)));
    add("healthcheck", service.healthcheck.as_ref().and_then(healthcheck));
    add(
        "restart",
        match service.restart {
            Restart::Unsaid => None,
            Restart::No => Some(json!("no")),
            Restart::Always => Some(json!("always")),
            Restart::OnFailure => Some(json!("on-failure")),
            Restart::UnlessStopped => Some(json!("unless-stopped")),
        },
    );
    fields
}

fn environment(service: &Service) -> Value {
    let value = |value: &EnvValue| match value {
        EnvValue::Text(text) => json!(text),
        EnvValue::Secret(reference) => json!({ SECRET_KEY: reference }),
        // Filled in by whoever applies the plan; left out if not set there.
        EnvValue::Passed => Value::Null,
    };
    service.env.iter().map(|(name, v)| (name.clone(), value(v))).collect()
}

fn ports(service: &Service) -> Value {
    let port = |port: &coc_model::application::Port| {
        let mut native = json!({ "target": port.target, "protocol": port.protocol.name() });
        if let Some(published) = port.published {
            native["published"] = json!(published);
        }
        if let Some(host_ip) = &port.host_ip {
            native["hostIp"] = json!(host_ip);
        }
        native
    };
    service.ports.iter().map(port).collect()
}

fn healthcheck(check: &Healthcheck) -> Option<Value> {
    let probe = match check.probe {
        Probe::Disabled => return None,
        Probe::Command(_) => "command",
        Probe::Shell(_) => "shell",
        Probe::Http { .. } => "http",
        Probe::Tcp(_) => "tcp",
        Probe::Grpc(_) => "grpc",
    };
    Some(json!({ "probe": probe }))
}
