//! Planning: from an application, goals and an estate to a plan that the checker accepts, or to the
//! reasons why there is none.

pub mod assumed;
pub mod estate;
pub mod explain;
mod power;
mod purchase;
pub mod surface;
mod tradeoff;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use coc_checker::{Question, check};
use coc_cloud::Cloud;
use coc_cloud::cloud::{Ask, AskedHost, AskedReplica};
use coc_goals::expression::{Expression, Node, Property};
use coc_goals::rules::Rules;
use coc_model::application::Application;
use coc_model::canonical;
use coc_model::estate::{Estate, Unknown};
use coc_model::goals::Policy;
use coc_model::marks::{base32, digest};
use coc_model::mistake::{MistakeLog, Mistakes};
use coc_model::plan::{
    Before, Check, ConflictItem, Cost, Evidence, Host, Inputs, Plan, PlannedResource, Relaxation,
    Status,
};
use coc_optimizer::conflict::{Conflict, changes, conflict};
use coc_optimizer::engine::{Budget, Engine, Proof};
use coc_optimizer::explain::pairs::pair_changes;
use coc_optimizer::lower::{Lowered, lower_after};
use coc_optimizer::portfolio::{Found, Outcome, optimize};
use coc_optimizer::problem::Origin;
use coc_optimizer::reading::read;
use thiserror::Error;

use purchase::not_to_be_bought;
use tradeoff::tradeoff;

/// What is to be planned, and with what.
pub struct Request<'a> {
    /// The application.
    pub application: &'a Application,
    /// Its goals, understood.
    pub rules: &'a Rules,
    /// The clouds.
    pub estate: &'a Arc<Estate>,
    /// The engines, in the order they are asked.
    pub engines: &'a [&'a dyn Engine],
    /// How much time is left.
    pub time_left: &'a (dyn Fn() -> Duration + Sync),
    /// How much time has passed, for the evidence.
    pub time_passed: &'a (dyn Fn() -> Duration + Sync),
    /// Stop at this gap, in parts per million.
    pub gap_ppm: u64,
    /// The drivers of the mounted clouds.
    pub clouds: &'a [Arc<dyn Cloud>],
    /// What the plan is made from.
    pub inputs: Inputs,
    /// The plan that the new one comes after.
    pub parent: Option<&'a Plan>,
    /// The goals of that plan, if they are known.
    pub rules_before: Option<&'a Rules>,
    /// What runs now.
    pub before: Option<&'a Before>,
    /// Set by whoever no longer wants the answer.
    pub cancel: &'a AtomicBool,
}

/// Why there is no plan document at all.
#[derive(Debug, Error)]
pub enum PlanningError {
    /// The input is wrong.
    #[error(transparent)]
    Mistakes(#[from] Mistakes),
    /// The checker does not agree with the optimizer: a fault of this program.
    #[error(
        "the plan was refused by the checker, which is a fault of this program and not of your input: {0}"
    )]
    Refused(String),
}

/// True if goals look at what runs when the plan is made.
fn looks_at_what_runs(rules: &Rules) -> bool {
    rules.require.iter().any(|rule| rule.policy == Policy::Improve)
        || looks_at(rules, |node| matches!(node, Node::Moved | Node::MoveCost))
}

/// True if some goal has a node that passes a test.
fn looks_at(rules: &Rules, test: impl Fn(&Node) -> bool) -> bool {
    let mut looks = false;
    let mut visit = |e: &Expression| looks |= test(&e.node);
    for rule in &rules.require {
        walk(&rule.expression, &mut visit);
    }
    for tier in &rules.tiers {
        for (_, expression, _) in &tier.terms {
            walk(expression, &mut visit);
        }
    }
    looks
}

fn walk(expression: &Expression, visit: &mut impl FnMut(&Expression)) {
    visit(expression);
    for part in expression.children() {
        walk(part, visit);
    }
}

/// Makes a plan: optimal, feasible, or a document that says why there is none.
///
/// # Errors
/// Goals that can't be lowered, documents that a cloud can't make, each at its place; a plan that
/// the checker refuses.
pub fn plan(request: &Request<'_>) -> Result<Plan, PlanningError> {
    let lowered = lowered(request, request.rules)?;
    let budget = Budget {
        time_left: request.time_left,
        gap_ppm: request.gap_ppm,
        seed: request.inputs.seed,
        cancel: request.cancel,
    };
    match optimize(&lowered.problem, request.engines, budget) {
        Outcome::Found(found) => found_plan(request, &lowered, &found),
        Outcome::Infeasible(proof) => Ok(impossible(request, &lowered, &proof, budget)),
        Outcome::Unknown(why, proof) => {
            let mut plan = blank(request, &lowered, Status::Unknown, &proof);
            plan.unknown.push(Unknown { what: "a plan".to_owned(), why });
            Ok(named(plan))
        }
    }
}

