//! Why no solution exists, and the smallest changes that would allow one.

mod search;

use std::collections::BTreeMap;

use coc_model::goals::{Direction, Policy};

use crate::engine::{Budget, Engine};
use crate::lower::Compared;
use crate::portfolio::{Found, Outcome, optimize};
use search::Search;

use crate::problem::{
    Combination, DimensionRule, Formula, GroupId, HostLimit, HostOption, Measure, OptionId, Origin,
    Problem, Scale, Table, Tier,
};

/// A rule that takes part in a conflict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// Index of a requirement.
    Requirement(usize),
    /// Index of a limit.
    Limit(usize),
    /// Index of a rule on sharing hosts.
    Apart(usize),
    /// Index of a rule on what is on one host.
    Dimension(usize),
    /// A group that fits nowhere, whatever the goals, and none of its alternatives does.
    Fit(usize),
}

/// A minimal set of rules that can't hold together.
#[derive(Clone, Debug)]
pub struct Conflict {
    /// The rules, in the order of the problem; several may come from one goal ([`same_goal`]), which
    /// holds or is left out as a whole. Without any one goal there is a solution to the others (if
    /// `minimal`).
    pub rules: Vec<(Rule, Origin)>,
    /// False if time ran out, so that the set may be larger than needed.
    pub minimal: bool,
}

/// A change that allows a solution.
#[derive(Clone, Debug)]
pub struct Change {
    /// In words.
    pub says: String,
    /// The value of the first tier with it, and how it reads.
    pub value: Option<(i128, Scale)>,
    /// True if a goal changes, false if less runs.
    pub of_a_goal: bool,
}

/// Finds a minimal set of rules that can't hold together. What can't be decided in time is kept.
pub fn conflict(problem: &Problem, engines: &[&dyn Engine], budget: Budget<'_>) -> Conflict {
    let bare = without_dimensions(problem);
    let misfits: Vec<(Rule, Origin)> = (0..problem.groups.len())
        .filter(|g| fits_nowhere(&bare, GroupId(*g)))
        .map(|g| (Rule::Fit(g), misfit(&bare, g)))
        .collect();
    if let Some(first) = misfits.first() {
        return Conflict { rules: vec![first.clone()], minimal: true };
    }
    let all: Vec<Rule> = (0..problem.requirements.len())
        .filter(|r| problem.requirements[*r].policy != Policy::Should)
        .map(Rule::Requirement)
        .chain((0..problem.limits.len()).map(Rule::Limit))
        .chain((0..problem.apart.len()).map(Rule::Apart))
        .chain((0..problem.dimension_rules.len()).map(Rule::Dimension))
        .collect();
    let mut goals: Vec<Vec<Rule>> = Vec::new();
    for rule in all {
        match goals.iter_mut().find(|goal| same_goal(problem, goal[0], rule)) {
            Some(goal) => goal.push(rule),
            None => goals.push(vec![rule]),
        }
    }
    // Later rules are left out first: what the person wrote comes before what clouds say, and in a
    // conflict the person's first goals are kept.
    let mut search = Search::over(problem, &goals, engines, budget);
    let found = search.minimal();
    let minimal = search.certain;
    let rules = found.iter().flat_map(|goal| goals[*goal].clone());
    let rules = rules.map(|r| (r, origin(problem, r))).collect();
    Conflict { rules, minimal }
}

/// True for rules that one goal of a file comes to; what clouds say has no place in a file.
pub(crate) fn same_goal(problem: &Problem, a: Rule, b: Rule) -> bool {
    let (x, y) = (origin(problem, a), origin(problem, b));
    a == b || (x.at.is_some() && x == y)
}

/// The problem without a rule and what else comes of its goal; and per kind of rule, the old places
/// of those that are left.
pub(crate) fn leaving_out(problem: &Problem, rule: Rule) -> (Problem, Left) {
    let left = |count: usize, of: fn(usize) -> Rule| {
        (0..count).filter(|i| !same_goal(problem, of(*i), rule)).collect::<Vec<usize>>()
    };
    let left = Left {
        requirements: left(problem.requirements.len(), Rule::Requirement),
        limits: left(problem.limits.len(), Rule::Limit),
        apart: left(problem.apart.len(), Rule::Apart),
        dimensions: left(problem.dimension_rules.len(), Rule::Dimension),
    };
    let mut without = Problem {
        requirements: left.requirements.iter().map(|r| problem.requirements[*r].clone()).collect(),
        limits: left.limits.iter().map(|l| problem.limits[*l].clone()).collect(),
        apart: left.apart.iter().map(|a| problem.apart[*a].clone()).collect(),
        ..problem.clone()
    };
    for rule in (0..problem.dimension_rules.len()).rev() {
        if !left.dimensions.contains(&rule) {
            without_dimension(&mut without, rule);
        }
    }
    (without, left)
}

