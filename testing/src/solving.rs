//! Worlds solved by an engine, and the plans that come of it.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use coc_checker::{Question, check};
use coc_goals::library::standard_library;
use coc_goals::rules::{Rules, understand};
use coc_model::plan::{Check, Evidence, Inputs, Plan, Status};
use coc_optimizer::engine::{Budget, Engine};
use coc_optimizer::lower::{Lowered, lower_after};
use coc_optimizer::portfolio::{Found, Outcome, Reduction, optimize_after};
use coc_optimizer::problem::{GroupId, Problem};
use coc_optimizer::reading::read;

use crate::worlds::World;

/// Goals and problem of a world; `None` if some goal of it can't be lowered.
pub fn lowered(world: &World) -> Option<(Rules, Lowered)> {
    let rules = understand(&world.application, &world.goals, &standard_library()).ok()?;
    let before = world.before.as_ref();
    let lowered = lower_after(before, &world.application, &rules, &world.estate).ok()?;
    Some((rules, lowered))
}

/// What one engine makes of a problem, given a minute.
pub fn solve(problem: &Problem, engine: &dyn Engine) -> Outcome {
    solve_after(Reduction::Full, problem, engine)
}

/// The same with the problem made smaller in one way or another.
pub fn solve_after(reduction: Reduction, problem: &Problem, engine: &dyn Engine) -> Outcome {
    let cancel = AtomicBool::new(false);
    let minute = || Duration::from_secs(60);
    let budget = Budget { time_left: &minute, gap_ppm: 0, seed: 0, cancel: &cancel };
    optimize_after(reduction, problem, &[engine], budget)
}

/// The most items that a packing of a problem has.
pub fn items(problem: &Problem) -> i64 {
    let all: Vec<GroupId> = (0..problem.groups.len()).map(GroupId).collect();
    problem.items_of(&all).1
}

/// The plan of a solution, without native resources, judged by the checker.
pub fn judged_plan(world: &World, rules: &Rules, lowered: &Lowered, found: &Found) -> Plan {
    let reading = read(&world.application, &world.estate, lowered, found);
    let mut plan = Plan {
        plan: "test".to_owned(),
        parent: None,
        application: world.application.name.clone(),
        status: if found.optimal() { Status::Optimal } else { Status::Feasible },
        objective: reading.objective,
        cost: reading.cost,
        carbon: reading.carbon,
        placements: reading.placements,
        hosts: reading.hosts,
        resources: Vec::new(),
        check: Check { accepted: false, requirements: Vec::new(), faults: Vec::new() },
        assumed: lowered.demands.assumed.clone(),
        unknown: reading.unknown,
        evidence: Evidence::default(),
        conflict: Vec::new(),
        relaxations: Vec::new(),
        tradeoff: None,
        before: world.before.clone(),
        inputs: Inputs::default(),
    };
    let estate = Arc::new(world.estate.clone());
    let question =
        Question { application: &world.application, rules, estate: &estate, plan: &plan };
    plan.check = check(&question);
    plan
}
