//! Reading profiles.

use std::collections::BTreeSet;
use std::sync::Arc;

use coc_cloud::bucket::Budget;
use coc_model::catalog::{Catalog, Region as CatalogRegion};
use coc_model::decimal::{Decimal, ONE};
use coc_model::energy::Energy;
use coc_model::mistake::closest;
use coc_model::money::Rate;
use coc_model::offer::{Accelerator, Architecture, Offer, Price};
use coc_model::place::Place;
use coc_model::quantity::{Bytes, Cpu, Micros};
use serde_json::Value;

use super::{
    CallLimits, Capacity, Delays, ExistingMachine, FaultRates, Profile, Quotas, Range, Region, Told,
};
use crate::fields::{Fields, Log, scalar};

/// The profile that a mount without one gets.
const BUILT_IN: &str = include_str!("../../profiles/three-regions.json");

/// How many resources one page holds, unless the profile says otherwise.
const PAGE: usize = 100;

impl Profile {
    /// Reads a profile, with all its mistakes. `cloud` is the mount's name, under which its offers
    /// go; `only` the regions to take of it (all if empty); the catalog is asked for the offers of
    /// providers that the profile is `like`.
    ///
    /// # Errors
    /// Every mistake, each with its path in the profile.
    pub fn read(
        value: &Value,
        cloud: &str,
        only: &[String],
        catalog: &Catalog,
    ) -> Result<Self, Vec<String>> {
        let log = Log::default();
        let reading = Reading { cloud, only, catalog, log: &log };
        let profile = Fields::of(value, "", &log).map(|fields| reading.profile(fields));
        let mistakes = log.into_mistakes();
        match profile {
            Some(profile) if mistakes.is_empty() => Ok(profile),
            _ => Err(mistakes),
        }
    }

    /// The document of the built-in profile: three regions in Europe and America, three sizes of
    /// machines.
    pub fn built_in() -> Value {
        serde_json::from_str(BUILT_IN).unwrap_or_default()
    }
}

struct Reading<'a> {
    cloud: &'a str,
    only: &'a [String],
    catalog: &'a Catalog,
    log: &'a Log,
}

