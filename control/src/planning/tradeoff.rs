//! What a plan gives up for what, against the plan that it comes after.

use std::collections::BTreeMap;

use coc_checker::{Copying, Question, check, copying};
use coc_goals::number::display_fraction;
use coc_goals::rules::Rules;
use coc_model::decimal::Decimal;
use coc_model::plan::{Before, Check, CheckedRequirement, Host, Plan};
use coc_model::tradeoff::{self, Met, Move, Standing, TradedGoal, TradedValue, Tradeoff};
use coc_optimizer::lower::{Lowered, standing};

use super::Request;

/// Said of what can't be told.
const UNKNOWN: &str = "unknown";

/// A plan beside the one before it.
pub(super) fn tradeoff(
    request: &Request<'_>,
    lowered: &Lowered,
    parent: &Plan,
    plan: &Plan,
) -> Tradeoff {
    Tradeoff {
        from: parent.plan.clone(),
        values: values(request, lowered, parent, plan),
        goals: goals(request, parent, plan),
        moves: moves(&parent.hosts, &plan.hosts),
        copying: copied(copying(&question(request, request.rules, &after(plan, parent)))),
    }
}

fn copied(found: Option<Copying>) -> tradeoff::Copying {
    let (cost, unknown_sizes) = found.map_or((None, Vec::new()), |c| (c.cost, c.unknown_sizes));
    let amount = cost.map_or_else(|| UNKNOWN.to_owned(), |cost| cost.to_string());
    tradeoff::Copying { amount, unit: "USD".to_owned(), unknown_sizes }
}

/// The plan with what ran before it.
fn after(plan: &Plan, parent: &Plan) -> Plan {
    Plan { before: Some(Before::of(parent)), ..plan.clone() }
}

fn question<'a>(request: &Request<'a>, rules: &'a Rules, plan: &'a Plan) -> Question<'a> {
    Question { application: request.application, rules, estate: request.estate, plan }
}

/// The cost as both plans state it; then the objectives of the new goals, those of the plan before as
/// they would come to today.
fn values(
    request: &Request<'_>,
    lowered: &Lowered,
    parent: &Plan,
    plan: &Plan,
) -> Vec<TradedValue> {
    let of = |goal: &str, unit: &str, before: String, after: String| TradedValue {
        more: difference(&before, &after),
        goal: goal.to_owned(),
        unit: unit.to_owned(),
        before,
        after,
    };
    let problem = &lowered.problem;
    let then = standing(&Before::of(parent), request.estate, problem).map(|s| s.worth(problem));
    let mut values =
        vec![of("cost", &plan.cost.unit, parent.cost.total.clone(), plan.cost.total.clone())];
    let others = problem.tiers.iter().zip(&plan.objective).filter(|(_, o)| o.goal != "cost");
    values.extend(others.map(|(tier, objective)| {
        let before = then.as_ref().map_or_else(
            || UNKNOWN.to_owned(),
            |worth| {
                let digits = objective.value.split_once('.').map_or(0, |(_, digits)| digits.len());
                display_fraction(tier.scale.number(worth.value(&tier.objective)).value, digits)
            },
        );
        of(&objective.goal, &objective.unit, before, objective.value.clone())
    }));
    values
}

fn difference(before: &str, after: &str) -> String {
    let number = |text: &str| text.parse::<Decimal>().ok();
    let more = number(before).zip(number(after)).and_then(|(before, after)| {
        let more = Decimal::from_atto(after.atto().checked_sub(before.atto())?);
        let sign = if more.atto() > 0 { "+" } else { "" };
        Some(format!("{sign}{}", more.display(2)))
    });
    more.unwrap_or_else(|| UNKNOWN.to_owned())
}

/// The new goals by both plans, and of the goals before those that are no longer stated.
fn goals(request: &Request<'_>, parent: &Plan, plan: &Plan) -> Vec<TradedGoal> {
    let judged = |rules: &Rules, plan: &Plan| check(&question(request, rules, plan));
    let then = judged(request.rules, &after(parent, parent));
    let kept = |goal: &CheckedRequirement| {
        parent.check.requirements.iter().any(|before| before.goal == goal.goal)
    };
    let mut traded: Vec<TradedGoal> = plan
        .check
        .requirements
        .iter()
        .enumerate()
        .map(|(index, now)| TradedGoal {
            goal: now.goal.clone(),
            at: now.at.to_string(),
            standing: if kept(now) { Standing::Kept } else { Standing::New },
            before: then.requirements.get(index).map(met),
            after: Some(met(now)),
        })
        .filter(|goal| goal.standing == Standing::New || goal.before != goal.after)
        .collect();
    let now = request.rules_before.map(|rules| judged(rules, &after(plan, parent)));
    traded.extend(dropped(&parent.check, &plan.check, now.as_ref()));
    traded
}

/// The goals before that are no longer stated, with the new plan as it would be judged by them.
fn dropped(before: &Check, stated: &Check, now: Option<&Check>) -> Vec<TradedGoal> {
    let gone = |goal: &&CheckedRequirement| stated.requirements.iter().all(|s| s.goal != goal.goal);
    let today = |goal: &CheckedRequirement| {
        now?.requirements.iter().find(|n| n.goal == goal.goal && n.at == goal.at).map(met)
    };
    let traded = |goal: &CheckedRequirement| TradedGoal {
        goal: goal.goal.clone(),
        at: goal.at.to_string(),
        standing: Standing::Dropped,
        before: Some(met(goal)),
        after: today(goal),
    };
    before.requirements.iter().filter(gone).map(traded).collect()
}

fn met(goal: &CheckedRequirement) -> Met {
    Met { holds: goal.satisfied, value: goal.value.clone() }
}

/// The replicas of each service that are on another kind of machine at a place than before.
pub(super) fn moves(before: &[Host], after: &[Host]) -> Vec<Move> {
    let mut changes: BTreeMap<&str, BTreeMap<String, i64>> = BTreeMap::new();
    for (hosts, sign) in [(before, -1), (after, 1)] {
        for host in hosts {
            for (service, _) in &host.holds {
                *changes.entry(service).or_default().entry(place(host)).or_insert(0) += sign;
            }
        }
    }
    let mut moves: BTreeMap<(String, Option<String>, Option<String>), usize> = BTreeMap::new();
    for (service, places) in changes {
        let those = |sign: i64| {
            let some = places.iter().filter(move |(_, n)| **n * sign > 0);
            some.flat_map(move |(place, n)| {
                let count = usize::try_from(*n * sign).unwrap_or(0);
                std::iter::repeat_n(place.clone(), count)
            })
        };
        let (mut left, mut come) = (those(-1), those(1));
        loop {
            let (from, to) = (left.next(), come.next());
            if from.is_none() && to.is_none() {
                break;
            }
            *moves.entry((service.to_owned(), from, to)).or_insert(0) += 1;
        }
    }
    let told = |((service, from, to), replicas)| Move { service, replicas, from, to };
    moves.into_iter().map(told).collect()
}

fn place(host: &Host) -> String {
    let words = [Some(&host.cloud), host.region.as_ref(), host.zone.as_ref(), Some(&host.offer)];
    words.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(" ")
}
