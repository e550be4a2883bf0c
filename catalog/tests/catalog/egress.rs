//! Prices of traffic.

use coc_model::catalog::{Catalog, RegionId};
use coc_model::quantity::Traffic;
use coc_model::route::{Meter, Transfer};

use crate::directory::{THREE_PLACES, notices, read, region};

const HEADER: &str = "from_cloud,from_region,scope,to_cloud,to_region,tier_from_gb,tier_to_gb,usd_per_gb,source,date,note\n";

/// The three places with these rows of egress.
fn egress(rows: &str) -> (Catalog, [RegionId; 3]) {
    let catalog = read(&[THREE_PLACES, ("egress.csv", &format!("{HEADER}{rows}"))]);
    let places =
        [("a", "north"), ("a", "south"), ("b", "east")].map(|(c, r)| region(&catalog, c, r));
    (catalog, places)
}

fn meter(catalog: &Catalog, transfer: Transfer) -> Option<&Meter> {
    match transfer {
        Transfer::Metered(id) => Some(&catalog.routes.meters[id.0 as usize]),
        Transfer::Free | Transfer::Unknown => None,
    }
}

/// The meter of traffic between two regions: its name, and what 100 GB cost by it.
fn cost(catalog: &Catalog, from: RegionId, to: RegionId) -> String {
    let cloud = |id: RegionId| &catalog.regions[id.0 as usize].cloud;
    let transfer = catalog.routes.transfer(from, to, cloud(from) == cloud(to));
    match meter(catalog, transfer) {
        Some(meter) => format!("{}: {}", meter.name, meter.cost(Traffic(100_000_000_000))),
        None => format!("{transfer:?}"),
    }
}

#[test]
fn internet_rows_are_tiers_of_one_meter_for_each_region() {
    let (catalog, [north, south, east]) = egress(
        "a,north,internet,,,10,,0.08,list,2026-01,\n\
         a,north,internet,,,0,10,0.1,list,2026-01,first 1 GB free\n\
         a,south,internet,,,0,10,0.2,list,2026-01,first tier only\n",
    );
    assert_eq!(cost(&catalog, north, east), "a north → internet: 8.20");
    assert_eq!(cost(&catalog, south, east), "a south → internet: 20.00");
    assert_eq!(cost(&catalog, east, north), "Unknown");
    assert_eq!(cost(&catalog, north, south), "Unknown");
    let meter = meter(&catalog, catalog.routes.transfer(north, east, false)).unwrap();
    assert_eq!(meter.unit, 1_000_000_000);
    let tiers: Vec<_> = meter.tiers.iter().map(|t| (t.from.0, t.price.to_string())).collect();
    assert_eq!(tiers, [(0, "0.1".to_owned()), (10_000_000_000, "0.08".to_owned())]);
    let source = meter.source.as_ref().unwrap();
    assert_eq!((&*source.name, &*source.date), ("list", "2026-01"));
    assert!(catalog.notices.is_empty());
}

#[test]
fn a_gibibyte_is_said_in_the_note() {
    let (catalog, [north, _, east]) = egress(
        "a,north,internet,,,0,1,0.2,,,GiB\na,north,internet,,,1,,0.1,,,\"premium tier, GiB\"\n",
    );
    let meter = meter(&catalog, catalog.routes.transfer(north, east, false)).unwrap();
    assert_eq!((meter.unit, meter.tiers[1].from), (1 << 30, Traffic(1 << 30)));
    assert_eq!(meter.cost(Traffic(3 << 30)).to_string(), "0.40");
}

#[test]
fn a_cloud_s_internet_price_holds_for_its_regions_without_one() {
    let (catalog, [north, south, east]) =
        egress("a,*,internet,,,0,,0.1,,,\na,south,internet,,,0,,0.2,,,\n");
    assert_eq!(cost(&catalog, north, east), "a → internet: 10.00");
    assert_eq!(cost(&catalog, south, east), "a south → internet: 20.00");
}

#[test]
fn pairs_come_before_defaults_and_zones_have_their_own() {
    let (catalog, [north, south, east]) = egress(
        "a,north,inter_region,a,south,0,,0.02,,,\n\
         a,south,inter_region_default,a,*,0,,0.03,,,\n\
         a,north,inter_zone,a,north,0,,0.01,,,\n\
         b,*,inter_zone,b,=,0,,0.01,,,charged in each direction\n",
    );
    assert_eq!(cost(&catalog, north, south), "a north → a south: 2.00");
    assert_eq!(cost(&catalog, south, north), "a south → other regions: 3.00");
    assert_eq!(cost(&catalog, south, east), "Unknown");
    assert_eq!(cost(&catalog, north, north), "Free");
    for (region, expected) in [
        (north, Some("a north between zones: 1.00")),
        (south, None),
        (east, Some("b between zones: 2.00")),
    ] {
        let meter = meter(&catalog, catalog.routes.inter_zone(region));
        let cost = meter.map(|m| format!("{}: {}", m.name, m.cost(Traffic(100_000_000_000))));
        assert_eq!(cost.as_deref(), expected);
    }
}

