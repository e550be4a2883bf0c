//! A vault made of a backend: written once, above all of them.

use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak};

use async_trait::async_trait;
use coc_model::object::Key;
use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot, watch};

use crate::commit::{Commit, Committed};
use crate::entry::{self, EntryError, VaultId};
use crate::error::VaultError;
use crate::limits::Limits;
use crate::range::KeyRange;
use crate::record::{Page, Record, Rev};
use crate::state::{Draft, State, Verdict};
use crate::store::{Access, Appended, LogStore, Span, StoreError};
use crate::vault::{At, BOOKMARK_EVERY, Event, Freshness, Vault, VaultState};
use crate::watch::{Tail, events};

/// The small object that says what a backend holds.
const ROOT: &str = "ROOT";
/// The layout of a vault in a backend.
const LAYOUT: u32 = 1;
/// How many entries are asked for at a time.
const READ_AT_ONCE: usize = 256;
/// How many bytes a group of commits is closed at.
const GROUP_BYTES: usize = 8 << 20;
/// How many callers can wait for the writer before more of them have to wait to ask.
const QUEUE: usize = 1_024;
/// How many appends may stay without an answer before the caller is told.
const UNANSWERED_MOST: usize = 4;

/// What a backend holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Root {
    layout: u32,
    /// In hexadecimal.
    vault: String,
}

/// A vault over a backend. Dropping it ends its background work; commits under way are finished.
pub struct LogVault {
    engine: Arc<Engine>,
    writer: mpsc::Sender<Pending>,
    tail: Mutex<Weak<Tail>>,
}

struct Pending {
    commit: Commit,
    size: usize,
    answer: oneshot::Sender<Result<Committed, VaultError>>,
}

/// What readers, watchers and the writer share.
pub(crate) struct Engine {
    store: Arc<dyn LogStore>,
    state: RwLock<State>,
    seen: watch::Sender<Seen>,
}

/// How far the log has been read.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) head: Rev,
    /// Why it can't be read further.
    pub(crate) broken: Option<StoreError>,
}

impl LogVault {
    /// Opens the vault in a backend, or makes one with this id if there is none. Must be called
    /// inside a Tokio runtime, which then runs the writer.
    ///
    /// # Errors
    /// The backend fails, holds something else, or is damaged.
    pub async fn open(store: Arc<dyn LogStore>, id_if_new: VaultId) -> Result<Self, VaultError> {
        let id = identity(store.as_ref(), id_if_new).await?;
        let (seen, _) = watch::channel(Seen { head: Rev::ZERO, broken: None });
        let engine = Arc::new(Engine { store, state: RwLock::new(State::new(id)), seen });
        engine.catch_up().await?;
        let (writer, pending) = mpsc::channel(QUEUE);
        tokio::spawn(write(Arc::clone(&engine), pending));
        Ok(Self { engine, writer, tail: Mutex::default() })
    }

    /// The tail that reads the log on for as long as anyone watches.
    fn tail(&self) -> Arc<Tail> {
        let mut slot = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        slot.upgrade().unwrap_or_else(|| {
            let tail = Arc::new(Tail::spawn(Arc::clone(&self.engine)));
            *slot = Arc::downgrade(&tail);
            tail
        })
    }
}

/// The id of the vault in a backend, which is made if there is none.
async fn identity(store: &dyn LogStore, id_if_new: VaultId) -> Result<VaultId, StoreError> {
    let root = Root { layout: LAYOUT, vault: hex(&id_if_new) };
    let bytes = loop {
        if let Some((_, bytes)) = store.small(ROOT).await? {
            break bytes;
        }
        let new = serde_json::to_vec(&root).unwrap_or_default();
        // Whoever loses the race to make it reads what the winner made.
        store.swap(ROOT, None, &new).await?;
    };
    let damaged =
        |says: String| StoreError::Damaged { place: store.place(), at: ROOT.into(), says };
    let root: Root = serde_json::from_slice(&bytes).map_err(|e| damaged(e.to_string()))?;
    if root.layout != LAYOUT {
        let says =
            format!("its layout is {}, this program knows {LAYOUT}: use a newer one", root.layout);
        return Err(StoreError::Foreign { place: store.place(), says });
    }
    unhex(&root.vault).ok_or_else(|| damaged(format!("\"{}\" is not a vault's id", root.vault)))
}

fn hex(id: &VaultId) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<VaultId> {
    let mut id = VaultId::default();
    if text.len() != 2 * id.len() || !text.is_ascii() {
        return None;
    }
    for (i, byte) in id.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * i..2 * i + 2], 16).ok()?;
    }
    Some(id)
}

