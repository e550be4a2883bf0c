//! The whole program against real Docker Engines, which have to run: nothing is skipped.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod endpoints;
mod engines;
mod gate;
mod killed;
mod program;
mod secrets;
