//! Lists: quantifiers, aggregates, filters.
//!
//! A filter of what is decided is taken into what is asked of its elements: "all" asks only those
//! that pass, a sum counts the others as zero.

use cel::common::ast::{CallExpr, Expr, IdedExpr};

use super::{Checked, Checker, aggregate, comparable, did_you_mean};
use crate::expression::{
    Aggregate, Comparison, Element, Expression, Node, Quantifier, TextTest, Type,
};
use crate::number::{Fraction, Number, Unit};

/// What is done with the elements of a list.
const METHODS: [&str; 7] =
    ["all", "exists", "exists_one", "filter", "startsWith", "endsWith", "contains"];

impl Checker<'_> {
    pub(super) fn list(&mut self, node: &IdedExpr, elements: &[IdedExpr]) -> Checked {
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

    pub(super) fn membership(&mut self, node: &IdedExpr, args: &[IdedExpr]) -> Checked {
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

    pub(super) fn method(
        &mut self,
        node: &IdedExpr,
        target: &IdedExpr,
        name: &str,
        args: &[IdedExpr],
    ) -> Checked {
        if let Some(&(_, test)) = TextTest::ALL.iter().find(|t| t.0 == name) {
            return self.text_test(node, target, test, args);
        }
        if aggregate(name).is_some() {
            let hint = format!("{name}(list, variable, expression)");
            let says = format!("\"{name}\" is called with the list as its first argument");
            return self.wrong_hint(node, says, Some(hint));
        }
        if !METHODS.contains(&name) {
            let says = format!("nothing is called \"{name}\" on a list");
            return self.wrong_hint(node, says, did_you_mean(name, METHODS));
        }
        let [variable, body] = args else {
            let says = format!("\"{name}\" takes a variable and a condition: list.{name}(x, …)");
            return self.wrong(node, says);
        };
        let (list, variable, condition) = self.bound(target, variable, Some(body))?;
        let condition = condition?;
        if condition.gives != Type::Bool {
            let says = format!(
                "the condition of \"{name}\" is {}, not true or false",
                condition.gives.words()
            );
            return self.wrong(body, says);
        }
        if name == "filter" {
            let gives = list.gives;
            let made = Node::Filtered(Box::new(list), variable, Box::new(condition));
            return self.made(node, made, gives);
        }
        if name == "exists_one" {
            return self.exactly_one(node, list, variable, condition);
        }
        let quantifier = if name == "all" { Quantifier::All } else { Quantifier::Exists };
        let (list, kept) = self.unfiltered(list, &variable)?;
        let body = kept.into_iter().fold(condition, |body, kept| {
            let (gives, range) = (Type::Bool, body.range);
            let of = |node| Box::new(Expression { node, gives, range });
            let node = match quantifier {
                Quantifier::All => Node::Or(of(Node::Not(Box::new(kept))), Box::new(body)),
                Quantifier::Exists => Node::And(Box::new(kept), Box::new(body)),
            };
            *of(node)
        });
        let made = Node::Quantified(quantifier, Box::new(list), variable, Box::new(body));
        self.made(node, made, Type::Bool)
    }

    fn exactly_one(
        &mut self,
        node: &IdedExpr,
        list: Expression,
        variable: String,
        condition: Expression,
    ) -> Checked {
        let range = self.parsed.range(node);
        let gives = Type::Number(Unit::One);
        let (list, kept) = self.unfiltered(list, &variable)?;
        let body = Box::new(both(kept, condition));
        let count = Node::Aggregated(Aggregate::Count, Box::new(list), variable, Some(body));
        let count = Box::new(Expression { node: count, gives, range });
        let one = Box::new(Expression { node: Node::Number(Number::integer(1)), gives, range });
        self.made(node, Node::Compare(Comparison::Equal, count, one), Type::Bool)
    }

    fn text_test(
        &mut self,
        node: &IdedExpr,
        target: &IdedExpr,
        test: TextTest,
        args: &[IdedExpr],
    ) -> Checked {
        let [part] = args else {
            return self.wrong(node, "one text is due here: r.region.startsWith(\"eu-\")");
        };
        let (text, part_typed) = (self.expression(target), self.expression(part));
        let (text, part_typed) = (text?, part_typed?);
        for (typed, source) in [(&text, target), (&part_typed, part)] {
            if !matches!(typed.gives, Type::Text | Type::Open) {
                let says = format!("a text is due here, not {}", typed.gives.words());
                return self.wrong(source, says);
            }
        }
        self.made(node, Node::TextTest(test, Box::new(text), Box::new(part_typed)), Type::Bool)
    }

    /// The list below filters, and their conditions on the variable.
    fn unfiltered(
        &mut self,
        list: Expression,
        variable: &str,
    ) -> Option<(Expression, Vec<Expression>)> {
        let mut list = list;
        let mut kept = Vec::new();
        while let Node::Filtered(inner, name, condition) = list.node {
            if name != variable && binds(&condition, variable) {
                let says = format!("\"{variable}\" has two meanings here: give one another name");
                let (start, end) = condition.range;
                self.mistakes.push(self.parsed.source().mistake(start, end, says));
                return None;
            }
            kept.push(renamed(&condition, &name, variable));
            list = *inner;
        }
        kept.reverse();
        Some((list, kept))
    }

    /// Checks a list, binds the variable to its elements and checks the body.
    pub(super) fn bound(
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
        if self.scope.iter().any(|(known, _)| known == name) {
            self.wrong(variable, format!("\"{name}\" stands for something else here already"));
            return None;
        }
        self.scope.push((name.clone(), element.of()));
        let body = body.and_then(|b| self.expression(b));
        self.scope.pop();
        Some((typed, name.clone(), body))
    }

    pub(super) fn counted(&mut self, node: &IdedExpr, list: &IdedExpr) -> Checked {
        let typed = self.expression(list)?;
        if !matches!(typed.gives, Type::List(_)) {
            let says = format!("a list is due here, not {}", typed.gives.words());
            return self.wrong(list, says);
        }
        // "count" of a filtered list counts those that pass.
        let variable = match &typed.node {
            Node::Filtered(_, name, _) => name.clone(),
            _ => String::new(),
        };
        let (list, kept) = self.unfiltered(typed, &variable)?;
        let body = kept.into_iter().reduce(|a, b| both(vec![a], b)).map(Box::new);
        let made = Node::Aggregated(Aggregate::Count, Box::new(list), variable, body);
        self.made(node, made, Type::Number(Unit::One))
    }

    pub(super) fn aggregated(
        &mut self,
        node: &IdedExpr,
        name: &str,
        aggregate: Aggregate,
        args: &[IdedExpr],
    ) -> Checked {
        if let [IdedExpr { expr: Expr::Call(call), .. }] = args
            && let (Some(list), "map", [variable, body]) = mapped(call)
        {
            let args = [list.clone(), variable.clone(), body.clone()];
            return self.aggregated(node, name, aggregate, &args);
        }
        let [list, variable, body] = args else {
            let says = format!(
                "\"{name}\" takes a list, a variable and an expression: {name}(hosts, h, …)"
            );
            return self.wrong(node, says);
        };
        let (list_typed, variable, typed) = self.bound(list, variable, Some(body))?;
        let typed = typed?;
        let gives = match (aggregate, typed.gives) {
            (
                Aggregate::Sum | Aggregate::Min | Aggregate::Max | Aggregate::Average,
                Type::Number(unit),
            ) => Some(unit),
            (Aggregate::Sum | Aggregate::Min | Aggregate::Max | Aggregate::Average, Type::Open)
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
                Aggregate::Sum | Aggregate::Min | Aggregate::Max | Aggregate::Average => "a number",
                Aggregate::Distinct | Aggregate::Skew => "a property, like r.cloud,",
            };
            let says = format!("\"{name}\" takes {due} of each, not {}", typed.gives.words());
            return self.wrong(body, says);
        };
        let (list, typed) =
            self.aggregate_of_kept(list, (aggregate, name), list_typed, &variable, typed)?;
        let made = Node::Aggregated(aggregate, Box::new(list), variable, Some(Box::new(typed)));
        self.made(node, made, Type::Number(unit))
    }

    /// Takes the filters of a list into the body of an aggregate.
    fn aggregate_of_kept(
        &mut self,
        at: &IdedExpr,
        (aggregate, name): (Aggregate, &str),
        list: Expression,
        variable: &str,
        body: Expression,
    ) -> Option<(Expression, Expression)> {
        if !matches!(list.node, Node::Filtered(..)) {
            return Some((list, body));
        }
        let decided = matches!(list.gives, Type::List(Element::Replica | Element::Host));
        match aggregate {
            Aggregate::Count => {
                let (list, kept) = self.unfiltered(list, variable)?;
                Some((list, both(kept, body)))
            }
            Aggregate::Sum if decided => {
                let (list, kept) = self.unfiltered(list, variable)?;
                let (gives, range) = (body.gives, body.range);
                let unit = if let Type::Number(unit) = gives { unit } else { Unit::One };
                let zero = Number { value: Fraction::from_integer(0), unit };
                let zero = Box::new(Expression { node: Node::Number(zero), gives, range });
                let truth = |node| Expression { node, gives: Type::Bool, range };
                let passes = Box::new(both(kept, truth(Node::Bool(true))));
                let node = Node::Conditional(passes, Box::new(body), zero);
                Some((list, Expression { node, gives, range }))
            }
            _ if decided => {
                let says =
                    format!("\"{name}\" can't be taken of a filter of what the plan decides");
                let hint =
                    "name the services: replicas(\"web\"); or bound each element: list.all(x, …)";
                self.wrong_hint(at, says, Some(hint.to_owned()));
                None
            }
            _ => Some((list, body)),
        }
    }
}

/// The parts of `list.map(x, …)`.
fn mapped(call: &CallExpr) -> (Option<&IdedExpr>, &str, &[IdedExpr]) {
    (call.target.as_deref(), &call.func_name, &call.args)
}

/// All of some conditions.
fn both(conditions: Vec<Expression>, last: Expression) -> Expression {
    conditions.into_iter().rev().fold(last, |all, condition| {
        let range = all.range;
        let node = Node::And(Box::new(condition), Box::new(all));
        Expression { node, gives: Type::Bool, range }
    })
}

/// True if a variable of this name is bound inside.
fn binds(expression: &Expression, name: &str) -> bool {
    let own = match &expression.node {
        Node::Quantified(_, _, variable, _)
        | Node::Aggregated(_, _, variable, _)
        | Node::Filtered(_, variable, _) => variable == name,
        _ => false,
    };
    own || expression.children().into_iter().any(|child| binds(child, name))
}

/// The expression with a variable called by another name.
fn renamed(expression: &Expression, from: &str, to: &str) -> Expression {
    let mut made = expression.clone();
    made.visit_mut(&mut |e| {
        if let Node::Variable(name) = &mut e.node
            && name == from
        {
            to.clone_into(name);
        }
    });
    made
}
