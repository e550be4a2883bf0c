//! The `egress` table: what sending out of a region, or between its zones, costs.
//!
//! `scope` says what a row is about: `internet`, `inter_region`, `inter_region_default` or
//! `inter_zone`. Rows without a scope are about the clouds they name, or about the internet where
//! they name no second one. Other scopes (traffic to some country only) are not read, with a notice
//! each: the model prices traffic by where it starts and where its other site is.

use std::collections::BTreeMap;
use std::sync::Arc;

use coc_model::catalog::{RegionId, Routes};
use coc_model::decimal::Decimal;
use coc_model::mistake::{Mistake, Position};
use coc_model::offer::Source;
use coc_model::quantity::Traffic;
use coc_model::route::{Meter, MeterId, Tier};

use crate::ends::Ends;
use crate::figure::{Figure, GB, GIB, figure, floor};
use crate::layers::{Entry, latest};
use crate::reading::Reading;
use crate::regions::{EVERY, Regions};
use crate::table::{Column, Row, Rows, Table};

/// What a price is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scope {
    /// Traffic to other clouds and to people.
    Internet,
    /// Traffic to the cloud's regions without a price of their own.
    OtherRegions,
    /// Traffic between two regions.
    Pair,
    /// Traffic between zones of a region.
    Zones,
}

/// What becomes of a meter with a tier that makes no sense.
const METER_LEFT_OUT: &str = "its meter is not used";

/// What a meter is about: all rows of one key are its tiers.
pub(crate) type MeterKey = (Scope, Ends);

/// One row: a price that holds from some traffic on.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    from_gb: Decimal,
    to_gb: Option<Decimal>,
    price: Decimal,
    unit: u64,
    source: Option<Arc<Source>>,
}

/// A row of a meter; `None` if it makes no sense, which a notice says. The meter can't be used then.
pub(crate) type StepEntry = Entry<MeterKey, Option<Step>>;

struct Columns {
    from_cloud: Column,
    from_region: Column,
    scope: Column,
    to_cloud: Column,
    to_region: Column,
    tier_from: Column,
    tier_to: Column,
    price: Column,
    source: Column,
    date: Column,
    note: Column,
}

impl Columns {
    fn find(rows: &Rows<'_>) -> Self {
        Self {
            from_cloud: rows.column("from_cloud"),
            from_region: rows.column("from_region"),
            scope: rows.column("scope"),
            to_cloud: rows.column("to_cloud"),
            to_region: rows.column("to_region"),
            tier_from: rows.column("tier_from_gb"),
            tier_to: rows.column("tier_to_gb"),
            price: rows.column("usd_per_gb"),
            source: rows.column("source"),
            date: rows.column("date"),
            note: rows.column("note"),
        }
    }
}

/// Reads the table.
pub(crate) fn read(table: &Table, reading: &mut Reading, into: &mut Vec<StepEntry>) {
    let mut rows = reading.rows(table, &["from_cloud", "usd_per_gb"]);
    let columns = Columns::find(&rows);
    let mut unread: BTreeMap<String, (Position, usize)> = BTreeMap::new();
    while let Some(row) = reading.next(&mut rows) {
        let scope = match scope(&row, &columns) {
            Ok(scope) => scope,
            Err(other) => {
                let first = || (row.at(columns.scope), 0);
                unread.entry(other.to_owned()).or_insert_with(first).1 += 1;
                continue;
            }
        };
        let Some(key) = key(scope, &row, &columns, reading) else { continue };
        let step = step(&row, &columns, reading);
        into.push(Entry { key, origin: reading.origin(&row), value: step });
    }
    reading.notices.extend(unread.into_iter().map(|(scope, (at, rows))| {
        let says = format!("the scope {scope} is not read: {rows} rows are not used");
        let hint = "expected internet, inter_region, inter_region_default or inter_zone";
        Mistake::at(at, says).hint(hint)
    }));
}

