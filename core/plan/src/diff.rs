//! How one plan differs from another, for people who approve the change.

use std::collections::BTreeMap;

use coc_model::decimal::Decimal;
use coc_model::plan::{Host, Placement, Plan, PlannedResource};
use serde::Serialize;
use serde_json::Value;

/// How a plan differs from the one before it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// The plan before; `None` if there was none.
    pub from: Option<String>,
    /// The plan.
    pub to: String,
    /// Machines, ordered by place and offer. Their ids don't count: they are numbers of one plan.
    pub hosts: Vec<Change<Host>>,
    /// Replicas that come, go or move, ordered by service and number.
    pub placements: Vec<Change<Placement>>,
    /// Native resources, ordered by key.
    pub resources: Vec<ResourceChange>,
    /// Cost.
    pub cost: CostChange,
}

/// A change of one thing.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Change<T> {
    /// It comes.
    Created(T),
    /// It goes.
    Removed(T),
    /// It changes.
    Changed {
        /// As it was.
        from: T,
        /// As it will be.
        to: T,
    },
}

/// A change of one native resource.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ResourceChange {
    /// Its key.
    pub id: String,
    /// Its cloud: the new one, where it changes.
    pub cloud: String,
    /// Its native type: the new one, where it changes.
    #[serde(rename = "type")]
    pub resource_type: String,
    /// What happens.
    pub what: ResourceFate,
}

/// What happens to a native resource.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ResourceFate {
    /// It comes.
    Created,
    /// It goes.
    Removed,
    /// It changes in these fields: of the plan (`cloud`, `type`, `name`, `after`, `protect`) by
    /// name, of the native document by JSON pointer (RFC 6901) from `native` on.
    Changed(Vec<FieldChange>),
}

/// A change of one field.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FieldChange {
    /// The field.
    pub field: String,
    /// As it was; `None` if it was not there.
    pub from: Option<Value>,
    /// As it will be; `None` if it will not be there.
    pub to: Option<Value>,
}

/// A change of cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CostChange {
    /// As it was; `None` if there was no plan.
    pub from: Option<String>,
    /// As it will be.
    pub to: String,
    /// The unit of both.
    pub unit: String,
    /// The second less the first; `None` if they can't be compared.
    pub change: Option<String>,
}

impl Difference {
    /// True if the two plans come to the same.
    pub const fn is_empty(&self) -> bool {
        self.hosts.is_empty() && self.placements.is_empty() && self.resources.is_empty()
    }
}

/// How `to` differs from `from`; from nothing, if there was no plan before.
pub fn difference(from: Option<&Plan>, to: &Plan) -> Difference {
    let (hosts, placements, resources) = from.map_or((&[][..], &[][..], &[][..]), |from| {
        (&from.hosts[..], &from.placements[..], &from.resources[..])
    });
    Difference {
        from: from.map(|from| from.plan.clone()),
        to: to.plan.clone(),
        hosts: host_changes(hosts, &to.hosts),
        placements: placement_changes(placements, &to.placements, hosts, &to.hosts),
        resources: resource_changes(resources, &to.resources),
        cost: cost_change(from, to),
    }
}

/// What makes two machines the same kind of machine at the same place.
type HostKind<'a> = (&'a str, Option<&'a str>, Option<&'a str>, &'a str, bool);

fn host_kind(host: &Host) -> HostKind<'_> {
    (&host.cloud, host.region.as_deref(), host.zone.as_deref(), &host.offer, host.existing)
}

/// Machines of one kind that hold the same are the same machine; of those that are left, each old
/// one becomes a new one as long as there are both.
fn host_changes(from: &[Host], to: &[Host]) -> Vec<Change<Host>> {
    let mut kinds: BTreeMap<HostKind<'_>, (Vec<&Host>, Vec<&Host>)> = BTreeMap::new();
    for host in from {
        kinds.entry(host_kind(host)).or_default().0.push(host);
    }
    for host in to {
        let (old, new) = kinds.entry(host_kind(host)).or_default();
        let same = old.iter().position(|o| o.holds == host.holds && o.price == host.price);
        match same {
            Some(at) => _ = old.remove(at),
            None => new.push(host),
        }
    }
    let mut changes = Vec::new();
    for (old, new) in kinds.into_values() {
        let both = old.len().min(new.len());
        for (from, to) in old.iter().zip(&new) {
            changes.push(Change::Changed { from: (*from).clone(), to: (*to).clone() });
        }
        changes.extend(new[both..].iter().map(|host| Change::Created((*host).clone())));
        changes.extend(old[both..].iter().map(|host| Change::Removed((*host).clone())));
    }
    changes
}

