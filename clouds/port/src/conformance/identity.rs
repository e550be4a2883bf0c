//! One wish, one resource: whatever is lost or dies on the way.

use std::sync::Arc;
use std::time::Duration;

use coc_model::resource::ObservedResource;
use tokio::time::sleep;

use crate::ability::TOKEN_CREATE;
use crate::cloud::{Create, FindBy};
use crate::conformance::harness::Document;
use crate::conformance::notebook::{Death, Notebook};
use crate::conformance::stage::{Broken, Proof, Stage, prove, until_death};
use crate::ensure::{Change, Ensured};
use crate::failure::Failure;
use crate::layers::Verb;
use crate::layers::faults::{Fault, Faults, Rule, When};

fn changed(ensured: &Ensured, expected: Change) -> Proof {
    prove(ensured.change == expected, || {
        format!("expected {expected:?}, it was {:?}", ensured.change)
    })
}

fn same(one: &ObservedResource, other: &ObservedResource) -> Proof {
    prove(one.native_id == other.native_id, || {
        format!("{} is {} first and {} then", one.name, one.native_id.0, other.native_id.0)
    })
}

/// The second time finds what the first time made.
pub async fn ensure_twice_is_one(stage: &Stage<'_>) -> Proof {
    let create = stage.basic("one")?;
    let first = stage.ensure(&create).await?;
    changed(&first, Change::Created)?;
    stage.settle().await;
    let second = stage.ensure(&create).await?;
    changed(&second, Change::None)?;
    same(&first.resource, &second.resource)?;
    stage.exactly(&[&create]).await
}

/// A create whose answer is lost is found again; one that never arrived is sent again.
pub async fn ensure_after_lost_answer_is_one(stage: &Stage<'_>) -> Proof {
    for (part, fault) in [("lost", Fault::AnswerLost), ("dropped", Fault::Dropped)] {
        let stage = stage.part(part);
        for document in [Document::Basic, Document::SharedName] {
            let Some(sample) = stage.harness.document(document) else { continue };
            let stage = stage.part(if document == Document::Basic { "basic" } else { "shared" });
            let create = stage.create("one", &sample);
            let rule = Rule::on(&[Verb::Create], When::Nth(1), fault.clone());
            let faults = Faults::new(Arc::clone(&stage.cloud), 0, vec![rule]);
            let ensured = stage.ensure_by(&faults, &create, &Notebook::new()).await?;
            prove(faults.faults() == 1, || "no create was sent".into())?;
            changed(&ensured, Change::Created)?;
            stage.exactly(&[&create]).await?;
        }
    }
    Ok(())
}

/// Runs `ensure` until it dies, starts again with what the journal holds, and proves one resource
/// with every request closed.
async fn ensure_and_die(stage: &Stage<'_>, rules: Vec<Rule>, death: Death) -> Proof {
    for document in [Document::Basic, Document::SharedName] {
        let Some(sample) = stage.harness.document(document) else { continue };
        let stage = stage.part(if document == Document::Basic { "basic" } else { "shared" });
        let create = stage.create("one", &sample);
        let faults = Faults::new(Arc::clone(&stage.cloud), 0, rules.clone());
        let notebook = Notebook::dying(death);
        let crashes = [faults.crashed(), notebook.crashed()];
        let first = until_death(&crashes, stage.ensure_by(&faults, &create, &notebook)).await;
        prove(first.is_none(), || "it was to die and did not".into())?;
        prove(notebook.sent() == 1 && notebook.closed() == 0, || {
            format!("the journal holds {} requests, {} closed", notebook.sent(), notebook.closed())
        })?;
        let second = stage.ensure_by(&*stage.cloud, &create, &notebook).await?;
        stage.exactly(&[&create]).await?;
        // Found: what the first life sent had its effect. Created: it had none.
        let closed = notebook.sent() == 1 + notebook.closed();
        prove(closed, || "a request of the second life is not closed".into())?;
        let sent_again = notebook.sent() == 2;
        let expected = if sent_again { Change::Created } else { Change::None };
        changed(&second, expected)?;
        let arrived = !matches!(rules.first(), Some(Rule { fault: Fault::CrashBefore, .. }));
        prove(arrived != sent_again, || {
            format!("the first request arrived: {arrived}; it was sent again: {sent_again}")
        })?;
    }
    Ok(())
}

/// Died after writing down, before sending.
pub async fn ensure_after_crash_before_send(stage: &Stage<'_>) -> Proof {
    let rule = Rule::on(&[Verb::Create], When::Nth(1), Fault::CrashBefore);
    ensure_and_die(stage, vec![rule], Death::Never).await
}

