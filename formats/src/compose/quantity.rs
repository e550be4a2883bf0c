//! Quantities by the rules of Compose, which are not those of Kubernetes: `k`, `m` and `g` of bytes
//! are powers of 1024, with or without a `b` after them and in either case.

use coc_model::decimal::{Decimal, ONE};
use coc_model::mistake::closest;
use coc_model::quantity::{Bytes, Cpu, Micros};

/// What a text that is no number of bytes should have been.
pub(super) const BYTES: &str = "a number of bytes, or a number with b, k, m or g (powers of 1024)";
/// What a text that is no time should have been.
pub(super) const TIME: &str = "a time like 1m30s, 20s or 500ms";
/// What a text that is no amount of processor time should have been.
pub(super) const CPUS: &str = "a number of processors like 0.5 or 2";

/// A number of bytes: `134217728`, `512m`, `1.5GB`, `60M`, `2 GiB`. A fraction of a byte is cut off.
pub(super) fn bytes(text: &str) -> Option<Bytes> {
    let end = text.rfind(|c: char| c.is_ascii_digit() || c == '.').map_or(0, |i| i + 1);
    let (number, unit) = text.split_at(end);
    if !number.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return None;
    }
    let unit = unit.strip_prefix(' ').unwrap_or(unit).to_ascii_lowercase();
    let shift = match unit.as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        "t" | "tb" | "tib" => 40,
        "p" | "pb" | "pib" => 50,
        _ => return None,
    };
    let number: Decimal = number.parse().ok()?;
    let product = number.checked_mul_integer(1 << shift)?.atto() / ONE;
    u64::try_from(product).ok().map(Bytes)
}

/// A text that was probably meant for a number of bytes, written rightly: `512m` for `512MBs`.
pub(super) fn meant_bytes(text: &str) -> Option<String> {
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
    let (number, unit) = text.split_at(end);
    let unit = unit.trim().to_ascii_lowercase();
    let units = ["kb", "mb", "gb", "tb", "kib", "mib", "gib"];
    let near = closest(&unit, units)?;
    let meant = format!("{number}{}", near.chars().next()?);
    let bytes = bytes(&meant)?;
    Some(format!("{meant} ({} bytes)", bytes.0))
}

/// Processor time: the amount to plan with, rounded up to thousandths, and the exact one in
/// 10⁻⁹ of a processor, as the Docker Engine counts it.
pub(super) fn cpus(text: &str) -> Option<(Cpu, i64)> {
    const NANO: i128 = ONE / 1_000_000_000;
    let number: Decimal = text.parse().ok()?;
    let nano = i64::try_from(number.atto() / NANO).ok().filter(|&nano| nano >= 0)?;
    let milli = u64::try_from(nano).ok()?.div_ceil(1_000_000);
    Some((Cpu(milli), nano))
}

/// A time: numbers with `w`, `d`, `h`, `m`, `s`, `ms`, `us` or `ns`, one after another; `0`.
/// Exact in microseconds.
pub(super) fn time(text: &str) -> Option<Micros> {
    if text == "0" {
        return Some(Micros(0));
    }
    let mut rest = text;
    let mut nanos = 0_i128;
    while !rest.is_empty() {
        let number_end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
        let (number, tail) = rest.split_at(number_end);
        let unit_end = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, next) = tail.split_at(unit_end);
        let scale: i128 = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            "d" => 86_400_000_000_000,
            "w" => 604_800_000_000_000,
            _ => return None,
        };
        let number: Decimal = number.parse().ok()?;
        let exact = number.checked_mul_integer(scale)?.to_integer()?;
        nanos = nanos.checked_add(exact)?;
        rest = next;
    }
    let whole = !text.is_empty() && nanos % 1_000 == 0;
    u64::try_from(nanos / 1_000).ok().filter(|_| whole).map(Micros)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bytes_are_powers_of_1024() {
        for (text, expected) in [
            ("134217728", 134_217_728),
            ("512M", 536_870_912),
            ("1gb", 1_073_741_824),
            ("256m", 268_435_456),
            ("60M", 62_914_560),
            ("24M", 25_165_824),
            ("300kb", 307_200),
            ("1.5g", 1_610_612_736),
            ("2 GiB", 2_147_483_648),
            ("10b", 10),
            ("0.1k", 102),
            ("1t", 1_099_511_627_776),
            ("0", 0),
        ] {
            assert_eq!(bytes(text), Some(Bytes(expected)), "{text}");
        }
        for text in ["", "512MBs", "m", "-1", "1e3", "1 2m", "5x", "1..2m", "99999999p", "１m"] {
            assert_eq!(bytes(text), None, "{text}");
        }
        assert_eq!(meant_bytes("512MBs").as_deref(), Some("512m (536870912 bytes)"));
        assert_eq!(meant_bytes("lots"), None);
    }

    #[test]
    fn processors_are_exact_and_planned_rounded_up() {
        for (text, milli, nano) in [
            ("0.50", 500, 500_000_000),
            ("1.5", 1500, 1_500_000_000),
            ("0.05", 50, 50_000_000),
            ("2", 2000, 2_000_000_000),
            ("0.3333", 334, 333_300_000),
            ("0", 0, 0),
        ] {
            assert_eq!(cpus(text), Some((Cpu(milli), nano)), "{text}");
        }
        for text in ["", "-1", "500m", "x", "1,5"] {
            assert_eq!(cpus(text), None, "{text}");
        }
    }

    #[test]
    fn times_add_up() {
        for (text, micros) in [
            ("1m30s", 90_000_000),
            ("500ms", 500_000),
            ("1.5s", 1_500_000),
            ("2h", 7_200_000_000),
            ("1d", 86_400_000_000),
            ("1000ns", 1),
            ("5us", 5),
            ("0", 0),
        ] {
            assert_eq!(time(text), Some(Micros(micros)), "{text}");
        }
        for text in ["", "10", "s", "-1s", "1x", "1s5", "1 s", "100ns"] {
            assert_eq!(time(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[0-9.kKmMgGbBinsuhdwµ -]{0,20}") {
            let _ = (bytes(&text), meant_bytes(&text), cpus(&text), time(&text));
        }

        #[test]
        fn whole_bytes_come_back(n in any::<u64>()) {
            prop_assert_eq!(bytes(&n.to_string()), Some(Bytes(n)));
        }
    }
}
