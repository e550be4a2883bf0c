//! Options and sites that another one can stand in for in every solution.

use super::smaller_is_better;
use crate::problem::{GroupId, Measure, OptionId, Problem, Table, Traffic};

/// What must be no larger, and what must be equal, for one option to stand in for another.
struct Profile {
    no_larger: Vec<i128>,
    equal: Vec<i128>,
    limits: Vec<usize>,
}

/// The numbers of an option that any measure looks at.
fn profile(problem: &Problem, better: &[bool], option: OptionId) -> Profile {
    let (mut no_larger, mut equal) = (Vec::new(), Vec::new());
    let users: Vec<bool> = problem.groups.iter().map(|g| g.may_use(problem, option)).collect();
    for (index, measure) in problem.measures.iter().enumerate() {
        let mut add = |table: &Table| {
            let value = table.at(problem, option);
            if better[index] { no_larger.push(value) } else { equal.push(value) }
        };
        match measure {
            Measure::Sum { items, hosts } => {
                hosts.iter().for_each(&mut add);
                for (group, table) in items {
                    if users[group.0] {
                        add(table);
                    } else {
                        add(&Table::Constant(0));
                    }
                }
            }
            Measure::Largest { table, .. } => add(table),
            Measure::Distinct { key, .. } | Measure::Skew { key, .. } => {
                equal.push(key.at(problem, option));
            }
            Measure::LargestPair { .. }
            | Measure::Pairs { .. }
            | Measure::Traffic(_)
            | Measure::Excess(_)
            | Measure::Broken(_)
            | Measure::Product(..) => {}
        }
    }
    let holds = |l: &usize| problem.limits[*l].options.contains(&option);
    let limits = (0..problem.limits.len()).filter(holds).collect();
    Profile { no_larger, equal, limits }
}

/// True if a host of `better` can stand in for one of `worse`, as far as the machines go. Items
/// that `worse` may hold must be allowed on `better`; where items were not, their counts don't
/// matter.
fn stands_in(
    problem: &Problem,
    profiles: &[Option<Profile>],
    better: OptionId,
    worse: OptionId,
) -> bool {
    let (Some(b), Some(w)) = (&profiles[better.0], &profiles[worse.0]) else { return false };
    let (host, other) = (&problem.options[better.0], &problem.options[worse.0]);
    host.capacity.iter().zip(&other.capacity).all(|(x, y)| x >= y)
        && b.limits.iter().all(|l| w.limits.contains(l))
        && b.no_larger.iter().zip(&w.no_larger).all(|(x, y)| x <= y)
        && b.equal == w.equal
        && problem.groups.iter().all(|g| !g.may_use(problem, worse) || g.may_use(problem, better))
}

/// Takes out options that another one at the same site can stand in for.
pub(super) fn options(problem: &Problem, keep: &mut [bool]) {
    let better = smaller_is_better(problem);
    let profiles = profiles(problem, &better, keep);
    for of_site in by_site(problem, keep) {
        let mut order = of_site.clone();
        // The cheapest first, the larger first among equals: what is kept early takes out most.
        order.sort_by(|a, b| {
            let price = |o: &OptionId| profiles[o.0].as_ref().map(|p| p.no_larger.clone());
            let size = |o: &OptionId| std::cmp::Reverse(problem.options[o.0].capacity.clone());
            (price(a), size(a), a).cmp(&(price(b), size(b), b))
        });
        let mut kept: Vec<OptionId> = Vec::new();
        for option in order {
            if kept.iter().any(|k| stands_in(problem, &profiles, *k, option)) {
                keep[option.0] = false;
            } else {
                kept.push(option);
            }
        }
    }
}

fn profiles(problem: &Problem, better: &[bool], keep: &[bool]) -> Vec<Option<Profile>> {
    (0..problem.options.len())
        .map(|o| keep[o].then(|| profile(problem, better, OptionId(o))))
        .collect()
}

fn by_site(problem: &Problem, keep: &[bool]) -> Vec<Vec<OptionId>> {
    let mut sites = vec![Vec::new(); problem.sites.len()];
    for (index, option) in problem.options.iter().enumerate() {
        if keep[index] {
            sites[option.site].push(OptionId(index));
        }
    }
    sites
}

