//! The state of a vault: what its log says, with all of its history.
//!
//! Pure: entries go in, answers come out.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use coc_model::canonical;
use coc_model::object::{Key, Object};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::commit::{Change, Commit, CommitId, Committed, Condition, WhenSame};
use crate::entry::{self, CHAIN_START, Chain, EntryError, Logged, Place, VaultId};
use crate::error::{Conflict, VaultError};
use crate::range::KeyRange;
use crate::record::{Origin, Record, Rev, Version};
use crate::vault::Event;

/// Everything a log says up to a revision.
#[derive(Debug)]
pub(crate) struct State {
    vault: VaultId,
    chain: Chain,
    /// The commit of revision r at r − 1.
    commits: Vec<Made>,
    ids: BTreeMap<CommitId, Rev>,
    objects: BTreeMap<Key, Vec<Past>>,
}

/// A commit that was made.
#[derive(Debug)]
struct Made {
    origin: Arc<Origin>,
    /// Digest of its changes, to tell a repeated commit from an id used twice.
    content: [u8; 32],
    /// What it changed in fact.
    keys: Vec<Key>,
}

/// An object from a revision on.
#[derive(Clone, Debug)]
struct Past {
    version: Version,
    created: Rev,
    /// `None` from its removal on.
    stored: Option<Arc<Stored>>,
}

/// What is kept of an object: bodies as text, a fraction of the size of a tree.
#[derive(Debug, PartialEq, Eq)]
struct Stored {
    labels: BTreeMap<String, String>,
    schema: u16,
    body: String,
}

impl Stored {
    fn of(object: &Object) -> Self {
        Self {
            labels: object.labels.clone(),
            schema: object.schema,
            body: canonical::text(&object.body),
        }
    }
}

impl State {
    pub(crate) const fn new(vault: VaultId) -> Self {
        Self {
            vault,
            chain: CHAIN_START,
            commits: Vec::new(),
            ids: BTreeMap::new(),
            objects: BTreeMap::new(),
        }
    }

    pub(crate) fn head(&self) -> Rev {
        Rev(self.commits.len() as u64)
    }

    /// Where the next entry stands.
    pub(crate) fn place(&self) -> Place {
        Place { vault: self.vault, first: self.head().next(), chain: self.chain }
    }

    /// Takes in the entry that starts at the next revision.
    pub(crate) fn apply(&mut self, bytes: &[u8]) -> Result<(), EntryError> {
        let (commits, chain) = entry::decode(&self.place(), bytes)?;
        for commit in commits {
            self.apply_commit(commit);
        }
        self.chain = chain;
        Ok(())
    }

    fn apply_commit(&mut self, logged: Logged) {
        let rev = self.head().next();
        let content = content_of(&logged.change);
        let mut keys = Vec::new();
        for change in &logged.change {
            let past = self.objects.get(change.key()).and_then(|p| p.last());
            if let Some(new) = changed(past, change, rev) {
                keys.push(change.key().clone());
                self.objects.entry(change.key().clone()).or_default().push(new);
            }
        }
        let Logged { id, author, why, when, .. } = logged;
        self.ids.entry(id.clone()).or_insert(rev);
        let origin = Arc::new(Origin { rev, id, author, why, when });
        self.commits.push(Made { origin, content, keys });
    }

    /// The newest revision whose time is not after `when`.
    pub(crate) fn at_time(&self, when: Timestamp) -> Rev {
        Rev(self.commits.partition_point(|made| made.origin.when <= when) as u64)
    }

    pub(crate) fn get(&self, key: &Key, at: Rev) -> Result<Option<Record>, EntryError> {
        match self.objects.get(key).and_then(|past| as_of(past, at)) {
            Some(past) => self.record(key, past),
            None => Ok(None),
        }
    }

    /// At most `most` records of a range from just after a key on, and true if more follow.
    pub(crate) fn list(
        &self,
        range: &KeyRange,
        at: Rev,
        after: Option<&Key>,
        most: usize,
    ) -> Result<(Vec<Record>, bool), EntryError> {
        let mut records = Vec::new();
        for (key, past) in self.keys_in(range, after) {
            let Some(past) = as_of(past, at).filter(|p| p.stored.is_some()) else { continue };
            if records.len() == most {
                return Ok((records, true));
            }
            records.extend(self.record(key, past)?);
        }
        Ok((records, false))
    }

