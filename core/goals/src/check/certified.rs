//! `certified(x, frameworks)`.

use cel::common::ast::IdedExpr;

use super::{Checked, Checker};
use crate::expression::{Expression, Located, Node, Type};

impl Checker<'_> {
    /// A replica or host, and the name of a framework or a list of names. Which names there are is
    /// known where the clouds are.
    pub(super) fn certified(&mut self, node: &IdedExpr, args: &[IdedExpr]) -> Checked {
        let [of, frameworks] = args else {
            let says = "\"certified\" takes a replica or host, and a framework: \
                        certified(r, \"iso27001\")";
            return self.wrong(node, says);
        };
        let (of_typed, frameworks_typed) = (self.expression(of), self.expression(frameworks));
        let (of_typed, frameworks_typed) = (of_typed?, frameworks_typed?);
        if !matches!(of_typed.gives, Type::Replica | Type::Host) {
            let says = format!("a replica or a host is due here, not {}", of_typed.gives.words());
            return self.wrong(of, says);
        }
        let located = |e: Expression| match e.node {
            Node::Text(text) => Some(Located { text, range: e.range }),
            _ => None,
        };
        let names = match frameworks_typed {
            Expression { node: Node::List(items), .. } => {
                items.into_iter().map(located).collect::<Option<Vec<_>>>()
            }
            single => located(single).map(|name| vec![name]),
        };
        match names {
            Some(names) => self.made(node, Node::Certified(Box::new(of_typed), names), Type::Bool),
            None => {
                self.wrong(frameworks, "the name of a framework is due here, or a list of names")
            }
        }
    }
}
