//! The type check: from a syntax tree to a typed expression, every mistake at its column.

use std::collections::BTreeSet;

mod lists;
mod numbers;
mod places;

use cel::common::ast::{Expr, IdedExpr, LiteralValue, operators};
use coc_model::decimal::Decimal;
use coc_model::mistake::{Mistake, closest};

use crate::expression::{Aggregate, Comparison, Element, Expression, Level, Node, Operator, Type};
use crate::number::{Fraction, Number, PERIOD_FUNCTIONS, UNIT_FUNCTIONS, Unit};
use crate::syntax::Parsed;

/// The names an expression may use.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// The services of the application.
    pub services: BTreeSet<String>,
}

/// Checks an expression and gives it types.
///
/// # Errors
/// Every mistake, at its column.
pub fn check(parsed: &Parsed, names: &Names) -> Result<Expression, Vec<Mistake>> {
    let scope = Vec::new();
    let mut checker = Checker { parsed, names, scope, subject: None, mistakes: Vec::new() };
    match checker.expression(&parsed.tree) {
        Some(expression) if checker.mistakes.is_empty() => Ok(expression),
        _ => Err(checker.mistakes),
    }
}

/// The variable that a query is about.
pub const SUBJECT: &str = "it";

/// Checks a query over offers: the properties of a host are called by their bare names
/// (`vcpu >= 8 && area == "EU"`), the offer itself `it` (`inside(it, "EU")`, `it["gpu.memory"]`).
///
/// # Errors
/// Every mistake, at its column.
pub fn check_query(parsed: &Parsed) -> Result<Expression, Vec<Mistake>> {
    let names = Names::default();
    let scope = vec![(SUBJECT.to_owned(), Type::Host)];
    let subject = Some(SUBJECT);
    let mut checker = Checker { parsed, names: &names, scope, subject, mistakes: Vec::new() };
    match checker.expression(&parsed.tree) {
        Some(query) if query.gives == Type::Bool && checker.mistakes.is_empty() => Ok(query),
        Some(query) if checker.mistakes.is_empty() => {
            let says = format!("a query is true or false, not {}", query.gives.words());
            Err(vec![parsed.mistake(&parsed.tree, says)])
        }
        _ => Err(checker.mistakes),
    }
}

/// The functions that are called by name, for hints.
const FUNCTIONS: [&str; 26] = [
    "replicas",
    "on",
    "inside",
    "certified",
    "known",
    "latency",
    "spend",
    "excess",
    "abs",
    "size",
    "sum",
    "count",
    "min",
    "max",
    "average",
    "distinct",
    "skew",
    "all",
    "exists",
    "exists_one",
    "filter",
    "hourly",
    "monthly",
    "yearly",
    "startsWith",
    "contains",
];

struct Checker<'a> {
    parsed: &'a Parsed,
    names: &'a Names,
    scope: Vec<(String, Type)>,
    /// The variable whose properties can be called by their bare names.
    subject: Option<&'static str>,
    mistakes: Vec<Mistake>,
}

/// `None` after a mistake that is already logged.
type Checked = Option<Expression>;

