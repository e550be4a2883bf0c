//! Health checks.

use coc_model::application::{Healthcheck, KeyFate, Probe};
use coc_model::quantity::Micros;

use super::service::ServiceReading;
use crate::tree::{Node, Value};

/// What a test says.
enum Test {
    /// Nothing: the image's own stands.
    Inherited,
    /// How to probe.
    Probe(Probe),
}

/// `healthcheck`.
pub(super) fn read(service: &mut ServiceReading<'_, '_>, node: &Node) {
    let mut test = Test::Inherited;
    let mut disabled = false;
    let mut timing = Timing::default();
    for (key, value) in service.reading.entries(node, "a map with a test") {
        let name = format!("healthcheck.{}", key.text);
        match &*key.text {
            "test" => test = read_test(service, value),
            "disable" => disabled = service.reading.flag(value) == Some(true),
            "interval" => timing.interval = service.reading.time(value),
            "timeout" => timing.timeout = service.reading.time(value),
            "start_period" => timing.start_period = service.reading.time(value),
            "retries" => {
                let retries = service.reading.integer(value, 0..=i64::from(u32::MAX));
                timing.retries = retries.and_then(|retries| u32::try_from(retries).ok());
            }
            "start_interval" => {
                timing.start_interval = service.reading.time(value);
                service.say(&name, &key.at, KeyFate::Carried);
                continue;
            }
            text if text.starts_with("x-") => continue,
            _ => {
                let known = [
                    "test",
                    "disable",
                    "interval",
                    "timeout",
                    "start_period",
                    "retries",
                    "start_interval",
                ];
                service.reading.unknown_key(key, &known, "healthcheck");
                continue;
            }
        }
        service.say(&name, &key.at, KeyFate::Used);
    }
    match test {
        _ if disabled => timing.keep(service, Some(Probe::Disabled)),
        Test::Probe(probe) => timing.keep(service, Some(probe)),
        Test::Inherited => timing.keep(service, None),
    }
}

fn read_test(service: &mut ServiceReading<'_, '_>, node: &Node) -> Test {
    const FORMS: &str = "a line for the shell, or a list that starts with CMD, CMD-SHELL or NONE";
    let Value::List(items) = &node.value else {
        let line = service.reading.text(node).filter(|line| !line.is_empty());
        return line.map_or(Test::Inherited, |line| Test::Probe(Probe::Shell(line)));
    };
    let words: Vec<String> = items.iter().filter_map(|item| service.reading.text(item)).collect();
    match words.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        None => Test::Inherited,
        Some(("NONE", _)) => Test::Probe(Probe::Disabled),
        Some(("CMD", [])) | Some(("CMD-SHELL", [])) => {
            service.reading.wrong(node, "a command after the first word");
            Test::Inherited
        }
        Some(("CMD", rest)) => Test::Probe(Probe::Command(rest.to_vec())),
        Some(("CMD-SHELL", [line, more @ ..])) => {
            if !more.is_empty() {
                let note = "the shell takes one line; the words after it are dropped";
                service.notes.add("healthcheck.test", &node.at, note);
            }
            Test::Probe(Probe::Shell(line.clone()))
        }
        Some(_) => {
            service.reading.expected(node, FORMS, "a list that starts with another word");
            Test::Inherited
        }
    }
}

#[derive(Default)]
struct Timing {
    interval: Option<Micros>,
    timeout: Option<Micros>,
    start_period: Option<Micros>,
    start_interval: Option<Micros>,
    retries: Option<u32>,
}

impl Timing {
    /// Keeps the check; one that only times the image's own check goes to the Engine as it is.
    fn keep(self, service: &mut ServiceReading<'_, '_>, probe: Option<Probe>) {
        let mut carried = vec![("StartInterval", self.start_interval)];
        if let Some(probe) = probe {
            service.service.healthcheck = Some(Healthcheck {
                probe,
                interval: self.interval,
                timeout: self.timeout,
                retries: self.retries,
                start_period: self.start_period,
            });
        } else {
            carried.push(("Interval", self.interval));
            carried.push(("Timeout", self.timeout));
            carried.push(("StartPeriod", self.start_period));
            if let Some(retries) = self.retries {
                service.docker.put(&["Healthcheck", "Retries"], retries);
            }
        }
        for (field, time) in carried {
            if let Some(time) = time {
                let nanos = i64::try_from(time.0.saturating_mul(1_000)).unwrap_or(i64::MAX);
                service.docker.put(&["Healthcheck", field], nanos);
            }
        }
    }
}
