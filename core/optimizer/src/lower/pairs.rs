//! Conditions on every pair of replicas: tables over pairs of sites.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use coc_goals::expression::{Comparison, Expression, Node, Quantifier, Type};
use coc_model::estate::SiteId;

use super::evaluate::{Bound, Scope, Unfit, any_node, looks_at_machine};
use super::lists::services_of;
use super::profiles::Views;
use super::{Lowering, Refused};
use crate::problem::{Combination, Formula, GroupId, Measure, PairTable, Table};

/// A condition on all pairs (r, q).
pub(super) struct PairCondition<'e> {
    /// r's name and services.
    pub(super) first: (&'e str, Vec<String>),
    /// q's name and services.
    pub(super) second: (String, Vec<String>),
    /// What has to hold; where the inner quantifier stood, its body stands.
    pub(super) body: Expression,
    /// What the body has to be.
    pub(super) truth: bool,
}

/// What the inner "for all" binds: its variable, and the services it goes over.
struct Inner(Option<(String, Vec<String>)>);

impl Inner {
    fn bind(&mut self, at: &Expression, name: String, services: Vec<String>) -> Refused<()> {
        if self.0.is_some() {
            return refuse(at, "a condition can look at one other list of replicas, not at two");
        }
        self.0 = Some((name, services));
        Ok(())
    }
}

/// One side of a comparison.
struct Side<'e> {
    of: &'e Expression,
    /// The service it holds the latency to.
    service: Option<Expression>,
}

impl<'e> Side<'e> {
    fn of(of: &'e Expression, outer: &str) -> Self {
        Self { of, service: latency_to_service(of, outer) }
    }

    /// The service whose latency the comparison `self ? other` bounds from above, which the latency
    /// of the farthest replica then stands for.
    fn bounded_service<'a>(
        &'a self,
        comparison: Comparison,
        other: &'a Side<'_>,
        truth: bool,
        whole: &Expression,
    ) -> Refused<&'a Expression> {
        let (smaller, larger) = match comparison {
            Comparison::Less | Comparison::LessOrEqual if truth => (self, other),
            Comparison::Greater | Comparison::GreaterOrEqual if !truth => (self, other),
            Comparison::Less | Comparison::LessOrEqual => (other, self),
            Comparison::Greater | Comparison::GreaterOrEqual => (other, self),
            _ => return refuse(whole, "a latency to a service can be bounded from above only"),
        };
        match (&smaller.service, &larger.service) {
            (Some(service), None) => Ok(service),
            _ => refuse(whole, "a latency to a service can be bounded from above only"),
        }
    }
}

/// True for what looks at several replicas or hosts.
fn is_over_many(e: &Expression) -> bool {
    matches!(e.node, Node::Quantified(..) | Node::Aggregated(..))
}

fn refuse<T>(at: &Expression, says: &str) -> Refused<T> {
    Err(Unfit { range: at.range, says: says.to_owned() })
}

