//! Whether a plan fits: every replica is there once, every host is one that can be had, and holds
//! what is on it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use coc_goals::expression::{Aggregate, Expression, Node};
use coc_goals::rules::Rules;
use coc_model::application::{Application, Replicas, Service};
use coc_model::estate::{Estate, Offering};
use coc_model::money::Money;
use coc_model::offer::Architecture;
use coc_model::plan::{Host, Plan};
use coc_model::quantity::{Bytes, Cpu};

use crate::facts::Facts;

/// The plan looked up in the estate, and what can't be found. Where replicas could be is looked up
/// only if the goals ask for it.
pub(crate) fn facts(
    application: &Application,
    rules: &Rules,
    estate: &Arc<Estate>,
    plan: &Plan,
) -> (Facts, Vec<String>) {
    let mut faults = Vec::new();
    let mut hosts = Vec::new();
    let offerings = Offerings::of(estate);
    for host in &plan.hosts {
        match offerings.of_host(host) {
            Some(offering) => hosts.push(offering),
            None => faults.push(format!(
                "{} is a {} that {} does not have there",
                host.id, host.offer, host.cloud
            )),
        }
    }
    let index: BTreeMap<&str, usize> =
        plan.hosts.iter().enumerate().map(|(i, h)| (h.id.as_str(), i)).collect();
    let decided =
        |name: &str| application.services.get(name).is_some_and(|s| !everywhere(application, s));
    let mut replicas = Vec::new();
    for placement in plan.placements.iter().filter(|p| decided(&p.service)) {
        match index.get(placement.host.as_str()) {
            Some(host) => replicas.push((placement.service.clone(), *host)),
            None => faults.push(format!(
                "{} is on {}, which is no host of the plan",
                placement.service, placement.host
            )),
        }
    }
    let services = application.services.iter();
    let services = services.map(|(n, s)| (n.clone(), wanted(n, s, &replicas))).collect();
    let links = application.links.iter().map(|l| (l.from.clone(), l.to.clone())).collect();
    let processors = Processors::of(estate);
    let possible = application
        .services
        .iter()
        .filter(|(_, s)| skews(rules) && !everywhere(application, s))
        .map(|(name, service)| {
            (name.clone(), possible(name, service, application, &processors, plan))
        })
        .collect();
    let labels = application.services.iter().map(|(n, s)| (n.clone(), s.labels.clone())).collect();
    let reserved = application.services.iter();
    let reserved = reserved.map(|(n, s)| (n.clone(), reserved_by(n, s, plan))).collect();
    let before = ran_before(&offerings, plan);
    let estate = Arc::clone(estate);
    let spent = BTreeMap::new();
    let facts = Facts {
        estate,
        services,
        links,
        hosts,
        replicas,
        possible,
        labels,
        reserved,
        before,
        spent,
        copied: Some(Money::ZERO),
    };
    (facts, faults)
}

/// True if a goal asks how evenly something is spread, which depends on where it could be.
fn skews(rules: &Rules) -> bool {
    fn asks(e: &Expression) -> bool {
        matches!(e.node, Node::Aggregated(Aggregate::Skew, ..))
            || e.children().into_iter().any(asks)
    }
    let terms = rules.tiers.iter().flat_map(|tier| tier.terms.iter().map(|term| &term.1));
    rules.require.iter().map(|rule| &rule.expression).chain(terms).any(asks)
}

/// The offerings of an estate, by site.
struct Offerings<'a> {
    estate: &'a Estate,
    by_site: Vec<Vec<usize>>,
}

impl<'a> Offerings<'a> {
    fn of(estate: &'a Estate) -> Self {
        let mut by_site = vec![Vec::new(); estate.sites.len()];
        for (index, offering) in estate.offerings.iter().enumerate() {
            by_site[offering.site.index()].push(index);
        }
        Self { estate, by_site }
    }

