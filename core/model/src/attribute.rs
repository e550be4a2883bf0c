//! Open attributes: what offers, places and services say of themselves under any name.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::decimal::Decimal;
use crate::quantity::Dimension;

/// The name of an attribute: words of letters, digits, `_` and `-`, joined by points
/// (`compute.memory`, `aws.ec2.nitro`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AttributeName(pub Arc<str>);

impl fmt::Display for AttributeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The value of an attribute. An absent value is unknown; there is no null.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AttributeValue {
    /// True or false.
    Flag(bool),
    /// A number in the attribute's unit.
    Number(Decimal),
    /// A word.
    Text(Arc<str>),
    /// Several words.
    Set(BTreeSet<Arc<str>>),
}

/// How the values of several parts make the value of the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Combine {
    /// Added up (memory of hosts).
    Sum,
    /// The smallest (bandwidth along a path).
    Min,
    /// The largest (start time of parts started together).
    Max,
    /// Multiplied: all parts are needed (availability).
    Series,
    /// What all of them have (frameworks certified for).
    Intersection,
}

/// What is known of an attribute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttributeDefinition {
    /// Its name.
    pub name: AttributeName,
    /// What its numbers measure.
    pub dimension: Dimension,
    /// How several combine.
    pub combine: Combine,
    /// One sentence for people.
    pub about: String,
}

/// Why values don't combine.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum CombineError {
    /// The rule is for numbers and a value is none, or for sets and a value is none.
    #[error("{rule:?} does not apply to {value:?}")]
    Kind {
        /// The rule.
        rule: Combine,
        /// The value it can't take.
        value: AttributeValue,
    },
    /// A result beyond the range of a decimal, or finer than it.
    #[error("the combined value does not fit")]
    Range,
}

impl Combine {
    /// The value of the whole from the values of its parts: `None` (unknown) as soon as one part's
    /// value is unknown, or when there are no parts.
    ///
    /// # Errors
    /// Values of a kind that the rule can't take; results out of range.
    pub fn combine(
        self,
        parts: &[Option<AttributeValue>],
    ) -> Result<Option<AttributeValue>, CombineError> {
        let Some(values) = parts.iter().cloned().collect::<Option<Vec<_>>>() else {
            return Ok(None);
        };
        let mut values = values.into_iter();
        let Some(first) = values.next() else { return Ok(None) };
        self.pair(first.clone(), first.clone()).or_else(|e| {
            if matches!(e, CombineError::Range) { Ok(first.clone()) } else { Err(e) }
        })?;
        values.try_fold(first, |whole, part| self.pair(whole, part)).map(Some)
    }

    fn pair(self, a: AttributeValue, b: AttributeValue) -> Result<AttributeValue, CombineError> {
        use AttributeValue::{Number, Set};
        match (self, a, b) {
            (Self::Sum, Number(x), Number(y)) => {
                x.checked_add(y).map(Number).ok_or(CombineError::Range)
            }
            (Self::Min, Number(x), Number(y)) => Ok(Number(x.min(y))),
            (Self::Max, Number(x), Number(y)) => Ok(Number(x.max(y))),
            (Self::Series, Number(x), Number(y)) => {
                let product = x.atto().checked_mul(y.atto()).ok_or(CombineError::Range)?;
                Ok(Number(Decimal::from_atto(product / crate::decimal::ONE)))
            }
            (Self::Intersection, Set(x), Set(y)) => Ok(Set(x.intersection(&y).cloned().collect())),
            (rule, Number(_), value) | (rule, value, _) => Err(CombineError::Kind { rule, value }),
        }
    }
}

/// Attributes by name.
pub type Attributes = BTreeMap<AttributeName, AttributeValue>;

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Option<AttributeValue> {
        Some(AttributeValue::Number(text.parse().unwrap()))
    }

    #[test]
    fn parts_combine_by_their_rule() {
        let parts = [number("2"), number("0.5"), number("3")];
        assert_eq!(Combine::Sum.combine(&parts), Ok(number("5.5")));
        assert_eq!(Combine::Min.combine(&parts), Ok(number("0.5")));
        assert_eq!(Combine::Max.combine(&parts), Ok(number("3")));
        assert_eq!(Combine::Series.combine(&parts), Ok(number("3")));
        let set = |words: &[&str]| {
            Some(AttributeValue::Set(words.iter().map(|w| Arc::from(*w)).collect()))
        };
        assert_eq!(
            Combine::Intersection.combine(&[set(&["soc2", "hipaa"]), set(&["soc2"])]),
            Ok(set(&["soc2"]))
        );
    }

    #[test]
    fn one_unknown_part_makes_the_whole_unknown() {
        assert_eq!(Combine::Sum.combine(&[number("2"), None]), Ok(None));
        assert_eq!(Combine::Sum.combine(&[]), Ok(None));
    }

    #[test]
    fn a_word_can_not_be_summed() {
        let word = Some(AttributeValue::Text("x86_64".into()));
        assert!(Combine::Sum.combine(std::slice::from_ref(&word)).is_err());
        assert!(Combine::Sum.combine(&[number("1"), word]).is_err());
    }
}
