//! Queries over offers: the same expressions as in goals, asked of each offering.

use std::collections::BTreeMap;

use coc_goals::check::SUBJECT;
use coc_goals::expression::Expression;
use coc_model::application::Application;
use coc_model::estate::Estate;

use crate::assume::Demands;
use crate::lower::{Bound, Scope, World};

/// The offerings for which a query is true. What is not known is not true.
///
/// # Errors
/// The characters of the query that can't be evaluated, and why.
pub fn matching(
    estate: &Estate,
    query: &Expression,
) -> Result<Vec<usize>, ((usize, usize), String)> {
    let application = Application {
        name: String::new(),
        services: BTreeMap::new(),
        links: Vec::new(),
        volumes: BTreeMap::new(),
        keys: Vec::new(),
    };
    let demands = Demands::default();
    let world = World { application: &application, estate, demands: &demands };
    let mut scope = Scope::default();
    let mut found = Vec::new();
    for (index, offering) in estate.offerings.iter().enumerate() {
        let bound = Bound::Placed { service: None, site: offering.site, offering: Some(index) };
        scope.variables.insert(SUBJECT.to_owned(), bound);
        match world.truth(query, &scope) {
            Ok(Some(true)) => found.push(index),
            Ok(_) => {}
            Err(unfit) => return Err((unfit.range, unfit.says)),
        }
    }
    Ok(found)
}
