//! The exact surface of best plans over several objectives, each point a plan that the checker
//! accepts.

use coc_model::plan::{Host, ObjectiveValue, Plan};
use coc_optimizer::engine::Budget;
use coc_optimizer::engine::Proof;
use coc_optimizer::explain::surface::{Point, surface as find};
use coc_optimizer::lower::Lowered;
use coc_optimizer::portfolio::{Found, TierValue};
use serde::Serialize;

use super::{PlanningError, Request, bare, judged};

/// A surface.
#[derive(Clone, Debug, Serialize)]
pub struct Surface {
    /// The application.
    pub application: String,
    /// True if it is proved that there are no other points.
    pub complete: bool,
    /// The points, the best in the first objective first.
    pub points: Vec<PlanPoint>,
    /// How many problems were solved for it.
    pub solved: usize,
}

/// A point of a surface.
#[derive(Clone, Debug, Serialize)]
pub struct PlanPoint {
    /// Its values.
    pub objective: Vec<ObjectiveValue>,
    /// True for the knee: the point farthest from the line (the plane) through the points that are
    /// best in one objective each.
    pub knee: bool,
    /// What it costs a month.
    pub cost: String,
    /// Its machines and what they hold.
    pub hosts: Vec<Host>,
}

/// Finds the surface over the objectives of the request's rules. Each point's values are told as soon
/// as it is proved that no plan beats them.
///
/// # Errors
/// Goals and objectives that can't be lowered; a point that the checker refuses.
pub fn surface(
    request: &Request<'_>,
    tell: &mut dyn FnMut(&[ObjectiveValue]),
) -> Result<Surface, PlanningError> {
    let lowered = super::lowered(request, request.rules)?;
    let budget = Budget {
        time_left: request.time_left,
        gap_ppm: 0,
        seed: request.inputs.seed,
        cancel: request.cancel,
    };
    let first = lowered.violation_tiers;
    let mut told = |point: &Point| {
        let plan = plan_of(request, &lowered, point);
        tell(plan.objective.get(first..).unwrap_or_default());
    };
    let found = find(&lowered.problem, first, request.engines, budget, &mut told);
    let mut points = Vec::new();
    for (index, point) in found.points.iter().enumerate() {
        let mut plan = judged(request, plan_of(request, &lowered, point))?;
        points.push(PlanPoint {
            objective: plan.objective.split_off(first),
            knee: found.knee == Some(index),
            cost: plan.cost.total,
            hosts: plan.hosts,
        });
    }
    Ok(Surface {
        application: request.application.name.clone(),
        complete: found.complete,
        points,
        solved: found.solved.0,
    })
}

fn plan_of(request: &Request<'_>, lowered: &Lowered, point: &Point) -> Plan {
    let worth = point.solution.worth(&lowered.problem);
    let value = |tier: &coc_optimizer::problem::Tier| {
        let value = worth.value(&tier.objective);
        TierValue { value, bound: value, proved: true }
    };
    let found = Found {
        solution: point.solution.clone(),
        tiers: lowered.problem.tiers.iter().map(value).collect(),
        proof: Proof::default(),
    };
    bare(request, lowered, &found)
}