    /// The offering that a host is of.
    fn of_host(&self, host: &Host) -> Option<usize> {
        let here = self.estate.sites.iter().enumerate().filter(|(_, site)| {
            *site.cloud == *host.cloud
                && site.place.region.as_deref() == host.region.as_deref()
                && site.place.zone.as_deref() == host.zone.as_deref()
        });
        here.flat_map(|(site, _)| &self.by_site[site]).copied().find(|index| {
            let offering = &self.estate.offerings[*index];
            *offering.offer.name == *host.offer && offering.purchase == host.purchase
        })
    }
}

/// Service and offering of every replica that ran before.
fn ran_before(offerings: &Offerings<'_>, plan: &Plan) -> Vec<(String, Option<usize>)> {
    let Some(before) = &plan.before else { return Vec::new() };
    let offering: BTreeMap<&str, Option<usize>> =
        before.hosts.iter().map(|h| (h.id.as_str(), offerings.of_host(h))).collect();
    let replicas = before.placements.iter();
    replicas
        .map(|p| (p.service.clone(), offering.get(p.host.as_str()).copied().flatten()))
        .collect()
}

/// True if a service runs on every host, and others are there to say which hosts there are.
fn everywhere(application: &Application, service: &Service) -> bool {
    service.replicas == Replicas::PerHost
        && application.services.values().any(|s| s.replicas != Replicas::PerHost)
}

/// How many replicas of a service there should be: as many as there are, where the plan may choose.
fn wanted(name: &str, service: &Service, placed: &[(String, usize)]) -> u32 {
    match &service.replicas {
        Replicas::Between { min, .. } => *min,
        Replicas::OneOf(_) => {
            let placed = placed.iter().filter(|(service, _)| service == name).count();
            u32::try_from(placed).unwrap_or(u32::MAX)
        }
        Replicas::PerHost => 1,
    }
}

/// One offering per site on which a replica of a service could be.
fn possible(
    name: &str,
    service: &Service,
    application: &Application,
    processors: &Processors<'_>,
    plan: &Plan,
) -> Vec<usize> {
    let (cpu, memory) = reserved_by(name, service, plan);
    let overhead = overhead(application, plan);
    let mut sites = BTreeSet::new();
    let mut found = Vec::new();
    for (index, offering) in processors.estate.offerings.iter().enumerate() {
        let offer = &offering.offer;
        let room = offer.cpu.is_some_and(|c| c.0 >= cpu + overhead.0)
            && offer.memory.is_some_and(|m| m.0 >= memory + overhead.1);
        let candidate = offering.rate().is_some() && offer.verified;
        let accelerated = accelerators(service, plan, name).is_none_or(|(model, count)| {
            has_accelerators(offering, model, u64::from(count) * 1000)
        });
        if room
            && candidate
            && accelerated
            && processors.run(service, offering)
            && sites.insert(offering.site)
        {
            found.push(index);
        }
    }
    found
}

/// The processors of machines, by what their clouds state of them.
struct Processors<'a> {
    estate: &'a Estate,
    /// The clouds that state an architecture for some machine.
    stating: BTreeSet<&'a str>,
}

impl<'a> Processors<'a> {
    fn of(estate: &'a Estate) -> Self {
        let stated = estate.offerings.iter().filter(|o| o.offer.architecture.is_some());
        let stating = stated.map(|o| &*estate.sites[o.site.index()].cloud).collect();
        Self { estate, stating }
    }

    /// True if a service runs on a machine: on the architecture it declares; else on machines that
    /// are there, on x86_64, and on those of a cloud that states none of any machine.
    fn run(&self, service: &Service, offering: &Offering) -> bool {
        match (service.needs.architecture, offering.offer.architecture) {
            (Some(wanted), has) => has == Some(wanted),
            (None, _) if offering.existing => true,
            (None, Some(has)) => has == Architecture::X86_64,
            (None, None) => {
                !self.stating.contains(&*self.estate.sites[offering.site.index()].cloud)
            }
        }
    }
}

fn has_accelerators(offering: &Offering, model: Option<&str>, milli: u64) -> bool {
    offering
        .offer
        .accelerator
        .as_ref()
        .is_some_and(|a| a.milli >= milli && model.is_none_or(|m| *a.name == *m))
}

