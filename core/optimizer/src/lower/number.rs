//! Numbers of the whole plan: sums of measures with exact coefficients.

use std::collections::BTreeMap;
use std::sync::Arc;

use coc_goals::expression::{Aggregate, Element, Expression, Node, Operator, Type};
use coc_goals::number::{Fraction, Unit};
use coc_goals::rules::Tier as GoalTier;
use coc_goals::syntax::Source;
use num_traits::{CheckedAdd, CheckedMul, One, Zero};

use super::evaluate::{Bound, Scope, Unfit, Value};
use super::hosts::{concrete, services_of};
use super::tables::Cells;
use super::{Lowering, Refused};
use crate::problem::{
    Combination, Formula, GroupId, Measure, MeasureId, Origin, PairTable, Requirement, Scale,
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
    Replicas(Vec<String>),
    Hosts,
}

const RANGE: &str = "a number here leaves the range of exact arithmetic";

impl Linear {
    fn constant(value: Fraction) -> Self {
        Self { constant: value, terms: Vec::new() }
    }

    fn term(coefficient: Fraction, measure: MeasureId) -> Self {
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

fn checked_lcm(a: i128, b: i128) -> Option<i128> {
    let gcd = |mut a: i128, mut b: i128| {
        while b != 0 {
            (a, b) = (b, a % b);
        }
        a.abs()
    };
    (a / gcd(a, b)).checked_mul(b)
}

fn unfit<T>(at: &Expression, says: impl Into<String>) -> Refused<T> {
    Err(Unfit { range: at.range, says: says.into() })
}

fn in_range<T>(at: &Expression, value: Option<T>) -> Refused<T> {
    value.map_or_else(|| unfit(at, RANGE), Ok)
}

impl Lowering<'_> {
    /// A tier of objectives.
    pub(super) fn tier(
        &mut self,
        tier: &GoalTier,
        cost: &Combination,
    ) -> Result<Tier, (Source, Unfit)> {
        let mut sum = Linear::default();
        let mut unit = Unit::One;
        for (source, expression, weight) in &tier.terms {
            let refused = |u| (source.clone(), u);
            let linear = self.number(expression, &Scope::default(), cost).map_err(refused)?;
            let weight = Fraction::new(weight.atto(), coc_model::decimal::ONE);
            let weighted = in_range(expression, linear.scaled(weight)).map_err(refused)?;
            sum = in_range(expression, sum.plus(weighted)).map_err(refused)?;
            if tier.terms.len() == 1
                && let Type::Number(u) = expression.gives
            {
                unit = u;
            }
            let smaller = tier.direction == coc_model::goals::Direction::Minimize;
            self.bounded_from_the_right_side(&sum, smaller, expression).map_err(refused)?;
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

    /// Refuses a sum whose largest values, traffic costs and the like would have to be kept large:
    /// they are modelled by bounds from above.
    pub(super) fn bounded_from_the_right_side(
        &self,
        sum: &Linear,
        smaller_is_better: bool,
        at: &Expression,
    ) -> Refused<()> {
        for (coefficient, measure) in &sum.terms {
            let from_above = !matches!(
                self.problem.measures[measure.0],
                Measure::Sum { .. } | Measure::Distinct { .. }
            );
            if from_above && (*coefficient > Fraction::zero()) != smaller_is_better {
                let what = match &self.problem.measures[measure.0] {
                    Measure::Traffic(_) => "what traffic costs",
                    Measure::Skew { .. } => "a skew",
                    Measure::LargestPair { .. } | Measure::Pairs { .. } => "a latency",
                    _ => "a largest or smallest value",
                };
                return unfit(at, format!("{what} can be kept small, but not kept large"));
            }
        }
        Ok(())
    }

    /// What a list ranges over.
    pub(super) fn domain(&self, list: &Expression, scope: &Scope) -> Refused<Domain> {
        match &list.node {
            Node::All(Element::Host) => Ok(Domain::Hosts),
            Node::Replicas(_) => Ok(Domain::Replicas(services_of(self.world, list, scope)?)),
            _ => match concrete(self.world, list, scope)? {
                Some(elements) => Ok(Domain::Concrete(elements)),
                None => unfit(list, "this is no list that can be looked through"),
            },
        }
    }

    /// A number as a sum of measures.
    pub(super) fn number(
        &mut self,
        expression: &Expression,
        scope: &Scope,
        cost: &Combination,
    ) -> Refused<Linear> {
        match &expression.node {
            Node::Cost => Ok(Linear {
                constant: nano(cost.constant),
                terms: cost.terms.iter().map(|&(c, m)| (nano(c), m)).collect(),
            }),
            Node::Placed => Ok(self.placed()),
            Node::Scaled(of, factor) => {
                let of = self.number(of, scope, cost)?;
                in_range(expression, of.scaled(factor.value))
            }
            Node::Arithmetic(operator, a, b) => {
                let (x, y) = (self.number(a, scope, cost)?, self.number(b, scope, cost)?);
                match operator {
                    Operator::Add => in_range(expression, x.plus(y)),
                    Operator::Subtract => {
                        in_range(expression, y.scaled(-Fraction::one()).and_then(|y| x.plus(y)))
                    }
                    Operator::Multiply if y.terms.is_empty() => {
                        in_range(expression, x.scaled(y.constant))
                    }
                    Operator::Multiply if x.terms.is_empty() => {
                        in_range(expression, y.scaled(x.constant))
                    }
                    Operator::Divide if y.terms.is_empty() && !y.constant.is_zero() => {
                        in_range(expression, x.scaled(y.constant.recip()))
                    }
                    Operator::Divide if y.terms.is_empty() => {
                        unfit(expression, "this divides by zero")
                    }
                    _ => unfit(
                        expression,
                        "two numbers that are both decided can't be multiplied or divided: compare them instead",
                    ),
                }
            }
            Node::Latency(a, b) => self.latency(a, b, scope),
            Node::Aggregated(aggregate, list, variable, body) => {
                let domain = self.domain(list, scope)?;
                self.aggregate(
                    expression,
                    *aggregate,
                    domain,
                    variable,
                    body.as_deref(),
                    scope,
                    cost,
                )
            }
            Node::Conditional(condition, a, b) => match self.world.truth(condition, scope) {
                Ok(Some(true)) => self.number(a, scope, cost),
                Ok(Some(false)) => self.number(b, scope, cost),
                _ => unfit(
                    condition,
                    "a number can't depend on a condition that is decided by the plan",
                ),
            },
            _ => match self.world.evaluate(expression, scope)? {
                Some(Value::Number(n)) => Ok(Linear::constant(n.value)),
                Some(_) => unfit(expression, "a number is due here"),
                None => unfit(expression, "this number is not known"),
            },
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

    /// The longest round trip between different replicas of two services; zero if there are none.
    fn latency(&mut self, a: &Expression, b: &Expression, scope: &Scope) -> Refused<Linear> {
        let mut ends = Vec::new();
        for side in [a, b] {
            match self.world.evaluate(side, scope) {
                Ok(Some(Value::Text(name))) => match self.group_of.get(&name) {
                    Some(&(group, replicas)) => ends.push((name, group, replicas)),
                    None => {
                        let says =
                            format!("{name} runs on every host: it has no latency of its own");
                        return unfit(side, says);
                    }
                },
                _ => return unfit(side, "the name of a service is due here"),
            }
        }
        let ((first, from, replicas), (second, to, _)) = (&ends[0], &ends[1]);
        let in_one_item = from == to && self.problem.groups[from.0].count == 1;
        if first == second && in_one_item && *replicas == 1 {
            return Ok(Linear::constant(Fraction::zero()));
        }
        let table = self.latency_table();
        let latencies = &self.world.estate.latencies;
        let unknown: Vec<i128> = latencies.iter().map(|l| i128::from(l.is_none())).collect();
        let unknown = PairTable { sites: table.sites, values: unknown.into() };
        if in_one_item {
            // On one host: the round trip inside its site.
            let own = |t: &PairTable| Table::Site((0..t.sites).map(|s| t.at(s, s)).collect());
            let items = vec![(*from, own(&unknown))];
            let barred = Measure::Sum { items, hosts: None };
            self.bar(barred, "latency only where it is known");
            let largest = Measure::Largest { groups: vec![*from], table: own(&table), floor: 0 };
            let measure = self.problem.measure(largest);
            return Ok(Linear::term(Fraction::new(1, 1000), measure));
        }
        if unknown.values.contains(&1) {
            let pairs = Measure::Pairs { between: (*from, *to), table: unknown };
            self.bar(pairs, "latency only where it is known");
        }
        let measure = Measure::LargestPair { between: vec![(*from, *to)], table };
        let measure = self.problem.measure(measure);
        Ok(Linear::term(Fraction::new(1, 1000), measure))
    }

    /// Requires a measure without negative values to be zero.
    fn bar(&mut self, measure: Measure, says: &str) {
        let measure = self.problem.measure(measure);
        self.problem.requirements.push(Requirement {
            formula: Formula::AtMostZero(Combination::of(measure)),
            policy: coc_model::goals::Policy::Must,
            origin: Origin { says: says.into(), at: None },
            scale: None,
        });
    }

    /// Round trips in microseconds; unknown ones count as zero and are barred apart.
    pub(super) fn latency_table(&self) -> PairTable {
        let latencies = &self.world.estate.latencies;
        let values = latencies.iter().map(|l| l.map_or(0, |l| l.round_trip.0.into())).collect();
        PairTable { sites: self.problem.sites.len(), values }
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one node and where it is read")]
    fn aggregate(
        &mut self,
        at: &Expression,
        aggregate: Aggregate,
        domain: Domain,
        variable: &str,
        body: Option<&Expression>,
        scope: &Scope,
        cost: &Combination,
    ) -> Refused<Linear> {
        match (domain, body) {
            (Domain::Concrete(elements), body) => {
                self.over_concrete(at, aggregate, elements, variable, body, scope, cost)
            }
            (Domain::Replicas(services), None) => {
                let items = services.iter().map(|s| (s.clone(), Table::Constant(1))).collect();
                Ok(Linear::term(Fraction::one(), self.sum_over_items(items)))
            }
            (Domain::Hosts, None) => {
                let sum = Measure::Sum { items: Vec::new(), hosts: Some(Table::Constant(1)) };
                Ok(Linear::term(Fraction::one(), self.problem.measure(sum)))
            }
            (Domain::Replicas(services), Some(body)) => {
                let cells = self.cells_of(&services, variable, body, scope)?;
                self.over_cells(at, aggregate, Some(cells), None)
            }
            (Domain::Hosts, Some(body)) => {
                let cells = self.cells(body, variable, None, scope)?;
                self.over_cells(at, aggregate, None, Some(cells))
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one node and where it is read")]
    fn over_concrete(
        &mut self,
        at: &Expression,
        aggregate: Aggregate,
        elements: Vec<Bound>,
        variable: &str,
        body: Option<&Expression>,
        scope: &Scope,
        cost: &Combination,
    ) -> Refused<Linear> {
        let Some(body) = body else {
            let count = i128::try_from(elements.len()).unwrap_or(i128::MAX);
            return Ok(Linear::constant(Fraction::from_integer(count)));
        };
        if !matches!(aggregate, Aggregate::Sum | Aggregate::Count) {
            return unfit(
                at,
                "of services, links and written lists only sums and counts can be taken",
            );
        }
        let mut total = Linear::default();
        for element in elements {
            let mut inner = scope.clone();
            inner.variables.insert(variable.to_owned(), element);
            let part = if aggregate == Aggregate::Sum {
                self.number(body, &inner, cost)?
            } else {
                match self.world.truth(body, &inner)? {
                    Some(holds) => Linear::constant(Fraction::from_integer(holds.into())),
                    None => return unfit(body, "this is not known"),
                }
            };
            total = in_range(at, total.plus(part))?;
        }
        Ok(total)
    }

    /// A sum over the items of services.
    pub(super) fn sum_over_items(&mut self, tables: Vec<(String, Table)>) -> MeasureId {
        let measure = self.items_sum(tables);
        self.problem.measure(measure)
    }

    fn items_sum(&self, tables: Vec<(String, Table)>) -> Measure {
        let mut items: Vec<(GroupId, Table)> = Vec::new();
        for (service, table) in tables {
            let Some(&(group, replicas)) = self.group_of.get(&service) else { continue };
            items.push((group, times(table, replicas.into())));
        }
        items.sort_by_key(|i| i.0);
        Measure::Sum { items, hosts: None }
    }

    fn over_cells(
        &mut self,
        at: &Expression,
        aggregate: Aggregate,
        items: Option<Vec<(String, Cells)>>,
        hosts: Option<Cells>,
    ) -> Refused<Linear> {
        let all: Vec<&Cells> = items.iter().flatten().map(|(_, c)| c).chain(&hosts).collect();
        match aggregate {
            Aggregate::Count => {
                let hosts = hosts.map(|c| c.indicator(true));
                let items =
                    items.into_iter().flatten().map(|(s, c)| (s, c.indicator(true))).collect();
                Ok(Linear::term(Fraction::one(), self.sum(items, hosts)))
            }
            Aggregate::Distinct | Aggregate::Skew => {
                let keys = keys(&all);
                self.over_keys(at, aggregate, items, hosts, &keys)
            }
            Aggregate::Sum | Aggregate::Min | Aggregate::Max => {
                let factor = in_range(at, common_denominator(&all))?;
                let sign = if aggregate == Aggregate::Min { -1 } else { 1 };
                let number = |v: Option<&Value>| match v {
                    Some(Value::Number(n)) => sign * n.value.numer() * (factor / n.value.denom()),
                    _ => 0,
                };
                self.bar_unknown(&items, hosts.as_ref());
                let scale = Fraction::new(sign, factor);
                let host_table = hosts.map(|c| c.table(number));
                let item_tables: Vec<(String, Table)> =
                    items.into_iter().flatten().map(|(s, c)| (s, c.table(number))).collect();
                if aggregate == Aggregate::Sum {
                    return Ok(Linear::term(scale, self.sum(item_tables, host_table)));
                }
                self.extreme(at, &item_tables, host_table, scale)
            }
        }
    }

    fn sum(&mut self, items: Vec<(String, Table)>, hosts: Option<Table>) -> MeasureId {
        match hosts {
            Some(_) => self.problem.measure(Measure::Sum { items: Vec::new(), hosts }),
            None => self.sum_over_items(items),
        }
    }

    fn extreme(
        &mut self,
        at: &Expression,
        items: &[(String, Table)],
        hosts: Option<Table>,
        scale: Fraction,
    ) -> Refused<Linear> {
        let (groups, table) = match (hosts, items.split_first()) {
            (Some(table), _) => (Vec::new(), table),
            (None, Some(((_, first), rest))) if rest.iter().all(|(_, t)| t == first) => {
                (self.groups_of(items.iter().map(|(s, _)| s)), first.clone())
            }
            _ => return unfit(at, "the value may not depend on the service here"),
        };
        let lowest = match &table {
            Table::Constant(value) => *value,
            Table::Site(values) | Table::Option(values) => {
                values.iter().min().copied().unwrap_or(0)
            }
        };
        let measure = self.problem.measure(Measure::Largest { groups, table, floor: lowest });
        Ok(Linear::term(scale, measure))
    }

    /// The groups of services, each once, in order.
    pub(super) fn groups_of<'s>(&self, services: impl Iterator<Item = &'s String>) -> Vec<GroupId> {
        let mut groups: Vec<GroupId> =
            services.filter_map(|s| self.group_of.get(s)).map(|g| g.0).collect();
        groups.sort_unstable();
        groups.dedup();
        groups
    }

    fn over_keys(
        &mut self,
        at: &Expression,
        aggregate: Aggregate,
        items: Option<Vec<(String, Cells)>>,
        hosts: Option<Cells>,
        keys: &BTreeMap<String, i128>,
    ) -> Refused<Linear> {
        let key = |v: Option<&Value>| v.map_or(-1, |v| keys[&key_text(v)]);
        self.bar_unknown(&items, hosts.as_ref());
        let measure = match (items, hosts) {
            (Some(items), _) => {
                let table = match items.split_first() {
                    Some(((_, first), _)) => first.table(key),
                    None => Table::Constant(0),
                };
                if items.iter().any(|(_, c)| c.table(key) != table) {
                    return unfit(at, "the property may not depend on the service here");
                }
                if aggregate == Aggregate::Distinct {
                    let groups = self.groups_of(items.iter().map(|(s, _)| s));
                    Measure::Distinct { groups, key: table }
                } else {
                    self.skew(&items, table)
                }
            }
            (None, Some(hosts)) if aggregate == Aggregate::Distinct => {
                Measure::Distinct { groups: Vec::new(), key: hosts.table(key) }
            }
            _ => return unfit(at, "a skew is taken over replicas"),
        };
        let measure = self.problem.measure(measure);
        Ok(Linear::term(Fraction::one(), measure))
    }

    /// A skew: its domain is every key that a replica, by itself, could have.
    fn skew(&self, items: &[(String, Cells)], key: Table) -> Measure {
        let mut domain: Vec<i128> = Vec::new();
        for (service, _) in items {
            for option in self.could_run_on(service) {
                let value = key.at(&self.problem, option);
                if value >= 0 && !domain.contains(&value) {
                    domain.push(value);
                }
            }
        }
        domain.sort_unstable();
        let mut weights: BTreeMap<GroupId, i128> = BTreeMap::new();
        for (service, _) in items {
            if let Some(&(group, replicas)) = self.group_of.get(service) {
                *weights.entry(group).or_insert(0) += i128::from(replicas);
            }
        }
        Measure::Skew { groups: weights.into_iter().collect(), key, domain }
    }

    /// What is not known is not chosen: items may not be, and hosts may not be used, where the value
    /// looked at is not known.
    fn bar_unknown(&mut self, items: &Option<Vec<(String, Cells)>>, hosts: Option<&Cells>) {
        let unknown = |c: &Cells| c.values().iter().any(Option::is_none);
        let flag = |c: &Cells| c.table(|v| i128::from(v.is_none()));
        let tables: Vec<(String, Table)> = items
            .iter()
            .flatten()
            .filter(|(_, c)| unknown(c))
            .map(|(s, c)| (s.clone(), flag(c)))
            .collect();
        let says = "only where what a goal looks at is known";
        if !tables.is_empty() {
            let measure = self.items_sum(tables);
            self.bar(measure, says);
        }
        if let Some(cells) = hosts.filter(|c| unknown(c)) {
            self.bar(Measure::Sum { items: Vec::new(), hosts: Some(flag(cells)) }, says);
        }
    }
}

fn nano(value: i128) -> Fraction {
    Fraction::new(value, 1_000_000_000)
}

fn times(table: Table, factor: i128) -> Table {
    let scale = |values: Arc<[i128]>| values.iter().map(|v| v * factor).collect();
    match table {
        table if factor == 1 => table,
        Table::Constant(value) => Table::Constant(value * factor),
        Table::Site(values) => Table::Site(scale(values)),
        Table::Option(values) => Table::Option(scale(values)),
    }
}

fn common_denominator(cells: &[&Cells]) -> Option<i128> {
    let mut factor = 1;
    for value in cells.iter().flat_map(|c| c.values()).flatten() {
        if let Value::Number(n) = value {
            factor = checked_lcm(factor, *n.value.denom())?;
        }
    }
    // Every number must stay in range once scaled, with room for sums of many.
    let room = i128::MAX / 1_000_000_000 / factor;
    let fits = cells.iter().flat_map(|c| c.values()).flatten().all(|v| match v {
        Value::Number(n) => n.value.trunc().to_integer().abs() < room,
        _ => true,
    });
    fits.then_some(factor)
}

/// A number for each different value, in the order of the values.
fn keys(cells: &[&Cells]) -> BTreeMap<String, i128> {
    let mut keys: BTreeMap<String, i128> = BTreeMap::new();
    for value in cells.iter().flat_map(|c| c.values()).flatten() {
        keys.entry(key_text(value)).or_insert(0);
    }
    for (number, key) in keys.values_mut().enumerate() {
        *key = i128::try_from(number).unwrap_or(i128::MAX);
    }
    keys
}

fn key_text(value: &Value) -> String {
    match value {
        Value::Bool(b) => b.to_string(),
        Value::Text(text) => format!("\"{text}"),
        Value::Number(n) => format!("#{}", n.value),
    }
}
