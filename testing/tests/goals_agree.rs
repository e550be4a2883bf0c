//! Random goals over every operator: the lowering and the checker read them alike on random
//! packings; the engines find the same optimum; the checker accepts the plan and refuses it spoilt.

#![allow(clippy::panic, reason = "a test that can't go on stops")]

use std::sync::Arc;

use coc_checker::{Question, check};
use coc_engine_exhaustive::Exhaustive;
use coc_engine_milp::Milp;
use coc_goals::rules::Rules;
use coc_model::application::Replicas;
use coc_model::goals::{
    Direction, Goals, Located, Objective, Policy, Requirement, RequirementBody, Term,
};
use coc_model::mistake::Position;
use coc_model::plan::{Placement, Plan};
use coc_optimizer::engine::{Engine, Proof};
use coc_optimizer::lower::Lowered;
use coc_optimizer::portfolio::{Found, Outcome, Reduction, TierValue};
use coc_optimizer::problem::{OptionId, Problem};
use coc_optimizer::solution::{Fault, HostUse, Solution, holds};
use coc_testing::expressions::Expressions;
use coc_testing::random::Random;
use coc_testing::solving::{items, judged_plan, lowered, solve, solve_after};
use coc_testing::worlds::{World, running, wide_world, with_data, world};

fn at(line: u32) -> Position {
    Position { file: Arc::from("goals.yaml"), line, column: 5 }
}

/// A world with one or two random goals and sometimes a random objective.
fn asked(seed: u64, mut world: World, depth: u32) -> World {
    let mut random = Random::new(seed ^ 0x60a1_5eed);
    let services: Vec<String> = world.application.services.keys().cloned().collect();
    let names = services.iter().map(String::as_str).collect();
    let goals = 1 + random.below(2);
    let own_objective = random.percent(40);
    world.before = if random.percent(50) { running(&mut random, &world) } else { None };
    if world.before.is_some() {
        with_data(&mut random, &mut world);
    }
    let improve = world.before.is_some() && random.percent(30);
    let policy = if improve { Policy::Improve } else { Policy::Must };
    let mut expressions = Expressions::new(&mut random, names);
    let mut asked = Goals::default();
    for line in 0..goals {
        let at = at(3 + u32::try_from(line).unwrap_or(0));
        let value = expressions.condition(depth);
        let body = RequirementBody::That(Located { value, at: at.clone() });
        asked.require.push(Requirement { body, policy, at });
    }
    if own_objective {
        let what = Located { value: expressions.objective(), at: at(20) };
        let terms = vec![Term { what, weight: coc_model::decimal::Decimal::ONE }];
        let directions = [Direction::Minimize, Direction::Maximize];
        let direction = *random.of(&directions);
        let tolerance = coc_model::decimal::Decimal::ZERO;
        asked.objectives.push(Objective { direction, terms, tolerance, at: at(20) });
    }
    world.goals = asked;
    world
}

/// Worlds whose goals can be lowered and whose packings can all be tried, of every `step` seeds one.
fn worlds(first: u64, step: u64) -> impl Iterator<Item = (u64, World, Rules, Lowered)> {
    (0_u64..).map(move |n| first + n * step).filter_map(|seed| {
        let world = asked(seed, world(seed), 3);
        let (rules, lowered) = lowered(&world)?;
        let fits = items(&lowered.problem) <= 3 && Exhaustive.takes(&lowered.problem);
        fits.then_some((seed, world, rules, lowered))
    })
}

