//! Deploying: making a plan real and keeping to it.
//!
//! A plan becomes the *target* of its application by compare-and-set on the plan it was made from.
//! Bringing the application there is a loop that takes no input but the state: it reads the target,
//! looks at all clouds, [decides](coc_plan::decide) and carries out, until nothing is left to do.
//! Every operation is written down before anything is sent for it and closed afterwards, so the
//! loop can be cut off at any point and run again, by anyone, also by several at once: the end is
//! the same, nothing is there twice, and nothing foreign is touched.

mod error;
mod executor;
mod history;
mod journal;
mod ledger;
mod lookout;
mod plans;
mod preview;
mod progress;
mod reconcile;
mod records;
mod recovery;
mod survey;
mod target;

use std::sync::Arc;
use std::time::Duration;

use coc_model::goals::Stated;
use coc_model::marks::Mark;
use coc_model::plan::Plan;
use coc_model::secret::Secrets;
use coc_plan::decide::{Data, Operations};
use coc_vault::{Actor, Vault};

pub use error::DeployError;
pub use executor::StepFailure;
pub use history::{HistoryItem, What};
pub use ledger::{Clock, Order};
pub use lookout::Deadlines;
pub use preview::Look;
pub use progress::{Interrupted, Progress, ProgressSink, Step};
pub use reconcile::Report;
pub use records::{
    End, Intent, Keys, OperationRecord, Outcome, Run, RunEnd, RunningGoals, Standing, Target, Verb,
};
pub use survey::Mounts;
pub use target::Release;

use journal::Journal;
use ledger::Ledger;
use reconcile::Reconcile;

/// How long to wait for what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// For resources that others wait for.
    pub deadlines: Deadlines,
    /// For requests that a cloud is too busy for; `None` for what is usual.
    pub patience: Option<Duration>,
}

/// What deploying needs.
#[derive(Clone)]
pub struct Deploying {
    /// Where targets, plans and the journal are kept.
    pub vault: Arc<dyn Vault>,
    /// The mounted clouds.
    pub mounts: Mounts,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// The mark of this installation.
    pub owner: Mark,
    /// How long to wait for what.
    pub settings: Settings,
}

impl Deploying {
    /// Makes a plan the target of its application. Nothing is done for it yet.
    ///
    /// # Errors
    /// [`DeployError::Overtaken`] if the plan was not made from the target of now; a plan that is no
    /// solution, was not accepted by the checker, or can't be brought into an order; the vault.
    pub async fn set_target<'a>(
        &self,
        order: &Order,
        release: impl Into<Release<'a>>,
    ) -> Result<(), DeployError> {
        target::set(&self.ledger(order), release.into()).await
    }

    /// The goals that an application runs by; `None` if it does not run, or they are not known.
    ///
    /// # Errors
    /// The vault fails.
    pub async fn goals(&self, application: &str) -> Result<Option<Stated>, DeployError> {
        target::goals(&*self.vault, application).await
    }

    /// The target of an application; `None` if it has none.
    ///
    /// # Errors
    /// The vault fails.
    pub async fn target(&self, application: &str) -> Result<Option<Target>, DeployError> {
        target::get(&*self.vault, application).await
    }

    /// A plan of the vault.
    ///
    /// # Errors
    /// The vault fails or does not hold it.
    pub async fn plan(&self, plan: &str) -> Result<Plan, DeployError> {
        plans::load(&*self.vault, plan).await
    }

    /// Brings an application to its target, going on with whatever an earlier attempt left.
    ///
    /// # Errors
    /// The vault fails, or an object in it can't be read. What a cloud refuses stands in the
    /// report.
    pub async fn reconcile(
        &self,
        order: &Order,
        application: &str,
        secrets: &Secrets,
        progress: &ProgressSink,
    ) -> Result<Report, DeployError> {
        Reconcile { deploying: self, ledger: self.ledger(order), application, secrets, progress }
            .run()
            .await
    }

    /// Makes a plan the target and brings its application there.
    ///
    /// # Errors
    /// Those of [`Deploying::set_target`] and [`Deploying::reconcile`].
    pub async fn apply<'a>(
        &self,
        order: &Order,
        release: impl Into<Release<'a>>,
        secrets: &Secrets,
        progress: &ProgressSink,
    ) -> Result<Report, DeployError> {
        let release = release.into();
        self.set_target(order, release).await?;
        self.reconcile(order, &release.plan.application, secrets, progress).await
    }

    /// Removes everything of an application, in order; what holds data only if that is asked for.
    ///
    /// # Errors
    /// Those of [`Deploying::reconcile`].
    pub async fn destroy(
        &self,
        order: &Order,
        application: &str,
        data: Data,
        progress: &ProgressSink,
    ) -> Result<Report, DeployError> {
        target::remove(&self.ledger(order), application, data).await?;
        self.reconcile(order, application, &Secrets::new(), progress).await
    }

    /// Everything that was done to an application, in order: who, when, why.
    ///
    /// # Errors
    /// The vault fails.
    pub async fn history(&self, application: &str) -> Result<Vec<HistoryItem>, DeployError> {
        history::history(&*self.vault, application).await
    }

    /// Looks once at everything that is ours; of one application, if one is named.
    pub async fn look(&self, application: Option<&str>) -> Look {
        preview::look(&self.mounts, &self.owner, application).await
    }

    /// What would be done for a plan, or for an application to go, by one look at all clouds.
    /// Nothing is written and nothing sent but reads.
    ///
    /// # Errors
    /// The vault fails; a plan that can't be brought into an order.
    pub async fn preview(
        &self,
        application: &str,
        plan: Option<&Plan>,
        data: Data,
    ) -> Result<Operations, DeployError> {
        let look = self.look(Some(application)).await;
        let order = Order { who: Actor(String::new()), why: String::new() };
        let journal = Journal {
            ledger: self.ledger(&order),
            application: application.to_owned(),
            owner: self.owner.clone(),
            plan: None,
        };
        let standing = journal.all_standing().await?;
        let wanted = preview::wanted(application, plan);
        preview::operations(wanted, &look, &self.mounts, &self.owner, &standing, data)
    }

    /// The names of the applications that have a target.
    ///
    /// # Errors
    /// The vault fails.
    pub async fn applications(&self) -> Result<Vec<String>, DeployError> {
        target::applications(&*self.vault).await
    }

    fn ledger(&self, order: &Order) -> Ledger {
        Ledger {
            vault: Arc::clone(&self.vault),
            clock: Arc::clone(&self.clock),
            order: order.clone(),
        }
    }
}
