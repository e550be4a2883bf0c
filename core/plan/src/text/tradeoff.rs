//! What a plan gives up for what, as text.

use std::fmt::Write as _;

use coc_model::tradeoff::{Copying, Met, Move, Standing, TradedGoal, TradedValue, Tradeoff};

/// Lines under a title, each with a line break; nothing where nothing changes.
pub(super) fn tradeoff(tradeoff: &Tradeoff) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "Against plan {}", tradeoff.from);
    for value in tradeoff.values.iter().filter(|value| value.before != value.after) {
        let _ = writeln!(out, "  {}", self::value(value));
    }
    for goal in &tradeoff.goals {
        let _ = writeln!(out, "  {}", self::goal(goal));
    }
    for moved in &tradeoff.moves {
        let _ = writeln!(out, "  {}", self::moved(moved));
    }
    let Copying { amount, unit, unknown_sizes } = &tradeoff.copying;
    if amount != "0.00" {
        let _ = writeln!(out, "  copying    {amount} {unit} of traffic, once");
    }
    if !unknown_sizes.is_empty() {
        let volumes = unknown_sizes.join(", ");
        let _ = writeln!(out, "  copying    {volumes} too, of unknown size");
    }
    out
}

fn value(value: &TradedValue) -> String {
    let TradedValue { goal, unit, before, after, more } = value;
    let unit = if unit.is_empty() { String::new() } else { format!(" {unit}") };
    let more = if more == "unknown" { String::new() } else { format!(" ({more})") };
    format!("{goal:<9}  {before} → {after}{unit}{more}")
}

fn goal(goal: &TradedGoal) -> String {
    let how = |met: &Option<Met>| match met {
        None => "not known".to_owned(),
        Some(Met { holds: true, value }) => format!("holds ({value})"),
        Some(Met { holds: false, value }) => format!("does not hold ({value})"),
    };
    let (before, after) = (how(&goal.before), how(&goal.after));
    let standing = match goal.standing {
        Standing::New => "new goal",
        Standing::Kept => "goal",
        Standing::Dropped => "dropped",
    };
    let change = if before == after { after } else { format!("{before} → {after}") };
    format!("{standing:<9}  {} at {}: {change}", goal.goal, goal.at)
}

fn moved(moved: &Move) -> String {
    let count = if moved.replicas > 1 { format!(" ×{}", moved.replicas) } else { String::new() };
    let service = format!("{}{count}", moved.service);
    match (&moved.from, &moved.to) {
        (Some(from), Some(to)) => format!("moves      {service}: {from} → {to}"),
        (None, Some(to)) => format!("comes      {service}: {to}"),
        (Some(from), None) => format!("goes       {service}: {from}"),
        (None, None) => service,
    }
}
