//! Control: loops over ports. Clouds, vaults, engines and clocks are handed in by the application.

pub mod deploying;
pub mod planning;
