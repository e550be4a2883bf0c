//! The variables of a container: plain ones, and those taken from ConfigMaps, Secrets and the pod.

use std::collections::BTreeMap;

use coc_model::application::{EnvValue, KeyFate};
use coc_model::mistake::{Mistake, Position};
use coc_model::secret::{SecretRef, SecretValue, is_secret_name, is_secret_value};

use super::expand::{Expanded, Known, expand};
use super::pod::{CONFIG_MAP, Container, PodReader, SECRET, too_long};
use super::scalars::{self, at_path, text_at};
use super::settings::secret_key;
use crate::tree::{Node, Scalar};

/// The value of a variable, as far as it is known.
pub(super) enum Variable {
    Text(String),
    /// A reference, with the value if that is in the input.
    Secret(SecretRef, Option<String>),
    /// To be given by whoever applies the plan.
    Passed,
}

/// A variable and where it was written.
pub(super) struct Placed {
    pub(super) variable: Variable,
    /// Why a value that was written openly is taken for a secret.
    pub(super) guarded: Option<&'static str>,
    pub(super) at: Position,
}

/// The variables of a container, by name.
pub(super) type Environment = BTreeMap<String, Placed>;

/// Reads `envFrom`, then `env`, each later one over an earlier of its name.
pub(super) fn read(pod: &mut PodReader<'_, '_>, container: &Container<'_>) -> Environment {
    let mut environment = Environment::new();
    for (i, node) in scalars::items(container.node, "envFrom", pod.log).iter().enumerate() {
        let path = format!("{}.envFrom[{i}]", container.path);
        from_whole(pod, container, node, &path, &mut environment);
    }
    for node in scalars::items(container.node, "env", pod.log) {
        let Some(name_node) = at_path(node, &["name"]) else {
            pod.log.push(Mistake::at(node.at.clone(), "a variable has no name"));
            continue;
        };
        let Some(name) = scalars::text(name_node, "name", pod.log) else { continue };
        let path = format!("{}.env[{name}]", container.path);
        let at = name_node.at.clone();
        let variable = match (at_path(node, &["value"]), at_path(node, &["valueFrom"])) {
            (Some(value), None) => plain(pod, container, &name, value, &path, &environment),
            (None, Some(from)) => from_key(pod, container, &name, from, &path),
            (None, None) => Some(Variable::Text(String::new())),
            (Some(_), Some(_)) => {
                let says = format!("variable \"{name}\" has both \"value\" and \"valueFrom\"");
                pod.log.push(Mistake::at(at.clone(), says));
                None
            }
        };
        match variable {
            Some(variable) => put(pod, &mut environment, name, variable, &at),
            None => drop(environment.remove(&name)),
        }
    }
    environment
}

/// Adds a variable, over an earlier one of its name.
fn put(
    pod: &mut PodReader<'_, '_>,
    environment: &mut Environment,
    name: String,
    variable: Variable,
    at: &Position,
) {
    let length = match &variable {
        Variable::Text(text) | Variable::Secret(_, Some(text)) => text.len(),
        Variable::Secret(_, None) | Variable::Passed => 0,
    };
    if pod.budget.take(1 + length / 100, at, pod.log) {
        let guarded = match &variable {
            Variable::Secret(reference, Some(text)) if reference.0.starts_with(OPENLY) => {
                why_secret(&name, text)
            }
            _ => None,
        };
        environment.insert(name, Placed { variable, guarded, at: at.clone() });
    }
}

/// How references to values of variables begin, as opposed to those to keys of Secrets.
const OPENLY: &str = "application:";

/// Why a value is taken for a secret, by the custom of names and URLs.
fn why_secret(name: &str, text: &str) -> Option<&'static str> {
    match () {
        () if text.is_empty() => None,
        () if is_secret_name(name) => Some("its name is that of a secret"),
        () if is_secret_value(text) => Some("its value holds a password in a URL"),
        () => None,
    }
}

/// The variables as the model has them.
pub(super) fn finish(environment: &Environment) -> BTreeMap<String, EnvValue> {
    let value = |variable: &Variable| match variable {
        Variable::Text(text) => EnvValue::Text(text.clone()),
        Variable::Passed => EnvValue::Passed,
        Variable::Secret(reference, _) => EnvValue::Secret(reference.clone()),
    };
    environment.iter().map(|(name, placed)| (name.clone(), value(&placed.variable))).collect()
}

