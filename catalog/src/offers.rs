//! The `offers` table: machine sizes by region, with their prices.

use std::sync::Arc;

use coc_model::attribute::{AttributeName, AttributeValue, Attributes};
use coc_model::decimal::{Decimal, DecimalError};
use coc_model::mistake::Mistake;
use coc_model::money::Rate;
use coc_model::offer::{Accelerator, Architecture, Offer, Price};
use coc_model::quantity::{Bytes, Cpu};

use crate::figure::{
    Figure, GB, GIB, ROW_LEFT_OUT, TAKEN_AS_UNKNOWN, amount, figure, flag, floor, not_negative,
    truth,
};
use crate::layers::Entry;
use crate::reading::Reading;
use crate::table::{Column, Row, Rows, Table};

/// Cloud, region and size.
pub(crate) type OfferKey = (Arc<str>, Arc<str>, Arc<str>);

/// Why a price is [`Price::Unknown`].
const PRICE_UNKNOWN: &str = "price unknown";

/// In `price_source`, says that no source confirms the zone of the offer.
const UNVERIFIED: &str = "zone-unverified";

struct Columns {
    cloud: Column,
    region: Column,
    name: Column,
    zones: Column,
    vcpus: Column,
    memory: Column,
    accelerator: Column,
    accelerators: Column,
    architecture: Column,
    local_disk: Column,
    network: Column,
    price_hour: Column,
    price_month: Column,
    estimate: Column,
    free_tier: Column,
    spot: Column,
    commit_1y: Column,
    commit_3y: Column,
    interruption: Column,
    source: Column,
    date: Column,
    spot_source: Column,
    spot_date: Column,
    /// Every other column, by its index.
    open: Vec<(usize, AttributeName)>,
}

/// Columns that have a meaning of their own.
const KNOWN: [&str; 23] = [
    "cloud",
    "region",
    "instance_type",
    "zones",
    "vcpus",
    "memory_gib",
    "accelerator",
    "accelerator_count",
    "arch",
    "local_disk_gb",
    "network_gbps",
    "price_usd_hour",
    "price_usd_month",
    "price_estimate_usd_hour",
    "free_tier",
    "spot_price_usd_hour",
    "commit_1y_usd_hour",
    "commit_3y_usd_hour",
    "spot_interruption",
    "price_source",
    "price_date",
    "spot_source",
    "spot_date",
];

impl Columns {
    fn find(rows: &Rows<'_>, reading: &mut Reading) -> Self {
        let [
            cloud,
            region,
            name,
            zones,
            vcpus,
            memory,
            accelerator,
            accelerators,
            architecture,
            local_disk,
            network,
            price_hour,
            price_month,
            estimate,
            free_tier,
            spot,
            commit_1y,
            commit_3y,
            interruption,
            source,
            date,
            spot_source,
            spot_date,
        ] = KNOWN.map(|name| rows.column(name));
        let open = open_columns(rows, reading);
        Self {
            cloud,
            region,
            name,
            zones,
            vcpus,
            memory,
            accelerator,
            accelerators,
            architecture,
            local_disk,
            network,
            price_hour,
            price_month,
            estimate,
            free_tier,
            spot,
            commit_1y,
            commit_3y,
            interruption,
            source,
            date,
            spot_source,
            spot_date,
            open,
        }
    }

    fn has_a_price(&self) -> bool {
        [self.price_hour, self.price_month, self.estimate].into_iter().any(Column::is_there)
    }
}

/// The columns that become open attributes. A name that can't be one gives a notice.
fn open_columns(rows: &Rows<'_>, reading: &mut Reading) -> Vec<(usize, AttributeName)> {
    let mut open = Vec::new();
    for (index, name) in rows.names().iter().enumerate() {
        if KNOWN.contains(&name.as_str()) {
            continue;
        }
        if is_attribute_name(name) {
            open.push((index, AttributeName(reading.intern.text(name))));
        } else {
            let says =
                format!("catalogue error: \"{name}\" can't name an attribute; it is not read");
            let hint = "use letters, digits, _ and -, and points between words";
            reading.notices.push(Mistake::at(rows.header_at(index), says).hint(hint));
        }
    }
    open
}

/// Words of letters, digits, `_` and `-`, joined by points.
fn is_attribute_name(name: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    name.split('.').all(|word| !word.is_empty() && word.chars().all(letter))
}

