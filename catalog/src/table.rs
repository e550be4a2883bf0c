//! One CSV table of a catalog directory: opened, checked as a whole, and read row by row with the
//! place of every cell.

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;

use coc_model::mistake::{Mistake, MistakeLog, Position, closest};
use csv::{ReaderBuilder, StringRecord};

use crate::figure::ROW_LEFT_OUT;

/// The largest table that is read, unpacked: a small archive may claim any size.
const MAX_BYTES: u64 = 1 << 30;

/// A table's text, known to be UTF-8.
#[derive(Debug)]
pub(crate) struct Table {
    /// The file as the person named it.
    pub(crate) file: Arc<str>,
    text: String,
}

impl Table {
    /// Opens `name.csv` or `name.csv.zst` of a directory; `None` if there is neither.
    ///
    /// # Errors
    /// Both are there, or the one that is can't be read, unpacked, or is no UTF-8.
    pub(crate) fn open(directory: &Path, name: &str) -> Result<Option<Self>, Mistake> {
        let plain = directory.join(format!("{name}.csv"));
        let packed = directory.join(format!("{name}.csv.zst"));
        let path = match (plain.is_file(), packed.is_file()) {
            (false, false) => return Ok(None),
            (true, true) => {
                let says = format!("the table {name} is there twice, plain and as .zst");
                return Err(whole_file(&plain, says).hint("remove one of the two files"));
            }
            (true, false) => plain,
            (false, true) => packed,
        };
        let bytes = read(&path)?;
        let file: Arc<str> = path.to_string_lossy().into();
        Self::from_bytes(file, bytes).map(Some)
    }

    /// The table in these bytes.
    ///
    /// # Errors
    /// They are no UTF-8.
    pub(crate) fn from_bytes(file: Arc<str>, bytes: Vec<u8>) -> Result<Self, Mistake> {
        let mut text = String::from_utf8(bytes).map_err(|error| {
            let good = error.utf8_error().valid_up_to();
            let before = String::from_utf8_lossy(&error.as_bytes()[..good]).into_owned();
            let (line, column) = end_of(&before, 1);
            Mistake::at(Position::new(&file, line, column), "the file is not UTF-8 text")
                .hint("save it as UTF-8")
        })?;
        if text.starts_with('\u{feff}') {
            text.drain(..'\u{feff}'.len_utf8());
        }
        Ok(Self { file, text })
    }

    /// The rows below the header. A header without the required columns, or with a column twice,
    /// and rows with too few or too many fields, go to the log.
    pub(crate) fn rows<'t>(&'t self, required: &[&str], log: &mut MistakeLog) -> Rows<'t> {
        let mut rows = Rows {
            table: self,
            reader: ReaderBuilder::new()
                .has_headers(false)
                .flexible(true)
                .from_reader(self.text.as_bytes()),
            names: Vec::new(),
            header: (0, 1),
            record: StringRecord::new(),
            start: 0,
            line: 1,
        };
        rows.read_header(required, log);
        rows
    }
}

fn whole_file(path: &Path, says: String) -> Mistake {
    Mistake::at(Position::start(&path.to_string_lossy().into()), says)
}

fn read(path: &Path) -> Result<Vec<u8>, Mistake> {
    let fail = |what: &str, error: io::Error, hint: &str| {
        whole_file(path, format!("the table can't be {what}: {error}")).hint(hint)
    };
    let bytes = fs::read(path)
        .map_err(|error| fail("read", error, "check that the file is there and may be read"))?;
    if path.extension().is_none_or(|extension| extension != "zst") {
        return Ok(bytes);
    }
    unpack(&bytes, MAX_BYTES)
        .map_err(|error| fail("unpacked", error, "pack it again with zstd, or put it plain"))
}

/// What a zstd archive holds, if that is at most so many bytes.
fn unpack(packed: &[u8], limit: u64) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    let decoder = zstd::stream::read::Decoder::with_buffer(packed)?;
    decoder.take(limit + 1).read_to_end(&mut text)?;
    if text.len() as u64 > limit {
        return Err(io::Error::other(format!("it holds more than {limit} bytes")));
    }
    Ok(text)
}

