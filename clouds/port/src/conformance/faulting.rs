//! Storms, resets, crashes: in the end exactly what is wanted is there.

use std::sync::Arc;
use std::time::Duration;

use futures::future::try_join_all;
use futures::stream::StreamExt;
use tokio::time::timeout;

use crate::cloud::{Cloud, Create};
use crate::conformance::harness::Document;
use crate::conformance::notebook::{Death, Notebook};
use crate::conformance::stage::{Broken, Proof, Stage, prove, until_death};
use crate::ensure::{Ensured, ensure};
use crate::failure::Failure;
use crate::layers::Layered;
use crate::layers::faults::{Fault, Faults, Rule, When};
use crate::layers::rate_limit::{Limits, RateLimit};
use crate::layers::retry::{Policy, Retry};
use crate::random::Random;
use crate::remove::{Removal, remove};

/// How often an operation is started over after a passing failure or a death.
const LIVES: usize = 100;

/// Starts `ensure` over until it ends with something that does not pass.
async fn persist(
    stage: &Stage<'_>,
    cloud: &dyn Cloud,
    create: &Create,
    notebook: &Notebook,
) -> Result<Ensured, Broken> {
    let mut last = None;
    for _ in 0..LIVES {
        match stage.ensure_by(cloud, create, notebook).await {
            Ok(ensured) => return Ok(ensured),
            Err(failure) if failure.is_passing() => last = Some(failure),
            Err(failure) => return Err(failure.into()),
        }
    }
    Err(Broken(format!("{} was not made in {LIVES} tries: {last:?}", create.name)))
}

fn many(stage: &Stage<'_>, count: usize) -> Result<Vec<Create>, Broken> {
    (0..count).map(|i| stage.basic(&format!("r{i}"))).collect()
}

/// Many at once, a third of all calls refused: all are made, none twice.
pub async fn throttle_storm_finishes_without_duplicates(stage: &Stage<'_>) -> Proof {
    let creates = many(stage, 40)?;
    let storm = Rule::any(When::Chance(330_000), Fault::Throttled(None));
    let faults = Arc::new(Faults::new(Arc::clone(&stage.cloud), 1, vec![storm]));
    let limit = RateLimit::new(Limits::of(&stage.cloud.describe()));
    let limited = Arc::new(Layered::new(limit, Arc::clone(&faults) as Arc<dyn Cloud>));
    let retry = Retry::new(Policy::default(), Random::new(2));
    let cloud = Layered::new(retry, limited);
    let notebooks: Vec<Notebook> = creates.iter().map(|_| Notebook::new()).collect();
    let all = creates.iter().zip(&notebooks).map(|(c, n)| persist(stage, &cloud, c, n));
    try_join_all(all).await?;
    prove(faults.faults() > 0, || "nothing was throttled".into())?;
    stage.exactly(&creates.iter().collect::<Vec<_>>()).await
}

/// Each third answer is lost, each fourth call never arrives.
pub async fn reset_every_nth_call(stage: &Stage<'_>) -> Proof {
    let creates = many(stage, 6)?;
    let rules = vec![
        Rule::any(When::Every(3), Fault::AnswerLost),
        Rule::any(When::Every(4), Fault::Dropped),
    ];
    let faults = Faults::new(Arc::clone(&stage.cloud), 0, rules);
    for create in &creates {
        persist(stage, &faults, create, &Notebook::new()).await?;
    }
    prove(faults.faults() > 0, || "nothing was reset".into())?;
    stage.exactly(&creates.iter().collect::<Vec<_>>()).await
}

