//! Plans as text: what a person reads before saying yes.

mod table;
mod tradeoff;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use coc_model::decimal::{Decimal, ONE};
use coc_model::money::{Money, Rate};
use coc_model::offer::Purchase;
use coc_model::plan::{CheckedRequirement, Host, ObjectiveValue, Placement, Plan, Status};

use crate::diff::{Change, CostChange, Difference, ResourceFate};
use table::{Row, Table};

/// Columns that a line takes, unless a single word is longer.
const WIDTH: usize = 92;
/// How many assumptions are shown.
const ASSUMED_SHOWN: usize = 4;

/// A plan as text, ending in a line break.
pub fn plan(plan: &Plan) -> String {
    match plan.status {
        Status::Infeasible => no_plan(plan),
        Status::Unknown => {
            let seconds = seconds(plan.evidence.time_ms);
            format!(
                "No plan for {} was found, and none is excluded (stopped after {seconds}).\n",
                plan.application
            )
        }
        Status::Optimal | Status::Feasible => a_plan(plan),
    }
}

fn a_plan(plan: &Plan) -> String {
    let mut out = String::new();
    let title = format!("Plan {}  for {}", plan.plan, plan.application);
    let _ = writeln!(out, "{}", apart(&title, &status(plan)));
    let names = plan.objective.iter().map(|o| o.goal.as_str());
    let name_width = names.chain(["assumed"]).map(width).max().unwrap_or(0);
    for line in objectives(&plan.objective, name_width) {
        let _ = writeln!(out, "{line}");
    }
    let carbon = plan.carbon.as_ref().filter(|_| plan.objective.iter().all(|o| o.goal != "carbon"));
    let mut note = |name: &str, text: &str| {
        let _ = writeln!(out, "  {name:<name_width$}  {text}");
    };
    note("goals", &goals(&plan.check.requirements));
    if let Some(carbon) = carbon {
        note("carbon", &format!("about {} {}, processors alone", carbon.total, carbon.unit));
    }
    for fault in &plan.check.faults {
        note("wrong", fault);
    }
    if let Some(text) = assumed(plan) {
        note("assumed", &text);
    }
    for unknown in &plan.unknown {
        note("unknown", &format!("{}: {}", unknown.what, unknown.why));
    }
    out.push('\n');
    out.push_str(&costs(plan).text(WIDTH));
    if let Some(against) = &plan.tradeoff {
        out.push('\n');
        out.push_str(&tradeoff::tradeoff(against));
    }
    out
}

/// "optimal" is said of what is proved, and of nothing else.
fn status(plan: &Plan) -> String {
    let after = seconds(plan.evidence.time_ms);
    if plan.status == Status::Optimal {
        return format!("optimal, proved in {after}");
    }
    let gaps = plan.objective.iter().map(|o| o.gap.parse::<Decimal>().ok());
    // Tiers come one after the other: the first that is not proved says how far the plan can be.
    match gaps.into_iter().find(|gap| *gap != Some(Decimal::ZERO)) {
        Some(Some(gap)) => {
            format!("within {} of the best possible (stopped after {after})", percent(gap))
        }
        _ => format!("how far from the best possible is not known (stopped after {after})"),
    }
}

/// A ratio in percent with one digit after the point, rounded up: a bound may not be understated.
fn percent(ratio: Decimal) -> String {
    let tenths = ratio.atto().saturating_mul(1_000);
    let tenths = tenths.div_euclid(ONE) + i128::from(tenths.rem_euclid(ONE) != 0);
    match (tenths / 10, tenths % 10) {
        (whole, 0) => format!("{whole} %"),
        (whole, tenth) => format!("{whole}.{tenth} %"),
    }
}

fn seconds(milliseconds: u64) -> String {
    match (milliseconds / 1_000, milliseconds % 1_000) {
        (whole @ 10.., _) | (whole, 0) => format!("{whole} s"),
        (whole, rest) if rest < 10 => format!("{whole}.00{rest} s"),
        (whole, rest) => format!("{whole}.{:02} s", rest / 10),
    }
}

