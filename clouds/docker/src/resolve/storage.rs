//! What is mounted into a container.

use coc_model::application::{Mount, MountSource, Service};
use coc_model::secret::{SECRET_KEY, SecretRef};
use serde_json::{Map, Value, json};

use super::Resolving;
use crate::files;

/// What of a document says what is mounted.
#[derive(Default)]
pub(super) struct Storage {
    /// Paths of the host, made there if they are missing.
    pub binds: Vec<Value>,
    /// Everything else.
    pub mounts: Vec<Value>,
    /// Files that are copied in.
    pub files: Vec<Value>,
}

impl Resolving<'_> {
    pub(super) fn storage(&mut self, service_name: &str, service: &Service) -> Storage {
        let mut storage = Storage::default();
        for mount in &service.mounts {
            match &mount.source {
                MountSource::Volume(name) => {
                    storage.mounts.push(entry("volume", Some(self.volume_name(name)), mount));
                }
                MountSource::Anonymous => storage.mounts.push(entry("volume", None, mount)),
                MountSource::Tmpfs => storage.mounts.push(entry("tmpfs", None, mount)),
                MountSource::Bind(path) if path.starts_with('/') => storage.bind(path, mount),
                MountSource::Bind(path) => self.not_copied(service_name, service, path),
                MountSource::Config(name) => {
                    storage.file(&mount.target, &SecretRef::of_config_file(name));
                }
                MountSource::Secret(name) => {
                    storage.file(&mount.target, &SecretRef::of_secret_file(name));
                }
            }
        }
        storage
    }

    fn not_copied(&mut self, service_name: &str, service: &Service, what: &str) {
        let says = format!(
            "service {service_name} mounts {what}: copying it to a host is not possible yet"
        );
        let hint = "put it into the image, or on the host and mount it by its absolute path";
        self.mistake(&service.at, says, hint);
    }
}

impl Storage {
    fn file(&mut self, target: &str, content: &SecretRef) {
        self.files.push(files::entry(target, &json!({SECRET_KEY: content})));
    }

    /// A path of the host. The short form has an engine make the path if it is missing, as people
    /// know it from Compose; it has no way to write a colon.
    fn bind(&mut self, path: &str, mount: &Mount) {
        if path.contains(':') || mount.target.contains(':') {
            self.mounts.push(entry("bind", Some(path.to_owned()), mount));
        } else {
            let mode = if mount.read_only { ":ro" } else { "" };
            self.binds.push(json!(format!("{path}:{}{mode}", mount.target)));
        }
    }
}

fn entry(kind: &str, source: Option<String>, mount: &Mount) -> Value {
    let mut entry = Map::new();
    entry.insert("Type".into(), kind.into());
    if let Some(source) = source {
        entry.insert("Source".into(), source.into());
    }
    entry.insert("Target".into(), mount.target.clone().into());
    if mount.read_only {
        entry.insert("ReadOnly".into(), true.into());
    }
    Value::Object(entry)
}