impl Reading<'_> {
    fn profile(&self, mut fields: Fields<'_, '_>) -> Profile {
        let offers = self.offers(&mut fields);
        let quotas = quotas(&mut fields);
        let mut regions = match fields.text("like") {
            Some(provider) => self.regions_like(&mut fields, &provider, quotas),
            None => self.own_regions(&mut fields, &offers, quotas),
        };
        regions.sort_by(|a, b| a.name().cmp(b.name()));
        self.check_regions(&regions);
        let page = fields.number("page").unwrap_or(PAGE);
        if page == 0 {
            fields.wrong("page", "a page of nothing never ends");
        }
        let mut profile = Profile {
            capacity: Vec::new(),
            machines: Vec::new(),
            delays: delays(&mut fields),
            limits: limits(&mut fields),
            faults: faults(&mut fields),
            page: page.max(1),
            regions,
        };
        profile.capacity = self.capacity(&mut fields, &profile);
        profile.machines = self.machines(&mut fields, &profile);
        fields.close();
        profile
    }

    /// The regions of a provider of the catalog, with its offers.
    fn regions_like(
        &self,
        fields: &mut Fields<'_, '_>,
        provider: &str,
        quotas: Quotas,
    ) -> Vec<Region> {
        let known: Vec<&CatalogRegion> =
            self.catalog.regions.iter().filter(|r| &*r.cloud == provider).collect();
        if known.is_empty() {
            let clouds: BTreeSet<&str> = self.catalog.regions.iter().map(|r| &*r.cloud).collect();
            let hint = hint(provider, clouds);
            fields.wrong("like", format!("the catalog has no regions of \"{provider}\"{hint}"));
        }
        let names = fields.texts("regions");
        let named = known.iter().filter_map(|r| r.place.region.as_deref());
        for name in names.iter().flatten().chain(self.only) {
            if !known.is_empty() && !named.clone().any(|n| n == name) {
                let hint = hint(name, named.clone());
                fields.wrong("regions", format!("{provider} has no region \"{name}\"{hint}"));
            }
        }
        let wanted = |name: &str| {
            names.as_ref().is_none_or(|names| names.iter().any(|n| n == name))
                && (self.only.is_empty() || self.only.iter().any(|n| n == name))
        };
        let chosen = known.into_iter().filter_map(|region| {
            let name = region.place.region.as_deref().filter(|name| wanted(name))?;
            let offers = self.catalog.offers_in(provider, name);
            let offers = offers.iter().map(|o| Offer { cloud: self.cloud.into(), ..(**o).clone() });
            let offers: Vec<Arc<Offer>> = offers.map(Arc::new).collect();
            // A region of the catalog without offers has nothing to simulate.
            (!offers.is_empty()).then(|| Region {
                place: region.place.clone(),
                like: Some((provider.into(), name.into())),
                zones: zones_or_one(region.zones.clone(), name),
                offers,
                quotas,
                // What the catalog states holds by `like`.
                certified: BTreeSet::new(),
                energy: Energy::default(),
            })
        });
        chosen.collect()
    }

    /// The regions that the profile itself describes.
    fn own_regions(
        &self,
        fields: &mut Fields<'_, '_>,
        offers: &[Offer],
        quotas: Quotas,
    ) -> Vec<Region> {
        fields.required("regions");
        let items = fields.list("regions").unwrap_or_default();
        let regions: Vec<Region> = items
            .into_iter()
            .filter_map(|(value, path)| {
                let fields = Fields::of(value, &path, self.log)?;
                self.own_region(fields, offers, quotas)
            })
            .collect();
        for name in self.only {
            if !regions.iter().any(|r| r.name() == name) {
                let hint = hint(name, regions.iter().map(Region::name));
                self.log.add("regions", format!("there is no region \"{name}\"{hint}"));
            }
        }
        let taken = regions.into_iter();
        taken.filter(|r| self.only.is_empty() || self.only.iter().any(|n| n == r.name())).collect()
    }

    fn own_region(
        &self,
        mut fields: Fields<'_, '_>,
        shared: &[Offer],
        shared_quotas: Quotas,
    ) -> Option<Region> {
        let name = fields.required_text("name");
        let region: Arc<str> = name.as_deref().unwrap_or_default().into();
        let place = Place {
            region: Some(Arc::clone(&region)),
            zone: None,
            country: fields.text("country").map(Arc::from),
            area: fields.text("area").map(Arc::from),
        };
        let like = self.like_region(&mut fields);
        let zones = fields.texts("zones").unwrap_or_default().into_iter().map(Arc::from).collect();
        let mut offers: Vec<Offer> = shared.to_vec();
        for own in self.offers(&mut fields) {
            offers.retain(|o| o.name != own.name);
            offers.push(own);
        }
        offers.sort_by(|a, b| a.name.cmp(&b.name));
        let place_offer = |o: Offer| Arc::new(Offer { region: Arc::clone(&region), ..o });
        let own_quotas = quotas(&mut fields);
        let quotas = Quotas {
            machines: own_quotas.machines.or(shared_quotas.machines),
            cpu: own_quotas.cpu.or(shared_quotas.cpu),
            volumes: own_quotas.volumes.or(shared_quotas.volumes),
            networks: own_quotas.networks.or(shared_quotas.networks),
        };
        let certified = fields.texts("certified").unwrap_or_default();
        let energy = energy(&mut fields);
        fields.close();
        name?;
        Some(Region {
            place,
            like,
            zones: zones_or_one(zones, &region),
            offers: offers.into_iter().map(place_offer).collect(),
            quotas,
            certified: certified.into_iter().map(Arc::from).collect(),
            energy,
        })
    }

    /// `like: {provider: ..., region: ...}`: whose latencies and traffic prices hold. Not in the
    /// catalog is no mistake: then they are unknown.
    fn like_region(&self, fields: &mut Fields<'_, '_>) -> Option<(Arc<str>, Arc<str>)> {
        let mut like = fields.object("like")?;
        let provider = like.required_text("provider");
        let region = like.required_text("region");
        like.close();
        Some((provider?.into(), region?.into()))
    }

    fn offers(&self, fields: &mut Fields<'_, '_>) -> Vec<Offer> {
        let items = fields.list("offers").unwrap_or_default();
        let mut names = BTreeSet::new();
        items
            .into_iter()
            .filter_map(|(value, path)| {
                let offer = self.offer(Fields::of(value, &path, self.log)?)?;
                if !names.insert(Arc::clone(&offer.name)) {
                    self.log.add(&path, format!("offer \"{}\" is there twice", offer.name));
                }
                Some(offer)
            })
            .collect()
    }

    /// A size and its price; what is not stated is unknown.
    fn offer(&self, mut fields: Fields<'_, '_>) -> Option<Offer> {
        let name = fields.required_text("name");
        let price = match fields.value("price").and_then(scalar).as_deref() {
            None => Price::Unknown("the profile states none".into()),
            Some("free") => Price::Free,
            Some(_) => {
                fields.parsed("price", Rate::parse).map_or(Price::Unknown("".into()), Price::Known)
            }
        };
        let offer = Offer {
            cpu: fields.parsed("cpu", Cpu::parse),
            memory: fields.parsed("memory", Bytes::parse),
            architecture: fields.parsed("architecture", |text| {
                Architecture::parse(text)
                    .ok_or_else(|| format!("\"{text}\" is neither x86_64 nor arm64"))
            }),
            local_disk: fields.parsed("disk", Bytes::parse),
            network_mbps: fields.number("networkMbps"),
            accelerator: accelerator(&mut fields),
            spot: fields.parsed("spot", Rate::parse),
            price,
            ..Offer::named(self.cloud, "", name.as_deref().unwrap_or_default())
        };
        fields.close();
        name.map(|_| offer)
    }

    fn capacity(&self, fields: &mut Fields<'_, '_>, profile: &Profile) -> Vec<Capacity> {
        let items = fields.list("capacity").unwrap_or_default();
        let read = items.into_iter().filter_map(|(value, path)| {
            let mut fields = Fields::of(value, &path, self.log)?;
            let (region, zone) = place(&mut fields, profile);
            let offer = fields.text("offer");
            if let (Some(region), Some(offer)) = (region, &offer)
                && region.offer(offer).is_none()
            {
                let hint = hint(offer, region.offers.iter().map(|o| &*o.name));
                let says = format!("{} does not sell \"{offer}\"{hint}", region.name());
                fields.wrong("offer", says);
            }
            fields.required("machines");
            let machines = fields.number("machines");
            let told = match fields.text("told").as_deref() {
                None | Some("at-once") => Told::AtOnce,
                Some("late") => Told::Late,
                Some(other) => {
                    fields.wrong("told", format!("\"{other}\" is neither at-once nor late"));
                    Told::AtOnce
                }
            };
            fields.close();
            Some(Capacity {
                region: region?.name().into(),
                zone: zone.map(Arc::from),
                offer: offer.map(Arc::from),
                machines: machines?,
                told,
            })
        });
        read.collect()
    }

    fn machines(&self, fields: &mut Fields<'_, '_>, profile: &Profile) -> Vec<ExistingMachine> {
        let items = fields.list("machines").unwrap_or_default();
        let mut names = BTreeSet::new();
        let read = items.into_iter().filter_map(|(value, path)| {
            let mut fields = Fields::of(value, &path, self.log)?;
            let (region, zone) = place(&mut fields, profile);
            // The rest is read as an offer of which there is one.
            let rest = fields.rest(&["region", "zone"]);
            let offer = self.offer(Fields::of(&rest, &path, self.log)?)?;
            if !names.insert(offer.name.to_lowercase()) {
                self.log.add(&path, format!("machine \"{}\" is there twice", offer.name));
            }
            let region = region?;
            let zone = zone.map_or_else(|| region.zones.first().cloned(), |z| Some(z.into()));
            Some(ExistingMachine {
                name: Arc::clone(&offer.name),
                region: region.name().into(),
                zone: zone?,
                offer: Arc::new(Offer { region: region.name().into(), ..offer }),
            })
        });
        read.collect()
    }

    fn check_regions(&self, regions: &[Region]) {
        let mut names = BTreeSet::new();
        let mut zones = BTreeSet::new();
        for region in regions {
            if !names.insert(region.name().to_lowercase()) {
                self.log.add("regions", format!("region \"{}\" is there twice", region.name()));
            }
            for zone in &region.zones {
                if !zones.insert(zone) {
                    self.log.add("regions", format!("zone \"{zone}\" is there twice"));
                }
            }
        }
    }
}

