//! Questions about a plan, answered over what it was made from.

use coc_control::planning::assumed::Dependence;
use coc_control::planning::explain::{
    Comparison, ExplainError, Explained, PriceOfGoal, Proved, RangeOfGoal, Verdict, Why,
};
use coc_control::planning::{PlanningError, Request};
use coc_model::mistake::{Mistake, MistakeLog, closest};
use coc_model::plan::{Plan, Status};
use serde_json::{Map, Value, json};

use super::alternative;
use crate::arguments::{Explain, Global};
use crate::commands::plan::{Ground, Past, Search, asked};
use crate::commands::verify::{same_ground, same_input};
use crate::failure::{Exit, Failure};
use crate::inputs::Input;
use crate::talk;

/// What was asked, answered.
pub(super) struct Answers {
    pub(super) why: Option<Vec<Why>>,
    /// Each alternative as typed.
    pub(super) why_not: Vec<(String, Comparison)>,
    pub(super) prices: Option<Vec<PriceOfGoal>>,
    pub(super) ranges: Option<Vec<RangeOfGoal>>,
    pub(super) assumed: Option<Vec<Dependence>>,
}

impl Answers {
    /// The answers as members of a document.
    pub(super) fn document(&self) -> Map<String, Value> {
        let mut document = Map::new();
        let mut add = |name: &str, value: Value| document.insert(name.to_owned(), value);
        if let Some(prices) = &self.prices {
            add("prices", json!(prices));
        }
        if let Some(ranges) = &self.ranges {
            add("ranges", json!(ranges));
        }
        if let Some(assumed) = &self.assumed {
            add("dependsOn", json!(assumed));
        }
        if let Some(why) = &self.why {
            add("why", json!(why));
        }
        if !self.why_not.is_empty() {
            let one = |(asked, answer): &(String, Comparison)| {
                let mut answer = json!(answer);
                answer["asked"] = json!(asked);
                answer
            };
            add("whyNot", self.why_not.iter().map(one).collect());
        }
        document
    }

    /// True if every answer is proved.
    pub(super) fn proved(&self) -> bool {
        let unknown = |text: &str| text == "unknown";
        let proved = |c: &Comparison| matches!(c.verdict, Verdict::Possible | Verdict::Impossible);
        self.prices.iter().flatten().all(|p| !unknown(&p.better))
            && self
                .ranges
                .iter()
                .flatten()
                .all(|r| !unknown(&r.tightest) && !unknown(&r.better_from))
            && self
                .assumed
                .iter()
                .flatten()
                .flat_map(|d| &d.with)
                .all(|w| matches!(w.verdict, Verdict::Possible | Verdict::Impossible))
            && self.why.iter().flatten().all(|w| proved(&w.elsewhere))
            && self.why_not.iter().all(|(_, c)| proved(c))
    }
}

/// Answers what was asked; `None` if nothing was.
pub(super) async fn find(
    global: &Global,
    arguments: &Explain,
    plan: &Plan,
) -> Result<Option<Answers>, Failure> {
    let asked = arguments.prices
        || arguments.ranges
        || arguments.assumed
        || arguments.why.is_some()
        || !arguments.why_not.is_empty();
    if !asked {
        return Ok(None);
    }
    if matches!(plan.status, Status::Infeasible | Status::Unknown) {
        let says = "there is no plan to ask about: the document says why there is none";
        return Err(Failure::with_hint(says, "coc explain PLAN shows the conflict"));
    }
    let mut input = same_input(plan)?;
    known_services(&input, arguments)?;
    let ground = same_ground(global, plan, &mut input).await?;
    let _busy = talk::Busy::with("planning again to answer");
    answered(arguments, plan, &input, &ground).map(Some)
}

fn known_services(input: &Input, arguments: &Explain) -> Result<(), Failure> {
    let services = &input.application.services;
    let mut log = MistakeLog::new();
    for name in arguments.why.iter().flatten().filter(|name| !services.contains_key(*name)) {
        let mut mistake = Mistake::of_request(format!("--why: there is no service \"{name}\""));
        mistake.hint = closest(name, services.keys().map(String::as_str))
            .map(|near| format!("did you mean \"{near}\"?"));
        log.push(mistake);
    }
    log.finish(()).map_err(Failure::from)
}

fn answered(
    arguments: &Explain,
    plan: &Plan,
    input: &Input,
    ground: &Ground,
) -> Result<Answers, Failure> {
    let search = Search { time: arguments.time, gap_ppm: 0, seed: plan.inputs.seed };
    asked(
        input,
        ground,
        search,
        Past { before: plan.before.as_ref(), ..Past::default() },
        |request| of_request(request, arguments, plan, input),
    )
}

fn of_request(
    request: &Request<'_>,
    arguments: &Explain,
    plan: &Plan,
    input: &Input,
) -> Result<Answers, Failure> {
    let failed = |error: ExplainError| of_explaining(error, input);
    let explained = Explained::read(request, plan).map_err(failed)?;
    let mut why_not = Vec::new();
    for typed in &arguments.why_not {
        let rules = alternative::rules(input, request.estate, typed)?;
        let text = rules.require.iter().find(|r| &*r.at.file == alternative::WHY_NOT);
        let text = text.map_or_else(String::new, |r| r.source.text.clone());
        let comparison = explained.why_not(&rules).map_err(|error| match error {
            ExplainError::Planning(PlanningError::Mistakes(mistakes)) => {
                alternative::wrong(mistakes, &text)
            }
            other => failed(other),
        })?;
        why_not.push((typed.clone(), comparison));
    }
    let compared = arguments.prices || arguments.ranges;
    let proved = compared.then(|| explained.proved(plan)).transpose().map_err(failed)?;
    let of_proved = |asked: bool| proved.as_ref().filter(|_| asked);
    Ok(Answers {
        why: arguments.why.as_ref().map(|w| explained.why(w)).transpose().map_err(failed)?,
        why_not,
        prices: of_proved(arguments.prices).map(Proved::prices).transpose().map_err(failed)?,
        ranges: of_proved(arguments.ranges).map(Proved::ranges),
        assumed: arguments
            .assumed
            .then(|| explained.dependence(plan))
            .transpose()
            .map_err(|error| failed(error.into()))?,
    })
}

fn of_explaining(error: ExplainError, input: &Input) -> Failure {
    match error {
        ExplainError::Planning(error) => Failure::of_planning(error, &input.files),
        ExplainError::NotProved(_) => {
            talk::say(&format!("error: {error}"));
            talk::say("  hint: give more time with --time");
            Failure::Told(Exit::LimitReached)
        }
        ExplainError::Another(_) => {
            Failure::with_hint(error.to_string(), "prices or clouds changed: plan again")
        }
    }
}
