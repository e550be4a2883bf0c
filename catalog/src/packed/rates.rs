//! Columns of prices: what kind each is of, and the digits of those that have any.

use std::sync::Arc;

use coc_model::money::{Period, Rate};
use coc_model::offer::{Offer, Price};

use super::CatalogError;
use super::wire::{Reader, Writer, shortest};
use super::words::{Words, WordsWritten};

/// The kind of a free price. 0 is an unknown one; from [`KNOWN`] and [`ESTIMATED`] on, the kind of
/// the price's rate is added.
const FREE: u8 = 1;
/// The first kind of known prices.
const KNOWN: u8 = 2;
/// The first kind of estimated prices.
const ESTIMATED: u8 = KNOWN + 2 * SCALES;
/// How many numbers of digits after the point there are: 0 to 18. The kind of an hourly rate is
/// its number; that of a monthly one is so much more.
const SCALES: u8 = 19;

/// Writes the on-demand prices.
pub(super) fn write_prices<'c>(
    offers: &'c [Arc<Offer>],
    words: &mut WordsWritten<'c>,
    out: &mut Writer,
) {
    let (mut kinds, mut rest) = (Writer::default(), Writer::default());
    for offer in offers {
        match &offer.price {
            Price::Unknown(reason) => {
                kinds.byte(0);
                rest.int(words.text(reason));
            }
            Price::Free => kinds.byte(FREE),
            Price::Known(rate) => kinds.byte(KNOWN + rate_kind(*rate, &mut rest)),
            Price::Estimated(rate) => kinds.byte(ESTIMATED + rate_kind(*rate, &mut rest)),
        }
    }
    out.column(&kinds);
    out.column(&rest);
}

/// Writes prices of which some are not there.
pub(super) fn write_rates(rates: impl Iterator<Item = Option<Rate>>, out: &mut Writer) {
    let (mut kinds, mut digits) = (Writer::default(), Writer::default());
    for rate in rates {
        kinds.byte(rate.map_or(0, |rate| 1 + rate_kind(rate, &mut digits)));
    }
    out.column(&kinds);
    out.column(&digits);
}

/// Writes the digits of a rate, and gives the rest of what is to be said of it.
fn rate_kind(rate: Rate, out: &mut Writer) -> u8 {
    let (digits, scale) = shortest(rate.amount);
    out.digits(digits);
    scale
        + match rate.period {
            Period::Hour => 0,
            Period::Month => SCALES,
        }
}

/// A column of prices, read from its front.
pub(super) struct RateColumn<'b> {
    kinds: Reader<'b>,
    digits: Reader<'b>,
}

impl<'b> RateColumn<'b> {
    /// The column that comes next.
    pub(super) fn of(from: &mut Reader<'b>) -> Result<Self, CatalogError> {
        Ok(Self { kinds: from.column()?, digits: from.column()? })
    }

    /// The next of the prices that [`write_rates`] wrote.
    #[inline]
    pub(super) fn rate(&mut self) -> Result<Option<Rate>, CatalogError> {
        match self.kinds.byte()?.checked_sub(1) {
            Some(kind) => self.rate_of(kind).map(Some),
            None => Ok(None),
        }
    }

    #[inline]
    fn rate_of(&mut self, kind: u8) -> Result<Rate, CatalogError> {
        match kind.checked_sub(SCALES) {
            None => self.digits.digits(kind).map(Rate::hourly),
            Some(scale) => self.digits.digits(scale).map(Rate::monthly),
        }
    }

    /// The next of the prices that [`write_prices`] wrote.
    #[inline]
    pub(super) fn price(&mut self, words: &Words) -> Result<Price, CatalogError> {
        match self.kinds.byte()? {
            0 => words.text(&mut self.digits).map(Price::Unknown),
            FREE => Ok(Price::Free),
            kind if kind < ESTIMATED => self.rate_of(kind - KNOWN).map(Price::Known),
            kind => self.rate_of(kind - ESTIMATED).map(Price::Estimated),
        }
    }

    /// All has been read.
    pub(super) fn end(&self) -> Result<(), CatalogError> {
        self.kinds.end().and(self.digits.end())
    }
}
