//! Networks of an engine.

use coc_cloud::Failure;
use coc_cloud::cloud::Create;
use coc_model::resource::{NativeId, ObservedResource};
use hyper::StatusCode;
use serde_json::Value;

use crate::driver::Docker;
use crate::engine::{Call, escape};
use crate::fingerprint::Fingerprint;
use crate::version::ApiVersion;
use crate::{NETWORK, labels};

/// Before this version, two networks could have one name unless the request forbade it.
const NAMES_ARE_UNIQUE: ApiVersion = ApiVersion::one(44);

impl Docker {
    pub(crate) async fn create_network(
        &self,
        create: &Create,
    ) -> Result<ObservedResource, Failure> {
        let mut document = self.checked(NETWORK, &create.native).await?;
        let fields = Fingerprint::of(&create.native).write();
        labels::write(&mut document, &create.marks, &create.spec, &fields);
        document.insert("Name".into(), create.name.clone().into());
        if self.engine.version().await? < NAMES_ARE_UNIQUE {
            document.insert("CheckDuplicate".into(), true.into());
        }
        let document = Value::Object(document);
        let answer = self.engine.call(Call::post("/networks/create", Some(&document))).await?;
        if answer.status == StatusCode::CONFLICT {
            return Err(Failure::Exists { name: create.name.clone() });
        }
        let made = answer.ok(&self.name)?.json()?;
        let Some(id) = made["Id"].as_str() else {
            return Err(Failure::Lost("the answer names no network".into()));
        };
        let shown = self.inspect_network(id).await?.unwrap_or_default();
        self.observer().network(shown).ok_or_else(|| self.malformed(NETWORK))
    }

    pub(crate) async fn inspect_network(&self, id: &str) -> Result<Option<Value>, Failure> {
        self.inspect(&format!("/networks/{}", escape(id))).await
    }

    /// Removes a network. While containers are connected the engine refuses, and they are named.
    pub(crate) async fn delete_network(&self, id: &NativeId) -> Result<(), Failure> {
        let path = format!("/networks/{}", escape(&id.0));
        let answer = self.engine.call(Call::delete(&path)).await?;
        match answer.status {
            StatusCode::NOT_FOUND => Ok(()),
            StatusCode::FORBIDDEN if answer.says().contains("active endpoints") => {
                let network = self.inspect_network(&id.0).await?.unwrap_or_default();
                let users = self.users("network", &id.0, &network["Labels"]).await?;
                let name = network["Name"].as_str().unwrap_or(&id.0);
                let says = format!("network {name} is used by {users}");
                Err(Failure::Busy { says, retry_after: None })
            }
            _ => answer.ok(&self.name).map(drop),
        }
    }

    /// The containers that use a network or volume, in words; those that are not of the same
    /// owner are said to be foreign.
    pub(crate) async fn users(
        &self,
        filter: &str,
        of: &str,
        labels: &Value,
    ) -> Result<String, Failure> {
        let owner = labels::read(labels, "coc-owner");
        let listed = self.listed("/containers/json?all=true", filter, &[of.to_owned()]).await?;
        let mut users: Vec<String> = listed
            .iter()
            .filter_map(|container| {
                let name = container["Names"][0].as_str()?.trim_start_matches('/');
                let foreign = labels::read(&container["Labels"], "coc-owner") != owner;
                let whose = labels::whose(&container["Labels"]);
                Some(if foreign { format!("{name} (foreign: {whose})") } else { name.to_owned() })
            })
            .collect();
        users.sort();
        if users.is_empty() {
            return Ok("something that no list of containers shows".to_owned());
        }
        Ok(users.join(", "))
    }
}
