//! Whether the resources of a plan can be brought into an order at all.

use std::collections::{BTreeMap, BTreeSet};

use coc_model::plan::PlannedResource;

use super::{Fault, Faults};

/// # Errors
/// Everything that keeps them from being brought into an order.
pub(super) fn check(resources: &[PlannedResource]) -> Result<(), Faults> {
    let mut needs: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut faults = BTreeSet::new();
    for resource in resources {
        let after = resource.after.iter().map(|a| a.id()).collect();
        if needs.insert(&resource.id, after).is_some() {
            faults.insert(Fault::Twice(resource.id.clone()));
        }
    }
    for (&resource, after) in &needs {
        for &missing in after.iter().filter(|a| !needs.contains_key(*a)) {
            faults.insert(Fault::NoSuch { resource: resource.into(), missing: missing.into() });
        }
    }
    faults.extend(cycles(needs));
    if faults.is_empty() { Ok(()) } else { Err(Faults(faults.into_iter().collect())) }
}

/// Cycles that have no resource in common, so that every part of the plan that can't be ordered
/// is named by at least one.
fn cycles<'a>(mut needs: BTreeMap<&'a str, BTreeSet<&'a str>>) -> Vec<Fault> {
    let mut cycles = Vec::new();
    loop {
        trim(&mut needs);
        // Each one that is left needs another one that is left, so the way comes back to itself.
        let Some(mut at) = needs.keys().next().copied() else { return cycles };
        let mut way: Vec<&str> = Vec::new();
        while !way.contains(&at) {
            way.push(at);
            at = needs[at].iter().find(|n| needs.contains_key(*n)).copied().unwrap_or(at);
        }
        let start = way.iter().position(|id| *id == at).unwrap_or(0);
        for id in &way[start..] {
            needs.remove(id);
        }
        let ring = way[start..].iter().chain([&at]).map(|id| (*id).to_owned());
        cycles.push(Fault::Cycle(ring.collect()));
    }
}

/// Takes away what needs nothing that is left, until there is no such thing.
fn trim<'a>(needs: &mut BTreeMap<&'a str, BTreeSet<&'a str>>) {
    loop {
        let free: Vec<&str> = needs
            .iter()
            .filter(|(_, after)| !after.iter().any(|a| needs.contains_key(a)))
            .map(|(id, _)| *id)
            .collect();
        if free.is_empty() {
            return;
        }
        for id in free {
            needs.remove(id);
        }
    }
}
