//! Files that are no vaults, damaged ones, and ones that can't be written: told precisely, never a
//! panic, and never a wrong answer.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests, with their own functions")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use coc_model::object::Object;
use coc_vault::store::StoreError;
use coc_vault::vault::list_all;
use coc_vault::{
    Actor, At, Change, Commit, CommitId, KeyRange, LogVault, Record, Rev, Vault, VaultError,
    VaultState, WhenSame,
};
use coc_vault_file::FileStore;
use jiff::Timestamp;
use serde_json::json;

type Content = (Rev, Vec<Record>);

async fn open(path: &Path) -> Result<LogVault, VaultError> {
    let store = FileStore::open(path).await?;
    LogVault::open(Arc::new(store), [9; 16]).await
}

async fn open_or_create(path: &Path) -> Result<LogVault, VaultError> {
    let store = FileStore::open_or_create(path).await?;
    LogVault::open(Arc::new(store), [9; 16]).await
}

async fn content(path: &Path) -> Result<Content, VaultError> {
    list_all(&open(path).await?, &KeyRange::All, At::LATEST).await
}

fn commit(n: u64) -> Commit {
    let body = json!({"n": n, "text": format!("text {n} ").repeat(60)});
    let key = format!("Plan/k{}", n % 10).parse().unwrap();
    Commit {
        id: CommitId::of(&n.to_string()),
        author: Actor("ann".to_owned()),
        why: String::new(),
        when: Timestamp::UNIX_EPOCH,
        require: vec![],
        change: vec![Change::Put(Object { key, labels: BTreeMap::new(), schema: 1, body })],
        when_same: WhenSame::Commit,
    }
}

/// A vault of forty commits, all of it in the one file.
async fn sample(folder: &Path) -> (Vec<u8>, Content) {
    let path = folder.join("sample");
    let vault = open_or_create(&path).await.unwrap();
    for n in 0..40 {
        vault.commit(commit(n)).await.unwrap();
    }
    drop(vault);
    let expected = content(&path).await.unwrap();
    let moved = rusqlite::Connection::open(&path).unwrap();
    moved.pragma_update(None, "wal_checkpoint", "TRUNCATE").unwrap();
    drop(moved);
    let log = fs::metadata(folder.join("sample-wal")).map_or(0, |m| m.len());
    assert_eq!(log, 0, "everything is in the one file");
    (fs::read(&path).unwrap(), expected)
}

/// Opens these bytes as a vault: the content, or an error that names the file.
async fn opened(folder: &Path, bytes: &[u8]) -> Result<Content, VaultError> {
    let path = folder.join("changed");
    for suffix in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(folder.join(format!("changed{suffix}")));
    }
    fs::write(&path, bytes).unwrap();
    let outcome = content(&path).await;
    if let Err(error) = &outcome {
        assert!(error.to_string().contains("changed"), "it names the file: {error}");
    }
    outcome
}

#[tokio::test]
async fn a_file_that_is_no_vault_is_named_for_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let foreign = folder.path().join("foreign.db");
    let database = rusqlite::Connection::open(&foreign).unwrap();
    database.execute_batch("CREATE TABLE a (b)").unwrap();
    drop(database);
    let newer = folder.path().join("newer");
    let (mut header, _) = sample(folder.path()).await;
    // The user version, as a big-endian number.
    header[60..64].copy_from_slice(&[0, 0, 0, 2]);
    fs::write(&newer, header).unwrap();
    let text = folder.path().join("notes.txt");
    fs::write(&text, "SQLite is nice").unwrap();
    let empty = folder.path().join("empty");
    fs::write(&empty, "").unwrap();

    for (path, says) in [
        (foreign, "it is an SQLite database of another program"),
        (newer, "its layout is 2, this program knows 1: use a newer one"),
        (text, "it is not an SQLite database"),
        (empty, "it is an empty file; move it away"),
        (folder.path().to_owned(), "it is a folder"),
    ] {
        let before = fs::read(&path).ok();
        let expected =
            StoreError::Foreign { place: path.display().to_string(), says: says.to_owned() };
        for outcome in [open(&path).await, open_or_create(&path).await] {
            assert_eq!(outcome.err(), Some(expected.clone().into()), "{}", path.display());
        }
        assert_eq!(fs::read(&path).ok(), before, "it is left as it was");
    }
}

#[tokio::test]
async fn a_missing_file_is_not_made_by_opening() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none");
    let error = open(&path).await.err().unwrap().to_string();
    assert!(error.ends_with("it can't be read: No such file or directory (os error 2)"), "{error}");
    assert!(!path.exists());
}

#[tokio::test]
async fn a_folder_that_can_not_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let path = file.join("sub/vault");
    let error = open_or_create(&path).await.err().unwrap().to_string();
    let expected = format!("the folder {} can't be made: ", file.join("sub").display());
    assert!(error.contains(&expected), "{error}");
}

