//! HiGHS behind a safe door: a model is handed over whole, solved, and read back; every status is
//! looked at.
#![expect(unsafe_code, reason = "the solver has a C interface only")]

use std::ffi::{CString, c_int, c_void};
use std::time::{Duration, Instant};

use highs_sys as sys;

/// The number of threads, one for the whole process: the solver keeps one pool, and an instance
/// that asks for another number fails.
const THREADS: c_int = 1;

/// Presolve rules of the solver that are switched off, as a bit set of its rule numbers: 16,
/// "enumeration", calls feasible programs infeasible in version 1.16.0 (seen on a program of 69
/// columns of which presolve without this rule, or no presolve at all, finds the optimum).
const PRESOLVE_RULES_OFF: c_int = 1 << 16;

/// A column: a variable with bounds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    pub(crate) cost: f64,
    pub(crate) lower: f64,
    pub(crate) upper: f64,
    pub(crate) integer: bool,
}

/// A row: lower ≤ Σ coefficient · column ≤ upper.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) lower: f64,
    pub(crate) upper: f64,
    pub(crate) terms: Vec<(usize, f64)>,
}

/// What is to be minimised, and under what.
#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Row>,
}

/// What the solver says.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) status: Status,
    /// Values of the columns, if there is a solution.
    pub(crate) values: Option<Vec<f64>>,
    /// No solution has a smaller objective.
    pub(crate) bound: f64,
    pub(crate) nodes: u64,
    /// True if a second search, without presolve, found that there is nothing better.
    pub(crate) confirmed: bool,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Optimal,
    Infeasible,
    /// Stopped at a limit.
    Stopped,
}

/// The solver could not be used: which call failed.
#[derive(Clone, Debug)]
pub(crate) struct Failed(pub(crate) String);

struct Instance(*mut c_void);

impl Drop for Instance {
    fn drop(&mut self) {
        // SAFETY: the pointer came from Highs_create and is destroyed once.
        unsafe { sys::Highs_destroy(self.0) }
    }
}

impl Instance {
    fn new() -> Result<Self, Failed> {
        // SAFETY: no preconditions.
        let raw = unsafe { sys::Highs_create() };
        if raw.is_null() {
            Err(Failed("the solver could not be created".to_owned()))
        } else {
            Ok(Self(raw))
        }
    }

    fn checked(call: &str, status: c_int) -> Result<(), Failed> {
        // Warnings (status 1) are for example coefficients the solver takes as zero: not accepted.
        if status == sys::STATUS_OK {
            Ok(())
        } else {
            Err(Failed(format!("{call} answered {status}")))
        }
    }

    fn set_bool(&self, name: &str, value: bool) -> Result<(), Failed> {
        let option = CString::new(name).map_err(|e| Failed(e.to_string()))?;
        // SAFETY: the instance lives, the string is terminated.
        let status =
            unsafe { sys::Highs_setBoolOptionValue(self.0, option.as_ptr(), value.into()) };
        Self::checked(name, status)
    }

    fn set_text(&self, name: &str, value: &str) -> Result<(), Failed> {
        let option = CString::new(name).map_err(|e| Failed(e.to_string()))?;
        let value = CString::new(value).map_err(|e| Failed(e.to_string()))?;
        // SAFETY: the instance lives, the strings are terminated.
        let status =
            unsafe { sys::Highs_setStringOptionValue(self.0, option.as_ptr(), value.as_ptr()) };
        Self::checked(name, status)
    }

    fn set_int(&self, name: &str, value: c_int) -> Result<(), Failed> {
        let option = CString::new(name).map_err(|e| Failed(e.to_string()))?;
        // SAFETY: the instance lives, the string is terminated.
        let status = unsafe { sys::Highs_setIntOptionValue(self.0, option.as_ptr(), value) };
        Self::checked(name, status)
    }

    fn set_double(&self, name: &str, value: f64) -> Result<(), Failed> {
        let option = CString::new(name).map_err(|e| Failed(e.to_string()))?;
        // SAFETY: the instance lives, the string is terminated.
        let status = unsafe { sys::Highs_setDoubleOptionValue(self.0, option.as_ptr(), value) };
        Self::checked(name, status)
    }

