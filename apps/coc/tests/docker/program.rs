//! The compiled program, run in a folder with files of an application.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::process::Command;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::gate::Kill;

/// How long a command may take before the test gives up.
const LONG: Duration = Duration::from_secs(90);

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
    /// True if it was killed.
    pub killed: bool,
}

impl Ended {
    /// Fails, with all that was said, unless the exit code is this.
    pub(crate) fn must_be(self, code: i32) -> Self {
        assert_eq!(self.status.code(), Some(code), "{}\n{}", self.stdout, self.stderr);
        self
    }
}

/// A folder to run the program in.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::Builder::new().prefix("coc-test").tempdir().expect("a folder"))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("a file");
    }

    /// The mark of the installation whose state is in a folder.
    pub(crate) fn owner(&self, state: &str) -> String {
        fs::read_to_string(self.path(state).join("owner")).expect("a mark").trim().to_owned()
    }

    /// Runs a command to its end.
    pub(crate) async fn run(&self, state: &str, arguments: &[&str]) -> Ended {
        self.run_with(state, arguments, &[]).await
    }

    /// Runs a command to its end, with further variables in its environment.
    pub(crate) async fn run_with(
        &self,
        state: &str,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> Ended {
        let (_nobody, mut kills) = mpsc::unbounded_channel();
        self.go(state, arguments, variables, &mut kills).await
    }

    /// Runs a command to its end, or kills it when told.
    pub(crate) async fn run_until_killed(
        &self,
        state: &str,
        arguments: &[&str],
        kills: &mut mpsc::UnboundedReceiver<Kill>,
    ) -> Ended {
        self.go(state, arguments, &[], kills).await
    }

    async fn go(
        &self,
        state: &str,
        arguments: &[&str],
        variables: &[(&str, &str)],
        kills: &mut mpsc::UnboundedReceiver<Kill>,
    ) -> Ended {
        let (out, err) = (self.path("stdout"), self.path("stderr"));
        let write = |path: &Path| Stdio::from(File::create(path).expect("a file"));
        let mut program = Command::new(env!("CARGO_BIN_EXE_coc"))
            .current_dir(self.0.path())
            .args(["--dir", state])
            .args(arguments)
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(write(&out))
            .stderr(write(&err))
            .kill_on_drop(true)
            .spawn()
            .expect("the program starts");
        let mut killed = false;
        let ended = async {
            loop {
                tokio::select! {
                    ended = program.wait() => return ended.expect("it ends"),
                    Some(dead) = kills.recv() => {
                        program.kill().await.expect("it is killed");
                        killed = true;
                        let _ = dead.send(());
                    }
                }
            }
        };
        let ended = timeout(LONG, ended).await;
        let read = |path: &Path| fs::read_to_string(path).expect("what it said");
        let (stdout, stderr) = (read(&out), read(&err));
        let Ok(status) = ended else { panic!("{arguments:?} takes too long:\n{stdout}\n{stderr}") };
        Ended { status, stdout, stderr, killed }
    }
}
