//! `coc explain`: what a plan rests on.

use std::fmt::Write as _;

use coc_model::plan::{Plan, Status};

use crate::arguments::{Explain, Global};
use crate::failure::{Exit, Failure};
use crate::talk;

mod alternative;
mod answers;
mod text;

/// Shows the evidence of a plan, and answers questions about it.
pub(crate) async fn run(global: &Global, arguments: &Explain) -> Result<Exit, Failure> {
    let plan = super::verify::read_plan(&arguments.plan)?;
    let answers = answers::find(global, arguments, &plan).await?;
    if global.json {
        let mut document = serde_json::json!({
            "plan": plan.plan, "status": plan.status, "evidence": plan.evidence, "objective": plan.objective,
            "assumed": plan.assumed, "unknown": plan.unknown, "inputs": plan.inputs,
            "conflict": plan.conflict, "relaxations": plan.relaxations,
        });
        if let (Some(document), Some(answers)) = (document.as_object_mut(), &answers) {
            document.extend(answers.document());
        }
        talk::print_json(&document);
    } else if let Some(answers) = &answers {
        talk::print(&text::answers(answers));
    } else {
        talk::print(&evidence(&plan));
    }
    let proved = answers.is_none_or(|answers| answers.proved());
    Ok(if proved { Exit::Done } else { Exit::LimitReached })
}

fn evidence(plan: &Plan) -> String {
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
