//! Endpoints that are no Docker Engine: each is told precisely, soon, and nothing is mounted.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::engines::engines;
use crate::program::Folder;

/// How long mounting may take to give up.
const SOON: Duration = Duration::from_secs(60);

/// Listens at a path, and gives this to whoever asks; keeps silent if that is nothing.
fn listen(folder: &Folder, name: &str, answer: Option<&'static str>) -> String {
    let path = folder.path(name);
    let listener = UnixListener::bind(&path).expect("bound");
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        for mut connection in listener.incoming().flatten() {
            if let Some(answer) = answer {
                let _ = connection.read(&mut [0; 4096]);
                let _ = connection.write_all(answer.as_bytes());
            } else {
                kept.push(connection);
            }
        }
    });
    format!("unix://{}", path.display())
}

fn clouds(endpoint: &str) -> String {
    let good = engines()[0].socket.display().to_string();
    format!(
        "kind: Clouds\nclouds:\n  - {{name: good, driver: docker, endpoint: \"unix://{good}\"}}\n  \
         - {{name: bad, driver: docker, endpoint: \"{endpoint}\"}}\n"
    )
}

/// Mounts a good cloud and a bad one; fails unless it ends so and neither is mounted.
async fn refused(endpoint: String, code: i32, says: &str) {
    let folder = Folder::new();
    folder.write("clouds.yaml", &clouds(&endpoint));
    let begun = Instant::now();
    let ended = folder.run("state", &["mount", "clouds.yaml"]).await.must_be(code);
    assert!(begun.elapsed() < SOON, "{endpoint} took {:?}", begun.elapsed());
    assert!(ended.stderr.contains(says), "{endpoint}: {}", ended.stderr);
    assert_eq!(ended.stdout, "");
    let ended = folder.run("state", &["clouds", "--json"]).await.must_be(0);
    let document: Value = serde_json::from_str(&ended.stdout).expect("JSON");
    assert_eq!(document, serde_json::json!({"clouds": []}), "{endpoint}");
}

#[tokio::test]
async fn what_is_no_engine_is_told_soon_and_nothing_is_mounted() {
    let folder = Folder::new();
    let missing = format!("unix://{}", folder.path("missing").display());
    let html = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\n<p>hi";
    let other = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
    let lost = "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\nConnection: close\r\n\r\nlost";
    let rubbish = listen(&folder, "rubbish", Some("rubbish\r\n\r\n"));
    futures::future::join_all([
        refused(missing, 1, "there is no such socket"),
        refused("tcp://127.0.0.1:1".to_owned(), 1, "nobody listens there"),
        refused(rubbish, 1, "its answer is not HTTP"),
        refused(listen(&folder, "html", Some(html)), 1, "the answer is not JSON"),
        refused(listen(&folder, "other", Some(other)), 1, "its /version names no ApiVersion"),
        refused(listen(&folder, "lost", Some(lost)), 1, "it has no /version (lost)"),
        refused(listen(&folder, "hangup", Some("")), 1, "closed the connection early"),
        refused(listen(&folder, "silent", None), 1, "takes connections and says nothing within 5s"),
        refused("/run/d.sock".to_owned(), 2, "clouds.yaml:4:"),
        refused("unix://d.sock".to_owned(), 2, "the path of a socket begins with /"),
    ])
    .await;
}
