//! Quantities with units: integers of one base unit per dimension.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::decimal::{Decimal, DecimalError, ONE};

/// What a number measures, and in which base unit its integer counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dimension {
    /// A plain number; counts thousandths of it where fractions are allowed.
    Count,
    /// Processor time, in thousandths of a vCPU.
    Cpu,
    /// Bytes in memory or on disk.
    Bytes,
    /// Microseconds.
    Time,
    /// Bytes sent in a month.
    Traffic,
    /// Bits per second.
    Bandwidth,
    /// Milligrams of CO₂ equivalent per kWh.
    CarbonIntensity,
    /// Parts per million.
    Ratio,
}

/// Why a text is not a quantity of the wanted dimension.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum QuantityError {
    /// The number in it does not read.
    #[error(transparent)]
    Number(#[from] DecimalError),
    /// The unit is unknown, or of another dimension.
    #[error("\"{text}\" is not {what}: expected {expected}")]
    Unit {
        /// What was written.
        text: String,
        /// What it should have been.
        what: &'static str,
        /// The units that would do.
        expected: &'static str,
    },
    /// Not a whole number of the base unit.
    #[error("\"{0}\" is finer than its smallest unit")]
    TooFine(String),
    /// Below zero where that means nothing.
    #[error("\"{0}\" is negative")]
    Negative(String),
    /// Beyond 64 bits.
    #[error("\"{0}\" is too large")]
    TooLarge(String),
}

macro_rules! quantity {
    ($(#[$doc:meta])* $name:ident, $what:literal, $expected:literal, [$($unit:literal => $factor:expr),+ $(,)?]) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl $name {
            /// Reads a number with a unit.
            ///
            /// # Errors
            /// What [`QuantityError`] lists.
            pub fn parse(text: &str) -> Result<Self, QuantityError> {
                let (number, unit) = split_unit(text);
                let factor: i128 = match unit {
                    $($unit => $factor,)+
                    _ => return Err(QuantityError::Unit { text: text.to_owned(), what: $what, expected: $expected }),
                };
                scaled(text, number, factor).map(Self)
            }
        }
    };
}

quantity!(
    /// Processor time in thousandths of a vCPU.
    Cpu, "an amount of processor time", "vCPUs like 0.5 or thousandths like 500m",
    ["" => 1000, "m" => 1]
);

quantity!(
    /// Bytes, with the suffixes of Kubernetes and of our own format: `k M G T P E` are powers of
    /// 1000, `Ki Mi Gi Ti Pi Ei` powers of 1024. Compose has rules of its own, in its reader.
    Bytes, "an amount of memory or storage", "bytes, or a number with Ki, Mi, Gi, Ti, k, M, G or T",
    [
        "" => 1, "B" => 1,
        "k" => 1_000, "kB" => 1_000, "KB" => 1_000, "M" => 1_000_000, "MB" => 1_000_000,
        "G" => 1_000_000_000, "GB" => 1_000_000_000, "T" => 1_000_000_000_000, "TB" => 1_000_000_000_000,
        "P" => 1_000_000_000_000_000, "E" => 1_000_000_000_000_000_000,
        "Ki" => 1 << 10, "KiB" => 1 << 10, "Mi" => 1 << 20, "MiB" => 1 << 20, "Gi" => 1 << 30, "GiB" => 1 << 30,
        "Ti" => 1 << 40, "TiB" => 1 << 40, "Pi" => 1 << 50, "Ei" => 1 << 60,
    ]
);

quantity!(
    /// A span of time in microseconds.
    Micros, "a time", "a number with us, ms, s, m or h",
    ["us" => 1, "ms" => 1_000, "s" => 1_000_000, "m" => 60_000_000, "h" => 3_600_000_000]
);

quantity!(
    /// Bytes sent in a month.
    Traffic, "an amount of traffic", "an amount per month like 200GB/month or 1TiB/month",
    [
        "MB/month" => 1_000_000, "GB/month" => 1_000_000_000, "TB/month" => 1_000_000_000_000,
        "MiB/month" => 1 << 20, "GiB/month" => 1 << 30, "TiB/month" => 1 << 40,
    ]
);

