//! One service of the native format.

use std::collections::{BTreeMap, BTreeSet};

use coc_model::application::{
    Build, Condition, Dependency, EnvValue, Inference, KeyFate, KeyNote, Restart, Service, Tie,
};
use coc_model::mistake::{Mistake, MistakeLog, Position};
use coc_model::secret::{SecretRef, SecretValue, Secrets, is_secret_name, is_secret_value};

use super::references::{self, Reference};
use super::{health, mounts, ports, size};
use crate::fields::{self, Fields, flag, known_name, list, map, mistake_at, one_of, text};
use crate::sealing::seal_by_name;
use crate::tree::{Key, Node};

/// The names that a service may refer to.
pub(super) struct Scope<'n> {
    /// Every service.
    pub(super) services: BTreeSet<&'n str>,
    /// Every volume.
    pub(super) volumes: BTreeSet<&'n str>,
}

/// A service, with what can be judged only when all are read.
pub(super) struct Draft {
    /// The service.
    pub(super) service: Service,
    /// The references in its variables, with the variable's name.
    pub(super) references: Vec<(String, Reference)>,
    /// Where each entry of `after` stands.
    pub(super) waits: BTreeMap<String, Position>,
}

/// Reads one service.
pub(super) fn read(
    (key, node): (&Key, &Node),
    scope: &Scope<'_>,
    secrets: &mut Secrets,
    log: &mut MistakeLog,
) -> Draft {
    fields::check_name(&key.text, &key.at, "a service", log);
    let service = Service::container(key.at.clone());
    let draft = Draft { service, references: Vec::new(), waits: BTreeMap::new() };
    let mut reader = Reader { name: &key.text, scope, secrets, log, draft };
    let owner = format!("service \"{}\"", key.text);
    if let Some(mut fields) = Fields::of(node, owner, reader.log) {
        reader.read_type(&mut fields);
        reader.read_process(&mut fields);
        reader.read_size(&mut fields);
        reader.read_connections(&mut fields);
        reader.read_native(&mut fields);
        fields.finish(reader.log);
        reader.draft.service.keys = key_notes(node);
    }
    reader.draft
}

struct Reader<'a> {
    name: &'a str,
    scope: &'a Scope<'a>,
    secrets: &'a mut Secrets,
    log: &'a mut MistakeLog,
    draft: Draft,
}

