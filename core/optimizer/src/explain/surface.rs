//! The surface of best plans over several objectives: every value that no other plan beats in all of
//! them.
//!
//! The ε-constraint method: the first objective is made best under bounds on the others, then the
//! others in turn, so that every solution found is non-dominated by itself; the bounds are lowered
//! just below what was found until nothing is left. For two objectives that walks along the surface.
//! A further objective is bounded by the largest value of it among what the others gave, less one
//! step, and the rest is done again: Özlen and Azizoğlu, "Multi-objective integer programming: a
//! general approach for generating all non-dominated solutions", European Journal of Operational
//! Research 199 (2009), which shows that nothing is missed. An answer found under wider bounds that
//! keeps to narrower ones is the answer for those too, and is not looked for again (Özlen, Burton and
//! MacRae, "Multi-objective integer programming: an improved recursive algorithm", Journal of
//! Optimization Theory and Applications 160, 2014).

use coc_model::goals::{Direction, Policy};

use super::step::step;
use super::with_share;
use crate::engine::{Budget, Engine};
use crate::portfolio::{Found, Outcome, optimize};
use crate::problem::{Combination, Formula, Origin, Problem, Requirement, Tier};
use crate::solution::Solution;

/// A point of the surface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// The value of each objective, in its own direction.
    pub values: Vec<i128>,
    /// A solution that has them.
    pub solution: Solution,
}

/// A surface.
#[derive(Clone, Debug, Default)]
pub struct Surface {
    /// The points, the best in the first objective first.
    pub points: Vec<Point>,
    /// True if it is proved that there are no others.
    pub complete: bool,
    /// Index of the knee ([`knee`]); none of an incomplete surface.
    pub knee: Option<usize>,
    /// How many problems were solved, and how many answers were known already.
    pub solved: (usize, usize),
}

/// The surface of the problem's tiers from `first` on, each one objective; tolerances don't matter.
/// Tiers before it (the violation of what only should hold) stay at their best. Every point is told
/// as soon as it is proved, in the order found. Values that differ by less than one part in ten
/// million are one value, unless the coefficients say that nothing lies between.
///
/// A problem without any solution has a complete surface without points.
pub fn surface(
    problem: &Problem,
    first: usize,
    engines: &[&dyn Engine],
    budget: Budget<'_>,
    tell: &mut dyn FnMut(&Point),
) -> Surface {
    with_share(budget, 1, |budget| {
        let Some(base) = at_best(problem, first, engines, budget) else {
            return Surface::default();
        };
        let Some(base) = base else { return Surface { complete: true, ..Surface::default() } };
        let mut walk = Walk {
            objectives: base.tiers.iter().map(Problem::minimised).collect(),
            problem: &base,
            engines,
            budget,
            known: Vec::new(),
            points: Vec::new(),
            solved: (0, 0),
            tell,
        };
        let dimensions = walk.objectives.len();
        let complete =
            dimensions > 0 && walk.over(dimensions, &mut vec![None; dimensions]).is_some();
        let (mut points, solved) = (walk.points, walk.solved);
        let sorted = |p: &Point| turned(&base.tiers, &p.values);
        points.sort_by_key(sorted);
        let turned: Vec<Vec<i128>> = points.iter().map(sorted).collect();
        let knee = if complete { knee(&turned) } else { None };
        Surface { points, complete, knee, solved }
    })
}

/// The problem with the tiers before `first` kept at their best, and only the others as tiers.
/// `Some(None)` if there is no solution, `None` if the time is over.
#[expect(clippy::option_option, reason = "not known, known to be none, known")]
fn at_best(
    problem: &Problem,
    first: usize,
    engines: &[&dyn Engine],
    budget: Budget<'_>,
) -> Option<Option<Problem>> {
    let exact = problem.tiers.iter().map(|t| Tier { tolerance_atto: 0, ..t.clone() });
    let tiers: Vec<Tier> = exact.collect();
    let mut base = Problem { tiers: tiers.get(first..)?.to_vec(), ..problem.clone() };
    if first == 0 {
        return Some(Some(base));
    }
    let asked = Problem { tiers: tiers[..first].to_vec(), ..problem.clone() };
    match optimize(&asked, engines, budget) {
        Outcome::Found(found) if found.optimal() => {
            for (tier, known) in asked.tiers.iter().zip(&found.tiers) {
                let objective = Problem::minimised(tier);
                let value = turned(std::slice::from_ref(tier), &[known.value])[0];
                base.requirements.push(at_most(&objective, value));
            }
            Some(Some(base))
        }
        Outcome::Infeasible(_) => Some(None),
        Outcome::Found(_) | Outcome::Unknown(..) => None,
    }
}

