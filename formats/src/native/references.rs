//! References inside texts: `${services.NAME.address}`.

use std::collections::BTreeSet;

use crate::fields::{no_such, position_inside};
use crate::tree::Node;
use coc_model::mistake::{Mistake, MistakeLog, Position};

/// A reference to another service.
pub(super) struct Reference {
    /// The service.
    pub(super) service: String,
    /// The port written right behind it (`${services.db.address}:5432`).
    pub(super) port: Option<u16>,
    /// Where it stands.
    pub(super) at: Position,
}

/// A text with its references.
pub(super) struct Referring {
    /// The text: references as they were written, `$${` undone to `${`.
    pub(super) text: String,
    /// The references, in order.
    pub(super) references: Vec<Reference>,
    /// True if the text is nothing but references.
    pub(super) only_references: bool,
}

/// Finds the references of a text. Everything else in `${ }` is a mistake, which never repeats
/// what stands there: it may belong to a secret.
pub(super) fn read(
    node: &Node,
    text: &str,
    services: &BTreeSet<&str>,
    log: &mut MistakeLog,
) -> Referring {
    let mut out = Referring { text: String::new(), references: Vec::new(), only_references: true };
    let mut rest = text;
    while let Some(dollar) = rest.find('$') {
        let (before, from) = rest.split_at(dollar);
        let at = position_inside(node, characters_before(text, from));
        out.only_references &= before.is_empty();
        out.text.push_str(before);
        if let Some(after) = from.strip_prefix("$${") {
            if after.starts_with("services.") {
                log.push(Mistake::at(at, "a reference can't be written as plain text"));
            }
            out.only_references = false;
            out.text.push_str("${");
            rest = after;
        } else if let Some(after) = from.strip_prefix("${") {
            let end = after.find('}').unwrap_or(after.len());
            let (inner, behind) = (&after[..end], after[end..].strip_prefix('}'));
            let port = behind.and_then(port_behind);
            out.references.extend(reference(inner, behind.is_some(), port, at, services, log));
            rest = behind.unwrap_or_default();
            out.text.push_str(&from[..from.len() - rest.len()]);
        } else {
            out.only_references = false;
            out.text.push('$');
            rest = &from[1..];
        }
    }
    out.only_references &= rest.is_empty() && !out.references.is_empty();
    out.text.push_str(rest);
    out
}

fn characters_before(text: &str, tail: &str) -> usize {
    text[..text.len() - tail.len()].chars().count()
}

fn port_behind(text: &str) -> Option<u16> {
    let digits = text.strip_prefix(':')?;
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end].parse().ok().filter(|&port| port > 0)
}

fn reference(
    inner: &str,
    closed: bool,
    port: Option<u16>,
    at: Position,
    services: &BTreeSet<&str>,
    log: &mut MistakeLog,
) -> Option<Reference> {
    let hint = "a reference is ${services.NAME.address}; write $${ for the characters themselves";
    let named = inner.strip_prefix("services.").and_then(|path| path.rsplit_once('.'));
    match named {
        _ if !closed => log.push(Mistake::at(at, "\"${\" is not closed").hint(hint)),
        None => log.push(Mistake::at(at, "this is not a reference to a service").hint(hint)),
        Some((service, "address")) if services.contains(service) => {
            return Some(Reference { service: service.to_owned(), port, at });
        }
        Some((service, "address")) => {
            let says = format!("there is no service \"{service}\"");
            log.push(no_such(Mistake::at(at, says), service, services));
        }
        Some(_) => {
            log.push(
                Mistake::at(at, "only the address of a service can be referred to").hint(hint),
            );
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::read_documents;
    use proptest::prelude::*;

    fn referring(yaml: &str) -> String {
        let mut log = MistakeLog::new();
        let node = read_documents(&"f.yaml".into(), yaml, &mut log).remove(0);
        let text = node.as_scalar().unwrap().text.clone();
        let out = read(&node, &text, &BTreeSet::from(["db", "web-1"]), &mut log);
        let references: Vec<String> = out
            .references
            .iter()
            .map(|r| format!("{}:{:?}@{}", r.service, r.port, r.at.column))
            .collect();
        let said = log.finish(()).map_err(|m| m.to_string()).err().unwrap_or_default();
        format!("{} [{}] {} {said}", out.text, references.join(" "), out.only_references)
    }

    #[test]
    fn references_are_found_with_port_and_column() {
        for (yaml, found) in [
            ("plain", "plain [] false "),
            ("\"${services.db.address}\"", "${services.db.address} [db:None@2] true "),
            (
                "'http://${services.web-1.address}:80/x'",
                "http://${services.web-1.address}:80/x [web-1:Some(80)@9] false ",
            ),
            ("a$b$$c", "a$b$$c [] false "),
            ("$${HOME}", "${HOME} [] false "),
        ] {
            assert_eq!(referring(yaml), found, "{yaml}");
        }
    }

    #[test]
    fn wrong_references_are_told_without_their_text() {
        let hint =
            "(a reference is ${services.NAME.address}; write $${ for the characters themselves)";
        for (yaml, says) in [
            ("x${canary}", format!("f.yaml:1:2: this is not a reference to a service {hint}")),
            ("'${services.db.address'", format!("f.yaml:1:2: \"${{\" is not closed {hint}")),
            (
                "'${services.db.port}'",
                format!("f.yaml:1:2: only the address of a service can be referred to {hint}"),
            ),
            (
                "'${services.dbb.address}'",
                "f.yaml:1:2: there is no service \"dbb\" (did you mean \"db\"?)".to_owned(),
            ),
            (
                "'$${services.db.address}'",
                "f.yaml:1:2: a reference can't be written as plain text".to_owned(),
            ),
        ] {
            assert!(referring(yaml).ends_with(&says), "{yaml}: {}", referring(yaml));
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[${}a-z.:0-9ü]{0,40}") {
            let node = Node::text(&text, Position::start(&"f".into()));
            read(&node, &text, &BTreeSet::from(["a"]), &mut MistakeLog::new());
        }
    }
}
