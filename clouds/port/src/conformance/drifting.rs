//! Differences between what was sent and what is there.

use coc_model::resource::ObservedResource;
use serde_json::Value;

use crate::cloud::Create;
use crate::conformance::harness::Document;
use crate::conformance::stage::{Broken, Proof, Stage, prove};
use crate::drift::Difference;

fn drift(
    stage: &Stage<'_>,
    sent: &Value,
    seen: &ObservedResource,
) -> Result<Vec<Difference>, Broken> {
    let drift = stage.cloud.drift(sent, seen);
    drift.ok_or_else(|| Broken("drift is declared and can't be told".into()))
}

async fn made(stage: &Stage<'_>, create: &Create) -> Result<ObservedResource, Broken> {
    stage.ensure(create).await?;
    stage.settle().await;
    stage.made(create).await
}

fn none(differences: &[Difference], of: &str) -> Proof {
    prove(differences.is_empty(), || format!("{of} differs at once: {differences:?}"))
}

/// Nothing differs right after it was made, whatever the type.
pub async fn no_drift_right_after_create(stage: &Stage<'_>) -> Proof {
    for document in [Document::Basic, Document::SharedName, Document::Labelless] {
        let Some(sample) = stage.harness.document(document) else { continue };
        let create = stage.part("single").create(document.name(), &sample);
        let seen = made(stage, &create).await?;
        none(&drift(stage, &create.native, &seen)?, document.name())?;
    }
    let family = stage.family();
    let seen = stage.make_family(&family).await?;
    for ((member, create), seen) in family.iter().zip(&seen) {
        none(&drift(stage, &create.native, seen)?, member.key)?;
    }
    Ok(())
}

/// What the cloud fills in shows, and is no difference.
pub async fn server_filled_ignored(stage: &Stage<'_>) -> Proof {
    let create = stage.basic("one")?;
    let seen = made(stage, &create).await?;
    let sent = create.native.as_object();
    let filled = seen
        .native
        .as_object()
        .is_some_and(|read| read.keys().any(|key| sent.is_none_or(|sent| !sent.contains_key(key))));
    prove(filled, || "the cloud filled nothing in, so this proves nothing".into())?;
    none(&drift(stage, &create.native, &seen)?, "the basic document")
}

/// A change by hand is found, with the field, what was sent and what is there.
pub async fn manual_change_found_and_diffed(stage: &Stage<'_>) -> Proof {
    let create = stage.basic("one")?;
    let seen = made(stage, &create).await?;
    let field = stage.ground.change_by_hand(&seen.native_id).await?;
    stage.settle().await;
    let seen = stage.made(&create).await?;
    let found = drift(stage, &create.native, &seen)?;
    let fields: Vec<&str> = found.iter().map(|d| &*d.field).collect();
    prove(fields == [&*field], || format!("{field} was changed, found were {fields:?}"))?;
    let sent = create.native.pointer(&field);
    prove(Some(&found[0].sent) == sent && found[0].read.as_ref() != sent, || {
        format!("the difference is {:?}", found[0])
    })?;
    // And ensuring it again puts it right.
    stage.ensure(&create).await?;
    stage.settle().await;
    let seen = stage.made(&create).await?;
    none(&drift(stage, &create.native, &seen)?, "the reverted resource")
}

/// A field that can't be read back is not compared.
pub async fn unreadable_field_not_drift(stage: &Stage<'_>) -> Proof {
    let create = stage.create("one", &stage.sample(Document::Unreadable)?);
    let seen = made(stage, &create).await?;
    none(&drift(stage, &create.native, &seen)?, "the unreadable document")
}

/// Another spelling of the same value is no difference.
pub async fn equivalent_spelling_not_drift(stage: &Stage<'_>) -> Proof {
    let create = stage.create("one", &stage.sample(Document::Respelt)?);
    let basic = stage.sample(Document::Basic)?;
    prove(create.native != basic.native, || "it is not spelt otherwise".into())?;
    let seen = made(stage, &create).await?;
    none(&drift(stage, &create.native, &seen)?, "the respelt document")?;
    none(&drift(stage, &basic.native, &seen)?, "the basic document against it")
}
