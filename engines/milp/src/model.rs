//! The problem as a mixed-integer program.
//!
//! Columns: hosts per content, items per group and site (or option), whether an alternative is chosen.
//! Rows: every item is placed, of alternatives those of one; where items are, hosts have room; limits;
//! and what the measures of the problem need.

use std::collections::BTreeMap;

use coc_optimizer::presolve::smaller_is_better;
use coc_optimizer::problem::{Combination, Formula, GroupId, MeasureId, OptionId, Problem};

use crate::classes::{Contents, Grain};
use crate::expression::{Builder, Linear, Rows, Var};
use crate::measures::Measured;

/// The program and what its columns stand for.
pub(crate) struct Program<'a> {
    pub(crate) problem: &'a Problem,
    pub(crate) contents: &'a Contents,
    /// For each measure, whether a smaller value is always at least as good.
    pub(crate) better: Vec<bool>,
    pub(crate) builder: Builder,
    /// Hosts of each content.
    pub(crate) hosts: Vec<Var>,
    /// Items of a group in a cell: a site, or an option for classes of that grain.
    pub(crate) items: BTreeMap<(GroupId, usize), Var>,
    /// 1 for the alternative of a choice that is placed.
    pub(crate) chosen: BTreeMap<GroupId, Var>,
    /// The grain of each group.
    pub(crate) grains: Vec<Grain>,
    /// Expressions of measures made so far.
    pub(crate) measured: BTreeMap<MeasureId, Linear>,
    /// `[y ≥ k]` for the items of a group at some sites, k from 1.
    pub(crate) unary: BTreeMap<(GroupId, Vec<usize>), Vec<Var>>,
}

impl<'a> Program<'a> {
    /// Columns and rows of the packing alone.
    pub(crate) fn new(problem: &'a Problem, contents: &'a Contents, rows: Rows) -> Self {
        let mut grains = vec![Grain::Site; problem.groups.len()];
        for class in &contents.classes {
            for group in &class.groups {
                grains[group.0] = class.grain;
            }
        }
        let mut program = Self {
            problem,
            contents,
            better: smaller_is_better(problem),
            builder: Builder::new(rows),
            hosts: Vec::new(),
            items: BTreeMap::new(),
            chosen: BTreeMap::new(),
            grains,
            measured: BTreeMap::new(),
            unary: BTreeMap::new(),
        };
        program.host_columns();
        program.item_columns();
        program.room();
        program.limits();
        program
    }

    fn host_columns(&mut self) {
        for content in &self.contents.contents {
            // More hosts than items they have room for are never needed.
            let items: i64 = content
                .room
                .iter()
                .zip(&self.contents.classes)
                .map(|(room, class)| if *room > 0 { (class.count + room - 1) / room } else { 0 })
                .sum();
            self.hosts.push(self.builder.integer(0, items.into()));
        }
    }

    fn item_columns(&mut self) {
        for (index, group) in self.problem.groups.iter().enumerate() {
            let id = GroupId(index);
            let mut placed = Linear::default();
            for cell in self.cells(id) {
                let var = self.builder.integer(0, group.count.into());
                self.items.insert((id, cell), var);
                placed.add(1, var);
            }
            if self.problem.choice_of(id).is_some() {
                self.placed_if_chosen(id, placed);
                continue;
            }
            placed.constant -= i128::from(group.count);
            if self.problem.partial {
                self.builder.at_most_zero(&placed);
            } else {
                self.builder.zero(&placed);
            }
        }
        for choice in &self.problem.choices {
            let mut one = Linear::constant(-1);
            for group in &choice.groups {
                one.add(1, self.chosen[group]);
            }
            if self.problem.partial {
                self.builder.at_most_zero(&one);
            } else {
                self.builder.zero(&one);
            }
        }
    }

    /// All items of an alternative are placed if it is chosen, else none.
    fn placed_if_chosen(&mut self, group: GroupId, mut placed: Linear) {
        let chosen = self.builder.binary();
        placed.add(-i128::from(self.problem.groups[group.0].count), chosen);
        self.builder.zero(&placed);
        self.chosen.insert(group, chosen);
    }

