//! Rules on what places are certified for, on what machines emit and how they are bought: the engines agree on what they come to, and the checker
//! finds in the plans what the lowering meant.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test that can't go on stops")]

use std::sync::Arc;

use coc_checker::{Question, check};
use coc_engine_exhaustive::Exhaustive;
use coc_engine_milp::Milp;
use coc_goals::library::standard_library;
use coc_goals::rules::understand;
use coc_model::decimal::Decimal;
use coc_model::estate::Offering;
use coc_model::goals::{
    Direction, Goals, Located, Objective, Policy, Requirement, RequirementBody, Term,
};
use coc_model::mistake::Position;
use coc_model::money::Rate;
use coc_model::offer::{Offer, Price, Purchase};
use coc_model::plan::Carbon;
use coc_optimizer::engine::Engine;
use coc_optimizer::lower::lower;
use coc_optimizer::portfolio::Outcome;
use coc_testing::solving::{items, judged_plan, lowered, solve};
use coc_testing::worlds::{World, world};

fn at(line: u32) -> Position {
    Position { file: "goals.yaml".into(), line, column: 5 }
}

fn required(text: &str) -> Requirement {
    Requirement {
        body: RequirementBody::That(Located { value: text.to_owned(), at: at(40) }),
        policy: Policy::Must,
        at: at(40),
    }
}

/// The first tier's value by each engine, and whether the checker accepts the plan.
fn solved(seed: u64, world: &World, rule: &str) -> Option<i128> {
    let (rules, lowered) = lowered(world)?;
    let value = |engine: &dyn Engine| match solve(&lowered.problem, engine) {
        Outcome::Found(found) => {
            assert!(found.optimal(), "seed {seed}: {rule}");
            let plan = judged_plan(world, &rules, &lowered, &found);
            assert!(plan.check.accepted, "seed {seed}: {rule}: {:#?}\n{plan:#?}", plan.check);
            found.tiers.first().map(|t| t.value)
        }
        Outcome::Infeasible(_) => None,
        Outcome::Unknown(why, _) => panic!("seed {seed}: {rule}: {why}"),
    };
    let expected = value(&Exhaustive);
    assert_eq!(value(&Milp), expected, "seed {seed}: {rule}");
    expected
}

/// The world with some of its machines for sale at the spot price too.
fn with_spot(mut world: World) -> World {
    let offerings = std::mem::take(&mut world.estate.offerings);
    for (index, mut offering) in offerings.into_iter().enumerate() {
        if let (Price::Known(rate), true) = (&offering.offer.price, index % 3 != 0) {
            let amount = Decimal::from_atto(rate.amount.atto() / 5 * 2);
            let spot = Some(Rate { amount, ..*rate });
            offering.offer = Arc::new(Offer { spot, ..(*offering.offer).clone() });
            let purchase = Purchase::Spot;
            world.estate.offerings.push(Offering { purchase, ..offering.clone() });
        }
        world.estate.offerings.push(offering);
    }
    world
}

#[test]
fn spot_means_the_same_to_both_readings() {
    hold_in(
        |seed| with_spot(world(seed)),
        &[
            "replicas(\"a\").all(r, !r.spot)",
            "count(hosts, h, h.spot) <= 1",
            "replicas().all(r, r.spot)",
            "hosts.all(h, h.spot || h.cloud == \"red\")",
            "hosts.all(h, !h.spot || count(hosts, k, !k.spot && k.cloud == h.cloud) >= 1)",
        ],
    );
}

#[test]
fn a_plan_says_how_its_hosts_are_bought_and_is_held_to_it() {
    let mut turned = 0;
    for seed in 1..=40 {
        let mut world = with_spot(world(seed));
        world.goals =
            Goals { require: vec![required("count(hosts, h, h.spot) >= 1")], ..Goals::default() };
        let Some((rules, lowered)) = lowered(&world) else { continue };
        let Outcome::Found(found) = solve(&lowered.problem, &Milp) else { continue };
        let mut plan = judged_plan(&world, &rules, &lowered, &found);
        assert!(plan.check.accepted, "seed {seed}: {:#?}", plan.check);
        let host = plan.hosts.iter_mut().find(|h| h.purchase == Purchase::Spot).unwrap();
        host.purchase = Purchase::OnDemand;
        let estate = Arc::new(world.estate.clone());
        let (application, rules) = (&world.application, &rules);
        let judged = check(&Question { application, rules, estate: &estate, plan: &plan });
        assert!(judged.faults.iter().any(|f| f.contains("the plan says it costs")), "{judged:?}");
        turned += 1;
    }
    assert!(turned > 20, "{turned} turned");
}

/// Small worlds with one rule more.
fn hold_against_each_other(rules: &[&str]) {
    hold_in(world, rules);
}

