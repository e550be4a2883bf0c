//! Lowering: from an application, its rules and an estate to the closed problem.
//!
//! What can't be lowered is refused with its place and the reason; nothing is approximated.

mod aggregate;
mod carbon;
mod copying;
mod cost;
mod evaluate;
mod formula;
mod groups;
mod hosts;
mod latency;
mod lists;
mod loads;
mod number;
mod pairs;
mod profiles;
mod running;
mod tables;
mod violation;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use coc_goals::expression::{Expression, Node};
use coc_goals::rules::{Rule, Rules};
use coc_goals::syntax::Source;
use coc_model::application::{Application, Replicas, Service};
use coc_model::estate::{Estate, Offering, SiteId, Unknown};
use coc_model::goals::Policy;
use coc_model::mistake::{Mistake, MistakeLog, Mistakes, closest};
use coc_model::plan::Before;

use crate::assume::{Demands, demands};
use crate::problem::{
    Combination, Formula, GroupId, HostLimit, HostOption, OptionId, Origin, Problem, Requirement,
    Scale,
};
pub(crate) use carbon::{MILLI, host_carbon};
pub use cost::storage_cost;
use evaluate::Unfit;
pub(crate) use evaluate::{Bound, Scope, World};
pub use groups::mounts;
use hosts::HostRules;
use number::Linear;
use running::Running;
pub use running::standing;

/// A problem, and what is needed to read its solutions.
#[derive(Clone, Debug)]
pub struct Lowered {
    /// The problem.
    pub problem: Problem,
    /// What was planned with.
    pub demands: Demands,
    /// Services of which one replica runs on every host.
    pub per_host: Vec<String>,
    /// What a plan costs a month, in nano-dollars.
    pub cost: Combination,
    /// How many tiers come before the ones stated: the violation of what only should hold.
    pub violation_tiers: usize,
    /// What is not known, and what was left out for it.
    pub unknown: Vec<Unknown>,
    /// By index of the requirement: what is compared, for each that is one comparison with a number.
    pub compared: BTreeMap<usize, Compared>,
}

/// What a requirement compares with a number. Its formula may say the same in another way: that no
/// pair is too far apart, in place of a largest latency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compared {
    /// At most zero where the requirement holds.
    pub combination: Combination,
    /// How its numbers read.
    pub scale: Scale,
}

/// Lowers goals over an application and an estate, with nothing running yet.
///
/// # Errors
/// Every goal that names an unknown place or can't be lowered, each at its column.
pub fn lower(
    application: &Application,
    rules: &Rules,
    estate: &Estate,
) -> Result<Lowered, Mistakes> {
    lower_after(None, application, rules, estate)
}

/// Lowers goals over an application and an estate, given what runs now.
///
/// # Errors
/// Like [`lower`].
pub fn lower_after(
    before: Option<&Before>,
    application: &Application,
    rules: &Rules,
    estate: &Estate,
) -> Result<Lowered, Mistakes> {
    let demands = demands(application);
    let world = World { application, estate, demands: &demands };
    let per_host = per_host(application);
    let mut log = MistakeLog::new();
    let host_rules = hosts::host_rules(world, rules, &mut log);
    let mut lowering = Lowering {
        world,
        demands: &demands,
        problem: Problem::default(),
        groups_of: BTreeMap::new(),
        unknown: estate.unknown.clone(),
        per_host: &per_host,
        silent: silent_on_architecture(estate),
        scale: None,
        factors: Vec::new(),
        pending: Vec::new(),
        spends: BTreeMap::new(),
        paid: cost::Paid::default(),
        cost: Combination::default(),
        running: before.map(|before| Running::of(before, estate)),
        compared: None,
        comparisons: BTreeMap::new(),
        latencies: None,
        used_sites: Vec::new(),
    };
    lowering.options();
    lowering.tell_of_silence();
    lowering.groups(&host_rules, &mut log);
    lowering.loads(&host_rules);
    lowering.apart(&host_rules);
    lowering.cost = lowering.whole_cost();
    let partial = rules.tiers.iter().any(|t| t.terms.iter().any(|(_, e, _)| mentions_placed(e)))
        || rules.require.iter().any(|r| mentions_placed(&r.expression));
    lowering.problem.partial = partial;
    let violations = lowering.requirements(rules, &host_rules, &mut log);
    let violation_tiers = lowering.violation_tier(violations);
    lowering.tiers(rules, &mut log);
    let Lowering { problem, unknown, cost, comparisons, .. } = lowering;
    let demands_out = demands.clone();
    log.finish(Lowered {
        problem,
        demands: demands_out,
        per_host: per_host.clone(),
        cost,
        violation_tiers,
        unknown,
        compared: comparisons,
    })
}

