//! The price of each goal: how much better the optimum would be without it.

use std::collections::BTreeSet;

use coc_model::goals::Policy;

use super::{first_stated, with_share};
use crate::conflict::without_dimension;
use crate::engine::{Budget, Engine};
use crate::portfolio::{Found, Outcome, optimize};
use crate::problem::{Origin, Problem};

/// What a goal costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoalPrice {
    /// The goal.
    pub origin: Origin,
    /// Index of the tier it is told in: the first stated one; or one before it (the violation of
    /// what only should hold) that would become better.
    pub tier: usize,
    /// The tier's best value with the goal.
    pub with: i128,
    /// Its best value without the goal; `None` if not proved in time.
    pub without: Option<i128>,
}

impl GoalPrice {
    /// How much better the tier would be without the goal, never negative.
    pub fn better(&self) -> Option<i128> {
        self.without.map(|without| (self.with - without).abs())
    }
}

/// The price of every goal that must hold and of all that the application itself asks for, in the
/// order of the problem. What has no place in a file is no goal: that traffic goes only where its
/// price is known has no price, since without it the unknown would count as nothing. All rules that
/// come from one goal are left out together. Empty if the optimum itself is not proved up to the first stated tier.
pub fn goal_prices(
    problem: &Problem,
    found: &Found,
    engines: &[&dyn Engine],
    budget: Budget<'_>,
) -> Vec<GoalPrice> {
    let origins = origins(problem);
    let mut prices = Vec::new();
    for (index, origin) in origins.iter().enumerate() {
        let without = leaving_out(problem, origin);
        let price = with_share(budget, origins.len() - index, |budget| {
            price_without(problem, found, &without, origin.clone(), engines, budget)
        });
        prices.extend(price);
    }
    prices
}

/// The price of a goal, given the problem without it: for goals that shape the problem in ways that
/// can't be taken out of it (services that share a host are one item). The tiers of both problems
/// must be the same. `None` if the optimum itself is not proved.
pub fn price_without(
    problem: &Problem,
    found: &Found,
    without: &Problem,
    origin: Origin,
    engines: &[&dyn Engine],
    budget: Budget<'_>,
) -> Option<GoalPrice> {
    let stated = first_stated(problem)?;
    let known = found.tiers.get(..=stated)?;
    if without.tiers.len() <= stated || !known.iter().all(|t| t.proved) {
        return None;
    }
    let asked = Problem { tiers: without.tiers[..=stated].to_vec(), ..without.clone() };
    let bests: Option<Vec<i128>> = match optimize(&asked, engines, budget) {
        Outcome::Found(free) if free.optimal() => {
            Some(free.tiers.iter().map(|t| t.bound).collect())
        }
        _ => None,
    };
    let differs = |bests: &Vec<i128>| bests.iter().zip(known).position(|(b, k)| *b != k.bound);
    let tier = bests.as_ref().and_then(differs).unwrap_or(stated);
    Some(GoalPrice {
        origin,
        tier,
        with: known[tier].bound,
        without: bests.and_then(|b| b.get(tier).copied()),
    })
}

/// What the rules of a problem that stand in files come from, each once, in their order.
fn origins(problem: &Problem) -> Vec<Origin> {
    let must = problem.requirements.iter().filter(|r| r.policy != Policy::Should);
    let all = must
        .map(|r| &r.origin)
        .chain(problem.apart.iter().map(|a| &a.origin))
        .chain(problem.dimension_rules.iter().map(|d| &d.origin));
    let mut seen = BTreeSet::new();
    all.filter(|o| o.at.is_some() && seen.insert((*o).clone())).cloned().collect()
}

/// The problem without the rules that come from a goal.
fn leaving_out(problem: &Problem, origin: &Origin) -> Problem {
    let mut without = problem.clone();
    without.requirements.retain(|r| r.policy == Policy::Should || r.origin != *origin);
    without.apart.retain(|a| a.origin != *origin);
    for rule in (0..problem.dimension_rules.len()).rev() {
        if problem.dimension_rules[rule].origin == *origin {
            without_dimension(&mut without, rule);
        }
    }
    without
}
