//! Links that a file does not state: from what services wait for, and from the hosts that their
//! environments name.

use std::collections::BTreeMap;

use coc_model::application::Link;
use coc_model::mistake::Position;

use super::container_env::Variable;

/// A host that a value names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Host {
    /// The service it is.
    pub(super) service: String,
    /// The port, if it is named too.
    pub(super) port: Option<u16>,
}

/// Words of the names of variables whose values are hosts.
const HOST_WORDS: &[&str] = &[
    "ADDR",
    "ADDRESS",
    "ADDRESSES",
    "ADDRS",
    "BACKEND",
    "BACKENDS",
    "BOOTSTRAP",
    "BROKER",
    "BROKERS",
    "CONNECT",
    "CONNECTION",
    "DSN",
    "ENDPOINT",
    "ENDPOINTS",
    "GATEWAY",
    "HOST",
    "HOSTNAME",
    "HOSTS",
    "LOCATION",
    "MASTER",
    "NODES",
    "PEER",
    "PEERS",
    "PRIMARY",
    "PROXY",
    "REPLICA",
    "SEEDS",
    "SERVER",
    "SERVERS",
    "TARGET",
    "TARGETS",
    "UPSTREAM",
    "UPSTREAMS",
    "URI",
    "URIS",
    "URL",
    "URLS",
];

/// Words of the names of variables whose values are something else. The last word of either kind
/// decides: `DATABASE_HOST` is a host, `CONNECTION_USER` is none.
const OTHER_WORDS: &[&str] = &[
    "CLIENT", "DATABASE", "DB", "DIALECT", "DRIVER", "ENGINE", "KIND", "LOGIN", "MODE", "PASSWORD",
    "PATH", "PORT", "PROVIDER", "REALM", "ROLE", "SCHEMA", "TYPE", "USER", "USERNAME", "VHOST",
];

/// How far back the scheme of a URL is looked for.
const SCHEME_BYTES: usize = 256;

/// Ports that schemes stand for where a URL names none.
const SCHEME_PORTS: &[(&str, u16)] = &[
    ("amqp", 5672),
    ("amqps", 5671),
    ("ftp", 21),
    ("http", 80),
    ("https", 443),
    ("ldap", 389),
    ("ldaps", 636),
    ("mongodb", 27017),
    ("mysql", 3306),
    ("nats", 4222),
    ("postgres", 5432),
    ("postgresql", 5432),
    ("redis", 6379),
    ("rediss", 6379),
    ("smtp", 25),
    ("ws", 80),
    ("wss", 443),
];

/// Links under construction.
#[derive(Default)]
pub(super) struct Links(BTreeMap<Ends, (Position, Vec<String>)>);

/// What there is one link for: who sends, who receives, and the port there.
type Ends = (String, String, Option<u16>);

impl Links {
    /// Adds a link, or one reason more for it.
    pub(super) fn add(&mut self, from: &str, host: Host, at: &Position, reason: String) {
        let key = (from.to_owned(), host.service, host.port);
        let (_, reasons) = self.0.entry(key).or_insert_with(|| (at.clone(), Vec::new()));
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }

    /// The links. One without a port is dropped where another between the same services has one,
    /// which then has its reasons as well.
    pub(super) fn into_links(mut self) -> Vec<Link> {
        let open: Vec<_> = self.0.keys().filter(|key| key.2.is_none()).cloned().collect();
        for key in open {
            let after = (key.0.clone(), key.1.clone(), Some(0));
            let first = self.0.range(after..).next().map(|(key, _)| key.clone());
            let Some(first) = first.filter(|f| f.0 == key.0 && f.1 == key.1) else { continue };
            let Some((_, reasons)) = self.0.remove(&key) else { continue };
            if let Some((_, kept)) = self.0.get_mut(&first) {
                kept.extend(reasons);
            }
        }
        let link = |((from, to, port), (at, reasons)): (Ends, (Position, Vec<String>))| Link {
            from,
            to,
            port,
            traffic: None,
            latency: None,
            at,
            inferred: Some(reasons.join("; ")),
        };
        self.0.into_iter().map(link).collect()
    }
}

