//! Numbers: comparisons, arithmetic, units.

use cel::common::ast::IdedExpr;
use num_traits::CheckedMul;

use super::{Checked, Checker, comparable, unit_hint};
use crate::expression::{Comparison, Expression, Node, Operator, Type};
use crate::number::{Fraction, Number, Unit, product_unit, quotient_unit};

impl Checker<'_> {
    pub(super) fn negated(&mut self, node: &IdedExpr, of: &IdedExpr) -> Checked {
        let of = self.expression(of)?;
        let Type::Number(unit) = of.gives else {
            let says = format!("{} has no negative", of.gives.words());
            return self.wrong(node, says);
        };
        self.made(node, Node::Scaled(Box::new(of), Number::integer(-1)), Type::Number(unit))
    }

    pub(super) fn compare(
        &mut self,
        node: &IdedExpr,
        comparison: Comparison,
        args: &[IdedExpr],
    ) -> Checked {
        let (a, b) = (self.expression(&args[0]), self.expression(&args[1]));
        let (a, b) = (a?, b?);
        let ordered = !matches!(comparison, Comparison::Equal | Comparison::NotEqual);
        let fits = if ordered {
            comparable(a.gives, b.gives)
                && [a.gives, b.gives].iter().all(|t| matches!(t, Type::Number(_) | Type::Open))
        } else {
            comparable(a.gives, b.gives)
        };
        if !fits {
            let says = format!("{} and {} can't be compared", a.gives.words(), b.gives.words());
            let hint = unit_hint(a.gives, b.gives);
            return self.wrong_hint(node, says, hint);
        }
        self.made(node, Node::Compare(comparison, Box::new(a), Box::new(b)), Type::Bool)
    }

    pub(super) fn arithmetic(
        &mut self,
        node: &IdedExpr,
        operator: Operator,
        args: &[IdedExpr],
    ) -> Checked {
        let (a, b) = (self.expression(&args[0]), self.expression(&args[1]));
        let (a, b) = (a?, b?);
        let unit = match (a.gives, b.gives) {
            (Type::Number(x), Type::Number(y)) => match operator {
                Operator::Add | Operator::Subtract => x.with(y),
                Operator::Multiply => product_unit(x, y),
                Operator::Divide => quotient_unit(x, y),
            },
            _ => None,
        };
        let Some(unit) = unit else {
            let verb = match operator {
                Operator::Add => "added",
                Operator::Subtract => "subtracted",
                Operator::Multiply => "multiplied",
                Operator::Divide => "divided",
            };
            let says = format!("{} and {} can't be {verb}", a.gives.words(), b.gives.words());
            let hint = unit_hint(a.gives, b.gives);
            return self.wrong_hint(node, says, hint);
        };
        let folded = match (&a.node, &b.node, operator) {
            (Node::Number(x), Node::Number(y), Operator::Add) => x.plus(*y),
            (Node::Number(x), Node::Number(y), Operator::Subtract) => x.minus(*y),
            (Node::Number(x), Node::Number(y), Operator::Multiply) => x.times(*y),
            (Node::Number(x), Node::Number(y), Operator::Divide) => match x.over(*y) {
                Some(quotient) => Some(quotient),
                None => return self.wrong(node, "this divides by zero"),
            },
            _ => None,
        };
        match folded {
            Some(number) => self.made(node, Node::Number(number), Type::Number(number.unit)),
            None => {
                let made = Node::Arithmetic(operator, Box::new(a), Box::new(b));
                self.made(node, made, Type::Number(unit))
            }
        }
    }

    /// A plain number given a unit.
    pub(super) fn scaled(
        &mut self,
        node: &IdedExpr,
        name: &str,
        args: &[IdedExpr],
        factor: Number,
    ) -> Checked {
        let of = self.only_number(node, name, args)?;
        if of.gives != Type::Number(Unit::One) {
            let says = format!("\"{name}\" takes {}, not {}", Unit::One.words(), of.gives.words());
            return self.wrong(&args[0], says);
        }
        self.times(node, of, factor)
    }

    /// Money paid for one time as money paid for another.
    pub(super) fn per(
        &mut self,
        node: &IdedExpr,
        name: &str,
        args: &[IdedExpr],
        to: Unit,
    ) -> Checked {
        let of = self.only_number(node, name, args)?;
        let hours = |of: Type| if let Type::Number(unit) = of { unit.hours() } else { None };
        let (Some(from), Some(hours)) = (hours(of.gives), to.hours()) else {
            let says =
                format!("\"{name}\" takes money per hour, month or year, not {}", of.gives.words());
            return self.wrong(&args[0], says);
        };
        self.times(node, of, Number { value: Fraction::new(hours, from), unit: to })
    }

    fn only_number(&mut self, node: &IdedExpr, name: &str, args: &[IdedExpr]) -> Checked {
        match args {
            [arg] => self.expression(arg),
            _ => self.wrong(node, format!("\"{name}\" takes one number")),
        }
    }

    fn times(&mut self, node: &IdedExpr, of: Expression, factor: Number) -> Checked {
        if let Node::Number(n) = of.node {
            let Some(value) = n.value.checked_mul(&factor.value) else {
                return self.wrong(node, "this number leaves the range of exact arithmetic");
            };
            let number = Number { value, unit: factor.unit };
            return self.made(node, Node::Number(number), Type::Number(number.unit));
        }
        self.made(node, Node::Scaled(Box::new(of), factor), Type::Number(factor.unit))
    }

    /// `excess(x, y)`.
    pub(super) fn excess(&mut self, node: &IdedExpr, args: &[IdedExpr]) -> Checked {
        let [a, b] = args else {
            return self.wrong(node, "\"excess\" takes two numbers: excess(count(hosts), 3)");
        };
        let (a, b) = (self.expression(a), self.expression(b));
        let (a, b) = (a?, b?);
        let unit = match (a.gives, b.gives) {
            (Type::Number(x), Type::Number(y)) => x.with(y),
            _ => None,
        };
        let Some(unit) = unit else {
            let says = format!("{} and {} can't be compared", a.gives.words(), b.gives.words());
            let hint = unit_hint(a.gives, b.gives);
            return self.wrong_hint(node, says, hint);
        };
        self.made(node, Node::Excess(Box::new(a), Box::new(b)), Type::Number(unit))
    }

    /// `abs(x)`: the excess of x above zero and of zero above x.
    pub(super) fn absolute(&mut self, node: &IdedExpr, args: &[IdedExpr]) -> Checked {
        let of = self.only_number(node, "abs", args)?;
        let Type::Number(unit) = of.gives else {
            return self.wrong(node, format!("{} has no sign", of.gives.words()));
        };
        let gives = Type::Number(unit);
        let range = self.parsed.range(node);
        let zero = || {
            let number = Number { value: Fraction::from_integer(0), unit };
            Box::new(Expression { node: Node::Number(number), gives, range })
        };
        let side = |node| Box::new(Expression { node, gives, range });
        let above = side(Node::Excess(Box::new(of.clone()), zero()));
        let below = side(Node::Excess(zero(), Box::new(of)));
        self.made(node, Node::Arithmetic(Operator::Add, above, below), gives)
    }
}
