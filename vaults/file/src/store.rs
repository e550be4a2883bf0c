//! The backend.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use coc_vault::Rev;
use coc_vault::store::{Access, Appended, LogStore, Span, StoreError, StoredEntry, Tag};
use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout_at};

use crate::failure::{damaged, of_sqlite, place, unavailable};
use crate::layout;

/// Bytes that one reading gives at most, except that a single larger entry is given whole.
const READ_BYTES: usize = 8 << 20;
/// How often to look whether another process has written. It costs a look at shared memory.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// A backend in one file.
pub struct FileStore {
    inside: Arc<Inside>,
    access: Access,
    appended: Notify,
}

struct Inside {
    path: PathBuf,
    /// One connection writes, so that writers of this process queue here and not at SQLite's lock.
    /// The same one reads where the file can only be read.
    writer: Mutex<Connection>,
    reader: Mutex<Connection>,
}

impl FileStore {
    /// Opens the vault in a file.
    ///
    /// # Errors
    /// There is no such file, it is something else than a vault, or it can't be used.
    pub async fn open(path: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let path = path.into();
        blocking(path.clone(), move || open(path)).await
    }

    /// Opens the vault in a file; makes the file and the folders above it if there is none.
    ///
    /// # Errors
    /// It can't be made, is something else than a vault, or can't be used.
    pub async fn open_or_create(path: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let path = path.into();
        blocking(path.clone(), move || {
            if !path.exists() {
                layout::create(&path)?;
            }
            open(path)
        })
        .await
    }

    async fn with<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Inside) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let inside = Arc::clone(&self.inside);
        blocking(self.inside.path.clone(), move || job(&inside)).await
    }
}

/// Runs a job that blocks where that holds nobody up.
async fn blocking<T: Send + 'static>(
    path: PathBuf,
    job: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let done = tokio::task::spawn_blocking(job).await;
    done.unwrap_or_else(|_| Err(unavailable(&path, "the program is shutting down")))
}

fn open(path: PathBuf) -> Result<FileStore, StoreError> {
    layout::check(&path)?;
    let access = access(&path);
    let connect = || match access {
        Access::ReadWrite => layout::connect(&path),
        Access::ReadOnly { .. } => layout::connect_read_only(&path),
    };
    let (writer, reader) =
        connect().and_then(|w| Ok((w, connect()?))).map_err(|e| of_sqlite(&path, &e))?;
    let inside = Inside { path, writer: Mutex::new(writer), reader: Mutex::new(reader) };
    Ok(FileStore { inside: Arc::new(inside), access, appended: Notify::new() })
}

/// A file whose rights let nobody write is not written to by root either: someone meant that.
fn access(path: &Path) -> Access {
    let protected = path.metadata().is_ok_and(|m| m.permissions().readonly());
    let opened = std::fs::OpenOptions::new().write(true).open(path);
    match (protected, opened) {
        (false, Ok(_)) => Access::ReadWrite,
        (true, _) => Access::ReadOnly { why: "the file is write-protected".to_owned() },
        (false, Err(error)) => {
            Access::ReadOnly { why: format!("the file can't be opened for writing: {error}") }
        }
    }
}

impl Inside {
    fn writer(&self) -> MutexGuard<'_, Connection> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reader(&self) -> MutexGuard<'_, Connection> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self, error: &rusqlite::Error) -> StoreError {
        of_sqlite(&self.path, error)
    }

    fn append(&self, span: Span, entry: &[u8]) -> Result<Appended, StoreError> {
        let mut writer = self.writer();
        let change = writer
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(|e| self.failed(&e))?;
        let head = head(&change).map_err(|e| self.failed(&e))?;
        if span.first <= head {
            return Ok(Appended::Taken);
        }
        if span.first != head.next() {
            let says = format!("entry {} would leave a gap", span.first);
            return Err(damaged(&self.path, format!("head {head}"), says));
        }
        insert(&change, span, entry).map_err(|e| self.failed(&e))?;
        match change.commit() {
            Ok(()) => Ok(Appended::Done),
            // Whether it is there can be seen, and the reason is worth more than "unknown".
            Err(error) => match stored(&writer, span.first) {
                Ok(Some(bytes)) if bytes == entry => Ok(Appended::Done),
                Ok(_) => Err(self.failed(&error)),
                Err(_) => Ok(Appended::Unknown),
            },
        }
    }

    fn read(&self, from: Rev, most: usize) -> Result<Vec<StoredEntry>, StoreError> {
        let mut reader = self.reader();
        let view = reader.transaction().map_err(|e| self.failed(&e))?;
        let entries = entries(&view, from, most).map_err(|e| self.failed(&e))?;
        if entries.first().is_some_and(|entry| entry.first == from) {
            return Ok(entries);
        }
        let head = head(&view).map_err(|e| self.failed(&e))?;
        if head.next() == from && entries.is_empty() {
            return Ok(entries);
        }
        let says = format!("the log does not go on there, although its head is {head}");
        Err(damaged(&self.path, format!("entry {from}"), says))
    }

    fn small(&self, name: &str) -> Result<Option<(Tag, Vec<u8>)>, StoreError> {
        small(&self.reader(), name).map_err(|e| self.failed(&e))
    }

    fn swap(&self, name: &str, seen: Option<Tag>, bytes: &[u8]) -> Result<Option<Tag>, StoreError> {
        let mut writer = self.writer();
        let mut swapped = || {
            let change = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
            if small(&change, name)?.map(|(tag, _)| tag) != seen {
                return Ok(None);
            }
            let tag = seen.map_or(1, |Tag(n)| n + 1);
            change.execute(
                "INSERT INTO small VALUES (?1, ?2, ?3)
                 ON CONFLICT (name) DO UPDATE SET tag = ?2, body = ?3",
                params![name, tag.cast_signed(), bytes],
            )?;
            change.commit()?;
            Ok(Some(Tag(tag)))
        };
        swapped().map_err(|e: rusqlite::Error| self.failed(&e))
    }

    /// A number that changes when another connection has written.
    fn data_version(&self) -> Result<i64, StoreError> {
        self.reader()
            .pragma_query_value(None, "data_version", |row| row.get(0))
            .map_err(|e| self.failed(&e))
    }
}

