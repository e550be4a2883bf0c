//! `coc offers`: what clouds sell.

use std::sync::Arc;

use coc_control::planning::estate;
use coc_goals::check::check_query;
use coc_goals::syntax::{Source, parse};
use coc_model::application::SourceFiles;
use coc_model::estate::{Estate, Offering};
use coc_model::goals::Located;
use coc_model::mistake::{MistakeLog, Position};
use coc_model::offer::{Offer, Price};
use coc_optimizer::query::matching;
use comfy_table::{CellAlignment, Table, presets};
use serde_json::json;

use crate::arguments::{Global, Offers};
use crate::failure::{Exit, Failure};
use crate::inputs;
use crate::talk;

/// The name that mistakes in the query are reported under.
const QUERY: &str = "QUERY";

/// Searches the catalog; prints the cheapest offers first, those of unknown price last.
pub(crate) fn run(global: &Global, arguments: &Offers) -> Result<Exit, Failure> {
    let catalog = inputs::catalog(&arguments.catalog.folders)?;
    for notice in &catalog.notices {
        talk::say(&format!("notice: {notice}"));
    }
    let estate = estate::of_catalog(&catalog, estate::Detail::default());
    let mut found = match &arguments.query {
        Some(query) => search(&estate, query)?,
        None => (0..estate.offerings.len()).collect(),
    };
    found.sort_by_key(|i| {
        let offering = &estate.offerings[*i];
        let price = offering.offer.price.plannable().map(|r| r.per_month());
        (price.is_none(), price, *i)
    });
    let total = found.len();
    let shown: Vec<&Offering> =
        found.iter().take(arguments.limit).map(|i| &estate.offerings[*i]).collect();
    if global.json {
        let offers: Vec<_> = shown.iter().map(|o| document(&estate, o)).collect();
        talk::print_json(&json!({"total": total, "offers": offers}));
    } else {
        talk::print(&table(&estate, &shown));
        if total > shown.len() {
            talk::say(&format!("{} more: --limit {total} shows all", total - shown.len()));
        }
        if total == 0 {
            talk::say("no offer is like that");
        }
    }
    Ok(Exit::Done)
}

fn search(estate: &Estate, query: &str) -> Result<Vec<usize>, Failure> {
    let file: Arc<str> = QUERY.into();
    let at = Position::start(&file);
    let source = Source::written(&Located { value: query.to_owned(), at });
    let mut files = SourceFiles::default();
    files.0.insert(file, query.into());
    let parsed = parse(source.clone()).and_then(|parsed| check_query(&parsed));
    let found = parsed.and_then(|expression| {
        matching(estate, &expression)
            .map_err(|((start, end), says)| vec![source.mistake(start, end, says)])
    });
    found.map_err(|mistakes| {
        let mut log = MistakeLog::new();
        log.extend(mistakes);
        match log.finish(()) {
            Err(mistakes) => Failure::Input(mistakes, files),
            Ok(()) => Failure::failed("the query can't be read"),
        }
    })
}

fn price(offer: &Offer) -> String {
    match &offer.price {
        Price::Known(rate) => rate.to_string(),
        Price::Free => "free".to_owned(),
        Price::Estimated(rate) => format!("{rate} (estimate)"),
        Price::Unknown(why) => format!("unknown ({why})"),
    }
}

fn table(estate: &Estate, offerings: &[&Offering]) -> String {
    if offerings.is_empty() {
        return String::new();
    }
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_header([
        "cloud",
        "region",
        "country",
        "offer",
        "vCPU",
        "memory",
        "arch",
        "price",
        "USD/month",
        "source",
    ]);
    for offering in offerings {
        let (offer, site) = (&offering.offer, &estate.sites[offering.site.index()]);
        let unknown = || "unknown".to_owned();
        let month = offer.price.plannable().map_or_else(unknown, |r| r.per_month().to_string());
        let note = if offer.verified { "" } else { ", place not confirmed" };
        table.add_row([
            offer.cloud.to_string(),
            offer.region.to_string(),
            site.place.country.as_ref().map_or_else(unknown, ToString::to_string),
            offer.name.to_string(),
            offer.cpu.map_or_else(unknown, |c| c.to_string()),
            offer.memory.map_or_else(unknown, |m| m.to_string()),
            offer.architecture.map_or_else(unknown, |a| a.name().to_owned()),
            price(offer),
            month,
            offer.source.as_ref().map_or_else(unknown, |s| format!("{}, {}{note}", s.name, s.date)),
        ]);
    }
    for column in [4, 5, 8] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    talk::trimmed(&table)
}

fn document(estate: &Estate, offering: &Offering) -> serde_json::Value {
    let (offer, site) = (&offering.offer, &estate.sites[offering.site.index()]);
    json!({
        "cloud": offer.cloud, "region": offer.region, "country": site.place.country, "area": site.place.area,
        "offer": offer.name, "vcpu": offer.cpu.map(|c| coc_model::decimal::Decimal::from_atto(i128::from(c.0) * 1_000_000_000_000_000)),
        "memory_bytes": offer.memory, "arch": offer.architecture, "accelerator": offer.accelerator,
        "price": offer.price, "month": offer.price.plannable().map(|r| r.per_month()),
        "spot": offer.spot, "verified": offer.verified, "source": offer.source, "attributes": offer.attributes,
    })
}
