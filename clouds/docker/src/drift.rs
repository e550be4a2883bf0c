//! Where a resource differs from its document: among the fields the document states or stated.

use std::collections::BTreeSet;

use coc_cloud::drift;
use coc_model::secret::{SECRET_KEY, has_placeholder};
use serde_json::{Value, json};

use crate::files::{FILES, paths};
use crate::fingerprint::{Fingerprint, name};
use crate::labels;
use crate::limits;

/// A field that is not as the document says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Difference {
    /// The field of the document, its keys joined by points (`HostConfig.NanoCpus`).
    pub field: String,
    /// What the document says; null if nothing.
    pub wanted: Value,
    /// What the engine shows, where it shows it.
    pub shown: Option<Value>,
    /// True if an update in place can make it equal.
    pub in_place: bool,
}

impl Difference {
    /// True if a secret has yet to be filled in: what the container was made from had it.
    pub(crate) fn holds_placeholder(&self) -> bool {
        fn holds(value: &Value) -> bool {
            match value {
                Value::String(text) => has_placeholder(text),
                Value::Array(items) => items.iter().any(holds),
                Value::Object(fields) => {
                    fields.contains_key(SECRET_KEY) || fields.values().any(holds)
                }
                _ => false,
            }
        }
        holds(&self.wanted)
    }

    /// The same in the port's terms, with the field as a JSON pointer.
    pub(crate) fn told(self) -> drift::Difference {
        // Only the last key can have points in it: labels and networks are called as people like.
        let depth = match self.field.split('.').next().unwrap_or_default() {
            "NetworkingConfig" => 3,
            "HostConfig" | "Labels" | "State" => 2,
            _ => 1,
        };
        let keys = self.field.splitn(depth, '.');
        let field = keys.fold(String::new(), |pointer, key| drift::below(&pointer, key));
        drift::Difference { field, sent: self.wanted, read: self.shown }
    }
}

/// The differences of an inspected container. Values of variables are not compared: those of a
/// planned environment show by its hash, which is a label.
pub(crate) fn of_container(document: &Value, shown: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    if shown["State"]["Status"] == "created" {
        found.push(Difference {
            field: "State.Status".into(),
            wanted: json!("running"),
            shown: Some(json!("created")),
            in_place: true,
        });
    }
    for (field, wanted, now) in limits::differences(&document["HostConfig"], &shown["HostConfig"]) {
        found.push(Difference {
            field: format!("HostConfig.{field}"),
            wanted: wanted.unwrap_or_default(),
            shown: now,
            in_place: true,
        });
    }
    let born = labels::read(&shown["Config"]["Labels"], labels::FIELDS).and_then(Fingerprint::read);
    found.extend(match born {
        Some(born) => fixed_fields(&born, document, |field| container_field(shown, field)),
        None => stated_fields(document, shown),
    });
    found.extend(networks_missing(document, shown));
    found
}

/// The differences of a network or volume, inspected or listed.
pub(crate) fn of_plain(document: &Value, shown: &Value) -> Vec<Difference> {
    match labels::read(&shown["Labels"], labels::FIELDS).and_then(Fingerprint::read) {
        Some(born) => fixed_fields(&born, document, |field| match field.split_once('.') {
            Some(("Labels", key)) => shown["Labels"].get(key).cloned(),
            _ => shown.get(field).cloned(),
        }),
        None => document
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(key, wanted)| !covers(&shown[key.as_str()], wanted))
            .map(|(key, wanted)| fixed(key.clone(), wanted.clone(), shown.get(key).cloned()))
            .collect(),
    }
}

/// The fields that can't be changed and differ between the document a resource was made from and
/// the one it should be as.
fn fixed_fields(
    born: &Fingerprint,
    document: &Value,
    shown: impl Fn(&str) -> Option<Value>,
) -> Vec<Difference> {
    let wanted = Fingerprint::of(document);
    born.changed(&wanted)
        .into_iter()
        .filter(|field| !can_be_updated(field))
        .map(|field| {
            let value = |document: &Value| match (field, field.split_once('.')) {
                ("Env", _) => names(&document["Env"]),
                (FILES, _) => paths(&document[FILES]),
                (_, Some((outer @ ("HostConfig" | "Labels"), key))) => document[outer][key].clone(),
                _ => document[field].clone(),
            };
            fixed(field.to_owned(), value(document), shown(field))
        })
        .collect()
}

fn can_be_updated(field: &str) -> bool {
    field.strip_prefix("HostConfig.").is_some_and(|f| limits::normal(f, &Value::Null).is_some())
}

/// Where an inspection shows a field of the document.
fn container_field(shown: &Value, field: &str) -> Option<Value> {
    match (field, field.split_once('.')) {
        ("Env", _) => Some(names(&shown["Config"]["Env"])),
        ("NetworkingConfig", _) => shown.get("NetworkSettings").cloned(),
        (_, Some(("HostConfig", key))) => shown["HostConfig"].get(key).cloned(),
        (_, Some(("Labels", key))) => shown["Config"]["Labels"].get(key).cloned(),
        _ => shown["Config"].get(field).cloned(),
    }
}

