//! Small worlds: an application, goals and an estate, drawn from a seed. Small enough for every
//! packing to be tried, odd enough to meet every kind of measure.

use std::collections::BTreeMap;
use std::sync::Arc;

use coc_model::application::{
    Application, Link, Mount, MountSource, Port, Protocol, Replicas, Service, Volume,
};
use coc_model::decimal::Decimal;
use coc_model::estate::{Estate, Limit, Offering, Site, SiteId};
use coc_model::goals::{
    Direction, Goals, Located, Objective, Policy, Requirement, RequirementBody, Term,
};
use coc_model::mistake::Position;
use coc_model::money::Rate;
use coc_model::offer::{Accelerator, Architecture, Offer, Price, Purchase};
use coc_model::place::{Place, PlaceGraph};
use coc_model::plan::{Before, Host, Placement};
use coc_model::quantity::{Bytes, Cpu, Micros, Traffic};
use coc_model::route::{Latency, Meter, MeterId, Tier, Transfer};

use crate::random::Random;

/// A world.
#[derive(Clone, Debug)]
pub struct World {
    /// What is to run.
    pub application: Application,
    /// What is asked for.
    pub goals: Goals,
    /// Where it can run.
    pub estate: Estate,
    /// What runs now.
    pub before: Option<Before>,
}

/// The world of a seed.
pub fn world(seed: u64) -> World {
    let sites = [
        ("red", "r1", "r1a", "DE", "EU"),
        ("red", "r1", "r1b", "DE", "EU"),
        ("red", "r2", "r2a", "US", "NorthAmerica"),
        ("blue", "b1", "b1a", "FR", "EU"),
        ("blue", "b2", "b2a", "CH", "Europe"),
    ];
    let mut random = Random::new(seed);
    let mut application = application(&mut random);
    leave_numbers_open(seed, &OPEN, &mut application);
    let keep = 2 + usize::try_from(random.below(4)).unwrap_or(0);
    let estate = estate(&mut random, &sites[..keep]);
    let goals = goals(&mut random, &application);
    World { application, goals, estate, before: None }
}

/// The world of a seed with more sites than can be tried one by one.
pub fn wide_world(seed: u64) -> World {
    let sites = [
        ("red", "r1", "r1a", "DE", "EU"),
        ("red", "r2", "r2a", "US", "NorthAmerica"),
        ("red", "r3", "r3a", "FR", "EU"),
        ("red", "r4", "r4a", "JP", "Asia"),
        ("red", "r5", "r5a", "IE", "EU"),
        ("blue", "b1", "b1a", "FR", "EU"),
        ("blue", "b2", "b2a", "CH", "Europe"),
        ("blue", "b3", "b3a", "US", "NorthAmerica"),
        ("blue", "b4", "b4a", "SE", "EU"),
        ("green", "g1", "g1a", "DE", "EU"),
        ("green", "g2", "g2a", "US", "NorthAmerica"),
        ("green", "g3", "g3a", "IN", "Asia"),
        ("green", "g4", "g4a", "ES", "EU"),
    ];
    let mut random = Random::new(seed);
    let mut application = application(&mut random);
    leave_numbers_open(seed, &OPEN_WIDE, &mut application);
    let estate = estate(&mut random, &sites);
    let goals = goals(&mut random, &application);
    World { application, goals, estate, before: None }
}

/// Every replica of the world on a machine of its own, wherever chance put it.
pub fn running(random: &mut Random, world: &World) -> Option<Before> {
    let mut before = Before::default();
    for (name, service) in &world.application.services {
        let Some(counts) = service.replicas.planned().filter(|counts| !counts.is_empty()) else {
            continue;
        };
        for replica in 0..*random.of(&counts) {
            if world.estate.offerings.is_empty() {
                return None;
            }
            let offering = random.of(&world.estate.offerings);
            let site = &world.estate.sites[offering.site.index()];
            let text = |t: &Option<Arc<str>>| t.as_deref().map(ToOwned::to_owned);
            let id = format!("h{}", before.hosts.len() + 1);
            before.placements.push(Placement {
                service: name.clone(),
                replica,
                cloud: site.cloud.to_string(),
                region: text(&site.place.region),
                zone: text(&site.place.zone),
                host: id.clone(),
                resolver: "container-on-host".to_owned(),
            });
            before.hosts.push(Host {
                id,
                cloud: site.cloud.to_string(),
                region: text(&site.place.region),
                zone: text(&site.place.zone),
                offer: offering.offer.name.to_string(),
                price: String::new(),
                purchase: offering.purchase,
                existing: false,
                holds: vec![(name.clone(), replica)],
            });
        }
    }
    Some(before)
}

