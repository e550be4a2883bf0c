//! Keys that change nothing in a plan and are kept for the Docker Engine, in the words of its API
//! (the body of `POST /containers/create`).

use serde_json::{Map, Value};

use super::quantity;
use super::scalar::passed_on;
use super::service::ServiceReading;
use super::values::{Pair, text_nodes};
use crate::tree::Node;

/// How the value of a carried key is read and written.
#[derive(Clone, Copy)]
enum Form {
    /// True or false.
    Flag,
    /// A whole number in a range.
    Integer(i64, i64),
    /// A number of bytes.
    Bytes,
    /// A number of bytes, or -1 for no limit.
    BytesOrNoLimit,
    /// A time, in microseconds; a bare number counts them.
    Microseconds,
    /// A time, in seconds rounded up.
    Seconds,
    /// A text.
    Text,
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// A list of texts, or one text.
    Texts,
    /// A list of texts and numbers.
    Names,
    /// Texts by name.
    Pairs,
}

/// The keys, the fields that they become, and their forms.
const CARRIED: &[(&str, &[&str], Form)] = &[
    ("annotations", &["HostConfig", "Annotations"], Form::Pairs),
    ("cap_add", &["HostConfig", "CapAdd"], Form::Texts),
    ("cap_drop", &["HostConfig", "CapDrop"], Form::Texts),
    ("cgroup", &["HostConfig", "CgroupnsMode"], Form::OneOf(&["host", "private"])),
    ("cgroup_parent", &["HostConfig", "CgroupParent"], Form::Text),
    ("cpu_percent", &["HostConfig", "CpuPercent"], Form::Integer(0, 100)),
    ("cpu_rt_period", &["HostConfig", "CpuRealtimePeriod"], Form::Microseconds),
    ("cpu_rt_runtime", &["HostConfig", "CpuRealtimeRuntime"], Form::Microseconds),
    ("cpu_shares", &["HostConfig", "CpuShares"], Form::Integer(0, i64::MAX)),
    ("cpuset", &["HostConfig", "CpusetCpus"], Form::Text),
    ("device_cgroup_rules", &["HostConfig", "DeviceCgroupRules"], Form::Texts),
    ("dns", &["HostConfig", "Dns"], Form::Texts),
    ("dns_opt", &["HostConfig", "DnsOptions"], Form::Texts),
    ("dns_search", &["HostConfig", "DnsSearch"], Form::Texts),
    ("domainname", &["Domainname"], Form::Text),
    ("group_add", &["HostConfig", "GroupAdd"], Form::Names),
    ("init", &["HostConfig", "Init"], Form::Flag),
    ("isolation", &["HostConfig", "Isolation"], Form::Text),
    ("mac_address", &["MacAddress"], Form::Text),
    ("mem_swappiness", &["HostConfig", "MemorySwappiness"], Form::Integer(-1, 100)),
    ("memswap_limit", &["HostConfig", "MemorySwap"], Form::BytesOrNoLimit),
    ("oom_kill_disable", &["HostConfig", "OomKillDisable"], Form::Flag),
    ("oom_score_adj", &["HostConfig", "OomScoreAdj"], Form::Integer(-1000, 1000)),
    ("privileged", &["HostConfig", "Privileged"], Form::Flag),
    ("read_only", &["HostConfig", "ReadonlyRootfs"], Form::Flag),
    ("runtime", &["HostConfig", "Runtime"], Form::Text),
    ("security_opt", &["HostConfig", "SecurityOpt"], Form::Texts),
    ("shm_size", &["HostConfig", "ShmSize"], Form::Bytes),
    ("stdin_open", &["OpenStdin"], Form::Flag),
    ("stop_grace_period", &["StopTimeout"], Form::Seconds),
    ("stop_signal", &["StopSignal"], Form::Text),
    ("storage_opt", &["HostConfig", "StorageOpt"], Form::Pairs),
    ("sysctls", &["HostConfig", "Sysctls"], Form::Pairs),
    ("tty", &["Tty"], Form::Flag),
    ("userns_mode", &["HostConfig", "UsernsMode"], Form::Text),
    ("uts", &["HostConfig", "UTSMode"], Form::Text),
];

/// The carried keys.
pub(super) fn keys() -> impl Iterator<Item = &'static str> {
    CARRIED.iter().map(|(key, _, _)| *key)
}

/// True for a carried key.
pub(super) fn is_carried(key: &str) -> bool {
    keys().any(|carried| carried == key)
}

/// Keeps the value of a carried key.
pub(super) fn read(service: &mut ServiceReading<'_, '_>, key: &str, node: &Node) {
    let Some((_, field, form)) = CARRIED.iter().find(|(carried, _, _)| *carried == key) else {
        return;
    };
    match value(service, key, node, *form) {
        // Another key may have put items into the same list.
        Some(Value::Array(items)) => {
            items.into_iter().for_each(|item| service.docker.push(field, item));
        }
        Some(value) => service.docker.put(field, value),
        None => {}
    }
}

fn value(
    service: &mut ServiceReading<'_, '_>,
    key: &str,
    node: &Node,
    form: Form,
) -> Option<Value> {
    let reading = &mut *service.reading;
    match form {
        Form::Flag => reading.flag(node).map(Value::from),
        Form::Integer(least, most) => reading.integer(node, least..=most).map(Value::from),
        Form::Bytes => reading.bytes(node).map(|bytes| Value::from(bytes.0)),
        Form::BytesOrNoLimit => {
            if node.as_scalar().and_then(passed_on).as_deref() == Some("-1") {
                return Some(Value::from(-1));
            }
            reading.bytes(node).map(|bytes| Value::from(bytes.0))
        }
        Form::Microseconds => microseconds(service, node).map(Value::from),
        Form::Seconds => reading.time(node).map(|time| Value::from(time.0.div_ceil(1_000_000))),
        Form::Text => reading.text(node).map(Value::from),
        Form::OneOf(texts) => {
            let text = reading.text(node)?;
            if !texts.contains(&text.as_str()) {
                reading.wrong(node, &texts.join(" or "));
            }
            Some(Value::from(text))
        }
        Form::Texts => {
            let texts = text_nodes(node, reading).into_iter();
            Some(texts.map(|(text, _)| Value::from(text)).collect())
        }
        Form::Names => {
            let items = reading.items(node, "a list");
            Some(
                items
                    .iter()
                    .filter_map(|item| reading.text_or_number(item))
                    .map(Value::from)
                    .collect(),
            )
        }
        Form::Pairs => {
            let pairs = reading.pairs(node);
            Some(object(service, key, pairs))
        }
    }
}

/// A number of microseconds, or a time.
pub(super) fn microseconds(service: &mut ServiceReading<'_, '_>, node: &Node) -> Option<i64> {
    let bare = node.as_scalar().and_then(|s| s.text.parse::<i64>().ok());
    let time = node.as_scalar().and_then(|s| quantity::time(&s.text));
    let micros = bare.or_else(|| time.and_then(|time| i64::try_from(time.0).ok()));
    if micros.is_none() {
        service.reading.wrong(node, "a number of microseconds, or a time like 50ms");
    }
    micros
}

/// Pairs as an object, the surprises among them noted; no value is the empty one.
pub(super) fn object(service: &mut ServiceReading<'_, '_>, key: &str, pairs: Vec<Pair>) -> Value {
    let mut object = Map::new();
    for pair in pairs {
        if let Some(note) = &pair.note {
            service.notes.add(&format!("{key}.{}", pair.name), &pair.at, note);
        }
        object.insert(pair.name.to_string(), Value::from(pair.value.unwrap_or_default()));
    }
    Value::Object(object)
}
