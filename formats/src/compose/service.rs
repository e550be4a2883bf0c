//! One service: every key is used, carried or without effect, and the reader says which.

use std::collections::BTreeMap;
use std::sync::Arc;

use coc_model::application::{KeyFate, Restart, Service};
use coc_model::mistake::{Mistake, Position};
use coc_model::offer::Architecture;
use coc_model::secret::SecretValue;

use super::container_env::{EnvFile, Variable};
use super::document::Document;
use super::environment::Environment;
use super::key_notes::KeyNotes;
use super::reading::Reading;
use super::references::{Named, References};
use super::resources::Resources;
use super::values::{Pair, text_list};
use super::words::{self, WordsError};
use super::{
    accelerators, build, carried, container_env, dependencies, deploy, engine, healthcheck, mounts,
    networks, ports, resources, secrecy,
};
use crate::tree::{Key, Node, Value};

/// A service as it was read, before it is known what else there is.
pub(super) struct Draft {
    /// The service, without the notes on its keys.
    pub(super) service: Service,
    /// The notes on its keys.
    pub(super) notes: KeyNotes,
    /// The names of others that it uses.
    pub(super) references: References,
    /// Its environment in plain, for what it says of links.
    pub(super) variables: Vec<Variable>,
    /// The profiles it belongs to.
    pub(super) profiles: Vec<String>,
    /// False if none of them is active.
    pub(super) runs: bool,
}

/// A service while it is read.
pub(super) struct ServiceReading<'a, 'r> {
    /// Its name.
    pub(super) name: &'a str,
    /// The reading it is a part of.
    pub(super) reading: &'a mut Reading<'r>,
    /// Variables, for the files of variables it names.
    pub(super) environment: &'a Environment,
    /// What is read so far.
    pub(super) service: Service,
    /// What is kept for the body of the Engine's create request.
    pub(super) docker: Document,
    /// What is kept for the Engine's build request.
    pub(super) docker_build: Document,
    /// The names of others that it uses.
    pub(super) references: References,
    /// The notes on its keys.
    pub(super) notes: KeyNotes,
    /// Its processor time and memory, as given.
    pub(super) resources: Resources,
    /// Its environment, as given.
    pub(super) pairs: Vec<Pair>,
    /// Its files of variables.
    pub(super) env_files: Vec<EnvFile>,
    /// Its labels, as given.
    pub(super) labels: Vec<Pair>,
    /// Its files of labels.
    pub(super) label_files: Vec<Named>,
    /// Names other than its own under which it can be reached.
    pub(super) host_names: Vec<String>,
    /// What `deploy` says of restarts, which goes before what `restart` says.
    pub(super) restart_policy: Option<Restart>,
    /// Where it gives its container a name.
    pub(super) container_name: Option<Position>,
    /// Where it says what network it has.
    pub(super) network_mode: Option<Position>,
    /// The profiles it belongs to.
    pub(super) profiles: Vec<String>,
    /// Where in the list the mount of each target is.
    pub(super) mount_places: BTreeMap<String, usize>,
    /// Variables with secrets that are used elsewhere than in its environment, by name.
    pub(super) secret_variables: BTreeMap<Arc<str>, SecretValue>,
}

type Reader = fn(&mut ServiceReading<'_, '_>, &Node);

/// Keys that shape the plan, and keys whose form in the Engine's API is an object of its own.
const READERS: &[(&str, Reader)] = &[
    ("blkio_config", engine::blkio),
    ("build", build::read),
    ("command", command),
    ("configs", mounts::configs),
    ("container_name", networks::container_name),
    ("cpu_count", resources::cpu_count),
    ("cpu_period", resources::cpu_period),
    ("cpu_quota", resources::cpu_quota),
    ("cpus", resources::cpus),
    ("credential_spec", engine::credential_spec),
    ("depends_on", dependencies::depends_on),
    ("deploy", deploy::deploy),
    ("devices", engine::devices),
    ("entrypoint", entrypoint),
    ("env_file", container_env::env_file),
    ("environment", container_env::environment),
    ("expose", ports::expose),
    ("external_links", dependencies::external_links),
    ("extra_hosts", engine::extra_hosts),
    ("gpus", accelerators::gpus),
    ("healthcheck", healthcheck::read),
    ("hostname", networks::hostname),
    ("image", image),
    ("ipc", networks::ipc),
    ("label_file", container_env::label_file),
    ("labels", container_env::labels),
    ("links", dependencies::links),
    ("logging", engine::logging),
    ("mem_limit", resources::mem_limit),
    ("mem_reservation", resources::mem_reservation),
    ("network_mode", networks::network_mode),
    ("networks", networks::networks),
    ("pid", networks::pid),
    ("pids_limit", resources::pids_limit),
    ("platform", platform),
    ("ports", ports::ports),
    ("profiles", profiles),
    ("provider", provider),
    ("restart", restart),
    ("scale", resources::scale),
    ("secrets", mounts::secrets),
    ("tmpfs", mounts::tmpfs),
    ("ulimits", engine::ulimits),
    ("user", user),
    ("volumes", mounts::volumes),
    ("volumes_from", mounts::volumes_from),
    ("working_dir", working_dir),
];

