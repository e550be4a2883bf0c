//! What makes a part of a plan real on an engine: a network per application, its volumes, and a
//! container per replica.

use std::collections::{BTreeMap, BTreeSet};

use coc_cloud::cloud::{Ask, AskedHost, AskedReplica};
use coc_model::application::{Application, Condition, MountSource, Service};
use coc_model::marks::resource_name;
use coc_model::mistake::{Mistake, MistakeLog, Mistakes, Position, closest};
use coc_model::offer::Purchase;
use coc_model::plan::{Await, PlannedResource};
use serde_json::{Value, json};

use crate::{CONTAINER, NETWORK, VOLUME};

mod document;
mod environment;
mod health;
mod merge;
mod mounting;
mod namespaces;
mod ports;
mod storage;

/// Names are those of hosts in the application's network, so they are no longer than those may be.
const NAME_LIMIT: usize = 63;

/// The resources of a part of a plan, each after those it needs: the network, then volumes by
/// name, then containers by service and replica.
///
/// # Errors
/// All that an engine can't do, at the place of its service or volume.
pub(crate) fn resolve(cloud: &str, ask: &Ask<'_>) -> Result<Vec<PlannedResource>, Mistakes> {
    let mut resolving = Resolving::new(cloud, ask);
    resolving.log.extend(bought(cloud, ask));
    if ask.replicas.is_empty() {
        return resolving.log.finish(Vec::new());
    }
    let volumes = resolving.volumes();
    let containers: Vec<PlannedResource> =
        resolving.replicas.clone().into_iter().filter_map(|r| resolving.container(r)).collect();
    let mistakes = ports::clashes(cloud, ask);
    resolving.log.extend(mistakes);
    let network = resolving.network();
    let resources = [network].into_iter().chain(volumes).chain(containers).collect();
    resolving.log.finish(resources)
}

/// Hosts to be bought at the spot price: an engine is there, nothing is bought.
fn bought(cloud: &str, ask: &Ask<'_>) -> Vec<Mistake> {
    let spot = ask.hosts.iter().filter(|h| h.purchase == Purchase::Spot);
    let mistake = |host: &AskedHost| {
        Mistake::of_request(format!(
            "host {} is planned at the spot price, but {cloud} is an engine that is there: \
             nothing is bought",
            host.id
        ))
    };
    spot.map(mistake).collect()
}

/// One replica with its service.
#[derive(Clone, Copy)]
struct Replica<'a> {
    service_name: &'a str,
    service: &'a Service,
    number: u32,
}

/// What is known while resources are made.
struct Resolving<'a> {
    cloud: &'a str,
    application: &'a Application,
    /// The replicas here, ordered by service and number.
    replicas: Vec<Replica<'a>>,
    log: MistakeLog,
}

impl<'a> Resolving<'a> {
    fn new(cloud: &'a str, ask: &Ask<'a>) -> Self {
        let mut log = MistakeLog::new();
        let mut asked: Vec<&AskedReplica> = ask.replicas.iter().collect();
        asked.sort_by_key(|r| (&r.service, r.replica));
        let replicas = asked
            .into_iter()
            .filter_map(|asked| match ask.application.services.get_key_value(&asked.service) {
                Some((service_name, service)) => {
                    Some(Replica { service_name, service, number: asked.replica })
                }
                None => {
                    let says = format!("the application has no service \"{}\"", asked.service);
                    log.push(Mistake::of_request(says));
                    None
                }
            })
            .collect();
        Self { cloud, application: ask.application, replicas, log }
    }

    fn mistake(&mut self, at: &Position, says: String, hint: &str) {
        let mistake = Mistake::at(at.clone(), says);
        self.log.push(if hint.is_empty() { mistake } else { mistake.hint(hint) });
    }

    /// True if a replica of the service is here.
    fn is_here(&self, service: &str) -> bool {
        self.replicas.iter().any(|r| r.service_name == service)
    }

    fn resource(
        &self,
        resource_type: &str,
        part: &str,
        title: &str,
        native: Value,
    ) -> PlannedResource {
        PlannedResource {
            id: self.id(part),
            cloud: self.cloud.to_owned(),
            resource_type: resource_type.to_owned(),
            name: self.native_name(part, title),
            after: Vec::new(),
            native,
            protect: false,
        }
    }

    /// The key of a resource in the plan, from the part that tells it from others in this cloud.
    fn id(&self, part: &str) -> String {
        format!("{}/{part}", self.cloud)
    }

    /// The name of a resource in the engine: people recognise the title, the hash of application
    /// and key keeps names apart.
    fn native_name(&self, part: &str, title: &str) -> String {
        let application = &self.application.name;
        let key = format!("{application}/{}", self.id(part));
        resource_name(&format!("{application}-{title}"), &key, NAME_LIMIT)
    }

    fn network(&self) -> PlannedResource {
        self.resource(NETWORK, "network", "network", json!({"Driver": "bridge"}))
    }

    fn network_name(&self) -> String {
        self.native_name("network", "network")
    }

