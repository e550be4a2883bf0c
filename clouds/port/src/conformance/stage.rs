//! What tests have in common: names and marks of their own, and the proof of what is there.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use coc_model::marks::{Mark, Marks, digest, resource_name};
use coc_model::resource::{ObservedResource, State};
use tokio::sync::Notify;
use tokio::time::sleep;

use crate::cloud::{Cloud, Create, FindBy, Listing, Selector};
use crate::conformance::harness::{Document, Ground, Harness, Member, Sample};
use crate::ensure::{Ensured, ensure};
use crate::failure::Failure;
use crate::journal::{Journal, NoJournal};
use crate::remove::{Removal, Removed, remove};
use crate::terms::Terms;

/// Why a behaviour does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken(pub String);

impl From<Failure> for Broken {
    fn from(failure: Failure) -> Self {
        Self(format!("the cloud says: {failure}"))
    }
}

/// How a test ends.
pub type Proof = Result<(), Broken>;

/// Goes on only if it is true.
pub(super) fn prove(holds: bool, else_says: impl FnOnce() -> String) -> Proof {
    if holds { Ok(()) } else { Err(Broken(else_says())) }
}

/// One test's cloud, with owner and application of its own.
pub struct Stage<'h> {
    /// What the documents come from.
    pub harness: &'h dyn Harness,
    /// What can be done past the driver.
    pub ground: Arc<dyn Ground>,
    /// The cloud.
    pub cloud: Arc<dyn Cloud>,
    /// How long to wait.
    pub terms: Terms,
    owner: Mark,
    app: String,
}

/// How often clearing up goes over what is left: things that need each other go one after another.
const PASSES: usize = 20;

impl<'h> Stage<'h> {
    /// The stage of a test.
    pub(super) fn new(
        harness: &'h dyn Harness,
        ground: Arc<dyn Ground>,
        test: &str,
    ) -> Result<Self, Broken> {
        if harness.document(Document::Basic).is_none() {
            return Err(Broken("the harness has no basic document".into()));
        }
        let cloud = ground.cloud();
        Ok(Self {
            harness,
            terms: Terms::of(&cloud.describe()),
            cloud,
            ground,
            owner: Mark::of("conformance"),
            app: test.replace('_', "-"),
        })
    }

    /// The same ground for another application: a second run inside one test.
    pub(super) fn part(&self, part: &str) -> Self {
        Self {
            harness: self.harness,
            ground: Arc::clone(&self.ground),
            cloud: Arc::clone(&self.cloud),
            terms: self.terms,
            owner: self.owner.clone(),
            app: format!("{}-{part}", self.app),
        }
    }

    /// A document of the harness.
    pub fn sample(&self, document: Document) -> Result<Sample, Broken> {
        self.harness
            .document(document)
            .ok_or_else(|| Broken(format!("the harness has no document \"{}\"", document.name())))
    }

    /// What lists this test's resources.
    pub fn selector(&self) -> Selector {
        Selector { owner: self.owner.clone(), app: Some(Mark::of(&self.app)) }
    }

    /// The name of a resource of this test.
    pub fn name(&self, key: &str, resource_type: &str) -> String {
        let description = self.cloud.describe();
        let limit = description.types.get(resource_type).map_or(63, |t| t.name_limit);
        resource_name(key, &format!("{}/{key}", self.app), limit)
    }

    /// The request that makes a sample real under a key, as the first operation on it.
    pub fn create(&self, key: &str, sample: &Sample) -> Create {
        Create {
            resource_type: sample.resource_type.to_owned(),
            name: self.name(key, sample.resource_type),
            native: sample.native.clone(),
            marks: Marks {
                owner: self.owner.clone(),
                app: Mark::of(&self.app),
                res: Mark::of(&format!("{}/{key}", self.app)),
                op: Mark::of(&format!("{}/{key}/1", self.app)),
            },
            spec: digest(sample.native.to_string().as_bytes()),
        }
    }

    /// The request for the basic document.
    pub fn basic(&self, key: &str) -> Result<Create, Broken> {
        Ok(self.create(key, &self.sample(Document::Basic)?))
    }

    /// The same resource with another document, as a later operation on it.
    pub fn changed(&self, create: &Create, sample: &Sample) -> Create {
        Create {
            native: sample.native.clone(),
            spec: digest(sample.native.to_string().as_bytes()),
            marks: Marks {
                op: Mark::of(&format!("{}/{}", create.marks.op, sample.native)),
                ..create.marks.clone()
            },
            ..create.clone()
        }
    }

    /// The requests of the family, in an order in which they can be made.
    pub fn family(&self) -> Vec<(Member, Create)> {
        // The limit may differ by type and a name is asked for by key alone, so types are learnt
        // from a first reading.
        let types: BTreeMap<&str, &str> = self
            .harness
            .family(&|key| key.to_owned())
            .into_iter()
            .map(|m| (m.key, m.sample.resource_type))
            .collect();
        let named = |key: &str| self.name(key, types.get(key).copied().unwrap_or_default());
        let members = self.harness.family(&named);
        members.into_iter().map(|m| (m.clone(), self.create(m.key, &m.sample))).collect()
    }

    /// Ensures without a journal, on the bare cloud.
    pub async fn ensure(&self, create: &Create) -> Result<Ensured, Failure> {
        ensure(&*self.cloud, create, &self.terms, &NoJournal).await
    }

    /// Ensures on another client, with a journal.
    pub async fn ensure_by(
        &self,
        cloud: &dyn Cloud,
        create: &Create,
        journal: &dyn Journal,
    ) -> Result<Ensured, Failure> {
        ensure(cloud, create, &self.terms, journal).await
    }

