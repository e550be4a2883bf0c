//! Typed expressions: what the type check makes of a syntax tree.

use crate::number::{Number, Unit};

/// What an expression gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// True or false.
    Bool,
    /// A word.
    Text,
    /// A number with a unit.
    Number(Unit),
    /// An open attribute, whose type is known only where its value is.
    Open,
    /// A service of the application.
    Service,
    /// A replica of a service.
    Replica,
    /// A machine of the plan.
    Host,
    /// A link of the application.
    Link,
    /// A list.
    List(Element),
}

/// What a list holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// Words.
    Text,
    /// Numbers of a unit.
    Number(Unit),
    /// Services.
    Service,
    /// Replicas.
    Replica,
    /// Machines.
    Host,
    /// Links.
    Link,
}

impl Element {
    /// The type of one of them.
    pub const fn of(self) -> Type {
        match self {
            Self::Text => Type::Text,
            Self::Number(unit) => Type::Number(unit),
            Self::Service => Type::Service,
            Self::Replica => Type::Replica,
            Self::Host => Type::Host,
            Self::Link => Type::Link,
        }
    }
}

impl Type {
    /// The type in words, for messages.
    pub fn words(self) -> String {
        match self {
            Self::Bool => "true or false".to_owned(),
            Self::Text => "a text".to_owned(),
            Self::Number(unit) => unit.words().to_owned(),
            Self::Open => "an open attribute".to_owned(),
            Self::Service => "a service".to_owned(),
            Self::Replica => "a replica".to_owned(),
            Self::Host => "a host".to_owned(),
            Self::Link => "a link".to_owned(),
            Self::List(element) => format!("a list ({} each)", element.of().words()),
        }
    }
}

/// A typed expression and the characters of its text.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression {
    /// What it is.
    pub node: Node,
    /// What it gives.
    pub gives: Type,
    /// First character and the one after the last, in the source's text.
    pub range: (usize, usize),
}

impl Expression {
    /// The parts of an expression, in the order written.
    pub fn children(&self) -> Vec<&Self> {
        match &self.node {
            Node::Bool(_)
            | Node::Text(_)
            | Node::Number(_)
            | Node::Variable(_)
            | Node::All(_)
            | Node::Places(_)
            | Node::Cost
            | Node::Placed
            | Node::Moved
            | Node::MoveCost
            | Node::Replicas(None) => Vec::new(),
            Node::List(items) => items.iter().collect(),
            Node::Replicas(Some(a))
            | Node::On(a)
            | Node::Spend(a)
            | Node::Property(a, _)
            | Node::Attribute(a, _)
            | Node::Known(a)
            | Node::Inside(a, _)
            | Node::Certified(a, _)
            | Node::Scaled(a, _)
            | Node::Not(a) => vec![a],
            Node::Latency(a, b)
            | Node::Excess(a, b)
            | Node::And(a, b)
            | Node::Or(a, b)
            | Node::Compare(_, a, b)
            | Node::TextTest(_, a, b)
            | Node::In(a, b)
            | Node::Arithmetic(_, a, b)
            | Node::Filtered(a, _, b)
            | Node::Quantified(_, a, _, b) => vec![a, b],
            Node::Aggregated(_, a, _, b) => std::iter::once(a).chain(b).map(|b| &**b).collect(),
            Node::Conditional(a, b, c) => vec![a, b, c],
        }
    }

    /// Shows every node to a visitor that may change it, parts before wholes.
    pub fn visit_mut(&mut self, visitor: &mut impl FnMut(&mut Self)) {
        match &mut self.node {
            Node::Bool(_)
            | Node::Text(_)
            | Node::Number(_)
            | Node::Variable(_)
            | Node::All(_)
            | Node::Places(_)
            | Node::Cost
            | Node::Placed
            | Node::Moved
            | Node::MoveCost
            | Node::Replicas(None) => {}
            Node::List(items) => items.iter_mut().for_each(|item| item.visit_mut(visitor)),
            Node::Replicas(Some(a))
            | Node::On(a)
            | Node::Spend(a)
            | Node::Property(a, _)
            | Node::Attribute(a, _)
            | Node::Known(a)
            | Node::Inside(a, _)
            | Node::Certified(a, _)
            | Node::Scaled(a, _)
            | Node::Not(a) => a.visit_mut(visitor),
            Node::Latency(a, b)
            | Node::Excess(a, b)
            | Node::And(a, b)
            | Node::Or(a, b)
            | Node::Compare(_, a, b)
            | Node::TextTest(_, a, b)
            | Node::In(a, b)
            | Node::Arithmetic(_, a, b)
            | Node::Filtered(a, _, b)
            | Node::Quantified(_, a, _, b) => {
                a.visit_mut(visitor);
                b.visit_mut(visitor);
            }
            Node::Aggregated(_, a, _, b) => {
                a.visit_mut(visitor);
                if let Some(b) = b {
                    b.visit_mut(visitor);
                }
            }
            Node::Conditional(a, b, c) => {
                a.visit_mut(visitor);
                b.visit_mut(visitor);
                c.visit_mut(visitor);
            }
        }
        visitor(self);
    }
}

