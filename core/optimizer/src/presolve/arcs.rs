//! Arc consistency: sites from which a group can't satisfy a condition on pairs are taken out
//! (after Mackworth, "Consistency in networks of relations", 1977).

use std::collections::BTreeSet;
use std::sync::Arc;

use coc_model::goals::Policy;

use crate::problem::{Combination, GroupId, Measure, OptionId, PairTable, Problem, Table};

/// Takes out sites until every site left of a group has, for every pair condition, a partner.
pub(super) fn consistent(problem: &mut Problem) {
    if problem.partial {
        return;
    }
    let conditions = pair_conditions(problem);
    let spreads = spreads(problem);
    let mut allowed: Vec<Vec<bool>> =
        (0..problem.groups.len()).map(|g| sites_of(problem, GroupId(g))).collect();
    loop {
        let mut changed = false;
        for ((a, b), table) in &conditions {
            if a == b && problem.groups[a.0].count < 2 {
                continue;
            }
            // A partner has to be there only where it has to be placed: any other item of the same
            // group does, as groups are placed whole.
            if a == b || !problem.may_be_absent(*b) {
                changed |= revise(&mut allowed, (*a, *b), &spreads, |s, t| table.at(s, t) == 0);
            }
            if a == b || !problem.may_be_absent(*a) {
                changed |= revise(&mut allowed, (*b, *a), &spreads, |s, t| table.at(t, s) == 0);
            }
        }
        if !changed {
            break;
        }
    }
    for (group, sites) in problem.groups.iter_mut().zip(allowed) {
        group.sites = Arc::from(sites);
    }
}

/// Keeps the sites of a group that have enough partners among the sites of another: one, or as many
/// as the other has to be spread over, since every pair of their items has to fit.
fn revise(
    allowed: &mut [Vec<bool>],
    (of, against): (GroupId, GroupId),
    spreads: &[Spread],
    fits: impl Fn(usize, usize) -> bool,
) -> bool {
    let mut changed = false;
    for site in 0..allowed[of.0].len() {
        if !allowed[of.0][site] {
            continue;
        }
        let partners =
            || (0..allowed[against.0].len()).filter(|t| allowed[against.0][*t] && fits(site, *t));
        let wide_enough = |spread: &Spread| {
            let keys: BTreeSet<i128> = partners().map(|t| spread.keys[t]).collect();
            i128::try_from(keys.len()).unwrap_or(i128::MAX) >= spread.at_least
        };
        let enough = partners().next().is_some()
            && spreads.iter().filter(|s| s.group == against).all(wide_enough);
        if !enough {
            allowed[of.0][site] = false;
            changed = true;
        }
    }
    changed
}

/// The sites where a group has a machine it may use.
pub(crate) fn sites_of(problem: &Problem, group: GroupId) -> Vec<bool> {
    let mut sites = vec![false; problem.sites.len()];
    for (index, option) in problem.options.iter().enumerate() {
        if !sites[option.site] && problem.groups[group.0].may_use(problem, OptionId(index)) {
            sites[option.site] = true;
        }
    }
    sites
}

/// Every comparison that no solution may break.
fn conjuncts(problem: &Problem, mut visit: impl FnMut(&Combination)) {
    for requirement in problem.requirements.iter().filter(|r| r.policy != Policy::Should) {
        requirement.formula.conjuncts(&mut visit);
    }
}

/// The pair tables that have to sum to zero.
fn pair_conditions(problem: &Problem) -> Vec<((GroupId, GroupId), PairTable)> {
    let mut found = Vec::new();
    conjuncts(problem, |comparison| {
        if comparison.constant == 0
            && let [(coefficient, measure)] = comparison.terms.as_slice()
            && *coefficient > 0
            && let Measure::Pairs { between, table } = &problem.measures[measure.0]
        {
            found.push((*between, table.clone()));
        }
    });
    found
}

/// A group that has to be at sites of at least so many different keys.
struct Spread {
    group: GroupId,
    keys: Arc<[i128]>,
    at_least: i128,
}

/// What groups have to be spread over: `at_least - Distinct <= 0`.
fn spreads(problem: &Problem) -> Vec<Spread> {
    let mut found = Vec::new();
    conjuncts(problem, |comparison| {
        if let [(coefficient, measure)] = comparison.terms.as_slice()
            && *coefficient < 0
            && let Measure::Distinct { groups, key: Table::Site(keys) } =
                &problem.measures[measure.0]
            && let [group] = groups.as_slice()
        {
            let at_least = (comparison.constant - coefficient - 1) / -coefficient;
            found.push(Spread { group: *group, keys: Arc::clone(keys), at_least });
        }
    });
    found
}