    /// The cells where a group may be; none if it has no items.
    fn cells(&self, group: GroupId) -> Vec<usize> {
        if self.problem.groups[group.0].count == 0 {
            return Vec::new();
        }
        let may = |o: usize| self.problem.groups[group.0].may_use(self.problem, OptionId(o));
        let options = (0..self.problem.options.len()).filter(|o| may(*o));
        match self.grains[group.0] {
            Grain::Option => options.collect(),
            Grain::Site => {
                let mut sites: Vec<usize> = options.map(|o| self.problem.options[o].site).collect();
                sites.sort_unstable();
                sites.dedup();
                sites
            }
        }
    }

    /// Hosts have room for the items of every class in every cell.
    fn room(&mut self) {
        for (index, class) in self.contents.classes.iter().enumerate() {
            let mut cells: BTreeMap<usize, Linear> = BTreeMap::new();
            for group in &class.groups {
                for (&(_, cell), &var) in self.items.range((*group, 0)..=(*group, usize::MAX)) {
                    cells.entry(cell).or_default().add(1, var);
                }
            }
            for (content, var) in self.contents.contents.iter().zip(&self.hosts) {
                let cell = match class.grain {
                    Grain::Option => content.option.0,
                    Grain::Site => self.problem.options[content.option.0].site,
                };
                if content.room[index] > 0 {
                    cells.entry(cell).or_default().add(-i128::from(content.room[index]), *var);
                }
            }
            for row in cells.values() {
                if self.contents.exact {
                    self.builder.zero(row);
                } else {
                    self.builder.at_most_zero(row);
                }
            }
        }
    }

    fn limits(&mut self) {
        for limit in &self.problem.limits {
            let mut hosts = Linear::constant(-i128::from(limit.most));
            for (content, var) in self.contents.contents.iter().zip(&self.hosts) {
                if limit.options.contains(&content.option) {
                    hosts.add(1, *var);
                }
            }
            self.builder.at_most_zero(&hosts);
        }
    }

    /// Hosts of an option.
    pub(crate) fn hosts_of(&self, option: OptionId) -> Linear {
        let mut hosts = Linear::default();
        for (content, var) in self.contents.contents.iter().zip(&self.hosts) {
            if content.option == option {
                hosts.add(1, *var);
            }
        }
        hosts
    }

    /// (option or any option of the site, column) for every cell a group may be in.
    pub(crate) fn items_of(&self, group: GroupId) -> Vec<(OptionId, Var)> {
        let first_at = |site: usize| {
            self.problem.options.iter().position(|o| o.site == site).map_or(0, |option| option)
        };
        self.items
            .range((group, 0)..=(group, usize::MAX))
            .map(|(&(_, cell), &var)| match self.grains[group.0] {
                Grain::Option => (OptionId(cell), var),
                Grain::Site => (OptionId(first_at(cell)), var),
            })
            .collect()
    }

    /// Items of a group at each site where it may be.
    pub(crate) fn by_site(&self, group: GroupId) -> BTreeMap<usize, Linear> {
        let mut sites: BTreeMap<usize, Linear> = BTreeMap::new();
        for (option, var) in self.items_of(group) {
            sites.entry(self.problem.options[option.0].site).or_default().add(1, var);
        }
        sites
    }

    /// A combination of measures as an expression.
    pub(crate) fn combination(&mut self, combination: &Combination) -> Result<Linear, Measured> {
        let mut sum = Linear::constant(combination.constant);
        for (coefficient, measure) in &combination.terms {
            let linear = self.measure(*measure)?;
            sum.add_all(*coefficient, &linear);
        }
        Ok(sum)
    }

    /// Requires a formula to hold where every guard is 1.
    pub(crate) fn require(&mut self, formula: &Formula, guards: &[Linear]) -> Result<(), Measured> {
        match formula {
            Formula::AtMostZero(combination) => {
                if guards.is_empty() && self.forbid_pairs(combination) {
                    return Ok(());
                }
                let linear = self.combination(combination)?;
                self.builder.at_most_zero_if(&linear, guards);
                Ok(())
            }
            Formula::And(parts) => parts.iter().try_for_each(|part| self.require(part, guards)),
            Formula::Or(parts) => {
                let mut none = Linear::constant(1);
                for part in parts {
                    let chosen = self.builder.binary();
                    none.add(-1, chosen);
                    let mut inner = guards.to_vec();
                    inner.push(Linear::var(chosen));
                    self.require(part, &inner)?;
                }
                self.builder.at_most_zero_if(&none, guards);
                Ok(())
            }
        }
    }
}
