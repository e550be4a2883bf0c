//! The functions of goals, over the facts of a plan.

use std::sync::Arc;

use cel::common::types::{self, CelBool, CelList, CelString};
use cel::common::value::{CowVal, Val};
use cel::{Env, ExecutionError};
use coc_model::decimal::{Decimal, ONE};
use coc_model::money::HOURS_PER_MONTH;
use num_rational::Ratio;

use crate::facts::{Facts, Thing, Which};
use crate::quantity::Quantity;

/// The standard language with the functions of goals.
#[expect(clippy::expect_used, reason = "each name is declared once, which the tests see")]
pub(super) fn environment() -> Env {
    let mut env = Env::stdlib();
    let any = || types::DYN_TYPE;
    let declared: [(&str, usize, cel::common::functions::Function); 25] = [
        ("@number", 1, |a| Ok(CowVal::owned(Quantity::plain(decimal(text(&*a[0])?)?)))),
        ("@replicas", 1, |a| replicas(&a)),
        ("@replicas", 2, |a| replicas(&a)),
        ("@possible", 2, |a| possible(&a)),
        ("@inside", 3, |a| inside(&a)),
        ("@certified", 2, |a| certified(&a)),
        ("@latency", 3, |a| latency(&a)),
        ("@sum", 1, |a| sum(&*a[0])),
        ("@count", 1, |a| count(&*a[0])),
        ("@min", 1, |a| extreme(&*a[0], Ratio::lt)),
        ("@max", 1, |a| extreme(&*a[0], Ratio::gt)),
        ("@distinct", 1, |a| distinct(&*a[0])),
        ("@skew", 2, |a| skew(&*a[0], &*a[1])),
        ("@average", 1, |a| average(&*a[0])),
        ("@attribute", 2, |a| attribute(&a)),
        ("@spend", 2, |a| spend(&a)),
        ("@knows", 2, |a| Ok(truth(thing(&*a[0])?.property(text(&*a[1])?).is_some()))),
        ("@knows_attribute", 2, |a| Ok(truth(thing(&*a[0])?.attribute(text(&*a[1])?).is_some()))),
        ("on", 1, |a| on(&*a[0])),
        ("excess", 2, |a| excess(quantity(&*a[0])?, quantity(&*a[1])?)),
        ("abs", 1, |a| absolute(quantity(&*a[0])?)),
        ("us", 1, |a| scaled(&*a[0], 1, 1000)),
        ("hourly", 1, |a| per(&*a[0], 1)),
        ("monthly", 1, |a| per(&*a[0], HOURS_PER_MONTH)),
        ("yearly", 1, |a| per(&*a[0], 12 * HOURS_PER_MONTH)),
    ];
    for (name, arity, function) in declared {
        let id = format!("{name}/{arity}");
        env.add_overload(name, &id, (0..arity).map(|_| any()).collect(), function)
            .expect("declared once");
    }
    let units: [(&str, cel::common::functions::Function); 13] = [
        ("usd", |a| scaled(&*a[0], 1, 1)),
        ("ms", |a| scaled(&*a[0], 1, 1)),
        ("seconds", |a| scaled(&*a[0], 1000, 1)),
        ("KiB", |a| scaled(&*a[0], 1024, 1)),
        ("MiB", |a| scaled(&*a[0], 1024 * 1024, 1)),
        ("GiB", |a| scaled(&*a[0], 1024 * 1024 * 1024, 1)),
        ("TiB", |a| scaled(&*a[0], 1024 * 1024 * 1024 * 1024, 1)),
        ("MB", |a| scaled(&*a[0], 1_000_000, 1)),
        ("GB", |a| scaled(&*a[0], 1_000_000_000, 1)),
        ("TB", |a| scaled(&*a[0], 1_000_000_000_000, 1)),
        ("gbPerMonth", |a| scaled(&*a[0], 1_000_000_000, 1)),
        ("grams", |a| scaled(&*a[0], 1, 1)),
        ("kg", |a| scaled(&*a[0], 1000, 1)),
    ];
    for (name, function) in units {
        env.add_overload(name, name, vec![any()], function).expect("declared once");
    }
    env
}

type Made<'b, 'v> = Result<CowVal<'b, 'v>, ExecutionError>;

