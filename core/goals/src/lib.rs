//! The goal language.
//!
//! One text, two readings: this crate parses and types it; lowering (in the optimizer) and the
//! checker each understand it in their own way and share nothing but what is here.
#![deny(clippy::float_arithmetic)]

pub mod check;
pub mod expression;
pub mod number;
pub mod syntax;
