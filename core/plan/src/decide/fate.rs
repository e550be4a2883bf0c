//! What is to become of each resource, taken by itself and by what it depends on.

use std::collections::{BTreeMap, BTreeSet};

use coc_model::canonical;
use coc_model::marks::Mark;
use coc_model::plan::PlannedResource;
use coc_model::resource::{ObservedResource, State};

use super::{Context, Data, Document, Learned, Left, Listed, Reason, Wanted, Why, Withheld};

/// What is to become of all resources.
#[derive(Debug, Default)]
pub(super) struct Fates<'a> {
    /// In the order of the plan, then of the marks of what the plan does not have.
    pub(super) fates: Vec<Fate<'a>>,
    pub(super) kept: Vec<String>,
    pub(super) withheld: Vec<Withheld>,
    pub(super) data_kept: Vec<Left>,
    /// Which resources depend on which, as they were made.
    pub(super) dependents: BTreeMap<Mark, BTreeSet<Mark>>,
}

/// What is to become of one resource.
#[derive(Debug)]
pub(super) struct Fate<'a> {
    pub(super) resource: String,
    pub(super) mark: Mark,
    /// As the plan has it, if it does.
    pub(super) planned: Option<&'a PlannedResource>,
    pub(super) making: Option<Making<'a>>,
    pub(super) removals: Vec<(&'a ObservedResource, Reason)>,
    /// True if all the removals come before the making, not those of doubles alone.
    pub(super) breaks_first: bool,
}

/// How a resource comes to be as wanted.
#[derive(Clone, Debug)]
pub(super) enum Making<'a> {
    Create(Document, Reason),
    Update(&'a ObservedResource, Document),
    Start(&'a ObservedResource),
}

/// The fate of one planned resource before others are looked at.
#[derive(Clone)]
enum Alone<'a> {
    Kept(Option<&'a ObservedResource>),
    Made(Making<'a>),
    Replaced(&'a ObservedResource, Reason),
    Withheld(Why),
}

pub(super) fn fates<'a>(
    wanted: Wanted<'a>,
    observed: &'a [ObservedResource],
    context: &'a Context,
) -> Fates<'a> {
    let mut ours = ours(wanted.application, observed, context);
    let mut deciding = Deciding { context, fates: Fates::default(), alone: Vec::new() };
    deciding.fates.dependents = dependents(wanted, context);
    for planned in wanted.resources {
        let mark = Mark::of_resource(wanted.application, &planned.id);
        let seen = ours.remove(&mark).unwrap_or_default();
        deciding.planned(planned, mark, seen);
    }
    deciding.look_at_others();
    deciding.settle();
    for (mark, seen) in ours {
        deciding.leftover(mark, seen);
    }
    let mut fates = deciding.fates;
    break_first(&mut fates);
    fates
}

/// What bears the marks of the owner and the application, each once, by resource.
fn ours<'a>(
    application: &str,
    observed: &'a [ObservedResource],
    context: &Context,
) -> BTreeMap<Mark, Vec<&'a ObservedResource>> {
    let app = Mark::of_application(application);
    let mut ours: BTreeMap<Mark, BTreeMap<_, &ObservedResource>> = BTreeMap::new();
    for seen in observed {
        if let Some(marks) =
            seen.marks.as_ref().filter(|m| m.owner == context.owner && m.app == app)
        {
            let identity = (&seen.cloud, &seen.resource_type, &seen.native_id);
            ours.entry(marks.res.clone()).or_default().insert(identity, seen);
        }
    }
    ours.into_iter().map(|(mark, seen)| (mark, seen.into_values().collect())).collect()
}

/// Which resources depend on which: as written down when they were made, else as planned.
fn dependents(wanted: Wanted<'_>, context: &Context) -> BTreeMap<Mark, BTreeSet<Mark>> {
    let mark = |id: &str| Mark::of_resource(wanted.application, id);
    let mut dependents: BTreeMap<Mark, BTreeSet<Mark>> = BTreeMap::new();
    let mut add = |of: &Mark, after: &mut dyn Iterator<Item = &str>| {
        for id in after {
            dependents.entry(mark(id)).or_default().insert(of.clone());
        }
    };
    for (of, known) in &context.known {
        add(of, &mut known.after.iter().map(String::as_str));
    }
    for planned in wanted.resources {
        let of = mark(&planned.id);
        if !context.known.contains_key(&of) {
            add(&of, &mut planned.after.iter().map(|a| a.id()));
        }
    }
    dependents
}

