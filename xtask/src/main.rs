//! Chores of this repository: `cargo xtask COMMAND`.

mod apps;
mod catalog;
mod tidy;

use std::env;
use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask COMMAND

commands:
  apps DIR       plan every application file in DIR and compare with testing/golden/apps.txt
  catalog DIR    pack the tables in DIR as the built-in catalog, and credit their sources
  tidy           check the rules of this repository that the compiler can't; prints every finding";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["apps", directory] => apps::run(Path::new(directory)),
        ["catalog", directory] => catalog::run(Path::new(directory)),
        ["tidy"] => tidy::run(),
        _ => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}