impl Lowering<'_> {
    /// A condition on all r that holds one "for all q" (or one latency to a service, bounded from
    /// above) as a condition on all pairs.
    pub(super) fn pair_condition<'e>(
        &self,
        variable: &'e str,
        services: Vec<String>,
        body: &Expression,
        truth: bool,
        scope: &Scope,
    ) -> Refused<PairCondition<'e>> {
        let mut inner = Inner(None);
        let body = self.unnest(body, truth, variable, scope, &mut inner)?;
        match inner.0 {
            Some(second) => Ok(PairCondition { first: (variable, services), second, body, truth }),
            None => {
                refuse(&body, "this looks at other replicas in a way that can't be decided on yet")
            }
        }
    }

    /// Replaces the inner "for all" by its body, remembering what it binds.
    fn unnest(
        &self,
        e: &Expression,
        truth: bool,
        outer: &str,
        scope: &Scope,
        found: &mut Inner,
    ) -> Refused<Expression> {
        let rebuilt = |node: Node| Expression { node, gives: e.gives, range: e.range };
        match &e.node {
            Node::Not(a) => {
                Ok(rebuilt(Node::Not(Box::new(self.unnest(a, !truth, outer, scope, found)?))))
            }
            Node::And(a, b) => {
                let a = self.unnest(a, truth, outer, scope, found)?;
                let b = self.unnest(b, truth, outer, scope, found)?;
                Ok(rebuilt(Node::And(Box::new(a), Box::new(b))))
            }
            Node::Or(a, b) => {
                let a = self.unnest(a, truth, outer, scope, found)?;
                let b = self.unnest(b, truth, outer, scope, found)?;
                Ok(rebuilt(Node::Or(Box::new(a), Box::new(b))))
            }
            Node::Quantified(quantifier, list, variable, body) => {
                if (*quantifier == Quantifier::All) != truth {
                    return refuse(
                        e,
                        "\"for each replica there is another one\" can't be decided on yet: state it for all pairs",
                    );
                }
                found.bind(e, variable.clone(), services_of(self.world, list, scope)?)?;
                if any_node(body, &is_over_many) {
                    return refuse(
                        body,
                        "quantifiers over replicas can be nested two deep, not deeper",
                    );
                }
                Ok((**body).clone())
            }
            Node::Compare(comparison, a, b) => {
                let (a, b) = (Side::of(a, outer), Side::of(b, outer));
                if a.service.is_none() && b.service.is_none() {
                    return Ok(e.clone());
                }
                let service = a.bounded_service(*comparison, &b, truth, e)?;
                let services = match self.world.evaluate(service, scope)? {
                    Some(super::evaluate::Value::Text(name)) => vec![name],
                    _ => return refuse(service, "the name of a service is due here"),
                };
                let name = format!("{outer}'");
                found.bind(e, name.clone(), services)?;
                let replaced = |side: &Side<'_>| Box::new(replace_service(side.of, &name));
                Ok(rebuilt(Node::Compare(*comparison, replaced(&a), replaced(&b))))
            }
            _ if any_node(e, &is_over_many) => {
                refuse(e, "an aggregate can't stand inside a condition on single replicas yet")
            }
            _ => Ok(e.clone()),
        }
    }

    /// A condition on all pairs as a formula.
    pub(super) fn pairs(
        &mut self,
        condition: &PairCondition<'_>,
        scope: &Scope,
    ) -> Refused<Formula> {
        if looks_at_machine(self.world, &condition.body) {
            return refuse(
                &condition.body,
                "properties of machines of two replicas can't be compared with each other",
            );
        }
        let by_service = any_node(&condition.body, &super::tables::looks_at_service);
        let mut tables: BTreeMap<(&str, &str), PairTable> = BTreeMap::new();
        let mut sums: BTreeMap<(GroupId, GroupId), Vec<PairTable>> = BTreeMap::new();
        let mut formulas = Vec::new();
        for a in &condition.first.1 {
            for b in &condition.second.1 {
                let key = if by_service { (a.as_str(), b.as_str()) } else { ("", "") };
                if let Entry::Vacant(entry) = tables.entry(key) {
                    entry.insert(self.violations(condition, a, b, scope, false)?);
                }
                let table = tables[&key].clone();
                if a == b {
                    let own = self.violations(condition, a, b, scope, true)?;
                    for (group, _) in self.groups_with(a).to_vec() {
                        formulas.push(self.on_own_site(group, &own));
                    }
                }
                for (ga, gb, inside) in self.pairs_of(a, b) {
                    if inside {
                        // In one item, on one host: the pair is at one site.
                        formulas.push(self.on_own_site(ga, &table));
                        continue;
                    }
                    let of_groups = sums.entry((ga, gb)).or_default();
                    if !of_groups.contains(&table) && table.values.iter().any(|v| *v != 0) {
                        of_groups.push(table.clone());
                    }
                }
            }
        }
        for (between, tables) in sums {
            for table in tables {
                let measure = self.problem.measure(Measure::Pairs { between, table });
                formulas.push(Formula::AtMostZero(Combination::of(measure)));
            }
        }
        formulas.retain(|f| *f != Formula::TRUE);
        Ok(if formulas.len() == 1 { formulas.remove(0) } else { Formula::And(formulas) })
    }

    /// The groups that pairs of replicas of two services (of different replicas of one) are in, and
    /// whether they are in one item.
    fn pairs_of(&self, a: &str, b: &str) -> Vec<(GroupId, GroupId, bool)> {
        let mut pairs = Vec::new();
        for &(ga, several) in self.groups_with(a) {
            for &(gb, _) in self.groups_with(b) {
                let inside = ga == gb && (a != b || self.problem.groups[ga.0].count == 1);
                let none = inside && a == b && several == 1;
                if !none && !self.problem.exclude_each_other(ga, gb) {
                    pairs.push((ga, gb, inside));
                }
            }
        }
        pairs
    }

    /// No item of a group at a site where the table is not zero on its diagonal.
    fn on_own_site(&mut self, group: GroupId, table: &PairTable) -> Formula {
        let own: Vec<i128> = (0..table.sites).map(|s| table.at(s, s)).collect();
        if own.iter().all(|v| *v == 0) {
            return Formula::TRUE;
        }
        let items = vec![(group, Table::Site(own.into()))];
        let measure = self.problem.measure(Measure::Sum { items, hosts: None });
        Formula::AtMostZero(Combination::of(measure))
    }

    /// 1 for every pair of sites at which the condition is broken, or not known to hold.
    fn violations(
        &self,
        condition: &PairCondition<'_>,
        a: &str,
        b: &str,
        scope: &Scope,
        same_replica: bool,
    ) -> Refused<PairTable> {
        let sites = self.problem.sites.len();
        let used = &self.used_sites;
        let mut values = vec![0_i128; sites * sites];
        let mut inner = scope.clone();
        inner.same_replica = same_replica;
        let placed = |service: &str, site: usize| Bound::Placed {
            service: Some(service.to_owned()),
            site: SiteId(u32::try_from(site).unwrap_or(u32::MAX)),
            offering: None,
        };
        let (first, second) = (condition.first.0, &condition.second.0);
        let kinds_from = self.kinds(first, &condition.body, &inner, |site| placed(a, site))?;
        let kinds_to = self.kinds(second, &condition.body, &inner, |site| placed(b, site))?;
        let mut known: Vec<Option<bool>> = vec![None; sites * sites];
        for from in (0..sites).filter(|s| used[*s]) {
            inner.variables.insert(first.to_owned(), placed(a, from));
            for to in (0..sites).filter(|s| used[*s] && (!same_replica || *s == from)) {
                let kinds = kinds_from[from] * sites + kinds_to[to];
                let broken = match known[kinds] {
                    Some(broken) => broken,
                    None => {
                        inner.variables.insert(second.clone(), placed(b, to));
                        let holds = self.world.truth(&condition.body, &inner)?;
                        *known[kinds].insert(holds != Some(condition.truth))
                    }
                };
                values[from * sites + to] = i128::from(broken);
            }
        }
        Ok(PairTable { sites, values: values.into() })
    }
}