/// Items put on hosts at random, of alternatives one at random.
fn packed(problem: &Problem, random: &mut Random) -> Option<Solution> {
    let mut hosts: Vec<HostUse> = Vec::new();
    let selections = problem.selections();
    for &group_id in random.of(&selections) {
        let group = &problem.groups[group_id.0];
        let may: Vec<OptionId> = (0..problem.options.len())
            .map(OptionId)
            .filter(|option| group.may_use(problem, *option))
            .collect();
        for _ in 0..group.count {
            if !hosts.is_empty() && random.percent(40) {
                let host = usize::try_from(random.below(hosts.len() as u64)).unwrap_or(0);
                match hosts[host].holds.iter_mut().find(|h| h.0 == group_id) {
                    Some(held) => held.1 += 1,
                    None => hosts[host].holds.push((group_id, 1)),
                }
            } else if may.is_empty() {
                return None;
            } else {
                hosts.push(HostUse { option: *random.of(&may), holds: vec![(group_id, 1)] });
            }
        }
    }
    let mut solution = Solution { hosts };
    solution.normalise();
    let faults = solution.worth(problem).faults;
    let structural = |f: &Fault| !matches!(f, Fault::Requirement { .. });
    (!faults.iter().any(structural)).then_some(solution)
}

fn found(lowered: &Lowered, solution: Solution) -> Found {
    let worth = solution.worth(&lowered.problem);
    let tiers = lowered.problem.tiers.iter().map(|tier| {
        let value = worth.value(&tier.objective);
        TierValue { value, bound: value, proved: true }
    });
    Found { solution, tiers: tiers.collect(), proof: Proof::default() }
}

/// On random packings a goal holds as lowered just when the checker says it does. Only rules that
/// keep what is not known from being chosen may be stricter.
fn read_alike(seed: u64, world: &World, rules: &Rules, lowered: &Lowered) -> u32 {
    let mut random = Random::new(seed ^ 0x00a1_1ce5);
    let mut compared = 0;
    for _ in 0..4 {
        let Some(solution) = packed(&lowered.problem, &mut random) else { continue };
        let worth = solution.worth(&lowered.problem);
        let broken = |stated: bool| {
            lowered
                .problem
                .requirements
                .iter()
                .any(|r| r.origin.at.is_some() == stated && !holds(&r.formula, &worth.measures))
        };
        let plan = judged_plan(world, rules, lowered, &found(lowered, solution));
        let satisfied = plan.check.accepted;
        let unknown_barred = broken(false);
        if unknown_barred {
            continue;
        }
        // How far a goal to improve is missed, the optimizer may see more sharply.
        let improves = rules.require.iter().any(|r| r.policy == Policy::Improve);
        assert_eq!(
            !broken(true) || (improves && satisfied),
            satisfied,
            "seed {seed}: {:#?}\n{:#?}\n{plan:#?}",
            texts(rules),
            plan.check.requirements,
        );
        // That a port is published twice on a host is no goal to the checker, which any of the
        // packings of an application that can't run may have.
        let of_ports = |fault: &String| fault.contains("is published twice");
        let impossible = broken(true) && plan.check.faults.iter().all(of_ports);
        assert!(
            plan.check.faults.is_empty() || impossible,
            "seed {seed}: {:?} {:#?}",
            plan.check.faults,
            texts(rules)
        );
        compared += 1;
    }
    compared
}

fn texts(rules: &Rules) -> Vec<String> {
    let tiers = rules.tiers.iter().flat_map(|t| t.terms.iter().map(|t| t.0.text.clone()));
    rules.require.iter().map(|r| r.source.text.clone()).chain(tiers).collect()
}

/// The values of all tiers at a proved optimum; `None` if it is proved that there is none.
fn optimum(
    seed: u64,
    rules: &Rules,
    problem: &Problem,
    engine: &dyn Engine,
) -> Option<(Vec<i128>, Found)> {
    match solve(problem, engine) {
        Outcome::Found(found) => {
            assert!(
                found.optimal(),
                "seed {seed}: {} is not proved: {found:?} {:#?}",
                engine.name(),
                texts(rules)
            );
            Some((found.tiers.iter().map(|t| t.value).collect(), found))
        }
        Outcome::Infeasible(_) => None,
        Outcome::Unknown(why, proof) => {
            panic!("seed {seed}: {}: {why} {proof:?} {:#?}", engine.name(), texts(rules))
        }
    }
}

