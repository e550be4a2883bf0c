//! Conditions and numbers of the goal language, drawn from a seed: well typed, over every operator,
//! nested a few deep.

use crate::random::Random;

/// Draws expressions over some services.
#[derive(Debug)]
pub struct Expressions<'a> {
    random: &'a mut Random,
    services: Vec<&'a str>,
    /// Variables in scope, with what they stand for.
    scope: Vec<(String, Kind)>,
    drawn: u32,
}

/// What a variable stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Replica,
    Host,
    Cloud,
    Service,
}

/// What a number measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Plain,
    Money,
    Time,
}

impl<'a> Expressions<'a> {
    /// Expressions over these services.
    pub fn new(random: &'a mut Random, services: Vec<&'a str>) -> Self {
        Self { random, services, scope: Vec::new(), drawn: 0 }
    }

    /// A condition.
    pub fn condition(&mut self, depth: u32) -> String {
        if depth == 0 {
            return self.small_condition();
        }
        match self.random.below(12) {
            0 => format!("({} && {})", self.condition(depth - 1), self.condition(depth - 1)),
            1 => format!("({} || {})", self.condition(depth - 1), self.condition(depth - 1)),
            2 => format!("!({})", self.condition(depth - 1)),
            3 => {
                let [a, b, c] = [0; 3].map(|_| self.condition(depth - 1));
                format!("({a} ? {b} : {c})")
            }
            4..=7 => self.quantified(depth),
            _ => self.comparison(depth),
        }
    }

    /// A number that can be made best.
    pub fn objective(&mut self) -> String {
        let unit = *self.random.of(&[Unit::Plain, Unit::Money, Unit::Time]);
        self.number(unit, 2)
    }

    fn service(&mut self) -> String {
        format!("\"{}\"", self.random.of(&self.services))
    }

    fn fresh(&mut self) -> String {
        self.drawn += 1;
        format!("v{}", self.drawn)
    }

    fn of_kind(&mut self, kind: Kind) -> Option<String> {
        let found: Vec<String> =
            self.scope.iter().filter(|v| v.1 == kind).map(|v| v.0.clone()).collect();
        (!found.is_empty()).then(|| self.random.of(&found).clone())
    }

    /// A list, and what its elements are.
    fn list(&mut self) -> (String, Kind) {
        match self.random.below(8) {
            0 => ("hosts".to_owned(), Kind::Host),
            1 => ("clouds".to_owned(), Kind::Cloud),
            2 => ("services".to_owned(), Kind::Service),
            3 => ("replicas()".to_owned(), Kind::Replica),
            4 => match self.of_kind(Kind::Service) {
                Some(service) => (format!("replicas({service})"), Kind::Replica),
                None => (format!("replicas({})", self.service()), Kind::Replica),
            },
            _ => (format!("replicas({})", self.service()), Kind::Replica),
        }
    }

    /// A list, filtered now and then.
    fn filtered(&mut self) -> (String, Kind) {
        let (list, kind) = self.list();
        if !self.random.percent(15) {
            return (list, kind);
        }
        let variable = self.fresh();
        self.scope.push((variable.clone(), kind));
        let kept = self.small_condition();
        self.scope.pop();
        (format!("{list}.filter({variable}, {kept})"), kind)
    }

    fn quantified(&mut self, depth: u32) -> String {
        let (list, kind) = self.filtered();
        let variable = self.fresh();
        self.scope.push((variable.clone(), kind));
        let body = self.condition(depth - 1);
        self.scope.pop();
        let quantifier = *self.random.of(&["all", "all", "exists", "exists", "exists_one"]);
        format!("{list}.{quantifier}({variable}, {body})")
    }

    fn comparison(&mut self, depth: u32) -> String {
        let unit = *self.random.of(&[Unit::Plain, Unit::Plain, Unit::Money, Unit::Time]);
        let left = self.number(unit, depth - 1);
        let right = if self.random.percent(70) {
            self.constant(unit)
        } else {
            self.number(unit, depth - 1)
        };
        let compare = *self.random.of(&["<=", ">=", "<", ">", "==", "!="]);
        format!("{left} {compare} {right}")
    }

    fn constant(&mut self, unit: Unit) -> String {
        match unit {
            Unit::Plain => self.random.of(&["0", "1", "2", "3", "1.5"]).to_string(),
            Unit::Money => format!("usd({}.5)", self.random.below(20)),
            Unit::Time => format!("ms({})", self.random.below(50)),
        }
    }

    fn number(&mut self, unit: Unit, depth: u32) -> String {
        if depth > 0 {
            match self.random.below(12) {
                0 => {
                    return format!(
                        "({} + {})",
                        self.number(unit, depth - 1),
                        self.number(unit, depth - 1)
                    );
                }
                1 => {
                    return format!(
                        "({} - {})",
                        self.number(unit, depth - 1),
                        self.number(unit, depth - 1)
                    );
                }
                2 => {
                    let factor = *self.random.of(&["0.5", "2", "-1"]);
                    return format!("({} * {factor})", self.number(unit, depth - 1));
                }
                3 => {
                    return format!(
                        "excess({}, {})",
                        self.number(unit, depth - 1),
                        self.constant(unit)
                    );
                }
                4 => {
                    return format!(
                        "abs({} - {})",
                        self.number(unit, depth - 1),
                        self.constant(unit)
                    );
                }
                5 => {
                    let condition = self.condition(depth - 1);
                    let (a, b) = (self.number(unit, depth - 1), self.number(unit, depth - 1));
                    return format!("({condition} ? {a} : {b})");
                }
                _ => {}
            }
        }
        match unit {
            Unit::Plain => self.plain(depth),
            Unit::Money => self.money(),
            Unit::Time => self.time(),
        }
    }

