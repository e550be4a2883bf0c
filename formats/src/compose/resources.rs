//! What a replica needs and may use, and how many replicas there are.

use coc_model::application::{Inference, Limits, Replicas};
use coc_model::mistake::{Mistake, Position};
use coc_model::quantity::{Bytes, Cpu};

use super::carried::microseconds;
use super::quantity;
use super::scalar::passed_on;
use super::service::ServiceReading;
use crate::tree::Node;

/// The Engine's period of processor time where none is given, in microseconds.
const PERIOD: i64 = 100_000;

/// A value and where it is given.
pub(super) type Given<T> = Option<(T, Position)>;

/// Processor time: thousandths to plan with, and the exact amount in 10⁻⁹ of a processor.
pub(super) type Processors = (Cpu, i64);

/// Amounts as the two generations of keys give them.
#[derive(Default)]
pub(super) struct Resources {
    cpus: Given<Processors>,
    cpu_count: Given<Processors>,
    quota: Given<i64>,
    period: Given<i64>,
    mem_limit: Given<Bytes>,
    mem_reservation: Given<Bytes>,
    pids_limit: Given<u32>,
    scale: Given<u32>,
    /// `deploy.resources.limits.cpus`.
    pub(super) deploy_cpus: Given<Processors>,
    /// `deploy.resources.limits.memory`.
    pub(super) deploy_memory: Given<Bytes>,
    /// `deploy.resources.limits.pids`.
    pub(super) deploy_pids: Given<u32>,
    /// `deploy.resources.reservations.cpus`.
    pub(super) reserved_cpus: Given<Processors>,
    /// `deploy.resources.reservations.memory`.
    pub(super) reserved_memory: Given<Bytes>,
    /// `deploy.replicas`.
    pub(super) replicas: Given<u32>,
    /// True if one replica runs on every host.
    pub(super) global: bool,
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
    service.resources.quota = microseconds(service, node).map(|quota| (quota, node.at.clone()));
}

