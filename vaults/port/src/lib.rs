//! Vaults: where a customer's objects live.
//!
//! A vault is a totally ordered log of commits; revisions are dense (1, 2, 3, ...) and the same in
//! every backend. [`Vault`] is what the rest of the system uses. A backend implements the few verbs
//! of [`store::LogStore`], of which one matters: "append this entry if the head is just before it".
//! [`LogVault`] makes a vault of any backend: conditions, history, reads as of a revision or a time,
//! and watching are written once, there. [`conformance`] has every promise of [`Vault`] as a test
//! that all backends run.

pub mod commit;
pub mod conformance;
mod engine;
pub mod entry;
pub mod error;
pub mod faults;
pub mod limits;
pub mod memory;
pub mod range;
pub mod record;
mod state;
pub mod store;
pub mod vault;
mod watch;

pub use commit::{Actor, Change, Commit, CommitId, Committed, Condition, WhenSame};
pub use engine::LogVault;
pub use error::{Conflict, VaultError};
pub use limits::Limits;
pub use memory::MemoryStore;
pub use range::KeyRange;
pub use record::{Origin, Page, Record, Rev, Version};
pub use store::LogStore;
pub use vault::{At, Event, Freshness, Vault, VaultState};
