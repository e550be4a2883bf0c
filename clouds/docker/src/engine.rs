//! Calls of an engine's HTTP API: one connection each, so that a request that was not sent is
//! never mistaken for one that got no answer.

use std::error::Error;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use coc_cloud::Failure;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Method, Request, Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::Mutex;
use tokio::time::timeout;
use tokio_rustls::rustls;

use crate::answer::Answer;
use crate::endpoint::{Endpoint, Tls};
use crate::version::ApiVersion;

/// The longest answer that is read, in bytes; a list of 10,000 containers has about 20 MB.
const LONGEST_ANSWER: usize = 256 << 20;

/// How long to wait for an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// For a connection.
    pub connect: Duration,
    /// For the first answer of all, in which an engine says what it is.
    pub greeting: Duration,
    /// For the answer to a call that only reads.
    pub read: Duration,
    /// For the answer to a call that makes the engine do something.
    pub work: Duration,
    /// For the next sign of life while an image is pulled.
    pub pull: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            greeting: Duration::from_secs(5),
            read: Duration::from_secs(30),
            work: Duration::from_secs(120),
            pull: Duration::from_secs(60),
        }
    }
}

/// What a call sends along.
#[derive(Clone, Copy)]
enum Body<'a> {
    Nothing,
    Document(&'a Value),
    Archive(&'a [u8]),
}

/// One call.
#[derive(Clone, Copy)]
pub(crate) struct Call<'a> {
    method: &'a Method,
    path: &'a str,
    body: Body<'a>,
    wait: Option<Duration>,
}

impl<'a> Call<'a> {
    /// Reads a path (with its query).
    pub(crate) const fn get(path: &'a str) -> Self {
        Self { method: &Method::GET, path, body: Body::Nothing, wait: None }
    }

    /// Posts to a path, with a document or without.
    pub(crate) const fn post(path: &'a str, body: Option<&'a Value>) -> Self {
        let body = match body {
            Some(document) => Body::Document(document),
            None => Body::Nothing,
        };
        Self { method: &Method::POST, path, body, wait: None }
    }

    /// Puts an archive to a path.
    pub(crate) const fn put(path: &'a str, archive: &'a [u8]) -> Self {
        Self { method: &Method::PUT, path, body: Body::Archive(archive), wait: None }
    }

    /// Deletes a path.
    pub(crate) const fn delete(path: &'a str) -> Self {
        Self { method: &Method::DELETE, path, body: Body::Nothing, wait: None }
    }

    /// The same, waiting this much longer for the answer than for others of its kind.
    pub(crate) const fn taking(mut self, wait: Duration) -> Self {
        self.wait = Some(wait);
        self
    }

    fn changes_something(&self) -> bool {
        self.method != Method::GET
    }
}

/// An engine.
pub(crate) struct Engine {
    /// The name it is mounted under.
    pub cloud: String,
    pub endpoint: Endpoint,
    pub patience: Patience,
    /// True if no call may change anything.
    pub read_only: bool,
    /// The version that was agreed on, once it was.
    version: Mutex<Option<ApiVersion>>,
}

/// A stream of bytes to an engine.
trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

impl Engine {
    pub(crate) fn new(
        cloud: String,
        endpoint: Endpoint,
        patience: Patience,
        read_only: bool,
    ) -> Self {
        Self { cloud, endpoint, patience, read_only, version: Mutex::new(None) }
    }

    /// Makes a call and reads the whole answer, whatever its status.
    ///
    /// # Errors
    /// [`Failure::Unreachable`] if it was not sent, [`Failure::Lost`] if no answer came,
    /// [`Failure::Denied`] on a read-only mount or without rights, [`Failure::Failed`] if what
    /// answers is no engine.
    pub(crate) async fn call(&self, call: Call<'_>) -> Result<Answer, Failure> {
        self.permit(&call)?;
        let path = format!("/v{}{}", self.version().await?, call.path);
        let answer = self.exchange(&path, call).await?;
        if answer.is_about_the_version() {
            *self.version.lock().await = None;
            let says = format!("the engine was exchanged for another version: {}", answer.says());
            return Err(Failure::Busy { says, retry_after: None });
        }
        Ok(answer)
    }

