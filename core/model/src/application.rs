//! Applications: services, links and volumes, whatever format they were read from.

mod replicas;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::mistake::Position;
use crate::offer::Architecture;
use crate::quantity::{Bytes, Cpu, Micros, Traffic};
use crate::secret::SecretRef;
pub use replicas::Replicas;

/// An application as a person wrote it: what to run and what it needs, not where.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Application {
    /// Its name: lower-case letters, digits and `-`.
    pub name: String,
    /// Services, ordered by name.
    pub services: BTreeMap<String, Service>,
    /// Links between services, ordered by (from, to, port).
    pub links: Vec<Link>,
    /// Volumes, ordered by name.
    pub volumes: BTreeMap<String, Volume>,
    /// What was read of the file as a whole, and what became of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<KeyNote>,
}

/// One part of an application.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Service {
    /// Where it was written.
    pub at: Position,
    /// The service type: `container`, `postgres`, ...
    #[serde(rename = "type")]
    pub service_type: String,
    /// The spec of a service type other than `container`.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub spec: Value,
    /// The container image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// How the image is built, where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<Build>,
    /// The program, in place of the image's entry point.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entrypoint: Option<Vec<String>>,
    /// Arguments, in place of the image's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Vec<String>>,
    /// Working directory inside the container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub working_dir: Option<String>,
    /// User inside the container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Environment variables.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, EnvValue>,
    /// Ports.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<Port>,
    /// What is mounted where.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mounts: Vec<Mount>,
    /// What one replica reserves on its host.
    #[serde(default)]
    pub needs: Needs,
    /// What one replica may not exceed.
    #[serde(default, skip_serializing_if = "Limits::is_empty")]
    pub limits: Limits,
    /// How many replicas.
    #[serde(default)]
    pub replicas: Replicas,
    /// Services to wait for before this one starts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<Dependency>,
    /// How its health is probed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub healthcheck: Option<Healthcheck>,
    /// What happens when it ends.
    #[serde(default)]
    pub restart: Restart,
    /// Services that must run on the same host (shared network or process namespaces, shared
    /// writable volumes).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub with: Vec<Tie>,
    /// Networks it is on, with its other names there; empty means the application's own network.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub networks: BTreeMap<String, Vec<String>>,
    /// Labels, which goals can look at.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Fields for the native document, by driver.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub native: BTreeMap<String, Value>,
    /// What became of each key of its source.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<KeyNote>,
    /// What the reader concluded and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inferred: Vec<Inference>,
}

impl Service {
    /// A container service with nothing said of it.
    pub fn container(at: Position) -> Self {
        Self {
            at,
            service_type: "container".to_owned(),
            spec: Value::Null,
            image: None,
            build: None,
            entrypoint: None,
            command: None,
            working_dir: None,
            user: None,
            env: BTreeMap::new(),
            ports: Vec::new(),
            mounts: Vec::new(),
            needs: Needs::default(),
            limits: Limits::default(),
            replicas: Replicas::default(),
            after: Vec::new(),
            healthcheck: None,
            restart: Restart::default(),
            with: Vec::new(),
            networks: BTreeMap::new(),
            labels: BTreeMap::new(),
            native: BTreeMap::new(),
            keys: Vec::new(),
            inferred: Vec::new(),
        }
    }
}

/// How an image is built.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Build {
    /// The folder or repository.
    pub context: String,
    /// The Dockerfile in it, if not `Dockerfile`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dockerfile: Option<String>,
    /// The stage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
}

/// The value of an environment variable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EnvValue {
    /// Plain text, with `${services.NAME.address}` left in it.
    Text(String),
    /// A secret: the value stays where it was.
    Secret(SecretRef),
    /// Taken from the environment of whoever applies the plan, if set there.
    Passed,
}

/// A port of a service.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Port {
    /// The port inside the container.
    pub target: u16,
    /// The port on the host; `None` for any free one, or for a port not published at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<u16>,
    /// The address on the host, if not all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_ip: Option<String>,
    /// TCP, UDP or SCTP.
    #[serde(default)]
    pub protocol: Protocol,
    /// True if it can be reached from outside the application.
    #[serde(default)]
    pub public: bool,
    /// Its name, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Transport protocols.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// TCP.
    #[default]
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}

impl Protocol {
    /// The name, as in Compose and Docker.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Sctp => "sctp",
        }
    }
}

/// Something mounted into a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    /// What.
    pub source: MountSource,
    /// Where, inside.
    pub target: String,
    /// True if it can't be written to.
    #[serde(default)]
    pub read_only: bool,
}

