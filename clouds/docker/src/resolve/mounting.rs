//! Native additions to what is mounted: where a document says something of a target already, they
//! complete it.

use serde_json::{Value, json};

use super::merge;

/// Lays native additions over a container's document. Lists take the place of lists, but for
/// `HostConfig.Mounts`: its items are merged with the mount of the same target, and those with a
/// target of their own are added. `HostConfig.Tmpfs` says how memory is mounted that would be
/// mounted without options.
pub(super) fn lay_over(document: &mut Value, additions: &Value) {
    let mut additions = additions.clone();
    let host = additions.get_mut("HostConfig").and_then(Value::as_object_mut);
    let items = host.and_then(|host| match host.get("Mounts") {
        Some(Value::Array(_)) => host.remove("Mounts"),
        _ => None,
    });
    merge::deep(document, &additions);
    for item in items.as_ref().and_then(Value::as_array).into_iter().flatten() {
        mount(&mut document["HostConfig"], item);
    }
    let host = &mut document["HostConfig"];
    let with_options = host["Tmpfs"].as_object().cloned().unwrap_or_default();
    if let Some(Value::Array(mounts)) = host.get_mut("Mounts") {
        mounts.retain(|mount| {
            let target = mount["Target"].as_str().unwrap_or_default();
            mount["Type"] != "tmpfs" || !with_options.contains_key(target)
        });
    }
}

/// Merges an item with the mount of its target, or adds it.
fn mount(host: &mut Value, item: &Value) {
    let target = &item["Target"];
    if let Some(bind) = target.as_str().and_then(|target| taken_bind(host, target)) {
        push(host, bind);
    }
    let mounts = host.get_mut("Mounts").and_then(Value::as_array_mut);
    let same = mounts.and_then(|mounts| mounts.iter_mut().find(|m| m["Target"] == *target));
    match same {
        Some(mount) => merge::deep(mount, item),
        None => push(host, item.clone()),
    }
}

fn push(host: &mut Value, mount: Value) {
    match host.get_mut("Mounts").and_then(Value::as_array_mut) {
        Some(mounts) => mounts.push(mount),
        None => host["Mounts"] = json!([mount]),
    }
}

/// Takes a bind of the short form out, and gives it in the long one, which can have options. The
/// engine makes the path of either if it is missing.
fn taken_bind(host: &mut Value, target: &str) -> Option<Value> {
    let binds = host.get_mut("Binds")?.as_array_mut()?;
    let parts = |bind: &Value| -> Option<(String, bool)> {
        let mut parts = bind.as_str()?.split(':');
        let (source, inside) = (parts.next()?, parts.next()?);
        (inside == target).then(|| (source.to_owned(), parts.next() == Some("ro")))
    };
    let at = binds.iter().position(|bind| parts(bind).is_some())?;
    let (source, read_only) = parts(&binds.remove(at))?;
    let mut mount = json!({
        "Type": "bind", "Source": source, "Target": target,
        "BindOptions": {"CreateMountpoint": true},
    });
    if read_only {
        mount["ReadOnly"] = true.into();
    }
    Some(mount)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn additions_complete_what_is_mounted() {
        let volume = json!({"Type": "volume", "Source": "v", "Target": "/v"});
        let memory = json!({"Type": "tmpfs", "Target": "/t"});
        for (host, additions, laid) in [
            (
                json!({"Mounts": [volume, memory]}),
                json!({"Mounts": [{"Target": "/v", "VolumeOptions": {"NoCopy": true}}]}),
                json!({"Mounts": [
                    {"Type": "volume", "Source": "v", "Target": "/v", "VolumeOptions": {"NoCopy": true}},
                    memory,
                ]}),
            ),
            (
                json!({"Mounts": [volume]}),
                json!({"Mounts": [{"Type": "image", "Source": "i", "Target": "/i"}]}),
                json!({"Mounts": [volume, {"Type": "image", "Source": "i", "Target": "/i"}]}),
            ),
            (
                json!({"Mounts": [volume, memory]}),
                json!({"Tmpfs": {"/t": "size=5"}}),
                json!({"Mounts": [volume], "Tmpfs": {"/t": "size=5"}}),
            ),
            (
                json!({"Binds": ["/a:/b:ro", "/c:/d"]}),
                json!({"Mounts": [{"Target": "/b", "BindOptions": {"Propagation": "rslave"}}]}),
                json!({"Binds": ["/c:/d"], "Mounts": [{
                    "Type": "bind", "Source": "/a", "Target": "/b",
                    "BindOptions": {"CreateMountpoint": true, "Propagation": "rslave"},
                    "ReadOnly": true,
                }]}),
            ),
            (
                json!({"Mounts": [volume]}),
                json!({"Init": true}),
                json!({"Mounts": [volume], "Init": true}),
            ),
        ] {
            let mut document = json!({"HostConfig": host});
            lay_over(&mut document, &json!({"HostConfig": additions}));
            assert_eq!(document["HostConfig"], laid, "{additions}");
        }
    }
}
