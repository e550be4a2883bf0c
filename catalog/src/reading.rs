//! What all the tables of a reading share.

use coc_model::mistake::{Mistake, MistakeLog};

use crate::intern::Interner;
use crate::layers::Origin;
use crate::table::{Row, Rows, Table};

/// The state of a reading: the names met, what is broken, and what is doubtful.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    /// One copy of each text.
    pub(crate) intern: Interner,
    /// Mistakes that make the directories unusable.
    pub(crate) log: MistakeLog,
    /// Rows and cells that can't be used.
    pub(crate) notices: Vec<Mistake>,
    /// Which of the directories is being read, from 0.
    pub(crate) layer: usize,
}

impl Reading {
    /// The rows of a table.
    pub(crate) fn rows<'t>(&mut self, table: &'t Table, required: &[&str]) -> Rows<'t> {
        table.rows(required, &mut self.log)
    }

    /// The next row of a table.
    pub(crate) fn next<'r>(&mut self, rows: &'r mut Rows<'_>) -> Option<Row<'r>> {
        rows.next_row(&mut self.log)
    }

    /// Where a row was read.
    pub(crate) fn origin(&self, row: &Row<'_>) -> Origin {
        Origin { file: row.file().clone(), line: row.line, layer: self.layer }
    }
}
