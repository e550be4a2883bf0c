//! From JSON to a document, every mistake at its field.

use std::collections::BTreeMap;

use coc_model::quantity::{Bytes, Cpu};
use serde_json::Value;

use super::{
    Container, FromText, Healthcheck, Kept, Mount, Network, Port, Program, Span, Spec, Type, Vm,
    Volume,
};
use crate::fields::{Fields, Log};

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
