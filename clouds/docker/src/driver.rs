//! The driver: the port's verbs in terms of an engine's calls.

use async_trait::async_trait;
use coc_cloud::cloud::{
    Ask, Create, Description, FindBy, Listing, Market, Selector, TypeDescription, Update,
};
use coc_cloud::drift::Difference;
use coc_cloud::{Cloud, Failure};
use coc_model::marks::Mark;
use coc_model::mistake::{Mistake, MistakeLog, Mistakes, closest};
use coc_model::money::Rate;
use coc_model::place::Place;
use coc_model::plan::PlannedResource;
use coc_model::resource::{NativeId, ObservedResource};
use futures::stream::BoxStream;
use hyper::StatusCode;
use serde_json::{Map, Value, json};
use std::sync::Arc;

use crate::endpoint::Endpoint;
use crate::engine::{Call, Engine, Patience, escape};
use crate::observe::{Observer, needs_inspection};
use crate::{CONTAINER, NETWORK, VOLUME, drift, events, fields, market, resolve, verbs};

/// A Docker Engine as a cloud: one machine that is there and runs containers.
pub struct Docker {
    pub(crate) name: String,
    pub(crate) place: Place,
    /// What the machine costs, where its owner says so.
    pub(crate) host_price: Option<Rate>,
    /// Where published ports are reached.
    pub(crate) address: String,
    pub(crate) engine: Arc<Engine>,
}

/// The settings of a mount that this driver knows.
const SETTINGS: [&str; 1] = ["address"];

impl Docker {
    /// Mounts an engine: `endpoint` is `unix:///PATH` (`/var/run/docker.sock` if none is said) or
    /// `tcp://HOST:PORT`, with TLS if there are `credentials` (a folder with `ca.pem`, `cert.pem`
    /// and `key.pem`, or `env` for the folder in `DOCKER_CERT_PATH`). The setting `address` is
    /// where published ports are reached, if that is not the endpoint's host. No call is made.
    ///
    /// # Errors
    /// Every mistake of the mount, at its place.
    pub fn mount(cloud: &coc_model::cloud::Cloud) -> Result<Self, Mistakes> {
        let mut log = MistakeLog::new();
        let mistake = |says: String| Mistake::at(cloud.at.clone(), says);
        for (key, value) in &cloud.settings {
            if !SETTINGS.contains(&key.as_str()) {
                let wrong = mistake(format!("a docker cloud has no setting \"{key}\""));
                log.push(match closest(key, SETTINGS) {
                    Some(known) => wrong.hint(format!("did you mean \"{known}\"?")),
                    None => wrong.hint(format!("known settings: {}", SETTINGS.join(", "))),
                });
            } else if !value.is_string() {
                log.push(mistake(format!("setting \"{key}\" of cloud {} is no text", cloud.name)));
            }
        }
        if !cloud.regions.is_empty() {
            log.push(
                mistake(format!("docker cloud {} has no regions to choose from", cloud.name))
                    .hint("say where it is: place: {area: EU, country: DE}"),
            );
        }
        let endpoint = match Endpoint::of(cloud) {
            Ok(endpoint) => Some(endpoint),
            Err(mistakes) => {
                log.extend(mistakes);
                None
            }
        };
        let Some(endpoint) = log.finish(endpoint)? else {
            return Err(mistake("no endpoint".to_owned()).into());
        };
        let stated = cloud.settings.get("address").and_then(Value::as_str);
        let address = stated.or(endpoint.host()).unwrap_or("127.0.0.1").to_owned();
        Ok(Self {
            name: cloud.name.clone(),
            place: cloud.place.clone(),
            host_price: cloud.prices.host,
            address,
            engine: Arc::new(Engine::new(
                cloud.name.clone(),
                endpoint,
                Patience::default(),
                cloud.read_only,
            )),
        })
    }

    /// The same, waiting otherwise for the engine. To be called before the first use.
    #[must_use]
    pub fn with_patience(mut self, patience: Patience) -> Self {
        let old = &self.engine;
        let (cloud, endpoint) = (old.cloud.clone(), old.endpoint.clone());
        self.engine = Arc::new(Engine::new(cloud, endpoint, patience, old.read_only));
        self
    }

