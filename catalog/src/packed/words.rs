//! Texts and sources by number: each stands once in a packed catalog.

use std::collections::BTreeMap;
use std::sync::Arc;

use coc_model::offer::Source;

use super::CatalogError::{self, Damaged};
use super::wire::{Reader, Writer, list, of_number};

/// Texts and sources by number, in the order they are first named.
#[derive(Default)]
pub(super) struct WordsWritten<'c> {
    texts: Numbered<&'c str>,
    sources: Numbered<&'c Source>,
}

/// Things by number, in the order they were first met.
pub(super) struct Numbered<T> {
    numbers: BTreeMap<T, u64>,
    pub(super) list: Vec<T>,
}

impl<T> Default for Numbered<T> {
    fn default() -> Self {
        Self { numbers: BTreeMap::new(), list: Vec::new() }
    }
}

impl<T: Ord + Clone> Numbered<T> {
    /// The number of a thing, a new one if it is new.
    pub(super) fn number(&mut self, thing: T) -> u64 {
        if let Some(&known) = self.numbers.get(&thing) {
            return known;
        }
        let new = self.list.len() as u64;
        self.list.push(thing.clone());
        self.numbers.insert(thing, new);
        new
    }
}

impl<'c> WordsWritten<'c> {
    /// The number of a text.
    pub(super) fn text(&mut self, text: &'c str) -> u64 {
        self.texts.number(text)
    }

    /// 0 for no text, else one more than its number.
    pub(super) fn maybe(&mut self, text: Option<&'c Arc<str>>) -> u64 {
        text.map_or(0, |text| self.text(text) + 1)
    }

    /// The number of a source.
    pub(super) fn source(&mut self, source: &'c Source) -> u64 {
        self.sources.number(source)
    }

    /// 0 for no source, else one more than its number.
    pub(super) fn maybe_source(&mut self, source: Option<&'c Arc<Source>>) -> u64 {
        source.map_or(0, |source| self.source(source) + 1)
    }

    /// Several texts.
    pub(super) fn write_all(&mut self, texts: &'c [Arc<str>], out: &mut Writer) {
        out.count(texts.len());
        for text in texts {
            out.int(self.text(text));
        }
    }

    /// Everything named, to stand before what names it.
    pub(super) fn finish(mut self) -> Writer {
        let mut sources = Writer::default();
        sources.count(self.sources.list.len());
        for source in std::mem::take(&mut self.sources.list) {
            sources.int(self.text(&source.name));
            sources.int(self.text(&source.date));
        }
        let (mut lengths, mut letters) = (Writer::default(), Writer::default());
        for text in &self.texts.list {
            lengths.count(text.len());
            letters.0.extend_from_slice(text.as_bytes());
        }
        let mut all = Writer::default();
        all.count(self.texts.list.len());
        all.column(&lengths);
        all.column(&letters);
        all.column(&sources);
        all
    }
}

/// Texts and sources of a packed catalog, by number.
pub(super) struct Words {
    texts: Vec<Arc<str>>,
    sources: Vec<Arc<Source>>,
}

impl Words {
    /// Reads what [`WordsWritten::finish`] wrote.
    pub(super) fn read(from: &mut Reader<'_>) -> Result<Self, CatalogError> {
        let count = from.count()?;
        let (mut lengths, mut letters) = (from.column()?, from.column()?);
        let text = |_| {
            let length = lengths.int()?;
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            let text = std::str::from_utf8(letters.bytes(length)?);
            text.map(Arc::from).map_err(|_| Damaged("a text of it is not UTF-8"))
        };
        let texts = (0..count).map(text).collect::<Result<_, _>>()?;
        let mut words = Self { texts, sources: Vec::new() };
        let mut sources = from.column()?;
        words.sources = list(&mut sources, |from| {
            Ok(Arc::new(Source { name: words.text(from)?, date: words.text(from)? }))
        })?;
        lengths.end().and(letters.end()).and(sources.end())?;
        Ok(words)
    }

    /// A text by its number.
    pub(super) fn text(&self, from: &mut Reader<'_>) -> Result<Arc<str>, CatalogError> {
        self.numbered(from.int()?)
    }

    /// What [`WordsWritten::maybe`] numbered.
    pub(super) fn maybe(&self, from: &mut Reader<'_>) -> Result<Option<Arc<str>>, CatalogError> {
        from.int()?.checked_sub(1).map(|number| self.numbered(number)).transpose()
    }

    fn numbered(&self, number: u64) -> Result<Arc<str>, CatalogError> {
        of_number(&self.texts, number).cloned()
    }

    /// A source by its number.
    pub(super) fn source(&self, from: &mut Reader<'_>) -> Result<Arc<Source>, CatalogError> {
        of_number(&self.sources, from.int()?).cloned()
    }

    /// What [`WordsWritten::maybe_source`] numbered.
    pub(super) fn maybe_source(
        &self,
        from: &mut Reader<'_>,
    ) -> Result<Option<Arc<Source>>, CatalogError> {
        self.source_or_none(from.int()?)
    }

    /// The source of a number that [`WordsWritten::maybe_source`] gave.
    pub(super) fn source_or_none(&self, number: u64) -> Result<Option<Arc<Source>>, CatalogError> {
        number.checked_sub(1).map(|number| of_number(&self.sources, number).cloned()).transpose()
    }
}
