//! Rules on which replicas share a host: they shape the items and what may lie together, and are
//! found before anything else.

use std::collections::BTreeMap;

use coc_goals::expression::{
    Aggregate, Comparison, Element, Expression, Node, Property, Quantifier, Type,
};
use coc_goals::number::Fraction;
use coc_goals::rules::Rules;
use coc_model::estate::SiteId;
use coc_model::goals::Policy;
use coc_model::mistake::MistakeLog;
use num_rational::Ratio;

use super::evaluate::{Bound, Scope, Unfit, Value, World, any_node, replica_counts};
use super::groups::mounts;
use super::lists::{concrete, services_of};
use super::{Refused, origin_of, refusal};
use crate::problem::Origin;

/// What the rules say of hosts: pairs of services, a service with itself for its replicas.
#[derive(Debug, Default)]
pub(super) struct HostRules {
    /// All replicas of both on one host.
    pub(super) together: Vec<(String, String, Origin)>,
    /// No replica of one with one of the other.
    pub(super) apart: Vec<(String, String, Origin)>,
    /// What may be on one host at most.
    pub(super) loads: Vec<Load>,
}

/// Replicas weigh on their host, which bears so much and no more.
#[derive(Debug)]
pub(super) struct Load {
    /// What one replica of each service weighs.
    pub(super) weights: BTreeMap<String, Fraction>,
    /// What a machine of each offering bears; `None` where it is not known.
    pub(super) room: Vec<Option<Fraction>>,
    /// True if it has to be less than that.
    pub(super) strict: bool,
    /// Which rule it is.
    pub(super) origin: Origin,
}

impl HostRules {
    /// True if a conjunct is about hosts, and so handled (or refused) here.
    pub(super) fn handles(&self, conjunct: &Expression) -> bool {
        mentions_host(conjunct)
    }
}

/// The parts of a condition that all have to hold.
pub(super) fn conjuncts(expression: &Expression) -> Vec<&Expression> {
    match &expression.node {
        Node::And(a, b) => {
            let mut parts = conjuncts(a);
            parts.extend(conjuncts(b));
            parts
        }
        _ => vec![expression],
    }
}

fn mentions_host(expression: &Expression) -> bool {
    any_node(expression, &|e| matches!(e.node, Node::Property(_, Property::Host) | Node::On(_)))
}

/// Finds what the rules say of hosts.
pub(super) fn host_rules(world: World<'_>, rules: &Rules, log: &mut MistakeLog) -> HostRules {
    let mut found = HostRules { together: shared_volumes(world), ..HostRules::default() };
    for rule in &rules.require {
        for conjunct in conjuncts(&rule.expression).into_iter().filter(|c| mentions_host(c)) {
            let outcome = if rule.policy == Policy::Should {
                let says = "which replicas share a host can be required, not only wished for";
                Err(Unfit { range: conjunct.range, says: says.to_owned() })
            } else {
                let mut finder = Finder { world, origin: origin_of(rule), found: &mut found };
                finder.conjunct(conjunct, &Scope::default())
            };
            if let Err(unfit) = outcome {
                log.push(refusal(&rule.source, unfit));
            }
        }
    }
    found
}

/// Services that mount one volume with a size: block storage is at one machine.
fn shared_volumes(world: World<'_>) -> Vec<(String, String, Origin)> {
    let application = world.application;
    let mut together = Vec::new();
    for (name, volume) in
        application.volumes.iter().filter(|(_, v)| v.size.is_some() && !v.external)
    {
        let users: Vec<&String> =
            application.services.iter().filter(|(_, s)| mounts(s, name)).map(|(n, _)| n).collect();
        for pair in users.windows(2) {
            let says = format!("{} and {} share volume {name}", pair[0], pair[1]);
            let origin = Origin { says: says.into(), at: Some(volume.at.clone()) };
            together.push((pair[0].clone(), pair[1].clone(), origin));
        }
    }
    together
}

/// How rules on what is on single hosts are written.
pub(super) const ON_FORMS: &str = "what is on a host is asked as hosts.all(h, count(on(h)) <= 3), \
or hosts.all(h, sum(on(h), r, r.needsMemory) <= 0.8 * h.memory)";

/// How it is said that no two replicas share a host, whatever their number.
const ALL_APART: &str =
    "apart: {services: …}, or replicas(a).all(r, replicas(a).all(q, r == q || r.host != q.host))";

