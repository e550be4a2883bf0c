//! The table of offers, cell by cell.

use coc_model::attribute::AttributeValue;
use coc_model::offer::{Architecture, Offer, Price};

use crate::directory::{notices, read};

/// Reads a table of one offer whose columns and cells are these, beside its key.
fn offer(columns: &str, cells: &str) -> (Option<Offer>, Vec<String>) {
    let table = format!("cloud,region,instance_type,{columns}\na,north,small,{cells}\n");
    let catalog = read(&[("offers.csv", &table)]);
    (catalog.offers.first().map(|offer| Offer::clone(offer)), notices(&catalog))
}

/// The price in words.
fn price(price: &Price) -> String {
    match price {
        Price::Known(rate) => rate.to_string(),
        Price::Estimated(rate) => format!("about {rate}"),
        Price::Free => "free".to_owned(),
        Price::Unknown(why) => why.to_string(),
    }
}

#[test]
fn prices_are_known_free_estimated_or_unknown() {
    let all = "price_usd_hour,price_usd_month,price_estimate_usd_hour,free_tier";
    for (cells, expected, doubts) in [
        ("0.096,,,", "0.0960 USD/hour", 0),
        ("0.096,70,,", "70.00 USD/month", 0),
        ("0,70,,", "70.00 USD/month", 0),
        ("0.096,0,,", "0.0960 USD/hour", 0),
        ("0.096,,0.2,", "0.0960 USD/hour", 0),
        ("0.096,,,true", "0.0960 USD/hour", 0),
        (",,0.2,", "about 0.2000 USD/hour", 0),
        ("0,,0.2,", "about 0.2000 USD/hour", 1),
        ("0,,,true", "free", 0),
        ("0.00,,0.2,TRUE", "free", 0),
        (",0,,1", "free", 0),
        ("0.1,0,,true", "free", 0),
        (",,,true", "price unknown", 1),
        (",,,", "price unknown", 1),
        ("null,NULL,,", "price unknown", 1),
        ("0,,,false", "price unknown", 1),
        ("0.00,,,", "price unknown", 1),
        ("-0,,,", "price unknown", 1),
        ("0e5,,,", "price unknown", 1),
        ("0,0,0,", "price unknown", 2),
        ("0,,,perhaps", "price unknown", 2),
        (" 9.6e-2 ,,,", "0.0960 USD/hour", 0),
    ] {
        let (offer, notices) = offer(all, cells);
        assert_eq!(price(&offer.unwrap().price), expected, "{cells}");
        assert_eq!(notices.len(), doubts, "{cells}: {notices:?}");
    }
}

#[test]
fn a_price_that_is_wrong_makes_the_row_useless() {
    for (columns, cells, says) in [
        ("price_usd_hour", "-0.01", "20: catalogue error: price_usd_hour is negative (-0.01)"),
        (
            "price_usd_hour",
            "free",
            "15: catalogue error: price_usd_hour: \"free\" is not a decimal number",
        ),
        (
            "price_usd_hour",
            "$1",
            "15: catalogue error: price_usd_hour: \"$1\" is not a decimal number",
        ),
        (
            "price_usd_hour",
            "NaN",
            "15: catalogue error: price_usd_hour: \"NaN\" is not a decimal number",
        ),
        ("price_usd_month", "-1", "15: catalogue error: price_usd_month is negative (-1)"),
        (
            "price_estimate_usd_hour",
            "-1",
            "15: catalogue error: price_estimate_usd_hour is negative (-1)",
        ),
        (
            "price_usd_hour",
            "0.1234567890123456789",
            "15: catalogue error: price_usd_hour: \"0.1234567890123456789\" has more than 18 \
             digits after the point",
        ),
    ] {
        let (offer, notices) = offer(columns, cells);
        assert_eq!(offer, None, "{cells}");
        let says = says.split_once(": ").unwrap().1;
        assert_eq!(notices, [format!("offers.csv:2:15: {says}; the row is not used")]);
    }
}

