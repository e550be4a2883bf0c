//! Short forms: ports and mounts written as one text.

use coc_model::application::Protocol;

/// A port as written: `127.0.0.1:8000-8001:80-81/tcp`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ShortPort<'t> {
    /// The address on the host.
    pub(super) host_ip: Option<&'t str>,
    /// The first and last port on the host; `None` for any free one.
    pub(super) published: Option<(u16, u16)>,
    /// The first and last port in the container.
    pub(super) target: (u16, u16),
    /// The protocol.
    pub(super) protocol: Protocol,
}

/// Why a text is no port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PortError {
    /// A part is no number from 1 to 65535, and no range of them.
    Number,
    /// The protocol is not tcp, udp or sctp.
    Protocol,
    /// The address is none.
    Address,
    /// The two ranges are of different lengths.
    Lengths,
    /// There are too many colons.
    Colons,
}

impl PortError {
    /// What is wrong, in words.
    pub(super) const fn says(self) -> &'static str {
        match self {
            Self::Number => "a port is a number from 1 to 65535, or a range like 8000-8005",
            Self::Protocol => "the protocol is tcp, udp or sctp",
            Self::Address => "the host address is an IP address, IPv6 ones in brackets",
            Self::Lengths => "the two ranges have different lengths",
            Self::Colons => "there are too many colons",
        }
    }
}

/// Reads `[[ADDRESS:]PUBLISHED:]TARGET[/PROTOCOL]`, both ports being numbers or ranges.
pub(super) fn port(text: &str) -> Result<ShortPort<'_>, PortError> {
    let (rest, protocol) = match text.split_once('/') {
        Some((rest, name)) => (rest, protocol(name).ok_or(PortError::Protocol)?),
        None => (text, Protocol::Tcp),
    };
    let (rest, target) = match rest.rsplit_once(':') {
        Some((rest, target)) => (Some(rest), target),
        None => (None, rest),
    };
    let target = range(target).filter(|r| r.0 > 0).ok_or(PortError::Number)?;
    let (host_ip, published) = match rest.map(|rest| rest.rsplit_once(':').unwrap_or(("", rest))) {
        None => (None, None),
        Some((_, published)) if published.ends_with(']') => return Err(PortError::Number),
        Some((host, published)) => (Some(host).filter(|host| !host.is_empty()), Some(published)),
    };
    let host_ip = host_ip.map(address).transpose()?;
    let published = match published {
        None | Some("" | "0") => None,
        Some(text) => Some(range(text).filter(|r| r.0 > 0).ok_or(PortError::Number)?),
    };
    if let Some((first, last)) = published {
        let one_of_many = target.0 == target.1;
        if last - first != target.1 - target.0 && !one_of_many {
            return Err(PortError::Lengths);
        }
    }
    Ok(ShortPort { host_ip, published, target, protocol })
}

/// A protocol by its name, in either case.
pub(super) fn protocol(name: &str) -> Option<Protocol> {
    let protocols = [Protocol::Tcp, Protocol::Udp, Protocol::Sctp];
    protocols.into_iter().find(|p| p.name().eq_ignore_ascii_case(name))
}

/// A port number or a range of them, 0 included.
pub(super) fn range(text: &str) -> Option<(u16, u16)> {
    let number = |digits: &str| {
        let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        digits.parse::<u16>().ok().filter(|_| plain)
    };
    match text.split_once('-') {
        None => number(text).map(|n| (n, n)),
        Some((first, last)) => {
            let range = (number(first)?, number(last)?);
            (range.0 <= range.1).then_some(range)
        }
    }
}

fn address(text: &str) -> Result<&str, PortError> {
    let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
    if text.contains(':') && !text.starts_with('[') && bare.parse::<std::net::Ipv6Addr>().is_err() {
        return Err(PortError::Colons);
    }
    bare.parse::<std::net::IpAddr>().map(|_| bare).map_err(|_| PortError::Address)
}

/// A mount as written: `SOURCE:TARGET:OPTIONS`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ShortMount<'t> {
    /// The name of a volume, or a path; `None` for a volume without a name.
    pub(super) source: Option<&'t str>,
    /// Where it is mounted.
    pub(super) target: &'t str,
    /// Options, without commas.
    pub(super) options: Vec<&'t str>,
}

/// Why a text is no mount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MountError {
    /// There is nothing between two colons, or nothing at all.
    Empty,
    /// There are more than three parts.
    Colons,
}

impl MountError {
    /// What is wrong, in words.
    pub(super) const fn says(self) -> &'static str {
        match self {
            Self::Empty => "a part between its colons is empty",
            Self::Colons => "there are too many colons",
        }
    }
}

/// Reads `[SOURCE:]TARGET[:OPTION,OPTION]`. The colon after the letter of a Windows drive does not
/// count.
pub(super) fn mount(text: &str) -> Result<ShortMount<'_>, MountError> {
    let parts = parts(text);
    if parts.iter().any(|part| part.is_empty()) {
        return Err(MountError::Empty);
    }
    match *parts.as_slice() {
        [target] => Ok(ShortMount { source: None, target, options: Vec::new() }),
        [source, target] => Ok(ShortMount { source: Some(source), target, options: Vec::new() }),
        [source, target, options] => {
            let options = options.split(',').collect();
            Ok(ShortMount { source: Some(source), target, options })
        }
        _ => Err(MountError::Colons),
    }
}

