//! The tutorials are run as they are written: their files are made, their commands typed, and what they
//! say comes out is looked for in what comes out.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that can't go on stops")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// A block of code: what stands after its fence, and its lines.
struct Block {
    info: String,
    text: String,
    line: usize,
}

impl Block {
    /// The value of `name=value` after the fence.
    fn word(&self, name: &str) -> Option<&str> {
        self.info.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
    }
}

fn blocks(document: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut inside = false;
    for (number, line) in document.lines().enumerate() {
        match line.strip_prefix("```") {
            Some(info) if !inside => {
                let (info, line) = (info.to_owned(), number + 1);
                blocks.push(Block { info, text: String::new(), line });
                inside = true;
            }
            Some(_) => inside = false,
            None if inside => {
                let text = &mut blocks.last_mut().unwrap().text;
                text.push_str(line);
                text.push('\n');
            }
            None => {}
        }
    }
    blocks
}

/// Types a line of a tutorial in a folder.
fn typed(line: &str, folder: &Path) -> Output {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [program, arguments @ ..] = words.as_slice() else { panic!("no command") };
    assert_eq!(*program, "coc", "{line}");
    Command::new(env!("CARGO_BIN_EXE_coc"))
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .output()
        .unwrap()
}

/// Goes through a tutorial; gives how many commands it typed and how many texts it looked for.
fn followed(name: &str) -> (usize, usize) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/tutorials").join(name);
    let document = fs::read_to_string(path).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (mut last, mut commands, mut texts) = (None, 0, 0);
    for block in blocks(&document) {
        let at = format!("{name}:{}", block.line);
        match block.info.split_whitespace().next() {
            Some("yaml") => {
                let file = block.word("file").unwrap_or_else(|| panic!("{at}: no file is named"));
                fs::write(folder.path().join(file), &block.text).unwrap();
            }
            Some("sh") => {
                let due = block.word("exit").map_or(0, |code| code.parse().unwrap());
                for line in block.text.lines() {
                    let output = typed(line, folder.path());
                    let said = String::from_utf8_lossy(&output.stderr).into_owned();
                    assert_eq!(output.status.code(), Some(due), "{at}: {line}\n{said}");
                    last = Some(output);
                    commands += 1;
                }
            }
            Some("text") => {
                let output = last.as_ref().unwrap_or_else(|| panic!("{at}: nothing was typed"));
                let error = block.info.contains("error");
                let bytes = if error { &output.stderr } else { &output.stdout };
                let said = String::from_utf8_lossy(bytes);
                for line in block.text.lines() {
                    assert!(said.contains(line), "{at}: {line}\nis not in\n{said}");
                    texts += 1;
                }
            }
            other => panic!("{at}: {other:?} is no block of a tutorial"),
        }
    }
    (commands, texts)
}

#[test]
fn a_new_goal() {
    assert_eq!(followed("a-new-goal.md"), (5, 8));
}
