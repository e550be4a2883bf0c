//! The loop: look, decide, do, and again, until there is nothing left to do.

use std::collections::{BTreeMap, BTreeSet};

use coc_cloud::cloud::Selector;
use coc_model::application::Condition as Awaited;
use coc_model::canonical;
use coc_model::marks::Mark;
use coc_model::plan::{Plan, PlannedResource};
use coc_model::resource::{ObservedResource, State};
use coc_model::secret::Secrets;
use coc_plan::decide::{
    Context, Known, Learned, Left, Listed, Operations, Wanted, Why, Withheld, decide,
};
use coc_vault::Change;
use futures::future::join_all;

use super::error::DeployError;
use super::executor::{Carried, Effect, Executor, StepFailure};
use super::journal::Journal;
use super::ledger::Ledger;
use super::lookout::{Lookout, word};
use super::progress::{Interrupted, Progress, ProgressSink, Step};
use super::records::{Keys, Run, RunEnd, Standing, Target, object};
use super::survey::{Seen, Survey};
use super::{Deploying, recovery, target};

/// How often to look and decide: each time but the last, something was done or learned, so this is
/// met only where others undo what is done.
const ROUNDS_MAX: usize = 50;

/// How an attempt ended.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct Report {
    /// The plan that is the target; `None` if the application is to go or has none.
    pub plan: Option<String>,
    /// The attempt before, if it was cut off.
    pub interrupted: Option<Interrupted>,
    /// How many steps were carried out.
    pub done: usize,
    /// The state of each planned resource that is there, by its key.
    pub states: BTreeMap<String, State>,
    /// What failed, each cause once.
    pub failures: Vec<StepFailure>,
    /// What could not be decided or done.
    pub withheld: Vec<Withheld>,
    /// What is left because it holds data.
    pub data_kept: Vec<Left>,
    /// Clouds that could not be read whole, and why.
    pub unread: BTreeMap<String, String>,
}

impl Report {
    /// True if everything is as wanted.
    pub fn is_as_wanted(&self) -> bool {
        self.failures.is_empty() && self.withheld.is_empty() && self.unread.is_empty()
    }
}

/// One attempt.
pub(super) struct Reconcile<'a> {
    pub(super) deploying: &'a Deploying,
    pub(super) ledger: Ledger,
    pub(super) application: &'a str,
    pub(super) secrets: &'a Secrets,
    pub(super) progress: &'a ProgressSink,
}

/// What an attempt remembers from round to round.
struct Memory {
    survey: Survey,
    learned: BTreeMap<Mark, BTreeSet<Learned>>,
    /// Resources that were waited for and are still not running.
    overdue: BTreeMap<String, StepFailure>,
    /// What failed in the last round.
    failures: Vec<StepFailure>,
    /// What a cloud would not make, in any round, and in its words why.
    refused: BTreeMap<String, StepFailure>,
    /// Operations of earlier attempts of which nobody can tell what came of them.
    unknown: Vec<StepFailure>,
    report: Report,
    run: Option<Run>,
}

/// What one round found.
struct Round {
    target: Target,
    plan: Option<Plan>,
    /// What is written down to stand.
    standing: Vec<(Mark, Standing)>,
    seen: Seen,
    operations: Operations,
    journal: Journal,
}

impl Round {
    fn resources(&self) -> &[PlannedResource] {
        self.plan.as_ref().map_or(&[], |plan| &plan.resources)
    }
}

