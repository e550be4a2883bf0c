//! What the catalog and the mounted clouds say of places and offers, put together.

#![allow(clippy::unwrap_used, reason = "what can't be made fails the test")]

use std::collections::BTreeSet;
use std::sync::Arc;

use coc_cloud::cloud::{Machine, Market, MarketSite};
use coc_control::planning::estate::{Detail, MountedMarket, of_catalog, of_clouds};
use coc_model::catalog::{Catalog, Certification, ProcessorPower, Region};
use coc_model::cloud::{Cloud, PriceBook};
use coc_model::decimal::Decimal;
use coc_model::energy::Energy;
use coc_model::estate::Estate;
use coc_model::mistake::Position;
use coc_model::money::Rate;
use coc_model::offer::{Architecture, Offer, Price, Source};
use coc_model::place::Place;
use coc_model::quantity::Cpu;

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn place(region: &str) -> Place {
    Place { region: Some(region.into()), ..Place::default() }
}

fn offer(cloud: &str, region: &str, name: &str) -> Arc<Offer> {
    let mut offer = Offer::named(cloud, region, name);
    offer.cpu = Some(Cpu(2000));
    offer.price = Price::Known(Rate::parse("0.10 USD/hour").unwrap());
    Arc::new(offer)
}

/// Two regions of one provider, certified for something; one more framework elsewhere.
fn catalog() -> Catalog {
    let region = |name: &str| Region {
        cloud: "red".into(),
        place: place(name),
        title: None,
        zones: vec![format!("{name}-a").into(), format!("{name}-b").into()],
        coordinates: None,
        carbon_g_per_kwh: (name == "north").then(|| decimal("345.5")),
        carbon_method: None,
    };
    let certification = |cloud: &str, region: &str, framework: &str| Certification {
        cloud: cloud.into(),
        region: region.into(),
        framework: framework.into(),
        note: None,
        source: Arc::new(Source { name: "test".into(), date: "2026".into() }),
    };
    Catalog {
        regions: vec![region("north"), region("south")],
        offers: vec![offer("red", "north", "small"), offer("red", "south", "small")],
        certifications: vec![
            certification("blue", "west", "itar"),
            certification("red", "north", "hipaa"),
            certification("red", "north", "iso27001"),
        ],
        power: vec![ProcessorPower {
            cloud: "red".into(),
            processor: "Skylake".into(),
            architecture: Architecture::X86_64,
            idle_watts: decimal("0.644604"),
            full_watts: decimal("4.193436"),
            source: Arc::new(Source { name: "test".into(), date: "2023".into() }),
        }],
        ..Catalog::default()
    }
}

/// A mount of one site with one machine size, said to be like a region of the catalog or not.
fn mounted(name: &str, like: Option<(&str, &str)>) -> MountedMarket {
    let cloud = Cloud {
        name: name.to_owned(),
        driver: "test".to_owned(),
        endpoint: None,
        regions: Vec::new(),
        credentials: None,
        place: Place::default(),
        prices: PriceBook::default(),
        certified: ["soc2t2".to_owned()].into(),
        energy: Energy::default(),
        read_only: false,
        settings: [].into(),
        at: Position::new(&"clouds.yaml".into(), 1, 1),
    };
    let site = MarketSite {
        place: place("here"),
        like: like.map(|(provider, region)| (provider.into(), region.into())),
        zones: Vec::new(),
        certified: ["hds".into()].into(),
        energy: Energy::default(),
    };
    let machine = Machine {
        site: 0,
        zone: None,
        offer: offer(name, "here", "small"),
        limit: None,
        existing: false,
    };
    let market = Market { sites: vec![site], machines: vec![machine], unknown: Vec::new() };
    MountedMarket { cloud, market }
}

fn certified(estate: &Estate) -> Vec<String> {
    let words = |set: &BTreeSet<Arc<str>>| set.iter().map(|f| &**f).collect::<Vec<_>>().join(" ");
    let region = |s: &coc_model::estate::Site| s.place.region.clone().unwrap_or_default();
    estate.sites.iter().map(|s| format!("{}: {}", region(s), words(&s.certified))).collect()
}

