//! What can be changed on a container without making it anew: processor time, memory, number of
//! processes, and when it is started again.

use serde_json::{Map, Value, json};

/// The fields of `HostConfig` that `POST /containers/{id}/update` takes and this driver sends.
pub(crate) const UPDATABLE: [&str; 10] = [
    "CpuPeriod",
    "CpuQuota",
    "CpuShares",
    "CpusetCpus",
    "CpusetMems",
    "Memory",
    "MemoryReservation",
    "MemorySwap",
    "NanoCpus",
    "PidsLimit",
];

/// The field that says when a container is started again.
pub(crate) const RESTART: &str = "RestartPolicy";

/// The value of a field that can be changed in place, in one spelling; the inner `None` stands for
/// every way to say "not limited" or "never". The outer `None` is for all other fields.
#[allow(clippy::option_option, reason = "no such field and no value are two things")]
pub(crate) fn normal(field: &str, value: &Value) -> Option<Option<Value>> {
    if field == RESTART {
        let name = value["Name"].as_str().unwrap_or_default();
        let count = value["MaximumRetryCount"].as_u64().unwrap_or_default();
        let policy = json!({"Name": name, "MaximumRetryCount": count});
        return Some((!matches!(name, "" | "no")).then_some(policy));
    }
    if !UPDATABLE.contains(&field) {
        return None;
    }
    let unlimited = match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Number(n) => {
            n.as_i64() == Some(0) || (field == "PidsLimit" && n.as_i64() == Some(-1))
        }
        _ => false,
    };
    Some((!unlimited).then(|| value.clone()))
}

/// The fields that can be changed in place and differ between a document and what the engine
/// shows, with the wanted value (`None` for no limit) and the present one.
pub(crate) fn differences(
    wanted: &Value,
    shown: &Value,
) -> Vec<(&'static str, Option<Value>, Option<Value>)> {
    let value = |document: &Value, field: &'static str| {
        document.get(field).and_then(|v| normal(field, v)).flatten()
    };
    let fields = UPDATABLE.into_iter().chain([RESTART]);
    fields
        // The engine fills in twice the memory; only a stated value is compared.
        .filter(|field| *field != "MemorySwap" || value(wanted, field).is_some())
        .map(|field| (field, value(wanted, field), value(shown, field)))
        .filter(|(_, wanted, shown)| wanted != shown)
        .collect()
}

/// The smallest update that brings the limits of a container to those of a document; `None` if
/// there is nothing to do.
///
/// # Errors
/// The fields whose limit can't be taken away, since an engine reads 0 there as "leave it".
pub(crate) fn update(wanted: &Value, shown: &Value) -> Result<Option<Value>, Vec<&'static str>> {
    let mut body = Map::new();
    let mut stuck = Vec::new();
    for (field, value, _) in differences(wanted, shown) {
        match (field, value) {
            (_, Some(value)) => {
                body.insert(field.to_owned(), value);
            }
            (RESTART, None) => {
                body.insert(field.to_owned(), json!({"Name": "no"}));
            }
            ("PidsLimit", None) => {
                body.insert(field.to_owned(), json!(-1));
            }
            (field, None) => stuck.push(field),
        }
    }
    if !stuck.is_empty() {
        return Err(stuck);
    }
    // A limit above the swap limit that the engine filled in is refused, so that goes along.
    let filled_in = shown["MemorySwap"].as_i64().is_some_and(|swap| swap > 0);
    if let (Some(memory), true) = (body.get("Memory").and_then(Value::as_i64), filled_in)
        && wanted.get("MemorySwap").is_none_or(Value::is_null)
    {
        body.insert("MemorySwap".into(), json!(memory.saturating_mul(2)));
    }
    Ok((!body.is_empty()).then_some(Value::Object(body)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_sent() {
        let shown = json!({
            "NanoCpus": 500_000_000_u64, "Memory": 64 << 20, "MemorySwap": 128 << 20,
            "MemoryReservation": 0, "CpuShares": 0, "PidsLimit": null, "CpusetCpus": "",
            "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0}, "Binds": ["/a:/b"],
        });
        let same = json!({"NanoCpus": 500_000_000_u64, "Memory": 64 << 20});
        for (change, body) in [
            (json!({}), None),
            (json!({"RestartPolicy": {"Name": ""}, "PidsLimit": 0, "CpuShares": 0}), None),
            (json!({"NanoCpus": 250_000_000}), Some(json!({"NanoCpus": 250_000_000}))),
            (
                json!({"Memory": 256 << 20}),
                Some(json!({"Memory": 256 << 20, "MemorySwap": 512 << 20})),
            ),
            (
                json!({"Memory": 32 << 20, "MemorySwap": 32 << 20}),
                Some(json!({"Memory": 32 << 20, "MemorySwap": 32 << 20})),
            ),
            (json!({"PidsLimit": 50}), Some(json!({"PidsLimit": 50}))),
            (
                json!({"RestartPolicy": {"Name": "always"}}),
                Some(json!({"RestartPolicy": {"Name": "always", "MaximumRetryCount": 0}})),
            ),
            (json!({"Binds": ["/c:/d"]}), None),
        ] {
            let mut wanted = same.clone();
            for (key, value) in change.as_object().unwrap() {
                wanted[key] = value.clone();
            }
            assert_eq!(update(&wanted, &shown), Ok(body), "{change}");
        }
    }

    #[test]
    fn a_limit_can_be_taken_away_only_where_the_engine_can() {
        let shown = json!({
            "NanoCpus": 1, "Memory": 8, "PidsLimit": 5, "RestartPolicy": {"Name": "always"},
        });
        assert_eq!(update(&json!({}), &shown), Err(vec!["Memory", "NanoCpus"]));
        let wanted = json!({"NanoCpus": 1, "Memory": 8});
        let body = json!({"PidsLimit": -1, "RestartPolicy": {"Name": "no"}});
        assert_eq!(update(&wanted, &shown), Ok(Some(body)));
    }
}
