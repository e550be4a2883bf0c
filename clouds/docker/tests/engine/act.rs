//! Native verbs.

use coc_cloud::{Cloud, Failure};
use coc_cloud_docker::{CONTAINER, VOLUME};
use coc_model::resource::{NativeId, State};
use serde_json::{Value, json};

use crate::engines::{Ground, failed, web};

#[tokio::test]
async fn stop_start_and_restart_do_what_they_say() {
    let ground = Ground::new("verbs");
    let mut document = web();
    document["StopTimeout"] = 0.into();
    let container = ground.run("c", document).await;
    let act = async |verb: &str| {
        let done = ground.docker.act(CONTAINER, &container.native_id, verb, &Value::Null).await;
        assert_eq!(done, Ok(json!({})), "{verb}");
        ground.now(&container).await.expect("it is there")
    };
    assert_eq!(act("stop").await.state, State::Stopped);
    assert_eq!(act("stop").await.state, State::Stopped);
    let started = act("start").await;
    assert_eq!(started.native["State"]["Status"], "running");
    let again = act("restart").await;
    assert_eq!(again.native["State"]["Status"], "running");
    assert_ne!(again.native["State"]["StartedAt"], started.native["State"]["StartedAt"]);
}

#[tokio::test]
async fn logs_are_the_last_lines_with_their_stream() {
    let ground = Ground::new("logs");
    let script = "echo one; echo two; echo wrong >&2; exit 0";
    for (part, terminal) in [("frames", false), ("terminal", true)] {
        let document = json!({
            "Image": "demo/web:1", "Cmd": ["sh", "-c", script], "Tty": terminal,
            "Healthcheck": {"Test": ["NONE"]},
        });
        let container = ground.run(part, document).await;
        ground.until(&container, State::Completed).await;
        let logs = async |body: Value| {
            let logs = ground.docker.act(CONTAINER, &container.native_id, "logs", &body).await;
            logs.expect("logs")["lines"].as_array().expect("lines").clone()
        };
        let all = logs(Value::Null).await;
        let of = |stream: &str| -> Vec<&str> {
            let lines = all.iter().filter(|l| l["stream"] == stream);
            lines.filter_map(|l| l["text"].as_str()).collect()
        };
        if terminal {
            assert_eq!(of("stdout"), ["one", "two", "wrong"]);
        } else {
            assert_eq!((of("stdout"), of("stderr")), (vec!["one", "two"], vec!["wrong"]));
        }
        assert_eq!(logs(json!({"tail": 1})).await.len(), 1);
        assert_eq!(logs(json!({"since": 9_999_999_999_u64})).await.len(), 0);
    }
}

#[tokio::test]
async fn a_command_gives_its_exit_code_and_lines() {
    let ground = Ground::new("exec");
    let container = ground.run("c", web()).await;
    let exec =
        async |body: Value| ground.docker.act(CONTAINER, &container.native_id, "exec", &body).await;
    let done = exec(json!({"command": ["sh", "-c", "echo a; echo b >&2; exit 4"]})).await;
    let done = done.expect("it runs");
    assert_eq!(done["exit_code"], 4);
    let mut lines: Vec<String> =
        done["lines"].as_array().expect("lines").iter().map(Value::to_string).collect();
    lines.sort();
    assert_eq!(lines, [r#"{"stream":"stderr","text":"b"}"#, r#"{"stream":"stdout","text":"a"}"#]);
    for wrong in [json!({}), json!({"command": "ls"}), json!({"command": []})] {
        let failure = failed(exec(wrong).await);
        assert!(
            matches!(&failure, Failure::Invalid(s) if s.contains("[\"ls\", \"/\"]")),
            "{failure}"
        );
    }
}

#[tokio::test]
async fn what_is_no_verb_is_told_with_what_is() {
    let ground = Ground::new("no-verb");
    let id = NativeId("x".into());
    for (resource_type, verb, body, says) in [
        (CONTAINER, "stpo", Value::Null, "has no verb \"stpo\"; did you mean \"stop\"?"),
        (CONTAINER, "snapshot", Value::Null, "it has exec, logs, restart, start, stop"),
        (CONTAINER, "logs", json!({"tail": -1}), "\"tail\" is no number"),
        (VOLUME, "stop", Value::Null, "a docker.volume has no verbs"),
        ("docker.pod", "stop", Value::Null, "has no type \"docker.pod\""),
    ] {
        let failure = failed(ground.docker.act(resource_type, &id, verb, &body).await);
        assert!(matches!(&failure, Failure::Invalid(s) if s.contains(says)), "{failure}");
    }
    let failure = failed(ground.docker.act(CONTAINER, &id, "stop", &Value::Null).await);
    assert!(matches!(&failure, Failure::Failed { code, .. } if code == "404"), "{failure}");
}
