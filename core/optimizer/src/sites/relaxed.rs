//! A relaxation that hardly sees the sites: traffic is counted between clusters of sites only, at
//! the least price of any pair of sites in them.

use std::collections::BTreeMap;

use crate::presolve::arcs::sites_of;
use crate::presolve::smaller_is_better;
use crate::problem::{GroupId, Measure, MeterPrice, Problem, Traffic};

/// The problem with traffic counted between clusters. No solution is lost and none gets dearer:
/// only measures that are better small are touched.
pub(super) fn relaxed(problem: &Problem) -> Problem {
    let better = smaller_is_better(problem);
    let mut relaxed = problem.clone();
    for (index, measure) in relaxed.measures.iter_mut().enumerate() {
        if let Measure::Traffic(traffic) = measure
            && better[index]
        {
            *traffic = between_clusters(problem, traffic);
        }
    }
    relaxed
}

fn between_clusters(problem: &Problem, traffic: &Traffic) -> Traffic {
    let prices = Prices::of(problem, traffic);
    let cluster = prices.clusters();
    let mut least: BTreeMap<(usize, usize), i128> = BTreeMap::new();
    for (from, to) in prices.pairs() {
        let key = (cluster[from], cluster[to]);
        let price = prices.at(from, to);
        least.entry(key).and_modify(|p| *p = price.min(*p)).or_insert(price);
    }
    let mut meters = Vec::new();
    let mut meter_of = BTreeMap::new();
    for (&key, &price) in least.iter().filter(|((a, b), price)| a != b && **price > 0) {
        meter_of.insert(key, meters.len());
        meters.push(MeterPrice { tiers: vec![(0, price)], unit: prices.unit });
    }
    let meter = (0..traffic.sites * traffic.sites)
        .map(|pair| (cluster[pair / traffic.sites], cluster[pair % traffic.sites]))
        .map(|key| meter_of.get(&key).copied());
    Traffic {
        flows: traffic.flows.clone(),
        sites: traffic.sites,
        meter: meter.collect(),
        prices: meters,
    }
}

/// The least price of traffic between sites, in 10⁻¹⁸ dollars per `unit` bytes.
struct Prices {
    unit: i128,
    sites: usize,
    least: Vec<i128>,
    used: Vec<bool>,
}

impl Prices {
    fn of(problem: &Problem, traffic: &Traffic) -> Self {
        // A common multiple of the units of meters, which are few: GB and GiB.
        let unit = traffic.prices.iter().map(|p| p.unit).fold(1, lcm);
        let smallest = traffic.flows.iter().map(|f| f.bytes).min().unwrap_or(1).max(1);
        // Meters round to whole nano-dollars. A price smaller by two of them for the smallest flow
        // stays below however many meters the same traffic is really counted by.
        let rounding = (2_000_000_000 * unit + smallest - 1) / smallest;
        let of_meter = |meter: &MeterPrice| {
            let lowest = meter.tiers.iter().map(|t| t.1).min().unwrap_or(0);
            (lowest.saturating_mul(unit / meter.unit) - rounding).max(0)
        };
        let meters: Vec<i128> = traffic.prices.iter().map(of_meter).collect();
        let least = traffic.meter.iter().map(|m| m.map_or(0, |m| meters[m])).collect();
        Self { unit, sites: traffic.sites, least, used: used(problem) }
    }

    fn at(&self, from: usize, to: usize) -> i128 {
        self.least[from * self.sites + to]
    }

    /// All ordered pairs of different sites in use. Pairs that a rule forbids are among them: without
    /// them the bound is a little better and takes several times as long.
    fn pairs(&self) -> impl Iterator<Item = (usize, usize)> {
        let sites = || (0..self.sites).filter(|site| self.used[*site]);
        sites().flat_map(move |a| sites().map(move |b| (a, b))).filter(|(a, b)| a != b)
    }

    /// The cluster of each site, by its first site: sites belong together if traffic between them
    /// is cheaper, both ways, than the dearest from either.
    fn clusters(&self) -> Vec<usize> {
        let mut dearest = vec![0; self.sites];
        for (from, to) in self.pairs() {
            dearest[from] = self.at(from, to).max(dearest[from]);
        }
        let near = |a: usize, b: usize| self.at(a, b) < dearest[a] && self.at(b, a) < dearest[b];
        let mut cluster: Vec<usize> = (0..self.sites).collect();
        for (a, b) in self.pairs().filter(|(a, b)| near(*a, *b)) {
            let (first, second) = (cluster[a].min(cluster[b]), cluster[a].max(cluster[b]));
            for c in cluster.iter_mut().filter(|c| **c == second) {
                *c = first;
            }
        }
        cluster
    }
}

/// The sites where some items may be.
fn used(problem: &Problem) -> Vec<bool> {
    let mut used = vec![false; problem.sites.len()];
    for group in 0..problem.groups.len() {
        for (used, allowed) in used.iter_mut().zip(sites_of(problem, GroupId(group))) {
            *used |= allowed;
        }
    }
    used
}

