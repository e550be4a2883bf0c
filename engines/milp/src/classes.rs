//! Classes of items and contents of hosts.
//!
//! Groups whose items take the same room and may use the same machines are one class; a content of
//! a host says how many items of each class it has room for. Where more room never hurts, only
//! maximal contents are needed; otherwise all of them are.

use std::sync::Arc;

use coc_optimizer::presolve::smaller_is_better;
use coc_optimizer::problem::{GroupId, Measure, MeasureId, OptionId, Problem, Table};

/// The most contents that are written out.
const CONTENTS_MAX: usize = 120_000;

/// Where items of a class are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Grain {
    /// Per site: all machines of a site are alike to everything but their size and price.
    Site,
    /// Per option: something looks at the machine an item is on.
    Option,
}

/// A class of items.
#[derive(Clone, Debug)]
pub(crate) struct Class {
    pub(crate) groups: Vec<GroupId>,
    pub(crate) grain: Grain,
    pub(crate) demand: Vec<i64>,
    pub(crate) options: Arc<[bool]>,
    /// The most items that its groups have together.
    pub(crate) count: i64,
    /// At most so many on one host.
    pub(crate) per_host: i64,
    /// True if its one group may not share hosts with some other.
    alone: bool,
}

/// A kind of host with a content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) option: OptionId,
    /// Room for items, by class.
    pub(crate) room: Vec<i64>,
}

/// The classes of a problem and what its hosts can hold.
#[derive(Clone, Debug)]
pub(crate) struct Contents {
    pub(crate) classes: Vec<Class>,
    pub(crate) contents: Vec<Content>,
    /// True if contents are exact: a host holds what its content says, no less.
    pub(crate) exact: bool,
}

/// Too many contents to write out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TooMany;

impl Contents {
    /// Finds the classes and writes the contents out.
    pub(crate) fn of(problem: &Problem) -> Result<Self, TooMany> {
        let classes = classes(problem);
        let exact = !room_never_hurts(problem);
        let conflicts = conflicts(problem, &classes);
        let mut contents = Vec::new();
        for index in 0..problem.options.len() {
            let mut writer = Writer {
                problem,
                classes: &classes,
                conflicts: &conflicts,
                option: OptionId(index),
                exact,
                room: vec![0; classes.len()],
                left: problem.options[index].capacity.clone(),
                contents: &mut contents,
            };
            writer.write(0)?;
        }
        if !exact {
            drop_dominated(problem, &mut contents);
        }
        Ok(Self { classes, contents, exact })
    }
}

fn classes(problem: &Problem) -> Vec<Class> {
    let mut classes: Vec<Class> = Vec::new();
    for (index, group) in problem.groups.iter().enumerate() {
        let id = GroupId(index);
        let grain = grain(problem, id);
        let alone = problem.apart.iter().any(|a| a.a == id || a.b == id);
        let single = problem.apart.iter().any(|a| a.a == id && a.b == id);
        let found = classes.iter_mut().find(|c| {
            !alone
                && !c.alone
                && c.grain == grain
                && c.demand == group.demand
                && c.options == group.options
        });
        match found {
            Some(class) => {
                class.groups.push(id);
                class.count += group.count;
            }
            None => classes.push(Class {
                groups: vec![id],
                grain,
                demand: group.demand.clone(),
                options: Arc::clone(&group.options),
                count: group.count,
                per_host: if single { 1 } else { i64::MAX },
                alone,
            }),
        }
    }
    if !problem.choices.is_empty() {
        for class in &mut classes {
            class.count = problem.items_of(&class.groups).1;
        }
    }
    classes
}

/// Whether something looks at the machines that a group's items are on.
fn grain(problem: &Problem, group: GroupId) -> Grain {
    let by_option = |t: &Table| matches!(t, Table::Option(_));
    let looks = problem.measures.iter().any(|m| match m {
        Measure::Sum { items, .. } => items.iter().any(|(g, t)| *g == group && by_option(t)),
        Measure::Distinct { groups, key } => groups.contains(&group) && by_option(key),
        Measure::Skew { groups, key, .. } => groups.iter().any(|g| g.0 == group) && by_option(key),
        Measure::Largest { groups, table, .. } => groups.contains(&group) && by_option(table),
        _ => false,
    });
    if looks { Grain::Option } else { Grain::Site }
}

/// True if no measure of hosts can be spoilt by a host that has room left, or that turns out not to
/// be needed: hosts count with non-negative numbers that are better small.
fn room_never_hurts(problem: &Problem) -> bool {
    let better = smaller_is_better(problem);
    (0..problem.measures.len()).filter(|m| counts_hosts(problem, MeasureId(*m))).all(|index| {
        let negative = match &problem.measures[index] {
            Measure::Sum { hosts: Some(Table::Constant(v)), .. } => *v < 0,
            Measure::Sum { hosts: Some(Table::Site(v) | Table::Option(v)), .. } => {
                v.iter().any(|v| *v < 0)
            }
            _ => false,
        };
        better[index] && !negative
    })
}

fn counts_hosts(problem: &Problem, measure: MeasureId) -> bool {
    match &problem.measures[measure.0] {
        Measure::Sum { hosts, .. } => hosts.is_some(),
        Measure::Distinct { groups, .. } | Measure::Largest { groups, .. } => groups.is_empty(),
        _ => false,
    }
}

