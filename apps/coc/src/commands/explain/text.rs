//! Answers as text.

use std::fmt::Write as _;

use coc_control::planning::assumed::Dependence;
use coc_control::planning::explain::{
    Comparison, Difference, PriceOfGoal, RangeOfGoal, Verdict, Why,
};
use coc_model::plan::{Assumption, ConflictItem};

use super::alternative::WHY_NOT;
use super::answers::Answers;

/// All answers, one after the other.
pub(super) fn answers(answers: &Answers) -> String {
    let mut out = String::new();
    for (asked, comparison) in &answers.why_not {
        why_not(&mut out, asked, comparison);
    }
    for why in answers.why.iter().flatten() {
        told(&mut out, why);
    }
    if let Some(prices) = &answers.prices {
        price_table(&mut out, prices);
    }
    if let Some(ranges) = &answers.ranges {
        range_table(&mut out, ranges);
    }
    if let Some(assumed) = &answers.assumed {
        dependence(&mut out, assumed);
    }
    out
}

fn with_unit(number: &str, unit: &str) -> String {
    if unit.is_empty() { number.to_owned() } else { format!("{number} {unit}") }
}

fn difference(d: &Difference) -> String {
    let more = if d.more.trim_matches(['0', '.']).is_empty() { "no more" } else { &d.more };
    format!("{} {} ({more})", d.goal, with_unit(&d.value, &d.unit))
}

fn objectives(comparison: &Comparison) -> String {
    comparison.objective.iter().map(difference).collect::<Vec<_>>().join(", ")
}

fn why_not(out: &mut String, asked: &str, comparison: &Comparison) {
    let line = match comparison.verdict {
        Verdict::Possible => format!("would come to {}", objectives(comparison)),
        Verdict::Feasible => {
            format!("would come to {} or better (not proved in time)", objectives(comparison))
        }
        Verdict::Impossible if comparison.conflict.len() < 2 => {
            "can't be, whatever the goals".to_owned()
        }
        Verdict::Impossible => "can't be together with:".to_owned(),
        Verdict::Unknown => "unknown: not proved in time".to_owned(),
    };
    let _ = writeln!(out, "{asked}: {line}");
    for line in &comparison.cost {
        let sign = if line.amount.starts_with('-') { "" } else { "+" };
        let amount = format!("{sign}{}", line.amount);
        let _ = writeln!(out, "  {amount:>10}  {}, {}", line.what, line.place);
    }
    conflict(out, &comparison.conflict);
}

/// The goals of a conflict but the alternative itself.
fn conflict(out: &mut String, items: &[ConflictItem]) {
    for item in items.iter().filter(|item| !item.at.starts_with(WHY_NOT)) {
        let at = if item.at.is_empty() { String::new() } else { format!("{}  ", item.at) };
        let _ = writeln!(out, "  {at}{}", item.goal);
    }
}

fn told(out: &mut String, why: &Why) {
    let _ = writeln!(out, "{} in {}", why.services.join(" with "), why.at.join(", "));
    let elsewhere = &why.elsewhere;
    let line = match elsewhere.verdict {
        Verdict::Possible => {
            format!("next best in {}: {}", why.there.join(", "), objectives(elsewhere))
        }
        Verdict::Feasible => {
            format!(
                "in {}: {} or better (not proved in time)",
                why.there.join(", "),
                objectives(elsewhere)
            )
        }
        Verdict::Impossible => "nowhere else, with:".to_owned(),
        Verdict::Unknown => "elsewhere: unknown, not proved in time".to_owned(),
    };
    let _ = writeln!(out, "  {line}");
    conflict(out, &elsewhere.conflict);
}

/// How far the plan depends on what was assumed.
fn dependence(out: &mut String, assumed: &[Dependence]) {
    let _ = writeln!(out, "what the best plan would come to if what was assumed were otherwise");
    for Dependence { assumption, with } in assumed {
        let Assumption { service, what, value } = assumption;
        let _ = writeln!(out, "  {what} of {service}: {value}");
        for other in with {
            let what = match other.verdict {
                Verdict::Possible | Verdict::Feasible => {
                    let all = other.objective.iter().map(difference).collect::<Vec<_>>().join(", ");
                    let place = if other.same { "the same places" } else { "other places" };
                    let proof = match other.verdict {
                        Verdict::Feasible => " or better (not proved in time)",
                        _ => "",
                    };
                    format!("{place}, {all}{proof}")
                }
                Verdict::Impossible => "no plan can exist".to_owned(),
                Verdict::Unknown => "unknown: not proved in time".to_owned(),
            };
            let _ = writeln!(out, "    {}: {what}", other.value);
        }
    }
    if assumed.is_empty() {
        let _ = writeln!(out, "  nothing was assumed");
    }
}

fn price_table(out: &mut String, prices: &[PriceOfGoal]) {
    let _ =
        writeln!(out, "what each goal costs: how much better the best plan would be without it");
    let values: Vec<String> = prices
        .iter()
        .map(|p| match p.better.as_str() {
            "unknown" => "unknown".to_owned(),
            better => format!("{} of {}", with_unit(better, &p.unit), p.objective),
        })
        .collect();
    let width = values.iter().map(|v| v.chars().count()).max().unwrap_or(0);
    for (price, value) in prices.iter().zip(values) {
        let at = if price.at.is_empty() { String::new() } else { format!("  {}", price.at) };
        let _ = writeln!(out, "  {value:>width$}  {}{at}", price.goal);
    }
    if prices.is_empty() {
        let _ = writeln!(out, "  nothing is asked for");
    }
}

fn range_table(out: &mut String, ranges: &[RangeOfGoal]) {
    let _ =
        writeln!(out, "how far the numbers of goals can change while the best plan stays as good");
    for range in ranges {
        let RangeOfGoal { goal, side, unit, limit, tightest, better_from, at } = range;
        let _ = writeln!(out, "  {goal}  {at}");
        let loosened = match better_from.as_str() {
            "never" => "no number makes a better plan possible".to_owned(),
            "unknown" => "from which number on a better plan is possible is unknown".to_owned(),
            number => format!("better from {} on", with_unit(number, unit)),
        };
        let limit = with_unit(limit, unit);
        let tightest = with_unit(tightest, if tightest == "unknown" { "" } else { unit });
        let _ = writeln!(out, "    {side} {limit}: can be tightened to {tightest}; {loosened}");
    }
    if ranges.is_empty() {
        let _ = writeln!(out, "  no goal is one comparison with a number");
    }
}
