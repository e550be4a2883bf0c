//! Twelve services over everything that the built-in catalog knows: time and memory of a proved plan,
//! and OR-Tools CP-SAT on the same problem as a direct assignment model.

use std::path::Path;
use std::time::{Duration, Instant};

use coc_benches::planning::Case;
use coc_benches::{peak_kib, rival};
use coc_model::plan::Status;
use coc_optimizer::presolve::presolve;

/// How often the plan is made; the middle one counts.
const RUNS: usize = 5;

/// How long the rival may take, in seconds.
const RIVAL_LIMIT: u32 = 600;

fn main() -> Result<(), String> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut times = Vec::new();
    let mut cost = String::new();
    for _ in 0..RUNS {
        let begun = Instant::now();
        let case = Case::open(&here.join("apps/robot-shop.yaml"))?;
        let opened = begun.elapsed();
        let plan = case.plan()?;
        times.push((begun.elapsed(), opened));
        if plan.status != Status::Optimal || !plan.check.accepted {
            return Err(format!("the plan is not a proved one: {:?}", plan.status));
        }
        cost = plan.cost.total.to_string();
    }
    times.sort();
    let (ours, opened) = times[RUNS / 2];
    println!("robot-shop over the built-in catalog: {cost} USD/month, proved");
    println!("  reading, catalog, estate   {:>10}", shown(opened));
    println!("  in all, to a checked plan  {:>10}  (the middle of {RUNS})", shown(ours));
    if let Some(kib) = peak_kib() {
        println!("  peak resident              {:>7} MB", kib / 1000);
    }
    beside_cp_sat(here, &cost, ours)
}

/// The rival gets the problem after our presolve has taken out what can't be part of an optimum,
/// which it would not get from anybody else.
fn beside_cp_sat(here: &Path, cost: &str, ours: Duration) -> Result<(), String> {
    let case = Case::open(&here.join("apps/robot-shop.yaml"))?;
    let whole = case.problem()?;
    let problem = presolve(&whole).problem;
    let file = std::env::temp_dir().join(format!("coc-bench-{}.json", std::process::id()));
    let text = rival::document(&problem)?.to_string();
    std::fs::write(&file, text).map_err(|e| e.to_string())?;
    let answer = rival::run(&here.join("rivals"), "cpsat", &file, RIVAL_LIMIT);
    std::fs::remove_file(&file).map_err(|e| e.to_string())?;
    let answer = answer?;
    println!(
        "CP-SAT, {} of the {} options, {} groups, {} sites: {}",
        problem.options.len(),
        whole.options.len(),
        problem.groups.len(),
        problem.sites.len(),
        answer.status
    );
    let dollars = |nano: Option<i64>| {
        nano.map_or("none".to_owned(), |n| {
            format!("{}.{:09}", n / 1_000_000_000, n % 1_000_000_000)
        })
    };
    println!("  objective {}, bound {}", dollars(answer.objective), dollars(answer.bound));
    println!("  model {:.2} s, solved in {:.2} s", answer.build_s, answer.solve_s);
    if answer.status == "optimal" {
        let same = dollars(answer.objective).trim_end_matches('0') == cost.trim_end_matches('0');
        if !same {
            return Err(format!("CP-SAT's optimum is not ours, {cost}"));
        }
    }
    let ratio = (answer.build_s + answer.solve_s) / ours.as_secs_f64();
    println!("  ours, with catalog and checker: {ratio:.1} times faster");
    Ok(())
}

fn shown(time: Duration) -> String {
    format!("{} ms", time.as_millis())
}
