//! Readers of application files.

pub mod compose;
pub mod files;
mod paths;
pub mod tree;
