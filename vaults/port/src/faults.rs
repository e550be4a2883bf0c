//! A backend that fails on purpose, to prove that what is built on backends does not mind.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Notify;

use crate::record::Rev;
use crate::store::{Access, Appended, LogStore, Span, StoreError, StoredEntry, Tag};

/// What befalls one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The backend can't be reached: the call has no effect, and says so.
    Refused,
    /// The request is lost: no effect, and no answer.
    LostBefore,
    /// The answer is lost: the effect is there.
    LostAfter,
    /// The process dies before the call has an effect: neither this nor any later call of this
    /// backend comes back.
    DeadBefore,
    /// The process dies after the call had its effect.
    DeadAfter,
}

/// A backend over another one that fails at chosen calls. Calls are counted from 1; only those
/// that read or write entries and small objects count.
pub struct FaultyStore {
    inner: Arc<dyn LogStore>,
    faults: Mutex<BTreeMap<u64, Fault>>,
    calls: AtomicU64,
    dead: Notify,
    is_dead: Mutex<bool>,
}

impl FaultyStore {
    /// A backend that fails at these calls.
    pub fn new(inner: Arc<dyn LogStore>, faults: BTreeMap<u64, Fault>) -> Self {
        Self {
            inner,
            faults: Mutex::new(faults),
            calls: AtomicU64::new(0),
            dead: Notify::new(),
            is_dead: Mutex::new(false),
        }
    }

    /// How many calls there have been.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }

    /// Comes back once the process has died.
    pub async fn died(&self) {
        loop {
            let notified = self.dead.notified();
            if *self.is_dead.lock().unwrap_or_else(PoisonError::into_inner) {
                return;
            }
            notified.await;
        }
    }

    /// Does a call with whatever befalls it. `None`: no answer came.
    async fn call<T>(
        &self,
        effect: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Option<Result<T, StoreError>> {
        if *self.is_dead.lock().unwrap_or_else(PoisonError::into_inner) {
            pending::<()>().await;
        }
        let number = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        let fault = self.faults.lock().unwrap_or_else(PoisonError::into_inner).remove(&number);
        match fault {
            None => Some(effect.await),
            Some(Fault::Refused) => Some(Err(self.refused())),
            Some(Fault::LostBefore) => None,
            Some(Fault::LostAfter) => effect.await.err().map(Err),
            Some(Fault::DeadBefore) => self.die().await,
            Some(Fault::DeadAfter) => {
                // Whether it worked does not matter to one who is dead.
                let _ = effect.await;
                self.die().await
            }
        }
    }

    async fn die<T>(&self) -> T {
        *self.is_dead.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.dead.notify_waiters();
        pending().await
    }

    fn refused(&self) -> StoreError {
        StoreError::Unavailable { place: self.place(), says: "refused on purpose".to_owned() }
    }
}

#[async_trait]
impl LogStore for FaultyStore {
    async fn append(&self, span: Span, entry: &[u8]) -> Result<Appended, StoreError> {
        self.call(self.inner.append(span, entry)).await.unwrap_or(Ok(Appended::Unknown))
    }

    async fn read(&self, from: Rev, most: usize) -> Result<Vec<StoredEntry>, StoreError> {
        self.call(self.inner.read(from, most)).await.unwrap_or_else(|| Err(self.refused()))
    }

    async fn wait(&self, after: Rev, most: Duration) {
        self.inner.wait(after, most).await;
    }

    async fn small(&self, name: &str) -> Result<Option<(Tag, Vec<u8>)>, StoreError> {
        self.call(self.inner.small(name)).await.unwrap_or_else(|| Err(self.refused()))
    }

    async fn swap(
        &self,
        name: &str,
        seen: Option<Tag>,
        bytes: &[u8],
    ) -> Result<Option<Tag>, StoreError> {
        self.call(self.inner.swap(name, seen, bytes)).await.unwrap_or_else(|| Err(self.refused()))
    }

    fn access(&self) -> Access {
        self.inner.access()
    }

    fn place(&self) -> String {
        self.inner.place()
    }
}
