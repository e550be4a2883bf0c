//! Shapes: what of a machine does not change from region to region, said once.

use std::collections::BTreeMap;
use std::sync::Arc;

use coc_model::attribute::Attributes;
use coc_model::offer::{Accelerator, Architecture, Offer, Price};
use coc_model::quantity::{Bytes, Cpu};

use super::CatalogError::{self, Damaged};
use super::wire::{Reader, Writer, list};
use super::words::{Words, WordsWritten};

/// What does not change from region to region: a machine's size under its name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Shape<'c> {
    cloud: &'c str,
    name: &'c str,
    cpu: Option<Cpu>,
    memory: Option<Bytes>,
    accelerator: Option<&'c Accelerator>,
    architecture: Option<Architecture>,
    local_disk: Option<Bytes>,
    network_mbps: Option<u64>,
}

impl<'c> Shape<'c> {
    /// The shape of an offer.
    pub(super) fn of(offer: &'c Offer) -> Self {
        Self {
            cloud: &offer.cloud,
            name: &offer.name,
            cpu: offer.cpu,
            memory: offer.memory,
            accelerator: offer.accelerator.as_ref(),
            architecture: offer.architecture,
            local_disk: offer.local_disk,
            network_mbps: offer.network_mbps,
        }
    }

    fn write(&self, words: &mut WordsWritten<'c>, out: &mut Writer) {
        out.int(words.text(self.name));
        out.maybe(self.cpu.map(|cpu| cpu.0));
        out.maybe(self.memory.map(|memory| memory.0));
        out.int(self.accelerator.map_or(0, |a| words.text(&a.name) + 1));
        if let Some(accelerator) = self.accelerator {
            out.int(accelerator.milli);
        }
        out.byte(match self.architecture {
            None => 0,
            Some(Architecture::X86_64) => 1,
            Some(Architecture::Arm64) => 2,
        });
        out.maybe(self.local_disk.map(|disk| disk.0));
        out.maybe(self.network_mbps);
    }
}

/// Writes the shapes of these offers, and gives the number of each.
pub(super) fn write<'c>(
    offers: &'c [Arc<Offer>],
    words: &mut WordsWritten<'c>,
    out: &mut Writer,
) -> BTreeMap<Shape<'c>, i64> {
    let mut shapes: BTreeMap<Shape<'c>, i64> =
        offers.iter().map(|offer| (Shape::of(offer), 0)).collect();
    out.count(shapes.len());
    for (number, (shape, id)) in (0..).zip(&mut shapes) {
        *id = number;
        shape.write(words, out);
    }
    shapes
}

/// Reads the shapes, each as an offer without a place.
pub(super) fn read(from: &mut Reader<'_>, words: &Words) -> Result<Vec<Offer>, CatalogError> {
    list(from, |from| shape(from, words))
}

/// A machine's size under its name, as an offer without a place.
fn shape(from: &mut Reader<'_>, words: &Words) -> Result<Offer, CatalogError> {
    let nowhere: Arc<str> = Arc::default();
    Ok(Offer {
        cloud: nowhere.clone(),
        region: nowhere.clone(),
        zones: Vec::new(),
        name: words.text(from)?,
        cpu: from.maybe()?.map(Cpu),
        memory: from.maybe()?.map(Bytes),
        accelerator: match words.maybe(from)? {
            Some(name) => Some(Accelerator { name, milli: from.int()? }),
            None => None,
        },
        architecture: match from.byte()? {
            0 => None,
            1 => Some(Architecture::X86_64),
            2 => Some(Architecture::Arm64),
            _ => return Err(Damaged("an architecture of it is unknown")),
        },
        local_disk: from.maybe()?.map(Bytes),
        network_mbps: from.maybe()?,
        price: Price::Unknown(nowhere),
        spot: None,
        commit_1y: None,
        commit_3y: None,
        interruption: None,
        verified: true,
        source: None,
        spot_source: None,
        attributes: Attributes::new(),
    })
}
