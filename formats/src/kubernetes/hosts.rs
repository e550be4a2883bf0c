//! Names of hosts inside texts: `http://web:80/x`, `db:5432`, `db.shop.svc.cluster.local`.

/// A host that a text names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named<'t> {
    /// The host, as written.
    pub(super) host: &'t str,
    /// The port behind it.
    pub(super) port: Option<u16>,
    /// How sure it is that a host is meant.
    pub(super) form: Form,
}

/// In which form a host is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// In a URL: surely a host.
    Url,
    /// With a port behind it: a host, if there is one of that name with that port.
    Port,
    /// Alone: the whole text.
    Alone,
    /// With points in it: a host, if it is a full name.
    Pointed,
}

/// The hosts that a text may name.
pub(super) fn named(text: &str) -> Vec<Named<'_>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("://") {
        bare(&rest[..start], &mut found);
        let after = &rest[start + 3..];
        let ends = |c: char| c.is_whitespace() || "/?#\"'<>;)]}".contains(c);
        let end = after.find(ends).unwrap_or(after.len());
        let authority = &after[..end];
        let hosts = authority.rsplit_once('@').map_or(authority, |(_, hosts)| hosts);
        for host in hosts.split(',') {
            let (host, port) = split_port(host);
            if is_host(host) {
                found.push(Named { host, port, form: Form::Url });
            }
        }
        rest = &after[end..];
    }
    if found.is_empty() && is_host(text.trim()) {
        return vec![Named { host: text.trim(), port: None, form: Form::Alone }];
    }
    bare(rest, &mut found);
    found
}

/// Hosts outside of URLs.
fn bare<'t>(text: &'t str, found: &mut Vec<Named<'t>>) {
    let inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ':' | '_');
    for word in text.split(|c: char| !inside(c)).filter(|word| !word.is_empty()) {
        let (host, port) = split_port(word);
        let host = host.trim_end_matches('.');
        if !is_host(host) || host.contains(':') {
            continue;
        }
        if port.is_some() {
            found.push(Named { host, port, form: Form::Port });
        } else if host.contains('.') && !word.contains(':') {
            found.push(Named { host, port, form: Form::Pointed });
        }
    }
}

fn split_port(word: &str) -> (&str, Option<u16>) {
    match word.split_once(':') {
        Some((host, port)) => match port.parse::<u16>() {
            Ok(port) if port > 0 => (host, Some(port)),
            _ => (word, None),
        },
        None => (word, None),
    }
}

fn is_host(word: &str) -> bool {
    let inside = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.');
    word.len() <= 253
        && word.bytes().all(inside)
        && word.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric())
}

/// True for names of variables that hold addresses.
pub(super) fn is_address_name(name: &str) -> bool {
    const WORDS: [&str; 11] = [
        "HOST", "HOSTNAME", "ADDR", "ADDRESS", "URL", "URI", "ENDPOINT", "SERVER", "SERVICE",
        "BROKER", "UPSTREAM",
    ];
    let upper = name.to_ascii_uppercase();
    upper.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| {
        WORDS.contains(&word.strip_suffix('S').unwrap_or(word)) || WORDS.contains(&word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn hosts_are_found_in_every_form() {
        for (text, hosts) in [
            ("ledgerwriter:8080", "Port ledgerwriter:8080"),
            ("http://web", "Url web"),
            ("http://web:80/a?b=http://c", "Url web:80, Url c"),
            ("postgresql://redis:6379@db:5432/cache", "Url db:5432"),
            ("jdbc:postgresql://ledger-db:5432/x", "Url ledger-db:5432"),
            ("jdbc:oracle:thin:@db:1521/x", "Port db:1521"),
            ("mongodb://a:1,b:2/x", "Url a:1, Url b:2"),
            ("k-0.k:9092,k-1.k:9092", "Port k-0.k:9092, Port k-1.k:9092"),
            ("--redis=redis-master:6379", "Port redis-master:6379"),
            ("redis-master", "Alone redis-master"),
            ("db.shop.svc.cluster.local", "Alone db.shop.svc.cluster.local"),
            ("tcp db.shop.svc up", "Pointed db.shop.svc"),
            ("a b", ""),
            ("", ""),
            ("redis:7-alpine", ""),
            ("x:0", ""),
            ("registry/redis:latest", ""),
        ] {
            let found: Vec<String> = named(text)
                .iter()
                .map(|n| {
                    let port = n.port.map(|p| format!(":{p}")).unwrap_or_default();
                    format!("{:?} {}{port}", n.form, n.host)
                })
                .collect();
            assert_eq!(found.join(", "), hosts, "{text}");
        }
    }

    #[test]
    fn names_of_addresses_are_known() {
        for name in ["DB_HOST", "API_ADDR", "kafka.brokers", "FRONTEND_URL", "SERVICES"] {
            assert!(is_address_name(name), "{name}");
        }
        for name in ["APP_NAME", "POSTGRES_DB", "TIER", "HOSTILE"] {
            assert!(!is_address_name(name), "{name}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[a-c:/@.,;üA 0-9-]{0,40}") {
            named(&text);
        }
    }
}
