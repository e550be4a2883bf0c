//! Native verbs on containers.
//!
//! | verb | body | answer |
//! | --- | --- | --- |
//! | `start`, `stop`, `restart` | – | `{}` |
//! | `logs` | `tail` (lines, 100 if not said), `since` (Unix seconds) | `lines`: a list of `{stream, text}` |
//! | `exec` | `command` (a list of texts), `seconds` (60 if not said) | `exit_code`, `lines` |

use std::time::Duration;

use coc_cloud::Failure;
use coc_model::mistake::closest;
use coc_model::resource::NativeId;
use hyper::StatusCode;
use serde_json::{Value, json};

use crate::CONTAINER;
use crate::answer::Answer;
use crate::driver::{Docker, unknown_type};
use crate::engine::{Call, escape};
use crate::{NETWORK, VOLUME};

const VERBS: [&str; 5] = ["exec", "logs", "restart", "start", "stop"];

/// Lines of a log, unless said otherwise, and at most.
const TAIL: u64 = 100;
const LONGEST_TAIL: u64 = 10_000;

/// Seconds a command may take, unless said otherwise, and at most.
const COMMAND_SECONDS: u64 = 60;
const LONGEST_COMMAND_SECONDS: u64 = 3600;

/// Does a verb on a resource.
///
/// # Errors
/// [`Failure::Invalid`] for a verb or a body that is none; what the engine refuses.
pub(crate) async fn act(
    docker: &Docker,
    resource_type: &str,
    id: &NativeId,
    verb: &str,
    body: &Value,
) -> Result<Value, Failure> {
    match resource_type {
        CONTAINER => {}
        NETWORK | VOLUME => {
            return Err(Failure::Invalid(format!("a {resource_type} has no verbs")));
        }
        other => return Err(unknown_type(other)),
    }
    let container = Container { docker, id: escape(&id.0) };
    match verb {
        "start" => container.start().await,
        "stop" => container.stop().await,
        "restart" => container.restart().await,
        "logs" => container.logs(body).await,
        "exec" => container.exec(body).await,
        other => {
            let known = match closest(other, VERBS) {
                Some(meant) => format!("did you mean \"{meant}\"?"),
                None => format!("it has {}", VERBS.join(", ")),
            };
            Err(Failure::Invalid(format!("a {resource_type} has no verb \"{other}\"; {known}")))
        }
    }
}

struct Container<'a> {
    docker: &'a Docker,
    /// Its id, as a part of a path.
    id: String,
}

impl Container<'_> {
    async fn start(&self) -> Result<Value, Failure> {
        self.docker.start_container(&self.id).await.map(|()| json!({}))
    }

    async fn stop(&self) -> Result<Value, Failure> {
        let shown = self.shown().await?;
        self.docker.stop_container(&self.id, &shown).await.map(|()| json!({}))
    }

    async fn restart(&self) -> Result<Value, Failure> {
        let shown = self.shown().await?;
        self.docker.stop_container(&self.id, &shown).await?;
        self.start().await
    }

    async fn shown(&self) -> Result<Value, Failure> {
        let shown = self.docker.inspect_container(&self.id).await?;
        shown.ok_or_else(|| Failure::Failed {
            code: "404".into(),
            says: format!("there is no container {}", self.id),
        })
    }

    async fn logs(&self, body: &Value) -> Result<Value, Failure> {
        let tail = number(body, "tail")?.unwrap_or(TAIL).min(LONGEST_TAIL);
        let since = number(body, "since")?.unwrap_or(0);
        let shown = self.shown().await?;
        let path = format!(
            "/containers/{}/logs?stdout=true&stderr=true&tail={tail}&since={since}",
            self.id
        );
        let answer = self.docker.engine.call(Call::get(&path)).await?;
        if answer.status == StatusCode::NOT_IMPLEMENTED {
            return Err(Failure::Invalid(answer.says()));
        }
        let answer = answer.ok(&self.docker.name)?;
        Ok(json!({"lines": lines(&answer, shown["Config"]["Tty"] == true)}))
    }

    async fn exec(&self, body: &Value) -> Result<Value, Failure> {
        let command = body["command"]
            .as_array()
            .filter(|words| !words.is_empty() && words.iter().all(Value::is_string));
        let Some(command) = command else {
            let says = "exec needs \"command\", a list of texts: [\"ls\", \"/\"]";
            return Err(Failure::Invalid(says.into()));
        };
        let seconds = number(body, "seconds")?.unwrap_or(COMMAND_SECONDS);
        let wait = Duration::from_secs(seconds.min(LONGEST_COMMAND_SECONDS));
        let engine = &self.docker.engine;

        let request = json!({"AttachStdout": true, "AttachStderr": true, "Cmd": command});
        let path = format!("/containers/{}/exec", self.id);
        let answer = engine.call(Call::post(&path, Some(&request))).await?;
        let made = answer.ok(&self.docker.name)?.json()?;
        let id = made["Id"].as_str().ok_or_else(|| self.docker.malformed("command"))?;

        let path = format!("/exec/{}/start", escape(id));
        let request = json!({"Detach": false, "Tty": false});
        let output = engine.call(Call::post(&path, Some(&request)).taking(wait)).await?;
        let output = output.ok(&self.docker.name)?;
        let path = format!("/exec/{}/json", escape(id));
        let ended = engine.call(Call::get(&path)).await?.ok(&self.docker.name)?.json()?;
        Ok(json!({"exit_code": ended["ExitCode"], "lines": lines(&output, false)}))
    }
}

