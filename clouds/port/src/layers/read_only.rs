//! Clouds that may be looked at and not changed.

use async_trait::async_trait;

use crate::failure::Failure;
use crate::layers::{Call, Layer, Send};

/// Lets through what only reads; every other call is denied and never sent.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReadOnly;

#[async_trait]
impl Layer for ReadOnly {
    async fn around<'a, T: std::marker::Send>(
        &self,
        call: Call<'a>,
        send: &Send<'a, T>,
    ) -> Result<T, Failure> {
        if call.verb.reads() {
            return send().await;
        }
        let verb = call.verb.name();
        Err(Failure::Denied(format!("{} is mounted read-only: {verb} was not sent", call.cloud)))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::FutureExt as _;

    use super::*;
    use crate::layers::Verb;

    #[test]
    fn only_calls_that_read_are_sent() {
        let sent = |verb| {
            let count = AtomicUsize::new(0);
            let call = Call { cloud: "hill", verb, resource_type: None, resource: None };
            let send = || {
                count.fetch_add(1, Ordering::Relaxed);
                std::future::ready(Ok(())).boxed()
            };
            let answer = ReadOnly.around(call, &send).now_or_never().unwrap();
            (count.load(Ordering::Relaxed), answer.map_err(|failure| failure.kind()))
        };
        for verb in [Verb::Market, Verb::List, Verb::Find] {
            assert_eq!(sent(verb), (1, Ok(())), "{verb:?}");
        }
        for verb in [Verb::Create, Verb::Update, Verb::Delete, Verb::Act] {
            assert_eq!(sent(verb), (0, Err("denied")), "{verb:?}");
        }
    }
}