fn head(database: &Connection) -> rusqlite::Result<Rev> {
    database.query_row("SELECT rev FROM head", [], |row| revision(row, 0))
}

fn insert(change: &Transaction<'_>, span: Span, entry: &[u8]) -> rusqlite::Result<()> {
    let (first, last) = (span.first.0.cast_signed(), span.last.0.cast_signed());
    change.prepare_cached("INSERT INTO entry VALUES (?1, ?2)")?.execute(params![first, entry])?;
    change.prepare_cached("UPDATE head SET rev = ?1")?.execute([last])?;
    Ok(())
}

fn stored(database: &Connection, rev: Rev) -> rusqlite::Result<Option<Vec<u8>>> {
    let rev = rev.0.cast_signed();
    database.query_row("SELECT body FROM entry WHERE rev = ?1", [rev], |row| row.get(0)).optional()
}

fn entries(view: &Connection, from: Rev, most: usize) -> rusqlite::Result<Vec<StoredEntry>> {
    let mut select =
        view.prepare_cached("SELECT rev, body FROM entry WHERE rev >= ?1 ORDER BY rev")?;
    let mut rows = select.query([from.0.cast_signed()])?;
    let (mut entries, mut size) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let bytes: Vec<u8> = row.get(1)?;
        size += bytes.len();
        if entries.len() == most || (size > READ_BYTES && !entries.is_empty()) {
            break;
        }
        entries.push(StoredEntry { first: revision(row, 0)?, bytes });
    }
    Ok(entries)
}

fn small(database: &Connection, name: &str) -> rusqlite::Result<Option<(Tag, Vec<u8>)>> {
    let row =
        |row: &rusqlite::Row<'_>| Ok((Tag(row.get::<_, i64>(0)?.cast_unsigned()), row.get(1)?));
    database.query_row("SELECT tag, body FROM small WHERE name = ?1", [name], row).optional()
}

fn revision(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Rev> {
    Ok(Rev(row.get::<_, i64>(column)?.cast_unsigned()))
}

#[async_trait]
impl LogStore for FileStore {
    async fn append(&self, span: Span, entry: &[u8]) -> Result<Appended, StoreError> {
        if let Access::ReadOnly { why } = &self.access {
            return Err(StoreError::ReadOnly { place: self.place(), why: why.clone() });
        }
        let entry = entry.to_vec();
        let appended = self.with(move |inside| inside.append(span, &entry)).await?;
        if appended == Appended::Done {
            self.appended.notify_waiters();
        }
        Ok(appended)
    }

    async fn read(&self, from: Rev, most: usize) -> Result<Vec<StoredEntry>, StoreError> {
        self.with(move |inside| inside.read(from, most)).await
    }

    async fn wait(&self, after: Rev, most: Duration) {
        let until = Instant::now() + most;
        // Registered before looking, so that an append of this process in between still wakes.
        let appended = self.appended.notified();
        tokio::pin!(appended);
        appended.as_mut().enable();
        let Ok(seen) = self.with(Inside::data_version).await else { return };
        if self.read(after.next(), 1).await.is_ok_and(|more| !more.is_empty()) {
            return;
        }
        let others = async {
            loop {
                sleep(LOOK_EVERY).await;
                if self.with(Inside::data_version).await != Ok(seen) {
                    return;
                }
            }
        };
        let either = async {
            tokio::select! {
                () = appended => {}
                () = others => {}
            }
        };
        // Both outcomes mean the same: look again.
        let _ = timeout_at(until, either).await;
    }

    async fn small(&self, name: &str) -> Result<Option<(Tag, Vec<u8>)>, StoreError> {
        let name = name.to_owned();
        self.with(move |inside| inside.small(&name)).await
    }

    async fn swap(
        &self,
        name: &str,
        seen: Option<Tag>,
        bytes: &[u8],
    ) -> Result<Option<Tag>, StoreError> {
        if let Access::ReadOnly { why } = &self.access {
            return Err(StoreError::ReadOnly { place: self.place(), why: why.clone() });
        }
        let (name, bytes) = (name.to_owned(), bytes.to_vec());
        self.with(move |inside| inside.swap(&name, seen, &bytes)).await
    }

    fn access(&self) -> Access {
        self.access.clone()
    }

    fn place(&self) -> String {
        place(&self.inside.path)
    }
}
