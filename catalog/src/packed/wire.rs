//! The words that the packed catalog is written in: variable-length integers, exact decimals, and
//! columns with their lengths.

use coc_model::decimal::{Decimal, FRACTION_DIGITS};

use super::CatalogError::{self, Damaged};

/// What is written, byte by byte.
#[derive(Debug, Default)]
pub(super) struct Writer(pub(super) Vec<u8>);

impl Writer {
    /// One byte.
    pub(super) fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    /// An integer in base 128, least digit first, the high bit set on all bytes but the last
    /// (LEB128).
    pub(super) fn int(&mut self, value: u64) {
        self.wide(u128::from(value));
    }

    /// An integer of 128 bits, as [`Self::int`].
    pub(super) fn wide(&mut self, mut value: u128) {
        while value >= 0x80 {
            self.0.push(value.to_le_bytes()[0] | 0x80);
            value >>= 7;
        }
        self.0.push(value.to_le_bytes()[0]);
    }

    /// A count.
    pub(super) fn count(&mut self, count: usize) {
        self.int(count as u64);
    }

    /// A signed integer, small magnitudes short (zigzag).
    pub(super) fn signed(&mut self, value: i64) {
        self.int(((value << 1) ^ (value >> 63)).cast_unsigned());
    }

    /// An integer that may be unknown: zero if it is, else one more.
    pub(super) fn maybe(&mut self, value: Option<u64>) {
        self.wide(value.map_or(0, |v| u128::from(v) + 1));
    }

    /// A decimal number: how many digits it has after the point, and all its digits as an integer.
    pub(super) fn decimal(&mut self, number: Decimal) {
        let (digits, scale) = shortest(number);
        self.byte(scale);
        self.digits(digits);
    }

    /// The digits of a decimal number, small magnitudes short (zigzag).
    pub(super) fn digits(&mut self, digits: i128) {
        self.wide(((digits << 1) ^ (digits >> 127)).cast_unsigned());
    }

    /// A decimal number that may be unknown.
    pub(super) fn maybe_decimal(&mut self, number: Option<Decimal>) {
        self.byte(u8::from(number.is_some()));
        if let Some(number) = number {
            self.decimal(number);
        }
    }

    /// What another writer holds, with its length.
    pub(super) fn column(&mut self, column: &Self) {
        self.count(column.0.len());
        self.0.extend_from_slice(&column.0);
    }
}

/// A number as its digits and how many of them stand after the point, at most 18.
pub(super) fn shortest(number: Decimal) -> (i128, u8) {
    let (mut digits, mut scale) = (number.atto(), 18_u8);
    while scale > 0 && digits % 10 == 0 {
        digits /= 10;
        scale -= 1;
    }
    (digits, scale)
}

/// What is read, from the front. Every read beyond the end, or of a value that can't be, is an
/// error.
#[derive(Clone, Debug)]
pub(super) struct Reader<'b>(pub(super) &'b [u8]);

/// What the digits of a number are multiplied by to count 10⁻¹⁸, by how many stand after the point.
const POWERS: [i128; FRACTION_DIGITS as usize + 1] = {
    let mut powers = [1; FRACTION_DIGITS as usize + 1];
    let mut scale = FRACTION_DIGITS as usize;
    while scale > 0 {
        scale -= 1;
        powers[scale] = powers[scale + 1] * 10;
    }
    powers
};

const SHORT: CatalogError = Damaged("it ends too early");
const RANGE: CatalogError = Damaged("a number is out of range");

impl<'b> Reader<'b> {
    /// One byte.
    #[inline]
    pub(super) fn byte(&mut self) -> Result<u8, CatalogError> {
        let (&first, rest) = self.0.split_first().ok_or(SHORT)?;
        self.0 = rest;
        Ok(first)
    }

    /// An unsigned integer.
    #[inline]
    pub(super) fn int(&mut self) -> Result<u64, CatalogError> {
        if let Some((&first, rest)) = self.0.split_first().filter(|(b, _)| **b < 0x80) {
            self.0 = rest;
            return Ok(u64::from(first));
        }
        self.long_int()
    }

