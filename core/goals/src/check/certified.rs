//! `certified(x, frameworks)`.

use cel::common::ast::IdedExpr;

use super::{Checked, Checker};
use crate::expression::{Node, Type};

impl Checker<'_> {
    /// A replica or host, and the name of a framework or a list of names. Which names there are is
    /// known where the clouds are.
    pub(super) fn certified(&mut self, node: &IdedExpr, args: &[IdedExpr]) -> Checked {
        let [of, frameworks] = args else {
            let says = "\"certified\" takes a replica or host, and a framework: \
                        certified(r, \"iso27001\")";
            return self.wrong(node, says);
        };
        let due = "the name of a framework is due here, or a list of names";
        let (of, names) = self.placed_and_names(of, frameworks, due)?;
        self.made(node, Node::Certified(of, names), Type::Bool)
    }
}
