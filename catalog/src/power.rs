//! The `power` table: what a vCPU of a provider's processors draws.

use std::sync::Arc;

use coc_model::catalog::ProcessorPower;
use coc_model::offer::Architecture;

use crate::figure::{ROW_LEFT_OUT, positive};
use crate::layers::Entry;
use crate::reading::Reading;
use crate::table::Table;

/// Cloud and processor.
pub(crate) type PowerKey = (Arc<str>, Arc<str>);

/// How the names of 64-bit ARM processors begin; all others in the table are x86_64.
const ARM: [&str; 5] = ["Graviton", "Ampere", "Altra", "Axion", "Cobalt"];

/// Reads the table. A row without both figures, or with the smaller above the larger, is of no use.
pub(crate) fn read(
    table: &Table,
    reading: &mut Reading,
    into: &mut Vec<Entry<PowerKey, ProcessorPower>>,
) {
    let required = ["cloud", "cpu_architecture", "min_watts_per_vcpu", "max_watts_per_vcpu"];
    let mut rows = reading.rows(table, &required);
    let [cloud, processor, least, most] = required.map(|name| rows.column(name));
    let [source, date] = ["source", "date"].map(|name| rows.column(name));
    while let Some(row) = reading.next(&mut rows) {
        let notices = &mut reading.notices;
        let [of_cloud, name, ..] = [cloud, processor, least, most].map(|c| row.need(c, notices));
        let [idle, full] = [least, most].map(|c| positive(&row, c, ROW_LEFT_OUT, notices));
        let (Some(of_cloud), Some(name), Some(idle_watts), Some(full_watts)) =
            (of_cloud, name, idle, full)
        else {
            continue;
        };
        if idle_watts > full_watts {
            let says = format!(
                "catalogue error: {} is {idle_watts}, more than {full_watts}; {ROW_LEFT_OUT}",
                least.name
            );
            notices.push(row.notice(least, says));
            continue;
        }
        let arm = ARM.iter().any(|prefix| name.starts_with(prefix));
        let intern = &mut reading.intern;
        let value = ProcessorPower {
            cloud: intern.text(of_cloud),
            processor: intern.text(name),
            architecture: if arm { Architecture::Arm64 } else { Architecture::X86_64 },
            idle_watts,
            full_watts,
            source: intern.source_or_not_stated(row.text(source), row.text(date)),
        };
        let key = (value.cloud.clone(), value.processor.clone());
        into.push(Entry { key, origin: reading.origin(&row), value });
    }
}
