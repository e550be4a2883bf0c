//! A catalog packed: what is said often is said once, like stands by like, and zstd does the rest.
//!
//! A packed catalog is [`MAGIC`] with the version of the format, the length of the content as four
//! bytes, least first, and the content as one zstd frame with a checksum. The content is the
//! SHA-256 of what follows it, then texts, sources, and the tables. Notices are not packed: they
//! are about the reading of files, not about what is sold.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use coc_model::attribute::AttributeValue;
use coc_model::catalog::{Catalog, Region, RegionId, Routes, ServicePrice, StoragePrice};
use coc_model::decimal::Decimal;
use coc_model::money::{Period, Rate};
use coc_model::offer::{Accelerator, Architecture, Offer, Price, Source};
use coc_model::quantity::{Bytes, Cpu};
use coc_model::route::{Meter, MeterId};
use sha2::{Digest as _, Sha256};

use crate::wire::{Writer, shortest};

/// What every packed catalog starts with; the last byte is the version of the format.
pub(crate) const MAGIC: [u8; 8] = *b"coc-cat\x01";

/// The kind of a free price. 0 is an unknown one; from [`KNOWN`] and [`ESTIMATED`] on, the kind of
/// the price's rate is added.
pub(crate) const FREE: u8 = 1;
/// The first kind of known prices.
pub(crate) const KNOWN: u8 = 2;
/// The first kind of estimated prices.
pub(crate) const ESTIMATED: u8 = KNOWN + 2 * SCALES;
/// How many numbers of digits after the point there are: 0 to 18. The kind of an hourly rate is
/// its number; that of a monthly one is so much more.
pub(crate) const SCALES: u8 = 19;

/// How hard zstd tries: a catalog is packed once and opened many times.
const LEVEL: i32 = 19;

/// Packs a catalog. The same catalog gives the same bytes.
///
/// # Errors
/// The content is 4 GiB or more, or does not compress.
pub fn encode(catalog: &Catalog) -> io::Result<Vec<u8>> {
    let tables = tables(catalog);
    let mut content = Sha256::digest(&tables).to_vec();
    content.extend_from_slice(&tables);
    let length = u32::try_from(content.len()).map_err(io::Error::other)?;
    let mut compressor = zstd::bulk::Compressor::new(LEVEL)?;
    compressor.include_checksum(true)?;
    let mut packed = MAGIC.to_vec();
    packed.extend_from_slice(&length.to_le_bytes());
    packed.extend_from_slice(&compressor.compress(&content)?);
    Ok(packed)
}

/// The digest of a catalog's figures: `sha256:` and 64 hexadecimal digits. Notices, and whether
/// the figures came from tables or from a packed catalog, make no difference.
pub fn digest(catalog: &Catalog) -> Arc<str> {
    coc_model::marks::digest(&tables(catalog)).into()
}

fn tables(catalog: &Catalog) -> Vec<u8> {
    let mut words = Words::default();
    let mut body = Writer::default();
    regions(&catalog.regions, &mut words, &mut body);
    offers(&catalog.offers, &mut words, &mut body);
    routes(&catalog.routes, &mut words, &mut body);
    storage(&catalog.storage, &mut words, &mut body);
    services(&catalog.services, &mut words, &mut body);
    let mut all = words.write();
    all.0.extend_from_slice(&body.0);
    all.0
}

/// Texts and sources by number, in the order they are first named.
#[derive(Default)]
struct Words<'c> {
    texts: Numbered<&'c str>,
    sources: Numbered<&'c Source>,
}

/// Things by number, in the order they were first met.
struct Numbered<T> {
    numbers: BTreeMap<T, u64>,
    list: Vec<T>,
}

impl<T> Default for Numbered<T> {
    fn default() -> Self {
        Self { numbers: BTreeMap::new(), list: Vec::new() }
    }
}

impl<T: Ord + Clone> Numbered<T> {
    fn number(&mut self, thing: T) -> u64 {
        if let Some(&known) = self.numbers.get(&thing) {
            return known;
        }
        let new = self.list.len() as u64;
        self.list.push(thing.clone());
        self.numbers.insert(thing, new);
        new
    }
}

impl<'c> Words<'c> {
    fn text(&mut self, text: &'c str) -> u64 {
        self.texts.number(text)
    }

    fn maybe(&mut self, text: Option<&'c Arc<str>>) -> u64 {
        text.map_or(0, |text| self.text(text) + 1)
    }

    fn source(&mut self, source: &'c Source) -> u64 {
        self.sources.number(source)
    }

    fn maybe_source(&mut self, source: Option<&'c Arc<Source>>) -> u64 {
        source.map_or(0, |source| self.source(source) + 1)
    }

