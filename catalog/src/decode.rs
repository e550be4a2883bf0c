//! A packed catalog opened; the layout is told in [`mod@crate::encode`].

use std::collections::BTreeSet;
use std::sync::Arc;

use coc_model::attribute::{AttributeName, AttributeValue, Attributes};
use coc_model::catalog::SourcedLatency;
use coc_model::catalog::{Catalog, Region, RegionId, Routes, ServicePrice, StoragePrice};
use coc_model::decimal::Decimal;
use coc_model::money::Rate;
use coc_model::offer::{Accelerator, Architecture, Offer, Price, Source};
use coc_model::place::Place;
use coc_model::quantity::{Bytes, Cpu, Micros, Traffic};
use coc_model::route::{Latency, Meter, MeterId, Tier};
use thiserror::Error;

use crate::encode::{ESTIMATED, FREE, KNOWN, MAGIC, SCALES};
use crate::wire::Reader;

/// Bytes of the SHA-256 in front of the tables.
const DIGEST: usize = 32;

/// The largest content that is unpacked: many times any real catalog's.
const MAX_CONTENT: usize = 1 << 28;

/// Why a packed catalog does not open.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum CatalogError {
    /// It does not start as packed catalogs do.
    #[error("this is not a packed catalog; \"cargo xtask catalog\" makes one")]
    NotACatalog,
    /// Packed by another version of the program.
    #[error(
        "the packed catalog has format {found}, this program reads format {expected}; \
         \"cargo xtask catalog\" makes a new one"
    )]
    Version {
        /// The format it says it has.
        found: u8,
        /// The format that is read here.
        expected: u8,
    },
    /// Its bytes are not what was written.
    #[error("the packed catalog is damaged: {0}; install the program again")]
    Damaged(&'static str),
}

use CatalogError::Damaged;

/// Opens a packed catalog. It has no notices.
///
/// # Errors
/// What [`CatalogError`] lists; no bytes make it panic.
pub fn decode(packed: &[u8]) -> Result<Catalog, CatalogError> {
    let content = unpack(packed)?;
    let (digest, tables) = content.split_at_checked(DIGEST).ok_or(Damaged("it has no digest"))?;
    let mut catalog = read_tables(tables)?;
    catalog.digest = hexadecimal(digest).into();
    Ok(catalog)
}

/// Takes the content out of its frame, whose checksum tells damage.
fn unpack(packed: &[u8]) -> Result<Vec<u8>, CatalogError> {
    let (magic, rest) = packed.split_at_checked(MAGIC.len()).ok_or(CatalogError::NotACatalog)?;
    let last = MAGIC.len() - 1;
    if magic[..last] != MAGIC[..last] {
        return Err(CatalogError::NotACatalog);
    }
    if magic[last] != MAGIC[last] {
        return Err(CatalogError::Version { found: magic[last], expected: MAGIC[last] });
    }
    let (length, frame) = rest.split_first_chunk().ok_or(Damaged("it has no content"))?;
    let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
    if length > MAX_CONTENT {
        return Err(Damaged("it claims to be too large"));
    }
    let content = zstd::bulk::decompress(frame, length)
        .map_err(|_| Damaged("its content does not unpack"))?;
    if content.len() == length { Ok(content) } else { Err(Damaged("its content is cut off")) }
}