impl Reader<'_> {
    fn read_type(&mut self, fields: &mut Fields<'_>) {
        let service = &mut self.draft.service;
        if let Some(node) = fields.get("type")
            && let Some(name) = text(node, "type", self.log)
        {
            fields::check_name(&name, &fields::text_position(node), "a service type", self.log);
            service.service_type = name;
        }
        if let Some(node) = fields.get("spec") {
            if service.service_type == "container" {
                let says = "a container has no \"spec\"";
                let hint = "write its fields beside \"image\", or name another type";
                self.log.push(Mistake::at(node.at.clone(), says).hint(hint));
            } else if map(node, "spec", self.log).is_some() {
                let path = format!("application:{}:spec", self.name);
                service.spec = seal_by_name(node.to_json(), &path, self.secrets);
            }
        }
        service.image = fields.get("image").and_then(|node| text(node, "image", self.log));
        service.build = fields.get("build").and_then(|node| build(node, self.log));
        if service.service_type == "container" && service.image.is_none() && service.build.is_none()
        {
            let says = format!("service \"{}\" has neither \"image\" nor \"build\"", self.name);
            self.log.push(Mistake::at(service.at.clone(), says));
        }
    }

    fn read_process(&mut self, fields: &mut Fields<'_>) {
        let log = &mut *self.log;
        let service = &mut self.draft.service;
        service.entrypoint =
            fields.get("entrypoint").and_then(|node| arguments(node, "entrypoint", log));
        service.command = fields.get("command").and_then(|node| arguments(node, "command", log));
        service.working_dir =
            fields.get("working_dir").and_then(|node| text(node, "working_dir", log));
        service.user = fields.get("user").and_then(|node| text(node, "user", log));
        service.healthcheck = fields.get("healthcheck").and_then(|node| health::read(node, log));
        const RESTARTS: [(&str, Restart); 4] = [
            ("no", Restart::No),
            ("always", Restart::Always),
            ("on-failure", Restart::OnFailure),
            ("unless-stopped", Restart::UnlessStopped),
        ];
        if let Some(restart) =
            fields.get("restart").and_then(|node| one_of(node, "restart", &RESTARTS, log))
        {
            service.restart = restart;
        }
        if let Some(node) = fields.get("env") {
            for (key, value) in map(node, "env", self.log).unwrap_or_default() {
                self.read_variable(key, value);
            }
        }
    }

    fn read_variable(&mut self, key: &Key, node: &Node) {
        let name = key.text.to_string();
        if name.is_empty() || name.contains(['=', '\0']) {
            let says = format!("\"{name}\" can't be the name of a variable");
            self.log.push(Mistake::at(key.at.clone(), says));
            return;
        }
        if node.is_null() {
            self.draft.service.env.insert(name, EnvValue::Passed);
            return;
        }
        let Some(written) = text(node, &format!("variable \"{name}\""), self.log) else { return };
        let found = references::read(node, &written, &self.scope.services, self.log);
        let only_references = found.only_references;
        self.draft.references.extend(found.references.into_iter().map(|r| (name.clone(), r)));
        let why = match () {
            () if only_references || found.text.is_empty() => None,
            () if is_secret_name(&name) => Some("its name is that of a secret"),
            () if is_secret_value(&found.text) => Some("its value holds a password in a URL"),
            () => None,
        };
        let value = match why {
            None => EnvValue::Text(found.text),
            Some(reason) => {
                let reference = SecretRef::of_environment(self.name, &name);
                self.secrets.insert(reference.clone(), SecretValue::new(found.text));
                self.draft.service.inferred.push(Inference {
                    what: format!("env.{name} is a secret"),
                    reason: reason.to_owned(),
                });
                EnvValue::Secret(reference)
            }
        };
        self.draft.service.env.insert(name, value);
    }

    fn read_size(&mut self, fields: &mut Fields<'_>) {
        let service = &mut self.draft.service;
        if let Some(node) = fields.get("needs") {
            service.needs = size::needs(node, self.log);
        }
        if let Some(node) = fields.get("limits") {
            service.limits = size::limits(node, self.log);
            let over = |what: &str, need: Option<u64>, limit: Option<u64>| {
                (need > limit && limit.is_some()).then(|| {
                    Mistake::at(node.at.clone(), format!("the limit of {what} is below its need"))
                })
            };
            let (needs, limits) = (&service.needs, &service.limits);
            self.log.extend(over("cpu", needs.cpu.map(|c| c.0), limits.cpu.map(|c| c.0)));
            self.log.extend(over("memory", needs.memory.map(|b| b.0), limits.memory.map(|b| b.0)));
        }
        if let Some(replicas) =
            fields.get("replicas").and_then(|node| size::replicas(node, self.log))
        {
            service.replicas = replicas;
        }
    }

    fn read_connections(&mut self, fields: &mut Fields<'_>) {
        if let Some(node) = fields.get("ports") {
            self.draft.service.ports = ports::read(node, self.log);
        }
        for name in ["volumes", "mounts"] {
            if let Some(node) = fields.get(name) {
                let mounts = mounts::read(node, name, &self.scope.volumes, self.log);
                self.draft.service.mounts.extend(mounts);
            }
        }
        if let Some(node) = fields.get("after") {
            self.read_after(node);
        }
        if let Some(node) = fields.get("with") {
            for item in list(node, "with", self.log).unwrap_or_default() {
                if let Some(service) = known_name(item, "service", &self.scope.services, self.log) {
                    let reason = "stated by \"with\"".to_owned();
                    self.draft.service.with.push(Tie { service, reason, at: item.at.clone() });
                }
            }
        }
    }

    fn read_after(&mut self, node: &Node) {
        if let Some(entries) = node.as_map() {
            for (key, value) in entries {
                let service = Node::text(&key.text, key.at.clone());
                self.read_wait(&service, value.as_map().map_or(Some(value), |_| None), value);
            }
            return;
        }
        for item in list(node, "after", self.log).unwrap_or_default() {
            if item.as_map().is_none() {
                self.read_wait(item, None, item);
            } else if let Some(service) = item.get("service") {
                self.read_wait(service, None, item);
            } else {
                self.log.push(Mistake::at(item.at.clone(), "an item of after has no \"service\""));
            }
        }
    }

    /// One service to wait for: its name, its condition if that stands alone, and the map that
    /// may hold more.
    fn read_wait(&mut self, service: &Node, condition: Option<&Node>, more: &Node) {
        const CONDITIONS: [(&str, Condition); 3] = [
            ("started", Condition::Started),
            ("healthy", Condition::Healthy),
            ("completed", Condition::Completed),
        ];
        let mut dependency =
            Dependency { service: String::new(), condition: Condition::Started, required: true };
        let mut condition = condition.filter(|node| !node.is_null());
        if more.as_map().is_some()
            && let Some(mut fields) = Fields::of(more, "an item of after", self.log)
        {
            fields.get("service");
            condition = fields.get("condition");
            if let Some(required) =
                fields.get("required").and_then(|node| flag(node, "required", self.log))
            {
                dependency.required = required;
            }
            fields.finish(self.log);
        }
        if let Some(condition) =
            condition.and_then(|node| one_of(node, "condition", &CONDITIONS, self.log))
        {
            dependency.condition = condition;
        }
        let Some(name) = known_name(service, "service", &self.scope.services, self.log) else {
            return;
        };
        dependency.service.clone_from(&name);
        if self.draft.waits.contains_key(&name) {
            self.log.push(mistake_at(service, format!("\"{name}\" is waited for twice")));
            return;
        }
        self.draft.waits.insert(name, fields::text_position(service));
        self.draft.service.after.push(dependency);
    }

    fn read_native(&mut self, fields: &mut Fields<'_>) {
        if let Some(node) = fields.get("labels") {
            for (name, value) in map(node, "labels", self.log).unwrap_or_default() {
                if let Some(label) = text(value, &format!("labels.{}", name.text), self.log) {
                    self.draft.service.labels.insert(name.text.to_string(), label);
                }
            }
        }
        if let Some(node) = fields.get("native") {
            let path = format!("application:{}:native", self.name);
            self.draft.service.native = native(node, &path, self.secrets, self.log);
        }
    }
}

