//! Questions about a plan, answered by solving again: what each goal costs, how far its number can
//! be changed, why each service is where it is, and what an alternative would come to.

use std::collections::BTreeSet;

use coc_goals::expression::{Expression, Node, Property};
use coc_goals::number::{Unit, display_fraction};
use coc_goals::rules::Rules;
use coc_model::estate::Site;
use coc_model::goals::Policy;
use coc_model::money::Money;
use coc_model::plan::{Before, ConflictItem, CostLine, Plan, Status};
use coc_optimizer::engine::{Budget, Proof};
use coc_optimizer::explain::alternative::{Alternative, alternative, elsewhere, forced};
use coc_optimizer::explain::price::{GoalPrice, goal_prices, price_without};
use coc_optimizer::explain::range::{Loosened, Range, Side, ranges};
use coc_optimizer::lower::{Lowered, standing};
use coc_optimizer::portfolio::{Found, Outcome, TierValue, optimize};
use coc_optimizer::problem::{GroupId, Origin, Problem, Scale, Tier};
use serde::Serialize;
use thiserror::Error;

use super::{PlanningError, Request, bare, items, judged, lowered, walk};

/// Said of what could not be proved in time.
const UNKNOWN: &str = "unknown";

/// A plan read back as a solution of the problem it was made from, to be asked about.
pub struct Explained<'a> {
    pub(super) request: &'a Request<'a>,
    pub(super) lowered: Lowered,
    /// The plan's own solution; proved as the plan says.
    pub(super) found: Found,
}

/// A plan that was proved again: for questions whose answers compare optima, for which the word of a
/// document is not enough.
pub struct Proved<'e, 'a> {
    explained: &'e Explained<'a>,
    found: Found,
}

/// Why a plan can't be explained.
#[derive(Debug, Error)]
pub enum ExplainError {
    /// The input is wrong, or the checker disagrees.
    #[error(transparent)]
    Planning(#[from] PlanningError),
    /// The optimum that explanations compare with is not proved.
    #[error("no proved plan was found in time to compare with: {0}")]
    NotProved(String),
    /// The plan is another one than what is best.
    #[error("what is best over these inputs is not the plan: {0}")]
    Another(String),
}

/// What a goal costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PriceOfGoal {
    /// The goal, as written.
    pub goal: String,
    /// Where it stands.
    pub at: String,
    /// The objective that it is told in.
    pub objective: String,
    /// Its unit.
    pub unit: String,
    /// The objective's best value with the goal.
    pub with: String,
    /// Without the goal.
    pub without: String,
    /// How much better that is.
    pub better: String,
}

/// How far a goal's number can be changed without changing the optimum.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RangeOfGoal {
    /// The goal, as written.
    pub goal: String,
    /// Where it stands.
    pub at: String,
    /// `at most` or `at least`.
    pub side: String,
    /// The unit of the numbers.
    pub unit: String,
    /// The number as it is.
    pub limit: String,
    /// The tightest with which the optimum stays what it is.
    pub tightest: String,
    /// From which number on a better optimum is possible; `never`.
    #[serde(rename = "betterFrom")]
    pub better_from: String,
}

/// Where services are, and what it would be to have them elsewhere.
#[derive(Clone, Debug, Serialize)]
pub struct Why {
    /// The services: several, if they must share a host.
    pub services: Vec<String>,
    /// Where they are.
    pub at: Vec<String>,
    /// The best plan with none of them at any of these places.
    pub elsewhere: Comparison,
    /// Where they would be then.
    #[serde(rename = "then")]
    pub there: Vec<String>,
}

/// An alternative beside the plan.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// `possible`, `impossible`, or `unknown`.
    pub verdict: Verdict,
    /// Each objective with the alternative, if it is possible.
    pub objective: Vec<Difference>,
    /// The lines of the cost that it has more (above zero) or less.
    pub cost: Vec<CostLine>,
    /// The goals that can't hold together with it.
    pub conflict: Vec<ConflictItem>,
    /// The plan with it, without native documents.
    pub plan: Option<Box<Plan>>,
}