/// Takes out sites that another one can stand in for: whatever runs there can be moved, all
/// together, without anything getting worse.
pub(super) fn sites(problem: &Problem, keep: &mut [bool]) {
    let better = smaller_is_better(problem);
    let profiles = profiles(problem, &better, keep);
    let by_site = by_site(problem, keep);
    let mut alive: Vec<bool> = by_site.iter().map(|o| !o.is_empty()).collect();
    let standing = Standing { problem, better: &better, profiles: &profiles, by_site: &by_site };
    for worse in (0..by_site.len()).rev() {
        if !alive[worse] {
            continue;
        }
        let dominated = (0..by_site.len()).any(|site| {
            site != worse
                && alive[site]
                && standing.in_for(site, worse, &alive)
                && (site < worse || !standing.in_for(worse, site, &alive))
        });
        if dominated {
            alive[worse] = false;
            for option in &by_site[worse] {
                keep[option.0] = false;
            }
        }
    }
}

struct Standing<'a> {
    problem: &'a Problem,
    better: &'a [bool],
    profiles: &'a [Option<Profile>],
    by_site: &'a [Vec<OptionId>],
}

impl Standing<'_> {
    fn in_for(&self, site: usize, worse: usize, alive: &[bool]) -> bool {
        self.by_site[worse].iter().all(|o| {
            self.by_site[site].iter().any(|b| stands_in(self.problem, self.profiles, *b, *o))
        }) && self.pairs(site, worse, alive)
    }

    /// Every measure of pairs is no worse with `site` in place of `worse`.
    fn pairs(&self, site: usize, worse: usize, alive: &[bool]) -> bool {
        let others: Vec<usize> =
            (0..alive.len()).filter(|s| alive[*s] && *s != site && *s != worse).collect();
        // Pairs that no items can be at in the worse case don't matter.
        let no_worse = |can: &Can<'_>, le: &dyn Fn((usize, usize), (usize, usize)) -> bool| {
            let fine = |better, worse| !can(worse) || le(better, worse);
            others.iter().all(|c| fine((site, *c), (worse, *c)) && fine((*c, site), (*c, worse)))
                && [(worse, worse), (site, worse), (worse, site)]
                    .into_iter()
                    .all(|p| fine((site, site), p))
        };
        let may = |g: GroupId, site: usize| self.problem.groups[g.0].sites[site];
        self.problem.measures.iter().enumerate().all(|(index, measure)| match measure {
            Measure::Pairs { between: (a, b), table } => {
                let can = |(x, y): (usize, usize)| may(*a, x) && may(*b, y);
                let le =
                    |p: (usize, usize), q: (usize, usize)| table.at(p.0, p.1) <= table.at(q.0, q.1);
                self.better[index] && no_worse(&can, &le)
            }
            Measure::LargestPair { between, table } => {
                let can =
                    |(x, y): (usize, usize)| between.iter().any(|(a, b)| may(*a, x) && may(*b, y));
                let le =
                    |p: (usize, usize), q: (usize, usize)| table.at(p.0, p.1) <= table.at(q.0, q.1);
                self.better[index] && no_worse(&can, &le)
            }
            Measure::Traffic(traffic) => {
                let volume = total_volume(self.problem, traffic);
                let can = |(x, y): (usize, usize)| {
                    traffic.flows.iter().any(|f| may(f.from, x) && may(f.to, y))
                };
                self.better[index] && no_worse(&can, &|p, q| no_dearer(traffic, volume, p, q))
            }
            _ => true,
        })
    }
}

/// Whether some items can be at a pair of sites.
type Can<'a> = dyn Fn((usize, usize)) -> bool + 'a;

/// The most bytes any meter can count.
fn total_volume(problem: &Problem, traffic: &Traffic) -> i128 {
    let count = |g: GroupId| i128::from(problem.groups[g.0].count);
    traffic.flows.iter().map(|f| f.bytes * count(f.from) * count(f.to)).sum()
}

/// True if traffic never costs more over the first pair of sites than over the second.
fn no_dearer(traffic: &Traffic, volume: i128, a: (usize, usize), b: (usize, usize)) -> bool {
    let meter = |(from, to): (usize, usize)| traffic.meter[from * traffic.sites + to];
    match (meter(a), meter(b)) {
        (None, _) => true,
        (Some(x), Some(y)) if x == y => true,
        (Some(_), None) => false,
        (Some(x), Some(y)) => {
            let (x, y) = (&traffic.prices[x], &traffic.prices[y]);
            match (x.single_price(volume), y.single_price(volume)) {
                (Some(p), Some(q)) => p.saturating_mul(y.unit) <= q.saturating_mul(x.unit),
                _ => false,
            }
        }
    }
}