/// Values with the signs of those that are maximised turned, or turned back.
fn turned(tiers: &[Tier], values: &[i128]) -> Vec<i128> {
    let turn = |(tier, value): (&Tier, &i128)| match tier.direction {
        Direction::Minimize => *value,
        Direction::Maximize => -value,
    };
    tiers.iter().zip(values).map(turn).collect()
}

fn at_most(objective: &Combination, value: i128) -> Requirement {
    let mut within = objective.clone();
    within.constant = within.constant.saturating_sub(value);
    Requirement {
        formula: Formula::AtMostZero(within),
        policy: Policy::Must,
        origin: Origin { says: "a bound of the surface".into(), at: None },
        scale: None,
    }
}

/// Bounds on the objectives; `None` is none.
type Bounds = Vec<Option<i128>>;

/// True if bounds are no narrower than others.
fn no_narrower(wide: &Bounds, narrow: &Bounds) -> bool {
    wide.iter().zip(narrow).all(|(w, n)| match (w, n) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(w), Some(n)) => w >= n,
    })
}

struct Walk<'a> {
    problem: &'a Problem,
    objectives: Vec<Combination>,
    engines: &'a [&'a dyn Engine],
    budget: Budget<'a>,
    /// Under which bounds what is best; `None` is nothing.
    known: Vec<(Bounds, Option<Vec<i128>>)>,
    points: Vec<Point>,
    solved: (usize, usize),
    tell: &'a mut dyn FnMut(&Point),
}

impl Walk<'_> {
    /// Finds every point over the first `dimensions` objectives within the bounds on the others;
    /// gives their values, or `None` if the time is over.
    fn over(&mut self, dimensions: usize, bounds: &mut Bounds) -> Option<Vec<Vec<i128>>> {
        if dimensions == 1 {
            return Some(self.best(bounds)?.into_iter().collect());
        }
        let last = dimensions - 1;
        let outer = bounds[last];
        let mut found: Vec<Vec<i128>> = Vec::new();
        loop {
            let here = self.over(last, bounds)?;
            let Some(largest) = here.iter().map(|values| values[last]).max() else { break };
            found.extend(here);
            let step = step(self.problem, &self.objectives[last], largest);
            bounds[last] = Some(largest.saturating_sub(step));
        }
        bounds[last] = outer;
        found.sort();
        found.dedup();
        Some(found)
    }

    /// The best values within bounds, the first objective before the second and so on; `Some(None)`
    /// if there are none.
    #[expect(clippy::option_option, reason = "not known, known to be none, known")]
    fn best(&mut self, bounds: &Bounds) -> Option<Option<Vec<i128>>> {
        let within =
            |values: &Vec<i128>| values.iter().zip(bounds).all(|(v, b)| b.is_none_or(|b| *v <= b));
        let known = self
            .known
            .iter()
            .find(|(wide, values)| no_narrower(wide, bounds) && values.as_ref().is_none_or(within));
        if let Some((_, values)) = known {
            self.solved.1 += 1;
            return Some(values.clone());
        }
        let mut asked = self.problem.clone();
        for (objective, bound) in self.objectives.iter().zip(bounds) {
            asked.requirements.extend(bound.map(|bound| at_most(objective, bound)));
        }
        self.solved.0 += 1;
        let values = match optimize(&asked, self.engines, self.budget) {
            Outcome::Found(found) if found.optimal() => Some(self.point(found)),
            Outcome::Infeasible(_) => None,
            Outcome::Found(_) | Outcome::Unknown(..) => return None,
        };
        self.known.push((bounds.clone(), values.clone()));
        Some(values)
    }

    fn point(&mut self, found: Found) -> Vec<i128> {
        let values: Vec<i128> = found.tiers.iter().map(|t| t.value).collect();
        let small = turned(&self.problem.tiers, &values);
        if self.points.iter().all(|p| p.values != values) {
            let point = Point { values, solution: found.solution };
            (self.tell)(&point);
            self.points.push(point);
        }
        small
    }
}

