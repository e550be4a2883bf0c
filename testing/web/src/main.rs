//! A small HTTP program for test containers: it answers, and it misbehaves when told to.
//!
//! It needs nothing but the standard library, so one `rustc` call makes a static file of it that
//! runs in an empty image.
//!
//! ```text
//! web            serve on PORT (8080 if not set) until ended
//! web exit CODE  end at once with this exit code
//! web get URL    ask for a URL (http only), print the body; exit code 1 unless the answer is 200
//! ```
//!
//! The server's answers, all of them plain text:
//!
//! | path | answer |
//! | --- | --- |
//! | `/` | `hello from HOSTNAME` |
//! | `/health` | 200 `well`, or 503 `sick` after `/sicken` |
//! | `/sicken`, `/heal` | sets what `/health` says |
//! | `/env/NAME` | the variable's value; 404 if it is not set |
//! | `/get/HOST:PORT/PATH` | what another server answers, or 502 and why not |
//! | `/eat/MIB` | takes and keeps this much memory |
//! | `/exit/CODE` | ends the program with this exit code |

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How long a peer may take for one read or write.
const PATIENCE: Duration = Duration::from_secs(5);

/// The longest request line, and the longest answer of another server, in bytes.
const LONGEST: u64 = 1 << 20;

static SICK: AtomicBool = AtomicBool::new(false);

/// Memory that was eaten, kept so that it stays taken.
static EATEN: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        [] => serve(),
        ["exit", code] => code.parse::<u8>().map_or(ExitCode::from(2), ExitCode::from),
        ["get", url] => print_answer(url),
        _ => {
            eprintln!("usage: web | web exit CODE | web get URL");
            ExitCode::from(2)
        }
    }
}

/// Listens and answers each connection in a thread of its own.
fn serve() -> ExitCode {
    let port = std::env::var("PORT").ok().and_then(|p| p.parse().ok()).unwrap_or(8080);
    let listener = match TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)) {
        Ok(listener) => listener,
        Err(error) => {
            eprintln!("port {port} can't be listened on: {error}");
            return ExitCode::FAILURE;
        }
    };
    println!("listening on {port}");
    for connection in listener.incoming().flatten() {
        std::thread::spawn(move || {
            if let Err(error) = answer(&connection) {
                eprintln!("connection ended: {error}");
            }
        });
    }
    ExitCode::SUCCESS
}

/// Reads one request and writes one answer.
fn answer(connection: &TcpStream) -> io::Result<()> {
    connection.set_read_timeout(Some(PATIENCE))?;
    connection.set_write_timeout(Some(PATIENCE))?;
    let mut reader = BufReader::new(connection.take(LONGEST));
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    while reader.read_line(&mut line)? > 0 {
        if line.ends_with("\n\r\n") || line.ends_with("\n\n") {
            break;
        }
    }
    println!("{}", path.escape_default());
    let (status, body) = respond(&path);
    let mut writer = connection;
    write!(
        writer,
        "HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

/// What a path is answered with: status line and body.
fn respond(path: &str) -> (&'static str, String) {
    const OK: &str = "200 OK";
    let path = path.trim_start_matches('/');
    match path.split_once('/').unwrap_or((path, "")) {
        ("", "") => (OK, format!("hello from {}\n", host_name())),
        ("health", "") if SICK.load(Ordering::Relaxed) => {
            ("503 Service Unavailable", "sick\n".into())
        }
        ("health", "") => (OK, "well\n".into()),
        ("sicken", "") => {
            SICK.store(true, Ordering::Relaxed);
            (OK, "sick from now on\n".into())
        }
        ("heal", "") => {
            SICK.store(false, Ordering::Relaxed);
            (OK, "well from now on\n".into())
        }
        ("env", name) => match std::env::var(name) {
            Ok(value) => (OK, format!("{value}\n")),
            Err(_) => ("404 Not Found", "not set\n".into()),
        },
        ("get", rest) => match get(rest) {
            Ok((_, body)) => (OK, body),
            Err(error) => ("502 Bad Gateway", format!("{rest}: {error}\n")),
        },
        ("eat", mebibytes) => eat(mebibytes),
        ("exit", code) => std::process::exit(code.parse().unwrap_or(1)),
        _ => ("404 Not Found", "nothing here\n".into()),
    }
}

/// Takes memory and writes to it, so that it counts.
fn eat(mebibytes: &str) -> (&'static str, String) {
    let Some(bytes) = mebibytes.parse::<usize>().ok().and_then(|m| m.checked_mul(1 << 20)) else {
        return ("400 Bad Request", "eat how many MiB?\n".into());
    };
    let food = vec![1; bytes];
    if let Ok(mut eaten) = EATEN.lock() {
        eaten.push(food);
    }
    ("200 OK", format!("ate {mebibytes} MiB\n"))
}

/// The name the container goes by: the kernel's, which Docker sets.
fn host_name() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map_or_else(|_| "somewhere".into(), |name| name.trim().to_owned())
}

fn print_answer(url: &str) -> ExitCode {
    match get(url.trim_start_matches("http://")) {
        Ok((status, body)) => {
            print!("{body}");
            if status == "200" { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("{url}: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Asks `HOST:PORT/PATH`; gives the status code and the body.
fn get(address: &str) -> io::Result<(String, String)> {
    let (host, path) = address.split_once('/').unwrap_or((address, ""));
    let host = if host.contains(':') { host.to_owned() } else { format!("{host}:80") };
    let mut connection = TcpStream::connect(&host)?;
    connection.set_read_timeout(Some(PATIENCE))?;
    write!(connection, "GET /{path} HTTP/1.0\r\nHost: {host}\r\n\r\n")?;
    let mut text = String::new();
    connection.take(LONGEST).read_to_string(&mut text)?;
    let (head, body) = text
        .split_once("\r\n\r\n")
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no HTTP answer"))?;
    let status = head.split(' ').nth(1).unwrap_or_default().to_owned();
    Ok((status, body.to_owned()))
}
