//! A pod as a service.
//!
//! One of its containers is the service's own: its image, command, variables and mounts become
//! the service's. All of them, init containers and sidecars too, count for what it needs, and
//! stay whole in the document kept for Kubernetes.

use std::collections::{BTreeMap, BTreeSet};

use coc_model::application::{Inference, KeyFate, Port, Protocol, Restart};
use coc_model::mistake::{Mistake, MistakeLog};
use coc_model::secret::{SecretValue, Secrets, is_secret_value};

use super::budget::Budget;
use super::draft::{Draft, Mention};
use super::environment::{self, Environment, Variable};
use super::expand::TEXT_MAX;
use super::keys;
use super::scalars::{self, at_path, text_at};
use super::settings::Settings;
use super::{probes, resources, volumes};
use crate::tree::Node;

/// What is read of one pod, and with what.
pub(super) struct PodReader<'a, 'n> {
    /// ConfigMaps and Secrets of the input.
    pub(super) settings: &'a Settings,
    /// Where secret values are put away.
    pub(super) secrets: &'a mut Secrets,
    /// Where mistakes go.
    pub(super) log: &'a mut MistakeLog,
    /// How much may still be made of references.
    pub(super) budget: &'a mut Budget,
    /// The service to be.
    pub(super) draft: Draft<'n>,
}

/// The kinds of objects that pods take their settings from.
pub(super) const CONFIG_MAP: &str = "ConfigMap";
/// See [`CONFIG_MAP`].
pub(super) const SECRET: &str = "Secret";

/// A container of a pod.
pub(super) struct Container<'n> {
    pub(super) node: &'n Node,
    pub(super) name: &'n str,
    /// The keys above it, with its name: `spec.template.spec.containers[web]`.
    pub(super) path: String,
    /// True for the one whose process is the service's own.
    pub(super) is_main: bool,
    pub(super) is_init: bool,
    /// True for an init container that goes on running.
    pub(super) is_sidecar: bool,
}

impl Container<'_> {
    /// Whose variables these are, in references to their values.
    pub(super) fn owner(&self, pod: &PodReader<'_, '_>) -> String {
        if self.is_main {
            pod.draft.name.to_owned()
        } else {
            format!("{}/{}", pod.draft.name, self.name)
        }
    }
}

impl<'a> PodReader<'a, '_> {
    /// The texts of a ConfigMap, if the input holds it.
    pub(super) fn config_map(&mut self, name: &str) -> Option<&'a BTreeMap<String, String>> {
        self.draft.refers.insert((CONFIG_MAP, name.to_owned()));
        self.settings.config_map(self.draft.namespace, name)
    }

    /// The values of a Secret, if the input holds it.
    pub(super) fn secret(&mut self, name: &str) -> Option<&'a BTreeMap<String, Option<String>>> {
        self.draft.refers.insert((SECRET, name.to_owned()));
        self.settings.secret(self.draft.namespace, name)
    }

    /// Notes a ConfigMap or Secret that the input does not hold; true if it may be absent.
    pub(super) fn absent(
        &mut self,
        kind: &'static str,
        name: &str,
        node: &Node,
        path: &str,
        reference: Option<&Node>,
    ) -> bool {
        let optional = reference.is_some_and(environment::is_optional);
        let note = if optional {
            format!("{kind} \"{name}\" is not in these files, and optional: left out")
        } else if kind == CONFIG_MAP {
            format!("{kind} \"{name}\" is not in these files: its values must come from elsewhere")
        } else {
            format!("{kind} \"{name}\" is not in these files: it is referred to by name")
        };
        self.draft.notes.say(path.to_owned(), &node.at, KeyFate::Carried, Some(note));
        optional
    }
}

/// Reads the spec of a pod into the reader's service.
pub(super) fn read(
    pod: &mut PodReader<'_, '_>,
    template: &Node,
    path: &str,
    default_container: Option<&str>,
) {
    let Some(spec) = at_path(template, &["spec"]) else {
        pod.log.push(Mistake::at(template.at.clone(), "the pod has no \"spec\""));
        return;
    };
    pod.draft.notes.walk(spec, path, keys::POD, pod.log);
    let containers = containers(pod, spec, path, default_container);
    for container in &containers {
        pod.draft.notes.walk(container.node, &container.path, keys::CONTAINER, pod.log);
    }
    resources::read(pod, spec, &containers);
    let volumes = volumes::read(pod, spec, path);
    for container in &containers {
        let environment = environment::read(pod, container);
        mention(pod, container, &environment);
        put_away(pod, &environment);
        ports(pod, spec, container);
        if container.is_main {
            process(pod, container, &environment);
            probes::read(pod, container);
        } else {
            refuse_arguments(pod, container);
        }
        volumes::mount(pod, container, &volumes);
    }
    user(pod, spec, &containers);
    pod.draft.service.restart = match text_at(spec, &["restartPolicy"]) {
        Some("Never") => Restart::No,
        Some("OnFailure") => Restart::OnFailure,
        _ => Restart::Always,
    };
    super::scheduling::read(pod, spec, path);
}