/// Credentials that expire at any call are told as that, and the work goes on with new ones.
pub async fn auth_expires_midway(stage: &Stage<'_>) -> Proof {
    for call in 1.. {
        let stage = stage.part(&format!("call{call}"));
        let create = stage.basic("one")?;
        let notebook = Notebook::new();
        let rules = vec![Rule::any(When::Nth(call), Fault::Expired)];
        let faults = Faults::new(Arc::clone(&stage.cloud), 0, rules);
        let answer = stage.ensure_by(&faults, &create, &notebook).await;
        if faults.faults() == 0 {
            answer?;
            break;
        }
        prove(matches!(answer, Err(Failure::Expired)), || {
            format!("expired at call {call}, it ended with {answer:?}")
        })?;
        stage.ensure_by(&*stage.cloud, &create, &notebook).await?;
        stage.exactly(&[&create]).await?;
    }
    Ok(())
}

/// A family of which one member can't be made at first is completed, not begun again.
pub async fn partial_failure_resumes(stage: &Stage<'_>) -> Proof {
    for broken in 0..stage.family().len() {
        let stage = stage.part(&format!("member{broken}"));
        let family = stage.family();
        let mut before = Vec::new();
        for (_, create) in &family[..broken] {
            stage.ensure(create).await?;
            before.push(stage.made(create).await?.native_id);
        }
        let rules = vec![Rule::any(When::Every(1), Fault::Unreachable)];
        let faults = Faults::new(Arc::clone(&stage.cloud), 0, rules);
        let answer = stage.ensure_by(&faults, &family[broken].1, &Notebook::new()).await;
        prove(matches!(answer, Err(Failure::Unreachable { .. })), || {
            format!("the cloud can't be reached, and it ended with {answer:?}")
        })?;
        let after = stage.make_family(&family).await?;
        let kept = after.iter().zip(&before).all(|(now, then)| now.native_id == *then);
        prove(kept, || "what was there was made again".into())?;
        stage.exactly(&family.iter().map(|(_, c)| c).collect::<Vec<_>>()).await?;
        for resource in after.iter().rev() {
            stage.remove(resource).await?;
        }
    }
    Ok(())
}

/// A change wakes whoever watches; waking once or often, the list is the same.
pub async fn duplicate_events_change_nothing(stage: &Stage<'_>) -> Proof {
    let mut events = stage.cloud.watch();
    let mut doubled = stage.cloud.watch();
    let create = stage.basic("one")?;
    stage.ensure(&create).await?;
    for watch in [&mut events, &mut doubled] {
        let woken = timeout(Duration::from_secs(60), watch.next()).await;
        prove(matches!(woken, Ok(Some(()))), || "a create woke nobody in 60 s".into())?;
        stage.exactly(&[&create]).await?;
        stage.ensure(&create).await?;
    }
    stage.exactly(&[&create]).await
}

/// How a step fails.
#[derive(Clone, Debug)]
enum Way {
    Fault(&'static str, Fault),
    DiesAfterAnswer,
}

/// Before it is sent, after its effect and after its answer; told, not told, and fatal.
const WAYS: [Way; 5] = [
    Way::Fault("unreachable", Fault::Unreachable),
    Way::Fault("lost", Fault::AnswerLost),
    Way::Fault("dies-before", Fault::CrashBefore),
    Way::Fault("dies-after", Fault::CrashAfter),
    Way::DiesAfterAnswer,
];

/// What a program does.
#[derive(Debug)]
enum Operation<'a> {
    Ensure(&'a Create),
    Remove(Removal),
}

/// A program that fails at one step and is then started over.
struct Failing<'a, 'h> {
    stage: &'a Stage<'h>,
    faults: Faults,
    /// Among the journal's answers, the one that kills the program.
    death: Option<u64>,
    answers: u64,
    failed: bool,
}

impl<'a, 'h> Failing<'a, 'h> {
    fn new(stage: &'a Stage<'h>, way: &Way, step: u64) -> Self {
        let (rules, death) = match way {
            Way::Fault(_, fault) => (vec![Rule::any(When::Nth(step), fault.clone())], None),
            Way::DiesAfterAnswer => (Vec::new(), Some(step)),
        };
        let faults = Faults::new(Arc::clone(&stage.cloud), 0, rules);
        Self { stage, faults, death, answers: 0, failed: false }
    }

