//! What would be done, without doing anything.

use std::collections::{BTreeMap, BTreeSet};

use coc_cloud::cloud::Selector;
use coc_model::marks::Mark;
use coc_model::plan::Plan;
use coc_model::resource::ObservedResource;
use coc_plan::decide::{Context, Data, Known, Listed, Operations, Wanted, decide};

use super::error::DeployError;
use super::records::Standing;
use super::survey::Mounts;

/// What is there, as one look at all clouds shows it.
#[derive(Clone, Debug, Default)]
pub struct Look {
    /// The resources.
    pub resources: Vec<ObservedResource>,
    /// How much of each cloud was read.
    pub listed: BTreeMap<String, Listed>,
    /// Why clouds could not be read whole.
    pub unread: BTreeMap<String, String>,
}

/// Looks once at everything of an owner in all clouds; of one application, if one is named.
pub(super) async fn look(mounts: &Mounts, owner: &Mark, application: Option<&str>) -> Look {
    let selector = Selector { owner: owner.clone(), app: application.map(Mark::of_application) };
    let mut look = Look::default();
    for (name, cloud) in mounts {
        match cloud.list(&selector).await {
            Ok(listing) => {
                let listed = if listing.complete { Listed::Whole } else { Listed::Part };
                look.listed.insert(name.clone(), listed);
                look.resources.extend(listing.resources);
            }
            Err(failure) => {
                look.listed.insert(name.clone(), Listed::Part);
                look.unread.insert(name.clone(), failure.to_string());
            }
        }
    }
    look
}

/// What would have to be done for a plan, or for an application to go.
pub(super) fn operations(
    wanted: Wanted<'_>,
    look: &Look,
    mounts: &Mounts,
    owner: &Mark,
    standing: &[(Mark, Standing)],
    data: Data,
) -> Result<Operations, DeployError> {
    let types = mounts.values().flat_map(|cloud| cloud.describe().types);
    let data_types: BTreeSet<String> =
        types.filter(|(_, t)| t.holds_data).map(|(t, _)| t.to_owned()).collect();
    let context = Context {
        owner: owner.clone(),
        listed: look.listed.clone(),
        known: standing.iter().map(|(mark, s)| (mark.clone(), Known::from(s))).collect(),
        data_types,
        learned: BTreeMap::new(),
        data,
    };
    Ok(decide(wanted, &look.resources, &context)?)
}

/// What is wanted: a plan, or that nothing be left.
pub(super) fn wanted<'a>(application: &'a str, plan: Option<&'a Plan>) -> Wanted<'a> {
    plan.map_or(Wanted::nothing(application), Wanted::from)
}
