//! The closed problem: everything that engines have to understand.
//!
//! Replicas of services ("items", alike ones counted as a group) are packed on machines ("hosts")
//! chosen from options. What goals and costs look at are *measures* of such a packing, of a few
//! closed kinds; requirements are logic over comparisons of measures; objectives are sums of
//! measures in tiers. All coefficients are integers.

use std::sync::Arc;

use coc_goals::number::{Fraction, Number, Unit};
use coc_model::goals::{Direction, Policy};
use coc_model::mistake::Position;

/// Index of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId(pub usize);

/// Index of an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OptionId(pub usize);

/// Index of a measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MeasureId(pub usize);

/// The problem.
#[derive(Clone, Debug, Default)]
pub struct Problem {
    /// What is packed: names of the dimensions of demands and capacities.
    pub dimensions: Vec<Arc<str>>,
    /// The dimensions that are there because of a rule.
    pub dimension_rules: Vec<DimensionRule>,
    /// Names of the sites, for messages and fixed orders.
    pub sites: Vec<Arc<str>>,
    /// The kinds of hosts that can be had.
    pub options: Vec<HostOption>,
    /// How many hosts of some options can be had.
    pub limits: Vec<HostLimit>,
    /// What is placed.
    pub groups: Vec<Group>,
    /// Groups that are alternatives to each other.
    pub choices: Vec<Choice>,
    /// Items that may not share a host.
    pub apart: Vec<Apart>,
    /// Everything that is looked at.
    pub measures: Vec<Measure>,
    /// What must, or should, hold.
    pub requirements: Vec<Requirement>,
    /// What to make best, the most important first.
    pub tiers: Vec<Tier>,
    /// True if items may stay unplaced (then some tier or requirement counts the placed ones).
    pub partial: bool,
}

/// A kind of host: any number of machines of one size at one site, up to its limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostOption {
    /// Index of the offering in the estate.
    pub offering: usize,
    /// Index of its site.
    pub site: usize,
    /// What one host holds, per dimension; nothing at all where a number is negative.
    pub capacity: Vec<i64>,
}

/// At most so many hosts of some options together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostLimit {
    /// The options.
    pub options: Vec<OptionId>,
    /// How many.
    pub most: i64,
    /// Which rule it is.
    pub origin: Origin,
}

/// A dimension of packing that a rule asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DimensionRule {
    /// Index of the dimension.
    pub dimension: usize,
    /// Which rule it is.
    pub origin: Origin,
}

/// Where a constraint comes from: the words and the place a person knows it by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// In words.
    pub says: Arc<str>,
    /// Where it was written, if in a file.
    pub at: Option<Position>,
}

/// Items that are alike: replicas of a service, or of services that share hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The services whose replicas are in one item, and how many of each; several services, or
    /// several replicas, if they must share a host.
    pub services: Vec<(Arc<str>, i64)>,
    /// How many items.
    pub count: i64,
    /// What one item takes of a host, per dimension.
    pub demand: Vec<i64>,
    /// The sites where it may be.
    pub sites: Arc<[bool]>,
    /// The options it may be on, apart from what `sites` says.
    pub options: Arc<[bool]>,
}

impl Group {
    /// True if an item may be on a host of this option.
    pub fn may_use(&self, problem: &Problem, option: OptionId) -> bool {
        let host = &problem.options[option.0];
        self.sites[host.site]
            && self.options[option.0]
            && self.demand.iter().zip(&host.capacity).all(|(need, have)| need <= have)
    }
}

/// Groups of which exactly one is placed, and that one whole: a service, or services that share a host,
/// with each number of replicas that it may have. Of a problem that may stay partial, at most one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The alternatives; no group is in two choices. One may have no items: then it is chosen where
    /// none of the others is placed.
    pub groups: Vec<GroupId>,
}

/// Two groups whose items may not share a host; the same group twice means one item a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Apart {
    /// One group.
    pub a: GroupId,
    /// The other.
    pub b: GroupId,
    /// Which rule it is.
    pub origin: Origin,
}

