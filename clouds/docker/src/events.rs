//! Wakes: something changed in an engine.

use std::sync::Arc;
use std::time::Duration;

use coc_cloud::Failure;
use futures::stream::{self, BoxStream, StreamExt};
use serde_json::json;

use crate::engine::{Call, Engine, escape};
use crate::stream::Documents;

/// Without an event for this long, the connection is made anew: it may have died unnoticed.
const QUIET: Duration = Duration::from_secs(300);

/// Between two tries to connect; doubled with each try.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// What happens to containers of ours. An engine's events of health checks being run are not
/// among them: there is one each second.
const CONTAINER_EVENTS: [&str; 11] = [
    "create",
    "start",
    "die",
    "oom",
    "stop",
    "pause",
    "unpause",
    "rename",
    "update",
    "destroy",
    "health_status",
];

/// What happens to networks and volumes. Their events bear no labels, so those of others wake too.
const PLAIN_EVENTS: [&str; 5] = ["create", "destroy", "remove", "connect", "disconnect"];

/// A wake for each event, and one for each new connection, since events before it may be lost.
pub(crate) fn wakes(engine: &Arc<Engine>) -> BoxStream<'static, ()> {
    let containers =
        json!({"type": ["container"], "label": ["coc-owner"], "event": CONTAINER_EVENTS});
    let plain = json!({"type": ["network", "volume"], "event": PLAIN_EVENTS});
    let streams = [containers, plain].map(|filters| {
        let path = format!("/events?filters={}", escape(&filters.to_string()));
        let listener = Listener { engine: Arc::clone(engine), path, events: None };
        stream::unfold(listener, |mut listener| async move {
            listener.wake().await;
            Some(((), listener))
        })
        .boxed()
    });
    stream::select_all(streams).boxed()
}

struct Listener {
    engine: Arc<Engine>,
    path: String,
    events: Option<Documents>,
}

impl Listener {
    /// Ends when something happened.
    async fn wake(&mut self) {
        let mut pause = FIRST_PAUSE;
        loop {
            if let Some(events) = &mut self.events {
                match events.next(QUIET).await {
                    Ok(Some(_)) => return,
                    Ok(None) | Err(_) => self.events = None,
                }
            }
            match self.engine.open(Call::get(&self.path)).await {
                Ok(response) => {
                    self.events = Some(Documents::of(response));
                    return;
                }
                Err(failure) => {
                    self.report(&failure);
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    fn report(&self, failure: &Failure) {
        tracing::debug!(cloud = %self.engine.cloud, "no events: {failure}");
    }
}
