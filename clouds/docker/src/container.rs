//! Containers: made and started, changed in place where an engine can, stopped and removed.

use std::time::Duration;

use coc_cloud::Failure;
use coc_cloud::cloud::{Create, Update};
use coc_model::resource::{NativeId, ObservedResource};
use hyper::StatusCode;
use serde_json::Value;

use crate::drift::{self, variables_changed};
use crate::driver::Docker;
use crate::engine::{Call, escape};
use crate::fingerprint::Fingerprint;
use crate::limits;
use crate::{CONTAINER, files, image, labels};

/// The time an engine gives a container to stop, if the container says nothing of it.
const DEFAULT_GRACE: Duration = Duration::from_secs(10);

impl Docker {
    /// Makes a container, gives it its files and starts it. All calls belong to one operation: if
    /// the first was already done for the same operation, the others make up for it.
    pub(crate) async fn create_container(
        &self,
        create: &Create,
    ) -> Result<ObservedResource, Failure> {
        let mut document = self.checked(CONTAINER, &create.native).await?;
        let files = files::take(&mut document);
        let fields = Fingerprint::of(&create.native).write();
        labels::write(&mut document, &create.marks, &create.spec, &fields);
        let document = Value::Object(document);
        let path = format!("/containers/create?name={}", escape(&create.name));
        let secret = values_of_variables(&create.native);

        let mut answer = self.engine.call(Call::post(&path, Some(&document))).await?;
        if answer.status == StatusCode::NOT_FOUND && answer.says().contains("No such image") {
            image::pull(&self.engine, &create.native["Image"]).await?;
            answer = self.engine.call(Call::post(&path, Some(&document))).await?;
        }
        let id = if answer.status == StatusCode::CONFLICT {
            self.half_made(create).await?
        } else {
            let made = answer.without(&secret).ok(&self.name)?.json()?;
            for warning in made["Warnings"].as_array().into_iter().flatten() {
                let says = warning.as_str().unwrap_or_default();
                tracing::warn!(cloud = %self.name, container = %create.name, "{says}");
            }
            match made["Id"].as_str() {
                Some(id) => id.to_owned(),
                None => return Err(Failure::Lost("the answer names no container".into())),
            }
        };
        self.give_files(&id, &files).await?;
        self.start_container(&id).await?;
        self.seen_container(&id).await
    }

    /// The container that has the name already, if the same operation made it and was cut off
    /// before it was started.
    async fn half_made(&self, create: &Create) -> Result<String, Failure> {
        let exists = Failure::Exists { name: create.name.clone() };
        let shown = self.inspect_container(&create.name).await?.ok_or(exists.clone())?;
        let marks = labels::marks(&shown["Config"]["Labels"]);
        match (marks, shown["Id"].as_str()) {
            (Some(marks), Some(id)) if marks == create.marks => Ok(id.to_owned()),
            _ => Err(exists),
        }
    }

    pub(crate) async fn start_container(&self, id: &str) -> Result<(), Failure> {
        let path = format!("/containers/{}/start", escape(id));
        self.engine.call(Call::post(&path, None)).await?.ok(&self.name)?;
        Ok(())
    }

    /// What an engine shows of a container; `None` if there is none of this id or name.
    pub(crate) async fn inspect_container(&self, id: &str) -> Result<Option<Value>, Failure> {
        self.inspect(&format!("/containers/{}/json", escape(id))).await
    }

    async fn seen_container(&self, id: &str) -> Result<ObservedResource, Failure> {
        let shown = self.inspect_container(id).await?.ok_or_else(|| gone(id))?;
        self.observer().container(shown).ok_or_else(|| self.malformed(CONTAINER))
    }

    /// Changes what can be changed in place, and starts a container that was made and never
    /// started.
    pub(crate) async fn update_container(
        &self,
        update: &Update,
    ) -> Result<ObservedResource, Failure> {
        let id = &update.id.0;
        self.checked(CONTAINER, &update.native).await?;
        let shown = self.inspect_container(id).await?.ok_or_else(|| gone(id))?;
        let mut stuck: Vec<String> = drift::of_container(&update.native, &shown)
            .into_iter()
            .filter(|difference| !difference.in_place)
            .map(|difference| difference.field)
            .collect();
        stuck.extend(variables_changed(&update.native, &shown).iter().map(|v| format!("Env {v}")));
        let body = match limits::update(&update.native["HostConfig"], &shown["HostConfig"]) {
            Ok(body) => body,
            Err(limits) => {
                stuck.extend(limits.iter().map(|l| format!("HostConfig.{l} (taking it away)")));
                None
            }
        };
        if !stuck.is_empty() {
            return Err(Failure::Immutable(stuck.join(", ")));
        }
        if let Some(body) = body {
            let path = format!("/containers/{}/update", escape(id));
            self.engine.call(Call::post(&path, Some(&body))).await?.ok(&self.name)?;
        }
        if shown["State"]["Status"] == "created" {
            self.give_files(id, files::of(&update.native)).await?;
            self.start_container(id).await?;
        }
        let mut seen = self.seen_container(id).await?;
        seen.spec = Some(update.spec.clone());
        Ok(seen)
    }

    /// Stops a container, giving it its grace, and removes it with its nameless volumes, which
    /// nothing else can use.
    pub(crate) async fn delete_container(&self, id: &NativeId) -> Result<(), Failure> {
        let Some(shown) = self.inspect_container(&id.0).await? else { return Ok(()) };
        self.stop_container(&id.0, &shown).await?;
        let path = format!("/containers/{}?v=true", escape(&id.0));
        let answer = self.engine.call(Call::delete(&path)).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(());
        }
        answer.ok(&self.name).map(drop)
    }

    /// Stops a container that was just inspected. One that is stopped or gone is no failure.
    pub(crate) async fn stop_container(&self, id: &str, shown: &Value) -> Result<(), Failure> {
        let grace =
            shown["Config"]["StopTimeout"].as_u64().map_or(DEFAULT_GRACE, Duration::from_secs);
        let path = format!("/containers/{}/stop", escape(id));
        let answer = self.engine.call(Call::post(&path, None).taking(grace)).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(());
        }
        answer.ok(&self.name).map(drop)
    }
}

fn gone(id: &str) -> Failure {
    Failure::Failed { code: "404".into(), says: format!("there is no container {id}") }
}

/// The values of a document's variables, to be kept out of messages.
fn values_of_variables(document: &Value) -> Vec<&str> {
    let variables = document["Env"].as_array().into_iter().flatten();
    variables.filter_map(|v| v.as_str()?.split_once('=').map(|(_, value)| value)).collect()
}