/// A number per site or option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Table {
    /// The same everywhere.
    Constant(i128),
    /// By site.
    Site(Arc<[i128]>),
    /// By option.
    Option(Arc<[i128]>),
}

impl Table {
    /// The number for an option.
    pub fn at(&self, problem: &Problem, option: OptionId) -> i128 {
        match self {
            Self::Constant(value) => *value,
            Self::Site(values) => values[problem.options[option.0].site],
            Self::Option(values) => values[option.0],
        }
    }
}

/// A number per ordered pair of sites, row by row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairTable {
    /// How many sites a row has.
    pub sites: usize,
    /// The numbers.
    pub values: Arc<[i128]>,
}

impl PairTable {
    /// The number for a pair of sites.
    pub fn at(&self, from: usize, to: usize) -> i128 {
        self.values[from * self.sites + to]
    }
}

/// What is looked at, as a whole number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Measure {
    /// The sum over items of their tables, and over hosts of a table.
    Sum {
        /// Per group, what each of its items counts where it is.
        items: Vec<(GroupId, Table)>,
        /// What each host counts.
        hosts: Option<Table>,
    },
    /// How many different keys the options in use by some groups have; by any host, if no groups
    /// are named.
    Distinct {
        /// Whose.
        groups: Vec<GroupId>,
        /// The keys.
        key: Table,
    },
    /// The most items of some groups under one key less the fewest, over all of `domain`.
    Skew {
        /// Whose, and how much one item counts.
        groups: Vec<(GroupId, i128)>,
        /// The keys.
        key: Table,
        /// The keys that count.
        domain: Vec<i128>,
    },
    /// The largest number among the items of some groups, or among hosts if no groups are named;
    /// `floor` if there are none.
    Largest {
        /// Whose.
        groups: Vec<GroupId>,
        /// The numbers.
        table: Table,
        /// Not below this.
        floor: i128,
    },
    /// The largest number among pairs of two items of some pairs of groups; 0 if there are none.
    LargestPair {
        /// The pairs of groups; of a group with itself, pairs of different items.
        between: Vec<(GroupId, GroupId)>,
        /// The numbers, none negative.
        table: PairTable,
    },
    /// The sum over pairs of two items of a pair of groups; of a group with itself, over ordered
    /// pairs of different items.
    Pairs {
        /// The pair of groups.
        between: (GroupId, GroupId),
        /// The numbers, none negative.
        table: PairTable,
    },
    /// What traffic costs.
    Traffic(Traffic),
    /// A combination, where it is above zero.
    Excess(Combination),
    /// 1 if a formula does not hold, else 0.
    Broken(Formula),
    /// One combination times another.
    Product(Combination, Combination),
}

/// The most values that the smaller factor of a [`Measure::Product`] may take.
pub const STEPS_MAX: i128 = 256;

/// Traffic between groups, counted by meters and priced in tiers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Who sends what.
    pub flows: Vec<Flow>,
    /// How many sites a row of `meter` has.
    pub sites: usize,
    /// The meter from site to site, row by row; `None` is free.
    pub meter: Arc<[Option<usize>]>,
    /// The meters' prices.
    pub prices: Vec<MeterPrice>,
}

/// Bytes sent between groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    /// Sender.
    pub from: GroupId,
    /// Receiver.
    pub to: GroupId,
    /// Bytes a month between each pair of their items.
    pub bytes: i128,
}

/// A meter's price steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeterPrice {
    /// (bytes from which it holds, 10⁻¹⁸ dollars per unit), the first from zero.
    pub tiers: Vec<(i128, i128)>,
    /// Bytes in a unit.
    pub unit: i128,
}

impl MeterPrice {
    /// What a month's bytes cost in nano-dollars, rounded half up: the rule of
    /// `coc_model::route::Meter::cost`.
    pub fn cost(&self, bytes: i128) -> i128 {
        let mut total = 0_i128;
        for (i, &(from, price)) in self.tiers.iter().enumerate() {
            let end = self.tiers.get(i + 1).map_or(i128::MAX, |next| next.0);
            let within = bytes.min(end).saturating_sub(from).max(0);
            total = total.saturating_add(price.saturating_mul(within));
        }
        let divisor = self.unit * 1_000_000_000;
        (total + divisor / 2).div_euclid(divisor)
    }