/// Died after sending, before the answer.
pub async fn ensure_after_crash_after_send(stage: &Stage<'_>) -> Proof {
    let rule = Rule::on(&[Verb::Create], When::Nth(1), Fault::CrashAfter);
    ensure_and_die(stage, vec![rule], Death::Never).await
}

/// Died with the answer, before writing it down.
pub async fn ensure_after_crash_after_answer(stage: &Stage<'_>) -> Proof {
    ensure_and_die(stage, Vec::new(), Death::AfterAnswer(1)).await
}

/// Once the cloud has forgotten the token, the look-up alone keeps a second resource away.
pub async fn token_expired_falls_back_to_find(stage: &Stage<'_>) -> Proof {
    let life = stage.cloud.describe().seconds(TOKEN_CREATE);
    let life = life.ok_or_else(|| Broken("how long tokens live is not declared".into()))?;
    for document in [Document::Basic, Document::SharedName] {
        let Some(sample) = stage.harness.document(document) else { continue };
        let stage = stage.part(if document == Document::Basic { "basic" } else { "shared" });
        let create = stage.create("one", &sample);
        let first = stage.ensure(&create).await?;
        sleep(life + Duration::from_secs(1)).await;
        let second = stage.ensure(&create).await?;
        changed(&second, Change::None)?;
        same(&first.resource, &second.resource)?;
        stage.exactly(&[&create]).await?;
    }
    Ok(())
}

/// The same token for another document is refused, and nothing changes.
pub async fn token_reused_with_other_body_is_refused(stage: &Stage<'_>) -> Proof {
    let create = stage.basic("one")?;
    let first = stage.ensure(&create).await?.resource;
    let mut other = stage.changed(&create, &stage.sample(Document::Changed)?);
    other.marks = create.marks.clone();
    let answer = stage.cloud.create(&other).await;
    prove(matches!(answer, Err(Failure::Invalid(_))), || {
        format!("expected a refusal as invalid, the answer was {:?}", answer.map(|r| r.native_id))
    })?;
    stage.exactly(&[&create]).await?;
    let seen = stage.list().await?;
    same(&first, &seen[0])?;
    prove(seen[0].spec == first.spec, || "the resource was changed".into())
}

/// Of two resources with one mark the older stays.
pub async fn two_with_one_mark_heals_to_older(stage: &Stage<'_>) -> Proof {
    let create = stage.create("one", &stage.sample(Document::SharedName)?);
    let first = stage.ensure(&create).await?.resource;
    let twin = stage.ground.twin(&create).await?;
    stage.settle().await;
    let by = FindBy::Operation(create.marks.op.clone());
    let both = stage.cloud.find(&create.resource_type, &by).await?;
    prove(both.len() == 2, || format!("{} resources bear the mark, expected 2", both.len()))?;
    let healed = stage.ensure(&create).await?;
    same(&first, &healed.resource)?;
    prove(healed.doubles == [twin.clone()], || {
        format!("expected {} to be removed, removed: {:?}", twin.0, healed.doubles)
    })?;
    await_gone(stage, &create, &twin).await?;
    stage.exactly(&[&create]).await
}

async fn await_gone(
    stage: &Stage<'_>,
    create: &Create,
    id: &coc_model::resource::NativeId,
) -> Proof {
    for _ in 0..100 {
        let found = stage.cloud.find(&create.resource_type, &FindBy::Id(id.clone())).await?;
        if found.is_empty() {
            return Ok(());
        }
        sleep(stage.terms.poll).await;
    }
    Err(Broken(format!("{} is still there after 100 looks", id.0)))
}

/// A name that somebody else has is a conflict, named, and the other resource stays as it is.
pub async fn foreign_same_name_is_conflict_untouched(stage: &Stage<'_>) -> Proof {
    let create = stage.basic("one")?;
    let id = stage.ground.foreign(&create.name).await?;
    let by = FindBy::Id(id.clone());
    // At once, while the other one may not show, and again when everything does.
    for _ in 0..2 {
        let answer = stage.ensure(&create).await;
        prove(
            matches!(&answer, Err(Failure::Foreign { name, .. }) if *name == create.name),
            || format!("expected a conflict over {}, the answer was {answer:?}", create.name),
        )?;
        stage.settle().await;
    }
    let found = stage.cloud.find(&create.resource_type, &by).await?;
    prove(found.len() == 1 && found[0].marks.is_none() && found[0].spec.is_none(), || {
        format!("the other resource is now {found:?}")
    })?;
    stage.exactly(&[]).await
}