fn hold_in(world: impl Fn(u64) -> World, rules: &[&str]) {
    let (mut found, mut none) = (0, 0);
    let worlds = (1_u64..).map(|seed| (seed, world(seed))).filter(|(_, world)| {
        lowered(world).is_some_and(|(_, l)| items(&l.problem) <= 3 && Exhaustive.takes(&l.problem))
    });
    for (seed, mut world) in worlds.take(60) {
        for rule in rules {
            world.goals.require.push(required(rule));
            match solved(seed, &world, rule) {
                Some(_) => found += 1,
                None => none += 1,
            }
            world.goals.require.pop();
        }
    }
    assert!(found > 50 && none > 10, "{found} found, {none} without a plan");
}

#[test]
fn certification_means_the_same_to_both_readings() {
    hold_against_each_other(&[
        "replicas().all(r, certified(r, \"iso27001\"))",
        "replicas(\"a\").exists(r, certified(r, [\"hipaa\", \"iso27001\"]))",
        "count(hosts, h, !certified(h, \"hipaa\")) <= 1",
        "hosts.all(h, h.cloud == \"red\" || certified(h, \"hipaa\"))",
        // From one replica to all: classes of places have to be told apart by what they are certified for.
        "replicas(\"a\").all(r, certified(r, \"hipaa\") || count(hosts, h, h.cloud == r.cloud) >= 2)",
        "replicas().all(r, !certified(r, \"iso27001\") || cost <= usd(9))",
    ]);
}

#[test]
fn carbon_means_the_same_to_both_readings() {
    hold_against_each_other(&[
        "carbon <= kg(3)",
        "sum(hosts, h, h.carbon) <= grams(1692.517) || count(hosts) == 1",
        "hosts.all(h, h.carbon < kg(2.5))",
        "replicas().all(r, r.carbonIntensity <= 334.5)",
        "max(replicas(\"a\"), r, r.carbonIntensity) + 1 <= 400",
    ]);
}

/// What a plan of the world emits at least, and the checker's word on it.
#[test]
fn the_least_carbon_is_found_and_shown() {
    let mut shown = 0;
    for seed in 1..=40 {
        let mut world = world(seed);
        world.goals = Goals {
            require: Vec::new(),
            objectives: vec![Objective {
                direction: Direction::Minimize,
                terms: vec![Term {
                    what: Located { value: "carbon".to_owned(), at: at(9) },
                    weight: Decimal::ONE,
                }],
                tolerance: Decimal::ZERO,
                at: at(9),
            }],
        };
        let Some((rules, lowered)) = lowered(&world) else { continue };
        let Outcome::Found(found) = solve(&lowered.problem, &Milp) else { continue };
        let mut plan = judged_plan(&world, &rules, &lowered, &found);
        assert!(plan.check.accepted, "seed {seed}: {:#?}", plan.check);
        let carbon = plan.carbon.clone().unwrap();
        assert_eq!(plan.objective[0].value, carbon.total, "seed {seed}");
        assert_eq!((&*plan.objective[0].unit, &*carbon.unit), ("g CO2e/month", "g CO2e/month"));
        let lie = Carbon { total: "1".to_owned(), ..carbon };
        plan.carbon = Some(lie);
        let estate = Arc::new(world.estate.clone());
        let (application, rules) = (&world.application, &rules);
        let judged = check(&Question { application, rules, estate: &estate, plan: &plan });
        assert!(judged.faults.iter().any(|f| f.contains("emits 1 g CO2e/month")), "{judged:?}");
        shown += 1;
    }
    assert!(shown > 20, "{shown} shown");
}

/// What is wrong with a rule over a small world.
fn mistakes(rule: &str, frameworks: &[&str]) -> String {
    let mut world = world(1);
    world.estate.frameworks = frameworks.iter().map(|f| (*f).into()).collect();
    let goals = Goals { require: vec![required(rule)], ..Goals::default() };
    let rules = understand(&world.application, &goals, &standard_library()).unwrap();
    match lower(&world.application, &rules, &world.estate) {
        Ok(_) => String::new(),
        Err(mistakes) => mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
    }
}

#[test]
fn frameworks_that_nobody_knows_are_mistakes() {
    let known = &["hipaa", "iso27001"][..];
    for (rule, frameworks, says) in [
        ("hosts.all(h, certified(h, [\"hipaa\", \"iso27001\"]))", known, ""),
        (
            "hosts.all(h, certified(h, [\"hipaa\", \"iso2701\"]))",
            known,
            "goals.yaml:40:41: no cloud is certified for \"iso2701\" (did you mean \"iso27001\"?)",
        ),
        (
            "hosts.all(h, certified(h, \"pci-dss\"))",
            known,
            "goals.yaml:40:31: no cloud is certified for \"pci-dss\" (known are hipaa, iso27001)",
        ),
        (
            "hosts.all(h, certified(h, \"hipaa\"))",
            &[],
            "goals.yaml:40:31: no cloud is certified for \"hipaa\" (no certifications are known \
             here: state them in the clouds file, certified: [...])",
        ),
    ] {
        assert_eq!(mistakes(rule, frameworks), says, "{rule}");
    }
}
