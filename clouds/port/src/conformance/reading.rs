//! What answers to reads prove, and what they don't.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::cloud::{Create, Selector};
use crate::conformance::harness::{Document, Trouble};
use crate::conformance::notebook::Notebook;
use crate::conformance::stage::{Broken, Proof, Stage, prove};
use crate::ensure::ensure;
use crate::failure::Failure;
use crate::observe::{Presence, Sightings};
use crate::remove::Removed;

/// What was just made may not show; it is not gone for that, and can be removed.
pub async fn created_then_404_is_not_gone(stage: &Stage<'_>) -> Proof {
    let create = stage.basic("one")?;
    let notebook = Notebook::new();
    let first = stage.ensure_by(&*stage.cloud, &create, &notebook).await?.resource;
    let since = Instant::now();
    let mut sightings = Sightings::new(stage.terms.settle);
    sightings.touched(&first.native_id, since.elapsed());
    while since.elapsed() <= stage.terms.settle {
        let asked = since.elapsed();
        let listing = stage.cloud.list(&stage.selector()).await?;
        sightings.listed(asked, &listing);
        let presence = sightings.presence(&first.native_id);
        prove(presence != Presence::Gone, || format!("said to be gone after {asked:?}"))?;
        sleep(stage.terms.poll).await;
    }
    let second = stage.ensure_by(&*stage.cloud, &create, &notebook).await?.resource;
    prove(second.native_id == first.native_id, || "a second one was made".into())?;
    stage.exactly(&[&create]).await?;

    let other = stage.basic("other")?;
    let made = stage.ensure(&other).await?.resource;
    let removed = stage.remove(&made).await?;
    prove(removed == Removed::Deleted, || {
        "removed right after it was made, it was taken to be gone".into()
    })?;
    stage.exactly(&[&create]).await
}

/// Refused reads say nothing: nothing is missing by them.
pub async fn throttled_list_is_not_empty(stage: &Stage<'_>) -> Proof {
    let create = stage.basic("one")?;
    let id = stage.ensure(&create).await?.resource.native_id;
    stage.settle().await;
    let mut sightings = Sightings::new(stage.terms.settle);
    let since = Instant::now();
    sightings.listed(since.elapsed(), &stage.cloud.list(&stage.selector()).await?);
    let cloud = stage.ground.under(Trouble::Throttled { calls: 2, wait: None });
    let mut refusals = 0;
    while refusals < 2 {
        match cloud.list(&stage.selector()).await {
            Err(Failure::Throttled { .. }) => refusals += 1,
            Err(other) => return Err(Broken(format!("throttled, it failed with {other}"))),
            Ok(listing) => {
                return Err(Broken(format!(
                    "throttled, it listed {} resources",
                    listing.resources.len()
                )));
            }
        }
        let presence = sightings.presence(&id);
        prove(presence == Presence::There, || format!("a refusal made it {presence:?}"))?;
    }
    let seen = stage.list_by(&*cloud).await?;
    prove(seen.len() == 1, || format!("then it listed {} resources, expected 1", seen.len()))
}

/// A list that ended early says so, and nothing is missing by it.
pub async fn cut_page_is_unknown(stage: &Stage<'_>) -> Proof {
    let creates =
        (0..4).map(|i| stage.basic(&format!("r{i}"))).collect::<Result<Vec<Create>, _>>()?;
    let mut sightings = Sightings::new(stage.terms.settle);
    for create in &creates {
        stage.ensure(create).await?;
    }
    stage.settle().await;
    let since = Instant::now();
    let whole = stage.cloud.list(&stage.selector()).await?;
    prove(whole.complete && whole.resources.len() == 4, || {
        format!("a whole list shows {} of 4", whole.resources.len())
    })?;
    sightings.listed(since.elapsed(), &whole);
    let cloud = stage.ground.under(Trouble::CutPages { lists: 3 });
    let mut cut = 0;
    for _ in 0..3 {
        if let Ok(listing) = cloud.list(&stage.selector()).await {
            prove(!listing.complete || listing.resources.len() == 4, || {
                format!("{} of 4 are said to be all", listing.resources.len())
            })?;
            cut += usize::from(!listing.complete);
            sightings.listed(since.elapsed(), &listing);
        } else {
            cut += 1;
        }
    }
    prove(cut == 3, || format!("{cut} of 3 lists were cut"))?;
    for resource in &whole.resources {
        let presence = sightings.presence(&resource.native_id);
        prove(presence != Presence::Gone, || format!("{} is said to be gone", resource.name))?;
    }
    stage.exactly(&creates.iter().collect::<Vec<_>>()).await
}

