//! Where an engine listens, and how its client proves who it is.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use coc_model::cloud::Cloud;
use coc_model::mistake::{Mistake, Mistakes};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// Where engines listen if nothing else is said.
const DEFAULT_SOCKET: &str = "/var/run/docker.sock";

/// The port by custom, without and with TLS.
const PLAIN_PORT: u16 = 2375;
const TLS_PORT: u16 = 2376;

/// Where an engine's API is.
#[derive(Clone)]
pub(crate) enum Endpoint {
    /// A Unix socket.
    Unix(PathBuf),
    /// A TCP port.
    Tcp {
        /// Name or address, without brackets.
        host: String,
        /// The port.
        port: u16,
        /// Set where both sides prove who they are by certificates.
        tls: Option<Tls>,
    },
}

/// What a TLS connection needs.
#[derive(Clone)]
pub(crate) struct Tls {
    /// The name the server's certificate must bear.
    pub server: ServerName<'static>,
    /// The authority to trust and our own certificate.
    pub connector: TlsConnector,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Tcp { host, port, .. } if host.contains(':') => {
                write!(f, "tcp://[{host}]:{port}")
            }
            Self::Tcp { host, port, .. } => write!(f, "tcp://{host}:{port}"),
        }
    }
}

impl Endpoint {
    /// The endpoint of a mount. Reads certificates where the mount names some.
    ///
    /// # Errors
    /// An address of another form, credentials that can't be used with it or can't be read.
    pub(crate) fn of(cloud: &Cloud) -> Result<Self, Mistakes> {
        let mistake = |says: String| Mistake::at(cloud.at.clone(), says);
        let Some(text) = cloud.endpoint.as_deref() else {
            return Ok(Self::Unix(DEFAULT_SOCKET.into()));
        };
        if let Some(path) = text.strip_prefix("unix://") {
            return if path.starts_with('/') {
                Ok(Self::Unix(path.into()))
            } else {
                Err(mistake(format!("endpoint \"{text}\": the path of a socket begins with /"))
                    .hint("three slashes in a row: unix:///var/run/docker.sock")
                    .into())
            };
        }
        let secure = match text.split_once("://").map(|(scheme, _)| scheme) {
            Some("tcp") => cloud.credentials.is_some(),
            Some("http") => false,
            Some("https") => true,
            Some("ssh") => {
                return Err(mistake(format!("endpoint \"{text}\": ssh is not possible yet"))
                    .hint("forward the socket (ssh -L /tmp/d.sock:/var/run/docker.sock HOST) and name that: unix:///tmp/d.sock")
                    .into());
            }
            _ => {
                return Err(mistake(format!(
                    "endpoint \"{text}\" is none that a Docker Engine has"
                ))
                .hint("expected unix:///PATH or tcp://HOST:PORT")
                .into());
            }
        };
        let default_port = if secure { TLS_PORT } else { PLAIN_PORT };
        let (host, port) = host_and_port(text, default_port).ok_or_else(|| {
            mistake(format!("endpoint \"{text}\" names no host and port"))
                .hint("expected tcp://HOST:PORT")
        })?;
        let tls = match (&cloud.credentials, secure) {
            (None, false) => None,
            (Some(credentials), true) => {
                Some(Tls::read(&credentials.from, &host).map_err(|e| {
                    mistake(format!("credentials of cloud {}: {e}", cloud.name))
                        .hint("expected a folder with ca.pem, cert.pem and key.pem")
                })?)
            }
            (Some(_), false) => {
                return Err(mistake(format!(
                    "endpoint \"{text}\" is without TLS, so the credentials would not be used"
                ))
                .hint("say tcp:// or https://, or leave the credentials out")
                .into());
            }
            (None, true) => {
                return Err(mistake(format!("endpoint \"{text}\" needs credentials"))
                    .hint("credentials: {from: FOLDER}, with ca.pem, cert.pem and key.pem in it")
                    .into());
            }
        };
        Ok(Self::Tcp { host, port, tls })
    }

    /// The host that published ports are reached at, as far as the endpoint tells.
    pub(crate) fn host(&self) -> Option<&str> {
        match self {
            Self::Unix(_) => None,
            Self::Tcp { host, .. } => Some(host),
        }
    }
}

/// The host and port of an address with a scheme; nothing may follow them but one `/`.
fn host_and_port(text: &str, default_port: u16) -> Option<(String, u16)> {
    let (_, rest) = text.split_once("://")?;
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let (host, port) = match rest.strip_prefix('[') {
        Some(bracketed) => {
            let (host, after) = bracketed.split_once(']')?;
            (host, if after.is_empty() { None } else { Some(after.strip_prefix(':')?) })
        }
        None => match rest.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (rest, None),
        },
    };
    let port = match port {
        None => default_port,
        Some(port) => port.parse().ok().filter(|p| *p != 0)?,
    };
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '%');
    (!host.is_empty() && host.chars().all(legal)).then(|| (host.to_owned(), port))
}

