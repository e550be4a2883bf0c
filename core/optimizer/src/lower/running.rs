//! What runs now: what leaves its machine, and what a goal that is to improve may not make worse.

use std::collections::BTreeMap;

use coc_goals::expression::{Aggregate, Expression};
use coc_goals::number::Fraction;
use coc_model::estate::{Estate, SiteId, Unknown};
use coc_model::plan::{Before, Host};

use super::evaluate::{Scope, replica_counts};
use super::formula::Over;
use super::number::{Linear, in_range};
use super::{Lowering, Refused};
use crate::problem::{Formula, Group, GroupId, OptionId, Problem, Table};
use crate::solution::{HostUse, Solution};

/// The replicas that run now: on each machine, the offering and how many of which service. An
/// offering that clouds no longer have is not known.
#[derive(Clone, Debug)]
pub(super) struct Running {
    hosts: Vec<(Option<usize>, BTreeMap<String, i64>)>,
    /// The site of each host, where it is still there.
    sites: Vec<Option<SiteId>>,
}

impl Running {
    pub(super) fn of(before: &Before, estate: &Estate) -> Self {
        let hosts = before.hosts.iter().map(|host| {
            let offering = estate.offerings.iter().position(|o| {
                let site = &estate.sites[o.site.index()];
                *site.cloud == *host.cloud
                    && site.place.region.as_deref() == host.region.as_deref()
                    && site.place.zone.as_deref() == host.zone.as_deref()
                    && *o.offer.name == *host.offer
                    && o.purchase == host.purchase
            });
            let mut holds = BTreeMap::new();
            for placement in before.placements.iter().filter(|p| p.host == host.id) {
                *holds.entry(placement.service.clone()).or_insert(0) += 1;
            }
            (offering, holds)
        });
        let site =
            |host: &Host| estate.site(&host.cloud, host.region.as_deref(), host.zone.as_deref());
        Self { hosts: hosts.collect(), sites: before.hosts.iter().map(site).collect() }
    }

    /// How many copies of a volume with these users are at which site, `None` for places that are no
    /// longer there: one for each replica of an only user, one for each host with any of several.
    pub(super) fn copies(&self, users: &[String]) -> BTreeMap<Option<SiteId>, i64> {
        let mut copies = BTreeMap::new();
        for ((_, holds), site) in self.hosts.iter().zip(&self.sites) {
            let here: i64 = users.iter().filter_map(|user| holds.get(user)).sum();
            let here = if users.len() > 1 { here.min(1) } else { here };
            if here > 0 {
                *copies.entry(*site).or_insert(0) += here;
            }
        }
        copies
    }

    /// The groups that what runs consists of: of each choice the one with as many replicas of its
    /// services; `None` if there is none.
    fn groups(&self, problem: &Problem) -> Option<Vec<GroupId>> {
        let runs = |service: &str| -> i64 {
            self.hosts.iter().filter_map(|(_, holds)| holds.get(service)).sum()
        };
        let as_many = |group: &GroupId| {
            let Group { services, count, .. } = &problem.groups[group.0];
            services.iter().all(|(service, each)| runs(service) == count * each)
        };
        let single = (0..problem.groups.len()).map(GroupId);
        let mut now: Vec<GroupId> = single.filter(|g| problem.choice_of(*g).is_none()).collect();
        for choice in &problem.choices {
            let services = |g: &GroupId| problem.groups[g.0].services.iter();
            let some = choice.groups.iter().flat_map(services).any(|(name, _)| runs(name) > 0);
            if some {
                now.push(choice.groups.iter().copied().find(as_many)?);
            }
        }
        Some(now)
    }

    /// The same as a solution of a problem; `None` if it is where the problem has nothing, in numbers
    /// that can't be chosen, or apart where it has to share a host.
    fn solution(&self, problem: &Problem) -> Option<Solution> {
        let groups = self.groups(problem)?;
        let mut solution = Solution::default();
        for (offering, holds) in &self.hosts {
            let option = problem.options.iter().position(|o| Some(o.offering) == *offering)?;
            let option = OptionId(option);
            let holds = items(problem, &groups, holds)?;
            if !holds.iter().all(|(id, _)| problem.groups[id.0].may_use(problem, option)) {
                return None;
            }
            solution.hosts.push(HostUse { option, holds });
        }
        solution.normalise();
        Some(solution)
    }

    /// How many replicas of a service run on each offering, and how many elsewhere.
    fn of_service(&self, service: &str) -> (BTreeMap<usize, i64>, i64) {
        let (mut known, mut elsewhere) = (BTreeMap::new(), 0);
        for (offering, holds) in &self.hosts {
            let here = holds.get(service).copied().unwrap_or(0);
            match offering {
                Some(offering) => *known.entry(*offering).or_insert(0) += here,
                None => elsewhere += here,
            }
        }
        (known, elsewhere)
    }
}

