//! A folder with inputs, and the program run in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

/// A copy of inputs, with a state of its own.
pub(crate) struct Folder {
    /// Held for its removal.
    _kept: TempDir,
    path: PathBuf,
}

/// How a command ended.
pub(crate) struct Run {
    pub(crate) exit: i32,
    pub(crate) out: String,
    /// What was said to the person.
    pub(crate) says: String,
}

impl Run {
    /// The document on stdout.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| {
            panic!(
                "stdout is no document ({error}), exit {}:\n{}{}",
                self.exit, self.out, self.says
            )
        })
    }

    /// The document, after the exit code was found right.
    pub(crate) fn ended(&self, exit: i32) -> Value {
        assert_eq!(self.exit, exit, "{}{}", self.out, self.says);
        self.json()
    }
}

impl Folder {
    /// A copy of the files of a folder, under its own name: some applications are called by it.
    pub(crate) fn of(inputs: &Path) -> Self {
        let kept = tempfile::tempdir().unwrap();
        let path = kept.path().join(inputs.file_name().unwrap());
        fs::create_dir(&path).unwrap();
        for entry in fs::read_dir(inputs).unwrap() {
            let file = entry.unwrap();
            if file.path().is_dir() {
                continue;
            }
            fs::copy(file.path(), path.join(file.file_name())).unwrap();
        }
        Self { _kept: kept, path }
    }

    /// A copy of these tests' own inputs.
    pub(crate) fn named(name: &str) -> Self {
        Self::of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/inputs").join(name))
    }

    /// The same with a text in one file replaced, which must be there.
    pub(crate) fn with(self, file: &str, from: &str, to: &str) -> Self {
        let path = self.path.join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file} does not hold {from:?}");
        fs::write(path, text.replace(from, to)).unwrap();
        self
    }

    /// The same with one more file.
    pub(crate) fn and(self, file: &str, text: &str) -> Self {
        fs::write(self.path.join(file), text).unwrap();
        self
    }

    /// True if the folder holds a file or folder of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.path.join(name).exists()
    }

    /// Runs the program here with words as they would be typed.
    pub(crate) fn run(&self, words: &str) -> Run {
        self.run_words(words.split_whitespace())
    }

    /// The same with one more word, which may hold spaces.
    pub(crate) fn run_with(&self, words: &str, last: &str) -> Run {
        self.run_words(words.split_whitespace().chain([last]))
    }

    fn run_words<'a>(&self, words: impl Iterator<Item = &'a str>) -> Run {
        let output = Command::new(env!("CARGO_BIN_EXE_coc"))
            .args(words)
            .current_dir(&self.path)
            .output()
            .unwrap();
        Run {
            exit: output.status.code().expect("it was not killed"),
            out: String::from_utf8(output.stdout).unwrap(),
            says: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// A field of a document, by its path (`/cost/total`), as text.
pub(crate) fn text<'a>(document: &'a Value, path: &str) -> &'a str {
    document.pointer(path).and_then(Value::as_str).unwrap_or_else(|| {
        panic!("no text at {path} in {document:#}");
    })
}

/// The field of each item of a list, in order.
pub(crate) fn each<'a>(document: &'a Value, list: &str, field: &str) -> Vec<&'a str> {
    let items = document.pointer(list).and_then(Value::as_array);
    let items = items.unwrap_or_else(|| panic!("no list at {list} in {document:#}"));
    items.iter().map(|item| text(item, field)).collect()
}

/// How often each name comes, in the order of names.
pub(crate) fn counts<'a>(names: &[&'a str]) -> Vec<(&'a str, usize)> {
    let mut counts = std::collections::BTreeMap::new();
    names.iter().for_each(|name| *counts.entry(*name).or_insert(0) += 1);
    counts.into_iter().collect()
}