/// The old places of rules that are left.
pub(crate) struct Left {
    requirements: Vec<usize>,
    limits: Vec<usize>,
    apart: Vec<usize>,
    dimensions: Vec<usize>,
}

impl Left {
    /// What a rule of the smaller problem was in the whole one.
    pub(crate) fn before(&self, rule: Rule) -> Rule {
        match rule {
            Rule::Requirement(r) => Rule::Requirement(self.requirements[r]),
            Rule::Limit(l) => Rule::Limit(self.limits[l]),
            Rule::Apart(a) => Rule::Apart(self.apart[a]),
            Rule::Dimension(d) => Rule::Dimension(self.dimensions[d]),
            Rule::Fit(g) => Rule::Fit(g),
        }
    }

    /// What a rule of the whole problem is in the smaller one, if it is left.
    pub(crate) fn after(&self, rule: Rule) -> Option<Rule> {
        let place = |left: &[usize], old: usize| left.iter().position(|l| *l == old);
        match rule {
            Rule::Requirement(r) => place(&self.requirements, r).map(Rule::Requirement),
            Rule::Limit(l) => place(&self.limits, l).map(Rule::Limit),
            Rule::Apart(a) => place(&self.apart, a).map(Rule::Apart),
            Rule::Dimension(d) => place(&self.dimensions, d).map(Rule::Dimension),
            Rule::Fit(g) => Some(Rule::Fit(g)),
        }
    }
}

/// The problem without any rule on what is on one host.
fn without_dimensions(problem: &Problem) -> Problem {
    let mut bare = problem.clone();
    for rule in (0..problem.dimension_rules.len()).rev() {
        without_dimension(&mut bare, rule);
    }
    bare
}

fn fits_nowhere(problem: &Problem, group: GroupId) -> bool {
    let nowhere = |id: &GroupId| {
        let g = &problem.groups[id.0];
        let may = |option| g.may_use(problem, OptionId(option));
        g.count > 0 && !(0..problem.options.len()).any(may)
    };
    !problem.partial && problem.alternatives(group).iter().all(nowhere)
}

fn misfit(problem: &Problem, group: usize) -> Origin {
    let g = &problem.groups[group];
    let names: Vec<&str> = g.services.iter().map(|(s, _)| &**s).collect();
    let needs: Vec<String> = problem
        .dimensions
        .iter()
        .zip(&g.demand)
        .filter(|(_, need)| **need > 0)
        .map(|(dimension, need)| match &**dimension {
            "cpu" => {
                format!("{} vCPU", coc_model::quantity::Cpu(u64::try_from(*need).unwrap_or(0)))
            }
            "memory" => {
                format!("{} memory", coc_model::quantity::Bytes(u64::try_from(*need).unwrap_or(0)))
            }
            other => format!("{} {other}", need / 1000),
        })
        .collect();
    let (names, needs) = (names.join(" with "), needs.join(", "));
    let has_room = |option: &HostOption| {
        g.demand.iter().zip(&option.capacity).all(|(need, have)| need <= have)
    };
    let says = if problem.options.is_empty() {
        "these clouds have no machine of known size and price".to_owned()
    } else if problem
        .options
        .iter()
        .enumerate()
        .any(|(index, option)| g.options[index] && has_room(option))
    {
        // Lowering takes sites from a group for this reason alone.
        format!(
            "nowhere in these clouds that has a machine for {names} is the price of block storage for its volumes known"
        )
    } else if problem.options.iter().any(has_room) {
        format!(
            "no machine of these clouds that has room for {names} ({needs}) has its architecture"
        )
    } else {
        format!("no machine of these clouds is large enough for {names}: {needs}")
    };
    Origin { says: says.into(), at: None }
}

fn origin(problem: &Problem, rule: Rule) -> Origin {
    match rule {
        Rule::Requirement(r) => problem.requirements[r].origin.clone(),
        Rule::Limit(l) => problem.limits[l].origin.clone(),
        Rule::Apart(a) => problem.apart[a].origin.clone(),
        Rule::Dimension(d) => problem.dimension_rules[d].origin.clone(),
        Rule::Fit(g) => misfit(&without_dimensions(problem), g),
    }
}

