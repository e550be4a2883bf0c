//! Fields of native documents that not every engine understands.
//!
//! An engine ignores what it does not know without a word, so a field that is newer (or older)
//! than the engine's API must be refused here. The versions are from the change log of the Engine
//! API (`api/docs/CHANGELOG.md` of moby, versions 1.28 to 1.56). A field that is not in the table
//! is passed on.

use serde_json::Value;

use crate::version::ApiVersion;

/// A field and the versions that understand it.
struct Field {
    /// The native type.
    resource_type: &'static str,
    /// Keys from the document's root; `*` stands for every key and every item.
    path: &'static [&'static str],
    /// The first version that has it.
    since: Option<ApiVersion>,
    /// The first version that has it no more.
    until: Option<ApiVersion>,
}

const fn since(resource_type: &'static str, path: &'static [&'static str], minor: u16) -> Field {
    Field { resource_type, path, since: Some(ApiVersion::one(minor)), until: None }
}

const fn until(resource_type: &'static str, path: &'static [&'static str], minor: u16) -> Field {
    Field { resource_type, path, since: None, until: Some(ApiVersion::one(minor)) }
}

const CONTAINER: &str = crate::CONTAINER;

/// Fields of containers stand here with the same names that the API gives them.
const FIELDS: [Field; 21] = [
    since(CONTAINER, &["Healthcheck", "StartPeriod"], 29),
    since(CONTAINER, &["HostConfig", "DeviceRequests"], 40),
    since(CONTAINER, &["HostConfig", "Mounts", "*", "BindOptions", "NonRecursive"], 40),
    since(CONTAINER, &["HostConfig", "CgroupnsMode"], 41),
    since(CONTAINER, &["HostConfig", "ConsoleSize"], 42),
    since(CONTAINER, &["HostConfig", "Mounts", "*", "BindOptions", "CreateMountpoint"], 42),
    since(crate::VOLUME, &["ClusterVolumeSpec"], 42),
    since(CONTAINER, &["HostConfig", "Annotations"], 43),
    since(CONTAINER, &["Healthcheck", "StartInterval"], 44),
    since(CONTAINER, &["HostConfig", "Mounts", "*", "BindOptions", "ReadOnlyNonRecursive"], 44),
    since(CONTAINER, &["HostConfig", "Mounts", "*", "BindOptions", "ReadOnlyForceRecursive"], 44),
    since(CONTAINER, &["NetworkingConfig", "EndpointsConfig", "*", "MacAddress"], 44),
    since(CONTAINER, &["HostConfig", "Mounts", "*", "VolumeOptions", "Subpath"], 45),
    since(CONTAINER, &["HostConfig", "Mounts", "*", "TmpfsOptions", "Options"], 46),
    since(CONTAINER, &["HostConfig", "Mounts", "*", "ImageOptions"], 48),
    since(CONTAINER, &["NetworkingConfig", "EndpointsConfig", "*", "GwPriority"], 48),
    since(crate::NETWORK, &["EnableIPv4"], 48),
    since(CONTAINER, &["HostConfig", "Umask"], 56),
    until(CONTAINER, &["HostConfig", "KernelMemory"], 42),
    until(CONTAINER, &["HostConfig", "KernelMemoryTCP"], 52),
    until(CONTAINER, &["MacAddress"], 52),
];

/// What a document says that an engine of this version would ignore, in words; empty if nothing.
pub(crate) fn unknown_to(
    version: ApiVersion,
    resource_type: &str,
    document: &Value,
) -> Vec<String> {
    let stated =
        |field: &&Field| field.resource_type == resource_type && states(document, field.path);
    FIELDS
        .iter()
        .filter(stated)
        .filter_map(|field| {
            let name = field.path.join(".").replace(".*", "[]");
            match (field.since, field.until) {
                (Some(since), _) if version < since => Some(format!("{name} needs API {since}")),
                (_, Some(until)) if version >= until => {
                    Some(format!("{name} was taken out in API {until}"))
                }
                _ => None,
            }
        })
        .collect()
}

/// True if the document has a value at the path, other than null.
fn states(value: &Value, path: &[&str]) -> bool {
    match (path.split_first(), value) {
        (None, value) => !value.is_null(),
        (Some((&"*", rest)), Value::Array(items)) => items.iter().any(|v| states(v, rest)),
        (Some((&"*", rest)), Value::Object(object)) => object.values().any(|v| states(v, rest)),
        (Some((key, rest)), Value::Object(object)) => {
            object.get(*key).is_some_and(|v| states(v, rest))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_field_that_the_engine_would_ignore_is_told() {
        let networks = json!({"EndpointsConfig": {"n": {"GwPriority": 1}}});
        let mounts = json!([{"Type": "bind"}, {"BindOptions": {"CreateMountpoint": true}}]);
        for (minor, resource_type, document, told) in [
            (41, CONTAINER, json!({"HostConfig": {"CgroupnsMode": "host"}}), ""),
            (
                40,
                CONTAINER,
                json!({"HostConfig": {"CgroupnsMode": "host"}}),
                "HostConfig.CgroupnsMode needs API 1.41",
            ),
            (40, CONTAINER, json!({"HostConfig": {"CgroupnsMode": null}}), ""),
            (
                41,
                CONTAINER,
                json!({"HostConfig": {"Mounts": mounts}}),
                "HostConfig.Mounts[].BindOptions.CreateMountpoint needs API 1.42",
            ),
            (
                47,
                CONTAINER,
                json!({"NetworkingConfig": networks}),
                "NetworkingConfig.EndpointsConfig[].GwPriority needs API 1.48",
            ),
            (
                52,
                CONTAINER,
                json!({"MacAddress": "02:42:ac:11:00:02"}),
                "MacAddress was taken out in API 1.52",
            ),
            (51, CONTAINER, json!({"MacAddress": "02:42:ac:11:00:02"}), ""),
            (41, crate::NETWORK, json!({"EnableIPv4": false}), "EnableIPv4 needs API 1.48"),
            (41, crate::VOLUME, json!({"EnableIPv4": false, "NoSuchField": 1}), ""),
            (41, CONTAINER, json!([1, "two"]), ""),
        ] {
            let says = unknown_to(ApiVersion::one(minor), resource_type, &document).join("; ");
            assert_eq!(says, told, "{resource_type} {document} at 1.{minor}");
        }
    }

    #[test]
    fn all_that_is_unknown_is_told_at_once() {
        let document = json!({
            "Healthcheck": {"StartInterval": 1},
            "HostConfig": {"Annotations": {}, "Umask": 18, "Init": true},
        });
        assert_eq!(unknown_to(ApiVersion::one(41), CONTAINER, &document).len(), 3);
        assert_eq!(unknown_to(ApiVersion::one(56), CONTAINER, &document).len(), 0);
    }
}
