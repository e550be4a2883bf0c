//! From what an engine shows to resources as they are seen.

use std::collections::BTreeSet;

use coc_model::resource::{NativeId, ObservedResource, State};
use serde_json::Value;

use crate::files::FILES;
use crate::fingerprint::{Fingerprint, hash};
use crate::labels;
use crate::limits::{self, RESTART, UPDATABLE};
use crate::{CONTAINER, NETWORK, VOLUME};

/// Who looks: what is the same for all resources of a mount.
#[derive(Clone, Copy)]
pub(crate) struct Observer<'a> {
    /// The mount's name.
    pub cloud: &'a str,
    /// Where ports that are published on all addresses are reached.
    pub address: &'a str,
}

impl Observer<'_> {
    /// A container as inspected; `None` if that is no container. What may hold secrets is taken
    /// out.
    pub(crate) fn container(self, mut shown: Value) -> Option<ObservedResource> {
        withhold(&mut shown);
        let labels = &shown["Config"]["Labels"];
        let name = shown["Name"].as_str()?.trim_start_matches('/').to_owned();
        let id = shown["Id"].as_str()?.to_owned();
        let mut resource = self.resource(CONTAINER, id, name, labels, Value::Null);
        resource.spec = spec_in_force(&shown);
        resource.state = container_state(&shown);
        resource.addresses = self.addresses(&shown);
        resource.native = shown;
        Some(resource)
    }

    /// A container as listed; `None` if that is no container.
    pub(crate) fn listed_container(self, mut shown: Value) -> Option<ObservedResource> {
        if labels::read(&shown["Labels"], labels::FIELDS).is_some() {
            withhold_texts(&mut shown["Command"]);
        }
        let name = shown["Names"][0].as_str()?.trim_start_matches('/').to_owned();
        let id = shown["Id"].as_str()?.to_owned();
        let mut resource = self.resource(CONTAINER, id, name, &shown["Labels"], Value::Null);
        resource.state = listed_state(&shown);
        resource.addresses = self.listed_addresses(&shown);
        resource.native = shown;
        Some(resource)
    }

    /// A network, listed or inspected; `None` if that is no network.
    pub(crate) fn network(self, shown: Value) -> Option<ObservedResource> {
        let id = shown["Id"].as_str()?.to_owned();
        let name = shown["Name"].as_str()?.to_owned();
        let labels = shown["Labels"].clone();
        Some(self.resource(NETWORK, id, name, &labels, shown))
    }

    /// A volume, listed or inspected; `None` if that is no volume.
    pub(crate) fn volume(self, shown: Value) -> Option<ObservedResource> {
        let name = shown["Name"].as_str()?.to_owned();
        let labels = shown["Labels"].clone();
        Some(self.resource(VOLUME, name.clone(), name, &labels, shown))
    }

    fn resource(
        self,
        resource_type: &str,
        id: String,
        name: String,
        labels: &Value,
        native: Value,
    ) -> ObservedResource {
        ObservedResource {
            cloud: self.cloud.to_owned(),
            resource_type: resource_type.to_owned(),
            native_id: NativeId(id),
            name,
            marks: labels::marks(labels),
            spec: labels::read(labels, labels::SPEC).map(str::to_owned),
            state: State::Running,
            addresses: Vec::new(),
            native,
        }
    }

    /// Published ports first, then the container's own addresses with the ports it opens.
    fn addresses(self, shown: &Value) -> Vec<String> {
        let mut published = BTreeSet::new();
        for binding in shown["NetworkSettings"]["Ports"]
            .as_object()
            .into_iter()
            .flat_map(|ports| ports.values())
            .flat_map(|bindings| bindings.as_array().into_iter().flatten())
        {
            if let (Some(ip), Some(port)) =
                (binding["HostIp"].as_str(), binding["HostPort"].as_str())
            {
                published.insert(self.reach(ip, port));
            }
        }
        let opened = shown["Config"]["ExposedPorts"].as_object();
        let ports: BTreeSet<&str> =
            opened.into_iter().flat_map(|o| o.keys()).filter_map(|p| p.split('/').next()).collect();
        published.into_iter().chain(inside(&shown["NetworkSettings"], &ports)).collect()
    }

    fn listed_addresses(self, shown: &Value) -> Vec<String> {
        let mut published = BTreeSet::new();
        let mut ports = BTreeSet::new();
        for port in shown["Ports"].as_array().into_iter().flatten() {
            if let (Some(ip), Some(public)) = (port["IP"].as_str(), port["PublicPort"].as_u64()) {
                published.insert(self.reach(ip, &public.to_string()));
            }
            ports.extend(port["PrivatePort"].as_u64().map(|p| p.to_string()));
        }
        let ports = ports.iter().map(String::as_str).collect();
        published.into_iter().chain(inside(&shown["NetworkSettings"], &ports)).collect()
    }

    /// Where a port is reached that is published on this address of the host.
    fn reach(self, ip: &str, port: &str) -> String {
        let host = if matches!(ip, "" | "0.0.0.0" | "::") { self.address } else { ip };
        join(host, port)
    }
}

