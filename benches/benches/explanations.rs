//! Explanations beside the plan they explain, in one run: the minimal conflict of twelve goals on ten
//! drawn instances, and surfaces over two objectives. Prints seconds.

use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use coc_benches::regions::{application, estate, twelve_goals};
use coc_engine_exhaustive::Exhaustive;
use coc_engine_milp::Milp;
use coc_goals::library::standard_library;
use coc_goals::rules::understand;
use coc_model::decimal::Decimal;
use coc_model::goals::{Direction, Goals, Located, Objective, Term};
use coc_model::mistake::Position;
use coc_optimizer::conflict::conflict;
use coc_optimizer::engine::{Budget, Engine};
use coc_optimizer::explain::surface::surface;
use coc_optimizer::lower::{Lowered, lower};
use coc_optimizer::portfolio::{Outcome, optimize};

const ENGINES: &[&dyn Engine] = &[&Milp, &Exhaustive];
const CONFLICTS: usize = 10;
const LIMIT: Duration = Duration::from_secs(60);

fn timed<T>(work: impl FnOnce(Budget<'_>) -> T) -> (T, f64) {
    let begun = Instant::now();
    let cancel = AtomicBool::new(false);
    let time_left = || LIMIT.saturating_sub(begun.elapsed());
    let answer = work(Budget { time_left: &time_left, gap_ppm: 0, seed: 0, cancel: &cancel });
    (answer, begun.elapsed().as_secs_f64())
}

fn lowered(seed: u64, goals: &Goals) -> Result<Lowered, String> {
    let application = application(seed);
    let rules = understand(&application, goals, &standard_library()).map_err(|e| e.to_string())?;
    lower(&application, &rules, &estate(seed)).map_err(|e| e.to_string())
}

/// The minimal conflicts of the first instances that no plan can satisfy.
fn conflicts() -> Result<(), String> {
    println!("minimal conflicts of twelve goals, 12 services, 16 regions:");
    let (mut found, mut longest) = (0, 0.0_f64);
    for seed in 0_u64.. {
        let lowered = lowered(seed * 1_000, &twelve_goals(seed * 1_000))?;
        let (outcome, plan) = timed(|budget| optimize(&lowered.problem, ENGINES, budget));
        if !matches!(outcome, Outcome::Infeasible(_)) {
            continue;
        }
        let (conflict, time) = timed(|budget| conflict(&lowered.problem, ENGINES, budget));
        let goals: Vec<&str> = conflict.rules.iter().map(|(_, o)| &*o.says).collect();
        println!(
            "  seed {seed:2}  {time:.3} s (infeasible in {plan:.3} s), {} goals{}: {}",
            goals.len(),
            if conflict.minimal { "" } else { ", not proved minimal" },
            goals.join("; "),
        );
        (found, longest) = (found + 1, longest.max(time));
        if found == CONFLICTS {
            break;
        }
    }
    println!("  the longest took {longest:.3} s");
    Ok(())
}

fn objective(what: &str) -> Objective {
    let at = Position { file: "goals.yaml".into(), line: 1, column: 1 };
    Objective {
        direction: Direction::Minimize,
        terms: vec![Term {
            what: Located { value: what.to_owned(), at: at.clone() },
            weight: Decimal::ONE,
        }],
        tolerance: Decimal::ZERO,
        at,
    }
}

/// Surfaces over cost and carbon, and the plan that costs least.
fn surfaces() -> Result<(), String> {
    println!("surfaces over cost and carbon, and the plan that costs least:");
    for seed in 0..3 {
        let over = |objectives: &[&str]| Goals {
            objectives: objectives.iter().map(|o| objective(o)).collect(),
            ..Goals::default()
        };
        let alone = lowered(seed * 1_000, &over(&["cost"]))?;
        let (outcome, plan) = timed(|budget| optimize(&alone.problem, ENGINES, budget));
        if !matches!(outcome, Outcome::Found(found) if found.optimal()) {
            return Err("the plan is not a proved one".to_owned());
        }
        let both = lowered(seed * 1_000, &over(&["cost", "carbon"]))?;
        let (found, time) = timed(|budget| {
            surface(&both.problem, both.violation_tiers, ENGINES, budget, &mut |_| {})
        });
        println!(
            "  seed {seed}  {} points{} in {time:.3} s, {:.1} plans of {plan:.3} s",
            found.points.len(),
            if found.complete { "" } else { " (not all)" },
            time / plan,
        );
    }
    Ok(())
}

fn main() -> Result<(), String> {
    conflicts()?;
    surfaces()
}