fn judged(world: &World, rules: &Rules, plan: &Plan) -> bool {
    let estate = Arc::new(world.estate.clone());
    check(&Question { application: &world.application, rules, estate: &estate, plan }).accepted
}

/// The kinds of damage that the checker has to see.
const SPOILT: [&str; 7] = [
    "wrong cost",
    "moved replica",
    "over capacity",
    "broken goal",
    "wrong bound",
    "wrong number of replicas",
    "wrong numbering",
];

/// Spoils a plan in one way; `None` where this plan can't be spoilt so.
fn spoilt(plan: &Plan, world: &World, rules: &Rules, kind: &str) -> Option<(Plan, Rules)> {
    let mut spoilt = plan.clone();
    let mut goals = rules.clone();
    match kind {
        "wrong cost" => {
            let total = coc_model::money::Money::parse(&plan.cost.total).ok()?;
            spoilt.cost.total =
                (total + coc_model::money::Money::from_nano(10_000_000)).to_string();
        }
        "moved replica" => {
            // To another host, which then holds more than it says.
            let placement = spoilt.placements.first_mut()?;
            let other = plan.hosts.iter().find(|h| h.id != placement.host)?;
            placement.host.clone_from(&other.id);
        }
        "over capacity" => {
            // All on the first host.
            let first = plan.hosts.first()?;
            let offering = world.estate.offerings.iter().find(|o| {
                let site = &world.estate.sites[o.site.index()];
                *site.cloud == *first.cloud
                    && site.place.zone.as_deref() == first.zone.as_deref()
                    && *o.offer.name == *first.offer
            })?;
            let need: u64 = plan
                .placements
                .iter()
                .filter_map(|p| world.application.services[&p.service].needs.memory)
                .map(|m| m.0)
                .sum();
            if offering.offer.memory.is_none_or(|has| has.0 >= need) {
                return None;
            }
            let mut host = first.clone();
            host.holds.clear();
            for placement in &mut spoilt.placements {
                placement.host.clone_from(&host.id);
                host.holds.push((placement.service.clone(), placement.replica));
            }
            spoilt.hosts = vec![host];
        }
        "wrong number of replicas" => {
            // As many as a service may not have, all on one host.
            let (name, allowed) =
                world.application.services.iter().find_map(|(name, s)| match &s.replicas {
                    Replicas::OneOf(allowed) => Some((name, allowed)),
                    _ => None,
                })?;
            let like = plan.placements.iter().find(|p| p.service == *name)?.clone();
            let number = (1..).find(|number| !allowed.contains(number))?;
            let belongs = |service: &str, replica: u32| service != name || replica < number;
            spoilt.placements.retain(|p| belongs(&p.service, p.replica));
            for host in &mut spoilt.hosts {
                host.holds.retain(|(service, replica)| belongs(service, *replica));
            }
            let placed = spoilt.placements.iter().filter(|p| p.service == *name).count();
            for replica in u32::try_from(placed).ok()?..number {
                spoilt.placements.push(Placement { replica, ..like.clone() });
                let host = spoilt.hosts.iter_mut().find(|host| host.id == like.host)?;
                host.holds.push((name.clone(), replica));
            }
        }
        "wrong numbering" => {
            let last = spoilt.placements.last_mut()?;
            let (service, replica) = (last.service.clone(), last.replica);
            last.replica += 1;
            for host in &mut spoilt.hosts {
                for held in host.holds.iter_mut().filter(|h| **h == (service.clone(), replica)) {
                    held.1 += 1;
                }
            }
        }
        "broken goal" => {
            // The opposite is asked for.
            let rule = goals.require.first_mut().filter(|r| r.policy == Policy::Must)?;
            rule.source.text = format!("!({})", rule.source.text);
        }
        _ => {
            // What was stated: the tier of what only should hold or improve comes before it.
            let objective = spoilt.objective.last_mut()?;
            let value: coc_model::decimal::Decimal = objective.value.parse().ok()?;
            let better = match rules.tiers.last()?.direction {
                Direction::Minimize => value.atto() + coc_model::decimal::ONE,
                Direction::Maximize => value.atto() - coc_model::decimal::ONE,
            };
            objective.bound = coc_model::decimal::Decimal::from_atto(better).display(0);
        }
    }
    Some((spoilt, goals))
}

