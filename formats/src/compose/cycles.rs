//! Circles in what waits for what.

use std::collections::{BTreeMap, BTreeSet};

/// The circles of a graph, given as each node's next ones, so that taking one step out of every
/// circle told leaves fewer; no node is in two of them. Each starts with its first node by name.
pub(super) fn circles<'g>(next: &BTreeMap<&'g str, Vec<&'g str>>) -> Vec<Vec<&'g str>> {
    let mut left = next.clone();
    let mut circles = Vec::new();
    loop {
        drop_ends(&mut left);
        let Some(start) = left.keys().next().copied() else { return circles };
        let circle = walk(&left, start);
        for node in &circle {
            left.remove(node);
        }
        circles.push(from_first(circle));
    }
}

/// Takes out what waits for nothing that is left, again and again.
fn drop_ends<'g>(left: &mut BTreeMap<&'g str, Vec<&'g str>>) {
    let mut before: BTreeMap<&str, Vec<&'g str>> = BTreeMap::new();
    let mut waiting: BTreeMap<&'g str, usize> = BTreeMap::new();
    for (node, next) in &*left {
        let next: BTreeSet<_> = next.iter().filter(|n| left.contains_key(**n)).collect();
        waiting.insert(node, next.len());
        for other in next {
            before.entry(other).or_default().push(node);
        }
    }
    let mut ends: Vec<&str> =
        waiting.iter().filter(|(_, count)| **count == 0).map(|(node, _)| *node).collect();
    while let Some(end) = ends.pop() {
        left.remove(end);
        for node in before.remove(end).unwrap_or_default() {
            if let Some(count) = waiting.get_mut(node) {
                *count -= 1;
                if *count == 0 {
                    ends.push(node);
                }
            }
        }
    }
}

/// A circle that a walk from `start` runs into. Every node left has a next one that is left.
fn walk<'g>(left: &BTreeMap<&'g str, Vec<&'g str>>, start: &'g str) -> Vec<&'g str> {
    let mut path: Vec<&str> = Vec::new();
    let mut place: BTreeMap<&str, usize> = BTreeMap::new();
    let mut node = start;
    loop {
        if let Some(first) = place.get(node) {
            return path.split_off(*first);
        }
        place.insert(node, path.len());
        path.push(node);
        let next = left.get(node).into_iter().flatten();
        match next.copied().find(|next| left.contains_key(next)) {
            Some(next) => node = next,
            None => return path,
        }
    }
}

fn from_first(mut circle: Vec<&str>) -> Vec<&str> {
    let first = circle.iter().enumerate().min_by_key(|(_, node)| **node).map_or(0, |(i, _)| i);
    circle.rotate_left(first);
    circle
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn told(edges: &[(&str, &str)]) -> Vec<String> {
        let mut next: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (from, to) in edges {
            next.entry(from).or_default().push(to);
            next.entry(to).or_default();
        }
        circles(&next).into_iter().map(|circle| circle.join(" ")).collect()
    }

    #[test]
    fn circles_are_told_whole() {
        for (edges, circles) in [
            (&[("a", "b"), ("b", "c")][..], &[][..]),
            (&[("a", "a")], &["a"]),
            (&[("a", "b"), ("b", "c"), ("c", "a"), ("x", "a")], &["a b c"]),
            (&[("c", "b"), ("b", "c"), ("y", "x"), ("x", "y"), ("c", "x")], &["b c", "x y"]),
            (&[("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")], &[]),
        ] {
            assert_eq!(told(edges), circles, "{edges:?}");
        }
    }

    #[test]
    fn long_chains_take_no_stack() {
        let names: Vec<String> = (0..100_000).map(|i| format!("{i:06}")).collect();
        let mut next: BTreeMap<&str, Vec<&str>> =
            names.windows(2).map(|pair| (&*pair[0], vec![&*pair[1]])).collect();
        next.insert(&names[names.len() - 1], vec![]);
        assert!(circles(&next).is_empty());
        next.insert(&names[names.len() - 1], vec![&names[0]]);
        assert_eq!(circles(&next)[0].len(), names.len());
    }

    proptest! {
        #[test]
        fn every_circle_is_one(edges in proptest::collection::vec((0..6_usize, 0..6_usize), 0..12)) {
            const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
            let mut next: BTreeMap<&str, Vec<&str>> = NAMES.iter().map(|n| (*n, vec![])).collect();
            for (from, to) in edges {
                next.get_mut(NAMES[from]).unwrap().push(NAMES[to]);
            }
            for circle in circles(&next) {
                for (i, node) in circle.iter().enumerate() {
                    prop_assert!(next[node].contains(&circle[(i + 1) % circle.len()]));
                }
            }
        }
    }
}