/// The containers of the pod: those that run together, then init containers in their order.
fn containers<'n>(
    pod: &mut PodReader<'_, '_>,
    spec: &'n Node,
    path: &str,
    default_container: Option<&str>,
) -> Vec<Container<'n>> {
    let mut containers: Vec<Container<'n>> = Vec::new();
    let mut names: BTreeSet<&str> = BTreeSet::new();
    for (list, is_init) in [("containers", false), ("initContainers", true)] {
        for node in scalars::items(spec, list, pod.log) {
            let Some(name_node) = at_path(node, &["name"]) else {
                pod.log.push(Mistake::at(node.at.clone(), "a container has no name"));
                continue;
            };
            let Some(name) = scalars::word(name_node, "name", pod.log) else { continue };
            if !names.insert(name) {
                let says = format!("the container \"{name}\" is here twice");
                pod.log.push(Mistake::at(name_node.at.clone(), says));
                continue;
            }
            let is_sidecar = is_init && text_at(node, &["restartPolicy"]) == Some("Always");
            let path = format!("{path}.{list}[{name}]");
            containers.push(Container { node, name, path, is_main: false, is_init, is_sidecar });
        }
    }
    let chosen = containers.iter().position(|c| !c.is_init && Some(c.name) == default_container);
    let first = containers.iter().position(|c| !c.is_init);
    let Some(main) = chosen.or(first) else {
        pod.log.push(Mistake::at(spec.at.clone(), "the pod has no containers"));
        return containers;
    };
    containers[main].is_main = true;
    if containers.len() > 1 {
        say_main(pod, &containers, main, chosen.is_some());
    }
    containers
}

