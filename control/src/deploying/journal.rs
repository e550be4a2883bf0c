//! The journal: what is about to be done is written down before anything is sent, and what came of
//! it afterwards.
//!
//! There is one entry per resource, its newest operation; the vault keeps the ones before. So at
//! any time at most one operation on a resource is under way, whoever carries it out. Whoever
//! finds an entry open that says what they were about to do goes on with it, under the same token.

use async_trait::async_trait;
use coc_cloud::Failure;
use coc_cloud::journal::{Answer, Earlier, Journal as CloudJournal, Request};
use coc_model::marks::{Mark, Marks};
use coc_model::object::Kind;
use coc_model::resource::NativeId;
use coc_plan::decide::{self, Action};
use coc_vault::vault::list_all;
use coc_vault::{At, Change, Condition, VaultError};

use super::error::DeployError;
use super::ledger::Ledger;
use super::records::{
    End, Intent, Kept, Keys, OperationRecord, Outcome, Standing, Verb, object, read,
};

/// How often a commit that others were faster than is tried again.
const ATTEMPTS: usize = 20;

/// How many resources are noted in one commit.
const NOTED_AT_ONCE: usize = 500;

/// The journal of one application.
pub(super) struct Journal {
    pub(super) ledger: Ledger,
    pub(super) application: String,
    pub(super) owner: Mark,
    /// The plan that is carried out; `None` if the application is to go.
    pub(super) plan: Option<String>,
}

/// An entry that is open, as whoever carries the operation out holds it.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) mark: Mark,
    pub(super) operation: OperationRecord,
    earlier: Earlier,
}

/// What came of opening an entry.
pub(super) enum Opened {
    /// It is open, for us.
    Entry(Box<Entry>),
    /// Another operation on the resource is open: somebody else is at it.
    Taken(Box<OperationRecord>),
}

impl Intent {
    /// What a step is about to do.
    pub(super) fn of(step: &decide::Operation) -> Self {
        let (verb, native_id, document) = match &step.action {
            Action::Create(document) => (Verb::Create, None, Some(document)),
            Action::Update { seen, document } => (Verb::Update, Some(seen), Some(document)),
            Action::Start { seen } => (Verb::Start, Some(seen), None),
            Action::Remove { seen } => (Verb::Remove, Some(seen), None),
        };
        Self {
            resource: step.resource.clone(),
            cloud: step.cloud.clone(),
            resource_type: step.resource_type.clone(),
            name: step.name.clone(),
            verb,
            native_id: native_id.cloned(),
            spec: document.map(|d| d.spec.clone()),
            after: document.map(|d| d.after.clone()).unwrap_or_default(),
            protect: document.is_some_and(|d| d.protect),
        }
    }

    /// True if the same request would be sent for both.
    pub(super) fn same_request(&self, other: &Self) -> bool {
        let request = |i: &Self| {
            (
                i.verb,
                i.cloud.clone(),
                i.resource_type.clone(),
                i.name.clone(),
                i.native_id.clone(),
                i.spec.clone(),
            )
        };
        request(self) == request(other)
    }
}

impl Journal {
    /// Everything that is open.
    pub(super) async fn open_entries(&self) -> Result<Vec<Entry>, DeployError> {
        let range = Keys(&self.application).all(Kind::Operation)?;
        let (_, records) = list_all(&*self.ledger.vault, &range, At::LATEST).await?;
        let mut entries = Vec::new();
        for record in records {
            let Kept { body, .. } = read::<OperationRecord>(record)?;
            if body.outcome.is_none() {
                let mark = body.marks.res.clone();
                entries.push(Entry { mark, operation: body, earlier: Earlier::Sent });
            }
        }
        Ok(entries)
    }

