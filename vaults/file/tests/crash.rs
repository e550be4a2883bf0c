//! Processes that are killed while they write, and processes that write at once.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests, with their own functions")]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use coc_model::object::{Key, Object};
use coc_vault::vault::list_all;
use coc_vault::{
    Actor, At, Change, Commit, CommitId, Condition, KeyRange, LogVault, Rev, Vault, VaultError,
    WhenSame,
};
use coc_vault_file::FileStore;
use jiff::Timestamp;
use serde_json::json;

/// Where a child process finds the vault, its name, and how much it is to do.
const VAULT: &str = "COC_TEST_VAULT";
const NAME: &str = "COC_TEST_NAME";
const PAIRS: &str = "COC_TEST_PAIRS";

async fn open(path: &Path) -> LogVault {
    let store = FileStore::open_or_create(path).await.unwrap();
    LogVault::open(Arc::new(store), [9; 16]).await.unwrap()
}

fn key(name: &str) -> Key {
    format!("Plan/{name}").parse().unwrap()
}

fn put(name: &str, n: u64) -> Change {
    let filling = "x".repeat(3_000);
    let body = json!({"n": n, "filling": filling});
    Change::Put(Object { key: key(name), labels: BTreeMap::new(), schema: 1, body })
}

fn commit(id: &str, require: Vec<Condition>, change: Vec<Change>) -> Commit {
    Commit {
        id: CommitId::of(id),
        author: Actor("child".to_owned()),
        why: id.to_owned(),
        when: Timestamp::UNIX_EPOCH,
        require,
        change,
        when_same: WhenSame::Commit,
    }
}

/// Writes pairs of objects of the same number, four commits at a time, and says which of them were
/// acknowledged, one line each: `made 7 12` for number 7 at revision 12.
async fn write_pairs(path: &Path, name: &str, pairs: u64, mut said: impl std::io::Write) {
    let vault = open(path).await;
    for group in 0..pairs / 4 {
        let commits = (0..4).map(|i| {
            let n = group * 4 + i;
            let (left, right) = (format!("{name}/left/{n}"), format!("{name}/right/{n}"));
            let made = commit(&format!("{name} {n}"), vec![], vec![put(&left, n), put(&right, n)]);
            let made = vault.commit(made);
            async move { (n, made.await.unwrap().rev) }
        });
        for (n, rev) in futures::future::join_all(commits).await {
            writeln!(said, "made {n} {rev}").unwrap();
        }
        said.flush().unwrap();
    }
}

/// Adds one to a counter so many times, each time in a commit that fails if another was faster.
async fn count(path: &Path, name: &str, times: u64) {
    let vault = open(path).await;
    let mut tries = 0;
    for _ in 0..times {
        loop {
            tries += 1;
            let found = vault.get(&key("counter"), At::LATEST).await.unwrap();
            let (require, n) = match &found {
                None => (Condition::Absent(key("counter")), 0),
                Some(record) => {
                    let n = record.object.body["n"].as_u64().unwrap();
                    (Condition::Is(key("counter"), record.version.rev), n)
                }
            };
            let change = vec![put("counter", n + 1)];
            match vault.commit(commit(&format!("{name} {tries}"), vec![require], change)).await {
                Ok(_) => break,
                Err(VaultError::Conflict(_)) => {}
                Err(other) => panic!("{other}"),
            }
        }
    }
}

/// Starts this test program again, to run one test as a child process.
fn child(test: &str, vault: &Path, name: &str, pairs: u64) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(VAULT, vault)
        .env(NAME, name)
        .env(PAIRS, pairs.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

fn acknowledged(line: &str) -> Option<(u64, u64)> {
    let mut words = line.strip_prefix("made ")?.split(' ');
    Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?))
}

/// As a child process: writes without end, until it is killed. As a test: what it says is so.
#[tokio::test]
async fn a_writer_says_what_was_acknowledged() {
    if let (Ok(path), Ok(name)) = (std::env::var(VAULT), std::env::var(NAME)) {
        write_pairs(Path::new(&path), &name, u64::MAX, std::io::stdout()).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault");
    let mut said = Vec::new();
    write_pairs(&path, "w", 8, &mut said).await;
    let lines: Vec<_> = said.lines().map(|l| acknowledged(&l.unwrap()).unwrap()).collect();
    assert_eq!(lines, (0..8).map(|n| (n, n + 1)).collect::<Vec<_>>());
}

/// What a killed writer acknowledged is there, and whole; so is all else that is there.
#[tokio::test]
async fn a_killed_writer_loses_nothing_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault");
    let mut known = BTreeMap::new();
    for (round, lines) in [1, 2, 5, 9, 20, 40, 3, 77].into_iter().enumerate() {
        let name = format!("w{round}");
        let mut child = child("a_writer_says_what_was_acknowledged", &path, &name, 0);
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut heard = 0;
        while heard < lines {
            let line = said.next().expect("the writer writes without end").unwrap();
            if let Some((n, rev)) = acknowledged(&line) {
                known.insert((name.clone(), n), Rev(rev));
                heard += 1;
            }
        }
        // SIGKILL: nothing is flushed, nothing is tidied up.
        child.kill().unwrap();
        child.wait().unwrap();
        for line in said.map_while(Result::ok) {
            if let Some((n, rev)) = acknowledged(&line) {
                known.insert((name.clone(), n), Rev(rev));
            }
        }

        let vault = open(&path).await;
        for ((name, n), rev) in &known {
            for side in ["left", "right"] {
                let found =
                    vault.get(&key(&format!("{name}/{side}/{n}")), At::LATEST).await.unwrap();
                assert_eq!(found.unwrap().version.rev, *rev, "{name} {n}");
            }
        }
        let (head, all) = list_all(&vault, &KeyRange::All, At::LATEST).await.unwrap();
        assert_eq!(all.len() as u64, 2 * head.0, "every revision is a whole pair");
        let unheard = head.0 - known.len() as u64;
        assert!(unheard <= 8 * (round as u64 + 1), "{unheard} commits that nobody acknowledged");
    }
}

/// As a child process: counts. As a test: counting from two handles loses nothing.
#[tokio::test]
async fn a_counter_counts() {
    if let (Ok(path), Ok(name), Ok(times)) =
        (std::env::var(VAULT), std::env::var(NAME), std::env::var(PAIRS))
    {
        return count(Path::new(&path), &name, times.parse().unwrap()).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault");
    tokio::join!(count(&path, "a", 5), count(&path, "b", 5));
    assert_eq!(counted(&path).await, (10, Rev(10)));
}

async fn counted(path: &Path) -> (u64, Rev) {
    let record = open(path).await.get(&key("counter"), At::LATEST).await.unwrap().unwrap();
    (record.object.body["n"].as_u64().unwrap(), record.version.rev)
}

/// Several processes make the file, and append, at once: no update is lost, no revision skipped.
#[tokio::test]
async fn processes_that_race_lose_no_update() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("folder/that/is/not/there/vault");
    let children: Vec<_> =
        (0..3).map(|i| child("a_counter_counts", &path, &format!("c{i}"), 40)).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(counted(&path).await, (120, Rev(120)));
}
