//! The `latency` table: round trips between regions.

use coc_model::catalog::{Routes, SourcedLatency};
use coc_model::mistake::Mistake;
use coc_model::quantity::Micros;
use coc_model::route::Latency;

use crate::ends::Ends;
use crate::figure::{ROW_LEFT_OUT, ceiling, positive};
use crate::layers::{Entry, one_each};
use crate::reading::Reading;
use crate::regions::Regions;
use crate::table::{Column, Row, Table};

/// Microseconds in the milliseconds that the table gives.
const MILLISECOND: u64 = 1000;

/// Reads the table. A part of a microsecond is rounded up. A row that does not say whether its
/// figure was measured counts as measured.
pub(crate) fn read(
    table: &Table,
    reading: &mut Reading,
    into: &mut Vec<Entry<Ends, SourcedLatency>>,
) {
    let required = ["from_cloud", "from_region", "to_cloud", "to_region", "rtt_ms"];
    let mut rows = reading.rows(table, &required);
    let [from_cloud, from_region, to_cloud, to_region, round_trip] =
        required.map(|name| rows.column(name));
    let [kind, source, date] = ["kind", "source", "date"].map(|name| rows.column(name));
    while let Some(row) = reading.next(&mut rows) {
        let notices = &mut reading.notices;
        let ends = [from_cloud, from_region, to_cloud, to_region].map(|c| row.need(c, notices));
        let [Some(from_cloud), Some(from_region), Some(to_cloud), Some(to_region)] = ends else {
            continue;
        };
        let micros = row
            .need(round_trip, notices)
            .and_then(|_| positive(&row, round_trip, ROW_LEFT_OUT, notices))
            .and_then(|ms| ceiling(ms, MILLISECOND));
        let (Some(micros), Some(estimated)) = (micros, estimated(&row, kind, notices)) else {
            continue;
        };
        let intern = &mut reading.intern;
        let key = Ends {
            from_cloud: intern.text(from_cloud),
            from_region: intern.text(from_region),
            to_cloud: intern.text(to_cloud),
            to_region: intern.text(to_region),
        };
        let value = SourcedLatency {
            latency: Latency { round_trip: Micros(micros), estimated },
            source: intern.source(row.text(source), row.text(date)),
        };
        into.push(Entry { key, origin: reading.origin(&row), value });
    }
}

fn estimated(row: &Row<'_>, column: Column, notices: &mut Vec<Mistake>) -> Option<bool> {
    match row.text(column) {
        None | Some("measured") => Some(false),
        Some("estimated") => Some(true),
        Some(other) => {
            let says = format!("catalogue error: kind is \"{other}\"; {ROW_LEFT_OUT}");
            notices.push(row.notice(column, says).hint("expected measured or estimated"));
            None
        }
    }
}

/// States the round trips between the regions meant. What is said of a pair comes before what is
/// said of a whole cloud.
pub(crate) fn link(
    entries: Vec<Entry<Ends, SourcedLatency>>,
    regions: &Regions,
    routes: &mut Routes,
    notices: &mut Vec<Mistake>,
) {
    let mut entries = one_each(entries, notices);
    entries.sort_by_key(|entry| entry.key.exactness());
    for entry in entries {
        match entry.key.pairs(regions) {
            Ok(pairs) => {
                for (from, to) in pairs {
                    routes.set_sourced_latency(from, to, entry.value.clone());
                }
            }
            Err(says) => {
                let says = format!("catalogue error: {says}; {ROW_LEFT_OUT}");
                notices.push(Mistake::at(entry.origin.position(), says));
            }
        }
    }
}