/// The differences of a container that was not made here, among what the document states.
fn stated_fields(document: &Value, shown: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    for (key, wanted) in document.as_object().into_iter().flatten() {
        match (key.as_str(), wanted) {
            ("Env" | "NetworkingConfig" | FILES, _) => {}
            ("HostConfig", Value::Object(host)) => {
                for (key, wanted) in host {
                    let now = &shown["HostConfig"][key];
                    if limits::normal(key, wanted).is_none() && !covers(now, wanted) {
                        let field = format!("HostConfig.{key}");
                        found.push(fixed(field, wanted.clone(), Some(now.clone())));
                    }
                }
            }
            _ => {
                let now = &shown["Config"][key];
                if !covers(now, wanted) {
                    found.push(fixed(key.clone(), wanted.clone(), Some(now.clone())));
                }
            }
        }
    }
    found
}

/// Networks of the document that a running container was taken off.
fn networks_missing(document: &Value, shown: &Value) -> Vec<Difference> {
    let joined = &shown["NetworkSettings"]["Networks"];
    let wanted = document["NetworkingConfig"]["EndpointsConfig"].as_object();
    let missing = |name: &&String| joined.get(name.as_str()).is_none();
    wanted
        .into_iter()
        .flat_map(|networks| networks.keys())
        .filter(missing)
        .map(|name| {
            let field = format!("NetworkingConfig.EndpointsConfig.{name}");
            fixed(field, document["NetworkingConfig"]["EndpointsConfig"][name].clone(), None)
        })
        .collect()
}

/// The variables whose value is not the one the document gives them, by name.
pub(crate) fn variables_changed(document: &Value, shown: &Value) -> BTreeSet<String> {
    let now: BTreeSet<&str> = texts(&shown["Config"]["Env"]).collect();
    let stated = document["Env"].as_array().into_iter().flatten();
    stated
        .filter(|variable| {
            let text = variable.as_str().unwrap_or_default();
            // A name alone takes a variable of the image away.
            text.contains('=') && !now.contains(text)
        })
        .filter_map(|variable| name(variable).map(str::to_owned))
        .collect()
}

fn names(variables: &Value) -> Value {
    let list = variables.as_array().into_iter().flatten();
    list.filter_map(name).collect::<BTreeSet<_>>().into_iter().collect()
}

fn texts(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str)
}

fn fixed(field: String, wanted: Value, shown: Option<Value>) -> Difference {
    let shown = shown.filter(|v| !v.is_null());
    Difference { field, wanted, shown, in_place: false }
}