impl Lowering<'_> {
    /// For each site a number that is the same for sites which a condition can't tell apart by one of
    /// its variables.
    fn kinds(
        &self,
        variable: &str,
        body: &Expression,
        scope: &Scope,
        placed: impl Fn(usize) -> Bound,
    ) -> Refused<Vec<usize>> {
        let sites = self.problem.sites.len();
        let views = Views::of(body, variable);
        if views.place {
            return Ok((0..sites).collect());
        }
        let mut first: BTreeMap<String, usize> = BTreeMap::new();
        let mut kinds = Vec::with_capacity(sites);
        let mut inner = scope.clone();
        for site in 0..sites {
            inner.variables.insert(variable.to_owned(), placed(site));
            let mut profile = String::new();
            for view in &views.asked {
                let value = self.world.evaluate(view, &inner)?;
                profile = format!("{profile}\u{1f}{value:?}");
            }
            kinds.push(*first.entry(profile).or_insert(site));
        }
        Ok(kinds)
    }
}

/// The service in a latency from the variable to a service, or from a service to the variable.
fn latency_to_service(side: &Expression, outer: &str) -> Option<Expression> {
    let Node::Latency(a, b) = &side.node else {
        return side.children().into_iter().find_map(|c| latency_to_service(c, outer));
    };
    let is_outer = |e: &Expression| matches!(&e.node, Node::Variable(name) if name == outer);
    let is_service = |e: &Expression| matches!(e.gives, Type::Text | Type::Service);
    match (&**a, &**b) {
        (a, b) if is_outer(a) && is_service(b) => Some(b.clone()),
        (a, b) if is_service(a) && is_outer(b) => Some(a.clone()),
        _ => None,
    }
}

/// The same expression with the service of its latency replaced by a variable.
fn replace_service(e: &Expression, name: &str) -> Expression {
    let variable = |of: &Expression| Expression {
        node: Node::Variable(name.to_owned()),
        gives: Type::Replica,
        range: of.range,
    };
    let again = |of: &Expression| Box::new(replace_service(of, name));
    let node = match &e.node {
        Node::Latency(a, b) if b.gives != Type::Replica => {
            Node::Latency(a.clone(), Box::new(variable(b)))
        }
        Node::Latency(a, b) if a.gives != Type::Replica => {
            Node::Latency(Box::new(variable(a)), b.clone())
        }
        Node::Scaled(a, factor) => Node::Scaled(again(a), *factor),
        Node::Arithmetic(operator, a, b) => Node::Arithmetic(*operator, again(a), again(b)),
        other => other.clone(),
    };
    Expression { node, gives: e.gives, range: e.range }
}