/// A region without stated zones is one zone.
fn zones_or_one(zones: Vec<Arc<str>>, region: &str) -> Vec<Arc<str>> {
    if zones.is_empty() { vec![format!("{region}-1").into()] } else { zones }
}

fn hint<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    closest(wrong, known).map_or_else(String::new, |near| format!("; did you mean \"{near}\"?"))
}

/// The region and zone that an entry names; both must be the profile's.
fn place<'p>(
    fields: &mut Fields<'_, '_>,
    profile: &'p Profile,
) -> (Option<&'p Region>, Option<String>) {
    let name = fields.required_text("region");
    let zone = fields.text("zone");
    let Some(name) = name else { return (None, zone) };
    let Some(region) = profile.region(&name) else {
        let hint = hint(&name, profile.regions.iter().map(Region::name));
        fields.wrong("region", format!("there is no region \"{name}\"{hint}"));
        return (None, zone);
    };
    if let Some(zone) = zone.as_ref().filter(|z| !region.zones.iter().any(|known| **known == ***z))
    {
        let hint = hint(zone, region.zones.iter().map(|z| &**z));
        fields.wrong("zone", format!("{name} has no zone \"{zone}\"{hint}"));
    }
    (Some(region), zone)
}

fn accelerator(fields: &mut Fields<'_, '_>) -> Option<Accelerator> {
    let mut accelerator = fields.object("accelerator")?;
    let name = accelerator.required_text("name");
    let count = accelerator.number::<u32>("count").unwrap_or(1);
    accelerator.close();
    Some(Accelerator { name: name?.into(), milli: u64::from(count) * 1000 })
}

