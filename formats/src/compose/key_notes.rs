//! What became of each key.

use std::collections::BTreeMap;

use coc_model::application::{KeyFate, KeyNote};
use coc_model::mistake::Position;

/// Notes on keys, one for each.
#[derive(Default)]
pub(super) struct KeyNotes(BTreeMap<String, KeyNote>);

impl KeyNotes {
    /// Says what became of a key.
    pub(super) fn say(&mut self, key: &str, at: &Position, fate: KeyFate) {
        self.entry(key, at).fate = fate;
    }

    /// Adds something that a person should know of how a key was read; the key is used if nothing
    /// else is said.
    pub(super) fn add(&mut self, key: &str, at: &Position, note: &str) {
        match &mut self.entry(key, at).note {
            Some(before) if before.contains(note) => {}
            Some(before) => {
                before.push_str("; ");
                before.push_str(note);
            }
            empty => *empty = Some(note.to_owned()),
        }
    }

    fn entry(&mut self, key: &str, at: &Position) -> &mut KeyNote {
        self.0.entry(key.to_owned()).or_insert_with(|| KeyNote {
            key: key.to_owned(),
            fate: KeyFate::Used,
            at: at.clone(),
            note: None,
        })
    }

    /// The notes, ordered by key.
    pub(super) fn into_notes(self) -> Vec<KeyNote> {
        self.0.into_values().collect()
    }
}