/// The forms of expressions.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// `true`, `false`.
    Bool(bool),
    /// A text.
    Text(String),
    /// A number; `usd(5)` and its like are numbers too when the argument is constant.
    Number(Number),
    /// A list written out.
    List(Vec<Expression>),
    /// A variable bound by a quantifier or an aggregate.
    Variable(String),
    /// `services`, `hosts`, `links`.
    All(Element),
    /// `clouds`, `regions` and their like: the names there are, in order.
    Places(Level),
    /// `on(h)`: the replicas on a host.
    On(Box<Expression>),
    /// `list.filter(v, p)` of a list that does not depend on what is decided.
    Filtered(Box<Expression>, String, Box<Expression>),
    /// `replicas(x)`: of the service, or the services, that x names; of all services without x.
    Replicas(Option<Box<Expression>>),
    /// `cost`: what the plan costs a month.
    Cost,
    /// `placed`: how many replicas run.
    Placed,
    /// `moved`: how many replicas leave the machines they run on now.
    Moved,
    /// `moveCost`: what copying data to where it is not comes to, once.
    MoveCost,
    /// `spend(cloud)`: what of the cost is paid to one cloud a month.
    Spend(Box<Expression>),
    /// `excess(x, y)`: how far x is above y; zero where it is not.
    Excess(Box<Expression>, Box<Expression>),
    /// A property of a service, replica, host or link.
    Property(Box<Expression>, Property),
    /// An open attribute of the offer under a replica or host: `h["aws.ec2.nitro"]`; or a label of
    /// a service.
    Attribute(Box<Expression>, String),
    /// `known(x)`: x, a property or attribute, is known.
    Known(Box<Expression>),
    /// `inside(x, places)`: x lies in one of the places.
    Inside(Box<Expression>, Vec<Located>),
    /// `certified(x, frameworks)`: the site of x is stated to be certified for all of them.
    Certified(Box<Expression>, Vec<Located>),
    /// `latency(x, y)`: the longest round trip between replicas of x and of y, each a replica or
    /// the name of a service.
    Latency(Box<Expression>, Box<Expression>),
    /// A number times a constant: unit and period functions of what is decided.
    Scaled(Box<Expression>, Number),
    /// `list.all(v, p)` and its like.
    Quantified(Quantifier, Box<Expression>, String, Box<Expression>),
    /// `sum(list, v, x)` and its like; `count(list)` has no body.
    Aggregated(Aggregate, Box<Expression>, String, Option<Box<Expression>>),
    /// `!p`.
    Not(Box<Expression>),
    /// `p && q`.
    And(Box<Expression>, Box<Expression>),
    /// `p || q`.
    Or(Box<Expression>, Box<Expression>),
    /// `p ? x : y`.
    Conditional(Box<Expression>, Box<Expression>, Box<Expression>),
    /// `x <= y` and its like.
    Compare(Comparison, Box<Expression>, Box<Expression>),
    /// `x.startsWith(y)` and its like.
    TextTest(TextTest, Box<Expression>, Box<Expression>),
    /// `x in list`.
    In(Box<Expression>, Box<Expression>),
    /// `x + y` and its like.
    Arithmetic(Operator, Box<Expression>, Box<Expression>),
}

/// A constant text and the characters it covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    /// The text.
    pub text: String,
    /// Its characters.
    pub range: (usize, usize),
}

/// What can be asked of services, replicas, hosts and links.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Property {
    /// Name of a service.
    Name,
    /// Number of replicas of a service.
    ReplicaCount,
    /// vCPUs that one replica of a service reserves.
    NeedsCpu,
    /// Memory that one replica of a service reserves.
    NeedsMemory,
    /// The service of a replica.
    Service,
    /// The cloud of a replica or host.
    Cloud,
    /// Its region.
    Region,
    /// Its zone.
    Zone,
    /// Its country.
    Country,
    /// Its innermost area.
    Area,
    /// The machine of a replica.
    Host,
    /// The name of the offer.
    Offer,
    /// Processor architecture.
    Architecture,
    /// Price per hour of the machine.
    Price,
    /// vCPUs of the machine.
    Vcpu,
    /// Memory of the machine.
    Memory,
    /// Model of the machine's accelerator.
    Accelerator,
    /// True for machines that are there already.
    Existing,
    /// Grams of CO₂ equivalent per kWh of the grid where a replica or host is.
    CarbonIntensity,
    /// Grams of CO₂ equivalent that a machine emits in a month.
    Carbon,
    /// True for machines bought at the spot price.
    Spot,
    /// Sender of a link.
    From,
    /// Receiver of a link.
    To,
}

