//! The Compose reader as its callers see it: files in, an application or mistakes out.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail like tests")]

mod files;
mod hostile;
mod keys;
mod mistakes;
mod numbers;
mod secrets;
mod services;

use coc_formats::compose::{ComposeRead, ReadRequest, read};
use coc_formats::files::MemoryFiles;
use coc_model::application::{Application, Service};
use coc_model::mistake::Mistakes;
use serde_json::Value;

/// Files to read, and what to read them with.
struct Case {
    files: MemoryFiles,
    request: ReadRequest,
}

impl Case {
    /// A folder `/srv/shop` with nothing in it.
    fn new() -> Self {
        Self { files: MemoryFiles::in_folder("/srv/shop"), request: ReadRequest::default() }
    }

    /// A folder with one file, `compose.yaml`, which is read.
    fn of(text: &str) -> Self {
        Self::new().file("compose.yaml", text).read_file("compose.yaml")
    }

    /// One file more in the folder.
    fn file(mut self, path: &str, text: &str) -> Self {
        self.files = self.files.with(path, text);
        self
    }

    /// One file more to read.
    fn read_file(mut self, path: &str) -> Self {
        self.request.paths.push(path.to_owned());
        self
    }

    fn variable(mut self, name: &str, value: &str) -> Self {
        self.request.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    fn profile(mut self, name: &str) -> Self {
        self.request.profiles.push(name.to_owned());
        self
    }

    fn try_read(&self) -> Result<ComposeRead, Mistakes> {
        read(&self.request, &self.files)
    }

    fn read(&self) -> ComposeRead {
        self.try_read().unwrap_or_else(|mistakes| panic!("{mistakes}"))
    }

    fn application(&self) -> Application {
        self.read().application
    }

    /// The mistakes, one a line; nothing if it reads.
    fn mistakes(&self) -> Vec<String> {
        self.try_read().map_or_else(|m| m.iter().map(ToString::to_string).collect(), |_| vec![])
    }
}

/// A file whose only service, `s`, has these keys in a flow map.
fn one(keys: &str) -> Case {
    Case::of(&format!(
        "services: {{s: {{image: i, {keys}}}}}\nvolumes: {{vol: }}\nnetworks: {{n: }}\n"
    ))
}

/// The only service of such a file.
fn service(keys: &str) -> Service {
    one(keys).application().services["s"].clone()
}

/// The service as JSON.
fn json(service: &Service) -> Value {
    serde_json::to_value(service).unwrap()
}

/// The note on a key of a service.
fn note(service: &Service, key: &str) -> String {
    let found = service.keys.iter().find(|note| note.key == key);
    found.and_then(|note| note.note.clone()).unwrap_or_default()
}

/// What became of a key of a service: `used`, `carried` or `without_effect`.
fn fate(service: &Service, key: &str) -> String {
    let found = service.keys.iter().find(|note| note.key == key);
    found.map_or("absent".to_owned(), |note| {
        serde_json::to_value(note.fate).unwrap().as_str().unwrap().to_owned()
    })
}
