//! The built-in catalog holds the figures of the tables it was packed from.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use coc_catalog::{builtin, digest};
use coc_model::catalog::Catalog;
use coc_model::offer::{Offer, Price};
use coc_model::quantity::{Bytes, Cpu, Traffic};
use coc_model::route::Transfer;

use crate::directory::region;

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| builtin().unwrap());

fn offer(cloud: &str, region: &str, name: &str) -> &'static Offer {
    CATALOG.offers_in(cloud, region).iter().find(|offer| &*offer.name == name).unwrap()
}

#[test]
fn it_has_every_offer_of_the_clouds_that_sell() {
    let mut offers: BTreeMap<&str, usize> = BTreeMap::new();
    let mut places: BTreeSet<(&str, &str)> = BTreeSet::new();
    for offer in &CATALOG.offers {
        *offers.entry(&offer.cloud).or_default() += 1;
        places.insert((&offer.cloud, &offer.region));
    }
    let expected = [("aws", 22_720), ("azure", 57_616), ("gcp", 13_928), ("oci", 2_304)];
    assert_eq!(offers, expected.into());
    assert_eq!((CATALOG.offers.len(), places.len()), (96_568, 170));
    assert_eq!((CATALOG.regions.len(), CATALOG.routes.latencies().len()), (190, 28_424));
    assert!(places.iter().all(|(cloud, name)| CATALOG.region(cloud, name).is_some()));
    let sold: BTreeSet<&str> = offers.into_keys().collect();
    assert!(CATALOG.regions.iter().all(|region| sold.contains(&*region.cloud)));
}

#[test]
fn its_certifications_are_those_of_the_table() {
    let certified = |cloud: &str, region: &str| {
        let stated = CATALOG.certifications_in(cloud, region);
        stated.iter().map(|c| &*c.framework).collect::<Vec<_>>().join(" ")
    };
    for (cloud, region, frameworks) in [
        ("aws", "eu-central-1", "data-in-eea hipaa iso27001 soc2t2"),
        ("aws", "us-gov-west-1", "hipaa iso27001 itar soc2t2"),
        ("azure", "westeurope", "data-in-eea hipaa iso27001 soc2t2"),
        ("azure", "eastus", "fedramp-high hipaa iso27001 soc2t2"),
        ("gcp", "us-east1", "hipaa iso27001 soc2t2"),
        ("oci", "eu-frankfurt-1", "data-in-eea"),
        ("oci", "us-ashburn-1", ""),
    ] {
        assert_eq!(certified(cloud, region), frameworks, "{cloud} {region}");
    }
    assert!(CATALOG.certifications.iter().all(|c| &*c.source.name != "not stated"));
}

#[test]
fn its_prices_are_those_of_the_tables() {
    for (cloud, region, name, price, month, spot) in [
        ("aws", "us-east-1", "m6i.large", "0.0960", "70.08", Some("0.0370")),
        ("aws", "us-east-1", "p5.48xlarge", "55.0400", "40179.20", Some("20.7380")),
        ("azure", "westeurope", "Standard_D2s_v5", "0.1150", "83.95", Some("0.021252")),
        ("gcp", "europe-west1", "n2-standard-4", "0.213668", "155.97764", Some("0.046888")),
        ("oci", "eu-frankfurt-1", "VM.Standard.E4.Flex:1o-8g", "0.0370", "27.01", None),
    ] {
        let offer = offer(cloud, region, name);
        let Price::Known(rate) = offer.price else { panic!("{name}: {:?}", offer.price) };
        assert_eq!(rate.to_string(), format!("{price} USD/hour"), "{name}");
        assert_eq!(rate.per_month().to_string(), month, "{name}");
        let spot = spot.map(|spot| format!("{spot} USD/hour"));
        assert_eq!(offer.spot.map(|rate| rate.to_string()), spot, "{name}");
    }
    let count = |is: fn(&Price) -> bool| CATALOG.offers.iter().filter(|o| is(&o.price)).count();
    assert_eq!(count(|price| matches!(price, Price::Known(_))), 88_528);
    assert_eq!(count(|price| matches!(price, Price::Estimated(_))), 7_163);
    assert_eq!(count(|price| matches!(price, Price::Unknown(_))), 877);
    assert_eq!(count(|price| *price == Price::Free), 0);
    let committed =
        CATALOG.offers.iter().filter(|o| o.commit_1y.is_some() && o.commit_3y.is_some());
    assert_eq!(committed.count(), 13_839);
}