    /// What removes a resource of this test.
    pub fn removal(&self, resource: &ObservedResource) -> Removal {
        Removal {
            resource_type: resource.resource_type.clone(),
            id: resource.native_id.clone(),
            name: resource.name.clone(),
            owner: self.owner.clone(),
        }
    }

    /// Removes without a journal, on the bare cloud.
    pub async fn remove(&self, resource: &ObservedResource) -> Result<Removed, Failure> {
        remove(&*self.cloud, &self.removal(resource), &self.terms, &NoJournal).await
    }

    /// Waits until everything shows as it is.
    pub async fn settle(&self) {
        sleep(self.terms.settle).await;
    }

    /// A full list on a client, asked for again while the cloud is in passing trouble.
    pub async fn list_by(&self, cloud: &dyn Cloud) -> Result<Vec<ObservedResource>, Broken> {
        let mut last = String::from("nothing");
        for _ in 0..100 {
            match cloud.list(&self.selector()).await {
                Ok(Listing { resources, complete: true }) => return Ok(resources),
                Ok(_) => "a cut list".clone_into(&mut last),
                Err(failure) if failure.is_passing() => last = failure.to_string(),
                Err(failure) => return Err(failure.into()),
            }
            sleep(self.terms.poll).await;
        }
        Err(Broken(format!("no full list in 100 tries: {last}")))
    }

    /// Everything of this test, once it shows as it is.
    pub async fn list(&self) -> Result<Vec<ObservedResource>, Broken> {
        self.settle().await;
        let resources = self.list_by(&*self.cloud).await?;
        Ok(resources.into_iter().filter(|r| r.state != State::Removing).collect())
    }

    /// Proves that, by the cloud's own list, exactly these are there, each once, with their marks.
    pub async fn exactly(&self, wanted: &[&Create]) -> Proof {
        let seen = self.list().await?;
        let mut names: Vec<&str> = seen.iter().map(|r| &*r.name).collect();
        let mut expected: Vec<&str> = wanted.iter().map(|c| &*c.name).collect();
        names.sort_unstable();
        expected.sort_unstable();
        let same = if self.caseless() {
            names.iter().map(|n| n.to_lowercase()).eq(expected.iter().map(|n| n.to_lowercase()))
        } else {
            names == expected
        };
        prove(same, || format!("expected exactly {expected:?}, the list shows {names:?}"))?;
        for resource in &seen {
            let of = |m: &Marks| (m.owner.clone(), m.app.clone(), m.res.clone());
            let marks = resource.marks.as_ref().map(of);
            prove(wanted.iter().any(|c| Some(of(&c.marks)) == marks), || {
                format!("{} bears the marks {:?}", resource.name, resource.marks)
            })?;
        }
        Ok(())
    }

    fn caseless(&self) -> bool {
        self.cloud.describe().has(crate::ability::NAMES_CASELESS)
    }

    /// Waits until a resource is past being made; gives it.
    pub async fn made(&self, create: &Create) -> Result<ObservedResource, Broken> {
        let by = FindBy::Operation(create.marks.op.clone());
        let polls = self.terms.deadline.as_micros() / self.terms.poll.as_micros().max(1);
        for _ in 0..polls {
            match self.cloud.find(&create.resource_type, &by).await {
                Ok(found) => match found.into_iter().next() {
                    Some(resource) if resource.state != State::Pending => return Ok(resource),
                    _ => {}
                },
                Err(failure) if failure.is_passing() => {}
                Err(failure) => return Err(failure.into()),
            }
            sleep(self.terms.poll).await;
        }
        Err(Broken(format!("{} is still being made at the deadline", create.name)))
    }

    /// Makes the whole family, each once those it needs are ready.
    pub async fn make_family(
        &self,
        family: &[(Member, Create)],
    ) -> Result<Vec<ObservedResource>, Broken> {
        let mut made = Vec::new();
        for (_, create) in family {
            self.ensure(create).await?;
            made.push(self.made(create).await?);
        }
        Ok(made)
    }

    /// Removes everything that bears the suite's mark, whichever test made it.
    pub(super) async fn clear(&self) -> Proof {
        self.ground.clear().await?;
        let all = Selector { owner: self.owner.clone(), app: None };
        let mut left = Vec::new();
        for _ in 0..PASSES {
            self.settle().await;
            let listing = match self.cloud.list(&all).await {
                Ok(listing) => listing,
                Err(failure) if failure.is_passing() => continue,
                Err(failure) => return Err(failure.into()),
            };
            left = listing.resources;
            if left.is_empty() && listing.complete {
                return Ok(());
            }
            // What is busy in this pass goes in the next one.
            for resource in &left {
                let terms = self.terms.within(self.terms.poll * 5);
                let removal = self.removal(resource);
                match remove(&*self.cloud, &removal, &terms, &NoJournal).await {
                    Ok(_) => {}
                    Err(failure) if failure.is_passing() => {}
                    Err(failure) => return Err(failure.into()),
                }
            }
        }
        let left: Vec<&str> = left.iter().map(|r| &*r.name).collect();
        Err(Broken(format!("clearing up left {left:?}")))
    }
}

/// Runs a program until it ends or is told to die; `None` if it died.
pub(super) async fn until_death<T>(
    crashes: &[Arc<Notify>],
    program: impl Future<Output = T>,
) -> Option<T> {
    let death = async {
        if crashes.is_empty() {
            std::future::pending::<()>().await;
        }
        let waits = crashes.iter().map(|crash| Box::pin(crash.notified()));
        futures::future::select_all(waits).await;
    };
    tokio::select! {
        biased;
        ended = program => Some(ended),
        () = death => None,
    }
}
