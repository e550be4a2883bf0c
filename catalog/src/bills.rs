//! The `storage` and `services` tables: what is billed beside machines and traffic.

use std::collections::BTreeSet;
use std::sync::Arc;

use coc_model::catalog::{ServicePrice, StoragePrice};
use coc_model::decimal::Decimal;
use coc_model::mistake::Mistake;

use crate::figure::{Figure, ROW_LEFT_OUT, figure, not_negative};
use crate::layers::{Entry, latest};
use crate::reading::Reading;
use crate::regions::{EVERY, RegionKey, Regions};
use crate::table::{Column, Row, Table};

/// What a price is for, beside its cloud and region: the columns that tell prices apart.
pub(crate) type BillKey = (RegionKey, Vec<Arc<str>>);

/// A price that is told apart by these columns: all of one key are kept.
pub(crate) type Bills<T> = Vec<Entry<BillKey, T>>;

/// Reads the `storage` table. A price that is not known, zero, or negative gives a notice, and its
/// row is not used.
pub(crate) fn read_storage(table: &Table, reading: &mut Reading, into: &mut Bills<StoragePrice>) {
    let required = ["cloud", "region", "kind", "usd"];
    let mut rows = reading.rows(table, &required);
    let [cloud, region, kind, usd] = required.map(|name| rows.column(name));
    let [sku, unit, source, date, note] =
        ["sku", "unit", "source", "date", "note"].map(|name| rows.column(name));
    while let Some(row) = reading.next(&mut rows) {
        let notices = &mut reading.notices;
        let needed = [cloud, region, kind].map(|column| row.need(column, notices));
        let price = price(&row, usd, notices);
        let ([Some(cloud), Some(region), Some(kind)], Some(price)) = (needed, price) else {
            continue;
        };
        let intern = &mut reading.intern;
        let value = StoragePrice {
            cloud: intern.text(cloud),
            region: intern.text(region),
            kind: intern.text(kind),
            sku: intern.text(row.text(sku).unwrap_or_default()),
            unit: intern.text(row.text(unit).unwrap_or_default()),
            price,
            note: row.text(note).map(|text| intern.text(text)),
            source: intern.source_or_not_stated(row.text(source), row.text(date)),
        };
        let apart = vec![value.kind.clone(), value.sku.clone(), value.unit.clone()];
        let key = ((value.cloud.clone(), value.region.clone()), apart);
        into.push(Entry { key, origin: reading.origin(&row), value });
    }
}

/// Reads the `services` table, as [`read_storage`].
pub(crate) fn read_services(table: &Table, reading: &mut Reading, into: &mut Bills<ServicePrice>) {
    let required = ["cloud", "region", "service", "usd_per_unit"];
    let mut rows = reading.rows(table, &required);
    let [cloud, region, service, usd] = required.map(|name| rows.column(name));
    let [product, component, unit, error, basis, configuration, source, date] = [
        "product",
        "component",
        "unit",
        "rounding_error",
        "region_basis",
        "source_resource",
        "source",
        "date",
    ]
    .map(|name| rows.column(name));
    while let Some(row) = reading.next(&mut rows) {
        let notices = &mut reading.notices;
        let needed = [cloud, region, service].map(|column| row.need(column, notices));
        let price = price(&row, usd, notices);
        let ([Some(cloud), Some(region), Some(service)], Some(price)) = (needed, price) else {
            continue;
        };
        let rounding_error = not_negative(&row, error, notices);
        let intern = &mut reading.intern;
        let [product, component, unit] = [product, component, unit]
            .map(|column| intern.text(row.text(column).unwrap_or_default()));
        let value = ServicePrice {
            cloud: intern.text(cloud),
            region: intern.text(region),
            service: intern.text(service),
            product,
            component,
            unit,
            price,
            rounding_error,
            region_basis: row.text(basis).map(|text| intern.text(text)),
            configuration: row.text(configuration).map(|text| intern.text(text)),
            source: intern.source_or_not_stated(row.text(source), row.text(date)),
        };
        let detail = value.configuration.clone().unwrap_or_default();
        let words = [&value.service, &value.product, &value.component, &value.unit, &detail];
        let key = ((value.cloud.clone(), value.region.clone()), words.map(Arc::clone).to_vec());
        into.push(Entry { key, origin: reading.origin(&row), value });
    }
}

/// The price of a row; `None`, with a notice, if it is no price.
fn price(row: &Row<'_>, column: Column, notices: &mut Vec<Mistake>) -> Option<Decimal> {
    let says = match figure(row, column, ROW_LEFT_OUT, notices) {
        Figure::Number(price) if price > Decimal::ZERO => return Some(price),
        Figure::Number(price) if price.is_negative() => {
            format!("catalogue error: {} is negative ({price}); {ROW_LEFT_OUT}", column.name)
        }
        Figure::Number(_) => format!("price unknown: a zero is no price; {ROW_LEFT_OUT}"),
        Figure::Absent => format!("price unknown: the row states none; {ROW_LEFT_OUT}"),
        Figure::Wrong => return None,
    };
    notices.push(row.notice(column, says));
    None
}

/// The prices that hold, those of all regions of a cloud put down for each region that has no price
/// of its own for the same thing; ordered by cloud, region and what tells them apart.
pub(crate) fn link<T: Clone>(
    entries: Bills<T>,
    regions: &Regions,
    in_region: impl Fn(&T, &Arc<str>) -> T,
    notices: &mut Vec<Mistake>,
) -> Vec<T> {
    let (everywhere, mut single): (Bills<T>, Bills<T>) =
        latest(entries).into_iter().partition(|entry| &*entry.key.0.1 == EVERY);
    let own: BTreeSet<BillKey> = single.iter().map(|entry| entry.key.clone()).collect();
    for entry in everywhere {
        let cloud = &entry.key.0.0;
        if regions.of_cloud(cloud).is_empty() {
            let says = format!(
                "catalogue error: no table of regions, zones or offers knows {cloud}; \
                 {ROW_LEFT_OUT}"
            );
            notices.push(Mistake::at(entry.origin.position(), says));
        }
        for region in regions.names(cloud) {
            let key = ((cloud.clone(), region.clone()), entry.key.1.clone());
            if !own.contains(&key) {
                let value = in_region(&entry.value, region);
                single.push(Entry { key, origin: entry.origin.clone(), value });
            }
        }
    }
    single.sort_by(|a, b| a.key.cmp(&b.key));
    single.into_iter().map(|entry| entry.value).collect()
}
