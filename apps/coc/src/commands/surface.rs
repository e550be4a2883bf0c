//! `coc surface`: every plan that no other beats in all of some objectives.

use std::sync::Arc;

use coc_control::planning::surface::{PlanPoint, Surface, surface};
use coc_model::decimal::Decimal;
use coc_model::goals::{Direction, Located, Objective, Term};
use coc_model::mistake::{Mistake, Position};
use coc_model::plan::{Before, ObjectiveValue, Plan};
use comfy_table::{CellAlignment, Table, presets};

use super::plan::{Ground, Past, Search, asked, ground, made, running, sources};
use crate::arguments::{self, Global};
use crate::failure::{Exit, Failure};
use crate::inputs::{self, Input};
use crate::talk;

/// The name that mistakes in an objective are reported under.
const OVER: &str = "--over";

/// `coc surface`.
pub(crate) async fn run(global: &Global, arguments: &arguments::Surface) -> Result<Exit, Failure> {
    let planning = &arguments.planning;
    let sources = sources(&arguments.files.files, &arguments.files.profiles, planning);
    let mut input = inputs::input(&sources)?;
    over(&mut input, &arguments.over)?;
    let mounted = crate::mounts::for_planning(global, &input).await?;
    let ground = ground(&mut input, &planning.catalog.folders, mounted)?;
    let search = Search { time: planning.time, gap_ppm: 0, seed: planning.seed };
    let running = running(global, &input).await?;
    let found = found(&input, &ground, search, running.as_ref().map(|running| &running.plan))?;
    if found.complete && found.points.is_empty() {
        let plan = made(&input, &ground, search, running.as_ref())?;
        if global.json {
            talk::print_json(&plan);
        } else {
            talk::print(&coc_plan::text::plan(&plan));
        }
        return Ok(super::plan::exit(&plan, 0));
    }
    if global.json {
        talk::print_json(&found);
    } else {
        talk::print(&table(&found));
    }
    if !found.complete {
        talk::say("the surface is incomplete: the time was over; give more with --time");
    }
    Ok(if found.complete { Exit::Done } else { Exit::LimitReached })
}

/// Puts the objectives of the command line in the place of those of the goals.
fn over(input: &mut Input, typed: &[String]) -> Result<(), Failure> {
    let texts: Vec<String> = typed.iter().flat_map(|t| split(t)).collect();
    if !(2..=3).contains(&texts.len()) {
        let says = format!("a surface is over two or three objectives, not {}", texts.len());
        let hint = "give --over once for each, like --over cost --over 'count(hosts)'";
        return Err(Failure::from(coc_model::mistake::Mistakes::from(
            Mistake::of_request(says).hint(hint),
        )));
    }
    let mut goals = input.goals.clone();
    goals.objectives.clear();
    for (index, text) in texts.into_iter().enumerate() {
        let file: Arc<str> = format!("{OVER} {}", index + 1).into();
        input.files.0.insert(Arc::clone(&file), text.as_str().into());
        let at = Position::new(&file, 1, 1);
        goals.objectives.push(Objective {
            direction: Direction::Minimize,
            terms: vec![Term {
                what: Located { value: text, at: at.clone() },
                weight: Decimal::ONE,
            }],
            tolerance: Decimal::ZERO,
            at,
        });
    }
    input.rules = input
        .understood(&goals)
        .map_err(|mistakes| Failure::Input(mistakes, input.files.clone()))?;
    input.goals = goals;
    Ok(())
}

/// The parts of a text between commas that are in no brackets and no quotes.
fn split(text: &str) -> Vec<String> {
    let (mut parts, mut depth, mut quote) = (vec![String::new()], 0_usize, None);
    for c in text.chars() {
        match (quote, c) {
            (Some(q), _) if c == q => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => depth = depth.saturating_sub(1),
            (None, ',') if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(part) = parts.last_mut() {
            part.push(c);
        }
    }
    parts.iter().map(|p| p.trim().to_owned()).collect()
}

fn found(
    input: &Input,
    ground: &Ground,
    search: Search,
    parent: Option<&Plan>,
) -> Result<Surface, Failure> {
    let busy = talk::Busy::with("looking for every best plan");
    let before = parent.map(Before::of);
    let mut tell = |values: &[ObjectiveValue]| {
        let values: Vec<String> =
            values.iter().map(|o| format!("{} {}", o.goal, value(o))).collect();
        busy.say(&format!("  proved  {}", values.join(", ")));
    };
    let past = Past { before: before.as_ref(), ..Past::default() };
    asked(input, ground, search, past, |request| surface(request, &mut tell))
        .map_err(|error| Failure::of_planning(error, &input.files))
}

fn value(objective: &ObjectiveValue) -> String {
    format!("{} {}", objective.value, objective.unit).trim_end().to_owned()
}

fn table(surface: &Surface) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    let first = surface.points.first();
    let names = first.into_iter().flat_map(|p| &p.objective).map(|o| match &*o.unit {
        "" => o.goal.clone(),
        unit => format!("{} ({unit})", o.goal),
    });
    table.set_header(names.chain(["".to_owned(), "hosts".to_owned()]));
    for point in &surface.points {
        let values = point.objective.iter().map(|o| o.value.clone());
        let knee = if point.knee { "knee" } else { "" };
        table.add_row(values.chain([knee.to_owned(), hosts(point)]));
    }
    for column in 0..first.map_or(0, |p| p.objective.len()) {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let mut out = talk::trimmed(&table);
    let count = surface.points.len();
    let noun = if count == 1 { "plan" } else { "plans" };
    out.push_str(&if surface.complete {
        format!("{count} {noun}; no other is as good in all of these (proved)\n")
    } else {
        format!("{count} {noun} that none beats (proved); there may be others\n")
    });
    out
}

/// The machines of a point, those of one kind at one place together.
fn hosts(point: &PlanPoint) -> String {
    let mut kinds: std::collections::BTreeMap<String, usize> = std::collections::BTreeMap::new();
    for host in &point.hosts {
        let words = [Some(&host.cloud), host.region.as_ref(), host.zone.as_ref()];
        let place: Vec<&str> = words.into_iter().flatten().map(String::as_str).collect();
        *kinds.entry(format!("{} in {}", host.offer, place.join(" "))).or_default() += 1;
    }
    let one = |(kind, count): (String, usize)| match count {
        1 => kind,
        more => format!("{more} × {kind}"),
    };
    kinds.into_iter().map(one).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn objectives_are_split_where_no_bracket_and_no_quote_is_open() {
        assert_eq!(split("cost, latency(\"a,b\", 'c')"), ["cost", "latency(\"a,b\", 'c')"]);
        assert_eq!(split("cost"), ["cost"]);
        assert_eq!(split("cost,"), ["cost", ""]);
    }
}
