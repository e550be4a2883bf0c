//! Latencies between services, and from one replica to a service.

use std::sync::Arc;

use coc_goals::expression::Expression;
use coc_goals::number::Fraction;
use coc_model::route::Latency;
use num_traits::Zero;

use super::evaluate::{Bound, Scope, Unfit, Value, replica_counts};
use super::formula::and;
use super::number::Linear;
use super::{Lowering, Refused};
use crate::problem::{Combination, Formula, GroupId, Measure, PairTable, Table};

/// Why a plan keeps away from places.
const LATENCY_KNOWN: &str = "latency only where it is known";

fn unfit<T>(at: &Expression, says: impl Into<String>) -> Refused<T> {
    Err(Unfit { range: at.range, says: says.into() })
}

/// One side of a latency.
enum End {
    /// A service, its groups, and how many of its replicas are in one item of each.
    Service(String, Vec<(GroupId, i64)>),
    /// A replica whose site is given, of this service.
    Placed(usize, Option<String>),
}

impl Lowering<'_> {
    /// The longest round trip between replicas of two sides, each a service or a replica whose place
    /// is given; zero if there are none. A replica is no way from itself.
    pub(super) fn latency(
        &mut self,
        a: &Expression,
        b: &Expression,
        scope: &Scope,
    ) -> Refused<Linear> {
        match (self.end(a, scope)?, self.end(b, scope)?) {
            (End::Service(first, from), End::Service(second, to)) => {
                Ok(self.between_services(first == second, &from, &to))
            }
            (End::Placed(site, own), End::Service(service, to)) => {
                let (sites, latencies) = (self.problem.sites.len(), &self.world.estate.latencies);
                let row: Vec<_> = (0..sites).map(|other| latencies[site * sites + other]).collect();
                self.of_place(b, own.as_deref() == Some(&service), &service, &to, &row)
            }
            (End::Service(service, from), End::Placed(site, own)) => {
                let (sites, latencies) = (self.problem.sites.len(), &self.world.estate.latencies);
                let column: Vec<_> =
                    (0..sites).map(|other| latencies[other * sites + site]).collect();
                self.of_place(a, own.as_deref() == Some(&service), &service, &from, &column)
            }
            (End::Placed(..), End::Placed(..)) => {
                unfit(a, "the name of a service is due on one side here")
            }
        }
    }

    fn end(&self, side: &Expression, scope: &Scope) -> Refused<End> {
        if let coc_goals::expression::Node::Variable(name) = &side.node
            && let Some(Bound::Placed { service, site, .. }) = scope.variables.get(name)
        {
            return Ok(End::Placed(site.index(), service.clone()));
        }
        match self.world.evaluate(side, scope) {
            Ok(Some(Value::Text(name))) => match self.groups_of.get(&name).cloned() {
                Some(groups) => Ok(End::Service(name, groups)),
                None => {
                    let says = format!("{name} runs on every host: it has no latency of its own");
                    unfit(side, says)
                }
            },
            _ => unfit(side, "the name of a service is due here"),
        }
    }

    /// The longest of some latencies to the replicas of a service. Where one is not known, neither
    /// is the longest.
    fn of_place(
        &mut self,
        at: &Expression,
        own: bool,
        service: &str,
        groups: &[(GroupId, i64)],
        latencies: &[Option<Latency>],
    ) -> Refused<Linear> {
        let counts = self.world.application.services.get(service).map(replica_counts);
        if own && counts.is_some_and(|counts| counts.iter().any(|count| *count > 1)) {
            return unfit(
                at,
                "the latency of a replica to its own service can be bounded from above for all, and not otherwise",
            );
        }
        if own {
            return Ok(Linear::constant(Fraction::zero()));
        }
        let unknown: Arc<[i128]> = latencies.iter().map(|l| i128::from(l.is_none())).collect();
        if unknown.contains(&1) {
            let unknown = Table::Site(unknown);
            let items = groups.iter().map(|(group, _)| (*group, unknown.clone())).collect();
            let measure = self.problem.measure(Measure::Sum { items, hosts: None });
            self.pending.push(Formula::AtMostZero(Combination::of(measure)));
        }
        let micros = latencies.iter().map(|l| l.map_or(0, |l| l.round_trip.0.into())).collect();
        let groups = groups.iter().map(|(group, _)| *group).collect();
        let largest = Measure::Largest { groups, table: Table::Site(micros), floor: 0 };
        let measure = self.problem.measure(largest);
        Ok(Linear::term(Fraction::new(1, 1000), measure))
    }

    /// The longest round trip between replicas of two services, or of one: replicas in one item are on
    /// one host, others are pairs.
    fn between_services(
        &mut self,
        one_service: bool,
        from: &[(GroupId, i64)],
        to: &[(GroupId, i64)],
    ) -> Linear {
        let (mut inside, mut between) = (Vec::new(), Vec::new());
        for &(a, replicas) in from {
            for &(b, _) in to {
                if a == b && self.problem.groups[a.0].count == 1 {
                    if !one_service || replicas > 1 {
                        inside.push(a);
                    }
                } else if !self.problem.exclude_each_other(a, b) {
                    between.push((a, b));
                }
            }
        }
        let Latencies { table, unknown, all_known } = self.latencies().clone();
        let own = |t: &PairTable| Table::Site((0..t.sites).map(|s| t.at(s, s)).collect());
        let mut longest = Linear::default();
        let millis = |measure| (Fraction::new(1, 1000), measure);
        // Services share hosts whatever their numbers, or never: only one of the two is there.
        if !inside.is_empty() {
            let items = inside.iter().map(|group| (*group, own(&unknown))).collect();
            let barred = Measure::Sum { items, hosts: None };
            self.bar(barred, LATENCY_KNOWN);
            let largest = Measure::Largest { groups: inside, table: own(&table), floor: 0 };
            longest.terms.push(millis(self.problem.measure(largest)));
        }
        if !between.is_empty() {
            if !all_known {
                self.bar_pairs(&between, &unknown);
            }
            let measure = Measure::LargestPair { between, table };
            longest.terms.push(millis(self.problem.measure(measure)));
        }
        longest
    }

    /// No pair of items where a latency between them is not known.
    fn bar_pairs(&mut self, between: &[(GroupId, GroupId)], unknown: &PairTable) {
        let mut none = Vec::new();
        for between in between.iter().copied() {
            let pairs = Measure::Pairs { between, table: unknown.clone() };
            let pairs = self.problem.measure(pairs);
            none.push(Formula::AtMostZero(Combination::of(pairs)));
        }
        self.required(and(none), LATENCY_KNOWN);
    }

    /// The latencies between sites, made once.
    pub(super) fn latencies(&mut self) -> &Latencies {
        let (estate, sites) = (self.world.estate, self.problem.sites.len());
        self.latencies.get_or_insert_with(|| Latencies::of(&estate.latencies, sites))
    }
}

/// The latencies between sites, as tables that many measures share.
#[derive(Clone, Debug)]
pub(super) struct Latencies {
    /// Round trips in microseconds; unknown ones count as zero and are barred apart.
    pub(super) table: PairTable,
    /// 1 where the round trip is not known.
    pub(super) unknown: PairTable,
    /// True if every round trip is known.
    pub(super) all_known: bool,
}

impl Latencies {
    fn of(latencies: &[Option<Latency>], sites: usize) -> Self {
        let table = |number: fn(&Option<Latency>) -> i128| PairTable {
            sites,
            values: latencies.iter().map(number).collect(),
        };
        let all_known = latencies.iter().all(Option::is_some);
        Self {
            table: table(|l| l.as_ref().map_or(0, |l| l.round_trip.0.into())),
            unknown: table(|l| i128::from(l.is_none())),
            all_known,
        }
    }
}