impl Reconcile<'_> {
    pub(super) async fn run(&self) -> Result<Report, DeployError> {
        let mut memory = self.begin().await?;
        for _ in 0..ROUNDS_MAX {
            let Some(target) = self.deploying.target(self.application).await? else {
                // Nothing is said of the application, which is not to say that it is to go.
                return Ok(memory.report);
            };
            let round = self.look(target, &mut memory).await?;
            if self.recovered(&round, &mut memory).await? {
                continue;
            }
            self.announce(&round, &mut memory).await?;
            memory.failures.clear();
            if round.operations.steps.is_empty() {
                if self.settle(&round, &mut memory).await {
                    continue;
                }
                return self.end(round, memory).await;
            }
            let carried = self.carry_out(&round).await?;
            if !remember(&mut memory, carried) {
                return self.end(round, memory).await;
            }
        }
        Err(DeployError::Contended(format!("the estate of {}", self.application)))
    }

    async fn begin(&self) -> Result<Memory, DeployError> {
        let Deploying { owner, mounts, .. } = self.deploying;
        let run = self.ledger.get::<Run>(&Keys(self.application).run()?).await?;
        Ok(Memory {
            survey: Survey::new(owner, self.application, mounts),
            learned: BTreeMap::new(),
            overdue: BTreeMap::new(),
            failures: Vec::new(),
            refused: BTreeMap::new(),
            unknown: Vec::new(),
            report: Report::default(),
            run: run.map(|kept| kept.body),
        })
    }

    fn journal(&self, plan: Option<String>) -> Journal {
        Journal {
            ledger: self.ledger.clone(),
            application: self.application.to_owned(),
            owner: self.deploying.owner.clone(),
            plan,
        }
    }

    /// Looks at all clouds, and decides.
    async fn look(&self, target: Target, memory: &mut Memory) -> Result<Round, DeployError> {
        let name = target.plan.clone();
        let plan = match &name {
            Some(name) => Some(self.deploying.plan(name).await?),
            None => None,
        };
        let journal = self.journal(name);
        let standing = journal.all_standing().await?;
        let seen = memory.survey.look(&standing, self.ledger.now()).await;
        for (cloud, says) in &seen.unread {
            let (cloud, says) = (cloud.clone(), self.secrets.redact(says));
            self.progress.tell(Progress::Unread { cloud, says });
        }
        let context = self.context(&target, &standing, &seen, &memory.learned);
        let wanted = plan.as_ref().map_or(Wanted::nothing(self.application), Wanted::from);
        let operations = decide(wanted, &seen.resources, &context)?;
        Ok(Round { target, plan, standing, seen, operations, journal })
    }

    fn context(
        &self,
        target: &Target,
        standing: &[(Mark, Standing)],
        seen: &Seen,
        learned: &BTreeMap<Mark, BTreeSet<Learned>>,
    ) -> Context {
        let types = self.deploying.mounts.values().flat_map(|cloud| cloud.describe().types);
        Context {
            owner: self.deploying.owner.clone(),
            listed: seen.listed.clone(),
            known: standing.iter().map(|(mark, s)| (mark.clone(), Known::from(s))).collect(),
            data_types: types.filter(|(_, t)| t.holds_data).map(|(t, _)| t.to_owned()).collect(),
            learned: learned.clone(),
            data: target.data(),
        }
    }

    /// Finds out what came of what earlier attempts left open and nobody goes on with. True if
    /// that was anything: then it has to be looked again.
    async fn recovered(&self, round: &Round, memory: &mut Memory) -> Result<bool, DeployError> {
        let open = round.journal.open_entries().await?;
        let left = recovery::left_over(open, &round.operations.steps);
        let mounts = &self.deploying.mounts;
        let unknown = recovery::recover(&round.journal, mounts, &left, self.progress).await?;
        let found = left.len() > unknown.len();
        let failure = |(step, says): (Step, String)| StepFailure {
            resource: step.resource.clone(),
            cloud: step.cloud.clone(),
            says: format!(
                "an operation was cut off, and what came of it is not known: {}",
                self.secrets.redact(&says)
            ),
            step: Some(step),
            output: Vec::new(),
        };
        memory.unknown = unknown.into_iter().map(failure).collect();
        Ok(found)
    }

    /// Writes down that an attempt is under way, and tells whether the one before was cut off.
    async fn announce(&self, round: &Round, memory: &mut Memory) -> Result<(), DeployError> {
        let plan = round.journal.plan.clone();
        let steps = round.operations.steps.len();
        if let Some(Run { ended: None, plan: before, steps: of, .. }) = &memory.run
            && memory.report.interrupted.is_none()
            && memory.report.done == 0
            && *before == plan
        {
            let interrupted =
                Interrupted { plan: plan.clone(), done: of.saturating_sub(steps), of: *of };
            self.progress.tell(Progress::Interrupted(interrupted.clone()));
            memory.report.interrupted = Some(interrupted);
        }
        if steps == 0 {
            return Ok(());
        }
        self.progress.decided(&round.operations);
        let under_way = memory.run.as_ref().is_some_and(|r| r.ended.is_none() && r.plan == plan);
        if !under_way {
            let run = Run { plan, steps, began: self.ledger.now(), ended: None };
            self.write_run(&run).await?;
            memory.run = Some(run);
        }
        Ok(())
    }

    async fn write_run(&self, run: &Run) -> Result<(), DeployError> {
        let key = Keys(self.application).run()?;
        self.ledger.commit(vec![], vec![Change::Put(object(key, run)?)]).await?;
        Ok(())
    }

    async fn carry_out(&self, round: &Round) -> Result<Carried, DeployError> {
        let lookout = self.lookout();
        let executor = self.executor(&round.journal, &lookout);
        let places = currents(round)
            .map(|(planned, seen)| {
                (planned.id.clone(), (seen.cloud.clone(), seen.native_id.clone()))
            })
            .collect();
        executor.carry_out(&round.operations.steps, places).await
    }

    fn lookout(&self) -> Lookout {
        let Deploying { owner, mounts, settings, .. } = self.deploying;
        let app = Some(Mark::of_application(self.application));
        let selector = Selector { owner: owner.clone(), app };
        Lookout::new(&selector, mounts, settings.deadlines)
    }

    fn executor<'b>(&'b self, journal: &'b Journal, lookout: &'b Lookout) -> Executor<'b> {
        Executor {
            journal,
            mounts: &self.deploying.mounts,
            lookout,
            secrets: self.secrets,
            progress: self.progress,
            patience: self.deploying.settings.patience,
        }
    }

    /// Waits for what is still being made. True if there was anything: then it has to be looked
    /// again.
    async fn settle(&self, round: &Round, memory: &mut Memory) -> bool {
        let pending: Vec<_> = currents(round)
            .filter(|(planned, seen)| {
                seen.state == State::Pending && !memory.overdue.contains_key(&planned.id)
            })
            .collect();
        let lookout = self.lookout();
        let waits = pending.iter().map(|(planned, seen)| {
            let lookout = &lookout;
            async move {
                let reached = lookout.reach(&seen.cloud, &seen.native_id, Awaited::Started).await;
                (planned, reached)
            }
        });
        for (planned, reached) in join_all(waits).await {
            // One that failed shows in the next look; one that is merely slow would not.
            if let Err(unmet) = reached
                && unmet.last.as_ref().is_none_or(|last| last.state == State::Pending)
            {
                let failure = StepFailure {
                    resource: planned.id.clone(),
                    cloud: planned.cloud.clone(),
                    step: None,
                    says: unmet.says,
                    output: Vec::new(),
                };
                memory.overdue.insert(planned.id.clone(), failure);
            }
        }
        !pending.is_empty()
    }

    async fn end(&self, round: Round, memory: Memory) -> Result<Report, DeployError> {
        round.journal.forget(&gone(&round)).await?;
        round.journal.note(self.to_note(&round)).await?;
        let Memory { mut report, mut failures, mut refused, overdue, unknown, run, .. } = memory;
        // What was left since it failed before failed for this reason.
        let left = round.operations.withheld.iter().filter(|w| w.why == Why::FailedAgain);
        failures.extend(left.filter_map(|withheld| refused.remove(&withheld.resource)));
        let slow = overdue.into_values().filter(|slow| {
            currents(&round)
                .any(|(planned, seen)| planned.id == slow.resource && seen.state == State::Pending)
        });
        failures.extend(slow.chain(unknown));
        failures.extend(self.fallen(&round).await);
        report.plan = round.journal.plan.clone();
        report.states =
            currents(&round).map(|(planned, seen)| (planned.id.clone(), seen.state)).collect();
        report.failures = failures;
        report.withheld = round.operations.withheld;
        report.data_kept = round.operations.data_kept;
        report.unread = round
            .seen
            .unread
            .into_iter()
            .map(|(cloud, says)| (cloud, self.secrets.redact(&says)))
            .collect();
        if let Some(run) = run.filter(|run| run.ended.is_none()) {
            let failures = report.failures.len() + report.withheld.len();
            let ended = Some(RunEnd { at: self.ledger.now(), failures });
            self.write_run(&Run { ended, ..run }).await?;
        }
        if round.target.plan.is_none() && report.is_as_wanted() {
            target::forget(&self.ledger, self.application).await?;
        }
        Ok(report)
    }

    /// What is as wanted and is written down otherwise, or not at all.
    fn to_note(&self, round: &Round) -> Vec<(Mark, Standing)> {
        let known: BTreeMap<&Mark, &Standing> =
            round.standing.iter().map(|(mark, standing)| (mark, standing)).collect();
        let kept: BTreeSet<&str> = round.operations.kept.iter().map(String::as_str).collect();
        let kept = currents(round).filter(|(planned, _)| kept.contains(planned.id.as_str()));
        kept.filter_map(|(planned, seen)| {
            let marks = seen.marks.as_ref()?;
            let before = known.get(&marks.res).filter(|known| known.native_id == seen.native_id);
            let standing = Standing {
                resource: planned.id.clone(),
                cloud: planned.cloud.clone(),
                resource_type: planned.resource_type.clone(),
                name: planned.name.clone(),
                native_id: seen.native_id.clone(),
                spec: canonical::digest_of(&planned.native),
                after: planned.after.iter().map(|a| a.id().to_owned()).collect(),
                protect: planned.protect,
                op: marks.op.clone(),
                touched: before.map_or_else(|| self.ledger.now(), |before| before.touched),
            };
            (before != Some(&&standing)).then(|| (marks.res.clone(), standing))
        })
        .collect()
    }

    /// What was made and did not last, with what it wrote.
    async fn fallen(&self, round: &Round) -> Vec<StepFailure> {
        let lookout = self.lookout();
        let executor = self.executor(&round.journal, &lookout);
        let mut fallen = Vec::new();
        for withheld in &round.operations.withheld {
            if !matches!(withheld.why, Why::FailedAgain | Why::StoppedAgain) {
                continue;
            }
            let seen = round
                .resources()
                .iter()
                .find(|planned| planned.id == withheld.resource)
                .and_then(|planned| current(self.application, planned, &round.seen.resources));
            fallen.push(StepFailure {
                resource: withheld.resource.clone(),
                cloud: withheld.cloud.clone(),
                step: None,
                says: seen.map_or_else(
                    || withheld.why.to_string(),
                    |seen| format!("it is {}: {}", word(seen.state), withheld.why),
                ),
                output: executor.output(&withheld.cloud, seen).await,
            });
        }
        fallen
    }
}

