//! Whole directories of tables to a catalog.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use coc_model::catalog::{
    Catalog, Certification, ProcessorPower, Region, Routes, ServicePrice, SourcedLatency,
    StoragePrice,
};
use coc_model::mistake::{Mistake, Mistakes};
use coc_model::offer::Offer;

use crate::bills::Bills;
use crate::egress::StepEntry;
use crate::ends::Ends;
use crate::figure::ROW_LEFT_OUT;
use crate::layers::{Entry, one_each};
use crate::offers::OfferKey;
use crate::power::PowerKey;
use crate::reading::Reading;
use crate::regions::{EVERY, RegionKey, Regions, ZoneKey, regions_of};
use crate::table::Table;
use crate::{bills, compliance, egress, latency, offers, packed, power, regions};

/// Reads one table.
type ReadTable = fn(&mut Tables, &Table, &mut Reading);

/// The table that must be there, in one of the directories.
const OFFERS: &str = "offers";

/// The tables that are read.
const TABLES: [(&str, ReadTable); 9] = [
    (OFFERS, |all, table, reading| offers::read(table, reading, &mut all.offers)),
    ("regions", |all, table, reading| regions::read_regions(table, reading, &mut all.regions)),
    ("zones", |all, table, reading| regions::read_zones(table, reading, &mut all.zones)),
    ("egress", |all, table, reading| egress::read(table, reading, &mut all.egress)),
    ("latency", |all, table, reading| latency::read(table, reading, &mut all.latency)),
    ("storage", |all, table, reading| bills::read_storage(table, reading, &mut all.storage)),
    ("services", |all, table, reading| bills::read_services(table, reading, &mut all.services)),
    ("compliance", |all, table, reading| compliance::read(table, reading, &mut all.certifications)),
    ("power", |all, table, reading| power::read(table, reading, &mut all.power)),
];

/// Reads catalog directories. Of rows with the same key, the one in the last directory holds.
///
/// Rows and cells that can't be used are in the catalog's notices, each with its place.
///
/// # Errors
/// Every structural mistake at once: directories and tables that can't be read or unpacked, text
/// that is no UTF-8, columns that are missing or twice, rows of a wrong length, no `offers` at all.
pub fn read_directories(directories: &[PathBuf]) -> Result<Catalog, Mistakes> {
    Tables::read(directories).map(Tables::link)
}

/// As [`read_directories`], without the clouds that sell no machine in the table of offers: those
/// that only regions and latencies are known of.
///
/// # Errors
/// As [`read_directories`].
pub fn read_sellers(directories: &[PathBuf]) -> Result<Catalog, Mistakes> {
    Tables::read(directories).map(|tables| tables.only_sellers().link())
}

/// The rows of all directories, in the order they were read.
#[derive(Default)]
struct Tables {
    offers: Vec<Entry<OfferKey, Offer>>,
    regions: Vec<Entry<RegionKey, Region>>,
    zones: Vec<Entry<ZoneKey, ()>>,
    egress: Vec<StepEntry>,
    latency: Vec<Entry<Ends, SourcedLatency>>,
    storage: Bills<StoragePrice>,
    services: Bills<ServicePrice>,
    certifications: Bills<Certification>,
    power: Vec<Entry<PowerKey, ProcessorPower>>,
    notices: Vec<Mistake>,
}

impl Tables {
    fn read(directories: &[PathBuf]) -> Result<Self, Mistakes> {
        let mut reading = Reading::default();
        let mut tables = Self::default();
        let mut has_offers = false;
        for (layer, directory) in directories.iter().enumerate() {
            reading.layer = layer;
            has_offers |= tables.read_directory(directory, &mut reading);
        }
        if !has_offers {
            reading.log.push(no_offers(directories));
        }
        tables.notices = reading.notices;
        reading.log.finish(tables)
    }

    /// Reads the tables of a directory; true if it has offers.
    fn read_directory(&mut self, directory: &Path, reading: &mut Reading) -> bool {
        if let Err(error) = std::fs::read_dir(directory) {
            let says =
                format!("the catalog directory {} can't be read: {error}", directory.display());
            reading.log.push(Mistake::of_request(says).hint("check the path"));
            return true;
        }
        let mut found = BTreeSet::new();
        for (name, read) in TABLES {
            match Table::open(directory, name) {
                Ok(None) => continue,
                Ok(Some(table)) => read(self, &table, reading),
                Err(mistake) => reading.log.push(mistake),
            }
            found.insert(name);
        }
        if found.is_empty() {
            let says = format!("the directory {} has no table of a catalog", directory.display());
            let names = TABLES.map(|(name, _)| name).join(", ");
            let hint = format!("expected one of {names}, as .csv or .csv.zst");
            reading.log.push(Mistake::of_request(says).hint(hint));
            return true;
        }
        found.contains(OFFERS)
    }

