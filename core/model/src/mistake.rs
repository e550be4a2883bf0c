//! Mistakes in what a person wrote, each at its place.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A place in a file: line and column count from 1, columns in characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The file as the person named it.
    pub file: Arc<str>,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

impl Position {
    /// The place at this line and column of a file.
    pub fn new(file: &Arc<str>, line: u32, column: u32) -> Self {
        Self { file: Arc::clone(file), line, column }
    }

    /// The first character of a file: where a mistake about the whole file is reported.
    pub fn start(file: &Arc<str>) -> Self {
        Self::new(file, 1, 1)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

impl Serialize for Position {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Position {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let mut parts = text.rsplitn(3, ':');
        let mut number = || parts.next().and_then(|n| n.parse().ok());
        match (number(), number()) {
            (Some(column), Some(line)) => {
                Ok(Self { file: parts.next().unwrap_or_default().into(), line, column })
            }
            _ => Err(serde::de::Error::custom(format!("\"{text}\" is not file:line:column"))),
        }
    }
}

/// One mistake: what is wrong, where, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistake {
    /// Where it is, if it is in a file.
    pub at: Option<Position>,
    /// How many characters from there are concerned; 0 if not known.
    pub width: u32,
    /// What is wrong, in one sentence without a full stop.
    pub says: String,
    /// What to do next, if there is something definite to say.
    pub hint: Option<String>,
}

impl Mistake {
    /// A mistake at a place.
    pub fn at(position: Position, says: impl Into<String>) -> Self {
        Self { at: Some(position), width: 0, says: says.into(), hint: None }
    }

    /// A mistake of the request as a whole.
    pub fn of_request(says: impl Into<String>) -> Self {
        Self { at: None, width: 0, says: says.into(), hint: None }
    }

    /// The same mistake, concerning this many characters.
    #[must_use]
    pub fn width(mut self, characters: usize) -> Self {
        self.width = u32::try_from(characters).unwrap_or(u32::MAX);
        self
    }

    /// The same mistake with advice.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(at) = &self.at {
            write!(f, "{at}: ")?;
        }
        f.write_str(&self.says)?;
        if let Some(hint) = &self.hint {
            write!(f, " ({hint})")?;
        }
        Ok(())
    }
}

/// All the mistakes of an input, sorted by place and never empty: an `Err` that tells everything
/// at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistakes(Vec<Mistake>);

impl Mistakes {
    /// The mistakes, from the first to the last place.
    pub fn iter(&self) -> std::slice::Iter<'_, Mistake> {
        self.0.iter()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The same mistakes, each told in another way (secrets taken out, files renamed).
    #[must_use]
    pub fn map(self, change: impl FnMut(Mistake) -> Mistake) -> Self {
        Self(self.0.into_iter().map(change).collect())
    }
}

impl From<Mistake> for Mistakes {
    fn from(mistake: Mistake) -> Self {
        Self(vec![mistake])
    }
}

impl IntoIterator for Mistakes {
    type Item = Mistake;
    type IntoIter = std::vec::IntoIter<Mistake>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, mistake) in self.0.iter().enumerate() {
            if i > 0 {
                writeln!(f)?;
            }
            write!(f, "{mistake}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Mistakes {}

/// Where a reader puts the mistakes it meets, to report all of them at the end.
#[derive(Debug, Default)]
pub struct MistakeLog(Vec<Mistake>);

impl MistakeLog {
    /// An empty log.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one mistake.
    pub fn push(&mut self, mistake: Mistake) {
        self.0.push(mistake);
    }

    /// Adds all the mistakes of another reading.
    pub fn extend(&mut self, mistakes: impl IntoIterator<Item = Mistake>) {
        self.0.extend(mistakes);
    }

    /// True while nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value if nothing is wrong, else every mistake, sorted by place, each once.
    ///
    /// # Errors
    /// All the mistakes logged.
    pub fn finish<T>(mut self, value: T) -> Result<T, Mistakes> {
        if self.0.is_empty() {
            return Ok(value);
        }
        self.0.sort();
        self.0.dedup();
        Err(Mistakes(self.0))
    }
}

/// The closest of the known names to one that is not known, if it is close enough to be meant:
/// at most two letters wrong, and fewer than half.
pub fn closest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = wrong.chars().count();
    let limit = (length / 2).min(2);
    known
        .into_iter()
        // Names of other lengths are further apart than that; and a key of megabytes must not be
        // compared letter by letter.
        .filter(|name| name.chars().count().abs_diff(length) <= limit)
        .map(|name| (edit_distance(wrong, name), name))
        .filter(|&(distance, _)| distance <= limit)
        .min()
        .map(|(_, name)| name)
}

/// Optimal string alignment distance in characters: insertions, deletions, substitutions and
/// swaps of neighbours count one each.
fn edit_distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    rows[0] = (0..=b.len()).collect();
    for i in 1..=a.len() {
        rows[i][0] = i;
        for j in 1..=b.len() {
            let substituted = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = substituted.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_come_sorted_and_once() {
        let file: Arc<str> = "a.yaml".into();
        let mut log = MistakeLog::new();
        log.push(Mistake::at(Position::new(&file, 9, 1), "second"));
        log.push(Mistake::at(Position::new(&file, 2, 5), "first").hint("do this"));
        log.push(Mistake::at(Position::new(&file, 9, 1), "second"));
        let text = log.finish(()).map_err(|m| m.to_string());
        assert_eq!(text, Err("a.yaml:2:5: first (do this)\na.yaml:9:1: second".into()));
    }

    #[test]
    fn mistakes_can_be_told_in_another_way() {
        let mistakes = Mistakes::from(Mistake::of_request("said hunter2"));
        let told = mistakes.map(|m| Mistake { says: m.says.replace("hunter2", "***"), ..m });
        assert_eq!(told.to_string(), "said ***");
    }

    #[test]
    fn a_misspelt_name_finds_the_right_one() {
        assert_eq!(closest("databse", ["web", "database"]), Some("database"));
        assert_eq!(closest("wbe", ["web", "db"]), Some("web"));
        assert_eq!(closest("cache", ["web", "database"]), None);
        assert_eq!(closest("x", ["y"]), None);
    }

    #[test]
    fn a_position_reads_back_even_with_colons_in_the_file() {
        let at = Position { file: "c:/x.yaml".into(), line: 3, column: 7 };
        let json = serde_json::to_string(&at).unwrap();
        assert_eq!(json, "\"c:/x.yaml:3:7\"");
        assert_eq!(serde_json::from_str::<Position>(&json).unwrap(), at);
    }
}
