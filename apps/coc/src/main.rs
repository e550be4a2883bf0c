//! `coc`: plans, proves, runs and keeps applications over several clouds.

mod arguments;
mod commands;
mod failure;
mod inputs;
mod mounts;
mod state;
mod talk;

use std::process::ExitCode;

use clap::Parser as _;

use arguments::{Arguments, Verb};
use failure::{Exit, Failure};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            talk::say(&format!("error: the program can't start: {error}"));
            return ExitCode::from(Exit::Failed as u8);
        }
    };
    let exit = match runtime.block_on(run(&arguments)) {
        Ok(exit) => exit,
        Err(failure) => told(failure),
    };
    ExitCode::from(exit as u8)
}

async fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let global = &arguments.global;
    match &arguments.verb {
        Verb::Check(check) => commands::check::run(global, check),
        Verb::Offers(offers) => commands::offers::run(global, offers),
        Verb::Goals(goals) => commands::goals::run(global, goals),
        Verb::Plan(plan) => commands::plan::run(global, plan).await,
        Verb::Verify(plan) => commands::verify::run(global, plan).await,
        Verb::Explain(explain) => commands::explain::run(global, explain).await,
        Verb::Surface(surface) => commands::surface::run(global, surface).await,
        Verb::Mount(mount) => commands::clouds::mount(global, mount).await,
        Verb::Unmount(unmount) => commands::clouds::unmount(global, unmount).await,
        Verb::Clouds => commands::clouds::list(global).await,
        Verb::Apply(apply) => commands::deploy::apply(global, apply).await,
        Verb::Status(asked) => commands::status::status(global, asked).await,
        Verb::Resources(asked) => commands::status::resources(global, asked).await,
        Verb::History(asked) => commands::status::history(global, asked).await,
        Verb::Destroy(destroy) => commands::deploy::destroy(global, destroy).await,
    }
}

/// Says what went wrong; gives the exit code for it.
fn told(failure: Failure) -> Exit {
    match failure {
        Failure::Input(mistakes, files) => {
            talk::say(talk::mistakes(&mistakes, &files).trim_end());
            Exit::WrongInput
        }
        Failure::Failed { says, hint } => {
            talk::say(&format!("error: {says}"));
            if let Some(hint) = hint {
                talk::say(&format!("  hint: {hint}"));
            }
            Exit::Failed
        }
        Failure::Told(exit) => exit,
    }
}
