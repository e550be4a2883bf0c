//! Groups that nothing tells apart become one.

use std::collections::BTreeMap;

use crate::problem::{GroupId, Measure, Problem, Table};

/// Merges groups that are alike in demand, in where they may be, and in every measure. Groups that
/// measures of pairs or rules on sharing hosts look at stay apart, and so do alternatives. Gives the old groups of the new
/// ones.
pub(super) fn alike(problem: &mut Problem) -> Vec<Vec<(GroupId, i64)>> {
    let mut firsts: Vec<GroupId> = Vec::new();
    let mut members: Vec<Vec<(GroupId, i64)>> = Vec::new();
    let mut new_of: Vec<usize> = Vec::new();
    for index in 0..problem.groups.len() {
        let group = GroupId(index);
        let found = if singular(problem, group) {
            None
        } else {
            firsts.iter().position(|f| !singular(problem, *f) && same(problem, *f, group))
        };
        let new = found.unwrap_or_else(|| {
            firsts.push(group);
            members.push(Vec::new());
            firsts.len() - 1
        });
        members[new].push((group, problem.groups[index].count));
        new_of.push(new);
    }
    let map = |old: GroupId| GroupId(new_of[old.0]);
    problem.groups = firsts
        .iter()
        .zip(&members)
        .map(|(first, members)| {
            let mut group = problem.groups[first.0].clone();
            group.count = members.iter().map(|m| m.1).sum();
            group
        })
        .collect();
    for apart in &mut problem.apart {
        (apart.a, apart.b) = (map(apart.a), map(apart.b));
    }
    for choice in &mut problem.choices {
        choice.groups.iter_mut().for_each(|group| *group = map(*group));
    }
    for measure in &mut problem.measures {
        renumber(measure, &map);
    }
    members
}

/// True for groups that some measure or rule sees as themselves.
fn singular(problem: &Problem, group: GroupId) -> bool {
    problem.choice_of(group).is_some()
        || problem.apart.iter().any(|a| a.a == group || a.b == group)
        || problem.measures.iter().any(|m| match m {
            Measure::Pairs { between, .. } => between.0 == group || between.1 == group,
            Measure::LargestPair { between, .. } => {
                between.iter().any(|(a, b)| *a == group || *b == group)
            }
            Measure::Traffic(t) => t.flows.iter().any(|f| f.from == group || f.to == group),
            _ => false,
        })
}

fn same(problem: &Problem, a: GroupId, b: GroupId) -> bool {
    let (x, y) = (&problem.groups[a.0], &problem.groups[b.0]);
    x.demand == y.demand
        && x.sites == y.sites
        && x.options == y.options
        && problem.measures.iter().all(|m| match m {
            Measure::Sum { items, .. } => {
                let table =
                    |g| items.iter().filter(|i| i.0 == g).map(|i| &i.1).collect::<Vec<&Table>>();
                table(a) == table(b)
            }
            Measure::Distinct { groups, .. } | Measure::Largest { groups, .. } => {
                groups.contains(&a) == groups.contains(&b)
            }
            Measure::Skew { groups, .. } => {
                let weight = |g| groups.iter().find(|w| w.0 == g).map(|w| w.1);
                weight(a) == weight(b)
            }
            _ => true,
        })
}

fn renumber(measure: &mut Measure, map: &impl Fn(GroupId) -> GroupId) {
    match measure {
        Measure::Sum { items, .. } => {
            let once: BTreeMap<(GroupId, usize), Table> = items
                .iter()
                .enumerate()
                .map(|(i, (g, t))| {
                    let earlier = items[..i].iter().filter(|o| o.0 == *g).count();
                    ((map(*g), earlier), t.clone())
                })
                .collect();
            *items = once.into_iter().map(|((g, _), t)| (g, t)).collect();
        }
        Measure::Distinct { groups, .. } | Measure::Largest { groups, .. } => {
            *groups = groups.iter().map(|g| map(*g)).collect();
            groups.sort_unstable();
            groups.dedup();
        }
        Measure::Skew { groups, .. } => {
            let once: BTreeMap<GroupId, i128> = groups.iter().map(|(g, w)| (map(*g), *w)).collect();
            *groups = once.into_iter().collect();
        }
        Measure::LargestPair { between, .. } => {
            for (a, b) in between {
                (*a, *b) = (map(*a), map(*b));
            }
        }
        Measure::Pairs { between, .. } => *between = (map(between.0), map(between.1)),
        Measure::Traffic(traffic) => {
            for flow in &mut traffic.flows {
                (flow.from, flow.to) = (map(flow.from), map(flow.to));
            }
        }
        Measure::Excess(_) | Measure::Broken(_) | Measure::Product(..) => {}
    }
}
