//! `coc goals`: what goals can be asked for by name.

use std::fmt::Write as _;

use coc_formats::read::Read;
use coc_goals::library::{Form, Library, NamedGoal, NamedNumber, standard_library};
use coc_model::mistake::closest;

use crate::arguments::{Global, Goals};
use crate::failure::{Exit, Failure};
use crate::inputs;
use crate::talk;

/// Lists the library, or shows what one name means.
pub(crate) fn run(global: &Global, arguments: &Goals) -> Result<Exit, Failure> {
    let read = match arguments.goals.as_slice() {
        [] => Read::default(),
        paths => inputs::any(paths, &[])?,
    };
    let services = read.application.as_ref().map(|a| a.services.keys().cloned().collect());
    let library = standard_library()
        .with(&read.definitions, services.as_ref())
        .map_err(|mistakes| Failure::Input(mistakes, read.files.clone()))?;
    let Some(name) = &arguments.name else {
        if global.json {
            talk::print_json(&library);
        } else {
            talk::print(&list(&library));
        }
        return Ok(Exit::Done);
    };
    let named = Library {
        goals: library.goals.iter().filter(|goal| goal.name == *name).cloned().collect(),
        numbers: library.numbers.iter().filter(|number| number.name == *name).cloned().collect(),
    };
    if named == Library::default() {
        return Err(unknown(name, &library));
    }
    if global.json {
        talk::print_json(&named);
    } else {
        let goals = named.goals.iter().map(goal);
        let texts: Vec<String> = goals.chain(named.numbers.iter().map(number)).collect();
        talk::print(&texts.join("\n"));
    }
    Ok(Exit::Done)
}

fn unknown(name: &str, library: &Library) -> Failure {
    let goals = library.goals.iter().map(|goal| goal.name.as_str());
    let known = goals.chain(library.numbers.iter().map(|number| number.name.as_str()));
    let hint = match closest(name, known) {
        Some(known) => format!("did you mean \"{known}\"?"),
        None => "coc goals lists them all".to_owned(),
    };
    Failure::with_hint(format!("no goal is called \"{name}\""), hint)
}

fn list(library: &Library) -> String {
    let names = library.goals.iter().map(|goal| goal.name.len());
    let width = names.chain(library.numbers.iter().map(|n| n.name.len())).max().unwrap_or(0);
    let mut out = "to require\n".to_owned();
    for goal in &library.goals {
        let fields: Vec<&str> = goal.fields.keys().map(String::as_str).collect();
        let _ = writeln!(out, "  {:width$}  {}", goal.name, goal.about);
        if !fields.is_empty() {
            let _ = writeln!(out, "  {:width$}    {}", "", fields.join(", "));
        }
    }
    out.push_str("\nto minimize or maximize\n");
    for number in &library.numbers {
        let _ = writeln!(out, "  {:width$}  {}", number.name, number.about);
    }
    out.push_str("\ncoc goals NAME shows what one takes and expands to\n");
    out
}

fn goal(goal: &NamedGoal) -> String {
    let mut out = format!("{}: {}\n", goal.name, goal.about);
    if let Some(policy) = goal.policy {
        let word = serde_json::to_value(policy).ok();
        let word = word.as_ref().and_then(|word| word.as_str()).unwrap_or_default();
        let _ = writeln!(out, "  policy, where its use states none: {word}");
    }
    for (name, field) in &goal.fields {
        let _ = write!(out, "  {name}: {}; {}", field.about, field.takes.takes());
        if let Some(default) = &field.default {
            let _ = write!(out, " (if left out: {default})");
        }
        if goal.short.as_ref() == Some(name) {
            let _ = write!(out, " (may stand alone, as {}: …)", goal.name);
        }
        out.push('\n');
    }
    out.push_str("  expands to\n");
    goal.forms.iter().for_each(|f| form(&mut out, "    ", f));
    for (name, forms) in &goal.parts {
        let _ = writeln!(out, "  where {{{name}}} is");
        forms.iter().for_each(|f| form(&mut out, "    ", f));
    }
    out
}

/// A form, with the arguments that it stands with.
fn form(out: &mut String, indent: &str, form: &Form) {
    let mut needs = form.when.join(" + ");
    if !form.unless.is_empty() {
        let _ = write!(needs, " without {}", form.unless.join(", "));
    }
    if needs.is_empty() {
        let _ = writeln!(out, "{indent}{}", form.that);
    } else {
        let _ = writeln!(out, "{indent}{}: {}", needs.trim(), form.that);
    }
}

fn number(number: &NamedNumber) -> String {
    format!("{}: {}\n  stands for\n    {}\n", number.name, number.about, number.number)
}