/// Line and column right behind a text that starts at the first column of a line.
fn end_of(text: &str, line: u32) -> (u32, u32) {
    let newlines = text.bytes().filter(|&b| b == b'\n').count();
    let last = text.rfind('\n').map_or(text, |at| &text[at + 1..]);
    (line.saturating_add(narrow(newlines)), narrow(last.chars().count()).saturating_add(1))
}

fn narrow(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// A column by its name, and where it stands if the table has it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    /// Its name.
    pub(crate) name: &'static str,
    index: Option<usize>,
}

impl Column {
    /// True if the table has it.
    pub(crate) const fn is_there(self) -> bool {
        self.index.is_some()
    }
}

/// The rows of a table, one at a time.
pub(crate) struct Rows<'t> {
    table: &'t Table,
    reader: csv::Reader<&'t [u8]>,
    names: Vec<String>,
    /// Where the header starts in the text, and on which line.
    header: (usize, u32),
    record: StringRecord,
    /// Where the record starts in the text, and on which line.
    start: usize,
    line: u32,
}

impl Rows<'_> {
    /// The column of this name.
    pub(crate) fn column(&self, name: &'static str) -> Column {
        Column { name, index: self.names.iter().position(|n| n == name) }
    }

    /// The names in the header.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// The place of a header cell.
    pub(crate) fn header_at(&self, index: usize) -> Position {
        place_of(self.table, self.header.0, self.header.1, index)
    }

    fn read_header(&mut self, required: &[&str], log: &mut MistakeLog) {
        if !self.advance(log) {
            let says = "the table is empty: its first line must name the columns";
            log.push(Mistake::at(Position::start(&self.table.file), says));
            return;
        }
        self.header = (self.start, self.line);
        self.names = self.record.iter().map(|name| name.trim().to_owned()).collect();
        for (i, name) in self.names.iter().enumerate() {
            if !name.is_empty() && self.names[..i].contains(name) {
                let at = self.header_at(i);
                log.push(Mistake::at(at, format!("the column {name} is there twice")));
            }
        }
        for wanted in required {
            if !self.names.iter().any(|n| n == wanted) {
                let mistake =
                    Mistake::at(self.header_at(0), format!("the column {wanted} is missing"));
                let unknown = self.names.iter().map(String::as_str);
                log.push(match closest(wanted, unknown) {
                    Some(near) => mistake.hint(format!("did you mean it by \"{near}\"?")),
                    None => mistake.hint("the first line of the table must name it"),
                });
            }
        }
    }

    /// The next row with as many fields as the header has columns.
    pub(crate) fn next_row(&mut self, log: &mut MistakeLog) -> Option<Row<'_>> {
        while self.advance(log) {
            if self.record.len() == self.names.len() {
                return Some(Row {
                    table: self.table,
                    record: &self.record,
                    start: self.start,
                    line: self.line,
                });
            }
            let (has, due) = (self.record.len(), self.names.len());
            let at = place_of(self.table, self.start, self.line, 0);
            let says = format!("the row has {has} fields, the header {due} columns");
            log.push(Mistake::at(at, says).hint("quote a field that contains a comma"));
        }
        None
    }

    /// Reads the next record and finds its place; false at the end.
    fn advance(&mut self, log: &mut MistakeLog) -> bool {
        let text = &self.table.text;
        match self.reader.read_record(&mut self.record) {
            Ok(true) => {}
            Ok(false) => {
                self.check_last_quote(log);
                return false;
            }
            Err(error) => {
                let at = Position::new(&self.table.file, self.line, 1);
                log.push(Mistake::at(at, format!("the table can't be read: {error}")));
                return false;
            }
        }
        let claimed = self.record.position().map_or(0, csv::Position::byte);
        let claimed = usize::try_from(claimed).unwrap_or(usize::MAX).min(text.len());
        let blank = text.as_bytes()[claimed..].iter().take_while(|b| b"\r\n".contains(b)).count();
        let passed = &text.as_bytes()[self.start..claimed + blank];
        let newlines = passed.iter().filter(|&&b| b == b'\n').count();
        self.line = self.line.saturating_add(narrow(newlines));
        self.start = claimed + blank;
        true
    }

    /// A quote that is never closed makes the rest of the file one field.
    fn check_last_quote(&self, log: &mut MistakeLog) {
        let mut fields = Fields::new(&self.table.text[self.start..]);
        let last = fields.by_ref().last();
        if let (true, Some(offset)) = (fields.quote_is_open(), last) {
            let before = &self.table.text[line_start(&self.table.text, self.start)..];
            let upto = self.start + offset - line_start(&self.table.text, self.start);
            let (line, column) = end_of(&before[..upto], self.line);
            let at = Position::new(&self.table.file, line, column);
            log.push(Mistake::at(at, "this quote is never closed"));
        }
    }
}