fn placement_changes(
    from: &[Placement],
    to: &[Placement],
    from_hosts: &[Host],
    to_hosts: &[Host],
) -> Vec<Change<Placement>> {
    let key = |p: &Placement| (p.service.clone(), p.replica);
    let place = |p: &Placement, hosts: &[Host]| {
        let offer = hosts.iter().find(|host| host.id == p.host).map(|host| host.offer.clone());
        (p.cloud.clone(), p.region.clone(), p.zone.clone(), p.resolver.clone(), offer)
    };
    let old: BTreeMap<_, _> = from.iter().map(|p| (key(p), p)).collect();
    let new: BTreeMap<_, _> = to.iter().map(|p| (key(p), p)).collect();
    joined(&old, &new)
        .filter(|(_, old, new)| {
            old.map(|p| place(p, from_hosts)) != new.map(|p| place(p, to_hosts))
        })
        .filter_map(|(_, old, new)| change(old.copied().cloned(), new.copied().cloned()))
        .collect()
}

/// The keys of both maps in order, with what each map has of them.
fn joined<'a, K: Ord, V>(
    old: &'a BTreeMap<K, V>,
    new: &'a BTreeMap<K, V>,
) -> impl Iterator<Item = (&'a K, Option<&'a V>, Option<&'a V>)> {
    let keys: std::collections::BTreeSet<&K> = old.keys().chain(new.keys()).collect();
    keys.into_iter().map(|key| (key, old.get(key), new.get(key)))
}

fn change<T>(old: Option<T>, new: Option<T>) -> Option<Change<T>> {
    match (old, new) {
        (Some(from), Some(to)) => Some(Change::Changed { from, to }),
        (None, Some(to)) => Some(Change::Created(to)),
        (Some(from), None) => Some(Change::Removed(from)),
        (None, None) => None,
    }
}

fn resource_changes(from: &[PlannedResource], to: &[PlannedResource]) -> Vec<ResourceChange> {
    let old: BTreeMap<_, _> = from.iter().map(|r| (r.id.as_str(), r)).collect();
    let new: BTreeMap<_, _> = to.iter().map(|r| (r.id.as_str(), r)).collect();
    joined(&old, &new)
        .filter_map(|(id, old, new)| {
            let what = match (old, new) {
                (Some(old), Some(new)) => ResourceFate::Changed(field_changes(old, new)),
                (None, _) => ResourceFate::Created,
                (_, None) => ResourceFate::Removed,
            };
            let shown = new.or(old)?;
            let is_change = !matches!(&what, ResourceFate::Changed(fields) if fields.is_empty());
            is_change.then(|| ResourceChange {
                id: (*id).to_owned(),
                cloud: shown.cloud.clone(),
                resource_type: shown.resource_type.clone(),
                what,
            })
        })
        .collect()
}

fn field_changes(old: &PlannedResource, new: &PlannedResource) -> Vec<FieldChange> {
    let ids = |r: &PlannedResource| {
        r.after.iter().map(|a| serde_json::to_value(a).unwrap_or_default()).collect::<Value>()
    };
    let mut fields = Vec::new();
    for (field, from, to) in [
        ("cloud", Value::from(old.cloud.as_str()), Value::from(new.cloud.as_str())),
        ("type", old.resource_type.as_str().into(), new.resource_type.as_str().into()),
        ("name", old.name.as_str().into(), new.name.as_str().into()),
        ("after", ids(old), ids(new)),
        ("protect", old.protect.into(), new.protect.into()),
    ] {
        if from != to {
            let field = field.to_owned();
            fields.push(FieldChange { field, from: Some(from), to: Some(to) });
        }
    }
    walk("native".to_owned(), Some(&old.native), Some(&new.native), &mut fields);
    fields
}

/// Compares two documents; lists of equal length are compared item by item.
fn walk(field: String, from: Option<&Value>, to: Option<&Value>, found: &mut Vec<FieldChange>) {
    match (from, to) {
        (Some(a), Some(b)) if a == b => {}
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            let keys: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for key in keys {
                let below = format!("{field}/{}", key.replace('~', "~0").replace('/', "~1"));
                walk(below, a.get(key), b.get(key), found);
            }
        }
        (Some(Value::Array(a)), Some(Value::Array(b))) if a.len() == b.len() => {
            for (i, (a, b)) in a.iter().zip(b).enumerate() {
                walk(format!("{field}/{i}"), Some(a), Some(b), found);
            }
        }
        (from, to) => found.push(FieldChange { field, from: from.cloned(), to: to.cloned() }),
    }
}

fn cost_change(from: Option<&Plan>, to: &Plan) -> CostChange {
    let decimal = |text: &str| text.parse::<Decimal>().ok();
    let before = match from {
        Some(from) if from.cost.unit == to.cost.unit => decimal(&from.cost.total),
        Some(_) => None,
        None => Some(Decimal::ZERO),
    };
    let change = before.zip(decimal(&to.cost.total)).and_then(|(before, after)| {
        Some(Decimal::from_atto(after.atto().checked_sub(before.atto())?))
    });
    CostChange {
        from: from.map(|from| from.cost.total.clone()),
        to: to.cost.total.clone(),
        unit: to.cost.unit.clone(),
        change: change.map(|change| {
            let sign = if change.is_negative() { "" } else { "+" };
            format!("{sign}{}", change.display(2))
        }),
    }
}