/// The digest as catalogs name it.
fn hexadecimal(digest: &[u8]) -> String {
    use std::fmt::Write as _;
    digest.iter().fold("sha256:".to_owned(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// Reads the tables of a packed catalog.
pub(crate) fn read_tables(tables: &[u8]) -> Result<Catalog, CatalogError> {
    let mut from = Reader(tables);
    let words = Words::read(&mut from)?;
    let regions = list(&mut from, |from| region(from, &words))?;
    let catalog = Catalog {
        digest: Arc::default(),
        offers: offers(&mut from, &words)?,
        routes: routes(&mut from, &words, regions.len())?,
        regions,
        storage: list(&mut from, |from| storage(from, &words))?,
        services: list(&mut from, |from| service(from, &words))?,
        notices: Vec::new(),
    };
    from.end()?;
    Ok(catalog)
}

/// Reads a count and so many things.
fn list<T>(
    from: &mut Reader<'_>,
    mut one: impl FnMut(&mut Reader<'_>) -> Result<T, CatalogError>,
) -> Result<Vec<T>, CatalogError> {
    let count = from.count()?;
    (0..count).map(|_| one(from)).collect()
}

/// Texts and sources by number.
struct Words {
    texts: Vec<Arc<str>>,
    sources: Vec<Arc<Source>>,
}

impl Words {
    fn read(from: &mut Reader<'_>) -> Result<Self, CatalogError> {
        let count = from.count()?;
        let (mut lengths, mut letters) = (from.column()?, from.column()?);
        let text = |_| {
            let length = lengths.int()?;
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            let text = std::str::from_utf8(letters.bytes(length)?);
            text.map(Arc::from).map_err(|_| Damaged("a text of it is not UTF-8"))
        };
        let texts = (0..count).map(text).collect::<Result<_, _>>()?;
        let mut words = Self { texts, sources: Vec::new() };
        let mut sources = from.column()?;
        words.sources = list(&mut sources, |from| {
            Ok(Arc::new(Source { name: words.text(from)?, date: words.text(from)? }))
        })?;
        lengths.end().and(letters.end()).and(sources.end())?;
        Ok(words)
    }

    fn text(&self, from: &mut Reader<'_>) -> Result<Arc<str>, CatalogError> {
        self.numbered(from.int()?)
    }

    fn maybe(&self, from: &mut Reader<'_>) -> Result<Option<Arc<str>>, CatalogError> {
        from.int()?.checked_sub(1).map(|number| self.numbered(number)).transpose()
    }

    fn numbered(&self, number: u64) -> Result<Arc<str>, CatalogError> {
        of_number(&self.texts, number).cloned()
    }

    fn source(&self, from: &mut Reader<'_>) -> Result<Arc<Source>, CatalogError> {
        of_number(&self.sources, from.int()?).cloned()
    }

    fn maybe_source(&self, number: u64) -> Result<Option<Arc<Source>>, CatalogError> {
        number.checked_sub(1).map(|number| of_number(&self.sources, number).cloned()).transpose()
    }
}

/// The thing of this number.
fn of_number<T>(list: &[T], number: u64) -> Result<&T, CatalogError> {
    let index = usize::try_from(number).unwrap_or(usize::MAX);
    list.get(index).ok_or(Damaged("a number of it points nowhere"))
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
        coordinates: maybe_decimal(from)?.zip(maybe_decimal(from)?),
        carbon_g_per_kwh: maybe_decimal(from)?,
        carbon_method: words.maybe(from)?,
    })
}

fn maybe_decimal(from: &mut Reader<'_>) -> Result<Option<Decimal>, CatalogError> {
    match from.byte()? {
        0 => Ok(None),
        1 => from.decimal().map(Some),
        _ => Err(Damaged("a mark of it is unknown")),
    }
}

/// A machine's size under its name, as an offer without a place.
fn shape(from: &mut Reader<'_>, words: &Words) -> Result<Offer, CatalogError> {
    let nowhere: Arc<str> = Arc::default();
    Ok(Offer {
        cloud: nowhere.clone(),
        region: nowhere.clone(),
        zones: Vec::new(),
        name: words.text(from)?,
        cpu: from.maybe()?.map(Cpu),
        memory: from.maybe()?.map(Bytes),
        accelerator: match words.maybe(from)? {
            Some(name) => Some(Accelerator { name, milli: from.int()? }),
            None => None,
        },
        architecture: match from.byte()? {
            0 => None,
            1 => Some(Architecture::X86_64),
            2 => Some(Architecture::Arm64),
            _ => return Err(Damaged("an architecture of it is unknown")),
        },
        local_disk: from.maybe()?.map(Bytes),
        network_mbps: from.maybe()?,
        price: Price::Unknown(nowhere),
        spot: None,
        commit_1y: None,
        commit_3y: None,
        interruption: None,
        verified: true,
        source: None,
        spot_source: None,
        attributes: Attributes::new(),
    })
}

/// How many offers in a row are of which cloud and region.
struct Run {
    cloud: Arc<str>,
    region: Arc<str>,
    length: usize,
}

/// The columns of the offers, each read from its front.
struct Columns<'b> {
    steps: Reader<'b>,
    zones: Reader<'b>,
    prices: RateColumn<'b>,
    spot: RateColumn<'b>,
    commit_1y: RateColumn<'b>,
    commit_3y: RateColumn<'b>,
    interruption: Reader<'b>,
    verified: Reader<'b>,
    source: Reader<'b>,
    spot_source: Reader<'b>,
}

/// A column of prices: what kind each is of, and the digits of those that have any.
struct RateColumn<'b> {
    kinds: Reader<'b>,
    digits: Reader<'b>,
}

