//! The order in which things can be done.
//!
//! Some orders must hold: a resource is made after what it waits for, what is made in place of
//! another one after that one is gone. Others should hold: something is removed after everything
//! that uses it. What uses what was written down at different times, so the orders that should hold
//! can contradict each other; then one of them is dropped, and a cloud that refuses to remove what
//! is still in use is simply asked again later.

use std::collections::{BTreeMap, BTreeSet};

use coc_model::marks::Mark;
use coc_model::resource::{ObservedResource, State};

use super::fate::{Fate, Fates, Making};
use super::{Action, Operation, Operations, Reason};

#[derive(Debug, Default)]
struct Graph {
    steps: Vec<Operation>,
    must: Vec<BTreeSet<usize>>,
    should: Vec<BTreeSet<usize>>,
}

/// The steps of one resource.
#[derive(Debug, Default)]
struct Places {
    making: Vec<usize>,
    /// Before the making, and not after that of anything that uses it.
    early: Vec<usize>,
    /// After both.
    late: Vec<usize>,
}

pub(super) fn ordered(fates: Fates<'_>) -> Operations {
    let Fates { fates, kept, withheld, data_kept, dependents } = fates;
    let mut graph = Graph::default();
    let mut places: BTreeMap<Mark, Places> = BTreeMap::new();
    let mut makings: BTreeMap<&str, usize> = BTreeMap::new();
    for fate in &fates {
        let place = graph.add(fate);
        if let (Some(&made), Some(planned)) = (place.making.last(), fate.planned) {
            makings.insert(&planned.id, made);
        }
        places.insert(fate.mark.clone(), place);
    }
    for fate in &fates {
        let (Some(planned), Some(&first)) = (fate.planned, places[&fate.mark].making.first())
        else {
            continue;
        };
        graph.must[first].extend(planned.after.iter().filter_map(|a| makings.get(a.id())));
        // What is only changed does not wait for what stands; what is made or started does.
        let changes = matches!(graph.steps[first].action, Action::Update { .. });
        let awaited = planned.after.iter().filter(|a| !changes || makings.contains_key(a.id()));
        graph.steps[first].awaits = awaited.cloned().collect();
    }
    for (mark, place) in &places {
        let users = dependents.get(mark).into_iter().flatten().filter_map(|user| places.get(user));
        for user in users {
            for &removal in &place.early {
                graph.should[removal].extend(&user.early);
            }
            for &removal in &place.late {
                let all = user.early.iter().chain(&user.late).chain(&user.making);
                graph.should[removal].extend(all);
            }
        }
    }
    Operations { steps: graph.sorted(), kept, withheld, data_kept }
}

impl Graph {
    /// Adds the steps of a resource, one after another: its journal has one entry at a time.
    fn add(&mut self, fate: &Fate<'_>) -> Places {
        let mut last = None;
        let (early, late): (Vec<_>, Vec<_>) = fate
            .removals
            .iter()
            .partition(|(_, reason)| fate.breaks_first || *reason == Reason::Double);
        Places {
            early: early.into_iter().map(|removal| self.remove(fate, removal, &mut last)).collect(),
            making: self.make(fate, &mut last),
            late: late.into_iter().map(|removal| self.remove(fate, removal, &mut last)).collect(),
        }
    }

    fn remove(
        &mut self,
        fate: &Fate<'_>,
        &(seen, reason): &(&ObservedResource, Reason),
        last: &mut Option<usize>,
    ) -> usize {
        let step = Operation {
            cloud: seen.cloud.clone(),
            resource_type: seen.resource_type.clone(),
            name: seen.name.clone(),
            ..step(fate, Action::Remove { seen: seen.native_id.clone() }, reason)
        };
        self.push(step, last)
    }

