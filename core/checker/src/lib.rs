//! The checker: judges a finished plan on its own.
//!
//! It reads goals concretely, by the plain CEL interpreter, works out every price and every fit
//! from the plan's hosts and placements, and shares no code with lowering or engines: nothing but
//! the goals' parser and the model.
#![deny(clippy::float_arithmetic)]

mod carbon;
mod facts;
mod fit;
mod language;
mod price;
mod quantity;

use std::sync::Arc;

use coc_goals::expression::Type;
use coc_goals::number::{Number, Unit};
use coc_goals::rules::Rules;
use coc_model::application::Application;
use coc_model::estate::Estate;
use coc_model::goals::{Direction, Policy};
use coc_model::money::Money;
use coc_model::plan::{Check, CheckedRequirement, Plan};
use num_rational::Ratio;

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
    let (facts, mut faults) = fit::facts(question.application, question.estate, question.plan);
    faults.extend(fit::faults(question.application, question.plan, &facts));
    if facts.hosts.len() != question.plan.hosts.len() {
        return Check { accepted: false, requirements: Vec::new(), faults };
    }
    let priced = price::price(question.application, question.plan, &facts);
    faults.extend(priced.faults);
    faults.extend(cost_faults(question.plan, priced.total));
    let placed = i128::try_from(facts.replicas.len()).unwrap_or(i128::MAX);
    let cost = Ratio::new(priced.total.nano(), 1_000_000_000);
    let carbon = carbon::of_plan(&facts);
    faults.extend(carbon::faults(question.plan, carbon));
    let reader = Reader::new(Arc::new(facts), Totals { cost, carbon, placed });
    let requirements: Vec<CheckedRequirement> =
        question.rules.require.iter().map(|rule| judged(&reader, rule)).collect();
    faults.extend(objective_faults(&reader, question));
    let met = requirements.iter().all(|r| r.satisfied || r.policy == Policy::Should);
    Check { accepted: faults.is_empty() && met, requirements, faults }
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
        coc_goals::expression::Node::Compare(_, a, b) => match (a.gives, b.gives) {
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
            Direction::Minimize => Ratio::gt,
            Direction::Maximize => Ratio::lt,
        };
        let bound = objective.bound.parse::<coc_model::decimal::Decimal>();
        if let Ok(bound) = bound
            && better(&Ratio::new(bound.atto(), coc_model::decimal::ONE), &value)
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
        Unit::Money | Unit::MoneyPerMonth => 2,
        Unit::MoneyPerHour => 4,
        _ => 0,
    }
}
