//! Groups of alike items, and which of them may not share a host.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use coc_model::application::{MountSource, Protocol, Service};
use coc_model::estate::{Estate, Offering};
use coc_model::goals::Policy;
use coc_model::mistake::{Mistake, MistakeLog};
use coc_model::offer::Architecture;

use super::Lowering;
use super::evaluate::replica_counts;
use super::formula::and;
use super::hosts::HostRules;
use crate::problem::{
    Apart, Choice, Combination, Formula, Group, GroupId, Measure, OptionId, Origin, Requirement,
    Table,
};

/// The most combinations of numbers of replicas of services that share a host.
const COMBINATIONS_MAX: usize = 64;

impl Lowering<'_> {
    /// One group per service; services that must share a host become one item with all their
    /// replicas. Where the plan chooses numbers of replicas, one group for each combination of them.
    pub(super) fn groups(&mut self, host_rules: &HostRules, log: &mut MistakeLog) {
        let services = &self.world.application.services;
        let none = |name: &str| services.get(name).is_none_or(|s| replica_counts(s) == [0]);
        let names: Vec<&String> = services.keys().filter(|n| !self.per_host.contains(n)).collect();
        let mut set: BTreeMap<&str, &str> =
            names.iter().map(|n| (n.as_str(), n.as_str())).collect();
        // A service without replicas shares nothing.
        let tied = || host_rules.together.iter().filter(|(a, b, _)| !none(a) && !none(b));
        for (a, b, _) in tied() {
            let (a, b) = (root(&set, a), root(&set, b));
            set.insert(b.max(a), a.min(b));
        }
        let sites: Arc<[bool]> = vec![true; self.problem.sites.len()].into();
        let mut machines: BTreeMap<BTreeSet<Option<Architecture>>, Arc<[bool]>> = BTreeMap::new();
        let mut members: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for name in &names {
            members.entry(root(&set, name)).or_default().push(name);
        }
        for (first, members) in members {
            let one_item = members.len() > 1 || tied().any(|(a, _, _)| a == first);
            let first_group = self.problem.groups.len();
            for numbers in self.numbers(&members, log) {
                let each = |number: u32| if one_item { i64::from(number) } else { 1 };
                let parts: Vec<(Arc<str>, i64)> =
                    members.iter().zip(&numbers).map(|(m, n)| (Arc::from(*m), each(*n))).collect();
                let count = match numbers.as_slice() {
                    [number] if !one_item => i64::from(*number),
                    _ => i64::from(numbers.iter().any(|number| *number > 0)),
                };
                let wanted = self.architectures(&parts);
                let options = machines.entry(wanted).or_insert_with_key(|w| self.machines(w));
                let (sites, options) = (Arc::clone(&sites), Arc::clone(options));
                let demand = self.demand(&parts);
                self.group(Group { count, demand, sites, options, services: parts });
            }
            let groups: Vec<GroupId> =
                (first_group..self.problem.groups.len()).map(GroupId).collect();
            if groups.len() > 1 {
                self.problem.choices.push(Choice { groups });
            }
        }
    }

    /// Every combination of the numbers of replicas that some services may have.
    fn numbers(&self, members: &[&str], log: &mut MistakeLog) -> Vec<Vec<u32>> {
        let services = members.iter().filter_map(|m| self.world.application.services.get(*m));
        let open: Vec<Vec<u32>> = services.clone().map(replica_counts).collect();
        let combinations = open.iter().map(Vec::len).fold(1, usize::saturating_mul);
        if combinations > COMBINATIONS_MAX {
            log.extend(services.into_iter().find(|s| replica_counts(s).len() > 1).map(|service| {
                let whose = match members {
                    [one] => format!("{one} can have {combinations} numbers of replicas"),
                    _ => format!(
                        "{} share a host and can have {combinations} combinations of numbers of replicas",
                        members.join(", ")
                    ),
                };
                let says = format!("{whose}: at most {COMBINATIONS_MAX} can be chosen from");
                let key = service.keys.iter().find(|note| note.key.starts_with("replicas"));
                let at = key.map_or(&service.at, |note| &note.at);
                Mistake::at(at.clone(), says).hint("give fewer numbers in oneOf")
            }));
            return vec![open.iter().filter_map(|counts| counts.first().copied()).collect()];
        }
        open.iter().fold(vec![Vec::new()], |made, counts| {
            let with = |so_far: &Vec<u32>| {
                let so_far = so_far.clone();
                counts.iter().map(move |count| [so_far.as_slice(), &[*count]].concat())
            };
            made.iter().flat_map(with).collect()
        })
    }

    /// Adds a group, and notes which services are in it.
    fn group(&mut self, group: Group) {
        let id = GroupId(self.problem.groups.len());
        for (service, replicas) in &group.services {
            let groups = self.groups_of.entry(service.to_string()).or_default();
            if *replicas > 0 {
                groups.push((id, *replicas));
            }
        }
        self.problem.groups.push(group);
    }

    /// The groups that replicas of a service are in, and how many of them are in one item.
    pub(super) fn groups_with(&self, service: &str) -> &[(GroupId, i64)] {
        self.groups_of.get(service).map_or(&[], Vec::as_slice)
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

    /// The architectures that the parts of an item declare; `None` for those that declare none. What
    /// has no replicas in it asks for none.
    fn architectures(&self, parts: &[(Arc<str>, i64)]) -> BTreeSet<Option<Architecture>> {
        let some = parts.iter().filter(|(_, replicas)| *replicas > 0);
        let reserved = some.filter_map(|(s, _)| self.demands.reservations.get(&**s));
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
        let mut impossible: BTreeMap<GroupId, Origin> = BTreeMap::new();
        let by_rule = host_rules.apart.iter().cloned();
        for (a, b, origin) in by_rule.chain(self.port_conflicts()) {
            for &(first, several) in self.groups_with(&a) {
                for &(second, _) in self.groups_with(&b) {
                    if self.problem.exclude_each_other(first, second) {
                        continue;
                    }
                    let origin = origin.clone();
                    if first != second || (a == b && several == 1) {
                        let pair = (first.min(second), first.max(second));
                        found.entry(pair).or_insert(origin);
                    } else {
                        // Both are in one item, by another rule: the two can't hold together.
                        impossible.entry(first).or_insert(origin);
                    }
                }
            }
        }
        found.retain(|(a, b), _| a != b || self.problem.groups[a.0].count > 1);
        let rules = found.into_iter().map(|((a, b), origin)| Apart { a, b, origin });
        self.problem.apart = rules.collect();
        self.not_placed(impossible);
    }

    /// Requires groups not to be placed: what has to be, can't be at all.
    fn not_placed(&mut self, impossible: BTreeMap<GroupId, Origin>) {
        let mut by_rule: BTreeMap<Origin, Vec<Formula>> = BTreeMap::new();
        for (group, origin) in impossible {
            let formula = if self.problem.choice_of(group).is_none() {
                Formula::FALSE
            } else {
                let items = vec![(group, Table::Constant(1))];
                let placed = self.problem.measure(Measure::Sum { items, hosts: None });
                Formula::AtMostZero(Combination::of(placed))
            };
            by_rule.entry(origin).or_default().push(formula);
        }
        let refused = by_rule.into_iter().map(|(origin, formulas)| Requirement {
            formula: and(formulas),
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
    /// each of its replicas. Of services without replicas there is none.
    pub(super) fn stored(&self, group: &Group) -> Vec<(u64, i64)> {
        let application = self.world.application;
        let mut stored = Vec::new();
        for (name, volume) in application.volumes.iter().filter(|(_, v)| !v.external) {
            let Some(size) = volume.size else { continue };
            let uses =
                |service: &str| application.services.get(service).is_some_and(|s| mounts(s, name));
            let users = group.services.iter().filter(|(service, _)| uses(service));
            let replicas: i64 = users.clone().map(|(_, replicas)| replicas).sum();
            let copies = if users.count() > 1 { replicas.min(1) } else { replicas };
            if copies > 0 {
                stored.push((size.0, copies));
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