impl Checker<'_> {
    fn wrong(&mut self, node: &IdedExpr, says: impl Into<String>) -> Checked {
        self.mistakes.push(self.parsed.mistake(node, says));
        None
    }

    fn wrong_hint(&mut self, node: &IdedExpr, says: String, hint: Option<String>) -> Checked {
        let mut mistake = self.parsed.mistake(node, says);
        mistake.hint = hint;
        self.mistakes.push(mistake);
        None
    }

    fn made(&self, of: &IdedExpr, node: Node, gives: Type) -> Checked {
        Some(Expression { node, gives, range: self.parsed.range(of) })
    }

    fn expression(&mut self, node: &IdedExpr) -> Checked {
        match &node.expr {
            Expr::Literal(literal) => self.literal(node, literal),
            Expr::Ident(name) => self.name(node, name),
            Expr::List(list) => self.list(node, &list.elements),
            Expr::Select(select) if !select.test => {
                self.property(node, &select.operand, &select.field)
            }
            Expr::Call(call) => match &call.target {
                Some(target) => self.method(node, target, &call.func_name, &call.args),
                None => self.call(node, &call.func_name, &call.args),
            },
            _ => self.wrong(node, "maps, structs and optional values have no use in goals"),
        }
    }

    fn literal(&mut self, node: &IdedExpr, literal: &LiteralValue) -> Checked {
        let number = |value| Some(Number { value, unit: Unit::One });
        let value = match literal {
            LiteralValue::Boolean(b) => return self.made(node, Node::Bool(*b.inner()), Type::Bool),
            LiteralValue::String(s) => {
                return self.made(node, Node::Text(s.inner().to_owned()), Type::Text);
            }
            LiteralValue::Int(i) => number(i128::from(*i.inner()).into()),
            LiteralValue::UInt(u) => number(i128::from(*u.inner()).into()),
            LiteralValue::Double(d) => Decimal::from_shortest(*d.inner())
                .ok()
                .map(|decimal| Number::decimal(decimal, Unit::One)),
            _ => None,
        };
        match value {
            Some(n) => self.made(node, Node::Number(n), Type::Number(n.unit)),
            None => self.wrong(node, "this constant has no use in goals"),
        }
    }

    fn name(&mut self, node: &IdedExpr, name: &str) -> Checked {
        if let Some((_, gives)) = self.scope.iter().rev().find(|(n, _)| n == name) {
            let gives = *gives;
            return self.made(node, Node::Variable(name.to_owned()), gives);
        }
        if let Some(subject) = self.subject {
            return self.bare_property(node, subject, name);
        }
        let all = |element| (Node::All(element), Type::List(element));
        let (made, gives) = match name {
            "services" => all(Element::Service),
            "hosts" => all(Element::Host),
            "links" => all(Element::Link),
            "cost" => (Node::Cost, Type::Number(Unit::MoneyPerMonth)),
            "carbon" => return self.carbon(node),
            "placed" => (Node::Placed, Type::Number(Unit::One)),
            "moved" => (Node::Moved, Type::Number(Unit::One)),
            "moveCost" => (Node::MoveCost, Type::Number(Unit::Money)),
            _ => match Level::ALL.iter().find(|l| l.0 == name) {
                Some(&(_, level)) => (Node::Places(level), Type::List(Element::Text)),
                None => return self.unknown_name(node, name),
            },
        };
        self.made(node, made, gives)
    }

    fn unknown_name(&mut self, node: &IdedExpr, name: &str) -> Checked {
        let scope: Vec<String> = self.scope.iter().map(|(n, _)| n.clone()).collect();
        let known = ["services", "hosts", "links", "cost", "carbon", "placed", "moved", "moveCost"];
        let known = known.into_iter().chain(Level::ALL.iter().map(|l| l.0));
        let hint = if self.names.services.contains(name) {
            Some(format!("a service is named in quotes: \"{name}\""))
        } else {
            did_you_mean(name, known.chain(scope.iter().map(String::as_str)))
        };
        self.wrong_hint(node, format!("nothing is called \"{name}\""), hint)
    }

    fn call(&mut self, node: &IdedExpr, name: &str, args: &[IdedExpr]) -> Checked {
        match name {
            operators::LOGICAL_NOT => self.not(node, &args[0]),
            operators::LOGICAL_AND => self.logic(node, args, Node::And),
            operators::LOGICAL_OR => self.logic(node, args, Node::Or),
            operators::CONDITIONAL => self.conditional(node, args),
            operators::INDEX => self.attribute(node, args),
            operators::IN => self.membership(node, args),
            operators::NEGATE => self.negated(node, &args[0]),
            "replicas" => self.replicas(node, args),
            "inside" => self.inside(node, args),
            "certified" => self.certified(node, args),
            "latency" => self.latency(node, args),
            "known" => self.known(node, args),
            "spend" => self.spend(node, args),
            "on" => self.on(node, args),
            "excess" => self.excess(node, args),
            "abs" => self.absolute(node, args),
            "count" | "size" if args.len() == 1 => self.counted(node, &args[0]),
            operators::MODULO => {
                let says = "remainders have no use in goals: numbers of a plan are exact fractions";
                self.wrong(node, says)
            }
            _ => {
                if let Some(comparison) = comparison(name) {
                    return self.compare(node, comparison, args);
                }
                if let Some(operator) = operator(name) {
                    return self.arithmetic(node, operator, args);
                }
                if let Some(aggregate) = aggregate(name) {
                    return self.aggregated(node, name, aggregate, args);
                }
                if let Some(&(_, unit, n, d)) = UNIT_FUNCTIONS.iter().find(|f| f.0 == name) {
                    let factor = Number { value: Fraction::new(n, d), unit };
                    return self.scaled(node, name, args, factor);
                }
                if let Some(&(_, unit)) = PERIOD_FUNCTIONS.iter().find(|f| f.0 == name) {
                    return self.per(node, name, args, unit);
                }
                let units = UNIT_FUNCTIONS.iter().map(|f| f.0);
                let hint = did_you_mean(name, FUNCTIONS.into_iter().chain(units));
                self.wrong_hint(node, format!("no function is called \"{name}\""), hint)
            }
        }
    }

    fn boolean(&mut self, node: &IdedExpr) -> Option<Box<Expression>> {
        let typed = self.expression(node)?;
        if typed.gives == Type::Bool {
            return Some(Box::new(typed));
        }
        self.wrong(node, format!("true or false is due here, not {}", typed.gives.words()));
        None
    }

    fn not(&mut self, node: &IdedExpr, of: &IdedExpr) -> Checked {
        let of = self.boolean(of)?;
        self.made(node, Node::Not(of), Type::Bool)
    }

    fn logic(
        &mut self,
        node: &IdedExpr,
        args: &[IdedExpr],
        make: fn(Box<Expression>, Box<Expression>) -> Node,
    ) -> Checked {
        let (a, b) = (self.boolean(&args[0]), self.boolean(&args[1]));
        self.made(node, make(a?, b?), Type::Bool)
    }

    fn conditional(&mut self, node: &IdedExpr, args: &[IdedExpr]) -> Checked {
        let condition = self.boolean(&args[0]);
        let (a, b) = (self.expression(&args[1]), self.expression(&args[2]));
        let (condition, a, b) = (condition?, a?, b?);
        let gives = match (a.gives, b.gives) {
            (Type::Number(x), Type::Number(y)) => x.with(y).map(Type::Number),
            (x, y) => (x == y).then_some(x),
        };
        let Some(gives) = gives else {
            let says =
                format!("the two outcomes differ: {} and {}", a.gives.words(), b.gives.words());
            return self.wrong(node, says);
        };
        self.made(node, Node::Conditional(condition, Box::new(a), Box::new(b)), gives)
    }
}

