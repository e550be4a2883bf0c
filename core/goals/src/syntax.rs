//! From text to a CEL syntax tree, with every mistake at its column.

use cel::Env;
use cel::common::ast::{Expr, IdedExpr, SourceInfo};
use coc_model::goals::Located;
use coc_model::mistake::{Mistake, Position};

/// The longest expression, in characters.
pub const LENGTH_MAX: usize = 8_000;
/// How deep brackets may lie in each other.
pub const BRACKETS_MAX: usize = 40;
/// How many operators one expression may have.
pub const OPERATORS_MAX: usize = 400;

/// A parsed expression.
#[derive(Debug)]
pub struct Parsed {
    /// The tree, macros not expanded.
    pub tree: IdedExpr,
    offsets: SourceInfo,
    source: Source,
}

/// Where an expression stands in a file, so that offsets in it become positions.
#[derive(Clone, Debug)]
pub struct Source {
    /// The text.
    pub text: String,
    /// Where its first character stands.
    pub at: Position,
    /// True if it stands in the file character by character on one line; otherwise every position
    /// is that of its beginning.
    pub verbatim: bool,
}

impl Source {
    /// An expression as written in a file. A text without line breaks is taken to stand there
    /// character by character.
    pub fn written(text: &Located<String>) -> Self {
        let verbatim = !text.value.contains('\n');
        Self { text: text.value.clone(), at: text.at.clone(), verbatim }
    }

    /// An expression that a named goal expanded to: every position is that of the goal.
    pub fn expanded(text: String, at: Position) -> Self {
        Self { text, at, verbatim: false }
    }

    /// The position of the character at an offset.
    pub fn position(&self, offset: usize) -> Position {
        let mut at = self.at.clone();
        if self.verbatim {
            at.column = at.column.saturating_add(u32::try_from(offset).unwrap_or(0));
        }
        at
    }

    /// A mistake at a range of characters.
    pub fn mistake(&self, start: usize, end: usize, says: impl Into<String>) -> Mistake {
        let width = if self.verbatim { end.saturating_sub(start) } else { 0 };
        Mistake::at(self.position(start), says).width(width)
    }
}

/// Parses an expression.
///
/// # Errors
/// Every mistake of syntax, at its column; texts longer, deeper or with more operators than the
/// limits above (the parser is recursive, and a goal beyond them is no goal a person wrote).
pub fn parse(source: Source) -> Result<Parsed, Vec<Mistake>> {
    if let Some(mistake) = too_much(&source) {
        return Err(vec![mistake]);
    }
    match Env::default().parser().parse_with_source_info(&source.text) {
        Ok((tree, offsets)) => Ok(Parsed { tree, offsets, source }),
        Err(errors) => Err(errors.errors.iter().map(|e| syntax_mistake(&source, e)).collect()),
    }
}

fn syntax_mistake(source: &Source, error: &cel::ParseError) -> Mistake {
    let line = usize::try_from(error.pos.0).unwrap_or(1).max(1);
    let column = usize::try_from(error.pos.1).unwrap_or(1).max(1);
    let before: usize =
        source.text.split_inclusive('\n').take(line - 1).map(|l| l.chars().count()).sum();
    let offset = (before + column - 1).min(source.text.chars().count());
    let says = error.msg.strip_prefix("Syntax error: ").unwrap_or(&error.msg);
    let says = says.split(" expecting {").next().unwrap_or(says).replace("'<EOF>'", "the end");
    source.mistake(offset, offset + 1, format!("this is not an expression: {says}"))
}

fn too_much(source: &Source) -> Option<Mistake> {
    let (mut depth, mut operators, mut quote) = (0_usize, 0_usize, None);
    for (offset, c) in source.text.chars().enumerate() {
        match (quote, c) {
            (Some(q), _) if c == q => quote = None,
            (Some(_), _) => continue,
            (None, '"' | '\'') => quote = Some(c),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => depth = depth.saturating_sub(1),
            (None, '!' | '-' | '+' | '*' | '/' | '%' | '&' | '|' | '?' | '.' | ',') => {
                operators += 1;
            }
            _ => {}
        }
        if depth > BRACKETS_MAX {
            let says = format!("brackets are nested deeper than {BRACKETS_MAX}");
            return Some(source.mistake(offset, offset + 1, says));
        }
        if operators > OPERATORS_MAX {
            let says = format!("the expression has more than {OPERATORS_MAX} operators");
            return Some(source.mistake(offset, offset + 1, says));
        }
        if offset >= LENGTH_MAX {
            let says = format!("the expression is longer than {LENGTH_MAX} characters");
            return Some(source.mistake(0, 1, says));
        }
    }
    None
}

