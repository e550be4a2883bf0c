//! Clouds files: what is mounted, where, with whose rights.

use std::collections::BTreeMap;

use coc_model::cloud::{Cloud, Credentials, PriceBook};
use coc_model::decimal::Decimal;
use coc_model::energy::Energy;
use coc_model::mistake::{Mistake, MistakeLog, Position};
use coc_model::money::Rate;
use coc_model::place::Place;
use coc_model::secret::{is_secret_name, is_secret_value};

use crate::fields::{
    Fields, check_name, flag, list, mistake_at, ratio, shape, text, text_position, texts,
    unknown_key,
};
use crate::tree::{Key, Node, Value};

/// Reads a list of clouds.
pub(super) fn read(node: &Node, log: &mut MistakeLog) -> Vec<Cloud> {
    let mut clouds: Vec<Cloud> = Vec::new();
    let mut lines: BTreeMap<String, u32> = BTreeMap::new();
    for item in list(node, "clouds", log).unwrap_or_default() {
        let Some(cloud) = read_cloud(item, log) else { continue };
        if let Some(line) = lines.get(&cloud.name) {
            let says = format!("the cloud \"{}\" is here twice, first in line {line}", cloud.name);
            log.push(Mistake::at(cloud.at, says));
        } else {
            lines.insert(cloud.name.clone(), cloud.at.line);
            clouds.push(cloud);
        }
    }
    clouds
}

fn read_cloud(node: &Node, log: &mut MistakeLog) -> Option<Cloud> {
    let mut fields = Fields::of(node, "a cloud", log)?;
    let name = fields.required("name", &node.at, log).and_then(|node| {
        let name = text(node, "name", log)?;
        check_name(&name, &text_position(node), "a cloud", log);
        Some(name)
    });
    let driver = fields.required("driver", &node.at, log);
    let driver = driver.and_then(|node| text(node, "driver", log));
    let endpoint = fields.get("endpoint").and_then(|node| endpoint(node, log));
    let regions = fields.get("regions").and_then(|node| texts(node, "regions", log));
    let credentials = fields.get("credentials").and_then(|node| credentials(node, log));
    let place = fields.get("place").map_or_else(Place::default, |node| place(node, log));
    let prices = fields.get("prices").map_or_else(PriceBook::default, |node| prices(node, log));
    let certified = fields.get("certified").and_then(|node| texts(node, "certified", log));
    let energy = fields.get("energy").map_or_else(Energy::default, |node| energy(node, log));
    let read_only = fields.get("read_only").and_then(|node| flag(node, "read_only", log));
    let mut settings = BTreeMap::new();
    for (key, value) in fields.rest() {
        if let Some(meant) = fields.meant(&key.text) {
            let mistake = unknown_key(key, fields.owner());
            log.push(mistake.hint(format!("did you mean \"{meant}\"?")));
        } else if !refuse_secrets(key, value, log) {
            settings.insert(key.text.to_string(), value.to_json());
        }
    }
    Some(Cloud {
        name: name?,
        driver: driver?,
        endpoint,
        regions: regions.unwrap_or_default(),
        credentials,
        place,
        prices,
        certified: certified.unwrap_or_default().into_iter().collect(),
        energy,
        read_only: read_only.unwrap_or(false),
        settings,
        at: node.at.clone(),
    })
}

const BY_REFERENCE: &str = "secrets are given by reference: put it into the environment and write \
                            credentials: {from: env}, or into a file and name its path there";

fn endpoint(node: &Node, log: &mut MistakeLog) -> Option<String> {
    let endpoint = text(node, "endpoint", log)?;
    if is_secret_value(&endpoint) {
        let mistake = Mistake::at(node.at.clone(), "the endpoint has a password in it");
        log.push(mistake.hint(BY_REFERENCE));
        return None;
    }
    Some(endpoint)
}

/// Where credentials are found. Anything but `from` would be a secret in plain text.
fn credentials(node: &Node, log: &mut MistakeLog) -> Option<Credentials> {
    let Some(entries) = node.as_map() else {
        let says = format!("credentials must be a map, not {}", shape(node));
        log.push(Mistake::at(node.at.clone(), says).hint(BY_REFERENCE));
        return None;
    };
    for (key, _) in entries.iter().filter(|(key, _)| &*key.text != "from") {
        let says = format!("credentials can't hold \"{}\"", key.text);
        let mistake = Mistake::at(key.at.clone(), says).width(key.text.chars().count());
        log.push(mistake.hint(BY_REFERENCE));
    }
    let Some(from) = node.get("from") else {
        log.push(Mistake::at(node.at.clone(), "credentials have no \"from\"").hint(BY_REFERENCE));
        return None;
    };
    let from = text(from, "from", log)?;
    if is_secret_value(&from) {
        let mistake = Mistake::at(node.at.clone(), "credentials have a password in them");
        log.push(mistake.hint(BY_REFERENCE));
        return None;
    }
    Some(Credentials { from })
}

