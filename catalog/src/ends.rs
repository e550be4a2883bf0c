//! The two ends of a row about a way: regions or all of a cloud's.

use std::sync::Arc;

use coc_model::catalog::RegionId;

use crate::regions::{EVERY, Regions};

/// In place of the region where a way ends: the one where it starts.
const SAME: &str = "=";

/// Where a way starts and ends, as a table says it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ends {
    /// The cloud it starts in.
    pub(crate) from_cloud: Arc<str>,
    /// The region there, or `*`.
    pub(crate) from_region: Arc<str>,
    /// The cloud it ends in.
    pub(crate) to_cloud: Arc<str>,
    /// The region there, `*`, or `=`.
    pub(crate) to_region: Arc<str>,
}

impl Ends {
    /// How exactly the ends are named: what is said of a region comes before what is said of all,
    /// where a way starts before where it ends.
    pub(crate) fn exactness(&self) -> u8 {
        2 * u8::from(&*self.from_region != EVERY) + u8::from(&*self.to_region != EVERY)
    }

    /// The regions where it starts.
    ///
    /// # Errors
    /// No such region, in words.
    pub(crate) fn starts(&self, regions: &Regions) -> Result<Vec<RegionId>, String> {
        known(regions, &self.from_cloud, &self.from_region)
    }

    /// Every pair of regions meant, a region with itself too.
    ///
    /// # Errors
    /// No such region, in words.
    pub(crate) fn pairs(&self, regions: &Regions) -> Result<Vec<(RegionId, RegionId)>, String> {
        let starts = self.starts(regions)?;
        if &*self.to_region == SAME {
            if self.from_cloud != self.to_cloud {
                return Err(format!("\"{SAME}\" means the same region, but the clouds differ"));
            }
            return Ok(starts.into_iter().map(|id| (id, id)).collect());
        }
        let ends = known(regions, &self.to_cloud, &self.to_region)?;
        Ok(starts.iter().flat_map(|&from| ends.iter().map(move |&to| (from, to))).collect())
    }

    /// In words of ours: `aws us-east-1 → gcp` names all of the second cloud.
    pub(crate) fn title(&self) -> String {
        let to = match &*self.to_region {
            SAME => "the same region".to_owned(),
            region => place(&self.to_cloud, region),
        };
        format!("{} → {to}", self.start_title())
    }

    /// Where it starts, in words of ours.
    pub(crate) fn start_title(&self) -> String {
        place(&self.from_cloud, &self.from_region)
    }
}

fn place(cloud: &str, region: &str) -> String {
    if region == EVERY { cloud.to_owned() } else { format!("{cloud} {region}") }
}

fn known(regions: &Regions, cloud: &str, region: &str) -> Result<Vec<RegionId>, String> {
    let found = regions.find(cloud, region);
    if found.is_empty() {
        let place = place(cloud, region);
        return Err(format!("no table of regions, zones or offers knows {place}"));
    }
    Ok(found)
}