/// What is known of an alternative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// There is a plan with it; proved to be the best.
    Possible,
    /// There is a plan with it; not proved to be the best.
    Feasible,
    /// There is none.
    Impossible,
    /// Neither is proved.
    Unknown,
}

/// An objective with an alternative.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The objective.
    pub goal: String,
    /// Its unit.
    pub unit: String,
    /// Its value with the alternative.
    pub value: String,
    /// How much more that is than the plan's, with its sign.
    pub more: String,
}

impl<'a> Explained<'a> {
    /// Reads a plan back over what it was made from, and has the checker judge it.
    ///
    /// # Errors
    /// Goals that can't be lowered; a plan whose machines are no longer to be had, or that comes to
    /// other values now.
    pub fn read(request: &'a Request<'a>, plan: &Plan) -> Result<Self, ExplainError> {
        let lowered = lowered(request, request.rules).map_err(PlanningError::from)?;
        let Some(solution) = standing(&Before::of(plan), request.estate, &lowered.problem) else {
            let says = "some of its machines are not to be had";
            return Err(ExplainError::Another(says.to_owned()));
        };
        let worth = solution.worth(&lowered.problem);
        let proved = plan.status == Status::Optimal;
        let tiers = lowered.problem.tiers.iter().map(|tier| {
            let value = worth.value(&tier.objective);
            TierValue { value, bound: if proved { value } else { i128::MIN }, proved }
        });
        let found = Found { tiers: tiers.collect(), solution, proof: Proof::default() };
        let explained = Self { request, lowered, found };
        explained.comes_to(plan, &explained.found)?;
        Ok(explained)
    }

    /// That a solution is accepted by the checker and has the values a plan states.
    fn comes_to(&self, plan: &Plan, found: &Found) -> Result<(), ExplainError> {
        let now = judged(self.request, bare(self.request, &self.lowered, found))?;
        for (new, old) in now.objective.iter().zip(&plan.objective) {
            if (&new.goal, &new.value) != (&old.goal, &old.value) {
                let says =
                    format!("{} is {} {}, the plan's {}", new.goal, new.value, new.unit, old.value);
                return Err(ExplainError::Another(says));
            }
        }
        Ok(())
    }

    /// Proves the plan again.
    ///
    /// # Errors
    /// No proof in time; another optimum than the plan's.
    pub fn proved(&self, plan: &Plan) -> Result<Proved<'_, 'a>, ExplainError> {
        let request = self.request;
        let found = match optimize(&self.lowered.problem, request.engines, budget(request)) {
            Outcome::Found(found) if found.optimal() => found,
            Outcome::Found(_) => return Err(ExplainError::NotProved("only a bound".to_owned())),
            Outcome::Infeasible(_) => {
                return Err(ExplainError::Another("no plan can exist".to_owned()));
            }
            Outcome::Unknown(why, _) => return Err(ExplainError::NotProved(why)),
        };
        self.comes_to(plan, &found)?;
        Ok(Proved { explained: self, found })
    }

    /// For some services (all, if none are named): where each is, and the best plan that has it
    /// nowhere there.
    ///
    /// # Errors
    /// A plan that the checker refuses.
    pub fn why(&self, services: &[String]) -> Result<Vec<Why>, ExplainError> {
        let groups = &self.lowered.problem.groups;
        let asked = |g: &usize| {
            let named = |(s, _): &(std::sync::Arc<str>, i64)| services.iter().any(|n| **n == **s);
            services.is_empty() || groups[*g].services.iter().any(named)
        };
        let asked: Vec<usize> = (0..groups.len()).filter(asked).collect();
        let mut why = Vec::new();
        for group in asked {
            let mut problem = self.lowered.problem.clone();
            let group = GroupId(group);
            let Some(force) = elsewhere(&mut problem, &self.found.solution, group) else {
                continue;
            };
            let services: Vec<String> =
                problem.groups[group.0].services.iter().map(|(s, _)| s.to_string()).collect();
            let says = format!("{} elsewhere", services.join(" with "));
            let asked = forced(&problem, force, Origin { says: says.as_str().into(), at: None });
            let other = Lowered { problem: asked, ..self.lowered.clone() };
            let (mut elsewhere, found) = self.comparison(self.request, &other)?;
            // That it is elsewhere is no goal.
            elsewhere.conflict.retain(|item| item.goal != says || !item.at.is_empty());
            why.push(Why {
                services,
                at: self.places(&self.found, group),
                there: found.map_or_else(Vec::new, |found| self.places(&found, group)),
                elsewhere,
            });
        }
        Ok(why)
    }

