//! Keeping a simulated cloud between two runs of the program.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

/// What one call changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// All that is no table: clock, counters, prices.
    pub head: Value,
    /// Rows with their table and key; no value if the row is gone.
    pub rows: Vec<(String, String, Option<Value>)>,
}

/// Where a simulated cloud is kept.
pub trait Store: Send + Sync {
    /// The last snapshot with every change since, if anything was ever kept.
    ///
    /// # Errors
    /// What kept it from being read.
    fn load(&self) -> io::Result<Option<Value>>;

    /// Keeps a change. `whole` gives the snapshot that already holds it.
    ///
    /// # Errors
    /// What kept it from being written.
    fn save(&self, change: &Change, whole: &dyn Fn() -> Value) -> io::Result<()>;
}

/// A file: a snapshot in the first line, a change in each line after it. When the changes outgrow
/// the snapshot, a new file with one line takes its place by an atomic rename. A last line that was
/// not written to its end, because the program was killed, counts as not written.
///
/// A second program that opens the same file is refused while the first one has it.
#[derive(Debug)]
pub struct FileStore {
    path: PathBuf,
    /// Held as long as the store lives.
    _lock: File,
    written: Mutex<Written>,
}

#[derive(Debug, Default)]
struct Written {
    file: Option<File>,
    snapshot: u64,
    changes: u64,
}

/// Up to this size changes are never folded into a new snapshot.
const SMALL: u64 = 1 << 20;

impl FileStore {
    /// Opens a file, or prepares to make it.
    ///
    /// # Errors
    /// The folder can't be written; another program has the file open.
    pub fn open(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        let lock = beside(&path, "lock");
        let lock_file = OpenOptions::new().create(true).truncate(false).write(true).open(&lock)?;
        lock_file.try_lock().map_err(|e| {
            let says = format!("{} is in use by another program ({e})", path.display());
            io::Error::new(io::ErrorKind::ResourceBusy, says)
        })?;
        Ok(Self { path, _lock: lock_file, written: Mutex::default() })
    }

    fn replace(&self, whole: &Value) -> io::Result<Written> {
        let next = beside(&self.path, "next");
        let mut file = File::create(&next)?;
        let mut line = whole.to_string();
        line.push('\n');
        file.write_all(line.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&next, &self.path)?;
        let file = OpenOptions::new().append(true).open(&self.path)?;
        let snapshot = u64::try_from(line.len()).unwrap_or(u64::MAX);
        Ok(Written { file: Some(file), snapshot, changes: 0 })
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(ending);
    path.with_file_name(name)
}

fn wrong(path: &Path, line: usize, says: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{}:{line}: {says}", path.display()))
}

/// Puts a change into a snapshot.
fn apply(snapshot: &mut Value, change: Value) -> Result<(), &'static str> {
    let Value::Object(mut change) = change else { return Err("a change is an object") };
    let snapshot = snapshot.as_object_mut().ok_or("the snapshot is no object")?;
    let head = change.remove("head").ok_or("a change without a head")?;
    snapshot.insert("head".to_owned(), head);
    let tables = snapshot.get_mut("tables").and_then(Value::as_object_mut);
    let tables = tables.ok_or("the snapshot has no tables")?;
    let Some(Value::Array(rows)) = change.remove("rows") else {
        return Err("a change without rows");
    };
    for row in rows {
        let (Some(table), Some(key), Some(value)) =
            (row.get(0).and_then(Value::as_str), row.get(1).and_then(Value::as_str), row.get(2))
        else {
            return Err("a row has a table, a key and a value");
        };
        let table =
            tables.get_mut(table).and_then(Value::as_object_mut).ok_or("a row of no table")?;
        if value.is_null() {
            table.remove(key);
        } else {
            table.insert(key.to_owned(), value.clone());
        }
    }
    Ok(())
}

