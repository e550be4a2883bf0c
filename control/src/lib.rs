//! Loops over ports: clouds, vaults and clocks are handed in by the application.

pub mod deploying;