    fn only_sellers(mut self) -> Self {
        let sellers: BTreeSet<Arc<str>> = self.offers.iter().map(|e| e.key.0.clone()).collect();
        let sells = |cloud: &Arc<str>| sellers.contains(cloud);
        self.regions.retain(|e| sells(&e.key.0));
        self.zones.retain(|e| sells(&e.key.0));
        self.egress.retain(|e| sells(&e.key.1.from_cloud) && sells(&e.key.1.to_cloud));
        self.latency.retain(|e| sells(&e.key.from_cloud) && sells(&e.key.to_cloud));
        self.storage.retain(|e| sells(&e.key.0.0));
        self.services.retain(|e| sells(&e.key.0.0));
        self.certifications.retain(|e| sells(&e.key.0.0));
        self.power.retain(|e| sells(&e.key.0));
        self
    }

    fn link(self) -> Catalog {
        let mut notices = self.notices;
        let offers = one_each(self.offers, &mut notices);
        let regions = regions_of(self.regions, self.zones, &offers, &mut notices);
        let offers = link_offers(offers, &regions, &mut notices);
        let mut routes = Routes::default();
        egress::link(self.egress, &regions, &mut routes, &mut notices);
        latency::link(self.latency, &regions, &mut routes, &mut notices);
        let storage = bills::link(
            self.storage,
            &regions,
            |price, region| StoragePrice { region: region.clone(), ..price.clone() },
            &mut notices,
        );
        let services = bills::link(
            self.services,
            &regions,
            |price, region| ServicePrice { region: region.clone(), ..price.clone() },
            &mut notices,
        );
        let certifications = compliance::link(self.certifications, &regions, &mut notices);
        let power = one_each(self.power, &mut notices).into_iter().map(|e| e.value).collect();
        notices.sort();
        let mut catalog = Catalog {
            digest: Arc::default(),
            regions: regions.0,
            offers,
            routes,
            storage,
            services,
            certifications,
            power,
            notices,
        };
        catalog.digest = packed::digest(&catalog);
        catalog
    }
}

fn no_offers(directories: &[PathBuf]) -> Mistake {
    if directories.is_empty() {
        return Mistake::of_request("no catalog directory is given");
    }
    let list: Vec<String> = directories.iter().map(|d| d.display().to_string()).collect();
    let says = format!("there is no table of offers in {}", list.join(", "));
    Mistake::of_request(says).hint("a catalog needs offers.csv or offers.csv.zst")
}

/// The offers that hold, those of all regions of a cloud put down for each region that has no offer
/// of that name, with their zones by the names the regions have for them.
fn link_offers(
    entries: Vec<Entry<OfferKey, Offer>>,
    regions: &Regions,
    notices: &mut Vec<Mistake>,
) -> Vec<Arc<Offer>> {
    let (everywhere, mut single): (Vec<_>, Vec<_>) =
        entries.into_iter().partition(|entry| &*entry.key.1 == EVERY);
    let own = single.len();
    for Entry { key: (cloud, _, name), origin, value } in everywhere {
        if regions.of_cloud(&cloud).is_empty() {
            let says = format!(
                "catalogue error: no table of regions, zones or offers knows a region of {cloud}; \
                 {ROW_LEFT_OUT}"
            );
            notices.push(Mistake::at(origin.position(), says));
        }
        for region in regions.names(&cloud) {
            let key = (cloud.clone(), region.clone(), name.clone());
            if single[..own].binary_search_by(|entry| entry.key.cmp(&key)).is_err() {
                let value = Offer { region: region.clone(), ..value.clone() };
                single.push(Entry { key, origin: origin.clone(), value });
            }
        }
    }
    single.sort_by(|a, b| a.key.cmp(&b.key));
    let named = single.into_iter().map(|Entry { value: mut offer, .. }| {
        for zone in &mut offer.zones {
            *zone = regions.zone_name(&offer.cloud, &offer.region, zone);
        }
        Arc::new(offer)
    });
    named.collect()
}