fn lcm(a: i128, b: i128) -> i128 {
    let (mut x, mut y) = (a, b.max(1));
    while y != 0 {
        (x, y) = (y, x % y);
    }
    a / x * b.max(1)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::problem::{Combination, Flow, Group, HostOption, OptionId, Origin, Scale, Tier};
    use crate::solution::{HostUse, Solution};

    const SITES: usize = 5;
    const GB: i128 = 1_000_000_000;
    const CENT: i128 = 10_000_000_000_000_000;

    /// Three single items that may be at any site; what is minimised is what they send.
    fn problem(meter: Vec<Option<usize>>, prices: Vec<MeterPrice>, flows: Vec<Flow>) -> Problem {
        let option = |site| HostOption { offering: site, site, capacity: vec![3] };
        let group = |g: usize| Group {
            services: vec![(Arc::from(format!("g{g}")), 1)],
            count: 1,
            demand: vec![1],
            sites: vec![true; SITES].into(),
            options: vec![true; SITES].into(),
        };
        let mut problem = Problem {
            dimensions: vec!["cpu".into()],
            sites: (0..SITES).map(|s| Arc::from(s.to_string())).collect(),
            options: (0..SITES).map(option).collect(),
            groups: (0..3).map(group).collect(),
            ..Problem::default()
        };
        let traffic = Traffic { flows, sites: SITES, meter: meter.into(), prices };
        let traffic = problem.measure(Measure::Traffic(traffic));
        problem.tiers.push(Tier {
            objective: Combination::of(traffic),
            direction: coc_model::goals::Direction::Minimize,
            tolerance_atto: 0,
            origin: Origin { says: "traffic".into(), at: None },
            scale: Scale::PLAIN,
        });
        problem
    }

    fn price() -> impl Strategy<Value = MeterPrice> {
        (0..20_i128, 0..20_i128, prop::bool::ANY).prop_map(|(first, then, binary)| MeterPrice {
            tiers: vec![(0, first * CENT), (2 * GB, then * CENT)],
            unit: if binary { 1 << 30 } else { GB },
        })
    }

    proptest! {
        /// Wherever the items are, the relaxation costs no more.
        #[test]
        fn nothing_gets_dearer(
            meter in prop::collection::vec(prop::option::weighted(0.8, 0_usize..4), SITES * SITES),
            prices in prop::collection::vec(price(), 4),
            bytes in prop::collection::vec(1_i128..5 * GB, 3),
            places in prop::collection::vec(0_usize..SITES, 3),
        ) {
            let flow = |(g, bytes): (usize, &i128)| Flow {
                from: GroupId(g),
                to: GroupId((g + 1) % 3),
                bytes: *bytes,
            };
            let flows = bytes.iter().enumerate().map(flow).collect();
            let problem = problem(meter, prices, flows);
            let host = |(g, site): (usize, &usize)| HostUse {
                option: OptionId(*site),
                holds: vec![(GroupId(g), 1)],
            };
            let solution = Solution { hosts: places.iter().enumerate().map(host).collect() };
            let objective = &problem.tiers[0].objective;
            let real = solution.worth(&problem).value(objective);
            let coarse = solution.worth(&relaxed(&problem)).value(objective);
            prop_assert!(coarse <= real, "{coarse} > {real}");
        }
    }

    #[test]
    fn far_sites_cost_their_least_price_and_near_ones_nothing() {
        // Sites 0 and 1 are near each other at 1 cent; everything else is 9 or 8 cents.
        let flat = |cents: i128| MeterPrice { tiers: vec![(0, cents * CENT)], unit: GB };
        let mut meter = vec![Some(1); SITES * SITES];
        for s in 0..SITES {
            meter[s * SITES + s] = None;
        }
        (meter[1], meter[SITES]) = (Some(0), Some(0));
        meter[2] = Some(2);
        let flows = vec![Flow { from: GroupId(0), to: GroupId(1), bytes: GB }];
        let problem = problem(meter, vec![flat(1), flat(9), flat(8)], flows);
        let cost = |from: usize, to: usize| {
            let host = |g, site| HostUse { option: OptionId(site), holds: vec![(GroupId(g), 1)] };
            let hosts = vec![host(0, from), host(1, to), host(2, from)];
            let relaxed = relaxed(&problem);
            Solution { hosts }.worth(&relaxed).value(&relaxed.tiers[0].objective)
        };
        assert_eq!(cost(0, 1), 0);
        // To within the two nano-dollars that rounding is given.
        assert_eq!(cost(0, 2), 80_000_000 - 2);
        assert_eq!(cost(1, 2), 80_000_000 - 2);
        assert_eq!(cost(3, 4), 90_000_000 - 2);
    }
}
