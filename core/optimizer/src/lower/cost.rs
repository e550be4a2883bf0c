//! What a plan costs a month: machines, traffic by meters and tiers, block storage.

use std::collections::BTreeMap;
use std::sync::Arc;

use coc_goals::expression::Expression;
use coc_model::estate::{SiteId, Unknown};
use coc_model::goals::Policy;
use coc_model::quantity::Traffic as Volume;
use coc_model::route::Transfer;

use super::evaluate::{Scope, Unfit, Value};
use super::formula::and;
use super::number::{Linear, dollars};
use super::{Lowering, Refused};
use crate::problem::{
    Combination, Flow, Formula, GroupId, Measure, MeterPrice, Origin, PairTable, Requirement,
    Table, Traffic,
};

/// What is paid for, in nano-dollars a month.
#[derive(Clone, Debug, Default)]
pub(super) struct Paid {
    /// A machine of each option.
    machines: Arc<[i128]>,
    /// The volumes of an item of a group, by site.
    storage: Vec<(GroupId, Table)>,
    /// What is sent.
    traffic: Option<Traffic>,
}

impl Lowering<'_> {
    /// The cost in nano-dollars a month.
    pub(super) fn whole_cost(&mut self) -> Combination {
        let estate = self.world.estate;
        let machines: Vec<i128> = self
            .problem
            .options
            .iter()
            .map(|o| {
                let price = estate.offerings[o.offering].rate();
                price.map_or(0, |rate| rate.per_month().nano())
            })
            .collect();
        self.paid =
            Paid { machines: machines.into(), storage: self.storage(), traffic: self.traffic() };
        let items = self.paid.storage.clone();
        let hosts = Some(Table::Option(Arc::clone(&self.paid.machines)));
        let mut cost = Combination::of(self.problem.measure(Measure::Sum { items, hosts }));
        if let Some(traffic) = self.paid.traffic.clone() {
            let measure = self.problem.measure(Measure::Traffic(traffic));
            cost.terms.push((1, measure));
        }
        cost
    }

    /// What of the cost is paid to one cloud: its machines, the volumes at its sites, and the traffic
    /// sent from them.
    pub(super) fn spend(&mut self, cloud: &Expression, scope: &Scope) -> Refused<Linear> {
        let unfit = |says: String| Unfit { range: cloud.range, says };
        let Some(Value::Text(name)) = self.world.evaluate(cloud, scope)? else {
            return Err(unfit("the name of a cloud is due here".to_owned()));
        };
        if let Some(spend) = self.spends.get(&name) {
            return Ok(spend.clone());
        }
        let estate = self.world.estate;
        let here: Vec<bool> = estate.sites.iter().map(|site| *site.cloud == *name).collect();
        if !here.contains(&true) {
            let mut says = format!("no cloud is called \"{name}\"");
            let clouds = estate.sites.iter().map(|site| &*site.cloud);
            if let Some(known) = coc_model::mistake::closest(&name, clouds) {
                says = format!("{says}: did you mean \"{known}\"?");
            }
            return Err(unfit(says));
        }
        let options = self.problem.options.iter().zip(self.paid.machines.iter());
        let machines = options.map(|(o, price)| if here[o.site] { *price } else { 0 }).collect();
        let at_sites = |table: &Table| match table {
            Table::Site(values) => {
                let values = values.iter().zip(&here);
                Table::Site(values.map(|(v, here)| if *here { *v } else { 0 }).collect())
            }
            other => other.clone(),
        };
        let items = self.paid.storage.iter().map(|(g, table)| (*g, at_sites(table))).collect();
        let hosts = Some(Table::Option(machines));
        let mut spend = Combination::of(self.problem.measure(Measure::Sum { items, hosts }));
        if let Some(traffic) = &self.paid.traffic {
            let meters = traffic.meter.iter().enumerate();
            let meter = meters.map(|(pair, m)| m.filter(|_| here[pair / traffic.sites])).collect();
            let sent = Traffic { meter, ..traffic.clone() };
            let measure = self.problem.measure(Measure::Traffic(sent));
            spend.terms.push((1, measure));
        }
        let spend = dollars(&spend);
        self.spends.insert(name, spend.clone());
        Ok(spend)
    }

    /// What the volumes of each group's items cost by site. Where a site's price of storage is not
    /// known, items with sized volumes may not be there.
    fn storage(&mut self) -> Vec<(GroupId, Table)> {
        let sites = &self.world.estate.sites;
        let mut tables = Vec::new();
        let mut barred = Vec::new();
        for (index, group) in self.problem.groups.iter().enumerate() {
            let stored = self.stored(group);
            if stored.is_empty() {
                continue;
            }
            let prices: Vec<Option<i128>> = sites
                .iter()
                .map(|s| {
                    let (price, unit) = s.block_storage?;
                    let cost = |&(bytes, copies): &(u64, i64)| {
                        storage_cost(price.atto(), unit, bytes.into()) * i128::from(copies)
                    };
                    Some(stored.iter().map(cost).sum())
                })
                .collect();
            barred.push((index, prices.iter().map(Option::is_some).collect::<Vec<bool>>()));
            let known = prices.into_iter().map(Option::unwrap_or_default).collect();
            tables.push((GroupId(index), Table::Site(known)));
        }
        for (group, known) in barred {
            let without = known.iter().filter(|k| !**k).count();
            let group = &mut self.problem.groups[group];
            if without > 0 {
                let services: Vec<&str> = group.services.iter().map(|(s, _)| &**s).collect();
                let unknown = Unknown {
                    what: format!("price of block storage at {without} sites"),
                    why: format!(
                        "no figure in the catalog: not candidates for {}",
                        services.join(", ")
                    ),
                };
                // Said once of a service, however many replicas it may have.
                if !self.unknown.contains(&unknown) {
                    self.unknown.push(unknown);
                }
            }
            group.sites = known.into();
        }
        tables
    }

    /// Traffic between groups. Pairs of sites between which the price is not known are barred to
    /// groups that exchange traffic.
    fn traffic(&mut self) -> Option<Traffic> {
        let estate = self.world.estate;
        let sites = estate.sites.len();
        let mut bytes: BTreeMap<(GroupId, GroupId), i128> = BTreeMap::new();
        for flow in &self.demands.flows {
            for &from in self.groups_with(&flow.from) {
                for &to in self.groups_with(&flow.to) {
                    if let Some(share) = self.sent(flow.traffic, from, to) {
                        *bytes.entry((from.0, to.0)).or_insert(0) += share;
                    }
                }
            }
        }
        if bytes.is_empty() {
            return None;
        }
        let mut meter = vec![None; sites * sites];
        let mut unknown = vec![0_i128; sites * sites];
        for a in 0..sites {
            for b in 0..sites {
                match estate.transfer(site(a), site(b)) {
                    Transfer::Free => {}
                    Transfer::Metered(id) => meter[a * sites + b] = Some(id.0 as usize),
                    Transfer::Unknown => unknown[a * sites + b] = 1,
                }
            }
        }
        self.bar_unknown_routes(&bytes, unknown);
        let prices = estate
            .meters
            .iter()
            .map(|m| MeterPrice {
                tiers: m.tiers.iter().map(|t| (t.from.0.into(), t.price.atto())).collect(),
                unit: m.unit.into(),
            })
            .collect();
        let flows = bytes.into_iter().map(|((from, to), bytes)| Flow { from, to, bytes }).collect();
        Some(Traffic { flows, sites, meter: meter.into(), prices })
    }

    /// The bytes that an item of one group sends to an item of another, given how many replicas of
    /// sender and receiver are in one: each replica of the sender sends as much to each replica of the
    /// receiver, rounded up to a byte. `None` where nothing is sent.
    fn sent(
        &self,
        volume: Volume,
        (from, senders): (GroupId, i64),
        (to, receivers): (GroupId, i64),
    ) -> Option<i128> {
        // Items of one group that hold several services are on one host.
        let on_one_host = from == to && self.problem.groups[from.0].services.len() > 1;
        let items = |g: GroupId| i128::from(self.problem.groups[g.0].count);
        let (senders, receivers) = (i128::from(senders), i128::from(receivers));
        let pairs = items(from) * senders * items(to) * receivers;
        if on_one_host || pairs == 0 || self.problem.exclude_each_other(from, to) {
            return None;
        }
        let share = (i128::from(volume.0) + pairs - 1) / pairs;
        Some(share * senders * receivers)
    }

    fn bar_unknown_routes(
        &mut self,
        bytes: &BTreeMap<(GroupId, GroupId), i128>,
        unknown: Vec<i128>,
    ) {
        if unknown.iter().all(|u| *u == 0) {
            return;
        }
        let sites = self.world.estate.sites.len();
        let count = unknown.iter().filter(|u| **u == 1).count();
        self.unknown.push(Unknown {
            what: format!("price of traffic between {count} pairs of sites"),
            why: "no figure in the catalog: no traffic is planned over them".to_owned(),
        });
        let table = PairTable { sites, values: unknown.into() };
        // One requirement for two services, however many replicas they may have.
        let mut rules: Vec<(String, Vec<Formula>)> = Vec::new();
        for &between in bytes.keys() {
            let measure = self.problem.measure(Measure::Pairs { between, table: table.clone() });
            let name = |g: GroupId| self.problem.groups[g.0].services[0].0.to_string();
            let says = format!(
                "traffic from {} to {} only where its price is known",
                name(between.0),
                name(between.1)
            );
            let none = Formula::AtMostZero(Combination::of(measure));
            match rules.iter_mut().find(|rule| rule.0 == says) {
                Some(rule) => rule.1.push(none),
                None => rules.push((says, vec![none])),
            }
        }
        let requirements = rules.into_iter().map(|(says, formulas)| Requirement {
            formula: and(formulas),
            policy: Policy::Must,
            origin: Origin { says: Arc::from(says), at: None },
            scale: None,
        });
        self.problem.requirements.extend(requirements);
    }
}

/// What bytes of block storage cost a month, in nano-dollars, rounded half up.
pub fn storage_cost(price_atto: i128, unit: u64, bytes: i128) -> i128 {
    let divisor = i128::from(unit) * 1_000_000_000;
    (price_atto.saturating_mul(bytes) + divisor / 2).div_euclid(divisor)
}

fn site(index: usize) -> SiteId {
    SiteId(u32::try_from(index).unwrap_or(u32::MAX))
}
