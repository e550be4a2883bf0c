//! What lists prove: a resource that is missing from a list is not gone by that alone.

use std::collections::BTreeMap;
use std::time::Duration;

use coc_model::resource::{NativeId, ObservedResource};

use crate::cloud::Listing;

/// What is known of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// The last list that proves anything of it shows it.
    There,
    /// Not shown, or not asked: it may be there.
    Unknown,
    /// Two full lists, both begun outside its settle window, agree that it is not there.
    Gone,
}

#[derive(Clone, Debug)]
struct Sight {
    /// When a request of ours last touched it.
    touched: Option<Duration>,
    /// As it was last seen.
    last: Option<ObservedResource>,
    /// Lists in a row that prove it missing.
    missed: u8,
    presence: Presence,
}

/// What is known of the resources of one cloud. Times are since any fixed moment.
#[derive(Clone, Debug)]
pub struct Sightings {
    settle: Duration,
    sights: BTreeMap<NativeId, Sight>,
}

/// How many full lists must agree that something is not there.
const AGREEING: u8 = 2;

impl Sightings {
    /// Nothing known yet, in a cloud with this settle window.
    pub const fn new(settle: Duration) -> Self {
        Self { settle, sights: BTreeMap::new() }
    }

    /// A request of ours created or changed it: from now on for the settle window, a list without
    /// it proves nothing.
    pub fn touched(&mut self, id: &NativeId, now: Duration) {
        let sight = self.sights.entry(id.clone()).or_insert_with(Sight::unknown);
        sight.touched = Some(now);
        sight.missed = 0;
        if sight.presence == Presence::Gone {
            sight.presence = Presence::Unknown;
        }
    }

    /// A list came, asked for at this time. A list that failed is not given here: it says nothing.
    pub fn listed(&mut self, asked: Duration, listing: &Listing) {
        for resource in &listing.resources {
            let sight =
                self.sights.entry(resource.native_id.clone()).or_insert_with(Sight::unknown);
            sight.last = Some(resource.clone());
            sight.missed = 0;
            sight.presence = Presence::There;
        }
        let shown: std::collections::BTreeSet<&NativeId> =
            listing.resources.iter().map(|r| &r.native_id).collect();
        for (id, sight) in &mut self.sights {
            if shown.contains(id) {
                continue;
            }
            let settled = sight.touched.is_none_or(|touched| asked >= touched + self.settle);
            if listing.complete && settled {
                sight.missed = sight.missed.saturating_add(1);
            }
            sight.presence =
                if sight.missed >= AGREEING { Presence::Gone } else { Presence::Unknown };
        }
    }

    /// What is known of a resource.
    pub fn presence(&self, id: &NativeId) -> Presence {
        self.sights.get(id).map_or(Presence::Unknown, |sight| sight.presence)
    }

    /// A resource as it was last seen, if it ever was.
    pub fn last(&self, id: &NativeId) -> Option<&ObservedResource> {
        self.sights.get(id)?.last.as_ref()
    }

    /// Stops keeping a resource in mind.
    pub fn forget(&mut self, id: &NativeId) {
        self.sights.remove(id);
    }
}

impl Sight {
    const fn unknown() -> Self {
        Self { touched: None, last: None, missed: 0, presence: Presence::Unknown }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use coc_model::resource::State;

    fn listing(ids: &[&str], complete: bool) -> Listing {
        let resources = ids.iter().map(|id| ObservedResource {
            cloud: "c".into(),
            resource_type: "t".into(),
            native_id: NativeId((*id).into()),
            name: (*id).into(),
            marks: None,
            spec: None,
            state: State::Running,
            addresses: vec![],
            native: serde_json::Value::Null,
        });
        Listing { resources: resources.collect(), complete }
    }

    #[test]
    fn two_full_lists_outside_the_window_prove_absence() {
        use Presence::{Gone, There, Unknown};
        let id = NativeId("a".into());
        // (seconds, shown, complete, what is then known)
        let steps = [
            (3, false, true, Unknown), // inside the window
            (6, true, true, There),
            (20, false, false, Unknown), // cut
            (21, false, true, Unknown),  // one full list
            (22, false, false, Unknown), // cut
            (23, false, true, Gone),     // two
            (24, true, true, There),     // it was stale
        ];
        let mut sightings = Sightings::new(Duration::from_secs(10));
        sightings.touched(&id, Duration::from_secs(0));
        for (at, shown, complete, known) in steps {
            let list = listing(if shown { &["a"] } else { &[] }, complete);
            sightings.listed(Duration::from_secs(at), &list);
            assert_eq!(sightings.presence(&id), known, "after {at} s");
        }
        assert_eq!(sightings.last(&id).map(|r| &*r.name), Some("a"));
    }

    #[test]
    fn a_change_opens_the_window_again() {
        let id = NativeId("a".into());
        let mut sightings = Sightings::new(Duration::from_secs(10));
        sightings.listed(Duration::ZERO, &listing(&["a"], true));
        sightings.touched(&id, Duration::from_secs(5));
        for at in [6, 7, 8] {
            sightings.listed(Duration::from_secs(at), &listing(&[], true));
        }
        assert_eq!(sightings.presence(&id), Presence::Unknown);
        assert_eq!(sightings.presence(&NativeId("never seen".into())), Presence::Unknown);
    }
}
