//! Expressions over one or two replicas or hosts, evaluated for given sites and offers: the tables
//! that measures are made of.
//!
//! A value that is not known makes what depends on it not known; `&&` and `||` give an answer where
//! the known side decides it.

use std::collections::BTreeMap;

use coc_goals::expression::{
    Comparison, Expression, Located, Node, Operator, Property, TextTest, Type,
};
use coc_goals::number::{Number, Unit};
use coc_model::application::{Application, Service};
use coc_model::attribute::{AttributeName, AttributeValue};
use coc_model::decimal::ONE;
use coc_model::estate::{Estate, SiteId};
use coc_model::offer::Purchase;
use num_rational::Ratio;
use num_traits::CheckedMul;

use super::carbon::{MILLI, host_carbon};
use crate::assume::Demands;

/// What a variable stands for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Bound {
    /// A service.
    Service(String),
    /// A word of a list.
    Text(String),
    /// A number of a list.
    Number(Number),
    /// Index of a link.
    Link(usize),
    /// A replica of a service, or a host, at a site, on an offering if that matters.
    Placed { service: Option<String>, site: SiteId, offering: Option<usize> },
}

/// What an expression gives.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Bool(bool),
    Text(String),
    Number(Number),
}

/// Variables, and how two placed things stand to each other.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scope {
    pub(crate) variables: BTreeMap<String, Bound>,
    /// True if the two placed things share a host.
    pub(crate) same_host: bool,
    /// True if they are one replica.
    pub(crate) same_replica: bool,
    /// Two variables that stand for one replica or host.
    pub(crate) twins: Option<(String, String)>,
}

impl Scope {
    /// True if some variable stands for a replica or host whose place is given.
    pub(crate) fn has_placed(&self) -> bool {
        self.variables.values().any(|bound| matches!(bound, Bound::Placed { .. }))
    }

    /// The same with one more variable.
    pub(crate) fn with(&self, variable: &str, bound: Bound) -> Self {
        let mut inner = self.clone();
        inner.variables.insert(variable.to_owned(), bound);
        inner
    }

    /// True if two variables are known to stand for one replica or host.
    fn are_one(&self, a: &Expression, b: &Expression) -> bool {
        match (&a.node, &b.node) {
            (Node::Variable(a), Node::Variable(b)) => {
                let twins = |(x, y): &(String, String)| (x == a && y == b) || (x == b && y == a);
                a == b || self.twins.as_ref().is_some_and(twins)
            }
            _ => false,
        }
    }
}

/// Why an expression can't be evaluated at all (as against: its value is not known).
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Unfit {
    pub(crate) range: (usize, usize),
    pub(crate) says: String,
}

/// What is evaluated against.
#[derive(Clone, Copy)]
pub(crate) struct World<'a> {
    pub(crate) application: &'a Application,
    pub(crate) estate: &'a Estate,
    pub(crate) demands: &'a Demands,
}

/// `Ok(None)` is "not known".
pub(crate) type Evaluated = Result<Option<Value>, Unfit>;

fn unfit(expression: &Expression, says: impl Into<String>) -> Unfit {
    Unfit { range: expression.range, says: says.into() }
}

