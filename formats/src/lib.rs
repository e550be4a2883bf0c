//! Readers of application files.

pub mod compose;
pub mod detect;
mod fields;
pub mod files;
pub mod kubernetes;
pub mod native;
mod paths;
pub mod read;
mod sealing;
pub mod tree;
