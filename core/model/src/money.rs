//! Money, and prices per time: exact, with a currency.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use crate::decimal::{Decimal, DecimalError, ONE};

/// Hours that a month is billed as, the convention of every large provider (8,760 h / 12).
pub const HOURS_PER_MONTH: i128 = 730;

const NANO: i128 = 1_000_000_000;

/// An amount of US dollars: an integer number of nano-dollars.
///
/// All catalogs shipped are in USD; a second currency needs a rate with a source and a date, and
/// comes with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(i128);

/// Why a text is not money or a price.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum MoneyError {
    /// The number in it does not read.
    #[error(transparent)]
    Number(#[from] DecimalError),
    /// No `USD` where a currency is due.
    #[error("\"{0}\" names no currency: expected an amount like \"5 USD\"")]
    NoCurrency(String),
    /// Another currency than USD.
    #[error("currency \"{0}\" is not known here: amounts are in USD")]
    OtherCurrency(String),
    /// A price per something else than hour or month.
    #[error("\"{0}\" is not a time a price can be per: expected \"hour\" or \"month\"")]
    OtherPeriod(String),
    /// Finer than a nano-dollar.
    #[error("\"{0}\" is finer than a nano-dollar")]
    TooFine(String),
}

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// This many nano-dollars.
    pub const fn from_nano(nano: i128) -> Self {
        Self(nano)
    }

    /// The number of nano-dollars.
    pub const fn nano(self) -> i128 {
        self.0
    }

    /// A decimal number of dollars; `None` if finer than a nano-dollar.
    pub fn from_decimal(dollars: Decimal) -> Option<Self> {
        (dollars.atto() % NANO == 0).then_some(Self(dollars.atto() / NANO))
    }

    /// The decimal number of dollars.
    pub const fn to_decimal(self) -> Decimal {
        Decimal::from_atto(self.0 * NANO)
    }

    /// Reads `5`, `5.25 USD` or `$5.25`; the currency may be left out.
    ///
    /// # Errors
    /// What [`MoneyError`] lists.
    pub fn parse(text: &str) -> Result<Self, MoneyError> {
        let (number, _) = split_currency(text.trim())?;
        let dollars: Decimal = number.parse()?;
        Self::from_decimal(dollars).ok_or_else(|| MoneyError::TooFine(text.to_owned()))
    }
}

/// Splits a currency off the front or back of an amount; true if one was named.
fn split_currency(text: &str) -> Result<(&str, bool), MoneyError> {
    if let Some(rest) = text.strip_prefix('$') {
        return Ok((rest.trim_start(), true));
    }
    let end = text.trim_end_matches(|c: char| c.is_ascii_alphabetic()).len();
    let (number, currency) = text.split_at(end);
    match currency {
        "" => Ok((number, false)),
        "USD" | "usd" => Ok((number.trim_end(), true)),
        other => Err(MoneyError::OtherCurrency(other.to_owned())),
    }
}

impl Add for Money {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sub for Money {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl AddAssign for Money {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

impl fmt::Display for Money {
    /// At least two digits after the point, and more only where the amount needs them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_decimal().display(2))
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// What a price is per.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Period {
    /// Per hour.
    Hour,
    /// Per month of [`HOURS_PER_MONTH`] hours.
    Month,
}

/// A price per hour or per month, exact as it was quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rate {
    /// Dollars per period.
    pub amount: Decimal,
    /// What the amount is per.
    pub period: Period,
}

impl Rate {
    /// A price per hour.
    pub const fn hourly(amount: Decimal) -> Self {
        Self { amount, period: Period::Hour }
    }

    /// A price per month.
    pub const fn monthly(amount: Decimal) -> Self {
        Self { amount, period: Period::Month }
    }

    /// What it costs for a month, rounded half up to a nano-dollar: what a host costs in every
    /// total, in the optimizer and in the checker alike.
    pub fn per_month(self) -> Money {
        let atto = match self.period {
            Period::Hour => self.amount.atto().saturating_mul(HOURS_PER_MONTH),
            Period::Month => self.amount.atto(),
        };
        Money(atto.saturating_add(NANO / 2).div_euclid(NANO))
    }

    /// Dollars per hour, as an exact fraction (numerator, denominator).
    pub const fn per_hour(self) -> (i128, i128) {
        match self.period {
            Period::Hour => (self.amount.atto(), ONE),
            Period::Month => (self.amount.atto(), ONE * HOURS_PER_MONTH),
        }
    }

    /// Reads `0.05 USD/hour`, `0.05 USD/h` or `36 USD/month`.
    ///
    /// # Errors
    /// What [`MoneyError`] lists; the currency must be named.
    pub fn parse(text: &str) -> Result<Self, MoneyError> {
        let (amount, period) =
            text.split_once('/').ok_or_else(|| MoneyError::OtherPeriod(text.to_owned()))?;
        let (number, named) = split_currency(amount.trim())?;
        if !named {
            return Err(MoneyError::NoCurrency(text.to_owned()));
        }
        let period = match period.trim() {
            "hour" | "h" => Period::Hour,
            "month" => Period::Month,
            other => return Err(MoneyError::OtherPeriod(other.to_owned())),
        };
        Ok(Self { amount: number.parse()?, period })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (digits, per) = match self.period {
            Period::Hour => (4, "hour"),
            Period::Month => (2, "month"),
        };
        write!(f, "{} USD/{per}", self.amount.display(digits))
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_read_and_write() {
        for (text, written) in [
            ("190", "190.00"),
            ("0.096 USD", "0.096"),
            ("$5310", "5310.00"),
            ("-0.000000001USD", "-0.000000001"),
        ] {
            assert_eq!(Money::parse(text).map(|m| m.to_string()), Ok(written.into()), "{text}");
        }
        assert!(matches!(Money::parse("5 EUR"), Err(MoneyError::OtherCurrency(_))));
        assert!(matches!(Money::parse("0.0000000001"), Err(MoneyError::TooFine(_))));
        assert!(matches!(Money::parse("five USD"), Err(MoneyError::Number(_))));
    }

    #[test]
    fn a_month_of_an_hourly_price_is_730_hours_to_the_nano_dollar() {
        let month = |text: &str| Rate::parse(text).map(|r| r.per_month().to_string());
        assert_eq!(month("0.0960 USD/hour"), Ok("70.08".into()));
        assert_eq!(month("0.136986301369863 USD/hour"), Ok("100.00".into()));
        assert_eq!(month("36 USD/month"), Ok("36.00".into()));
        assert!(month("170000000000000000000 USD/hour").is_ok(), "absurd, but no reason to panic");
    }

    #[test]
    fn a_price_needs_a_currency_and_a_known_period() {
        assert!(matches!(Rate::parse("0.05/hour"), Err(MoneyError::NoCurrency(_))));
        assert!(matches!(Rate::parse("0.05 USD/day"), Err(MoneyError::OtherPeriod(_))));
        assert!(matches!(Rate::parse("0.05 USD"), Err(MoneyError::OtherPeriod(_))));
        assert_eq!(Rate::parse("0.096 USD/h").map(|r| r.to_string()), Ok("0.0960 USD/hour".into()));
    }
}
