//! Deciding, scenario by scenario: what is planned, what is seen, what is to be done.
#![allow(clippy::unwrap_used, reason = "tests, with their own functions")]

mod world;

use std::collections::{BTreeMap, BTreeSet};

use coc_model::application::Condition;
use coc_model::marks::Mark;
use coc_model::plan::{Await, PlannedResource};
use coc_model::resource::{ObservedResource, State};
use coc_plan::decide::{
    Action, Data, Fault, Known, Learned, Left, Listed, Operations, Wanted, Why, Withheld, decide,
};
use serde_json::json;
use world::{APP, OWNER, context, planned, seen, seen_of};

/// The steps in short: `create net`, `remove db (Double)`.
fn steps(operations: &Operations) -> Vec<String> {
    operations
        .steps
        .iter()
        .map(|step| {
            let verb = match step.action {
                Action::Create(_) => "create",
                Action::Update { .. } => "update",
                Action::Start { .. } => "start",
                Action::Remove { .. } => "remove",
            };
            format!("{verb} {} in {} ({:?})", step.name, step.cloud, step.reason)
        })
        .collect()
}

fn decided(plan: &[PlannedResource], observed: &[ObservedResource]) -> Vec<String> {
    let wanted = Wanted { application: APP, resources: plan };
    steps(&decide(wanted, observed, &context()).unwrap())
}

/// net ← vol, net ← db ← web; all in cloud a.
fn plan() -> Vec<PlannedResource> {
    let mut vol = planned("vol", "a", "volume", 1, &["net"]);
    vol.protect = true;
    vec![
        planned("web", "a", "box", 1, &["net", "db"]),
        planned("db", "a", "box", 1, &["net", "vol"]),
        vol,
        planned("net", "a", "network", 1, &[]),
    ]
}

/// What the plan looks like once it is carried out.
fn standing() -> Vec<ObservedResource> {
    plan().iter().map(|p| seen_of(p, State::Running)).collect()
}

fn known() -> BTreeMap<Mark, Known> {
    let known = |p: PlannedResource| {
        let after = p.after.iter().map(|a| a.id().to_owned()).collect();
        let mark = Mark::of_resource(APP, &p.id);
        (mark, Known { id: p.id, after, protect: p.protect, ..Known::default() })
    };
    plan().into_iter().map(known).collect()
}

#[test]
fn nothing_is_there_so_everything_is_made_in_order() {
    assert_eq!(
        decided(&plan(), &[]),
        [
            "create net in a (Missing)",
            "create vol in a (Missing)",
            "create db in a (Missing)",
            "create web in a (Missing)"
        ]
    );
}

#[test]
fn everything_is_there_so_nothing_is_done() {
    let operations =
        decide(Wanted { application: APP, resources: &plan() }, &standing(), &context());
    let operations = operations.unwrap();
    assert_eq!(operations.steps, []);
    assert_eq!(operations.kept, ["web", "db", "vol", "net"]);
    // Health is somebody else's business, and a program may end well.
    for state in [State::Pending, State::Healthy, State::Unhealthy, State::Completed] {
        let observed: Vec<_> = plan().iter().map(|p| seen_of(p, state)).collect();
        assert_eq!(decided(&plan(), &observed), [""; 0], "{state:?}");
    }
}

#[test]
fn each_state_and_document_has_its_step() {
    for (id, state, version, steps) in [
        ("db", State::Running, 1, vec![]),
        ("db", State::Running, 2, vec!["update db in a (Changed)"]),
        ("db", State::Stopped, 1, vec!["start db in a (Stopped)"]),
        ("db", State::Stopped, 2, vec!["update db in a (Changed)", "start db in a (Stopped)"]),
        ("db", State::Failed, 1, vec!["remove db in a (Failed)", "create db in a (Failed)"]),
        ("db", State::Removing, 1, vec!["remove db in a (Going)", "create db in a (Going)"]),
        ("vol", State::Removing, 1, vec!["remove vol in a (Going)", "create vol in a (Going)"]),
        // A volume that failed is not thrown away by itself.
        ("vol", State::Failed, 1, vec![]),
    ] {
        let mut observed = standing();
        let it = observed.iter_mut().find(|o| o.name == id).unwrap();
        *it = seen(id, "a", &it.resource_type.clone(), id, version, state);
        assert_eq!(decided(&plan(), &observed), steps, "{id} {state:?} {version}");
    }
}

