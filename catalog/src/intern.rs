//! One copy of each text and source: a catalog of 100,000 rows names a few thousand things.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use coc_model::offer::Source;

/// What a figure's source is called where the table does not say.
const NOT_STATED: &str = "not stated";

/// The texts and sources met so far.
#[derive(Debug, Default)]
pub(crate) struct Interner {
    // Only looked into, never walked through: its order can't reach the outcome.
    texts: HashSet<Arc<str>>,
    sources: BTreeMap<Source, Arc<Source>>,
}

impl Interner {
    /// The one copy of a text.
    pub(crate) fn text(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.texts.get(text) {
            return Arc::clone(known);
        }
        let new: Arc<str> = text.into();
        self.texts.insert(Arc::clone(&new));
        new
    }

    /// The source of this name and date; `None` if neither is stated.
    pub(crate) fn source(&mut self, name: Option<&str>, date: Option<&str>) -> Option<Arc<Source>> {
        (name.is_some() || date.is_some()).then(|| self.source_or_not_stated(name, date))
    }

    /// The source of this name and date, with words for what is not stated.
    pub(crate) fn source_or_not_stated(
        &mut self,
        name: Option<&str>,
        date: Option<&str>,
    ) -> Arc<Source> {
        let source = Source {
            name: self.text(name.unwrap_or(NOT_STATED)),
            date: self.text(date.unwrap_or_default()),
        };
        Arc::clone(self.sources.entry(source.clone()).or_insert_with(|| Arc::new(source)))
    }
}
