//! A thousand goals over a hundred services and every region of the built-in catalog: read, typed and
//! lowered. And a plan of a thousand services, judged by the checker. Prints milliseconds; the least of
//! several runs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use coc_checker::{Question, check};
use coc_control::planning::estate::{Detail, of_catalog};
use coc_goals::library::standard_library;
use coc_goals::rules::understand;
use coc_model::application::{Application, Link, Service};
use coc_model::estate::Estate;
use coc_model::goals::{Goals, Located, Policy, Requirement, RequirementBody};
use coc_model::mistake::Position;
use coc_model::plan::{Check, Evidence, Inputs, Plan, Status};
use coc_model::quantity::Traffic;
use coc_optimizer::engine::Proof;
use coc_optimizer::lower::{Lowered, lower};
use coc_optimizer::portfolio::{Found, TierValue};
use coc_optimizer::problem::{GroupId, OptionId};
use coc_optimizer::reading::read;
use coc_optimizer::solution::{HostUse, Solution};

const SERVICES: usize = 100;
const GOALS: usize = 1_000;
const JUDGED: usize = 1_000;
const RUNS: usize = 5;

fn at(line: usize) -> Position {
    let line = u32::try_from(line + 1).unwrap_or(u32::MAX);
    Position { file: Arc::from("goals.yaml"), line, column: 5 }
}

fn name(service: usize) -> String {
    format!("s{service:04}")
}

fn application(size: usize) -> Application {
    let services = (0..size).map(|s| (name(s), Service::container(at(s))));
    let links = (0..size).map(|s| Link {
        from: name(s),
        to: name((s + 1) % size),
        port: None,
        traffic: Some(Traffic(1_000_000_000)),
        latency: None,
        at: at(s),
        inferred: None,
    });
    Application {
        name: "wide".to_owned(),
        services: services.collect(),
        links: links.collect(),
        volumes: BTreeMap::new(),
        keys: Vec::new(),
    }
}

/// Ten kinds of goals in turn, over all services.
fn goals() -> Goals {
    let text = |goal: usize| {
        let (a, b) = (name(goal / 10), name((goal / 10 + 7) % SERVICES));
        match goal % 10 {
            0 => format!("replicas(\"{a}\").all(r, inside(r, \"EU\"))"),
            1 => format!("replicas(\"{a}\").all(r, r.cloud != \"azure\")"),
            2 => format!("latency(\"{a}\", \"{b}\") <= ms(40)"),
            3 => format!(
                "replicas(\"{a}\").all(r, replicas(\"{b}\").all(q, r.country == q.country))"
            ),
            4 => format!("cost <= usd({})", 10_000 + goal),
            5 => format!("count(replicas([\"{a}\", \"{b}\"]), r, r.cloud == \"aws\") <= 1"),
            6 => format!("replicas(\"{a}\").exists(r, !inside(r, \"DE\"))"),
            7 => format!("spend(\"aws\") <= 0.6 * cost + usd({goal})"),
            8 => format!("distinct(replicas([\"{a}\", \"{b}\"]), r, r.region) <= 2"),
            _ => format!("count(hosts) <= {}", 50 + goal),
        }
    };
    let require = (0..GOALS).map(|goal| Requirement {
        body: RequirementBody::That(Located { value: text(goal), at: at(goal) }),
        policy: Policy::Must,
        at: at(goal),
    });
    Goals { require: require.collect(), objectives: Vec::new() }
}

/// Ten services on each of a hundred machines of one kind.
fn plan_of_many(
    application: &Application,
    lowered: &Lowered,
    estate: &Estate,
) -> Result<Plan, String> {
    let problem = &lowered.problem;
    let room = |option: &usize| {
        let capacity = &problem.options[*option].capacity;
        problem.groups[0].demand.iter().zip(capacity).all(|(need, have)| need * 10 <= *have)
            && problem.groups[0].may_use(problem, OptionId(*option))
    };
    let option = (0..problem.options.len()).find(room).ok_or("no machine is large enough")?;
    let hosts = (0..problem.groups.len()).step_by(10).map(|first| HostUse {
        option: OptionId(option),
        holds: (first..first + 10).map(|group| (GroupId(group), 1)).collect(),
    });
    let solution = Solution { hosts: hosts.collect() };
    let worth = solution.worth(problem);
    let tiers = problem.tiers.iter().map(|tier| {
        let value = worth.value(&tier.objective);
        TierValue { value, bound: value, proved: true }
    });
    let found = Found { tiers: tiers.collect(), solution, proof: Proof::default() };
    let reading = read(application, estate, lowered, &found);
    Ok(Plan {
        plan: String::new(),
        parent: None,
        application: application.name.clone(),
        status: Status::Optimal,
        objective: reading.objective,
        cost: reading.cost,
        placements: reading.placements,
        hosts: reading.hosts,
        resources: Vec::new(),
        check: Check { accepted: false, requirements: Vec::new(), faults: Vec::new() },
        assumed: lowered.demands.assumed.clone(),
        unknown: Vec::new(),
        evidence: Evidence::default(),
        conflict: Vec::new(),
        relaxations: Vec::new(),
        tradeoff: None,
        before: None,
        carbon: None,
        inputs: Inputs::default(),
    })
}

/// How long the checker takes for a plan of many services, in seconds.
fn judging(estate: &Arc<Estate>) -> Result<f64, String> {
    let application = application(JUDGED);
    let rules = understand(&application, &Goals::default(), &standard_library())
        .map_err(|e| e.to_string())?;
    let lowered = lower(&application, &rules, estate).map_err(|e| e.to_string())?;
    let plan = plan_of_many(&application, &lowered, estate)?;
    let mut least = f64::INFINITY;
    for _ in 0..RUNS {
        let begun = Instant::now();
        let judged =
            check(&Question { application: &application, rules: &rules, estate, plan: &plan });
        least = least.min(begun.elapsed().as_secs_f64());
        if !judged.accepted {
            return Err(format!("the checker refused the plan: {:?}", judged.faults.first()));
        }
    }
    Ok(least)
}

fn main() -> Result<(), String> {
    let (application, goals) = (application(SERVICES), goals());
    let catalog = coc_catalog::builtin().map_err(|e| e.to_string())?;
    let estate = Arc::new(of_catalog(&catalog, Detail::default()));
    let library = standard_library();
    let none = understand(&application, &Goals::default(), &library).map_err(|e| e.to_string())?;
    let (mut read, mut lowered, mut bare) = (f64::INFINITY, f64::INFINITY, f64::INFINITY);
    for _ in 0..RUNS {
        let begun = Instant::now();
        let rules = understand(&application, &goals, &library).map_err(|e| e.to_string())?;
        read = read.min(begun.elapsed().as_secs_f64());
        let begun = Instant::now();
        lower(&application, &rules, &estate).map_err(|e| e.to_string())?;
        lowered = lowered.min(begun.elapsed().as_secs_f64());
        let begun = Instant::now();
        lower(&application, &none, &estate).map_err(|e| e.to_string())?;
        bare = bare.min(begun.elapsed().as_secs_f64());
    }
    println!(
        "{GOALS} goals, {SERVICES} services, {} sites, {} offerings: read and typed {:.0} ms, lowered {:.0} ms, of which without goals {:.0} ms",
        estate.sites.len(),
        estate.offerings.len(),
        read * 1e3,
        lowered * 1e3,
        bare * 1e3,
    );
    println!("a plan of {JUDGED} services judged in {:.0} ms", judging(&estate)? * 1e3);
    Ok(())
}
