//! The ways to an engine: its socket, TCP with certificates, and what is none.

use coc_cloud::{Cloud, Failure};
use coc_cloud_docker::Docker;
use coc_model::cloud::{Cloud as Mount, Credentials};

use crate::engines::{Ground, bare, engines, failed, http_get_soon};

fn by_tls(certificates: &str) -> Mount {
    let engine = &engines()[0];
    Mount {
        endpoint: Some(engine.tls_endpoint.clone()),
        credentials: Some(Credentials { from: certificates.to_owned() }),
        settings: [].into(),
        ..engine.mount("lab")
    }
}

#[tokio::test]
async fn certificates_open_the_way_over_tcp() {
    let mut ground = Ground::new("tls");
    ground.docker = Docker::mount(&by_tls(&ground.engine.certificates)).expect("a right mount");
    let mut document = bare();
    document["HostConfig"] =
        serde_json::json!({"PortBindings": {"8080/tcp": [{"HostIp": "", "HostPort": ""}]}});
    let container = ground.run("c", document).await;
    // Published ports are reached at the endpoint's host.
    assert!(container.addresses[0].starts_with(&format!("{}:", ground.engine.address)));
    let (status, body) = http_get_soon(&container.addresses[0], "/").await;
    assert_eq!((status, body.starts_with("hello from ")), (200, true), "{body}");
    assert_eq!(ground.docker.delete(&container.resource_type, &container.native_id).await, Ok(()));
}

/// A copy of the certificates with a client that the engine's authority does not know.
fn strangers_certificates(authority: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testing/docker/certificates.sh");
    let own = folder.path().join("own");
    let made = std::process::Command::new(script).arg(&own).arg("127.0.0.1").status();
    assert!(made.expect("the script runs").success());
    std::fs::copy(format!("{authority}/ca.pem"), own.join("ca.pem")).expect("a copy");
    folder
}

#[tokio::test]
async fn without_the_right_certificates_the_way_is_denied() {
    let right = &engines()[0].certificates;
    let stranger = strangers_certificates(right);
    let stranger = stranger.path().join("own");
    let docker = Docker::mount(&by_tls(stranger.to_str().expect("a path"))).expect("a right mount");
    let failure = failed(docker.market().await);
    assert!(
        matches!(&failure, Failure::Denied(s) if s.contains("refuses the client's certificate")),
        "{failure}"
    );

    // An authority that did not sign the engine's certificate.
    let other = tempfile::tempdir().expect("a folder");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testing/docker/certificates.sh");
    let other = other.path().join("own");
    let made = std::process::Command::new(script).arg(&other).arg("127.0.0.1").status();
    assert!(made.expect("the script runs").success());
    let docker = Docker::mount(&by_tls(other.to_str().expect("a path"))).expect("a right mount");
    let failure = failed(docker.market().await);
    assert!(matches!(&failure, Failure::Denied(s) if s.contains("TLS failed")), "{failure}");
}

#[tokio::test]
async fn a_port_with_tls_that_is_spoken_to_without_is_no_engine() {
    let engine = &engines()[0];
    let mount = Mount { endpoint: Some(engine.tls_endpoint.clone()), ..engine.mount("lab") };
    let failure = failed(Docker::mount(&mount).expect("a right mount").market().await);
    let Failure::Failed { code, says } = &failure else { panic!("{failure}") };
    assert_eq!(code, "no-engine");
    assert!(says.contains("HTTPS"), "{says}");
}

#[tokio::test]
async fn where_nobody_listens_it_is_told_where_and_why() {
    let folder = tempfile::tempdir().expect("a folder");
    let socket = |name: &str| format!("unix://{}", folder.path().join(name).display());
    drop(std::os::unix::net::UnixListener::bind(folder.path().join("left-over")).expect("bound"));
    std::fs::write(folder.path().join("file"), "").expect("written");
    for (endpoint, why) in [
        (socket("none"), "there is no such socket"),
        (socket("left-over"), "nobody listens there"),
        (socket("file"), "nobody listens there"),
        ("tcp://127.0.0.1:1".to_owned(), "nobody listens there"),
        ("tcp://no-such-host.invalid:2375".to_owned(), ""),
    ] {
        let mount = Mount { endpoint: Some(endpoint.clone()), ..engines()[0].mount("lab") };
        let docker = Docker::mount(&mount).expect("a right mount");
        let failure = failed(docker.market().await);
        let Failure::Unreachable { endpoint: told, says } = &failure else { panic!("{failure}") };
        assert_eq!(*told, endpoint);
        assert!(says.contains(why), "{failure}");
        assert!(failure.advice().is_some());
    }
}