fn objectives(objective: &[ObjectiveValue], name_width: usize) -> Vec<String> {
    let value_width = objective.iter().map(|o| width(&o.value)).max().unwrap_or(0);
    let unit_width = objective.iter().map(|o| width(&o.unit)).max().unwrap_or(0);
    let line = |o: &ObjectiveValue| {
        let gap = match o.gap.parse::<Decimal>() {
            Ok(Decimal::ZERO) => "gap 0".to_owned(),
            Ok(gap) => format!("gap {}", percent(gap)),
            Err(_) => "gap unknown".to_owned(),
        };
        format!(
            "  {:<name_width$}  {:>value_width$} {:<unit_width$}  (bound {}, {gap})",
            o.goal, o.value, o.unit, o.bound
        )
    };
    objective.iter().map(line).collect()
}

fn goals(requirements: &[CheckedRequirement]) -> String {
    let holding = requirements.iter().filter(|r| r.satisfied).count();
    let mut text = match requirements.len() {
        0 => "none stated".to_owned(),
        all => format!("{holding} of {all} hold"),
    };
    let broken = requirements.iter().filter(|r| !r.satisfied);
    let broken: Vec<String> =
        broken.map(|r| format!("{} at {}, found {}", r.goal, r.at, r.value)).collect();
    if !broken.is_empty() {
        let _ = write!(text, "; not {}", broken.join("; not "));
    }
    text
}

fn assumed(plan: &Plan) -> Option<String> {
    let shown = plan.assumed.iter().take(ASSUMED_SHOWN);
    let shown: Vec<String> =
        shown.map(|a| format!("{} of {} {}", a.what, a.service, a.value)).collect();
    let more = plan.assumed.len().saturating_sub(ASSUMED_SHOWN);
    let more = if more == 0 { String::new() } else { format!(", and {more} more") };
    (!shown.is_empty()).then(|| format!("{}{more} (nothing declared)", shown.join(", ")))
}

/// Machines of one kind at one place in one row, then what else is paid for.
fn costs(plan: &Plan) -> Table {
    let mut table = Table::new(["where", "host", "holds", &plan.cost.unit]);
    let mut kinds: BTreeMap<(String, &str, bool, Purchase), Vec<&Host>> = BTreeMap::new();
    for host in &plan.hosts {
        let kind = (site(host), host.offer.as_str(), host.existing, host.purchase);
        kinds.entry(kind).or_default().push(host);
    }
    for ((site, offer, existing, purchase), hosts) in &kinds {
        let count = if hosts.len() > 1 { format!("{} × ", hosts.len()) } else { String::new() };
        let there = match (existing, purchase) {
            (true, _) => ", existing",
            (false, Purchase::Spot) => ", spot",
            (false, Purchase::OnDemand) => "",
        };
        let held = hosts.iter().flat_map(|host| &host.holds).map(|(service, _)| service.as_str());
        table.push(Row::Full {
            place: site.clone(),
            host: format!("{count}{offer}{there}"),
            holds: counted(held),
            amount: monthly(hosts).map_or_else(|| "unknown".to_owned(), |sum| sum.to_string()),
        });
    }
    let names: BTreeSet<&str> =
        plan.hosts.iter().flat_map(|host| [host.id.as_str(), host.offer.as_str()]).collect();
    for line in &plan.cost.lines {
        // What is paid for machines is in the rows above.
        if !line.what.split([' ', ',', '×', '(', ')']).any(|word| names.contains(word)) {
            let what = format!("{}  {}", line.what, line.place);
            table.push(Row::Wide { what: what.trim_end().to_owned(), amount: line.amount.clone() });
        }
    }
    table.push(Row::Total { amount: plan.cost.total.clone() });
    table
}

fn monthly(hosts: &[&Host]) -> Option<Money> {
    hosts.iter().map(|host| Rate::parse(&host.price).ok().map(Rate::per_month)).sum()
}

