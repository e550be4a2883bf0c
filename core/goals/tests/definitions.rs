//! Named goals of people's own: read from a file, checked, used like the shipped ones.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that can't go on stops")]

use coc_formats::compose::ReadRequest;
use coc_formats::files::MemoryFiles;
use coc_formats::read::{Read, read};
use coc_goals::library::standard_library;
use coc_goals::rules::{Rules, understand_with};
use coc_model::goals::Policy;

const SHOP: &str = "\
kind: Application
name: shop
services:
  web: {image: web, replicas: 2}
  db: {image: db}
";

fn read_with(text: &str) -> Read {
    let files = MemoryFiles::in_folder("/srv").with("shop.yaml", SHOP).with("g.yaml", text);
    let paths = vec!["shop.yaml".to_owned(), "g.yaml".to_owned()];
    read(&ReadRequest { paths, ..ReadRequest::default() }, &files).unwrap_or_else(|m| panic!("{m}"))
}

fn understood(text: &str) -> Result<Rules, String> {
    let read = read_with(text);
    let application = read.application.as_ref().unwrap();
    understand_with(application, &read.goals, &read.definitions, &standard_library())
        .map_err(|m| m.to_string())
}

fn told(text: &str) -> String {
    understood(text).map_or_else(|mistakes| mistakes, |_| panic!("nothing is wrong"))
}

/// The expressions of requirements, and the objectives' with their names.
fn texts(text: &str) -> Vec<String> {
    let rules = understood(text).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let required = rules.require.iter().map(|rule| rule.source.text.clone());
    let measured = rules.tiers.iter().flat_map(|tier| {
        tier.terms.iter().map(|(source, _, _)| format!("{} = {}", tier.goal, source.text))
    });
    required.chain(measured).collect()
}

#[test]
fn a_goal_of_ones_own_is_used_like_a_shipped_one() {
    let text = "\
kind: Goal
name: homes
about: Replicas run in at least so many countries.
short: atLeast
fields:
  services: {type: services, about: whose replicas}
  atLeast: {type: count, default: 2, about: how many}
that: 'distinct(replicas({services}), r, r.country) >= {atLeast}'
---
kind: Goal
name: busy
about: vCPUs bought.
number: sum(hosts, h, h.vcpu)
---
require:
  - homes:
  - homes: 1
  - homes: {service: web, atLeast: 2}
minimize: [busy, hosts]
";
    assert_eq!(
        texts(text),
        [
            "distinct(replicas(), r, r.country) >= 2",
            "distinct(replicas(), r, r.country) >= 1",
            "distinct(replicas([\"web\"]), r, r.country) >= 2",
            "busy = sum(hosts, h, h.vcpu)",
            "hosts = count(hosts)",
        ]
    );
}

#[test]
fn forms_and_parts_follow_what_is_given() {
    let text = "\
kind: Goal
name: few
about: Few machines there.
policy: should
fields:
  cloud: {type: words, about: where}
  offer: {type: words, about: which}
  hosts: {type: count, about: at most}
  vcpu: {type: number, about: at most}
parts:
  there:
    - {when: cloud, that: 'h.cloud in {cloud}'}
    - {when: [offer], that: 'h.offer in {offer}'}
forms:
  - {when: hosts, that: 'count(hosts, h, {there}) <= {hosts}'}
  - {when: [vcpu], unless: [hosts], that: 'sum(hosts, h, {there} ? h.vcpu : 0) <= {vcpu}'}
---
require:
  - few: {hosts: 3}
  - few: {hosts: 3, cloud: a, offer: [s, m]}
    policy: improve
  - few: {vcpu: 2.5, cloud: a}
";
    assert_eq!(
        texts(text)[..3],
        [
            "count(hosts, h, true) <= 3",
            "count(hosts, h, (h.cloud in [\"a\"] && h.offer in [\"s\", \"m\"])) <= 3",
            "sum(hosts, h, h.cloud in [\"a\"] ? h.vcpu : 0) <= 2.5",
        ]
    );
    let policies: Vec<Policy> =
        understood(text).unwrap().require.iter().map(|rule| rule.policy).collect();
    assert_eq!(policies, [Policy::Should, Policy::Improve, Policy::Should]);
}

#[test]
fn every_mistake_of_every_definition_comes_at_its_place() {
    let text = "\
kind: Goal
name: within
about: Taken.
that: cost <= usd(1)
---
kind: Goal
name: mine
about: Many mistakes.
short: plaec
fields:
  place: {type: word, about: where}
  count: {type: count, default: two, about: how many}
forms:
  - {when: [plase], that: 'count(hosts) <= {coutn}'}
---
kind: Goal
name: mine
about: Expressions.
fields:
  where: {type: words, about: where}
  most: {type: money, about: most}
forms:
  - {when: [where], that: 'replicas().all(r, r.colud in {where})'}
  - {when: [most], that: 'cots <= {most}'}
  - {that: 'count(hosts) <= {most}'}
  - {that: 'replicas(\"wbe\").all(r, true)'}
  - {that: count(hosts)}
---
kind: Goal
name: cost
about: A word of the language.
number: count(hosts)
---
kind: Goal
name: odd
about: No number, and fields.
fields: {a: {type: text, about: nothing}}
number: 'hosts.all(h, true)'
---
kind: Goal
name: open
about: A brace.
that: 'count(hosts) <= {most'
";
    let told = told(text);
    for line in [
        "g.yaml:2:7: \"within\" is the name of a goal that is there already (choose another name)",
        "g.yaml:9:8: no field is called \"plaec\" (did you mean \"place\"?)",
        "g.yaml:11:17: no type is called \"word\" (did you mean \"words\"?)",
        "g.yaml:12:33: a count is a whole number, not \"two\"",
        "g.yaml:14:13: no field is called \"plase\" (did you mean \"place\"?)",
        "g.yaml:14:44: no field is called \"coutn\" (did you mean \"count\"?)",
        "g.yaml:17:7: \"mine\" is defined twice, first at g.yaml:7:7",
        "g.yaml:25:29: \"most\" may be left out: name it in \"when\"",
        "g.yaml:30:7: \"cost\" is a word of the language (choose another name)",
        "g.yaml:37:10: a number takes no fields",
        "g.yaml:38:10: a number is due here, not true or false",
        "g.yaml:43:24: this brace is never closed",
    ] {
        assert!(told.lines().any(|told| told == line), "{line}\nis not among\n{told}");
    }
    assert_eq!(told.lines().count(), 12, "{told}");
}

