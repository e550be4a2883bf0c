//! Expressions with holes: `replicas({services}).all(r, r.cloud in {cloud})`.

use std::collections::BTreeMap;

/// A value that fills holes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Filling {
    /// What `{name}` becomes.
    pub(crate) text: String,
    /// What `{name.list}` becomes, where the value is one of many or several.
    pub(crate) list: Option<String>,
}

impl Filling {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), list: None }
    }
}

/// A hole as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hole<'t> {
    /// The field.
    pub(crate) name: &'t str,
    /// True for `{name.list}`.
    pub(crate) list: bool,
    /// The characters it covers, braces too.
    pub(crate) range: (usize, usize),
}

/// A `{` without its `}`, by its character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unclosed(pub(crate) usize);

/// A stretch of text or a hole.
#[derive(Clone, Copy, Debug)]
enum Piece<'t> {
    Plain(&'t str),
    Hole(Hole<'t>),
}

/// The pieces of a template, from left to right; the last one is where an open brace begins, if
/// there is one.
fn pieces(template: &str) -> (Vec<Piece<'_>>, Option<Unclosed>) {
    let (mut pieces, mut at, mut rest) = (Vec::new(), 0, template);
    while let Some((before, after)) = rest.split_once('{') {
        pieces.push(Piece::Plain(before));
        at += before.chars().count();
        let Some((inside, after)) = after.split_once('}') else {
            return (pieces, Some(Unclosed(at)));
        };
        let end = at + inside.chars().count() + 2;
        let (name, list) = match inside.trim().strip_suffix(".list") {
            Some(name) => (name, true),
            None => (inside.trim(), false),
        };
        pieces.push(Piece::Hole(Hole { name, list, range: (at, end) }));
        (at, rest) = (end, after);
    }
    pieces.push(Piece::Plain(rest));
    (pieces, None)
}

/// The holes of a template.
pub(crate) fn holes(template: &str) -> Result<Vec<Hole<'_>>, Unclosed> {
    let (pieces, unclosed) = pieces(template);
    let holes = pieces.into_iter().filter_map(|piece| match piece {
        Piece::Hole(hole) => Some(hole),
        Piece::Plain(_) => None,
    });
    unclosed.map_or_else(|| Ok(holes.collect()), Err)
}

/// A filled template, and where each of its characters comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Filled {
    pub(crate) text: String,
    stretches: Vec<Stretch>,
}

/// Some characters of a filled template.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Stretch {
    /// The first of them in the text.
    start: usize,
    length: usize,
    /// The characters of the template that they come from, and the one after those.
    from: usize,
    to: usize,
}

impl Stretch {
    /// True if it is there as written, not filled in.
    const fn is_plain(self) -> bool {
        self.length == self.to - self.from
    }
}

impl Filled {
    fn push(&mut self, text: &str, (from, to): (usize, usize)) {
        let start = self.stretches.last().map_or(0, |last| last.start + last.length);
        self.stretches.push(Stretch { start, length: text.chars().count(), from, to });
        self.text.push_str(text);
    }

    fn stretch(&self, at: usize) -> Stretch {
        let holds = |s: &&Stretch| s.start <= at && s.length > 0;
        self.stretches.iter().rev().find(holds).copied().unwrap_or_default()
    }

    /// The characters of the template behind some characters of the text: those of whole holes
    /// where values stand.
    pub(crate) fn behind(&self, (start, end): (usize, usize)) -> (usize, usize) {
        let end = end.max(start + 1);
        let (first, last) = (self.stretch(start), self.stretch(end - 1));
        let from = first.from + if first.is_plain() { start - first.start } else { 0 };
        let to = if last.is_plain() { last.from + (end - last.start) } else { last.to };
        (from, to.max(from))
    }
}

/// Fills the holes. What is not given leaves nothing; a list that is not given either.
pub(crate) fn fill(template: &str, fillings: &BTreeMap<&str, Filling>) -> Filled {
    let (mut filled, mut at) = (Filled::default(), 0);
    for piece in pieces(template).0 {
        match piece {
            Piece::Plain(text) => {
                let end = at + text.chars().count();
                filled.push(text, (at, end));
                at = end;
            }
            Piece::Hole(hole) => {
                let filling = fillings.get(hole.name);
                let text =
                    filling.and_then(|f| if hole.list { f.list.as_ref() } else { Some(&f.text) });
                filled.push(text.map_or("", String::as_str), hole.range);
                at = hole.range.1;
            }
        }
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fillings() -> BTreeMap<&'static str, Filling> {
        BTreeMap::from([
            ("a", Filling::text("[\"web\"]")),
            ("over", Filling { text: "cloud".into(), list: Some("clouds".into()) }),
        ])
    }

    #[test]
    fn holes_are_filled() {
        for (template, filled) in [
            ("replicas({a}).all(r, true)", "replicas([\"web\"]).all(r, true)"),
            ("{over.list}.all(c, r.{over} == c)", "clouds.all(c, r.cloud == c)"),
            ("replicas({absent})", "replicas()"),
            ("{ a }", "[\"web\"]"),
        ] {
            assert_eq!(fill(template, &fillings()).text, filled);
        }
    }

    #[test]
    fn characters_of_a_filled_template_know_where_they_come_from() {
        let filled = fill("é({a}) {absent}< x", &fillings());
        assert_eq!(filled.text, "é([\"web\"]) < x");
        // é, inside the value, the closing bracket, and x.
        for (range, from) in
            [((0, 1), (0, 1)), ((3, 5), (2, 5)), ((9, 10), (5, 6)), ((13, 14), (17, 18))]
        {
            assert_eq!(filled.behind(range), from, "{range:?}");
        }
    }

    #[test]
    fn an_open_brace_is_told() {
        assert_eq!(holes("a {b").err(), Some(Unclosed(2)));
        assert_eq!(holes("{b.list}").map(|h| (h[0].name, h[0].list)), Ok(("b", true)));
    }

    proptest! {
        #[test]
        fn every_character_comes_from_inside_the_template(
            template in "([a-cé .]|\\{a\\}|\\{over\\.list\\}|\\{|\\}){0,12}",
        ) {
            let filled = fill(&template, &fillings());
            let end = filled.text.chars().count();
            for (at, to) in (0..end).flat_map(|at| (at + 1..=end).map(move |to| (at, to))) {
                let (from, to) = filled.behind((at, to));
                prop_assert!(from < to && to <= template.chars().count());
            }
        }
    }
}
