//! Conditions of the whole plan: logic over comparisons of measures.

use coc_goals::expression::{Comparison, Expression, Node, Quantifier, Type};
use coc_goals::number::Fraction;
use num_traits::{One, Zero};

use super::evaluate::{Bound, Scope, Unfit, Value, free_variables};
use super::number::{Domain, Linear};
use super::{Lowering, Refused};
use crate::problem::{Combination, Formula, Measure, PairTable, Scale, Table};

pub(super) fn and(mut parts: Vec<Formula>) -> Formula {
    if parts.contains(&Formula::FALSE) {
        return Formula::FALSE;
    }
    parts.retain(|p| *p != Formula::TRUE);
    if parts.len() == 1 { parts.remove(0) } else { Formula::And(parts) }
}

pub(super) fn or(mut parts: Vec<Formula>) -> Formula {
    if parts.contains(&Formula::TRUE) {
        return Formula::TRUE;
    }
    parts.retain(|p| *p != Formula::FALSE);
    if parts.len() == 1 { parts.remove(0) } else { Formula::Or(parts) }
}

fn constant(truth: bool) -> Formula {
    if truth { Formula::TRUE } else { Formula::FALSE }
}

impl Lowering<'_> {
    /// A condition, or its opposite (`truth` false), as a formula.
    pub(super) fn formula(&mut self, e: &Expression, truth: bool) -> Refused<Formula> {
        self.condition(e, truth, &Scope::default())
    }

    pub(super) fn condition(
        &mut self,
        e: &Expression,
        truth: bool,
        scope: &Scope,
    ) -> Refused<Formula> {
        match &e.node {
            Node::Not(a) => self.condition(a, !truth, scope),
            Node::And(a, b) | Node::Or(a, b) => {
                let parts =
                    vec![self.condition(a, truth, scope)?, self.condition(b, truth, scope)?];
                let all = matches!(e.node, Node::And(..)) == truth;
                Ok(if all { and(parts) } else { or(parts) })
            }
            Node::Conditional(c, a, b) => {
                let then = [self.condition(c, true, scope)?, self.condition(a, truth, scope)?];
                let otherwise =
                    [self.condition(c, false, scope)?, self.condition(b, truth, scope)?];
                Ok(or(vec![and(then.to_vec()), and(otherwise.to_vec())]))
            }
            Node::Compare(comparison, a, b)
                if [a, b].iter().any(|side| self.world.looks_at_many(side)) =>
            {
                self.comparison(e, *comparison, a, b, truth, scope)
            }
            Node::In(item, list) if self.world.looks_at_many(item) => {
                self.membership(e, item, list, truth, scope)
            }
            Node::Quantified(quantifier, list, variable, body) => {
                let all = (*quantifier == Quantifier::All) == truth;
                match self.domain(list, scope)? {
                    Domain::Concrete(elements) => {
                        let mut parts = Vec::new();
                        for element in elements {
                            let inner = scope.with(variable, element);
                            parts.push(self.condition(body, truth, &inner)?);
                        }
                        Ok(if all { and(parts) } else { or(parts) })
                    }
                    Domain::Decided(over) => {
                        self.quantified(all, &over, variable, body, truth, scope)
                    }
                }
            }
            _ => match self.world.truth(e, scope)? {
                Some(value) => Ok(constant(value == truth)),
                // Of one replica or host: neither true nor false.
                None if scope.has_placed() => Ok(Formula::FALSE),
                None => Err(Unfit { range: e.range, says: "this is not known".to_owned() }),
            },
        }
    }

    /// "For all" or "for one" over replicas or hosts. What does not look at the variable is taken
    /// out; `&&` under "for all" and `||` under "for one" are split.
    fn quantified(
        &mut self,
        all: bool,
        over: &Over,
        variable: &str,
        body: &Expression,
        truth: bool,
        scope: &Scope,
    ) -> Refused<Formula> {
        let splits = |node: &Node| match node {
            Node::And(..) => all == truth,
            Node::Or(..) => all != truth,
            _ => false,
        };
        match &body.node {
            Node::Not(inner) => {
                return self.quantified(all, over, variable, inner, !truth, scope);
            }
            Node::And(a, b) | Node::Or(a, b) if splits(&body.node) => {
                let parts = vec![
                    self.quantified(all, over, variable, a, truth, scope)?,
                    self.quantified(all, over, variable, b, truth, scope)?,
                ];
                return Ok(if all { and(parts) } else { or(parts) });
            }
            Node::And(a, b) | Node::Or(a, b) => {
                let free = |e: &Expression| {
                    let mut found = Vec::new();
                    free_variables(e, &mut found);
                    !found.iter().any(|v| v == variable)
                };
                let outside = [(a, b), (b, a)].into_iter().find(|(x, _)| free(x));
                if let Some((outside, inside)) = outside {
                    let parts = vec![
                        self.condition(outside, truth, scope)?,
                        self.quantified(all, over, variable, inside, truth, scope)?,
                    ];
                    return Ok(if all { or(parts) } else { and(parts) });
                }
            }
            _ => {}
        }
        if self.world.looks_at_many(body) {
            return self.of_many(all, over, variable, body, truth, scope);
        }
        self.leaf(all, over, variable, body, truth, scope)
    }

    /// A condition on one that looks at others too: as one on all pairs where that can be, which
    /// engines know best; else class by class.
    fn of_many(
        &mut self,
        all: bool,
        over: &Over,
        variable: &str,
        body: &Expression,
        truth: bool,
        scope: &Scope,
    ) -> Refused<Formula> {
        if let (true, false, Over::Replicas(services)) = (all, scope.has_placed(), over)
            && let Ok(condition) =
                self.pair_condition(variable, services.clone(), body, truth, scope)
            && let Ok(pairs) = self.pairs(&condition, scope)
        {
            return Ok(pairs);
        }
        self.by_class(all, over, variable, body, truth, scope)
    }

    fn leaf(
        &mut self,
        all: bool,
        over: &Over,
        variable: &str,
        body: &Expression,
        truth: bool,
        scope: &Scope,
    ) -> Refused<Formula> {
        let counted = |value: Option<&Value>| {
            let holds = value == Some(&Value::Bool(truth));
            i128::from(if all { !holds } else { holds })
        };
        let own = self.twin_correction(over, variable, body, scope, |inner| {
            let value = self.world.evaluate(body, inner)?;
            Ok(Fraction::from_integer(counted(value.as_ref())))
        })?;
        let measure = match over {
            Over::Hosts => {
                let cells = self.cells(body, variable, None, scope)?;
                let hosts = Some(cells.table(counted));
                self.problem.measure(Measure::Sum { items: Vec::new(), hosts })
            }
            Over::Replicas(services) => {
                let cells = self.cells_of(services, variable, body, scope)?;
                let tables = cells.iter().map(|(s, c)| (s.clone(), c.table(counted))).collect();
                self.sum_over_items(tables)
            }
        };
        let own = own.to_integer();
        Ok(Formula::AtMostZero(if all {
            Combination { constant: own, terms: vec![(1, measure)] }
        } else {
            Combination { constant: 1 - own, terms: vec![(-1, measure)] }
        }))
    }

    fn comparison(
        &mut self,
        e: &Expression,
        comparison: Comparison,
        a: &Expression,
        b: &Expression,
        truth: bool,
        scope: &Scope,
    ) -> Refused<Formula> {
        use Comparison::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};
        if !matches!((a.gives, b.gives), (Type::Number(_), Type::Number(_))) {
            let says = "what is decided by the whole plan can be compared as a number only";
            return Err(Unfit { range: e.range, says: says.to_owned() });
        }
        let effective = match (comparison, truth) {
            (c, true) => c,
            (Less, false) => GreaterOrEqual,
            (LessOrEqual, false) => Greater,
            (Greater, false) => LessOrEqual,
            (GreaterOrEqual, false) => Less,
            (Equal, false) => NotEqual,
            (NotEqual, false) => Equal,
        };
        let before = self.pending.len();
        let (x, y, mut conditions) = self.sides(e, a, b, scope)?;
        conditions.extend(self.pending.split_off(before));
        let range = || Unfit { range: e.range, says: "a number here leaves the range".to_owned() };
        let minus = |x: &Linear, y: &Linear| {
            y.clone().scaled(-Fraction::one()).and_then(|y| x.clone().plus(y)).ok_or_else(range)
        };
        let (left, right) = (minus(&x, &y)?, minus(&y, &x)?);
        let unit = match (a.gives, b.gives) {
            (Type::Number(p), Type::Number(q)) => p.with(q),
            _ => None,
        };
        if let (false, Some(unit), Some((_, factor))) = (left.terms.is_empty(), unit, left.whole())
        {
            self.scale = Some(Scale { unit, factor });
        }
        let compared = match effective {
            LessOrEqual => self.at_most(&left, false, e)?,
            Less => self.at_most(&left, true, e)?,
            GreaterOrEqual => self.at_most(&right, false, e)?,
            Greater => self.at_most(&right, true, e)?,
            Equal => and(vec![self.at_most(&left, false, e)?, self.at_most(&right, false, e)?]),
            NotEqual => or(vec![self.at_most(&left, true, e)?, self.at_most(&right, true, e)?]),
        };
        if conditions.is_empty() {
            return Ok(compared);
        }
        conditions.push(compared);
        Ok(and(conditions))
    }

    /// The two sides of a comparison, both times what one of them is divided by, and what has to
    /// hold for that: the divisor is above zero.
    fn sides(
        &mut self,
        e: &Expression,
        a: &Expression,
        b: &Expression,
        scope: &Scope,
    ) -> Refused<(Linear, Linear, Vec<Formula>)> {
        let (x, under) = self.quotient(a, scope)?;
        let (y, below) = self.quotient(b, scope)?;
        let divisor = match (under, below) {
            (None, None) => return Ok((x, y, Vec::new())),
            (Some(divisor), None) => (divisor, true),
            (None, Some(divisor)) => (divisor, false),
            _ => {
                let says = "one side of a comparison can divide by what the plan decides, not both";
                return Err(Unfit { range: e.range, says: says.to_owned() });
            }
        };
        let (divisor, of_left) = divisor;
        let negative = divisor.whole().is_none_or(|(d, _)| self.problem.range(&d).0 < 0);
        if negative {
            let says = "what is divided by may not be below zero";
            return Err(Unfit { range: e.range, says: says.to_owned() });
        }
        let range = || Unfit { range: e.range, says: "a number here leaves the range".to_owned() };
        let less = divisor.clone().scaled(-Fraction::one()).ok_or_else(range)?;
        let above_zero = self.at_most(&less, true, e)?;
        let (x, y) = if of_left {
            (x, self.product(e, y, divisor)?)
        } else {
            (self.product(e, x, divisor)?, y)
        };
        let conditions = if above_zero == Formula::TRUE { Vec::new() } else { vec![above_zero] };
        Ok((x, y, conditions))
    }

    fn membership(
        &mut self,
        e: &Expression,
        item: &Expression,
        list: &Expression,
        truth: bool,
        scope: &Scope,
    ) -> Refused<Formula> {
        let Node::List(elements) = &list.node else {
            let says = "a list written out is due here";
            return Err(Unfit { range: list.range, says: says.to_owned() });
        };
        let mut parts = Vec::new();
        for element in elements {
            parts.push(self.comparison(e, Comparison::Equal, item, element, truth, scope)?);
        }
        Ok(if truth { or(parts) } else { and(parts) })
    }

    /// The sum is at most zero, or below zero if strict.
    fn at_most(&mut self, sum: &Linear, strict: bool, e: &Expression) -> Refused<Formula> {
        let range = || Unfit { range: e.range, says: "a number here leaves the range".to_owned() };
        if sum.terms.is_empty() {
            let holds = if strict {
                sum.constant < Fraction::zero()
            } else {
                sum.constant <= Fraction::zero()
            };
            return Ok(constant(holds));
        }
        self.compared = sum.whole().map(|(mut combination, _)| {
            combination.constant += i128::from(strict);
            combination
        });
        if let Some(formula) = self.single_extreme(sum, strict) {
            return Ok(formula);
        }
        let (combination, factor) = sum.whole().ok_or_else(range)?;
        let combination = if strict { self.problem.below_zero(&combination) } else { combination };
        self.factors.push((combination.clone(), factor));
        Ok(Formula::AtMostZero(combination))
    }

    /// A largest value alone against a constant needs no maximum: every value is, or one value is
    /// not, on the right side of it. So is its floor, which it is where there is no value at all.
    fn single_extreme(&mut self, sum: &Linear, strict: bool) -> Option<Formula> {
        let [(coefficient, measure)] = sum.terms.as_slice() else { return None };
        // c·L + k <= 0  <=>  L <= -k/c for c > 0, L >= -k/c for c < 0.
        let limit = -sum.constant / coefficient;
        let above = *coefficient > Fraction::zero();
        let broken = |value: i128| {
            let value = Fraction::from_integer(value);
            if above {
                if strict { value >= limit } else { value > limit }
            } else if strict {
                value > limit
            } else {
                value >= limit
            }
        };
        match self.problem.measures[measure.0].clone() {
            Measure::Largest { floor, .. } if broken(floor) => Some(constant(!above)),
            Measure::LargestPair { .. } if above && broken(0) => Some(Formula::FALSE),
            Measure::Largest { groups, table, .. } => {
                let flags =
                    |values: &[i128]| values.iter().map(|v| i128::from(broken(*v))).collect();
                let table = match &table {
                    Table::Constant(v) => Table::Constant(i128::from(broken(*v))),
                    Table::Site(v) => Table::Site(flags(v)),
                    Table::Option(v) => Table::Option(flags(v)),
                };
                let sum = if groups.is_empty() {
                    Measure::Sum { items: Vec::new(), hosts: Some(table) }
                } else {
                    let items = groups.iter().map(|g| (*g, table.clone())).collect();
                    Measure::Sum { items, hosts: None }
                };
                let measure = self.problem.measure(sum);
                Some(Formula::AtMostZero(if above {
                    Combination::of(measure)
                } else {
                    Combination { constant: 1, terms: vec![(-1, measure)] }
                }))
            }
            Measure::LargestPair { between, table } if above => {
                let flags = table.values.iter().map(|v| i128::from(broken(*v))).collect();
                let table = PairTable { sites: table.sites, values: flags };
                let parts = between
                    .iter()
                    .map(|&between| {
                        let pairs = Measure::Pairs { between, table: table.clone() };
                        Formula::AtMostZero(Combination::of(self.problem.measure(pairs)))
                    })
                    .collect();
                Some(and(parts))
            }
            _ => None,
        }
    }
}

/// What of the plan a list goes over.
pub(super) enum Over {
    /// The replicas of some services.
    Replicas(Vec<String>),
    /// The hosts.
    Hosts,
}

impl Over {
    /// True if what a variable stands for is one of them.
    pub(super) fn has(&self, bound: &Bound) -> bool {
        match (self, bound) {
            (Self::Replicas(services), Bound::Placed { service: Some(service), .. }) => {
                services.contains(service)
            }
            (Self::Hosts, Bound::Placed { service: None, .. }) => true,
            _ => false,
        }
    }
}