/// What a row is about.
///
/// # Errors
/// The scope, if it is one that is not read.
fn scope<'r>(row: &Row<'r>, columns: &Columns) -> Result<Scope, &'r str> {
    match row.text(columns.scope) {
        Some("internet") => Ok(Scope::Internet),
        Some("inter_region") => Ok(Scope::Pair),
        Some("inter_region_default") => Ok(Scope::OtherRegions),
        Some("inter_zone") => Ok(Scope::Zones),
        Some(other) => Err(other),
        None if row.text(columns.to_cloud).is_none_or(|cloud| cloud == "internet") => {
            Ok(Scope::Internet)
        }
        None => Ok(Scope::Pair),
    }
}

/// The key of a row. A region that is not named means all of the cloud's; so does a cloud that is
/// not named mean the first one, for the scopes that stay within a cloud.
fn key(scope: Scope, row: &Row<'_>, columns: &Columns, reading: &mut Reading) -> Option<MeterKey> {
    let from_cloud = row.need(columns.from_cloud, &mut reading.notices)?;
    let region = |column| row.text(column).unwrap_or(EVERY);
    let (to_cloud, to_region) = match scope {
        Scope::Pair => {
            (row.text(columns.to_cloud).unwrap_or(from_cloud), region(columns.to_region))
        }
        Scope::Internet | Scope::OtherRegions | Scope::Zones => (from_cloud, EVERY),
    };
    let intern = &mut reading.intern;
    let ends = Ends {
        from_cloud: intern.text(from_cloud),
        from_region: intern.text(region(columns.from_region)),
        to_cloud: intern.text(to_cloud),
        to_region: intern.text(to_region),
    };
    Some((scope, ends))
}

/// What a row says; `None`, with notices, if that makes no sense.
fn step(row: &Row<'_>, columns: &Columns, reading: &mut Reading) -> Option<Step> {
    let notices = &mut reading.notices;
    let price = price(row, columns, notices);
    let bounds = [columns.tier_from, columns.tier_to].map(|column| bound(row, column, notices));
    let ([Some(from_gb), Some(to_gb)], Some(price)) = (bounds, price) else { return None };
    Some(Step {
        from_gb: from_gb.unwrap_or_default(),
        to_gb,
        price,
        unit: if note(row, columns).contains("GiB") { GIB } else { GB },
        source: reading.intern.source(row.text(columns.source), row.text(columns.date)),
    })
}

fn note<'r>(row: &Row<'r>, columns: &Columns) -> &'r str {
    row.text(columns.note).unwrap_or_default()
}

/// Where a tier starts or ends, if the row says; `None`, with a notice, if it says no amount.
fn bound(row: &Row<'_>, column: Column, notices: &mut Vec<Mistake>) -> Option<Option<Decimal>> {
    match figure(row, column, METER_LEFT_OUT, notices) {
        Figure::Absent => Some(None),
        Figure::Number(number) if !number.is_negative() => Some(Some(number)),
        Figure::Number(number) => {
            let says = format!("catalogue error: {} is {number}; {METER_LEFT_OUT}", column.name);
            notices.push(row.notice(column, says));
            None
        }
        Figure::Wrong => None,
    }
}

/// The price of a row, which unlike a machine's may well be zero. Traffic that is charged in each
/// direction costs its price twice: once where it leaves, once where it comes in.
fn price(row: &Row<'_>, columns: &Columns, notices: &mut Vec<Mistake>) -> Option<Decimal> {
    let column = columns.price;
    let times = if note(row, columns).contains("each direction") { 2 } else { 1 };
    let says = match figure(row, column, METER_LEFT_OUT, notices) {
        Figure::Number(amount) if !amount.is_negative() => {
            let whole = amount.checked_mul_integer(times);
            if whole.is_some() {
                return whole;
            }
            format!("catalogue error: {} is out of range; {METER_LEFT_OUT}", column.name)
        }
        Figure::Number(amount) => {
            format!("catalogue error: {} is negative ({amount}); {METER_LEFT_OUT}", column.name)
        }
        Figure::Absent => format!("price unknown: the row states none; {METER_LEFT_OUT}"),
        Figure::Wrong => return None,
    };
    notices.push(row.notice(column, says));
    None
}

