//! The `regions` and `zones` tables, and the regions of a whole catalog.

use std::collections::BTreeMap;
use std::sync::Arc;

use coc_model::catalog::{Region, RegionId};
use coc_model::decimal::{Decimal, ONE};
use coc_model::mistake::Mistake;
use coc_model::offer::Offer;
use coc_model::place::Place;

use crate::area::area;
use crate::figure::{TAKEN_AS_UNKNOWN, flag, not_negative, number};
use crate::layers::{Entry, one_each};
use crate::reading::Reading;
use crate::table::{Column, Row, Table};

/// Cloud and region.
pub(crate) type RegionKey = (Arc<str>, Arc<str>);

/// Cloud, region and zone.
pub(crate) type ZoneKey = (Arc<str>, Arc<str>, Arc<str>);

/// In place of a region's name: every region of the cloud.
pub(crate) const EVERY: &str = "*";

/// Reads the `regions` table. Its column `zones` counts them; their names are in their own table.
pub(crate) fn read_regions(
    table: &Table,
    reading: &mut Reading,
    into: &mut Vec<Entry<RegionKey, Region>>,
) {
    let mut rows = reading.rows(table, &["cloud", "region"]);
    let [cloud, region, title, country, union, economic, latitude, longitude, carbon, method] = [
        "cloud",
        "region",
        "name",
        "country",
        "eu_member",
        "gdpr_eea",
        "lat",
        "lon",
        "carbon_g_per_kwh",
        "carbon_method",
    ]
    .map(|name| rows.column(name));
    while let Some(row) = reading.next(&mut rows) {
        let notices = &mut reading.notices;
        let [Some(of_cloud), Some(name)] = [cloud, region].map(|c| row.need(c, notices)) else {
            continue;
        };
        let memberships = [union, economic].map(|column| flag(&row, column, notices));
        let coordinates = [(latitude, 90), (longitude, 180)]
            .map(|(column, limit)| degrees(&row, column, limit, notices));
        let carbon_g_per_kwh = not_negative(&row, carbon, notices);
        let country = row.text(country);
        let intern = &mut reading.intern;
        let key = (intern.text(of_cloud), intern.text(name));
        let value = Region {
            cloud: key.0.clone(),
            place: Place {
                region: Some(key.1.clone()),
                zone: None,
                country: country.map(|code| intern.text(code)),
                area: area(country, memberships[0], memberships[1]).map(|name| intern.text(name)),
            },
            title: row.text(title).map(|text| intern.text(text)),
            zones: Vec::new(),
            coordinates: coordinates[0].zip(coordinates[1]),
            carbon_g_per_kwh,
            carbon_method: row.text(method).map(|text| intern.text(text)),
        };
        into.push(Entry { key, origin: reading.origin(&row), value });
    }
}

/// Degrees between `-limit` and `limit`; anything else gives a notice and is unknown.
fn degrees(
    row: &Row<'_>,
    column: Column,
    limit: i128,
    notices: &mut Vec<Mistake>,
) -> Option<Decimal> {
    let number = number(row, column, TAKEN_AS_UNKNOWN, notices)?;
    if number.atto().abs() <= limit * ONE {
        return Some(number);
    }
    let says = format!(
        "catalogue error: {} is {number}, beyond {limit} degrees; {TAKEN_AS_UNKNOWN}",
        column.name
    );
    notices.push(row.notice(column, says));
    None
}

/// Reads the `zones` table.
pub(crate) fn read_zones(table: &Table, reading: &mut Reading, into: &mut Vec<Entry<ZoneKey, ()>>) {
    let required = ["cloud", "region", "zone"];
    let mut rows = reading.rows(table, &required);
    let columns = required.map(|name| rows.column(name));
    while let Some(row) = reading.next(&mut rows) {
        let cells = columns.map(|column| row.need(column, &mut reading.notices));
        let [Some(cloud), Some(region), Some(zone)] = cells else { continue };
        let [cloud, region, zone] = [cloud, region, zone].map(|cell| reading.intern.text(cell));
        let origin = reading.origin(&row);
        into.push(Entry { key: (cloud, region, zone), origin, value: () });
    }
}