/// The addresses inside the container's networks, with the ports it opens.
fn inside(settings: &Value, ports: &BTreeSet<&str>) -> BTreeSet<String> {
    let networks = settings["Networks"].as_object();
    let addresses = networks.into_iter().flat_map(|n| n.values());
    addresses
        .filter_map(|network| network["IPAddress"].as_str().filter(|ip| !ip.is_empty()))
        .flat_map(|ip| ports.iter().map(move |port| join(ip, port)))
        .collect()
}

fn join(host: &str, port: &str) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// The spec of a container that was to be given files and was never started: none that a document
/// has, so that it is brought to its document before it is started.
const UNFINISHED: &str = "unfinished";

/// What stands in place of the value of a variable.
pub(crate) const WITHHELD: &str = "***";

/// Takes out of an inspected container what may hold a secret: the values of its environment, and of
/// one that was made here also its words and what its health check wrote. Those of others are needed
/// to compare with; those of ours are compared by their hashes.
fn withhold(shown: &mut Value) {
    let environment = shown.pointer_mut("/Config/Env").and_then(Value::as_array_mut);
    for variable in environment.into_iter().flatten() {
        if let Some((name, _)) = variable.as_str().and_then(|v| v.split_once('=')) {
            *variable = format!("{name}={WITHHELD}").into();
        }
    }
    if labels::read(&shown["Config"]["Labels"], labels::FIELDS).is_none() {
        return;
    }
    for words in [
        "/Path",
        "/Args",
        "/Config/Cmd",
        "/Config/Entrypoint",
        "/Config/Healthcheck/Test",
        "/State/Error",
    ] {
        if let Some(words) = shown.pointer_mut(words) {
            withhold_texts(words);
        }
    }
    let log = shown.pointer_mut("/State/Health/Log").and_then(Value::as_array_mut);
    for written in log.into_iter().flatten().filter_map(|probe| probe.get_mut("Output")) {
        withhold_texts(written);
    }
}

fn withhold_texts(value: &mut Value) {
    match value {
        Value::String(text) if !text.is_empty() => WITHHELD.clone_into(text),
        Value::Array(items) => items.iter_mut().for_each(withhold_texts),
        _ => {}
    }
}

/// The state of an inspected container.
fn container_state(shown: &Value) -> State {
    let state = &shown["State"];
    let exit_code = state["ExitCode"].as_i64();
    match state["Status"].as_str().unwrap_or_default() {
        // An engine could not start it: it says why in `Error`.
        "created" if state["Error"].as_str().is_some_and(|e| !e.is_empty()) => State::Failed,
        "running" => match state["Health"]["Status"].as_str() {
            Some("healthy") => State::Healthy,
            Some("unhealthy") if !check_cannot_run(shown) => State::Unhealthy,
            _ => State::Running,
        },
        "exited" if state["OOMKilled"] == true && exit_code != Some(0) => State::Failed,
        "exited" => ended(exit_code),
        status => other_state(status),
    }
}

