//! The `compliance` table: what providers are certified for, by region.

use std::sync::Arc;

use coc_model::catalog::Certification;
use coc_model::mistake::Mistake;

use crate::bills::{self, Bills};
use crate::figure::ROW_LEFT_OUT;
use crate::layers::{Entry, one_each};
use crate::reading::Reading;
use crate::regions::{EVERY, Regions};
use crate::table::Table;

/// Reads the table. A row without a framework is of no use.
pub(crate) fn read(table: &Table, reading: &mut Reading, into: &mut Bills<Certification>) {
    let required = ["cloud", "region", "framework"];
    let mut rows = reading.rows(table, &required);
    let columns = required.map(|name| rows.column(name));
    let [note, source, date] = ["note", "source", "date"].map(|name| rows.column(name));
    while let Some(row) = reading.next(&mut rows) {
        let cells = columns.map(|column| row.need(column, &mut reading.notices));
        let [Some(cloud), Some(region), Some(framework)] = cells else { continue };
        let intern = &mut reading.intern;
        let value = Certification {
            cloud: intern.text(cloud),
            region: intern.text(region),
            framework: intern.text(framework),
            note: row.text(note).map(|text| intern.text(text)),
            source: intern.source_or_not_stated(row.text(source), row.text(date)),
        };
        let key = ((value.cloud.clone(), value.region.clone()), vec![value.framework.clone()]);
        into.push(Entry { key, origin: reading.origin(&row), value });
    }
}

/// The certifications that hold, those of all regions of a cloud put down for each region; ordered
/// by cloud, region and framework. A region that no table knows gives a notice.
pub(crate) fn link(
    entries: Bills<Certification>,
    regions: &Regions,
    notices: &mut Vec<Mistake>,
) -> Vec<Certification> {
    let mut entries = one_each(entries, notices);
    entries.retain(|entry| {
        let (cloud, region) = &entry.key.0;
        let known = &**region == EVERY || !regions.find(cloud, region).is_empty();
        if !known {
            let says = format!(
                "catalogue error: no table of regions, zones or offers knows {region} of {cloud}; \
                 {ROW_LEFT_OUT}"
            );
            notices.push(Mistake::at(entry.origin.position(), says));
        }
        known
    });
    let in_region = |c: &Certification, region: &Arc<str>| Certification {
        region: region.clone(),
        ..c.clone()
    };
    bills::link(entries, regions, in_region, notices)
}
