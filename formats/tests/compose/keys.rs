//! Every key of a service has its fate, and carried ones their field.

use std::collections::BTreeMap;

use coc_formats::compose::known_service_keys;
use serde_json::Value;

use crate::{Case, fate, note};

/// Keys whose value is kept for the Engine, and the part of the create request they become.
const CARRIED: &[(&str, &str, &str)] = &[
    ("annotations", "{a: 1}", r#"{"HostConfig":{"Annotations":{"a":"1"}}}"#),
    (
        "blkio_config",
        "{weight: 300, device_read_bps: [{path: /dev/a, rate: 12mb}]}",
        r#"{"HostConfig":{"BlkioWeight":300,"BlkioDeviceReadBps":[{"Path":"/dev/a","Rate":12582912}]}}"#,
    ),
    ("cap_add", "[NET_ADMIN, NET_ADMIN]", r#"{"HostConfig":{"CapAdd":["NET_ADMIN"]}}"#),
    ("cap_drop", "[ALL]", r#"{"HostConfig":{"CapDrop":["ALL"]}}"#),
    ("cgroup", "host", r#"{"HostConfig":{"CgroupnsMode":"host"}}"#),
    ("cgroup_parent", "m", r#"{"HostConfig":{"CgroupParent":"m"}}"#),
    ("cpu_percent", "50", r#"{"HostConfig":{"CpuPercent":50}}"#),
    ("cpu_rt_period", "'1400us'", r#"{"HostConfig":{"CpuRealtimePeriod":1400}}"#),
    ("cpu_rt_runtime", "400", r#"{"HostConfig":{"CpuRealtimeRuntime":400}}"#),
    ("cpu_shares", "73", r#"{"HostConfig":{"CpuShares":73}}"#),
    ("cpuset", "0-3", r#"{"HostConfig":{"CpusetCpus":"0-3"}}"#),
    (
        "credential_spec",
        "{file: c.json}",
        r#"{"HostConfig":{"SecurityOpt":["credentialspec=file://c.json"]}}"#,
    ),
    ("device_cgroup_rules", "['c 1:3 mr']", r#"{"HostConfig":{"DeviceCgroupRules":["c 1:3 mr"]}}"#),
    (
        "devices",
        "['/dev/a', '/dev/b:/dev/c:r', {source: /dev/d, target: /dev/a}]",
        r#"{"HostConfig":{"Devices":[{"PathOnHost":"/dev/d","PathInContainer":"/dev/a","CgroupPermissions":"rwm"},{"PathOnHost":"/dev/b","PathInContainer":"/dev/c","CgroupPermissions":"r"}]}}"#,
    ),
    ("dns", "8.8.8.8", r#"{"HostConfig":{"Dns":["8.8.8.8"]}}"#),
    ("dns_opt", "[use-vc]", r#"{"HostConfig":{"DnsOptions":["use-vc"]}}"#),
    ("dns_search", "[a.example]", r#"{"HostConfig":{"DnsSearch":["a.example"]}}"#),
    ("domainname", "a.example", r#"{"Domainname":"a.example"}"#),
    ("external_links", "['c:x']", r#"{"HostConfig":{"Links":["c:x"]}}"#),
    (
        "extra_hosts",
        "{a: 10.0.0.1, b: ['::1', '10.0.0.2']}",
        r#"{"HostConfig":{"ExtraHosts":["a:10.0.0.1","b:::1","b:10.0.0.2"]}}"#,
    ),
    (
        "extra_hosts",
        "['a=10.0.0.1', 'a:10.0.0.1', 'h:host-gateway']",
        r#"{"HostConfig":{"ExtraHosts":["a:10.0.0.1","h:host-gateway"]}}"#,
    ),
    ("group_add", "[mail, 44]", r#"{"HostConfig":{"GroupAdd":["mail","44"]}}"#),
    ("init", "true", r#"{"HostConfig":{"Init":true}}"#),
    ("ipc", "host", r#"{"HostConfig":{"IpcMode":"host"}}"#),
    ("isolation", "default", r#"{"HostConfig":{"Isolation":"default"}}"#),
    ("labels", "[a=1, b, c=x=y]", r#"{"Labels":{"a":"1","b":"","c":"x=y"}}"#),
    (
        "logging",
        "{driver: json-file, options: {max-file: 2}}",
        r#"{"HostConfig":{"LogConfig":{"Type":"json-file","Config":{"max-file":"2"}}}}"#,
    ),
    ("mac_address", "'02:42:ac:11:65:43'", r#"{"MacAddress":"02:42:ac:11:65:43"}"#),
    ("mem_swappiness", "10", r#"{"HostConfig":{"MemorySwappiness":10}}"#),
    ("memswap_limit", "-1", r#"{"HostConfig":{"MemorySwap":-1}}"#),
    ("network_mode", "host", r#"{"HostConfig":{"NetworkMode":"host"}}"#),
    ("oom_kill_disable", "true", r#"{"HostConfig":{"OomKillDisable":true}}"#),
    ("oom_score_adj", "-500", r#"{"HostConfig":{"OomScoreAdj":-500}}"#),
    ("pid", "host", r#"{"HostConfig":{"PidMode":"host"}}"#),
    ("privileged", "'yes'", r#"{"HostConfig":{"Privileged":true}}"#),
    ("read_only", "true", r#"{"HostConfig":{"ReadonlyRootfs":true}}"#),
    ("runtime", "runsc", r#"{"HostConfig":{"Runtime":"runsc"}}"#),
    (
        "security_opt",
        "['no-new-privileges:true']",
        r#"{"HostConfig":{"SecurityOpt":["no-new-privileges:true"]}}"#,
    ),
    ("shm_size", "64m", r#"{"HostConfig":{"ShmSize":67108864}}"#),
    ("stdin_open", "true", r#"{"OpenStdin":true}"#),
    ("stop_grace_period", "1m30s", r#"{"StopTimeout":90}"#),
    ("stop_signal", "SIGUSR1", r#"{"StopSignal":"SIGUSR1"}"#),
    ("storage_opt", "{size: 1G}", r#"{"HostConfig":{"StorageOpt":{"size":"1G"}}}"#),
    (
        "sysctls",
        "{net.core.somaxconn: 1024}",
        r#"{"HostConfig":{"Sysctls":{"net.core.somaxconn":"1024"}}}"#,
    ),
    ("tty", "true", r#"{"Tty":true}"#),
    (
        "ulimits",
        "{nproc: 65535, nofile: {soft: 1000000, hard: 1048576}}",
        r#"{"HostConfig":{"Ulimits":[{"Name":"nproc","Soft":65535,"Hard":65535},{"Name":"nofile","Soft":1000000,"Hard":1048576}]}}"#,
    ),
    ("userns_mode", "host", r#"{"HostConfig":{"UsernsMode":"host"}}"#),
    ("uts", "host", r#"{"HostConfig":{"UTSMode":"host"}}"#),
];

/// Keys that shape the plan; tests below look at what they become.
const USED: &[(&str, &str)] = &[
    ("build", "."),
    ("command", "a"),
    ("configs", "[]"),
    ("container_name", "web"),
    ("cpu_count", "1"),
    ("cpu_period", "5"),
    ("cpu_quota", "5"),
    ("cpus", "1"),
    ("depends_on", "[]"),
    ("deploy", "{}"),
    ("entrypoint", "a"),
    ("env_file", "[]"),
    ("environment", "{}"),
    ("expose", "[]"),
    ("gpus", "all"),
    ("healthcheck", "{}"),
    ("hostname", "h"),
    ("image", "j"),
    ("links", "[]"),
    ("mem_limit", "1g"),
    ("mem_reservation", "1g"),
    ("networks", "[]"),
    ("pids_limit", "5"),
    ("platform", "linux/amd64"),
    ("ports", "[]"),
    ("profiles", "[]"),
    ("restart", "always"),
    ("scale", "1"),
    ("secrets", "[]"),
    ("tmpfs", "[]"),
    ("user", "u"),
    ("volumes", "[]"),
    ("volumes_from", "[]"),
    ("working_dir", "/"),
];

/// Keys that change nothing, with a reason.
const WITHOUT_EFFECT: &[(&str, &str)] = &[
    ("attach", "false"),
    ("develop", "{watch: []}"),
    ("models", "[]"),
    ("post_start", "[]"),
    ("pre_start", "[]"),
    ("pre_stop", "[]"),
    ("pull_policy", "always"),
    ("pull_refresh_after", "1d"),
    ("use_api_socket", "true"),
];

/// A file whose only service has this key, and an image if the key does not give it.
fn with_key(key: &str, value: &str) -> Case {
    let image = if key == "image" { "" } else { "image: i, " };
    Case::of(&format!("services: {{s: {{{image}{key}: {value}}}}}\n"))
}

#[test]
fn carried_keys_become_fields_of_the_create_request() {
    for (key, value, document) in CARRIED {
        let service = with_key(key, value).application().services["s"].clone();
        let expected: Value = serde_json::from_str(document).unwrap();
        assert_eq!(service.native["docker"], expected, "{key}");
        assert_eq!(fate(&service, key), "carried", "{key}");
    }
}

#[test]
fn every_known_key_has_its_fate() {
    let mut tested: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
    tested.extend(CARRIED.iter().map(|(key, value, _)| (*key, (*value, "carried"))));
    tested.extend(USED.iter().map(|(key, value)| (*key, (*value, "used"))));
    tested.extend(WITHOUT_EFFECT.iter().map(|(key, value)| (*key, (*value, "without_effect"))));
    for (key, (value, expected)) in &tested {
        let service = with_key(key, value).application().services["s"].clone();
        assert_eq!(fate(&service, key), *expected, "{key}");
        assert_eq!(
            note(&service, key).is_empty(),
            *expected != "without_effect" && !["container_name", "external_links"].contains(key),
            "{key}"
        );
    }
    let untested = |key: &&str| {
        !tested.contains_key(key) && !["extends", "label_file", "provider"].contains(key)
    };
    assert_eq!(known_service_keys().filter(untested).collect::<Vec<_>>(), Vec::<&str>::new());
}