/// Expands the variables in a text.
pub(super) fn expanded(text: &str, environment: &Environment) -> Expanded {
    expand(text, |name| {
        environment.get(name).and_then(|placed| match &placed.variable {
            Variable::Text(text) => Some(Known::Text(text)),
            Variable::Secret(_, value) => Some(Known::Secret(value.as_deref())),
            Variable::Passed => None,
        })
    })
}

fn plain(
    pod: &mut PodReader<'_, '_>,
    container: &Container<'_>,
    name: &str,
    node: &Node,
    path: &str,
    environment: &Environment,
) -> Option<Variable> {
    let written = scalars::text(node, &format!("variable \"{name}\""), pod.log)?;
    let out = expanded(&written, environment);
    if out.too_long {
        too_long(pod, node, &format!("variable \"{name}\""));
        return None;
    }
    if why_secret(name, &written).is_some() {
        seal(pod, container, name, written, &out.text);
    }
    if let Some(missing) = &out.missing {
        let note = format!("made of \"{missing}\", whose value only Kubernetes has");
        pod.draft.notes.say(path.to_owned(), &node.at, KeyFate::Carried, Some(note));
        let reference = SecretRef::of_environment(&container.owner(pod), name);
        return Some(Variable::Secret(reference, None));
    }
    if out.secret {
        let reference = SecretRef::of_environment(&container.owner(pod), name);
        return Some(Variable::Secret(reference, Some(out.text)));
    }
    Some(guarded(pod, container, name, out.text))
}

/// Puts a value away that must not stand in the document as it was written. Where expanding
/// changed it, the document has a reference of its own: Kubernetes expands it again.
fn seal(
    pod: &mut PodReader<'_, '_>,
    container: &Container<'_>,
    name: &str,
    written: String,
    expanded: &str,
) {
    let mut reference = SecretRef::of_environment(&container.owner(pod), name);
    if written != expanded {
        reference.0.push_str(":written");
    }
    pod.secrets.insert(reference.clone(), SecretValue::new(written));
    pod.draft.sealed.insert((container.name.to_owned(), name.to_owned()), reference);
}

/// A text, or a secret if its name or form says so.
fn guarded(
    pod: &PodReader<'_, '_>,
    container: &Container<'_>,
    name: &str,
    text: String,
) -> Variable {
    if why_secret(name, &text).is_none() {
        return Variable::Text(text);
    }
    Variable::Secret(SecretRef::of_environment(&container.owner(pod), name), Some(text))
}

/// `envFrom`: every key of a ConfigMap or Secret.
fn from_whole(
    pod: &mut PodReader<'_, '_>,
    container: &Container<'_>,
    node: &Node,
    path: &str,
    environment: &mut Environment,
) {
    let prefix = text_at(node, &["prefix"]).unwrap_or_default();
    if let Some(name) = text_at(node, &["configMapRef", "name"]) {
        let Some(texts) = pod.config_map(name) else {
            pod.absent(CONFIG_MAP, name, node, path, at_path(node, &["configMapRef"]));
            return;
        };
        for (key, text) in texts.iter().filter(|(key, _)| is_variable(key)) {
            let name = format!("{prefix}{key}");
            let variable = guarded(pod, container, &name, text.clone());
            put(pod, environment, name, variable, &node.at);
        }
    } else if let Some(name) = text_at(node, &["secretRef", "name"]) {
        let Some(values) = pod.secret(name) else {
            pod.absent(SECRET, name, node, path, at_path(node, &["secretRef"]));
            return;
        };
        for (key, value) in values.iter().filter(|(key, _)| is_variable(key)) {
            let reference = secret_key(pod.draft.namespace, name, key);
            let variable = Variable::Secret(reference, value.clone());
            put(pod, environment, format!("{prefix}{key}"), variable, &node.at);
        }
    } else {
        let says = "an item of envFrom names neither a ConfigMap nor a Secret";
        pod.log.push(Mistake::at(node.at.clone(), says));
    }
}

/// Names that can be those of variables; other keys are passed over, as Kubernetes does.
fn is_variable(name: &str) -> bool {
    !name.is_empty() && !name.contains(['=', '\0'])
}

