//! `coc status`, `coc resources`, `coc history`: what is, and what was done.

use std::collections::BTreeMap;

use coc_control::deploying::{Deploying, HistoryItem, What};
use coc_model::marks::Mark;
use coc_model::plan::Plan;
use coc_model::resource::{ObservedResource, State as ResourceState};
use comfy_table::{Table, presets};
use serde_json::json;

use crate::arguments::{Application, Global};
use crate::commands::deploy::deploying;
use crate::failure::{Exit, Failure};
use crate::mounts;
use crate::state::State;
use crate::talk;

async fn open(global: &Global) -> Result<Deploying, Failure> {
    let state = State::look(&global.dir).await?;
    let mounted = mounts::opened(mounts::kept(&*state.vault).await?, &global.dir)?;
    Ok(deploying(&state, &mounted))
}

/// The applications asked for: one, or all there are.
async fn names(deploying: &Deploying, asked: &Application) -> Result<Vec<String>, Failure> {
    let known = deploying.applications().await?;
    match &asked.application {
        Some(name) if !known.contains(name) => {
            let says = format!("no application is called \"{name}\"");
            let hint = match known.as_slice() {
                [] => "none is applied yet: coc apply FILE".to_owned(),
                known => format!("there are {}", known.join(", ")),
            };
            Err(Failure::with_hint(says, hint))
        }
        Some(name) => Ok(vec![name.clone()]),
        None => Ok(known),
    }
}

/// `coc status`: every planned resource and its state.
pub(crate) async fn status(global: &Global, asked: &Application) -> Result<Exit, Failure> {
    let deploying = open(global).await?;
    let mut documents = Vec::new();
    let mut well = true;
    for name in names(&deploying, asked).await? {
        let plan = match deploying.target(&name).await?.and_then(|t| t.plan) {
            Some(plan) => Some(deploying.plan(&plan).await?),
            None => None,
        };
        let look = deploying.look(Some(&name)).await;
        let rows = plan.as_ref().map(|plan| states(plan, &look.resources)).unwrap_or_default();
        well &= look.unread.is_empty() && rows.iter().all(|r| r.running());
        if global.json {
            documents.push(document(&name, plan.as_ref(), &rows, &look.unread));
        } else {
            talk::print(&text(&name, plan.as_ref(), &rows));
            for (cloud, says) in &look.unread {
                talk::say(&format!("{cloud} can't be read: {says}"));
            }
        }
    }
    if global.json {
        talk::print_json(&json!({"applications": documents}));
    }
    Ok(if well { Exit::Done } else { Exit::Failed })
}

/// A planned resource and what is seen of it.
struct Row<'a> {
    resource: &'a str,
    cloud: &'a str,
    name: &'a str,
    resource_type: &'a str,
    seen: Option<&'a ObservedResource>,
}

impl Row<'_> {
    fn state(&self) -> String {
        match self.seen.map(|s| s.state) {
            None => "not there".to_owned(),
            Some(state) => format!("{state:?}").to_lowercase(),
        }
    }

    fn running(&self) -> bool {
        let well = [ResourceState::Running, ResourceState::Healthy, ResourceState::Completed];
        self.seen.is_some_and(|s| well.contains(&s.state))
    }
}

fn states<'a>(plan: &'a Plan, seen: &'a [ObservedResource]) -> Vec<Row<'a>> {
    plan.resources
        .iter()
        .map(|planned| {
            let mark = Mark::of_resource(&plan.application, &planned.id);
            let found = seen.iter().find(|s| s.marks.as_ref().is_some_and(|m| m.res == mark));
            Row {
                resource: &planned.id,
                cloud: &planned.cloud,
                name: &planned.name,
                resource_type: &planned.resource_type,
                seen: found,
            }
        })
        .collect()
}

fn document(
    name: &str,
    plan: Option<&Plan>,
    rows: &[Row<'_>],
    unread: &BTreeMap<String, String>,
) -> serde_json::Value {
    let resources: Vec<_> = rows
        .iter()
        .map(|r| {
            json!({
                "resource": r.resource, "cloud": r.cloud, "name": r.name, "type": r.resource_type,
                "state": r.state(), "addresses": r.seen.map(|s| s.addresses.clone()).unwrap_or_default(),
            })
        })
        .collect();
    json!({
        "application": name, "plan": plan.map(|p| p.plan.clone()), "cost": plan.map(|p| &p.cost.total),
        "running": rows.iter().filter(|r| r.running()).count(), "wanted": rows.len(),
        "resources": resources, "unread": unread,
    })
}

fn text(name: &str, plan: Option<&Plan>, rows: &[Row<'_>]) -> String {
    let Some(plan) = plan else { return format!("{name} is to go\n") };
    let running = rows.iter().filter(|r| r.running()).count();
    let mut out = format!(
        "{name}  plan {}, {} {}, {running} of {} resources running\n",
        plan.plan,
        plan.cost.total,
        plan.cost.unit,
        rows.len()
    );
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    for row in rows {
        let addresses = row.seen.map(|s| s.addresses.join(" ")).unwrap_or_default();
        table.add_row([row.cloud, row.resource, &row.state(), &addresses]);
    }
    out.push_str(&talk::trimmed(&table));
    out
}

/// `coc resources`: every native resource that is ours.
pub(crate) async fn resources(global: &Global, asked: &Application) -> Result<Exit, Failure> {
    let deploying = open(global).await?;
    let look = deploying.look(asked.application.as_deref()).await;
    if global.json {
        talk::print_json(&json!({"resources": look.resources, "unread": look.unread}));
    } else {
        let mut table = Table::new();
        table.load_preset(presets::NOTHING);
        table.set_header(["cloud", "type", "name", "state", "id"]);
        for resource in &look.resources {
            table.add_row([
                resource.cloud.as_str(),
                &resource.resource_type,
                &resource.name,
                &format!("{:?}", resource.state).to_lowercase(),
                &resource.native_id.0,
            ]);
        }
        if !look.resources.is_empty() {
            talk::print(&talk::trimmed(&table));
        }
        talk::say(&format!("{} resources", look.resources.len()));
        for (cloud, says) in &look.unread {
            talk::say(&format!("{cloud} can't be read: {says}"));
        }
    }
    Ok(if look.unread.is_empty() { Exit::Done } else { Exit::Failed })
}

/// `coc history`: what was done, when, by whom and why.
pub(crate) async fn history(global: &Global, asked: &Application) -> Result<Exit, Failure> {
    let deploying = open(global).await?;
    let names = match &asked.application {
        // An application that is gone has a history all the same.
        Some(name) => vec![name.clone()],
        None => names(&deploying, asked).await?,
    };
    let mut documents = BTreeMap::new();
    for name in names {
        let items = deploying.history(&name).await?;
        if !global.json {
            for item in &items {
                talk::print(&history_line(&name, item));
            }
        }
        documents.insert(name, items);
    }
    if global.json {
        talk::print_json(&json!({"history": documents}));
    }
    Ok(Exit::Done)
}

fn history_line(application: &str, item: &HistoryItem) -> String {
    let what = match &item.what {
        What::Targeted(target) => match &target.plan {
            Some(plan) => format!("plan {plan} became the target"),
            None => "is to go".to_owned(),
        },
        What::Forgotten => "is gone".to_owned(),
        What::Ended { step, end, .. } => {
            let end = serde_json::to_string(end).unwrap_or_default();
            format!("{} {} in {}: {}", step.verb, step.name, step.cloud, end.trim_matches('"'))
        }
    };
    format!("{}  {}  {application}  {what}  ({})", item.when, item.who, item.why)
}