impl<'b> RateColumn<'b> {
    fn of(from: &mut Reader<'b>) -> Result<Self, CatalogError> {
        Ok(Self { kinds: from.column()?, digits: from.column()? })
    }

    #[inline]
    fn rate(&mut self) -> Result<Option<Rate>, CatalogError> {
        match self.kinds.byte()?.checked_sub(1) {
            Some(kind) => self.rate_of(kind).map(Some),
            None => Ok(None),
        }
    }

    #[inline]
    fn rate_of(&mut self, kind: u8) -> Result<Rate, CatalogError> {
        match kind.checked_sub(SCALES) {
            None => self.digits.digits(kind).map(Rate::hourly),
            Some(scale) => self.digits.digits(scale).map(Rate::monthly),
        }
    }

    #[inline]
    fn price(&mut self, words: &Words) -> Result<Price, CatalogError> {
        match self.kinds.byte()? {
            0 => words.text(&mut self.digits).map(Price::Unknown),
            FREE => Ok(Price::Free),
            kind if kind < ESTIMATED => self.rate_of(kind - KNOWN).map(Price::Known),
            kind => self.rate_of(kind - ESTIMATED).map(Price::Estimated),
        }
    }

    fn end(&self) -> Result<(), CatalogError> {
        self.kinds.end().and(self.digits.end())
    }
}

fn offers(from: &mut Reader<'_>, words: &Words) -> Result<Vec<Arc<Offer>>, CatalogError> {
    let count = from.count()?;
    let shapes = list(from, |from| shape(from, words))?;
    let runs = list(from, |from| {
        let (cloud, region) = (words.text(from)?, words.text(from)?);
        Ok(Run { cloud, region, length: usize::try_from(from.int()?).unwrap_or(usize::MAX) })
    })?;
    let steps = from.column()?;
    let zone_lists = list(from, |from| list(from, |from| words.text(from)))?;
    let mut columns = Columns {
        steps,
        zones: from.column()?,
        prices: RateColumn::of(from)?,
        spot: RateColumn::of(from)?,
        commit_1y: RateColumn::of(from)?,
        commit_3y: RateColumn::of(from)?,
        interruption: from.column()?,
        verified: from.column()?,
        source: from.column()?,
        spot_source: from.column()?,
    };
    let mut attributes = Attributed::read(from, words, count)?;
    let mut offers = Vec::with_capacity(count);
    let mut shape = 0_u64;
    for run in &runs {
        for _ in 0..run.length {
            shape = shape.wrapping_add_signed(columns.steps.signed()?);
            let size = of_number(&shapes, shape)?;
            let attributes = attributes.of(offers.len());
            offers.push(columns.offer(run, size, &zone_lists, words, attributes)?);
        }
    }
    columns.end()?;
    if offers.len() == count { Ok(offers) } else { Err(Damaged("it lacks offers")) }
}

