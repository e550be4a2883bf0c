//! Packed catalogs: what goes in comes out, and damage is told.

use std::sync::{Arc, LazyLock};

use coc_catalog::{decode, digest, encode};
use coc_model::attribute::{AttributeName, AttributeValue};
use coc_model::catalog::Catalog;
use coc_model::money::Rate;
use coc_model::offer::{Offer, Price};
use proptest::prelude::*;

use crate::directory::read;

const OFFERS: &str = "\
cloud,region,zones,instance_type,vcpus,memory_gib,accelerator,accelerator_count,arch,local_disk_gb,network_gbps,price_usd_hour,price_usd_month,spot_price_usd_hour,commit_1y_usd_hour,commit_3y_usd_hour,spot_interruption,price_source,price_date,spot_source,spot_date,price_estimate_usd_hour,free_tier,nitro,disk.iops,family
a,north,x;y,large,4,16,L4,0.333,x86_64,100,12.5,0.4,,0.1,0.3,0.2,5-10%,list,2026-01-02,spots,2026-01,,,true,3000,m
a,north,x,small,2,8,,,arm64,,,,70,,,,,list zone-unverified,2026-01-02,,,,,false,,m
a,south,,large,4,16,L4,0.333,x86_64,100,12.5,,,0.1,,,,,,,,0.5,,,,
a,south,,small,2,8,,,arm64,,,0,,,,,,,,,,,true,,,
b,east,,tiny,0.25,0.6,,,,,,,,,,,,,,,,,,,,
b,east,,odd,,,V1,,,0,,0.000000000000000001,,,,,,,,,,,,,-0.5,
";

const REGIONS: &str = "\
cloud,region,name,country,eu_member,gdpr_eea,lat,lon,carbon_g_per_kwh,carbon_method
a,north,North,DE,1,1,50.1,-8.6,345.25,measured
b,east,,JP,,,,,,
c,west,West,US,0,0,0,0,0,
";

const EGRESS: &str = "\
from_cloud,from_region,scope,to_cloud,to_region,tier_from_gb,tier_to_gb,usd_per_gb,source,date,note
a,north,internet,,,0,10,0.1,list,2026,
a,north,internet,,,10,,0.05,list,2026,
a,*,inter_region,a,*,0,,0.02,,,GiB
a,*,inter_zone,a,=,0,,0.01,,,
a,south,inter_region_default,a,*,0,,0.03,,,
a,north,,b,east,,,0.07,,,
";

const LATENCY: &str = "\
from_cloud,from_region,to_cloud,to_region,rtt_ms,kind,source
a,north,a,south,4.5,measured,pings
a,south,a,north,4.6,measured,pings
b,east,a,north,120.125,estimated,line
a,north,a,north,0.4,measured,
";

const STORAGE: &str = "\
cloud,region,kind,sku,unit,usd,source,date,note
a,*,block,disk,GiB-month,0.109788,list,2026-07,
b,east,object,cold,GB-month,0.0026,list,2026-07,archive
";

const SERVICES: &str = "\
cloud,region,service,product,component,unit,usd_per_unit,rounding_error,source,date,source_resource,region_basis
a,north,queue,q,requests,1M,0.0000000309,0.006,list,2026-07,standard,exact
a,north,queue,q,requests,1M,0.5,,,,,
";

const COMPLIANCE: &str = "\
cloud,region,framework,note,source,date
a,*,iso27001,per service,list,2026-07
b,east,hipaa,,,
";

const POWER: &str = "\
cloud,cpu_architecture,min_watts_per_vcpu,max_watts_per_vcpu,source,date
a,Haswell,1.900568,6.01291,list,2023
a,Graviton2,0.474262,1.692962,,
";

/// A catalog that has something of everything the tables can say.
fn tables() -> Catalog {
    read(&[
        ("offers.csv", OFFERS),
        ("regions.csv", REGIONS),
        ("zones.csv", "cloud,region,zone\nb,east,b1\nb,east,b2\n"),
        ("egress.csv", EGRESS),
        ("latency.csv", LATENCY),
        ("storage.csv", STORAGE),
        ("services.csv", SERVICES),
        ("compliance.csv", COMPLIANCE),
        ("power.csv", POWER),
    ])
}

/// A catalog as a packed one gives it back: without notices.
fn without_notices(mut catalog: Catalog) -> Catalog {
    catalog.notices.clear();
    catalog
}

static PACKED: LazyLock<Vec<u8>> = LazyLock::new(|| encode(&tables()).unwrap());