/// The services of which one replica runs on every host; none if there are no others, which say what
/// hosts there are.
fn per_host(application: &Application) -> Vec<String> {
    let on_every_host = |s: &&Service| s.replicas == Replicas::PerHost;
    if application.services.values().all(|s| on_every_host(&s)) {
        return Vec::new();
    }
    let services = application.services.iter().filter(|(_, s)| on_every_host(s));
    services.map(|(name, _)| name.clone()).collect()
}

/// The clouds that state the architecture of none of their machines. Of a cloud that states some, a
/// machine without one is an odd one out, and no candidate.
fn silent_on_architecture(estate: &Estate) -> BTreeSet<Arc<str>> {
    let mut silent: BTreeSet<Arc<str>> = BTreeSet::new();
    let cloud = |site: SiteId| &estate.sites[site.index()].cloud;
    silent.extend(estate.offerings.iter().map(|o| Arc::clone(cloud(o.site))));
    for stated in estate.offerings.iter().filter(|o| o.offer.architecture.is_some()) {
        silent.remove(cloud(stated.site));
    }
    silent
}

fn mentions_placed(expression: &Expression) -> bool {
    evaluate::any_node(expression, &|e| e.node == Node::Placed)
}

/// The state of a lowering.
struct Lowering<'a> {
    world: World<'a>,
    demands: &'a Demands,
    problem: Problem,
    /// The groups of each service, and how many of its replicas are in one item: one group, or one
    /// for each number of replicas that the plan may choose.
    groups_of: BTreeMap<String, Vec<(GroupId, i64)>>,
    unknown: Vec<Unknown>,
    per_host: &'a [String],
    /// The clouds that state the architecture of none of their machines.
    silent: BTreeSet<Arc<str>>,
    /// How the last comparison of numbers reads.
    scale: Option<Scale>,
    /// Comparisons, and what their numbers were multiplied by to be whole.
    factors: Vec<(Combination, i128)>,
    /// What has to hold for the comparison that is being lowered to be known.
    pending: Vec<Formula>,
    /// What runs now.
    running: Option<Running>,
    /// What is paid to clouds that goals ask for, by name.
    spends: BTreeMap<String, Linear>,
    /// What the cost is made of.
    paid: cost::Paid,
    /// The cost in nano-dollars a month.
    cost: Combination,
    /// What the last comparison of numbers compares.
    compared: Option<Combination>,
    /// What requirements compare, by their index.
    comparisons: BTreeMap<usize, Compared>,
    /// The latencies between sites, once some goal looks at them.
    latencies: Option<latency::Latencies>,
    /// The sites that some option is at.
    used_sites: Vec<bool>,
}

/// A refusal, before it has its place in a file.
type Refused<T> = Result<T, Unfit>;

