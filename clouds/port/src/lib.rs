//! The port to clouds.
//!
//! A driver implements [`cloud::Cloud`]. [`ensure`] and [`remove`] are the only ways to create,
//! change and remove; [`secrets`] are filled in right before that; [`observe`] says what lists
//! prove; [`layers`] wrap any driver; [`conformance`] is the suite that all drivers run.

pub mod ability;
pub mod bucket;
pub mod cloud;
pub mod conformance;
pub mod drift;
pub mod ensure;
pub mod failure;
pub mod journal;
pub mod layers;
pub mod observe;
pub mod random;
pub mod remove;
pub mod secrets;
pub mod terms;

pub use cloud::Cloud;
pub use ensure::{Ensured, ensure};
pub use failure::Failure;
pub use remove::{Removal, Removed, remove};
pub use secrets::fill_secrets;
pub use terms::Terms;
