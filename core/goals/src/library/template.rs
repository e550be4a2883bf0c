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
    /// For each piece: its first character in the text, and the characters of the template that it
    /// comes from. A piece as long as those is there as written.
    pieces: Vec<(usize, usize, (usize, usize))>,
}

impl Filled {
    fn push(&mut self, text: &str, from: (usize, usize)) {
        let start = self.pieces.last().map_or(0, |p| p.0 + p.1);
        self.pieces.push((start, text.chars().count(), from));
        self.text.push_str(text);
    }

    /// The characters of the template behind some characters of the text: those of whole holes
    /// where values stand.
    pub(crate) fn behind(&self, (start, end): (usize, usize)) -> (usize, usize) {
        let piece = |at: usize| {
            self.pieces.iter().rev().find(|p| p.0 <= at && p.1 > 0).copied().unwrap_or_default()
        };
        let plain = |p: (usize, usize, (usize, usize))| p.1 == p.2.1 - p.2.0;
        let first = piece(start);
        let from = if plain(first) { first.2.0 + (start - first.0) } else { first.2.0 };
        let last = piece(end.max(start + 1) - 1);
        let to = if plain(last) { last.2.0 + (end.max(start + 1) - last.0) } else { last.2.1 };
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
}