    fn long_int(&mut self) -> Result<u64, CatalogError> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let digit = u64::from(byte & 0x7f);
            if shift == 63 && digit > 1 {
                return Err(RANGE);
            }
            value |= digit << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(RANGE)
    }

    /// An unsigned integer of 128 bits.
    fn wide(&mut self) -> Result<u128, CatalogError> {
        let mut value = 0_u128;
        for shift in (0..128).step_by(7) {
            let byte = self.byte()?;
            let digit = u128::from(byte & 0x7f);
            if shift == 126 && digit > 3 {
                return Err(RANGE);
            }
            value |= digit << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(RANGE)
    }

    /// An integer of 32 bits.
    pub(super) fn id(&mut self) -> Result<u32, CatalogError> {
        u32::try_from(self.int()?).map_err(|_| RANGE)
    }

    /// A count of things that take a byte at least, so that no count asks for more memory than
    /// there is data.
    pub(super) fn count(&mut self) -> Result<usize, CatalogError> {
        let count = usize::try_from(self.int()?).map_err(|_| RANGE)?;
        if count > self.0.len() { Err(SHORT) } else { Ok(count) }
    }

    /// A signed integer.
    #[inline]
    pub(super) fn signed(&mut self) -> Result<i64, CatalogError> {
        let value = self.int()?;
        Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    /// An integer that may be unknown.
    pub(super) fn maybe(&mut self) -> Result<Option<u64>, CatalogError> {
        let known = self.wide()?.checked_sub(1);
        known.map(|value| u64::try_from(value).map_err(|_| RANGE)).transpose()
    }

    /// A decimal number.
    pub(super) fn decimal(&mut self) -> Result<Decimal, CatalogError> {
        let scale = self.byte()?;
        self.digits(scale)
    }

    /// The digits of a decimal number, of which so many stand after the point.
    #[inline]
    pub(super) fn digits(&mut self, scale: u8) -> Result<Decimal, CatalogError> {
        let power = *POWERS.get(usize::from(scale)).ok_or(RANGE)?;
        // Prices have few digits; a number that ends within four bytes needs no wide arithmetic.
        if let Some(short) = self.0.first_chunk::<4>().filter(|b| b.iter().any(|&b| b < 0x80)) {
            let mut value = 0_i64;
            for (place, &byte) in short.iter().enumerate() {
                value |= i64::from(byte & 0x7f) << (7 * place);
                if byte < 0x80 {
                    self.0 = &self.0[place + 1..];
                    break;
                }
            }
            let digits = (value >> 1) ^ -(value & 1);
            return Ok(Decimal::from_atto(i128::from(digits) * power));
        }
        let value = self.wide()?;
        let digits = (value >> 1).cast_signed() ^ -(value & 1).cast_signed();
        digits.checked_mul(power).map(Decimal::from_atto).ok_or(RANGE)
    }

    /// A decimal number that may be unknown.
    pub(super) fn maybe_decimal(&mut self) -> Result<Option<Decimal>, CatalogError> {
        match self.byte()? {
            0 => Ok(None),
            1 => self.decimal().map(Some),
            _ => Err(Damaged("a mark of it is unknown")),
        }
    }

    /// So many bytes.
    pub(super) fn bytes(&mut self, count: usize) -> Result<&'b [u8], CatalogError> {
        let (bytes, rest) = self.0.split_at_checked(count).ok_or(SHORT)?;
        self.0 = rest;
        Ok(bytes)
    }

    /// What was written as a column.
    pub(super) fn column(&mut self) -> Result<Self, CatalogError> {
        let count = self.count()?;
        self.bytes(count).map(Self)
    }

    /// All has been read.
    pub(super) fn end(&self) -> Result<(), CatalogError> {
        if self.0.is_empty() { Ok(()) } else { Err(Damaged("it ends too late")) }
    }
}

/// Reads a count and so many things.
pub(super) fn list<'b, T>(
    from: &mut Reader<'b>,
    mut one: impl FnMut(&mut Reader<'b>) -> Result<T, CatalogError>,
) -> Result<Vec<T>, CatalogError> {
    let count = from.count()?;
    (0..count).map(|_| one(from)).collect()
}

/// The thing of this number.
pub(super) fn of_number<T>(list: &[T], number: u64) -> Result<&T, CatalogError> {
    let index = usize::try_from(number).unwrap_or(usize::MAX);
    list.get(index).ok_or(Damaged("a number of it points nowhere"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(
            int: u64, signed: i64, maybe in proptest::option::of(any::<u64>()), atto: i128,
        ) {
            let mut w = Writer::default();
            w.int(int);
            w.signed(signed);
            w.maybe(maybe);
            w.decimal(Decimal::from_atto(atto));
            let mut r = Reader(&w.0);
            prop_assert_eq!(r.int(), Ok(int));
            prop_assert_eq!(r.signed(), Ok(signed));
            prop_assert_eq!(r.maybe(), Ok(maybe));
            prop_assert_eq!(r.decimal(), Ok(Decimal::from_atto(atto)));
            prop_assert_eq!(r.end(), Ok(()));
        }

        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let mut r = Reader(&bytes);
            while !r.0.is_empty() && r.decimal().is_ok() && r.int().is_ok() {}
            let _ = Reader(&bytes).column().and_then(|mut c| c.count());
        }
    }
}
