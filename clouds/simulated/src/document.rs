//! The native documents: what they may say, and how they read back.

use std::collections::BTreeMap;

use coc_model::quantity::{Bytes, Cpu, Micros};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::fields::{Fields, Log};

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
    /// Reads a document, with all its mistakes.
    pub(crate) fn read(kind: Type, document: &Value) -> Result<Self, Vec<String>> {
        let log = Log::default();
        let spec = Fields::of(document, "", &log).and_then(|mut fields| {
            let spec = match kind {
                Type::Network => network(&mut fields).map(Self::Network),
                Type::Volume => volume(&mut fields).map(Self::Volume),
                Type::Vm => vm(&mut fields).map(Self::Vm),
                Type::Container => container(&mut fields).map(|c| Self::Container(Box::new(c))),
            };
            fields.close();
            spec
        });
        let mistakes = log.into_mistakes();
        match spec {
            Some(spec) if mistakes.is_empty() => Ok(spec),
            _ => Err(mistakes),
        }
    }

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

fn labels(fields: &mut Fields<'_, '_>) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    for (key, value, path) in fields.entries("labels").unwrap_or_default() {
        match value {
            Value::String(text) => {
                labels.insert(key.to_owned(), text.clone());
            }
            // In a change, a label that goes away.
            Value::Null => {}
            _ => fields.log().add(&path, "expected a text"),
        }
    }
    labels
}

fn network(fields: &mut Fields<'_, '_>) -> Option<Network> {
    let range = fields.parsed("range", ipv4_range);
    let description = fields.text("description").unwrap_or_default();
    Some(Network { region: fields.required_text("region")?, range, description })
}

/// A range of IPv4 addresses in CIDR notation (RFC 4632), with no bit set past its prefix.
fn ipv4_range(text: &str) -> Result<String, String> {
    let wrong = || format!("\"{text}\" is no range of IPv4 addresses like 10.1.0.0/16");
    let (address, prefix) = text.split_once('/').ok_or_else(wrong)?;
    let address: std::net::Ipv4Addr = address.parse().map_err(|_| wrong())?;
    let prefix: u32 = prefix.parse().ok().filter(|p| (8..=28).contains(p)).ok_or_else(wrong)?;
    if u32::from(address) << prefix != 0 {
        return Err(format!("\"{text}\" has bits set past its prefix"));
    }
    Ok(text.to_owned())
}

fn volume(fields: &mut Fields<'_, '_>) -> Option<Volume> {
    let region = fields.required_text("region");
    let zone = fields.text("zone");
    let size = fields.parsed("size", Bytes::parse).unwrap_or(Bytes(10 << 30));
    if size.0 == 0 {
        fields.wrong("size", "it is zero");
    }
    let labels = labels(fields);
    let protected = fields.flag("protected").unwrap_or_default();
    let encrypted = fields.flag("encrypted").unwrap_or_default() | fields.text("key").is_some();
    Some(Volume { region: region?, zone, size, labels, protected, encrypted })
}

fn vm(fields: &mut Fields<'_, '_>) -> Option<Vm> {
    let region = fields.required_text("region");
    let offer = fields.required_text("offer");
    let zone = fields.text("zone");
    let spot = fields.flag("spot").unwrap_or_default();
    let network = fields.text("network");
    let volumes = fields.texts("volumes").unwrap_or_default();
    let labels = labels(fields);
    let protected = fields.flag("protected").unwrap_or_default();
    fields.text("userData");
    let (region, offer) = (region?, offer?);
    Some(Vm { region, zone, offer, spot, network, volumes, labels, protected })
}

const RESTARTS: [&str; 4] = ["no", "always", "on-failure", "unless-stopped"];
const PROBES: [&str; 6] = ["image", "command", "shell", "http", "tcp", "grpc"];
const MOUNTS: [&str; 6] = ["volume", "bind", "anonymous", "tmpfs", "config", "secret"];
const PROTOCOLS: [&str; 3] = ["tcp", "udp", "sctp"];