impl Engine {
    pub(crate) fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn state_mut(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<Seen> {
        self.seen.subscribe()
    }

    pub(crate) async fn wait_for_more(&self) {
        let head = self.state().head();
        self.store.wait(head, BOOKMARK_EVERY).await;
    }

    /// Reads the log on until there is nothing new; gives the head.
    pub(crate) async fn catch_up(&self) -> Result<Rev, StoreError> {
        let outcome = self.read_on().await;
        let head = self.state().head();
        let broken = match &outcome {
            Err(error @ (StoreError::Damaged { .. } | StoreError::Foreign { .. })) => {
                Some(error.clone())
            }
            _ => None,
        };
        self.seen.send_if_modified(|seen| {
            let news = seen.head < head || seen.broken != broken;
            *seen = Seen { head: head.max(seen.head), broken };
            news
        });
        outcome.map(|()| head)
    }

    async fn read_on(&self) -> Result<(), StoreError> {
        loop {
            let from = self.state().head().next();
            let entries = self.store.read(from, READ_AT_ONCE).await?;
            if entries.is_empty() {
                return Ok(());
            }
            for stored in entries {
                self.apply(stored.first, &stored.bytes)?;
            }
        }
    }

    /// Takes an entry in, unless another reader was faster.
    fn apply(&self, first: Rev, bytes: &[u8]) -> Result<(), StoreError> {
        let mut state = self.state_mut();
        if first <= state.head() {
            return Ok(());
        }
        let due = state.head().next();
        if first != due {
            let says = format!("it is missing; the next one there is {first}");
            let (place, at) = (self.store.place(), format!("entry {due}"));
            return Err(StoreError::Damaged { place, at, says });
        }
        state.apply(bytes).map_err(|error| self.damaged(first, &error))
    }

    pub(crate) fn damaged(&self, at: Rev, error: &EntryError) -> StoreError {
        let (place, at, says) = (self.store.place(), format!("entry {at}"), error.to_string());
        match error {
            EntryError::Format(_) | EntryError::Sealed(_) => {
                StoreError::Foreign { place, says: format!("{at}: {says}") }
            }
            _ => StoreError::Damaged { place, at, says },
        }
    }

    /// Waits until a revision is there.
    async fn reach(&self, rev: Rev) -> Result<Rev, StoreError> {
        let mut seen = self.subscribe();
        loop {
            let head = self.state().head();
            if head >= rev {
                return Ok(head);
            }
            if self.catch_up().await? < rev {
                tokio::select! {
                    () = self.store.wait(head, BOOKMARK_EVERY) => {}
                    _ = seen.changed() => {}
                }
            }
        }
    }

    async fn revision(&self, at: At) -> Result<Rev, VaultError> {
        match at {
            At::Head(Freshness::Cached) => Ok(self.state().head()),
            At::Head(Freshness::Latest) => Ok(self.catch_up().await?),
            At::Head(Freshness::AtLeast(rev)) => Ok(self.reach(rev).await?),
            At::Time(when) => {
                self.catch_up().await?;
                Ok(self.state().at_time(when))
            }
            At::Rev(asked) => {
                if asked <= self.state().head() {
                    return Ok(asked);
                }
                let head = self.catch_up().await?;
                if asked <= head { Ok(asked) } else { Err(VaultError::Ahead { asked, head }) }
            }
        }
    }

    /// Judges a group of commits and makes those that can be made, as one entry.
    async fn commit_group(&self, commits: &[Commit]) -> Vec<Result<Committed, VaultError>> {
        // What is known here may be old. An append finds that out by itself; a refusal does not,
        // so it is given only after the log was read on inside the call.
        let mut fresh = false;
        let mut unanswered = 0;
        loop {
            let drafted = self.draft(commits);
            if fresh || !drafted.refuses() {
                let Some(entry) = &drafted.entry else { return self.answers(drafted.verdicts) };
                match self.append(drafted.span, entry).await {
                    Ok(Appended::Done) => return self.answers(drafted.verdicts),
                    // Someone else was faster. This ends: each lost round is a commit made.
                    Ok(Appended::Taken) => {}
                    // Reading tells: if the entry is there, its commits are known by their ids; if
                    // not, the same revision is tried again, and only one of the two can get it.
                    Ok(Appended::Unknown) => unanswered += 1,
                    Err(error) => return self.failed(commits, drafted, unanswered, &error),
                }
            }
            if let Err(error) = self.catch_up().await {
                return self.failed(commits, drafted, unanswered, &error);
            }
            if unanswered == UNANSWERED_MOST {
                let says = format!("{unanswered} requests without an answer");
                let error = StoreError::Unavailable { place: self.store.place(), says };
                return self.failed(commits, self.draft(commits), unanswered, &error);
            }
            fresh = true;
        }
    }

    fn draft(&self, commits: &[Commit]) -> Drafted {
        let state = self.state();
        let place = state.place();
        let mut draft = Draft::new(&state);
        let verdicts = commits.iter().map(|commit| draft.judge(commit)).collect();
        let span = entry::span(place.first, draft.logged.len());
        let entry = (!draft.logged.is_empty()).then(|| entry::encode(&place, &draft.logged));
        Drafted { verdicts, span, entry }
    }

    /// Appends an entry and, if it is there, takes it in.
    async fn append(
        &self,
        span: Span,
        entry: &Result<Vec<u8>, EntryError>,
    ) -> Result<Appended, StoreError> {
        let bytes = entry.as_ref().map_err(|error| self.damaged(span.first, error))?;
        let appended = self.store.append(span, bytes).await?;
        if appended == Appended::Done {
            self.apply(span.first, bytes)?;
            self.told(span.last);
        }
        Ok(appended)
    }

    fn answers(&self, verdicts: Vec<Verdict>) -> Vec<Result<Committed, VaultError>> {
        let state = self.state();
        let answer = |verdict| match verdict {
            Verdict::At(rev) => Ok(state.committed(rev)),
            Verdict::Now(answer) => answer,
        };
        verdicts.into_iter().map(answer).collect()
    }

    /// The answers of a group whose entry was not, or perhaps not, appended. Verdicts that may
    /// rest on commits of the group can't be kept.
    fn failed(
        &self,
        commits: &[Commit],
        drafted: Drafted,
        unanswered: usize,
        error: &StoreError,
    ) -> Vec<Result<Committed, VaultError>> {
        let answer = |(commit, verdict): (&Commit, Verdict)| match verdict {
            Verdict::At(rev) if rev < drafted.span.first => Ok(self.state().committed(rev)),
            _ if unanswered == 0 => Err(error.clone().into()),
            _ => Err(VaultError::Indeterminate { id: commit.id.clone(), says: error.to_string() }),
        };
        commits.iter().zip(drafted.verdicts).map(answer).collect()
    }

    /// Tells watchers of a new head.
    fn told(&self, head: Rev) {
        self.seen.send_if_modified(|seen| {
            let news = seen.head < head;
            seen.head = seen.head.max(head);
            news
        });
    }
}

/// A group of commits, judged.
struct Drafted {
    verdicts: Vec<Verdict>,
    /// The revisions of the entry, if there is one; they begin after the head judged on.
    span: Span,
    entry: Option<Result<Vec<u8>, EntryError>>,
}

impl Drafted {
    /// True if any commit is answered without being made.
    fn refuses(&self) -> bool {
        self.verdicts.iter().any(|verdict| matches!(verdict, Verdict::Now(_)))
    }
}

#[async_trait]
impl Vault for LogVault {
    async fn head(&self, how: Freshness) -> Result<Rev, VaultError> {
        self.engine.revision(At::Head(how)).await
    }