    /// The events of one revision in a range; none if it changed nothing there.
    pub(crate) fn events(&self, rev: Rev, range: &KeyRange) -> Result<Vec<Event>, EntryError> {
        let Some(made) = self.made(rev) else { return Ok(Vec::new()) };
        let mut events = Vec::new();
        for key in made.keys.iter().filter(|key| range.contains(key)) {
            events.push(match self.get(key, rev)? {
                Some(record) => Event::Put(Box::new(record)),
                None => Event::Removed { key: key.clone(), origin: Origin::clone(&made.origin) },
            });
        }
        if !events.is_empty() {
            events.push(Event::End(rev));
        }
        Ok(events)
    }

    /// The outcome of the commit of a revision.
    pub(crate) fn committed(&self, rev: Rev) -> Committed {
        let mut versions = BTreeMap::new();
        for key in self.made(rev).map_or(&[][..], |made| &made.keys) {
            let past = self.objects.get(key).and_then(|past| as_of(past, rev));
            if let Some(past) = past.filter(|p| p.stored.is_some()) {
                versions.insert(key.clone(), past.version);
            }
        }
        Committed { rev, versions }
    }

    fn made(&self, rev: Rev) -> Option<&Made> {
        let index = usize::try_from(rev.0.checked_sub(1)?).ok()?;
        self.commits.get(index)
    }

    fn record(&self, key: &Key, past: &Past) -> Result<Option<Record>, EntryError> {
        let (Some(stored), Some(made)) = (&past.stored, self.made(past.version.rev)) else {
            return Ok(None);
        };
        let body = serde_json::from_str(&stored.body)
            .map_err(|e| EntryError::Content(format!("{key}: {e}")))?;
        let object =
            Object { key: key.clone(), labels: stored.labels.clone(), schema: stored.schema, body };
        Ok(Some(Record {
            object,
            version: past.version,
            created: past.created,
            origin: Origin::clone(&made.origin),
        }))
    }

    fn keys_in<'a>(
        &'a self,
        range: &KeyRange,
        after: Option<&Key>,
    ) -> impl Iterator<Item = (&'a Key, &'a Vec<Past>)> {
        let (mut start, end) = range.bounds();
        if let Some(after) = after.map(Key::as_str) {
            let later = match &start {
                Bound::Unbounded => true,
                Bound::Included(s) | Bound::Excluded(s) => s.as_str() <= after,
            };
            if later {
                start = Bound::Excluded(after.to_owned());
            }
        }
        // An empty range would make the map panic; it arises when `after` lies past the range.
        let empty = match (&start, &end) {
            (Bound::Excluded(s), Bound::Included(e) | Bound::Excluded(e)) => s >= e,
            _ => false,
        };
        let bounds = (start.as_ref().map(String::as_str), end.as_ref().map(String::as_str));
        let range = (!empty).then(|| self.objects.range::<str, _>(bounds));
        range.into_iter().flatten()
    }
}

/// The state of an object as of a revision.
fn as_of(past: &[Past], at: Rev) -> Option<&Past> {
    past[..past.partition_point(|p| p.version.rev <= at)].last()
}

/// What a change makes of an object; `None` if it has no effect.
fn changed(past: Option<&Past>, change: &Change, rev: Rev) -> Option<Past> {
    let live = past.filter(|p| p.stored.is_some());
    let next = |stored| {
        let n = live.map_or(1, |p| p.version.n + 1);
        let created = live.map_or(rev, |p| p.created);
        Past { version: Version { rev, n }, created, stored }
    };
    match change {
        Change::Put(object) => Some(next(Some(Arc::new(Stored::of(object))))),
        Change::Touch(_) => live.map(|p| next(p.stored.clone())),
        Change::Remove(_) => live.map(|_| next(None)),
    }
}

fn content_of(change: &[Change]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for change in change {
        let (verb, object) = match change {
            Change::Put(object) => ("put", Some(object)),
            Change::Remove(_) => ("remove", None),
            Change::Touch(_) => ("touch", None),
        };
        hash.update(format!("{verb} {}\n", change.key()));
        if let Some(object) = object {
            let stored = Stored::of(object);
            hash.update(format!("{:?} {} {}\n", stored.labels, stored.schema, stored.body));
        }
    }
    hash.finalize().into()
}

/// What is to be answered to a commit of a group, once the group's entry is in the log.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// It is, or will be, the commit of this revision.
    At(Rev),
    /// It is answered with this and writes nothing.
    Now(Result<Committed, VaultError>),
}

