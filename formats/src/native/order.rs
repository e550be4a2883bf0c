//! Circles among services that wait for each other.

use std::collections::{BTreeMap, BTreeSet};

/// The circles of a graph, each as the nodes along it from its smallest name on. At least one
/// comes out of every knot of nodes that reach each other, and no node is in two, so that what is
/// said of a file never grows beyond the file.
pub(crate) fn circles(waits: &BTreeMap<String, BTreeSet<String>>) -> Vec<Vec<String>> {
    let mut circles = Vec::new();
    let mut finished: BTreeSet<&str> = BTreeSet::new();
    for start in waits.keys() {
        // The path from `start`, each node with those of its successors still to be looked at.
        let mut path: Vec<(&str, Vec<&str>)> = Vec::new();
        let mut on_path: BTreeMap<&str, usize> = BTreeMap::new();
        let mut reported: BTreeSet<&str> = BTreeSet::new();
        if !finished.contains(&**start) {
            on_path.insert(start, 0);
            path.push((start, successors(waits, start)));
        }
        while let Some((node, open)) = path.last_mut() {
            let node = *node;
            let Some(next) = open.pop() else {
                on_path.remove(node);
                finished.insert(node);
                path.pop();
                continue;
            };
            if let Some(&begin) = on_path.get(next) {
                // Nodes of one circle reach each other, so marking them hides no other knot.
                if path[begin..].iter().all(|(n, _)| reported.insert(n)) {
                    let along: Vec<&str> = path[begin..].iter().map(|(n, _)| *n).collect();
                    circles.push(from_smallest(&along));
                }
            } else if !finished.contains(next) {
                on_path.insert(next, path.len());
                path.push((next, successors(waits, next)));
            }
        }
    }
    circles
}

fn successors<'g>(waits: &'g BTreeMap<String, BTreeSet<String>>, node: &str) -> Vec<&'g str> {
    waits.get(node).map_or_else(Vec::new, |next| next.iter().rev().map(|n| &**n).collect())
}

fn from_smallest(along: &[&str]) -> Vec<String> {
    let smallest = along.iter().enumerate().min_by_key(|(_, name)| **name).map_or(0, |(i, _)| i);
    let turned = along[smallest..].iter().chain(&along[..smallest]);
    turned.map(|name| (*name).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn graph(edges: &[(&str, &str)]) -> BTreeMap<String, BTreeSet<String>> {
        let mut graph: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (from, to) in edges {
            graph.entry((*from).to_owned()).or_default().insert((*to).to_owned());
        }
        graph
    }

    #[test]
    fn whole_circles_are_named() {
        for (edges, found) in [
            (vec![("a", "b"), ("b", "c")], ""),
            (vec![("a", "a")], "a"),
            (vec![("c", "a"), ("a", "b"), ("b", "c")], "a>b>c"),
            (vec![("x", "a"), ("a", "b"), ("b", "a"), ("c", "d"), ("d", "c")], "a>b c>d"),
            (vec![("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")], ""),
        ] {
            let circles = circles(&graph(&edges));
            let text: Vec<String> = circles.iter().map(|circle| circle.join(">")).collect();
            assert_eq!(text.join(" "), found, "{edges:?}");
        }
    }

    #[test]
    fn a_long_chain_exhausts_neither_stack_nor_time() {
        let names: Vec<String> = (0..100_000).map(|i| format!("s{i:06}")).collect();
        let edges: Vec<(&str, &str)> =
            names.windows(2).map(|pair| (&*pair[0], &*pair[1])).collect();
        assert!(circles(&graph(&edges)).is_empty());
        let back = names.windows(2).map(|pair| (&*pair[1], &*pair[0]));
        let first = names.iter().map(|name| (&**name, &*names[0]));
        let knot: Vec<(&str, &str)> = edges.iter().copied().chain(back).chain(first).collect();
        assert!(!circles(&graph(&knot)).is_empty());
    }

    proptest! {
        #[test]
        fn a_graph_without_circle_has_an_order(
            edges in prop::collection::vec((0_u8..8, 0_u8..8), 0..20),
        ) {
            let names: Vec<String> = (0..8).map(|i| i.to_string()).collect();
            let named: Vec<(&str, &str)> = edges
                .iter()
                .map(|&(a, b)| (&*names[usize::from(a)], &*names[usize::from(b)]))
                .collect();
            let mut left: BTreeSet<&str> = names.iter().map(|n| &**n).collect();
            while let Some(free) =
                left.iter().copied().find(|n| !named.iter().any(|(a, b)| a == n && left.contains(b)))
            {
                left.remove(free);
            }
            let found = circles(&graph(&named));
            prop_assert_eq!(found.is_empty(), left.is_empty());
            for circle in found {
                for (i, from) in circle.iter().enumerate() {
                    let to = &circle[(i + 1) % circle.len()];
                    prop_assert!(named.contains(&(&**from, &**to)));
                }
            }
        }
    }
}
