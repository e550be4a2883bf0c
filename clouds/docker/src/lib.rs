//! The driver for Docker Engines.
//!
//! An engine is a cloud with one machine, which is there already. Native documents are the bodies
//! of the Engine API's create calls (`POST /containers/create`, `/networks/create`,
//! `/volumes/create`) without the name; they go to the wire as they are, also with fields that
//! this driver has never heard of. A field that the engine is known to be too old (or too new)
//! for is refused, since an engine ignores what it does not know.
//!
//! # Marks
//!
//! Resources bear labels from the create call on, which an engine never changes: the four marks,
//! `coc-spec` (the hash of the document before secrets) and `coc-fields` (a short hash per field,
//! by which a changed document is compared with what a container was made from). After a change
//! in place `coc-spec` says what the container was born as. [`find`](coc_cloud::Cloud::find) then
//! gives no spec, and `drift` compares; [`list`](coc_cloud::Cloud::list), which makes one call per
//! type, gives the spec of birth.
//!
//! # Secrets
//!
//! A planned environment is a list of `NAME=value` and, for secrets, of
//! `{"$secret": REFERENCE, "name": NAME}`, which
//! [`fill_secrets`](coc_cloud::fill_secrets) turns into `NAME=value` right before the call. What
//! this driver gives back has the names of variables and no values.
//!
//! # What a service becomes
//!
//! See [`Docker::resolve`](coc_cloud::Cloud::resolve): one network per application and engine, its
//! volumes, and a container per replica. Docker runs health checks as commands inside the
//! container and knows no other. A probe over HTTP or gRPC becomes a line for the shell that uses
//! what the image has (`wget` or `curl`; `grpc_health_probe`); one over TCP becomes a line that
//! looks whether anything listens on the port. Where the image has no such program, or no shell,
//! the check can't be run: such a container is reported as running, not as unhealthy. A service without a check of its own has the image's.

mod answer;
mod container;
mod drift;
mod driver;
mod endpoint;
mod engine;
mod events;
mod fields;
mod files;
mod fingerprint;
mod image;
mod labels;
mod limits;
mod market;
mod network;
mod observe;
mod resolve;
mod stream;
mod verbs;
mod version;
mod volume;

pub use driver::Docker;
pub use engine::Patience;

/// The native type of containers: the body of `POST /containers/create`.
pub const CONTAINER: &str = "docker.container";
/// The native type of networks: the body of `POST /networks/create`.
pub const NETWORK: &str = "docker.network";
/// The native type of volumes: the body of `POST /volumes/create`.
pub const VOLUME: &str = "docker.volume";
