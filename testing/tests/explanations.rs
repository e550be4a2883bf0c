//! Explanations of small random worlds against all of their packings.

#![allow(clippy::panic, reason = "a test that can't go on stops")]

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use coc_engine_exhaustive::Exhaustive;
use coc_engine_milp::Milp;
use coc_model::goals::{Direction, Policy};
use coc_optimizer::conflict::{Rule, changes, conflict};
use coc_optimizer::engine::{Budget, Engine};
use coc_optimizer::explain::alternative::{Alternative, alternative, elsewhere, forced};
use coc_optimizer::explain::pairs::pair_changes;
use coc_optimizer::explain::price::goal_prices;
use coc_optimizer::explain::range::{Loosened, Side, ranges};
use coc_optimizer::explain::surface::{knee, surface};
use coc_optimizer::lower::{Compared, Lowered};
use coc_optimizer::portfolio::{Found, Outcome, optimize};
use coc_optimizer::problem::{
    Combination, Formula, GroupId, Measure, Origin, Problem, Scale, Table, Tier,
};
use coc_optimizer::solution::{holds, value};
use coc_testing::packings::{Sharing, allowed, minimised, optimum, packings, pareto};
use coc_testing::random::Random;
use coc_testing::solving::{items, lowered};
use coc_testing::worlds::world;

/// How many packings are tried, roughly.
const PACKINGS_MAX: usize = 6_000;

/// The problems of all worlds whose packings can be tried, from the first seed on.
fn small_problems() -> impl Iterator<Item = (u64, Lowered)> {
    let small = |l: &Lowered| {
        let items = items(&l.problem);
        let choices = l.problem.options.len() + 1;
        items <= 4
            && !l.problem.partial
            && choices.pow(u32::try_from(items).unwrap_or(9)) <= PACKINGS_MAX
    };
    (1_u64..)
        .filter_map(|seed| Some((seed, lowered(&world(seed))?.1)))
        .filter(move |(_, l)| small(l))
}

/// As many small problems as asked for, from the first seed on, that can be solved.
fn problems(count: usize) -> impl Iterator<Item = (u64, Lowered)> {
    small_problems()
        .filter(|(_, l)| {
            !allowed(&l.problem, &packings(&l.problem, Sharing::ByTheRules)).is_empty()
        })
        .take(count)
}

