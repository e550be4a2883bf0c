//! Numbers of the whole plan: sums of measures with exact coefficients.

use std::sync::Arc;

use coc_goals::expression::{Aggregate, Element, Expression, Node, Operator, Property, Type};
use coc_goals::number::{Fraction, Unit};
use coc_goals::rules::Tier as GoalTier;
use coc_goals::syntax::Source;
use num_traits::{CheckedAdd, CheckedMul, One, Zero};

use super::evaluate::{Bound, Scope, Unfit, Value};
use super::formula::{Over, or};
use super::lists::{concrete, services_of};
use super::{Lowering, Refused};
use crate::problem::{
    Combination, Formula, GroupId, Measure, MeasureId, Origin, Requirement, STEPS_MAX, Scale,
    Table, Tier,
};

/// A sum of measures in the base unit of the language.
#[derive(Clone, Debug, Default)]
pub(super) struct Linear {
    pub(super) constant: Fraction,
    pub(super) terms: Vec<(Fraction, MeasureId)>,
}

/// What a list of the whole plan ranges over.
pub(super) enum Domain {
    Concrete(Vec<Bound>),
    Decided(Over),
}

const RANGE: &str = "a number here leaves the range of exact arithmetic";

impl Linear {
    pub(super) fn constant(value: Fraction) -> Self {
        Self { constant: value, terms: Vec::new() }
    }

    pub(super) fn term(coefficient: Fraction, measure: MeasureId) -> Self {
        Self { constant: Fraction::zero(), terms: vec![(coefficient, measure)] }
    }

    pub(super) fn scaled(mut self, factor: Fraction) -> Option<Self> {
        self.constant = self.constant.checked_mul(&factor)?;
        for term in &mut self.terms {
            term.0 = term.0.checked_mul(&factor)?;
        }
        Some(self)
    }

    pub(super) fn plus(mut self, other: Self) -> Option<Self> {
        self.constant = self.constant.checked_add(&other.constant)?;
        for (coefficient, measure) in other.terms {
            match self.terms.iter_mut().find(|t| t.1 == measure) {
                Some(term) => term.0 = term.0.checked_add(&coefficient)?,
                None => self.terms.push((coefficient, measure)),
            }
        }
        self.terms.retain(|t| !t.0.is_zero());
        Some(self)
    }

    /// The same sum times the smallest positive number that makes everything whole, and that
    /// number.
    pub(super) fn whole(&self) -> Option<(Combination, i128)> {
        let denominators =
            self.terms.iter().map(|t| *t.0.denom()).chain(std::iter::once(*self.constant.denom()));
        let factor = denominators.into_iter().try_fold(1_i128, checked_lcm)?;
        let whole = |f: &Fraction| i128::checked_mul(*f.numer(), factor / f.denom());
        let terms = self.terms.iter().map(|(c, m)| Some((whole(c)?, *m))).collect::<Option<_>>()?;
        Some((Combination { constant: whole(&self.constant)?, terms }, factor))
    }
}

pub(super) fn checked_lcm(a: i128, b: i128) -> Option<i128> {
    let gcd = |mut a: i128, mut b: i128| {
        while b != 0 {
            (a, b) = (b, a % b);
        }
        a.abs()
    };
    (a / gcd(a, b)).checked_mul(b)
}

pub(super) fn unfit<T>(at: &Expression, says: impl Into<String>) -> Refused<T> {
    Err(Unfit { range: at.range, says: says.into() })
}

pub(super) fn in_range<T>(at: &Expression, value: Option<T>) -> Refused<T> {
    value.map_or_else(|| unfit(at, RANGE), Ok)
}

