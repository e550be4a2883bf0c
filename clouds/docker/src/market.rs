//! What an engine has: the machine it runs on.

use std::collections::BTreeSet;
use std::sync::Arc;

use coc_cloud::cloud::{Machine, Market, MarketSite};
use coc_model::attribute::{AttributeName, AttributeValue};
use coc_model::decimal::Decimal;
use coc_model::energy::Energy;
use coc_model::estate::Unknown;
use coc_model::money::Rate;
use coc_model::offer::{Architecture, Offer, Price};
use coc_model::quantity::{Bytes, Cpu};
use serde_json::Value;

use crate::driver::Docker;

/// The market of an engine, from its `/info`. What that leaves out is unknown and told.
pub(crate) fn of(docker: &Docker, info: &Value) -> Market {
    let name = &docker.name;
    let mut unknown = Vec::new();
    let mut not_told = |what: &str| {
        unknown.push(Unknown {
            what: format!("{what} of host {name}"),
            why: "the engine does not tell".into(),
        });
    };
    let region = docker.place.region.as_deref().unwrap_or_default();
    let mut offer = Offer::named(name, region, name);
    match info["NCPU"].as_u64().filter(|n| *n > 0) {
        Some(count) => offer.cpu = Some(Cpu(count.saturating_mul(1000))),
        None => not_told("number of processors"),
    }
    match info["MemTotal"].as_u64().filter(|n| *n > 0) {
        Some(bytes) => offer.memory = Some(Bytes(bytes)),
        None => not_told("memory"),
    }
    match info["Architecture"].as_str().and_then(Architecture::parse) {
        Some(architecture) => offer.architecture = Some(architecture),
        None => not_told("architecture"),
    }
    offer.price = Price::Known(docker.host_price.unwrap_or(Rate::hourly(Decimal::ZERO)));
    if docker.host_price.is_none() {
        unknown.push(Unknown {
            what: format!("price of host {name}"),
            why: format!("price of host {name} is not stated: counted as already paid"),
        });
    }
    for (attribute, field) in [
        ("docker.engine", "ServerVersion"),
        ("docker.storage-driver", "Driver"),
        ("host.system", "OperatingSystem"),
        ("host.kernel", "KernelVersion"),
    ] {
        if let Some(text) = info[field].as_str().filter(|text| !text.is_empty()) {
            let attribute = AttributeName(attribute.into());
            offer.attributes.insert(attribute, AttributeValue::Text(text.into()));
        }
    }
    let site = MarketSite {
        place: docker.place.clone(),
        like: None,
        zones: Vec::new(),
        certified: BTreeSet::new(),
        energy: Energy::default(),
    };
    let machine = Machine {
        site: 0,
        zone: docker.place.zone.clone(),
        offer: Arc::new(offer),
        limit: Some((1, format!("host {name} is one machine"))),
        existing: true,
    };
    Market { sites: vec![site], machines: vec![machine], unknown }
}
