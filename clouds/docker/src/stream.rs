//! Streams of JSON documents: events, and the progress of a pull.

use std::time::Duration;

use coc_cloud::Failure;
use http_body_util::BodyExt;
use hyper::Response;
use hyper::body::Incoming;
use serde_json::Value;
use tokio::time::timeout;

/// The longest document, in bytes.
const LONGEST_DOCUMENT: usize = 1 << 20;

/// The documents of an answer that goes on, one per line.
pub(crate) struct Documents {
    body: Incoming,
    lines: Lines,
}

impl Documents {
    pub(crate) fn of(response: Response<Incoming>) -> Self {
        Self { body: response.into_body(), lines: Lines::default() }
    }

    /// The next document; `None` at the end.
    ///
    /// # Errors
    /// [`Failure::Lost`] if nothing comes for this long, or the connection breaks;
    /// [`Failure::Failed`] for what is not JSON.
    pub(crate) async fn next(&mut self, quiet: Duration) -> Result<Option<Value>, Failure> {
        loop {
            if let Some(line) = self.lines.next()? {
                return serde_json::from_slice(&line).map(Some).map_err(|e| Failure::Failed {
                    code: "no-json".into(),
                    says: format!("in a stream: {e}"),
                });
            }
            let frame = timeout(quiet, self.body.frame())
                .await
                .map_err(|_| Failure::Lost(format!("the engine was silent for {quiet:?}")))?;
            match frame {
                None => return Ok(None),
                Some(Err(e)) => return Err(Failure::Lost(format!("the stream broke off: {e}"))),
                Some(Ok(frame)) => {
                    if let Some(data) = frame.data_ref() {
                        self.lines.add(data);
                    }
                }
            }
        }
    }
}

/// Bytes cut into lines.
#[derive(Default)]
struct Lines {
    buffer: Vec<u8>,
    /// Up to here there is no line end.
    searched: usize,
}

impl Lines {
    fn add(&mut self, data: &[u8]) {
        self.buffer.extend_from_slice(data);
    }

    /// The next whole line that is not blank, without its end.
    fn next(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        while let Some(end) = self.buffer[self.searched..].iter().position(|b| *b == b'\n') {
            let rest = self.buffer.split_off(self.searched + end + 1);
            let line = std::mem::replace(&mut self.buffer, rest);
            self.searched = 0;
            if line.iter().any(|b| !b.is_ascii_whitespace()) {
                return Ok(Some(line));
            }
        }
        self.searched = self.buffer.len();
        if self.buffer.len() > LONGEST_DOCUMENT {
            let says = "a document in a stream is too long".to_owned();
            return Err(Failure::Failed { code: "no-json".into(), says });
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_line_without_end_is_not_kept_for_ever() {
        let mut lines = Lines::default();
        lines.add(&vec![b'x'; LONGEST_DOCUMENT + 1]);
        assert!(lines.next().is_err());
    }

    proptest! {
        #[test]
        fn lines_are_the_same_however_they_arrive(
            texts in prop::collection::vec("[a-z]{1,6}", 0..6),
            cut in 1_usize..7,
        ) {
            let sent: Vec<u8> = texts.iter().flat_map(|t| format!("{t}\r\n\n").into_bytes()).collect();
            let mut lines = Lines::default();
            let mut read = Vec::new();
            for part in sent.chunks(cut) {
                lines.add(part);
                while let Some(line) = lines.next().unwrap() {
                    read.push(String::from_utf8(line).unwrap().trim().to_owned());
                }
            }
            prop_assert_eq!(read, texts);
        }
    }
}
