//! Prices of storage and services.

use crate::directory::{THREE_PLACES, notices, read};

const STORAGE: &str = "cloud,region,kind,sku,unit,usd,source,date,note\n";
const SERVICES: &str = "cloud,region,service,product,component,unit,usd_per_unit,rounding_error,\
                        source,date,source_resource,region_basis\n";

#[test]
fn storage_prices_keep_all_that_is_said_of_them() {
    let rows = "a,north,block,disk,GiB-month,0.109788,list,2026-07,hot\nb,east,object,,,0.02,,,\n";
    let catalog = read(&[THREE_PLACES, ("storage.csv", &format!("{STORAGE}{rows}"))]);
    let prices: Vec<_> = catalog
        .storage
        .iter()
        .map(|p| {
            format!(
                "{} {} {} {}/{} {}/{} {:?}",
                p.region, p.kind, p.sku, p.price, p.unit, p.source.name, p.source.date, p.note
            )
        })
        .collect();
    assert_eq!(
        prices,
        [
            "north block disk 0.109788/GiB-month list/2026-07 Some(\"hot\")",
            "east object  0.02/ not stated/ None",
        ]
    );
    assert!(catalog.notices.is_empty());
}

#[test]
fn service_prices_of_one_key_are_all_kept() {
    let rows = "a,north,queue,q,requests,1M,0.4,0.006,list,2026-07,standard,exact\n\
                a,north,queue,q,requests,1M,0.5,,list,2026-07,fifo,exact\n\
                a,north,queue,q,requests,1M,0.5,-1,list,2026-07,fifo,\n";
    let catalog = read(&[THREE_PLACES, ("services.csv", &format!("{SERVICES}{rows}"))]);
    let prices: Vec<_> = catalog
        .services
        .iter()
        .map(|p| {
            let error = p.rounding_error.map(|e| e.to_string());
            (p.price.to_string(), p.configuration.as_deref(), error, p.region_basis.as_deref())
        })
        .collect();
    assert_eq!(
        prices,
        [
            ("0.5".to_owned(), Some("fifo"), None, Some("exact")),
            ("0.5".to_owned(), Some("fifo"), None, None),
            ("0.4".to_owned(), Some("standard"), Some("0.006".to_owned()), Some("exact")),
        ]
    );
    assert_eq!(
        notices(&catalog),
        ["services.csv:4:33: catalogue error: rounding_error is -1, not zero or more; \
          it is taken as unknown"]
    );
}

#[test]
fn a_price_of_all_regions_holds_where_there_is_no_other() {
    let rows = "a,*,block,disk,GB-month,0.1,,,\na,south,block,disk,GB-month,0.2,,,\n\
                a,south,block,ssd,GB-month,0.3,,,\nc,*,block,disk,GB-month,0.1,,,\n";
    let catalog = read(&[THREE_PLACES, ("storage.csv", &format!("{STORAGE}{rows}"))]);
    let prices: Vec<_> =
        catalog.storage.iter().map(|p| format!("{} {} {}", p.region, p.sku, p.price)).collect();
    assert_eq!(prices, ["north disk 0.1", "south disk 0.2", "south ssd 0.3"]);
    assert_eq!(
        notices(&catalog),
        ["storage.csv:5:1: catalogue error: no table of regions, zones or offers knows c; \
          the row is not used"]
    );
}

#[test]
fn a_price_that_is_none_is_told() {
    let rows = "a,north,block,disk,GB-month,0,,,\na,north,block,disk,GB-month,,,,\n\
                a,north,block,disk,GB-month,-1,,,\na,north,block,disk,GB-month,x,,,\n\
                a,north,,disk,GB-month,1,,,\n";
    let catalog = read(&[THREE_PLACES, ("storage.csv", &format!("{STORAGE}{rows}"))]);
    assert!(catalog.storage.is_empty());
    assert_eq!(
        notices(&catalog),
        [
            "storage.csv:2:29: price unknown: a zero is no price; the row is not used",
            "storage.csv:3:29: price unknown: the row states none; the row is not used",
            "storage.csv:4:29: catalogue error: usd is negative (-1); the row is not used",
            "storage.csv:5:29: catalogue error: usd: \"x\" is not a decimal number; \
             the row is not used",
            "storage.csv:6:9: catalogue error: kind is empty; the row is not used",
        ]
    );
}