/// Pairs of classes that may not share a host, or never do: alternatives to each other.
fn conflicts(problem: &Problem, classes: &[Class]) -> Vec<(usize, usize)> {
    let of = |g: GroupId| classes.iter().position(|c| c.groups.contains(&g));
    let apart = problem.apart.iter().filter(|a| a.a != a.b);
    let mut conflicts: Vec<(usize, usize)> =
        apart.filter_map(|a| Some((of(a.a)?, of(a.b)?))).collect();
    if problem.choices.is_empty() {
        return conflicts;
    }
    let exclude = |a: &Class, b: &Class| {
        let all = |g: &GroupId| b.groups.iter().all(|other| problem.exclude_each_other(*g, *other));
        a.groups.iter().all(all)
    };
    for (index, class) in classes.iter().enumerate() {
        let before = classes[..index].iter().enumerate();
        conflicts.extend(before.filter(|(_, b)| exclude(b, class)).map(|(b, _)| (b, index)));
    }
    conflicts
}

struct Writer<'a> {
    problem: &'a Problem,
    classes: &'a [Class],
    conflicts: &'a [(usize, usize)],
    option: OptionId,
    exact: bool,
    room: Vec<i64>,
    left: Vec<i64>,
    contents: &'a mut Vec<Content>,
}

impl Writer<'_> {
    /// How many items of a class fit beside what is there.
    fn fits(&self, class: usize) -> i64 {
        let c = &self.classes[class];
        let site = self.problem.options[self.option.0].site;
        let allowed = c.options[self.option.0]
            && c.groups.iter().any(|g| self.problem.groups[g.0].sites[site]);
        let beside = self
            .conflicts
            .iter()
            .all(|&(a, b)| !((a == class && self.room[b] > 0) || (b == class && self.room[a] > 0)));
        let closed = self.left.iter().any(|left| *left < 0);
        if !allowed || !beside || closed {
            return 0;
        }
        let by_size = c
            .demand
            .iter()
            .zip(&self.left)
            .filter(|(d, _)| **d > 0)
            .map(|(d, l)| l / d)
            .min()
            .unwrap_or(i64::MAX);
        by_size.min(c.count).min(c.per_host)
    }

    fn take(&mut self, class: usize, items: i64) {
        self.room[class] += items;
        for (left, demand) in self.left.iter_mut().zip(&self.classes[class].demand) {
            *left -= demand * items;
        }
    }

    fn write(&mut self, class: usize) -> Result<(), TooMany> {
        if class == self.classes.len() {
            return self.written();
        }
        let most = self.fits(class);
        // If no later class competes for anything this one takes, less than most is never maximal.
        let last = class + 1 == self.classes.len();
        let least = if last && !self.exact { most } else { 0 };
        for items in (least..=most).rev() {
            self.take(class, items);
            self.write(class + 1)?;
            self.take(class, -items);
        }
        Ok(())
    }

    fn written(&mut self) -> Result<(), TooMany> {
        if self.room.iter().all(|r| *r == 0) {
            return Ok(());
        }
        let grows = |class: usize| {
            self.room[class] < self.classes[class].per_host
                && self.room[class] < self.classes[class].count
                && self.fits(class) > 0
        };
        if !self.exact && (0..self.classes.len()).any(grows) {
            return Ok(());
        }
        if self.contents.len() >= CONTENTS_MAX {
            return Err(TooMany);
        }
        self.contents.push(Content { option: self.option, room: self.room.clone() });
        Ok(())
    }
}

/// Takes out contents for which the same site has another one with no less room, on an option that
/// every measure of hosts counts no higher and that no limit holds back.
fn drop_dominated(problem: &Problem, contents: &mut Vec<Content>) {
    let limited: Vec<bool> = (0..problem.options.len())
        .map(|o| problem.limits.iter().any(|l| l.options.contains(&OptionId(o))))
        .collect();
    let host_counts: Vec<Vec<i128>> = (0..problem.options.len())
        .map(|o| {
            problem
                .measures
                .iter()
                .filter_map(|m| match m {
                    Measure::Sum { hosts: Some(t), .. } => Some(t.at(problem, OptionId(o))),
                    Measure::Largest { groups, table, .. } if groups.is_empty() => {
                        Some(table.at(problem, OptionId(o)))
                    }
                    _ => None,
                })
                .collect()
        })
        .collect();
    let keyed = problem.measures.iter().any(
        |m| matches!(m, Measure::Distinct { groups, key: Table::Option(_) } if groups.is_empty()),
    );
    let by_option = (0..problem.groups.len()).any(|g| grain(problem, GroupId(g)) == Grain::Option);
    if keyed || by_option {
        return;
    }
    let mut keep: Vec<bool> = vec![true; contents.len()];
    let mut by_site: Vec<Vec<usize>> = vec![Vec::new(); problem.sites.len()];
    for (index, content) in contents.iter().enumerate() {
        by_site[problem.options[content.option.0].site].push(index);
    }
    for site in by_site {
        let mut order = site;
        order.sort_by_key(|i| (host_counts[contents[*i].option.0].clone(), *i));
        let mut kept: Vec<usize> = Vec::new();
        for index in order {
            let content = &contents[index];
            let dominated = kept.iter().any(|k| {
                let other = &contents[*k];
                !limited[other.option.0]
                    && other.room.iter().zip(&content.room).all(|(a, b)| a >= b)
                    && host_counts[other.option.0]
                        .iter()
                        .zip(&host_counts[content.option.0])
                        .all(|(a, b)| a <= b)
            });
            if dominated {
                keep[index] = false;
            } else {
                kept.push(index);
            }
        }
    }
    let mut index = 0;
    contents.retain(|_| {
        index += 1;
        keep[index - 1]
    });
}
