//! Work that takes its time.

use std::sync::Arc;
use std::time::Duration;

use coc_model::resource::State;
use tokio::time::{Instant, sleep};

use crate::cloud::FindBy;
use crate::conformance::harness::{Document, Trouble};
use crate::conformance::stage::{Broken, Proof, Stage, prove};
use crate::ensure::ensure;
use crate::failure::Failure;
use crate::journal::NoJournal;
use crate::layers::Layered;
use crate::layers::retry::{Policy, Retry};
use crate::random::Random;
use crate::remove::remove;

/// A create that was accepted and fails later is seen as failed, never as running.
pub async fn operation_failure_after_200_is_failure(stage: &Stage<'_>) -> Proof {
    let create = stage.create("one", &stage.sample(Document::Doomed)?);
    stage.ensure(&create).await?;
    let by = FindBy::Operation(create.marks.op.clone());
    let since = Instant::now();
    while since.elapsed() < stage.terms.deadline {
        let found = stage.cloud.find(&create.resource_type, &by).await?;
        match found.first().map(|r| r.state) {
            None | Some(State::Pending) => {}
            Some(State::Failed) => return Ok(()),
            Some(other) => return Err(Broken(format!("it is shown as {other:?}"))),
        }
        sleep(stage.terms.poll).await;
    }
    Err(Broken("it never failed".into()))
}

/// When the cloud says how long to wait, that long is waited.
pub async fn wait_header_obeyed_exactly(stage: &Stage<'_>) -> Proof {
    let wait = Duration::from_secs(3);
    let cloud = stage.ground.under(Trouble::Throttled { calls: 1, wait: Some(wait) });
    let retrying = Layered::new(Retry::new(Policy::default(), Random::new(1)), cloud);
    let since = Instant::now();
    stage.list_by(&retrying).await?;
    let took = since.elapsed();
    prove(took >= wait && took <= wait + stage.harness.slack(), || {
        format!("told to wait {wait:?}, it took {took:?}")
    })
}

/// A program that starts again finds the work of the one before, and waits for its end.
pub async fn poll_survives_restart(stage: &Stage<'_>) -> Proof {
    let create = stage.basic("one")?;
    let first = stage.ensure(&create).await?.resource;
    let cloud = stage.ground.reopen().await?;
    let second = ensure(&*cloud, &create, &stage.terms, &NoJournal).await?.resource;
    prove(first.native_id == second.native_id, || "a second one was made".into())?;
    let by = FindBy::Id(first.native_id.clone());
    let since = Instant::now();
    while since.elapsed() < stage.terms.deadline {
        let found = cloud.find(&create.resource_type, &by).await?;
        if found.first().is_some_and(|r| r.state != State::Pending) {
            let seen = stage.list_by(&*cloud).await?;
            return prove(seen.len() == 1, || format!("{} are listed, expected 1", seen.len()));
        }
        sleep(stage.terms.poll).await;
    }
    Err(Broken("it is still being made at the deadline".into()))
}

/// Waiting ends at the deadline, with what was waited for and the state it was left in.
pub async fn deadline_is_reported_with_state(stage: &Stage<'_>) -> Proof {
    let create = stage.basic("one")?;
    stage.ensure(&create).await?;
    let resource = stage.made(&create).await?;
    stage.ground.block(&resource.native_id).await?;
    let terms = stage.terms.within(stage.terms.poll * 3);
    let since = Instant::now();
    let cloud = Arc::clone(&stage.cloud);
    let answer = remove(&*cloud, &stage.removal(&resource), &terms, &NoJournal).await;
    let took = since.elapsed();
    let bound = (terms.settle + terms.gone + terms.deadline) * 2 + Duration::from_secs(60);
    prove(took < bound, || format!("it took {took:?}"))?;
    let state = format!("{:?}", resource.state).to_lowercase();
    match answer {
        Err(Failure::Busy { says, .. })
            if says.contains(&state) && says.contains(&resource.name) =>
        {
            Ok(())
        }
        other => Err(Broken(format!("expected {} and \"{state}\": {other:?}", resource.name))),
    }
}
