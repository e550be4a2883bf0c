//! Which format a file is in, told by its structure alone.

use std::collections::BTreeSet;
use std::fmt;

use coc_model::mistake::{Mistake, Position, closest};

use crate::native::{GOAL_KEYS, KINDS};
use crate::tree::Node;

/// The formats that are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// Compose.
    Compose,
    /// Kubernetes objects.
    Kubernetes,
    /// Our own, with an application, or with goals and clouds side by side.
    Native,
    /// Our own, goals and named goals alone.
    Goals,
    /// Our own, clouds alone.
    Clouds,
    /// Score workloads; not read yet.
    Score,
    /// SkyPilot tasks; not read yet.
    SkyPilot,
    /// TOSCA templates; not read yet.
    Tosca,
    /// None of these.
    Unknown,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Compose => "Compose",
            Self::Kubernetes => "Kubernetes",
            Self::Native => "an application of our own format",
            Self::Goals => "goals",
            Self::Clouds => "clouds",
            Self::Score => "Score",
            Self::SkyPilot => "SkyPilot",
            Self::Tosca => "TOSCA",
            Self::Unknown => "unknown",
        })
    }
}

/// A format, and by what it was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detected {
    /// The format.
    pub format: Format,
    /// By what it was told, in words: `it has "kind: Deployment"`.
    pub reason: String,
}

impl Detected {
    fn new(format: Format, reason: impl Into<String>) -> Self {
        Self { format, reason: reason.into() }
    }

    /// The mistake to report for a file of a format that is not read; `None` for the others.
    pub fn refusal(&self, at: &Position) -> Option<Mistake> {
        match self.format {
            Format::Score | Format::SkyPilot | Format::Tosca => {
                let says =
                    format!("this is {} ({}), which is not read yet", self.format, self.reason);
                Some(
                    Mistake::at(at.clone(), says)
                        .hint("Compose, Kubernetes and our own format are read"),
                )
            }
            Format::Unknown => {
                let says = format!("the format of the file is not known: {}", self.reason);
                Some(Mistake::at(at.clone(), says).hint(
                    "expected Compose (\"services\"), Kubernetes (\"apiVersion\" and \"kind\") or \
                     our own format (\"kind: Application\", \"Goals\", \"Goal\" or \"Clouds\")",
                ))
            }
            _ => None,
        }
    }
}

/// Tells the format of a file from all its documents; empty ones don't count. Documents of
/// different formats in one file make it unknown.
pub fn detect(documents: &[Node]) -> Detected {
    let found: Vec<Detected> =
        documents.iter().filter(|node| !node.is_null()).map(detect_document).collect();
    let known: Vec<&Detected> = found.iter().filter(|d| d.format != Format::Unknown).collect();
    let formats: BTreeSet<Format> = known.iter().map(|d| d.format).collect();
    let own = [Format::Native, Format::Goals, Format::Clouds];
    match (formats.len(), known.first(), found.first()) {
        (0, _, None) => Detected::new(Format::Unknown, "it holds nothing"),
        (0, _, Some(first)) => first.clone(),
        // The first document of a SkyPilot pipeline holds a name and nothing else.
        (1, Some(first), _) if known.len() == found.len() || first.format == Format::SkyPilot => {
            (*first).clone()
        }
        (1, _, _) => found
            .iter()
            .find(|d| d.format == Format::Unknown)
            .cloned()
            .unwrap_or_else(|| Detected::new(Format::Unknown, "it holds nothing")),
        _ if formats.iter().all(|format| own.contains(format)) => {
            Detected::new(Format::Native, "it holds documents of several kinds of our own format")
        }
        _ => {
            let names: Vec<String> = formats.iter().map(ToString::to_string).collect();
            Detected::new(Format::Unknown, format!("it mixes {}", names.join(" and ")))
        }
    }
}

