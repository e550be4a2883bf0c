//! How far input may grow when its references are written out.
//!
//! A ConfigMap is read once and given to every pod that refers to it; a Service leads to every pod
//! it selects; a variable may hold others twice over. A small file can so ask for more than any
//! machine has. What is made is counted, and past a limit that no honest application comes near,
//! reading ends with a mistake.

use coc_model::mistake::{Mistake, MistakeLog, Position};

/// How much may be made, in parts of about a hundred bytes.
const PARTS_MAX: usize = 1_000_000;

/// What is left to be made.
pub(super) struct Budget {
    left: usize,
    told: bool,
}

impl Budget {
    /// All of it.
    pub(super) const fn new() -> Self {
        Self { left: PARTS_MAX, told: false }
    }

    /// Takes some parts; false if there are not so many left, which is told once.
    pub(super) fn take(&mut self, parts: usize, at: &Position, log: &mut MistakeLog) -> bool {
        if !self.told && self.left >= parts {
            self.left -= parts;
            return true;
        }
        if !self.told {
            self.told = true;
            let says = "with all its references written out the application is too large";
            let mistake = Mistake::at(at.clone(), says);
            log.push(mistake.hint("read it in parts, each with a namespace of its own"));
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_told_once() {
        let at = Position::start(&"f.yaml".into());
        let mut log = MistakeLog::new();
        let mut budget = Budget::new();
        assert!(budget.take(PARTS_MAX - 1, &at, &mut log));
        assert!(budget.take(1, &at, &mut log) && log.is_empty());
        assert!(!budget.take(1, &at, &mut log));
        assert!(!budget.take(0, &at, &mut log));
        assert_eq!(log.finish(()).unwrap_err().count(), 1);
    }
}
