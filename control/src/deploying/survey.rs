//! What is there: lists of all clouds, and what they prove.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use coc_cloud::cloud::{Listing, Selector};
use coc_cloud::observe::{Presence, Sightings};
use coc_cloud::{Cloud, Failure, Terms};
use coc_model::marks::Mark;
use coc_model::resource::{NativeId, ObservedResource};
use coc_plan::decide::Listed;
use futures::future::join_all;
use jiff::Timestamp;
use tokio::time::{Instant, sleep};

use super::records::Standing;

/// The mounted clouds by name.
pub type Mounts = BTreeMap<String, Arc<dyn Cloud>>;

/// How often a list that could not be read whole is asked for before that is taken as it is.
const ATTEMPTS: u32 = 4;
/// How long to wait after the first such list; then twice as long each time.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// Looks at all clouds again and again, and remembers what that needs.
pub(super) struct Survey {
    selector: Selector,
    clouds: BTreeMap<String, Watched>,
}

/// What was seen in one look.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) resources: Vec<ObservedResource>,
    pub(super) listed: BTreeMap<String, Listed>,
    /// Why clouds could not be read whole.
    pub(super) unread: BTreeMap<String, String>,
}

struct Watched {
    cloud: Arc<dyn Cloud>,
    terms: Terms,
    sightings: Sightings,
    /// When each was last touched, as written down.
    touched: BTreeMap<NativeId, Timestamp>,
    /// What we removed: a list that is out of date may still show it.
    removed: BTreeSet<NativeId>,
    /// A fixed moment so long ago that what was touched before it has settled.
    origin: Instant,
}

impl Survey {
    /// A survey of an application's resources.
    pub(super) fn new(owner: &Mark, application: &str, mounts: &Mounts) -> Self {
        let watched = |(name, cloud): (&String, &Arc<dyn Cloud>)| {
            (name.clone(), Watched::new(Arc::clone(cloud)))
        };
        let clouds = mounts.iter().map(watched).collect();
        let app = Some(Mark::of_application(application));
        Self { selector: Selector { owner: owner.clone(), app }, clouds }
    }

    /// Lists all clouds, at once. A resource that is known to stand is taken for gone only when two
    /// whole lists, both outside the time in which it may not show, agree; they are waited for.
    /// When it was last touched, by whomever, is written down with it.
    pub(super) async fn look(&mut self, standing: &[(Mark, Standing)], now: Timestamp) -> Seen {
        for (_, standing) in standing {
            if let Some(watched) = self.clouds.get_mut(&standing.cloud) {
                watched.written_down(standing, now);
            }
        }
        let selector = &self.selector;
        let looks = self.clouds.iter_mut().map(|(name, watched)| {
            let here = standing.iter().filter(|(_, s)| s.cloud == *name);
            let ids: Vec<&NativeId> = here.map(|(_, s)| &s.native_id).collect();
            async move { (name.clone(), watched.look(selector, &ids).await) }
        });
        let mut seen = Seen::default();
        for (name, (resources, listed, says)) in join_all(looks).await {
            seen.resources.extend(resources);
            seen.listed.insert(name.clone(), listed);
            seen.unread.extend(says.map(|says| (name, says)));
        }
        seen
    }

    /// A resource was made or changed.
    pub(super) fn touched(&mut self, cloud: &str, id: &NativeId) {
        if let Some(watched) = self.clouds.get_mut(cloud) {
            watched.touched_at(id, Duration::ZERO);
            watched.removed.remove(id);
        }
    }

    /// A resource was removed.
    pub(super) fn removed(&mut self, cloud: &str, id: &NativeId) {
        if let Some(watched) = self.clouds.get_mut(cloud) {
            watched.sightings.forget(id);
            watched.removed.insert(id.clone());
        }
    }
}

/// How long ago something was; no time at all if a clock says it is yet to come.
fn age(touched: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(touched)).unwrap_or_default()
}

type Look = (Vec<ObservedResource>, Listed, Option<String>);

impl Watched {
    fn new(cloud: Arc<dyn Cloud>) -> Self {
        let terms = Terms::of(&cloud.describe());
        let sightings = Sightings::new(terms.settle);
        let origin = Instant::now();
        let (touched, removed) = (BTreeMap::new(), BTreeSet::new());
        Self { cloud, terms, sightings, touched, removed, origin }
    }

    /// Now, in the time of the sightings: it begins so that nothing is before it.
    fn now(&self) -> Duration {
        2 * self.terms.settle + self.origin.elapsed()
    }

    fn touched_at(&mut self, id: &NativeId, age: Duration) {
        let at = self.now().saturating_sub(age);
        self.sightings.touched(id, at);
    }

    fn written_down(&mut self, standing: &Standing, now: Timestamp) {
        let Standing { native_id, touched, .. } = standing;
        if self.touched.insert(native_id.clone(), *touched) != Some(*touched) {
            self.touched_at(native_id, age(*touched, now));
        }
    }

    async fn look(&mut self, selector: &Selector, standing: &[&NativeId]) -> Look {
        let began = Instant::now();
        let mut wait = FIRST_WAIT;
        let mut failed = 0;
        loop {
            let asked = self.now();
            let answer = self.cloud.list(selector).await;
            let (listing, says) = match answer {
                Ok(listing) => (listing, "a part of it can't be read".to_owned()),
                Err(failure) => (Listing::default(), says(&failure)),
            };
            if !listing.complete {
                failed += 1;
                if failed == ATTEMPTS {
                    return (self.ours(listing), Listed::Part, Some(says));
                }
                sleep(wait).await;
                wait *= 2;
                continue;
            }
            self.sightings.listed(asked, &listing);
            let unknown =
                standing.iter().any(|id| self.sightings.presence(id) == Presence::Unknown);
            // A whole list may be out of date for as long as the cloud says, and no longer.
            let patience = self.terms.settle + 3 * self.terms.poll;
            if !unknown || began.elapsed() > patience {
                let listed = if unknown { Listed::Part } else { Listed::Whole };
                let says = unknown.then(|| "its lists do not agree".to_owned());
                return (self.ours(listing), listed, says);
            }
            sleep(self.terms.poll).await;
        }
    }

    fn ours(&self, listing: Listing) -> Vec<ObservedResource> {
        let shown = listing.resources.into_iter();
        shown.filter(|resource| !self.removed.contains(&resource.native_id)).collect()
    }
}

/// A failure with what to do about it.
pub(super) fn says(failure: &Failure) -> String {
    match failure.advice() {
        Some(advice) => format!("{failure}: {advice}"),
        None => failure.to_string(),
    }
}
