//! The port to clouds.
//!
//! A driver implements [`cloud::Cloud`]. `ensure` has the only ways to create and remove;
//! `layers` wrap any driver; `conformance` is the suite that all drivers run.

pub mod cloud;
pub mod failure;
pub mod secrets;

pub use cloud::Cloud;
pub use failure::Failure;
pub use secrets::fill_secrets;
