//! The information model of Cloud of Clouds: the nouns that everything else speaks of.
//!
//! Plain data, exact numbers, ordered maps. No I/O, no clock, no randomness, no floating point
//! arithmetic; units are part of types, unknown is `None` and never zero.
#![deny(clippy::float_arithmetic)]

pub mod application;
pub mod attribute;
pub mod canonical;
pub mod catalog;
pub mod cloud;
pub mod decimal;
pub mod energy;
pub mod estate;
pub mod goals;
pub mod marks;
pub mod mistake;
pub mod money;
pub mod object;
pub mod offer;
pub mod place;
pub mod plan;
pub mod quantity;
pub mod resource;
pub mod route;
pub mod secret;
pub mod tradeoff;