/// Gives the first service of a world, and sometimes the second too, a volume: of its own, or one that
/// both mount.
pub fn with_data(random: &mut Random, world: &mut World) {
    let users = if random.percent(30) { 2 } else { 1 };
    for service in world.application.services.values_mut().take(users) {
        service.mounts.push(Mount {
            source: MountSource::Volume("data".to_owned()),
            target: "/data".to_owned(),
            read_only: false,
        });
    }
    let size = Some(Bytes(random.of(&[10, 150]) * 1_000_000_000));
    let volume = Volume { size, at: at(1), external: false, native: BTreeMap::new() };
    world.application.volumes.insert("data".to_owned(), volume);
    for site in &mut world.estate.sites {
        site.block_storage = Some((Decimal::from_atto(10_i128.pow(16)), 1_000_000_000));
    }
}

fn at(line: u32) -> Position {
    Position { file: Arc::from("goals.yaml"), line, column: 5 }
}

fn application(random: &mut Random) -> Application {
    let mut services = BTreeMap::new();
    let names = ["a", "b", "c", "d"];
    let count = 1 + usize::try_from(random.below(3)).unwrap_or(0);
    for name in &names[..count] {
        let mut service = Service::container(at(1));
        service.needs.cpu = Some(Cpu(*random.of(&[250, 500, 1000])));
        service.needs.memory = Some(Bytes(*random.of(&[1, 2, 3]) << 30));
        service.replicas = Replicas::exactly(if random.percent(40) { 2 } else { 1 });
        if random.percent(15) {
            service.ports.push(Port {
                target: 80,
                published: Some(*random.of(&[80, 81])),
                host_ip: None,
                protocol: Protocol::Tcp,
                public: true,
                name: None,
            });
        }
        services.insert((*name).to_owned(), service);
    }
    let mut links = Vec::new();
    for from in &names[..count] {
        for to in &names[..count] {
            if from != to && random.percent(40) {
                links.push(Link {
                    from: (*from).to_owned(),
                    to: (*to).to_owned(),
                    port: None,
                    // Multiples of every number of pairs, so that shares are whole.
                    traffic: Some(Traffic(random.of(&[4, 40, 200]) * 1_000_000_000)),
                    latency: None,
                    at: at(2),
                    inferred: None,
                });
            }
        }
    }
    Application {
        name: "world".to_owned(),
        services,
        links,
        volumes: BTreeMap::new(),
        keys: vec![],
    }
}

/// The numbers of replicas that a plan may choose from.
const OPEN: [&[u32]; 6] = [&[1, 2], &[1, 3], &[0, 1], &[0, 2], &[1, 2, 3], &[2, 3]];

/// Those of worlds with many sites: with them every share of traffic is a whole number, as with three
/// replicas an equation of costs can take minutes to prove there.
const OPEN_WIDE: [&[u32]; 3] = [&[1, 2], &[0, 1], &[0, 2]];

/// Leaves the numbers of replicas of some services to the plan.
fn leave_numbers_open(seed: u64, open: &[&[u32]], application: &mut Application) {
    let mut random = Random::new(seed ^ 0x0c40_1ce5);
    for service in application.services.values_mut() {
        if random.percent(25) {
            let numbers = random.of(open).iter().copied().collect();
            service.replicas = Replicas::OneOf(numbers);
        }
    }
}

/// Which clouds are certified for what.
const CERTIFIED: [(&str, &[&str]); 2] = [("iso27001", &["red", "blue"]), ("hipaa", &["blue"])];

