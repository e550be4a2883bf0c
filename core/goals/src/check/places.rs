//! Replicas, places, and what is asked of them.

use cel::common::ast::IdedExpr;

use super::{Checked, Checker, did_you_mean};
use crate::expression::{Element, Expression, Located, Node, Property, Type};
use crate::number::Unit;

impl Checker<'_> {
    pub(super) fn service_names(&mut self, typed: &Expression) {
        let texts: Vec<(&Expression, Option<&str>)> = match &typed.node {
            Node::Text(text) => vec![(typed, Some(text))],
            Node::List(items) => items
                .iter()
                .map(|i| (i, if let Node::Text(t) = &i.node { Some(t.as_str()) } else { None }))
                .collect(),
            _ => Vec::new(),
        };
        for (item, text) in texts {
            let Some(text) = text.filter(|t| !self.names.services.contains(*t)) else { continue };
            let mut mistake = self.parsed.source().mistake(
                item.range.0,
                item.range.1,
                format!("no service is called \"{text}\""),
            );
            let known = self.names.services.iter().map(String::as_str);
            mistake.hint = did_you_mean(text, known);
            self.mistakes.push(mistake);
        }
    }

    pub(super) fn replicas(&mut self, node: &IdedExpr, args: &[IdedExpr]) -> Checked {
        let gives = Type::List(Element::Replica);
        match args {
            [] => self.made(node, Node::Replicas(None), gives),
            [arg] => {
                let of = self.expression(arg)?;
                let fits = matches!(
                    of.gives,
                    Type::Text | Type::Service | Type::List(Element::Text | Element::Service)
                );
                if !fits {
                    let says = format!(
                        "\"replicas\" takes the name of a service or a list of names, not {}",
                        of.gives.words()
                    );
                    return self.wrong(arg, says);
                }
                self.service_names(&of);
                self.made(node, Node::Replicas(Some(Box::new(of))), gives)
            }
            _ => self.wrong(node, "\"replicas\" takes the name of a service or a list of names"),
        }
    }

    pub(super) fn inside(&mut self, node: &IdedExpr, args: &[IdedExpr]) -> Checked {
        let [of, places] = args else {
            let says = "\"inside\" takes a replica or host, and a place: inside(r, \"EU\")";
            return self.wrong(node, says);
        };
        let due = "the name of a place is due here, or a list of names";
        let (of, names) = self.placed_and_names(of, places, due)?;
        self.made(node, Node::Inside(of, names), Type::Bool)
    }

    /// A replica or host, and a text or a list of texts written out.
    pub(super) fn placed_and_names(
        &mut self,
        of: &IdedExpr,
        names: &IdedExpr,
        due: &str,
    ) -> Option<(Box<Expression>, Vec<Located>)> {
        let (typed, list) = (self.expression(of), self.expression(names));
        let (typed, list) = (typed?, list?);
        if !matches!(typed.gives, Type::Replica | Type::Host) {
            let says = format!("a replica or a host is due here, not {}", typed.gives.words());
            self.wrong(of, says);
            return None;
        }
        let items = match list {
            Expression { node: Node::List(items), .. } => items,
            single => vec![single],
        };
        let located = |e: Expression| match e.node {
            Node::Text(text) => Some(Located { text, range: e.range }),
            _ => None,
        };
        match items.into_iter().map(located).collect::<Option<Vec<_>>>() {
            Some(found) => Some((Box::new(typed), found)),
            None => {
                self.wrong(names, due);
                None
            }
        }
    }

    pub(super) fn latency(&mut self, node: &IdedExpr, args: &[IdedExpr]) -> Checked {
        let [a, b] = args else {
            let says =
                "\"latency\" takes two of replicas and names of services: latency(r, \"web\")";
            return self.wrong(node, says);
        };
        let mut sides = Vec::new();
        for arg in [a, b] {
            let typed = self.expression(arg);
            if let Some(typed) = typed {
                if matches!(typed.gives, Type::Replica | Type::Text | Type::Service) {
                    self.service_names(&typed);
                    sides.push(Box::new(typed));
                } else {
                    let says = format!(
                        "a replica or the name of a service is due here, not {}",
                        typed.gives.words()
                    );
                    self.wrong(arg, says);
                }
            }
        }
        let (b, a) = (sides.pop()?, sides.pop()?);
        self.made(node, Node::Latency(a, b), Type::Number(Unit::Time))
    }

    pub(super) fn attribute(&mut self, node: &IdedExpr, args: &[IdedExpr]) -> Checked {
        let of = self.expression(&args[0])?;
        let name = self.expression(&args[1])?;
        match (&of.gives, name.node) {
            (Type::Replica | Type::Host | Type::Service, Node::Text(name)) => {
                self.made(node, Node::Attribute(Box::new(of), name), Type::Open)
            }
            (Type::Replica | Type::Host | Type::Service, _) => {
                self.wrong(&args[1], "the name of an attribute is due here, in quotes")
            }
            (other, _) => {
                let says = format!("{} has no attributes", other.words());
                self.wrong(&args[0], says)
            }
        }
    }

    pub(super) fn property(&mut self, node: &IdedExpr, operand: &IdedExpr, name: &str) -> Checked {
        let of = self.expression(operand)?;
        let found = Property::ALL.iter().find(|(n, asked, _, _)| *n == name && *asked == of.gives);
        if let Some(&(_, _, property, gives)) = found {
            return self.made(node, Node::Property(Box::new(of), property), gives);
        }
        let known: Vec<&str> =
            Property::ALL.iter().filter(|p| p.1 == of.gives).map(|p| p.0).collect();
        let says = format!("{} has no \"{name}\"", of.gives.words());
        let hint = did_you_mean(name, known.iter().copied()).or_else(|| {
            (!known.is_empty()).then(|| {
                format!("it has {}; open attributes are asked for as x[\"name\"]", known.join(", "))
            })
        });
        self.wrong_hint(node, says, hint)
    }

    pub(super) fn bare_property(&mut self, node: &IdedExpr, subject: &str, name: &str) -> Checked {
        let of_host = || Property::ALL.iter().filter(|p| p.1 == Type::Host);
        if let Some(&(_, _, property, gives)) = of_host().find(|p| p.0 == name) {
            let range = self.parsed.range(node);
            let node_of = Node::Variable(subject.to_owned());
            let of = Expression { node: node_of, gives: Type::Host, range };
            return self.made(node, Node::Property(Box::new(of), property), gives);
        }
        let known: Vec<&str> = of_host().map(|p| p.0).collect();
        let hint = did_you_mean(name, known.iter().copied()).unwrap_or_else(|| {
            format!("known are {}; other attributes are it[\"name\"]", known.join(", "))
        });
        self.wrong_hint(node, format!("offers have no \"{name}\""), Some(hint))
    }

    /// `spend(cloud)`.
    pub(super) fn spend(&mut self, node: &IdedExpr, args: &[IdedExpr]) -> Checked {
        let [arg] = args else {
            return self.wrong(node, "\"spend\" takes the name of a cloud: spend(\"red\")");
        };
        let cloud = self.expression(arg)?;
        if cloud.gives != Type::Text {
            let says = format!("the name of a cloud is due here, not {}", cloud.gives.words());
            return self.wrong(arg, says);
        }
        self.made(node, Node::Spend(Box::new(cloud)), Type::Number(Unit::MoneyPerMonth))
    }

    /// `on(h)`.
    pub(super) fn on(&mut self, node: &IdedExpr, args: &[IdedExpr]) -> Checked {
        let [arg] = args else {
            return self.wrong(node, "\"on\" takes a host: hosts.all(h, count(on(h)) <= 3)");
        };
        let host = self.expression(arg)?;
        if host.gives != Type::Host {
            return self.wrong(arg, format!("a host is due here, not {}", host.gives.words()));
        }
        self.made(node, Node::On(Box::new(host)), Type::List(Element::Replica))
    }

    /// `known(x)`.
    pub(super) fn known(&mut self, node: &IdedExpr, args: &[IdedExpr]) -> Checked {
        let [arg] = args else {
            return self.wrong(node, "\"known\" takes a property or attribute: known(h[\"pool\"])");
        };
        let of = self.expression(arg)?;
        if !matches!(of.node, Node::Property(..) | Node::Attribute(..)) {
            return self.wrong(arg, "a property or attribute of a replica or host is due here");
        }
        self.made(node, Node::Known(Box::new(of)), Type::Bool)
    }
}
