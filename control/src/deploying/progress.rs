//! What is going on, for whoever watches.

use coc_model::plan::Await;
use coc_plan::decide::{self, Action, Operations};
use serde::Serialize;
use tokio::sync::mpsc::UnboundedSender;

use super::records::{Intent, Verb};

/// Something that happened while deploying.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Progress {
    /// The attempt before was cut off, or is still under way somewhere else; it is gone on with.
    Interrupted(Interrupted),
    /// What is to be done now.
    Decided {
        /// Resources to make.
        create: usize,
        /// Resources to change or start.
        change: usize,
        /// Resources to remove.
        remove: usize,
    },
    /// A step waits for something.
    Waiting {
        /// The step.
        step: Step,
        /// For what.
        for_what: Await,
    },
    /// A step is written down and is being done.
    Started(Step),
    /// A step is done.
    Done(Step),
    /// A step failed.
    Failed {
        /// The step.
        step: Step,
        /// Why, with what to do about it.
        says: String,
    },
    /// A cloud could not be read whole.
    Unread {
        /// The cloud.
        cloud: String,
        /// Why.
        says: String,
    },
    /// An operation of an earlier attempt was found again and closed.
    Recovered(Step),
}

/// A step, in short.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Step {
    /// `create`, `update`, `start` or `remove`.
    pub verb: &'static str,
    /// The resource's key in the plan, or its mark.
    pub resource: String,
    /// The cloud.
    pub cloud: String,
    /// The native type.
    #[serde(rename = "type")]
    pub resource_type: String,
    /// The native name.
    pub name: String,
}

impl From<&Intent> for Step {
    fn from(intent: &Intent) -> Self {
        Self {
            verb: intent.verb.name(),
            resource: intent.resource.clone(),
            cloud: intent.cloud.clone(),
            resource_type: intent.resource_type.clone(),
            name: intent.name.clone(),
        }
    }
}

impl From<&decide::Operation> for Step {
    fn from(step: &decide::Operation) -> Self {
        let verb = match step.action {
            Action::Create(_) => Verb::Create,
            Action::Update { .. } => Verb::Update,
            Action::Start { .. } => Verb::Start,
            Action::Remove { .. } => Verb::Remove,
        };
        Self {
            verb: verb.name(),
            resource: step.resource.clone(),
            cloud: step.cloud.clone(),
            resource_type: step.resource_type.clone(),
            name: step.name.clone(),
        }
    }
}

/// An attempt that was cut off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Interrupted {
    /// The plan it was for; `None` if the application was to go.
    pub plan: Option<String>,
    /// How many of its steps were done.
    pub done: usize,
    /// Of how many.
    pub of: usize,
}

impl std::fmt::Display for Interrupted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.plan {
            Some(plan) => write!(f, "apply of {plan}")?,
            None => f.write_str("destroy")?,
        }
        let Self { done, of, .. } = self;
        write!(f, " was interrupted after {done} of {of}; nothing is lost: going on")
    }
}

/// Where progress is told. Nobody need listen.
#[derive(Clone, Debug, Default)]
pub struct ProgressSink(Option<UnboundedSender<Progress>>);

impl ProgressSink {
    /// Tells progress to a channel.
    pub const fn to(sender: UnboundedSender<Progress>) -> Self {
        Self(Some(sender))
    }

    /// Tells it to nobody.
    pub const fn nobody() -> Self {
        Self(None)
    }

    pub(super) fn tell(&self, progress: Progress) {
        if let Some(sender) = &self.0 {
            // A listener that went away has no more questions.
            let _ = sender.send(progress);
        }
    }

    pub(super) fn decided(&self, operations: &Operations) {
        let count = |of: fn(&Action) -> bool| {
            operations.steps.iter().filter(|step| of(&step.action)).count()
        };
        self.tell(Progress::Decided {
            create: count(|action| matches!(action, Action::Create(_))),
            change: count(|action| matches!(action, Action::Update { .. } | Action::Start { .. })),
            remove: count(|action| matches!(action, Action::Remove { .. })),
        });
    }
}