    fn container_name(&self, service: &str, number: u32) -> String {
        self.native_name(&container_part(service, number), &format!("{service}-{number}"))
    }

    /// The volumes that replicas here mount and that are not there already.
    fn volumes(&mut self) -> Vec<PlannedResource> {
        let mut needed = BTreeSet::new();
        for Replica { service, .. } in &self.replicas {
            for mount in &service.mounts {
                if let MountSource::Volume(name) = &mount.source {
                    needed.insert((name.as_str(), &service.at));
                }
            }
        }
        let mut made: BTreeMap<&str, PlannedResource> = BTreeMap::new();
        for (name, at) in needed {
            let Some(volume) = self.application.volumes.get(name) else {
                self.unknown_volume(name, at);
                continue;
            };
            if volume.external || made.contains_key(name) {
                continue;
            }
            let mut native = json!({"Driver": "local"});
            if let Some(additions) = volume.native.get("docker") {
                merge::deep(&mut native, additions);
            }
            if let Value::Object(fields) = &mut native {
                // The name is the plan's; the engine takes it from there.
                fields.remove("Name");
            }
            let mut resource = self.resource(VOLUME, &format!("volume/{name}"), name, native);
            resource.protect = true;
            made.insert(name, resource);
        }
        made.into_values().collect()
    }

    fn unknown_volume(&mut self, name: &str, at: &Position) {
        let says = format!("volume \"{name}\" is not declared");
        let hint = match closest(name, self.application.volumes.keys().map(String::as_str)) {
            Some(meant) => format!("did you mean \"{meant}\"?"),
            None => format!("declare it: volumes: {{{name}: {{}}}}"),
        };
        self.mistake(at, says, &hint);
    }

    /// The engine's name of a volume of the application.
    fn volume_name(&self, name: &str) -> String {
        match self.application.volumes.get(name) {
            Some(volume) if volume.external => {
                let stated = volume.native.get("docker").and_then(|n| n["Name"].as_str());
                stated.unwrap_or(name).to_owned()
            }
            _ => self.native_name(&format!("volume/{name}"), name),
        }
    }

    fn container(&mut self, replica: Replica<'a>) -> Option<PlannedResource> {
        let Replica { service_name, service, number } = replica;
        let native = self.document(replica)?;
        let part = container_part(service_name, number);
        let title = format!("{service_name}-{number}");
        let mut resource = self.resource(CONTAINER, &part, &title, native);
        let mut after = BTreeSet::from([Await::Ready(self.id("network"))]);
        for mount in &service.mounts {
            if let MountSource::Volume(name) = &mount.source
                && self.application.volumes.get(name).is_some_and(|v| !v.external)
            {
                after.insert(Await::Ready(self.id(&format!("volume/{name}"))));
            }
        }
        for dependency in &service.after {
            after.extend(self.awaited(&dependency.service, dependency.condition));
        }
        for other in namespaces::shared(service) {
            let target = self.shared_replica(&other, number);
            after.extend(target.map(|n| Await::Ready(self.id(&container_part(&other, n)))));
        }
        resource.after = after.into_iter().collect();
        Some(resource)
    }

    /// The replicas of a service here, to be waited for. Those in other clouds are the business of
    /// whoever puts the plan together.
    fn awaited(&self, service: &str, until: Condition) -> Vec<Await> {
        let here = self.replicas.iter().filter(|r| r.service_name == service);
        here.map(|r| {
            let id = self.id(&container_part(r.service_name, r.number));
            match until {
                Condition::Started => Await::Ready(id),
                until => Await::Condition { id, until },
            }
        })
        .collect()
    }

    /// The replica of a service whose namespace a replica of this number shares: the one of the
    /// same number, or the first.
    fn shared_replica(&self, service: &str, number: u32) -> Option<u32> {
        let mut numbers =
            self.replicas.iter().filter(|r| r.service_name == service).map(|r| r.number);
        let first = numbers.next()?;
        Some(if first == number || numbers.any(|n| n == number) { number } else { first })
    }
}

fn container_part(service: &str, number: u32) -> String {
    format!("container/{service}/{number}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_at_the_spot_price_is_refused() {
        let host = |purchase| AskedHost {
            id: "h1".to_owned(),
            region: None,
            zone: None,
            offer: "lab".into(),
            existing: true,
            purchase,
        };
        let told = |purchase| {
            let application = Application {
                name: "shop".to_owned(),
                services: BTreeMap::new(),
                links: vec![],
                volumes: BTreeMap::new(),
                keys: vec![],
            };
            let hosts = [host(purchase)];
            let ask = Ask { application: &application, hosts: &hosts, replicas: &[] };
            resolve("lab", &ask).map_err(|m| m.to_string())
        };
        assert_eq!(told(Purchase::OnDemand), Ok(Vec::new()));
        assert_eq!(
            told(Purchase::Spot).map_err(|m| m.trim().to_owned()),
            Err("host h1 is planned at the spot price, but lab is an engine that is there: \
                 nothing is bought"
                .to_owned())
        );
    }
}
