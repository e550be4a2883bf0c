//! The routes of a packed catalog: meters, what goes by them, and latencies.

use coc_model::catalog::{RegionId, Routes, SourcedLatency};
use coc_model::quantity::{Micros, Traffic};
use coc_model::route::{Latency, Meter, MeterId, Tier};

use super::CatalogError::{self, Damaged};
use super::wire::{Reader, Writer, list};
use super::words::{Words, WordsWritten};

/// Writes the routes.
pub(super) fn write<'c>(routes: &'c Routes, words: &mut WordsWritten<'c>, out: &mut Writer) {
    out.count(routes.meters.len());
    for meter in &routes.meters {
        write_meter(meter, words, out);
    }
    out.count(routes.pair_meters().len());
    for (from, to, meter) in routes.pair_meters() {
        [from.0, to.0, meter.0].into_iter().for_each(|id| out.int(u64::from(id)));
    }
    let mut of_region = |meters: Vec<(RegionId, MeterId)>| {
        out.count(meters.len());
        for (region, meter) in meters {
            out.int(u64::from(region.0));
            out.int(u64::from(meter.0));
        }
    };
    of_region(routes.internet_meters().collect());
    of_region(routes.inter_zone_meters().collect());
    of_region(routes.default_meters().collect());
    write_latencies(routes, words, out);
}

fn write_meter<'c>(meter: &'c Meter, words: &mut WordsWritten<'c>, out: &mut Writer) {
    out.int(words.text(&meter.name));
    out.int(meter.unit);
    out.int(words.maybe_source(meter.source.as_ref()));
    out.count(meter.tiers.len());
    for tier in &meter.tiers {
        out.int(tier.from.0);
        out.decimal(tier.price);
    }
}

fn write_latencies<'c>(routes: &'c Routes, words: &mut WordsWritten<'c>, out: &mut Writer) {
    out.count(routes.latencies().len());
    let [mut froms, mut tos, mut micros, mut kinds] = [const { Writer(Vec::new()) }; 4];
    let mut last = (0, 0);
    for (from, to, sourced) in routes.latencies() {
        froms.int(u64::from(from.0 - last.0));
        tos.signed(i64::from(to.0) - i64::from(last.1));
        last = (from.0, to.0);
        micros.int(sourced.latency.round_trip.0);
        let source = words.maybe_source(sourced.source.as_ref());
        kinds.int(2 * source + u64::from(sourced.latency.estimated));
    }
    [froms, tos, micros, kinds].iter().for_each(|column| out.column(column));
}

/// Reads the routes between so many regions.
pub(super) fn read(
    from: &mut Reader<'_>,
    words: &Words,
    regions: usize,
) -> Result<Routes, CatalogError> {
    let mut routes = Routes::default();
    for meter in list(from, |from| meter(from, words))? {
        routes.add_meter(meter);
    }
    let meters = routes.meters.len();
    let region = |from: &mut Reader<'_>| below(from.id()?, regions).map(RegionId);
    let meter = |from: &mut Reader<'_>| below(from.id()?, meters).map(MeterId);
    for (start, end, meter) in list(from, |from| Ok((region(from)?, region(from)?, meter(from)?)))?
    {
        routes.set_transfer(start, end, meter);
    }
    for set in [Routes::set_internet, Routes::set_inter_zone, Routes::set_default_inter_region] {
        for (region, meter) in list(from, |from| Ok((region(from)?, meter(from)?)))? {
            set(&mut routes, region, meter);
        }
    }
    latencies(from, words, regions, &mut routes)?;
    Ok(routes)
}

/// A number that counts things, of which there are so many.
fn below(number: u32, count: usize) -> Result<u32, CatalogError> {
    if usize::try_from(number).is_ok_and(|number| number < count) {
        Ok(number)
    } else {
        Err(Damaged("a number of it points nowhere"))
    }
}

fn meter(from: &mut Reader<'_>, words: &Words) -> Result<Meter, CatalogError> {
    Ok(Meter {
        name: words.text(from)?,
        unit: from.int()?,
        source: words.maybe_source(from)?,
        tiers: list(from, |from| Ok(Tier { from: Traffic(from.int()?), price: from.decimal()? }))?,
    })
}

fn latencies(
    from: &mut Reader<'_>,
    words: &Words,
    regions: usize,
    routes: &mut Routes,
) -> Result<(), CatalogError> {
    let count = from.count()?;
    let [mut starts, mut ends, mut micros, mut kinds] =
        [from.column()?, from.column()?, from.column()?, from.column()?];
    let (mut start, mut end) = (0_u32, 0_u32);
    for _ in 0..count {
        start = below(start.saturating_add(starts.id()?), regions)?;
        let step = i32::try_from(ends.signed()?).unwrap_or(i32::MAX);
        end = below(end.saturating_add_signed(step), regions)?;
        let kind = kinds.int()?;
        let sourced = SourcedLatency {
            latency: Latency { round_trip: Micros(micros.int()?), estimated: kind % 2 == 1 },
            source: words.source_or_none(kind / 2)?,
        };
        routes.set_sourced_latency(RegionId(start), RegionId(end), sourced);
    }
    [starts, ends, micros, kinds].iter().try_for_each(Reader::end)
}
