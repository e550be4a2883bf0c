//! What an engine answers, and what its refusals mean.

use std::time::Duration;

use bytes::Bytes;
use coc_cloud::Failure;
use hyper::StatusCode;
use serde_json::Value;

use crate::engine::is_success;

/// A whole answer.
pub(crate) struct Answer {
    pub status: StatusCode,
    pub retry_after: Option<Duration>,
    pub body: Bytes,
}

/// Words of an engine that tell why it could not: it gives them the status of an internal error,
/// or of a wrong request. Compared without case.
const SHORTAGES: [(&str, &str); 7] = [
    ("no space left on device", "disk"),
    ("cannot allocate memory", "memory"),
    ("range of cpus is from", "processors"),
    ("non-overlapping ipv4 address pool", "address pools for networks"),
    ("address pools have been fully subnetted", "address pools for networks"),
    ("no available ipv4 addresses", "addresses in the network"),
    ("could not select device driver", "devices"),
];

/// Words that tell what has to be set free first.
const OBSTACLES: [&str; 3] =
    ["port is already allocated", "address already in use", "is already in progress"];

/// Words by which older engines refuse a field of another type, as an internal error.
const WRONG_TYPE: &str = "json: cannot unmarshal";

impl Answer {
    /// The answer if the call did what it should.
    ///
    /// # Errors
    /// What the refusal means.
    pub(crate) fn ok(self, cloud: &str) -> Result<Self, Failure> {
        if is_success(self.status) { Ok(self) } else { Err(self.refusal(cloud)) }
    }

    /// The document in it.
    ///
    /// # Errors
    /// [`Failure::Failed`] if it is not JSON.
    pub(crate) fn json(&self) -> Result<Value, Failure> {
        serde_json::from_slice(&self.body).map_err(|e| Failure::Failed {
            code: "no-json".into(),
            says: format!("the answer is not JSON: {e}"),
        })
    }

    /// What it says, in one line of at most 500 characters.
    pub(crate) fn says(&self) -> String {
        let text = match serde_json::from_slice::<Value>(&self.body) {
            Ok(Value::Object(object)) => match object.get("message").and_then(Value::as_str) {
                Some(message) => message.to_owned(),
                None => String::from_utf8_lossy(&self.body).into_owned(),
            },
            _ => String::from_utf8_lossy(&self.body).into_owned(),
        };
        let line: String =
            text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).take(500).collect();
        if line.is_empty() { format!("status {} without a word", self.status) } else { line }
    }

    /// The same answer with these texts taken out, where an engine repeats what it was sent.
    pub(crate) fn without(mut self, secret: &[&str]) -> Self {
        if !is_success(self.status) {
            let mut text = String::from_utf8_lossy(&self.body).into_owned();
            let mut longest_first: Vec<_> = secret.iter().filter(|s| s.len() >= 4).collect();
            longest_first.sort_by_key(|s| std::cmp::Reverse(s.len()));
            for value in longest_first {
                text = text.replace(*value, "***");
            }
            self.body = text.into();
        }
        self
    }

    /// True if it refuses the version that the call was made in.
    pub(crate) fn is_about_the_version(&self) -> bool {
        self.status == StatusCode::BAD_REQUEST
            && self.says().starts_with("client version ")
            && self.says().contains(" API version is ")
    }

    /// What a refusal means, whatever was asked. Where a status means something else for one call
    /// (404 for what should not be there any more, 409 for a name), that call says so first.
    pub(crate) fn refusal(&self, cloud: &str) -> Failure {
        let says = self.says();
        let lower = says.to_lowercase();
        if let Some((_, what)) = SHORTAGES.iter().find(|(words, _)| lower.contains(words)) {
            return Failure::Capacity { what: (*what).into(), scope: cloud.to_owned(), says };
        }
        if OBSTACLES.iter().any(|words| lower.contains(words)) {
            return Failure::Busy { says, retry_after: self.retry_after };
        }
        match self.status {
            StatusCode::BAD_REQUEST => Failure::Invalid(says),
            _ if lower.starts_with(WRONG_TYPE) => Failure::Invalid(says),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Failure::Denied(says),
            StatusCode::CONFLICT => Failure::Busy { says, retry_after: self.retry_after },
            StatusCode::TOO_MANY_REQUESTS => Failure::Throttled { retry_after: self.retry_after },
            // A proxy between us and the engine: it may have passed the request on.
            StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => Failure::Lost(says),
            status => Failure::Failed { code: status.as_u16().to_string(), says },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn answer(status: u16, body: &str) -> Answer {
        Answer {
            status: StatusCode::from_u16(status).unwrap(),
            retry_after: (status == 429).then_some(Duration::from_secs(7)),
            body: Bytes::copy_from_slice(body.as_bytes()),
        }
    }

    fn refused(status: u16, message: &str) -> Failure {
        answer(status, &json!({"message": message}).to_string()).refusal("lab")
    }

    #[test]
    fn refusals_become_the_kinds_the_core_knows() {
        let capacity = |what: &str, says: &str| Failure::Capacity {
            what: what.into(),
            scope: "lab".into(),
            says: says.into(),
        };
        let busy = |says: &str| Failure::Busy { says: says.into(), retry_after: None };
        let cpus = "Range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available";
        let port = "driver failed: Bind for 0.0.0.0:80 failed: port is already allocated";
        let of_type = "json: cannot unmarshal string into Go struct field of type int64";
        let disk = "write /var/lib/docker/tmp: no space left on device";
        for (status, message, failure) in [
            (400, "invalid mount", Failure::Invalid("invalid mount".into())),
            (400, cpus, capacity("processors", cpus)),
            (403, "not allowed", Failure::Denied("not allowed".into())),
            (409, "in use by c1", busy("in use by c1")),
            (429, "slow down", Failure::Throttled { retry_after: Some(Duration::from_secs(7)) }),
            (500, port, busy(port)),
            (500, disk, capacity("disk", disk)),
            (500, of_type, Failure::Invalid(of_type.into())),
            (500, "odd", Failure::Failed { code: "500".into(), says: "odd".into() }),
            (502, "upstream", Failure::Lost("upstream".into())),
        ] {
            assert_eq!(refused(status, message), failure);
        }
    }

    #[test]
    fn words_are_read_from_any_body() {
        for (body, says) in [
            (r#"{"message":"a\nb"}"#, "a b"),
            ("plain\r\n", "plain"),
            (r#"{"error":1}"#, r#"{"error":1}"#),
            ("", "status 500 Internal Server Error without a word"),
        ] {
            assert_eq!(answer(500, body).says(), says);
        }
        assert_eq!(answer(500, &"x".repeat(9000)).says().len(), 500);
    }

    #[test]
    fn what_was_sent_is_not_repeated() {
        let body = json!({"message": "invalid variable P=canary-1, a canary"}).to_string();
        let refused = answer(400, &body).without(&["canary", "canary-1", "P", ""]);
        assert_eq!(refused.says(), "invalid variable P=***, a ***");
    }

    #[test]
    fn a_refused_version_is_known() {
        let says = "client version 1.99 is too new. Maximum supported API version is 1.41";
        assert!(answer(400, &json!({"message": says}).to_string()).is_about_the_version());
        assert!(answer(400, &format!("{}\n", says.replace("new", "old"))).is_about_the_version());
        assert!(!answer(500, says).is_about_the_version());
        assert!(!answer(400, "client version").is_about_the_version());
    }
}