    /// What a plan would come to that keeps to other rules: the plan's own and an alternative.
    ///
    /// # Errors
    /// An alternative that can't be lowered, at its column; a plan that the checker refuses.
    pub fn why_not(&self, rules: &Rules) -> Result<Comparison, ExplainError> {
        let other = lowered(self.request, rules).map_err(PlanningError::from)?;
        let request = Request { rules, inputs: self.request.inputs.clone(), ..*self.request };
        Ok(self.comparison(&request, &other)?.0)
    }

    fn comparison(
        &self,
        request: &Request<'_>,
        other: &Lowered,
    ) -> Result<(Comparison, Option<Found>), ExplainError> {
        let none = |verdict| Comparison {
            verdict,
            objective: Vec::new(),
            cost: Vec::new(),
            conflict: Vec::new(),
            plan: None,
        };
        match alternative(&other.problem, request.engines, budget(request)) {
            Alternative::Possible(found) => {
                let verdict = if found.optimal() { Verdict::Possible } else { Verdict::Feasible };
                let plan = judged(request, bare(request, other, &found))?;
                let now = bare(self.request, &self.lowered, &self.found);
                let comparison = Comparison {
                    objective: differences(&self.lowered.problem, &self.found, &found),
                    cost: cost_differences(&now.cost.lines, &plan.cost.lines),
                    plan: Some(Box::new(plan)),
                    ..none(verdict)
                };
                Ok((comparison, Some(found)))
            }
            Alternative::Impossible(conflict) => {
                let conflict = items(&conflict);
                Ok((Comparison { conflict, ..none(Verdict::Impossible) }, None))
            }
            Alternative::Unknown(_) => Ok((none(Verdict::Unknown), None)),
        }
    }

    /// The places where a group, or an alternative to it, is, each once.
    fn places(&self, found: &Found, group: GroupId) -> Vec<String> {
        let groups = self.lowered.problem.alternatives(group);
        let holds = |held: &(GroupId, i64)| groups.contains(&held.0);
        let here = found.solution.hosts.iter().filter(|h| h.holds.iter().any(holds));
        let sites: BTreeSet<usize> =
            here.map(|h| self.lowered.problem.options[h.option.0].site).collect();
        sites.into_iter().map(|s| place_of(&self.request.estate.sites[s])).collect()
    }
}

impl Proved<'_, '_> {
    /// The price of every goal that must hold, and of what the application itself asks for.
    ///
    /// # Errors
    /// None that finding the plan would not have given.
    pub fn prices(&self) -> Result<Vec<PriceOfGoal>, ExplainError> {
        let Explained { request, lowered: Lowered { problem, .. }, .. } = self.explained;
        let (engines, budget) = (request.engines, budget(request));
        let mut prices = goal_prices(problem, &self.found, engines, budget);
        for (index, rule) in request.rules.require.iter().enumerate() {
            if rule.policy == Policy::Should || !shapes_hosts(&rule.expression) {
                continue;
            }
            let mut rules = request.rules.clone();
            rules.require.remove(index);
            let without = lowered(request, &rules).map_err(PlanningError::from)?;
            let origin = Origin { says: rule.goal.as_str().into(), at: Some(rule.at.clone()) };
            prices.retain(|p| p.origin != origin);
            let price =
                price_without(problem, &self.found, &without.problem, origin, engines, budget);
            prices.extend(price);
        }
        // As they stand in the files.
        prices.sort_by(|a, b| (&a.origin.at, &a.origin.says).cmp(&(&b.origin.at, &b.origin.says)));
        Ok(prices.iter().map(|p| price_told(problem, p)).collect())
    }

    /// The range of every goal that is one comparison with a number.
    pub fn ranges(&self) -> Vec<RangeOfGoal> {
        let Explained { request, lowered: Lowered { problem, compared, .. }, .. } = self.explained;
        let found = ranges(problem, compared, &self.found, request.engines, budget(request));
        found.iter().map(range_told).collect()
    }
}

