//! A way to an engine that counts requests and remembers the last change.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{UnixListener, UnixStream};

use crate::engines::Engine;

/// What passed. The driver makes a connection per request.
#[derive(Default)]
pub(crate) struct Recorder {
    requests: AtomicU64,
    last_change: Mutex<Value>,
}

impl Recorder {
    /// Listens at a socket for requests to an engine.
    pub(crate) fn before(engine: &Engine, socket: &Path) -> Arc<Self> {
        let recorder = Arc::new(Self::default());
        let listener = UnixListener::bind(socket).expect("a socket");
        let engine = PathBuf::from(engine.endpoint.trim_start_matches("unix://"));
        let shared = Arc::clone(&recorder);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, engine.clone(), Arc::clone(&shared)));
            }
        });
        recorder
    }

    /// How many requests there were.
    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::SeqCst)
    }

    /// The body of the last update.
    pub(crate) fn last_change(&self) -> Value {
        self.last_change.lock().expect("a body").clone()
    }
}

/// Passes a request and its answer. Bodies of updates come whole with their head: they are small.
async fn pass(mut client: UnixStream, engine: PathBuf, recorder: Arc<Recorder>) -> io::Result<()> {
    let mut request = vec![0; 64 << 10];
    let mut length = 0;
    let body = loop {
        let read = client.read(&mut request[length..]).await?;
        length += read;
        let text = String::from_utf8_lossy(&request[..length]);
        match text.split_once("\r\n\r\n") {
            Some((head, _)) if !head.lines().next().is_some_and(|l| l.contains("/update ")) => {
                break None;
            }
            Some((_, body)) => {
                if let Ok(body) = serde_json::from_str(body) {
                    break Some(body);
                }
            }
            None => {}
        }
        if read == 0 {
            return Ok(());
        }
    };
    recorder.requests.fetch_add(1, Ordering::SeqCst);
    if let Some(body) = body {
        *recorder.last_change.lock().expect("a body") = body;
    }
    let mut server = UnixStream::connect(engine).await?;
    server.write_all(&request[..length]).await?;
    copy_bidirectional(&mut client, &mut server).await.map(drop)
}
