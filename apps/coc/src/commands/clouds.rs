//! `coc mount`, `coc unmount`, `coc clouds`.

use coc_model::mistake::{Mistake, Mistakes};
use comfy_table::{Table, presets};
use serde_json::json;

use crate::arguments::{Global, Mount, Unmount};
use crate::failure::{Exit, Failure};
use crate::inputs;
use crate::mounts;
use crate::state::State;
use crate::talk;

/// Mounts the clouds of a file, after asking each what it has.
pub(crate) async fn mount(global: &Global, arguments: &Mount) -> Result<Exit, Failure> {
    let read = inputs::any(std::slice::from_ref(&arguments.file), &[])?;
    if read.clouds.is_empty() {
        let says = format!("{} holds no clouds", arguments.file);
        return Err(Failure::from(Mistakes::from(
            Mistake::of_request(says).hint("expected \"kind: Clouds\""),
        )));
    }
    let mut clouds = read.clouds;
    clouds.iter_mut().for_each(|c| c.read_only |= arguments.read_only);
    let names: Vec<String> = clouds.iter().map(|c| c.name.clone()).collect();
    let opened = mounts::opened(clouds.clone(), &global.dir)?;
    let markets = mounts::markets(opened).await?;
    let state = State::open(&global.dir).await?;
    mounts::keep(&state, &clouds).await?;
    for (mounted, _) in &markets {
        let market = &mounted.market;
        talk::say(&format!(
            "mounted {} ({}): {} sites, {} kinds of machines",
            mounted.cloud.name,
            mounted.cloud.driver,
            market.sites.len(),
            market.machines.len()
        ));
    }
    if global.json {
        talk::print_json(&json!({"mounted": names}));
    }
    Ok(Exit::Done)
}

/// Unmounts a cloud. Nothing in it is touched.
pub(crate) async fn unmount(global: &Global, arguments: &Unmount) -> Result<Exit, Failure> {
    let state = State::look(&global.dir).await?;
    if !mounts::forget(&state, &arguments.name).await? {
        let says = format!("no cloud is mounted as \"{}\"", arguments.name);
        return Err(Failure::with_hint(says, "coc clouds lists them"));
    }
    talk::say(&format!("unmounted {}; nothing in it was touched", arguments.name));
    if global.json {
        talk::print_json(&json!({"unmounted": arguments.name}));
    }
    Ok(Exit::Done)
}

/// Lists the mounted clouds, and whether they answer.
pub(crate) async fn list(global: &Global) -> Result<Exit, Failure> {
    let clouds = if State::is_there(&global.dir) {
        mounts::kept(&*State::open(&global.dir).await?.vault).await?
    } else {
        Vec::new()
    };
    let mut rows = Vec::new();
    for mounted in mounts::opened(clouds, &global.dir)? {
        let answer = match mounted.driver.market().await {
            Ok(market) => {
                format!("{} sites, {} kinds of machines", market.sites.len(), market.machines.len())
            }
            Err(failure) => failure.to_string(),
        };
        rows.push((mounted.cloud, answer));
    }
    if global.json {
        let clouds: Vec<_> = rows
            .iter()
            .map(|(c, answer)| json!({"name": c.name, "driver": c.driver, "endpoint": c.endpoint, "read_only": c.read_only, "state": answer}))
            .collect();
        talk::print_json(&json!({"clouds": clouds}));
    } else if rows.is_empty() {
        talk::say("no cloud is mounted: plans are over the built-in catalog");
    } else {
        let mut table = Table::new();
        table.load_preset(presets::NOTHING);
        table.set_header(["cloud", "driver", "mode", "state"]);
        for (cloud, answer) in &rows {
            let mode = if cloud.read_only { "read-only" } else { "managed" };
            table.add_row([&cloud.name, &cloud.driver, mode, answer]);
        }
        talk::print(&talk::trimmed(&table));
    }
    Ok(Exit::Done)
}