/// Reads the table. Rows that can't be used are left out with a notice; so is a figure that can't.
pub(crate) fn read(table: &Table, reading: &mut Reading, into: &mut Vec<Entry<OfferKey, Offer>>) {
    let mut rows = reading.rows(table, &["cloud", "region", "instance_type"]);
    let columns = Columns::find(&rows, reading);
    if !columns.has_a_price() {
        let says = format!("{PRICE_UNKNOWN}: the table has no column of prices");
        let hint = "name the column price_usd_hour, price_usd_month or price_estimate_usd_hour";
        reading.notices.push(Mistake::at(rows.header_at(0), says).hint(hint));
    }
    while let Some(row) = reading.next(&mut rows) {
        let Some(offer) = read_row(&row, &columns, reading) else { continue };
        let key = (offer.cloud.clone(), offer.region.clone(), offer.name.clone());
        into.push(Entry { key, origin: reading.origin(&row), value: offer });
    }
}

fn read_row(row: &Row<'_>, columns: &Columns, reading: &mut Reading) -> Option<Offer> {
    let notices = &mut reading.notices;
    let named = [columns.cloud, columns.region, columns.name].map(|c| row.need(c, notices));
    let [Some(cloud), Some(region), Some(name)] = named else { return None };
    let price = price(row, columns, notices)?;
    let architecture = architecture(row, columns.architecture, notices);
    let local_disk =
        not_negative(row, columns.local_disk, notices).and_then(|gb| floor(gb, GB)).map(Bytes);
    let cpu = amount(row, columns.vcpus, 1000, notices).map(Cpu);
    let memory = amount(row, columns.memory, GIB, notices).map(Bytes);
    let network_mbps = amount(row, columns.network, 1000, notices);
    let spot = rate(row, columns.spot, notices);
    let commit_1y = rate(row, columns.commit_1y, notices);
    let commit_3y = rate(row, columns.commit_3y, notices);
    let accelerator = accelerator(row, columns, reading);
    let source = row.text(columns.source);
    let intern = &mut reading.intern;
    let mut offer = Offer {
        cloud: intern.text(cloud),
        region: intern.text(region),
        zones: zones(row.text(columns.zones)).map(|zone| intern.text(zone)).collect(),
        name: intern.text(name),
        cpu,
        memory,
        accelerator,
        architecture,
        local_disk,
        network_mbps,
        price,
        spot,
        commit_1y,
        commit_3y,
        interruption: row.text(columns.interruption).map(|text| intern.text(text)),
        verified: !source.is_some_and(|source| source.contains(UNVERIFIED)),
        source: intern.source(source, row.text(columns.date)),
        spot_source: intern.source(row.text(columns.spot_source), row.text(columns.spot_date)),
        attributes: Attributes::new(),
    };
    attributes(row, columns, reading, &mut offer);
    Some(offer)
}

fn zones(text: Option<&str>) -> impl Iterator<Item = &str> {
    text.unwrap_or_default().split(';').map(str::trim).filter(|zone| !zone.is_empty())
}

/// The on-demand price; `None` if a price is negative or no number, and the row is of no use.
///
/// A zero is a price only where `free_tier` says so: tables put it where they know none.
fn price(row: &Row<'_>, columns: &Columns, notices: &mut Vec<Mistake>) -> Option<Price> {
    let all = [columns.price_month, columns.price_hour, columns.estimate];
    let [month, hour, estimate] = all.map(|column| quoted(row, column, ROW_LEFT_OUT, notices));
    let (month, hour, estimate) = (month?, hour?, estimate?);
    let free = flag(row, columns.free_tier, notices) == Some(true);
    for (quote, rate) in [(month, Rate::monthly as fn(Decimal) -> Rate), (hour, Rate::hourly)] {
        match quote {
            Quote::Positive(amount) => return Some(Price::Known(rate(amount))),
            Quote::Zero if free => return Some(Price::Free),
            Quote::Zero | Quote::Absent => {}
        }
    }
    for (quote, column) in [(month, columns.price_month), (hour, columns.price_hour)] {
        if quote == Quote::Zero {
            let says = format!("{PRICE_UNKNOWN}: a zero is no price");
            let hint = "if it costs nothing, say free_tier=true in the row";
            notices.push(row.notice(column, says).hint(hint));
        }
    }
    if let Quote::Positive(amount) = estimate {
        return Some(Price::Estimated(Rate::hourly(amount)));
    }
    if columns.has_a_price() && month != Quote::Zero && hour != Quote::Zero {
        let of = [columns.price_hour, columns.price_month].into_iter().find(|c| c.is_there());
        let of = of.unwrap_or(columns.estimate);
        notices.push(row.notice(of, format!("{PRICE_UNKNOWN}: the row states none")));
    }
    Some(Price::Unknown(PRICE_UNKNOWN.into()))
}