fn did_you_mean<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    closest(wrong, known).map(|name| format!("did you mean \"{name}\"?"))
}

fn comparable(a: Type, b: Type) -> bool {
    match (a, b) {
        (Type::Number(x), Type::Number(y)) => x.with(y).is_some(),
        (Type::Open, Type::Number(Unit::One) | Type::Text | Type::Bool | Type::Open)
        | (Type::Number(Unit::One) | Type::Text | Type::Bool, Type::Open) => true,
        (Type::List(_), _) | (_, Type::List(_)) => false,
        (x, y) => x == y,
    }
}

fn unit_hint(a: Type, b: Type) -> Option<String> {
    match (a, b) {
        (Type::Number(Unit::One), Type::Number(unit))
        | (Type::Number(unit), Type::Number(Unit::One)) => {
            let function = match unit {
                Unit::Money | Unit::MoneyPerHour | Unit::MoneyPerMonth | Unit::MoneyPerYear => {
                    "usd(5)"
                }
                Unit::Time => "ms(20)",
                Unit::Bytes => "GiB(4)",
                Unit::Traffic => "gbPerMonth(100)",
                Unit::Carbon => "kg(20)",
                Unit::One => return None,
            };
            Some(format!("give the number its unit: {function}"))
        }
        (Type::Number(a), Type::Number(b)) if a.hours().is_some() && b.hours().is_some() => {
            let says = "hourly(…), monthly(…) and yearly(…) turn money for one time into money for another";
            Some(says.to_owned())
        }
        _ => None,
    }
}

fn comparison(name: &str) -> Option<Comparison> {
    Some(match name {
        operators::EQUALS => Comparison::Equal,
        operators::NOT_EQUALS => Comparison::NotEqual,
        operators::LESS => Comparison::Less,
        operators::LESS_EQUALS => Comparison::LessOrEqual,
        operators::GREATER => Comparison::Greater,
        operators::GREATER_EQUALS => Comparison::GreaterOrEqual,
        _ => return None,
    })
}

fn operator(name: &str) -> Option<Operator> {
    Some(match name {
        operators::ADD => Operator::Add,
        operators::SUBSTRACT => Operator::Subtract,
        operators::MULTIPLY => Operator::Multiply,
        operators::DIVIDE => Operator::Divide,
        _ => return None,
    })
}

fn aggregate(name: &str) -> Option<Aggregate> {
    Some(match name {
        "sum" => Aggregate::Sum,
        "count" => Aggregate::Count,
        "min" => Aggregate::Min,
        "max" => Aggregate::Max,
        "average" => Aggregate::Average,
        "distinct" => Aggregate::Distinct,
        "skew" => Aggregate::Skew,
        _ => return None,
    })
}

mod carbon;
mod certified;
#[cfg(test)]
mod tests;