    fn notebook(&self) -> Notebook {
        match self.death.and_then(|step| step.checked_sub(self.answers)) {
            Some(left @ 1..) => Notebook::dying(Death::AfterAnswer(left)),
            _ => Notebook::new(),
        }
    }

    async fn once(&self, operation: &Operation<'_>, notebook: &Notebook) -> Result<(), Failure> {
        let (cloud, terms) = (&self.faults, &self.stage.terms);
        match operation {
            Operation::Ensure(create) => ensure(cloud, create, terms, notebook).await.map(|_| ()),
            Operation::Remove(removal) => remove(cloud, removal, terms, notebook).await.map(|_| ()),
        }
    }

    /// Starts an operation over until it is done.
    async fn persist(&mut self, operation: &Operation<'_>) -> Proof {
        let notebook = self.notebook();
        let mut last = None;
        for _ in 0..LIVES {
            let crashes = [self.faults.crashed(), notebook.crashed()];
            match until_death(&crashes, self.once(operation, &notebook)).await {
                Some(Ok(())) => {
                    self.answers += notebook.sent();
                    self.failed |= notebook.died() || self.faults.faults() > 0;
                    return Ok(());
                }
                Some(Err(failure)) if failure.is_passing() => last = Some(failure),
                Some(Err(failure)) => return Err(failure.into()),
                None => {}
            }
        }
        Err(Broken(format!("{operation:?} was not done in {LIVES} lives: {last:?}")))
    }
}

/// Makes and removes a set of resources, failing at call 1, 2, 3 ... until a run needs no failure.
async fn fail_everywhere(
    stage: &Stage<'_>,
    wanted: impl Fn(&Stage<'_>) -> Result<Vec<Create>, Broken>,
) -> Proof {
    for way in WAYS {
        let name = match &way {
            Way::Fault(name, _) => name,
            Way::DiesAfterAnswer => "dies-after-answer",
        };
        for step in 1.. {
            let stage = stage.part(&format!("{name}-{step}"));
            let creates = wanted(&stage)?;
            let creates: Vec<&Create> = creates.iter().collect();
            let mut program = Failing::new(&stage, &way, step);
            let mut made = Vec::new();
            for create in &creates {
                program.persist(&Operation::Ensure(create)).await?;
                made.push(stage.made(create).await?);
            }
            let at = |why: Broken| Broken(format!("{name} at call {step}: {}", why.0));
            stage.exactly(&creates).await.map_err(at)?;
            for resource in made.iter().rev() {
                program.persist(&Operation::Remove(stage.removal(resource))).await?;
            }
            stage.exactly(&[]).await.map_err(at)?;
            if !program.failed {
                prove(step > 1, || format!("{name} never struck"))?;
                break;
            }
        }
    }
    Ok(())
}

/// One resource of the basic type, and one whose names are not keys.
pub async fn fail_at_every_step(stage: &Stage<'_>) -> Proof {
    fail_everywhere(stage, |stage| {
        let mut set = vec![stage.basic("basic")?];
        if let Some(sample) = stage.harness.document(Document::SharedName) {
            set.push(stage.create("shared", &sample));
        }
        Ok(set)
    })
    .await
}

/// The whole family.
pub async fn family_fails_at_every_step(stage: &Stage<'_>) -> Proof {
    fail_everywhere(stage, |stage| {
        Ok(stage.family().into_iter().map(|(_, create)| create).collect())
    })
    .await
}

/// Listing many takes fewer requests than there are resources.
pub async fn one_call_for_many(stage: &Stage<'_>) -> Proof {
    let creates = many(stage, 30)?;
    for create in &creates {
        stage.ensure(create).await?;
    }
    stage.settle().await;
    let before = stage.ground.requests()?;
    let listing = stage.cloud.list(&stage.selector()).await?;
    let took = stage.ground.requests()? - before;
    prove(listing.resources.len() == 30, || format!("{} of 30 listed", listing.resources.len()))?;
    prove(took < 30, || format!("listing 30 resources took {took} requests"))
}