/// `energy: {carbonPerKwh: 120, wattsPerVcpu: 2.5}`: grams and watts.
fn energy(fields: &mut Fields<'_, '_>) -> Energy {
    let Some(mut energy) = fields.object("energy") else { return Energy::default() };
    let amount = |text: &str| match text.parse::<Decimal>() {
        Ok(amount) if amount.is_negative() => Err(format!("{text} is below zero")),
        Ok(amount) => Ok(amount),
        Err(error) => Err(error.to_string()),
    };
    let read = Energy {
        carbon_g_per_kwh: energy.parsed("carbonPerKwh", amount),
        watts_per_vcpu: energy.parsed("wattsPerVcpu", amount),
    };
    energy.close();
    read
}

fn quotas(fields: &mut Fields<'_, '_>) -> Quotas {
    let Some(mut quotas) = fields.object("quotas") else { return Quotas::default() };
    let read = Quotas {
        machines: quotas.number("machines"),
        cpu: quotas.parsed("cpu", Cpu::parse),
        volumes: quotas.number("volumes"),
        networks: quotas.number("networks"),
    };
    quotas.close();
    read
}

/// `20s`, or `20s..40s` for a time drawn in between.
fn range(text: &str) -> Result<Range, String> {
    let micros = |text: &str| Micros::parse(text).map(|m| m.0).map_err(|e| e.to_string());
    let (least, most) = match text.split_once("..") {
        Some((least, most)) => (micros(least)?, micros(most)?),
        None => (micros(text)?, micros(text)?),
    };
    if least > most {
        return Err(format!("\"{text}\" ends before it begins"));
    }
    Ok(Range { least, most })
}

fn delays(fields: &mut Fields<'_, '_>) -> Delays {
    let usual = Delays::default();
    let Some(mut delays) = fields.object("delays") else { return usual };
    let read = Delays {
        call: delays.parsed("call", range).unwrap_or(usual.call),
        boot: delays.parsed("boot", range).unwrap_or(usual.boot),
        start: delays.parsed("start", range).unwrap_or(usual.start),
        health: delays.parsed("health", range).unwrap_or(usual.health),
        make: delays.parsed("make", range).unwrap_or(usual.make),
        visible: delays.parsed("visible", range).unwrap_or(usual.visible),
        stale: delays.parsed("stale", range).unwrap_or(usual.stale),
        remove: delays.parsed("remove", range).unwrap_or(usual.remove),
        notice: delays.parsed("notice", range).unwrap_or(usual.notice),
        token: delays.parsed("token", range).unwrap_or(usual.token),
    };
    delays.close();
    read
}

fn budget(fields: &mut Fields<'_, '_>, key: &'static str) -> Option<Budget> {
    let mut budget = fields.object(key)?;
    let burst = budget.required("burst").and_then(|_| budget.number("burst"));
    let per_second = budget.required("perSecond").and_then(|_| budget.number("perSecond"));
    budget.close();
    let budget = Budget { burst: burst?, per_second: per_second? };
    if budget.burst == 0 || budget.per_second == 0 {
        fields.wrong(key, "a budget of nothing lets nothing through");
    }
    Some(budget)
}

fn limits(fields: &mut Fields<'_, '_>) -> CallLimits {
    let Some(mut limits) = fields.object("limits") else { return CallLimits::default() };
    let read = CallLimits {
        reads: budget(&mut limits, "reads"),
        writes: budget(&mut limits, "writes"),
        says_wait: limits.flag("saysWait"),
    };
    limits.close();
    read
}

/// `2%`, in millionths.
fn share(text: &str) -> Result<u32, String> {
    let wrong = || format!("\"{text}\" is no share like 2%");
    let number = text.strip_suffix('%').ok_or_else(wrong)?;
    let percent: Decimal = number.trim().parse().map_err(|_| wrong())?;
    let millionths = percent.checked_mul_integer(10_000).ok_or_else(wrong)?.atto();
    if millionths % ONE != 0 {
        return Err(format!("\"{text}\" is finer than a millionth"));
    }
    let millionths = u32::try_from(millionths / ONE).map_err(|_| wrong())?;
    if millionths > 1_000_000 {
        return Err(format!("\"{text}\" is more than all"));
    }
    Ok(millionths)
}

fn faults(fields: &mut Fields<'_, '_>) -> FaultRates {
    let Some(mut faults) = fields.object("faults") else { return FaultRates::default() };
    let read = FaultRates {
        unreachable: faults.parsed("unreachable", share).unwrap_or_default(),
        lost: faults.parsed("lost", share).unwrap_or_default(),
        broken: faults.parsed("broken", share).unwrap_or_default(),
        stale: faults.parsed("stale", share).unwrap_or_default(),
    };
    faults.close();
    read
}
