//! The steps in which an optimum of several tiers was found. The optimum stays what it is for as
//! long as each of these steps has the same best value.

use crate::portfolio::{Found, keep};
use crate::problem::{Combination, Formula, Origin, Problem, Requirement, Tier};
use coc_model::goals::Policy;

/// A step: what was made small, what had to be kept, and the value it came to.
#[derive(Clone, Debug)]
pub(super) struct Stage {
    pub(super) kept: Vec<Requirement>,
    pub(super) objective: Combination,
    pub(super) value: i128,
    /// True if a later step may give up some of this value, so that it has to be looked at by
    /// itself.
    pub(super) open: bool,
}

impl Stage {
    /// The problem in which this step is made; its tiers are left out.
    pub(super) fn kept_in(&self, problem: &Problem) -> Problem {
        let mut asked = Problem { tiers: Vec::new(), ..problem.clone() };
        asked.requirements.extend(self.kept.iter().cloned());
        asked
    }

    /// The problem in which this step comes to at most a value; its tiers are left out.
    pub(super) fn at_most(&self, problem: &Problem, value: i128) -> Problem {
        let mut asked = self.kept_in(problem);
        let mut within = self.objective.clone();
        within.constant = within.constant.saturating_sub(value);
        asked.requirements.push(Requirement {
            formula: Formula::AtMostZero(within),
            policy: Policy::Must,
            origin: Origin { says: "the objective".into(), at: None },
            scale: None,
        });
        asked
    }
}

/// The steps of [`crate::portfolio::optimize`]: each tier in turn within the tolerances of those
/// before; then each tier with a tolerance once more, all others staying as they are. `None` if not
/// every tier is proved.
pub(super) fn stages(problem: &Problem, found: &Found) -> Option<Vec<Stage>> {
    if !found.optimal() || found.tiers.len() != problem.tiers.len() {
        return None;
    }
    let (mut kept, mut stages) = (Vec::new(), Vec::new());
    for (tier, known) in problem.tiers.iter().zip(&found.tiers) {
        let (objective, value) = minimised(tier, known.bound);
        let keeps = keep(tier, &objective, value);
        let open = tier.tolerance_atto > 0;
        stages.push(Stage { kept: kept.clone(), objective, value, open });
        kept.push(keeps);
    }
    if problem.tiers.iter().any(|t| t.tolerance_atto > 0) {
        for (tier, known) in problem.tiers.iter().zip(&found.tiers) {
            let (objective, value) = minimised(tier, known.value);
            let exact = Tier { tolerance_atto: 0, ..tier.clone() };
            let keeps = keep(&exact, &objective, value);
            if tier.tolerance_atto > 0 {
                stages.push(Stage { kept: kept.clone(), objective, value, open: false });
            }
            kept.push(keeps);
        }
    }
    if let Some(last) = stages.last_mut() {
        last.open = true;
    }
    Some(stages)
}

/// A tier's objective turned so that smaller is better, and a value of it likewise.
fn minimised(tier: &Tier, value: i128) -> (Combination, i128) {
    let objective = Problem::minimised(tier);
    let value = if objective == tier.objective { value } else { -value };
    (objective, value)
}
