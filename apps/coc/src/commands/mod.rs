//! The verbs.

pub(crate) mod check;
pub(crate) mod clouds;
pub(crate) mod deploy;
pub(crate) mod explain;
pub(crate) mod goals;
pub(crate) mod offers;
pub(crate) mod plan;
pub(crate) mod status;
pub(crate) mod surface;
pub(crate) mod verify;
