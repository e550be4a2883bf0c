//! Deciding, over random plans and observations.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests, with their own functions")]

mod world;

use std::collections::{BTreeMap, BTreeSet};

use coc_model::marks::{Mark, Marks};
use coc_model::plan::{Await, PlannedResource};
use coc_model::resource::{NativeId, ObservedResource, State};
use coc_plan::decide::{
    Action, Context, Data, Known, Learned, Listed, Operation, Operations, Reason, Wanted, Why,
    decide,
};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use world::{APP, OWNER, context, document, planned, seen};

const TYPES: [&str; 3] = ["network", "volume", "box"];
const CLOUDS: [&str; 3] = ["a", "b", "c"];
const STATES: [State; 8] = [
    State::Pending,
    State::Running,
    State::Healthy,
    State::Unhealthy,
    State::Completed,
    State::Failed,
    State::Stopped,
    State::Removing,
];

/// A key; those of lower numbers are never after those of higher ones.
fn id(number: usize) -> String {
    format!("r{number}")
}

fn any_variant() -> impl Strategy<Value = usize> {
    prop_oneof![6 => Just(0_usize), 1 => Just(1)]
}

fn name(number: usize, variant: usize) -> String {
    format!("r{number}-{variant}")
}

/// Mostly the usual cloud or type of a key, so that what is seen often is what is planned.
fn any_of(number: usize, all: [&'static str; 3]) -> impl Strategy<Value = &'static str> {
    prop_oneof![6 => Just(all[number % 3]), 1 => select(all.to_vec())]
}

fn any_planned(number: usize) -> impl Strategy<Value = PlannedResource> {
    let after = subsequence((0..number).collect::<Vec<_>>(), 0..=number.min(3));
    (after, any_of(number, CLOUDS), any_of(number, TYPES), any_variant(), 0..2_u32).prop_map(
        move |(after, cloud, resource_type, variant, version)| PlannedResource {
            name: name(number, variant),
            after: after.into_iter().map(|n| Await::Ready(id(n))).collect(),
            protect: resource_type == "volume",
            ..planned(&id(number), cloud, resource_type, version, &[])
        },
    )
}

/// Some of the resources r0 to r7, in any order, each after lower ones of the plan.
fn any_plan() -> impl Strategy<Value = Vec<PlannedResource>> {
    (0..8_usize)
        .prop_map(|count| (0..count).map(any_planned).collect::<Vec<_>>())
        .prop_flat_map(|all| (all, any::<[bool; 8]>()))
        .prop_map(|(all, chosen)| {
            let mut plan: Vec<_> =
                all.into_iter().zip(chosen).filter(|(_, c)| *c).map(|(p, _)| p).collect();
            let ids: BTreeSet<_> = plan.iter().map(|p| p.id.clone()).collect();
            for planned in &mut plan {
                planned.after.retain(|a| ids.contains(a.id()));
            }
            plan
        })
        .prop_shuffle()
}

fn any_seen() -> impl Strategy<Value = ObservedResource> {
    let whose = prop_oneof![8 => Just(Some((OWNER, APP))), 1 => Just(Some(("else", APP))),
        1 => Just(Some((OWNER, "other"))), 1 => Just(None)];
    let made = prop_oneof![4 => (0..3_u32).prop_map(Some), 1 => Just(None)];
    let place = (0..8_usize).prop_flat_map(|number| {
        (Just(number), any_of(number, CLOUDS), any_of(number, TYPES), any_variant())
    });
    (whose, place, made, select(&STATES), 0..2).prop_map(
        |(whose, (number, cloud, resource_type, variant), made, state, copy)| {
            let name = name(number, variant);
            let mut seen = seen(&id(number), cloud, resource_type, &name, made.unwrap_or(0), state);
            seen.native_id.0 = format!("{cloud}:{resource_type}:{name}:{copy}:{whose:?}");
            seen.spec = seen.spec.filter(|_| made.is_some());
            seen.marks = whose.map(|(owner, app)| Marks {
                owner: Mark::of(owner),
                app: Mark::of_application(app),
                res: Mark::of_resource(app, &id(number)),
                op: Mark::of(&seen.native_id.0),
            });
            seen
        },
    )
}

fn any_context() -> impl Strategy<Value = Context> {
    let known = |number: usize| {
        let after = subsequence((0..number).collect::<Vec<_>>(), 0..=number.min(3));
        (any::<bool>(), after, any::<bool>()).prop_map(move |(is, after, protect)| {
            let after = after.into_iter().map(id).collect();
            let known = Known { id: id(number), after, protect, ..Known::default() };
            is.then_some((Mark::of_resource(APP, &id(number)), known))
        })
    };
    let known: Vec<_> = (0..8).map(known).collect();
    let learned = subsequence(
        vec![Learned::Immutable, Learned::InUse, Learned::Done, Learned::Refused],
        0..=4,
    );
    let listed =
        prop_oneof![6 => Just(Some(Listed::Whole)), 1 => Just(Some(Listed::Part)), 1 => Just(None)];
    (
        known,
        prop::collection::vec(learned, 8),
        prop::collection::vec(listed, 3),
        select(&[Data::Keep, Data::Remove]),
    )
        .prop_map(|(known, learned, listed, data)| Context {
            known: known.into_iter().flatten().collect(),
            learned: (0..8)
                .zip(learned)
                .map(|(n, l)| (Mark::of_resource(APP, &id(n)), l.into_iter().collect()))
                .collect(),
            listed: CLOUDS
                .into_iter()
                .zip(listed)
                .filter_map(|(cloud, listed)| Some((cloud.to_owned(), listed?)))
                .collect(),
            data,
            ..context()
        })
}

fn any_scene() -> impl Strategy<Value = (Vec<PlannedResource>, Vec<ObservedResource>, Context)> {
    (any_plan(), prop::collection::vec(any_seen(), 0..14), any_context()).prop_map(
        |(plan, observed, context)| {
            // A cloud has no two resources of one id, and one that is not mounted shows nothing.
            let unique: BTreeMap<_, _> = observed
                .into_iter()
                .filter(|o| context.listed.contains_key(&o.cloud))
                .map(|o| (o.native_id.clone(), o))
                .collect();
            (plan, unique.into_values().collect(), context)
        },
    )
}

fn run(plan: &[PlannedResource], observed: &[ObservedResource], context: &Context) -> Operations {
    decide(Wanted { application: APP, resources: plan }, observed, context).unwrap()
}

/// The world that operations are carried out in.
struct World {
    resources: Vec<ObservedResource>,
    context: Context,
}

impl World {
    /// Carries a step out, as a cloud and a journal would.
    fn carry_out(&mut self, step: &Operation) {
        match &step.action {
            Action::Create(document) => {
                let mut made =
                    seen("", &step.cloud, &step.resource_type, &step.name, 0, State::Running);
                made.native_id.0 = format!("new:{}:{}", step.cloud, step.name);
                made.spec = Some(document.spec.clone());
                if let Some(marks) = &mut made.marks {
                    marks.res = step.mark.clone();
                }
                self.resources.push(made);
                self.write_down(step, document);
            }
            Action::Update { seen, document, .. } => {
                self.find(step, seen).spec = Some(document.spec.clone());
                self.write_down(step, document);
            }
            Action::Start { seen } => self.find(step, seen).state = State::Running,
            Action::Remove { seen } => {
                self.find(step, seen);
                self.resources.retain(|r| r.cloud != step.cloud || r.native_id != *seen);
            }
        }
    }

    fn find(&mut self, step: &Operation, id: &NativeId) -> &mut ObservedResource {
        let found = self.resources.iter_mut().find(|r| {
            (&r.cloud, &r.resource_type, &r.native_id) == (&step.cloud, &step.resource_type, id)
        });
        let Some(found) = found else { panic!("{step:?} is about nothing that is there") };
        let marks = found.marks.as_ref().unwrap();
        assert_eq!(marks.owner, Mark::of(OWNER), "{step:?} touches what is not ours");
        assert_eq!(marks.app, Mark::of_application(APP), "{step:?} touches another application");
        found
    }

    fn write_down(&mut self, step: &Operation, document: &coc_plan::decide::Document) {
        let known = Known {
            id: step.resource.clone(),
            after: document.after.clone(),
            protect: document.protect,
            spec: Some(document.spec.clone()),
            native_id: None,
        };
        self.context.known.insert(step.mark.clone(), known);
    }
}

/// The steps in some order that their waits allow: which one is told by the digits of a number.
fn any_order(steps: &[Operation], mut choice: u64) -> Vec<usize> {
    let mut order = Vec::new();
    while order.len() < steps.len() {
        let ready: Vec<usize> = (0..steps.len())
            .filter(|at| !order.contains(at))
            .filter(|&at| steps[at].after.iter().all(|before| order.contains(before)))
            .collect();
        let base = ready.len() as u64;
        order.push(ready[usize::try_from(choice % base).unwrap()]);
        choice = choice.rotate_right(3) / base;
    }
    order
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..Default::default() })]

    /// Carried out in any order that its waits allow, a decision leaves nothing to decide, and what
    /// it said of the rest stays so.
    #[test]
    fn deciding_again_gives_nothing(
        (plan, observed, context) in any_scene(),
        order in any::<u64>(),
    ) {
        let operations = run(&plan, &observed, &context);
        let mut world = World { resources: observed, context };
        for at in any_order(&operations.steps, order) {
            world.carry_out(&operations.steps[at]);
        }
        let again = run(&plan, &world.resources, &world.context);
        prop_assert_eq!(&again.steps, &[]);
        prop_assert_eq!(reasons(&again), reasons(&operations));
        prop_assert_eq!(&again.data_kept, &operations.data_kept);
        let done: BTreeSet<_> = operations.kept.iter().cloned()
            .chain(operations.steps.iter().filter(|s| !matches!(s.action, Action::Remove { .. })).map(|s| s.resource.clone()))
            .collect();
        prop_assert_eq!(again.kept.into_iter().collect::<BTreeSet<_>>(), done);
    }

    /// What is not ours stays exactly as it was.
    #[test]
    fn what_is_not_ours_is_not_touched((plan, observed, context) in any_scene()) {
        let ours = |o: &&ObservedResource| o.marks.as_ref().is_some_and(|m| {
            m.owner == Mark::of(OWNER) && m.app == Mark::of_application(APP)
        });
        let ids: BTreeSet<_> = observed.iter().filter(ours).map(|o| &o.native_id).collect();
        for step in run(&plan, &observed, &context).steps {
            match step.action {
                Action::Create(_) => {}
                Action::Update { seen, .. } | Action::Start { seen } | Action::Remove { seen } => {
                    prop_assert!(ids.contains(&seen), "{:?}", seen);
                }
            }
        }
        // And it changes nothing in what is decided.
        let without: Vec<_> = observed.iter().filter(ours).cloned().collect();
        prop_assert_eq!(run(&plan, &without, &context), run(&plan, &observed, &context));
    }

    /// A resource is made when all it waits for stands and nothing has its name.
    #[test]
    fn what_is_waited_for_is_there_first(
        (plan, observed, context) in any_scene(),
        order in any::<u64>(),
    ) {
        let operations = run(&plan, &observed, &context);
        let mut world = World { resources: observed, context };
        for at in any_order(&operations.steps, order) {
            let step = &operations.steps[at];
            prop_assert!(step.after.iter().all(|&before| before < at));
            if let Action::Create(document) = &step.action {
                for id in &document.after {
                    let needed = plan.iter().find(|p| p.id == *id).unwrap();
                    let mark = Mark::of_resource(APP, id);
                    prop_assert!(world.resources.iter().any(|r| {
                        r.marks.as_ref().is_some_and(|m| m.res == mark && m.owner == Mark::of(OWNER))
                            && (&r.cloud, &r.name) == (&needed.cloud, &needed.name)
                    }), "{} is made before {}", step.resource, id);
                }
                prop_assert!(!world.resources.iter().any(|r| {
                    r.marks.as_ref().is_some_and(|m| m.res == step.mark && m.owner == Mark::of(OWNER))
                        && (&r.cloud, &r.resource_type, &r.name)
                            == (&step.cloud, &step.resource_type, &step.name)
                }), "{} is made beside itself", step.name);
            }
            world.carry_out(step);
        }
    }

    /// Something goes after all that was made after it and goes too. Keys are only ever after lower
    /// ones here, so no two orders contradict each other.
    #[test]
    fn what_uses_something_goes_before_it((plan, observed, context) in any_scene()) {
        let operations = run(&plan, &observed, &context);
        let after = |mark: &Mark| -> Vec<String> {
            match context.known.get(mark) {
                Some(known) => known.after.clone(),
                None => plan.iter()
                    .find(|p| Mark::of_resource(APP, &p.id) == *mark)
                    .map(|p| p.after.iter().map(|a| a.id().to_owned()).collect())
                    .unwrap_or_default(),
            }
        };
        let removals: Vec<_> = operations.steps.iter().enumerate()
            .filter(|(_, s)| matches!(s.action, Action::Remove { .. }) && s.reason != Reason::Double)
            .collect();
        for (at, user) in &removals {
            for id in after(&user.mark) {
                let mark = Mark::of_resource(APP, &id);
                for (used_at, used) in &removals {
                    prop_assert!(
                        used.mark != mark || at < used_at,
                        "{} goes before {}, which uses it: {:?}", used.name, user.name, steps(&operations)
                    );
                }
            }
        }
    }

    /// Nothing is made or removed where the list was not whole.
    #[test]
    fn what_was_not_listed_whole_is_only_changed((plan, observed, context) in any_scene()) {
        for step in run(&plan, &observed, &context).steps {
            if context.listed.get(&step.cloud) != Some(&Listed::Whole) {
                let changes = matches!(step.action, Action::Update { .. } | Action::Start { .. });
                prop_assert!(changes, "{step:?}");
            }
        }
    }

    /// Data goes only if that is asked for, or if it is going already.
    #[test]
    fn data_is_kept_unless_asked((plan, observed, context) in any_scene()) {
        let context = Context { data: Data::Keep, known: BTreeMap::new(), ..context };
        for step in run(&plan, &observed, &context).steps {
            let removes = matches!(step.action, Action::Remove { .. });
            let planned = plan.iter().find(|p| p.id == step.resource);
            let holds = planned.map_or(step.resource_type == "volume", |p| p.protect);
            let is_going = observed.iter().any(|o| {
                matches!(&step.action, Action::Remove { seen } if *seen == o.native_id)
                    && o.state == State::Removing
            });
            prop_assert!(!removes || !holds || is_going, "{step:?}");
        }
    }

    /// With everything listed, allowed and unlearned, exactly what is wanted remains.
    #[test]
    fn in_the_end_exactly_what_is_wanted_is_there(
        (plan, observed, context) in any_scene(),
    ) {
        let context = Context {
            listed: world::context().listed,
            learned: BTreeMap::new(),
            data: Data::Remove,
            ..context
        };
        let operations = run(&plan, &observed, &context);
        let mut world = World { resources: observed, context };
        for step in &operations.steps {
            world.carry_out(step);
        }
        let mut there: Vec<_> = world.resources.iter()
            .filter(|r| r.marks.as_ref().is_some_and(|m| m.owner == Mark::of(OWNER) && m.app == Mark::of_application(APP)))
            .map(|r| (&r.cloud, &r.resource_type, &r.name))
            .collect();
        let mut wanted: Vec<_> = plan.iter().map(|p| (&p.cloud, &p.resource_type, &p.name)).collect();
        there.sort();
        wanted.sort();
        prop_assert_eq!(there, wanted);
        prop_assert_eq!(operations.withheld, vec![]);
    }

    /// Whatever was written down at whatever time: there is an order, and it has every step.
    #[test]
    fn contradicting_orders_end_in_some_order(
        (plan, observed, context) in any_scene(),
        edges in prop::collection::vec((0..8_usize, 0..8_usize), 0..30),
        order in any::<u64>(),
    ) {
        let mut context = context;
        for (from, to) in edges {
            let known = context.known.entry(Mark::of_resource(APP, &id(from))).or_default();
            known.id = id(from);
            known.after.push(id(to));
        }
        let operations = run(&plan, &observed, &context);
        let order = any_order(&operations.steps, order);
        let mut world = World { resources: observed, context };
        for at in order {
            world.carry_out(&operations.steps[at]);
        }
        prop_assert_eq!(run(&plan, &world.resources, &world.context).steps, vec![]);
    }
}