/// `valueFrom`; `None` if the variable is not set.
fn from_key(
    pod: &mut PodReader<'_, '_>,
    container: &Container<'_>,
    name: &str,
    node: &Node,
    path: &str,
) -> Option<Variable> {
    let path = format!("{path}.valueFrom");
    if let Some(from) = at_path(node, &["configMapKeyRef"]) {
        return from_config_map(pod, container, name, from, &path);
    }
    if let Some(from) = at_path(node, &["secretKeyRef"]) {
        return from_secret(pod, from, &path);
    }
    if let Some(field) = text_at(node, &["fieldRef", "fieldPath"]) {
        if field == "metadata.namespace" {
            return Some(Variable::Text(pod.draft.namespace.to_owned()));
        }
        let label = field.strip_prefix("metadata.labels['").and_then(|l| l.strip_suffix("']"));
        if let Some(value) = label.and_then(|label| pod.draft.labels.get(label)) {
            return Some(Variable::Text(value.clone()));
        }
    }
    let known = ["fieldRef", "resourceFieldRef", "fileKeyRef"];
    if known.iter().all(|key| node.get(key).is_none()) {
        let says = format!("variable \"{name}\" has a \"valueFrom\" without a source");
        let mistake = Mistake::at(node.at.clone(), says);
        pod.log.push(
            mistake.hint("it is one of: configMapKeyRef, secretKeyRef, fieldRef, resourceFieldRef"),
        );
    }
    let note = "known only inside a running pod of Kubernetes".to_owned();
    pod.draft.notes.say(path, &node.at, KeyFate::Carried, Some(note));
    None
}

/// Name and key of a `configMapKeyRef` or `secretKeyRef`.
fn name_and_key<'n>(pod: &mut PodReader<'_, '_>, node: &'n Node) -> Option<(&'n str, &'n str)> {
    let found = (text_at(node, &["name"]), text_at(node, &["key"]));
    let (Some(name), Some(key)) = found else {
        let says = "a reference to a key needs \"name\" and \"key\"";
        pod.log.push(Mistake::at(node.at.clone(), says));
        return None;
    };
    Some((name, key))
}

fn from_config_map(
    pod: &mut PodReader<'_, '_>,
    container: &Container<'_>,
    variable: &str,
    node: &Node,
    path: &str,
) -> Option<Variable> {
    let (name, key) = name_and_key(pod, node)?;
    let Some(texts) = pod.config_map(name) else {
        let optional = pod.absent(CONFIG_MAP, name, node, path, Some(node));
        return (!optional).then_some(Variable::Passed);
    };
    match texts.get(key).cloned() {
        Some(text) => Some(guarded(pod, container, variable, text)),
        None => {
            no_such_key(pod, CONFIG_MAP, (name, key), node);
            None
        }
    }
}

fn from_secret(pod: &mut PodReader<'_, '_>, node: &Node, path: &str) -> Option<Variable> {
    let (name, key) = name_and_key(pod, node)?;
    let reference = secret_key(pod.draft.namespace, name, key);
    let Some(values) = pod.secret(name) else {
        let optional = pod.absent(SECRET, name, node, path, Some(node));
        return (!optional).then_some(Variable::Secret(reference, None));
    };
    match values.get(key).cloned() {
        Some(value) => Some(Variable::Secret(reference, value)),
        None => {
            no_such_key(pod, SECRET, (name, key), node);
            None
        }
    }
}

/// A key that an object of the input does not have: a mistake, unless it is optional.
fn no_such_key(pod: &mut PodReader<'_, '_>, kind: &str, (name, key): (&str, &str), node: &Node) {
    if is_optional(node) {
        return;
    }
    let says = format!("{kind} \"{name}\" has no key \"{key}\"");
    pod.log
        .push(Mistake::at(node.get("key").map_or_else(|| node.at.clone(), |n| n.at.clone()), says));
}

/// True if a reference says that it may lead nowhere.
pub(super) fn is_optional(node: &Node) -> bool {
    node.get("optional").and_then(Node::as_scalar).is_some_and(is_true)
}

fn is_true(scalar: &Scalar) -> bool {
    scalars::resolve(scalar) == scalars::Plain::Bool(true)
}
