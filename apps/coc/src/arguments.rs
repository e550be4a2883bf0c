//! What can be typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Plans where an application runs best over several clouds, proves it, runs it there, and keeps it.
#[derive(Debug, Parser)]
#[command(name = "coc", version, after_help = EXAMPLES, arg_required_else_help = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

const EXAMPLES: &str = "\
examples:
  coc plan compose.yaml                          any public cloud of the built-in catalog
  coc plan compose.yaml --goals goals.yaml -o plan.json
  coc plan goals.yaml                            other goals for an application that runs
  coc mount clouds.yaml && coc apply compose.yaml
  coc offers 'vcpu>=8 && area==\"EU\" && price<usd(0.4)'

exit codes:
  0 done   1 it failed   2 the input is wrong   3 no plan can exist   4 stopped before a proof";

const EXPLAIN_EXAMPLES: &str = "\
examples:
  coc explain plan.json --prices --ranges
  coc explain plan.json --why db --assumed
  coc explain plan.json --why-not 'db in eu-west-1' --why-not 'web on t4g.large in aws'
  coc explain plan.json --why-not 'count(hosts) <= 2'

Every answer is found by planning again, and as proved as the plan.
exit codes: 4 if an answer could not be proved in time";

const SURFACE_EXAMPLES: &str = "\
examples:
  coc surface compose.yaml --over cost --over 'latency(\"web\", \"db\")'
  coc surface compose.yaml --goals goals.yaml --over cost,count(hosts) --json

Smaller is better in every objective. What the goals require holds in every plan; what they make
best is not looked at.
exit codes: 3 if no plan can exist   4 if the time was over before every plan was found";

/// Options of every verb.
#[derive(Clone, Debug, Args)]
pub(crate) struct Global {
    /// The folder with the embedded state
    #[arg(long, global = true, default_value = ".coc", value_name = "DIR")]
    pub(crate) dir: PathBuf,
    /// Print one JSON document on stdout
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Say more on stderr
    #[arg(long, short, global = true)]
    pub(crate) verbose: bool,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Read and validate anything: applications, goals, clouds
    Check(Check),
    /// Search what clouds sell
    Offers(Offers),
    /// List the named goals, or say what one means
    Goals(Goals),
    /// Make a plan for an application
    Plan(Plan),
    /// Judge a plan by the checker alone
    Verify(PlanFile),
    /// Say what a plan rests on, why it is so, and what else would come to
    #[command(after_help = EXPLAIN_EXAMPLES)]
    Explain(Explain),
    /// Find every plan that no other beats in all of some objectives
    #[command(after_help = SURFACE_EXAMPLES)]
    Surface(Surface),
    /// Mount the clouds of a file
    Mount(Mount),
    /// Unmount a cloud; nothing in it is touched
    Unmount(Unmount),
    /// List the mounted clouds
    Clouds,
    /// Make a plan real
    Apply(Apply),
    /// Say what runs
    Status(Application),
    /// List native resources
    Resources(Application),
    /// List what was done, when and why
    History(Application),
    /// Remove everything of an application
    Destroy(Destroy),
}

/// Files to read, and how.
#[derive(Clone, Debug, Args)]
pub(crate) struct Files {
    /// The application's files: Compose, Kubernetes, or our own format
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<String>,
    /// Compose profiles to activate
    #[arg(long = "profile", value_name = "NAME")]
    pub(crate) profiles: Vec<String>,
}

/// `coc check`.
#[derive(Debug, Args)]
pub(crate) struct Check {
    #[command(flatten)]
    pub(crate) files: Files,
}

/// `coc offers`.
#[derive(Debug, Args)]
pub(crate) struct Offers {
    /// A condition over vcpu, memory, price, cloud, region, country, area, offer, arch, accelerator
    #[arg(value_name = "QUERY")]
    pub(crate) query: Option<String>,
    #[command(flatten)]
    pub(crate) catalog: Catalog,
    /// How many to show, the cheapest first
    #[arg(long, default_value_t = 20, value_name = "N")]
    pub(crate) limit: usize,
}

/// `coc goals`.
#[derive(Debug, Args)]
pub(crate) struct Goals {
    /// The goal or number to show; all of them if left out
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// A file with named goals of your own
    #[arg(long, value_name = "FILE")]
    pub(crate) goals: Vec<String>,
}

/// Where prices come from.
#[derive(Clone, Debug, Args)]
pub(crate) struct Catalog {
    /// A folder of catalog tables in place of the built-in catalog; of several, later ones win
    #[arg(long = "catalog", value_name = "DIR")]
    pub(crate) folders: Vec<PathBuf>,
}

/// What a plan is made from.
#[derive(Clone, Debug, Args)]
pub(crate) struct Planning {
    /// Goals, beside those in the application's files
    #[arg(long, value_name = "FILE")]
    pub(crate) goals: Vec<String>,
    /// Clouds to plan over, in place of the mounted ones
    #[arg(long, value_name = "FILE")]
    pub(crate) clouds: Vec<String>,
    #[command(flatten)]
    pub(crate) catalog: Catalog,
    /// How long to search, like 60s or 5m
    #[arg(long, default_value = "60s", value_parser = duration, value_name = "TIME")]
    pub(crate) time: std::time::Duration,
    /// Be content with a plan proved to be within this of the best, like 1%
    #[arg(long, default_value = "0", value_parser = gap, value_name = "GAP")]
    pub(crate) gap: u64,
    /// Seed of everything random in the search
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) seed: u64,
}

