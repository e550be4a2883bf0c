//! Plans in the vault: whole, whatever their size.
//!
//! A plan can be larger than an object may be, so its canonical text is kept in parts, and the
//! object of the plan itself says which they are. That object is
//! written last: a plan that is there is there whole.

use coc_model::canonical;
use coc_model::marks::Mark;
use coc_model::object::{Key, Kind};
use coc_model::plan::Plan;
use coc_vault::{Change, Condition, Vault, VaultError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::DeployError;
use super::ledger::{Ledger, get};
use super::records::object;

/// Bytes of a part. It is kept as JSON text inside JSON, which at most doubles it: it still fits.
const PART_BYTES: usize = 400 << 10;
/// Parts of one commit.
const PARTS_AT_ONCE: usize = 4;

/// The object of a plan. Key: `Plan/<plan>`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Head {
    application: String,
    /// What its parts are found by: the mark of its text.
    text: Mark,
    parts: usize,
    /// Digest of the plan without its evidence and tradeoff, which may differ between two makings of
    /// one plan.
    content: String,
}

/// A part of a plan. Key: `Plan/<plan>/<mark of the text>/<number>`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Part {
    text: String,
}

fn head_key(plan: &str) -> Result<Key, DeployError> {
    Ok(Key::new(Kind::Plan, &[plan])?)
}

fn part_key(plan: &str, text: &Mark, number: usize) -> Result<Key, DeployError> {
    Ok(Key::new(Kind::Plan, &[plan, text.as_str(), &format!("{number:06}")])?)
}

/// Puts a plan into the vault, if it is not there already.
///
/// # Errors
/// The vault fails, or holds another plan of the name.
pub(super) async fn store(ledger: &Ledger, plan: &Plan) -> Result<(), DeployError> {
    let not = |says: String| DeployError::NotAPlan { plan: plan.plan.clone(), says };
    let value = serde_json::to_value(plan).map_err(|e| not(e.to_string()))?;
    let text = canonical::text(&value);
    let parts = parts(&text);
    let head = Head {
        application: plan.application.clone(),
        text: Mark::of(&text),
        parts: parts.len(),
        content: content(value),
    };
    let key = head_key(&plan.plan)?;
    if is_there(ledger, &key, plan, &head).await? {
        return Ok(());
    }
    for (i, group) in parts.chunks(PARTS_AT_ONCE).enumerate() {
        let put = |(j, text): (usize, &&str)| {
            let key = part_key(&plan.plan, &head.text, i * PARTS_AT_ONCE + j)?;
            Ok(Change::Put(object(key, &Part { text: (*text).to_owned() })?))
        };
        let change = group.iter().enumerate().map(put).collect::<Result<_, DeployError>>()?;
        ledger.commit(vec![], change).await?;
    }
    let require = vec![Condition::Absent(key.clone())];
    match ledger.commit(require, vec![Change::Put(object(key.clone(), &head)?)]).await {
        Ok(_) => Ok(()),
        // Somebody else stored it meanwhile.
        Err(VaultError::Conflict(_)) if is_there(ledger, &key, plan, &head).await? => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// True if the vault holds this plan.
async fn is_there(
    ledger: &Ledger,
    key: &Key,
    plan: &Plan,
    head: &Head,
) -> Result<bool, DeployError> {
    match ledger.get::<Head>(key).await? {
        None => Ok(false),
        Some(there) if there.body.content == head.content => Ok(true),
        Some(_) => Err(DeployError::NotAPlan {
            plan: plan.plan.clone(),
            says: "the vault holds another plan of this name".to_owned(),
        }),
    }
}

fn content(mut plan: Value) -> String {
    if let Value::Object(fields) = &mut plan {
        fields.remove("evidence");
        fields.remove("tradeoff");
    }
    canonical::digest_of(&plan)
}

/// The plan of a name.
///
/// # Errors
/// The vault fails, or does not hold it whole.
pub(super) async fn load(vault: &dyn Vault, plan: &str) -> Result<Plan, DeployError> {
    let missing = || DeployError::NoSuchPlan(plan.to_owned());
    let head = get::<Head>(vault, &head_key(plan)?).await?.ok_or_else(missing)?.body;
    let mut text = String::new();
    for number in 0..head.parts {
        let key = part_key(plan, &head.text, number)?;
        text.push_str(&get::<Part>(vault, &key).await?.ok_or_else(missing)?.body.text);
    }
    if Mark::of(&text) != head.text {
        return Err(missing());
    }
    let wrong = |says: String| DeployError::Record { key: format!("Plan/{plan}"), says };
    serde_json::from_str(&text).map_err(|e| wrong(e.to_string()))
}

/// The text in parts of bounded size, cut between characters.
fn parts(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let mut end = rest.len().min(PART_BYTES);
        while !rest.is_char_boundary(end) {
            end -= 1;
        }
        let (part, more) = rest.split_at(end);
        parts.push(part);
        rest = more;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_bounded_and_make_up_the_text() {
        let text = "é🦀x".repeat(210_000);
        let parts = parts(&text);
        assert_eq!(parts.concat(), text);
        assert!(parts.len() == 4 && parts.iter().all(|p| p.len() <= PART_BYTES));
        assert!(super::parts("").is_empty());
    }
}
