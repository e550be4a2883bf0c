//! Names of services and volumes, made of names of Kubernetes.
//!
//! Objects may be named alike where kind or namespace differ, may hold points, and may be longer
//! than a DNS label. What fits is taken as it is.

use std::collections::BTreeMap;

use coc_model::marks::resource_name;

use crate::fields::{NAME_MAX, is_legal_name};

/// A legal name for one name of Kubernetes: itself where it fits, else one that cutting makes
/// equal to no other.
pub(super) fn legal(name: &str) -> String {
    if is_legal_name(name) { name.to_owned() } else { resource_name(name, name, NAME_MAX) }
}

/// Who an object is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Identity<'n> {
    pub(super) namespace: &'n str,
    pub(super) kind: &'n str,
    pub(super) name: &'n str,
}

/// A name for each object, no two alike. Objects of one name are told apart by kind, or by a hash
/// of all that they are; what one is called does not depend on their order.
pub(super) fn unique(objects: &[Identity<'_>]) -> Vec<String> {
    let mut alike: BTreeMap<String, BTreeMap<&str, usize>> = BTreeMap::new();
    for object in objects {
        *alike.entry(legal(object.name)).or_default().entry(object.kind).or_default() += 1;
    }
    let alone =
        |name: &str| alike.get(name).is_some_and(|kinds| kinds.values().sum::<usize>() == 1);
    objects
        .iter()
        .map(|object| {
            let name = legal(object.name);
            if alone(&name) {
                return name;
            }
            let by_kind = format!("{name}-{}", object.kind.to_ascii_lowercase());
            let only = alike.get(&name).and_then(|kinds| kinds.get(object.kind)) == Some(&1);
            if only && is_legal_name(&by_kind) && !alone(&by_kind) {
                return by_kind;
            }
            let key = format!("{}/{}/{}", object.namespace, object.kind, object.name);
            resource_name(&name, &key, NAME_MAX)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn identity<'n>((namespace, kind, name): (&'n str, &'n str, &'n str)) -> Identity<'n> {
        Identity { namespace, kind, name }
    }

    #[test]
    fn what_fits_is_taken_as_it_is() {
        let named = |objects: &[(&str, &str, &str)]| {
            unique(&objects.iter().copied().map(identity).collect::<Vec<_>>()).join(" ")
        };
        assert_eq!(named(&[("d", "Deployment", "web"), ("d", "Job", "db")]), "web db");
        assert_eq!(
            named(&[("d", "Deployment", "web"), ("d", "Job", "web")]),
            "web-deployment web-job"
        );
        let two = named(&[("a", "Pod", "web"), ("b", "Pod", "web")]);
        assert_eq!(
            two,
            named(&[("b", "Pod", "web"), ("a", "Pod", "web")])
                .split(' ')
                .rev()
                .collect::<Vec<_>>()
                .join(" ")
        );
        assert!(two.starts_with("web-") && !two.contains("web-pod"), "{two}");
        assert!(named(&[("d", "Pod", "a.b")]).starts_with("a-b-"));
    }

    proptest! {
        #[test]
        fn names_are_legal_and_differ(
            objects in prop::collection::btree_set(
                (prop::sample::select(vec!["a", "b"]),
                 prop::sample::select(vec!["Pod", "Job", "Deployment"]),
                 prop::sample::select(vec!["web", "web-pod", "web.pod", "x"])),
                1..12,
            ),
        ) {
            let objects: Vec<Identity<'_>> = objects.into_iter().map(identity).collect();
            let names = unique(&objects);
            let distinct: std::collections::BTreeSet<&String> = names.iter().collect();
            prop_assert_eq!(distinct.len(), names.len(), "{:?}", names);
            prop_assert!(names.iter().all(|name| is_legal_name(name)));
        }
    }
}