#[test]
fn an_unknown_document_is_what_was_written_down_or_else_as_planned() {
    let mut observed = standing();
    observed[1].spec = None;
    assert_eq!(decided(&plan(), &observed), [""; 0]);
    let mut context = context();
    let spec = Some("sha256:of another one".to_owned());
    let db = Known { id: "db".into(), spec, ..Known::default() };
    context.known.insert(Mark::of_resource(APP, "db"), db);
    let wanted = Wanted { application: APP, resources: &plan() };
    let operations = decide(wanted, &observed, &context).unwrap();
    assert_eq!(steps(&operations), ["update db in a (Changed)"]);
}

#[test]
fn what_is_not_planned_goes_in_reverse_of_how_it_was_made() {
    let mut context = context();
    context.known = known();
    let nothing = Wanted::nothing(APP);
    let operations = decide(nothing, &standing(), &context).unwrap();
    let removed = |name| format!("remove {name} in a (NotInPlan)");
    // The volume holds data; the network is removed all the same, and may be refused.
    assert_eq!(steps(&operations), ["web", "db", "net"].map(removed));
    let left = Left {
        resource: "vol".into(),
        cloud: "a".into(),
        resource_type: "volume".into(),
        name: "vol".into(),
    };
    assert_eq!(operations.data_kept, [left]);

    context.data = Data::Remove;
    let operations = decide(nothing, &standing(), &context).unwrap();
    assert_eq!(steps(&operations), ["web", "db", "vol", "net"].map(removed));
}

#[test]
fn without_anything_written_down_types_that_can_hold_data_are_kept() {
    let operations = decide(Wanted::nothing(APP), &standing(), &context()).unwrap();
    assert_eq!(operations.steps.len(), 3);
    assert_eq!(operations.data_kept.len(), 1);
    assert_eq!(operations.data_kept[0].resource, Mark::of_resource(APP, "vol").to_string());
}

#[test]
fn another_name_or_cloud_is_made_before_the_old_one_goes() {
    let mut moved = plan();
    moved[1].cloud = "b".into();
    moved[0].name = "web-2".into();
    let mut context = context();
    context.known = known();
    let wanted = Wanted { application: APP, resources: &moved };
    assert_eq!(
        steps(&decide(wanted, &standing(), &context).unwrap()),
        [
            "create db in b (Missing)",
            "create web-2 in a (Missing)",
            "remove web in a (Superseded)",
            "remove db in a (Superseded)",
        ]
    );
}

#[test]
fn data_under_another_name_is_left() {
    let mut renamed = plan();
    renamed[2].name = "vol-2".into();
    let wanted = Wanted { application: APP, resources: &renamed };
    let operations = decide(wanted, &standing(), &context()).unwrap();
    assert_eq!(steps(&operations), ["create vol-2 in a (Missing)"]);
    assert_eq!(operations.data_kept[0].name, "vol");
}

#[test]
fn a_change_that_is_refused_in_place_becomes_a_replacement() {
    let mut changed = plan();
    changed[1].native = json!({"v": 2});
    let mut context = context();
    let wanted = Wanted { application: APP, resources: &changed };
    let first = decide(wanted, &standing(), &context).unwrap();
    assert_eq!(steps(&first), ["update db in a (Changed)"]);
    context.learned.insert(Mark::of_resource(APP, "db"), [Learned::Immutable].into());
    let second = decide(wanted, &standing(), &context).unwrap();
    assert_eq!(steps(&second), ["remove db in a (Immutable)", "create db in a (Immutable)"]);
    assert_eq!(second.kept, ["web", "vol", "net"], "what waits for it is left alone");
}

#[test]
fn what_is_in_use_is_replaced_with_its_users() {
    let mut changed = plan();
    changed[3].native = json!({"v": 2});
    changed.remove(2);
    changed[1].after = vec![Await::Ready("net".into())];
    let mut context = context();
    let observed: Vec<_> = standing().into_iter().filter(|o| o.name != "vol").collect();
    let net = Mark::of_resource(APP, "net");
    context.learned.insert(net, [Learned::Immutable, Learned::InUse].into());
    context.known = known();
    let wanted = Wanted { application: APP, resources: &changed };
    assert_eq!(
        steps(&decide(wanted, &observed, &context).unwrap()),
        [
            "remove web in a (NeedReplaced)",
            "remove db in a (NeedReplaced)",
            "remove net in a (Immutable)",
            "create net in a (Immutable)",
            "create db in a (NeedReplaced)",
            "create web in a (NeedReplaced)",
        ]
    );
}