/// A text out of a few.
fn one_of(fields: &mut Fields<'_, '_>, key: &'static str, known: &[&str]) -> Option<String> {
    let text = fields.text(key)?;
    if !known.contains(&&*text) {
        fields.wrong(key, format!("\"{text}\" is none of {}", known.join(", ")));
        return None;
    }
    Some(text)
}

fn container(fields: &mut Fields<'_, '_>) -> Option<Container> {
    let vm = fields.required_text("vm");
    let image = fields.required_text("image");
    let container = Container {
        network: fields.text("network"),
        entrypoint: fields.texts("entrypoint"),
        command: fields.texts("command"),
        working_dir: fields.text("workingDir"),
        user: fields.text("user"),
        env: env(fields),
        ports: ports(fields),
        mounts: mounts(fields),
        cpu: fields.parsed("cpu", Cpu::parse),
        memory: fields.parsed("memory", Bytes::parse),
        healthcheck: healthcheck(fields),
        restart: one_of(fields, "restart", &RESTARTS),
        program: program(fields),
        labels: labels(fields),
        vm: String::new(),
        image: String::new(),
    };
    Some(Container { vm: vm?, image: image?, ..container })
}

fn env(fields: &mut Fields<'_, '_>) -> BTreeMap<String, Kept> {
    let mut env = BTreeMap::new();
    for (name, value, path) in fields.entries("env").unwrap_or_default() {
        let kept = value.as_object().is_some_and(|o| o.len() == 1 && o.contains_key("set"));
        match value {
            Value::String(_) => {}
            // In a change, a variable that goes away.
            Value::Null => continue,
            // As it reads back: the value stays.
            _ if kept => {}
            _ => fields.log().add(&path, "expected a text"),
        }
        env.insert(name.to_owned(), Kept { set: true });
    }
    env
}

fn ports(fields: &mut Fields<'_, '_>) -> Vec<Port> {
    let log = fields.log();
    let mut ports = Vec::new();
    for (value, path) in fields.list("ports").unwrap_or_default() {
        let Some(mut port) = Fields::of(value, &path, log) else { continue };
        port.required("target");
        let target = port.number("target");
        if target == Some(0) {
            port.wrong("target", "there is no port 0");
        }
        let published = port.number("published");
        let host_ip = port.text("hostIp");
        let protocol = one_of(&mut port, "protocol", &PROTOCOLS).unwrap_or_else(|| "tcp".into());
        port.close();
        ports.extend(target.map(|target| Port { target, published, host_ip, protocol }));
    }
    ports
}

fn mounts(fields: &mut Fields<'_, '_>) -> Vec<Mount> {
    let log = fields.log();
    let mut mounts = Vec::new();
    for (value, path) in fields.list("mounts").unwrap_or_default() {
        let Some(mut mount) = Fields::of(value, &path, log) else { continue };
        let kind = one_of(&mut mount, "kind", &MOUNTS).unwrap_or_else(|| "volume".into());
        let source = mount.text("source");
        if source.is_none() && !["anonymous", "tmpfs"].contains(&&*kind) {
            mount.wrong("source", format!("it is missing, and a {kind} needs it"));
        }
        let target = mount.required_text("target");
        let read_only = mount.flag("readOnly").unwrap_or_default();
        mount.close();
        mounts.extend(target.map(|target| Mount { kind, source, target, read_only }));
    }
    mounts
}

fn healthcheck(fields: &mut Fields<'_, '_>) -> Option<Healthcheck> {
    let mut check = fields.object("healthcheck")?;
    check.required("probe");
    let probe = one_of(&mut check, "probe", &PROBES);
    check.close();
    Some(Healthcheck { probe: probe? })
}

fn program(fields: &mut Fields<'_, '_>) -> Program {
    let Some(mut program) = fields.object("program") else { return Program::default() };
    let read = Program {
        ends: program.parsed("ends", Span::from_text),
        exit_code: program.number("exitCode").unwrap_or_default(),
        unhealthy: program.flag("unhealthy").unwrap_or_default(),
    };
    program.close();
    read
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