/// What a replica reserves: as declared, else as the plan says it assumed.
fn reserved_by(name: &str, service: &Service, plan: &Plan) -> (u64, u64) {
    let assumed = |what: &str| {
        plan.assumed.iter().find(|a| a.service == name && a.what == what).map(|a| a.value.as_str())
    };
    let cpu = service.needs.cpu.or_else(|| Cpu::parse(assumed("cpu")?).ok());
    let memory = service.needs.memory.or_else(|| Bytes::parse(assumed("memory")?).ok());
    (cpu.map_or(u64::MAX / 4, |c| c.0), memory.map_or(u64::MAX / 4, |m| m.0))
}

fn accelerators<'a>(
    service: &'a Service,
    plan: &Plan,
    name: &str,
) -> Option<(Option<&'a str>, u32)> {
    let wanted = service.needs.accelerator.as_ref()?;
    let assumed = || {
        let line = plan.assumed.iter().find(|a| a.service == name && a.what == "accelerators")?;
        line.value.split(' ').next()?.parse().ok()
    };
    Some((wanted.name.as_deref(), wanted.count.or_else(assumed).unwrap_or(u32::MAX)))
}

/// What the services that run on every host take of each.
fn overhead(application: &Application, plan: &Plan) -> (u64, u64) {
    let each = application.services.iter().filter(|(_, s)| everywhere(application, s));
    each.fold((0, 0), |(cpu, memory), (name, service)| {
        let (c, m) = reserved_by(name, service, plan);
        (cpu + c, memory + m)
    })
}

/// What is wrong with the placements of a plan.
pub(crate) fn faults(application: &Application, plan: &Plan, facts: &Facts) -> Vec<String> {
    let mut faults = Vec::new();
    replica_faults(application, plan, &mut faults);
    holds_faults(plan, &mut faults);
    let processors = Processors::of(&facts.estate);
    for (host, offering) in plan.hosts.iter().zip(&facts.hosts) {
        let offering = &facts.estate.offerings[*offering];
        room_faults(application, plan, host, (offering, &processors), &mut faults);
        port_faults(application, host, &mut faults);
        if !offering.offer.verified || offering.rate().is_none() {
            faults.push(format!("{} rests on an offer whose price or place is not sure", host.id));
        }
    }
    limit_faults(facts, &mut faults);
    faults
}

fn replica_faults(application: &Application, plan: &Plan, faults: &mut Vec<String>) {
    let mut seen: BTreeMap<(&str, u32), usize> = BTreeMap::new();
    for placement in &plan.placements {
        *seen.entry((&placement.service, placement.replica)).or_insert(0) += 1;
    }
    for ((service, replica), times) in &seen {
        if *times > 1 {
            faults.push(format!("replica {replica} of {service} is placed {times} times"));
        }
        if !application.services.contains_key(*service) {
            faults.push(format!("{service} is no service of the application"));
        }
    }
    let waiting = plan.unknown.iter().any(|u| u.what.ends_with("replicas do not run"));
    for (name, service) in &application.services {
        let numbers: Vec<u32> =
            seen.keys().filter(|(s, _)| s == name).map(|(_, replica)| *replica).collect();
        let placed = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
        let hosts = u32::try_from(plan.hosts.len()).unwrap_or(u32::MAX);
        let right = match &service.replicas {
            Replicas::Between { min, .. } => placed == *min || (waiting && placed < *min),
            Replicas::OneOf(allowed) => allowed.contains(&placed) || (waiting && placed == 0),
            Replicas::PerHost if everywhere(application, service) => placed == hosts,
            Replicas::PerHost => placed == 1 || (waiting && placed == 0),
        };
        if !right {
            let due = match &service.replicas {
                Replicas::Between { min, .. } => min.to_string(),
                Replicas::PerHost if everywhere(application, service) => hosts.to_string(),
                Replicas::PerHost => "1".to_owned(),
                one_of @ Replicas::OneOf(_) => one_of.to_string(),
            };
            faults.push(format!("{placed} replicas of {name} are placed, {due} are due"));
        }
        if let Some(missing) = (0..).zip(&numbers).find_map(|(due, n)| (due != *n).then_some(due)) {
            let says =
                format!("the replicas of {name} are not numbered from 0: {missing} is missing");
            faults.push(says);
        }
    }
}