#[test]
fn its_machines_are_those_of_the_tables() {
    let small = offer("aws", "us-east-1", "m6i.large");
    assert_eq!((small.cpu, small.memory), (Some(Cpu(2000)), Some(Bytes(8 << 30))));
    assert_eq!((small.network_mbps, small.local_disk, small.verified), (Some(781), None, true));
    assert_eq!(small.architecture.map(|a| a.name()), Some("x86_64"));
    assert_eq!(small.interruption.as_deref(), Some("10-15%"));
    let source = small.source.as_ref().unwrap();
    assert_eq!((&*source.name, &*source.date), ("awsstatic-ondemand", "2026-08-06"));
    let large = offer("aws", "us-east-1", "p5.48xlarge");
    let accelerator = large.accelerator.as_ref().unwrap();
    assert_eq!((&*accelerator.name, accelerator.milli), ("h100", 8000));
    let zones = offer("gcp", "europe-west1", "n2-standard-4").zones.join(" ");
    assert_eq!(zones, "europe-west1-b europe-west1-c europe-west1-d");
    let unverified = CATALOG.offers.iter().filter(|offer| !offer.verified).count();
    assert_eq!(unverified, 3_695);
    let shares: BTreeSet<u64> = CATALOG
        .offers
        .iter()
        .filter_map(|offer| offer.accelerator.as_ref())
        .map(|a| a.milli)
        .filter(|milli| milli % 1000 != 0)
        .collect();
    assert_eq!(shares, [167, 333, 500].into());
}

#[test]
fn its_regions_say_where_they_are() {
    let frankfurt = &CATALOG.regions[region(&CATALOG, "aws", "eu-central-1").0 as usize];
    assert_eq!(frankfurt.title.as_deref(), Some("Europe (Frankfurt)"));
    assert_eq!(frankfurt.place.country.as_deref(), Some("DE"));
    assert_eq!(frankfurt.carbon_g_per_kwh.unwrap().to_string(), "275.82");
    assert_eq!(frankfurt.coordinates.unwrap().0.to_string(), "50.110924");
    assert_eq!(frankfurt.zones.len(), 3);
    // Azure numbers the zones of every region from 1.
    let amsterdam = &CATALOG.regions[region(&CATALOG, "azure", "westeurope").0 as usize];
    let zones: Vec<&str> = amsterdam.zones.iter().map(|z| &**z).collect();
    assert_eq!(zones, ["westeurope-1", "westeurope-2", "westeurope-3"]);
    for (cloud, name, area) in [
        ("aws", "eu-central-1", Some("EU")),
        ("oci", "uk-london-1", Some("Europe")),
        ("azure", "norwayeast", Some("EEA")),
        ("gcp", "us-central1", Some("NorthAmerica")),
        ("aws", "sa-east-1", Some("SouthAmerica")),
        ("gcp", "asia-east1", Some("Asia")),
        ("azure", "southafricanorth", Some("Africa")),
        ("aws", "ap-southeast-2", Some("Oceania")),
    ] {
        let place = &CATALOG.regions[region(&CATALOG, cloud, name).0 as usize].place;
        assert_eq!(place.area.as_deref(), area, "{name}");
    }
    // A zone that tables list where there are none.
    assert!(CATALOG.regions.iter().all(|r| r.zones.iter().all(|zone| &**zone != "0")));
}

