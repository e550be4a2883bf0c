//! What a plan costs, worked out from its hosts and placements alone.

use std::collections::BTreeMap;

use coc_model::application::{Application, MountSource};
use coc_model::money::Money;
use coc_model::plan::Plan;
use coc_model::quantity::Traffic;
use coc_model::route::{MeterId, Transfer};

use crate::facts::Facts;

/// The parts of the cost of a plan, or what stands in the way of telling.
#[derive(Default)]
pub(crate) struct Priced {
    pub(crate) total: Money,
    /// What each cloud is paid: for its machines and volumes, and for what is sent from it.
    pub(crate) spent: BTreeMap<String, i128>,
    pub(crate) faults: Vec<String>,
}

impl Priced {
    fn pay(&mut self, cloud: &str, amount: Money) {
        self.total += amount;
        *self.spent.entry(cloud.to_owned()).or_insert(0) += amount.nano();
    }
}

/// Prices a plan: machines for a month of 730 hours, traffic by meters and tiers, volumes by size.
pub(crate) fn price(application: &Application, plan: &Plan, facts: &Facts) -> Priced {
    let mut priced = Priced::default();
    for (host, offering) in plan.hosts.iter().zip(&facts.hosts) {
        match facts.estate.offerings[*offering].rate() {
            Some(rate) => priced.pay(&host.cloud, rate.per_month()),
            None => priced.faults.push(format!("the price of {} is not known", host.id)),
        }
    }
    traffic(application, plan, facts, &mut priced);
    storage(application, plan, facts, &mut priced);
    priced
}

fn traffic(application: &Application, plan: &Plan, facts: &Facts, priced: &mut Priced) {
    let mut volumes: BTreeMap<MeterId, u64> = BTreeMap::new();
    let mut sent: BTreeMap<(String, MeterId), u64> = BTreeMap::new();
    for ((from, to), bytes) in flows(application, plan) {
        let wanted =
            |s: &str| facts.services.iter().find(|(n, _)| n == s).map_or(0, |(_, r)| u64::from(*r));
        let pairs = wanted(&from) * wanted(&to);
        if pairs == 0 || from == to {
            continue;
        }
        let share = bytes.div_ceil(pairs);
        let sites = |service: &str| {
            let of = facts.replicas.iter().filter(move |(s, _)| s == service);
            of.map(|(_, host)| facts.estate.offerings[facts.hosts[*host]].site).collect::<Vec<_>>()
        };
        for a in sites(&from) {
            for b in sites(&to) {
                match facts.estate.transfer(a, b) {
                    Transfer::Free => {}
                    Transfer::Metered(meter) => {
                        *volumes.entry(meter).or_insert(0) += share;
                        let cloud = facts.estate.sites[a.index()].cloud.to_string();
                        *sent.entry((cloud, meter)).or_insert(0) += share;
                    }
                    Transfer::Unknown => priced.faults.push(format!(
                        "the price of traffic from {from} to {to} is not known where they run"
                    )),
                }
            }
        }
    }
    for (meter, bytes) in volumes {
        match facts.estate.meters.get(meter.0 as usize) {
            Some(m) => priced.total += m.cost(Traffic(bytes)),
            None => priced.faults.push(format!("meter {} is not there", meter.0)),
        }
    }
    // A meter counts what all its clouds send; each cloud is charged as if it sent alone.
    for ((cloud, meter), bytes) in sent {
        if let Some(m) = facts.estate.meters.get(meter.0 as usize) {
            *priced.spent.entry(cloud).or_insert(0) += m.cost(Traffic(bytes)).nano();
        }
    }
}

/// Bytes a month from service to service: as declared, and where nothing is declared as the plan
/// says it assumed.
fn flows(application: &Application, plan: &Plan) -> BTreeMap<(String, String), u64> {
    let mut flows: BTreeMap<(String, String), u64> = BTreeMap::new();
    for link in &application.links {
        if let Some(traffic) = link.traffic {
            *flows.entry((link.from.clone(), link.to.clone())).or_insert(0) += traffic.0;
        }
    }
    for assumed in plan.assumed.iter().filter(|a| a.what == "traffic") {
        let Some((from, to)) = assumed.service.split_once(" → ") else { continue };
        let amount = assumed.value.trim_end_matches(" each way");
        let bytes = Traffic::parse(amount).map_or(0, |t| t.0);
        flows.insert((from.to_owned(), to.to_owned()), bytes);
        flows.insert((to.to_owned(), from.to_owned()), bytes);
    }
    flows
}

fn storage(application: &Application, plan: &Plan, facts: &Facts, priced: &mut Priced) {
    for (name, volume) in application.volumes.iter().filter(|(_, v)| !v.external) {
        let Some(size) = volume.size else { continue };
        let users: Vec<&String> = application
            .services
            .iter()
            .filter(|(_, s)| s.mounts.iter().any(|m| m.source == MountSource::Volume(name.clone())))
            .map(|(n, _)| n)
            .collect();
        for (index, host) in plan.hosts.iter().enumerate() {
            let here = host.holds.iter().filter(|(s, _)| users.contains(&s)).count();
            let copies = if users.len() > 1 { here.min(1) } else { here };
            if copies == 0 {
                continue;
            }
            let site = &facts.estate.sites[facts.estate.offerings[facts.hosts[index]].site.index()];
            let Some((price, unit)) = site.block_storage else {
                priced
                    .faults
                    .push(format!("the price of volume {name} on {} is not known", host.id));
                continue;
            };
            let divisor = i128::from(unit) * 1_000_000_000;
            let nano = (price.atto() * i128::from(size.0) + divisor / 2) / divisor;
            for _ in 0..copies {
                priced.pay(&host.cloud, Money::from_nano(nano));
            }
        }
    }
}