impl World<'_> {
    /// Evaluates an expression.
    pub(crate) fn evaluate(self, expression: &Expression, scope: &Scope) -> Evaluated {
        match &expression.node {
            Node::Bool(b) => Ok(Some(Value::Bool(*b))),
            Node::Text(t) => Ok(Some(Value::Text(t.clone()))),
            Node::Number(n) => Ok(Some(Value::Number(*n))),
            Node::Variable(name) => match scope.variables.get(name) {
                Some(Bound::Text(text) | Bound::Service(text)) => {
                    Ok(Some(Value::Text(text.clone())))
                }
                Some(Bound::Number(number)) => Ok(Some(Value::Number(*number))),
                _ => Err(unfit(expression, "this has no value by itself")),
            },
            Node::Property(of, property) => self.property(expression, of, *property, scope),
            Node::Attribute(of, name) => self.attribute(expression, of, name, scope),
            Node::Inside(of, places) => {
                let Bound::Placed { site, .. } = self.placed(of, scope)? else {
                    return Err(unfit(of, "a replica or host is due here"));
                };
                let place = &self.estate.sites[site.index()].place;
                let inside = places.iter().any(|p| self.estate.places.inside(place, &p.text));
                Ok(Some(Value::Bool(inside)))
            }
            Node::Certified(of, frameworks) => self.certified(of, frameworks, scope),
            Node::Latency(a, b) => self.latency(a, b, scope),
            Node::Scaled(of, factor) => self.scaled(expression, of, *factor, scope),
            Node::Not(of) => Ok(self.truth(of, scope)?.map(|b| Value::Bool(!b))),
            Node::And(a, b) => self.decided_by(false, a, b, scope),
            Node::Or(a, b) => self.decided_by(true, a, b, scope),
            Node::Conditional(condition, a, b) => match self.truth(condition, scope)? {
                Some(true) => self.evaluate(a, scope),
                Some(false) => self.evaluate(b, scope),
                None => Ok(None),
            },
            Node::Compare(comparison, a, b) => self.compare(*comparison, a, b, scope),
            Node::In(item, list) => self.membership(item, list, scope),
            Node::Arithmetic(operator, a, b) => {
                let computed: fn(Number, Number) -> Option<Number> = match operator {
                    Operator::Add => Number::plus,
                    Operator::Subtract => Number::minus,
                    Operator::Multiply => Number::times,
                    Operator::Divide => Number::over,
                };
                self.computed(expression, computed, a, b, scope)
            }
            Node::Known(of) => Ok(Some(Value::Bool(self.evaluate(of, scope)?.is_some()))),
            Node::TextTest(test, text, part) => self.text_test(*test, text, part, scope),
            Node::Excess(a, b) => {
                let beyond = |a: Number, b: Number| {
                    a.minus(b).map(|n| Number { value: n.value.max(0.into()), ..n })
                };
                self.computed(expression, beyond, a, b, scope)
            }
            Node::List(_)
            | Node::All(_)
            | Node::Places(_)
            | Node::On(_)
            | Node::Filtered(..)
            | Node::Replicas(_)
            | Node::Cost
            | Node::Spend(_)
            | Node::Placed
            | Node::Moved
            | Node::MoveCost
            | Node::Quantified(..)
            | Node::Aggregated(..) => Err(unfit(
                expression,
                "this looks at the whole plan and can't be asked of a single replica or host",
            )),
        }
    }

    fn scaled(self, at: &Expression, of: &Expression, factor: Number, scope: &Scope) -> Evaluated {
        let Some(Value::Number(n)) = self.evaluate(of, scope)? else { return Ok(None) };
        let says = "this leaves the range of numbers";
        let value = n.value.checked_mul(&factor.value).ok_or_else(|| unfit(at, says))?;
        let unit = if factor.unit == Unit::One { n.unit } else { factor.unit };
        Ok(Some(Value::Number(Number { value, unit })))
    }

    /// A number made of two others.
    fn computed(
        self,
        at: &Expression,
        computed: fn(Number, Number) -> Option<Number>,
        a: &Expression,
        b: &Expression,
        scope: &Scope,
    ) -> Evaluated {
        let (a, b) = (self.evaluate(a, scope)?, self.evaluate(b, scope)?);
        let (Some(Value::Number(a)), Some(Value::Number(b))) = (a, b) else { return Ok(None) };
        let says = "this divides by zero or leaves the range of numbers";
        computed(a, b).map(|n| Some(Value::Number(n))).ok_or_else(|| unfit(at, says))
    }

    fn certified(self, of: &Expression, frameworks: &[Located], scope: &Scope) -> Evaluated {
        let Bound::Placed { site, .. } = self.placed(of, scope)? else {
            return Err(unfit(of, "a replica or host is due here"));
        };
        let certified = &self.estate.sites[site.index()].certified;
        let all = frameworks.iter().all(|f| certified.contains(f.text.as_str()));
        Ok(Some(Value::Bool(all)))
    }

    /// "And" (`decisive` is false) and "or" (`decisive` is true): one decisive side decides, whatever
    /// the other is; else both have to be known.
    fn decided_by(
        self,
        decisive: bool,
        a: &Expression,
        b: &Expression,
        scope: &Scope,
    ) -> Evaluated {
        let (a, b) = (self.truth(a, scope)?, self.truth(b, scope)?);
        if a == Some(decisive) || b == Some(decisive) {
            return Ok(Some(Value::Bool(decisive)));
        }
        Ok(a.and(b).map(Value::Bool))
    }

    /// Evaluates a condition.
    pub(crate) fn truth(
        self,
        expression: &Expression,
        scope: &Scope,
    ) -> Result<Option<bool>, Unfit> {
        match self.evaluate(expression, scope)? {
            Some(Value::Bool(b)) => Ok(Some(b)),
            Some(_) => Err(unfit(expression, "true or false is due here")),
            None => Ok(None),
        }
    }

    fn placed<'s>(self, expression: &Expression, scope: &'s Scope) -> Result<&'s Bound, Unfit> {
        match &expression.node {
            Node::Variable(name) => {
                scope.variables.get(name).ok_or_else(|| unfit(expression, "this is not bound here"))
            }
            Node::Property(of, Property::Host) => self.placed(of, scope),
            _ => Err(unfit(expression, "a variable is due here")),
        }
    }

    fn property(
        self,
        expression: &Expression,
        of: &Expression,
        property: Property,
        scope: &Scope,
    ) -> Evaluated {
        let text = |t: Option<&str>| Ok(t.map(|t| Value::Text(t.to_owned())));
        let bound = self.placed(of, scope)?;
        match (bound, property) {
            (Bound::Service(name), Property::Name) => text(Some(name)),
            (Bound::Service(name), Property::ReplicaCount) => {
                let service = self.application.services.get(name);
                match service.map(replica_counts).as_deref() {
                    None => Ok(Some(Value::Number(Number::integer(0)))),
                    Some([count]) => Ok(Some(Value::Number(Number::integer((*count).into())))),
                    Some(_) => Err(unfit(
                        expression,
                        format!(
                            "how many replicas {name} has is decided by the plan: it can be compared and counted with, and not asked of here"
                        ),
                    )),
                }
            }
            (
                Bound::Service(service) | Bound::Placed { service: Some(service), .. },
                Property::NeedsCpu | Property::NeedsMemory,
            ) => Ok(self.reserved(service, property)),
            (Bound::Link(link), Property::From) => text(Some(&self.application.links[*link].from)),
            (Bound::Link(link), Property::To) => text(Some(&self.application.links[*link].to)),
            (Bound::Placed { service, .. }, Property::Service) => text(service.as_deref()),
            (Bound::Placed { site, offering, .. }, property) => {
                let site = &self.estate.sites[site.index()];
                match property {
                    Property::Cloud => text(Some(&site.cloud)),
                    Property::Region => text(site.place.region.as_deref()),
                    Property::Zone => text(site.place.zone.as_deref()),
                    Property::Country => text(site.place.country.as_deref()),
                    Property::Area => text(site.place.area.as_deref()),
                    Property::CarbonIntensity => Ok(site
                        .carbon_g_per_kwh
                        .map(|grams| Value::Number(Number::decimal(grams, Unit::One)))),
                    _ => match offering {
                        Some(offering) => Ok(self.of_offering(*offering, property)),
                        None => Err(unfit(
                            expression,
                            "properties of machines of two replicas can't be compared with each other",
                        )),
                    },
                }
            }
            _ => Err(unfit(expression, "this has no such property")),
        }
    }

    /// What one replica of a service reserves, declared or assumed.
    fn reserved(self, service: &str, property: Property) -> Option<Value> {
        let reservation = self.demands.reservations.get(service)?;
        let (value, unit) = match property {
            Property::NeedsCpu => (Ratio::new(reservation.cpu.0.into(), 1000), Unit::One),
            _ => (Ratio::from_integer(reservation.memory.0.into()), Unit::Bytes),
        };
        Some(Value::Number(Number { value, unit }))
    }

    fn text_test(
        self,
        test: TextTest,
        text: &Expression,
        part: &Expression,
        scope: &Scope,
    ) -> Evaluated {
        let (text, part) = (self.evaluate(text, scope)?, self.evaluate(part, scope)?);
        Ok(match (text, part) {
            (Some(Value::Text(text)), Some(Value::Text(part))) => {
                Some(Value::Bool(test.holds(&text, &part)))
            }
            _ => None,
        })
    }

    fn of_offering(self, offering: usize, property: Property) -> Option<Value> {
        let offering = &self.estate.offerings[offering];
        let offer = &offering.offer;
        let text = |t: &str| Some(Value::Text(t.to_owned()));
        let number = |value: Ratio<i128>, unit| Some(Value::Number(Number { value, unit }));
        match property {
            Property::Offer => text(&offer.name),
            Property::Architecture => offer.architecture.and_then(|a| text(a.name())),
            Property::Price => {
                let (n, d) = offering.rate()?.per_hour();
                number(Ratio::new(n, d), Unit::MoneyPerHour)
            }
            Property::Vcpu => number(Ratio::new(offer.cpu?.0.into(), 1000), Unit::One),
            Property::Memory => number(Ratio::from_integer(offer.memory?.0.into()), Unit::Bytes),
            Property::Accelerator => offer.accelerator.as_ref().and_then(|a| text(&a.name)),
            Property::Existing => Some(Value::Bool(offering.existing)),
            Property::Spot => Some(Value::Bool(offering.purchase == Purchase::Spot)),
            Property::Carbon => {
                let milligrams = host_carbon(self.estate, offering)?;
                number(Ratio::new(milligrams, MILLI), Unit::Carbon)
            }
            _ => None,
        }
    }

    fn attribute(
        self,
        expression: &Expression,
        of: &Expression,
        name: &str,
        scope: &Scope,
    ) -> Evaluated {
        let bound = self.placed(of, scope)?;
        if let Bound::Service(service) | Bound::Placed { service: Some(service), .. } = bound
            && (matches!(bound, Bound::Service(_)) || self.is_label(name))
        {
            if !self.is_label(name) {
                return Err(unfit(expression, format!("no service has a label \"{name}\"")));
            }
            // A label that a service does not have is the empty text.
            let label = self.application.services.get(service).and_then(|s| s.labels.get(name));
            return Ok(Some(Value::Text(label.cloned().unwrap_or_default())));
        }
        let Bound::Placed { offering, .. } = bound else {
            return Err(unfit(of, "a replica or host is due here"));
        };
        let Some(offering) = offering else {
            let says = "attributes of machines of two replicas can't be compared with each other";
            return Err(unfit(of, says));
        };
        let attributes = &self.estate.offerings[*offering].offer.attributes;
        Ok(attributes.get(&AttributeName(name.into())).and_then(|value| match value {
            AttributeValue::Flag(b) => Some(Value::Bool(*b)),
            AttributeValue::Number(n) => {
                let value = Ratio::new(n.atto(), ONE);
                Some(Value::Number(Number { value, unit: Unit::One }))
            }
            AttributeValue::Text(t) => Some(Value::Text(t.to_string())),
            AttributeValue::Set(_) => None,
        }))
    }

    /// True if some service has a label of this name: then it is what is asked of replicas.
    fn is_label(self, name: &str) -> bool {
        self.application.services.values().any(|s| s.labels.contains_key(name))
    }

    fn latency(self, a: &Expression, b: &Expression, scope: &Scope) -> Evaluated {
        let one = scope.same_replica || scope.are_one(a, b);
        let (a, b) = (self.placed(a, scope)?, self.placed(b, scope)?);
        let (Bound::Placed { site: a, .. }, Bound::Placed { site: b, .. }) = (a, b) else {
            return Ok(None);
        };
        if one {
            // A replica is no way from itself.
            return Ok(Some(Value::Number(Number {
                value: Ratio::from_integer(0),
                unit: Unit::Time,
            })));
        }
        Ok(self.estate.latency(*a, *b).map(|l| {
            let value = Ratio::new(l.round_trip.0.into(), 1000);
            Value::Number(Number { value, unit: Unit::Time })
        }))
    }

    fn compare(
        self,
        comparison: Comparison,
        a: &Expression,
        b: &Expression,
        scope: &Scope,
    ) -> Evaluated {
        let equal = match (a.gives, b.gives) {
            (Type::Host, Type::Host) => Some(scope.same_host || scope.are_one(a, b)),
            (Type::Replica, Type::Replica) => Some(scope.same_replica || scope.are_one(a, b)),
            _ => None,
        };
        if let Some(equal) = equal {
            return Ok(match comparison {
                Comparison::Equal => Some(Value::Bool(equal)),
                Comparison::NotEqual => Some(Value::Bool(!equal)),
                _ => None,
            });
        }
        let (a, b) = (self.evaluate(a, scope)?, self.evaluate(b, scope)?);
        let (Some(a), Some(b)) = (a, b) else { return Ok(None) };
        let order = match (&a, &b) {
            (Value::Number(x), Value::Number(y)) => x.value.cmp(&y.value),
            (Value::Text(x), Value::Text(y)) => x.cmp(y),
            (Value::Bool(x), Value::Bool(y)) => x.cmp(y),
            // An open attribute of another type than it is compared with is equal to nothing.
            _ => return Ok(Some(Value::Bool(comparison == Comparison::NotEqual))),
        };
        Ok(Some(Value::Bool(match comparison {
            Comparison::Equal => order.is_eq(),
            Comparison::NotEqual => order.is_ne(),
            Comparison::Less => order.is_lt(),
            Comparison::LessOrEqual => order.is_le(),
            Comparison::Greater => order.is_gt(),
            Comparison::GreaterOrEqual => order.is_ge(),
        })))
    }

    fn membership(self, item: &Expression, list: &Expression, scope: &Scope) -> Evaluated {
        let Some(item) = self.evaluate(item, scope)? else { return Ok(None) };
        let Node::List(elements) = &list.node else {
            let texts = self.texts(list, scope)?;
            let among = matches!(&item, Value::Text(text) if texts.contains(text));
            return Ok(Some(Value::Bool(among)));
        };
        let mut known = true;
        for element in elements {
            match self.evaluate(element, scope)? {
                Some(value) if value == item => return Ok(Some(Value::Bool(true))),
                Some(_) => {}
                None => known = false,
            }
        }
        Ok(known.then_some(Value::Bool(false)))
    }
}

