//! The open attributes of offers. Few offers have any: each is written with the number of its
//! offer.

use std::collections::BTreeSet;
use std::sync::Arc;

use coc_model::attribute::{AttributeName, AttributeValue, Attributes};
use coc_model::offer::Offer;

use super::CatalogError::{self, Damaged};
use super::wire::{Reader, Writer, list};
use super::words::{Words, WordsWritten};

/// Writes the attributes of these offers.
pub(super) fn write<'c>(offers: &'c [Arc<Offer>], words: &mut WordsWritten<'c>, out: &mut Writer) {
    out.count(offers.iter().map(|offer| offer.attributes.len()).sum());
    for (index, offer) in offers.iter().enumerate() {
        for (name, value) in &offer.attributes {
            out.count(index);
            out.int(words.text(&name.0));
            match value {
                AttributeValue::Flag(flag) => out.byte(u8::from(*flag)),
                AttributeValue::Number(number) => {
                    out.byte(2);
                    out.decimal(*number);
                }
                AttributeValue::Text(text) => {
                    out.byte(3);
                    out.int(words.text(text));
                }
                AttributeValue::Set(set) => {
                    out.byte(4);
                    out.count(set.len());
                    set.iter().for_each(|text| out.int(words.text(text)));
                }
            }
        }
    }
}

/// The attributes of offers, asked for one offer after the other.
pub(super) struct Attributed {
    /// With the number of their offers, the last one first.
    rest: Vec<(u64, AttributeName, AttributeValue)>,
    /// The number of the next offer.
    next: u64,
}

impl Attributed {
    /// Reads the attributes of some offers.
    pub(super) fn read(from: &mut Reader<'_>, words: &Words) -> Result<Self, CatalogError> {
        let mut rest = list(from, |from| {
            Ok((from.int()?, AttributeName(words.text(from)?), value(from, words)?))
        })?;
        rest.reverse();
        Ok(Self { rest, next: 0 })
    }

    /// The attributes of the next offer.
    pub(super) fn next_offer(&mut self) -> Attributes {
        let mut attributes = Attributes::new();
        let this = self.next;
        while let Some((_, name, value)) = self.rest.pop_if(|(offer, ..)| *offer == this) {
            attributes.insert(name, value);
        }
        self.next += 1;
        attributes
    }

    /// All belonged to an offer.
    pub(super) fn end(&self) -> Result<(), CatalogError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(Damaged("an attribute of it belongs to no offer"))
        }
    }
}

fn value(from: &mut Reader<'_>, words: &Words) -> Result<AttributeValue, CatalogError> {
    Ok(match from.byte()? {
        flag @ (0 | 1) => AttributeValue::Flag(flag == 1),
        2 => AttributeValue::Number(from.decimal()?),
        3 => AttributeValue::Text(words.text(from)?),
        4 => {
            let words = list(from, |from| words.text(from))?;
            AttributeValue::Set(words.into_iter().collect::<BTreeSet<_>>())
        }
        _ => return Err(Damaged("an attribute of it is of no known kind")),
    })
}
