//! The verbs, one module each.

pub(crate) mod check;
pub(crate) mod explain;
pub(crate) mod offers;
pub(crate) mod plan;
pub(crate) mod verify;
