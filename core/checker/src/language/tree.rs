//! The tree that is evaluated: the person's, with our words put in.

use cel::common::ast::{
    CallExpr, ComprehensionExpr, Expr, IdedExpr, ListExpr, LiteralValue, operators,
};
use cel::common::types::CelString;

use super::PLAN;

fn call(name: &str, args: Vec<IdedExpr>) -> IdedExpr {
    let expr = Expr::Call(CallExpr { func_name: name.to_owned(), target: None, args });
    IdedExpr { id: 0, expr }
}

fn ident(name: &str) -> IdedExpr {
    IdedExpr { id: 0, expr: Expr::Ident(name.to_owned()) }
}

/// The tree with our words put in: numbers exact, functions given the plan, aggregates spelt out.
pub(super) fn prepared(tree: IdedExpr) -> IdedExpr {
    let id = tree.id;
    let boxed = |e: Box<IdedExpr>| Box::new(prepared(*e));
    let expr = match tree.expr {
        Expr::Literal(literal) => return number_literal(id, literal),
        Expr::Call(node) => {
            let target = node.target.map(boxed);
            let args: Vec<IdedExpr> = node.args.into_iter().map(prepared).collect();
            return renamed(id, &node.func_name, target, args);
        }
        Expr::List(list) => {
            Expr::List(ListExpr::new(list.elements.into_iter().map(prepared).collect()))
        }
        Expr::Select(mut select) => {
            select.operand = boxed(select.operand);
            Expr::Select(select)
        }
        Expr::Comprehension(c) => Expr::Comprehension(Box::new(ComprehensionExpr {
            iter_range: prepared(c.iter_range),
            iter_var: c.iter_var,
            iter_var2: c.iter_var2,
            accu_var: c.accu_var,
            accu_init: prepared(c.accu_init),
            loop_cond: prepared(c.loop_cond),
            loop_step: prepared(c.loop_step),
            result: prepared(c.result),
        })),
        other => other,
    };
    IdedExpr { id, expr }
}

fn number_literal(id: u64, literal: LiteralValue) -> IdedExpr {
    let text = match &literal {
        LiteralValue::Int(n) => n.inner().to_string(),
        LiteralValue::UInt(n) => n.inner().to_string(),
        LiteralValue::Double(n) => n.inner().to_string(),
        _ => return IdedExpr { id, expr: Expr::Literal(literal) },
    };
    let text = Expr::Literal(LiteralValue::String(CelString::from(text)));
    call("@number", vec![IdedExpr { id, expr: text }])
}

fn renamed(
    id: u64,
    name: &str,
    target: Option<Box<IdedExpr>>,
    mut args: Vec<IdedExpr>,
) -> IdedExpr {
    let with_plan = |name: &str, args: Vec<IdedExpr>| {
        call(name, std::iter::once(ident(PLAN)).chain(args).collect())
    };
    match (name, args.len()) {
        ("replicas", _) if target.is_none() => with_plan("@replicas", args),
        ("inside", 2) => with_plan("@inside", args),
        ("certified", 2) => call("@certified", args),
        ("latency", 2) => with_plan("@latency", args),
        ("spend", 1) => with_plan("@spend", args),
        (operators::INDEX, 2) => call("@attribute", args),
        ("known", 1) => known(args.remove(0)),
        ("count" | "size", 1) => call("@count", args),
        ("sum" | "min" | "max" | "average" | "distinct", 1) => call(&format!("@{name}"), args),
        ("sum" | "min" | "max" | "average" | "distinct" | "count", 3) => {
            let body = args.remove(2);
            let list = args.remove(0);
            call(&format!("@{name}"), vec![mapped(list, &args[0], body)])
        }
        ("skew", 3) => {
            let body = args.remove(2);
            let list = args.remove(0);
            let possible = with_plan("@possible", vec![list.clone()]);
            let seen = mapped(list, &args[0], body.clone());
            call("@skew", vec![seen, mapped(possible, &args[0], body)])
        }
        _ => {
            let expr = Expr::Call(CallExpr { func_name: name.to_owned(), target, args });
            IdedExpr { id, expr }
        }
    }
}

/// Whether a property or attribute is known, in place of its value.
fn known(of: IdedExpr) -> IdedExpr {
    let text = |name: &str| IdedExpr {
        id: 0,
        expr: Expr::Literal(LiteralValue::String(CelString::from(name.to_owned()))),
    };
    match of.expr {
        Expr::Select(select) => {
            let field = text(&select.field);
            call("@knows", vec![*select.operand, field])
        }
        Expr::Call(asked) if asked.func_name == "@attribute" => {
            call("@knows_attribute", asked.args)
        }
        other => IdedExpr { id: of.id, expr: other },
    }
}

/// `list.map(variable, body)`.
fn mapped(list: IdedExpr, variable: &IdedExpr, body: IdedExpr) -> IdedExpr {
    let variable =
        if let Expr::Ident(name) = &variable.expr { name.clone() } else { String::new() };
    let result = "@mapped".to_owned();
    let one = IdedExpr { id: 0, expr: Expr::List(ListExpr::new(vec![body])) };
    let expr = Expr::Comprehension(Box::new(ComprehensionExpr {
        iter_range: list,
        iter_var: variable,
        iter_var2: None,
        accu_var: result.clone(),
        accu_init: IdedExpr { id: 0, expr: Expr::List(ListExpr::new(Vec::new())) },
        loop_cond: IdedExpr { id: 0, expr: Expr::Literal(LiteralValue::Boolean(true.into())) },
        loop_step: call(operators::ADD, vec![ident(&result), one]),
        result: ident(&result),
    }));
    IdedExpr { id: 0, expr }
}
