//! How resources are known to be ours, and what they are called.

use std::collections::BTreeSet;
use std::sync::Arc;

use coc_model::marks::resource_name;

use crate::ability::MARKS_FIXED;
use crate::cloud::FindBy;
use crate::conformance::harness::Document;
use crate::conformance::notebook::Notebook;
use crate::conformance::stage::{Proof, Stage, prove, until_death};
use crate::ensure::Change;
use crate::failure::Failure;
use crate::layers::Verb;
use crate::layers::faults::{Fault, Faults, Rule, When};

/// Even if the program dies with the create call, the resource bears all four marks.
pub async fn marks_present_at_birth(stage: &Stage<'_>) -> Proof {
    let create = stage.basic("one")?;
    let rule = Rule::on(&[Verb::Create], When::Nth(1), Fault::CrashAfter);
    let faults = Faults::new(Arc::clone(&stage.cloud), 0, vec![rule]);
    let notebook = Notebook::new();
    let ran = until_death(&[faults.crashed()], stage.ensure_by(&faults, &create, &notebook)).await;
    prove(ran.is_none(), || "it was to die and did not".into())?;
    let seen = stage.list().await?;
    prove(seen.len() == 1 && seen[0].marks.as_ref() == Some(&create.marks), || {
        format!("expected one resource with all its marks, the list shows {seen:?}")
    })?;
    prove(seen[0].spec.as_ref() == Some(&create.spec), || {
        format!("it bears the document's hash {:?}", seen[0].spec)
    })
}

/// An update leaves the marks of birth as they are.
pub async fn marks_survive_update(stage: &Stage<'_>) -> Proof {
    let create = stage.basic("one")?;
    stage.ensure(&create).await?;
    stage.made(&create).await?;
    let update = stage.changed(&create, &stage.sample(Document::Changed)?);
    let updated = stage.ensure(&update).await?;
    prove(updated.change == Change::Updated, || format!("it was {:?}", updated.change))?;
    stage.exactly(&[&create]).await?;
    let seen = stage.list().await?;
    prove(seen[0].marks.as_ref() == Some(&create.marks), || {
        format!("expected the marks of birth, found {:?}", seen[0].marks)
    })?;
    let spec = seen[0].spec.as_ref();
    if stage.cloud.describe().has(MARKS_FIXED) {
        prove(spec.is_none_or(|spec| *spec == create.spec), || {
            format!("expected the hash of birth or none, found {spec:?}")
        })?;
    } else {
        prove(spec == Some(&update.spec), || {
            format!("expected the new document's hash, found {spec:?}")
        })?;
    }
    // However it is known: the next look takes it for what is wanted.
    let again = stage.ensure(&update).await?;
    prove(again.change == Change::None, || format!("the second time it was {:?}", again.change))
}

/// A type without labels is found by the text of its description.
pub async fn labelless_type_marked_in_description(stage: &Stage<'_>) -> Proof {
    let create = stage.create("one", &stage.sample(Document::Labelless)?);
    stage.ensure(&create).await?;
    stage.exactly(&[&create]).await?;
    let by = FindBy::Operation(create.marks.op.clone());
    let found = stage.cloud.find(&create.resource_type, &by).await?;
    prove(found.len() == 1 && found[0].marks.as_ref() == Some(&create.marks), || {
        format!("looked up by its mark: {found:?}")
    })?;
    let text = found[0].native.to_string();
    for (key, value) in create.marks.pairs() {
        prove(text.contains(&format!("{key}={value}")), || {
            format!("{key} does not stand in the document: {text}")
        })?;
    }
    Ok(())
}

/// Titles that differ at the end only, that look alike once folded, that no cloud takes as they
/// are, or that joining with a dash makes one.
const TITLES: [&str; 8] = [
    "orders-import-and-reconciliation-worker-for-the-eastern-and-southern-stores-blue",
    "orders-import-and-reconciliation-worker-for-the-eastern-and-southern-stores-green",
    "north-west",
    "north",
    "Grüße_Łódź",
    "grusse-lodz",
    "9 to 5!",
    "x",
];

/// Every name is different, short enough, taken by the cloud, and the same on the next run.
pub async fn long_and_foreign_names_distinct_and_legal(stage: &Stage<'_>) -> Proof {
    let sample = stage.sample(Document::Basic)?;
    let mut creates: Vec<_> = TITLES.iter().map(|title| stage.create(title, &sample)).collect();
    // "north" + "west-east" and "north-west" + "east" are one once joined with a dash.
    let limit = stage.cloud.describe().types.get(sample.resource_type).map_or(63, |t| t.name_limit);
    for (key, create) in [("north/west-east", 2), ("north-west/east", 3)] {
        creates[create].name = resource_name("north-west-east", key, limit);
    }
    let names: BTreeSet<String> = creates.iter().map(|c| c.name.to_lowercase()).collect();
    prove(names.len() == creates.len(), || format!("two names are one: {names:?}"))?;
    for create in &creates {
        prove(create.name.len() <= limit, || format!("{} is longer than {limit}", create.name))?;
        let made = stage.ensure(create).await?;
        prove(made.change == Change::Created, || {
            format!("{} was taken for another one", create.name)
        })?;
    }
    stage.exactly(&creates.iter().collect::<Vec<_>>()).await?;
    for create in &creates {
        let again = stage.ensure(create).await?;
        prove(again.change == Change::None, || format!("{} was not found again", create.name))?;
    }
    Ok(())
}

/// Where the cloud compares names without case, so do we.
pub async fn case_insensitive_names_compare(stage: &Stage<'_>) -> Proof {
    let create = stage.basic("one")?;
    let shouted = create.name.to_uppercase();
    let foreign = stage.ground.foreign(&shouted).await?;
    let answer = stage.ensure(&create).await;
    prove(matches!(answer, Err(Failure::Foreign { .. })), || {
        format!("{shouted} is there and {} was not refused: {answer:?}", create.name)
    })?;
    stage.settle().await;
    let found = stage.cloud.find(&create.resource_type, &FindBy::Name(create.name.clone())).await?;
    prove(found.len() == 1 && found[0].native_id == foreign, || {
        format!("looked up as {}, {shouted} is {found:?}", create.name)
    })
}
