//! Chores of this repository: `cargo xtask COMMAND`.

mod catalog;

use std::env;
use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask COMMAND

commands:
  catalog DIR    pack the tables in DIR as the built-in catalog, and credit their sources";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["catalog", directory] => catalog::run(Path::new(directory)),
        _ => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}
