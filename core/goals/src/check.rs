//! The type check: from a syntax tree to a typed expression, every mistake at its column.

use std::collections::BTreeSet;

use cel::common::ast::{Expr, IdedExpr, LiteralValue, operators};
use coc_model::decimal::Decimal;
use coc_model::mistake::{Mistake, closest};

use crate::expression::{
    Aggregate, Comparison, Element, Expression, Located, Node, Operator, Property, Quantifier, Type,
};
use crate::number::{Number, PERIOD_FUNCTIONS, UNIT_FUNCTIONS, Unit, product_unit, quotient_unit};
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
const FUNCTIONS: [&str; 13] = [
    "replicas",
    "inside",
    "certified",
    "latency",
    "sum",
    "count",
    "min",
    "max",
    "distinct",
    "skew",
    "all",
    "exists",
    "monthly",
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
        match name {
            "services" => {
                self.made(node, Node::All(Element::Service), Type::List(Element::Service))
            }
            "hosts" => self.made(node, Node::All(Element::Host), Type::List(Element::Host)),
            "links" => self.made(node, Node::All(Element::Link), Type::List(Element::Link)),
            "cost" => self.made(node, Node::Cost, Type::Number(Unit::MoneyPerMonth)),
            "carbon" => self.carbon(node),
            "placed" => self.made(node, Node::Placed, Type::Number(Unit::One)),
            _ => {
                let known = ["services", "hosts", "links", "cost", "carbon", "placed"];
                let scope: Vec<String> = self.scope.iter().map(|(n, _)| n.clone()).collect();
                let hint = if self.names.services.contains(name) {
                    Some(format!("a service is named in quotes: \"{name}\""))
                } else {
                    did_you_mean(name, known.into_iter().chain(scope.iter().map(String::as_str)))
                };
                self.wrong_hint(node, format!("nothing is called \"{name}\""), hint)
            }
        }
    }

    fn bare_property(&mut self, node: &IdedExpr, subject: &str, name: &str) -> Checked {
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

    fn list(&mut self, node: &IdedExpr, elements: &[IdedExpr]) -> Checked {
        let typed: Vec<Checked> = elements.iter().map(|e| self.expression(e)).collect();
        let typed = typed.into_iter().collect::<Option<Vec<_>>>()?;
        let element = match typed.first().map(|e| e.gives) {
            None => return self.wrong(node, "an empty list has no use in goals"),
            Some(Type::Text) => Element::Text,
            Some(Type::Number(unit)) => Element::Number(unit),
            Some(Type::Service) => Element::Service,
            Some(Type::Replica) => Element::Replica,
            Some(other) => return self.wrong(node, format!("a list can't hold {}", other.words())),
        };
        for (item, source) in typed.iter().zip(elements) {
            if item.gives != element.of() {
                let says = format!(
                    "the list begins with {} and can't hold {} too",
                    element.of().words(),
                    item.gives.words()
                );
                self.wrong(source, says);
            }
        }
        self.made(node, Node::List(typed), Type::List(element))
    }

    fn property(&mut self, node: &IdedExpr, operand: &IdedExpr, name: &str) -> Checked {
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

    fn method(
        &mut self,
        node: &IdedExpr,
        target: &IdedExpr,
        name: &str,
        args: &[IdedExpr],
    ) -> Checked {
        let quantifier = match name {
            "all" => Quantifier::All,
            "exists" => Quantifier::Exists,
            "sum" | "count" | "min" | "max" | "distinct" | "skew" => {
                let hint = format!("{name}(list, variable, expression)");
                let says = format!("\"{name}\" is called with the list as its first argument");
                return self.wrong_hint(node, says, Some(hint));
            }
            _ => {
                let says = format!("nothing is called \"{name}\" on a list");
                return self.wrong_hint(node, says, did_you_mean(name, ["all", "exists"]));
            }
        };
        let [variable, body] = args else {
            let says = format!("\"{name}\" takes a variable and a condition: list.{name}(x, …)");
            return self.wrong(node, says);
        };
        let (list, variable, body) = self.bound(target, variable, Some(body))?;
        let body = body?;
        if !matches!(body.gives, Type::Bool) {
            let says =
                format!("the condition of \"{name}\" is {}, not true or false", body.gives.words());
            return self.wrong(&args[1], says);
        }
        let node_made = Node::Quantified(quantifier, Box::new(list), variable, Box::new(body));
        self.made(node, node_made, Type::Bool)
    }

    /// Checks a list, binds the variable to its elements and checks the body.
    fn bound(
        &mut self,
        list: &IdedExpr,
        variable: &IdedExpr,
        body: Option<&IdedExpr>,
    ) -> Option<(Expression, String, Checked)> {
        let typed = self.expression(list)?;
        let Type::List(element) = typed.gives else {
            self.wrong(list, format!("a list is due here, not {}", typed.gives.words()));
            return None;
        };
        let Expr::Ident(name) = &variable.expr else {
            self.wrong(variable, "a variable's name is due here");
            return None;
        };
        self.scope.push((name.clone(), element.of()));
        let body = body.and_then(|b| self.expression(b));
        self.scope.pop();
        Some((typed, name.clone(), body))
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
            "count" if args.len() == 1 => self.counted(node, &args[0]),
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
                    let factor = crate::number::Fraction::new(n, d);
                    return self.scaled(
                        node,
                        name,
                        args,
                        Unit::One,
                        Number { value: factor, unit },
                    );
                }
                if let Some(&(_, unit, hours)) = PERIOD_FUNCTIONS.iter().find(|f| f.0 == name) {
                    let factor = Number { value: hours.into(), unit };
                    return self.scaled(node, name, args, Unit::MoneyPerHour, factor);
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

    fn attribute(&mut self, node: &IdedExpr, args: &[IdedExpr]) -> Checked {
        let of = self.expression(&args[0])?;
        let name = self.expression(&args[1])?;
        match (&of.gives, name.node) {
            (Type::Replica | Type::Host, Node::Text(name)) => {
                self.made(node, Node::Attribute(Box::new(of), name), Type::Open)
            }
            (Type::Replica | Type::Host, _) => {
                self.wrong(&args[1], "the name of an attribute is due here, in quotes")
            }
            (other, _) => {
                let says = format!("{} has no attributes", other.words());
                self.wrong(&args[0], says)
            }
        }
    }

    fn membership(&mut self, node: &IdedExpr, args: &[IdedExpr]) -> Checked {
        let (item, list) = (self.expression(&args[0]), self.expression(&args[1]));
        let (item, list) = (item?, list?);
        let fits = match list.gives {
            Type::List(element) => comparable(item.gives, element.of()),
            _ => false,
        };
        if !fits {
            let says = format!("{} can't be in {}", item.gives.words(), list.gives.words());
            return self.wrong(node, says);
        }
        self.made(node, Node::In(Box::new(item), Box::new(list)), Type::Bool)
    }

    fn negated(&mut self, node: &IdedExpr, of: &IdedExpr) -> Checked {
        let of = self.expression(of)?;
        let Type::Number(unit) = of.gives else {
            let says = format!("{} has no negative", of.gives.words());
            return self.wrong(node, says);
        };
        self.made(node, Node::Scaled(Box::new(of), Number::integer(-1)), Type::Number(unit))
    }

    fn compare(&mut self, node: &IdedExpr, comparison: Comparison, args: &[IdedExpr]) -> Checked {
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

    fn arithmetic(&mut self, node: &IdedExpr, operator: Operator, args: &[IdedExpr]) -> Checked {
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

    fn scaled(
        &mut self,
        node: &IdedExpr,
        name: &str,
        args: &[IdedExpr],
        takes: Unit,
        factor: Number,
    ) -> Checked {
        let [arg] = args else {
            return self.wrong(node, format!("\"{name}\" takes one number"));
        };
        let of = self.expression(arg)?;
        if of.gives != Type::Number(takes) {
            let says = format!("\"{name}\" takes {}, not {}", takes.words(), of.gives.words());
            return self.wrong(arg, says);
        }
        if let Node::Number(n) = of.node {
            let value = n.value * factor.value;
            let number = Number { value, unit: factor.unit };
            return self.made(node, Node::Number(number), Type::Number(number.unit));
        }
        self.made(node, Node::Scaled(Box::new(of), factor), Type::Number(factor.unit))
    }

    fn service_names(&mut self, node: &IdedExpr, typed: &Expression) {
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
        let _ = node;
    }

    fn replicas(&mut self, node: &IdedExpr, args: &[IdedExpr]) -> Checked {
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
                self.service_names(arg, &of);
                self.made(node, Node::Replicas(Some(Box::new(of))), gives)
            }
            _ => self.wrong(node, "\"replicas\" takes the name of a service or a list of names"),
        }
    }

    fn inside(&mut self, node: &IdedExpr, args: &[IdedExpr]) -> Checked {
        let [of, places] = args else {
            let says = "\"inside\" takes a replica or host, and a place: inside(r, \"EU\")";
            return self.wrong(node, says);
        };
        let (of_typed, places_typed) = (self.expression(of), self.expression(places));
        let (of_typed, places_typed) = (of_typed?, places_typed?);
        if !matches!(of_typed.gives, Type::Replica | Type::Host) {
            let says = format!("a replica or a host is due here, not {}", of_typed.gives.words());
            return self.wrong(of, says);
        }
        let located = |e: Expression| match e.node {
            Node::Text(text) => Some(Located { text, range: e.range }),
            _ => None,
        };
        let names = match places_typed {
            Expression { node: Node::List(items), .. } => {
                items.into_iter().map(located).collect::<Option<Vec<_>>>()
            }
            single => located(single).map(|l| vec![l]),
        };
        match names {
            Some(names) => self.made(node, Node::Inside(Box::new(of_typed), names), Type::Bool),
            None => self.wrong(places, "the name of a place is due here, or a list of names"),
        }
    }

    fn latency(&mut self, node: &IdedExpr, args: &[IdedExpr]) -> Checked {
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
                    self.service_names(arg, &typed);
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

    fn counted(&mut self, node: &IdedExpr, list: &IdedExpr) -> Checked {
        let typed = self.expression(list)?;
        if !matches!(typed.gives, Type::List(_)) {
            let says = format!("a list is due here, not {}", typed.gives.words());
            return self.wrong(list, says);
        }
        let made = Node::Aggregated(Aggregate::Count, Box::new(typed), String::new(), None);
        self.made(node, made, Type::Number(Unit::One))
    }

    fn aggregated(
        &mut self,
        node: &IdedExpr,
        name: &str,
        aggregate: Aggregate,
        args: &[IdedExpr],
    ) -> Checked {
        let [list, variable, body] = args else {
            let says = format!(
                "\"{name}\" takes a list, a variable and an expression: {name}(hosts, h, …)"
            );
            return self.wrong(node, says);
        };
        let (list, variable, typed) = self.bound(list, variable, Some(body))?;
        let typed = typed?;
        let gives = match (aggregate, typed.gives) {
            (Aggregate::Sum | Aggregate::Min | Aggregate::Max, Type::Number(unit)) => Some(unit),
            (Aggregate::Sum | Aggregate::Min | Aggregate::Max, Type::Open)
            | (Aggregate::Count, Type::Bool)
            | (
                Aggregate::Distinct | Aggregate::Skew,
                Type::Text | Type::Number(_) | Type::Open | Type::Host,
            ) => Some(Unit::One),
            _ => None,
        };
        let Some(unit) = gives else {
            let due = match aggregate {
                Aggregate::Count => "true or false",
                Aggregate::Sum | Aggregate::Min | Aggregate::Max => "a number",
                Aggregate::Distinct | Aggregate::Skew => "a property, like r.cloud,",
            };
            let says = format!("\"{name}\" takes {due} of each, not {}", typed.gives.words());
            return self.wrong(body, says);
        };
        let made = Node::Aggregated(aggregate, Box::new(list), variable, Some(Box::new(typed)));
        self.made(node, made, Type::Number(unit))
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
                Unit::Money | Unit::MoneyPerHour | Unit::MoneyPerMonth => "usd(5)",
                Unit::Time => "ms(20)",
                Unit::Bytes => "GiB(4)",
                Unit::Traffic => "gbPerMonth(100)",
                Unit::Carbon => "kg(20)",
                Unit::One => return None,
            };
            Some(format!("give the number its unit: {function}"))
        }
        (Type::Number(Unit::MoneyPerHour), Type::Number(Unit::MoneyPerMonth))
        | (Type::Number(Unit::MoneyPerMonth), Type::Number(Unit::MoneyPerHour)) => {
            Some("monthly(…) turns a price per hour into one per month".to_owned())
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
        "distinct" => Aggregate::Distinct,
        "skew" => Aggregate::Skew,
        _ => return None,
    })
}

mod carbon;
mod certified;
#[cfg(test)]
mod tests;
