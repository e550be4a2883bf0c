//! Linear expressions with whole coefficients over columns, and the model under construction.

use std::collections::BTreeMap;

use crate::highs::{Column, Model, Row};

/// A column of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Var(pub(crate) usize);

/// Σ coefficient · column + constant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Linear {
    pub(crate) terms: BTreeMap<Var, i128>,
    pub(crate) constant: i128,
    /// How far it may be off because numbers in it were rounded per column.
    pub(crate) off: i128,
}

impl Linear {
    pub(crate) fn constant(constant: i128) -> Self {
        Self { constant, ..Self::default() }
    }

    pub(crate) fn var(var: Var) -> Self {
        let mut linear = Self::default();
        linear.add(1, var);
        linear
    }

    pub(crate) fn add(&mut self, coefficient: i128, var: Var) {
        if coefficient != 0 {
            let entry = self.terms.entry(var).or_insert(0);
            *entry += coefficient;
            if *entry == 0 {
                self.terms.remove(&var);
            }
        }
    }

    pub(crate) fn add_all(&mut self, coefficient: i128, other: &Self) {
        self.constant += coefficient * other.constant;
        self.off = self.off.saturating_add(coefficient.saturating_abs().saturating_mul(other.off));
        for (var, c) in &other.terms {
            self.add(coefficient * c, *var);
        }
    }

    pub(crate) fn minus(mut self, other: &Self) -> Self {
        self.add_all(-1, other);
        self
    }
}

/// How rows are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Rows {
    /// Open by as much as numbers in them were rounded, and by what the solver can't see: nothing is
    /// shut out that holds in whole numbers.
    #[default]
    Open,
    /// To the letter.
    Closed,
}

/// A model whose columns have whole bounds.
#[derive(Debug, Default)]
pub(crate) struct Builder {
    bounds: Vec<(i128, i128)>,
    integer: Vec<bool>,
    rows: Vec<Row>,
    /// Set when a number does not fit the solver.
    pub(crate) overflow: bool,
    /// How rows are kept.
    rows_are: Rows,
    /// The most that any row is open, in whole numbers of the row.
    pub(crate) widest: f64,
}

/// Numbers up to 2⁵³ are exact in the solver's arithmetic.
const EXACT: i128 = 1 << 53;

impl Builder {
    /// A model without columns and rows.
    pub(crate) fn new(rows_are: Rows) -> Self {
        Self { rows_are, ..Self::default() }
    }

    /// A new whole-numbered column.
    pub(crate) fn integer(&mut self, lower: i128, upper: i128) -> Var {
        self.bounds.push((lower, upper.max(lower)));
        self.integer.push(true);
        Var(self.bounds.len() - 1)
    }

    /// A new quantity that may take fractions, between two whole numbers; whole numbers are enough
    /// for it in every optimum. Its column runs from 0 to 1, so that it is never too small or too
    /// large beside others.
    pub(crate) fn continuous(&mut self, lower: i128, upper: i128) -> Linear {
        let width = (upper - lower).max(0);
        let column = self.integer(0, 1);
        self.integer[column.0] = false;
        let mut quantity = Linear::constant(lower);
        quantity.add(width, column);
        quantity
    }

    /// A new yes-or-no column.
    pub(crate) fn binary(&mut self) -> Var {
        self.integer(0, 1)
    }

    /// The least and the most an expression can be.
    pub(crate) fn range(&self, linear: &Linear) -> (i128, i128) {
        let mut range = (linear.constant, linear.constant);
        for (var, c) in &linear.terms {
            let (lower, upper) = self.bounds[var.0];
            let ends = (c.saturating_mul(lower), c.saturating_mul(upper));
            range.0 = range.0.saturating_add(ends.0.min(ends.1));
            range.1 = range.1.saturating_add(ends.0.max(ends.1));
        }
        range
    }

    /// Requires an expression to be at most zero.
    pub(crate) fn at_most_zero(&mut self, linear: &Linear) {
        if self.range(linear).1 <= 0 {
            return;
        }
        self.row(linear, true);
    }

    /// Requires an expression to be zero.
    pub(crate) fn zero(&mut self, linear: &Linear) {
        self.row(linear, false);
    }

    /// Requires an expression to be at most zero where every guard is 1.
    pub(crate) fn at_most_zero_if(&mut self, linear: &Linear, guards: &[Linear]) {
        let most = self.range(linear).1;
        if most <= 0 {
            return;
        }
        let mut relaxed = linear.clone();
        for guard in guards {
            // most · (1 − guard) more is allowed.
            relaxed.constant -= most;
            relaxed.add_all(most, guard);
        }
        self.at_most_zero(&relaxed);
    }

    /// Adds a row, its numbers scaled so that the largest is about a thousand: the solver's
    /// tolerances are absolute. Rows of large numbers are kept a little open: whoever takes the
    /// answer values it in whole numbers.
    fn row(&mut self, linear: &Linear, only_at_most: bool) {
        let largest = linear.terms.values().map(|c| c.unsigned_abs()).max().unwrap_or(1);
        let scale = power_of_two_at_least(largest, 1024);
        let terms = linear.terms.iter().map(|(var, c)| (var.0, self.number(*c) / scale)).collect();
        let exact = self.number(-linear.constant) / scale;
        let seen = if scale > 1.0 { 1e-6 } else { 0.0 };
        let open = match self.rows_are {
            Rows::Open if only_at_most => seen + self.number(linear.off) / scale,
            _ => 0.0,
        };
        self.widest = self.widest.max(open * scale);
        let upper = exact + open;
        let lower = if only_at_most { f64::NEG_INFINITY } else { exact };
        self.rows.push(Row { lower, upper, terms });
    }

    #[expect(clippy::cast_precision_loss, reason = "numbers that lose digits are noted")]
    fn number(&mut self, value: i128) -> f64 {
        if value.abs() > EXACT * EXACT {
            self.overflow = true;
        }
        value as f64
    }

    /// The model that minimises an expression, and what its objective has to be multiplied by.
    pub(crate) fn model(mut self, objective: &Linear) -> (Model, f64) {
        let largest = objective.terms.values().map(|c| c.unsigned_abs()).max().unwrap_or(1);
        let scale = power_of_two_at_least(largest, 1024);
        let mut costs = vec![0.0; self.bounds.len()];
        for (var, c) in &objective.terms {
            costs[var.0] = self.number(*c) / scale;
        }
        let bounds = std::mem::take(&mut self.bounds);
        let columns = bounds
            .into_iter()
            .zip(costs)
            .zip(self.integer.clone())
            .map(|(((lower, upper), cost), integer)| Column {
                cost,
                lower: self.number(lower),
                upper: self.number(upper),
                integer,
            })
            .collect();
        (Model { columns, rows: self.rows }, scale)
    }
}

/// The smallest power of two that brings a number down to at most `to`; 1 for small numbers.
fn power_of_two_at_least(number: u128, to: u128) -> f64 {
    let mut scale = 1.0;
    let mut left = number;
    while left > to {
        left /= 2;
        scale *= 2.0;
    }
    scale
}
