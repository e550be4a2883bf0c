//! Places as a nested graph: zone ⊂ region ⊂ country ⊂ area.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Where a site is: everything that goals can say of a place.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The cloud's name for the region (`eu-west-1`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Arc<str>>,
    /// The cloud's name for the zone; `None` where the plan leaves the zone to the cloud.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<Arc<str>>,
    /// ISO 3166-1 alpha-2 code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<Arc<str>>,
    /// The innermost area the country belongs to (`EU`, `EEA`, `Europe`, ...).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub area: Option<Arc<str>>,
}

/// What contains what. Built from the catalog's regions and the mounts' places; names of
/// different levels share one namespace, as people use it ("EU", "DE", "eu-central-1").
#[derive(Clone, Debug, Default)]
pub struct PlaceGraph {
    /// (inner, outer) pairs, direct ones only.
    edges: BTreeSet<(Arc<str>, Arc<str>)>,
    names: BTreeSet<Arc<str>>,
}

impl PlaceGraph {
    /// A graph with the areas this project knows: EU ⊂ EEA ⊂ Europe.
    pub fn with_areas() -> Self {
        let mut graph = Self::default();
        graph.contain("EU", "EEA");
        graph.contain("EEA", "Europe");
        graph
    }

    /// States that the inner place lies in the outer one.
    pub fn contain(&mut self, inner: &str, outer: &str) {
        if inner != outer {
            let (inner, outer): (Arc<str>, Arc<str>) = (inner.into(), outer.into());
            self.names.extend([Arc::clone(&inner), Arc::clone(&outer)]);
            self.edges.insert((inner, outer));
        }
    }

    /// Adds all that a place says of itself.
    pub fn add(&mut self, place: &Place) {
        let levels = [&place.zone, &place.region, &place.country, &place.area];
        let known: Vec<&Arc<str>> = levels.into_iter().flatten().collect();
        for name in &known {
            self.names.insert(Arc::clone(name));
        }
        for pair in known.windows(2) {
            self.contain(pair[0], pair[1]);
        }
    }

    /// True if the place is, or lies in, the place of this name, at any level.
    pub fn inside(&self, place: &Place, name: &str) -> bool {
        let mut seen = BTreeSet::new();
        let mut open: Vec<Arc<str>> = [&place.zone, &place.region, &place.country, &place.area]
            .into_iter()
            .flatten()
            .cloned()
            .collect();
        while let Some(inner) = open.pop() {
            if &*inner == name {
                return true;
            }
            if seen.insert(Arc::clone(&inner)) {
                let from = (Arc::clone(&inner), Arc::from(""));
                let outer = self.edges.range(from..).take_while(|(i, _)| *i == inner);
                open.extend(outer.map(|(_, o)| Arc::clone(o)));
            }
        }
        false
    }

    /// True if some place has this name.
    pub fn knows(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// Every name, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|n| &**n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frankfurt() -> Place {
        Place {
            region: Some("eu-central-1".into()),
            zone: Some("eu-central-1a".into()),
            country: Some("DE".into()),
            area: Some("EU".into()),
        }
    }

    #[test]
    fn a_zone_is_inside_all_that_contains_it() {
        let mut graph = PlaceGraph::with_areas();
        graph.add(&frankfurt());
        for name in ["eu-central-1a", "eu-central-1", "DE", "EU", "EEA", "Europe"] {
            assert!(graph.inside(&frankfurt(), name), "{name}");
        }
        assert!(!graph.inside(&frankfurt(), "FR"));
        assert!(graph.knows("Europe") && !graph.knows("Atlantis"));
    }

    #[test]
    fn a_cycle_ends() {
        let mut graph = PlaceGraph::default();
        graph.contain("a", "b");
        graph.contain("b", "a");
        let place = Place { area: Some("a".into()), ..Place::default() };
        assert!(!graph.inside(&place, "c"));
    }
}