/// Every region that the tables of regions, zones and offers name, with its zones: those of the
/// table of zones, or else the ones its offers are sold in.
pub(crate) fn regions_of(
    regions: Vec<Entry<RegionKey, Region>>,
    zones: Vec<Entry<ZoneKey, ()>>,
    offers: &[Entry<crate::offers::OfferKey, Offer>],
    notices: &mut Vec<Mistake>,
) -> Regions {
    let mut all: BTreeMap<RegionKey, Region> =
        one_each(regions, notices).into_iter().map(|entry| (entry.key, entry.value)).collect();
    for entry in one_each(zones, notices) {
        let (cloud, region, zone) = entry.key;
        named(&mut all, &cloud, &region).zones.push(zone);
    }
    let with_zones: Vec<RegionKey> =
        all.iter().filter(|(_, r)| !r.zones.is_empty()).map(|(key, _)| key.clone()).collect();
    for Entry { key: (cloud, region, _), value: offer, .. } in offers {
        if &**region == EVERY {
            continue;
        }
        let entry = named(&mut all, cloud, region);
        let told = !offer.zones.is_empty()
            && with_zones.binary_search(&(cloud.clone(), region.clone())).is_err();
        if told {
            entry.zones.extend(offer.zones.iter().cloned());
        }
    }
    for region in all.values_mut() {
        region.zones.sort();
        region.zones.dedup();
    }
    qualify(&mut all);
    Regions(all.into_values().collect())
}

/// Some clouds number the zones of each region from 1. A name that several regions of a cloud have
/// for a zone is put behind the region's, so that a zone's name says which one it is.
fn qualify(all: &mut BTreeMap<RegionKey, Region>) {
    let mut seen: BTreeMap<(Arc<str>, Arc<str>), usize> = BTreeMap::new();
    for ((cloud, _), region) in all.iter() {
        for zone in &region.zones {
            *seen.entry((cloud.clone(), zone.clone())).or_default() += 1;
        }
    }
    for ((cloud, name), region) in all.iter_mut() {
        for zone in &mut region.zones {
            if seen.get(&(cloud.clone(), zone.clone())).is_some_and(|regions| *regions > 1) {
                *zone = format!("{name}-{zone}").into();
            }
        }
    }
}

/// The region of this name, bare if no table describes it.
fn named<'a>(
    all: &'a mut BTreeMap<RegionKey, Region>,
    cloud: &Arc<str>,
    region: &Arc<str>,
) -> &'a mut Region {
    all.entry((cloud.clone(), region.clone())).or_insert_with(|| Region {
        cloud: cloud.clone(),
        place: Place { region: Some(region.clone()), ..Place::default() },
        title: None,
        zones: Vec::new(),
        coordinates: None,
        carbon_g_per_kwh: None,
        carbon_method: None,
    })
}

/// The regions of a catalog, ordered by cloud and name.
#[derive(Debug)]
pub(crate) struct Regions(pub(crate) Vec<Region>);

impl Regions {
    /// The regions of a cloud.
    pub(crate) fn of_cloud(&self, cloud: &str) -> &[Region] {
        let start = self.0.partition_point(|r| &*r.cloud < cloud);
        let end = self.0.partition_point(|r| &*r.cloud <= cloud);
        &self.0[start..end]
    }

    /// The region of this name, or all the cloud's for [`EVERY`]; empty if there is none.
    pub(crate) fn find(&self, cloud: &str, region: &str) -> Vec<RegionId> {
        let start = self.0.partition_point(|r| &*r.cloud < cloud);
        let wanted = |r: &Region| region == EVERY || r.place.region.as_deref() == Some(region);
        let found = self.of_cloud(cloud).iter().enumerate().filter(|(_, r)| wanted(r));
        found.filter_map(|(i, _)| u32::try_from(start + i).ok()).map(RegionId).collect()
    }

    /// The names of the regions of a cloud.
    pub(crate) fn names<'a>(&'a self, cloud: &'a str) -> impl Iterator<Item = &'a Arc<str>> {
        self.of_cloud(cloud).iter().filter_map(|r| r.place.region.as_ref())
    }

    /// The region's own name of a zone that a table names by its last part only (`a` for
    /// `north-a`); the name as it is if the region has no such zone.
    pub(crate) fn zone_name(&self, cloud: &str, region: &str, zone: &Arc<str>) -> Arc<str> {
        let here = self.find(cloud, region);
        let zones = here.first().map_or(&[][..], |id| &self.0[id.0 as usize].zones);
        let ends_so = |full: &&Arc<str>| {
            full.strip_prefix(region)
                .is_some_and(|rest| rest.strip_prefix('-').unwrap_or(rest) == &**zone)
        };
        if zones.contains(zone) {
            return zone.clone();
        }
        zones.iter().find(ends_so).unwrap_or(zone).clone()
    }
}
