//! Chores of this repository: `cargo xtask COMMAND`.

mod catalog;
mod tidy;

use std::env;
use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask COMMAND

commands:
  catalog DIR    pack the tables in DIR as the built-in catalog, and credit their sources
  tidy           check the rules of this repository that the compiler can't; prints every finding";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["catalog", directory] => catalog::run(Path::new(directory)),
        ["tidy"] => tidy::run(),
        _ => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}