fn wrong(says: &str) -> ExecutionError {
    ExecutionError::InternalError(says.to_owned())
}

fn text<'a>(value: &'a (dyn Val + '_)) -> Result<&'a str, ExecutionError> {
    value
        .downcast_ref::<CelString<'_>>()
        .map(CelString::inner)
        .ok_or_else(|| wrong("a text is due"))
}

fn decimal(text: &str) -> Result<Ratio<i128>, ExecutionError> {
    let decimal: Decimal = text.parse().map_err(|_| wrong("this is no exact number"))?;
    Ok(Ratio::new(decimal.atto(), ONE))
}

fn quantity(value: &(dyn Val + '_)) -> Result<Quantity, ExecutionError> {
    value.downcast_ref::<Quantity>().copied().ok_or_else(|| wrong("a number is due"))
}

fn scaled<'b, 'v>(value: &(dyn Val + '_), numerator: i128, denominator: i128) -> Made<'b, 'v> {
    let quantity = quantity(value)?;
    let value = quantity.value * Ratio::new(numerator, denominator);
    Ok(CowVal::owned(Quantity { value, ..quantity }))
}

/// Money paid for one time as money paid for another. Nothing, as the sum over no hosts, is nothing for
/// any time.
fn per<'b, 'v>(value: &(dyn Val + '_), hours: i128) -> Made<'b, 'v> {
    let quantity = quantity(value)?;
    let nothing = (quantity.value == Ratio::from_integer(0)).then_some(hours);
    let from = quantity.hours.or(nothing);
    let from = from.ok_or_else(|| wrong("money per hour, month or year is due"))?;
    Ok(CowVal::owned(Quantity::paid(quantity.value * Ratio::new(hours, from), hours)))
}

fn excess<'b, 'v>(a: Quantity, b: Quantity) -> Made<'b, 'v> {
    let beyond = num_traits::CheckedSub::checked_sub(&a.value, &b.value)
        .ok_or_else(|| wrong("a difference leaves the range of exact numbers"))?;
    let value = beyond.max(Ratio::from_integer(0));
    Ok(CowVal::owned(Quantity { value, hours: a.hours.or(b.hours) }))
}

fn absolute<'b, 'v>(of: Quantity) -> Made<'b, 'v> {
    let value = of.value.max(-of.value);
    Ok(CowVal::owned(Quantity { value, ..of }))
}

fn items<'a>(value: &'a (dyn Val + '_)) -> Result<Vec<&'a dyn Val>, ExecutionError> {
    value
        .downcast_ref::<CelList<'_>>()
        .map(|list| list.inner().iter().map(|item| &**item as &dyn Val).collect())
        .ok_or_else(|| wrong("a list is due"))
}

fn thing<'a>(value: &'a (dyn Val + '_)) -> Result<&'a Thing, ExecutionError> {
    value.downcast_ref::<Thing>().ok_or_else(|| wrong("a replica, host or service is due"))
}

/// The names of services that a value means.
fn service_names(value: &(dyn Val + '_)) -> Result<Vec<String>, ExecutionError> {
    if let Some(name) = value.downcast_ref::<CelString<'_>>() {
        return Ok(vec![name.inner().to_owned()]);
    }
    if let Some(thing) = value.downcast_ref::<Thing>() {
        return Ok(thing.service().map(ToOwned::to_owned).into_iter().collect());
    }
    let mut names = Vec::new();
    for item in items(value)? {
        names.extend(service_names(item)?);
    }
    Ok(names)
}

fn list<'b, 'v>(facts: &Arc<Facts>, which: impl Iterator<Item = Which>) -> CowVal<'b, 'v> {
    let things: Vec<Box<dyn Val + 'v>> =
        which.map(|w| -> Box<dyn Val + 'v> { Box::new(Thing::new(facts, w)) }).collect();
    CowVal::owned(CelList::from(things))
}

fn replicas<'b, 'v>(args: &[CowVal<'b, 'v>]) -> Made<'b, 'v> {
    let facts = &thing(&*args[0])?.facts;
    let names = args.get(1).map(|a| service_names(&**a)).transpose()?;
    let wanted = |service: &String| names.as_ref().is_none_or(|n| n.contains(service));
    let found = facts.replicas.iter().enumerate().filter(|(_, r)| wanted(&r.0)).map(|(i, _)| i);
    Ok(list(facts, found.map(Which::Replica)))
}

/// For every service among some replicas, where its replicas could be: one for each site.
fn possible<'b, 'v>(args: &[CowVal<'b, 'v>]) -> Made<'b, 'v> {
    let facts = &thing(&*args[0])?.facts;
    let mut services = Vec::new();
    for item in items(&*args[1])? {
        if let Some(service) = thing(item)?.service()
            && !services.iter().any(|s| s == service)
        {
            services.push(service.to_owned());
        }
    }
    let found = facts.possible.iter().filter(|(service, _)| services.contains(service)).flat_map(
        |(service, offerings)| offerings.iter().map(|o| Which::Possible(service.clone(), *o)),
    );
    Ok(list(facts, found))
}

fn inside<'b, 'v>(args: &[CowVal<'b, 'v>]) -> Made<'b, 'v> {
    let of = thing(&*args[1])?;
    let offering = of.offering().ok_or_else(|| wrong("a replica or host is due"))?;
    let estate = &of.facts.estate;
    let place = &estate.sites[offering.site.index()].place;
    let names = match args[2].downcast_ref::<CelString<'_>>() {
        Some(name) => vec![name.inner()],
        None => items(&*args[2])?.into_iter().map(text).collect::<Result<_, _>>()?,
    };
    let inside = names.iter().any(|name| estate.places.inside(place, name));
    Ok(CowVal::owned(CelBool::from(inside)))
}

/// Whether all of some frameworks are among those that the place of a replica or host has.
fn certified<'b, 'v>(args: &[CowVal<'b, 'v>]) -> Made<'b, 'v> {
    let of = thing(&*args[0])?;
    let offering = of.offering().ok_or_else(|| wrong("a replica or host is due"))?;
    let held = &of.facts.estate.sites[offering.site.index()].certified;
    let asked = match args[1].downcast_ref::<CelString<'_>>() {
        Some(name) => vec![name.inner()],
        None => items(&*args[1])?.into_iter().map(text).collect::<Result<_, _>>()?,
    };
    let missing = asked.iter().any(|name| !held.iter().any(|h| &**h == *name));
    Ok(CowVal::owned(CelBool::from(!missing)))
}

/// The longest round trip between two sides, each a replica or a service's name.
fn latency<'b, 'v>(args: &[CowVal<'b, 'v>]) -> Made<'b, 'v> {
    let facts = &thing(&*args[0])?.facts;
    let side = |value: &(dyn Val + '_)| -> Result<Vec<usize>, ExecutionError> {
        if let Some(Thing { which: Which::Replica(replica), .. }) = value.downcast_ref::<Thing>() {
            return Ok(vec![*replica]);
        }
        let names = service_names(value)?;
        let found = facts.replicas.iter().enumerate().filter(|(_, r)| names.contains(&r.0));
        Ok(found.map(|(i, _)| i).collect())
    };
    let site = |replica: usize| {
        let offering = facts.hosts[facts.replicas[replica].1];
        facts.estate.offerings[offering].site
    };
    let (from, to) = (side(&*args[1])?, side(&*args[2])?);
    let mut longest = Ratio::from_integer(0);
    for a in &from {
        for b in &to {
            // A replica is no way from itself.
            if a == b {
                continue;
            }
            let latency = facts.estate.latency(site(*a), site(*b));
            let latency =
                latency.ok_or_else(|| ExecutionError::NoSuchKey(Arc::new("latency".to_owned())))?;
            longest = longest.max(Ratio::new(latency.round_trip.0.into(), 1000));
        }
    }
    Ok(CowVal::owned(Quantity::plain(longest)))
}

fn total(items: &[&dyn Val]) -> Result<Quantity, ExecutionError> {
    let mut total = Quantity::integer(0);
    for item in items {
        let number = quantity(*item)?;
        let value = num_traits::CheckedAdd::checked_add(&total.value, &number.value)
            .ok_or_else(|| wrong("a sum leaves the range of exact numbers"))?;
        total = Quantity { value, hours: total.hours.or(number.hours) };
    }
    Ok(total)
}

fn sum<'b, 'v>(value: &(dyn Val + '_)) -> Made<'b, 'v> {
    Ok(CowVal::owned(total(&items(value)?)?))
}

fn average<'b, 'v>(value: &(dyn Val + '_)) -> Made<'b, 'v> {
    let items = items(value)?;
    if items.is_empty() {
        return Err(wrong("an empty list has no average"));
    }
    let total = total(&items)?;
    let count = i128::try_from(items.len()).unwrap_or(i128::MAX);
    let value = total.value / Ratio::from_integer(count);
    Ok(CowVal::owned(Quantity { value, ..total }))
}

fn attribute<'b, 'v>(args: &[CowVal<'b, 'v>]) -> Made<'b, 'v> {
    let name = text(&*args[1])?;
    let missing = || ExecutionError::NoSuchKey(Arc::new(name.to_owned()));
    thing(&*args[0])?.attribute(name).map(CowVal::Owned).ok_or_else(missing)
}

fn truth<'b, 'v>(truth: bool) -> CowVal<'b, 'v> {
    CowVal::owned(CelBool::from(truth))
}

fn spend<'b, 'v>(args: &[CowVal<'b, 'v>]) -> Made<'b, 'v> {
    let facts = &thing(&*args[0])?.facts;
    let nano = facts.spent.get(text(&*args[1])?).copied().unwrap_or(0);
    Ok(CowVal::owned(Quantity::paid(Ratio::new(nano, 1_000_000_000), HOURS_PER_MONTH)))
}

/// The replicas on a host.
fn on<'b, 'v>(value: &(dyn Val + '_)) -> Made<'b, 'v> {
    let Thing { facts, which: Which::Host(host) } = thing(value)? else {
        return Err(wrong("a host is due"));
    };
    let here = facts.replicas.iter().enumerate().filter(|(_, r)| r.1 == *host).map(|(i, _)| i);
    Ok(list(facts, here.map(Which::Replica)))
}

/// How many there are; of truths, how many are true.
fn count<'b, 'v>(value: &(dyn Val + '_)) -> Made<'b, 'v> {
    let items = items(value)?;
    let counts = |item: &&dyn Val| item.downcast_ref::<CelBool>().is_none_or(|b| *b.inner());
    let count = items.iter().filter(|i| counts(i)).count();
    Ok(CowVal::owned(Quantity::integer(i128::try_from(count).unwrap_or(i128::MAX))))
}

fn extreme<'b, 'v>(
    value: &(dyn Val + '_),
    better: fn(&Ratio<i128>, &Ratio<i128>) -> bool,
) -> Made<'b, 'v> {
    let numbers: Result<Vec<_>, _> = items(value)?.into_iter().map(quantity).collect();
    let found = numbers?.into_iter().reduce(|a, b| if better(&b.value, &a.value) { b } else { a });
    found.map(CowVal::owned).ok_or_else(|| wrong("an empty list has no extreme"))
}

fn distinct<'b, 'v>(value: &(dyn Val + '_)) -> Made<'b, 'v> {
    let mut seen: Vec<&dyn Val> = Vec::new();
    for item in items(value)? {
        if !seen.iter().any(|s| s.equals(item)) {
            seen.push(item);
        }
    }
    Ok(CowVal::owned(Quantity::integer(i128::try_from(seen.len()).unwrap_or(i128::MAX))))
}

/// The most frequent value's count less the least frequent one's, over all possible values.
fn skew<'b, 'v>(seen: &(dyn Val + '_), possible: &(dyn Val + '_)) -> Made<'b, 'v> {
    let mut counts: Vec<(&dyn Val, i128)> = Vec::new();
    for item in items(possible)?.into_iter().filter(|item| item.get_type() != &types::NULL_TYPE) {
        if !counts.iter().any(|(known, _)| known.equals(item)) {
            counts.push((item, 0));
        }
    }
    for item in items(seen)? {
        if let Some(count) = counts.iter_mut().find(|(known, _)| known.equals(item)) {
            count.1 += 1;
        }
    }
    let most = counts.iter().map(|c| c.1).max().unwrap_or(0);
    let least = counts.iter().map(|c| c.1).min().unwrap_or(0);
    Ok(CowVal::owned(Quantity::integer(most - least)))
}
