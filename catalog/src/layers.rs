//! Several directories laid over each other: the last one that has a key has the say.

use std::sync::Arc;

use coc_model::mistake::{Mistake, Position};

/// Where a row was read.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    /// The file.
    pub(crate) file: Arc<str>,
    /// The line it starts on.
    pub(crate) line: u32,
    /// Which of the directories, counted from the first.
    pub(crate) layer: usize,
}

impl Origin {
    /// The start of the row.
    pub(crate) fn position(&self) -> Position {
        Position::new(&self.file, self.line, 1)
    }
}

/// What a row says of a key.
#[derive(Clone, Debug)]
pub(crate) struct Entry<K, T> {
    /// What the row is about.
    pub(crate) key: K,
    /// Where it was read.
    pub(crate) origin: Origin,
    /// What it says.
    pub(crate) value: T,
}

/// Of each key, the rows of the last directory that has it, sorted by key and else in the order
/// they were read. Rows must come in the order of the directories.
pub(crate) fn latest<K: Ord, T>(mut entries: Vec<Entry<K, T>>) -> Vec<Entry<K, T>> {
    entries.sort_by(|a, b| a.key.cmp(&b.key));
    let mut kept: Vec<Entry<K, T>> = Vec::with_capacity(entries.len());
    for entry in entries {
        while kept.last().is_some_and(|k| k.key == entry.key && k.origin.layer < entry.origin.layer)
        {
            kept.pop();
        }
        kept.push(entry);
    }
    kept
}

/// As [`latest`], for tables that say one thing of a key: of several rows in one directory the
/// last is used, with a notice for each of the others.
pub(crate) fn one_each<K: Ord, T>(
    entries: Vec<Entry<K, T>>,
    notices: &mut Vec<Mistake>,
) -> Vec<Entry<K, T>> {
    let mut kept: Vec<Entry<K, T>> = Vec::with_capacity(entries.len());
    for entry in latest(entries) {
        if let Some(last) = kept.pop_if(|last| last.key == entry.key) {
            let by = entry.origin.position();
            let says = format!("the row is not used: {by} says the same key again");
            notices.push(Mistake::at(last.origin.position(), says).hint("remove one of the rows"));
        }
        kept.push(entry);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(key: &'static str, layer: usize, line: u32) -> Entry<&'static str, u32> {
        Entry { key, origin: Origin { file: "f".into(), line, layer }, value: line }
    }

    fn values(entries: Vec<Entry<&'static str, u32>>) -> Vec<(&'static str, u32)> {
        entries.into_iter().map(|entry| (entry.key, entry.value)).collect()
    }

    #[test]
    fn the_last_directory_with_a_key_has_the_say() {
        let rows = || {
            vec![
                entry("b", 0, 2),
                entry("a", 0, 3),
                entry("a", 0, 4),
                entry("b", 1, 5),
                entry("b", 1, 6),
                entry("c", 1, 7),
            ]
        };
        assert_eq!(values(latest(rows())), [("a", 3), ("a", 4), ("b", 5), ("b", 6), ("c", 7)]);
        let mut notices = Vec::new();
        assert_eq!(values(one_each(rows(), &mut notices)), [("a", 4), ("b", 6), ("c", 7)]);
        let notices: Vec<_> = notices.iter().map(ToString::to_string).collect();
        assert_eq!(
            notices,
            [
                "f:3:1: the row is not used: f:4:1 says the same key again (remove one of the rows)",
                "f:5:1: the row is not used: f:6:1 says the same key again (remove one of the rows)",
            ]
        );
    }
}