/// A planned resource on its way to a fate.
struct Candidate<'a> {
    planned: &'a PlannedResource,
    mark: Mark,
    alone: Alone<'a>,
    /// Older ones under other names, types or clouds, and doubles.
    others: Vec<(&'a ObservedResource, Reason)>,
}

struct Deciding<'a> {
    context: &'a Context,
    fates: Fates<'a>,
    alone: Vec<Candidate<'a>>,
}

impl<'a> Deciding<'a> {
    fn planned(
        &mut self,
        planned: &'a PlannedResource,
        mark: Mark,
        seen: Vec<&'a ObservedResource>,
    ) {
        let (mut here, elsewhere): (Vec<_>, Vec<_>) = seen.into_iter().partition(|seen| {
            (&seen.cloud, &seen.resource_type, &seen.name)
                == (&planned.cloud, &planned.resource_type, &planned.name)
        });
        let spec = canonical::digest_of(&planned.native);
        here.sort_by_key(|seen| {
            let rank = match seen.state {
                State::Removing => 2,
                State::Failed => 1,
                _ => 0,
            };
            // A list that is out of date may still show one that was replaced.
            let known = self.context.known.get(&mark).and_then(|known| known.native_id.as_ref());
            let written_down = known == Some(&seen.native_id);
            (rank, !written_down, !self.has_spec(&mark, seen, &spec))
        });
        let mut here = here.into_iter();
        let current = here.next();
        let doubles = here.map(|seen| (seen, Reason::Double));
        let others =
            doubles.chain(elsewhere.into_iter().map(|seen| (seen, Reason::Superseded))).collect();
        let alone = self.alone(planned, &mark, spec, current);
        self.alone.push(Candidate { planned, mark, alone, others });
    }