/// Reads from before the create don't make a second one.
pub async fn stale_read_does_not_recreate(stage: &Stage<'_>) -> Proof {
    for document in [Document::Basic, Document::SharedName] {
        let Some(sample) = stage.harness.document(document) else { continue };
        let stage = stage.part(if document == Document::Basic { "basic" } else { "shared" });
        let create = stage.create("one", &sample);
        let notebook = Notebook::new();
        let cloud = stage.ground.under(Trouble::Stale { time: stage.terms.settle });
        let first = ensure(&*cloud, &create, &stage.terms, &notebook).await?.resource;
        let second = ensure(&*cloud, &create, &stage.terms, &notebook).await?.resource;
        prove(first.native_id == second.native_id, || "a second one was made".into())?;
        stage.exactly(&[&create]).await?;
    }
    Ok(())
}

/// How many resources stand still while others come and go; more than fit one page.
const STANDING: usize = 30;

/// A list that takes several pages misses nothing that was there all the time.
pub async fn list_pages_complete_under_change(stage: &Stage<'_>) -> Proof {
    let standing = (0..STANDING)
        .map(|i| stage.basic(&format!("standing{i}")))
        .collect::<Result<Vec<_>, _>>()?;
    let passing =
        (0..6).map(|i| stage.basic(&format!("passing{i}"))).collect::<Result<Vec<_>, _>>()?;
    for create in &standing {
        stage.ensure(create).await?;
    }
    stage.settle().await;
    let change = async {
        for create in &passing {
            let made = stage.ensure(create).await?.resource;
            stage.remove(&made).await?;
        }
        Ok::<(), Broken>(())
    };
    let look = async {
        for _ in 0..6 {
            let listing = stage.cloud.list(&stage.selector()).await?;
            prove(listing.complete, || "a list was cut".into())?;
            for create in &standing {
                let shown =
                    listing.resources.iter().filter(|r| r.marks.as_ref() == Some(&create.marks));
                let shown = shown.count();
                prove(shown == 1, || format!("{} is listed {shown} times", create.name))?;
            }
            sleep(Duration::from_millis(1)).await;
        }
        Ok::<(), Broken>(())
    };
    let (changed, looked) = tokio::join!(change, look);
    changed?;
    looked?;
    stage.exactly(&standing.iter().collect::<Vec<_>>()).await
}

/// What bears no mark, or another owner's or application's, is not in our list.
pub async fn unmarked_never_listed_as_ours(stage: &Stage<'_>) -> Proof {
    let ours = stage.basic("ours")?;
    stage.ensure(&ours).await?;
    let foreign = stage.ground.foreign(&stage.name("foreign", &ours.resource_type)).await?;
    let other = stage.part("other");
    let theirs = other.basic("theirs")?;
    other.ensure(&theirs).await?;
    stage.exactly(&[&ours]).await?;
    other.exactly(&[&theirs]).await?;
    let all = Selector { app: None, ..stage.selector() };
    let listing = stage.cloud.list(&all).await?;
    let names: Vec<&str> = listing.resources.iter().map(|r| &*r.name).collect();
    prove(names.len() == 2, || format!("of all applications there are 2, listed: {names:?}"))?;
    let stranger = Selector { owner: coc_model::marks::Mark::of("nobody"), app: None };
    let listing = stage.cloud.list(&stranger).await?;
    prove(listing.resources.is_empty(), || "nobody's list is not empty".into())?;
    let seen = stage.list().await?;
    prove(seen.iter().all(|r| r.native_id != foreign), || "the unmarked one is listed".into())
}