impl Columns<'_> {
    /// The next offer.
    fn offer(
        &mut self,
        run: &Run,
        size: &Offer,
        zone_lists: &[Vec<Arc<str>>],
        words: &Words,
        attributes: Attributes,
    ) -> Result<Arc<Offer>, CatalogError> {
        Ok(Arc::new(Offer {
            cloud: run.cloud.clone(),
            region: run.region.clone(),
            zones: of_number(zone_lists, self.zones.int()?)?.clone(),
            name: size.name.clone(),
            cpu: size.cpu,
            memory: size.memory,
            accelerator: size.accelerator.clone(),
            architecture: size.architecture,
            local_disk: size.local_disk,
            network_mbps: size.network_mbps,
            price: self.prices.price(words)?,
            spot: self.spot.rate()?,
            commit_1y: self.commit_1y.rate()?,
            commit_3y: self.commit_3y.rate()?,
            interruption: words.maybe(&mut self.interruption)?,
            verified: self.verified.int()? != 0,
            source: words.maybe_source(self.source.int()?)?,
            spot_source: words.maybe_source(self.spot_source.int()?)?,
            attributes,
        }))
    }

    fn end(&self) -> Result<(), CatalogError> {
        for column in [
            &self.steps,
            &self.zones,
            &self.interruption,
            &self.verified,
            &self.source,
            &self.spot_source,
        ] {
            column.end()?;
        }
        for column in [&self.prices, &self.spot, &self.commit_1y, &self.commit_3y] {
            column.end()?;
        }
        Ok(())
    }
}

/// The attributes of the offers that have any, by the offer's number, the last one first.
struct Attributed(Vec<(usize, AttributeName, AttributeValue)>);

impl Attributed {
    fn read(from: &mut Reader<'_>, words: &Words, offers: usize) -> Result<Self, CatalogError> {
        let mut all = list(from, |from| {
            let index = usize::try_from(from.int()?).unwrap_or(usize::MAX);
            let name = AttributeName(words.text(from)?);
            let value = match from.byte()? {
                flag @ (0 | 1) => AttributeValue::Flag(flag == 1),
                2 => AttributeValue::Number(from.decimal()?),
                3 => AttributeValue::Text(words.text(from)?),
                4 => {
                    let set: BTreeSet<_> =
                        list(from, |from| words.text(from))?.into_iter().collect();
                    AttributeValue::Set(set)
                }
                _ => return Err(Damaged("an attribute of it is of no known kind")),
            };
            Ok((index, name, value))
        })?;
        if !all.is_sorted_by_key(|(index, ..)| *index)
            || all.last().is_some_and(|(index, ..)| *index >= offers)
        {
            return Err(Damaged("its attributes belong to no offer"));
        }
        all.reverse();
        Ok(Self(all))
    }

    /// Takes out what is said of an offer; to be asked in the order of the offers.
    fn of(&mut self, index: usize) -> Attributes {
        let mut attributes = Attributes::new();
        // Most offers have none; the loop then ends at once.
        while let Some((_, name, value)) = self.0.pop_if(|(of, ..)| *of == index) {
            attributes.insert(name, value);
        }
        attributes
    }
}

fn routes(from: &mut Reader<'_>, words: &Words, regions: usize) -> Result<Routes, CatalogError> {
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
        source: words.maybe_source(from.int()?)?,
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
            source: words.maybe_source(kind / 2)?,
        };
        routes.set_sourced_latency(RegionId(start), RegionId(end), sourced);
    }
    [starts, ends, micros, kinds].iter().try_for_each(Reader::end)
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

