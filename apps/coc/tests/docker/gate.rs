//! A gate in front of engines that ends the program at a chosen call.
//!
//! The program reaches the engines through sockets of the gate, which counts the calls that change
//! something. At the chosen one the program is killed, before the call is passed on, after it had
//! its effect but before the answer is, or right after the answer.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{RwLock, mpsc, oneshot};
use tokio::time::timeout;

/// Where in a call the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The engine never sees the call.
    BeforeSent,
    /// The call has its effect, the program never sees the answer.
    BeforeAnswered,
    /// The program has the answer, and no time to use it.
    Answered,
}

impl Phase {
    pub(crate) const ALL: [Self; 3] = [Self::BeforeSent, Self::BeforeAnswered, Self::Answered];
}

/// A moment in the life of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Point {
    /// The how-manieth call that changes something, from 1.
    pub call: usize,
    pub phase: Phase,
}

/// A wish that the program be killed; it is answered when the program is dead.
pub(crate) type Kill = oneshot::Sender<()>;

/// A gate to any number of engines.
pub(crate) struct Gate {
    shared: Arc<Shared>,
    /// To be served by whoever runs the program.
    pub kills: mpsc::UnboundedReceiver<Kill>,
}

struct Shared {
    counting: Mutex<Counting>,
    kills: mpsc::UnboundedSender<Kill>,
    /// Held for reading by every call that was passed on, until its effect is there.
    under_way: RwLock<()>,
}

#[derive(Default)]
struct Counting {
    calls: usize,
    point: Option<Point>,
}

impl Gate {
    pub(crate) fn new() -> Self {
        let (sender, kills) = mpsc::unbounded_channel();
        let counting = Mutex::new(Counting::default());
        let shared = Shared { counting, kills: sender, under_way: RwLock::new(()) };
        Self { shared: Arc::new(shared), kills }
    }

    /// Opens a way to an engine at a socket of the gate's own.
    pub(crate) fn open(&self, own: &Path, engine: &Path) {
        let listener = UnixListener::bind(own).expect("a socket");
        let (shared, engine) = (Arc::clone(&self.shared), engine.to_owned());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                // A connection that breaks is the program's business.
                tokio::spawn(serve(client, engine.clone(), Arc::clone(&shared)));
            }
        });
    }

    /// Counts from nothing, and kills at a point if one is given.
    pub(crate) fn arm(&self, point: Option<Point>) {
        *self.shared.counting.lock().expect("a count") = Counting { calls: 0, point };
    }

    /// How many calls there were that change something.
    pub(crate) fn calls(&self) -> usize {
        self.shared.counting.lock().expect("a count").calls
    }

    /// Waits until all that was passed on had its effect: what a dead program has sent arrives.
    pub(crate) async fn rest(&self) {
        let rest = timeout(Duration::from_secs(60), self.shared.under_way.write()).await;
        drop(rest.expect("engines answer"));
    }
}

impl Shared {
    /// Counts a call; tells if it is the program's last, and in which way.
    fn count(&self) -> Option<Phase> {
        let mut counting = self.counting.lock().expect("a count");
        counting.calls += 1;
        let now = counting.calls;
        counting.point.take_if(|point| point.call == now).map(|point| point.phase)
    }

    async fn kill(&self) {
        let (dead, died) = oneshot::channel();
        if self.kills.send(dead).is_ok() {
            // Nobody to answer is nobody to kill.
            let _ = died.await;
        }
    }
}

async fn serve(mut client: UnixStream, engine: PathBuf, shared: Arc<Shared>) -> io::Result<()> {
    let Some(mut request) = Request::read(&mut client).await? else { return Ok(()) };
    let mut server = UnixStream::connect(engine).await?;
    if request.only_reads() {
        server.write_all(&request.0).await?;
        copy_bidirectional(&mut client, &mut server).await?;
        return Ok(());
    }
    request.read_body(&mut client).await?;
    let last = shared.count();
    if last == Some(Phase::BeforeSent) {
        shared.kill().await;
        return Ok(());
    }
    let under_way = shared.under_way.read().await;
    server.write_all(&request.closing()).await?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).await?;
    drop(under_way);
    if last == Some(Phase::BeforeAnswered) {
        shared.kill().await;
        return Ok(());
    }
    client.write_all(&answer).await?;
    if last == Some(Phase::Answered) {
        shared.kill().await;
    }
    client.shutdown().await
}

/// An HTTP request as its bytes.
struct Request(Vec<u8>);

impl Request {
    /// Reads a head, and whatever comes with it; `None` if there is none.
    async fn read(client: &mut UnixStream) -> io::Result<Option<Self>> {
        let mut request = Self(Vec::new());
        while request.head().is_none() {
            if client.read_buf(&mut request.0).await? == 0 {
                return Ok(None);
            }
        }
        Ok(Some(request))
    }

    /// The length of the head with its blank line, once it is whole.
    fn head(&self) -> Option<usize> {
        self.0.windows(4).position(|w| w == b"\r\n\r\n").map(|at| at + 4)
    }

    fn only_reads(&self) -> bool {
        self.0.starts_with(b"GET ")
    }

    async fn read_body(&mut self, client: &mut UnixStream) -> io::Result<()> {
        let head = self.head().unwrap_or_default();
        let text = String::from_utf8_lossy(&self.0[..head]).to_lowercase();
        let length = text.lines().find_map(|line| line.strip_prefix("content-length:"));
        let length: usize = length.map_or(0, |l| l.trim().parse().expect("a length"));
        while self.0.len() < head + length {
            if client.read_buf(&mut self.0).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }

    /// The same, asking the engine to end the connection with its answer.
    fn closing(&self) -> Vec<u8> {
        let line = self.0.windows(2).position(|w| w == b"\r\n").map_or(0, |at| at + 2);
        [&self.0[..line], b"Connection: close\r\n", &self.0[line..]].concat()
    }
}
