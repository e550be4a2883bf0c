//! Our own format: applications, goals, named goals and clouds, as YAML or JSON.

mod application;
mod clouds;
mod definition;
mod goals;
mod health;
mod mounts;
pub(crate) mod order;
mod ports;
mod references;
mod service;
mod size;
mod write;

use std::sync::Arc;

use coc_model::application::Application;
use coc_model::cloud::Cloud;
use coc_model::goals::{Definition, Goals, Located};
use coc_model::mistake::{Mistake, MistakeLog, Position, closest};
use coc_model::secret::Secrets;

use crate::fields::{Fields, mistake_at, text, text_position};
use crate::tree::Node;

pub use write::write;

/// What a document of our own format holds.
#[derive(Clone, Debug)]
pub enum NativeDocument {
    /// An application.
    Application {
        /// Services, links and volumes.
        application: Box<Application>,
        /// The goals written inside the application, if there are any.
        goals: Option<Goals>,
        /// The values that the application holds by reference only. A value may contain
        /// `${services.NAME.address}`, as plain variables may.
        secrets: Secrets,
    },
    /// Goals.
    Goals {
        /// The application they are for; `None` for the one they are given with.
        application: Option<Located<String>>,
        /// The goals.
        goals: Goals,
    },
    /// A named goal or number of a person's own.
    Goal(Box<Definition>),
    /// Clouds to mount.
    Clouds(Vec<Cloud>),
}

pub(crate) const KINDS: [&str; 4] = ["Application", "Goals", "Goal", "Clouds"];
/// The keys by which goals are known without a `kind`.
pub(crate) const GOAL_KEYS: [&str; 3] = ["require", "minimize", "maximize"];

/// Reads one document. What could be read is given even where there are mistakes, so that the
/// reading of other documents can go on; only an empty log makes it fit for use.
///
/// # Errors
/// Logged, each at its place: unknown kinds, keys and names; values of the wrong shape or unit;
/// names that are not legal or come twice; services that wait for each other in a circle; secrets
/// where only references may stand.
pub fn read_document(file: &Arc<str>, node: &Node, log: &mut MistakeLog) -> Option<NativeDocument> {
    let mut fields = Fields::of(node, "the document", log)?;
    let kind = match fields.get("kind") {
        Some(kind) => read_kind(kind, log)?,
        None if GOAL_KEYS.iter().any(|key| node.get(key).is_some()) => "Goals",
        None => {
            let says = "the document has no \"kind\"";
            let hint = format!("it is one of: {}", KINDS.join(", "));
            log.push(
                Mistake::at(Position { file: Arc::clone(file), ..node.at.clone() }, says)
                    .hint(hint),
            );
            return None;
        }
    };
    Some(match kind {
        "Application" => {
            let parts = application::read(node, fields, log);
            NativeDocument::Application {
                application: Box::new(parts.application),
                goals: parts.goals,
                secrets: parts.secrets,
            }
        }
        "Goals" => {
            let application = fields.get("application").and_then(|node| {
                let value = text(node, "application", log)?;
                Some(Located { value, at: text_position(node) })
            });
            let goals = goals::read(&mut fields, log);
            fields.finish(log);
            NativeDocument::Goals { application, goals }
        }
        "Goal" => NativeDocument::Goal(Box::new(definition::read(node, fields, log)?)),
        _ => {
            let clouds = match fields.get("clouds") {
                Some(node) => clouds::read(node, log),
                None => {
                    log.push(clouds::missing(&node.at));
                    Vec::new()
                }
            };
            fields.finish(log);
            NativeDocument::Clouds(clouds)
        }
    })
}

fn read_kind(node: &Node, log: &mut MistakeLog) -> Option<&'static str> {
    let written = text(node, "kind", log)?;
    if let Some(kind) = KINDS.into_iter().find(|kind| *kind == written) {
        return Some(kind);
    }
    let mistake = mistake_at(node, format!("there is no kind \"{written}\" of document"));
    log.push(match closest(&written, KINDS) {
        Some(kind) => mistake.hint(format!("did you mean \"{kind}\"?")),
        None => mistake.hint(format!("it is one of: {}", KINDS.join(", "))),
    });
    None
}
