//! The native documents: what they may say, and how they read back.

mod reading;

use std::collections::BTreeMap;

use coc_model::quantity::{Bytes, Cpu, Micros};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The types of resources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum Type {
    /// A network of a region. Has no labels, and its name is no key.
    #[serde(rename = "simulated.network")]
    Network,
    /// Storage in a region.
    #[serde(rename = "simulated.volume")]
    Volume,
    /// A machine.
    #[serde(rename = "simulated.vm")]
    Vm,
    /// A container on a machine.
    #[serde(rename = "simulated.container")]
    Container,
}

impl Type {
    pub(crate) const ALL: [Self; 4] = [Self::Network, Self::Volume, Self::Vm, Self::Container];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Network => "simulated.network",
            Self::Volume => "simulated.volume",
            Self::Vm => "simulated.vm",
            Self::Container => "simulated.container",
        }
    }

    /// How ids of this type begin.
    pub(crate) const fn prefix(self) -> &'static str {
        match self {
            Self::Network => "net",
            Self::Volume => "vol",
            Self::Vm => "vm",
            Self::Container => "ctr",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.name() == name)
    }

    /// True if two of this type can't bear one name.
    pub(crate) const fn names_are_keys(self) -> bool {
        !matches!(self, Self::Network)
    }

    /// True if it has tags; else what tags would say stands in its description.
    pub(crate) const fn has_tags(self) -> bool {
        !matches!(self, Self::Network)
    }

    /// Fields that a resource of this type keeps for life.
    pub(crate) const fn immutable(self) -> &'static [&'static str] {
        match self {
            Self::Network => &["region", "range"],
            Self::Volume => &["region", "zone", "key"],
            Self::Vm => &["region", "zone", "offer", "spot", "network", "userData"],
            Self::Container => &["vm", "network"],
        }
    }

    /// Fields that can be written and not read, as JSON pointers.
    pub(crate) const fn unreadable(self) -> &'static [&'static str] {
        match self {
            Self::Network => &[],
            Self::Volume => &["/key"],
            Self::Vm => &["/userData"],
            Self::Container => &["/env/*"],
        }
    }
}

/// A resource's document, read and made canonical. Values that can't be read back are not kept at
/// all, so that no secret is in memory, state files or lists.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Spec {
    Container(Box<Container>),
    Vm(Vm),
    Volume(Volume),
    Network(Network),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Network {
    pub(crate) region: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) range: Option<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) description: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Volume {
    pub(crate) region: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) zone: Option<String>,
    #[serde(with = "as_text")]
    pub(crate) size: Bytes,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) labels: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) protected: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) encrypted: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Vm {
    pub(crate) region: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) zone: Option<String>,
    pub(crate) offer: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) spot: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) network: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) volumes: Vec<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) labels: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) protected: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Container {
    pub(crate) vm: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) network: Option<String>,
    pub(crate) image: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) entrypoint: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) command: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) working_dir: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) user: Option<String>,
    /// The names alone; each reads back as `{"set": true}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) env: BTreeMap<String, Kept>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) ports: Vec<Port>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) mounts: Vec<Mount>,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "as_optional_text")]
    pub(crate) cpu: Option<Cpu>,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "as_optional_text")]
    pub(crate) memory: Option<Bytes>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) healthcheck: Option<Healthcheck>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) restart: Option<String>,
    #[serde(default, skip_serializing_if = "Program::is_empty")]
    pub(crate) program: Program,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) labels: BTreeMap<String, String>,
}

/// A value that is set and can't be read back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kept {
    set: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Port {
    pub(crate) target: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) published: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) host_ip: Option<String>,
    pub(crate) protocol: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Mount {
    /// `volume`, `bind`, `anonymous`, `tmpfs`, `config` or `secret`.
    pub(crate) kind: String,
    /// The volume's name, the path, or the name in the application's file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) source: Option<String>,
    pub(crate) target: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) read_only: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Healthcheck {
    /// `image`, `command`, `shell`, `http`, `tcp` or `grpc`.
    pub(crate) probe: String,
}

/// What the simulated program does: nothing but run, unless told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Program {
    /// It ends this long after its start.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "as_optional_text")]
    pub(crate) ends: Option<Span>,
    /// With this code.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) exit_code: u8,
    /// Its health check fails.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) unhealthy: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
const fn is_zero(code: &u8) -> bool {
    *code == 0
}

impl Program {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A time that is written with a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span(pub(crate) Micros);

impl std::fmt::Display for Span {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let micros = self.0.0;
        match () {
            () if micros.is_multiple_of(1_000_000) => write!(f, "{}s", micros / 1_000_000),
            () if micros.is_multiple_of(1_000) => write!(f, "{}ms", micros / 1_000),
            () => write!(f, "{micros}us"),
        }
    }
}

/// Reading of what documents hold as text.
pub(crate) trait FromText: Sized {
    fn from_text(text: &str) -> Result<Self, String>;
}

impl FromText for Bytes {
    fn from_text(text: &str) -> Result<Self, String> {
        Self::parse(text).map_err(|e| e.to_string())
    }
}

impl FromText for Cpu {
    fn from_text(text: &str) -> Result<Self, String> {
        Self::parse(text).map_err(|e| e.to_string())
    }
}