/// The network is replaced under its name while a container on it gets another name: that one must
/// not wait for its successor, which waits for the network.
#[test]
fn what_depends_on_something_that_goes_first_goes_before_it() {
    let mut changed = plan();
    changed[3].native = json!({"v": 2});
    changed[0].name = "web-2".into();
    changed.remove(2);
    changed[1].after = vec![Await::Ready("net".into())];
    let observed: Vec<_> = standing().into_iter().filter(|o| o.name != "vol").collect();
    let mut context = context();
    context.known = known();
    let learned = [Learned::Immutable, Learned::InUse].into();
    context.learned.insert(Mark::of_resource(APP, "net"), learned);
    let wanted = Wanted { application: APP, resources: &changed };
    assert_eq!(
        steps(&decide(wanted, &observed, &context).unwrap()),
        [
            "remove web in a (Superseded)",
            "remove db in a (NeedReplaced)",
            "remove net in a (Immutable)",
            "create net in a (Immutable)",
            "create db in a (NeedReplaced)",
            "create web-2 in a (Missing)",
        ]
    );
}

#[test]
fn data_is_not_lost_by_replacing() {
    let mut changed = plan();
    changed[2].native = json!({"v": 2});
    let mut context = context();
    let vol = Mark::of_resource(APP, "vol");
    context.learned.insert(vol, [Learned::Immutable].into());
    let wanted = Wanted { application: APP, resources: &changed };
    let operations = decide(wanted, &standing(), &context).unwrap();
    assert_eq!(steps(&operations), [""; 0]);
    let why = Why::HoldsData;
    assert_eq!(operations.withheld, [Withheld { resource: "vol".into(), cloud: "a".into(), why }]);
}

#[test]
fn what_does_not_last_is_not_made_for_ever() {
    for (state, learned, why) in [
        (State::Failed, Learned::Done, Why::FailedAgain),
        (State::Failed, Learned::Refused, Why::FailedAgain),
        (State::Stopped, Learned::Done, Why::StoppedAgain),
    ] {
        let mut observed = standing();
        observed[1].state = state;
        let mut context = context();
        context.learned.insert(Mark::of_resource(APP, "db"), [learned].into());
        let wanted = Wanted { application: APP, resources: &plan() };
        let operations = decide(wanted, &observed, &context).unwrap();
        assert_eq!(steps(&operations), [""; 0]);
        let withheld = Withheld { resource: "db".into(), cloud: "a".into(), why };
        assert_eq!(operations.withheld, [withheld]);
    }
}

#[test]
fn doubles_go_before_anything_else_is_done_to_a_resource() {
    let mut changed = plan();
    changed[1].native = json!({"v": 2});
    let mut observed = standing();
    let mut double = observed[1].clone();
    double.native_id.0.push_str("-double");
    observed.push(double.clone());
    assert_eq!(
        decided(&changed, &observed),
        ["remove db in a (Double)", "update db in a (Changed)"]
    );
    // What was written down is the one that is kept.
    let mut context = context();
    let native_id = Some(double.native_id.clone());
    let db = Known { id: "db".into(), native_id, ..Known::default() };
    context.known.insert(Mark::of_resource(APP, "db"), db);
    let wanted = Wanted { application: APP, resources: &plan() };
    let operations = decide(wanted, &observed, &context).unwrap();
    let seen = observed[1].native_id.clone();
    assert_eq!(operations.steps[0].action, Action::Remove { seen });
    // The same resource listed twice is no double.
    let mut twice = standing();
    twice.extend(standing());
    assert_eq!(decided(&plan(), &twice), [""; 0]);
}

