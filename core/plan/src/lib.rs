//! Plans: deciding what has to be done for one, telling two apart, and showing one to people.

pub mod decide;
pub mod diff;
pub mod text;
