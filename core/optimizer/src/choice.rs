//! Choices between groups: which groups may be absent, and how many items there can be.

use crate::problem::{GroupId, Problem};

impl Problem {
    /// True if a solution may do without items of a group, or without some of them: nothing may take
    /// for granted that they are placed.
    pub fn may_be_absent(&self, group: GroupId) -> bool {
        self.partial || self.choice_of(group).is_some()
    }

    /// The index of the choice that a group is an alternative of.
    pub fn choice_of(&self, group: GroupId) -> Option<usize> {
        self.choices.iter().position(|choice| choice.groups.contains(&group))
    }

    /// The groups that stand for the same services as a group: itself, or all of its choice.
    pub fn alternatives(&self, group: GroupId) -> Vec<GroupId> {
        self.choice_of(group).map_or_else(|| vec![group], |c| self.choices[c].groups.clone())
    }

    /// True for two groups of which a solution has items of one at most.
    pub fn exclude_each_other(&self, a: GroupId, b: GroupId) -> bool {
        a != b && self.choice_of(a).is_some_and(|c| self.choices[c].groups.contains(&b))
    }

    /// The least and the most that a sum over groups can be, if every group counts between two
    /// numbers where all its items are placed, and nothing where none is. Of a problem that may stay
    /// partial, part of a group counts something between.
    pub fn sum_over_groups(&self, counts: impl Fn(GroupId) -> (i128, i128)) -> (i128, i128) {
        let plus =
            |a: (i128, i128), b: (i128, i128)| (a.0.saturating_add(b.0), a.1.saturating_add(b.1));
        let either = |a: (i128, i128), b: (i128, i128)| (a.0.min(b.0), a.1.max(b.1));
        let perhaps = |range| if self.partial { either(range, (0, 0)) } else { range };
        let single = (0..self.groups.len()).map(GroupId).filter(|g| self.choice_of(*g).is_none());
        let chosen = self
            .choices
            .iter()
            .filter_map(|choice| choice.groups.iter().map(|group| counts(*group)).reduce(either));
        single.map(&counts).chain(chosen).map(perhaps).fold((0, 0), plus)
    }

    /// The fewest and the most items of some groups that a solution can have.
    pub fn items_of(&self, groups: &[GroupId]) -> (i64, i64) {
        let mut counts = vec![0_i128; self.groups.len()];
        for group in groups {
            counts[group.0] = self.groups[group.0].count.into();
        }
        let (fewest, most) = self.sum_over_groups(|group| (counts[group.0], counts[group.0]));
        let narrow = |count: i128| i64::try_from(count).unwrap_or(i64::MAX);
        (narrow(fewest), narrow(most))
    }

    /// How many solutions of all choices there are.
    pub fn selection_count(&self) -> usize {
        let ways = self.choices.iter().map(|c| c.groups.len() + usize::from(self.partial));
        ways.fold(1, usize::saturating_mul)
    }

    /// Every way to choose: the groups that are placed, in order.
    pub fn selections(&self) -> Vec<Vec<GroupId>> {
        let single = (0..self.groups.len()).map(GroupId).filter(|g| self.choice_of(*g).is_none());
        let mut selections: Vec<Vec<GroupId>> = vec![single.collect()];
        for choice in &self.choices {
            let none = self.partial.then_some(None);
            let ways: Vec<Option<GroupId>> =
                choice.groups.iter().copied().map(Some).chain(none).collect();
            let with = |selection: &Vec<GroupId>| {
                let selection = selection.clone();
                let extended = ways.iter().map(move |way| {
                    let mut groups: Vec<GroupId> = selection.iter().copied().chain(*way).collect();
                    groups.sort_unstable();
                    groups
                });
                extended.collect::<Vec<_>>()
            };
            selections = selections.iter().flat_map(with).collect();
        }
        selections
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::problem::{Choice, Group};

    /// Two items of one group; then three, five or none of others.
    fn problem(partial: bool) -> Problem {
        let group = |count| Group {
            services: vec![(Arc::from("x"), 1)],
            count,
            demand: Vec::new(),
            sites: [].into(),
            options: [].into(),
        };
        Problem {
            groups: [2, 3, 5, 0].map(group).into(),
            choices: vec![Choice { groups: [1, 2, 3].map(GroupId).into() }],
            partial,
            ..Problem::default()
        }
    }

    #[test]
    fn one_alternative_is_there_and_no_other() {
        let problem = problem(false);
        let absent = |g| problem.may_be_absent(GroupId(g));
        assert_eq!([0, 1, 2, 3].map(absent), [false, true, true, true]);
        assert_eq!(problem.alternatives(GroupId(0)), [GroupId(0)]);
        assert_eq!(problem.alternatives(GroupId(2)), [1, 2, 3].map(GroupId));
        let exclude = |a, b| problem.exclude_each_other(GroupId(a), GroupId(b));
        assert_eq!([exclude(0, 1), exclude(1, 2), exclude(2, 2)], [false, true, false]);
    }

    #[test]
    fn items_are_counted_with_one_alternative_at_a_time() {
        for (partial, groups, expected) in [
            (false, [0, 1, 2, 3].as_slice(), (2, 7)),
            (false, &[1, 2], (0, 5)),
            (false, &[0], (2, 2)),
            (true, &[0, 1, 2, 3], (0, 7)),
        ] {
            let groups: Vec<GroupId> = groups.iter().copied().map(GroupId).collect();
            assert_eq!(problem(partial).items_of(&groups), expected, "{partial} {groups:?}");
        }
    }

    #[test]
    fn every_way_to_choose_is_there_once() {
        let ids = |groups: &[usize]| groups.iter().copied().map(GroupId).collect::<Vec<_>>();
        let whole = [ids(&[0, 1]), ids(&[0, 2]), ids(&[0, 3])];
        assert_eq!(problem(false).selections(), whole);
        assert_eq!(problem(false).selection_count(), 3);
        let partial = [whole.as_slice(), &[ids(&[0])]].concat();
        assert_eq!(problem(true).selections(), partial);
        assert_eq!(problem(true).selection_count(), 4);
    }
}