impl Lowering<'_> {
    /// The options: every offering that a plan may rest on, less what runs on every host.
    fn options(&mut self) {
        let estate = self.world.estate;
        self.problem.sites = estate
            .sites
            .iter()
            .map(|s| {
                let words = [Some(&s.cloud), s.place.region.as_ref(), s.place.zone.as_ref()];
                words.into_iter().flatten().map(|w| &**w).collect::<Vec<_>>().join(" ").into()
            })
            .collect();
        let accelerators = self.accelerator_dimensions();
        self.problem.dimensions = ["cpu", "memory"]
            .into_iter()
            .map(Arc::from)
            .chain(accelerators.iter().map(|a| match a {
                Some(name) => Arc::from(format!("accelerator {name}")),
                None => Arc::from("accelerators"),
            }))
            .collect();
        let overhead = self.overhead();
        let mut left_out: BTreeMap<&str, usize> = BTreeMap::new();
        for (offering, o) in estate.offerings.iter().enumerate() {
            let offer = &o.offer;
            let (Some(cpu), Some(memory)) = (offer.cpu, offer.memory) else {
                *left_out.entry("their size is not known").or_default() += 1;
                continue;
            };
            if o.rate().is_none() {
                *left_out.entry("their price is not known or only estimated").or_default() += 1;
                continue;
            }
            if !offer.verified {
                *left_out.entry("no source confirms that the region sells them").or_default() += 1;
                continue;
            }
            let narrow = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
            let mut capacity = vec![narrow(cpu.0) - overhead.0, narrow(memory.0) - overhead.1];
            capacity.extend(accelerators.iter().map(|wanted| match (&offer.accelerator, wanted) {
                (Some(has), Some(name)) if *has.name != **name => 0,
                (Some(has), _) => narrow(has.milli),
                (None, _) => 0,
            }));
            if capacity.iter().all(|c| *c >= 0) {
                let site = o.site.index();
                self.problem.options.push(HostOption { offering, site, capacity });
            }
        }
        self.used_sites = vec![false; self.problem.sites.len()];
        for option in &self.problem.options {
            self.used_sites[option.site] = true;
        }
        for (why, count) in left_out {
            self.unknown.push(Unknown {
                what: format!("{count} offers"),
                why: format!("{why}: not candidates"),
            });
        }
        self.limits();
    }

    /// Says that machines of unknown architecture are planned on, where some service declares none.
    fn tell_of_silence(&mut self) {
        let leased = |o: &Offering| !o.existing;
        let estate = self.world.estate;
        let declared = self.demands.reservations.values().all(|r| r.architecture.is_some());
        for cloud in self.silent.iter().filter(|_| !declared) {
            let here = |o: &&Offering| estate.sites[o.site.index()].cloud == *cloud;
            if estate.offerings.iter().filter(here).any(leased) {
                self.unknown.push(Unknown {
                    what: format!("architecture of the machines of {cloud}"),
                    why: "stated for none: taken to be the one assumed of services".to_owned(),
                });
            }
        }
    }

    /// Machines of one cloud that one rule limits share its number.
    fn limits(&mut self) {
        let estate = self.world.estate;
        let mut by_rule: BTreeMap<(Origin, u32, &str), Vec<OptionId>> = BTreeMap::new();
        for (index, option) in self.problem.options.iter().enumerate() {
            if let Some(limit) = &estate.offerings[option.offering].limit {
                let origin = Origin { says: Arc::clone(&limit.rule), at: limit.at.clone() };
                let cloud = &*estate.sites[option.site].cloud;
                by_rule.entry((origin, limit.most, cloud)).or_default().push(OptionId(index));
            }
        }
        self.problem.limits = by_rule
            .into_iter()
            .map(|((origin, most, _), options)| HostLimit { options, most: most.into(), origin })
            .collect();
    }

    /// The accelerators that some service asks for: by name, or any (`None`).
    fn accelerator_dimensions(&self) -> Vec<Option<String>> {
        let mut wanted: Vec<Option<String>> = self
            .demands
            .reservations
            .values()
            .filter_map(|r| r.accelerator.as_ref().map(|(name, _)| name.clone()))
            .collect();
        wanted.sort();
        wanted.dedup();
        wanted
    }

    /// What the services that run on every host take of each.
    fn overhead(&self) -> (i64, i64) {
        self.per_host.iter().filter_map(|name| self.demands.reservations.get(name)).fold(
            (0, 0),
            |(cpu, memory), r| {
                let narrow = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
                (cpu + narrow(r.cpu.0), memory + narrow(r.memory.0))
            },
        )
    }

    /// Lowers every rule; gives the violations of those that only should hold.
    fn requirements(
        &mut self,
        rules: &Rules,
        host_rules: &HostRules,
        log: &mut MistakeLog,
    ) -> Vec<Linear> {
        let mut violations = Vec::new();
        for rule in &rules.require {
            let origin = origin_of(rule);
            self.scale = None;
            self.compared = None;
            let Some(formula) = self.rule(rule, host_rules, log) else { continue };
            if formula == Formula::TRUE {
                continue;
            }
            let scale = self.scale.filter(|_| matches!(formula, Formula::AtMostZero(_)));
            if let (Policy::Must, Some(scale), Some(combination)) =
                (rule.policy, scale, self.compared.take())
            {
                let index = self.problem.requirements.len();
                self.comparisons.insert(index, Compared { combination, scale });
            }
            let formula = match rule.policy {
                Policy::Must => formula,
                Policy::Should => {
                    violations.push(self.violation(&formula));
                    formula
                }
                Policy::Improve => self.improved(formula, &rule.goal, &mut violations),
            };
            let policy = rule.policy;
            self.problem.requirements.push(Requirement { formula, policy, origin, scale });
        }
        violations
    }

    fn rule(
        &mut self,
        rule: &Rule,
        host_rules: &HostRules,
        log: &mut MistakeLog,
    ) -> Option<Formula> {
        self.known_places(&rule.source, &rule.expression, log);
        let mut parts = Vec::new();
        let mut whole = true;
        for conjunct in hosts::conjuncts(&rule.expression) {
            if host_rules.handles(conjunct) {
                continue;
            }
            match self.formula(conjunct, true) {
                Ok(part) => parts.push(part),
                Err(unfit) => {
                    log.push(refusal(&rule.source, unfit));
                    whole = false;
                }
            }
        }
        whole.then(|| match parts.len() {
            1 => parts.remove(0),
            _ => Formula::And(parts),
        })
    }

    fn known_places(&self, source: &Source, expression: &Expression, log: &mut MistakeLog) {
        known_frameworks(self.world.estate, source, expression, log);
        let places = &self.world.estate.places;
        evaluate::visit(expression, &mut |e| {
            let Node::Inside(_, names) = &e.node else { return };
            for name in names.iter().filter(|n| !places.knows(&n.text)) {
                let says = format!("no place of these clouds is called \"{}\"", name.text);
                let mut mistake = source.mistake(name.range.0, name.range.1, says);
                mistake.hint = closest(&name.text, places.names())
                    .map(|known| format!("did you mean \"{known}\"?"));
                log.push(mistake);
            }
        });
    }

    fn tiers(&mut self, rules: &Rules, log: &mut MistakeLog) {
        for tier in &rules.tiers {
            match self.tier(tier) {
                Ok(lowered) => self.problem.tiers.push(lowered),
                Err((source, unfit)) => log.push(refusal(&source, unfit)),
            }
        }
    }
}

