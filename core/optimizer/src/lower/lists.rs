//! Lists that do not depend on what is decided: services, links, names of places, written lists and
//! filters of them.

use std::collections::BTreeSet;

use coc_goals::expression::{Element, Expression, Level, Node};

use super::Refused;
use super::evaluate::{Bound, Scope, Unfit, Value, World};

fn unfit<T>(at: &Expression, says: impl Into<String>) -> Refused<T> {
    Err(Unfit { range: at.range, says: says.into() })
}

impl World<'_> {
    /// The names of places there are, each once, in order.
    pub(super) fn names(self, level: Level) -> Vec<String> {
        let named = |site: &coc_model::estate::Site| match level {
            Level::Cloud => Some(site.cloud.to_string()),
            Level::Region => site.place.region.as_deref().map(ToOwned::to_owned),
            Level::Zone => site.place.zone.as_deref().map(ToOwned::to_owned),
            Level::Country => site.place.country.as_deref().map(ToOwned::to_owned),
            Level::Area => site.place.area.as_deref().map(ToOwned::to_owned),
        };
        let names: BTreeSet<String> = self.estate.sites.iter().filter_map(named).collect();
        names.into_iter().collect()
    }

    /// The texts of a list that does not depend on what is decided.
    pub(super) fn texts(self, list: &Expression, scope: &Scope) -> Refused<Vec<String>> {
        let Some(elements) = concrete(self, list, scope)? else {
            return unfit(list, "a list of texts is due here");
        };
        let text = |bound| match bound {
            Bound::Text(text) | Bound::Service(text) => Some(text),
            _ => None,
        };
        Ok(elements.into_iter().filter_map(text).collect())
    }
}

/// The elements of a list that does not depend on what is decided; `None` for replicas and hosts.
pub(super) fn concrete(
    world: World<'_>,
    list: &Expression,
    scope: &Scope,
) -> Refused<Option<Vec<Bound>>> {
    match &list.node {
        Node::All(Element::Service) => {
            let names = world.application.services.keys();
            Ok(Some(names.map(|n| Bound::Service(n.clone())).collect()))
        }
        Node::All(Element::Link) => {
            Ok(Some((0..world.application.links.len()).map(Bound::Link).collect()))
        }
        Node::Places(level) => Ok(Some(world.names(*level).into_iter().map(Bound::Text).collect())),
        Node::Filtered(of, variable, condition) => {
            let Some(elements) = concrete(world, of, scope)? else { return Ok(None) };
            let mut kept = Vec::new();
            for element in elements {
                match world.truth(condition, &scope.with(variable, element.clone()))? {
                    Some(true) => kept.push(element),
                    Some(false) => {}
                    None => return unfit(condition, "this is not known of every element"),
                }
            }
            Ok(Some(kept))
        }
        Node::List(items) => {
            items.iter().map(|item| element(world, item, scope)).collect::<Refused<_>>().map(Some)
        }
        _ => Ok(None),
    }
}

fn element(world: World<'_>, item: &Expression, scope: &Scope) -> Refused<Bound> {
    if let Node::Variable(name) = &item.node
        && let Some(bound) = scope.variables.get(name)
    {
        return Ok(bound.clone());
    }
    match world.evaluate(item, scope)? {
        Some(Value::Text(text)) => Ok(Bound::Text(text)),
        Some(Value::Number(number)) => Ok(Bound::Number(number)),
        _ => unfit(item, "a list can hold texts, numbers and services"),
    }
}

/// The services whose replicas a list has, each once.
pub(super) fn services_of(
    world: World<'_>,
    list: &Expression,
    scope: &Scope,
) -> Refused<Vec<String>> {
    let Node::Replicas(of) = &list.node else {
        return unfit(list, "replicas(…) is due here");
    };
    let everywhere = super::per_host(world.application);
    let on_every_host = |name: &str| everywhere.iter().any(|e| e == name);
    let names = match of {
        None => None,
        Some(of) if matches!(of.node, Node::All(Element::Service)) => None,
        Some(of) => match concrete(world, of, scope)? {
            Some(_) => Some(world.texts(of, scope)?),
            None => match world.evaluate(of, scope)? {
                Some(Value::Text(name)) => Some(vec![name]),
                _ => Some(Vec::new()),
            },
        },
    };
    let Some(names) = names else {
        let all = world.application.services.keys();
        return Ok(all.filter(|n| !on_every_host(n)).cloned().collect());
    };
    let mut distinct: Vec<String> = Vec::new();
    for name in names {
        if on_every_host(&name) {
            let says = format!("{name} runs on every host: nothing is decided about its replicas");
            return unfit(list, says);
        }
        if !world.application.services.contains_key(&name) {
            return unfit(list, format!("no service is called \"{name}\""));
        }
        if !distinct.contains(&name) {
            distinct.push(name);
        }
    }
    Ok(distinct)
}