    fn plain(&mut self, depth: u32) -> String {
        match self.random.below(12) {
            10 => "moved".to_owned(),
            0 => {
                let (list, _) = self.list();
                format!("count({list})")
            }
            1 | 2 => self.counted(depth),
            3 => format!("distinct(replicas({}), r, r.{})", self.service(), self.level()),
            4 => format!("skew(replicas({}), r, r.{})", self.service(), self.level()),
            5 => {
                let aggregate = *self.random.of(&["sum", "min", "max", "average"]);
                format!("{aggregate}(replicas({}), r, r.vcpu)", self.service())
            }
            6 => {
                let aggregate = *self.random.of(&["sum", "max", "min"]);
                format!("{aggregate}(hosts, h, h.vcpu)")
            }
            7 => {
                let aggregate = *self.random.of(&["max", "min", "sum", "average"]);
                let service = self.service();
                format!("{aggregate}(clouds, c, count(replicas({service}), r, r.cloud == c))")
            }
            8 if depth > 0 => format!("{} * {}", self.counted(0), self.counted(0)),
            9 => format!("sum(replicas({}), r, r.needsCpu)", self.service()),
            _ => self.constant(Unit::Plain),
        }
    }

    fn counted(&mut self, depth: u32) -> String {
        let (list, kind) = self.filtered();
        let variable = self.fresh();
        self.scope.push((variable.clone(), kind));
        let body = self.condition(depth.min(1));
        self.scope.pop();
        format!("count({list}, {variable}, {body})")
    }

    fn level(&mut self) -> &'static str {
        self.random.of::<&str>(&["cloud", "region", "zone", "country", "area"])
    }

    fn money(&mut self) -> String {
        match self.random.below(6) {
            3 => "moveCost".to_owned(),
            4 => "(cost + moveCost / 12)".to_owned(),
            0 => "monthly(sum(hosts, h, h.price))".to_owned(),
            1 => match self.of_kind(Kind::Cloud) {
                Some(cloud) => format!("spend({cloud})"),
                None => "spend(\"red\")".to_owned(),
            },
            2 => "monthly(max(hosts, h, h.price))".to_owned(),
            _ => "cost".to_owned(),
        }
    }

    fn time(&mut self) -> String {
        let replica = self.of_kind(Kind::Replica);
        match (self.random.below(3), replica) {
            (0, Some(replica)) => match self.of_kind(Kind::Replica) {
                Some(other) => format!("latency({replica}, {other})"),
                None => format!("latency({replica}, {})", self.service()),
            },
            (1, Some(replica)) => format!("latency({replica}, {})", self.service()),
            _ => format!("latency({}, {})", self.service(), self.service()),
        }
    }

    fn small_condition(&mut self) -> String {
        let kinds: Vec<(String, Kind)> = self.scope.clone();
        if kinds.is_empty() {
            return self.comparison(1);
        }
        let (variable, kind) = self.random.of(&kinds).clone();
        match kind {
            Kind::Cloud => {
                let name = *self.random.of(&["red", "blue"]);
                format!("{variable} {} \"{name}\"", self.random.of(&["==", "!="]))
            }
            Kind::Service => match self.random.below(3) {
                0 => format!("{variable}.replicas >= 2"),
                1 => format!("{variable}.needsMemory <= GiB(2)"),
                _ => format!("{variable}.name == {}", self.service()),
            },
            Kind::Replica | Kind::Host => self.of_placed(&variable, kind),
        }
    }

    fn of_placed(&mut self, variable: &str, kind: Kind) -> String {
        let other = self.of_kind(kind).unwrap_or_else(|| variable.to_owned());
        let level = self.level();
        match self.random.below(11) {
            0 => format!("inside({variable}, \"EU\")"),
            1 => format!("{variable}.cloud == \"red\""),
            2 => format!("{variable}.vcpu <= 2"),
            3 => format!("{variable}.offer in [\"small\", \"large\"]"),
            4 => format!("{variable}.region.startsWith(\"r\")"),
            5 => format!("{variable}.{level} == {other}.{level}"),
            6 => format!("{variable}.{level} != {other}.{level}"),
            7 => format!("{variable} == {other}"),
            8 => format!("({variable} == {other} || {variable}.{level} != {other}.{level})"),
            9 if kind == Kind::Replica => {
                format!("latency({variable}, {other}) <= ms({})", self.random.below(50))
            }
            _ => match self.of_kind(Kind::Cloud) {
                Some(cloud) => format!("{variable}.cloud == {cloud}"),
                None => format!("{variable}.price <= usd(0.1)"),
            },
        }
    }
}