    /// Writes a step down, unless it is written down already. Nothing may be sent before.
    pub(super) async fn open(&self, step: &decide::Operation) -> Result<Opened, DeployError> {
        let key = Keys(&self.application).operation(&step.mark)?;
        let intent = Intent::of(step);
        for _ in 0..ATTEMPTS {
            let (require, sequence) = match self.ledger.get::<OperationRecord>(&key).await? {
                None => (Condition::Absent(key.clone()), 1),
                Some(Kept { body, record }) if body.outcome.is_some() => {
                    (Condition::Is(key.clone(), record.version.rev), body.sequence + 1)
                }
                Some(Kept { body, .. }) if body.intent.same_request(&intent) => {
                    let mark = step.mark.clone();
                    return Ok(Opened::Entry(Box::new(Entry {
                        mark,
                        operation: body,
                        earlier: Earlier::Sent,
                    })));
                }
                Some(Kept { body, .. }) => return Ok(Opened::Taken(Box::new(body))),
            };
            let operation = self.operation(step, intent.clone(), sequence);
            let change = Change::Put(object(key.clone(), &operation)?);
            match self.ledger.commit(vec![require], vec![change]).await {
                Ok(_) => {
                    let (mark, earlier) = (step.mark.clone(), Earlier::None);
                    return Ok(Opened::Entry(Box::new(Entry { mark, operation, earlier })));
                }
                Err(VaultError::Conflict(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(DeployError::Contended(key.to_string()))
    }

    fn operation(
        &self,
        step: &decide::Operation,
        intent: Intent,
        sequence: u32,
    ) -> OperationRecord {
        let opened = self.ledger.now();
        let (owner, application) = (&self.owner, &self.application);
        // With the time, so that a vault that was lost and begun anew does not use a token again.
        let op = format!("{owner}/{application}/{}/{sequence}/{opened}", step.mark);
        OperationRecord {
            intent,
            marks: Marks {
                owner: owner.clone(),
                app: Mark::of_application(application),
                res: step.mark.clone(),
                op: Mark::of(&op),
            },
            sequence,
            plan: self.plan.clone(),
            reason: step.reason,
            opened,
            outcome: None,
        }
    }

    /// Writes down how an operation ended, and with it what now stands. That another has closed it
    /// meanwhile does no harm: both saw the same resource.
    pub(super) async fn close(&self, entry: &Entry, end: &End) -> Result<(), DeployError> {
        let keys = Keys(&self.application);
        let key = keys.operation(&entry.mark)?;
        for _ in 0..ATTEMPTS {
            let Some(Kept { body, record }) = self.ledger.get::<OperationRecord>(&key).await?
            else {
                return Ok(());
            };
            let ours = body.sequence == entry.operation.sequence
                && body.marks.op == entry.operation.marks.op;
            let is_done = matches!(&body.outcome, Some(Outcome { end: End::Done(_), .. }));
            let is_news = body.outcome.is_none() || matches!(end, End::Done(_));
            if !ours || is_done || !is_news {
                return Ok(());
            }
            let at = self.ledger.now();
            let closed = OperationRecord {
                outcome: Some(Outcome { at, end: end.clone() }),
                ..entry.operation.clone()
            };
            let mut change = vec![Change::Put(object(key.clone(), &closed)?)];
            change.extend(self.standing(entry, end).await?);
            let require = vec![Condition::Is(key.clone(), record.version.rev)];
            match self.ledger.commit(require, change).await {
                Ok(_) => return Ok(()),
                Err(VaultError::Conflict(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(DeployError::Contended(key.to_string()))
    }

    /// How an operation that ended changes what is known to stand.
    async fn standing(&self, entry: &Entry, end: &End) -> Result<Option<Change>, DeployError> {
        let End::Done(native_id) = end else { return Ok(None) };
        let key = Keys(&self.application).resource(&entry.mark)?;
        let there = self.ledger.get::<Standing>(&key).await?.map(|kept| kept.body);
        let same = there.as_ref().filter(|there| there.native_id == *native_id);
        let OperationRecord { intent, marks, .. } = &entry.operation;
        Ok(match intent.verb {
            Verb::Create | Verb::Update => {
                let standing = Standing {
                    resource: intent.resource.clone(),
                    cloud: intent.cloud.clone(),
                    resource_type: intent.resource_type.clone(),
                    name: intent.name.clone(),
                    native_id: native_id.clone(),
                    spec: intent.spec.clone().unwrap_or_default(),
                    after: intent.after.clone(),
                    protect: intent.protect,
                    op: same.map_or_else(|| marks.op.clone(), |there| there.op.clone()),
                    touched: self.ledger.now(),
                };
                Some(Change::Put(object(key, &standing)?))
            }
            Verb::Remove => same.map(|_| Change::Remove(key)),
            Verb::Start => None,
        })
    }

    /// Writes down what stands and was not known to, or otherwise: found by its marks after a vault
    /// was lost, or planned otherwise without being changed. Where somebody else is at it, it is
    /// left to them.
    pub(super) async fn note(&self, standing: Vec<(Mark, Standing)>) -> Result<(), DeployError> {
        for group in standing.chunks(NOTED_AT_ONCE) {
            let (mut require, mut change) = (Vec::new(), Vec::new());
            for (mark, standing) in group {
                let key = Keys(&self.application).resource(mark)?;
                let there = self.ledger.get::<Standing>(&key).await?;
                require.push(match there {
                    None => Condition::Absent(key.clone()),
                    Some(there) => Condition::Is(key.clone(), there.record.version.rev),
                });
                change.push(Change::Put(object(key, standing)?));
            }
            match self.ledger.commit(require, change).await {
                Ok(_) | Err(VaultError::Conflict(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Forgets what was known to stand and is proved to be gone, unless it was made anew meanwhile.
    pub(super) async fn forget(&self, gone: &[(Mark, Standing)]) -> Result<(), DeployError> {
        for (mark, standing) in gone {
            let key = Keys(&self.application).resource(mark)?;
            let Some(there) = self.ledger.get::<Standing>(&key).await? else { continue };
            if there.body.native_id != standing.native_id {
                continue;
            }
            let require = vec![Condition::Is(key.clone(), there.record.version.rev)];
            match self.ledger.commit(require, vec![Change::Remove(key)]).await {
                Ok(_) | Err(VaultError::Conflict(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// What is known to stand.
    pub(super) async fn all_standing(&self) -> Result<Vec<(Mark, Standing)>, DeployError> {
        let range = Keys(&self.application).all(Kind::Resource)?;
        let (_, records) = list_all(&*self.ledger.vault, &range, At::LATEST).await?;
        records
            .into_iter()
            .map(|record| {
                let name = record.key().name().to_owned();
                let wrong =
                    DeployError::Record { key: record.key().to_string(), says: "no mark".into() };
                let mark = name.rsplit('/').next().map(|m| Mark::try_from(m.to_owned()));
                let Some(Ok(mark)) = mark else { return Err(wrong) };
                Ok((mark, read::<Standing>(record)?.body))
            })
            .collect()
    }
}

impl Entry {
    /// The cloud's id of what it is about, where one was there before.
    pub(super) fn native_id(&self) -> Option<&NativeId> {
        self.operation.intent.native_id.as_ref()
    }
}

/// The whole operation is written down before anything is sent for it, and closed after the last
/// answer: single requests need no entries of their own. One that was open before may have sent
/// any of them.
#[async_trait]
impl CloudJournal for Entry {
    fn earlier(&self) -> Earlier {
        self.earlier
    }

    async fn sending(&self, _request: Request<'_>) -> Result<(), Failure> {
        Ok(())
    }

    async fn answered(&self, _request: Request<'_>, _answer: Answer<'_>) -> Result<(), Failure> {
        Ok(())
    }
}