/// The items of some groups that the replicas on one host are; `None` if some replica is left over.
fn items(
    problem: &Problem,
    groups: &[GroupId],
    holds: &BTreeMap<String, i64>,
) -> Option<Vec<(GroupId, i64)>> {
    let mut items = Vec::new();
    let mut left = holds.clone();
    for id in groups {
        let services = || problem.groups[id.0].services.iter().filter(|(_, each)| *each > 0);
        let here = services().map(|(s, each)| holds.get(&**s).copied().unwrap_or(0) / each);
        let count = here.min().unwrap_or(0);
        for (service, each) in services() {
            if let Some(left) = left.get_mut(&**service) {
                *left -= count * each;
            }
        }
        if count > 0 {
            items.push((*id, count));
        }
    }
    // What runs on every host, or is no longer part of the application, is in no group.
    let placed = |service: &String| {
        problem.groups.iter().flat_map(|g| &g.services).any(|(name, _)| **name == **service)
    };
    let over = left.iter().any(|(service, left)| *left > 0 && placed(service));
    (!over).then_some(items)
}

/// The machines and replicas of a plan as a solution of a problem over an estate; `None` if they are
/// where the problem has nothing, or in numbers that can't be chosen.
pub fn standing(before: &Before, estate: &Estate, problem: &Problem) -> Option<Solution> {
    Running::of(before, estate).solution(problem)
}

impl Lowering<'_> {
    /// How many replicas leave the machines they run on now: of every service as many as run on
    /// machines of one kind in one place and will no longer. Replicas that are taken away because
    /// fewer are wanted do not move.
    pub(super) fn moved(&mut self, at: &Expression) -> Refused<Linear> {
        let Some(running) = self.running.clone() else { return Ok(Linear::default()) };
        let mut moved = Linear::default();
        for service in self.groups_of.keys().cloned().collect::<Vec<_>>() {
            let (known, elsewhere) = running.of_service(&service);
            let constant = |count: i64| Linear::constant(Fraction::from_integer(i128::from(count)));
            let runs = constant(known.values().sum::<i64>() + elsewhere);
            let wanted = self.wanted(at, &service)?;
            let fewer = self.excess(at, runs, wanted)?;
            let fewer = in_range(at, fewer.scaled(Fraction::from_integer(-1)))?;
            moved = in_range(at, moved.plus(constant(elsewhere)).and_then(|m| m.plus(fewer)))?;
            for (offering, count) in known {
                let options = self.problem.options.iter();
                let here = options.map(|o| i128::from(o.offering == offering)).collect();
                let stays = self.sum_over_items(vec![(service.clone(), Table::Option(here))]);
                let stays = Linear::term(Fraction::from_integer(1), stays);
                let leaves = self.excess(at, constant(count), stays)?;
                moved = in_range(at, moved.plus(leaves))?;
            }
        }
        Ok(moved)
    }

    /// How many replicas of a service are wanted, whether they run or not; those that do, where the plan
    /// chooses how many.
    fn wanted(&mut self, at: &Expression, service: &str) -> Refused<Linear> {
        let wanted = self.world.application.services.get(service).map(replica_counts);
        match wanted.as_deref() {
            None => Ok(Linear::default()),
            Some([count]) => Ok(Linear::constant(Fraction::from_integer((*count).into()))),
            Some(_) => {
                let replicas = Over::Replicas(vec![service.to_owned()]);
                let scope = Scope::default();
                self.over_decided(at, Aggregate::Count, &replicas, "", None, &scope)
            }
        }
    }

    /// What a goal that is to improve asks for: that it holds, if it holds now or nothing runs; else
    /// that it is missed by no more than now, and by as little as can be.
    pub(super) fn improved(
        &mut self,
        formula: Formula,
        goal: &str,
        violations: &mut Vec<Linear>,
    ) -> Formula {
        if self.running.is_none() {
            return formula;
        }
        let Some(solution) = self.solution_now() else {
            self.unknown.push(Unknown {
                what: format!("how far {goal} holds now"),
                why: "what runs could not be planned today, in its numbers or on its machines: it has \
                      to hold"
                    .to_owned(),
            });
            return formula;
        };
        let violation = self.violation(&formula);
        let (mut no_worse, _) = self.whole_violation(&violation, &formula);
        let now = solution.worth(&self.problem).value(&no_worse);
        if now <= 0 {
            return formula;
        }
        no_worse.constant = no_worse.constant.saturating_sub(now);
        violations.push(violation);
        Formula::AtMostZero(no_worse)
    }

    /// What runs now as a solution of the problem; `None` if it is where it could not be put today, or
    /// in numbers that can't be chosen.
    fn solution_now(&self) -> Option<Solution> {
        self.running.as_ref()?.solution(&self.problem)
    }
}