#[test]
fn expressions_are_checked_with_whatever_can_be_given() {
    let text = "\
kind: Goal
name: mine
about: Expressions.
fields:
  where: {type: words, about: where}
  most: {type: money, about: most}
forms:
  - {when: [where], that: 'replicas().all(r, r.colud in {where})'}
  - {when: [most], that: 'cots <= {most}'}
  - {when: [most], that: 'count(hosts) <= {most}'}
  - {that: 'replicas(\"wbe\").all(r, true)'}
  - {that: count(hosts)}
";
    let expected = [
        "g.yaml:8:46: a replica has no \"colud\" (did you mean \"cloud\"?)",
        "g.yaml:9:27: nothing is called \"cots\" (did you mean \"cost\"?)",
        "g.yaml:10:27: a plain number and an amount of money can't be compared (give the number its unit: usd(5))",
        "g.yaml:11:22: no service is called \"wbe\" (did you mean \"web\"?)",
        "g.yaml:12:12: a goal is true or false, not a plain number",
    ];
    assert_eq!(told(text).lines().collect::<Vec<_>>(), expected);
}

#[test]
fn a_wrong_definition_hides_no_mistake_of_goals_and_makes_none() {
    let text = "\
kind: Goal
name: mine
about: Mine.
that: 'cots <= usd(1)'
---
require:
  - mine:
  - budget: 5 EUR/month
  - that: cots <= usd(2)
";
    let hint = "nothing is called \"cots\" (did you mean \"cost\"?)";
    assert_eq!(
        told(text),
        format!(
            "g.yaml:4:8: {hint}\ng.yaml:8:13: \"atMost\" takes an amount per month like 120 \
             USD/month, not \"5 EUR/month\"\ng.yaml:9:11: {hint}"
        )
    );
}

#[test]
fn what_nothing_looks_at_is_told() {
    let text = "\
kind: Goal
name: mine
about: Mine.
fields:
  idle: {type: count, about: never used}
parts:
  there: [{that: h.existing}]
that: 'count(hosts) <= 3'
";
    assert_eq!(
        told(text),
        "g.yaml:5:3: no form of \"mine\" uses \"idle\"\ng.yaml:7:3: no form of \"mine\" uses \"there\""
    );
}

#[test]
fn a_goal_given_without_an_application_may_name_any_service() {
    let text = "kind: Goal\nname: mine\nabout: Mine.\nthat: 'replicas(\"wbe\").all(r, true)'\n";
    let files = MemoryFiles::in_folder("/srv").with("g.yaml", text);
    let paths = vec!["g.yaml".to_owned()];
    let read = read(&ReadRequest { paths, ..ReadRequest::default() }, &files).unwrap();
    assert!(standard_library().with(&read.definitions, None).is_ok());
}

#[test]
fn an_objective_that_is_nearly_a_number_is_helped() {
    assert_eq!(
        told("minimize: [hots]\n"),
        "g.yaml:1:12: nothing is called \"hots\" (did you mean \"hosts\"?)"
    );
    assert_eq!(
        told("minimize: [imbalanse]\n"),
        "g.yaml:1:12: nothing is called \"imbalanse\" (did you mean \"imbalance\"?)"
    );
}

#[test]
fn mistakes_of_shape_are_told_by_the_reader() {
    let files = |text: &str| MemoryFiles::in_folder("/srv").with("g.yaml", text);
    let told = |text: &str| {
        let paths = vec!["g.yaml".to_owned()];
        read(&ReadRequest { paths, ..ReadRequest::default() }, &files(text))
            .err()
            .map(|mistakes| mistakes.to_string())
            .unwrap_or_default()
    };
    for (text, expected) in [
        (
            "kind: Goal\nname: a\n",
            "g.yaml:1:1: the document has no \"about\"\ng.yaml:1:1: the goal does not say what it stands for (it is a condition (that), several (forms), or a number (number))",
        ),
        (
            "kind: Goal\nname: a\nabout: A.\nthat: cost <= usd(1)\nnumber: cost\n",
            "g.yaml:5:1: a goal stands for one thing (it is a condition (that), several (forms), or a number (number))",
        ),
        (
            "kind: Goal\nname: a\nabout: A.\nthta: cost <= usd(1)\nforms: []\n",
            "g.yaml:4:1: the document has no key \"thta\" (did you mean \"that\"?)\ng.yaml:5:8: forms is empty",
        ),
        (
            "kind: Goal\nname: a\nabout: A.\nfields: {x: {type: count}}\nforms:\n  - {when: x, thta: 'true'}\n",
            "g.yaml:4:13: the field x has no \"about\"\ng.yaml:6:5: a form has no \"that\"\ng.yaml:6:15: a form has no key \"thta\" (did you mean \"that\"?)",
        ),
        (
            "kind: Goal\nname: a\nabout: A.\npolicy: might\nthat: 'true'\n",
            "g.yaml:4:9: policy can't be \"might\" (it is one of: must, improve, should)",
        ),
    ] {
        assert_eq!(told(text), expected, "{text}");
    }
}