/// Makes the meters and says which traffic goes by which. What is said of a region comes before
/// what is said of a whole cloud.
pub(crate) fn link(
    entries: Vec<StepEntry>,
    regions: &Regions,
    routes: &mut Routes,
    notices: &mut Vec<Mistake>,
) {
    let entries = latest(entries);
    let mut meters: Vec<&[StepEntry]> = entries.chunk_by(|a, b| a.key == b.key).collect();
    meters.sort_by_key(|entries| entries[0].key.1.exactness());
    for entries in meters {
        let steps: Option<Vec<&Step>> = entries.iter().map(|e| e.value.as_ref()).collect();
        let Some(steps) = steps else { continue };
        let (scope, ends) = &entries[0].key;
        let linked = meter(title(*scope, ends), steps)
            .and_then(|meter| connect(*scope, ends, meter, regions, routes));
        if let Err(says) = linked {
            let says = format!("catalogue error: {says}; the meter is not used");
            notices.push(Mistake::at(entries[0].origin.position(), says));
        }
    }
}

fn title(scope: Scope, ends: &Ends) -> String {
    let from = ends.start_title();
    match scope {
        Scope::Internet => format!("{from} → internet"),
        Scope::OtherRegions => format!("{from} → other regions"),
        Scope::Pair => ends.title(),
        Scope::Zones => format!("{from} between zones"),
    }
}

/// The meter that its rows make: tiers from zero on, without gaps. The price of the last one holds
/// on, even where the table ends it: traffic prices fall with the amount, so it is not too low.
fn meter(name: String, mut steps: Vec<&Step>) -> Result<Meter, String> {
    steps.sort_by_key(|step| step.from_gb);
    let unit = steps[0].unit;
    if steps.iter().any(|step| step.unit != unit) {
        return Err("its rows mix GB and GiB".to_owned());
    }
    if steps[0].from_gb != Decimal::ZERO {
        return Err(format!("nothing is said of traffic below {} GB", steps[0].from_gb));
    }
    for pair in steps.windows(2) {
        let next = pair[1].from_gb;
        if pair[0].from_gb == next {
            return Err(format!("two rows start at {next} GB"));
        }
        if let Some(end) = pair[0].to_gb.filter(|&end| end != next) {
            return Err(format!("a tier ends at {end} GB and the next one starts at {next} GB"));
        }
    }
    let tier = |step: &&Step| {
        let from = floor(step.from_gb, unit).ok_or("a tier starts beyond all traffic")?;
        Ok(Tier { from: Traffic(from), price: step.price })
    };
    let tiers = steps.iter().map(tier).collect::<Result<_, String>>()?;
    Ok(Meter { name: name.into(), unit, tiers, source: steps[0].source.clone() })
}

/// Adds a meter for the regions meant.
fn connect(
    scope: Scope,
    ends: &Ends,
    meter: Meter,
    regions: &Regions,
    routes: &mut Routes,
) -> Result<(), String> {
    let set: fn(&mut Routes, RegionId, MeterId) = match scope {
        Scope::Pair => return connect_pairs(ends, meter, regions, routes),
        Scope::Internet => Routes::set_internet,
        Scope::OtherRegions => Routes::set_default_inter_region,
        Scope::Zones => Routes::set_inter_zone,
    };
    let starts = ends.starts(regions)?;
    let id = routes.add_meter(meter);
    starts.into_iter().for_each(|from| set(routes, from, id));
    Ok(())
}

/// Adds a meter for pairs of regions. Inside a region traffic is free, whatever a table says of it.
fn connect_pairs(
    ends: &Ends,
    meter: Meter,
    regions: &Regions,
    routes: &mut Routes,
) -> Result<(), String> {
    let mut pairs = ends.pairs(regions)?;
    pairs.retain(|(from, to)| from != to);
    if !pairs.is_empty() {
        let id = routes.add_meter(meter);
        pairs.into_iter().for_each(|(from, to)| routes.set_transfer(from, to, id));
    }
    Ok(())
}
