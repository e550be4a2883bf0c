//! The concrete reading of goals: the plain CEL interpreter over a finished plan.

mod functions;
mod tree;

use std::sync::Arc;

use cel::common::ast::{Expr, IdedExpr, operators};
use cel::common::types::{CelBool, CelList, CelString};
use cel::common::value::Val;
use cel::{Context, Env, ExecutionError, Value};
use coc_model::estate::Site;
use coc_model::money::HOURS_PER_MONTH;
use num_rational::Ratio;

use crate::facts::{Facts, Thing, Which};
use crate::quantity::Quantity;
use functions::environment;
use tree::prepared;

/// The variable that holds the plan; no text can name it.
const PLAN: &str = "@plan";

/// What an expression gave.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    Truth(bool),
    Number(Ratio<i128>),
    /// It can't be told, and why.
    Unknown(String),
}

/// The interpreter over one plan.
pub(crate) struct Reader {
    env: Arc<Env>,
    facts: Arc<Facts>,
    totals: Totals,
}

/// What is known of a plan as a whole.
pub(crate) struct Totals {
    /// Dollars a month.
    pub(crate) cost: Ratio<i128>,
    /// Grams a month, where known.
    pub(crate) carbon: Option<Ratio<i128>>,
    /// Replicas that run.
    pub(crate) placed: i128,
}

impl Reader {
    pub(crate) fn new(facts: Arc<Facts>, totals: Totals) -> Self {
        Self { env: Arc::new(environment()), facts, totals }
    }

    /// Evaluates a text.
    pub(crate) fn read(&self, text: &str) -> Answer {
        match self.env.parser().parse(text) {
            Ok(tree) => self.evaluate(&prepared(tree)),
            Err(errors) => Answer::Unknown(errors.to_string()),
        }
    }

    /// How far a comparison of numbers that bounds one by the other is from holding.
    pub(crate) fn missed_by(&self, text: &str) -> Option<Ratio<i128>> {
        let tree = self.env.parser().parse(text).ok()?;
        let Expr::Call(call) = &tree.expr else { return None };
        let [left, right] = call.args.as_slice() else { return None };
        let number = |side: &IdedExpr| match self.evaluate(&prepared(side.clone())) {
            Answer::Number(number) => Some(number),
            _ => None,
        };
        match call.func_name.as_str() {
            operators::LESS | operators::LESS_EQUALS => Some(number(left)? - number(right)?),
            operators::GREATER | operators::GREATER_EQUALS => Some(number(right)? - number(left)?),
            _ => None,
        }
    }

    /// The left side of a comparison, for showing what it was judged by.
    pub(crate) fn left_side(&self, text: &str) -> Option<Ratio<i128>> {
        let tree = self.env.parser().parse(text).ok()?;
        let Expr::Call(call) = &tree.expr else { return None };
        let compares = [
            operators::EQUALS,
            operators::NOT_EQUALS,
            operators::LESS,
            operators::LESS_EQUALS,
            operators::GREATER,
            operators::GREATER_EQUALS,
        ];
        if !compares.contains(&call.func_name.as_str()) {
            return None;
        }
        match self.evaluate(&prepared(call.args.first()?.clone())) {
            Answer::Number(number) => Some(number),
            _ => None,
        }
    }

    fn evaluate(&self, tree: &IdedExpr) -> Answer {
        let mut context = Context::with_env(Arc::clone(&self.env));
        let facts = &self.facts;
        let list = |things: Vec<Which>| -> Box<dyn Val> {
            let things =
                things.into_iter().map(|w| -> Box<dyn Val> { Box::new(Thing::new(facts, w)) });
            Box::new(CelList::from(things.collect::<Vec<_>>()))
        };
        context.add_variable_as_val(PLAN, Box::new(Thing::new(facts, Which::Plan)));
        context.add_variable_as_val(
            "services",
            list((0..facts.services.len()).map(Which::Service).collect()),
        );
        context
            .add_variable_as_val("links", list((0..facts.links.len()).map(Which::Link).collect()));
        context
            .add_variable_as_val("hosts", list((0..facts.hosts.len()).map(Which::Host).collect()));
        for (name, level) in LEVELS {
            let names: Vec<Box<dyn Val>> = names(facts, level)
                .into_iter()
                .map(|name| -> Box<dyn Val> { Box::new(CelString::from(name)) })
                .collect();
            context.add_variable_as_val(name, Box::new(CelList::from(names)));
        }
        let number = |n: i128| Box::new(Quantity::integer(n));
        let cost = Quantity::paid(self.totals.cost, HOURS_PER_MONTH);
        context.add_variable_as_val("cost", Box::new(cost));
        if let Some(carbon) = self.totals.carbon {
            context.add_variable_as_val("carbon", Box::new(Quantity::plain(carbon)));
        }
        context.add_variable_as_val("moved", number(facts.moved()));
        if let Some(copied) = facts.copied {
            let dollars = Ratio::new(copied.nano(), 1_000_000_000);
            context.add_variable_as_val("moveCost", Box::new(Quantity::plain(dollars)));
        }
        context.add_variable_as_val("placed", number(self.totals.placed));
        match Value::resolve_val(tree, &context) {
            Ok(value) => {
                if let Some(truth) = value.downcast_ref::<CelBool>() {
                    Answer::Truth(*truth.inner())
                } else if let Some(quantity) = value.downcast_ref::<Quantity>() {
                    Answer::Number(quantity.value)
                } else {
                    Answer::Unknown("it is neither a truth nor a number".to_owned())
                }
            }
            Err(ExecutionError::NoSuchKey(key)) => Answer::Unknown(format!("{key} is not known")),
            Err(error) => Answer::Unknown(error.to_string()),
        }
    }
}

/// What of a site a list of places names.
type Named = fn(&Site) -> Option<&Arc<str>>;

/// The lists of names of places.
const LEVELS: [(&str, Named); 5] = [
    ("clouds", |site| Some(&site.cloud)),
    ("regions", |site| site.place.region.as_ref()),
    ("zones", |site| site.place.zone.as_ref()),
    ("countries", |site| site.place.country.as_ref()),
    ("areas", |site| site.place.area.as_ref()),
];

/// The names there are, each once, in order.
fn names(facts: &Facts, level: Named) -> Vec<String> {
    let mut names: Vec<String> =
        facts.estate.sites.iter().filter_map(level).map(ToString::to_string).collect();
    names.sort();
    names.dedup();
    names
}
