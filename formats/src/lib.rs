//! Readers of application files.

pub mod detect;
mod fields;
pub mod kubernetes;
pub mod native;
mod sealing;
pub mod tree;