    fn double_info(&self, name: &str) -> Option<f64> {
        let info = CString::new(name).ok()?;
        let mut value = 0.0;
        // SAFETY: the instance lives, the string is terminated, the target is one double.
        let status =
            unsafe { sys::Highs_getDoubleInfoValue(self.0, info.as_ptr(), &raw mut value) };
        (status == sys::STATUS_OK).then_some(value)
    }

    fn int_info(&self, name: &str) -> Option<c_int> {
        let info = CString::new(name).ok()?;
        let mut value: c_int = 0;
        // SAFETY: the instance lives, the string is terminated, the target is one int.
        let status = unsafe { sys::Highs_getIntInfoValue(self.0, info.as_ptr(), &raw mut value) };
        (status == sys::STATUS_OK).then_some(value)
    }

    fn nodes(&self) -> u64 {
        let Ok(info) = CString::new("mip_node_count") else { return 0 };
        let mut value: i64 = 0;
        // SAFETY: the instance lives, the string is terminated, the target is one 64-bit integer.
        let status = unsafe { sys::Highs_getInt64InfoValue(self.0, info.as_ptr(), &raw mut value) };
        if status == sys::STATUS_OK { u64::try_from(value).unwrap_or(0) } else { 0 }
    }
}

/// How long and how exactly to solve.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) time: Duration,
    pub(crate) seed: u64,
    pub(crate) relative_gap: f64,
    /// How far apart values of the objective lie, in its numbers.
    pub(crate) step: f64,
    /// When to stop.
    pub(crate) until: Until,
}

/// When a run has done enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    /// When nothing is better.
    Best,
    /// At the first solution: the objective only shows the way.
    First,
}

/// How a run of the solver is set up.
#[derive(Clone, Copy, Debug)]
struct Setup {
    presolve: &'static str,
    /// How far integers may be off; how far rows may be missed.
    tolerance: f64,
}

const PRESOLVED: Setup = Setup { presolve: "on", tolerance: 1e-9 };
const WHOLE: Setup = Setup { presolve: "off", tolerance: 1e-9 };
/// For models at whose answers the solver's own last check fails by a hair.
const LOOSE: Setup = Setup { presolve: "on", tolerance: 1e-8 };

/// Minimises a model. The solver's presolve has faults: that there is no solution is believed only if
/// it says so with and without; and after an optimum a second search, without, looks for something
/// better, for as long as the first one took and a second.
pub(crate) fn solve(model: &Model, settings: Settings) -> Result<Outcome, Failed> {
    let begun = Instant::now();
    let left = || settings.time.saturating_sub(begun.elapsed());
    let again = |setup| solve_once(model, Settings { time: left(), ..settings }, setup);
    let first = match solve_once(model, settings, PRESOLVED) {
        Ok(outcome) if outcome.status != Status::Infeasible => outcome,
        Ok(_) => return again(WHOLE),
        Err(_) => return again(WHOLE).or_else(|_| again(LOOSE)),
    };
    let best = first.status == Status::Optimal && settings.until == Until::Best;
    let Some(values) = first.values.as_ref().filter(|_| best) else {
        return Ok(first);
    };
    let time = left().min(begun.elapsed() + Duration::from_secs(1));
    let better = model.better_than(values, settings.step);
    let outcome = match solve_once(&better, Settings { time, ..settings }, WHOLE) {
        Ok(second) if second.status == Status::Infeasible => Outcome { confirmed: true, ..first },
        Ok(second) if second.values.is_some() => again(WHOLE)?,
        _ => first,
    };
    Ok(outcome)
}

impl Model {
    /// The model with nothing left but what is better than a solution by half a step, or by as much
    /// as the solver can see.
    fn better_than(&self, values: &[f64], step: f64) -> Self {
        let terms: Vec<(usize, f64)> = self
            .columns
            .iter()
            .enumerate()
            .filter(|(_, column)| column.cost != 0.0)
            .map(|(index, column)| (index, column.cost))
            .collect();
        let value: f64 = terms.iter().map(|(index, cost)| cost * values[*index]).sum();
        let seen = 1e-6_f64.max(value.abs() * 1e-7);
        let upper = value - seen.max(step / 2.0);
        let mut model = self.clone();
        model.rows.push(Row { lower: f64::NEG_INFINITY, upper, terms });
        model
    }
}