/// What the grids of countries emit; of others nothing is known.
const GRIDS: [(&str, &str); 4] = [("DE", "334.5"), ("US", "411"), ("FR", "16.25"), ("SE", "3")];

/// What vCPUs draw, site by site.
const WATTS: [Option<&str>; 3] = [Some("2.318517"), Some("3.1"), None];

/// A site's cloud, region, zone, country and area.
type Where = (&'static str, &'static str, &'static str, &'static str, &'static str);

fn estate(random: &mut Random, sites: &[Where]) -> Estate {
    let mut estate = Estate {
        places: PlaceGraph::with_areas(),
        frameworks: CERTIFIED.iter().map(|(framework, _)| (*framework).into()).collect(),
        ..Estate::default()
    };
    for &(cloud, region, zone, country, area) in sites {
        let place = Place {
            region: Some(region.into()),
            zone: Some(zone.into()),
            country: Some(country.into()),
            area: Some(area.into()),
        };
        estate.places.add(&place);
        let certified = CERTIFIED.iter().filter(|(_, whose)| whose.contains(&cloud));
        let certified = certified.map(|(framework, _)| Arc::from(*framework)).collect();
        let carbon_g_per_kwh = GRIDS.iter().find(|(code, _)| *code == country);
        estate.sites.push(Site {
            cloud: cloud.into(),
            place,
            block_storage: None,
            certified,
            carbon_g_per_kwh: carbon_g_per_kwh.and_then(|(_, grams)| grams.parse().ok()),
        });
    }
    offerings(random, &mut estate);
    routes(random, &mut estate);
    estate
}

fn offerings(random: &mut Random, estate: &mut Estate) {
    let sizes = [("small", 1, 2), ("medium", 2, 4), ("large", 4, 8)];
    for (index, site) in estate.sites.iter().enumerate() {
        for (name, cpu, memory) in sizes {
            if random.percent(45) {
                continue;
            }
            let region = site.place.region.clone().unwrap_or_else(|| "".into());
            let mut offer = Offer::named(&site.cloud, &region, name);
            offer.cpu = Some(Cpu(cpu * 1000));
            offer.memory = Some(Bytes(memory << 30));
            offer.architecture = Some(Architecture::X86_64);
            offer.price = if random.percent(5) {
                Price::Unknown("not stated".into())
            } else {
                let cents = cpu * 10 + random.below(12);
                Price::Known(Rate::monthly(Decimal::from_atto(i128::from(cents) * 10_i128.pow(17))))
            };
            if random.percent(5) {
                offer.accelerator = Some(Accelerator { name: "L4".into(), milli: 1000 });
            }
            let limit = random.percent(25).then(|| Limit {
                most: 1 + u32::try_from(random.below(2)).unwrap_or(0),
                rule: format!("capacity of {name} at site {index}").into(),
                at: None,
            });
            let site = SiteId(u32::try_from(index).unwrap_or(0));
            estate.offerings.push(Offering {
                site,
                offer: Arc::new(offer),
                limit,
                existing: false,
                purchase: Purchase::OnDemand,
                watts_per_vcpu: WATTS[index % WATTS.len()].and_then(|w| w.parse().ok()),
            });
        }
    }
}

fn routes(random: &mut Random, estate: &mut Estate) {
    let gb = |n: u64| Traffic(n * 1_000_000_000);
    let price = |text: &str| text.parse().unwrap_or(Decimal::ZERO);
    let meter = |name: &str, tiers: Vec<Tier>| Meter {
        name: name.into(),
        unit: 1_000_000_000,
        tiers,
        source: None,
    };
    let flat = |text: &str| vec![Tier { from: gb(0), price: price(text) }];
    estate.meters = vec![
        meter("between regions", flat("0.02")),
        meter("out of red", flat("0.09")),
        meter(
            "out of blue",
            vec![
                Tier { from: gb(0), price: Decimal::ZERO },
                Tier { from: gb(100), price: price("0.12") },
                Tier { from: gb(300), price: price("0.05") },
            ],
        ),
    ];
    let sites = estate.sites.clone();
    for a in &sites {
        for b in &sites {
            let same_region = a.place.region == b.place.region;
            let transfer = if same_region {
                Transfer::Free
            } else if a.cloud == b.cloud {
                Transfer::Metered(MeterId(0))
            } else if random.percent(4) {
                Transfer::Unknown
            } else if &*a.cloud == "red" {
                Transfer::Metered(MeterId(1))
            } else {
                Transfer::Metered(MeterId(2))
            };
            estate.transfers.push(transfer);
            let millis = if same_region { 1 } else { 5 + random.below(60) };
            let latency = Latency { round_trip: Micros(millis * 1000), estimated: false };
            estate.latencies.push((!random.percent(5)).then_some(latency));
        }
    }
}

fn goals(random: &mut Random, application: &Application) -> Goals {
    let names: Vec<&str> = application.services.keys().map(String::as_str).collect();
    let mut goals = Goals::default();
    for line in 0..random.below(4) {
        let line = u32::try_from(line).unwrap_or(0) + 3;
        let text = requirement(random, &names);
        let policy = if random.percent(15) { Policy::Should } else { Policy::Must };
        // Rules on hosts can't be wishes.
        let policy =
            if text.contains(".host") || text.contains("on(h)") { Policy::Must } else { policy };
        goals.require.push(Requirement {
            body: RequirementBody::That(Located { value: text, at: at(line) }),
            policy,
            at: at(line),
        });
    }
    if random.percent(40) {
        let second =
            *random.of(&["count(hosts)", "sum(hosts, h, h.vcpu)", "latency(\"a\", \"a\")"]);
        for (what, tolerance) in [("cost", *random.of(&["0", "0.1", "0.5"])), (second, "0")] {
            let what = Located { value: what.to_owned(), at: at(20) };
            goals.objectives.push(Objective {
                direction: Direction::Minimize,
                terms: vec![Term { what, weight: Decimal::ONE }],
                tolerance: tolerance.parse().unwrap_or(Decimal::ZERO),
                at: at(20),
            });
        }
    }
    goals
}

fn requirement(random: &mut Random, names: &[&str]) -> String {
    let a = *random.of(names);
    let b = *random.of(names);
    let ms = 5 + random.below(50);
    match random.below(19) {
        0 => format!("replicas(\"{a}\").all(r, inside(r, \"EU\"))"),
        1 => format!("replicas(\"{a}\").all(r, r.cloud != \"red\")"),
        2 => format!("distinct(replicas(\"{a}\"), r, r.cloud) >= 2"),
        3 => format!("skew(replicas(\"{a}\"), r, r.zone) <= 1"),
        4 => format!("latency(\"{a}\", \"{b}\") <= ms({ms})"),
        5 => format!("replicas(\"{a}\").all(r, latency(r, \"{b}\") <= ms({ms}))"),
        6 => format!("cost <= usd({}.5)", 2 + random.below(20)),
        7 => format!(
            "replicas(\"{a}\").all(r, replicas(\"{b}\").all(q, r == q || r.host != q.host))"
        ),
        8 => format!("replicas(\"{a}\").all(r, replicas(\"{b}\").all(q, r.host == q.host))"),
        9 => format!("replicas(\"{a}\").all(r, replicas(\"{b}\").all(q, r.region == q.region))"),
        10 => format!("replicas(\"{a}\").exists(r, r.cloud == \"blue\")"),
        11 => "count(hosts) <= 2".to_owned(),
        12 => "distinct(hosts, h, h.cloud) == 1".to_owned(),
        13 => format!("replicas(\"{a}\").all(r, r.country == \"DE\") || cost <= usd(6)"),
        15 => format!("hosts.all(h, count(on(h)) <= {})", 1 + random.below(2)),
        16 => "hosts.all(h, sum(on(h), r, r.needsMemory) <= 0.7 * h.memory)".to_owned(),
        17 => format!("hosts.all(h, count(on(h), r, r.service == \"{a}\") < 2)"),
        14 => format!("max(replicas(\"{a}\"), r, r.vcpu) <= 2"),
        _ => format!("count(replicas(), r, r.offer == \"small\") >= {}", 1 + random.below(2)),
    }
}