impl FromText for Span {
    fn from_text(text: &str) -> Result<Self, String> {
        Micros::parse(text).map(Self).map_err(|e| e.to_string())
    }
}

mod as_text {
    use super::FromText;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use std::fmt::Display;

    pub(super) fn serialize<T: Display, S: Serializer>(v: &T, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(v)
    }

    pub(super) fn deserialize<'de, T: FromText, D: Deserializer<'de>>(d: D) -> Result<T, D::Error> {
        T::from_text(&String::deserialize(d)?).map_err(D::Error::custom)
    }
}

mod as_optional_text {
    use super::FromText;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use std::fmt::Display;

    pub(super) fn serialize<T: Display, S: Serializer>(
        v: &Option<T>,
        s: S,
    ) -> Result<S::Ok, S::Error> {
        match v {
            Some(v) => s.collect_str(v),
            None => s.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, T: FromText, D: Deserializer<'de>>(
        d: D,
    ) -> Result<Option<T>, D::Error> {
        let text = Option::<String>::deserialize(d)?;
        text.map(|t| T::from_text(&t).map_err(D::Error::custom)).transpose()
    }
}

impl Spec {
    /// The document as it reads back, without what the cloud adds.
    pub(crate) fn document(&self) -> Value {
        serde_json::to_value(self).unwrap_or_else(|_| json!({}))
    }

    /// The region, where the document states it.
    pub(crate) fn region(&self) -> Option<&str> {
        match self {
            Self::Network(n) => Some(&n.region),
            Self::Volume(v) => Some(&v.region),
            Self::Vm(v) => Some(&v.region),
            Self::Container(_) => None,
        }
    }

    /// True if it may not be deleted.
    pub(crate) const fn protected(&self) -> bool {
        match self {
            Self::Volume(v) => v.protected,
            Self::Vm(v) => v.protected,
            Self::Network(_) | Self::Container(_) => false,
        }
    }

    /// What it refers to by name: type, name and the field.
    pub(crate) fn references(&self) -> Vec<(Type, &str, &'static str)> {
        match self {
            Self::Network(_) | Self::Volume(_) => Vec::new(),
            Self::Vm(vm) => {
                let network = vm.network.iter().map(|n| (Type::Network, &**n, "network"));
                network.chain(vm.volumes.iter().map(|v| (Type::Volume, &**v, "volumes"))).collect()
            }
            Self::Container(c) => {
                let vm = [(Type::Vm, &*c.vm, "vm")];
                let network = c.network.iter().map(|n| (Type::Network, &**n, "network"));
                let volumes = c.mounts.iter().filter(|m| m.kind == "volume");
                let volumes = volumes.filter_map(|m| m.source.as_deref());
                let volumes = volumes.map(|v| (Type::Volume, v, "mounts"));
                vm.into_iter().chain(network).chain(volumes).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_read_back_in_one_spelling() {
        for (kind, written, read) in [
            (
                Type::Volume,
                json!({"region": "north", "size": "10240Mi", "key": "s3cret", "protected": false}),
                json!({"region": "north", "size": "10Gi", "encrypted": true}),
            ),
            (
                Type::Container,
                json!({"vm": "m", "image": "i", "cpu": "0.5", "memory": "1024Ki", "env": {"A": "canary"}}),
                json!({"vm": "m", "image": "i", "env": {"A": {"set": true}}, "cpu": "500m", "memory": "1Mi"}),
            ),
            (
                Type::Container,
                json!({"vm": "m", "image": "i", "program": {"ends": "1500ms"}, "ports": [{"target": 80}]}),
                json!({"vm": "m", "image": "i", "ports": [{"target": 80, "protocol": "tcp"}], "program": {"ends": "1500ms"}}),
            ),
        ] {
            let spec = Spec::read(kind, &written).unwrap();
            assert_eq!(spec.document(), read);
            assert_eq!(Spec::read(kind, &read).unwrap(), spec, "reading back what was read");
            assert_eq!(serde_json::from_value::<Spec>(read).unwrap(), spec, "from a state file");
        }
    }

    #[test]
    fn every_mistake_of_a_document_is_told() {
        let document = json!({
            "image": "", "cpu": "-1", "ports": [{"target": 70000}, {"protocol": "ipx", "target": 1}],
            "mounts": [{"target": "/x"}], "env": {"A": 5}, "restart": "never", "imagee": "x",
        });
        assert_eq!(
            Spec::read(Type::Container, &document).unwrap_err(),
            [
                "\"vm\" is missing",
                "image: it is empty",
                "env.A: expected a text",
                "ports[0].target: expected a whole number in range, found a number",
                "ports[1].protocol: \"ipx\" is none of tcp, udp, sctp",
                "mounts[0].source: it is missing, and a volume needs it",
                "cpu: \"-1\" is negative",
                "restart: \"never\" is none of no, always, on-failure, unless-stopped",
                "\"imagee\" is not known here; did you mean \"image\"?",
            ]
        );
        for range in ["10.0.0.0", "10.0.0.1/16", "10.0.0.0/33", "x/8"] {
            let document = json!({"region": "r", "range": range});
            assert_eq!(Spec::read(Type::Network, &document).unwrap_err().len(), 1, "{range}");
        }
        assert_eq!(Spec::read(Type::Vm, &json!([])).unwrap_err().len(), 1);
    }
}