/// What is withheld and why, without the name of the user that was found first.
fn reasons(operations: &Operations) -> Vec<(&str, Why)> {
    let reason = |why: &Why| match why {
        Why::UsedBy(_) => Why::UsedBy(String::new()),
        other => other.clone(),
    };
    operations.withheld.iter().map(|w| (w.resource.as_str(), reason(&w.why))).collect()
}

fn steps(operations: &Operations) -> Vec<String> {
    operations.steps.iter().map(|s| format!("{} {:?} {:?}", s.name, s.reason, s.after)).collect()
}

/// The generator makes what it is meant to: every kind of step comes out of it.
#[test]
fn scenes_are_of_all_kinds() {
    use proptest::strategy::ValueTree as _;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut reasons = BTreeSet::new();
    let mut documents = BTreeSet::new();
    for _ in 0..2_000 {
        let (plan, observed, context) = any_scene().new_tree(&mut runner).unwrap().current();
        for step in run(&plan, &observed, &context).steps {
            reasons.insert(format!("{:?}", step.reason));
            if let Action::Create(made) = step.action {
                documents.insert(made.native.to_string());
            }
        }
    }
    assert_eq!(reasons.len(), 10, "{reasons:?}");
    assert_eq!(documents, (0..2).map(|v| document(v).to_string()).collect());
}
