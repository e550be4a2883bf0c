//! Changes in place.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use serde_json::Value;

use crate::cloud::FindBy;
use crate::conformance::harness::{Document, Ground};
use crate::conformance::notebook::Notebook;
use crate::conformance::stage::{Broken, Proof, Stage, prove};
use crate::ensure::Change;
use crate::failure::Failure;
use crate::layers::{Call, Layer, Layered, Send, Verb};

/// Changes the resource by hand right before the first update goes out.
struct Meddler {
    ground: Arc<dyn Ground>,
    id: coc_model::resource::NativeId,
    meddled: Arc<AtomicBool>,
}

#[async_trait]
impl Layer for Meddler {
    async fn around<'a, T: std::marker::Send>(
        &self,
        call: Call<'a>,
        send: &Send<'a, T>,
    ) -> Result<T, Failure> {
        if call.verb == Verb::Update && !self.meddled.swap(true, Ordering::SeqCst) {
            self.ground
                .change_by_hand(&self.id)
                .await
                .map_err(|Broken(why)| Failure::Failed { code: "harness".to_owned(), says: why })?;
        }
        send().await
    }
}

/// A resource that changed between reading and writing is read again; nothing is overwritten
/// unseen, and in the end it is as wanted.
pub async fn precondition_failure_rereads(stage: &Stage<'_>) -> Proof {
    let create = stage.basic("one")?;
    stage.ensure(&create).await?;
    let made = stage.made(&create).await?;
    let meddled = Arc::new(AtomicBool::new(false));
    let meddler = Meddler {
        ground: Arc::clone(&stage.ground),
        id: made.native_id.clone(),
        meddled: Arc::clone(&meddled),
    };
    let cloud = Layered::new(meddler, Arc::clone(&stage.cloud));
    let wanted = stage.changed(&create, &stage.sample(Document::Changed)?);
    let notebook = Notebook::new();
    let updated = stage.ensure_by(&cloud, &wanted, &notebook).await?;
    prove(meddled.load(Ordering::SeqCst), || "no update was sent".into())?;
    prove(updated.change == Change::Updated, || format!("it was {:?}", updated.change))?;
    prove(notebook.sent() >= 2, || "the first update was not refused".into())?;
    stage.exactly(&[&create]).await?;
    let seen = stage.list().await?;
    prove(seen[0].spec.as_ref() == Some(&wanted.spec), || "it is not as wanted".into())?;
    let drift = stage.cloud.drift(&wanted.native, &seen[0]).unwrap_or_default();
    prove(drift.is_empty(), || format!("it differs from what is wanted: {drift:?}"))
}

/// The keys at the top in which two documents differ.
fn differing(one: &Value, other: &Value) -> Vec<String> {
    let keys = |v: &Value| v.as_object().map(|o| o.keys().cloned().collect()).unwrap_or_default();
    let mut all: Vec<String> = keys(one);
    all.extend(keys(other));
    all.sort();
    all.dedup();
    all.retain(|key| one.get(key) != other.get(key));
    all
}

/// Only the fields that change are sent.
pub async fn smallest_native_change_sent(stage: &Stage<'_>) -> Proof {
    let create = stage.basic("one")?;
    stage.ensure(&create).await?;
    stage.made(&create).await?;
    let wanted = stage.changed(&create, &stage.sample(Document::Changed)?);
    stage.ensure(&wanted).await?;
    let sent = stage.ground.last_change()?;
    let sent: Vec<&String> = sent.as_object().map(|o| o.keys().collect()).unwrap_or_default();
    let differ = differing(&create.native, &wanted.native);
    prove(sent.iter().copied().eq(differ.iter()), || {
        format!("the documents differ in {differ:?}, sent were {sent:?}")
    })
}

/// What can't be changed in place is refused by the field's name, and stays as it is.
pub async fn immutable_field_means_replace_planned_not_surprise(stage: &Stage<'_>) -> Proof {
    let create = stage.basic("one")?;
    stage.ensure(&create).await?;
    let before = stage.made(&create).await?;
    let replaced = stage.sample(Document::Replaced)?;
    let wanted = stage.changed(&create, &replaced);
    let answer = stage.ensure(&wanted).await;
    let differ = differing(&create.native, &replaced.native);
    let named = matches!(&answer, Err(Failure::Immutable(field)) if differ.iter().any(|d| field.contains(d)));
    prove(named, || format!("expected {differ:?} to be refused as immutable: {answer:?}"))?;
    stage.exactly(&[&create]).await?;
    let after = stage.list().await?;
    prove(after[0].native_id == before.native_id && after[0].spec == before.spec, || {
        "the resource was changed all the same".into()
    })
}

/// A field that others set and we never state stays through our update.
pub async fn other_manager_field_left_alone(stage: &Stage<'_>) -> Proof {
    let create = stage.basic("one")?;
    stage.ensure(&create).await?;
    let made = stage.made(&create).await?;
    let field = stage.ground.add_by_hand(&made.native_id).await?;
    stage.settle().await;
    let by = FindBy::Id(made.native_id.clone());
    let read = |found: Vec<coc_model::resource::ObservedResource>| {
        found.first().and_then(|r| r.native.pointer(&field).cloned())
    };
    let before = read(stage.cloud.find(&create.resource_type, &by).await?);
    prove(before.is_some(), || format!("{field} was set and does not show"))?;
    let drift = stage.cloud.find(&create.resource_type, &by).await?;
    let drift =
        drift.first().and_then(|r| stage.cloud.drift(&create.native, r)).unwrap_or_default();
    prove(drift.is_empty(), || format!("it is taken for drift: {drift:?}"))?;
    let wanted = stage.changed(&create, &stage.sample(Document::Changed)?);
    let updated = stage.ensure(&wanted).await?;
    prove(updated.change == Change::Updated, || format!("it was {:?}", updated.change))?;
    stage.settle().await;
    let after = read(stage.cloud.find(&create.resource_type, &by).await?);
    prove(before == after, || format!("{field} was {before:?} and is {after:?}"))
}

/// A field that the cloud does not know is refused by its name before anything is made.
pub async fn field_newer_than_server_refused(stage: &Stage<'_>) -> Proof {
    let create = stage.create("one", &stage.sample(Document::Unknown)?);
    let answer = stage.ensure(&create).await;
    let named = matches!(&answer, Err(Failure::Invalid(says)) if says.contains("noSuchField"));
    prove(named, || format!("expected noSuchField to be refused: {answer:?}"))?;
    stage.exactly(&[]).await
}
