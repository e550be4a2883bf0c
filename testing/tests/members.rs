//! Numbers of replicas that are left to the plan: which one is chosen, and why none can be.

#![allow(clippy::panic, reason = "a test that can't go on stops")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use coc_engine_exhaustive::Exhaustive;
use coc_engine_milp::Milp;
use coc_goals::library::standard_library;
use coc_goals::rules::understand;
use coc_model::application::{Application, Replicas, Service};
use coc_model::decimal::Decimal;
use coc_model::estate::{Estate, Offering, Site, SiteId};
use coc_model::goals::{
    Direction, Goals, Located, Objective, Policy, Requirement, RequirementBody, Term,
};
use coc_model::mistake::Position;
use coc_model::money::Rate;
use coc_model::offer::{Architecture, Offer, Price, Purchase};
use coc_model::place::{Place, PlaceGraph};
use coc_model::quantity::{Bytes, Cpu, Micros};
use coc_model::route::{Latency, Transfer};
use coc_optimizer::conflict::{changes, conflict};
use coc_optimizer::engine::{Budget, Engine};
use coc_optimizer::explain::alternative::{Alternative, alternative, elsewhere, forced};
use coc_optimizer::explain::price::goal_prices;
use coc_optimizer::lower::lower;
use coc_optimizer::portfolio::{Found, Outcome};
use coc_optimizer::problem::{GroupId, Origin};
use coc_testing::solving::{judged_plan, lowered, solve};
use coc_testing::worlds::World;

fn at(line: u32) -> Position {
    Position { file: Arc::from("store.yaml"), line, column: 5 }
}

/// Three zones that sell the same machine, with room for one member, for ten dollars a month.
fn zones() -> Estate {
    let mut estate = Estate { places: PlaceGraph::with_areas(), ..Estate::default() };
    for (site, zone) in ["za", "zb", "zc"].into_iter().enumerate() {
        let place = Place {
            region: Some("z".into()),
            zone: Some(zone.into()),
            country: Some("DE".into()),
            area: Some("EU".into()),
        };
        estate.places.add(&place);
        estate.sites.push(Site {
            cloud: "sky".into(),
            place,
            block_storage: None,
            certified: [].into(),
            carbon_g_per_kwh: None,
        });
        let mut offer = Offer::named("sky", "z", "small");
        offer.cpu = Some(Cpu(1000));
        offer.memory = Some(Bytes(2 << 30));
        offer.architecture = Some(Architecture::X86_64);
        offer.price = Price::Known(Rate::monthly(Decimal::from_atto(10 * coc_model::decimal::ONE)));
        estate.offerings.push(Offering {
            site: SiteId(u32::try_from(site).unwrap_or(0)),
            offer: Arc::new(offer),
            limit: None,
            existing: false,
            purchase: Purchase::OnDemand,
            watts_per_vcpu: None,
        });
        for _ in 0..3 {
            estate.transfers.push(Transfer::Free);
            let round_trip = Micros(1000);
            estate.latencies.push(Some(Latency { round_trip, estimated: false }));
        }
    }
    estate
}

fn that(text: &str, line: u32) -> Requirement {
    let body = RequirementBody::That(Located { value: text.to_owned(), at: at(line) });
    Requirement { body, policy: Policy::Must, at: at(line) }
}

/// Members in these numbers over three zones, with these goals; "majority" is the named one.
fn store(numbers: &[u32], goals: &[&str]) -> World {
    let mut member = Service::container(at(1));
    member.needs.cpu = Some(Cpu(1000));
    member.needs.memory = Some(Bytes(1 << 30));
    member.needs.architecture = Some(Architecture::X86_64);
    member.replicas = Replicas::one_of(numbers.iter().copied().collect()).unwrap_or_default();
    let application = Application {
        name: "store".to_owned(),
        services: BTreeMap::from([("db".to_owned(), member)]),
        links: Vec::new(),
        volumes: BTreeMap::new(),
        keys: Vec::new(),
    };
    let mut asked = Goals::default();
    for (line, goal) in (10..).zip(goals) {
        match (*goal, goal.strip_prefix("maximize ")) {
            ("majority", _) => {
                let db = Located { value: "db".into(), at: at(line) };
                let arguments = BTreeMap::from([("service".to_owned(), db)]);
                let name = "majority".to_owned();
                let body = RequirementBody::Named { name, arguments, short: None };
                asked.require.push(Requirement { body, policy: Policy::Must, at: at(line) });
            }
            (_, Some(what)) => asked.objectives.push(Objective {
                direction: Direction::Maximize,
                terms: vec![Term {
                    what: Located { value: what.to_owned(), at: at(line) },
                    weight: Decimal::ONE,
                }],
                tolerance: Decimal::ZERO,
                at: at(line),
            }),
            (goal, None) => asked.require.push(that(goal, line)),
        }
    }
    World { application, goals: asked, estate: zones(), before: None }
}

