//! A finished plan as the things that expressions speak of.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;

use cel::ExecutionError;
use cel::common::traits::Indexer;
use cel::common::types::{CelBool, CelNull, CelString, Type};
use cel::common::value::{CowVal, StaticVal, Val};
use coc_model::attribute::{AttributeName, AttributeValue};
use coc_model::decimal::ONE;
use coc_model::estate::{Estate, Offering, Site};
use coc_model::money::Money;
use coc_model::offer::Purchase;
use num_rational::Ratio;

use crate::quantity::Quantity;

/// What a plan says, looked up in the estate.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) estate: Arc<Estate>,
    /// Name and number of replicas of each service.
    pub(crate) services: Vec<(String, u32)>,
    /// Sender and receiver of each link.
    pub(crate) links: Vec<(String, String)>,
    /// Index of the offering of each host.
    pub(crate) hosts: Vec<usize>,
    /// Service and index of the host of each replica; replicas of services that run on every host
    /// are left out, as nothing is decided about them.
    pub(crate) replicas: Vec<(String, usize)>,
    /// For each service, the offerings its replicas could be on.
    pub(crate) possible: Vec<(String, Vec<usize>)>,
    /// Labels of each service.
    pub(crate) labels: BTreeMap<String, BTreeMap<String, String>>,
    /// Thousandths of a vCPU and bytes that one replica of each service reserves.
    pub(crate) reserved: BTreeMap<String, (u64, u64)>,
    /// Service and offering of each replica that ran before; `None` for an offering that is gone.
    pub(crate) before: Vec<(String, Option<usize>)>,
    /// What each cloud is paid a month, in nano-dollars.
    pub(crate) spent: BTreeMap<String, i128>,
    /// What copying data to where it is not comes to, once; `None` if not known.
    pub(crate) copied: Option<Money>,
}

static THING: Type = Type::new_unspecified_type("thing");

/// A thing that expressions can ask properties of.
#[derive(Clone, Debug)]
pub(crate) struct Thing {
    pub(crate) facts: Arc<Facts>,
    pub(crate) which: Which,
}

/// Which thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    Service(usize),
    Link(usize),
    Host(usize),
    Replica(usize),
    /// A replica of a service on an offering where it could be.
    Possible(String, usize),
    /// The plan itself, handed to functions.
    Plan,
}

impl Facts {
    /// How many replicas have left the machines they ran on before: of each service and offering as
    /// many as are no longer there, less those that are no longer wanted.
    pub(crate) fn moved(&self) -> i128 {
        let mut moved = 0;
        for (service, wanted) in &self.services {
            let ran: Vec<Option<usize>> =
                self.before.iter().filter(|b| b.0 == *service).map(|b| b.1).collect();
            let mut kinds = ran.clone();
            kinds.sort_unstable();
            kinds.dedup();
            let left: usize = kinds
                .iter()
                .map(|kind| {
                    let count = ran.iter().filter(|o| *o == kind).count();
                    let stays = self.replicas.iter().filter(|(s, host)| {
                        s == service && kind.is_some_and(|o| self.hosts[*host] == o)
                    });
                    count.saturating_sub(stays.count())
                })
                .sum();
            let fewer = ran.len().saturating_sub(usize::try_from(*wanted).unwrap_or(0));
            moved += i128::try_from(left).unwrap_or(0) - i128::try_from(fewer).unwrap_or(0);
        }
        moved
    }
}

impl Thing {
    pub(crate) fn new(facts: &Arc<Facts>, which: Which) -> Self {
        Self { facts: Arc::clone(facts), which }
    }

    /// The offering a host or replica is on.
    pub(crate) fn offering(&self) -> Option<&Offering> {
        let index = match &self.which {
            Which::Host(host) => self.facts.hosts[*host],
            Which::Replica(replica) => self.facts.hosts[self.facts.replicas[*replica].1],
            Which::Possible(_, offering) => *offering,
            _ => return None,
        };
        self.facts.estate.offerings.get(index)
    }

    /// The service of a replica, or the service itself.
    pub(crate) fn service(&self) -> Option<&str> {
        match &self.which {
            Which::Service(s) => Some(&self.facts.services[*s].0),
            Which::Replica(r) => Some(&self.facts.replicas[*r].0),
            Which::Possible(service, _) => Some(service),
            _ => None,
        }
    }

    /// A label of the service behind, or an open attribute of the offer under it.
    pub(crate) fn attribute<'v>(&self, name: &str) -> Option<Box<dyn Val + 'v>> {
        match self.label(name) {
            Some(label) => Some(Box::new(CelString::from(label.to_owned()))),
            None => attribute(self.offering()?, name),
        }
    }

    /// The label of the service behind, if any service has one of this name; the empty text if this
    /// one does not.
    fn label(&self, name: &str) -> Option<&str> {
        let labels = &self.facts.labels;
        let service = self.service()?;
        labels
            .values()
            .any(|of| of.contains_key(name))
            .then(|| labels.get(service).and_then(|of| of.get(name)).map_or("", String::as_str))
    }

