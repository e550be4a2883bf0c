//! Several directories, and directories that can't be read.

use std::path::PathBuf;

use coc_catalog::{read_directories, read_sellers};
use coc_model::quantity::Traffic;
use coc_model::route::Transfer;

use crate::directory::{THREE_PLACES, directory, notices, read, read_layers, region, said};

const OFFERS: &str = "cloud,region,instance_type,vcpus,price_usd_hour\n";

/// Offers as `cloud region name price`.
fn prices(catalog: &coc_model::catalog::Catalog) -> Vec<String> {
    catalog
        .offers
        .iter()
        .map(|o| {
            let price = o.price.plannable().map_or("?".to_owned(), |rate| rate.to_string());
            format!("{} {} {} {price}", o.cloud, o.region, o.name)
        })
        .collect()
}

#[test]
fn later_directories_win_row_by_row() {
    let first = format!("{OFFERS}a,north,large,4,0.4\na,north,small,2,0.1\nb,east,small,2,0.1\n");
    let second = format!("{OFFERS}a,north,small,2,0.09\na,south,small,2,0.2\na,north,large,4,\n");
    let catalog = read_layers(&[&[("offers.csv", &first)], &[("offers.csv", &second)]]).unwrap();
    assert_eq!(
        prices(&catalog),
        [
            "a north large ?",
            "a north small 0.0900 USD/hour",
            "a south small 0.2000 USD/hour",
            "b east small 0.1000 USD/hour",
        ]
    );
    assert_eq!(notices(&catalog), ["1/offers.csv:4:17: price unknown: the row states none"]);
}

#[test]
fn a_row_that_can_not_be_used_does_not_win() {
    let second = format!("{OFFERS}a,north,small,2,-1\n");
    let catalog = read_layers(&[&[THREE_PLACES], &[("offers.csv", &second)]]).unwrap();
    assert_eq!(prices(&catalog)[0], "a north small 0.1000 USD/hour");
    assert_eq!(notices(&catalog).len(), 1);
}

#[test]
fn a_meter_is_replaced_as_a_whole() {
    let header = "from_cloud,from_region,scope,tier_from_gb,usd_per_gb\n";
    let tiers = format!("{header}a,north,internet,0,0.1\na,north,internet,10,0.05\n");
    let flat = format!("{header}a,north,internet,0,0.2\n");
    let catalog =
        read_layers(&[&[THREE_PLACES, ("egress.csv", &tiers)], &[("egress.csv", &flat)]]).unwrap();
    let (north, east) = (region(&catalog, "a", "north"), region(&catalog, "b", "east"));
    let Transfer::Metered(id) = catalog.routes.transfer(north, east, false) else { panic!() };
    let meter = &catalog.routes.meters[id.0 as usize];
    assert_eq!(meter.cost(Traffic(20_000_000_000)).to_string(), "4.00");
    assert_eq!(catalog.routes.meters.len(), 1);
}

#[test]
fn of_rows_with_one_key_in_one_table_the_last_is_used() {
    let table = format!("{OFFERS}a,north,small,2,0.1\na,north,small,2,0.2\n");
    let catalog = read(&[("offers.csv", &table)]);
    assert_eq!(prices(&catalog), ["a north small 0.2000 USD/hour"]);
    assert_eq!(
        notices(&catalog),
        ["offers.csv:2:1: the row is not used: offers.csv:3:1 says the same key again \
          (remove one of the rows)"]
    );
}

#[test]
fn packed_tables_are_read_as_plain_ones() {
    let plain = read(&[THREE_PLACES]);
    let packed = zstd::bulk::compress(THREE_PLACES.1.as_bytes(), 3).unwrap();
    let folder = directory(&[("offers.csv.zst", &packed)]);
    let unpacked = read_directories(&[folder.path().to_path_buf()]).unwrap();
    assert_eq!(unpacked, plain);
    assert!(plain.digest.starts_with("sha256:"));
}

#[test]
fn the_digest_names_the_figures_and_nothing_else() {
    let digest = |files: &[(&str, &str)]| read(files).digest;
    let table = format!("{OFFERS}a,north,small,2,0.1\nb,east,small,2,0.1\n");
    let turned = format!("{OFFERS}b,east,small,2,0.10\na,north,small,2.0,1e-1\n");
    assert_eq!(digest(&[("offers.csv", &table)]), digest(&[("offers.csv", &turned)]));
    let dearer = table.replace("0.1\n", "0.11\n");
    assert_ne!(digest(&[("offers.csv", &table)]), digest(&[("offers.csv", &dearer)]));
    let with_notice = format!("{table}a,north,free,2,-1\n");
    assert_eq!(digest(&[("offers.csv", &table)]), digest(&[("offers.csv", &with_notice)]));
}