/// A price as it stands in a cell.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Quote {
    Absent,
    Zero,
    Positive(Decimal),
}

/// Reads a price; `None`, with a notice, if it is negative or no number.
fn quoted(
    row: &Row<'_>,
    column: Column,
    outcome: &str,
    notices: &mut Vec<Mistake>,
) -> Option<Quote> {
    match figure(row, column, outcome, notices) {
        Figure::Absent => Some(Quote::Absent),
        Figure::Wrong => None,
        Figure::Number(Decimal::ZERO) => Some(Quote::Zero),
        Figure::Number(amount) if amount.is_negative() => {
            let says =
                format!("catalogue error: {} is negative ({amount}); {outcome}", column.name);
            notices.push(row.notice(column, says));
            None
        }
        Figure::Number(amount) => Some(Quote::Positive(amount)),
    }
}

/// Reads a spot or commitment price per hour. Many machines have none, so an empty cell is no
/// matter for a notice; a zero is.
fn rate(row: &Row<'_>, column: Column, notices: &mut Vec<Mistake>) -> Option<Rate> {
    match quoted(row, column, TAKEN_AS_UNKNOWN, notices)? {
        Quote::Absent => None,
        Quote::Zero => {
            let says = format!("{} is zero, which is no price; {TAKEN_AS_UNKNOWN}", column.name);
            notices.push(row.notice(column, says));
            None
        }
        Quote::Positive(amount) => Some(Rate::hourly(amount)),
    }
}

fn architecture(row: &Row<'_>, column: Column, notices: &mut Vec<Mistake>) -> Option<Architecture> {
    let text = row.text(column).filter(|text| !text.eq_ignore_ascii_case("unknown"))?;
    let known = Architecture::parse(text);
    if known.is_none() {
        let says = format!(
            "catalogue error: \"{text}\" is not an architecture known here; {TAKEN_AS_UNKNOWN}"
        );
        notices.push(row.notice(column, says).hint("expected x86_64 or arm64"));
    }
    known
}

/// The accelerator, if the row names one and says how many there are.
fn accelerator(row: &Row<'_>, columns: &Columns, reading: &mut Reading) -> Option<Accelerator> {
    let name = row.text(columns.accelerator)?;
    let milli = amount(row, columns.accelerators, 1000, &mut reading.notices)?;
    Some(Accelerator { name: reading.intern.text(name), milli })
}

/// Adds what the table says beyond the model's own fields.
fn attributes(row: &Row<'_>, columns: &Columns, reading: &mut Reading, offer: &mut Offer) {
    for (index, name) in &columns.open {
        let Some(text) = row.cell(*index) else { continue };
        let value = match (truth(text), text.parse::<Decimal>()) {
            (Some(flag), _) => AttributeValue::Flag(flag),
            (None, Ok(number)) => AttributeValue::Number(number),
            (None, Err(DecimalError::NotANumber(_))) => {
                AttributeValue::Text(reading.intern.text(text))
            }
            (None, Err(error)) => {
                let says = format!("catalogue error: {name}: {error}; {TAKEN_AS_UNKNOWN}");
                reading.notices.push(Mistake::at(row.cell_at(*index), says));
                continue;
            }
        };
        offer.attributes.insert(name.clone(), value);
    }
    // The model knows no accelerators of unknown number: the name is kept where goals can see it.
    if let (None, Some(name)) = (&offer.accelerator, row.text(columns.accelerator)) {
        let key = AttributeName(reading.intern.text(columns.accelerator.name));
        offer.attributes.insert(key, AttributeValue::Text(reading.intern.text(name)));
        if row.text(columns.accelerators).is_none() {
            let says = "the number of accelerators is unknown: the row states none";
            reading.notices.push(row.notice(columns.accelerators, says));
        }
    }
}