/// Keys that change nothing here, and why.
const WITHOUT_EFFECT: &[(&str, &str)] = &[
    ("attach", "logs are followed on demand"),
    ("develop", "it is for work on the sources"),
    ("models", "models are not provided"),
    ("post_start", "hooks are not run"),
    ("pre_start", "hooks are not run"),
    ("pre_stop", "hooks are not run"),
    ("pull_policy", "images are pulled where they are not there"),
    ("pull_refresh_after", "images are pulled where they are not there"),
    ("use_api_socket", "the Engine's socket is not given to containers"),
];

/// The profiles that are active.
pub(super) struct Profiles(pub(super) Vec<String>);

impl Profiles {
    /// True if a service with these profiles runs: it has none, or one that is active.
    fn activate(&self, own: &[String]) -> bool {
        own.is_empty() || self.0.iter().any(|active| active == "*" || own.contains(active))
    }
}

/// Reads a service. Files that it names are looked for only if it runs.
pub(super) fn read(
    key: &Key,
    node: &Node,
    (environment, profiles): (&Environment, &Profiles),
    reading: &mut Reading<'_>,
) -> Draft {
    let mut service = ServiceReading::new(key, environment, reading);
    if let Some(at) = service.reading.extended.get(service.name).cloned() {
        service.notes.say("extends", &at, KeyFate::Used);
    }
    for (key, value) in service.reading.entries(node, "a map of the keys of a service") {
        service.key(key, value);
    }
    service.finish(profiles)
}

impl<'a, 'r> ServiceReading<'a, 'r> {
    fn new(key: &'a Key, environment: &'a Environment, reading: &'a mut Reading<'r>) -> Self {
        Self {
            name: &key.text,
            reading,
            environment,
            service: Service::container(key.at.clone()),
            docker: Document::default(),
            docker_build: Document::default(),
            references: References::default(),
            notes: KeyNotes::default(),
            resources: Resources::default(),
            pairs: Vec::new(),
            env_files: Vec::new(),
            labels: Vec::new(),
            label_files: Vec::new(),
            host_names: Vec::new(),
            restart_policy: None,
            container_name: None,
            network_mode: None,
            profiles: Vec::new(),
            mount_places: BTreeMap::new(),
            secret_variables: BTreeMap::new(),
        }
    }

    fn key(&mut self, key: &Key, value: &Node) {
        let name = &*key.text;
        let reader = READERS.iter().find(|(known, _)| *known == name);
        if let Some((_, note)) = WITHOUT_EFFECT.iter().find(|(known, _)| *known == name) {
            self.notes.say(name, &key.at, KeyFate::WithoutEffect);
            self.notes.add(name, &key.at, note);
        } else if name.starts_with("x-") {
            self.notes.say(name, &key.at, KeyFate::WithoutEffect);
        } else if value.is_null() && (reader.is_some() || carried::is_carried(name)) {
            self.notes.say(name, &key.at, KeyFate::WithoutEffect);
            self.notes.add(name, &key.at, "nothing is given");
        } else if let Some((_, read)) = reader {
            self.notes.say(name, &key.at, KeyFate::Used);
            read(self, value);
        } else if carried::is_carried(name) {
            self.notes.say(name, &key.at, KeyFate::Carried);
            carried::read(self, name, value);
        } else {
            let known: Vec<&str> = known_keys().collect();
            self.reading.unknown_key(key, &known, "a service");
        }
        if let Some(note) = self.reading.blanks_below(value) {
            self.notes.add(name, &key.at, &note);
        }
        if name != "environment" {
            self.secret_variables.extend(self.reading.secrets_below(value));
        }
    }

    /// Says what became of a key inside another.
    pub(super) fn say(&mut self, key: &str, at: &Position, fate: KeyFate) {
        self.notes.say(key, at, fate);
    }

    /// Says that a key inside another changes nothing, and why.
    pub(super) fn without_effect(&mut self, key: &str, at: &Position, why: &str) {
        self.notes.say(key, at, KeyFate::WithoutEffect);
        self.notes.add(key, at, why);
    }

