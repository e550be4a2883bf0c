//! The checker: judges a finished plan on its own.
//!
//! It reads goals concretely, by the plain CEL interpreter, works out every price and every fit
//! from the plan's hosts and placements, and shares no code with lowering or engines: nothing but
//! the goals' parser and the model.
#![deny(clippy::float_arithmetic)]

mod carbon;
mod copying;
mod facts;
mod fit;
mod language;
mod price;
mod quantity;

use std::sync::Arc;

use coc_goals::expression::{Aggregate, Expression, Node, Operator, Type};
use coc_goals::number::{Number, Unit};
use coc_goals::rules::Rules;
use coc_model::application::Application;
use coc_model::decimal::Decimal;
use coc_model::estate::Estate;
use coc_model::goals::{Direction, Policy};
use coc_model::money::Money;
use coc_model::plan::{Check, CheckedRequirement, Plan};
use num_rational::Ratio;

pub use copying::Copying;
use language::{Answer, Reader, Totals};

/// What a plan is judged by.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// The application.
    pub application: &'a Application,
    /// Its goals.
    pub rules: &'a Rules,
    /// The clouds.
    pub estate: &'a Arc<Estate>,
    /// The plan; its own `check` is not looked at.
    pub plan: &'a Plan,
}

/// Judges a plan: every placement fits, every figure is right, every requirement holds.
pub fn check(question: &Question<'_>) -> Check {
    let (mut facts, mut faults) =
        fit::facts(question.application, question.rules, question.estate, question.plan);
    faults.extend(fit::faults(question.application, question.plan, &facts));
    if facts.hosts.len() != question.plan.hosts.len() {
        return Check { accepted: false, requirements: Vec::new(), faults };
    }
    let priced = price::price(question.application, question.plan, &facts);
    faults.extend(priced.faults);
    faults.extend(cost_faults(question.plan, priced.total));
    let placed = i128::try_from(facts.replicas.len()).unwrap_or(i128::MAX);
    let cost = Ratio::new(priced.total.nano(), 1_000_000_000);
    facts.spent = priced.spent;
    facts.copied = copying::copying(question.application, question.plan, &facts).cost;
    let carbon = carbon::of_plan(&facts);
    faults.extend(carbon::faults(question.plan, carbon));
    let reader = Reader::new(Arc::new(facts), Totals { cost, carbon, placed });
    let requirements: Vec<CheckedRequirement> =
        question.rules.require.iter().map(|rule| judged(&reader, rule)).collect();
    faults.extend(objective_faults(&reader, question));
    let before = before(question);
    let met = requirements.iter().zip(&question.rules.require).all(|(judged, rule)| {
        judged.satisfied
            || match rule.policy {
                Policy::Must => false,
                Policy::Should => true,
                Policy::Improve => no_worse(before.as_ref(), &reader, rule),
            }
    });
    Check { accepted: faults.is_empty() && met, requirements, faults }
}

/// What copying the data of a plan to where it is not comes to, given what ran before it. `None` if
/// the plan is on machines that are not there.
pub fn copying(question: &Question<'_>) -> Option<Copying> {
    let (facts, faults) =
        fit::facts(question.application, question.rules, question.estate, question.plan);
    faults.is_empty().then(|| copying::copying(question.application, question.plan, &facts))
}

/// What ran before, to be asked the same questions; `None` if nothing did or it can't be looked up.
fn before(question: &Question<'_>) -> Option<Reader> {
    let before = question.plan.before.as_ref()?;
    let plan = Plan {
        placements: before.placements.clone(),
        hosts: before.hosts.clone(),
        before: None,
        ..question.plan.clone()
    };
    let (mut facts, faults) =
        fit::facts(question.application, question.rules, question.estate, &plan);
    if !faults.is_empty() {
        return None;
    }
    let priced = price::price(question.application, &plan, &facts);
    facts.spent = priced.spent;
    let placed = i128::try_from(facts.replicas.len()).unwrap_or(i128::MAX);
    let cost = Ratio::new(priced.total.nano(), 1_000_000_000);
    let carbon = carbon::of_plan(&facts);
    Some(Reader::new(Arc::new(facts), Totals { cost, carbon, placed }))
}

/// True if a requirement that does not hold did not hold before and, where it compares sums, is
/// missed by no more than then. How far other conditions are missed is for the optimizer to say.
fn no_worse(before: Option<&Reader>, now: &Reader, rule: &coc_goals::rules::Rule) -> bool {
    let Some(before) = before else { return false };
    let text = &rule.source.text;
    if before.read(text) == Answer::Truth(true) {
        return false;
    }
    match (before.missed_by(text), now.missed_by(text)) {
        (Some(then), Some(now)) if compares_sums(&rule.expression) => now <= then,
        _ => true,
    }
}

