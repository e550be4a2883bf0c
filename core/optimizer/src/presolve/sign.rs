//! Which measures are looked at from one side only.

use coc_model::goals::Policy;

use crate::problem::{Measure, MeasureId, Problem};

/// For each measure, whether a smaller value is always at least as good: it is looked at with
/// positive signs only, in requirements, minimised tiers and measures that are so themselves.
pub fn smaller_is_better(problem: &Problem) -> Vec<bool> {
    let mut better = vec![true; problem.measures.len()];
    let mut note = |coefficient: i128, measure: MeasureId| {
        if coefficient < 0 {
            better[measure.0] = false;
        }
    };
    for requirement in problem.requirements.iter().filter(|r| r.policy != Policy::Should) {
        requirement.formula.measures(&mut note);
    }
    for tier in &problem.tiers {
        for &(coefficient, measure) in &Problem::minimised(tier).terms {
            note(coefficient, measure);
        }
    }
    // A measure refers to earlier ones only.
    for index in (0..problem.measures.len()).rev() {
        let outer = better[index];
        let mut inner = |coefficient: i128, measure: MeasureId| {
            if coefficient < 0 || !outer {
                better[measure.0] = false;
            }
        };
        match &problem.measures[index] {
            Measure::Excess(combination) => {
                combination.terms.iter().for_each(|&(c, m)| inner(c, m));
            }
            Measure::Broken(formula) => formula.measures(&mut inner),
            // A larger factor makes a product larger or smaller, as the other's sign is.
            Measure::Product(a, b) => {
                a.terms.iter().chain(&b.terms).for_each(|&(_, m)| inner(-1, m));
            }
            _ => {}
        }
    }
    better
}
