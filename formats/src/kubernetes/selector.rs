//! Label selectors.

use coc_model::mistake::{Mistake, MistakeLog};

use super::object::{Labels, labels};
use super::scalars::{self, at_path, text_at};
use crate::tree::Node;

/// Which labels are meant: all conditions together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Selector {
    equal: Labels,
    conditions: Vec<Condition>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Condition {
    key: String,
    operator: Operator,
    values: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    In,
    NotIn,
    Exists,
    DoesNotExist,
}

impl Selector {
    /// The selector of a Service or ReplicationController: a plain map.
    pub(super) fn of_map(node: Option<&Node>, log: &mut MistakeLog) -> Self {
        Self { equal: labels(node, "selector", log), conditions: Vec::new() }
    }

    /// A selector with `matchLabels` and `matchExpressions`.
    pub(super) fn read(node: &Node, log: &mut MistakeLog) -> Self {
        let equal = labels(at_path(node, &["matchLabels"]), "matchLabels", log);
        let expressions = scalars::items(node, "matchExpressions", log);
        let conditions = expressions.iter().filter_map(|item| condition(item, log)).collect();
        Self { equal, conditions }
    }

    /// True if nothing is said: what that selects is the reader's to know.
    pub(super) fn is_empty(&self) -> bool {
        self.equal.is_empty() && self.conditions.is_empty()
    }

    /// True if an object with these labels is meant.
    pub(super) fn matches(&self, labels: &Labels) -> bool {
        self.equal.iter().all(|(key, value)| labels.get(key) == Some(value))
            && self.conditions.iter().all(|condition| condition.holds(labels))
    }
}

impl Condition {
    fn holds(&self, labels: &Labels) -> bool {
        let found = labels.get(&self.key);
        let among = found.is_some_and(|value| self.values.contains(value));
        match self.operator {
            Operator::In => among,
            Operator::NotIn => !among,
            Operator::Exists => found.is_some(),
            Operator::DoesNotExist => found.is_none(),
        }
    }
}

fn condition(node: &Node, log: &mut MistakeLog) -> Option<Condition> {
    let operator = match text_at(node, &["operator"]) {
        Some("In") => Operator::In,
        Some("NotIn") => Operator::NotIn,
        Some("Exists") => Operator::Exists,
        Some("DoesNotExist") => Operator::DoesNotExist,
        _ => {
            let mistake =
                Mistake::at(node.at.clone(), "the selector has no operator that is known");
            log.push(mistake.hint("it is one of: In, NotIn, Exists, DoesNotExist"));
            return None;
        }
    };
    let key = at_path(node, &["key"]).and_then(|node| scalars::text(node, "key", log))?;
    let values = scalars::items(node, "values", log);
    let values = values.iter().filter_map(|value| scalars::text(value, "a value", log)).collect();
    Some(Condition { key, operator, values })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::read_documents;

    #[test]
    fn all_conditions_must_hold() {
        for (selector, labels, matches) in [
            ("{}", "{}", true),
            ("{matchLabels: {a: x}}", "{a: x, b: y}", true),
            ("{matchLabels: {a: x, b: z}}", "{a: x, b: y}", false),
            ("{matchExpressions: [{key: a, operator: In, values: [x, y]}]}", "{a: y}", true),
            ("{matchExpressions: [{key: a, operator: NotIn, values: [x]}]}", "{}", true),
            ("{matchExpressions: [{key: a, operator: NotIn, values: [x]}]}", "{a: x}", false),
            ("{matchExpressions: [{key: a, operator: Exists}]}", "{}", false),
            ("{matchExpressions: [{key: a, operator: DoesNotExist}]}", "{}", true),
            (
                "{matchLabels: {a: x}, matchExpressions: [{key: b, operator: Exists}]}",
                "{a: x}",
                false,
            ),
        ] {
            let mut log = MistakeLog::new();
            let node =
                |text| read_documents(&"f.yaml".into(), text, &mut MistakeLog::new()).remove(0);
            let read = Selector::read(&node(selector), &mut log);
            let labels = super::labels(Some(&node(labels)), "labels", &mut log);
            assert_eq!(read.matches(&labels), matches, "{selector} {labels:?}");
            assert!(log.is_empty());
        }
    }
}