    pub(crate) fn observer(&self) -> Observer<'_> {
        Observer { cloud: &self.name, address: &self.address }
    }

    /// A native document as the object it has to be, with no field that this engine would ignore.
    pub(crate) async fn checked(
        &self,
        resource_type: &str,
        document: &Value,
    ) -> Result<Map<String, Value>, Failure> {
        let Value::Object(fields) = document else {
            return Err(Failure::Invalid(format!(
                "the document of a {resource_type} is no object"
            )));
        };
        let version = self.engine.version().await?;
        let unknown = fields::unknown_to(version, resource_type, document);
        if !unknown.is_empty() {
            let says = format!(
                "this engine speaks API {version} and would ignore: {}",
                unknown.join("; ")
            );
            return Err(Failure::Invalid(says));
        }
        Ok(fields.clone())
    }

    /// What an engine shows at a path; `None` for 404.
    pub(crate) async fn inspect(&self, path: &str) -> Result<Option<Value>, Failure> {
        let answer = self.engine.call(Call::get(path)).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        answer.ok(&self.name)?.json().map(Some)
    }

    /// The items of a list that pass a filter.
    pub(crate) async fn listed(
        &self,
        path: &str,
        filter: &str,
        values: &[String],
    ) -> Result<Vec<Value>, Failure> {
        let filters = escape(&json!({filter: values}).to_string());
        let sign = if path.contains('?') { '&' } else { '?' };
        let path = format!("{path}{sign}filters={filters}");
        let shown = self.engine.call(Call::get(&path)).await?.ok(&self.name)?.json()?;
        match shown {
            Value::Array(items) => Ok(items),
            Value::Object(mut object) => match object.remove("Volumes") {
                Some(Value::Array(volumes)) => Ok(volumes),
                Some(Value::Null) => Ok(Vec::new()),
                _ => Err(self.malformed("list")),
            },
            _ => Err(self.malformed("list")),
        }
    }

    pub(crate) fn malformed(&self, what: &str) -> Failure {
        Failure::Failed {
            code: "no-engine".into(),
            says: format!("{} answered with something that is no {what}", self.engine.endpoint),
        }
    }

    async fn list_containers(&self, labels: &[String]) -> Result<Vec<ObservedResource>, Failure> {
        let mut resources = Vec::new();
        for shown in self.listed("/containers/json?all=true", "label", labels).await? {
            let whole = match shown["Id"].as_str() {
                Some(id) if needs_inspection(&shown) => self.inspect_container(id).await?,
                _ => None,
            };
            let resource = match whole {
                Some(whole) => self.observer().container(whole),
                None => self.observer().listed_container(shown),
            };
            resources.push(resource.ok_or_else(|| self.malformed(CONTAINER))?);
        }
        Ok(resources)
    }

    async fn list_networks(&self, labels: &[String]) -> Result<Vec<ObservedResource>, Failure> {
        let shown = self.listed("/networks", "label", labels).await?;
        let resources = shown.into_iter().map(|n| self.observer().network(n));
        resources.collect::<Option<_>>().ok_or_else(|| self.malformed(NETWORK))
    }

    async fn list_volumes(&self, labels: &[String]) -> Result<Vec<ObservedResource>, Failure> {
        let shown = self.listed("/volumes", "label", labels).await?;
        let resources = shown.into_iter().map(|v| self.observer().volume(v));
        resources.collect::<Option<_>>().ok_or_else(|| self.malformed(VOLUME))
    }

    /// All resources of a type that bear a label.
    async fn list_type(
        &self,
        resource_type: &str,
        labels: &[String],
    ) -> Result<Vec<ObservedResource>, Failure> {
        match resource_type {
            CONTAINER => self.list_containers(labels).await,
            NETWORK => self.list_networks(labels).await,
            VOLUME => self.list_volumes(labels).await,
            other => Err(unknown_type(other)),
        }
    }

    /// One resource by its id or name, as inspected.
    async fn look_up(
        &self,
        resource_type: &str,
        id: &str,
    ) -> Result<Option<ObservedResource>, Failure> {
        let shown = match resource_type {
            CONTAINER => self.inspect_container(id).await?,
            NETWORK => self.inspect_network(id).await?,
            VOLUME => self.inspect_volume(id).await?,
            other => return Err(unknown_type(other)),
        };
        let Some(shown) = shown else { return Ok(None) };
        let seen = match resource_type {
            CONTAINER => self.observer().container(shown),
            NETWORK => self.observer().network(shown),
            _ => self.observer().volume(shown),
        };
        seen.map(Some).ok_or_else(|| self.malformed(resource_type))
    }
}