impl Parsed {
    /// The text and its place.
    pub const fn source(&self) -> &Source {
        &self.source
    }

    /// The characters a node covers, from its leftmost to its rightmost token; closing brackets
    /// are not tokens of a node.
    pub fn range(&self, node: &IdedExpr) -> (usize, usize) {
        let (start, end) = self.bytes(node);
        let characters = |bytes: usize| {
            self.source.text.char_indices().take_while(|&(at, _)| at < bytes).count()
        };
        (characters(start), characters(end))
    }

    /// The bytes a node covers: the parser counts in bytes.
    fn bytes(&self, node: &IdedExpr) -> (usize, usize) {
        let own = self.offsets.offset_for(node.id);
        let mut range = own.map(|(start, stop)| (start as usize, stop as usize + 1));
        if let (Expr::Call(call), Some((start, _))) = (&node.expr, &mut range)
            && call.target.is_none()
            && call.func_name.starts_with(|c: char| c.is_ascii_alphabetic())
        {
            *start = start.saturating_sub(call.func_name.len());
        }
        if let (Expr::Select(select), Some((_, end))) = (&node.expr, &mut range) {
            *end += select.field.len();
        }
        for child in children(node) {
            let (start, end) = self.bytes(child);
            range = Some(range.map_or((start, end), |(s, e)| (s.min(start), e.max(end))));
        }
        range.unwrap_or((0, 0))
    }

    /// A mistake about a node.
    pub fn mistake(&self, node: &IdedExpr, says: impl Into<String>) -> Mistake {
        let (start, end) = self.range(node);
        self.source.mistake(start, end, says)
    }
}

fn children(node: &IdedExpr) -> Vec<&IdedExpr> {
    match &node.expr {
        Expr::Call(call) => call.target.as_deref().into_iter().chain(&call.args).collect(),
        Expr::List(list) => list.elements.iter().collect(),
        Expr::Select(select) => vec![&select.operand],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn source(text: &str) -> Source {
        let at = Position { file: "g.yaml".into(), line: 3, column: 9 };
        Source::written(&Located { value: text.to_owned(), at })
    }

    fn mistakes(text: &str) -> Vec<String> {
        parse(source(text)).err().unwrap_or_default().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn mistakes_of_syntax_have_columns() {
        assert_eq!(
            mistakes("a +"),
            ["g.yaml:3:12: this is not an expression: mismatched input the end"]
        );
        assert!(mistakes("cost <= usd(5").first().is_some_and(|m| m.starts_with("g.yaml:3:22:")));
    }

    #[test]
    fn hostile_texts_are_refused_before_the_parser() {
        for text in ["(".repeat(10_000), "!".repeat(10_000), "-".repeat(9_000), "a+".repeat(9_000)]
        {
            let told = mistakes(&text);
            assert_eq!(told.len(), 1, "{told:?}");
        }
        assert_eq!(mistakes(&" ".repeat(9_000)).len(), 1);
    }

    #[test]
    fn a_node_covers_its_text() {
        let parsed = parse(source("latency(\"é\", b) <= ms(20)")).unwrap();
        let Expr::Call(compare) = &parsed.tree.expr else { panic!("a call") };
        assert_eq!(parsed.range(&compare.args[0]), (0, 14));
        assert_eq!(parsed.range(&compare.args[1]), (19, 24));
    }

    #[test]
    fn the_largest_allowed_expression_fits_a_small_stack() {
        let sum = vec!["a"; OPERATORS_MAX].join("+");
        let nested = format!("{}a{}", "(".repeat(BRACKETS_MAX), ")".repeat(BRACKETS_MAX));
        for text in [sum, nested] {
            let run = std::thread::Builder::new().stack_size(2 << 20);
            let parsed = run.spawn(move || parse(source(&text)).is_ok()).unwrap().join();
            assert!(parsed.unwrap());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]
        #[test]
        fn no_text_panics(text in "[a-c0-9 .()\\[\\]\"'+*/<=>!&|?:,{}-]{0,40}") {
            let _ = parse(source(&text));
        }
    }
}