/// How many members are in each zone, most first; `None` if there is no plan. Both engines have to
/// agree on what is best, and the checker with the plan.
fn members(world: &World) -> Option<Vec<usize>> {
    let (rules, lowered) = lowered(world).unwrap_or_else(|| panic!("goals that can't be lowered"));
    let worth = |outcome: &Outcome| match outcome {
        Outcome::Found(found) => {
            assert!(found.optimal(), "{found:?}");
            Some(found.tiers.iter().map(|t| t.value).collect::<Vec<_>>())
        }
        Outcome::Infeasible(_) => None,
        Outcome::Unknown(why, _) => panic!("{why}"),
    };
    let outcome = solve(&lowered.problem, &Milp);
    if Exhaustive.takes(&lowered.problem) {
        assert_eq!(worth(&outcome), worth(&solve(&lowered.problem, &Exhaustive)));
    }
    worth(&outcome)?;
    let Outcome::Found(found) = outcome else { return None };
    let plan = judged_plan(world, &rules, &lowered, &found);
    assert!(plan.check.accepted, "{:#?}", plan.check);
    let mut zones: BTreeMap<String, usize> = BTreeMap::new();
    for placement in plan.placements {
        *zones.entry(placement.zone.unwrap_or_default()).or_default() += 1;
    }
    let mut counts: Vec<usize> = zones.into_values().collect();
    counts.sort_unstable_by(|a, b| b.cmp(a));
    Some(counts)
}

/// Three are left whichever zone is lost.
const THREE_LEFT: &str = "zones.all(z, count(replicas(\"db\"), r, r.zone != z) >= 3)";

#[test]
fn the_plan_chooses_how_many() {
    let odd: &[u32] = &[3, 5, 7];
    for (numbers, goals, expected) in [
        // The fewest, as nothing asks for more.
        (odd, [].as_slice(), Some(vec![3])),
        (&[0, 3], &[], Some(vec![])),
        (&[0, 3], &["count(hosts) >= 1"], Some(vec![3])),
        // Zones cost the same: one in each.
        (odd, &["majority"], Some(vec![1, 1, 1])),
        (&[2, 3], &["majority"], Some(vec![1, 1, 1])),
        // Four members have two in some zone, and two have no majority without one.
        (&[2, 4], &["majority"], None),
        // Of three, two are left.
        (odd, &["majority", THREE_LEFT], Some(vec![2, 2, 1])),
        (odd, &[THREE_LEFT, "skew(replicas(\"db\"), r, r.zone) == 0"], None),
        (odd, &["count(replicas(\"db\")) >= 5"], Some(vec![5])),
        (odd, &["services.all(s, s.replicas != 3)"], Some(vec![5])),
        (odd, &["count(replicas(\"db\")) >= 8"], None),
        // Fifty-five dollars buy five machines.
        (odd, &["cost <= usd(55)", "maximize count(replicas(\"db\"))"], Some(vec![5])),
        (odd, &["cost <= usd(29)"], None),
        // With a part of them left waiting, all run or none.
        (odd, &["cost <= usd(69)", "maximize placed"], Some(vec![5])),
        (odd, &["cost <= usd(29)", "maximize placed"], Some(vec![])),
    ] {
        let mut found = members(&store(numbers, goals));
        if !goals.iter().any(|goal| *goal == "majority" || *goal == THREE_LEFT) {
            // Where they are, nothing says.
            let total = |counts: Vec<usize>| match counts.iter().sum::<usize>() {
                0 => Vec::new(),
                all => vec![all],
            };
            found = found.map(total);
        }
        assert_eq!(found, expected, "{numbers:?} {goals:?}");
    }
}