fn split_unit(text: &str) -> (&str, &str) {
    let text = text.trim();
    let end = text
        .char_indices()
        .find(|&(i, c)| !(c.is_ascii_digit() || c == '.' || (i == 0 && (c == '-' || c == '+'))))
        .map_or(text.len(), |(i, _)| i);
    let (number, unit) = text.split_at(end);
    (number, unit.trim())
}

fn scaled(text: &str, number: &str, factor: i128) -> Result<u64, QuantityError> {
    let number: Decimal = number.parse()?;
    if number.is_negative() {
        return Err(QuantityError::Negative(text.to_owned()));
    }
    let large = || QuantityError::TooLarge(text.to_owned());
    let product = number.checked_mul_integer(factor).ok_or_else(large)?.atto();
    if product % ONE != 0 {
        return Err(QuantityError::TooFine(text.to_owned()));
    }
    u64::try_from(product / ONE).map_err(|_| large())
}

impl Cpu {
    /// Thousandths of a vCPU.
    pub const fn millicores(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Cpu {
    /// `500m`, or `2` for whole vCPUs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_multiple_of(1000) {
            write!(f, "{}", self.0 / 1000)
        } else {
            write!(f, "{}m", self.0)
        }
    }
}

impl fmt::Display for Bytes {
    /// The largest binary unit that keeps it exact: `256Mi`, `1536Mi`, `1000000000`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (bits, unit) in [(60, "Ei"), (50, "Pi"), (40, "Ti"), (30, "Gi"), (20, "Mi"), (10, "Ki")]
        {
            if self.0 != 0 && self.0.is_multiple_of(1 << bits) {
                return write!(f, "{}{unit}", self.0 >> bits);
            }
        }
        write!(f, "{}", self.0)
    }
}

impl fmt::Display for Micros {
    /// Milliseconds, with as many digits as it needs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = Decimal::from_atto(i128::from(self.0) * (ONE / 1000));
        write!(f, "{ms} ms")
    }
}

impl fmt::Display for Traffic {
    /// Gigabytes (10⁹) per month.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gb = Decimal::from_atto(i128::from(self.0) * (ONE / 1_000_000_000));
        write!(f, "{gb} GB/month")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn suffixes_mean_what_kubernetes_says() {
        for (text, bytes) in [
            ("512M", 512_000_000),
            ("512Mi", 536_870_912),
            ("1G", 1_000_000_000),
            ("1Gi", 1_073_741_824),
            ("0.5Gi", 536_870_912),
            ("134217728", 134_217_728),
        ] {
            assert_eq!(Bytes::parse(text), Ok(Bytes(bytes)), "{text}");
        }
        for (text, milli) in [("0.5", 500), ("500m", 500), ("2", 2000), ("0.001", 1)] {
            assert_eq!(Cpu::parse(text), Ok(Cpu(milli)), "{text}");
        }
        assert_eq!(Micros::parse("20ms"), Ok(Micros(20_000)));
        assert_eq!(Traffic::parse("200GB/month"), Ok(Traffic(200_000_000_000)));
    }

    #[test]
    fn unit_mistakes_are_told() {
        assert!(matches!(Bytes::parse("512MBs"), Err(QuantityError::Unit { .. })));
        assert!(matches!(Cpu::parse("1Gi"), Err(QuantityError::Unit { .. })));
        assert!(matches!(Cpu::parse("0.0001"), Err(QuantityError::TooFine(_))));
        assert!(matches!(Bytes::parse("-1Gi"), Err(QuantityError::Negative(_))));
        assert!(matches!(Bytes::parse("99999999E"), Err(QuantityError::TooLarge(_))));
        assert!(matches!(Traffic::parse("200GB"), Err(QuantityError::Unit { .. })));
        assert!(matches!(Micros::parse("20"), Err(QuantityError::Unit { .. })));
    }

    proptest! {
        #[test]
        fn bytes_write_and_read_back(n in any::<u64>()) {
            prop_assert_eq!(Bytes::parse(&Bytes(n).to_string()), Ok(Bytes(n)));
        }

        #[test]
        fn cpu_writes_and_reads_back(n in 0..10_000_000_u64) {
            prop_assert_eq!(Cpu::parse(&Cpu(n).to_string()), Ok(Cpu(n)));
        }

        #[test]
        fn no_text_panics(text in ".{0,30}") {
            let _ = (Bytes::parse(&text), Cpu::parse(&text), Micros::parse(&text), Traffic::parse(&text));
        }
    }
}
