//! What the checks need of a Markdown file: headings, links and rows of tables.

use std::collections::BTreeMap;

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::tree::line_of;

/// A Markdown file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Markdown {
    /// Its headings, in order.
    pub(crate) headings: Vec<Heading>,
    /// Its links and images: target and line.
    pub(crate) links: Vec<(String, usize)>,
    /// Its code spans, with their lines.
    pub(crate) code: Vec<(String, usize)>,
    /// The rows of its tables, header rows left out.
    pub(crate) rows: Vec<Row>,
}

/// A heading.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Heading {
    /// 1 for a title.
    pub(crate) level: usize,
    /// Its text.
    pub(crate) text: String,
    /// The code spans in it.
    pub(crate) code: Vec<String>,
    /// The anchor that links to it end with.
    pub(crate) anchor: String,
    /// Its line, from 1.
    pub(crate) line: usize,
}

/// A row of a table.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Row {
    /// The first code span of its first cell.
    pub(crate) code: Option<String>,
    /// The text of its last cell.
    pub(crate) last: String,
    /// Its line, from 1.
    pub(crate) line: usize,
}

/// What text belongs to, while reading.
#[derive(Debug, Default)]
struct Reading {
    heading: Option<Heading>,
    row: Option<Row>,
    cell: Option<(usize, String)>,
    cells: usize,
}

impl Markdown {
    /// Reads a file. Any text is Markdown, so there are no mistakes.
    pub(crate) fn parse(text: &str) -> Self {
        let mut markdown = Self::default();
        let mut reading = Reading::default();
        for (event, range) in Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter() {
            let line = line_of(text, range.start);
            match event {
                Event::Start(tag) => markdown.start(tag, line, &mut reading),
                Event::End(tag) => markdown.end(tag, &mut reading),
                Event::Text(words) => reading.text(&words),
                Event::Code(words) => {
                    reading.code(&words);
                    markdown.code.push((words.to_string(), line));
                }
                Event::SoftBreak | Event::HardBreak => reading.text(" "),
                _ => {}
            }
        }
        markdown.number_anchors();
        markdown
    }

    fn start(&mut self, tag: Tag<'_>, line: usize, reading: &mut Reading) {
        match tag {
            Tag::Heading { level, .. } => {
                reading.heading = Some(Heading { level: depth(level), line, ..Heading::default() });
            }
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => {
                self.links.push((dest_url.to_string(), line));
            }
            Tag::TableRow => {
                reading.row = Some(Row { line, ..Row::default() });
                reading.cells = 0;
            }
            Tag::TableCell if reading.row.is_some() => {
                reading.cell = Some((reading.cells, String::new()));
                reading.cells += 1;
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd, reading: &mut Reading) {
        match tag {
            TagEnd::Heading(_) => self.headings.extend(reading.heading.take()),
            TagEnd::TableCell => {
                if let (Some(row), Some((_, text))) = (&mut reading.row, reading.cell.take()) {
                    row.last = text;
                }
            }
            TagEnd::TableRow => self.rows.extend(reading.row.take()),
            _ => {}
        }
    }

    /// Anchors as the common hosts of Git repositories make them: lower case, letters, digits, `-`
    /// and `_` kept, spaces to `-`, and a number after each repetition.
    fn number_anchors(&mut self) {
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        for heading in &mut self.headings {
            let plain: String = heading
                .text
                .to_lowercase()
                .chars()
                .filter(|&c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
                .map(|c| if c == ' ' { '-' } else { c })
                .collect();
            let before = seen.entry(plain.clone()).or_default();
            heading.anchor = if *before == 0 { plain } else { format!("{plain}-{before}") };
            *before += 1;
        }
    }
}

impl Reading {
    fn text(&mut self, words: &str) {
        if let Some(heading) = &mut self.heading {
            heading.text.push_str(words);
        }
        if let Some((_, cell)) = &mut self.cell {
            cell.push_str(words);
        }
    }

    fn code(&mut self, words: &str) {
        self.text(words);
        if let Some(heading) = &mut self.heading {
            heading.code.push(words.to_owned());
        }
        if let (Some(row), Some((0, _))) = (&mut self.row, &self.cell) {
            row.code.get_or_insert_with(|| words.to_owned());
        }
    }
}

const fn depth(level: HeadingLevel) -> usize {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_have_text_code_and_anchor() {
        let read = Markdown::parse("# A title\n\n## `a/b`, a part\n\ntext\n\n## A title\n");
        let seen: Vec<_> = read
            .headings
            .iter()
            .map(|h| (h.level, h.text.as_str(), h.anchor.as_str(), h.line))
            .collect();
        assert_eq!(
            seen,
            [
                (1, "A title", "a-title", 1),
                (2, "a/b, a part", "ab-a-part", 3),
                (2, "A title", "a-title-1", 7)
            ]
        );
        assert_eq!(read.headings[1].code, ["a/b"]);
    }

    #[test]
    fn links_are_found_but_not_in_code() {
        let read = Markdown::parse("[a](b.md) and `[c](d.md)`\n\n[e][f]\n\n[f]: g.md#h\n");
        assert_eq!(read.links, [("b.md".to_owned(), 1), ("g.md#h".to_owned(), 3)]);
        assert_eq!(read.code, [("[c](d.md)".to_owned(), 1)]);
    }

    #[test]
    fn rows_keep_first_code_and_last_cell() {
        let read = Markdown::parse("| x | y |\n|---|---|\n| `a` b | c `d` e |\n| f | |\n");
        assert_eq!(
            read.rows,
            [
                Row { code: Some("a".into()), last: "c d e".into(), line: 3 },
                Row { code: None, last: String::new(), line: 4 }
            ]
        );
    }
}