impl Store for FileStore {
    fn load(&self) -> io::Result<Option<Value>> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(e),
        };
        let mut reader = BufReader::new(file);
        let mut whole: Option<Value> = None;
        let mut line = String::new();
        let mut number = 0;
        loop {
            line.clear();
            number += 1;
            // A line without its end was not written to its end.
            if reader.read_line(&mut line)? == 0 || !line.ends_with('\n') {
                break;
            }
            let value = serde_json::from_str(&line)
                .map_err(|e| wrong(&self.path, number, &e.to_string()))?;
            match &mut whole {
                None => whole = Some(value),
                Some(whole) => {
                    apply(whole, value).map_err(|says| wrong(&self.path, number, says))?;
                }
            }
        }
        Ok(whole)
    }

    fn save(&self, change: &Change, whole: &dyn Fn() -> Value) -> io::Result<()> {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let outgrown = written.changes > written.snapshot.max(SMALL);
        let Some(file) = written.file.as_mut().filter(|_| !outgrown) else {
            *written = self.replace(&whole())?;
            return Ok(());
        };
        let mut line = json!({"head": change.head, "rows": change.rows}).to_string();
        line.push('\n');
        if let Err(e) = file.write_all(line.as_bytes()) {
            // Half a line may be there: the next save starts a file of its own.
            written.file = None;
            return Err(e);
        }
        written.changes += u64::try_from(line.len()).unwrap_or(u64::MAX);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(now: u64, rows: &[(&str, Option<u64>)]) -> Change {
        Change {
            head: json!({"now": now}),
            rows: rows
                .iter()
                .map(|(key, value)| {
                    ("resources".to_owned(), (*key).to_owned(), value.map(|v| json!(v)))
                })
                .collect(),
        }
    }

    fn none() -> Value {
        json!({"version": 1, "head": {"now": 0}, "tables": {"resources": {}, "tokens": {}}})
    }

    #[test]
    fn what_was_kept_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dream.json");
        let store = FileStore::open(&path).unwrap();
        assert_eq!(store.load().unwrap(), None);
        store.save(&change(0, &[]), &none).unwrap();
        store.save(&change(1, &[("a", Some(1)), ("b", Some(2))]), &none).unwrap();
        store.save(&change(2, &[("a", None), ("b", Some(3))]), &none).unwrap();
        let kept = json!({"version": 1, "head": {"now": 2}, "tables": {"resources": {"b": 3}, "tokens": {}}});
        assert_eq!(store.load().unwrap(), Some(kept.clone()));
        // Killed while writing.
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"{\"head\": {\"now\": 3}, \"ro").unwrap();
        assert_eq!(store.load().unwrap(), Some(kept.clone()));
        drop(store);
        let again = FileStore::open(&path).unwrap();
        assert_eq!(again.load().unwrap(), Some(kept));
    }

    #[test]
    fn one_program_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dream.json");
        let first = FileStore::open(&path).unwrap();
        let refused = FileStore::open(&path).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ResourceBusy);
        drop(first);
        assert!(FileStore::open(&path).is_ok());
    }

    #[test]
    fn a_spoilt_file_is_told_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dream.json");
        for (text, line) in [("{]\n", ":1: "), ("{\"tables\":{}}\n{\"head\":{}}\n", ":2: ")] {
            std::fs::write(&path, text).unwrap();
            let says = FileStore::open(&path).unwrap().load().unwrap_err().to_string();
            assert!(says.contains(line), "{says}");
        }
    }

    #[test]
    fn changes_are_folded_into_a_new_snapshot() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dream.json");
        let store = FileStore::open(&path).unwrap();
        let rows: Vec<(String, String, Option<Value>)> =
            vec![("resources".into(), "a".into(), Some(json!("x".repeat(10_000))))];
        let change = Change { head: json!({"now": 1}), rows };
        let whole = || {
            let mut whole = none();
            apply(&mut whole, json!({"head": change.head, "rows": change.rows})).unwrap();
            whole
        };
        for _ in 0..300 {
            store.save(&change, &whole).unwrap();
        }
        assert!(std::fs::metadata(&path).unwrap().len() < 2 * SMALL);
        assert_eq!(store.load().unwrap(), Some(whole()));
    }
}