/// The problem with these rules only, and nothing to make best.
fn only(problem: &Problem, rules: &[Rule]) -> Problem {
    let kept = |rule: Rule| rules.contains(&rule);
    let indexed = |n: usize| 0..n;
    let mut problem = problem.clone();
    for rule in indexed(problem.dimension_rules.len()).rev() {
        if !kept(Rule::Dimension(rule)) {
            without_dimension(&mut problem, rule);
        }
    }
    let problem = &problem;
    Problem {
        requirements: indexed(problem.requirements.len())
            .filter(|r| kept(Rule::Requirement(*r)))
            .map(|r| problem.requirements[r].clone())
            .collect(),
        limits: indexed(problem.limits.len())
            .filter(|l| kept(Rule::Limit(*l)))
            .map(|l| problem.limits[l].clone())
            .collect(),
        apart: indexed(problem.apart.len())
            .filter(|a| kept(Rule::Apart(*a)))
            .map(|a| problem.apart[a].clone())
            .collect(),
        tiers: Vec::new(),
        ..problem.clone()
    }
}

/// Takes out a rule on what is on one host: nothing weighs, and every machine bears that.
pub(crate) fn without_dimension(problem: &mut Problem, rule: usize) {
    let DimensionRule { dimension, .. } = problem.dimension_rules.remove(rule);
    for group in &mut problem.groups {
        group.demand[dimension] = 0;
    }
    for option in &mut problem.options {
        option.capacity[dimension] = 0;
    }
}

/// For each rule of a conflict the smallest change of it alone that allows a solution, proved to be
/// the smallest, with the first tier's value then; a comparison can also be kept as a wish. Rules
/// whose change alone does not suffice give none. What requirements compare is as lowering found it.
pub fn changes(
    problem: &Problem,
    compared: &BTreeMap<usize, Compared>,
    conflict: &Conflict,
    engines: &[&dyn Engine],
    budget: Budget<'_>,
) -> Vec<Change> {
    let mut changes = Vec::new();
    for (index, (rule, origin)) in conflict.rules.iter().enumerate() {
        if conflict.rules[..index].iter().any(|(r, _)| same_goal(problem, *r, *rule)) {
            continue;
        }
        let change = match rule {
            Rule::Requirement(r) => {
                changes.extend(requirement_changes(
                    problem,
                    (*r, compared.get(r)),
                    origin,
                    engines,
                    budget,
                ));
                continue;
            }
            Rule::Limit(l) => limit_change(problem, *l, origin, engines, budget),
            Rule::Apart(_) | Rule::Dimension(_) => {
                let (without, _) = leaving_out(problem, *rule);
                best(&without, engines, budget).map(|value| Change {
                    says: format!("without: {}", origin.says),
                    value,
                    of_a_goal: true,
                })
            }
            Rule::Fit(_) => None,
        };
        changes.extend(change);
    }
    changes.extend(fewer_replicas(problem, engines, budget));
    changes
}

/// The first tier's best value, if there is a solution.
pub(crate) fn best(
    problem: &Problem,
    engines: &[&dyn Engine],
    budget: Budget<'_>,
) -> Option<Option<(i128, Scale)>> {
    match optimize(problem, engines, budget) {
        Outcome::Found(found) => Some(stated_value(problem, &found)),
        _ => None,
    }
}

fn stated_value(problem: &Problem, found: &Found) -> Option<(i128, Scale)> {
    let tier = problem
        .tiers
        .iter()
        .zip(&found.tiers)
        .find(|(t, _)| t.origin.at.is_some() || &*t.origin.says == "cost");
    tier.map(|(tier, value)| (value.value, tier.scale))
}

fn requirement_changes(
    problem: &Problem,
    (requirement, compared): (usize, Option<&Compared>),
    origin: &Origin,
    engines: &[&dyn Engine],
    budget: Budget<'_>,
) -> Vec<Change> {
    let mut without = problem.clone();
    without.requirements.remove(requirement);
    let Some(Compared { combination, scale }) = compared else {
        let (without, _) = leaving_out(problem, Rule::Requirement(requirement));
        let change = best(&without, engines, budget).map(|value| Change {
            says: format!("without: {}", origin.says),
            value,
            of_a_goal: true,
        });
        return change.into_iter().collect();
    };
    let measure = Measure::Excess(combination.clone());
    let Some(excess) = least(&without, measure, engines, budget) else { return Vec::new() };
    let mut relaxed = problem.clone();
    relaxed.requirements[requirement].formula = widened(combination, excess);
    let Some(value) = best(&relaxed, engines, budget) else { return Vec::new() };
    let wider = format!("{} ({})", origin.says, wider_limit(combination, excess, *scale));
    // What should hold is missed by as little as can be before anything else is made best: by the
    // least excess, so that the value is the same.
    let wish =
        format!("{} (as what only should hold: missed by {})", origin.says, scale.number(excess));
    [wider, wish].map(|says| Change { says, value, of_a_goal: true }).into()
}