/// The hosts that a variable names, by the names that services have.
pub(super) fn hosts(
    variable: &Variable,
    all: &BTreeMap<&str, &Variable>,
    names: &dyn Fn(&str) -> Option<String>,
) -> Vec<Host> {
    let Some(value) = variable.value.as_deref() else { return Vec::new() };
    let words = words(&variable.name);
    let mut hosts = structured(value, &words, names);
    if hosts.is_empty() && is_host_name(&words) {
        let port = sibling_port(&variable.name, all);
        let bare = value.split([',', ';', ' ']).filter_map(names);
        hosts = bare.map(|service| Host { service, port }).collect();
    }
    hosts
}

/// True for names of variables whose values are hosts.
fn is_host_name(words: &[String]) -> bool {
    let decides = |word: &&String| {
        HOST_WORDS.contains(&word.as_str()) || OTHER_WORDS.contains(&word.as_str())
    };
    let last = words.iter().rev().find(decides);
    last.is_some_and(|word| HOST_WORDS.contains(&word.as_str()))
}

/// The words of a variable's name, in capitals: `DB_HOST`, `db.host` and `dbHost` have two.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut lower = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && lower) {
            words.push(String::new());
        }
        lower = c.is_lowercase();
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            word.extend(c.to_uppercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Hosts in places where only hosts stand: before a port, after `//`, after `@`.
fn structured(value: &str, words: &[String], names: &dyn Fn(&str) -> Option<String>) -> Vec<Host> {
    let image = words.iter().any(|word| word == "IMAGE");
    let mut hosts = Vec::new();
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let mut start = 0;
    while let Some(found) = value[start..].find(is_part) {
        let begin = start + found;
        let length = value[begin..].find(|c| !is_part(c)).unwrap_or(value.len() - begin);
        let end = begin + length;
        start = end;
        let Some(service) = names(&value[begin..end]) else { continue };
        let (before, after) = (&value[..begin], &value[end..]);
        let digits = after
            .strip_prefix(':')
            .map(|rest| &rest[..rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())]);
        let behind = digits.map_or(after, |digits| &after[1 + digits.len()..]);
        let port = digits.and_then(|digits| digits.parse().ok()).filter(|port| *port > 0);
        let user = digits.is_some() && behind.starts_with('@') || after.starts_with('@');
        let scheme = before.strip_suffix("//").map(|scheme| scheme.trim_end_matches(':'));
        if user || is_user(scheme, after) {
            continue;
        }
        if port.is_some() && !image && !behind.starts_with(is_part) {
            hosts.push(Host { service, port });
        } else if digits.is_none_or(str::is_empty) && (scheme.is_some() || before.ends_with('@')) {
            let port = scheme.and_then(scheme_port).or_else(|| scheme_port(around(before)));
            hosts.push(Host { service, port });
        }
    }
    hosts.sort();
    hosts.dedup();
    hosts
}

/// True if what follows `//` is the user of a URL and not its host.
fn is_user(scheme: Option<&str>, after: &str) -> bool {
    scheme.is_some() && after.split(['/', '?', '#']).next().is_some_and(|host| host.contains('@'))
}

/// The scheme of the URL that a text ends inside of.
fn around(before: &str) -> &str {
    let near = before.char_indices().map(|(i, _)| i).rev().nth(SCHEME_BYTES);
    let before = &before[near.unwrap_or(0)..];
    before.rsplit_once("://").map_or("", |(scheme, _)| scheme)
}

fn scheme_port(before: &str) -> Option<u16> {
    let start = before.rfind(|c: char| !c.is_ascii_alphanumeric()).map_or(0, |i| i + 1);
    let scheme = before[start..].to_ascii_lowercase();
    SCHEME_PORTS.iter().find(|(known, _)| *known == scheme).map(|(_, port)| *port)
}

