//! Vaults in one file.
//!
//! The file is an SQLite database in WAL mode that any number of processes on one machine can
//! share; which of two appends wins is decided by SQLite's write lock. An acknowledged append is on
//! the disk: it survives the end of the process and of the power.

mod failure;
mod filesystem;
mod layout;
mod store;

pub use store::FileStore;