/// Fields for native documents, by driver.
pub(super) fn native(
    node: &Node,
    path: &str,
    secrets: &mut Secrets,
    log: &mut MistakeLog,
) -> BTreeMap<String, serde_json::Value> {
    let mut out = BTreeMap::new();
    for (driver, document) in map(node, "native", log).unwrap_or_default() {
        if map(document, &format!("native.{}", driver.text), log).is_some() {
            let path = format!("{path}.{}", driver.text);
            let sealed = seal_by_name(document.to_json(), &path, secrets);
            out.insert(driver.text.to_string(), sealed);
        }
    }
    out
}

fn build(node: &Node, log: &mut MistakeLog) -> Option<Build> {
    if node.as_map().is_none() {
        let context = text(node, "build", log)?;
        return Some(Build { context, ..Build::default() });
    }
    let mut fields = Fields::of(node, "build", log)?;
    let context = fields.required("context", &node.at, log);
    let context = context.and_then(|node| text(node, "context", log));
    let dockerfile = fields.get("dockerfile").and_then(|node| text(node, "dockerfile", log));
    let target = fields.get("target").and_then(|node| text(node, "target", log));
    fields.finish(log);
    Some(Build { context: context?, dockerfile, target })
}

/// The words of a program's start, none of which may hold what only a variable can.
pub(super) fn arguments(node: &Node, what: &str, log: &mut MistakeLog) -> Option<Vec<String>> {
    if node.as_list().is_none() {
        let mistake = mistake_at(node, format!("{what} must be a list of texts"));
        log.push(mistake.hint("write [\"program\", \"argument\"]"));
        return None;
    }
    for item in node.as_list().unwrap_or_default() {
        let written = item.as_scalar().map_or("", |s| &s.text);
        if is_secret_value(written) {
            let mistake = Mistake::at(item.at.clone(), format!("{what} holds a password in a URL"));
            log.push(mistake.hint("everyone on the host sees arguments: put it into env"));
        } else if written.contains("${services.") {
            let mistake = Mistake::at(item.at.clone(), format!("{what} can't hold references"));
            log.push(mistake.hint("put the reference into env, and let the program read that"));
        }
    }
    fields::texts(node, what, log)
}

/// What became of each key: `native` is carried, the rest is used.
fn key_notes(node: &Node) -> Vec<KeyNote> {
    const DEEPER: [&str; 6] = ["build", "needs", "limits", "replicas", "healthcheck", "labels"];
    let note = |key: String, fate, at: &Position| KeyNote { key, fate, at: at.clone(), note: None };
    let mut notes = Vec::new();
    for (key, value) in node.as_map().unwrap_or_default() {
        let carried = &*key.text == "native";
        let fate = if carried { KeyFate::Carried } else { KeyFate::Used };
        match value.as_map() {
            Some(inner) if carried || DEEPER.contains(&&*key.text) => notes.extend(
                inner.iter().map(|(k, _)| note(format!("{}.{}", key.text, k.text), fate, &k.at)),
            ),
            _ => notes.push(note(key.text.to_string(), fate, &key.at)),
        }
    }
    notes
}
