//! A way to an engine on which the program can be stopped at a call of its choice.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// On which side of a call's effect it is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// The engine never hears of the call.
    Before,
    /// The engine has done it, and nobody hears so.
    After,
}

/// A call that is held until this is dropped: then it is dropped too.
pub(crate) struct Held(#[expect(dead_code, reason = "dropping it lets the call go")] Sender<()>);

struct Armed {
    calls: usize,
    moment: Moment,
    sprung: Sender<Held>,
}

/// Waits for a call that changes something; of several ways, whichever carries it.
#[derive(Clone, Default)]
pub(crate) struct Trap(Arc<Mutex<Option<Armed>>>);

impl Trap {
    /// Sets the trap for the call of this number, counted from 1 on from now.
    pub(crate) fn set(&self, number: usize, moment: Moment) -> Receiver<Held> {
        let (sprung, receiver) = channel();
        *self.armed() = Some(Armed { calls: number, moment, sprung });
        receiver
    }

    fn armed(&self) -> std::sync::MutexGuard<'_, Option<Armed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a call; gives the trap if this call is the one.
    fn count(&self) -> Option<Armed> {
        let mut armed = self.armed();
        armed.as_mut()?.calls -= 1;
        armed.take_if(|armed| armed.calls == 0)
    }
}

impl Armed {
    /// Tells that the call is here, and waits until it may go.
    fn spring(&self) {
        let (held, release) = channel();
        if self.sprung.send(Held(held)).is_ok() {
            let _ = release.recv();
        }
    }
}

/// Opens a way at `socket` to the engine at `engine`.
pub(crate) fn open(socket: &Path, engine: &str, trap: &Trap) {
    let listener = UnixListener::bind(socket).expect("it is bound");
    let (engine, trap) = (engine.to_owned(), trap.clone());
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let (engine, trap) = (engine.clone(), trap.clone());
            // A broken connection is the business of whoever made it.
            thread::spawn(move || carry(client, &engine, &trap));
        }
    });
}

fn carry(mut client: UnixStream, engine: &str, trap: &Trap) -> io::Result<()> {
    let mut begin = Vec::new();
    let mut part = [0; 4096];
    while !begin.windows(4).any(|w| w == b"\r\n\r\n") {
        let length = client.read(&mut part)?;
        if length == 0 {
            return Ok(());
        }
        begin.extend_from_slice(&part[..length]);
    }
    let changes = !begin.starts_with(b"GET ");
    let armed = if changes { trap.count() } else { None };
    if let Some(armed) = armed.as_ref().filter(|armed| armed.moment == Moment::Before) {
        armed.spring();
        return Ok(());
    }
    let mut engine = UnixStream::connect(engine)?;
    engine.write_all(&begin)?;
    let (mut from, mut to) = (client.try_clone()?, engine.try_clone()?);
    thread::spawn(move || {
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
    if let Some(armed) = armed {
        // An engine begins to answer when it has done what it was asked.
        let _ = engine.read(&mut part)?;
        armed.spring();
    } else {
        io::copy(&mut engine, &mut client)?;
    }
    client.shutdown(Shutdown::Both)
}
