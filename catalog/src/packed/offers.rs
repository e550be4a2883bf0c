//! The offers of a packed catalog: shapes, where they are sold, and a column for each figure.

use std::sync::Arc;

use coc_model::money::Rate;
use coc_model::offer::Offer;

use super::CatalogError;
use super::attributes::{self, Attributed};
use super::rates::{RateColumn, write_prices, write_rates};
use super::shapes::{self, Shape};
use super::wire::{Reader, Writer, list, of_number};
use super::words::{Numbered, Words, WordsWritten};

/// Writes the offers.
pub(super) fn write<'c>(offers: &'c [Arc<Offer>], words: &mut WordsWritten<'c>, out: &mut Writer) {
    let shapes = shapes::write(offers, words, out);
    write_runs(offers, words, out);
    let mut steps = Writer::default();
    let mut last = 0;
    for offer in offers {
        let shape = shapes.get(&Shape::of(offer)).copied().unwrap_or_default();
        steps.signed(shape - last);
        last = shape;
    }
    out.column(&steps);
    write_zones(offers, words, out);
    write_prices(offers, words, out);
    for rate in [(|o| o.spot) as fn(&Offer) -> Option<Rate>, |o| o.commit_1y, |o| o.commit_3y] {
        write_rates(offers.iter().map(|offer| rate(offer)), out);
    }
    write_column(offers, out, |offer| words.maybe(offer.interruption.as_ref()));
    write_column(offers, out, |offer| u64::from(offer.verified));
    write_column(offers, out, |offer| words.maybe_source(offer.source.as_ref()));
    write_column(offers, out, |offer| words.maybe_source(offer.spot_source.as_ref()));
    attributes::write(offers, words, out);
}

/// The lists of zones that there are, and which of them each offer has.
fn write_zones<'c>(offers: &'c [Arc<Offer>], words: &mut WordsWritten<'c>, out: &mut Writer) {
    let mut lists: Numbered<&'c [Arc<str>]> = Numbered::default();
    for offer in offers {
        lists.number(&offer.zones);
    }
    out.count(lists.list.len());
    for list in &lists.list {
        words.write_all(list, out);
    }
    write_column(offers, out, |offer| lists.number(&offer.zones));
}

/// Writes one integer for each offer.
fn write_column<'c>(
    offers: &'c [Arc<Offer>],
    out: &mut Writer,
    mut value: impl FnMut(&'c Offer) -> u64,
) {
    let mut column = Writer::default();
    for offer in offers {
        column.int(value(offer));
    }
    out.column(&column);
}

/// How many offers in a row are of which cloud and region.
fn write_runs<'c>(offers: &'c [Arc<Offer>], words: &mut WordsWritten<'c>, out: &mut Writer) {
    let runs: Vec<&[Arc<Offer>]> =
        offers.chunk_by(|a, b| a.cloud == b.cloud && a.region == b.region).collect();
    out.count(runs.len());
    for run in runs {
        out.int(words.text(&run[0].cloud));
        out.int(words.text(&run[0].region));
        out.count(run.len());
    }
}

/// Reads the offers.
pub(super) fn read(from: &mut Reader<'_>, words: &Words) -> Result<Vec<Arc<Offer>>, CatalogError> {
    let shapes = shapes::read(from, words)?;
    let runs = list(from, |from| Run::read(from, words))?;
    let mut columns = Columns::read(from, words)?;
    let mut offers = Vec::with_capacity(columns.steps.0.len());
    let mut shape = 0_u64;
    for run in &runs {
        for _ in 0..run.length {
            shape = shape.wrapping_add_signed(columns.steps.signed()?);
            offers.push(columns.offer(run, of_number(&shapes, shape)?, words)?);
        }
    }
    columns.end()?;
    Ok(offers)
}

/// How many offers in a row are of which cloud and region.
struct Run {
    cloud: Arc<str>,
    region: Arc<str>,
    length: usize,
}

impl Run {
    fn read(from: &mut Reader<'_>, words: &Words) -> Result<Self, CatalogError> {
        let (cloud, region) = (words.text(from)?, words.text(from)?);
        // A length beyond the columns' ends where they do.
        Ok(Self { cloud, region, length: usize::try_from(from.int()?).unwrap_or(usize::MAX) })
    }
}

/// The columns of the offers, each read from its front.
struct Columns<'b> {
    steps: Reader<'b>,
    zone_lists: Vec<Vec<Arc<str>>>,
    zones: Reader<'b>,
    prices: RateColumn<'b>,
    spot: RateColumn<'b>,
    commit_1y: RateColumn<'b>,
    commit_3y: RateColumn<'b>,
    interruption: Reader<'b>,
    verified: Reader<'b>,
    source: Reader<'b>,
    spot_source: Reader<'b>,
    attributes: Attributed,
}

impl<'b> Columns<'b> {
    fn read(from: &mut Reader<'b>, words: &Words) -> Result<Self, CatalogError> {
        Ok(Self {
            steps: from.column()?,
            zone_lists: list(from, |from| list(from, |from| words.text(from)))?,
            zones: from.column()?,
            prices: RateColumn::of(from)?,
            spot: RateColumn::of(from)?,
            commit_1y: RateColumn::of(from)?,
            commit_3y: RateColumn::of(from)?,
            interruption: from.column()?,
            verified: from.column()?,
            source: from.column()?,
            spot_source: from.column()?,
            attributes: Attributed::read(from, words)?,
        })
    }

    /// The next offer.
    fn offer(
        &mut self,
        run: &Run,
        shape: &Offer,
        words: &Words,
    ) -> Result<Arc<Offer>, CatalogError> {
        Ok(Arc::new(Offer {
            cloud: run.cloud.clone(),
            region: run.region.clone(),
            zones: of_number(&self.zone_lists, self.zones.int()?)?.clone(),
            name: shape.name.clone(),
            cpu: shape.cpu,
            memory: shape.memory,
            accelerator: shape.accelerator.clone(),
            architecture: shape.architecture,
            local_disk: shape.local_disk,
            network_mbps: shape.network_mbps,
            price: self.prices.price(words)?,
            spot: self.spot.rate()?,
            commit_1y: self.commit_1y.rate()?,
            commit_3y: self.commit_3y.rate()?,
            interruption: words.maybe(&mut self.interruption)?,
            verified: self.verified.int()? != 0,
            source: words.maybe_source(&mut self.source)?,
            spot_source: words.maybe_source(&mut self.spot_source)?,
            attributes: self.attributes.next_offer(),
        }))
    }

    /// All has been read.
    fn end(&self) -> Result<(), CatalogError> {
        for column in [
            &self.steps,
            &self.zones,
            &self.interruption,
            &self.verified,
            &self.source,
            &self.spot_source,
        ] {
            column.end()?;
        }
        for column in [&self.prices, &self.spot, &self.commit_1y, &self.commit_3y] {
            column.end()?;
        }
        self.attributes.end()
    }
}