/// Lowers goals over the application and estate of a request, given what runs now.
fn lowered(request: &Request<'_>, rules: &Rules) -> Result<Lowered, Mistakes> {
    lower_after(before(request).as_ref(), request.application, rules, request.estate)
}

/// What runs now, if some goal looks at it.
fn before(request: &Request<'_>) -> Option<Before> {
    request.before.filter(|_| looks_at_what_runs(request.rules)).cloned()
}

fn blank(request: &Request<'_>, lowered: &Lowered, status: Status, proof: &Proof) -> Plan {
    Plan {
        plan: String::new(),
        parent: None,
        application: request.application.name.clone(),
        status,
        objective: Vec::new(),
        cost: Cost { total: "unknown".to_owned(), unit: "USD/month".to_owned(), lines: Vec::new() },
        carbon: None,
        placements: Vec::new(),
        hosts: Vec::new(),
        resources: Vec::new(),
        check: Check { accepted: false, requirements: Vec::new(), faults: Vec::new() },
        assumed: lowered.demands.assumed.clone(),
        unknown: lowered.unknown.clone(),
        evidence: Evidence {
            engine: proof.engine.to_owned(),
            proof: proof.basis.clone(),
            bound: "unknown".to_owned(),
            nodes: proof.nodes,
            time_ms: u64::try_from((request.time_passed)().as_millis()).unwrap_or(u64::MAX),
            notes: proof.notes.clone(),
        },
        conflict: Vec::new(),
        relaxations: Vec::new(),
        tradeoff: None,
        before: before(request),
        inputs: request.inputs.clone(),
    }
}

fn found_plan(
    request: &Request<'_>,
    lowered: &Lowered,
    found: &Found,
) -> Result<Plan, PlanningError> {
    let mut plan = bare(request, lowered, found);
    plan.resources = resources(request, lowered, &mut plan)?;
    plan.unknown.sort();
    plan.unknown.dedup();
    let mut plan = descended(judged(request, plan)?, request.parent);
    let parent = request.parent.filter(|parent| parent.plan != plan.plan);
    plan.tradeoff = parent.map(|parent| tradeoff(request, lowered, parent, &plan));
    Ok(plan)
}

/// A solution as a plan without native documents, not judged yet.
fn bare(request: &Request<'_>, lowered: &Lowered, found: &Found) -> Plan {
    let reading = read(request.application, request.estate, lowered, found);
    let status = if found.optimal() { Status::Optimal } else { Status::Feasible };
    let mut plan = blank(request, lowered, status, &found.proof);
    if let Some(first) = reading.objective.first() {
        plan.evidence.bound.clone_from(&first.bound);
    }
    plan.objective = reading.objective;
    plan.cost = reading.cost;
    plan.carbon = reading.carbon.filter(|_| {
        looks_at(request.rules, |node| matches!(node, Node::Property(_, Property::Carbon)))
    });
    plan.placements = reading.placements;
    plan.hosts = reading.hosts;
    plan.unknown.extend(reading.unknown);
    plan
}

/// A plan that the checker accepts.
fn judged(request: &Request<'_>, mut plan: Plan) -> Result<Plan, PlanningError> {
    let question = Question {
        application: request.application,
        rules: request.rules,
        estate: request.estate,
        plan: &plan,
    };
    plan.check = check(&question);
    if !plan.check.accepted {
        return Err(PlanningError::Refused(refusal(&plan.check)));
    }
    Ok(plan)
}

/// The plan under the one that runs now; that one again, if it says the same.
fn descended(mut plan: Plan, parent: Option<&Plan>) -> Plan {
    if let Some(parent) = parent {
        plan.parent.clone_from(&parent.parent);
        // What ran before is not what a plan says.
        let before = std::mem::replace(&mut plan.before, parent.before.clone());
        if canonical(&plan) == canonical(parent) {
            return named(plan);
        }
        plan.before = before;
        plan.parent = Some(parent.plan.clone());
    }
    named(plan)
}

fn refusal(check: &Check) -> String {
    let broken = check
        .requirements
        .iter()
        .filter(|r| !r.satisfied)
        .map(|r| format!("{} at {} is not met ({})", r.goal, r.at, r.value));
    check.faults.iter().cloned().chain(broken).collect::<Vec<_>>().join("; ")
}