/// The port in a variable named alike: `DB_PORT` beside `DB_HOST`.
fn sibling_port(name: &str, all: &BTreeMap<&str, &Variable>) -> Option<u16> {
    for (host, port) in [
        ("HOSTNAME", "PORT"),
        ("HOST", "PORT"),
        ("host", "port"),
        ("Host", "Port"),
        ("ADDR", "PORT"),
        ("SERVER", "PORT"),
    ] {
        let Some(at) = name.rfind(host) else { continue };
        let sibling = format!("{}{port}{}", &name[..at], &name[at + host.len()..]);
        let value = all.get(sibling.as_str()).and_then(|variable| variable.value.as_deref());
        if let Some(port) = value.and_then(|value| value.parse().ok()).filter(|port| *port > 0) {
            return Some(port);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn variable(name: &str, value: &str) -> Variable {
        Variable::plain(name, value, Position::start(&"c.yaml".into()))
    }

    fn names(name: &str) -> Option<String> {
        ["db", "api", "cache-1", "kafka"].contains(&name).then(|| name.to_owned())
    }

    fn told(name: &str, value: &str) -> String {
        let variables = [variable(name, value), variable("DB_PORT", "5432")];
        let all = variables.iter().map(|v| (v.name.as_str(), v)).collect();
        let hosts = hosts(&variables[0], &all, &names);
        let port = |host: &Host| host.port.map_or(String::new(), |port| format!(":{port}"));
        hosts.iter().map(|h| format!("{}{}", h.service, port(h))).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn hosts_are_found_where_hosts_stand() {
        for (name, value, expected) in [
            ("X", "db:5432", "db:5432"),
            ("X", "http://api:8080/v1", "api:8080"),
            ("X", "http://api/v1", "api:80"),
            ("X", "https://api", "api:443"),
            ("X", "postgres://u:p@db:5433/x", "db:5433"),
            ("X", "postgres://u:p@db/x", "db:5432"),
            ("X", "mysql://u:p@tcp(db:3306)/x", "db:3306"),
            ("X", "jdbc:postgresql://db/x", "db:5432"),
            ("X", "db:1,cache-1:2", "cache-1:2 db:1"),
            ("X", "default:http://api:9093", "api:9093"),
            ("X", "amqp://kafka", "kafka:5672"),
            ("X", "tcp://api:80 tcp://api:81", "api:80 api:81"),
            ("X", "custom://api", "api"),
            ("DB_HOST", "db", "db:5432"),
            ("CACHE_HOST", "cache-1", "cache-1"),
            ("SETTING_LOCATION", "cache-1:11211", "cache-1:11211"),
            ("BOOTSTRAP_SERVERS", "kafka,db", "kafka db"),
            ("database__connection__host", "db", "db"),
            ("cacheHost", "cache-1", "cache-1"),
        ] {
            assert_eq!(told(name, value), expected, "{name}={value}");
        }
    }

    #[test]
    fn other_values_name_no_host() {
        for (name, value) in [
            ("X", "db"),
            ("DB_USER", "db"),
            ("DB_NAME", "db"),
            ("DB_CONNECTION_USER", "db"),
            ("DB_TYPE", "db"),
            ("X", "http://other/db"),
            ("X", "http://db:secret@other/x"),
            ("X", "http://db@other/x"),
            ("X", "postgres://db:123@other"),
            ("X", "/var/lib/db:ro"),
            ("X", "db:5432x"),
            ("X", "db:99999"),
            ("X", "mydb:5432"),
            ("X", "db.example.com:5432"),
            ("CACHE_IMAGE", "db:16"),
            ("X", ""),
        ] {
            assert_eq!(told(name, value), "", "{name}={value}");
        }
    }

    #[test]
    fn a_link_with_a_port_takes_the_place_of_one_without() {
        let at = Position::start(&"c.yaml".into());
        let host = |service: &str, port| Host { service: service.to_owned(), port };
        let mut links = Links::default();
        links.add("web", host("db", None), &at, "waits".into());
        links.add("web", host("db", Some(5432)), &at, "names".into());
        links.add("web", host("db", Some(5432)), &at, "names".into());
        links.add("web", host("api", None), &at, "waits".into());
        let told: Vec<_> =
            links.into_links().into_iter().map(|l| (l.to, l.port, l.inferred.unwrap())).collect();
        assert_eq!(
            told,
            [
                ("api".to_owned(), None, "waits".to_owned()),
                ("db".to_owned(), Some(5432), "names; waits".to_owned())
            ]
        );
    }

    proptest! {
        #[test]
        fn no_text_panics(name in "[A-Za-z_.é]{0,12}", value in "[a-z:/@(),.ü0-9 db-]{0,40}") {
            let _ = told(&name, &value);
        }
    }
}