/// The failure for a type that an engine does not have.
pub(crate) fn unknown_type(resource_type: &str) -> Failure {
    let types = [CONTAINER, NETWORK, VOLUME];
    let known = match closest(resource_type, types) {
        Some(meant) => format!("did you mean {meant}?"),
        None => format!("it has {}", types.join(", ")),
    };
    Failure::Invalid(format!("a docker cloud has no type \"{resource_type}\"; {known}"))
}

/// When a resource was made, as a text that sorts by time: the seconds, and the fraction with all
/// its digits, which engines cut short.
fn made_at(resource: &ObservedResource) -> (String, String) {
    let native = &resource.native;
    let text = native["Created"].as_str().or_else(|| native["CreatedAt"].as_str());
    let text = text.unwrap_or_default();
    let seconds: String = text.chars().take(19).collect();
    let fraction: String =
        text.chars().skip(20).take_while(char::is_ascii_digit).chain("000000000".chars()).collect();
    (seconds, fraction.chars().take(9).collect())
}

fn label(key: &str, mark: &Mark) -> String {
    format!("{key}={mark}")
}

#[async_trait]
impl Cloud for Docker {
    fn name(&self) -> &str {
        &self.name
    }

    fn describe(&self) -> Description {
        let of_type =
            |holds_data| TypeDescription { unique_name: true, name_limit: 63, holds_data };
        Description {
            driver: "docker",
            abilities: [
                ("drift", ""),
                ("limit.calls-in-flight", "8"),
                ("marks.fixed", ""),
                ("marks.labels", ""),
                ("poll.milliseconds", "200"),
                ("watch", ""),
            ]
            .into_iter()
            .map(|(ability, parameter)| (ability, parameter.to_owned()))
            .collect(),
            types: [
                (CONTAINER, of_type(false)),
                (NETWORK, of_type(false)),
                (VOLUME, of_type(true)),
            ]
            .into(),
        }
    }

    async fn market(&self) -> Result<Market, Failure> {
        let info = self.engine.call(Call::get("/info")).await?.ok(&self.name)?.json()?;
        Ok(market::of(self, &info))
    }

    async fn list(&self, selector: &Selector) -> Result<Listing, Failure> {
        let mut labels = vec![label("coc-owner", &selector.owner)];
        labels.extend(selector.app.as_ref().map(|app| label("coc-app", app)));
        let parts = futures::join!(
            self.list_networks(&labels),
            self.list_volumes(&labels),
            self.list_containers(&labels),
        );
        let mut listing = Listing { resources: Vec::new(), complete: true };
        let mut failure = None;
        let mut read = false;
        for part in [parts.0, parts.1, parts.2] {
            match part {
                Ok(resources) => {
                    read = true;
                    listing.resources.extend(resources);
                }
                Err(e) => {
                    tracing::warn!(cloud = %self.name, "a part could not be listed: {e}");
                    listing.complete = false;
                    failure.get_or_insert(e);
                }
            }
        }
        match failure {
            Some(failure) if !read => Err(failure),
            _ => Ok(listing),
        }
    }

    async fn find(
        &self,
        resource_type: &str,
        by: &FindBy,
    ) -> Result<Vec<ObservedResource>, Failure> {
        let candidates: Vec<String> = match by {
            FindBy::Id(id) => vec![id.0.clone()],
            FindBy::Name(name) if resource_type == NETWORK => {
                // The engine's filter finds parts of names too; only the list tells of doubles.
                let listed = self.listed("/networks", "name", std::slice::from_ref(name)).await?;
                listed
                    .iter()
                    .filter(|network| network["Name"] == name.as_str())
                    .filter_map(|network| network["Id"].as_str().map(str::to_owned))
                    .collect()
            }
            FindBy::Name(name) => vec![name.clone()],
            FindBy::Operation(op) => {
                let listed = self.list_type(resource_type, &[label("coc-op", op)]).await?;
                listed.into_iter().map(|r| r.native_id.0).collect()
            }
        };
        let mut found = Vec::new();
        for id in candidates {
            found.extend(self.look_up(resource_type, &id).await?);
        }
        // An engine takes the beginning of an id for the id, and an id for a name.
        found.retain(|resource| match by {
            FindBy::Id(id) => resource.native_id == *id,
            FindBy::Name(name) => resource.name == *name,
            FindBy::Operation(op) => resource.marks.as_ref().is_some_and(|m| m.op == *op),
        });
        found.sort_by_key(made_at);
        Ok(found)
    }

