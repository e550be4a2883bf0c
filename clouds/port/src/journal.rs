//! Where the caller writes down what is about to be sent.

use async_trait::async_trait;
use coc_model::resource::{NativeId, ObservedResource};

use crate::cloud::{Create, Update};
use crate::failure::Failure;

/// A request that changes something outside.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Request<'a> {
    /// A create.
    Create(&'a Create),
    /// A change of a resource that is there.
    Update(&'a Update),
    /// A delete.
    Delete {
        /// The native type.
        resource_type: &'a str,
        /// What is deleted.
        id: &'a NativeId,
    },
}

/// What is known of tries of the same operation before this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Earlier {
    /// Nothing was ever sent.
    None,
    /// A request was about to be sent, whatever came of it: it may be on its way, or its effect not
    /// visible yet, so that not finding anything proves nothing for the settle window.
    Sent,
}

/// What came of a request: the resource where the answer holds one.
pub type Answer<'a> = Result<Option<&'a ObservedResource>, &'a Failure>;

/// The journal of one operation, as [`ensure`](crate::ensure::ensure) and
/// [`remove`](crate::remove::remove) see it. The operation itself, with the exact document, its
/// marks and its name, is written down before either is called; this tells when each single request
/// leaves and returns, so that a program killed at any point knows afterwards what may have had an
/// effect.
#[async_trait]
pub trait Journal: Send + Sync {
    /// What is known of earlier tries.
    fn earlier(&self) -> Earlier;

    /// Writes down that a request is about to be sent. It is sent only if this succeeds.
    ///
    /// # Errors
    /// What kept it from being written.
    async fn sending(&self, request: Request<'_>) -> Result<(), Failure>;

    /// Writes down what came of it.
    ///
    /// # Errors
    /// What kept it from being written. The request had its effect all the same.
    async fn answered(&self, request: Request<'_>, answer: Answer<'_>) -> Result<(), Failure>;
}

/// A journal that keeps nothing, for callers to whom a killed program is no concern.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoJournal;

#[async_trait]
impl Journal for NoJournal {
    fn earlier(&self) -> Earlier {
        Earlier::None
    }

    async fn sending(&self, _request: Request<'_>) -> Result<(), Failure> {
        Ok(())
    }

    async fn answered(&self, _request: Request<'_>, _answer: Answer<'_>) -> Result<(), Failure> {
        Ok(())
    }
}
