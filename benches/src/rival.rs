//! Other people's solvers on the same problem, in the same run.

use std::path::Path;
use std::process::Command;

use coc_optimizer::problem::{Formula, GroupId, Measure, OptionId, Problem, Requirement};
use serde::Deserialize;
use serde_json::{Value, json};

/// What a rival found, in its own time without start-up and reading.
#[derive(Clone, Debug, Deserialize)]
pub struct Answer {
    /// `optimal`, `feasible` or `unknown`.
    pub status: String,
    /// Nano-dollars a month.
    pub objective: Option<i64>,
    /// No solution costs less.
    pub bound: Option<i64>,
    /// Building the model, in seconds.
    pub build_s: f64,
    /// Solving it, in seconds.
    pub solve_s: f64,
}

/// A problem of packing and traffic alone as a document for rivals: options with cost, capacity and
/// site; groups with demand, count and where they may be; flows; prices between sites.
///
/// # Errors
/// What is in the problem that the document can't say.
pub fn document(problem: &Problem) -> Result<Value, String> {
    let [tier] = problem.tiers.as_slice() else { return Err("more than one objective".to_owned()) };
    let mut costs = vec![0_i128; problem.options.len()];
    let mut traffic = json!(null);
    for (coefficient, measure) in &tier.objective.terms {
        match &problem.measures[measure.0] {
            Measure::Sum { items, hosts: Some(hosts) } if items.is_empty() => {
                for (option, cost) in costs.iter_mut().enumerate() {
                    *cost += coefficient * hosts.at(problem, OptionId(option));
                }
            }
            Measure::Traffic(of) => {
                let single = |p: &coc_optimizer::problem::MeterPrice| {
                    p.single_price(1_000_000_000_000)
                        .map(|price| json!([number(price), number(p.unit)]))
                };
                traffic = json!({
                    "meter": of.meter.iter().map(|m| m.map_or(-1, |m| i64::try_from(m).unwrap_or(-1))).collect::<Vec<i64>>(),
                    "prices": of.prices.iter().map(single).collect::<Option<Vec<_>>>().ok_or("a price in tiers")?,
                    "flows": of.flows.iter().map(|f| json!([f.from.0, f.to.0, number(f.bytes)])).collect::<Vec<_>>(),
                });
            }
            other => return Err(format!("the objective holds {other:?}")),
        }
    }
    let forbidden = problem.requirements.iter().map(|r| forbidden(problem, r));
    let options: Vec<Value> = problem
        .options
        .iter()
        .zip(costs)
        .map(|(o, cost)| json!({"site": o.site, "cost": number(cost), "capacity": o.capacity}))
        .collect();
    let groups: Vec<Value> = (0..problem.groups.len())
        .map(|g| {
            let group = &problem.groups[GroupId(g).0];
            let may: Vec<usize> = (0..problem.options.len())
                .filter(|o| group.may_use(problem, OptionId(*o)))
                .collect();
            json!({"count": group.count, "demand": group.demand, "options": may})
        })
        .collect();
    Ok(json!({
        "sites": problem.sites.len(),
        "options": options,
        "groups": groups,
        "traffic": traffic,
        "forbidden": forbidden.collect::<Result<Vec<_>, _>>()?,
    }))
}

/// The pairs of sites that two groups may not be at.
fn forbidden(problem: &Problem, requirement: &Requirement) -> Result<Value, String> {
    if let Formula::AtMostZero(combination) = &requirement.formula
        && let [(_, measure)] = combination.terms.as_slice()
        && let Measure::Pairs { between: (a, b), table } = &problem.measures[measure.0]
    {
        let pairs = (0..table.sites * table.sites)
            .map(|p| (p / table.sites, p % table.sites))
            .filter(|(s, t)| table.at(*s, *t) > 0);
        return Ok(json!({"groups": [a.0, b.0], "pairs": pairs.collect::<Vec<_>>()}));
    }
    Err(format!("a requirement of another kind: {}", requirement.origin.says))
}

fn number(value: i128) -> Value {
    i64::try_from(value).map_or_else(|_| json!(value.to_string()), |small| json!(small))
}

/// Runs a rival on a document. The first time this installs it, outside of the checkout.
///
/// # Errors
/// In words, if it can't be installed, fails, or answers with something else.
pub fn run(rivals: &Path, name: &str, document: &Path, seconds: u32) -> Result<Answer, String> {
    let output = Command::new(rivals.join("run.sh"))
        .arg(name)
        .arg(document)
        .arg(seconds.to_string())
        .output()
        .map_err(|e| e.to_string())?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    serde_json::from_slice(&output.stdout).map_err(|e| e.to_string())
}
