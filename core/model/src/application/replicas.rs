//! How many replicas of a service there are.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

/// How many replicas of a service run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Replicas {
    /// Between two numbers; a plan starts with the smaller.
    Between {
        /// At least.
        min: u32,
        /// At most.
        max: u32,
    },
    /// One of these numbers, two or more: the plan chooses which ([`Replicas::one_of`]).
    OneOf(BTreeSet<u32>),
    /// One on every host.
    PerHost,
}

impl Replicas {
    /// Exactly this many.
    pub const fn exactly(count: u32) -> Self {
        Self::Between { min: count, max: count }
    }

    /// One of some numbers; a single one is exactly that many, and none is nothing to choose from.
    pub fn one_of(numbers: BTreeSet<u32>) -> Option<Self> {
        match numbers.len() {
            0 => None,
            1 => numbers.first().map(|only| Self::exactly(*only)),
            _ => Some(Self::OneOf(numbers)),
        }
    }

    /// The numbers of replicas that a plan may have, ascending; `None` if it is the number of hosts.
    pub fn planned(&self) -> Option<Vec<u32>> {
        match self {
            Self::Between { min, .. } => Some(vec![*min]),
            Self::OneOf(numbers) => Some(numbers.iter().copied().collect()),
            Self::PerHost => None,
        }
    }
}

impl fmt::Display for Replicas {
    /// `3`, `2–6`, `3, 5 or 7`, `one on every host`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Between { min, max } if min == max => write!(f, "{min}"),
            Self::Between { min, max } => write!(f, "{min}–{max}"),
            Self::OneOf(numbers) => {
                for (index, number) in numbers.iter().enumerate() {
                    let before = match index {
                        0 => "",
                        _ if index + 1 == numbers.len() => " or ",
                        _ => ", ",
                    };
                    write!(f, "{before}{number}")?;
                }
                Ok(())
            }
            Self::PerHost => f.write_str("one on every host"),
        }
    }
}

impl Default for Replicas {
    fn default() -> Self {
        Self::exactly(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replicas_read_as_people_say_them() {
        let one_of = |numbers: &[u32]| Replicas::one_of(numbers.iter().copied().collect());
        assert_eq!(one_of(&[]), None);
        assert_eq!(one_of(&[3]), Some(Replicas::exactly(3)));
        for (replicas, said, planned) in [
            (Replicas::exactly(3), "3", Some(vec![3])),
            (Replicas::Between { min: 2, max: 6 }, "2–6", Some(vec![2])),
            (Replicas::OneOf([5, 3].into()), "3 or 5", Some(vec![3, 5])),
            (Replicas::OneOf([7, 3, 5].into()), "3, 5 or 7", Some(vec![3, 5, 7])),
            (Replicas::PerHost, "one on every host", None),
        ] {
            assert_eq!((&*replicas.to_string(), replicas.planned()), (said, planned));
        }
    }
}