#[test]
fn what_could_not_be_listed_is_neither_made_nor_removed() {
    let mut plan = plan();
    plan[1].cloud = "b".into();
    let in_b = |listed: Option<Listed>, observed: &[ObservedResource]| {
        let mut context = context();
        match listed {
            Some(listed) => context.listed.insert("b".into(), listed),
            None => context.listed.remove("b"),
        };
        decide(Wanted { application: APP, resources: &plan }, observed, &context).unwrap()
    };
    for (listed, why) in [(Some(Listed::Part), Why::NotListed), (None, Why::NotMounted)] {
        // The database may be there; nobody can know. What needs it waits, the rest is made.
        let operations = in_b(listed, &[]);
        assert_eq!(steps(&operations), ["create net in a (Missing)", "create vol in a (Missing)"]);
        let withheld = |resource: &str, cloud: &str, why| Withheld {
            resource: resource.into(),
            cloud: cloud.into(),
            why,
        };
        assert_eq!(
            operations.withheld,
            [withheld("web", "a", Why::Needs("db".into())), withheld("db", "b", why.clone())]
        );
        // Nor is what was made elsewhere removed, for it may be all there is.
        let operations = in_b(listed, &standing());
        assert_eq!(steps(&operations), [""; 0]);
        assert_eq!(operations.withheld, [withheld("db", "b", why)]);
    }
    let leftover = [seen("old", "b", "box", "old", 1, State::Running)];
    assert_eq!(in_b(Some(Listed::Part), &leftover).withheld.len(), 3);
    assert!(!steps(&in_b(Some(Listed::Part), &leftover)).iter().any(|s| s.contains("old")));
}

#[test]
fn only_what_bears_our_marks_is_touched() {
    let mut others = standing();
    for (i, other) in others.iter_mut().enumerate() {
        let marks = other.marks.as_mut().unwrap();
        match i % 2 {
            0 => marks.owner = Mark::of("somebody else"),
            _ => marks.app = Mark::of_application("another one"),
        }
    }
    others[3].marks = None;
    assert_eq!(decide(Wanted::nothing(APP), &others, &context()).unwrap(), Operations::default());
    assert_eq!(decided(&plan(), &others).len(), 4, "they are not taken for ours either");
    assert_ne!(Mark::of(OWNER), Mark::of("somebody else"));
}

#[test]
fn conditions_are_waited_for_where_something_is_made_or_started() {
    let until = Condition::Healthy;
    let mut plan = plan();
    plan[0].after[1] = Await::Condition { id: "db".into(), until };
    let awaits = |observed: &[ObservedResource], name: &str| {
        let wanted = Wanted { application: APP, resources: &plan };
        let operations = decide(wanted, observed, &context()).unwrap();
        operations.steps.into_iter().find(|s| s.name == name).unwrap().awaits
    };
    assert_eq!(awaits(&[], "web"), plan[0].after);
    let mut stopped = standing();
    stopped[0].state = State::Stopped;
    assert_eq!(awaits(&stopped, "web"), plan[0].after);
    let mut changed = standing();
    changed[0].spec = Some("other".into());
    assert_eq!(awaits(&changed, "web"), [], "a change does not wait for what stands");
    changed[1].state = State::Stopped;
    assert_eq!(awaits(&changed, "web"), plan[0].after[1..], "but for what is started beside it");
}

#[test]
fn every_fault_of_a_plan_is_named() {
    let plan = [
        planned("a", "a", "box", 1, &["b"]),
        planned("b", "a", "box", 1, &["c", "gone"]),
        planned("c", "a", "box", 1, &["a"]),
        planned("d", "a", "box", 1, &["d"]),
        planned("e", "a", "box", 1, &["d", "f"]),
        planned("f", "a", "box", 1, &[]),
        planned("f", "b", "box", 1, &[]),
    ];
    let faults =
        decide(Wanted { application: APP, resources: &plan }, &[], &context()).unwrap_err();
    let cycle = |ids: &[&str]| Fault::Cycle(ids.iter().map(|id| (*id).to_owned()).collect());
    let expected: BTreeSet<_> = [
        Fault::Twice("f".into()),
        Fault::NoSuch { resource: "b".into(), missing: "gone".into() },
        cycle(&["a", "b", "c", "a"]),
        cycle(&["d", "d"]),
    ]
    .into();
    assert_eq!(faults.0.iter().cloned().collect::<BTreeSet<_>>(), expected);
    assert_eq!(faults.0.len(), 4);
    let says = faults.to_string();
    assert!(says.contains("these wait for each other: a → b → c → a"), "{says}");
    assert!(says.contains("b waits for gone, which the plan does not have"), "{says}");
}
