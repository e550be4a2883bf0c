//! Conditions and numbers that look at one replica or host and at the whole plan at once: replicas
//! are put into classes that the expression can't tell apart, and each class is asked once.

use std::collections::BTreeMap;

use coc_goals::expression::{Aggregate, Expression, Node, Property, Type};
use coc_goals::number::Fraction;
use coc_model::application::Replicas;
use coc_model::estate::SiteId;

use super::evaluate::{Bound, Scope, Unfit, World, any_node, looks_at_machine, visit};
use super::formula::{Over, and, or};
use super::number::Linear;
use super::{Lowering, Refused};
use crate::problem::{Combination, Formula, Measure, MeasureId, OptionId, Table};

/// The most classes that one quantifier is written out for.
const CLASSES_MAX: usize = 400;

/// Places or machines that an expression can't tell apart.
struct Class {
    /// One of them.
    first: Bound,
    /// How many replicas or hosts are there.
    count: MeasureId,
}

impl World<'_> {
    /// True for what looks at several replicas or hosts, or at the plan as a whole.
    pub(super) fn looks_at_many(self, expression: &Expression) -> bool {
        any_node(expression, &|e| match &e.node {
            Node::Quantified(..)
            | Node::Aggregated(..)
            | Node::Cost
            | Node::Spend(_)
            | Node::Placed
            | Node::Moved
            | Node::MoveCost => true,
            Node::Latency(a, b) => [a, b].iter().any(|s| s.gives != Type::Replica),
            Node::Property(_, Property::ReplicaCount) => self.chooses_numbers(),
            _ => false,
        })
    }

    /// True if the plan chooses how many replicas some service has.
    fn chooses_numbers(self) -> bool {
        self.application.services.values().any(|s| matches!(s.replicas, Replicas::OneOf(_)))
    }
}

/// True if the expression may depend on whether two variables stand for one replica or host.
fn tells_twins_apart(expression: &Expression, a: &str, b: &str) -> bool {
    let is = |e: &Expression, name: &str| matches!(&e.node, Node::Variable(v) if v == name);
    let both = |x: &Expression, y: &Expression| (is(x, a) && is(y, b)) || (is(x, b) && is(y, a));
    any_node(expression, &|e| match &e.node {
        Node::Compare(_, x, y) | Node::Latency(x, y) => both(x, y),
        _ => false,
    })
}

