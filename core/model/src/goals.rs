//! Goals as they were written: requirements and objectives, not yet understood.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::decimal::Decimal;
use crate::mistake::Position;

/// A value and where it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// Where.
    pub at: Position,
}

/// The goals of an application.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Goals {
    /// What must hold.
    pub require: Vec<Requirement>,
    /// What to make best: tiers, the most important first.
    pub objectives: Vec<Objective>,
}

/// Goals as an object of their own, with the named goals that people defined for them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Stated {
    /// The goals.
    pub goals: Goals,
    /// The named goals and numbers of people's own.
    pub definitions: Vec<Definition>,
}

/// One requirement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Requirement {
    /// What it says.
    pub body: RequirementBody,
    /// How strictly.
    pub policy: Policy,
    /// Where it begins.
    pub at: Position,
}

/// What a requirement says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RequirementBody {
    /// A named goal with its arguments.
    Named {
        /// The name (`within`).
        name: String,
        /// The arguments.
        arguments: BTreeMap<String, Located<Value>>,
        /// The single argument of a short form (`budget: 120 USD/month`).
        short: Option<Located<Value>>,
    },
    /// An expression.
    That(Located<String>),
}

/// How strictly a requirement holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// No plan without it.
    #[default]
    Must,
    /// What holds keeps holding; what is broken may not get worse, and is repaired first.
    Improve,
    /// Kept as far as possible; the violation is minimised before any objective.
    Should,
}

/// Smaller or larger is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Smaller.
    Minimize,
    /// Larger.
    Maximize,
}

/// One tier of objectives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Objective {
    /// Which way.
    pub direction: Direction,
    /// A weighted sum; one term of weight 1 mostly.
    pub terms: Vec<Term>,
    /// How much worse than the best this tier may become for the sake of later ones, as a ratio
    /// (3 % is 0.03).
    pub tolerance: Decimal,
    /// Where it begins.
    pub at: Position,
}

/// One term of a tier.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Term {
    /// What is measured.
    pub what: Located<String>,
    /// Its weight within the tier.
    pub weight: Decimal,
}

/// A named goal, or a named number, as a person defines it in a file: not yet checked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Definition {
    /// The name that goals use it by.
    pub name: Located<String>,
    /// What it means, in a sentence.
    pub about: String,
    /// The field that a single value means (`budget: 120 USD/month`).
    pub short: Option<Located<String>>,
    /// How strict it is where its use does not say.
    pub policy: Option<Policy>,
    /// Its fields, in the order written.
    pub fields: Vec<(Located<String>, FieldDefinition)>,
    /// Pieces of expressions that its forms share, in the order written.
    pub parts: Vec<(Located<String>, Vec<FormDefinition>)>,
    /// What it stands for.
    pub body: DefinitionBody,
    /// Where it begins.
    pub at: Position,
}

/// A field of a named goal as defined.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FieldDefinition {
    /// The name of the type of its values.
    pub takes: Located<String>,
    /// What it means.
    pub about: String,
    /// Its value where it is left out.
    pub default: Option<Located<Value>>,
}

/// What a definition stands for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DefinitionBody {
    /// One condition, with fields as `{name}`.
    That(Located<String>),
    /// Conditions that hold together, each where its fields are given.
    Forms(Vec<FormDefinition>),
    /// A number, for objectives.
    Number(Located<String>),
}

/// An expression that stands where some fields are given and others are not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FormDefinition {
    /// The fields it needs.
    pub when: Vec<Located<String>>,
    /// The fields that switch it off.
    pub unless: Vec<Located<String>>,
    /// The expression, with fields as `{name}`.
    pub that: Located<String>,
}