#[test]
fn its_routes_are_those_of_the_tables() {
    let [frankfurt, virginia, ireland] =
        ["eu-central-1", "us-east-1", "eu-west-1"].map(|name| region(&CATALOG, "aws", name));
    let near = region(&CATALOG, "gcp", "europe-west3");
    let routes = &CATALOG.routes;
    let latency = routes.sourced_latency(frankfurt, virginia).unwrap();
    assert_eq!((latency.latency.round_trip.0, latency.latency.estimated), (92_600, false));
    assert_eq!(&*latency.source.as_ref().unwrap().name, "cloudping p50 1y TCP");
    assert_eq!(routes.latency(frankfurt, near).unwrap().round_trip.0, 1800);
    let estimated = routes.latencies().filter(|(_, _, l)| l.latency.estimated).count();
    assert_eq!(estimated, 21_190);
    let cost = |transfer, gigabytes: u64| match transfer {
        Transfer::Metered(id) => {
            routes.meters[id.0 as usize].cost(Traffic(gigabytes * 1_000_000_000)).to_string()
        }
        Transfer::Free | Transfer::Unknown => format!("{transfer:?}"),
    };
    assert_eq!(cost(routes.transfer(virginia, ireland, true), 100), "2.00");
    assert_eq!(cost(routes.transfer(virginia, near, false), 100), "9.00");
    assert_eq!(cost(routes.transfer(virginia, near, false), 20_480), "1792.00");
    // Each direction is charged.
    assert_eq!(cost(routes.inter_zone(virginia), 100), "2.00");
    let Transfer::Metered(id) = routes.transfer(near, virginia, false) else { panic!() };
    let tib = routes.meters[id.0 as usize].cost(Traffic(2 << 40));
    assert_eq!(tib.to_string(), "235.52");
}

#[test]
fn its_other_prices_are_there_for_every_region_meant() {
    let block = |region: &str| {
        let all = CATALOG.storage.iter();
        let here =
            all.filter(|p| &*p.cloud == "oci" && &*p.region == region && &*p.kind == "block");
        here.map(|p| format!("{} {}", p.price, p.sku)).collect::<Vec<_>>()
    };
    let expected = [
        "0.0017 Storage - Block Volume - Performance Units",
        "0.0255 Storage - Block Volume - Storage",
    ];
    assert_eq!(block("uk-london-1"), expected);
    assert_eq!(block("us-ashburn-1"), expected);
    assert!(CATALOG.storage.iter().all(|price| &*price.region != "*"));
    assert!(CATALOG.services.iter().all(|price| &*price.region != "*"));
    // Rows of all regions of a cloud, put down for each of its regions.
    let regions = |cloud: &str| CATALOG.regions.iter().filter(|r| &*r.cloud == cloud).count();
    let (oracle, google) = (regions("oci"), regions("gcp"));
    assert_eq!((oracle, google), (34, 47));
    assert_eq!(CATALOG.storage.len(), 719 - 4 - 18 + 4 * oracle + 18 * google);
    assert_eq!(CATALOG.services.len(), 751 - 56 + 56 * oracle);
}

#[test]
fn every_price_says_where_it_comes_from_and_its_digest_is_its_own() {
    let priced = CATALOG.offers.iter().filter(|o| matches!(o.price, Price::Known(_)));
    assert!(priced.clone().all(|o| o.source.as_ref().is_some_and(|s| !s.date.is_empty())));
    let spots = CATALOG.offers.iter().filter(|o| o.spot.is_some());
    assert!(spots.clone().all(|o| o.spot_source.as_ref().is_some_and(|s| !s.date.is_empty())));
    assert!(CATALOG.routes.meters.iter().all(|meter| meter.source.is_some()));
    assert!(CATALOG.routes.latencies().all(|(_, _, latency)| latency.source.is_some()));
    assert_eq!(CATALOG.digest, digest(&CATALOG));
    assert!(CATALOG.offers.is_sorted_by_key(|o| (&o.cloud, &o.region, &o.name)));
    assert!(CATALOG.regions.is_sorted_by_key(|r| (&r.cloud, &r.place.region)));
    assert!(CATALOG.notices.is_empty());
}