/// The state of a listed container, as far as a list tells: of exit code 137 it does not tell
/// whether memory ran out, of a failing check not whether it could be run, and of one that is not
/// started not whether that was tried.
fn listed_state(shown: &Value) -> State {
    let text = shown["Status"].as_str().unwrap_or_default();
    match shown["State"].as_str().unwrap_or_default() {
        "running" if text.ends_with("(healthy)") => State::Healthy,
        "running" if text.ends_with("(unhealthy)") => State::Unhealthy,
        "running" => State::Running,
        "exited" => ended(listed_exit_code(text)),
        status => other_state(status),
    }
}

/// The code in `Exited (137) 2 minutes ago`.
fn listed_exit_code(text: &str) -> Option<i64> {
    text.strip_prefix("Exited (")?.split(')').next()?.parse().ok()
}

/// True if a list does not tell enough of a container's state: it has to be inspected.
pub(crate) fn needs_inspection(shown: &Value) -> bool {
    let text = shown["Status"].as_str().unwrap_or_default();
    let derived = labels::read(&shown["Labels"], labels::DERIVED_PROBE).is_some();
    shown["State"] == "created"
        || listed_exit_code(text) == Some(SIGKILL)
        || (derived && text.ends_with("(unhealthy)"))
}

/// Exit codes of a process that a signal ended.
const SIGKILL: i64 = 128 + 9;
const SIGTERM: i64 = 128 + 15;

/// What the end of a container means. An engine does not tell whether it was asked to stop it; it
/// sends these two signals to do so.
fn ended(exit_code: Option<i64>) -> State {
    match exit_code {
        Some(0) => State::Completed,
        Some(SIGTERM | SIGKILL) => State::Stopped,
        _ => State::Failed,
    }
}

fn other_state(status: &str) -> State {
    match status {
        "restarting" => State::Pending,
        "running" => State::Running,
        // One that was made and never started stays so until somebody starts it: whoever made it
        // may be dead.
        "created" | "paused" => State::Stopped,
        "removing" => State::Removing,
        _ => State::Failed,
    }
}

/// True if the health check is one that we derived from a probe of another kind and the image has
/// nothing to run it with: that says nothing of the service.
fn check_cannot_run(shown: &Value) -> bool {
    /// What a check ends with if its program is not there: the engine's code, and the shell's.
    const NOT_RUN: [i64; 3] = [-1, 126, 127];
    let derived = labels::read(&shown["Config"]["Labels"], labels::DERIVED_PROBE).is_some();
    let last = shown["State"]["Health"]["Log"].as_array().and_then(|log| log.last());
    let code = last.and_then(|probe| probe["ExitCode"].as_i64());
    derived && code.is_some_and(|code| NOT_RUN.contains(&code))
}