    /// Makes a call and gives the answer as it begins; its body goes on for as long as it goes on.
    ///
    /// # Errors
    /// As [`Engine::call`]; also the refusal if it is refused.
    pub(crate) async fn open(&self, call: Call<'_>) -> Result<Response<Incoming>, Failure> {
        self.permit(&call)?;
        let path = format!("/v{}{}", self.version().await?, call.path);
        let wait = self.wait(&call);
        let response =
            timeout(wait, self.send(&path, call)).await.map_err(|_| self.no_answer(wait))??;
        if response.status().is_success() {
            return Ok(response);
        }
        let answer = timeout(wait, collect(response)).await.map_err(|_| self.no_answer(wait))?;
        let answer = answer.map_err(|e| self.broken(&call, e.as_ref()))?;
        Err(answer.refusal(&self.cloud))
    }

    /// The version to speak, agreed on with the first call.
    ///
    /// # Errors
    /// As [`Engine::call`].
    pub(crate) async fn version(&self) -> Result<ApiVersion, Failure> {
        let mut agreed = self.version.lock().await;
        if let Some(version) = *agreed {
            return Ok(version);
        }
        // Nothing of the caller's is sent before, so silence here is no lost answer.
        let greeting =
            timeout(self.patience.greeting, self.exchange("/version", Call::get("/version")));
        let answer = greeting.await.map_err(|_| {
            let wait = self.patience.greeting;
            self.unreachable(&format!("it takes connections and says nothing within {wait:?}"))
        })??;
        if answer.status.is_client_error() && answer.status != StatusCode::TOO_MANY_REQUESTS {
            return Err(self.no_engine(&format!("it has no /version ({})", answer.says())));
        }
        let document =
            answer.ok(&self.cloud)?.json().map_err(|e| self.no_engine(&e.to_string()))?;
        let field = |name: &str| -> Option<ApiVersion> { document[name].as_str()?.parse().ok() };
        let Some(most) = field("ApiVersion") else {
            return Err(self.no_engine("its /version names no ApiVersion"));
        };
        let least = field("MinAPIVersion").unwrap_or(most);
        let version = ApiVersion::negotiate(least, most).map_err(|why| self.no_engine(&why))?;
        *agreed = Some(version);
        Ok(version)
    }

    fn permit(&self, call: &Call<'_>) -> Result<(), Failure> {
        if self.read_only && call.changes_something() {
            return Err(Failure::Denied(format!("cloud {} is mounted read-only", self.cloud)));
        }
        Ok(())
    }

    fn wait(&self, call: &Call<'_>) -> Duration {
        let usual = if call.changes_something() { self.patience.work } else { self.patience.read };
        usual + call.wait.unwrap_or_default()
    }

    async fn exchange(&self, path: &str, call: Call<'_>) -> Result<Answer, Failure> {
        let wait = self.wait(&call);
        let whole = async {
            let response = self.send(path, call).await?;
            collect(response).await.map_err(|e| self.broken(&call, e.as_ref()))
        };
        timeout(wait, whole).await.map_err(|_| self.no_answer(wait))?
    }

    /// Sends a request and waits for the head of its answer.
    async fn send(&self, path: &str, call: Call<'_>) -> Result<Response<Incoming>, Failure> {
        let (kind, body) = match call.body {
            Body::Nothing => ("application/json", Bytes::new()),
            Body::Document(document) => ("application/json", document.to_string().into()),
            Body::Archive(archive) => ("application/x-tar", Bytes::copy_from_slice(archive)),
        };
        let request = Request::builder()
            .method(call.method)
            .uri(path)
            .header(header::HOST, "docker")
            .header(header::CONTENT_TYPE, kind)
            .body(Full::new(body))
            .map_err(|e| Failure::Invalid(format!("{path} can't be asked for: {e}")))?;
        let mut sender = self.connect().await?;
        sender.send_request(request).await.map_err(|e| self.broken(&call, &e))
    }

    /// A connection, with whatever drives it set going.
    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, Failure> {
        let wire = timeout(self.patience.connect, self.dial())
            .await
            .map_err(|_| {
                self.unreachable(&format!("no connection within {:?}", self.patience.connect))
            })?
            .map_err(|e| self.not_connected(&e))?;
        let (sender, connection) =
            handshake(TokioIo::new(wire)).await.map_err(|e| self.unreachable(&e.to_string()))?;
        // It ends when the sender and the answer's body are dropped; its error, if any, is theirs.
        tokio::spawn(connection);
        Ok(sender)
    }

