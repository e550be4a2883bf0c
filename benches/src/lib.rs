//! What the benchmarks share: applications planned as the program plans them, the problems they come
//! to as documents for rivals, and the rivals' answers.

pub mod planning;
pub mod regions;
pub mod rival;

/// The most memory this process has had resident so far, in KiB; `None` where the system does not
/// tell.
pub fn peak_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