fn service(from: &mut Reader<'_>, words: &Words) -> Result<ServicePrice, CatalogError> {
    Ok(ServicePrice {
        cloud: words.text(from)?,
        region: words.text(from)?,
        service: words.text(from)?,
        product: words.text(from)?,
        component: words.text(from)?,
        unit: words.text(from)?,
        price: from.decimal()?,
        rounding_error: maybe_decimal(from)?,
        region_basis: words.maybe(from)?,
        configuration: words.maybe(from)?,
        source: words.source(from)?,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sha2::{Digest as _, Sha256};

    use super::*;
    use crate::encode::encode;

    /// A packed catalog around these tables, its digest and checksum right.
    fn packed(tables: &[u8]) -> Vec<u8> {
        let mut content = Sha256::digest(tables).to_vec();
        content.extend_from_slice(tables);
        let mut packed = MAGIC.to_vec();
        packed.extend_from_slice(&u32::try_from(content.len()).unwrap().to_le_bytes());
        packed.extend_from_slice(&zstd::bulk::compress(&content, 1).unwrap());
        packed
    }

    fn small() -> Vec<u8> {
        let mut offer = Offer::named("a", "north", "small");
        offer.price = Price::Known(Rate::monthly("7.5".parse().unwrap()));
        offer.zones = vec!["n1".into(), "n2".into()];
        offer.attributes = [
            (AttributeName("fast".into()), AttributeValue::Flag(true)),
            (AttributeName("iops".into()), AttributeValue::Number("3".parse().unwrap())),
        ]
        .into();
        let region = |cloud: &str, name: &str| Region {
            cloud: cloud.into(),
            place: Place { region: Some(name.into()), ..Place::default() },
            title: None,
            zones: vec![],
            coordinates: None,
            carbon_g_per_kwh: None,
            carbon_method: None,
        };
        let mut routes = Routes::default();
        let tiers = vec![Tier { from: Traffic(0), price: Decimal::ONE }];
        let meter = Meter { name: "m".into(), unit: 1, tiers, source: None };
        let id = routes.add_meter(meter);
        routes.set_transfer(RegionId(0), RegionId(1), id);
        routes.set_internet(RegionId(0), id);
        let latency = Latency { round_trip: Micros(5), estimated: true };
        routes.set_latency(RegionId(0), RegionId(1), latency);
        let catalog = Catalog {
            regions: vec![region("a", "north"), region("a", "south")],
            offers: vec![Arc::new(offer)],
            routes,
            ..Catalog::default()
        };
        unpack(&encode(&catalog).unwrap()).unwrap()[DIGEST..].to_vec()
    }

    #[test]
    fn errors_say_what_is_wrong() {
        let good = packed(&small());
        assert!(decode(&good).is_ok());
        let newer = [&MAGIC[..7], &[MAGIC[7] + 1], &good[8..]].concat();
        let huge = [&MAGIC[..], &u32::MAX.to_le_bytes()].concat();
        for (bytes, says) in [
            (&b""[..], "this is not a packed catalog"),
            (b"cloud,region", "this is not a packed catalog"),
            (&newer, "the packed catalog has format 2, this program reads format 1"),
            (&good[..10], "damaged: it has no content"),
            (&good[..20], "damaged: its content does not unpack"),
            (&huge, "damaged: it claims to be too large"),
            (&packed(&[]), "damaged: it ends too early"),
            (&packed(&[small(), vec![0]].concat()), "damaged: it ends too late"),
        ] {
            let error = decode(bytes).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }

    proptest! {
        #[test]
        fn tables_that_are_wrong_inside_never_panic(
            at: prop::sample::Index, byte: u8, cut in proptest::option::of(any::<prop::sample::Index>()),
        ) {
            let mut tables = small();
            let at = at.index(tables.len());
            tables[at] = byte;
            if let Some(cut) = cut {
                tables.truncate(cut.index(tables.len()));
            }
            if let Ok(catalog) = decode(&packed(&tables)) {
                for (start, end, meter) in catalog.routes.pair_meters() {
                    prop_assert!((start.0.max(end.0) as usize) < catalog.regions.len());
                    prop_assert!((meter.0 as usize) < catalog.routes.meters.len());
                }
            }
        }

        #[test]
        fn tables_of_any_bytes_never_panic(tables: Vec<u8>) {
            let _ = decode(&packed(&tables));
        }
    }
}
