//! What the tests of several crates share: small worlds drawn from a seed, solved and judged.

pub mod expressions;
pub mod packings;
pub mod random;
pub mod solving;
pub mod worlds;