#[test]
fn sellers_are_the_clouds_that_have_offers() {
    let folder = directory(&[
        (THREE_PLACES.0, THREE_PLACES.1.as_bytes()),
        ("regions.csv", b"cloud,region\na,west\nc,far\n"),
        (
            "latency.csv",
            b"from_cloud,from_region,to_cloud,to_region,rtt_ms\na,west,c,far,1\na,west,b,east,1\n",
        ),
    ]);
    let paths = [folder.path().to_path_buf()];
    let (all, sellers) = (read_directories(&paths).unwrap(), read_sellers(&paths).unwrap());
    let clouds = |catalog: &coc_model::catalog::Catalog| -> Vec<String> {
        catalog.regions.iter().map(|r| r.cloud.to_string()).collect()
    };
    assert_eq!(clouds(&all), ["a", "a", "a", "b", "c"]);
    assert_eq!(clouds(&sellers), ["a", "a", "a", "b"]);
    assert_eq!((all.routes.latencies().len(), sellers.routes.latencies().len()), (2, 1));
    assert!(sellers.notices.is_empty());
}

#[test]
fn all_that_is_broken_is_told_at_once() {
    let first = directory(&[
        ("offers.csv", b"cloud,region,instance_typ\na,north\n"),
        ("regions.csv", b"cloud,region\na,\xff\n"),
        ("zones.csv", b""),
        ("latency.csv.zst", b"not packed"),
        ("egress.csv", b"usd_per_gb,usd_per_gb\n"),
        ("storage.csv", b"cloud,region,kind,usd\n"),
        ("storage.csv.zst", b""),
        ("services.csv", b"cloud,region,service,usd_per_unit\na,north,\"queue,1\n"),
    ]);
    let missing = first.path().join("nowhere");
    let paths: Vec<PathBuf> = vec![first.path().to_path_buf(), missing];
    let mistakes = said(&read_directories(&paths).unwrap_err(), &paths);
    for (found, expected) in mistakes.iter().zip([
        "the catalog directory 0/nowhere can't be read: ",
        "0/egress.csv:1:1: the column from_cloud is missing",
        "0/egress.csv:1:12: the column usd_per_gb is there twice",
        "0/latency.csv.zst:1:1: the table can't be unpacked: ",
        "0/offers.csv:1:1: the column instance_type is missing (did you mean it by \"instance_typ\"?)",
        "0/offers.csv:2:1: the row has 2 fields, the header 3 columns",
        "0/regions.csv:2:3: the file is not UTF-8 text",
        "0/services.csv:2:1: the row has 3 fields, the header 4 columns",
        "0/services.csv:2:9: this quote is never closed",
        "0/storage.csv:1:1: the table storage is there twice, plain and as .zst",
        "0/zones.csv:1:1: the table is empty",
    ]) {
        assert!(found.starts_with(expected), "{found}\n  is not\n{expected}");
    }
    assert_eq!(mistakes.len(), 11, "{mistakes:?}");
}

#[test]
fn a_catalog_needs_offers() {
    let empty = directory(&[("notes.txt", b"")]);
    let regions = directory(&[("regions.csv", b"cloud,region\n")]);
    for (paths, says) in [
        (vec![], "no catalog directory is given".to_owned()),
        (
            vec![empty.path().to_path_buf()],
            format!(
                "the directory {} has no table of a catalog (expected one of offers, regions, \
                 zones, egress, latency, storage, services, compliance, power, as .csv or .csv.zst)",
                empty.path().display()
            ),
        ),
        (
            vec![regions.path().to_path_buf()],
            format!(
                "there is no table of offers in {} (a catalog needs offers.csv or offers.csv.zst)",
                regions.path().display()
            ),
        ),
    ] {
        assert_eq!(read_directories(&paths).unwrap_err().to_string(), says);
    }
    let offers = directory(&[(THREE_PLACES.0, THREE_PLACES.1.as_bytes())]);
    let paths = [offers.path().to_path_buf(), regions.path().to_path_buf()];
    assert_eq!(read_directories(&paths).unwrap().offers.len(), 3);
}
