//! `cargo xtask catalog DIR`: the tables of a directory become the catalog that is part of the
//! program, with a notice that credits where its figures come from.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use coc_catalog::{encode, read_sellers};
use coc_model::catalog::{Catalog, Certification};
use coc_model::mistake::Mistakes;
use coc_model::offer::Source;
use thiserror::Error;

/// The crate that the packed catalog and its notice belong to, seen from this one.
const CATALOG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../catalog");

/// The zone that some tables list beside, or in place of, the zones that a region has.
const NO_ZONE: &str = "0";

/// Frameworks of one country's government, which hold in its own regions only, whatever the tables
/// say of a cloud as a whole.
const NATIONAL: [(&str, &str); 2] = [("fedramp-high", "US"), ("itar", "US")];

/// The lines of the notice before the sources.
const NOTICE: &str = "\
The built-in catalog
====================

data/builtin.zst holds figures of what clouds sell, packed from tables that others published. The
prices and facts in it are the providers'. Each figure keeps its source and its date.

The program's licence does not cover these data: each source below keeps its own. What comes from a
source under CC BY-SA 4.0 stays under CC BY-SA 4.0 in the packed form too: credit the source, and
share changes to those data alike. What comes from a source under CC BY 4.0 needs the credit. Changes
made here: columns were chosen, units made the same, zones that are none left out, and what a
country's government certifies kept in its own regions.

This file is written by `cargo xtask catalog` from credits.csv and the tables.

Sources
-------
";

