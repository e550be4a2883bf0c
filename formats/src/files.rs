//! Files by path: all that readers which follow references (includes, files of variables) ask of
//! the world, so that they can be tested without any disk.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::Path;
use std::sync::Arc;

use coc_model::mistake::Position;
use thiserror::Error;

use crate::paths;
use crate::tree::FILE_BYTES_MAX;

/// A source of files.
pub trait Files {
    /// The text of a file.
    ///
    /// # Errors
    /// What [`FileError`] lists.
    fn read(&self, path: &str) -> Result<String, FileError>;

    /// True if there is a file at the path; false for folders too.
    fn exists(&self, path: &str) -> bool;

    /// The same path from the root, tidied: a folder named `.` has a name of its own there.
    fn full_path(&self, path: &str) -> String;
}

/// Why a file can't be read, to stand after its name.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum FileError {
    /// There is nothing at the path.
    #[error("is not there")]
    Missing,
    /// There is a folder at the path.
    #[error("is a folder")]
    Folder,
    /// It has more than [`FILE_BYTES_MAX`] bytes.
    #[error("has over 32 MiB, the most that is read")]
    TooLarge,
    /// It is not UTF-8, from this place on (line and column in characters, from 1).
    #[error("is not UTF-8 text from line {line}, column {column} on")]
    NotText {
        /// The line of the first byte that is none of a character.
        line: u32,
        /// Its column.
        column: u32,
    },
    /// The system refuses, in its own words.
    #[error("can't be read: {0}")]
    Unreadable(String),
}

impl FileError {
    /// Where in the file it is wrong: its start, if it can't be read at all.
    pub fn position(&self, file: &Arc<str>) -> Position {
        match *self {
            Self::NotText { line, column } => Position::new(file, line, column),
            _ => Position::start(file),
        }
    }
}

/// The files of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct DiskFiles;

impl Files for DiskFiles {
    fn read(&self, path: &str) -> Result<String, FileError> {
        let file = File::open(path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => FileError::Missing,
            _ => FileError::Unreadable(error.to_string()),
        })?;
        if file.metadata().is_ok_and(|about| about.is_dir()) {
            return Err(FileError::Folder);
        }
        let mut bytes = Vec::new();
        let most = u64::try_from(FILE_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
        file.take(most)
            .read_to_end(&mut bytes)
            .map_err(|error| FileError::Unreadable(error.to_string()))?;
        if bytes.len() > FILE_BYTES_MAX {
            return Err(FileError::TooLarge);
        }
        String::from_utf8(bytes).map_err(|error| not_text(&error))
    }

    fn exists(&self, path: &str) -> bool {
        Path::new(path).metadata().is_ok_and(|about| !about.is_dir())
    }

    fn full_path(&self, path: &str) -> String {
        let full = std::path::absolute(path).unwrap_or_else(|_| path.into());
        paths::tidy(&full.to_string_lossy())
    }
}

/// Where a text stops being one.
fn not_text(error: &std::string::FromUtf8Error) -> FileError {
    let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
    let last = good.rsplit(|&b| b == b'\n').next().unwrap_or_default();
    let characters = last.iter().filter(|&&b| b & 0xC0 != 0x80).count();
    let from_one = |count: usize| u32::try_from(count).unwrap_or(u32::MAX).saturating_add(1);
    let line = from_one(good.iter().filter(|&&b| b == b'\n').count());
    FileError::NotText { line, column: from_one(characters) }
}

/// Files held in memory, by their tidied paths, in a folder named by its path: for tests, and for
/// files that come over the network.
#[derive(Clone, Default)]
pub struct MemoryFiles {
    folder: String,
    texts: BTreeMap<String, String>,
}

impl MemoryFiles {
    /// No files yet, in a folder with this full path.
    pub fn in_folder(folder: &str) -> Self {
        Self { folder: folder.to_owned(), texts: BTreeMap::new() }
    }

    /// The same files and one more.
    #[must_use]
    pub fn with(mut self, path: &str, text: &str) -> Self {
        self.texts.insert(paths::tidy(path), text.to_owned());
        self
    }
}

impl Files for MemoryFiles {
    fn read(&self, path: &str) -> Result<String, FileError> {
        let text = self.texts.get(&paths::tidy(path)).ok_or(FileError::Missing)?;
        if text.len() > FILE_BYTES_MAX { Err(FileError::TooLarge) } else { Ok(text.clone()) }
    }

    fn exists(&self, path: &str) -> bool {
        self.texts.contains_key(&paths::tidy(path))
    }

    fn full_path(&self, path: &str) -> String {
        paths::join(&self.folder, path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_the_disk_are_read_within_limits() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
        std::fs::write(path("good.yaml"), "a: ü\n").unwrap();
        std::fs::write(path("bad.yaml"), b"a: b\n\xc3\xbc: \xff\n").unwrap();
        std::fs::write(path("large.yaml"), vec![b' '; FILE_BYTES_MAX + 1]).unwrap();
        std::fs::create_dir(path("folder")).unwrap();
        for (name, read) in [
            ("good.yaml", Ok("a: ü\n".to_owned())),
            ("bad.yaml", Err(FileError::NotText { line: 2, column: 4 })),
            ("large.yaml", Err(FileError::TooLarge)),
            ("folder", Err(FileError::Folder)),
            ("absent.yaml", Err(FileError::Missing)),
        ] {
            assert_eq!(DiskFiles.read(&path(name)), read, "{name}");
        }
        assert!(DiskFiles.exists(&path("good.yaml")));
        assert!(!DiskFiles.exists(&path("folder")) && !DiskFiles.exists(&path("absent.yaml")));
        assert!(DiskFiles.full_path("x/../y").ends_with("/y"));
    }

    #[test]
    fn files_in_memory_are_found_by_tidied_paths() {
        let files = MemoryFiles::in_folder("/srv/shop").with("./a/b.yaml", "x");
        assert_eq!(files.read("a/../a/b.yaml").as_deref(), Ok("x"));
        assert_eq!(files.read("b.yaml"), Err(FileError::Missing));
        assert!(files.exists("a/b.yaml"));
        assert_eq!(files.full_path("."), "/srv/shop");
    }
}
