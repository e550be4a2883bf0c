//! The regions of a packed catalog.

use coc_model::catalog::Region;
use coc_model::place::Place;

use super::CatalogError;
use super::wire::{Reader, Writer, list};
use super::words::{Words, WordsWritten};

/// Writes the regions.
pub(super) fn write<'c>(regions: &'c [Region], words: &mut WordsWritten<'c>, out: &mut Writer) {
    out.count(regions.len());
    for region in regions {
        out.int(words.text(&region.cloud));
        let place = &region.place;
        for text in [&place.region, &place.zone, &place.country, &place.area, &region.title] {
            out.int(words.maybe(text.as_ref()));
        }
        words.write_all(&region.zones, out);
        out.maybe_decimal(region.coordinates.map(|(latitude, _)| latitude));
        out.maybe_decimal(region.coordinates.map(|(_, longitude)| longitude));
        out.maybe_decimal(region.carbon_g_per_kwh);
        out.int(words.maybe(region.carbon_method.as_ref()));
    }
}

/// Reads the regions.
pub(super) fn read(from: &mut Reader<'_>, words: &Words) -> Result<Vec<Region>, CatalogError> {
    list(from, |from| region(from, words))
}

fn region(from: &mut Reader<'_>, words: &Words) -> Result<Region, CatalogError> {
    let cloud = words.text(from)?;
    let place = Place {
        region: words.maybe(from)?,
        zone: words.maybe(from)?,
        country: words.maybe(from)?,
        area: words.maybe(from)?,
    };
    Ok(Region {
        cloud,
        place,
        title: words.maybe(from)?,
        zones: list(from, |from| words.text(from))?,
        coordinates: from.maybe_decimal()?.zip(from.maybe_decimal()?),
        carbon_g_per_kwh: from.maybe_decimal()?,
        carbon_method: words.maybe(from)?,
    })
}