/// True, with a mistake, if a setting or something in it is a secret in plain text.
fn refuse_secrets(key: &Key, node: &Node, log: &mut MistakeLog) -> bool {
    const PLACES: [&str; 4] = ["file", "path", "env", "name"];
    let is_place = PLACES.iter().any(|end| key.text.to_ascii_lowercase().ends_with(end));
    match &node.value {
        Value::Scalar(scalar) => {
            let named = is_secret_name(&key.text) && !is_place && !node.is_null();
            let secret = named || is_secret_value(&scalar.text);
            if secret {
                let says = format!("\"{}\" is a secret in plain text", key.text);
                let mistake = Mistake::at(key.at.clone(), says).width(key.text.chars().count());
                log.push(mistake.hint(BY_REFERENCE));
            }
            secret
        }
        Value::List(items) => {
            let found = items.iter().filter(|item| refuse_secrets(key, item, log));
            found.count() > 0
        }
        Value::Map(entries) => {
            let found = entries.iter().filter(|(key, node)| refuse_secrets(key, node, log));
            found.count() > 0
        }
    }
}

fn place(node: &Node, log: &mut MistakeLog) -> Place {
    let Some(mut fields) = Fields::of(node, "place", log) else { return Place::default() };
    let mut name = |what: &'static str, log: &mut MistakeLog| {
        fields.get(what).and_then(|node| Some((node, text(node, what, log)?)))
    };
    let (area, region, zone) = (name("area", log), name("region", log), name("zone", log));
    let country = name("country", log).filter(|(node, code)| {
        let legal = code.len() == 2 && code.bytes().all(|b| b.is_ascii_uppercase());
        if !legal {
            let mistake = mistake_at(node, format!("\"{code}\" is not the code of a country"));
            log.push(mistake.hint("two capital letters as in ISO 3166-1, like DE"));
        }
        legal
    });
    fields.finish(log);
    let word = |found: Option<(&Node, String)>| found.map(|(_, name)| name.into());
    Place { region: word(region), zone: word(zone), country: word(country), area: word(area) }
}

fn prices(node: &Node, log: &mut MistakeLog) -> PriceBook {
    let mut prices = PriceBook::default();
    let Some(mut fields) = Fields::of(node, "prices", log) else { return prices };
    prices.host = fields.get("host").and_then(|node| host_price(node, log));
    prices.egress_per_gb = fields.get("egress").and_then(|node| egress_price(node, log));
    prices.discount = fields.get("discount").and_then(|node| discount(node, log));
    fields.finish(log);
    prices
}

/// `energy: {carbon_per_kwh: 120, watts_per_vcpu: 2.5}`: grams of CO₂ equivalent, and watts.
fn energy(node: &Node, log: &mut MistakeLog) -> Energy {
    let Some(mut fields) = Fields::of(node, "energy", log) else { return Energy::default() };
    let mut amount = |what: &'static str, log: &mut MistakeLog| {
        let node = fields.get(what)?;
        let written = text(node, what, log)?;
        let amount = written.parse::<Decimal>().ok().filter(|amount| !amount.is_negative());
        if amount.is_none() {
            let mistake = mistake_at(node, format!("\"{written}\" is no number from zero up"));
            log.push(
                mistake.hint("write grams of CO2 per kWh and watts as plain numbers, like 120"),
            );
        }
        amount
    };
    let energy = Energy {
        carbon_g_per_kwh: amount("carbon_per_kwh", log),
        watts_per_vcpu: amount("watts_per_vcpu", log),
    };
    fields.finish(log);
    energy
}

fn host_price(node: &Node, log: &mut MistakeLog) -> Option<Rate> {
    let written = text(node, "host", log)?;
    match Rate::parse(&written) {
        Ok(rate) if rate.amount.is_negative() => {
            log.push(mistake_at(node, "a price can't be below zero"));
            None
        }
        Ok(rate) => Some(rate),
        Err(error) => {
            log.push(mistake_at(node, format!("host: {error}")).hint("write 0.05 USD/hour"));
            None
        }
    }
}

/// Dollars per 10⁹ bytes: `0.02 USD/GB`.
fn egress_price(node: &Node, log: &mut MistakeLog) -> Option<Decimal> {
    let written = text(node, "egress", log)?;
    let amount = written.trim().strip_suffix("/GB").map(str::trim_end).and_then(|amount| {
        let dollars = amount.strip_prefix('$').or_else(|| amount.strip_suffix("USD"))?;
        dollars.trim().parse::<Decimal>().ok()
    });
    match amount {
        Some(price) if price.is_negative() => {
            log.push(mistake_at(node, "a price can't be below zero"));
            None
        }
        Some(price) => Some(price),
        None => {
            let mistake = mistake_at(node, format!("\"{written}\" is not a price of traffic"));
            log.push(mistake.hint("write dollars per 10^9 bytes, like 0.02 USD/GB"));
            None
        }
    }
}

fn discount(node: &Node, log: &mut MistakeLog) -> Option<Decimal> {
    let discount = ratio(node, "discount", log)?;
    if discount > Decimal::ONE {
        log.push(mistake_at(node, "a discount can't be more than 100%"));
        return None;
    }
    Some(discount)
}

/// What a mistake about a clouds file as a whole points to.
pub(super) fn missing(at: &Position) -> Mistake {
    Mistake::at(at.clone(), "the file has no \"clouds\"")
        .hint("write them as a list: clouds: [...]")
}