/// `cpu_period`.
pub(super) fn cpu_period(service: &mut ServiceReading<'_, '_>, node: &Node) {
    service.resources.period = microseconds(service, node).map(|period| (period, node.at.clone()));
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

/// An amount of processor time; zero means no limit.
pub(super) fn processors(service: &mut ServiceReading<'_, '_>, node: &Node) -> Given<Processors> {
    let amount = node.as_scalar().and_then(passed_on).and_then(|text| quantity::cpus(&text));
    if amount.is_none() {
        service.reading.wrong(node, quantity::CPUS);
    }
    amount.filter(|(_, nano)| *nano > 0).map(|amount| (amount, node.at.clone()))
}

/// An amount of memory; zero means no limit.
pub(super) fn memory(service: &mut ServiceReading<'_, '_>, node: &Node) -> Given<Bytes> {
    let bytes = service.reading.bytes(node)?;
    (bytes.0 > 0).then(|| (bytes, node.at.clone()))
}

/// A number of processes; zero and less mean no limit.
pub(super) fn processes(service: &mut ServiceReading<'_, '_>, node: &Node) -> Given<u32> {
    let count = service.reading.integer(node, -1..=i64::from(u32::MAX))?;
    u32::try_from(count).ok().filter(|&count| count > 0).map(|count| (count, node.at.clone()))
}

/// A number of replicas or attempts.
pub(super) fn count(service: &mut ServiceReading<'_, '_>, node: &Node) -> Given<u32> {
    let count = service.reading.integer(node, 0..=i64::from(u32::MAX))?;
    u32::try_from(count).ok().map(|count| (count, node.at.clone()))
}

/// Settles needs, limits and replicas once all keys are read.
pub(super) fn settle(service: &mut ServiceReading<'_, '_>) {
    let given = std::mem::take(&mut service.resources);
    given.agree(service);
    settle_replicas(service, &given);
    let cpu_limit = given.cpu_limit(service);
    let memory_limit = given.deploy_memory.or(given.mem_limit);
    let reserved_memory = given.reserved_memory.or(given.mem_reservation);
    within(service, "processor time", &given.reserved_cpus, &cpu_limit);
    within(service, "memory", &reserved_memory, &memory_limit);
    keep_exact(service, &cpu_limit);
    for (what, limited) in [
        ("needs.cpu", given.reserved_cpus.is_none() && cpu_limit.is_some()),
        ("needs.memory", reserved_memory.is_none() && memory_limit.is_some()),
    ] {
        if limited {
            let reason = "the limit, for nothing is reserved".to_owned();
            service.service.inferred.push(Inference { what: what.to_owned(), reason });
        }
    }
    let planned = |given: &Given<Processors>| given.as_ref().map(|((cpu, _), _)| *cpu);
    let bytes = |given: &Given<Bytes>| given.as_ref().map(|(bytes, _)| *bytes);
    let needs = &mut service.service.needs;
    needs.cpu = planned(&given.reserved_cpus).or(planned(&cpu_limit));
    needs.memory = bytes(&reserved_memory).or(bytes(&memory_limit));
    service.service.limits = Limits {
        cpu: planned(&cpu_limit),
        memory: bytes(&memory_limit),
        pids: given.deploy_pids.or(given.pids_limit).map(|(pids, _)| pids),
    };
}

impl Resources {
    /// Logs old and new keys that say different things.
    fn agree(&self, service: &mut ServiceReading<'_, '_>) {
        let limits = "deploy.resources.limits";
        let reservations = "deploy.resources.reservations";
        let (cpus, memory) = (format!("{limits}.cpus"), format!("{limits}.memory"));
        let (reserved, pids) = (format!("{reservations}.memory"), format!("{limits}.pids"));
        same(service, "cpus", &cpus, &self.cpus, &self.deploy_cpus);
        same(service, "mem_limit", &memory, &self.mem_limit, &self.deploy_memory);
        same(service, "mem_reservation", &reserved, &self.mem_reservation, &self.reserved_memory);
        same(service, "pids_limit", &pids, &self.pids_limit, &self.deploy_pids);
        same(service, "scale", "deploy.replicas", &self.scale, &self.replicas);
    }

    /// The limit of processor time. A quota is one in other words, and the Engine takes only one.
    fn cpu_limit(&self, service: &mut ServiceReading<'_, '_>) -> Given<Processors> {
        let limit = self.deploy_cpus.clone().or(self.cpus.clone()).or(self.cpu_count.clone());
        let Some((quota, at)) = self.quota.as_ref().filter(|(quota, _)| *quota > 0) else {
            return limit;
        };
        let period = self.period.as_ref().map_or(PERIOD, |(period, _)| *period);
        if limit.is_some() {
            let says = "the processor time is limited twice";
            let hint = "keep cpu_quota or the other limit";
            service.reading.log.push(Mistake::at(at.clone(), says).hint(hint));
        }
        (period > 0).then(|| (share(*quota, period), at.clone()))
    }
}

/// Keeps an amount that is no whole number of thousandths exactly, for the Engine.
fn keep_exact(service: &mut ServiceReading<'_, '_>, limit: &Given<Processors>) {
    let Some(((cpu, nano), at)) = limit else { return };
    let whole = i64::try_from(cpu.0).ok().and_then(|milli| milli.checked_mul(1_000_000));
    if whole != Some(*nano) {
        let note = format!("{cpu} of a processor is planned with, which is rounded up");
        service.notes.add("cpus", at, &note);
        service.docker.put(&["HostConfig", "NanoCpus"], *nano);
    }
}

fn settle_replicas(service: &mut ServiceReading<'_, '_>, given: &Resources) {
    let replicas = given.replicas.as_ref().or(given.scale.as_ref()).map(|(replicas, _)| *replicas);
    let several = given.global || replicas.is_some_and(|replicas| replicas > 1);
    if let Some(at) = service.container_name.clone().filter(|_| several) {
        let says = "a service with several replicas can't name its container";
        service.reading.log.push(Mistake::at(at, says).hint("take container_name out"));
    }
    service.service.replicas = match replicas {
        _ if given.global => Replicas::PerHost,
        Some(replicas) => Replicas::exactly(replicas),
        None => Replicas::default(),
    };
}

/// Processor time by quota and period: thousandths rounded up, and 10⁻⁹ rounded down.
fn share(quota: i64, period: i64) -> Processors {
    let nano = i128::from(quota) * 1_000_000_000 / i128::from(period);
    let milli = (i128::from(quota) * 1_000 + i128::from(period) - 1) / i128::from(period);
    (Cpu(u64::try_from(milli).unwrap_or(u64::MAX)), i64::try_from(nano).unwrap_or(i64::MAX))
}

/// Logs two keys that say the same thing differently.
fn same<T: PartialEq>(
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
