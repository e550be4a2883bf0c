//! Exact decimal numbers with 18 digits after the point.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// How many digits after the point a [`Decimal`] keeps.
pub const FRACTION_DIGITS: u32 = 18;

/// 10^18: the integer that stands for 1.
pub const ONE: i128 = 1_000_000_000_000_000_000;

/// An exact decimal number: an integer count of 10⁻¹⁸.
///
/// Catalogs quote unit prices with up to 15 digits after the point, so 18 hold all of them without
/// rounding. The range is ±1.7 × 10²⁰.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decimal(i128);

/// Why a text is not a [`Decimal`].
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum DecimalError {
    /// The text is not digits with an optional sign and an optional point.
    #[error("\"{0}\" is not a decimal number")]
    NotANumber(String),
    /// More than [`FRACTION_DIGITS`] digits after the point, not all of them zero.
    #[error("\"{0}\" has more than 18 digits after the point")]
    TooFine(String),
    /// Beyond ±1.7 × 10²⁰.
    #[error("\"{0}\" is too large")]
    TooLarge(String),
}

impl Decimal {
    /// Zero.
    pub const ZERO: Self = Self(0);
    /// One.
    pub const ONE: Self = Self(ONE);

    /// The number with this count of 10⁻¹⁸.
    pub const fn from_atto(atto: i128) -> Self {
        Self(atto)
    }

    /// The count of 10⁻¹⁸.
    pub const fn atto(self) -> i128 {
        self.0
    }

    /// A whole number; `None` beyond the range.
    pub fn from_integer(value: i128) -> Option<Self> {
        value.checked_mul(ONE).map(Self)
    }

    /// Sum; `None` beyond the range.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// Product with a whole number; `None` beyond the range.
    pub fn checked_mul_integer(self, factor: i128) -> Option<Self> {
        self.0.checked_mul(factor).map(Self)
    }

    /// The whole number this is, or `None` when there is a fraction.
    pub fn to_integer(self) -> Option<i128> {
        (self.0 % ONE == 0).then_some(self.0 / ONE)
    }

    /// True below zero.
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// The nearest number to an IEEE double, by its shortest decimal spelling: the double that CEL
    /// reads for `0.4` becomes exactly 0.4.
    ///
    /// # Errors
    /// NaN, infinities, and numbers too large or too fine for a decimal.
    pub fn from_shortest(value: f64) -> Result<Self, DecimalError> {
        format!("{value}").parse()
    }

    /// Written with at least `min_digits` digits after the point, and more only where the value
    /// needs them.
    pub fn display(self, min_digits: usize) -> String {
        let magnitude = self.0.unsigned_abs();
        let one = ONE.unsigned_abs();
        let mut fraction = format!("{:018}", magnitude % one);
        let keep = fraction.trim_end_matches('0').len().max(min_digits.min(18));
        fraction.truncate(keep);
        let sign = if self.0 < 0 { "-" } else { "" };
        let whole = magnitude / one;
        if fraction.is_empty() {
            format!("{sign}{whole}")
        } else {
            format!("{sign}{whole}.{fraction}")
        }
    }
}

impl FromStr for Decimal {
    type Err = DecimalError;

    fn from_str(text: &str) -> Result<Self, DecimalError> {
        let not = || DecimalError::NotANumber(text.to_owned());
        let large = || DecimalError::TooLarge(text.to_owned());
        let (mantissa, exponent) = match text.find(['e', 'E']) {
            Some(at) => (&text[..at], text[at + 1..].parse::<i32>().map_err(|_| not())?),
            None => (text, 0),
        };
        let (negative, digits) = match mantissa.as_bytes().first() {
            Some(b'-') => (true, &mantissa[1..]),
            Some(b'+') => (false, &mantissa[1..]),
            _ => (false, mantissa),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if whole.is_empty() && fraction.is_empty() {
            return Err(not());
        }
        let mut value: i128 = 0;
        for byte in whole.bytes().chain(fraction.bytes()) {
            if !byte.is_ascii_digit() {
                return Err(not());
            }
            value = value
                .checked_mul(10)
                .and_then(|v| v.checked_add(i128::from(byte - b'0')))
                .ok_or_else(large)?;
        }
        let digits_after = i32::try_from(fraction.len()).map_err(|_| large())?;
        let shift = 18_i32
            .checked_add(exponent)
            .and_then(|s| s.checked_sub(digits_after))
            .ok_or_else(large)?;
        let power = |n: u32| 10_i128.checked_pow(n);
        let scaled = if value == 0 {
            0
        } else if shift >= 0 {
            power(shift.unsigned_abs()).and_then(|p| value.checked_mul(p)).ok_or_else(large)?
        } else {
            let fine = || DecimalError::TooFine(text.to_owned());
            let divisor = power(shift.unsigned_abs()).ok_or_else(fine)?;
            if value % divisor != 0 {
                return Err(fine());
            }
            value / divisor
        };
        Ok(Self(if negative { -scaled } else { scaled }))
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.display(0))
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<String, DecimalError> {
        text.parse::<Decimal>().map(|d| d.to_string())
    }

    #[test]
    fn texts_read_exactly() {
        for (text, same) in [
            ("0", "0"),
            ("-0.5", "-0.5"),
            ("+3.", "3"),
            (".25", "0.25"),
            ("0.136986301369863", "0.136986301369863"),
            ("1e3", "1000"),
            ("1.5E-3", "0.0015"),
            ("170000000000000000000", "170000000000000000000"),
            ("0.10000000000000000000000", "0.1"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(same), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in ["", ".", "-", "1,5", "1.2.3", "NaN", "inf", "1e", "0x10", "１"] {
            assert!(matches!(read(text), Err(DecimalError::NotANumber(_))), "{text}");
        }
        assert!(matches!(read("0.0000000000000000001"), Err(DecimalError::TooFine(_))));
        assert!(matches!(read("171000000000000000000"), Err(DecimalError::TooLarge(_))));
        assert!(matches!(read("1e2147483647"), Err(DecimalError::TooLarge(_))));
        assert!(read("1e-2147483648").is_err());
    }

    #[test]
    fn doubles_become_what_was_written() {
        assert_eq!(Decimal::from_shortest(0.4).map(|d| d.to_string()), Ok("0.4".into()));
        assert!(Decimal::from_shortest(f64::NAN).is_err());
    }

    proptest! {
        #[test]
        fn writing_and_reading_is_the_identity(atto in -ONE * 1_000_000..ONE * 1_000_000) {
            let d = Decimal::from_atto(atto);
            prop_assert_eq!(d.to_string().parse::<Decimal>(), Ok(d));
        }

        #[test]
        fn no_text_panics(text in ".{0,40}") {
            let _ = text.parse::<Decimal>();
        }
    }
}