    fn alone(
        &self,
        planned: &PlannedResource,
        mark: &Mark,
        spec: String,
        current: Option<&'a ObservedResource>,
    ) -> Alone<'a> {
        let listed = self.context.listed.get(&planned.cloud);
        let document = document(planned, spec);
        let Some(seen) = current else {
            return match listed {
                None => Alone::Withheld(Why::NotMounted),
                Some(Listed::Part) => Alone::Withheld(Why::NotListed),
                Some(Listed::Whole) => Alone::Made(Making::Create(document, Reason::Missing)),
            };
        };
        let learned = |what| self.context.learned.get(mark).is_some_and(|l| l.contains(&what));
        let changed = !self.has_spec(mark, seen, &document.spec);
        match seen.state {
            State::Removing => self.replaced(planned, seen, Reason::Going),
            State::Failed if learned(Learned::Done) || learned(Learned::Refused) => {
                Alone::Withheld(Why::FailedAgain)
            }
            State::Failed => self.replaced(planned, seen, Reason::Failed),
            _ if changed && learned(Learned::Immutable) => {
                self.replaced(planned, seen, Reason::Immutable)
            }
            _ if changed => Alone::Made(Making::Update(seen, document)),
            State::Stopped if learned(Learned::Done) => Alone::Withheld(Why::StoppedAgain),
            State::Stopped => Alone::Made(Making::Start(seen)),
            State::Pending
            | State::Running
            | State::Healthy
            | State::Unhealthy
            | State::Completed => Alone::Kept(Some(seen)),
        }
    }

    fn replaced(
        &self,
        planned: &PlannedResource,
        seen: &'a ObservedResource,
        reason: Reason,
    ) -> Alone<'a> {
        let holds_data = planned.protect && self.context.data == Data::Keep;
        match self.context.listed.get(&planned.cloud) {
            // What is being removed already can't be kept from it.
            Some(Listed::Whole) if holds_data && reason != Reason::Going => {
                Alone::Withheld(Why::HoldsData)
            }
            Some(Listed::Whole) => Alone::Replaced(seen, reason),
            Some(Listed::Part) => Alone::Withheld(Why::NotListed),
            None => Alone::Withheld(Why::NotMounted),
        }
    }

    /// True if it was made from the document of this digest. What bears no digest, and of which
    /// none was written down, is taken to be.
    fn has_spec(&self, mark: &Mark, seen: &ObservedResource, spec: &str) -> bool {
        let known = || self.context.known.get(mark).and_then(|known| known.spec.as_deref());
        seen.spec.as_deref().or_else(known).is_none_or(|made_from| made_from == spec)
    }

    /// Lets what becomes of a resource depend on what becomes of others.
    ///
    /// What uses a resource that can't be removed while in use is replaced with it. If one of the
    /// users can't be, the resource can't be either, and the others are left as they were: so it is
    /// tried without each resource that proves to be impossible, until all that are tried are
    /// possible.
    fn look_at_others(&mut self) {
        let first: Vec<Alone<'a>> = self.alone.iter().map(|c| c.alone.clone()).collect();
        let mut impossible: BTreeMap<usize, Why> = BTreeMap::new();
        loop {
            for (candidate, alone) in self.alone.iter_mut().zip(&first) {
                candidate.alone = alone.clone();
            }
            for (&at, why) in &impossible {
                self.alone[at].alone = Alone::Withheld(why.clone());
            }
            let replaced: Vec<usize> =
                (0..self.alone.len()).filter(|&at| self.is_replaced_with_users(at)).collect();
            let users: Vec<_> = replaced.iter().map(|&at| self.users(at)).collect();
            for (user, alone) in users.iter().flatten() {
                self.alone[*user].alone = alone.clone();
            }
            self.withhold_users();
            let found = impossible.len();
            for (at, users) in replaced.into_iter().zip(users) {
                let is_withheld =
                    |user: &usize| matches!(self.alone[*user].alone, Alone::Withheld(_));
                if let Some(user) = users.into_iter().map(|(user, _)| user).find(is_withheld) {
                    let why = Why::UsedBy(self.alone[user].planned.id.clone());
                    impossible.insert(at, why);
                }
            }
            if impossible.len() == found {
                return;
            }
        }
    }

    /// True if it is to be replaced and is known not to go while anything uses it.
    fn is_replaced_with_users(&self, at: usize) -> bool {
        let Candidate { mark, alone, .. } = &self.alone[at];
        let learned = self.context.learned.get(mark);
        matches!(alone, Alone::Replaced(..))
            && learned.is_some_and(|learned| learned.contains(&Learned::InUse))
    }

    /// The resources that are there and use one, directly or not, with what becomes of each if it
    /// is to be replaced.
    fn users(&self, of: usize) -> Vec<(usize, Alone<'a>)> {
        let mut used = BTreeSet::from([self.alone[of].planned.id.as_str()]);
        let mut found = 0;
        while found != used.len() {
            found = used.len();
            let users = self.alone.iter().map(|candidate| candidate.planned);
            let users: Vec<_> =
                users.filter(|p| p.after.iter().any(|a| used.contains(a.id()))).collect();
            used.extend(users.iter().map(|p| p.id.as_str()));
        }
        let users = self.alone.iter().enumerate();
        users
            .filter(|(at, c)| *at != of && used.contains(c.planned.id.as_str()))
            .filter_map(|(at, c)| {
                let seen = match &c.alone {
                    Alone::Kept(seen) => (*seen)?,
                    Alone::Made(Making::Update(seen, ..) | Making::Start(seen)) => seen,
                    Alone::Made(Making::Create(..)) | Alone::Replaced(..) | Alone::Withheld(_) => {
                        return None;
                    }
                };
                Some((at, self.replaced(c.planned, seen, Reason::NeedReplaced)))
            })
            .collect()
    }

    /// What can't be made because something it waits for is withheld is withheld too.
    fn withhold_users(&mut self) {
        let mut withheld: BTreeSet<&str> = self
            .alone
            .iter()
            .filter(|c| matches!(c.alone, Alone::Withheld(_)))
            .map(|c| c.planned.id.as_str())
            .collect();
        let mut found = usize::MAX;
        while found != withheld.len() {
            found = withheld.len();
            for candidate in &mut self.alone {
                let waits = match &candidate.alone {
                    Alone::Made(Making::Create(..) | Making::Start(_)) | Alone::Replaced(..) => {
                        true
                    }
                    Alone::Made(Making::Update(..)) | Alone::Kept(_) | Alone::Withheld(_) => false,
                };
                let missing = candidate.planned.after.iter().find(|a| withheld.contains(a.id()));
                if let Some(missing) = missing.filter(|_| waits) {
                    candidate.alone = Alone::Withheld(Why::Needs(missing.id().to_owned()));
                    withheld.insert(&candidate.planned.id);
                }
            }
        }
    }

    /// Turns what was found of the planned resources into their fates.
    fn settle(&mut self) {
        for Candidate { planned, mark, alone, others } in std::mem::take(&mut self.alone) {
            let mut fate = Fate {
                resource: planned.id.clone(),
                mark,
                planned: Some(planned),
                making: None,
                removals: Vec::new(),
                breaks_first: false,
            };
            match alone {
                Alone::Kept(_) => self.fates.kept.push(planned.id.clone()),
                Alone::Made(making) => fate.making = Some(making),
                Alone::Replaced(seen, reason) => {
                    let spec = canonical::digest_of(&planned.native);
                    fate.making = Some(Making::Create(document(planned, spec), reason));
                    fate.removals.push((seen, reason));
                    fate.breaks_first = true;
                }
                Alone::Withheld(why) => {
                    // The older ones stay too: they may be all there is of it.
                    self.withhold(&planned.id, &planned.cloud, why);
                    continue;
                }
            }
            for (seen, reason) in others {
                if self.may_remove(&fate.resource, planned.protect, seen) {
                    fate.removals.push((seen, reason));
                }
            }
            self.fates.fates.push(fate);
        }
    }

    /// A resource that the plan does not have.
    fn leftover(&mut self, mark: Mark, seen: Vec<&'a ObservedResource>) {
        let known = self.context.known.get(&mark);
        let resource = known.map_or_else(|| mark.to_string(), |known| known.id.clone());
        let mut removals = Vec::new();
        for seen in seen {
            let protect = known.map_or_else(
                || self.context.data_types.contains(&seen.resource_type),
                |known| known.protect,
            );
            if self.may_remove(&resource, protect, seen) {
                removals.push((seen, Reason::NotInPlan));
            }
        }
        self.fates.fates.push(Fate {
            resource,
            mark,
            planned: None,
            making: None,
            removals,
            breaks_first: false,
        });
    }

    /// Whether something that is not wanted may be removed; what may not be is noted.
    fn may_remove(&mut self, resource: &str, protect: bool, seen: &ObservedResource) -> bool {
        // What is being removed already can't be kept from it.
        let holds_data = protect && self.context.data == Data::Keep;
        match self.context.listed.get(&seen.cloud) {
            Some(Listed::Whole) if holds_data && seen.state != State::Removing => {
                self.fates.data_kept.push(Left {
                    resource: resource.to_owned(),
                    cloud: seen.cloud.clone(),
                    resource_type: seen.resource_type.clone(),
                    name: seen.name.clone(),
                });
                false
            }
            Some(Listed::Whole) => true,
            Some(Listed::Part) => {
                self.withhold(resource, &seen.cloud, Why::NotListed);
                false
            }
            None => {
                self.withhold(resource, &seen.cloud, Why::NotMounted);
                false
            }
        }
    }

    fn withhold(&mut self, resource: &str, cloud: &str, why: Why) {
        self.fates.withheld.push(Withheld {
            resource: resource.to_owned(),
            cloud: cloud.to_owned(),
            why,
        });
    }
}

fn document(planned: &PlannedResource, spec: String) -> Document {
    Document {
        native: planned.native.clone(),
        spec,
        after: planned.after.iter().map(|a| a.id().to_owned()).collect(),
        protect: planned.protect,
    }
}

/// What depends on something that has to go before it is made again goes before it, too.
fn break_first(fates: &mut Fates<'_>) {
    let mut todo: Vec<Mark> =
        fates.fates.iter().filter(|f| f.breaks_first).map(|f| f.mark.clone()).collect();
    let mut broken: BTreeSet<Mark> = todo.iter().cloned().collect();
    while let Some(mark) = todo.pop() {
        for user in fates.dependents.get(&mark).into_iter().flatten() {
            if broken.insert(user.clone()) {
                todo.push(user.clone());
            }
        }
    }
    for fate in &mut fates.fates {
        fate.breaks_first = broken.contains(&fate.mark);
    }
}