struct Finder<'a> {
    world: World<'a>,
    origin: Origin,
    found: &'a mut HostRules,
}

const FORMS: &str = "rules on hosts are of the form replicas(a).all(r, replicas(b).all(q, … r.host … q.host …)), \
or distinct(replicas(a), r, r.host) >= the number of replicas";

impl Finder<'_> {
    fn conjunct(&mut self, conjunct: &Expression, scope: &Scope) -> Refused<()> {
        let refused = || Err(Unfit { range: conjunct.range, says: FORMS.to_owned() });
        match &conjunct.node {
            Node::And(..) => {
                conjuncts(conjunct).into_iter().try_for_each(|part| self.conjunct(part, scope))
            }
            // What is decided about nothing decides whether the rest is asked for.
            Node::Or(a, b) if !mentions_host(a) => match self.world.truth(a, scope)? {
                Some(true) => Ok(()),
                Some(false) => self.conjunct(b, scope),
                None => refused(),
            },
            Node::Quantified(Quantifier::All, list, host, body)
                if list.node == Node::All(Element::Host) =>
            {
                conjuncts(body).into_iter().try_for_each(|part| self.load(host, part, scope))
            }
            Node::Quantified(Quantifier::All, list, variable, body) => {
                if let Some(elements) = concrete(self.world, list, scope)? {
                    return elements.into_iter().try_for_each(|element| {
                        let mut inner = scope.clone();
                        inner.variables.insert(variable.clone(), element);
                        self.conjunct(body, &inner)
                    });
                }
                let Node::Quantified(Quantifier::All, second, other, body) = &body.node else {
                    return refused();
                };
                let first = services_of(self.world, list, scope)?;
                let second = services_of(self.world, second, scope)?;
                for a in &first {
                    for b in &second {
                        self.pair((a, variable), (b, other), body, scope)?;
                    }
                }
                Ok(())
            }
            Node::Compare(Comparison::GreaterOrEqual, count, number) => {
                match (&count.node, &number.node) {
                    (
                        Node::Aggregated(Aggregate::Distinct, list, variable, Some(body)),
                        Node::Number(least),
                    ) if is_host_of(body, variable) => {
                        let services = services_of(self.world, list, scope)?;
                        self.all_different(&services, least.value, conjunct)
                    }
                    _ => refused(),
                }
            }
            _ => refused(),
        }
    }

    /// `count(on(h)) <= n`, `sum(on(h), r, x) < y` and their mirror images.
    fn load(&mut self, host: &str, rule: &Expression, scope: &Scope) -> Refused<()> {
        use Comparison::{Greater, GreaterOrEqual, Less, LessOrEqual};
        let refused = || Unfit { range: rule.range, says: ON_FORMS.to_owned() };
        let (weighed, room, strict) = match &rule.node {
            Node::Compare(c @ (Less | LessOrEqual), a, b) => (a, b, *c == Less),
            Node::Compare(c @ (Greater | GreaterOrEqual), a, b) => (b, a, *c == Greater),
            _ => return Err(refused()),
        };
        let (body, variable) = match &weighed.node {
            Node::Aggregated(Aggregate::Count | Aggregate::Sum, list, variable, body)
                if matches!(list.node, Node::On(_)) =>
            {
                (body, variable)
            }
            _ => return Err(refused()),
        };
        if body.as_ref().is_some_and(|b| looks_at_place(b)) {
            let says = "what weighs on a host can't depend on the place: ask for needsCpu, needsMemory, service or a label";
            return Err(Unfit { range: weighed.range, says: says.to_owned() });
        }
        let mut weights = BTreeMap::new();
        for service in self.world.application.services.keys() {
            let bound =
                Bound::Placed { service: Some(service.clone()), site: SiteId(0), offering: None };
            let value = match body {
                Some(body) => self.world.evaluate(body, &scope.with(variable, bound))?,
                None => Some(Value::Bool(true)),
            };
            let weight = match value {
                Some(Value::Number(n)) => n.value,
                Some(Value::Bool(counts)) => Fraction::from_integer(counts.into()),
                _ => {
                    return Err(Unfit {
                        range: weighed.range,
                        says: "this is not known".to_owned(),
                    });
                }
            };
            if weight < Fraction::from_integer(0) {
                let says = format!("a replica of {service} would weigh less than nothing");
                return Err(Unfit { range: weighed.range, says });
            }
            weights.insert(service.clone(), weight);
        }
        let room = self.room_of_offerings(host, room, scope)?;
        let origin = self.origin.clone();
        self.found.loads.push(Load { weights, room, strict, origin });
        Ok(())
    }

    fn room_of_offerings(
        &self,
        host: &str,
        room: &Expression,
        scope: &Scope,
    ) -> Refused<Vec<Option<Fraction>>> {
        let offerings = self.world.estate.offerings.iter().enumerate();
        let bears = offerings.map(|(offering, o)| {
            let bound = Bound::Placed { service: None, site: o.site, offering: Some(offering) };
            match self.world.evaluate(room, &scope.with(host, bound))? {
                Some(Value::Number(n)) => Ok(Some(n.value)),
                _ => Ok(None),
            }
        });
        bears.collect()
    }

    fn all_different(
        &mut self,
        services: &[String],
        least: Ratio<i128>,
        at: &Expression,
    ) -> Refused<()> {
        let mut replicas = 0;
        for name in services {
            let service = self.world.application.services.get(name);
            match service.map(replica_counts).as_deref() {
                None => {}
                Some([count]) => replicas += i128::from(*count),
                Some(_) => {
                    let says = format!(
                        "how many replicas {name} has is decided by the plan: that all are on different hosts is asked as {ALL_APART}"
                    );
                    return Err(Unfit { range: at.range, says });
                }
            }
        }
        if least <= Ratio::from_integer(1) {
            return Ok(());
        }
        if least > Ratio::from_integer(replicas) {
            let says = format!("{replicas} replicas can't be on {least} different hosts");
            return Err(Unfit { range: at.range, says });
        }
        if least < Ratio::from_integer(replicas) {
            let says = format!(
                "only all replicas on different hosts can be asked for: here {replicas}, not {least}"
            );
            return Err(Unfit { range: at.range, says });
        }
        for (i, a) in services.iter().enumerate() {
            for b in &services[i..] {
                self.found.apart.push((a.clone(), b.clone(), self.origin.clone()));
            }
        }
        Ok(())
    }

    fn pair(
        &mut self,
        (a, first): (&String, &String),
        (b, second): (&String, &String),
        body: &Expression,
        scope: &Scope,
    ) -> Refused<()> {
        if looks_at_place(body) {
            let says = "a rule on hosts can't look at places too: write two rules";
            return Err(Unfit { range: body.range, says: says.to_owned() });
        }
        let ask = |same_host: bool, same_replica: bool| {
            let mut inner = scope.clone();
            let placed = |service: &String| Bound::Placed {
                service: Some(service.clone()),
                site: SiteId(0),
                offering: None,
            };
            inner.variables.insert(first.clone(), placed(a));
            inner.variables.insert(second.clone(), placed(b));
            inner.same_host = same_host;
            inner.same_replica = same_replica;
            self.world.truth(body, &inner).map(|t| t == Some(true))
        };
        let (different, same) = (ask(false, false)?, ask(true, false)?);
        if a == b && !ask(true, true)? {
            let says = "no replica satisfies this with itself: write r == q || …";
            return Err(Unfit { range: body.range, says: says.to_owned() });
        }
        match (different, same) {
            (true, true) => {}
            (true, false) => self.found.apart.push((a.clone(), b.clone(), self.origin.clone())),
            (false, true) => self.found.together.push((a.clone(), b.clone(), self.origin.clone())),
            (false, false) => {
                let says = format!("replicas of {a} and {b} can never satisfy this");
                return Err(Unfit { range: body.range, says });
            }
        }
        Ok(())
    }
}

fn is_host_of(body: &Expression, variable: &str) -> bool {
    matches!(&body.node, Node::Property(of, Property::Host)
        if matches!(&of.node, Node::Variable(name) if name == variable))
}

fn looks_at_place(expression: &Expression) -> bool {
    any_node(expression, &|e| match &e.node {
        Node::Inside(..) | Node::Certified(..) | Node::Latency(..) => true,
        Node::Attribute(of, _) => of.gives == Type::Host,
        Node::Property(_, p) => !matches!(
            p,
            Property::Host
                | Property::Service
                | Property::Name
                | Property::NeedsCpu
                | Property::NeedsMemory
        ),
        _ => false,
    })
}