    async fn create(&self, create: &Create) -> Result<ObservedResource, Failure> {
        match create.resource_type.as_str() {
            CONTAINER => self.create_container(create).await,
            NETWORK => self.create_network(create).await,
            VOLUME => self.create_volume(create).await,
            other => Err(unknown_type(other)),
        }
    }

    async fn update(&self, update: &Update) -> Result<ObservedResource, Failure> {
        match update.resource_type.as_str() {
            CONTAINER => self.update_container(update).await,
            NETWORK | VOLUME => self.keep_plain(update).await,
            other => Err(unknown_type(other)),
        }
    }

    async fn delete(&self, resource_type: &str, id: &NativeId) -> Result<(), Failure> {
        match resource_type {
            CONTAINER => self.delete_container(id).await,
            NETWORK => self.delete_network(id).await,
            VOLUME => self.delete_volume(id).await,
            other => Err(unknown_type(other)),
        }
    }

    async fn act(
        &self,
        resource_type: &str,
        id: &NativeId,
        verb: &str,
        body: &Value,
    ) -> Result<Value, Failure> {
        verbs::act(self, resource_type, id, verb, body).await
    }

    fn watch(&self) -> BoxStream<'static, ()> {
        events::wakes(&self.engine)
    }

    fn resolve(&self, ask: &Ask<'_>) -> Result<Vec<PlannedResource>, Mistakes> {
        resolve::resolve(&self.name, ask)
    }

    /// Containers have to be inspected for this: what a list shows of one tells nothing.
    fn drift(&self, sent: &Value, seen: &ObservedResource) -> Option<Vec<Difference>> {
        let differences = match seen.resource_type.as_str() {
            CONTAINER if !seen.native["State"].is_object() => return None,
            CONTAINER => drift::of_container(sent, &seen.native),
            NETWORK | VOLUME => drift::of_plain(sent, &seen.native),
            _ => return None,
        };
        let comparable = differences.into_iter().filter(|d| !d.holds_placeholder());
        Some(comparable.map(drift::Difference::told).collect())
    }
}

impl Docker {
    /// Networks and volumes can't be changed at all: one that is as wanted stays, with any other
    /// the fields are named.
    async fn keep_plain(&self, update: &Update) -> Result<ObservedResource, Failure> {
        self.checked(&update.resource_type, &update.native).await?;
        let Some(mut seen) = self.look_up(&update.resource_type, &update.id.0).await? else {
            let says = format!("there is no {} {}", update.resource_type, update.id.0);
            return Err(Failure::Failed { code: "404".into(), says });
        };
        let stuck: Vec<String> = drift::of_plain(&update.native, &seen.native)
            .into_iter()
            .map(|difference| difference.field)
            .collect();
        if !stuck.is_empty() {
            return Err(Failure::Immutable(stuck.join(", ")));
        }
        seen.spec = Some(update.spec.clone());
        Ok(seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use coc_model::resource::State;

    #[test]
    fn the_older_sorts_first_whatever_digits_the_engine_writes() {
        let at = |time: &str| ObservedResource {
            cloud: "c".into(),
            resource_type: NETWORK.into(),
            native_id: NativeId("1".into()),
            name: "n".into(),
            marks: None,
            spec: None,
            state: State::Running,
            addresses: vec![],
            native: json!({"Created": time}),
        };
        let mut times = [
            "2026-01-02T03:04:05.7Z",
            "2026-01-02T03:04:05.695153363Z",
            "2026-01-02T03:04:06Z",
            "2026-01-02T03:04:05Z",
        ];
        times.sort_by_key(|t| made_at(&at(t)));
        assert_eq!(
            times,
            [
                "2026-01-02T03:04:05Z",
                "2026-01-02T03:04:05.695153363Z",
                "2026-01-02T03:04:05.7Z",
                "2026-01-02T03:04:06Z",
            ]
        );
    }

    #[test]
    fn a_wrong_type_is_told_with_the_right_one() {
        let says = |t: &str| unknown_type(t).to_string();
        assert!(says("docker.contaner").ends_with("did you mean docker.container?"));
        assert!(says("x").ends_with("it has docker.container, docker.network, docker.volume"));
    }
}
