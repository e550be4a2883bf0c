//! Health checks in the form an engine runs them: a command inside the container.

use coc_model::application::{Healthcheck, Probe};
use coc_model::quantity::Micros;
use serde_json::{Map, Value, json};

/// A check, and the kind of probe it was derived from if Docker has no such probe.
pub(super) struct Check {
    pub document: Value,
    pub derived: Option<&'static str>,
}

/// The document of a check (`Healthcheck` of a container).
pub(super) fn check(check: &Healthcheck) -> Check {
    let (test, derived) = test(&check.probe);
    let mut document = Map::new();
    document.insert("Test".into(), test);
    for (key, time) in [
        ("Interval", check.interval),
        ("Timeout", check.timeout),
        ("StartPeriod", check.start_period),
    ] {
        if let Some(time) = time {
            document.insert(key.into(), nanoseconds(time).into());
        }
    }
    if let Some(retries) = check.retries {
        document.insert("Retries".into(), retries.into());
    }
    Check { document: Value::Object(document), derived }
}

fn nanoseconds(time: Micros) -> i64 {
    i64::try_from(time.0).unwrap_or(i64::MAX).saturating_mul(1000)
}

/// Where the image has nothing to probe with, a line ends with 127: what a shell gives for a program
/// that is not there.
fn test(probe: &Probe) -> (Value, Option<&'static str>) {
    match probe {
        Probe::Disabled => (json!(["NONE"]), None),
        Probe::Command(words) => {
            (std::iter::once("CMD").chain(words.iter().map(String::as_str)).collect(), None)
        }
        Probe::Shell(line) => (json!(["CMD-SHELL", line]), None),
        Probe::Http { path, port } => {
            let url = quoted(&format!("http://127.0.0.1:{port}/{}", path.trim_start_matches('/')));
            let line = format!(
                "if command -v wget >/dev/null 2>&1; then wget -q -O /dev/null {url} || exit 1; \
                 elif command -v curl >/dev/null 2>&1; then curl -fsS -o /dev/null {url} || exit 1; \
                 else exit 127; fi"
            );
            (json!(["CMD-SHELL", line]), Some("http"))
        }
        Probe::Tcp(port) => {
            // A shell alone can tell whether anything listens: the kernel lists its sockets with
            // the port in hexadecimal and 0A for the state (proc_pid_net(5)). Connecting needs
            // programs that differ from image to image.
            let line = format!(
                "for list in /proc/net/tcp /proc/net/tcp6; do if [ -r $list ]; then \
                 while read -r _ socket _ state _; do case $state$socket in \
                 0A*:{port:04X}) exit 0;; esac; done <$list; fi; done; exit 1"
            );
            (json!(["CMD-SHELL", line]), Some("tcp"))
        }
        Probe::Grpc(port) => {
            let line = format!(
                "if command -v grpc_health_probe >/dev/null 2>&1; then \
                 grpc_health_probe -addr=127.0.0.1:{port} || exit 1; else exit 127; fi"
            );
            (json!(["CMD-SHELL", line]), Some("grpc"))
        }
    }
}

/// A text as one word of a shell's line.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bare(probe: Probe) -> Healthcheck {
        Healthcheck { probe, interval: None, timeout: None, retries: None, start_period: None }
    }

    #[test]
    fn commands_stay_what_they_are() {
        for (probe, test) in [
            (Probe::Disabled, json!(["NONE"])),
            (
                Probe::Command(vec!["/probe".into(), "-x y".into()]),
                json!(["CMD", "/probe", "-x y"]),
            ),
            (Probe::Shell("a || b".into()), json!(["CMD-SHELL", "a || b"])),
        ] {
            let check = check(&bare(probe));
            assert_eq!((check.document, check.derived), (json!({"Test": test}), None));
        }
    }

    #[test]
    fn times_are_in_nanoseconds_and_unstated_ones_left_to_the_image() {
        let check = check(&Healthcheck {
            interval: Some(Micros(1_500_000)),
            retries: Some(4),
            timeout: Some(Micros(u64::MAX)),
            ..bare(Probe::Disabled)
        });
        let document = json!({
            "Test": ["NONE"], "Interval": 1_500_000_000, "Timeout": i64::MAX, "Retries": 4,
        });
        assert_eq!(check.document, document);
    }

    #[test]
    fn other_probes_become_commands_and_say_so() {
        for (probe, derived, part) in [
            (
                Probe::Http { path: "/health?x=1".into(), port: 80 },
                "http",
                "'http://127.0.0.1:80/health?x=1'",
            ),
            (Probe::Tcp(5432), "tcp", "0A*:1538)"),
            (Probe::Grpc(50051), "grpc", "-addr=127.0.0.1:50051"),
        ] {
            let check = check(&bare(probe));
            assert_eq!(check.derived, Some(derived));
            assert_eq!(check.document["Test"][0], "CMD-SHELL");
            let line = check.document["Test"][1].as_str().unwrap();
            assert!(line.contains(part), "{line}");
        }
    }

    /// Runs a line by a real shell.
    fn shell(line: &str) -> String {
        let output = std::process::Command::new("/bin/sh").args(["-c", line]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    #[test]
    fn a_shell_sees_who_listens() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (Value::Array(words), _) = test(&Probe::Tcp(port)) else { panic!("a list") };
        let line = words[1].as_str().unwrap();
        assert_eq!(shell(&format!("({line}); echo $?")), "0\n");
        drop(listener);
        assert_eq!(shell(&format!("({line}); echo $?")), "1\n");
    }

    #[test]
    fn a_path_can_not_leave_its_quotes() {
        for path in ["a'b", "$(touch x)", "a\"; echo b; '", "`id`", "a b"] {
            assert_eq!(shell(&format!("printf %s {}", quoted(path))), path);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn any_text_is_one_word(text in "[ -~]{0,20}") {
            prop_assert_eq!(shell(&format!("printf %s {}", quoted(&text))), text);
        }
    }
}
