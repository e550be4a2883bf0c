//! Spans around calls: which, where, how long, how they ended.

use async_trait::async_trait;
use tracing::{Instrument as _, field, info_span};

use crate::failure::Failure;
use crate::layers::{Call, Layer, Send};

/// Puts a span around each call, with verb, mount, type, resource and the kind of its outcome. The
/// cloud's words stay out, since they may repeat what was sent; so do documents.
#[derive(Clone, Copy, Debug, Default)]
pub struct Trace;

#[async_trait]
impl Layer for Trace {
    async fn around<'a, T: std::marker::Send>(
        &self,
        call: Call<'a>,
        send: &Send<'a, T>,
    ) -> Result<T, Failure> {
        let span = info_span!(
            "cloud call",
            cloud = call.cloud,
            verb = call.verb.name(),
            resource_type = call.resource_type,
            resource = call.resource,
            outcome = field::Empty,
        );
        let answer = send().instrument(span.clone()).await;
        span.record("outcome", answer.as_ref().map_or_else(Failure::kind, |_| "done"));
        answer
    }
}