#[test]
fn a_table_without_prices_is_told_once() {
    let table = "cloud,region,instance_type\na,north,small\na,north,large\n";
    let catalog = read(&[("offers.csv", table)]);
    assert_eq!(catalog.offers.len(), 2);
    assert_eq!(
        notices(&catalog),
        ["offers.csv:1:1: price unknown: the table has no column of prices \
          (name the column price_usd_hour, price_usd_month or price_estimate_usd_hour)"]
    );
}

#[test]
fn other_rates_are_known_or_not_there() {
    let columns = "price_usd_hour,spot_price_usd_hour,commit_1y_usd_hour,commit_3y_usd_hour";
    for (cells, expected, doubts) in [
        (
            "1,0.3,0.7,0.5",
            [Some("0.3000 USD/hour"), Some("0.7000 USD/hour"), Some("0.5000 USD/hour")],
            0,
        ),
        ("1,,null,", [None, None, None], 0),
        ("1,0,-1,cheap", [None, None, None], 3),
    ] {
        let (offer, notices) = offer(columns, cells);
        let offer = offer.unwrap();
        let rates =
            [offer.spot, offer.commit_1y, offer.commit_3y].map(|r| r.map(|r| r.to_string()));
        assert_eq!(rates, expected.map(|r| r.map(str::to_owned)), "{cells}");
        assert_eq!(notices.len(), doubts, "{cells}: {notices:?}");
    }
}

#[test]
fn sizes_are_exact_and_unknown_where_they_make_no_sense() {
    let columns = "price_usd_hour,vcpus,memory_gib,local_disk_gb,network_gbps";
    type Sizes = [Option<u64>; 4];
    for (cells, expected, doubts) in [
        ("1,2,8,100,0.781", [Some(2000), Some(8 << 30), Some(100_000_000_000), Some(781)], 0),
        ("1,0.5,0.5,0,10", [Some(500), Some(1 << 29), Some(0), Some(10_000)], 0),
        ("1,2,0.612305,,16.666", [Some(2000), Some(657_457_487), None, Some(16_666)], 0),
        ("1,,null,,", [None; 4], 0),
        ("1,0,0,-1,0", [None; 4], 4),
        ("1,-2,-8,ssd,fast", [None; 4], 4),
        ("1,two,8GiB,,", [None; 4], 2),
        ("1,0.0001,1e20,,", [None; 4], 2),
    ] as [(&str, Sizes, usize); 8]
    {
        let (offer, notices) = offer(columns, cells);
        let offer = offer.unwrap();
        let sizes = [
            offer.cpu.map(|cpu| cpu.0),
            offer.memory.map(|memory| memory.0),
            offer.local_disk.map(|disk| disk.0),
            offer.network_mbps,
        ];
        assert_eq!(sizes, expected, "{cells}");
        assert_eq!(notices.len(), doubts, "{cells}: {notices:?}");
    }
}

#[test]
fn accelerators_may_be_fractions_and_need_a_number() {
    for (cells, expected, attribute, doubts) in [
        ("1,L4,0.333", Some(("L4", 333)), None, 0),
        ("1,A100,8", Some(("A100", 8000)), None, 0),
        ("1,,", None, None, 0),
        ("1,,4", None, None, 0),
        ("1,L4,", None, Some("L4"), 1),
        ("1,L4,0", None, Some("L4"), 1),
    ] {
        let (offer, notices) = offer("price_usd_hour,accelerator,accelerator_count", cells);
        let offer = offer.unwrap();
        let found = offer.accelerator.as_ref().map(|a| (&*a.name, a.milli));
        assert_eq!(found, expected, "{cells}");
        let kept =
            offer.attributes.iter().next().map(|(name, value)| (name.to_string(), value.clone()));
        let due =
            attribute.map(|n: &str| ("accelerator".to_owned(), AttributeValue::Text(n.into())));
        assert_eq!(kept, due, "{cells}");
        assert_eq!(notices.len(), doubts, "{cells}: {notices:?}");
    }
}

#[test]
fn architectures_are_known_by_their_names() {
    for (cell, expected, doubts) in [
        ("x86_64", Some(Architecture::X86_64), 0),
        ("arm64", Some(Architecture::Arm64), 0),
        ("ARM64", Some(Architecture::Arm64), 0),
        ("unknown", None, 0),
        ("", None, 0),
        ("sparc", None, 1),
    ] {
        let (offer, notices) = offer("price_usd_hour,arch", &format!("1,{cell}"));
        assert_eq!(offer.unwrap().architecture, expected, "{cell}");
        assert_eq!(notices.len(), doubts, "{cell}: {notices:?}");
    }
}