fn with_budget<T>(work: impl FnOnce(Budget<'_>) -> T) -> T {
    let cancel = AtomicBool::new(false);
    let minute = || Duration::from_secs(60);
    work(Budget { time_left: &minute, gap_ppm: 0, seed: 0, cancel: &cancel })
}

const ENGINES: [&dyn Engine; 2] = [&Milp, &Exhaustive];

fn plan(seed: u64, problem: &Problem) -> Found {
    match with_budget(|budget| optimize(problem, &ENGINES, budget)) {
        Outcome::Found(found) if found.optimal() => found,
        other => panic!("seed {seed}: no proved optimum: {other:?}"),
    }
}

/// Takes the weight off the dimensions that a goal asks for.
fn weigh_nothing(problem: &mut Problem, origin: &Origin) {
    for rule in problem.dimension_rules.iter().filter(|rule| rule.origin == *origin) {
        problem.groups.iter_mut().for_each(|group| group.demand[rule.dimension] = 0);
        problem.options.iter_mut().for_each(|option| option.capacity[rule.dimension] = 0);
    }
}

#[test]
fn the_price_of_a_goal_is_what_is_saved_without_it() {
    let (mut prices, mut free) = (0, 0);
    for (seed, lowered) in problems(200) {
        let problem = &lowered.problem;
        let found = plan(seed, problem);
        let stated = lowered.violation_tiers;
        let tiers = &problem.tiers[..=stated];
        let best = |problem: &Problem, packings: &[Vec<i128>]| {
            let mut values = optimum(tiers, &allowed(problem, packings)).unwrap();
            values.truncate(tiers.len());
            values
        };
        let with = best(problem, &packings(problem, Sharing::ByTheRules));
        for price in with_budget(|b| goal_prices(problem, &found, &ENGINES, b)) {
            let mut without = problem.clone();
            without.requirements.retain(|r| r.policy == Policy::Should || r.origin != price.origin);
            without.apart.retain(|a| a.origin != price.origin);
            weigh_nothing(&mut without, &price.origin);
            let kept = if without.apart == problem.apart {
                best(&without, &packings(&without, Sharing::ByTheRules))
            } else if without.apart.is_empty() {
                best(&without, &packings(&without, Sharing::AsItFits))
            } else {
                continue;
            };
            let tier = with.iter().zip(&kept).position(|(a, b)| a != b).unwrap_or(stated);
            let expected = (tier, with[tier] - kept[tier]);
            assert_eq!(
                (price.tier, price.better()),
                (tier, Some(expected.1)),
                "seed {seed}: {price:?}"
            );
            prices += 1;
            free += usize::from(expected.1 == 0);
        }
    }
    assert!(prices > 120 && free > 40 && prices - free > 20, "{prices} prices, {free} zero");
}

/// The limits at which something can change: the values that what is compared can have.
fn limits(compared: &Compared, packings: &[Vec<i128>]) -> Vec<i128> {
    let plain = Combination { constant: 0, ..compared.combination.clone() };
    let mut limits: Vec<i128> = packings.iter().map(|m| value(&plain, m)).collect();
    limits.sort_unstable();
    limits.dedup();
    limits
}

#[test]
fn the_range_of_a_number_ends_where_the_optimum_changes() {
    let (mut tight, mut better, mut never) = (0, 0, 0);
    for (seed, mut lowered) in problems(200) {
        add_limits(seed, &mut lowered);
        let problem = &lowered.problem;
        let all = packings(problem, Sharing::ByTheRules);
        if allowed(problem, &all).is_empty() {
            continue;
        }
        let found = plan(seed, problem);
        for range in with_budget(|b| ranges(problem, &lowered.compared, &found, &ENGINES, b)) {
            let compared = &lowered.compared[&range.requirement];
            let plain = Combination { constant: 0, ..compared.combination.clone() };
            let mut without = problem.clone();
            without.requirements.remove(range.requirement);
            let others = allowed(&without, &all);
            let at = |limit: i128| {
                let within: Vec<_> =
                    others.iter().filter(|m| value(&plain, m) <= limit).cloned().collect();
                optimum(&problem.tiers, &within)
            };
            let limit = -compared.combination.constant;
            let now = at(limit);
            let limits = limits(compared, &all);
            let lowest = limits.iter().filter(|l| **l <= limit && at(**l) == now).min();
            let changes = limits.iter().filter(|l| **l > limit && at(**l) != now).min();
            let sign = if range.side == Side::AtLeast { -1 } else { 1 };
            let expected =
                changes.map_or(Loosened::NeverBetter, |l| Loosened::BetterFrom(sign * l));
            let context = format!("seed {seed}: {range:?} of {compared:?}");
            assert_eq!(range.limit, sign * limit, "{context}");
            assert_eq!(range.tightest, lowest.map(|l| sign * l), "{context}");
            assert_eq!(range.loosened, expected, "{context}");
            tight += usize::from(range.tightest == Some(range.limit));
            match range.loosened {
                Loosened::BetterFrom(_) => better += 1,
                _ => never += 1,
            }
        }
    }
    assert!(
        tight > 50 && better > 30 && never > 50,
        "{tight} tight, {better} better, {never} never"
    );
}

/// Limits on the number of hosts, on a sum over them and on the cost, near to what is possible: the
/// worlds' own goals have few comparisons.
fn add_limits(seed: u64, lowered: &mut Lowered) {
    let mut random = Random::new(seed);
    let problem = &mut lowered.problem;
    let hosts = Measure::Sum { items: Vec::new(), hosts: Some(Table::Constant(1)) };
    let hosts = Combination::of(problem.measure(hosts));
    let of_option = problem.options.iter().map(|_| i128::from(random.below(9))).collect();
    let odd = Measure::Sum { items: Vec::new(), hosts: Some(Table::Option(of_option)) };
    let odd = Combination::of(problem.measure(odd));
    for mut combination in [hosts, odd, lowered.cost.clone()] {
        if random.percent(30) {
            continue;
        }
        let all = packings(problem, Sharing::ByTheRules);
        let ways =
            limits(&Compared { combination: combination.clone(), scale: Scale::PLAIN }, &all);
        let Some(_) = ways.first() else { continue };
        let upper = ways[usize::try_from(random.below(ways.len().div_ceil(3) as u64)).unwrap_or(0)];
        combination.constant -= upper;
        lowered.compared.insert(
            problem.requirements.len(),
            Compared { combination: combination.clone(), scale: Scale::PLAIN },
        );
        let origin = Origin { says: format!("at most {upper}").into(), at: None };
        let more = forced(problem, Formula::AtMostZero(combination), origin);
        problem.requirements = more.requirements;
    }
}

#[test]
fn an_alternative_costs_what_the_best_packing_with_it_costs_or_is_in_a_conflict() {
    let (mut possible, mut impossible) = (0, 0);
    for (seed, lowered) in problems(200) {
        let found = plan(seed, &lowered.problem);
        for group in 0..lowered.problem.groups.len() {
            let mut problem = lowered.problem.clone();
            let Some(force) = elsewhere(&mut problem, &found.solution, GroupId(group)) else {
                // An alternative that was not chosen, or one without items.
                assert!(problem.may_be_absent(GroupId(group)), "seed {seed}: {group} is nowhere");
                continue;
            };
            let origin = Origin { says: "elsewhere".into(), at: None };
            let asked = forced(&problem, force.clone(), origin.clone());
            let all = packings(&asked, Sharing::ByTheRules);
            let expected = optimum(&problem.tiers, &allowed(&asked, &all));
            match with_budget(|b| alternative(&asked, &ENGINES, b)) {
                Alternative::Possible(best) => {
                    let bounds: Vec<i128> = best.tiers.iter().map(|t| t.bound).collect();
                    let expected = expected.unwrap();
                    assert_eq!(bounds, expected[..bounds.len()], "seed {seed}, group {group}");
                    assert!(holds(&force, &best.solution.worth(&asked).measures));
                    possible += 1;
                }
                Alternative::Impossible(conflict) => {
                    assert_eq!(expected, None, "seed {seed}, group {group}");
                    assert!(conflict.minimal);
                    let named = conflict.rules.iter().any(|(_, o)| *o == origin);
                    assert!(named, "seed {seed}, group {group}: {conflict:?}");
                    impossible += 1;
                }
                Alternative::Unknown(why) => panic!("seed {seed}, group {group}: {why}"),
            }
        }
    }
    assert!(possible > 100 && impossible > 30, "{possible} possible, {impossible} impossible");
}

/// Objectives that pull against each other.
fn objectives(random: &mut Random, lowered: &mut Lowered, count: usize) -> Vec<Tier> {
    let problem = &mut lowered.problem;
    let by_option: Vec<i128> =
        problem.options.iter().map(|_| i128::from(random.below(60))).collect();
    let by_site: Vec<i128> = problem.sites.iter().map(|_| i128::from(random.below(90))).collect();
    let sites = Table::Site(by_site.into());
    let items = (0..problem.groups.len()).map(|g| (GroupId(g), sites.clone())).collect();
    let hosts = Measure::Sum { items: Vec::new(), hosts: Some(Table::Option(by_option.into())) };
    let away = Measure::Sum { items, hosts: None };
    let clouds = Measure::Distinct {
        groups: Vec::new(),
        key: Table::Site((0..i128::try_from(problem.sites.len()).unwrap_or(0)).collect()),
    };
    let all = [
        (lowered.cost.clone(), Direction::Minimize),
        (Combination::of(problem.measure(away)), Direction::Minimize),
        (Combination::of(problem.measure(clouds)), Direction::Maximize),
        (Combination::of(problem.measure(hosts)), Direction::Minimize),
    ];
    let start = usize::try_from(random.below(2)).unwrap_or(0);
    let tier = |(objective, direction): (Combination, Direction)| Tier {
        objective,
        direction,
        tolerance_atto: 0,
        origin: Origin { says: "objective".into(), at: None },
        scale: Scale::PLAIN,
    };
    all.into_iter().skip(start).take(count).map(tier).collect()
}

#[test]
fn a_surface_is_the_pareto_set() {
    let (mut points, mut wide, mut knees) = (0, 0, 0);
    for (seed, mut lowered) in problems(200) {
        let dimensions = if seed % 3 == 0 { 3 } else { 2 };
        let tiers = objectives(&mut Random::new(seed), &mut lowered, dimensions);
        let first = lowered.violation_tiers;
        let problem = &mut lowered.problem;
        problem.tiers.truncate(first);
        let wishes = problem.tiers.clone();
        problem.tiers.extend(tiers.clone());
        let mut within = allowed(problem, &packings(problem, Sharing::ByTheRules));
        for wish in &wishes {
            let objective = minimised(wish);
            let best = within.iter().map(|m| value(&objective, m)).min().unwrap();
            within.retain(|m| value(&objective, m) == best);
        }
        let turned: Vec<Combination> = tiers.iter().map(minimised).collect();
        let expected = pareto(&turned, &within);
        let mut told = Vec::new();
        let found =
            with_budget(|b| surface(problem, first, &ENGINES, b, &mut |p| told.push(p.clone())));
        assert!(found.complete, "seed {seed}");
        let values: Vec<Vec<i128>> = found
            .points
            .iter()
            .map(|p| {
                let worth = p.solution.worth(problem);
                assert!(worth.feasible(), "seed {seed}");
                turned.iter().map(|o| worth.value(o)).collect()
            })
            .collect();
        assert_eq!(values, expected, "seed {seed}");
        told.sort_by_key(|p| found.points.iter().position(|q| q == p));
        assert_eq!(told, found.points, "seed {seed}: each point is told once");
        assert_eq!(found.knee, knee(&expected), "seed {seed}");
        points += expected.len();
        wide += usize::from(expected.len() >= 4);
        knees += usize::from(found.knee.is_some());
    }
    assert!(points > 400 && wide > 20 && knees > 25, "{points} points, {wide} wide, {knees} knees");
}

/// Small problems that have packings, but none that their goals allow, with the packings.
fn impossible(count: usize) -> impl Iterator<Item = (u64, Lowered, Vec<Vec<i128>>)> {
    small_problems()
        .map(|(seed, l)| {
            let all = packings(&l.problem, Sharing::ByTheRules);
            (seed, l, all)
        })
        .filter(|(_, l, all)| !all.is_empty() && allowed(&l.problem, all).is_empty())
        .take(count)
}

/// The packings that keep all rules but some requirements.
fn without(problem: &Problem, left_out: &[usize], all: &[Vec<i128>]) -> Vec<Vec<i128>> {
    let mut fewer = problem.clone();
    let mut index = 0;
    fewer.requirements.retain(|_| {
        index += 1;
        !left_out.contains(&(index - 1))
    });
    allowed(&fewer, all)
}

#[test]
fn a_change_of_one_goal_is_the_smallest_that_allows_a_packing() {
    let (mut numbers, mut whole) = (0, 0);
    for (seed, lowered, all) in impossible(200) {
        let Lowered { problem, compared, violation_tiers: stated, .. } = &lowered;
        let (found, told) = with_budget(|b| {
            let found = conflict(problem, &ENGINES, b);
            let told = changes(problem, compared, &found, &ENGINES, b);
            (found, told)
        });
        assert!(found.minimal, "seed {seed}");
        for (rule, origin) in &found.rules {
            let Rule::Requirement(r) = rule else { continue };
            let mut others = without(problem, &[*r], &all);
            let mut says = format!("without: {}", origin.says);
            if let Some(Compared { combination, scale }) = compared.get(r) {
                let excess = others.iter().map(|m| value(combination, m)).min();
                others.retain(|m| Some(value(combination, m)) == excess);
                let rising = combination.terms.iter().all(|t| t.0 > 0);
                let (old, excess) = (-combination.constant, excess.unwrap_or(0));
                let number = |n: i128| scale.number(n);
                let limit = if rising {
                    format!("at most {} in place of {}", number(old + excess), number(old))
                } else {
                    format!("at least {} in place of {}", number(-old - excess), number(-old))
                };
                says = format!("{} ({limit})", origin.says);
                numbers += 1;
            } else {
                whole += 1;
            }
            // With a tolerance the tier is made best once more, after all others.
            let again = if problem.tiers[*stated].tolerance_atto > 0 {
                problem.tiers.len()
            } else {
                *stated
            };
            let best = optimum(&problem.tiers, &others).map(|values| values[again]);
            let matching: Vec<_> = told.iter().filter(|c| *c.says == says).collect();
            let values: Vec<_> = matching.iter().map(|c| c.value.map(|v| v.0)).collect();
            // Goals that say the same in the same words change alike.
            assert!(values.len() >= usize::from(best.is_some()), "seed {seed}: {says}: {told:#?}");
            if best.is_some() {
                assert!(values.contains(&best), "seed {seed}: {says} {best:?}: {told:#?}");
            } else {
                assert!(values.is_empty(), "seed {seed}: {says}: {told:#?}");
            }
        }
    }
    assert!(numbers > 40 && whole > 60, "{numbers} numbers, {whole} left out");
}

#[test]
fn changes_of_two_goals_are_all_pairs_that_do_where_one_does_not() {
    let mut pairs = 0;
    for (seed, lowered, all) in impossible(400) {
        let Lowered { problem, compared, .. } = &lowered;
        let count = problem.requirements.len();
        let alone: Vec<bool> =
            (0..count).map(|r| !without(problem, &[r], &all).is_empty()).collect();
        let structural = !problem.limits.is_empty()
            || !problem.apart.is_empty()
            || !problem.dimension_rules.is_empty();
        if structural || alone.contains(&true) {
            continue;
        }
        let must = |r: &usize| problem.requirements[*r].policy != Policy::Should;
        let expected = (0..count)
            .flat_map(|a| (a + 1..count).map(move |b| (a, b)))
            .filter(|(a, b)| must(a) && must(b))
            .filter(|(a, b)| !without(problem, &[*a, *b], &all).is_empty())
            .count();
        let told = with_budget(|b| {
            let found = conflict(problem, &ENGINES, b);
            pair_changes(problem, compared, &found, &ENGINES, b)
        });
        assert_eq!(told.len(), expected, "seed {seed}: {told:#?}");
        assert!(told.iter().all(|change| change.value.is_some()), "seed {seed}: {told:#?}");
        pairs += expected;
    }
    assert!(pairs > 5, "{pairs} pairs");
}
