//! What a service of the native format mounts: `data:/var/lib/data:ro`, or a map.

use std::collections::BTreeSet;

use coc_model::application::{Mount, MountSource};
use coc_model::mistake::{Mistake, MistakeLog};

use crate::fields::{Fields, flag, known_name, list, mistake_at, no_such, text};
use crate::tree::Node;

/// Reads the mounts of a service; `what` is the key they stand under.
pub(super) fn read(
    node: &Node,
    what: &str,
    volumes: &BTreeSet<&str>,
    log: &mut MistakeLog,
) -> Vec<Mount> {
    let mut mounts: Vec<Mount> = Vec::new();
    let mut targets: BTreeSet<String> = BTreeSet::new();
    for item in list(node, what, log).unwrap_or_default() {
        let read = match item.as_map() {
            Some(_) => read_map(item, volumes, log),
            None => read_text(item, volumes, log),
        };
        let Some(mount) = read else { continue };
        if !mount.target.starts_with('/') {
            let says = format!("\"{}\" is not an absolute path", mount.target);
            log.push(mistake_at(item, says));
        } else if !targets.insert(mount.target.clone()) {
            log.push(mistake_at(item, format!("\"{}\" is mounted twice", mount.target)));
        } else {
            mounts.push(mount);
        }
    }
    mounts
}

fn read_text(node: &Node, volumes: &BTreeSet<&str>, log: &mut MistakeLog) -> Option<Mount> {
    let written = text(node, "a mount", log)?;
    let (path, read_only) = match written.strip_suffix(":ro") {
        Some(path) => (path, true),
        None => (written.strip_suffix(":rw").unwrap_or(&written), false),
    };
    let (source, target) = match path.split_once(':') {
        None => (MountSource::Anonymous, path),
        Some((source, target)) if source.starts_with(['/', '.', '~']) => {
            (MountSource::Bind(source.to_owned()), target)
        }
        Some((source, target)) if volumes.contains(source) => {
            (MountSource::Volume(source.to_owned()), target)
        }
        Some((source, _)) => {
            let mistake = mistake_at(node, format!("there is no volume \"{source}\""));
            log.push(no_such(mistake, source, volumes));
            return None;
        }
    };
    Some(Mount { source, target: target.to_owned(), read_only })
}

fn read_map(node: &Node, volumes: &BTreeSet<&str>, log: &mut MistakeLog) -> Option<Mount> {
    let mut fields = Fields::of(node, "a mount", log)?;
    let (volume, bind, tmpfs) = (fields.get("volume"), fields.get("bind"), fields.get("tmpfs"));
    let target = fields.required("path", &node.at, log);
    let target = target.and_then(|node| text(node, "path", log));
    let read_only = fields.get("read_only").and_then(|node| flag(node, "read_only", log));
    fields.finish(log);
    let source = match (volume, bind, tmpfs) {
        (Some(node), None, None) => MountSource::Volume(known_name(node, "volume", volumes, log)?),
        (None, Some(node), None) => MountSource::Bind(text(node, "bind", log)?),
        (None, None, Some(node)) if flag(node, "tmpfs", log)? => MountSource::Tmpfs,
        (None, None, _) => MountSource::Anonymous,
        _ => {
            let says = "a mount is one of \"volume\", \"bind\" and \"tmpfs\"";
            log.push(Mistake::at(node.at.clone(), says));
            return None;
        }
    };
    Some(Mount { source, target: target?, read_only: read_only.unwrap_or(false) })
}