/// What is mounted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MountSource {
    /// A volume of the application.
    Volume(String),
    /// A path of the host or of the folder the file is in.
    Bind(String),
    /// A volume without a name, new with each container.
    Anonymous,
    /// Memory.
    Tmpfs,
    /// A configuration of the file, by name.
    Config(String),
    /// A secret of the file, by name.
    Secret(String),
}

/// What one replica reserves. `None` is not declared: planning assumes a value and shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Needs {
    /// Processor time.
    #[serde(rename = "cpu_millicores", default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<Cpu>,
    /// Memory.
    #[serde(rename = "memory_bytes", default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Bytes>,
    /// Accelerators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accelerator: Option<AcceleratorNeed>,
    /// Architecture the image runs on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture: Option<Architecture>,
    /// Disk on the host that ends with the replica.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ephemeral_storage: Option<Bytes>,
}

/// Accelerators wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcceleratorNeed {
    /// The model; `None` for any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How many; `None` for all that the machine has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
}

/// What one replica may not exceed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Processor time.
    #[serde(rename = "cpu_millicores", default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<Cpu>,
    /// Memory.
    #[serde(rename = "memory_bytes", default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Bytes>,
    /// Processes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pids: Option<u32>,
}

impl Limits {
    /// True if nothing is limited.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A service to wait for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Dependency {
    /// The other service.
    pub service: String,
    /// What it must have reached.
    pub condition: Condition,
    /// False if a missing service is no mistake.
    pub required: bool,
}

/// What a service waited for must have reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Condition {
    /// It was started.
    #[default]
    Started,
    /// Its health check passes.
    Healthy,
    /// It ended with exit code 0.
    Completed,
}

/// How health is probed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Healthcheck {
    /// How.
    pub probe: Probe,
    /// Between two probes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Micros>,
    /// For one probe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Micros>,
    /// Failures in a row until unhealthy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retries: Option<u32>,
    /// Time in which failures don't count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_period: Option<Micros>,
}

/// A probe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Probe {
    /// The image's own check is switched off.
    Disabled,
    /// A program with arguments.
    Command(Vec<String>),
    /// A line for the shell.
    Shell(String),
    /// An HTTP GET of a path.
    Http {
        /// The path.
        path: String,
        /// The port.
        port: u16,
    },
    /// A TCP connection to a port.
    Tcp(u16),
    /// The gRPC health protocol on a port.
    Grpc(u16),
}

/// What happens when a container ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Restart {
    /// Not said.
    #[default]
    Unsaid,
    /// Never started again.
    No,
    /// Always started again.
    Always,
    /// Started again after a failure.
    OnFailure,
    /// Started again unless stopped by hand.
    UnlessStopped,
}

/// A service that must share the host, and why.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Tie {
    /// The other service.
    pub service: String,
    /// Why, in words (`shares the network of web`).
    pub reason: String,
    /// Where that was written.
    pub at: Position,
}

/// Traffic from one service to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Who sends.
    pub from: String,
    /// Who receives.
    pub to: String,
    /// The port at the receiver.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// How much is sent; `None` is not declared: planning assumes a value and shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traffic: Option<Traffic>,
    /// The round trip may not be longer than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<Micros>,
    /// Where it was written.
    pub at: Position,
    /// Why the reader concluded it, if it was not stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inferred: Option<String>,
}

/// Storage that outlives containers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Volume {
    /// Its size; `None` is not declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<Bytes>,
    /// Where it was written.
    pub at: Position,
    /// True if it exists outside the application and is neither made nor removed by it.
    #[serde(default)]
    pub external: bool,
    /// Fields for the native document, by driver.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub native: BTreeMap<String, Value>,
}

/// What became of a key of the source.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct KeyNote {
    /// The key, with the keys above it inside the service (`deploy.resources.limits`).
    pub key: String,
    /// What became of it.
    pub fate: KeyFate,
    /// Where it is.
    pub at: Position,
    /// Something the reader should know about how it was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What can become of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyFate {
    /// It shapes the plan.
    Used,
    /// It is kept for the native document.
    Carried,
    /// It changes nothing here.
    WithoutEffect,
}

/// Something the reader concluded.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Inference {
    /// What (`needs.cpu`, `architecture`, `link to db`).
    pub what: String,
    /// From what.
    pub reason: String,
}

/// The files an application was read from, by the names the person gave, with what they held:
/// kept so that errors can show lines and digests can be taken.
#[derive(Clone, Debug, Default)]
pub struct SourceFiles(pub BTreeMap<Arc<str>, Arc<str>>);