/// A number of a body, if it is said.
fn number(body: &Value, key: &str) -> Result<Option<u64>, Failure> {
    match &body[key] {
        Value::Null => Ok(None),
        value => value.as_u64().map(Some).ok_or_else(|| {
            Failure::Invalid(format!("\"{key}\" is no number of 0 or more: {value}"))
        }),
    }
}

/// The lines of an output. Without a terminal, an engine sends both streams in frames: which
/// stream (1 output, 2 errors), three zeros, the length in four bytes, and so many bytes of text.
fn lines(answer: &Answer, terminal: bool) -> Vec<Value> {
    let mut rest = &answer.body[..];
    let mut lines = Vec::new();
    if terminal {
        push_lines(&mut lines, "stdout", rest);
        return lines;
    }
    while let Some((head, after)) = rest.split_first_chunk::<8>() {
        let [stream, _, _, _, length @ ..] = *head;
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        let (text, after) = after.split_at(length.min(after.len()));
        push_lines(&mut lines, if stream == 2 { "stderr" } else { "stdout" }, text);
        rest = after;
    }
    lines
}

fn push_lines(lines: &mut Vec<Value>, stream: &str, text: &[u8]) {
    for line in String::from_utf8_lossy(text).lines() {
        lines.push(json!({"stream": stream, "text": line}));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use proptest::prelude::*;

    fn answer(body: &[u8]) -> Answer {
        Answer { status: StatusCode::OK, retry_after: None, body: Bytes::copy_from_slice(body) }
    }

    #[test]
    fn frames_become_lines_of_their_stream() {
        let mut body = Vec::new();
        for (stream, text) in [(1_u8, "a\nb\n"), (2, "wrong\n"), (1, "c")] {
            body.extend([stream, 0, 0, 0, 0, 0, 0, u8::try_from(text.len()).unwrap()]);
            body.extend(text.as_bytes());
        }
        let line = |stream: &str, text: &str| json!({"stream": stream, "text": text});
        let read = lines(&answer(&body), false);
        assert_eq!(
            read,
            [
                line("stdout", "a"),
                line("stdout", "b"),
                line("stderr", "wrong"),
                line("stdout", "c")
            ]
        );
        assert_eq!(lines(&answer(b"x\r\ny"), true), [line("stdout", "x"), line("stdout", "y")]);
    }

    proptest! {
        #[test]
        fn no_output_panics(body in prop::collection::vec(any::<u8>(), 0..64), terminal in any::<bool>()) {
            let _ = lines(&answer(&body), terminal);
        }
    }
}