    fn finish(mut self, profiles: &Profiles) -> Draft {
        let runs = profiles.activate(&self.profiles);
        if !runs {
            self.env_files.clear();
            self.label_files.clear();
        }
        resources::settle(&mut self);
        if let Some(restart) = self.restart_policy {
            self.service.restart = restart;
        }
        networks::settle(&mut self);
        container_env::settle_labels(&mut self);
        let variables = container_env::settle(&mut self);
        secrecy::hide(&mut self, &variables);
        let mut service = self.service;
        let documents = [("docker", self.docker), ("docker-build", self.docker_build)];
        for (driver, document) in documents {
            if let Some(value) = document.into_value() {
                service.native.insert(driver.to_owned(), value);
            }
        }
        service.labels = container_env::plain_labels(&service);
        Draft {
            service,
            notes: self.notes,
            references: self.references,
            variables,
            profiles: self.profiles,
            runs,
        }
    }
}

/// All keys of a service.
pub(super) fn known_keys() -> impl Iterator<Item = &'static str> {
    let read = READERS.iter().map(|(key, _)| *key);
    read.chain(carried::keys()).chain(WITHOUT_EFFECT.iter().map(|(key, _)| *key)).chain(["extends"])
}

fn image(service: &mut ServiceReading<'_, '_>, node: &Node) {
    service.service.image = service.reading.text(node).filter(|image| !image.is_empty());
}

fn command(service: &mut ServiceReading<'_, '_>, node: &Node) {
    service.service.command = words_of(service, "command", node);
}

fn entrypoint(service: &mut ServiceReading<'_, '_>, node: &Node) {
    service.service.entrypoint = words_of(service, "entrypoint", node);
}

/// The words of a line, or of a list that has them already.
fn words_of(service: &mut ServiceReading<'_, '_>, key: &str, node: &Node) -> Option<Vec<String>> {
    if let Value::List(items) = &node.value {
        return Some(items.iter().filter_map(|item| service.reading.text(item)).collect());
    }
    let line = service.reading.text(node)?;
    match words::split(&line) {
        Ok(words) => {
            if let Some(operator) = words.dropped_from {
                let note = format!(
                    "no shell runs, so all from \"{operator}\" on is dropped, as Compose does; \
                     write sh -c '...' for a shell"
                );
                service.notes.add(key, &node.at, &note);
            }
            Some(words.words)
        }
        Err(error) => {
            let says = match error {
                WordsError::Open => "a quote is never closed, or a backslash ends the line",
                WordsError::Parenthesis => "a parenthesis must stand in quotes",
            };
            let mistake = Mistake::at(node.at.clone(), says);
            service.reading.log.push(mistake.hint("write a list of words instead"));
            None
        }
    }
}

fn working_dir(service: &mut ServiceReading<'_, '_>, node: &Node) {
    service.service.working_dir = service.reading.text(node);
}

fn user(service: &mut ServiceReading<'_, '_>, node: &Node) {
    service.service.user = service.reading.text(node);
}

fn profiles(service: &mut ServiceReading<'_, '_>, node: &Node) {
    service.profiles = text_list(node, service.reading).into_iter().map(|(name, _)| name).collect();
}

fn platform(service: &mut ServiceReading<'_, '_>, node: &Node) {
    let Some(text) = service.reading.text(node).filter(|text| !text.is_empty()) else { return };
    service.service.needs.architecture = Architecture::parse(&text);
    if service.service.needs.architecture.is_none() {
        service
            .reading
            .wrong(node, "linux/amd64 or linux/arm64, the platforms that can be planned");
    }
}

fn provider(service: &mut ServiceReading<'_, '_>, node: &Node) {
    let says = "services run by a Compose plug-in can't be planned";
    let hint = "give an image, or use a service type of the library";
    service.reading.log.push(Mistake::at(node.at.clone(), says).hint(hint));
}

fn restart(service: &mut ServiceReading<'_, '_>, node: &Node) {
    let Some(text) = service.reading.text(node) else { return };
    let (policy, retries) = match text.split_once(':') {
        Some((policy, retries)) => (policy, Some(retries)),
        None => (text.as_str(), None),
    };
    let restart = match (policy, retries) {
        ("", None) => Some(Restart::Unsaid),
        ("no", None) => Some(Restart::No),
        ("always", None) => Some(Restart::Always),
        ("unless-stopped", None) => Some(Restart::UnlessStopped),
        ("on-failure", None) => Some(Restart::OnFailure),
        ("on-failure", Some(retries)) => retries.parse::<u32>().ok().map(|retries| {
            let place = ["HostConfig", "RestartPolicy"];
            service.docker.put(&[place[0], place[1], "Name"], "on-failure");
            service.docker.put(&[place[0], place[1], "MaximumRetryCount"], retries);
            Restart::OnFailure
        }),
        _ => None,
    };
    match restart {
        Some(restart) => service.service.restart = restart,
        None => {
            let expected = "no, always, unless-stopped, on-failure or on-failure:3";
            service.reading.wrong(node, expected);
        }
    }
}
