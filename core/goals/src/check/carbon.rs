//! `carbon`: what the machines of the plan emit a month.

use cel::common::ast::IdedExpr;

use super::{Checked, Checker};
use crate::expression::{Aggregate, Element, Expression, Node, Property, Type};
use crate::number::Unit;

/// The variable of the sum; no text can name it.
const HOST: &str = "@host";

impl Checker<'_> {
    /// `carbon` is short for `sum(hosts, h, h.carbon)`.
    pub(super) fn carbon(&mut self, node: &IdedExpr) -> Checked {
        let range = self.parsed.range(node);
        let expression = |node, gives| Box::new(Expression { node, gives, range });
        let hosts = expression(Node::All(Element::Host), Type::List(Element::Host));
        let host = expression(Node::Variable(HOST.to_owned()), Type::Host);
        let gives = Type::Number(Unit::Carbon);
        let emits = expression(Node::Property(host, Property::Carbon), gives);
        let sum = Node::Aggregated(Aggregate::Sum, hosts, HOST.to_owned(), Some(emits));
        self.made(node, sum, gives)
    }
}
