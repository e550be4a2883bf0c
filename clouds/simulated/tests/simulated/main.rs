//! The simulated cloud: the conformance suite, what is got over, and secrets.

#![allow(clippy::unwrap_used, reason = "what can't be made fails the test")]

mod conformance;
mod market;
mod recovery;
mod secrets;
mod weather;
