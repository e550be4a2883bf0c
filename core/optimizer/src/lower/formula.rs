//! Conditions of the whole plan: logic over comparisons of measures.

use coc_goals::expression::{Comparison, Expression, Node, Quantifier, Type};
use coc_goals::number::Fraction;
use num_traits::{One, Zero};

use super::evaluate::{Scope, Unfit, free_variables};
use super::number::{Domain, Linear};
use super::{Lowering, Refused};
use crate::problem::{Combination, Formula, Measure, PairTable, Scale, Table};

fn and(mut parts: Vec<Formula>) -> Formula {
    if parts.contains(&Formula::FALSE) {
        return Formula::FALSE;
    }
    parts.retain(|p| *p != Formula::TRUE);
    if parts.len() == 1 { parts.remove(0) } else { Formula::And(parts) }
}

fn or(mut parts: Vec<Formula>) -> Formula {
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
    pub(super) fn formula(
        &mut self,
        e: &Expression,
        truth: bool,
        cost: &Combination,
    ) -> Refused<Formula> {
        self.condition(e, truth, &Scope::default(), cost)
    }

    fn condition(
        &mut self,
        e: &Expression,
        truth: bool,
        scope: &Scope,
        cost: &Combination,
    ) -> Refused<Formula> {
        match &e.node {
            Node::Not(a) => self.condition(a, !truth, scope, cost),
            Node::And(a, b) | Node::Or(a, b) => {
                let parts = vec![
                    self.condition(a, truth, scope, cost)?,
                    self.condition(b, truth, scope, cost)?,
                ];
                let all = matches!(e.node, Node::And(..)) == truth;
                Ok(if all { and(parts) } else { or(parts) })
            }
            Node::Conditional(c, a, b) => {
                let then =
                    [self.condition(c, true, scope, cost)?, self.condition(a, truth, scope, cost)?];
                let otherwise = [
                    self.condition(c, false, scope, cost)?,
                    self.condition(b, truth, scope, cost)?,
                ];
                Ok(or(vec![and(then.to_vec()), and(otherwise.to_vec())]))
            }
            Node::Compare(comparison, a, b) if is_decided(a) || is_decided(b) => {
                self.comparison(e, *comparison, a, b, truth, scope, cost)
            }
            Node::In(item, list) if is_decided(item) => {
                self.membership(e, item, list, truth, scope, cost)
            }
            Node::Quantified(quantifier, list, variable, body) => {
                let all = (*quantifier == Quantifier::All) == truth;
                match self.domain(list, scope)? {
                    Domain::Concrete(elements) => {
                        let mut parts = Vec::new();
                        for element in elements {
                            let mut inner = scope.clone();
                            inner.variables.insert(variable.clone(), element);
                            parts.push(self.condition(body, truth, &inner, cost)?);
                        }
                        Ok(if all { and(parts) } else { or(parts) })
                    }
                    Domain::Replicas(services) => {
                        let over = Over::Replicas(services);
                        self.quantified(all, &over, variable, body, truth, scope, cost)
                    }
                    Domain::Hosts => {
                        self.quantified(all, &Over::Hosts, variable, body, truth, scope, cost)
                    }
                }
            }
            _ => match self.world.truth(e, scope)? {
                Some(value) => Ok(constant(value == truth)),
                None => Err(Unfit { range: e.range, says: "this is not known".to_owned() }),
            },
        }
    }

    /// "For all" or "for one" over replicas or hosts. What does not look at the variable is taken
    /// out; `&&` under "for all" and `||` under "for one" are split.
    #[expect(clippy::too_many_arguments, reason = "the parts of one node and where it is read")]
    fn quantified(
        &mut self,
        all: bool,
        over: &Over,
        variable: &str,
        body: &Expression,
        truth: bool,
        scope: &Scope,
        cost: &Combination,
    ) -> Refused<Formula> {
        let splits = |node: &Node| match node {
            Node::And(..) => all == truth,
            Node::Or(..) => all != truth,
            _ => false,
        };
        match &body.node {
            Node::Not(inner) => {
                return self.quantified(all, over, variable, inner, !truth, scope, cost);
            }
            Node::And(a, b) | Node::Or(a, b) if splits(&body.node) => {
                let parts = vec![
                    self.quantified(all, over, variable, a, truth, scope, cost)?,
                    self.quantified(all, over, variable, b, truth, scope, cost)?,
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
                        self.condition(outside, truth, scope, cost)?,
                        self.quantified(all, over, variable, inside, truth, scope, cost)?,
                    ];
                    return Ok(if all { or(parts) } else { and(parts) });
                }
            }
            _ => {}
        }
        self.leaf(all, over, variable, body, truth, scope)
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
        if let (true, Over::Replicas(services)) = (Self::looks_at_others(body), over) {
            if !all {
                let says = "\"there is a replica such that for another …\" can't be decided on yet";
                return Err(Unfit { range: body.range, says: says.to_owned() });
            }
            let condition = self.pair_condition(variable, services.clone(), body, truth, scope)?;
            return self.pairs(&condition, scope);
        }
        let measure = match over {
            Over::Hosts => {
                let cells = self.cells(body, variable, None, scope)?;
                let table = if all { cells.violation(truth) } else { cells.indicator(truth) };
                self.problem.measure(Measure::Sum { items: Vec::new(), hosts: Some(table) })
            }
            Over::Replicas(services) => {
                let cells = self.cells_of(services, variable, body, scope)?;
                let table = |c: &super::tables::Cells| {
                    if all { c.violation(truth) } else { c.indicator(truth) }
                };
                let tables = cells.iter().map(|(s, c)| (s.clone(), table(c))).collect();
                self.sum_over_items(tables)
            }
        };
        Ok(Formula::AtMostZero(if all {
            Combination::of(measure)
        } else {
            Combination { constant: 1, terms: vec![(-1, measure)] }
        }))
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one node and where it is read")]
    fn comparison(
        &mut self,
        e: &Expression,
        comparison: Comparison,
        a: &Expression,
        b: &Expression,
        truth: bool,
        scope: &Scope,
        cost: &Combination,
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
        let (x, y) = (self.number(a, scope, cost)?, self.number(b, scope, cost)?);
        let range = || Unfit { range: e.range, says: "a number here leaves the range".to_owned() };
        let minus = |x: &Linear, y: &Linear| {
            y.clone().scaled(-Fraction::one()).and_then(|y| x.clone().plus(y)).ok_or_else(range)
        };
        let (left, right) = (minus(&x, &y)?, minus(&y, &x)?);
        let unit = match (a.gives, b.gives) {
            (Type::Number(p), Type::Number(q)) => p.with(q),
            _ => None,
        };
        if let (Some(unit), Some((_, factor))) = (unit, left.whole()) {
            self.scale = Some(Scale { unit, factor });
        }
        match effective {
            LessOrEqual => self.at_most(&left, false, e),
            Less => self.at_most(&left, true, e),
            GreaterOrEqual => self.at_most(&right, false, e),
            Greater => self.at_most(&right, true, e),
            Equal => Ok(and(vec![self.at_most(&left, false, e)?, self.at_most(&right, false, e)?])),
            NotEqual => Ok(or(vec![self.at_most(&left, true, e)?, self.at_most(&right, true, e)?])),
        }
    }

    fn membership(
        &mut self,
        e: &Expression,
        item: &Expression,
        list: &Expression,
        truth: bool,
        scope: &Scope,
        cost: &Combination,
    ) -> Refused<Formula> {
        let Node::List(elements) = &list.node else {
            let says = "a list written out is due here";
            return Err(Unfit { range: list.range, says: says.to_owned() });
        };
        let mut parts = Vec::new();
        for element in elements {
            parts.push(self.comparison(e, Comparison::Equal, item, element, truth, scope, cost)?);
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
        self.bounded_from_the_right_side(sum, true, e)?;
        let (mut combination, _) = sum.whole().ok_or_else(range)?;
        if strict {
            combination.constant += 1;
        }
        Ok(Formula::AtMostZero(combination))
    }

    /// A largest value alone against a constant needs no maximum: every value is, or one value is
    /// not, on the right side of it.
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

/// What a quantifier ranges over.
enum Over {
    Replicas(Vec<String>),
    Hosts,
}

/// True if a number or condition depends on what is decided, apart from bound variables.
fn is_decided(e: &Expression) -> bool {
    super::evaluate::any_node(e, &|n| match &n.node {
        Node::Cost | Node::Placed | Node::Aggregated(..) => true,
        Node::Latency(a, b) => [a, b].iter().all(|s| matches!(s.gives, Type::Text | Type::Service)),
        _ => false,
    })
}