/// The hash of the document that an inspected container is as. It bears the one it was born with;
/// after a change in place that holds no more and nothing bears the new one, so there is none, and
/// the fields themselves have to be compared. Only where they can't be (variables that were not
/// planned here) the old one is kept, so that the difference is looked into.
fn spec_in_force(shown: &Value) -> Option<String> {
    let labels = &shown["Config"]["Labels"];
    let spec = labels::read(labels, labels::SPEC)?.to_owned();
    let born = labels::read(labels, labels::FIELDS).and_then(Fingerprint::read)?;
    if shown["State"]["Status"] == "created" && born.get(FILES).is_some() {
        // It may not have its files yet: then it is not what the document says.
        return Some(UNFINISHED.to_owned());
    }
    let as_born = UPDATABLE.into_iter().chain([RESTART]).all(|field| {
        let before = born.get(&format!("HostConfig.{field}"));
        let now = limits::normal(field, &shown["HostConfig"][field]).flatten().map(|v| hash(&v));
        before == now.as_deref() || (field == "MemorySwap" && before.is_none())
    });
    let comparable =
        born.get("Env").is_none() || labels::read(labels, labels::ENVIRONMENT).is_some();
    (as_born || !comparable).then_some(spec)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    const OBSERVER: Observer<'static> = Observer { cloud: "lab", address: "192.0.2.7" };

    fn inspected(state: &Value, labels: &Value) -> Value {
        json!({"Id": "1", "Name": "/c", "State": state, "Config": {"Labels": labels}})
    }

    #[test]
    fn states_are_read_from_an_inspection() {
        let log = |code: i64| json!([{"ExitCode": 0}, {"ExitCode": code}]);
        let sick = |code| json!({"Status": "running", "Health": {"Status": "unhealthy", "Log": log(code)}});
        for (state, labels, read) in [
            (json!({"Status": "created", "Error": ""}), json!({}), State::Stopped),
            (json!({"Status": "created", "Error": "no such port"}), json!({}), State::Failed),
            (json!({"Status": "running"}), json!(null), State::Running),
            (
                json!({"Status": "running", "Health": {"Status": "starting"}}),
                json!({}),
                State::Running,
            ),
            (
                json!({"Status": "running", "Health": {"Status": "healthy"}}),
                json!({}),
                State::Healthy,
            ),
            (sick(1), json!({}), State::Unhealthy),
            (sick(127), json!({}), State::Unhealthy),
            (sick(1), json!({"coc-probe": "http"}), State::Unhealthy),
            (sick(127), json!({"coc-probe": "http"}), State::Running),
            (sick(-1), json!({"coc-probe": "http"}), State::Running),
            (json!({"Status": "paused"}), json!({}), State::Stopped),
            (json!({"Status": "restarting", "ExitCode": 1}), json!({}), State::Pending),
            (json!({"Status": "removing"}), json!({}), State::Removing),
            (
                json!({"Status": "exited", "ExitCode": 0, "OOMKilled": true}),
                json!({}),
                State::Completed,
            ),
            (json!({"Status": "exited", "ExitCode": 3}), json!({}), State::Failed),
            (json!({"Status": "exited", "ExitCode": 143}), json!({}), State::Stopped),
            (json!({"Status": "exited", "ExitCode": 137}), json!({}), State::Stopped),
            (
                json!({"Status": "exited", "ExitCode": 137, "OOMKilled": true}),
                json!({}),
                State::Failed,
            ),
            (json!({"Status": "dead"}), json!({}), State::Failed),
            (json!({}), json!({}), State::Failed),
        ] {
            let resource = OBSERVER.container(inspected(&state, &labels)).unwrap();
            assert_eq!(resource.state, read, "{state}");
        }
    }

    #[test]
    fn states_are_read_from_a_list_as_far_as_it_tells() {
        for (state, status, read, inspect) in [
            ("created", "Created", State::Stopped, true),
            ("running", "Up 3 seconds", State::Running, false),
            ("running", "Up 2 seconds (health: starting)", State::Running, false),
            ("running", "Up About a minute (healthy)", State::Healthy, false),
            ("running", "Up 5 minutes (unhealthy)", State::Unhealthy, true),
            ("paused", "Up 5 minutes (Paused)", State::Stopped, false),
            ("restarting", "Restarting (1) 3 seconds ago", State::Pending, false),
            ("exited", "Exited (0) 2 days ago", State::Completed, false),
            ("exited", "Exited (3) 2 days ago", State::Failed, false),
            ("exited", "Exited (137) 2 days ago", State::Stopped, true),
            ("exited", "odd", State::Failed, false),
        ] {
            let shown = json!({
                "Id": "1", "Names": ["/c"], "State": state, "Status": status,
                "Labels": {"coc-probe": "http"},
            });
            assert_eq!(needs_inspection(&shown), inspect, "{status}");
            assert_eq!(OBSERVER.listed_container(shown).unwrap().state, read, "{status}");
        }
    }

    #[test]
    fn values_of_variables_are_not_kept() {
        let mut shown = inspected(&json!({"Status": "running"}), &json!({}));
        shown["Config"]["Env"] = json!(["PASSWORD=canary=1", "PLAIN"]);
        let resource = OBSERVER.container(shown).unwrap();
        assert_eq!(resource.native["Config"]["Env"], json!(["PASSWORD=***", "PLAIN"]));
    }

    #[test]
    fn published_ports_come_before_addresses_inside() {
        let mut shown = inspected(&json!({"Status": "running"}), &json!({}));
        shown["Config"]["ExposedPorts"] = json!({"8080/tcp": {}, "53/udp": {}});
        shown["NetworkSettings"] = json!({
            "Networks": {"n": {"IPAddress": "172.18.0.2"}, "none": {"IPAddress": ""}},
            "Ports": {
                "53/udp": null,
                "8080/tcp": [
                    {"HostIp": "0.0.0.0", "HostPort": "80"}, {"HostIp": "::", "HostPort": "80"},
                    {"HostIp": "127.0.0.1", "HostPort": "81"}, {"HostIp": "fd00::1", "HostPort": "82"},
                ],
            },
        });
        let inspected = OBSERVER.container(shown).unwrap().addresses;
        let published = ["127.0.0.1:81", "192.0.2.7:80", "[fd00::1]:82"];
        assert_eq!(inspected[..3], published);
        assert_eq!(inspected[3..], ["172.18.0.2:53", "172.18.0.2:8080"]);

        let listed = json!({
            "Id": "1", "Names": ["/c"], "State": "running", "Status": "Up 1 second",
            "Ports": [
                {"IP": "0.0.0.0", "PrivatePort": 8080, "PublicPort": 80, "Type": "tcp"},
                {"PrivatePort": 53, "Type": "udp"},
            ],
            "NetworkSettings": {"Networks": {"n": {"IPAddress": "172.18.0.2"}}},
        });
        let listed = OBSERVER.listed_container(listed).unwrap().addresses;
        assert_eq!(listed, ["192.0.2.7:80", "172.18.0.2:53", "172.18.0.2:8080"]);
    }

    #[test]
    fn the_spec_holds_until_a_change_in_place() {
        let document = json!({
            "Env": ["A=1"],
            "HostConfig": {"NanoCpus": 5, "Memory": 64, "RestartPolicy": {"Name": "no"}},
        });
        let fields = Fingerprint::of(&document).write();
        let planned = json!({"coc-spec": "s", "coc-fields": fields, "coc-env": "e"});
        let unplanned = json!({"coc-spec": "s", "coc-fields": fields});
        let as_born = json!({"NanoCpus": 5, "Memory": 64, "MemorySwap": 128, "CpuShares": 0});
        let changed = json!({"NanoCpus": 6, "Memory": 64, "MemorySwap": 128});
        for (labels, host, spec) in [
            (&planned, &as_born, Some("s")),
            (&planned, &changed, None),
            (&unplanned, &as_born, Some("s")),
            (&unplanned, &changed, Some("s")),
            (&json!({"coc-spec": "s"}), &as_born, None),
            (&json!({}), &as_born, None),
        ] {
            let mut shown = inspected(&json!({"Status": "running"}), labels);
            shown["HostConfig"] = host.clone();
            let resource = OBSERVER.container(shown).unwrap();
            assert_eq!(resource.spec.as_deref(), spec, "{labels} {host}");
        }
    }

    proptest! {
        #[test]
        fn nothing_shown_panics(
            key in "(Id|Name|Names|State|Status|Labels|Config|Ports|NetworkSettings)",
            inner in "(Status|Health|Ports|Networks|Env|Labels|0)",
            text in ".{0,12}",
            number in any::<i64>(),
        ) {
            for leaf in [json!(text), json!(number), json!([text]), json!({inner.as_str(): text}), Value::Null] {
                for shown in [json!({key.as_str(): leaf}), json!({key.as_str(): {inner.as_str(): leaf}}), leaf] {
                    let _ = needs_inspection(&shown);
                    let _ = OBSERVER.listed_container(shown.clone());
                    let _ = OBSERVER.container(shown.clone());
                    let _ = OBSERVER.network(shown.clone());
                    let _ = OBSERVER.volume(shown);
                }
            }
        }
    }
}