impl Tls {
    /// Reads `ca.pem`, `cert.pem` and `key.pem` of a folder, the names that Docker clients use.
    fn read(folder: &str, host: &str) -> Result<Self, String> {
        let folder = match folder {
            "env" => std::env::var("DOCKER_CERT_PATH")
                .map_err(|_| "the variable DOCKER_CERT_PATH is not set".to_owned())?,
            folder => folder.to_owned(),
        };
        let path = |name: &str| Path::new(&folder).join(name);
        let wrong = |name: &str, error: pem::Error| format!("{}: {error}", path(name).display());
        let certificates = |name: &str| -> Result<Vec<CertificateDer<'static>>, String> {
            let found = CertificateDer::pem_file_iter(path(name))
                .and_then(Iterator::collect::<Result<Vec<_>, _>>)
                .map_err(|e| wrong(name, e))?;
            if found.is_empty() {
                return Err(format!("{} holds no certificate", path(name).display()));
            }
            Ok(found)
        };
        let mut roots = RootCertStore::empty();
        for certificate in certificates("ca.pem")? {
            roots.add(certificate).map_err(|e| format!("{}: {e}", path("ca.pem").display()))?;
        }
        let key = PrivateKeyDer::from_pem_file(path("key.pem")).map_err(|e| wrong("key.pem", e))?;
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|e| e.to_string())?
            .with_root_certificates(roots)
            .with_client_auth_cert(certificates("cert.pem")?, key)
            .map_err(|e| format!("{}: {e}", path("cert.pem").display()))?;
        let server = ServerName::try_from(host.to_owned())
            .map_err(|_| format!("\"{host}\" is no name that a certificate can bear"))?;
        Ok(Self { server, connector: TlsConnector::from(Arc::new(config)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use coc_model::cloud::{Credentials, PriceBook};
    use coc_model::mistake::Position;
    use coc_model::place::Place;
    use proptest::prelude::*;

    fn cloud(endpoint: Option<&str>, credentials: Option<&str>) -> Cloud {
        Cloud {
            name: "lab".into(),
            driver: "docker".into(),
            endpoint: endpoint.map(str::to_owned),
            regions: vec![],
            credentials: credentials.map(|from| Credentials { from: from.to_owned() }),
            place: Place::default(),
            prices: PriceBook::default(),
            certified: [].into(),
            energy: coc_model::energy::Energy::default(),
            read_only: false,
            settings: [].into(),
            at: Position::new(&"clouds.yaml".into(), 3, 5),
        }
    }

    fn read(endpoint: Option<&str>, credentials: Option<&str>) -> Result<String, String> {
        Endpoint::of(&cloud(endpoint, credentials))
            .map(|e| e.to_string())
            .map_err(|m| m.to_string())
    }

    #[test]
    fn addresses_are_read() {
        for (text, read_as) in [
            (None, "unix:///var/run/docker.sock"),
            (Some("unix:///run/a.sock"), "unix:///run/a.sock"),
            (Some("tcp://10.0.0.2"), "tcp://10.0.0.2:2375"),
            (Some("tcp://lab.example:4243/"), "tcp://lab.example:4243"),
            (Some("http://[fd00::2]:80"), "tcp://[fd00::2]:80"),
            (Some("tcp://[::1]"), "tcp://[::1]:2375"),
        ] {
            assert_eq!(read(text, None).as_deref(), Ok(read_as));
        }
    }

    #[test]
    fn what_can_not_be_used_is_refused_at_its_place() {
        for (endpoint, credentials, says) in [
            ("unix://run/a.sock", None, "the path of a socket begins with /"),
            ("ssh://me@lab", None, "ssh is not possible yet"),
            ("npipe:////./pipe/docker", None, "is none that a Docker Engine has"),
            ("/run/a.sock", None, "expected unix:///PATH or tcp://HOST:PORT"),
            ("tcp://", None, "names no host and port"),
            ("tcp://lab:0", None, "names no host and port"),
            ("tcp://lab:70000", None, "names no host and port"),
            ("tcp://lab:80/v1", None, "names no host and port"),
            ("tcp://[::1", None, "names no host and port"),
            ("https://lab", None, "needs credentials"),
            ("http://lab", Some("/certs"), "the credentials would not be used"),
            ("tcp://lab", Some("/no/such/folder"), "/no/such/folder/ca.pem"),
        ] {
            let told = read(Some(endpoint), credentials).unwrap_err();
            assert!(told.starts_with("clouds.yaml:3:5: "), "{told}");
            assert!(told.contains(says), "{endpoint}: {told}");
        }
    }

    proptest! {
        #[test]
        fn no_address_panics(text in ".{0,40}", scheme in "(unix|tcp|http|https|ssh|x)?(://)?") {
            let _ = read(Some(&format!("{scheme}{text}")), None);
        }
    }
}