impl Lowering<'_> {
    /// "For all" or "for one" over replicas or hosts, class by class: nobody is in the class, or the
    /// condition holds for it; somebody is, and it does.
    pub(super) fn by_class(
        &mut self,
        all: bool,
        over: &Over,
        variable: &str,
        body: &Expression,
        truth: bool,
        scope: &Scope,
    ) -> Refused<Formula> {
        let mut parts = Vec::new();
        for class in self.classes(over, variable, body, scope)? {
            let inner = scope.with(variable, class.first);
            let holds = self.condition(body, truth, &inner)?;
            let count = Combination::of(class.count);
            parts.push(if all {
                or(vec![Formula::AtMostZero(count), holds])
            } else {
                let mut some = count;
                some.negate();
                some.constant += 1;
                and(vec![Formula::AtMostZero(some), holds])
            });
        }
        Ok(if all { and(parts) } else { or(parts) })
    }

    /// A sum or count over replicas or hosts, class by class.
    pub(super) fn sum_by_class(
        &mut self,
        at: &Expression,
        aggregate: Aggregate,
        over: &Over,
        variable: &str,
        body: &Expression,
        scope: &Scope,
    ) -> Refused<Linear> {
        let mut total = Linear::default();
        for class in self.classes(over, variable, body, scope)? {
            let inner = scope.with(variable, class.first);
            let each = match aggregate {
                Aggregate::Sum => self.number(body, &inner)?,
                Aggregate::Count => {
                    let nobody = Formula::AtMostZero(Combination::of(class.count));
                    self.counted(body, Some(nobody), &inner)?
                }
                _ => {
                    let says = "of what looks at the whole plan only sums and counts can be taken";
                    return Err(Unfit { range: at.range, says: says.to_owned() });
                }
            };
            let count = Linear::term(Fraction::from_integer(1), class.count);
            let part = self.product(at, count, each)?;
            total = super::number::in_range(at, total.plus(part))?;
        }
        Ok(total)
    }

    /// 1 if a condition holds, else 0. It has to be known, unless `unless` holds.
    pub(super) fn counted(
        &mut self,
        condition: &Expression,
        unless: Option<Formula>,
        scope: &Scope,
    ) -> Refused<Linear> {
        let holds = self.condition(condition, true, scope)?;
        let fails = self.condition(condition, false, scope)?;
        if fails != self.problem.opposite(&holds) {
            let known = unless.into_iter().chain([holds.clone(), fails]);
            self.pending.push(or(known.collect()));
        }
        Ok(self.one_if(&holds))
    }

    /// How much a sum over replicas or hosts is off because one of them is the very one that an outer
    /// variable stands for: its value as itself, less its value as another at the same place.
    pub(super) fn twin_correction(
        &self,
        over: &Over,
        variable: &str,
        body: &Expression,
        scope: &Scope,
        value: impl Fn(&Scope) -> Refused<Fraction>,
    ) -> Refused<Fraction> {
        let mut twins = scope
            .variables
            .iter()
            .filter(|(name, bound)| over.has(bound) && tells_twins_apart(body, name, variable));
        let Some((outer, bound)) = twins.next() else { return Ok(Fraction::from_integer(0)) };
        if twins.next().is_some() {
            let says = "a replica can be compared with one other here, not with two";
            return Err(Unfit { range: body.range, says: says.to_owned() });
        }
        let apart = scope.with(variable, bound.clone());
        let twins = Some((outer.clone(), variable.to_owned()));
        let one = Scope { twins, ..apart.clone() };
        Ok(value(&one)? - value(&apart)?)
    }

    /// Refuses what depends on whether two variables stand for one replica or host.
    pub(super) fn no_twins(
        &self,
        over: &Over,
        variable: &str,
        body: &Expression,
        scope: &Scope,
    ) -> Refused<()> {
        let twin = |(name, bound): (&String, &Bound)| {
            over.has(bound) && tells_twins_apart(body, name, variable)
        };
        if scope.variables.iter().any(twin) {
            let says = "a replica can't be compared with itself here: name two services, or use count or sum";
            return Err(Unfit { range: body.range, says: says.to_owned() });
        }
        Ok(())
    }

    fn classes(
        &mut self,
        over: &Over,
        variable: &str,
        body: &Expression,
        scope: &Scope,
    ) -> Refused<Vec<Class>> {
        self.no_twins(over, variable, body, scope)?;
        let mut classes = Vec::new();
        match over {
            Over::Hosts => self.classes_of(None, variable, body, scope, &mut classes)?,
            Over::Replicas(services) => {
                for service in services {
                    self.classes_of(Some(service), variable, body, scope, &mut classes)?;
                }
            }
        }
        if classes.len() > CLASSES_MAX {
            let says = format!(
                "this tells apart more than {CLASSES_MAX} kinds of places and machines: look at fewer of their properties"
            );
            return Err(Unfit { range: body.range, says });
        }
        Ok(classes)
    }

    fn classes_of(
        &mut self,
        service: Option<&str>,
        variable: &str,
        body: &Expression,
        scope: &Scope,
        classes: &mut Vec<Class>,
    ) -> Refused<()> {
        let views = Views::of(body, variable);
        let by_machine = views.asked.iter().any(|e| looks_at_machine(self.world, e));
        let options: Vec<OptionId> = match service {
            Some(service) => self.could_run_on(service),
            None => (0..self.problem.options.len()).map(OptionId).collect(),
        };
        let mut found: BTreeMap<String, usize> = BTreeMap::new();
        let mut made: Vec<(Bound, Vec<i128>)> = Vec::new();
        let size = if by_machine { self.problem.options.len() } else { self.problem.sites.len() };
        let mut seen = vec![false; size];
        for OptionId(option) in options {
            let host = &self.problem.options[option];
            let index = if by_machine { option } else { host.site };
            if std::mem::replace(&mut seen[index], true) {
                continue;
            }
            let bound = Bound::Placed {
                service: service.map(ToOwned::to_owned),
                site: SiteId(u32::try_from(host.site).unwrap_or(u32::MAX)),
                offering: by_machine.then_some(host.offering),
            };
            let inner = scope.with(variable, bound.clone());
            let mut profile = if views.place { host.site.to_string() } else { String::new() };
            for view in &views.asked {
                let value = self.world.evaluate(view, &inner)?;
                profile = format!("{profile}\u{1f}{value:?}");
            }
            let class = *found.entry(profile).or_insert_with(|| {
                made.push((bound, vec![0; size]));
                made.len() - 1
            });
            made[class].1[index] = 1;
        }
        for (first, members) in made {
            let table = if by_machine {
                Table::Option(members.into())
            } else {
                Table::Site(members.into())
            };
            let count = match service {
                Some(service) => self.sum_over_items(vec![(service.to_owned(), table)]),
                None => {
                    let hosts = Measure::Sum { items: Vec::new(), hosts: Some(table) };
                    self.problem.measure(hosts)
                }
            };
            classes.push(Class { first, count });
        }
        Ok(())
    }
}

/// What an expression asks of a variable by itself.
pub(super) struct Views {
    pub(super) asked: Vec<Expression>,
    /// True if the place as such matters: latencies from it are looked at.
    pub(super) place: bool,
}

impl Views {
    pub(super) fn of(body: &Expression, variable: &str) -> Self {
        let is_variable = |e: &Expression| matches!(&e.node, Node::Variable(v) if v == variable);
        let mut views = Self { asked: Vec::new(), place: false };
        visit(body, &mut |e| match &e.node {
            Node::Property(of, _)
            | Node::Attribute(of, _)
            | Node::Inside(of, _)
            | Node::Certified(of, _)
                if is_variable(of) =>
            {
                views.asked.push(e.clone());
            }
            Node::Latency(a, b) if is_variable(a) || is_variable(b) => views.place = true,
            _ => {}
        });
        views
    }
}