/// `coc plan`.
#[derive(Debug, Args)]
pub(crate) struct Plan {
    #[command(flatten)]
    pub(crate) files: Files,
    #[command(flatten)]
    pub(crate) planning: Planning,
    /// The plan to change from, in place of the one the application runs by
    #[arg(long, value_name = "PLAN")]
    pub(crate) from: Option<String>,
    /// Write the plan to a file
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// A plan in a file.
#[derive(Debug, Args)]
pub(crate) struct PlanFile {
    /// The plan's JSON file
    #[arg(value_name = "PLAN")]
    pub(crate) plan: String,
}

/// `coc explain`.
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The plan's JSON file
    #[arg(value_name = "PLAN")]
    pub(crate) plan: String,
    /// What the best plan would come to that is not where these services are now; all services, if
    /// none is named
    #[arg(long, num_args = 0.., value_name = "SERVICE")]
    pub(crate) why: Option<Vec<String>>,
    /// What a plan would come to in which this holds: SERVICE in PLACE, SERVICE on OFFER, or an
    /// expression of the goal language
    #[arg(long, value_name = "EXPR")]
    pub(crate) why_not: Vec<String>,
    /// How much better the best plan would be without each goal
    #[arg(long)]
    pub(crate) prices: bool,
    /// How far the number of each goal can be changed without changing what is best
    #[arg(long)]
    pub(crate) ranges: bool,
    /// How far the best plan depends on what was assumed: with half, and with twice of each number
    #[arg(long)]
    pub(crate) assumed: bool,
    /// How long to search for the answers, like 60s or 5m
    #[arg(long, default_value = "60s", value_parser = duration, value_name = "TIME")]
    pub(crate) time: std::time::Duration,
}

/// `coc surface`.
#[derive(Debug, Args)]
pub(crate) struct Surface {
    #[command(flatten)]
    pub(crate) files: Files,
    /// An objective, an expression of the goal language; two or three of them, in several options or
    /// with commas between
    #[arg(long, required = true, value_name = "EXPR")]
    pub(crate) over: Vec<String>,
    #[command(flatten)]
    pub(crate) planning: Planning,
}

/// `coc mount`.
#[derive(Debug, Args)]
pub(crate) struct Mount {
    /// A file with clouds
    #[arg(value_name = "FILE")]
    pub(crate) file: String,
    /// Never change anything in them
    #[arg(long)]
    pub(crate) read_only: bool,
}

/// `coc unmount`.
#[derive(Debug, Args)]
pub(crate) struct Unmount {
    /// The cloud's name
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
}

/// `coc apply`.
#[derive(Debug, Args)]
pub(crate) struct Apply {
    /// A plan's JSON file, or the application's files to plan first, or other goals for what runs
    #[arg(required = true, value_name = "PLAN|FILE")]
    pub(crate) files: Vec<String>,
    /// Compose profiles to activate
    #[arg(long = "profile", value_name = "NAME")]
    pub(crate) profiles: Vec<String>,
    #[command(flatten)]
    pub(crate) planning: Planning,
    /// Show every native call and make none
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Don't ask
    #[arg(long, short)]
    pub(crate) yes: bool,
}

/// An application, by name.
#[derive(Debug, Args)]
pub(crate) struct Application {
    /// The application; all of them if left out
    #[arg(value_name = "APP")]
    pub(crate) application: Option<String>,
}

/// `coc destroy`.
#[derive(Debug, Args)]
pub(crate) struct Destroy {
    /// The application
    #[arg(value_name = "APP")]
    pub(crate) application: String,
    /// Remove what holds data too
    #[arg(long)]
    pub(crate) with_data: bool,
    /// Show every native call and make none
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Don't ask for the name
    #[arg(long, short)]
    pub(crate) yes: bool,
}

fn duration(text: &str) -> Result<std::time::Duration, String> {
    coc_model::quantity::Micros::parse(text)
        .map(|micros| std::time::Duration::from_micros(micros.0))
        .map_err(|e| e.to_string())
}

/// A ratio as parts per million: `1%`, `0.01`.
fn gap(text: &str) -> Result<u64, String> {
    let (number, per_cent) = match text.strip_suffix('%') {
        Some(number) => (number.trim(), true),
        None => (text, false),
    };
    let decimal: coc_model::decimal::Decimal =
        number.parse().map_err(|e: coc_model::decimal::DecimalError| e.to_string())?;
    let ppm = decimal.atto() / if per_cent { 100_000_000_000_000 } else { 1_000_000_000_000 };
    u64::try_from(ppm).map_err(|_| "a gap is not negative".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn gaps_and_times_read() {
        assert_eq!(gap("1%"), Ok(10_000));
        assert_eq!(gap("0.5%"), Ok(5_000));
        assert_eq!(gap("0.01"), Ok(10_000));
        assert!(gap("-1%").is_err());
        assert_eq!(duration("5m").map(|d| d.as_secs()), Ok(300));
        assert!(duration("5").is_err());
    }
}