#[test]
fn wildcards_are_every_region_and_exact_rows_win() {
    let (catalog, [north, south, _]) =
        egress("a,north,inter_region,a,south,0,,0.01,,,\na,*,inter_region,a,*,0,,0.05,,,\n");
    assert_eq!(cost(&catalog, north, south), "a north → a south: 1.00");
    assert_eq!(cost(&catalog, south, north), "a → a: 5.00");
    assert_eq!(cost(&catalog, north, north), "Free");
}

#[test]
fn small_tables_name_two_clouds_and_a_price() {
    let table = "from_cloud,to_cloud,usd_per_gb\na,b,0.1\na,a,0.01\nb,a,0\n";
    let catalog = read(&[THREE_PLACES, ("egress.csv", table)]);
    let [north, south, east] =
        [("a", "north"), ("a", "south"), ("b", "east")].map(|(c, r)| region(&catalog, c, r));
    assert_eq!(cost(&catalog, north, east), "a → b: 10.00");
    assert_eq!(cost(&catalog, south, east), "a → b: 10.00");
    assert_eq!(cost(&catalog, east, north), "b → a: 0.00");
    assert_eq!(cost(&catalog, north, south), "a → a: 1.00");
    assert_eq!(cost(&catalog, north, north), "Free");
    let table = "from_cloud,from_region,to_cloud,to_region,usd_per_gb\n\
                 a,north,a,north,9\na,north,b,east,0.2\na,south,,,0.3\nb,east,internet,,0.4\n";
    let catalog = read(&[THREE_PLACES, ("egress.csv", table)]);
    assert_eq!(cost(&catalog, north, north), "Free");
    assert_eq!(cost(&catalog, north, east), "a north → b east: 20.00");
    assert_eq!(cost(&catalog, south, east), "a south → internet: 30.00");
    assert_eq!(cost(&catalog, east, south), "b east → internet: 40.00");
    assert_eq!(catalog.routes.meters.len(), 3, "traffic inside a region needs no meter");
}

#[test]
fn a_meter_that_makes_no_sense_is_not_used() {
    for (rows, says) in [
        (
            "a,north,internet,,,0,,-0.1,,,\n",
            "2:23: catalogue error: usd_per_gb is negative (-0.1); its meter is not used",
        ),
        (
            "a,north,internet,,,0,,,,,\n",
            "2:23: price unknown: the row states none; its meter is not used",
        ),
        (
            "a,north,internet,,,0,,free,,,\n",
            "2:23: catalogue error: usd_per_gb: \"free\" is not a decimal number; \
             its meter is not used",
        ),
        (
            "a,north,internet,,,-1,,0.1,,,\n",
            "2:20: catalogue error: tier_from_gb is -1; its meter is not used",
        ),
        (
            "a,north,internet,,,10,,0.1,,,\n",
            "2:1: catalogue error: nothing is said of traffic below 10 GB; the meter is not used",
        ),
        (
            "a,north,internet,,,0,5,0.1,,,\na,north,internet,,,10,,0.1,,,\n",
            "2:1: catalogue error: a tier ends at 5 GB and the next one starts at 10 GB; \
             the meter is not used",
        ),
        (
            "a,north,internet,,,0,,0.1,,,\na,north,internet,,,0,,0.2,,,\n",
            "2:1: catalogue error: two rows start at 0 GB; the meter is not used",
        ),
        (
            "a,north,internet,,,0,1,0.1,,,GiB\na,north,internet,,,1,,0.2,,,\n",
            "2:1: catalogue error: its rows mix GB and GiB; the meter is not used",
        ),
        (
            "a,west,internet,,,0,,0.1,,,\n",
            "2:1: catalogue error: no table of regions, zones or offers knows a west; \
             the meter is not used",
        ),
        (
            "a,north,inter_region,c,*,0,,0.1,,,\n",
            "2:1: catalogue error: no table of regions, zones or offers knows c; \
             the meter is not used",
        ),
        (
            ",north,internet,,,0,,0.1,,,\n",
            "2:1: catalogue error: from_cloud is empty; the row is not used",
        ),
        (
            "a,north,internet_to_far,,,0,,0.1,,,\na,south,internet_to_far,,,0,,0.1,,,\n",
            "2:9: the scope internet_to_far is not read: 2 rows are not used \
             (expected internet, inter_region, inter_region_default or inter_zone)",
        ),
    ] {
        let (catalog, [north, _, east]) = egress(rows);
        assert!(
            notices(&catalog).contains(&format!("egress.csv:{says}")),
            "{:?}",
            notices(&catalog)
        );
        assert_eq!(cost(&catalog, north, east), "Unknown", "{rows}");
        assert!(catalog.routes.meters.is_empty(), "{rows}");
    }
}