/// True if there is no solution even with fractions of hosts and items.
pub(crate) fn refutes(model: &Model, settings: Settings) -> bool {
    let mut relaxed = model.clone();
    for column in &mut relaxed.columns {
        (column.integer, column.cost) = (false, 0.0);
    }
    let answer = solve_once(&relaxed, settings, PRESOLVED);
    answer.is_ok_and(|outcome| outcome.status == Status::Infeasible)
}

fn solve_once(model: &Model, settings: Settings, setup: Setup) -> Result<Outcome, Failed> {
    // Rows without terms are judged here: what the solver makes of a model with such rows and no
    // columns is of no use.
    let broken = |r: &Row| r.terms.is_empty() && (r.lower > 0.0 || r.upper < 0.0);
    let ended =
        |status, values| Ok(Outcome { status, values, bound: 0.0, nodes: 0, confirmed: false });
    if model.rows.iter().any(broken) {
        return ended(Status::Infeasible, None);
    }
    if model.columns.is_empty() {
        return ended(Status::Optimal, Some(Vec::new()));
    }
    let instance = Instance::new()?;
    instance.set_bool("output_flag", false)?;
    instance.set_int("threads", THREADS)?;
    instance.set_int("random_seed", c_int::try_from(settings.seed % 1_000_000).unwrap_or(0))?;
    instance.set_text("presolve", setup.presolve)?;
    instance.set_int("presolve_rule_off", PRESOLVE_RULES_OFF)?;
    instance.set_double("time_limit", settings.time.as_secs_f64())?;
    if settings.until == Until::First {
        instance.set_int("mip_max_improving_sols", 1)?;
    }
    instance.set_double("mip_rel_gap", settings.relative_gap)?;
    instance.set_double("mip_abs_gap", 0.0)?;
    instance.set_double("mip_feasibility_tolerance", setup.tolerance)?;
    instance.set_double("primal_feasibility_tolerance", 1e-9)?;
    instance.set_double("dual_feasibility_tolerance", 1e-9)?;
    hand_over(&instance, model)?;
    // SAFETY: the instance holds a model.
    let status = unsafe { sys::Highs_run(instance.0) };
    if status == sys::STATUS_ERROR {
        return Err(Failed("the run failed".to_owned()));
    }
    read_back(&instance, model)
}

fn narrow(n: usize) -> Result<c_int, Failed> {
    c_int::try_from(n).map_err(|_| Failed("the model is too large for the solver".to_owned()))
}

fn hand_over(instance: &Instance, model: &Model) -> Result<(), Failed> {
    let of = |get: fn(&Column) -> f64| model.columns.iter().map(get).collect::<Vec<f64>>();
    let (cost, lower, upper) = (of(|c| c.cost), of(|c| c.lower), of(|c| c.upper));
    let integrality: Vec<c_int> = model.columns.iter().map(|c| c_int::from(c.integer)).collect();
    let row_lower: Vec<f64> = model.rows.iter().map(|r| r.lower).collect();
    let row_upper: Vec<f64> = model.rows.iter().map(|r| r.upper).collect();
    let (mut start, mut index, mut value) = (Vec::new(), Vec::new(), Vec::new());
    for row in &model.rows {
        start.push(narrow(index.len())?);
        for (column, coefficient) in &row.terms {
            index.push(narrow(*column)?);
            value.push(*coefficient);
        }
    }
    let (columns, rows, entries) =
        (narrow(model.columns.len())?, narrow(model.rows.len())?, narrow(index.len())?);
    // SAFETY: every array has the length that the counts before it say.
    let status = unsafe {
        sys::Highs_passMip(
            instance.0,
            columns,
            rows,
            entries,
            sys::MATRIX_FORMAT_ROW_WISE,
            sys::OBJECTIVE_SENSE_MINIMIZE,
            0.0,
            cost.as_ptr(),
            lower.as_ptr(),
            upper.as_ptr(),
            row_lower.as_ptr(),
            row_upper.as_ptr(),
            start.as_ptr(),
            index.as_ptr(),
            value.as_ptr(),
            integrality.as_ptr(),
        )
    };
    Instance::checked("passing the model", status)
}

