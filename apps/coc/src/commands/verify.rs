//! `coc verify`: the checker alone.

use std::sync::Arc;

use coc_checker::{Question, check};
use coc_formats::files::{DiskFiles, Files as _};
use coc_model::mistake::{Mistake, Mistakes, Position};
use coc_model::plan::{Plan, Status};

use super::plan::Ground;
use crate::arguments::{Global, PlanFile};
use crate::failure::{Exit, Failure};
use crate::inputs::{self, Input, Sources};
use crate::talk;

/// True if a file means to be a plan, right or wrong: it begins as plans are written.
pub(crate) fn is_plan(path: &str) -> bool {
    let first_key = |text: &str| {
        text.trim_start()
            .strip_prefix('{')
            .map(str::trim_start)
            .map(|rest| rest.starts_with("\"plan\""))
    };
    DiskFiles.read(path).is_ok_and(|text| first_key(&text) == Some(true))
}

/// Reads a plan from a file.
pub(crate) fn read_plan(path: &str) -> Result<Plan, Failure> {
    let file: Arc<str> = path.into();
    let wrong = |at: Position, says: String| {
        let mistake = Mistake::at(at, says).hint("make a plan with: coc plan FILE -o PLAN");
        Failure::from(Mistakes::from(mistake))
    };
    let text = DiskFiles
        .read(path)
        .map_err(|error| wrong(error.position(&file), format!("the file {error}")))?;
    serde_json::from_str(&text).map_err(|error| {
        let from_one = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).max(1);
        let at = Position::new(&file, from_one(error.line()), from_one(error.column()));
        wrong(at, format!("this is no plan: {error}"))
    })
}

/// The sources that a plan says it was made from.
pub(crate) fn sources_of(plan: &Plan) -> Sources {
    Sources {
        files: plan.inputs.files.clone(),
        profiles: plan.inputs.profiles.clone(),
        goals: plan.inputs.goals_files.clone(),
        clouds: plan.inputs.clouds_files.clone(),
    }
}

/// Reads what a plan was made from; a change since is a failure.
pub(crate) fn same_input(plan: &Plan) -> Result<Input, Failure> {
    let input = inputs::input(&sources_of(plan))?;
    let changed: Vec<&str> = [
        ("the application's files", &plan.inputs.application, &input.inputs.application),
        ("the goals' files", &plan.inputs.goals, &input.inputs.goals),
    ]
    .iter()
    .filter(|(_, then, now)| then != now)
    .map(|(what, _, _)| *what)
    .collect();
    if !changed.is_empty() {
        let says = format!("{} changed since plan {} was made", changed.join(" and "), plan.plan);
        return Err(Failure::with_hint(says, "plan again"));
    }
    Ok(input)
}

/// The catalog and the clouds that a plan was made over; another catalog is a failure.
pub(crate) async fn same_ground(
    global: &Global,
    plan: &Plan,
    input: &mut Input,
) -> Result<Ground, Failure> {
    let folders: Vec<_> =
        plan.inputs.catalog_folders.iter().map(std::path::PathBuf::from).collect();
    let mounted = crate::mounts::for_planning(global, input).await?;
    let ground = super::plan::ground(input, &folders, mounted)?;
    if input.inputs.catalog != plan.inputs.catalog {
        let says = "the catalog is another one than the plan was made from";
        return Err(Failure::with_hint(says, "plan again, or use the catalog of then"));
    }
    Ok(ground)
}

/// `coc verify`.
pub(crate) async fn run(global: &Global, arguments: &PlanFile) -> Result<Exit, Failure> {
    let plan = read_plan(&arguments.plan)?;
    if matches!(plan.status, Status::Infeasible | Status::Unknown) {
        return Err(Failure::failed("there is nothing to verify: the document holds no plan"));
    }
    let mut input = same_input(&plan)?;
    let ground = same_ground(global, &plan, &mut input).await?;
    let question = Question {
        application: &input.application,
        rules: &input.rules,
        estate: &ground.estate,
        plan: &plan,
    };
    let judged = check(&question);
    if global.json {
        talk::print_json(&judged);
    } else {
        for requirement in &judged.requirements {
            let mark = if requirement.satisfied { "holds" } else { "fails" };
            talk::print(&format!(
                "{mark}  {}  {}  ({})",
                requirement.at, requirement.goal, requirement.value
            ));
        }
        for fault in &judged.faults {
            talk::print(&format!("wrong  {fault}"));
        }
        let verdict = if judged.accepted { "accepted" } else { "refused" };
        talk::print(&format!("plan {} is {verdict} by the checker", plan.plan));
    }
    Ok(if judged.accepted { Exit::Done } else { Exit::Failed })
}