/// True for sources that are paths and not names of volumes.
pub(super) fn is_path(source: &str) -> bool {
    source.starts_with(['.', '/', '~']) || source.starts_with(r"\\") || is_drive(source)
}

fn is_drive(text: &str) -> bool {
    matches!(text.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic())
}

fn parts(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    for (colon, _) in text.match_indices(':') {
        let drive =
            colon - start == 1 && text.as_bytes()[start].is_ascii_alphabetic() && text.len() > 2;
        if !drive {
            parts.push(&text[start..colon]);
            start = colon + 1;
        }
    }
    parts.push(&text[start..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn told(text: &str) -> String {
        match port(text) {
            Err(error) => format!("{error:?}"),
            Ok(p) => {
                let published = p.published.map_or("any".to_owned(), |(a, b)| format!("{a}-{b}"));
                let (a, b) = p.target;
                format!("{} {published} {a}-{b} {}", p.host_ip.unwrap_or("*"), p.protocol.name())
            }
        }
    }

    #[test]
    fn ports_are_read_in_every_form() {
        for (text, expected) in [
            ("8080", "* any 8080-8080 tcp"),
            ("2222:22", "* 2222-2222 22-22 tcp"),
            ("53:53/udp", "* 53-53 53-53 udp"),
            ("53/UDP", "* any 53-53 udp"),
            ("6000-6002:7000-7002", "* 6000-6002 7000-7002 tcp"),
            ("3000-3005", "* any 3000-3005 tcp"),
            ("8000-8010:80", "* 8000-8010 80-80 tcp"),
            ("127.0.0.1:9000:9000", "127.0.0.1 9000-9000 9000-9000 tcp"),
            ("127.0.0.1::80", "127.0.0.1 any 80-80 tcp"),
            ("127.0.0.1:0:80", "127.0.0.1 any 80-80 tcp"),
            ("[::1]:80:80", "::1 80-80 80-80 tcp"),
            ("::1:80:80", "::1 80-80 80-80 tcp"),
            (":80", "* any 80-80 tcp"),
            ("", "Number"),
            ("x", "Number"),
            ("0", "Number"),
            ("80:", "Number"),
            ("70000:80", "Number"),
            ("+80:80", "Number"),
            ("90-80:90-80", "Number"),
            ("[::1]:80", "Number"),
            ("80:80/icmp", "Protocol"),
            ("80/", "Protocol"),
            ("6000-6002:7000-7001", "Lengths"),
            ("localhost:80:80", "Address"),
            ("1:2:3:4", "Colons"),
        ] {
            assert_eq!(told(text), expected, "{text}");
        }
    }

    #[test]
    fn mounts_are_read_in_every_form() {
        type Told<'t> = Result<(Option<&'t str>, &'t str, Vec<&'t str>), MountError>;
        let cases: [(&str, Told<'_>); 13] = [
            ("/data", Ok((None, "/data", vec![]))),
            ("db:/data", Ok((Some("db"), "/data", vec![]))),
            ("./x:/y:z,ro", Ok((Some("./x"), "/y", vec!["z", "ro"]))),
            (r"C:\x:/y", Ok((Some(r"C:\x"), "/y", vec![]))),
            (r"C:\x:D:\y:ro", Ok((Some(r"C:\x"), r"D:\y", vec!["ro"]))),
            (r"\\.\pipe\x:\\.\pipe\x", Ok((Some(r"\\.\pipe\x"), r"\\.\pipe\x", vec![]))),
            (".:/x", Ok((Some("."), "/x", vec![]))),
            ("/", Ok((None, "/", vec![]))),
            ("", Err(MountError::Empty)),
            (":/data", Err(MountError::Empty)),
            ("db:", Err(MountError::Empty)),
            ("a:", Err(MountError::Empty)),
            ("db:/x:ro:y", Err(MountError::Colons)),
        ];
        for (text, expected) in cases {
            let read = mount(text).map(|m| (m.source, m.target, m.options));
            assert_eq!(read, expected, "{text}");
        }
        for (source, path) in [
            ("./x", true),
            ("..", true),
            ("/x", true),
            ("~/x", true),
            (r"C:\x", true),
            ("x", false),
            ("x.y", false),
        ] {
            assert_eq!(is_path(source), path, "{source}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[0-9a:./\\[\\]~,\\\\ü-]{0,30}") {
            let _ = (port(&text), mount(&text), is_path(&text), range(&text));
        }

        #[test]
        fn ports_come_back(published in 1..=u16::MAX, target in 1..=u16::MAX) {
            let text = format!("{published}:{target}/udp");
            let read = port(&text).unwrap();
            prop_assert_eq!(read.published, Some((published, published)));
            prop_assert_eq!((read.target, read.protocol), ((target, target), Protocol::Udp));
        }
    }
}