impl Lowering<'_> {
    /// A tier of objectives.
    pub(super) fn tier(&mut self, tier: &GoalTier) -> Result<Tier, (Source, Unfit)> {
        let mut sum = Linear::default();
        let mut unit = Unit::One;
        for (source, expression, weight) in &tier.terms {
            let refused = |u| (source.clone(), u);
            let linear = self.number(expression, &Scope::default()).map_err(refused)?;
            let weight = Fraction::new(weight.atto(), coc_model::decimal::ONE);
            let weighted = in_range(expression, linear.scaled(weight)).map_err(refused)?;
            sum = in_range(expression, sum.plus(weighted)).map_err(refused)?;
            if tier.terms.len() == 1
                && let Type::Number(u) = expression.gives
            {
                unit = u;
            }
        }
        // What a tier looks at has to be known wherever it is.
        for formula in std::mem::take(&mut self.pending) {
            self.required(formula, KNOWN);
        }
        let first = tier.terms.first().map(|t| t.0.clone());
        let Some((objective, factor)) = sum.whole() else {
            let source = first.unwrap_or_else(|| {
                Source::expanded(String::new(), coc_model::mistake::Position::start(&Arc::from("")))
            });
            return Err((source, Unfit { range: (0, 0), says: RANGE.to_owned() }));
        };
        Ok(Tier {
            objective,
            direction: tier.direction,
            tolerance_atto: tier.tolerance.atto(),
            origin: Origin { says: tier.goal.as_str().into(), at: tier.at.clone() },
            scale: Scale { unit, factor },
        })
    }

    /// What a list ranges over.
    pub(super) fn domain(&self, list: &Expression, scope: &Scope) -> Refused<Domain> {
        match &list.node {
            Node::All(Element::Host) => Ok(Domain::Decided(Over::Hosts)),
            Node::Replicas(_) => {
                Ok(Domain::Decided(Over::Replicas(services_of(self.world, list, scope)?)))
            }
            Node::On(_) => unfit(list, super::hosts::ON_FORMS),
            _ => match concrete(self.world, list, scope)? {
                Some(elements) => Ok(Domain::Concrete(elements)),
                None => unfit(list, "this is no list that can be looked through"),
            },
        }
    }

    /// A number as a sum of measures.
    pub(super) fn number(&mut self, expression: &Expression, scope: &Scope) -> Refused<Linear> {
        match &expression.node {
            Node::Cost => Ok(dollars(&self.cost)),
            Node::Spend(cloud) => self.spend(cloud, scope),
            Node::Placed => Ok(self.placed()),
            Node::Moved => self.moved(expression),
            Node::MoveCost => self.move_cost(expression),
            Node::Scaled(of, factor) => {
                let of = self.number(of, scope)?;
                in_range(expression, of.scaled(factor.value))
            }
            Node::Excess(a, b) => {
                let (x, y) = (self.number(a, scope)?, self.number(b, scope)?);
                self.excess(expression, x, y)
            }
            Node::Arithmetic(operator, a, b) => {
                let (x, y) = (self.number(a, scope)?, self.number(b, scope)?);
                self.arithmetic(expression, *operator, x, y)
            }
            // Between two replicas whose places are given it is a number as any other.
            Node::Latency(a, b) if [a, b].iter().any(|s| s.gives != Type::Replica) => {
                self.latency(a, b, scope)
            }
            Node::Aggregated(aggregate, list, variable, body) => {
                let body = body.as_deref();
                match self.domain(list, scope)? {
                    Domain::Concrete(elements) => {
                        self.over_concrete(expression, *aggregate, elements, variable, body, scope)
                    }
                    Domain::Decided(over) => {
                        self.over_decided(expression, *aggregate, &over, variable, body, scope)
                    }
                }
            }
            Node::Property(of, Property::ReplicaCount) => {
                self.number_of_replicas(expression, of, scope)
            }
            Node::Conditional(condition, a, b) => {
                if self.world.looks_at_many(condition) {
                    return self.conditional(expression, condition, a, b, scope);
                }
                match self.world.truth(condition, scope)? {
                    Some(true) => self.number(a, scope),
                    Some(false) => self.number(b, scope),
                    None => self.unknown(condition, scope),
                }
            }
            _ => match self.world.evaluate(expression, scope)? {
                Some(Value::Number(n)) => Ok(Linear::constant(n.value)),
                Some(_) => unfit(expression, "a number is due here"),
                None => self.unknown(expression, scope),
            },
        }
    }

    /// How many replicas a service has, which the plan may choose.
    fn number_of_replicas(
        &mut self,
        at: &Expression,
        of: &Expression,
        scope: &Scope,
    ) -> Refused<Linear> {
        if let Some(Value::Text(name)) = self.world.evaluate(of, scope)?
            && let [_, _, ..] = self.groups_with(&name)
        {
            let replicas = Over::Replicas(vec![name]);
            return self.over_decided(at, Aggregate::Count, &replicas, "", None, scope);
        }
        match self.world.evaluate(at, scope)? {
            Some(Value::Number(n)) => Ok(Linear::constant(n.value)),
            _ => unfit(at, "a number is due here"),
        }
    }

    /// What is not known: inside a condition on one replica or host it makes the comparison that it
    /// is in neither true nor false.
    fn unknown(&mut self, at: &Expression, scope: &Scope) -> Refused<Linear> {
        if !scope.has_placed() {
            return unfit(at, "this is not known");
        }
        self.pending.push(Formula::FALSE);
        Ok(Linear::default())
    }

    fn arithmetic(
        &mut self,
        at: &Expression,
        operator: Operator,
        x: Linear,
        y: Linear,
    ) -> Refused<Linear> {
        match operator {
            Operator::Add => in_range(at, x.plus(y)),
            Operator::Subtract => in_range(at, y.scaled(-Fraction::one()).and_then(|y| x.plus(y))),
            Operator::Multiply => self.product(at, x, y),
            Operator::Divide if y.terms.is_empty() && !y.constant.is_zero() => {
                in_range(at, x.scaled(y.constant.recip()))
            }
            Operator::Divide if y.terms.is_empty() => unfit(at, "this divides by zero"),
            Operator::Divide => unfit(
                at,
                "what is divided by a number that the plan decides can be compared, and not otherwise: a / b <= 0.5",
            ),
        }
    }

    /// A product, exact where one factor takes few values.
    pub(super) fn product(&mut self, at: &Expression, x: Linear, y: Linear) -> Refused<Linear> {
        if y.terms.is_empty() {
            return in_range(at, x.scaled(y.constant));
        }
        if x.terms.is_empty() {
            return in_range(at, y.scaled(x.constant));
        }
        let ((a, p), (b, q)) = (in_range(at, x.whole())?, in_range(at, y.whole())?);
        let width = |of: &Combination| {
            let (least, most) = self.problem.range(of);
            most.saturating_sub(least)
        };
        if width(&a).min(width(&b)) > STEPS_MAX {
            let says = format!(
                "one of two numbers that are both decided and multiplied may take at most {STEPS_MAX} values: multiply by a count"
            );
            return unfit(at, says);
        }
        let factor = in_range(at, p.checked_mul(q))?;
        let measure = self.problem.measure(Measure::Product(a, b));
        Ok(Linear::term(Fraction::new(1, factor), measure))
    }

    /// How far x is above y.
    pub(super) fn excess(&mut self, at: &Expression, x: Linear, y: Linear) -> Refused<Linear> {
        let over = in_range(at, y.scaled(-Fraction::one()).and_then(|y| x.plus(y)))?;
        if over.terms.is_empty() {
            return Ok(Linear::constant(over.constant.max(Fraction::zero())));
        }
        let (over, factor) = in_range(at, over.whole())?;
        let measure = self.problem.measure(Measure::Excess(over));
        Ok(Linear::term(Fraction::new(1, factor), measure))
    }

    /// 1 where a formula holds, else 0.
    pub(super) fn one_if(&mut self, formula: &Formula) -> Linear {
        if *formula == Formula::TRUE || *formula == Formula::FALSE {
            return Linear::constant(Fraction::from_integer((*formula == Formula::TRUE).into()));
        }
        let broken = self.problem.measure(Measure::Broken(formula.clone()));
        let mut one = Linear::term(-Fraction::one(), broken);
        one.constant = Fraction::one();
        one
    }

    /// `p ? a : b` with p decided by the plan: b, and what a is more if p holds. What has to hold for
    /// a side to be known has to only where it is that side.
    fn conditional(
        &mut self,
        at: &Expression,
        condition: &Expression,
        a: &Expression,
        b: &Expression,
        scope: &Scope,
    ) -> Refused<Linear> {
        let chosen = self.counted(condition, None, scope)?;
        let holds = self.condition(condition, true, scope)?;
        let fails = self.condition(condition, false, scope)?;
        let (a, b) = (self.side(a, &fails, scope)?, self.side(b, &holds, scope)?);
        let minus_b = in_range(at, b.clone().scaled(-Fraction::one()))?;
        let more = in_range(at, a.plus(minus_b))?;
        let part = self.product(at, chosen, more)?;
        in_range(at, b.plus(part))
    }

    /// A number that need not be known where a formula holds.
    fn side(&mut self, of: &Expression, unless: &Formula, scope: &Scope) -> Refused<Linear> {
        let before = self.pending.len();
        let number = self.number(of, scope)?;
        let known = self.pending.split_off(before);
        self.pending.extend(known.into_iter().map(|known| or(vec![unless.clone(), known])));
        Ok(number)
    }

    /// A number as one over another, where it divides by what the plan decides.
    pub(super) fn quotient(
        &mut self,
        e: &Expression,
        scope: &Scope,
    ) -> Refused<(Linear, Option<Linear>)> {
        match &e.node {
            Node::Arithmetic(Operator::Divide, a, b) => {
                let (x, under) = self.quotient(a, scope)?;
                let y = self.number(b, scope)?;
                if y.terms.is_empty() && !y.constant.is_zero() {
                    return Ok((in_range(e, x.scaled(y.constant.recip()))?, under));
                }
                if under.is_some() {
                    return unfit(e, "a quotient can't be divided again");
                }
                Ok((x, Some(y)))
            }
            Node::Arithmetic(Operator::Multiply, a, b) => {
                let (x, under) = self.quotient(a, scope)?;
                let (y, below) = self.quotient(b, scope)?;
                match (under, below) {
                    (None, None) => Ok((self.product(e, x, y)?, None)),
                    (Some(under), None) | (None, Some(under)) => {
                        Ok((self.product(e, x, y)?, Some(under)))
                    }
                    _ => unfit(e, "two quotients can't be multiplied"),
                }
            }
            Node::Scaled(of, factor) => {
                let (x, under) = self.quotient(of, scope)?;
                Ok((in_range(e, x.scaled(factor.value))?, under))
            }
            Node::Aggregated(Aggregate::Average, list, variable, body) => {
                if let Domain::Decided(over) = self.domain(list, scope)? {
                    let body = body.as_deref();
                    let sum = Aggregate::Sum;
                    let sum = self.over_decided(e, sum, &over, variable, body, scope)?;
                    let count = self.over_decided(e, Aggregate::Count, &over, "", None, scope)?;
                    return Ok((sum, Some(count)));
                }
                Ok((self.number(e, scope)?, None))
            }
            _ => Ok((self.number(e, scope)?, None)),
        }
    }

    /// How many replicas run.
    fn placed(&mut self) -> Linear {
        let items = self
            .problem
            .groups
            .iter()
            .enumerate()
            .map(|(i, g)| {
                (GroupId(i), Table::Constant(g.services.iter().map(|s| i128::from(s.1)).sum()))
            })
            .collect();
        let measure = self.problem.measure(Measure::Sum { items, hosts: None });
        Linear::term(Fraction::one(), measure)
    }

    /// Requires a measure without negative values to be zero.
    pub(super) fn bar(&mut self, measure: Measure, says: &str) {
        let measure = self.problem.measure(measure);
        self.required(Formula::AtMostZero(Combination::of(measure)), says);
    }

    pub(super) fn required(&mut self, formula: Formula, says: &str) {
        self.problem.requirements.push(Requirement {
            formula,
            policy: coc_model::goals::Policy::Must,
            origin: Origin { says: says.into(), at: None },
            scale: None,
        });
    }
}

/// What is not known is not chosen.
pub(super) const KNOWN: &str = "only where what a goal looks at is known";

/// Nano-dollars as dollars.
pub(super) fn dollars(nano: &Combination) -> Linear {
    let fraction = |value| Fraction::new(value, 1_000_000_000);
    Linear {
        constant: fraction(nano.constant),
        terms: nano.terms.iter().map(|&(c, m)| (fraction(c), m)).collect(),
    }
}
