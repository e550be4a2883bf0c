//! Measures as linear expressions, with the columns and rows they need.
//!
//! Largest values, skews, pairs, traffic and excesses are bounded from below by what they are, which
//! is exact wherever smaller is better; elsewhere they are bounded from above too.

use std::collections::BTreeMap;

use coc_optimizer::problem::{
    Combination, GroupId, Measure, MeasureId, MeterPrice, OptionId, PairTable, Table, Traffic,
};

use crate::expression::{Linear, Var};
use crate::model::Program;

/// Why a measure can't be put into the program.
#[derive(Clone, Debug)]
pub(crate) struct Measured(pub(crate) String);

impl Program<'_> {
    /// A measure as an expression.
    pub(crate) fn measure(&mut self, id: MeasureId) -> Result<Linear, Measured> {
        if let Some(linear) = self.measured.get(&id) {
            return Ok(linear.clone());
        }
        // True where a column that is too large would be of use to somebody.
        let both = !self.better[id.0];
        let linear = match self.problem.measures[id.0].clone() {
            Measure::Sum { items, hosts } => self.sum(&items, hosts.as_ref()),
            Measure::Distinct { groups, key } => self.distinct(&groups, &key),
            Measure::Skew { groups, key, domain } => self.skew(&groups, &key, &domain, both),
            Measure::Largest { groups, table, floor } => self.largest(&groups, &table, floor, both),
            Measure::LargestPair { between, table } => self.largest_pair(&between, &table, both),
            Measure::Pairs { between, table } => self.pairs(between, &table, both),
            Measure::Traffic(traffic) => self.traffic(&traffic),
            Measure::Excess(combination) => {
                let inner = self.combination(&combination)?;
                let most = self.builder.range(&inner).1.max(0);
                let mut excess = self.builder.continuous(0, most);
                excess.off = inner.off;
                self.builder.at_most_zero(&inner.clone().minus(&excess));
                if both {
                    self.excess_at_most(&excess, &inner);
                }
                excess
            }
            Measure::Broken(formula) => {
                let broken = self.builder.binary();
                let mut holds = Linear::constant(1);
                holds.add(-1, broken);
                self.require(&formula, &[holds])?;
                if both {
                    self.require(&self.problem.opposite(&formula), &[Linear::var(broken)])?;
                }
                Linear::var(broken)
            }
            Measure::Product(a, b) => self.product(&a, &b)?,
        };
        self.measured.insert(id, linear.clone());
        Ok(linear)
    }

    fn sum(&self, items: &[(GroupId, Table)], hosts: Option<&Table>) -> Linear {
        let mut sum = Linear::default();
        for (group, table) in items {
            for (option, var) in self.items_of(*group) {
                sum.add(table.at(self.problem, option), var);
            }
        }
        if let Some(table) = hosts {
            for (content, var) in self.contents.contents.iter().zip(&self.hosts) {
                sum.add(table.at(self.problem, content.option), *var);
            }
        }
        sum
    }

    /// The cells of some groups, or the hosts by option if none are named.
    fn used(&self, groups: &[GroupId]) -> Vec<(OptionId, Linear)> {
        if groups.is_empty() {
            let options = (0..self.problem.options.len()).map(OptionId);
            return options
                .map(|o| (o, self.hosts_of(o)))
                .filter(|(_, l)| !l.terms.is_empty())
                .collect();
        }
        let cells = groups.iter().flat_map(|g| self.items_of(*g));
        cells.map(|(option, var)| (option, Linear::var(var))).collect()
    }

    /// A column that is 1 exactly if an expression that is never negative is not zero.
    fn used_at_all(&mut self, count: &Linear) -> Var {
        let most = self.builder.range(count).1.max(1);
        if let (1, Some((var, 1))) = (most, count.terms.first_key_value())
            && count.terms.len() == 1
        {
            return *var;
        }
        let used = self.builder.binary();
        let mut below = count.clone();
        below.add(-most, used);
        self.builder.at_most_zero(&below);
        self.builder.at_most_zero(&Linear::var(used).minus(count));
        used
    }

    fn distinct(&mut self, groups: &[GroupId], key: &Table) -> Linear {
        let mut by_key: BTreeMap<i128, Linear> = BTreeMap::new();
        for (option, count) in self.used(groups) {
            by_key.entry(key.at(self.problem, option)).or_default().add_all(1, &count);
        }
        let mut distinct = Linear::default();
        for count in by_key.values() {
            let used = self.used_at_all(count);
            distinct.add(1, used);
        }
        distinct
    }

    fn skew(
        &mut self,
        groups: &[(GroupId, i128)],
        key: &Table,
        domain: &[i128],
        both: bool,
    ) -> Linear {
        let mut by_key: BTreeMap<i128, Linear> =
            domain.iter().map(|k| (*k, Linear::default())).collect();
        let mut most = 0;
        for (group, weight) in groups {
            most += weight * i128::from(self.problem.groups[group.0].count);
            for (option, var) in self.items_of(*group) {
                if let Some(count) = by_key.get_mut(&key.at(self.problem, option)) {
                    count.add(*weight, var);
                }
            }
        }
        if by_key.is_empty() {
            return Linear::default();
        }
        let (top, bottom) = (self.builder.integer(0, most), self.builder.integer(0, most));
        for count in by_key.values() {
            self.builder.at_most_zero(&count.clone().minus(&Linear::var(top)));
            self.builder.at_most_zero(&Linear::var(bottom).minus(count));
        }
        if both {
            let counts: Vec<Linear> = by_key.values().cloned().collect();
            self.reached(&Linear::var(top), &counts);
            let negative: Vec<Linear> = counts.iter().map(|c| Linear::default().minus(c)).collect();
            self.reached(&Linear::default().minus(&Linear::var(bottom)), &negative);
        }
        Linear::var(top).minus(&Linear::var(bottom))
    }

    fn largest(&mut self, groups: &[GroupId], table: &Table, floor: i128, both: bool) -> Linear {
        let cells = self.used(groups);
        let values: Vec<i128> = cells.iter().map(|(o, _)| table.at(self.problem, *o)).collect();
        let most = values.iter().copied().max().unwrap_or(floor).max(floor);
        let largest = self.builder.continuous(floor, most);
        let mut brought = Vec::new();
        for ((_, count), value) in cells.into_iter().zip(values) {
            if value > floor {
                let used = self.used_at_all(&count);
                brought.push((value, used, used));
                let mut row = Linear::constant(floor);
                row.add(value - floor, used);
                self.builder.at_most_zero(&row.minus(&largest));
            }
        }
        if both {
            self.largest_at_most(&largest, floor, &brought);
        }
        largest
    }

    /// `[y ≥ k]` for the items of a group at some sites, for k from 1.
    fn counted(&mut self, group: GroupId, sites: &[usize], items: &Linear) -> Vec<Var> {
        let key = (group, sites.to_vec());
        if let Some(vars) = self.unary.get(&key) {
            return vars.clone();
        }
        let count = self.problem.groups[group.0].count;
        let single =
            (count == 1 && items.terms.len() == 1).then(|| items.terms.keys().next().copied());
        let vars: Vec<Var> = match single.flatten() {
            Some(var) => vec![var],
            None => (0..count).map(|_| self.builder.binary()).collect(),
        };
        if single.is_none() {
            let mut sum = items.clone();
            for var in &vars {
                sum.add(-1, *var);
            }
            self.builder.zero(&sum);
            for pair in vars.windows(2) {
                self.builder.at_most_zero(&Linear::var(pair[1]).minus(&Linear::var(pair[0])));
            }
        }
        self.unary.insert(key, vars.clone());
        vars
    }

    /// If a combination says that a sum over pairs is zero, forbids the pairs: each site of one
    /// group against all sites of the other that don't go with it.
    pub(crate) fn forbid_pairs(&mut self, combination: &Combination) -> bool {
        let (0, [(coefficient, measure)]) = (combination.constant, combination.terms.as_slice())
        else {
            return false;
        };
        let Measure::Pairs { between: (a, b), table } = &self.problem.measures[measure.0] else {
            return false;
        };
        if *coefficient <= 0 {
            return false;
        }
        let (a, b, table) = (*a, *b, table.clone());
        let (from, to) = (self.by_site(a), self.by_site(b));
        let count = i128::from(self.problem.groups[b.0].count);
        for (site, items) in &from {
            let mut others = Linear::default();
            for (other, there) in &to {
                if table.at(*site, *other) > 0 && (a != b || site != other) {
                    others.add_all(1, there);
                }
            }
            if !others.terms.is_empty() {
                let here = self.counted(a, &[*site], items);
                others.constant -= count;
                others.add(count, here[0]);
                self.builder.at_most_zero(&others);
            }
            if a == b && table.at(*site, *site) > 0 {
                // No two of one group at this site.
                let mut alone = items.clone();
                alone.constant -= 1;
                self.builder.at_most_zero(&alone);
            }
        }
        true
    }

    fn largest_pair(
        &mut self,
        between: &[(GroupId, GroupId)],
        table: &PairTable,
        both: bool,
    ) -> Linear {
        let most = table.values.iter().copied().max().unwrap_or(0).max(0);
        let largest = self.builder.continuous(0, most);
        let mut brought = Vec::new();
        for &(a, b) in between {
            let (from, to) = (self.by_site(a), self.by_site(b));
            for (site, items) in &from {
                let here = self.counted(a, &[*site], items)[0];
                for (other, there) in &to {
                    let value = table.at(*site, *other);
                    if value <= 0 {
                        continue;
                    }
                    let second = if a == b && site == other {
                        // Two different items of one group at one site.
                        match self.counted(a, &[*site], items).get(1) {
                            Some(second) => *second,
                            None => continue,
                        }
                    } else {
                        self.counted(b, &[*other], there)[0]
                    };
                    brought.push((value, here, second));
                    // value · (here + second − 1) ≤ largest
                    let mut row = Linear::constant(-value);
                    row.add(value, here);
                    row.add(value, second);
                    self.builder.at_most_zero(&row.minus(&largest));
                }
            }
        }
        if both {
            self.largest_at_most(&largest, 0, &brought);
        }
        largest
    }

    /// Σ over pairs, from below: for each item of the first group at a site, the sum over the second
    /// group's items.
    fn pairs(&mut self, (a, b): (GroupId, GroupId), table: &PairTable, both: bool) -> Linear {
        let (from, to) = (self.by_site(a), self.by_site(b));
        let mut total = Linear::default();
        for (site, items) in &from {
            let mut row = Linear::default();
            for (other, there) in &to {
                row.add_all(table.at(*site, *other), there);
            }
            let most = self.builder.range(&row).1;
            if most <= 0 {
                continue;
            }
            for here in self.counted(a, &[*site], items) {
                let share = self.builder.continuous(0, most);
                // row − most · (1 − here) ≤ share
                let mut bounded = row.clone();
                bounded.constant -= most;
                bounded.add(most, here);
                self.builder.at_most_zero(&bounded.minus(&share));
                if both {
                    self.builder.at_most_zero(&share.clone().minus(&row));
                    let mut absent = share.clone();
                    absent.add(-most, here);
                    self.builder.at_most_zero(&absent);
                }
                total.add_all(1, &share);
            }
            if a == b {
                total.add_all(-table.at(*site, *site), items);
            }
        }
        total
    }

    fn traffic(&mut self, traffic: &Traffic) -> Linear {
        let mut volumes: Vec<Linear> = vec![Linear::default(); traffic.prices.len()];
        for flow in &traffic.flows {
            let (from, to) = (self.by_site(flow.from), self.by_site(flow.to));
            let receivers = i128::from(self.problem.groups[flow.to.0].count);
            // Sites from which every receiver is behind the same meter are one to the sender.
            let mut alike: BTreeMap<Vec<Option<usize>>, (Vec<usize>, Linear)> = BTreeMap::new();
            for (site, items) in &from {
                let row = &traffic.meter[site * traffic.sites..][..traffic.sites];
                let meters: Vec<Option<usize>> = to.keys().map(|other| row[*other]).collect();
                let (sites, all) = alike.entry(meters).or_default();
                sites.push(*site);
                all.add_all(1, items);
            }
            for (meters, (sites, items)) in &alike {
                if meters.iter().all(Option::is_none) {
                    continue;
                }
                let mut by_meter: BTreeMap<Option<usize>, Linear> = BTreeMap::new();
                for (meter, there) in meters.iter().zip(to.values()) {
                    by_meter.entry(*meter).or_default().add_all(1, there);
                }
                let receivers = Receivers {
                    all: receivers,
                    absent: self.problem.may_be_absent(flow.to),
                    by_meter: &by_meter,
                };
                for here in self.counted(flow.from, sites, items) {
                    self.sent(here, &receivers, flow.bytes, &mut volumes);
                }
            }
        }
        let mut cost = Linear::default();
        for (price, volume) in traffic.prices.iter().zip(volumes) {
            if !volume.terms.is_empty() {
                let metered = self.metered(price, &volume);
                cost.add_all(1, &metered);
            }
        }
        cost
    }

    /// What one item sends, split by meter: to each meter as many shares as there are receivers
    /// behind it, if the item is here, else none. Where receivers are sure to be there, behind one
    /// meter or another, the shares add up to their number, which makes the split exact both ways.
    fn sent(&mut self, here: Var, to: &Receivers<'_>, bytes: i128, volumes: &mut [Linear]) {
        let mut split = Linear::default();
        split.add(-to.all, here);
        for (meter, behind) in to.by_meter {
            let shares = self.builder.continuous(0, to.all);
            split.add_all(1, &shares);
            self.builder.at_most_zero(&shares.clone().minus(behind));
            if to.absent {
                // shares ≥ behind − all · (1 − here)
                let mut least = behind.clone();
                least.constant -= to.all;
                least.add(to.all, here);
                self.builder.at_most_zero(&least.minus(&shares));
                // shares ≤ all · here
                let mut nothing = shares.clone();
                nothing.add(-to.all, here);
                self.builder.at_most_zero(&nothing);
            }
            if let Some(meter) = meter {
                volumes[*meter].add_all(bytes, &shares);
            }
        }
        if !to.absent {
            self.builder.zero(&split);
        }
    }

    /// What a meter charges for a volume. In one tier it is proportional; over several, columns for
    /// the tiers are filled in order.
    fn metered(&mut self, price: &MeterPrice, volume: &Linear) -> Linear {
        let most = self.builder.range(volume).1;
        if let Some(single) = price.single_price(most) {
            return charged(volume, single, price.unit);
        }
        let mut rest = volume.clone();
        let mut cost = Linear::default();
        let mut full_before: Option<Var> = None;
        for (index, &(from, per_unit)) in price.tiers.iter().enumerate() {
            if from >= most {
                break;
            }
            let end = price.tiers.get(index + 1).map_or(most, |next| next.0.min(most));
            let width = end - from;
            // How much of the tier is used, from 0 to 1.
            let filled = self.builder.continuous(0, 1);
            rest.add_all(-width, &filled);
            if let Some(full) = full_before {
                self.builder.at_most_zero(&filled.clone().minus(&Linear::var(full)));
            }
            if end < most {
                // 1 only if this tier is full; then the next one may be begun.
                let full = self.builder.binary();
                self.builder.at_most_zero(&Linear::var(full).minus(&filled));
                full_before = Some(full);
            }
            let (nano, off) = nano(width, per_unit, price.unit);
            cost.add_all(nano, &filled);
            cost.off += off;
        }
        self.builder.zero(&rest);
        cost
    }
}

/// Who receives a flow.
struct Receivers<'a> {
    /// How many there are.
    all: i128,
    /// True if some or all may not be there.
    absent: bool,
    /// How many are behind each meter.
    by_meter: &'a BTreeMap<Option<usize>, Linear>,
}

/// Volume times price, in nano-dollars to the nearest one per column.
fn charged(volume: &Linear, price_atto: i128, unit: i128) -> Linear {
    let mut cost = Linear::default();
    for (var, bytes) in &volume.terms {
        let (nano, off) = nano(*bytes, price_atto, unit);
        cost.add(nano, *var);
        cost.off += off;
    }
    cost
}

/// What bytes cost in nano-dollars, to the nearest, and how far that can be off.
fn nano(bytes: i128, price_atto: i128, unit: i128) -> (i128, i128) {
    let divisor = unit * 1_000_000_000;
    let atto = bytes.saturating_mul(price_atto);
    ((atto + divisor / 2).div_euclid(divisor), i128::from(atto % divisor != 0))
}
