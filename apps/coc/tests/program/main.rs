//! The whole program, run as a person runs it: files in a folder, a command, an exit code and one
//! JSON document.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that can't go on stops"
)]

mod changed;
mod explained;
mod folder;
mod impossible;
mod members;
mod missing_price;
mod named_goals;
mod same_bytes;
mod short_zone;
mod sites;
mod traffic;
mod verbs;