#[test]
fn sources_dates_and_doubts_about_the_zone_are_kept() {
    let columns = "price_usd_hour,price_source,price_date,spot_source,spot_date,spot_interruption";
    let (offer, _) = offer(columns, "1,list zone-unverified,2026-07-30,spots,2026-08,5-10%");
    let offer = offer.unwrap();
    let stated = |source: &Option<std::sync::Arc<coc_model::offer::Source>>| {
        source.as_ref().map(|s| format!("{} {}", s.name, s.date))
    };
    assert_eq!(stated(&offer.source).as_deref(), Some("list zone-unverified 2026-07-30"));
    assert_eq!(stated(&offer.spot_source).as_deref(), Some("spots 2026-08"));
    assert_eq!(offer.interruption.as_deref(), Some("5-10%"));
    assert!(!offer.verified);
    let (offer, _) = self::offer(columns, "1,list,,,2026-08,");
    let offer = offer.unwrap();
    assert_eq!(stated(&offer.source).as_deref(), Some("list "));
    assert_eq!(stated(&offer.spot_source).as_deref(), Some("not stated 2026-08"));
    assert!(offer.verified);
    let (offer, _) = self::offer("price_usd_hour", "1");
    let offer = offer.unwrap();
    assert_eq!((offer.source, offer.spot_source, offer.verified), (None, None, true));
}

#[test]
fn other_columns_are_open_attributes() {
    let columns = "price_usd_hour,disk.iops,nitro,family,empty,huge,has space";
    let (offer, notices) = offer(columns, "1,3000.5,True,m6i,,1e30,x");
    let attributes: Vec<_> = offer
        .unwrap()
        .attributes
        .into_iter()
        .map(|(name, value)| (name.to_string(), value))
        .collect();
    let number = AttributeValue::Number("3000.5".parse().unwrap());
    assert_eq!(
        attributes,
        [
            ("disk.iops".to_owned(), number),
            ("family".to_owned(), AttributeValue::Text("m6i".into())),
            ("nitro".to_owned(), AttributeValue::Flag(true)),
        ]
    );
    assert_eq!(
        notices,
        [
            "offers.csv:1:77: catalogue error: \"has space\" can't name an attribute; it is not read \
             (use letters, digits, _ and -, and points between words)",
            "offers.csv:2:34: catalogue error: huge: \"1e30\" is too large; it is taken as unknown",
        ]
    );
}

#[test]
fn a_row_without_its_key_is_not_used() {
    let table =
        "cloud,region,instance_type,price_usd_hour\n,north,small,1\na,,small,1\na,north,,1\n";
    let catalog = read(&[("offers.csv", table)]);
    assert!(catalog.offers.is_empty());
    assert_eq!(
        notices(&catalog),
        [
            "offers.csv:2:1: catalogue error: cloud is empty; the row is not used",
            "offers.csv:3:3: catalogue error: region is empty; the row is not used",
            "offers.csv:4:9: catalogue error: instance_type is empty; the row is not used",
        ]
    );
}

#[test]
fn an_offer_of_all_regions_is_one_of_each_that_has_none_of_its_own() {
    let table = "cloud,region,instance_type,price_usd_hour\n\
                 a,*,small,1\na,north,small,2\na,south,large,3\nc,*,small,4\n";
    let catalog = read(&[("offers.csv", table), ("regions.csv", "cloud,region\na,west\n")]);
    let offers: Vec<_> = catalog
        .offers
        .iter()
        .map(|o| format!("{} {} {}", o.region, o.name, price(&o.price)))
        .collect();
    assert_eq!(
        offers,
        [
            "north small 2.0000 USD/hour",
            "south large 3.0000 USD/hour",
            "south small 1.0000 USD/hour",
            "west small 1.0000 USD/hour",
        ]
    );
    assert_eq!(
        notices(&catalog),
        ["offers.csv:5:1: catalogue error: no table of regions, zones or offers knows a region \
          of c; the row is not used"]
    );
}