#[test]
fn a_site_is_certified_for_what_the_catalog_states_of_its_region() {
    let estate = of_catalog(&catalog(), Detail::default());
    assert_eq!(certified(&estate), ["north: hipaa iso27001", "south: "]);
    let zones = of_catalog(&catalog(), Detail { zones: true, ..Detail::default() });
    assert_eq!(
        certified(&zones),
        ["north: hipaa iso27001", "north: hipaa iso27001", "south: ", "south: "]
    );
    let known: Vec<&str> = estate.frameworks.iter().map(|f| &**f).collect();
    assert_eq!(known, ["hipaa", "iso27001", "itar"], "those of clouds that sell nothing here too");
}

#[test]
fn a_mount_adds_what_its_owner_and_its_driver_state() {
    let markets = [mounted("lab", None), mounted("copy", Some(("red", "north")))];
    let estate = of_clouds(&catalog(), &markets, Detail::default());
    assert_eq!(certified(&estate), ["here: hds soc2t2", "here: hds hipaa iso27001 soc2t2"]);
    assert!(estate.frameworks.contains("soc2t2") && estate.frameworks.contains("itar"));
}

/// Grid and watts of each offering.
fn energy(estate: &Estate) -> Vec<String> {
    let words = |number: Option<Decimal>| number.map_or("-".to_owned(), |n| n.to_string());
    let of = |o: &coc_model::estate::Offering| {
        let site = &estate.sites[o.site.index()];
        format!("{} {}", words(site.carbon_g_per_kwh), words(o.watts_per_vcpu))
    };
    estate.offerings.iter().map(of).collect()
}

#[test]
fn power_is_the_nearest_that_somebody_states() {
    assert_eq!(energy(&of_catalog(&catalog(), Detail::default())), ["345.5 2.41902", "- 2.41902"]);
    let mut own = mounted("own", Some(("red", "north")));
    own.market.sites[0].energy =
        Energy { carbon_g_per_kwh: Some(decimal("20")), watts_per_vcpu: Some(decimal("9")) };
    own.cloud.energy.watts_per_vcpu = Some(decimal("5"));
    let markets = [mounted("bare", None), mounted("copy", Some(("red", "north"))), own];
    let estate = of_clouds(&catalog(), &markets, Detail::default());
    assert_eq!(energy(&estate), ["- -", "345.5 2.41902", "20 5"]);
}

#[test]
fn machines_are_there_a_second_time_at_their_spot_price_where_goals_look_at_it() {
    let spot = Some(Rate::parse("0.03 USD/hour").unwrap());
    let mut catalog = catalog();
    catalog.offers[0] = Arc::new(Offer { spot, ..(*catalog.offers[0]).clone() });
    let bought = |estate: &Estate| {
        let of = |o: &coc_model::estate::Offering| {
            let region = &o.offer.region;
            format!(
                "{region} {:?} {}",
                o.purchase,
                o.rate().map_or("-".to_owned(), |r| r.to_string())
            )
        };
        estate.offerings.iter().map(of).collect::<Vec<_>>()
    };
    let detail = Detail { spot: true, ..Detail::default() };
    assert_eq!(
        bought(&of_catalog(&catalog, detail)),
        [
            "north OnDemand 0.1000 USD/hour",
            "north Spot 0.0300 USD/hour",
            "south OnDemand 0.1000 USD/hour"
        ]
    );
    assert_eq!(
        bought(&of_catalog(&catalog, Detail::default())),
        ["north OnDemand 0.1000 USD/hour", "south OnDemand 0.1000 USD/hour"]
    );
    let mut there = mounted("lab", None);
    let machine = &mut there.market.machines[0];
    machine.existing = true;
    machine.offer = Arc::new(Offer { spot, ..(*machine.offer).clone() });
    let estate = of_clouds(&catalog, &[there], detail);
    assert_eq!(bought(&estate), ["here OnDemand 0.1000 USD/hour"], "what is there is not bought");
}