/// Why the catalog was not made.
#[derive(Debug, Error)]
enum CatalogTaskError {
    #[error("the tables can't be used:\n{0}")]
    Tables(#[from] Mistakes),
    #[error("{path} can't be written: {error}")]
    Write { path: PathBuf, error: io::Error },
    #[error("the catalog can't be packed: {0}")]
    Pack(io::Error),
    #[error("credits.csv can't be read: {0}")]
    Credits(#[from] csv::Error),
    #[error("no line of credits.csv is about the source \"{0}\": add one, with its licence")]
    NotCredited(Arc<str>),
    #[error("credits.csv credits \"{0}\", which no figure comes from: remove the line")]
    NothingFrom(String),
}

/// Packs the tables of a directory, prints what could not be used, and says what was made.
pub(crate) fn run(directory: &Path) -> ExitCode {
    match make(directory, Path::new(CATALOG)) {
        Ok(catalog) => {
            for notice in &catalog.notices {
                eprintln!("{notice}");
            }
            println!(
                "{} offers in {} regions, {} latencies, {} meters; {} notices; {}",
                catalog.offers.len(),
                catalog.regions.len(),
                catalog.routes.latencies().len(),
                catalog.routes.meters.len(),
                catalog.notices.len(),
                catalog.digest
            );
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Writes `data/builtin.zst` and `NOTICE` into the catalog's crate.
fn make(tables: &Path, home: &Path) -> Result<Catalog, CatalogTaskError> {
    let mut catalog = read_sellers(&[tables.to_path_buf()])?;
    for region in &mut catalog.regions {
        region.zones.retain(|zone| &**zone != NO_ZONE);
    }
    let mut certifications = std::mem::take(&mut catalog.certifications);
    certifications.retain(|c| holds_there(&catalog, c));
    catalog.certifications = certifications;
    catalog.digest = coc_catalog::digest(&catalog);
    let credits = Credit::read_all(&home.join("credits.csv"))?;
    let notice = notice(&catalog, &credits)?;
    let packed = encode(&catalog).map_err(CatalogTaskError::Pack)?;
    write(home.join("data/builtin.zst"), &packed)?;
    write(home.join("NOTICE"), notice.as_bytes())?;
    Ok(catalog)
}

/// False for what one country's government certifies, in another country's region.
fn holds_there(catalog: &Catalog, certification: &Certification) -> bool {
    let national = NATIONAL.iter().find(|(framework, _)| *framework == &*certification.framework);
    national.is_none_or(|(_, country)| {
        let region = catalog.region(&certification.cloud, &certification.region);
        let place = region.map(|id| &catalog.regions[id.0 as usize].place);
        place.is_some_and(|place| place.country.as_deref() == Some(country))
    })
}

fn write(path: PathBuf, bytes: &[u8]) -> Result<(), CatalogTaskError> {
    fs::write(&path, bytes).map_err(|error| CatalogTaskError::Write { path, error })
}

/// One line of the credits: what comes from whom, under which licence.
#[derive(Debug)]
struct Credit {
    figures: String,
    /// What the names of its sources contain; empty where the tables don't name it.
    source: String,
    by: String,
    licence: String,
    link: String,
}

impl Credit {
    fn read_all(path: &Path) -> Result<Vec<Self>, CatalogTaskError> {
        let mut lines = csv::Reader::from_path(path)?;
        let credit = |line: Result<csv::StringRecord, csv::Error>| {
            let line = line?;
            let field = |index| line.get(index).unwrap_or_default().to_owned();
            let [figures, source, by, licence, link] = [0, 1, 2, 3, 4].map(field);
            Ok(Self { figures, source, by, licence, link })
        };
        lines.records().map(credit).collect()
    }

    fn is_of(&self, source: &Source) -> bool {
        !self.source.is_empty() && source.name.contains(&self.source)
    }
}

/// The text that credits every source.
///
/// # Errors
/// A source of the catalog without a credit, or a credit without a source.
fn notice(catalog: &Catalog, credits: &[Credit]) -> Result<String, CatalogTaskError> {
    let sources = sources(catalog);
    if let Some(lost) = sources.iter().find(|source| !credits.iter().any(|c| c.is_of(source))) {
        return Err(CatalogTaskError::NotCredited(lost.name.clone()));
    }
    let mut by_licence: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for credit in credits {
        let dates: BTreeSet<&str> =
            sources.iter().filter(|s| credit.is_of(s)).map(|s| &*s.date).collect();
        if dates.is_empty() && !credit.source.is_empty() {
            return Err(CatalogTaskError::NothingFrom(credit.source.clone()));
        }
        let mut line = format!("* {}: {}", credit.by, credit.figures);
        let known: Vec<&str> = dates.into_iter().filter(|date| !date.is_empty()).collect();
        match known.as_slice() {
            [] => {}
            [date] => _ = write!(line, " ({date})"),
            [first, .., last] => _ = write!(line, " ({first} to {last})"),
        }
        if !credit.link.is_empty() {
            _ = write!(line, "\n  {}", credit.link);
        }
        by_licence.entry(&credit.licence).or_default().push(line);
    }
    let parts = by_licence
        .into_iter()
        .map(|(licence, lines)| format!("\n{licence}\n\n{}\n", lines.join("\n")));
    Ok(NOTICE.to_owned() + &parts.collect::<String>())
}

/// Every source that a figure of the catalog has; of carbon figures the method, which names it.
fn sources(catalog: &Catalog) -> BTreeSet<Source> {
    let offers = catalog.offers.iter().flat_map(|o| [&o.source, &o.spot_source]).flatten();
    let meters = catalog.routes.meters.iter().filter_map(|meter| meter.source.as_ref());
    let latencies = catalog.routes.latencies().filter_map(|(_, _, l)| l.source.as_ref());
    let storage = catalog.storage.iter().map(|price| &price.source);
    let services = catalog.services.iter().map(|price| &price.source);
    let certifications = catalog.certifications.iter().map(|c| &c.source);
    let prices = offers.chain(meters).chain(latencies).chain(storage).chain(services);
    let power = catalog.power.iter().map(|p| &p.source);
    let all = prices.chain(certifications).chain(power);
    let methods = catalog.regions.iter().filter_map(|region| region.carbon_method.as_ref());
    let carbon = methods.map(|name| Source { name: name.clone(), date: Arc::default() });
    all.map(|source| Source::clone(source)).chain(carbon).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFERS: &str = "\
cloud,region,instance_type,vcpus,memory_gib,price_usd_hour,price_source,price_date
a,north,small,2,8,0.1,list one,2026-01
a,north,large,4,16,0.2,list one,2026-03
b,south,small,2,8,0.1,list two,2026-02
";
    const REGIONS: &str = "cloud,region,country\na,north,DE\na,west,US\nb,south,FR\nc,east,PL\n";
    const ZONES: &str = "cloud,region,zone\na,north,0\na,north,1\nb,south,0\n";
    const COMPLIANCE: &str = "\
cloud,region,framework,source
a,*,iso27001,list one
a,*,fedramp-high,list one
b,south,itar,list two
";
    const CREDITS: &str = "\
figures,source,by,licence,link
prices,list one,First,MIT,https://example.org
prices,list two,Second,CC BY 4.0,
places,,Third,MIT,
";

    /// A directory of tables and a crate to write to.
    fn folders(credits: &str) -> (tempfile::TempDir, PathBuf, PathBuf) {
        let root = tempfile::tempdir().unwrap();
        let (tables, home) = (root.path().join("tables"), root.path().join("home"));
        fs::create_dir_all(&tables).unwrap();
        fs::create_dir_all(home.join("data")).unwrap();
        fs::write(tables.join("offers.csv"), OFFERS).unwrap();
        fs::write(tables.join("regions.csv"), REGIONS).unwrap();
        fs::write(tables.join("zones.csv"), ZONES).unwrap();
        fs::write(tables.join("compliance.csv"), COMPLIANCE).unwrap();
        fs::write(home.join("credits.csv"), credits).unwrap();
        (root, tables, home)
    }

    #[test]
    fn the_same_tables_give_the_same_bytes() {
        let made = || {
            let (_root, tables, home) = folders(CREDITS);
            make(&tables, &home).unwrap();
            let read = |name| fs::read(home.join(name)).unwrap();
            (read("data/builtin.zst"), read("NOTICE"))
        };
        assert_eq!(made(), made());
    }

    #[test]
    fn what_is_packed_is_what_sellers_have_but_for_zones_that_are_none() {
        let (_root, tables, home) = folders(CREDITS);
        let made = make(&tables, &home).unwrap();
        let packed = fs::read(home.join("data/builtin.zst")).unwrap();
        assert_eq!(coc_catalog::decode(&packed).unwrap(), made);
        let regions: Vec<_> = made.regions.iter().map(|r| (&*r.cloud, r.zones.len())).collect();
        assert_eq!(regions, [("a", 1), ("a", 0), ("b", 0)]);
        assert_eq!(made.digest, coc_catalog::digest(&made));
    }

    #[test]
    fn what_a_government_certifies_stays_in_its_country() {
        let (_root, tables, home) = folders(CREDITS);
        let made = make(&tables, &home).unwrap();
        let certified: Vec<_> =
            made.certifications.iter().map(|c| (&*c.region, &*c.framework)).collect();
        assert_eq!(
            certified,
            [("north", "iso27001"), ("west", "fedramp-high"), ("west", "iso27001")]
        );
    }

    #[test]
    fn every_source_is_credited_under_its_licence() {
        let (_root, tables, home) = folders(CREDITS);
        make(&tables, &home).unwrap();
        let notice = fs::read_to_string(home.join("NOTICE")).unwrap();
        let (_, sources) = notice.split_once("-------\n").unwrap();
        assert_eq!(
            sources,
            "\nCC BY 4.0\n\n* Second: prices (2026-02)\n\
             \nMIT\n\n* First: prices (2026-01 to 2026-03)\n  https://example.org\n\
             * Third: places\n"
        );
    }

    #[test]
    fn a_source_without_credit_and_a_credit_without_source_are_refused() {
        for (credits, says) in [
            (
                CREDITS.replace("list two", "list three"),
                "no line of credits.csv is about the source \"list two\": add one, with its licence",
            ),
            (
                format!("{CREDITS}prices,list nine,Ninth,MIT,\n"),
                "credits.csv credits \"list nine\", which no figure comes from: remove the line",
            ),
        ] {
            let (_root, tables, home) = folders(&credits);
            assert_eq!(make(&tables, &home).unwrap_err().to_string(), says);
            assert!(!home.join("NOTICE").exists());
        }
    }
}
