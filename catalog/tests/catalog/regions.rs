//! Regions and zones.

use coc_model::place::PlaceGraph;

use crate::directory::{THREE_PLACES, notices, read};

#[test]
fn a_region_says_where_it_is_and_what_its_grid_emits() {
    let regions = "cloud,region,name,country,eu_member,gdpr_eea,lat,lon,carbon_g_per_kwh,carbon_method,city\n\
        a,north,Frankfurt,DE,1,1,50.11,8.68,345.6,measured,Frankfurt\n\
        a,south,Oslo,NO,0,1,,10.7,,,\n\
        b,east,Zurich,CH,0,0,91,8.5,-1,,\n\
        b,west,,US,,,x,,,,\n";
    let catalog = read(&[THREE_PLACES, ("regions.csv", regions)]);
    let described: Vec<_> = catalog
        .regions
        .iter()
        .map(|r| {
            let place = &r.place;
            format!(
                "{} {:?} {:?} {:?} {:?} {:?}",
                place.region.as_deref().unwrap_or("?"),
                r.title.as_deref(),
                place.area.as_deref(),
                r.coordinates.map(|(lat, lon)| format!("{lat} {lon}")),
                r.carbon_g_per_kwh.map(|g| g.to_string()),
                r.carbon_method.as_deref(),
            )
        })
        .collect();
    assert_eq!(
        described,
        [
            r#"north Some("Frankfurt") Some("EU") Some("50.11 8.68") Some("345.6") Some("measured")"#,
            r#"south Some("Oslo") Some("EEA") None None None"#,
            r#"east Some("Zurich") Some("Europe") None None None"#,
            r#"west None Some("NorthAmerica") None None None"#,
        ]
    );
    assert_eq!(
        notices(&catalog),
        [
            "regions.csv:4:22: catalogue error: lat is 91, beyond 90 degrees; it is taken as unknown",
            "regions.csv:4:29: catalogue error: carbon_g_per_kwh is -1, not zero or more; \
             it is taken as unknown",
            "regions.csv:5:14: catalogue error: lat: \"x\" is not a decimal number; \
             it is taken as unknown",
        ]
    );
}

#[test]
fn places_lie_in_the_areas_that_goals_name() {
    let regions = "cloud,region,country\na,north,DE\na,south,NO\nb,east,JP\n";
    let catalog = read(&[THREE_PLACES, ("regions.csv", regions)]);
    let mut graph = PlaceGraph::with_areas();
    catalog.regions.iter().for_each(|region| graph.add(&region.place));
    for (area, inside) in [
        ("EU", [true, false, false]),
        ("EEA", [true, true, false]),
        ("Europe", [true, true, false]),
        ("Asia", [false, false, true]),
        ("NO", [false, true, false]),
    ] {
        let found: Vec<bool> =
            catalog.regions.iter().map(|region| graph.inside(&region.place, area)).collect();
        assert_eq!(found, inside, "{area}");
    }
}

#[test]
fn a_region_that_only_offers_name_is_a_region_with_what_is_known() {
    let offers = "cloud,region,instance_type,price_usd_hour,zones\n\
                  a,north,small,1,y;x\na,north,large,1,z; x;\na,south,small,1,\n";
    let catalog = read(&[("offers.csv", offers)]);
    let regions: Vec<_> = catalog
        .regions
        .iter()
        .map(|r| (r.place.region.as_deref().unwrap(), r.zones.join(" "), r.place.area.as_deref()))
        .collect();
    assert_eq!(regions, [("north", "x y z".to_owned(), None), ("south", String::new(), None)]);
    assert_eq!(catalog.offers[1].zones.join(" "), "y x");
}

#[test]
fn zones_have_one_name_everywhere() {
    let zones = "cloud,region,zone\na,north,north-a\na,north,north-b\na,south,south1\n";
    let offers = "cloud,region,instance_type,price_usd_hour,zones\n\
                  a,north,small,1,a;b\na,north,large,1,north-b;c\na,south,small,1,1\n";
    let catalog = read(&[("offers.csv", offers), ("zones.csv", zones)]);
    let zones: Vec<_> = catalog.offers.iter().map(|o| o.zones.join(" ")).collect();
    assert_eq!(zones, ["north-b c", "north-a north-b", "south1"]);
    assert_eq!(catalog.regions[0].zones.join(" "), "north-a north-b");
}
