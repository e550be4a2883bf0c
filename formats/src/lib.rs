//! Readers of application files.

pub mod tree;
