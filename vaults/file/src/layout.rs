//! The layout of the file: making it, and telling it from everything else.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use coc_vault::store::StoreError;
use rusqlite::{Connection, OpenFlags};

use crate::failure::{foreign, of_sqlite, unavailable};
use crate::filesystem;

/// `cocv`: how SQLite files of ours are told from those of others.
const APPLICATION: u32 = 0x636f_6376;
/// The layout, as SQLite's user version.
const LAYOUT: u32 = 1;
/// How long another process's write is waited for.
const BUSY: Duration = Duration::from_secs(5);
/// Pages of the write-ahead log after which they are moved into the database: 16 MiB.
const CHECKPOINT_PAGES: u32 = 4_000;

const SCHEMA: &str = "
    CREATE TABLE entry (rev INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;
    CREATE TABLE small (name TEXT PRIMARY KEY, tag INTEGER NOT NULL, body BLOB NOT NULL)
        STRICT, WITHOUT ROWID;
    CREATE TABLE head (one INTEGER PRIMARY KEY CHECK (one = 1), rev INTEGER NOT NULL) STRICT;
    INSERT INTO head VALUES (1, 0);
";

/// Makes the file if there is none, and the folders above it.
///
/// It is made whole under another name and then put in its place, so that no crash leaves half a
/// vault, and of two processes that do so at once one wins.
///
/// # Errors
/// A folder or the file can't be made, or the file system is not a local one.
pub(crate) fn create(path: &Path) -> Result<(), StoreError> {
    let folder = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder).map_err(|e| {
        unavailable(path, format!("the folder {} can't be made: {e}", folder.display()))
    })?;
    filesystem::check(folder)?;
    let failed = |e: io::Error| unavailable(path, format!("it can't be made: {e}"));
    let file = tempfile::Builder::new().prefix(".vault-").tempfile_in(folder).map_err(failed)?;
    fill(file.path()).map_err(|e| of_sqlite(path, &e))?;
    file.as_file().sync_all().map_err(failed)?;
    match file.persist_noclobber(path) {
        Ok(_) => {}
        // Another process was faster: its file is as good.
        Err(e) if e.error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(e) => return Err(failed(e.error)),
    }
    // The name must be on the disk too.
    File::open(folder).and_then(|f| f.sync_all()).map_err(failed)
}

fn fill(path: &Path) -> rusqlite::Result<()> {
    let database = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    database.pragma_update(None, "application_id", APPLICATION)?;
    database.pragma_update(None, "user_version", LAYOUT)?;
    database.execute_batch(SCHEMA)?;
    database.pragma_update(None, "journal_mode", "WAL")?;
    database.close().map_err(|(_, error)| error)
}

/// Tells by its first bytes whether a file is a vault, without touching it.
///
/// # Errors
/// What it is instead, or why it can't be read.
pub(crate) fn check(path: &Path) -> Result<(), StoreError> {
    let failed = |e: io::Error| unavailable(path, format!("it can't be read: {e}"));
    if fs::metadata(path).map_err(failed)?.is_dir() {
        return Err(foreign(path, "it is a folder"));
    }
    let mut header = Vec::new();
    File::open(path).map_err(failed)?.take(100).read_to_end(&mut header).map_err(failed)?;
    // The header of an SQLite file: https://www.sqlite.org/fileformat.html, section 1.3.
    let number = |at: usize| {
        let bytes = header.get(at..at + 4).and_then(|b| b.try_into().ok());
        bytes.map_or(0, u32::from_be_bytes)
    };
    match () {
        () if header.is_empty() => Err(foreign(path, "it is an empty file; move it away")),
        () if !header.starts_with(b"SQLite format 3\0") || header.len() < 100 => {
            Err(foreign(path, "it is not an SQLite database"))
        }
        () if number(68) != APPLICATION => {
            Err(foreign(path, "it is an SQLite database of another program"))
        }
        () if number(60) != LAYOUT => Err(foreign(
            path,
            format!("its layout is {}, this program knows {LAYOUT}: use a newer one", number(60)),
        )),
        () => Ok(()),
    }
}

/// A connection for writing.
pub(crate) fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    prepared(Connection::open_with_flags(path, flags)?)
}

/// A connection for reading only. Without the right to make the files that WAL needs beside it, a
/// file is read as it lies there, which is right if no process has left any behind.
pub(crate) fn connect_read_only(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let usual = Connection::open_with_flags(path, flags).and_then(prepared);
    let tail = fs::metadata(beside(path, "-wal")).map_or(0, |m| m.len());
    match usual {
        Err(_) if tail == 0 => {
            let flags = flags | OpenFlags::SQLITE_OPEN_URI;
            prepared(Connection::open_with_flags(uri(path, "immutable=1"), flags)?)
        }
        usual => usual,
    }
}

fn prepared(database: Connection) -> rusqlite::Result<Connection> {
    database.busy_timeout(BUSY)?;
    database.pragma_update(None, "synchronous", "FULL")?;
    database.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    database.pragma_update(None, "foreign_keys", true)?;
    database.pragma_update(None, "trusted_schema", false)?;
    database.pragma_update(None, "cell_size_check", true)?;
    // A file that shrinks under a memory map would kill the process.
    database.pragma_update(None, "mmap_size", 0)?;
    // Reads a page, so that what is no database shows here.
    database.query_row("SELECT rev FROM head", [], |row| row.get::<_, i64>(0))?;
    Ok(database)
}

fn beside(path: &Path, suffix: &str) -> std::path::PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// The path as SQLite's URI, with a parameter.
fn uri(path: &Path, parameter: &str) -> String {
    let escaped: String = path
        .to_string_lossy()
        .chars()
        .map(|c| match c {
            '%' | '?' | '#' => format!("%{:02x}", u32::from(c)),
            other => other.to_string(),
        })
        .collect();
    format!("file:{escaped}?{parameter}")
}