fn detect_document(node: &Node) -> Detected {
    let Some(entries) = node.as_map() else {
        return Detected::new(Format::Unknown, format!("it is {}, not a map", node.describe()));
    };
    let text = |key: &str| node.get(key).and_then(Node::as_scalar).map(|s| &*s.text);
    let has = |key: &str| node.get(key).is_some();
    let first_of = |keys: &[&'static str]| keys.iter().copied().find(|key| has(key));
    if has("tosca_definitions_version") {
        return Detected::new(Format::Tosca, "it has \"tosca_definitions_version\"");
    }
    match (text("apiVersion"), text("kind")) {
        (Some(version), _) if version.starts_with("score.dev/") => {
            return Detected::new(Format::Score, format!("it has \"apiVersion: {version}\""));
        }
        (Some(_), Some(kind)) => {
            let reason = format!("it has \"apiVersion\" and \"kind: {kind}\"");
            return Detected::new(Format::Kubernetes, reason);
        }
        (None, Some(kind)) => return detect_kind(kind),
        (Some(_), None) => {
            return Detected::new(Format::Unknown, "it has \"apiVersion\" but no \"kind\"");
        }
        (None, None) => {}
    }
    if let Some(key) = first_of(&["services", "include"]) {
        return Detected::new(Format::Compose, format!("it has \"{key}\""));
    }
    if let Some(key) = first_of(&GOAL_KEYS) {
        return Detected::new(Format::Goals, format!("it has \"{key}\""));
    }
    if let Some(key) = first_of(&["run", "resources", "num_nodes", "file_mounts"]) {
        return Detected::new(Format::SkyPilot, format!("it has \"{key}\""));
    }
    const COMPOSE: [&str; 6] = ["name", "version", "volumes", "networks", "configs", "secrets"];
    let compose = |key: &str| COMPOSE.contains(&key) || key.starts_with("x-");
    if first_of(&COMPOSE[2..]).is_some() && entries.iter().all(|(key, _)| compose(&key.text)) {
        return Detected::new(Format::Compose, "it has only top-level keys of Compose");
    }
    if has("clouds") {
        return Detected::new(Format::Unknown, "it has \"clouds\" but no \"kind: Clouds\"");
    }
    let names: Vec<String> =
        entries.iter().take(5).map(|(key, _)| format!("\"{}\"", key.text)).collect();
    let reason = if names.is_empty() {
        "it is an empty map".to_owned()
    } else {
        format!("its keys are {}", names.join(", "))
    };
    Detected::new(Format::Unknown, reason)
}

/// The format of a document that has a `kind` and no `apiVersion`.
fn detect_kind(kind: &str) -> Detected {
    let reason = format!("it has \"kind: {kind}\"");
    match kind {
        "Application" => Detected::new(Format::Native, reason),
        "Goals" | "Goal" => Detected::new(Format::Goals, reason),
        "Clouds" => Detected::new(Format::Clouds, reason),
        // A slip of the pen: the reader of our own format says what was meant.
        _ if closest(kind, KINDS).is_some() => Detected::new(Format::Native, reason),
        _ if crate::kubernetes::is_known_kind(kind) => Detected::new(Format::Kubernetes, reason),
        _ => Detected::new(Format::Unknown, format!("{reason}, which is no kind of ours")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::read_documents;
    use coc_model::mistake::MistakeLog;
    use proptest::prelude::*;

    fn detected(text: &str) -> Detected {
        detect(&read_documents(&"f.yaml".into(), text, &mut MistakeLog::new()))
    }

    #[test]
    fn formats_are_told_by_structure() {
        for (text, format, reason) in [
            ("services: {}", Format::Compose, "it has \"services\""),
            ("include: [a.yaml]", Format::Compose, "it has \"include\""),
            (
                "version: '3'\nvolumes: {}\nx-a: 1",
                Format::Compose,
                "it has only top-level keys of Compose",
            ),
            (
                "apiVersion: v1\nkind: Pod",
                Format::Kubernetes,
                "it has \"apiVersion\" and \"kind: Pod\"",
            ),
            ("kind: Deployment", Format::Kubernetes, "it has \"kind: Deployment\""),
            (
                "apiVersion: argoproj.io/v1alpha1\nkind: Application",
                Format::Kubernetes,
                "it has \"apiVersion\" and \"kind: Application\"",
            ),
            ("kind: Application", Format::Native, "it has \"kind: Application\""),
            ("kind: Goals", Format::Goals, "it has \"kind: Goals\""),
            ("minimize: [cost]", Format::Goals, "it has \"minimize\""),
            ("kind: Goal", Format::Goals, "it has \"kind: Goal\""),
            ("kind: Clouds", Format::Clouds, "it has \"kind: Clouds\""),
            (
                "kind: Application\n---\nkind: Clouds",
                Format::Native,
                "it holds documents of several kinds of our own format",
            ),
            ("apiVersion: score.dev/v1b1", Format::Score, "it has \"apiVersion: score.dev/v1b1\""),
            (
                "tosca_definitions_version: tosca_2_0",
                Format::Tosca,
                "it has \"tosca_definitions_version\"",
            ),
            ("name: bert\n---\nname: t\nrun: ls", Format::SkyPilot, "it has \"run\""),
            ("---\n---\n", Format::Unknown, "it holds nothing"),
            ("[1]", Format::Unknown, "it is a list, not a map"),
            ("a: 1\nb: 2", Format::Unknown, "its keys are \"a\", \"b\""),
            ("clouds: []", Format::Unknown, "it has \"clouds\" but no \"kind: Clouds\""),
            ("kind: Aplication", Format::Native, "it has \"kind: Aplication\""),
            ("kind: Car", Format::Unknown, "it has \"kind: Car\", which is no kind of ours"),
            (
                "services: {}\n---\napiVersion: v1\nkind: Pod",
                Format::Unknown,
                "it mixes Compose and Kubernetes",
            ),
            ("services: {}\n---\na: 1", Format::Unknown, "its keys are \"a\""),
        ] {
            let found = detected(text);
            assert_eq!((found.format, &*found.reason), (format, reason), "{text}");
        }
    }

    #[test]
    fn what_is_not_read_is_refused_with_its_name() {
        let at = Position::start(&"f.yaml".into());
        let says = |text: &str| detected(text).refusal(&at).map(|m| m.to_string());
        assert_eq!(says("services: {}"), None);
        assert_eq!(
            says("tosca_definitions_version: tosca_2_0").as_deref(),
            Some(
                "f.yaml:1:1: this is TOSCA (it has \"tosca_definitions_version\"), which is not \
                 read yet (Compose, Kubernetes and our own format are read)"
            )
        );
        assert_eq!(
            says("a: 1").as_deref(),
            Some(
                "f.yaml:1:1: the format of the file is not known: its keys are \"a\" (expected \
                 Compose (\"services\"), Kubernetes (\"apiVersion\" and \"kind\") or our own \
                 format (\"kind: Application\", \"Goals\", \"Goal\" or \"Clouds\"))"
            )
        );
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(kind|apiVersion|services|run|name|: |\\[|\\]|\n|---\n|x){0,20}") {
            detected(&text);
        }
    }
}