/// A group of commits judged one after another, each on the state after the one before it.
#[derive(Debug)]
pub(crate) struct Draft<'a> {
    state: &'a State,
    latest: BTreeMap<Key, Past>,
    ids: BTreeMap<CommitId, (Rev, [u8; 32])>,
    /// What is to be logged.
    pub(crate) logged: Vec<Logged>,
}

impl<'a> Draft<'a> {
    pub(crate) const fn new(state: &'a State) -> Self {
        Self { state, latest: BTreeMap::new(), ids: BTreeMap::new(), logged: Vec::new() }
    }

    /// Judges a commit, and takes it into the draft if it is to be made.
    pub(crate) fn judge(&mut self, commit: &Commit) -> Verdict {
        if let Some(verdict) = self.known(commit) {
            return verdict;
        }
        if let Some(conflict) = self.conflict(&commit.require) {
            return Verdict::Now(Err(conflict.into()));
        }
        if commit.when_same == WhenSame::Skip && self.is_same(&commit.change) {
            return Verdict::Now(Ok(self.standing(&commit.change)));
        }
        Verdict::At(self.take(commit))
    }

    fn head(&self) -> Rev {
        Rev(self.state.head().0 + self.logged.len() as u64)
    }

    fn latest(&self, key: &Key) -> Option<&Past> {
        self.latest.get(key).or_else(|| self.state.objects.get(key)?.last())
    }

    fn live(&self, key: &Key) -> Option<&Past> {
        self.latest(key).filter(|p| p.stored.is_some())
    }

    /// The verdict on an id that was used before.
    fn known(&self, commit: &Commit) -> Option<Verdict> {
        let logged = || {
            let rev = *self.state.ids.get(&commit.id)?;
            Some((rev, self.state.made(rev)?.content))
        };
        let (rev, content) = self.ids.get(&commit.id).copied().or_else(logged)?;
        Some(if content == content_of(&commit.change) {
            Verdict::At(rev)
        } else {
            Verdict::Now(Err(VaultError::IdReused { id: commit.id.clone(), rev }))
        })
    }

    fn conflict(&self, require: &[Condition]) -> Option<Conflict> {
        let head = self.head();
        require.iter().find_map(|condition| {
            let rev_of = |key| self.live(key).map_or(Rev::ZERO, |p| p.version.rev);
            let (holds, found) = match condition {
                Condition::Absent(key) => (self.live(key).is_none(), rev_of(key)),
                Condition::Exists(key) => (self.live(key).is_some(), rev_of(key)),
                Condition::Is(key, rev) => {
                    (self.live(key).is_some() && rev_of(key) == *rev, rev_of(key))
                }
                Condition::HeadIs(rev) => (head == *rev, head),
                Condition::NoneIn(range, rev) => {
                    let newest = self.newest_in(range);
                    (newest <= *rev, newest)
                }
            };
            (!holds).then(|| Conflict { condition: condition.clone(), found, head })
        })
    }

    /// The newest change in a range, removals included.
    fn newest_in(&self, range: &KeyRange) -> Rev {
        let logged = self.state.keys_in(range, None).filter_map(|(_, past)| past.last());
        let drafted = self.latest.iter().filter(|(key, _)| range.contains(key)).map(|(_, p)| p);
        logged.chain(drafted).map(|past| past.version.rev).max().unwrap_or_default()
    }

    fn is_same(&self, change: &[Change]) -> bool {
        change.iter().all(|change| match change {
            Change::Put(object) => {
                self.live(&object.key).and_then(|p| p.stored.as_deref())
                    == Some(&Stored::of(object))
            }
            Change::Remove(key) | Change::Touch(key) => self.live(key).is_none(),
        })
    }

    fn standing(&self, change: &[Change]) -> Committed {
        let version = |c: &Change| Some((c.key().clone(), self.live(c.key())?.version));
        Committed { rev: self.head(), versions: change.iter().filter_map(version).collect() }
    }

    fn take(&mut self, commit: &Commit) -> Rev {
        let rev = self.head().next();
        let before = self
            .logged
            .last()
            .map(|logged| logged.when)
            .or_else(|| self.state.commits.last().map(|made| made.origin.when));
        for change in &commit.change {
            if let Some(new) = changed(self.latest(change.key()), change, rev) {
                self.latest.insert(change.key().clone(), new);
            }
        }
        self.ids.insert(commit.id.clone(), (rev, content_of(&commit.change)));
        self.logged.push(Logged {
            id: commit.id.clone(),
            author: commit.author.clone(),
            why: commit.why.clone(),
            when: before.map_or(commit.when, |before| before.max(commit.when)),
            change: commit.change.clone(),
        });
        rev
    }
}