/// A comparison whose limit is exceeded by this.
pub(crate) fn widened(combination: &Combination, excess: i128) -> Formula {
    let mut wider = combination.clone();
    wider.constant = wider.constant.saturating_sub(excess);
    Formula::AtMostZero(wider)
}

/// The limit that a comparison would need, in words.
pub(crate) fn wider_limit(combination: &Combination, excess: i128, scale: Scale) -> String {
    let rising = combination.terms.iter().all(|t| t.0 > 0);
    let falling = combination.terms.iter().all(|t| t.0 < 0);
    let (old, new) = (-combination.constant, excess - combination.constant);
    if rising {
        format!("at most {} in place of {}", scale.number(new), scale.number(old))
    } else if falling {
        format!("at least {} in place of {}", scale.number(-new), scale.number(-old))
    } else {
        format!("missed by {}", scale.number(excess))
    }
}

/// The smallest value of a measure, proved.
pub(crate) fn least(
    problem: &Problem,
    measure: Measure,
    engines: &[&dyn Engine],
    budget: Budget<'_>,
) -> Option<i128> {
    let mut asked = problem.clone();
    let measure = asked.measure(measure);
    asked.tiers = vec![Tier {
        objective: Combination::of(measure),
        direction: Direction::Minimize,
        tolerance_atto: 0,
        origin: Origin { says: "relaxation".into(), at: None },
        scale: Scale::PLAIN,
    }];
    match optimize(&asked, engines, budget) {
        Outcome::Found(found) if found.optimal() => found.tiers.first().map(|t| t.value),
        _ => None,
    }
}

fn limit_change(
    problem: &Problem,
    limit: usize,
    origin: &Origin,
    engines: &[&dyn Engine],
    budget: Budget<'_>,
) -> Option<Change> {
    let rule = &problem.limits[limit];
    let mut without = problem.clone();
    without.limits.remove(limit);
    let beyond = beyond(&mut without, rule);
    let more = least(&without, Measure::Excess(beyond), engines, budget)?;
    let mut relaxed = problem.clone();
    let most = i64::try_from(i128::from(rule.most) + more).ok()?;
    relaxed.limits[limit].most = most;
    let says = format!("{} ({more} more: {most} in place of {})", origin.says, rule.most);
    best(&relaxed, engines, budget).map(|value| Change { says, value, of_a_goal: true })
}

/// How many hosts there are beyond a limit.
pub(crate) fn beyond(problem: &mut Problem, limit: &HostLimit) -> Combination {
    let flags =
        (0..problem.options.len()).map(|o| i128::from(limit.options.contains(&OptionId(o))));
    let hosts = Measure::Sum { items: Vec::new(), hosts: Some(Table::Option(flags.collect())) };
    let hosts = problem.measure(hosts);
    Combination { constant: -i128::from(limit.most), terms: vec![(1, hosts)] }
}

/// How many replicas could run under all the rules.
fn fewer_replicas(
    problem: &Problem,
    engines: &[&dyn Engine],
    budget: Budget<'_>,
) -> Option<Change> {
    if problem.partial {
        return None;
    }
    let mut partial = Problem { partial: true, ..problem.clone() };
    let items = partial
        .groups
        .iter()
        .enumerate()
        .map(|(g, group)| {
            let replicas = group.services.iter().map(|s| i128::from(s.1)).sum();
            (GroupId(g), Table::Constant(replicas))
        })
        .collect();
    let placed = partial.measure(Measure::Sum { items, hosts: None });
    let (_, all) = partial.range(&Combination::of(placed));
    partial.tiers.insert(
        0,
        Tier {
            objective: Combination::of(placed),
            direction: Direction::Maximize,
            tolerance_atto: 0,
            origin: Origin { says: "replicas that run".into(), at: None },
            scale: Scale::PLAIN,
        },
    );
    match optimize(&partial, engines, budget) {
        Outcome::Found(found) if found.tiers.first().is_some_and(|t| t.proved && t.value > 0) => {
            let running = found.tiers[0].value;
            Some(Change {
                says: if partial.choices.is_empty() {
                    format!("run {running} of {all} replicas")
                } else {
                    format!("run {running} of up to {all} replicas")
                },
                value: stated_value(&partial, &found),
                of_a_goal: false,
            })
        }
        _ => None,
    }
}