    async fn get(&self, key: &Key, at: At) -> Result<Option<Record>, VaultError> {
        let rev = self.engine.revision(at).await?;
        let got = self.engine.state().get(key, rev);
        got.map_err(|error| self.engine.damaged(rev, &error).into())
    }

    async fn list(
        &self,
        range: &KeyRange,
        at: At,
        after: Option<&Key>,
        most: usize,
    ) -> Result<Page, VaultError> {
        let rev = self.engine.revision(at).await?;
        let most = most.clamp(1, Limits::ALL.page);
        let listed = self.engine.state().list(range, rev, after, most);
        let (records, more) = listed.map_err(|error| self.engine.damaged(rev, &error))?;
        let next = records.last().filter(|_| more).map(|r| r.key().clone());
        Ok(Page { rev, records, next })
    }

    async fn commit(&self, commit: Commit) -> Result<Committed, VaultError> {
        let size = Limits::ALL.size_of(&commit)?;
        if let Access::ReadOnly { why } = self.engine.store.access() {
            return Err(StoreError::ReadOnly { place: self.engine.store.place(), why }.into());
        }
        let (answer, answered) = oneshot::channel();
        let pending = Pending { commit, size, answer };
        self.writer.send(pending).await.map_err(|_| VaultError::Closed)?;
        answered.await.map_err(|_| VaultError::Closed)?
    }

    fn watch(&self, from: Rev, range: KeyRange) -> BoxStream<'static, Result<Event, VaultError>> {
        events(Arc::clone(&self.engine), self.tail(), from, range)
    }

    fn limits(&self) -> Limits {
        Limits::ALL
    }

    fn state(&self) -> VaultState {
        match self.engine.store.access() {
            Access::ReadWrite => VaultState::Open,
            Access::ReadOnly { why } => VaultState::ReadOnly { why },
        }
    }
}

/// Makes the commits that callers hand in, several at a time where they come faster than the
/// backend takes them.
async fn write(engine: Arc<Engine>, mut pending: mpsc::Receiver<Pending>) {
    let mut next = None;
    loop {
        let first = match next.take() {
            Some(first) => first,
            None => match pending.recv().await {
                Some(first) => first,
                None => return,
            },
        };
        let mut bytes = first.size;
        let mut group = vec![first];
        while group.len() < entry::COMMITS_MAX {
            let Ok(more) = pending.try_recv() else { break };
            if bytes + more.size > GROUP_BYTES {
                next = Some(more);
                break;
            }
            bytes += more.size;
            group.push(more);
        }
        let (commits, callers): (Vec<_>, Vec<_>) =
            group.into_iter().map(|p| (p.commit, p.answer)).unzip();
        for (answer, caller) in engine.commit_group(&commits).await.into_iter().zip(callers) {
            // A caller that stopped waiting needs no answer.
            let _ = caller.send(answer);
        }
    }
}