/// The objectives of another solution beside those of one.
pub(super) fn differences(problem: &Problem, ours: &Found, theirs: &Found) -> Vec<Difference> {
    let values = ours.tiers.iter().zip(&theirs.tiers);
    let difference = |(tier, (ours, theirs)): (&Tier, (&TierValue, &TierValue))| {
        let more = theirs.value.saturating_sub(ours.value);
        let sign = if more > 0 { "+" } else { "" };
        Difference {
            goal: tier.origin.says.to_string(),
            unit: tier.scale.unit.suffix().to_owned(),
            value: shown(tier.scale, theirs.value),
            more: format!("{sign}{}", shown(tier.scale, more)),
        }
    };
    problem.tiers.iter().zip(values).map(difference).collect()
}

pub(super) fn budget<'a>(request: &'a Request<'_>) -> Budget<'a> {
    Budget {
        time_left: request.time_left,
        gap_ppm: 0,
        seed: request.inputs.seed,
        cancel: request.cancel,
    }
}

/// True if a goal looks at the hosts of replicas: it may have become one item of several services, or
/// a rule on sharing hosts that another goal states too.
fn shapes_hosts(expression: &Expression) -> bool {
    let mut found = false;
    walk(expression, &mut |e| {
        found |= matches!(&e.node, Node::Property(_, Property::Host) | Node::Placed);
    });
    found
}

fn shown(scale: Scale, value: i128) -> String {
    let digits = match scale.unit {
        Unit::Money | Unit::MoneyPerMonth => 2,
        Unit::MoneyPerHour => 4,
        _ => 0,
    };
    display_fraction(scale.number(value).value, digits)
}

fn at(origin: &Origin) -> String {
    origin.at.as_ref().map_or_else(String::new, ToString::to_string)
}

fn price_told(problem: &Problem, price: &GoalPrice) -> PriceOfGoal {
    let tier = &problem.tiers[price.tier];
    let known = |value: Option<i128>| {
        value.map_or_else(|| UNKNOWN.to_owned(), |value| shown(tier.scale, value))
    };
    PriceOfGoal {
        goal: price.origin.says.to_string(),
        at: at(&price.origin),
        objective: tier.origin.says.to_string(),
        unit: tier.scale.unit.suffix().to_owned(),
        with: shown(tier.scale, price.with),
        without: known(price.without),
        better: known(price.better()),
    }
}

fn range_told(range: &Range) -> RangeOfGoal {
    let number = |value: i128| shown(range.scale, value);
    RangeOfGoal {
        goal: range.origin.says.to_string(),
        at: at(&range.origin),
        side: match range.side {
            Side::AtMost => "at most",
            Side::AtLeast => "at least",
        }
        .to_owned(),
        unit: range.scale.unit.suffix().to_owned(),
        limit: number(range.limit),
        tightest: range.tightest.map_or_else(|| UNKNOWN.to_owned(), number),
        better_from: match range.loosened {
            Loosened::BetterFrom(value) => number(value),
            Loosened::NeverBetter => "never".to_owned(),
            Loosened::Unknown => UNKNOWN.to_owned(),
        },
    }
}

/// The lines that only one of two costs has, those of the first taken off.
fn cost_differences(ours: &[CostLine], theirs: &[CostLine]) -> Vec<CostLine> {
    let only = |these: &[CostLine], those: &[CostLine], sign: i128| {
        let line = |line: &&CostLine| !those.contains(line);
        let signed = |line: &CostLine| {
            let amount = Money::parse(&line.amount).ok()?;
            let amount = Money::from_nano(sign * amount.nano()).to_string();
            Some(CostLine { amount, ..line.clone() })
        };
        these.iter().filter(line).filter_map(signed).collect::<Vec<_>>()
    };
    let mut lines = only(theirs, ours, 1);
    lines.extend(only(ours, theirs, -1));
    lines
}

fn place_of(site: &Site) -> String {
    let words = [Some(&site.cloud), site.place.region.as_ref(), site.place.zone.as_ref()];
    words.into_iter().flatten().map(|w| &**w).collect::<Vec<_>>().join(" ")
}