/// What hosts say they hold must be what placements say.
fn holds_faults(plan: &Plan, faults: &mut Vec<String>) {
    let held: BTreeSet<(&str, &str, u32)> = plan
        .hosts
        .iter()
        .flat_map(|h| h.holds.iter().map(move |(s, r)| (h.id.as_str(), s.as_str(), *r)))
        .collect();
    let placed: BTreeSet<(&str, &str, u32)> =
        plan.placements.iter().map(|p| (p.host.as_str(), p.service.as_str(), p.replica)).collect();
    if held != placed {
        faults.push("what the hosts hold is not what the placements say".to_owned());
    }
    for placement in &plan.placements {
        let Some(host) = plan.hosts.iter().find(|h| h.id == placement.host) else { continue };
        if host.cloud != placement.cloud
            || host.region != placement.region
            || host.zone != placement.zone
        {
            faults.push(format!(
                "{} is said to be elsewhere than its host {}",
                placement.service, host.id
            ));
        }
    }
}

fn room_faults(
    application: &Application,
    plan: &Plan,
    host: &Host,
    (offering, processors): (&Offering, &Processors<'_>),
    faults: &mut Vec<String>,
) {
    let (mut cpu, mut memory) = (0_u64, 0_u64);
    let mut accelerators_used: BTreeMap<Option<&str>, u64> = BTreeMap::new();
    for (name, _) in &host.holds {
        let Some(service) = application.services.get(name) else { continue };
        let (c, m) = reserved_by(name, service, plan);
        (cpu, memory) = (cpu.saturating_add(c), memory.saturating_add(m));
        if let Some((model, count)) = accelerators(service, plan, name) {
            *accelerators_used.entry(model).or_insert(0) += u64::from(count) * 1000;
        }
        if !processors.run(service, offering) {
            faults.push(format!("{name} does not run on the processors of {}", host.id));
        }
    }
    let has = (offering.offer.cpu.map_or(0, |c| c.0), offering.offer.memory.map_or(0, |m| m.0));
    if cpu > has.0 || memory > has.1 {
        faults.push(format!(
            "{} holds {} vCPU and {} memory, more than its {} and {}",
            host.id,
            Cpu(cpu),
            Bytes(memory),
            Cpu(has.0),
            Bytes(has.1)
        ));
    }
    for (model, milli) in accelerators_used {
        if !has_accelerators(offering, model, milli) {
            faults.push(format!("{} has not the accelerators of what it holds", host.id));
        }
    }
}

/// Two replicas on one host can't publish one port.
fn port_faults(application: &Application, host: &Host, faults: &mut Vec<String>) {
    let mut taken = BTreeSet::new();
    for (name, _) in &host.holds {
        let Some(service) = application.services.get(name) else { continue };
        let ports: BTreeSet<(u16, &str)> =
            service.ports.iter().filter_map(|p| Some((p.published?, p.protocol.name()))).collect();
        for (port, protocol) in ports {
            if !taken.insert((port, protocol)) {
                faults.push(format!("port {port}/{protocol} is published twice on {}", host.id));
            }
        }
    }
}

fn limit_faults(facts: &Facts, faults: &mut Vec<String>) {
    let estate = &facts.estate;
    let mut used: BTreeMap<(&str, &str, u32), u32> = BTreeMap::new();
    for offering in facts.hosts.iter().map(|index| &estate.offerings[*index]) {
        if let Some(limit) = &offering.limit {
            let cloud = &*estate.sites[offering.site.index()].cloud;
            *used.entry((cloud, &limit.rule, limit.most)).or_insert(0) += 1;
        }
    }
    for ((_, rule, most), hosts) in used {
        if hosts > most {
            faults.push(format!("{hosts} hosts are used, but {rule} allows {most}"));
        }
    }
}
