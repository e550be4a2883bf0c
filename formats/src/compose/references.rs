//! The names of other things that a service uses, to be checked once all of them are known.

use std::collections::BTreeMap;

use coc_model::application::{Condition, Tie};
use coc_model::mistake::Position;

/// A name and where it stands.
pub(super) type Named = (String, Position);

/// What a service uses by name.
#[derive(Default)]
pub(super) struct References {
    /// Services it waits for by `depends_on`.
    pub(super) waits: BTreeMap<String, Wait>,
    /// Services it waits for because of another key: with the key.
    pub(super) implied: Vec<(Named, &'static str)>,
    /// Services whose host it must share, for another reason than volumes.
    pub(super) ties: Vec<Tie>,
    /// Networks.
    pub(super) networks: Vec<Named>,
    /// Volumes.
    pub(super) volumes: Vec<Named>,
    /// Secrets.
    pub(super) secrets: Vec<Named>,
    /// Configurations.
    pub(super) configs: Vec<Named>,
    /// Other services, by the names that this one alone has for them.
    pub(super) aliases: BTreeMap<String, String>,
}

/// How a service waits for another.
pub(super) struct Wait {
    /// For what.
    pub(super) condition: Condition,
    /// False if the other may be left out.
    pub(super) required: bool,
    /// Where it says so.
    pub(super) at: Position,
}
