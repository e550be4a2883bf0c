//! The goal language.
//!
//! One text, two readings: this crate expands named goals, parses and types; lowering (in the
//! optimizer) and the checker each understand the result in their own way and share nothing but
//! what is here.
#![deny(clippy::float_arithmetic)]

pub mod check;
pub mod expression;
pub mod library;
pub mod number;
pub mod rules;
pub mod syntax;
