//! The exhaustive and the mixed-integer engine agree on a thousand small worlds.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use coc_engine_exhaustive::Exhaustive;
use coc_engine_milp::Milp;
use coc_goals::library::standard_library;
use coc_goals::rules::understand;
use coc_optimizer::engine::{Budget, Engine};
use coc_optimizer::lower::lower;
use coc_optimizer::portfolio::{Outcome, optimize};
use coc_optimizer::problem::Problem;
use coc_testing::worlds::{World, world};

const MINUTE: fn() -> Duration = || Duration::from_secs(60);

fn solve(problem: &Problem, engine: &dyn Engine) -> Outcome {
    let cancel = AtomicBool::new(false);
    let budget = Budget { time_left: &MINUTE, gap_ppm: 0, seed: 0, cancel: &cancel };
    optimize(problem, &[engine], budget)
}

/// The values of all tiers of an optimum; `None` if there is none.
fn values(problem: &Problem, engine: &dyn Engine, seed: u64) -> Option<Vec<i128>> {
    match solve(problem, engine) {
        Outcome::Found(found) => {
            assert!(found.optimal(), "seed {seed}: {} is not proved: {found:?}", engine.name());
            let worth = found.solution.worth(problem);
            assert!(worth.feasible(), "seed {seed}: {} is wrong: {:?}", engine.name(), worth.faults);
            Some(found.tiers.iter().map(|t| t.value).collect())
        }
        Outcome::Infeasible(_) => None,
        Outcome::Unknown(why, _) => panic!("seed {seed}: {}: {why}", engine.name()),
    }
}

fn problem(world: &World) -> Problem {
    let rules = understand(&world.application, &world.goals, &standard_library());
    let rules = rules.unwrap_or_else(|m| panic!("{m}"));
    match lower(&world.application, &rules, &world.estate) {
        Ok(lowered) => lowered.problem,
        Err(mistakes) => panic!("{mistakes}"),
    }
}

#[test]
fn exhaustive_and_milp_agree_on_a_thousand_worlds() {
    let (mut solved, mut impossible, mut seed) = (0, 0, 0_u64);
    while solved + impossible < 1000 {
        seed += 1;
        let world = world(seed);
        let Some(problem) = small(&world) else { continue };
        let expected = values(&problem, &Exhaustive, seed);
        let found = values(&problem, &Milp, seed);
        assert_eq!(found, expected, "seed {seed}");
        if expected.is_some() { solved += 1 } else { impossible += 1 }
    }
    // The generator must keep giving both kinds.
    assert!(solved > 300 && impossible > 100, "{solved} solved, {impossible} impossible");
}

/// The problem of a world, if its rules can be lowered and every packing can be tried.
fn small(world: &World) -> Option<Problem> {
    let rules = understand(&world.application, &world.goals, &standard_library()).ok()?;
    let lowered = lower(&world.application, &rules, &world.estate).ok()?;
    let _ = problem;
    let items: i64 = lowered.problem.groups.iter().map(|g| g.count).sum();
    (items <= 4 && Exhaustive.takes(&lowered.problem)).then_some(lowered.problem)
}