fn with_budget<T>(work: impl FnOnce(Budget<'_>) -> T) -> T {
    let cancel = AtomicBool::new(false);
    let minute = || Duration::from_secs(60);
    work(Budget { time_left: &minute, gap_ppm: 0, seed: 0, cancel: &cancel })
}

const ENGINES: [&dyn Engine; 1] = [&Milp];

fn best(world: &World) -> (coc_optimizer::lower::Lowered, Found) {
    let Some((_, lowered)) = lowered(world) else { panic!("goals that can't be lowered") };
    match solve(&lowered.problem, &Milp) {
        Outcome::Found(found) => (lowered, found),
        other => panic!("no plan: {other:?}"),
    }
}

#[test]
fn a_conflict_names_the_goals_that_no_number_satisfies() {
    let dear = ["majority", THREE_LEFT, "cost <= usd(40)"];
    let more = ["count(replicas(\"db\")) >= 8", "majority", "count(hosts) <= 9"];
    for (goals, expected, change) in [
        (dear, &dear[1..], "cost <= usd(40) (at most 50.00 USD/month in place of 40.00 USD/month)"),
        (more, &more[..1], "count(replicas(\"db\")) >= 8 (at least 7 in place of 8)"),
    ] {
        let Some((_, lowered)) = lowered(&store(&[3, 5, 7], &goals)) else { panic!("{goals:?}") };
        let found = with_budget(|budget| conflict(&lowered.problem, &ENGINES, budget));
        let says: Vec<&str> = found.rules.iter().map(|(_, origin)| &*origin.says).collect();
        assert!(found.minimal);
        assert_eq!(says, expected);
        let (problem, compared) = (&lowered.problem, &lowered.compared);
        let allowing = with_budget(|b| changes(problem, compared, &found, &ENGINES, b));
        let says: Vec<&str> = allowing.iter().map(|c| c.says.as_str()).collect();
        assert!(says.contains(&change), "{says:?}");
    }
}

#[test]
fn a_goal_that_asks_for_more_members_has_their_price() {
    let (lowered, found) = best(&store(&[3, 5, 7], &["majority", THREE_LEFT]));
    let prices = with_budget(|budget| goal_prices(&lowered.problem, &found, &ENGINES, budget));
    let told: Vec<(&str, Option<i128>)> =
        prices.iter().map(|p| (&*p.origin.says, p.better().map(|b| b / 1_000_000_000))).collect();
    assert_eq!(told, [("majority: service db", Some(0)), (THREE_LEFT, Some(20))]);
}

#[test]
fn elsewhere_is_elsewhere_whatever_the_number() {
    let (lowered, found) = best(&store(&[1, 2], &[]));
    let mut problem = lowered.problem;
    let chosen = found.solution.hosts[0].holds[0].0;
    let other = if chosen == GroupId(0) { GroupId(1) } else { GroupId(0) };
    assert!(elsewhere(&mut problem, &found.solution, other).is_none());
    let Some(force) = elsewhere(&mut problem, &found.solution, chosen) else { panic!("nowhere") };
    let asked = forced(&problem, force, Origin { says: "elsewhere".into(), at: None });
    match with_budget(|budget| alternative(&asked, &ENGINES, budget)) {
        Alternative::Possible(there) => {
            let site = |found: &Found| problem.options[found.solution.hosts[0].option.0].site;
            assert_ne!(site(&there), site(&found));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn services_that_share_a_host_are_chosen_together() {
    let mut world = store(&[1, 2], &["replicas().all(r, replicas().all(q, r.host == q.host))"]);
    let mut cache = Service::container(at(2));
    cache.needs.cpu = Some(Cpu(250));
    cache.needs.memory = Some(Bytes(1 << 28));
    cache.replicas = Replicas::OneOf([0, 1, 4].into());
    if let Some(db) = world.application.services.get_mut("db") {
        (db.needs.cpu, db.needs.memory) = (Some(Cpu(250)), Some(Bytes(1 << 28)));
    }
    world.application.services.insert("cache".to_owned(), cache);
    world.goals.require.push(that("count(replicas()) >= 4", 12));
    // One machine holds four: of 4 and 1 one is too many, and 1 and 2 are too few.
    assert_eq!(members(&world), None);
    world.goals.require[1] = that("count(replicas()) >= 3", 12);
    assert_eq!(members(&world), Some(vec![3]));
}

#[test]
fn too_many_combinations_are_refused_where_they_are_asked_for() {
    let numbers: Vec<u32> = (1..=65).collect();
    let world = store(&numbers, &[]);
    let rules = understand(&world.application, &world.goals, &standard_library());
    let refused = rules.and_then(|rules| lower(&world.application, &rules, &world.estate));
    let says = refused.err().map(|mistakes| mistakes.to_string()).unwrap_or_default();
    assert_eq!(
        says,
        "store.yaml:1:5: db can have 65 numbers of replicas: at most 64 can be chosen from (give fewer \
         numbers in oneOf)"
    );
}