    pub(crate) fn property<'v>(&self, name: &str) -> Option<Box<dyn Val + 'v>> {
        let text = |t: &str| -> Option<Box<dyn Val + 'v>> {
            Some(Box::new(CelString::from(t.to_owned())))
        };
        match (&self.which, name) {
            (Which::Service(s), "name") => text(&self.facts.services[*s].0),
            (Which::Service(s), "replicas") => {
                Some(Box::new(Quantity::integer(self.facts.services[*s].1.into())))
            }
            (Which::Service(_) | Which::Replica(_) | Which::Possible(..), "needsCpu") => {
                let (cpu, _) = self.facts.reserved.get(self.service()?)?;
                Some(Box::new(Quantity::plain(Ratio::new((*cpu).into(), 1000))))
            }
            (Which::Service(_) | Which::Replica(_) | Which::Possible(..), "needsMemory") => {
                let (_, memory) = self.facts.reserved.get(self.service()?)?;
                Some(Box::new(Quantity::integer((*memory).into())))
            }
            (Which::Link(l), "from") => text(&self.facts.links[*l].0),
            (Which::Link(l), "to") => text(&self.facts.links[*l].1),
            (Which::Replica(_) | Which::Possible(..), "service") => text(self.service()?),
            (Which::Replica(r), "host") => {
                let host = Which::Host(self.facts.replicas[*r].1);
                Some(Box::new(Self::new(&self.facts, host)))
            }
            _ => {
                let offering = self.offering()?;
                let site = self.facts.estate.sites.get(offering.site.index())?;
                of_site(site, name)
                    .or_else(|| energy(&self.facts.estate, offering, name))
                    .or_else(|| of_offer(offering, name))
            }
        }
    }
}

fn of_site<'v>(site: &Site, name: &str) -> Option<Box<dyn Val + 'v>> {
    let text = match name {
        "cloud" => Some(&site.cloud),
        "region" => site.place.region.as_ref(),
        "zone" => site.place.zone.as_ref(),
        "country" => site.place.country.as_ref(),
        "area" => site.place.area.as_ref(),
        _ => None,
    };
    text.map(|t| -> Box<dyn Val + 'v> { Box::new(CelString::from(t.to_string())) })
}

/// Carbon of the site's grid and of the machine.
fn energy<'v>(estate: &Estate, offering: &Offering, name: &str) -> Option<Box<dyn Val + 'v>> {
    let number = match name {
        "carbonIntensity" => {
            let grams = estate.sites[offering.site.index()].carbon_g_per_kwh?;
            Ratio::new(grams.atto(), ONE)
        }
        "carbon" => crate::carbon::of_machine(estate, offering)?,
        _ => return None,
    };
    Some(Box::new(Quantity::plain(number)))
}

fn of_offer<'v>(offering: &Offering, name: &str) -> Option<Box<dyn Val + 'v>> {
    let offer = &offering.offer;
    let quantity = |value: Ratio<i128>| -> Option<Box<dyn Val + 'v>> {
        Some(Box::new(Quantity::plain(value)))
    };
    let text =
        |t: &str| -> Option<Box<dyn Val + 'v>> { Some(Box::new(CelString::from(t.to_owned()))) };
    match name {
        "offer" => text(&offer.name),
        "arch" => text(offer.architecture?.name()),
        "accelerator" => text(&offer.accelerator.as_ref()?.name),
        "vcpu" => quantity(Ratio::new(i128::from(offer.cpu?.0), 1000)),
        "memory" => quantity(Ratio::from_integer(i128::from(offer.memory?.0))),
        "price" => {
            let (dollars, divisor) = offering.rate()?.per_hour();
            Some(Box::new(Quantity::paid(Ratio::new(dollars, divisor), 1)))
        }
        "spot" => Some(Box::new(CelBool::from(offering.purchase == Purchase::Spot))),
        "existing" => Some(Box::new(CelBool::from(offering.existing))),
        _ => None,
    }
}

fn attribute<'v>(offering: &Offering, name: &str) -> Option<Box<dyn Val + 'v>> {
    match offering.offer.attributes.get(&AttributeName(name.into()))? {
        AttributeValue::Flag(flag) => Some(Box::new(CelBool::from(*flag))),
        AttributeValue::Number(number) => {
            Some(Box::new(Quantity::plain(Ratio::new(number.atto(), ONE))))
        }
        AttributeValue::Text(text) => Some(Box::new(CelString::from(text.to_string()))),
        AttributeValue::Set(_) => None,
    }
}

impl Val for Thing {
    fn get_type(&self) -> &Type {
        &THING
    }

    fn cel_type() -> &'static Type {
        &THING
    }

    fn as_indexer<'b, 'v>(&'b self) -> Option<&'b (dyn Indexer + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }

    fn equals(&self, other: &dyn Val) -> bool {
        other.downcast_ref::<Self>().is_some_and(|o| o.which == self.which)
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v>
    where
        Self: 'v,
    {
        Box::new(self.clone())
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

impl StaticVal for Thing {}

impl Indexer for Thing {
    fn get<'b, 'v>(&'b self, index: &dyn Val) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        let Some(name) = index.downcast_ref::<CelString<'_>>() else {
            return Err(ExecutionError::UnexpectedType {
                got: index.get_type().name().to_owned(),
                want: "string".to_owned(),
            });
        };
        let missing = || ExecutionError::NoSuchKey(Arc::new(name.inner().to_owned()));
        match (self.property(name.inner()), &self.which) {
            // Where a replica could be, what is not known is nothing to count.
            (None, Which::Possible(..)) => Ok(CowVal::owned(CelNull)),
            (found, _) => found.map(CowVal::Owned).ok_or_else(missing),
        }
    }

    fn steal<'v>(self: Box<Self>, index: &dyn Val) -> Result<Box<dyn Val + 'v>, ExecutionError>
    where
        Self: 'v,
    {
        self.get(index).map(CowVal::into_owned)
    }
}
