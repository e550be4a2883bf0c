//! Links between workloads, from where they name each other's Services.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use coc_model::application::{Inference, Link};
use coc_model::mistake::MistakeLog;

use super::budget::Budget;
use super::draft::{Draft, Mention};
use super::hosts::{Form, Named, is_address_name, named};
use super::network::{ByName, Entrance, by_name};

/// Links from each workload to those whose Services its variables and arguments name.
pub(super) fn infer(
    drafts: &mut [Draft<'_>],
    entrances: &[Entrance],
    budget: &mut Budget,
    log: &mut MistakeLog,
) -> Vec<Link> {
    let by_name = by_name(entrances);
    let mut links: BTreeMap<(String, String, Option<u16>), Link> = BTreeMap::new();
    for from in 0..drafts.len() {
        let mentions = std::mem::take(&mut drafts[from].mentions);
        for mention in &mentions {
            for name in named(&mention.text) {
                let Some(entrance) = meant(&drafts[from], mention, &name, &by_name) else {
                    continue;
                };
                let effort = entrance.effort() + 4 * entrance.selects.len();
                if !budget.take(effort, &mention.at, log) {
                    return Vec::new();
                }
                for link in lead(from, mention, &name, entrance, drafts) {
                    let Entry::Vacant(place) =
                        links.entry((link.from.clone(), link.to.clone(), link.port))
                    else {
                        continue;
                    };
                    let reason = link.inferred.clone().unwrap_or_default();
                    let what = format!("link to {}", link.to);
                    drafts[from].service.inferred.push(Inference { what, reason });
                    place.insert(link);
                }
            }
        }
    }
    links.into_values().collect()
}

/// The Service that a name stands for, if it is one.
fn meant<'e>(
    draft: &Draft<'_>,
    mention: &Mention,
    name: &Named<'_>,
    entrances: &ByName<'e>,
) -> Option<&'e Entrance> {
    let (entrance, full) = resolve(name.host, draft.namespace, entrances)?;
    let has_port = |port: u16| {
        entrance.headless
            || entrance.ports.is_empty()
            || entrance.ports.iter().any(|p| p.port == port)
    };
    let sure = match name.form {
        Form::Url => true,
        Form::Port => name.port.is_some_and(has_port),
        Form::Alone => full || mention.variable.as_deref().is_some_and(is_address_name),
        Form::Pointed => full,
    };
    sure.then_some(entrance)
}

/// The Service of a host name, and whether the name is a full one (`….svc…`).
fn resolve<'e>(host: &str, own: &str, entrances: &ByName<'e>) -> Option<(&'e Entrance, bool)> {
    let labels: Vec<&str> = host.split('.').collect();
    let full = labels.iter().skip(2).any(|label| *label == "svc");
    // `service[.namespace…]`, then `pod.service[.namespace…]` for the pods of a StatefulSet.
    [0, 1].into_iter().find_map(|skip| {
        let service = *labels.get(skip)?;
        let namespace = labels.get(skip + 1).copied().unwrap_or(own);
        entrances.get(&(namespace, service)).map(|entrance| (*entrance, full))
    })
}

fn lead(
    from: usize,
    mention: &Mention,
    name: &Named<'_>,
    entrance: &Entrance,
    drafts: &[Draft<'_>],
) -> Vec<Link> {
    let others = entrance.selects.iter().copied().filter(|&to| to != from);
    others
        .map(|to| {
            let port = target(entrance, name.port, to);
            let shown = match name.port {
                Some(port) => format!("{}:{port}", name.host),
                None => name.host.to_owned(),
            };
            let reason = format!("{} names {shown}, Service \"{}\"", mention.what, entrance.name);
            Link {
                from: drafts[from].name.clone(),
                to: drafts[to].name.clone(),
                port,
                traffic: None,
                latency: None,
                at: mention.at.clone(),
                inferred: Some(reason),
            }
        })
        .collect()
}

/// The port that answers in the workload: behind the named one, or behind the only one.
fn target(entrance: &Entrance, port: Option<u16>, to: usize) -> Option<u16> {
    match port {
        Some(port) => {
            let found = entrance.ports.iter().find(|p| p.port == port);
            found.and_then(|p| p.targets.get(&to).copied()).or(Some(port))
        }
        None => match entrance.ports.as_slice() {
            [only] => only.targets.get(&to).copied(),
            _ => None,
        },
    }
}
