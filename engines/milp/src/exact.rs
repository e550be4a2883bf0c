//! The other side of measures that are not only better small: bounds from above, which make the
//! column of a measure exactly what it measures; and products, which are exact by themselves.

use coc_optimizer::problem::{Combination, STEPS_MAX};

use crate::expression::{Linear, Var};
use crate::measures::Measured;
use crate::model::Program;

impl Program<'_> {
    /// Keeps an excess from being more than what it is of, where that is above zero, and above zero
    /// where it is not.
    pub(crate) fn excess_at_most(&mut self, excess: &Linear, of: &Linear) {
        let (least, most) = self.builder.range(of);
        let above = self.builder.binary();
        // excess ≤ most · above; excess ≤ of − least · (1 − above)
        let mut none = excess.clone();
        none.add(-most.max(0), above);
        self.builder.at_most_zero(&none);
        let mut beyond = excess.clone().minus(of);
        beyond.constant += least.min(0);
        beyond.add(-least.min(0), above);
        self.builder.at_most_zero(&beyond);
    }

    /// One of some expressions is at least as large as `top`.
    pub(crate) fn reached(&mut self, top: &Linear, by: &[Linear]) {
        let mut chosen = Linear::constant(1);
        for expression in by {
            let choice = self.builder.binary();
            chosen.add(-1, choice);
            let below = top.clone().minus(expression);
            self.builder.at_most_zero_if(&below, &[Linear::var(choice)]);
        }
        self.builder.at_most_zero(&chosen);
    }

    /// Keeps a largest value from being more than its floor and what one pair of columns, both 1,
    /// brings. A value with one column names it twice.
    pub(crate) fn largest_at_most(
        &mut self,
        largest: &Linear,
        floor: i128,
        values: &[(i128, Var, Var)],
    ) {
        let mut above = largest.clone();
        above.constant -= floor;
        let mut one = Linear::constant(-1);
        for &(value, first, second) in values {
            let choice = self.builder.binary();
            one.add(1, choice);
            above.add(-(value - floor), choice);
            for column in [first, second] {
                self.builder.at_most_zero(&Linear::var(choice).minus(&Linear::var(column)));
            }
        }
        self.builder.at_most_zero(&one);
        self.builder.at_most_zero(&above);
    }

    /// A product of two combinations: the one that takes fewer values is written as its least value
    /// and a sum of steps, and each step times the other is a column of its own (McCormick, exact as
    /// steps are 0 or 1).
    pub(crate) fn product(&mut self, a: &Combination, b: &Combination) -> Result<Linear, Measured> {
        let (a, b) = (self.combination(a)?, self.combination(b)?);
        let width = |builder: &crate::expression::Builder, of: &Linear| {
            let (least, most) = builder.range(of);
            most.saturating_sub(least)
        };
        let (steps, other) =
            if width(&self.builder, &a) <= width(&self.builder, &b) { (a, b) } else { (b, a) };
        let (least, most) = self.builder.range(&steps);
        if most.saturating_sub(least) > STEPS_MAX {
            let says =
                format!("a product of two numbers that both take more than {STEPS_MAX} values");
            return Err(Measured(says));
        }
        let mut product = Linear::default();
        product.add_all(least, &other);
        let columns: Vec<Var> = (least..most).map(|_| self.builder.binary()).collect();
        let mut sum = steps;
        sum.constant -= least;
        for (index, column) in columns.iter().enumerate() {
            sum.add(-1, *column);
            if let Some(before) = index.checked_sub(1).map(|i| columns[i]) {
                self.builder.at_most_zero(&Linear::var(*column).minus(&Linear::var(before)));
            }
            let share = self.step_times(*column, &other);
            product.add_all(1, &share);
            product.off = product.off.saturating_add(other.off);
        }
        self.builder.zero(&sum);
        Ok(product)
    }

    /// A column of 0 or 1 times an expression.
    fn step_times(&mut self, step: Var, of: &Linear) -> Linear {
        let (least, most) = self.builder.range(of);
        let share = self.builder.continuous(least.min(0), most.max(0));
        // least · step ≤ share ≤ most · step
        let mut below = share.clone();
        below.add(-most, step);
        self.builder.at_most_zero(&below);
        let mut above = Linear::default().minus(&share);
        above.add(least, step);
        self.builder.at_most_zero(&above);
        // of − most · (1 − step) ≤ share ≤ of − least · (1 − step)
        let mut least_share = of.clone().minus(&share);
        least_share.constant -= most;
        least_share.add(most, step);
        self.builder.at_most_zero(&least_share);
        let mut most_share = share.clone().minus(of);
        most_share.constant += least;
        most_share.add(-least, step);
        self.builder.at_most_zero(&most_share);
        share
    }
}
