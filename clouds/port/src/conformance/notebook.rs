//! The journal of a test, which can die at a chosen moment.

use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tokio::sync::Notify;

use crate::failure::Failure;
use crate::journal::{Answer, Earlier, Journal, Request};

/// When the program dies while it writes down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Death {
    /// Never.
    Never,
    /// After the n-th request of this journal was answered and before that is written down.
    AfterAnswer(u64),
}

/// A journal of one operation in memory. It outlives the program that the test lets die.
pub struct Notebook {
    death: Death,
    state: Mutex<State>,
    crashed: Arc<Notify>,
}

#[derive(Default)]
struct State {
    sent: u64,
    closed: u64,
    died: bool,
}

impl Notebook {
    /// An empty journal.
    pub fn new() -> Self {
        Self::dying(Death::Never)
    }

    /// An empty journal whose program dies once.
    pub fn dying(death: Death) -> Self {
        Self { death, state: Mutex::default(), crashed: Arc::new(Notify::new()) }
    }

    /// Told when the program is to die. The call into the journal never ends; whoever runs the
    /// program drops it then.
    pub fn crashed(&self) -> Arc<Notify> {
        Arc::clone(&self.crashed)
    }

    /// How many requests were written down before they were sent.
    pub fn sent(&self) -> u64 {
        self.state().sent
    }

    /// How many answers were written down.
    pub fn closed(&self) -> u64 {
        self.state().closed
    }

    /// True if the program died.
    pub fn died(&self) -> bool {
        self.state().died
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// True if the program dies now.
    fn answer(&self) -> bool {
        let mut state = self.state();
        let dies = !state.died && self.death == Death::AfterAnswer(state.sent);
        if dies {
            state.died = true;
        } else {
            state.closed += 1;
        }
        dies
    }
}

impl Default for Notebook {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Journal for Notebook {
    fn earlier(&self) -> Earlier {
        if self.state().sent == 0 { Earlier::None } else { Earlier::Sent }
    }

    async fn sending(&self, _request: Request<'_>) -> Result<(), Failure> {
        self.state().sent += 1;
        Ok(())
    }

    async fn answered(&self, _request: Request<'_>, _answer: Answer<'_>) -> Result<(), Failure> {
        if self.answer() {
            self.crashed.notify_one();
            return pending().await;
        }
        Ok(())
    }
}
