//! Numbers of the goal language: exact fractions with units.

use std::fmt;

use coc_model::decimal::{Decimal, ONE};
use coc_model::money::HOURS_PER_MONTH;
use num_rational::Ratio;
use num_traits::{CheckedAdd, CheckedDiv, CheckedMul, CheckedSub};

/// An exact fraction of 128-bit integers.
pub type Fraction = Ratio<i128>;

/// What a number of the language measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unit {
    /// A plain number.
    One,
    /// Dollars; of a price per hour or a cost per month where it is compared with one.
    Money,
    /// Dollars per hour: the price of an offer or a host.
    MoneyPerHour,
    /// Dollars per month of 730 hours: `cost`, `monthly(...)`.
    MoneyPerMonth,
    /// Dollars per year of 8760 hours: `yearly(...)`.
    MoneyPerYear,
    /// Milliseconds.
    Time,
    /// Bytes.
    Bytes,
    /// Bytes per month.
    Traffic,
    /// Grams of CO₂ equivalent per month.
    Carbon,
}

impl Unit {
    /// The unit in words, for messages.
    pub const fn words(self) -> &'static str {
        match self {
            Self::One => "a plain number",
            Self::Money => "an amount of money",
            Self::MoneyPerHour => "money per hour",
            Self::MoneyPerMonth => "money per month",
            Self::MoneyPerYear => "money per year",
            Self::Time => "a time",
            Self::Bytes => "a number of bytes",
            Self::Traffic => "traffic per month",
            Self::Carbon => "carbon per month",
        }
    }

    /// The unit as plans show it beside a value.
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::One => "",
            Self::Money => "USD",
            Self::MoneyPerHour => "USD/hour",
            Self::MoneyPerMonth => "USD/month",
            Self::MoneyPerYear => "USD/year",
            Self::Time => "ms",
            Self::Bytes => "bytes",
            Self::Traffic => "bytes/month",
            Self::Carbon => "g CO2e/month",
        }
    }

    /// The unit of a sum, difference or comparison of two numbers; `None` if they don't go
    /// together. An amount `usd(n)` goes with prices and with costs, and takes their unit.
    pub fn with(self, other: Self) -> Option<Self> {
        match (self, other) {
            (a, b) if a == b => Some(a),
            (Self::Money, b) if b.hours().is_some() => Some(b),
            (a, Self::Money) if a.hours().is_some() => Some(a),
            _ => None,
        }
    }

    /// The hours in the time that money is paid for.
    pub const fn hours(self) -> Option<i128> {
        match self {
            Self::MoneyPerHour => Some(1),
            Self::MoneyPerMonth => Some(HOURS_PER_MONTH),
            Self::MoneyPerYear => Some(12 * HOURS_PER_MONTH),
            _ => None,
        }
    }
}

/// A number with its unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Number {
    /// The value in the unit.
    pub value: Fraction,
    /// What it measures.
    pub unit: Unit,
}

/// The functions that give a plain number a unit, with the factor to the unit's base.
pub const UNIT_FUNCTIONS: [(&str, Unit, i128, i128); 14] = [
    ("usd", Unit::Money, 1, 1),
    ("us", Unit::Time, 1, 1000),
    ("ms", Unit::Time, 1, 1),
    ("seconds", Unit::Time, 1000, 1),
    ("KiB", Unit::Bytes, 1 << 10, 1),
    ("MiB", Unit::Bytes, 1 << 20, 1),
    ("GiB", Unit::Bytes, 1 << 30, 1),
    ("TiB", Unit::Bytes, 1 << 40, 1),
    ("MB", Unit::Bytes, 1_000_000, 1),
    ("GB", Unit::Bytes, 1_000_000_000, 1),
    ("TB", Unit::Bytes, 1_000_000_000_000, 1),
    ("gbPerMonth", Unit::Traffic, 1_000_000_000, 1),
    ("grams", Unit::Carbon, 1, 1),
    ("kg", Unit::Carbon, 1000, 1),
];

/// The functions that turn money paid for one time into money paid for another.
pub const PERIOD_FUNCTIONS: [(&str, Unit); 3] = [
    ("hourly", Unit::MoneyPerHour),
    ("monthly", Unit::MoneyPerMonth),
    ("yearly", Unit::MoneyPerYear),
];

