//! A catalog packed: what is said often is said once, like stands by like, and zstd does the rest.
//!
//! A packed catalog is [`MAGIC`] with the version of the format, the length of the content as four
//! bytes, least first, and the content as one zstd frame with a checksum. The content is the
//! SHA-256 of what follows it, then texts, sources, and the tables. Each table's module holds both
//! directions of its layout. Notices are not packed: they are about the reading of files, not about
//! what is sold.

mod attributes;
mod bills;
mod compliance;
mod offers;
mod power;
mod rates;
mod regions;
mod routes;
mod shapes;
mod wire;
mod words;

use std::io;
use std::sync::Arc;

use coc_model::catalog::Catalog;
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use wire::{Reader, Writer};
use words::{Words, WordsWritten};

/// What every packed catalog starts with; the last byte is the version of the format.
const MAGIC: [u8; 8] = *b"coc-cat\x02";

/// Bytes of the SHA-256 in front of the tables.
const DIGEST: usize = 32;

/// The largest content that is unpacked: many times any real catalog's.
const MAX_CONTENT: usize = 1 << 28;

/// How hard zstd tries: a catalog is packed once and opened many times.
const LEVEL: i32 = 19;

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

/// Packs a catalog. The same catalog gives the same bytes.
///
/// # Errors
/// The content is larger than is unpacked again (256 MiB), or does not compress.
pub fn encode(catalog: &Catalog) -> io::Result<Vec<u8>> {
    let tables = write_tables(catalog);
    let mut content = Sha256::digest(&tables).to_vec();
    content.extend_from_slice(&tables);
    let length = u32::try_from(content.len()).map_err(io::Error::other)?;
    if content.len() > MAX_CONTENT {
        return Err(io::Error::other("the catalog is too large to be packed"));
    }
    let mut compressor = zstd::bulk::Compressor::new(LEVEL)?;
    compressor.include_checksum(true)?;
    let mut packed = MAGIC.to_vec();
    packed.extend_from_slice(&length.to_le_bytes());
    packed.extend_from_slice(&compressor.compress(&content)?);
    Ok(packed)
}

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

/// The digest of a catalog's figures: `sha256:` and 64 hexadecimal digits. Notices, and whether
/// the figures came from tables or from a packed catalog, make no difference.
pub fn digest(catalog: &Catalog) -> Arc<str> {
    coc_model::marks::digest(&write_tables(catalog)).into()
}

fn write_tables(catalog: &Catalog) -> Vec<u8> {
    let mut words = WordsWritten::default();
    let mut body = Writer::default();
    regions::write(&catalog.regions, &mut words, &mut body);
    offers::write(&catalog.offers, &mut words, &mut body);
    routes::write(&catalog.routes, &mut words, &mut body);
    bills::write_storage(&catalog.storage, &mut words, &mut body);
    bills::write_services(&catalog.services, &mut words, &mut body);
    compliance::write(&catalog.certifications, &mut words, &mut body);
    power::write(&catalog.power, &mut words, &mut body);
    let mut all = words.finish();
    all.0.extend_from_slice(&body.0);
    all.0
}

fn read_tables(tables: &[u8]) -> Result<Catalog, CatalogError> {
    let mut from = Reader(tables);
    let words = Words::read(&mut from)?;
    let regions = regions::read(&mut from, &words)?;
    let catalog = Catalog {
        digest: Arc::default(),
        offers: offers::read(&mut from, &words)?,
        routes: routes::read(&mut from, &words, regions.len())?,
        regions,
        storage: bills::read_storage(&mut from, &words)?,
        services: bills::read_services(&mut from, &words)?,
        certifications: compliance::read(&mut from, &words)?,
        power: power::read(&mut from, &words)?,
        notices: Vec::new(),
    };
    from.end()?;
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

#[cfg(test)]
mod tests {
    use coc_model::attribute::{AttributeName, AttributeValue};
    use coc_model::catalog::{Certification, ProcessorPower, Region, RegionId, Routes};
    use coc_model::decimal::Decimal;
    use coc_model::money::Rate;
    use coc_model::offer::{Architecture, Offer, Price, Source};
    use coc_model::place::Place;
    use coc_model::quantity::{Micros, Traffic};
    use coc_model::route::{Latency, Meter, Tier};
    use proptest::prelude::*;

    use super::*;

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
        let certification = Certification {
            cloud: "a".into(),
            region: "north".into(),
            framework: "iso27001".into(),
            note: None,
            source: Arc::new(Source { name: "list".into(), date: "2026".into() }),
        };
        let power = ProcessorPower {
            cloud: "a".into(),
            processor: "Graviton".into(),
            architecture: Architecture::Arm64,
            idle_watts: "0.5".parse().unwrap(),
            full_watts: Decimal::ONE,
            source: Arc::new(Source { name: "list".into(), date: "2026".into() }),
        };
        let catalog = Catalog {
            regions: vec![region("a", "north"), region("a", "south")],
            certifications: vec![certification],
            power: vec![power],
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
            (&newer, "the packed catalog has format 3, this program reads format 2"),
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