/// The native documents of the parts of a plan, cloud by cloud. Providers without a mount have
/// none: the plan says so.
fn resources(
    request: &Request<'_>,
    lowered: &Lowered,
    plan: &mut Plan,
) -> Result<Vec<PlannedResource>, Mistakes> {
    let mut names: Vec<String> = plan.hosts.iter().map(|h| h.cloud.clone()).collect();
    names.sort();
    names.dedup();
    let mut log = MistakeLog::new();
    let mut resources = Vec::new();
    for name in names {
        let Some(cloud) = request.clouds.iter().find(|c| c.name() == name) else {
            plan.unknown.push(Unknown {
                what: format!("native documents for {name}"),
                why: "no cloud of that name is mounted, so this plan can't be applied there"
                    .to_owned(),
            });
            continue;
        };
        if let Some(mistake) = not_to_be_bought(&plan.hosts, &name, &cloud.describe()) {
            log.push(mistake);
            continue;
        }
        let (hosts, replicas) = asked(lowered, plan, &name);
        let ask = Ask { application: request.application, hosts: &hosts, replicas: &replicas };
        match cloud.resolve(&ask) {
            Ok(made) => resources.extend(made),
            Err(mistakes) => log.extend(mistakes),
        }
    }
    log.finish(resources)
}

fn asked(lowered: &Lowered, plan: &Plan, cloud: &str) -> (Vec<AskedHost>, Vec<AskedReplica>) {
    let here: Vec<&Host> = plan.hosts.iter().filter(|h| h.cloud == cloud).collect();
    let hosts = here
        .iter()
        .map(|h| AskedHost {
            id: h.id.clone(),
            region: h.region.as_deref().map(Arc::from),
            zone: h.zone.as_deref().map(Arc::from),
            offer: h.offer.as_str().into(),
            existing: h.existing,
            purchase: h.purchase,
        })
        .collect();
    let replicas = here
        .iter()
        .flat_map(|h| h.holds.iter().map(move |(service, replica)| (h, service, replica)))
        .filter_map(|(h, service, replica)| {
            let reserved = lowered.demands.reservations.get(service)?;
            Some(AskedReplica {
                service: service.clone(),
                replica: *replica,
                host: h.id.clone(),
                cpu: reserved.cpu,
                memory: reserved.memory,
            })
        })
        .collect();
    (hosts, replicas)
}

/// Why there is no plan, and what would allow one.
fn impossible(request: &Request<'_>, lowered: &Lowered, proof: &Proof, budget: Budget<'_>) -> Plan {
    let mut plan = blank(request, lowered, Status::Infeasible, proof);
    let found = conflict(&lowered.problem, request.engines, budget);
    if !found.minimal {
        plan.evidence.notes.push("the conflict may be larger than needed: time ran out".to_owned());
    }
    plan.conflict = items(&found);
    let (problem, compared) = (&lowered.problem, &lowered.compared);
    let mut allowing = changes(problem, compared, &found, request.engines, budget);
    // Fewer replicas always do, as long as one can run: they are no change of a goal.
    if !allowing.iter().any(|change| change.of_a_goal) {
        allowing.extend(pair_changes(problem, compared, &found, request.engines, budget));
    }
    plan.relaxations = allowing
        .into_iter()
        .map(|change| Relaxation {
            change: change.says,
            objective: change
                .value
                .map_or_else(|| "unknown".to_owned(), |(v, s)| s.number(v).to_string()),
        })
        .collect();
    named(plan)
}

/// The goals of a conflict, and where they stand.
fn items(conflict: &Conflict) -> Vec<ConflictItem> {
    let item = |origin: &Origin| ConflictItem {
        goal: origin.says.to_string(),
        at: origin.at.as_ref().map_or_else(String::new, ToString::to_string),
    };
    let mut items: Vec<ConflictItem> = Vec::new();
    for (index, (_, origin)) in conflict.rules.iter().enumerate() {
        // One goal may have come to several rules.
        let again = conflict.rules[..index].iter().any(|(_, o)| o.at.is_some() && o == origin);
        if !again {
            items.push(item(origin));
        }
    }
    items
}

/// The plan with its name: ten characters of the hash of everything in it but its evidence and tradeoff.
fn named(mut plan: Plan) -> Plan {
    let hash = digest(canonical(&plan).as_bytes());
    let bits: Vec<u8> = hash
        .trim_start_matches("sha256:")
        .as_bytes()
        .chunks(2)
        .take(7)
        .filter_map(|pair| std::str::from_utf8(pair).ok())
        .filter_map(|pair| u8::from_str_radix(pair, 16).ok())
        .collect();
    plan.plan = base32(&bits)[..10].to_owned();
    plan
}

/// The plan's JSON without its name, evidence and tradeoff: what two plans are compared by. Native documents
/// come back from a vault with their keys in another order, so keys are in one order here.
pub fn canonical(plan: &Plan) -> String {
    let mut bare = plan.clone();
    bare.plan = String::new();
    bare.evidence = Evidence::default();
    bare.tradeoff = None;
    canonical::text(&serde_json::to_value(&bare).unwrap_or_default())
}
