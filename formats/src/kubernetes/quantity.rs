//! Quantities by the rules of Kubernetes: `100m`, `1.5Gi`, `2k`, `1e3`.

use coc_model::decimal::{Decimal, ONE};
use thiserror::Error;

/// An exact amount, not below zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Quantity(Decimal);

/// Why a text is not a quantity.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub(super) enum QuantityError {
    #[error(
        "\"{0}\" is not a quantity: expected a number with n, u, m, k, M, G, T, P, E, with Ki, Mi, \
         Gi, Ti, Pi, Ei, with an exponent, or with nothing"
    )]
    NotOne(String),
    #[error("\"{0}\" is negative")]
    Negative(String),
    #[error("\"{0}\" is too large")]
    TooLarge(String),
    #[error("\"{0}\" is finer than 10^-18")]
    TooFine(String),
}

impl Quantity {
    /// Reads a quantity.
    pub(super) fn parse(text: &str) -> Result<Self, QuantityError> {
        let not_one = || QuantityError::NotOne(text.to_owned());
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        let digits = |c: char| c.is_ascii_digit() || c == '.';
        let end = unsigned.find(|c| !digits(c)).unwrap_or(unsigned.len());
        let (number, suffix) = unsigned.split_at(end);
        let exponent =
            suffix.strip_prefix(['e', 'E']).filter(|rest| !rest.is_empty() && *rest != "i");
        let value = match exponent {
            Some(exponent) => decimal(&format!("{number}e{exponent}"), text)?,
            None => {
                let value = decimal(number, text)?;
                let (factor, divisor) = scale(suffix).ok_or_else(not_one)?;
                let product = value
                    .checked_mul_integer(factor)
                    .ok_or_else(|| QuantityError::TooLarge(text.to_owned()))?;
                if product.atto() % divisor != 0 {
                    return Err(QuantityError::TooFine(text.to_owned()));
                }
                Decimal::from_atto(product.atto() / divisor)
            }
        };
        if text.starts_with('-') && value > Decimal::ZERO {
            return Err(QuantityError::Negative(text.to_owned()));
        }
        Ok(Self(value))
    }

    /// The sum; `None` beyond the range.
    pub(super) fn plus(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// Units, a broken one counted as whole, as Kubernetes does; `None` beyond 63 bits.
    pub(super) fn units(self) -> Option<u64> {
        narrow(self.0.atto().div_euclid(ONE) + i128::from(self.0.atto() % ONE != 0))
    }

    /// Thousandths, a broken one counted as whole; `None` beyond 63 bits.
    pub(super) fn thousandths(self) -> Option<u64> {
        let atto = self.0.atto();
        narrow(atto.div_euclid(ONE / 1000) + i128::from(atto % (ONE / 1000) != 0))
    }

    /// True if it is a whole number of units.
    pub(super) fn is_whole(self) -> bool {
        self.0.atto() % ONE == 0
    }
}

fn narrow(value: i128) -> Option<u64> {
    i64::try_from(value).ok().and_then(|value| u64::try_from(value).ok())
}

fn decimal(number: &str, text: &str) -> Result<Decimal, QuantityError> {
    use coc_model::decimal::DecimalError;
    number.parse().map_err(|error| match error {
        DecimalError::NotANumber(_) => QuantityError::NotOne(text.to_owned()),
        DecimalError::TooFine(_) => QuantityError::TooFine(text.to_owned()),
        DecimalError::TooLarge(_) => QuantityError::TooLarge(text.to_owned()),
    })
}

/// Factor and divisor of a suffix.
fn scale(suffix: &str) -> Option<(i128, i128)> {
    let thousand = |power: u32| 1000_i128.pow(power);
    Some(match suffix {
        "" => (1, 1),
        "n" => (1, thousand(3)),
        "u" => (1, thousand(2)),
        "m" => (1, thousand(1)),
        "k" => (thousand(1), 1),
        "M" => (thousand(2), 1),
        "G" => (thousand(3), 1),
        "T" => (thousand(4), 1),
        "P" => (thousand(5), 1),
        "E" => (thousand(6), 1),
        "Ki" => (1 << 10, 1),
        "Mi" => (1 << 20, 1),
        "Gi" => (1 << 30, 1),
        "Ti" => (1 << 40, 1),
        "Pi" => (1 << 50, 1),
        "Ei" => (1 << 60, 1),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn suffixes_and_exponents_are_exact() {
        for (text, units) in [
            ("0", 0),
            ("512M", 512_000_000),
            ("512Mi", 536_870_912),
            ("0.5Gi", 536_870_912),
            ("1G", 1_000_000_000),
            ("1k", 1000),
            ("1Ki", 1024),
            ("1e3", 1000),
            ("1E3", 1000),
            ("12e6", 12_000_000),
            ("1.5e3", 1500),
            ("2E", 2_000_000_000_000_000_000),
            ("7Ei", 7 << 60),
            ("+5", 5),
            ("5.", 5),
            (".5k", 500),
            ("128974848000m", 128_974_848),
            ("0.1Gi", 107_374_183),
            ("1n", 1),
            ("1500m", 2),
            ("-0", 0),
        ] {
            let read = Quantity::parse(text).unwrap();
            assert_eq!(read.units(), Some(units), "{text}");
        }
        for (text, thousandths) in
            [("0.5", 500), ("1", 1000), ("100m", 100), ("0.1", 100), ("1u", 1), ("250.5m", 251)]
        {
            assert_eq!(Quantity::parse(text).unwrap().thousandths(), Some(thousandths), "{text}");
        }
        assert_eq!(Quantity::parse("8Ei").unwrap().units(), None, "beyond 63 bits");
    }

    #[test]
    fn what_is_no_quantity_is_refused() {
        for text in
            ["", "m", "1K", "1mi", "512MB", "1 Gi", "1_000", "0x10", "1e", "1.2.3", "--1", "1ee3"]
        {
            assert!(matches!(Quantity::parse(text), Err(QuantityError::NotOne(_))), "{text}");
        }
        assert!(matches!(Quantity::parse("-1"), Err(QuantityError::Negative(_))));
        assert!(matches!(Quantity::parse("1000E"), Err(QuantityError::TooLarge(_))));
        assert!(matches!(Quantity::parse("1e-30"), Err(QuantityError::TooFine(_))));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[-+0-9.]{0,24}[a-zA-Z]{0,3}[-+0-9]{0,12}") {
            if let Ok(quantity) = Quantity::parse(&text) {
                let _ = (quantity.units(), quantity.thousandths(), quantity.plus(quantity));
            }
        }

        #[test]
        fn thousandths_never_lose(milli in 0_u64..1_000_000_000) {
            let text = format!("{milli}m");
            prop_assert_eq!(Quantity::parse(&text).unwrap().thousandths(), Some(milli));
        }
    }
}
