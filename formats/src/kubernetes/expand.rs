//! `$(NAME)` in variables and arguments, expanded as the kubelet does.

/// The longest text that Linux gives to a process, as a variable or an argument.
pub(super) const TEXT_MAX: usize = 128 << 10;

/// What a name stands for in an expansion.
pub(super) enum Known<'v> {
    /// A plain text.
    Text(&'v str),
    /// A secret, with its value if that is known.
    Secret(Option<&'v str>),
}

/// An expanded text.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Expanded {
    /// The text; names that are not known stay as they were written.
    pub(super) text: String,
    /// True if a secret went into it.
    pub(super) secret: bool,
    /// True if it grew beyond [`TEXT_MAX`] and is not whole.
    pub(super) too_long: bool,
    /// A secret whose value is not known and whose name therefore stayed.
    pub(super) missing: Option<String>,
}

/// Expands `$(NAME)`; `$$` is `$`. A text that grows beyond [`TEXT_MAX`] is given up.
pub(super) fn expand<'v>(text: &str, known: impl Fn(&str) -> Option<Known<'v>>) -> Expanded {
    let mut out = Expanded::default();
    let mut rest = text;
    while let Some(dollar) = rest.find('$') {
        if out.text.len() > TEXT_MAX {
            out.too_long = true;
            return out;
        }
        out.text.push_str(&rest[..dollar]);
        let after = &rest[dollar + 1..];
        if let Some(escaped) = after.strip_prefix('$') {
            out.text.push('$');
            rest = escaped;
            continue;
        }
        let name = after.strip_prefix('(').and_then(|inner| inner.split_once(')'));
        let Some((name, behind)) = name else {
            out.text.push('$');
            rest = after;
            continue;
        };
        rest = behind;
        match known(name) {
            Some(Known::Text(value)) => out.text.push_str(value),
            Some(Known::Secret(Some(value))) => {
                out.text.push_str(value);
                out.secret = true;
            }
            Some(Known::Secret(None)) => {
                out.text.push_str(&format!("$({name})"));
                out.secret = true;
                out.missing = Some(name.to_owned());
            }
            None => out.text.push_str(&format!("$({name})")),
        }
    }
    out.text.push_str(rest);
    out.too_long = out.text.len() > TEXT_MAX;
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn known(name: &str) -> Option<Known<'static>> {
        match name {
            "A" => Some(Known::Text("1")),
            "B" => Some(Known::Text("$(A)")),
            "S" => Some(Known::Secret(Some("s"))),
            "M" => Some(Known::Secret(None)),
            _ => None,
        }
    }

    #[test]
    fn names_are_expanded_once() {
        for (text, expanded, secret) in [
            ("x$(A)y", "x1y", false),
            ("$(B)", "$(A)", false),
            ("$$(A)", "$(A)", false),
            ("$$$(A)", "$1", false),
            ("$(C) $A ${A} $", "$(C) $A ${A} $", false),
            ("$(A", "$(A", false),
            ("p:$(S)@", "p:s@", true),
            ("$(M)", "$(M)", true),
        ] {
            let out = expand(text, known);
            assert_eq!((&*out.text, out.secret), (expanded, secret), "{text}");
        }
        assert_eq!(expand("$(M)", known).missing.as_deref(), Some("M"));
    }

    #[test]
    fn growing_without_end_is_given_up() {
        let long = "x".repeat(TEXT_MAX);
        let known = |_: &str| Some(Known::Text(&long));
        assert!(!expand("$(A)", known).too_long);
        assert!(expand("$(A)y", known).too_long);
        let out = expand(&"$(A)".repeat(1000), known);
        assert!(out.too_long && out.text.len() <= 3 * TEXT_MAX, "{}", out.text.len());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[$()A-Cü ]{0,30}") {
            expand(&text, known);
        }

        #[test]
        fn a_text_without_dollars_stays(text in "[^$]{0,30}") {
            prop_assert_eq!(expand(&text, known).text, text);
        }
    }
}