impl Number {
    /// A plain whole number.
    pub fn integer(value: i128) -> Self {
        Self { value: Fraction::from_integer(value), unit: Unit::One }
    }

    /// A decimal in a unit.
    pub fn decimal(value: Decimal, unit: Unit) -> Self {
        Self { value: Fraction::new(value.atto(), ONE), unit }
    }

    /// Sum; `None` where units don't go together or the result is out of range.
    pub fn plus(self, other: Self) -> Option<Self> {
        let unit = self.unit.with(other.unit)?;
        Some(Self { value: self.value.checked_add(&other.value)?, unit })
    }

    /// Difference; `None` like [`Number::plus`].
    pub fn minus(self, other: Self) -> Option<Self> {
        let unit = self.unit.with(other.unit)?;
        Some(Self { value: self.value.checked_sub(&other.value)?, unit })
    }

    /// Product, one of the two a plain number.
    pub fn times(self, other: Self) -> Option<Self> {
        let unit = product_unit(self.unit, other.unit)?;
        Some(Self { value: self.value.checked_mul(&other.value)?, unit })
    }

    /// Quotient: by a plain number, or of two of one unit.
    pub fn over(self, other: Self) -> Option<Self> {
        let unit = quotient_unit(self.unit, other.unit)?;
        Some(Self { value: self.value.checked_div(&other.value)?, unit })
    }

    /// Written as a decimal with as many digits as it needs, at most 6 of an endless one, and the
    /// unit.
    pub fn display(self) -> String {
        let digits = match self.unit {
            Unit::Money | Unit::MoneyPerMonth | Unit::MoneyPerYear => 2,
            Unit::MoneyPerHour => 4,
            _ => 0,
        };
        let text = display_fraction(self.value, digits);
        match self.unit.suffix() {
            "" => text,
            suffix => format!("{text} {suffix}"),
        }
    }
}

/// A fraction as a decimal: exact if it ends within 18 digits, else cut after 6.
pub fn display_fraction(value: Fraction, min_digits: usize) -> String {
    let exact = if ONE % value.denom() == 0 {
        i128::checked_mul(*value.numer(), ONE / value.denom()).map(Decimal::from_atto)
    } else {
        None
    };
    match exact {
        Some(decimal) => decimal.display(min_digits),
        None => {
            let millionths = (value * Fraction::from_integer(1_000_000)).trunc().to_integer();
            Decimal::from_atto(millionths.saturating_mul(ONE / 1_000_000)).display(min_digits)
        }
    }
}

/// The unit of a product; `None` unless one factor is a plain number.
pub fn product_unit(a: Unit, b: Unit) -> Option<Unit> {
    match (a, b) {
        (Unit::One, u) | (u, Unit::One) => Some(u),
        _ => None,
    }
}

/// The unit of a quotient; `None` unless the divisor is a plain number or the units go together.
pub fn quotient_unit(a: Unit, b: Unit) -> Option<Unit> {
    match b {
        Unit::One => Some(a),
        _ => a.with(b).map(|_| Unit::One),
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str, unit: Unit) -> Number {
        Number::decimal(text.parse().unwrap(), unit)
    }

    #[test]
    fn amounts_take_the_unit_of_what_they_meet() {
        let hour = number("0.096", Unit::MoneyPerHour);
        let usd = number("0.4", Unit::Money);
        assert_eq!(hour.plus(usd).map(|n| n.to_string()), Some("0.4960 USD/hour".into()));
        assert_eq!(hour.plus(number("1", Unit::MoneyPerMonth)), None);
        assert_eq!(hour.plus(Number::integer(1)), None);
    }

    #[test]
    fn thirds_are_exact_inside_and_cut_outside() {
        let third = Number::integer(1).over(Number::integer(3)).unwrap();
        assert_eq!(third.to_string(), "0.333333");
        assert_eq!(third.times(Number::integer(3)).unwrap(), Number::integer(1));
        assert_eq!(Number::integer(1).over(Number::integer(0)), None);
    }

    #[test]
    fn a_square_of_money_is_nothing() {
        let usd = number("2", Unit::Money);
        assert_eq!(usd.times(usd), None);
        assert_eq!(usd.over(usd), Some(Number::integer(1)));
    }
}