fn say_main(pod: &mut PodReader<'_, '_>, containers: &[Container<'_>], main: usize, chosen: bool) {
    let why = if chosen { "named by its annotation" } else { "the first of its containers" };
    let reason = format!("container \"{}\", {why}", containers[main].name);
    pod.draft.service.inferred.push(Inference { what: "image".to_owned(), reason });
    for container in containers.iter().filter(|c| !c.is_main) {
        let note = if container.is_init && !container.is_sidecar {
            "runs before the service, on Kubernetes only"
        } else {
            "runs beside the service, on Kubernetes only"
        };
        let (path, at) = (container.path.clone(), &container.node.at);
        pod.draft.notes.say(path, at, KeyFate::Carried, Some(note.to_owned()));
    }
}

/// What the service's own process is.
fn process(pod: &mut PodReader<'_, '_>, container: &Container<'_>, environment: &Environment) {
    let node = container.node;
    match at_path(node, &["image"]) {
        Some(image) => pod.draft.service.image = scalars::text(image, "image", pod.log),
        None => {
            let says = format!("container \"{}\" has no image", container.name);
            pod.log.push(Mistake::at(node.at.clone(), says));
        }
    }
    pod.draft.service.entrypoint = arguments(pod, container, "command", environment);
    pod.draft.service.command = arguments(pod, container, "args", environment);
    pod.draft.service.working_dir =
        at_path(node, &["workingDir"]).and_then(|node| scalars::text(node, "workingDir", pod.log));
    for (name, placed) in environment {
        if let Some(reason) = placed.guarded {
            let what = format!("env.{name} is a secret");
            pod.draft.service.inferred.push(Inference { what, reason: reason.to_owned() });
        }
    }
    pod.draft.service.env = environment::finish(environment);
}

/// Arguments with their variables expanded. A secret is not put into them: it stays `$(NAME)`,
/// which only Kubernetes fills in.
fn arguments(
    pod: &mut PodReader<'_, '_>,
    container: &Container<'_>,
    key: &str,
    environment: &Environment,
) -> Option<Vec<String>> {
    let node = at_path(container.node, &[key])?;
    let mut out = Vec::new();
    for item in scalars::list(node, key, pod.log) {
        let Some(written) = scalars::text(item, &format!("an item of {key}"), pod.log) else {
            continue;
        };
        let expanded = environment::expanded(&written, environment);
        if expanded.too_long {
            too_long(pod, item, &format!("an item of {key}"));
        } else if expanded.secret {
            let note = "holds a secret that only Kubernetes fills in".to_owned();
            let path = format!("{}.{key}", container.path);
            pod.draft.notes.say(path, &item.at, KeyFate::Carried, Some(note));
            out.push(written);
        } else {
            refuse_password(pod, item, &expanded.text, key);
            let (what, at) = (format!("an item of {key}"), item.at.clone());
            let text = expanded.text.clone();
            pod.draft.mentions.push(Mention { what, variable: None, text, at });
            out.push(expanded.text);
        }
    }
    Some(out)
}

/// Refuses a text that grows too long when it is expanded.
pub(super) fn too_long(pod: &mut PodReader<'_, '_>, node: &Node, what: &str) {
    let says = format!("{what} is longer than {TEXT_MAX} bytes when it is expanded");
    pod.log.push(Mistake::at(node.at.clone(), says).hint("no process can be given more"));
}

/// Refuses a password where everyone sees it.
pub(super) fn refuse_password(pod: &mut PodReader<'_, '_>, item: &Node, text: &str, key: &str) {
    if is_secret_value(text) {
        let mistake = Mistake::at(item.at.clone(), format!("{key} holds a password in a URL"));
        pod.log.push(mistake.hint(
            "everyone on the host sees arguments: put it into a Secret, and write $(NAME) of a \
             variable that refers to it",
        ));
    }
}

fn refuse_arguments(pod: &mut PodReader<'_, '_>, container: &Container<'_>) {
    for key in ["command", "args"] {
        for item in scalars::items(container.node, key, pod.log) {
            if let Some(scalar) = item.as_scalar() {
                refuse_password(pod, item, &scalar.text, key);
            }
        }
    }
}

/// Keeps the texts of variables for finding other services in them.
fn mention(pod: &mut PodReader<'_, '_>, container: &Container<'_>, environment: &Environment) {
    for (name, placed) in environment {
        let text = match &placed.variable {
            Variable::Text(text) | Variable::Secret(_, Some(text)) => text.clone(),
            Variable::Secret(_, None) | Variable::Passed => continue,
        };
        let what = if container.is_main {
            format!("variable {name}")
        } else {
            format!("variable {name} of container \"{}\"", container.name)
        };
        let (variable, at) = (Some(name.clone()), placed.at.clone());
        pod.draft.mentions.push(Mention { what, variable, text, at });
    }
}

/// Puts the values of secret variables away.
fn put_away(pod: &mut PodReader<'_, '_>, environment: &Environment) {
    for placed in environment.values() {
        if let Variable::Secret(reference, Some(value)) = &placed.variable {
            pod.secrets.insert(reference.clone(), SecretValue::new(value));
        }
    }
}

fn ports(pod: &mut PodReader<'_, '_>, spec: &Node, container: &Container<'_>) {
    let on_host = at_path(spec, &["hostNetwork"])
        .and_then(|node| scalars::flag(node, "hostNetwork", pod.log))
        .unwrap_or(false);
    for node in scalars::items(container.node, "ports", pod.log) {
        let Some(number) = at_path(node, &["containerPort"]) else {
            pod.log.push(Mistake::at(node.at.clone(), "a port has no \"containerPort\""));
            continue;
        };
        let Some(target) = port(number, "containerPort", pod.log) else { continue };
        let published = at_path(node, &["hostPort"]);
        let published = published.and_then(|node| port(node, "hostPort", pod.log));
        let published = published.or_else(|| on_host.then_some(target));
        let name = at_path(node, &["name"]).and_then(|n| scalars::text(n, "name", pod.log));
        if let Some(name) = &name {
            pod.draft.port_names.push((name.clone(), target));
        }
        let host_ip = at_path(node, &["hostIP"]).and_then(|n| scalars::text(n, "hostIP", pod.log));
        let protocol = protocol(node, pod.log);
        let place = pod.draft.service.ports.len();
        if *pod.draft.open.entry((target, protocol)).or_insert(place) == place {
            let public = published.is_some();
            pod.draft.service.ports.push(Port {
                target,
                published,
                host_ip,
                protocol,
                public,
                name,
            });
        }
    }
}

/// A port number.
pub(super) fn port(node: &Node, what: &str, log: &mut MistakeLog) -> Option<u16> {
    let number = scalars::whole(node, what, (1, u32::from(u16::MAX)), log)?;
    u16::try_from(number).ok()
}

/// The protocol of a port; TCP where none is written.
pub(super) fn protocol(node: &Node, log: &mut MistakeLog) -> Protocol {
    let Some(written) = at_path(node, &["protocol"]) else { return Protocol::Tcp };
    const PROTOCOLS: [(&str, Protocol); 3] =
        [("TCP", Protocol::Tcp), ("UDP", Protocol::Udp), ("SCTP", Protocol::Sctp)];
    crate::fields::one_of(written, "protocol", &PROTOCOLS, log).unwrap_or_default()
}

/// User and group of the service's own process; the container's word wins over the pod's.
fn user(pod: &mut PodReader<'_, '_>, spec: &Node, containers: &[Container<'_>]) {
    let main = containers.iter().find(|container| container.is_main).map(|c| c.node);
    let mut id = |key: &str| {
        let own = main.and_then(|node| at_path(node, &["securityContext", key]));
        let node = own.or_else(|| at_path(spec, &["securityContext", key]))?;
        scalars::whole(node, key, (0, u32::MAX), pod.log)
    };
    let (user, group) = (id("runAsUser"), id("runAsGroup"));
    pod.draft.service.user = match (user, group) {
        (Some(user), Some(group)) => Some(format!("{user}:{group}")),
        (Some(user), None) => Some(user.to_string()),
        (None, _) => None,
    };
}
