//! Aggregates: sums, counts, extremes and the like over lists.

use std::collections::BTreeMap;
use std::sync::Arc;

use coc_goals::expression::{Aggregate, Expression};
use coc_goals::number::Fraction;
use num_traits::{One, Zero};

use super::evaluate::{Bound, Scope, Value, looks_at_machine};
use super::formula::Over;
use super::number::{KNOWN, Linear, checked_lcm, in_range, unfit};
use super::tables::Cells;
use super::{Lowering, Refused};
use crate::problem::{Combination, Formula, GroupId, Measure, MeasureId, Table};

impl Lowering<'_> {
    /// An aggregate over what the plan decides.
    pub(super) fn over_decided(
        &mut self,
        at: &Expression,
        aggregate: Aggregate,
        over: &Over,
        variable: &str,
        body: Option<&Expression>,
        scope: &Scope,
    ) -> Refused<Linear> {
        let Some(body) = body else {
            let one = Table::Constant(1);
            let count = match over {
                Over::Replicas(services) => {
                    let items = services.iter().map(|s| (s.clone(), one.clone())).collect();
                    self.sum_over_items(items)
                }
                Over::Hosts => {
                    self.problem.measure(Measure::Sum { items: Vec::new(), hosts: Some(one) })
                }
            };
            return Ok(self.known_count(count));
        };
        if aggregate == Aggregate::Average {
            return self.average(at, over, variable, body, scope);
        }
        if aggregate == Aggregate::Skew && looks_at_machine(self.world, body) {
            return unfit(
                body,
                "a skew is taken over places: r.zone, r.region, r.cloud and the like",
            );
        }
        if self.world.looks_at_many(body) {
            return self.sum_by_class(at, aggregate, over, variable, body, scope);
        }
        match over {
            Over::Replicas(services) => {
                let cells = self.cells_of(services, variable, body, scope)?;
                self.over_cells(at, aggregate, (variable, body, scope), Some(cells), None)
            }
            Over::Hosts => {
                let cells = self.cells(body, variable, None, scope)?;
                self.over_cells(at, aggregate, (variable, body, scope), None, Some(cells))
            }
        }
    }

    /// A count of replicas, which is a constant where all of them run and their number is not chosen.
    fn known_count(&self, measure: MeasureId) -> Linear {
        let combination = Combination::of(measure);
        match self.problem.range(&combination) {
            (least, most) if least == most => Linear::constant(Fraction::from_integer(least)),
            _ => Linear::term(Fraction::one(), measure),
        }
    }

    fn average(
        &mut self,
        at: &Expression,
        over: &Over,
        variable: &str,
        body: &Expression,
        scope: &Scope,
    ) -> Refused<Linear> {
        let count = self.over_decided(at, Aggregate::Count, over, "", None, scope)?;
        if !count.terms.is_empty() || count.constant.is_zero() {
            return unfit(
                at,
                "an average of things that the plan itself counts can be compared, and not otherwise: average(…) <= 2",
            );
        }
        let sum = Aggregate::Sum;
        let sum = self.over_decided(at, sum, over, variable, Some(body), scope)?;
        in_range(at, sum.scaled(count.constant.recip()))
    }

    pub(super) fn over_concrete(
        &mut self,
        at: &Expression,
        aggregate: Aggregate,
        elements: Vec<Bound>,
        variable: &str,
        body: Option<&Expression>,
        scope: &Scope,
    ) -> Refused<Linear> {
        let size = Fraction::from_integer(i128::try_from(elements.len()).unwrap_or(i128::MAX));
        let Some(body) = body else { return Ok(Linear::constant(size)) };
        let mut numbers = Vec::new();
        let mut different: Vec<Value> = Vec::new();
        for element in elements {
            let inner = scope.with(variable, element);
            match aggregate {
                Aggregate::Count => {
                    numbers.push(self.counted(body, None, &inner)?);
                }
                Aggregate::Distinct | Aggregate::Skew => match self.world.evaluate(body, &inner)? {
                    Some(value) if different.contains(&value) => {}
                    Some(value) => different.push(value),
                    None => return unfit(body, "this is not known"),
                },
                _ => numbers.push(self.number(body, &inner)?),
            }
        }
        match aggregate {
            Aggregate::Distinct => {
                let count = i128::try_from(different.len()).unwrap_or(i128::MAX);
                Ok(Linear::constant(Fraction::from_integer(count)))
            }
            Aggregate::Skew => unfit(at, "a skew is taken over replicas"),
            Aggregate::Min | Aggregate::Max => self.extreme_of(at, aggregate, numbers),
            Aggregate::Average if size.is_zero() => unfit(at, "an empty list has no average"),
            _ => {
                let sum = numbers.into_iter().try_fold(Linear::default(), Linear::plus);
                let sum = in_range(at, sum)?;
                let parts = if aggregate == Aggregate::Average { size } else { Fraction::one() };
                in_range(at, sum.scaled(parts.recip()))
            }
        }
    }

    /// The largest or smallest of some numbers: each is above the largest so far by its excess.
    fn extreme_of(
        &mut self,
        at: &Expression,
        aggregate: Aggregate,
        numbers: Vec<Linear>,
    ) -> Refused<Linear> {
        let mut numbers = numbers.into_iter();
        let Some(mut extreme) = numbers.next() else {
            return unfit(at, "an empty list has no largest and no smallest");
        };
        for number in numbers {
            let (larger, smaller) = match aggregate {
                Aggregate::Max => (number, extreme.clone()),
                _ => (extreme.clone(), number),
            };
            let excess = self.excess(at, larger, smaller)?;
            let sign = Fraction::from_integer(if aggregate == Aggregate::Max { 1 } else { -1 });
            let step = in_range(at, excess.scaled(sign))?;
            extreme = in_range(at, extreme.plus(step))?;
        }
        Ok(extreme)
    }

    /// A sum over the items of services.
    pub(super) fn sum_over_items(&mut self, tables: Vec<(String, Table)>) -> MeasureId {
        let measure = self.items_sum(tables);
        self.problem.measure(measure)
    }

    fn items_sum(&self, tables: Vec<(String, Table)>) -> Measure {
        let mut items: Vec<(GroupId, Table)> = Vec::new();
        for (service, table) in tables {
            for &(group, replicas) in self.groups_with(&service) {
                items.push((group, times(table.clone(), replicas.into())));
            }
        }
        items.sort_by_key(|i| i.0);
        Measure::Sum { items, hosts: None }
    }

    fn over_cells(
        &mut self,
        at: &Expression,
        aggregate: Aggregate,
        (variable, body, scope): (&str, &Expression, &Scope),
        items: Option<Vec<(String, Cells)>>,
        hosts: Option<Cells>,
    ) -> Refused<Linear> {
        let all: Vec<&Cells> = items.iter().flatten().map(|(_, c)| c).chain(&hosts).collect();
        let over = match &items {
            Some(items) => Over::Replicas(items.iter().map(|(s, _)| s.clone()).collect()),
            None => Over::Hosts,
        };
        if !matches!(aggregate, Aggregate::Count | Aggregate::Sum) {
            self.no_twins(&over, variable, body, scope)?;
        }
        self.bar_unknown(&items, hosts.as_ref(), scope);
        match aggregate {
            Aggregate::Distinct | Aggregate::Skew => {
                let keys = keys(&all);
                self.over_keys(at, aggregate, items, hosts, &keys)
            }
            Aggregate::Count => {
                let counted = |value: Option<&Value>| i128::from(value == Some(&Value::Bool(true)));
                let value = |inner: &Scope| {
                    let value = self.world.evaluate(body, inner)?;
                    Ok(Fraction::from_integer(counted(value.as_ref())))
                };
                let own = self.twin_correction(&over, variable, body, scope, value)?;
                let hosts = hosts.map(|c| c.table(counted));
                let items = items.into_iter().flatten().map(|(s, c)| (s, c.table(counted)));
                let count = Linear::term(Fraction::one(), self.sum(items.collect(), hosts));
                in_range(at, count.plus(Linear::constant(own)))
            }
            Aggregate::Sum | Aggregate::Min | Aggregate::Max | Aggregate::Average => {
                let factor = in_range(at, common_denominator(&all))?;
                let sign = if aggregate == Aggregate::Min { -1 } else { 1 };
                let number = |v: Option<&Value>| match v {
                    Some(Value::Number(n)) => sign * n.value.numer() * (factor / n.value.denom()),
                    _ => 0,
                };
                let scale = Fraction::new(sign, factor);
                let host_table = hosts.map(|c| c.table(number));
                let item_tables: Vec<(String, Table)> =
                    items.into_iter().flatten().map(|(s, c)| (s, c.table(number))).collect();
                if aggregate != Aggregate::Sum {
                    return self.extreme(at, &item_tables, host_table, scale);
                }
                let value = |inner: &Scope| match self.world.evaluate(body, inner)? {
                    Some(Value::Number(n)) => Ok(n.value),
                    _ => Ok(Fraction::zero()),
                };
                let own = self.twin_correction(&over, variable, body, scope, value)?;
                let sum = Linear::term(scale, self.sum(item_tables, host_table));
                in_range(at, sum.plus(Linear::constant(own)))
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
        let all: Vec<GroupId> = (0..self.problem.groups.len()).map(GroupId).collect();
        let fewest = self.problem.items_of(if groups.is_empty() { &all } else { &groups }).0;
        if fewest == 0 {
            // Of nothing there is no extreme.
            let one = Table::Constant(1);
            let there = if groups.is_empty() {
                Measure::Sum { items: Vec::new(), hosts: Some(one) }
            } else {
                let items = groups.iter().map(|g| (*g, one.clone())).collect();
                Measure::Sum { items, hosts: None }
            };
            let there = self.problem.measure(there);
            let none = Combination { constant: 1, terms: vec![(-1, there)] };
            self.pending.push(Formula::AtMostZero(none));
        }
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
            services.flat_map(|s| self.groups_with(s)).map(|g| g.0).collect();
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
            for &(group, replicas) in self.groups_with(service) {
                *weights.entry(group).or_insert(0) += i128::from(replicas);
            }
        }
        Measure::Skew { groups: weights.into_iter().collect(), key, domain }
    }

    /// What is not known is not chosen: items may not be, and hosts may not be used, where the value
    /// looked at is not known.
    /// Inside a condition on one replica or host, only where that condition is looked at.
    fn bar_unknown(
        &mut self,
        items: &Option<Vec<(String, Cells)>>,
        hosts: Option<&Cells>,
        scope: &Scope,
    ) {
        let unknown = |c: &Cells| c.values().iter().any(Option::is_none);
        let flag = |c: &Cells| c.table(|v| i128::from(v.is_none()));
        let tables: Vec<(String, Table)> = items
            .iter()
            .flatten()
            .filter(|(_, c)| unknown(c))
            .map(|(s, c)| (s.clone(), flag(c)))
            .collect();
        let mut measures = Vec::new();
        if !tables.is_empty() {
            measures.push(self.items_sum(tables));
        }
        if let Some(cells) = hosts.filter(|c| unknown(c)) {
            measures.push(Measure::Sum { items: Vec::new(), hosts: Some(flag(cells)) });
        }
        for measure in measures {
            if scope.has_placed() {
                let measure = self.problem.measure(measure);
                self.pending.push(Formula::AtMostZero(Combination::of(measure)));
            } else {
                self.bar(measure, KNOWN);
            }
        }
    }
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