    async fn dial(&self) -> io::Result<Box<dyn Wire>> {
        match &self.endpoint {
            Endpoint::Unix(path) => Ok(Box::new(UnixStream::connect(path).await?)),
            Endpoint::Tcp { host, port, tls } => {
                let plain = TcpStream::connect((host.as_str(), *port)).await?;
                plain.set_nodelay(true)?;
                match tls {
                    None => Ok(Box::new(plain)),
                    Some(Tls { server, connector }) => {
                        Ok(Box::new(connector.connect(server.clone(), plain).await?))
                    }
                }
            }
        }
    }

    fn not_connected(&self, error: &io::Error) -> Failure {
        if let Some(why) = tls_error(error) {
            return Failure::Denied(format!("{}: {why}", self.endpoint));
        }
        match error.kind() {
            io::ErrorKind::PermissionDenied => {
                Failure::Denied(format!("{} may not be opened by this user", self.endpoint))
            }
            io::ErrorKind::NotFound => self.unreachable("there is no such socket"),
            io::ErrorKind::ConnectionRefused => self.unreachable("nobody listens there"),
            _ => self.unreachable(&error.to_string()),
        }
    }

    fn unreachable(&self, says: &str) -> Failure {
        Failure::Unreachable { endpoint: self.endpoint.to_string(), says: says.to_owned() }
    }

    fn no_answer(&self, wait: Duration) -> Failure {
        Failure::Lost(format!("{} did not answer within {wait:?}", self.endpoint))
    }

    fn no_engine(&self, why: &str) -> Failure {
        Failure::Failed {
            code: "no-engine".into(),
            says: format!("{} is no Docker Engine that can be used: {why}", self.endpoint),
        }
    }

    /// What an exchange that broke off means.
    fn broken(&self, call: &Call<'_>, error: &(dyn Error + 'static)) -> Failure {
        if let Some(why) = tls_error(error) {
            return Failure::Denied(format!("{}: {why}", self.endpoint));
        }
        let http = error.downcast_ref::<hyper::Error>();
        let rubbish = http.is_some_and(|e| e.is_parse());
        match http {
            Some(error) if rubbish && !call.changes_something() => {
                self.no_engine(&format!("its answer is not HTTP ({error})"))
            }
            Some(error) if error.is_incomplete_message() => {
                Failure::Lost(format!("{} closed the connection early", self.endpoint))
            }
            _ => Failure::Lost(format!("{}: {}", self.endpoint, causes(error))),
        }
    }
}

/// Reads the whole body of an answer.
async fn collect(
    response: Response<Incoming>,
) -> Result<Answer, Box<dyn Error + Send + Sync + 'static>> {
    let (head, body) = response.into_parts();
    let retry_after = head
        .headers
        .get(header::RETRY_AFTER)
        .and_then(|v| v.to_str().ok()?.trim().parse().ok())
        .map(Duration::from_secs);
    let body = Limited::new(body, LONGEST_ANSWER).collect().await?.to_bytes();
    Ok(Answer { status: head.status, retry_after, body })
}

/// The TLS error among the causes of an error, in words; the peer's refusal or ours of the peer.
fn tls_error(error: &(dyn Error + 'static)) -> Option<String> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        let tls = error
            .downcast_ref::<rustls::Error>()
            .or_else(|| inner.and_then(|e| e.downcast_ref::<rustls::Error>()));
        match tls {
            Some(rustls::Error::AlertReceived(alert)) => {
                return Some(format!("the engine refuses the client's certificate ({alert:?})"));
            }
            Some(error) => return Some(format!("TLS failed: {error}")),
            None => cause = error.source(),
        }
    }
    None
}

/// An error with all its causes.
fn causes(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let says = error.to_string();
        if !text.contains(&says) {
            text = format!("{text}: {says}");
        }
        cause = error.source();
    }
    text
}

/// Text as a part of a path or query: every byte that is not a letter, a digit or one of `-_.~`
/// is escaped (RFC 3986).
pub(crate) fn escape(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string can't fail.
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

/// True for a status that says the call did what it should: 2xx, or 304 where nothing was to do.
pub(crate) fn is_success(status: StatusCode) -> bool {
    status.is_success() || status == StatusCode::NOT_MODIFIED
}
