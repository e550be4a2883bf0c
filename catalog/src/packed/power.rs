//! The processors' power of a packed catalog.

use coc_model::catalog::ProcessorPower;
use coc_model::offer::Architecture;

use super::CatalogError::{self, Damaged};
use super::wire::{Reader, Writer, list};
use super::words::{Words, WordsWritten};

/// Writes what processors draw.
pub(super) fn write<'c>(
    power: &'c [ProcessorPower],
    words: &mut WordsWritten<'c>,
    out: &mut Writer,
) {
    out.count(power.len());
    for of in power {
        out.int(words.text(&of.cloud));
        out.int(words.text(&of.processor));
        out.byte(u8::from(of.architecture == Architecture::Arm64));
        out.decimal(of.idle_watts);
        out.decimal(of.full_watts);
        out.int(words.source(&of.source));
    }
}

/// Reads what processors draw.
pub(super) fn read(
    from: &mut Reader<'_>,
    words: &Words,
) -> Result<Vec<ProcessorPower>, CatalogError> {
    list(from, |from| {
        Ok(ProcessorPower {
            cloud: words.text(from)?,
            processor: words.text(from)?,
            architecture: match from.byte()? {
                0 => Architecture::X86_64,
                1 => Architecture::Arm64,
                _ => return Err(Damaged("a mark of it is unknown")),
            },
            idle_watts: from.decimal()?,
            full_watts: from.decimal()?,
            source: words.source(from)?,
        })
    })
}
