//! A secret that is filled into documents shows nowhere: not in spans, failures, debug texts,
//! lists, differences or kept state.

use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::weather::{Weather, calm};
use coc_cloud::cloud::{Create, Selector, Update};
use coc_cloud::journal::NoJournal;
use coc_cloud::layers::faults::{Fault, Faults, Rule, When};
use coc_cloud::layers::rate_limit::{Limits, RateLimit};
use coc_cloud::layers::retry::{Policy, Retry};
use coc_cloud::layers::trace::Trace;
use coc_cloud::layers::{Layered, Verb};
use coc_cloud::random::Random;
use coc_cloud::{Cloud, Terms, ensure};
use coc_cloud_simulated::FileStore;
use coc_model::marks::{Mark, Marks};
use serde_json::json;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

const CANARY: &str = "canary-7f3a";

/// Everything that is traced, as text.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<String>>);

impl Visit for Recorder {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        writeln!(self.0.lock().unwrap(), "{field}={value:?}").unwrap();
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("coc")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        span.record(&mut self.clone());
        Id::from_u64(1)
    }

    fn record(&self, _span: &Id, values: &Record<'_>) {
        values.record(&mut self.clone());
    }

    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut self.clone());
    }

    fn enter(&self, _span: &Id) {}

    fn exit(&self, _span: &Id) {}
}

fn container() -> Create {
    let native = json!({"vm": "host", "image": "i", "env": {"PASSWORD": CANARY}});
    let marks = Marks {
        owner: Mark::of("us"),
        app: Mark::of("shop"),
        res: Mark::of("web"),
        op: Mark::of("web/1"),
    };
    Create {
        resource_type: "simulated.container".into(),
        name: "web".into(),
        native,
        marks,
        spec: "sha256:of-the-references".into(),
    }
}

#[tokio::test(start_paused = true)]
async fn no_secret_in_log_error_plan_or_recording() {
    let recorder = Recorder::default();
    let _guard = tracing::subscriber::set_default(recorder.clone());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("dream.json");
    let simulated = Weather { profile: calm, seed: 1 }.cloud();
    simulated.keep_in(Box::new(FileStore::open(&file).unwrap())).unwrap();
    let machine = json!({"region": "north", "offer": "small", "userData": CANARY});
    simulated.make_foreign("simulated.vm", "host", &machine).unwrap();
    simulated.advance(Duration::from_secs(60)).unwrap();

    let rules = vec![
        Rule::on(&[Verb::Create], When::Nth(1), Fault::AnswerLost),
        Rule::on(&[Verb::Find], When::Nth(1), Fault::Throttled(None)),
    ];
    let faulty: Arc<dyn Cloud> = Arc::new(Faults::new(Arc::new(simulated.clone()), 1, rules));
    let limited = Arc::new(Layered::new(RateLimit::new(Limits::of(&simulated.describe())), faulty));
    let retried = Arc::new(Layered::new(Retry::new(Policy::default(), Random::new(1)), limited));
    let cloud = Layered::new(Trace, retried);
    let terms = Terms::of(&cloud.describe());

    let create = container();
    let made = ensure(&cloud, &create, &terms, &NoJournal).await.unwrap();
    let mut wrong = create.clone();
    wrong.native["image"] = json!({"env": CANARY});
    wrong.marks.op = Mark::of("web/2");
    wrong.name = "other".into();
    let refused = ensure(&cloud, &wrong, &terms, &NoJournal).await.unwrap_err();
    let selector = Selector { owner: Mark::of("us"), app: None };
    let listed = cloud.list(&selector).await.unwrap();
    let update = Update {
        resource_type: create.resource_type.clone(),
        id: made.resource.native_id.clone(),
        native: create.native.clone(),
        spec: create.spec.clone(),
        seen: made.resource.clone(),
    };
    let texts = [
        ("spans", recorder.0.lock().unwrap().clone()),
        ("requests", format!("{create:?} {update:?}")),
        ("answer", format!("{made:?}")),
        ("list", format!("{listed:?}")),
        ("failure", format!("{refused:?} {refused}")),
        ("drift", format!("{:?}", cloud.drift(&create.native, &made.resource))),
        ("snapshot", simulated.snapshot().to_string()),
        ("file", std::fs::read_to_string(&file).unwrap()),
    ];
    for (what, text) in &texts {
        assert!(!text.is_empty() && !text.contains(CANARY), "{what}: {text}");
    }
    // The recorder does record: without that, the first line proves nothing.
    let spans = &texts[0].1;
    for expected in
        ["verb=\"create\"", "outcome=\"done\"", "outcome=\"lost\"", "failure=\"throttled\""]
    {
        assert!(spans.contains(expected), "{expected} is missing in {spans}");
    }
}
