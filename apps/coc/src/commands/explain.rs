//! `coc explain`: what a plan rests on.

use std::fmt::Write as _;

use coc_model::plan::{Plan, Status};

use crate::arguments::{Global, PlanFile};
use crate::failure::{Exit, Failure};
use crate::talk;

/// Shows the evidence of a plan.
pub(crate) fn run(global: &Global, arguments: &PlanFile) -> Result<Exit, Failure> {
    let plan = super::verify::read_plan(&arguments.plan)?;
    if global.json {
        talk::print_json(&serde_json::json!({
            "plan": plan.plan, "status": plan.status, "evidence": plan.evidence, "objective": plan.objective,
            "assumed": plan.assumed, "unknown": plan.unknown, "inputs": plan.inputs,
            "conflict": plan.conflict, "relaxations": plan.relaxations,
        }));
    } else {
        talk::print(&text(&plan));
    }
    Ok(Exit::Done)
}

fn text(plan: &Plan) -> String {
    let mut out = String::new();
    let status = match plan.status {
        Status::Optimal => "optimal: no better plan exists",
        Status::Feasible => "a plan, not proved to be the best",
        Status::Infeasible => "no plan can exist",
        Status::Unknown => "nothing is known",
    };
    let _ = writeln!(out, "Plan {} for {}: {status}", plan.plan, plan.application);
    let _ = writeln!(
        out,
        "  proof      {} ({} nodes, {} ms)",
        plan.evidence.proof, plan.evidence.nodes, plan.evidence.time_ms
    );
    for objective in &plan.objective {
        let _ = writeln!(
            out,
            "  {:<10} {} {}, bound {}, gap {}",
            objective.goal, objective.value, objective.unit, objective.bound, objective.gap
        );
    }
    for note in &plan.evidence.notes {
        let _ = writeln!(out, "  search     {note}");
    }
    for requirement in &plan.check.requirements {
        let mark = if requirement.satisfied { "holds" } else { "fails" };
        let _ = writeln!(
            out,
            "  {mark:<10} {} ({}) at {}",
            requirement.goal, requirement.value, requirement.at
        );
    }
    for assumed in &plan.assumed {
        let _ = writeln!(
            out,
            "  assumed    {} of {}: {}",
            assumed.what, assumed.service, assumed.value
        );
    }
    for line in &plan.cost.lines {
        let source = line.source.as_ref().map_or_else(String::new, |s| format!("  [{s}]"));
        let _ = writeln!(
            out,
            "  priced     {} in {}: {} USD/month{source}",
            line.what, line.place, line.amount
        );
    }
    for unknown in &plan.unknown {
        let _ = writeln!(out, "  unknown    {}: {}", unknown.what, unknown.why);
    }
    for item in &plan.conflict {
        let _ = writeln!(out, "  conflict   {} {}", item.at, item.goal);
    }
    let _ = writeln!(out, "  catalog    {}", plan.inputs.catalog);
    out
}
