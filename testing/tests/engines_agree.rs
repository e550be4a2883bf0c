//! A thousand small worlds: the engines agree on every optimum, the checker accepts the plans, and
//! what must not matter does not.

#![allow(clippy::panic, reason = "a test that can't go on stops")]

use std::collections::BTreeMap;

use coc_engine_exhaustive::Exhaustive;
use coc_engine_milp::Milp;
use coc_model::goals::{Located, RequirementBody};
use coc_optimizer::engine::Engine;
use coc_optimizer::portfolio::{Outcome, Reduction};
use coc_optimizer::problem::Problem;
use coc_testing::solving::{items, judged_plan, lowered, solve, solve_after};
use coc_testing::worlds::{World, wide_world, world};

/// Worlds in which every packing can be tried, from the first seed on.
fn small_worlds() -> impl Iterator<Item = (u64, World)> {
    (1_u64..).map(|seed| (seed, world(seed))).filter(|(_, world)| {
        lowered(world).is_some_and(|(_, lowered)| {
            items(&lowered.problem) <= 4 && Exhaustive.takes(&lowered.problem)
        })
    })
}

/// The values of all tiers of a proved optimum; `None` if it is proved that there is none.
fn values(problem: &Problem, engine: &dyn Engine, seed: u64) -> Option<Vec<i128>> {
    judged(solve(problem, engine), problem, engine, seed)
}

/// The same with nothing taken out of the problem before.
fn values_of_whole(problem: &Problem, engine: &dyn Engine, seed: u64) -> Option<Vec<i128>> {
    judged(solve_after(Reduction::Nothing, problem, engine), problem, engine, seed)
}

fn judged(
    outcome: Outcome,
    problem: &Problem,
    engine: &dyn Engine,
    seed: u64,
) -> Option<Vec<i128>> {
    match outcome {
        Outcome::Found(found) => {
            assert!(found.optimal(), "seed {seed}: {} is not proved: {found:?}", engine.name());
            let worth = found.solution.worth(problem);
            assert!(
                worth.feasible(),
                "seed {seed}: {} is wrong: {:?}",
                engine.name(),
                worth.faults
            );
            Some(found.tiers.iter().map(|t| t.value).collect())
        }
        Outcome::Infeasible(_) => None,
        Outcome::Unknown(why, _) => panic!("seed {seed}: {}: {why}", engine.name()),
    }
}

#[test]
fn exhaustive_and_milp_agree_and_the_checker_accepts() {
    let (mut solved, mut impossible) = (0, 0);
    for (seed, world) in small_worlds().take(1000) {
        let Some((rules, lowered)) = lowered(&world) else { continue };
        let expected = values_of_whole(&lowered.problem, &Exhaustive, seed);
        assert_eq!(values_of_whole(&lowered.problem, &Milp, seed), expected, "seed {seed}");
        assert_eq!(values(&lowered.problem, &Exhaustive, seed), expected, "seed {seed} reduced");
        assert_eq!(values(&lowered.problem, &Milp, seed), expected, "seed {seed} reduced");
        match solve(&lowered.problem, &Milp) {
            Outcome::Found(found) => {
                let plan = judged_plan(&world, &rules, &lowered, &found);
                assert!(plan.check.accepted, "seed {seed}: {:#?}\n{plan:#?}", plan.check);
                solved += 1;
            }
            _ => impossible += 1,
        }
    }
    // The generator must keep giving both kinds.
    assert!(solved > 300 && impossible > 100, "{solved} solved, {impossible} impossible");
}

#[test]
fn a_choice_among_many_sites_loses_nothing() {
    let (mut solved, mut chosen) = (0, 0);
    for seed in 1..=150 {
        let Some((_, lowered)) = lowered(&wide_world(seed)) else { continue };
        let whole = solve_after(Reduction::Presolve, &lowered.problem, &Milp);
        let expected = judged(whole, &lowered.problem, &Milp, seed);
        let outcome = solve_after(Reduction::Sites, &lowered.problem, &Milp);
        if let Outcome::Found(found) = &outcome {
            solved += 1;
            let by_sites = |note: &String| note.contains("sites can matter");
            chosen += usize::from(found.proof.notes.iter().any(by_sites));
        }
        assert_eq!(judged(outcome, &lowered.problem, &Milp, seed), expected, "seed {seed}");
    }
    // The generator must keep giving worlds where it matters.
    assert!(solved > 75 && chosen > 30, "{solved} solved, {chosen} over chosen sites");
}

#[test]
fn a_removed_requirement_never_makes_the_optimum_worse() {
    let mut compared = 0;
    for (seed, mut world) in small_worlds().filter(|(_, w)| !w.goals.require.is_empty()).take(300) {
        let first = |world: &World| {
            let (_, lowered) = lowered(world)?;
            values(&lowered.problem, &Milp, seed)?.first().copied()
        };
        // Tiers of wishes come and go with their requirements: compare like with like.
        world.goals.require.iter_mut().for_each(|r| r.policy = coc_model::goals::Policy::Must);
        // A tolerance gives some of the first tier away for later ones.
        let zero = coc_model::decimal::Decimal::ZERO;
        world.goals.objectives.iter_mut().for_each(|o| o.tolerance = zero);
        let Some(whole) = first(&world) else { continue };
        for index in 0..world.goals.require.len() {
            let mut fewer = world.clone();
            fewer.goals.require.remove(index);
            let without = first(&fewer);
            assert!(
                without.is_some_and(|w| w <= whole),
                "seed {seed}: {without:?} against {whole}"
            );
            compared += 1;
        }
    }
    assert!(compared > 100, "{compared} compared");
}

#[test]
fn renaming_and_reordering_change_nothing() {
    for (seed, world) in small_worlds().take(300) {
        let optimum =
            |world: &World| lowered(world).and_then(|(_, l)| values(&l.problem, &Milp, seed));
        let expected = optimum(&world);
        let mut reordered = world.clone();
        reordered.goals.require.reverse();
        reordered.application.links.reverse();
        reordered.estate.offerings.reverse();
        assert_eq!(optimum(&reordered), expected, "seed {seed} reordered");
        assert_eq!(optimum(&renamed(&world)), expected, "seed {seed} renamed");
    }
}

/// The same world, its services called by other names in another order.
fn renamed(world: &World) -> World {
    let name = |old: &str| match old {
        "a" => "zebra".to_owned(),
        "b" => "yak".to_owned(),
        other => format!("x-{other}"),
    };
    let mut renamed = world.clone();
    renamed.application.services = world
        .application
        .services
        .iter()
        .map(|(n, s)| (name(n), s.clone()))
        .collect::<BTreeMap<_, _>>();
    for link in &mut renamed.application.links {
        (link.from, link.to) = (name(&link.from), name(&link.to));
    }
    let rewrite = |text: &str| {
        let quoted = |from: &str, to: &str, text: String| {
            text.replace(&format!("\"{from}\""), &format!("\"{to}\""))
        };
        ["a", "b", "c", "d"].iter().fold(text.to_owned(), |t, n| quoted(n, &name(n), t))
    };
    for requirement in &mut renamed.goals.require {
        if let RequirementBody::That(Located { value, .. }) = &mut requirement.body {
            *value = rewrite(value);
        }
    }
    for objective in &mut renamed.goals.objectives {
        for term in &mut objective.terms {
            term.what.value = rewrite(&term.what.value);
        }
    }
    renamed
}
