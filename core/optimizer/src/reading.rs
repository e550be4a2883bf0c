//! A solution read back in the words of plans: hosts, placements, what they cost, values and bounds
//! of the objectives.

use std::collections::BTreeMap;

use coc_goals::number::{Unit, display_fraction};
use coc_model::application::Application;
use coc_model::estate::{Estate, Site, Unknown};
use coc_model::money::Money;
use coc_model::offer::Purchase;
use coc_model::plan::{Carbon, Cost, CostLine, Host, ObjectiveValue, Placement};
use coc_model::quantity::Traffic;
use num_rational::Ratio;

use crate::lower::{Lowered, MILLI, host_carbon, storage_cost};
use crate::portfolio::Found;
use crate::problem::{GroupId, Measure, OptionId};
use crate::solution::{HostUse, Solution};

/// The way a container is made real on a host.
pub const CONTAINER_ON_HOST: &str = "container-on-host";

/// A solution in the words of plans.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The machines, `h1` and up in the order of the estate.
    pub hosts: Vec<Host>,
    /// The replicas, ordered by service and number.
    pub placements: Vec<Placement>,
    /// What it costs.
    pub cost: Cost,
    /// What it emits, an estimate; `None` where that is not known of some host.
    pub carbon: Option<Carbon>,
    /// The objectives.
    pub objective: Vec<ObjectiveValue>,
    /// What does not run, if a plan may be partial.
    pub unknown: Vec<Unknown>,
}

/// Reads a solution.
pub fn read(
    application: &Application,
    estate: &Estate,
    lowered: &Lowered,
    found: &Found,
) -> Reading {
    let (hosts, mut placements) = hosts(estate, lowered, &found.solution);
    placements.sort_by(|a, b| (&a.service, a.replica).cmp(&(&b.service, b.replica)));
    let cost = cost(application, estate, lowered, &found.solution, &hosts);
    let objective = lowered
        .problem
        .tiers
        .iter()
        .zip(&found.tiers)
        .map(|(tier, value)| {
            let digits = match tier.scale.unit {
                Unit::Money | Unit::MoneyPerMonth | Unit::MoneyPerYear => 2,
                Unit::MoneyPerHour => 4,
                _ => 0,
            };
            let shown = |v: i128| display_fraction(tier.scale.number(v).value, digits);
            // A bound within the tolerance of later tiers is the value's for whoever reads it.
            let bound = if value.bound == i128::MIN { None } else { Some(value.bound) };
            ObjectiveValue {
                goal: tier.origin.says.to_string(),
                value: shown(value.value),
                unit: tier.scale.unit.suffix().to_owned(),
                bound: bound.map_or_else(|| "unknown".to_owned(), shown),
                gap: bound.map_or_else(|| "unknown".to_owned(), |b| gap(value.value, b)),
            }
        })
        .collect();
    let unknown = waiting(lowered, &found.solution);
    let carbon = carbon(estate, lowered, &found.solution);
    Reading { hosts, placements, cost, carbon, objective, unknown }
}

/// |value − bound| / |bound| as a decimal, rounded up to the sixth digit.
fn gap(value: i128, bound: i128) -> String {
    if value == bound {
        return "0".to_owned();
    }
    if bound == 0 {
        return "unknown".to_owned();
    }
    let ratio = Ratio::new((value - bound).abs(), bound.abs());
    let millionths = (ratio * Ratio::from_integer(1_000_000)).ceil();
    display_fraction(millionths / Ratio::from_integer(1_000_000), 0)
}

