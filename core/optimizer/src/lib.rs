//! The optimizer's core: the closed problem, lowering, presolve, the engine trait, the portfolio,
//! conflicts and relaxations. Pure: engines are handed in, and so is the clock.
#![deny(clippy::float_arithmetic)]

pub mod assume;
mod choice;
pub mod conflict;
pub mod engine;
pub mod explain;
mod granularity;
pub mod lower;
pub mod portfolio;
pub mod presolve;
pub mod problem;
pub mod query;
mod range;
pub mod reading;
mod sites;
pub mod solution;
