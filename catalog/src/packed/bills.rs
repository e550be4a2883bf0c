//! The storage and service prices of a packed catalog.

use coc_model::catalog::{ServicePrice, StoragePrice};

use super::CatalogError;
use super::wire::{Reader, Writer, list};
use super::words::{Words, WordsWritten};

/// Writes the storage prices.
pub(super) fn write_storage<'c>(
    prices: &'c [StoragePrice],
    words: &mut WordsWritten<'c>,
    out: &mut Writer,
) {
    out.count(prices.len());
    for price in prices {
        for text in [&price.cloud, &price.region, &price.kind, &price.sku, &price.unit] {
            out.int(words.text(text));
        }
        out.decimal(price.price);
        out.int(words.maybe(price.note.as_ref()));
        out.int(words.source(&price.source));
    }
}

/// Writes the prices of services.
pub(super) fn write_services<'c>(
    prices: &'c [ServicePrice],
    words: &mut WordsWritten<'c>,
    out: &mut Writer,
) {
    out.count(prices.len());
    for price in prices {
        let of = [&price.cloud, &price.region, &price.service, &price.product, &price.component];
        for text in of.into_iter().chain([&price.unit]) {
            out.int(words.text(text));
        }
        out.decimal(price.price);
        out.maybe_decimal(price.rounding_error);
        out.int(words.maybe(price.region_basis.as_ref()));
        out.int(words.maybe(price.configuration.as_ref()));
        out.int(words.source(&price.source));
    }
}

/// Reads the storage prices.
pub(super) fn read_storage(
    from: &mut Reader<'_>,
    words: &Words,
) -> Result<Vec<StoragePrice>, CatalogError> {
    list(from, |from| storage(from, words))
}

fn storage(from: &mut Reader<'_>, words: &Words) -> Result<StoragePrice, CatalogError> {
    Ok(StoragePrice {
        cloud: words.text(from)?,
        region: words.text(from)?,
        kind: words.text(from)?,
        sku: words.text(from)?,
        unit: words.text(from)?,
        price: from.decimal()?,
        note: words.maybe(from)?,
        source: words.source(from)?,
    })
}

/// Reads the prices of services.
pub(super) fn read_services(
    from: &mut Reader<'_>,
    words: &Words,
) -> Result<Vec<ServicePrice>, CatalogError> {
    list(from, |from| service(from, words))
}

fn service(from: &mut Reader<'_>, words: &Words) -> Result<ServicePrice, CatalogError> {
    Ok(ServicePrice {
        cloud: words.text(from)?,
        region: words.text(from)?,
        service: words.text(from)?,
        product: words.text(from)?,
        component: words.text(from)?,
        unit: words.text(from)?,
        price: from.decimal()?,
        rounding_error: from.maybe_decimal()?,
        region_basis: words.maybe(from)?,
        configuration: words.maybe(from)?,
        source: words.source(from)?,
    })
}