/// The start of the line that the byte at this offset stands on.
fn line_start(text: &str, offset: usize) -> usize {
    text[..offset].rfind('\n').map_or(0, |at| at + 1)
}

/// The place of a field of the record that starts at this offset, on this line.
fn place_of(table: &Table, start: usize, line: u32, index: usize) -> Position {
    let offset = Fields::new(&table.text[start..]).nth(index).unwrap_or(0);
    let first = line_start(&table.text, start);
    let (line, column) = end_of(&table.text[first..start + offset], line);
    Position::new(&table.file, line, column)
}

/// The offsets at which the fields of the first record of a text start, by the same rules of
/// quoting as the reader's.
struct Fields<'t> {
    text: &'t [u8],
    next: Option<usize>,
    open: bool,
}

impl<'t> Fields<'t> {
    fn new(text: &'t str) -> Self {
        Self { text: text.as_bytes(), next: Some(0), open: false }
    }

    /// True if the field last given ends the text inside quotes.
    const fn quote_is_open(&self) -> bool {
        self.open
    }
}

impl Iterator for Fields<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let start = self.next.take()?;
        let mut quoted = self.text.get(start) == Some(&b'"');
        let mut at = start + usize::from(quoted);
        while let Some(&byte) = self.text.get(at) {
            match byte {
                b'"' if quoted && self.text.get(at + 1) == Some(&b'"') => at += 1,
                b'"' if quoted => quoted = false,
                b',' if !quoted => {
                    self.next = Some(at + 1);
                    break;
                }
                b'\r' | b'\n' if !quoted => break,
                _ => {}
            }
            at += 1;
        }
        self.open = quoted;
        Some(start)
    }
}

/// A row of a table.
#[derive(Clone, Copy)]
pub(crate) struct Row<'r> {
    table: &'r Table,
    record: &'r StringRecord,
    start: usize,
    /// The line it starts on.
    pub(crate) line: u32,
}