    fn write(mut self) -> Writer {
        let mut sources = Writer::default();
        sources.count(self.sources.list.len());
        for source in std::mem::take(&mut self.sources.list) {
            sources.int(self.text(&source.name));
            sources.int(self.text(&source.date));
        }
        let (mut lengths, mut letters) = (Writer::default(), Writer::default());
        for text in &self.texts.list {
            lengths.count(text.len());
            letters.0.extend_from_slice(text.as_bytes());
        }
        let mut all = Writer::default();
        all.count(self.texts.list.len());
        all.column(&lengths);
        all.column(&letters);
        all.column(&sources);
        all
    }
}

fn regions<'c>(regions: &'c [Region], words: &mut Words<'c>, out: &mut Writer) {
    out.count(regions.len());
    for region in regions {
        out.int(words.text(&region.cloud));
        let place = &region.place;
        for text in [&place.region, &place.zone, &place.country, &place.area, &region.title] {
            out.int(words.maybe(text.as_ref()));
        }
        texts(&region.zones, words, out);
        maybe_decimal(region.coordinates.map(|(latitude, _)| latitude), out);
        maybe_decimal(region.coordinates.map(|(_, longitude)| longitude), out);
        maybe_decimal(region.carbon_g_per_kwh, out);
        out.int(words.maybe(region.carbon_method.as_ref()));
    }
}

fn texts<'c>(texts: &'c [Arc<str>], words: &mut Words<'c>, out: &mut Writer) {
    out.count(texts.len());
    for text in texts {
        out.int(words.text(text));
    }
}

fn maybe_decimal(number: Option<Decimal>, out: &mut Writer) {
    out.byte(u8::from(number.is_some()));
    if let Some(number) = number {
        out.decimal(number);
    }
}

/// What does not change from region to region: a machine's size under its name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Shape<'c> {
    cloud: &'c str,
    name: &'c str,
    cpu: Option<Cpu>,
    memory: Option<Bytes>,
    accelerator: Option<&'c Accelerator>,
    architecture: Option<Architecture>,
    local_disk: Option<Bytes>,
    network_mbps: Option<u64>,
}

impl<'c> Shape<'c> {
    fn of(offer: &'c Offer) -> Self {
        Self {
            cloud: &offer.cloud,
            name: &offer.name,
            cpu: offer.cpu,
            memory: offer.memory,
            accelerator: offer.accelerator.as_ref(),
            architecture: offer.architecture,
            local_disk: offer.local_disk,
            network_mbps: offer.network_mbps,
        }
    }

    fn write(&self, words: &mut Words<'c>, out: &mut Writer) {
        out.int(words.text(self.name));
        out.maybe(self.cpu.map(|cpu| cpu.0));
        out.maybe(self.memory.map(|memory| memory.0));
        out.int(self.accelerator.map_or(0, |a| words.text(&a.name) + 1));
        if let Some(accelerator) = self.accelerator {
            out.int(accelerator.milli);
        }
        out.byte(match self.architecture {
            None => 0,
            Some(Architecture::X86_64) => 1,
            Some(Architecture::Arm64) => 2,
        });
        out.maybe(self.local_disk.map(|disk| disk.0));
        out.maybe(self.network_mbps);
    }
}

fn offers<'c>(offers: &'c [Arc<Offer>], words: &mut Words<'c>, out: &mut Writer) {
    out.count(offers.len());
    let mut shapes: BTreeMap<Shape<'c>, i64> =
        offers.iter().map(|offer| (Shape::of(offer), 0)).collect();
    out.count(shapes.len());
    for (number, (shape, id)) in shapes.iter_mut().enumerate() {
        *id = i64::try_from(number).unwrap_or(i64::MAX);
        shape.write(words, out);
    }
    runs(offers, words, out);
    let mut steps = Writer::default();
    let mut last = 0;
    for offer in offers {
        let shape = shapes.get(&Shape::of(offer)).copied().unwrap_or_default();
        steps.signed(shape - last);
        last = shape;
    }
    out.column(&steps);
    zone_lists(offers, words, out);
    prices(offers, words, out);
    for rate in [(|o| o.spot) as fn(&Offer) -> Option<Rate>, |o| o.commit_1y, |o| o.commit_3y] {
        rates(offers.iter().map(|offer| rate(offer)), out);
    }
    column(offers, out, |offer| words.maybe(offer.interruption.as_ref()));
    column(offers, out, |offer| u64::from(offer.verified));
    column(offers, out, |offer| words.maybe_source(offer.source.as_ref()));
    column(offers, out, |offer| words.maybe_source(offer.spot_source.as_ref()));
    attributes(offers, words, out);
}

/// Writes one integer for each offer.
fn column<'c>(offers: &'c [Arc<Offer>], out: &mut Writer, mut value: impl FnMut(&'c Offer) -> u64) {
    let mut column = Writer::default();
    for offer in offers {
        column.int(value(offer));
    }
    out.column(&column);
}