/// A framework that no cloud of the catalog or of the estate is certified for is a mistake.
fn known_frameworks(
    estate: &Estate,
    source: &Source,
    expression: &Expression,
    log: &mut MistakeLog,
) {
    let known = || estate.frameworks.iter().map(|f| &**f);
    evaluate::visit(expression, &mut |e| {
        let Node::Certified(_, names) = &e.node else { return };
        for name in names.iter().filter(|n| !estate.frameworks.contains(n.text.as_str())) {
            let says = format!("no cloud is certified for \"{}\"", name.text);
            let mistake = source.mistake(name.range.0, name.range.1, says);
            log.push(
                mistake.hint(match closest(&name.text, known()) {
                    Some(meant) => format!("did you mean \"{meant}\"?"),
                    None if estate.frameworks.is_empty() => {
                        "no certifications are known here: state \
                    them in the clouds file, certified: [...]"
                            .to_owned()
                    }
                    None => format!("known are {}", known().collect::<Vec<_>>().join(", ")),
                }),
            );
        }
    });
}

fn origin_of(rule: &Rule) -> Origin {
    Origin { says: rule.goal.as_str().into(), at: Some(rule.at.clone()) }
}

fn refusal(source: &Source, unfit: Unfit) -> Mistake {
    source.mistake(unfit.range.0, unfit.range.1, unfit.says)
}