#[test]
fn tables_packed_and_opened_are_the_same_catalog() {
    let catalog = without_notices(tables());
    assert_eq!(
        (catalog.offers.len(), catalog.regions.len(), catalog.routes.meters.len()),
        (6, 4, 5)
    );
    assert_eq!(
        (catalog.storage.len(), catalog.services.len(), catalog.routes.latencies().len()),
        (3, 2, 4)
    );
    assert_eq!((catalog.certifications.len(), catalog.power.len()), (3, 2));
    let opened = decode(&PACKED).unwrap();
    assert_eq!(opened, catalog);
    assert_eq!(opened.digest, digest(&opened));
    assert_eq!(encode(&opened).unwrap(), *PACKED);
}

#[test]
fn what_tables_can_not_say_is_packed_too() {
    let mut offer = Offer::named("a", "north", "own");
    let words = ["soc2", "iso27001"].map(Arc::from).into();
    offer.attributes.insert(AttributeName("certified".into()), AttributeValue::Set(words));
    offer.spot = Some(Rate::monthly("12.5".parse().unwrap()));
    offer.commit_1y = Some(Rate::hourly("-170000000000000000000".parse().unwrap()));
    offer.price = Price::Estimated(Rate::monthly("0.000000000000000001".parse().unwrap()));
    let mut catalog = Catalog { offers: vec![Arc::new(offer)], ..Catalog::default() };
    catalog.digest = digest(&catalog);
    assert_eq!(decode(&encode(&catalog).unwrap()).unwrap(), catalog);
    let mut nothing = Catalog::default();
    nothing.digest = digest(&nothing);
    assert_eq!(decode(&encode(&nothing).unwrap()).unwrap(), nothing);
}

#[test]
fn no_byte_may_be_another() {
    let whole = decode(&PACKED).unwrap();
    for at in 0..PACKED.len() {
        for bit in 0..8 {
            let mut bytes = PACKED.clone();
            bytes[at] ^= 1 << bit;
            // A few bits of a zstd frame mean nothing: then it is the same catalog all the same.
            if let Ok(catalog) = decode(&bytes) {
                assert_eq!(catalog, whole, "bit {bit} of byte {at}");
            }
        }
    }
}

#[test]
fn no_byte_may_be_missing() {
    for end in 0..PACKED.len() {
        assert!(decode(&PACKED[..end]).is_err(), "{end} bytes");
    }
}

/// A cell of a table of offers: often good, sometimes not.
fn cell(good: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    prop_oneof![
        4 => proptest::sample::select(good),
        1 => proptest::sample::select(&["", "null", "0", "-1", "x", "1e9", "0.5"][..]),
    ]
}

fn offer_row() -> impl Strategy<Value = String> {
    let key = (cell(&["a", "b"]), cell(&["north", "south", "*"]), cell(&["small", "large"]));
    let size = (cell(&["1", "2", "0.25"]), cell(&["1", "8", "0.612305"]), cell(&["x;y", "y", ""]));
    let price = (cell(&["0.096", "1"]), cell(&["70"]), cell(&["0.2"]), cell(&["true", "false"]));
    let rest =
        (cell(&["0.03"]), cell(&["L4"]), cell(&["1", "0.333"]), cell(&["fast", "7", "true"]));
    (key, size, price, rest).prop_map(|(k, s, p, r)| {
        let cells = [k.0, k.1, k.2, s.0, s.1, s.2, p.0, p.1, p.2, p.3, r.0, r.1, r.2, r.3];
        cells.join(",")
    })
}

proptest! {
    #[test]
    fn any_table_of_offers_packed_and_opened_is_the_same(
        rows in proptest::collection::vec(offer_row(), 0..30),
    ) {
        let header = "cloud,region,instance_type,vcpus,memory_gib,zones,price_usd_hour,\
            price_usd_month,price_estimate_usd_hour,free_tier,spot_price_usd_hour,accelerator,\
            accelerator_count,speed";
        let catalog = read(&[("offers.csv", &format!("{header}\n{}\n", rows.join("\n")))]);
        let opened = decode(&encode(&catalog).unwrap()).unwrap();
        prop_assert_eq!(opened, without_notices(catalog));
    }

    #[test]
    fn any_bytes_are_refused(bytes: Vec<u8>, good in 0..16_usize) {
        let bytes = [&PACKED[..good], &bytes].concat();
        prop_assert!(decode(&bytes).is_err());
    }

    #[test]
    fn bytes_written_over_are_told_or_harmless(
        at: prop::sample::Index, over in proptest::collection::vec(any::<u8>(), 1..20),
    ) {
        let mut bytes = PACKED.clone();
        let at = at.index(bytes.len());
        for (byte, new) in bytes[at..].iter_mut().zip(over) {
            *byte = new;
        }
        if let Ok(catalog) = decode(&bytes) {
            prop_assert_eq!(catalog, decode(&PACKED).unwrap());
        }
    }
}
