//! Groups of alike items, and which of them may not share a host.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use coc_model::application::{MountSource, Protocol, Service};
use coc_model::estate::{Estate, Offering};
use coc_model::goals::Policy;
use coc_model::offer::Architecture;

use super::Lowering;
use super::evaluate::replica_count;
use super::hosts::HostRules;
use crate::problem::{Apart, Formula, Group, GroupId, OptionId, Origin, Requirement};

impl Lowering<'_> {
    /// One group per service; services that must share a host become one item with all their
    /// replicas.
    pub(super) fn groups(&mut self, host_rules: &HostRules) {
        let services = &self.world.application.services;
        let names: Vec<&String> = services.keys().filter(|n| !self.per_host.contains(n)).collect();
        let mut set: BTreeMap<&str, &str> =
            names.iter().map(|n| (n.as_str(), n.as_str())).collect();
        for (a, b, _) in &host_rules.together {
            let (a, b) = (root(&set, a), root(&set, b));
            set.insert(b.max(a), a.min(b));
        }
        let sites: Arc<[bool]> = vec![true; self.problem.sites.len()].into();
        let mut machines: BTreeMap<BTreeSet<Option<Architecture>>, Arc<[bool]>> = BTreeMap::new();
        let mut members: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for name in &names {
            members.entry(root(&set, name)).or_default().push(name);
        }
        let tied: Vec<&str> = host_rules.together.iter().map(|(a, _, _)| a.as_str()).collect();
        for (first, members) in members {
            let count = |name: &str| services.get(name).map_or(0, replica_count);
            let one_item = members.len() > 1 || tied.contains(&first);
            let parts: Vec<(Arc<str>, i64)> = members
                .iter()
                .map(|m| (Arc::from(*m), if one_item { count(m).into() } else { 1 }))
                .collect();
            let wanted = self.architectures(&parts);
            let options = machines.entry(wanted).or_insert_with_key(|w| self.machines(w));
            let group = Group {
                count: if one_item { 1 } else { count(first).into() },
                demand: self.demand(&parts),
                sites: Arc::clone(&sites),
                options: Arc::clone(options),
                services: parts,
            };
            let id = GroupId(self.problem.groups.len());
            for (service, multiplicity) in &group.services {
                self.group_of.insert(service.to_string(), (id, *multiplicity));
            }
            self.problem.groups.push(group);
        }
    }

    fn demand(&self, parts: &[(Arc<str>, i64)]) -> Vec<i64> {
        let narrow = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        let wanted = self.accelerator_dimensions();
        let mut demand = vec![0_i64; 2 + wanted.len()];
        for (service, count) in parts {
            let Some(r) = self.demands.reservations.get(&**service) else { continue };
            demand[0] = demand[0].saturating_add(narrow(r.cpu.0).saturating_mul(*count));
            demand[1] = demand[1].saturating_add(narrow(r.memory.0).saturating_mul(*count));
            if let Some((name, number)) = &r.accelerator
                && let Some(dimension) = wanted.iter().position(|w| w == name)
            {
                let milli = i64::from(*number) * 1000;
                demand[2 + dimension] = demand[2 + dimension].saturating_add(milli * count);
            }
        }
        demand
    }

    /// The architectures that the parts of an item declare; `None` for those that declare none.
    fn architectures(&self, parts: &[(Arc<str>, i64)]) -> BTreeSet<Option<Architecture>> {
        let reserved = parts.iter().filter_map(|(s, _)| self.demands.reservations.get(&**s));
        reserved.map(|r| r.architecture).collect()
    }

    /// The options whose machines run all of some architectures: the declared one; where none is
    /// declared, x86_64 on leased machines and any on existing ones. Of a cloud that states no
    /// architecture at all, all machines are taken to be what was assumed.
    fn machines(&self, wanted: &BTreeSet<Option<Architecture>>) -> Arc<[bool]> {
        let Estate { offerings, sites, .. } = self.world.estate;
        let assumed = |offering: &Offering| match offering.offer.architecture {
            Some(architecture) => architecture == Architecture::X86_64,
            None => self.silent.contains(&sites[offering.site.index()].cloud),
        };
        let runs = |offering: &Offering, wanted: &Option<Architecture>| match wanted {
            Some(_) => offering.offer.architecture == *wanted,
            None => offering.existing || assumed(offering),
        };
        self.problem
            .options
            .iter()
            .map(|option| wanted.iter().all(|w| runs(&offerings[option.offering], w)))
            .collect()
    }

    /// The options that have room and processors for one replica of a service by itself.
    pub(super) fn could_run_on(&self, service: &str) -> Vec<OptionId> {
        let alone = [(Arc::from(service), 1)];
        let demand = self.demand(&alone);
        let machines = self.machines(&self.architectures(&alone));
        let fits = |o: &usize| {
            let capacity = &self.problem.options[*o].capacity;
            machines[*o] && demand.iter().zip(capacity).all(|(need, have)| need <= have)
        };
        (0..self.problem.options.len()).filter(fits).map(OptionId).collect()
    }

    /// Which groups may not share a host: by rule, and because they publish one port.
    pub(super) fn apart(&mut self, host_rules: &HostRules) {
        let mut found: BTreeMap<(GroupId, GroupId), Origin> = BTreeMap::new();
        let mut impossible = Vec::new();
        let by_rule = host_rules.apart.iter().cloned();
        for (a, b, origin) in by_rule.chain(self.port_conflicts()) {
            let ends = (self.group_of.get(&a), self.group_of.get(&b));
            let (Some(&(first, several)), Some(&(second, _))) = ends else { continue };
            if first != second || (a == b && several == 1) {
                found.entry((first.min(second), first.max(second))).or_insert(origin);
            } else {
                // Both are in one item, by another rule: the two can't hold together.
                impossible.push(origin);
            }
        }
        found.retain(|(a, b), _| a != b || self.problem.groups[a.0].count > 1);
        let rules = found.into_iter().map(|((a, b), origin)| Apart { a, b, origin });
        self.problem.apart = rules.collect();
        let refused = impossible.into_iter().map(|origin| Requirement {
            formula: Formula::FALSE,
            policy: Policy::Must,
            origin,
            scale: None,
        });
        self.problem.requirements.extend(refused);
    }

    /// Services that publish the same port of their host, and services with several replicas that
    /// publish one.
    fn port_conflicts(&self) -> Vec<(String, String, Origin)> {
        let mut users: BTreeMap<(u16, Protocol), Vec<&str>> = BTreeMap::new();
        let services = &self.world.application.services;
        for (name, service) in services.iter().filter(|(n, _)| !self.per_host.contains(n)) {
            for port in &service.ports {
                if let Some(published) = port.published {
                    users.entry((published, port.protocol)).or_default().push(name);
                }
            }
        }
        let mut conflicts = Vec::new();
        for ((port, protocol), mut names) in users {
            names.dedup();
            for (i, a) in names.iter().enumerate() {
                for b in &names[i..] {
                    let says = if a == b {
                        format!(
                            "every replica of {a} publishes port {port}/{} of its host",
                            protocol.name()
                        )
                    } else {
                        format!("{a} and {b} publish port {port}/{} of their host", protocol.name())
                    };
                    let at = services.get(*b).map(|s| s.at.clone());
                    conflicts.push((
                        (*a).to_owned(),
                        (*b).to_owned(),
                        Origin { says: says.into(), at },
                    ));
                }
            }
        }
        conflicts
    }

    /// The volumes with a size that one item of a group has: bytes, and how many copies. A volume of
    /// several services is there once (they share a host for it); one of a single service once for
    /// each of its replicas.
    pub(super) fn stored(&self, group: &Group) -> Vec<(u64, i64)> {
        let application = self.world.application;
        let mut stored = Vec::new();
        for (name, volume) in application.volumes.iter().filter(|(_, v)| !v.external) {
            let Some(size) = volume.size else { continue };
            let users: Vec<i64> = group
                .services
                .iter()
                .filter(|(s, _)| application.services.get(&**s).is_some_and(|s| mounts(s, name)))
                .map(|(_, replicas)| *replicas)
                .collect();
            match users.as_slice() {
                [] => {}
                [replicas] => stored.push((size.0, *replicas)),
                _ => stored.push((size.0, 1)),
            }
        }
        stored
    }
}

/// True if a service mounts a volume.
pub fn mounts(service: &Service, volume: &str) -> bool {
    service.mounts.iter().any(|m| matches!(&m.source, MountSource::Volume(name) if name == volume))
}

fn root<'a>(set: &BTreeMap<&'a str, &'a str>, name: &'a str) -> &'a str {
    let mut name = name;
    while let Some(parent) = set.get(name).filter(|p| **p != name) {
        name = parent;
    }
    name
}
