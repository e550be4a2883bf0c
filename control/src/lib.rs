//! Control: loops over ports, never adapters.

pub mod planning;
