//! Removing what is ours, and nothing else.

use coc_model::resource::{ObservedResource, State};
use futures::future::join_all;

use crate::cloud::FindBy;
use crate::conformance::harness::Document;
use crate::conformance::stage::{Broken, Proof, Stage, prove};
use crate::failure::Failure;
use crate::journal::NoJournal;
use crate::remove::{Removal, Removed, remove};

async fn made(stage: &Stage<'_>, document: Document) -> Result<ObservedResource, Broken> {
    let create = stage.create("one", &stage.sample(document)?);
    stage.ensure(&create).await?;
    stage.settle().await;
    stage.made(&create).await
}

async fn untouched(stage: &Stage<'_>, resource: &ObservedResource) -> Proof {
    stage.settle().await;
    let by = FindBy::Id(resource.native_id.clone());
    let found = stage.cloud.find(&resource.resource_type, &by).await?;
    let kept = found.first().is_some_and(|now| {
        now.state != State::Removing
            && (&now.marks, &now.spec, &now.name)
                == (&resource.marks, &resource.spec, &resource.name)
    });
    prove(kept, || format!("it was {resource:?} and is {:?}", found.first()))
}

/// Removing what is not there any more is no failure.
pub async fn delete_twice_ok(stage: &Stage<'_>) -> Proof {
    let resource = made(stage, Document::Basic).await?;
    let first = stage.remove(&resource).await?;
    prove(first == Removed::Deleted, || format!("the first time it was {first:?}"))?;
    stage.exactly(&[]).await?;
    let second = stage.remove(&resource).await?;
    prove(second == Removed::WasGone, || format!("the second time it was {second:?}"))?;
    stage.cloud.delete(&resource.resource_type, &resource.native_id).await?;
    stage.exactly(&[]).await
}

/// Asked to go all at once, each waits until what needs it has gone.
pub async fn busy_waits_then_succeeds(stage: &Stage<'_>) -> Proof {
    let made = stage.make_family(&stage.family()).await?;
    stage.settle().await;
    let removals = made.iter().map(|resource| stage.remove(resource));
    for (resource, removed) in made.iter().zip(join_all(removals).await) {
        let removed = removed?;
        prove(removed == Removed::Deleted, || format!("{} was {removed:?}", resource.name))?;
    }
    stage.exactly(&[]).await
}

/// If something of somebody else's is in the way, the failure names it, and it stays.
pub async fn blocked_by_foreign_names_it(stage: &Stage<'_>) -> Proof {
    let resource = made(stage, Document::Basic).await?;
    let blocker = stage.ground.block(&resource.native_id).await?;
    stage.settle().await;
    let terms = stage.terms.within(stage.terms.poll * 3);
    let answer = remove(&*stage.cloud, &stage.removal(&resource), &terms, &NoJournal).await;
    let named = matches!(&answer, Err(Failure::Busy { says, .. }) if says.contains(&blocker));
    prove(named, || format!("expected {blocker} to be named: {answer:?}"))?;
    untouched(stage, &resource).await
}

/// What others of ours need stays until they have gone.
pub async fn order_follows_references(stage: &Stage<'_>) -> Proof {
    let family = stage.family();
    let made = stage.make_family(&family).await?;
    let first = &made[0];
    let terms = stage.terms.within(stage.terms.poll * 3);
    let answer = remove(&*stage.cloud, &stage.removal(first), &terms, &NoJournal).await;
    prove(matches!(answer, Err(Failure::Busy { .. })), || {
        format!("{} is needed by others, and removing it gave {answer:?}", first.name)
    })?;
    untouched(stage, first).await?;
    for resource in made.iter().rev() {
        stage.remove(resource).await?;
    }
    stage.exactly(&[]).await
}

/// Protection is told, and not lifted to get the work done.
pub async fn protected_is_reported_not_forced(stage: &Stage<'_>) -> Proof {
    let resource = made(stage, Document::Protected).await?;
    let answer = stage.remove(&resource).await;
    prove(matches!(answer, Err(Failure::Denied(_) | Failure::Failed { .. })), || {
        format!("expected a refusal, removing gave {answer:?}")
    })?;
    untouched(stage, &resource).await?;
    let protected = stage.create("one", &stage.sample(Document::Protected)?);
    let freed = stage.changed(&protected, &stage.sample(Document::Basic)?);
    stage.ensure(&freed).await?;
    stage.settle().await;
    stage.remove(&resource).await?;
    stage.exactly(&[]).await
}

/// What does not bear our mark at that moment is not deleted.
pub async fn only_ours_removed(stage: &Stage<'_>) -> Proof {
    let basic = stage.sample(Document::Basic)?;
    let name = stage.name("foreign", basic.resource_type);
    let id = stage.ground.foreign(&name).await?;
    stage.settle().await;
    let by = FindBy::Id(id.clone());
    let found = stage.cloud.find(basic.resource_type, &by).await?;
    let foreign = found.first().ok_or_else(|| Broken("the foreign one does not show".into()))?;
    let answer = stage.remove(foreign).await;
    prove(matches!(answer, Err(Failure::Foreign { .. })), || {
        format!("expected a refusal, removing gave {answer:?}")
    })?;
    untouched(stage, foreign).await?;
    let ours = made(stage, Document::Basic).await?;
    let theirs = Removal { owner: coc_model::marks::Mark::of("nobody"), ..stage.removal(&ours) };
    let answer = remove(&*stage.cloud, &theirs, &stage.terms, &NoJournal).await;
    prove(matches!(answer, Err(Failure::Foreign { .. })), || {
        format!("expected ours to be refused to nobody, removing gave {answer:?}")
    })?;
    untouched(stage, &ours).await
}