/// How many offers in a row are of which cloud and region.
fn runs<'c>(offers: &'c [Arc<Offer>], words: &mut Words<'c>, out: &mut Writer) {
    let runs: Vec<&[Arc<Offer>]> =
        offers.chunk_by(|a, b| a.cloud == b.cloud && a.region == b.region).collect();
    out.count(runs.len());
    for run in runs {
        out.int(words.text(&run[0].cloud));
        out.int(words.text(&run[0].region));
        out.count(run.len());
    }
}

fn zone_lists<'c>(offers: &'c [Arc<Offer>], words: &mut Words<'c>, out: &mut Writer) {
    let mut lists: Numbered<&[Arc<str>]> = Numbered::default();
    let mut column = Writer::default();
    for offer in offers {
        column.int(lists.number(&offer.zones));
    }
    out.count(lists.list.len());
    for list in lists.list {
        texts(list, words, out);
    }
    out.column(&column);
}

fn prices<'c>(offers: &'c [Arc<Offer>], words: &mut Words<'c>, out: &mut Writer) {
    let (mut kinds, mut rest) = (Writer::default(), Writer::default());
    for offer in offers {
        match &offer.price {
            Price::Unknown(reason) => {
                kinds.byte(0);
                rest.int(words.text(reason));
            }
            Price::Free => kinds.byte(FREE),
            Price::Known(rate) => kinds.byte(KNOWN + rate_kind(*rate, &mut rest)),
            Price::Estimated(rate) => kinds.byte(ESTIMATED + rate_kind(*rate, &mut rest)),
        }
    }
    out.column(&kinds);
    out.column(&rest);
}

fn rates(rates: impl Iterator<Item = Option<Rate>>, out: &mut Writer) {
    let (mut kinds, mut digits) = (Writer::default(), Writer::default());
    for rate in rates {
        kinds.byte(rate.map_or(0, |rate| 1 + rate_kind(rate, &mut digits)));
    }
    out.column(&kinds);
    out.column(&digits);
}

/// Writes the digits of a rate, and gives the rest of what is to be said of it.
fn rate_kind(rate: Rate, out: &mut Writer) -> u8 {
    let (digits, scale) = shortest(rate.amount);
    out.digits(digits);
    scale
        + match rate.period {
            Period::Hour => 0,
            Period::Month => SCALES,
        }
}

/// Few offers have any: each is written with the number of its offer.
fn attributes<'c>(offers: &'c [Arc<Offer>], words: &mut Words<'c>, out: &mut Writer) {
    out.count(offers.iter().map(|offer| offer.attributes.len()).sum());
    for (index, offer) in offers.iter().enumerate() {
        for (name, value) in &offer.attributes {
            out.count(index);
            out.int(words.text(&name.0));
            match value {
                AttributeValue::Flag(flag) => out.byte(u8::from(*flag)),
                AttributeValue::Number(number) => {
                    out.byte(2);
                    out.decimal(*number);
                }
                AttributeValue::Text(text) => {
                    out.byte(3);
                    out.int(words.text(text));
                }
                AttributeValue::Set(set) => {
                    out.byte(4);
                    out.count(set.len());
                    set.iter().for_each(|text| out.int(words.text(text)));
                }
            }
        }
    }
}

fn routes<'c>(routes: &'c Routes, words: &mut Words<'c>, out: &mut Writer) {
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
    latencies(routes, words, out);
}

fn write_meter<'c>(meter: &'c Meter, words: &mut Words<'c>, out: &mut Writer) {
    out.int(words.text(&meter.name));
    out.int(meter.unit);
    out.int(words.maybe_source(meter.source.as_ref()));
    out.count(meter.tiers.len());
    for tier in &meter.tiers {
        out.int(tier.from.0);
        out.decimal(tier.price);
    }
}

fn latencies<'c>(routes: &'c Routes, words: &mut Words<'c>, out: &mut Writer) {
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

fn storage<'c>(prices: &'c [StoragePrice], words: &mut Words<'c>, out: &mut Writer) {
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

fn services<'c>(prices: &'c [ServicePrice], words: &mut Words<'c>, out: &mut Writer) {
    out.count(prices.len());
    for price in prices {
        let of = [&price.cloud, &price.region, &price.service, &price.product, &price.component];
        for text in of.into_iter().chain([&price.unit]) {
            out.int(words.text(text));
        }
        out.decimal(price.price);
        maybe_decimal(price.rounding_error, out);
        out.int(words.maybe(price.region_basis.as_ref()));
        out.int(words.maybe(price.configuration.as_ref()));
        out.int(words.source(&price.source));
    }
}
