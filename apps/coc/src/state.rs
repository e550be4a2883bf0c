//! The embedded state: a vault in one file, and who we are.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use coc_control::deploying::{Clock, Order};
use coc_model::marks::Mark;
use coc_vault::{Actor, LogVault, MemoryStore, Vault};
use coc_vault_file::FileStore;
use jiff::Timestamp;

use crate::failure::Failure;

/// The state in a folder.
pub(crate) struct State {
    pub(crate) vault: Arc<dyn Vault>,
    /// The mark of this installation.
    pub(crate) owner: Mark,
}

/// The wall clock.
pub(crate) struct WallClock;

impl Clock for WallClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let nanoseconds = i128::try_from(since.as_nanos()).unwrap_or(i128::MAX);
        Timestamp::from_nanosecond(nanoseconds).unwrap_or(Timestamp::MAX)
    }
}

/// An order of the person at the keyboard.
pub(crate) fn order(why: &str) -> Order {
    let who = std::env::var("USER").or_else(|_| std::env::var("LOGNAME"));
    Order { who: Actor(who.unwrap_or_else(|_| "somebody".to_owned())), why: why.to_owned() }
}

impl State {
    /// Opens the state of a folder; makes it if there is none.
    pub(crate) async fn open(dir: &Path) -> Result<Self, Failure> {
        let wrong = |error: &dyn std::fmt::Display| {
            let says = format!("the state in {} can't be used: {error}", dir.display());
            Failure::with_hint(says, "name another folder with --dir")
        };
        fs::create_dir_all(dir).map_err(|e| wrong(&e))?;
        let owner = owner(&dir.join("owner")).map_err(|e| wrong(&e))?;
        let store = FileStore::open_or_create(dir.join("vault.db")).await.map_err(|e| wrong(&e))?;
        let id = random_bits().map_err(|e| wrong(&e))?;
        let vault = LogVault::open(Arc::new(store), id).await.map_err(|e| wrong(&e))?;
        Ok(Self { vault: Arc::new(vault), owner })
    }

    /// The state of a folder for a look: an empty one, of which nothing is kept, if there is none.
    /// A command that turns out to be wrong, or that only shows, leaves no state behind by this.
    pub(crate) async fn look(dir: &Path) -> Result<Self, Failure> {
        if Self::is_there(dir) {
            return Self::open(dir).await;
        }
        let failed = |error: &dyn std::fmt::Display| Failure::failed(error.to_string());
        let bits = || random_bits().map_err(|e| failed(&e));
        let vault = LogVault::open(Arc::new(MemoryStore::default()), bits()?)
            .await
            .map_err(|e| failed(&e))?;
        Ok(Self { vault: Arc::new(vault), owner: Mark::from_bits(bits()?) })
    }

    /// True if a folder holds a state.
    pub(crate) fn is_there(dir: &Path) -> bool {
        dir.join("vault.db").exists()
    }
}

/// The mark of this installation, drawn once and kept beside the vault.
fn owner(path: &Path) -> std::io::Result<Mark> {
    let invalid =
        |says: &str| std::io::Error::new(std::io::ErrorKind::InvalidData, says.to_owned());
    if !path.exists() {
        let mark = Mark::from_bits(random_bits()?);
        let folder = path.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(mark.as_str().as_bytes())?;
        file.as_file().sync_all()?;
        // Another process may be as new as this one: the first one's mark counts.
        match file.persist_noclobber(path) {
            Ok(_) => return Ok(mark),
            Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error.error),
        }
    }
    let text = fs::read_to_string(path)?;
    Mark::try_from(text.trim().to_owned())
        .map_err(|error| invalid(&format!("{}: {error}", path.display())))
}

pub(crate) fn random_bits() -> std::io::Result<[u8; 16]> {
    let mut bits = [0; 16];
    getrandom::fill(&mut bits).map_err(|error| std::io::Error::other(error.to_string()))?;
    Ok(bits)
}