impl<'r> Row<'r> {
    /// The file of the row.
    pub(crate) fn file(&self) -> &'r Arc<str> {
        &self.table.file
    }

    /// What stands in a column, without blanks around it; `None` if that is not known: the table
    /// has no such column, or the cell is empty or `null`.
    pub(crate) fn text(&self, column: Column) -> Option<&'r str> {
        column.index.and_then(|index| self.cell(index))
    }

    /// What stands in the field of this index, as [`Self::text`].
    pub(crate) fn cell(&self, index: usize) -> Option<&'r str> {
        let cell = self.record.get(index)?.trim();
        (!cell.is_empty() && !cell.eq_ignore_ascii_case("null")).then_some(cell)
    }

    /// The place of a cell; of the row if the table has no such column.
    pub(crate) fn at(&self, column: Column) -> Position {
        self.cell_at(column.index.unwrap_or(0))
    }

    /// The place of the field of this index.
    pub(crate) fn cell_at(&self, index: usize) -> Position {
        place_of(self.table, self.start, self.line, index)
    }

    /// A doubt about a cell.
    pub(crate) fn notice(&self, column: Column, says: impl Into<String>) -> Mistake {
        let width = self.text(column).map_or(0, |cell| cell.chars().count());
        Mistake::at(self.at(column), says).width(width)
    }

    /// What stands in a column that a row can't be used without; a notice if nothing does.
    pub(crate) fn need(&self, column: Column, notices: &mut Vec<Mistake>) -> Option<&'r str> {
        let text = self.text(column);
        if text.is_none() {
            notices.push(self.notice(
                column,
                format!("catalogue error: {} is empty; {ROW_LEFT_OUT}", column.name),
            ));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn table(text: &str) -> Table {
        Table::from_bytes("t.csv".into(), text.as_bytes().to_vec()).unwrap()
    }

    /// Every cell of a table as `line:column=text`, and the mistakes.
    fn read(text: &str, required: &[&str]) -> (Vec<String>, Vec<String>) {
        let table = table(text);
        let mut log = MistakeLog::new();
        let mut cells = Vec::new();
        let mut rows = table.rows(required, &mut log);
        while let Some(row) = rows.next_row(&mut log) {
            for (i, cell) in row.record.iter().enumerate() {
                let at = row.cell_at(i);
                cells.push(format!("{}:{}={cell}", at.line, at.column));
            }
        }
        let mistakes = log.finish(()).err().into_iter().flatten().map(|m| m.to_string());
        (cells, mistakes.collect())
    }

    #[test]
    fn every_cell_has_its_place() {
        for (text, cells) in [
            ("a,b\n1,2\n", vec!["2:1=1", "2:3=2"]),
            ("a,b\r\n1,2\r\n\r\n3,4", vec!["2:1=1", "2:3=2", "4:1=3", "4:3=4"]),
            ("\u{feff}a,b\nü,2\n", vec!["2:1=ü", "2:3=2"]),
            ("a,b\n\"x, \"\"y\"\"\",2\n", vec!["2:1=x, \"y\"", "2:12=2"]),
            ("a,b\n\"two\nlines\",2\n3,4\n", vec!["2:1=two\nlines", "3:8=2", "4:1=3", "4:3=4"]),
            ("a,b\n,\n", vec!["2:1=", "2:2="]),
            ("\n\na,b\n1,2", vec!["4:1=1", "4:3=2"]),
        ] {
            assert_eq!(read(text, &["a"]), (cells.iter().map(|c| c.to_string()).collect(), vec![]));
        }
    }

    #[test]
    fn structural_mistakes_are_told_all_at_once() {
        for (text, expected) in [
            ("", vec!["t.csv:1:1: the table is empty: its first line must name the columns"]),
            (
                "clud,a,a\n1,2\n1,2,3,4\n",
                vec![
                    "t.csv:1:1: the column cloud is missing (did you mean it by \"clud\"?)",
                    "t.csv:1:8: the column a is there twice",
                    "t.csv:2:1: the row has 2 fields, the header 3 columns \
                     (quote a field that contains a comma)",
                    "t.csv:3:1: the row has 4 fields, the header 3 columns \
                     (quote a field that contains a comma)",
                ],
            ),
            ("cloud,b\n1,\"open\n3,4\n", vec!["t.csv:2:3: this quote is never closed"]),
            (
                "a,b\n",
                vec![
                    "t.csv:1:1: the column cloud is missing \
                     (the first line of the table must name it)",
                ],
            ),
        ] {
            assert_eq!(read(text, &["cloud"]).1, expected, "{text}");
        }
    }

    #[test]
    fn an_archive_may_not_hold_more_than_the_limit() {
        let packed = zstd::bulk::compress(&[b'a'; 1000], 3).unwrap();
        assert_eq!(unpack(&packed, 1000).unwrap().len(), 1000);
        let error = unpack(&packed, 999).unwrap_err().to_string();
        assert_eq!(error, "it holds more than 999 bytes");
        assert!(unpack(&packed[..packed.len() - 1], 1000).is_err());
    }

    #[test]
    fn a_byte_that_is_no_utf8_is_located() {
        let error = Table::from_bytes("t.csv".into(), b"a,b\n\xc3\xbc,\xff\n".to_vec());
        assert_eq!(
            error.unwrap_err().to_string(),
            "t.csv:2:3: the file is not UTF-8 text (save it as UTF-8)"
        );
    }

    proptest! {
        #[test]
        fn places_are_where_the_cells_are(text in "[a,\"\n\r ü]{0,60}") {
            let table = table(&format!("x,y\n{text}"));
            let mut log = MistakeLog::new();
            let mut rows = table.rows(&[], &mut log);
            while let Some(row) = rows.next_row(&mut log) {
                for (i, cell) in row.record.iter().enumerate() {
                    let at = row.cell_at(i);
                    let line = table.text.split('\n').nth(at.line as usize - 1).unwrap();
                    let rest: String = line.chars().skip(at.column as usize - 1).collect();
                    let first: Option<char> = cell.chars().next();
                    let found = rest.trim_start_matches('"').chars().next();
                    // A cell that starts with a quote or a line break is not looked into.
                    if !matches!(first, None | Some('"' | '\n' | '\r')) {
                        prop_assert_eq!(found, first);
                    }
                }
            }
        }
    }
}