fn site(host: &Host) -> String {
    let parts = [Some(host.cloud.as_str()), host.region.as_deref(), host.zone.as_deref()];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// Names with how often each comes, in order: `web ×2, cart`.
fn counted<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for name in names {
        *counts.entry(name).or_default() += 1;
    }
    let word = |(name, count): (&str, usize)| match count {
        1 => name.to_owned(),
        _ => format!("{name} ×{count}"),
    };
    counts.into_iter().map(word).collect()
}

fn no_plan(plan: &Plan) -> String {
    let mut out = String::new();
    let _ = match plan.conflict.len() {
        0 => writeln!(out, "No plan can satisfy the goals of {}.", plan.application),
        1 => writeln!(out, "No plan can satisfy this goal of {}:", plan.application),
        n => writeln!(
            out,
            "No plan can satisfy these {n} goals of {} together (removing any one of them would do):",
            plan.application
        ),
    };
    let at_width = plan.conflict.iter().map(|c| width(&c.at)).max().unwrap_or(0);
    for item in &plan.conflict {
        let _ = writeln!(out, "  {:<at_width$}  {}", item.at, item.goal);
    }
    for (i, relaxation) in plan.relaxations.iter().enumerate() {
        if i == 0 {
            out.push_str("Smallest changes that would do, each proved:\n");
        }
        let or = if i == 0 { "" } else { "or " };
        let _ = writeln!(out, "  {or}{}  ({})", relaxation.change, relaxation.objective);
    }
    out
}

/// The difference of two plans as text, ending in a line break.
pub fn difference(difference: &Difference) -> String {
    let mut out = match &difference.from {
        Some(from) => format!("Plan {} in place of {from}\n", difference.to),
        None => format!("Plan {}, the first\n", difference.to),
    };
    let mut line = |text: String| {
        out.push_str(&text);
        out.push('\n');
    };
    if difference.is_empty() {
        line("  nothing changes".to_owned());
    }
    for change in &difference.hosts {
        let shown = |host: &Host| format!("host     {}  {}", site(host), host.offer);
        let holds = |host: &Host| {
            counted(host.holds.iter().map(|(service, _)| service.as_str())).join(", ")
        };
        line(match change {
            Change::Created(host) => format!("  + {}  holds {}", shown(host), holds(host)),
            Change::Removed(host) => format!("  - {}  held {}", shown(host), holds(host)),
            Change::Changed { from, to } => {
                format!("  ~ {}  holds {} (before: {})", shown(to), holds(to), holds(from))
            }
        });
    }
    for change in &difference.placements {
        let at = |p: &Placement| {
            let parts = [Some(p.cloud.as_str()), p.region.as_deref(), p.zone.as_deref()];
            let place = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
            format!("{place} ({})", p.resolver)
        };
        let name = |p: &Placement| format!("replica  {} {}", p.service, p.replica);
        line(match change {
            Change::Created(p) => format!("  + {}  {}", name(p), at(p)),
            Change::Removed(p) => format!("  - {}  {}", name(p), at(p)),
            Change::Changed { from, to } => {
                format!("  ~ {}  {}, was {}", name(to), at(to), at(from))
            }
        });
    }
    for change in &difference.resources {
        let shown = format!("{} {}  {}", change.cloud, change.resource_type, change.id);
        line(match &change.what {
            ResourceFate::Created => format!("  + {shown}"),
            ResourceFate::Removed => format!("  - {shown}"),
            ResourceFate::Changed(fields) => {
                let names: Vec<&str> = fields.iter().map(|f| f.field.as_str()).collect();
                format!("  ~ {shown}  {}", names.join(", "))
            }
        });
    }
    let CostChange { from, to, unit, change } = &difference.cost;
    let from = from.as_ref().map_or(String::new(), |from| format!("{from} → "));
    let change = change.as_ref().map_or("not comparable", String::as_str);
    line(format!("  cost  {from}{to} {unit} ({change})"));
    out
}

/// Two texts with the second at the right end of the line.
fn apart(left: &str, right: &str) -> String {
    let space = WIDTH.saturating_sub(width(left) + width(right)).max(2);
    format!("{left}{}{right}", " ".repeat(space))
}

/// Columns that a text takes, one for each character.
fn width(text: &str) -> usize {
    text.chars().count()
}