#[tokio::test]
async fn a_file_cut_anywhere_is_refused_or_whole() {
    let folder = tempfile::tempdir().unwrap();
    let (bytes, expected) = sample(folder.path()).await;
    assert_eq!(opened(folder.path(), &bytes).await.as_ref(), Ok(&expected));
    let mut refused = 0;
    for cut in (0..bytes.len()).step_by(1_000) {
        match opened(folder.path(), &bytes[..cut]).await {
            Ok(found) => assert_eq!(found, expected, "cut at {cut}"),
            Err(VaultError::Store(StoreError::Foreign { .. } | StoreError::Damaged { .. })) => {
                refused += 1;
            }
            Err(other) => panic!("cut at {cut}: {other}"),
        }
    }
    assert!(refused > bytes.len() / 2_000, "{refused}");
}

#[tokio::test]
async fn a_changed_byte_anywhere_is_refused_or_harmless() {
    let folder = tempfile::tempdir().unwrap();
    let (bytes, expected) = sample(folder.path()).await;
    let mut refused = 0;
    // The first page byte by byte, where the database says what it is; the rest in steps.
    for at in (0..4_096).step_by(5).chain((4_096..bytes.len()).step_by(61)) {
        let mut changed = bytes.clone();
        changed[at] ^= 0x41;
        match opened(folder.path(), &changed).await {
            Ok(found) => assert_eq!(found, expected, "byte {at}"),
            Err(VaultError::Store(_)) => refused += 1,
            Err(other) => panic!("byte {at}: {other}"),
        }
    }
    assert!(refused > 100, "{refused}");
}

#[tokio::test]
async fn a_missing_entry_is_named() {
    for (sql, says) in [
        (
            "DELETE FROM entry WHERE rev = 7",
            "damaged at entry 7: it is missing; the next one there is 8",
        ),
        ("DELETE FROM entry WHERE rev > 30", "damaged at entry 31: the log does not go on there"),
        ("UPDATE head SET rev = 12", "damaged at entry 41: the log does not go on there"),
        (
            "UPDATE entry SET body = (SELECT body FROM entry WHERE rev = 3) WHERE rev = 4",
            "damaged at entry 4: it belongs to another revision",
        ),
        ("UPDATE entry SET body = x'00' WHERE rev = 9", "entry 9: 1 bytes are too few"),
        ("DELETE FROM small", "damaged at entry 1: it belongs to another vault"),
        ("UPDATE small SET body = x'7b'", "damaged at ROOT: "),
        ("DELETE FROM head", "damaged at the database: "),
        ("DROP TABLE entry", "damaged at the database: no such table"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        sample(folder.path()).await;
        let path = folder.path().join("sample");
        rusqlite::Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        // Another id, as a new process would bring: it must not replace a lost one silently.
        let store = FileStore::open(&path).await;
        let outcome = match store {
            Ok(store) => LogVault::open(Arc::new(store), [1; 16]).await,
            Err(error) => Err(error.into()),
        };
        let error = outcome.err().unwrap_or_else(|| panic!("{sql} went unnoticed")).to_string();
        assert!(error.contains(says), "{sql}: {error}");
    }
}

#[tokio::test]
async fn damage_that_comes_while_it_is_open_is_told() {
    let folder = tempfile::tempdir().unwrap();
    sample(folder.path()).await;
    let path = folder.path().join("sample");
    let vault = open(&path).await.unwrap();
    let sql = "UPDATE head SET rev = 41; INSERT INTO entry VALUES (41, x'00')";
    rusqlite::Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    let error = vault.commit(commit(99)).await.err().unwrap().to_string();
    assert!(error.contains("damaged at entry 41"), "{error}");
}

#[tokio::test]
async fn a_protected_file_is_read_and_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let (_, expected) = sample(folder.path()).await;
    let path = folder.path().join("sample");
    let before = fs::read(&path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
    let vault = open(&path).await.unwrap();
    let why = "the file is write-protected".to_owned();
    assert_eq!(vault.state(), VaultState::ReadOnly { why: why.clone() });
    assert_eq!(list_all(&vault, &KeyRange::All, At::LATEST).await.unwrap(), expected);
    let refused = StoreError::ReadOnly { place: path.display().to_string(), why };
    assert_eq!(vault.commit(commit(99)).await, Err(refused.into()));
    drop(vault);
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn a_copy_of_the_file_is_a_vault() {
    let folder = tempfile::tempdir().unwrap();
    let (bytes, expected) = sample(folder.path()).await;
    let copy = folder.path().join("copy with # and ? and %41.vault");
    fs::write(&copy, bytes).unwrap();
    assert_eq!(content(&copy).await.unwrap(), expected);
    assert_eq!(open(&copy).await.unwrap().commit(commit(99)).await.unwrap().rev, Rev(41));
}