    /// Adds the steps that make a resource as wanted.
    fn make(&mut self, fate: &Fate<'_>, last: &mut Option<usize>) -> Vec<usize> {
        let start = |seen: &ObservedResource| {
            let action = Action::Start { seen: seen.native_id.clone() };
            step(fate, action, Reason::Stopped)
        };
        let Some(making) = &fate.making else { return Vec::new() };
        let steps = match making {
            Making::Create(document, reason) => {
                vec![step(fate, Action::Create(document.clone()), *reason)]
            }
            Making::Update(seen, document) => {
                let (id, document) = (seen.native_id.clone(), document.clone());
                let action = Action::Update { seen: id, document };
                let update = step(fate, action, Reason::Changed);
                let stopped = (seen.state == State::Stopped).then(|| start(seen));
                [update].into_iter().chain(stopped).collect()
            }
            Making::Start(seen) => vec![start(seen)],
        };
        steps.into_iter().map(|step| self.push(step, last)).collect()
    }

    fn push(&mut self, step: Operation, last: &mut Option<usize>) -> usize {
        let at = self.steps.len();
        self.steps.push(step);
        self.must.push(last.iter().copied().collect());
        self.should.push(BTreeSet::new());
        *last = Some(at);
        at
    }

    /// The steps, each after those it waits for; of several that could come next, the one that was
    /// added first.
    fn sorted(mut self) -> Vec<Operation> {
        let count = self.steps.len();
        let mut followers = vec![BTreeSet::new(); count];
        for at in 0..count {
            self.should[at].remove(&at);
            for &before in self.must[at].iter().chain(&self.should[at]) {
                followers[before].insert(at);
            }
        }
        let mut left: Vec<BTreeSet<usize>> =
            (0..count).map(|at| &self.must[at] | &self.should[at]).collect();
        let mut ready: BTreeSet<usize> = (0..count).filter(|&at| left[at].is_empty()).collect();
        let mut open: BTreeSet<usize> = (0..count).collect();
        let mut order = Vec::with_capacity(count);
        while !open.is_empty() {
            let Some(at) = ready.pop_first().or_else(|| self.drop_order(&open, &mut left)) else {
                // What must hold has no cycle, since neither have the plan's waits.
                break;
            };
            open.remove(&at);
            order.push(at);
            for &follower in &followers[at] {
                left[follower].remove(&at);
                if left[follower].is_empty() && open.contains(&follower) {
                    ready.insert(follower);
                }
            }
        }
        self.in_order(&order)
    }

    /// The first step that waits only for what should come before it, freed from that.
    fn drop_order(
        &mut self,
        open: &BTreeSet<usize>,
        left: &mut [BTreeSet<usize>],
    ) -> Option<usize> {
        let at = open.iter().copied().find(|&at| left[at].is_disjoint(&self.must[at]))?;
        for before in std::mem::take(&mut left[at]) {
            self.should[at].remove(&before);
        }
        Some(at)
    }

    fn in_order(mut self, order: &[usize]) -> Vec<Operation> {
        let mut place = vec![0; self.steps.len()];
        for (to, &from) in order.iter().enumerate() {
            place[from] = to;
        }
        for at in 0..self.steps.len() {
            let before = &self.must[at] | &self.should[at];
            self.steps[at].after = before.into_iter().map(|b| place[b]).collect();
            self.steps[at].after.sort_unstable();
        }
        let mut steps: Vec<Option<Operation>> = self.steps.into_iter().map(Some).collect();
        order.iter().filter_map(|&from| steps[from].take()).collect()
    }
}

fn step(fate: &Fate<'_>, action: Action, reason: Reason) -> Operation {
    let planned = fate.planned;
    Operation {
        resource: fate.resource.clone(),
        mark: fate.mark.clone(),
        cloud: planned.map_or_else(String::new, |p| p.cloud.clone()),
        resource_type: planned.map_or_else(String::new, |p| p.resource_type.clone()),
        name: planned.map_or_else(String::new, |p| p.name.clone()),
        action,
        reason,
        after: Vec::new(),
        awaits: Vec::new(),
    }
}
