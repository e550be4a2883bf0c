//! Numbers out of cells: exact, in the model's units, unknown where they make no sense.

use coc_model::decimal::{Decimal, ONE};
use coc_model::mistake::Mistake;

use crate::table::{Column, Row};

/// Bytes in the GiB that memory is given in.
pub(crate) const GIB: u64 = 1 << 30;
/// Bytes in the GB that disks and traffic are given in.
pub(crate) const GB: u64 = 1_000_000_000;

/// What becomes of a cell that makes no sense: the rest of its row is used.
pub(crate) const TAKEN_AS_UNKNOWN: &str = "it is taken as unknown";
/// What becomes of a row that is of no use without the cell.
pub(crate) const ROW_LEFT_OUT: &str = "the row is not used";

/// What stands in the cell of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Figure {
    /// Nothing: not known.
    Absent,
    /// A number.
    Number(Decimal),
    /// Something else; a notice says so.
    Wrong,
}

/// Reads a cell as a number. What is none gives a notice, with what becomes of it.
pub(crate) fn figure(
    row: &Row<'_>,
    column: Column,
    outcome: &str,
    notices: &mut Vec<Mistake>,
) -> Figure {
    let Some(text) = row.text(column) else { return Figure::Absent };
    match text.parse() {
        Ok(number) => Figure::Number(number),
        Err(error) => {
            let says = format!("catalogue error: {}: {error}; {outcome}", column.name);
            notices.push(row.notice(column, says));
            Figure::Wrong
        }
    }
}

/// Reads a cell as a number above zero; anything else gives a notice, with what becomes of it.
pub(crate) fn positive(
    row: &Row<'_>,
    column: Column,
    outcome: &str,
    notices: &mut Vec<Mistake>,
) -> Option<Decimal> {
    let number = number(row, column, outcome, notices)?;
    if number > Decimal::ZERO {
        return Some(number);
    }
    let says =
        format!("catalogue error: {} is {number}, not a positive number; {outcome}", column.name);
    notices.push(row.notice(column, says));
    None
}

/// Reads a cell as zero or more; anything else gives a notice and is unknown.
pub(crate) fn not_negative(
    row: &Row<'_>,
    column: Column,
    notices: &mut Vec<Mistake>,
) -> Option<Decimal> {
    let number = number(row, column, TAKEN_AS_UNKNOWN, notices)?;
    if !number.is_negative() {
        return Some(number);
    }
    let name = column.name;
    let says = format!("catalogue error: {name} is {number}, not zero or more; {TAKEN_AS_UNKNOWN}");
    notices.push(row.notice(column, says));
    None
}

/// Reads a cell as any number; anything else gives a notice, with what becomes of it.
pub(crate) fn number(
    row: &Row<'_>,
    column: Column,
    outcome: &str,
    notices: &mut Vec<Mistake>,
) -> Option<Decimal> {
    match figure(row, column, outcome, notices) {
        Figure::Number(number) => Some(number),
        Figure::Absent | Figure::Wrong => None,
    }
}

/// A number of units as an integer of a smaller unit, `factor` of them in one: rounded down, so
/// that nothing is promised that is not there. `None` if it does not fit or nothing is left of it.
pub(crate) fn floor(number: Decimal, factor: u64) -> Option<u64> {
    let scaled = number.checked_mul_integer(i128::from(factor))?.atto() / ONE;
    u64::try_from(scaled).ok()
}

/// As [`floor`], rounded up: for what must not be understated.
pub(crate) fn ceiling(number: Decimal, factor: u64) -> Option<u64> {
    let scaled = number.checked_mul_integer(i128::from(factor))?.atto();
    u64::try_from(scaled.checked_add(ONE - 1)? / ONE).ok()
}

/// As [`positive`], in a smaller unit; a notice too if the number is too large or comes to nothing.
pub(crate) fn amount(
    row: &Row<'_>,
    column: Column,
    factor: u64,
    notices: &mut Vec<Mistake>,
) -> Option<u64> {
    let number = positive(row, column, TAKEN_AS_UNKNOWN, notices)?;
    let scaled = floor(number, factor).filter(|&scaled| scaled > 0);
    if scaled.is_none() {
        let says = format!("catalogue error: {} is out of range; {TAKEN_AS_UNKNOWN}", column.name);
        notices.push(row.notice(column, says));
    }
    scaled
}

/// Reads a cell as true or false, written so or as 1 or 0; anything else gives a notice and is
/// unknown.
pub(crate) fn flag(row: &Row<'_>, column: Column, notices: &mut Vec<Mistake>) -> Option<bool> {
    let text = row.text(column)?;
    let value = match text {
        "1" => Some(true),
        "0" => Some(false),
        _ => truth(text),
    };
    if value.is_none() {
        let says = format!(
            "catalogue error: {} is \"{text}\", not true or false; {TAKEN_AS_UNKNOWN}",
            column.name
        );
        notices.push(row.notice(column, says));
    }
    value
}

/// The truth value of a word, in any letter case.
pub(crate) fn truth(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_exact_and_rounded_to_the_careful_side() {
        for (text, factor, down, up) in [
            ("8", GIB, 8_589_934_592, 8_589_934_592),
            ("0.612305", GIB, 657_457_487, 657_457_488),
            ("0.781", 1000, 781, 781),
            ("0.333", 1000, 333, 333),
            ("16.6667", 1000, 16_666, 16_667),
            ("0.0001", 1000, 0, 1),
            ("1e-18", 1, 0, 1),
        ] {
            let number: Decimal = text.parse().unwrap();
            assert_eq!(floor(number, factor), Some(down), "{text}");
            assert_eq!(ceiling(number, factor), Some(up), "{text}");
        }
        let huge: Decimal = "170000000000000000000".parse().unwrap();
        assert_eq!((floor(huge, 1), ceiling(huge, GIB)), (None, None));
    }
}
