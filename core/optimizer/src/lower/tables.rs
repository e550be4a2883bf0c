//! Tables: the values of an expression of one replica or host, by site or by option.

use std::sync::Arc;

use coc_goals::expression::{Expression, Node, Property, Type};
use coc_model::estate::SiteId;

use super::evaluate::{Bound, Scope, Value, any_node, looks_at_machine};
use super::{Lowering, Refused};
use crate::problem::Table;

/// The values of an expression by site or by option; `None` is not known.
#[derive(Clone, Debug)]
pub(super) enum Cells {
    Site(Arc<[Option<Value>]>),
    Option(Arc<[Option<Value>]>),
}

impl Cells {
    /// A table of numbers made of the cells.
    pub(super) fn table(&self, number: impl Fn(Option<&Value>) -> i128) -> Table {
        let convert = |cells: &[Option<Value>]| cells.iter().map(|c| number(c.as_ref())).collect();
        match self {
            Self::Site(cells) => Table::Site(convert(cells)),
            Self::Option(cells) => Table::Option(convert(cells)),
        }
    }

    /// The cells, for looking at all of them.
    pub(super) fn values(&self) -> &[Option<Value>] {
        match self {
            Self::Site(cells) | Self::Option(cells) => cells,
        }
    }
}

/// True for what differs between the services of replicas.
pub(super) fn looks_at_service(e: &Expression) -> bool {
    match &e.node {
        Node::Property(_, p) => {
            matches!(p, Property::Service | Property::NeedsCpu | Property::NeedsMemory)
        }
        // Perhaps a label of the service.
        Node::Attribute(of, _) => of.gives == Type::Replica,
        _ => false,
    }
}

impl Lowering<'_> {
    /// Evaluates an expression of one bound variable at every site, or for every option if it looks
    /// at the machine.
    pub(super) fn cells(
        &self,
        expression: &Expression,
        variable: &str,
        service: Option<&str>,
        scope: &Scope,
    ) -> Refused<Cells> {
        let mut inner = scope.clone();
        let mut evaluate = |site: usize, offering: Option<usize>| {
            let bound = Bound::Placed {
                service: service.map(ToOwned::to_owned),
                site: SiteId(u32::try_from(site).unwrap_or(u32::MAX)),
                offering,
            };
            inner.variables.insert(variable.to_owned(), bound);
            self.world.evaluate(expression, &inner)
        };
        if looks_at_machine(self.world, expression) {
            let options = &self.problem.options;
            let cells: Refused<Vec<_>> =
                options.iter().map(|o| evaluate(o.site, Some(o.offering))).collect();
            return Ok(Cells::Option(cells?.into()));
        }
        let cells: Refused<Vec<_>> =
            (0..self.problem.sites.len()).map(|site| evaluate(site, None)).collect();
        Ok(Cells::Site(cells?.into()))
    }

    /// The cells of an expression for each of some services: computed once where the service makes
    /// no difference.
    pub(super) fn cells_of(
        &self,
        services: &[String],
        variable: &str,
        expression: &Expression,
        scope: &Scope,
    ) -> Refused<Vec<(String, Cells)>> {
        let by_service = any_node(expression, &looks_at_service);
        let mut made: Vec<(String, Cells)> = Vec::new();
        for service in services {
            let cells = match made.first() {
                Some((_, cells)) if !by_service => cells.clone(),
                _ => self.cells(expression, variable, Some(service), scope)?,
            };
            made.push((service.clone(), cells));
        }
        Ok(made)
    }
}