/// True if all that is wanted is shown; the engine may show more.
fn covers(shown: &Value, wanted: &Value) -> bool {
    match (wanted, shown) {
        (Value::Null, _) => true,
        (Value::Object(wanted), Value::Object(shown)) => {
            wanted.iter().all(|(key, v)| covers(shown.get(key).unwrap_or(&Value::Null), v))
        }
        (Value::Array(wanted), Value::Null) => wanted.is_empty(),
        (Value::Object(wanted), Value::Null) => wanted.is_empty(),
        (wanted, shown) => wanted == shown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A container that an engine would show for the document.
    fn made_from(document: &Value) -> Value {
        let mut config = document.clone();
        config["Labels"][labels::FIELDS] = Fingerprint::of(document).write().into();
        config["Env"] = json!(["PATH=***", "A=***"]);
        let networks = document["NetworkingConfig"]["EndpointsConfig"].clone();
        json!({
            "State": {"Status": "running"}, "Config": config, "HostConfig": document["HostConfig"],
            "NetworkSettings": {"Networks": networks},
        })
    }

    fn document() -> Value {
        json!({
            "Image": "web:1", "Env": ["A=1"], "Labels": {"team": "blue"},
            "HostConfig": {"NanoCpus": 5, "Init": true},
            "NetworkingConfig": {"EndpointsConfig": {"n": {"Aliases": ["web"]}}},
        })
    }

    #[test]
    fn what_has_a_secret_to_be_filled_in_is_known() {
        for (wanted, holds) in [
            (json!(["sh", "-c", "${secret:r} $HOME"]), true),
            (json!({"Test": ["CMD", "${secret:r}"]}), true),
            (json!({"$secret": "r"}), true),
            (json!(["sh", "${HOME}"]), false),
            (json!(null), false),
        ] {
            assert_eq!(fixed("Cmd".into(), wanted, None).holds_placeholder(), holds);
        }
    }

    #[test]
    fn a_field_is_told_as_a_pointer() {
        for (field, pointer) in [
            ("Image", "/Image"),
            ("HostConfig.NanoCpus", "/HostConfig/NanoCpus"),
            ("Labels.com.example/team", "/Labels/com.example~1team"),
            ("NetworkingConfig.EndpointsConfig.a.b", "/NetworkingConfig/EndpointsConfig/a.b"),
        ] {
            assert_eq!(fixed(field.into(), json!(1), None).told().field, pointer);
        }
    }

    #[test]
    fn a_container_as_made_has_no_difference() {
        assert_eq!(of_container(&document(), &made_from(&document())), []);
    }

    #[test]
    fn every_changed_field_is_told_with_both_values() {
        let change = |pointer: &str, value: Value| {
            let mut document = document();
            *document.pointer_mut(pointer).unwrap() = value;
            document
        };
        for (wanted, field, to, from, in_place) in [
            (change("/Image", json!("web:2")), "Image", json!("web:2"), json!("web:1"), false),
            (change("/Image", json!(null)), "Image", json!(null), json!("web:1"), false),
            (
                change("/HostConfig/NanoCpus", json!(6)),
                "HostConfig.NanoCpus",
                json!(6),
                json!(5),
                true,
            ),
            (
                change("/HostConfig/Init", json!(false)),
                "HostConfig.Init",
                json!(false),
                json!(true),
                false,
            ),
            (
                change("/Labels/team", json!("red")),
                "Labels.team",
                json!("red"),
                json!("blue"),
                false,
            ),
            (change("/Env", json!(["B=1"])), "Env", json!(["B"]), json!(["A", "PATH"]), false),
        ] {
            let shown = Some(from);
            let field = field.to_owned();
            assert_eq!(
                of_container(&wanted, &made_from(&document())),
                [Difference { field, wanted: to, shown, in_place }]
            );
        }
    }

    #[test]
    fn what_happened_to_a_container_is_seen() {
        let mut shown = made_from(&document());
        shown["State"]["Status"] = json!("created");
        shown["HostConfig"]["PidsLimit"] = json!(7);
        shown["NetworkSettings"]["Networks"] = json!({});
        let fields: Vec<_> =
            of_container(&document(), &shown).into_iter().map(|d| d.field).collect();
        assert_eq!(
            fields,
            ["State.Status", "HostConfig.PidsLimit", "NetworkingConfig.EndpointsConfig.n"]
        );
    }

    #[test]
    fn a_container_made_elsewhere_is_compared_by_what_is_stated() {
        let shown = json!({
            "State": {"Status": "running"},
            "Config": {"Image": "web:1", "Labels": {"a": "b"}, "Cmd": ["/web"], "Env": ["PATH=***"]},
            "HostConfig": {"NanoCpus": 0, "Init": null, "Binds": null},
        });
        let fields = |document: Value| -> Vec<String> {
            of_container(&document, &shown).into_iter().map(|d| d.field).collect()
        };
        let same = json!({"Image": "web:1", "Labels": {}, "HostConfig": {"Binds": []}});
        assert_eq!(fields(same), [""; 0]);
        let other =
            json!({"Image": "web:2", "Cmd": ["/x"], "HostConfig": {"Init": true, "NanoCpus": 1}});
        assert_eq!(fields(other), ["HostConfig.NanoCpus", "Image", "Cmd", "HostConfig.Init"]);
    }

    #[test]
    fn variables_are_compared_by_name_and_told_by_name() {
        let shown = json!({"Config": {"Env": ["PATH=/bin", "A=1", "B=2"]}});
        let document = json!({"Env": ["A=1", "B=3", "C=4", "PATH"]});
        let told: Vec<_> = variables_changed(&document, &shown).into_iter().collect();
        assert_eq!(told, ["B", "C"]);
    }

    #[test]
    fn networks_and_volumes_are_compared_by_their_fingerprint() {
        let document = json!({"Driver": "bridge", "Options": {"mtu": "1400"}});
        let fields = Fingerprint::of(&document).write();
        let shown = json!({"Driver": "bridge", "Options": {"mtu": "1400"}, "Labels": {"coc-fields": fields}});
        assert_eq!(of_plain(&document, &shown), []);
        let told = of_plain(&json!({"Driver": "macvlan"}), &shown);
        assert_eq!(told.iter().map(|d| &*d.field).collect::<Vec<_>>(), ["Driver", "Options"]);
        let bare = json!({"Driver": "bridge", "Scope": "local", "Labels": null});
        assert_eq!(of_plain(&json!({"Driver": "bridge"}), &bare), []);
        assert_eq!(of_plain(&json!({"Driver": "x"}), &bare).len(), 1);
    }

    proptest! {
        #[test]
        fn no_document_panics(key in "(Env|HostConfig|Labels|NetworkingConfig|x)", text in ".{0,8}") {
            for leaf in [json!(text), json!([text]), json!({"a": text}), Value::Null] {
                let document = json!({key.as_str(): leaf});
                let _ = of_container(&document, &made_from(&self::document()));
                let _ = of_container(&document, &json!(text));
                let _ = of_plain(&document, &json!({}));
            }
        }
    }
}
