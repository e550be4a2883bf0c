//! Files that a container is given before it starts: the secrets and configurations of an
//! application.
//!
//! An engine's create call takes no files; they are copied into the container between its creation
//! and its start (`PUT /containers/{id}/archive`). In a planned document they are a list under
//! [`FILES`] of `{"path": PATH, "content": CONTENT}`, with a reference in place of the content until
//! the call. This is the one key of a document that does not go to the wire.

use coc_cloud::Failure;
use hyper::StatusCode;
use serde_json::{Map, Value, json};

use crate::driver::Docker;
use crate::engine::{Call, escape};

/// The key of the files in a container's document.
pub(crate) const FILES: &str = "coc-files";

/// The mode of the files: everybody may read them, as Compose has it.
const MODE: u32 = 0o444;

/// A file of a document.
pub(crate) fn entry(path: &str, content: &Value) -> Value {
    json!({"path": path, "content": content})
}

/// Takes the files out of a document.
pub(crate) fn take(document: &mut Map<String, Value>) -> Vec<Value> {
    match document.remove(FILES) {
        Some(Value::Array(files)) => files,
        _ => Vec::new(),
    }
}

/// The files of a document.
pub(crate) fn of(document: &Value) -> &[Value] {
    document[FILES].as_array().map_or(&[], Vec::as_slice)
}

/// The paths of files: what may be told of them.
pub(crate) fn paths(files: &Value) -> Value {
    files.as_array().into_iter().flatten().map(|file| file["path"].clone()).collect()
}

/// An archive of files, by their paths from the root.
///
/// # Errors
/// [`Failure::Invalid`] for a path that an archive can't hold.
fn archive(files: &[Value]) -> Result<Vec<u8>, Failure> {
    let mut archive = tar::Builder::new(Vec::new());
    for file in files {
        let (Some(path), Some(content)) = (file["path"].as_str(), file["content"].as_str()) else {
            let says = format!("\"{FILES}\" holds something that has no path and content");
            return Err(Failure::Invalid(says));
        };
        let wrong = |e: std::io::Error| Failure::Invalid(format!("file {path}: {e}"));
        let mut header = tar::Header::new_gnu();
        header.set_mode(MODE);
        header.set_size(content.len().try_into().unwrap_or(u64::MAX));
        let inside = path.trim_start_matches('/');
        archive.append_data(&mut header, inside, content.as_bytes()).map_err(wrong)?;
    }
    archive.into_inner().map_err(|e| Failure::Invalid(format!("the files make no archive: {e}")))
}

impl Docker {
    /// Copies files into a container that was made and not started.
    pub(crate) async fn give_files(&self, id: &str, files: &[Value]) -> Result<(), Failure> {
        if files.is_empty() {
            return Ok(());
        }
        let archive = archive(files)?;
        let path = format!("/containers/{}/archive?path=%2F", escape(id));
        let answer = self.engine.call(Call::put(&path, &archive)).await?;
        if answer.status == StatusCode::FORBIDDEN {
            let says = format!(
                "files can't be copied into a container whose file system can't be written to: {}",
                answer.says()
            );
            return Err(Failure::Invalid(says));
        }
        answer.ok(&self.name).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;

    #[test]
    fn an_archive_holds_each_file_at_its_path() {
        let files = [entry("/run/secrets/a", &json!("canary")), entry("/b", &json!(""))];
        let packed = archive(&files).unwrap();
        let mut read = Vec::new();
        for entry in tar::Archive::new(&packed[..]).entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            let path = entry.path().unwrap().to_string_lossy().into_owned();
            read.push((path, text, entry.header().mode().unwrap()));
        }
        let file = |path: &str, text: &str| (path.to_owned(), text.to_owned(), MODE);
        assert_eq!(read, [file("run/secrets/a", "canary"), file("b", "")]);
    }

    #[test]
    fn what_is_no_file_is_refused_and_its_content_not_told() {
        for wrong in [json!({"path": "/a"}), json!("a"), entry("/../a", &json!("canary"))] {
            let failure = archive(&[wrong]).unwrap_err().to_string();
            assert!(!failure.contains("canary"), "{failure}");
        }
    }
}
