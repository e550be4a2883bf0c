//! Chores of this repository: `cargo xtask COMMAND`.

mod tidy;

use std::env;
use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask COMMAND

commands:
  tidy    check the rules of this repository that the compiler can't; prints every finding";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["tidy"] => tidy::run(),
        _ => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}