fn hosts(estate: &Estate, lowered: &Lowered, solution: &Solution) -> (Vec<Host>, Vec<Placement>) {
    let (mut hosts, mut placements) = (Vec::new(), Vec::new());
    let mut next: BTreeMap<&str, u32> = BTreeMap::new();
    for (index, used) in solution.hosts.iter().enumerate() {
        let offering = &estate.offerings[lowered.problem.options[used.option.0].offering];
        let site = &estate.sites[offering.site.index()];
        let words = |t: &Option<std::sync::Arc<str>>| t.as_ref().map(ToString::to_string);
        let mut host = Host {
            id: format!("h{}", index + 1),
            cloud: site.cloud.to_string(),
            region: words(&site.place.region),
            zone: words(&site.place.zone),
            offer: offering.offer.name.to_string(),
            price: offering.rate().map_or_else(|| "unknown".to_owned(), |r| r.to_string()),
            purchase: offering.purchase,
            existing: offering.existing,
            holds: Vec::new(),
        };
        let mut hold = |service: &str, replica: u32| {
            host.holds.push((service.to_owned(), replica));
            placements.push(Placement {
                service: service.to_owned(),
                replica,
                cloud: host.cloud.clone(),
                region: host.region.clone(),
                zone: host.zone.clone(),
                host: host.id.clone(),
                resolver: CONTAINER_ON_HOST.to_owned(),
            });
        };
        for (group, items) in &used.holds {
            for (service, replicas) in &lowered.problem.groups[group.0].services {
                for _ in 0..items * replicas {
                    let number = next.entry(service).or_insert(0);
                    hold(service, *number);
                    *number += 1;
                }
            }
        }
        for service in &lowered.per_host {
            hold(service, u32::try_from(index).unwrap_or(u32::MAX));
        }
        host.holds.sort();
        hosts.push(host);
    }
    (hosts, placements)
}

/// How carbon is estimated, for whoever reads the plan.
const ESTIMATED: &str = "vCPUs × watts of an average vCPU at half load × 730 h × grams per kWh of \
                         the grid: processors alone, without memory, disks, network and making";

fn carbon(estate: &Estate, lowered: &Lowered, solution: &Solution) -> Option<Carbon> {
    let of = |host: &HostUse| {
        let offering = lowered.problem.options[host.option.0].offering;
        host_carbon(estate, &estate.offerings[offering])
    };
    let milligrams = solution.hosts.iter().map(of).sum::<Option<i128>>()?;
    Some(Carbon {
        total: display_fraction(Ratio::new(milligrams, MILLI), 0),
        unit: Unit::Carbon.suffix().to_owned(),
        estimated: ESTIMATED.to_owned(),
    })
}

fn place_of(site: &Site) -> String {
    let words = [Some(&site.cloud), site.place.region.as_ref(), site.place.zone.as_ref()];
    words.into_iter().flatten().map(|w| &**w).collect::<Vec<_>>().join(" ")
}

fn cost(
    application: &Application,
    estate: &Estate,
    lowered: &Lowered,
    solution: &Solution,
    hosts: &[Host],
) -> Cost {
    let mut lines = machine_lines(estate, lowered, solution);
    lines.extend(traffic_lines(estate, lowered, solution));
    lines.extend(storage_lines(application, estate, lowered, solution, hosts));
    let total: Money = lines.iter().filter_map(|l| Money::parse(&l.amount).ok()).sum();
    Cost { total: total.to_string(), unit: "USD/month".to_owned(), lines }
}

fn machine_lines(estate: &Estate, lowered: &Lowered, solution: &Solution) -> Vec<CostLine> {
    let mut counts: BTreeMap<OptionId, i128> = BTreeMap::new();
    for host in &solution.hosts {
        *counts.entry(host.option).or_insert(0) += 1;
    }
    counts
        .into_iter()
        .map(|(option, count)| {
            let offering = &estate.offerings[lowered.problem.options[option.0].offering];
            let month = offering.rate().map_or(0, |r| r.per_month().nano());
            let source = offering.source().map(|s| format!("{}, {}", s.name, s.date));
            CostLine {
                what: match offering.purchase {
                    Purchase::OnDemand => format!("{count} × {}", offering.offer.name),
                    Purchase::Spot => format!("{count} × {}, spot", offering.offer.name),
                },
                place: place_of(&estate.sites[offering.site.index()]),
                amount: Money::from_nano(month * count).to_string(),
                source,
            }
        })
        .collect()
}

