//! A table of what is where and costs what.

use super::width;

/// Columns between columns.
const GAP: usize = 2;

/// One row.
#[derive(Debug)]
pub(super) enum Row {
    /// Machines, with what they hold.
    Full { place: String, host: String, holds: Vec<String>, amount: String },
    /// Something else that is paid for.
    Wide { what: String, amount: String },
    /// The sum.
    Total { amount: String },
}

impl Row {
    fn amount(&self) -> &str {
        let (Self::Full { amount, .. } | Self::Wide { amount, .. } | Self::Total { amount }) = self;
        amount
    }
}

/// Rows under headings.
#[derive(Debug)]
pub(super) struct Table {
    headings: [String; 4],
    rows: Vec<Row>,
}

impl Table {
    pub(super) fn new(headings: [&str; 4]) -> Self {
        Self { headings: headings.map(str::to_owned), rows: Vec::new() }
    }

    pub(super) fn push(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// The table as lines of about this width; what a host holds goes on in further lines.
    pub(super) fn text(&self, columns: usize) -> String {
        let [place, host, holds, amount] = &self.headings;
        let cells = |pick: fn(&Row) -> Option<&str>, heading: &str| {
            self.rows.iter().filter_map(pick).chain([heading]).map(width).max().unwrap_or(0)
        };
        let place_width =
            cells(|row| if let Row::Full { place, .. } = row { Some(place) } else { None }, place);
        let host_width =
            cells(|row| if let Row::Full { host, .. } = row { Some(host) } else { None }, host);
        let amount_width = cells(|row| Some(row.amount()), amount);
        let before = GAP + place_width + GAP + host_width + GAP;
        let holds_width = columns.saturating_sub(before + GAP + amount_width).max(width(holds));
        let line = |place: &str, host: &str, holds: &str, amount: &str| {
            let line = format!(
                "  {place:<place_width$}  {host:<host_width$}  {holds:<holds_width$}  {amount:>amount_width$}"
            );
            format!("{}\n", line.trim_end())
        };
        let wide_width = before - GAP + holds_width;
        let mut out = line(place, host, holds, amount);
        for row in &self.rows {
            match row {
                Row::Full { place, host, holds, amount } => {
                    let mut lines = wrapped(holds, holds_width).into_iter();
                    let first = lines.next().unwrap_or_default();
                    out.push_str(&line(place, host, &first, amount));
                    for more in lines {
                        out.push_str(&line("", "", &more, ""));
                    }
                }
                Row::Wide { what, amount } => {
                    out.push_str(&format!("  {what:<wide_width$}  {amount:>amount_width$}\n"));
                }
                Row::Total { amount } => {
                    out.push_str(&format!("  {:>wide_width$}  {amount:>amount_width$}\n", "total"));
                }
            }
        }
        out
    }
}

/// Words joined by commas into lines of at most this width, where no single word is longer.
fn wrapped(words: &[String], columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for (i, word) in words.iter().enumerate() {
        let comma = if i + 1 < words.len() { "," } else { "" };
        match lines.last_mut() {
            Some(line) if width(line) + 1 + width(word) + comma.len() <= columns => {
                line.push(' ');
                line.push_str(word);
                line.push_str(comma);
            }
            _ => lines.push(format!("{word}{comma}")),
        }
    }
    lines
}
