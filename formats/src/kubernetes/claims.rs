//! Claims of storage as volumes, and who must be on one host because of them.

use std::collections::{BTreeMap, BTreeSet};

use coc_model::application::{Tie, Volume};
use coc_model::mistake::{Mistake, MistakeLog};
use coc_model::secret::Secrets;

use super::draft::Draft;
use super::names::legal;
use super::object::{Object, Role};
use super::volumes;
use super::workload::seal_claim;

/// The volumes: claims of the input, claims it only refers to, and what workloads bring along.
pub(super) fn read(
    objects: &[Object<'_>],
    drafts: &mut [Draft<'_>],
    secrets: &mut Secrets,
    log: &mut MistakeLog,
) -> BTreeMap<String, Volume> {
    let mut volumes: BTreeMap<String, Volume> = BTreeMap::new();
    let writers = writers(drafts);
    for object in objects.iter().filter(|object| object.role == Role::Claim) {
        let name = legal(object.name);
        let mut claim = volumes::claim(object.node, &object.title(), log);
        claim.at = object.at.clone();
        seal_claim(&mut claim, &name, secrets);
        if let Some(other) = volumes.insert(name, claim) {
            let says = format!("{} has the name of the one at {}", object.title(), other.at);
            let mistake = Mistake::at(object.at.clone(), says);
            log.push(mistake.hint("here, claims of two namespaces are told apart by name only"));
        }
        if volumes::is_of_one_host(object, log)
            && let Some(writers) = writers.get(&(object.namespace, object.name.to_owned()))
        {
            tie(object, writers, drafts);
        }
    }
    for draft in drafts {
        volumes.append(&mut draft.volumes);
        for claim in &draft.claims {
            volumes.entry(legal(&claim.claim)).or_insert_with(|| Volume {
                size: None,
                at: claim.at.clone(),
                external: true,
                native: BTreeMap::new(),
            });
        }
    }
    volumes
}

/// The workloads that write to each claim, by their index.
fn writers<'n>(drafts: &[Draft<'n>]) -> BTreeMap<(&'n str, String), BTreeSet<usize>> {
    let mut writers: BTreeMap<(&str, String), BTreeSet<usize>> = BTreeMap::new();
    for (i, draft) in drafts.iter().enumerate() {
        for claim in draft.claims.iter().filter(|claim| !claim.read_only) {
            writers.entry((draft.namespace, claim.claim.clone())).or_default().insert(i);
        }
    }
    writers
}

/// Workloads that write to a claim of one host at a time must be on that host together.
fn tie(object: &Object<'_>, writers: &BTreeSet<usize>, drafts: &mut [Draft<'_>]) {
    let first = writers.iter().copied().min_by(|&a, &b| drafts[a].name.cmp(&drafts[b].name));
    let Some(first) = first else { return };
    let service = drafts[first].name.clone();
    for &i in writers.iter().filter(|&&i| i != first) {
        let reason = format!("both write to the claim \"{}\", of one host at a time", object.name);
        let (service, at) = (service.clone(), object.at.clone());
        drafts[i].service.with.push(Tie { service, reason, at });
    }
}
