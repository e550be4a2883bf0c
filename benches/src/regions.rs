//! Twelve services over sixteen regions of four clouds, with goals that people state together: drawn
//! from a seed. Some can be met and some can't.

use std::collections::BTreeMap;
use std::sync::Arc;

use coc_model::application::{Application, Link, Service};
use coc_model::decimal::Decimal;
use coc_model::estate::{Estate, Offering, Site, SiteId};
use coc_model::goals::{Goals, Located, Policy, Requirement, RequirementBody};
use coc_model::mistake::Position;
use coc_model::money::Rate;
use coc_model::offer::{Architecture, Offer, Price, Purchase};
use coc_model::place::{Place, PlaceGraph};
use coc_model::quantity::{Bytes, Cpu, Micros, Traffic};
use coc_model::route::{Latency, Meter, MeterId, Tier, Transfer};
use coc_testing::random::Random;

/// How many services there are.
pub const SERVICES: usize = 12;

const CLOUDS: [&str; 4] = ["ash", "birch", "cedar", "elm"];
/// A country, its area, and what its grid emits in grams per kWh.
const COUNTRIES: [(&str, &str, i128); 4] =
    [("DE", "EU", 334), ("SE", "EU", 25), ("US", "NorthAmerica", 370), ("JP", "Asia", 480)];

fn at(line: usize) -> Position {
    let line = u32::try_from(line + 1).unwrap_or(u32::MAX);
    Position { file: Arc::from("goals.yaml"), line, column: 5 }
}

fn name(service: u64) -> String {
    format!("s{service:02}")
}

/// The services of a seed, in a ring of links.
pub fn application(seed: u64) -> Application {
    let mut random = Random::new(seed);
    let count = SERVICES as u64;
    let services = (0..count).map(|s| {
        let mut service = Service::container(at(0));
        let size = 1 + random.below(2);
        service.needs.cpu = Some(Cpu(size * 1000));
        service.needs.memory = Some(Bytes(size << 31));
        (name(s), service)
    });
    let services: BTreeMap<String, Service> = services.collect();
    let mut random = Random::new(seed + 1);
    let links = (0..count).map(|s| Link {
        from: name(s),
        to: name((s + 1) % count),
        port: None,
        traffic: Some(Traffic(1_000_000_000 * (1 + random.below(20)))),
        latency: None,
        at: at(0),
        inferred: None,
    });
    let links = links.collect();
    Application { name: "ring".to_owned(), services, links, volumes: BTreeMap::new(), keys: vec![] }
}

/// The clouds of a seed: each has a region in every country, with three sizes of machines.
pub fn estate(seed: u64) -> Estate {
    let mut random = Random::new(seed + 2);
    let mut estate = Estate { places: PlaceGraph::with_areas(), ..Estate::default() };
    for cloud in CLOUDS {
        for (country, area, grams) in COUNTRIES {
            let place = Place {
                region: Some(format!("{cloud}-{}", country.to_lowercase()).into()),
                zone: None,
                country: Some(country.into()),
                area: Some(area.into()),
            };
            estate.places.add(&place);
            estate.sites.push(Site {
                cloud: cloud.into(),
                place,
                block_storage: None,
                certified: std::collections::BTreeSet::new(),
                carbon_g_per_kwh: Decimal::from_integer(grams),
            });
        }
    }
    for (index, site) in estate.sites.iter().enumerate() {
        for (size, cpu, memory) in [("s", 1, 4), ("m", 2, 8), ("l", 4, 16)] {
            let region = site.place.region.clone().unwrap_or_else(|| "".into());
            let mut offer = Offer::named(&site.cloud, &region, size);
            offer.cpu = Some(Cpu(cpu * 1000));
            offer.memory = Some(Bytes(memory << 30));
            offer.architecture = Some(Architecture::X86_64);
            let cents = i64::try_from(cpu * (1800 + random.below(1200))).unwrap_or(0);
            let dollars = Decimal::from_atto(i128::from(cents) * 10_i128.pow(16));
            offer.price = Price::Known(Rate::monthly(dollars));
            estate.offerings.push(Offering {
                site: SiteId(u32::try_from(index).unwrap_or(0)),
                offer: Arc::new(offer),
                limit: None,
                existing: false,
                purchase: Purchase::OnDemand,
                watts_per_vcpu: Decimal::from_integer(3),
            });
        }
    }
    routes(&mut random, &mut estate);
    estate
}

fn routes(random: &mut Random, estate: &mut Estate) {
    let meter = |name: &str, cents: i64| Meter {
        name: name.into(),
        unit: 1_000_000_000,
        tiers: vec![Tier {
            from: Traffic(0),
            price: Decimal::from_atto(i128::from(cents) * 10_i128.pow(16)),
        }],
        source: None,
    };
    estate.meters = vec![meter("between regions", 2), meter("out of the cloud", 9)];
    let sites = estate.sites.clone();
    for a in &sites {
        for b in &sites {
            let near = a.place.country == b.place.country;
            let millis =
                match (a.place.region == b.place.region, near, a.place.area == b.place.area) {
                    (true, ..) => 1,
                    (_, true, _) => 3 + random.below(8),
                    (_, _, true) => 15 + random.below(20),
                    _ => 90 + random.below(120),
                };
            estate
                .latencies
                .push(Some(Latency { round_trip: Micros(millis * 1000), estimated: false }));
            estate.transfers.push(match (a.place.region == b.place.region, a.cloud == b.cloud) {
                (true, _) => Transfer::Free,
                (_, true) => Transfer::Metered(MeterId(0)),
                _ => Transfer::Metered(MeterId(1)),
            });
        }
    }
}

/// Twelve goals of a seed: a budget, carbon, an area, a cap on a cloud, five latencies, a place to
/// avoid, a pin, and two services in one region.
pub fn twelve_goals(seed: u64) -> Goals {
    let mut random = Random::new(seed + 3);
    let service = |random: &mut Random| name(random.below(SERVICES as u64));
    let mut texts = vec![
        format!("cost <= usd({})", 330 + 15 * random.below(12)),
        format!("carbon <= kg({})", 1 + random.below(12)),
    ];
    let area = random.of(&["EU", "NorthAmerica"]);
    texts.push(format!("replicas(\"{}\").all(r, inside(r, \"{area}\"))", service(&mut random)));
    texts.push(format!(
        "clouds.all(c, count(replicas(), r, r.cloud == c) <= {})",
        4 + random.below(4)
    ));
    for _ in 0..5 {
        let (a, b) = (service(&mut random), service(&mut random));
        texts.push(format!("latency(\"{a}\", \"{b}\") <= ms({})", 2 + random.below(40)));
    }
    let cloud = random.of(&CLOUDS);
    texts.push(format!("replicas(\"{}\").all(r, r.cloud != \"{cloud}\")", service(&mut random)));
    let country = random.of(&COUNTRIES).0;
    texts
        .push(format!("replicas(\"{}\").all(r, r.country == \"{country}\")", service(&mut random)));
    let (a, b) = (service(&mut random), service(&mut random));
    texts.push(format!("replicas(\"{a}\").all(r, replicas(\"{b}\").all(q, r.region == q.region))"));
    let require = texts.into_iter().enumerate().map(|(line, text)| Requirement {
        body: RequirementBody::That(Located { value: text, at: at(line) }),
        policy: Policy::Must,
        at: at(line),
    });
    Goals { require: require.collect(), objectives: Vec::new() }
}
