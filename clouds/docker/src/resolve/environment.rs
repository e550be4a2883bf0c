//! The environment of a container.

use coc_model::application::{EnvValue, Service};
use coc_model::mistake::{Mistake, closest};
use coc_model::secret::{SECRET_KEY, SecretRef};
use serde_json::{Value, json};

use super::Resolving;

impl Resolving<'_> {
    /// The list `Env`: `NAME=value`, and for secrets and variables that are passed on, the
    /// reference that stands for one until the call.
    pub(super) fn environment(&mut self, service: &Service) -> Vec<Value> {
        let mut variables = Vec::new();
        for (name, value) in &service.env {
            if name.is_empty() || name.contains('=') || name.contains('\0') {
                let says = format!("\"{}\" can't be the name of a variable", name.escape_debug());
                self.mistake(&service.at, says, "a name is not empty and has no = in it");
                continue;
            }
            variables.push(match value {
                EnvValue::Text(text) => json!(format!("{name}={}", self.filled(service, text))),
                EnvValue::Secret(reference) => json!({SECRET_KEY: reference, "name": name}),
                EnvValue::Passed => {
                    let reference = SecretRef::of_caller(name);
                    json!({SECRET_KEY: reference, "name": name, "optional": true})
                }
            });
        }
        variables
    }

    /// The text with addresses of services in place of `${services.NAME.address}`.
    fn filled(&mut self, service: &Service, text: &str) -> String {
        const OPEN: &str = "${services.";
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find(OPEN) {
            let (before, after) = rest.split_at(start);
            filled.push_str(before);
            let Some(end) = after.find('}') else {
                rest = after;
                break;
            };
            match self.address(&after[OPEN.len()..end]) {
                Ok(address) => filled.push_str(&address),
                Err(mistake) => {
                    self.log.push(Mistake { at: Some(service.at.clone()), ..mistake });
                }
            }
            rest = &after[end + 1..];
        }
        filled.push_str(rest);
        filled
    }

    /// The address behind `NAME.address`: in the application's network, a service is found by its
    /// name.
    fn address(&self, reference: &str) -> Result<String, Mistake> {
        let (name, what) = reference.split_once('.').unwrap_or((reference, ""));
        let written = format!("${{services.{reference}}}");
        if what != "address" {
            return Err(Mistake::of_request(format!(
                "\"{written}\" is nothing that a service has"
            ))
            .hint("a service has an address: ${services.NAME.address}"));
        }
        if !self.application.services.contains_key(name) {
            let known = self.application.services.keys().map(String::as_str);
            let mistake = Mistake::of_request(format!("\"{written}\": no such service"));
            return Err(match closest(name, known) {
                Some(meant) => mistake.hint(format!("did you mean \"{meant}\"?")),
                None => mistake,
            });
        }
        if !self.is_here(name) {
            let says = format!("\"{written}\": {name} is not placed in cloud {}", self.cloud);
            return Err(Mistake::of_request(says)
                .hint("addresses in other clouds are not possible yet: keep the two together"));
        }
        Ok(name.to_owned())
    }
}