/// True if a condition compares sums of what is counted and paid.
fn compares_sums(expression: &Expression) -> bool {
    fn is_sum(e: &Expression) -> bool {
        match &e.node {
            Node::Number(_)
            | Node::Cost
            | Node::Spend(_)
            | Node::Placed
            | Node::Moved
            | Node::MoveCost => true,
            Node::Aggregated(Aggregate::Count, _, _, None) => true,
            Node::Aggregated(Aggregate::Sum, _, _, Some(body)) => {
                matches!(body.node, Node::Property(..))
            }
            Node::Scaled(of, _) => is_sum(of),
            Node::Arithmetic(Operator::Add | Operator::Subtract, a, b) => is_sum(a) && is_sum(b),
            _ => false,
        }
    }
    matches!(&expression.node, Node::Compare(_, a, b) if is_sum(a) && is_sum(b))
}

fn judged(reader: &Reader, rule: &coc_goals::rules::Rule) -> CheckedRequirement {
    let text = &rule.source.text;
    let (satisfied, value) = match reader.read(text) {
        Answer::Truth(truth) => (truth, shown(reader, rule, truth)),
        Answer::Number(_) => (false, "a number where true or false is due".to_owned()),
        Answer::Unknown(why) => (false, format!("unknown: {why}")),
    };
    CheckedRequirement {
        goal: rule.goal.clone(),
        at: rule.at.clone(),
        policy: rule.policy,
        satisfied,
        value,
    }
}

/// What a requirement was judged by: the left side of a comparison, else whether it holds.
fn shown(reader: &Reader, rule: &coc_goals::rules::Rule, truth: bool) -> String {
    let unit = match &rule.expression.node {
        Node::Compare(_, a, b) => match (a.gives, b.gives) {
            (Type::Number(x), Type::Number(y)) => x.with(y),
            _ => None,
        },
        _ => None,
    };
    match (unit, reader.left_side(&rule.source.text)) {
        (Some(unit), Some(value)) => Number { value, unit }.to_string(),
        _ => truth.to_string(),
    }
}

fn cost_faults(plan: &Plan, total: Money) -> Vec<String> {
    let mut faults = Vec::new();
    let said = |text: &str| Money::parse(text).ok();
    if said(&plan.cost.total) != Some(total) {
        faults.push(format!(
            "the plan says it costs {} USD/month, but it costs {total}",
            plan.cost.total
        ));
    }
    let lines: Option<Money> = plan.cost.lines.iter().map(|l| said(&l.amount)).sum();
    if lines != Some(total) {
        faults.push(format!("the lines of the cost do not add up to {total}"));
    }
    faults
}

/// Objectives whose stated values are not those of the plan, or whose bounds are better than
/// possible.
fn objective_faults(reader: &Reader, question: &Question<'_>) -> Vec<String> {
    let mut faults = Vec::new();
    let stated: Vec<_> = question.plan.objective.iter().filter(|o| o.goal != VIOLATION).collect();
    if stated.len() != question.rules.tiers.len() {
        faults.push("the plan does not state a value for every objective".to_owned());
    }
    for (tier, objective) in question.rules.tiers.iter().zip(stated) {
        let mut value = Ratio::from_integer(0);
        let mut unit = Unit::One;
        for (source, expression, weight) in &tier.terms {
            match reader.read(&source.text) {
                Answer::Number(n) => {
                    value += n * Ratio::new(weight.atto(), coc_model::decimal::ONE);
                }
                _ => faults.push(format!("the objective {} has no value here", tier.goal)),
            }
            if let (1, Type::Number(u)) = (tier.terms.len(), expression.gives) {
                unit = u;
            }
        }
        let computed = coc_goals::number::display_fraction(value, digits(unit));
        if computed != objective.value {
            let says =
                format!("{} is said to be {}, but is {computed}", tier.goal, objective.value);
            faults.push(says);
        }
        let better = match tier.direction {
            Direction::Minimize => i128::gt,
            Direction::Maximize => i128::lt,
        };
        // Both as they are told, so that one rounding holds for both: a third has no last digit.
        let told = |text: &str| text.parse::<Decimal>().map(Decimal::atto);
        if let (Ok(bound), Ok(value)) = (told(&objective.bound), told(&computed))
            && better(&bound, &value)
        {
            faults.push(format!(
                "the bound {} of {} is better than its value",
                objective.bound, tier.goal
            ));
        }
    }
    faults
}

/// The name of the tier that comes before all stated ones.
pub const VIOLATION: &str = "violation of what should hold";

/// Digits after the point that amounts of money have at least.
fn digits(unit: Unit) -> usize {
    match unit {
        Unit::Money | Unit::MoneyPerMonth | Unit::MoneyPerYear => 2,
        Unit::MoneyPerHour => 4,
        _ => 0,
    }
}