    /// The price per unit if all bytes up to a volume fall in one tier.
    pub fn single_price(&self, volume: i128) -> Option<i128> {
        match self.tiers.get(1) {
            Some(&(from, _)) if volume > from => None,
            _ => self.tiers.first().map(|t| t.1),
        }
    }
}

/// A sum of measures with integer coefficients.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Combination {
    /// What is added.
    pub constant: i128,
    /// Coefficients.
    pub terms: Vec<(i128, MeasureId)>,
}

/// Logic over comparisons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Formula {
    /// The combination is at most zero.
    AtMostZero(Combination),
    /// All of them; none means true.
    And(Vec<Formula>),
    /// One of them; none means false.
    Or(Vec<Formula>),
}

/// A requirement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// What has to hold.
    pub formula: Formula,
    /// How strictly.
    pub policy: Policy,
    /// Which goal it is.
    pub origin: Origin,
    /// How the numbers of the formula read, if it is one comparison of numbers people know.
    pub scale: Option<Scale>,
}

/// How a whole number of the problem reads: divided by a factor, in a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale {
    /// The unit.
    pub unit: Unit,
    /// The factor.
    pub factor: i128,
}

impl Scale {
    /// A whole number that reads as it is.
    pub const PLAIN: Self = Self { unit: Unit::One, factor: 1 };

    /// The number that a whole number stands for.
    pub fn number(self, value: i128) -> Number {
        Number { value: Fraction::new(value, self.factor), unit: self.unit }
    }
}

/// A tier of objectives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tier {
    /// What is made best.
    pub objective: Combination,
    /// Which way.
    pub direction: Direction,
    /// How much worse than its best it may become, in parts per 10¹⁸ of the best.
    pub tolerance_atto: i128,
    /// What it is called.
    pub origin: Origin,
    /// How its value reads.
    pub scale: Scale,
}

impl Problem {
    /// The value of a combination whose sign is turned where the direction is to maximise: smaller
    /// is better.
    pub fn minimised(tier: &Tier) -> Combination {
        let mut objective = tier.objective.clone();
        if tier.direction == Direction::Maximize {
            objective.negate();
        }
        objective
    }

    /// Adds a measure, or finds the same one.
    pub fn measure(&mut self, measure: Measure) -> MeasureId {
        if let Some(found) = self.measures.iter().position(|m| *m == measure) {
            return MeasureId(found);
        }
        self.measures.push(measure);
        MeasureId(self.measures.len() - 1)
    }
}

impl Combination {
    /// One measure.
    pub fn of(measure: MeasureId) -> Self {
        Self { constant: 0, terms: vec![(1, measure)] }
    }

    /// Turns every sign.
    pub fn negate(&mut self) {
        self.constant = -self.constant;
        for term in &mut self.terms {
            term.0 = -term.0;
        }
    }
}

impl Formula {
    /// Always true.
    pub const TRUE: Self = Self::And(Vec::new());
    /// Always false.
    pub const FALSE: Self = Self::Or(Vec::new());

    /// Every comparison that has to hold whenever the formula does.
    pub fn conjuncts(&self, visit: &mut impl FnMut(&Combination)) {
        match self {
            Self::AtMostZero(combination) => visit(combination),
            Self::And(parts) => parts.iter().for_each(|p| p.conjuncts(visit)),
            Self::Or(_) => {}
        }
    }

    /// Every measure in it, with the sign of its coefficient.
    pub fn measures(&self, visit: &mut impl FnMut(i128, MeasureId)) {
        match self {
            Self::AtMostZero(combination) => {
                for &(coefficient, measure) in &combination.terms {
                    visit(coefficient, measure);
                }
            }
            Self::And(parts) | Self::Or(parts) => {
                for part in parts {
                    part.measures(visit);
                }
            }
        }
    }
}
