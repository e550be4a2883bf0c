//! The variables that a file may use: those of the caller first, then those of `.env` files.

use std::collections::BTreeMap;

use super::dotenv::Variable;

/// Variables by name. It has no `Debug`: values may be secrets.
#[derive(Clone, Default)]
pub(super) struct Environment {
    caller: BTreeMap<String, String>,
    files: BTreeMap<String, String>,
}

impl Environment {
    /// The variables of whoever asks for the reading.
    pub(super) fn of_caller(caller: BTreeMap<String, String>) -> Self {
        Self { caller, files: BTreeMap::new() }
    }

    /// The same environment, with those variables of a file that it does not have yet.
    #[must_use]
    pub(super) fn with_file(mut self, variables: BTreeMap<String, Variable>) -> Self {
        for (name, variable) in variables {
            self.files.entry(name).or_insert(variable.value);
        }
        self
    }

    /// The same environment with one variable set to this, whatever it was.
    #[must_use]
    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        self.caller.remove(name);
        self.files.insert(name.to_owned(), value.to_owned());
        self
    }

    /// The value of a variable.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.caller.get(name).or_else(|| self.files.get(name)).map(String::as_str)
    }

    /// The value of a variable that the caller does not set and a file does.
    pub(super) fn of_files_alone(&self, name: &str) -> Option<&str> {
        if self.caller.contains_key(name) { None } else { self.files.get(name).map(String::as_str) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use coc_model::mistake::Position;

    fn file(pairs: &[(&str, &str)]) -> BTreeMap<String, Variable> {
        let at = Position::start(&".env".into());
        let variable =
            |value: &str| Variable { value: value.to_owned(), at: at.clone(), blanks: Vec::new() };
        pairs.iter().map(|(name, value)| ((*name).to_owned(), variable(value))).collect()
    }

    #[test]
    fn the_caller_comes_first_and_outer_files_before_inner_ones() {
        let caller = BTreeMap::from([("A".to_owned(), "caller".to_owned())]);
        let environment = Environment::of_caller(caller)
            .with_file(file(&[("A", "outer"), ("B", "outer")]))
            .with_file(file(&[("B", "inner"), ("C", "inner")]));
        for (name, value, alone) in [
            ("A", Some("caller"), None),
            ("B", Some("outer"), Some("outer")),
            ("C", Some("inner"), Some("inner")),
            ("D", None, None),
        ] {
            assert_eq!(environment.get(name), value, "{name}");
            assert_eq!(environment.of_files_alone(name), alone, "{name}");
        }
    }
}
