//! A world to decide about: resources planned and seen.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::collections::BTreeMap;

use coc_model::canonical;
use coc_model::marks::{Mark, Marks};
use coc_model::plan::{Await, PlannedResource};
use coc_model::resource::{NativeId, ObservedResource, State};
use coc_plan::decide::{Context, Data, Listed};
use serde_json::{Value, json};

pub(crate) const APP: &str = "shop";
pub(crate) const OWNER: &str = "us";

/// Clouds a, b and c, all listed whole; volumes can hold data; nothing is known.
pub(crate) fn context() -> Context {
    Context {
        owner: Mark::of(OWNER),
        listed: ["a", "b", "c"].map(|c| (c.to_owned(), Listed::Whole)).into(),
        known: BTreeMap::new(),
        data_types: ["volume".to_owned()].into(),
        learned: BTreeMap::new(),
        data: Data::Keep,
    }
}

/// A planned resource named like its key, with a document of this version.
pub(crate) fn planned(
    id: &str,
    cloud: &str,
    resource_type: &str,
    version: u32,
    after: &[&str],
) -> PlannedResource {
    PlannedResource {
        id: id.to_owned(),
        cloud: cloud.to_owned(),
        resource_type: resource_type.to_owned(),
        name: id.to_owned(),
        after: after.iter().map(|id| Await::Ready((*id).to_owned())).collect(),
        native: document(version),
        protect: false,
    }
}

pub(crate) fn document(version: u32) -> Value {
    json!({"v": version})
}

/// A resource of ours, made from a document of this version.
pub(crate) fn seen(
    id: &str,
    cloud: &str,
    resource_type: &str,
    name: &str,
    version: u32,
    state: State,
) -> ObservedResource {
    ObservedResource {
        cloud: cloud.to_owned(),
        resource_type: resource_type.to_owned(),
        native_id: NativeId(format!("{cloud}:{resource_type}:{name}")),
        name: name.to_owned(),
        marks: Some(Marks {
            owner: Mark::of(OWNER),
            app: Mark::of_application(APP),
            res: Mark::of_resource(APP, id),
            op: Mark::of("some operation"),
        }),
        spec: Some(canonical::digest_of(&document(version))),
        state,
        addresses: vec![],
        native: Value::Null,
    }
}

/// A planned resource as it is seen once it is made.
pub(crate) fn seen_of(planned: &PlannedResource, state: State) -> ObservedResource {
    ObservedResource {
        spec: Some(canonical::digest_of(&planned.native)),
        ..seen(&planned.id, &planned.cloud, &planned.resource_type, &planned.name, 0, state)
    }
}