/// The knee of a complete surface of two or three objectives, all minimised: the point that is
/// farthest from the line (the plane) through the points that are best in one objective each, on the
/// side where all are better (Das, "On characterizing the knee of the Pareto curve based on
/// normal-boundary intersection", Structural Optimization 18, 1999). Which one it is does not depend
/// on the units: the distance is a determinant, which units scale for all points alike. The first, if
/// several are as far; none, if no point is on that side, or numbers leave the range.
pub fn knee(points: &[Vec<i128>]) -> Option<usize> {
    let dimensions = points.first()?.len();
    // The best in objective i, ties broken by the objectives after it, round the end.
    let extreme = |i: usize| {
        let key = |p: &&Vec<i128>| {
            let mut key = (*p).clone();
            key.rotate_left(i);
            key
        };
        points.iter().min_by_key(key)
    };
    let extremes: Vec<&Vec<i128>> = (0..dimensions).map(extreme).collect::<Option<_>>()?;
    // The ideal point, best in everything, tells which side is the better one.
    let ideal: Vec<i128> = (0..dimensions).map(|i| extremes[i][i]).collect();
    let side = height(&extremes, &ideal)?.signum();
    let mut best: Option<(i128, usize)> = None;
    for (index, point) in points.iter().enumerate() {
        let distance = height(&extremes, point)?.checked_mul(side)?;
        if distance > 0 && best.is_none_or(|(known, _)| distance > known) {
            best = Some((distance, index));
        }
    }
    best.map(|(_, index)| index)
}

/// How far a point is from the line or plane through some points, times a number that is the same
/// for all: the determinant of the differences to the first of them. Exact; `None` if out of range.
fn height(through: &[&Vec<i128>], point: &[i128]) -> Option<i128> {
    let origin = through.first()?;
    let difference = |p: &[i128]| -> Option<Vec<i128>> {
        p.iter().zip(*origin).map(|(a, b)| a.checked_sub(*b)).collect()
    };
    let mut rows: Vec<Vec<i128>> =
        through[1..].iter().map(|p| difference(p)).collect::<Option<_>>()?;
    rows.push(difference(point)?);
    match rows.as_slice() {
        [a, b] => cross((a[0], a[1]), (b[0], b[1])),
        [a, b, c] => {
            let minors = [
                cross((a[1], a[2]), (b[1], b[2]))?.checked_mul(c[0])?,
                cross((a[2], a[0]), (b[2], b[0]))?.checked_mul(c[1])?,
                cross((a[0], a[1]), (b[0], b[1]))?.checked_mul(c[2])?,
            ];
            minors.into_iter().try_fold(0_i128, i128::checked_add)
        }
        _ => None,
    }
}

fn cross(a: (i128, i128), b: (i128, i128)) -> Option<i128> {
    a.0.checked_mul(b.1)?.checked_sub(a.1.checked_mul(b.0)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points<const D: usize>(points: &[[i128; D]]) -> Vec<Vec<i128>> {
        points.iter().map(|p| p.to_vec()).collect()
    }

    #[test]
    fn the_knee_is_the_farthest_from_the_line_between_the_ends() {
        let curve = points(&[[0, 10], [1, 4], [3, 3], [10, 0]]);
        assert_eq!(knee(&curve), Some(1));
        // Units don't matter.
        let scaled: Vec<Vec<i128>> =
            curve.iter().map(|p| vec![p[0] * 1_000_000_007, p[1]]).collect();
        assert_eq!(knee(&scaled), Some(1));
    }

    #[test]
    fn without_a_bend_there_is_no_knee() {
        for flat in [
            points(&[[0, 10], [5, 5], [10, 0]]),
            points(&[[0, 10], [9, 9], [10, 0]]),
            points(&[[0, 10], [10, 0]]),
            points(&[[3, 3]]),
            points::<2>(&[]),
        ] {
            assert_eq!(knee(&flat), None, "{flat:?}");
        }
    }

    #[test]
    fn of_three_objectives_it_is_the_farthest_from_the_plane() {
        let bowl = points(&[[0, 9, 9], [9, 0, 9], [9, 9, 0], [4, 4, 4], [5, 5, 5]]);
        assert_eq!(knee(&bowl), Some(3));
    }
}