impl Property {
    /// Every property by its name, with whom it is asked of and what it gives.
    pub const ALL: [(&'static str, Type, Self, Type); 39] = {
        use Type::{Bool, Host, Link, Replica, Service, Text};
        const ONE: Type = Type::Number(Unit::One);
        const PRICE: Type = Type::Number(Unit::MoneyPerHour);
        const BYTES: Type = Type::Number(Unit::Bytes);
        const CARBON: Type = Type::Number(Unit::Carbon);
        [
            ("name", Service, Self::Name, Text),
            ("replicas", Service, Self::ReplicaCount, ONE),
            ("needsCpu", Service, Self::NeedsCpu, ONE),
            ("needsMemory", Service, Self::NeedsMemory, BYTES),
            ("service", Replica, Self::Service, Text),
            ("needsCpu", Replica, Self::NeedsCpu, ONE),
            ("needsMemory", Replica, Self::NeedsMemory, BYTES),
            ("cloud", Replica, Self::Cloud, Text),
            ("region", Replica, Self::Region, Text),
            ("zone", Replica, Self::Zone, Text),
            ("country", Replica, Self::Country, Text),
            ("area", Replica, Self::Area, Text),
            ("host", Replica, Self::Host, Host),
            ("offer", Replica, Self::Offer, Text),
            ("arch", Replica, Self::Architecture, Text),
            ("price", Replica, Self::Price, PRICE),
            ("vcpu", Replica, Self::Vcpu, ONE),
            ("memory", Replica, Self::Memory, BYTES),
            ("accelerator", Replica, Self::Accelerator, Text),
            ("existing", Replica, Self::Existing, Bool),
            ("spot", Replica, Self::Spot, Bool),
            ("carbonIntensity", Replica, Self::CarbonIntensity, ONE),
            ("cloud", Host, Self::Cloud, Text),
            ("region", Host, Self::Region, Text),
            ("zone", Host, Self::Zone, Text),
            ("country", Host, Self::Country, Text),
            ("area", Host, Self::Area, Text),
            ("offer", Host, Self::Offer, Text),
            ("arch", Host, Self::Architecture, Text),
            ("price", Host, Self::Price, PRICE),
            ("vcpu", Host, Self::Vcpu, ONE),
            ("memory", Host, Self::Memory, BYTES),
            ("accelerator", Host, Self::Accelerator, Text),
            ("existing", Host, Self::Existing, Bool),
            ("spot", Host, Self::Spot, Bool),
            ("carbonIntensity", Host, Self::CarbonIntensity, ONE),
            ("carbon", Host, Self::Carbon, CARBON),
            ("from", Link, Self::From, Text),
            ("to", Link, Self::To, Text),
        ]
    };
}

/// Quantifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantifier {
    /// For every one.
    All,
    /// For at least one.
    Exists,
}

/// Kinds of places whose names can be gone through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// `clouds`.
    Cloud,
    /// `regions`.
    Region,
    /// `zones`.
    Zone,
    /// `countries`.
    Country,
    /// `areas`.
    Area,
}

impl Level {
    /// Every level by the name of its list.
    pub const ALL: [(&'static str, Self); 5] = [
        ("clouds", Self::Cloud),
        ("regions", Self::Region),
        ("zones", Self::Zone),
        ("countries", Self::Country),
        ("areas", Self::Area),
    ];
}

/// Tests of texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextTest {
    /// `x.startsWith(y)`.
    StartsWith,
    /// `x.endsWith(y)`.
    EndsWith,
    /// `x.contains(y)`.
    Contains,
}

impl TextTest {
    /// Every test by its name.
    pub const ALL: [(&'static str, Self); 3] = [
        ("startsWith", Self::StartsWith),
        ("endsWith", Self::EndsWith),
        ("contains", Self::Contains),
    ];

    /// What it gives for two texts.
    pub fn holds(self, text: &str, part: &str) -> bool {
        match self {
            Self::StartsWith => text.starts_with(part),
            Self::EndsWith => text.ends_with(part),
            Self::Contains => text.contains(part),
        }
    }
}

/// Aggregates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aggregate {
    /// The sum of the body's values.
    Sum,
    /// How many there are, or for how many the body holds.
    Count,
    /// The smallest value.
    Min,
    /// The largest value.
    Max,
    /// The sum of the values divided by how many there are.
    Average,
    /// How many different values.
    Distinct,
    /// How many more have the most frequent value than the least frequent one, over all values
    /// that are possible.
    Skew,
}

/// Comparisons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `==`.
    Equal,
    /// `!=`.
    NotEqual,
    /// `<`.
    Less,
    /// `<=`.
    LessOrEqual,
    /// `>`.
    Greater,
    /// `>=`.
    GreaterOrEqual,
}

/// Arithmetic operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `+`.
    Add,
    /// `-`.
    Subtract,
    /// `*`.
    Multiply,
    /// `/`.
    Divide,
}
