//! What the containers of a pod mount.

use std::collections::BTreeMap;

use coc_model::application::{KeyFate, Mount, MountSource, Volume};
use coc_model::mistake::{Mistake, MistakeLog};
use coc_model::quantity::Bytes;
use serde_json::json;

use super::draft::ClaimUse;
use super::keys;
use super::names::legal;
use super::object::Object;
use super::pod::{CONFIG_MAP, Container, PodReader, SECRET};
use super::quantity::Quantity;
use super::scalars::{self, at_path, text_at};
use crate::fields::{mistake_at, no_such};
use crate::tree::Node;

/// What each volume of a pod is; `None` for those that only Kubernetes can mount.
pub(super) type PodVolumes = BTreeMap<String, Option<MountSource>>;

/// The name under which documents for Kubernetes are kept.
pub(super) const DRIVER: &str = "kubernetes";

/// Reads the volumes of a pod.
pub(super) fn read(pod: &mut PodReader<'_, '_>, spec: &Node, path: &str) -> PodVolumes {
    let mut volumes = PodVolumes::new();
    for (template, volume) in &pod.draft.templates {
        volumes.insert(template.clone(), Some(MountSource::Volume(volume.clone())));
    }
    for node in scalars::items(spec, "volumes", pod.log) {
        let Some(name) = at_path(node, &["name"]) else {
            pod.log.push(Mistake::at(node.at.clone(), "a volume has no name"));
            continue;
        };
        let Some(name) = scalars::text(name, "name", pod.log) else { continue };
        let path = format!("{path}.volumes[{name}]");
        let source = source(pod, node, &name, &path);
        volumes.insert(name, source);
    }
    volumes
}

fn source(pod: &mut PodReader<'_, '_>, node: &Node, name: &str, path: &str) -> Option<MountSource> {
    if let Some(empty) = node.get("emptyDir") {
        let memory = text_at(empty, &["medium"]) == Some("Memory");
        return Some(if memory { MountSource::Tmpfs } else { MountSource::Anonymous });
    }
    if let Some(host) = text_at(node, &["hostPath", "path"]) {
        return Some(MountSource::Bind(host.to_owned()));
    }
    if let Some(name) = text_at(node, &["configMap", "name"]) {
        if pod.config_map(name).is_none() {
            pod.absent(CONFIG_MAP, name, node, path, node.get("configMap"));
        }
        return Some(MountSource::Config(name.to_owned()));
    }
    if let Some(name) = text_at(node, &["secret", "secretName"]) {
        if pod.secret(name).is_none() {
            pod.absent(SECRET, name, node, path, node.get("secret"));
        }
        return Some(MountSource::Secret(name.to_owned()));
    }
    if let Some(claim) = at_path(node, &["persistentVolumeClaim"]) {
        return claim_source(pod, claim);
    }
    if node.get("ephemeral").is_some() {
        return Some(MountSource::Anonymous);
    }
    let mut say = |note: &str| {
        pod.draft.notes.say(path.to_owned(), &node.at, KeyFate::Carried, Some(note.to_owned()));
    };
    if ["projected", "downwardAPI", "image"].iter().any(|key| node.get(key).is_some()) {
        say("made by Kubernetes itself, and mounted there only");
        return None;
    }
    if node.as_map().is_some_and(|entries| entries.len() < 2) {
        return Some(MountSource::Anonymous);
    }
    say("storage of the cluster, which is there already");
    let volume = legal(&format!("{}-{name}", pod.draft.name));
    let native = json!({ "volume": scalars::to_json(node) });
    let native = crate::sealing::seal_urls(
        native,
        &format!("application:volume:{volume}:native.{DRIVER}"),
        pod.secrets,
    );
    let external = Volume {
        size: None,
        at: node.at.clone(),
        external: true,
        native: BTreeMap::from([(DRIVER.to_owned(), native)]),
    };
    pod.draft.volumes.insert(volume.clone(), external);
    Some(MountSource::Volume(volume))
}

fn claim_source(pod: &mut PodReader<'_, '_>, node: &Node) -> Option<MountSource> {
    let Some(name) = at_path(node, &["claimName"]) else {
        pod.log.push(Mistake::at(node.at.clone(), "the claim has no \"claimName\""));
        return None;
    };
    let claim = scalars::text(name, "claimName", pod.log)?;
    let read_only = at_path(node, &["readOnly"])
        .and_then(|node| scalars::flag(node, "readOnly", pod.log))
        .unwrap_or(false);
    let volume = legal(&claim);
    pod.draft.claims.push(ClaimUse { claim, read_only, at: name.at.clone() });
    Some(MountSource::Volume(volume))
}

/// Reads the mounts of a container; those of the service's own become the service's.
pub(super) fn mount(pod: &mut PodReader<'_, '_>, container: &Container<'_>, volumes: &PodVolumes) {
    let names = volumes.keys().map(|name| &**name).collect();
    for node in scalars::items(container.node, "volumeMounts", pod.log) {
        let found = (at_path(node, &["name"]), at_path(node, &["mountPath"]));
        let (Some(name_node), Some(target)) = found else {
            let says = "a mount needs \"name\" and \"mountPath\"";
            pod.log.push(Mistake::at(node.at.clone(), says));
            continue;
        };
        let Some(name) = scalars::text(name_node, "name", pod.log) else { continue };
        let Some(source) = volumes.get(&name) else {
            let mistake = mistake_at(name_node, format!("the pod has no volume \"{name}\""));
            pod.log.push(no_such(mistake, &name, &names));
            continue;
        };
        let read_only = at_path(node, &["readOnly"])
            .and_then(|node| scalars::flag(node, "readOnly", pod.log))
            .unwrap_or(false);
        let target = scalars::text(target, "mountPath", pod.log);
        let (Some(source), Some(target), true) = (source, target, container.is_main) else {
            continue;
        };
        if let Some(part) = text_at(node, &["subPath"]).or_else(|| text_at(node, &["subPathExpr"]))
        {
            let note = format!("only \"{part}\" of the volume is mounted, on Kubernetes");
            let path = format!("{}.volumeMounts[{name}].subPath", container.path);
            pod.draft.notes.say(path, &node.at, KeyFate::Carried, Some(note));
        }
        pod.draft.service.mounts.push(Mount { source: source.clone(), target, read_only });
    }
}

/// A claim of the input, or the template of one, as a volume.
pub(super) fn claim(node: &Node, title: &str, log: &mut MistakeLog) -> Volume {
    let spec = at_path(node, &["spec"]);
    keys::check(spec, title, keys::CLAIM, log);
    let size = spec.and_then(|spec| at_path(spec, &["resources", "requests", "storage"]));
    let size = size.and_then(|node| {
        let word = scalars::word(node, "storage", log)?;
        match Quantity::parse(word) {
            Ok(quantity) => quantity.units().map(Bytes),
            Err(error) => {
                log.push(mistake_at(node, format!("storage: {error}")));
                None
            }
        }
    });
    let native = BTreeMap::from([(DRIVER.to_owned(), scalars::to_json(node))]);
    Volume { size, at: node.at.clone(), external: false, native }
}

/// True for a claim that one host at a time may write to.
pub(super) fn is_of_one_host(object: &Object<'_>, log: &mut MistakeLog) -> bool {
    let Some(spec) = at_path(object.node, &["spec"]) else { return false };
    let modes = scalars::items(spec, "accessModes", log);
    !modes.is_empty()
        && modes.iter().all(|mode| {
            mode.as_scalar()
                .is_some_and(|s| matches!(&*s.text, "ReadWriteOnce" | "ReadWriteOncePod"))
        })
}
