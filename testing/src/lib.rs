//! What the tests of several crates share: small worlds drawn from a seed.

pub mod random;
pub mod worlds;
