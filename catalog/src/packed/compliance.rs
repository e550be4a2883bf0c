//! The certifications of a packed catalog.

use coc_model::catalog::Certification;

use super::CatalogError;
use super::wire::{Reader, Writer, list};
use super::words::{Words, WordsWritten};

/// Writes the certifications.
pub(super) fn write<'c>(
    certifications: &'c [Certification],
    words: &mut WordsWritten<'c>,
    out: &mut Writer,
) {
    out.count(certifications.len());
    for certification in certifications {
        for text in [&certification.cloud, &certification.region, &certification.framework] {
            out.int(words.text(text));
        }
        out.int(words.maybe(certification.note.as_ref()));
        out.int(words.source(&certification.source));
    }
}

/// Reads the certifications.
pub(super) fn read(
    from: &mut Reader<'_>,
    words: &Words,
) -> Result<Vec<Certification>, CatalogError> {
    list(from, |from| {
        Ok(Certification {
            cloud: words.text(from)?,
            region: words.text(from)?,
            framework: words.text(from)?,
            note: words.maybe(from)?,
            source: words.source(from)?,
        })
    })
}
