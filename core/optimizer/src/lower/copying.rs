//! What copying data to where it is not comes to.

use std::collections::BTreeMap;
use std::sync::Arc;

use coc_goals::expression::Expression;
use coc_goals::number::Fraction;
use coc_model::estate::SiteId;
use coc_model::quantity::{Bytes, Traffic};
use coc_model::route::Transfer;

use super::groups::mounts;
use super::number::{Linear, in_range};
use super::{Lowering, Refused};
use crate::problem::{Formula, GroupId, Measure, MeasureId, Table};

/// Said of what is required for a price to be known.
const KNOWN: &str = "data is copied only where the price of that is known";

/// Nano-dollars as dollars.
fn dollars(nano: i128) -> Fraction {
    Fraction::new(nano, 1_000_000_000)
}

impl Lowering<'_> {
    /// What copying comes to, once: each volume of known size is copied to every site with more
    /// copies of it than there are now, one at a time, from the site with a copy from which that is
    /// cheapest.
    pub(super) fn move_cost(&mut self, at: &Expression) -> Refused<Linear> {
        let mut total = Linear::default();
        let volumes: Vec<(String, Bytes)> = self
            .world
            .application
            .volumes
            .iter()
            .filter(|(_, v)| !v.external)
            .filter_map(|(name, v)| Some((name.clone(), v.size?)))
            .collect();
        for (name, size) in volumes {
            let users = self.users(&name);
            let Some(now) = self.running.as_ref().map(|r| r.copies(&users)) else { continue };
            if now.is_empty() {
                continue;
            }
            for group in (0..self.problem.groups.len()).map(GroupId) {
                let mounting = |s: &(Arc<str>, i64)| users.iter().any(|user| **user == *s.0);
                let services = self.problem.groups[group.0].services.iter();
                let replicas: i64 = services.filter(|s| mounting(s)).map(|s| s.1).sum();
                let copies = if users.len() > 1 { replicas.min(1) } else { replicas };
                if copies == 0 {
                    continue;
                }
                let copied = self.copied(at, (group, copies), &now, size)?;
                total = in_range(at, total.plus(copied))?;
            }
        }
        Ok(total)
    }

    fn users(&self, volume: &str) -> Vec<String> {
        let services = &self.world.application.services;
        services.iter().filter(|(_, s)| mounts(s, volume)).map(|(n, _)| n.clone()).collect()
    }

    /// What the copies of one volume that items of a group have come to.
    fn copied(
        &mut self,
        at: &Expression,
        (group, copies): (GroupId, i64),
        now: &BTreeMap<Option<SiteId>, i64>,
        size: Bytes,
    ) -> Refused<Linear> {
        let sites = self.problem.sites.len();
        let prices: Vec<Option<i128>> = (0..sites).map(|to| self.cheapest(now, to, size)).collect();
        let here = |site: usize| {
            let id = SiteId(u32::try_from(site).unwrap_or(u32::MAX));
            now.get(&Some(id)).copied().unwrap_or(0)
        };
        let copies = i128::from(copies);
        let at_once = |site: usize| if here(site) > 0 { 0 } else { prices[site].unwrap_or(0) };
        let mut total = Linear::default();
        let table: Arc<[i128]> = (0..sites).map(|site| copies * at_once(site)).collect();
        if table.iter().any(|price| *price > 0) {
            let all = self.sum_of(group, table);
            total = Linear::term(dollars(1), all);
        }
        let unknown: Arc<[i128]> =
            (0..sites).map(|s| i128::from(prices[s].is_none() && here(s) == 0)).collect();
        if unknown.contains(&1) {
            let items = vec![(group, Table::Site(unknown))];
            self.bar(Measure::Sum { items, hosts: None }, KNOWN);
        }
        for site in (0..sites).filter(|site| here(*site) > 0 && prices[*site] != Some(0)) {
            let flags = (0..sites).map(|s| if s == site { copies } else { 0 }).collect();
            let there = Linear::term(Fraction::from_integer(1), self.sum_of(group, flags));
            let now = Linear::constant(Fraction::from_integer(here(site).into()));
            let more = self.excess(at, there, now)?;
            match prices[site] {
                Some(price) => {
                    let paid = in_range(at, more.scaled(dollars(price)))?;
                    total = in_range(at, total.plus(paid))?;
                }
                None => self.bar_above_zero(at, &more)?,
            }
        }
        Ok(total)
    }

    fn sum_of(&mut self, group: GroupId, by_site: Arc<[i128]>) -> MeasureId {
        self.problem
            .measure(Measure::Sum { items: vec![(group, Table::Site(by_site))], hosts: None })
    }

    /// Requires what is never negative to be zero.
    fn bar_above_zero(&mut self, at: &Expression, linear: &Linear) -> Refused<()> {
        let (combination, _) = in_range(at, linear.whole())?;
        self.required(Formula::AtMostZero(combination), KNOWN);
        Ok(())
    }

    /// The price of one copy from the cheapest site that has one, in nano-dollars.
    fn cheapest(
        &self,
        now: &BTreeMap<Option<SiteId>, i64>,
        to: usize,
        size: Bytes,
    ) -> Option<i128> {
        let estate = self.world.estate;
        let to = SiteId(u32::try_from(to).unwrap_or(u32::MAX));
        let price = |from: &SiteId| match estate.transfer(*from, to) {
            Transfer::Free => Some(0),
            Transfer::Metered(meter) => {
                let meter = estate.meters.get(meter.0 as usize)?;
                Some(meter.cost(Traffic(size.0)).nano())
            }
            Transfer::Unknown => None,
        };
        now.keys().flatten().filter_map(price).min()
    }
}
