//! Volumes of an engine.

use coc_cloud::Failure;
use coc_cloud::cloud::Create;
use coc_model::resource::{NativeId, ObservedResource};
use hyper::StatusCode;
use serde_json::Value;

use crate::driver::Docker;
use crate::engine::{Call, escape};
use crate::fingerprint::Fingerprint;
use crate::{VOLUME, labels};

impl Docker {
    /// Makes a volume. An engine gives an existing volume of that name as if it had just been
    /// made, so its marks tell which it is.
    pub(crate) async fn create_volume(&self, create: &Create) -> Result<ObservedResource, Failure> {
        let mut document = self.checked(VOLUME, &create.native).await?;
        let fields = Fingerprint::of(&create.native).write();
        labels::write(&mut document, &create.marks, &create.spec, &fields);
        document.insert("Name".into(), create.name.clone().into());
        let document = Value::Object(document);
        let answer = self.engine.call(Call::post("/volumes/create", Some(&document))).await?;
        if answer.status == StatusCode::CONFLICT {
            return Err(Failure::Exists { name: create.name.clone() });
        }
        let shown = answer.ok(&self.name)?.json()?;
        let labels = &shown["Labels"];
        match labels::marks(labels) {
            Some(marks) if marks == create.marks => {}
            Some(marks) if marks.owner == create.marks.owner => {
                return Err(Failure::Exists { name: create.name.clone() });
            }
            _ => {
                let whose = labels::whose(labels);
                return Err(Failure::Foreign { name: create.name.clone(), whose });
            }
        }
        self.observer().volume(shown).ok_or_else(|| self.malformed(VOLUME))
    }

    pub(crate) async fn inspect_volume(&self, name: &str) -> Result<Option<Value>, Failure> {
        self.inspect(&format!("/volumes/{}", escape(name))).await
    }

    /// Removes a volume with all that is in it. While containers have it the engine refuses, and
    /// they are named.
    pub(crate) async fn delete_volume(&self, id: &NativeId) -> Result<(), Failure> {
        let path = format!("/volumes/{}", escape(&id.0));
        let answer = self.engine.call(Call::delete(&path)).await?;
        match answer.status {
            StatusCode::NOT_FOUND => Ok(()),
            StatusCode::CONFLICT => {
                let volume = self.inspect_volume(&id.0).await?.unwrap_or_default();
                let users = self.users("volume", &id.0, &volume["Labels"]).await?;
                let says = format!("volume {} is used by {users}", id.0);
                Err(Failure::Busy { says, retry_after: None })
            }
            _ => answer.ok(&self.name).map(drop),
        }
    }
}