fn read_back(instance: &Instance, model: &Model) -> Result<Outcome, Failed> {
    // SAFETY: the instance has run.
    let said = unsafe { sys::Highs_getModelStatus(instance.0) };
    let bounded = model.columns.iter().all(|c| c.lower.is_finite() && c.upper.is_finite());
    let status = match said {
        sys::MODEL_STATUS_OPTIMAL | sys::MODEL_STATUS_MODEL_EMPTY => Status::Optimal,
        sys::MODEL_STATUS_INFEASIBLE => Status::Infeasible,
        sys::MODEL_STATUS_UNBOUNDED_OR_INFEASIBLE if bounded => Status::Infeasible,
        sys::MODEL_STATUS_REACHED_TIME_LIMIT
        | sys::MODEL_STATUS_REACHED_ITERATION_LIMIT
        | sys::MODEL_STATUS_REACHED_SOLUTION_LIMIT
        | sys::MODEL_STATUS_UNKNOWN => Status::Stopped,
        other => return Err(Failed(format!("the solver ended with model status {other}"))),
    };
    let solved = instance.int_info("primal_solution_status") == Some(SOLUTION_FEASIBLE);
    let values = solved.then(|| column_values(instance, model)).transpose()?;
    let bound = instance.double_info("mip_dual_bound").unwrap_or(f64::NEG_INFINITY);
    let integer = model.columns.iter().any(|c| c.integer);
    let objective = instance.double_info("objective_function_value").unwrap_or(f64::NEG_INFINITY);
    let bound = if integer { bound } else { objective };
    Ok(Outcome { status, values, bound, nodes: instance.nodes(), confirmed: false })
}

/// `kSolutionStatusFeasible` of the C interface.
const SOLUTION_FEASIBLE: c_int = 2;

fn column_values(instance: &Instance, model: &Model) -> Result<Vec<f64>, Failed> {
    let mut values = vec![0.0; model.columns.len()];
    let mut column_duals = vec![0.0; model.columns.len()];
    let (mut rows, mut row_duals) = (vec![0.0; model.rows.len()], vec![0.0; model.rows.len()]);
    // SAFETY: every array has as many elements as the model has columns or rows.
    let status = unsafe {
        sys::Highs_getSolution(
            instance.0,
            values.as_mut_ptr(),
            column_duals.as_mut_ptr(),
            rows.as_mut_ptr(),
            row_duals.as_mut_ptr(),
        )
    };
    Instance::checked("reading the solution", status)?;
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: Settings = Settings {
        time: Duration::from_secs(10),
        seed: 0,
        relative_gap: 0.0,
        step: 1.0,
        until: Until::Best,
    };

    fn column(cost: f64, upper: f64) -> Column {
        Column { cost, lower: 0.0, upper, integer: true }
    }

    #[test]
    fn a_knapsack_is_solved() {
        let columns = vec![column(-5.0, 1.0), column(-4.0, 1.0), column(-3.0, 1.0)];
        let terms = vec![(0, 2.0), (1, 3.0), (2, 1.0)];
        let rows = vec![Row { lower: f64::NEG_INFINITY, upper: 5.0, terms }];
        let outcome = solve(&Model { columns, rows }, SETTINGS).unwrap();
        assert_eq!(outcome.status, Status::Optimal);
        assert_eq!(outcome.values.unwrap().iter().map(|v| v.round()).sum::<f64>(), 2.0);
        assert!((outcome.bound + 9.0).abs() < 1e-6);
    }

    #[test]
    fn models_without_columns_are_judged_by_their_rows() {
        let row = |lower| Row { lower, upper: 5.0, terms: Vec::new() };
        let ended = |lower| {
            let model = Model { columns: Vec::new(), rows: vec![row(lower)] };
            solve(&model, SETTINGS).unwrap().status
        };
        assert_eq!(ended(0.0), Status::Optimal);
        assert_eq!(ended(1.0), Status::Infeasible);
    }

    #[test]
    fn what_can_not_be_is_infeasible() {
        let rows = vec![Row { lower: 3.0, upper: f64::INFINITY, terms: vec![(0, 1.0)] }];
        let model = Model { columns: vec![column(1.0, 2.0)], rows };
        assert_eq!(solve(&model, SETTINGS).unwrap().status, Status::Infeasible);
    }
}
