//! Which plan an application is to run by.

use coc_model::goals::Stated;
use coc_model::object::Kind;
use coc_model::plan::{Plan, Status};
use coc_plan::decide::{self, Data, Wanted};
use coc_vault::vault::list_all;
use coc_vault::{At, Change, Condition, KeyRange, Rev, Vault, VaultError};

use super::error::DeployError;
use super::ledger::{self, Ledger};
use super::plans;
use super::records::{Kept, Keys, RunningGoals, Target, object};

/// A plan to run by, and the goals that it was made for, which become the application's.
#[derive(Clone, Copy, Debug)]
pub struct Release<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The goals; `None` if they are not known.
    pub goals: Option<&'a Stated>,
}

impl<'a> From<&'a Plan> for Release<'a> {
    fn from(plan: &'a Plan) -> Self {
        Self { plan, goals: None }
    }
}

/// How often a commit that others were faster than is tried again.
const ATTEMPTS: usize = 20;

/// Makes a plan the target of its application, if the plan was made from the target of now.
///
/// # Errors
/// [`DeployError::Overtaken`] if another plan is the target; a plan that is none, was refused by
/// the checker, or can't be ordered; the vault fails.
pub(super) async fn set(ledger: &Ledger, release: Release<'_>) -> Result<(), DeployError> {
    let plan = release.plan;
    check(plan)?;
    plans::store(ledger, plan).await?;
    let goals = release.goals.map(|stated| {
        let running = RunningGoals { plan: plan.plan.clone(), stated: stated.clone() };
        Ok::<_, DeployError>(Change::Put(object(Keys(&plan.application).goals()?, &running)?))
    });
    let goals: Vec<Change> = goals.transpose()?.into_iter().collect();
    let wanted =
        Target { plan: Some(plan.plan.clone()), parent: plan.parent.clone(), with_data: false };
    swap(ledger, &plan.application, &goals, |current| {
        let running = current.and_then(|target| target.plan.as_deref());
        if running == Some(plan.plan.as_str()) {
            return Ok(None);
        }
        if running != plan.parent.as_deref() {
            return Err(DeployError::Overtaken {
                application: plan.application.clone(),
                plan: plan.plan.clone(),
                parent: plan.parent.clone(),
                current: running.map(str::to_owned),
            });
        }
        Ok(Some(wanted.clone()))
    })
    .await
}

/// Says that an application is to go.
///
/// # Errors
/// The vault fails.
pub(super) async fn remove(
    ledger: &Ledger,
    application: &str,
    data: Data,
) -> Result<(), DeployError> {
    swap(ledger, application, &[], |current| {
        let parent = match current {
            Some(Target { plan: Some(plan), .. }) => Some(plan.clone()),
            Some(target) => target.parent.clone(),
            None => None,
        };
        let wanted = Target { plan: None, parent, with_data: data == Data::Remove };
        Ok((current != Some(&wanted)).then_some(wanted))
    })
    .await
}

/// Forgets the target and the goals of an application that is gone, if it is still to be gone.
///
/// # Errors
/// The vault fails.
pub(super) async fn forget(ledger: &Ledger, application: &str) -> Result<(), DeployError> {
    let key = Keys(application).target()?;
    match ledger.get::<Target>(&key).await? {
        Some(Kept { body: Target { plan: None, .. }, record }) => {
            let require = vec![Condition::Is(key.clone(), record.version.rev)];
            let mut change = vec![Change::Remove(key)];
            let goals = Keys(application).goals()?;
            if ledger.get::<RunningGoals>(&goals).await?.is_some() {
                change.push(Change::Remove(goals));
            }
            match ledger.commit(require, change).await {
                // Somebody wants something of it again.
                Ok(_) | Err(VaultError::Conflict(_)) => Ok(()),
                Err(error) => Err(error.into()),
            }
        }
        _ => Ok(()),
    }
}

/// The target of an application, if it has one.
///
/// # Errors
/// The vault fails.
pub(super) async fn get(
    vault: &dyn Vault,
    application: &str,
) -> Result<Option<Target>, DeployError> {
    let kept = ledger::get::<Target>(vault, &Keys(application).target()?).await?;
    Ok(kept.map(|kept| kept.body))
}

/// The goals that an application runs by, if they are those of its target.
///
/// # Errors
/// The vault fails.
pub(super) async fn goals(
    vault: &dyn Vault,
    application: &str,
) -> Result<Option<Stated>, DeployError> {
    let key = Keys(application).goals()?;
    let Some(kept) = ledger::get::<RunningGoals>(vault, &key).await? else { return Ok(None) };
    let plan = get(vault, application).await?.and_then(|target| target.plan);
    Ok((plan.as_ref() == Some(&kept.body.plan)).then_some(kept.body.stated))
}

/// The applications that have a target, by name.
///
/// # Errors
/// The vault fails.
pub(super) async fn applications(vault: &dyn Vault) -> Result<Vec<String>, DeployError> {
    let (_, records) = list_all(vault, &KeyRange::kind(Kind::Target), At::LATEST).await?;
    Ok(records.into_iter().map(|record| record.object.key.name().to_owned()).collect())
}

/// Puts in place of the target what is made of it, and something beside it in the same commit; leaves
/// both for `None`.
async fn swap(
    ledger: &Ledger,
    application: &str,
    beside: &[Change],
    make: impl Fn(Option<&Target>) -> Result<Option<Target>, DeployError>,
) -> Result<(), DeployError> {
    let key = Keys(application).target()?;
    for _ in 0..ATTEMPTS {
        let current = ledger.get::<Target>(&key).await?;
        let Some(wanted) = make(current.as_ref().map(|c| &c.body))? else { return Ok(()) };
        let rev = current.map_or(Rev::ZERO, |c| c.record.version.rev);
        let require = match rev {
            Rev::ZERO => Condition::Absent(key.clone()),
            rev => Condition::Is(key.clone(), rev),
        };
        let mut change = vec![Change::Put(object(key.clone(), &wanted)?)];
        change.extend_from_slice(beside);
        match ledger.commit(vec![require], change).await {
            Ok(_) => return Ok(()),
            Err(VaultError::Conflict(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(DeployError::Contended(key.to_string()))
}

/// Only a plan that the checker accepted, and that has an order, can be a target.
fn check(plan: &Plan) -> Result<(), DeployError> {
    let not = |says: &str| DeployError::NotAPlan { plan: plan.plan.clone(), says: says.to_owned() };
    if !matches!(plan.status, Status::Optimal | Status::Feasible) {
        return Err(not("it is no solution"));
    }
    if !plan.check.accepted {
        return Err(not("the checker did not accept it"));
    }
    decide::check(Wanted::from(plan))?;
    Ok(())
}
