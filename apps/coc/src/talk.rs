//! What is said to people, on stderr; stdout is for data.

use std::fmt::Write as _;
use std::io::Write as _;

use coc_model::application::SourceFiles;
use coc_model::mistake::{Mistake, Mistakes};

/// Says a line.
pub(crate) fn say(line: &str) {
    // Nobody listening is no reason to fail.
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// Shows on a terminal that something is under way, and since when, until it is dropped. Says nothing
/// where no terminal is.
pub(crate) struct Busy(indicatif::ProgressBar);

impl Busy {
    /// Begins to show it.
    pub(crate) fn with(what: &str) -> Self {
        let bar = indicatif::ProgressBar::new_spinner().with_message(what.to_owned());
        if let Ok(style) = indicatif::ProgressStyle::with_template("{msg} {elapsed}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(std::time::Duration::from_millis(250));
        Self(bar)
    }

    /// Shows what is under way now.
    pub(crate) fn now(&self, what: &str) {
        self.0.set_message(what.to_owned());
    }

    /// Says a line above it.
    pub(crate) fn say(&self, line: &str) {
        self.0.suspend(|| say(line));
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// Prints data. A closed pipe ends the program quietly, as it ends others.
pub(crate) fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let written = out
        .write_all(text.as_bytes())
        .and_then(|()| if text.ends_with('\n') { Ok(()) } else { out.write_all(b"\n") });
    if written.and_then(|()| out.flush()).is_err() {
        std::process::exit(0);
    }
}

/// Prints a JSON document.
pub(crate) fn print_json(value: &impl serde::Serialize) {
    match serde_json::to_string_pretty(value) {
        Ok(text) => print(&text),
        Err(error) => say(&format!("error: the document can't be written: {error}")),
    }
}

/// A table as text, without spaces at the ends of lines.
pub(crate) fn trimmed(table: &comfy_table::Table) -> String {
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

/// Every mistake with the line it is in, and how many there are.
pub(crate) fn mistakes(mistakes: &Mistakes, files: &SourceFiles) -> String {
    let mut out = String::new();
    for mistake in mistakes.iter() {
        one(&mut out, mistake, files);
    }
    let count = mistakes.count();
    let noun = if count == 1 { "mistake" } else { "mistakes" };
    let _ = writeln!(out, "{count} {noun}, nothing changed.");
    // A file may hold what a terminal obeys.
    let harmless = |c: char| c == '\n' || c == '\t' || !c.is_control();
    out.chars().map(|c| if harmless(c) { c } else { char::REPLACEMENT_CHARACTER }).collect()
}

fn one(out: &mut String, mistake: &Mistake, files: &SourceFiles) {
    let _ = writeln!(out, "error: {}", mistake.says);
    let hint = mistake.hint.as_deref();
    let Some(at) = &mistake.at else {
        if let Some(hint) = hint {
            let _ = writeln!(out, "  hint: {hint}");
        }
        return;
    };
    let margin = at.line.to_string().len();
    let _ = writeln!(out, "{:margin$} ┌─ {at}", "");
    let line = files
        .0
        .get(&at.file)
        .and_then(|text| text.lines().nth(usize::try_from(at.line).unwrap_or(1).saturating_sub(1)));
    let column = usize::try_from(at.column).unwrap_or(1).saturating_sub(1);
    // Very long lines are of no use to a reader, and lines with secrets are not shown.
    match line.filter(|l| l.chars().count() <= 160 && !secret(l)) {
        Some(line) => {
            let _ = writeln!(out, "{}│ {line}", at.line);
            let width = usize::try_from(mistake.width).unwrap_or(1).clamp(1, 80);
            let hint = hint.map(|h| format!(" {h}")).unwrap_or_default();
            let _ = writeln!(out, "{:margin$}│ {:column$}{}{hint}", "", "", "^".repeat(width));
        }
        None => {
            if let Some(hint) = hint {
                let _ = writeln!(out, "{:margin$}  hint: {hint}", "");
            }
        }
    }
}

/// True for lines that look as if they held a secret, under any of the names in them.
fn secret(line: &str) -> bool {
    let name = |end: usize| {
        let before = line[..end].trim_end_matches([' ', '"', '\'']);
        before.rsplit([' ', '\t', '{', '[', ',', ':', '=', '"', '\'']).next().unwrap_or_default()
    };
    let mut names = line.match_indices([':', '=']).map(|(end, _)| name(end));
    names.any(coc_model::secret::is_secret_name) || coc_model::secret::is_secret_value(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use coc_model::mistake::Position;

    #[test]
    fn a_mistake_is_shown_in_its_line() {
        let file: std::sync::Arc<str> = "shop/compose.yaml".into();
        let mut files = SourceFiles::default();
        files
            .0
            .insert(std::sync::Arc::clone(&file), "services:\n  web:\n    memory: 512MBs\n".into());
        let mistake =
            Mistake::at(Position::new(&file, 3, 13), "memory \"512MBs\" is not a quantity")
                .width(6)
                .hint("did you mean 512m?");
        assert_eq!(
            mistakes(&mistake.into(), &files),
            "error: memory \"512MBs\" is not a quantity
  ┌─ shop/compose.yaml:3:13
3│     memory: 512MBs
 │             ^^^^^^ did you mean 512m?
1 mistake, nothing changed.
"
        );
    }

    #[test]
    fn nothing_shown_controls_the_terminal() {
        let file: std::sync::Arc<str> = "f".into();
        let mut files = SourceFiles::default();
        files.0.insert(std::sync::Arc::clone(&file), "a: \u{1b}[2Jb\0\n".into());
        let wrong = Mistake::at(Position::new(&file, 1, 4), "\u{1b}[2J is wrong");
        let shown = mistakes(&wrong.into(), &files);
        assert!(shown.contains("a: \u{fffd}[2Jb\u{fffd}"), "{shown}");
        assert!(!shown.contains(['\u{1b}', '\0']), "{shown}");
    }

    #[test]
    fn lines_that_hold_secrets_are_not_shown() {
        let file: std::sync::Arc<str> = "f".into();
        for (line, hidden) in [
            ("  DB_PASSWORD: canary", true),
            ("  - DB_PASSWORD=canary", true),
            ("  db: {image: 7, environment: {DB_PASSWORD: canary}}", true),
            ("  {\"image\": 7, \"DB_PASSWORD\": \"canary\"}", true),
            ("  URL: amqp://user:canary@queue", true),
            ("  bird: canary", false),
        ] {
            let mut files = SourceFiles::default();
            files.0.insert(std::sync::Arc::clone(&file), line.into());
            let wrong = Mistake::at(Position::new(&file, 1, 3), "wrong");
            let shown = mistakes(&wrong.into(), &files);
            assert_eq!(!shown.contains("canary"), hidden, "{line}: {shown}");
        }
    }
}