/// A quarter of the 10,000 problems: the tests run side by side.
fn agree(quarter: u64) {
    let (mut compared, mut solved, mut impossible) = (0, 0, 0);
    let mut seen = [0; SPOILT.len()];
    for (seed, world, rules, lowered) in worlds(quarter, 4).take(2_500) {
        compared += read_alike(seed, &world, &rules, &lowered);
        let expected = optimum(seed, &rules, &lowered.problem, &Exhaustive);
        let got = optimum(seed, &rules, &lowered.problem, &Milp);
        assert_eq!(
            got.as_ref().map(|g| &g.0),
            expected.as_ref().map(|e| &e.0),
            "seed {seed}: {:#?}",
            texts(&rules)
        );
        let Some((_, found)) = got else {
            impossible += 1;
            continue;
        };
        solved += 1;
        let plan = judged_plan(&world, &rules, &lowered, &found);
        assert!(plan.check.accepted, "seed {seed}: {:#?}\n{plan:#?}", texts(&rules));
        for (kind, seen) in SPOILT.iter().zip(&mut seen) {
            if let Some((plan, rules)) = spoilt(&plan, &world, &rules, kind) {
                assert!(
                    !judged(&world, &rules, &plan),
                    "seed {seed}: {kind} was accepted: {plan:#?}"
                );
                *seen += 1;
            }
        }
    }
    println!(
        "{compared} packings compared, {solved} solved, {impossible} impossible, spoilt {seen:?}"
    );
    // The generator must keep giving all kinds.
    assert!(compared > 3_000 && solved > 800 && impossible > 200);
    assert!(seen.iter().all(|n| *n > 100), "{seen:?}");
}

#[test]
fn a_choice_among_many_sites_loses_nothing_whatever_is_asked() {
    let (mut solved, mut chosen) = (0, 0);
    for seed in 1..=80 {
        let world = asked(seed, wide_world(seed), 2);
        let Some((rules, lowered)) = lowered(&world) else { continue };
        // That a cost is one number exactly is not proved in a minute over so many sites.
        if texts(&rules).iter().any(|t| t.contains("cost") && t.contains("== usd(")) {
            continue;
        }
        let whole = solve_after(Reduction::Presolve, &lowered.problem, &Milp);
        let by_choice = solve_after(Reduction::Sites, &lowered.problem, &Milp);
        let (Outcome::Found(whole), Outcome::Found(found)) = (&whole, &by_choice) else {
            let none = |outcome: &Outcome| matches!(outcome, Outcome::Infeasible(_));
            assert!(none(&whole) && none(&by_choice), "seed {seed}: {:#?}", texts(&rules));
            continue;
        };
        assert!(whole.optimal() && found.optimal(), "seed {seed}: {:#?}", texts(&rules));
        let values = |found: &Found| found.tiers.iter().map(|t| t.value).collect::<Vec<_>>();
        assert_eq!(values(found), values(whole), "seed {seed}: {:#?}", texts(&rules));
        let plan = judged_plan(&world, &rules, &lowered, found);
        assert!(plan.check.accepted, "seed {seed}: {:#?} {:#?}", texts(&rules), plan.check);
        solved += 1;
        chosen += usize::from(found.proof.notes.iter().any(|n| n.contains("sites can matter")));
    }
    assert!(solved > 40 && chosen > 5, "{solved} solved, {chosen} over chosen sites");
}

#[test]
fn random_goals_first_quarter() {
    agree(1);
}

#[test]
fn random_goals_second_quarter() {
    agree(2);
}

#[test]
fn random_goals_third_quarter() {
    agree(3);
}

#[test]
fn random_goals_fourth_quarter() {
    agree(4);
}
