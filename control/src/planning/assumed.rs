//! How far the choice depends on what was assumed: the plan again with half of each assumed number, and
//! with twice of it.

use coc_model::application::{Application, Link};
use coc_model::plan::{Assumption, Plan};
use coc_model::quantity::{Bytes, Cpu, Traffic};
use coc_optimizer::engine::Budget;
use coc_optimizer::lower::{Lowered, lower_after};
use coc_optimizer::portfolio::{Outcome, optimize};
use serde::Serialize;

use super::explain::{Difference, Explained, Verdict, budget, differences};
use super::tradeoff::moves;
use super::{PlanningError, bare, before};

/// An assumed number, and the plan with other numbers in its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Dependence {
    /// What was assumed.
    #[serde(flatten)]
    pub assumption: Assumption,
    /// With other numbers; none for what is no number.
    pub with: Vec<Instead>,
}

/// The plan with another number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Instead {
    /// The number.
    pub value: String,
    /// If there is a plan with it.
    pub verdict: Verdict,
    /// True if every replica stays on the kind of machine and at the place it is planned on.
    pub same: bool,
    /// The objectives with it.
    pub objective: Vec<Difference>,
}

impl Explained<'_> {
    /// How far a plan depends on each number that was assumed for it.
    ///
    /// # Errors
    /// None that reading the plan would not have given.
    pub fn dependence(&self, plan: &Plan) -> Result<Vec<Dependence>, PlanningError> {
        let others: Vec<_> =
            plan.assumed.iter().map(|a| instead(self.request.application, a)).collect();
        let mut left: u32 = others.iter().map(|o| u32::try_from(o.len()).unwrap_or(0)).sum();
        let mut found = Vec::new();
        for (assumption, others) in plan.assumed.iter().zip(others) {
            let mut with = Vec::new();
            for (value, other) in others {
                with.push(self.with(plan, value, &other, left)?);
                left -= 1;
            }
            found.push(Dependence { assumption: assumption.clone(), with });
        }
        Ok(found)
    }

    /// The plan over another application, in its share of the time: one of `parts` equal ones.
    fn with(
        &self,
        plan: &Plan,
        value: String,
        application: &Application,
        parts: u32,
    ) -> Result<Instead, PlanningError> {
        let request = self.request;
        let running = before(request);
        let lowered: Lowered =
            lower_after(running.as_ref(), application, request.rules, request.estate)?;
        let none = |verdict| Instead { value, verdict, same: false, objective: Vec::new() };
        let all = (request.time_left)();
        let kept = all - all / parts.max(1);
        let time_left = || (request.time_left)().saturating_sub(kept);
        let budget = Budget { time_left: &time_left, ..budget(request) };
        Ok(match optimize(&lowered.problem, request.engines, budget) {
            Outcome::Found(found) => {
                let verdict = if found.optimal() { Verdict::Possible } else { Verdict::Feasible };
                let other = bare(request, &lowered, &found);
                Instead {
                    same: moves(&plan.hosts, &other.hosts).is_empty(),
                    objective: differences(&self.lowered.problem, &self.found, &found),
                    ..none(verdict)
                }
            }
            Outcome::Infeasible(_) => none(Verdict::Impossible),
            Outcome::Unknown(..) => none(Verdict::Unknown),
        })
    }
}

/// The application with half of what was assumed declared, and with twice of it.
fn instead(application: &Application, assumption: &Assumption) -> Vec<(String, Application)> {
    [(1, 2), (2, 1)]
        .into_iter()
        .filter_map(|(times, parts)| declared(application, assumption, times, parts))
        .collect()
}

fn declared(
    application: &Application,
    assumption: &Assumption,
    times: u64,
    parts: u64,
) -> Option<(String, Application)> {
    let scaled = |number: u64| number.checked_mul(times).map(|n| n.div_ceil(parts));
    let mut other = application.clone();
    let value = match assumption.what.as_str() {
        "cpu" => {
            let cpu = Cpu(scaled(Cpu::parse(&assumption.value).ok()?.0)?);
            other.services.get_mut(&assumption.service)?.needs.cpu = Some(cpu);
            cpu.to_string()
        }
        "memory" => {
            let memory = Bytes(scaled(Bytes::parse(&assumption.value).ok()?.0)?);
            other.services.get_mut(&assumption.service)?.needs.memory = Some(memory);
            memory.to_string()
        }
        "traffic" => {
            let each_way = assumption.value.strip_suffix(" each way")?;
            let traffic = Traffic(scaled(Traffic::parse(each_way).ok()?.0)?);
            let (from, to) = assumption.service.split_once(" → ")?;
            exchange(&mut other, from, to, traffic)?;
            format!("{traffic} each way")
        }
        _ => return None,
    };
    Some((value, other))
}

/// Declares the traffic between two services, each way, on the first link between them.
fn exchange(application: &mut Application, from: &str, to: &str, traffic: Traffic) -> Option<()> {
    let link = application.links.iter_mut().find(|l| l.from == from && l.to == to)?;
    link.traffic = Some(traffic);
    let back = Link { from: to.to_owned(), to: from.to_owned(), ..link.clone() };
    application.links.push(back);
    Some(())
}
