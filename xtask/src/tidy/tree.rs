//! The files under version control.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::{fs, io};

use thiserror::Error;

/// The tracked files that are text, by path relative to the repository, and the names of all.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    texts: BTreeMap<String, String>,
    paths: BTreeSet<String>,
}

/// Why the files could not be read.
#[derive(Debug, Error)]
pub(crate) enum TreeError {
    /// `git` did not start.
    #[error("git did not start ({0}): install git")]
    NoGit(#[source] io::Error),
    /// `git` failed.
    #[error("git ls-files failed: {0}")]
    Git(String),
    /// A file did not read.
    #[error("{path} can't be read: {source}")]
    File {
        /// Which.
        path: String,
        /// Why.
        source: io::Error,
    },
}

impl Tree {
    /// Reads every file that `git ls-files` lists and that is still there.
    ///
    /// # Errors
    /// What [`TreeError`] lists.
    pub(crate) fn read(root: &Path) -> Result<Self, TreeError> {
        let listed = Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(root)
            .output()
            .map_err(TreeError::NoGit)?;
        if !listed.status.success() {
            return Err(TreeError::Git(String::from_utf8_lossy(&listed.stderr).trim().to_owned()));
        }
        let mut tree = Self::default();
        for path in String::from_utf8_lossy(&listed.stdout).split_terminator('\0') {
            match fs::read(root.join(path)) {
                Ok(bytes) => tree.add(path, bytes),
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                Err(source) => return Err(TreeError::File { path: path.to_owned(), source }),
            }
        }
        Ok(tree)
    }

    /// A tree of these files.
    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let mut tree = Self::default();
        for (path, text) in files {
            tree.add(path, text.as_bytes().to_vec());
        }
        tree
    }

    fn add(&mut self, path: &str, bytes: Vec<u8>) {
        self.paths.insert(path.to_owned());
        if let Ok(text) = String::from_utf8(bytes) {
            self.texts.insert(path.to_owned(), text);
        }
    }

    /// The text of one file.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.texts.get(path).map(String::as_str)
    }

    /// Every text file, in order of path.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// The text files whose name ends so.
    pub(crate) fn ending(&self, end: &str) -> impl Iterator<Item = (&str, &str)> {
        self.texts().filter(move |(path, _)| path.ends_with(end))
    }

    /// Every file, text or not.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        self.paths.iter().map(String::as_str)
    }

    /// True if a file or folder of this path is there.
    pub(crate) fn has(&self, path: &str) -> bool {
        let folder = format!("{path}/");
        path.is_empty()
            || self.paths.contains(path)
            || self.paths.range(folder.clone()..).next().is_some_and(|p| p.starts_with(&folder))
    }
}

/// The line of a byte of a text, from 1.
pub(crate) fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes().iter().take(offset).filter(|&&b| b == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_folders_are_there_or_not() {
        let tree = Tree::of(&[("a/b.rs", ""), ("a-c.rs", "")]);
        for (path, there) in
            [("a", true), ("a/b.rs", true), ("a/b", false), ("c", false), ("", true)]
        {
            assert_eq!(tree.has(path), there, "{path}");
        }
    }

    #[test]
    fn bytes_count_into_lines() {
        for (offset, line) in [(0, 1), (1, 1), (2, 2), (4, 3), (99, 3)] {
            assert_eq!(line_of("a\nb\nc", offset), line, "{offset}");
        }
    }
}
