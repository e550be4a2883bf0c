//! The exhaustive engine: every packing of a tiny problem is tried and valued by definition.
//!
//! It has no bounds and no cleverness beyond not trying mirror images, so that there is little in
//! it to be wrong: the other engines are held against it.

use coc_optimizer::engine::{Answer, Budget, Engine, Proof};
use coc_optimizer::problem::{Combination, GroupId, OptionId, Problem};
use coc_optimizer::solution::{HostUse, Solution};

/// The engine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Exhaustive;

/// The most packings, roughly, of a problem the engine takes.
const PACKINGS_MAX: f64 = 2e6;

impl Engine for Exhaustive {
    fn name(&self) -> &'static str {
        "exhaustive"
    }

    fn takes(&self, problem: &Problem) -> bool {
        let all: Vec<GroupId> = (0..problem.groups.len()).map(GroupId).collect();
        let Ok(items) = i32::try_from(problem.items_of(&all).1) else { return false };
        let narrow = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
        let each = (narrow(problem.options.len()) + f64::from(items) / 2.0).powi(items);
        items <= 10 && each * narrow(problem.selection_count()) <= PACKINGS_MAX
    }

    fn solve(&self, problem: &Problem, budget: Budget<'_>) -> Answer {
        let objective = problem.tiers.first().map(Problem::minimised).unwrap_or_default();
        let mut search = Search {
            problem,
            objective: &objective,
            budget,
            items: Vec::new(),
            hosts: Vec::new(),
            used: vec![0; problem.options.len()],
            best: None,
            packings: 0,
            stopped: false,
        };
        for groups in problem.selections() {
            let items = groups.into_iter().flat_map(|g| {
                let count = usize::try_from(problem.groups[g.0].count).unwrap_or(0);
                std::iter::repeat_n(g, count)
            });
            search.items = items.collect();
            search.place(0, 0);
        }
        let proof = Proof {
            engine: self.name(),
            basis: format!("all {} packings were tried, in whole numbers", search.packings),
            nodes: search.packings,
            notes: Vec::new(),
        };
        match (search.stopped, search.best) {
            (true, _) => {
                Answer::Unknown("stopped before every packing was tried".to_owned(), proof)
            }
            (false, Some((_, solution))) => Answer::Optimal(solution, proof),
            (false, None) => Answer::Infeasible(proof),
        }
    }
}

struct Search<'a> {
    problem: &'a Problem,
    objective: &'a Combination,
    budget: Budget<'a>,
    /// What is placed: of each choice one alternative.
    items: Vec<GroupId>,
    hosts: Vec<HostUse>,
    /// Hosts per option.
    used: Vec<i64>,
    best: Option<(i128, Solution)>,
    packings: u64,
    stopped: bool,
}

impl Search<'_> {
    /// Places the items from `next` on. Alike items go to hosts in order, so `first` is the first
    /// host the next one may go to.
    fn place(&mut self, next: usize, first: usize) {
        if self.stopped {
            return;
        }
        let Some(&group) = self.items.get(next) else { return self.packed() };
        let same_again = self.items.get(next + 1) == Some(&group);
        for host in first..self.hosts.len() {
            if self.fits(group, host) {
                self.change(host, group, 1);
                self.place(next + 1, if same_again { host } else { 0 });
                self.change(host, group, -1);
            }
        }
        for option in 0..self.problem.options.len() {
            if self.problem.groups[group.0].may_use(self.problem, OptionId(option))
                && self.limits_allow(option)
            {
                self.hosts.push(HostUse { option: OptionId(option), holds: vec![(group, 1)] });
                self.used[option] += 1;
                let host = self.hosts.len() - 1;
                self.place(next + 1, if same_again { host } else { 0 });
                self.used[option] -= 1;
                self.hosts.pop();
            }
        }
        if self.problem.partial && self.problem.choice_of(group).is_none() {
            // This one and all alike stay unplaced.
            let after = (next..self.items.len()).find(|i| self.items[*i] != group);
            self.place(after.unwrap_or(self.items.len()), 0);
        }
    }

    fn change(&mut self, host: usize, group: GroupId, by: i64) {
        let holds = &mut self.hosts[host].holds;
        match holds.iter_mut().find(|h| h.0 == group) {
            Some(held) => held.1 += by,
            None => holds.push((group, by)),
        }
        holds.retain(|h| h.1 != 0);
    }

    fn fits(&self, group: GroupId, host: usize) -> bool {
        let host = &self.hosts[host];
        let on = |g: GroupId| host.holds.iter().find(|h| h.0 == g).map_or(0, |h| h.1);
        let alone = self.problem.apart.iter().all(|rule| {
            let other = if rule.a == group {
                rule.b
            } else if rule.b == group {
                rule.a
            } else {
                return true;
            };
            on(other) == 0
        });
        let capacity = &self.problem.options[host.option.0].capacity;
        let room = capacity.iter().enumerate().all(|(d, capacity)| {
            let held: i64 =
                host.holds.iter().map(|(g, n)| self.problem.groups[g.0].demand[d] * n).sum();
            held + self.problem.groups[group.0].demand[d] <= *capacity
        });
        alone && room && self.problem.groups[group.0].may_use(self.problem, host.option)
    }

    fn limits_allow(&self, option: usize) -> bool {
        self.problem
            .limits
            .iter()
            .filter(|l| l.options.contains(&OptionId(option)))
            .all(|l| l.options.iter().map(|o| self.used[o.0]).sum::<i64>() < l.most)
    }

    fn packed(&mut self) {
        self.packings += 1;
        if self.packings.is_multiple_of(1024) && self.budget.over() {
            self.stopped = true;
        }
        let mut solution = Solution { hosts: self.hosts.clone() };
        solution.normalise();
        let worth = solution.worth(self.problem);
        if !worth.feasible() {
            return;
        }
        let value = worth.value(self.objective);
        let better = match &self.best {
            None => true,
            Some((best, found)) => (value, &solution) < (*best, found),
        };
        if better {
            self.best = Some((value, solution));
        }
    }
}