/// How many replicas a service may be planned with, ascending; one where there is one on every host.
pub(crate) fn replica_counts(service: &Service) -> Vec<u32> {
    service.replicas.planned().unwrap_or_else(|| vec![1])
}

/// The variables that occur free in an expression.
pub(crate) fn free_variables(expression: &Expression, found: &mut Vec<String>) {
    if let Node::Variable(name) = &expression.node {
        if !found.contains(name) {
            found.push(name.clone());
        }
        return;
    }
    let binds = match &expression.node {
        Node::Quantified(_, list, variable, body) => Some((list, variable, Some(body))),
        Node::Aggregated(_, list, variable, body) => Some((list, variable, body.as_ref())),
        Node::Filtered(list, variable, body) => Some((list, variable, Some(body))),
        _ => None,
    };
    if let Some((list, variable, body)) = binds {
        free_variables(list, found);
        let mut inner = Vec::new();
        if let Some(body) = body {
            free_variables(body, &mut inner);
        }
        for name in inner {
            if name != *variable && !found.contains(&name) {
                found.push(name);
            }
        }
        return;
    }
    for child in expression.children() {
        free_variables(child, found);
    }
}

/// True if some node of the expression satisfies a test.
pub(crate) fn any_node(expression: &Expression, test: &impl Fn(&Expression) -> bool) -> bool {
    test(expression) || expression.children().into_iter().any(|c| any_node(c, test))
}

/// Shows every node of the expression to a visitor.
pub(crate) fn visit(expression: &Expression, visitor: &mut impl FnMut(&Expression)) {
    visitor(expression);
    for child in expression.children() {
        visit(child, visitor);
    }
}

/// True if the value depends on the machine and not only on the site.
pub(crate) fn looks_at_machine(world: World<'_>, expression: &Expression) -> bool {
    any_node(expression, &|e| match &e.node {
        Node::Attribute(of, name) => match of.gives {
            Type::Service => false,
            Type::Replica => !world.is_label(name),
            _ => true,
        },
        Node::Property(_, p) => matches!(
            p,
            Property::Offer
                | Property::Architecture
                | Property::Price
                | Property::Vcpu
                | Property::Memory
                | Property::Accelerator
                | Property::Existing
                | Property::Carbon
                | Property::Spot
        ),
        _ => false,
    })
}
