//! How long the built-in catalog takes to open and how much memory that takes: `cargo bench -p
//! coc-catalog`. Ends with 1 if either is over its bar.
//!
//! Each opening is measured in a process of its own, as users meet it: with no memory at hand yet.
//! The bar is for the time on the processor: opening runs on one thread and waits for nothing, so
//! on a machine that does nothing else the clock shows the same.

use std::env;
use std::error::Error;
use std::fs;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

/// The longest that opening may take in the median.
const LONGEST: Duration = Duration::from_millis(100);

/// The most memory that the process may have held, in KiB.
const MOST_KIB: u64 = 150 * 1024;

/// How often it is opened.
const TIMES: usize = 15;

/// The argument that makes this program open the catalog once and tell what that took.
const ONCE: &str = "once";

fn main() -> Result<ExitCode, Box<dyn Error>> {
    if env::args().any(|argument| argument == ONCE) {
        open_once()?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut measured = (0..TIMES).map(|_| measure()).collect::<Result<Vec<_>, _>>()?;
    let peak = measured.iter().map(|opening| opening.kib).max().unwrap_or_default();
    measured.sort_by_key(|opening| opening.wall);
    println!("wall clock: {}", span(measured.iter().map(|opening| opening.wall)));
    measured.sort_by_key(|opening| opening.processor);
    println!("processor: {}", span(measured.iter().map(|opening| opening.processor)));
    println!("peak resident memory: {peak} KiB");
    if measured[TIMES / 2].processor > LONGEST || peak > MOST_KIB {
        eprintln!("over the bar of {LONGEST:?} and {MOST_KIB} KiB");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

/// What opening once took.
struct Opening {
    wall: Duration,
    processor: Duration,
    /// The peak of resident memory.
    kib: u64,
}

/// The fastest and the median of sorted times, in words.
fn span(times: impl Iterator<Item = Duration>) -> String {
    let times: Vec<Duration> = times.collect();
    format!("{:.1?} at best, {:.1?} in the median of {TIMES}", times[0], times[TIMES / 2])
}

/// Opens the catalog and prints nanoseconds by the wall clock and on the processor, and the peak of
/// resident memory in KiB.
fn open_once() -> Result<(), Box<dyn Error>> {
    let (start, before) = (Instant::now(), processor_nanos()?);
    let catalog = coc_catalog::builtin()?;
    let (wall, processor) = (start.elapsed().as_nanos(), processor_nanos()? - before);
    println!("{wall} {processor} {}", peak_kib()?);
    drop(catalog);
    Ok(())
}

/// Has another process open the catalog.
fn measure() -> Result<Opening, Box<dyn Error>> {
    let output = Command::new(env::current_exe()?).arg(ONCE).output()?;
    let text = String::from_utf8(output.stdout)?;
    let numbers = text.split_whitespace().map(str::parse).collect::<Result<Vec<u64>, _>>()?;
    let [wall, processor, kib] = numbers[..] else { return Err("it told nothing".into()) };
    let [wall, processor] = [wall, processor].map(Duration::from_nanos);
    Ok(Opening { wall, processor, kib })
}

/// How long the process has run on a processor, as the kernel tells it.
fn processor_nanos() -> Result<u64, Box<dyn Error>> {
    let times = fs::read_to_string("/proc/self/schedstat")?;
    let first = times.split_whitespace().next();
    Ok(first.ok_or("the kernel does not tell the time on the processor")?.parse()?)
}

/// The most memory the process has held so far, as the kernel tells it.
fn peak_kib() -> Result<u64, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    Ok(number.ok_or("the kernel does not tell the peak of memory")?.parse()?)
}
