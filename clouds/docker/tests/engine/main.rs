//! The driver against real engines. They are started if they are not up; nothing is skipped.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod act;
mod busy;
mod conformance;
mod endpoints;
mod engines;
mod health;
mod lifecycle;
mod limits;
mod market;
mod plan;
mod recorder;
mod refusals;
mod sharing;
mod states;
mod updates;
mod watching;
