//! Services that must share a host because one writes to a volume that the other mounts.

use std::collections::BTreeMap;

use coc_model::application::{MountSource, Service, Tie};
use coc_model::mistake::Position;

/// Who mounts a volume.
struct Users<'s> {
    writers: Vec<&'s str>,
    readers: Vec<&'s str>,
}

/// The ties of each service to others with which it shares volumes, both ways. `places` is where a
/// service mounts a volume.
pub(super) fn of_volumes(
    services: &BTreeMap<String, Service>,
    places: &dyn Fn(&str, &str) -> Option<Position>,
) -> BTreeMap<String, Vec<Tie>> {
    let mut pairs: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for (volume, users) in &users(services) {
        // Writers share with everyone; who only reads needs no other reader.
        let hub = users.writers.first().copied();
        for other in users.writers.iter().chain(&users.readers).copied() {
            if let Some(hub) = hub.filter(|hub| *hub != other) {
                pairs.entry((hub, other)).or_default().push(volume);
                pairs.entry((other, hub)).or_default().push(volume);
            }
        }
    }
    let mut ties: BTreeMap<String, Vec<Tie>> = BTreeMap::new();
    for ((service, other), volumes) in pairs {
        let Some(at) = volumes.first().and_then(|volume| places(service, volume)) else { continue };
        let named = match volumes.as_slice() {
            [volume] => format!("the volume {volume}"),
            volumes => format!("the volumes {}", volumes.join(", ")),
        };
        let reason = format!("shares {named} with {other}, and one of them writes");
        let tie = Tie { service: other.to_owned(), reason, at };
        ties.entry(service.to_owned()).or_default().push(tie);
    }
    ties
}

fn users(services: &BTreeMap<String, Service>) -> BTreeMap<&str, Users<'_>> {
    let mut users: BTreeMap<&str, Users<'_>> = BTreeMap::new();
    for (name, service) in services {
        let mut mounted: BTreeMap<&str, bool> = BTreeMap::new();
        for mount in &service.mounts {
            if let MountSource::Volume(volume) = &mount.source {
                *mounted.entry(volume).or_default() |= !mount.read_only;
            }
        }
        for (volume, writes) in mounted {
            let empty = || Users { writers: Vec::new(), readers: Vec::new() };
            let users = users.entry(volume).or_insert_with(empty);
            let list = if writes { &mut users.writers } else { &mut users.readers };
            list.push(name);
        }
    }
    users
}

#[cfg(test)]
mod tests {
    use super::*;
    use coc_model::application::Mount;

    fn ties(mounts: &[(&str, &str, bool)]) -> Vec<String> {
        let at = Position::start(&"c.yaml".into());
        let mut services: BTreeMap<String, Service> = BTreeMap::new();
        for (name, volume, read_only) in mounts {
            let service = services
                .entry((*name).to_owned())
                .or_insert_with(|| Service::container(at.clone()));
            let source = MountSource::Volume((*volume).to_owned());
            service.mounts.push(Mount { source, target: "/x".into(), read_only: *read_only });
        }
        let ties = of_volumes(&services, &|_, _| Some(at.clone()));
        ties.into_iter()
            .flat_map(|(name, ties)| {
                ties.into_iter().map(move |t| format!("{name}-{}: {}", t.service, t.reason))
            })
            .collect()
    }

    #[test]
    fn writers_tie_all_who_mount_the_volume() {
        let reason = "shares the volume v with";
        let end = "and one of them writes";
        assert_eq!(
            ties(&[("a", "v", false), ("b", "v", false), ("c", "v", true)]),
            [
                format!("a-b: {reason} b, {end}"),
                format!("a-c: {reason} c, {end}"),
                format!("b-a: {reason} a, {end}"),
                format!("c-a: {reason} a, {end}"),
            ]
        );
        assert_eq!(
            ties(&[("a", "v", false), ("b", "v", false), ("a", "w", false), ("b", "w", true)]),
            [
                format!("a-b: shares the volumes v, w with b, {end}"),
                format!("b-a: shares the volumes v, w with a, {end}"),
            ]
        );
    }

    #[test]
    fn readers_alone_need_no_common_host() {
        assert!(ties(&[("a", "v", true), ("b", "v", true)]).is_empty());
        assert!(ties(&[("a", "v", false), ("b", "w", false)]).is_empty());
        assert!(ties(&[("a", "v", false), ("a", "v", true)]).is_empty());
    }
}