/// Traffic by meter, where there is any.
fn traffic_lines(estate: &Estate, lowered: &Lowered, solution: &Solution) -> Vec<CostLine> {
    let problem = &lowered.problem;
    let Some(traffic) = problem.measures.iter().find_map(|m| match m {
        Measure::Traffic(traffic) => Some(traffic),
        _ => None,
    }) else {
        return Vec::new();
    };
    let mut volumes: BTreeMap<usize, i128> = BTreeMap::new();
    let at = |group: GroupId| {
        solution.hosts.iter().flat_map(move |h| {
            let items = h.holds.iter().find(|(g, _)| *g == group).map_or(0, |(_, n)| *n);
            std::iter::repeat_n(h, usize::try_from(items).unwrap_or(0))
        })
    };
    let site = |h: &HostUse| problem.options[h.option.0].site;
    for flow in &traffic.flows {
        for from in at(flow.from) {
            for to in at(flow.to) {
                if let Some(meter) = traffic.meter[site(from) * traffic.sites + site(to)] {
                    *volumes.entry(meter).or_insert(0) += flow.bytes;
                }
            }
        }
    }
    volumes
        .into_iter()
        .map(|(meter, bytes)| {
            let meter = &estate.meters[meter];
            let bytes = Traffic(u64::try_from(bytes).unwrap_or(u64::MAX));
            CostLine {
                what: format!("traffic, {bytes}"),
                place: meter.name.to_string(),
                amount: meter.cost(bytes).to_string(),
                source: meter.source.as_ref().map(|s| format!("{}, {}", s.name, s.date)),
            }
        })
        .collect()
}

fn storage_lines(
    application: &Application,
    estate: &Estate,
    lowered: &Lowered,
    solution: &Solution,
    hosts: &[Host],
) -> Vec<CostLine> {
    let mut lines = Vec::new();
    for (used, host) in solution.hosts.iter().zip(hosts) {
        let offering = &estate.offerings[lowered.problem.options[used.option.0].offering];
        let site = &estate.sites[offering.site.index()];
        let Some((price, unit)) = site.block_storage else { continue };
        for (name, volume) in application.volumes.iter().filter(|(_, v)| !v.external) {
            let Some(size) = volume.size else { continue };
            let users: Vec<&String> = application
                .services
                .iter()
                .filter(|(_, s)| crate::lower::mounts(s, name))
                .map(|(n, _)| n)
                .collect();
            let here = host.holds.iter().filter(|(s, _)| users.contains(&s)).count();
            let copies = if users.len() > 1 { here.min(1) } else { here };
            if copies > 0 {
                let one = storage_cost(price.atto(), unit, size.0.into());
                let count = i128::try_from(copies).unwrap_or(1);
                lines.push(CostLine {
                    what: format!("{copies} × volume {name}, {size}"),
                    place: place_of(site),
                    amount: Money::from_nano(one * count).to_string(),
                    source: None,
                });
            }
        }
    }
    lines
}

/// The replicas that do not run, by service. Of a service whose number is chosen all run, or none of
/// the fewest it may have.
fn waiting(lowered: &Lowered, solution: &Solution) -> Vec<Unknown> {
    let problem = &lowered.problem;
    let mut waiting = Vec::new();
    for (index, group) in problem.groups.iter().enumerate() {
        let alternatives = problem.alternatives(GroupId(index));
        let held = solution.hosts.iter().flat_map(|h| &h.holds);
        let placed: i64 = held.filter(|(g, _)| alternatives.contains(g)).map(|(_, n)| n).sum();
        let missing = group.count - placed;
        let chosen = alternatives.len() > 1 && placed > 0;
        if missing <= 0 || chosen || alternatives[0] != GroupId(index) {
            continue;
        }
        for (service, replicas) in group.services.iter().filter(|(_, replicas)| *replicas > 0) {
            waiting.push(Unknown {
                what: format!(
                    "{service}: {} of {} replicas do not run",
                    missing * replicas,
                    group.count * replicas
                ),
                why: "the requirements leave no room for them".to_owned(),
            });
        }
    }
    waiting
}