/// Takes in what came of a round. True if it is worth another: something was done or learned.
fn remember(memory: &mut Memory, carried: Carried) -> bool {
    let mut news = !carried.effects.is_empty();
    memory.report.done += carried.effects.len();
    for effect in carried.effects {
        match effect {
            Effect::Touched { mark, cloud, id } => {
                memory.survey.touched(&cloud, &id);
                memory.learned.entry(mark).or_default().insert(Learned::Done);
            }
            Effect::Removed { cloud, id } => memory.survey.removed(&cloud, &id),
        }
    }
    memory.refused.extend(carried.refused.into_iter().map(|f| (f.resource.clone(), f)));
    for (mark, learned) in carried.learned {
        news |= memory.learned.entry(mark).or_default().insert(learned);
    }
    // What failed for good fails again in the last round.
    memory.failures = carried.failures;
    news
}

/// What is written down to stand and is not there any more: the survey has made sure of that where
/// a cloud was read whole.
fn gone(round: &Round) -> Vec<(Mark, Standing)> {
    let is_gone = |(_, standing): &&(Mark, Standing)| {
        let shows = |seen: &ObservedResource| {
            (&seen.cloud, &seen.native_id) == (&standing.cloud, &standing.native_id)
        };
        round.seen.listed.get(&standing.cloud) == Some(&Listed::Whole)
            && !round.seen.resources.iter().any(shows)
    };
    round.standing.iter().filter(is_gone).cloned().collect()
}

/// The planned resources that are there.
fn currents(round: &Round) -> impl Iterator<Item = (&PlannedResource, &ObservedResource)> {
    round.resources().iter().filter_map(|planned| {
        let application = &round.journal.application;
        Some((planned, current(application, planned, &round.seen.resources)?))
    })
}

fn current<'a>(
    application: &str,
    planned: &PlannedResource,
    seen: &'a [ObservedResource],
) -> Option<&'a ObservedResource> {
    let mark = Mark::of_resource(application, &planned.id);
    seen.iter().find(|r| {
        r.marks.as_ref().is_some_and(|marks| marks.res == mark)
            && (&r.cloud, &r.resource_type, &r.name)
                == (&planned.cloud, &planned.resource_type, &planned.name)
    })
}
