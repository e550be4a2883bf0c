//! A backend in memory, for tests and for vaults that need not outlive the process.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;

use crate::record::Rev;
use crate::store::{Access, Appended, LogStore, Span, StoreError, StoredEntry, Tag};

/// Bytes that one reading gives at most, except that a single larger entry is given whole.
const READ_BYTES: usize = 8 << 20;

/// A backend in memory. Clones of an `Arc` of it are the same backend, so several vaults can be
/// opened over one.
#[derive(Debug)]
pub struct MemoryStore {
    inside: Mutex<Inside>,
    head: watch::Sender<Rev>,
}

#[derive(Debug, Default)]
struct Inside {
    entries: BTreeMap<Rev, Vec<u8>>,
    small: BTreeMap<String, (Tag, Vec<u8>)>,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryStore {
    /// An empty backend.
    pub fn new() -> Self {
        Self { inside: Mutex::default(), head: watch::channel(Rev::ZERO).0 }
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl LogStore for MemoryStore {
    async fn append(&self, span: Span, entry: &[u8]) -> Result<Appended, StoreError> {
        let mut inside = self.inside();
        let head = *self.head.borrow();
        if span.first <= head {
            return Ok(Appended::Taken);
        }
        if span.first != head.next() {
            let says = format!("entry {} would leave a gap after {head}", span.first);
            return Err(StoreError::Unavailable { place: self.place(), says });
        }
        inside.entries.insert(span.first, entry.to_vec());
        self.head.send_replace(span.last);
        Ok(Appended::Done)
    }

    async fn read(&self, from: Rev, most: usize) -> Result<Vec<StoredEntry>, StoreError> {
        let inside = self.inside();
        let mut entries = Vec::new();
        let mut bytes = 0;
        if !inside.entries.contains_key(&from) {
            return Ok(entries);
        }
        for (&first, entry) in inside.entries.range(from..).take(most) {
            bytes += entry.len();
            if bytes > READ_BYTES && !entries.is_empty() {
                break;
            }
            entries.push(StoredEntry { first, bytes: entry.clone() });
        }
        Ok(entries)
    }

    async fn wait(&self, after: Rev, most: Duration) {
        let mut head = self.head.subscribe();
        let more = head.wait_for(|head| *head > after);
        // Both outcomes mean the same: look again.
        let _ = tokio::time::timeout(most, more).await;
    }

    async fn small(&self, name: &str) -> Result<Option<(Tag, Vec<u8>)>, StoreError> {
        Ok(self.inside().small.get(name).cloned())
    }

    async fn swap(
        &self,
        name: &str,
        seen: Option<Tag>,
        bytes: &[u8],
    ) -> Result<Option<Tag>, StoreError> {
        let mut inside = self.inside();
        if inside.small.get(name).map(|(tag, _)| *tag) != seen {
            return Ok(None);
        }
        let tag = Tag(seen.map_or(1, |Tag(n)| n + 1));
        inside.small.insert(name.to_owned(), (tag, bytes.to_vec()));
        Ok(Some(tag))
    }

    fn access(&self) -> Access {
        Access::ReadWrite
    }

    fn place(&self) -> String {
        "memory".to_owned()
    }
}
